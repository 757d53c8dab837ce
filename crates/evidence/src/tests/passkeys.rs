//! Cases whose officers sign with passkeys: honest ones, and each way in which an
//! assertion on the ledger can be none, named with its file.

use docket::Record;
use docket::passkey::authenticator::{Authenticator, FLAGS, Touch};
use docket::passkey::challenge;
use proof::{Tree, leaf_hash};

use super::world::{Options, Played, World, resign};
use crate::archive::read;
use crate::{Finding, TrustAnchor, verify};

const OFFICERS: &[&str] = &[
    "police/investigator-1",
    "procuratorate/judge-1",
    "telecom_a/approver-1",
];

fn played() -> (World, Played) {
    let mut world = World::founded_with(OFFICERS);
    let played = world.play(&Options::default());
    (world, played)
}

fn findings(bytes: &[u8]) -> Vec<Finding> {
    match verify(bytes, &TrustAnchor::default()) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.findings,
    }
}

#[test]
fn a_case_signed_with_passkeys_verifies() {
    let (mut world, played) = played();
    let bytes = world.bundle(&played).unwrap();
    let case = verify(&bytes, &TrustAnchor::default()).unwrap();
    let count = |kind: &str| {
        let of_kind = case.timeline.iter().filter(|e| e.statement.kind() == kind);
        of_kind.count()
    };
    assert_eq!(count("officer-proposed"), 3);
    assert_eq!(count("officer-confirmed"), 3);
    // The registrars whose words these were, and whose rules approved; not the
    // steward of another house.
    assert_eq!(count("officer-enrolled"), 3);
    let steward = world
        .records
        .iter()
        .filter(|r| r.kind() == "officer-enrolled");
    assert_eq!(steward.count(), 4);
}

#[test]
fn a_registrars_enrolment_is_needed_and_missed() {
    let (mut world, played) = played();
    let bytes = world.bundle(&played).unwrap();
    let files = read(&bytes).unwrap();
    let network = world.charter.network().unwrap();
    for name in files.keys().filter(|name| name.contains("-officer-")) {
        let mut fewer = files.clone();
        fewer.remove(name);
        let findings = findings(&resign(&mut fewer, network, &played));
        assert!(!findings.is_empty(), "without {name}");
    }
}

#[test]
fn any_flipped_byte_of_a_passkeys_record_is_named() {
    let (mut world, played) = played();
    let bytes = world.bundle(&played).unwrap();
    let files = read(&bytes).unwrap();
    let network = world.charter.network().unwrap();
    let (name, content) = files
        .iter()
        .find(|(name, _)| name.ends_with("-warrant-issued.cose"))
        .unwrap();
    let mut rules = std::collections::BTreeSet::new();
    for position in (0..content.len()).step_by(7) {
        let mut changed = files.clone();
        changed.get_mut(name).unwrap()[position] ^= 0x01;
        let findings = findings(&resign(&mut changed, network, &played));
        assert_eq!(&findings[0].file, name, "at {position}");
        rules.insert(findings[0].rule.clone());
    }
    assert!(
        rules.contains("assertion") && rules.contains("one-form"),
        "{rules:?}"
    );
}

/// Puts another assertion of as many bytes in the place of a record's own.
fn replace(record: &Record, honest: &Touch, bent: &Touch, of: &Authenticator) -> Record {
    let both = [honest, bent].map(|touch| {
        of.bring(Touch {
            authenticator_data: touch.authenticator_data.clone(),
            client_data: touch.client_data.clone(),
            signature: touch.signature.clone(),
        })
    });
    let [old, new] = both;
    let mut bytes = record.bytes.clone();
    for (old, new) in [
        (&old.authenticator_data, &new.authenticator_data),
        (&old.client_data, &new.client_data),
        (&old.signature.0.to_vec(), &new.signature.0.to_vec()),
    ] {
        assert_eq!(old.len(), new.len());
        let mut places = bytes.windows(old.len()).enumerate();
        let (at, _) = places.find(|(_, window)| window == old).unwrap();
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    Record {
        digest: Record::digest_of(&bytes),
        bytes,
        ..record.clone()
    }
}

/// What is said of a ledger on which the approver's assertion was bent, signed
/// anew by the approver's own passkey and let through by a corrupt quorum.
fn finding(bend: impl FnOnce(&mut Authenticator, &Touch) -> Touch) -> Finding {
    let (mut world, played) = played();
    let who = "telecom_a/approver-1";
    let place = world
        .records
        .iter()
        .position(|r| r.kind() == "approved" && r.signer == world.passkeys[who].passkey().id())
        .unwrap();
    let record = world.records[place].clone();
    let message = record.header.to_be_signed(&record.signer).unwrap();
    let mut authenticator = world.passkeys.remove(who).unwrap();
    let honest = authenticator.touch(&challenge(&message).0);
    let bent = bend(&mut authenticator, &honest);
    world.records[place] = replace(&record, &honest, &bent, &authenticator);
    world.tree = Tree::new();
    for record in &world.records {
        world.tree.append(leaf_hash(&record.bytes));
    }
    let findings = findings(&world.forged(&played));
    assert_eq!(findings[0].rule, "assertion", "{findings:?}");
    assert!(findings[0].file.ends_with("-approved.cose"), "{findings:?}");
    findings[0].clone()
}

#[test]
fn what_an_assertion_lacks_is_said_by_name() {
    let flags = |flags: u8| {
        move |a: &mut Authenticator, honest: &Touch| {
            a.flags = flags;
            a.sign(a.authenticator_data(), honest.client_data.clone())
        }
    };
    let says = |finding: Finding, check: &str| {
        assert!(
            finding.detail.contains(&format!("`{check}`")),
            "{}",
            finding.detail
        );
    };
    says(finding(flags(FLAGS & !1)), "user-presence");
    says(finding(flags(FLAGS & !4)), "user-verification");
    says(finding(flags(FLAGS | 0x40)), "form");
    let text = |from: &'static str, to: &'static str| {
        move |a: &mut Authenticator, honest: &Touch| {
            let client = String::from_utf8(honest.client_data.clone()).unwrap();
            assert!(client.contains(from));
            a.sign(
                honest.authenticator_data.clone(),
                client.replace(from, to).into(),
            )
        }
    };
    says(finding(text("webauthn.get", "webauthn.set")), "type");
    says(
        finding(text("console.telecom-a", "console.telecom-b")),
        "origin",
    );
    says(
        finding(text(r#""crossOrigin":false"#, r#""crossOrigin":true "#)),
        "cross-origin",
    );
    let other_challenge = |a: &mut Authenticator, _: &Touch| a.touch(&challenge(b"another").0);
    says(finding(other_challenge), "challenge");
    let other_party = |a: &mut Authenticator, honest: &Touch| {
        let mut data = honest.authenticator_data.clone();
        data[0] ^= 1;
        a.sign(data, honest.client_data.clone())
    };
    says(finding(other_party), "rp-id");
    let other_key = |_: &mut Authenticator, honest: &Touch| {
        let mallory = Authenticator::es256("mallory", "https://console.telecom-a.example");
        mallory.sign(
            honest.authenticator_data.clone(),
            honest.client_data.clone(),
        )
    };
    says(finding(other_key), "signature");
}
