//! What is written into a record.

use crate::error::Result;
use crate::odata::{Key, Literal, column, invalid, record_path};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// A record that a write points to or changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// A record that exists.
    Record {
        /// The entity set of its table, such as `accounts`.
        entity_set: String,
        /// What names it.
        key: Key,
    },
    /// What an earlier item of the same change set writes (protocol page `batch.md`, section "Change sets").
    Item(ContentId),
}

impl Reference {
    /// A record that exists.
    pub fn record(entity_set: impl Into<String>, key: impl Into<Key>) -> Self {
        Self::Record {
            entity_set: entity_set.into(),
            key: key.into(),
        }
    }
}

impl From<ContentId> for Reference {
    fn from(item: ContentId) -> Self {
        Self::Item(item)
    }
}

/// The number of one item of a change set, which later items of the same change set may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentId(pub(crate) u32);

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.0)
    }
}

/// The columns of a record as they are written (protocol page `crud.md`, sections "Create" and "`@odata.bind`").
///
/// A body that cannot be written is an error when it is sent.
#[derive(Clone, PartialEq)]
pub struct RecordBody {
    /// The members, or what is wrong with them.
    members: std::result::Result<Map<String, Value>, String>,
    items: Vec<ContentId>,
}

impl RecordBody {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            members: Ok(Map::new()),
            items: Vec::new(),
        }
    }

    /// Sets a column. [`Literal::Null`] clears it; a multi-select column is written as text (`"1,3"`); a lookup is set
    /// by [`RecordBody::bind`].
    #[must_use]
    pub fn set(self, name: impl AsRef<str>, value: impl Into<Literal>) -> Self {
        let value = value.into();
        self.insert(|| Ok((column(name.as_ref())?.to_owned(), value.json()?)))
    }

    /// Points a lookup to a record. The name is that of the navigation property (`parentcustomerid_account`), not of
    /// the column; the table's metadata has it.
    #[must_use]
    pub fn bind(mut self, navigation: impl AsRef<str>, to: impl Into<Reference>) -> Self {
        let to = to.into();
        self.note(&to);
        self.insert(|| {
            Ok((
                format!("{}@odata.bind", column(navigation.as_ref())?),
                bound(&to)?.into(),
            ))
        })
    }

    /// Empties a lookup, named by its navigation property.
    #[must_use]
    pub fn unbind(self, navigation: impl AsRef<str>) -> Self {
        self.insert(|| {
            Ok((
                format!("{}@odata.bind", column(navigation.as_ref())?),
                Value::Null,
            ))
        })
    }

    /// Creates a record along with this one and points a lookup to it; only when this one is created.
    #[must_use]
    pub fn with_new(mut self, navigation: impl AsRef<str>, record: RecordBody) -> Self {
        self.items.extend(&record.items);
        self.insert(|| {
            Ok((
                column(navigation.as_ref())?.to_owned(),
                Value::Object(record.into_members()?),
            ))
        })
    }

    /// Creates records along with this one in one of its collections; only when this one is created.
    #[must_use]
    pub fn with_new_list(
        mut self,
        navigation: impl AsRef<str>,
        records: impl IntoIterator<Item = RecordBody>,
    ) -> Self {
        let records: Vec<_> = records.into_iter().collect();
        for record in &records {
            self.items.extend(&record.items);
        }
        self.insert(|| {
            let records: Vec<_> = records
                .into_iter()
                .map(|record| record.into_members().map(Value::Object))
                .collect::<Result<_>>()?;
            Ok((column(navigation.as_ref())?.to_owned(), records.into()))
        })
    }

    /// The items of the change set that the body names.
    pub(crate) fn items(&self) -> &[ContentId] {
        &self.items
    }

    pub(crate) fn members(&self) -> Result<&Map<String, Value>> {
        self.members
            .as_ref()
            .map_err(|reason| invalid(reason.as_str()))
    }

    fn into_members(self) -> Result<Map<String, Value>> {
        self.members.map_err(invalid)
    }

    fn note(&mut self, reference: &Reference) {
        if let Reference::Item(item) = reference {
            self.items.push(*item);
        }
    }

    fn insert(mut self, member: impl FnOnce() -> Result<(String, Value)>) -> Self {
        if let Ok(members) = &mut self.members {
            match member() {
                Ok((name, value)) => {
                    members.insert(name, value);
                }
                Err(error) => self.members = Err(reason(error)),
            }
        }
        self
    }
}

impl Default for RecordBody {
    fn default() -> Self {
        Self::new()
    }
}

/// A JSON object as it stands, with everything that is in it; anything else is an error when it is sent.
impl From<&Value> for RecordBody {
    fn from(value: &Value) -> Self {
        Self {
            members: value
                .as_object()
                .cloned()
                .ok_or_else(|| "a record is written as a JSON object".to_owned()),
            items: Vec::new(),
        }
    }
}

/// The names of what is written; never the values.
impl fmt::Debug for RecordBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordBody")?;
        match &self.members {
            Ok(members) => f.debug_list().entries(members.keys()).finish(),
            Err(reason) => write!(f, "({reason})"),
        }
    }
}

/// The text of a bind: a path from the service's root, or the item of the change set.
fn bound(reference: &Reference) -> Result<String> {
    Ok(match reference {
        Reference::Record { entity_set, key } => format!("/{}", record_path(entity_set, key)?),
        Reference::Item(item) => item.to_string(),
    })
}

fn reason(error: crate::Error) -> String {
    if let crate::Error::InvalidQuery { reason } = error {
        reason
    } else {
        error.to_string()
    }
}

/// The id at the end of an address such as `[org]/contacts(6f1c…)`; none if it is an alternate key.
pub(crate) fn id_in_address(address: &str) -> Option<Uuid> {
    let (_, id) = address.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    Uuid::parse_str(id).ok()
}
