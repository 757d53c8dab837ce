//! Custodians' tables: published and snapshotted by their nodes.

use std::{collections::BTreeSet, path::Path};

use docket::{State, Statement};
use node::{api::types::Publish, tables};
use primitives::Digest;

use super::{Office, statement};
use crate::world::lock;

impl Office {
    /// Publishes and snapshots every custodian's table.
    pub(crate) async fn publish(&self) -> Option<()> {
        let mut counts = [0, 0];
        for n in self.world.custodians() {
            let is_telecom = self.world.members[n].id.as_str().starts_with("telecom");
            let number = &mut counts[usize::from(is_telecom)];
            let house = self.world.house(n);
            let written = self.world.people.write(&house, is_telecom, *number);
            let (dataset, path) = written.expect("a scratch file");
            let place = (is_telecom, *number);
            *number += 1;
            if self.is_absent(n) {
                continue;
            }
            self.publish_one(n, dataset, &path).await?;
            lock(&self.published).insert(place);
        }
        Some(())
    }

    /// Publishes and snapshots a member's table.
    pub(crate) async fn publish_one(
        &self,
        n: usize,
        dataset: &'static str,
        path: &Path,
    ) -> Option<()> {
        let me = &self.world.members[n].id;
        let taken = |_: &State| {
            let core = self.world.core(n)?;
            let index = core.read_index();
            // Who dies before its description is kept publishes again.
            let mine: BTreeSet<Digest> = index
                .all()
                .iter()
                .filter(|known| known.record.header.institution == *me)
                .filter(|known| {
                    let published = statement(known);
                    matches!(published, Statement::DatasetPublished(it) if it.dataset == dataset)
                })
                .map(|known| known.record.digest)
                .collect();
            let taken = index.all().iter().any(|known| {
                let taken = statement(known);
                matches!(taken, Statement::SnapshotCommitted(it) if mine.contains(&it.dataset))
            });
            taken.then_some(())
        };
        let attempt = async || self.snapshot(n, dataset, path.display().to_string()).await;
        self.persist(n, "snapshot", taken, attempt).await
    }

    async fn snapshot(
        &self,
        n: usize,
        dataset: &'static str,
        source: String,
    ) -> Result<(), String> {
        let begun = self.world.at(n, move |core| async move {
            match tables::begin_snapshot(&core, dataset) {
                Ok(_) => Ok(None),
                // Not published yet, or killed before its description was kept.
                Err(error) if matches!(error.rule(), "dataset-unknown" | "dataset-spec") => {
                    let publish = Publish {
                        dataset: dataset.into(),
                        source,
                        source_table: None,
                        table: None,
                        spec: None,
                    };
                    let spec = tables::specification(&core, &publish)?;
                    tables::publish(&core, spec).await.map(Some)
                }
                Err(error) => Err(error),
            }
        });
        match begun.await {
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(indexed))) => self.remember(Some(Ok(indexed))).map(|_| ()),
            Some(Err(error)) => Err(error.rule().to_owned()),
            None => Err("no-answer".into()),
        }
    }
}
