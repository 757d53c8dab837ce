//! Joint questions over a generated city, between real nodes: what the three compute
//! over shares is what plain SQL over everybody's tables, pooled, would find; and the
//! gates hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use city::Config;
use data::{Value, pooled::Pool};
use docket::{Duty, Role};
use mpc::joint::ideal;
use node::api::types::{
    Act, AnswerView, Ask, ChangeRules, DraftWarrant, PlanView, RuleView, RulesView, SceneView,
};

use crate::case::evidence_holds;
use crate::villain::{Villain, play};
use crate::world::{LIMIT, World, ask, assert_refused, copy, draft, id};

mod ends;
mod sets;

const MEMBERS: [(&str, &[Role]); 8] = [
    // It keeps the register of residents.
    ("police", &[Role::Requester, Role::Custodian]),
    ("procuratorate", &[Role::Authority, Role::Overseer]),
    ("telecom_a", &[Role::Custodian]),
    ("telecom_b", &[Role::Custodian]),
    ("bank_a", &[Role::Custodian]),
    ("bank_b", &[Role::Custodian]),
    ("power", &[Role::Custodian]),
    ("water", &[Role::Custodian]),
];
const CUSTODIANS: [&str; 6] = [
    "bank_a",
    "bank_b",
    "power",
    "telecom_a",
    "telecom_b",
    "water",
];
const DAY_MS: u64 = 86_400_000;
/// 2018-11-11, when the city's calls begin.
const START_MS: u64 = 1_541_894_400_000;
const WINDOW_MS: [u64; 2] = [START_MS, START_MS + 30 * DAY_MS];

/// A network whose members hold a whole city, and the pooled tables beside it.
struct City {
    world: World,
    runtime: tokio::runtime::Runtime,
    pool: Pool,
    truth: city::Truth,
}

impl City {
    /// A small city of the seed that `name` is, or the one that lies in the folder so
    /// named.
    fn new(name: &str) -> Self {
        let world = World::of(&MEMBERS);
        let mut officers = vec![
            ("police", "investigator", vec![Duty::Investigator]),
            ("procuratorate", "judge", vec![Duty::Judge]),
            ("procuratorate", "auditor", vec![Duty::Auditor]),
        ];
        officers.extend(CUSTODIANS.map(|id| (id, "approver", vec![Duty::Approver])));
        world.enrol(officers);
        let folder = world.folder().join("city");
        let truth = if let Ok(seed) = name.parse() {
            let config = Config {
                metered_premises: 60,
                ..Config::new(seed, 400, &folder)
            };
            city::generate(&config, &mut |_| ()).unwrap()
        } else {
            copy(name.as_ref(), &folder);
            serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap()
        };
        // The city's other banks are no members: neither we nor the oracle see them.
        for stranger in ["bank_c", "bank_d"] {
            std::fs::remove_dir_all(folder.join(stranger)).unwrap();
        }
        world.publish_city(&folder, &[&CUSTODIANS[..], &["police"]].concat());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let pool = runtime.block_on(Pool::open(&folder)).unwrap();
        Self {
            world,
            runtime,
            pool,
            truth,
        }
    }

    fn sql(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.runtime.block_on(self.pool.sql(sql));
        let rows = rows.unwrap_or_else(|e| panic!("{sql}: {e}"));
        rows.iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }

    /// A warrant over the whole city with these subjects and scenes.
    fn warrant(&self, subjects: &[&str], scenes: &[SceneView], answer_cap: u32) -> String {
        let joint = [
            "at-the-scenes",
            "sim-box",
            "called-then-paid",
            "totals",
            "risk-propagation",
            "in-common",
        ];
        self.world.warrant(DraftWarrant {
            templates: joint.map(str::to_owned).to_vec(),
            scenes: scenes.to_vec(),
            window_from_ms: WINDOW_MS[0],
            window_to_ms: WINDOW_MS[1],
            hops: 1,
            answer_cap,
            runs: 8,
            ..draft(&CUSTODIANS, subjects)
        })
    }

    /// Opens an answer; its rows.
    fn opened(&self, question: &str) -> BTreeSet<Vec<String>> {
        let police = self.world.police();
        let open = Act::OpenAnswer {
            question: question.to_owned(),
        };
        self.world.act(&police, &open).unwrap();
        rows_of(&police.answer(question).unwrap())
    }

    /// Holds that an answer is what SQL says; gives how many rows it has.
    fn same(&self, ask: Ask, wanted: Vec<Vec<String>>) -> (usize, AnswerView) {
        let template = ask.template.clone();
        let answer = self.world.answer(ask);
        let rows = rows_of(&answer);
        let wanted: BTreeSet<Vec<String>> = wanted.into_iter().collect();
        assert_eq!(rows, wanted, "{template}");
        evidence_holds(&self.world, &answer);
        (rows.len(), answer)
    }
}

/// The rows of a joint answer.
fn rows_of(answer: &AnswerView) -> BTreeSet<Vec<String>> {
    let [table] = &answer.tables[..] else {
        panic!("one table")
    };
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().map(|cell| match cell {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        cells.collect()
    });
    rows.collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    }
}

fn scene(cell: Option<i64>, from: u64, to: u64) -> SceneView {
    SceneView {
        cell,
        from_ms: START_MS + from * DAY_MS,
        to_ms: START_MS + to * DAY_MS,
    }
}

fn at(scene: &SceneView) -> String {
    let cell = scene
        .cell
        .map_or_else(String::new, |cell| format!("cell = {cell} AND "));
    format!("({cell}at >= {} AND at < {})", scene.from_ms, scene.to_ms)
}

fn terms(template: &str, warrant: &str, terms: &[(&str, i64)]) -> Ask {
    Ask {
        terms: terms
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect(),
        ..ask(warrant, template)
    }
}

fn window() -> String {
    format!("at >= {} AND at < {}", WINDOW_MS[0], WINDOW_MS[1])
}

#[test]
fn joint_answers_are_those_of_plain_sql_over_pooled_tables() {
    // More, or larger ones, by hand: seeds and folders, by commas.
    let names = std::env::var("CORDON_CITIES").unwrap_or_else(|_| "1".to_owned());
    for name in names.split(',') {
        eprintln!("city {name}");
        let city = City::new(name);
        let whole = scene(None, 0, 30);
        sets::in_common(&city);
        at_the_scenes(&city);
        sim_box(&city, &whole);
        called_then_paid(&city);
        totals(&city, &whole);
        risk_propagation(&city, &whole);
    }
}

fn at_the_scenes(city: &City) {
    // Where the phone called from that called from most places.
    let most = "SELECT caller FROM calls GROUP BY caller ORDER BY count(DISTINCT cell) DESC, caller LIMIT 1";
    let places = format!(
        "SELECT DISTINCT cell FROM calls WHERE caller IN ({most}) AND cell IS NOT NULL ORDER BY cell LIMIT 3"
    );
    let scenes: Vec<SceneView> = city
        .sql(&places)
        .iter()
        .map(|row| scene(row[0].parse().ok(), 0, 30))
        .collect();
    let scenes = &scenes[..];
    assert_eq!(scenes.len(), 3);
    let warrant = city.warrant(&[], scenes, 10_000);
    for least in [2, 3] {
        let each: Vec<String> = scenes
            .iter()
            .enumerate()
            .map(|(n, scene)| {
                format!(
                    "SELECT caller AS phone, {n} AS scene FROM calls WHERE {}",
                    at(scene)
                )
            })
            .collect();
        let wanted = city.sql(&format!(
            "SELECT phone FROM ({}) GROUP BY phone HAVING count(DISTINCT scene) >= {least}",
            each.join(" UNION ALL ")
        ));
        assert!(!wanted.is_empty(), "somebody was at {least} scenes");
        // All three scenes in three parts, two of them whole.
        let parts = if least == 3 { 3 } else { 1 };
        let given = [("least", least), ("parts", parts)];
        city.same(terms("at-the-scenes", &warrant, &given), wanted);
    }
}

fn sim_box(city: &City, whole: &SceneView) {
    let warrant = city.warrant(&[], std::slice::from_ref(whole), 10);
    let wanted = city.sql(&format!(
        "WITH heard AS (SELECT DISTINCT caller, callee, at, cell FROM calls WHERE {window}), \
         busy AS (SELECT caller, cell FROM heard GROUP BY caller, cell HAVING count(*) >= 20), \
         sims AS (SELECT DISTINCT b.caller, b.cell FROM busy b JOIN subscribers s ON s.phone = b.caller \
                  WHERE s.id_number IS NULL AND b.caller NOT IN (SELECT callee FROM heard)), \
         cells AS (SELECT cell FROM sims GROUP BY cell HAVING count(*) >= 4), \
         flat AS (SELECT premise FROM power_readings WHERE {window} GROUP BY premise \
                  HAVING avg(kwh) > 0 AND stddev_pop(kwh) <= 0.2 * avg(kwh)) \
         SELECT p.premise, p.cell FROM power_premises p JOIN flat f ON f.premise = p.premise \
         WHERE p.cell IN (SELECT cell FROM cells) \
         AND p.premise NOT IN (SELECT premise FROM water_readings WHERE litres > 0 AND {window}) \
         AND (p.holder_id_number IS NULL OR p.holder_id_number NOT IN (SELECT id_number FROM residents WHERE id_number IS NOT NULL))",
        window = window()
    ));
    let planted: BTreeSet<Vec<String>> = city
        .truth
        .sim_boxes
        .iter()
        .map(|known| vec![known.premise.clone(), known.cell.to_string()])
        .collect();
    let (_, answer) = city.same(ask(&warrant, "sim-box"), wanted.clone());
    city.same(terms("sim-box", &warrant, &[("parts", 2)]), wanted.clone());
    assert_eq!(
        wanted.into_iter().collect::<BTreeSet<_>>(),
        planted,
        "the planted boxes"
    );
    assert_eq!(answer.tables[0].columns, ["premise", "cell"]);
}

fn called_then_paid(city: &City) {
    let sims: Vec<String> = city.truth.sim_boxes[0]
        .sims
        .iter()
        .map(|sim| format!("phone:{sim}"))
        .collect();
    let phones: Vec<&str> = sims.iter().map(String::as_str).collect();
    let warrant = city.warrant(&phones, &[], 100);
    let listed: Vec<String> = sims
        .iter()
        .map(|sim| format!("'+86{}'", sim.trim_start_matches("phone:")))
        .collect();
    let wanted = city.sql(&format!(
        "SELECT t.to_account FROM transfers t JOIN accounts a ON a.account = t.from_account AND a.institution = t.institution \
         JOIN subscribers s ON s.id_number = a.id_number JOIN calls c ON c.callee = s.phone AND c.institution = s.institution \
         WHERE c.caller IN ({}) AND c.at >= {from} AND c.at < {to} AND t.at >= {from} AND t.at < {to} \
         AND (t.at - {from}) / 1000 >= (c.at - {from}) / 1000 AND (t.at - {from}) / 1000 <= (c.at - {from}) / 1000 + 3600 \
         GROUP BY t.to_account HAVING count(DISTINCT a.id_number) >= 3",
        listed.join(", "),
        from = WINDOW_MS[0],
        to = WINDOW_MS[1],
    ));
    assert!(!wanted.is_empty(), "victims paid somebody");
    city.same(ask(&warrant, "called-then-paid"), wanted.clone());
    city.same(terms("called-then-paid", &warrant, &[("parts", 3)]), wanted);
}

fn totals(city: &City, whole: &SceneView) {
    let warrant = city.warrant(&[], std::slice::from_ref(whole), 1_000);
    let paid = format!(
        "FROM transfers t JOIN accounts a ON a.account = t.from_account AND a.institution = t.institution \
         WHERE t.at >= {} AND t.at < {} AND a.id_number IN (SELECT s.id_number FROM subscribers s JOIN calls c ON c.caller = s.phone \
         AND c.institution = s.institution WHERE s.id_number IS NOT NULL AND c.{})",
        WINDOW_MS[0],
        WINDOW_MS[1],
        window().replace(" AND at", " AND c.at")
    );
    for (by, group, parts) in [
        (0, "t.institution", 1),
        (1, "(t.at - 1541894400000) / 86400000", 4),
    ] {
        let all = city.sql(&format!(
            "SELECT {group} AS g, count(DISTINCT a.id_number) AS persons, count(*) AS n, sum(t.amount_fen) AS s {paid} GROUP BY g"
        ));
        let persons = |row: &Vec<String>| row[1].parse::<u64>().unwrap();
        let wanted: Vec<Vec<String>> = all
            .iter()
            .filter(|row| persons(row) >= 5)
            .cloned()
            .collect();
        assert!(!wanted.is_empty());
        let (_, answer) = city.same(
            terms("totals", &warrant, &[("by", by), ("parts", parts)]),
            wanted.clone(),
        );
        let view = city.world.police().question(&answer.question).unwrap();
        let count = view.count.unwrap();
        assert_eq!(count.rows, wanted.len() as u64);
        assert_eq!(
            count.withheld,
            (all.len() - wanted.len()) as u64,
            "small groups are withheld, and said so"
        );
    }
}

fn risk_propagation(city: &City, whole: &SceneView) {
    let warrant = city.warrant(&[], std::slice::from_ref(whole), 10_000);
    let number = |text: &str| text.parse::<u64>().unwrap();
    let key = |account: &str| [number(account) >> 32, number(account) & 0xffff_ffff];
    let mut graph: BTreeMap<[u64; 2], ideal::Account> = BTreeMap::new();
    let (mut received, mut sent) = (BTreeMap::new(), BTreeMap::new());
    let own = city.sql("SELECT DISTINCT institution, account FROM accounts");
    let mut names: BTreeMap<[u64; 2], String> = BTreeMap::new();
    let owner: BTreeMap<&str, &str> = own
        .iter()
        .map(|row| (row[1].as_str(), row[0].as_str()))
        .collect();
    for row in &own {
        names.insert(key(&row[1]), row[1].clone());
        graph.insert(
            key(&row[1]),
            ideal::Account {
                score: 0,
                received: Vec::new(),
            },
        );
    }
    let transfers = city.sql(&format!(
        "SELECT institution, from_account, to_account, amount_fen FROM transfers WHERE {} AND amount_fen > 0",
        window()
    ));
    for row in &transfers {
        let amount = number(&row[3]);
        // Each bank knows what its own tables hold of its own accounts.
        if owner.get(row[2].as_str()) == Some(&row[0].as_str()) {
            *received.entry(row[2].clone()).or_insert(0) += amount;
            graph
                .get_mut(&key(&row[2]))
                .unwrap()
                .received
                .push((key(&row[1]), amount));
        }
        if owner.get(row[1].as_str()) == Some(&row[0].as_str()) {
            *sent.entry(row[1].clone()).or_insert(0) += amount;
        }
    }
    for (account, received) in &received {
        let sent: u64 = sent.get(account).copied().unwrap_or(0);
        if sent * 10 >= received * 9 && sent <= *received {
            graph.get_mut(&key(account)).unwrap().score = 100;
        }
    }
    let scores = ideal::risk_propagation(&graph, &[128, 128], 16);
    // 48 bits after the point, of which 16 open.
    let wanted: Vec<Vec<String>> = scores
        .iter()
        .filter(|(_, score)| **score >= 20u128 << 48)
        .map(|(key, score)| {
            vec![
                names[key].clone(),
                (((*score >> 32) * 1_000) >> 16).to_string(),
            ]
        })
        .collect();
    assert!(!wanted.is_empty() && wanted.len() < graph.len());
    city.same(ask(&warrant, "risk-propagation"), wanted);
}

#[test]
fn gates_hold_and_killed_nodes_come_back() {
    let city = City::new("2");
    the_cap_opens_nothing(&city);
    who_refuses_to_compute_is_named(&city);
    revoked_before_it_runs(&city);
    killed_while_computing(&city);
    sets::lists_stay_until_the_count(&city);
    sets::killed_while_comparing(&city);
    ends::cancelled_while_inputs_are_missing(&city);
    ends::rows_that_do_not_fit(&city);
}

/// An answer over the cap opens nothing, and neither does a count alone.
fn the_cap_opens_nothing(city: &City) {
    let scenes = [scene(Some(1), 0, 30), scene(Some(2), 0, 30)];
    let warrant = city.warrant(&[], &scenes, 1);
    let police = city.world.police();
    let at_least = |least| terms("at-the-scenes", &warrant, &[("least", least)]);
    let counted = Ask {
        count_only: true,
        ..at_least(2)
    };
    // Two scenes of a month: more than one phone was there.
    for ask in [at_least(1), counted] {
        let alone = ask.count_only;
        let question = city.world.ask(ask);
        city.world.approve_all(&question);
        let ended = ["counted", "completed", "aborted"];
        let view = city.world.phase(&police, &question, &ended);
        assert_eq!(view.phase, "counted", "{:?}", view.cause);
        assert!(alone || view.count.unwrap().rows > 1);
        let open = Act::OpenAnswer {
            question: question.clone(),
        };
        assert_refused("answer-unknown", police.act(&open));
        assert!(police.answer(&question).is_err());
    }
    // Neither scenes nor the least group are the asker's to choose.
    for beyond in [at_least(3), terms("totals", &warrant, &[("group_min", 1)])] {
        let refused = police.act(&Act::Ask(beyond));
        city.world
            .assert_denied(&warrant, "parameter-unfit", refused);
    }
}

/// A warrant that is revoked stops what was approved.
fn revoked_before_it_runs(city: &City) {
    let scenes = [scene(Some(1), 0, 30)];
    let warrant = city.warrant(&[], &scenes, 1_000);
    let question = city.world.ask(ask(&warrant, "at-the-scenes"));
    a_rule_says_who_may_compute(&city.world, &question);
    let revoke = Act::RevokeWarrant {
        warrant: warrant.clone(),
        reason: "the report was withdrawn".into(),
    };
    city.world.judge().act(&revoke).unwrap();
    let approver = city.world.officer("telecom_b", "approver");
    let approve = Act::Approve {
        question: question.clone(),
    };
    let refused = city
        .world
        .stop
        .wait("the revocation", LIMIT, || match approver.act(&approve) {
            Err(failure) if failure.rule == "revoked" => Ok(Some(())),
            Err(failure) if failure.retry => Ok(None),
            other => panic!("approved under a revoked warrant: {other:?}"),
        });
    refused.unwrap();
    let view = city.world.police().question(&question).unwrap();
    assert!(
        view.count.is_none() && view.phase == "open",
        "{}",
        view.phase
    );
}

/// A standing rule approves a joint question where it names all who compute it.
fn a_rule_says_who_may_compute(world: &World, question: &str) {
    let approver = world.officer("telecom_a", "approver");
    let set = |computing: &[&str]| {
        let known: RulesView = approver.get("/v1/rules").unwrap();
        let rule = RuleView {
            name: "scenes".into(),
            template: "at-the-scenes".into(),
            answer_cap: 1_000,
            hops: 1,
            subjects: 20,
            computing: computing.iter().copied().map(str::to_owned).collect(),
        };
        approver.act(&Act::ChangeRules(ChangeRules {
            replaces: known.record,
            rules: vec![rule],
            reason: "asked for every day".into(),
        }))
    };
    assert_refused("not-a-member", set(&["a_stranger"]));
    let path = format!("/v1/questions/{question}/plan");
    // Whom the rules in force keep from computing it.
    let kept_out = |wanted: usize| {
        world.until("why no rule approves it", || {
            let plan: PlanView = match approver.get(&path) {
                Err(failure) if failure.retry || failure.rule == "question-unknown" => {
                    return Ok(None);
                }
                plan => plan?,
            };
            let why = plan.custody.unwrap().by_hand;
            let members = MEMBERS.map(|(id, _)| id).into_iter();
            let named: Vec<&str> = members
                .filter(|id| {
                    let let_in = format!("let {id} compute");
                    why.iter().any(|words| words.text_en.contains(&let_in))
                })
                .collect();
            Ok((named.len() == wanted).then_some(named))
        })
    };
    set(&[]).unwrap();
    let three = kept_out(3);
    set(&three[..2]).unwrap();
    assert_eq!(kept_out(1), three[2..]);
    let is_approved = || {
        let view = approver.question(question)?;
        Ok((view.decisions["telecom_a"] == "approved").then_some(()))
    };
    assert_eq!(is_approved().unwrap(), None);
    set(&three).unwrap();
    world.until("the approval by rule", is_approved);
}

/// Each of the three is killed while it computes, and the answer is the same.
fn killed_while_computing(city: &City) {
    let scenes = [scene(Some(1), 0, 30), scene(Some(2), 0, 30)];
    let warrant = city.warrant(&[], &scenes, 10_000);
    let wanted = city.sql(&format!(
        "SELECT DISTINCT caller FROM calls WHERE {} OR {}",
        at(&scenes[0]),
        at(&scenes[1])
    ));
    let wanted: BTreeSet<Vec<String>> = wanted.into_iter().collect();
    // In parts the other owner's second one is pulled in the middle of the computation.
    for (victim, after_ms, parts) in [
        ("telecom_b", 0, 1),
        ("procuratorate", 600, 1),
        ("telecom_a", 1_500, 2),
    ] {
        let given = [("least", 1), ("parts", parts)];
        let question = city.world.ask(terms("at-the-scenes", &warrant, &given));
        city.world.approve_all(&question);
        std::thread::sleep(Duration::from_millis(after_ms));
        city.world.network.kill(&id(victim));
        city.world.network.start(&id(victim)).unwrap();
        let police = city.world.police();
        let view = city
            .world
            .phase(&police, &question, &["completed", "aborted"]);
        assert_eq!(
            view.phase,
            "completed",
            "{victim} killed after {after_ms} ms: {:?}\n{}",
            view.cause,
            city.world.log(victim)
        );
        assert_eq!(
            city.opened(&question),
            wanted,
            "{victim} killed after {after_ms} ms"
        );
    }
}

/// A captured member that answers nobody ends a question, and its name stands on record
/// in every docket; the other two, who only heard of it, are not taken for it.
fn who_refuses_to_compute_is_named(city: &City) {
    let world = &city.world;
    let scenes = [scene(Some(1), 0, 30)];
    let warrant = city.warrant(&[], &scenes, 1_000);
    let question = world.ask(terms("at-the-scenes", &warrant, &[("least", 1)]));
    world.held_up(&question);
    world.network.stop(&id("telecom_b"));
    play(world, "telecom_b", async |villain: Villain| {
        let net = villain.own_channels().await;
        world.network.start(&id("police")).unwrap();
        let waited = world
            .network
            .wait_healthy(&id("police"), LIMIT, &world.stop);
        waited.unwrap();
        let view = world.phase(&world.police(), &question, &["aborted", "completed"]);
        let cause = Some("mute (refused by telecom_b)");
        assert_eq!(view.cause.as_deref(), cause, "{}", world.log("police"));
        net.stop(Duration::from_secs(1)).await;
    });
    world.network.start(&id("telecom_b")).unwrap();
    let records = world.auditor().docket(&warrant).unwrap().records;
    let ends = records.iter().filter(|view| view.kind == "run-aborted");
    let texts: Vec<&str> = ends.map(|view| view.text_en.as_str()).collect();
    assert!(
        texts.len() == 1 && texts[0].contains("telecom_b refused (mute)"),
        "{texts:?}"
    );
}
