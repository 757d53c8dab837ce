//! Records of before joint questions are in `golden/`; here are those that have what
//! came with them.

use std::{fs, path::PathBuf};

use ciborium::Value;
use primitives::cbor;

use super::*;
use crate::statement::{Joint, TableCommitment};

/// `CORDON_GOLDEN=write cargo test -p docket golden` writes these files anew too.
#[test]
fn golden_bytes_of_joint_questions() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden-joint");
    let asked = |name: &str, snapshots: Vec<Digest>| Asked {
        institution: id(name),
        snapshots,
    };
    let statements = [
        Statement::WarrantDrafted {
            authority: id("court"),
            terms: Terms {
                subjects: 0,
                scenes: 3,
                ..terms()
            },
        },
        Statement::QuestionAsked(QuestionAsked {
            warrant: digest(3),
            template: TemplateId::new("at-the-scenes").unwrap(),
            plan: digest(7),
            custodians: vec![asked("bank_a", vec![digest(8)])],
            hops: 1,
            answer_cap: 50,
            joint: Some(Joint {
                computing: ["telecom_a", "court", "bank_a"].map(id).to_vec(),
                owners: vec![asked("court", vec![]), asked("police", vec![digest(9)])],
                count_only: true,
            }),
        }),
        Statement::InputsCommitted {
            question: digest(9),
            keys: Vec::new(),
            tables: vec![TableCommitment {
                table: "sightings".into(),
                rows: 4_096,
                shares: [10, 11, 12].map(digest).to_vec(),
            }],
        },
    ];
    for statement in statements {
        let record = Record::sign(&header(statement), &key()).unwrap();
        let path = folder.join(format!("{}.hex", record.kind()));
        if std::env::var("CORDON_GOLDEN").as_deref() == Ok("write") {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, format!("{}\n", to_hex(&record.bytes))).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        assert_eq!(to_hex(&record.bytes), golden.trim(), "{}", path.display());
        assert_eq!(Record::decode(&from_hex(golden.trim())).unwrap(), record);
    }
}

/// What came later is absent where nothing is said; standing there empty, it would
/// give one record two encodings.
#[test]
fn a_field_that_says_nothing_is_absent() {
    let empty = ["joint", "scenes", "tables"];
    for statement in samples() {
        let record = Record::sign(&header(statement), &key()).unwrap();
        for name in empty {
            let text = serde_json::to_string(&record.header.statement).unwrap();
            assert!(!text.contains(&format!("\"{name}\"")), "{text}");
        }
    }
}

/// A field of a map.
fn field<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    let entries = value.as_map_mut().unwrap();
    let named = entries
        .iter_mut()
        .find(|(key, _)| key.as_text() == Some(name));
    &mut named.unwrap().1
}

#[test]
fn an_empty_field_that_is_there_is_no_record() {
    let statement = Statement::InputsCommitted {
        question: digest(9),
        keys: Vec::new(),
        tables: Vec::new(),
    };
    let payload = header(statement).encode().unwrap();
    let mut value: Value = cbor::decode(&payload, payload.len()).unwrap();
    let whole = |value: &Value| {
        signed(CoseSign1 {
            payload: Some(cbor::encode(value).unwrap()),
            ..envelope(|b| {
                b.algorithm(iana::Algorithm::EdDSA)
                    .content_type(CONTENT_TYPE.into())
            })
        })
    };
    assert!(Record::decode(&whole(&value).to_vec().unwrap()).is_ok());
    let fields = field(field(&mut value, "statement"), "inputs-committed");
    let empty = (Value::from("tables"), Value::Array(Vec::new()));
    fields.as_map_mut().unwrap().push(empty);
    assert!(Record::decode(&whole(&value).to_vec().unwrap()).is_err());
}
