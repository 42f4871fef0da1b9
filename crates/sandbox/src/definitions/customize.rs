//! Changes to the schema while the organization runs (protocol page `metadata.md`, section "Writing metadata"). A change is in
//! force when its answer is there.
//!
//! Here: which request is which change, and columns. `tables`, `keys`, `relating`, `options`: the others.

use sandbox_syntax::path::{self, Key, Segment};
use serde_json::Value as Json;
use uuid::Uuid;

use super::options;
use super::reading::{self, label, refused, relabel, text};
use super::subject::metadata_id;
use super::{keys, relating, tables};
use crate::api::{Call, tracking};
use crate::errors::{ApiError, REQUEST};
use crate::json;
use crate::messages;
use crate::metadata::description::{ColumnDescription, TableDescription};
use crate::metadata::schema::{Change, keep};
use crate::metadata::{Catalog, DeletedKind};
use crate::server::Answer;
use crate::store;

const ACTIONS: [&str; 8] = [
    "CreateEntities",
    "ReactivateEntityKey",
    "OrderOption",
    "InsertOptionValue",
    "UpdateOptionValue",
    "DeleteOptionValue",
    "PublishXml",
    "PublishAllXml",
];

/// Does a request change the schema? In a change set it cannot.
pub(crate) fn is_change(call: &Call<'_>) -> bool {
    let first = call.request.resource.split(['/', '(']).next();
    let first = first.unwrap_or_default();
    call.request.method != "GET" && super::is_metadata(first) || ACTIONS.contains(&first)
}

/// What a change answers.
pub(super) enum Done {
    /// Where the new piece of metadata is.
    Made(String),
    Value(i64),
    Nothing,
}

/// Makes a change and takes it into force.
pub(crate) async fn run(call: &Call<'_>) -> Result<Answer, ApiError> {
    if !call.caller.may_customize() {
        return Err(ApiError::new(
            403,
            "0x80040220",
            format!(
                "Principal user (Id={}, type=8) is missing prvCreateAttribute privilege. Only a System Administrator changes \
                 the schema.",
                call.caller.id
            ),
        ));
    }
    let body: Json = if call.request.body.is_empty() {
        Json::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(&call.request.body)
            .map_err(|error| refused(format!("Invalid JSON. {error}")))?
    };
    let segments = path::segments(&call.request.resource)?;
    let mut transaction = call.organization.store.write().await?;
    // Behind the lock of the transaction nobody else changes the schema.
    let before = call.organization.schema.current();
    let mut change = Change::of(before);
    let done = changed(call, before, &mut change, &segments, &body)?;
    if !change.changed.is_empty() || !change.deleted.is_empty() {
        keys::index(&mut transaction, before, &mut change).await?;
        let after = keep(&mut transaction, before, change).await?;
        for table in &before.tables {
            let Some(left) = after.table(&table.logical) else {
                store::drop_table(&mut transaction, table).await?;
                tracking::forget(&mut transaction, table).await?;
                messages::withdraw(&mut transaction, table).await?;
                continue;
            };
            for column in &table.columns {
                if left.column(&column.name).is_none() {
                    store::drop_column(&mut transaction, table, column).await?;
                }
            }
        }
        for table in &after.tables {
            store::shape(&mut transaction, table).await?;
            if before.table(&table.logical).is_none() {
                tracking::remember(&mut transaction, table).await?;
                let version = call.organization.store.next_version();
                messages::offer(&mut transaction, table, version).await?;
            }
        }
        transaction.commit().await?;
        call.organization.schema.adopt(after);
    }
    Ok(match done {
        Done::Made(place) => Answer::empty(204)
            .header("odata-version", "4.0")
            .header("odata-entityid", format!("{}/{place}", call.request.base)),
        Done::Nothing => Answer::empty(204).header("odata-version", "4.0"),
        Done::Value(value) => call.json(
            200,
            json::Json::Object(vec![
                (
                    "@odata.context".to_owned(),
                    json::Json::Text(format!(
                        "{}/$metadata#Microsoft.Dynamics.CRM.InsertOptionValueResponse",
                        call.request.base
                    )),
                ),
                (
                    "NewOptionValue".to_owned(),
                    json::Json::Number(value.to_string()),
                ),
            ]),
        ),
    })
}

pub(super) fn column_id(table: &str, column: &str) -> Uuid {
    metadata_id("column", &format!("{table}/{column}"))
}

/// Does a key in parentheses name this piece of metadata?
pub(super) fn names(
    key: Option<&str>,
    property: &str,
    name: &str,
    id: Uuid,
) -> Result<bool, ApiError> {
    let Some(key) = key else {
        return Ok(false);
    };
    Ok(match path::key(key)? {
        Key::Primary(wanted) => wanted == id.to_string(),
        Key::Named(parts) => {
            if parts
                .iter()
                .any(|(key, value)| value.is_quoted == (key == "MetadataId"))
            {
                return Err(ApiError::request("Bad Request - Error in query syntax."));
            }
            parts.iter().any(|(key, value)| {
                key == property && value.text.eq_ignore_ascii_case(name)
                    || key == "MetadataId" && value.text.eq_ignore_ascii_case(&id.to_string())
            })
        }
    })
}

pub(super) fn table_of<'t>(
    tables: &'t mut [TableDescription],
    key: Option<&str>,
) -> Result<&'t mut TableDescription, ApiError> {
    for table in tables {
        let id = metadata_id("table", &table.logical_name);
        if names(key, "LogicalName", &table.logical_name, id)? {
            return Ok(table);
        }
    }
    Err(ApiError::new(
        404,
        REQUEST,
        format!(
            "Could not find an entity with specified entity name: {}",
            key.unwrap_or_default()
        ),
    ))
}

fn no_column(key: &str) -> ApiError {
    ApiError::new(
        404,
        REQUEST,
        format!("Could not find an attribute with specified attribute name: {key}"),
    )
}

fn changed(
    call: &Call<'_>,
    before: &Catalog,
    change: &mut Change,
    segments: &[Segment],
    body: &Json,
) -> Result<Done, ApiError> {
    let path: Vec<(&str, Option<&str>)> = segments
        .iter()
        .map(|segment| (segment.name.as_str(), segment.key.as_deref()))
        .filter(|(name, _)| !name.starts_with("Microsoft.Dynamics.CRM."))
        .collect();
    let merge = call
        .request
        .header("mscrm.mergelabels")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    match (call.request.method.as_str(), path.as_slice()) {
        ("POST", [("PublishXml" | "PublishAllXml", _)]) => Ok(Done::Nothing),
        ("POST", [("InsertOptionValue", _)]) => options::insert(change, body),
        ("POST", [("UpdateOptionValue", _)]) => options::relabel_one(change, body),
        ("POST", [("DeleteOptionValue", _)]) => options::remove(change, body),
        ("POST", [("OrderOption", _)]) => options::order(change, body),
        ("POST", [("GlobalOptionSetDefinitions", None)]) => options::make(change, body),
        ("PUT", [("GlobalOptionSetDefinitions", key @ Some(_))]) => {
            options::put(change, *key, body, merge)
        }
        ("DELETE", [("GlobalOptionSetDefinitions", key @ Some(_))]) => {
            options::delete(change, *key)
        }
        ("POST", [("EntityDefinitions", None)]) => {
            let id = tables::make(change, body)?;
            Ok(Done::Made(format!("EntityDefinitions({id})")))
        }
        // The form in which the Python client makes tables. What it answers is not documented.
        ("POST", [("CreateEntities", _)]) => {
            let listed = body.get("Entities").and_then(Json::as_array);
            for described in listed.ok_or_else(|| refused("The Entities are missing."))? {
                tables::make(change, described)?;
            }
            Ok(Done::Nothing)
        }
        ("DELETE", [("EntityDefinitions", key @ Some(_))]) => tables::delete(change, *key),
        ("POST", [("EntityDefinitions", table), ("Keys", None)]) => {
            keys::make(change, *table, body)
        }
        ("DELETE", [("EntityDefinitions", table), ("Keys", key @ Some(_))]) => {
            keys::delete(change, *table, *key)
        }
        ("POST", [("ReactivateEntityKey", _)]) => keys::reactivate(change, body),
        ("POST", [("EntityDefinitions", table), ("Attributes", None)]) => {
            let table = table_of(&mut change.tables, *table)?;
            let column = reading::column(&table.logical_name, body, &change.choices)?;
            let id = add_column(table, column)?;
            let of = metadata_id("table", &table.logical_name);
            change.changed.push(id);
            Ok(Done::Made(format!(
                "EntityDefinitions({of})/Attributes({id})"
            )))
        }
        ("PUT", [("EntityDefinitions", table), ("Attributes", key @ Some(_))]) => {
            let table = table_of(&mut change.tables, *table)?;
            let name = table.logical_name.clone();
            for column in &mut table.attributes {
                let id = column_id(&name, &column.logical_name);
                if names(*key, "LogicalName", &column.logical_name, id)? {
                    put_column(column, body, merge);
                    change.changed.push(id);
                    return Ok(Done::Nothing);
                }
            }
            Err(no_column(key.unwrap_or_default()))
        }
        ("DELETE", [("EntityDefinitions", table), ("Attributes", key @ Some(_))]) => {
            let table = table_of(&mut change.tables, *table)?;
            delete_column(table, *key, &mut change.deleted)
        }
        ("PUT", [("EntityDefinitions", table)]) => {
            let table = table_of(&mut change.tables, *table)?;
            relabel(&mut table.display_name, label(body, "DisplayName"), merge);
            relabel(
                &mut table.display_collection_name,
                label(body, "DisplayCollectionName"),
                merge,
            );
            relabel(&mut table.description, label(body, "Description"), merge);
            change
                .changed
                .push(metadata_id("table", &table.logical_name));
            Ok(Done::Nothing)
        }
        ("POST", [("RelationshipDefinitions", None)]) => relating::relate(before, change, body),
        ("DELETE", [("RelationshipDefinitions", key @ Some(_))]) => relating::delete(change, *key),
        _ => Err(call.wrong_method()),
    }
}

pub(super) fn add_column(
    table: &mut TableDescription,
    column: ColumnDescription,
) -> Result<Uuid, ApiError> {
    let name = column.logical_name.as_str();
    // The database's names do not tell case apart, and a look-up's second column has its own.
    let taken = table
        .attributes
        .iter()
        .any(|known| known.logical_name == name || format!("{}__type", known.logical_name) == name);
    if taken {
        return Err(ApiError::new(
            400,
            "0x80047013",
            format!("An attribute with the specified name {name} already exists"),
        ));
    }
    let id = column_id(&table.logical_name, name);
    table.attributes.push(column);
    Ok(id)
}

/// PUT takes the whole definition; what can be altered of a column is altered.
fn put_column(column: &mut ColumnDescription, body: &Json, merge: bool) {
    relabel(&mut column.display_name, label(body, "DisplayName"), merge);
    relabel(&mut column.description, label(body, "Description"), merge);
    if let Some(level) = text(body, "RequiredLevel")
        && column.required_level != "SystemRequired"
    {
        level.clone_into(&mut column.required_level);
    }
    let longer = body.get("MaxLength").and_then(Json::as_u64);
    let longer = longer.and_then(|length| usize::try_from(length).ok());
    if column.max_length.is_some() && longer.is_some() {
        column.max_length = longer;
    }
}

pub(super) fn delete_column(
    table: &mut TableDescription,
    key: Option<&str>,
    deleted: &mut Vec<(DeletedKind, Uuid)>,
) -> Result<Done, ApiError> {
    let mut found = None;
    for column in &table.attributes {
        let id = column_id(&table.logical_name, &column.logical_name);
        if names(key, "LogicalName", &column.logical_name, id)? {
            found = Some((column.logical_name.clone(), column.is_custom_attribute, id));
        }
    }
    let (name, custom, id) = found.ok_or_else(|| no_column(key.unwrap_or_default()))?;
    let in_key = table
        .alternate_keys
        .iter()
        .any(|key| key.key_attributes.contains(&name));
    let special = [
        Some(&table.primary_id_attribute),
        table.primary_name_attribute.as_ref(),
    ];
    if !custom || in_key || special.contains(&Some(&name)) {
        return Err(ApiError::new(
            400,
            "0x8004f01f",
            format!(
                "The Attribute({id}) component cannot be deleted because it is referenced by other components or is part of \
                 the system."
            ),
        ));
    }
    table
        .attributes
        .retain(|column| column.logical_name != name);
    table.many_to_one_relationships.retain(|parent| {
        if parent.referencing_attribute == name {
            let id = metadata_id("relationship", &parent.schema_name);
            deleted.push((DeletedKind::Relationship, id));
        }
        parent.referencing_attribute != name
    });
    deleted.push((DeletedKind::Attribute, id));
    Ok(Done::Nothing)
}
