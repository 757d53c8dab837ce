//! Decoding as a connection does it, for who feeds it foreign bytes.
//!
//! Why it exists: frames are private to this room, and a decoder of foreign bytes must
//! be reachable by the fuzzers (`docs/reliability.md`).
//!
//! *Not here*: anything that a node calls.

use bytes::{Buf as _, Bytes};

use crate::frame::Frame;

/// Decodes a frame and encodes it again; none where it is none.
#[must_use]
pub fn frame(bytes: Bytes) -> Option<Bytes> {
    let mut encoded = Frame::decode(bytes).ok()?.encode();
    let length = encoded.remaining();
    Some(encoded.copy_to_bytes(length))
}
