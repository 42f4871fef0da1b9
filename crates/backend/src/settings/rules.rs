//! The sections `[identification]` and `[fields]`: what their types cannot say.

use std::collections::BTreeSet;

use comm100::Field;
use integration::{
    Condition, FieldSetting, Operator, Rule, RuleError, Source, Table, checker, columns, phone,
};

use super::{Fault, Settings};
use crate::problem::Problem;

/// The tables that chats are mapped to, by their key in the document.
pub(crate) const MAPPED: [(&str, Table); 5] = [
    ("contact", Table::Contact),
    ("account", Table::Account),
    ("lead", Table::Lead),
    ("case", Table::Incident),
    ("task", Table::Task),
];

impl Settings {
    pub(super) fn check_identification(&self, faults: &mut Vec<Fault>) {
        let country = self.identification.default_country.as_deref();
        if let Some(country) = country.filter(|country| !phone::is_country(country)) {
            let problem = Problem::new(
                "settings_country_unknown",
                format!(
                    "The key `identification.default_country` names no country: \"{country}\"."
                ),
                "Write the country's two letters after ISO 3166, for example GB.",
            );
            faults.push(Fault::new("identification.default_country", problem));
        }
        for table in Table::RECOGNISED {
            for (place, rule) in self.identification.rules(table).iter().enumerate() {
                check_rule(
                    table,
                    rule,
                    &format!("identification.{table}.{place}"),
                    faults,
                );
            }
        }
    }

    pub(super) fn check_fields(&self, faults: &mut Vec<Fault>) {
        for (key, table) in MAPPED {
            let mut seen = BTreeSet::new();
            for (place, field) in self.fields.of(table).iter().enumerate() {
                let path = format!("fields.{key}.{place}");
                let fault = field.check().err().or_else(|| {
                    let twice = || RuleError::Twice(field.column.clone());
                    (!seen.insert(field.column.as_str())).then(twice)
                });
                if let Some(fault) = fault {
                    let message = format!("The fields of {table} are wrong: {fault}.");
                    faults.push(Fault::new(format!("{path}.column"), invalid(message)));
                }
                check_source(key, field, &path, faults);
            }
        }
    }
}

fn check_rule(table: Table, rule: &Rule, path: &str, faults: &mut Vec<Fault>) {
    for fault in rule.faults() {
        let key = match &fault {
            (_, RuleError::NoName) => format!("{path}.name"),
            (Some((list, place)), _) => format!("{path}.{list}.{place}.column"),
            (None, _) => path.to_owned(),
        };
        let message = format!(
            "The identification rule \"{}\" for {table} is wrong: {}.",
            rule.name, fault.1
        );
        faults.push(Fault::new(key, invalid(message)));
    }
    for (list, conditions) in [("all", &rule.all), ("any", &rule.any)] {
        for (place, condition) in conditions.iter().enumerate() {
            if let Err(problem) = check_condition(table, rule, condition) {
                let key = match problem.code.as_str() {
                    "settings_operator_unfit" => "operator",
                    _ => "column",
                };
                faults.push(Fault::new(format!("{path}.{list}.{place}.{key}"), problem));
            }
        }
    }
}

fn check_source(table: &str, field: &FieldSetting, path: &str, faults: &mut Vec<Fault>) {
    if let Some(Source::Template(template)) = &field.source
        && let Err(fault) = check_template(template)
    {
        let problem = Problem::new(
            "settings_template_invalid",
            format!(
                "The `template` of `{}` in `fields.{table}` is wrong: {fault}.",
                field.column
            ),
            "Write Comm100 fields in braces, for example {visitor.name}.",
        );
        faults.push(Fault::new(format!("{path}.template"), problem));
    }
}

/// Whether Dynamics can compare this column in this way.
fn check_condition(table: Table, rule: &Rule, condition: &Condition) -> Result<(), Problem> {
    let Some(column) = columns::standard(table, &condition.column) else {
        return Ok(());
    };
    if checker::operators(column.kind).contains(&condition.operator) {
        return Ok(());
    }
    let place = format!(
        "The rule \"{}\" in `identification.{table}` cannot work",
        rule.name
    );
    if condition.operator == Operator::Equals {
        return Err(Problem::new(
            "settings_column_unfit",
            format!(
                "{place}: `{}` holds an amount, a time or several choices, which names nobody.",
                column.name
            ),
            "Use a column that tells who somebody is.",
        ));
    }
    Err(Problem::new(
        "settings_operator_unfit",
        format!(
            "{place}: `{}` holds no text, so it {} nothing.",
            column.name,
            condition.operator.in_words()
        ),
        "Use the operator `equals`, or a column that holds text.",
    ))
}

/// Every brace must hold a field of the catalogue.
fn check_template(template: &str) -> Result<(), String> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a brace is not closed".to_owned());
        };
        if before.contains('}') {
            return Err("a brace is not opened".to_owned());
        }
        name.parse::<Field>().map_err(|error| error.to_string())?;
        rest = behind;
    }
    if rest.contains('}') {
        return Err("a brace is not opened".to_owned());
    }
    Ok(())
}

fn invalid(message: String) -> Problem {
    Problem::new(
        "settings_rule_invalid",
        message,
        "Correct it in the settings.",
    )
}
