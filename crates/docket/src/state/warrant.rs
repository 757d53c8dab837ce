//! A warrant: drafted by the requester, issued, refused or revoked by the authority.

use super::{
    Digest, Duty, InstitutionId, OrdMap, OrdSet, Record, Refusal, Role, Rule, State, Terms,
    Warrant, WarrantId, WarrantPhase, ensure, require_follows, require_part,
};
use crate::body::Part;

/// Scenes on one warrant.
pub const SCENES_MAX: u32 = 64;

impl State {
    pub(super) fn warrant_drafted(
        &mut self,
        record: &Record,
        id: WarrantId,
        authority: &InstitutionId,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Investigator, false)?;
        ensure(
            !self.warrants.contains_key(&id),
            Rule::WarrantDecided,
            || format!("warrant {id} exists"),
        )?;
        ensure(record.header.follows.is_empty(), Rule::Follows, || {
            "a docket begins with its draft".into()
        })?;
        let requester = &record.header.institution;
        self.check_terms(requester, authority, terms)?;
        let readers = &require_part(&record.header, "subjects")?.readers;
        ensure(
            readers.contains(authority)
                && readers
                    .iter()
                    .all(|reader| reader == authority || reader == requester),
            Rule::Parts,
            || {
                "the authority must, and beside it only the requester may, read a draft's subjects"
                    .into()
            },
        )?;
        let mut records = OrdSet::new();
        records.insert(record.digest);
        self.warrants.insert(
            id,
            Warrant {
                requester: requester.clone(),
                authority: authority.clone(),
                terms: terms.clone(),
                phase: WarrantPhase::Drafted,
                draft: record.digest,
                issued: None,
                spent: 0,
                noticed: 0,
                questions: OrdMap::new(),
                records,
            },
        );
        Ok(())
    }

    pub(super) fn check_terms(
        &self,
        requester: &InstitutionId,
        authority: &InstitutionId,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        ensure(requester != authority, Rule::Separation, || {
            "a requester can't be its own authority".into()
        })?;
        ensure(
            !terms.custodians.contains(requester) && !terms.custodians.contains(authority),
            Rule::Separation,
            || "a custodian can be neither requester nor authority of a case".into(),
        )?;
        let has = |id: &InstitutionId, role: Role| {
            self.member(id)
                .is_some_and(|member| member.roles.contains(&role))
        };
        ensure(has(authority, Role::Authority), Rule::Duty, || {
            format!("{authority} is no authority")
        })?;
        ensure(
            !terms.custodians.is_empty()
                && terms.custodians.iter().all(|id| has(id, Role::Custodian)),
            Rule::Terms,
            || "a warrant names at least one custodian, and only custodians".into(),
        )?;
        let limits = &self.charter.limits;
        ensure(
            terms.not_before_ms < terms.expires_ms
                && terms.expires_ms - terms.not_before_ms <= limits.warrant_life_max_ms,
            Rule::Terms,
            || "the warrant's life is empty or longer than the charter allows".into(),
        )?;
        ensure(
            terms.subjects <= limits.subjects_max
                && terms.scenes <= SCENES_MAX
                && terms.subjects + terms.scenes >= 1,
            Rule::Terms,
            || {
                format!(
                    "a warrant names up to {} subjects and {SCENES_MAX} scenes: without any there is no question",
                    limits.subjects_max
                )
            },
        )?;
        ensure(
            !terms.templates.is_empty()
                && (1..=limits.hops_max).contains(&terms.hops)
                && (1..=limits.answer_cap_max).contains(&terms.answer_cap)
                && terms.runs >= 1,
            Rule::Terms,
            || "templates, hops, cap and runs are bounded and not empty".into(),
        )
    }

    pub(super) fn require_authority(
        &self,
        record: &Record,
        warrant: &Warrant,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Judge, false)?;
        ensure(
            record.header.institution == warrant.authority,
            Rule::Separation,
            || format!("the draft was sent to {}", warrant.authority),
        )
    }

    pub(super) fn warrant_issued(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        draft: &Digest,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        self.require_authority(record, warrant)?;
        require_follows(&record.header, draft)?;
        ensure(
            warrant.phase == WarrantPhase::Drafted && warrant.draft == *draft,
            Rule::WarrantDecided,
            || "the draft is already decided".into(),
        )?;
        self.check_terms(&warrant.requester, &warrant.authority, terms)?;
        let asked = &warrant.terms;
        ensure(
            terms.case == asked.case
                && terms.templates.is_subset(&asked.templates)
                && terms.custodians.is_subset(&asked.custodians)
                && terms.subjects <= asked.subjects
                && terms.scenes <= asked.scenes
                && terms.hops <= asked.hops
                && terms.answer_cap <= asked.answer_cap
                && terms.runs <= asked.runs
                && terms.not_before_ms >= asked.not_before_ms
                && terms.expires_ms <= asked.expires_ms,
            Rule::Terms,
            || "an authority may narrow a draft, never widen it".into(),
        )?;
        let order = require_part(&record.header, "order")?;
        ensure(
            terms
                .custodians
                .iter()
                .all(|custodian| order.readers.contains(custodian)),
            Rule::Parts,
            || "every custodian of the warrant must be able to read its order".into(),
        )?;
        self.check_readers(order, warrant, |id| terms.custodians.contains(id))?;
        if let Some(reason) = record.header.part("reason") {
            self.check_readers(reason, warrant, |id| terms.custodians.contains(id))?;
        }
        let subjects = &require_part(&record.header, "subjects")?.readers;
        ensure(
            subjects
                .iter()
                .all(|reader| *reader == warrant.authority || *reader == warrant.requester),
            Rule::Parts,
            || "only requester and authority may read a warrant's subjects".into(),
        )?;
        warrant.terms = terms.clone();
        warrant.phase = WarrantPhase::Issued;
        warrant.issued = Some(record.digest);
        Ok(())
    }

    /// Besides some custodians, only requester, authority and overseers read
    /// what custodians are shown.
    pub(super) fn check_readers(
        &self,
        part: &Part,
        warrant: &Warrant,
        custodian: impl Fn(&InstitutionId) -> bool,
    ) -> Result<(), Refusal> {
        let stranger = part.readers.iter().find(|id| {
            let oversees = self
                .member(id)
                .is_some_and(|member| member.roles.contains(&Role::Overseer));
            !(custodian(id) || oversees || **id == warrant.requester || **id == warrant.authority)
        });
        ensure(stranger.is_none(), Rule::Parts, || {
            format!(
                "`{}` is sealed to an institution that has no part in it",
                part.label
            )
        })
    }

    pub(super) fn warrant_refused(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        draft: &Digest,
    ) -> Result<(), Refusal> {
        self.require_authority(record, warrant)?;
        require_follows(&record.header, draft)?;
        require_part(&record.header, "reason")?;
        ensure(
            warrant.phase == WarrantPhase::Drafted && warrant.draft == *draft,
            Rule::WarrantDecided,
            || "the draft is already decided".into(),
        )?;
        warrant.phase = WarrantPhase::Refused;
        Ok(())
    }

    pub(super) fn warrant_revoked(
        &self,
        record: &Record,
        warrant: &mut Warrant,
    ) -> Result<(), Refusal> {
        self.require_authority(record, warrant)?;
        ensure(
            warrant.phase == WarrantPhase::Issued,
            Rule::WarrantDecided,
            || "only a warrant in force can be revoked".into(),
        )?;
        if let Some(issued) = &warrant.issued {
            require_follows(&record.header, issued)?;
        }
        require_part(&record.header, "reason")?;
        warrant.phase = WarrantPhase::Revoked;
        Ok(())
    }

    /// Whom the warrant named was told, or not and why: by who asked or who ordered.
    pub(super) fn notice_given(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        told: u32,
        withheld: u32,
    ) -> Result<(), Refusal> {
        let institution = &record.header.institution;
        if *institution == warrant.authority {
            self.require_authority(record, warrant)?;
        } else {
            self.require_duty(record, Duty::Investigator, false)?;
            ensure(*institution == warrant.requester, Rule::Separation, || {
                "notice is given by who asked or who ordered".into()
            })?;
        }
        let issued = warrant.issued.ok_or_else(|| {
            Refusal::new(
                Rule::WarrantUnknown,
                "a warrant that was not issued concerned nobody",
            )
        })?;
        require_follows(&record.header, &issued)?;
        let reason = require_part(&record.header, "reason")?;
        self.check_readers(reason, warrant, |_| false)?;
        let count = u64::from(told) + u64::from(withheld);
        let left = warrant.terms.subjects - warrant.noticed;
        ensure((1..=u64::from(left)).contains(&count), Rule::Terms, || {
            format!("{left} subjects of the warrant are left to be told")
        })?;
        warrant.noticed += told + withheld;
        Ok(())
    }
}
