//! Durations, moments and money as people type them.

use ::node::api::types::SceneView;
use primitives::semantic::{DAY_MS, Normal, Semantic};

/// `90s`, `30m`, `24h`, `7d` in milliseconds.
///
/// # Errors
/// What a duration looks like, where the text is none.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || "a duration is a number with s, m, h or d: 90s, 30m, 24h, 7d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// `2018-11-11` (its first moment, UTC) or `2018-11-11T08:00:00Z` in
/// milliseconds since 1970.
///
/// # Errors
/// What a moment looks like, where the text is none.
pub fn moment_ms(text: &str) -> Result<u64, String> {
    let wrong = || "a moment is 2018-11-11 or 2018-11-11T08:00:00Z (UTC)".to_owned();
    let ms = match Semantic::Date.parse(text) {
        Ok(Normal::Int(day)) => day.checked_mul(DAY_MS),
        _ => match Semantic::Timestamp.parse(text) {
            Ok(Normal::Int(ms)) => Some(ms),
            _ => None,
        },
    };
    ms.and_then(|ms| u64::try_from(ms).ok()).ok_or_else(wrong)
}

/// A scene: a cell, or `*`, at a time.
///
/// # Errors
/// How a scene is written.
pub fn scene(text: &str) -> Result<SceneView, String> {
    let wrong = || {
        "a scene is CELL@FROM/TO or *@FROM/TO, for example 11@2018-11-12T08:00:00Z/2018-11-12T09:00:00Z"
            .to_owned()
    };
    let (cell, times) = text.split_once('@').ok_or_else(wrong)?;
    let (from, to) = times.split_once('/').ok_or_else(wrong)?;
    let cell = match cell {
        "*" => None,
        number => Some(number.parse().map_err(|_| wrong())?),
    };
    let (from_ms, to_ms) = (moment_ms(from)?, moment_ms(to)?);
    if from_ms >= to_ms {
        return Err("a scene ends after it begins".to_owned());
    }
    Ok(SceneView {
        cell,
        from_ms,
        to_ms,
    })
}

/// A number with a name: `least=2`.
///
/// # Errors
/// How it is written.
pub fn term(text: &str) -> Result<(String, i64), String> {
    let wrong = || "a number with its name is NAME=NUMBER, for example least=2".to_owned();
    let (name, number) = text.split_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), number.parse().map_err(|_| wrong())?))
}

/// Yuan with at most two decimals, in fen.
///
/// # Errors
/// What an amount looks like, where the text is none.
pub fn fen(text: &str) -> Result<i64, String> {
    match Semantic::Money.parse(text) {
        Ok(Normal::Int(fen)) if fen >= 0 => Ok(fen),
        _ => Err("an amount is yuan with at most two decimals: 5000 or 5000.50".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_type_durations_moments_and_money() {
        assert_eq!(duration_ms("24h"), Ok(86_400_000));
        assert_eq!(duration_ms("7d"), Ok(604_800_000));
        assert_eq!(moment_ms("2018-11-11"), Ok(1_541_894_400_000));
        assert_eq!(moment_ms("2018-11-11T08:00:00Z"), Ok(1_541_923_200_000));
        assert_eq!(fen("5000.50"), Ok(500_050));
        for bad in ["", "h", "5", "5y", "-5h", "99999999999999999999d", "日"] {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
        for bad in ["", "yesterday", "1066-10-14", "2018-13-01"] {
            assert!(moment_ms(bad).is_err(), "{bad}");
        }
        for bad in ["", "-1", "1.234", "x"] {
            assert!(fen(bad).is_err(), "{bad}");
        }
    }
}
