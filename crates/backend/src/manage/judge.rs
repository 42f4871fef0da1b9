//! What is said of a draft: what prevents saving, what will hardly do what is meant, what differs, what a sample yields.

use comm100::Conversation;
use integration::plan::Planned;
use integration::{Columns, Table, checker, map};
use serde_json::Value;

use super::Saved;
use super::document;
use crate::problem::Problem;
use crate::settings::draft::{self, Drafted};
use crate::settings::rules::MAPPED;
use crate::settings::{Fault, Managed, Settings};
use crate::view::{Judgement, Remark, RowYield};

/// Judges a draft.
pub(super) fn judge(
    draft: &Value,
    saved: &Saved,
    columns: &Columns,
    by_organization: bool,
    sample: Option<&Conversation>,
) -> Judgement {
    let drafted = draft::read(draft);
    let problems = problems(&drafted, saved.managed.as_ref(), &saved.settings);
    let settings = &drafted.settings;
    let warnings = checker::check(
        &settings.identification,
        &settings.fields,
        &settings.recording,
        columns,
    );
    let warnings = warnings.into_iter().map(|warning| {
        let key = drafted.key_in_draft(&warning.key);
        Remark {
            other: warning.other.map(|key| drafted.key_in_draft(&key)),
            line: None,
            problem: Problem::new(warning.code, warning.message, warning.next_step),
            key,
        }
    });
    // What is wrong outright needs no warning beside it.
    let warnings = warnings
        .filter(|warning| !problems.iter().any(|problem| problem.key == warning.key))
        .collect();
    let (rows, filled_in) =
        sample.map_or_else(Default::default, |sample| yields(&drafted, columns, sample));
    Judgement {
        warnings,
        changes: document::changes(&saved.settings, settings),
        rows,
        filled_in,
        by_organization,
        problems,
    }
}

/// What prevents saving, in the order of the document's sections.
pub(super) fn problems(
    drafted: &Drafted,
    managed: Option<&Managed>,
    saved: &Settings,
) -> Vec<Remark> {
    let remark = |key: String, problem: Problem| Remark {
        key,
        line: None,
        problem,
        other: None,
    };
    let read = drafted.faults.iter().cloned();
    let mut remarks: Vec<Remark> = read
        .map(|Fault { key, problem }| remark(key, problem))
        .collect();
    for Fault { key, problem } in drafted.settings.faults() {
        let key = drafted.key_in_draft(&key);
        // What could not be read is missed by the rest, and was said before.
        if !drafted.left_out_below(&key) {
            remarks.push(remark(key, problem));
        }
    }
    if let Some(managed) = managed {
        let changes = document::changes(saved, &drafted.settings);
        for change in changes
            .into_iter()
            .filter(|change| managed.locks(&change.key))
        {
            remarks.push(remark(change.key, locked()));
        }
    }
    let section = |key: &str| {
        let sections = [
            "version",
            "connection",
            "bridge",
            "identification",
            "fields",
        ];
        let name = key.split('.').next().unwrap_or_default();
        sections
            .iter()
            .position(|section| *section == name)
            .unwrap_or(sections.len())
    };
    remarks.sort_by_key(|remark| section(&remark.key));
    remarks
}

pub(super) fn locked() -> Problem {
    Problem::new(
        "settings_locked",
        "This is set by your administrator and cannot be changed here.",
        "Ask the administrator of this computer to change it.",
    )
}

/// What a sample chat yields for each row, and what else would be written so that Dynamics takes it.
fn yields(
    drafted: &Drafted,
    columns: &Columns,
    sample: &Conversation,
) -> (Vec<RowYield>, Vec<RowYield>) {
    let (mut rows, mut filled_in) = (Vec::new(), Vec::new());
    let fields = &drafted.settings.fields;
    for (key, table) in MAPPED {
        let written = table != Table::Account;
        let mapped = map::values(table, fields, columns, sample);
        for (place, field) in fields.of(table).iter().enumerate() {
            if field.source.is_none() || !written {
                continue;
            }
            let unfit = mapped
                .unfit
                .iter()
                .find(|unfit| unfit.column == field.column);
            rows.push(RowYield {
                key: drafted.key_in_draft(&format!("fields.{key}.{place}")),
                column: field.column.clone(),
                label: columns.label(table, &field.column),
                text: mapped
                    .values
                    .get(&field.column)
                    .map(|value| shown(columns, table, &field.column, value)),
                notice: unfit.map(|unfit| unfit.rule.clone()),
            });
        }
        if !written {
            continue;
        }
        let whole = mapped.clone().for_creation(table, columns, sample);
        for (column, value) in &whole.values {
            if !mapped.values.contains_key(column) {
                filled_in.push(RowYield {
                    key: format!("fields.{key}"),
                    column: column.clone(),
                    label: columns.label(table, column),
                    text: Some(shown(columns, table, column, value)),
                    notice: None,
                });
            }
        }
    }
    (rows, filled_in)
}

/// A value that would be written, as a person reads it.
pub(super) fn shown(columns: &Columns, table: Table, column: &str, value: &Planned) -> String {
    match value {
        Planned::Value(value) => {
            if let Some(label) = columns.choice_label(table, column, value) {
                return label.to_owned();
            }
            match value {
                Value::String(text) => text.clone(),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => value.to_string(),
            }
        }
        Planned::Lookup { table, id } => format!("{table} {id}"),
        Planned::Find(question) => {
            format!("{} ({})", question.text, question.tables.join(" or "))
        }
    }
}
