//! Alternate keys that clients make and delete (protocol page `metadata.md`; limits of "Define alternate keys").
//!
//! A key's index is there with the answer. Where rows stand in its way the index has failed, and the key cannot be used until
//! `ReactivateEntityKey` finds them gone.

use serde_json::Value as Json;
use sqlx::SqliteConnection;

use super::customize::{Done, names, table_of};
use super::reading::{self, label, refused, text};
use super::subject::metadata_id;
use crate::errors::{ApiError, REQUEST};
use crate::metadata::Catalog;
use crate::metadata::description::{KeyDescription, TableDescription};
use crate::metadata::schema::Change;
use crate::value::Statement;

/// A table has no more keys.
const MOST_KEYS: usize = 10;
/// A key has no more columns.
const MOST_COLUMNS: usize = 16;
/// The types of columns that a key may have.
const TYPES: [&str; 6] = [
    "Decimal", "Integer", "String", "DateTime", "Lookup", "Picklist",
];

fn key_id(table: &TableDescription, key: &str) -> uuid::Uuid {
    metadata_id("key", &format!("{}/{key}", table.logical_name))
}

/// `POST EntityDefinitions(…)/Keys`
pub(super) fn make(
    change: &mut Change,
    table: Option<&str>,
    body: &Json,
) -> Result<Done, ApiError> {
    let table = table_of(&mut change.tables, table)?;
    let schema_name = reading::schema_name(body)?;
    let logical_name = schema_name.to_ascii_lowercase();
    if table
        .alternate_keys
        .iter()
        .any(|key| key.logical_name == logical_name)
    {
        return Err(ApiError::new(
            400,
            "0x80060893",
            format!(
                "An entity key with the name {schema_name} already exists on entity {}.",
                table.logical_name
            ),
        ));
    }
    let key_attributes: Vec<String> = body
        .get("KeyAttributes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if key_attributes.is_empty() || key_attributes.len() > MOST_COLUMNS {
        return Err(refused(format!(
            "The KeyAttributes of a key are 1 to {MOST_COLUMNS} columns."
        )));
    }
    for (at, name) in key_attributes.iter().enumerate() {
        let mut columns = table.attributes.iter();
        let column = columns
            .find(|column| column.logical_name == *name)
            .ok_or_else(|| {
                refused(format!(
                    "The attribute {name} does not exist on entity {}.",
                    table.logical_name
                ))
            })?;
        let twice = key_attributes
            .iter()
            .skip(at + 1)
            .any(|other| other == name);
        if twice || !TYPES.contains(&column.attribute_type.as_str()) {
            return Err(refused(format!(
                "The attribute {name} of type {} cannot be used here in an entity key.",
                column.attribute_type
            )));
        }
    }
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    let same = |key: &KeyDescription| sorted(&key.key_attributes) == sorted(&key_attributes);
    if table.alternate_keys.len() >= MOST_KEYS || table.alternate_keys.iter().any(same) {
        return Err(refused(format!(
            "Entity {} has {MOST_KEYS} keys already, or one of these columns.",
            table.logical_name
        )));
    }
    let id = key_id(table, &logical_name);
    let of = metadata_id("table", &table.logical_name);
    change
        .to_index
        .push((table.logical_name.clone(), logical_name.clone()));
    table.alternate_keys.push(KeyDescription {
        display_name: label(body, "DisplayName"),
        schema_name: Some(schema_name),
        logical_name,
        key_attributes,
        failed: false,
    });
    change.changed.extend([of, id]);
    Ok(Done::Made(format!("EntityDefinitions({of})/Keys({id})")))
}

/// `DELETE EntityDefinitions(…)/Keys(…)`
pub(super) fn delete(
    change: &mut Change,
    table: Option<&str>,
    key: Option<&str>,
) -> Result<Done, ApiError> {
    let table = table_of(&mut change.tables, table)?;
    let mut found = None;
    for (at, known) in table.alternate_keys.iter().enumerate() {
        let id = key_id(table, &known.logical_name);
        if names(key, "LogicalName", &known.logical_name, id)? {
            found = Some(at);
        }
    }
    let at = found.ok_or_else(|| no_key(key.unwrap_or_default()))?;
    table.alternate_keys.remove(at);
    let of = metadata_id("table", &table.logical_name);
    change.changed.push(of);
    Ok(Done::Nothing)
}

/// `ReactivateEntityKey`
pub(super) fn reactivate(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let name = text(body, "EntityKeyLogicalName").unwrap_or_default();
    let of = text(body, "EntityLogicalName").unwrap_or_default();
    let table = change
        .tables
        .iter()
        .find(|table| table.logical_name == of)
        .filter(|table| {
            let mut keys = table.alternate_keys.iter();
            keys.any(|key| key.logical_name == name)
        })
        .ok_or_else(|| no_key(name))?;
    change.changed.push(key_id(table, name));
    change.to_index.push((of.to_owned(), name.to_owned()));
    Ok(Done::Nothing)
}

fn no_key(name: &str) -> ApiError {
    ApiError::new(
        404,
        REQUEST,
        format!("Could not find an entity key with the specified name: {name}"),
    )
}

/// Finds out for keys that were made or reactivated whether rows stand in their way: two with the same values.
pub(super) async fn index(
    connection: &mut SqliteConnection,
    before: &Catalog,
    change: &mut Change,
) -> Result<(), ApiError> {
    for (of, name) in &change.to_index {
        let Some(table) = change
            .tables
            .iter_mut()
            .find(|table| table.logical_name == *of)
        else {
            continue;
        };
        let Some(key) = table
            .alternate_keys
            .iter_mut()
            .find(|key| key.logical_name == *name)
        else {
            continue;
        };
        // A table that is being made has no rows.
        if before.table(of).is_none() {
            continue;
        }
        let there: Vec<String> = key
            .key_attributes
            .iter()
            .map(|column| format!("{column} IS NOT NULL"))
            .collect();
        let twins = Statement::new(format!(
            "SELECT 1 FROM {of} WHERE {} GROUP BY {} HAVING COUNT(*) > 1 LIMIT 1",
            there.join(" AND "),
            key.key_attributes.join(", ")
        ));
        key.failed = twins
            .query()
            .fetch_optional(&mut *connection)
            .await?
            .is_some();
    }
    Ok(())
}
