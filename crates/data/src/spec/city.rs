//! The tables of a city folder: one folder an institution, CSV or Parquet files with
//! the names and columns of the synthetic city.

use std::path::{Path, PathBuf};

use primitives::semantic::Semantic as S;

use super::{ColumnSpec, DatasetSpec, Disclosure, KeySpec, Source};

/// Telephone lines and their holders; keys `phone` and `id_number`.
#[must_use]
pub fn subscribers(institution: &str, source: Source) -> DatasetSpec {
    spec(institution, "subscribers", source)
        .columns([
            ColumnSpec::open("phone", S::Phone).required(),
            ColumnSpec::open("holder", S::Text),
            ColumnSpec::open("id_number", S::ResidentId),
        ])
        .keys([
            KeySpec::over("phone", &["phone"]),
            KeySpec::over("id_number", &["id_number"]),
        ])
}

/// Calls; key `party` over caller and callee.
#[must_use]
pub fn calls(institution: &str, source: Source) -> DatasetSpec {
    let mut spec = spec(institution, "calls", source)
        .columns([
            ColumnSpec::open("caller", S::Phone).required(),
            ColumnSpec::open("callee", S::Phone).required(),
            ColumnSpec::open("at", S::Timestamp).required(),
            ColumnSpec::open("duration_s", S::Integer),
            ColumnSpec::open("cell", S::Integer),
        ])
        .keys([KeySpec::over("party", &["caller", "callee"])]);
    spec.time = Some("at".to_owned());
    spec
}

/// Bank accounts and their holders; keys `account` and `id_number`.
#[must_use]
pub fn accounts(institution: &str, source: Source) -> DatasetSpec {
    spec(institution, "accounts", source)
        .columns([
            ColumnSpec::open("account", S::Account).required(),
            ColumnSpec::open("holder", S::Text),
            ColumnSpec::open("id_number", S::ResidentId),
            ColumnSpec::open("phone", S::Phone),
            ColumnSpec::open("opened", S::Date),
        ])
        .keys([
            KeySpec::over("account", &["account"]),
            KeySpec::over("id_number", &["id_number"]),
        ])
}

/// Transfers; keys `from_account`, and `from_account_day` with the transfer's day.
#[must_use]
pub fn transfers(institution: &str, source: Source) -> DatasetSpec {
    let from = |name| KeySpec::over(name, &["from_account"]);
    let mut spec = spec(institution, "transfers", source)
        .columns([
            ColumnSpec::open("from_account", S::Account).required(),
            ColumnSpec::open("from_bank", S::Institution),
            ColumnSpec::open("to_account", S::Account).required(),
            ColumnSpec::open("to_bank", S::Institution),
            ColumnSpec {
                source_name: "amount_cny".to_owned(),
                ..ColumnSpec::open("amount_fen", S::Money).required()
            },
            ColumnSpec::open("at", S::Timestamp).required(),
            ColumnSpec::open("kind", S::Text),
        ])
        .keys([from("from_account"), from("from_account_day").daily("at")]);
    spec.time = Some("at".to_owned());
    spec.amount = Some("amount_fen".to_owned());
    spec
}

/// Metered premises; keys `premise` and `holder_id_number`. Only the power company
/// knows the cell.
#[must_use]
pub fn premises(institution: &str, source: Source, with_cell: bool) -> DatasetSpec {
    let mut columns = vec![
        ColumnSpec::open("premise", S::Premise).required(),
        ColumnSpec::open("address", S::Text),
    ];
    if with_cell {
        columns.push(ColumnSpec::open("cell", S::Integer));
    }
    columns.push(ColumnSpec::open("holder_id_number", S::ResidentId));
    spec(institution, "premises", source)
        .columns(columns)
        .keys([
            KeySpec::over("premise", &["premise"]),
            KeySpec::over("holder_id_number", &["holder_id_number"]),
        ])
}

/// Meter readings of one unit (`kwh`, `litres`); key `premise_day`. The amounts are
/// for aggregates only.
#[must_use]
pub fn readings(institution: &str, source: Source, unit: &str) -> DatasetSpec {
    let mut spec = spec(institution, "readings", source)
        .columns([
            ColumnSpec::open("premise", S::Premise).required(),
            ColumnSpec::open("at", S::Timestamp).required(),
            ColumnSpec::open(unit, S::Real).disclosed(Disclosure::AggregateOnly),
        ])
        .keys([KeySpec::over("premise_day", &["premise"]).daily("at")]);
    spec.time = Some("at".to_owned());
    spec
}

/// The register of residents; key `id_number`. It is compared with and never opened.
#[must_use]
pub fn residents(institution: &str, source: Source) -> DatasetSpec {
    let closed = |name, semantic| ColumnSpec::open(name, semantic).disclosed(Disclosure::KeyOnly);
    spec(institution, "residents", source)
        .columns([
            ColumnSpec::open("id_number", S::ResidentId)
                .required()
                .disclosed(Disclosure::KeyOnly),
            closed("name", S::Text),
            closed("address", S::Text),
            closed("cell", S::Integer),
        ])
        .keys([KeySpec::over("id_number", &["id_number"])])
}

/// The tables that an institution's folder of a city holds; empty if it is not one of
/// the custodians (telecoms, banks, power, water) nor the register, which is the police's.
#[must_use]
pub fn datasets(city: &Path, institution: &str) -> Vec<DatasetSpec> {
    let folder = city.join(institution);
    let source = |table: &str| existing(&folder, table);
    let mut specs = Vec::new();
    if institution.starts_with("telecom") {
        specs.extend(source("subscribers").map(|s| subscribers(institution, s)));
        specs.extend(source("calls").map(|s| calls(institution, s)));
    } else if institution.starts_with("bank") {
        specs.extend(source("accounts").map(|s| accounts(institution, s)));
        specs.extend(source("transfers").map(|s| transfers(institution, s)));
    } else if institution == "power" || institution == "water" {
        let power = institution == "power";
        specs.extend(source("premises").map(|s| premises(institution, s, power)));
        let unit = if power { "kwh" } else { "litres" };
        specs.extend(source("readings").map(|s| readings(institution, s, unit)));
    } else if institution == "police" || institution == "registry" {
        let register = existing(&city.join("registry"), "residents");
        specs.extend(register.map(|s| residents(institution, s)));
    }
    specs
}

fn existing(folder: &Path, table: &str) -> Option<Source> {
    let files: [PathBuf; 2] = [
        folder.join(format!("{table}.parquet")),
        folder.join(format!("{table}.csv")),
    ];
    files
        .into_iter()
        .find(|path| path.is_file())
        .map(Source::file)
}

fn spec(institution: &str, kind: &str, source: Source) -> DatasetSpec {
    DatasetSpec {
        name: format!("{institution}.{kind}"),
        kind: kind.to_owned(),
        source,
        columns: Vec::new(),
        keys: Vec::new(),
        time: None,
        amount: None,
    }
}

impl DatasetSpec {
    fn columns(mut self, columns: impl IntoIterator<Item = ColumnSpec>) -> Self {
        self.columns.extend(columns);
        self
    }

    fn keys(mut self, keys: impl IntoIterator<Item = KeySpec>) -> Self {
        self.keys.extend(keys);
        self
    }
}
