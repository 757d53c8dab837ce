//! Proofs and bundles: what outlives the ledger.

use std::sync::LazyLock;

use evidence::TrustAnchor;
use primitives::{Digest, NetworkId, PublicKey, SigningKey};
use proof::{
    Checkpoint, Cosignature, Equivocation, Frontier, Membership, Receipt, SignedCheckpoint,
    SignedNote, Tree, leaf_hash, verify_consistency, verify_inclusion,
};

use super::{Target, bodies::id};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "note",
            "checkpoints and signed notes, as text from a node or a file",
            note_seeds,
            note,
        ),
        Target::new("receipt", "a receipt from a bundle", receipt_seeds, receipt),
        Target::new(
            "equivocation",
            "two words of a validator, from a record's body",
            contradictions,
            equivocation,
        ),
        Target::new(
            "path",
            "sizes, roots and paths of inclusion and consistency proofs",
            path_seeds,
            path,
        ),
        Target::new(
            "bundle",
            "a bundle as it lies on a disk",
            bundle_seeds,
            bundle,
        )
        .smoke(300),
        Target::new(
            "bundle-file",
            "a bundle whose one file is another, with the checksums to it",
            bundle_file_seeds,
            bundle_file,
        )
        .smoke(60),
    ]
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn network() -> NetworkId {
    NetworkId(Digest([6; 32]))
}

const NAMES: [&str; 4] = ["bank", "court", "police", "telecom"];

/// Made once: a key costs more than all that a small decoder does.
static MEMBERS: LazyLock<Membership> = LazyLock::new(|| {
    let keys = (1..).map(|seed| key(seed).public());
    let members = NAMES.map(id).into_iter().zip(keys).collect();
    Membership::new(0, members).expect("four members")
});

fn log() -> Tree {
    let mut log = Tree::new();
    for number in 0..11u8 {
        log.append(leaf_hash(&[number]));
    }
    log
}

fn checkpoint(size: u64, root: Digest) -> Checkpoint {
    Checkpoint::new(proof::origin(&network()), size, root).expect("a checkpoint")
}

fn cosigned(checkpoint: &Checkpoint, by: u8) -> Cosignature {
    let name = id(NAMES[usize::from(by) - 1]);
    Cosignature::sign(checkpoint, &name, &key(by), 1_700_000_000).expect("a cosignature")
}

pub(super) fn signed() -> SignedCheckpoint {
    let log = log();
    let checkpoint = checkpoint(log.size(), log.root());
    let words = [1, 2, 3].map(|by| cosigned(&checkpoint, by)).into();
    SignedCheckpoint::new(0, checkpoint, words).expect("a signed checkpoint")
}

fn note_seeds() -> Vec<Vec<u8>> {
    let signed = signed();
    let note = signed.to_note().expect("a note");
    let foreign = include_bytes!("../../../proof/tests/vectors/cosigned.note");
    vec![
        signed.checkpoint().to_string().into_bytes(),
        note.into_bytes(),
        foreign.to_vec(),
    ]
}

fn note(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text, "a checkpoint in another form");
    }
    if let Ok(note) = SignedNote::parse(text) {
        assert_eq!(note.to_string(), text, "a note in another form");
    }
    if let Ok(signed) = SignedCheckpoint::from_note(text, &MEMBERS) {
        let _ = signed.verify(&proof::origin(&network()), &MEMBERS);
    }
}

fn receipt_seeds() -> Vec<Vec<u8>> {
    let log = log();
    [0, 4, 10]
        .into_iter()
        .filter_map(|index| {
            let path = log.inclusion(index, log.size()).ok()?;
            Receipt::new(index, path, signed()).ok()?.encode().ok()
        })
        .collect()
}

fn receipt(bytes: &[u8]) {
    let Ok(receipt) = Receipt::decode(bytes) else {
        return;
    };
    assert_eq!(
        receipt.encode().as_deref().ok(),
        Some(bytes),
        "a second form"
    );
    let record = [u8::try_from(receipt.index()).unwrap_or_default()];
    let _ = receipt.verify(&record, &proof::origin(&network()), &MEMBERS);
    let _ = receipt.to_tlog_proof();
    let _ = evidence::links(&[receipt.clone(), receipt]);
}

pub(super) fn contradictions() -> Vec<Vec<u8>> {
    let word = |size, root| {
        let checkpoint = checkpoint(size, root);
        let cosignature = cosigned(&checkpoint, 2);
        (checkpoint, cosignature)
    };
    let mut other = log();
    other.append(leaf_hash(b"another"));
    let mut ours = log();
    ours.append(leaf_hash(b"ours"));
    ours.append(leaf_hash(b"more"));
    let conflict = proof::Conflict {
        index: 11,
        first: (
            leaf_hash(b"another"),
            other.inclusion(11, 12).unwrap_or_default(),
        ),
        second: (
            leaf_hash(b"ours"),
            ours.inclusion(11, 13).unwrap_or_default(),
        ),
    };
    let key = key(2).public();
    [
        Equivocation::new(
            word(5, Digest([1; 32])),
            word(5, Digest([2; 32])),
            None,
            &key,
        ),
        Equivocation::new(
            word(12, other.root()),
            word(13, ours.root()),
            Some(conflict),
            &key,
        ),
    ]
    .into_iter()
    .map(|made| {
        made.and_then(|made| made.encode())
            .expect("a contradiction")
    })
    .collect()
}

fn equivocation(bytes: &[u8]) {
    static LIAR: LazyLock<PublicKey> = LazyLock::new(|| key(2).public());
    let Ok(found) = Equivocation::decode(bytes) else {
        return;
    };
    assert_eq!(found.encode().as_deref().ok(), Some(bytes), "a second form");
    let _ = found.verify(&LIAR);
    let _ = found.verify(&PublicKey([0; 32]));
}

/// A kind, two numbers, two hashes, a path.
fn path_seeds() -> Vec<Vec<u8>> {
    let log = log();
    let mut seeds = Vec::new();
    let mut add = |kind: u8, one: u64, two: u64, hashes: [Digest; 2], path: Vec<Digest>| {
        let mut seed = vec![kind];
        seed.extend_from_slice(&one.to_be_bytes());
        seed.extend_from_slice(&two.to_be_bytes());
        for hash in hashes.iter().chain(&path) {
            seed.extend_from_slice(&hash.0);
        }
        seeds.push(seed);
    };
    for number in 0..11u8 {
        let index = u64::from(number);
        let path = log.inclusion(index, 11).unwrap_or_default();
        add(0, index, 11, [leaf_hash(&[number]), log.root()], path);
        let old = log.root_at(index).unwrap_or(Digest([0; 32]));
        let path = log.consistency(index, 11).unwrap_or_default();
        add(1, index, 11, [old, log.root()], path);
    }
    let peaks = log.frontier().peaks().to_vec();
    add(2, 11, 0, [log.root(), log.root()], peaks);
    seeds
}

fn path(bytes: &[u8]) {
    let Some((head, hashes)) = bytes.split_at_checked(17) else {
        return;
    };
    let number = |at: usize| {
        let bytes = head[at..at + 8].try_into();
        u64::from_be_bytes(bytes.expect("eight bytes"))
    };
    let (one, two) = (number(1), number(9));
    let hashes: Vec<Digest> = hashes.as_chunks().0.iter().copied().map(Digest).collect();
    let [first, second, path @ ..] = &hashes[..] else {
        return;
    };
    match head[0] % 3 {
        0 => drop(verify_inclusion(first, one, two, path, second)),
        1 => drop(verify_consistency(one, two, first, second, path)),
        _ => {
            if let Ok(mut frontier) = Frontier::from_parts(one, path.to_vec()) {
                let _ = frontier.root();
                frontier.append(*first);
                let _ = frontier.root();
            }
        }
    }
}

const BUNDLES: [&[u8]; 2] = [
    include_bytes!("../../../evidence/tests/vectors/bundle-1.zip"),
    include_bytes!("../../../evidence/tests/vectors/bundle-2.zip"),
];
const MANIFEST: &str = "manifest.json";

type Files = Vec<(String, Vec<u8>)>;

/// The files of the newest kept bundle, in their order.
pub(super) fn bundle_files() -> &'static Files {
    static FILES: LazyLock<Files> = LazyLock::new(|| unpack(BUNDLES[1]));
    &FILES
}

/// The files of an archive in the bundle's one form: nothing is compressed.
fn unpack(mut rest: &[u8]) -> Files {
    let mut files = Vec::new();
    while let Some(head) = rest.strip_prefix(b"PK\x03\x04") {
        let size = u32::from_le_bytes(head[14..18].try_into().expect("four bytes")) as usize;
        let name = usize::from(u16::from_le_bytes([head[22], head[23]]));
        let (name, content) = head[26..].split_at(name);
        let (content, after) = content.split_at(size);
        let name = String::from_utf8(name.to_vec()).expect("a file's name");
        files.push((name, content.to_vec()));
        rest = after;
    }
    files
}

fn bundle_seeds() -> Vec<Vec<u8>> {
    BUNDLES.map(<[u8]>::to_vec).into()
}

/// Whatever a bundle is, it verifies as itself or is refused with findings.
fn bundle(bytes: &[u8]) {
    match evidence::verify(bytes, &TrustAnchor::default()) {
        Ok(_) => assert!(BUNDLES.contains(&bytes), "a bundle that nobody exported"),
        Err(refused) => assert!(!refused.findings.is_empty(), "a refusal without a finding"),
    }
}

/// The number of a file, and what it holds instead.
fn bundle_file_seeds() -> Vec<Vec<u8>> {
    let numbered = (0u8..).zip(bundle_files());
    numbered
        .map(|(number, (_, content))| [&[number], &content[..]].concat())
        .collect()
}

fn bundle_file(bytes: &[u8]) {
    let Some((number, content)) = bytes.split_first() else {
        return;
    };
    let mut files = bundle_files().clone();
    let at = usize::from(*number) % files.len();
    files[at].1 = content.to_vec();
    if files[at].0 != MANIFEST {
        relist(&mut files, at);
    }
    bundle(&pack(&files));
}

/// Corrects the manifest's line about a file, so that the check goes on to what is in it.
fn relist(files: &mut Files, at: usize) {
    let path = files[at].0.clone();
    let (bytes, sha256) = (files[at].1.len(), Digest::plain(&files[at].1));
    let Some((_, manifest)) = files.iter_mut().find(|(name, _)| name == MANIFEST) else {
        return;
    };
    let text = String::from_utf8_lossy(manifest).into_owned();
    let mut lines: Vec<String> = Vec::new();
    let mut ours = false;
    for line in text.lines() {
        let line = match line.trim_start().split_once(": ") {
            Some(("\"path\"", name)) => {
                ours = name == format!("\"{path}\",");
                line.to_owned()
            }
            Some(("\"bytes\"", _)) if ours => format!("      \"bytes\": {bytes},"),
            Some(("\"sha256\"", _)) if ours => format!("      \"sha256\": \"{sha256}\""),
            _ => line.to_owned(),
        };
        lines.push(line);
    }
    *manifest = (lines.join("\n") + "\n").into_bytes();
}

/// The archive's one form (`docs/formats/bundle.md`).
fn pack(files: &Files) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    let word = |number: usize| u32::try_from(number).unwrap_or_default().to_le_bytes();
    let half = |number: usize| u16::try_from(number).unwrap_or_default().to_le_bytes();
    for (name, content) in files {
        let mut shared = vec![10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        shared.extend_from_slice(&crc32(content).to_le_bytes());
        shared.extend_from_slice(&word(content.len()));
        shared.extend_from_slice(&word(content.len()));
        shared.extend_from_slice(&half(name.len()));
        shared.extend_from_slice(&[0; 2]);
        central.extend_from_slice(b"PK\x01\x02\x0a\0");
        central.extend_from_slice(&shared);
        central.extend_from_slice(&[0; 10]);
        central.extend_from_slice(&word(out.len()));
        central.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&shared);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);
    }
    let offset = out.len();
    out.extend_from_slice(&central);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&half(files.len()));
    out.extend_from_slice(&half(files.len()));
    out.extend_from_slice(&word(central.len()));
    out.extend_from_slice(&word(offset));
    out.extend_from_slice(&[0; 2]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_packed_as_it_was() {
        assert!(pack(bundle_files()) == BUNDLES[1]);
        let mut files = bundle_files().clone();
        for at in 0..files.len() {
            relist(&mut files, at);
        }
        assert!(
            pack(&files) == BUNDLES[1],
            "a manifest that lists what is there"
        );
    }
}
