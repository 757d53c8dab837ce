//! The messages of a lookup, byte by byte (`docs/formats/mpc-lookup.md`).
//!
//! Why it exists: one compact, deterministic encoding that both roles hash into
//! the transcript. Big-endian, no padding, nothing optional.
//!
//! *Invariants*
//! - What decodes encodes to the same bytes; anything else is refused.
//! - A decoded message is [`Unverified`] until a role has checked it.
//! - No allocation is larger than the bytes received.

use primitives::{InstitutionId, Signature};

use super::{cells::CELL_BYTES, voucher::Voucher};
use crate::{
    Error, Fault,
    limits::{
        BUCKET_CELLS_MAX, FRAME_BYTES_MAX, ISSUERS_MAX, PROOF_CHUNK, REQUEST_BYTES_MAX,
        SELECTORS_MAX,
    },
    oprf::PROOF_BYTES,
};

const VERSION: u8 = 1;
const KIND_REQUEST: u8 = 1;
const KIND_EVALUATED: u8 = 2;
const KIND_BUCKET: u8 = 3;
const KIND_END: u8 = 4;
const KIND_BEGIN: u8 = 5;
const KIND_ROOT: u8 = 6;
/// Bytes of a bucket frame before its cells.
pub(crate) const BUCKET_HEADER_BYTES: usize = 2 + 4 + 4 + 4 + 2;
/// Cells in every bucket frame but a bucket's last.
pub(crate) const CELLS_PER_FRAME: usize = (FRAME_BYTES_MAX - BUCKET_HEADER_BYTES) / CELL_BYTES;

/// What a peer sent: decoded, not checked.
#[derive(Debug)]
pub(crate) struct Unverified<T>(T);

impl<T> Unverified<T> {
    /// Takes the message in order to check it.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

/// A cursor over foreign bytes; every step is bounded by what is there.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    fn header(&mut self, kind: u8) -> Option<()> {
        (self.u8()? == VERSION && self.u8()? == kind).then_some(())
    }
}

/// One blinded selector of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) element: [u8; 32],
    /// `None` for a selector on the warrant's own list.
    pub(crate) voucher: Option<Voucher>,
}

/// What the requester asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) context: [u8; 32],
    /// Sorted, distinct.
    pub(crate) buckets: Vec<u32>,
    /// Sorted by element, distinct.
    pub(crate) selectors: Vec<Selector>,
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut issuers: Vec<&InstitutionId> = self
            .selectors
            .iter()
            .filter_map(|s| s.voucher.as_ref())
            .map(|v| &v.issuer)
            .collect();
        issuers.sort_unstable();
        issuers.dedup();
        let mut out = vec![VERSION, KIND_REQUEST];
        out.extend_from_slice(&self.context);
        out.push(small(issuers.len()));
        for issuer in &issuers {
            out.push(small(issuer.as_str().len()));
            out.extend_from_slice(issuer.as_str().as_bytes());
        }
        out.extend_from_slice(&word(self.buckets.len()));
        for bucket in &self.buckets {
            out.extend_from_slice(&bucket.to_be_bytes());
        }
        out.extend_from_slice(&word(self.selectors.len()));
        for selector in &self.selectors {
            out.extend_from_slice(&selector.element);
            match &selector.voucher {
                None => out.push(0),
                Some(voucher) => {
                    let place = issuers
                        .binary_search(&&voucher.issuer)
                        .unwrap_or(usize::MAX);
                    out.push(small(place.saturating_add(1)));
                    out.extend_from_slice(&voucher.from_step.to_be_bytes());
                    out.extend_from_slice(&voucher.signature.0);
                }
            }
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Unverified<Self>, Error> {
        (bytes.len() <= REQUEST_BYTES_MAX)
            .then(|| Self::read(&mut Reader::new(bytes)))
            .flatten()
            // One comparison refuses every other encoding of the same request.
            .filter(|request| request.encode() == bytes)
            .map(Unverified)
            .ok_or_else(|| {
                Error::faulty(
                    Fault::Malformed,
                    &bytes[..bytes.len().min(REQUEST_BYTES_MAX)],
                )
            })
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.header(KIND_REQUEST)?;
        let context = reader.array()?;
        let issuers = usize::from(reader.u8()?);
        let issuers = (issuers <= ISSUERS_MAX).then_some(issuers)?;
        let issuers: Option<Vec<InstitutionId>> = (0..issuers)
            .map(|_| {
                let len = usize::from(reader.u8()?);
                let text = std::str::from_utf8(reader.bytes(len)?).ok()?;
                InstitutionId::new(text).ok()
            })
            .collect();
        let issuers = issuers?;
        let count = reader.u32()?;
        let buckets: Option<Vec<u32>> = (0..count).map(|_| reader.u32()).collect();
        let buckets = buckets.filter(|list| list.is_sorted_by(|a, b| a < b))?;
        let count = reader.u32()?;
        if usize::try_from(count).ok()? > SELECTORS_MAX {
            return None;
        }
        let selectors: Option<Vec<Selector>> = (0..count)
            .map(|_| {
                let element = reader.array()?;
                let voucher = match usize::from(reader.u8()?) {
                    0 => None,
                    place => Some(Voucher {
                        issuer: issuers.get(place - 1)?.clone(),
                        from_step: reader.u16()?,
                        signature: Signature(reader.array()?),
                    }),
                };
                Some(Selector { element, voucher })
            })
            .collect();
        let selectors = selectors.filter(|list| list.is_sorted_by(|a, b| a.element < b.element))?;
        reader.end()?;
        Some(Self {
            context,
            buckets,
            selectors,
        })
    }
}

/// Evaluated selectors `first..` in the request's order, with their proof.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Evaluated {
    pub(crate) first: u32,
    pub(crate) elements: Vec<[u8; 32]>,
    pub(crate) proof: [u8; PROOF_BYTES],
}

/// The head of a bucket frame; its cells stay in the frame's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BucketHead {
    pub(crate) bucket: u32,
    pub(crate) total: usize,
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// One frame of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The answer's salt, which its cells' keys absorb.
    Begin([u8; 32]),
    Evaluated(Evaluated),
    Bucket(BucketHead),
    End([u8; 32]),
}

impl Frame {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Unverified<Self>, Error> {
        (bytes.len() <= FRAME_BYTES_MAX)
            .then(|| Self::read(bytes))
            .flatten()
            .map(Unverified)
            .ok_or_else(|| {
                Error::faulty(
                    Fault::Malformed,
                    &bytes[..bytes.len().min(REQUEST_BYTES_MAX)],
                )
            })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let frame = match *bytes.get(1)? {
            KIND_EVALUATED => {
                reader.header(KIND_EVALUATED)?;
                let first = reader.u32()?;
                let count = usize::from(reader.u16()?);
                if count == 0 || count > PROOF_CHUNK {
                    return None;
                }
                let elements: Option<Vec<[u8; 32]>> = (0..count).map(|_| reader.array()).collect();
                Self::Evaluated(Evaluated {
                    first,
                    elements: elements?,
                    proof: reader.array()?,
                })
            }
            KIND_BUCKET => {
                reader.header(KIND_BUCKET)?;
                let head = BucketHead {
                    bucket: reader.u32()?,
                    total: usize::try_from(reader.u32()?).ok()?,
                    first: usize::try_from(reader.u32()?).ok()?,
                    count: usize::from(reader.u16()?),
                };
                if head.count == 0 || head.total > BUCKET_CELLS_MAX {
                    return None;
                }
                reader.bytes(head.count * CELL_BYTES)?;
                Self::Bucket(head)
            }
            KIND_BEGIN => {
                reader.header(KIND_BEGIN)?;
                Self::Begin(reader.array()?)
            }
            _ => {
                reader.header(KIND_END)?;
                Self::End(reader.array()?)
            }
        };
        reader.end()?;
        Some(frame)
    }
}

pub(crate) fn encode_begin(salt: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![VERSION, KIND_BEGIN];
    out.extend_from_slice(salt);
    out
}

pub(crate) fn encode_evaluated(evaluated: &Evaluated) -> Vec<u8> {
    let mut out = vec![VERSION, KIND_EVALUATED];
    out.extend_from_slice(&evaluated.first.to_be_bytes());
    out.extend_from_slice(&half_word(evaluated.elements.len()));
    for element in &evaluated.elements {
        out.extend_from_slice(element);
    }
    out.extend_from_slice(&evaluated.proof);
    out
}

pub(crate) fn encode_bucket(bucket: u32, cells: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let total = cells.len() / CELL_BYTES;
    cells
        .chunks(CELLS_PER_FRAME * CELL_BYTES)
        .enumerate()
        .map(move |(index, piece)| {
            let mut out = Vec::with_capacity(BUCKET_HEADER_BYTES + piece.len());
            out.extend_from_slice(&[VERSION, KIND_BUCKET]);
            out.extend_from_slice(&bucket.to_be_bytes());
            out.extend_from_slice(&word(total));
            out.extend_from_slice(&word(index * CELLS_PER_FRAME));
            out.extend_from_slice(&half_word(piece.len() / CELL_BYTES));
            out.extend_from_slice(piece);
            out
        })
}

/// What a rooted transcript absorbs in place of a bucket's frames.
pub(crate) fn encode_root(bucket: u32, total: usize, root: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![VERSION, KIND_ROOT];
    out.extend_from_slice(&bucket.to_be_bytes());
    out.extend_from_slice(&word(total));
    out.extend_from_slice(root);
    out
}

pub(crate) fn encode_end(transcript: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![VERSION, KIND_END];
    out.extend_from_slice(transcript);
    out
}

/// Counts below are bounded by the crate's limits long before they are encoded;
/// a wrong one would decode as malformed, never as another message.
fn small(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

fn half_word(count: usize) -> [u8; 2] {
    u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes()
}

fn word(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> Request {
        let voucher = |issuer: &str| {
            Some(Voucher {
                issuer: InstitutionId::new(issuer).unwrap(),
                from_step: 1,
                signature: Signature([9; 64]),
            })
        };
        let selector = |byte, voucher| Selector {
            element: [byte; 32],
            voucher,
        };
        Request {
            context: [3; 32],
            buckets: vec![0, 7, 9],
            selectors: vec![
                selector(1, None),
                selector(2, voucher("bank_b")),
                selector(3, voucher("bank_a")),
            ],
        }
    }

    #[test]
    fn requests_round_trip_and_other_encodings_are_refused() {
        let request = request();
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes).unwrap().into_inner(), request);
        for cut in 0..bytes.len() {
            assert!(Request::decode(&bytes[..cut]).is_err());
        }
        assert!(Request::decode(&[&bytes[..], &[0]].concat()).is_err());
        let mut unsorted = request.clone();
        unsorted.buckets.swap(0, 1);
        assert!(Request::decode(&unsorted.encode()).is_err());
        let mut repeated = request.clone();
        repeated.selectors[1] = repeated.selectors[0].clone();
        assert!(Request::decode(&repeated.encode()).is_err());
        let error = Request::decode(&vec![1; REQUEST_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::Malformed));
    }

    #[test]
    fn the_largest_request_fits() {
        let selectors = (0..SELECTORS_MAX)
            .map(|index| {
                let mut selector = request().selectors[1].clone();
                selector.element[..4].copy_from_slice(&word(index));
                selector
            })
            .collect();
        let buckets = (0u32..).take(SELECTORS_MAX).collect();
        let largest = Request {
            context: [0; 32],
            buckets,
            selectors,
        };
        assert!(largest.encode().len() <= REQUEST_BYTES_MAX);
        assert!(Request::decode(&largest.encode()).is_ok());
    }

    #[test]
    fn frames_round_trip_within_their_limit() {
        let evaluated = Evaluated {
            first: 4,
            elements: vec![[1; 32]; PROOF_CHUNK],
            proof: [2; 64],
        };
        let bytes = encode_evaluated(&evaluated);
        assert!(bytes.len() <= FRAME_BYTES_MAX);
        assert_eq!(
            Frame::decode(&bytes).unwrap().into_inner(),
            Frame::Evaluated(evaluated)
        );
        let cells = vec![5; (CELLS_PER_FRAME + 1) * CELL_BYTES];
        let frames: Vec<_> = encode_bucket(6, &cells).collect();
        assert_eq!(frames.len(), 2);
        assert!(frames.iter().all(|frame| frame.len() <= FRAME_BYTES_MAX));
        assert_eq!(
            Frame::decode(&frames[1]).unwrap().into_inner(),
            Frame::Bucket(BucketHead {
                bucket: 6,
                total: CELLS_PER_FRAME + 1,
                first: CELLS_PER_FRAME,
                count: 1
            })
        );
        let begin = encode_begin(&[9; 32]);
        assert_eq!(
            Frame::decode(&begin).unwrap().into_inner(),
            Frame::Begin([9; 32])
        );
        let end = encode_end(&[8; 32]);
        assert_eq!(
            Frame::decode(&end).unwrap().into_inner(),
            Frame::End([8; 32])
        );
        for cut in 0..end.len() {
            assert!(Frame::decode(&end[..cut]).is_err());
        }
        assert!(Frame::decode(&vec![VERSION; FRAME_BYTES_MAX + 1]).is_err());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 1u8..6) {
            let _ = (Request::decode(&bytes).is_ok(), Frame::decode(&bytes).is_ok());
            bytes.splice(..0, [VERSION, kind]);
            if let Ok(request) = Request::decode(&bytes) {
                prop_assert_eq!(request.into_inner().encode(), bytes.clone());
            }
            let _ = Frame::decode(&bytes).is_ok();
        }
    }
}
