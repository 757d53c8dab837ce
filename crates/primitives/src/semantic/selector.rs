//! What is looked for: a canonical value, with or without the day it is looked for on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DAY_MS, Normal, Reason, Reject, Semantic, time};

/// The first bytes of every [`Selector::to_input`].
pub const SELECTOR_LABEL: &[u8; 18] = b"cordon/selector/v1";

/// The longest canonical value of a selector, in bytes.
pub const MAX_SELECTOR_BYTES: usize = 256;

/// A UTC day: the number of days since 1970-01-01.
///
/// A selector with a period finds only rows of that day, so that a time rule
/// binds inside the protocol instead of after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(i32);

impl Period {
    /// The day with this number.
    #[must_use]
    pub const fn from_day(day: i32) -> Self {
        Self(day)
    }

    /// The day that holds an instant; `None` beyond ±5.8 million years.
    #[must_use]
    pub fn of_ms(ms: i64) -> Option<Self> {
        i32::try_from(ms.div_euclid(DAY_MS)).ok().map(Self)
    }

    /// The number of days since 1970-01-01.
    #[must_use]
    pub const fn day(self) -> i32 {
        self.0
    }

    /// The first millisecond of the day.
    #[must_use]
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }

    /// The first millisecond after the day.
    #[must_use]
    pub fn end_ms(self) -> i64 {
        self.start_ms() + DAY_MS
    }

    /// The next day, if there is one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time::date_text(i64::from(self.0)))
    }
}

/// A canonical value of a semantic type, and the day it is looked for on, if any.
///
/// `Debug` hides the value: a selector names a person. `Display` shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Selector {
    semantic: Semantic,
    value: String,
    period: Option<Period>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    semantic: Semantic,
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl Selector {
    /// A selector for `raw`, normalised.
    ///
    /// # Errors
    /// [`Reject`] if `raw` is not a value of the type, or too long to be looked for.
    pub fn new(semantic: Semantic, raw: &str) -> Result<Self, Reject> {
        let value = semantic.normalise(raw)?;
        if value.len() > MAX_SELECTOR_BYTES {
            return Err(Reject {
                semantic,
                reason: Reason::TooLong,
            });
        }
        Ok(Self {
            semantic,
            value,
            period: None,
        })
    }

    /// A selector for a value that [`Semantic::parse`] returned.
    ///
    /// # Errors
    /// [`Reject`] if the value is too long to be looked for.
    pub fn from_normal(semantic: Semantic, value: &Normal) -> Result<Self, Reject> {
        let value = semantic.text(value);
        if value.len() > MAX_SELECTOR_BYTES {
            return Err(Reject {
                semantic,
                reason: Reason::TooLong,
            });
        }
        Ok(Self {
            semantic,
            value,
            period: None,
        })
    }

    /// The same value on one day, or on any.
    #[must_use]
    pub fn on(mut self, period: Option<Period>) -> Self {
        self.period = period;
        self
    }

    /// What the value means.
    #[must_use]
    pub const fn semantic(&self) -> Semantic {
        self.semantic
    }

    /// The canonical value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The day that the value is looked for on, if only one.
    #[must_use]
    pub const fn period(&self) -> Option<Period> {
        self.period
    }

    /// The bytes that are hashed to the group.
    ///
    /// ```text
    /// 18  "cordon/selector/v1"
    ///  1  number of the semantic type
    ///  2  length n of the value, big-endian
    ///  n  canonical value, UTF-8
    ///  1  0 = any day, 1 = one day
    ///  4  the day since 1970-01-01, big-endian two's complement; only after a 1
    /// ```
    #[must_use]
    pub fn to_input(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(26 + self.value.len());
        write_input(self.semantic, &self.value, self.period, &mut out);
        out
    }

    /// The selector that these bytes stand for; `None` unless [`Selector::to_input`]
    /// would return them.
    #[must_use]
    pub fn from_input(input: &[u8]) -> Option<Self> {
        let (code, rest) = input.strip_prefix(SELECTOR_LABEL)?.split_first()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let period = match rest.split_first()? {
            (0, []) => None,
            (1, day) => Some(Period(i32::from_be_bytes(day.try_into().ok()?))),
            _ => return None,
        };
        let wire = Wire {
            semantic: Semantic::from_code(*code)?,
            value: std::str::from_utf8(value).ok()?.to_owned(),
            period,
        };
        Self::try_from(wire).ok()
    }
}

/// Appends [`Selector::to_input`] of these parts to `out`, for callers that make
/// millions and already hold canonical values.
///
/// # Panics
/// If the value is longer than [`MAX_SELECTOR_BYTES`], which a [`Selector`] never is.
pub(super) fn write_input(
    semantic: Semantic,
    value: &str,
    period: Option<Period>,
    out: &mut Vec<u8>,
) {
    let length = u16::try_from(value.len()).expect("a selector's value is at most 256 bytes");
    out.extend_from_slice(SELECTOR_LABEL);
    out.push(semantic.code());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.as_bytes());
    match period {
        None => out.push(0),
        Some(Period(day)) => {
            out.push(1);
            out.extend_from_slice(&day.to_be_bytes());
        }
    }
}

impl TryFrom<Wire> for Selector {
    type Error = Reject;

    /// Accepts canonical values only: a selector on the wire has one form.
    fn try_from(wire: Wire) -> Result<Self, Reject> {
        let selector = Self::new(wire.semantic, &wire.value)?;
        if selector.value != wire.value {
            return Err(Reject {
                semantic: wire.semantic,
                reason: Reason::Form,
            });
        }
        Ok(selector.on(wire.period))
    }
}

impl From<Selector> for Wire {
    fn from(selector: Selector) -> Self {
        Self {
            semantic: selector.semantic,
            value: selector.value,
            period: selector.period,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.semantic {
            Semantic::ResidentId => "id",
            other => other.name(),
        };
        write!(f, "{prefix}:{}", self.value)?;
        self.period.map_or(Ok(()), |period| write!(f, "@{period}"))
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Selector({}, {} bytes, {:?})",
            self.semantic,
            self.value.len(),
            self.period
        )
    }
}

impl FromStr for Selector {
    type Err = Reject;

    /// Reads `phone:138…`, `id:4313…`, `account:6228…`, any of them with `@2018-11-11`
    /// behind it, or a bare value whose type is plain from its form.
    ///
    /// A bare value of the length of an id number that is not one is refused as
    /// ambiguous rather than taken for an account.
    fn from_str(text: &str) -> Result<Self, Reject> {
        let text = text.trim();
        let (text, period) = match text.rsplit_once('@') {
            Some((value, day)) => {
                let reject = |reason| Reject {
                    semantic: Semantic::Date,
                    reason,
                };
                let day = time::date(day.trim()).map_err(reject)?;
                let day = i32::try_from(day).map_err(|_| reject(Reason::Range))?;
                (value, Some(Period(day)))
            }
            None => (text, None),
        };
        let named = text.split_once([':', '：']).and_then(|(name, value)| {
            let name = name.trim().to_ascii_lowercase();
            let semantic = match name.as_str() {
                "id" | "id_number" => Semantic::ResidentId,
                "tel" => Semantic::Phone,
                name => Semantic::ALL.into_iter().find(|s| s.name() == name)?,
            };
            Some((semantic, value))
        });
        let selector = match named {
            Some((semantic, value)) => Self::new(semantic, value)?,
            None => guess(text)?,
        };
        Ok(selector.on(period))
    }
}

fn guess(text: &str) -> Result<Selector, Reject> {
    if let Ok(id) = Selector::new(Semantic::ResidentId, text) {
        return Ok(id);
    }
    if let Ok(phone) = Selector::new(Semantic::Phone, text) {
        return Ok(phone);
    }
    let account = Selector::new(Semantic::Account, text)?;
    if matches!(account.value.len(), 15 | 18) {
        return Err(Reject {
            semantic: Semantic::ResidentId,
            reason: Reason::Ambiguous,
        });
    }
    Ok(account)
}
