//! The log's filter, which the engineer may change while the node runs.
//!
//! The program that owns the log gives a way to set it; the node knows no more.

use std::sync::{Arc, Mutex};

use crate::{
    api::types::LogView,
    core::lock,
    error::{Error, Result},
};

/// Bytes of a filter.
const FILTER_BYTES_MAX: usize = 2_048;

type Set = dyn Fn(&str) -> std::result::Result<(), String> + Send + Sync;

/// The log's filter.
#[derive(Clone)]
pub struct LogFilter {
    default: String,
    now: Arc<Mutex<String>>,
    set: Arc<Set>,
}

impl LogFilter {
    /// A filter in force, and how to put another in its place; `set` says what is
    /// wrong with one that is none.
    pub fn new(
        filter: impl Into<String>,
        set: impl Fn(&str) -> std::result::Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let default = filter.into();
        Self {
            now: Arc::new(Mutex::new(default.clone())),
            default,
            set: Arc::new(set),
        }
    }

    /// The filter in force.
    #[must_use]
    pub fn view(&self) -> LogView {
        LogView {
            filter: lock(&self.now).clone(),
            default: self.default.clone(),
        }
    }

    /// Puts another filter in force, until the node is started again.
    ///
    /// # Errors
    /// A refusal where it is none.
    pub fn set(&self, filter: &str) -> Result<LogView> {
        let filter = filter.trim();
        if filter.is_empty() || filter.len() > FILTER_BYTES_MAX {
            let detail = format!("a filter has 1 to {FILTER_BYTES_MAX} bytes");
            return Err(Error::refused("format", detail));
        }
        let mut now = lock(&self.now);
        (self.set)(filter).map_err(|wrong| Error::refused("format", wrong))?;
        filter.clone_into(&mut now);
        drop(now);
        Ok(self.view())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_leaves_the_old_one() {
        let filter = LogFilter::new("info", |text| {
            if text == "bad" {
                Err("no filter".into())
            } else {
                Ok(())
            }
        });
        assert_eq!(filter.set("bad").unwrap_err().rule(), "format");
        assert_eq!(filter.set(" ").unwrap_err().rule(), "format");
        assert_eq!(filter.view().filter, "info");
        assert_eq!(filter.set("debug").unwrap().filter, "debug");
        assert_eq!(filter.view().default, "info");
    }
}
