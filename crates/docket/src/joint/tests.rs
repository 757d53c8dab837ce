//! Rows as words, and what reads as nothing.

use std::collections::BTreeMap;

use primitives::{
    Digest, InstitutionId, NetworkId, TemplateId, WarrantId, cbor, limits::BODY_BYTES_MAX,
};

use super::{FIELDS_MAX, Field, Form, LABELS_MAX, TERMS_MAX, session, sets, shares, transcript};
use crate::{
    Body, Opened, Rule,
    body::{Scene, Window},
    plan::{
        Answer, AnswerRow, AnswerTable, Cell, JointInput, JointPlan, JointProof, Method, Opening,
        Parameters, Part, Plan, Step,
    },
    state::SCENES_MAX,
};

fn id(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

fn field(name: &str, form: Form) -> Field {
    Field {
        name: name.into(),
        form,
    }
}

/// One field of every form.
fn plan() -> JointPlan {
    JointPlan {
        computing: ["court", "bank_a", "bank_b"].map(id).to_vec(),
        scenes: Vec::new(),
        inputs: vec![JointInput {
            table: "transfers".into(),
            owner: id("bank_a"),
            snapshots: vec![Digest::plain(b"snapshot")],
        }],
        count_only: false,
        terms: BTreeMap::from([("scenes_min".into(), 2)]),
        fields: vec![
            field(
                "",
                Form::Key {
                    kind: "account".into(),
                },
            ),
            field("account", Form::Name),
            field("persons", Form::Number { bits: 20 }),
            field(
                "group",
                Form::Label {
                    bits: 2,
                    of: ["east", "west", "north"].map(String::from).to_vec(),
                },
            ),
            field(
                "score",
                Form::Thousandths {
                    bits: 40,
                    fraction: 32,
                },
            ),
            field("total", Form::Number { bits: 64 }),
        ],
        method: Method::Shares,
    }
}

/// Two holders' sets, of which names open.
fn of_sets() -> JointPlan {
    let input = |owner: &str| JointInput {
        table: "callers".into(),
        owner: id(owner),
        snapshots: vec![Digest::plain(owner.as_bytes())],
    };
    JointPlan {
        computing: ["bank_a", "bank_b", "court"].map(id).to_vec(),
        inputs: ["bank_a", "bank_b"].map(input).to_vec(),
        terms: BTreeMap::new(),
        fields: vec![field("id_number", Form::Name)],
        method: Method::Sets,
        ..plan()
    }
}

fn salt() -> Digest {
    session(
        &NetworkId(Digest::plain(b"network")),
        &Digest::plain(b"plan"),
        &Digest::plain(b"question"),
    )
}

/// The words of a name: its length, its bytes, zeros.
fn words_of(name: &[u8]) -> [u64; 3] {
    let mut bytes = [0; 24];
    bytes[0] = u8::try_from(name.len()).unwrap();
    bytes[1..=name.len()].copy_from_slice(name);
    let word = |at: usize| u64::from_le_bytes(bytes[8 * at..8 * at + 8].try_into().unwrap());
    [word(0), word(1), word(2)]
}

/// The key of an account under the run's session, by the format's own words.
fn key_of(name: &[u8]) -> [u64; 2] {
    let salt = salt();
    let digest = Digest::of("cordon/mpc/joint-key/v1", &[&salt.0, b"account", name]);
    let word = |at: usize| u64::from_le_bytes(digest.0[at..at + 8].try_into().unwrap());
    [word(0), word(8)]
}

/// A row of [`plan`] as words.
fn row(name: &[u8], rest: [u64; 4]) -> Vec<u64> {
    [&key_of(name)[..], &words_of(name), &rest].concat()
}

fn columns(rows: &[Vec<u64>]) -> Vec<Vec<u64>> {
    (0..plan().widths().len())
        .map(|at| rows.iter().map(|row| row[at]).collect())
        .collect()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn refused(plan: &JointPlan, words: &[Vec<u64>]) -> String {
    let refusal = plan.rows(&salt(), words).unwrap_err();
    assert_eq!(refusal.rule, Rule::Format, "{refusal}");
    refusal.detail
}

#[test]
fn every_form_reads_as_it_was_written() {
    let plan = plan();
    let names = ["account", "persons", "group", "score", "total"];
    assert_eq!(plan.columns(), names.map(String::from));
    assert_eq!(plan.widths(), [64, 64, 64, 64, 64, 20, 2, 40, 64]);
    let most = i64::MAX as u64;
    let long = b"12345678901234567890123";
    let words = columns(&[
        row("账号6".as_bytes(), [0, 2, 1 << 31, 0]),
        row(long, [(1 << 20) - 1, 0, (1 << 40) - 1, most]),
        row(b"6", [7, 1, 1, 12]),
    ]);
    let rows = plan.rows(&salt(), &words).unwrap();
    // Sorted by their cells.
    let expected = [
        (
            text("12345678901234567890123"),
            1_048_575,
            "east",
            255_999,
            i64::MAX,
        ),
        (text("6"), 7, "west", 0, 12),
        (text("账号6"), 0, "north", 500, 0),
    ];
    let expected = expected.map(|(name, persons, group, score, total)| {
        vec![
            name,
            Cell::Int(persons),
            text(group),
            Cell::Int(score),
            Cell::Int(total),
        ]
    });
    assert_eq!(rows, expected);
    assert!(plan.rows(&salt(), &columns(&[])).unwrap().is_empty());
}

#[test]
fn a_name_stands_beside_its_own_key() {
    let plan = plan();
    let good = row(b"6", [7, 1, 1, 12]);
    assert!(
        plan.rows(&salt(), &columns(std::slice::from_ref(&good)))
            .is_ok()
    );
    let other = Digest::plain(b"another run");
    let refusal = plan.rows(&other, &columns(std::slice::from_ref(&good)));
    assert_eq!(refusal.unwrap_err().rule, Rule::Format, "another session's");
    let swapped = [row(b"7", [7, 1, 1, 12])[..2].to_vec(), good[2..].to_vec()].concat();
    assert!(refused(&plan, &columns(&[swapped])).contains("key"));
    for at in 0..2 {
        let mut bent = good.clone();
        bent[at] ^= 1 << 63;
        assert!(refused(&plan, &columns(&[bent])).contains("key"), "{at}");
    }
    let mut kind = plan.clone();
    kind.fields[0].form = Form::Key {
        kind: "phone".into(),
    };
    assert!(refused(&kind, &columns(&[good])).contains("key"));
}

#[test]
fn what_no_writer_writes_is_refused_whole() {
    let plan = plan();
    let good = row(b"6", [7, 1, 1, 12]);
    let fine = row(b"7", [7, 1, 1, 12]);
    let with = |at: usize, word: u64| {
        let mut bent = good.clone();
        bent[at] = word;
        refused(&plan, &columns(&[fine.clone(), bent]))
    };
    // A bit above: of the number, of the label, of the score.
    for (at, bits) in [(5, 20), (6, 2), (7, 40)] {
        assert!(with(at, 1 << bits).contains("bit"), "{at}");
        assert!(with(at, u64::MAX).contains("bit"), "{at}");
    }
    // A place that the list has not, a number that no cell holds.
    assert!(with(6, 3).contains("nothing"));
    assert!(with(8, 1 << 63).contains("nothing"));
    // A name that is longer than its words, has bytes after its end, or is no text.
    assert!(with(2, words_of(b"6")[0] & !0xff | 24).contains("nothing"));
    assert!(with(4, 1 << 56).contains("nothing"));
    let latin = row(b"\xff", [7, 1, 1, 12]);
    assert!(refused(&plan, &columns(&[latin])).contains("nothing"));
    // The same row twice, columns too few, too many, or of different length.
    let twice = [good.clone(), fine.clone(), good.clone()];
    assert!(refused(&plan, &columns(&twice)).contains("twice"));
    let mut words = columns(&[good]);
    words.push(vec![0]);
    assert!(refused(&plan, &words).contains("columns"));
    words.truncate(8);
    assert!(refused(&plan, &words).contains("columns"));
    words.push(vec![0, 0]);
    assert!(refused(&plan, &words).contains("columns"));
    assert!(refused(&plan, &[]).contains("columns"));
}

/// Thousandths that leave no room in a cell are refused, and no shift is too far.
#[test]
fn thousandths_read_to_the_edge() {
    let mut plan = plan();
    let score = |bits, fraction| Form::Thousandths { bits, fraction };
    plan.fields = vec![field("score", score(64, 64))];
    let read = |plan: &JointPlan, word| plan.rows(&salt(), &[vec![word]]);
    assert_eq!(read(&plan, u64::MAX).unwrap(), [[Cell::Int(999)]]);
    plan.fields[0].form = score(64, 0);
    assert_eq!(read(&plan, u64::MAX).unwrap_err().rule, Rule::Format);
    let most = i64::MAX as u64 / 1_000;
    assert_eq!(
        read(&plan, most).unwrap(),
        [[Cell::Int(i64::MAX / 1_000 * 1_000)]]
    );
    assert!(read(&plan, most + 1).is_err());
}

#[test]
fn a_program_that_can_not_be_read_does_not_stand() {
    let rule = |change: &dyn Fn(&mut JointPlan)| {
        let mut plan = plan();
        change(&mut plan);
        let refusal = plan.check().unwrap_err();
        // And so it reads nothing.
        assert_eq!(plan.rows(&salt(), &[]).unwrap_err(), refusal);
        refusal.rule
    };
    let form = |place: usize, form: Form| {
        rule(&move |plan: &mut JointPlan| plan.fields[place].form = form.clone())
    };
    let label = |of: Vec<String>| Form::Label { bits: 8, of };
    let thousandths = |bits, fraction| Form::Thousandths { bits, fraction };
    assert!(plan().check().is_ok());
    for refused in [
        form(2, Form::Number { bits: 0 }),
        form(2, Form::Number { bits: 65 }),
        form(3, label(vec![])),
        form(3, label(vec!["x".into(); LABELS_MAX + 1])),
        form(3, label(vec![String::new()])),
        form(
            3,
            Form::Label {
                bits: 65,
                of: vec!["x".into()],
            },
        ),
        form(4, thousandths(0, 0)),
        form(4, thousandths(65, 1)),
        form(4, thousandths(8, 9)),
        form(
            0,
            Form::Key {
                kind: String::new(),
            },
        ),
        // A key without its name.
        form(1, Form::Number { bits: 64 }),
        form(5, Form::Key { kind: "x".into() }),
        rule(&|plan| plan.fields.swap(0, 1)),
        rule(&|plan| plan.fields[2].name.clear()),
        rule(&|plan| plan.fields[2].name = plan.fields[3].name.clone()),
    ] {
        assert_eq!(refused, Rule::Format);
    }
    let scene = Scene {
        cell: None,
        from_ms: 0,
        to_ms: 1,
    };
    for refused in [
        rule(&|plan| plan.fields.clear()),
        rule(&|plan| {
            plan.fields = (0..=FIELDS_MAX)
                .map(|n| field(&n.to_string(), Form::Name))
                .collect();
        }),
        rule(&|plan| plan.scenes = vec![scene.clone(); SCENES_MAX as usize + 1]),
        rule(&|plan| plan.terms = (0..=TERMS_MAX).map(|n| (n.to_string(), 1)).collect()),
        rule(&|plan| plan.inputs = vec![plan.inputs[0].clone(); super::INPUTS_MAX + 1]),
    ] {
        assert_eq!(refused, Rule::Limit);
    }
    for refused in [
        rule(&|plan| _ = plan.computing.pop()),
        rule(&|plan| plan.computing.push(id("bank_c"))),
        rule(&|plan| plan.computing[2] = plan.computing[0].clone()),
        rule(&|plan| plan.inputs.push(plan.inputs[0].clone())),
        rule(&|plan| plan.inputs[0].table.clear()),
    ] {
        assert_eq!(refused, Rule::Joint);
    }
    let most = (0..FIELDS_MAX).map(|n| field(&n.to_string(), Form::Name));
    let full = JointPlan {
        fields: most.collect(),
        ..plan()
    };
    assert!(full.check().is_ok());
}

#[test]
fn sets_are_of_the_first_two_and_open_names() {
    assert!(of_sets().check().is_ok());
    let rule = |change: &dyn Fn(&mut JointPlan)| {
        let mut plan = of_sets();
        change(&mut plan);
        plan.check().unwrap_err().rule
    };
    for refused in [
        rule(&|plan| plan.inputs.swap(0, 1)),
        rule(&|plan| plan.inputs.truncate(1)),
        rule(&|plan| plan.inputs[1].owner = id("court")),
        rule(&|plan| plan.fields[0].form = Form::Number { bits: 8 }),
        rule(&|plan| plan.fields.push(field("cell", Form::Name))),
    ] {
        assert_eq!(refused, Rule::Joint);
    }
    // What custodians approved before there were sets still has its digest.
    let bytes = cbor::encode(&plan()).unwrap();
    assert!(!bytes.windows(6).any(|bytes| bytes == b"method"));
    let bytes = cbor::encode(&of_sets()).unwrap();
    let read: JointPlan = cbor::decode(&bytes, bytes.len()).unwrap();
    assert_eq!(read, of_sets());
}

#[test]
fn openings_are_no_larger_than_stated() {
    // A list of 2^24 entries that its parts' padding has doubled.
    let opening = Opening {
        number: u32::MAX,
        entry: vec![0xff; sets::ENTRY_BYTES[0]],
        path: vec![Digest([0xff; 32]); 27],
    };
    assert!(cbor::encode(&opening).unwrap().len() <= sets::OPENING_BYTES_MAX);
}

fn body(joint: Option<JointPlan>, steps: Vec<Step>) -> Plan {
    Plan {
        warrant: WarrantId([1; 16]),
        template: TemplateId::new("at-the-scenes").unwrap(),
        parameters: Parameters::default(),
        requester: id("police"),
        custodians: Vec::new(),
        window: Window {
            from_ms: 0,
            to_ms: 1,
        },
        hops: 1,
        answer_cap: 10,
        bucket_keys: 256,
        selectors_max: 10,
        steps,
        leaks: Vec::new(),
        joint,
        rooted: false,
    }
}

/// Whoever reads a plan's body reads one that stands.
#[test]
fn a_plan_is_checked_where_it_is_read() {
    let read = |plan: &Plan| {
        let opened = Opened::new(plan).unwrap();
        opened.read::<Plan>(&opened.part(vec![id("police")]))
    };
    let good = body(Some(plan()), Vec::new());
    assert_eq!(read(&good).unwrap(), good);
    let mut wide = plan();
    wide.fields[2].form = Form::Number { bits: 65 };
    let refusal = read(&body(Some(wide), Vec::new())).unwrap_err();
    assert_eq!(refusal.rule, Rule::Format);
    let step = Step {
        table: "calls".into(),
        key: "party".into(),
        sources: Vec::new(),
        hop: 1,
        min_amount_minor: None,
        columns: Vec::new(),
        derive: Vec::new(),
    };
    let both = body(Some(plan()), vec![step.clone()]);
    assert_eq!(read(&both).unwrap_err().rule, Rule::Joint);
    assert!(read(&body(None, vec![step])).is_ok());
}

/// A plan's bytes are its name on the ledger; what changes them needs another format.
#[test]
fn a_joint_plan_has_the_digest_that_it_had() {
    let digest = body(Some(plan()), Vec::new()).digest().unwrap();
    assert_eq!(
        digest.to_string(),
        "e9a6381e2f3ad5e83c7bee8b7ecbaa485aa380e315b57bdb7001dd651665b97d"
    );
}

/// The largest answer that a plan may allow fits in a body, and is not far from it.
#[test]
fn a_plan_allows_no_more_rows_than_a_body_holds() {
    let joint = plan();
    let most = joint.rows_max();
    let good = body(Some(joint.clone()), Vec::new());
    let capped = |answer_cap| Plan {
        answer_cap,
        ..good.clone()
    };
    let cap = u32::try_from(most).unwrap();
    assert!(capped(cap).check().is_ok());
    assert_eq!(capped(cap + 1).check().unwrap_err().rule, Rule::Limit);
    // Lookups have no parts and keep to the charter's cap alone.
    let lookups = Plan {
        answer_cap: u32::MAX,
        ..body(None, Vec::new())
    };
    assert!(lookups.check().is_ok());
    let cells = vec![
        text("12345678901234567890123"),
        Cell::Int(i64::MAX),
        text("north"),
        Cell::Int(i64::MAX),
        Cell::Int(i64::MAX),
    ];
    let row = AnswerRow {
        cells,
        origins: Vec::new(),
    };
    let part = Part {
        frames: Digest::default(),
        part: vec![0xff; 33 + 16 * most * joint.widths().len()],
        opened: Vec::new(),
    };
    let answer = |rows: usize| Answer {
        question: Digest::default(),
        template: good.template.clone(),
        tables: vec![AnswerTable {
            step: 0,
            table: good.template.to_string(),
            columns: joint.columns(),
            rows: vec![row.clone(); rows],
        }],
        joint: Some(JointProof {
            parts: vec![part.clone(); 3],
        }),
    };
    let opened = Opened::new(&answer(most)).unwrap();
    assert!(opened.body.len() > BODY_BYTES_MAX / 100 * 97);
}

/// What is signed or committed to names everything that it is about.
#[test]
fn digests_change_with_everything_in_them() {
    let (a, b) = (Digest::plain(b"a"), Digest::plain(b"b"));
    let base = transcript(&a, 1, &a, b"part");
    for other in [
        transcript(&b, 1, &a, b"part"),
        transcript(&a, 2, &a, b"part"),
        transcript(&a, 1, &b, b"part"),
        transcript(&a, 1, &a, b"parts"),
    ] {
        assert_ne!(other, base);
    }
    let network = NetworkId(a);
    let base = session(&network, &a, &a);
    assert_ne!(session(&NetworkId(b), &a, &a), base);
    assert_ne!(session(&network, &b, &a), base);
    assert_ne!(session(&network, &a, &b), base);
    let (bank, court) = (id("bank_a"), id("court"));
    let columns = [b"one".to_vec(), b"two".to_vec()];
    let base = shares(&a, (&bank, "calls"), 0, &a, &columns);
    for other in [
        shares(&b, (&bank, "calls"), 0, &a, &columns),
        shares(&a, (&court, "calls"), 0, &a, &columns),
        shares(&a, (&bank, "sims"), 0, &a, &columns),
        shares(&a, (&bank, "calls"), 1, &a, &columns),
        shares(&a, (&bank, "calls"), 0, &b, &columns),
        shares(&a, (&bank, "calls"), 0, &a, &columns[..1]),
        shares(&a, (&bank, "calls"), 0, &a, &[b"onetwo".to_vec()]),
    ] {
        assert_ne!(other, base);
    }
}
