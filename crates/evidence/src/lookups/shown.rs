//! One lookup, opened again from what its requester kept of it.
//!
//! Source: `docs/formats/mpc-lookup.md`, "A shown lookup". Written apart from the
//! protocol's own code: an offline verifier does without the protocols.
//!
//! *Invariants*: nothing is opened but with the key that follows from a selector, the
//! custodian's evaluation of it and the answer's salt; a selector without rows is one
//! between whose neighbours no cell can stand.
//!
//! *Not here*: the proof that the custodian evaluated under the key that it committed to.
//! The requester checked it, and here the custodian's signature stands over the
//! evaluations; only both together could have let a wrong one pass.

use std::collections::{BTreeMap, HashMap};

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use curve25519_dalek::{Scalar, ristretto::CompressedRistretto};
use primitives::{Digest, InstitutionId};
use sha2::{Digest as _, Sha256, Sha512};

const TAG_BYTES: usize = 16;
const PAYLOAD_BYTES: usize = 256;
const CELL_BYTES: usize = TAG_BYTES + PAYLOAD_BYTES + 16;
const EDGE_BYTES: usize = TAG_BYTES + 32;
/// Evaluated selectors in every frame but the last.
const EVALUATED_MAX: usize = 4096;
/// Bytes of the proof behind them.
const PROOF_BYTES: usize = 64;
/// Cells of a bucket, at most.
const CELLS_MAX: usize = 1 << 18;

/// What one lookup is bound to, from the ledger.
pub(crate) struct Bound<'a> {
    pub(crate) network: Digest,
    pub(crate) warrant: Digest,
    pub(crate) plan: Digest,
    pub(crate) question: Digest,
    pub(crate) step: u16,
    pub(crate) part: u16,
    pub(crate) requester: &'a InstitutionId,
    pub(crate) custodian: &'a InstitutionId,
    pub(crate) snapshot: Digest,
    pub(crate) salt: Digest,
    pub(crate) bucket_bits: u8,
    pub(crate) plan_key: Digest,
}

impl Bound<'_> {
    fn digest(&self) -> Digest {
        let parts: [&[u8]; 12] = [
            &self.network.0,
            &self.warrant.0,
            &self.plan.0,
            &self.question.0,
            &self.step.to_be_bytes(),
            &self.part.to_be_bytes(),
            self.requester.as_str().as_bytes(),
            self.custodian.as_str().as_bytes(),
            &self.snapshot.0,
            &self.salt.0,
            &[self.bucket_bits],
            &self.plan_key.0,
        ];
        Digest::of("cordon/mpc/context/v1", &parts)
    }

    /// The bucket of an input: the top bits of its salted digest.
    fn bucket_of(&self, input: &[u8]) -> u32 {
        let digest = Digest::of("cordon/mpc/bucket/v1", &[&self.salt.0, input]);
        let mut first = [0; 8];
        first.copy_from_slice(&digest.0[..8]);
        let bits = u32::from(self.bucket_bits).min(32);
        let top = u64::from_be_bytes(first)
            .checked_shr(64 - bits)
            .unwrap_or(0);
        u32::try_from(top).unwrap_or(u32::MAX)
    }
}

/// A selector that the requester could ask for, by its blinded element elsewhere.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) input: Vec<u8>,
    pub(crate) blind: Scalar,
}

/// What a lookup opened.
pub(crate) struct Replayed {
    /// The digest that the custodian signed, if this is what it sent.
    pub(crate) transcript: Digest,
    /// The blinded selectors that were asked for.
    pub(crate) asked: Vec<[u8; 32]>,
    /// The labels of those that the table has.
    pub(crate) labels: Vec<Label>,
}

/// A label: its rows, and what it derives.
pub(crate) struct Label {
    pub(crate) rows: Vec<Vec<u8>>,
    pub(crate) derived: Vec<Derived>,
}

/// A selector that a label derives.
pub(crate) struct Derived {
    pub(crate) to_step: u16,
    pub(crate) input: Vec<u8>,
    pub(crate) blind: Digest,
}

/// Opens a lookup again; the error says what does not fit.
pub(crate) fn replay(
    bound: &Bound<'_>,
    shown: &[u8],
    known: &HashMap<[u8; 32], Known>,
) -> Result<Replayed, String> {
    let context = bound.digest();
    let mut reader = Reader(shown);
    let request = head(&mut reader).ok_or("it does not begin as a shown lookup")?;
    let asked = Request::read(request).ok_or("its request is malformed")?;
    if asked.context != context.0 {
        return Err("the request of another lookup".into());
    }
    let mut transcript = Transcript::new(&context);
    transcript.absorb(1, request);
    let begin = reader.take(2 + 32).filter(|begin| begin[..2] == [1, 5]);
    let begin = begin.ok_or("its answer does not begin")?;
    transcript.absorb(2, begin);
    let answer = Digest::of("cordon/mpc/answer/v1", &[&context.0, &begin[2..]]);
    let evaluated = evaluated(&mut reader, &mut transcript, asked.selectors.len())
        .ok_or("its evaluated selectors are malformed")?;
    let mut by_bucket: BTreeMap<u32, Vec<Keys>> = BTreeMap::new();
    for (element, evaluated) in asked.selectors.iter().zip(&evaluated) {
        let known = known
            .get(element)
            .ok_or("a selector that is neither a subject nor derived")?;
        let output = output(known, evaluated).ok_or("an evaluation that is no element")?;
        let keys = Keys::new(&answer, &output);
        by_bucket
            .entry(bound.bucket_of(&known.input))
            .or_default()
            .push(keys);
    }
    if !by_bucket.keys().eq(&asked.buckets) {
        return Err("other buckets than its selectors lie in".into());
    }
    let mut labels = Vec::new();
    for (bucket, keys) in &by_bucket {
        let cells = Cells::read(&mut reader).ok_or("a bucket is malformed")?;
        transcript.absorb(2, &cells.message(*bucket)?);
        for keys in keys {
            labels.extend(keys.open(*bucket, &cells)?);
        }
    }
    if !reader.0.is_empty() {
        return Err("bytes after its last bucket".into());
    }
    Ok(Replayed {
        transcript: transcript.0,
        asked: asked.selectors,
        labels,
    })
}

fn head<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    (reader.u8()? == 1).then_some(())?;
    let length = usize::try_from(reader.u32()?).ok()?;
    reader.take(length)
}

/// A cursor over foreign bytes; every step is bounded by what is there.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }
}

struct Request {
    context: [u8; 32],
    buckets: Vec<u32>,
    selectors: Vec<[u8; 32]>,
}

impl Request {
    /// Reads what matters here; vouchers were for the custodian, which checked them.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        (reader.array()? == [1u8, 1]).then_some(())?;
        let context = reader.array()?;
        for _ in 0..reader.u8()? {
            let length = usize::from(reader.u8()?);
            reader.take(length)?;
        }
        let buckets: Option<Vec<u32>> = (0..reader.u32()?).map(|_| reader.u32()).collect();
        let mut selectors = Vec::new();
        for _ in 0..reader.u32()? {
            selectors.push(reader.array()?);
            if reader.u8()? != 0 {
                reader.take(2 + 64)?;
            }
        }
        let distinct = selectors.is_sorted_by(|a, b| a < b);
        (distinct && reader.0.is_empty()).then_some(Self {
            context,
            buckets: buckets?,
            selectors,
        })
    }
}

struct Transcript(Digest);

impl Transcript {
    fn new(context: &Digest) -> Self {
        Self(Digest::of("cordon/mpc/transcript/v2", &[&context.0]))
    }

    /// `from`: 1 the requester, 2 the custodian.
    fn absorb(&mut self, from: u8, message: &[u8]) {
        self.0 = Digest::of(
            "cordon/mpc/transcript-step/v1",
            &[&self.0.0, &[from], message],
        );
    }
}

/// The evaluated selectors, in the request's order.
fn evaluated(
    reader: &mut Reader<'_>,
    transcript: &mut Transcript,
    selectors: usize,
) -> Option<Vec<[u8; 32]>> {
    let mut all = Vec::new();
    while all.len() < selectors {
        let due = (selectors - all.len()).min(EVALUATED_MAX);
        let frame = reader.take(2 + 4 + 2 + due * 32 + PROOF_BYTES)?;
        let mut inner = Reader(frame);
        let fits = inner.array()? == [1u8, 2]
            && inner.count()? == all.len()
            && usize::from(inner.u16()?) == due;
        fits.then_some(())?;
        for _ in 0..due {
            all.push(inner.array()?);
        }
        transcript.absorb(2, frame);
    }
    Some(all)
}

/// `F(x)` of RFC 9497 §3.3.1 from the custodian's evaluation of the blinded selector.
fn output(known: &Known, evaluated: &[u8; 32]) -> Option<[u8; 64]> {
    let point = CompressedRistretto(*evaluated).decompress()?;
    let unblinded = (point * known.blind.invert()).compress();
    let length = u16::try_from(known.input.len()).ok()?;
    let mut hasher = Sha512::new();
    hasher.update(length.to_be_bytes());
    hasher.update(&known.input);
    hasher.update([0, 32]);
    hasher.update(unblinded.as_bytes());
    hasher.update(b"Finalize");
    Some(hasher.finalize().into())
}

/// The cells of one bucket that are shown, and what shows the others to be there.
struct Cells<'a> {
    total: usize,
    /// By place, ascending by place and by tag.
    kept: Vec<(usize, Kept<'a>)>,
    siblings: Vec<[u8; 32]>,
}

enum Kept<'a> {
    Edge(&'a [u8]),
    Cell(&'a [u8]),
}

impl Kept<'_> {
    fn tag(&self) -> &[u8] {
        match self {
            Self::Edge(bytes) | Self::Cell(bytes) => &bytes[..TAG_BYTES],
        }
    }

    fn leaf(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        match self {
            Self::Edge(edge) => hasher.update(edge),
            Self::Cell(cell) => {
                hasher.update(&cell[..TAG_BYTES]);
                hasher.update(Sha256::digest(&cell[TAG_BYTES..]));
            }
        }
        hasher.finalize().into()
    }
}

impl<'a> Cells<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let total = reader.count().filter(|total| *total <= CELLS_MAX)?;
        let mut kept = Vec::new();
        for _ in 0..reader.u32()? {
            let place = reader.count().filter(|place| *place < total)?;
            let one = match reader.u8()? {
                0 => Kept::Edge(reader.take(EDGE_BYTES)?),
                1 => Kept::Cell(reader.take(CELL_BYTES)?),
                _ => return None,
            };
            kept.push((place, one));
        }
        let ascending = kept.is_sorted_by(|(a, one), (b, other)| a < b && one.tag() < other.tag());
        let siblings: Option<Vec<[u8; 32]>> = (0..reader.u32()?).map(|_| reader.array()).collect();
        ascending.then_some(Self {
            total,
            kept,
            siblings: siblings?,
        })
    }

    /// What the transcript has of the bucket: its root.
    fn message(&self, bucket: u32) -> Result<Vec<u8>, String> {
        let mut siblings = self.siblings.iter();
        let root = root(self.total, 0, &self.kept, &mut siblings)
            .filter(|_| siblings.len() == 0)
            .ok_or("a bucket's tree lacks a node, or has one too many")?;
        let total = u32::try_from(self.total).unwrap_or(u32::MAX);
        Ok([
            &[1, 6][..],
            &bucket.to_be_bytes(),
            &total.to_be_bytes(),
            &root,
        ]
        .concat())
    }

    /// The cell with this tag; none where its neighbours show that there is none.
    fn find(&self, tag: &[u8]) -> Result<Option<&'a [u8]>, String> {
        let at = self.kept.partition_point(|(_, kept)| kept.tag() < tag);
        let after = self.kept.get(at);
        if let Some((_, kept)) = after.filter(|(_, kept)| kept.tag() == tag) {
            return match kept {
                Kept::Cell(cell) => Ok(Some(cell)),
                Kept::Edge(_) => Err("a selector whose rows are left out".into()),
            };
        }
        let before = at.checked_sub(1).and_then(|before| self.kept.get(before));
        let next = before.map_or(0, |(place, _)| place + 1);
        if after.map_or(self.total, |(place, _)| *place) == next {
            Ok(None)
        } else {
            Err("a selector of which nothing is shown".into())
        }
    }
}

/// The root of RFC 9162 §2.1.1 over `total` leaves from place `first` on, of which those
/// in `kept` are shown.
fn root<'s>(
    total: usize,
    first: usize,
    kept: &[(usize, Kept<'_>)],
    siblings: &mut impl Iterator<Item = &'s [u8; 32]>,
) -> Option<[u8; 32]> {
    match kept {
        [] => siblings.next().copied(),
        [(_, leaf), ..] if total == 1 => Some(leaf.leaf()),
        _ => {
            let left = total.next_power_of_two() / 2;
            let middle = first + left;
            let (before, after) = kept.split_at(kept.partition_point(|(place, _)| *place < middle));
            let before = root(left, first, before, siblings)?;
            let after = root(total - left, middle, after, siblings)?;
            let mut hasher = Sha256::new();
            hasher.update([1]);
            hasher.update(before);
            hasher.update(after);
            Some(hasher.finalize().into())
        }
    }
}

/// The keys of one label in one answer.
struct Keys {
    cipher: ChaCha20Poly1305,
    tag_key: [u8; 32],
    answer: Digest,
}

impl Keys {
    fn new(answer: &Digest, output: &[u8; 64]) -> Self {
        let mut hasher = Sha512::new();
        hasher.update("cordon/mpc/cell-keys/v1");
        hasher.update(answer.0);
        hasher.update(output);
        let both: [u8; 64] = hasher.finalize().into();
        let (mut key, mut tag_key) = ([0; 32], [0; 32]);
        key.copy_from_slice(&both[..32]);
        tag_key.copy_from_slice(&both[32..]);
        Self {
            cipher: ChaCha20Poly1305::new((&key).into()),
            tag_key,
            answer: *answer,
        }
    }

    fn cell<'a>(&self, cells: &Cells<'a>, index: u32) -> Result<Option<&'a [u8]>, String> {
        let mut hasher = Sha256::new();
        hasher.update(self.tag_key);
        hasher.update(index.to_be_bytes());
        cells.find(&hasher.finalize()[..TAG_BYTES])
    }

    /// The label, if the table has one.
    fn open(&self, bucket: u32, cells: &Cells<'_>) -> Result<Option<Label>, String> {
        let Some(cell) = self.cell(cells, 0)? else {
            return Ok(None);
        };
        let first = self.payload(bucket, 0, cell)?;
        let (length, start) = first.split_at(4);
        let length = <[u8; 4]>::try_from(length).map_or(u32::MAX, u32::from_be_bytes);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut label = start.to_vec();
        for index in 1u32.. {
            if label.len() >= length {
                break;
            }
            let cell = self
                .cell(cells, index)?
                .ok_or("a label of which a cell is not there")?;
            label.extend(self.payload(bucket, index, cell)?);
        }
        let (label, filled) = label.split_at(length.min(label.len()));
        Label::read(label)
            .filter(|_| filled.iter().all(|byte| *byte == 0))
            .map(Some)
            .ok_or_else(|| "a malformed label".into())
    }

    fn payload(&self, bucket: u32, index: u32, cell: &[u8]) -> Result<Vec<u8>, String> {
        let (payload, authenticator) = cell[TAG_BYTES..].split_at(PAYLOAD_BYTES);
        let mut payload = payload.to_vec();
        let mut nonce = [0; 12];
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        let place = [
            &self.answer.0[..],
            &bucket.to_be_bytes(),
            &index.to_be_bytes(),
        ];
        let authenticator = <[u8; 16]>::try_from(authenticator).unwrap_or_default();
        self.cipher
            .decrypt_inout_detached(
                &nonce.into(),
                &place.concat(),
                InOutBuf::from(&mut payload[..]),
                &authenticator.into(),
            )
            .map_err(|_| "a cell that does not open")?;
        Ok(payload)
    }
}

impl Label {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let mut rows = Vec::new();
        for _ in 0..reader.u32()? {
            let length = reader.count()?;
            rows.push(reader.take(length)?.to_vec());
        }
        let mut derived = Vec::new();
        for _ in 0..reader.u32()? {
            let to_step = reader.u16()?;
            let length = usize::from(reader.u16()?);
            let input = reader.take(length)?.to_vec();
            let blind = Digest(reader.array()?);
            reader.take(64)?;
            derived.push(Derived {
                to_step,
                input,
                blind,
            });
        }
        reader.0.is_empty().then_some(Self { rows, derived })
    }
}
