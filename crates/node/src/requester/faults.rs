//! Whose fault it is when a call to a party fails.

use std::time::Duration;

use docket::{Rule, State};
use primitives::{InstitutionId, WarrantId};

use super::PATIENCE;
use crate::{
    core::Core,
    error::{Error, HEARD, Kind, Said},
};

/// A protocol error at the requester: a fault blames the custodian.
pub(super) fn blame(institution: &InstitutionId, error: mpc::Error) -> Error {
    match error.kind() {
        mpc::ErrorKind::Fault { evidence, .. } => {
            Error::fault(institution, error.to_string(), evidence.clone())
        }
        _ => error.into(),
    }
}

/// The rule of a call that this node's own channels refuse.
const CHANNEL: &str = "channel";
/// The rule of a refusal by another node that names none, as its channels' do.
const REFUSED: &str = "refused";

/// What a call to a member failed with. A refusal of that member's node names its rule,
/// and the member.
pub(crate) fn peer_error(peer: &InstitutionId, error: net::Error) -> Error {
    by_kind(peer, &error.kind, error.to_string())
}

fn by_kind(peer: &InstitutionId, kind: &net::Kind, text: String) -> Error {
    match kind {
        net::Kind::Refusal(net::Refusal::Remote { text, .. }) => {
            let named = |text: &str| match text.split_once(": ") {
                Some((rule, detail)) if is_rule(rule) => Error::refused(rule, detail),
                _ => Error::refused(REFUSED, text),
            };
            let heard = text
                .strip_prefix(HEARD)
                .and_then(|rest| rest.strip_prefix(": "));
            match heard {
                Some(rest) => named(rest).said(Said::Heard),
                None => named(text).said(Said::By(Box::new(peer.clone()))),
            }
        }
        net::Kind::Refusal(_) => Error::refused(CHANNEL, text),
        net::Kind::Fault(net::Fault::Remote { .. }) => {
            Error::refused("channel-fault", text).said(Said::By(Box::new(peer.clone())))
        }
        // Whoever stands on the wire can alter a frame: nobody's word, and no end of a run.
        net::Kind::Fault(_) => Error::trouble("channel-fault", text),
        _ => Error::trouble("peer", text),
    }
}

/// Whether a peer's word can stand on record as the name of a rule.
fn is_rule(text: &str) -> bool {
    let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(named)
}

/// How long a record that a peer has seen may be on its way here.
const LAG_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Whose refusal ends a run: another's is that member's, an own one this member's, but for
/// the requester, who ends what it began. What the law itself ends is nobody's refusal.
pub(super) async fn refuser(
    core: &Core,
    requester: &InstitutionId,
    warrant: Option<WarrantId>,
    error: &Error,
) -> Option<InstitutionId> {
    let Kind::Refused { rule, .. } = &error.kind else {
        return None;
    };
    let by_law = [Rule::Revoked, Rule::Expired].map(Rule::name);
    if by_law.contains(&&rule[..]) {
        let began = core.host.uptime();
        while core.host.uptime() - began < LAG_PATIENCE {
            if core.warrant_in_force(&core.state(), &warrant?).is_err() {
                return None;
            }
            core.host.sleep(LOOK_EVERY).await;
        }
    }
    match &error.said {
        Said::By(peer) => Some(InstitutionId::clone(peer)),
        Said::Here if core.me != *requester => Some(core.me.clone()),
        _ => None,
    }
}

/// What is trouble after all, since a party's key has changed since `began`: it was called
/// under a key that is no member's any more, or has signed with it. Others may know of the
/// change before this node's own ledger does.
pub(crate) async fn overtaken<'a>(
    core: &Core,
    began: &State,
    parties: impl Iterator<Item = &'a InstitutionId>,
    error: &Error,
) -> Option<Error> {
    let key = |state: &State, id: &InstitutionId| state.member(id).map(|member| member.node_key);
    let mut parties: Vec<_> = parties.map(|id| (id, key(began, id))).collect();
    // This node takes its new key some blocks after the vote.
    parties.push((&core.me, Some(core.keys.node.public())));
    let patience = match error.rule() {
        // This node has verified what the order of records refuses: a change is under way.
        rule if rule == Rule::Attestation.name() => PATIENCE,
        CHANNEL | REFUSED => LAG_PATIENCE,
        _ => Duration::ZERO,
    };
    let since = core.host.uptime();
    loop {
        let state = core.state();
        let changed = parties
            .iter()
            .find(|(id, before)| key(&state, id) != *before);
        if let Some((party, _)) = changed {
            let text = format!("{party} changed its key meanwhile ({error})");
            return Some(Error::trouble("key-changed", text));
        }
        if core.host.uptime() - since >= patience {
            return None;
        }
        core.host.sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wire_alters_ends_no_run() {
        let altered = net::Kind::Fault(net::Fault::Framing {
            rule: "a record opens under the connection's key",
            evidence: Vec::new(),
        });
        let peer = "bank_a".parse().unwrap();
        assert!(by_kind(&peer, &altered, String::new()).retry());
        let said = net::Kind::Fault(net::Fault::Remote { text: "no".into() });
        assert!(!by_kind(&peer, &said, String::new()).retry());
    }

    #[test]
    fn a_refusal_names_who_said_it_and_no_rule_that_is_none() {
        let peer: InstitutionId = "bank_a".parse().unwrap();
        let of = Said::By(Box::new(peer.clone()));
        let long = format!("{}: it says", "x".repeat(65));
        for (text, rule, said) in [
            ("expired: the warrant", "expired", &of),
            ("no", "refused", &of),
            ("Not A Rule: it says", "refused", &of),
            (&long, "refused", &of),
            ("heard: expired: the warrant", "expired", &Said::Heard),
            ("heard: what", "refused", &Said::Heard),
        ] {
            let kind = net::Kind::Refusal(net::Refusal::Remote { text: text.into() });
            let error = by_kind(&peer, &kind, String::new());
            assert_eq!((error.rule(), &error.said), (rule, said), "{text}");
        }
        let own = net::Kind::Refusal(net::Refusal::Myself);
        assert_eq!(by_kind(&peer, &own, String::new()).said, Said::Here);
    }
}
