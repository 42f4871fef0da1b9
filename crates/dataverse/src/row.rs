//! Rows as Dataverse answers them, read without trusting that anything is there.

use crate::error::{Error, Result};
use crate::odata::{FORMATTED_VALUE, LOOKUP_LOGICAL_NAME};
use serde_json::{Map, Value, json};
use std::fmt;
use uuid::Uuid;

/// One page of rows.
#[derive(Clone)]
pub struct Page {
    /// The rows, in the order that was asked for.
    pub rows: Vec<Row>,
    /// Where the next page is, if there is one.
    pub next: Option<NextLink>,
    /// The number of all rows, if it was asked for; Dataverse counts no further than 5000.
    pub count: Option<u64>,
    /// The entity set and where its changes from now on will be, if they are tracked.
    pub(crate) delta: Option<(String, String)>,
}

/// The names of the columns; never what is in them.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("rows", &self.rows)
            .field("next", &self.next)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// The link to the next page, followed as it is. It repeats the filter, so it is never shown or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct NextLink {
    pub(crate) link: String,
    pub(crate) prefer: Option<String>,
    pub(crate) entity_set: String,
}

impl NextLink {
    /// The text to keep, so that reading goes on after a restart. It repeats the filter: it is as personal as that.
    pub fn to_text(&self) -> String {
        json!({"entitySet": self.entity_set, "link": self.link, "prefer": self.prefer}).to_string()
    }

    /// Reads what [`NextLink::to_text`] gave; none if it is something else.
    pub fn from_text(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        let member = |name| kept.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            entity_set: member("entitySet")?,
            link: member("link")?,
            prefer: member("prefer"),
        })
    }
}

impl fmt::Debug for NextLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextLink")
            .field("entity_set", &self.entity_set)
            .finish_non_exhaustive()
    }
}

/// One row with its annotations (protocol page `query.md`, section "$select / lookups / annotations").
#[derive(Clone, PartialEq)]
pub struct Row(Map<String, Value>);

impl Row {
    /// The version of the row, to be compared for equality only.
    pub fn etag(&self) -> Option<&str> {
        self.text("@odata.etag")
    }

    /// The id in the table's primary key column, such as `contactid`.
    pub fn id(&self, primary_key: &str) -> Option<Uuid> {
        self.text(primary_key)
            .and_then(|text| Uuid::parse_str(text).ok())
    }

    /// The raw value of a column; null when the column is empty, was not asked for or is secured.
    pub fn value(&self, column: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.0.get(column).unwrap_or(&NULL)
    }

    /// The value of a text, date, datetime or id column.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.value(column).as_str()
    }

    /// The value as Dynamics shows it to this user, if it has such a form and formatted values were asked for.
    pub fn formatted(&self, column: &str) -> Option<&str> {
        self.text(&format!("{column}@{FORMATTED_VALUE}"))
    }

    /// What a lookup column points to. The column is given by its logical name (`parentcustomerid`) or as it is read
    /// (`_parentcustomerid_value`).
    pub fn lookup(&self, column: &str) -> Option<Lookup> {
        let column = match column
            .strip_prefix('_')
            .and_then(|rest| rest.strip_suffix("_value"))
        {
            Some(_) => column.to_owned(),
            None => format!("_{column}_value"),
        };
        Some(Lookup {
            id: self.id(&column)?,
            table: self
                .text(&format!("{column}@{LOOKUP_LOGICAL_NAME}"))
                .map(str::to_owned),
            name: self.formatted(&column).map(str::to_owned),
        })
    }

    /// The row behind a single-valued navigation property, if it was expanded and is there.
    pub fn expanded(&self, navigation: &str) -> Option<Row> {
        self.value(navigation).as_object().cloned().map(Row)
    }

    /// The rows behind a collection-valued navigation property, if it was expanded.
    pub fn expanded_rows(&self, navigation: &str) -> Vec<Row> {
        let rows = self.value(navigation).as_array().into_iter().flatten();
        rows.filter_map(|row| row.as_object().cloned().map(Row))
            .collect()
    }

    /// All members as they came, annotations included.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Row {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl TryFrom<Value> for Row {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(Error::NotDataverse { answer: None }),
        }
    }
}

/// The names of the columns; never what is in them.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row")?;
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// What a lookup points to.
#[derive(Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The id of the row.
    pub id: Uuid,
    /// The logical name of its table, if formatted values were asked for.
    pub table: Option<String>,
    /// Its primary name, if formatted values were asked for.
    pub name: Option<String>,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup")
            .field("id", &self.id)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// Reads the envelope `{"value": [...], "@odata.nextLink": …, "@odata.count": …}`.
    pub(crate) fn read(
        mut envelope: Map<String, Value>,
        prefer: Option<String>,
        entity_set: &str,
    ) -> Result<Self> {
        let Some(Value::Array(values)) = envelope.remove("value") else {
            return Err(Error::NotDataverse { answer: None });
        };
        let rows = values
            .into_iter()
            .map(Row::try_from)
            .collect::<Result<_>>()?;
        let next = envelope
            .get("@odata.nextLink")
            .and_then(Value::as_str)
            .map(|link| NextLink {
                link: link.to_owned(),
                prefer,
                entity_set: entity_set.to_owned(),
            });
        Ok(Self {
            rows,
            next,
            delta: envelope
                .get("@odata.deltaLink")
                .and_then(Value::as_str)
                .map(|link| (entity_set.to_owned(), link.to_owned())),
            count: envelope.get("@odata.count").and_then(Value::as_u64),
        })
    }
}
