//! What the parties send, byte by byte.
//!
//! Why it exists: a message's size follows from the parameters alone, so a decoder
//! compares sizes first and copies nothing that it did not expect.
//!
//! Every message is `01 ‖ kind ‖ body`; `docs/formats/mpc-vole.md` has the bodies.
//! Every bit pattern of an element of GF(2^128) is one element, so the encoding is
//! canonical; points are decoded where they are used.

use super::{base_ot, params::Shape, subspace};
use crate::{Error, Fault};

/// The version of every message.
const VERSION: u8 = 1;
/// Bytes before the body.
const HEADER_BYTES: usize = 2;

/// Which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Receiver: nonce and the base transfers' first message.
    Offer = 1,
    /// Sender: nonce and the base transfers' second message.
    Choices = 2,
    /// Receiver: both short VOLEs' trees and corrections.
    Corrections = 3,
    /// Sender: the point of the short VOLEs' check.
    Challenge = 4,
    /// Receiver: the answers at that point.
    Response = 5,
    /// Sender: the noise trees.
    Trees = 6,
    /// Receiver: the point of the noise trees' check, and its masked value.
    Inquiry = 7,
    /// Sender: proof of its value.
    Proof = 8,
}

impl Kind {
    /// Bytes of the body.
    pub(crate) fn body_bytes(self, shape: &Shape) -> usize {
        let both = |len| subspace::TREES_BYTES + subspace::corrections_bytes(len);
        match self {
            Self::Offer => 32 + 32,
            Self::Choices => 32 + 2 * subspace::TRANSFERS * base_ot::CHOICE_BYTES,
            Self::Corrections => both(shape.noise_len()) + both(shape.transfers_len()),
            Self::Challenge => 16,
            Self::Response => 2 * subspace::RESPONSE_BYTES + shape.narrowing_bytes(),
            Self::Trees => shape.transfers() * 32 + shape.trees * 16,
            Self::Inquiry => 16 + 16,
            Self::Proof => 32,
        }
    }

    /// Begins a message.
    pub(crate) fn begin(self, shape: &Shape) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEADER_BYTES + self.body_bytes(shape));
        message.extend_from_slice(&[VERSION, self as u8]);
        message
    }

    /// The body of a message that has exactly this kind and size.
    ///
    /// # Errors
    /// [`Fault::OutOfOrder`] for another message of this version,
    /// [`Fault::Malformed`] for anything else; the evidence is what was sent.
    pub(crate) fn body<'a>(self, shape: &Shape, message: &'a [u8]) -> Result<&'a [u8], Error> {
        match message {
            [VERSION, kind, body @ ..] if *kind == self as u8 => {
                if body.len() == self.body_bytes(shape) {
                    Ok(body)
                } else {
                    Err(Error::faulty(Fault::Malformed, message))
                }
            }
            [VERSION, 1..=8, ..] => Err(Error::faulty(Fault::OutOfOrder, message)),
            _ => Err(Error::faulty(Fault::Malformed, message)),
        }
    }
}

/// The next `N` bytes of a body whose size was checked.
pub(crate) fn take<const N: usize>(body: &mut &[u8]) -> [u8; N] {
    let (head, rest) = body.split_at(N);
    *body = rest;
    let mut bytes = [0; N];
    bytes.copy_from_slice(head);
    bytes
}
