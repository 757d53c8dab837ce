//! Long work that an officer watches and may cancel.

use std::{collections::BTreeMap, sync::Mutex};

use crate::{api::types::JobView, core::lock, error::Error};

/// Jobs remembered; the oldest that has ended is forgotten first.
const JOBS_MAX: usize = 1_000;

/// The jobs of a node since it started.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<BTreeMap<u64, (JobView, data::Cancel)>>);

impl Jobs {
    /// Begins a job.
    pub(crate) fn begin(&self, doing: &str) -> (String, data::Cancel) {
        let mut jobs = lock(&self.0);
        let id = jobs.last_key_value().map_or(1, |(id, _)| id + 1);
        if jobs.len() >= JOBS_MAX {
            let ended = jobs
                .iter()
                .find(|(_, (view, _))| view.phase != "running")
                .map(|(id, _)| *id);
            if let Some(ended) = ended {
                jobs.remove(&ended);
            }
        }
        let cancel = data::Cancel::default();
        let view = JobView {
            job: id.to_string(),
            phase: "running".into(),
            progress: 0.0,
            doing: doing.into(),
            record: None,
            rejected: Vec::new(),
            rejected_total: 0,
            rows: 0,
            error: None,
        };
        jobs.insert(id, (view, cancel.clone()));
        (id.to_string(), cancel)
    }

    /// Changes a job's view.
    pub(crate) fn update(&self, job: &str, change: impl FnOnce(&mut JobView)) {
        if let Ok(id) = job.parse()
            && let Some((view, _)) = lock(&self.0).get_mut(&id)
        {
            change(view);
        }
    }

    /// Ends a job that failed.
    pub(crate) fn fail(&self, job: &str, error: &Error) {
        let cancelled = error.rule() == "cancelled";
        self.update(job, |view| {
            view.phase = if cancelled { "cancelled" } else { "failed" }.into();
            view.error = Some(crate::api::view_error(error));
        });
    }

    /// A job's view.
    pub(crate) fn view(&self, job: &str) -> Option<JobView> {
        let id = job.parse().ok()?;
        lock(&self.0).get(&id).map(|(view, _)| view.clone())
    }

    /// Asks a job to stop.
    pub(crate) fn cancel(&self, job: &str) -> bool {
        let Ok(id) = job.parse() else {
            return false;
        };
        lock(&self.0).get(&id).is_some_and(|(view, cancel)| {
            cancel.cancel();
            view.phase == "running"
        })
    }
}
