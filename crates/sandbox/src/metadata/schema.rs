//! An organization's metadata as it changes: the catalog in force, and how changes are kept in the database.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::description::{ChoicesDescription, TableDescription};
use super::{Catalog, Deleted, DeletedKind, new_organization};
use crate::value::{Statement, Value};

/// The catalog in force. A new one is never taken down again: an organization changes its schema seldom, and requests may hold
/// on to the tables they began with.
#[derive(Debug)]
pub(crate) struct Schema {
    current: RwLock<&'static Catalog>,
}

/// What is kept: tables that differ from those of a new organization, all global choices, and what changed when.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    version: i64,
    tables: Vec<TableDescription>,
    removed: BTreeSet<String>,
    choices: Vec<ChoicesDescription>,
    changed: HashMap<Uuid, i64>,
    deleted: Vec<Deleted>,
}

/// A change to the metadata.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) tables: Vec<TableDescription>,
    pub(crate) choices: Vec<ChoicesDescription>,
    /// Ids of what was made or altered.
    pub(crate) changed: Vec<Uuid>,
    pub(crate) deleted: Vec<(DeletedKind, Uuid)>,
    /// Keys whose index is to be made, by table and key.
    pub(crate) to_index: Vec<(String, String)>,
}

impl Change {
    /// No change yet to what is in force.
    pub(crate) fn of(catalog: &Catalog) -> Change {
        let tables = catalog.tables.iter();
        Change {
            tables: tables.map(|table| table.description.clone()).collect(),
            choices: catalog.choices.clone(),
            changed: Vec::new(),
            deleted: Vec::new(),
            to_index: Vec::new(),
        }
    }
}

impl Schema {
    /// Reads what the database keeps of changes.
    pub(crate) async fn open(connection: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
        Statement::new("CREATE TABLE IF NOT EXISTS practice_schema (kept TEXT NOT NULL)")
            .query()
            .execute(&mut *connection)
            .await?;
        let row = Statement::new("SELECT kept FROM practice_schema")
            .query()
            .fetch_optional(connection)
            .await?;
        let text = match &row {
            Some(row) => Value::at(row, 0)?,
            None => Value::Null,
        };
        let current = match text.text() {
            None => new_organization(),
            Some(text) => {
                let kept: Kept = serde_json::from_str(text)
                    .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
                let mut catalog = Catalog::new(
                    with(&kept),
                    kept.choices,
                    new_organization().many_to_many.clone(),
                );
                catalog.version = kept.version;
                catalog.changed = kept.changed;
                catalog.deleted = kept.deleted;
                Box::leak(Box::new(catalog))
            }
        };
        Ok(Schema {
            current: RwLock::new(current),
        })
    }

    pub(crate) fn current(&self) -> &'static Catalog {
        *self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a catalog into force, once it is committed.
    pub(crate) fn adopt(&self, catalog: &'static Catalog) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }
}

/// The tables of a new organization with those that differ put in their places.
fn with(kept: &Kept) -> Vec<TableDescription> {
    let standard = new_organization()
        .tables
        .iter()
        .map(|table| &table.description);
    let mut tables: Vec<TableDescription> = standard
        .filter(|table| !kept.removed.contains(&table.logical_name))
        .cloned()
        .collect();
    for changed in &kept.tables {
        match tables
            .iter_mut()
            .find(|table| table.logical_name == changed.logical_name)
        {
            Some(table) => table.clone_from(changed),
            None => tables.push(changed.clone()),
        }
    }
    tables
}

/// Makes the catalog that follows `before` and keeps it in the database.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    before: &Catalog,
    change: Change,
) -> Result<&'static Catalog, sqlx::Error> {
    let version = before.version + 1;
    let mut catalog = Catalog::new(change.tables, change.choices, before.many_to_many.clone());
    catalog.version = version;
    catalog.changed = before.changed.clone();
    catalog
        .changed
        .extend(change.changed.into_iter().map(|id| (id, version)));
    catalog.deleted = before.deleted.clone();
    for (kind, id) in change.deleted {
        catalog.changed.remove(&id);
        catalog.deleted.push(Deleted { version, kind, id });
    }
    let encode = |error| sqlx::Error::Encode(Box::new(error));
    let standard = new_organization();
    let mut kept = Kept {
        version,
        choices: catalog.choices.clone(),
        changed: catalog.changed.clone(),
        deleted: catalog.deleted.clone(),
        ..Kept::default()
    };
    for table in &catalog.tables {
        let same = match standard.table(&table.logical) {
            Some(old) => {
                serde_json::to_value(&old.description).map_err(encode)?
                    == serde_json::to_value(&table.description).map_err(encode)?
            }
            None => false,
        };
        if !same {
            kept.tables.push(table.description.clone());
        }
    }
    for table in &standard.tables {
        if catalog.table(&table.logical).is_none() {
            kept.removed.insert(table.logical.clone());
        }
    }
    let text = serde_json::to_string(&kept).map_err(encode)?;
    Statement::new("DELETE FROM practice_schema")
        .query()
        .execute(&mut *connection)
        .await?;
    Statement::new("INSERT INTO practice_schema (kept) VALUES (?)")
        .with(text)
        .query()
        .execute(connection)
        .await?;
    Ok(Box::leak(Box::new(catalog)))
}
