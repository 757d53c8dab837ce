//! What a lookup is about, and the transcript of its messages.
//!
//! Why it exists: every key, signature and digest of a lookup absorbs one
//! digest of network, warrant, plan, run, step, parties and table, so a message
//! of one lookup is worth nothing in another.
//!
//! *Invariants*
//! - Both roles build the [`Context`] from records that they have checked; it
//!   never comes from the peer.
//! - A transcript absorbs each message with its direction, in order; where it is rooted,
//!   a root in place of a bucket's cells.

use primitives::{Digest, InstitutionId, NetworkId};

use crate::{Element, Error, Refusal, domains, limits::BUCKET_BITS_MAX};

/// The public parameters of a prepared table: how inputs fall into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableParams {
    salt: [u8; 32],
    bucket_bits: u8,
}

impl TableParams {
    /// Takes parameters from a record.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for more than
    /// [`BUCKET_BITS_MAX`](crate::limits::BUCKET_BITS_MAX) bits.
    pub fn new(salt: [u8; 32], bucket_bits: u8) -> Result<Self, Error> {
        if bucket_bits > BUCKET_BITS_MAX {
            return Err(Refusal::ParameterRange.into());
        }
        Ok(Self { salt, bucket_bits })
    }

    /// The parameters of a table of `keys` keys whose buckets hold at least
    /// `anonymity` keys on average: the largest power of two of buckets that
    /// allows it, and one bucket for a small table.
    #[must_use]
    pub fn for_keys(salt: [u8; 32], keys: usize, anonymity: u32) -> Self {
        let buckets = keys / usize::try_from(anonymity.max(1)).unwrap_or(usize::MAX);
        let bits = buckets.checked_ilog2().unwrap_or(0);
        let bucket_bits = u8::try_from(bits).unwrap_or(u8::MAX).min(BUCKET_BITS_MAX);
        Self { salt, bucket_bits }
    }

    /// The public salt of the bucket hash.
    #[must_use]
    pub fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    /// Bits of a bucket's number.
    #[must_use]
    pub fn bucket_bits(&self) -> u8 {
        self.bucket_bits
    }

    /// How many buckets the table has.
    #[must_use]
    pub fn buckets(&self) -> u32 {
        1 << self.bucket_bits
    }

    /// The bucket of an input, whether or not the table knows it.
    #[must_use]
    pub fn bucket_of(&self, input: &[u8]) -> u32 {
        self.bucket_of_hash(self.hash(input))
    }

    /// The bucket hash: the first eight bytes, big-endian, of a salted digest.
    pub(crate) fn hash(&self, input: &[u8]) -> u64 {
        let digest = Digest::of(domains::BUCKET, &[&self.salt, input]);
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        u64::from_be_bytes(first)
    }

    /// The top bits of a bucket hash.
    pub(crate) fn bucket_of_hash(&self, hash: u64) -> u32 {
        match self.bucket_bits {
            0 => 0,
            bits => u32::try_from(hash >> (64 - u32::from(bits))).unwrap_or(u32::MAX),
        }
    }
}

/// The run under which vouchers are made and honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The network.
    pub network: NetworkId,
    /// The warrant's record.
    pub warrant: Digest,
    /// The plan.
    pub plan: Digest,
    /// The run.
    pub run: Digest,
}

/// Everything that one lookup is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Network, warrant, plan and run.
    pub scope: Scope,
    /// The plan's step; a voucher is for one step.
    pub step: u16,
    /// Which part of a step that is asked in several requests.
    pub part: u16,
    /// Who asks.
    pub requester: InstitutionId,
    /// Who answers.
    pub custodian: InstitutionId,
    /// The commitment to the table's snapshot.
    pub snapshot: Digest,
    /// How the table's inputs fall into buckets.
    pub table: TableParams,
    /// The commitment to the plan's key, from the custodian's approval.
    pub plan_key: Element,
    /// Whether the transcript holds a root over each bucket's cells, so that what was
    /// opened can be shown to others ([`Opened::shown`](super::requester::Opened)). The
    /// plan says it.
    pub rooted: bool,
}

impl Context {
    /// The digest that binds all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(
            domains::CONTEXT,
            &[
                self.scope.network.0.as_bytes(),
                self.scope.warrant.as_bytes(),
                self.scope.plan.as_bytes(),
                self.scope.run.as_bytes(),
                &self.step.to_be_bytes(),
                &self.part.to_be_bytes(),
                self.requester.as_str().as_bytes(),
                self.custodian.as_str().as_bytes(),
                self.snapshot.as_bytes(),
                self.table.salt(),
                &[self.table.bucket_bits()],
                self.plan_key.bytes(),
            ],
        )
    }
}

/// Who sent a message.
#[derive(Clone, Copy)]
pub(crate) enum Sender {
    Requester,
    Custodian,
}

/// The running digest of a lookup's messages.
pub(crate) struct Transcript(Digest);

impl Transcript {
    /// Begins the transcript of the lookup with this context's digest.
    pub(crate) fn new(context: &Digest, rooted: bool) -> Self {
        let domain = match rooted {
            true => domains::TRANSCRIPT_ROOTED,
            false => domains::TRANSCRIPT,
        };
        Self(Digest::of(domain, &[context.as_bytes()]))
    }

    pub(crate) fn absorb(&mut self, from: Sender, message: &[u8]) {
        let from = [match from {
            Sender::Requester => 1u8,
            Sender::Custodian => 2u8,
        }];
        self.0 = Digest::of(
            domains::TRANSCRIPT_STEP,
            &[self.0.as_bytes(), &from, message],
        );
    }

    pub(crate) fn digest(&self) -> Digest {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_powers_of_two_with_the_anonymity_set_in_the_mean() {
        for (keys, bits) in [(0, 0), (1, 0), (511, 0), (512, 1), (1023, 1), (1024, 2)] {
            assert_eq!(
                TableParams::for_keys([0; 32], keys, 256).bucket_bits(),
                bits
            );
        }
        let million = TableParams::for_keys([0; 32], 1_000_000, 256);
        assert_eq!(million.buckets(), 2048);
        assert!(TableParams::for_keys([0; 32], usize::MAX, 0).bucket_bits() <= BUCKET_BITS_MAX);
        assert!(TableParams::new([0; 32], BUCKET_BITS_MAX + 1).is_err());
    }

    #[test]
    fn buckets_of_one_salt_nest() {
        let coarse = TableParams::new([1; 32], 3).unwrap();
        let fine = TableParams::new([1; 32], 9).unwrap();
        for input in 0u32..500 {
            let input = input.to_be_bytes();
            assert_eq!(coarse.bucket_of(&input), fine.bucket_of(&input) >> 6);
            assert!(fine.bucket_of(&input) < fine.buckets());
        }
    }

    #[test]
    fn transcripts_depend_on_order_direction_and_context() {
        let context = Digest::of("test", &[]);
        let digest = |messages: &[(Sender, &[u8])]| {
            let mut transcript = Transcript::new(&context, true);
            for (from, message) in messages {
                transcript.absorb(*from, message);
            }
            transcript.digest()
        };
        let all = [
            digest(&[]),
            digest(&[(Sender::Requester, b"a"), (Sender::Custodian, b"b")]),
            digest(&[(Sender::Custodian, b"b"), (Sender::Requester, b"a")]),
            digest(&[(Sender::Custodian, b"a"), (Sender::Custodian, b"b")]),
            digest(&[(Sender::Requester, b"ab")]),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
        assert_ne!(all[0], Transcript::new(&context, false).digest());
    }
}
