//! How an officer's passkey comes to be one: invited, made, proposed, confirmed.
//!
//! ```text
//! registrar or operator ── invite ──▶ code ──▶ the officer, by a way of their own
//! officer's browser     ── begin, create, finish ──▶ a registration waits here
//! registrar             ── officer-proposed ──▶ ledger
//! another registrar     ── officer-confirmed ──▶ ledger: the officer may sign
//! ```
//!
//! An operator's invitation is proposed by the node itself as soon as the passkey
//! is made, where the legal order lets a node speak, and confirmed by it where the
//! institution has no registrar yet (`docket`'s `state/officers.rs`).
//!
//! *Invariants*: a code is good for one passkey and one day; what waits here has no
//! power: only the ledger's state says who is an officer.

use std::{collections::BTreeSet, sync::Arc};

use docket::{AssertionError, Credential, Duty, OfficerId, State, Statement};
use primitives::{Digest, TimeMs};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    core::Core,
    error::{Error, Result},
    store::Shelf,
};

pub(crate) mod registration;

/// How long an invitation, and then a registration, waits.
pub(crate) const LIFE_MS: u64 = 24 * 3_600 * 1_000;
/// Most invitations, and most registrations, that wait.
const WAITING_MAX: usize = 1_000;

/// An officer who may make a passkey.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// The officer's handle.
    pub(crate) officer: OfficerId,
    /// What the officer is to do.
    pub(crate) duties: BTreeSet<Duty>,
    /// Until when.
    pub(crate) expires_ms: TimeMs,
    by_operator: bool,
    challenge: Option<Digest>,
}

/// A passkey that was made and waits for a registrar's word.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// The officer's handle.
    pub(crate) officer: OfficerId,
    /// What the officer is to do.
    pub(crate) duties: BTreeSet<Duty>,
    /// The passkey.
    pub(crate) credential: Credential,
    /// Until when it waits.
    pub(crate) expires_ms: TimeMs,
}

/// How far an officer's enrolment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A registrar must propose.
    Waiting,
    /// The node has proposed; a registrar must confirm.
    Proposed,
    /// The officer may sign.
    Enrolled,
}

trait Expires {
    fn expires_ms(&self) -> TimeMs;
}

impl Expires for Invitation {
    fn expires_ms(&self) -> TimeMs {
        self.expires_ms
    }
}

impl Expires for Registration {
    fn expires_ms(&self) -> TimeMs {
        self.expires_ms
    }
}

/// What waits on a shelf; what has expired is thrown away.
fn sweep<T: Expires + DeserializeOwned>(core: &Core, shelf: Shelf) -> Result<Vec<(Digest, T)>> {
    let now = core.now_ms();
    let mut live = Vec::new();
    for (key, value) in core.store.beginning::<T>(shelf, b"")? {
        match key.as_slice().try_into() {
            Ok(key) if value.expires_ms() > now => live.push((Digest(key), value)),
            _ => core.store.remove(shelf, &key)?,
        }
    }
    Ok(live)
}

fn shelf_name(code: &Digest) -> Digest {
    Digest::of("cordon/invitation/v1", &[&code.0])
}

/// Invites an officer: the code with which a browser makes the passkey.
///
/// # Errors
/// A refusal where the handle is taken or too many wait.
pub(crate) fn invite(
    core: &Core,
    by_operator: bool,
    officer: OfficerId,
    duties: BTreeSet<Duty>,
) -> Result<(Digest, TimeMs)> {
    let state = core.state();
    let mut here = state.officers().map(|(_, known)| known);
    if here.any(|known| known.institution == core.me && known.id == officer) {
        let detail = format!("the handle {officer} is taken");
        return Err(Error::refused("officer-taken", detail));
    }
    if duties.is_empty() {
        return Err(Error::refused("duty", "an officer has at least one duty"));
    }
    if sweep::<Invitation>(core, Shelf::Invitations)?.len() >= WAITING_MAX {
        return Err(Error::refused("limit", "too many invitations wait"));
    }
    let code = Digest(primitives::random());
    let invitation = Invitation {
        officer,
        duties,
        expires_ms: core.now_ms() + LIFE_MS,
        by_operator,
        challenge: None,
    };
    core.store
        .put(Shelf::Invitations, &shelf_name(&code).0, &invitation)?;
    Ok((code, invitation.expires_ms))
}

fn invitation(core: &Core, code: &Digest) -> Result<Invitation> {
    let found: Option<Invitation> = core.store.get(Shelf::Invitations, &shelf_name(code).0)?;
    found
        .filter(|invitation| invitation.expires_ms > core.now_ms())
        .ok_or_else(|| {
            Error::refused(
                "not-found",
                "no such invitation, or it was used or has expired",
            )
            .advise("ask a registrar for a new one")
        })
}

/// Begins to make a passkey: for whom, and the challenge.
///
/// # Errors
/// A refusal where the code is none.
pub(crate) fn begin(core: &Core, code: &Digest) -> Result<(Invitation, Digest)> {
    let mut invitation = invitation(core, code)?;
    let challenge = Digest(primitives::random());
    invitation.challenge = Some(challenge);
    core.store
        .put(Shelf::Invitations, &shelf_name(code).0, &invitation)?;
    Ok((invitation, challenge))
}

/// Takes a passkey that a browser made. The invitation is used up.
///
/// # Errors
/// The check that failed, as a refusal.
pub(crate) async fn finish(
    core: &Arc<Core>,
    code: &Digest,
    client_data: &[u8],
    attestation: &[u8],
) -> Result<(Digest, Registration, Progress)> {
    let invitation = invitation(core, code)?;
    let check = |error: AssertionError| Error::refused("assertion", error.to_string());
    let challenge = invitation
        .challenge
        .ok_or_else(|| check(AssertionError::Challenge))?;
    let credential = registration::register(&core.console, &challenge, client_data, attestation)
        .map_err(check)?;
    if sweep::<Registration>(core, Shelf::Registrations)?.len() >= WAITING_MAX {
        return Err(Error::refused("limit", "too many passkeys wait"));
    }
    let registration = Registration {
        officer: invitation.officer,
        duties: invitation.duties,
        credential,
        expires_ms: core.now_ms() + LIFE_MS,
    };
    let id = Digest(primitives::random());
    core.store.put(Shelf::Registrations, &id.0, &registration)?;
    core.store.remove(Shelf::Invitations, &shelf_name(code).0)?;
    let progress = if invitation.by_operator {
        speak_as_node(core, &registration).await
    } else {
        Progress::Waiting
    };
    Ok((id, registration, progress))
}

/// The node's word for an officer whom its operator invited, as far as it has one.
/// What it can't say now, the registrars or the operator say later.
async fn speak_as_node(core: &Arc<Core>, registration: &Registration) -> Progress {
    let statement = proposal(registration);
    let header = core.header(None, Vec::new(), Vec::new(), statement);
    let proposed = match core.state_as_node(header, &[]).await {
        Ok(proposed) => proposed.record.digest,
        Err(error) => {
            tracing::info!(%error, "a registrar must propose the officer");
            return Progress::Waiting;
        }
    };
    if registrars(&core.state(), core) > 0 {
        return Progress::Proposed;
    }
    let statement = Statement::OfficerConfirmed { proposal: proposed };
    let header = core.header(None, vec![proposed], Vec::new(), statement);
    match core.state_as_node(header, &[]).await {
        Ok(_) => Progress::Enrolled,
        Err(error) => {
            tracing::warn!(%error, "the officer is proposed and not confirmed");
            Progress::Proposed
        }
    }
}

/// The statement that proposes the officer of a registration.
#[must_use]
pub(crate) fn proposal(registration: &Registration) -> Statement {
    Statement::OfficerProposed {
        officer: registration.officer.clone(),
        credential: registration.credential.clone(),
        duties: registration.duties.clone(),
    }
}

fn registrars(state: &State, core: &Core) -> usize {
    state
        .officers()
        .filter(|(_, known)| {
            known.institution == core.me && known.duties.contains(&Duty::Registrar)
        })
        .count()
}

/// A registration by its id.
///
/// # Errors
/// A refusal where there is none.
pub(crate) fn registered(core: &Core, id: &Digest) -> Result<Registration> {
    let found: Option<Registration> = core.store.get(Shelf::Registrations, &id.0)?;
    found
        .filter(|registration| registration.expires_ms > core.now_ms())
        .ok_or_else(|| Error::refused("not-found", "no such passkey waits here"))
}

/// Passkeys that nobody has proposed yet.
///
/// # Errors
/// Trouble where the disk fails.
pub(crate) fn waiting(core: &Core) -> Result<Vec<(Digest, Registration)>> {
    let state = core.state();
    let mut waiting = sweep::<Registration>(core, Shelf::Registrations)?;
    waiting.retain(|(_, registration)| {
        let id = registration.credential.id();
        let is_proposed = state
            .nominees()
            .any(|(_, nominee)| nominee.credential.id() == id);
        !is_proposed && state.officer(&id).is_none()
    });
    Ok(waiting)
}
