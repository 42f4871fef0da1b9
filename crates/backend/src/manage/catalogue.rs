//! What the editors offer: tables, columns with what they take, Comm100 fields.

use comm100::Field;
use dataverse::metadata::Schema;
use integration::columns::{self, Kind, Limits, Required};
use integration::{Columns, Table, checker, phone};

use super::guide;
use crate::problem::Problem;
use crate::schema;
use crate::settings::rules::MAPPED;
use crate::settings::{Settings, offline};
use crate::view::{
    Catalogue, ColumnChoice, ColumnInfo, Comm100Field, CopiedByDefault, CopiedTable, SampleInfo,
    TableInfo,
};

/// Groups of fields that a site names itself.
const OPEN_FIELDS: [(&str, &str); 5] = [
    ("custom_variable.<name>", "Custom Variable"),
    ("prechat.<name>", "Pre-chat"),
    ("postchat.<name>", "Post-chat"),
    ("wrapup.<name>", "Wrap-up"),
    ("offline_message.<name>", "Offline Message"),
];

pub(super) fn catalogue(samples: Vec<SampleInfo>) -> Result<Catalogue, Problem> {
    let table = |(key, table): (&str, Table)| TableInfo {
        key: key.to_owned(),
        label: label(table).to_owned(),
        identified: Table::RECOGNISED.contains(&table),
        written: table != Table::Account,
        displayed: Table::RECOGNISED.contains(&table),
    };
    let named = Field::catalogue().into_iter().map(|info| Comm100Field {
        name: info.field.to_string(),
        label: info.label.to_owned(),
        open: false,
    });
    let open = OPEN_FIELDS.into_iter().map(|(name, label)| Comm100Field {
        name: name.to_owned(),
        label: format!("{label} <name>"),
        open: true,
    });
    Ok(Catalogue {
        tables: MAPPED.map(table).to_vec(),
        fields: named.chain(open).collect(),
        samples,
        guide: guide::chapters(),
        countries: phone::countries().collect(),
        defaults: Settings::default().to_toml()?,
        copied: offline::TABLES
            .into_iter()
            .filter_map(copied_by_default)
            .collect(),
    })
}

fn copied_by_default(table: Table) -> Option<CopiedByDefault> {
    let kept = Settings::default().offline.of(table);
    Some(CopiedByDefault {
        table: CopiedTable::of(table)?,
        keep: kept.keep,
        changed_within_days: kept.changed_within_days.unwrap_or(0),
        forget_after_days: kept.forget_after_days,
    })
}

/// What a person calls a table.
pub(super) fn label(table: Table) -> &'static str {
    match table {
        Table::Account => "Account",
        Table::Contact => "Contact",
        Table::Lead => "Lead",
        Table::Incident => "Case",
        Table::Task => "Task",
    }
}

/// The table of a key of the document.
///
/// # Errors
/// `table_unknown`.
pub(super) fn table(key: &str) -> Result<Table, Problem> {
    let found = MAPPED.into_iter().find(|(known, _)| *known == key);
    found.map(|(_, table)| table).ok_or_else(|| {
        Problem::new(
            "table_unknown",
            format!("There is no table {key:?} in the settings."),
            "Use contact, account, lead, case or task.",
        )
    })
}

/// The columns of a table, by label: the organization's, else the standard ones.
pub(super) fn columns(schema: Option<&Schema>, key: &str) -> Result<Vec<ColumnInfo>, Problem> {
    let table = table(key)?;
    let known = schema.map(schema::columns).unwrap_or_default();
    let described = schema.and_then(|schema| schema.table(table.logical_name()));
    let is_custom = |name: &str| match described.and_then(|table| table.columns.get(name)) {
        Some(column) => column.is_custom,
        None => columns::standard(table, name).is_none(),
    };
    // Columns that only help to show another one are not for people.
    let is_helper = |name: &str| {
        let column = described.and_then(|table| table.columns.get(name));
        column.is_some_and(|column| column.attribute_of.is_some())
    };
    let mut found: Vec<ColumnInfo> = known
        .names(table)
        .into_iter()
        .filter(|name| !is_helper(name))
        .map(|name| column(&known, table, name, is_custom(name)))
        .collect();
    found.sort_by_cached_key(|column| (column.label.to_lowercase(), column.name.clone()));
    Ok(found)
}

fn column(known: &Columns, table: Table, name: &str, custom: bool) -> ColumnInfo {
    let kind = known.kind(table, name).unwrap_or(Kind::Text);
    let limits = known.limits(table, name);
    let operators = checker::operators(kind).iter().filter_map(|operator| {
        let word = serde_json::to_value(operator).ok()?;
        word.as_str().map(str::to_owned)
    });
    ColumnInfo {
        name: name.to_owned(),
        label: known.label(table, name),
        kind: kind.into(),
        custom,
        operators: operators.collect(),
        choices: known
            .choices(table, name)
            .iter()
            .map(|choice| ColumnChoice {
                value: choice.value,
                label: choice.label.clone(),
            })
            .collect(),
        required: limits.required == Required::Application,
        writable: limits.create || limits.update,
        max_length: limits.max_length,
        lines: limits.lines,
        takes: takes(kind, &limits),
        targets: limits.targets,
        by_name: !known.names_of_rows(table, name).is_empty(),
    }
}

/// What a column takes, in words.
fn takes(kind: Kind, limits: &Limits) -> String {
    let mut words = match kind {
        Kind::Text if limits.lines => "Text of several lines",
        Kind::Text => "Text",
        Kind::Email => "E-mail address",
        Kind::Phone => "Telephone number",
        Kind::Url => "Web address",
        Kind::Choice => "Choice",
        Kind::MultiChoice => "Several choices",
        Kind::Boolean => "Yes or no",
        Kind::Integer => "Whole number",
        Kind::Number => "Number",
        Kind::Money => "Amount of money",
        Kind::Date => "Day",
        Kind::DateTime => "Day and time",
        Kind::Lookup => "Reference",
        Kind::Id => "Id",
    }
    .to_owned();
    if let Some(most) = limits.max_length {
        words.push_str(&format!(", up to {most} characters"));
    }
    if let (Some(min), Some(max)) = (limits.min, limits.max) {
        words.push_str(&format!(", from {min} to {max}"));
    }
    if !limits.targets.is_empty() {
        words.push_str(&format!(" to {}", limits.targets.join(" or ")));
    }
    words
}
