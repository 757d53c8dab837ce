//! `truth.json`: what was planted, for those who check answers.
//!
//! The first six fields are those of any city of this layout; `invalid` and `case` are added by this
//! generator, so a reader takes a city without them too.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The file's name inside a city's folder. It is written last, so a folder that holds it is whole.
pub const FILE: &str = "truth.json";

/// What was planted in a city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The seed that the city was made from.
    pub seed: u64,
    /// The first instant of calls and transfers, RFC 3339 in UTC.
    pub start: String,
    /// The banks' folder names.
    pub banks: Vec<String>,
    /// How much there is of everything.
    pub counts: Counts,
    /// The boxes of unregistered SIM cards and what they did.
    pub sim_boxes: Vec<SimBox>,
    /// Groups of accounts that launder together, by a number in text.
    pub launderers: BTreeMap<String, Vec<String>>,
    /// Rows that hold a plainly invalid value, by table (`telecom_a/subscribers`).
    #[serde(default)]
    pub invalid: BTreeMap<String, u64>,
    /// A fraud case to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Case>,
}

/// How much there is of everything; an event that two institutions hold counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Residents.
    pub people: u64,
    /// Transfers.
    pub transfers: u64,
    /// Calls.
    pub calls: u64,
    /// Power readings.
    pub readings: u64,
}

/// A box of SIM cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimBox {
    /// The antenna that it stands at.
    pub cell: u32,
    /// Its cards' phones.
    pub sims: Vec<String>,
    /// The premise that it stands in.
    pub premise: String,
    /// Accounts that received the victims' money.
    pub mules: Vec<String>,
    /// Accounts of those who paid, sorted.
    pub victims: Vec<String>,
}

/// A fraud case: who reported, and what an investigation should find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The window that a warrant for it needs, RFC 3339 in UTC; `to` is not inside.
    pub from: String,
    /// Where the window ends.
    pub to: String,
    /// Those who reported.
    pub victims: Vec<Victim>,
    /// What they paid, in their order.
    pub first_transfers: Vec<Transfer>,
    /// A rule under which the whole chain is found.
    pub rule: Rule,
    /// Every step of the victims' money, the first included, in order of time. An answer may hold
    /// more: the rule cannot tell an account's other business from these.
    pub chain: Vec<Step>,
    /// The box's phones.
    pub callers: Vec<String>,
    /// Who received the money, and everything in their names.
    pub suspects: Vec<Suspect>,
    /// Everybody whom the victims' phones called or heard from within the window, from the calls
    /// as written, sorted.
    pub call_contacts: Vec<Contact>,
}

/// A person who reported a fraud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Victim {
    /// The account that paid.
    pub account: String,
    /// Its bank.
    pub bank: String,
    /// The phone that was called.
    pub phone: String,
    /// The resident id number.
    pub id_number: String,
    /// The name.
    pub name: String,
}

/// A transfer between accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The account that paid.
    pub from_account: String,
    /// Its bank.
    pub from_bank: String,
    /// The account that was paid.
    pub to_account: String,
    /// Its bank.
    pub to_bank: String,
    /// Yuan with two decimals.
    pub amount_cny: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
}

/// A step of a victim's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// 1 for the victim's own transfer.
    pub hop: u32,
    /// The transfer.
    #[serde(flatten)]
    pub transfer: Transfer,
}

/// A rule for following money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The smallest transfer to follow, yuan with two decimals.
    pub min_amount_cny: String,
    /// The longest time between a transfer and the next.
    pub within_hours: u32,
    /// How many transfers from the first account, the first included.
    pub hops: u32,
}

/// A person who received the money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// `mule`, `layer` or `collector`.
    pub part: String,
    /// The name.
    pub name: String,
    /// The resident id number.
    pub id_number: String,
    /// Phones in that name.
    pub phones: Vec<Held>,
    /// Accounts in that name.
    pub accounts: Vec<Held>,
}

/// Something that an institution holds under a person's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The institution's folder name.
    pub institution: String,
    /// The phone or the account.
    pub value: String,
}

/// A phone that a victim's phone was in touch with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Contact {
    /// The victim's phone.
    pub phone: String,
    /// The other phone.
    pub contact: String,
    /// Calls either way.
    pub calls: u64,
}

impl Truth {
    /// Reads a city's truth.
    ///
    /// # Errors
    /// The file cannot be read, or is not a city's truth.
    pub fn read(city_dir: &Path) -> Result<Self, Error> {
        let file = city_dir.join(FILE);
        let text = std::fs::read(&file).map_err(|e| Error::disk(&file, e))?;
        serde_json::from_slice(&text).map_err(|e| {
            Error::new(ErrorKind::Malformed {
                file,
                reason: e.to_string(),
            })
        })
    }

    pub(crate) fn write(&self, city_dir: &Path) -> Result<(), Error> {
        let file = city_dir.join(FILE);
        let text = serde_json::to_vec_pretty(self).map_err(|e| Error::disk(&file, e))?;
        std::fs::write(&file, text).map_err(|e| Error::disk(&file, e))
    }
}
