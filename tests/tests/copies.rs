//! Who a visitor is, said by the copies on this computer and said by Dynamics: the same, whatever the records, the rules and
//! the visitor are.
//!
//! `PROPTEST_CASES` sets how many organizations are made.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

#[path = "common/own_table.rs"]
mod own_table;

use std::collections::BTreeMap;
use std::sync::Arc;

use backend::clock::SystemClock;
use backend::recognise::{self, Rules};
use backend::settings::offline::Keep;
use backend::synchronise::Synchroniser;
use backend::{Files, Settings, local, schema};
use comm100::Conversation;
use dataverse::{Batch, Client, Connection, RecordBody, Reference, SignIn, Write};
use futures_util::StreamExt as _;
use integration::{Condition, Identification, Operator, Outcome, Rule, Table};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sandbox::{Sandbox, Seed};
use serde_json::json;
use uuid::Uuid;

/// Texts that are almost the same.
const NAMES: [&str; 30] = [
    "Ann",
    "ANN",
    "ann",
    "Anna",
    "José",
    "JOSÉ",
    "Jose",
    "Müller",
    "MÜLLER",
    "Mueller",
    "Straße",
    "STRASSE",
    "İbrahim",
    "ibrahim",
    "ΣΊΣΥΦΟΣ",
    "Σίσυφος",
    "Σίσυφοσ",
    "ſet",
    "SET",
    "50%",
    "50",
    "a_b",
    "aXb",
    "[x]",
    "O'Neil",
    "o''neil",
    "山田",
    "a\u{301}nn",
    "Ann B",
    "\u{212a}elvin",
];

const EMAILS: [&str; 8] = [
    "ann@x.example",
    "Ann@X.Example",
    "ann@y.example",
    "ann@x.example.org",
    "josé@x.example",
    "JOSÉ@X.EXAMPLE",
    "a_b@x.example",
    "ann+chat@x.example",
];

/// The rows of a table of the organization's own.
const TIERS: [&str; 4] = ["Ann", "JOSÉ", "Müller", "50%"];

/// Numbers that are the same, and others that are nearly so.
const PHONES: [&str; 18] = [
    "(020) 7946 0018",
    "+44 20 7946 0018",
    "0044-20-79460018 ext. 3",
    "020 7946 0018 x12",
    "02079460018",
    "+442079460018",
    "7946 0018",
    "+44 20 7946 0019",
    "(206) 555-0142",
    "+1 206 555 0142",
    "1-206-555-0142",
    "206.555.0142 ext 9",
    "+49 89 1234567",
    "089 1234567",
    "0049 (0)89 1234567",
    "call me",
    "12",
    "00 44 20 7946 0018",
];

const ANYTHING: [&str; 14] = [
    "true",
    "false",
    "Yes",
    "No",
    "Allow",
    "Do Not Allow",
    "Email",
    "email",
    "Phone",
    "2",
    "1",
    "Accounting",
    "{account}",
    "0",
];

#[derive(Clone, Debug)]
struct Person {
    name: &'static str,
    job: Option<&'static str>,
    email: Option<&'static str>,
    other_email: Option<&'static str>,
    phone: Option<&'static str>,
    mobile: Option<&'static str>,
    choice: Option<i64>,
    yes: Option<bool>,
    account: Option<usize>,
    tier: Option<usize>,
    is_inactive: bool,
}

#[derive(Clone, Debug)]
struct Asking {
    name: &'static str,
    email: &'static str,
    phone: &'static str,
    company: &'static str,
    anything: &'static str,
}

#[derive(Clone, Debug)]
struct Case {
    accounts: Vec<Person>,
    contacts: Vec<Person>,
    leads: Vec<Person>,
    identification: Identification,
    visitors: Vec<Asking>,
}

fn person() -> impl Strategy<Value = Person> {
    let emails = || option::weighted(0.7, select(&EMAILS[..]));
    let phones = || option::weighted(0.7, select(&PHONES[..]));
    let rest = (
        option::of(1_i64..4),
        option::of(any::<bool>()),
        option::of(0_usize..4),
        option::of(0_usize..TIERS.len()),
        prop::bool::weighted(0.25),
    );
    let text = (select(&NAMES[..]), option::of(select(&NAMES[..])));
    (text, emails(), emails(), phones(), phones(), rest).prop_map(
        |(
            (name, job),
            email,
            other_email,
            phone,
            mobile,
            (choice, yes, account, tier, is_inactive),
        )| {
            Person {
                name,
                job,
                email,
                other_email,
                phone,
                mobile,
                choice,
                yes,
                account,
                tier,
                is_inactive,
            }
        },
    )
}

/// A column, and the fields with which it is worth comparing.
type Comparable = (&'static str, &'static [&'static str]);

const NAME: &[&str] = &["visitor.name", "visitor.company"];
const EMAIL: &[&str] = &["visitor.email"];
const PHONE: &[&str] = &["visitor.phone"];
const OTHER: &[&str] = &["custom_variable.anything"];
/// For lookups: the id of a row, or its name.
const ROW: &[&str] = &["custom_variable.anything", "visitor.company"];

fn columns(table: Table) -> &'static [Comparable] {
    match table {
        Table::Contact => &[
            ("lastname", NAME),
            ("jobtitle", NAME),
            ("emailaddress1", EMAIL),
            ("emailaddress2", EMAIL),
            ("telephone1", PHONE),
            ("mobilephone", PHONE),
            ("preferredcontactmethodcode", OTHER),
            ("donotphone", OTHER),
            ("parentcustomerid", ROW),
            ("new_tierid", ROW),
            ("contactid", OTHER),
        ],
        Table::Account => &[
            ("name", NAME),
            ("emailaddress1", EMAIL),
            ("telephone1", PHONE),
            ("preferredcontactmethodcode", OTHER),
            ("donotphone", OTHER),
            ("accountid", OTHER),
        ],
        Table::Lead => &[
            ("lastname", NAME),
            ("companyname", NAME),
            ("emailaddress1", EMAIL),
            ("telephone1", PHONE),
            ("mobilephone", PHONE),
            ("preferredcontactmethodcode", OTHER),
            ("donotphone", OTHER),
        ],
        Table::Incident | Table::Task => &[],
    }
}

fn condition(table: Table) -> impl Strategy<Value = Condition> {
    const OPERATORS: [Operator; 4] = [
        Operator::Equals,
        Operator::BeginsWith,
        Operator::EndsWith,
        Operator::Contains,
    ];
    (
        select(columns(table)),
        select(&OPERATORS[..]),
        any::<prop::sample::Index>(),
    )
        .prop_map(|((column, fields), operator, field)| Condition {
            column: column.to_owned(),
            // Nothing but texts begins with something.
            operator: if fields == OTHER || fields == ROW {
                Operator::Equals
            } else {
                operator
            },
            field: fields[field.index(fields.len())].parse().unwrap(),
        })
}

fn rules(table: Table) -> impl Strategy<Value = Vec<Rule>> {
    let rule = (any::<bool>(), vec(condition(table), 1..4)).prop_map(|(is_any, conditions)| {
        let (all, any) = if is_any {
            (Vec::new(), conditions)
        } else {
            (conditions, Vec::new())
        };
        Rule {
            name: "a rule".to_owned(),
            off: false,
            all,
            any,
        }
    });
    vec(rule, 1..4)
}

fn case() -> impl Strategy<Value = Case> {
    let visitor = (
        select(&NAMES[..]),
        select(&EMAILS[..]),
        select(&PHONES[..]),
        select(&NAMES[..]),
        select(&ANYTHING[..]),
    )
        .prop_map(|(name, email, phone, company, anything)| Asking {
            name,
            email,
            phone,
            company,
            anything,
        });
    let identification = (
        option::of(select(&["GB", "US", "DE"][..])),
        rules(Table::Contact),
        rules(Table::Account),
        rules(Table::Lead),
    )
        .prop_map(|(country, contact, account, lead)| Identification {
            default_country: country.map(str::to_owned),
            contact,
            account,
            lead,
        });
    (
        vec(person(), 0..6),
        vec(person(), 0..20),
        vec(person(), 0..12),
        identification,
        vec(visitor, 12),
    )
        .prop_map(
            |(accounts, contacts, leads, identification, visitors)| Case {
                accounts,
                contacts,
                leads,
                identification,
                visitors,
            },
        )
}

/// The records of one table as they are created.
fn body(table: Table, person: &Person, accounts: &[Uuid], tiers: &[Uuid]) -> RecordBody {
    let name = if table == Table::Account {
        "name"
    } else {
        "lastname"
    };
    let text = |body: RecordBody, column: &str, value: Option<&str>| match value {
        Some(value) => body.set(column, value),
        None => body,
    };
    let mut body = RecordBody::new().set(name, person.name);
    body = text(body, "emailaddress1", person.email);
    body = text(body, "emailaddress2", person.other_email);
    body = text(body, "telephone1", person.phone);
    body = match table {
        Table::Contact => text(
            text(body, "jobtitle", person.job),
            "mobilephone",
            person.mobile,
        ),
        Table::Lead => {
            let body = text(body.set("subject", "s"), "companyname", person.job);
            // That column of a lead is shorter.
            let mobile = person.mobile.filter(|mobile| mobile.len() <= 20);
            text(body, "mobilephone", mobile)
        }
        Table::Account | Table::Incident | Table::Task => body,
    };
    if let Some(choice) = person.choice {
        body = body.set("preferredcontactmethodcode", choice);
    }
    if let Some(yes) = person.yes {
        body = body.set("donotphone", yes);
    }
    if table != Table::Contact {
        return body;
    }
    if let Some(account) = person.account.and_then(|place| accounts.get(place)) {
        let account = Reference::record("accounts", *account);
        body = body.bind("parentcustomerid_account", account);
    }
    if let Some(tier) = person.tier.and_then(|place| tiers.get(place)) {
        body = body.bind("new_TierId", Reference::record("new_tiers", *tier));
    }
    body
}

async fn fill(client: &Client, case: &Case) -> Result<Vec<Uuid>, dataverse::Error> {
    let tiers = TIERS.map(|_| Uuid::new_v4());
    let mut batch = Batch::new();
    for (id, name) in tiers.iter().zip(TIERS) {
        let body = RecordBody::new().set("new_name", name);
        batch = batch.write(Write::create_with_id("new_tiers", *id, body));
    }
    for done in client.batch(&batch).await? {
        done?;
    }
    let mut accounts = Vec::new();
    for (table, people) in [
        (Table::Account, &case.accounts),
        (Table::Contact, &case.contacts),
        (Table::Lead, &case.leads),
    ] {
        let ids: Vec<Uuid> = people.iter().map(|_| Uuid::new_v4()).collect();
        let mut batch = Batch::new();
        for (id, person) in ids.iter().zip(people) {
            let body = body(table, person, &accounts, &tiers);
            batch = batch.write(Write::create_with_id(table.entity_set(), *id, body));
        }
        for (id, _) in ids
            .iter()
            .zip(people)
            .filter(|(_, person)| person.is_inactive)
        {
            let (state, status) = if table == Table::Lead { (2, 4) } else { (1, 2) };
            let body = RecordBody::new()
                .set("statecode", state)
                .set("statuscode", status);
            batch = batch.write(Write::update(
                Reference::record(table.entity_set(), *id),
                body,
            ));
        }
        if !people.is_empty() {
            for done in client.batch(&batch).await? {
                done?;
            }
        }
        if table == Table::Account {
            accounts = ids;
        }
    }
    Ok(accounts)
}

/// What an answer comes to.
fn said(outcome: &Outcome) -> String {
    let of = |found: &integration::Match| {
        let account = found
            .record
            .account
            .as_ref()
            .map(|account| account.id.clone());
        json!([found.record.id, found.rule, found.reason, account])
    };
    let others: Vec<_> = outcome.others.iter().map(of).collect();
    json!({ "matched": outcome.matched.as_ref().map(of), "others": others }).to_string()
}

fn conversation(visitor: &Asking, accounts: &[Uuid]) -> Conversation {
    let anything = match (visitor.anything, accounts.first()) {
        ("{account}", Some(account)) => account.to_string(),
        (anything, _) => anything.to_owned(),
    };
    Conversation::from_visitor_value(json!({
        "name": visitor.name, "email": visitor.email, "phone": visitor.phone, "company": visitor.company,
        "customVariables": [{ "name": "anything", "value": anything }],
    }))
    .unwrap()
}

async fn check(client: &Client, case: &Case) -> Result<usize, TestCaseError> {
    let accounts = fill(client, case).await.map_err(refused)?;
    let tables = schema::read(client).await.map_err(refused)?;
    let mut settings = Settings {
        identification: case.identification.clone(),
        ..Settings::default()
    };
    let offline = &mut settings.offline;
    for table in [
        &mut offline.contact,
        &mut offline.account,
        &mut offline.lead,
    ] {
        table.keep = Some(Keep::All);
        table.changed_within_days = Some(0);
    }
    let rules = Rules {
        identification: case.identification.clone(),
        fields: settings.fields.clone(),
        columns: schema::columns(&tables),
    };
    let (cache, _) = Files::Memory.cache().await.unwrap();
    let synchroniser = Synchroniser::of_settings(
        &settings,
        client.clone(),
        cache.clone(),
        Arc::new(SystemClock),
        Some(Arc::new(tables)),
    );
    let view = synchroniser.once().await.unwrap();
    let copies: u64 = view.tables.iter().map(|table| table.copies).sum();
    let records = case.accounts.len() + case.contacts.len() + case.leads.len();
    prop_assert_eq!(copies, u64::try_from(records).unwrap());

    let root = client.organization().web_root().as_str();
    let mut found = 0;
    for visitor in &case.visitors {
        let conversation = conversation(visitor, &accounts);
        let mut live = BTreeMap::new();
        let mut answers =
            std::pin::pin!(recognise::live(client, &rules, &conversation, &SystemClock));
        while let Some((table, outcome)) = answers.next().await {
            let outcome = outcome.map_err(refused)?;
            if outcome.matched.is_some() {
                live.insert(table, said(&outcome));
            }
        }
        let mut reading = cache.reading().await.unwrap();
        let local = local::recognise(&mut reading, root, &rules, &conversation)
            .await
            .unwrap();
        drop(reading);
        let local: BTreeMap<_, _> = local
            .iter()
            .map(|local| (local.table, said(&local.outcome)))
            .collect();
        prop_assert_eq!(&local, &live, "{:?}", visitor);
        found += live.len();
    }
    cache.close().await;
    Ok(found)
}

fn refused(error: dataverse::Error) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

/// An organization without records, and a client that may do everything in it.
async fn organization() -> (Sandbox, Client) {
    let options = sandbox::Options {
        seed: Seed::Empty,
        ..sandbox::Options::default()
    };
    let organization = Sandbox::start(options).await.unwrap();
    let description = organization.description();
    own_table::make(description).await;
    let sign_in = SignIn::Cloud {
        authority_url: description.authority_url.clone(),
        tenant_id: description.tenant_id.clone(),
        client_id: description.administrator.client_id.clone(),
        client_secret: description.administrator.client_secret.clone().into(),
    };
    let connection = Connection::new(&description.organization_url, sign_in);
    let client = Client::new(connection).unwrap();
    (organization, client)
}

#[test]
fn the_copies_say_what_dynamics_says() {
    let cases = std::env::var("PROPTEST_CASES").map_or(12, |text| text.parse().unwrap());
    let config = Config {
        cases,
        // Each makes an organization of its own.
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&case(), |case| {
            let (organization, client) = runtime.block_on(organization());
            let done = runtime.block_on(check(&client, &case));
            runtime.block_on(organization.stop());
            found.set(found.get() + done?);
            Ok(())
        })
        .unwrap();
    // A test in which nobody is ever found says nothing.
    assert!(
        found.get() > usize::try_from(cases).unwrap() * 4,
        "{} answers",
        found.get()
    );
}
