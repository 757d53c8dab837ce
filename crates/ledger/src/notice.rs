//! The small messages between nodes beside agreement: heartbeats and cosignatures; and
//! the gossip of records. Bytes as in `docs/formats/ledger-wire.md`.

use bytes::{BufMut as _, Bytes, BytesMut};
use primitives::{Digest, cbor};
use proof::{Cosignature, SignedCheckpoint};
use serde::{Deserialize, Serialize};

use crate::ballots::Voted;
use crate::limits::{GOSSIP_BYTES_MAX, GOSSIP_RECORDS_MAX, NOTICE_BYTES_MAX, RECORD_BYTES_MAX};

/// A small message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// Where the sender stands.
    Heartbeat {
        /// Its last final height.
        height: u64,
        /// Its leg.
        leg: u64,
        /// Records under the newest checkpoint with a quorum that it holds.
        signed: u64,
        /// The first epoch whose closing checkpoint it lacks, below its own epoch.
        lacks: Option<u64>,
    },
    /// The sender's cosignature of the log at a size.
    Cosigned {
        /// Records in the log.
        size: u64,
        /// The root over them.
        root: Digest,
        /// Its word.
        cosignature: Cosignature,
    },
    /// A member's cosignature over a root that is not the sender's, handed on once.
    Contrary {
        /// Records in the log.
        size: u64,
        /// The root over them that the member signed.
        root: Digest,
        /// The member's word.
        cosignature: Cosignature,
    },
    /// A checkpoint with a quorum, for a node that lacks it.
    Signed(SignedCheckpoint),
    /// Members' votes that what became of their view contradicts.
    Votes(Vec<Voted>),
}

impl Notice {
    /// The bytes to send, if they are within the limit.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let bytes = cbor::encode(self).ok()?;
        (bytes.len() <= NOTICE_BYTES_MAX).then_some(bytes)
    }

    /// Reads what a peer sent.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        cbor::decode(bytes, NOTICE_BYTES_MAX).ok()
    }
}

/// Packs records into as few gossip messages as the limits allow.
pub(crate) fn pack(records: &[Bytes]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    let mut message = BytesMut::new();
    let mut count = 0;
    for record in records {
        let full = message.len() + 4 + record.len() > GOSSIP_BYTES_MAX;
        if count > 0 && (full || count == GOSSIP_RECORDS_MAX) {
            messages.push(message.split().freeze());
            count = 0;
        }
        message.put_u32(u32::try_from(record.len()).unwrap_or(u32::MAX));
        message.put_slice(record);
        count += 1;
    }
    if count > 0 {
        messages.push(message.freeze());
    }
    messages
}

/// Reads a gossip message; nothing of a malformed one counts.
pub(crate) fn unpack(mut message: Bytes) -> Option<Vec<Bytes>> {
    if message.len() > GOSSIP_BYTES_MAX + RECORD_BYTES_MAX {
        return None;
    }
    let mut records = Vec::new();
    while !message.is_empty() {
        let prefix = message.split_to_checked(4)?;
        let len = u32::from_be_bytes(prefix.as_ref().try_into().ok()?) as usize;
        if len == 0 || len > RECORD_BYTES_MAX || records.len() == GOSSIP_RECORDS_MAX {
            return None;
        }
        // A copy, so that one small record does not keep a whole message in memory.
        records.push(Bytes::copy_from_slice(&message.split_to_checked(len)?));
    }
    Some(records)
}

trait SplitChecked: Sized {
    fn split_to_checked(&mut self, len: usize) -> Option<Self>;
}

impl SplitChecked for Bytes {
    fn split_to_checked(&mut self, len: usize) -> Option<Self> {
        (len <= self.len()).then(|| self.split_to(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ballots::{Choice, Named};
    use crate::limits::VOTES_TOLD_MAX;

    #[test]
    fn records_are_packed_within_the_limits_and_unpacked_as_they_were() {
        let records: Vec<_> = (0..5_000u32)
            .map(|n| Bytes::from(vec![n.to_be_bytes()[3]; 1 + n as usize % 700]))
            .collect();
        let messages = pack(&records);
        assert!(messages.iter().all(|m| m.len() <= GOSSIP_BYTES_MAX));
        let unpacked: Vec<_> = messages
            .into_iter()
            .flat_map(|m| unpack(m).unwrap())
            .collect();
        assert_eq!(unpacked, records);
    }

    #[test]
    fn malformed_gossip_is_refused() {
        let whole = pack(&[Bytes::from_static(b"record")]).remove(0);
        for cut in 1..whole.len() {
            assert_eq!(unpack(whole.slice(..cut)), None);
        }
        assert_eq!(unpack(Bytes::from_static(&[0, 0, 0, 0])), None);
        assert_eq!(unpack(Bytes::from(vec![0xff; 64])), None);
        assert_eq!(unpack(Bytes::new()), Some(Vec::new()));
    }

    #[test]
    fn notices_have_one_encoding() {
        let notice = Notice::Heartbeat {
            height: 3,
            leg: 1,
            signed: 9,
            lacks: Some(0),
        };
        let bytes = notice.encode().unwrap();
        assert_eq!(Notice::decode(&bytes), Some(notice));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Notice::decode(&longer), None);
        assert_eq!(Notice::decode(&bytes[1..]), None);
        let named = Named {
            parent: 3,
            block: Digest([7; 32]),
        };
        let votes = [Choice::Nullify, Choice::Finalize(named)].map(|choice| Voted {
            leg: 1,
            view: 4,
            voter: primitives::PublicKey([1; 32]),
            choice,
            signature: primitives::Signature([2; 64]),
        });
        let notice = Notice::Votes(vec![votes[0].clone(); VOTES_TOLD_MAX]);
        let bytes = notice.encode().expect("as many as are told fit");
        assert_eq!(Notice::decode(&bytes), Some(notice));
        let notice = Notice::Votes(votes.to_vec());
        assert_eq!(Notice::decode(&notice.encode().unwrap()), Some(notice));
    }
}
