//! Random sequences of records, sensible and hostile, by random actors at
//! random times: whatever is accepted keeps the design's rules, judged by a
//! naive reading of the list of accepted records that shares no code with the
//! state machine.

use std::collections::BTreeSet;

use primitives::{Digest, NetworkId, TemplateId, WarrantId};
use proptest::prelude::*;

use super::{
    audit::{Audit, JOINT_RUNS_MAX},
    world::{OFFICERS, Phase, World, charter, digest, id, key, part, standing},
};
use crate::{
    Charter, Record, Statement,
    charter::CharterLimits,
    state::{Decision, Question, QuestionPhase, WarrantPhase},
    statement::{Asked, Count, Joint, QuestionAsked, Terms},
};

const MINUTE_MS: u64 = 60_000;
const STEPS: usize = 90;
const NODES: &[&str] = &["audit", "bank_a", "bank_b", "court", "hybrid", "police"];

/// Splitmix64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn actor(&mut self) -> String {
        if self.one_in(2) {
            return (*self.pick(NODES)).to_owned();
        }
        let (institution, handle, _) = self.pick(OFFICERS);
        format!("{institution}/{handle}")
    }
}

/// One docket as the play knows it.
#[derive(Clone)]
struct Docket {
    warrant: WarrantId,
    draft: Digest,
    issued: Digest,
    questions: Vec<(Digest, Digest)>,
}

struct Play {
    dice: Dice,
    world: World,
    dockets: Vec<Docket>,
}

impl Play {
    fn new(seed: u64) -> Self {
        let dockets = (1..=3_u8)
            .map(|number| Docket {
                warrant: WarrantId([number; 16]),
                draft: digest("draft"),
                issued: digest("issued"),
                questions: Vec::new(),
            })
            .collect();
        let limits = CharterLimits {
            joint_runs_max: JOINT_RUNS_MAX,
            ..CharterLimits::default()
        };
        let world = World::founded(Charter {
            limits,
            ..charter()
        });
        Self {
            dice: Dice(seed),
            world: world.walked_to(Phase::Published),
            dockets,
        }
    }

    /// Plays one record; true where it was accepted.
    fn turn(&mut self) -> bool {
        let minutes = if self.dice.one_in(12) { 500 } else { 20 };
        self.world.now_ms += self.dice.next() % (minutes * MINUTE_MS);
        // One docket goes far, so that what comes late in a case is reached.
        let first = self.dice.one_in(2);
        let place = if first {
            0
        } else {
            self.dice.below(self.dockets.len())
        };
        self.aim(place);
        let mut record = if self.dice.one_in(3) {
            self.wild()
        } else {
            self.sensible(place)
        };
        if self.dice.one_in(4) {
            record = self.bend(&record);
        }
        if self.dice.one_in(15) && !self.world.log.is_empty() {
            record = self.dice.pick(&self.world.log).0.clone();
        }
        let at = self.world.block();
        let mut state = self.world.state.clone();
        if state.apply(&record, at).is_err() {
            assert!(
                state == self.world.state,
                "a refused record changed the state"
            );
            return false;
        }
        Audit(&self.world.log).check(&record, at);
        self.world.accept(&record);
        self.learn(&record);
        true
    }

    /// How many joint runs the police has begun over each bank's tables.
    fn begun(&self) -> Vec<usize> {
        let warrants = self.world.state.warrants();
        let ran: Vec<&Question> = warrants
            .filter(|(_, warrant)| warrant.requester == id("police"))
            .flat_map(|(_, warrant)| warrant.questions.values())
            .filter(|question| question.joint.is_some() && !question.inputs.is_empty())
            .collect();
        let over = |name: &str| {
            let of = |one: &Asked| one.institution == id(name);
            let over = ran.iter().filter(|q| q.custodians.iter().any(of));
            over.count()
        };
        vec![over("bank_a"), over("bank_b")]
    }

    /// Points the world's builders at a docket, now and then at parts of others.
    fn aim(&mut self, place: usize) {
        let mut docket = self.dockets[place].clone();
        if self.dice.one_in(10) {
            let other = self.dice.pick(&self.dockets).clone();
            match self.dice.below(4) {
                0 => docket.warrant = other.warrant,
                1 => docket.draft = other.draft,
                2 => docket.issued = other.issued,
                _ => docket.questions = other.questions,
            }
        }
        let world = &mut self.world;
        world.warrant = docket.warrant;
        world.draft = docket.draft;
        world.issued = docket.issued;
        let last = docket.questions.len().saturating_sub(1);
        let chosen = if self.dice.one_in(8) {
            self.dice.below(last + 1)
        } else {
            last
        };
        (world.question, world.completed) = docket
            .questions
            .get(chosen)
            .copied()
            .unwrap_or((digest("question"), digest("completed")));
        let known = world.state.warrant(&world.warrant);
        let known = known.and_then(|warrant| warrant.questions.get(&world.question));
        world.joint = known.is_some_and(|question| question.joint.is_some());
        if self.dice.one_in(20) {
            self.world.joint = !self.world.joint;
        }
    }

    fn learn(&mut self, record: &Record) {
        if let Statement::RulesChanged(_) = record.header.statement {
            let institution = record.header.institution.clone();
            self.world.rules.insert(institution, record.digest);
        }
        let Some(docket) = self
            .dockets
            .iter_mut()
            .find(|docket| Some(docket.warrant) == record.header.warrant)
        else {
            return;
        };
        match &record.header.statement {
            Statement::WarrantDrafted { .. } => docket.draft = record.digest,
            Statement::WarrantIssued { .. } => docket.issued = record.digest,
            Statement::QuestionAsked(_) => {
                docket.questions.push((record.digest, digest("completed")));
            }
            Statement::RunCompleted { question, .. } => {
                for known in &mut docket.questions {
                    if known.0 == *question {
                        known.1 = record.digest;
                    }
                }
            }
            _ => {}
        }
    }

    fn terms(&mut self) -> Terms {
        let mut terms = self.world.terms();
        terms.not_before_ms = self.world.now_ms + self.dice.next() % (30 * MINUTE_MS);
        terms.expires_ms = terms.not_before_ms + (1 + self.dice.next() % 40) * 60 * MINUTE_MS;
        terms.runs = u32::try_from(1 + self.dice.below(2)).unwrap();
        if self.dice.one_in(3) {
            terms.custodians.remove(&id("bank_b"));
        }
        if self.dice.one_in(8) {
            terms.custodians.insert(id("hybrid"));
        }
        terms.scenes = u32::try_from(self.dice.below(3)).unwrap();
        if self.dice.one_in(6) {
            terms.subjects = 0;
        }
        terms
    }

    /// Who takes part in a joint question over these custodians, mostly as it should
    /// be.
    fn parties(&mut self, custodians: &[Asked]) -> Joint {
        let warrant = self.world.state.warrant(&self.world.warrant);
        let (authority, subjects) = warrant.map_or((id("court"), 0), |warrant| {
            (warrant.authority.clone(), warrant.terms.subjects)
        });
        let mut computing = vec![authority.clone()];
        computing.extend(custodians.iter().map(|one| one.institution.clone()));
        computing.truncate(3);
        if self.dice.one_in(10) {
            let name = *self.dice.pick(NODES);
            let place = self.dice.below(computing.len());
            computing[place] = id(name);
        }
        let beside = if self.dice.one_in(10) {
            let name: &&str = self.dice.pick(NODES);
            id(name)
        } else {
            authority
        };
        let snapshots = if self.dice.one_in(10) {
            self.world.snapshots.get(&beside).copied()
        } else {
            None
        };
        let gives = subjects > 0 && !self.dice.one_in(3) || self.dice.one_in(10);
        let owner = gives.then(|| Asked {
            institution: beside,
            snapshots: snapshots.into_iter().collect(),
        });
        Joint {
            computing,
            owners: owner.into_iter().collect(),
            count_only: self.dice.one_in(4),
        }
    }

    fn question(&mut self) -> QuestionAsked {
        self.world.joint = false;
        let mut asked = self.world.asked();
        if let Some(warrant) = self.world.state.warrant(&self.world.warrant)
            && !self.dice.one_in(6)
        {
            let named = warrant.terms.custodians.clone();
            asked
                .custodians
                .retain(|one| named.contains(&one.institution));
        }
        let three = asked.custodians.len() >= 2 && !self.dice.one_in(3);
        if three || self.dice.one_in(20) {
            asked.joint = Some(self.parties(&asked.custodians));
        } else if self.dice.one_in(3) {
            asked.custodians.truncate(1);
        }
        if self.dice.one_in(8) {
            asked.hops = u8::try_from(self.dice.below(5)).unwrap();
        }
        if self.dice.one_in(8) {
            asked.answer_cap = u32::try_from(self.dice.below(200)).unwrap();
        }
        if self.dice.one_in(12) {
            asked.template = TemplateId::new("follow-the-money").unwrap();
        }
        asked
    }

    /// What would come next in the docket.
    fn sensible(&mut self, place: usize) -> Record {
        let state = self.world.state.clone();
        let Some(warrant) = state.warrant(&self.dockets[place].warrant) else {
            let authority = if self.dice.one_in(4) {
                "hybrid"
            } else {
                "court"
            };
            let terms = self.terms();
            let drafter = if self.dice.one_in(8) {
                "hybrid/all"
            } else {
                "police/inv"
            };
            return self.world.draft_to(drafter, authority, terms);
        };
        if warrant.phase == WarrantPhase::Drafted {
            let judge = if warrant.authority == id("court") {
                "court/judge"
            } else {
                "hybrid/all"
            };
            if self.dice.one_in(8) {
                return self.world.refuse_draft(judge);
            }
            return self.world.issue_by(judge, warrant.terms.clone());
        }
        if self.dice.one_in(40) {
            return self.world.revoke("court/judge");
        }
        let Some(question) = warrant.questions.get(&self.world.question) else {
            let asked = self.question();
            return self.world.ask(asked);
        };
        let world = &self.world;
        let names: Vec<&str> = question
            .custodians
            .iter()
            .map(|one| one.institution.as_str())
            .collect();
        let name = *self.dice.pick(&names);
        match question.phase {
            QuestionPhase::Open if !question.approved_by_all() => {
                let approved = |name: &&&str| {
                    matches!(
                        question.decisions.get(&id(name)),
                        Some(Decision::Approved(_))
                    )
                };
                let name = *names.iter().find(|name| !approved(name)).unwrap_or(&name);
                let approver = format!("{name}/app");
                match self.dice.below(20) {
                    0 => world.narrow(&approver, 1, 1),
                    1 => world.decline(&approver),
                    2 => world.approve(name, name),
                    _ => world.approve(&approver, name),
                }
            }
            QuestionPhase::Open => world.inputs(name),
            QuestionPhase::Running => self.run(question),
            QuestionPhase::Completed if question.disclosed.is_empty() => {
                let counted = question.count.map(|count| u32::try_from(count.rows));
                let rows = counted.map_or(question.answer_cap, Result::unwrap);
                world.disclose(rows, &["police"])
            }
            QuestionPhase::Completed if self.dice.one_in(2) => match self.dice.below(3) {
                0 => world.pass_on("police/inv", "csv"),
                1 => world.notice("police/inv", 3, 1),
                _ => world.export("police/inv"),
            },
            _ => {
                let asked = self.question();
                self.world.ask(asked)
            }
        }
    }

    /// What would come next in a run.
    fn run(&mut self, question: &Question) -> Record {
        let owners: Vec<&str> = question.owners().map(|id| id.as_str()).collect();
        let due: Vec<&str> = question
            .owners()
            .filter(|id| !question.inputs.contains(*id))
            .map(|id| id.as_str())
            .collect();
        if !due.is_empty() && !self.dice.one_in(4) {
            let name = *self.dice.pick(&due);
            return self.world.inputs(name);
        }
        if self.dice.one_in(25) {
            let name = *self.dice.pick(&owners);
            return self.world.abort(name, None);
        }
        let Some(joint) = &question.joint else {
            let by = owners.iter().map(|name| self.world.attestation(name));
            return self.world.complete(by.collect(), 1);
        };
        let computing: Vec<&str> = joint.computing.iter().map(|id| id.as_str()).collect();
        if question.count.is_none() && !self.dice.one_in(6) {
            let count = Count {
                rows: self.dice.next() % (5 * u64::from(question.answer_cap) / 4 + 2),
                withheld: self.dice.next() % 3,
            };
            let words = self.world.counted(count, &computing);
            return self.world.count_by("police", count, words);
        }
        let by = computing.iter().map(|name| self.world.attestation(name));
        let by: Vec<_> = match question.count {
            // What was signed for the count, again.
            Some(count) if self.dice.one_in(8) => self.world.counted(count, &computing),
            _ => by.collect(),
        };
        self.world.complete(by, 1)
    }

    /// Any record by anybody.
    fn wild(&mut self) -> Record {
        let who = self.dice.actor();
        let custodian = *self.dice.pick(&["bank_a", "bank_b", "hybrid"]);
        let terms = self.terms();
        let asked = self.question();
        let rows = u32::try_from(self.dice.below(120)).unwrap();
        let blamed = self.dice.one_in(2).then_some(custodian);
        let kind = self.dice.below(20);
        let world = &self.world;
        let record = match kind {
            0 => world.draft_to(&who, custodian, terms),
            1 => world.draft_to(&who, "court", terms),
            2 => world.issue_by(&who, terms),
            3 => world.refuse_draft(&who),
            4 => world.revoke(&who),
            5 => world.ask_by(&who, asked),
            6 | 7 => world.approve(&who, custodian),
            8 => world.narrow(&who, 1, rows),
            9 => world.decline(&who),
            10 | 11 => world.inputs(&who),
            12 => world.complete(vec![world.attestation(custodian)], 1),
            13 => world.abort(&who, blamed),
            14 => world.disclose(rows, &["police"]),
            16 => world.change_rules(&who, vec![standing(rows)]),
            17 => world.pass_on(&who, "csv"),
            18 => world.notice(&who, rows, 0),
            19 => world.count(u64::from(rows), 0),
            _ => world.export(&who),
        };
        let retire = kind == 15 && self.dice.one_in(10);
        if retire {
            let key = key("police/inv").public().into();
            return self
                .world
                .record("police", Statement::OfficerRetired { key }, &[], &[]);
        }
        record
    }

    /// The record with one thing wrong, signed by whoever it says or by another.
    fn bend(&mut self, record: &Record) -> Record {
        let mut header = record.header.clone();
        let known: Vec<Digest> = self
            .world
            .log
            .iter()
            .map(|(record, _)| record.digest)
            .collect();
        match self.dice.below(9) {
            0 => header.time_ms += self.dice.next() % (20 * MINUTE_MS),
            1 => header.time_ms -= self.dice.next() % (20 * MINUTE_MS),
            2 => header.follows.clear(),
            3 => header.follows.push(*self.dice.pick(&known)),
            4 => header.warrant = Some(self.dice.pick(&self.dockets).warrant),
            5 => {
                let name: &&str = self.dice.pick(NODES);
                header.institution = id(name);
            }
            6 => header.officer = None,
            7 => header
                .parts
                .push(part("plan", &["audit", "bank_b", "hybrid"])),
            _ => header.network = NetworkId(digest("other")),
        }
        let who = match (&header.institution, &header.officer) {
            _ if self.dice.one_in(4) => self.dice.actor(),
            (institution, None) => institution.to_string(),
            (institution, Some(officer)) => format!("{institution}/{officer}"),
        };
        Record::sign(&header, &key(&who)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_accepted_sequence_breaks_a_rule(seed in any::<u64>()) {
        let mut play = Play::new(seed);
        for _ in 0..STEPS {
            play.turn();
        }
    }
}

/// The play is worth its time only if it reaches every kind of record.
#[test]
fn the_play_reaches_every_step_of_a_case() {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut accepted = 0;
    for seed in 0..48 {
        let mut play = Play::new(seed);
        accepted += (0..STEPS).filter(|_| play.turn()).count();
        reached.extend(play.world.log.iter().map(|(record, _)| record.kind()));
        let warrants = play.world.state.warrants();
        for question in warrants.flat_map(|(_, warrant)| warrant.questions.values()) {
            if question.joint.is_some() && !question.disclosed.is_empty() {
                reached.insert("a joint answer");
            }
            if question.phase == QuestionPhase::Counted {
                reached.insert("an end by a count");
            }
        }
        if play.begun().contains(&(JOINT_RUNS_MAX as usize)) {
            reached.insert("all joint runs");
        }
    }
    for kind in [
        "warrant-drafted",
        "warrant-issued",
        "warrant-refused",
        "warrant-revoked",
        "question-asked",
        "approved",
        "narrowed",
        "refused",
        "inputs-committed",
        "count-opened",
        "run-completed",
        "run-aborted",
        "answer-disclosed",
        "bundle-exported",
        "rules-changed",
        "passed-on",
        "notice-given",
        "a joint answer",
        "an end by a count",
        "all joint runs",
    ] {
        assert!(reached.contains(kind), "no play reached {kind}");
    }
    assert!(
        accepted > 48 * STEPS / 10,
        "only {accepted} records were accepted"
    );
}
