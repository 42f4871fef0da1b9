//! How a record is named in an address.

use super::literal::Literal;
use super::{column, invalid};
use crate::error::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use uuid::Uuid;

/// What names one record of a table (protocol page `crud.md`, section "Keys in URLs").
#[derive(Clone, PartialEq)]
pub enum Key {
    /// Its id.
    Id(Uuid),
    /// The values of an alternate key that the organization declares, each under its column; a lookup is named
    /// `_x_value`. Some web servers refuse a value with a slash.
    Alternate(Vec<(String, Literal)>),
}

impl Key {
    /// An alternate key of one column; of several columns, it is [`Key::Alternate`].
    pub fn alternate(column: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::Alternate(vec![(column.into(), value.into())])
    }
}

impl From<Uuid> for Key {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

/// The columns of the key; never their values.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Alternate(columns) => f
                .debug_list()
                .entries(columns.iter().map(|(name, _)| name))
                .finish(),
        }
    }
}

/// `contacts(6f1c…)` or `accounts(accountnumber='A-100')`, percent-encoded.
pub(crate) fn record_path(entity_set: &str, key: &Key) -> Result<String> {
    let entity_set = column(entity_set)?;
    match key {
        Key::Id(id) => Ok(format!("{entity_set}({})", id.as_hyphenated())),
        Key::Alternate(columns) if columns.is_empty() => Err(invalid("a key has no column")),
        Key::Alternate(columns) => {
            let columns = columns
                .iter()
                .map(|(name, value)| {
                    if *value == Literal::Null {
                        return Err(invalid("a key has no value"));
                    }
                    let mut text = String::new();
                    value.write(&mut text)?;
                    Ok(format!("{}={}", column(name)?, encode(&text)))
                })
                .collect::<Result<Vec<_>>>()?;
            Ok(format!("{entity_set}({})", columns.join(",")))
        }
    }
}

/// The quotes around a text stay as they are, for they are part of the address.
fn encode(text: &str) -> percent_encoding::PercentEncode<'_> {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'\'');
    utf8_percent_encode(text, ENCODED)
}
