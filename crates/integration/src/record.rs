//! Dynamics tables and records as the decisions see them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Dynamics 365 table that the product recognises people in or writes to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// A company.
    Account,
    /// A person.
    Contact,
    /// A prospect who is not a contact yet.
    Lead,
    /// A case.
    Incident,
    /// A task (an activity).
    Task,
}

impl Table {
    /// The tables in which a visitor is looked for.
    pub const RECOGNISED: [Table; 3] = [Table::Contact, Table::Account, Table::Lead];

    /// The logical name, for example `contact`.
    #[must_use]
    pub fn logical_name(self) -> &'static str {
        match self {
            Table::Account => "account",
            Table::Contact => "contact",
            Table::Lead => "lead",
            Table::Incident => "incident",
            Table::Task => "task",
        }
    }

    /// The entity set name in Web API URLs, for example `contacts`.
    #[must_use]
    pub fn entity_set(self) -> &'static str {
        match self {
            Table::Account => "accounts",
            Table::Contact => "contacts",
            Table::Lead => "leads",
            Table::Incident => "incidents",
            Table::Task => "tasks",
        }
    }

    /// The primary key column.
    #[must_use]
    pub fn key_column(self) -> &'static str {
        match self {
            Table::Account => "accountid",
            Table::Contact => "contactid",
            Table::Lead => "leadid",
            Table::Incident => "incidentid",
            Table::Task => "activityid",
        }
    }

    /// The primary name column: what a person calls the record.
    #[must_use]
    pub fn name_column(self) -> &'static str {
        match self {
            Table::Account => "name",
            Table::Contact | Table::Lead => "fullname",
            Table::Incident => "title",
            Table::Task => "subject",
        }
    }

    /// The table with this logical name.
    #[must_use]
    pub fn from_logical_name(name: &str) -> Option<Table> {
        [
            Table::Account,
            Table::Contact,
            Table::Lead,
            Table::Incident,
            Table::Task,
        ]
        .into_iter()
        .find(|table| table.logical_name() == name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.logical_name())
    }
}

/// One column's value as Dynamics gave it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The raw value: text, number, yes/no, or null. A lookup is the id of its row, as text.
    pub raw: serde_json::Value,
    /// The value as Dynamics formats it for the signed-in user (choice label, currency, local date,
    /// name of the looked-up row). Absent for plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
}

impl Value {
    /// The raw value as text; `None` when the column is empty.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.raw {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) if text.is_empty() => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other @ (serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_)) => Some(other.to_string()),
        }
    }
}

/// Personal values stay out of logs: only whether there is one is shown.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.raw.is_null() {
            "Value(empty)"
        } else {
            "Value(…)"
        })
    }
}

/// A record of Dynamics with the columns that were asked for and the time they were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The table it belongs to.
    pub table: Table,
    /// The primary key, a lower-case GUID.
    pub id: String,
    /// Values by column logical name. A lookup stands under its own name (`ownerid`), not `_ownerid_value`.
    pub values: BTreeMap<String, Value>,
    /// When Dynamics gave these values (UTC).
    pub read_at: Timestamp,
    /// For a contact: the account it belongs to, read along with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<Record>>,
}

impl Record {
    /// A column's value as text; `None` when empty or not asked for.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<String> {
        self.values.get(column).and_then(Value::text)
    }

    /// The name of the row that a lookup points to; `None` when empty or not asked for.
    #[must_use]
    pub fn row_name(&self, lookup: &str) -> Option<String> {
        self.values.get(lookup)?.formatted.clone()
    }

    /// What a person calls it: the primary name, else the first e-mail or phone, else the id.
    #[must_use]
    pub fn name(&self) -> String {
        [
            self.table.name_column(),
            "emailaddress1",
            "telephone1",
            "mobilephone",
        ]
        .iter()
        .find_map(|column| self.text(column))
        .unwrap_or_else(|| self.id.clone())
    }

    /// Whether it is deactivated (account, contact) or closed (lead qualified or disqualified).
    #[must_use]
    pub fn is_inactive(&self) -> bool {
        self.values
            .get("statecode")
            .and_then(|state| state.raw.as_i64())
            .is_some_and(|state| state != 0)
    }
}
