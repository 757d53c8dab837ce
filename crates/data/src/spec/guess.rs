//! A first description of a file, for a person to correct: names first, values second.
//!
//! *Invariants*: what is guessed validates. A guess is never used unseen by a person:
//! it decides what may leave the institution, so everything that it is unsure of is
//! text, and its disclosure is `never`.

use std::collections::HashSet;
use std::path::Path;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use primitives::semantic::Semantic;

use super::{ColumnSample, ColumnSpec, DatasetSpec, Disclosure, KeySpec, Source};
use crate::canonical;
use crate::error::{DataError, Rule};
use crate::limits::{COLUMNS_MAX, GUESS_ROWS};
use crate::source::{CsvRows, ParquetRows, RawBatch};

/// Column names that say what they hold, lower case.
const NAMES: &[(&str, &str, Semantic)] = &[
    ("phone", "phone", Semantic::Phone),
    ("mobile", "phone", Semantic::Phone),
    ("msisdn", "phone", Semantic::Phone),
    ("手机号", "phone", Semantic::Phone),
    ("电话", "phone", Semantic::Phone),
    ("caller", "caller", Semantic::Phone),
    ("主叫", "caller", Semantic::Phone),
    ("callee", "callee", Semantic::Phone),
    ("被叫", "callee", Semantic::Phone),
    ("id_number", "id_number", Semantic::ResidentId),
    ("身份证号", "id_number", Semantic::ResidentId),
    ("holder_id_number", "holder_id_number", Semantic::ResidentId),
    ("account", "account", Semantic::Account),
    ("账号", "account", Semantic::Account),
    ("卡号", "account", Semantic::Account),
    ("from_account", "from_account", Semantic::Account),
    ("to_account", "to_account", Semantic::Account),
    ("from_bank", "from_bank", Semantic::Institution),
    ("to_bank", "to_bank", Semantic::Institution),
    ("amount", "amount_fen", Semantic::Money),
    ("amount_cny", "amount_fen", Semantic::Money),
    ("金额", "amount_fen", Semantic::Money),
    ("at", "at", Semantic::Timestamp),
    ("time", "at", Semantic::Timestamp),
    ("时间", "at", Semantic::Timestamp),
    ("duration_s", "duration_s", Semantic::Integer),
    ("cell", "cell", Semantic::Integer),
    ("kind", "kind", Semantic::Text),
    ("opened", "opened", Semantic::Date),
    ("premise", "premise", Semantic::Premise),
    ("holder", "holder", Semantic::Text),
    ("name", "name", Semantic::Text),
    ("姓名", "holder", Semantic::Text),
    ("address", "address", Semantic::Text),
    ("地址", "address", Semantic::Text),
];

/// The types that values are tried for, the strictest first.
const TRIED: [Semantic; 7] = [
    Semantic::ResidentId,
    Semantic::Phone,
    Semantic::Timestamp,
    Semantic::Date,
    Semantic::Account,
    Semantic::Integer,
    Semantic::Real,
];

pub(super) fn guess(name: &str, path: &Path) -> Result<DatasetSpec, DataError> {
    let source = Source::file(path.to_owned());
    let (header, sample) = sample(&source, path)?;
    if header.len() > COLUMNS_MAX {
        let about = format!("{name}: {} columns, at most {COLUMNS_MAX}", header.len());
        return Err(DataError::refusal(Rule::SpecValid, about));
    }
    let mut columns = Vec::with_capacity(header.len());
    let mut taken = HashSet::new();
    for (i, source_name) in header.iter().enumerate() {
        let mut column = column(source_name, sample.as_ref().map(|batch| &batch.columns[i]));
        let mut number = i + 1;
        while !taken.insert(column.name.clone()) {
            column.name = format!("column_{number}");
            number += header.len();
        }
        columns.push(column);
    }
    let has = |name: &str| columns.iter().any(|c| c.name == name);
    let kind = kind(has);
    let first = |semantic| {
        columns
            .iter()
            .find(|c| c.semantic == semantic)
            .map(|c| c.name.clone())
    };
    let (time, amount) = (first(Semantic::Timestamp), first(Semantic::Money));
    let keys = keys(kind, &columns, time.as_deref());
    let mut spec = DatasetSpec {
        name: name.to_owned(),
        kind: kind.to_owned(),
        source,
        keys,
        columns,
        time,
        amount,
    };
    // A column whose values do not fit its name is closed, and no key is over it.
    spec.keys = spec.sound_keys();
    spec.validate()?;
    Ok(spec)
}

pub(super) fn samples(spec: &DatasetSpec) -> Result<Vec<ColumnSample>, DataError> {
    let (Source::Csv { path } | Source::Parquet { path }) = &spec.source else {
        return Ok(Vec::new());
    };
    let (header, batch) = sample(&spec.source, path)?;
    spec.columns
        .iter()
        .map(|column| {
            let place = header.iter().position(|name| *name == column.source_name);
            let place = place.ok_or_else(|| {
                DataError::refusal(
                    Rule::ColumnKnown,
                    format!("{}: {}", spec.name, column.source_name),
                )
            })?;
            Ok(count(
                column,
                batch.as_ref().map(|batch| &batch.columns[place]),
            ))
        })
        .collect()
}

fn count(column: &ColumnSpec, values: Option<&ArrayRef>) -> ColumnSample {
    let mut sample = ColumnSample {
        name: column.name.clone(),
        ..ColumnSample::default()
    };
    let Some(values) = values else {
        return sample;
    };
    let head = values.slice(0, values.len().min(GUESS_ROWS));
    sample.sampled = head.len() as u64;
    // A column whose physical type can't hold the meaning fits nowhere.
    let Ok(parsed) = canonical::column(&head, column) else {
        sample.filled = (head.len() - head.null_count()) as u64;
        return sample;
    };
    for value in parsed {
        match value {
            Ok(value) if value.is_null() => {}
            Ok(_) => {
                sample.filled += 1;
                sample.fit += 1;
            }
            Err(_) => sample.filled += 1,
        }
    }
    sample
}

fn sample(source: &Source, path: &Path) -> Result<(Vec<String>, Option<RawBatch>), DataError> {
    if matches!(source, Source::Parquet { .. }) {
        let mut rows = ParquetRows::open(path, None)?;
        return Ok((rows.header(), rows.next()?));
    }
    let mut rows = CsvRows::open(path, None)?;
    Ok((rows.header().to_vec(), rows.next()?))
}

fn column(source_name: &str, values: Option<&ArrayRef>) -> ColumnSpec {
    let lower = source_name.trim().to_lowercase();
    let named = NAMES.iter().find(|(name, ..)| *name == lower);
    let fits = |semantic| values.is_none_or(|values| fits(values, source_name, semantic));
    if let Some((_, name, semantic)) = named
        && fits(*semantic)
    {
        return ColumnSpec {
            source_name: source_name.to_owned(),
            ..ColumnSpec::open(name, *semantic)
        };
    }
    let semantic = values
        .and_then(|_| TRIED.into_iter().find(|s| fits(*s)))
        .unwrap_or(Semantic::Text);
    ColumnSpec {
        source_name: source_name.to_owned(),
        ..ColumnSpec::open(&safe_name(&lower), semantic).disclosed(Disclosure::Never)
    }
}

/// Whether nine in ten of the first values, and at least one, are of the type.
fn fits(values: &ArrayRef, name: &str, semantic: Semantic) -> bool {
    let head = values.slice(0, values.len().min(GUESS_ROWS));
    let spec = ColumnSpec::open(name, semantic);
    let Ok(parsed) = canonical::column(&head, &spec) else {
        return false;
    };
    let good = parsed
        .iter()
        .filter(|v| v.as_ref().is_ok_and(|v| !v.is_null()))
        .count();
    let bad = parsed.iter().filter(|v| v.is_err()).count();
    let number = matches!(semantic, Semantic::Integer | Semantic::Real);
    good > 0 && bad * 9 <= good && !(number && loses_zeros(&head))
}

/// Whether reading the values as numbers would lose leading zeros.
fn loses_zeros(values: &ArrayRef) -> bool {
    let Ok(text) = cast(values, &DataType::Utf8) else {
        return false;
    };
    let zeros = |t: &str| matches!(t.trim().as_bytes(), [b'0', b'0'..=b'9', ..]);
    text.as_string::<i32>().iter().flatten().any(zeros)
}

fn safe_name(lower: &str) -> String {
    let mut name: String = lower
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '_'
            }
        })
        .take(60)
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "c_");
    }
    name
}

fn kind(has: impl Fn(&str) -> bool) -> &'static str {
    if has("caller") && has("callee") {
        "calls"
    } else if has("from_account") && has("to_account") {
        "transfers"
    } else if has("account") {
        "accounts"
    } else if has("phone") {
        "subscribers"
    } else if has("premise") && has("at") {
        "readings"
    } else if has("premise") {
        "premises"
    } else if has("id_number") {
        "residents"
    } else {
        "table"
    }
}

fn keys(kind: &str, columns: &[ColumnSpec], time: Option<&str>) -> Vec<KeySpec> {
    let from = |name| KeySpec::over(name, &["from_account"]);
    match (kind, time) {
        ("calls", _) => vec![KeySpec::over("party", &["caller", "callee"])],
        ("transfers", Some(at)) => vec![from("from_account"), from("from_account_day").daily(at)],
        ("transfers", None) => vec![from("from_account")],
        ("readings", Some(at)) => vec![KeySpec::over("premise_day", &["premise"]).daily(at)],
        _ => columns
            .iter()
            .filter(|c| c.disclosure == Disclosure::Open)
            .filter(|c| {
                let primary = [
                    "phone",
                    "account",
                    "id_number",
                    "premise",
                    "holder_id_number",
                ];
                primary.contains(&c.name.as_str()) && !(kind == "accounts" && c.name == "phone")
            })
            .map(|c| KeySpec::over(&c.name, &[&c.name]))
            .collect(),
    }
}
