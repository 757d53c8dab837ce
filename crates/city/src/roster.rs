//! The people, their phones and their accounts, as compact arrays and pure functions.
//!
//! People, SIM cards and accounts are numbers; their written forms are computed on demand. The
//! arrays hold 4 bytes for each of: a person's first SIM card, a person's first account, each
//! account's owner, each card's owner — about 20 MB for a million people.
//!
//! *Invariants*: id numbers, phones and account numbers are unique; every id number carries a true
//! check digit (GB 11643) and a region code that no region has, so it cannot be anybody's.

use crate::calendar;
use crate::cast::{Cast, SIMS_PER_BOX};
use crate::noise::{Noise, Permutation, Tag, index, narrow};

/// Region codes inside Hunan's range that were never given to a county.
const REGIONS: [&str; 5] = ["439902", "439921", "439922", "439981", "439982"];
/// 1938-01-01, the first birthday, and how many birthdays follow (until 2000-12-31).
const FIRST_BIRTHDAY: i64 = -11_688;
const BIRTHDAYS: u64 = 23_011;
/// The sequence number of an id runs from 001 to 999.
const SEQUENCES: u64 = 999;
/// Prefixes of mobile numbers; both operators use all of them, as numbers may be carried over.
const PREFIXES: [&str; 10] = [
    "131", "133", "136", "138", "139", "150", "158", "177", "186", "199",
];
const PHONES_PER_PREFIX: u64 = 100_000_000;
/// 2009-01-01 and the days after it on which accounts were opened.
const FIRST_OPENING: i64 = 14_245;
const OPENING_DAYS: i64 = 3_286;
/// Antennas of a city of up to 5,000 people; larger ones have one for `PEOPLE_PER_CELL`.
const MIN_CELLS: u32 = 30;
const PEOPLE_PER_CELL: u32 = 160;
/// The owner of a SIM card that nobody registered.
const NOBODY: u32 = u32::MAX;

/// The two telecom operators' folder names.
pub(crate) const TELECOMS: [&str; 2] = ["telecom_a", "telecom_b"];
/// The four banks' folder names.
pub(crate) const BANKS: [&str; 4] = ["bank_a", "bank_b", "bank_c", "bank_d"];

/// A SIM card by number.
pub(crate) type Sim = u32;
/// An account by number.
pub(crate) type Account = u32;

pub(crate) struct Roster {
    pub(crate) seed: u64,
    pub(crate) people: u32,
    id_numbers: Permutation,
    phones: Permutation,
    first_sim: Vec<u32>,
    first_account: Vec<u32>,
    sim_owner: Vec<u32>,
    account_owner: Vec<u32>,
    registered_sims: u32,
}

impl Roster {
    pub(crate) fn new(seed: u64, people: u32, cast: &Cast) -> Self {
        let (mut first_sim, mut first_account) = (Vec::new(), Vec::new());
        let (mut sim_owner, mut account_owner) = (Vec::new(), Vec::new());
        for person in 0..people {
            first_sim.push(narrow(sim_owner.len() as u64));
            first_account.push(narrow(account_owner.len() as u64));
            let mut noise = Noise::new(seed, Tag::Person, (u64::from(person) << 2) | 1);
            let least = 1 + usize::from(cast.well_equipped.binary_search(&person).is_ok());
            let sims = least.max(1 + usize::from(noise.per_mille(120)));
            let accounts = least.max(match noise.below(100) {
                0..75 => 1,
                75..95 => 2,
                _ => 3,
            });
            sim_owner.extend(std::iter::repeat_n(person, sims));
            account_owner.extend(std::iter::repeat_n(person, accounts));
        }
        let registered_sims = narrow(sim_owner.len() as u64);
        first_sim.push(registered_sims);
        first_account.push(narrow(account_owner.len() as u64));
        sim_owner.extend(std::iter::repeat_n(
            NOBODY,
            cast.gangs.len() * SIMS_PER_BOX as usize,
        ));
        Self {
            seed,
            people,
            id_numbers: Permutation::new(
                seed,
                Tag::IdNumber,
                REGIONS.len() as u64 * BIRTHDAYS * SEQUENCES,
            ),
            phones: Permutation::new(seed, Tag::Phone, PREFIXES.len() as u64 * PHONES_PER_PREFIX),
            first_sim,
            first_account,
            sim_owner,
            account_owner,
            registered_sims,
        }
    }

    pub(crate) fn sims(&self) -> u32 {
        narrow(self.sim_owner.len() as u64)
    }

    pub(crate) fn accounts(&self) -> u32 {
        narrow(self.account_owner.len() as u64)
    }

    /// The SIM cards of a person.
    pub(crate) fn sims_of(&self, person: u32) -> std::ops::Range<Sim> {
        self.first_sim[person as usize]..self.first_sim[person as usize + 1]
    }

    /// The accounts of a person.
    pub(crate) fn accounts_of(&self, person: u32) -> std::ops::Range<Account> {
        self.first_account[person as usize]..self.first_account[person as usize + 1]
    }

    /// The cards in a SIM box, which nobody registered.
    pub(crate) fn sims_of_box(&self, sim_box: usize) -> std::ops::Range<Sim> {
        let first = self.registered_sims + narrow(sim_box as u64) * SIMS_PER_BOX;
        first..first + SIMS_PER_BOX
    }

    pub(crate) fn sim_owner(&self, sim: Sim) -> Option<u32> {
        Some(self.sim_owner[sim as usize]).filter(|&owner| owner != NOBODY)
    }

    pub(crate) fn account_owner(&self, account: Account) -> u32 {
        self.account_owner[account as usize]
    }

    /// The operator of a card: three of five are the first's. A person's second card is the other
    /// operator's.
    pub(crate) fn telecom_of(&self, sim: Sim) -> usize {
        let (first, at) = match self.sim_owner(sim) {
            Some(owner) => (self.first_sim[owner as usize], sim),
            None => (sim, sim),
        };
        let base = Noise::new(self.seed, Tag::Sim, u64::from(first)).below(5) >= 3;
        usize::from(base ^ ((at - first) % 2 == 1))
    }

    /// The bank of an account. A person's accounts are at different banks.
    pub(crate) fn bank_of(&self, account: Account) -> usize {
        let first = self.first_account[self.account_owner(account) as usize];
        let base = Noise::new(self.seed, Tag::Account, u64::from(first)).below(BANKS.len() as u64);
        (index(base) + (account - first) as usize) % BANKS.len()
    }

    /// Eleven digits.
    pub(crate) fn phone(&self, sim: Sim) -> String {
        let number = self.phones.of(u64::from(sim));
        format!(
            "{}{:08}",
            PREFIXES[index(number / PHONES_PER_PREFIX)],
            number % PHONES_PER_PREFIX
        )
    }

    /// Nineteen digits: the issuer, the bank, six digits of noise and the account's number.
    pub(crate) fn account(&self, account: Account) -> String {
        let noise =
            Noise::new(self.seed, Tag::Account, u64::from(account) | (1 << 40)).below(1_000_000);
        format!("62280{}{noise:06}{account:07}", self.bank_of(account) + 1)
    }

    /// Eighteen characters: region, birthday, sequence and check digit.
    pub(crate) fn id_number(&self, person: u32) -> String {
        let number = self.id_numbers.of(u64::from(person));
        let region = REGIONS[index(number % REGIONS.len() as u64)];
        let rest = number / REGIONS.len() as u64;
        let birthday = i64::try_from(rest / SEQUENCES).unwrap_or(0);
        let (year, month, day) = calendar::civil(FIRST_BIRTHDAY + birthday);
        let sequence = 1 + rest % SEQUENCES;
        with_check_digit(&format!("{region}{year:04}{month:02}{day:02}{sequence:03}"))
    }

    /// The first card of a person, or now and then another of theirs.
    pub(crate) fn a_sim_of(&self, person: u32, noise: &mut Noise) -> Sim {
        let sims = self.sims_of(person);
        let others = u64::from(sims.end - sims.start - 1);
        if others > 0 && noise.per_mille(300) {
            sims.start + 1 + narrow(noise.below(others))
        } else {
            sims.start
        }
    }

    /// The first account of a person, or now and then another of theirs.
    pub(crate) fn an_account_of(&self, person: u32, noise: &mut Noise) -> Account {
        let accounts = self.accounts_of(person);
        let others = u64::from(accounts.end - accounts.start - 1);
        if others > 0 && noise.per_mille(250) {
            accounts.start + 1 + narrow(noise.below(others))
        } else {
            accounts.start
        }
    }

    pub(crate) fn cells(&self) -> u32 {
        (self.people / PEOPLE_PER_CELL).max(MIN_CELLS)
    }

    /// The antenna where a person lives: neighbours in number are neighbours in town.
    pub(crate) fn home_cell(&self, person: u32) -> u32 {
        let block = u64::from(person / 8);
        1 + narrow(
            Noise::new(self.seed, Tag::Person, (block << 2) | 2).below(u64::from(self.cells())),
        )
    }

    /// The day on which an account was opened.
    pub(crate) fn opened(&self, account: Account) -> i64 {
        Noise::new(self.seed, Tag::Account, u64::from(account) | (1 << 41))
            .between(FIRST_OPENING, FIRST_OPENING + OPENING_DAYS)
    }
}

/// Appends the check digit of GB 11643 (ISO 7064 MOD 11-2) to seventeen digits.
pub(crate) fn with_check_digit(digits: &str) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    let sum: u32 = digits
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{digits}{}", CHECKS[(sum % 11) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn check_digit_of_the_standard() {
        // The examples of GB 11643-1999, annex A.
        assert_eq!(with_check_digit("11010519491231002"), "11010519491231002X");
        assert_eq!(with_check_digit("44052418800101001"), "440524188001010014");
    }

    #[test]
    fn written_forms_are_unique() {
        let roster = Roster::new(3, 20_000, &Cast::choose(3, 20_000));
        let ids: HashSet<String> = (0..20_000).map(|p| roster.id_number(p)).collect();
        let phones: HashSet<String> = (0..roster.sims()).map(|s| roster.phone(s)).collect();
        let accounts: HashSet<String> = (0..roster.accounts()).map(|a| roster.account(a)).collect();
        assert_eq!(ids.len(), 20_000);
        assert_eq!(phones.len(), roster.sims() as usize);
        assert_eq!(accounts.len(), roster.accounts() as usize);
        assert!(ids.iter().all(|id| id.len() == 18));
        assert!(phones.iter().all(|phone| phone.len() == 11));
        assert!(accounts.iter().all(|account| account.len() == 19));
    }
}
