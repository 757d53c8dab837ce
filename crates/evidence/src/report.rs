//! The report: one page that a judge can read and print, Chinese beside English.
//!
//! No script, no image, no font and no link to anywhere: a page that needs nothing
//! and sends nothing. Every text from a record is escaped.
//!
//! *Not here*: anything that was not checked.

use std::fmt::Write as _;

use docket::Statement;
use docket::plan::{AnswerTable, Cell};
use primitives::semantic::{Normal, Semantic};
use primitives::{InstitutionId, TimeMs};

use crate::case::{Case, Entry};
use crate::words::{self, Word};

mod joint;

/// Rows of one table that the report shows; `answer.json` has all.
const ROWS_SHOWN_MAX: usize = 1_000;
const STYLE: &str = include_str!("style.css");

/// Writes the report.
pub(crate) fn report(case: &Case) -> String {
    let mut page = Page::default();
    page.head(case);
    page.summary(case);
    page.answer(case);
    page.decisions(case);
    page.joint(case);
    page.sources(case);
    page.timeline(case);
    page.meaning(case);
    page.foot(case);
    page.out
}

#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn heading(&mut self, zh: &str, en: &str) {
        let _ = writeln!(self.out, "<h2>{}</h2>", both(zh, en));
    }

    fn paragraph(&mut self, zh: &str, en: &str) {
        let _ = writeln!(
            self.out,
            "<div class=\"pair\"><p lang=\"zh\">{zh}</p><p lang=\"en\">{en}</p></div>"
        );
    }

    fn term(&mut self, zh: &str, en: &str, html: &str) {
        let _ = writeln!(self.out, "<dt>{}</dt><dd>{html}</dd>", both(zh, en));
    }

    fn columns(&mut self, words: &[(&str, &str)]) {
        self.push("<thead><tr>");
        for (zh, en) in words {
            let _ = write!(self.out, "<th>{}</th>", both(zh, en));
        }
        self.push("</tr></thead>\n<tbody>\n");
    }

    fn row(&mut self, cells: &[String]) {
        self.push("<tr>");
        for cell in cells {
            let _ = write!(self.out, "<td>{cell}</td>");
        }
        self.push("</tr>\n");
    }

    fn head(&mut self, case: &Case) {
        let _ = write!(
            self.out,
            "<!doctype html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>证据报告 Evidence report {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{}</h1>\n<p>{}</p>\n</header>\n",
            case.question.short(),
            both("协查证据报告", "Report of evidence"),
            escape(&case.network_name),
        );
    }

    fn summary(&mut self, case: &Case) {
        self.heading("概要", "Summary");
        self.push("<dl>\n");
        let template = case.plan.template.as_str();
        let asked = name(words::template(template), template);
        self.term("查询", "Question", &asked);
        self.term("令状", "Warrant", &code(&case.warrant));
        if let Some(order) = &case.order {
            self.term("法律依据", "Legal basis", &escape(&order.basis));
        }
        self.term(
            "查询机构",
            "Requester",
            &self.institution(case, &case.requester),
        );
        self.term(
            "签发机构",
            "Authority",
            &self.institution(case, &case.authority),
        );
        let custodians = case.plan.custodians.iter();
        let custodians: Vec<_> = custodians
            .map(|custodian| self.institution(case, &custodian.institution))
            .collect();
        self.term("数据机构", "Custodians", &custodians.join("<br>"));
        let life = format!(
            "{} – {}",
            time(case.terms.not_before_ms),
            time(case.terms.expires_ms)
        );
        self.term("令状有效期", "Warrant valid", &life);
        let window = &case.plan.window;
        let window = format!("{} – {}", time(window.from_ms), time(window.to_ms));
        self.term("数据时间范围", "Data window", &window);
        self.term("对象数", "Subjects", &case.terms.subjects.to_string());
        self.joint_terms(case);
        let rows = format!("{} / {}", case.answer.rows(), case.plan.answer_cap);
        self.term("答案行数 / 上限", "Rows / cap", &rows);
        self.term("开启时间", "Disclosed", &time(case.disclosed_ms));
        self.term("导出时间", "Exported", &time(case.exported_ms));
        self.push("</dl>\n");
    }

    /// An institution by the name that people read, with its short name.
    #[allow(clippy::unused_self, reason = "reads with its siblings")]
    fn institution(&self, case: &Case, id: &InstitutionId) -> String {
        let member = case.members.iter().find(|member| member.id == *id);
        match member {
            Some(member) => format!("{} <code>{id}</code>", escape(&member.name)),
            None => format!("<code>{id}</code>"),
        }
    }

    fn answer(&mut self, case: &Case) {
        self.heading("答案", "Answer");
        if let Some(subjects) = &case.subjects {
            let shown = subjects
                .subjects
                .iter()
                .map(|s| escape(&s.selector.to_string()));
            let shown: Vec<_> = shown.take(ROWS_SHOWN_MAX).collect();
            self.push("<dl>\n");
            self.term("查询对象", "Subjects", &shown.join("<br>"));
            self.push("</dl>\n");
        }
        self.scenes(case);
        if case.answer.rows() == 0 {
            self.paragraph("没有符合条件的记录。", "No row matched.");
        }
        // A step that found nothing has nothing to show.
        let found = case
            .answer
            .tables
            .iter()
            .filter(|table| !table.rows.is_empty());
        for table in found {
            self.answer_table(case, table);
        }
    }

    fn answer_table(&mut self, case: &Case, table: &AnswerTable) {
        if case.joint.is_some() {
            self.joint_table(case, table, ROWS_SHOWN_MAX);
        } else {
            self.lookup_table(case, table);
        }
        if let Some(rest) = table.rows.len().checked_sub(ROWS_SHOWN_MAX + 1) {
            let rest = rest + 1;
            self.paragraph(
                &format!("另有 {rest} 行，见 answer.json。"),
                &format!("{rest} more rows stand in answer.json."),
            );
        }
    }

    fn lookup_table(&mut self, case: &Case, table: &AnswerTable) {
        let title = name(words::table(&table.table), &table.table);
        let _ = write!(
            self.out,
            "<div class=\"wide\"><table>\n<caption>{}. {title}</caption>\n<thead><tr>",
            table.step + 1
        );
        for column in &table.columns {
            let _ = write!(self.out, "<th>{}</th>", name(words::column(column), column));
        }
        let _ = writeln!(
            self.out,
            "<th>{}</th></tr></thead>\n<tbody>",
            both("来源", "Origin")
        );
        let semantics = semantics(case, table);
        for row in table.rows.iter().take(ROWS_SHOWN_MAX) {
            let mut cells: Vec<String> = row
                .cells
                .iter()
                .zip(&semantics)
                .map(|(cell, semantic)| value(cell, *semantic))
                .collect();
            let origins = row.origins.iter();
            let origins: Vec<_> = origins
                .map(|origin| {
                    format!(
                        "{} <code>{}</code>",
                        origin.institution,
                        origin.snapshot.short()
                    )
                })
                .collect();
            cells.push(origins.join("<br>"));
            self.row(&cells);
        }
        self.push("</tbody></table></div>\n");
    }

    fn decisions(&mut self, case: &Case) {
        self.heading("各机构的同意", "Approvals");
        self.push("<div class=\"wide\"><table>\n");
        self.columns(&[
            ("机构", "Institution"),
            ("方式", "How"),
            ("时间", "Time"),
            ("记录", "Record"),
        ]);
        for entry in &case.timeline {
            let Statement::Approved {
                question, by_rule, ..
            } = &entry.statement
            else {
                continue;
            };
            if *question != case.question {
                continue;
            }
            let how = match (by_rule, &entry.officer) {
                (Some(rule), _) => format!("{} {}", both("按规则", "By rule"), escape(rule)),
                (None, Some(officer)) => format!("{} {officer}", both("经办人", "Officer")),
                (None, None) => both("节点", "Node"),
            };
            self.row(&[
                self.institution(case, &entry.institution),
                how,
                time(entry.time_ms),
                code(&entry.digest.short()),
            ]);
        }
        self.push("</tbody></table></div>\n");
    }

    fn sources(&mut self, case: &Case) {
        self.heading("数据来源", "Sources");
        self.push("<div class=\"wide\"><table>\n");
        self.columns(&[
            ("机构", "Institution"),
            ("数据表", "Table"),
            ("行数", "Rows"),
            ("剔除", "Rejected"),
            ("提取时间", "Extracted"),
            ("方式", "Method"),
            ("快照根", "Snapshot root"),
        ]);
        for source in &case.sources {
            self.row(&[
                source.institution.to_string(),
                format!(
                    "{}<br><code>{}</code>",
                    name(words::table(&source.dataset.table), &source.dataset.table),
                    escape(&source.dataset.dataset)
                ),
                source.snapshot.rows.to_string(),
                source.snapshot.rejected.to_string(),
                time(source.snapshot.extracted_ms),
                escape(&source.snapshot.method),
                code(&source.snapshot.root),
            ]);
        }
        self.push("</tbody></table></div>\n");
    }

    fn timeline(&mut self, case: &Case) {
        self.heading("记录链", "Chain of records");
        self.push("<div class=\"wide\"><table>\n");
        self.columns(&[
            ("账本序号", "Log index"),
            ("时间", "Time"),
            ("事项", "What"),
            ("机构", "Institution"),
            ("签名人", "Signer"),
            ("摘要", "Digest"),
        ]);
        for entry in &case.timeline {
            self.row(&[
                entry.index.to_string(),
                time(entry.time_ms),
                what(entry),
                entry.institution.to_string(),
                entry
                    .officer
                    .as_ref()
                    .map_or_else(|| both("节点", "Node"), ToString::to_string),
                code(&entry.digest.short()),
            ]);
        }
        self.push("</tbody></table></div>\n");
    }

    fn meaning(&mut self, case: &Case) {
        self.heading("本报告证明什么", "What this shows");
        self.paragraph(
            "上列每条记录均由其机构签名，并已写入账本；账本的检查点由届时多数验证机构共同签署，验证机构名单自创始章程起逐步可查。",
            "Each record above is signed by its institution and stands on the ledger, under a checkpoint that a quorum of the validators in office cosigned; who was in office follows step by step from the founding charter.",
        );
        if case.joint.is_some() {
            self.joint_meaning(case);
        } else {
            self.lookup_meaning(case);
        }
        self.heading("本报告不证明什么", "What it does not show");
        self.paragraph(
            "机构原始数据本身是否真实；账本上是否另有与本令状有关的后续记录；签发机构的判断是否正当。",
            "That an institution's own data are true; that no later record about this warrant stands on the ledger; that the authority judged well.",
        );
        if case.joint.is_some() {
            self.joint_limits(case);
        }
        self.leaks(case);
    }

    fn lookup_meaning(&mut self, case: &Case) {
        self.paragraph(
            "查询在有效的令状之内提出；计划中的每个数据机构都先同意同一计划，再锁定输入；答案与账本上的承诺一致，每一行都注明其快照。",
            "The question was asked inside a warrant in force; every custodian of the plan approved that very plan before it committed its inputs; the answer opens the commitment on the ledger, and each row names its snapshot.",
        );
        if case.lookups.is_some() {
            self.paragraph(
                "校验时，每一行均由数据机构签名的数据重新解出；计划所及的每个对象都已向每张数据表查询；所得即此答案，不多一行，不少一行。",
                "When it was checked, every row was opened again from what its custodian signed; every selector that the plan reaches was asked of every table; what came of it is this answer, with no row more and none less.",
            );
        }
    }

    fn leaks(&mut self, case: &Case) {
        if !case.plan.leaks.is_empty() {
            self.heading("除答案外的知悉", "Learned beyond the answer");
            for leak in &case.plan.leaks {
                let text = serde_json::to_value(leak).unwrap_or_default();
                let text = text.as_str().unwrap_or_default();
                match words::leak(text) {
                    Some(word) => self.paragraph(word.zh, word.en),
                    None => self.paragraph(&escape(text), &escape(text)),
                }
            }
        }
    }

    fn foot(&mut self, case: &Case) {
        self.push("<footer>\n<dl>\n");
        self.term("网络标识", "Network", &code(&case.network));
        self.term("查询记录", "Question", &code(&case.question));
        let members = case.members.len().to_string();
        self.term(
            "成员机构 / 变更次数",
            "Members / changes",
            &format!("{members} / {}", case.changes),
        );
        self.term(
            "检查点涵盖记录数",
            "Records covered",
            &case.log_size.to_string(),
        );
        self.push("</dl>\n");
        self.paragraph(
            "时间均为北京时间（UTC+8）。校验：<code>cordon verify BUNDLE</code>。本页由证据逐字生成，改动一字即校验失败。",
            "Times are Beijing time (UTC+8). To check: <code>cordon verify BUNDLE</code>. This page is written from the evidence; with one character changed the bundle fails.",
        );
        self.push("</footer>\n</main>\n</body>\n</html>\n");
    }
}

/// What a record states, with the detail that matters to a reader.
fn what(entry: &Entry) -> String {
    let kind = entry.statement.kind();
    let mut text = name(words::kind(kind), kind);
    let detail = match &entry.statement {
        Statement::OfficerEnrolled {
            officer, duties, ..
        }
        | Statement::OfficerProposed {
            officer, duties, ..
        } => {
            let duties: Vec<_> = duties.iter().map(ToString::to_string).collect();
            format!("{officer}: {}", duties.join(", "))
        }
        Statement::DatasetPublished(dataset) => dataset.dataset.clone(),
        Statement::Denied { rule, act } => format!("{act}: {rule}"),
        Statement::RunAborted { cause, .. } => cause.clone(),
        Statement::Consulted { reader, what, .. } => format!("{reader}: {what}"),
        Statement::AnswerDisclosed { rows, .. } => format!("{rows}"),
        Statement::CountOpened { count, .. } => format!("{} / {}", count.rows, count.withheld),
        Statement::PassedOn { form, .. } => form.clone(),
        Statement::NoticeGiven { told, withheld } => format!("{told} / {withheld}"),
        Statement::RulesChanged(change) => {
            let bounds = change.rules.iter().map(|rule| {
                let (cap, hops, subjects) = (rule.answer_cap, rule.hops, rule.subjects);
                let name = &rule.name;
                format!("{name}: {}, ≤ {cap}, {hops}, {subjects}", rule.template)
            });
            bounds.collect::<Vec<_>>().join("; ")
        }
        _ => return text,
    };
    let _ = write!(text, "<span class=\"note\">{}</span>", escape(&detail));
    text
}

/// The meaning of each column of a table, where the catalogue says it.
fn semantics(case: &Case, table: &AnswerTable) -> Vec<Option<Semantic>> {
    let source = case
        .sources
        .iter()
        .find(|source| source.dataset.table == table.table);
    let meaning = |column: &String| {
        let columns = &source?.dataset.columns;
        let named = columns.iter().find(|known| known.name == *column)?;
        serde_json::from_value(named.semantic.clone().into()).ok()
    };
    table.columns.iter().map(meaning).collect()
}

fn value(cell: &Cell, semantic: Option<Semantic>) -> String {
    match (cell, semantic) {
        (Cell::Null, _) => String::new(),
        (Cell::Text(text), _) => escape(text),
        (Cell::Int(ms), Some(Semantic::Timestamp)) => {
            u64::try_from(*ms).map_or_else(|_| ms.to_string(), time)
        }
        (Cell::Int(number), Some(semantic)) => match semantic.check_int(*number) {
            Ok(number) => escape(&semantic.text(&Normal::Int(number))),
            Err(_) => number.to_string(),
        },
        (Cell::Int(number), None) => number.to_string(),
    }
}

/// A time in Beijing, to the second.
fn time(ms: TimeMs) -> String {
    const BEIJING_MS: i64 = 8 * 3_600_000;
    let local = i64::try_from(ms)
        .ok()
        .and_then(|ms| ms.checked_add(BEIJING_MS));
    match local.map(|ms| Semantic::Timestamp.check_int(ms)) {
        Some(Ok(ms)) => {
            let text = Semantic::Timestamp.text(&Normal::Int(ms));
            let (day, clock) = text.split_at(10);
            format!("{day} {}", clock.get(1..9).unwrap_or_default())
        }
        _ => format!("{ms} ms"),
    }
}

fn name(word: Option<Word>, fallback: &str) -> String {
    word.map_or_else(|| escape(fallback), |word| both(word.zh, word.en))
}

fn both(zh: &str, en: &str) -> String {
    format!("<span lang=\"zh\">{zh}</span> <span lang=\"en\">{en}</span>")
}

fn code(value: &impl ToString) -> String {
    format!("<code>{}</code>", escape(&value.to_string()))
}

/// Text as HTML shows it; control characters that HTML can't hold are dropped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            // Direction overrides would show a name as it is not written.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_record_is_markup() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&\u{0}\u{202e}"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp; \u{fffd}"
        );
    }

    #[test]
    fn times_are_beijings_and_never_fail() {
        assert_eq!(time(1_764_000_000_000), "2025-11-25 00:00:00");
        assert_eq!(time(u64::MAX), format!("{} ms", u64::MAX));
    }

    #[test]
    fn values_read_as_their_column_means_them() {
        assert_eq!(value(&Cell::Int(131_570), Some(Semantic::Money)), "1315.70");
        assert_eq!(value(&Cell::Int(7), None), "7");
        assert_eq!(
            value(&Cell::Int(i64::MAX), Some(Semantic::Date)),
            i64::MAX.to_string()
        );
        assert_eq!(value(&Cell::Null, Some(Semantic::Money)), "");
    }
}
