//! Values as they stand in a URL.

use super::{invalid, push};
use crate::error::Result;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// A value in a filter.
#[derive(Clone, PartialEq)]
pub enum Literal {
    /// No value.
    Null,
    /// Text, taken as it is.
    Text(String),
    /// An id.
    Guid(Uuid),
    /// A whole number, or the value of a choice.
    Integer(i64),
    /// A decimal number such as `-1200.50`; anything else is an error when the query is sent.
    Decimal(String),
    /// Yes or no.
    Boolean(bool),
    /// A moment.
    DateTime(jiff::Timestamp),
    /// A day.
    Date(jiff::civil::Date),
}

/// The first second of the year 1 in UTC, in seconds since 1970.
const YEAR_ONE: i64 = -62_135_596_800;

impl Literal {
    /// The value in a JSON body (protocol page `query.md`, section "JSON value formats"): moments in UTC and whole
    /// seconds.
    pub(crate) fn json(&self) -> Result<Value> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Guid(id) => id.to_string().into(),
            Self::Integer(number) => (*number).into(),
            Self::Decimal(number) if is_decimal(number) => serde_json::from_str(number)
                .map_err(|_| invalid("a decimal number is written like -1200.50"))?,
            Self::Decimal(_) => return Err(invalid("a decimal number is written like -1200.50")),
            Self::Boolean(yes) => (*yes).into(),
            Self::DateTime(moment) if moment.as_second() >= YEAR_ONE => {
                moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
            }
            Self::Date(day) if day.year() > 0 => day.to_string().into(),
            Self::DateTime(_) | Self::Date(_) => {
                return Err(invalid("Dataverse knows no date before the year 1"));
            }
        })
    }

    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match self {
            Self::Null => out.push_str("null"),
            Self::Text(text) => write_quoted(text, out),
            Self::Guid(id) => push(out, id.as_hyphenated()),
            Self::Integer(number) => push(out, number),
            Self::Decimal(number) if is_decimal(number) => out.push_str(number),
            Self::Decimal(_) => return Err(invalid("a decimal number is written like -1200.50")),
            Self::Boolean(yes) => push(out, yes),
            Self::DateTime(moment) if moment.as_second() >= YEAR_ONE => push(out, moment),
            Self::Date(day) if day.year() > 0 => push(out, day),
            Self::DateTime(_) | Self::Date(_) => {
                return Err(invalid("Dataverse knows no date before the year 1"));
            }
        }
        Ok(())
    }
}

/// The kind of value, and the value itself only where it cannot be a person's.
impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(yes) => write!(f, "{yes}"),
            Self::Guid(id) => write!(f, "{id}"),
            Self::Text(_) => f.write_str("<text>"),
            Self::Integer(_) => f.write_str("<integer>"),
            Self::Decimal(_) => f.write_str("<decimal>"),
            Self::DateTime(_) => f.write_str("<datetime>"),
            Self::Date(_) => f.write_str("<date>"),
        }
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Literal {
    fn from(id: Uuid) -> Self {
        Self::Guid(id)
    }
}

impl From<i64> for Literal {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Literal {
    fn from(yes: bool) -> Self {
        Self::Boolean(yes)
    }
}

impl From<jiff::Timestamp> for Literal {
    fn from(moment: jiff::Timestamp) -> Self {
        Self::DateTime(moment)
    }
}

impl From<jiff::civil::Date> for Literal {
    fn from(day: jiff::civil::Date) -> Self {
        Self::Date(day)
    }
}

pub(super) fn write_quoted(text: &str, out: &mut String) {
    out.push('\'');
    for c in text.chars() {
        if c == '\'' {
            out.push('\'');
        }
        out.push(c);
    }
    out.push('\'');
}

fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 40 && part.bytes().all(|b| b.is_ascii_digit())
    };
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        None => digits(unsigned),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
    }
}
