//! The custodian's role: admit a request, evaluate, send the buckets.
//!
//! Why it exists: the custodian's side of a lookup is where a rule says no. A
//! request becomes an [`Answer`] only through [`Session::admit`], which holds
//! every selector against the [`Permit`] that the node made from warrant,
//! approval and budget.
//!
//! *Invariants*
//! - No element is multiplied by the plan's key before all selectors of its
//!   request were admitted.
//! - A selector is evaluated once a run and step; only the same selectors and buckets
//!   may be asked for again (a lost connection, or vouchers signed anew by a peer whose
//!   key has changed), and what is answered then tells nothing new.
//! - Memory is bounded by one batch of buckets, whatever the table.
//!
//! *Not here*: what the labels are ([`Pull::Labels`] asks the node for them),
//! sockets, and the signature over the transcript.

mod run;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use primitives::{Digest, InstitutionId, PublicKey};
use rand_core::CryptoRng;
use rayon::prelude::*;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use super::{
    cells::{CellKeys, answer_digest, fill_bucket},
    context::{Context, Sender, Transcript},
    label::Label,
    messages::{self, Evaluated, Request, Selector},
    table::{Entry, Prepared},
    tree,
    voucher::{Check, first_invalid},
};
use crate::{
    Element, Error, Refusal, domains,
    group::{SecretScalar, encode_doubled},
    limits::{BATCH_BYTES_AIM, BATCH_KEYS, PROOF_CHUNK},
    oprf, secrecy,
};

pub use run::Run;
use run::Vouchers;

/// Keys evaluated by one thread at a time, sharing one inversion.
const CHUNK: usize = 64;

/// What the node allows one request, after it checked warrant, approval and
/// budget.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    /// The blinded selectors of the warrant's own list that may be asked in
    /// this step; empty where the step takes derived selectors alone.
    pub seeds: BTreeSet<[u8; 32]>,
    /// The institutions whose vouchers are honoured, and their keys.
    pub issuers: BTreeMap<InstitutionId, PublicKey>,
    /// The steps in which those vouchers may have been made.
    pub from_steps: BTreeSet<u16>,
    /// Selectors that may be evaluated in this run and step, over all its requests.
    pub selectors_max: usize,
    /// Buckets that the request may name; never more than its selectors.
    pub buckets_max: usize,
}

/// The custodian's side of one lookup, before it has seen the request.
pub struct Session {
    context: Context,
    run: Arc<Run>,
    table: Arc<Prepared>,
}

impl Session {
    /// Binds a lookup to its context, run and table.
    ///
    /// # Errors
    /// [`Refusal::ContextMismatch`] where run, table and context disagree on
    /// scope, custodian, key or buckets.
    pub fn new(context: Context, run: Arc<Run>, table: Arc<Prepared>) -> Result<Self, Error> {
        let agree = context.scope == run.scope
            && context.custodian == run.custodian
            && context.plan_key == run.public
            && context.table == table.params()
            && table.public() == run.table;
        if !agree {
            return Err(Refusal::ContextMismatch.into());
        }
        Ok(Self {
            context,
            run,
            table,
        })
    }

    /// Holds a request against the permit and, where all of it is allowed,
    /// gives the answer to be pulled.
    ///
    /// # Errors
    /// The rule that says no; [`crate::Fault`] for a request that is malformed.
    pub fn admit<R: CryptoRng + ?Sized>(
        self,
        bytes: &[u8],
        permit: &Permit,
        rng: &mut R,
    ) -> Result<Answer, Error> {
        let request = Request::decode(bytes)?.into_inner();
        let context = self.context.digest();
        if &request.context != context.as_bytes() {
            return Err(Refusal::ContextMismatch.into());
        }
        self.check_sizes(&request, permit)?;
        self.check_selectors(&request.selectors, permit)?;
        let blinded: Result<Vec<Element>, Error> = request
            .selectors
            .par_iter()
            .map(|selector| Element::from_bytes(&selector.element))
            .collect();
        let blinded = blinded?;
        let request_digest = asked(&request);
        // Versions before 2026-11-27 noted the bytes of a request.
        let alike = [request_digest, Digest::plain(bytes)];
        self.run.spend(
            self.context.step,
            &request.selectors,
            alike,
            permit.selectors_max,
        )?;
        let mut transcript = Transcript::new(&context, self.context.rooted);
        transcript.absorb(Sender::Requester, bytes);
        let mut rng = seeded(rng, &self.run.key, &transcript);
        let mut salt = [0u8; 32];
        rng.fill_bytes(&mut salt);
        Ok(Answer {
            rng,
            step: self.context.step,
            request: request_digest,
            digest: answer_digest(&context, &salt),
            run: self.run,
            table: self.table,
            blinded,
            evaluated: 0,
            buckets: request.buckets.into(),
            batch: None,
            batch_keys: BATCH_KEYS / 8,
            frames: [Outgoing::of(messages::encode_begin(&salt))].into(),
            rooted: self.context.rooted,
            transcript,
            ended: false,
        })
    }

    fn check_sizes(&self, request: &Request, permit: &Permit) -> Result<(), Error> {
        if request.selectors.len() > permit.selectors_max {
            return Err(Refusal::TooManySelectors.into());
        }
        // One selector lies in one bucket: more would be a look around.
        let buckets_max = permit.buckets_max.min(request.selectors.len());
        let last = request.buckets.last().copied().unwrap_or(0);
        if request.buckets.len() > buckets_max || last >= self.context.table.buckets() {
            return Err(Refusal::TooManyBuckets.into());
        }
        Ok(())
    }

    fn check_selectors(&self, selectors: &[Selector], permit: &Permit) -> Result<(), Error> {
        let mut checks = Vec::new();
        for selector in selectors {
            let Some(voucher) = &selector.voucher else {
                if !permit.seeds.contains(&selector.element) {
                    return Err(Refusal::SelectorNotPermitted.into());
                }
                continue;
            };
            let key = permit
                .issuers
                .get(&voucher.issuer)
                .ok_or(Refusal::IssuerUnknown)?;
            if !permit.from_steps.contains(&voucher.from_step) {
                return Err(Refusal::VoucherInvalid.into());
            }
            checks.push(Check {
                issuer: &voucher.issuer,
                key,
                from_step: voucher.from_step,
                to_step: self.context.step,
                element: &selector.element,
                signature: &voucher.signature,
            });
        }
        match first_invalid(&self.context.scope, &checks) {
            None => Ok(()),
            Some(_) => Err(Refusal::VoucherInvalid.into()),
        }
    }
}

/// What a request asks for: its selectors and buckets, without the vouchers.
fn asked(request: &Request) -> Digest {
    let buckets: Vec<u8> = request
        .buckets
        .iter()
        .flat_map(|bucket| bucket.to_be_bytes())
        .collect();
    let elements = request.selectors.iter().map(|selector| selector.element);
    let elements: Vec<u8> = elements.flatten().collect();
    Digest::of(domains::ASKED, &[&request.context, &buckets, &elements])
}

/// A generator for nonces and dummies, seeded by the caller's and hedged with
/// the key and the request.
fn seeded<R: CryptoRng + ?Sized>(
    rng: &mut R,
    key: &SecretScalar,
    transcript: &Transcript,
) -> ChaCha20Rng {
    let mut drawn = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(&mut *drawn);
    let mut hasher = Sha512::new();
    hasher.update(domains::ANSWER_SEED);
    hasher.update(*drawn);
    hasher.update(*key.to_bytes());
    hasher.update(transcript.digest().as_bytes());
    let wide = Zeroizing::new(<[u8; 64]>::from(hasher.finalize()));
    let mut seed = Zeroizing::new([0u8; 32]);
    seed.copy_from_slice(&wide[..32]);
    ChaCha20Rng::from_seed(*seed)
}

/// What an answer needs or gives next.
pub enum Pull {
    /// The labels of these keys are wanted: look them up, then
    /// [`Answer::supply`] one for each, in this order.
    Labels(Vec<Vec<u8>>),
    /// A frame for the requester.
    Frame(Vec<u8>),
    /// Everything was sent; the transcript's digest is to be signed.
    Done(Digest),
}

/// An admitted request being answered, frame by frame.
pub struct Answer {
    digest: Digest,
    request: Digest,
    step: u16,
    run: Arc<Run>,
    table: Arc<Prepared>,
    rng: ChaCha20Rng,
    blinded: Vec<Element>,
    evaluated: usize,
    buckets: VecDeque<u32>,
    batch: Option<Vec<(u32, Vec<Entry>)>>,
    batch_keys: usize,
    frames: VecDeque<Outgoing>,
    rooted: bool,
    transcript: Transcript,
    ended: bool,
}

/// A frame to be sent, and what the transcript absorbs with it.
struct Outgoing {
    frame: Vec<u8>,
    absorbed: Absorbed,
}

enum Absorbed {
    Frame,
    /// The frame ends a bucket that has a root.
    Root(Vec<u8>),
    Nothing,
}

impl Outgoing {
    fn of(frame: Vec<u8>) -> Self {
        Self {
            frame,
            absorbed: Absorbed::Frame,
        }
    }

    /// The frames of one bucket.
    fn of_bucket(bucket: u32, cells: &[u8], rooted: bool) -> Vec<Self> {
        let frames = messages::encode_bucket(bucket, cells);
        if !rooted {
            return frames.map(Self::of).collect();
        }
        let mut frames: Vec<Self> = frames
            .map(|frame| Self {
                frame,
                absorbed: Absorbed::Nothing,
            })
            .collect();
        if let Some(last) = frames.last_mut() {
            let leaves: Vec<_> = tree::leaves(cells).collect();
            let root = messages::encode_root(bucket, leaves.len(), &tree::root(&leaves));
            last.absorbed = Absorbed::Root(root);
        }
        frames
    }
}

impl Answer {
    /// The digest of what is asked for: of the same request again, the same.
    #[must_use]
    pub fn request(&self) -> Digest {
        self.request
    }

    /// The selectors that this answer spends; kept beside [`request`](Self::request)
    /// by a custodian that means to [`Run::resume`] after a crash.
    #[must_use]
    pub fn selectors(&self) -> Vec<[u8; 32]> {
        self.blinded.iter().map(Element::to_bytes).collect()
    }

    /// Gives the next frame, or says what it needs to go on. Work happens here
    /// and in [`supply`](Self::supply), on all cores, so a caller that stops
    /// pulling stops the work.
    ///
    /// # Errors
    /// [`crate::Trouble`] where the table can't be read.
    pub fn pull(&mut self) -> Result<Pull, Error> {
        if let Some(Outgoing { frame, absorbed }) = self.frames.pop_front() {
            match absorbed {
                Absorbed::Frame => self.transcript.absorb(Sender::Custodian, &frame),
                Absorbed::Root(root) => self.transcript.absorb(Sender::Custodian, &root),
                Absorbed::Nothing => {}
            }
            return Ok(Pull::Frame(frame));
        }
        if self.evaluated < self.blinded.len() {
            let frame = self.evaluate_chunk();
            self.transcript.absorb(Sender::Custodian, &frame);
            return Ok(Pull::Frame(frame));
        }
        if let Some(batch) = &self.batch {
            return Ok(Pull::Labels(inputs(batch)));
        }
        if !self.buckets.is_empty() {
            let batch = self.next_batch()?;
            let wanted = inputs(&batch);
            self.batch = Some(batch);
            return Ok(Pull::Labels(wanted));
        }
        let digest = self.transcript.digest();
        if self.ended {
            return Ok(Pull::Done(digest));
        }
        self.ended = true;
        Ok(Pull::Frame(messages::encode_end(digest.as_bytes())))
    }

    fn evaluate_chunk(&mut self) -> Vec<u8> {
        let first = self.evaluated;
        let end = (first + PROOF_CHUNK).min(self.blinded.len());
        let chunk = &self.blinded[first..end];
        let half = self.run.key.half();
        let mut elements: Vec<[u8; 32]> = chunk
            .par_chunks(CHUNK)
            .flat_map_iter(|piece| {
                let halves: Vec<_> = piece
                    .iter()
                    .map(|element| element.point() * half.expose())
                    .collect();
                encode_doubled(&halves)
            })
            .collect();
        secrecy::all_public(&mut elements, oprf::EVALUATED);
        let proof = oprf::prove(
            &self.run.key,
            &self.run.public,
            chunk,
            &elements,
            &mut self.rng,
        );
        self.evaluated = end;
        messages::encode_evaluated(&Evaluated {
            first: u32::try_from(first).unwrap_or(u32::MAX),
            elements,
            proof,
        })
    }

    fn next_batch(&mut self) -> Result<Vec<(u32, Vec<Entry>)>, Error> {
        let mut batch = Vec::new();
        let mut keys = 0;
        while keys < self.batch_keys {
            let Some(bucket) = self.buckets.pop_front() else {
                break;
            };
            let entries = self.table.bucket(bucket)?;
            keys += entries.len();
            batch.push((bucket, entries));
        }
        Ok(batch)
    }

    /// Takes the labels that [`Pull::Labels`] asked for, in its order.
    ///
    /// # Errors
    /// [`Refusal::LabelCount`], [`Refusal::LabelTooLarge`],
    /// [`Refusal::InputSize`], [`Refusal::BucketTooLarge`].
    pub fn supply(&mut self, labels: &[Label]) -> Result<(), Error> {
        let batch = self.batch.take().ok_or(Refusal::LabelCount)?;
        let keys: usize = batch.iter().map(|(_, entries)| entries.len()).sum();
        if labels.len() != keys {
            self.batch = Some(batch);
            return Err(Refusal::LabelCount.into());
        }
        labels.par_iter().try_for_each(Label::check)?;
        self.adapt(labels);
        let made = self.run.vouch(self.step, labels);
        let mut rest = labels;
        let mut sealed = Vec::with_capacity(batch.len());
        for (bucket, entries) in &batch {
            let (mine, others) = rest.split_at(entries.len());
            rest = others;
            let cells = self.seal(*bucket, entries, mine, &made)?;
            let mut seed = Zeroizing::new([0u8; 32]);
            self.rng.fill_bytes(&mut *seed);
            sealed.push((*bucket, cells, seed));
        }
        let rooted = self.rooted;
        let frames: Result<Vec<Vec<Outgoing>>, Error> = sealed
            .into_par_iter()
            .map(|(bucket, cells, seed)| {
                let cells = fill_bucket(&cells, &mut ChaCha20Rng::from_seed(*seed))?;
                Ok(Outgoing::of_bucket(bucket, &cells, rooted))
            })
            .collect();
        self.frames.extend(frames?.into_iter().flatten());
        Ok(())
    }

    /// The cells of each label of one bucket.
    fn seal(
        &self,
        bucket: u32,
        entries: &[Entry],
        labels: &[Label],
        made: &Vouchers<'_>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let evaluated = self
            .run
            .evaluate(self.table.bucket_digest(bucket)?, entries)?;
        if evaluated.len() != entries.len() {
            return Err(Error::damaged("a bucket"));
        }
        entries
            .par_iter()
            .zip(evaluated.par_iter())
            .zip(labels)
            .with_min_len(CHUNK / 4)
            .map(|((entry, element), label)| {
                let output = oprf::finalize(&entry.input, element);
                let keys = CellKeys::new(&self.digest, &output);
                let bytes = label.encode(|next| made.get(next).map(AsRef::as_ref))?;
                keys.seal(bucket, &bytes)
            })
            .collect()
    }

    /// Sizes the next batch by the labels seen, so that memory stays bounded
    /// whatever their length.
    fn adapt(&mut self, labels: &[Label]) {
        let bytes: usize = labels.iter().map(Label::encoded_len).sum();
        if let Some(mean) = bytes.checked_div(labels.len()) {
            self.batch_keys = (BATCH_BYTES_AIM / mean.max(1)).clamp(1, BATCH_KEYS);
        }
    }
}

fn inputs(batch: &[(u32, Vec<Entry>)]) -> Vec<Vec<u8>> {
    let entries = batch.iter().flat_map(|(_, entries)| entries);
    entries.map(|entry| entry.input.clone()).collect()
}
