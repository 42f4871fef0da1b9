//! Finding a record by typing: at once among the copies, then in Dynamics, and without it too.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use backend::Handle;
use backend::view::{ConnectionState, RecognitionState, SearchResults, ValueSource};
use common::recording::Organization;
use common::{Companion, chat};
use dataverse::{RecordBody, Reference, Write};
use integration::Table;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

/// What was found: table and name.
fn names(results: &SearchResults) -> Vec<(Table, &str)> {
    results
        .hits
        .iter()
        .map(|hit| (hit.table, hit.name.as_str()))
        .collect()
}

async fn live(handle: &Handle, text: &str) -> SearchResults {
    let results = handle.search(text, true).await.unwrap();
    assert!(results.live, "{text}: {:?}", results.problem);
    assert_eq!(results.text, text);
    results
}

/// A company, its contact, a lead and two cases.
async fn organization() -> Organization {
    let organization = Organization::start().await;
    let account = organization
        .put(
            "accounts",
            &[("name", "Ødegård Shipping"), ("accountnumber", "A-4711")],
        )
        .await;
    let put = async |set: &str, body: RecordBody| {
        let id = Uuid::new_v4();
        let write = Write::create_with_id(set, id, body);
        organization.client.write(&write).await.unwrap();
        id
    };
    let contact = RecordBody::new()
        .set("firstname", "Søren")
        .set("lastname", "Müller-Wang")
        .set("emailaddress1", "soren@odegard.example")
        .set("telephone1", "(020) 7946 0018")
        .bind(
            "parentcustomerid_account",
            Reference::record("accounts", account),
        );
    let contact = put("contacts", contact).await;
    let lead = RecordBody::new()
        .set("subject", "Cranes")
        .set("lastname", "山田 花子")
        .set("companyname", "Sakura")
        .set("mobilephone", "+81-3-5555-0929");
    put("leads", lead).await;
    let case = RecordBody::new()
        .set("title", "Crane does not lift")
        .bind("customerid_contact", Reference::record("contacts", contact));
    put("incidents", case).await;
    let case = RecordBody::new()
        .set("title", "Second invoice")
        .bind("customerid_account", Reference::record("accounts", account));
    put("incidents", case).await;
    organization
}

#[tokio::test]
async fn dynamics_finds_by_name_company_address_number_and_case() {
    let organization = organization().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let contact = (Table::Contact, "Søren Müller-Wang");
    let account = (Table::Account, "Ødegård Shipping");
    let lead = (Table::Lead, "山田 花子");
    let crane = (Table::Incident, "Crane does not lift");
    let invoice = (Table::Incident, "Second invoice");
    for (text, found) in [
        ("Müller", vec![contact, crane]),
        ("wang sør", vec![contact, crane]),
        ("ødegård", vec![contact, account, invoice]),
        ("soren@odegard", vec![contact]),
        ("+44 20 7946 0018", vec![contact]),
        ("020 7946 0018", vec![contact]),
        ("0044-20-79460018", vec![contact]),
        ("7946 00", vec![contact]),
        ("A-4711", vec![account]),
        ("山田", vec![lead]),
        ("sakura", vec![lead]),
        ("+81 3 5555 0929", vec![lead]),
        ("does lift", vec![crane]),
        ("nothing like this", vec![]),
        ("", vec![]),
        (" x ", vec![]),
    ] {
        let results = handle.search(text, true).await.unwrap();
        assert_eq!(names(&results), found, "{text}");
        assert_eq!(results.problem, None, "{text}");
    }
    let results = live(&handle, "crane").await;
    let [case] = results.hits.as_slice() else {
        panic!("{results:#?}")
    };
    assert!(case.detail.starts_with("CAS-"), "{}", case.detail);
    assert!(case.detail.ends_with("In Progress · Søren Müller-Wang"));
    let number = case.detail.split(' ').next().unwrap().to_owned();
    assert_eq!(names(&live(&handle, &number).await), [crane]);
    // What was found may be opened.
    let url = handle.record_url("incident", case.id.clone()).await;
    assert!(url.unwrap().contains(&case.id));
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn copies_are_found_at_once_and_stay_where_dynamics_is_out_of_reach() {
    let companion = Companion::start().await;
    let handle = companion.handle();
    let mut console = companion.console().await;
    console
        .select(1, chat(1, "Dana", "dana.vermeer@example.com", ""))
        .await;
    companion
        .until("the timeline", |view| {
            view.recognition.state == RecognitionState::Live
                && view.timeline.source == ValueSource::Live
        })
        .await;
    companion
        .admin(
            Method::POST,
            "/faults",
            Some(json!({ "fault": "reset_before_commit", "path": "/api/data", "times": 100_000 })),
        )
        .await;
    companion.admin(Method::DELETE, "/requests", None).await;
    let dana = (Table::Contact, "Dana Vermeer");
    // Accents, slips, beginnings, other spellings: what Dynamics need not find, the copies do.
    for text in ["vermer", "DANA VER", "Dána", "dana.vermeer@ex", "northwind"] {
        let results = handle.search(text, false).await.unwrap();
        assert!(names(&results).contains(&dana), "{text}: {results:#?}");
        assert!(!results.live && results.problem.is_none());
        let hit = &results.hits[0];
        assert_eq!(hit.source, ValueSource::Cache);
    }
    let asked = companion.admin(Method::GET, "/requests", None).await;
    let asked = asked.as_array().unwrap();
    assert!(asked.is_empty(), "the cache needs no network: {asked:#?}");

    let results = handle.search("vermer", true).await.unwrap();
    assert!(names(&results).contains(&dana));
    assert!(!results.live);
    let problem = results.problem.unwrap();
    assert!(!problem.next_step.is_empty());
    // Whoever chooses a record in a form finds it as well.
    let targets = ["contact".to_owned(), "account".to_owned()];
    let choice = handle.find(&targets, "vermeer").await.unwrap();
    assert_eq!(choice[0].name, "Dana Vermeer");
    let unknown = handle.search("nobody like this", true).await.unwrap();
    assert_eq!(unknown.hits, []);
    assert!(unknown.problem.is_some());

    companion.admin(Method::DELETE, "/faults", None).await;
    // After many failures the client rests for some seconds, but not where somebody says "try again".
    handle.reconnect().await.unwrap();
    let back = tokio::time::timeout(common::PATIENCE, async {
        loop {
            let results = handle.search("vermeer", true).await.unwrap();
            if results.live {
                return results;
            }
            tokio::task::yield_now().await;
        }
    });
    let results = back.await.unwrap();
    let hit = &results.hits[0];
    assert_eq!((hit.table, hit.source), (Table::Contact, ValueSource::Live));
    // What both have stands there once, and what only the copies have behind it.
    let contacts = results.hits.iter().filter(|hit| hit.name == "Dana Vermeer");
    let ids: std::collections::BTreeSet<_> = contacts.clone().map(|hit| &hit.id).collect();
    assert_eq!(ids.len(), contacts.count());
    companion.stop().await;
}

#[tokio::test]
async fn a_newer_search_ends_the_one_before() {
    let companion = Companion::start().await;
    let handle = companion.handle();
    companion
        .until("the connection", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    companion
        .admin(
            Method::PUT,
            "/latency",
            Some(json!({ "path": "verm", "delay_ms": 60_000 })),
        )
        .await;
    companion.admin(Method::DELETE, "/requests", None).await;
    let first = tokio::spawn({
        let handle = handle.clone();
        async move { handle.search("verm", true).await }
    });
    // It has begun to ask.
    while companion
        .admin(Method::GET, "/requests", None)
        .await
        .as_array()
        .unwrap()
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    live(&handle, "northwind").await;
    let superseded = first.await.unwrap().unwrap_err();
    assert_eq!(superseded.code, "search_superseded");
    companion.stop().await;
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_hostile_text_is_only_text() {
    let companion = Companion::start().await;
    let handle = companion.handle();
    for text in [
        "o'hara\"<x>%_[]",
        "' or 1 eq 1 or '",
        "%",
        "%%",
        "[^a]",
        "\u{202e}txet",
        "q7\u{0}x9\r\n\tz8",
        "* OR NEAR(\"",
        "🦊🦊",
        &"x".repeat(5_000),
        &"q7 x9 ".repeat(500),
    ] {
        let results = handle.search(text, true).await.unwrap();
        assert_eq!(results.problem, None, "{text:?}");
        assert!(results.hits.is_empty(), "{text:?}: {results:#?}");
    }
    companion
        .admin(
            Method::PATCH,
            "/users",
            Some(json!({ "remove": ["prvReadIncident"] })),
        )
        .await;
    let results = handle.search("vermeer", true).await.unwrap();
    assert!(!results.live);
    assert_eq!(results.problem.unwrap().code, "missing_privilege");
    assert!(results.hits.iter().any(|hit| hit.name == "Dana Vermeer"));
    companion.stop().await;
}
