//! Long work that an officer watches and may cancel.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use crate::{
    api::types::{JobEvent, JobView},
    core::{lock, now_ms},
    error::Error,
};

/// Jobs remembered; the oldest that has ended is forgotten first.
const JOBS_MAX: usize = 1_000;

/// The jobs of a node since it started.
#[derive(Default)]
pub(crate) struct Jobs(
    Mutex<BTreeMap<u64, (JobView, data::Cancel)>>,
    Mutex<BTreeSet<u64>>,
);

impl Jobs {
    /// Begins a job.
    pub(crate) fn begin(&self, dataset: &str, doing: &str) -> (String, data::Cancel) {
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
            dataset: Some(dataset.into()),
            started_ms: now_ms(),
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
        drop(jobs);
        lock(&self.1).insert(id);
        (id.to_string(), cancel)
    }

    /// Changes a job's view.
    pub(crate) fn update(&self, job: &str, change: impl FnOnce(&mut JobView)) {
        if let Ok(id) = job.parse()
            && let Some((view, _)) = lock(&self.0).get_mut(&id)
        {
            change(view);
            lock(&self.1).insert(id);
        }
    }

    /// The jobs, the newest first.
    pub(crate) fn all(&self) -> Vec<JobView> {
        let jobs = lock(&self.0);
        jobs.values().rev().map(|(view, _)| view.clone()).collect()
    }

    /// The jobs that changed since the last call.
    pub(crate) fn take_changed(&self) -> Vec<JobEvent> {
        let changed = std::mem::take(&mut *lock(&self.1));
        let jobs = lock(&self.0);
        changed
            .into_iter()
            .filter_map(|id| jobs.get(&id))
            .map(|(view, _)| JobEvent {
                job: view.job.clone(),
                phase: view.phase.clone(),
                progress: view.progress,
                doing: view.doing.clone(),
                rows: view.rows,
            })
            .collect()
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
