//! Members and tables: what stands outside any one warrant.

use super::{
    Change, CredentialId, DATASETS_MAX, Dataset, DatasetPublished, Digest, Duty, Institution,
    InstitutionId, MEMBERS_MAX, OrdMap, PROPOSALS_MAX, Proposal, PublicKey, Record, Refusal, Rule,
    Snapshot, SnapshotCommitted, State, ensure, quorum, require_follows, require_part, text_within,
};

const COLUMNS_MAX: usize = 256;
const KEYS_MAX: usize = 16;
/// What a validator can do twice, as the ledger's room names it.
const CONTRADICTIONS: [&str; 4] = ["notarize", "finalize", "nullify-finalize", "checkpoint"];

impl State {
    pub(super) fn change_proposed(
        &mut self,
        record: &Record,
        change: &Change,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Registrar, true)?;
        self.check_change(change)?;
        let proposer = &record.header.institution;
        let open = self.proposals.values();
        ensure(
            open.filter(|known| known.proposer == *proposer).count() < PROPOSALS_MAX,
            Rule::Limit,
            || format!("{proposer} has {PROPOSALS_MAX} proposals under vote"),
        )?;
        self.proposals.insert(
            record.digest,
            Proposal {
                proposer: proposer.clone(),
                change: change.clone(),
                votes: OrdMap::new(),
            },
        );
        Ok(())
    }

    fn check_change(&self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Admit(card) => {
                card.check()?;
                ensure(
                    !self.members.contains_key(&card.institution.id),
                    Rule::Membership,
                    || format!("{} is already a member", card.institution.id),
                )?;
                ensure(self.members.len() < MEMBERS_MAX, Rule::Limit, || {
                    format!("a network has at most {MEMBERS_MAX} members")
                })?;
                self.check_key_free(&card.institution.node_key)
            }
            Change::Replace(card) => {
                card.check()?;
                let old = self.known_member(&card.institution.id)?;
                if old.node_key == card.institution.node_key {
                    return Ok(());
                }
                self.check_key_free(&card.institution.node_key)
            }
            Change::Remove(id) => {
                self.known_member(id)?;
                ensure(self.members.len() > 1, Rule::Membership, || {
                    "the last member can't leave".into()
                })
            }
        }
    }

    pub(super) fn known_member(&self, id: &InstitutionId) -> Result<&Institution, Refusal> {
        self.members
            .get(id)
            .ok_or_else(|| Refusal::new(Rule::Membership, format!("{id} is not a member")))
    }

    fn check_key_free(&self, key: &PublicKey) -> Result<(), Refusal> {
        ensure(self.is_free(&(*key).into()), Rule::Membership, || {
            "the key is or was another's".into()
        })
    }

    pub(super) fn change_voted(
        &mut self,
        record: &Record,
        proposal: &Digest,
        yes: bool,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Registrar, true)?;
        require_follows(&record.header, proposal)?;
        let known = self
            .proposals
            .get(proposal)
            .ok_or_else(|| Refusal::new(Rule::Membership, "no such proposal, or it has ended"))?;
        let voter = &record.header.institution;
        ensure(!known.votes.contains_key(voter), Rule::Membership, || {
            format!("{voter} has already voted")
        })?;
        let mut known = known.clone();
        known.votes.insert(voter.clone(), yes);
        let votes = |wanted: bool| {
            known
                .votes
                .iter()
                .filter(|(id, vote)| **vote == wanted && self.members.contains_key(*id))
                .count()
        };
        let needed = quorum(self.members.len());
        if votes(true) >= needed {
            // The membership may have changed since the proposal.
            self.check_change(&known.change)?;
            self.proposals.remove(proposal);
            self.change(&known.change);
        } else if votes(false) > self.members.len() - needed {
            self.proposals.remove(proposal);
        } else {
            self.proposals.insert(*proposal, known);
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) {
        self.epoch += 1;
        match change {
            Change::Admit(card) => self.seat(card.institution.clone()),
            Change::Replace(card) => {
                if let Some(old) = self.members.get(&card.institution.id).cloned()
                    && old.node_key != card.institution.node_key
                {
                    self.nodes.remove(&old.node_key);
                    self.retired.insert(old.node_key.into());
                }
                self.seat(card.institution.clone());
            }
            Change::Remove(id) => {
                if let Some(old) = self.members.remove(id) {
                    self.nodes.remove(&old.node_key);
                    self.retired.insert(old.node_key.into());
                }
                let gone: Vec<CredentialId> = self
                    .officers
                    .iter()
                    .filter(|(_, officer)| officer.institution == *id)
                    .map(|(key, _)| *key)
                    .collect();
                for credential in gone {
                    self.officers.remove(&credential);
                    self.retired.insert(credential);
                }
                self.drop_nominees(|nominee| nominee.institution == *id);
                self.rules.remove(id);
            }
        }
    }

    fn seat(&mut self, institution: Institution) {
        self.nodes
            .insert(institution.node_key, institution.id.clone());
        self.members.insert(institution.id.clone(), institution);
    }

    pub(super) fn dataset_published(
        &mut self,
        record: &Record,
        entry: &DatasetPublished,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Steward, true)?;
        text_within(&entry.dataset, "the table's name")?;
        text_within(&entry.table, "the table's kind")?;
        ensure(
            (1..=COLUMNS_MAX).contains(&entry.columns.len())
                && (1..=KEYS_MAX).contains(&entry.keys.len()),
            Rule::Limit,
            || format!("1 to {COLUMNS_MAX} columns and 1 to {KEYS_MAX} lookup keys"),
        )?;
        let unique = |mut names: Vec<&String>| {
            names.sort_unstable();
            names.windows(2).all(|pair| pair[0] != pair[1])
        };
        ensure(
            unique(entry.columns.iter().map(|column| &column.name).collect())
                && unique(entry.keys.iter().collect()),
            Rule::Terms,
            || "two columns or two keys share a name".into(),
        )?;
        let published = self.datasets.values();
        ensure(
            published
                .filter(|known| known.institution == record.header.institution)
                .count()
                < DATASETS_MAX,
            Rule::Limit,
            || format!("at most {DATASETS_MAX} tables an institution"),
        )?;
        self.datasets.insert(
            record.digest,
            Dataset {
                institution: record.header.institution.clone(),
                entry: entry.clone(),
                latest: None,
            },
        );
        Ok(())
    }

    pub(super) fn snapshot_committed(
        &mut self,
        record: &Record,
        statement: &SnapshotCommitted,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Steward, true)?;
        text_within(&statement.method, "the method")?;
        require_follows(&record.header, &statement.dataset)?;
        let dataset = self
            .datasets
            .get(&statement.dataset)
            .filter(|dataset| dataset.institution == record.header.institution)
            .ok_or_else(|| {
                Refusal::new(Rule::DatasetUnknown, "no such table at this institution")
            })?;
        ensure(
            statement.keys.len() == dataset.entry.keys.len()
                && statement
                    .keys
                    .iter()
                    .zip(&dataset.entry.keys)
                    .all(|(key, name)| key.name == *name),
            Rule::KeyMismatch,
            || "the snapshot's keys are not the catalogue's".into(),
        )?;
        let mut dataset = dataset.clone();
        dataset.latest = Some(record.digest);
        self.datasets.insert(statement.dataset, dataset);
        self.snapshots.insert(
            record.digest,
            Snapshot {
                institution: record.header.institution.clone(),
                statement: statement.clone(),
            },
        );
        Ok(())
    }

    /// A node's word that it holds evidence; each says it once of a member and kind, so
    /// that nobody fills the ledger with accusations.
    pub(super) fn equivocation_witnessed(
        &mut self,
        record: &Record,
        member: &InstitutionId,
        kind: &str,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        let witness = &record.header.institution;
        self.known_member(member)?;
        ensure(witness != member, Rule::Separation, || {
            "nobody is witness in its own case".into()
        })?;
        ensure(CONTRADICTIONS.contains(&kind), Rule::Format, || {
            format!("no contradiction of validators is called {kind}")
        })?;
        ensure(record.header.follows.is_empty(), Rule::Follows, || {
            "evidence follows nothing".into()
        })?;
        require_part(&record.header, "evidence")?;
        let word = (witness.clone(), member.clone(), kind.to_owned());
        ensure(!self.witnessed.contains(&word), Rule::Duplicate, || {
            format!("{witness} has already said so of {member}")
        })?;
        self.witnessed.insert(word);
        Ok(())
    }

    /// Whether an institution has already accused a member of this.
    #[must_use]
    pub fn has_witnessed(
        &self,
        witness: &InstitutionId,
        member: &InstitutionId,
        kind: &str,
    ) -> bool {
        let word = (witness.clone(), member.clone(), kind.to_owned());
        self.witnessed.contains(&word)
    }
}
