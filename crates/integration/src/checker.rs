//! What can be saved and will hardly do what is meant: rules that can never match, rules that never get their turn, columns
//! that are not there or cannot be written, mappings that do not fit, required columns without a source.

use comm100::Field;

use crate::columns::{Columns, Kind, Limits, Required};
use crate::cut;
use crate::fit::fit;
use crate::identify;
use crate::record::Table;
use crate::recording::{Mode, Recording};
use crate::rules::{Condition, DisplaySettings, Identification, Operator, Rule, Source};

/// A warning about a place in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key path: `identification.contact.1`.
    pub key: String,
    /// Stable, snake_case.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// What to do.
    pub next_step: &'static str,
    /// Another place that it has to do with.
    pub other: Option<String>,
}

/// The tables of `fields`, by their key in the settings.
const MAPPED: [(&str, Table); 5] = [
    ("contact", Table::Contact),
    ("account", Table::Account),
    ("lead", Table::Lead),
    ("case", Table::Incident),
    ("task", Table::Task),
];

/// Columns that a new record gets without a mapping: see [`crate::map::Mapped::for_creation`] and [`crate::decide`].
const FILLED_ANYWAY: [(Table, &str); 7] = [
    (Table::Contact, "lastname"),
    (Table::Lead, "lastname"),
    (Table::Lead, "subject"),
    (Table::Incident, "title"),
    (Table::Incident, "customerid"),
    (Table::Task, "subject"),
    (Table::Task, "regardingobjectid"),
];

/// All warnings, in the order of the settings. What is wrong outright (an unknown operator, a rule without conditions) is
/// not among them.
#[must_use]
pub fn check(
    identification: &Identification,
    fields: &DisplaySettings,
    recording: &Recording,
    columns: &Columns,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for table in Table::RECOGNISED {
        rules(table, identification.rules(table), columns, &mut warnings);
    }
    for (key, table) in MAPPED {
        mapping(key, table, fields, columns, &mut warnings);
    }
    written(identification, fields, recording, columns, &mut warnings);
    warnings
}

fn rules(table: Table, rules: &[Rule], columns: &Columns, warnings: &mut Vec<Warning>) {
    for (place, rule) in rules.iter().enumerate() {
        if rule.off {
            continue;
        }
        let key = format!("identification.{table}.{place}");
        let hopeless = conditions(table, rule, &key, columns, warnings);
        if hopeless {
            warnings.push(Warning {
                key,
                code: "rule_never_matches",
                message: format!("The rule \"{}\" can never match anybody.", rule.name),
                next_step: "Correct its conditions, or switch it off.",
                other: None,
            });
            continue;
        }
        let before = rules.iter().take(place).enumerate();
        let shadow = before
            .filter(|(_, earlier)| !earlier.off)
            .find(|(_, earlier)| implies(table, rule, earlier, columns));
        if let Some((at, earlier)) = shadow {
            warnings.push(Warning {
                key: key.clone(),
                code: "rule_shadowed",
                message: format!(
                    "The rule \"{}\" never gets its turn: whoever it finds is found by \"{}\" before.",
                    rule.name, earlier.name
                ),
                next_step: "Move it before the other one, or remove it.",
                other: Some(format!("identification.{table}.{at}")),
            });
        }
        let same_name = rules.iter().take(place).position(|earlier| {
            identify::fold(&earlier.name) == identify::fold(&rule.name)
                && !rule.name.trim().is_empty()
        });
        if let Some(at) = same_name {
            warnings.push(Warning {
                key: format!("{key}.name"),
                code: "rule_name_twice",
                message: format!(
                    "Two rules for {table} are called \"{}\": the reason will not tell which one it was.",
                    rule.name
                ),
                next_step: "Give one of them another name.",
                other: Some(format!("identification.{table}.{at}.name")),
            });
        }
    }
}

/// Looks at the conditions of a rule; whether what is wrong with them lets nobody match.
fn conditions(
    table: Table,
    rule: &Rule,
    key: &str,
    columns: &Columns,
    warnings: &mut Vec<Warning>,
) -> bool {
    let mut hopeless = 0;
    for (list, conditions) in [("all", &rule.all), ("any", &rule.any)] {
        for (place, condition) in conditions.iter().enumerate() {
            let Some((part, code, message, next_step, never)) =
                condition_fault(table, condition, columns)
            else {
                continue;
            };
            hopeless += usize::from(never);
            warnings.push(Warning {
                key: format!("{key}.{list}.{place}.{part}"),
                code,
                message,
                next_step,
                other: None,
            });
        }
    }
    if rule.any.is_empty() {
        hopeless > 0
    } else {
        rule.all.is_empty() && hopeless == rule.any.len()
    }
}

/// The part that is wrong, the code, the sentence, the next step, and whether nothing can meet the condition.
type ConditionFault = (&'static str, &'static str, String, &'static str, bool);

fn condition_fault(
    table: Table,
    condition: &Condition,
    columns: &Columns,
) -> Option<ConditionFault> {
    let column = &condition.column;
    if columns.is_missing(table, column) {
        return Some((
            "column",
            "column_missing",
            format!("The table {table} has no column `{column}`, or you may not read it."),
            "Choose a column from the list.",
            true,
        ));
    }
    let label = columns.label(table, column);
    let kind = identify::kind(table, condition, columns);
    if !operators(kind).contains(&condition.operator) {
        let (part, what) = if operators(kind).is_empty() {
            ("column", "tells nobody apart")
        } else {
            ("operator", "holds no text")
        };
        return Some((
            part,
            "condition_never_met",
            format!(
                "{label} {what}, so that no record ever {} a text.",
                condition.operator.in_words()
            ),
            "Choose another column, or the operator `equals`.",
            true,
        ));
    }
    if is_known_late(&condition.field) {
        return Some((
            "field",
            "field_known_late",
            format!(
                "{} is known only when the chat has ended, so that nobody is recognised by it while the chat goes on.",
                condition.field.label()
            ),
            "Use a field that the visitor gives before or during the chat.",
            false,
        ));
    }
    if !can_hold(kind, &condition.field) {
        return Some((
            "field",
            "condition_never_met",
            format!("{label} never has the form of {}.", condition.field.label()),
            "Compare it with a field that has such a value.",
            true,
        ));
    }
    None
}

/// The operators that fit a column of this kind.
#[must_use]
pub fn operators(kind: Kind) -> &'static [Operator] {
    use Operator::{BeginsWith, Contains, EndsWith, Equals};
    match kind {
        Kind::Text | Kind::Email | Kind::Phone | Kind::Url => {
            &[Equals, BeginsWith, EndsWith, Contains]
        }
        Kind::Choice | Kind::Boolean | Kind::Integer | Kind::Lookup | Kind::Id => &[Equals],
        Kind::Number | Kind::Money | Kind::Date | Kind::DateTime | Kind::MultiChoice => &[],
    }
}

/// Whether a field has its value only when the chat is over.
fn is_known_late(field: &Field) -> bool {
    let name = field.to_string();
    let late = ["wrapup.", "postchat.", "rating."];
    late.iter().any(|group| name.starts_with(group)) || name == "chat.end_time"
}

/// Whether the values of this field can stand in a column of this kind: only what is certain counts.
fn can_hold(kind: Kind, field: &Field) -> bool {
    let name = field.to_string();
    let is_address = ["visitor.email", "prechat.email", "agent.email"].contains(&name.as_str());
    let is_text = is_address || name == "transcript";
    match kind {
        Kind::Integer
        | Kind::Number
        | Kind::Money
        | Kind::Boolean
        | Kind::Date
        | Kind::DateTime
        | Kind::Id
        | Kind::Lookup => !is_text,
        Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Choice | Kind::MultiChoice => {
            true
        }
    }
}

/// Whether every record that `rule` finds is one that `earlier` finds: a rule is a choice between sets of conditions that
/// must all be met, and each set of the one holds all of a set of the other.
fn implies(table: Table, rule: &Rule, earlier: &Rule, columns: &Columns) -> bool {
    let sets = |rule: &Rule| -> Vec<Vec<Condition>> {
        if rule.any.is_empty() {
            vec![rule.all.clone()]
        } else {
            rule.any
                .iter()
                .map(|condition| vec![condition.clone()])
                .collect()
        }
    };
    let (sets, earlier) = (sets(rule), sets(earlier));
    !sets.is_empty()
        && sets.iter().all(|set| {
            !set.is_empty()
                && earlier.iter().any(|asked| {
                    !asked.is_empty()
                        && asked
                            .iter()
                            .all(|asked| set.iter().any(|met| stronger(table, met, asked, columns)))
                })
        })
}

/// Whether a record that meets `met` meets `asked`.
fn stronger(table: Table, met: &Condition, asked: &Condition, columns: &Columns) -> bool {
    if met.column != asked.column || met.field != asked.field {
        return false;
    }
    if met.operator == asked.operator {
        return true;
    }
    let kind = identify::kind(table, met, columns);
    let is_text = matches!(kind, Kind::Text | Kind::Email | Kind::Url);
    match (met.operator, asked.operator) {
        (Operator::Equals, Operator::BeginsWith | Operator::EndsWith | Operator::Contains) => {
            is_text
        }
        (Operator::BeginsWith | Operator::EndsWith, Operator::Contains) => true,
        _ => false,
    }
}

fn mapping(
    key: &str,
    table: Table,
    fields: &DisplaySettings,
    columns: &Columns,
    warnings: &mut Vec<Warning>,
) {
    for (place, field) in fields.of(table).iter().enumerate() {
        let path = format!("fields.{key}.{place}");
        let column = &field.column;
        let mut warn = |part: &str, code, message, next_step| {
            warnings.push(Warning {
                key: format!("{path}.{part}"),
                code,
                message,
                next_step,
                other: None,
            });
        };
        if columns.is_missing(table, column) {
            warn(
                "column",
                "column_missing",
                format!("The table {table} has no column `{column}`, or you may not read it."),
                "Choose a column from the list.",
            );
            continue;
        }
        let Some(source) = &field.source else {
            if !field.display {
                warn(
                    "column",
                    "field_without_use",
                    format!(
                        "{} is neither filled nor shown.",
                        columns.label(table, column)
                    ),
                    "Give it a Comm100 field, switch its display on, or remove it.",
                );
            }
            continue;
        };
        if table == Table::Account {
            warn(
                "column",
                "account_display_only",
                "Chats are never written to accounts: this source is not used.".to_owned(),
                "Remove the source.",
            );
            continue;
        }
        let limits = columns.limits(table, column);
        if !limits.create && !limits.update {
            warn(
                "column",
                "column_not_writable",
                format!(
                    "{} cannot be written: Dynamics fills it itself.",
                    columns.label(table, column)
                ),
                "Choose another column, or show it only.",
            );
            continue;
        }
        if let Some((part, code, message)) = source_fault(table, column, source, &limits, columns) {
            warn(
                part,
                code,
                message,
                "Choose a column that takes it, or another source.",
            );
        }
    }
}

/// What of a source will not fit its column.
fn source_fault(
    table: Table,
    column: &str,
    source: &Source,
    limits: &Limits,
    columns: &Columns,
) -> Option<(&'static str, &'static str, String)> {
    let label = columns.label(table, column);
    let kind = columns.kind(table, column).unwrap_or(Kind::Text);
    match source {
        Source::Fixed(value) if value.trim().is_empty() => Some((
            "value",
            "mapping_empty",
            format!("Nothing is written to {label}: the fixed value is empty."),
        )),
        Source::Fixed(value) => match fit(columns, table, column, value) {
            Ok(fitted) => {
                let notice = fitted.notice?;
                Some((
                    "value",
                    "mapping_too_long",
                    format!("The fixed value does not fit {label}: {}", notice.rule),
                ))
            }
            Err(unfit) => Some((
                "value",
                "mapping_unfit",
                format!("{label} does not take the fixed value: {}", unfit.rule),
            )),
        },
        Source::From(field) if !can_hold(kind, field) => Some((
            "from",
            "mapping_unfit",
            format!("{label} never takes {}.", field.label()),
        )),
        Source::From(field) => {
            let most = limits.max_length?;
            let is_long = longest(field).is_none_or(|longest| longest > most);
            (is_long && !limits.lines).then(|| {
                (
                    "from",
                    "mapping_too_long",
                    format!(
                        "{} can be longer than the {most} characters that {label} takes: the rest is cut off.",
                        field.label()
                    ),
                )
            })
        }
        Source::Template(template) => {
            let most = limits.max_length?;
            let fixed = template
                .split('{')
                .enumerate()
                .map(|(place, part)| match part.split_once('}') {
                    Some((_, behind)) if place > 0 => cut::length(behind),
                    _ => cut::length(part),
                })
                .sum::<usize>();
            (fixed > most as usize && !limits.lines).then(|| {
                (
                    "template",
                    "mapping_too_long",
                    format!(
                        "The template alone is longer than the {most} characters that {label} takes."
                    ),
                )
            })
        }
    }
}

/// How long a field's value is, in characters: none where nothing limits it, 0 where nobody can say.
fn longest(field: &Field) -> Option<u32> {
    match field.to_string().as_str() {
        "transcript" | "offline_message.content" | "wrapup.comment" => None,
        _ => Some(0),
    }
}

/// What is written down as a whole.
fn written(
    identification: &Identification,
    fields: &DisplaySettings,
    recording: &Recording,
    columns: &Columns,
    warnings: &mut Vec<Warning>,
) {
    let automatic = recording.mode == Mode::Automatic;
    let person = recording.action.person().filter(|_| automatic);
    if let Some(person) = person
        && identification.rules(person).iter().all(|rule| rule.off)
    {
        warnings.push(Warning {
            key: format!("identification.{person}"),
            code: "nobody_recognised",
            message: format!(
                "No rule for {person} is switched on: each chat is written to a new {person} by itself, or to the one with the same e-mail address that a chat created before."
            ),
            next_step: "Add a rule, or record manually.",
            other: Some("recording.action".to_owned()),
        });
    }
    for (key, table) in MAPPED {
        if table == Table::Account {
            continue;
        }
        let missing = columns.names(table).into_iter().filter(|column| {
            let limits = columns.limits(table, column);
            limits.required == Required::Application
                && limits.create
                && !FILLED_ANYWAY.contains(&(table, column))
                && !fields
                    .of(table)
                    .iter()
                    .any(|field| field.column == *column && field.source.is_some())
        });
        let labels: Vec<String> = missing.map(|column| columns.label(table, column)).collect();
        if labels.is_empty() {
            continue;
        }
        warnings.push(Warning {
            key: format!("fields.{key}"),
            code: "required_without_source",
            message: format!(
                "Dynamics requires {} of a new {table}, and nothing is mapped to {}.",
                labels.join(", "),
                if labels.len() == 1 { "it" } else { "them" }
            ),
            next_step: "Map a Comm100 field or a fixed value to it.",
            other: None,
        });
    }
}
