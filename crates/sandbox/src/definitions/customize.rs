//! Changes to the schema while the organization runs: columns, look-ups by their relationships, options, publishing (protocol
//! page `metadata.md`, section "Writing metadata"). A change is in force when its answer is there.

use sandbox_syntax::path::{self, Key, Segment};
use serde_json::Value as Json;
use uuid::Uuid;

use super::reading::{self, label, refused, relabel, text};
use super::subject::metadata_id;
use crate::api::Call;
use crate::errors::{ApiError, REQUEST};
use crate::json;
use crate::metadata::description::{
    ChoicesDescription, ColumnDescription, Label, NavigationDescription, OptionDescription,
    ParentDescription, TableDescription,
};
use crate::metadata::schema::{Change, keep};
use crate::metadata::{Catalog, DeletedKind, OnDelete};
use crate::server::Answer;
use crate::store;

const ACTIONS: [&str; 5] = [
    "InsertOptionValue",
    "UpdateOptionValue",
    "DeleteOptionValue",
    "PublishXml",
    "PublishAllXml",
];

/// Does a request change the schema? In a batch it cannot.
pub(crate) fn is_change(call: &Call<'_>) -> bool {
    let first = call.request.resource.split(['/', '(']).next();
    let first = first.unwrap_or_default();
    call.request.method != "GET" && super::is_metadata(first) || ACTIONS.contains(&first)
}

/// What a change answers.
enum Done {
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
        let after = keep(&mut transaction, before, change).await?;
        for table in &before.tables {
            let left = after.table(&table.logical);
            for column in &table.columns {
                if left.is_some_and(|left| left.column(&column.name).is_none()) {
                    store::drop_column(&mut transaction, table, column).await?;
                }
            }
        }
        for table in &after.tables {
            store::shape(&mut transaction, table).await?;
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

fn column_id(table: &str, column: &str) -> Uuid {
    metadata_id("column", &format!("{table}/{column}"))
}

/// Does a key in parentheses name this piece of metadata?
fn names(key: Option<&str>, property: &str, name: &str, id: Uuid) -> Result<bool, ApiError> {
    let Some(key) = key else {
        return Ok(false);
    };
    Ok(match path::key(key)? {
        Key::Primary(wanted) => wanted == id.to_string(),
        Key::Named(parts) => parts.iter().any(|(key, value)| {
            key == property && value.eq_ignore_ascii_case(name)
                || key == "MetadataId" && value.eq_ignore_ascii_case(&id.to_string())
        }),
    })
}

fn table_of<'t>(
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
        ("POST", [("InsertOptionValue", _)]) => insert_option(change, body),
        ("POST", [("UpdateOptionValue", _)]) => {
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
        ("POST", [("DeleteOptionValue", _)]) => alter_option(change, body, |options, at| {
            options.remove(at);
            Ok(())
        }),
        ("POST", [("EntityDefinitions", table), ("Attributes", None)]) => {
            let table = table_of(&mut change.tables, *table)?;
            let column = reading::column(&table.logical_name, body)?;
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
        ("POST", [("RelationshipDefinitions", None)]) => relate(before, change, body),
        ("POST", [("EntityDefinitions", None)]) => Err(ApiError::not_simulated("making a table")),
        _ => Err(call.wrong_method()),
    }
}

fn add_column(table: &mut TableDescription, column: ColumnDescription) -> Result<Uuid, ApiError> {
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

fn delete_column(
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

/// A 1:N relationship makes the look-up that it goes by.
fn relate(before: &Catalog, change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let given = |member: &str| {
        text(body, member).ok_or_else(|| refused(format!("The {member} is missing.")))
    };
    let schema_name = reading::schema_name(body)?;
    let parent = before
        .table(given("ReferencedEntity")?)
        .ok_or_else(|| refused("The ReferencedEntity is not known."))?;
    let lookup = body
        .get("Lookup")
        .ok_or_else(|| refused("The Lookup is missing."))?;
    let lookup_schema = reading::schema_name(lookup)?;
    let logical_name = lookup_schema.to_ascii_lowercase();
    let known = change.tables.iter().any(|table| {
        let mut relationships = table.many_to_one_relationships.iter();
        relationships.any(|other| {
            other.schema_name.eq_ignore_ascii_case(&schema_name)
                || other.referenced_entity == parent.logical
                    && other.referenced_entity_navigation_property_name == schema_name
        })
    });
    if known {
        return Err(ApiError::new(
            400,
            "0x80044363",
            format!("A relationship with the name {schema_name} already exists."),
        ));
    }
    let child = given("ReferencingEntity")?;
    let table = change
        .tables
        .iter_mut()
        .find(|table| table.logical_name == child)
        .ok_or_else(|| refused("The ReferencingEntity is not known."))?;
    let column = ColumnDescription {
        logical_name: logical_name.clone(),
        schema_name: lookup_schema.clone(),
        display_name: label(lookup, "DisplayName").unwrap_or_default(),
        description: label(lookup, "Description").unwrap_or_default(),
        attribute_type: "Lookup".to_owned(),
        attribute_type_name: "LookupType".to_owned(),
        edm_type: Some("Edm.Guid".to_owned()),
        odata_property: Some(format!("_{logical_name}_value")),
        required_level: text(lookup, "RequiredLevel").unwrap_or("None").to_owned(),
        is_custom_attribute: true,
        is_valid_for_create: true,
        is_valid_for_update: true,
        targets: vec![parent.logical.clone()],
        navigation_properties: vec![NavigationDescription {
            name: lookup_schema.clone(),
            target: parent.logical.clone(),
            inherited_name: None,
        }],
        ..ColumnDescription::default()
    };
    let column_id = add_column(table, column)?;
    let cascade = body.get("CascadeConfiguration");
    let on_delete = match cascade.and_then(|cascade| text(cascade, "Delete")) {
        Some("Cascade") => OnDelete::Cascade,
        Some("Restrict") => OnDelete::Restrict,
        Some("NoCascade") => OnDelete::NoCascade,
        _ => OnDelete::RemoveLink,
    };
    table.many_to_one_relationships.push(ParentDescription {
        referenced_entity_navigation_property_name: schema_name.clone(),
        referencing_attribute: logical_name,
        referenced_entity: parent.logical.clone(),
        referenced_attribute: parent.id.clone(),
        referencing_entity_navigation_property_name: lookup_schema,
        cascade_delete: Some(on_delete),
        schema_name: schema_name.clone(),
    });
    let id = metadata_id("relationship", &schema_name);
    change.changed.extend([column_id, id]);
    Ok(Done::Made(format!("RelationshipDefinitions({id})")))
}

fn no_option() -> ApiError {
    refused("The option value does not exist.")
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
        let users = change.tables.iter().flat_map(|table| {
            let columns = table.attributes.iter().filter(|column| {
                let set = column.option_set.as_ref();
                set.is_some_and(|set| set.is_global && set.name == name)
            });
            columns.map(|column| column_id(&table.logical_name, &column.logical_name))
        });
        let mut ids: Vec<Uuid> = users.collect();
        ids.push(metadata_id("choices", name));
        change.changed.extend(ids);
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

fn insert_option(change: &mut Change, body: &Json) -> Result<Done, ApiError> {
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
