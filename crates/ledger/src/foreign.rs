//! Decoding as the ledger does it, for who feeds it foreign bytes.
//!
//! Why it exists: blocks and small messages are private to this room, and a decoder of
//! foreign bytes must be reachable by the fuzzers (`docs/reliability.md`).
//!
//! *Not here*: anything that a node calls.

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};

use crate::block::Block;
use crate::notice::{Notice, unpack};

/// Decodes a block and encodes it again; none where it is none.
#[must_use]
pub fn block(bytes: Bytes) -> Option<Bytes> {
    Block::decode(bytes).ok().map(|block| block.encode())
}

/// Decodes a small message and encodes it again; none where it is none.
#[must_use]
pub fn notice(bytes: &[u8]) -> Option<Vec<u8>> {
    Notice::decode(bytes)?.encode()
}

/// The records of a gossip message; none where it is malformed.
#[must_use]
pub fn gossip(bytes: Bytes) -> Option<Vec<Bytes>> {
    unpack(bytes)
}
