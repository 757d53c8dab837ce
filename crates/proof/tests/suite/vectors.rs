//! The accept and reject cases of transparency-dev/merkle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use primitives::Digest;
use proof::{verify_consistency, verify_inclusion};
use serde_json::Value;

/// A hash of another length is refused by our types before any check.
fn is_hash(value: &Value) -> bool {
    STANDARD.decode(value.as_str().unwrap()).unwrap().len() == 32
}

/// Some cases hold "hashes" of other lengths; filled up with zeros they stay as
/// wrong, and equal ones stay equal.
fn digest(value: &Value) -> Digest {
    let mut bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    bytes.resize(32, 0);
    Digest(bytes.try_into().unwrap())
}

fn path(case: &Value) -> Vec<Digest> {
    case["proof"]
        .as_array()
        .map(|hashes| hashes.iter().map(digest).collect())
        .unwrap_or_default()
}

/// Returns how many cases were accepted and refused, as the file says.
fn check(file: &str, accepts: impl Fn(&Value) -> bool) -> (usize, usize) {
    let cases: Vec<Value> = serde_json::from_str(file).unwrap();
    let mut count = (0, 0);
    for case in &cases {
        let wanted = !case["wantErr"].as_bool().unwrap();
        assert_eq!(accepts(case), wanted, "{}", case["name"]);
        if wanted {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
    }
    count
}

#[test]
fn inclusion() {
    let count = check(include_str!("../vectors/inclusion.json"), |case| {
        let (leaf, root) = (&case["leafHash"], &case["root"]);
        let result = verify_inclusion(
            &digest(leaf),
            case["leafIdx"].as_u64().unwrap(),
            case["treeSize"].as_u64().unwrap(),
            &path(case),
            &digest(root),
        );
        is_hash(leaf) && is_hash(root) && result.is_ok()
    });
    assert_eq!(count, (6, 92));
}

#[test]
fn consistency() {
    let count = check(include_str!("../vectors/consistency.json"), |case| {
        verify_consistency(
            case["size1"].as_u64().unwrap(),
            case["size2"].as_u64().unwrap(),
            &digest(&case["root1"]),
            &digest(&case["root2"]),
            &path(case),
        )
        .is_ok()
    });
    assert_eq!(count, (6, 92));
}
