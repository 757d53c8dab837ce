//! A case that follows money: transfers out of the subjects' accounts, and out of each
//! account that received one, while the money is fresh.
//!
//! Each hop asks an account on the days on which the money may have gone on, by vouchers
//! that banks sign; the exact time rule is held against what was found. The answer must
//! be what the plain tables say.
//!
//! *Invariants*: a row that the answer may hold has a plain kind, and every other one has
//! the canary there.
//!
//! *Not here*: what a bank's joint question reads of the same tables (`joint`).

use std::collections::BTreeSet;

use docket::plan::{Answer, Cell};
use node::api::types::{Ask, DraftWarrant};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    changes,
    people::Office,
    tables::{CANARY, FROM_MS},
    villains::Villain,
    world::{World, sub},
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Days of the data's window.
const DAYS: u32 = 7;
/// Most hops that are asked.
const HOPS_MAX: u8 = 3;
/// Largest transfer, in fen.
const AMOUNT_MAX: i64 = 100_000;
/// Shortest and longest time within which money may have gone on.
const WITHIN_MS: std::ops::Range<i64> = 30 * MINUTE_MS..3 * DAY_MS;

/// A transfer: from and to which account, how much in fen, and when, in milliseconds
/// since 1970.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Transfer {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: i64,
    at_ms: i64,
}

impl Transfer {
    /// Its day in March.
    pub(crate) fn day(&self) -> u32 {
        let since = self.at_ms - i64::try_from(FROM_MS).unwrap_or(0);
        u32::try_from(since / DAY_MS).unwrap_or(0) + 1
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
struct Rule {
    hops: u8,
    least: i64,
    within_ms: Option<i64>,
}

/// What banks have, and what the question about it must find.
pub(crate) struct Money {
    pub(crate) transfers: Vec<Transfer>,
    rule: Rule,
    expected: BTreeSet<Transfer>,
}

/// Whether a seed has such a case: a third of those in which everybody is honest and the
/// only bank does not leave.
pub(crate) fn is_asked(world: &World) -> bool {
    world.villain == Villain::Nobody
        && sub(world.seed, "money", 0).0[0] < 85
        && changes::leave_a_bank(world)
}

impl Money {
    /// Everybody's transfers within the data's window, and the question.
    pub(crate) fn draw(world: &World) -> Self {
        let mut rng = StdRng::from_seed(sub(world.seed, "money", 1).0);
        let accounts: Vec<String> = world
            .people
            .accounts()
            .into_iter()
            .map(|(_, own)| own)
            .collect();
        let count = rng.random_range(accounts.len()..accounts.len() * 3);
        let mut transfers: Vec<Transfer> = (0..count)
            .filter_map(|_| {
                let [from, to] = [0; 2].map(|_| rng.random_range(0..accounts.len()));
                let transfer = Transfer {
                    from: accounts[from].clone(),
                    to: accounts[to].clone(),
                    amount: rng.random_range(1..AMOUNT_MAX),
                    at_ms: moment(&mut rng),
                };
                (from != to).then_some(transfer)
            })
            .collect();
        // Chains that a time rule tells apart: soon after, at the very moment, long after.
        for number in 0..count / 2 {
            let before = transfers[number % transfers.len().max(1)].clone();
            let after = match rng.random_range(0..4u8) {
                0 => 0,
                1 => rng.random_range(0..3 * DAY_MS),
                _ => rng.random_range(1..180 * MINUTE_MS),
            };
            let last_ms = i64::try_from(FROM_MS).unwrap_or(0) + i64::from(DAYS) * DAY_MS - 1;
            transfers.push(Transfer {
                from: before.to,
                to: accounts[rng.random_range(0..accounts.len())].clone(),
                amount: rng.random_range(1..AMOUNT_MAX),
                at_ms: (before.at_ms + after).min(last_ms),
            });
        }
        // What a bank alone had that leaves stands in no table.
        let banks = changes::banks(world);
        let accounts = world.people.accounts();
        let is_held = |account: &String| {
            accounts
                .iter()
                .any(|(at, own)| *at < banks && own == account)
        };
        transfers.retain(|transfer| {
            transfer.from != transfer.to && (is_held(&transfer.from) || is_held(&transfer.to))
        });
        let hops = rng.random_range(1..=HOPS_MAX);
        let rule = Rule {
            hops,
            least: [0, AMOUNT_MAX / 4][rng.random_range(0..2usize)],
            within_ms: (hops > 1 && rng.random()).then(|| rng.random_range(WITHIN_MS)),
        };
        let mut money = Self {
            transfers,
            rule,
            expected: BTreeSet::new(),
        };
        money.expected = money.follow(&world.people.subjects_accounts());
        money
    }

    /// What so many hops from some accounts find, by the plain rule: the money of a hop
    /// goes on where a transfer leaves an account after one of the hop before came in, and
    /// not too long after.
    fn follow(&self, subjects: &[String]) -> BTreeSet<Transfer> {
        let within_ms = self.rule.within_ms.unwrap_or(DAY_MS);
        let enough = |transfer: &&Transfer| transfer.amount >= self.rule.least;
        let mut found = BTreeSet::new();
        let mut last: Vec<&Transfer> = Vec::new();
        for hop in 0..self.rule.hops {
            let goes_on = |next: &&Transfer| match hop {
                0 => subjects.contains(&next.from),
                _ => last.iter().any(|before| {
                    let after_ms = next.at_ms - before.at_ms;
                    before.to == next.from && 0 < after_ms && after_ms <= within_ms
                }),
            };
            last = self
                .transfers
                .iter()
                .filter(enough)
                .filter(goes_on)
                .collect();
            found.extend(last.iter().copied().cloned());
        }
        found
    }

    /// The rows that a bank has of them: transfers from or to its own accounts.
    fn text(&self, world: &World, bank: usize) -> String {
        let accounts = world.people.accounts();
        let its = |account: &str| {
            let mut own = accounts.iter().filter(|(at, _)| *at == bank);
            own.any(|(_, own)| own == account)
        };
        let mut text = String::from("from_account,to_account,amount,at,kind\n");
        for transfer in &self.transfers {
            if !its(&transfer.from) && !its(&transfer.to) {
                continue;
            }
            let asked = is_asked(world) && self.expected.contains(transfer);
            let kind = if asked { "transfer" } else { CANARY };
            let Transfer {
                from, to, amount, ..
            } = transfer;
            let (yuan, fen, at) = (amount / 100, amount % 100, written(transfer));
            text.push_str(&format!("{from},{to},{yuan}.{fen:02},{at},{kind}\n"));
        }
        text
    }

    /// Has every bank publish its own; the banks.
    pub(crate) async fn publish(&self, office: &Office) -> Option<Vec<usize>> {
        let world = &office.world;
        let mut banks = Vec::new();
        for n in office.custodians() {
            if world.members[n].id.as_str().starts_with("bank") {
                let path = world.house(n).join("transfers.csv");
                std::fs::write(&path, self.text(world, banks.len())).expect("a scratch file");
                office.publish_one(n, "transfers", &path).await?;
                banks.push(n);
            }
        }
        Some(banks)
    }

    /// The case, from its question to its bundle, over transfers that were published.
    pub(crate) async fn case(&self, office: &Office, banks: &[usize]) -> Option<()> {
        let world = &office.world;
        let subjects: Vec<String> = world
            .people
            .subjects_accounts()
            .iter()
            .map(|account| format!("account:{account}"))
            .collect();
        let about = ("a case of money", "follow-the-money", banks);
        let draft = |draft: &mut DraftWarrant| {
            draft.subjects = subjects;
            draft.hops = HOPS_MAX;
        };
        let ask = |ask: &mut Ask| {
            ask.hops = Some(self.rule.hops);
            ask.min_amount_minor = Some(self.rule.least);
            ask.within_ms = self.rule.within_ms.map(i64::unsigned_abs);
        };
        let docket = office.ask_apart(about, draft, ask).await?;
        let case = office
            .answered(docket, banks, "the run over transfers")
            .await?;
        let answer = case.map(|case| found(&case.answer));
        if !matches!(&answer, Ok(Some(found)) if *found == self.expected) {
            let (rule, expected) = (self.rule, &self.expected);
            let detail = format!("{rule:?}: found {answer:?}, the tables say {expected:?}");
            world.report.broken("wrong-answer", detail);
        }
        let text = format!("{:?}: {} transfers", self.rule, self.expected.len());
        world.report.note(world.now().as_millis(), &text);
        Some(())
    }
}

/// A moment of the data's window.
fn moment(rng: &mut StdRng) -> i64 {
    let day = i64::from(rng.random_range(0..DAYS));
    // Whole minutes, so that some fall together.
    let minute = rng.random_range(0..DAY_MS / MINUTE_MS);
    i64::try_from(FROM_MS).unwrap_or(0) + day * DAY_MS + minute * MINUTE_MS
}

/// When a transfer was, as a table writes it.
fn written(transfer: &Transfer) -> String {
    let into_day = transfer.at_ms.rem_euclid(DAY_MS);
    let (s, ms) = (into_day / 1_000, into_day % 1_000);
    let (hour, minute, s) = (s / 3_600, s / 60 % 60, s % 60);
    let day = transfer.day();
    format!("2026-03-{day:02}T{hour:02}:{minute:02}:{s:02}.{ms:03}Z")
}

fn found(answer: &Answer) -> Option<BTreeSet<Transfer>> {
    let mut found = BTreeSet::new();
    for table in &answer.tables {
        let place = |name: &str| table.columns.iter().position(|column| column == name);
        let (from, to) = (place("from_account")?, place("to_account")?);
        let (amount, at) = (place("amount_fen")?, place("at")?);
        for row in &table.rows {
            let cells = &row.cells;
            match (&cells[from], &cells[to], &cells[amount], &cells[at]) {
                (Cell::Text(from), Cell::Text(to), Cell::Int(amount), Cell::Int(at_ms)) => {
                    found.insert(Transfer {
                        from: from.clone(),
                        to: to.clone(),
                        amount: *amount,
                        at_ms: *at_ms,
                    });
                }
                _ => return None,
            }
        }
    }
    Some(found)
}
