//! Enrolment by two words, and passkeys that sign.

use std::collections::BTreeSet;

use primitives::{Digest, PublicKey};

use super::world::{Phase, World, digest, id, key, officer};
use crate::{
    Change, Credential, CredentialId, Duty, Header, Passkey, Record, Refusal, Rule, Statement,
    passkey::{self, authenticator::Authenticator},
    state::{NOMINEE_LIFE_MS, NOMINEES_MAX},
};

const ORIGIN: &str = "https://console.police.example";

fn touch(name: &str) -> Authenticator {
    Authenticator::es256(name, ORIGIN)
}

/// A record of police's, signed by a passkey for `handle`.
fn by_passkey(
    w: &World,
    passkey: &Authenticator,
    handle: &str,
    statement: Statement,
    follows: &[Digest],
) -> Record {
    let header = Header {
        follows: follows.to_vec(),
        ..w.header(&format!("police/{handle}"), statement)
    };
    asserted(passkey, &header)
}

fn asserted(authenticator: &Authenticator, header: &Header) -> Record {
    let passkey = authenticator.passkey();
    let message = header.to_be_signed(&passkey.id()).unwrap();
    let assertion = authenticator.assert(&passkey::challenge(&message));
    Record::assemble_asserted(header, &passkey, &assertion).unwrap()
}

fn proposed(handle: &str, credential: Credential, duty: Duty) -> Statement {
    Statement::OfficerProposed {
        officer: officer(handle),
        credential,
        duties: BTreeSet::from([duty]),
    }
}

fn propose(w: &World, who: &str, handle: &str, duty: Duty) -> Record {
    let statement = proposed(handle, touch(handle).credential(), duty);
    w.record(who, statement, &[], &[])
}

fn confirm(w: &World, who: &str, proposal: Digest) -> Record {
    let statement = Statement::OfficerConfirmed { proposal };
    w.record(who, statement, &[proposal], &[])
}

/// Police with one registrar more than the world's: `reg` and `reg2`, by keys.
fn two_registrars() -> World {
    let mut w = World::at(Phase::Published);
    let second = Statement::OfficerEnrolled {
        officer: officer("reg2"),
        key: key("police/reg2").public(),
        duties: BTreeSet::from([Duty::Registrar]),
    };
    w.accept(&w.record("police", second, &[], &[]));
    w
}

/// Police with two registrars who hold passkeys: `pass1` and `pass2`.
fn grown() -> World {
    let mut w = two_registrars();
    for handle in ["pass1", "pass2"] {
        let proposal = w.accept(&propose(&w, "police/reg", handle, Duty::Registrar));
        w.accept(&confirm(&w, "police/reg2", proposal));
    }
    w
}

pub(super) fn second_word_cases() -> Vec<Refusal> {
    let mut w = two_registrars();
    // The node has no word where there are two registrars.
    let mut out = vec![w.refuse(&propose(&w, "police", "new", Duty::Investigator))];
    let proposal = w.accept(&propose(&w, "police/reg", "new", Duty::Investigator));
    out.push(w.refuse(&confirm(&w, "police/reg", proposal)));
    out.push(w.refuse(&confirm(&w, "police", proposal)));
    // A word is worth what its speaker still is.
    let mut retired = w.clone();
    let retire = Statement::OfficerRetired {
        key: key("police/reg").public().into(),
    };
    retired.accept(&retired.record("police/reg2", retire.clone(), &[], &[]));
    out.push(retired.refuse(&confirm(&retired, "police/reg2", proposal)));
    // One registrar: the node's proposal needs that registrar.
    let mut one = World::at(Phase::Published);
    let proposal = one.accept(&propose(&one, "police", "new", Duty::Investigator));
    out.push(one.refuse(&confirm(&one, "police", proposal)));
    // Two registrars with passkeys: nobody's single word, whichever the way.
    let grown = grown();
    let enrol = Statement::OfficerEnrolled {
        officer: officer("alone"),
        key: key("police/alone").public(),
        duties: BTreeSet::from([Duty::Investigator]),
    };
    out.push(grown.refuse(&grown.record("police", enrol.clone(), &[], &[])));
    out.push(grown.refuse(&grown.record("police/reg", enrol, &[], &[])));
    out.push(grown.refuse(&grown.record("police", retire, &[], &[])));
    out
}

pub(super) fn proposal_unknown_cases() -> Vec<Refusal> {
    let mut w = two_registrars();
    let network = w.log[0].0.digest;
    let mut out = vec![w.refuse(&confirm(&w, "police/reg", network))];
    let proposal = w.accept(&propose(&w, "police/reg", "new", Duty::Investigator));
    // Another institution's registrar has no word in it.
    out.push(w.refuse(&confirm(&w, "hybrid", proposal)));
    let mut late = w.clone();
    late.now_ms += NOMINEE_LIFE_MS + 2;
    out.push(late.refuse(&confirm(&late, "police/reg2", proposal)));
    w.accept(&confirm(&w, "police/reg2", proposal));
    out.push(w.refuse(&confirm(&w, "police/reg2", proposal)));
    out
}

#[test]
fn two_registrars_enrol_a_passkey_that_then_signs() {
    for authenticator in [touch("new"), Authenticator::eddsa("new", ORIGIN)] {
        let mut w = two_registrars();
        let statement = proposed("new", authenticator.credential(), Duty::Investigator);
        let record = w.record("police/reg", statement, &[], &[]);
        let proposal = w.accept(&record);
        let draft = w.altered("police/inv", &w.drafted(), |h| {
            h.officer = Some(officer("new"));
        });
        let draft = asserted(&authenticator, &draft.header);
        // One word is none.
        assert_eq!(w.refuse(&draft).rule, Rule::SignerUnknown);
        assert_eq!(w.state.nominees().count(), 1);
        let confirmed = w.accept(&confirm(&w, "police/reg2", proposal));
        assert_eq!(w.state.nominees().count(), 0);
        let known = w.state.officer(&authenticator.passkey().id()).unwrap();
        assert_eq!(known.credential, authenticator.credential());
        assert_eq!(known.record, confirmed);
        w.accept(&draft);
    }
}

#[test]
fn the_node_says_the_words_of_registrars_that_are_not_there() {
    // None: both words.
    let mut w = World::new();
    let statement = |handle: &str, duty| proposed(handle, touch(handle).credential(), duty);
    let record = w.record("court", statement("j1", Duty::Registrar), &[], &[]);
    let proposal = w.accept(&record);
    w.accept(&confirm(&w, "court", proposal));
    // One: either word, and the registrar the other.
    let record = w.record("court", statement("j2", Duty::Judge), &[], &[]);
    let proposal = w.accept(&record);
    let header = |w: &World, proposal| Header {
        follows: vec![proposal],
        ..w.header("court/j1", Statement::OfficerConfirmed { proposal })
    };
    assert_eq!(
        w.refuse(&confirm(&w, "court", proposal)).rule,
        Rule::SecondWord
    );
    w.accept(&asserted(&touch("j1"), &header(&w, proposal)));
    let first = w.header("court/j1", statement("j3", Duty::Registrar));
    let proposal = w.accept(&asserted(&touch("j1"), &first));
    w.accept(&confirm(&w, "court", proposal));
    assert!(w.state.officer(&touch("j3").passkey().id()).is_some());
}

#[test]
fn registrars_with_passkeys_enrol_keys_too_and_retire_alone() {
    let mut w = grown();
    let (first, second) = (touch("pass1"), touch("pass2"));
    let new = key("police/new").public();
    let statement = proposed("new", Credential::Key(new), Duty::Investigator);
    let proposal = w.accept(&by_passkey(&w, &first, "pass1", statement, &[]));
    let statement = Statement::OfficerConfirmed { proposal };
    w.accept(&by_passkey(&w, &second, "pass2", statement, &[proposal]));
    let draft = w.altered("police/new", &w.drafted(), |h| {
        h.officer = Some(officer("new"));
    });
    w.accept(&draft);
    // To withdraw is the safe direction: one registrar may.
    let retire = Statement::OfficerRetired { key: new.into() };
    w.accept(&by_passkey(&w, &first, "pass1", retire, &[]));
    assert!(w.state.officer(&new.into()).is_none());
    let again = proposed("again", Credential::Key(new), Duty::Investigator);
    let refusal = w.refuse(&by_passkey(&w, &first, "pass1", again, &[]));
    assert_eq!(refusal.rule, Rule::OfficerTaken);
}

#[test]
fn a_passkeys_digest_enrolled_as_a_key_opens_nothing() {
    let mut w = World::at(Phase::Published);
    let mallory = touch("mallory");
    let CredentialId::Passkey(digest) = mallory.passkey().id() else {
        panic!("a passkey")
    };
    let enrol = Statement::OfficerEnrolled {
        officer: officer("mallory"),
        key: PublicKey(digest.0),
        duties: BTreeSet::from([Duty::Investigator]),
    };
    w.accept(&w.record("police", enrol, &[], &[]));
    let draft = w.altered("police/inv", &w.drafted(), |h| {
        h.officer = Some(officer("mallory"));
    });
    let refusal = w.refuse(&asserted(&mallory, &draft.header));
    assert_eq!(refusal.rule, Rule::SignerUnknown);
}

#[test]
fn a_credential_that_could_not_be_checked_is_not_taken() {
    let w = World::at(Phase::Published);
    let refusal = |change: fn(&mut Passkey, &mut Vec<u8>)| {
        let mut raw_id = vec![1; 16];
        let mut passkey = touch("new").passkey();
        change(&mut passkey, &mut raw_id);
        let credential = Credential::Passkey { passkey, raw_id };
        let statement = proposed("new", credential, Duty::Investigator);
        w.refuse(&w.record("police/reg", statement, &[], &[])).rule
    };
    assert_eq!(
        refusal(|p, _| p.rp_id = "elsewhere.example".into()),
        Rule::Terms
    );
    assert_eq!(
        refusal(|p, _| p.origin = "http://police.example".into()),
        Rule::Terms
    );
    assert_eq!(refusal(|_, raw_id| raw_id.clear()), Rule::Limit);
    assert_eq!(refusal(|_, raw_id| raw_id.resize(1024, 1)), Rule::Limit);
}

#[test]
fn handles_credentials_and_names_are_one_officers() {
    let mut w = two_registrars();
    let proposal = w.accept(&propose(&w, "police/reg", "new", Duty::Investigator));
    let twin = w.accept(&propose(&w, "police/reg2", "new", Duty::Investigator));
    w.accept(&confirm(&w, "police/reg2", proposal));
    // Two proposals of one officer: the second can't come true any more.
    assert_eq!(
        w.refuse(&confirm(&w, "police/reg", twin)).rule,
        Rule::OfficerTaken
    );
    let same_name = Credential::Passkey {
        passkey: touch("other").passkey(),
        raw_id: touch("new").raw_id,
    };
    for (handle, credential) in [
        ("new", touch("other").credential()),
        ("other", touch("new").credential()),
        ("other", same_name),
        ("other", Credential::Key(key("court").public())),
    ] {
        let statement = proposed(handle, credential, Duty::Investigator);
        let refusal = w.refuse(&w.record("police/reg", statement, &[], &[]));
        assert_eq!(refusal.rule, Rule::OfficerTaken);
    }
}

#[test]
fn proposals_are_bounded_and_go_with_their_institution() {
    let mut w = two_registrars();
    for number in 0..NOMINEES_MAX {
        let handle = format!("new{number}");
        w.accept(&propose(&w, "police/reg", &handle, Duty::Investigator));
    }
    let one_more = propose(&w, "police/reg", "one-more", Duty::Investigator);
    assert_eq!(w.refuse(&one_more).rule, Rule::Limit);
    let mut later = w.clone();
    later.now_ms += NOMINEE_LIFE_MS + 1_000;
    later.accept(&propose(
        &later,
        "police/reg",
        "one-more",
        Duty::Investigator,
    ));
    assert_eq!(later.state.nominees().count(), 1);
    for voter in ["audit", "bank_a", "bank_b", "hybrid", "court"] {
        if voter == "audit" {
            w.draft = w.propose("court", Change::Remove(id("police")));
        }
        w.accept(&w.vote(voter, w.draft, true));
    }
    assert_eq!(w.state.nominees().count(), 0);
    assert_ne!(w.draft, digest("none"));
}
