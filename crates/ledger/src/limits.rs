//! Named limits on everything that a peer, a caller or a file can make the ledger hold.

use std::time::Duration;

/// Bytes of one record.
pub const RECORD_BYTES_MAX: usize = primitives::limits::RECORD_BYTES_MAX;
/// Records of one block.
pub const BLOCK_RECORDS_MAX: usize = 8_192;
/// Bytes of the records of one block, lengths not counted.
pub const BLOCK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Members of one network.
pub const MEMBERS_MAX: usize = primitives::limits::MEMBERS_MAX;

/// Records waiting for agreement on one node.
pub const POOL_RECORDS_MAX: usize = 65_536;
/// Bytes of the records waiting for agreement on one node.
pub const POOL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The part of the pool that one peer's records may fill, as a divisor.
pub const POOL_PEER_SHARE: usize = 4;
/// Submissions queued for the batch check; beyond that `submit` says `Full`.
pub const INTAKE_QUEUE_MAX: usize = 16_384;
/// Records checked in one batch.
pub const CHECK_BATCH_MAX: usize = 1_024;
/// Bytes of one gossip message.
pub const GOSSIP_BYTES_MAX: usize = 512 * 1024;
/// Records of one gossip message.
pub const GOSSIP_RECORDS_MAX: usize = 2_048;
/// Bytes of a cosignature or a heartbeat as sent.
pub const NOTICE_BYTES_MAX: usize = 32 * 1024;

/// Bytes of evidence against one member.
pub const EVIDENCE_BYTES_MAX: usize = proof::EQUIVOCATION_BYTES_MAX + 1;
/// Pieces of evidence kept: one a member and kind.
pub const EVIDENCE_MAX: usize = 4 * MEMBERS_MAX;
/// Words over another log kept of one member.
pub const CONTRARY_MAX: usize = 8;
/// Views of which votes are kept.
pub const BALLOT_VIEWS_MAX: usize = 64;
/// Votes handed on in one notice.
pub const VOTES_TOLD_MAX: usize = 16;

/// Checked records remembered of blocks that are not final; beyond that all are forgotten.
pub const CHECKED_MAX: usize = 16 * BLOCK_RECORDS_MAX;

/// How far a block's time may be ahead of a validator's own clock.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);
/// Block headers and recent blocks kept in memory for followers.
pub const RECENT_BLOCKS_MAX: usize = 64;
/// Final records buffered for one follower.
pub const FOLLOW_QUEUE_MAX: usize = 1_024;
/// Checkpoints for which cosignatures are gathered at a time.
pub const CHECKPOINTS_OPEN_MAX: usize = 128;

/// Blocks of one leg, the stretch of heights that one run of the engine covers; a
/// change of members takes effect at the end of a leg.
pub const LEG_BLOCKS: u64 = 32;

/// A record this long in the pool that the final state refuses is dropped and its submitter told.
pub(crate) const REFUSE_AFTER: Duration = Duration::from_millis(300);
/// A record this long in the pool is sent to the peers again.
pub(crate) const GOSSIP_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// A peer's record this long in the pool is forgotten; its submitter will send it again.
pub(crate) const FORGET_AFTER: Duration = Duration::from_secs(60);
/// How often a node tells its peers where it stands.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);
/// A peer not heard for this long does not count as heard.
pub(crate) const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// How long a submission waits without any progress before it may be told that the network stalls.
pub(crate) const STALL_AFTER: Duration = Duration::from_secs(6);
/// How long the protocol's clock runs on after the last work, so that stragglers end their round.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
/// How long a leader with nothing new to propose waits for its parent to become final by itself.
pub(crate) const PARENT_FINAL_WITHIN: Duration = Duration::from_millis(400);
