//! What the rules with many faces refuse.

use std::collections::BTreeSet;

use primitives::{
    Digest, TemplateId, WarrantId,
    limits::{FOLLOWS_MAX, MEMBERS_MAX},
};

use super::super::world::{
    DAY_MS, Phase, World, dataset, digest, id, institution, key, officer, part, snapshot, standing,
};
use crate::{
    Change, Duty, Opened, Part, Record, Refusal, Role, Statement,
    body::Reason,
    charter::Card,
    state::{PROPOSALS_MAX, RULES_MAX, STEPS_MAX},
    statement::{QuestionAsked, StandingRule, Terms},
};

pub(super) fn reason() -> Opened {
    Opened::new(&Reason {
        text: "because".into(),
    })
    .unwrap()
}

pub(super) fn signer_unknown_cases() -> Vec<Refusal> {
    let mut w = World::at(Phase::Published);
    let draft = w.drafted();
    let mut out = vec![
        w.refuse(&w.altered("police/nobody", &draft, |_| {})),
        w.refuse(&w.record(
            "police",
            Statement::OfficerRetired {
                key: key("bank_a/app").public().into(),
            },
            &[],
            &[],
        )),
    ];
    let retire = Statement::OfficerRetired {
        key: key("police/inv").public().into(),
    };
    w.accept(&w.record("police/reg", retire, &[], &[]));
    out.push(w.refuse(&draft));
    let asked = World::at(Phase::Asked);
    out.push(asked.refuse(&asked.consult(asked.question, "nobody")));
    out
}

pub(super) fn duty_cases() -> Vec<Refusal> {
    let published = World::at(Phase::Published);
    let drafted = World::at(Phase::Drafted);
    let issued = World::at(Phase::Issued);
    let asked = World::at(Phase::Asked);
    let approved = World::at(Phase::Approved);
    let inputs = World::at(Phase::Inputs);
    let completed = World::at(Phase::Completed);
    let enrol = |who: &str, duty| {
        let statement = Statement::OfficerEnrolled {
            officer: officer("new"),
            key: key("new").public(),
            duties: BTreeSet::from([duty]),
        };
        published.refuse(&published.record(who, statement, &[], &[]))
    };
    let none = Statement::OfficerEnrolled {
        officer: officer("new"),
        key: key("new").public(),
        duties: BTreeSet::new(),
    };
    let publish = |who: &str| {
        published.refuse(&published.record(who, Statement::DatasetPublished(dataset()), &[], &[]))
    };
    vec![
        published.refuse(&published.draft_to("police", "court", published.terms())),
        published.refuse(&published.draft_to("police/reg", "court", published.terms())),
        published.refuse(&published.draft_to("bank_a/app", "court", published.terms())),
        published.refuse(&published.draft_to("police/inv", "audit", published.terms())),
        enrol("police", Duty::Judge),
        enrol("police/inv", Duty::Investigator),
        enrol("police/reg", Duty::Approver),
        published.refuse(&published.record("police", none, &[], &[])),
        publish("police"),
        publish("police/inv"),
        publish("bank_a/app"),
        drafted.refuse(&drafted.issue_by("court", drafted.terms())),
        drafted.refuse(&drafted.issue_by("police/inv", drafted.terms())),
        drafted.refuse(&drafted.refuse_draft("bank_a/app")),
        issued.refuse(&issued.revoke("police/inv")),
        issued.refuse(&issued.ask_by("police", issued.asked())),
        issued.refuse(&issued.ask_by("court/judge", issued.asked())),
        asked.refuse(&asked.approve("police/inv", "bank_a")),
        asked.refuse(&asked.approve("court/judge", "bank_a")),
        asked.refuse(&asked.approve("bank_a/stew", "bank_a")),
        asked.refuse(&by_hand_by_a_node(&asked)),
        asked.refuse(&asked.narrow("bank_a", 1, 1)),
        asked.refuse(&asked.change_rules("bank_a", vec![standing(1)])),
        asked.refuse(&asked.change_rules("bank_a/stew", vec![standing(1)])),
        asked.refuse(&asked.change_rules("police/inv", vec![standing(1)])),
        asked.refuse(&asked.notice("police", 1, 0)),
        asked.refuse(&asked.notice("court", 1, 0)),
        asked.refuse(&asked.notice("bank_a/app", 1, 0)),
        approved.refuse(&approved.inputs("bank_a/app")),
        inputs.refuse(&inputs.altered(
            "police/inv",
            &inputs.complete(inputs.attestations(), 1),
            |h| h.officer = Some(officer("inv")),
        )),
        inputs.refuse(&inputs.abort("bank_a/app", None)),
        completed.refuse(
            &completed.altered("police", &completed.disclose(1, &["police"]), |h| {
                h.officer = None
            }),
        ),
        asked.refuse(
            &asked.altered("audit/aud", &asked.consult(asked.question, "aud"), |h| {
                h.officer = Some(officer("aud"));
            }),
        ),
    ]
}

/// Approvals that no rule covers, and rules that can't stand.
pub(super) fn standing_rule_cases() -> Vec<Refusal> {
    let w = World::at(Phase::Asked);
    let bare = World::new();
    let after = |rules: Vec<StandingRule>| {
        let mut w = w.clone();
        let record = w.change_rules("bank_a/app", rules);
        let record = w.accept(&record);
        w.rules.insert(id("bank_a"), record);
        w.refuse(&w.approve("bank_a", "bank_a"))
    };
    let other_template = TemplateId::new("follow-the-money").unwrap();
    let rename = |name: &str| StandingRule {
        name: name.into(),
        ..standing(100)
    };
    let change = |rules: Vec<StandingRule>| w.refuse(&w.change_rules("bank_a/app", rules));
    let mut stale = w.clone();
    stale.accept(&stale.change_rules("bank_a/app", vec![standing(50)]));
    let mut out = vec![
        after(vec![]),
        after(vec![rename("another")]),
        after(vec![standing(49)]),
        after(vec![StandingRule {
            template: other_template,
            ..standing(100)
        }]),
        after(vec![StandingRule {
            subjects: 11,
            ..standing(100)
        }]),
        stale.refuse(&stale.change_rules("bank_a/app", vec![standing(70)])),
        change(vec![standing(1), standing(2)]),
        change(vec![standing(0)]),
        change(vec![StandingRule {
            hops: 0,
            ..standing(1)
        }]),
        change(vec![StandingRule {
            subjects: 0,
            ..standing(1)
        }]),
        bare.refuse(
            &bare.altered("bank_a/app", &w.change_rules("bank_a/app", vec![]), |h| {
                h.time_ms = bare.now_ms
            }),
        ),
    ];
    // Without any rule a node approves nothing.
    let mut none = World::at(Phase::Asked);
    none.accept(&none.change_rules("bank_b/app", vec![]));
    none.rules.remove(&id("bank_b"));
    out.push(none.refuse(
        &none.altered("bank_b", &none.approve("bank_b", "bank_b"), |h| {
            let rules = none.state.rules(&id("bank_b")).unwrap().record;
            h.follows.push(rules);
        }),
    ));
    out
}

/// A node may approve by a rule that it names, and not by hand.
fn by_hand_by_a_node(w: &World) -> Record {
    let by_hand = Statement::Approved {
        question: w.question,
        plan: digest("plan"),
        keys: w.keys("bank_a"),
        by_rule: None,
    };
    w.record("bank_a", by_hand, &[w.question], &[])
}

pub(super) fn follows_cases() -> Vec<Refusal> {
    let published = World::at(Phase::Published);
    let drafted = World::at(Phase::Drafted);
    let issued = World::at(Phase::Issued);
    let asked = World::at(Phase::Asked);
    let approved = World::at(Phase::Approved);
    let completed = World::at(Phase::Completed);
    let stray = |w: &World, who: &str, record: Record| {
        w.refuse(&w.altered(who, &record, |h| h.follows.push(digest("stray"))))
    };
    let bare = |w: &World, who: &str, record: Record| {
        w.refuse(&w.altered(who, &record, |h| h.follows.clear()))
    };
    let mut out = vec![
        stray(&published, "police/inv", published.drafted()),
        stray(&drafted, "court/judge", drafted.issue(drafted.terms())),
        bare(&drafted, "court/judge", drafted.issue(drafted.terms())),
        bare(&drafted, "court/judge", drafted.refuse_draft("court/judge")),
        bare(&issued, "court/judge", issued.revoke("court/judge")),
        bare(&issued, "police/inv", issued.ask(issued.asked())),
        stray(&issued, "police/inv", issued.ask(issued.asked())),
        bare(&asked, "bank_a/app", asked.approve("bank_a/app", "bank_a")),
        // A node's approval that names a rule, and not the record that holds it.
        asked.refuse(
            &asked.altered("bank_a", &asked.approve("bank_a", "bank_a"), |h| {
                h.follows.truncate(1);
            }),
        ),
        bare(
            &asked,
            "bank_a/app",
            asked.change_rules("bank_a/app", vec![]),
        ),
        stray(
            &asked,
            "bank_a/app",
            asked.change_rules("bank_a/app", vec![]),
        ),
        bare(&issued, "police/inv", issued.notice("police/inv", 1, 0)),
        bare(&approved, "bank_a", approved.inputs("bank_a")),
        bare(&completed, "police/inv", completed.disclose(1, &["police"])),
        // The disclosure follows the question, and not the run.
        completed.refuse(&completed.altered(
            "police/inv",
            &completed.disclose(1, &["police"]),
            |h| _ = h.follows.pop(),
        )),
        asked.refuse(&asked.consult(digest("elsewhere"), "aud")),
    ];
    // A question whose snapshot is not among its predecessors.
    out.push(issued.refuse(
        &issued.altered("police/inv", &issued.ask(issued.asked()), |h| {
            _ = h.follows.pop()
        }),
    ));
    // A predecessor of another docket.
    let mut two = World::at(Phase::Asked);
    let first = two.question;
    two.warrant = WarrantId([8; 16]);
    two.draft = two.accept(&two.drafted());
    out.push(stray_to(&two, first));
    // What stands outside any case.
    let committed = Statement::SnapshotCommitted(snapshot(published.datasets[&id("bank_a")]));
    out.push(published.refuse(&published.record("bank_a", committed, &[], &[])));
    let entry = published.record("bank_a", Statement::DatasetPublished(dataset()), &[], &[]);
    out.push(issued.refuse(&issued.altered("bank_a", &entry, |h| {
        h.time_ms = issued.now_ms;
        h.warrant = Some(issued.warrant);
    })));
    let denied = Statement::Denied {
        rule: "warrant-unknown".into(),
        act: "ask".into(),
    };
    let denied = issued.record("bank_a", denied, &[issued.issued], &[]);
    out.push(issued.refuse(&issued.altered("bank_a", &denied, |h| h.warrant = None)));
    let mut voting = World::new();
    let proposal = voting.propose("police", Change::Remove(id("bank_b")));
    out.push(bare(
        &voting,
        "bank_a",
        voting.vote("bank_a", proposal, true),
    ));
    out
}

fn stray_to(w: &World, other: Digest) -> Refusal {
    let record = w.altered("court/judge", &w.issue(w.terms()), |h| {
        h.follows.push(other)
    });
    w.refuse(&record)
}

pub(super) fn parts_cases() -> Vec<Refusal> {
    let published = World::at(Phase::Published);
    let drafted = World::at(Phase::Drafted);
    let issued = World::at(Phase::Issued);
    let asked = World::at(Phase::Asked);
    let running = World::at(Phase::InputsOfOne);
    let completed = World::at(Phase::Completed);
    let with = |w: &World, who: &str, record: &Record, parts: &[Part]| {
        w.refuse(&w.altered(who, record, |h| h.parts = parts.to_vec()))
    };
    let draft = published.drafted();
    let issue = drafted.issue(drafted.terms());
    let order = part("order", &["bank_a", "bank_b"]);
    let subjects = part("subjects", &["court", "police"]);
    let ask = issued.ask(issued.asked());
    let mut out = vec![completed.refuse(&completed.disclose(1, &["police", "court"]))];
    let disclosed = World::at(Phase::Disclosed);
    for parts in [vec![], vec![part("reason", &["bank_b"])]] {
        let rules = asked.change_rules("bank_a/app", vec![]);
        out.push(with(&asked, "bank_a/app", &rules, &parts));
        let notice = issued.notice("police/inv", 1, 0);
        out.push(with(&issued, "police/inv", &notice, &parts));
        let pass = disclosed.pass_on("police/inv", "csv");
        out.push(with(&disclosed, "police/inv", &pass, &parts));
    }
    for parts in [
        vec![],
        vec![part("subjects", &["police"])],
        vec![part("subjects", &["court", "bank_a"])],
        vec![part("subjects", &["court", "stranger"])],
        vec![part("subjects", &[])],
        vec![part("order", &["court"])],
        vec![subjects.clone(), part("subjects", &["bank_a"])],
        vec![subjects.clone(), part("diary", &["court"])],
    ] {
        out.push(with(&published, "police/inv", &draft, &parts));
    }
    for parts in [
        vec![order.clone()],
        vec![subjects.clone()],
        vec![part("order", &["bank_a"]), subjects.clone()],
        vec![
            part("order", &["bank_a", "bank_b", "hybrid"]),
            subjects.clone(),
        ],
        vec![
            order.clone(),
            subjects,
            part("reason", &["police", "hybrid"]),
        ],
        vec![order, part("subjects", &["court", "bank_a"])],
    ] {
        out.push(with(&drafted, "court/judge", &issue, &parts));
    }
    for readers in [&["police", "bank_a"][..], &["bank_a", "bank_b", "hybrid"]] {
        out.push(with(&issued, "police/inv", &ask, &[part("plan", readers)]));
    }
    out.push(with(&issued, "police/inv", &ask, &[]));
    out.push(with(
        &drafted,
        "court/judge",
        &drafted.refuse_draft("court/judge"),
        &[],
    ));
    out.push(with(
        &issued,
        "court/judge",
        &issued.revoke("court/judge"),
        &[],
    ));
    out.push(with(
        &asked,
        "bank_a/app",
        &asked.decline("bank_a/app"),
        &[],
    ));
    out.push(with(
        &asked,
        "bank_a/app",
        &asked.narrow("bank_a/app", 1, 1),
        &[],
    ));
    out.push(with(
        &running,
        "bank_a",
        &running.abort("bank_a", Some("bank_b")),
        &[],
    ));
    out.push(with(
        &completed,
        "police/inv",
        &completed.disclose(1, &["police"]),
        &[],
    ));
    let opened = reason();
    let other = Opened {
        label: "order".into(),
        ..reason()
    };
    let mine = opened.part(vec![id("police")]);
    out.push(reason().read::<Reason>(&mine).err().unwrap());
    out.push(other.read::<Reason>(&mine).err().unwrap());
    out
}

pub(super) fn limit_cases() -> Vec<Refusal> {
    let mut w = World::at(Phase::Published);
    let inputs = World::at(Phase::Inputs);
    let running = World::at(Phase::InputsOfOne);
    let asked = World::at(Phase::Asked);
    let disclosed = World::at(Phase::Disclosed);
    let many = (0..=RULES_MAX).map(|n| StandingRule {
        name: n.to_string(),
        ..standing(1)
    });
    let crowded = StandingRule {
        computing: (0..=MEMBERS_MAX).map(|n| id(&format!("m{n}"))).collect(),
        ..standing(1)
    };
    let long = "x".repeat(5_000);
    let mut out = vec![
        w.refuse(&w.altered("police/inv", &w.drafted(), |h| {
            h.follows = vec![digest("x"); FOLLOWS_MAX + 1];
        })),
        w.refuse(&w.altered("police/inv", &w.drafted(), |h| {
            h.parts = vec![h.parts[0].clone(); 5];
        })),
        inputs.refuse(&inputs.complete(inputs.attestations(), STEPS_MAX + 1)),
        asked.refuse(&asked.change_rules("bank_a/app", many.collect())),
        asked.refuse(&asked.change_rules("bank_a/app", vec![crowded])),
    ];
    let cause = |text: &str| Statement::RunAborted {
        question: running.question,
        cause: text.into(),
        blamed: None,
        refused_by: None,
    };
    for text in ["", &long] {
        let follows = [running.question];
        out.push(running.refuse(&running.record("bank_a", cause(text), &follows, &[])));
        let denied = Statement::Denied {
            rule: text.into(),
            act: "ask".into(),
        };
        out.push(w.refuse(
            &w.altered("bank_a", &w.record("bank_a", denied, &[], &[]), |h| {
                h.warrant = None;
            }),
        ));
        let rule = StandingRule {
            name: text.into(),
            ..standing(1)
        };
        out.push(asked.refuse(&asked.change_rules("bank_a/app", vec![rule])));
        out.push(disclosed.refuse(&disclosed.pass_on("police/inv", text)));
    }
    for (columns, keys) in [(0, 1), (257, 1), (1, 0), (1, 17)] {
        let mut entry = dataset();
        let column = entry.columns[0].clone();
        entry.columns = vec![column; columns];
        entry.keys = vec!["account".into(); keys];
        out.push(w.refuse(&w.record("bank_a", Statement::DatasetPublished(entry), &[], &[])));
    }
    for _ in 0..PROPOSALS_MAX {
        w.propose("police", Change::Remove(id("bank_b")));
    }
    let change = Change::Remove(id("bank_b"));
    let record = w.record("police", Statement::ChangeProposed { change }, &[], &[]);
    out.push(w.refuse(&record));
    let oversize = Reason {
        text: "x".repeat(primitives::limits::BODY_BYTES_MAX),
    };
    out.push(Opened::new(&oversize).err().unwrap());
    out
}

pub(super) fn membership_cases() -> Vec<Refusal> {
    let mut w = World::new();
    let propose = |w: &World, change| {
        w.refuse(&w.record("police", Statement::ChangeProposed { change }, &[], &[]))
    };
    let card = |who: &str, name: &str| {
        Card::sign(
            crate::Institution {
                node_key: key(who).public(),
                ..institution(name, &[Role::Custodian])
            },
            &key(who),
        )
        .unwrap()
    };
    let mut forged = card("water", "water");
    forged.institution.name = "WATER AND POWER".into();
    let mut roleless = institution("water", &[]);
    roleless.name = "W".into();
    let mut out = vec![
        propose(&w, Change::Admit(card("bank_a", "bank_a"))),
        propose(&w, Change::Admit(card("bank_a", "water"))),
        propose(&w, Change::Admit(card("police/inv", "water"))),
        propose(&w, Change::Admit(forged)),
        propose(
            &w,
            Change::Admit(Card::sign(roleless, &key("water")).unwrap()),
        ),
        propose(&w, Change::Replace(card("water", "water"))),
        propose(&w, Change::Replace(card("bank_b", "bank_a"))),
        propose(&w, Change::Remove(id("water"))),
        w.refuse(&w.vote("police", digest("none"), true)),
    ];
    let proposal = w.propose("police", Change::Remove(id("bank_b")));
    w.accept(&w.vote("police", proposal, true));
    out.push(w.refuse(&w.vote("police", proposal, false)));
    // Once removed, a member has no vote and its key can't come back.
    w.carry(Change::Remove(id("bank_b")));
    out.push(propose(&w, Change::Admit(card("bank_b", "bank_b"))));
    out
}

pub(super) fn separation_cases() -> Vec<Refusal> {
    let w = World::at(Phase::Published);
    let drafted = World::at(Phase::Drafted);
    let issued = World::at(Phase::Issued);
    let completed = World::at(Phase::Completed);
    let inputs = World::at(Phase::Inputs);
    let mut with_custodian = w.terms();
    with_custodian.custodians.insert(id("hybrid"));
    // Police asks hybrid, which issues, and would approve its own order.
    let mut own = World::at(Phase::Published);
    own.draft = own.accept(&own.draft_to("police/inv", "hybrid", own.terms()));
    own.issued = own.accept(&own.issue_by("hybrid/all", own.terms()));
    own.question = own.accept(&own.ask(own.asked()));
    vec![
        w.refuse(&w.draft_to("hybrid/all", "hybrid", w.terms())),
        w.refuse(&w.draft_to("hybrid/all", "court", with_custodian.clone())),
        w.refuse(&w.draft_to("police/inv", "hybrid", with_custodian)),
        drafted.refuse(&drafted.issue_by("hybrid/all", drafted.terms())),
        issued.refuse(&issued.revoke("hybrid/all")),
        issued.refuse(&issued.ask_by("hybrid/all", issued.asked())),
        own.refuse(&own.approve("hybrid/all", "hybrid")),
        issued.refuse(&issued.notice("hybrid/all", 1, 0)),
        inputs.refuse(
            &inputs.altered("hybrid", &inputs.complete(inputs.attestations(), 1), |h| {
                h.institution = id("hybrid")
            }),
        ),
        completed.refuse(&completed.altered(
            "hybrid/all",
            &completed.disclose(1, &["police"]),
            |h| {
                h.institution = id("hybrid");
                h.officer = Some(officer("all"));
            },
        )),
    ]
}

pub(super) fn terms_cases() -> Vec<Refusal> {
    let published = World::at(Phase::Published);
    let drafted = World::at(Phase::Drafted);
    let changes: &[fn(&mut Terms)] = &[
        |t| t.custodians.clear(),
        |t| t.expires_ms = t.not_before_ms,
        |t| t.expires_ms = t.not_before_ms + 91 * DAY_MS,
        |t| t.subjects = 0,
        |t| t.subjects = 1_001,
        |t| t.templates.clear(),
        |t| t.hops = 0,
        |t| t.hops = 5,
        |t| t.answer_cap = 0,
        |t| t.answer_cap = 100_001,
        |t| t.runs = 0,
        |t| _ = t.custodians.insert(id("audit")),
        |t| _ = t.custodians.insert(id("stranger")),
    ];
    let mut out: Vec<Refusal> = changes
        .iter()
        .map(|change| {
            let mut terms = published.terms();
            change(&mut terms);
            published.refuse(&published.draft_to("police/inv", "court", terms))
        })
        .collect();
    // An authority may narrow a draft, never widen it.
    let wider: &[fn(&mut Terms)] = &[
        |t| t.case = digest("other"),
        |t| {
            _ = t
                .templates
                .insert(TemplateId::new("call-contacts").unwrap())
        },
        |t| t.subjects += 1,
        |t| t.hops += 1,
        |t| t.answer_cap += 1,
        |t| t.runs += 1,
        |t| t.not_before_ms -= 1,
        |t| t.expires_ms += 1,
    ];
    out.extend(wider.iter().map(|change| {
        let mut terms = drafted.terms();
        change(&mut terms);
        drafted.refuse(&drafted.issue(terms))
    }));
    let issued = World::at(Phase::Issued);
    for (told, withheld) in [(0, 0), (13, 0), (12, 1), (u32::MAX, u32::MAX)] {
        out.push(issued.refuse(&issued.notice("police/inv", told, withheld)));
    }
    let mut entry = dataset();
    entry.keys.push("account".into());
    out.push(published.refuse(&published.record(
        "bank_a",
        Statement::DatasetPublished(entry),
        &[],
        &[],
    )));
    out
}

/// A record that comes next.
type Next = fn(&World) -> Record;

/// Every step of a question's walk, each in a world that is ready for it.
fn steps() -> Vec<(World, Next)> {
    vec![
        (World::at(Phase::Issued), |w| w.ask(w.asked())),
        (World::at(Phase::Asked), |w| {
            w.approve("bank_a/app", "bank_a")
        }),
        (World::at(Phase::Asked), |w| w.narrow("bank_a/app", 1, 1)),
        (World::at(Phase::Asked), |w| w.decline("bank_a/app")),
        (World::at(Phase::Approved), |w| w.inputs("bank_a")),
        (World::at(Phase::InputsOfOne), |w| w.inputs("bank_b")),
        (World::at(Phase::Inputs), |w| {
            w.complete(w.attestations(), 1)
        }),
        (World::at(Phase::Completed), |w| w.disclose(1, &["police"])),
        (World::joint_at(Phase::Issued), |w| w.ask(w.asked())),
        (World::joint_at(Phase::Approved), |w| w.inputs("court")),
        (World::joint_at(Phase::Inputs), |w| w.count(10, 1)),
        (World::joint_at(Phase::Counted), |w| {
            w.complete(w.attestations(), 0)
        }),
        (World::joint_at(Phase::Completed), |w| {
            w.disclose(10, &["police"])
        }),
    ]
}

pub(super) fn expired_cases() -> Vec<Refusal> {
    let mut out = Vec::new();
    for (mut w, step) in steps() {
        w.now_ms = w.terms().expires_ms - 1;
        let before = step(&w);
        w.now_ms += 1;
        // The record's own time is in time and the block is not; then neither is.
        out.push(w.refuse(&before));
        out.push(w.refuse(&step(&w)));
        // The block is in time and the record's own time is not.
        let late = step(&w);
        w.now_ms -= 1;
        out.push(w.refuse(&late));
    }
    let w = World::at(Phase::Issued);
    let expires_ms = w.terms().expires_ms;
    assert!(w.state.warrant_in_force(&w.warrant, expires_ms - 1).is_ok());
    out.push(
        w.state
            .warrant_in_force(&w.warrant, expires_ms)
            .err()
            .unwrap(),
    );
    out
}

pub(super) fn revoked_cases() -> Vec<Refusal> {
    let mut out = Vec::new();
    for (mut w, step) in steps() {
        w.accept(&w.revoke("court/judge"));
        out.push(w.refuse(&step(&w)));
    }
    // An authority that lost its seat, or its role, can revoke nothing any more.
    let mut gone = World::at(Phase::Issued);
    gone.carry(Change::Remove(id("court")));
    out.push(gone.refuse(&gone.ask(gone.asked())));
    let mut demoted = World::at(Phase::Issued);
    let card = institution("court", &[Role::Overseer]);
    demoted.carry(Change::Replace(Card::sign(card, &key("court")).unwrap()));
    out.push(demoted.refuse(&demoted.ask(demoted.asked())));
    out
}

pub(super) fn scope_cases() -> Vec<Refusal> {
    let mut narrow = World::at(Phase::Drafted);
    let mut terms = narrow.terms();
    terms.custodians.remove(&id("bank_b"));
    narrow.issued = narrow.accept(&narrow.issue(terms));
    let w = World::at(Phase::Issued);
    let changes: &[fn(&mut QuestionAsked)] = &[
        |q| q.template = TemplateId::new("follow-the-money").unwrap(),
        |q| q.hops = 0,
        |q| q.hops = 3,
        |q| q.answer_cap = 0,
        |q| q.answer_cap = 101,
        |q| q.custodians.clear(),
        |q| q.custodians.swap(0, 1),
        |q| q.custodians[1] = q.custodians[0].clone(),
    ];
    let mut out: Vec<Refusal> = changes
        .iter()
        .map(|change| {
            let mut asked = w.asked();
            change(&mut asked);
            w.refuse(&w.ask(asked))
        })
        .collect();
    out.push(narrow.refuse(&narrow.ask(narrow.asked())));
    // What would not be narrower.
    let asked = World::at(Phase::Asked);
    for (hops, cap) in [(1, 50), (2, 1), (1, 51), (0, 1), (1, 0)] {
        out.push(asked.refuse(&asked.narrow("bank_a/app", hops, cap)));
    }
    out
}

pub(super) fn already_decided_cases() -> Vec<Refusal> {
    let mut one = World::at(Phase::ApprovedByOne);
    let twice = one.refuse(
        &one.altered("bank_a/app", &one.approve("bank_a/app", "bank_a"), |h| {
            h.time_ms += 1;
        }),
    );
    let changed = one.refuse(&one.decline("bank_a/app"));
    one.accept(&one.decline("bank_b/app"));
    let mut out = vec![
        twice,
        changed,
        one.refuse(&one.approve("bank_b/app", "bank_b")),
        one.refuse(&one.inputs("bank_a")),
        one.refuse(&one.abort("police", None)),
    ];
    let approved = World::at(Phase::Approved);
    out.push(approved.refuse(&approved.complete(approved.attestations(), 1)));
    let running = World::at(Phase::InputsOfOne);
    out.push(running.refuse(&running.inputs("bank_a")));
    let done = World::at(Phase::Completed);
    out.push(done.refuse(&done.complete(done.attestations(), 1)));
    out.push(done.refuse(&done.abort("bank_a", None)));
    out.push(done.refuse(&done.inputs("bank_b")));
    let mut aborted = World::at(Phase::InputsOfOne);
    aborted.accept(&aborted.abort("bank_a", Some("bank_b")));
    out.push(aborted.refuse(&aborted.inputs("bank_b")));
    out.push(aborted.refuse(&aborted.abort("bank_a", None)));
    out
}

pub(super) fn key_mismatch_cases() -> Vec<Refusal> {
    let w = World::at(Phase::Asked);
    let good = w.keys("bank_a");
    let mut other_name = good.clone();
    other_name[0].key = "phone".into();
    let mut other_key = good.clone();
    other_key[0].commitment = digest("switched");
    let twice = vec![good[0].clone(), good[0].clone()];
    let approve = |keys: Vec<_>| {
        let statement = Statement::Approved {
            question: w.question,
            plan: digest("plan"),
            keys,
            by_rule: None,
        };
        w.refuse(&w.record("bank_a/app", statement, &[w.question], &[]))
    };
    let approved = World::at(Phase::Approved);
    let commit = |keys: Vec<_>| {
        let statement = Statement::InputsCommitted {
            question: approved.question,
            keys,
            tables: Vec::new(),
        };
        approved.refuse(&approved.record("bank_a", statement, &[approved.question], &[]))
    };
    let mut snapshot = snapshot(w.datasets[&id("bank_a")]);
    snapshot.keys[0].name = "phone".into();
    let follows = [snapshot.dataset];
    let snapshot = Statement::SnapshotCommitted(snapshot);
    vec![
        approve(vec![]),
        approve(twice),
        approve(other_name),
        approve(w.keys("bank_b")),
        commit(vec![]),
        commit(other_key),
        commit(approved.keys("bank_b")),
        w.refuse(&w.record("bank_a", snapshot, &follows, &[])),
        approved.refuse(&approved.record(
            "hybrid",
            Statement::InputsCommitted {
                question: approved.question,
                keys: approved.keys("hybrid"),
                tables: Vec::new(),
            },
            &[approved.question],
            &[],
        )),
    ]
}
