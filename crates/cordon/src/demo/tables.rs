//! The custodians publish their tables and commit to their state.

use std::thread;

use node::api::types::Publish;
use primitives::InstitutionId;

use super::{network::Network, scene::Scene, stage::Stage};
use crate::{
    commands::dataset::wait_for_job,
    failure::{Failure, Result},
    stop::Stop,
};

/// What became of one table.
struct Taken {
    table: String,
    rows: u64,
    rejected: u64,
    reasons: Vec<String>,
}

/// Publishes and snapshots every custodian's tables, all custodians at once.
///
/// # Errors
/// The first failure of a custodian.
pub(crate) fn publish_all(
    scene: &Scene,
    network: &Network,
    stage: &Stage,
    stop: &Stop,
) -> Result<()> {
    let taken: Result<Vec<Vec<Taken>>> = thread::scope(|scope| {
        let threads: Vec<_> = scene
            .custodians
            .iter()
            .map(|custodian| scope.spawn(move || publish(scene, network, custodian, stop)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| {
                    Err(Failure::trouble("thread", "a thread ended before its work"))
                })
            })
            .collect()
    });
    for taken in taken?.iter().flatten() {
        let (table, rows, rejected) = (&taken.table, taken.rows, taken.rejected);
        if rejected == 0 {
            stage.say(
                &format!("{table}: {rows} rows"),
                &format!("{table}：{rows} 行"),
            );
        } else {
            let why = taken.reasons.join("; ");
            stage.say(
                &format!("{table}: {rows} rows, {rejected} rejected ({why})"),
                &format!("{table}：{rows} 行，拒收 {rejected} 行（{why}）"),
            );
        }
    }
    Ok(())
}

fn publish(
    scene: &Scene,
    network: &Network,
    custodian: &InstitutionId,
    stop: &Stop,
) -> Result<Vec<Taken>> {
    /// Rejected rows that are quoted.
    const QUOTED: usize = 2;
    let client = network.operator(custodian)?;
    let mut taken = Vec::new();
    for (name, file) in scene.tables(custodian) {
        if Scene::leaves_out(name) {
            continue;
        }
        client.publish(&Publish {
            dataset: name.into(),
            source: file.display().to_string(),
            source_table: None,
            table: None,
            spec: None,
        })?;
        let job = client.snapshot(name)?;
        let done = wait_for_job(&client, &job.job, stop, |_| ())?;
        taken.push(Taken {
            table: format!("{custodian}.{name}"),
            rows: done.rows,
            rejected: done.rejected_total,
            reasons: done
                .rejected
                .iter()
                .take(QUOTED)
                .map(|reject| format!("row {}, {}: {}", reject.row, reject.column, reject.reason))
                .collect(),
        });
    }
    Ok(taken)
}
