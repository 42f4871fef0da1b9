//! The tables of the organization: columns, choices, look-ups and relationships, read from `metadata/*.json`
//! (a condensed form of the published table descriptions; `metadata/condense.py` and `describe.py` make it).

pub(crate) mod description;
pub(crate) mod schema;
mod standard;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::metadata::description::{
    ChoicesDescription, ColumnDescription, ManyToMany, TableDescription,
};
use crate::value::Value;

/// What kind of value a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    BigInt,
    Decimal,
    Double,
    Money,
    Boolean,
    DateTime,
    Date,
    /// Picklist, State or Status: an integer with a label.
    Choice,
    /// A multi-select choice: integers with a comma between them, in one text.
    MultiChoice,
    Guid,
    /// Lookup, Customer or Owner.
    Lookup,
}

impl Kind {
    /// The type's name in messages.
    pub(crate) fn edm(self) -> &'static str {
        match self {
            Kind::Text | Kind::MultiChoice => "Edm.String",
            Kind::Integer | Kind::Choice => "Edm.Int32",
            Kind::BigInt => "Edm.Int64",
            Kind::Decimal | Kind::Money => "Edm.Decimal",
            Kind::Double => "Edm.Double",
            Kind::Boolean => "Edm.Boolean",
            Kind::DateTime => "Edm.DateTimeOffset",
            Kind::Date => "Edm.Date",
            Kind::Guid | Kind::Lookup => "Edm.Guid",
        }
    }

    /// The type that `odata.metadata=full` tells; `None` where JSON shows it.
    pub(crate) fn told_type(self) -> Option<&'static str> {
        match self {
            Kind::Text
            | Kind::MultiChoice
            | Kind::Integer
            | Kind::Choice
            | Kind::Double
            | Kind::Boolean => None,
            Kind::BigInt
            | Kind::Decimal
            | Kind::Money
            | Kind::DateTime
            | Kind::Date
            | Kind::Guid
            | Kind::Lookup => self.edm().strip_prefix("Edm."),
        }
    }
}

/// One option of a choice column.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: i64,
    pub(crate) label: String,
    /// Of a status: the state it belongs to.
    pub(crate) state: Option<i64>,
    /// Of a state: its default status.
    pub(crate) default_status: Option<i64>,
}

/// A column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Its name in OData: `_x_value` for look-ups.
    pub(crate) property: String,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) max_length: Option<usize>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) precision: usize,
    pub(crate) choices: Vec<Choice>,
    pub(crate) default: Option<Value>,
    /// Tables that a look-up may point to.
    pub(crate) targets: Vec<String>,
    pub(crate) creatable: bool,
    pub(crate) updatable: bool,
    pub(crate) system_required: bool,
}

impl Column {
    /// Does a look-up keep the table of its row beside the id?
    pub(crate) fn is_polymorphic(&self) -> bool {
        self.kind == Kind::Lookup && self.targets.len() > 1
    }

    /// The SQL column that holds the table of a polymorphic look-up.
    pub(crate) fn type_name(&self) -> String {
        format!("{}__type", self.name)
    }

    pub(crate) fn label_of(&self, value: i64) -> Option<&str> {
        self.choices
            .iter()
            .find(|choice| choice.value == value)
            .map(|choice| choice.label.as_str())
    }
}

/// A single-valued navigation property.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) column: usize,
    /// Logical name of the table it leads to; `owner` for owners.
    pub(crate) target: String,
}

/// A collection-valued navigation property: the rows of `table` whose look-up `column` points here.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) table: String,
    pub(crate) column: String,
}

/// An alternate key: columns whose values together name a row.
#[derive(Debug)]
pub(crate) struct AlternateKey {
    /// Display name: what the error of a collision says.
    pub(crate) label: String,
    /// Logical names of its columns. In URLs a look-up goes by its property (`_primarycontactid_value`).
    pub(crate) columns: Vec<String>,
}

/// An N:N relationship, seen from one of its tables.
#[derive(Debug)]
pub(crate) struct Association {
    /// Logical name of the table that holds the pairs.
    pub(crate) intersect: String,
    /// Its column with the id of this table's row.
    pub(crate) own_column: String,
    /// Its column with the id of the other table's row.
    pub(crate) other_column: String,
    /// Logical name of the other table.
    pub(crate) other: String,
}

/// What becomes of a row when the row it points to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnDelete {
    Cascade,
    RemoveLink,
    Restrict,
    NoCascade,
}

/// A relationship to a parent table.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) column: String,
    pub(crate) target: String,
    pub(crate) on_delete: OnDelete,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) logical: String,
    pub(crate) schema: String,
    pub(crate) set: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) type_code: i64,
    pub(crate) is_activity: bool,
    pub(crate) user_owned: bool,
    pub(crate) optimistic_concurrency: bool,
    pub(crate) columns: Vec<Column>,
    by_name: HashMap<String, usize>,
    by_property: HashMap<String, usize>,
    links: HashMap<String, Link>,
    collections: HashMap<String, Collection>,
    associations: HashMap<String, Association>,
    pub(crate) alternate_keys: Vec<AlternateKey>,
    pub(crate) parents: Vec<Parent>,
    /// The part of a privilege's name behind `prvRead`: `Contact`, `Activity`, `Note`, `User`. Empty: whoever has a role
    /// may read it.
    pub(crate) privilege: String,
    /// Everything that is known of it, for the metadata endpoints.
    pub(crate) description: TableDescription,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.by_name
            .get(name)
            .and_then(|index| self.columns.get(*index))
    }

    /// The column behind an OData property.
    pub(crate) fn property(&self, name: &str) -> Option<&Column> {
        self.by_property
            .get(name)
            .and_then(|index| self.columns.get(*index))
    }

    pub(crate) fn link(&self, navigation: &str) -> Option<(&Link, &Column)> {
        let link = self.links.get(navigation)?;
        Some((link, self.columns.get(link.column)?))
    }

    /// The navigation property that leads from a look-up to a table, as metadata reports it.
    pub(crate) fn navigation_to(&self, column: &Column, target: &str) -> Option<&str> {
        self.links
            .iter()
            .filter(|(_, link)| {
                self.columns
                    .get(link.column)
                    .is_some_and(|c| c.name == column.name)
                    && (link.target == target || link.target == "owner")
            })
            .map(|(name, _)| name.as_str())
            .max_by_key(|name| name.len())
    }

    /// Are its rows those of other tables? Such a table is only read.
    pub(crate) fn is_view(&self) -> bool {
        self.logical == "activitypointer"
    }

    pub(crate) fn collection(&self, navigation: &str) -> Option<&Collection> {
        self.collections.get(navigation)
    }

    /// The N:N relationship behind a collection-valued navigation property.
    pub(crate) fn association(&self, navigation: &str) -> Option<&Association> {
        self.associations.get(navigation)
    }

    /// The alternate key that consists of exactly these properties, in whatever order.
    pub(crate) fn alternate_key(&self, properties: &[&str]) -> Option<&AlternateKey> {
        self.alternate_keys.iter().find(|key| {
            key.columns.len() == properties.len()
                && key.columns.iter().all(|name| {
                    self.column(name)
                        .is_some_and(|column| properties.contains(&column.property.as_str()))
                })
        })
    }

    /// Is this the name of any navigation property?
    pub(crate) fn is_navigation(&self, name: &str) -> bool {
        self.links.contains_key(name)
            || self.collections.contains_key(name)
            || self.associations.contains_key(name)
    }
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// Rises with each change.
    pub(crate) version: i64,
    /// In which version a piece of metadata was last changed, by its id; what never was is left out.
    changed: HashMap<Uuid, i64>,
    pub(crate) deleted: Vec<Deleted>,
    pub(crate) tables: Vec<Table>,
    /// Global choices.
    pub(crate) choices: Vec<ChoicesDescription>,
    pub(crate) many_to_many: Vec<ManyToMany>,
    by_logical: HashMap<String, usize>,
    by_set: HashMap<String, usize>,
}

impl Catalog {
    pub(crate) fn table(&self, logical: &str) -> Option<&Table> {
        self.tables.get(*self.by_logical.get(logical)?)
    }

    pub(crate) fn set(&self, name: &str) -> Option<&Table> {
        self.tables.get(*self.by_set.get(name)?)
    }

    /// The version in which a piece of metadata was last changed.
    pub(crate) fn changed_at(&self, id: Uuid) -> i64 {
        self.changed.get(&id).copied().unwrap_or(0)
    }

    /// A catalog of the described tables. Collection-valued navigation properties follow from the relationships to parent
    /// tables; a table's own list of them adds those that no described relationship has.
    pub(crate) fn new(
        descriptions: Vec<TableDescription>,
        choices: Vec<ChoicesDescription>,
        many_to_many: Vec<ManyToMany>,
    ) -> Catalog {
        let mut tables: Vec<Table> = descriptions
            .into_iter()
            .map(|description| Table::new(description, &choices))
            .collect();
        let children: Vec<(String, String, Collection)> = tables
            .iter()
            .flat_map(|table| {
                let described = &table.description.many_to_one_relationships;
                let followed = described.iter().filter(|parent| {
                    let navigation = &parent.referencing_entity_navigation_property_name;
                    table.link(navigation).is_some()
                });
                followed.map(|parent| {
                    let collection = Collection {
                        table: table.logical.clone(),
                        column: parent.referencing_attribute.clone(),
                    };
                    let name = parent.referenced_entity_navigation_property_name.clone();
                    (parent.referenced_entity.clone(), name, collection)
                })
            })
            .collect();
        let by_logical: HashMap<String, usize> = tables
            .iter()
            .enumerate()
            .map(|(index, table)| (table.logical.clone(), index))
            .collect();
        for (parent, name, collection) in children {
            let parent = by_logical.get(&parent).and_then(|at| tables.get_mut(*at));
            if let Some(parent) = parent {
                parent.collections.insert(name, collection);
            }
        }
        for relationship in &many_to_many {
            let first = (
                &relationship.entity1_logical_name,
                &relationship.entity1_navigation_property_name,
                &relationship.entity1_intersect_attribute,
            );
            let second = (
                &relationship.entity2_logical_name,
                &relationship.entity2_navigation_property_name,
                &relationship.entity2_intersect_attribute,
            );
            for (own, other) in [(first, second), (second, first)] {
                let association = Association {
                    intersect: relationship.intersect_entity_name.clone(),
                    own_column: own.2.clone(),
                    other_column: other.2.clone(),
                    other: other.0.clone(),
                };
                if let Some(table) = by_logical.get(own.0).and_then(|at| tables.get_mut(*at)) {
                    table.associations.insert(own.1.clone(), association);
                }
            }
        }
        let by_set = tables
            .iter()
            .enumerate()
            .map(|(index, table)| (table.set.clone(), index))
            .collect();
        Catalog {
            version: FIRST_VERSION,
            changed: HashMap::new(),
            deleted: Vec::new(),
            tables,
            choices,
            many_to_many,
            by_logical,
            by_set,
        }
    }
}

/// The version of an organization's metadata that was never changed.
const FIRST_VERSION: i64 = 4_025_609;

/// What is told of a deleted piece of metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deleted {
    /// The version from which on it is gone.
    pub(crate) version: i64,
    pub(crate) kind: DeletedKind,
    pub(crate) id: Uuid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeletedKind {
    Entity,
    Attribute,
    Relationship,
    OptionSet,
}

/// The tables of a new organization.
fn new_organization() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(standard::catalog);
    &CATALOG
}

tokio::task_local! {
    static CURRENT: &'static Catalog;
}

/// The tables as the request in hand sees them: a request keeps the catalog that it began with. Outside of requests those of a
/// new organization.
pub(crate) fn catalog() -> &'static Catalog {
    CURRENT
        .try_with(|current| *current)
        .unwrap_or_else(|_| new_organization())
}

/// Runs a request's work under a catalog.
pub(crate) async fn within<F: Future>(catalog: &'static Catalog, work: F) -> F::Output {
    CURRENT.scope(catalog, work).await
}

/// A table that the organization always has.
pub(crate) fn table(logical: &str) -> &'static Table {
    catalog()
        .table(logical)
        .expect("every table named in the code is in the catalog")
}

impl Table {
    fn new(described: TableDescription, global: &[ChoicesDescription]) -> Table {
        let mut links = HashMap::new();
        let mut columns: Vec<Column> = Vec::new();
        for attribute in &described.attributes {
            if attribute.edm_type.is_none() {
                continue;
            }
            for navigation in &attribute.navigation_properties {
                let target = if attribute.attribute_type == "Owner" {
                    "owner"
                } else {
                    &navigation.target
                };
                for name in [Some(&navigation.name), navigation.inherited_name.as_ref()]
                    .into_iter()
                    .flatten()
                {
                    let link = Link {
                        column: columns.len(),
                        target: target.to_owned(),
                    };
                    links.insert(name.clone(), link);
                }
            }
            columns.push(Column::new(attribute, global));
        }
        let collections = described
            .one_to_many_relationships
            .iter()
            .map(|child| {
                let collection = Collection {
                    table: child.referencing_entity.clone(),
                    column: child.referencing_attribute.clone(),
                };
                (child.collection_navigation_property.clone(), collection)
            })
            .collect();
        let parents = described
            .many_to_one_relationships
            .iter()
            .map(|parent| Parent {
                column: parent.referencing_attribute.clone(),
                target: parent.referenced_entity.clone(),
                on_delete: parent.cascade_delete.unwrap_or(OnDelete::NoCascade),
            })
            .collect();
        let alternate_keys = described
            .alternate_keys
            .iter()
            .filter(|key| !key.failed)
            .map(|key| AlternateKey {
                label: key
                    .display_name
                    .as_ref()
                    .and_then(|label| label.base())
                    .unwrap_or(&key.logical_name)
                    .to_owned(),
                columns: key.key_attributes.clone(),
            })
            .collect();
        let privilege = described
            .privileges
            .iter()
            .find_map(|name| name.strip_prefix("prvRead"))
            .unwrap_or_default()
            .to_owned();
        Table {
            by_name: columns
                .iter()
                .enumerate()
                .map(|(index, column)| (column.name.clone(), index))
                .collect(),
            by_property: columns
                .iter()
                .enumerate()
                .map(|(index, column)| (column.property.clone(), index))
                .collect(),
            logical: described.logical_name.clone(),
            schema: described.schema_name.clone(),
            set: described.entity_set_name.clone(),
            id: described.primary_id_attribute.clone(),
            name: described
                .primary_name_attribute
                .clone()
                .unwrap_or_else(|| described.primary_id_attribute.clone()),
            label: described
                .display_name
                .base()
                .unwrap_or(&described.logical_name)
                .to_owned(),
            type_code: described.object_type_code,
            is_activity: described.is_activity,
            user_owned: described.ownership_type == "UserOwned",
            optimistic_concurrency: described.is_optimistic_concurrency_enabled,
            columns,
            links,
            collections,
            associations: HashMap::new(),
            alternate_keys,
            parents,
            privilege,
            description: described,
        }
    }
}

impl Column {
    fn new(described: &ColumnDescription, global: &[ChoicesDescription]) -> Column {
        let edm = described.edm_type.as_deref().unwrap_or_default();
        let kind = match (described.attribute_type.as_str(), edm) {
            ("Lookup" | "Customer" | "Owner", _) => Kind::Lookup,
            ("Picklist" | "State" | "Status", _) => Kind::Choice,
            ("Virtual", _) if described.attribute_type_name == "MultiSelectPicklistType" => {
                Kind::MultiChoice
            }
            ("Money", _) => Kind::Money,
            (_, "Edm.Date") => Kind::Date,
            (_, "Edm.DateTimeOffset") => Kind::DateTime,
            (_, "Edm.Guid") => Kind::Guid,
            (_, "Edm.Boolean") => Kind::Boolean,
            (_, "Edm.Int32") => Kind::Integer,
            (_, "Edm.Int64") => Kind::BigInt,
            (_, "Edm.Decimal") => Kind::Decimal,
            (_, "Edm.Double") => Kind::Double,
            _ => Kind::Text,
        };
        let default = match kind {
            Kind::Boolean => Some(Value::from(described.default_value.unwrap_or(false))),
            Kind::Choice => described
                .default_form_value
                .filter(|value| *value >= 0)
                .map(Value::from),
            Kind::Text
            | Kind::Integer
            | Kind::BigInt
            | Kind::Decimal
            | Kind::Double
            | Kind::Money
            | Kind::DateTime
            | Kind::Date
            | Kind::MultiChoice
            | Kind::Guid
            | Kind::Lookup => None,
        };
        let options = described.option_set.as_ref().map(|set| {
            let shared = global
                .iter()
                .find(|global| set.is_global && global.name == set.name);
            shared.unwrap_or(set).options.as_slice()
        });
        let choices = options
            .unwrap_or_default()
            .iter()
            .map(|option| Choice {
                value: option.value,
                label: option.label.base().unwrap_or_default().to_owned(),
                state: option.state,
                default_status: option.default_status,
            })
            .collect();
        Column {
            property: described
                .odata_property
                .clone()
                .unwrap_or_else(|| described.logical_name.clone()),
            label: described
                .display_name
                .base()
                .unwrap_or(&described.logical_name)
                .to_owned(),
            name: described.logical_name.clone(),
            kind,
            max_length: described.max_length,
            min: described.min_value,
            max: described.max_value,
            precision: described.precision.unwrap_or(2),
            choices,
            default,
            targets: described.targets.clone(),
            creatable: described.is_valid_for_create,
            updatable: described.is_valid_for_update,
            system_required: described.required_level == "SystemRequired",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_metadata_is_whole() {
        let contact = table("contact");
        assert_eq!(contact.set, "contacts");
        assert_eq!(contact.privilege, "Contact");
        assert_eq!(
            contact.property("_parentcustomerid_value").unwrap().targets,
            ["account", "contact"]
        );
        assert!(contact.property("parentcustomerid").is_none());
        assert_eq!(
            contact.link("parentcustomerid_account").unwrap().0.target,
            "account"
        );
        assert!(contact.collection("Contact_Tasks").is_some());
        assert_eq!(table("task").privilege, "Activity");
        assert_eq!(table("annotation").privilege, "Note");
        assert_eq!(table("systemuser").privilege, "User");
        let task = table("task");
        let regarding = task.column("regardingobjectid").unwrap();
        assert!(task.link("regardingobjectid_contact").is_some());
        assert_eq!(
            task.navigation_to(regarding, "contact"),
            Some("regardingobjectid_contact_task")
        );
        assert_eq!(task.link("ownerid").unwrap().0.target, "owner");
    }

    #[test]
    fn what_the_organization_added_is_in_the_catalog() {
        let contact = table("contact");
        let key = contact.alternate_key(&["new_loyaltynumber"]).unwrap();
        assert_eq!(key.label, "Loyalty Number");
        assert_eq!(
            table("account")
                .alternate_key(&["accountnumber"])
                .unwrap()
                .columns,
            ["accountnumber"]
        );
        assert_eq!(
            contact.link("new_PreferredAgentId").unwrap().0.target,
            "systemuser"
        );
        assert_eq!(
            contact.column("new_interests").unwrap().kind,
            Kind::MultiChoice
        );
        assert_eq!(
            contact.column("new_tier").unwrap().label_of(100_000_002),
            Some("Gold")
        );
        let memberships = contact.collection("new_contact_new_membership").unwrap();
        assert_eq!(memberships.table, "new_membership");
        let teams = table("systemuser").association("teammembership_association");
        assert_eq!(teams.unwrap().other, "team");
    }

    #[test]
    fn names_are_unique_and_relationships_meet() {
        let mut schemas = std::collections::HashSet::new();
        for table in &catalog().tables {
            for name in [&table.id, &table.name] {
                assert!(table.column(name).is_some(), "{}.{name}", table.logical);
            }
            for key in &table.alternate_keys {
                assert!(key.columns.iter().all(|name| table.column(name).is_some()));
            }
            for parent in &table.description.many_to_one_relationships {
                let name = &parent.schema_name;
                assert!(schemas.insert(name.clone()), "{name} twice");
                let navigation = &parent.referencing_entity_navigation_property_name;
                // Some point to a table that the organization does not have.
                let Some((link, column)) = table.link(navigation) else {
                    continue;
                };
                assert_eq!(column.name, parent.referencing_attribute);
                assert_eq!(link.target, parent.referenced_entity, "{name}");
            }
        }
    }
}
