//! What a node can say of the other members' ledgers.
//!
//! *Invariants*: it is what the peers said of themselves; nothing depends on it.

use std::time::UNIX_EPOCH;

use primitives::PublicKey;

use crate::core::Core;
use crate::limits::HEARD_WITHIN;

/// What this node last heard of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its validator key.
    pub key: PublicKey,
    /// Whether it was heard of late.
    pub heard: bool,
    /// When it was last heard, in milliseconds since 1970; none since this node started.
    pub heard_ms: Option<u64>,
    /// The last final height that it told.
    pub height: Option<u64>,
}

/// What was last heard of the members in office, this node left out.
pub(crate) fn peers(core: &Core) -> Vec<PeerStatus> {
    let Some(leg) = core.legs.current() else {
        return Vec::new();
    };
    let now = core.now();
    let peers = core.peers();
    leg.members
        .as_slice()
        .iter()
        .filter(|member| member.key != core.key)
        .map(|member| {
            let known = peers.get(&member.key);
            let age = |heard| now.duration_since(heard).unwrap_or_default();
            PeerStatus {
                key: member.key,
                heard: known.is_some_and(|peer| age(peer.heard) <= HEARD_WITHIN),
                heard_ms: known.and_then(|peer| {
                    let since = peer.heard.duration_since(UNIX_EPOCH).ok()?;
                    u64::try_from(since.as_millis()).ok()
                }),
                height: known.map(|peer| peer.height),
            }
        })
        .collect()
}
