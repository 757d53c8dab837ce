//! The label of a key: its rows, and the selectors derived from them.
//!
//! Why it exists: the protocol carries rows as opaque bytes, but derived
//! selectors as inputs that a later step can ask for; one encoding holds both.
//!
//! ```text
//! length u32 ‖ rows u32 ‖ (bytes u32 ‖ row)* ‖ derived u32 ‖
//!   (to_step u16 ‖ bytes u16 ‖ input ‖ blind 32 ‖ signature 64)*
//! ```
//! Big-endian; `length` counts the bytes after itself.
//!
//! *Invariants*: an encoding is decoded to its last byte or refused.

use primitives::Signature;
use zeroize::{Zeroize, Zeroizing};

use super::{cells::LENGTH_BYTES, messages::Reader, voucher::Made};
use crate::{Error, Refusal, limits::LABEL_BYTES_MAX, oprf::check_input};

/// What a custodian's tables hold for one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Rows, as bytes that this crate does not read.
    pub rows: Vec<Vec<u8>>,
    /// Selectors that the plan's rule derives from the rows.
    pub derived: Vec<Derivation>,
}

/// A selector that the plan's rule derives from a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Derivation {
    /// The step in which it may be asked for.
    pub to_step: u16,
    /// The input.
    pub input: Vec<u8>,
}

impl Label {
    /// Bytes of its encoding, all derived selectors included.
    pub(crate) fn encoded_len(&self) -> usize {
        let rows: usize = self.rows.iter().map(|row| 4 + row.len()).sum();
        let derived: usize = self.derived.iter().map(|next| 100 + next.input.len()).sum();
        LENGTH_BYTES + 8 + rows + derived
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.encoded_len() > LABEL_BYTES_MAX {
            return Err(Refusal::LabelTooLarge.into());
        }
        self.derived
            .iter()
            .try_for_each(|next| check_input(&next.input))
    }

    /// Encodes a checked label; `made` gives each derived selector's blind and
    /// signature.
    pub(crate) fn encode<'a>(
        &self,
        made: impl Fn(&Derivation) -> Option<&'a Made>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut out = Zeroizing::new(Vec::with_capacity(self.encoded_len()));
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        put_len(&mut out, self.rows.len())?;
        for row in &self.rows {
            put_len(&mut out, row.len())?;
            out.extend_from_slice(row);
        }
        put_len(&mut out, self.derived.len())?;
        for next in &self.derived {
            let made = made(next).ok_or(Refusal::LabelCount)?;
            let len = u16::try_from(next.input.len()).map_err(|_| Refusal::InputSize)?;
            out.extend_from_slice(&next.to_step.to_be_bytes());
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(&next.input);
            out.extend_from_slice(&made.blind);
            out.extend_from_slice(&made.signature.0);
        }
        let length = u32::try_from(out.len() - LENGTH_BYTES).map_err(|_| Refusal::LabelTooLarge)?;
        out[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        Ok(out)
    }
}

fn put_len(out: &mut Vec<u8>, len: usize) -> Result<(), Error> {
    let len = u32::try_from(len).map_err(|_| Refusal::LabelTooLarge)?;
    out.extend_from_slice(&len.to_be_bytes());
    Ok(())
}

/// A derived selector as a label holds it, not yet checked.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct RawDerived {
    pub(crate) to_step: u16,
    pub(crate) input: Vec<u8>,
    pub(crate) blind: [u8; 32],
    pub(crate) signature: Signature,
}

impl Drop for RawDerived {
    fn drop(&mut self) {
        self.blind.zeroize();
    }
}

/// A label as its holder opened it, its derived selectors not yet checked.
pub(crate) struct RawLabel {
    pub(crate) rows: Vec<Vec<u8>>,
    pub(crate) derived: Vec<RawDerived>,
}

/// Decodes the bytes after a label's length; `None` where they are malformed.
pub(crate) fn decode(bytes: &[u8]) -> Option<RawLabel> {
    let mut reader = Reader::new(bytes);
    let count = reader.u32()?;
    let mut rows = Vec::new();
    for _ in 0..count {
        let len = usize::try_from(reader.u32()?).ok()?;
        rows.push(reader.bytes(len)?.to_vec());
    }
    let count = reader.u32()?;
    let mut derived = Vec::new();
    for _ in 0..count {
        let to_step = reader.u16()?;
        let len = usize::from(reader.u16()?);
        let input = reader.bytes(len)?.to_vec();
        check_input(&input).ok()?;
        derived.push(RawDerived {
            to_step,
            input,
            blind: reader.array()?,
            signature: Signature(reader.array()?),
        });
    }
    reader.end()?;
    Some(RawLabel { rows, derived })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Label, Made) {
        let label = Label {
            rows: vec![b"row".to_vec(), Vec::new(), vec![7; 300]],
            derived: vec![Derivation {
                to_step: 3,
                input: b"next".to_vec(),
            }],
        };
        let made = Made {
            blind: [1; 32],
            signature: Signature([2; 64]),
        };
        (label, made)
    }

    #[test]
    fn labels_round_trip_and_every_cut_or_longer_encoding_is_refused() {
        let (label, made) = sample();
        let bytes = label.encode(|_| Some(&made)).unwrap();
        assert_eq!(bytes.len(), label.encoded_len());
        let body = &bytes[LENGTH_BYTES..];
        let RawLabel { rows, derived } = decode(body).unwrap();
        assert_eq!(rows, label.rows);
        assert_eq!(derived[0].input, label.derived[0].input);
        assert_eq!((derived[0].to_step, derived[0].blind), (3, [1; 32]));
        for cut in 0..body.len() {
            assert!(decode(&body[..cut]).is_none());
        }
        assert!(decode(&[body, &[0]].concat()).is_none());
        assert!(decode(&[0xff; 64]).is_none());
    }

    #[test]
    fn labels_too_large_or_with_bad_inputs_are_refused() {
        let (mut label, _) = sample();
        label.rows.push(vec![0; LABEL_BYTES_MAX]);
        assert_eq!(
            label.check().unwrap_err().refusal(),
            Some(Refusal::LabelTooLarge)
        );
        let (mut label, _) = sample();
        label.derived[0].input.clear();
        assert_eq!(
            label.check().unwrap_err().refusal(),
            Some(Refusal::InputSize)
        );
    }
}
