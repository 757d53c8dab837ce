//! What officers, operators and browsers send to their own node, and what its files say.

use std::sync::LazyLock;

use docket::passkey::{CREATE, authenticator::Authenticator};
use node::{
    Config,
    api::{
        passkeys::{FinishPasskey, Invite},
        session::FinishSignIn,
        types::{Act, CheckSubjects, Membership, Publish, SetLog, SubmitSignature},
        webauthn,
    },
};
use primitives::{Digest, semantic::Selector};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Target;

const ORIGIN: &str = "http://localhost:7003";

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "api-body",
            "the JSON bodies of the API's requests",
            api_seeds,
            api,
        ),
        Target::new(
            "attestation",
            "what an authenticator says when it makes a passkey",
            attestation_seeds,
            attestation,
        ),
        Target::new(
            "config",
            "a node's configuration and a table's specification, in TOML",
            config_seeds,
            config,
        ),
    ]
}

/// One of each kind of keys.
static AUTHENTICATORS: LazyLock<[Authenticator; 2]> = LazyLock::new(|| {
    [
        Authenticator::es256("fuzz", ORIGIN),
        Authenticator::eddsa("fuzz", ORIGIN),
    ]
});

fn created(authenticator: &Authenticator) -> Value {
    json!({
        "id": "AA", "rawId": "AA", "type": "public-key",
        "response": {
            "clientDataJSON": webauthn::encode(&authenticator.client_data(CREATE, &[0; 32])),
            "attestationObject": webauthn::encode(&authenticator.attestation()),
        },
    })
}

fn asserted() -> Value {
    json!({
        "rawId": "AA",
        "response": { "clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "MAYCAQECAQE" },
    })
}

fn acts() -> Vec<Value> {
    let id = "09".repeat(32);
    vec![
        json!({
            "act": "draft-warrant", "case": "2018-hz-117", "reason": "r", "basis": "art. 1",
            "authority": "court", "templates": ["identify"], "custodians": ["bank_a"],
            "subjects": ["phone:13800000000", "6222021234567890123"],
            "scenes": [{ "cell": 7, "from_ms": 1, "to_ms": 2 }],
            "window_from_ms": 1, "window_to_ms": 2, "hops": 1, "answer_cap": 10, "runs": 1,
            "not_before_ms": null, "expires_ms": 3,
        }),
        json!({ "act": "refuse-warrant", "warrant": "0a".repeat(16), "reason": "no" }),
        json!({
            "act": "ask", "warrant": "0a".repeat(16), "template": "follow-the-money", "hops": 2,
            "min_amount_minor": 500_000, "within_ms": 7_200_000, "answer_cap": 5,
            "custodians": ["bank_a"], "terms": { "least": 2 }, "count_only": true,
        }),
        json!({ "act": "approve", "question": id }),
        json!({ "act": "narrow", "question": id, "hops": 1, "answer_cap": 2, "reason": "r" }),
        json!({ "act": "open-answer", "question": id }),
    ]
}

/// The kind of body, and its text.
fn api_seeds() -> Vec<Vec<u8>> {
    let card = super::bodies::card();
    let mut bodies: Vec<(u8, Value)> = acts().into_iter().map(|act| (0, act)).collect();
    bodies.extend([
        (
            1,
            json!({ "id": "09".repeat(32), "signature": "01".repeat(64) }),
        ),
        (1, json!({ "id": "09".repeat(32), "assertion": asserted() })),
        (
            2,
            json!({ "dataset": "calls", "source": "/tmp/calls.csv", "source_table": null,
                    "table": "calls", "spec": "name = \"a.b\"" }),
        ),
        (3, json!({ "change": "admit", "card": card })),
        (
            3,
            json!({ "change": "vote", "proposal": "09".repeat(32), "yes": true }),
        ),
        (
            4,
            json!({ "lines": ["13800000000", "id:11010519491231002X", "x@2018-11-11"] }),
        ),
        (5, json!({ "filter": "info,node=debug" })),
        (6, json!({ "officer": "inv-1", "duties": ["investigator"] })),
        (7, json!({ "id": "AA", "credential": asserted() })),
    ]);
    let finished = AUTHENTICATORS.iter();
    bodies.extend(finished.map(|one| (8, json!({ "code": "AA", "credential": created(one) }))));
    let text = |(kind, body): (u8, Value)| [vec![kind], body.to_string().into_bytes()].concat();
    bodies.into_iter().map(text).collect()
}

/// A body that is read is written as something that reads to the same text.
fn reads_back<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_string(&value).expect("what was read is written");
    let again: T = serde_json::from_str(&text).expect("what was written is read");
    let form = serde_json::to_string(&again).expect("what was read is written");
    assert_eq!(form, text, "a second form");
    Some(value)
}

fn api(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let subjects = |lines: &[String]| {
        for line in lines {
            let _ = line.parse::<Selector>();
        }
    };
    match kind % 9 {
        0 => {
            if let Some(Act::DraftWarrant(draft)) = reads_back(bytes) {
                subjects(&draft.subjects);
            }
        }
        1 => drop(reads_back::<SubmitSignature>(bytes)),
        2 => {
            let spec = reads_back::<Publish>(bytes).and_then(|publish| publish.spec);
            spec.as_deref().map(specification);
        }
        3 => {
            if let Some(Membership::Admit { card } | Membership::Replace { card }) =
                reads_back(bytes)
            {
                let _ = card.check();
            }
        }
        4 => {
            if let Some(given) = reads_back::<CheckSubjects>(bytes) {
                subjects(&given.lines);
            }
        }
        5 => drop(reads_back::<SetLog>(bytes)),
        6 => drop(reads_back::<Invite>(bytes)),
        7 => {
            if let Some(given) = reads_back::<FinishSignIn>(bytes) {
                for one in AUTHENTICATORS.iter() {
                    let _ = given.credential.bring(&one.passkey());
                }
            }
        }
        _ => {
            if let Some(given) = reads_back::<FinishPasskey>(bytes) {
                let response = given.credential.response;
                let client = webauthn::decode(&response.client_data_json);
                let object = webauthn::decode(&response.attestation_object);
                if let (Ok(client), Ok(object)) = (client, object) {
                    let nonce = Digest([0; 32]);
                    let _ = node::foreign::credential(ORIGIN, &nonce, &client, &object);
                }
            }
        }
    }
}

fn attestation_seeds() -> Vec<Vec<u8>> {
    AUTHENTICATORS
        .iter()
        .map(Authenticator::attestation)
        .collect()
}

fn attestation(bytes: &[u8]) {
    let client = AUTHENTICATORS[0].client_data(CREATE, &[0; 32]);
    if let Some(credential) = node::foreign::credential(ORIGIN, &Digest([0; 32]), &client, bytes) {
        let (passkey, _) = credential.passkey().expect("a passkey");
        assert!(passkey.check().is_ok(), "a passkey that can't be enrolled");
    }
}

const CONFIG: &str = "\
institution = \"bank_a\"\n\
[listen]\nledger = \"127.0.0.1:7001\"\nexchange = \"127.0.0.1:7002\"\napi = \"127.0.0.1:7003\"\n\
[console]\norigin = \"http://localhost:7003\"\n\
[log]\nformat = \"json\"\nlevel = \"info\"\n";

/// The kind of file, and its text.
fn config_seeds() -> Vec<Vec<u8>> {
    let source = || data::Source::Csv {
        path: "calls.csv".into(),
    };
    let specs = [
        data::city::calls("telecom_a", source()),
        data::city::transfers("bank_a", source()),
    ];
    let specs = specs
        .iter()
        .filter_map(|spec| toml::to_string(spec).ok())
        .map(|text| [vec![1], text.into_bytes()].concat());
    std::iter::once([&[0], CONFIG.as_bytes()].concat())
        .chain(specs)
        .collect()
}

fn specification(text: &str) {
    if let Ok(spec) = toml::from_str::<data::DatasetSpec>(text)
        && spec.validate().is_ok()
    {
        for key in &spec.keys {
            assert!(spec.key_semantic(&key.name).is_some(), "a key of no type");
        }
        let _ = spec.redacted();
    }
}

fn config(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if kind % 2 == 0 {
        if let Ok(config) = toml::from_str::<Config>(text) {
            assert!(config.to_toml().is_ok(), "a configuration without a form");
        }
    } else {
        specification(text);
    }
}
