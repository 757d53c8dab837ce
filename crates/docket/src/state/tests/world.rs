//! A small network with keys, officers and tables, and one warrant walked to
//! any phase.

use std::collections::{BTreeMap, BTreeSet};

use primitives::{Digest, InstitutionId, PublicKey, SigningKey, TemplateId, TimeMs, WarrantId};

use crate::{
    Change, Charter, Duty, Header, Institution, OfficerId, Part, Record, Refusal, Role, Statement,
    charter::CharterLimits,
    state::{At, State},
    statement::{
        Asked, Attestation, Column, DatasetPublished, KeyCommitment, LookupKey, QuestionAsked,
        RulesChanged, SnapshotCommitted, StandingRule, Terms,
    },
};

pub(super) const DAY_MS: u64 = 24 * 3_600 * 1_000;
pub(super) const START_MS: TimeMs = 1_700_000_000_000;

/// How far a warrant was walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Published,
    Drafted,
    Issued,
    Asked,
    ApprovedByOne,
    Approved,
    InputsOfOne,
    Inputs,
    /// Of a joint question; others come from [`Phase::Inputs`] to [`Phase::Completed`].
    Counted,
    Completed,
    Disclosed,
}

/// A network in memory. `who` is `institution` for its node and
/// `institution/officer` for an officer.
#[derive(Clone)]
pub(super) struct World {
    pub(super) state: State,
    /// Whether the records that it makes are about a joint question.
    pub(super) joint: bool,
    pub(super) now_ms: TimeMs,
    pub(super) height: u64,
    pub(super) warrant: WarrantId,
    pub(super) draft: Digest,
    pub(super) issued: Digest,
    pub(super) question: Digest,
    pub(super) completed: Digest,
    pub(super) disclosed: Digest,
    /// The published table and its snapshot, by custodian.
    pub(super) datasets: BTreeMap<InstitutionId, Digest>,
    pub(super) snapshots: BTreeMap<InstitutionId, Digest>,
    /// The record of the standing rules, by custodian.
    pub(super) rules: BTreeMap<InstitutionId, Digest>,
    /// Every record that was accepted, with its block.
    pub(super) log: Vec<(Record, At)>,
}

pub(super) fn id(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

pub(super) fn officer(name: &str) -> OfficerId {
    OfficerId(id(name))
}

pub(super) fn digest(what: &str) -> Digest {
    Digest::of("test", &[what.as_bytes()])
}

pub(super) fn key(who: &str) -> SigningKey {
    SigningKey::from_seed(&Digest::of("test/key", &[who.as_bytes()]).0)
}

pub(super) fn part(label: &str, readers: &[&str]) -> Part {
    Part {
        label: label.into(),
        commitment: digest(label),
        readers: readers.iter().map(|name| id(name)).collect(),
        bytes: 1,
    }
}

pub(super) fn institution(name: &str, roles: &[Role]) -> Institution {
    Institution {
        id: id(name),
        name: name.to_uppercase(),
        roles: roles.iter().copied().collect(),
        node_key: key(name).public(),
        seal_key: PublicKey(digest(name).0),
        ledger_address: "127.0.0.1:1".into(),
        exchange_address: "127.0.0.1:2".into(),
    }
}

/// The members: `hybrid` has every role, so that only the separation of duties
/// stands between it and deciding its own case.
pub(super) fn charter() -> Charter {
    use Role::{Authority, Custodian, Overseer, Requester};
    Charter {
        name: "test".into(),
        founded_ms: START_MS,
        members: vec![
            institution("audit", &[Overseer]),
            institution("bank_a", &[Custodian]),
            institution("bank_b", &[Custodian]),
            institution("court", &[Authority]),
            institution("hybrid", &[Requester, Custodian, Authority]),
            institution("police", &[Requester]),
        ],
        limits: CharterLimits::default(),
    }
}

pub(super) const OFFICERS: &[(&str, &str, &[Duty])] = &[
    ("audit", "aud", &[Duty::Auditor]),
    ("bank_a", "app", &[Duty::Approver]),
    ("bank_a", "stew", &[Duty::Steward]),
    ("bank_b", "app", &[Duty::Approver]),
    ("court", "judge", &[Duty::Judge]),
    (
        "hybrid",
        "all",
        &[
            Duty::Investigator,
            Duty::Judge,
            Duty::Approver,
            Duty::Steward,
        ],
    ),
    ("police", "inv", &[Duty::Investigator]),
    ("police", "reg", &[Duty::Registrar]),
];

pub(super) fn dataset() -> DatasetPublished {
    DatasetPublished {
        dataset: "accounts".into(),
        table: "accounts".into(),
        columns: vec![Column {
            name: "account".into(),
            semantic: "account".into(),
            disclosure: "open".into(),
        }],
        keys: vec!["account".into()],
    }
}

pub(super) fn snapshot(dataset: Digest) -> SnapshotCommitted {
    SnapshotCommitted {
        dataset,
        root: digest("root"),
        rows: 1_000,
        rejected: 3,
        extracted_ms: START_MS,
        method: "csv".into(),
        keys: vec![LookupKey {
            name: "account".into(),
            commitment: digest("commitment"),
            salt: digest("salt"),
            bucket_bits: 0,
            distinct: 1_000,
        }],
    }
}

/// A rule as wide as the world's warrant, with a cap of its own.
pub(super) fn standing(answer_cap: u32) -> StandingRule {
    StandingRule {
        name: "standing".into(),
        template: TemplateId::new("identify").unwrap(),
        answer_cap,
        hops: 2,
        subjects: 12,
        computing: BTreeSet::new(),
    }
}

impl World {
    /// The network with its officers enrolled.
    pub(super) fn new() -> Self {
        Self::founded(charter())
    }

    /// The same under another charter.
    pub(super) fn founded(charter: Charter) -> Self {
        let mut world = Self {
            state: State::genesis(charter).unwrap(),
            joint: false,
            now_ms: START_MS,
            height: 1,
            warrant: WarrantId([7; 16]),
            draft: Digest::default(),
            issued: Digest::default(),
            question: Digest::default(),
            completed: Digest::default(),
            disclosed: Digest::default(),
            datasets: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            rules: BTreeMap::new(),
            log: Vec::new(),
        };
        for (institution, handle, duties) in OFFICERS {
            let statement = Statement::OfficerEnrolled {
                officer: officer(handle),
                key: key(&format!("{institution}/{handle}")).public(),
                duties: duties.iter().copied().collect(),
            };
            let record = world.record(institution, statement, &[], &[]);
            world.accept(&record);
        }
        world
    }

    /// A world whose warrant was walked to a phase.
    pub(super) fn at(phase: Phase) -> Self {
        Self::new().walked_to(phase)
    }

    /// The world with its warrant walked from the beginning to a phase.
    pub(super) fn walked_to(self, phase: Phase) -> Self {
        let mut world = self;
        for next in [
            Phase::Published,
            Phase::Drafted,
            Phase::Issued,
            Phase::Asked,
            Phase::ApprovedByOne,
            Phase::Approved,
            Phase::InputsOfOne,
            Phase::Inputs,
            Phase::Counted,
            Phase::Completed,
            Phase::Disclosed,
        ] {
            if next <= phase {
                world.walk(next);
            }
        }
        world
    }

    fn walk(&mut self, phase: Phase) {
        match phase {
            Phase::Published => {
                for name in ["bank_a", "bank_b", "hybrid"] {
                    let statement = Statement::DatasetPublished(dataset());
                    let published = self.record(name, statement, &[], &[]);
                    self.accept(&published);
                    let statement = Statement::SnapshotCommitted(snapshot(published.digest));
                    let committed = self.record(name, statement, &[published.digest], &[]);
                    self.accept(&committed);
                    self.datasets.insert(id(name), published.digest);
                    self.snapshots.insert(id(name), committed.digest);
                }
                for name in ["bank_a", "bank_b"] {
                    let record = self.change_rules(&format!("{name}/app"), vec![standing(100)]);
                    self.accept(&record);
                    self.rules.insert(id(name), record.digest);
                }
            }
            Phase::Drafted => self.draft = self.accept(&self.drafted()),
            Phase::Issued => self.issued = self.accept(&self.issue(self.terms())),
            Phase::Asked => self.question = self.accept(&self.ask(self.asked())),
            Phase::ApprovedByOne => _ = self.accept(&self.approve("bank_a/app", "bank_a")),
            Phase::Approved => _ = self.accept(&self.approve("bank_b/app", "bank_b")),
            Phase::InputsOfOne => _ = self.accept(&self.inputs("bank_a")),
            Phase::Inputs => {
                self.accept(&self.inputs("bank_b"));
                if self.joint {
                    self.accept(&self.inputs("court"));
                }
            }
            Phase::Counted if self.joint => _ = self.accept(&self.count(10, 1)),
            Phase::Counted => {}
            Phase::Completed => {
                self.completed = self.accept(&self.complete(self.attestations(), 2));
            }
            Phase::Disclosed => self.disclosed = self.accept(&self.disclose(10, &["police"])),
        }
    }

    pub(super) fn block(&self) -> At {
        At {
            height: self.height,
            time_ms: self.now_ms,
        }
    }

    pub(super) fn accept(&mut self, record: &Record) -> Digest {
        let at = self.block();
        self.state.apply(record, at).unwrap();
        self.log.push((record.clone(), at));
        self.height += 1;
        self.now_ms += 1;
        record.digest
    }

    /// The refusal of a record, after checking that it changed nothing.
    pub(super) fn refuse(&self, record: &Record) -> Refusal {
        let mut state = self.state.clone();
        let refusal = state
            .apply(record, self.block())
            .expect_err("the record is refused");
        assert!(state == self.state, "a refused record changed the state");
        refusal
    }

    pub(super) fn header(&self, who: &str, statement: Statement) -> Header {
        let (institution, handle) = match who.split_once('/') {
            Some((institution, handle)) => (institution, Some(officer(handle))),
            None => (who, None),
        };
        Header {
            network: self.state.network(),
            institution: id(institution),
            officer: handle,
            time_ms: self.now_ms,
            warrant: statement.is_of_case().then_some(self.warrant),
            follows: Vec::new(),
            parts: Vec::new(),
            statement,
        }
    }

    pub(super) fn record(
        &self,
        who: &str,
        statement: Statement,
        follows: &[Digest],
        parts: &[Part],
    ) -> Record {
        let header = Header {
            follows: follows.to_vec(),
            parts: parts.to_vec(),
            ..self.header(who, statement)
        };
        Record::sign(&header, &key(who)).unwrap()
    }

    /// The same record with its header changed, signed by `who`.
    pub(super) fn altered(
        &self,
        who: &str,
        record: &Record,
        change: impl FnOnce(&mut Header),
    ) -> Record {
        let mut header = record.header.clone();
        change(&mut header);
        Record::sign(&header, &key(who)).unwrap()
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            case: digest("case"),
            templates: BTreeSet::from([TemplateId::new("identify").unwrap()]),
            custodians: BTreeSet::from([id("bank_a"), id("bank_b")]),
            not_before_ms: START_MS,
            expires_ms: START_MS + 30 * DAY_MS,
            subjects: 12,
            scenes: if self.joint { 2 } else { 0 },
            hops: 2,
            answer_cap: 100,
            runs: 1,
        }
    }

    pub(super) fn drafted(&self) -> Record {
        self.draft_to("police/inv", "court", self.terms())
    }

    pub(super) fn draft_to(&self, who: &str, authority: &str, terms: Terms) -> Record {
        let requester = who.split('/').next().unwrap();
        let statement = Statement::WarrantDrafted {
            authority: id(authority),
            terms,
        };
        let readers: &[&str] = if requester == authority {
            &[requester]
        } else {
            &[authority, requester]
        };
        self.record(who, statement, &[], &[part("subjects", readers)])
    }

    pub(super) fn issue(&self, terms: Terms) -> Record {
        self.issue_by("court/judge", terms)
    }

    pub(super) fn issue_by(&self, who: &str, terms: Terms) -> Record {
        let authority = who.split('/').next().unwrap();
        let statement = Statement::WarrantIssued {
            draft: self.draft,
            terms: terms.clone(),
        };
        let mut readers: Vec<&str> = terms.custodians.iter().map(InstitutionId::as_str).collect();
        readers.push("police");
        let parts = [
            part("order", &readers),
            part("subjects", &[authority, "police"]),
        ];
        self.record(who, statement, &[self.draft], &parts)
    }

    pub(super) fn refuse_draft(&self, who: &str) -> Record {
        let statement = Statement::WarrantRefused { draft: self.draft };
        self.record(
            who,
            statement,
            &[self.draft],
            &[part("reason", &["police"])],
        )
    }

    pub(super) fn revoke(&self, who: &str) -> Record {
        let reason = part("reason", &["police"]);
        self.record(who, Statement::WarrantRevoked {}, &[self.issued], &[reason])
    }

    pub(super) fn asked(&self) -> QuestionAsked {
        let custodians = ["bank_a", "bank_b"].map(|name| Asked {
            institution: id(name),
            snapshots: vec![self.snapshots[&id(name)]],
        });
        QuestionAsked {
            warrant: self.issued,
            template: TemplateId::new("identify").unwrap(),
            plan: digest("plan"),
            custodians: custodians.to_vec(),
            hops: 1,
            answer_cap: 50,
            joint: self.joint.then(World::parties),
        }
    }

    pub(super) fn ask(&self, asked: QuestionAsked) -> Record {
        self.ask_by("police/inv", asked)
    }

    pub(super) fn ask_by(&self, who: &str, asked: QuestionAsked) -> Record {
        let mut follows = vec![asked.warrant];
        let mut readers = vec!["police"];
        let beside = asked.joint.iter().flat_map(|joint| &joint.owners);
        for one in asked.custodians.iter().chain(beside) {
            follows.extend(&one.snapshots);
            readers.push(one.institution.as_str());
        }
        let computing = asked.joint.iter().flat_map(|joint| &joint.computing);
        readers.extend(computing.map(InstitutionId::as_str));
        readers.sort_unstable();
        readers.dedup();
        let parts = [part("plan", &readers)];
        self.record(
            who,
            Statement::QuestionAsked(asked.clone()),
            &follows,
            &parts,
        )
    }

    pub(super) fn keys(&self, custodian: &str) -> Vec<KeyCommitment> {
        if self.joint {
            return Vec::new();
        }
        vec![KeyCommitment {
            snapshot: self
                .snapshots
                .get(&id(custodian))
                .copied()
                .unwrap_or_default(),
            key: "account".into(),
            step: 0,
            commitment: digest("tweaked"),
        }]
    }

    pub(super) fn approve(&self, who: &str, keys_of: &str) -> Record {
        let by_node = !who.contains('/');
        let statement = Statement::Approved {
            question: self.question,
            plan: digest("plan"),
            keys: self.keys(keys_of),
            by_rule: by_node.then(|| "standing".to_owned()),
        };
        let rules = by_node.then(|| self.rules.get(&id(who))).flatten();
        let follows: Vec<Digest> = [self.question].iter().chain(rules).copied().collect();
        self.record(who, statement, &follows, &[])
    }

    /// Rules in place of those that the world knows.
    pub(super) fn change_rules(&self, who: &str, rules: Vec<StandingRule>) -> Record {
        let institution = who.split('/').next().unwrap();
        let replaces = self.rules.get(&id(institution)).copied();
        let follows: Vec<Digest> = replaces.into_iter().collect();
        let statement = Statement::RulesChanged(RulesChanged { replaces, rules });
        self.record(who, statement, &follows, &[part("reason", &[institution])])
    }

    pub(super) fn pass_on(&self, who: &str, form: &str) -> Record {
        let statement = Statement::PassedOn {
            question: self.question,
            form: form.into(),
        };
        let reason = part("reason", &["police"]);
        self.record(who, statement, &[self.question], &[reason])
    }

    pub(super) fn witness(&self, who: &str, member: &str, kind: &str) -> Record {
        let statement = Statement::EquivocationWitnessed {
            member: id(member),
            kind: kind.into(),
        };
        self.record(who, statement, &[], &[part("evidence", &["audit"])])
    }

    pub(super) fn notice(&self, who: &str, told: u32, withheld: u32) -> Record {
        let statement = Statement::NoticeGiven { told, withheld };
        let reason = part("reason", &["police"]);
        self.record(who, statement, &[self.issued], &[reason])
    }

    pub(super) fn narrow(&self, who: &str, hops: u8, answer_cap: u32) -> Record {
        let statement = Statement::Narrowed {
            question: self.question,
            plan: digest("plan"),
            hops,
            answer_cap,
        };
        let reason = part("reason", &["police"]);
        self.record(who, statement, &[self.question], &[reason])
    }

    pub(super) fn decline(&self, who: &str) -> Record {
        let statement = Statement::Refused {
            question: self.question,
            plan: digest("plan"),
        };
        let reason = part("reason", &["police"]);
        self.record(who, statement, &[self.question], &[reason])
    }

    pub(super) fn inputs(&self, who: &str) -> Record {
        let custodian = who.split('/').next().unwrap();
        let statement = Statement::InputsCommitted {
            question: self.question,
            keys: self.keys(custodian),
            tables: if self.joint {
                self.tables()
            } else {
                Vec::new()
            },
        };
        self.record(who, statement, &[self.question], &[])
    }

    pub(super) fn attestation(&self, custodian: &str) -> Attestation {
        self.attestation_of(custodian, digest(custodian))
    }

    pub(super) fn attestation_of(&self, custodian: &str, transcript: Digest) -> Attestation {
        let message = Attestation::message(&self.question, &transcript);
        Attestation {
            institution: id(custodian),
            transcript,
            signature: key(custodian).sign(Attestation::DOMAIN, &message),
        }
    }

    pub(super) fn attestations(&self) -> Vec<Attestation> {
        if self.joint {
            return World::COMPUTING.map(|id| self.attestation(id)).to_vec();
        }
        vec![self.attestation("bank_a"), self.attestation("bank_b")]
    }

    pub(super) fn complete(&self, attestations: Vec<Attestation>, steps: usize) -> Record {
        let statement = Statement::RunCompleted {
            question: self.question,
            attestations,
            evaluated: vec![12; steps],
        };
        self.record("police", statement, &[self.question], &[])
    }

    pub(super) fn abort(&self, who: &str, blamed: Option<&str>) -> Record {
        let statement = Statement::RunAborted {
            question: self.question,
            cause: "timeout".into(),
            blamed: blamed.map(id),
            refused_by: None,
        };
        let evidence = part("evidence", &["police"]);
        let parts: &[Part] = if blamed.is_some() { &[evidence] } else { &[] };
        self.record(who, statement, &[self.question], parts)
    }

    pub(super) fn abort_for(&self, who: &str, refused_by: &str) -> Record {
        let statement = Statement::RunAborted {
            question: self.question,
            cause: "expired".into(),
            blamed: None,
            refused_by: Some(id(refused_by)),
        };
        self.record(who, statement, &[self.question], &[])
    }

    pub(super) fn disclose(&self, rows: u32, readers: &[&str]) -> Record {
        let statement = Statement::AnswerDisclosed {
            question: self.question,
            rows,
        };
        let follows = [self.question, self.completed];
        self.record(
            "police/inv",
            statement,
            &follows,
            &[part("answer", readers)],
        )
    }

    pub(super) fn export(&self, who: &str) -> Record {
        let statement = Statement::BundleExported {
            question: self.question,
            content: digest("content"),
        };
        self.record(who, statement, &[self.question], &[])
    }

    pub(super) fn consult(&self, subject: Digest, reader: &str) -> Record {
        let statement = Statement::Consulted {
            subject,
            reader: officer(reader),
            what: "docket".into(),
        };
        self.record("audit", statement, &[], &[])
    }

    pub(super) fn propose(&mut self, who: &str, change: Change) -> Digest {
        let record = self.record(who, Statement::ChangeProposed { change }, &[], &[]);
        self.accept(&record)
    }

    pub(super) fn vote(&self, who: &str, proposal: Digest, yes: bool) -> Record {
        self.record(
            who,
            Statement::ChangeVoted { proposal, yes },
            &[proposal],
            &[],
        )
    }

    /// Carries a change with the votes of the first members.
    pub(super) fn carry(&mut self, change: Change) {
        let proposal = self.propose("police", change);
        for voter in ["audit", "bank_a", "bank_b", "hybrid", "police"] {
            let record = self.vote(voter, proposal, true);
            self.accept(&record);
        }
    }
}
