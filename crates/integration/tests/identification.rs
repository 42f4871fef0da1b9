//! Stories of identification: rules and a visitor in, questions out; records in, a recognition out.
#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot be set up has failed"
)]

use comm100::Conversation;
use integration::columns::{Kind, Limits, OwnColumn};
use integration::identify::{self, Filter, Scalar};
use integration::{
    Columns, DisplaySettings, Identification, Outcome, Reason, Recognition, Record, Rule, Table,
    Value,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

fn visitor(value: serde_json::Value) -> Conversation {
    Conversation::from_visitor_value(value).unwrap()
}

fn record(table: Table, id: &str, values: &[(&str, &str)]) -> Record {
    let value = |text: &str| Value {
        raw: json!(text),
        formatted: None,
    };
    Record {
        table,
        id: id.to_owned(),
        values: values
            .iter()
            .map(|(column, text)| ((*column).to_owned(), value(text)))
            .collect(),
        read_at: Timestamp::UNIX_EPOCH,
        account: None,
    }
}

fn questions(table: Table, rules: &Identification, of: &Conversation) -> Vec<identify::Question> {
    identify::questions(
        table,
        rules,
        &DisplaySettings::default(),
        &Columns::default(),
        of,
    )
}

fn judge(rule: &Rule, of: &Conversation, records: Vec<Record>) -> Outcome {
    identify::judge(
        Table::Contact,
        rule,
        &Identification::default(),
        &Columns::default(),
        of,
        records,
    )
}

fn with_contact_rule(rule: serde_json::Value) -> Identification {
    let rule: Rule = serde_json::from_value(rule).unwrap();
    assert_eq!(rule.faults(), []);
    Identification {
        contact: vec![rule],
        ..Identification::default()
    }
}

#[test]
fn the_default_rules_ask_for_the_e_mail_then_for_the_phone() {
    let dana =
        visitor(json!({"name": "Dana", "email": "dana@example.com", "phone": "(020) 7946 0018"}));
    let asked = questions(Table::Contact, &Identification::default(), &dana);
    assert_eq!(asked.len(), 2);
    let Filter::Any(mails) = &asked[0].filter else {
        panic!("{:?}", asked[0].filter)
    };
    assert_eq!(
        mails[0],
        Filter::Is(
            "emailaddress1".into(),
            Scalar::Text("dana@example.com".into())
        )
    );
    assert_eq!(mails.len(), 3);
    let Filter::Any(phones) = &asked[1].filter else {
        panic!("{:?}", asked[1].filter)
    };
    assert_eq!(
        phones[0],
        Filter::HasDigits("telephone1".into(), "2079460018".into())
    );
    assert!(
        asked[0].columns.contains(&"jobtitle".to_owned()),
        "display columns are read along"
    );
    assert!(
        asked[0]
            .account_columns
            .contains(&"industrycode".to_owned()),
        "and those of the account"
    );
}

#[test]
fn a_number_is_asked_for_by_the_digits_that_every_spelling_has() {
    for (written, digits) in [
        ("+39 06 698 12345", "669812345"),
        ("06 698 12345", "669812345"),
        ("1-202-555-0142", "2025550142"),
        ("+1 202 555 0142", "2025550142"),
    ] {
        let of = visitor(json!({ "phone": written }));
        let asked = questions(Table::Contact, &Identification::default(), &of);
        let Filter::Any(phones) = &asked[0].filter else {
            panic!("{:?}", asked[0].filter)
        };
        let expected = Filter::HasDigits("telephone1".into(), digits.into());
        assert_eq!(phones[0], expected, "{written}");
    }
}

#[test]
fn a_rule_whose_fields_are_empty_asks_nothing() {
    let phone_only = visitor(json!({"name": "Dana", "phone": "+44 20 7946 0018"}));
    let asked = questions(Table::Lead, &Identification::default(), &phone_only);
    assert_eq!(
        asked
            .iter()
            .map(|question| question.rule)
            .collect::<Vec<_>>(),
        [1]
    );
    let nobody = visitor(json!({"name": "Dana", "email": "  ", "phone": "call me"}));
    assert!(questions(Table::Contact, &Identification::default(), &nobody).is_empty());
}

#[test]
fn all_conditions_need_all_their_fields() {
    let rules = with_contact_rule(json!({"name": "Name and company", "all": [
        {"column": "fullname", "operator": "equals", "field": "visitor.name"},
        {"column": "company", "operator": "contains", "field": "visitor.company"}]}));
    assert!(questions(Table::Contact, &rules, &visitor(json!({"name": "Dana"}))).is_empty());
    assert_eq!(
        questions(
            Table::Contact,
            &rules,
            &visitor(json!({"name": "Dana", "company": "Northwind"}))
        )
        .len(),
        1
    );
}

#[test]
fn a_value_goes_into_the_columns_own_type_or_is_not_asked_for() {
    let rules = with_contact_rule(json!({"name": "Id", "any": [
        {"column": "contactid", "operator": "equals", "field": "custom_variable.ContactId"}]}));
    let with = |id: &str| {
        visitor(json!({"name": "x", "customVariables": [{"name": "ContactId", "value": id}]}))
    };
    let asked = questions(
        Table::Contact,
        &rules,
        &with("{6F1C0000-0000-0000-0000-00000000000A}"),
    );
    let id = "6f1c0000-0000-0000-0000-00000000000a".to_owned();
    assert_eq!(
        asked[0].filter,
        Filter::Any(vec![Filter::Is("contactid".into(), Scalar::Id(id))])
    );
    assert!(questions(Table::Contact, &rules, &with("' or 1 eq 1")).is_empty());
}

#[test]
fn a_row_is_meant_by_its_id_or_by_its_name() {
    let rules = with_contact_rule(json!({"name": "Tier", "any": [
        {"column": "new_tierid", "operator": "equals", "field": "custom_variable.Tier"}]}));
    let of = |tier: &str| {
        visitor(json!({"name": "x", "customVariables": [{"name": "Tier", "value": tier}]}))
    };
    let lookup = |names: &[&str]| {
        let own = OwnColumn {
            label: "Tier".to_owned(),
            kind: Kind::Lookup,
            choices: Vec::new(),
            limits: Limits::default(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let contact = [("new_tierid".to_owned(), own)].into();
        Columns::of_organization([(Table::Contact, contact)].into())
    };
    let asked = |known: &Columns, tier: &str| {
        let settings = DisplaySettings::default();
        let questions = identify::questions(Table::Contact, &rules, &settings, known, &of(tier));
        questions.into_iter().next().map(|question| question.filter)
    };
    let is = |scalar| Some(Filter::Any(vec![Filter::Is("new_tierid".into(), scalar)]));
    let id = "6f1c0000-0000-0000-0000-00000000000a";
    let known = lookup(&["new_TierId/new_name"]);
    assert_eq!(asked(&known, "gold"), is(Scalar::RowName("gold".into())));
    assert_eq!(asked(&known, id), is(Scalar::Id(id.into())));
    assert_eq!(
        asked(&lookup(&[]), "gold"),
        None,
        "nobody knows how to ask for it"
    );

    let mut found = record(Table::Contact, "1", &[("new_tierid", id)]);
    found.values.get_mut("new_tierid").unwrap().formatted = Some("Gold".to_owned());
    let why = |tier: &str| {
        let outcome = identify::judge(
            Table::Contact,
            &rules.contact[0],
            &rules,
            &known,
            &of(tier),
            vec![found.clone()],
        );
        outcome.matched.map(|found| found.reason.sentence())
    };
    assert_eq!(why("gold").as_deref(), Some("Tier is Gold"));
    assert_eq!(why(id).as_deref(), Some("Tier is Gold"));
}

#[test]
fn a_value_that_no_column_could_hold_is_not_asked_for() {
    for email in [
        "a".repeat(10_000),
        "dana\u{0}@example.com".to_owned(),
        "a\r\nb".to_owned(),
    ] {
        let odd = visitor(json!({"name": "x", "email": email}));
        assert!(questions(Table::Contact, &Identification::default(), &odd).is_empty());
    }
}

#[test]
fn the_reason_names_the_column_and_the_value() {
    let dana = visitor(json!({"email": "dana@example.com"}));
    let rule = &Identification::default().contact[0];
    let found = record(
        Table::Contact,
        "1",
        &[
            ("emailaddress1", "other@example.com"),
            ("emailaddress2", "Dana@Example.com"),
        ],
    );
    let outcome = judge(rule, &dana, vec![found]);
    let matched = outcome.matched.unwrap();
    assert_eq!(matched.rule, "Same e-mail");
    assert_eq!(
        matched.reason.sentence(),
        "Email Address 2 is Dana@Example.com"
    );
}

#[test]
fn a_number_that_only_shares_its_digits_is_not_matched() {
    let lee = visitor(json!({"phone": "+44 20 7946 0018"}));
    let rule = &Identification::default().contact[1];
    let other = record(Table::Contact, "1", &[("telephone1", "+1 207 946 0018 5")]);
    let same = record(
        Table::Contact,
        "2",
        &[
            ("telephone1", "020 7946 0000"),
            ("mobilephone", "0044-20-79460018 ext. 3"),
        ],
    );
    let outcome = judge(rule, &lee, vec![other, same]);
    let matched = outcome.matched.unwrap();
    assert_eq!((matched.record.id.as_str(), outcome.others.len()), ("2", 0));
    assert_eq!(
        matched.reason.sentence(),
        "Mobile Phone is 0044-20-79460018 ext. 3"
    );
}

#[test]
fn a_number_without_a_country_is_matched_with_that_caveat() {
    let lee = visitor(json!({"phone": "020 7946 0018"}));
    let rule = &Identification::default().contact[1];
    let stored = record(Table::Contact, "1", &[("telephone1", "+44 20 7946 0018")]);
    let matched = judge(rule, &lee, vec![stored]).matched.unwrap();
    let sentence = "Business Phone is +44 20 7946 0018 (country not written)";
    assert_eq!(matched.reason.sentence(), sentence);
    assert!(!format!("{matched:?}").contains("7946"));
}

#[test]
fn what_dynamics_counts_as_the_same_is_believed() {
    let jose = visitor(json!({"email": "jose@example.com"}));
    let rule = &Identification::default().contact[0];
    let outcome = judge(
        rule,
        &jose,
        vec![record(
            Table::Contact,
            "1",
            &[("emailaddress1", "josé@example.com")],
        )],
    );
    assert_eq!(outcome.matched.unwrap().reason, Reason::FoundByDynamics);
}

#[test]
fn the_account_is_the_contacts_unless_a_rule_found_one() {
    let dana = visitor(json!({"email": "dana@example.com"}));
    let rules = Identification::default();
    let mut first = record(
        Table::Contact,
        "1",
        &[("fullname", "Dana"), ("emailaddress1", "dana@example.com")],
    );
    first.account = Some(Box::new(record(
        Table::Account,
        "a",
        &[("name", "Northwind")],
    )));
    let mut second = record(
        Table::Contact,
        "2",
        &[
            ("fullname", "Dana too"),
            ("emailaddress1", "dana@example.com"),
        ],
    );
    second.account = Some(Box::new(record(
        Table::Account,
        "b",
        &[("name", "Contoso")],
    )));

    let mut recognition = Recognition::default();
    recognition.set(
        Table::Contact,
        judge(&rules.contact[0], &dana, vec![first, second]),
    );
    recognition.set(Table::Account, Outcome::default());
    let account = |recognition: &Recognition| {
        recognition
            .account
            .matched
            .clone()
            .map(|found| (found.record.name(), found.reason.sentence()))
    };
    assert_eq!(
        account(&recognition),
        Some(("Northwind".into(), "Dana belongs to it".into()))
    );

    assert!(recognition.choose(Table::Contact, "2"));
    assert_eq!(
        account(&recognition),
        Some(("Contoso".into(), "Dana too belongs to it".into()))
    );
    assert_eq!(recognition.contact.others[0].record.id, "1");
    assert!(!recognition.choose(Table::Contact, "3"));

    let own = record(
        Table::Account,
        "c",
        &[
            ("name", "By its own rule"),
            ("emailaddress1", "dana@example.com"),
        ],
    );
    recognition.set(
        Table::Account,
        identify::judge(
            Table::Account,
            &rules.account[0],
            &rules,
            &Columns::default(),
            &dana,
            vec![own],
        ),
    );
    assert!(recognition.choose(Table::Contact, "1"));
    assert_eq!(account(&recognition).unwrap().0, "By its own rule");
}

#[test]
fn evidence_is_what_the_rules_look_at_and_nothing_else() {
    let rules = Identification::default();
    let one = identify::evidence(
        &rules,
        &Columns::default(),
        &visitor(json!({"name": "Dana", "email": "dana@example.com"})),
    );
    let two = identify::evidence(
        &rules,
        &Columns::default(),
        &visitor(json!({"name": "Other", "email": "dana@example.com"})),
    );
    assert_eq!(one, two);
    assert_eq!(
        one.into_iter().collect::<Vec<_>>(),
        [("visitor.email".to_owned(), "dana@example.com".to_owned())]
    );
    assert!(
        identify::evidence(
            &rules,
            &Columns::default(),
            &visitor(json!({"name": "Dana"}))
        )
        .is_empty()
    );
}

#[test]
fn what_no_rule_can_ask_about_is_no_evidence() {
    let rules = Identification::default();
    for nobody in [
        json!({"phone": "-"}),
        json!({"phone": "call me"}),
        json!({"email": "a\u{0}b"}),
    ] {
        let of = visitor(nobody);
        assert!(identify::evidence(&rules, &Columns::default(), &of).is_empty());
        for table in Table::RECOGNISED {
            assert!(questions(table, &rules, &of).is_empty());
        }
    }
}

#[test]
fn rules_with_faults_are_refused() {
    for (rule, fault) in [
        (
            json!({"name": " ", "any": [{"column": "a", "operator": "equals", "field": "visitor.email"}]}),
            "it has no name",
        ),
        (
            json!({"name": "x"}),
            "it has no conditions: give it `all = […]` or `any = […]`",
        ),
        (
            json!({"name": "x", "any": [{"column": "a b", "operator": "equals", "field": "visitor.email"}]}),
            "`a b` is not the logical name of a column (lower-case letters, digits and _)",
        ),
    ] {
        let rule: Rule = serde_json::from_value(rule).unwrap();
        assert_eq!(rule.faults()[0].1.to_string(), fault);
    }
    let unknown = serde_json::from_value::<Rule>(
        json!({"name": "x", "any": [{"column": "a", "operator": "equals", "field": "visitor.emial"}]}),
    );
    assert!(unknown.unwrap_err().to_string().contains("visitor.email"));
}

proptest! {
    #[test]
    fn no_visitor_makes_it_panic(name in ".*", email in ".*", phone in ".*", stored in ".*") {
        let rules = Identification::default();
        let of = visitor(json!({"name": name, "email": email, "phone": phone}));
        for table in Table::RECOGNISED {
            for question in questions(table, &rules, &of) {
                let rule = &rules.rules(table)[question.rule];
                let outcome = identify::judge(table, rule, &rules, &Columns::default(), &of, vec![record(table, "1", &[("emailaddress1", &stored), ("telephone1", &stored)])]);
                if let Some(found) = outcome.matched {
                    let _ = found.reason.sentence();
                }
            }
        }
    }

    #[test]
    fn whoever_has_the_visitors_own_number_is_matched(number in "(\\+44 20 7946 0[0-9]{3}|\\+31 30 555 0[0-9]{3}|\\+49 30 2312[0-9]{4})", gap in "[ \\-\\.]") {
        let of = visitor(json!({"phone": number.replace(' ', &gap)}));
        let rule = &Identification::default().contact[1];
        let outcome = judge(rule, &of, vec![record(Table::Contact, "1", &[("telephone1", &number)])]);
        prop_assert!(outcome.matched.is_some());
    }
}
