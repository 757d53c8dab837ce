//! The C2SP texts: an outsider's note verifies, and only the standard's form is read.

use primitives::{Digest, SigningKey};
use proof::{
    Checkpoint, Cosignature, Membership, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, ProofError, Refusal,
    SignedCheckpoint, SignedNote, TIME_S_MAX, key_id,
};

use crate::name;

const OUTSIDER: &str = include_str!("../vectors/cosigned.note");

fn membership() -> Membership {
    let key = |byte| SigningKey::from_seed(&[byte; 32]).public();
    Membership::new(0, vec![(name("bank_a"), key(1)), (name("police"), key(2))]).unwrap()
}

#[test]
fn an_outsiders_note_verifies_and_is_what_we_write() {
    let signed = SignedCheckpoint::from_note(OUTSIDER, &membership()).unwrap();
    signed.verify("cordon/example", &membership()).unwrap();
    assert_eq!(signed.checkpoint().size(), 3);
    assert_eq!(*signed.checkpoint().root(), Digest::plain(b"root"));
    assert_eq!(signed.to_note().unwrap(), OUTSIDER);

    let key = SigningKey::from_seed(&[1; 32]);
    let ours = Cosignature::sign(signed.checkpoint(), &name("bank_a"), &key, 1_764_000_000);
    assert_eq!(ours.unwrap(), signed.cosignatures()[0]);
}

#[test]
fn lines_of_strangers_are_passed_over_and_bad_lines_of_members_are_not() {
    let with_stranger = format!("{OUTSIDER}\u{2014} stranger AAAAAAAA\n");
    let signed = SignedCheckpoint::from_note(&with_stranger, &membership()).unwrap();
    assert_eq!(signed.cosignatures().len(), 2);

    let (text, lines) = OUTSIDER.split_once("\n\n").unwrap();
    let altered = format!("{}\n\n{lines}", text.replace("\n3\n", "\n4\n"));
    assert_eq!(
        SignedCheckpoint::from_note(&altered, &membership()),
        Err(Refusal::Signature(name("bank_a")).into())
    );
    let doubled = format!("{OUTSIDER}{}\n", lines.lines().next().unwrap());
    assert!(SignedCheckpoint::from_note(&doubled, &membership()).is_err());
}

#[test]
fn any_changed_character_is_noticed() {
    let membership = membership();
    for position in 0..OUTSIDER.len() {
        let mut bytes = OUTSIDER.as_bytes().to_vec();
        bytes[position] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let accepted = SignedCheckpoint::from_note(&text, &membership)
            .is_ok_and(|signed| signed.verify("cordon/example", &membership).is_ok());
        assert!(!accepted, "byte {position}");
    }
}

#[test]
fn only_the_standards_form_is_a_note() {
    let line = "\u{2014} a AAAAAAAA\n";
    let good = format!("text\n\nmore\n\n{line}");
    assert_eq!(SignedNote::parse(&good).unwrap().text(), "text\n\nmore\n");
    assert_eq!(SignedNote::parse(&good).unwrap().to_string(), good);

    for bad in [
        String::new(),
        "text\n".into(),
        format!("text\n{line}"),
        "text\n\n".into(),
        "text\n\n\n".into(),
        format!("text\n\n{}", line.trim_end()),
        format!("te\rxt\n\n{line}"),
        format!("te\0xt\n\n{line}"),
        "text\n\n- a AAAAAAAA\n".into(),
        "text\n\n\u{2014} a  AAAAAAAA\n".into(),
        "text\n\n\u{2014}  AAAAAAAA\n".into(),
        "text\n\n\u{2014} a+b AAAAAAAA\n".into(),
        "text\n\n\u{2014} a\u{a0}b AAAAAAAA\n".into(),
        "text\n\n\u{2014} a AAAA\n".into(),
        "text\n\n\u{2014} a AAAAAA==\n".into(),
        "text\n\n\u{2014} a AAAAAAB=\n".into(),
        "text\n\n\u{2014} a AAAAAAA\n".into(),
        "text\n\n\u{2014} a AAAA AAAA\n".into(),
    ] {
        assert!(SignedNote::parse(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn notes_have_limits() {
    let line = "\u{2014} a AAAAAAAA\n";
    let many = |count| format!("text\n\n{}", line.repeat(count));
    assert!(SignedNote::parse(&many(NOTE_SIGNATURES_MAX)).is_ok());
    let too_large = |result| matches!(result, Err(ProofError::Refusal(Refusal::TooLarge { .. })));
    assert!(too_large(SignedNote::parse(&many(NOTE_SIGNATURES_MAX + 1))));
    let long = format!("{}\n\n{line}", "x".repeat(NOTE_BYTES_MAX));
    assert!(too_large(SignedNote::parse(&long)));

    let checkpoint = Checkpoint::new("cordon/example", 1, Digest([0; 32])).unwrap();
    let key = SigningKey::from_seed(&[1; 32]);
    let sign = |time_s| Cosignature::sign(&checkpoint, &name("a"), &key, time_s);
    assert!(sign(TIME_S_MAX).is_ok());
    assert!(sign(TIME_S_MAX + 1).is_err());
}

#[test]
fn a_checkpoint_is_three_lines() {
    let root = "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=";
    let good = format!("cordon/example\n18446744073709551615\n{root}\n");
    assert_eq!(Checkpoint::parse(&good).unwrap().to_string(), good);
    for bad in [
        String::new(),
        format!("cordon/example\n3\n{root}"),
        format!("cordon/example\n3\n{root}\nextension\n"),
        format!("cordon/example\n3\n{root}\n\n"),
        format!("\n3\n{root}\n"),
        format!("a b\n3\n{root}\n"),
        format!("a+b\n3\n{root}\n"),
        format!("cordon/example\n03\n{root}\n"),
        format!("cordon/example\n+3\n{root}\n"),
        format!("cordon/example\n-3\n{root}\n"),
        format!("cordon/example\n\n{root}\n"),
        format!("cordon/example\n18446744073709551616\n{root}\n"),
        "cordon/example\n3\nAAAA\n".into(),
        format!("cordon/example\n3\n{}J=\n", &root[..42]),
    ] {
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
    assert!(Checkpoint::new("x".repeat(256), 0, Digest([0; 32])).is_err());
}

#[test]
fn key_ids_cover_name_algorithm_and_key() {
    let key = SigningKey::from_seed(&[1; 32]).public();
    let other = SigningKey::from_seed(&[2; 32]).public();
    assert_eq!(key_id(&name("bank_a"), &key), 0x1896_8e3b);
    assert_ne!(key_id(&name("bank_b"), &key), key_id(&name("bank_a"), &key));
    assert_ne!(
        key_id(&name("bank_a"), &other),
        key_id(&name("bank_a"), &key)
    );
}
