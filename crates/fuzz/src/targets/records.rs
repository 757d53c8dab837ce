//! Records, the legal order, passkeys' assertions.

use std::sync::LazyLock;

use docket::{
    At, Charter, CredentialId, Header, Passkey, Record, Signed, State,
    passkey::{Assertion, CREATE, GET, PasskeyKey, check_authenticator_data, check_client_data},
};
use primitives::{Digest, PublicKey, cbor, limits::RECORD_BYTES_MAX};

use super::{Target, proofs};

/// Bytes of a charter in a bundle.
const CHARTER_BYTES_MAX: usize = 256 * 1024;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "record",
            "a record from a peer, a ledger's block or a bundle",
            record_seeds,
            record,
        ),
        Target::new(
            "order",
            "a signed header, held against the state after some records of a case",
            order_seeds,
            order,
        ),
        Target::new(
            "passkey",
            "client data, authenticator data and signature from a browser",
            passkey_seeds,
            passkey,
        ),
    ]
}

/// The golden records of the room `docket`, one of every kind.
pub(super) fn golden() -> Vec<Vec<u8>> {
    macro_rules! golden {
        ($($name:literal),* $(,)?) => {
            [$(include_str!(concat!("../../../docket/tests/", $name, ".hex"))),*]
        };
    }
    golden![
        "golden/answer-disclosed",
        "golden/approved",
        "golden/bundle-exported",
        "golden/change-proposed",
        "golden/change-voted",
        "golden/consulted",
        "golden/count-opened",
        "golden/dataset-published",
        "golden/denied",
        "golden/equivocation-witnessed",
        "golden/inputs-committed",
        "golden/narrowed",
        "golden/notice-given",
        "golden/officer-confirmed",
        "golden/officer-enrolled",
        "golden/officer-proposed",
        "golden/officer-retired",
        "golden/passed-on",
        "golden/question-asked",
        "golden/refused",
        "golden/rules-changed",
        "golden/run-aborted",
        "golden/run-completed",
        "golden/snapshot-committed",
        "golden/warrant-drafted",
        "golden/warrant-issued",
        "golden/warrant-refused",
        "golden/warrant-revoked",
        "golden-joint/inputs-committed",
        "golden-joint/question-asked",
        "golden-joint/warrant-drafted",
        "golden-passkey/eddsa",
        "golden-passkey/es256",
    ]
    .iter()
    .filter_map(|text| hex::decode(text.trim()).ok())
    .collect()
}

fn record_seeds() -> Vec<Vec<u8>> {
    golden()
}

fn record(bytes: &[u8]) {
    let Ok(signed) = Signed::decode(bytes) else {
        return;
    };
    let header = signed.unverified_header();
    assert!(
        header.encode().is_ok_and(|form| form.len() <= bytes.len()),
        "a header that can't be written again"
    );
    let alone = signed.clone().verify();
    let batch = Signed::verify_all(vec![signed]).remove(0);
    assert_eq!(alone, batch, "alone and in a batch");
    if let Ok(record) = alone {
        assert_eq!(record.bytes, bytes);
        assert_eq!(record.digest, Record::digest_of(bytes));
    }
}

/// The case of a bundle: the records, and the state before each and after the last.
struct Story {
    records: Vec<Record>,
    states: Vec<State>,
}

/// Where a record of the story stands.
fn at(record: &Record, number: usize) -> At {
    At {
        height: number as u64 + 1,
        time_ms: record.header.time_ms,
    }
}

static STORY: LazyLock<Story> = LazyLock::new(|| {
    let files = proofs::bundle_files();
    let file = |path: &str| files.iter().find(|(name, _)| name == path);
    let charter = file("charter/genesis.cbor").expect("the bundle has a charter");
    let charter: Charter = cbor::decode(&charter.1, CHARTER_BYTES_MAX).expect("a charter");
    let mut state = State::genesis(charter).expect("a charter that founds a network");
    let mut story = Story {
        records: Vec::new(),
        states: vec![state.clone()],
    };
    for (name, bytes) in files {
        if !name.starts_with("records/") {
            continue;
        }
        let record = Record::decode(bytes).expect("a record of the bundle");
        let place = at(&record, story.records.len());
        state.apply(&record, place).expect("the bundle's order");
        story.records.push(record);
        story.states.push(state.clone());
    }
    story
});

/// How many records of the story stand before, whose key signs, a header.
fn order_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, record) in STORY.records.iter().enumerate() {
        let signer = signers(&STORY.states[number])
            .iter()
            .position(|signer| *signer == record.signer)
            .unwrap_or_default();
        let mut seed = vec![number, signer]
            .into_iter()
            .map(small)
            .collect::<Vec<_>>();
        seed.extend(record.header.encode().unwrap_or_default());
        seeds.push(seed);
    }
    // Headers of the other kinds, as this network's own.
    let network = STORY.states[0].network();
    for bytes in golden() {
        if let Ok(signed) = Signed::decode(&bytes) {
            let mut header = signed.unverified_header().clone();
            header.network = network;
            let mut seed = vec![small(STORY.records.len()), 0];
            seed.extend(header.encode().unwrap_or_default());
            seeds.push(seed);
        }
    }
    seeds
}

fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Everybody whose signature the state knows.
fn signers(state: &State) -> Vec<CredentialId> {
    let nodes = state.members().map(|member| member.node_key.into());
    nodes
        .chain(state.officers().map(|(credential, _)| *credential))
        .collect()
}

fn order(bytes: &[u8]) {
    let [before, signer, bytes @ ..] = bytes else {
        return;
    };
    let Ok(header) = cbor::decode::<Header>(bytes, RECORD_BYTES_MAX) else {
        return;
    };
    let number = usize::from(*before) % STORY.states.len();
    let state = &STORY.states[number];
    let signers = signers(state);
    let record = Record {
        digest: Record::digest_of(bytes),
        signer: signers[usize::from(*signer) % signers.len()],
        header,
        bytes: bytes.to_vec(),
    };
    let mut after = state.clone();
    match after.apply(&record, at(&record, number)) {
        Ok(()) => {
            let again = after.clone().apply(&record, at(&record, number));
            assert!(again.is_err(), "a record that stands twice");
        }
        Err(refusal) => {
            assert!(after == *state, "a refusal that changed the state");
            let _ = refusal.to_string();
        }
    }
}

const ORIGIN: &str = "https://console.example";
const RP_ID: &str = "console.example";

fn client_data(ceremony: &str) -> Vec<u8> {
    // The challenge of 32 zero bytes.
    let challenge = "A".repeat(43);
    format!(
        "{{\"type\":\"{ceremony}\",\"challenge\":\"{challenge}\",\"origin\":\"{ORIGIN}\",\"crossOrigin\":false}}"
    )
    .into_bytes()
}

/// What is read, and its bytes.
fn passkey_seeds() -> Vec<Vec<u8>> {
    let mut data = Digest::plain(RP_ID.as_bytes()).0.to_vec();
    data.extend_from_slice(&[5, 0, 0, 0, 9]);
    let der = vec![0x30, 6, 2, 1, 1, 2, 1, 1];
    [
        (0, client_data(GET)),
        (1, client_data(CREATE)),
        (2, data),
        (3, der),
        (4, ORIGIN.as_bytes().to_vec()),
    ]
    .into_iter()
    .map(|(kind, bytes)| [vec![kind], bytes].concat())
    .collect()
}

fn passkey(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let passkey = |origin: &str| Passkey {
        key: PasskeyKey::EdDsa(PublicKey([3; 32])),
        rp_id: RP_ID.into(),
        origin: origin.into(),
    };
    match kind % 5 {
        0 => drop(check_client_data(bytes, GET, &Digest([0; 32]), ORIGIN)),
        1 => drop(check_client_data(bytes, CREATE, &Digest([0; 32]), ORIGIN)),
        2 => drop(check_authenticator_data(bytes, RP_ID)),
        3 => {
            let data = vec![0; 37];
            let made = Assertion::from_browser(&passkey(ORIGIN), data, bytes.to_vec(), &[0; 64]);
            if let Ok(assertion) = made {
                let _ = passkey(ORIGIN).verify(&Digest([0; 32]), &assertion);
            }
        }
        _ => {
            let origin = String::from_utf8_lossy(bytes);
            if passkey(&origin).check().is_ok() {
                assert!(docket::passkey::origin_host(&origin).is_some());
            }
        }
    }
}
