//! One execution of a target, held to its limits.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{probe::peak_bytes, targets::Target};

/// The longest that one execution may take, of the process's own time: the machine may be
/// busy with something else.
pub const TIME_MAX: Duration = Duration::from_secs(1);

/// What went wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The check panicked, with this message.
    Panic(String),
    /// It took this long.
    Slow(Duration),
    /// It held so many bytes at once.
    Memory(usize),
}

/// Runs a target on one input.
///
/// # Errors
/// What went wrong. Memory is counted where [`crate::MEMORY`] is the process's allocator
/// and nothing else allocates beside it.
pub fn execute(target: &Target, input: &[u8]) -> Result<(), Finding> {
    if once(target, input)? <= TIME_MAX {
        return Ok(());
    }
    // Once more: what is made once and kept is there by now, and only what this process
    // works counts.
    let before = processor_time();
    let took = once(target, input)?;
    let worked = processor_time().zip(before);
    let took = worked.map_or(took, |(after, before)| {
        took.min(after.saturating_sub(before))
    });
    if took > TIME_MAX {
        return Err(Finding::Slow(took));
    }
    Ok(())
}

/// The processor time that this process has taken, to a hundredth of a second, where the
/// system tells.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The process's name stands in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

fn once(target: &Target, input: &[u8]) -> Result<Duration, Finding> {
    let start = Instant::now();
    let mut outcome = Ok(());
    let peak = peak_bytes(|| {
        outcome = catch_unwind(AssertUnwindSafe(|| (target.check)(input)));
    });
    let took = start.elapsed();
    if let Err(panic) = outcome {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        return Err(Finding::Panic(text.unwrap_or("a panic").to_owned()));
    }
    if peak > target.memory_bytes_max(input.len()) {
        return Err(Finding::Memory(peak));
    }
    Ok(took)
}
