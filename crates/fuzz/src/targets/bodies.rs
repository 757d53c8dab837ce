//! Bodies, plans, charters: what travels sealed, or stands in files.

use std::{collections::BTreeSet, sync::LazyLock};

use docket::{
    Body, Card, Change, Charter, Institution, Opened, Plan, Role,
    body::{FaultEvidence, Order, Reason, Scene, Subject, Subjects, Window},
    charter::CharterLimits,
    plan::{Answer, AnswerRow, AnswerTable, Cell, Origin},
    seal::{SealSecret, open, seal_with},
};
use primitives::{
    Digest, InstitutionId, SigningKey, TemplateId, cbor,
    limits::BODY_BYTES_MAX,
    semantic::{Selector, Semantic},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Target, proofs};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "body",
            "an opened body of each label, as a peer or a bundle gives it",
            body_seeds,
            body,
        ),
        Target::new(
            "charter",
            "charters, cards and changes, as CBOR in records and as JSON in files",
            charter_seeds,
            charter,
        ),
        Target::new(
            "sealed",
            "a sealed body from the node that made its record",
            sealed_seeds,
            sealed,
        ),
    ]
}

pub(super) fn id(name: &str) -> InstitutionId {
    InstitutionId::new(name).expect("a name of the seeds")
}

fn encoded<T: Serialize>(kind: u8, value: &T) -> Vec<u8> {
    let mut seed = vec![kind];
    seed.extend(cbor::encode(value).expect("a seed that encodes"));
    seed
}

fn subjects() -> Subjects {
    let subject = |(semantic, value)| Subject {
        selector: Selector::new(semantic, value).expect("a selector of the seeds"),
        blind: Digest([1; 32]),
    };
    Subjects {
        case: "2018-hz-117".into(),
        reason: "a reason".into(),
        basis: "art. 1".into(),
        window: Window {
            from_ms: 1_541_000_000_000,
            to_ms: 1_542_000_000_000,
        },
        subjects: [
            (Semantic::Phone, "13800000000"),
            (Semantic::Account, "6222021234567890123"),
        ]
        .map(subject)
        .into(),
        scenes: vec![Scene {
            cell: Some(7),
            from_ms: 1,
            to_ms: 2,
        }],
    }
}

fn answer() -> Answer {
    Answer {
        question: Digest([9; 32]),
        template: TemplateId::new("identify").expect("a template's name"),
        tables: vec![AnswerTable {
            step: 0,
            table: "subscribers".into(),
            columns: vec!["phone".into(), "opened".into()],
            rows: vec![AnswerRow {
                cells: vec![Cell::Text("13800000000".into()), Cell::Int(-1), Cell::Null],
                origins: vec![Origin {
                    institution: id("telecom_a"),
                    snapshot: Digest([7; 32]),
                }],
            }],
        }],
        joint: None,
    }
}

/// The bodies of the bundle, with those that it has not.
fn body_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        encoded(0, &subjects()),
        encoded(5, &answer()),
        encoded(2, &Reason { text: "why".into() }),
        encoded(
            3,
            &FaultEvidence {
                what: "malformed".into(),
                bytes: vec![1; 40],
            },
        ),
    ];
    for (name, bytes) in proofs::bundle_files() {
        if !name.starts_with("bodies/") {
            continue;
        }
        seeds.push([vec![6], bytes.clone()].concat());
        let Ok(opened) = cbor::decode::<Opened>(bytes, 2 * BODY_BYTES_MAX) else {
            continue;
        };
        let kind = match opened.label.as_str() {
            "subjects" => 0,
            "order" => 1,
            "reason" => 2,
            "evidence" => 3,
            "plan" => 4,
            _ => 5,
        };
        seeds.push([vec![kind], opened.body].concat());
    }
    seeds.extend(super::answers::plans().iter().map(|plan| encoded(4, plan)));
    seeds
}

/// What decodes is written as something that decodes to the same.
fn reads_back<T>(bytes: &[u8]) -> Option<T>
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    let value: T = cbor::decode(bytes, BODY_BYTES_MAX).ok()?;
    let form = cbor::encode(&value).expect("what decodes encodes");
    let again: Result<T, _> = cbor::decode(&form, 4 * BODY_BYTES_MAX);
    assert!(again.is_ok_and(|again| again == value), "a second form");
    Some(value)
}

fn body(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    fn judged<B: Body + PartialEq>(bytes: &[u8]) {
        if let Some(body) = reads_back::<B>(bytes) {
            let _ = body.check();
        }
    }
    match kind % 7 {
        0 => judged::<Subjects>(bytes),
        1 => judged::<Order>(bytes),
        2 => judged::<Reason>(bytes),
        3 => judged::<FaultEvidence>(bytes),
        4 => judged::<Plan>(bytes),
        5 => judged::<Answer>(bytes),
        _ => {
            if let Some(opened) = reads_back::<Opened>(bytes) {
                let part = opened.part(vec![id("court")]);
                let _ = opened.read::<Plan>(&part);
                let _ = opened.read::<Order>(&part);
            }
        }
    }
}

fn institution(name: &str, seed: u8) -> (Institution, SigningKey) {
    let key = SigningKey::from_seed(&[seed; 32]);
    let institution = Institution {
        id: id(name),
        name: format!("Bureau {name}"),
        roles: BTreeSet::from([if seed == 1 {
            Role::Authority
        } else {
            Role::Custodian
        }]),
        node_key: key.public(),
        seal_key: SealSecret::from_bytes(&[seed; 32]).public(),
        ledger_address: format!("127.0.0.1:{}", 9000 + u16::from(seed)),
        exchange_address: format!("127.0.0.1:{}", 9100 + u16::from(seed)),
    };
    (institution, key)
}

fn founding() -> Charter {
    Charter {
        name: "a city".into(),
        founded_ms: 1_700_000_000_000,
        members: ["bank", "court", "telecom", "water"]
            .into_iter()
            .zip([2, 1, 3, 4])
            .map(|(name, seed)| institution(name, seed).0)
            .collect(),
        limits: CharterLimits::default(),
    }
}

/// The card of a member to come.
pub(super) fn card() -> Card {
    let (member, key) = institution("power", 5);
    Card::sign(member, &key).expect("a card")
}

fn charter_seeds() -> Vec<Vec<u8>> {
    let card = card();
    let json = |kind: u8, text: serde_json::Result<String>| {
        let mut seed = vec![kind];
        seed.extend(text.expect("a seed in JSON").into_bytes());
        seed
    };
    let mut seeds = vec![
        encoded(0, &founding()),
        encoded(1, &card),
        encoded(2, &Change::Admit(card.clone())),
        json(3, serde_json::to_string(&founding())),
        json(4, serde_json::to_string(&card)),
    ];
    let files = proofs::bundle_files();
    seeds.extend(
        files
            .iter()
            .filter(|(name, _)| name == "charter/genesis.cbor")
            .map(|(_, bytes)| [vec![0], bytes.clone()].concat()),
    );
    seeds
}

fn charter(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let founded = |charter: Charter| {
        if charter.check().is_ok() {
            let state = docket::State::genesis(charter.clone());
            assert!(state.is_ok(), "a sound charter founds a network");
        }
    };
    match kind % 5 {
        0 => {
            reads_back::<Charter>(bytes).map(founded);
        }
        1 => {
            reads_back::<Card>(bytes).map(|card| card.check());
        }
        2 => {
            reads_back::<Change>(bytes);
        }
        3 => {
            serde_json::from_slice(bytes).ok().map(founded);
        }
        _ => {
            let card: Option<Card> = serde_json::from_slice(bytes).ok();
            card.map(|card| card.check());
        }
    }
}

static READER: LazyLock<SealSecret> = LazyLock::new(|| SealSecret::from_bytes(&[8; 32]));

static PART: LazyLock<(Opened, docket::Part)> = LazyLock::new(|| {
    let reason = Reason { text: "why".into() };
    let opened = Opened::salted(&reason, Digest([4; 32])).expect("a small body");
    let part = opened.part(vec![id("court")]);
    (opened, part)
});

fn sealed_seeds() -> Vec<Vec<u8>> {
    use rand::{SeedableRng, rngs::StdRng};
    let mut rng = StdRng::seed_from_u64(1);
    seal_with(&PART.0, &Digest([3; 32]), &READER.public(), &mut rng)
        .into_iter()
        .collect()
}

fn sealed(bytes: &[u8]) {
    let (original, part) = &*PART;
    if let Ok(opened) = open(bytes, &Digest([3; 32]), part, &READER) {
        assert!(opened == *original, "another body under one commitment");
    }
}
