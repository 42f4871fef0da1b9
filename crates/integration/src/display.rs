//! The fields of a recognised record that the agent sees.

use jiff::Timestamp;
use serde::Serialize;

use crate::columns::{Columns, Kind};
use crate::record::{Record, Table};
use crate::rules::DisplaySettings;

/// One field as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DisplayField {
    /// The column's logical name.
    pub name: String,
    /// The column's label.
    pub label: String,
    /// The raw value as text; `None` when the column is empty.
    pub value: Option<String>,
    /// The value as Dynamics formats it; `None` where it has no form of its own.
    pub formatted: Option<String>,
    /// What it holds.
    pub kind: Kind,
    /// When Dynamics gave it (UTC).
    pub as_of: Timestamp,
}

/// The columns of a table that are configured to be shown, in order.
pub fn columns(settings: &DisplaySettings, table: Table) -> impl Iterator<Item = &str> {
    settings
        .of(table)
        .iter()
        .filter(|field| field.display)
        .map(|field| field.column.as_str())
}

/// The configured display fields of a record, in order, empty ones included. A choice that Dynamics gave without its
/// label has the one that `known` has.
#[must_use]
pub fn fields(settings: &DisplaySettings, known: &Columns, record: &Record) -> Vec<DisplayField> {
    columns(settings, record.table)
        .map(|column| {
            let value = record.values.get(column);
            let formatted = value.and_then(|value| value.formatted.clone());
            let label = || {
                let raw = &value?.raw;
                let label = known.choice_label(record.table, column, raw);
                label.map(str::to_owned)
            };
            DisplayField {
                name: column.to_owned(),
                label: known.label(record.table, column),
                value: record.text(column),
                formatted: formatted.or_else(label),
                kind: known.kind(record.table, column).unwrap_or(Kind::Text),
                as_of: record.read_at,
            }
        })
        .collect()
}
