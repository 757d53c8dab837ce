use std::collections::BTreeMap;

use ciborium::Value;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{Digest, limits::CBOR_DEPTH_MAX};

/// The slow way: a tree of values, written again and compared.
fn by_tree<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: Value =
        ciborium::de::from_reader_with_recursion_limit(bytes, CBOR_DEPTH_MAX).ok()?;
    let mut again = Vec::new();
    write(&value, &mut again).ok()?;
    (again == bytes).then(|| value.deserialized().ok())?
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    zebra: u64,
    ant: String,
    list: Vec<i64>,
    none: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Variants {
    Unit,
    New(i128),
    Tuple(u8, String),
    Struct { inner: Option<Box<Variants>> },
}

/// Something of every kind that a record holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    sample: Sample,
    digest: Digest,
    map: BTreeMap<String, u8>,
    variants: Vec<Variants>,
    unit: (),
    letter: char,
    new: Wrapped,
    pair: (i8, u32),
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    later: Vec<Digest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u64);

fn sample() -> Sample {
    Sample {
        zebra: 1000,
        ant: "x".into(),
        list: vec![-1, 24],
        none: None,
    }
}

#[test]
fn keys_are_sorted_and_unsorted_bytes_refused() {
    let bytes = encode(&sample()).unwrap();
    assert_eq!(decode::<Sample>(&bytes, 1000).unwrap(), sample());
    let mut loose = Vec::new();
    ciborium::into_writer(&sample(), &mut loose).unwrap();
    assert_eq!(decode::<Sample>(&loose, 1000), Err(CborError::NotCanonical));
}

#[test]
fn whatever_is_not_deterministic_is_refused_by_name() {
    let refused = |bytes: &[u8]| decode::<serde::de::IgnoredAny>(bytes, 999).unwrap_err();
    let loose: [&[u8]; 12] = [
        &[0x18, 0x01],
        &[0x19, 0x00, 0xff],
        &[0x1a, 0x00, 0x00, 0xff, 0xff],
        &[0x3b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        &[0x58, 0x01, 0x00],
        &[0x01, 0x01],
        &[0x9f, 0x01, 0xff],
        &[0x5f, 0x41, 0x00, 0xff],
        // Keys twice, and in the order of their values.
        &[0xa2, 0x01, 0x00, 0x01, 0x00],
        &[0xa2, 0x20, 0x00, 0x01, 0x00],
        &[0xa2, 0x62, b'a', b'a', 0x00, 0x61, b'b', 0x00],
        &[0xf7],
    ];
    for bytes in loose {
        assert_eq!(refused(bytes), CborError::NotCanonical, "{bytes:x?}");
    }
    let malformed: [&[u8]; 9] = [
        &[],
        &[0x18],
        &[0x1c],
        &[0x1f],
        &[0x42, 0x00],
        &[0x61, 0xff],
        &[0x82, 0x00],
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x81; 200],
    ];
    for bytes in malformed {
        assert_eq!(refused(bytes), CborError::Malformed, "{bytes:x?}");
    }
    for bytes in [&[0xf9, 0x3c, 0x00][..], &[0xc1, 0x00]] {
        assert_eq!(refused(bytes), CborError::Unsupported, "{bytes:x?}");
    }
    assert_eq!(
        decode::<u64>(&[0x01, 0x01], 1),
        Err(CborError::TooLarge { bytes: 2, limit: 1 })
    );
}

/// ciborium takes one kind of item for another; then one value has two encodings.
#[test]
fn no_kind_of_item_stands_for_another() {
    let bytes_for_text = [0x41, b'x'];
    assert!(decode::<String>(&bytes_for_text, 9).is_err());
    assert!(decode::<char>(&bytes_for_text, 9).is_err());
    assert!(decode::<Vec<u8>>(&bytes_for_text, 9).is_err());
    assert!(decode::<f64>(&[0x01], 9).is_err());
    #[derive(Debug, Deserialize)]
    struct One {
        #[allow(dead_code, reason = "it is only read")]
        new: u8,
    }
    let named_by_bytes = [0xa1, 0x43, b'n', b'e', b'w', 0x00];
    assert!(ciborium::from_reader::<One, _>(&named_by_bytes[..]).is_ok());
    // That; a field's place; a list for a struct.
    for bytes in [&named_by_bytes[..], &[0xa1, 0x00, 0x00], &[0x81, 0x00]] {
        assert!(decode::<One>(bytes, 9).is_err(), "{bytes:x?}");
    }
    // A variant without fields that holds null, and one with fields that holds nothing.
    let unit = encode(&Variants::Unit).unwrap();
    assert_eq!(decode::<Variants>(&unit, 9), Ok(Variants::Unit));
    let holding = encode(&BTreeMap::from([("Unit", ())])).unwrap();
    assert!(by_tree::<Variants>(&holding).is_some());
    assert!(decode::<Variants>(&holding, 9).is_err());
    assert!(decode::<Variants>(&encode(&"New").unwrap(), 9).is_err());
}

#[test]
fn depth_is_bounded_as_it_was() {
    for depth in CBOR_DEPTH_MAX - 2..CBOR_DEPTH_MAX + 3 {
        for open in [&[0x81][..], &[0xa1, 0x00]] {
            let bytes = [&open.repeat(depth)[..], &[0x00]].concat();
            let read = decode::<serde::de::IgnoredAny>(&bytes, 999).is_ok();
            assert_eq!(
                read,
                by_tree::<serde::de::IgnoredAny>(&bytes).is_some(),
                "{depth}"
            );
        }
    }
}

#[test]
fn integers_reach_as_far_as_their_types() {
    let least = [0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(decode::<i128>(&least, 9), Ok(-(1 << 64)));
    assert!(decode::<i64>(&least, 9).is_err());
    assert_eq!(decode::<u64>(&encode(&u64::MAX).unwrap(), 9), Ok(u64::MAX));
    assert_eq!(decode::<i64>(&encode(&i64::MIN).unwrap(), 9), Ok(i64::MIN));
    assert!(decode::<u8>(&encode(&256).unwrap(), 9).is_err());
    assert!(decode::<u8>(&encode(&-1).unwrap(), 9).is_err());
}

fn variants() -> impl Strategy<Value = Variants> {
    let leaf = prop_oneof![
        Just(Variants::Unit),
        (-(1_i128 << 64)..1 << 64).prop_map(Variants::New),
        any::<(u8, String)>().prop_map(|(byte, text)| Variants::Tuple(byte, text)),
    ];
    leaf.prop_recursive(3, 8, 1, |inner| {
        prop::option::of(inner).prop_map(|inner| Variants::Struct {
            inner: inner.map(Box::new),
        })
    })
}

prop_compose! {
    fn all()(
        (zebra, ant, list, none) in any::<(u64, String, Vec<i64>, Option<bool>)>(),
        digest in any::<[u8; 32]>(),
        map in any::<BTreeMap<String, u8>>(),
        variants in prop::collection::vec(variants(), 0..4),
        (letter, new, pair) in any::<(char, u64, (i8, u32))>(),
        later in any::<bool>(),
    ) -> All {
        All {
            sample: Sample { zebra, ant, list, none },
            digest: Digest(digest),
            map,
            variants,
            unit: (),
            letter,
            new: Wrapped(new),
            pair,
            later: later.then_some(Digest(digest)).into_iter().collect(),
        }
    }
}

/// One change of an encoding: another byte, one byte less, one more.
fn changed(bytes: &mut Vec<u8>, (at, kind, byte): (prop::sample::Index, u8, u8)) {
    let at = at.index(bytes.len());
    match kind % 4 {
        0 => bytes[at] = byte,
        1 => bytes[at] = bytes[at].wrapping_add(0x20),
        2 => _ = bytes.remove(at),
        _ => bytes.insert(at, byte),
    }
    if bytes.is_empty() {
        bytes.push(byte);
    }
}

proptest! {
    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = decode::<Vec<(String, i64)>>(&bytes, 64) {
            prop_assert_eq!(encode(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_written_reads_as_itself(all in all()) {
        let bytes = encode(&all).unwrap();
        prop_assert_eq!(decode::<All>(&bytes, bytes.len()).unwrap(), all);
    }

    /// What passes, passes by the tree, and is the same; what the tree would write again
    /// as it came, passes.
    #[test]
    fn altered_bytes_read_as_the_tree_reads_them(
        all in all(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8, u8)>(), 1..4),
    ) {
        let mut bytes = encode(&all).unwrap();
        for change in changes {
            changed(&mut bytes, change);
        }
        let canonical = scan::canonical(&bytes).is_ok();
        prop_assert_eq!(canonical, by_tree::<serde::de::IgnoredAny>(&bytes).is_some());
        let (read, tree) = (decode::<All>(&bytes, bytes.len()).ok(), by_tree::<All>(&bytes));
        if read.is_some() {
            prop_assert_eq!(&read, &tree);
        }
        if tree.is_some_and(|all| encode(&all).unwrap() == bytes) {
            prop_assert!(read.is_some());
        }
    }

    #[test]
    fn random_bytes_are_canonical_where_the_tree_says_so(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        let canonical = scan::canonical(&bytes).is_ok();
        prop_assert_eq!(canonical, by_tree::<serde::de::IgnoredAny>(&bytes).is_some());
    }
}
