//! What an overseer reads over all dockets: search and statistics.
//!
//! *Invariants*: pure over the index and the state; only headers, which every
//! member's ledger holds. Reasons and rows are read through a docket, which leaves
//! a record.

use std::collections::{BTreeMap, BTreeSet};

use docket::{Statement, state::WarrantPhase};
use primitives::{Digest, WarrantId};

use super::{cases, phase, record_view};
use crate::{
    api::types::{
        DocketSummary, FoundDockets, FoundRecord, FoundRecords, InstitutionTally, MonthTally,
        Period, Search, Statistics, Tally, TemplateTally, WarrantTally,
    },
    core::{Core, Index, Indexed},
    error::{Error, Result},
};

/// Given unless the search says.
const LIMIT_DEFAULT: u32 = 50;
/// Most given at a time.
const LIMIT_MAX: u32 = 200;
/// Bytes of what is searched for.
const QUERY_BYTES_MAX: usize = 256;
/// Fewest hex digits that are taken for the beginning of an id.
const ID_DIGITS_MIN: usize = 6;

/// A search, ready to be compared.
struct Matcher {
    words: Vec<String>,
    institution: Option<String>,
    template: Option<String>,
    kinds: Option<BTreeSet<String>>,
    phases: Option<BTreeSet<String>>,
    warrant: Option<String>,
    officer: Option<String>,
    from_ms: u64,
    to_ms: u64,
}

fn list(text: &str) -> BTreeSet<String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

impl Matcher {
    fn new(search: &Search) -> Result<Self> {
        let q = given(&search.q).unwrap_or_default();
        if q.len() > QUERY_BYTES_MAX {
            return Err(Error::refused(
                "format",
                format!("at most {QUERY_BYTES_MAX} bytes can be searched for"),
            ));
        }
        let words = q.split_whitespace().map(str::to_lowercase);
        Ok(Self {
            words: words.collect(),
            institution: given(&search.institution).map(Into::into),
            template: given(&search.template).map(Into::into),
            kinds: given(&search.kind).map(list),
            phases: given(&search.phase).map(list),
            warrant: given(&search.warrant).map(Into::into),
            officer: given(&search.officer).map(Into::into),
            from_ms: search.from_ms.unwrap_or(0),
            to_ms: search.to_ms.unwrap_or(u64::MAX),
        })
    }

    /// Whether it is about records, beside the dockets that they are of.
    fn is_about_records(&self) -> bool {
        !self.words.is_empty()
            || self.kinds.is_some()
            || self.officer.is_some()
            || self.template.is_some()
            || self.from_ms > 0
            || self.to_ms < u64::MAX
    }

    fn record(&self, index: &Index, indexed: &Indexed) -> bool {
        let header = &indexed.record.header;
        let statement = &header.statement;
        if !(self.from_ms..self.to_ms).contains(&indexed.time_ms) {
            return false;
        }
        if let Some(kinds) = &self.kinds
            && !kinds.contains(statement.kind())
        {
            return false;
        }
        let reader = match statement {
            Statement::Consulted { reader, .. } => Some(reader.to_string()),
            _ => header.officer.as_ref().map(ToString::to_string),
        };
        if let Some(officer) = &self.officer
            && reader.as_deref() != Some(officer)
        {
            return false;
        }
        if let Some(template) = &self.template
            && template_of(index, indexed).as_deref() != Some(template)
        {
            return false;
        }
        self.words.is_empty() || self.words_found(indexed, reader.as_deref())
    }

    fn words_found(&self, indexed: &Indexed, reader: Option<&str>) -> bool {
        let header = &indexed.record.header;
        let (en, zh) = crate::timeline::say(header);
        let text = format!(
            "{en}\n{zh}\n{}\n{}\n{}",
            indexed.record.kind(),
            header.institution,
            reader.unwrap_or_default()
        )
        .to_lowercase();
        let ids: Vec<String> = [
            Some(indexed.record.digest),
            header.statement.question().copied(),
        ]
        .into_iter()
        .flatten()
        .map(|digest| digest.to_string())
        .chain(header.warrant.map(|warrant| warrant.to_string()))
        .collect();
        self.words.iter().all(|word| {
            let hex = word.len() >= ID_DIGITS_MIN && word.bytes().all(|b| b.is_ascii_hexdigit());
            text.contains(word.as_str()) || (hex && ids.iter().any(|id| id.starts_with(word)))
        })
    }
}

/// The template that a record is about.
fn template_of(index: &Index, indexed: &Indexed) -> Option<String> {
    let statement = &indexed.record.header.statement;
    let asked = match statement {
        Statement::QuestionAsked(asked) => Some(asked.clone()),
        _ => match &index.get(statement.question()?)?.record.header.statement {
            Statement::QuestionAsked(asked) => Some(asked.clone()),
            _ => None,
        },
    };
    asked.map(|asked| asked.template.to_string())
}

fn page<T>(all: Vec<T>, search: &Search) -> (u32, Vec<T>) {
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let limit = search.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX) as usize;
    let offset = search.offset.unwrap_or(0) as usize;
    (total, all.into_iter().skip(offset).take(limit).collect())
}

/// The dockets that a search finds, those with the newest activity first.
///
/// # Errors
/// A refusal where the search is too long.
pub(crate) fn dockets(
    core: &Core,
    viewer: cases::Viewer<'_>,
    search: &Search,
) -> Result<FoundDockets> {
    let matcher = Matcher::new(search)?;
    let state = core.state();
    let index = core.read_index();
    let now = core.now_ms();
    let mut found: Vec<(u64, WarrantId, u32)> = Vec::new();
    for (id, warrant) in state.warrants() {
        let parties = [&warrant.requester, &warrant.authority];
        let mut names = parties.into_iter().chain(&warrant.terms.custodians);
        let fits = matcher
            .institution
            .as_ref()
            .is_none_or(|name| names.any(|id| id.as_str() == name))
            && matcher
                .phases
                .as_ref()
                .is_none_or(|phases| phases.contains(phase(warrant, now)))
            && matcher
                .warrant
                .as_ref()
                .is_none_or(|prefix| id.to_string().starts_with(prefix.as_str()));
        if !fits {
            continue;
        }
        let records = index.docket(id);
        let matched = records
            .filter(|indexed| matcher.record(&index, indexed))
            .count();
        if matched == 0 && matcher.is_about_records() {
            continue;
        }
        let last = index.docket(id).last().map_or(0, |indexed| indexed.index);
        found.push((last, *id, u32::try_from(matched).unwrap_or(u32::MAX)));
    }
    found.sort_unstable_by_key(|(last, ..)| std::cmp::Reverse(*last));
    let (total, shown) = page(found, search);
    let dockets = shown
        .into_iter()
        .filter_map(|(_, id, matched)| {
            let warrant = state.warrant(&id)?;
            let card = cases::card(core, &index, viewer, (&id, warrant));
            Some(summary(&index, &id, card, matched))
        })
        .collect();
    Ok(FoundDockets { total, dockets })
}

fn summary(
    index: &Index,
    id: &WarrantId,
    card: crate::api::types::CaseCard,
    matched: u32,
) -> DocketSummary {
    let mut summary = DocketSummary {
        card,
        denied: 0,
        refused: 0,
        aborted: 0,
        consulted: 0,
        matched,
    };
    for indexed in index.docket(id) {
        match &indexed.record.header.statement {
            Statement::Denied { .. } => summary.denied += 1,
            Statement::Refused { .. }
            | Statement::Narrowed { .. }
            | Statement::WarrantRefused { .. } => summary.refused += 1,
            Statement::RunAborted { .. } => summary.aborted += 1,
            Statement::Consulted { .. } => summary.consulted += 1,
            _ => {}
        }
    }
    summary
}

/// The records that a search finds, the newest first.
///
/// # Errors
/// A refusal where the search is too long.
pub(crate) fn records(core: &Core, search: &Search) -> Result<FoundRecords> {
    let matcher = Matcher::new(search)?;
    let state = core.state();
    let index = core.read_index();
    let now = core.now_ms();
    let found: Vec<&Indexed> = index
        .all()
        .iter()
        .rev()
        .filter(|indexed| {
            let header = &indexed.record.header;
            let warrant = header.warrant.map(|id| id.to_string());
            let institution = matcher.institution.as_ref();
            let phases = matcher.phases.as_ref();
            institution.is_none_or(|name| header.institution.as_str() == name)
                && matcher
                    .warrant
                    .as_ref()
                    .is_none_or(|prefix| warrant.is_some_and(|id| id.starts_with(prefix.as_str())))
                && phases.is_none_or(|phases| {
                    let known = header.warrant.and_then(|id| state.warrant(&id));
                    known.is_some_and(|known| phases.contains(phase(known, now)))
                })
                && matcher.record(&index, indexed)
        })
        .collect();
    let (total, shown) = page(found, search);
    let records = shown
        .into_iter()
        .map(|indexed| FoundRecord {
            record: record_view(indexed),
            warrant: indexed.record.header.warrant.map(|id| id.to_string()),
        })
        .collect();
    Ok(FoundRecords { total, records })
}

/// What became of one question.
struct Fate {
    template: String,
    requester: String,
    custodians: Vec<String>,
    asked_ms: u64,
    tally: Tally,
}

#[derive(Default)]
struct Gathered {
    questions: BTreeMap<Digest, Fate>,
    institutions: BTreeMap<String, InstitutionTally>,
    waits: BTreeMap<String, Vec<u64>>,
    denied: Vec<(u64, String)>,
}

fn institution(name: &str) -> InstitutionTally {
    InstitutionTally {
        institution: name.into(),
        tally: Tally::default(),
        approved: 0,
        approved_by_rule: 0,
        narrowed: 0,
        refused: 0,
        blamed: 0,
        decision_ms_median: None,
    }
}

impl Gathered {
    fn institution(&mut self, name: &str) -> &mut InstitutionTally {
        self.institutions
            .entry(name.into())
            .or_insert_with(|| institution(name))
    }

    /// Takes a record into account; `inside`: a question asked in the time.
    fn take(&mut self, indexed: &Indexed, inside: impl Fn(u64) -> bool) {
        let header = &indexed.record.header;
        let who = header.institution.to_string();
        match &header.statement {
            Statement::QuestionAsked(asked) if inside(indexed.time_ms) => {
                let fate = Fate {
                    template: asked.template.to_string(),
                    requester: who,
                    custodians: asked
                        .custodians
                        .iter()
                        .map(|asked| asked.institution.to_string())
                        .collect(),
                    asked_ms: indexed.time_ms,
                    tally: Tally {
                        asked: 1,
                        open: 1,
                        ..Tally::default()
                    },
                };
                self.questions.insert(indexed.record.digest, fate);
            }
            Statement::Denied { .. } if inside(indexed.time_ms) => {
                self.denied.push((indexed.time_ms, who));
            }
            statement => {
                if let Some(question) = statement.question().copied()
                    && self.questions.contains_key(&question)
                {
                    self.follow(&question, &who, indexed.time_ms, statement);
                }
            }
        }
    }

    fn follow(&mut self, question: &Digest, who: &str, at: u64, statement: &Statement) {
        let Some(fate) = self.questions.get_mut(question) else {
            return;
        };
        let asked_ms = fate.asked_ms;
        let tally = &mut fate.tally;
        let end = |tally: &mut Tally| {
            let was_open = tally.open;
            tally.open = 0;
            was_open
        };
        match statement {
            Statement::Refused { .. } | Statement::Narrowed { .. } => {
                tally.declined += end(tally);
            }
            // A joint question's count is an answer, whether more opens or not.
            Statement::RunCompleted { .. } | Statement::CountOpened { .. } => {
                tally.answered += end(tally);
            }
            Statement::RunAborted { .. } => tally.aborted += end(tally),
            Statement::InputsCommitted { .. } => tally.runs = 1,
            Statement::AnswerDisclosed { rows, .. } => {
                tally.rows = tally.rows.max(u64::from(*rows));
            }
            _ => {}
        }
        let decides = matches!(
            statement,
            Statement::Approved { .. } | Statement::Narrowed { .. } | Statement::Refused { .. }
        );
        if decides {
            let took = at.saturating_sub(asked_ms);
            self.waits.entry(who.into()).or_default().push(took);
        }
        match statement {
            Statement::Approved { by_rule, .. } => {
                let counts = self.institution(who);
                match by_rule {
                    Some(_) => counts.approved_by_rule += 1,
                    None => counts.approved += 1,
                }
            }
            Statement::Narrowed { .. } => self.institution(who).narrowed += 1,
            Statement::Refused { .. } => self.institution(who).refused += 1,
            Statement::RunAborted {
                blamed: Some(blamed),
                ..
            } => self.institution(blamed.as_str()).blamed += 1,
            _ => {}
        }
    }
}

fn add(into: &mut Tally, tally: &Tally) {
    into.asked += tally.asked;
    into.answered += tally.answered;
    into.declined += tally.declined;
    into.aborted += tally.aborted;
    into.open += tally.open;
    into.denied += tally.denied;
    into.runs += tally.runs;
    into.rows += tally.rows;
}

/// Statistics over all dockets.
#[must_use]
pub(crate) fn statistics(core: &Core, period: &Period) -> Statistics {
    let index = core.read_index();
    let (from, to) = (
        period.from_ms.unwrap_or(0),
        period.to_ms.unwrap_or(u64::MAX),
    );
    let inside = |at: u64| (from..to).contains(&at);
    let mut gathered = Gathered::default();
    for indexed in index.all() {
        gathered.take(indexed, inside);
    }
    let mut totals = Tally::default();
    let mut templates: BTreeMap<String, Tally> = BTreeMap::new();
    let mut months: BTreeMap<String, Tally> = BTreeMap::new();
    for fate in std::mem::take(&mut gathered.questions).into_values() {
        add(&mut totals, &fate.tally);
        add(templates.entry(fate.template).or_default(), &fate.tally);
        add(months.entry(month(fate.asked_ms)).or_default(), &fate.tally);
        for name in fate.custodians.iter().chain([&fate.requester]) {
            add(&mut gathered.institution(name).tally, &fate.tally);
        }
    }
    for (at, who) in std::mem::take(&mut gathered.denied) {
        let denied = Tally {
            denied: 1,
            ..Tally::default()
        };
        add(&mut totals, &denied);
        add(months.entry(month(at)).or_default(), &denied);
        add(&mut gathered.institution(&who).tally, &denied);
    }
    for (who, mut took) in std::mem::take(&mut gathered.waits) {
        took.sort_unstable();
        gathered.institution(&who).decision_ms_median = took.get(took.len() / 2).copied();
    }
    Statistics {
        from_ms: period.from_ms,
        to_ms: period.to_ms,
        totals,
        by_template: templates
            .into_iter()
            .map(|(template, tally)| TemplateTally { template, tally })
            .collect(),
        by_institution: gathered.institutions.into_values().collect(),
        by_month: months
            .into_iter()
            .map(|(month, tally)| MonthTally { month, tally })
            .collect(),
        warrants: warrants(core, &index, inside),
    }
}

fn warrants(core: &Core, index: &Index, inside: impl Fn(u64) -> bool) -> WarrantTally {
    let state = core.state();
    let now = core.now_ms();
    let mut tally = WarrantTally::default();
    for (_, warrant) in state.warrants() {
        let Some(draft) = index.get(&warrant.draft).filter(|d| inside(d.time_ms)) else {
            continue;
        };
        tally.drafted += 1;
        let asked = match &draft.record.header.statement {
            Statement::WarrantDrafted { terms, .. } => Some(terms),
            _ => None,
        };
        match warrant.phase {
            WarrantPhase::Drafted => tally.waiting += 1,
            WarrantPhase::Refused => tally.refused += 1,
            WarrantPhase::Issued | WarrantPhase::Revoked => {
                tally.issued += 1;
                tally.narrowed += u32::from(asked.is_some_and(|asked| *asked != warrant.terms));
                tally.revoked += u32::from(warrant.phase == WarrantPhase::Revoked);
                tally.expired += u32::from(phase(warrant, now) == "expired");
            }
        }
    }
    tally
}

/// The month of a time, UTC: `2026-11`.
fn month(at_ms: u64) -> String {
    use primitives::semantic::{Normal, Semantic};
    let ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
    match Semantic::Timestamp.check_int(ms) {
        Ok(ms) => Semantic::Timestamp.text(&Normal::Int(ms))[..7].to_owned(),
        Err(_) => "0000-00".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use docket::{Header, Record, statement::QuestionAsked};
    use primitives::{NetworkId, SigningKey};

    use super::*;

    /// A record of an institution's statement at a time, unsigned by anybody real.
    fn indexed(index: u64, time_ms: u64, who: &str, statement: Statement) -> Indexed {
        let header = Header {
            network: NetworkId(Digest([7; 32])),
            institution: who.parse().unwrap(),
            officer: None,
            time_ms,
            warrant: Some(WarrantId([index.to_le_bytes()[0]; 16])),
            follows: Vec::new(),
            parts: Vec::new(),
            statement,
        };
        let record = Record::sign(&header, &SigningKey::from_seed(&[1; 32])).unwrap();
        Indexed {
            index,
            time_ms,
            record: Arc::new(record),
        }
    }

    fn asked(index: u64, time_ms: u64) -> Indexed {
        let asked = docket::statement::Asked {
            institution: "bank_a".parse().unwrap(),
            snapshots: Vec::new(),
        };
        let statement = Statement::QuestionAsked(QuestionAsked {
            warrant: Digest([1; 32]),
            template: "identify".parse().unwrap(),
            plan: Digest([2; 32]),
            custodians: vec![asked],
            hops: 1,
            answer_cap: 10,
            joint: None,
        });
        indexed(index, time_ms, "police", statement)
    }

    #[test]
    fn a_question_counts_once_under_what_became_of_it_first() {
        let mut gathered = Gathered::default();
        let question = asked(0, 1_000);
        let digest = question.record.digest;
        let aborted = |index| {
            let statement = Statement::RunAborted {
                question: digest,
                cause: "fault".into(),
                blamed: Some("bank_a".parse().unwrap()),
                refused_by: None,
            };
            indexed(index, 3_000, "police", statement)
        };
        let approved = Statement::Approved {
            question: digest,
            plan: Digest([2; 32]),
            keys: Vec::new(),
            by_rule: Some("small".into()),
        };
        let all = [
            question,
            indexed(1, 2_500, "bank_a", approved),
            aborted(2),
            aborted(3),
        ];
        for indexed in &all {
            gathered.take(indexed, |_| true);
        }
        let fate = &gathered.questions[&digest];
        let expected = Tally {
            asked: 1,
            aborted: 1,
            ..Tally::default()
        };
        assert_eq!(fate.tally, expected);
        assert_eq!(gathered.institutions["bank_a"].approved_by_rule, 1);
        assert_eq!(gathered.institutions["bank_a"].blamed, 2);
        assert_eq!(gathered.waits["bank_a"], [1_500]);
    }

    #[test]
    fn what_was_asked_outside_the_time_does_not_count() {
        let mut gathered = Gathered::default();
        gathered.take(&asked(0, 1_000), |at| at >= 2_000);
        assert!(gathered.questions.is_empty());
    }

    #[test]
    fn a_search_takes_words_of_both_languages_and_beginnings_of_ids() {
        let mut index = Index::default();
        let record = asked(0, 1_000);
        index.push(record.clone());
        let found = |q: &str| {
            let search = Search {
                q: Some(q.into()),
                ..Search::default()
            };
            Matcher::new(&search).unwrap().record(&index, &record)
        };
        let id = record.record.digest.to_string();
        assert!(found("ASKS identify"));
        assert!(found("数据方 police"));
        assert!(found(&id[..6]));
        assert!(!found(&id[..4]) || id[..4].bytes().all(|b| b.is_ascii_digit()));
        assert!(!found("asks nothing"));
        let only = |search: Search| Matcher::new(&search).unwrap().record(&index, &record);
        let kind = |kind: &str| Search {
            kind: Some(kind.into()),
            ..Search::default()
        };
        assert!(only(kind("denied,question-asked")));
        assert!(!only(kind("denied")));
        let template = |template: &str| Search {
            template: Some(template.into()),
            ..Search::default()
        };
        assert!(only(template("identify")));
        assert!(!only(template("call-contacts")));
        let long = Search {
            q: Some("x".repeat(QUERY_BYTES_MAX + 1)),
            ..Search::default()
        };
        assert_eq!(Matcher::new(&long).err().unwrap().rule(), "format");
    }

    #[test]
    fn months_are_utc() {
        assert_eq!(month(1_764_547_199_999), "2025-11");
        assert_eq!(month(1_764_547_200_000), "2025-12");
        assert_eq!(month(u64::MAX), "0000-00");
    }
}
