//! Runs the protocols under valgrind with their secrets marked as undefined, and
//! says where a branch or an address depended on one: `cargo xtask constant-time`.
//!
//! Why it exists: see `mpc::secrecy`. All randomness that a role draws and every
//! input that is its own are secret; what it sends to a peer of two is not, what it
//! sends to a party of three still is, since shares are secret.
//!
//! *Invariants*
//! - It fails where valgrind is not there, where it does not notice a leak that is
//!   there on purpose, and where it finds one that is not.
//! - Each protocol's answer is compared with the right one: what is checked is what
//!   works.
#![allow(clippy::unwrap_used, reason = "a check stops where something is wrong")]

#[path = "constant-time/keys.rs"]
mod keys;
#[path = "constant-time/leaks.rs"]
mod leaks;
#[path = "constant-time/lookups.rs"]
mod lookups;
#[path = "constant-time/many.rs"]
mod many;
#[path = "constant-time/mark.rs"]
mod mark;
#[path = "constant-time/sets.rs"]
mod sets;
#[path = "constant-time/three.rs"]
mod three;
#[path = "constant-time/vole.rs"]
mod vole;

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use mpc::secrecy;

/// What a part of the check must find.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A leak that is there on purpose, or that the code's documents tell.
    Findings,
    /// Nothing.
    Nothing,
}

/// One part of the check.
struct Part {
    name: &'static str,
    secrets: &'static str,
    due: Due,
    run: fn(),
}

const fn part(name: &'static str, secrets: &'static str, run: fn()) -> Part {
    Part {
        name,
        secrets,
        due: Due::Nothing,
        run,
    }
}

const fn leak(name: &'static str, secrets: &'static str, run: fn()) -> Part {
    Part {
        name,
        secrets,
        due: Due::Findings,
        run,
    }
}

const PARTS: [Part; 24] = [
    leak("a branch, on purpose", "a bit", leaks::branch),
    leak("an index, on purpose", "a place", leaks::index),
    leak(
        "an early end, on purpose",
        "bytes compared",
        leaks::early_end,
    ),
    part("the same by masks", "a bit, a place, bytes", leaks::masks),
    part("field::multiply, hash", "elements", keys::field),
    part("oprf", "keys, factors, blinds, inputs", keys::oprf),
    part("lookup", "keys, factors, blinds", lookups::lookup),
    part(
        "psi::diffie_hellman",
        "key, blinds, set values",
        sets::diffie_hellman,
    ),
    part("psi::cardinality", "key, masks, order", sets::cardinality),
    part("vole", "exponents, choices, Δ, trees, places", vole::vole),
    part("okvs::encode, decode", "values", sets::store),
    leak(
        "okvs, rows of keys (okvs.rs tells it)",
        "keys",
        sets::store_of_secret_keys,
    ),
    leak(
        "psi::Set (set.rs tells it)",
        "items",
        sets::a_set_of_secret_items,
    ),
    part(
        "psi::rr22, malicious",
        "Δ, vectors, offsets",
        sets::rr22_malicious,
    ),
    part(
        "psi::rr22, semi-honest",
        "Δ, vectors",
        sets::rr22_semi_honest,
    ),
    part("psi::circuit", "Δ, vectors, halves, payload", sets::circuit),
    part(
        "psi::many, for a holder",
        "Δ, vectors, keys, stores",
        many::for_a_holder,
    ),
    part(
        "psi::many, for an opener",
        "Δ, vectors, keys, stores, names, lists",
        many::for_an_opener,
    ),
    part(
        "psi::many, counted first",
        "Δ, vectors, keys, stores, names, lists",
        many::counted,
    ),
    part("shares, owners", "columns, masks", three::owner),
    part("shares, numbers", "keys, shares", three::numbers),
    part("shares, bits", "keys, shares", three::bits),
    part("shares, sort and group", "keys, shares", three::tables),
    part("joint::totals", "keys, shares", three::totals),
];

fn main() -> ExitCode {
    if !secrecy::watched() {
        eprintln!("valgrind does not watch: run `cargo xtask constant-time`");
        return ExitCode::from(2);
    }
    let only: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |part: &&Part| only.is_empty() || only.iter().any(|word| part.name.contains(word));
    println!(
        "{:<38} {:<44} {:>9} {:>9} {:>6}  verdict",
        "part", "secret", "marked B", "findings", "s"
    );
    let (mut good, mut told) = (true, BTreeMap::new());
    for part in PARTS.iter().filter(chosen) {
        let (before, start) = (secrecy::findings(), Instant::now());
        (part.run)();
        let found = secrecy::findings() - before;
        for published in secrecy::published() {
            *told.entry((published.conceded, published.why)).or_insert(0) += published.bytes;
        }
        let fits = (found > 0) == (part.due == Due::Findings);
        good &= fits;
        let verdict = match (fits, part.due) {
            (true, Due::Nothing) => "nothing depends on them",
            (true, Due::Findings) => "noticed, as it must be",
            (false, Due::Nothing) => "DEPENDS ON A SECRET",
            (false, Due::Findings) => "NOT NOTICED",
        };
        println!(
            "{:<38} {:<44} {:>9} {:>9} {:>6.1}  {verdict}",
            part.name,
            part.secrets,
            mark::take(),
            found,
            start.elapsed().as_secs_f32(),
        );
    }
    for (title, conceded) in [
        ("given away by the protocols", false),
        (
            "secret still, and not constant time: each module tells why",
            true,
        ),
    ] {
        println!("\n{title}, bytes:");
        for ((_, why), bytes) in told.iter().filter(|((is, _), _)| *is == conceded) {
            println!("{bytes:>9}  {why}");
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
