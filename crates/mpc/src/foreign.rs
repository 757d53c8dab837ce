//! Decoding as the protocols do it, for who feeds it foreign bytes.
//!
//! Why it exists: messages are private to their protocols, and a role that reads them
//! computes before and after: a fuzzer reaches their decoders alone here
//! (`docs/reliability.md`).
//!
//! *Not here*: anything that a party calls.

use crate::{
    lookup::{
        label,
        messages::{self, Frame, Request},
    },
    psi::frames,
    shares::frame,
};

/// Decodes a lookup's request and encodes it again; none where it is none.
#[must_use]
pub fn lookup_request(bytes: &[u8]) -> Option<Vec<u8>> {
    let request = Request::decode(bytes).ok()?;
    Some(request.into_inner().encode())
}

/// Decodes a frame of a lookup's answer and encodes it again, but for a bucket's, whose
/// numbers have one width each; none where it is none.
#[must_use]
pub fn lookup_frame(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(match Frame::decode(bytes).ok()?.into_inner() {
        Frame::Begin(salt) => messages::encode_begin(&salt),
        Frame::Evaluated(evaluated) => messages::encode_evaluated(&evaluated),
        Frame::Bucket(_) => bytes.to_vec(),
        Frame::End(transcript) => messages::encode_end(&transcript),
    })
}

/// How many rows and derived selectors an opened label has; none where it is none.
#[must_use]
pub fn label(bytes: &[u8]) -> Option<usize> {
    let label = label::decode(bytes)?;
    Some(label.rows.len() + label.derived.len())
}

/// Decodes a frame between two of three, of so many words, and encodes it again.
#[must_use]
pub fn shares_frame(words: usize, bytes: &[u8]) -> Option<Vec<u8>> {
    let header = frame::Header {
        session: [7; 8],
        step: 3,
        sender: 1,
        kind: frame::Kind::Held,
    };
    let words = frame::decode(&header, words, bytes).ok()?;
    Some(frame::encode(&header, &words))
}

/// The entries of a frame of a list in a comparison of sets, and what follows them; none
/// where it is not the frame that is due.
#[must_use]
pub fn set_frame(first: usize, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let due = frames::Due {
        first,
        total: first + 3,
        chunk: 2,
        entry: 16,
    };
    frames::entries(bytes, frames::kind::TAGS, &due, 8).ok()
}
