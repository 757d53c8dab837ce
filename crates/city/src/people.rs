//! The tables of people: the register of residents, the operators' subscribers, the banks' accounts.

use std::path::Path;

use crate::careless;
use crate::cast::Cast;
use crate::error::Error;
use crate::names;
use crate::noise::{Noise, Tag};
use crate::roster::{Account, BANKS, Roster, Sim, TELECOMS};
use crate::table::{Cell, Form, Kind, Table};
use crate::{PEOPLE_PER_HOUSEHOLD, Progress, Stage};

/// People between two reports of progress.
const PROGRESS_STEP: u32 = 16_384;
/// The holder of a card that nobody registered, as in the sample.
const PREPAID: &str = "Prepaid";

/// Rows of one institution's table of people.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rows {
    pub(crate) all: u64,
    pub(crate) invalid: u64,
}

/// The police bureau's register: careful clerks, every id valid.
pub(crate) fn write_registry(
    roster: &Roster,
    out_dir: &Path,
    form: Form,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    use Kind::{Int, Text};
    let columns = [
        ("id_number", Text),
        ("name", Text),
        ("address", Text),
        ("cell", Int),
    ];
    let mut table = Table::create(&out_dir.join("registry"), "residents", form, &columns)?;
    for person in 0..roster.people {
        table.push(&[
            Cell::Text(&roster.id_number(person)),
            Cell::Text(&names::person(roster.seed, person)),
            Cell::Text(&names::address(
                roster.seed,
                u64::from(person / PEOPLE_PER_HOUSEHOLD),
            )),
            Cell::Int(roster.home_cell(person)),
        ])?;
        report(progress, Stage::Registry, person, roster.people);
    }
    table.finish()
}

/// The operators' subscribers. The boxes' cards have no holder's id.
pub(crate) fn write_subscribers(
    roster: &Roster,
    cast: &Cast,
    out_dir: &Path,
    form: Form,
    progress: &mut dyn FnMut(Progress),
) -> Result<[Rows; 2], Error> {
    use Kind::Text;
    let columns = [("phone", Text), ("holder", Text), ("id_number", Text)];
    let mut tables = open(out_dir, &TELECOMS, "subscribers", form, &columns)?;
    let mut rows = [Rows::default(); 2];
    let has_part = |sim: u64| match roster.sim_owner(crate::noise::narrow(sim)) {
        Some(owner) => cast.has(owner),
        None => true,
    };
    let bad = careless::invalid_rows(roster.seed, 1, u64::from(roster.sims()), has_part);
    for sim in 0..roster.sims() {
        let telecom = roster.telecom_of(sim);
        let (phone, holder, id_number, invalid) = subscriber(roster, sim, &bad);
        tables[telecom].push(&[
            Cell::Text(&phone),
            Cell::Text(&holder),
            Cell::Text(&id_number),
        ])?;
        rows[telecom].all += 1;
        rows[telecom].invalid += u64::from(invalid);
        report(progress, Stage::Subscribers, sim, roster.sims());
    }
    tables
        .into_iter()
        .try_for_each(|table| table.finish().map(drop))?;
    Ok(rows)
}

fn subscriber(roster: &Roster, sim: Sim, bad: &[u64]) -> (String, String, String, bool) {
    let mut noise = Noise::new(roster.seed, Tag::Form, (1 << 40) | u64::from(sim));
    let phone = roster.phone(sim);
    let Some(owner) = roster.sim_owner(sim) else {
        return (phone, PREPAID.to_owned(), String::new(), false);
    };
    let holder = names::person(roster.seed, owner);
    let id_number = roster.id_number(owner);
    let (mut typed_phone, mut typed_id) = (
        careless::phone(&mut noise, &phone),
        careless::id_number(&mut noise, &id_number),
    );
    let invalid = bad.binary_search(&u64::from(sim)).is_ok();
    if invalid {
        if noise.per_mille(500) {
            typed_phone = careless::no_phone(&mut noise, &phone);
        } else {
            typed_id = careless::no_id_number(&mut noise, &id_number);
        }
    }
    (typed_phone, holder, typed_id, invalid)
}

/// The banks' accounts.
pub(crate) fn write_accounts(
    roster: &Roster,
    cast: &Cast,
    out_dir: &Path,
    form: Form,
    progress: &mut dyn FnMut(Progress),
) -> Result<[Rows; 4], Error> {
    use Kind::{Date, Text};
    let columns = [
        ("account", Text),
        ("holder", Text),
        ("id_number", Text),
        ("phone", Text),
        ("opened", Date),
    ];
    let mut tables = open(out_dir, &BANKS, "accounts", form, &columns)?;
    let mut rows = [Rows::default(); 4];
    let has_part = |account: u64| cast.has(roster.account_owner(crate::noise::narrow(account)));
    let bad = careless::invalid_rows(roster.seed, 2, u64::from(roster.accounts()), has_part);
    for account in 0..roster.accounts() {
        let bank = roster.bank_of(account);
        let invalid = bad.binary_search(&u64::from(account)).is_ok();
        rows[bank].all += 1;
        rows[bank].invalid += u64::from(invalid);
        let (number, holder, id_number, phone) = holder_of(roster, account, invalid);
        tables[bank].push(&[
            Cell::Text(&number),
            Cell::Text(&holder),
            Cell::Text(&id_number),
            Cell::Text(&phone),
            Cell::Date(roster.opened(account)),
        ])?;
        report(progress, Stage::Accounts, account, roster.accounts());
    }
    tables
        .into_iter()
        .try_for_each(|table| table.finish().map(drop))?;
    Ok(rows)
}

fn holder_of(roster: &Roster, account: Account, invalid: bool) -> (String, String, String, String) {
    let mut noise = Noise::new(roster.seed, Tag::Form, (2 << 40) | u64::from(account));
    let owner = roster.account_owner(account);
    let number = roster.account(account);
    let id_number = roster.id_number(owner);
    let phone = roster.phone(roster.sims_of(owner).start);
    let holder = names::person(roster.seed, owner);
    let typed_id = careless::id_number(&mut noise, &id_number);
    let typed_phone = careless::phone(&mut noise, &phone);
    match (invalid, noise.below(3)) {
        (false, _) => (number, holder, typed_id, typed_phone),
        (true, 0) => (number[..6].to_owned(), holder, typed_id, typed_phone),
        (true, 1) => {
            let bad_id = careless::no_id_number(&mut noise, &id_number);
            (number, holder, bad_id, typed_phone)
        }
        (true, _) => {
            let bad_phone = careless::no_phone(&mut noise, &phone);
            (number, holder, typed_id, bad_phone)
        }
    }
}

/// One table of the same name for each institution.
pub(crate) fn open<const N: usize>(
    out_dir: &Path,
    institutions: &[&str; N],
    name: &str,
    form: Form,
    columns: &[(&str, Kind)],
) -> Result<Vec<Table>, Error> {
    let create =
        |institution: &&str| Table::create(&out_dir.join(institution), name, form, columns);
    institutions.iter().map(create).collect()
}

fn report(progress: &mut dyn FnMut(Progress), stage: Stage, done: u32, total: u32) {
    if (done + 1).is_multiple_of(PROGRESS_STEP) || done + 1 == total {
        progress(Progress {
            stage,
            done: u64::from(done + 1),
            total: u64::from(total),
        });
    }
}
