//! Officers: who may act for an institution, and by whose word.
//!
//! There are two ways in.
//! - `officer-enrolled`, one word, for an Ed25519 key: by a registrar or the node.
//!   It is how a network's first officers come, and all of them came before there
//!   were passkeys.
//! - `officer-proposed`, then `officer-confirmed`, two words, for either kind of
//!   credential: by two registrars. While an institution has fewer than two, its
//!   node may say one of the words; while it has none, both.
//!
//! Once two registrars hold passkeys, the first way is closed to the institution,
//! and its node neither enrols nor retires: nobody's single word makes an officer.
//!
//! *Invariants*: fewer registrars never make a rule stricter, so that a bundle,
//! which holds an institution's registrars but not all of its officers, is judged
//! as the ledger was.

use std::collections::BTreeSet;

use super::{
    Credential, CredentialId, Digest, Duty, InstitutionId, NOMINEE_LIFE_MS, NOMINEES_MAX, Nominee,
    OFFICERS_MAX, Officer, OfficerId, PublicKey, Record, Refusal, Rule, Signer, State, TimeMs,
    ensure, require_follows,
};
use crate::passkey::RAW_ID_BYTES_MAX;

impl State {
    pub(super) fn officer_enrolled(
        &mut self,
        record: &Record,
        officer: &OfficerId,
        key: &PublicKey,
        duties: &BTreeSet<Duty>,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Registrar, true)?;
        let institution = &record.header.institution;
        self.require_one_word_to_do(institution)?;
        let credential = Credential::Key(*key);
        self.check_new(institution, officer, &credential, duties)?;
        self.enrol(record, institution, officer, &credential, duties);
        Ok(())
    }

    pub(super) fn officer_proposed(
        &mut self,
        record: &Record,
        officer: &OfficerId,
        credential: &Credential,
        duties: &BTreeSet<Duty>,
    ) -> Result<(), Refusal> {
        let institution = &record.header.institution;
        let proposed_by = self.registrar(record)?;
        self.check_new(institution, officer, credential, duties)?;
        if let Some((passkey, raw_id)) = credential.passkey() {
            passkey.check()?;
            ensure(
                (1..=RAW_ID_BYTES_MAX).contains(&raw_id.len()),
                Rule::Limit,
                || format!("a passkey's name: 1 to {RAW_ID_BYTES_MAX} bytes"),
            )?;
        }
        let time_ms = record.header.time_ms;
        self.drop_nominees(|known| known.institution == *institution && known.has_lapsed(time_ms));
        let waiting = self.nominees.values();
        let waiting = waiting.filter(|known| known.institution == *institution);
        ensure(waiting.count() < NOMINEES_MAX, Rule::Limit, || {
            format!("{NOMINEES_MAX} officers of {institution} wait for a second word")
        })?;
        self.nominees.insert(
            record.digest,
            Nominee {
                institution: institution.clone(),
                officer: officer.clone(),
                credential: credential.clone(),
                duties: duties.clone(),
                proposed_by,
                time_ms,
            },
        );
        Ok(())
    }

    pub(super) fn officer_confirmed(
        &mut self,
        record: &Record,
        proposal: &Digest,
    ) -> Result<(), Refusal> {
        let institution = &record.header.institution;
        let confirmed_by = self.registrar(record)?;
        require_follows(&record.header, proposal)?;
        let nominee = self
            .nominees
            .get(proposal)
            .filter(|nominee| {
                nominee.institution == *institution && !nominee.has_lapsed(record.header.time_ms)
            })
            .cloned()
            .ok_or_else(|| {
                Refusal::new(
                    Rule::ProposalUnknown,
                    "no such proposal of an officer here, or it has ended",
                )
            })?;
        self.check_second_word(&nominee, confirmed_by.as_ref())?;
        // Others may have been enrolled since.
        let Nominee {
            officer,
            credential,
            duties,
            ..
        } = &nominee;
        self.check_new(institution, officer, credential, duties)?;
        self.nominees.remove(proposal);
        self.enrol(record, institution, officer, credential, duties);
        Ok(())
    }

    pub(super) fn officer_retired(
        &mut self,
        record: &Record,
        credential: &CredentialId,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Registrar, true)?;
        let institution = &record.header.institution;
        if let Signer::Node = self.signer(record)? {
            self.require_one_word_to_do(institution)?;
        }
        ensure(
            self.officers
                .get(credential)
                .is_some_and(|officer| officer.institution == *institution),
            Rule::SignerUnknown,
            || "no such officer here".into(),
        )?;
        self.officers.remove(credential);
        self.retired.insert(*credential);
        Ok(())
    }

    pub(super) fn has_officer(&self, institution: &InstitutionId, officer: &OfficerId) -> bool {
        self.officers
            .values()
            .any(|known| known.institution == *institution && known.id == *officer)
    }

    /// Whether a credential is and was nobody's.
    pub(super) fn is_free(&self, credential: &CredentialId) -> bool {
        let of_node = match credential {
            CredentialId::Key(key) => self.nodes.contains_key(key),
            CredentialId::Passkey(_) => false,
        };
        !of_node && !self.retired.contains(credential) && !self.officers.contains_key(credential)
    }

    fn registrars<'a>(
        &'a self,
        institution: &'a InstitutionId,
    ) -> impl Iterator<Item = &'a Officer> {
        self.officers.values().filter(move |officer| {
            officer.institution == *institution && officer.duties.contains(&Duty::Registrar)
        })
    }

    /// Who speaks for a new officer: a registrar, or the node (none) where there are
    /// not two registrars.
    fn registrar(&self, record: &Record) -> Result<Option<OfficerId>, Refusal> {
        self.require_duty(record, Duty::Registrar, true)?;
        if let Signer::Officer(officer) = self.signer(record)? {
            return Ok(Some(officer.id.clone()));
        }
        let institution = &record.header.institution;
        ensure(
            self.registrars(institution).count() < 2,
            Rule::SecondWord,
            || format!("{institution} has two registrars: its node has no word in this"),
        )?;
        Ok(None)
    }

    fn check_second_word(
        &self,
        nominee: &Nominee,
        confirmed_by: Option<&OfficerId>,
    ) -> Result<(), Refusal> {
        let institution = &nominee.institution;
        match (&nominee.proposed_by, confirmed_by) {
            (None, None) => ensure(
                self.registrars(institution).next().is_none(),
                Rule::SecondWord,
                || format!("a registrar of {institution} must confirm what its node proposed"),
            ),
            (None, Some(_)) => Ok(()),
            (Some(first), second) => {
                ensure(Some(first) != second, Rule::SecondWord, || {
                    format!("{first} proposed; another registrar must confirm")
                })?;
                // Whose word it was must still be a registrar's.
                ensure(
                    self.registrars(institution).any(|known| known.id == *first),
                    Rule::SecondWord,
                    || format!("{first}, who proposed, is no registrar any more"),
                )
            }
        }
    }

    /// Refuses the ways of one word where two registrars hold passkeys.
    fn require_one_word_to_do(&self, institution: &InstitutionId) -> Result<(), Refusal> {
        let with_passkeys = self
            .registrars(institution)
            .filter(|officer| officer.credential.passkey().is_some());
        ensure(with_passkeys.count() < 2, Rule::SecondWord, || {
            format!("{institution} has two registrars with passkeys: two must speak")
        })
    }

    pub(super) fn drop_nominees(&mut self, goes: impl Fn(&Nominee) -> bool) {
        let gone = self.nominees.iter().filter(|(_, nominee)| goes(nominee));
        let gone: Vec<Digest> = gone.map(|(proposal, _)| *proposal).collect();
        for proposal in gone {
            self.nominees.remove(&proposal);
        }
    }

    fn check_new(
        &self,
        institution: &InstitutionId,
        officer: &OfficerId,
        credential: &Credential,
        duties: &BTreeSet<Duty>,
    ) -> Result<(), Refusal> {
        let colleagues = || {
            let officers = self.officers.values();
            officers.filter(|known| known.institution == *institution)
        };
        let raw_id = credential.passkey().map(|(_, raw_id)| raw_id);
        let same_name = colleagues().any(|known| {
            let known = known.credential.passkey().map(|(_, raw_id)| raw_id);
            raw_id.is_some() && known == raw_id
        });
        ensure(
            self.is_free(&credential.id()) && !self.has_officer(institution, officer) && !same_name,
            Rule::OfficerTaken,
            || format!("the handle {officer} or its credential is taken"),
        )?;
        ensure(colleagues().count() < OFFICERS_MAX, Rule::Limit, || {
            format!("at most {OFFICERS_MAX} officers an institution")
        })?;
        let member = self.known_member(institution)?;
        ensure(
            !duties.is_empty()
                && duties
                    .iter()
                    .all(|duty| duty.role().is_none_or(|role| member.roles.contains(&role))),
            Rule::Duty,
            || format!("{institution} has not the role that these duties need"),
        )
    }

    fn enrol(
        &mut self,
        record: &Record,
        institution: &InstitutionId,
        officer: &OfficerId,
        credential: &Credential,
        duties: &BTreeSet<Duty>,
    ) {
        self.officers.insert(
            credential.id(),
            Officer {
                institution: institution.clone(),
                id: officer.clone(),
                duties: duties.clone(),
                credential: credential.clone(),
                record: record.digest,
            },
        );
    }
}

impl Nominee {
    /// Whether nobody can confirm any more. Times are the records' own, which a
    /// bundle holds too; blocks' times are not in the log.
    #[must_use]
    pub fn has_lapsed(&self, time_ms: TimeMs) -> bool {
        time_ms.saturating_sub(self.time_ms) > NOMINEE_LIFE_MS
    }
}
