//! A small network on paper: four institutions, a log, and one case played on it.
//!
//! Its validators sign whatever they are told, so that the tests can put illegal
//! records on the ledger; the verifier must not believe even a corrupt quorum.

use std::collections::{BTreeMap, BTreeSet};

use docket::body::{Opened, Order, Reason, Scene, Subject, Subjects, Window};
use docket::charter::{Card, Change, CharterLimits};
use docket::passkey::{authenticator::Authenticator, challenge};
use docket::plan::{
    Answer, AnswerRow, AnswerTable, Cell, JointProof, Leak, Origin, Parameters, Plan,
    PlanCustodian, PlanTable, Source, Step,
};
use docket::statement::{
    Asked, Attestation, Column, DatasetPublished, KeyCommitment, LookupKey, QuestionAsked,
    RulesChanged, SnapshotCommitted, StandingRule, Statement, Terms,
};
use docket::transcript::{Seen, run_transcript};
use docket::{Charter, Duty, Header, Institution, OfficerId, Record, Role};
use mpc::lookup::{Label, Scope};
use primitives::semantic::{Selector, Semantic};
use primitives::{Digest, InstitutionId, PublicKey, SigningKey, TemplateId, WarrantId};
use proof::{Checkpoint, Cosignature, Receipt, SignedCheckpoint, Tree, leaf_hash};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::archive;
use crate::blind::blinded;
use crate::content::Content;
use crate::manifest::{MANIFEST, Manifest, SIGNATURE};
use crate::{Draft, Lookup, Refused, links, select};

use super::lookup_world::{Table, target};

pub(crate) const START_MS: u64 = 1_764_000_000_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;
const ANSWER_CAP: u32 = 30_000;
const PHONE: &str = "158 1291 3979";
pub(crate) const TELECOMS: [&str; 2] = ["telecom_a", "telecom_b"];
pub(crate) const FOUNDERS: [&str; 4] = ["police", "procuratorate", "telecom_a", "telecom_b"];

pub(crate) fn id(text: &str) -> InstitutionId {
    InstitutionId::new(text).unwrap()
}

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&Digest::of("test key", &[name.as_bytes()]).0)
}

pub(crate) fn asserted(authenticator: &Authenticator, header: &Header) -> Record {
    let passkey = authenticator.passkey();
    let message = header.to_be_signed(&passkey.id()).unwrap();
    let assertion = authenticator.assert(&challenge(&message));
    Record::assemble_asserted(header, &passkey, &assertion).unwrap()
}

/// How a case departs from the lawful one.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The custodians that approve.
    pub(crate) approving: Vec<&'static str>,
    /// How long the warrant lives.
    pub(crate) life_ms: u64,
    /// How long the custodians take to approve.
    pub(crate) wait_ms: u64,
    /// The holder in the answer's row.
    pub(crate) holder: &'static str,
    /// Whether the authority revokes before the custodians approve.
    pub(crate) revoked: bool,
    /// Who signs the approval of the first telecom.
    pub(crate) approver: &'static str,
    /// The second telecom's rules are changed to this cap before they approve.
    pub(crate) rule_cap: Option<u32>,
    /// The snapshot that the answer's row names is of this custodian.
    pub(crate) origin: &'static str,
    /// Rows of the answer.
    pub(crate) rows: u32,
    /// The phone that the order's blinded subject is.
    pub(crate) blinded: &'static str,
    /// What the warrant allows to ask.
    pub(crate) template: &'static str,
    /// The order's scenes.
    pub(crate) scenes: Vec<Scene>,
    /// The scenes that requester and authority have beside the subjects.
    pub(crate) own_scenes: Vec<Scene>,
    /// How many scenes the warrant says there are.
    pub(crate) scenes_said: u32,
    /// Whether the answer of lookups has parts of a joint one.
    pub(crate) parts: bool,
    /// Whether the lookups take place, and a bundle shows them.
    pub(crate) rooted: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            approving: TELECOMS.to_vec(),
            life_ms: 24 * HOUR_MS,
            wait_ms: 1_000,
            holder: "<李>",
            revoked: false,
            approver: "telecom_a/approver-1",
            rule_cap: None,
            origin: "telecom_a",
            rows: 1,
            blinded: PHONE,
            template: "identify",
            scenes: Vec::new(),
            own_scenes: Vec::new(),
            scenes_said: 0,
            parts: false,
            rooted: false,
        }
    }
}

/// The log and the keys.
pub(crate) struct World {
    pub(crate) charter: Charter,
    pub(crate) records: Vec<Record>,
    pub(crate) tree: Tree,
    pub(crate) now_ms: u64,
    /// The passkeys of those who have one, by `institution/officer`.
    pub(crate) passkeys: BTreeMap<String, Authenticator>,
    /// The record of the standing rules, by custodian.
    pub(crate) rules: BTreeMap<InstitutionId, Digest>,
    /// Validators in office, with the size of the log when they took it.
    pub(crate) epochs: Vec<(u64, Vec<&'static str>)>,
}

/// What a case left behind.
pub(crate) struct Played {
    pub(crate) warrant: WarrantId,
    pub(crate) question: Digest,
    pub(crate) bodies: Vec<(Digest, Opened)>,
    pub(crate) lookups: Vec<Lookup>,
}

impl World {
    /// A founded network whose officers are enrolled and whose telecoms have snapshots.
    pub(crate) fn founded() -> Self {
        Self::founded_with(&[])
    }

    /// The same, with passkeys for the officers named; the procuratorate has two
    /// registrars, who enrol them.
    pub(crate) fn founded_with(passkeys: &[&str]) -> Self {
        Self::founded_by(FOUNDERS.map(institution).to_vec(), passkeys)
    }

    pub(crate) fn founded_by(mut members: Vec<Institution>, passkeys: &[&str]) -> Self {
        members.sort_by(|a, b| a.id.cmp(&b.id));
        let charter = Charter {
            name: "测试网络".into(),
            founded_ms: START_MS,
            members,
            limits: CharterLimits::default(),
        };
        let mut world = Self {
            charter,
            records: Vec::new(),
            tree: Tree::new(),
            now_ms: START_MS,
            passkeys: BTreeMap::new(),
            rules: BTreeMap::new(),
            epochs: vec![(0, FOUNDERS.to_vec())],
        };
        if !passkeys.is_empty() {
            for registrar in ["registrar-1", "registrar-2"] {
                world.enrol(&format!("procuratorate/{registrar}"), Duty::Registrar);
            }
        }
        for (at, duty) in [
            ("police/investigator-1", Duty::Investigator),
            ("procuratorate/judge-1", Duty::Judge),
            ("telecom_a/approver-1", Duty::Approver),
            ("telecom_b/approver-1", Duty::Approver),
            ("telecom_b/unused-1", Duty::Steward),
        ] {
            if passkeys.contains(&at) {
                world.enrol_passkey(at, duty);
            } else {
                world.enrol(at, duty);
            }
        }
        // The second in place of the first, which approves nothing here.
        let first = world.change_rules("telecom_b/approver-1", None, 10);
        world.change_rules("telecom_b/approver-1", Some(first), ANSWER_CAP);
        world
    }

    /// Puts one standing rule in force.
    pub(crate) fn change_rules(
        &mut self,
        who: &str,
        replaces: Option<Digest>,
        answer_cap: u32,
    ) -> Digest {
        let (institution, _) = who.split_once('/').unwrap();
        let reason = Opened::new(&Reason {
            text: "the usual questions".into(),
        })
        .unwrap();
        let rule = StandingRule {
            name: "up to 100 subjects".into(),
            template: TemplateId::new("identify").unwrap(),
            answer_cap,
            hops: 1,
            subjects: 100,
            computing: BTreeSet::new(),
        };
        let statement = Statement::RulesChanged(RulesChanged {
            replaces,
            rules: vec![rule],
        });
        let parts = vec![reason.part(vec![id(institution)])];
        let record = self.put(who, None, replaces.into_iter().collect(), parts, statement);
        self.rules.insert(id(institution), record);
        record
    }

    /// Enrols an officer's key by the node's one word.
    fn enrol(&mut self, at: &str, duty: Duty) {
        let (institution, officer) = at.split_once('/').unwrap();
        let statement = Statement::OfficerEnrolled {
            officer: OfficerId(id(officer)),
            key: key(at).public(),
            duties: BTreeSet::from([duty]),
        };
        self.put(institution, None, Vec::new(), Vec::new(), statement);
    }

    /// Enrols an officer's passkey by two words: the registrars', or the node's where
    /// there is none.
    fn enrol_passkey(&mut self, at: &str, duty: Duty) {
        let (institution, officer) = at.split_once('/').unwrap();
        let origin = format!("https://console.{}.example", institution.replace('_', "-"));
        let authenticator = Authenticator::es256(at, &origin);
        let statement = Statement::OfficerProposed {
            officer: OfficerId(id(officer)),
            credential: authenticator.credential(),
            duties: BTreeSet::from([duty]),
        };
        let words = match institution {
            "procuratorate" => ["procuratorate/registrar-1", "procuratorate/registrar-2"],
            node => [node, node],
        };
        let proposal = self.put(words[0], None, Vec::new(), Vec::new(), statement);
        let statement = Statement::OfficerConfirmed { proposal };
        self.put(words[1], None, vec![proposal], Vec::new(), statement);
        self.passkeys.insert(at.into(), authenticator);
    }

    /// Signs a record as `who` (`institution` or `institution/officer`) and logs it.
    pub(crate) fn put(
        &mut self,
        who: &str,
        warrant: Option<WarrantId>,
        follows: Vec<Digest>,
        parts: Vec<docket::Part>,
        statement: Statement,
    ) -> Digest {
        self.now_ms += 1_000;
        let (institution, officer) = who
            .split_once('/')
            .map_or((who, None), |(i, o)| (i, Some(o)));
        let header = Header {
            network: self.charter.network().unwrap(),
            institution: id(institution),
            officer: officer.map(|officer| OfficerId(id(officer))),
            time_ms: self.now_ms,
            warrant,
            follows,
            parts,
            statement,
        };
        let record = match self.passkeys.get(who) {
            Some(authenticator) => asserted(authenticator, &header),
            None => Record::sign(&header, &key(who)).unwrap(),
        };
        self.log(record)
    }

    /// Logs whatever record it is given.
    pub(crate) fn log(&mut self, record: Record) -> Digest {
        self.tree.append(leaf_hash(&record.bytes));
        self.records.push(record);
        self.records[self.records.len() - 1].digest
    }

    /// Admits a bank by the votes of three members; it takes office at once.
    pub(crate) fn admit_bank(&mut self) {
        let bank = institution("bank_a");
        let change = Change::Admit(Card::sign(bank, &key("bank_a")).unwrap());
        let statement = Statement::ChangeProposed { change };
        let proposal = self.put("police", None, Vec::new(), Vec::new(), statement);
        for voter in ["police", "procuratorate", "telecom_a"] {
            let vote = Statement::ChangeVoted {
                proposal,
                yes: true,
            };
            self.put(voter, None, vec![proposal], Vec::new(), vote);
        }
        let members = [&FOUNDERS[..], &["bank_a"]].concat();
        self.epochs.push((self.tree.size(), members));
    }

    /// A checkpoint of the first `size` records, cosigned by all of an epoch but one.
    pub(crate) fn signed(&self, epoch: usize, size: u64) -> SignedCheckpoint {
        let origin = proof::origin(&self.charter.network().unwrap());
        let root = self.tree.root_at(size).unwrap();
        let checkpoint = Checkpoint::new(origin, size, root).unwrap();
        let time_s = self.now_ms / 1000 + 1;
        let cosign =
            |name: &&str| Cosignature::sign(&checkpoint, &id(name), &key(name), time_s).unwrap();
        let cosignatures = self.epochs[epoch].1[1..].iter().map(cosign).collect();
        SignedCheckpoint::new(epoch as u64, checkpoint, cosignatures).unwrap()
    }

    /// Receipts for these records: by the validators in office, and for a record
    /// that changed them by those who left.
    pub(crate) fn receipts(&self, indices: impl Iterator<Item = u64>) -> Vec<Receipt> {
        indices
            .map(|index| {
                let handover = self
                    .epochs
                    .iter()
                    .skip(1)
                    .position(|(size, _)| index + 1 == *size);
                let (epoch, size) = match handover {
                    Some(epoch) => (epoch, index + 1),
                    None => (self.epochs.len() - 1, self.tree.size()),
                };
                let path = self.tree.inclusion(index, size).unwrap();
                Receipt::new(index, path, self.signed(epoch, size)).unwrap()
            })
            .collect()
    }

    pub(crate) fn chain(&self, receipts: &[Receipt]) -> Vec<Vec<Digest>> {
        let path = |(old, new)| self.tree.consistency(old, new).unwrap();
        links(receipts).into_iter().map(path).collect()
    }

    /// Publishes and snapshots a telecom's subscribers; returns the snapshot's record.
    pub(crate) fn snapshot(&mut self, telecom: &str) -> Digest {
        self.snapshot_with(
            telecom,
            LookupKey {
                name: "phone".into(),
                commitment: Digest::plain(b"key"),
                salt: Digest::plain(b"salt"),
                bucket_bits: 2,
                distinct: 990,
            },
        )
    }

    fn snapshot_with(&mut self, telecom: &str, key: LookupKey) -> Digest {
        let column = |name: &str, semantic: &str| Column {
            name: name.into(),
            semantic: semantic.into(),
            disclosure: "open".into(),
        };
        let dataset = Statement::DatasetPublished(DatasetPublished {
            dataset: "subscribers".into(),
            table: "subscribers".into(),
            columns: vec![
                column("phone", "phone"),
                column("holder", "text"),
                column("opened", "timestamp"),
            ],
            keys: vec!["phone".into()],
        });
        let dataset = self.put(telecom, None, Vec::new(), Vec::new(), dataset);
        let statement = Statement::SnapshotCommitted(SnapshotCommitted {
            dataset,
            root: Digest::plain(telecom.as_bytes()),
            rows: 1_000,
            rejected: 3,
            extracted_ms: self.now_ms,
            method: "csv".into(),
            keys: vec![key],
        });
        self.put(telecom, None, vec![dataset], Vec::new(), statement)
    }

    /// Plays a case from draft to disclosure.
    pub(crate) fn play(&mut self, options: &Options) -> Played {
        let tables = options.rooted.then(|| subscribers(options));
        let snapshots = match &tables {
            None => TELECOMS.map(|telecom| self.snapshot(telecom)),
            Some(tables) => tables
                .each_ref()
                .map(|table| self.snapshot_with(table.of.as_str(), table.lookup_key("phone"))),
        };
        let warrant = WarrantId(*b"sixteen bytes id");
        let (issued, mut bodies) = self.order(warrant, options);
        let plan = Plan {
            rooted: options.rooted,
            ..plan(warrant, snapshots)
        };
        let opened_plan = Opened::new(&plan).unwrap();
        let question = self.ask(warrant, issued, &plan, &opened_plan, snapshots);
        bodies.push((question, opened_plan));
        if options.revoked {
            let reason = Opened::new(&Reason {
                text: "withdrawn".into(),
            })
            .unwrap();
            let parts = vec![reason.part(vec![id("police")])];
            let revoked = Statement::WarrantRevoked {};
            self.put(
                "procuratorate/judge-1",
                Some(warrant),
                vec![issued],
                parts,
                revoked,
            );
        }
        self.now_ms += options.wait_ms;
        if let Some(cap) = options.rule_cap {
            let known = self.rules.get(&id("telecom_b")).copied();
            self.change_rules("telecom_b/approver-1", known, cap);
        }
        let keys = |snapshot| {
            let at = snapshots.iter().position(|known| *known == snapshot);
            let table = tables.as_ref().zip(at).map(|(tables, at)| &tables[at]);
            vec![KeyCommitment {
                snapshot,
                key: "phone".into(),
                step: 0,
                commitment: table.map_or(Digest::plain(b"tk"), Table::commitment),
            }]
        };
        for (telecom, snapshot) in TELECOMS.iter().zip(snapshots) {
            if !options.approving.contains(telecom) {
                continue;
            }
            let by_hand = *telecom == "telecom_a";
            let approved = Statement::Approved {
                question,
                plan: plan.digest().unwrap(),
                keys: keys(snapshot),
                by_rule: (!by_hand).then(|| "up to 100 subjects".into()),
            };
            let who = if by_hand { options.approver } else { telecom };
            let rules = self.rules.get(&id(telecom)).filter(|_| !by_hand).copied();
            let follows = [question].into_iter().chain(rules).collect();
            self.put(who, Some(warrant), follows, Vec::new(), approved);
        }
        for (telecom, snapshot) in TELECOMS.iter().zip(snapshots) {
            let inputs = Statement::InputsCommitted {
                question,
                keys: keys(snapshot),
                tables: Vec::new(),
            };
            self.put(telecom, Some(warrant), vec![question], Vec::new(), inputs);
        }
        let mut seen = TELECOMS.map(|_| Digest::plain(b"transcript"));
        let mut lookups = Vec::new();
        if let Some(tables) = &tables {
            let scope = Scope {
                network: self.charter.network().unwrap(),
                warrant: issued,
                plan: plan.digest().unwrap(),
                run: question,
            };
            lookups = looked_up(tables, scope, snapshots, &mut seen);
        }
        let attestations = TELECOMS.iter().zip(seen).map(|(telecom, transcript)| {
            let message = Attestation::message(&question, &transcript);
            Attestation {
                institution: id(telecom),
                transcript,
                signature: key(telecom).sign(Attestation::DOMAIN, &message),
            }
        });
        let completed = Statement::RunCompleted {
            question,
            attestations: attestations.collect(),
            evaluated: vec![1],
        };
        let completed = self.put(
            "police",
            Some(warrant),
            vec![question],
            Vec::new(),
            completed,
        );
        bodies.push(self.disclose(warrant, question, completed, options, snapshots));
        Played {
            warrant,
            question,
            bodies,
            lookups,
        }
    }

    /// Draft and order; returns the order's record and bodies.
    pub(crate) fn order(
        &mut self,
        warrant: WarrantId,
        options: &Options,
    ) -> (Digest, Vec<(Digest, Opened)>) {
        let terms = Terms {
            case: Digest::plain(b"case"),
            templates: BTreeSet::from([TemplateId::new(options.template).unwrap()]),
            custodians: TELECOMS.iter().map(|telecom| id(telecom)).collect(),
            not_before_ms: self.now_ms,
            expires_ms: self.now_ms + options.life_ms,
            subjects: 1,
            scenes: options.scenes_said,
            hops: 1,
            answer_cap: ANSWER_CAP,
            runs: 1,
        };
        let subjects = Opened::new(&Subjects {
            scenes: options.own_scenes.clone(),
            ..subjects_of(PHONE)
        })
        .unwrap();
        let readers = vec![id("police"), id("procuratorate")];
        let drafted = Statement::WarrantDrafted {
            authority: id("procuratorate"),
            terms: terms.clone(),
        };
        let parts = vec![subjects.part(readers.clone())];
        let draft = self.put(
            "police/investigator-1",
            Some(warrant),
            Vec::new(),
            parts,
            drafted,
        );
        let order = Opened::new(&Order {
            basis: "刑事诉讼法 <第136条>".into(),
            window: window(),
            blinded: blinded(&subjects_of(options.blinded)).unwrap(),
            scenes: options.scenes.clone(),
        })
        .unwrap();
        let everyone = FOUNDERS.iter().map(|name| id(name)).collect();
        let parts = vec![order.part(everyone), subjects.part(readers)];
        let statement = Statement::WarrantIssued { draft, terms };
        let judge = "procuratorate/judge-1";
        let issued = self.put(judge, Some(warrant), vec![draft], parts, statement);
        (issued, vec![(issued, order), (issued, subjects)])
    }

    fn ask(
        &mut self,
        warrant: WarrantId,
        issued: Digest,
        plan: &Plan,
        opened: &Opened,
        snapshots: [Digest; 2],
    ) -> Digest {
        let asked = TELECOMS
            .iter()
            .zip(snapshots)
            .map(|(telecom, snapshot)| Asked {
                institution: id(telecom),
                snapshots: vec![snapshot],
            });
        let statement = Statement::QuestionAsked(QuestionAsked {
            warrant: issued,
            template: plan.template.clone(),
            plan: plan.digest().unwrap(),
            custodians: asked.collect(),
            hops: plan.hops,
            answer_cap: plan.answer_cap,
            joint: None,
        });
        let readers = ["police", "telecom_a", "telecom_b"].map(id).to_vec();
        let follows = [&[issued], &snapshots[..]].concat();
        let parts = vec![opened.part(readers)];
        self.put(
            "police/investigator-1",
            Some(warrant),
            follows,
            parts,
            statement,
        )
    }

    fn disclose(
        &mut self,
        warrant: WarrantId,
        question: Digest,
        completed: Digest,
        options: &Options,
        snapshots: [Digest; 2],
    ) -> (Digest, Opened) {
        let origin = TELECOMS
            .iter()
            .position(|telecom| *telecom == options.origin);
        let row = |number: u32| AnswerRow {
            cells: vec![
                Cell::Text("+8615812913979".into()),
                Cell::Text(options.holder.into()),
                Cell::Int(1_500_000_000_000 + i64::from(number)),
            ],
            origins: vec![Origin {
                institution: id(options.origin),
                snapshot: origin.map_or(Digest::plain(b"elsewhere"), |at| snapshots[at]),
            }],
        };
        let answer = Answer {
            question,
            template: TemplateId::new("identify").unwrap(),
            tables: vec![AnswerTable {
                step: 0,
                table: "subscribers".into(),
                columns: columns(),
                rows: (0..options.rows).map(row).collect(),
            }],
            joint: options.parts.then(|| JointProof { parts: Vec::new() }),
        };
        let opened = Opened::new(&answer).unwrap();
        let parts = vec![opened.part(vec![id("police")])];
        let statement = Statement::AnswerDisclosed {
            question,
            rows: options.rows,
        };
        let follows = vec![question, completed];
        let record = self.put(
            "police/investigator-1",
            Some(warrant),
            follows,
            parts,
            statement,
        );
        (record, opened)
    }

    /// The draft of a bundle about a case that was played, and what it selected.
    pub(crate) fn draft(&self, played: &Played) -> Draft {
        let chosen = select(&self.records, &played.question).unwrap();
        let records = chosen
            .iter()
            .map(|at| (*at as u64, self.records[*at].clone()));
        let (charter, bodies) = (self.charter.clone(), played.bodies.clone());
        let lookups = played.lookups.clone();
        Draft::new(charter, played.question, records.collect(), bodies, lookups).unwrap()
    }

    /// Puts the export of this content on the ledger; returns its index and record.
    pub(crate) fn export(&mut self, played: &Played, content: Digest) -> (u64, Record) {
        let statement = Statement::BundleExported {
            question: played.question,
            content,
        };
        let who = "police/investigator-1";
        self.put(
            who,
            Some(played.warrant),
            vec![played.question],
            Vec::new(),
            statement,
        );
        let index = self.tree.size() - 1;
        (index, self.records[self.records.len() - 1].clone())
    }

    /// Exports a bundle as an honest node does.
    pub(crate) fn bundle(&mut self, played: &Played) -> Result<Vec<u8>, Refused> {
        let draft = self.draft(played);
        let export = self.export(played, draft.content().unwrap());
        let receipts = self.receipts(draft.indices().chain([export.0]));
        let chain = self.chain(&receipts);
        draft.finish(export, receipts, chain, &key("police"))
    }

    /// Exports what an exporter who checks nothing would, without the read files:
    /// the verifier must refuse before it comes to them.
    pub(crate) fn forged(&mut self, played: &Played) -> Vec<u8> {
        let draft = self.draft(played);
        let export = self.export(played, draft.content().unwrap());
        let indices: Vec<_> = draft.indices().chain([export.0]).collect();
        let receipts = self.receipts(indices.iter().copied());
        let records = indices
            .iter()
            .map(|at| self.records[usize::try_from(*at).unwrap()].clone());
        let records: Vec<Record> = records.collect();
        let number = |digest| {
            records
                .iter()
                .position(|record| record.digest == digest)
                .unwrap()
                + 1
        };
        let bodies = played.bodies.iter();
        let content = Content {
            charter: self.charter.clone(),
            bodies: bodies
                .map(|(of, opened)| (number(*of), opened.clone()))
                .collect(),
            lookups: played.lookups.clone(),
            chain: self.chain(&receipts),
            records,
            receipts,
        };
        seal(&content, played)
    }
}

/// The subscribers of both telecoms, of whom the first has the subject.
fn subscribers(options: &Options) -> [Table; 2] {
    let mut rng = StdRng::seed_from_u64(3);
    let mut number = 0u32;
    TELECOMS.map(|telecom| {
        number += 1;
        let others = (0..20u32).map(|other| format!("1390000{number:01}{other:03}"));
        let first = (telecom == options.origin).then(|| PHONE.to_owned());
        let labels = first.into_iter().chain(others).map(|phone| {
            let selector = Selector::new(Semantic::Phone, &phone).unwrap();
            let row = vec![
                Cell::Text(selector.value().into()),
                Cell::Text(options.holder.into()),
                Cell::Int(1_500_000_000_000),
            ];
            let label = Label {
                rows: vec![primitives::cbor::encode(&row).unwrap()],
                derived: Vec::new(),
            };
            (selector.to_input(), label)
        });
        Table::new(telecom, 0, labels.collect(), &mut rng)
    })
}

/// Looks the subject up at both telecoms: what shows it, and what each signs.
fn looked_up(
    tables: &[Table; 2],
    scope: Scope,
    snapshots: [Digest; 2],
    seen: &mut [Digest; 2],
) -> Vec<Lookup> {
    let mut rng = StdRng::seed_from_u64(4);
    let targets: Vec<_> = subjects_of(PHONE).subjects.iter().map(target).collect();
    let mut lookups = Vec::new();
    for ((table, snapshot), seen) in tables.iter().zip(snapshots).zip(seen) {
        let context = table.context(scope, snapshot);
        let opened = table.lookup(context, targets.clone(), &mut rng);
        let transcript = opened.transcript;
        let (step, part) = (0, 0);
        let all = vec![Seen {
            step,
            snapshot,
            part,
            transcript,
        }];
        *seen = run_transcript(&scope.run, all).unwrap();
        lookups.push(Lookup {
            step,
            institution: table.of.clone(),
            snapshot,
            part,
            shown: opened.shown.unwrap(),
        });
    }
    lookups
}

/// Lists, signs with the exporter's own key and packs whatever the content is.
pub(crate) fn seal(content: &Content, played: &Played) -> Vec<u8> {
    let mut files = content.files().unwrap();
    resign(&mut files, content.charter.network().unwrap(), played)
}

/// Lists and signs files again, as an exporter can, and packs them.
pub(crate) fn resign(
    files: &mut archive::Files,
    network: primitives::NetworkId,
    played: &Played,
) -> Vec<u8> {
    files.remove(MANIFEST);
    files.remove(SIGNATURE);
    let manifest = Manifest::of(
        files,
        network,
        played.warrant,
        played.question,
        id("police"),
    );
    files.insert(SIGNATURE.into(), manifest.sign(&key("police")));
    files.insert(MANIFEST.into(), manifest.render());
    archive::write(files).unwrap()
}

pub(crate) fn window() -> Window {
    Window {
        from_ms: START_MS - 1_000 * HOUR_MS,
        to_ms: START_MS,
    }
}

fn subjects_of(phone: &str) -> Subjects {
    let mut blind = [0; 32];
    blind[0] = 7;
    Subjects {
        case: "2025-001".into(),
        reason: "fraud".into(),
        basis: "Criminal Procedure Law art. 136".into(),
        window: window(),
        subjects: vec![Subject {
            selector: Selector::new(Semantic::Phone, phone).unwrap(),
            blind: Digest(blind),
        }],
        scenes: Vec::new(),
    }
}

fn columns() -> Vec<String> {
    ["phone", "holder", "opened"].map(String::from).to_vec()
}

pub(crate) fn plan(warrant: WarrantId, snapshots: [Digest; 2]) -> Plan {
    let custodians = TELECOMS
        .iter()
        .zip(snapshots)
        .map(|(telecom, snapshot)| PlanCustodian {
            institution: id(telecom),
            tables: vec![PlanTable {
                table: "subscribers".into(),
                dataset: "subscribers".into(),
                snapshot,
                keys: vec!["phone".into()],
            }],
        });
    Plan {
        warrant,
        template: TemplateId::new("identify").unwrap(),
        parameters: Parameters::default(),
        requester: id("police"),
        custodians: custodians.collect(),
        window: window(),
        hops: 1,
        answer_cap: ANSWER_CAP,
        bucket_keys: 256,
        selectors_max: 100,
        steps: vec![Step {
            table: "subscribers".into(),
            key: "phone".into(),
            sources: vec![Source::Subjects(Semantic::Phone)],
            hop: 1,
            min_amount_minor: None,
            columns: columns(),
            derive: Vec::new(),
        }],
        leaks: vec![Leak::SelectorCount, Leak::Buckets],
        joint: None,
        rooted: false,
    }
}

pub(crate) fn institution(name: &str) -> Institution {
    let roles: &[Role] = match name {
        "police" => &[Role::Requester],
        "procuratorate" => &[Role::Authority, Role::Overseer],
        _ => &[Role::Custodian],
    };
    Institution {
        id: id(name),
        name: format!("{name} & co"),
        roles: roles.iter().copied().collect(),
        node_key: key(name).public(),
        seal_key: PublicKey(Digest::of("seal", &[name.as_bytes()]).0),
        ledger_address: "127.0.0.1:7000".into(),
        exchange_address: "127.0.0.1:7001".into(),
    }
}
