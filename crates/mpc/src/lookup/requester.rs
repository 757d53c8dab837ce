//! The requester's role: ask, check the proof, open what was asked for.
//!
//! Why it exists: the requester must get either the labels of its selectors as
//! the custodian's committed key gives them, or a fault with the custodian's
//! bytes in it; never a short answer that looks whole.
//!
//! *Invariants*
//! - A selector that a seed blinds was checked against its input when the
//!   [`Target`] was made, so a key that is not found is one that the table lacks.
//! - Frames are taken in the one order that the request fixes.
//! - [`Receiver::finish`] gives an answer only after the custodian's transcript
//!   was found equal to ours.
//!
//! *Not here*: which derived selectors to ask next, and of whom.

mod target;

use std::collections::{HashMap, HashSet};

use curve25519_dalek::Scalar;
use primitives::{Digest, PublicKey};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::{
    cells::{CELL_BYTES, CellKeys, LENGTH_BYTES, TAG_BYTES, answer_digest, size_class},
    context::{Context, Sender, Transcript},
    label::{self, RawDerived, RawLabel},
    messages::{
        BUCKET_HEADER_BYTES, BucketHead, CELLS_PER_FRAME, Evaluated, Frame, Request, Selector,
        encode_root,
    },
    shown::{Kept, Shown, Whole},
    tree,
    voucher::{Check, blind_again, first_invalid, invert_blinds},
};
use crate::{
    Element, Error, Fault, Refusal,
    group::encode_doubled,
    limits::{CELL_PAYLOAD_BYTES, LABEL_BYTES_MAX, OPENED_BYTES_MAX, PROOF_CHUNK, SELECTORS_MAX},
    oprf, secrecy,
};

use target::derived;
pub use target::{Derived, Target, parts};

/// Selectors finalised by one thread at a time, sharing one inversion.
const CHUNK: usize = 64;

/// What the table has for one input.
#[derive(Clone)]
pub struct Found {
    /// The rows, as the custodian gave them.
    pub rows: Vec<Vec<u8>>,
    /// The selectors derived from them.
    pub derived: Vec<Derived>,
}

/// The outcome for one input.
#[derive(Clone)]
pub struct Outcome {
    /// The input.
    pub input: Vec<u8>,
    /// `None` where the table does not know it.
    pub found: Option<Found>,
}

/// What a finished lookup gives.
pub struct Opened {
    /// One outcome a target, in the order of the targets.
    pub outcomes: Vec<Outcome>,
    /// The transcript's digest, which both parties sign.
    pub transcript: Digest,
    /// Of a rooted transcript: what shows others that these outcomes stand under it
    /// (`docs/formats/mpc-lookup.md`). It holds the labels of all that was asked for.
    pub shown: Option<Vec<u8>>,
}

/// The requester's side of one lookup, before it asks.
pub struct Session {
    context: Context,
    custodian: PublicKey,
}

impl Session {
    /// Binds a lookup to its context; `custodian` is the key under which the
    /// custodian signs derived selectors.
    #[must_use]
    pub fn new(context: Context, custodian: PublicKey) -> Self {
        Self { context, custodian }
    }

    /// Gives the request to send, and the receiver of its answer.
    ///
    /// # Errors
    /// [`Refusal::TooManySelectors`] (see [`parts`]), [`Refusal::InputRepeated`].
    pub fn ask(self, targets: Vec<Target>) -> Result<(Vec<u8>, Receiver), Error> {
        if targets.len() > SELECTORS_MAX {
            return Err(Refusal::TooManySelectors.into());
        }
        let distinct: HashSet<&[u8]> = targets.iter().map(Target::input).collect();
        if distinct.len() != targets.len() {
            return Err(Refusal::InputRepeated.into());
        }
        // Sorted by element, which looks random, the order says nothing.
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_unstable_by_key(|index| targets[*index].element);
        let mut by_bucket: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, target) in targets.iter().enumerate() {
            let bucket = self.context.table.bucket_of(&target.input);
            by_bucket.entry(bucket).or_default().push(index);
        }
        let mut buckets: Vec<u32> = by_bucket.keys().copied().collect();
        buckets.sort_unstable();
        let context = self.context.digest();
        let selectors = order.iter().map(|index| Selector {
            element: targets[*index].element,
            voucher: targets[*index].voucher.clone(),
        });
        let request = Request {
            context: *context.as_bytes(),
            buckets: buckets.clone(),
            selectors: selectors.collect(),
        }
        .encode();
        let mut transcript = Transcript::new(&context, self.context.rooted);
        transcript.absorb(Sender::Requester, &request);
        buckets.reverse();
        let shown = self.context.rooted.then(|| Shown::new(&request));
        let receiver = Receiver {
            labels: targets.iter().map(|_| None).collect(),
            keys: targets.iter().map(|_| None).collect(),
            context: self.context,
            answer: None,
            custodian: self.custodian,
            targets,
            order,
            evaluated: 0,
            opened_bytes: 0,
            due: buckets,
            by_bucket,
            current: None,
            transcript,
            shown,
            ended: false,
        };
        Ok((request, receiver))
    }
}

/// Whether more frames are to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More frames are due.
    More,
    /// The last frame was taken; [`Receiver::finish`] gives the answer.
    Complete,
}

/// The bucket whose frames are coming in.
struct Incoming {
    total: usize,
    received: usize,
    frames: Vec<Vec<u8>>,
}

impl Incoming {
    /// Cell `index`; every frame but the last holds [`CELLS_PER_FRAME`].
    fn cell(&self, index: usize) -> Option<&[u8]> {
        let frame = self.frames.get(index / CELLS_PER_FRAME)?;
        let start = BUCKET_HEADER_BYTES + (index % CELLS_PER_FRAME) * CELL_BYTES;
        frame.get(start..start + CELL_BYTES)
    }

    /// The place of a tag, or the one where it would stand.
    fn find(&self, mut tag: [u8; TAG_BYTES]) -> Result<usize, usize> {
        secrecy::conceded(&mut tag, "tags that a requester looks for in a bucket");
        let (mut low, mut high) = (0, self.total);
        while low < high {
            let middle = low + (high - low) / 2;
            let cell = self.cell(middle).unwrap_or(&[0; CELL_BYTES]);
            match cell[..TAG_BYTES].cmp(&tag) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The cell of a tag; its place is kept, or its neighbours' where it has none.
    fn look(&self, tag: [u8; TAG_BYTES], kept: &mut Kept) -> Option<&[u8]> {
        match self.find(tag) {
            Ok(place) => {
                kept.insert(place, Whole::Cell);
                self.cell(place)
            }
            Err(place) => {
                for next in [place.checked_sub(1), Some(place)].into_iter().flatten() {
                    if next < self.total {
                        kept.entry(next).or_insert(Whole::Edge);
                    }
                }
                None
            }
        }
    }

    fn leaves(&self) -> Vec<tree::Hash> {
        let cells = self.frames.iter();
        cells
            .flat_map(|frame| tree::leaves(&frame[BUCKET_HEADER_BYTES..]))
            .collect()
    }
}

/// Takes the custodian's frames in order and opens what was asked for.
pub struct Receiver {
    context: Context,
    /// The digest that the cells' keys absorb, once the answer has begun.
    answer: Option<Digest>,
    custodian: PublicKey,
    targets: Vec<Target>,
    /// Targets in the request's order.
    order: Vec<usize>,
    keys: Vec<Option<CellKeys>>,
    labels: Vec<Option<RawLabel>>,
    evaluated: usize,
    opened_bytes: usize,
    /// Buckets still to come, the next one last.
    due: Vec<u32>,
    by_bucket: HashMap<u32, Vec<usize>>,
    current: Option<Incoming>,
    transcript: Transcript,
    /// What is kept to be shown, of a rooted transcript.
    shown: Option<Shown>,
    ended: bool,
}

impl Receiver {
    /// Takes one frame. After an error the lookup is over.
    ///
    /// # Errors
    /// [`Fault`], with the custodian's bytes.
    pub fn on_frame(&mut self, bytes: Vec<u8>) -> Result<Progress, Error> {
        let frame = Frame::decode(&bytes)?.into_inner();
        if self.ended {
            return Err(Error::faulty(Fault::OutOfOrder, &bytes));
        }
        match (&frame, &mut self.shown) {
            // The end is not absorbed, and of a rooted transcript's buckets their roots.
            (Frame::End(_), _) | (Frame::Bucket(_), Some(_)) => {}
            (_, shown) => {
                self.transcript.absorb(Sender::Custodian, &bytes);
                if let Some(shown) = shown {
                    shown.message(&bytes);
                }
            }
        }
        match frame {
            Frame::Begin(salt) => {
                let digest = answer_digest(&self.context.digest(), &salt);
                if self.answer.replace(digest).is_some() {
                    return Err(Error::faulty(Fault::OutOfOrder, &bytes));
                }
            }
            Frame::Evaluated(evaluated) => self.on_evaluated(&evaluated, &bytes)?,
            Frame::Bucket(head) => self.on_bucket(&head, bytes)?,
            Frame::End(theirs) => {
                let whole = self.answer.is_some()
                    && self.evaluated == self.targets.len()
                    && self.due.is_empty()
                    && self.current.is_none();
                if !whole {
                    return Err(Error::faulty(Fault::OutOfOrder, &bytes));
                }
                // The end states the digest of what came before it.
                if &theirs != self.transcript.digest().as_bytes() {
                    return Err(Error::faulty(Fault::TranscriptMismatch, &bytes));
                }
                self.ended = true;
                return Ok(Progress::Complete);
            }
        }
        Ok(Progress::More)
    }

    fn on_evaluated(&mut self, evaluated: &Evaluated, bytes: &[u8]) -> Result<(), Error> {
        let left = self.targets.len() - self.evaluated;
        let due = left.min(PROOF_CHUNK);
        let first = usize::try_from(evaluated.first).unwrap_or(usize::MAX);
        let in_order = left > 0 && first == self.evaluated && evaluated.elements.len() == due;
        let Some(answer) = self.answer.filter(|_| in_order) else {
            return Err(Error::faulty(Fault::OutOfOrder, bytes));
        };
        let order = &self.order[first..first + due];
        let blinded: Result<Vec<Element>, Error> = order
            .par_iter()
            .map(|index| Element::from_bytes(&self.targets[*index].element))
            .collect();
        let results: Result<Vec<Element>, Error> = evaluated
            .elements
            .par_iter()
            .map(Element::from_bytes)
            .collect();
        let results = results?;
        let Ok(proof_holds) = blinded
            .map(|list| oprf::verify(&self.context.plan_key, &list, &results, &evaluated.proof))
        else {
            return Err(Refusal::BlindMismatch.into());
        };
        if !proof_holds {
            return Err(Error::faulty(Fault::ProofInvalid, bytes));
        }
        let inverses = invert_blinds(order.iter().map(|index| &self.targets[*index].blind.0));
        let keys = self.derive(&answer, order, &results, &inverses);
        for (index, key) in order.iter().zip(keys) {
            self.keys[*index] = Some(key);
        }
        self.evaluated += due;
        Ok(())
    }

    /// Unblinds, finalises and derives the label keys of one chunk.
    fn derive(
        &self,
        answer: &Digest,
        order: &[usize],
        results: &[Element],
        inverses: &[Scalar],
    ) -> Vec<CellKeys> {
        order
            .par_chunks(CHUNK)
            .zip(results.par_chunks(CHUNK).zip(inverses.par_chunks(CHUNK)))
            .flat_map_iter(|(order, (results, inverses))| {
                let halves: Vec<_> = results
                    .iter()
                    .zip(inverses)
                    .map(|(result, inverse)| result.point() * inverse.div_by_2())
                    .collect();
                let encodings = encode_doubled(&halves);
                let keys: Vec<CellKeys> = order
                    .iter()
                    .zip(&encodings)
                    .map(|(index, encoding)| {
                        let output = oprf::finalize(&self.targets[*index].input, encoding);
                        CellKeys::new(answer, &output)
                    })
                    .collect();
                keys
            })
            .collect()
    }

    fn on_bucket(&mut self, head: &BucketHead, bytes: Vec<u8>) -> Result<(), Error> {
        let in_order =
            self.evaluated == self.targets.len() && self.due.last() == Some(&head.bucket);
        if !in_order {
            return Err(Error::faulty(Fault::OutOfOrder, &bytes));
        }
        let mut incoming = self.current.take().unwrap_or(Incoming {
            total: head.total,
            received: 0,
            frames: Vec::new(),
        });
        let left = incoming.total.saturating_sub(incoming.received);
        let fits = incoming.total == head.total
            && size_class(head.total) == head.total
            && head.first == incoming.received
            && head.count == left.min(CELLS_PER_FRAME);
        let last = incoming
            .received
            .checked_sub(1)
            .and_then(|index| incoming.cell(index));
        if !fits || !ascending(last, &bytes[BUCKET_HEADER_BYTES..]) {
            return Err(Error::faulty(Fault::BucketMalformed, &bytes));
        }
        incoming.received += head.count;
        incoming.frames.push(bytes);
        if incoming.received < incoming.total {
            self.current = Some(incoming);
            return Ok(());
        }
        self.due.pop();
        let mut kept = Kept::new();
        for index in self.by_bucket.remove(&head.bucket).unwrap_or_default() {
            let opened = self.open(head.bucket, index, &incoming, &mut kept)?;
            self.opened_bytes += opened.as_ref().map_or(0, |(_, bytes)| *bytes);
            if self.opened_bytes > OPENED_BYTES_MAX {
                return Err(Refusal::AnswerTooLarge.into());
            }
            self.labels[index] = opened.map(|(label, _)| label);
        }
        if let Some(shown) = &mut self.shown {
            let leaves = incoming.leaves();
            let root = shown.bucket(&leaves, &kept, |place| incoming.cell(place))?;
            let root = encode_root(head.bucket, leaves.len(), &root);
            self.transcript.absorb(Sender::Custodian, &root);
        }
        Ok(())
    }

    /// Opens the label of one target in a whole bucket, and gives its length; adds to
    /// `kept` what shows it.
    fn open(
        &self,
        bucket: u32,
        index: usize,
        incoming: &Incoming,
        kept: &mut Kept,
    ) -> Result<Option<(RawLabel, usize)>, Error> {
        let Some(keys) = &self.keys[index] else {
            return Ok(None);
        };
        let Some(cell) = incoming.look(keys.tag(0), kept) else {
            return Ok(None);
        };
        let altered = |cell: &[u8]| Error::faulty(Fault::CellAltered, cell);
        let first = keys.open(bucket, 0, cell).ok_or_else(|| altered(cell))?;
        let (length, start) = first.split_at(LENGTH_BYTES);
        let length = <[u8; LENGTH_BYTES]>::try_from(length).map_or(u32::MAX, u32::from_be_bytes);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let malformed = || Error::faulty(Fault::LabelMalformed, cell);
        if length > LABEL_BYTES_MAX {
            return Err(malformed());
        }
        let mut label = Zeroizing::new(Vec::with_capacity(length + CELL_PAYLOAD_BYTES));
        label.extend_from_slice(start);
        for next in 1u32.. {
            if label.len() >= length {
                break;
            }
            // A missing cell is shown by the bucket's first frame.
            let frame = incoming.frames.first().map_or(&[][..], Vec::as_slice);
            let cell = incoming
                .look(keys.tag(next), kept)
                .ok_or_else(|| altered(frame))?;
            let payload = keys.open(bucket, next, cell).ok_or_else(|| altered(cell))?;
            label.extend_from_slice(&payload[..]);
        }
        let padded_with_zeros = label[length..].iter().all(|byte| *byte == 0);
        match label::decode(&label[..length]) {
            Some(label) if padded_with_zeros => Ok(Some((label, length))),
            _ => Err(malformed()),
        }
    }

    /// Checks the derived selectors and gives the answer.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame; [`Fault::VoucherInvalid`].
    pub fn finish(mut self) -> Result<Opened, Error> {
        if !self.ended {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        let labels = std::mem::take(&mut self.labels);
        let raw: Vec<&RawDerived> = labels
            .iter()
            .flatten()
            .flat_map(|label| &label.derived)
            .collect();
        let mut elements = self.check_derived(&raw)?.into_iter();
        let mut outcomes = Vec::with_capacity(labels.len());
        for (target, label) in self.targets.into_iter().zip(labels) {
            let found = label.map(|label| {
                let derived: Result<Vec<Derived>, Error> = label
                    .derived
                    .iter()
                    .zip(elements.by_ref())
                    .map(|(raw, element)| derived(&self.context, raw, element))
                    .collect();
                derived.map(|derived| Found {
                    rows: label.rows,
                    derived,
                })
            });
            outcomes.push(Outcome {
                input: target.input,
                found: found.transpose()?,
            });
        }
        Ok(Opened {
            outcomes,
            transcript: self.transcript.digest(),
            shown: self.shown.map(Shown::into_bytes),
        })
    }

    /// Blinds every derived input again and checks the custodian's signature
    /// over the result, once for each distinct selector.
    fn check_derived(&self, raw: &[&RawDerived]) -> Result<Vec<[u8; 32]>, Error> {
        let mut distinct: HashMap<&RawDerived, usize> = HashMap::new();
        let mut firsts: Vec<&RawDerived> = Vec::new();
        let mut places = Vec::with_capacity(raw.len());
        for derived in raw {
            let place = *distinct.entry(derived).or_insert_with(|| {
                firsts.push(derived);
                firsts.len() - 1
            });
            places.push(place);
        }
        let pairs: Vec<(&[u8], &[u8; 32])> = firsts
            .iter()
            .map(|derived| (derived.input.as_slice(), &derived.blind))
            .collect();
        let elements =
            blind_again(&pairs).ok_or_else(|| Error::faulty(Fault::VoucherInvalid, &[]))?;
        let checks: Vec<Check<'_>> = firsts
            .iter()
            .zip(&elements)
            .map(|(derived, element)| Check {
                issuer: &self.context.custodian,
                key: &self.custodian,
                from_step: self.context.step,
                to_step: derived.to_step,
                element,
                signature: &derived.signature,
            })
            .collect();
        if let Some(check) = first_invalid(&self.context.scope, &checks) {
            // What was signed and the signature; the input stays out of evidence.
            let evidence = [&check.element[..], &check.signature.0].concat();
            return Err(Error::faulty(Fault::VoucherInvalid, &evidence));
        }
        Ok(places.into_iter().map(|place| elements[place]).collect())
    }
}

/// Whether `cells` are sorted by tag, none repeated, all after `last`.
fn ascending(last: Option<&[u8]>, cells: &[u8]) -> bool {
    let tags = cells
        .chunks_exact(CELL_BYTES)
        .map(|cell| &cell[..TAG_BYTES]);
    last.map(|cell| &cell[..TAG_BYTES])
        .into_iter()
        .chain(tags)
        .is_sorted_by(|a, b| a < b)
}
