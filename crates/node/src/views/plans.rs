//! Plans in plain words: who computes what, what each side learns, what leaves an
//! institution and what does not, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use docket::{
    Plan, State, Statement,
    body::Order,
    plan::{JointPlan, Leak, Method, PlanCustodian, Source, Step},
};
use primitives::{Digest, InstitutionId};

use crate::{
    api::types::{
        Custody, LeakView, ParameterView, PastRun, PlanCost, PlanParameters, PlanParty,
        PlanStepView, PlanTableView, PlanView, TemplateView, TermView, Words,
    },
    approvals,
    core::Core,
    error::Result,
    requester::RunResult,
    store::Shelf,
};

/// The templates that can be asked.
#[must_use]
pub(crate) fn templates() -> Vec<TemplateView> {
    query::templates()
        .into_iter()
        .map(|known| TemplateView {
            template: known.id.into(),
            title_en: known.title_en.into(),
            title_zh: known.title_zh.into(),
            what_en: known.what_en.into(),
            what_zh: known.what_zh.into(),
            subjects: known.subjects.iter().map(|s| s.name().into()).collect(),
            parameters: known
                .parameters
                .iter()
                .map(|parameter| ParameterView {
                    name: parameter.name.into(),
                    what_en: parameter.what_en.into(),
                    what_zh: parameter.what_zh.into(),
                })
                .collect(),
            joint: known.joint.map(|begins| {
                match begins {
                    query::Begins::Scenes => "scenes",
                    query::Begins::Subjects => "subjects",
                    query::Begins::Window => "window",
                }
                .into()
            }),
            terms: known
                .terms
                .iter()
                .map(|term| TermView {
                    name: term.name.into(),
                    default: term.default,
                    least: term.least,
                    most: term.most,
                    what_en: term.what_en.into(),
                    what_zh: term.what_zh.into(),
                })
                .collect(),
            assessment: known.assessment.into(),
            impact: known.impact.to_string(),
        })
        .collect()
}

/// A plan in plain words; `question` where it was asked.
///
/// # Errors
/// A refusal where the plan can't be named.
pub(crate) fn plan(core: &Core, question: Option<&Digest>, plan: &Plan) -> Result<PlanView> {
    let state = core.state();
    let warrant = state.warrant(&plan.warrant);
    let order: Option<Order> = warrant
        .and_then(|warrant| warrant.issued)
        .and_then(|issued| core.body_of(&issued).ok());
    let explained = query::explain(plan);
    let title = query::template(plan.template.as_str());
    let runs_left = warrant.map_or(0, |w| w.terms.runs.saturating_sub(w.spent));
    let subjects = warrant.map_or(0, |w| w.terms.subjects);
    Ok(PlanView {
        question: question.map(ToString::to_string),
        warrant: plan.warrant.to_string(),
        plan: plan.digest()?.to_string(),
        template: plan.template.to_string(),
        title_en: title.as_ref().map_or("", |t| t.title_en).into(),
        title_zh: title.as_ref().map_or("", |t| t.title_zh).into(),
        requester: plan.requester.to_string(),
        window_ms: [plan.window.from_ms, plan.window.to_ms],
        hops: plan.hops,
        answer_cap: plan.answer_cap,
        bucket_keys: plan.bucket_keys,
        selectors_max: plan.selectors_max,
        parameters: PlanParameters {
            min_amount_minor: plan.parameters.min_amount_minor,
            within_ms: plan.parameters.within_ms,
            hops: plan.parameters.hops,
        },
        parties: parties(&state, plan),
        tables: tables(&state, plan),
        steps: (0u8..)
            .zip(&plan.steps)
            .map(|(n, s)| step(plan, n, s))
            .collect(),
        leaks: plan.leaks.iter().map(|leak| leaked(plan, *leak)).collect(),
        withheld: withheld(plan),
        lines_en: explained.lines_en,
        lines_zh: explained.lines_zh,
        cost: PlanCost {
            rounds: u32::try_from(plan.steps.len()).unwrap_or(u32::MAX),
            lookups: lookups(plan),
            selectors_max: plan.selectors_max,
            runs_left,
            last: past_run(core, plan),
            ..first_selectors(&state, plan, order.as_ref())
        },
        custody: custody(core, &state, plan, subjects),
    })
}

fn name(state: &State, institution: &InstitutionId) -> String {
    state
        .member(institution)
        .map_or_else(|| institution.to_string(), |member| member.name.clone())
}

fn leaked(plan: &Plan, leak: Leak) -> LeakView {
    let (text_en, text_zh) = query::explain_leak(leak, plan.bucket_keys);
    LeakView {
        leak: leak_name(leak),
        text_en,
        text_zh,
    }
}

fn leak_name(leak: Leak) -> String {
    let value = serde_json::to_value(leak).unwrap_or_default();
    value.as_str().unwrap_or_default().into()
}

/// Whether the requester learns it; the custodians learn the others.
fn is_requesters(leak: Leak) -> bool {
    matches!(leak, Leak::BucketSize | Leak::DayGranularity)
}

fn leak_words(plan: &Plan, requester: bool) -> Vec<Words> {
    plan.leaks
        .iter()
        .filter(|leak| is_requesters(**leak) == requester)
        .map(|leak| {
            let (en, zh) = query::explain_leak(*leak, plan.bucket_keys);
            Words::new(en, zh)
        })
        .collect()
}

fn withheld(plan: &Plan) -> Vec<Words> {
    let [first, second] = match &plan.joint {
        Some(joint) if joint.method == Method::Sets => [
            Words::new(
                "Neither of the two learns which of its own persons the other has; who counts sees noise beside the count.",
                "两家机构都不知道己方的哪些人也在对方；清点方除数目外只见噪声。",
            ),
            Words::new(
                "The requester learns the count and who is in both, and nobody who is in one alone.",
                "请求方只得知数目及同在两方的人，不知道只在一方的任何人。",
            ),
        ],
        Some(_) => [
            Words::new(
                "Nobody sees a row of anybody else: the three that compute see shares, which are noise by themselves.",
                "任何人都看不到他方的任何一行：三个计算方只见份额，单独即为噪声。",
            ),
            Words::new(
                "The requester learns the answer and its count, and nothing of what did not match.",
                "请求方只得知答案及其数量，不知道任何未匹配的内容。",
            ),
        ],
        None => [
            Words::new(
                "No custodian learns which subject is looked up, nor whether it has one.",
                "任何数据方都不知道查的是谁，也不知道自己是否查中。",
            ),
            Words::new(
                "The requester opens no row of anybody else, and never holds a whole table.",
                "请求方打不开其他人的任何一行，也不会持有整张表。",
            ),
        ],
    };
    vec![
        first,
        second,
        Words::new(
            "No custodian learns what another answers.",
            "任何数据方都不知道其他数据方的答复。",
        ),
        Words::new(
            "The ledger holds digests and counts: no subject, no row, no reason.",
            "账本只有摘要与计数：没有对象、没有数据行、没有事由。",
        ),
    ]
}

fn parties(state: &State, plan: &Plan) -> Vec<PlanParty> {
    let mut learns = vec![Words::new(
        format!(
            "The rows of the warrant's subjects and of those that the steps reach, at most {}.",
            plan.answer_cap
        ),
        format!(
            "令状对象及各步所及对象的数据行，至多 {} 行。",
            plan.answer_cap
        ),
    )];
    learns.extend(leak_words(plan, true));
    let mut all = vec![PlanParty {
        institution: plan.requester.to_string(),
        name: name(state, &plan.requester),
        role: "requester".into(),
        computes: vec![Words::new(
            "Blinds each subject, sends the blinded list, and opens with the answers those rows that belong to the warrant's subjects.",
            "将每个对象盲化后发出，再凭各方答复打开属于令状对象的数据行。",
        )],
        learns,
    }];
    for custodian in &plan.custodians {
        let names: Vec<&str> = custodian
            .tables
            .iter()
            .map(|t| t.dataset.as_str())
            .collect();
        all.push(PlanParty {
            institution: custodian.institution.to_string(),
            name: name(state, &custodian.institution),
            role: "custodian".into(),
            computes: vec![
                Words::new(
                    format!("Checks each blinded value against the authority's order, and evaluates it under the secret key of its tables {}.", names.join(", ")),
                    format!("逐一核对盲化值是否在令状之列，再以其数据表 {} 的密钥运算。", names.join("、")),
                ),
                Words::new(
                    format!("Sends the encrypted rows of whole buckets, each of at least {} keys.", plan.bucket_keys),
                    format!("以整桶为单位发出加密的数据行，每桶至少 {} 个键。", plan.bucket_keys),
                ),
            ],
            learns: leak_words(plan, false),
        });
    }
    all
}

fn tables(state: &State, plan: &Plan) -> Vec<PlanTableView> {
    let mut all = Vec::new();
    for custodian in &plan.custodians {
        for table in &custodian.tables {
            let snapshot = state
                .snapshot(&table.snapshot)
                .map(|known| &known.statement);
            all.push(PlanTableView {
                institution: custodian.institution.to_string(),
                dataset: table.dataset.clone(),
                table: table.table.clone(),
                snapshot: table.snapshot.to_string(),
                rows: snapshot.map_or(0, |s| s.rows),
                rejected: snapshot.map_or(0, |s| s.rejected),
                extracted_ms: snapshot.map_or(0, |s| s.extracted_ms),
            });
        }
    }
    all
}

fn step(plan: &Plan, number: u8, step: &Step) -> PlanStepView {
    let (text_en, text_zh) = query::explain_step(usize::from(number), step);
    let subjects = step.sources.iter().filter_map(|source| match source {
        Source::Subjects(semantic) => Some(semantic.name().to_owned()),
        Source::Step(_) => None,
    });
    let steps = step.sources.iter().filter_map(|source| match source {
        Source::Step(from) => Some(*from),
        Source::Subjects(_) => None,
    });
    let by: BTreeSet<String> = plan
        .custodians
        .iter()
        .filter(|custodian| custodian.tables.iter().any(|t| t.table == step.table))
        .map(|custodian| custodian.institution.to_string())
        .collect();
    PlanStepView {
        step: number,
        hop: step.hop,
        table: step.table.clone(),
        key: step.key.clone(),
        by: by.into_iter().collect(),
        columns: step.columns.clone(),
        from_subjects: subjects.collect(),
        from_steps: steps.collect(),
        text_en,
        text_zh,
    }
}

fn lookups(plan: &Plan) -> u32 {
    let tables = plan
        .custodians
        .iter()
        .flat_map(|custodian| &custodian.tables);
    let count = tables
        .map(|table| plan.steps.iter().filter(|s| s.table == table.table).count())
        .sum::<usize>();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The selectors of the steps that begin from the order's subjects, and the keys
/// in the buckets that they read.
fn first_selectors(state: &State, plan: &Plan, order: Option<&Order>) -> PlanCost {
    let (mut selectors, mut keys) = (0u64, 0u64);
    for step in &plan.steps {
        let kinds: Vec<_> = step
            .sources
            .iter()
            .filter_map(|source| match source {
                Source::Subjects(semantic) => Some(*semantic),
                Source::Step(_) => None,
            })
            .collect();
        let begins = order.map_or(0, |order| {
            let listed = order.blinded.iter();
            listed
                .filter(|blinded| kinds.contains(&blinded.semantic))
                .count() as u64
        });
        selectors += begins;
        let tables = plan
            .custodians
            .iter()
            .flat_map(|custodian| &custodian.tables);
        for table in tables.filter(|table| table.table == step.table) {
            let key = state.snapshot(&table.snapshot).and_then(|snapshot| {
                let mut keys = snapshot.statement.keys.iter();
                keys.find(|key| key.name == step.key)
            });
            if let Some(key) = key {
                let bucket = key.distinct.checked_shr(u32::from(key.bucket_bits));
                // Two subjects in one bucket read it once: never more than all.
                let read = begins.saturating_mul(bucket.unwrap_or(0).max(1));
                keys = keys.saturating_add(read.min(key.distinct));
            }
        }
    }
    PlanCost {
        rounds: 0,
        lookups: 0,
        selectors_first: u32::try_from(selectors).unwrap_or(u32::MAX),
        selectors_max: 0,
        keys_read_first: keys,
        runs_left: 0,
        last: None,
    }
}

/// The newest completed run of this requester with the same template.
fn past_run(core: &Core, plan: &Plan) -> Option<PastRun> {
    if plan.requester != core.me {
        return None;
    }
    let index = core.read_index();
    let mut bound: BTreeMap<Digest, u64> = BTreeMap::new();
    let mut ended: Vec<(Digest, u64, u32)> = Vec::new();
    for indexed in index.all() {
        match &indexed.record.header.statement {
            Statement::InputsCommitted { question, .. } => {
                bound.insert(*question, indexed.time_ms);
            }
            Statement::RunCompleted {
                question,
                evaluated,
                ..
            } if indexed.record.header.institution == core.me => {
                let all = evaluated.iter().copied().fold(0u32, u32::saturating_add);
                ended.push((*question, indexed.time_ms, all));
            }
            _ => {}
        }
    }
    let is_same = |question: &Digest| {
        let record = &index.get(question)?.record;
        match &record.header.statement {
            Statement::QuestionAsked(asked) => Some(asked.template == plan.template),
            _ => None,
        }
    };
    let (question, at, evaluated) = ended
        .into_iter()
        .rev()
        .find(|(question, ..)| is_same(question) == Some(true))?;
    drop(index);
    let result: RunResult = core.store.get(Shelf::Results, &question.0).ok()??;
    Some(PastRun {
        question: question.to_string(),
        evaluated,
        bytes: result.bytes,
        took_ms: at.saturating_sub(bound.get(&question).copied().unwrap_or(at)),
    })
}

fn custody(core: &Core, state: &State, plan: &Plan, subjects: u32) -> Option<Custody> {
    let mine = plan.custodian(&core.me)?;
    let rules = approvals::in_force(state, &core.me);
    let rule = approvals::matching(&rules, plan, subjects);
    let (leaves, stays, columns) = match &plan.joint {
        Some(joint) => shared(core, plan, joint),
        None => looked_up(state, plan, mine),
    };
    Some(Custody {
        to: plan.requester.to_string(),
        leaves,
        stays,
        learns: leak_words(plan, false),
        columns,
        rule: rule.map(|rule| rule.name.clone()),
        by_hand: match rule {
            Some(_) => Vec::new(),
            None => approvals::by_hand(&rules, plan, subjects),
        },
    })
}

/// What would leave, what would not, and the columns that leave, by kind of table.
type Leaving = (Vec<Words>, Vec<Words>, BTreeMap<String, Vec<String>>);

/// What leaves for a joint question: shares, which are noise by themselves.
fn shared(core: &Core, plan: &Plan, joint: &JointPlan) -> Leaving {
    let three = |by: &str| {
        let names: Vec<&str> = joint.computing.iter().map(InstitutionId::as_str).collect();
        names.join(by)
    };
    let own = joint.inputs.iter().filter(|input| input.owner == core.me);
    let leaves = own
        .map(|input| {
            let (en, zh) = query::explain_table(&input.table);
            if joint.method == Method::Sets {
                return Words::new(
                    format!("{en}: as sealed entries, noise to whoever has them; one opens only beside the other institution's entry for the same person, and only to {}.", plan.requester),
                    format!("{zh}：仅以密文条目发出，单独即为噪声；须与对方就同一人的条目合在一起才能打开，且只有 {} 能打开。", plan.requester),
                );
            }
            Words::new(
                format!("{en}: split into shares for {}; each of them sees noise, any two of them together could see it.", three(", ")),
                format!("{zh}：拆成份额分给 {}；单独一方只见噪声，任何两方合谋则可还原。", three("、")),
            )
        })
        .collect();
    let stays = vec![
        Words::new(
            "Every row as it is: nobody sees one, but for those of the answer.",
            "每一行原始数据：除答案所含外，任何人都看不到。",
        ),
        Words::new(
            format!(
                "Everything, where more rows are found than {}.",
                plan.answer_cap
            ),
            format!("若查得超过 {} 行，则什么也不打开。", plan.answer_cap),
        ),
    ];
    (leaves, stays, BTreeMap::new())
}

/// What leaves for lookups: encrypted rows, of which the requester opens some.
fn looked_up(state: &State, plan: &Plan, mine: &PlanCustodian) -> Leaving {
    let mut columns: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for step in &plan.steps {
        if mine.tables.iter().any(|table| table.table == step.table) {
            let opened = columns.entry(step.table.clone()).or_default();
            opened.extend(step.columns.iter().map(String::as_str));
        }
    }
    let (mut leaves, mut stays) = (Vec::new(), Vec::new());
    for table in &mine.tables {
        let opened = columns.get(&table.table).cloned().unwrap_or_default();
        let all: Vec<&str> = opened.iter().copied().collect();
        leaves.push(Words::new(
            format!(
                "From {}: encrypted rows in buckets of at least {} keys. {} can open those of the warrant's subjects and of whom the steps reach, and reads of them {}.",
                table.dataset, plan.bucket_keys, plan.requester, all.join(", ")
            ),
            format!(
                "{}：以每桶至少 {} 个键的加密数据行发出；{} 只能打开令状对象及各步所及对象的行，可见 {}。",
                table.dataset, plan.bucket_keys, plan.requester, all.join("、")
            ),
        ));
        let published = state
            .snapshot(&table.snapshot)
            .and_then(|snapshot| state.dataset(&snapshot.statement.dataset));
        let kept: Vec<&str> = published
            .iter()
            .flat_map(|dataset| &dataset.entry.columns)
            .map(|column| column.name.as_str())
            .filter(|column| !opened.contains(column))
            .collect();
        if !kept.is_empty() {
            stays.push(Words::new(
                format!("From {}: the columns {}.", table.dataset, kept.join(", ")),
                format!("{}：{} 等列。", table.dataset, kept.join("、")),
            ));
        }
    }
    stays.extend([
        Words::new(
            "The rows of everybody else stay unreadable to whoever receives them.",
            "其他任何人的数据行，收到者均无法读取。",
        ),
        Words::new(
            "Every other table, and the keys that the tables are looked up by.",
            "其他全部数据表，以及查询密钥。",
        ),
    ]);
    let columns = columns
        .into_iter()
        .map(|(table, columns)| (table, columns.into_iter().map(Into::into).collect()))
        .collect();
    (leaves, stays, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leak_is_somebodys_and_has_words_in_both_languages() {
        let all = [
            (Leak::SelectorCount, false),
            (Leak::Buckets, false),
            (Leak::VoucherCount, false),
            (Leak::TableSize, false),
            (Leak::Count, false),
            (Leak::BucketSize, true),
            (Leak::DayGranularity, true),
        ];
        for (leak, requesters) in all {
            assert_eq!(is_requesters(leak), requesters, "{leak:?}");
            let (en, zh) = query::explain_leak(leak, 256);
            assert!(en.ends_with('.') && zh.ends_with('。'), "{en} {zh}");
            let public = matches!(leak, Leak::TableSize | Leak::Count);
            let who = match requesters {
                true => "The requester",
                false if public => "Whoever reads the ledger",
                false => "Custodians",
            };
            assert!(en.starts_with(who), "{en}");
        }
        assert_eq!(leak_name(Leak::SelectorCount), "selector-count");
    }

    #[test]
    fn every_template_speaks_both_languages() {
        let all = templates();
        assert!(!all.is_empty());
        for template in all {
            let words = [
                &template.title_en,
                &template.title_zh,
                &template.what_en,
                &template.what_zh,
                &template.assessment,
            ];
            assert!(
                words.iter().all(|text| !text.is_empty()),
                "{}",
                template.template
            );
            assert!(template.joint.is_some() || !template.subjects.is_empty());
        }
    }
}
