//! The city's month: dates and instants without a time zone but UTC.

/// 2018-11-11, the first day of calls and transfers, in days since 1970-01-01.
pub(crate) const START_DAY: i64 = 17_846;
/// Days of calls and transfers.
pub(crate) const DAYS: i64 = 30;
/// 2018-10-28, the first day of power readings.
pub(crate) const POWER_START_DAY: i64 = 17_832;
/// Days of power readings.
pub(crate) const POWER_DAYS: i64 = 49;
/// 2018-11-06, the first day of water readings.
pub(crate) const WATER_START_DAY: i64 = 17_841;
/// Days of water readings.
pub(crate) const WATER_DAYS: i64 = 21;

pub(crate) const DAY_S: i64 = 86_400;
pub(crate) const HOUR_S: i64 = 3_600;
pub(crate) const MINUTE_S: i64 = 60;

/// Year, month and day of a day number (Hinnant's `civil_from_days`).
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_month)
}

/// `2018-11-11`.
pub(crate) fn date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2018-11-11T09:42:07Z` of seconds since 1970.
pub(crate) fn instant(at_s: i64) -> String {
    let (day, second) = (at_s.div_euclid(DAY_S), at_s.rem_euclid(DAY_S));
    format!(
        "{}T{:02}:{:02}:{:02}Z",
        date(day),
        second / HOUR_S,
        second / MINUTE_S % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(date(START_DAY), "2018-11-11");
        assert_eq!(date(POWER_START_DAY), "2018-10-28");
        assert_eq!(date(WATER_START_DAY), "2018-11-06");
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(instant(START_DAY * DAY_S + 34_927), "2018-11-11T09:42:07Z");
    }
}
