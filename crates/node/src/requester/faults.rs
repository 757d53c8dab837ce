//! Whose fault it is when a call to a custodian fails.

use primitives::InstitutionId;

use crate::error::Error;

/// A protocol error at the requester: a fault blames the custodian.
pub(super) fn blame(institution: &InstitutionId, error: mpc::Error) -> Error {
    match error.kind() {
        mpc::ErrorKind::Fault { evidence, .. } => {
            Error::fault(institution, error.to_string(), evidence.clone())
        }
        _ => error.into(),
    }
}

/// What a call to a peer failed with. A remote refusal names its rule.
pub(crate) fn peer_error(error: net::Error) -> Error {
    let text = error.to_string();
    match &error.kind {
        net::Kind::Refusal(net::Refusal::Remote { text, .. }) => {
            let (rule, detail) = text.split_once(": ").unwrap_or(("refused", text));
            Error::refused(rule, detail)
        }
        net::Kind::Refusal(_) => Error::refused("channel", text),
        net::Kind::Fault(_) => Error::refused("channel-fault", text),
        _ => Error::trouble("peer", text),
    }
}
