//! The steps of a demonstration as they are told and timed.

use std::{collections::BTreeMap, time::Instant};

use crate::{
    failure::Result,
    output::{Colour, Out, complain},
};

/// Tells steps and keeps their times.
pub(crate) struct Stage {
    out: Out,
    begun: Instant,
    seconds: BTreeMap<String, f64>,
}

impl Stage {
    /// A stage whose clock begins now.
    pub(crate) fn new(out: Out) -> Self {
        Self {
            out,
            begun: Instant::now(),
            seconds: BTreeMap::new(),
        }
    }

    /// Does a step: says what it is, does it, says how long it took.
    ///
    /// # Errors
    /// What the step fails with.
    pub(crate) fn step<T>(
        &mut self,
        name: &str,
        en: &str,
        zh: &str,
        work: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        let clock = format!("[{:5.1} s]", self.total());
        for text in self.out.lang().pick(en, zh) {
            self.write(&format!("{} {}", clock, self.out.paint(Colour::Bold, text)));
        }
        let begun = Instant::now();
        let result = work(self)?;
        let seconds = begun.elapsed().as_secs_f64();
        self.seconds
            .insert(name.to_owned(), (seconds * 1_000.0).round() / 1_000.0);
        self.write(
            &self
                .out
                .paint(Colour::Dim, &format!("          ({seconds:.1} s)")),
        );
        Ok(result)
    }

    /// A line about the present step.
    pub(crate) fn say(&self, en: &str, zh: &str) {
        for text in self.out.lang().pick(en, zh) {
            self.write(&format!("          {text}"));
        }
    }

    /// A line as it is.
    pub(crate) fn plain(&self, text: &str) {
        self.write(text);
    }

    /// The output below the stage, for tables and timelines.
    pub(crate) fn out(&self) -> &Out {
        &self.out
    }

    /// Seconds since the beginning.
    pub(crate) fn total(&self) -> f64 {
        (self.begun.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0
    }

    /// Seconds of each step.
    pub(crate) fn seconds(&self) -> &BTreeMap<String, f64> {
        &self.seconds
    }

    /// With `--json` the story goes to standard error: progress, not the answer.
    fn write(&self, text: &str) {
        if self.out.is_json() {
            complain(text);
        } else {
            self.out.line(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{failure::Failure, output::Lang};

    #[test]
    fn a_step_keeps_its_time_only_where_it_succeeds() {
        let mut stage = Stage::new(Out::new(true, Lang::En));
        stage.step("a", "a", "甲", |_| Ok(())).unwrap();
        stage
            .step("b", "b", "乙", |_| {
                Err::<(), _>(Failure::trouble("x", "y"))
            })
            .unwrap_err();
        assert!(stage.seconds().contains_key("a") && !stage.seconds().contains_key("b"));
    }
}
