//! The tables of an organization as one value with cheap lookups.

use super::model::{Column, ColumnType, Table};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The tables that were asked for, as they were at a version of the organization's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    version: Version,
    asked: BTreeSet<String>,
    tables: BTreeMap<String, Table>,
}

/// How the state of the metadata is told (protocol page `metadata.md`, section "Caching").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// The stamp of `RetrieveMetadataChanges`, from which changes can be asked for.
    Stamp(String),
    /// `globalmetadataversion`, which only says whether anything has changed.
    Global(String),
    /// The organization tells neither; every refresh reads everything.
    Unknown,
}

/// What a refresh found.
#[derive(Clone, Debug, PartialEq)]
pub enum Refresh {
    /// Nothing has changed. The version may have.
    Unchanged(Schema),
    /// Some tables have changed.
    Changed(Schema),
    /// Everything was read anew: the version had expired, or the organization tells no changes.
    ReadAnew(Schema),
}

impl Refresh {
    /// The tables as they are now.
    pub fn into_schema(self) -> Schema {
        match self {
            Self::Unchanged(schema) | Self::Changed(schema) | Self::ReadAnew(schema) => schema,
        }
    }
}

impl Schema {
    pub(super) fn new(
        version: Version,
        asked: BTreeSet<String>,
        tables: impl IntoIterator<Item = Table>,
    ) -> Self {
        Self {
            version,
            asked,
            tables: tables
                .into_iter()
                .map(|table| (table.logical_name.clone(), table))
                .collect(),
        }
    }

    /// The version of the metadata.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The tables that were asked for, those included which the organization does not have.
    pub fn asked(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(String::as_str)
    }

    /// The tables that the organization has, by logical name.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// The language of the user whose labels these are (LCID), if any label is in it.
    pub fn user_language(&self) -> Option<u32> {
        let columns = self
            .tables
            .values()
            .flat_map(|table| table.columns.values());
        self.tables
            .values()
            .map(|table| &table.label)
            .chain(columns.map(|column| &column.label))
            .find_map(|label| label.user.as_ref().map(|label| label.language))
    }

    /// A table by its logical name.
    pub fn table(&self, table: &str) -> Option<&Table> {
        self.tables.get(table)
    }

    /// The table with this entity set.
    pub fn table_of_set(&self, entity_set: &str) -> Option<&Table> {
        self.tables
            .values()
            .find(|table| table.entity_set.as_deref() == Some(entity_set))
    }

    /// A column by the logical names of its table and of itself.
    pub fn column(&self, table: &str, column: &str) -> Option<&Column> {
        self.tables.get(table)?.columns.get(column)
    }

    /// The navigation property through which a lookup points to a target (protocol pages `metadata.md`, section
    /// "Lookups", and `crud.md`, section "`@odata.bind`"). An owner has one for users and teams alike, of its own name.
    pub fn navigation(&self, table: &str, lookup: &str, target: &str) -> Option<&str> {
        let table = self.tables.get(table)?;
        let column = table.columns.get(lookup)?;
        if matches!(column.kind, ColumnType::Owner { .. }) {
            return ["systemuser", "team", "owner"]
                .contains(&target)
                .then_some(column.logical_name.as_str());
        }
        table
            .many_to_one
            .iter()
            .find(|one| one.column == lookup && one.target == target)
            .map(|one| one.navigation.as_str())
    }

    /// What a write names a lookup by, and what it sets it to: `("customerid_contact@odata.bind", "/contacts(…)")`.
    /// None if the lookup cannot point to that table, or if the table was not asked for.
    pub fn bind(
        &self,
        table: &str,
        lookup: &str,
        target: &str,
        id: Uuid,
    ) -> Option<(String, String)> {
        let navigation = self.navigation(table, lookup, target)?;
        let set = self.tables.get(target)?.entity_set.as_deref()?;
        Some((
            format!("{navigation}@odata.bind"),
            format!("/{set}({})", id.as_hyphenated()),
        ))
    }

    /// The label of a choice, in the user's language where there is one.
    pub fn choice_label(&self, table: &str, column: &str, value: i64) -> Option<&str> {
        let choice = self.column(table, column)?.choices()?.by_value(value)?;
        choice.label.text()
    }

    /// The number of the choice with this label in any language.
    pub fn choice_value(&self, table: &str, column: &str, label: &str) -> Option<i32> {
        let choice = self.column(table, column)?.choices()?.by_label(label)?;
        Some(choice.value)
    }

    /// Takes in the tables of another reading.
    pub(super) fn join(&mut self, other: Self) {
        self.asked.extend(other.asked);
        self.tables.extend(other.tables);
    }

    /// Takes in tables as they are now, and leaves out what was deleted.
    pub(super) fn merge(
        &mut self,
        version: Version,
        changed: Vec<Table>,
        deleted: &BTreeSet<Uuid>,
    ) -> bool {
        let before = self.tables.clone();
        let is_deleted = |id: &Option<Uuid>| id.is_some_and(|id| deleted.contains(&id));
        self.tables.retain(|_, table| !is_deleted(&table.id));
        for table in self.tables.values_mut() {
            table.columns.retain(|_, column| !is_deleted(&column.id));
            table.keys.retain(|key| !is_deleted(&key.id));
            table.many_to_one.retain(|one| !is_deleted(&one.id));
            table.many_to_many.retain(|many| !is_deleted(&many.id));
        }
        for table in changed {
            self.tables.insert(table.logical_name.clone(), table);
        }
        self.version = version;
        self.tables != before
    }
}
