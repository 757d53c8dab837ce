//! Arrays as the source has them, to canonical values.
//!
//! Why it exists: an account is text in one bank's CSV, a 64-bit integer in
//! another's Parquet and a float in a third's, because a spreadsheet or a data frame
//! touched it. All three must give the same bytes, and a float that has lost digits
//! must be refused, not guessed.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimeUnit};
use primitives::semantic::{Normal, Reason, Reject, Semantic};

use crate::error::{DataError, Rule};
use crate::spec::ColumnSpec;
use crate::value::Value;

/// The largest integer below which an `f64` has not lost a digit.
const EXACT_F64: f64 = 9_007_199_254_740_992.0;

/// The canonical values of one column of a batch; a value that is none gives its
/// reason in place.
pub(crate) fn column(
    array: &ArrayRef,
    spec: &ColumnSpec,
) -> Result<Vec<Result<Value, Reason>>, DataError> {
    let values = match (array.data_type(), spec.semantic) {
        (DataType::Timestamp(unit, zone), Semantic::Timestamp) => {
            let offset_min = if zone.is_none() {
                spec.utc_offset_min
            } else {
                0
            };
            instants(array, *unit, offset_min)
        }
        (DataType::Date32, Semantic::Date) => integers(array, spec.semantic),
        (kind, Semantic::Integer) if is_small_integer(kind) => integers(array, spec.semantic),
        (DataType::Float64, semantic) => {
            let floats = array.as_primitive::<Float64Type>();
            floats
                .iter()
                .map(|v| v.map_or(Ok(Value::Null), |v| float(v, semantic)))
                .collect()
        }
        (DataType::Float32, semantic) => {
            let floats = array.as_primitive::<Float32Type>();
            // The shortest text of the 32-bit number is what was meant by it.
            let widen = |v: f32| v.to_string().parse::<f64>().unwrap_or(f64::NAN);
            floats
                .iter()
                .map(|v| v.map_or(Ok(Value::Null), |v| float(widen(v), semantic)))
                .collect()
        }
        (kind, _) if is_textual(kind) => texts(array, spec)?,
        _ => return Err(kind_refused(spec)),
    };
    Ok(if spec.required {
        values.into_iter().map(require).collect()
    } else {
        values
    })
}

fn require(value: Result<Value, Reason>) -> Result<Value, Reason> {
    match value {
        Ok(Value::Null) => Err(Reason::Empty),
        value => value,
    }
}

fn kind_refused(spec: &ColumnSpec) -> DataError {
    DataError::refusal(
        Rule::ColumnKind,
        format!("column {} as {}", spec.name, spec.semantic),
    )
}

const fn is_small_integer(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
    )
}

/// Whether the type has one plain text form that the normaliser can read.
fn is_textual(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::UInt64
        | DataType::Boolean
        | DataType::Null
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => true,
        DataType::Dictionary(_, values) => is_textual(values),
        kind => is_small_integer(kind),
    }
}

fn texts(array: &ArrayRef, spec: &ColumnSpec) -> Result<Vec<Result<Value, Reason>>, DataError> {
    let text = cast(array, &DataType::Utf8).map_err(|_| kind_refused(spec))?;
    let parse = |raw: &str| match spec.semantic.parse_in_zone(raw, spec.utc_offset_min) {
        Ok(Normal::Text(text)) => Ok(Value::Text(text)),
        Ok(Normal::Int(value)) => Ok(Value::Int(value)),
        Err(Reject {
            reason: Reason::Empty,
            ..
        }) => Ok(Value::Null),
        Err(reject) => Err(reject.reason),
    };
    Ok(text
        .as_string::<i32>()
        .iter()
        .map(|raw| raw.map_or(Ok(Value::Null), parse))
        .collect())
}

fn integers(array: &ArrayRef, semantic: Semantic) -> Vec<Result<Value, Reason>> {
    // Every type that comes here fits 64 bits, so the casts lose nothing.
    let plain = match array.data_type() {
        DataType::Date32 => cast(array, &DataType::Int32),
        _ => Ok(Arc::clone(array)),
    };
    let Ok(wide) = plain.and_then(|plain| cast(&plain, &DataType::Int64)) else {
        return vec![Err(Reason::Kind); array.len()];
    };
    let check = |v: i64| semantic.check_int(v).map(Value::Int).map_err(|r| r.reason);
    wide.as_primitive::<Int64Type>()
        .iter()
        .map(|v| v.map_or(Ok(Value::Null), check))
        .collect()
}

fn instants(array: &ArrayRef, unit: TimeUnit, offset_min: i16) -> Vec<Result<Value, Reason>> {
    let Ok(wide) = cast(array, &DataType::Int64) else {
        return vec![Err(Reason::Kind); array.len()];
    };
    let to_ms = |v: i64| {
        let ms = match unit {
            TimeUnit::Second => v.checked_mul(1000),
            TimeUnit::Millisecond => Some(v),
            TimeUnit::Microsecond => Some(v.div_euclid(1000)),
            TimeUnit::Nanosecond => Some(v.div_euclid(1_000_000)),
        };
        let ms = ms.and_then(|ms| ms.checked_sub(i64::from(offset_min) * 60_000));
        let ms = ms.ok_or(Reason::Calendar)?;
        Semantic::Timestamp
            .check_int(ms)
            .map(Value::Int)
            .map_err(|r| r.reason)
    };
    wide.as_primitive::<Int64Type>()
        .iter()
        .map(|v| v.map_or(Ok(Value::Null), to_ms))
        .collect()
}

/// A float read as anything but a measurement must be a whole number that has lost
/// no digit, or an amount whose text has at most two decimals.
fn float(value: f64, semantic: Semantic) -> Result<Value, Reason> {
    if value.is_nan() {
        return Ok(Value::Null); // what data frames write for an absent number
    }
    let text = match semantic {
        Semantic::Real => {
            return semantic
                .from_f64(value)
                .map(Value::Int)
                .map_err(|r| r.reason);
        }
        Semantic::Money if value.abs() < EXACT_F64 / 128.0 => value.to_string(),
        Semantic::Phone | Semantic::ResidentId | Semantic::Account | Semantic::Integer
            if value.fract() == 0.0 && value.abs() < EXACT_F64 =>
        {
            format!("{value:.0}")
        }
        Semantic::Phone | Semantic::ResidentId | Semantic::Account | Semantic::Money => {
            return Err(Reason::Rounded);
        }
        Semantic::Integer => return Err(Reason::Precision),
        Semantic::Text => value.to_string(),
        _ => return Err(Reason::Kind),
    };
    match semantic.parse(&text).map_err(|r| r.reason)? {
        Normal::Text(text) => Ok(Value::Text(text)),
        Normal::Int(value) => Ok(Value::Int(value)),
    }
}
