//! Warnings about settings: each kind once, and that a rule which is said to be shadowed never finds anybody alone.
#![expect(clippy::unwrap_used, reason = "a case that cannot be read has failed")]

use std::collections::BTreeMap;

use comm100::Conversation;
use integration::columns::{Columns, Kind, Limits, OwnColumn, Required};
use integration::recording::{Mode, Recording};
use integration::{
    Condition, DisplaySettings, Identification, Operator, Record, Rule, Table, Value, checker,
    identify,
};
use proptest::prelude::*;
use serde_json::json;

fn condition(column: &str, operator: Operator, field: &str) -> Condition {
    Condition {
        column: column.to_owned(),
        operator,
        field: field.parse().unwrap(),
    }
}

fn rule(name: &str, all: Vec<Condition>, any: Vec<Condition>) -> Rule {
    Rule {
        name: name.to_owned(),
        off: false,
        all,
        any,
    }
}

fn contacts(rules: Vec<Rule>) -> Identification {
    Identification {
        contact: rules,
        ..Identification::default()
    }
}

fn codes(identification: &Identification, fields: &DisplaySettings) -> Vec<(String, &'static str)> {
    let recording = Recording::default();
    checker::check(identification, fields, &recording, &Columns::default())
        .into_iter()
        .map(|warning| (warning.key, warning.code))
        .collect()
}

#[test]
fn the_guides_defaults_give_no_warning() {
    assert_eq!(
        codes(&Identification::default(), &DisplaySettings::default()),
        []
    );
}

#[test]
fn each_warning_names_its_place() {
    use Operator::{Contains, Equals};
    let rules = contacts(vec![
        rule(
            "E-mail",
            vec![],
            vec![condition("emailaddress1", Contains, "visitor.email")],
        ),
        rule(
            "E-mail and name",
            vec![
                condition("emailaddress1", Equals, "visitor.email"),
                condition("lastname", Equals, "visitor.name"),
            ],
            vec![],
        ),
        rule(
            "Revenue",
            vec![condition("annualincome", Equals, "visitor.name")],
            vec![],
        ),
        rule(
            "Late",
            vec![condition("jobtitle", Equals, "wrapup.comment")],
            vec![],
        ),
        rule(
            "late",
            vec![condition("jobtitle", Equals, "visitor.name")],
            vec![],
        ),
    ]);
    assert_eq!(
        codes(&rules, &DisplaySettings::default()),
        [
            ("identification.contact.1".to_owned(), "rule_shadowed"),
            (
                "identification.contact.2.all.0.column".to_owned(),
                "condition_never_met"
            ),
            ("identification.contact.2".to_owned(), "rule_never_matches"),
            (
                "identification.contact.3.all.0.field".to_owned(),
                "field_known_late"
            ),
            (
                "identification.contact.4.name".to_owned(),
                "rule_name_twice"
            ),
        ]
    );
    let fields: DisplaySettings = serde_json::from_value(json!({
        "contact": [
            { "column": "fullname", "from": "visitor.name" },
            { "column": "jobtitle", "from": "transcript" },
            { "column": "birthdate", "value": "someday" },
            { "column": "nickname", "value": "x".repeat(200) },
            { "column": "birthdate", "from": "visitor.email" },
            { "column": "lastname" },
        ],
        "account": [{ "column": "name", "from": "prechat.company" }],
    }))
    .unwrap();
    assert_eq!(
        codes(&Identification::default(), &fields),
        [
            ("fields.contact.0.column".to_owned(), "column_not_writable"),
            ("fields.contact.1.from".to_owned(), "mapping_too_long"),
            ("fields.contact.2.value".to_owned(), "mapping_unfit"),
            ("fields.contact.3.value".to_owned(), "mapping_too_long"),
            ("fields.contact.4.from".to_owned(), "mapping_unfit"),
            ("fields.contact.5.column".to_owned(), "field_without_use"),
            ("fields.account.0.column".to_owned(), "account_display_only"),
        ]
    );
}

#[test]
fn what_the_organization_says_of_its_columns_counts() {
    let own = |label: &str, required, create| OwnColumn {
        label: label.to_owned(),
        kind: Kind::Text,
        choices: Vec::new(),
        limits: Limits {
            required,
            create,
            update: create,
            max_length: Some(100),
            ..Limits::default()
        },
        names: Vec::new(),
    };
    let contact = BTreeMap::from([
        (
            "lastname".to_owned(),
            own("Name", Required::Application, true),
        ),
        (
            "new_branch".to_owned(),
            own("Branch", Required::Application, true),
        ),
        ("new_made".to_owned(), own("Made", Required::None, false)),
    ]);
    let columns = Columns::of_organization(BTreeMap::from([(Table::Contact, contact)]));
    let fields: DisplaySettings = serde_json::from_value(json!({
        "contact": [{ "column": "gone", "display": true }, { "column": "new_made", "from": "visitor.name" }],
        "case": [], "task": [], "lead": [], "account": [],
    }))
    .unwrap();
    let rules = Identification {
        contact: Vec::new(),
        ..Identification::default()
    };
    let recording = Recording {
        mode: Mode::Automatic,
        ..Recording::default()
    };
    let warnings = checker::check(&rules, &fields, &recording, &columns);
    let found: Vec<(&str, &str)> = warnings
        .iter()
        .map(|warning| (warning.key.as_str(), warning.code))
        .collect();
    assert_eq!(
        found,
        [
            ("fields.contact.0.column", "column_missing"),
            ("fields.contact.1.column", "column_not_writable"),
            ("identification.contact", "nobody_recognised"),
            ("fields.contact", "required_without_source"),
        ]
    );
    assert!(warnings[3].message.contains("Branch") && !warnings[3].message.contains("Name,"));
}

const COLUMNS: [&str; 4] = ["emailaddress1", "lastname", "jobtitle", "telephone1"];
const FIELDS: [&str; 3] = ["visitor.name", "visitor.email", "visitor.phone"];

fn some_condition() -> impl Strategy<Value = Condition> {
    let operators = [
        Operator::Equals,
        Operator::BeginsWith,
        Operator::EndsWith,
        Operator::Contains,
    ];
    (
        prop::sample::select(COLUMNS.to_vec()),
        prop::sample::select(operators.to_vec()),
        prop::sample::select(FIELDS.to_vec()),
    )
        .prop_map(|(column, operator, field)| condition(column, operator, field))
}

fn some_rule() -> impl Strategy<Value = Rule> {
    (prop::collection::vec(some_condition(), 1..4), any::<bool>()).prop_map(|(conditions, all)| {
        if all {
            rule("rule", conditions, vec![])
        } else {
            rule("rule", vec![], conditions)
        }
    })
}

/// Few values, so that rules often find something.
fn some_value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "ab",
        "b",
        "ba",
        "+44 20 7946 0018",
        "020 7946 0018",
        "",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whoever_a_shadowed_rule_finds_is_found_by_the_other_one(
        earlier in some_rule(),
        later in some_rule(),
        stored in prop::collection::vec(some_value(), COLUMNS.len()),
        given in prop::collection::vec(some_value(), FIELDS.len()),
    ) {
        let mut rules = contacts(vec![earlier, later]);
        rules.contact[0].name = "earlier".to_owned();
        rules.default_country = Some("GB".to_owned());
        let known = Columns::default();
        let warnings = checker::check(&rules, &DisplaySettings::default(), &Recording::default(), &known);
        if !warnings.iter().any(|warning| warning.code == "rule_shadowed") {
            return Ok(());
        }
        let record = Record {
            table: Table::Contact,
            id: "00000000-0000-0000-0000-000000000001".to_owned(),
            values: COLUMNS
                .iter()
                .zip(stored)
                .map(|(column, text)| ((*column).to_owned(), Value { raw: json!(text), formatted: None }))
                .collect(),
            read_at: jiff::Timestamp::UNIX_EPOCH,
            account: None,
        };
        let visitor = Conversation::from_visitor_value(
            json!({ "name": given[0], "email": given[1], "phone": given[2] }),
        )
        .unwrap();
        let meets = |rule: &Rule| identify::meets(Table::Contact, rule, &rules, &known, &visitor, &record);
        prop_assert!(!meets(&rules.contact[1]) || meets(&rules.contact[0]));
    }

    #[test]
    fn a_rule_that_never_matches_meets_no_record(
        one in some_rule(),
        stored in prop::collection::vec(some_value(), COLUMNS.len()),
    ) {
        // An e-mail address cannot stand in a column of days.
        let mut hopeless = one;
        let impossible = condition("birthdate", Operator::Equals, "visitor.email");
        if hopeless.any.is_empty() { hopeless.all.push(impossible) } else { hopeless.any = vec![impossible] }
        let rules = contacts(vec![hopeless]);
        let known = Columns::default();
        let warnings = checker::check(&rules, &DisplaySettings::default(), &Recording::default(), &known);
        prop_assert!(warnings.iter().any(|warning| warning.code == "rule_never_matches"));
        let record = Record {
            table: Table::Contact,
            id: "00000000-0000-0000-0000-000000000001".to_owned(),
            values: COLUMNS.iter().zip(stored.clone())
                .map(|(column, text)| ((*column).to_owned(), Value { raw: json!(text), formatted: None }))
                .collect(),
            read_at: jiff::Timestamp::UNIX_EPOCH,
            account: None,
        };
        let visitor = Conversation::from_visitor_value(json!({ "name": stored[0], "email": stored[1], "phone": stored[2] })).unwrap();
        prop_assert!(!identify::meets(Table::Contact, &rules.contact[0], &rules, &known, &visitor, &record));
    }
}
