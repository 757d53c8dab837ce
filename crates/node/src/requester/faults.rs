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
    by_kind(&error.kind, error.to_string())
}

fn by_kind(kind: &net::Kind, text: String) -> Error {
    match kind {
        net::Kind::Refusal(net::Refusal::Remote { text, .. }) => {
            let (rule, detail) = text.split_once(": ").unwrap_or(("refused", text));
            Error::refused(rule, detail)
        }
        net::Kind::Refusal(_) => Error::refused("channel", text),
        net::Kind::Fault(net::Fault::Remote { .. }) => Error::refused("channel-fault", text),
        // Whoever stands on the wire can alter a frame: nobody's word, and no end of a run.
        net::Kind::Fault(_) => Error::trouble("channel-fault", text),
        _ => Error::trouble("peer", text),
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
        assert!(by_kind(&altered, String::new()).retry());
        let said = net::Kind::Fault(net::Fault::Remote { text: "no".into() });
        assert!(!by_kind(&said, String::new()).retry());
    }
}
