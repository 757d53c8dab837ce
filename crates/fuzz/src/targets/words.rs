//! Values, names, selectors and CBOR: what every other format is made of.

use docket::{CredentialId, Duty, OfficerId};
use primitives::{
    CaseLabel, Digest, InstitutionId, NetworkId, PublicKey, Signature, TemplateId, WarrantId, cbor,
    es256::{Es256Key, Es256Signature},
    limits::BODY_BYTES_MAX,
    semantic::{Period, Selector, Semantic},
};

use super::Target;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "value",
            "a cell of an institution's table, of each semantic type, in a time zone",
            value_seeds,
            value,
        ),
        Target::new(
            "selector",
            "a selector as the group's input, and as people type it",
            selector_seeds,
            selector,
        ),
        Target::new(
            "name",
            "ids, digests, keys and duties as text",
            name_seeds,
            name,
        ),
        Target::new("cbor", "any deterministic CBOR", cbor_seeds, any_cbor),
        Target::new(
            "es256",
            "a passkey's public key and DER signature",
            es256_seeds,
            es256,
        ),
    ]
}

const VALUES: [&str; 24] = [
    "+86 138-0000-0000",
    "13800000000",
    "010-62345678",
    "11010519491231002X",
    "6222 0212 3456 7890 123",
    "1,315.70",
    "¥1315.7",
    "-0.01",
    "92233720368547758.07",
    "2018-11-11 08:30:59.250",
    "2018-11-11T08:30:59+08:00",
    "2018/11/11",
    "20181111",
    "1541896259250",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854.775807",
    "1e308",
    "１２３４５",
    "  text of a cell\u{3000}",
    "bank_a",
    "P-000123",
];

/// A type, an offset in quarters of an hour, a text.
fn value_seeds() -> Vec<Vec<u8>> {
    let kinds = 0..Semantic::ALL.len();
    kinds
        .flat_map(|kind| {
            VALUES.map(|text| {
                let mut seed = vec![u8::try_from(kind).unwrap_or_default(), 32];
                seed.extend_from_slice(text.as_bytes());
                seed
            })
        })
        .collect()
}

fn value(bytes: &[u8]) {
    let [kind, quarters, text @ ..] = bytes else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let semantic = Semantic::ALL[usize::from(*kind) % Semantic::ALL.len()];
    let offset_min = i16::from(quarters.cast_signed()) * 15;
    if let Ok(normal) = semantic.parse_in_zone(text, offset_min) {
        let canonical = semantic.text(&normal);
        assert!(
            semantic
                .parse(&canonical)
                .is_ok_and(|again| again == normal),
            "{semantic}: the canonical text is of another value"
        );
    }
}

fn selector_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [
        (Semantic::Phone, "13800000000"),
        (Semantic::ResidentId, "11010519491231002X"),
        (Semantic::Account, "6222021234567890123"),
        (Semantic::Premise, "P-000123"),
    ]
    .into_iter()
    .filter_map(|(semantic, value)| Selector::new(semantic, value).ok())
    .flat_map(|selector| {
        let dated = selector.clone().on(Some(Period::from_day(17_846)));
        [&selector, &dated].map(|one| [one.to_input(), one.to_string().into_bytes()])
    })
    .flatten()
    .collect();
    seeds.extend(VALUES.map(|text| text.as_bytes().to_vec()));
    seeds
}

fn selector(bytes: &[u8]) {
    if let Some(selector) = Selector::from_input(bytes) {
        assert_eq!(selector.to_input(), bytes, "a selector in another form");
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(selector) = text.parse::<Selector>() {
        let written = selector.to_string();
        assert_eq!(written.parse().as_ref(), Ok(&selector), "{written}");
        let input = selector.to_input();
        assert_eq!(Selector::from_input(&input), Some(selector));
    }
}

fn name_seeds() -> Vec<Vec<u8>> {
    let hex = |bytes| "0a".repeat(bytes).into_bytes();
    vec![
        b"bank_a".to_vec(),
        b"inv-1".to_vec(),
        b"approver".to_vec(),
        hex(16),
        hex(32),
        hex(64),
        [b"passkey:".to_vec(), hex(32)].concat(),
        [b"key:".to_vec(), hex(32)].concat(),
    ]
}

/// What parses is written as something that parses to the same.
fn reads_back<T: std::str::FromStr + std::fmt::Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>();
        assert!(again.is_ok_and(|again| again == value), "{text}");
    }
}

fn name(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    reads_back::<Digest>(text);
    reads_back::<NetworkId>(text);
    reads_back::<WarrantId>(text);
    reads_back::<PublicKey>(text);
    reads_back::<Signature>(text);
    reads_back::<InstitutionId>(text);
    reads_back::<TemplateId>(text);
    reads_back::<CaseLabel>(text);
    reads_back::<OfficerId>(text);
    reads_back::<Duty>(text);
    reads_back::<CredentialId>(text);
}

fn cbor_seeds() -> Vec<Vec<u8>> {
    let value = serde_json::json!({
        "a": [1, -1, 23, 24, 255, 256, 65_536, u64::MAX, i64::MIN],
        "b": {"text": "文", "none": null, "yes": true, "no": false},
        "c": [[[[[]]]]],
    });
    cbor::encode(&value).into_iter().collect()
}

fn any_cbor(bytes: &[u8]) {
    if let Ok(value) = cbor::decode::<serde_json::Value>(bytes, BODY_BYTES_MAX) {
        assert_eq!(cbor::encode(&value).as_deref(), Ok(bytes), "a second form");
    }
}

fn es256_seeds() -> Vec<Vec<u8>> {
    // The generator of P-256, and a signature of small numbers.
    let point = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                 4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let mut seeds = vec![vec![0x30, 6, 2, 1, 1, 2, 1, 1]];
    seeds.extend(hex::decode(point));
    seeds
}

fn es256(bytes: &[u8]) {
    if let Ok(signature) = Es256Signature::from_der(bytes)
        && let Some((x, y)) = bytes.split_at_checked(32)
        && let Ok(key) = Es256Key::from_coordinates(x, y)
    {
        let _ = key.verify(b"a message", &signature);
    }
    if let Some((x, y)) = bytes.split_at_checked(32)
        && let Ok(key) = Es256Key::from_coordinates(x, y)
    {
        assert_eq!(key.check(), Ok(()), "a key that is none");
        let mut signature = [1; 64];
        signature[..32].copy_from_slice(x);
        let _ = key.verify(b"a message", &Es256Signature(signature));
    }
}
