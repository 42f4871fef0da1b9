//! Options of choices, and global choices that clients make, alter and delete.

use serde_json::Value as Json;
use uuid::Uuid;

use super::customize::{Done, column_id, names};
use super::reading::{self, label, refused, relabel, text};
use super::subject::metadata_id;
use crate::errors::{ApiError, REQUEST};
use crate::metadata::DeletedKind;
use crate::metadata::description::{ChoicesDescription, Label, OptionDescription};
use crate::metadata::schema::Change;

fn no_option() -> ApiError {
    refused("The option value does not exist.")
}

/// The columns that use a global choice.
fn users(change: &Change, name: &str) -> Vec<Uuid> {
    let users = change.tables.iter().flat_map(|table| {
        let columns = table.attributes.iter().filter(|column| {
            let set = column.option_set.as_ref();
            set.is_some_and(|set| set.is_global && set.name == name)
        });
        columns.map(|column| column_id(&table.logical_name, &column.logical_name))
    });
    users.collect()
}

/// The choice that an option action names: a global one, or a column's own.
fn choice_of<'c>(
    change: &'c mut Change,
    body: &Json,
) -> Result<&'c mut ChoicesDescription, ApiError> {
    if let Some(name) = text(body, "OptionSetName").filter(|name| !name.is_empty()) {
        let at = change.choices.iter().position(|set| set.name == name);
        let at =
            at.ok_or_else(|| refused(format!("Could not find optionset with name: {name}")))?;
        let users = users(change, name);
        change.changed.extend(users);
        change.changed.push(metadata_id("choices", name));
        return change.choices.get_mut(at).ok_or_else(no_option);
    }
    let (table, column) = (
        text(body, "EntityLogicalName").unwrap_or_default(),
        text(body, "AttributeLogicalName").unwrap_or_default(),
    );
    change.changed.push(column_id(table, column));
    change
        .tables
        .iter_mut()
        .find(|known| known.logical_name == table)
        .and_then(|known| {
            let mut columns = known.attributes.iter_mut();
            columns.find(|known| known.logical_name == column)
        })
        .and_then(|column| column.option_set.as_mut())
        .filter(|set| !set.is_global)
        .ok_or_else(|| {
            refused(format!(
                "The attribute {table}.{column} has no local options."
            ))
        })
}

pub(super) fn insert(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let set = choice_of(change, body)?;
    let highest = set.options.iter().map(|option| option.value).max();
    let next = highest.unwrap_or(0).max(99_999_999) + 1;
    let value = body.get("Value").and_then(Json::as_i64).unwrap_or(next);
    if set.options.iter().any(|option| option.value == value) {
        return Err(refused(format!("The option value {value} exists already.")));
    }
    set.options.push(OptionDescription {
        value,
        label: label(body, "Label").unwrap_or_else(|| Label::english(value.to_string())),
        state: None,
        default_status: None,
        color: None,
    });
    Ok(Done::Value(value))
}

fn alter_option(
    change: &mut Change,
    body: &Json,
    alter: impl FnOnce(&mut Vec<OptionDescription>, usize) -> Result<(), ApiError>,
) -> Result<Done, ApiError> {
    let value = body.get("Value").and_then(Json::as_i64);
    let set = choice_of(change, body)?;
    let at = set
        .options
        .iter()
        .position(|option| Some(option.value) == value)
        .ok_or_else(no_option)?;
    alter(&mut set.options, at)?;
    Ok(Done::Nothing)
}

/// `UpdateOptionValue`: a new label.
pub(super) fn relabel_one(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let merge = body.get("MergeLabels").and_then(Json::as_bool);
    alter_option(change, body, |options, at| {
        let option = options.get_mut(at).ok_or_else(no_option)?;
        relabel(
            &mut option.label,
            label(body, "Label"),
            merge.unwrap_or(false),
        );
        Ok(())
    })
}

/// `DeleteOptionValue`
pub(super) fn remove(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    alter_option(change, body, |options, at| {
        options.remove(at);
        Ok(())
    })
}

/// `OrderOption`: all values in their new order.
pub(super) fn order(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let values = body.get("Values").and_then(Json::as_array);
    let values: Vec<i64> = values
        .into_iter()
        .flatten()
        .filter_map(Json::as_i64)
        .collect();
    let set = choice_of(change, body)?;
    let mut wanted = values.clone();
    wanted.sort_unstable();
    let mut known: Vec<i64> = set.options.iter().map(|option| option.value).collect();
    known.sort_unstable();
    if wanted != known {
        return Err(refused(
            "The Values must be all values of the choice, each once.",
        ));
    }
    let place = |option: &OptionDescription| values.iter().position(|value| *value == option.value);
    set.options.sort_by_key(place);
    Ok(Done::Nothing)
}

/// Makes a global choice.
pub(super) fn make(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let name = reading::prefixed(body, "Name")?;
    let kind = text(body, "OptionSetType").unwrap_or("Picklist");
    if kind != "Picklist" {
        return Err(ApiError::not_simulated(format!(
            "making a global choice of type '{kind}'"
        )));
    }
    if change
        .choices
        .iter()
        .any(|known| known.name.eq_ignore_ascii_case(&name))
    {
        return Err(ApiError::new(
            400,
            "0x80048403",
            format!("An option set with the name '{name}' exists already."),
        ));
    }
    let id = metadata_id("choices", &name);
    change.choices.push(ChoicesDescription {
        display_name: label(body, "DisplayName").unwrap_or_default(),
        description: label(body, "Description").unwrap_or_default(),
        is_global: true,
        is_custom_option_set: true,
        option_set_type: kind.to_owned(),
        options: reading::options(body)?,
        name,
    });
    change.changed.push(id);
    Ok(Done::Made(format!("GlobalOptionSetDefinitions({id})")))
}

/// The place of the global choice that a key in parentheses names.
fn global(change: &Change, key: Option<&str>) -> Result<usize, ApiError> {
    for (at, set) in change.choices.iter().enumerate() {
        if names(key, "Name", &set.name, metadata_id("choices", &set.name))? {
            return Ok(at);
        }
    }
    Err(ApiError::new(
        404,
        REQUEST,
        format!(
            "Could not find optionset with name: {}",
            key.unwrap_or_default()
        ),
    ))
}

/// PUT alters a global choice's own labels; options have actions of their own.
pub(super) fn put(
    change: &mut Change,
    key: Option<&str>,
    body: &Json,
    merge: bool,
) -> Result<Done, ApiError> {
    let at = global(change, key)?;
    let set = change.choices.get_mut(at).ok_or_else(no_option)?;
    relabel(&mut set.display_name, label(body, "DisplayName"), merge);
    relabel(&mut set.description, label(body, "Description"), merge);
    change.changed.push(metadata_id("choices", &set.name));
    Ok(Done::Nothing)
}

/// Deletes a global choice that no column uses.
pub(super) fn delete(change: &mut Change, key: Option<&str>) -> Result<Done, ApiError> {
    let at = global(change, key)?;
    let set = change.choices.get(at).ok_or_else(no_option)?;
    let id = metadata_id("choices", &set.name);
    let users = users(change, &set.name).len();
    if !set.is_custom_option_set || users > 0 {
        return Err(ApiError::new(
            400,
            "0x8004f01f",
            format!(
                "The OptionSet({id}) component cannot be deleted because it is referenced by {users} other components or is \
                 part of the system."
            ),
        ));
    }
    change.choices.remove(at);
    change.deleted.push((DeletedKind::OptionSet, id));
    Ok(Done::Nothing)
}
