//! What an overseer should look at without being asked.
//!
//! | alarm | when |
//! |---|---|
//! | `budget` | a warrant in force has spent four fifths of its runs, or all |
//! | `repeated` | the same question (template and custodians) three times in a case within a week |
//! | `denials` | an institution's acts were denied five times within a day |
//! | `fault` | a run blames an institution |
//! | `late` | a draft or a question has waited for its decision for a day |
//! | `notice` | a warrant under which an answer was opened is over for thirty days, and not all whom it named are accounted for |
//! | `equivocation` | a node states evidence that a member contradicted itself as a validator; checked here |
//! | `stalled` | the ledger hears too few members to go on |
//! | `behind` | a member is not heard, or many heights behind |
//!
//! *Invariants*: a function of ledger, bodies and clock; nothing is remembered. Who is
//! said to have contradicted itself is accused only where the evidence verifies here.

use std::collections::BTreeMap;

use docket::{
    State, Statement,
    body::FaultEvidence,
    state::{QuestionPhase, Warrant, WarrantPhase},
};
use primitives::{Digest, WarrantId};

use super::phase;
use crate::{
    api::types::Alarm,
    core::{Core, Index},
    rules,
};

/// Within which the same question counts as repeated.
const REPEATED_WITHIN_MS: u64 = 7 * 24 * 3_600_000;
/// From how many on.
const REPEATED_FROM: usize = 3;
/// Within which denials are counted together.
const DENIALS_WITHIN_MS: u64 = 24 * 3_600_000;
/// From how many on.
const DENIALS_FROM: usize = 5;
/// How long a decision may take.
const LATE_AFTER_MS: u64 = 24 * 3_600_000;
/// How long after a warrant's end those whom it named may wait for notice of it.
const NOTICE_WITHIN_MS: u64 = 30 * 24 * 3_600_000;
/// For how long a fault is shown.
const FAULT_SHOWN_MS: u64 = 30 * 24 * 3_600_000;
/// How many heights behind is behind.
const BEHIND_FROM: u64 = 16;
/// Alarms given at most.
const ALARMS_MAX: usize = 500;

/// The alarms of now, the gravest and newest first.
#[must_use]
pub(crate) fn alarms(core: &Core) -> Vec<Alarm> {
    let state = core.state();
    let now = core.now_ms();
    let mut all = network(core, &state, now);
    {
        let index = core.read_index();
        all.extend(over_dockets(core, &state, &index, now));
    }
    let rank = |alarm: &Alarm| match alarm.severity.as_str() {
        "critical" => 0,
        "warning" => 1,
        _ => 2,
    };
    all.sort_by_key(|alarm| (rank(alarm), std::cmp::Reverse(alarm.since_ms)));
    all.truncate(ALARMS_MAX);
    all
}

fn alarm(kind: &str, severity: &str, since_ms: u64, words: (String, String)) -> Alarm {
    Alarm {
        alarm: kind.into(),
        severity: severity.into(),
        warrant: None,
        question: None,
        institution: None,
        since_ms,
        records: Vec::new(),
        text_en: words.0,
        text_zh: words.1,
    }
}

/// What the dockets show.
fn over_dockets(core: &Core, state: &State, index: &Index, now: u64) -> Vec<Alarm> {
    let mut all = Vec::new();
    for (id, warrant) in state.warrants() {
        let time = |digest: &Digest| index.get(digest).map_or(now, |indexed| indexed.time_ms);
        all.extend(budget(index, id, warrant, now));
        all.extend(late(id, warrant, now, time));
        all.extend(notice(index, id, warrant, now));
    }
    all.extend(repeated(state, index, now));
    all.extend(equivocations(core, state, index));
    all.extend(denials(index, now));
    all.extend(faults(index, now));
    all
}

fn budget(index: &Index, id: &WarrantId, warrant: &Warrant, now: u64) -> Option<Alarm> {
    let (runs, spent) = (warrant.terms.runs, warrant.spent);
    let near = spent > 0 && u64::from(spent) * 5 >= u64::from(runs) * 4;
    if !near || phase(warrant, now) != "issued" {
        return None;
    }
    let spending = index
        .docket(id)
        .filter(|indexed| {
            let statement = &indexed.record.header.statement;
            matches!(statement, Statement::InputsCommitted { .. })
        })
        .last();
    let words = (
        format!(
            "{} has spent {spent} of {runs} runs of its warrant.",
            warrant.requester
        ),
        format!(
            "{} 的令状已用 {spent} 次，共 {runs} 次。",
            warrant.requester
        ),
    );
    let severity = if spent >= runs { "warning" } else { "info" };
    Some(Alarm {
        warrant: Some(id.to_string()),
        institution: Some(warrant.requester.to_string()),
        records: spending
            .iter()
            .map(|i| i.record.digest.to_string())
            .collect(),
        ..alarm(
            "budget",
            severity,
            spending.map_or(now, |i| i.time_ms),
            words,
        )
    })
}

fn late(id: &WarrantId, warrant: &Warrant, now: u64, time: impl Fn(&Digest) -> u64) -> Vec<Alarm> {
    let is_late = |since: u64| now.saturating_sub(since) > LATE_AFTER_MS;
    let hours = |since: u64| now.saturating_sub(since) / 3_600_000;
    let mut all = Vec::new();
    let drafted = time(&warrant.draft);
    if warrant.phase == WarrantPhase::Drafted && is_late(drafted) {
        let words = (
            format!(
                "{} has not decided on a draft for {} hours.",
                warrant.authority,
                hours(drafted)
            ),
            format!(
                "{} 已有 {} 小时未对申请作出决定。",
                warrant.authority,
                hours(drafted)
            ),
        );
        all.push(Alarm {
            warrant: Some(id.to_string()),
            institution: Some(warrant.authority.to_string()),
            records: vec![warrant.draft.to_string()],
            ..alarm("late", "info", drafted, words)
        });
    }
    if phase(warrant, now) != "issued" {
        return all;
    }
    for (question, known) in &warrant.questions {
        let asked = time(question);
        if known.phase != QuestionPhase::Open || !is_late(asked) {
            continue;
        }
        let silent = known.custodians.iter().map(|asked| &asked.institution);
        for who in silent.filter(|who| !known.decisions.contains_key(*who)) {
            let words = (
                format!(
                    "{who} has not decided on a question for {} hours.",
                    hours(asked)
                ),
                format!("{who} 已有 {} 小时未对查询作出决定。", hours(asked)),
            );
            all.push(Alarm {
                warrant: Some(id.to_string()),
                question: Some(question.to_string()),
                institution: Some(who.to_string()),
                records: vec![question.to_string()],
                ..alarm("late", "info", asked, words)
            });
        }
    }
    all
}

/// Notice that is overdue.
fn notice(index: &Index, id: &WarrantId, warrant: &Warrant, now: u64) -> Option<Alarm> {
    let left = warrant.terms.subjects - warrant.noticed;
    let mut questions = warrant.questions.values();
    let opened = questions.any(|known| !known.disclosed.is_empty());
    let revoked = index
        .docket(id)
        .find(|i| matches!(i.record.header.statement, Statement::WarrantRevoked {}))
        .map(|indexed| indexed.time_ms);
    let ended = revoked.unwrap_or(warrant.terms.expires_ms);
    let due = ended.saturating_add(NOTICE_WITHIN_MS);
    if left == 0 || !opened || now <= due {
        return None;
    }
    let days = (now - ended) / (24 * 3_600_000);
    let who = &warrant.requester;
    let words = (
        format!(
            "{who} has not accounted for notice to {left} subjects; the warrant ended {days} days ago."
        ),
        format!("{who} 尚未说明是否告知 {left} 个对象；令状已终止 {days} 天。"),
    );
    Some(Alarm {
        warrant: Some(id.to_string()),
        institution: Some(who.to_string()),
        records: warrant.issued.iter().map(ToString::to_string).collect(),
        ..alarm("notice", "warning", due, words)
    })
}

fn repeated(state: &State, index: &Index, now: u64) -> Vec<Alarm> {
    type Same = (Digest, String, String, Vec<String>);
    let mut same: BTreeMap<Same, Vec<(u64, Digest, WarrantId)>> = BTreeMap::new();
    for (id, warrant) in state.warrants() {
        for (question, known) in &warrant.questions {
            let Some(asked) = index.get(question).map(|indexed| indexed.time_ms) else {
                continue;
            };
            if now.saturating_sub(asked) > REPEATED_WITHIN_MS {
                continue;
            }
            let custodians = known.custodians.iter().map(|c| c.institution.to_string());
            let key = (
                warrant.terms.case,
                warrant.requester.to_string(),
                known.template.to_string(),
                custodians.collect(),
            );
            same.entry(key).or_default().push((asked, *question, *id));
        }
    }
    same.into_iter()
        .filter(|(_, asked)| asked.len() >= REPEATED_FROM)
        .map(|((_, requester, template, _), mut asked)| {
            asked.sort_unstable();
            let count = asked.len();
            let (last_ms, last, warrant) = asked[count - 1];
            let words = (
                format!("{requester} has asked {template} of the same custodians {count} times in one case within a week."),
                format!("{requester} 在同一案件中一周内向相同数据方提出 {template} {count} 次。"),
            );
            Alarm {
                warrant: Some(warrant.to_string()),
                question: Some(last.to_string()),
                institution: Some(requester),
                records: asked.iter().map(|(_, question, _)| question.to_string()).collect(),
                ..alarm("repeated", "warning", last_ms, words)
            }
        })
        .collect()
}

fn denials(index: &Index, now: u64) -> Vec<Alarm> {
    let mut by: BTreeMap<String, Vec<(u64, Digest)>> = BTreeMap::new();
    let late = index.all().iter().rev();
    for indexed in late.take_while(|i| now.saturating_sub(i.time_ms) <= DENIALS_WITHIN_MS) {
        let header = &indexed.record.header;
        if matches!(header.statement, Statement::Denied { .. }) {
            let denied = by.entry(header.institution.to_string()).or_default();
            denied.push((indexed.time_ms, indexed.record.digest));
        }
    }
    by.into_iter()
        .filter(|(_, denied)| denied.len() >= DENIALS_FROM)
        .map(|(who, denied)| {
            let count = denied.len();
            let words = (
                format!("{count} acts at {who} were denied within a day."),
                format!("{who} 一天内有 {count} 次操作被拒绝。"),
            );
            Alarm {
                institution: Some(who),
                records: denied
                    .iter()
                    .map(|(_, record)| record.to_string())
                    .collect(),
                ..alarm("denials", "warning", denied[0].0, words)
            }
        })
        .collect()
}

fn faults(index: &Index, now: u64) -> Vec<Alarm> {
    let recent = index.all().iter().rev();
    recent
        .take_while(|indexed| now.saturating_sub(indexed.time_ms) <= FAULT_SHOWN_MS)
        .filter_map(|indexed| {
            let header = &indexed.record.header;
            let Statement::RunAborted {
                question,
                blamed: Some(blamed),
                ..
            } = &header.statement
            else {
                return None;
            };
            let words = (
                format!(
                    "{} blames {blamed} for a run's end; its bytes are kept as evidence.",
                    header.institution
                ),
                format!(
                    "{} 指 {blamed} 致使计算中止，相关字节已留作证据。",
                    header.institution
                ),
            );
            Some(Alarm {
                warrant: header.warrant.map(|id| id.to_string()),
                question: Some(question.to_string()),
                institution: Some(blamed.to_string()),
                records: vec![indexed.record.digest.to_string()],
                ..alarm("fault", "critical", indexed.time_ms, words)
            })
        })
        .collect()
}

/// Members that contradicted themselves: one alarm a member, whoever said so.
fn equivocations(core: &Core, state: &State, index: &Index) -> Vec<Alarm> {
    let members = rules::members(state.members());
    let mut accused: BTreeMap<(String, String), Alarm> = BTreeMap::new();
    for indexed in index.outside().rev() {
        let header = &indexed.record.header;
        let Statement::EquivocationWitnessed { member, kind } = &header.statement else {
            continue;
        };
        let body: Option<FaultEvidence> = core.body(header).ok().flatten();
        let proven = body.is_some_and(|body| {
            ledger::Evidence::verify(&body.bytes, &core.network, &members)
                .is_ok_and(|found| found.member == *member && found.kind.name() == kind)
        });
        let (en, zh) = contradiction(kind);
        let (severity, words) = if proven {
            let proof = (
                format!("{member} {en}. The evidence verifies."),
                format!("{member} {zh}。证据核验无误。"),
            );
            ("critical", proof)
        } else {
            let claim = (
                format!(
                    "{} says that {member} {en}; its evidence does not verify here (yet).",
                    header.institution
                ),
                format!(
                    "{} 称 {member} {zh}；其证据在此（尚）未能核验。",
                    header.institution
                ),
            );
            ("info", claim)
        };
        let place = (member.to_string(), kind.clone());
        let record = indexed.record.digest.to_string();
        let known = accused.entry(place).or_insert_with(|| Alarm {
            institution: Some(member.to_string()),
            ..alarm("equivocation", severity, indexed.time_ms, words.clone())
        });
        known.records.push(record);
        if proven && known.severity != "critical" {
            known.severity = "critical".into();
            (known.text_en, known.text_zh) = words;
        }
    }
    accused.into_values().collect()
}

fn contradiction(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "notarize" => (
            "voted for two blocks in one view",
            "在同一视图中为两个区块投票",
        ),
        "finalize" => (
            "voted to finalise two blocks in one view",
            "在同一视图中为两个区块投终局票",
        ),
        "nullify-finalize" => (
            "voted both to finalise a view and to skip it",
            "对同一视图既投终局票又投跳过票",
        ),
        _ => (
            "signed two histories of the ledger",
            "签署了两份互相矛盾的账本历史",
        ),
    }
}

/// What this node sees of the members.
fn network(core: &Core, state: &State, now: u64) -> Vec<Alarm> {
    let status = core.ledger.status();
    let mut all = Vec::new();
    if status.heard < status.needed || status.stopped.is_some() {
        let words = (
            format!(
                "The ledger can't go on: {} of {} members are heard, {} must agree.",
                status.heard,
                status.members.len(),
                status.needed
            ),
            format!(
                "账本无法推进：{} 个成员中仅闻 {} 个，至少需 {} 个。",
                status.members.len(),
                status.heard,
                status.needed
            ),
        );
        all.push(alarm("stalled", "critical", now, words));
    }
    for peer in core.ledger.peers() {
        let Some(member) = state.member_of_node(&peer.key) else {
            continue;
        };
        let behind = status
            .height
            .saturating_sub(peer.height.unwrap_or(status.height));
        let words = if !peer.heard {
            (
                format!("{} is not heard.", member.id),
                format!("收不到 {} 的消息。", member.id),
            )
        } else if behind >= BEHIND_FROM {
            (
                format!("{} is {behind} blocks behind.", member.id),
                format!("{} 落后 {behind} 个区块。", member.id),
            )
        } else {
            continue;
        };
        all.push(Alarm {
            institution: Some(member.id.to_string()),
            ..alarm("behind", "warning", peer.heard_ms.unwrap_or(now), words)
        });
    }
    all
}
