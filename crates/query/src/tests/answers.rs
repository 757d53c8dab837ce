//! Answers: by hand, and against a naive evaluation over pooled rows.

use std::collections::{BTreeMap, BTreeSet};

use docket::{
    Plan,
    plan::{Answer, Cell, Parameters, Source, Step},
};
use primitives::semantic::{
    DAY_MS as DAY, Period, Selector,
    Semantic::{self, Account, Phone, ResidentId},
};
use proptest::prelude::*;

use super::fixture::{
    DAY_MS, START_MS, Setting, account, call, digest, origin, phone, question, selector, text,
    transfer,
};
use crate::{OpenedRow, Question, assemble, derive};

const HOUR_MS: i64 = 3_600_000;

fn money(hops: u8, within_ms: u64) -> Plan {
    let question = Question {
        parameters: Parameters {
            min_amount_minor: Some(100),
            within_ms: (hops > 1).then_some(within_ms),
            hops: Some(hops),
            ..Parameters::default()
        },
        ..question("follow-the-money")
    };
    let mut setting = Setting::new(&[Account]);
    setting.terms.answer_cap = 10_000;
    setting.compile(&question).unwrap()
}

fn contacts(hops: u8) -> Plan {
    let mut question = question("call-contacts");
    question.parameters.hops = Some(hops);
    let mut setting = Setting::new(&[Phone]);
    setting.terms.answer_cap = 10_000;
    setting.compile(&question).unwrap()
}

fn identify() -> Plan {
    let mut setting = Setting::new(&[Phone, Account, ResidentId]);
    setting.terms.answer_cap = 10_000;
    setting.compile(&question("identify")).unwrap()
}

fn rows(answer: &Answer, step: usize) -> Vec<Vec<Cell>> {
    answer.tables[step]
        .rows
        .iter()
        .map(|row| row.cells.clone())
        .collect()
}

#[test]
fn a_row_derives_each_day_that_the_rule_touches() {
    let plan = money(2, 24 * 3_600_000);
    let step = &plan.steps[0];
    let noon = derive(step, &transfer(1, 2, 100, START_MS + 12 * HOUR_MS));
    let day = |days: i64| Period::of_ms(START_MS + days * DAY_MS);
    let to = selector(Account, &account(2));
    assert_eq!(noon, [to.clone().on(day(0)), to.clone().on(day(1))]);
    let week = &money(2, 7 * 24 * 3_600_000).steps[0];
    assert_eq!(derive(week, &transfer(1, 2, 100, START_MS)).len(), 8);
    assert!(derive(&plan.steps[1], &transfer(1, 2, 100, START_MS)).is_empty());
    for column in [1, 3] {
        let mut row = transfer(1, 2, 100, START_MS);
        row[column] = Cell::Null;
        assert!(derive(step, &row).is_empty());
    }
    assert!(derive(step, &transfer(1, 2, 100, i64::MAX)).is_empty());
    assert!(derive(step, &[]).is_empty());
    let step = &contacts(2).steps[0];
    let both = derive(step, &call(3, 1, START_MS));
    assert_eq!(
        both,
        [selector(Phone, &phone(1)), selector(Phone, &phone(3))]
    );
    assert_eq!(derive(step, &call(3, 3, START_MS)).len(), 1);
}

#[test]
fn a_transfer_stays_where_money_came_in_before_it_and_in_time() {
    let plan = money(3, 24 * 3_600_000);
    let at = |hours: i64| START_MS + hours * HOUR_MS;
    let opened: Vec<OpenedRow> = [
        (0, transfer(1, 2, 500, at(10))),
        (0, transfer(1, 3, 500, at(20))),
        // On the same day, but before the money came in, and at that moment.
        (1, transfer(2, 9, 500, at(9))),
        (1, transfer(2, 9, 500, at(10))),
        (1, transfer(2, 4, 500, at(11))),
        // Exactly at the end of the time, and one millisecond after.
        (1, transfer(2, 5, 500, at(34))),
        (1, transfer(2, 6, 500, at(34) + 1)),
        // From an account whose own transfer fell to the rule.
        (2, transfer(9, 7, 500, at(12))),
        (2, transfer(4, 8, 500, at(12))),
    ]
    .map(|(step, row)| (step, origin("bank_a"), row))
    .into();
    let seeds = [selector(Account, &account(1))];
    let answer = assemble(&plan, &digest("q"), &seeds, &opened).unwrap();
    assert_eq!(answer.question, digest("q"));
    assert_eq!(rows(&answer, 0).len(), 2);
    assert_eq!(
        rows(&answer, 1),
        [transfer(2, 4, 500, at(11)), transfer(2, 5, 500, at(34))]
    );
    assert_eq!(rows(&answer, 2), [transfer(4, 8, 500, at(12))]);
}

#[test]
fn a_row_stands_once_with_every_origin() {
    let plan = contacts(2);
    let row = call(1, 2, START_MS);
    let opened = [
        (0, origin("telecom_b"), row.clone()),
        (0, origin("telecom_a"), row.clone()),
        (0, origin("telecom_a"), row.clone()),
        (1, origin("telecom_a"), row.clone()),
        (1, origin("telecom_a"), call(2, 3, START_MS)),
        (0, origin("telecom_a"), call(4, 1, START_MS)),
    ];
    let seeds = [selector(Phone, &phone(1))];
    let answer = assemble(&plan, &digest("q"), &seeds, &opened).unwrap();
    assert_eq!(answer.rows(), 3);
    assert_eq!(rows(&answer, 0), [row, call(4, 1, START_MS)]);
    assert_eq!(
        answer.tables[0].rows[0].origins,
        [origin("telecom_a"), origin("telecom_b")]
    );
    assert_eq!(rows(&answer, 1), [call(2, 3, START_MS)]);
}

#[test]
fn nothing_found_is_an_answer() {
    for plan in [money(3, 1), contacts(2), identify()] {
        let answer = assemble(&plan, &digest("q"), &[], &[]).unwrap();
        assert_eq!(answer.rows(), 0);
        assert_eq!(answer.tables.len(), plan.steps.len());
    }
}

/// Runs a plan over plain tables as the requester would over the protocol:
/// step by step, each selector asked once of the same tables.
fn run(plan: &Plan, seeds: &[Selector], tables: &Tables) -> Vec<OpenedRow> {
    let mut opened: Vec<OpenedRow> = Vec::new();
    let mut done: BTreeSet<(String, String, Selector)> = BTreeSet::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let mut wanted: BTreeSet<Selector> = BTreeSet::new();
        for source in &step.sources {
            match source {
                Source::Subjects(kind) => {
                    wanted.extend(seeds.iter().filter(|s| s.semantic() == *kind).cloned());
                }
                Source::Step(from) => {
                    let rows = opened.iter().filter(|(by, _, _)| by == from);
                    let from = &plan.steps[usize::from(*from)];
                    wanted.extend(rows.flat_map(|(_, _, cells)| derive(from, cells)));
                }
            }
        }
        for selector in wanted {
            if !done.insert((step.table.clone(), step.key.clone(), selector.clone())) {
                continue;
            }
            for (institution, row) in tables.get(step.table.as_str()).into_iter().flatten() {
                if bounded(plan, step, row) && under(step, row).contains(&selector) {
                    opened.push((
                        u8::try_from(place).unwrap(),
                        origin(institution),
                        row.clone(),
                    ));
                }
            }
        }
    }
    opened
}

type Tables = BTreeMap<&'static str, Vec<(&'static str, Vec<Cell>)>>;

fn value(cell: &Cell) -> &str {
    match cell {
        Cell::Text(value) => value,
        _ => "",
    }
}

fn number(cell: &Cell) -> i64 {
    match cell {
        Cell::Int(value) => *value,
        _ => i64::MIN,
    }
}

fn bounded(plan: &Plan, step: &Step, row: &[Cell]) -> bool {
    let window = plan.window.from_ms.cast_signed()..plan.window.to_ms.cast_signed();
    match step.table.as_str() {
        "calls" => window.contains(&number(&row[2])),
        "transfers" => {
            let least = step.min_amount_minor.unwrap_or(0);
            window.contains(&number(&row[3])) && number(&row[2]) >= least
        }
        _ => true,
    }
}

/// The selectors under which a custodian files a row.
fn under(step: &Step, row: &[Cell]) -> Vec<Selector> {
    let at = |semantic: Semantic, place: usize| Selector::new(semantic, value(&row[place])).ok();
    match (step.table.as_str(), step.key.as_str()) {
        ("calls", _) => at(Phone, 0).into_iter().chain(at(Phone, 1)).collect(),
        ("transfers", "from_account") => at(Account, 0).into_iter().collect(),
        ("transfers", _) => {
            let day = Period::from_day(i32::try_from(number(&row[3]).div_euclid(DAY)).unwrap());
            at(Account, 0)
                .map(|s| s.on(Some(day)))
                .into_iter()
                .collect()
        }
        ("subscribers", "phone") => at(Phone, 0).into_iter().collect(),
        ("accounts", "account") => at(Account, 0).into_iter().collect(),
        _ => at(ResidentId, 2).into_iter().collect(),
    }
}

/// Rows of an answer by step, as sets.
fn found(answer: &Answer) -> Vec<BTreeSet<Vec<Cell>>> {
    (0..answer.tables.len())
        .map(|step| rows(answer, step).into_iter().collect())
        .collect()
}

fn check(plan: &Plan, seeds: &[Selector], tables: &Tables, wanted: Vec<BTreeSet<Vec<Cell>>>) {
    let opened = run(plan, seeds, tables);
    let answer = assemble(plan, &digest("q"), seeds, &opened).unwrap();
    assert_eq!(found(&answer), wanted);
    for table in &answer.tables {
        assert!(
            table
                .rows
                .windows(2)
                .all(|pair| pair[0].cells < pair[1].cells)
        );
    }
    // Neither order nor repetition of what was opened matters.
    let mut shuffled: Vec<OpenedRow> = opened.iter().rev().cloned().collect();
    shuffled.extend(opened);
    assert_eq!(
        assemble(plan, &digest("q"), seeds, &shuffled).unwrap(),
        answer
    );
}

/// Transfers reachable by the rule, walked path by path; each at its first hop.
fn follow(
    all: &[Vec<Cell>],
    seeds: &[usize],
    hops: usize,
    within: i64,
) -> Vec<BTreeSet<Vec<Cell>>> {
    let good = |row: &Vec<Cell>| {
        number(&row[2]) >= 100 && (START_MS..START_MS + 10 * DAY_MS).contains(&number(&row[3]))
    };
    let all: Vec<&Vec<Cell>> = all.iter().filter(|row| good(row)).collect();
    let seeds: Vec<String> = seeds.iter().map(|seed| account(*seed)).collect();
    let first = all
        .iter()
        .filter(|row| seeds.iter().any(|seed| seed == value(&row[0])));
    let mut layers: Vec<BTreeSet<Vec<Cell>>> = vec![first.map(|row| (*row).clone()).collect()];
    for _ in 1..hops {
        let last = layers.last().unwrap();
        let next = all.iter().filter(|row| {
            last.iter().any(|before| {
                let gap = number(&row[3]) - number(&before[3]);
                before[1] == row[0] && 0 < gap && gap <= within
            })
        });
        layers.push(next.map(|row| (*row).clone()).collect());
    }
    once(layers)
}

/// Each row in the first layer that has it.
fn once(layers: Vec<BTreeSet<Vec<Cell>>>) -> Vec<BTreeSet<Vec<Cell>>> {
    let mut seen = BTreeSet::new();
    layers
        .into_iter()
        .map(|layer| {
            layer
                .into_iter()
                .filter(|row| seen.insert(row.clone()))
                .collect()
        })
        .collect()
}

fn any_bank() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("bank_a"), Just("bank_b")]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn money_is_followed_as_a_naive_walk_would(
        transfers in proptest::collection::vec(
            (any_bank(), 0..6_usize, 0..6_usize, 50..300_i64, -2..250_i64), 0..60),
        seeds in proptest::collection::btree_set(0..6_usize, 0..3),
        hops in 1..=3_u8,
        within_hours in 1..168_u64,
    ) {
        let within_ms = within_hours * 3_600_000;
        let plan = money(hops, within_ms);
        let rows: Vec<(&str, Vec<Cell>)> = transfers
            .into_iter()
            .map(|(bank, from, to, amount, hour)| {
                (bank, transfer(from, to, amount, START_MS + hour * HOUR_MS))
            })
            .collect();
        let seeds: Vec<usize> = seeds.into_iter().collect();
        let pooled: Vec<Vec<Cell>> = rows.iter().map(|(_, row)| row.clone()).collect();
        let wanted = follow(&pooled, &seeds, usize::from(hops), within_ms.cast_signed());
        let seeds: Vec<Selector> = seeds.iter().map(|s| selector(Account, &account(*s))).collect();
        check(&plan, &seeds, &Tables::from([("transfers", rows)]), wanted);
    }

    #[test]
    fn contacts_are_those_of_a_naive_join(
        calls in proptest::collection::vec(
            (prop_oneof![Just("telecom_a"), Just("telecom_b")], 0..8_usize, 0..8_usize, -2..245_i64), 0..40),
        seeds in proptest::collection::btree_set(0..8_usize, 0..3),
        hops in 1..=2_u8,
    ) {
        let rows: Vec<(&str, Vec<Cell>)> = calls
            .into_iter()
            .map(|(telecom, a, b, hour)| (telecom, call(a, b, START_MS + hour * HOUR_MS)))
            .collect();
        let inside = |row: &&Vec<Cell>| {
            (START_MS..START_MS + 10 * DAY_MS).contains(&number(&row[2]))
        };
        let pooled: Vec<&Vec<Cell>> = rows.iter().map(|(_, row)| row).filter(inside).collect();
        let mut known: BTreeSet<String> = seeds.iter().map(|seed| phone(*seed)).collect();
        let seeds: Vec<Selector> = seeds.iter().map(|s| selector(Phone, &phone(*s))).collect();
        let mut layers = Vec::new();
        for _ in 0..hops {
            let layer: BTreeSet<Vec<Cell>> = pooled
                .iter()
                .filter(|row| known.contains(value(&row[0])) || known.contains(value(&row[1])))
                .map(|row| (*row).clone())
                .collect();
            for row in &layer {
                known.extend([value(&row[0]).to_owned(), value(&row[1]).to_owned()]);
            }
            layers.push(layer);
        }
        check(&contacts(hops), &seeds, &Tables::from([("calls", rows)]), once(layers));
    }

    #[test]
    fn identities_are_those_of_a_naive_join(
        lines in proptest::collection::vec((0..12_usize, proptest::option::of(0..4_usize)), 0..20),
        held in proptest::collection::vec((0..12_usize, proptest::option::of(0..4_usize)), 0..20),
        phones in proptest::collection::btree_set(0..12_usize, 0..3),
        numbers in proptest::collection::btree_set(0..12_usize, 0..3),
        people in proptest::collection::btree_set(0..4_usize, 0..2),
    ) {
        let person = |who: Option<usize>| who.map_or(Cell::Null, |who| text(IDS[who]));
        let lines: Vec<(&str, Vec<Cell>)> = lines
            .into_iter()
            .map(|(line, who)| ("telecom_a", vec![text(&phone(line)), text("holder"), person(who)]))
            .collect();
        let held: Vec<(&str, Vec<Cell>)> = held
            .into_iter()
            .map(|(number, who)| {
                let cells = vec![text(&account(number)), Cell::Null, person(who), Cell::Null, Cell::Null];
                ("bank_b", cells)
            })
            .collect();
        let by = |rows: &[(&str, Vec<Cell>)], column: usize, wanted: &BTreeSet<String>| {
            let rows = rows.iter().filter(|(_, row)| wanted.contains(value(&row[column])));
            rows.map(|(_, row)| row.clone()).collect::<BTreeSet<_>>()
        };
        let first = by(&lines, 0, &phones.iter().map(|p| phone(*p)).collect());
        let second = by(&held, 0, &numbers.iter().map(|n| account(*n)).collect());
        let mut ids: BTreeSet<String> = people.iter().map(|who| IDS[*who].to_owned()).collect();
        let found = first.iter().chain(&second).map(|row| value(&row[2]).to_owned());
        ids.extend(found.filter(|id| !id.is_empty()));
        let wanted = once(vec![first, second, by(&lines, 2, &ids), by(&held, 2, &ids)]);
        let mut seeds: Vec<Selector> = phones.iter().map(|p| selector(Phone, &phone(*p))).collect();
        seeds.extend(numbers.iter().map(|n| selector(Account, &account(*n))));
        seeds.extend(people.iter().map(|who| selector(ResidentId, IDS[*who])));
        let tables = Tables::from([("subscribers", lines), ("accounts", held)]);
        check(&identify(), &seeds, &tables, wanted);
    }
}

/// Made-up id numbers with right check digits.
const IDS: [&str; 4] = [
    "110101199001010015",
    "110101199001010031",
    "110101199001010058",
    "110101199001010074",
];
