//! A month of transfers, an hour at a time: purchases, private transfers, wages, rents.
//!
//! *Invariant*: an hour's transfers depend on the seed and the hour only, so memory is bounded by
//! the busiest hour (a payday's, of a fifth of the people).

use crate::calendar::{DAYS, HOUR_S, START_DAY};
use crate::calls::Contacts;
use crate::event::{Transfer, TransferKind};
use crate::noise::{Noise, Permutation, Tag, index, narrow, whole};
use crate::roster::{Account, Roster};

/// Purchases and private transfers that a thousand people make a day.
const SPENT_PER_THOUSAND_DAILY: u64 = 110;
/// How a day's spending spreads over its hours.
const HOURS: [u64; 24] = [
    3, 2, 1, 1, 1, 2, 6, 18, 34, 46, 52, 60, 64, 50, 48, 50, 54, 62, 70, 66, 54, 36, 18, 8,
];
/// Days of the month, counted from the city's first, on which wages are paid: 15 November and
/// 10 December. An employer has one of them.
const PAYDAYS: [i64; 2] = [4, 29];
/// 1 December, when rent is due.
const RENT_DAY: i64 = 20;
/// Wages and rents are paid in this many hours from nine o'clock on.
const COUNTER_HOURS: u64 = 3;
const COUNTER_OPENS: i64 = 9;

struct Economy<'a> {
    roster: &'a Roster,
    contacts: &'a Contacts,
    /// People in the order in which they keep shops, employ and let.
    trade: Permutation,
    shops: u64,
    employers: u64,
    landlords: u64,
}

/// Calls `each` for every transfer of the month in order of time; `planted` must be sorted.
pub(crate) fn month<E>(
    roster: &Roster,
    contacts: &Contacts,
    planted: &[Transfer],
    mut each: impl FnMut(&[Transfer], i64) -> Result<(), E>,
) -> Result<(), E> {
    let people = u64::from(roster.people);
    let economy = Economy {
        roster,
        contacts,
        trade: Permutation::new(roster.seed, Tag::Shop, people),
        shops: (people / 60).max(3),
        employers: (people / 80).max(3),
        landlords: (people / 40).max(3),
    };
    let daily = people * SPENT_PER_THOUSAND_DAILY / 1_000;
    let weights: u64 = HOURS.iter().sum();
    let mut planted = planted;
    for hour in 0..DAYS * 24 {
        let from_s = START_DAY * 86_400 + hour * HOUR_S;
        let mut noise = Noise::new(roster.seed, Tag::Transfer, hour.unsigned_abs());
        let weighted = daily * HOURS[index(hour.unsigned_abs() % 24)];
        let count = weighted / weights + u64::from(noise.below(weights) < weighted % weights);
        let mut transfers: Vec<Transfer> = (0..count)
            .map(|_| economy.spend(from_s, &mut noise))
            .collect();
        economy.counter(hour, from_s, &mut transfers);
        transfers.retain(|t| t.from != t.to);
        let now = planted.partition_point(|t| t.at_s < from_s + HOUR_S);
        transfers.extend_from_slice(&planted[..now]);
        planted = &planted[now..];
        transfers.sort_unstable();
        each(&transfers, hour)?;
    }
    Ok(())
}

impl Economy<'_> {
    /// A person's first account in one of the trades; the large ones come up more often.
    fn trader(&self, offset: u64, count: u64, noise: &mut Noise) -> Account {
        let u = noise.unit();
        let rank = whole(count as f64 * u * u);
        let person = self
            .trade
            .of((offset + rank) % u64::from(self.roster.people));
        self.roster.accounts_of(narrow(person)).start
    }

    fn spend(&self, from_s: i64, noise: &mut Noise) -> Transfer {
        let payer = self.contacts.somebody(noise);
        let from = self.roster.an_account_of(payer, noise);
        let (to, fen, kind) = if noise.per_mille(600) {
            let shop = self.trader(0, self.shops, noise);
            (shop, amount(noise, 2_000), TransferKind::Purchase)
        } else {
            let friend = self.contacts.contact_of(payer, noise);
            let account = self.roster.an_account_of(friend, noise);
            (account, amount(noise, 30_000), TransferKind::Transfer)
        };
        Transfer {
            at_s: from_s + noise.between(0, HOUR_S),
            from,
            to,
            fen,
            kind,
        }
    }

    /// What falls due in this hour.
    fn counter(&self, hour: i64, from_s: i64, transfers: &mut Vec<Transfer>) {
        let (day, window) = (hour / 24, hour % 24 - COUNTER_OPENS);
        let Ok(window) = u64::try_from(window) else {
            return;
        };
        if window >= COUNTER_HOURS {
            return;
        }
        let payday = PAYDAYS.iter().position(|&d| d == day);
        if let Some(payday) = payday {
            let each = |person| self.wage(person, payday as u64, window, from_s);
            transfers.extend((0..self.roster.people).filter_map(each));
        }
        if day == RENT_DAY {
            let each = |person| self.rent(person, window, from_s);
            transfers.extend((0..self.roster.people).filter_map(each));
        }
    }

    fn wage(&self, person: u32, payday: u64, window: u64, from_s: i64) -> Option<Transfer> {
        let mut noise = Noise::new(self.roster.seed, Tag::Wage, u64::from(person));
        if !noise.per_mille(600) || noise.below(COUNTER_HOURS) != window {
            return None;
        }
        let from = self.trader(self.shops, self.employers, &mut noise);
        if Noise::new(self.roster.seed, Tag::Wage, u64::from(from) | (1 << 40)).below(2) != payday {
            return None;
        }
        Some(Transfer {
            at_s: from_s + noise.between(0, HOUR_S),
            from,
            to: self.roster.accounts_of(person).start,
            fen: 250_000 + amount(&mut noise, 180_000),
            kind: TransferKind::Salary,
        })
    }

    fn rent(&self, person: u32, window: u64, from_s: i64) -> Option<Transfer> {
        let mut noise = Noise::new(self.roster.seed, Tag::Rent, u64::from(person));
        if !noise.per_mille(300) || noise.below(COUNTER_HOURS) != window {
            return None;
        }
        Some(Transfer {
            at_s: from_s + noise.between(0, HOUR_S),
            from: self.roster.accounts_of(person).start,
            to: self.trader(self.shops + self.employers, self.landlords, &mut noise),
            fen: 60_000 + 10_000 * i64::from(narrow(noise.below(30))),
            kind: TransferKind::Rent,
        })
    }
}

/// A heavy-tailed amount of median about 1.4 times `scale_fen`, in fen.
fn amount(noise: &mut Noise, scale_fen: u32) -> i64 {
    let fen = whole(f64::from(scale_fen) * noise.heavy() * (0.3 + noise.unit()));
    i64::try_from(fen).unwrap_or(i64::MAX)
}
