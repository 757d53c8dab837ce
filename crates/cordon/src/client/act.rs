//! Signing an act: prepare, compare with what was asked, sign, submit.
//!
//! Why it exists: an officer's signature binds in court. The node prepares the
//! record, and might be wrong or captured; so the officer's own program decodes
//! what it is about to sign and compares it with what the officer asked for.
//!
//! *Invariants*: a signature is made only over bytes that are rebuilt here from
//! a canonical header; that header names this network, this institution, an
//! officer, a time near this machine's, and a statement that grants no more
//! than was asked.
//!
//! *Not here*: what stands in sealed bodies. A header commits to them by salted
//! digests; who may read them is shown in the summary.

use std::{
    collections::{BTreeSet, HashSet},
    thread,
    time::{Duration, Instant},
};

use docket::{
    CredentialId, Header, Statement,
    statement::{QuestionAsked, StandingRule, Terms},
};
use node::api::types::{
    Act, Ask, DraftWarrant, IssueWarrant, Prepared, Recorded, RuleView, SceneView, SubmitSignature,
    WarrantView,
};
use primitives::{InstitutionId, cbor, limits::RECORD_BYTES_MAX, semantic::Selector};

use super::{Client, now_ms};
use crate::failure::{Failure, Result};

/// Furthest that a prepared record's time may be from this machine's clock.
const SKEW_MS_MAX: u64 = 10 * 60 * 1_000;

/// The node's name for a body that was not fetched yet.
const BODY_MISSING: &str = "body-missing";
/// Longest that a body is waited for, and the time between two looks.
const BODY_WAIT_MAX: Duration = Duration::from_secs(20);
const BODY_LOOK: Duration = Duration::from_millis(100);

/// An act that was compared and waits for its signature.
pub struct Checked {
    /// What the node prepared.
    pub prepared: Prepared,
    /// The header that will be signed.
    pub header: Header,
    to_sign: Vec<u8>,
}

impl Client {
    /// Prepares an act and compares the record with it.
    ///
    /// # Errors
    /// The node's refusal; a fault where the prepared record is not what was asked.
    pub fn prepare(&self, act: &Act) -> Result<Checked> {
        let officer = self.officer()?;
        // What the judge saw before issuing is compared with what will be signed.
        let before = match act {
            Act::IssueWarrant(issue) => Some(self.warrant(&issue.warrant)?),
            _ => None,
        };
        let prepared = self.prepare_when_here(act)?;
        let signer = officer.key.public().into();
        let header = self.compare(act, before.as_ref(), &prepared, &signer)?;
        let to_sign = header
            .to_be_signed(&signer)
            .map_err(|error| fault(&error.to_string()))?;
        Ok(Checked {
            prepared,
            header,
            to_sign,
        })
    }

    /// Asks the node to prepare an act. What another institution sealed to this
    /// one is fetched after its record is final, so it may come a little later.
    fn prepare_when_here(&self, act: &Act) -> Result<Prepared> {
        let begun = Instant::now();
        loop {
            match self.post("/v1/acts/prepare", act) {
                Err(failure)
                    if failure.retry
                        && failure.rule == BODY_MISSING
                        && begun.elapsed() < BODY_WAIT_MAX =>
                {
                    thread::sleep(BODY_LOOK);
                }
                other => return other,
            }
        }
    }

    /// Signs a compared act and waits until it is final.
    ///
    /// # Errors
    /// The node's refusal, or trouble of the network.
    pub fn submit(&self, checked: &Checked) -> Result<Recorded> {
        let signature = self.officer()?.key.sign_raw(&checked.to_sign);
        let submit = SubmitSignature {
            id: checked.prepared.id.clone(),
            signature: Some(signature.to_string()),
            assertion: None,
        };
        self.post("/v1/acts/submit", &submit)
    }

    /// Prepares, compares, signs and submits.
    ///
    /// # Errors
    /// As [`Client::prepare`] and [`Client::submit`].
    pub fn act(&self, act: &Act) -> Result<Recorded> {
        self.submit(&self.prepare(act)?)
    }

    fn compare(
        &self,
        act: &Act,
        before: Option<&WarrantView>,
        prepared: &Prepared,
        key: &CredentialId,
    ) -> Result<Header> {
        let bytes = hex::decode(&prepared.header).map_err(|_| fault("its header is not hex"))?;
        let header: Header =
            cbor::decode(&bytes, RECORD_BYTES_MAX).map_err(|error| fault(&error.to_string()))?;
        let expected = header
            .to_be_signed(key)
            .map_err(|error| fault(&error.to_string()))?;
        ensure(
            hex::encode(expected) == prepared.to_sign,
            "it asks to sign other bytes than its header's",
        )?;
        ensure(
            header.network == self.network(),
            "it is for another network",
        )?;
        ensure(
            header.institution == *self.institution(),
            "it speaks for another institution",
        )?;
        let handle = header
            .officer
            .as_ref()
            .ok_or_else(|| fault("it names no officer"))?;
        let known = self.officer()?.handle.as_ref();
        ensure(
            known.is_none_or(|known| known == handle),
            "it names another officer",
        )?;
        ensure(
            header.time_ms.abs_diff(now_ms()) <= SKEW_MS_MAX,
            "its time is not now",
        )?;
        compare_statement(act, before, &header)?;
        Ok(header)
    }
}

fn fault(what: &str) -> Failure {
    Failure::fault(
        "prepared-act",
        format!("the node prepared a record that is not what was asked: {what}"),
    )
    .advise("nothing was signed; have the node examined")
}

fn ensure(condition: bool, what: &str) -> Result<()> {
    if condition { Ok(()) } else { Err(fault(what)) }
}

fn names<T: ToString>(items: &BTreeSet<T>) -> BTreeSet<String> {
    items.iter().map(ToString::to_string).collect()
}

fn set(items: &[String]) -> BTreeSet<String> {
    items.iter().cloned().collect()
}

fn same_question(asked: &str, found: &primitives::Digest) -> Result<()> {
    ensure(found.to_string() == asked, "it is about another question")
}

fn same_warrant(asked: &str, header: &Header) -> Result<()> {
    let found = header.warrant.map(|warrant| warrant.to_string());
    ensure(
        found.as_deref() == Some(asked),
        "it is about another warrant",
    )
}

fn compare_statement(act: &Act, before: Option<&WarrantView>, header: &Header) -> Result<()> {
    let statement = &header.statement;
    match (act, statement) {
        (Act::DraftWarrant(draft), Statement::WarrantDrafted { authority, terms }) => {
            ensure(authority.as_str() == draft.authority, "another authority")?;
            compare_draft(draft, terms)
        }
        (Act::IssueWarrant(issue), Statement::WarrantIssued { terms, .. }) => {
            same_warrant(&issue.warrant, header)?;
            let before = before.ok_or_else(|| fault("nothing to compare it with"))?;
            compare_issue(issue, before, terms)
        }
        (Act::RefuseWarrant { warrant, .. }, Statement::WarrantRefused { .. })
        | (Act::RevokeWarrant { warrant, .. }, Statement::WarrantRevoked {}) => {
            same_warrant(warrant, header)
        }
        (Act::Ask(ask), Statement::QuestionAsked(asked)) => {
            same_warrant(&ask.warrant, header)?;
            compare_question(ask, asked)
        }
        (
            Act::Approve { question },
            Statement::Approved {
                question: found, ..
            },
        )
        | (
            Act::Refuse { question, .. },
            Statement::Refused {
                question: found, ..
            },
        )
        | (
            Act::OpenAnswer { question },
            Statement::AnswerDisclosed {
                question: found, ..
            },
        )
        | (
            Act::ExportBundle { question },
            Statement::BundleExported {
                question: found, ..
            },
        ) => same_question(question, found),
        (
            Act::Narrow {
                question,
                hops,
                answer_cap,
                ..
            },
            Statement::Narrowed {
                question: found,
                hops: h,
                answer_cap: cap,
                ..
            },
        ) => {
            same_question(question, found)?;
            ensure(hops == h && answer_cap == cap, "other bounds")
        }
        _ => compare_others(act, header),
    }
}

fn compare_others(act: &Act, header: &Header) -> Result<()> {
    match (act, &header.statement) {
        (
            Act::PassOn { question, form, .. },
            Statement::PassedOn {
                question: found,
                form: f,
            },
        ) => {
            same_question(question, found)?;
            ensure(form == f, "another form")
        }
        (
            Act::GiveNotice {
                warrant,
                told,
                withheld,
                ..
            },
            Statement::NoticeGiven {
                told: t,
                withheld: w,
            },
        ) => {
            same_warrant(warrant, header)?;
            ensure(told == t && withheld == w, "other numbers of subjects")
        }
        (Act::ChangeRules(change), Statement::RulesChanged(found)) => {
            let replaces = found.replaces.map(|record| record.to_string());
            ensure(replaces == change.replaces, "they replace other rules")?;
            compare_rules(&change.rules, &found.rules)
        }
        (_, statement) => compare_officers(act, statement),
    }
}

fn compare_rules(asked: &[RuleView], found: &[StandingRule]) -> Result<()> {
    let same = |(asked, found): (&RuleView, &StandingRule)| {
        found.name == asked.name.trim()
            && found.template.as_str() == asked.template
            && found.answer_cap == asked.answer_cap
            && found.hops == asked.hops
            && found.subjects == asked.subjects
            && asked
                .computing
                .iter()
                .map(String::as_str)
                .collect::<BTreeSet<_>>()
                == found.computing.iter().map(InstitutionId::as_str).collect()
    };
    ensure(
        asked.len() == found.len() && asked.iter().zip(found).all(same),
        "other rules",
    )
}

fn compare_officers(act: &Act, statement: &Statement) -> Result<()> {
    match (act, statement) {
        (
            Act::EnrolOfficer {
                officer,
                key,
                duties,
            },
            Statement::OfficerEnrolled {
                officer: o,
                key: k,
                duties: d,
            },
        ) => {
            ensure(
                o.to_string() == *officer && k.to_string() == *key,
                "another officer or key",
            )?;
            ensure(names(d) == set(duties), "other duties")
        }
        (Act::RetireOfficer { key }, Statement::OfficerRetired { key: found }) => {
            ensure(found.to_string() == *key, "another key")
        }
        (Act::ConfirmOfficer { proposal }, Statement::OfficerConfirmed { proposal: found }) => {
            ensure(found.to_string() == *proposal, "another proposal")
        }
        _ => Err(fault(&format!("it states {}", statement.kind()))),
    }
}

fn compare_question(ask: &Ask, asked: &QuestionAsked) -> Result<()> {
    ensure(
        asked.template.to_string() == ask.template,
        "another template",
    )?;
    ensure(ask.hops.is_none_or(|hops| asked.hops <= hops), "more hops")?;
    ensure(
        ask.answer_cap.is_none_or(|cap| asked.answer_cap <= cap),
        "more rows",
    )?;
    let custodians: BTreeSet<String> = asked
        .custodians
        .iter()
        .map(|c| c.institution.to_string())
        .collect();
    let named = ask.custodians.as_ref().map(|named| set(named));
    ensure(
        named.is_none_or(|named| custodians == named),
        "other custodians",
    )?;
    let counts = asked.joint.as_ref().is_some_and(|joint| joint.count_only);
    ensure(
        counts == ask.count_only,
        "rows where the count alone was asked for, or the other way round",
    )
}

fn compare_draft(draft: &DraftWarrant, terms: &Terms) -> Result<()> {
    ensure(
        names(&terms.templates) == set(&draft.templates),
        "other templates",
    )?;
    ensure(
        names(&terms.custodians) == set(&draft.custodians),
        "other custodians",
    )?;
    ensure(terms.hops == draft.hops, "another number of hops")?;
    ensure(terms.answer_cap == draft.answer_cap, "another cap on rows")?;
    ensure(terms.runs == draft.runs, "another number of runs")?;
    let life = terms.expires_ms.checked_sub(terms.not_before_ms);
    ensure(life == Some(draft.life_ms), "another life")?;
    let start = draft.not_before_ms;
    ensure(
        start.is_none_or(|start| start == terms.not_before_ms),
        "another start",
    )?;
    // Two ways of writing one subject are one subject.
    let subjects: BTreeSet<Selector> = draft
        .subjects
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    ensure(
        usize::try_from(terms.subjects) == Ok(subjects.len()),
        "another number of subjects",
    )?;
    let scenes: HashSet<SceneView> = draft.scenes.iter().copied().collect();
    ensure(
        usize::try_from(terms.scenes) == Ok(scenes.len()),
        "another number of scenes",
    )
}

fn compare_issue(issue: &IssueWarrant, before: &WarrantView, terms: &Terms) -> Result<()> {
    let templates = issue.templates.as_deref().unwrap_or(&before.templates);
    let custodians = issue.custodians.as_deref().unwrap_or(&before.custodians);
    ensure(names(&terms.templates) == set(templates), "other templates")?;
    ensure(
        names(&terms.custodians) == set(custodians),
        "other custodians",
    )?;
    ensure(
        terms.hops == issue.hops.unwrap_or(before.hops),
        "another number of hops",
    )?;
    ensure(
        terms.answer_cap == issue.answer_cap.unwrap_or(before.answer_cap),
        "another cap on rows",
    )?;
    ensure(
        terms.runs == issue.runs.unwrap_or(before.runs),
        "another number of runs",
    )?;
    ensure(
        terms.subjects == before.subjects,
        "another number of subjects",
    )?;
    ensure(terms.scenes == before.scenes, "another number of scenes")?;
    let asked = before.expires_ms.saturating_sub(before.not_before_ms);
    let life = terms.expires_ms.saturating_sub(terms.not_before_ms);
    ensure(life <= issue.life_ms.unwrap_or(asked), "a longer life")
}

#[cfg(test)]
mod tests;
