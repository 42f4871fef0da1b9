//! Reads the definitions that clients send to change the schema (protocol page `metadata.md`, section "Writing metadata").

use serde_json::Value as Json;

use super::subject::metadata_id;
use crate::errors::{ApiError, PAYLOAD};
use crate::metadata::description::{
    ChoicesDescription, ColumnDescription, Label, OptionDescription,
};

pub(super) fn refused(cause: impl Into<String>) -> ApiError {
    ApiError::new(400, PAYLOAD, cause)
}

/// The label of `{"LocalizedLabels":[{"Label":"…","LanguageCode":1033}]}`; `None` where the member is not there.
pub(super) fn label(body: &Json, member: &str) -> Option<Label> {
    let labels = body.get(member)?.get("LocalizedLabels")?.as_array()?;
    let one = |label: &Json| {
        let language = label.get("LanguageCode")?.as_u64()?;
        let text = label.get("Label")?.as_str()?;
        Some((u32::try_from(language).ok()?, text.to_owned()))
    };
    Some(Label(labels.iter().filter_map(one).collect()))
}

/// Puts a new label over an old one: with `MSCRM.MergeLabels: true` languages that are not named stay.
pub(super) fn relabel(label: &mut Label, new: Option<Label>, merge: bool) {
    if let Some(new) = new {
        if !merge {
            label.0.clear();
        }
        label.0.extend(new.0);
    }
}

/// A managed property's or type name's `Value`, or the plain member.
pub(super) fn value<'j>(body: &'j Json, member: &str) -> Option<&'j Json> {
    let found = body.get(member)?;
    Some(found.get("Value").unwrap_or(found))
}

pub(super) fn text<'j>(body: &'j Json, member: &str) -> Option<&'j str> {
    value(body, member)?.as_str()
}

/// A new name: it needs a publisher's prefix, and only letters, digits and underscores.
pub(super) fn schema_name(body: &Json) -> Result<String, ApiError> {
    prefixed(body, "SchemaName")
}

/// The new name that a member gives.
pub(super) fn prefixed(body: &Json, member: &str) -> Result<String, ApiError> {
    let name = text(body, member).ok_or_else(|| refused(format!("The {member} is missing.")))?;
    let prefixed = name
        .split_once('_')
        .is_some_and(|(prefix, rest)| prefix.len() > 1 && !rest.is_empty());
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !prefixed || !plain || !begins || name.len() > 50 {
        return Err(ApiError::new(
            400,
            "0x8004701d",
            format!(
                "The name '{name}' is not valid. It needs the publisher's prefix, and may hold letters, digits and underscores \
                 only."
            ),
        ));
    }
    Ok(name.to_owned())
}

/// The options that a choice is made with.
pub(super) fn options(body: &Json) -> Result<Vec<OptionDescription>, ApiError> {
    let listed = body.get("Options").and_then(Json::as_array);
    let Some(listed) = listed else {
        return Ok(Vec::new());
    };
    let mut options: Vec<OptionDescription> = Vec::new();
    for described in listed {
        let next = options.iter().map(|option| option.value).max();
        let next = next.map_or(100_000_000, |highest| highest + 1);
        let chosen = described
            .get("Value")
            .and_then(Json::as_i64)
            .unwrap_or(next);
        if options.iter().any(|option| option.value == chosen) {
            return Err(refused(format!(
                "The option value {chosen} is there twice."
            )));
        }
        options.push(OptionDescription {
            value: chosen,
            label: label(described, "Label").unwrap_or_default(),
            state: None,
            default_status: None,
            color: text(described, "Color").map(str::to_owned),
        });
    }
    Ok(options)
}

/// The global choice that a new column is to use: bound, or named in its options.
fn global<'c>(
    body: &Json,
    choices: &'c [ChoicesDescription],
) -> Result<Option<&'c ChoicesDescription>, ApiError> {
    let set = body.get("OptionSet");
    let is_global = set
        .and_then(|set| set.get("IsGlobal"))
        .and_then(Json::as_bool);
    let wanted = match text(body, "GlobalOptionSet@odata.bind") {
        Some(bind) => bind
            .split_once("GlobalOptionSetDefinitions(")
            .map(|(_, key)| key.trim_end_matches(')')),
        None if is_global == Some(true) => set.and_then(|set| text(set, "Name")),
        None => return Ok(None),
    };
    let wanted = wanted.ok_or_else(|| refused("The GlobalOptionSet is not named."))?;
    let name = wanted
        .strip_prefix("Name=")
        .unwrap_or(wanted)
        .trim_matches('\'');
    let found = choices.iter().find(|known| {
        known.name.eq_ignore_ascii_case(name)
            || metadata_id("choices", &known.name)
                .to_string()
                .eq_ignore_ascii_case(name)
    });
    found
        .map(Some)
        .ok_or_else(|| refused(format!("Could not find optionset with name: {name}")))
}

/// The description of a new column. Look-ups are made by their relationship.
pub(super) fn column(
    table: &str,
    body: &Json,
    choices: &[ChoicesDescription],
) -> Result<ColumnDescription, ApiError> {
    let kind = body
        .get("@odata.type")
        .and_then(Json::as_str)
        .map(|kind| kind.trim_start_matches('#'))
        .and_then(|kind| kind.strip_prefix("Microsoft.Dynamics.CRM."))
        // `CreateEntities` has complex types of the same shape.
        .map(|kind| kind.strip_prefix("Complex").unwrap_or(kind))
        .ok_or_else(|| refused("The annotation '@odata.type' of the attribute is missing."))?;
    let schema_name = schema_name(body)?;
    let logical_name = schema_name.to_ascii_lowercase();
    let (attribute_type, type_name, edm) = match kind {
        "StringAttributeMetadata" => ("String", "StringType", "Edm.String"),
        "MemoAttributeMetadata" => ("Memo", "MemoType", "Edm.String"),
        "IntegerAttributeMetadata" => ("Integer", "IntegerType", "Edm.Int32"),
        "DecimalAttributeMetadata" => ("Decimal", "DecimalType", "Edm.Decimal"),
        "DoubleAttributeMetadata" => ("Double", "DoubleType", "Edm.Double"),
        "MoneyAttributeMetadata" => ("Money", "MoneyType", "Edm.Decimal"),
        "BooleanAttributeMetadata" => ("Boolean", "BooleanType", "Edm.Boolean"),
        "DateTimeAttributeMetadata" => ("DateTime", "DateTimeType", "Edm.DateTimeOffset"),
        "PicklistAttributeMetadata" => ("Picklist", "PicklistType", "Edm.Int32"),
        "MultiSelectPicklistAttributeMetadata" => {
            ("Virtual", "MultiSelectPicklistType", "Edm.String")
        }
        "LookupAttributeMetadata" => {
            return Err(refused(
                "A lookup attribute is made by POST of its relationship to RelationshipDefinitions.",
            ));
        }
        other => {
            return Err(ApiError::not_simulated(format!(
                "making a column of type '{other}'"
            )));
        }
    };
    let behavior = text(body, "DateTimeBehavior").unwrap_or("UserLocal");
    let is_date = attribute_type == "DateTime" && behavior == "DateOnly";
    let whole = |member: &str| {
        let number = body.get(member).and_then(Json::as_u64);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let option_set = match attribute_type {
        "Picklist" | "Virtual" => Some(match global(body, choices)? {
            Some(global) => ChoicesDescription {
                options: Vec::new(),
                ..global.clone()
            },
            None => ChoicesDescription {
                name: format!("{table}_{logical_name}"),
                display_name: label(body, "DisplayName").unwrap_or_default(),
                is_custom_option_set: true,
                option_set_type: "Picklist".to_owned(),
                options: options(body.get("OptionSet").unwrap_or(&Json::Null))?,
                ..ChoicesDescription::default()
            },
        }),
        "Boolean" => Some(two_options(table, &logical_name, body)),
        _ => None,
    };
    let default_length = if attribute_type == "Memo" { 2000 } else { 100 };
    Ok(ColumnDescription {
        display_name: label(body, "DisplayName").unwrap_or_default(),
        description: label(body, "Description").unwrap_or_default(),
        attribute_type: attribute_type.to_owned(),
        attribute_type_name: type_name.to_owned(),
        edm_type: Some(if is_date { "Edm.Date" } else { edm }.to_owned()),
        required_level: text(body, "RequiredLevel").unwrap_or("None").to_owned(),
        is_custom_attribute: true,
        is_valid_for_create: true,
        is_valid_for_update: true,
        max_length: edm
            .eq("Edm.String")
            .then(|| whole("MaxLength").unwrap_or(default_length))
            .filter(|_| option_set.is_none()),
        min_value: body.get("MinValue").and_then(Json::as_f64),
        max_value: body.get("MaxValue").and_then(Json::as_f64),
        precision: whole("Precision"),
        precision_source: body.get("PrecisionSource").and_then(Json::as_i64),
        format: text(body, "Format")
            .or_else(|| text(body, "FormatName"))
            .map(str::to_owned),
        format_name: text(body, "FormatName").map(str::to_owned),
        date_time_behavior: (attribute_type == "DateTime").then(|| behavior.to_owned()),
        option_set,
        default_value: body.get("DefaultValue").and_then(Json::as_bool),
        default_form_value: body.get("DefaultFormValue").and_then(Json::as_i64),
        logical_name,
        schema_name,
        ..ColumnDescription::default()
    })
}

fn two_options(table: &str, column: &str, body: &Json) -> ChoicesDescription {
    let set = body.get("OptionSet").cloned().unwrap_or_default();
    let option = |member: &str, value: i64, otherwise: &str| OptionDescription {
        value,
        label: set
            .get(member)
            .and_then(|option| label(option, "Label"))
            .unwrap_or_else(|| Label::english(otherwise)),
        state: None,
        default_status: None,
        color: None,
    };
    ChoicesDescription {
        name: format!("{table}_{column}"),
        is_custom_option_set: true,
        option_set_type: "Boolean".to_owned(),
        options: vec![
            option("FalseOption", 0, "No"),
            option("TrueOption", 1, "Yes"),
        ],
        ..ChoicesDescription::default()
    }
}
