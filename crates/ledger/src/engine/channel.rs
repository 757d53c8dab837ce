//! The settings of the authenticated channels between validators.

use std::num::NonZeroU32;
use std::time::Duration;

use commonware_consensus::marshal;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_cryptography::{ChaCha20Poly1305, ed25519};
use commonware_p2p::authenticated::lookup;
use commonware_p2p::utils::mux::prefixed;
use commonware_runtime::Quota;
use commonware_stream::cups::{self, Cups};
use commonware_stream::sake::{self, Sake};
use commonware_utils::NZU32;

use super::PEER_SETS;
use crate::Config;
use crate::block::Block;
use crate::leg::Voter;
use crate::limits::{GOSSIP_BYTES_MAX, MEMBERS_MAX, NOTICE_BYTES_MAX, RECORD_BYTES_MAX};

pub(super) fn quota(per_second: u32) -> Quota {
    Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN))
}

fn message_bytes_max() -> u32 {
    let members = u32::try_from(MEMBERS_MAX).unwrap_or(u32::MAX);
    let payload = marshal::max_payload_size::<Standard<Block>, Scheme>(members, &());
    commonware_p2p::max_message_size(&[
        prefixed(payload),
        GOSSIP_BYTES_MAX + RECORD_BYTES_MAX,
        NOTICE_BYTES_MAX,
    ])
}

pub(super) type Handshake = Cups<Sake<ed25519::PrivateKey>, ChaCha20Poly1305>;

pub(super) fn network_config(config: &Config, voter: &Voter) -> lookup::Config<Handshake> {
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: voter.key().clone(),
            synchrony_bound: Duration::from_secs(30),
            max_handshake_age: Duration::from_secs(30),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let namespace = format!("cordon/ledger/{}", config.network);
    let mut network = lookup::Config::local(
        handshake,
        namespace.as_bytes(),
        config.listen,
        config.reserve.peers,
        message_bytes_max(),
        config.reserve.messages,
    );
    network.bypass_ip_check = true;
    network.tracked_peer_sets = PEER_SETS;
    network.peer_connection_cooldown = Duration::from_millis(500);
    network.dial_frequency = Duration::from_millis(250);
    network.allowed_handshake_rate_per_ip = quota(128);
    network.allowed_handshake_rate_per_subnet = quota(256);
    network.max_concurrent_handshakes = NZU32!(256);
    network.block_duration = Duration::from_secs(60);
    network
}
