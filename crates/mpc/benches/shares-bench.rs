//! Figures of three-party computation: `shares-bench [mul|compare|sort|group]
//! [--rows N] [--security semi-honest|malicious] [--json]`.
//!
//! Why it exists: a row's cost is what decides whether a question can be asked of
//! millions of rows. Three parties run in one process, each on a thread, over
//! channels in memory; CPU time is that of all three, sharing of inputs
//! excluded. One line an operation and security.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;

use mpc::{
    Error,
    shares::{Cost, Extreme, Party, Security, Words, input, memory},
};
use primitives::Digest;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use measure::{Start, as_f64, peak_rss};

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut what, mut rows, mut security, mut json) = (Vec::new(), None, None, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = true,
            "--rows" => rows = args.next().and_then(|count| count.parse().ok()),
            "--security" => security = args.next(),
            "--bench" => {}
            name => what.push(name.to_owned()),
        }
    }
    // `cargo bench` and `cargo test --benches` without a name: a short look.
    if what.is_empty() {
        (what, rows) = (vec!["mul".into(), "compare".into()], rows.or(Some(1 << 12)));
    }
    for name in &what {
        for mode in [Security::SemiHonest, Security::Malicious] {
            let label = match mode {
                Security::SemiHonest => "semi-honest",
                Security::Malicious => "malicious",
            };
            if security.as_deref().is_none_or(|only| only == label) {
                measure(name, rows, mode, label, json);
            }
        }
    }
}

fn measure(name: &str, rows: Option<usize>, security: Security, label: &str, json: bool) {
    let (usual, program): (usize, Program) = match name {
        "mul" => (1 << 20, mul_sum),
        "compare" => (1 << 20, compare_sum),
        "sort" => (1 << 18, sort),
        "group" => (1 << 18, group),
        other => {
            eprintln!("no operation {other}: mul, compare, sort, group");
            std::process::exit(2);
        }
    };
    let rows = rows.unwrap_or(usual);
    let columns = [1, 2].map(|seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..rows).map(|_| rng.next_u64()).collect::<Vec<u64>>()
    });
    let start = Start::new();
    let costs = memory::run(security, 1, |party| {
        let before = program(party, &columns, &start)?;
        start.end();
        let after = party.cost();
        Ok((after.bytes - before.bytes, after.rounds - before.rounds))
    });
    let (cpu, wall) = start.spent();
    let costs = costs.map(Result::unwrap);
    let bytes: u64 = costs.iter().map(|cost| cost.0).sum();
    let rounds = costs[0].1;
    let (us, each) = (
        cpu * 1e6 / as_f64(rows),
        as_f64(usize::try_from(bytes).unwrap()) / as_f64(rows),
    );
    if json {
        println!(
            "{{\"op\": \"{name}\", \"rows\": {rows}, \"security\": \"{label}\", \
             \"cpu_s\": {cpu:.3}, \"wall_s\": {wall:.3}, \"us_per_row\": {us:.3}, \
             \"bytes_per_row\": {each:.1}, \"rounds\": {rounds}, \"peak_rss_bytes\": {}}}",
            peak_rss()
        );
    } else {
        println!(
            "shares::{name}/rows={rows}/security={label}: {cpu:.3} CPU s, {wall:.3} s, \
             {us:.3} µs a row, {each:.1} bytes a row, {rounds} rounds"
        );
    }
}

type Program = fn(&mut Party<'_>, &[Vec<u64>; 2], &Start) -> Result<Cost, Error>;

/// The low `width` bits of a column, shared.
fn give(party: &mut Party<'_>, nth: u64, values: &[u64], width: u32) -> Result<Words, Error> {
    let binding = input::Binding {
        session: Digest::plain(b"bench"),
        owner: "owner".to_owned(),
        column: nth.to_string(),
        rows: values.len(),
        width,
    };
    let mut rng = StdRng::seed_from_u64(nth);
    let messages = input::share(&binding, &low(values, width), &mut rng)?;
    party.receive_input(&binding, &messages[party.index()])
}

fn low(values: &[u64], width: u32) -> Vec<u64> {
    values.iter().map(|value| value >> (64 - width)).collect()
}

fn mul_sum(party: &mut Party<'_>, plain: &[Vec<u64>; 2], start: &Start) -> Result<Cost, Error> {
    let mut numbers = Vec::new();
    for (nth, plain) in (0..).zip(plain) {
        let words = give(party, nth, plain, 20)?;
        numbers.push(party.words_to_arith(&words)?);
    }
    let before = start.begin(party)?;
    let product = party.mul(&numbers[0], &numbers[1])?;
    let total = party.open(&product.sum()?)?;
    let products = low(&plain[0], 20).into_iter().zip(low(&plain[1], 20));
    let due: u64 = products.map(|(x, y)| x * y).sum();
    assert_eq!(total, [due.cast_signed()]);
    Ok(before)
}

fn compare_sum(party: &mut Party<'_>, plain: &[Vec<u64>; 2], start: &Start) -> Result<Cost, Error> {
    let mut numbers = Vec::new();
    for (nth, plain) in (0..).zip(plain) {
        let words = give(party, nth, plain, 61)?;
        numbers.push(party.words_to_arith(&words)?);
    }
    let before = start.begin(party)?;
    let less = party.less_than_arith(&numbers[0], &numbers[1])?;
    let total = party.bit_to_arith(&less)?.sum()?;
    let total = party.open(&total)?;
    let pairs = low(&plain[0], 61).into_iter().zip(low(&plain[1], 61));
    let due = i64::try_from(pairs.filter(|(x, y)| x < y).count()).unwrap();
    assert_eq!(total, [due]);
    Ok(before)
}

fn sort(party: &mut Party<'_>, plain: &[Vec<u64>; 2], start: &Start) -> Result<Cost, Error> {
    let keys = [give(party, 0, &plain[0], 64)?];
    let before = start.begin(party)?;
    let (sorted, _) = party.sort(&keys, &[])?;
    let after = party.cost();
    let opened = party.open_words(&sorted[0])?;
    assert!(opened.is_sorted(), "out of order");
    // What opening for the assertion cost is taken off again.
    let shown = party.cost();
    Ok(Cost {
        bytes: before.bytes + shown.bytes - after.bytes,
        rounds: before.rounds + shown.rounds - after.rounds,
    })
}

/// Twenty-bit keys, forty-bit amounts: count, sum and greatest a key.
fn group(party: &mut Party<'_>, plain: &[Vec<u64>; 2], start: &Start) -> Result<Cost, Error> {
    let keys = [give(party, 0, &plain[0], 16)?];
    let amounts = give(party, 1, &plain[1], 40)?;
    let before = start.begin(party)?;
    let extremes = [(amounts.clone(), Extreme::Greatest)];
    let groups = party.group_by(&keys, &[amounts], &extremes)?;
    let found = party.count_flagged(&groups.last)?;
    let mut due = low(&plain[0], 16);
    due.sort_unstable();
    due.dedup();
    assert_eq!(found, due.len());
    Ok(before)
}
