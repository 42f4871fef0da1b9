//! 1:N relationships that clients make and delete, with the look-ups that they go by.

use serde_json::Value as Json;

use super::customize::{Done, add_column, delete_column, names};
use super::reading::{self, label, refused, text};
use super::subject::metadata_id;
use crate::errors::{ApiError, REQUEST};
use crate::metadata::description::{ColumnDescription, NavigationDescription, ParentDescription};
use crate::metadata::schema::Change;
use crate::metadata::{Catalog, OnDelete};

/// A 1:N relationship makes the look-up that it goes by.
pub(super) fn relate(before: &Catalog, change: &mut Change, body: &Json) -> Result<Done, ApiError> {
    let kind = body.get("@odata.type").and_then(Json::as_str);
    if kind.is_some_and(|kind| kind.ends_with("ManyToManyRelationshipMetadata")) {
        return Err(ApiError::not_simulated("making an N:N relationship"));
    }
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

/// A 1:N relationship goes together with the look-up that it goes by; those of the system stay.
pub(super) fn delete(change: &mut Change, key: Option<&str>) -> Result<Done, ApiError> {
    for table in &mut change.tables {
        for parent in &table.many_to_one_relationships {
            let id = metadata_id("relationship", &parent.schema_name);
            if names(key, "SchemaName", &parent.schema_name, id)? {
                let column = format!("LogicalName='{}'", parent.referencing_attribute);
                return delete_column(table, Some(&column), &mut change.deleted);
            }
        }
    }
    Err(ApiError::new(
        404,
        REQUEST,
        format!(
            "Could not find a relationship with the specified key: {}",
            key.unwrap_or_default()
        ),
    ))
}
