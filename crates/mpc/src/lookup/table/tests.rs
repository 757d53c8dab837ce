use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::{Trouble, error::ErrorKind};

fn inputs(count: u32) -> Vec<Vec<u8>> {
    (0..count)
        .map(|i| format!("account:{i:07}").into_bytes())
        .collect()
}

fn key(seed: u64) -> TableKey {
    TableKey::draw(&mut StdRng::seed_from_u64(seed))
}

fn entries(table: &Prepared) -> Vec<(Vec<u8>, [u8; 32])> {
    (0..table.params().buckets())
        .flat_map(|bucket| table.bucket(bucket).unwrap())
        .map(|entry| (entry.input, entry.element))
        .collect()
}

#[test]
fn every_input_is_evaluated_once_in_its_bucket() {
    let key = key(1);
    let twice = inputs(500).into_iter().chain(inputs(300));
    let table = Prepared::prepare(&key, [1; 32], 16, twice, None).unwrap();
    assert_eq!((table.keys(), table.params().bucket_bits()), (500, 4));
    let mut seen = Vec::new();
    for bucket in 0..table.params().buckets() {
        for entry in table.bucket(bucket).unwrap() {
            assert_eq!(table.params().bucket_of(&entry.input), bucket);
            let point = SUITE.hash_to_group(&entry.input) * key.0.expose();
            assert_eq!(point.compress().to_bytes(), entry.element);
            seen.push(entry.input);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, inputs(500));
}

#[test]
fn the_file_gives_back_the_table_and_a_copy_of_the_file_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let table = Prepared::prepare(&key(1), [1; 32], 16, inputs(200), None).unwrap();
    table.save(&path).unwrap();
    let opened = Prepared::open(&path).unwrap();
    assert_eq!(opened.params(), table.params());
    assert_eq!(
        (opened.keys(), opened.public()),
        (table.keys(), table.public())
    );
    assert_eq!(entries(&opened), entries(&table));
    let copy = folder.path().join("copy");
    opened.save(&copy).unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&path).unwrap());
    let empty = Prepared::prepare(&key(1), [1; 32], 16, Vec::new(), None).unwrap();
    empty.save(&path).unwrap();
    assert!(entries(&Prepared::open(&path).unwrap()).is_empty());
}

#[test]
fn only_new_inputs_are_computed_and_lost_ones_are_gone() {
    let key = key(1);
    let old = Prepared::prepare(&key, [1; 32], 16, inputs(300), None).unwrap();
    let next: Vec<_> = inputs(400).split_off(100);
    let table = Prepared::prepare(&key, [1; 32], 16, next.clone(), Some(&old)).unwrap();
    assert_eq!((table.keys(), table.reused()), (300, 200));
    let fresh = Prepared::prepare(&key, [1; 32], 16, next, None).unwrap();
    assert_eq!(entries(&table), entries(&fresh));
    for (key, salt) in [(self::key(2), [1; 32]), (key, [2; 32])] {
        let error = Prepared::prepare(&key, salt, 16, inputs(1), Some(&old))
            .err()
            .unwrap();
        assert_eq!(error.refusal(), Some(Refusal::KeyMismatch));
    }
}

#[test]
fn damaged_files_are_trouble_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let table = Prepared::prepare(&key(1), [1; 32], 8, inputs(40), None).unwrap();
    table.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let read_all = |bytes: &[u8]| -> Result<(), Error> {
        std::fs::write(&path, bytes)?;
        let table = Prepared::open(&path)?;
        (0..table.params().buckets()).try_for_each(|bucket| table.bucket(bucket).map(drop))
    };
    read_all(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let error = read_all(&altered).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Trouble(Trouble::Damaged { .. })),
            "{at}"
        );
    }
    for cut in (0..bytes.len()).step_by(7) {
        let error = read_all(&bytes[..cut]).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Trouble(Trouble::Damaged { .. })),
            "{cut}"
        );
    }
    let error = read_all(&[&bytes[..], &[0]].concat()).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Trouble(Trouble::Damaged { .. })
    ));
    let missing = Prepared::open(&folder.path().join("none")).err().unwrap();
    assert!(matches!(
        missing.kind(),
        ErrorKind::Trouble(Trouble::Storage { retry: false, .. })
    ));
}

#[test]
fn inputs_out_of_size_are_refused() {
    for input in [Vec::new(), vec![0; INPUT_BYTES_MAX + 1]] {
        let error = Prepared::prepare(&key(1), [1; 32], 8, [input], None)
            .err()
            .unwrap();
        assert_eq!(error.refusal(), Some(Refusal::InputSize));
    }
}
