//! Blocks: what the validators agree on.
//!
//! The digest covers the header and every record's leaf hash, so that a block fetched
//! by its digest is the block that was agreed on. The bytes are fixed by
//! `docs/formats/block.md`.
//!
//! *Invariants*
//! - One encoding a block; decoding what was encoded gives the same bytes.
//! - A decoded block is within [`crate::limits`].

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error, Read, ReadExt as _, Write};
use commonware_consensus::types::Height;
use commonware_consensus::{Block as ConsensusBlock, BoundedBlock, Heightable};
use commonware_cryptography::Digestible;
use commonware_cryptography::sha256;
use primitives::{Digest, Hasher};

use proof::leaf_hash;

use crate::limits::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX, RECORD_BYTES_MAX};

/// The digest of a block, as the engine knows it.
pub(crate) type BlockDigest = sha256::Digest;

const DOMAIN: &str = "cordon/ledger/block/v1";
const GENESIS: &str = "cordon/ledger/genesis/v1";
const HEADER_BYTES: usize = 32 + 8 + 8 + 8 + 8 + 32 + 4;

/// The agreed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The block before; all zero for genesis.
    pub(crate) parent: BlockDigest,
    /// Its place in the chain; genesis is 0.
    pub(crate) height: u64,
    /// The epoch of members that agree on it.
    pub(crate) epoch: u64,
    /// Milliseconds since 1970; never before the parent's.
    pub(crate) time_ms: u64,
    /// Records in the log, this block's included.
    pub(crate) log_size: u64,
    /// The root over them.
    pub(crate) log_root: Digest,
}

/// A block: a header and its records.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) records: Vec<Bytes>,
    /// Leaf hash of each record.
    pub(crate) leaves: Vec<Digest>,
}

impl Block {
    /// Puts a block together; `leaves` must be the records' leaf hashes.
    pub(crate) fn new(header: Header, records: Vec<Bytes>, leaves: Vec<Digest>) -> Self {
        debug_assert_eq!(records.len(), leaves.len());
        Self {
            header,
            records,
            leaves,
        }
    }

    /// The block at height 0, which binds the chain to its network and its legs' length.
    pub(crate) fn genesis(network: &Digest, leg_blocks: u64) -> Self {
        let parent = Digest::of(GENESIS, &[&network.0, &leg_blocks.to_be_bytes()]);
        let header = Header {
            parent: sha256::Digest::from(parent.0),
            height: 0,
            epoch: 0,
            time_ms: 0,
            log_size: 0,
            log_root: proof::empty_root(),
        };
        Self::new(header, Vec::new(), Vec::new())
    }
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        let header = &self.header;
        buf.put_slice(header.parent.as_ref());
        buf.put_u64(header.height);
        buf.put_u64(header.epoch);
        buf.put_u64(header.time_ms);
        buf.put_u64(header.log_size);
        buf.put_slice(&header.log_root.0);
        buf.put_u32(u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        for record in &self.records {
            buf.put_u32(u32::try_from(record.len()).unwrap_or(u32::MAX));
            buf.put_slice(record);
        }
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        HEADER_BYTES
            + self
                .records
                .iter()
                .map(|record| 4 + record.len())
                .sum::<usize>()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        let header = Header {
            parent: sha256::Digest::from(<[u8; 32]>::read(buf)?),
            height: u64::read(buf)?,
            epoch: u64::read(buf)?,
            time_ms: u64::read(buf)?,
            log_size: u64::read(buf)?,
            log_root: Digest(<[u8; 32]>::read(buf)?),
        };
        let count = u32::read(buf)? as usize;
        if count > BLOCK_RECORDS_MAX {
            return Err(Error::InvalidLength(count));
        }
        let mut records = Vec::with_capacity(count);
        let mut leaves = Vec::with_capacity(count);
        let mut total = 0usize;
        for _ in 0..count {
            let len = u32::read(buf)? as usize;
            total = total.saturating_add(len);
            if len > RECORD_BYTES_MAX || total > BLOCK_BYTES_MAX {
                return Err(Error::InvalidLength(len));
            }
            if buf.remaining() < len {
                return Err(Error::EndOfBuffer);
            }
            let record = buf.copy_to_bytes(len);
            leaves.push(leaf_hash(&record));
            records.push(record);
        }
        Ok(Self {
            header,
            records,
            leaves,
        })
    }
}

impl Digestible for Block {
    type Digest = BlockDigest;

    fn digest(&self) -> BlockDigest {
        let mut hasher = Hasher::new(DOMAIN);
        let header = &self.header;
        hasher.part(header.parent.as_ref());
        for number in [header.height, header.epoch, header.time_ms, header.log_size] {
            hasher.part(&number.to_be_bytes());
        }
        hasher.part(&header.log_root.0);
        for leaf in &self.leaves {
            hasher.part(&leaf.0);
        }
        sha256::Digest::from(hasher.finish().0)
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        Height::new(self.header.height)
    }
}

impl ConsensusBlock for Block {
    fn parent(&self) -> BlockDigest {
        self.header.parent
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        HEADER_BYTES + BLOCK_RECORDS_MAX * 4 + BLOCK_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use commonware_codec::{DecodeExt as _, Encode as _};

    use super::*;

    fn sample() -> Block {
        let records = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        let leaves = records.iter().map(|record| leaf_hash(record)).collect();
        let mut header = Block::genesis(&Digest::plain(b"net"), 32).header;
        (header.height, header.epoch, header.time_ms, header.log_size) = (1, 2, 3, 2);
        Block::new(header, records, leaves)
    }

    #[test]
    fn a_block_decodes_to_what_was_encoded_and_nothing_else_does() {
        let block = sample();
        let bytes: Bytes = block.encode();
        let decoded = Block::decode(bytes.clone()).unwrap();
        assert_eq!(decoded.encode(), bytes);
        assert_eq!(decoded.digest(), block.digest());
        assert_eq!(decoded.leaves, block.leaves);
        for cut in 0..bytes.len() {
            assert!(Block::decode(bytes.slice(..cut)).is_err());
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(Block::decode(Bytes::from(longer)).is_err());
    }

    #[test]
    fn every_bit_is_in_the_digest() {
        let block = sample();
        let bytes = block.encode().to_vec();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            if let Ok(other) = Block::decode(Bytes::from(flipped)) {
                assert_ne!(other.digest(), block.digest(), "byte {at}");
            }
        }
    }

    #[test]
    fn the_bytes_of_a_block_are_pinned() {
        let digest = Digest(sample().digest().0);
        assert_eq!(digest.to_string(), DIGEST);
        assert_eq!(Digest::plain(&sample().encode()).to_string(), ENCODING);
    }

    const DIGEST: &str = "89550a251d1b8a79278db2731dcecc8f30e6fe06f0c82cb9788f08bfb59ea1a4";
    /// SHA-256 of the encoding.
    const ENCODING: &str = "bd26d7ab781d97bad8387303297bacc155ecdf7c3f724f2c43fbf09b72eb8e01";
}
