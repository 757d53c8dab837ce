//! Rows of lookups: what the protocol's own parties sent opens again, and nothing that
//! differs from it passes.

use std::collections::BTreeMap;

use docket::body::{Subject, Subjects};
use docket::plan::{Answer, Cell, Derive, Origin, Plan, Source, Step};
use docket::state::Decision;
use docket::statement::{Attestation, KeyCommitment, QuestionAsked, SnapshotCommitted};
use docket::transcript::{Seen, run_transcript};
use mpc::lookup::requester::Target;
use mpc::lookup::{Context, Derivation, Label, Scope};
use primitives::semantic::{Selector, Semantic};
use primitives::{Digest, InstitutionId, NetworkId, WarrantId, cbor};
use query::{OpenedRow, assemble};
use rand::{SeedableRng as _, rngs::StdRng};

use super::lookup_world::{Table, target};
use super::world::{START_MS, TELECOMS, id, key, plan, window};
use crate::case::SourceTable;
use crate::lookups::{Lookup, Run, check_lookups};

const KEYS: [&str; 2] = ["phone", "id_number"];
/// Bytes of a cell: tag, payload, authenticator.
const CELL_BYTES: usize = 16 + 256 + 16;

fn digest(what: &str) -> Digest {
    Digest::of("test", &[what.as_bytes()])
}

/// Subscriber `number` of a telecom; the first of both telecoms is one person.
fn subscriber(telecom: usize, number: usize) -> [String; 3] {
    let phone = format!("1380013{telecom}{number:03}");
    let phone = Selector::new(Semantic::Phone, &phone).unwrap();
    let serial = match number {
        0 => 0,
        _ => telecom * 100 + number,
    };
    [
        phone.value().to_owned(),
        format!("holder {telecom}/{number}"),
        resident(serial),
    ]
}

/// A resident's number with its check digit.
fn resident(serial: usize) -> String {
    let body = format!("11010119900101{serial:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body
        .chars()
        .zip(weights)
        .map(|(digit, weight)| digit.to_digit(10).unwrap() * weight)
        .sum();
    let check = "10X98765432".chars().nth(sum as usize % 11).unwrap();
    format!("{body}{check}")
}

/// What a lookup case left, as its verifier reads it.
struct Scene {
    plan: Plan,
    asked: QuestionAsked,
    run: Digest,
    sources: Vec<SourceTable>,
    decisions: BTreeMap<InstitutionId, Decision>,
    subjects: Subjects,
    attestations: Vec<Attestation>,
    evaluated: Vec<u32>,
    lookups: Vec<Lookup>,
    answer: Answer,
}

/// How a requester departs from the plan.
#[derive(Clone, Copy, Default)]
struct Departure {
    /// The second subject is not asked for at the second telecom.
    omits: bool,
    /// Its lookups' transcripts have no roots.
    rootless: bool,
    /// Another run.
    run: u8,
}

fn snapshot(telecom: &str) -> Digest {
    digest(&format!("snapshot of {telecom}"))
}

fn chain() -> Plan {
    let mut plan = plan(WarrantId([1; 16]), TELECOMS.map(snapshot));
    let step = Step {
        columns: ["phone", "holder", "id_number"].map(String::from).to_vec(),
        ..plan.steps[0].clone()
    };
    plan.steps = vec![
        Step {
            derive: vec![Derive {
                column: "id_number".into(),
                semantic: Semantic::ResidentId,
                days: None,
            }],
            ..step.clone()
        },
        Step {
            key: "id_number".into(),
            sources: vec![Source::Step(0)],
            ..step
        },
    ];
    plan.rooted = true;
    plan
}

/// The real protocol: two subjects, of whom the first telecom has one; the second has
/// another phone of the same person.
fn scene(departure: Departure) -> Scene {
    let mut rng = StdRng::seed_from_u64(u64::from(departure.run));
    let plan = chain();
    let run = digest(&format!("run {}", departure.run));
    let scope = Scope {
        network: NetworkId(digest("network")),
        warrant: digest("order"),
        plan: plan.digest().unwrap(),
        run,
    };
    let tables = tables(&mut rng);
    let mut scene = Scene {
        asked: QuestionAsked {
            warrant: scope.warrant,
            template: plan.template.clone(),
            plan: scope.plan,
            custodians: Vec::new(),
            hops: 1,
            answer_cap: plan.answer_cap,
            joint: None,
        },
        run,
        sources: TELECOMS
            .iter()
            .map(|telecom| source(telecom, &tables))
            .collect(),
        decisions: TELECOMS
            .iter()
            .map(|telecom| approval(telecom, &tables))
            .collect(),
        subjects: subjects(&mut rng),
        attestations: Vec::new(),
        evaluated: vec![2, 1],
        lookups: Vec::new(),
        answer: Answer {
            question: run,
            template: plan.template.clone(),
            tables: Vec::new(),
            joint: None,
        },
        plan,
    };
    let mut opened: Vec<OpenedRow> = Vec::new();
    let mut seen: BTreeMap<InstitutionId, Vec<Seen>> = BTreeMap::new();
    let mut targets: Vec<Target> = scene.subjects.subjects.iter().map(target).collect();
    for step in 0..2u8 {
        let mut derived = Vec::new();
        let here = tables.iter().filter(|table| table.step == u16::from(step));
        for table in here {
            let mut asked = targets.clone();
            asked.truncate(if departure.omits && table.of == id(TELECOMS[1]) {
                1
            } else {
                2
            });
            let snapshot = snapshot(table.of.as_str());
            let context = Context {
                rooted: !departure.rootless,
                ..table.context(scope, snapshot)
            };
            let found = table.lookup(context, asked, &mut rng);
            seen.entry(table.of.clone()).or_default().push(Seen {
                step,
                snapshot,
                part: 0,
                transcript: found.transcript,
            });
            let institution = table.of.clone();
            for outcome in found
                .outcomes
                .into_iter()
                .filter_map(|outcome| outcome.found)
            {
                for row in outcome.rows {
                    let origin = Origin {
                        institution: institution.clone(),
                        snapshot,
                    };
                    opened.push((step, origin, cbor::decode(&row, 4096).unwrap()));
                }
                derived.extend(outcome.derived.into_iter().map(Target::from));
            }
            scene.lookups.push(Lookup {
                step,
                institution,
                snapshot,
                part: 0,
                shown: found.shown.unwrap_or_default(),
            });
        }
        targets = derived;
    }
    for (institution, seen) in seen {
        let transcript = run_transcript(&run, seen).unwrap();
        let message = Attestation::message(&run, &transcript);
        let signature = key(institution.as_str()).sign(Attestation::DOMAIN, &message);
        scene.attestations.push(Attestation {
            institution,
            transcript,
            signature,
        });
    }
    let seeds: Vec<Selector> = scene
        .subjects
        .subjects
        .iter()
        .map(|subject| subject.selector.clone())
        .collect();
    scene.answer = assemble(&scene.plan, &run, &seeds, &opened).unwrap();
    scene
}

fn tables(rng: &mut StdRng) -> Vec<Table> {
    let mut tables = Vec::new();
    for step in [0, 1] {
        for (number, telecom) in TELECOMS.iter().enumerate() {
            let rows = (0..30).map(|row| subscriber(number, row));
            let labels = rows.map(|row| label(step, &row)).collect();
            tables.push(Table::new(telecom, step, labels, rng));
        }
    }
    tables
}

/// Input and label of a row in the table of one step: the first leads to the second.
fn label(step: u16, row: &[String; 3]) -> (Vec<u8>, Label) {
    let [phone, _, resident] = row;
    let phone = Selector::new(Semantic::Phone, phone).unwrap().to_input();
    let resident = Selector::new(Semantic::ResidentId, resident).unwrap();
    let cells: Vec<Cell> = row.iter().cloned().map(Cell::Text).collect();
    let rows = vec![cbor::encode(&cells).unwrap()];
    let next = Derivation {
        to_step: 1,
        input: resident.to_input(),
    };
    match step {
        0 => (
            phone,
            Label {
                rows,
                derived: vec![next],
            },
        ),
        _ => (
            next.input,
            Label {
                rows,
                derived: Vec::new(),
            },
        ),
    }
}

fn source(telecom: &str, tables: &[Table]) -> SourceTable {
    let own = tables.iter().filter(|table| table.of == id(telecom));
    let keys = own.zip(KEYS).map(|(table, name)| table.lookup_key(name));
    SourceTable {
        institution: id(telecom),
        record: snapshot(telecom),
        snapshot: SnapshotCommitted {
            dataset: digest("dataset"),
            root: digest("root"),
            rows: 30,
            rejected: 0,
            extracted_ms: START_MS,
            method: "csv".into(),
            keys: keys.collect(),
        },
        dataset: docket::statement::DatasetPublished {
            dataset: "subscribers".into(),
            table: "subscribers".into(),
            columns: Vec::new(),
            keys: Vec::new(),
        },
    }
}

fn approval(telecom: &str, tables: &[Table]) -> (InstitutionId, Decision) {
    let own = tables.iter().filter(|table| table.of == id(telecom));
    let keys = own.zip(KEYS).map(|(table, name)| KeyCommitment {
        snapshot: snapshot(telecom),
        key: name.into(),
        step: u8::try_from(table.step).unwrap(),
        commitment: table.commitment(),
    });
    (id(telecom), Decision::Approved(keys.collect()))
}

fn subjects(rng: &mut StdRng) -> Subjects {
    let phones = [subscriber(0, 0)[0].clone(), "+8613999999999".into()];
    Subjects {
        case: "2026-001".into(),
        reason: "fraud".into(),
        basis: "Criminal Procedure Law art. 136".into(),
        window: window(),
        subjects: phones
            .iter()
            .map(|phone| {
                let selector = Selector::new(Semantic::Phone, phone).unwrap();
                let (blind, _) = mpc::oprf::blind(&selector.to_input(), rng).unwrap();
                Subject {
                    selector,
                    blind: Digest(*blind.to_bytes()),
                }
            })
            .collect(),
        scenes: Vec::new(),
    }
}

impl Scene {
    /// What the verifier finds; none where it accepts.
    fn found(&self) -> Option<String> {
        let run = Run {
            network: NetworkId(digest("network")),
            id: self.run,
            asked: &self.asked,
            decisions: &self.decisions,
            plan: &self.plan,
            sources: &self.sources,
            subjects: &self.subjects,
            attestations: &self.attestations,
            evaluated: &self.evaluated,
        };
        let refused = check_lookups(&run, &self.lookups, ("answer", &self.answer)).err()?;
        Some(refused.findings[0].detail.clone())
    }

    fn rows(&self) -> Vec<&[Cell]> {
        let tables = self.answer.tables.iter();
        tables
            .flat_map(|table| table.rows.iter().map(|row| row.cells.as_slice()))
            .collect()
    }
}

#[track_caller]
fn assert_found(scene: &Scene, what: &str) {
    let found = scene.found().expect("it was accepted");
    assert!(found.contains(what), "{found}");
}

#[test]
fn the_rows_of_a_chain_open_again() {
    let scene = scene(Departure::default());
    assert_eq!(scene.found(), None);
    let phones: Vec<&Cell> = scene.rows().iter().map(|row| &row[0]).collect();
    let expected = [subscriber(0, 0)[0].clone(), subscriber(1, 0)[0].clone()].map(Cell::Text);
    assert_eq!(phones, expected.iter().collect::<Vec<_>>());
}

#[test]
fn rows_left_out_added_or_altered_are_found() {
    let what = "other rows than the custodians sent";
    let honest = scene(Departure::default());
    let mut other = scene(Departure::default());
    other.answer.tables[1].rows.clear();
    assert_found(&other, what);
    other.answer = honest.answer.clone();
    let mut row = other.answer.tables[0].rows[0].clone();
    row.cells[1] = Cell::Text("another holder".into());
    other.answer.tables[0].rows[0] = row.clone();
    assert_found(&other, what);
    other.answer = honest.answer.clone();
    other.answer.tables[0].rows.insert(0, row);
    assert_found(&other, what);
    other.answer = honest.answer.clone();
    other.answer.tables[0].rows[0].origins[0].institution = id(TELECOMS[1]);
    assert_found(&other, what);
}

#[test]
fn a_subject_that_was_not_asked_for_everywhere_is_found() {
    let scene = scene(Departure {
        omits: true,
        ..Departure::default()
    });
    assert_found(&scene, "1 selectors of step 1 are not shown at telecom_b");
}

#[test]
fn lookups_left_out_repeated_moved_or_of_another_run_are_found() {
    let honest = scene(Departure::default());
    let mut other = scene(Departure::default());
    for at in 0..honest.lookups.len() {
        other.lookups.remove(at);
        assert_found(&other, "are not shown at");
        other.lookups.clone_from(&honest.lookups);
    }
    other.lookups[3].part = 1;
    assert_found(&other, "are not shown at");
    other.lookups.clone_from(&honest.lookups);
    other.lookups.push(Lookup {
        part: 1,
        ..honest.lookups[3].clone()
    });
    assert_found(&other, "the request of another lookup");
    other.lookups.clone_from(&honest.lookups);
    other.lookups.push(Lookup {
        step: 2,
        ..honest.lookups[3].clone()
    });
    assert_found(&other, "a lookup that the plan does not make");
    other.lookups.clone_from(&honest.lookups);
    other.lookups.swap(0, 1);
    assert_found(&other, "lookups out of order");
    other.lookups.clone_from(&honest.lookups);
    let shown = other.lookups[0].shown.clone();
    other.lookups[0].shown.clone_from(&honest.lookups[1].shown);
    other.lookups[1].shown = shown;
    assert_found(&other, "the request of another lookup");
    // What another lawful run opened, all of it, as this run's.
    let another = scene(Departure {
        run: 1,
        ..Departure::default()
    });
    assert_eq!(another.found(), None);
    other.lookups.clone_from(&another.lookups);
    assert!(other.found().is_some());
}

#[test]
fn what_its_custodian_did_not_sign_is_found() {
    let honest = scene(Departure::default());
    let mut other = scene(Departure::default());
    other.attestations[1].transcript = digest("another run");
    assert_found(&other, "telecom_b did not sign these lookups");
    other.attestations.clone_from(&honest.attestations);
    other.attestations.pop();
    assert_found(&other, "a lookup that its custodian did not sign");
    other.attestations.clone_from(&honest.attestations);
    other.evaluated = vec![2, 2];
    assert_found(&other, "another number of selectors");
    // Frames without roots were signed, and then there is nothing to show.
    let rootless = scene(Departure {
        rootless: true,
        ..Departure::default()
    });
    assert_found(&rootless, "it does not begin as a shown lookup");
}

/// A requester that keeps a row back: the cell's edge in its place is under the same root.
#[test]
fn rows_hidden_behind_their_edges_are_found() {
    use sha2::Digest as _;
    let mut scene = scene(Departure::default());
    let shown = &scene.lookups[0].shown;
    // The only whole cell of the first bucket: kept as `index ‖ 01 ‖ cell`.
    let places = 0..shown.len() - CELL_BYTES;
    let whole = |at: &usize| {
        let mut shorter = shown[..*at].to_vec();
        shorter.push(0);
        let cell = &shown[at + 1..=at + CELL_BYTES];
        shorter.extend_from_slice(&cell[..16]);
        shorter.extend_from_slice(&sha2::Sha256::digest(&cell[16..]));
        shorter.extend_from_slice(&shown[at + 1 + CELL_BYTES..]);
        shorter
    };
    let ones = places.filter(|at| shown[*at] == 1).map(|at| whole(&at));
    let candidates: Vec<Vec<u8>> = ones.collect();
    let mut hidden = 0;
    for shorter in candidates {
        scene.lookups[0].shown = shorter;
        let found = scene.found().expect("a hidden row was accepted");
        hidden += usize::from(found == "a selector whose rows are left out");
    }
    assert_eq!(hidden, 1);
}

#[test]
fn no_altered_byte_of_a_shown_lookup_passes() {
    let honest = scene(Departure::default());
    let mut other = scene(Departure::default());
    for lookup in 0..honest.lookups.len() {
        let bytes = honest.lookups[lookup].shown.len();
        // Each byte of the first, every seventh of the others.
        for at in (0..bytes).step_by(if lookup == 0 { 1 } else { 7 }) {
            other.lookups[lookup].shown[at] ^= 1 << (at % 8);
            assert!(other.found().is_some(), "lookup {lookup}, byte {at}");
            other.lookups[lookup].shown[at] ^= 1 << (at % 8);
        }
        for cut in (0..bytes).step_by(11) {
            other.lookups[lookup].shown.truncate(cut);
            assert!(other.found().is_some(), "lookup {lookup}, cut at {cut}");
            other.lookups[lookup]
                .shown
                .clone_from(&honest.lookups[lookup].shown);
        }
        other.lookups[lookup].shown.push(0);
        assert_found(&other, "bytes after its last bucket");
        other.lookups[lookup].shown.pop();
    }
    assert_eq!(other.found(), None);
}
