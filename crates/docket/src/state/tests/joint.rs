//! Joint questions: their records, and whole walks of them.

use primitives::{Digest, WarrantId};

use super::world::{DAY_MS, Phase, START_MS, World, charter, digest, id, part, standing};
use crate::{
    Charter, Record, Refusal, Rule, Statement,
    charter::CharterLimits,
    state::{JOINT_WINDOW_MS, QuestionPhase},
    statement::{
        Asked, Attestation, Count, Joint, QuestionAsked, StandingRule, TableCommitment, Terms,
    },
};

impl World {
    /// Who computes the world's joint question, in the question's order, which is
    /// not the alphabet's.
    pub(super) const COMPUTING: [&'static str; 3] = ["court", "bank_b", "bank_a"];

    /// Who takes part in it beside the custodians: the authority, which computes and
    /// gives the warrant's subjects.
    pub(super) fn parties() -> Joint {
        Joint {
            computing: World::COMPUTING.map(id).to_vec(),
            owners: vec![Asked {
                institution: id("court"),
                snapshots: Vec::new(),
            }],
            count_only: false,
        }
    }

    /// A world whose warrant was walked to a phase of a joint question.
    pub(super) fn joint_at(phase: Phase) -> Self {
        let world = Self::new();
        Self {
            joint: true,
            ..world
        }
        .walked_to(phase)
    }

    pub(super) fn tables(&self) -> Vec<TableCommitment> {
        let table = |name: &str| TableCommitment {
            table: name.into(),
            rows: 64,
            shares: ["a", "b", "c"].map(digest).to_vec(),
        };
        vec![table("sightings"), table("phones")]
    }

    /// The three's words for a count.
    pub(super) fn counted(&self, count: Count, computing: &[&str]) -> Vec<Attestation> {
        let said = count.transcript(&self.question);
        let by = computing.iter();
        by.map(|id| self.attestation_of(id, said)).collect()
    }

    pub(super) fn count(&self, rows: u64, withheld: u64) -> Record {
        let count = Count { rows, withheld };
        self.count_by("police", count, self.counted(count, &World::COMPUTING))
    }

    pub(super) fn count_by(
        &self,
        who: &str,
        count: Count,
        attestations: Vec<Attestation>,
    ) -> Record {
        let statement = Statement::CountOpened {
            question: self.question,
            count,
            attestations,
        };
        self.record(who, statement, &[self.question], &[])
    }

    fn phase(&self) -> QuestionPhase {
        self.state.warrant(&self.warrant).unwrap().questions[&self.question].phase
    }

    /// The question asked anew with something else about who takes part.
    fn asked_with(&self, change: impl FnOnce(&mut QuestionAsked)) -> Record {
        let mut asked = self.asked();
        change(&mut asked);
        self.ask(asked)
    }
}

#[test]
fn a_joint_question_walks_from_draft_to_bundle() {
    let mut w = World::joint_at(Phase::Disclosed);
    w.accept(&w.export("police/inv"));
    let warrant = w.state.warrant(&w.warrant).unwrap();
    assert_eq!(warrant.spent, 1);
    // Draft, order, question, 2 approvals, 3 inputs, count, run, answer, bundle.
    assert_eq!(warrant.records.len(), 12);
    let question = &warrant.questions[&w.question];
    assert_eq!(question.phase, QuestionPhase::Completed);
    assert_eq!(
        question.count,
        Some(Count {
            rows: 10,
            withheld: 1
        })
    );
    assert_eq!(question.tables[&id("court")], w.tables());
    assert_eq!(question.tables.len(), 3);
    assert!(question.bound() && question.approved_by_all());
    assert_eq!(question.seat(&id("court")), Some(0));
    assert_eq!(question.seat(&id("police")), None);
    assert!(question.takes_part(&id("bank_a")) && !question.takes_part(&id("police")));
}

#[test]
fn a_rule_covers_a_joint_question_where_it_names_all_who_compute() {
    let w = World::joint_at(Phase::Asked);
    let under = |computing: &[&str]| {
        let mut w = w.clone();
        let rule = StandingRule {
            computing: computing.iter().copied().map(id).collect(),
            ..standing(100)
        };
        let rules = w.accept(&w.change_rules("bank_a/app", vec![rule]));
        w.rules.insert(id("bank_a"), rules);
        w
    };
    let [first, second, third] = World::COMPUTING;
    for named in [
        &[][..],
        &[first, second],
        &[second, third],
        &[first, second, "hybrid"],
    ] {
        let w = under(named);
        let refused = w.refuse(&w.approve("bank_a", "bank_a"));
        assert_eq!(refused.rule, Rule::StandingRule, "{named:?}");
    }
    for named in [&World::COMPUTING[..], &[third, "hybrid", second, first]] {
        let mut w = under(named);
        w.accept(&w.approve("bank_a", "bank_a"));
    }
}

#[test]
fn scenes_alone_are_enough_and_then_the_authority_gives_no_table() {
    let mut w = World::joint_at(Phase::Published);
    let terms = Terms {
        subjects: 0,
        ..w.terms()
    };
    w.draft = w.accept(&w.draft_to("police/inv", "court", terms.clone()));
    w.issued = w.accept(&w.issue(terms));
    assert_eq!(w.refuse(&w.ask(w.asked())).rule, Rule::Joint);
    let mut asked = w.asked();
    asked.joint.as_mut().unwrap().owners.clear();
    w.question = w.accept(&w.ask(asked));
    w.accept(&w.approve("bank_a/app", "bank_a"));
    w.accept(&w.approve("bank_b/app", "bank_b"));
    w.accept(&w.inputs("bank_b"));
    assert_eq!(w.refuse(&w.inputs("court")).rule, Rule::KeyMismatch);
    assert_eq!(w.refuse(&w.count(1, 0)).rule, Rule::InputsMissing);
    w.accept(&w.inputs("bank_a"));
    w.accept(&w.count(1, 0));
    assert_eq!(w.phase(), QuestionPhase::Running);
}

#[test]
fn a_requester_gives_a_table_of_its_own() {
    let mut w = World::joint_at(Phase::Published);
    w.draft = w.accept(&w.draft_to("hybrid/all", "court", w.terms()));
    let issue = w.issue(w.terms());
    w.issued = w.accept(&w.altered("court/judge", &issue, |h| {
        for part in &mut h.parts {
            part.readers.retain(|reader| *reader != id("police"));
        }
    }));
    let own = |snapshots: Vec<Digest>| Asked {
        institution: id("hybrid"),
        snapshots,
    };
    let ask = |w: &World, owner: Asked| {
        let mut asked = w.asked();
        asked.joint.as_mut().unwrap().owners.push(owner);
        let record = w.ask_by("hybrid/all", asked);
        w.altered("hybrid/all", &record, |h| {
            h.parts[0].readers.retain(|reader| *reader != id("police"));
        })
    };
    let snapshot = w.snapshots[&id("hybrid")];
    let of_another = w.snapshots[&id("bank_a")];
    for (snapshots, rule) in [
        (vec![], Rule::Joint),
        (vec![of_another], Rule::SnapshotUnknown),
        (vec![snapshot, snapshot], Rule::SnapshotUnknown),
    ] {
        assert_eq!(w.refuse(&ask(&w, own(snapshots))).rule, rule);
    }
    let record = ask(&w, own(vec![snapshot]));
    let stray = w.altered("hybrid/all", &record, |h| {
        h.follows.retain(|digest| *digest != snapshot);
    });
    assert_eq!(w.refuse(&stray).rule, Rule::Follows);
    w.question = w.accept(&record);
    w.accept(&w.approve("bank_a/app", "bank_a"));
    w.accept(&w.approve("bank_b/app", "bank_b"));
    for owner in ["hybrid", "bank_a", "court"] {
        w.accept(&w.inputs(owner));
    }
    let count = Count {
        rows: 2,
        withheld: 0,
    };
    let counted = |w: &World| w.count_by("hybrid", count, w.counted(count, &World::COMPUTING));
    assert_eq!(w.refuse(&counted(&w)).rule, Rule::InputsMissing);
    w.accept(&w.inputs("bank_b"));
    w.accept(&counted(&w));
}

/// Nothing of a question that ended with its count can be opened any more.
fn ended(mut w: World, count: &Record) {
    w.accept(count);
    assert_eq!(w.phase(), QuestionPhase::Counted);
    assert_eq!(
        w.refuse(&w.complete(w.attestations(), 0)).rule,
        Rule::AlreadyDecided
    );
    let disclose = w.altered("police/inv", &w.disclose(10, &["police"]), |h| {
        _ = h.follows.pop();
    });
    assert_eq!(w.refuse(&disclose).rule, Rule::AnswerUnknown);
    assert_eq!(
        w.refuse(&w.export("police/inv")).rule,
        Rule::AnswerUnknown,
        "there is no answer to export"
    );
    assert_eq!(
        w.refuse(&w.abort("bank_a", None)).rule,
        Rule::AlreadyDecided
    );
    assert_eq!(w.refuse(&w.inputs("bank_a")).rule, Rule::AlreadyDecided);
    // The run is spent.
    assert_eq!(w.state.warrant(&w.warrant).unwrap().spent, 1);
    assert_eq!(w.refuse(&w.ask(w.asked())).rule, Rule::Budget);
}

#[test]
fn a_count_above_the_cap_or_of_nothing_ends_the_question() {
    let w = World::joint_at(Phase::Inputs);
    for rows in [0, 51, u64::MAX] {
        ended(w.clone(), &w.count(rows, 0));
    }
    let mut at_the_cap = w.clone();
    at_the_cap.accept(&w.count(50, u64::MAX));
    assert_eq!(at_the_cap.phase(), QuestionPhase::Running);
    at_the_cap.completed = at_the_cap.accept(&w.complete(w.attestations(), 0));
    at_the_cap.accept(&at_the_cap.disclose(50, &["police"]));
}

#[test]
fn where_the_count_alone_was_asked_for_it_ends_the_question() {
    let mut w = World::joint_at(Phase::Issued);
    w.question = w.accept(&w.asked_with(|q| q.joint.as_mut().unwrap().count_only = true));
    w.accept(&w.approve("bank_a/app", "bank_a"));
    w.accept(&w.approve("bank_b/app", "bank_b"));
    for owner in ["bank_a", "bank_b", "court"] {
        w.accept(&w.inputs(owner));
    }
    ended(w.clone(), &w.count(10, 0));
}

#[test]
fn a_warrant_revoked_between_count_and_answer_opens_nothing() {
    let mut w = World::joint_at(Phase::Counted);
    w.accept(&w.revoke("court/judge"));
    assert_eq!(
        w.refuse(&w.complete(w.attestations(), 0)).rule,
        Rule::Revoked
    );
    w.accept(&w.abort("bank_a", None));
    assert_eq!(w.phase(), QuestionPhase::Aborted);
}

#[test]
fn whoever_computes_can_abort_refuse_and_be_blamed() {
    let mut w = World::joint_at(Phase::Issued);
    // The court gives no table here; it only computes.
    w.question = w.accept(&w.asked_with(|q| q.joint.as_mut().unwrap().owners.clear()));
    for (who, blamed) in [("court", None), ("police", Some("court"))] {
        w.clone().accept(&w.abort(who, blamed));
    }
    for (who, refused_by) in [("court", "court"), ("police", "court")] {
        w.clone().accept(&w.abort_for(who, refused_by));
    }
    assert_eq!(
        w.refuse(&w.abort_for("police", "hybrid")).rule,
        Rule::NotAsked
    );
    let both = w.altered("police", &w.abort("police", Some("court")), |header| {
        if let Statement::RunAborted { refused_by, .. } = &mut header.statement {
            *refused_by = Some(id("court"));
        }
    });
    assert_eq!(w.refuse(&both).rule, Rule::Format);
    assert_eq!(w.refuse(&w.abort("audit", None)).rule, Rule::NotAsked);
    assert_eq!(
        w.refuse(&w.abort("police", Some("hybrid"))).rule,
        Rule::NotAsked
    );
}

/// A network where two joint runs are allowed, with a wide warrant.
fn bounded() -> World {
    let charter = Charter {
        limits: CharterLimits {
            joint_runs_max: 2,
            ..CharterLimits::default()
        },
        ..charter()
    };
    let mut w = World {
        joint: true,
        ..World::founded(charter)
    }
    .walked_to(Phase::Published);
    warranted(&mut w, 1);
    w
}

/// Another warrant of the police, over all who hold tables.
fn warranted(w: &mut World, number: u8) {
    w.warrant = WarrantId([number; 16]);
    let mut terms = w.terms();
    terms.custodians.insert(id("hybrid"));
    terms.runs = 5;
    terms.expires_ms = START_MS + 90 * DAY_MS;
    w.draft = w.accept(&w.draft_to("police/inv", "court", terms.clone()));
    w.issued = w.accept(&w.issue(terms));
}

/// A question over two custodians' tables, that they and the court compute.
fn ask_of(w: &World, custodians: [&str; 2]) -> Record {
    w.asked_with(|asked| {
        asked.custodians = custodians
            .map(|name| Asked {
                institution: id(name),
                snapshots: vec![w.snapshots[&id(name)]],
            })
            .to_vec();
        let joint = asked.joint.as_mut().unwrap();
        joint.computing = ["court", custodians[0], custodians[1]].map(id).to_vec();
    })
}

fn approver(name: &str) -> String {
    format!("{name}/{}", if name == "hybrid" { "all" } else { "app" })
}

fn approved(w: &mut World, custodians: [&str; 2]) {
    w.question = w.accept(&ask_of(w, custodians));
    for name in custodians {
        w.accept(&w.approve(&approver(name), name));
    }
}

/// A run that begins and is aborted: it counts as any other, and once, however many
/// give tables. Returns when it began.
fn run(w: &mut World, custodians: [&str; 2]) -> u64 {
    approved(w, custodians);
    let begun_ms = w.now_ms;
    for owner in [custodians[1], "court", custodians[0]] {
        w.accept(&w.inputs(owner));
    }
    w.accept(&w.abort(custodians[0], None));
    begun_ms
}

/// What no further joint question gets of a custodian.
pub(super) fn joint_budget_cases() -> Vec<Refusal> {
    let mut w = bounded();
    let first_ms = run(&mut w, ["bank_a", "bank_b"]);
    w.now_ms += DAY_MS;
    // Another warrant, another question, and one custodian in common.
    warranted(&mut w, 2);
    run(&mut w, ["bank_a", "hybrid"]);
    let mut out = vec![
        w.refuse(&ask_of(&w, ["bank_a", "bank_b"])),
        w.refuse(&ask_of(&w, ["bank_a", "hybrid"])),
    ];
    warranted(&mut w, 3);
    out.push(w.refuse(&ask_of(&w, ["bank_a", "bank_b"])));
    // Two questions may be open at once; where one run is left, one begins.
    approved(&mut w, ["bank_b", "hybrid"]);
    let waiting = w.question;
    approved(&mut w, ["bank_b", "hybrid"]);
    w.accept(&w.inputs("hybrid"));
    // One that has begun goes on.
    w.accept(&w.inputs("court"));
    w.question = waiting;
    out.push(w.refuse(&w.inputs("bank_b")));
    out.push(w.refuse(&w.inputs("court")));
    // The last moment at which the first run counts.
    w.now_ms = first_ms + JOINT_WINDOW_MS;
    out.push(w.refuse(&ask_of(&w, ["bank_a", "hybrid"])));
    out.push(w.refuse(&ask_of(&w, ["bank_a", "bank_b"])));
    out
}

#[test]
fn joint_runs_age_out_and_are_anothers_no_concern() {
    let mut w = bounded();
    let first_ms = run(&mut w, ["bank_a", "bank_b"]);
    w.now_ms += DAY_MS;
    run(&mut w, ["bank_a", "bank_b"]);
    assert_eq!(
        w.refuse(&ask_of(&w, ["bank_a", "bank_b"])).rule,
        Rule::Budget
    );
    // Lookups are not counted.
    w.clone().accept(&w.asked_with(|asked| asked.joint = None));
    // Nor what another requester has had computed.
    let mut other = w.clone();
    other.warrant = WarrantId([9; 16]);
    other.draft = other.accept(&other.draft_to("hybrid/all", "court", other.terms()));
    let record = other.altered("court/judge", &other.issue(other.terms()), |h| {
        h.parts = vec![
            part("order", &["bank_a", "bank_b"]),
            part("subjects", &["court", "hybrid"]),
        ];
    });
    other.issued = other.accept(&record);
    let record = other.ask_by("hybrid/all", other.asked());
    other.accept(&other.altered("hybrid/all", &record, |h| {
        h.parts[0].readers.retain(|reader| *reader != id("police"));
    }));
    // Thirty days after the first there is room for one.
    w.now_ms = first_ms + JOINT_WINDOW_MS;
    assert_eq!(
        w.refuse(&ask_of(&w, ["bank_a", "bank_b"])).rule,
        Rule::Budget
    );
    // By its own time, whatever the block's: who replays the records has no blocks.
    let early = ask_of(&w, ["bank_a", "bank_b"]);
    w.now_ms += 1;
    assert_eq!(w.refuse(&early).rule, Rule::Budget);
    run(&mut w, ["bank_a", "bank_b"]);
    assert_eq!(
        w.refuse(&ask_of(&w, ["bank_a", "bank_b"])).rule,
        Rule::Budget
    );
}
