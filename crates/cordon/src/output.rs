//! What a command shows: lines for people, one JSON value for programs.
//!
//! *Invariants*: with `--json`, standard output holds one JSON value and
//! nothing else; progress goes to standard error; a reader that went away (a
//! closed pipe) ends the output and is no error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// The language of plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
    /// Both, a line each.
    Both,
}

impl Lang {
    /// The text or texts of this language.
    #[must_use]
    pub(crate) fn pick<'a>(self, en: &'a str, zh: &'a str) -> Vec<&'a str> {
        match self {
            Self::En => vec![en],
            Self::Zh => vec![zh],
            Self::Both if en == zh => vec![en],
            Self::Both => vec![en, zh],
        }
    }
}

/// Where a command's output goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
    lang: Lang,
    colour: bool,
}

/// A colour of the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    /// What went well.
    Green,
    /// What was refused.
    Red,
    /// What waits.
    Yellow,
    /// What matters less.
    Dim,
    /// What matters more.
    Bold,
}

impl Out {
    /// Output in one form and language; colours only on a terminal.
    #[must_use]
    pub(crate) fn new(json: bool, lang: Lang) -> Self {
        let colour = !json && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, lang, colour }
    }

    /// Whether programs read it.
    #[must_use]
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The language.
    #[must_use]
    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }

    /// A line for people; nothing with `--json`.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            write_line(text.as_ref());
        }
    }

    /// A line for people in the chosen language.
    pub(crate) fn say(&self, en: &str, zh: &str) {
        for text in self.lang.pick(en, zh) {
            self.line(text);
        }
    }

    /// The JSON value for programs; nothing without `--json`.
    ///
    /// # Errors
    /// Trouble where it can't be written as JSON.
    pub(crate) fn value<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        if self.json {
            write_line(&to_json(value)?);
        }
        Ok(())
    }

    /// Text in a colour, where there are colours.
    #[must_use]
    pub(crate) fn paint(&self, colour: Colour, text: &str) -> String {
        if !self.colour {
            return text.into();
        }
        let code = match colour {
            Colour::Green => "32",
            Colour::Red => "31",
            Colour::Yellow => "33",
            Colour::Dim => "2",
            Colour::Bold => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A table for people; nothing with `--json`.
    pub(crate) fn table(&self, headings: &[&str], rows: &[Vec<String>]) {
        if self.json {
            return;
        }
        for line in lay_out(headings, rows) {
            write_line(&line);
        }
    }

    /// Shows a failure: a JSON value on standard output, or words on standard error.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            if let Ok(text) = to_json(&serde_json::json!({ "error": failure })) {
                write_line(&text);
            }
        } else {
            complain(&format!("cordon: {failure}"));
        }
    }
}

fn to_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::trouble("json", error))
}

/// A line on standard error: progress and complaints.
pub(crate) fn complain(text: &str) {
    // Nobody reads standard error any more: there is nowhere left to say so.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Bytes on standard output, for answers that are piped on.
pub(crate) fn write_raw(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    // A closed pipe means that the reader has what it wanted.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

fn write_line(text: &str) {
    let mut out = io::stdout().lock();
    // As above: no error where the reader went away.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn width(text: &str) -> usize {
    // A Chinese character takes two places of a terminal.
    text.chars()
        .map(|c| {
            if ('\u{1100}'..='\u{ffe6}').contains(&c) {
                2
            } else {
                1
            }
        })
        .sum()
}

fn lay_out(headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = headings.iter().map(|text| width(text)).collect();
    for row in rows {
        for (place, cell) in widths.iter_mut().zip(row) {
            *place = (*place).max(width(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, wide) in cells.zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', wide + 2 - width(cell)));
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut headings.iter().copied())];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    lines
}

/// `2018-11-11 08:00:00Z` of milliseconds since 1970.
#[must_use]
pub(crate) fn moment(ms: u64) -> String {
    let days = i64::try_from(ms / 86_400_000).unwrap_or(i64::MAX / 2);
    let (year, month, day) = civil(days);
    let seconds = ms % 86_400_000 / 1_000;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The calendar day of a day number since 1970 (H. Hinnant, `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The first characters of an id, enough for a person.
#[must_use]
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_calendar_days() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00Z"),
            (1_541_894_400_000, "2018-11-11 00:00:00Z"),
            (1_709_164_799_000, "2024-02-28 23:59:59Z"),
            (1_709_164_800_000, "2024-02-29 00:00:00Z"),
        ] {
            assert_eq!(moment(ms), text);
        }
    }

    #[test]
    fn tables_line_up_with_chinese_cells() {
        let lines = lay_out(
            &["a", "b"],
            &[
                vec!["银行".into(), "x".into()],
                vec!["bank".into(), "y".into()],
            ],
        );
        assert_eq!(lines, ["a     b", "银行  x", "bank  y"]);
    }
}
