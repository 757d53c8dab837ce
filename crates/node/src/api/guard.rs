//! Which duty a route needs, and the dockets that an institution may know of.
//!
//! *Invariants*: a docket that is none of this institution's is answered like one
//! that is not there.

use std::{collections::BTreeSet, sync::Arc};

use docket::{Duty, OfficerId, Opened, Statement, state::Question, state::Warrant};
use primitives::{Digest, WarrantId};
use tokio::sync::Semaphore;

use super::{auth::Caller, types::Act};
use crate::{
    acts::{self, Actor, Named},
    core::Core,
    error::{Error, Result},
    views,
};

impl Caller {
    /// The officer, if he or she has one of these duties.
    ///
    /// # Errors
    /// A refusal where the operator asks, or an officer without any of them.
    pub(super) fn any_of(&self, wanted: &[Duty]) -> Result<&Actor> {
        let actor = self.officer()?;
        if wanted.iter().any(|duty| self.duties().contains(duty)) {
            return Ok(actor);
        }
        let names: Vec<&str> = wanted.iter().map(|duty| duty.name()).collect();
        Err(Error::refused(
            "duty",
            format!("officer {} lacks the duty {}", actor.id, names.join(" or ")),
        ))
    }

    /// The operator, or an officer with one of these duties.
    ///
    /// # Errors
    /// A refusal where an officer has none of them.
    pub(super) fn operator_or_any(&self, wanted: &[Duty]) -> Result<()> {
        match self {
            Self::Operator => Ok(()),
            Self::Officer { .. } => self.any_of(wanted).map(|_| ()),
        }
    }

    /// The officer's duties; the operator has none.
    pub(super) fn duties(&self) -> &BTreeSet<Duty> {
        static NONE: BTreeSet<Duty> = BTreeSet::new();
        match self {
            Self::Officer { duties, .. } => duties,
            Self::Operator => &NONE,
        }
    }
}

pub(super) fn digest(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|_| Error::refused("format", "an id of 64 hex digits is needed"))
}

pub(super) fn known_warrant(core: &Core, text: &str) -> Result<(WarrantId, Warrant)> {
    let id: WarrantId = text
        .parse()
        .map_err(|_| Error::refused("format", "a warrant's id is 32 hex digits"))?;
    let state = core.state();
    let warrant = state
        .warrant(&id)
        .filter(|warrant| views::concerns(core, &state, warrant))
        .cloned()
        .ok_or_else(|| Error::refused("warrant-unknown", format!("no warrant {id} here")))?;
    Ok((id, warrant))
}

pub(super) fn known_question(core: &Core, text: &str) -> Result<(WarrantId, Digest, Question)> {
    let question = digest(text)?;
    let unknown = || Error::refused("question-unknown", format!("no question {question} here"));
    let id = core.docket_of_question(&question).ok_or_else(unknown)?;
    let (id, warrant) = known_warrant(core, &id.to_string()).map_err(|_| unknown())?;
    let known = warrant
        .questions
        .get(&question)
        .cloned()
        .ok_or_else(unknown)?;
    Ok((id, question, known))
}

/// Denials of acts on others' dockets that are recorded at a time.
static HIDDEN: Semaphore = Semaphore::const_new(16);

/// Refuses an act on a docket in which this institution has no part in the very words
/// for one that is not there, at once. The attempt is recorded all the same, while its
/// maker is told nothing.
///
/// # Errors
/// `warrant-unknown` or `question-unknown`.
pub(super) async fn hide_unknown(core: &Arc<Core>, actor: &Actor, act: &Act) -> Result<()> {
    let docket = acts::docket_of(core, act).map(|id| id.to_string());
    if docket
        .as_ref()
        .is_some_and(|id| known_warrant(core, id).is_ok())
    {
        return Ok(());
    }
    let known = match acts::names(act) {
        Some(Named::Warrant(id)) => known_warrant(core, id).map(|_| ()),
        Some(Named::Question(id)) => known_question(core, id).map(|_| ()),
        None => Ok(()),
    };
    let Err(unknown) = known else { return Ok(()) };
    if docket.is_some() {
        let turn = HIDDEN.acquire().await;
        let (known, actor, act) = (core.clone(), actor.clone(), act.clone());
        let recorded = async move {
            if let Err(error) = acts::prepare(&known, &actor, &act).await {
                tracing::info!(%error, officer = %actor.id, "an act on another's docket");
            }
            drop(turn);
        };
        core.host.spawn("denial", Box::pin(recorded));
    }
    Err(unknown)
}

/// Records who read what, before it is given.
pub(super) async fn consulted(
    core: &Core,
    warrant: WarrantId,
    subject: Digest,
    reader: &OfficerId,
    what: &str,
) -> Result<()> {
    let statement = Statement::Consulted {
        subject,
        reader: reader.clone(),
        what: what.into(),
    };
    let header = core.header(Some(warrant), vec![subject], Vec::new(), statement);
    let none: [Opened; 0] = [];
    core.state_as_node(header, &none).await.map(|_| ())
}

/// Does what keeps a core or a disk busy off the event loop.
pub(super) async fn blocking<T: Send + 'static>(
    core: &Arc<Core>,
    work: impl FnOnce(Arc<Core>) -> T + Send + 'static,
) -> Result<T> {
    let its = core.clone();
    core.host.blocking(move || Ok(work(its))).await
}
