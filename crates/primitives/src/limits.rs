//! Named limits on everything that a peer, a file or a person can send.

/// Bytes of one record as it stands on the ledger.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one opened body.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Depth of nested CBOR items.
pub const CBOR_DEPTH_MAX: usize = 24;
/// Subjects on one warrant.
pub const SUBJECTS_MAX: usize = 10_000;
/// Custodians named by one warrant.
pub const CUSTODIANS_MAX: usize = 64;
/// Records that one record may follow from.
pub const FOLLOWS_MAX: usize = 128;
/// Bytes of one human text inside a record (a reason, a name).
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Hops of one chain.
pub const HOPS_MAX: u8 = 6;
/// Members of one network.
pub const MEMBERS_MAX: usize = 64;
