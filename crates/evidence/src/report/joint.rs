//! What the report says of a joint question, beside what it says of every other.

use docket::body::Scene;
use docket::joint::Form;
use docket::plan::{AnswerTable, Cell, JointPlan, Method};

use super::{Page, both, code, escape, name, time};
use crate::case::Case;
use crate::joint::JointRun;
use crate::words;

impl Page {
    /// Who computed and what was counted, among the summary's terms.
    pub(super) fn joint_terms(&mut self, case: &Case) {
        if case.terms.scenes > 0 {
            let scenes = case.terms.scenes.to_string();
            self.term("案发时间地点数", "Number of scenes", &scenes);
        }
        let Some((plan, run)) = joint(case) else {
            return;
        };
        let computing = plan.computing.iter();
        let computing: Vec<_> = computing.map(|id| self.institution(case, id)).collect();
        self.term("计算机构", "Computed by", &computing.join("<br>"));
        let count = format!("{} / {}", run.count.rows, run.count.withheld);
        self.term(
            "找到行数 / 因人数过少未公布的组数",
            "Rows found / groups withheld for too few persons",
            &count,
        );
    }

    /// The order's scenes, in the clear.
    pub(super) fn scenes(&mut self, case: &Case) {
        let scenes = case.order.iter().flat_map(|order| &order.scenes);
        let shown: Vec<_> = scenes.map(scene).collect();
        if !shown.is_empty() {
            self.push("<dl>\n");
            self.term("案发时间地点", "Scenes", &shown.join("<br>"));
            self.push("</dl>\n");
        }
    }

    /// The tables that were shared.
    pub(super) fn joint(&mut self, case: &Case) {
        let Some((plan, run)) = joint(case) else {
            return;
        };
        self.heading("联合计算", "Computed jointly");
        let (zh, en) = match plan.method {
            Method::Shares => (
                "各机构把下列数据表拆分成三份，交由三个计算机构共同计算；任何一个计算机构都看不到表中内容。计算之前，各机构已在账本上锁定自己所拆分的各份。行数含填充。",
                "The institutions below split these tables into shares for the three that computed; none of the three alone sees what is in them. Before anybody computed, each owner bound itself on the ledger to the shares that it gave. Rows count the padding.",
            ),
            Method::Sets => (
                "两家机构在互不出示的情况下比对下列名单，令状签发机构清点共有的人数，除人数外只见噪声。比对之前，两家机构已在账本上锁定各自的名单。行数含填充。",
                "The two institutions below compared these sets without showing them to anybody; the authority counted what is in both, and saw noise beside the count. Before anybody compared, each of the two bound itself on the ledger to its set. Rows count the padding.",
            ),
        };
        self.paragraph(zh, en);
        self.push("<div class=\"wide\"><table>\n");
        self.columns(&[
            ("机构", "Institution"),
            ("数据表", "Table"),
            ("行数", "Rows"),
        ]);
        for table in &run.tables {
            self.row(&[
                self.institution(case, &table.owner),
                name(words::joint_table(&table.table), &table.table),
                table.rows.to_string(),
            ]);
        }
        self.push("</tbody></table></div>\n");
    }

    /// What the joint answer's chain of evidence shows.
    pub(super) fn joint_meaning(&mut self, case: &Case) {
        if is_of_sets(case) {
            self.paragraph(
                "查询在有效的令状之内提出；计划中的每个数据机构都先同意同一计划，再锁定各自的名单；三个机构先共同签署共有的人数，两家机构再各自签署其交付的名单（密文）。答案中的每个人，都由两家机构所签名单中各一条密文合在一起才能打开。",
                "The question was asked inside a warrant in force; every custodian of the plan approved that very plan before anybody committed its set; the three first signed how many persons both sets have, then each of the two the list of sealed entries that it gave. Each person of the answer opens only from two entries together, one of each list that was signed.",
            );
            return;
        }
        self.paragraph(
            "查询在有效的令状之内提出；计划中的每个数据机构都先同意同一计划，各机构再锁定输入；三个计算机构先共同签署找到的行数，再各自签署其交付的一份答案。答案各行由这三份合成，出自全部共享的数据表，不指明出自哪一张。",
            "The question was asked inside a warrant in force; every custodian of the plan approved that very plan before anybody committed its inputs; the three that computed first signed how many rows they found, then each its part of the answer. The rows are what these parts add up to; they come from all shared tables together and name none of them.",
        );
    }

    /// What it can't show.
    pub(super) fn joint_limits(&mut self, case: &Case) {
        if is_of_sets(case) {
            self.paragraph(
                "各机构所比对的是否与其快照一致；三者中是否有两方串通：任何两方合在一起，可在清点之前得知谁同在两份名单。查询方在其他令状下进行的联合计算是否超出章程限额，由届时的验证机构判断，不在本证据包之内。",
                "It does not show that what an institution compared is what its snapshot holds, nor that no two of the three were in league: two of them together could learn who is in both sets before anything was counted. Whether the requester's joint questions under other warrants kept to the charter's limit was judged by the validators of the time, and is not in this bundle.",
            );
            return;
        }
        self.paragraph(
            "各机构所共享的是否与其快照一致；三个计算机构中是否有两个串通。两个计算机构合在一起可以看到一切、改动一切。查询方在其他令状下进行的联合计算是否超出章程限额，由届时的验证机构判断，不在本证据包之内。",
            "It does not show that what an owner shared is what its snapshot holds, nor that no two of the three that computed were in league. Two of the three together could see everything and change everything. Whether the requester's joint questions under other warrants kept to the charter's limit was judged by the validators of the time, and is not in this bundle.",
        );
    }

    /// The head of a joint answer's table: its columns, without origins.
    pub(super) fn joint_table(&mut self, case: &Case, table: &AnswerTable, rows_max: usize) {
        let title = name(words::template(&table.table), &table.table);
        self.push("<div class=\"wide\"><table>\n<caption>");
        self.push(&title);
        self.push("</caption>\n<thead><tr>");
        for column in &table.columns {
            let column = name(words::joint_column(column), column);
            self.push(&format!("<th>{column}</th>"));
        }
        self.push("</tr></thead>\n<tbody>\n");
        let fields = joint(case).map(|(plan, _)| plan.fields.as_slice());
        let forms: Vec<_> = fields
            .unwrap_or_default()
            .iter()
            .map(|field| &field.form)
            .filter(|form| !matches!(form, Form::Key { .. }))
            .collect();
        for row in table.rows.iter().take(rows_max) {
            let cells = row.cells.iter().zip(&forms);
            let cells: Vec<_> = cells.map(|(cell, form)| value(cell, form)).collect();
            self.row(&cells);
        }
        self.push("</tbody></table></div>\n");
        if is_of_sets(case) {
            self.paragraph(
                "每一行都同时出现在两家机构的名单上；只在一份名单上的人不在其中。",
                "Each row stands in both institutions' sets; nobody is here who stands in one alone.",
            );
            return;
        }
        self.paragraph(
            "各行出自全部共享的数据表，不指明出自哪一张。",
            "The rows come from all shared tables together; none names the table that it is from.",
        );
    }
}

fn joint(case: &Case) -> Option<(&JointPlan, &JointRun)> {
    case.plan.joint.as_ref().zip(case.joint.as_ref())
}

fn is_of_sets(case: &Case) -> bool {
    joint(case).is_some_and(|(plan, _)| plan.method == Method::Sets)
}

fn scene(scene: &Scene) -> String {
    let place = match scene.cell {
        Some(cell) => format!("{} {}", both("基站", "Cell"), code(&cell)),
        None => both("全市", "The whole city"),
    };
    format!("{place} {} – {}", time(scene.from_ms), time(scene.to_ms))
}

fn value(cell: &Cell, form: &Form) -> String {
    match (cell, form) {
        (Cell::Null, _) => String::new(),
        (Cell::Text(text), _) => escape(text),
        // The words of such a field are never negative.
        (Cell::Int(number), Form::Thousandths { .. }) => {
            format!("{}.{:03}", number / 1_000, (number % 1_000).abs())
        }
        (Cell::Int(number), _) => number.to_string(),
    }
}
