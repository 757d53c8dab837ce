//! The power and water companies: premises and hourly readings.
//!
//! A household's load has a base, a morning and an evening; nobody lives with a SIM box, so its load is
//! flat around the clock and its water stands still.
//!
//! *Invariant*: readings are made for at most [`crate::Config::metered_premises`] premises, the SIM
//! boxes' among them, whatever the size of the city.

use std::path::Path;

use crate::calendar::{DAY_S, HOUR_S, POWER_DAYS, POWER_START_DAY, WATER_DAYS, WATER_START_DAY};
use crate::careless;
use crate::error::Error;
use crate::names;
use crate::noise::{Noise, Tag, narrow, whole};
use crate::plot::Plot;
use crate::roster::Roster;
use crate::table::{Cell, Form, Kind, Table};
use crate::{PEOPLE_PER_HOUSEHOLD, Progress, Stage};

const POWER_HOURS: [f64; 24] = [
    0.3, 0.25, 0.22, 0.2, 0.2, 0.3, 0.7, 1.0, 0.8, 0.6, 0.5, 0.6, 0.8, 0.6, 0.5, 0.5, 0.7, 1.2,
    1.6, 1.8, 1.7, 1.3, 0.8, 0.5,
];
const WATER_HOURS: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 30.0, 40.0, 12.0, 5.0, 4.0, 5.0, 15.0, 4.0, 3.0, 4.0, 8.0, 20.0,
    45.0, 60.0, 50.0, 30.0, 15.0, 2.0,
];

/// All premises: the households', then the boxes'.
pub(crate) struct Premises<'a> {
    roster: &'a Roster,
    plot: &'a Plot,
    households: u32,
}

impl<'a> Premises<'a> {
    pub(crate) fn new(roster: &'a Roster, plot: &'a Plot) -> Self {
        Self {
            roster,
            plot,
            households: roster.people / PEOPLE_PER_HOUSEHOLD,
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.households + narrow(self.plot.boxes.len() as u64)
    }

    /// The SIM box at a premise.
    fn sim_box(&self, premise: u32) -> Option<usize> {
        premise.checked_sub(self.households).map(|b| b as usize)
    }

    pub(crate) fn box_code(&self, sim_box: usize) -> String {
        self.code(self.households + narrow(sim_box as u64))
    }

    fn code(&self, premise: u32) -> String {
        let mut noise = Noise::new(
            self.roster.seed,
            Tag::Premise,
            (u64::from(premise) << 1) | 1,
        );
        match self.sim_box(premise) {
            Some(_) => format!("P9{:07}", premise % 10_000_000),
            None => format!("P{:03}{premise:06}", noise.below(1_000)),
        }
    }

    fn cell(&self, premise: u32) -> u32 {
        match self.sim_box(premise) {
            Some(sim_box) => self.plot.boxes[sim_box].cell,
            None => self.roster.home_cell(premise * PEOPLE_PER_HOUSEHOLD),
        }
    }

    /// Writes both companies' tables of premises; returns the rows that are plainly invalid.
    pub(crate) fn write(&self, out_dir: &Path, form: Form) -> Result<(u64, u64), Error> {
        use Kind::{Int, Text};
        let mut power = Table::create(
            &out_dir.join("power"),
            "premises",
            form,
            &[
                ("premise", Text),
                ("address", Text),
                ("cell", Int),
                ("holder_id_number", Text),
            ],
        )?;
        let mut water = Table::create(
            &out_dir.join("water"),
            "premises",
            form,
            &[
                ("premise", Text),
                ("address", Text),
                ("holder_id_number", Text),
            ],
        )?;
        let seed = self.roster.seed;
        let is_box = |row| self.sim_box(narrow(row)).is_some();
        let bad_power = careless::invalid_rows(seed, 20, u64::from(self.count()), is_box);
        let bad_water = careless::invalid_rows(seed, 21, u64::from(self.count()), is_box);
        for premise in 0..self.count() {
            let row = u64::from(premise);
            let (code, cell) = (self.code(premise), self.cell(premise));
            let address = names::address(seed, row);
            let holder = match self.sim_box(premise) {
                Some(_) => String::new(),
                None => self.roster.id_number(premise * PEOPLE_PER_HOUSEHOLD),
            };
            let typed = |bad: &[u64], table: u64, careless: bool| {
                let mut noise = Noise::new(seed, Tag::Form, (table << 40) | row);
                if bad.binary_search(&row).is_ok() {
                    careless::no_id_number(&mut noise, &holder)
                } else if careless && !holder.is_empty() {
                    careless::id_number(&mut noise, &holder)
                } else {
                    holder.clone()
                }
            };
            // The power company's clerks are careful, as in the sample.
            let at_power = typed(&bad_power, 20, false);
            power.push(&[
                Cell::Text(&code),
                Cell::Text(&address),
                Cell::Int(cell),
                Cell::Text(&at_power),
            ])?;
            let at_water = typed(&bad_water, 21, true);
            water.push(&[
                Cell::Text(&code),
                Cell::Text(&address),
                Cell::Text(&at_water),
            ])?;
        }
        power.finish()?;
        water.finish()?;
        Ok((bad_power.len() as u64, bad_water.len() as u64))
    }

    /// The premises that have readings: the boxes', and households spread evenly over the rest.
    fn metered(&self, limit: u32) -> impl Iterator<Item = u32> {
        let boxes = narrow(self.plot.boxes.len() as u64);
        let households = self.households;
        let sampled = households.min(limit.saturating_sub(boxes));
        let spread = move |i| narrow(u64::from(i) * u64::from(households) / u64::from(sampled));
        (0..sampled)
            .map(spread)
            .chain(households..households + boxes)
    }

    /// Writes both companies' readings; returns their numbers of rows.
    pub(crate) fn write_readings(
        &self,
        out_dir: &Path,
        limit: u32,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(u64, u64), Error> {
        let (metered, mut done) = (self.metered(limit).count() as u64, 0);
        let mut tick = || {
            done += 1;
            progress(Progress {
                stage: Stage::Meters,
                done,
                total: metered * 2,
            });
        };
        let power = Table::create(
            &out_dir.join("power"),
            "readings",
            Form::Parquet,
            &[
                ("premise", Kind::Text),
                ("at", Kind::Instant),
                ("kwh", Kind::Real),
            ],
        )?;
        let power = self.readings(power, limit, Tag::Power, &mut tick)?;
        let water = Table::create(
            &out_dir.join("water"),
            "readings",
            Form::Parquet,
            &[
                ("premise", Kind::Text),
                ("at", Kind::Instant),
                ("litres", Kind::Real),
            ],
        )?;
        let water = self.readings(water, limit, Tag::Water, &mut tick)?;
        Ok((power, water))
    }

    fn readings(
        &self,
        mut table: Table,
        limit: u32,
        what: Tag,
        tick: &mut dyn FnMut(),
    ) -> Result<u64, Error> {
        let (first_day, days, hours, decimals) = if what == Tag::Power {
            (POWER_START_DAY, POWER_DAYS, POWER_HOURS, 1_000.0)
        } else {
            (WATER_START_DAY, WATER_DAYS, WATER_HOURS, 10.0)
        };
        for premise in self.metered(limit) {
            let code = self.code(premise);
            let mut noise = Noise::new(self.roster.seed, what, u64::from(premise));
            let size = 0.5 + noise.heavy().min(6.0) / 2.0;
            for day in first_day..first_day + days {
                for (at_s, profile) in (day * DAY_S..).step_by(3_600).zip(hours) {
                    let drawn = match (self.sim_box(premise), what) {
                        (Some(_), Tag::Power) => 1.18 + 0.04 * noise.unit(),
                        (Some(_), _) => 0.0,
                        (None, _) => profile * size * (0.4 + 1.2 * noise.unit()),
                    };
                    // Divided last, so that the printed decimals are the nearest number's.
                    let value = whole(drawn * decimals) as f64 / decimals;
                    table.push(&[Cell::Text(&code), Cell::Instant(at_s), Cell::Real(value)])?;
                }
            }
            tick();
        }
        debug_assert_eq!(HOUR_S, 3_600, "readings are hourly");
        table.finish()
    }
}
