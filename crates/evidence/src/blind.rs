//! The blinded subjects of an order, computed again from the subjects in the clear.
//!
//! So a court sees that the subjects it is shown are the ones that custodians were
//! asked about, and that there was no other.
//!
//! Source: `B = r·H(x)` with HashToGroup of RFC 9497 §4.1 (ristretto255-SHA512,
//! verifiable mode), that is RFC 9380 `expand_message_xmd` with SHA-512 through the
//! one-way map of RFC 9496 §4.3.4. Written apart from the protocol's own code: an
//! offline verifier does without the protocols.

use curve25519_dalek::{RistrettoPoint, Scalar};
use docket::body::{Blinded, Subjects};
use primitives::Digest;
use sha2::{Digest as _, Sha512};

const DST: &[u8] = b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512";
const BLOCK_BYTES: usize = 128;
const POINT_BYTES: u8 = 64;

/// The list that the subjects blind to, sorted by encoding; none if a blind is no
/// canonical scalar.
pub(crate) fn blinded(subjects: &Subjects) -> Option<Vec<Blinded>> {
    let blind = |subject: &docket::body::Subject| {
        Some(Blinded {
            semantic: subject.selector.semantic(),
            point: point(&subject.selector.to_input(), &subject.blind)?,
        })
    };
    let mut list: Vec<_> = subjects.subjects.iter().map(blind).collect::<Option<_>>()?;
    list.sort_by_key(|blinded| blinded.point);
    Some(list)
}

/// `r·H(x)`; none where the blind is no canonical scalar.
pub(crate) fn point(input: &[u8], blind: &Digest) -> Option<Digest> {
    let scalar = Option::<Scalar>::from(Scalar::from_canonical_bytes(blind.0))?;
    let point = RistrettoPoint::from_uniform_bytes(&expand(input)) * scalar;
    Some(Digest(point.compress().to_bytes()))
}

/// `expand_message_xmd` to 64 bytes, which is one block.
fn expand(input: &[u8]) -> [u8; 64] {
    let dst_prime = [DST, &[u8::try_from(DST.len()).unwrap_or(u8::MAX)]].concat();
    let mut first = Sha512::new();
    first.update([0; BLOCK_BYTES]);
    first.update(input);
    first.update([0, POINT_BYTES, 0]);
    first.update(&dst_prime);
    let mut second = Sha512::new();
    second.update(first.finalize());
    second.update([1]);
    second.update(&dst_prime);
    second.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9497 appendix A.1.2, test vectors 1 and 2.
    #[test]
    fn inputs_blind_as_in_the_rfc() {
        let blind = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";
        for (input, expected) in [
            (
                "00",
                "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            ),
            (
                "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
                "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
            ),
        ] {
            let input = hex::decode(input).unwrap();
            let found = point(&input, &blind.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), expected);
        }
        assert_eq!(point(b"x", &Digest([0xff; 32])), None);
    }
}
