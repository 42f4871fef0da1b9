//! The JSON of the metadata endpoints, read leniently: what a version does not send is taken as absent.

use super::model::{
    AlternateKey, Choice, ChoiceSet, Column, ColumnType, DateBehavior, Label, LocalizedLabel,
    ManyToMany, ManyToOne, Ownership, Required, Table, TextFormat,
};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

/// The answer of `RetrieveMetadataChanges`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Changes {
    pub server_version_stamp: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub entity_metadata: Vec<Entity>,
    /// Its form is documented no further than that it holds ids.
    #[serde(default)]
    pub deleted_metadata: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entity {
    pub logical_name: Option<String>,
    metadata_id: Option<Uuid>,
    schema_name: Option<String>,
    entity_set_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    display_name: WireLabel,
    #[serde(default, deserialize_with = "or_default")]
    display_collection_name: WireLabel,
    primary_id_attribute: Option<String>,
    primary_name_attribute: Option<String>,
    ownership_type: Option<String>,
    object_type_code: Option<i32>,
    is_activity: Option<bool>,
    change_tracking_enabled: Option<bool>,
    is_optimistic_concurrency_enabled: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    is_duplicate_detection_enabled: Managed<bool>,
    #[serde(default, deserialize_with = "or_default")]
    attributes: Vec<Attribute>,
    #[serde(default, deserialize_with = "or_default")]
    keys: Vec<Key>,
    #[serde(default, deserialize_with = "or_default")]
    many_to_one_relationships: Vec<Relationship>,
    #[serde(default, deserialize_with = "or_default")]
    many_to_many_relationships: Vec<ManyRelationship>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    metadata_id: Option<Uuid>,
    logical_name: Option<String>,
    schema_name: Option<String>,
    attribute_type: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    attribute_type_name: Managed<String>,
    #[serde(default, deserialize_with = "or_default")]
    display_name: WireLabel,
    #[serde(default, deserialize_with = "or_default")]
    required_level: Managed<String>,
    is_valid_for_create: Option<bool>,
    is_valid_for_update: Option<bool>,
    is_valid_for_read: Option<bool>,
    is_custom_attribute: Option<bool>,
    attribute_of: Option<String>,
    max_length: Option<u32>,
    format: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    format_name: Managed<String>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    precision: Option<u32>,
    precision_source: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    date_time_behavior: Managed<String>,
    option_set: Option<OptionSet>,
    global_option_set: Option<OptionSet>,
    #[serde(default, deserialize_with = "or_default")]
    targets: Vec<String>,
}

/// A value wrapped in `{"Value": …}`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Managed<T> {
    value: Option<T>,
}

impl<T> Default for Managed<T> {
    fn default() -> Self {
        Self { value: None }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireLabel {
    user_localized_label: Option<WireText>,
    #[serde(default, deserialize_with = "or_default")]
    localized_labels: Vec<WireText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireText {
    label: Option<String>,
    language_code: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OptionSet {
    name: Option<String>,
    is_global: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    options: Vec<WireOption>,
    true_option: Option<WireOption>,
    false_option: Option<WireOption>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireOption {
    value: Option<i32>,
    #[serde(default, deserialize_with = "or_default")]
    label: WireLabel,
    state: Option<i32>,
    default_status: Option<i32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    metadata_id: Option<Uuid>,
    logical_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    key_attributes: Vec<String>,
    entity_key_index_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Relationship {
    metadata_id: Option<Uuid>,
    schema_name: Option<String>,
    referencing_attribute: Option<String>,
    referenced_entity: Option<String>,
    referenced_attribute: Option<String>,
    referencing_entity_navigation_property_name: Option<String>,
    referenced_entity_navigation_property_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManyRelationship {
    metadata_id: Option<Uuid>,
    schema_name: Option<String>,
    intersect_entity_name: Option<String>,
    entity1_logical_name: Option<String>,
    entity1_navigation_property_name: Option<String>,
    entity2_logical_name: Option<String>,
    entity2_navigation_property_name: Option<String>,
}

/// Null counts as absent.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Entity {
    /// The table, or nothing if what makes a table is not there.
    pub fn into_table(self) -> Option<Table> {
        let logical_name = self.logical_name?;
        let columns = self.attributes.into_iter().filter_map(|attribute| {
            let column = attribute.into_column()?;
            Some((column.logical_name.clone(), column))
        });
        Some(Table {
            id: self.metadata_id,
            schema_name: self.schema_name.unwrap_or_else(|| logical_name.clone()),
            entity_set: self.entity_set_name.filter(|name| !name.is_empty()),
            label: self.display_name.into(),
            plural_label: self.display_collection_name.into(),
            primary_id: self.primary_id_attribute?,
            primary_name: self.primary_name_attribute.filter(|name| !name.is_empty()),
            ownership: match self.ownership_type.as_deref() {
                Some("UserOwned" | "TeamOwned") => Ownership::User,
                Some("OrganizationOwned") => Ownership::Organization,
                Some("BusinessOwned" | "BusinessParented") => Ownership::BusinessUnit,
                _ => Ownership::None,
            },
            object_type_code: self.object_type_code,
            is_activity: self.is_activity.unwrap_or(false),
            change_tracking: self.change_tracking_enabled.unwrap_or(false),
            optimistic_concurrency: self.is_optimistic_concurrency_enabled.unwrap_or(false),
            duplicate_detection: self.is_duplicate_detection_enabled.value.unwrap_or(false),
            columns: columns.collect(),
            keys: self.keys.into_iter().filter_map(Key::into_model).collect(),
            many_to_one: self
                .many_to_one_relationships
                .into_iter()
                .filter_map(Relationship::into_model)
                .collect(),
            many_to_many: self
                .many_to_many_relationships
                .into_iter()
                .filter_map(ManyRelationship::into_model)
                .collect(),
            logical_name,
        })
    }
}

impl Attribute {
    fn into_column(mut self) -> Option<Column> {
        let logical_name = self.logical_name.take()?;
        let kind = self.kind();
        Some(Column {
            id: self.metadata_id,
            schema_name: self.schema_name.unwrap_or_else(|| logical_name.clone()),
            label: self.display_name.into(),
            required: match self.required_level.value.as_deref() {
                Some("SystemRequired") => Required::System,
                Some("ApplicationRequired") => Required::Application,
                Some("Recommended") => Required::Recommended,
                _ => Required::None,
            },
            valid_for_create: self.is_valid_for_create.unwrap_or(false),
            valid_for_update: self.is_valid_for_update.unwrap_or(false),
            // Absent from the answers of old versions, whose columns can be read.
            valid_for_read: self.is_valid_for_read.unwrap_or(true),
            is_custom: self.is_custom_attribute.unwrap_or(false),
            attribute_of: self.attribute_of,
            kind,
            logical_name,
        })
    }

    /// `AttributeTypeName` tells apart what `AttributeType` calls `Virtual`; old versions have only the latter.
    fn kind(&mut self) -> ColumnType {
        let name = self.attribute_type_name.value.take().unwrap_or_default();
        let name = match name.strip_suffix("Type") {
            Some(name) => name.to_owned(),
            None => self.attribute_type.clone().unwrap_or_default(),
        };
        let (min, max, precision) = (self.min_value, self.max_value, self.precision);
        let targets = std::mem::take(&mut self.targets);
        match name.as_str() {
            "String" => ColumnType::Text {
                max_length: self.max_length,
                format: self.text_format(),
            },
            "Memo" => ColumnType::Memo {
                max_length: self.max_length,
            },
            "Integer" => ColumnType::Integer { min, max },
            "BigInt" => ColumnType::BigInt,
            "Decimal" => ColumnType::Decimal {
                min,
                max,
                precision,
            },
            "Double" => ColumnType::Double {
                min,
                max,
                precision,
            },
            "Money" => ColumnType::Money {
                min,
                max,
                precision,
                precision_source: self.precision_source,
            },
            "Boolean" => ColumnType::Boolean(self.choices()),
            "DateTime" => ColumnType::DateTime {
                date_only: self.format.as_deref() == Some("DateOnly"),
                behavior: match self.date_time_behavior.value.as_deref() {
                    Some("DateOnly") => DateBehavior::DateOnly,
                    Some("TimeZoneIndependent") => DateBehavior::TimeZoneIndependent,
                    _ => DateBehavior::UserLocal,
                },
            },
            "Picklist" => ColumnType::Choice(self.choices()),
            "MultiSelectPicklist" => ColumnType::MultiChoice(self.choices()),
            "State" => ColumnType::State(self.choices()),
            "Status" => ColumnType::Status(self.choices()),
            "Lookup" => ColumnType::Lookup { targets },
            "Customer" => ColumnType::Customer { targets },
            "Owner" => ColumnType::Owner { targets },
            "PartyList" => ColumnType::PartyList,
            "Uniqueidentifier" => ColumnType::UniqueIdentifier,
            "EntityName" => ColumnType::TableName,
            "Image" => ColumnType::Image,
            "File" => ColumnType::File,
            _ => ColumnType::Other(name),
        }
    }

    fn text_format(&self) -> TextFormat {
        let name = self.format_name.value.as_deref().or(self.format.as_deref());
        match name {
            None | Some("Text") => TextFormat::Plain,
            Some("Email") => TextFormat::Email,
            Some("Phone") => TextFormat::Phone,
            Some("Url") => TextFormat::Url,
            Some("TextArea") => TextFormat::TextArea,
            Some(_) => TextFormat::Other,
        }
    }

    fn choices(&mut self) -> ChoiceSet {
        let own = self.option_set.take().map(ChoiceSet::from);
        let global = self.global_option_set.take().map(ChoiceSet::from);
        match (own, global) {
            (Some(own), Some(global)) if own.choices.is_empty() => global,
            (Some(own), Some(global)) => ChoiceSet {
                global_name: own.global_name.or(global.global_name),
                ..own
            },
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => ChoiceSet::default(),
        }
    }
}

impl From<OptionSet> for ChoiceSet {
    fn from(set: OptionSet) -> Self {
        let options = set
            .options
            .into_iter()
            .chain(set.true_option)
            .chain(set.false_option);
        Self {
            global_name: set.name.filter(|_| set.is_global == Some(true)),
            choices: options
                .filter_map(|option| {
                    Some(Choice {
                        value: option.value?,
                        label: option.label.into(),
                        state: option.state,
                        default_status: option.default_status,
                    })
                })
                .collect(),
        }
    }
}

impl From<WireLabel> for Label {
    fn from(label: WireLabel) -> Self {
        Self {
            user: label.user_localized_label.and_then(WireText::into_model),
            all: label
                .localized_labels
                .into_iter()
                .filter_map(WireText::into_model)
                .collect(),
        }
    }
}

impl WireText {
    fn into_model(self) -> Option<LocalizedLabel> {
        Some(LocalizedLabel {
            language: self.language_code?,
            text: self.label.filter(|text| !text.is_empty())?,
        })
    }
}

impl Key {
    fn into_model(self) -> Option<AlternateKey> {
        Some(AlternateKey {
            id: self.metadata_id,
            logical_name: self.logical_name?,
            columns: self.key_attributes,
            is_active: self.entity_key_index_status.as_deref() == Some("Active"),
        })
    }
}

impl Relationship {
    fn into_model(self) -> Option<ManyToOne> {
        Some(ManyToOne {
            id: self.metadata_id,
            schema_name: self.schema_name.unwrap_or_default(),
            column: self.referencing_attribute?,
            target: self.referenced_entity?,
            target_column: self.referenced_attribute.unwrap_or_default(),
            navigation: self
                .referencing_entity_navigation_property_name
                .filter(|name| !name.is_empty())?,
            target_navigation: self
                .referenced_entity_navigation_property_name
                .filter(|name| !name.is_empty()),
        })
    }
}

impl ManyRelationship {
    fn into_model(self) -> Option<ManyToMany> {
        Some(ManyToMany {
            id: self.metadata_id,
            schema_name: self.schema_name.unwrap_or_default(),
            intersect_table: self.intersect_entity_name?,
            first: (
                self.entity1_logical_name?,
                self.entity1_navigation_property_name?,
            ),
            second: (
                self.entity2_logical_name?,
                self.entity2_navigation_property_name?,
            ),
        })
    }
}
