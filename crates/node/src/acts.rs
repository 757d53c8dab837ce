//! Acts that bind: an officer asks, the node prepares the record, the officer
//! signs it, the node submits it.
//!
//! The node never signs for an officer, and an officer signs exactly the header
//! that was shown: the record's signature is the officer's own, and validators
//! check it against the officer's enrolled key and duties.

use std::{sync::Arc, time::Duration};

use docket::{
    CredentialId, Header, OfficerId, Opened, Record, RecordError, passkey,
    state::{QuestionPhase, WarrantPhase},
};
use primitives::{Digest, Signature, WarrantId};
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        types::{Act, Ask, IssueWarrant, Prepared, SubmitSignature},
        webauthn::{self, RequestOptions},
    },
    core::{Core, Indexed, lock},
    custodian::LAG_PATIENCE,
    error::{Error, Result},
    host::Patience,
    store::Shelf,
};

mod afterwards;
mod make;
mod officers;
mod rules;
mod scenes;
mod summary;

use make::{Made, compile_question, digest, make, question_of, warrant_id};

/// Who is acting: an officer whose request was authenticated.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The officer's credential.
    pub key: CredentialId,
    /// The officer's handle.
    pub id: OfficerId,
}

/// A header that waits for its officer's signature.
#[derive(Serialize, Deserialize)]
struct Waiting {
    header: Header,
    signer: CredentialId,
    bodies: Vec<Opened>,
    prepared_ms: u64,
}

/// Longest time between preparing and signing.
const SIGN_WITHIN_MS: u64 = 10 * 60 * 1000;

/// Prepares the record of an act.
///
/// # Errors
/// The rule that says no; where the act is about a docket, the denial is
/// recorded in it.
pub async fn prepare(core: &Arc<Core>, actor: &Actor, act: &Act) -> Result<Prepared> {
    match make_when_here(core, act).await {
        Ok(made) => {
            let prepared = wait_for_signature(core, actor, made);
            match prepared {
                Ok(prepared) => Ok(prepared),
                Err(error) => Err(denied(core, act, error).await),
            }
        }
        Err(error) => Err(denied(core, act, error).await),
    }
}

/// Longest that an act waits for a body that is on its way.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// Makes an act; a body that is still on its way is waited for, and so is the order
/// under a draft: the authority's node may have seen it final a moment earlier, and
/// a denial stays on record.
async fn make_when_here(core: &Arc<Core>, act: &Act) -> Result<Made> {
    let body = Patience::new(&core.host, BODY_PATIENCE);
    let order = Patience::new(&core.host, LAG_PATIENCE);
    let mut changed = core.changed.subscribe();
    loop {
        // Before the try: an order that comes during it is tried again.
        let undecided = is_undecided(core, act);
        let error = match make(core, act).await {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        let patience = match error.rule() {
            "body-missing" => &body,
            "warrant-unknown" if undecided => &order,
            _ => return Err(error),
        };
        if patience.wait(changed.changed()).await.is_none() {
            return Err(error);
        }
    }
}

/// Whether this node's ledger has the draft of an act's warrant, and no decision on
/// it.
fn is_undecided(core: &Core, act: &Act) -> bool {
    let state = core.state();
    docket_of(core, act)
        .and_then(|id| state.warrant(&id))
        .is_some_and(|known| known.phase == WarrantPhase::Drafted)
}

/// Records a denial in the docket that the act was about, if there is one.
async fn denied(core: &Arc<Core>, act: &Act, error: Error) -> Error {
    match docket_of(core, act) {
        Some(warrant) => core.deny(warrant, act_name(act), error).await,
        None => error,
    }
}

/// The name of an act, as denials quote it.
#[must_use]
pub fn act_name(act: &Act) -> &'static str {
    match act {
        Act::DraftWarrant(_) => "draft-warrant",
        Act::IssueWarrant(_) => "issue-warrant",
        Act::RefuseWarrant { .. } => "refuse-warrant",
        Act::RevokeWarrant { .. } => "revoke-warrant",
        Act::Ask(_) => "ask",
        Act::Approve { .. } => "approve",
        Act::Narrow { .. } => "narrow",
        Act::Refuse { .. } => "refuse",
        Act::OpenAnswer { .. } => "open-answer",
        Act::PassOn { .. } => "pass-on",
        Act::GiveNotice { .. } => "give-notice",
        Act::ChangeRules(_) => "change-rules",
        Act::ExportBundle { .. } => "export-bundle",
        Act::EnrolOfficer { .. } => "enrol-officer",
        Act::ProposeOfficer { .. } => "propose-officer",
        Act::ConfirmOfficer { .. } => "confirm-officer",
        Act::RetireOfficer { .. } => "retire-officer",
    }
}

/// What of a docket an act names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// A warrant, by its id.
    Warrant(&'a str),
    /// A question, by its record.
    Question(&'a str),
}

/// What of a docket an act names; none: it makes a docket, or is about none.
#[must_use]
pub fn names(act: &Act) -> Option<Named<'_>> {
    match act {
        Act::IssueWarrant(IssueWarrant { warrant, .. })
        | Act::RefuseWarrant { warrant, .. }
        | Act::RevokeWarrant { warrant, .. }
        | Act::GiveNotice { warrant, .. }
        | Act::Ask(Ask { warrant, .. }) => Some(Named::Warrant(warrant)),
        Act::Approve { question }
        | Act::Narrow { question, .. }
        | Act::Refuse { question, .. }
        | Act::OpenAnswer { question }
        | Act::PassOn { question, .. }
        | Act::ExportBundle { question } => Some(Named::Question(question)),
        Act::DraftWarrant(_)
        | Act::ChangeRules(_)
        | Act::EnrolOfficer { .. }
        | Act::ProposeOfficer { .. }
        | Act::ConfirmOfficer { .. }
        | Act::RetireOfficer { .. } => None,
    }
}

/// The docket that an act is about.
#[must_use]
pub fn docket_of(core: &Core, act: &Act) -> Option<WarrantId> {
    match names(act)? {
        Named::Warrant(id) => warrant_id(id).ok(),
        Named::Question(id) => core.docket_of_question(&digest(id).ok()?),
    }
}

/// States an enrolment or retirement with the node's own key: the operator's
/// way to the first officer.
///
/// # Errors
/// The rule that refuses it, or trouble.
pub async fn as_operator(core: &Arc<Core>, act: &Act) -> Result<Indexed> {
    let made = match act {
        Act::EnrolOfficer { .. }
        | Act::ProposeOfficer { .. }
        | Act::ConfirmOfficer { .. }
        | Act::RetireOfficer { .. } => make(core, act).await?,
        _ => {
            return Err(Error::refused(
                "duty",
                "an operator enrols and retires officers; every other act is an officer's",
            ));
        }
    };
    let header = core.header(made.warrant, made.follows, Vec::new(), made.statement);
    core.state_as_node(header, &[]).await
}

/// Tries a record on a copy of the state, so that an officer is told no before
/// signing.
fn rehearse(core: &Core, header: &Header, signer: &CredentialId) -> Result<()> {
    let record = Record {
        digest: Digest::of("cordon/rehearsal/v1", &[&header.encode()?]),
        signer: *signer,
        header: header.clone(),
        bytes: Vec::new(),
    };
    let at = docket::At {
        height: 0,
        time_ms: header.time_ms,
    };
    Ok(core.state().apply(&record, at)?)
}

fn wait_for_signature(core: &Core, actor: &Actor, made: Made) -> Result<Prepared> {
    let parts = made
        .bodies
        .iter()
        .map(|(body, readers)| body.part(readers.clone()))
        .collect();
    let mut header = core.header(made.warrant, made.follows, parts, made.statement);
    header.officer = Some(actor.id.clone());
    rehearse(core, &header, &actor.key)?;
    let to_sign = header.to_be_signed(&actor.key)?;
    let encoded = header.encode()?;
    let id = Digest::of("cordon/prepared/v1", &[&to_sign]);
    let assertion = core.state().officer(&actor.key).and_then(|officer| {
        let (passkey, raw_id) = officer.credential.passkey()?;
        let challenge = passkey::challenge(&to_sign);
        Some(RequestOptions::new(
            &passkey.rp_id,
            &challenge,
            Some(raw_id),
        ))
    });
    let header_json =
        serde_json::to_value(&header).map_err(|error| Error::broken("json", error))?;
    let waiting = Waiting {
        header,
        signer: actor.key,
        bodies: made.bodies.into_iter().map(|(body, _)| body).collect(),
        prepared_ms: core.now_ms(),
    };
    core.store.put(Shelf::Prepared, &id.0, &waiting)?;
    Ok(Prepared {
        id: id.to_string(),
        to_sign: hex::encode(to_sign),
        header: hex::encode(encoded),
        header_json,
        summary: made.summary.en,
        summary_zh: made.summary.zh,
        warrant: made.warrant.map(|id| id.to_string()),
        assertion,
    })
}

/// Joins a prepared record with what its officer's credential made; the inner
/// error is of a signature or assertion that is not over this record.
fn assemble(
    core: &Core,
    waiting: &Waiting,
    signed: &SubmitSignature,
) -> Result<Result<Record, RecordError>> {
    match (&waiting.signer, &signed.signature, &signed.assertion) {
        (CredentialId::Key(key), Some(signature), None) => {
            let signature: Signature = signature.parse()?;
            Ok(Record::assemble(&waiting.header, key, &signature))
        }
        (CredentialId::Passkey(_), None, Some(given)) => {
            let state = core.state();
            let credential = state.officer(&waiting.signer).map(|o| &o.credential);
            let (passkey, raw_id) = credential
                .and_then(|credential| credential.passkey())
                .ok_or_else(|| {
                    Error::refused("signer-unknown", "the passkey is no officer's any more")
                })?;
            if webauthn::decode(&given.raw_id)? != raw_id {
                let error = docket::AssertionError::Credential;
                return Ok(Err(RecordError::Assertion(error)));
            }
            let assertion = given.bring(passkey)?;
            let record = Record::assemble_asserted(&waiting.header, passkey, &assertion);
            Ok(record)
        }
        _ => Err(Error::refused(
            "format",
            "a key's act is submitted with `signature`, a passkey's with `assertion`",
        )),
    }
}

/// Joins a prepared record with its officer's signature and waits until it is
/// final. The same signature may be submitted again after trouble.
///
/// # Errors
/// The rule that refuses it, or trouble.
pub async fn submit(core: &Arc<Core>, actor: &Actor, signed: &SubmitSignature) -> Result<Indexed> {
    let id = digest(&signed.id)?;
    let waiting: Waiting = core
        .store
        .get(Shelf::Prepared, &id.0)?
        .filter(|waiting: &Waiting| waiting.signer == actor.key)
        .ok_or_else(|| Error::refused("not-found", "no such prepared act of this officer"))?;
    if core.now_ms().saturating_sub(waiting.prepared_ms) > SIGN_WITHIN_MS {
        core.store.remove(Shelf::Prepared, &id.0)?;
        return Err(
            Error::refused("too-late", "the act was prepared over ten minutes ago")
                .advise("prepare it again"),
        );
    }
    let warrant = waiting.header.warrant;
    let record = match assemble(core, &waiting, signed)? {
        Ok(record) => record,
        // Somebody changed what was shown, or signed it in another's name.
        Err(error) => {
            return Err(match warrant {
                Some(warrant) => {
                    core.deny(warrant, waiting.header.statement.kind(), error.into())
                        .await
                }
                None => error.into(),
            });
        }
    };
    core.keep(&waiting.bodies)?;
    let known = core.record(&record.digest);
    let submitted = match known {
        Ok(indexed) => Ok(indexed),
        Err(_) => core.submit(record).await,
    };
    match submitted {
        Ok(indexed) => {
            core.store.remove(Shelf::Prepared, &id.0)?;
            Ok(indexed)
        }
        Err(error) if error.retry() => Err(error),
        Err(error) => match warrant {
            Some(warrant) => {
                let act = waiting.header.statement.kind();
                Err(core.deny(warrant, act, error).await)
            }
            None => Err(error),
        },
    }
}

/// The plan that a question would run, without asking it.
///
/// # Errors
/// The rule that says no; nothing is recorded.
pub fn plan_of(core: &Core, ask: &Ask) -> Result<docket::Plan> {
    let state = core.state();
    compile_question(core, &state, ask).map(|(plan, _)| plan)
}

/// Asks for a run of this requester to stop; it ends with a record.
///
/// # Errors
/// A refusal where the question is not this requester's, or has ended.
pub async fn cancel(core: &Arc<Core>, question: &str) -> Result<()> {
    let state = core.state();
    let (_, record, known, warrant) = question_of(core, &state, question)?;
    if warrant.requester != core.me {
        return Err(Error::refused(
            "separation-of-duties",
            "only the requester may cancel",
        ));
    }
    match known.phase {
        QuestionPhase::Open | QuestionPhase::Running => {
            // What runs here ends at its next step; the record does not wait for it.
            lock(&core.cancelled).insert(record);
            core.touch();
            let error = Error::refused("cancelled", "an officer cancelled the question");
            crate::requester::abort(core, &record, &error).await
        }
        _ => Err(Error::refused("already-decided", "the question has ended")),
    }
}
