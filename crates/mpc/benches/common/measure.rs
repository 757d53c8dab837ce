//! What every bench of the room measures with: time of the processor, memory, the
//! moment at which three parties begin, and a line of figures.
//!
//! Why it exists: two benches that measure differently can't be compared.
#![allow(dead_code, reason = "each bench uses a part")]

use std::{
    fmt::Write as _,
    sync::{Barrier, Mutex},
    time::Instant,
};

use mpc::{
    Error,
    shares::{Cost, Party},
};

/// CPU seconds of this process, all threads.
pub(crate) fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // utime and stime, in ticks of 10 ms.
    (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / 100.0
}

/// CPU seconds of this thread, to the nanosecond that the kernel keeps.
pub(crate) fn thread_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next();
    nanoseconds.and_then(|n| n.parse().ok()).unwrap_or(0.0) / 1e9
}

/// Peak resident memory in bytes, since the last [`reset_peak`].
pub(crate) fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib: Option<u64> = line
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|kib| kib.parse().ok());
    kib.unwrap_or(0) * 1024
}

/// Begins a new peak of memory.
pub(crate) fn reset_peak() {
    // Not there outside Linux; the peak then covers the whole process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}

/// CPU time of the one thread that all parties run on, by phase.
#[derive(Default)]
pub(crate) struct Clock {
    phases: Vec<(&'static str, f64)>,
}

impl Clock {
    /// Does some work as part of a phase.
    pub(crate) fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let before = thread_cpu();
        let result = work();
        let spent = thread_cpu() - before;
        match self.phases.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += spent,
            None => self.phases.push((name, spent)),
        }
        result
    }

    /// CPU seconds of all phases.
    pub(crate) fn total(&self) -> f64 {
        self.phases.iter().map(|(_, cpu)| cpu).sum()
    }

    /// Shows the phases.
    pub(crate) fn show(&self) {
        for (name, cpu) in &self.phases {
            eprintln!("{name:>24} {:8.1} ms", cpu * 1e3);
        }
    }
}

/// When an operation of three parties itself began and ended: inputs are shared before
/// it, and what was had for them is given back after it.
pub(crate) struct Start {
    barrier: Barrier,
    at: Mutex<Option<(f64, Instant)>>,
    spent: Mutex<(f64, f64)>,
}

impl Start {
    /// For three parties that are still to be started.
    pub(crate) fn new() -> Self {
        Self {
            barrier: Barrier::new(3),
            at: Mutex::new(None),
            spent: Mutex::default(),
        }
    }

    /// Waits for the other two, and begins; gives the party's cost until now.
    pub(crate) fn begin(&self, party: &mut Party<'_>) -> Result<Cost, Error> {
        party.verify()?;
        if self.barrier.wait().is_leader() {
            *self.at.lock().unwrap() = Some((cpu_s(), Instant::now()));
        }
        self.barrier.wait();
        Ok(party.cost())
    }

    /// Waits for the other two, and ends.
    pub(crate) fn end(&self) {
        if self.barrier.wait().is_leader() {
            let (cpu, wall) = self.at.lock().unwrap().unwrap();
            *self.spent.lock().unwrap() = (cpu_s() - cpu, wall.elapsed().as_secs_f64());
        }
        self.barrier.wait();
    }

    /// CPU seconds of all three and wall seconds from beginning to end.
    pub(crate) fn spent(&self) -> (f64, f64) {
        *self.spent.lock().unwrap()
    }
}

/// One line of figures, in the order they were noted.
pub(crate) struct Report(Vec<(&'static str, String)>);

impl Report {
    pub(crate) fn new(bench: &str) -> Self {
        Self(vec![("bench", format!("\"{bench}\""))])
    }

    /// A figure as it is to stand in JSON.
    pub(crate) fn note(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.0.push((name, value.to_string()));
        self
    }

    /// A figure with three digits after the point; `null` where there is none, such as
    /// a ratio to a time that was too short to be measured.
    pub(crate) fn figure(self, name: &'static str, value: f64) -> Self {
        if value.is_finite() {
            self.note(name, format!("{value:.3}"))
        } else {
            self.note(name, "null")
        }
    }

    /// Prints it.
    pub(crate) fn print(self, json: bool) {
        let mut line = String::new();
        for (index, (name, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            if json {
                write!(line, "{separator}\"{name}\": {value}").unwrap();
            } else {
                write!(line, "{separator}{name} {}", value.trim_matches('"')).unwrap();
            }
        }
        println!("{}", if json { format!("{{{line}}}") } else { line });
    }
}
