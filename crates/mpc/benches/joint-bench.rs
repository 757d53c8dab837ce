//! Figures of joint questions: `joint-bench [risk|scenes|paid|boxes|totals]
//! [--rows N] [--iterations N] [--parts N] [--security semi-honest|malicious] [--json]`.
//!
//! Why it exists: whether a question may be asked of a city's tables is a matter
//! of seconds a row. Three parties run in one process, each on a thread, over
//! channels in memory; CPU time is that of all three, the sharing of inputs
//! excluded; memory is that of all three and of the plain tables. Each answer is
//! compared with that of one party in the clear, whose time is the floor.
//!
//! `scenes` takes its table in parts, of which each party holds one at a time;
//! `working_bytes` is the peak over what the process held when the parties began.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;

use std::collections::{BTreeMap, BTreeSet};

use mpc::{
    Error,
    joint::{
        Found, Gate, at_the_scenes, called_then_paid,
        ideal::{self, Subject},
        key::subject_key,
        risk_propagation::{self, Account},
        sim_box,
        table::{Schema, Table},
        totals,
    },
    shares::{Party, Security, memory},
};
use primitives::Digest;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use measure::{Start, as_f64, peak_rss, thread_cpu};

const QUESTIONS: [&str; 5] = ["risk", "scenes", "paid", "boxes", "totals"];

struct Options {
    rows: Option<usize>,
    iterations: usize,
    parts: usize,
    json: bool,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mut options = Options {
        rows: None,
        iterations: 2,
        parts: 1,
        json: false,
    };
    let (mut what, mut security) = (Vec::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => options.json = true,
            "--rows" => options.rows = args.next().and_then(|count| count.parse().ok()),
            "--iterations" => {
                options.iterations = args.next().and_then(|n| n.parse().ok()).unwrap_or(2);
            }
            "--parts" => options.parts = args.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            "--security" => security = args.next(),
            "--bench" => {}
            name if QUESTIONS.contains(&name) => what.push(name.to_owned()),
            // A room's benches are all given the same words; others are not ours.
            word => assert!(!word.starts_with('-'), "no such option: {word}"),
        }
    }
    // `cargo bench` and `cargo test --benches` without a name: a short look.
    if what.is_empty() {
        what = QUESTIONS.map(str::to_owned).to_vec();
        options.rows = options.rows.or(Some(1 << 10));
    }
    for name in &what {
        for mode in [Security::SemiHonest, Security::Malicious] {
            let label = match mode {
                Security::SemiHonest => "semi-honest",
                Security::Malicious => "malicious",
            };
            if security.as_deref().is_none_or(|only| only == label) {
                measure(name, &options, mode, label);
            }
        }
    }
}

type Ask = dyn Fn(&mut Party<'_>, &Given<'_>) -> Result<usize, Error> + Sync;

/// What a party was given.
struct Given<'a> {
    question: &'a Question,
    shared: &'a [[Vec<Vec<u8>>; 3]],
    /// All tables, but of a question in parts.
    tables: Vec<Table>,
}

impl Given<'_> {
    /// Takes one table.
    fn receive(&self, party: &mut Party<'_>, nth: usize) -> Result<Table, Error> {
        let (schema, columns) = &self.question.tables[nth];
        let messages = &self.shared[nth][party.index()];
        let session = Digest::plain(b"bench");
        Table::receive(party, schema, &session, "owner", columns[0].len(), messages)
    }
}

/// A question over plain tables: the program of a party, which gives its rows'
/// number, and the number that is due.
struct Question {
    rows: usize,
    tables: Vec<(Schema, Vec<Vec<u64>>)>,
    ask: Box<Ask>,
    due: usize,
    /// CPU seconds of one party in the clear.
    floor: f64,
}

fn measure(name: &str, options: &Options, security: Security, label: &str) {
    let question = match name {
        "risk" => risk(options.rows.unwrap_or(200_000), options.iterations),
        "scenes" => scenes(options.rows.unwrap_or(1 << 17), options.parts),
        "paid" => paid(options.rows.unwrap_or(1 << 16)),
        "boxes" => boxes(options.rows.unwrap_or(1 << 16)),
        _ => totals_of(options.rows.unwrap_or(1 << 17)),
    };
    let start = Start::new();
    let session = Digest::plain(b"bench");
    let mut rng = StdRng::seed_from_u64(3);
    let shared: Vec<[Vec<Vec<u8>>; 3]> = question
        .tables
        .iter()
        .map(|(schema, columns)| schema.share(&session, "owner", columns, &mut rng).unwrap())
        .collect();
    measure::reset_peak();
    let held = peak_rss();
    let costs = memory::run(security, 1, |party| {
        let mut given = Given {
            question: &question,
            shared: &shared,
            tables: Vec::new(),
        };
        if options.parts == 1 {
            for nth in 0..question.tables.len() {
                let table = given.receive(party, nth)?;
                given.tables.push(table);
            }
        }
        let before = start.begin(party)?;
        let found = (question.ask)(party, &given)?;
        assert_eq!(found, question.due, "the answer in the clear");
        start.end();
        let after = party.cost();
        Ok((after.bytes - before.bytes, after.rounds - before.rounds))
    });
    let (cpu, wall) = start.spent();
    let costs = costs.map(Result::unwrap);
    let bytes: u64 = costs.iter().map(|cost| cost.0).sum();
    let per_row = |value: f64| value / as_f64(question.rows);
    let bytes = as_f64(usize::try_from(bytes).unwrap());
    let fields = [
        ("bench", format!("\"joint::{name}/rows={}\"", question.rows)),
        ("security", format!("\"{label}\"")),
        ("cpu_s", format!("{cpu:.3}")),
        ("wall_s", format!("{wall:.3}")),
        ("us_per_item", format!("{:.3}", per_row(cpu * 1e6))),
        ("bytes_per_item", format!("{:.1}", per_row(bytes))),
        ("rounds", costs[0].1.to_string()),
        ("found", question.due.to_string()),
        ("peak_rss_bytes", peak_rss().to_string()),
        ("parts", options.parts.to_string()),
        ("working_bytes", peak_rss().saturating_sub(held).to_string()),
        ("floor_cpu_s", format!("{:.4}", question.floor)),
        (
            "floor_ratio",
            format!("{:.0}", cpu / question.floor.max(1e-4)),
        ),
    ];
    if options.json {
        let fields = fields.map(|(name, value)| format!("\"{name}\":{value}"));
        println!("{{{}}}", fields.join(","));
    } else {
        println!(
            "{}",
            fields
                .map(|(name, value)| format!("{name} {value}"))
                .join(", ")
        );
    }
}

fn subject(kind: &str, number: u64) -> Subject {
    subject_key(&Digest::plain(b"salt"), kind, &number.to_be_bytes())
}

fn columns<const N: usize>(rows: impl Iterator<Item = [u64; N]>) -> Vec<Vec<u64>> {
    let mut columns = vec![Vec::new(); N];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

/// What one party takes in the clear, and what it finds.
fn in_the_clear<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = thread_cpu();
    let result = work();
    (result, thread_cpu() - before)
}

fn opened(party: &mut Party<'_>, gate: Gate) -> Result<usize, Error> {
    let count = gate.count();
    gate.open(party, count)?;
    party.verify()?;
    Ok(count)
}

/// `transfers` among a quarter as many accounts, so that about a hundred accounts
/// reach the threshold.
fn risk(transfers: usize, iterations: usize) -> Question {
    let mut rng = StdRng::seed_from_u64(1);
    let count = transfers.div_ceil(4).max(1);
    let mut accounts: Vec<Account> = (0..count as u64)
        .map(|number| Account {
            key: subject("account", number),
            score: if rng.random_range(0..20) == 0 {
                rng.random_range(0..1024)
            } else {
                0
            },
            name: vec![number],
            received: Vec::new(),
        })
        .collect();
    for _ in 0..transfers {
        let sender = accounts[rng.random_range(0..count)].key;
        let to = rng.random_range(0..count);
        accounts[to]
            .received
            .push((sender, rng.random_range(1..100_000)));
    }
    let (score_bits, bits) = (10, 51 / u32::try_from(iterations.max(1)).unwrap());
    let mut terms = risk_propagation::Terms {
        score_bits,
        weight_bits: bits.min(24) - risk_propagation::DELTA_BITS,
        deltas: vec![128; iterations],
        threshold: 1,
        name_words: 1,
    };
    let plain: BTreeMap<Subject, ideal::Account> = accounts
        .iter()
        .map(|account| {
            let (score, received) = (account.score, account.received.clone());
            (account.key, ideal::Account { score, received })
        })
        .collect();
    let (scores, floor) =
        in_the_clear(|| ideal::risk_propagation(&plain, &terms.deltas, terms.weight_bits));
    let mut sorted: Vec<u128> = scores
        .values()
        .map(|s| *s >> terms.fraction_bits())
        .collect();
    sorted.sort_unstable_by_key(|score| std::cmp::Reverse(*score));
    terms.threshold = u64::try_from(sorted[100.min(count - 1)]).unwrap().max(1);
    let bar = u128::from(terms.threshold);
    let due = sorted.iter().filter(|score| **score >= bar).count();
    let ledger = risk_propagation::ledger_columns(&terms, &accounts, transfers + count, &mut rng);
    Question {
        rows: transfers,
        tables: vec![(terms.ledger().unwrap(), ledger.unwrap())],
        ask: Box::new(move |party, given| {
            let risks = risk_propagation::count(party, &terms, &given.tables[0])?;
            let count = risks.count();
            risks.open(party, count)?;
            party.verify()?;
            Ok(count)
        }),
        due,
        floor,
    }
}

/// Phones at six scenes, each at two in the mean.
fn scenes(rows: usize, parts: usize) -> Question {
    let mut rng = StdRng::seed_from_u64(1);
    let sightings: Vec<(Subject, u64)> = (0..rows)
        .map(|_| {
            let phone = rng.random_range(0..(rows as u64).div_ceil(2).max(1));
            (subject("phone", phone), rng.random_range(0..6))
        })
        .collect();
    let (due, floor) = in_the_clear(|| ideal::at_the_scenes(&sightings, 6, 5).len());
    let terms = at_the_scenes::Terms {
        scenes: 6,
        least: 5,
        name_words: 2,
    };
    // A phone's rows in one part; all padded to the largest.
    let mut tables = vec![Vec::new(); parts];
    for (key, scene) in &sightings {
        let part = (u128::from(key[0]) * parts as u128) >> 64;
        tables[usize::try_from(part).unwrap()].push([1, key[0], key[1], *scene, 1, 2]);
    }
    let largest = tables.iter().map(Vec::len).max().unwrap_or(0);
    let schema = at_the_scenes::sightings(6, 2).unwrap();
    let table = |rows: Vec<[u64; 6]>| {
        let mut columns = columns(rows.into_iter());
        schema.pad(&mut columns, largest, &mut rng).unwrap();
        (schema.clone(), columns)
    };
    Question {
        rows,
        tables: tables.into_iter().map(table).collect(),
        ask: Box::new(move |party, given| {
            if let [table] = &given.tables[..] {
                let gate = at_the_scenes::count(party, &terms, table)?;
                return opened(party, gate);
            }
            let mut all: Option<Found> = None;
            for part in 0..parts {
                let table = given.receive(party, part)?;
                let found = at_the_scenes::found(party, &terms, &table)?;
                let found = found.narrowed(party, due)?;
                all = Some(match all {
                    None => found,
                    Some(all) => all.append(found)?,
                });
            }
            let gate = all.unwrap().count(party)?;
            opened(party, gate)
        }),
        due,
        floor,
    }
}

/// As many calls as transfers, a hundredth of them by sixteen phones.
fn paid(rows: usize) -> Question {
    let mut rng = StdRng::seed_from_u64(1);
    let persons = (rows as u64).div_ceil(8).max(1);
    let phones: BTreeSet<Subject> = (0..16).map(|n| subject("phone", n)).collect();
    let calls: Vec<ideal::Call> = (0..rows)
        .map(|_| ideal::Call {
            caller: subject("phone", rng.random_range(0..1600)),
            person: subject("person", rng.random_range(0..persons)),
            time: rng.random_range(1 << 30..(1 << 30) + 600_000),
        })
        .collect();
    let transfers: Vec<ideal::Transfer> = (0..rows)
        .map(|_| ideal::Transfer {
            person: subject("person", rng.random_range(0..persons)),
            account: subject("account", rng.random_range(0..persons)),
            time: rng.random_range(1 << 30..(1 << 30) + 600_000),
        })
        .collect();
    // The ideal one compares all with all; only matching calls are given to it.
    let (due, floor) = in_the_clear(|| {
        let own = calls
            .iter()
            .copied()
            .filter(|call| phones.contains(&call.caller));
        let own: Vec<ideal::Call> = own.collect();
        ideal::called_then_paid(&phones, &own, &transfers, 3600, 1).len()
    });
    let terms = called_then_paid::Terms {
        time_bits: 32,
        least: 1,
        name_words: 2,
    };
    let call_rows = calls.iter().map(|call| {
        let (who, whom) = (call.caller, call.person);
        let until = called_then_paid::until(call.time, 3600).unwrap();
        [1, who[0], who[1], whom[0], whom[1], call.time, until]
    });
    let paid_rows = transfers.iter().map(|paid| {
        let (who, to) = (paid.person, paid.account);
        [1, who[0], who[1], to[0], to[1], paid.time, 1, 2]
    });
    Question {
        rows: 2 * rows,
        tables: vec![
            (
                called_then_paid::phones().unwrap(),
                columns(phones.iter().map(|key| [1, key[0], key[1]])),
            ),
            (called_then_paid::calls(32).unwrap(), columns(call_rows)),
            (
                called_then_paid::transfers(32, 2).unwrap(),
                columns(paid_rows),
            ),
        ],
        ask: Box::new(move |party, given| {
            let [phones, calls, transfers] = &given.tables[..] else {
                unreachable!()
            };
            let gate = called_then_paid::count(party, &terms, phones, calls, transfers)?;
            opened(party, gate)
        }),
        due,
        floor,
    }
}

/// Premises, as many wet ones and residents, and an eighth of SIMs over 256 cells.
fn boxes(rows: usize) -> Question {
    let mut rng = StdRng::seed_from_u64(1);
    let of = rows as u64 + 1;
    let sims: Vec<u64> = (0..rows / 8).map(|_| rng.random_range(0..256)).collect();
    let premises: Vec<ideal::Premises> = (0..rows)
        .map(|_| ideal::Premises {
            cell: rng.random_range(0..256),
            key: subject("premises", rng.random_range(0..of)),
            holder: subject("person", rng.random_range(0..of)),
        })
        .collect();
    let mut list = |kind: &str| -> BTreeSet<Subject> {
        (0..rows)
            .map(|_| subject(kind, rng.random_range(0..of)))
            .collect()
    };
    let (wet, residents) = (list("premises"), list("person"));
    let least = rows / 8 / 256 + 1;
    let (due, floor) =
        in_the_clear(|| ideal::sim_box(&sims, &premises, &wet, &residents, least).len());
    let terms = sim_box::Terms {
        cell_bits: 8,
        least,
        name_words: 2,
    };
    let places = premises.iter().map(|place| {
        let (key, holder) = (place.key, place.holder);
        [1, place.cell, key[0], key[1], holder[0], holder[1], 1, 2]
    });
    let keys = |set: &BTreeSet<Subject>| columns(set.iter().map(|key| [1, key[0], key[1]]));
    Question {
        rows,
        tables: vec![
            (
                sim_box::sims(8).unwrap(),
                columns(sims.iter().map(|cell| [1, *cell])),
            ),
            (sim_box::premises(8, 2).unwrap(), columns(places)),
            (sim_box::wet().unwrap(), keys(&wet)),
            (sim_box::residents().unwrap(), keys(&residents)),
        ],
        ask: Box::new(move |party, given| {
            let [sims, premises, wet, residents] = &given.tables[..] else {
                unreachable!()
            };
            let tables = sim_box::Tables {
                sims: sims.clone(),
                premises: premises.clone(),
                wet: wet.clone(),
                residents: residents.clone(),
            };
            let gate = sim_box::count(party, &terms, &tables)?;
            opened(party, gate)
        }),
        due,
        floor,
    }
}

/// Facts in 64 groups, of persons half of whom are in the set.
fn totals_of(rows: usize) -> Question {
    let mut rng = StdRng::seed_from_u64(1);
    let persons = (rows as u64).div_ceil(4).max(2);
    let set: BTreeSet<Subject> = (0..persons / 2).map(|n| subject("person", n)).collect();
    let facts: Vec<ideal::Fact> = (0..rows)
        .map(|_| ideal::Fact {
            person: subject("person", rng.random_range(0..persons)),
            group: rng.random_range(0..64),
            amount: rng.next_u64() >> 24,
        })
        .collect();
    let ((plain, _), floor) = in_the_clear(|| ideal::totals(&set, &facts, 10));
    let terms = totals::Terms {
        group_bits: 8,
        amount_bits: 40,
        least: 10,
    };
    let fact_rows = facts.iter().map(|fact| {
        let person = fact.person;
        [1, person[0], person[1], fact.group, fact.amount]
    });
    Question {
        rows,
        tables: vec![
            (
                totals::subjects().unwrap(),
                columns(set.iter().map(|key| [1, key[0], key[1]])),
            ),
            (totals::facts(8, 40).unwrap(), columns(fact_rows)),
        ],
        ask: Box::new(move |party, given| {
            let [subjects, facts] = &given.tables[..] else {
                unreachable!()
            };
            let totals = totals::count(party, &terms, subjects, facts)?;
            opened(party, totals.groups)
        }),
        due: plain.len(),
        floor,
    }
}
