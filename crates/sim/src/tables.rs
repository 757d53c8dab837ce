//! The custodians' tables: a few people, some of them a case's subjects, and
//! everybody else with a canary in place of a name.
//!
//! *Invariants*: the canary stands in every row of whoever is no subject, and in
//! no row of a subject; so it may never be seen outside the custodian's house.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rand::{RngExt as _, rngs::StdRng};

/// What every name holds that no warrant may open.
pub(crate) const CANARY: &str = "canary-in-the-coal-mine";

/// The data's window: the first week of March 2026.
pub(crate) const FROM_MS: u64 = 1_772_323_200_000;
pub(crate) const TO_MS: u64 = FROM_MS + 7 * 24 * 3_600_000;

/// One person and what is theirs.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    id_number: String,
    /// Phones, with the number of their telecom.
    phones: Vec<(usize, String)>,
    /// Accounts, with the number of their bank.
    accounts: Vec<(usize, String)>,
}

/// Everybody.
pub(crate) struct People {
    pub(crate) subjects: Vec<Person>,
    pub(crate) others: Vec<Person>,
}

/// A resident id with its check digit.
fn resident(number: u32) -> String {
    let first_17 = format!("43132119950721{number:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let digits = first_17.bytes().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits.zip(weights).map(|(d, weight)| d * weight).sum();
    let check = b"10X98765432"[sum as usize % 11];
    format!("{first_17}{}", char::from(check))
}

impl People {
    /// Draws people whose phones and accounts stand at so many telecoms and banks.
    pub(crate) fn draw(rng: &mut StdRng, telecoms: usize, banks: usize) -> Self {
        let subjects = rng.random_range(1..=3);
        let everybody = rng.random_range(subjects + 2..=subjects + 20);
        let mut people = (0..everybody).map(|number| {
            let name = if number < subjects {
                format!("subject-{number}")
            } else {
                format!("{CANARY}-{number}")
            };
            let spread = |rng: &mut StdRng, of: usize, first: u64| {
                let count = rng.random_range(1..=3u64);
                (0..count)
                    .map(|n| {
                        // The first stands where it must, so that no table is empty.
                        let at = match n {
                            0 => number as usize % of,
                            _ => rng.random_range(0..of),
                        };
                        (at, (first + u64::from(number) * 10 + n).to_string())
                    })
                    .collect::<Vec<_>>()
            };
            Person {
                name,
                id_number: resident(number),
                phones: spread(rng, telecoms, 13_800_000_000),
                accounts: spread(rng, banks, 6_228_010_000_000_000),
            }
        });
        let people: Vec<Person> = people.by_ref().collect();
        let (subjects, others) = people.split_at(subjects as usize);
        Self {
            subjects: subjects.to_vec(),
            others: others.to_vec(),
        }
    }

    fn everybody(&self) -> impl Iterator<Item = &Person> {
        self.subjects.iter().chain(&self.others)
    }

    /// Writes one custodian's table and gives the data set's name and the file.
    pub(crate) fn write(
        &self,
        folder: &Path,
        is_telecom: bool,
        number: usize,
    ) -> std::io::Result<(&'static str, PathBuf)> {
        let (dataset, mut text) = if is_telecom {
            ("subscribers", String::from("phone,holder,id_number\n"))
        } else {
            ("accounts", String::from("account,holder,id_number\n"))
        };
        for person in self.everybody() {
            let held = if is_telecom {
                &person.phones
            } else {
                &person.accounts
            };
            for (_, value) in held.iter().filter(|(at, _)| *at == number) {
                text.push_str(&format!("{value},{},{}\n", person.name, person.id_number));
            }
        }
        let path = folder.join(format!("{dataset}.csv"));
        std::fs::write(&path, text)?;
        Ok((dataset, path))
    }

    /// Every phone, with the number of its telecom.
    pub(crate) fn phones(&self) -> Vec<(usize, String)> {
        let phones = self.everybody().flat_map(|person| &person.phones);
        phones.cloned().collect()
    }

    /// The id numbers of whoever has a phone at a telecom that is in a set of numbers,
    /// or an account at a bank.
    pub(crate) fn holders(
        &self,
        (is_telecom, number): (bool, usize),
        of: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let has = |person: &&Person| {
            let held = if is_telecom {
                &person.phones
            } else {
                &person.accounts
            };
            held.iter()
                .any(|(at, value)| *at == number && of.contains(value))
        };
        let holders = self.everybody().filter(has);
        holders.map(|person| person.id_number.clone()).collect()
    }

    /// Every account, with the number of its bank.
    pub(crate) fn accounts(&self) -> Vec<(usize, String)> {
        let accounts = self.everybody().flat_map(|person| &person.accounts);
        accounts.cloned().collect()
    }

    /// The first account of each subject.
    pub(crate) fn subjects_accounts(&self) -> Vec<String> {
        let first = |person: &Person| person.accounts[0].1.clone();
        self.subjects.iter().map(first).collect()
    }

    /// One selector for each subject: a phone.
    pub(crate) fn selectors(&self) -> Vec<String> {
        let phone = |person: &Person| format!("phone:+86{}", person.phones[0].1);
        self.subjects.iter().map(phone).collect()
    }

    /// Somebody whom no warrant names.
    pub(crate) fn bystander(&self) -> String {
        format!("phone:+86{}", self.others[0].phones[0].1)
    }

    /// Every phone and account under a subject's id number at the custodians asked
    /// (telecoms, then banks, by number), with its holder: what the template `identify`
    /// must find, and nothing else.
    pub(crate) fn expected(&self, asked: &BTreeSet<(bool, usize)>) -> BTreeSet<(String, String)> {
        let of = |person: &Person| {
            let held: Vec<_> = person
                .phones
                .iter()
                .filter(|(at, _)| asked.contains(&(true, *at)))
                .map(|(_, value)| format!("+86{value}"))
                .chain(
                    (person.accounts.iter())
                        .filter(|(at, _)| asked.contains(&(false, *at)))
                        .map(|(_, value)| value.clone()),
                )
                .map(|value| (value, person.name.clone()))
                .collect();
            held
        };
        self.subjects.iter().flat_map(of).collect()
    }
}
