//! The things that metadata speaks of, and which lead to which (protocol page `metadata.md`).

use uuid::Uuid;

use crate::metadata::description::{
    ChoicesDescription, ColumnDescription, KeyDescription, ManyToMany, ParentDescription,
};
use crate::metadata::{Catalog, Table};

/// One table, column, choice, relationship or key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'c> {
    Table(&'c Table),
    Column(&'c Table, &'c ColumnDescription),
    /// The options of a column, or a global choice.
    Choices(&'c ChoicesDescription),
    Key(&'c Table, &'c KeyDescription),
    /// The table is the one that has the look-up.
    OneToMany(&'c Table, &'c ParentDescription),
    ManyToMany(&'c ManyToMany),
}

/// Where a navigation property of metadata leads.
#[derive(Debug)]
pub(super) enum Target<'c> {
    One(Option<Subject<'c>>),
    Many(Vec<Subject<'c>>),
}

/// The id of a piece of metadata: the same in every organization and at each start.
pub(crate) fn metadata_id(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("metadata/{kind}/{name}").as_bytes(),
    )
}

/// The type of a column's description.
pub(crate) fn column_type(column: &ColumnDescription) -> &'static str {
    match column.attribute_type.as_str() {
        "Boolean" => "BooleanAttributeMetadata",
        "Customer" | "Lookup" | "Owner" | "PartyList" => "LookupAttributeMetadata",
        "DateTime" => "DateTimeAttributeMetadata",
        "Decimal" => "DecimalAttributeMetadata",
        "Double" => "DoubleAttributeMetadata",
        "Integer" => "IntegerAttributeMetadata",
        "BigInt" => "BigIntAttributeMetadata",
        "Memo" => "MemoAttributeMetadata",
        "Money" => "MoneyAttributeMetadata",
        "Picklist" => "PicklistAttributeMetadata",
        "State" => "StateAttributeMetadata",
        "Status" => "StatusAttributeMetadata",
        "String" => "StringAttributeMetadata",
        "Uniqueidentifier" => "UniqueIdentifierAttributeMetadata",
        "EntityName" => "EntityNameAttributeMetadata",
        "ManagedProperty" => "ManagedPropertyAttributeMetadata",
        _ => match column.attribute_type_name.as_str() {
            "MultiSelectPicklistType" => "MultiSelectPicklistAttributeMetadata",
            "ImageType" => "ImageAttributeMetadata",
            "FileType" => "FileAttributeMetadata",
            _ => "AttributeMetadata",
        },
    }
}

/// Does the catalog know both tables? Relationships to tables that the organization does not have are left out, so that every
/// name in an answer can be followed. `owner` stands for users and teams.
fn is_whole(catalog: &Catalog, table: &Table, parent: &ParentDescription) -> bool {
    let navigation = &parent.referencing_entity_navigation_property_name;
    table.link(navigation).is_some()
        && (parent.referenced_entity == "owner"
            || catalog.table(&parent.referenced_entity).is_some())
}

/// The relationships of a table to its parents.
pub(crate) fn parents<'c>(
    catalog: &'c Catalog,
    table: &'c Table,
) -> impl Iterator<Item = &'c ParentDescription> {
    table
        .description
        .many_to_one_relationships
        .iter()
        .filter(|parent| is_whole(catalog, table, parent))
}

/// All 1:N relationships with the table that has the look-up.
pub(crate) fn relationships(
    catalog: &Catalog,
) -> impl Iterator<Item = (&Table, &ParentDescription)> {
    catalog
        .tables
        .iter()
        .flat_map(move |table| parents(catalog, table).map(move |parent| (table, parent)))
}

impl<'c> Subject<'c> {
    pub(super) fn id(&self) -> Uuid {
        match self {
            Subject::Table(table) => metadata_id("table", &table.logical),
            Subject::Column(table, column) => metadata_id(
                "column",
                &format!("{}/{}", table.logical, column.logical_name),
            ),
            Subject::Choices(choices) => metadata_id("choices", &choices.name),
            Subject::Key(table, key) => {
                metadata_id("key", &format!("{}/{}", table.logical, key.logical_name))
            }
            Subject::OneToMany(_, parent) => metadata_id("relationship", &parent.schema_name),
            Subject::ManyToMany(pair) => metadata_id("relationship", &pair.schema_name),
        }
    }

    /// The actual type, without namespace.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Subject::Table(_) => "EntityMetadata",
            Subject::Column(_, column) => column_type(column),
            Subject::Choices(choices) if choices.option_set_type == "Boolean" => {
                "BooleanOptionSetMetadata"
            }
            Subject::Choices(_) => "OptionSetMetadata",
            Subject::Key(..) => "EntityKeyMetadata",
            Subject::OneToMany(..) => "OneToManyRelationshipMetadata",
            Subject::ManyToMany(_) => "ManyToManyRelationshipMetadata",
        }
    }

    /// Is it what an alternate key of metadata (`LogicalName='contact'`, `Name='new_tier'`) names?
    pub(super) fn is_named(&self, key: &str, value: &str) -> bool {
        let (property, name) = match self {
            Subject::Table(table) => ("LogicalName", table.logical.as_str()),
            Subject::Column(_, column) => ("LogicalName", column.logical_name.as_str()),
            Subject::Choices(choices) => ("Name", choices.name.as_str()),
            Subject::Key(_, key) => ("LogicalName", key.logical_name.as_str()),
            Subject::OneToMany(_, parent) => ("SchemaName", parent.schema_name.as_str()),
            Subject::ManyToMany(pair) => ("SchemaName", pair.schema_name.as_str()),
        };
        key == property && name.eq_ignore_ascii_case(value)
    }

    /// Follows a navigation property of the declared type. `None`: the type has none of that name.
    pub(super) fn follow(
        &self,
        catalog: &'c Catalog,
        declared: &str,
        navigation: &str,
    ) -> Option<Target<'c>> {
        match (*self, navigation) {
            (Subject::Table(table), "Attributes") => {
                let columns = &table.description.attributes;
                let columns = columns.iter().map(|column| Subject::Column(table, column));
                Some(Target::Many(columns.collect()))
            }
            (Subject::Table(table), "Keys") => {
                let keys = &table.description.alternate_keys;
                Some(Target::Many(
                    keys.iter().map(|key| Subject::Key(table, key)).collect(),
                ))
            }
            (Subject::Table(table), "ManyToOneRelationships") => Some(Target::Many(
                parents(catalog, table)
                    .map(|parent| Subject::OneToMany(table, parent))
                    .collect(),
            )),
            (Subject::Table(table), "OneToManyRelationships") => Some(Target::Many(
                relationships(catalog)
                    .filter(|(_, parent)| parent.referenced_entity == table.logical)
                    .map(|(child, parent)| Subject::OneToMany(child, parent))
                    .collect(),
            )),
            (Subject::Table(table), "ManyToManyRelationships") => {
                let pairs = catalog.many_to_many.iter().filter(|pair| {
                    [&pair.entity1_logical_name, &pair.entity2_logical_name]
                        .contains(&&table.logical)
                });
                Some(Target::Many(pairs.map(Subject::ManyToMany).collect()))
            }
            (Subject::Column(_, column), "OptionSet") if has_options(declared) => Some(
                Target::One(options_of(catalog, column).map(Subject::Choices)),
            ),
            (Subject::Column(_, column), "GlobalOptionSet") if has_options(declared) => {
                let global = options_of(catalog, column).filter(|choices| choices.is_global);
                Some(Target::One(global.map(Subject::Choices)))
            }
            (
                Subject::Table(_)
                | Subject::Column(..)
                | Subject::Choices(_)
                | Subject::Key(..)
                | Subject::OneToMany(..)
                | Subject::ManyToMany(_),
                _,
            ) => None,
        }
    }
}

/// Only these types have `OptionSet` and `GlobalOptionSet`; the base type of columns has not.
fn has_options(declared: &str) -> bool {
    [
        "PicklistAttributeMetadata",
        "MultiSelectPicklistAttributeMetadata",
        "StateAttributeMetadata",
        "StatusAttributeMetadata",
        "BooleanAttributeMetadata",
    ]
    .contains(&declared)
}

/// The options of a column: its own, or those of the global choice that it uses.
pub(super) fn options_of<'c>(
    catalog: &'c Catalog,
    column: &'c ColumnDescription,
) -> Option<&'c ChoicesDescription> {
    let own = column.option_set.as_ref()?;
    let global = catalog
        .choices
        .iter()
        .find(|choices| own.is_global && choices.name == own.name);
    Some(global.unwrap_or(own))
}

/// The type of what a navigation property leads to, as the service declares it.
pub(super) fn declared_type(navigation: &str) -> &'static str {
    match navigation {
        "Attributes" => "AttributeMetadata",
        "Keys" => "EntityKeyMetadata",
        "ManyToOneRelationships" | "OneToManyRelationships" => "OneToManyRelationshipMetadata",
        "ManyToManyRelationships" => "ManyToManyRelationshipMetadata",
        _ => "OptionSetMetadata",
    }
}
