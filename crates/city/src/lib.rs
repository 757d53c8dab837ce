//! A synthetic city: the tables of its institutions, with planted crimes and the truth about them.
//!
//! Nobody may try an investigation on real people, so demonstrations, tests and benches run on a
//! city that a seed makes:
//!
//! ```text
//! registry/residents             id_number, name, address, cell
//! telecom_{a,b}/subscribers      phone, holder, id_number
//! telecom_{a,b}/calls.parquet    caller, callee, at, duration_s, cell
//! bank_{a,b,c,d}/accounts        account, holder, id_number, phone, opened
//! bank_{a,b,c,d}/transfers.parquet  from_account, from_bank, to_account, to_bank, amount_cny, at, kind
//! power/premises                 premise, address, cell, holder_id_number
//! power/readings.parquet         premise, at, kwh
//! water/premises                 premise, address, holder_id_number
//! water/readings.parquet         premise, at, litres
//! truth.json                     what was planted
//! ```
//!
//! Tables of people are CSV, and Parquet above [`CSV_PEOPLE`] people. Phones and id numbers are typed
//! in as many ways as clerks do, some values are no values at all, and a call or transfer between two
//! institutions stands in both their tables. One month, from 2018-11-11.
//!
//! *Invariants*: the same seed, size and library versions give the same bytes; persons, phones and
//! ids are invented (ids carry region codes that were never given); memory is bounded by about 16
//! bytes a person, the open row groups and the busiest hour's events (98 MB for a million people, see
//! `docs/city.md`).
//!
//! *Not here*: randomness for anything secret, and any claim that real crime looks like this.

mod calendar;
mod calls;
mod careless;
mod case;
mod cast;
mod error;
mod event;
mod meters;
mod names;
mod noise;
mod people;
mod plot;
mod roster;
mod table;
mod transfers;
pub mod truth;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::{Error, ErrorKind};
pub use table::Form;
pub use truth::Truth;

use calls::Contacts;
use cast::Cast;
use meters::Premises;
use plot::Plot;
use roster::{BANKS, Roster, TELECOMS};
use table::{Cell, Kind};

/// The smallest city: everybody in a planted crime is a different person.
pub const MIN_PEOPLE: u32 = 60;
/// The largest city.
pub const MAX_PEOPLE: u32 = 1_000_000;
/// Above this many people the tables of people are Parquet.
pub const CSV_PEOPLE: u32 = 50_000;
/// Premises with hourly readings, unless [`Config::metered_premises`] says otherwise.
pub const METERED_PREMISES: u32 = 540;

const PEOPLE_PER_HOUSEHOLD: u32 = 3;

/// What to make.
#[derive(Clone, Debug)]
pub struct Config {
    /// Decides everything that is drawn.
    pub seed: u64,
    /// Residents, [`MIN_PEOPLE`]`..=`[`MAX_PEOPLE`].
    pub people: u32,
    /// A folder that is empty or does not exist.
    pub out_dir: PathBuf,
    /// The most premises that get hourly readings (1,176 of power and 504 of water each).
    pub metered_premises: u32,
    /// The form of the tables of people; `None` for CSV up to [`CSV_PEOPLE`] people.
    pub form: Option<Form>,
}

impl Config {
    /// A city with the usual number of meters.
    pub fn new(seed: u64, people: u32, out_dir: impl Into<PathBuf>) -> Self {
        Self {
            seed,
            people,
            out_dir: out_dir.into(),
            metered_premises: METERED_PREMISES,
            form: None,
        }
    }
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The register of residents.
    Registry,
    /// The operators' subscribers.
    Subscribers,
    /// The banks' accounts.
    Accounts,
    /// The operators' calls.
    Calls,
    /// The banks' transfers.
    Transfers,
    /// Premises and readings.
    Meters,
}

impl Stage {
    /// What is being written, in plain words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "residents",
            Self::Subscribers => "subscribers",
            Self::Accounts => "accounts",
            Self::Calls => "calls",
            Self::Transfers => "transfers",
            Self::Meters => "meter readings",
        }
    }
}

/// How far a stage has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Units done; people, accounts, hours or premises.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

/// Makes a city and returns the truth about it, which is also in the folder.
///
/// # Errors
/// The number of people is out of bounds, the folder is not empty, or a file cannot be written.
pub fn generate(config: &Config, progress: &mut dyn FnMut(Progress)) -> Result<Truth, Error> {
    let asked = config.people;
    if !(MIN_PEOPLE..=MAX_PEOPLE).contains(&asked) {
        return Err(Error::new(ErrorKind::People { asked }));
    }
    let out_dir = &config.out_dir;
    claim(out_dir)?;
    let form = config.form.unwrap_or(if asked > CSV_PEOPLE {
        Form::Parquet
    } else {
        Form::Csv
    });
    let cast = Cast::choose(config.seed, asked);
    let roster = Roster::new(config.seed, asked, &cast);
    let plot = Plot::write(&roster, &cast);
    let premises = Premises::new(&roster, &plot);
    let mut invalid = BTreeMap::new();

    people::write_registry(&roster, out_dir, form, progress)?;
    let subscribers = people::write_subscribers(&roster, &cast, out_dir, form, progress)?;
    for (telecom, rows) in TELECOMS.iter().zip(subscribers) {
        invalid.insert(format!("{telecom}/subscribers"), rows.invalid);
    }
    let accounts = people::write_accounts(&roster, &cast, out_dir, form, progress)?;
    for (bank, rows) in BANKS.iter().zip(accounts) {
        invalid.insert(format!("{bank}/accounts"), rows.invalid);
    }
    let contacts = Contacts::new(&roster);
    let mut listener = case::Listener::new(&roster, &plot);
    let mut hear = |call: &event::Call| listener.hear(call);
    let mut writer = Writer {
        roster: &roster,
        out_dir,
        progress,
    };
    let (calls, withheld) = writer.calls(&cast, &contacts, &plot, &mut hear)?;
    for (telecom, withheld) in TELECOMS.iter().zip(withheld) {
        invalid.insert(format!("{telecom}/calls"), withheld);
    }
    let transfers = writer.transfers(&contacts, &plot)?;
    let (bad_power, bad_water) = premises.write(out_dir, form)?;
    invalid.insert("power/premises".to_owned(), bad_power);
    invalid.insert("water/premises".to_owned(), bad_water);
    let (readings, _) = premises.write_readings(out_dir, config.metered_premises, progress)?;

    let truth = Truth {
        seed: config.seed,
        start: calendar::instant(calendar::START_DAY * calendar::DAY_S),
        banks: BANKS.map(str::to_owned).to_vec(),
        counts: truth::Counts {
            people: u64::from(asked),
            transfers,
            calls,
            readings,
        },
        sim_boxes: sim_boxes(&roster, &cast, &plot, &premises),
        launderers: launderers(&roster, &cast, &plot),
        invalid,
        case: Some(case::write(&roster, &cast, &plot, &listener)),
    };
    truth.write(out_dir)?;
    Ok(truth)
}

/// Makes the folder, which must not hold anything yet.
fn claim(out_dir: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(out_dir).map_err(|e| Error::disk(out_dir, e))?;
    let mut entries = std::fs::read_dir(out_dir).map_err(|e| Error::disk(out_dir, e))?;
    if entries.next().is_some() {
        return Err(Error::new(ErrorKind::NotEmpty {
            folder: out_dir.to_owned(),
        }));
    }
    Ok(())
}

/// Writes the events, each into the tables of both institutions that see it.
struct Writer<'a> {
    roster: &'a Roster,
    out_dir: &'a Path,
    progress: &'a mut dyn FnMut(Progress),
}

impl Writer<'_> {
    /// Returns how many calls there were, and the rows without a caller at each operator.
    fn calls(
        &mut self,
        cast: &Cast,
        contacts: &Contacts,
        plot: &Plot,
        hear: &mut dyn FnMut(&event::Call),
    ) -> Result<(u64, [u64; 2]), Error> {
        use Kind::{Instant, Int, Text};
        let columns = [
            ("caller", Text),
            ("callee", Text),
            ("at", Instant),
            ("duration_s", Int),
            ("cell", Int),
        ];
        let mut tables = people::open(self.out_dir, &TELECOMS, "calls", Form::Parquet, &columns)?;
        let (mut count, mut withheld) = (0, [0; 2]);
        calls::month(self.roster, cast, contacts, &plot.calls, |hour, number| {
            for call in hour {
                hear(call);
                count += 1;
                let callee = self.roster.phone(call.callee);
                let caller = if call.withheld {
                    "withheld".to_owned()
                } else {
                    self.roster.phone(call.caller)
                };
                let row = [
                    Cell::Text(&caller),
                    Cell::Text(&callee),
                    Cell::Instant(call.at_s),
                    Cell::Signed(call.duration_s),
                    Cell::Int(call.cell),
                ];
                let (a, b) = (
                    self.roster.telecom_of(call.caller),
                    self.roster.telecom_of(call.callee),
                );
                for telecom in both(a, b) {
                    tables[telecom].push(&row)?;
                    withheld[telecom] += u64::from(call.withheld);
                }
            }
            self.hour(Stage::Calls, number);
            Ok::<(), Error>(())
        })?;
        tables
            .into_iter()
            .try_for_each(|table| table.finish().map(drop))?;
        Ok((count, withheld))
    }

    /// Returns how many transfers there were.
    fn transfers(&mut self, contacts: &Contacts, plot: &Plot) -> Result<u64, Error> {
        use Kind::{Instant, Money, Text};
        let columns = [
            ("from_account", Text),
            ("from_bank", Text),
            ("to_account", Text),
            ("to_bank", Text),
            ("amount_cny", Money),
            ("at", Instant),
            ("kind", Text),
        ];
        let mut tables = people::open(self.out_dir, &BANKS, "transfers", Form::Parquet, &columns)?;
        let mut count = 0;
        transfers::month(self.roster, contacts, &plot.transfers, |hour, number| {
            for transfer in hour {
                count += 1;
                let (a, b) = (
                    self.roster.bank_of(transfer.from),
                    self.roster.bank_of(transfer.to),
                );
                let (from, to) = (
                    self.roster.account(transfer.from),
                    self.roster.account(transfer.to),
                );
                let row = [
                    Cell::Text(&from),
                    Cell::Text(BANKS[a]),
                    Cell::Text(&to),
                    Cell::Text(BANKS[b]),
                    Cell::Fen(transfer.fen),
                    Cell::Instant(transfer.at_s),
                    Cell::Text(transfer.kind.as_str()),
                ];
                for bank in both(a, b) {
                    tables[bank].push(&row)?;
                }
            }
            self.hour(Stage::Transfers, number);
            Ok::<(), Error>(())
        })?;
        tables
            .into_iter()
            .try_for_each(|table| table.finish().map(drop))?;
        Ok(count)
    }

    fn hour(&mut self, stage: Stage, number: i64) {
        (self.progress)(Progress {
            stage,
            done: (number + 1).unsigned_abs(),
            total: (calendar::DAYS * 24).unsigned_abs(),
        });
    }
}

/// One institution or two.
fn both(a: usize, b: usize) -> impl Iterator<Item = usize> {
    std::iter::once(a).chain((a != b).then_some(b))
}

fn sim_boxes(
    roster: &Roster,
    cast: &Cast,
    plot: &Plot,
    premises: &Premises<'_>,
) -> Vec<truth::SimBox> {
    let story = |(number, story): (usize, &plot::BoxPlot)| {
        let mut victims: Vec<String> = story
            .swindles
            .iter()
            .map(|swindle| roster.account(swindle.victim_account))
            .collect();
        victims.sort();
        truth::SimBox {
            cell: story.cell,
            sims: roster
                .sims_of_box(number)
                .map(|s| roster.phone(s))
                .collect(),
            premise: premises.box_code(number),
            mules: first_accounts(roster, &cast.gangs[number].mules),
            victims,
        }
    };
    plot.boxes.iter().enumerate().map(story).collect()
}

/// The gangs' groups, then the independent rings.
fn launderers(roster: &Roster, cast: &Cast, plot: &Plot) -> BTreeMap<String, Vec<String>> {
    let gangs = cast.gangs.iter().map(|gang| {
        let members = [
            &gang.mules,
            &gang.layer_one,
            &gang.layer_two,
            &gang.collectors,
        ];
        let members: Vec<u32> = members.into_iter().flatten().copied().collect();
        first_accounts(roster, &members)
    });
    let rings = plot
        .rings
        .iter()
        .map(|ring| ring.iter().map(|&a| roster.account(a)).collect());
    gangs
        .chain(rings)
        .enumerate()
        .map(|(number, group)| (number.to_string(), group))
        .collect()
}

fn first_accounts(roster: &Roster, people: &[u32]) -> Vec<String> {
    people
        .iter()
        .map(|&person| roster.account(roster.accounts_of(person).start))
        .collect()
}
