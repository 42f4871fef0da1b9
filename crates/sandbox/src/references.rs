//! References to rows: `@odata.bind`, `@odata.id`, `$id` (protocol page `crud.md`, section "`@odata.bind`").

use sandbox_syntax::path;
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;

use crate::api::{Call, keys};
use crate::batch;
use crate::errors::ApiError;
use crate::metadata::{Table, catalog};
use crate::security::Access;
use crate::store::{self, Fields};
use crate::value::Value;
use crate::write::clear;

/// The text of a reference.
pub(crate) fn text<'a>(
    table: &Table,
    name: &str,
    value: &'a JsonValue,
) -> Result<&'a str, ApiError> {
    value.as_str().ok_or_else(|| {
        ApiError::payload(
            table,
            format!("The value of '{name}' must be a resource reference."),
        )
    })
}

/// Sets the look-up behind a single-valued navigation property. Returns what the caller must be allowed to do to the row
/// that has it.
pub(crate) async fn bind(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    navigation: &str,
    value: &JsonValue,
    changes: &mut Fields,
) -> Result<Option<Access>, ApiError> {
    let Some((link, column)) = table.link(navigation) else {
        return Err(undeclared(table, navigation));
    };
    if value.is_null() {
        clear(table, column, changes)?;
        return Ok(None);
    }
    let reference = text(table, &format!("{navigation}@odata.bind"), value)?;
    let (target, id) = existing(call, connection, table, reference).await?;
    let fits = match link.target.as_str() {
        "owner" => ["systemuser", "team"].contains(&target.logical.as_str()),
        expected => target.logical == expected,
    };
    if !fits {
        return Err(misfit(table, navigation, reference));
    }
    let needed = if link.target != "owner" {
        call.caller.require(Access::Append, table)?;
        call.caller
            .require_row(connection, Access::AppendTo, target, &id)
            .await?;
        Some(Access::Append)
    } else {
        if id != call.caller.id {
            call.caller.require(Access::Assign, table)?;
            call.organization.directory.owner_reads(&id, table)?;
        }
        Some(Access::Assign)
    };
    changes.insert(column.name.clone(), Value::from(id));
    if column.is_polymorphic() {
        changes.insert(column.type_name(), Value::from(target.logical.as_str()));
    }
    Ok(needed)
}

/// 400 in the documented words for a navigation property that the table does not have.
pub(crate) fn undeclared(table: &Table, navigation: &str) -> ApiError {
    ApiError::payload(
        table,
        format!(
            "An undeclared property '{navigation}' which only has property annotations in the payload but no property \
             value was found in the payload. In OData, only declared navigation properties and declared named streams \
             can be represented as properties without values."
        ),
    )
}

/// 400: the row is of another table than the navigation property leads to.
pub(crate) fn misfit(table: &Table, navigation: &str, reference: &str) -> ApiError {
    ApiError::payload(
        table,
        format!(
            "The entity reference '{reference}' is not of the type that the navigation property '{navigation}' expects."
        ),
    )
}

/// The row that a reference names; 404 if there is none.
pub(crate) async fn existing(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &Table,
    reference: &str,
) -> Result<(&'static Table, String), ApiError> {
    let (target, named) = resolve(call, connection, table, reference).await?;
    let id = named.existing(target)?.to_owned();
    if store::load(connection, target, &id).await?.is_none() {
        return Err(ApiError::new(
            404,
            "0x80040217",
            format!("Entity '{}' With Id = {id} Does Not Exist", target.schema),
        ));
    }
    Ok((target, id))
}

/// What a reference names: absolute, with or without a leading slash, by any key, or `$1` in a change set.
pub(crate) async fn resolve(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &Table,
    reference: &str,
) -> Result<(&'static Table, keys::Named), ApiError> {
    let base = call.request.base.as_str();
    let path_base = base
        .strip_prefix(call.request.origin.as_str())
        .unwrap_or(base);
    let reference = batch::replaced(reference, call.references)?;
    let relative = [base, path_base]
        .iter()
        .find_map(|start| reference.strip_prefix(start))
        .unwrap_or(&reference);
    let segments = path::segments(relative)?;
    let [segment] = segments.as_slice() else {
        return Err(ApiError::payload(
            table,
            format!("The reference '{reference}' is not valid."),
        ));
    };
    let target = catalog()
        .set(&segment.name)
        .ok_or_else(|| ApiError::no_segment(&segment.name))?;
    let key = segment.key.as_deref().ok_or_else(|| {
        ApiError::payload(table, format!("The reference '{reference}' has no key."))
    })?;
    Ok((target, keys::named(connection, target, key).await?))
}
