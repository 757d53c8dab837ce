//! A prepared table: `k·H(x)` for every key, sorted into buckets.
//!
//! Why it exists: hashing to the group and the multiplication by the table's key
//! are the costly part of an answer and depend on neither warrant nor plan, so
//! they are done once a snapshot, and only for keys that are new in it.
//!
//! The file (`docs/formats/mpc-lookup.md`), big-endian:
//! ```text
//! "CRDNOPRF" ‖ version u16 ‖ bucket_bits u8 ‖ 0 u8 ‖ salt 32 ‖ K 32 ‖ keys u64
//! ‖ (end offset u64 ‖ SHA-256 32) for each bucket ‖ SHA-256 of all before
//! ‖ (bucket hash u64 ‖ k·H(x) 32 ‖ length u16 ‖ x)* sorted by (bucket hash, x)
//! ```
//! *Invariants*
//! - Entries are sorted and distinct; each lies in the bucket of its input.
//! - A file is read a bucket at a time, each checked against its digest.
//!
//! *Leaks*: the file holds inputs in the clear and stays with the custodian.
//!
//! *Cost*: one hash to the group, one multiplication and a batched encoding a
//! new key, on all cores; 42 bytes and the input on disk.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use primitives::Digest;
use rayon::prelude::*;

use super::{context::TableParams, messages::Reader};
use crate::{
    Element, Error, Refusal,
    group::encode_doubled,
    limits::{BUCKET_BITS_MAX, INPUT_BYTES_MAX, KEYS_MAX},
    oprf::{SUITE, TableKey, check_input},
    secrecy,
};

const MAGIC: &[u8; 8] = b"CRDNOPRF";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 8 + 2 + 2 + 32 + 32 + 8;
const INDEX_BYTES: usize = 8 + 32;
const DIGEST_BYTES: usize = 32;
const ENTRY_BYTES: usize = 8 + 32 + 2;
/// Keys prepared by one thread at a time, sharing one inversion.
const CHUNK: usize = 256;

/// One key of a prepared table.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) input: Vec<u8>,
    /// `k·H(input)`, encoded.
    pub(crate) element: [u8; 32],
}

enum Store {
    Memory(Vec<u8>),
    File(Mutex<File>),
}

/// A table prepared under a [`TableKey`], in memory or in a file.
pub struct Prepared {
    params: TableParams,
    public: Element,
    keys: usize,
    reused: usize,
    ends: Vec<u64>,
    digests: Vec<Digest>,
    store: Store,
}

impl Prepared {
    /// Prepares a table on all cores. Repeated inputs count once.
    ///
    /// With `old`, a table prepared under the same key and salt, only the
    /// inputs that it lacks are computed.
    ///
    /// # Errors
    /// [`Refusal::InputSize`], [`Refusal::TooManyKeys`],
    /// [`Refusal::KeyMismatch`]; [`crate::Trouble`] where `old` can't be read.
    pub fn prepare(
        key: &TableKey,
        salt: [u8; 32],
        anonymity: u32,
        inputs: impl IntoIterator<Item = Vec<u8>>,
        old: Option<&Self>,
    ) -> Result<Self, Error> {
        let public = key.public();
        if old.is_some_and(|old| old.public != public || old.params.salt() != &salt) {
            return Err(Refusal::KeyMismatch.into());
        }
        let hashing = TableParams::for_keys(salt, 0, 1);
        let mut sorted: Vec<(u64, Vec<u8>)> = Vec::new();
        for input in inputs {
            check_input(&input)?;
            sorted.push((0, input));
            // Twice the limit leaves room for repeats without a set.
            if sorted.len() > 2 * KEYS_MAX {
                return Err(Refusal::TooManyKeys.into());
            }
        }
        sorted
            .par_iter_mut()
            .for_each(|(hash, input)| *hash = hashing.hash(input));
        sorted.par_sort_unstable();
        sorted.dedup();
        if sorted.len() > KEYS_MAX {
            return Err(Refusal::TooManyKeys.into());
        }
        let params = TableParams::for_keys(salt, sorted.len(), anonymity);
        let mut elements = vec![None; sorted.len()];
        let reused = match old {
            Some(old) => old.fill(&sorted, &mut elements)?,
            None => 0,
        };
        compute(key, &sorted, &mut elements);
        Ok(Self::assemble(params, public, &sorted, &elements, reused))
    }

    /// Takes the elements that the old table has: a merge of two sorted lists.
    fn fill(
        &self,
        sorted: &[(u64, Vec<u8>)],
        elements: &mut [Option<[u8; 32]>],
    ) -> Result<usize, Error> {
        let mut reused = 0;
        let mut new = sorted.iter().zip(elements).peekable();
        for bucket in 0..self.params.buckets() {
            for entry in self.bucket(bucket)? {
                let at = (self.params.hash(&entry.input), entry.input);
                while new.next_if(|(key, _)| **key < at).is_some() {}
                if let Some((_, element)) = new.next_if(|(key, _)| **key == at) {
                    *element = Some(entry.element);
                    reused += 1;
                }
            }
        }
        Ok(reused)
    }

    fn assemble(
        params: TableParams,
        public: Element,
        sorted: &[(u64, Vec<u8>)],
        elements: &[Option<[u8; 32]>],
        reused: usize,
    ) -> Self {
        let inputs: usize = sorted.iter().map(|(_, input)| input.len()).sum();
        let mut body = Vec::with_capacity(sorted.len() * ENTRY_BYTES + inputs);
        let (mut ends, mut digests) = (Vec::new(), Vec::new());
        let mut entries = sorted.iter().zip(elements).peekable();
        let mut start = 0;
        for bucket in 0..params.buckets() {
            while let Some(((hash, input), element)) =
                entries.next_if(|((hash, _), _)| params.bucket_of_hash(*hash) == bucket)
            {
                body.extend_from_slice(&hash.to_be_bytes());
                body.extend_from_slice(&element.unwrap_or_default());
                let len = u16::try_from(input.len()).unwrap_or(u16::MAX);
                body.extend_from_slice(&len.to_be_bytes());
                body.extend_from_slice(input);
            }
            ends.push(body.len() as u64);
            digests.push(named(&body[start..]));
            start = body.len();
        }
        Self {
            params,
            public,
            keys: sorted.len(),
            reused,
            ends,
            digests,
            store: Store::Memory(body),
        }
    }

    /// The public parameters, for the snapshot's record.
    #[must_use]
    pub fn params(&self) -> TableParams {
        self.params
    }

    /// The commitment to the key that prepared it.
    #[must_use]
    pub fn public(&self) -> Element {
        self.public
    }

    /// Distinct keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// Keys taken over from the old table when this one was prepared.
    #[must_use]
    pub fn reused(&self) -> usize {
        self.reused
    }

    /// Writes the table beside `path`, syncs it and renames it into place.
    ///
    /// # Errors
    /// [`crate::Trouble`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(&self.head())?;
        match &self.store {
            Store::Memory(body) => file.write_all(body)?,
            Store::File(_) => {
                for bucket in 0..self.params.buckets() {
                    file.write_all(&self.body(bucket)?)?;
                }
            }
        }
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.head_bytes());
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_be_bytes());
        head.extend_from_slice(&[self.params.bucket_bits(), 0]);
        head.extend_from_slice(self.params.salt());
        head.extend_from_slice(self.public.bytes());
        head.extend_from_slice(&(self.keys as u64).to_be_bytes());
        for (end, digest) in self.ends.iter().zip(&self.digests) {
            head.extend_from_slice(&end.to_be_bytes());
            head.extend_from_slice(digest.as_bytes());
        }
        let digest = Digest::plain(&head);
        head.extend_from_slice(digest.as_bytes());
        head
    }

    fn head_bytes(&self) -> usize {
        HEADER_BYTES + self.ends.len() * INDEX_BYTES + DIGEST_BYTES
    }

    /// Opens a table's file; its buckets are read when they are needed.
    ///
    /// # Errors
    /// [`crate::Trouble`], also for a file that is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path)?;
        let mut header = [0u8; HEADER_BYTES];
        let damaged = || Error::damaged("the header");
        read_exact(&mut file, &mut header)?;
        let bits = header[10];
        if bits > BUCKET_BITS_MAX {
            return Err(damaged());
        }
        let mut rest = vec![0u8; (1usize << bits) * INDEX_BYTES + DIGEST_BYTES];
        read_exact(&mut file, &mut rest)?;
        let (index, digest) = rest.split_at(rest.len() - DIGEST_BYTES);
        if Digest::plain(&[&header, index].concat()).as_bytes() != digest {
            return Err(damaged());
        }
        let length = file.metadata()?.len();
        let table = Self::parse(&header, index, file).ok_or_else(damaged)?;
        let body = table.ends.last().copied().unwrap_or(0);
        if !table.ends.is_sorted() || length != body + table.head_bytes() as u64 {
            return Err(Error::damaged("the length"));
        }
        Ok(table)
    }

    fn parse(header: &[u8], index: &[u8], file: File) -> Option<Self> {
        let mut reader = Reader::new(header);
        if reader.bytes(8)? != MAGIC || reader.u16()? != VERSION {
            return None;
        }
        let bits = reader.u8()?;
        reader.u8().filter(|zero| *zero == 0)?;
        let params = TableParams::new(reader.array()?, bits).ok()?;
        let public = Element::from_bytes(&reader.array()?).ok()?;
        let keys = usize::try_from(reader.u64()?)
            .ok()
            .filter(|keys| *keys <= KEYS_MAX)?;
        let mut reader = Reader::new(index);
        let (mut ends, mut digests) = (Vec::new(), Vec::new());
        for _ in 0..params.buckets() {
            ends.push(reader.u64()?);
            digests.push(Digest(reader.array()?));
        }
        Some(Self {
            params,
            public,
            keys,
            reused: 0,
            ends,
            digests,
            store: Store::File(Mutex::new(file)),
        })
    }

    /// How many bytes a bucket takes, roughly its keys times their length.
    fn range(&self, bucket: u32) -> Option<std::ops::Range<u64>> {
        let bucket = usize::try_from(bucket).ok()?;
        let end = *self.ends.get(bucket)?;
        let start = match bucket.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        Some(start..end)
    }

    fn body(&self, bucket: u32) -> Result<Vec<u8>, Error> {
        let damaged = || Error::damaged("a bucket");
        let range = self.range(bucket).ok_or_else(damaged)?;
        let len = usize::try_from(range.end - range.start).map_err(|_| damaged())?;
        match &self.store {
            Store::Memory(body) => {
                let start = usize::try_from(range.start).map_err(|_| damaged())?;
                Ok(body.get(start..start + len).ok_or_else(damaged)?.to_vec())
            }
            Store::File(file) => {
                let mut bytes = vec![0u8; len];
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(self.head_bytes() as u64 + range.start))?;
                read_exact(&mut file, &mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// The digest of one bucket's entries.
    pub(crate) fn bucket_digest(&self, bucket: u32) -> Result<Digest, Error> {
        let digest = usize::try_from(bucket)
            .ok()
            .and_then(|at| self.digests.get(at));
        digest.copied().ok_or_else(|| Error::damaged("a bucket"))
    }

    /// The entries of one bucket.
    pub(crate) fn bucket(&self, bucket: u32) -> Result<Vec<Entry>, Error> {
        let body = self.body(bucket)?;
        let damaged = || Error::damaged("a bucket");
        if self.bucket_digest(bucket)? != named(&body) {
            return Err(damaged());
        }
        let mut reader = Reader::new(&body);
        let mut entries = Vec::new();
        while reader.end().is_none() {
            entries.push(read_entry(&mut reader).ok_or_else(damaged)?);
        }
        Ok(entries)
    }
}

/// The digest that names a bucket: of pseudorandom elements among its bytes.
fn named(body: &[u8]) -> Digest {
    let mut digest = [Digest::plain(body)];
    secrecy::conceded(&mut digest, "digests that name a prepared table's buckets");
    digest[0]
}

fn read_entry(reader: &mut Reader<'_>) -> Option<Entry> {
    reader.u64()?;
    let element = reader.array()?;
    let len = usize::from(reader.u16()?);
    let input = reader.bytes(len)?.to_vec();
    (len <= INPUT_BYTES_MAX).then_some(Entry { input, element })
}

/// A file that ends early is damaged, not trouble that may pass.
fn read_exact(file: &mut File, bytes: &mut [u8]) -> Result<(), Error> {
    file.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::damaged("the length"),
        _ => error.into(),
    })
}

/// Computes the elements that are missing.
fn compute(key: &TableKey, sorted: &[(u64, Vec<u8>)], elements: &mut [Option<[u8; 32]>]) {
    let half = key.0.half();
    let mut missing: Vec<(&[u8], &mut Option<[u8; 32]>)> = sorted
        .iter()
        .zip(elements)
        .filter(|(_, element)| element.is_none())
        .map(|((_, input), element)| (input.as_slice(), element))
        .collect();
    missing.par_chunks_mut(CHUNK).for_each(|chunk| {
        let halves: Vec<_> = chunk
            .iter()
            .map(|(input, _)| SUITE.hash_to_group(input) * half.expose())
            .collect();
        for ((_, element), encoding) in chunk.iter_mut().zip(encode_doubled(&halves)) {
            **element = Some(encoding);
        }
    });
}

#[cfg(test)]
mod tests;
