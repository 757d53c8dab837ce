//! Records: golden bytes of every kind, and everything that is not a record.

use std::{collections::BTreeSet, fs, path::PathBuf};

use coset::{CoseSign1Builder, TaggedCborSerializable};
use primitives::TemplateId;

use super::*;
use crate::{
    Card, Change, Duty, Institution, Role,
    charter::OfficerId,
    statement::{
        Asked, Attestation, Column, Count, DatasetPublished, KeyCommitment, LookupKey,
        QuestionAsked, RulesChanged, SnapshotCommitted, StandingRule, Terms,
    },
};

mod joint;
mod passkey;

fn id(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

fn officer(name: &str) -> OfficerId {
    OfficerId(id(name))
}

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn header(statement: Statement) -> Header {
    Header {
        network: NetworkId(digest(1)),
        institution: id("police"),
        officer: Some(officer("inv-1")),
        time_ms: 1_700_000_000_000,
        warrant: statement.is_of_case().then_some(WarrantId([2; 16])),
        follows: vec![digest(3), digest(4)],
        // A reason with an order is at will; the golden bytes have none.
        parts: statement
            .labels()
            .iter()
            .take(2)
            .map(|label| Part {
                label: (*label).to_owned(),
                commitment: digest(5),
                readers: vec![id("court"), id("police")],
                bytes: 123,
            })
            .collect(),
        statement,
    }
}

fn terms() -> Terms {
    Terms {
        case: digest(6),
        templates: BTreeSet::from([TemplateId::new("identify").unwrap()]),
        custodians: BTreeSet::from([id("bank_a"), id("telecom_a")]),
        not_before_ms: 1_700_000_000_000,
        expires_ms: 1_702_592_000_000,
        subjects: 12,
        scenes: 0,
        hops: 2,
        answer_cap: 500,
        runs: 3,
    }
}

fn keys() -> Vec<KeyCommitment> {
    vec![KeyCommitment {
        snapshot: digest(7),
        key: "account".into(),
        step: 0,
        commitment: digest(8),
    }]
}

fn cases() -> Vec<Statement> {
    let question = digest(9);
    let plan = digest(10);
    vec![
        Statement::WarrantDrafted {
            authority: id("court"),
            terms: terms(),
        },
        Statement::WarrantIssued {
            draft: digest(3),
            terms: terms(),
        },
        Statement::WarrantRefused { draft: digest(3) },
        Statement::WarrantRevoked {},
        Statement::QuestionAsked(QuestionAsked {
            warrant: digest(3),
            template: TemplateId::new("identify").unwrap(),
            plan,
            custodians: vec![Asked {
                institution: id("bank_a"),
                snapshots: vec![digest(4)],
            }],
            hops: 1,
            answer_cap: 100,
            joint: None,
        }),
        Statement::Denied {
            rule: "expired".into(),
            act: "ask".into(),
        },
        Statement::Approved {
            question,
            plan,
            keys: keys(),
            by_rule: Some("small-cases".into()),
        },
        Statement::Narrowed {
            question,
            plan,
            hops: 1,
            answer_cap: 10,
        },
        Statement::Refused { question, plan },
        Statement::InputsCommitted {
            question,
            keys: keys(),
            tables: Vec::new(),
        },
        Statement::RunCompleted {
            question,
            attestations: vec![Attestation {
                institution: id("bank_a"),
                transcript: digest(11),
                signature: Signature([12; 64]),
            }],
            evaluated: vec![12, 24],
        },
        Statement::RunAborted {
            question,
            cause: "timeout".into(),
            blamed: Some(id("bank_a")),
            refused_by: None,
        },
        Statement::AnswerDisclosed { question, rows: 42 },
        Statement::Consulted {
            subject: question,
            reader: officer("aud-1"),
            what: "answer".into(),
        },
        Statement::BundleExported {
            question,
            content: digest(13),
        },
    ]
}

/// One statement of every kind.
fn samples() -> Vec<Statement> {
    let card = Institution {
        id: id("water"),
        name: "水务公司".into(),
        roles: BTreeSet::from([Role::Custodian]),
        node_key: key().public(),
        seal_key: PublicKey([14; 32]),
        ledger_address: "127.0.0.1:7001".into(),
        exchange_address: "127.0.0.1:7002".into(),
    };
    let mut all = vec![
        Statement::ChangeProposed {
            change: Change::Admit(Card::sign(card, &key()).unwrap()),
        },
        Statement::ChangeVoted {
            proposal: digest(3),
            yes: true,
        },
        Statement::OfficerEnrolled {
            officer: officer("inv-2"),
            key: PublicKey([15; 32]),
            duties: BTreeSet::from([Duty::Investigator, Duty::Registrar]),
        },
        Statement::OfficerRetired {
            key: PublicKey([15; 32]).into(),
        },
        Statement::DatasetPublished(DatasetPublished {
            dataset: "accounts".into(),
            table: "accounts".into(),
            columns: vec![Column {
                name: "account".into(),
                semantic: "account".into(),
                disclosure: "open".into(),
            }],
            keys: vec!["account".into()],
        }),
        Statement::SnapshotCommitted(SnapshotCommitted {
            dataset: digest(3),
            root: digest(16),
            rows: 100_000,
            rejected: 3,
            extracted_ms: 1_699_999_000_000,
            method: "csv".into(),
            keys: vec![LookupKey {
                name: "account".into(),
                commitment: digest(17),
                salt: digest(18),
                bucket_bits: 8,
                distinct: 99_000,
            }],
        }),
    ];
    all.extend(cases());
    all.extend(officers());
    all.extend(later());
    all
}

/// The statements of an enrolment by two words.
fn officers() -> Vec<Statement> {
    vec![
        Statement::OfficerProposed {
            officer: officer("inv-3"),
            credential: passkey::authenticator().credential(),
            duties: BTreeSet::from([Duty::Investigator]),
        },
        Statement::OfficerConfirmed {
            proposal: digest(3),
        },
    ]
}

/// The statements that came after the others.
fn later() -> Vec<Statement> {
    vec![
        Statement::RulesChanged(RulesChanged {
            replaces: Some(digest(3)),
            rules: vec![StandingRule {
                name: "small-cases".into(),
                template: TemplateId::new("identify").unwrap(),
                answer_cap: 100,
                hops: 1,
                subjects: 20,
                computing: BTreeSet::new(),
            }],
        }),
        Statement::PassedOn {
            question: digest(9),
            form: "csv".into(),
        },
        Statement::NoticeGiven {
            told: 11,
            withheld: 1,
        },
        Statement::EquivocationWitnessed {
            member: id("bank_a"),
            kind: "checkpoint".into(),
        },
        Statement::CountOpened {
            question: digest(9),
            count: Count {
                rows: 3,
                withheld: 1,
            },
            attestations: vec![Attestation {
                institution: id("bank_a"),
                transcript: digest(13),
                signature: Signature([14; 64]),
            }],
        },
    ]
}

/// A new kind of statement does not compile until it has a sample.
fn place(statement: &Statement) -> usize {
    match statement {
        Statement::ChangeProposed { .. } => 0,
        Statement::ChangeVoted { .. } => 1,
        Statement::OfficerEnrolled { .. } => 2,
        Statement::OfficerRetired { .. } => 3,
        Statement::DatasetPublished(_) => 4,
        Statement::SnapshotCommitted(_) => 5,
        Statement::WarrantDrafted { .. } => 6,
        Statement::WarrantIssued { .. } => 7,
        Statement::WarrantRefused { .. } => 8,
        Statement::WarrantRevoked {} => 9,
        Statement::QuestionAsked(_) => 10,
        Statement::Denied { .. } => 11,
        Statement::Approved { .. } => 12,
        Statement::Narrowed { .. } => 13,
        Statement::Refused { .. } => 14,
        Statement::InputsCommitted { .. } => 15,
        Statement::RunCompleted { .. } => 16,
        Statement::RunAborted { .. } => 17,
        Statement::AnswerDisclosed { .. } => 18,
        Statement::Consulted { .. } => 19,
        Statement::BundleExported { .. } => 20,
        Statement::OfficerProposed { .. } => 21,
        Statement::OfficerConfirmed { .. } => 22,
        Statement::RulesChanged(_) => 23,
        Statement::PassedOn { .. } => 24,
        Statement::NoticeGiven { .. } => 25,
        Statement::EquivocationWitnessed { .. } => 26,
        Statement::CountOpened { .. } => 27,
    }
}

fn sample() -> Record {
    let asked = samples().into_iter().nth(10).unwrap();
    Record::sign(&header(asked), &key()).unwrap()
}

/// `CORDON_GOLDEN=write cargo test -p docket golden` writes the files anew;
/// yesterday's records then no longer verify, which a format's version must say.
#[test]
fn golden_bytes_of_every_kind() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (number, statement) in samples().into_iter().enumerate() {
        assert_eq!(place(&statement), number);
        let record = Record::sign(&header(statement), &key()).unwrap();
        let path = folder.join(format!("{}.hex", record.kind()));
        if std::env::var("CORDON_GOLDEN").as_deref() == Ok("write") {
            fs::write(&path, format!("{}\n", to_hex(&record.bytes))).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        assert_eq!(to_hex(&record.bytes), golden.trim(), "{}", path.display());
        let decoded = Record::decode(&from_hex(golden.trim())).unwrap();
        assert_eq!(decoded, record);
        let json = serde_json::to_string(&decoded.header).unwrap();
        assert_eq!(
            serde_json::from_str::<Header>(&json).unwrap(),
            record.header
        );
    }
    let kinds = fs::read_dir(&folder).unwrap().count();
    assert_eq!(kinds, samples().len(), "a file without a kind");
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn no_flipped_byte_verifies() {
    let record = sample();
    assert_eq!(Record::decode(&record.bytes).unwrap(), record);
    for at in 0..record.bytes.len() {
        for mask in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = record.bytes.clone();
            bytes[at] ^= mask;
            assert!(Record::decode(&bytes).is_err(), "byte {at} ^ {mask:#x}");
        }
    }
}

#[test]
fn no_shorter_or_longer_record_verifies() {
    let record = sample();
    for length in 0..record.bytes.len() {
        assert!(
            Record::decode(&record.bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let mut longer = record.bytes.clone();
    longer.push(0);
    assert_eq!(Record::decode(&longer).err(), Some(RecordError::Cose));
}

#[test]
fn oversize_is_refused_on_both_sides() {
    let bytes = vec![0; RECORD_BYTES_MAX + 1];
    assert_eq!(Record::decode(&bytes).err(), Some(RecordError::TooLarge));
    let denied = header(Statement::Denied {
        rule: "x".repeat(RECORD_BYTES_MAX),
        act: "ask".into(),
    });
    assert_eq!(
        Record::sign(&denied, &key()).err(),
        Some(RecordError::TooLarge)
    );
}

/// The `Sig_structure` of RFC 9052 §4.4, built here byte by byte.
#[test]
fn the_signed_bytes_are_those_of_rfc_9052() {
    let record = sample();
    let payload = record.header.encode().unwrap();
    let mut protected = vec![0xa3, 0x01, 0x27, 0x03, 0x78, 0x1e];
    protected.extend_from_slice(b"application/cordon-record+cbor");
    protected.extend_from_slice(&[0x04, 0x58, 0x20]);
    protected.extend_from_slice(record.signer.bytes());
    let length = u8::try_from(protected.len()).unwrap();
    let size = u16::try_from(payload.len()).unwrap().to_be_bytes();

    let mut structure = vec![0x84, 0x6a];
    structure.extend_from_slice(b"Signature1");
    structure.extend_from_slice(&[0x58, length]);
    structure.extend_from_slice(&protected);
    structure.push(0x50);
    structure.extend_from_slice(b"cordon/record/v1");
    structure.extend_from_slice(&[0x59, size[0], size[1]]);
    structure.extend_from_slice(&payload);
    assert_eq!(
        record.header.to_be_signed(&record.signer).unwrap(),
        structure
    );

    let signature = record.bytes[record.bytes.len() - 64..].try_into().unwrap();
    let signature = Signature(signature);
    key().public().verify_raw(&structure, &signature).unwrap();

    let mut whole = vec![0x84, 0x58, length];
    whole.extend_from_slice(&protected);
    whole.extend_from_slice(&[0xa0, 0x59, size[0], size[1]]);
    whole.extend_from_slice(&payload);
    whole.extend_from_slice(&[0x58, 0x40]);
    whole.extend_from_slice(&signature.0);
    assert_eq!(record.bytes, whole);
    assert_eq!(record.digest, Digest::of("cordon/record/v1", &[&whole]));
}

/// Signs whatever COSE message is given, correctly.
fn signed(mut message: CoseSign1) -> CoseSign1 {
    message.signature = key().sign_raw(&message.tbs_data(AAD)).0.to_vec();
    message
}

fn payload() -> Vec<u8> {
    sample().header.encode().unwrap()
}

fn envelope(change: impl FnOnce(HeaderBuilder) -> HeaderBuilder) -> CoseSign1 {
    let protected = change(HeaderBuilder::new().key_id(key().public().0.to_vec()));
    CoseSign1Builder::new()
        .protected(protected.build())
        .payload(payload())
        .build()
}

#[test]
fn a_right_signature_under_another_envelope_is_no_record() {
    let right = |builder: HeaderBuilder| {
        builder
            .algorithm(iana::Algorithm::EdDSA)
            .content_type(CONTENT_TYPE.into())
    };
    let good = signed(envelope(right)).to_vec().unwrap();
    assert_eq!(Record::decode(&good).unwrap(), sample());
    let cases = [
        envelope(|b| b.content_type(CONTENT_TYPE.into())),
        envelope(|b| b.algorithm(iana::Algorithm::EdDSA)),
        envelope(|b| right(b).algorithm(iana::Algorithm::ES256)),
        envelope(|b| right(b).content_type("application/cbor".into())),
        envelope(|b| right(b).iv(vec![1])),
        envelope(|b| right(b).key_id(vec![1; 31])),
        CoseSign1 {
            payload: None,
            ..envelope(right)
        },
        CoseSign1 {
            unprotected: HeaderBuilder::new().iv(vec![1]).build(),
            ..envelope(right)
        },
    ];
    for (place, message) in cases.into_iter().enumerate() {
        let bytes = signed(message).to_vec().unwrap();
        let error = Record::decode(&bytes).err();
        assert_eq!(error, Some(RecordError::Envelope), "case {place}");
    }
    let tagged = signed(envelope(right)).to_tagged_vec().unwrap();
    assert_eq!(Record::decode(&tagged).err(), Some(RecordError::Cose));
    // An array of indefinite length reads the same and is not the same bytes.
    let mut indefinite = good.clone();
    indefinite[0] = 0x9f;
    indefinite.push(0xff);
    assert_eq!(
        Record::decode(&indefinite).err(),
        Some(RecordError::Envelope)
    );
}

#[test]
fn a_right_signature_over_another_header_form_is_no_record() {
    use ciborium::Value;
    let header: Value = ciborium::from_reader(payload().as_slice()).unwrap();
    let Value::Map(entries) = header else {
        panic!("a header is a map")
    };
    let at = |name: &str| {
        let found = entries
            .iter()
            .position(|(key, _)| key.as_text() == Some(name));
        found.unwrap()
    };
    let mut reversed = entries.clone();
    reversed.reverse();
    let mut unknown = entries.clone();
    unknown.insert(0, (Value::Text("a".into()), Value::Null));
    let mut absent = entries.clone();
    absent[at("officer")].1 = Value::Null;
    let null = absent.clone();
    absent.remove(at("officer"));
    let mut text = entries.clone();
    text[at("network")].1 = Value::Text("01".repeat(32));
    let mut float = entries.clone();
    float[at("time_ms")].1 = Value::Float(1.0);
    let sign = |map: Vec<(Value, Value)>| {
        let mut payload = Vec::new();
        ciborium::into_writer(&Value::Map(map), &mut payload).unwrap();
        signed(unsigned(payload, &key().public().into()))
            .to_vec()
            .unwrap()
    };
    // An officer that is null is the one form of a node's header.
    assert!(Record::decode(&sign(null)).is_ok());
    for (place, map) in [reversed, unknown, absent, text, float]
        .into_iter()
        .enumerate()
    {
        let error = Record::decode(&sign(map)).err();
        assert!(
            matches!(error, Some(RecordError::Shape(_))),
            "case {place}: {error:?}"
        );
    }
}

#[test]
fn another_key_or_another_aad_does_not_verify() {
    let record = sample();
    let other = SigningKey::from_seed(&[8; 32]);
    let message = record.header.to_be_signed(&record.signer).unwrap();
    let forged = Record::assemble(&record.header, &key().public(), &other.sign_raw(&message));
    assert_eq!(forged.err(), Some(RecordError::Signature));
    let mut foreign = unsigned(payload(), &record.signer);
    foreign.signature = key()
        .sign_raw(&foreign.tbs_data(b"cordon/other/v1"))
        .0
        .to_vec();
    let error = Record::decode(&foreign.to_vec().unwrap()).err();
    assert_eq!(error, Some(RecordError::Signature));
    // What a batch checks is what a single check checks.
    let decoded = Signed::decode(&record.bytes).unwrap();
    assert_eq!(Signed::verify_all(vec![decoded]), [Ok(record)]);
}
