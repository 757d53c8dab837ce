//! What ledgers say to one another beside the agreement engine's own messages.

use std::sync::LazyLock;

use bytes::Bytes;
use ledger::{Evidence, Member, Members, foreign};
use primitives::{Digest, NetworkId, SigningKey, cbor};
use serde_json::json;

use super::{Target, bodies::id, proofs, records};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "block",
            "a block from a leader or a store",
            block_seeds,
            block,
        ),
        Target::new(
            "notice",
            "heartbeats, cosignatures and checkpoints from members",
            notice_seeds,
            notice,
        ),
        Target::new(
            "gossip",
            "records that members pass on",
            gossip_seeds,
            gossip,
        ),
        Target::new(
            "evidence",
            "bytes that show a member contradicting itself",
            evidence_seeds,
            evidence,
        ),
    ]
}

fn block_seeds() -> Vec<Vec<u8>> {
    let golden = records::golden();
    let block = |records: &[Vec<u8>]| {
        let mut bytes = vec![1; 32];
        for number in [1u64, 0, 1_700_000_000_000, records.len() as u64] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&[2; 32]);
        let word = |number: usize| u32::try_from(number).unwrap_or_default().to_be_bytes();
        bytes.extend_from_slice(&word(records.len()));
        for record in records {
            bytes.extend_from_slice(&word(record.len()));
            bytes.extend_from_slice(record);
        }
        bytes
    };
    vec![block(&[]), block(&golden[..1]), block(&golden[..9])]
}

fn block(bytes: &[u8]) {
    if let Some(again) = foreign::block(Bytes::copy_from_slice(bytes)) {
        assert_eq!(again, bytes, "a block in another form");
    }
}

fn notice_seeds() -> Vec<Vec<u8>> {
    let signed = proofs::signed();
    let word = serde_json::to_value(&signed.cosignatures()[0]).expect("a cosignature");
    let root = signed.checkpoint().root();
    let named = json!({ "parent": 3, "block": root });
    let vote = |choice| {
        json!({
            "leg": 0, "view": 4, "voter": root, "choice": choice, "signature": word["signature"],
        })
    };
    let said = json!({ "size": 11, "root": root, "cosignature": word });
    let notices = [
        json!({ "Heartbeat": { "height": 3, "leg": 1, "signed": 9, "lacks": 0 } }),
        json!({ "Heartbeat": { "height": 3, "leg": 1, "signed": 9, "lacks": null } }),
        json!({ "Cosigned": said }),
        json!({ "Contrary": said }),
        json!({ "Signed": signed }),
        json!({ "Votes": [vote(json!("Nullify")), vote(json!({ "Notarize": named }))] }),
    ];
    let mut seeds: Vec<Vec<u8>> = notices
        .iter()
        .filter_map(|notice| cbor::encode(notice).ok())
        .collect();
    // The same as a node writes it: bytes, not their text.
    if let Ok(bytes) = cbor::encode(&std::collections::BTreeMap::from([("Signed", &signed)])) {
        seeds.push(bytes);
    }
    seeds
}

fn notice(bytes: &[u8]) {
    if let Some(again) = foreign::notice(bytes) {
        let form = foreign::notice(&again);
        assert_eq!(form.as_deref(), Some(&again[..]), "a second form");
    }
}

fn gossip_seeds() -> Vec<Vec<u8>> {
    let records = records::golden();
    let message = records.iter().flat_map(|record| {
        let length = u32::try_from(record.len()).unwrap_or_default();
        [&length.to_be_bytes()[..], record].concat()
    });
    vec![message.collect(), vec![0, 0, 0, 1, 9]]
}

fn gossip(bytes: &[u8]) {
    if let Some(records) = foreign::gossip(Bytes::copy_from_slice(bytes)) {
        let length: usize = records.iter().map(|record| 4 + record.len()).sum();
        assert_eq!(length, bytes.len(), "bytes that belong to no record");
        assert!(records.iter().all(|record| !record.is_empty()));
    }
}

static MEMBERS: LazyLock<Members> = LazyLock::new(|| {
    let member = |(name, seed): (&str, u8)| Member {
        name: id(name),
        key: SigningKey::from_seed(&[seed; 32]).public(),
        address: ([127, 0, 0, 1], 9000 + u16::from(seed)).into(),
    };
    let all = ["bank", "court", "police", "telecom"];
    Members::new(all.into_iter().zip(1..).map(member).collect()).expect("four members")
});

fn evidence_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = proofs::contradictions()
        .into_iter()
        .map(|bytes| [vec![3], bytes].concat())
        .collect();
    // Two votes of the engine's shape: round, parent, digest, signer, signature.
    for kind in 0..3 {
        let vote = [&[1, 5, 4][..], &[7; 32], &[1], &[9; 64]].concat();
        let other = [&[1, 5, 4][..], &[8; 32], &[1], &[9; 64]].concat();
        seeds.push([vec![kind], vote, other].concat());
    }
    seeds
}

fn evidence(bytes: &[u8]) {
    let network = NetworkId(Digest([6; 32]));
    if let Ok(evidence) = Evidence::verify(bytes, &network, &MEMBERS) {
        assert_eq!(evidence.bytes, bytes, "evidence in another form");
    }
}
