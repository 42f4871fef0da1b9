//! Columns that could be mapped, by what their names have in common with Comm100 fields.

use std::collections::BTreeSet;

use comm100::Field;
use integration::columns::{Kind, Required};
use integration::{Columns, DisplaySettings, Table};

use crate::view::Suggestion;

/// Which field fits a column that is called like this. The first that fits is taken.
const FITTING: [(&str, &str); 16] = [
    ("emailaddress1", "visitor.email"),
    ("lastname", "visitor.name"),
    ("telephone1", "prechat.phone"),
    ("companyname", "prechat.company"),
    ("address1_city", "visitor.city"),
    ("address1_stateorprovince", "visitor.state"),
    ("address1_country", "visitor.country"),
    ("mobilephone", "visitor.phone"),
    ("description", "transcript"),
    ("subject", "offline_message.subject"),
    ("title", "offline_message.subject"),
    ("externaluseridentifier", "visitor.sso_id"),
    ("websiteurl", "chat.request_page_url"),
    ("employeeid", "visitor.sso_id"),
    ("department", "chat.department"),
    ("category", "wrapup.category"),
];

/// What is suggested for a table, the most needed first.
pub(super) fn suggest(
    table: Table,
    fields: &DisplaySettings,
    columns: &Columns,
) -> Vec<Suggestion> {
    let mapped: BTreeSet<&str> = fields
        .of(table)
        .iter()
        .filter(|field| field.source.is_some())
        .map(|field| field.column.as_str())
        .collect();
    let catalogue = Field::catalogue();
    let mut found = Vec::new();
    for column in columns.names(table) {
        let limits = columns.limits(table, column);
        if mapped.contains(column) || !(limits.create || limits.update) {
            continue;
        }
        let label = columns.label(table, column);
        let kind = columns.kind(table, column);
        let is_text = matches!(
            kind,
            Some(Kind::Text | Kind::Email | Kind::Phone | Kind::Url) | None
        );
        let by_name = FITTING.iter().find(|(name, _)| *name == column);
        let field = match by_name {
            Some((_, field)) => field.parse::<Field>().ok(),
            None if is_text => catalogue
                .iter()
                .find(|info| alike(info.label, &label))
                .map(|info| info.field.clone()),
            None => None,
        };
        let Some(field) = field else { continue };
        let required = limits.required == Required::Application;
        let reason = if required {
            format!("Dynamics requires {label}.")
        } else if by_name.is_some() {
            format!("{label} is usually filled with it.")
        } else {
            "They are called alike.".to_owned()
        };
        found.push((
            !required,
            by_name.is_none(),
            Suggestion {
                column: column.to_owned(),
                label,
                from: field.to_string(),
                from_label: field.label(),
                reason,
            },
        ));
    }
    found.sort_by(|one, other| {
        (one.0, one.1, &one.2.label).cmp(&(other.0, other.1, &other.2.label))
    });
    found
        .into_iter()
        .map(|(_, _, suggestion)| suggestion)
        .collect()
}

/// Whether a field's label, without its group, is the column's.
fn alike(field: &str, column: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (field, column) = (plain(field), plain(column));
    let bare = ["visitor", "prechat", "chat"]
        .iter()
        .find_map(|group| field.strip_prefix(group))
        .unwrap_or(&field);
    bare.len() > 3 && bare == column
}
