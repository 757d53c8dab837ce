//! Decoding as the node does it, for who feeds it foreign bytes.
//!
//! Why it exists: what reads an authenticator's birth certificate is private to this
//! room, and a decoder of foreign bytes must be reachable by the fuzzers
//! (`docs/reliability.md`).
//!
//! *Not here*: anything that a node calls.

use docket::{Credential, passkey::origin_host};
use primitives::Digest;

use crate::{console::Console, passkeys::registration::register};

/// The credential that an authenticator made for this origin over a challenge; none
/// where a check fails.
#[must_use]
pub fn credential(
    origin: &str,
    challenge: &Digest,
    client_data: &[u8],
    attestation: &[u8],
) -> Option<Credential> {
    let console = Console {
        origin: origin.to_owned(),
        rp_id: origin_host(origin)?.to_owned(),
        cookie: String::new(),
    };
    register(&console, challenge, client_data, attestation).ok()
}
