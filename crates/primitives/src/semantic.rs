//! What a column's or a subject's text *means*, and the one form in which that
//! meaning is written.
//!
//! Two institutions match a phone, an id number or an account only if both wrote
//! it the same way before it was hashed to the group, so every value passes
//! through [`Semantic::normalise`] once, at the snapshot or at the warrant, and
//! only its canonical form goes further. The rules are our own and frozen: tables
//! such as libphonenumber's change every month, and a change would silently turn
//! yesterday's committed rows into rows that nobody can find.
//!
//! *Invariants*: `normalise` is a pure function of the text, and idempotent; a
//! [`Reject`] never holds the value; [`Selector::to_input`] is injective.
//!
//! *Not here*: any look at a clock (no "born in the future"), any table of number
//! ranges or banks, any hashing.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

mod number;
mod phone;
mod resident;
mod selector;
#[cfg(test)]
mod tests;
mod time;

pub use selector::{MAX_SELECTOR_BYTES, Period, SELECTOR_LABEL, Selector};

/// The longest text that a value may have before normalisation, in bytes.
pub const MAX_RAW_BYTES: usize = 4096;

/// Millionths in one unit of a [`Semantic::Real`].
pub const REAL_SCALE: i64 = 1_000_000;

/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 86_400_000;

/// The meaning of a column or of a subject.
///
/// The number of each is part of [`Selector::to_input`] and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[repr(u8)]
pub enum Semantic {
    /// A telephone number; canonical form E.164 (`+8615812913979`).
    Phone = 1,
    /// A resident identity number of GB 11643; canonical form 18 characters.
    ResidentId = 2,
    /// A bank account or card number; canonical form 8 to 32 digits.
    Account = 3,
    /// An amount in yuan; canonical form two decimals (`1315.70`), integer form fen.
    Money = 4,
    /// An instant; canonical form RFC 3339 UTC with milliseconds, integer form
    /// milliseconds since 1970.
    Timestamp = 5,
    /// A calendar date; canonical form `2018-11-11`, integer form days since 1970.
    Date = 6,
    /// A whole number that fits 64 bits.
    Integer = 7,
    /// A measured number; integer form millionths, rounded half away from zero.
    Real = 8,
    /// Any text; runs of blanks and control characters become one blank.
    Text = 9,
    /// The name of an institution: 1 to 32 of `a-z0-9_-`, lower case.
    Institution = 10,
    /// A metered premise: 1 to 32 of `A-Z0-9-`, upper case.
    Premise = 11,
}

/// A value in canonical form: text, or an integer in the smallest unit.
#[derive(Clone, PartialEq, Eq)]
pub enum Normal {
    /// Canonical text.
    Text(String),
    /// Fen, milliseconds, days, millionths or a plain integer, by semantic type.
    Int(i64),
}

/// Why a text is not a value of its semantic type.
///
/// It never holds the text: it is written to reports and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Nothing but blanks.
    Empty,
    /// Longer than the semantic type allows.
    TooLong,
    /// Shorter than the semantic type allows.
    TooShort,
    /// A character that no value of this type has.
    Character,
    /// The right characters in a form that is not one of this type's.
    Form,
    /// The check digit does not fit.
    CheckDigit,
    /// No such day or time of day, or outside 1900 to 2199.
    Calendar,
    /// Outside the range of the type.
    Range,
    /// Finer than the type's smallest unit.
    Precision,
    /// A number that a spreadsheet has rounded (`6.228E+18`).
    Rounded,
    /// A column of another physical type than the semantic type can be read from.
    Kind,
    /// The text could be of several types; a prefix must say which.
    Ambiguous,
}

/// A text that was refused: its semantic type and the reason, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reject {
    /// The type that the text should have had.
    pub semantic: Semantic,
    /// What is wrong with it.
    pub reason: Reason,
}

impl Semantic {
    /// Every semantic type, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Phone,
        Self::ResidentId,
        Self::Account,
        Self::Money,
        Self::Timestamp,
        Self::Date,
        Self::Integer,
        Self::Real,
        Self::Text,
        Self::Institution,
        Self::Premise,
    ];

    /// The number of the type in [`Selector::to_input`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The type with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// The name in configuration files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::ResidentId => "resident_id",
            Self::Account => "account",
            Self::Money => "money",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Text => "text",
            Self::Institution => "institution",
            Self::Premise => "premise",
        }
    }

    /// Whether the integer form is the stored one (money, times, numbers).
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(
            self,
            Self::Money | Self::Timestamp | Self::Date | Self::Integer | Self::Real
        )
    }

    /// The canonical text of `raw`.
    ///
    /// # Errors
    /// [`Reject`] if `raw` is not a value of this type; blank text is
    /// [`Reason::Empty`], which a caller may read as an absent value.
    pub fn normalise(self, raw: &str) -> Result<String, Reject> {
        Ok(self.text(&self.parse(raw)?))
    }

    /// The canonical value of `raw`; instants without a zone are read as UTC.
    ///
    /// # Errors
    /// As [`Semantic::normalise`].
    pub fn parse(self, raw: &str) -> Result<Normal, Reject> {
        self.parse_in_zone(raw, 0)
    }

    /// As [`Semantic::parse`], reading instants without a zone as local time of
    /// `utc_offset_min` minutes east of UTC.
    ///
    /// # Errors
    /// As [`Semantic::normalise`].
    pub fn parse_in_zone(self, raw: &str, utc_offset_min: i16) -> Result<Normal, Reject> {
        let reject = |reason| Reject {
            semantic: self,
            reason,
        };
        if raw.len() > MAX_RAW_BYTES {
            return Err(reject(Reason::TooLong));
        }
        let folded = fold(raw);
        let text = folded.trim();
        if text.is_empty() {
            return Err(reject(Reason::Empty));
        }
        match self {
            Self::Phone => phone::normalise(text).map(Normal::Text),
            Self::ResidentId => resident::normalise(text).map(Normal::Text),
            Self::Account => number::account(text).map(Normal::Text),
            Self::Money => number::money(text).map(Normal::Int),
            Self::Timestamp => time::timestamp(text, utc_offset_min).map(Normal::Int),
            Self::Date => time::date(text).map(Normal::Int),
            Self::Integer => number::integer(text).map(Normal::Int),
            Self::Real => number::real(text).map(Normal::Int),
            Self::Text => plain(raw).map(Normal::Text),
            Self::Institution => name(&text.to_ascii_lowercase(), |c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-'
            })
            .map(Normal::Text),
            Self::Premise => name(&text.to_ascii_uppercase(), |c| {
                c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-'
            })
            .map(Normal::Text),
        }
        .map_err(reject)
    }

    /// The canonical text of a canonical value (`131570` fen is `1315.70`).
    #[must_use]
    pub fn text(self, value: &Normal) -> String {
        match (self, value) {
            (_, Normal::Text(text)) => text.clone(),
            (Self::Money, Normal::Int(fen)) => number::money_text(*fen),
            (Self::Timestamp, Normal::Int(ms)) => time::timestamp_text(*ms),
            (Self::Date, Normal::Int(day)) => time::date_text(*day),
            (Self::Real, Normal::Int(millionths)) => number::real_text(*millionths),
            (_, Normal::Int(value)) => value.to_string(),
        }
    }

    /// Checks an integer form that a typed source gave: an instant or a date must be
    /// one that [`Semantic::text`] can write.
    ///
    /// # Errors
    /// [`Reject`] if it is not, or the type's form is text.
    pub fn check_int(self, value: i64) -> Result<i64, Reject> {
        match self {
            Self::Timestamp => time::bounded(value),
            Self::Date => time::bounded(value.saturating_mul(DAY_MS)).map(|_| value),
            Self::Money | Self::Integer | Self::Real => Ok(value),
            _ => Err(Reason::Kind),
        }
        .map_err(|reason| Reject {
            semantic: self,
            reason,
        })
    }

    /// The integer form of an `f64` read as this type, for typed sources.
    ///
    /// # Errors
    /// [`Reject`] if the number is not finite or out of range, or the type has no
    /// such form.
    pub fn from_f64(self, value: f64) -> Result<i64, Reject> {
        let reject = |reason| Reject {
            semantic: self,
            reason,
        };
        match self {
            Self::Real => number::real_from_f64(value).map_err(reject),
            _ => Err(reject(Reason::Kind)),
        }
    }
}

impl fmt::Display for Semantic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the value is empty",
            Self::TooLong => "the value is too long",
            Self::TooShort => "the value is too short",
            Self::Character => "the value has a character that this type never has",
            Self::Form => "the value is in none of the forms of this type",
            Self::CheckDigit => "the check digit does not fit",
            Self::Calendar => "there is no such day or time, or it is outside 1900 to 2199",
            Self::Range => "the number is out of range",
            Self::Precision => "the number is finer than the smallest unit",
            Self::Rounded => "a spreadsheet has rounded the number",
            Self::Kind => "the column's physical type cannot hold this semantic type",
            Self::Ambiguous => {
                "the value could be of several types; write phone:, id: or account: before it"
            }
        })
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}: {}", self.semantic, self.reason)
    }
}

impl std::error::Error for Reject {}

/// Writes full-width forms as ASCII, unusual blanks as blanks, unusual dashes as
/// dashes, and drops what is invisible; borrowed if there is nothing to fold.
fn fold(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.chars().filter_map(fold_char).collect())
}

fn fold_char(c: char) -> Option<char> {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        '\u{3000}' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => Some(' '),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' => Some('-'),
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}' => None,
        '\u{FFE5}' => Some('\u{00A5}'),
        _ => Some(c),
    }
}

/// Free text: no folding, because a name keeps its own characters.
fn plain(raw: &str) -> Result<String, Reason> {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        let blank = c.is_whitespace() || c.is_control() || c == '\u{FEFF}';
        if !blank {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    // What is left may be marks that nobody sees: that is no text either.
    if fold(&out).trim().is_empty() {
        Err(Reason::Empty)
    } else {
        Ok(out)
    }
}

fn name(text: &str, allowed: impl Fn(char) -> bool) -> Result<String, Reason> {
    if !text.chars().all(allowed) {
        Err(Reason::Character)
    } else if text.len() > 32 {
        Err(Reason::TooLong)
    } else {
        Ok(text.to_owned())
    }
}

/// What a spreadsheet puts before a number that it must not round.
fn unquote(text: &str) -> &str {
    text.strip_prefix('\'').unwrap_or(text).trim_start()
}
