//! A custodian's own tables: what was published, its snapshots with what they
//! rejected, and a source as it would be published.
//!
//! *Invariants*: counts and reasons, never a value; a database's password is
//! nowhere in it.

use std::collections::BTreeMap;

use docket::{State, statement::SnapshotCommitted};
use primitives::{Digest, semantic::Semantic};

use crate::{
    api::types::{
        ColumnView, DatasetPreview, DatasetView, PreviewColumn, PreviewKey, RejectedCount,
        RejectedView, SnapshotDetail, SnapshotKeyView, SnapshotView, SourcePlace,
    },
    core::{Core, Index},
    error::{Error, Result},
    store::Shelf,
    tables,
};

fn columns(columns: &[docket::statement::Column]) -> Vec<ColumnView> {
    columns
        .iter()
        .map(|column| ColumnView {
            name: column.name.clone(),
            semantic: column.semantic.clone(),
            disclosure: column.disclosure.clone(),
        })
        .collect()
}

/// The tables that this institution published, the latest of each name first.
///
/// # Errors
/// Trouble where the disk fails.
pub(crate) fn datasets(core: &Core) -> Result<Vec<DatasetView>> {
    let state = core.state();
    let index = core.read_index();
    let mut snapshots: BTreeMap<Digest, Vec<SnapshotView>> = BTreeMap::new();
    for indexed in index.all().iter().rev() {
        let header = &indexed.record.header;
        if let docket::Statement::SnapshotCommitted(statement) = &header.statement
            && header.institution == core.me
        {
            let digest = indexed.record.digest;
            let view = snapshot_view(core, &state, &index, &digest, statement)?;
            snapshots.entry(statement.dataset).or_default().push(view);
        }
    }
    let mut all = Vec::new();
    for (digest, dataset) in state.datasets() {
        let Some(indexed) = index.get(digest).filter(|_| dataset.institution == core.me) else {
            continue;
        };
        let source = source_place(core, digest)?;
        let view = DatasetView {
            dataset: dataset.entry.dataset.clone(),
            table: dataset.entry.table.clone(),
            record: digest.to_string(),
            published_ms: indexed.time_ms,
            replaced: false,
            columns: columns(&dataset.entry.columns),
            keys: dataset.entry.keys.clone(),
            source,
            snapshots: snapshots.remove(digest).unwrap_or_default(),
        };
        all.push((indexed.index, view));
    }
    all.sort_by_key(|(index, view)| (view.dataset.clone(), std::cmp::Reverse(*index)));
    let mut views: Vec<DatasetView> = all.into_iter().map(|(_, view)| view).collect();
    for place in 1..views.len() {
        views[place].replaced = views[place].dataset == views[place - 1].dataset;
    }
    Ok(views)
}

fn source_place(core: &Core, dataset: &Digest) -> Result<Option<SourcePlace>> {
    let Some(text) = core.store.get::<String>(Shelf::Datasets, &dataset.0)? else {
        return Ok(None);
    };
    let spec: data::DatasetSpec =
        toml::from_str(&text).map_err(|error| Error::broken("dataset-spec", error))?;
    let place = |method: &str, place: String| SourcePlace {
        method: method.into(),
        place,
    };
    Ok(match &spec.source {
        data::Source::Csv { path } => Some(place("csv", path.display().to_string())),
        data::Source::Parquet { path } => Some(place("parquet", path.display().to_string())),
        data::Source::Postgres { table, .. } => Some(place("postgres", table.clone())),
        _ => None,
    })
}

fn snapshot_view(
    core: &Core,
    state: &State,
    index: &Index,
    record: &Digest,
    statement: &SnapshotCommitted,
) -> Result<SnapshotView> {
    let indexed = index
        .get(record)
        .ok_or_else(|| Error::refused("not-found", format!("no record {record}")))?;
    let latest = state
        .dataset(&statement.dataset)
        .is_some_and(|dataset| dataset.latest == Some(*record));
    Ok(SnapshotView {
        record: record.to_string(),
        index: indexed.index,
        committed_ms: indexed.time_ms,
        extracted_ms: statement.extracted_ms,
        rows: statement.rows,
        rejected: statement.rejected,
        method: statement.method.clone(),
        root: statement.root.to_string(),
        keys: statement
            .keys
            .iter()
            .map(|key| SnapshotKeyView {
                name: key.name.clone(),
                distinct: key.distinct,
                buckets: 1u64.checked_shl(u32::from(key.bucket_bits)).unwrap_or(0),
            })
            .collect(),
        latest,
        kept: core.keeps_snapshot(record)?,
    })
}

/// A snapshot of this institution with what it rejected.
///
/// # Errors
/// A refusal where there is none here, trouble where its files are gone.
pub(crate) fn snapshot(core: &Core, record: &Digest) -> Result<SnapshotDetail> {
    let state = core.state();
    let known = state
        .snapshot(record)
        .filter(|known| known.institution == core.me)
        .ok_or_else(|| Error::refused("not-found", format!("no snapshot {record} here")))?;
    let view = snapshot_view(core, &state, &core.read_index(), record, &known.statement)?;
    let opened = core.snapshot(record)?;
    let report = opened.report();
    let rejected: Vec<RejectedView> = report
        .rejected
        .iter()
        .map(|rejected| RejectedView {
            row: rejected.row,
            column: rejected.column.clone().unwrap_or_default(),
            reason: rejected.reason.clone(),
        })
        .collect();
    let entry = state
        .dataset(&known.statement.dataset)
        .map(|dataset| columns(&dataset.entry.columns));
    Ok(SnapshotDetail {
        snapshot: view,
        columns: entry.unwrap_or_default(),
        bytes: report.bytes,
        by_reason: by_reason(&rejected),
        rejected_rows: rejected,
    })
}

fn by_reason(rejected: &[RejectedView]) -> Vec<RejectedCount> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in rejected {
        *counts.entry((&row.column, &row.reason)).or_default() += 1;
    }
    let mut all: Vec<RejectedCount> = counts
        .into_iter()
        .map(|((column, reason), rows)| RejectedCount {
            column: column.into(),
            reason: reason.into(),
            rows,
        })
        .collect();
    all.sort_by_key(|count| std::cmp::Reverse(count.rows));
    all
}

/// A source as it would be published, for a person to look over.
///
/// # Errors
/// A refusal where the specification does not fit the source, trouble where the
/// source can't be read.
pub(crate) fn preview(spec: &data::DatasetSpec) -> Result<DatasetPreview> {
    let samples = spec.sample()?;
    let columns: Vec<PreviewColumn> = spec
        .columns
        .iter()
        .map(|column| {
            let sample = samples.iter().find(|sample| sample.name == column.name);
            PreviewColumn {
                name: column.name.clone(),
                source_name: column.source_name.clone(),
                semantic: column.semantic.name().into(),
                disclosure: tables::disclosure_name(column.disclosure).into(),
                required: column.required,
                filled: sample.map_or(0, |sample| sample.filled),
                fit: sample.map_or(0, |sample| sample.fit),
            }
        })
        .collect();
    let text = toml::to_string(spec).map_err(|error| Error::broken("dataset-spec", error))?;
    let dataset = spec.name.split_once('.').map_or("", |(_, table)| table);
    Ok(DatasetPreview {
        dataset: dataset.into(),
        table: spec.kind.clone(),
        spec: text,
        columns,
        keys: spec
            .keys
            .iter()
            .map(|key| PreviewKey {
                name: key.name.clone(),
                columns: key.columns.clone(),
                period: key.period.clone(),
            })
            .collect(),
        sampled: samples
            .iter()
            .map(|sample| sample.sampled)
            .max()
            .unwrap_or(0),
        templates: query::templates_reading(&spec.kind),
        semantics: Semantic::ALL.iter().map(|s| s.name().into()).collect(),
        disclosures: [
            "open",
            "key_only",
            "aggregate_only",
            "compare_only",
            "never",
        ]
        .map(Into::into)
        .to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_rows_are_counted_by_column_and_reason() {
        let row = |row, column: &str, reason: &str| RejectedView {
            row,
            column: column.into(),
            reason: reason.into(),
        };
        let rows = [
            row(1, "phone", "too short"),
            row(2, "id_number", "check digit"),
            row(9, "phone", "too short"),
        ];
        let counts = by_reason(&rows);
        assert_eq!(counts.len(), 2);
        assert_eq!((counts[0].column.as_str(), counts[0].rows), ("phone", 2));
    }

    #[test]
    fn a_preview_counts_and_shows_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subscribers.csv");
        let rows = "phone,holder,id_number,note\n\
            13800000001,Somebody,110101199003070039,secret-word\n\
            138,Somebody else,,secret-word\n";
        std::fs::write(&path, rows).unwrap();
        let mut spec = data::DatasetSpec::guess("telecom_a.subscribers", &path).unwrap();
        spec.columns[0].semantic = Semantic::Phone;
        let view = preview(&spec).unwrap();
        assert_eq!((view.dataset.as_str(), view.sampled), ("subscribers", 2));
        let phone = &view.columns[0];
        assert_eq!((phone.filled, phone.fit), (2, 1));
        let json = serde_json::to_string(&view).unwrap();
        assert!(!json.contains("secret-word") && !json.contains("13800000001"));
        let again: data::DatasetSpec = toml::from_str(&view.spec).unwrap();
        assert_eq!(again, spec);
    }
}
