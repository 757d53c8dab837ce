//! What the console reads, from real nodes: each role's routes over one case, who
//! may not read them, and the records that reading leaves.

use std::{
    collections::BTreeSet,
    sync::mpsc::{Receiver, channel},
    thread,
};

use cordon::client::{
    Client,
    raw::{Answer, Live},
};
use docket::Duty;
use node::api::types::{
    Act, Alarm, Ask, CaseCard, CaseView, ChangeRules, ChangesView, CheckedSubjects, DatasetPreview,
    DatasetView, DocketView, DraftWarrant, EngineView, FoundDockets, FoundRecords, Health,
    InboxEvent, LogView, PlanView, ProvenanceView, Publish, RuleView, RulesView, SnapshotDetail,
    Statistics, TemplateView,
};
use serde_json::{Value, json};

use crate::{
    tables::{ACCOUNT, OTHER_PHONE, PHONE},
    world::{LIMIT, World, ask, assert_refused, draft, id},
};

#[test]
fn each_role_reads_what_is_its_own_and_leaves_a_record() {
    let world = World::with_tables();
    world
        .network
        .enrol(
            &id("telecom_b"),
            &"steward".parse().unwrap(),
            &[Duty::Steward],
        )
        .unwrap();
    let live = listen(world.police(), None);
    let (first, warrant) = two_drafts(&world);
    a_draft_beside_the_one_before(&world, &first, &warrant);
    subjects_are_checked_and_kept_nowhere(&world);
    let question = a_question_before_and_after_it_is_asked(&world, &warrant);
    rules_that_an_approver_changes(&world, &question);
    world.approve("telecom_a", &question);
    world.phase(&world.police(), &question, &["completed"]);
    what_was_told_while_it_happened(&world, &live, &warrant, &question);
    an_answer_with_its_origin(&world, &warrant, &question);
    a_bundle_and_a_tampered_one(&world, &question);
    tables_and_snapshots(&world);
    an_overseers_view(&world, &warrant, &question);
    an_engineers_view(&world);
    nobody_reads_what_is_not_theirs(&world, &warrant, &question);
    no_route_is_open_by_oversight(&world);
    pages_keep_to_themselves(&world);
}

fn get<T: serde::de::DeserializeOwned>(client: &Client, path: &str) -> T {
    client.get(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A draft, and a second one of the same case that asks for more.
fn two_drafts(world: &World) -> (String, String) {
    let first = world.draft(DraftWarrant {
        hops: 1,
        ..draft(&["telecom_a", "telecom_b"], &[PHONE, ACCOUNT])
    });
    let refuse = Act::RefuseWarrant {
        warrant: first.clone(),
        reason: "the account is not reasoned for".into(),
    };
    let judge = world.judge();
    world.until("the first draft", || {
        Ok(judge
            .inbox()?
            .drafts
            .iter()
            .any(|d| d.warrant == first)
            .then_some(()))
    });
    world.act(&judge, &refuse).unwrap();
    let second = world.draft(draft(&["telecom_a", "telecom_b"], &[PHONE, OTHER_PHONE]));
    world.until("the second draft", || {
        Ok(judge
            .inbox()?
            .drafts
            .iter()
            .any(|d| d.warrant == second)
            .then_some(()))
    });
    (first, second)
}

fn a_draft_beside_the_one_before(world: &World, first: &str, warrant: &str) {
    let judge = world.judge();
    let changes: ChangesView = world.until("the changes", || {
        match judge.get(&format!("/v1/warrants/{warrant}/changes")) {
            Err(failure) if failure.rule == "body-missing" => Ok(None),
            other => other.map(Some),
        }
    });
    let previous = changes.previous.unwrap();
    assert_eq!(
        (previous.warrant.as_str(), previous.phase.as_str()),
        (first, "refused")
    );
    assert!(changes.subjects_comparable);
    assert_eq!(changes.subjects_added, [OTHER_PHONE]);
    assert_eq!(changes.subjects_removed, [ACCOUNT]);
    assert_eq!(changes.subjects_kept, 1);
    let fields: Vec<&str> = changes.fields.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(fields, ["hops"]);
    // Who read it stands in the docket.
    let docket: DocketView = get(&judge, &format!("/v1/warrants/{warrant}/docket"));
    let read = docket
        .records
        .iter()
        .find(|r| r.text_en.ends_with("reads: changes"));
    assert_eq!(read.unwrap().kind, "consulted");
    // The reason is a body, and may still be on its way.
    let reasons = world.until("the reason", || {
        let refused = world.police().docket(first)?;
        let records = refused.records.into_iter();
        let reasons: Vec<String> = records.filter_map(|record| record.reason).collect();
        Ok((!reasons.is_empty()).then_some(reasons))
    });
    assert_eq!(reasons, ["the account is not reasoned for"]);

    let cards: Vec<CaseCard> = get(&judge, "/v1/cases");
    assert_eq!(cards.len(), 2);
    assert_eq!(cards[0].case_commitment, cards[1].case_commitment);
    let card = cards.iter().find(|card| card.warrant == warrant).unwrap();
    assert_eq!(card.case.as_deref(), Some("case-1"));
    let wait = &card.waits[0];
    assert_eq!((wait.what.as_str(), wait.mine), ("decide-draft", true));
    // An approver sees the docket, and neither its case's name nor a duty of his own.
    let approver = world.officer("telecom_a", "approver");
    let theirs: Vec<CaseCard> = get(&approver, "/v1/cases");
    assert!(theirs.iter().all(|card| card.case.is_none()));
    assert!(
        theirs
            .iter()
            .all(|card| card.waits.iter().all(|wait| !wait.mine))
    );
}

fn subjects_are_checked_and_kept_nowhere(world: &World) {
    let lines = json!({"lines": ["13800000001", PHONE, "", "nobody"]});
    let checked: CheckedSubjects = world.police().post("/v1/subjects/check", &lines).unwrap();
    let states: Vec<&str> = checked.lines.iter().map(|l| l.state.as_str()).collect();
    assert_eq!(states, ["ok", "duplicate", "empty", "invalid"]);
    assert_eq!(checked.lines[0].selector.as_deref(), Some(PHONE));
    assert!(!world.log("police").contains("13800000001"));
}

/// Issues narrower, explains the question, asks it.
fn a_question_before_and_after_it_is_asked(world: &World, warrant: &str) -> String {
    let issue = node::api::types::IssueWarrant {
        warrant: warrant.into(),
        runs: Some(1),
        ..Default::default()
    };
    world
        .act(&world.judge(), &Act::IssueWarrant(issue))
        .unwrap();
    let police = world.police();
    let case: CaseView = world.until("the warrant at the police", || {
        let case: CaseView = police.get(&format!("/v1/cases/{warrant}"))?;
        Ok((case.card.phase == "issued" && case.basis.is_some()).then_some(case))
    });
    let narrowed: Vec<&str> = case.narrowed.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(narrowed, ["runs"]);
    assert_eq!(case.asked.runs, 3);
    assert_eq!(case.card.waits[0].what, "ask");
    let question = ask(warrant, "identify");
    let before: PlanView = police.post("/v1/questions/preview", &question).unwrap();
    assert_eq!(before.question, None);
    assert_eq!(before.cost.runs_left, 1);
    assert!(before.cost.selectors_first >= 2 && before.cost.lookups > 0);
    assert!(
        before
            .parties
            .iter()
            .any(|p| p.role == "custodian" && !p.learns.is_empty())
    );
    assert!(before.custody.is_none());
    let beyond = Ask {
        answer_cap: Some(1_000_000),
        ..question.clone()
    };
    let refused = police.post::<_, PlanView>("/v1/questions/preview", &beyond);
    // Nothing was asked, so nothing was denied.
    let failure = assert_refused("cap-beyond", refused);
    assert_eq!(failure.record, None);
    let asked = world.ask(question);
    world.delivered(&asked);
    let approver = world.officer("telecom_a", "approver");
    let plan: PlanView = get(&approver, &format!("/v1/questions/{asked}/plan"));
    assert_eq!(plan.plan, before.plan);
    let custody = plan.custody.unwrap();
    assert_eq!(custody.to, "police");
    assert!(
        custody
            .leaves
            .iter()
            .any(|w| w.text_en.contains("subscribers"))
    );
    assert!(!custody.stays.is_empty() && !custody.by_hand.is_empty());
    assert_eq!(custody.rule, None);
    asked
}

/// An approver of telecom_b lets the node approve, and the open question is.
fn rules_that_an_approver_changes(world: &World, question: &str) {
    let approver = world.officer("telecom_b", "approver");
    let rules: RulesView = get(&approver, "/v1/rules");
    assert_eq!((rules.record, rules.rules.len()), (None, 0));
    let change = ChangeRules {
        replaces: None,
        rules: vec![RuleView {
            name: "small-identify".into(),
            template: "identify".into(),
            answer_cap: 1_000,
            hops: 2,
            subjects: 5,
            computing: Vec::new(),
        }],
        reason: "asked for every day".into(),
    };
    let record = approver.act(&Act::ChangeRules(change.clone())).unwrap();
    assert_eq!(record.kind, "rules-changed");
    let stale = approver.act(&Act::ChangeRules(change.clone()));
    assert_refused("stale", stale);
    let steward = world.officer("telecom_b", "steward");
    let seen: RulesView = get(&steward, "/v1/rules");
    assert_eq!(seen.record, Some(record.record));
    assert_eq!(seen.rules, change.rules);
    assert_eq!(seen.history[0].changed_by.as_deref(), Some("approver"));
    assert_eq!(seen.history[0].reason.as_ref(), Some(&change.reason));
    let again = ChangeRules {
        replaces: seen.record,
        ..change
    };
    assert_refused("duty", steward.act(&Act::ChangeRules(again)));
    world.until("the approval by rule", || {
        let view = approver.question(question)?;
        Ok((view.decisions["telecom_b"] == "approved").then_some(()))
    });
}

/// Reads a stream on a thread of its own.
fn listen(client: Client, after: Option<String>) -> Receiver<Live> {
    let stream = client.events(after.as_deref()).unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for event in stream {
            if sender.send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

fn what_was_told_while_it_happened(
    world: &World,
    live: &Receiver<Live>,
    warrant: &str,
    question: &str,
) {
    let mut told: Vec<Live> = Vec::new();
    let is_end = |event: &Live| {
        event.name == "question"
            && event.data.contains(question)
            && event.data.contains("completed")
    };
    while !told.last().is_some_and(is_end) {
        told.push(live.recv_timeout(LIMIT).expect("the run's end is told"));
    }
    assert_eq!(told[0].name, "hello");
    let names: BTreeSet<&str> = told.iter().map(|event| event.name.as_str()).collect();
    for name in ["warrant", "body", "question", "run", "ledger"] {
        assert!(names.contains(name), "{name} of {names:?}");
    }
    let waiting =
        std::iter::from_fn(|| live.recv_timeout(LIMIT).ok()).find(|event| event.name == "inbox");
    let waiting: InboxEvent = serde_json::from_str(&waiting.unwrap().data).unwrap();
    assert_eq!(waiting.answers, 1);
    let run = told.iter().rev().find(|event| event.name == "run").unwrap();
    let run: Value = serde_json::from_str(&run.data).unwrap();
    assert_eq!(run["question"], question);
    let parties = run["parties"].as_array().unwrap();
    let names: BTreeSet<&str> = parties
        .iter()
        .map(|p| p["institution"].as_str().unwrap())
        .collect();
    assert_eq!(names, BTreeSet::from(["telecom_a", "telecom_b"]));
    assert!(
        parties.iter().any(|p| p["bytes"].as_u64().unwrap() > 0),
        "{run}"
    );
    let all: String = told.iter().map(|event| event.data.as_str()).collect();
    assert!(!all.contains("13800000001") && !all.contains("case-1"));
    // A reader that was cut goes on where it was; one of another run starts again.
    let place = told
        .iter()
        .position(|event| event.data.contains("warrant-issued"))
        .unwrap();
    let after = listen(world.police(), Some(told[place].id.clone()));
    assert_eq!(after.recv_timeout(LIMIT).unwrap().name, "hello");
    assert_eq!(after.recv_timeout(LIMIT).unwrap(), told[place + 1]);
    let strange = listen(world.police(), Some("0000000000000000-5".into()));
    strange.recv_timeout(LIMIT).unwrap();
    assert_eq!(strange.recv_timeout(LIMIT).unwrap().name, "reset");
    // A bank has no part in the case and hears nothing of it.
    let bank = listen(world.officer("bank_a", "approver"), None);
    bank.recv_timeout(LIMIT).unwrap();
    get::<DocketView>(&world.police(), &format!("/v1/warrants/{warrant}/docket"));
    let next = bank.recv_timeout(LIMIT).unwrap();
    assert_eq!(next.name, "ledger", "{}", next.data);
}

fn an_answer_with_its_origin(world: &World, warrant: &str, question: &str) {
    let police = world.police();
    let csv = |client: &Client| {
        let path = format!("/v1/questions/{question}/answer.csv");
        client.fetch("GET", &path, &[], &[]).unwrap()
    };
    assert_eq!(csv(&police).rule(), "answer-unknown");
    let open = Act::OpenAnswer {
        question: question.into(),
    };
    world.act(&police, &open).unwrap();
    let answer = police.answer(question).unwrap();
    let table = answer
        .tables
        .iter()
        .find(|t| t.table == "subscribers")
        .unwrap();
    assert_eq!(table.semantics.len(), table.columns.len());
    assert!(table.semantics.contains(&"phone".to_owned()));
    assert_eq!(csv(&police).rule(), "not-passed-on");
    let pass_on = Act::PassOn {
        question: question.into(),
        form: "csv".into(),
        reason: "for the bureau's analysts".into(),
    };
    world.act(&police, &pass_on).unwrap();
    let file = csv(&police);
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = String::from_utf8(file.body).unwrap();
    assert!(text.contains("+8613800000001"), "{text}");
    let origins: ProvenanceView = get(&police, &format!("/v1/questions/{question}/provenance"));
    let known: BTreeSet<&str> = origins.sources.iter().map(|s| s.origin.as_str()).collect();
    for origin in table.origins.iter().flatten() {
        assert!(known.contains(origin.as_str()), "{origin}");
    }
    assert!(
        origins
            .sources
            .iter()
            .all(|s| s.committed.is_some() && s.published.is_some())
    );
    let rules: BTreeSet<_> = origins
        .approvals
        .iter()
        .map(|a| a.by_rule.as_deref())
        .collect();
    assert_eq!(rules, BTreeSet::from([None, Some("small-identify")]));
    assert_eq!(origins.passed_on.len(), 1);
    assert_eq!(origins.run.unwrap().attestations.len(), 2);
    let seen: BTreeSet<&str> = origins.seen.iter().map(|s| s.what.as_str()).collect();
    assert_eq!(seen, BTreeSet::from(["answer", "export-csv"]));
    let again: ProvenanceView = get(&police, &format!("/v1/questions/{question}/provenance"));
    assert!(again.seen.iter().any(|s| s.what == "provenance"));
    let card: CaseView = get(&police, &format!("/v1/cases/{warrant}"));
    assert!(card.card.questions[0].disclosed && !card.card.questions[0].exported);
}

fn a_bundle_and_a_tampered_one(world: &World, question: &str) {
    let police = world.police();
    let export = Act::ExportBundle {
        question: question.into(),
    };
    world.act(&police, &export).unwrap();
    let mut bytes = world.until("the bundle", || match police.bundle(question) {
        Err(failure) if failure.rule == "receipt-missing" => Ok(None),
        other => other.map(Some),
    });
    let auditor = world.auditor();
    let whole = auditor.check_bundle(&bytes).unwrap();
    assert!(whole.valid, "{:?}", whole.findings);
    assert_eq!(whole.case.unwrap().question, question);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let tampered = auditor.check_bundle(&bytes).unwrap();
    assert!(!tampered.valid && tampered.case.is_none());
    assert!(!tampered.findings[0].file.is_empty() && !tampered.findings[0].text_zh.is_empty());
}

fn tables_and_snapshots(world: &World) {
    let steward = world.officer("telecom_b", "steward");
    let datasets: Vec<DatasetView> = get(&steward, "/v1/datasets");
    assert_eq!(datasets.len(), 2);
    let subscribers = datasets
        .iter()
        .find(|d| d.dataset == "subscribers")
        .unwrap();
    assert_eq!(subscribers.source.as_ref().unwrap().method, "csv");
    let snapshot = &subscribers.snapshots[0];
    assert!(snapshot.latest && snapshot.kept && snapshot.rows == 2);
    let detail: SnapshotDetail = get(&steward, &format!("/v1/snapshots/{}", snapshot.record));
    assert_eq!(detail.snapshot.root, snapshot.root);
    let path = world.folder().join("careless.csv");
    std::fs::write(&path, "phone,holder,id_number\n13800000009,Somebody,x\n").unwrap();
    let publish = Publish {
        dataset: "careless".into(),
        source: path.display().to_string(),
        source_table: None,
        table: None,
        spec: None,
    };
    let preview: DatasetPreview = steward.post("/v1/datasets/preview", &publish).unwrap();
    assert_eq!(preview.table, "subscribers");
    let read_by = [
        "identify",
        "sim-box",
        "called-then-paid",
        "totals",
        "in-common",
    ];
    assert_eq!(preview.templates, read_by);
    let column = preview.columns.iter().find(|c| c.name == "phone").unwrap();
    assert_eq!((column.filled, column.fit), (1, 1));
    let id_number = preview
        .columns
        .iter()
        .find(|c| c.source_name == "id_number")
        .unwrap();
    assert_eq!(id_number.disclosure, "never", "what does not fit is kept");
    assert_eq!(get::<Vec<Value>>(&steward, "/v1/jobs").len(), 2);
    let missing = steward.get::<Value>(&format!("/v1/snapshots/{}", "0".repeat(64)));
    assert_refused("not-found", missing);
}

fn an_overseers_view(world: &World, warrant: &str, question: &str) {
    let auditor = world.auditor();
    let all: FoundDockets = get(&auditor, "/v1/oversight/dockets");
    assert_eq!(all.total, 2);
    let path = format!(
        "/v1/oversight/dockets?q={}&template=identify",
        &question[..8]
    );
    let found: FoundDockets = get(&auditor, &path);
    assert_eq!(found.total, 1);
    assert_eq!(found.dockets[0].card.warrant, warrant);
    assert!(found.dockets[0].matched > 1 && found.dockets[0].consulted > 0);
    let refused: FoundRecords = get(
        &auditor,
        "/v1/oversight/records?kind=warrant-refused,denied",
    );
    assert_eq!(refused.records[0].record.kind, "warrant-refused");
    let statistics: Statistics = get(&auditor, "/v1/oversight/statistics");
    assert_eq!(
        (statistics.totals.asked, statistics.totals.answered),
        (1, 1)
    );
    assert_eq!(
        (statistics.warrants.drafted, statistics.warrants.narrowed),
        (2, 1)
    );
    assert_eq!(statistics.by_month.len(), 1);
    let by = statistics
        .by_institution
        .iter()
        .find(|i| i.institution == "telecom_b");
    assert_eq!(by.unwrap().approved_by_rule, 1);
    let later: Statistics = get(&auditor, "/v1/oversight/statistics?from_ms=9999999999999");
    assert_eq!(later.totals.asked, 0);
    // The one run of the warrant is spent.
    let alarms: Vec<Alarm> = get(&auditor, "/v1/oversight/alarms");
    let budget = alarms.iter().find(|alarm| alarm.alarm == "budget").unwrap();
    assert_eq!(budget.warrant.as_deref(), Some(warrant));
}

fn an_engineers_view(world: &World) {
    let operator = world.network.operator(&id("bank_b")).unwrap();
    let view: EngineView = get(&operator, "/v1/engine");
    assert_eq!(view.members.len(), 7);
    assert!(
        view.members
            .iter()
            .filter(|m| m.me)
            .all(|m| m.institution == "bank_b")
    );
    let heard = view
        .members
        .iter()
        .filter(|m| m.heard && m.validator)
        .count();
    assert_eq!(heard, 7);
    assert!(view.members.iter().all(|m| m.height.is_some()));
    assert!(
        view.storage.iter().all(|s| s.bytes > 0),
        "{:?}",
        view.storage
    );
    assert!(view.finality.count > 0 && view.finality.p95_ms.is_some());
    let set: LogView = operator
        .put("/v1/engine/log", &json!({"filter": "warn,node=debug"}))
        .unwrap();
    assert_eq!(set.filter, "warn,node=debug");
    let bad = operator.put::<_, LogView>("/v1/engine/log", &json!({"filter": "node=loudest"}));
    assert_refused("format", bad);
    let metrics = operator.fetch("GET", "/metrics", &[], &[]).unwrap();
    let text = String::from_utf8(metrics.body).unwrap();
    for name in [
        "cordon_ledger_height ",
        "cordon_finality_seconds_bucket",
        "cordon_records_submitted_total{kind=\"snapshot-committed\"}",
        "cordon_api_seconds_count{method=\"GET\",route=\"/v1/engine\",status=\"2xx\"}",
        "cordon_members_heard 7",
    ] {
        assert!(
            text.contains(name) || name.contains("approved"),
            "{name} in {text}"
        );
    }
    assert_eq!(text.matches("# EOF").count(), 1);
    let nobody = world.network.nobody(&id("bank_b")).unwrap();
    let health: Health = get(&nobody, "/healthz/ready");
    assert!(health.live && health.ready, "{:?}", health.detail);
    let templates: Vec<TemplateView> = get(&world.police(), "/v1/templates");
    assert!(templates.iter().any(|t| t.template == "identify"));
}

/// Routes that anybody may call: health, the API's description, and the ways in.
const OPEN: &[&str] = &[
    "get /healthz",
    "get /healthz/live",
    "get /healthz/ready",
    "get /openapi.json",
    "get /v1/status",
    "post /v1/passkeys/begin",
    "post /v1/passkeys/finish",
    "post /v1/session/begin",
    "post /v1/session/finish",
];

/// Read off the router's own description: whoever brings no credentials gets one and
/// the same answer from every other route, whether or not there is what it names.
fn no_route_is_open_by_oversight(world: &World) {
    let nobody = world.network.nobody(&id("police")).unwrap();
    let description: Value = get(&nobody, "/openapi.json");
    let paths = description["paths"].as_object().unwrap();
    let mut open = BTreeSet::new();
    let mut answers = BTreeSet::new();
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let real = path.replace("{id}", &"0".repeat(64)).replace("{name}", "a");
            let answer = nobody
                .fetch(&method.to_uppercase(), &real, &[], &[])
                .unwrap();
            if answer.status == 401 {
                answers.insert(String::from_utf8(answer.body).unwrap());
            } else {
                assert!(answer.status < 500, "{method} {path}: {}", answer.status);
                open.insert(format!("{method} {path}"));
            }
        }
    }
    let expected: BTreeSet<String> = OPEN
        .iter()
        .filter(|route| {
            route
                .split_once(' ')
                .is_some_and(|(_, p)| paths.contains_key(p))
        })
        .map(|route| (*route).to_owned())
        .collect();
    assert_eq!(open, expected);
    assert_eq!(answers.len(), 1, "refusals differ: {answers:?}");
}

/// Every new route, asked by those who may not.
fn nobody_reads_what_is_not_theirs(world: &World, warrant: &str, question: &str) {
    let warrants = format!("/v1/cases/{warrant}");
    let changes = format!("/v1/warrants/{warrant}/changes");
    let plan = format!("/v1/questions/{question}/plan");
    let provenance = format!("/v1/questions/{question}/provenance");
    let csv = format!("/v1/questions/{question}/answer.csv");
    let snapshot = format!("/v1/snapshots/{}", "0".repeat(64));
    let lines = r#"{"lines":[]}"#.to_owned();
    let asked = serde_json::to_string(&ask(warrant, "identify")).unwrap();
    let source = r#"{"dataset":"a","source":"/etc/hostname"}"#.to_owned();
    let filter = r#"{"filter":"info"}"#.to_owned();
    // Method, path, body, and the rule for an officer of bank_a with the duty
    // `approver`, which has no part in the case.
    let routes: Vec<(&str, &str, &str, Option<&str>)> = vec![
        ("GET", "/v1/templates", "", None),
        ("GET", "/v1/cases", "", None),
        ("GET", &warrants, "", Some("warrant-unknown")),
        ("GET", &changes, "", Some("duty")),
        ("POST", "/v1/subjects/check", &lines, Some("duty")),
        ("POST", "/v1/questions/preview", &asked, Some("duty")),
        ("GET", &plan, "", Some("question-unknown")),
        ("GET", &provenance, "", Some("duty")),
        ("GET", &csv, "", Some("duty")),
        ("GET", "/v1/rules", "", None),
        ("GET", "/v1/datasets", "", None),
        ("POST", "/v1/datasets/preview", &source, Some("duty")),
        ("GET", &snapshot, "", Some("duty")),
        ("GET", "/v1/jobs", "", Some("duty")),
        ("GET", "/v1/oversight/dockets", "", Some("duty")),
        ("GET", "/v1/oversight/records", "", Some("duty")),
        ("GET", "/v1/oversight/statistics", "", Some("duty")),
        ("GET", "/v1/oversight/alarms", "", Some("duty")),
        ("GET", "/v1/engine", "", Some("duty")),
        ("GET", "/v1/engine/log", "", Some("duty")),
        ("PUT", "/v1/engine/log", &filter, Some("duty")),
        ("GET", "/metrics", "", Some("duty")),
    ];
    let bank = world.officer("bank_a", "approver");
    let nobody = world.network.nobody(&id("bank_a")).unwrap();
    let sent = |client: &Client, (method, path, body): (&str, &str, &str)| -> Answer {
        let headers = [("content-type", "application/json")];
        client
            .fetch(method, path, &headers, body.as_bytes())
            .unwrap()
    };
    for (method, path, body, rule) in &routes {
        let stranger = sent(&nobody, (method, path, body));
        assert_eq!(stranger.status, 401, "{method} {path}");
        assert_eq!(stranger.rule(), "unauthenticated", "{method} {path}");
        let officer = sent(&bank, (method, path, body));
        assert_eq!(officer.rule(), rule.unwrap_or_default(), "{method} {path}");
    }
    for (method, path, body) in [
        ("GET", "/v1/events", ""),
        ("POST", "/v1/bundles/verify", "PK"),
    ] {
        assert_eq!(sent(&nobody, (method, path, body)).status, 401, "{path}");
    }
    // An operator reads no case.
    let operator = world.network.operator(&id("police")).unwrap();
    let cases = [
        warrants.as_str(),
        &plan,
        &provenance,
        &csv,
        "/v1/cases",
        "/v1/events",
    ];
    for path in cases {
        assert_eq!(sent(&operator, ("GET", path, "")).rule(), "duty", "{path}");
    }
    // An auditor elsewhere oversees nothing; there is none enrolled, so a judge tries.
    let judge = world.judge();
    let oversight = sent(&judge, ("GET", "/v1/oversight/alarms", ""));
    assert_eq!(oversight.rule(), "duty");
    // An investigator of another requester learns nothing of the case.
    let customs = world.officer("customs", "both");
    for path in [&changes, &provenance, &csv] {
        let rule = sent(&customs, ("GET", path, "")).rule();
        assert!(rule.ends_with("-unknown"), "{path}: {rule}");
    }
}

fn pages_keep_to_themselves(world: &World) {
    let nobody = world.network.nobody(&id("police")).unwrap();
    let page = nobody
        .fetch("GET", "/", &[("accept", "text/html")], &[])
        .unwrap();
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let route = nobody
        .fetch("GET", "/v1/nothing", &[("accept", "text/html")], &[])
        .unwrap();
    assert_eq!((route.status, route.rule().as_str()), (404, "not-found"));
    let status = nobody.fetch("GET", "/v1/status", &[], &[]).unwrap();
    assert_eq!(status.header("cache-control"), Some("no-store"));
}
