//! What is asked of the metadata endpoints, in their own words.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The simple properties of a table that are read.
pub(super) const TABLE: &[&str] = &[
    "LogicalName",
    "SchemaName",
    "EntitySetName",
    "PrimaryIdAttribute",
    "PrimaryNameAttribute",
    "ObjectTypeCode",
    "OwnershipType",
    "IsActivity",
    "ChangeTrackingEnabled",
    "IsOptimisticConcurrencyEnabled",
    "IsDuplicateDetectionEnabled",
    "DisplayName",
    "DisplayCollectionName",
];

/// The properties that every column has.
pub(super) const COLUMN: &[&str] = &[
    "LogicalName",
    "SchemaName",
    "AttributeType",
    "AttributeTypeName",
    "DisplayName",
    "RequiredLevel",
    "IsValidForCreate",
    "IsValidForUpdate",
    "IsValidForRead",
    "IsCustomAttribute",
    "AttributeOf",
];

/// The properties of a lookup's relationship.
pub(super) const MANY_TO_ONE: &[&str] = &[
    "SchemaName",
    "ReferencingAttribute",
    "ReferencedEntity",
    "ReferencedAttribute",
    "ReferencingEntityNavigationPropertyName",
    "ReferencedEntityNavigationPropertyName",
];

/// The properties of an N:N relationship.
pub(super) const MANY_TO_MANY: &[&str] = &[
    "SchemaName",
    "IntersectEntityName",
    "Entity1LogicalName",
    "Entity1NavigationPropertyName",
    "Entity2LogicalName",
    "Entity2NavigationPropertyName",
];

/// The properties of an alternate key.
pub(super) const KEY: &[&str] = &["LogicalName", "KeyAttributes", "EntityKeyIndexStatus"];

/// A type of column, what is read of it beyond [`COLUMN`], and what has to be expanded for that.
pub(super) struct Cast {
    pub name: &'static str,
    pub select: &'static str,
    pub expand: &'static str,
}

/// The types of columns that have properties of their own (protocol page `metadata.md`, section "Attributes").
pub(super) const CASTS: &[Cast] = &[
    cast("String", "MaxLength,Format,FormatName", ""),
    cast("Memo", "MaxLength", ""),
    cast("Integer", "MinValue,MaxValue", ""),
    cast("Decimal", "MinValue,MaxValue,Precision", ""),
    cast("Double", "MinValue,MaxValue,Precision", ""),
    cast("Money", "MinValue,MaxValue,Precision,PrecisionSource", ""),
    cast("DateTime", "Format,DateTimeBehavior", ""),
    cast("Lookup", "Targets", ""),
    cast("Boolean", "", "OptionSet"),
    cast("Picklist", "", "OptionSet,GlobalOptionSet"),
    cast("State", "", "OptionSet"),
    cast("Status", "", "OptionSet"),
    cast(MULTI_SELECT, "", "OptionSet,GlobalOptionSet"),
];

/// The one type that versions before 9 do not have.
pub(super) const MULTI_SELECT: &str = "MultiSelectPicklist";

const fn cast(name: &'static str, select: &'static str, expand: &'static str) -> Cast {
    Cast {
        name,
        select,
        expand,
    }
}

/// The `Query` of `RetrieveMetadataChanges` for these tables. No `LabelQuery`: labels come in all languages.
pub(super) fn of_tables(tables: &BTreeSet<String>) -> Value {
    let parts = [
        "Attributes",
        "Keys",
        "ManyToOneRelationships",
        "ManyToManyRelationships",
    ];
    let specific = CASTS
        .iter()
        .flat_map(|cast| cast.select.split(',').chain(cast.expand.split(',')));
    let columns: BTreeSet<&str> = COLUMN
        .iter()
        .copied()
        .chain(specific.filter(|name| !name.is_empty()))
        .collect();
    let relationships: BTreeSet<&str> = MANY_TO_ONE.iter().chain(MANY_TO_MANY).copied().collect();
    let names = |names: Vec<&str>| json!({ "AllProperties": false, "PropertyNames": names });
    let conditions: Vec<Value> = tables
        .iter()
        .map(|table| {
            json!({
                "PropertyName": "LogicalName",
                "ConditionOperator": "Equals",
                "Value": { "Type": "System.String", "Value": table },
            })
        })
        .collect();
    json!({
        "Properties": names(TABLE.iter().chain(&parts).copied().collect()),
        "AttributeQuery": { "Properties": names(columns.into_iter().collect()) },
        "RelationshipQuery": { "Properties": names(relationships.into_iter().collect()) },
        "KeyQuery": { "Properties": names(KEY.to_vec()) },
        "Criteria": { "FilterOperator": "Or", "Conditions": conditions },
    })
}
