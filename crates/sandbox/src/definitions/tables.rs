//! Tables that clients make and delete (protocol page `metadata.md`, section "Writing metadata").

use serde::Deserialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::customize::{Done, add_column, column_id, table_of};
use super::reading::{self, label, refused, text};
use super::subject::metadata_id;
use crate::errors::ApiError;
use crate::metadata::description::{
    ColumnDescription, NavigationDescription, ParentDescription, TableDescription,
};
use crate::metadata::schema::Change;
use crate::metadata::{DeletedKind, OnDelete};

/// The columns and relationships that every table has; `{table}` stands for its logical name.
const EVERY_TABLE: &str = include_str!("../../metadata/every_table.json");

/// Type codes of custom tables are greater.
const LAST_STANDARD_CODE: i64 = 10_000;

const PRIVILEGES: [&str; 8] = [
    "Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EveryTable {
    attributes: Vec<ColumnDescription>,
    many_to_one_relationships: Vec<ParentDescription>,
}

/// Makes a table with its primary name column, and further columns if the definition has them.
pub(super) fn make(change: &mut Change, body: &Json) -> Result<Uuid, ApiError> {
    let schema_name = reading::schema_name(body)?;
    let logical_name = schema_name.to_ascii_lowercase();
    let flag = |member: &str| {
        let given = reading::value(body, member);
        given.and_then(Json::as_bool).unwrap_or(false)
    };
    for unknown in ["IsActivity", "HasActivities"] {
        if flag(unknown) {
            return Err(ApiError::not_simulated(format!(
                "making a table with {unknown}"
            )));
        }
    }
    let ownership = text(body, "OwnershipType").unwrap_or("UserOwned");
    let user_owned = match ownership {
        "UserOwned" => true,
        "OrganizationOwned" => false,
        other => {
            return Err(refused(format!(
                "The OwnershipType '{other}' is not valid for a new table."
            )));
        }
    };
    let collection = plural(&logical_name);
    let set = text(body, "EntitySetName")
        .unwrap_or(&collection)
        .to_owned();
    let taken = |known: &TableDescription| {
        known.logical_name == logical_name || known.entity_set_name.eq_ignore_ascii_case(&set)
    };
    if change.tables.iter().any(taken) {
        return Err(ApiError::new(
            400,
            "0x80044363",
            format!("An entity with the specified name {schema_name} already exists."),
        ));
    }
    let (names, others) = named(body)?;
    let EveryTable {
        mut attributes,
        mut many_to_one_relationships,
    } = serde_json::from_str(&EVERY_TABLE.replace("{table}", &logical_name)).map_err(|error| {
        tracing::error!(%error, "the columns of every table cannot be read");
        ApiError::unexpected()
    })?;
    if !user_owned {
        let owner = |name: &str| name == "ownerid" || name.starts_with("owning");
        attributes.retain(|column| !owner(&column.logical_name));
        many_to_one_relationships.retain(|parent| !owner(&parent.referencing_attribute));
    }
    let id = format!("{logical_name}id");
    attributes.push(ColumnDescription {
        logical_name: id.clone(),
        schema_name: format!("{schema_name}Id"),
        display_name: label(body, "DisplayName").unwrap_or_default(),
        attribute_type: "Uniqueidentifier".to_owned(),
        attribute_type_name: "UniqueidentifierType".to_owned(),
        edm_type: Some("Edm.Guid".to_owned()),
        required_level: "SystemRequired".to_owned(),
        is_valid_for_create: true,
        ..ColumnDescription::default()
    });
    let highest = change.tables.iter().map(|table| table.object_type_code);
    let mut table = TableDescription {
        object_type_code: highest.max().unwrap_or(0).max(LAST_STANDARD_CODE) + 1,
        logical_collection_name: collection,
        entity_set_name: set,
        ownership_type: ownership.to_owned(),
        primary_id_attribute: id,
        primary_name_attribute: None,
        display_name: label(body, "DisplayName").unwrap_or_default(),
        display_collection_name: label(body, "DisplayCollectionName").unwrap_or_default(),
        description: label(body, "Description").unwrap_or_default(),
        is_activity: false,
        is_custom_entity: true,
        is_intersect: false,
        change_tracking_enabled: flag("ChangeTrackingEnabled"),
        is_optimistic_concurrency_enabled: true,
        has_notes: flag("HasNotes"),
        has_activities: false,
        is_duplicate_detection_enabled: flag("IsDuplicateDetectionEnabled"),
        privileges: PRIVILEGES
            .iter()
            .map(|privilege| format!("prv{privilege}{schema_name}"))
            .collect(),
        alternate_keys: Vec::new(),
        attributes,
        many_to_one_relationships,
        one_to_many_relationships: Vec::new(),
        logical_name,
        schema_name,
    };
    let name = reading::column(&table.logical_name, names, &change.choices)?;
    if name.attribute_type != "String" {
        return Err(refused("The primary name of a table is a text."));
    }
    table.primary_name_attribute = Some(name.logical_name.clone());
    add_column(&mut table, name)?;
    for described in others {
        let column = reading::column(&table.logical_name, described, &change.choices)?;
        add_column(&mut table, column)?;
    }
    if table.has_notes {
        take_notes(change, &table);
    }
    let id = metadata_id("table", &table.logical_name);
    change.changed.push(id);
    let columns = table.attributes.iter();
    change
        .changed
        .extend(columns.map(|column| column_id(&table.logical_name, &column.logical_name)));
    let parents = table.many_to_one_relationships.iter();
    change
        .changed
        .extend(parents.map(|parent| metadata_id("relationship", &parent.schema_name)));
    change.tables.push(table);
    Ok(id)
}

/// The definition of the primary name column, and those of the others.
fn named(body: &Json) -> Result<(&Json, Vec<&Json>), ApiError> {
    let listed = body.get("Attributes").and_then(Json::as_array);
    let (mut names, others): (Vec<&Json>, Vec<&Json>) = listed
        .into_iter()
        .flatten()
        .partition(|column| column.get("IsPrimaryName").and_then(Json::as_bool) == Some(true));
    match (names.pop(), names.is_empty()) {
        (Some(name), true) => Ok((name, others)),
        (Some(_) | None, _) => Err(refused(
            "The Attributes of a new table have exactly one with IsPrimaryName.",
        )),
    }
}

/// The plural by which the collection is called.
fn plural(name: &str) -> String {
    let sibilant = ["s", "x", "z", "ch", "sh"];
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        Some(_) | None if sibilant.iter().any(|end| name.ends_with(end)) => format!("{name}es"),
        Some(_) | None => format!("{name}s"),
    }
}

/// Lets notes be about rows of a new table.
fn take_notes(change: &mut Change, table: &TableDescription) {
    let mut tables = change.tables.iter_mut();
    let Some(notes) = tables.find(|known| known.logical_name == "annotation") else {
        return;
    };
    let mut columns = notes.attributes.iter_mut();
    let Some(about) = columns.find(|column| column.logical_name == "objectid") else {
        return;
    };
    let navigation = format!("objectid_{}", table.logical_name);
    about.targets.push(table.logical_name.clone());
    about.navigation_properties.push(NavigationDescription {
        name: navigation.clone(),
        target: table.logical_name.clone(),
        inherited_name: None,
    });
    let schema_name = format!("{}_Annotations", table.logical_name);
    change.changed.extend([
        column_id("annotation", "objectid"),
        metadata_id("relationship", &schema_name),
    ]);
    notes.many_to_one_relationships.push(ParentDescription {
        referenced_entity_navigation_property_name: schema_name.clone(),
        schema_name,
        referencing_attribute: "objectid".to_owned(),
        referenced_entity: table.logical_name.clone(),
        referenced_attribute: table.primary_id_attribute.clone(),
        referencing_entity_navigation_property_name: navigation,
        cascade_delete: Some(OnDelete::Cascade),
    });
}

/// Deletes a table with its rows and the notes about them. One to which other tables' look-ups point stays.
pub(super) fn delete(change: &mut Change, key: Option<&str>) -> Result<Done, ApiError> {
    let table = table_of(&mut change.tables, key)?;
    let (name, custom) = (table.logical_name.clone(), table.is_custom_entity);
    let id = metadata_id("table", &name);
    let dependent = change
        .tables
        .iter()
        .filter(|other| other.logical_name != name && other.logical_name != "annotation")
        .flat_map(|other| &other.many_to_one_relationships)
        .filter(|parent| parent.referenced_entity == name)
        .count();
    if !custom || dependent > 0 {
        return Err(ApiError::new(
            400,
            "0x8004f01f",
            format!(
                "The Entity({id}) component cannot be deleted because it is referenced by {dependent} other components or is \
                 part of the system."
            ),
        ));
    }
    change.tables.retain(|table| table.logical_name != name);
    for other in &mut change.tables {
        for column in &mut other.attributes {
            column.targets.retain(|target| *target != name);
            let navigation = &mut column.navigation_properties;
            navigation.retain(|navigation| navigation.target != name);
        }
        let parents = &mut other.many_to_one_relationships;
        parents.retain(|parent| parent.referenced_entity != name);
    }
    change.deleted.push((DeletedKind::Entity, id));
    Ok(Done::Nothing)
}
