//! The planted crimes: SIM boxes that call victims, mules that pass the money on, and rings that
//! launder for somebody else.
//!
//! A box of eight unregistered cards stands at one antenna and calls strangers in office hours for
//! ten days. A victim is called, and within forty minutes sends money to a mule. The mule splits it
//! into two or three parts that together are just below what came in, and sends them to accounts of
//! a first layer; those pass them to a second layer, whole or in two; the second layer to a
//! collector. Each step happens within three hours, at another bank than the one before it where
//! the layer allows that.
//!
//! *Invariants*: no planted step of a victim's money is below [`MIN_STEP_FEN`]; none happens later than
//! [`WITHIN_HOURS`] after the step before it; all happen within the city's month.

use crate::calendar::{DAY_S, HOUR_S, MINUTE_S, START_DAY};
use crate::cast::{Cast, Gang};
use crate::event::{Call, Transfer, TransferKind};
use crate::noise::{Noise, Tag, index, narrow};
use crate::roster::{Account, Roster};

/// The hops of a victim's money: to a mule, to each layer, to a collector.
pub(crate) const HOPS: u32 = 4;
/// A bound on the time between two steps.
pub(crate) const WITHIN_HOURS: u32 = 6;
/// A bound on the smallest step.
pub(crate) const MIN_STEP_FEN: i64 = 100_000;
/// Days on which a box calls.
pub(crate) const ACTIVE_DAYS: i64 = 10;
/// What a victim loses.
const LOSS_FEN: std::ops::Range<i64> = 1_200_000..6_000_000;

/// A victim's money and where it went.
pub(crate) struct Swindle {
    pub(crate) victim: u32,
    pub(crate) victim_account: Account,
    /// The steps with their hops; the first is the victim's own transfer, hop 1.
    pub(crate) chain: Vec<(u32, Transfer)>,
}

/// One SIM box's story.
pub(crate) struct BoxPlot {
    pub(crate) cell: u32,
    /// The first day on which it calls, as a day number.
    pub(crate) first_day: i64,
    /// In the order of their first transfers.
    pub(crate) swindles: Vec<Swindle>,
}

/// Everything planted, in order of time.
pub(crate) struct Plot {
    pub(crate) boxes: Vec<BoxPlot>,
    /// The accounts of each independent ring.
    pub(crate) rings: Vec<Vec<Account>>,
    pub(crate) calls: Vec<Call>,
    pub(crate) transfers: Vec<Transfer>,
}

impl Plot {
    pub(crate) fn write(roster: &Roster, cast: &Cast) -> Self {
        let mut plot = Self {
            boxes: Vec::new(),
            rings: Vec::new(),
            calls: Vec::new(),
            transfers: Vec::new(),
        };
        for (number, gang) in cast.gangs.iter().enumerate() {
            plot.write_box(roster, number, gang);
        }
        for (number, members) in cast.rings.iter().enumerate() {
            plot.write_ring(roster, number as u64, members);
        }
        plot.calls.sort_unstable();
        plot.transfers.sort_unstable();
        plot
    }

    fn write_box(&mut self, roster: &Roster, number: usize, gang: &Gang) {
        let mut noise = Noise::new(roster.seed, Tag::Plot, number as u64);
        let cell = 1 + narrow(noise.below(u64::from(roster.cells())));
        let first_day = START_DAY + 3 + i64::from(narrow(number as u64)) * 3 % 12;
        let sims: Vec<u32> = roster.sims_of_box(number).collect();
        // Strangers, who hang up soon.
        let calls_a_day = u64::from(roster.people / 160 + 3).min(30);
        for day in first_day..first_day + ACTIVE_DAYS {
            for &caller in &sims {
                for _ in 0..calls_a_day {
                    let person = narrow(noise.below(u64::from(roster.people)));
                    self.calls.push(Call {
                        at_s: day * DAY_S
                            + noise
                                .between(9 * HOUR_S + 42 * MINUTE_S, 17 * HOUR_S + 39 * MINUTE_S),
                        caller,
                        callee: roster.sims_of(person).start,
                        duration_s: short(&mut noise, 15, 160),
                        cell,
                        withheld: false,
                    });
                }
            }
        }
        let mut swindles: Vec<Swindle> = gang
            .victims
            .iter()
            .map(|&victim| {
                let day = first_day + noise.between(0, ACTIVE_DAYS);
                self.swindle(roster, gang, &sims, cell, day, victim, &mut noise)
            })
            .collect();
        swindles.sort_by_key(|s| s.chain[0].1);
        self.boxes.push(BoxPlot {
            cell,
            first_day,
            swindles,
        });
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a swindle has a place, a time, its people and its chance"
    )]
    fn swindle(
        &mut self,
        roster: &Roster,
        gang: &Gang,
        sims: &[u32],
        cell: u32,
        day: i64,
        victim: u32,
        noise: &mut Noise,
    ) -> Swindle {
        let at_s =
            day * DAY_S + noise.between(9 * HOUR_S + 45 * MINUTE_S, 16 * HOUR_S + 30 * MINUTE_S);
        let caller = sims[index(noise.below(sims.len() as u64))];
        let callee = roster.sims_of(victim).start;
        let duration_s = short(noise, 300, 1_500);
        self.calls.push(Call {
            at_s,
            caller,
            callee,
            duration_s,
            cell,
            withheld: false,
        });
        let account = |person: u32| roster.accounts_of(person).start;
        let mule = gang.mules[index(noise.below(gang.mules.len() as u64))];
        let first = Transfer {
            at_s: at_s + i64::from(duration_s) + noise.between(5, 40) * MINUTE_S,
            from: account(victim),
            to: account(mule),
            fen: noise.between(LOSS_FEN.start, LOSS_FEN.end),
            kind: TransferKind::Transfer,
        };
        let collector = gang.collectors[index(noise.below(gang.collectors.len() as u64))];
        if noise.per_mille(400) {
            // The mule reports to the one who collects.
            self.calls.push(Call {
                at_s: first.at_s + noise.between(1, 9) * MINUTE_S,
                caller: roster.sims_of(mule).start,
                callee: roster.sims_of(collector).start,
                duration_s: short(noise, 20, 90),
                cell: roster.home_cell(mule),
                withheld: false,
            });
        }
        let chain = chain(roster, gang, first, account(collector), noise);
        self.transfers.extend(chain.iter().map(|(_, t)| *t));
        Swindle {
            victim,
            victim_account: first.from,
            chain,
        }
    }

    /// A ring: money goes round it once, or out from its first member and back in.
    fn write_ring(&mut self, roster: &Roster, number: u64, members: &[u32]) {
        let mut noise = Noise::new(roster.seed, Tag::Ring, (number << 8) | 1);
        let accounts: Vec<Account> = members
            .iter()
            .map(|&p| roster.accounts_of(p).start)
            .collect();
        let mut at_s = (START_DAY + noise.between(1, 27)) * DAY_S + noise.between(0, DAY_S);
        let mut fen = noise.between(800_000, 3_000_000);
        let mut send = |at_s, from, to, fen| {
            self.transfers.push(Transfer {
                at_s,
                from,
                to,
                fen,
                kind: TransferKind::Transfer,
            });
        };
        if noise.per_mille(500) {
            for (i, &from) in accounts.iter().enumerate() {
                send(at_s, from, accounts[(i + 1) % accounts.len()], fen);
                at_s += noise.between(10, 170) * MINUTE_S;
                fen -= fen * noise.between(5, 20) / 1_000;
            }
        } else {
            let (first, last) = (accounts[0], accounts[accounts.len() - 1]);
            let middle = &accounts[1..accounts.len() - 1];
            for &between in middle {
                let part = fen / i64::from(narrow(middle.len() as u64));
                let out_s = at_s + noise.between(0, 60) * MINUTE_S;
                send(out_s, first, between, part);
                send(
                    out_s + noise.between(10, 170) * MINUTE_S,
                    between,
                    last,
                    part - part / 100,
                );
            }
        }
        self.rings.push(accounts);
    }
}

/// The steps of a victim's money with their hops, the first included.
fn chain(
    roster: &Roster,
    gang: &Gang,
    first: Transfer,
    collector: Account,
    noise: &mut Noise,
) -> Vec<(u32, Transfer)> {
    let mut chain = vec![(1, first)];
    let layers: [(&[u32], u64, std::ops::Range<i64>); 2] = [
        (&gang.layer_one, 2 + noise.below(2), 10..100),
        (&gang.layer_two, 1 + noise.below(2), 15..110),
    ];
    let mut incoming = vec![first];
    for (hop, (layer, parts, delay)) in (2..).zip(layers) {
        let mut outgoing = Vec::new();
        for source in &incoming {
            let receivers = elsewhere(roster, source.to, layer, noise);
            for (fen, to) in split(noise, source.fen, parts).into_iter().zip(receivers) {
                outgoing.push(Transfer {
                    at_s: source.at_s
                        + noise.between(delay.start, delay.end) * MINUTE_S
                        + noise.between(0, 60),
                    from: source.to,
                    to,
                    fen,
                    kind: TransferKind::Transfer,
                });
            }
        }
        chain.extend(outgoing.iter().map(|&t| (hop, t)));
        incoming = outgoing;
    }
    for source in incoming {
        chain.push((
            HOPS,
            Transfer {
                at_s: source.at_s + noise.between(20, 170) * MINUTE_S,
                from: source.to,
                to: collector,
                fen: source.fen - source.fen / 200,
                kind: TransferKind::Transfer,
            },
        ));
    }
    chain
}

fn short(noise: &mut Noise, low: i64, high: i64) -> i32 {
    i32::try_from(noise.between(low, high)).unwrap_or(0)
}

/// The accounts of a layer, those at other banks than the source's first.
fn elsewhere(roster: &Roster, from: Account, layer: &[u32], noise: &mut Noise) -> Vec<Account> {
    let mut accounts: Vec<Account> = layer.iter().map(|&p| roster.accounts_of(p).start).collect();
    let offset = noise.below(accounts.len() as u64);
    accounts.rotate_left(index(offset));
    accounts.sort_by_key(|&a| roster.bank_of(a) == roster.bank_of(from));
    accounts
}

/// Cuts a sum into parts that together are half a percent to two percent below it.
fn split(noise: &mut Noise, fen: i64, parts: u64) -> Vec<i64> {
    let rest = fen - fen * noise.between(5, 20) / 1_000;
    match parts {
        1 => vec![rest],
        2 => {
            let a = rest * noise.between(40, 60) / 100;
            vec![a, rest - a]
        }
        _ => {
            let a = rest * noise.between(28, 38) / 100;
            let b = rest * noise.between(28, 38) / 100;
            vec![a, b, rest - a - b]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::DAYS;

    #[test]
    fn money_moves_as_promised() {
        for seed in 0..20 {
            let people = 3_000;
            let cast = Cast::choose(seed, people);
            let roster = Roster::new(seed, people, &cast);
            let plot = Plot::write(&roster, &cast);
            let month = START_DAY * DAY_S..(START_DAY + DAYS) * DAY_S;
            assert!(
                plot.calls.iter().all(|c| month.contains(&c.at_s)),
                "seed {seed}"
            );
            assert!(
                plot.transfers.iter().all(|t| month.contains(&t.at_s)),
                "seed {seed}"
            );
            for swindle in plot.boxes.iter().flat_map(|b| &b.swindles) {
                for &(hop, step) in &swindle.chain {
                    assert!(step.fen >= MIN_STEP_FEN, "seed {seed}: {step:?}");
                    if hop > 1 {
                        let source = swindle.chain.iter().any(|&(before, s)| {
                            before + 1 == hop
                                && s.to == step.from
                                && s.fen > step.fen
                                && (1..=i64::from(WITHIN_HOURS) * HOUR_S)
                                    .contains(&(step.at_s - s.at_s))
                        });
                        assert!(source, "seed {seed}: {step:?} comes from nowhere");
                    }
                }
                assert_eq!(swindle.chain.last().expect("a chain").0, HOPS);
            }
        }
    }
}
