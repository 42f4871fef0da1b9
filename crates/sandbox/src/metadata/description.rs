//! How tables are described: the form of `metadata/*.json`, of custom tables that clients make, and of what the metadata
//! endpoints say. Names are those of the protocol's metadata types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OnDelete;

/// The organization's base language.
pub(crate) const ENGLISH: u32 = 1033;
/// The second provisioned language.
pub(crate) const GERMAN: u32 = 1031;

/// A text in the languages that have it, by language code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenLabel")]
pub(crate) struct Label(pub(crate) BTreeMap<u32, String>);

/// In files a label is plain English, or a text for each language.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenLabel {
    English(String),
    /// Keys are text in JSON, and stay so behind an untagged enum.
    All(BTreeMap<String, String>),
}

impl From<WrittenLabel> for Label {
    fn from(written: WrittenLabel) -> Label {
        match written {
            WrittenLabel::English(text) => Label([(ENGLISH, text)].into()),
            WrittenLabel::All(labels) => Label(
                labels
                    .into_iter()
                    .filter_map(|(language, text)| Some((language.parse().ok()?, text)))
                    .collect(),
            ),
        }
    }
}

impl Label {
    pub(crate) fn english(text: impl Into<String>) -> Label {
        Label([(ENGLISH, text.into())].into())
    }

    /// The base language's text, or else any.
    pub(crate) fn base(&self) -> Option<&str> {
        self.0
            .get(&ENGLISH)
            .or_else(|| self.0.values().next())
            .map(String::as_str)
    }
}

/// A table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableDescription {
    pub(crate) logical_name: String,
    pub(crate) schema_name: String,
    pub(crate) entity_set_name: String,
    pub(crate) logical_collection_name: String,
    pub(crate) object_type_code: i64,
    pub(crate) ownership_type: String,
    pub(crate) primary_id_attribute: String,
    pub(crate) primary_name_attribute: Option<String>,
    pub(crate) display_name: Label,
    pub(crate) display_collection_name: Label,
    #[serde(default)]
    pub(crate) description: Label,
    #[serde(default)]
    pub(crate) is_activity: bool,
    #[serde(default)]
    pub(crate) is_custom_entity: bool,
    #[serde(default)]
    pub(crate) is_intersect: bool,
    #[serde(default)]
    pub(crate) change_tracking_enabled: bool,
    #[serde(default)]
    pub(crate) is_optimistic_concurrency_enabled: bool,
    #[serde(default)]
    pub(crate) has_notes: bool,
    #[serde(default)]
    pub(crate) has_activities: bool,
    #[serde(default)]
    pub(crate) is_duplicate_detection_enabled: bool,
    #[serde(default)]
    pub(crate) privileges: Vec<String>,
    #[serde(default)]
    pub(crate) alternate_keys: Vec<KeyDescription>,
    pub(crate) attributes: Vec<ColumnDescription>,
    pub(crate) many_to_one_relationships: Vec<ParentDescription>,
    pub(crate) one_to_many_relationships: Vec<ChildDescription>,
}

/// An alternate key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyDescription {
    pub(crate) logical_name: String,
    pub(crate) schema_name: Option<String>,
    pub(crate) display_name: Option<Label>,
    pub(crate) key_attributes: Vec<String>,
    /// Rows stood in the way of its index: it cannot be used.
    #[serde(default)]
    pub(crate) failed: bool,
}

/// A column. Without an `EdmType` it is no OData property: a helper of another column, or a list of parties.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ColumnDescription {
    pub(crate) logical_name: String,
    pub(crate) schema_name: String,
    #[serde(default)]
    pub(crate) display_name: Label,
    #[serde(default)]
    pub(crate) description: Label,
    pub(crate) attribute_type: String,
    pub(crate) attribute_type_name: String,
    pub(crate) edm_type: Option<String>,
    #[serde(rename = "ODataProperty")]
    pub(crate) odata_property: Option<String>,
    pub(crate) attribute_of: Option<String>,
    #[serde(default)]
    pub(crate) required_level: String,
    #[serde(default)]
    pub(crate) is_custom_attribute: bool,
    #[serde(default)]
    pub(crate) is_valid_for_create: bool,
    #[serde(default)]
    pub(crate) is_valid_for_update: bool,
    pub(crate) max_length: Option<usize>,
    pub(crate) min_value: Option<f64>,
    pub(crate) max_value: Option<f64>,
    pub(crate) precision: Option<usize>,
    pub(crate) precision_source: Option<i64>,
    pub(crate) format: Option<String>,
    pub(crate) format_name: Option<String>,
    pub(crate) date_time_behavior: Option<String>,
    pub(crate) option_set: Option<ChoicesDescription>,
    pub(crate) default_value: Option<bool>,
    pub(crate) default_form_value: Option<i64>,
    #[serde(default)]
    pub(crate) targets: Vec<String>,
    #[serde(default)]
    pub(crate) navigation_properties: Vec<NavigationDescription>,
}

/// The options of a column; of a global choice also by itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChoicesDescription {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) display_name: Label,
    #[serde(default)]
    pub(crate) description: Label,
    #[serde(default)]
    pub(crate) is_global: bool,
    #[serde(default)]
    pub(crate) is_custom_option_set: bool,
    #[serde(default)]
    pub(crate) option_set_type: String,
    #[serde(default)]
    pub(crate) options: Vec<OptionDescription>,
}

/// One option.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OptionDescription {
    pub(crate) value: i64,
    pub(crate) label: Label,
    /// Of a status: the state it belongs to.
    pub(crate) state: Option<i64>,
    /// Of a state: its default status.
    pub(crate) default_status: Option<i64>,
    pub(crate) color: Option<String>,
}

/// A single-valued navigation property of a look-up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NavigationDescription {
    pub(crate) name: String,
    pub(crate) target: String,
    /// Of an activity: the name that it has from `activitypointer`.
    pub(crate) inherited_name: Option<String>,
}

/// A relationship to a parent table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ParentDescription {
    pub(crate) schema_name: String,
    pub(crate) referencing_attribute: String,
    pub(crate) referenced_entity: String,
    pub(crate) referenced_attribute: String,
    pub(crate) referencing_entity_navigation_property_name: String,
    pub(crate) referenced_entity_navigation_property_name: String,
    pub(crate) cascade_delete: Option<OnDelete>,
}

/// A collection-valued navigation property of which only the parent's side is described.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChildDescription {
    pub(crate) referencing_entity: String,
    pub(crate) referencing_attribute: String,
    pub(crate) collection_navigation_property: String,
}

/// An N:N relationship. Ids of the two tables stand in columns of the intersect table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ManyToMany {
    pub(crate) schema_name: String,
    pub(crate) intersect_entity_name: String,
    pub(crate) entity1_logical_name: String,
    pub(crate) entity1_intersect_attribute: String,
    pub(crate) entity1_navigation_property_name: String,
    pub(crate) entity2_logical_name: String,
    pub(crate) entity2_intersect_attribute: String,
    pub(crate) entity2_navigation_property_name: String,
}

/// What an organization added to the standard tables (`metadata/custom.json`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Customizations {
    pub(crate) tables: Vec<TableDescription>,
    pub(crate) additions: Vec<Addition>,
    pub(crate) option_sets: Vec<ChoicesDescription>,
}

/// What was added to one standard table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Addition {
    pub(crate) logical_name: String,
    pub(crate) attributes: Vec<ColumnDescription>,
    pub(crate) many_to_one_relationships: Vec<ParentDescription>,
    pub(crate) alternate_keys: Vec<KeyDescription>,
}
