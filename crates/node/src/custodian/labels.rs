//! The labels of a lookup: the rows of each key that the plan's step opens, and
//! the selectors that its rule derives from them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use docket::{
    Plan,
    plan::{Cell, Source, Step},
};
use mpc::lookup::{Derivation, Label, TableParams};
use primitives::{Digest, cbor};

use crate::{
    core::Core,
    error::{Error, Result},
};

/// The rows of one key, and what they derive.
type Gathered = (Vec<Vec<u8>>, BTreeSet<Derivation>);

/// Where a lookup's labels come from: the custodian's own snapshot.
#[derive(Clone)]
pub(super) struct Labels {
    pub(super) core: Arc<Core>,
    pub(super) plan: Plan,
    pub(super) step: Step,
    pub(super) number: u8,
    pub(super) snapshot: Digest,
    pub(super) params: TableParams,
}

impl Labels {
    /// The label of each input, in order; one without rows gets an empty one.
    pub(super) async fn of(&self, inputs: Vec<Vec<u8>>) -> Result<Vec<Label>> {
        let snapshot = self.core.snapshot(&self.snapshot)?;
        let shift = 64 - u32::from(self.params.bucket_bits());
        let ranges: Vec<_> = inputs
            .iter()
            .map(|input| self.params.bucket_of(input))
            .collect::<BTreeSet<u32>>()
            .into_iter()
            .map(|bucket| {
                if shift == 64 {
                    return 0..=u64::MAX;
                }
                let first = u64::from(bucket) << shift;
                first..=first | ((1u64 << shift) - 1)
            })
            .collect();
        let timed = snapshot.spec().time.is_some();
        let window = &self.plan.window;
        let bound = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let filter = data::RowFilter {
            window_ms: timed.then(|| bound(window.from_ms)..bound(window.to_ms)),
            min_amount_minor: self.step.min_amount_minor,
        };
        let mut stream = snapshot
            .rows(&self.step.key, &ranges, &filter, &self.step.columns)
            .await?;
        let mut by_input: HashMap<Vec<u8>, Gathered> = HashMap::new();
        while let Some(row) = stream.next().await? {
            let cells: Vec<Cell> = row.values.iter().map(cell).collect();
            let mut derived = self.derive(&cells)?;
            derived.retain(|next| next.input != row.input);
            let (rows, known) = by_input.entry(row.input).or_default();
            rows.push(cbor::encode(&cells)?);
            known.extend(derived);
        }
        Ok(inputs
            .iter()
            .map(|input| {
                let (rows, derived) = by_input.remove(input).unwrap_or_default();
                Label {
                    rows,
                    derived: derived.into_iter().collect(),
                }
            })
            .collect())
    }

    fn derive(&self, cells: &[Cell]) -> Result<Vec<Derivation>> {
        if self.step.derive.is_empty() {
            return Ok(Vec::new());
        }
        let selectors = query::derive(&self.step, cells);
        let mut derived = Vec::new();
        for (number, step) in self.plan.steps.iter().enumerate() {
            if !step.sources.contains(&Source::Step(self.number)) {
                continue;
            }
            let to_step = u16::try_from(number)
                .map_err(|_| Error::refused("plan-mismatch", "too many steps"))?;
            derived.extend(selectors.iter().map(|selector| Derivation {
                to_step,
                input: selector.to_input(),
            }));
        }
        Ok(derived)
    }
}

fn cell(value: &data::Value) -> Cell {
    match value {
        data::Value::Null => Cell::Null,
        data::Value::Int(number) => Cell::Int(*number),
        data::Value::Text(text) => Cell::Text(text.clone()),
    }
}
