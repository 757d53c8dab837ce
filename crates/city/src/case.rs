//! Puts the first SIM box's story into words as a case.

use std::collections::BTreeMap;

use crate::calendar::{self, DAY_S};
use crate::cast::Cast;
use crate::event::{self, Call};
use crate::names;
use crate::plot::{self, BoxPlot, Plot};
use crate::roster::{Account, BANKS, Roster, Sim, TELECOMS};
use crate::truth::{Case, Contact, Held, Rule, Step, Suspect, Transfer, Victim};

/// The most victims that report.
const MAX_REPORTS: usize = 12;
/// Days of the case's window: the box's, and two for the last money to arrive.
const WINDOW_DAYS: i64 = plot::ACTIVE_DAYS + 2;

/// Listens to the calls as they are written, for the victims' contacts.
pub(crate) struct Listener {
    victims: Vec<Sim>,
    window_s: std::ops::Range<i64>,
    heard: BTreeMap<(Sim, Sim), u64>,
}

impl Listener {
    pub(crate) fn new(roster: &Roster, plot: &Plot) -> Self {
        let story = &plot.boxes[0];
        let mut victims: Vec<Sim> = story
            .swindles
            .iter()
            .take(MAX_REPORTS)
            .map(|swindle| roster.sims_of(swindle.victim).start)
            .collect();
        victims.sort_unstable();
        Self {
            victims,
            window_s: story.first_day * DAY_S..(story.first_day + WINDOW_DAYS) * DAY_S,
            heard: BTreeMap::new(),
        }
    }

    pub(crate) fn hear(&mut self, call: &Call) {
        if call.withheld || !self.window_s.contains(&call.at_s) {
            return;
        }
        for (phone, contact) in [(call.caller, call.callee), (call.callee, call.caller)] {
            if self.victims.binary_search(&phone).is_ok() {
                *self.heard.entry((phone, contact)).or_default() += 1;
            }
        }
    }
}

/// The case of the first box.
pub(crate) fn write(roster: &Roster, cast: &Cast, plot: &Plot, listener: &Listener) -> Case {
    let story: &BoxPlot = &plot.boxes[0];
    let gang = &cast.gangs[0];
    let reported = || story.swindles.iter().take(MAX_REPORTS);
    let mut steps: Vec<_> = reported().flat_map(|s| &s.chain).copied().collect();
    steps.sort_by_key(|&(hop, step)| (step, hop));
    let parts = [
        ("mule", &gang.mules),
        ("layer", &gang.layer_one),
        ("layer", &gang.layer_two),
        ("collector", &gang.collectors),
    ];
    let mut call_contacts: Vec<Contact> = listener
        .heard
        .iter()
        .map(|(&(phone, contact), &calls)| Contact {
            phone: roster.phone(phone),
            contact: roster.phone(contact),
            calls,
        })
        .collect();
    call_contacts.sort();
    Case {
        from: calendar::instant(listener.window_s.start),
        to: calendar::instant(listener.window_s.end),
        victims: reported()
            .map(|s| victim(roster, s.victim, s.victim_account))
            .collect(),
        first_transfers: reported()
            .map(|s| transfer(roster, &s.chain[0].1))
            .collect(),
        rule: Rule {
            min_amount_cny: event::yuan(plot::MIN_STEP_FEN),
            within_hours: plot::WITHIN_HOURS,
            hops: plot::HOPS,
        },
        chain: steps
            .iter()
            .map(|(hop, step)| Step {
                hop: *hop,
                transfer: transfer(roster, step),
            })
            .collect(),
        callers: roster.sims_of_box(0).map(|s| roster.phone(s)).collect(),
        suspects: parts
            .iter()
            .flat_map(|(part, people)| people.iter().map(|&p| suspect(roster, part, p)))
            .collect(),
        call_contacts,
    }
}

fn victim(roster: &Roster, person: u32, account: Account) -> Victim {
    Victim {
        account: roster.account(account),
        bank: BANKS[roster.bank_of(account)].to_owned(),
        phone: roster.phone(roster.sims_of(person).start),
        id_number: roster.id_number(person),
        name: names::person(roster.seed, person),
    }
}

fn transfer(roster: &Roster, event: &event::Transfer) -> Transfer {
    Transfer {
        from_account: roster.account(event.from),
        from_bank: BANKS[roster.bank_of(event.from)].to_owned(),
        to_account: roster.account(event.to),
        to_bank: BANKS[roster.bank_of(event.to)].to_owned(),
        amount_cny: event::yuan(event.fen),
        at: calendar::instant(event.at_s),
    }
}

fn suspect(roster: &Roster, part: &str, person: u32) -> Suspect {
    Suspect {
        part: part.to_owned(),
        name: names::person(roster.seed, person),
        id_number: roster.id_number(person),
        phones: roster
            .sims_of(person)
            .map(|sim| Held {
                institution: TELECOMS[roster.telecom_of(sim)].to_owned(),
                value: roster.phone(sim),
            })
            .collect(),
        accounts: roster
            .accounts_of(person)
            .map(|account| Held {
                institution: BANKS[roster.bank_of(account)].to_owned(),
                value: roster.account(account),
            })
            .collect(),
    }
}
