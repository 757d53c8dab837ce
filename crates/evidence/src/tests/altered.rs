//! Whoever changes a byte is caught, and the file is named: by the archive, by the
//! manifest, and, if the changer can sign as the exporter, by the evidence itself.

use super::world::{Options, Played, World, resign};
use crate::archive::{Files, read, write};
use crate::finding::ARCHIVE;
use crate::manifest::{MANIFEST, SIGNATURE};
use crate::{TrustAnchor, verify};

fn world() -> (World, Played, Vec<u8>) {
    let mut world = World::founded();
    let played = world.play(&Options::default());
    let bytes = world.bundle(&played).unwrap();
    (world, played, bytes)
}

fn findings(bytes: &[u8]) -> Vec<crate::Finding> {
    match verify(bytes, &TrustAnchor::default()) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.findings,
    }
}

/// The file that holds each byte of an archive; none for the archive's structure.
fn owner(bytes: &[u8], files: &Files) -> Vec<Option<String>> {
    let mut owners = vec![None; bytes.len()];
    let mut position = 0;
    for (name, content) in files {
        let start = position + 30 + name.len();
        position = start + content.len();
        owners[start..position].fill(Some(name.clone()));
    }
    owners
}

#[test]
fn any_flipped_byte_of_the_file_is_refused_and_named() {
    let (_, _, bytes) = world();
    let files = read(&bytes).unwrap();
    for (position, owner) in owner(&bytes, &files).into_iter().enumerate() {
        // Every byte of headers and of small files, a dense sample of large ones.
        let large = owner.as_ref().is_some_and(|name| files[name].len() > 600);
        if large && position % 11 != 0 {
            continue;
        }
        let mut changed = bytes.clone();
        changed[position] ^= 1 << (position % 8);
        let findings = findings(&changed);
        assert!(!findings.is_empty(), "byte {position} of {owner:?}");
        if let Some(owner) = owner {
            assert_eq!(findings[0].file, owner, "byte {position}");
        }
    }
}

#[test]
fn a_repacked_change_is_named_by_the_manifest() {
    let (_, _, bytes) = world();
    let files = read(&bytes).unwrap();
    for (name, content) in &files {
        for position in (0..content.len()).step_by(content.len().div_ceil(40)) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[position] ^= 0x10;
            let findings = findings(&write(&changed).unwrap());
            assert!(!findings.is_empty(), "{name} at {position}");
            // A changed manifest is known by whatever it no longer says truly.
            if name != MANIFEST {
                assert_eq!(findings[0].file, *name, "at {position}");
            }
        }
    }
}

#[test]
fn a_change_that_the_exporter_signs_is_refused_by_the_evidence() {
    let (world, played, bytes) = world();
    let files = read(&bytes).unwrap();
    let network = world.charter.network().unwrap();
    for (name, content) in &files {
        if name == MANIFEST || name == SIGNATURE {
            continue;
        }
        for position in (0..content.len()).step_by(content.len().div_ceil(25)) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[position] ^= 0x01;
            let findings = findings(&resign(&mut changed, network, &played));
            assert!(!findings.is_empty(), "{name} at {position}");
        }
    }
}

#[test]
fn files_can_be_neither_added_nor_dropped_even_by_the_exporter() {
    let (world, played, bytes) = world();
    let files = read(&bytes).unwrap();
    let network = world.charter.network().unwrap();
    for name in files.keys() {
        let mut fewer = files.clone();
        fewer.remove(name);
        assert!(
            !findings(&write(&fewer).unwrap()).is_empty(),
            "without {name}"
        );
        if name != MANIFEST && name != SIGNATURE {
            let findings = findings(&resign(&mut fewer, network, &played));
            assert!(!findings.is_empty(), "without {name}, signed");
        }
    }
    for extra in [
        "note.txt",
        "records/0099-approved.cose",
        "bodies/0001-plan.cbor",
        "receipts/9",
    ] {
        let mut more = files.clone();
        more.insert(extra.into(), b"extra".to_vec());
        let unsigned = findings(&write(&more).unwrap());
        assert_eq!(
            (unsigned[0].file.as_str(), unsigned[0].rule.as_str()),
            (extra, "unexpected-file")
        );
        let signed = findings(&resign(&mut more, network, &played));
        assert!(
            !signed.is_empty() && signed.iter().any(|f| f.file == extra),
            "{extra}"
        );
    }
}

#[test]
fn a_bundle_of_another_network_is_refused_under_the_anchor() {
    let (_, _, bytes) = world();
    let other = primitives::NetworkId(primitives::Digest::plain(b"other"));
    let anchor = TrustAnchor {
        network: Some(other),
    };
    let refused = verify(&bytes, &anchor).err().unwrap();
    assert_eq!(refused.findings[0].file, "charter/genesis.cbor");
    assert_eq!(refused.findings[0].rule, "network");
}

#[test]
fn what_is_no_bundle_is_refused() {
    for bytes in [&b""[..], b"PK", b"PK\x05\x06", &[0; 22], &[0xff; 4096]] {
        assert_eq!(findings(bytes)[0].file, ARCHIVE);
    }
    assert_eq!(findings(&write(&Files::new()).unwrap())[0].file, MANIFEST);
}
