//! `cordon city`: a synthetic city's tables, for demonstrations and benches.

use std::{path::PathBuf, time::Instant};

use ::city::{Config, MAX_PEOPLE, METERED_PREMISES, MIN_PEOPLE, Progress};
use clap::Args;
use serde_json::json;

use crate::{
    failure::Result,
    output::{Out, complain},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon city --seed 7 --people 5000 --out city7

Persons, phones and ids are invented. truth.json tells what was planted.")]
pub(crate) struct City {
    /// Decides everything that is drawn: the same seed, the same city.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Residents.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(i64::from(MIN_PEOPLE)..=i64::from(MAX_PEOPLE)))]
    people: u32,
    /// An empty or new folder.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Most premises that get hourly meter readings.
    #[arg(long, default_value_t = METERED_PREMISES)]
    metered_premises: u32,
}

impl City {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let begun = Instant::now();
        let mut config = Config::new(self.seed, self.people, &self.out);
        config.metered_premises = self.metered_premises;
        let mut teller = Teller::default();
        let truth = ::city::generate(&config, &mut |progress| teller.tell(progress))?;
        let seconds = begun.elapsed().as_secs_f64();
        let counts = &truth.counts;
        out.say(
            &format!(
                "{} people, {} calls, {} transfers in {} ({seconds:.1} s)",
                counts.people,
                counts.calls,
                counts.transfers,
                self.out.display()
            ),
            &format!(
                "{} 人、{} 次通话、{} 笔转账，位于 {}（{seconds:.1} 秒）",
                counts.people,
                counts.calls,
                counts.transfers,
                self.out.display()
            ),
        );
        out.value(
            &json!({ "out": self.out, "seed": self.seed, "counts": counts, "seconds": seconds }),
        )
    }
}

/// Says on standard error how far a city is, at most once a second and a stage.
#[derive(Default)]
struct Teller {
    last: Option<(::city::Stage, Instant)>,
}

impl Teller {
    fn tell(&mut self, progress: Progress) {
        let quiet = match self.last {
            Some((stage, at)) => stage == progress.stage && at.elapsed().as_millis() < 1_000,
            None => false,
        };
        if quiet {
            return;
        }
        self.last = Some((progress.stage, Instant::now()));
        let percent = progress.done * 100 / progress.total.max(1);
        complain(&format!("  {:<12} {percent:3} %", progress.stage.as_str()));
    }
}
