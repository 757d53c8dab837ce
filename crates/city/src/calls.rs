//! A month of calls, an hour at a time.
//!
//! Everybody has a few contacts that a pure function names: seven of ten are neighbours in number,
//! the rest are drawn with a heavy tail from the whole city, so that some phones hear from
//! thousands. Calls go to near contacts more often than to far ones, and come back.
//!
//! *Invariant*: an hour's calls depend on the seed and the hour only, so memory is bounded by the
//! busiest hour.

use crate::calendar::{DAYS, HOUR_S, START_DAY};
use crate::cast::Cast;
use crate::event::Call;
use crate::noise::{Noise, Permutation, Tag, index, narrow, whole};
use crate::roster::Roster;

/// Calls that a thousand people make a day.
const CALLS_PER_THOUSAND_DAILY: u64 = 350;
/// How a day's calls spread over its hours.
const HOURS: [u64; 24] = [
    2, 1, 1, 1, 1, 3, 8, 20, 45, 62, 66, 60, 52, 48, 55, 60, 58, 60, 64, 62, 50, 32, 16, 6,
];
/// The most contacts of one person.
const MAX_CONTACTS: u64 = 200;

/// Who knows whom.
pub(crate) struct Contacts {
    seed: u64,
    people: u64,
    popular: Permutation,
    active: Permutation,
}

impl Contacts {
    pub(crate) fn new(roster: &Roster) -> Self {
        let people = u64::from(roster.people);
        Self {
            seed: roster.seed,
            people,
            popular: Permutation::new(roster.seed, Tag::Popular, people),
            active: Permutation::new(roster.seed, Tag::Caller, people),
        }
    }

    /// Somebody who calls or pays, the active ones more often.
    pub(crate) fn somebody(&self, noise: &mut Noise) -> u32 {
        let u = noise.unit();
        narrow(self.active.of(whole(self.people as f64 * u * u.sqrt())))
    }

    /// One of a person's contacts, the near ones more often.
    pub(crate) fn contact_of(&self, person: u32, noise: &mut Noise) -> u32 {
        let person = u64::from(person);
        let count = Noise::new(self.seed, Tag::Contact, person << 16).heavy() * 4.0;
        let count = (3 + whole(count)).min(MAX_CONTACTS);
        let u = noise.unit();
        let rank = whole(count as f64 * u * u);
        let mut drawn = Noise::new(self.seed, Tag::Contact, (person << 16) | (rank + 1));
        let other = if drawn.per_mille(700) {
            let away = 1 + whole(drawn.heavy() * 4.0 * drawn.unit());
            if drawn.per_mille(500) {
                (person + away) % self.people
            } else {
                (person + self.people - away % self.people) % self.people
            }
        } else {
            let u = drawn.unit();
            self.popular.of(whole(self.people as f64 * u * u * u))
        };
        narrow(if other == person {
            (person + 1) % self.people
        } else {
            other
        })
    }
}

/// Calls `each` for every call of the month in order of time; `planted` must be sorted.
pub(crate) fn month<E>(
    roster: &Roster,
    cast: &Cast,
    contacts: &Contacts,
    planted: &[Call],
    mut each: impl FnMut(&[Call], i64) -> Result<(), E>,
) -> Result<(), E> {
    let daily = u64::from(roster.people) * CALLS_PER_THOUSAND_DAILY / 1_000;
    let weights: u64 = HOURS.iter().sum();
    let mut planted = planted;
    for hour in 0..DAYS * 24 {
        let from_s = START_DAY * 86_400 + hour * HOUR_S;
        let mut noise = Noise::new(roster.seed, Tag::Call, hour.unsigned_abs());
        // The remainder is kept with its probability, so a village has calls at night too.
        let weighted = daily * HOURS[index(hour.unsigned_abs() % 24)];
        let count = weighted / weights + u64::from(noise.below(weights) < weighted % weights);
        let mut calls: Vec<Call> = (0..count)
            .map(|_| one(roster, cast, contacts, from_s, &mut noise))
            .collect();
        let now = planted.partition_point(|call| call.at_s < from_s + HOUR_S);
        calls.extend_from_slice(&planted[..now]);
        planted = &planted[now..];
        calls.sort_unstable();
        // One card makes one call at a time.
        calls.dedup_by_key(|call| (call.at_s, call.caller, call.callee));
        each(&calls, hour)?;
    }
    Ok(())
}

fn one(roster: &Roster, cast: &Cast, contacts: &Contacts, from_s: i64, noise: &mut Noise) -> Call {
    let mut caller = contacts.somebody(noise);
    let mut callee = contacts.contact_of(caller, noise);
    if noise.per_mille(350) {
        (caller, callee) = (callee, caller);
    }
    let cell = if noise.per_mille(700) {
        roster.home_cell(caller)
    } else {
        1 + narrow(noise.below(u64::from(roster.cells())))
    };
    // A clock that ran backwards, once in two thousand calls.
    let duration_s = if noise.below(2_000) == 0 {
        -noise.between(1, 150)
    } else {
        let u = noise.unit();
        20 + i64::from(narrow(whole(2_100.0 * u * u.sqrt())))
    };
    let withheld = noise.below(4_000) == 0 && !cast.has(caller) && !cast.has(callee);
    Call {
        at_s: from_s + noise.between(0, HOUR_S),
        caller: roster.a_sim_of(caller, noise),
        callee: roster.a_sim_of(callee, noise),
        duration_s: i32::try_from(duration_s).unwrap_or(0),
        cell,
        withheld,
    }
}
