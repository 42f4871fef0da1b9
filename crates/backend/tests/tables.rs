//! What the organization's tables look like: read, kept, refreshed, and what the decisions see of it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use backend::clock::SystemClock;
use backend::connection::Client;
use backend::schema;
use dataverse::{Connection, SignIn};
use integration::columns::Kind;
use integration::{DisplaySettings, Identification, Record, Table, Value, display};
use serde_json::json;
use store::Cache;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const CONTACT: &str = "/api/data/v9.2/EntityDefinitions(LogicalName='contact')";

fn label(text: &str, language: u32) -> serde_json::Value {
    let label = json!({ "Label": text, "LanguageCode": language });
    json!({ "LocalizedLabels": [label, { "Label": "Tier", "LanguageCode": 1033 }], "UserLocalizedLabel": label })
}

/// An organization with contacts only, whose labels are in this language.
async fn organization(tier: &str, gold: &str, language: u32) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/tenant/oauth2/v2.0/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "token" }),
        ))
        .mount(&server)
        .await;
    describe(&server, tier, gold, language).await;
    server
}

async fn describe(server: &MockServer, tier: &str, gold: &str, language: u32) {
    let column = |name: &str, kind: &str, more: serde_json::Value| {
        let mut column = json!({
            "LogicalName": name, "SchemaName": name, "AttributeTypeName": { "Value": format!("{kind}Type") },
            "IsValidForRead": true, "DisplayName": null,
        });
        for (key, value) in more.as_object().unwrap() {
            column[key] = value.clone();
        }
        column
    };
    let gold = json!({ "Options": [{ "Value": 7, "Label": label(gold, language) }] });
    let contact = json!({
        "LogicalName": "contact", "SchemaName": "Contact", "EntitySetName": "contacts", "PrimaryIdAttribute": "contactid",
        "PrimaryNameAttribute": "fullname", "DisplayName": label("Kontakt", language),
        "Attributes": [
            column("contactid", "Uniqueidentifier", json!({})),
            column("new_tier", "Picklist", json!({ "DisplayName": label(tier, language), "OptionSet": gold })),
            column("new_agency", "Lookup", json!({ "Targets": ["account"] })),
            column("emailaddress1", "String", json!({ "FormatName": { "Value": "Email" } })),
            column("telephone1", "String", json!({ "FormatName": { "Value": "Text" } })),
            column("hidden", "String", json!({ "IsValidForRead": false })),
        ],
    });
    Mock::given(method("GET"))
        .and(path(CONTACT))
        .respond_with(ResponseTemplate::new(200).set_body_json(&contact))
        .mount(server)
        .await;
    let changes = |tables: serde_json::Value| {
        ResponseTemplate::new(200)
            .set_body_json(json!({ "ServerVersionStamp": "1!x", "EntityMetadata": tables, "DeletedMetadata": null }))
    };
    Mock::given(path_regex("RetrieveMetadataChanges.Query=@p1.$"))
        .respond_with(changes(json!([contact])))
        .mount(server)
        .await;
    Mock::given(path_regex("RetrieveMetadataChanges.*ClientVersionStamp"))
        .respond_with(changes(json!([])))
        .mount(server)
        .await;
}

fn client(server: &MockServer) -> Client {
    Client::new(Connection::new(
        server.uri(),
        SignIn::Cloud {
            authority_url: server.uri(),
            tenant_id: "tenant".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "secret".to_owned().into(),
        },
    ))
    .unwrap()
}

async fn asked(server: &MockServer, part: &str) -> usize {
    let requests = server.received_requests().await.unwrap();
    let fits = |request: &&wiremock::Request| {
        percent(request.url.as_str()).contains(part)
            || String::from_utf8_lossy(&request.body).contains(part)
    };
    requests.iter().filter(fits).count()
}

fn percent(url: &str) -> String {
    url.replace("%27", "'")
}

#[tokio::test]
async fn tables_are_read_once_then_known_offline_and_asked_for_changes_only() {
    let server = organization("Stufe", "Gold", 1031).await;
    let cache = Cache::memory().await.unwrap();
    let client = client(&server);
    assert!(schema::known(&cache, &client).await.is_none());
    let read = schema::current(&client, &cache, &SystemClock, None)
        .await
        .unwrap();
    let known = schema::known(&cache, &client).await.unwrap();
    assert_eq!(known, read);
    let refreshed = schema::current(&client, &cache, &SystemClock, Some(&known))
        .await
        .unwrap();
    assert_eq!(refreshed, read);
    assert_eq!(asked(&server, "ClientVersionStamp").await, 1);
    assert_eq!(asked(&server, "RetrieveMetadataChanges").await, 2);

    server.reset().await;
    assert!(
        schema::current(&client, &cache, &SystemClock, Some(&known))
            .await
            .is_err()
    );
    assert_eq!(
        schema::known(&cache, &client).await,
        Some(known),
        "what was known stays"
    );
}

#[tokio::test]
async fn another_language_of_the_user_is_read_anew_and_both_are_kept() {
    let server = organization("Stufe", "Gold", 1031).await;
    let cache = Cache::memory().await.unwrap();
    let client = client(&server);
    let german = schema::current(&client, &cache, &SystemClock, None)
        .await
        .unwrap();
    server.reset().await;
    describe(&server, "Niveau", "Or", 1036).await;
    let french = schema::current(&client, &cache, &SystemClock, Some(&german))
        .await
        .unwrap();
    let label = |schema| schema::columns(schema).label(Table::Contact, "new_tier");
    assert_eq!(
        (label(&german), label(&french)),
        ("Stufe".to_owned(), "Niveau".to_owned())
    );
    server.reset().await;
    describe(&server, "Stufe", "Gold", 1031).await;
    let again = schema::current(&client, &cache, &SystemClock, Some(&french))
        .await
        .unwrap();
    assert_eq!(label(&again), "Stufe");
    assert_eq!(
        asked(&server, "ClientVersionStamp").await,
        2,
        "of both languages only what has changed"
    );
}

#[tokio::test]
async fn fields_are_shown_with_the_organizations_labels_and_missing_columns_named_by_their_key() {
    let server = organization("Stufe", "Gold", 1031).await;
    let cache = Cache::memory().await.unwrap();
    let schema = schema::current(&client(&server), &cache, &SystemClock, None)
        .await
        .unwrap();
    let columns = schema::columns(&schema);
    let kind = |column| columns.kind(Table::Contact, column);
    assert_eq!(
        [
            "contactid",
            "new_tier",
            "new_agency",
            "emailaddress1",
            "telephone1",
            "hidden"
        ]
        .map(kind),
        [
            Some(Kind::Id),
            Some(Kind::Choice),
            Some(Kind::Lookup),
            Some(Kind::Email),
            Some(Kind::Phone),
            None
        ]
    );
    let settings: DisplaySettings = serde_json::from_value(json!({
        "contact": [{ "column": "new_tier", "display": true }, { "column": "nowhere", "display": true }],
        "account": [], "lead": [], "case": [], "task": [],
    }))
    .unwrap();
    let tier = Value {
        raw: json!(7),
        formatted: None,
    };
    let record = Record {
        table: Table::Contact,
        id: "1".to_owned(),
        values: [("new_tier".to_owned(), tier)].into(),
        read_at: jiff::Timestamp::UNIX_EPOCH,
        account: None,
    };
    let fields = display::fields(&settings, &columns, &record);
    assert_eq!(
        (
            fields[0].label.as_str(),
            fields[0].formatted.as_deref(),
            fields[0].kind
        ),
        ("Stufe", Some("Gold"), Kind::Choice)
    );
    let rules: Identification = serde_json::from_value(json!({
        "contact": [{ "name": "a", "any": [
            { "column": "emailaddress1", "operator": "equals", "field": "visitor.email" },
            { "column": "hidden", "operator": "equals", "field": "visitor.email" },
        ] }],
        "account": [], "lead": [],
    }))
    .unwrap();
    let missing = schema::missing(&columns, &rules, &settings);
    let keys: Vec<_> = missing.iter().map(|named| named.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "identification.contact.0.any.1.column",
            "fields.contact.1.column"
        ]
    );
}
