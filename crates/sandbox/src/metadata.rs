//! The tables of the organization: columns, choices, look-ups and relationships, read from `metadata/*.json`
//! (a condensed form of the published table descriptions; `metadata/condense.py` makes it).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

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
    Guid,
    /// Lookup, Customer or Owner.
    Lookup,
}

impl Kind {
    /// The type's name in messages.
    pub(crate) fn edm(self) -> &'static str {
        match self {
            Kind::Text => "Edm.String",
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
}

/// One option of a choice column.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
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

/// What becomes of a row when the row it points to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
    pub(crate) parents: Vec<Parent>,
    /// The part of a privilege's name behind `prvRead`: `Contact`, `Activity`, `Note`, `User`.
    pub(crate) privilege: String,
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

    pub(crate) fn collection(&self, navigation: &str) -> Option<&Collection> {
        self.collections.get(navigation)
    }

    /// Is this the name of any navigation property?
    pub(crate) fn is_navigation(&self, name: &str) -> bool {
        self.links.contains_key(name) || self.collections.contains_key(name)
    }
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) tables: Vec<Table>,
}

impl Catalog {
    pub(crate) fn table(&self, logical: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.logical == logical)
    }

    pub(crate) fn set(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.set == name)
    }
}

/// The tables of the practice organization.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        let tables = [
            include_str!("../metadata/account.json"),
            include_str!("../metadata/contact.json"),
            include_str!("../metadata/lead.json"),
            include_str!("../metadata/incident.json"),
            include_str!("../metadata/task.json"),
            include_str!("../metadata/annotation.json"),
            include_str!("../metadata/systemuser.json"),
            include_str!("../metadata/team.json"),
            include_str!("../metadata/businessunit.json"),
            include_str!("../metadata/transactioncurrency.json"),
            include_str!("../metadata/role.json"),
            include_str!("../metadata/organization.json"),
        ];
        Catalog {
            tables: tables
                .into_iter()
                .map(|text| {
                    let described: Described =
                        serde_json::from_str(text).expect("the embedded metadata is valid");
                    described.into_table()
                })
                .collect(),
        }
    });
    &CATALOG
}

/// A table that the organization always has.
pub(crate) fn table(logical: &str) -> &'static Table {
    catalog()
        .table(logical)
        .expect("every table named in the code is in the catalog")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    logical_name: String,
    schema_name: String,
    entity_set_name: String,
    primary_id_attribute: String,
    primary_name_attribute: String,
    display_name: String,
    object_type_code: i64,
    ownership_type: String,
    #[serde(default)]
    is_activity: bool,
    #[serde(default)]
    is_optimistic_concurrency_enabled: bool,
    privileges: Vec<String>,
    attributes: Vec<DescribedColumn>,
    many_to_one_relationships: Vec<DescribedParent>,
    one_to_many_relationships: Vec<DescribedChild>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedColumn {
    logical_name: String,
    display_name: Option<String>,
    attribute_type: String,
    edm_type: String,
    #[serde(rename = "ODataProperty")]
    odata_property: Option<String>,
    #[serde(default)]
    required_level: String,
    #[serde(default)]
    is_valid_for_create: bool,
    #[serde(default)]
    is_valid_for_update: bool,
    max_length: Option<usize>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    precision: Option<usize>,
    option_set: Option<DescribedChoices>,
    default_value: Option<bool>,
    default_form_value: Option<i64>,
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    navigation_properties: Vec<DescribedNavigation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedChoices {
    #[serde(default)]
    options: Vec<Choice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedNavigation {
    name: String,
    target: String,
    inherited_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedParent {
    referencing_attribute: String,
    referenced_entity: String,
    cascade_delete: Option<OnDelete>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedChild {
    referencing_entity: String,
    referencing_attribute: String,
    collection_navigation_property: String,
}

impl Described {
    fn into_table(self) -> Table {
        let mut links = HashMap::new();
        let mut columns = Vec::new();
        for (index, described) in self.attributes.into_iter().enumerate() {
            let owner = described.attribute_type == "Owner";
            for navigation in &described.navigation_properties {
                let target = if owner {
                    "owner".to_owned()
                } else {
                    navigation.target.clone()
                };
                for name in [Some(&navigation.name), navigation.inherited_name.as_ref()]
                    .into_iter()
                    .flatten()
                {
                    links.insert(
                        name.clone(),
                        Link {
                            column: index,
                            target: target.clone(),
                        },
                    );
                }
            }
            columns.push(described.into_column());
        }
        let collections = self
            .one_to_many_relationships
            .into_iter()
            .map(|child| {
                let collection = Collection {
                    table: child.referencing_entity,
                    column: child.referencing_attribute,
                };
                (child.collection_navigation_property, collection)
            })
            .collect();
        let parents = self
            .many_to_one_relationships
            .into_iter()
            .map(|parent| Parent {
                column: parent.referencing_attribute,
                target: parent.referenced_entity,
                on_delete: parent.cascade_delete.unwrap_or(OnDelete::NoCascade),
            })
            .collect();
        let privilege = self
            .privileges
            .iter()
            .find_map(|name| name.strip_prefix("prvRead"))
            .unwrap_or(&self.schema_name)
            .to_owned();
        Table {
            by_name: columns
                .iter()
                .enumerate()
                .map(|(index, c): (_, &Column)| (c.name.clone(), index))
                .collect(),
            by_property: columns
                .iter()
                .enumerate()
                .map(|(index, c)| (c.property.clone(), index))
                .collect(),
            logical: self.logical_name,
            schema: self.schema_name,
            set: self.entity_set_name,
            id: self.primary_id_attribute,
            name: self.primary_name_attribute,
            label: self.display_name,
            type_code: self.object_type_code,
            is_activity: self.is_activity,
            user_owned: self.ownership_type == "UserOwned",
            optimistic_concurrency: self.is_optimistic_concurrency_enabled,
            columns,
            links,
            collections,
            parents,
            privilege,
        }
    }
}

impl DescribedColumn {
    fn into_column(self) -> Column {
        let kind = match (self.attribute_type.as_str(), self.edm_type.as_str()) {
            ("Lookup" | "Customer" | "Owner", _) => Kind::Lookup,
            ("Picklist" | "State" | "Status", _) => Kind::Choice,
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
            Kind::Boolean => Some(Value::from(self.default_value.unwrap_or(false))),
            Kind::Choice => self
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
            | Kind::Guid
            | Kind::Lookup => None,
        };
        Column {
            property: self
                .odata_property
                .unwrap_or_else(|| self.logical_name.clone()),
            label: self
                .display_name
                .unwrap_or_else(|| self.logical_name.clone()),
            name: self.logical_name,
            kind,
            max_length: self.max_length,
            min: self.min_value,
            max: self.max_value,
            precision: self.precision.unwrap_or(2),
            choices: self.option_set.map(|set| set.options).unwrap_or_default(),
            default,
            targets: self.targets,
            creatable: self.is_valid_for_create,
            updatable: self.is_valid_for_update,
            system_required: self.required_level == "SystemRequired",
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
}
