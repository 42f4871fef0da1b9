//! A field of a contact that points to a row of the organization's own table is written by that row's name or id.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of these tests fail the test"
)]

#[path = "common/own_table.rs"]
mod own_table;

use backend::view::{EntryState, EntryView};
use backend::{Backend, Files, Handle, Options, Settings};
use comm100::ConsoleEvent;
use dataverse::{Client, Connection, Filter, Query, RecordBody, Row, SignIn, Write};
use integration::recording::{Action, Mode, Recording};
use integration::{FieldSetting, Source};
use sandbox::{Sandbox, Seed};
use serde_json::json;
use uuid::Uuid;

/// A message that was left, with a custom variable that names a tier.
fn message(email: &str, tier: &str) -> ConsoleEvent {
    let id = Uuid::new_v4().to_string();
    ConsoleEvent::from_any_value(json!({
        "event": "offline_message_submitted",
        "offline_message": {
            "id": id, "name": "Dana Vermeer", "email": email, "subject": "Call back", "content": "Please",
            "custom_variable": [{ "name": "Tier", "value": tier }],
        },
        "visitor": { "id": Uuid::new_v4().to_string(), "name": "Dana Vermeer", "email": email },
    }))
    .unwrap()
}

async fn recorded(handle: &Handle, event: ConsoleEvent) -> EntryView {
    let entry = handle.feed(event).await.unwrap().expect("an entry");
    let view = handle.settled(entry).await.unwrap();
    assert_eq!(view.state, EntryState::Done, "{view:#?}");
    view
}

async fn contact(client: &Client, email: &str) -> Row {
    let query = Query::new("contacts").filter(Filter::equals("emailaddress1", email));
    let mut rows = client.query(&query).await.unwrap().rows;
    assert_eq!(rows.len(), 1, "{email}");
    rows.remove(0)
}

#[tokio::test]
async fn a_row_of_it_is_named_by_its_name_or_by_its_id() {
    let sandbox = Sandbox::start(sandbox::Options {
        seed: Seed::Empty,
        ..sandbox::Options::default()
    })
    .await
    .unwrap();
    let description = sandbox.description();
    own_table::make(description).await;
    let sign_in = SignIn::Cloud {
        authority_url: description.authority_url.clone(),
        tenant_id: description.tenant_id.clone(),
        client_id: description.administrator.client_id.clone(),
        client_secret: description.administrator.client_secret.clone().into(),
    };
    let connection = Connection::new(description.organization_url.clone(), sign_in);
    let client = Client::new(connection).unwrap();
    let gold = Uuid::new_v4();
    let body = RecordBody::new().set("new_name", "Gold");
    client
        .write(&Write::create_with_id("new_tiers", gold, body))
        .await
        .unwrap();

    let (connection, secrets) = practice::connection(description);
    let mut settings = Settings {
        connection,
        recording: Recording {
            mode: Mode::Automatic,
            action: Action::Contact,
            grace_seconds: 0,
            ..Recording::default()
        },
        ..Settings::default()
    };
    settings.bridge.port = 0;
    settings.offline.enabled = false;
    settings.fields.contact.push(FieldSetting {
        column: "new_tierid".to_owned(),
        source: Some(Source::From("custom_variable.Tier".parse().unwrap())),
        display: true,
    });
    let backend = Backend::start(Options {
        files: Files::Memory,
        ..Options::new(settings, secrets)
    })
    .await
    .unwrap();
    let handle = backend.handle();

    // The guide's role does not reach tables of one's own.
    let view = recorded(&handle, message("unread@example.com", "Gold")).await;
    let left_out = "The Dynamics user may not read the table new_tier, so it is left out.";
    assert!(
        view.notices.iter().any(|notice| notice.contains(left_out)),
        "{view:#?}"
    );
    let role = json!({ "add": ["prvReadnew_Tier", "prvAppendTonew_Tier"] });
    let changed = reqwest::Client::new()
        .patch(format!("{}/users", description.admin_url))
        .json(&role)
        .send()
        .await
        .unwrap();
    assert!(changed.status().is_success(), "{:?}", changed.text().await);

    let by_id = gold.to_string();
    for (email, tier) in [
        ("name@example.com", "Gold"),
        ("id@example.com", by_id.as_str()),
    ] {
        recorded(&handle, message(email, tier)).await;
        let row = contact(&client, email).await;
        assert_eq!(row.id("_new_tierid_value"), Some(gold), "{tier}");
    }
    // What is nobody's name is left out and told; the contact is written all the same.
    let view = recorded(&handle, message("none@example.com", "Platinum")).await;
    let row = contact(&client, "none@example.com").await;
    assert_eq!(row.id("_new_tierid_value"), None);
    let left_out = "No such record was found, so it is left out.";
    assert!(
        view.notices.iter().any(|notice| notice.contains(left_out)),
        "{view:#?}"
    );

    backend.stop().await;
    sandbox.stop().await;
}
