//! Changes of the membership: proposed and voted on by the members' nodes.

use std::sync::Arc;

use docket::{Change, Statement, charter::Card};
use primitives::Digest;

use crate::{
    api::types::{Membership, ProposalView},
    core::{Core, Indexed},
    error::{Error, Result},
    timeline,
};

fn checked(card: &Card) -> Result<Card> {
    card.check()?;
    Ok(card.clone())
}

/// Proposes a change, or votes on one, with the node's key.
///
/// # Errors
/// The rule that refuses it, or trouble.
pub async fn act(core: &Arc<Core>, act: &Membership) -> Result<Indexed> {
    let propose = |change| (Vec::new(), Statement::ChangeProposed { change });
    let (follows, statement) = match act {
        Membership::Admit { card } => propose(Change::Admit(checked(card)?)),
        Membership::Replace { card } => propose(Change::Replace(checked(card)?)),
        Membership::Remove { institution } => propose(Change::Remove(institution.parse()?)),
        Membership::Vote { proposal, yes } => {
            let proposal: Digest = proposal
                .parse()
                .map_err(|_| Error::refused("format", "a proposal is 64 hex digits"))?;
            let statement = Statement::ChangeVoted {
                proposal,
                yes: *yes,
            };
            (vec![proposal], statement)
        }
    };
    let header = core.header(None, follows, Vec::new(), statement);
    core.state_as_node(header, &[]).await
}

/// The proposals that have not ended, the oldest first.
#[must_use]
pub(crate) fn proposals(core: &Core) -> Vec<ProposalView> {
    let state = core.state();
    let index = core.read_index();
    let mut open: Vec<(Digest, ProposalView)> = Vec::new();
    let needed = docket::charter::quorum(state.members().count());
    for indexed in index.all() {
        let header = &indexed.record.header;
        match &header.statement {
            Statement::ChangeProposed { change } if state.is_proposed(&indexed.record.digest) => {
                let (text_en, text_zh) = timeline::say(header);
                let (kind, institution, card) = match change {
                    Change::Admit(card) => ("admit", &card.institution.id, Some(card)),
                    Change::Replace(card) => ("replace", &card.institution.id, Some(card)),
                    Change::Remove(id) => ("remove", id, None),
                };
                let view = ProposalView {
                    proposal: indexed.record.digest.to_string(),
                    change: kind.into(),
                    institution: institution.to_string(),
                    card: card.and_then(|card| serde_json::to_value(card).ok()),
                    proposed_by: header.institution.to_string(),
                    time_ms: indexed.time_ms,
                    text_en,
                    text_zh,
                    yes: Vec::new(),
                    no: Vec::new(),
                    needed,
                };
                open.push((indexed.record.digest, view));
            }
            Statement::ChangeVoted { proposal, yes } => {
                let view = open.iter_mut().find(|(known, _)| known == proposal);
                if let Some((_, view)) = view {
                    let side = if *yes { &mut view.yes } else { &mut view.no };
                    side.push(header.institution.to_string());
                }
            }
            _ => {}
        }
    }
    open.into_iter().map(|(_, view)| view).collect()
}
