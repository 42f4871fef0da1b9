//! `companion event`, `record`, `outbox`, `activity`: a chat becomes records.

use backend::Settings;
use integration::recording::{Action, Mode};
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::program::{Program, organization, text};

/// A companion that records by itself, without grace time.
pub fn recording(organization: &Sandbox, mode: Mode, action: Action) -> Program {
    Program::cloud_settings(organization.description(), |settings: &mut Settings| {
        settings.recording.mode = mode;
        settings.recording.action = action;
        settings.recording.grace_seconds = 0;
    })
}

/// The end of a chat, as Comm100's webhook tells it.
pub fn chat_ended(number: u64, email: &str) -> Value {
    let guid = uuid::Uuid::from_u128(u128::from(number) + 0x1000_0000).to_string();
    json!({
        "event": "chat_ended",
        "chat": {
            "id": guid, "name": "Dana Nowak", "email": email, "phone": "", "department": "Support",
            "chat_transcript": "Agent Robin has joined the chat.⊙[14:02:11] Robin: Hello⊙[14:02:40] Dana Nowak: My invoice is wrong.⊙",
            "start_time": "/Date(1721224931000)/", "end_time": "/Date(1721225343000)/", "operators": "Robin"
        },
        "visitor": { "id": uuid::Uuid::from_u128(u128::from(number) + 0x2000_0000).to_string(), "chat_id": guid, "name": "Dana Nowak", "email": email, "status": 9 }
    })
}

/// Reads the organization's rows without the companion.
pub struct Administrator {
    client: reqwest::Client,
    organization_url: String,
    token: tokio::sync::OnceCell<String>,
    authority: (String, String, String),
}

impl Administrator {
    pub fn of(organization: &Sandbox) -> Administrator {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let description = organization.description();
        Administrator {
            client: reqwest::Client::new(),
            organization_url: description.organization_url.clone(),
            token: tokio::sync::OnceCell::new(),
            authority: (
                format!(
                    "{}/{}/oauth2/v2.0/token",
                    description.authority_url, description.tenant_id
                ),
                description.administrator.client_id.clone(),
                description.administrator.client_secret.clone(),
            ),
        }
    }

    async fn token(&self) -> &str {
        self.token
            .get_or_init(|| async {
                let (url, client_id, client_secret) = &self.authority;
                let scope = format!("{}/.default", self.organization_url);
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("client_secret", client_secret),
                    ("scope", &scope),
                ];
                let mut body = url::form_urlencoded::Serializer::new(String::new());
                body.extend_pairs(form);
                let answer = self
                    .client
                    .post(url)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body.finish());
                let answer: Value = answer.send().await.unwrap().json().await.unwrap();
                answer["access_token"].as_str().unwrap().to_owned()
            })
            .await
    }

    /// Rows of a path below the Web API.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let address = format!("{}/api/data/v9.2/{path}", self.organization_url);
        let request = self.client.get(&address).bearer_auth(self.token().await);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{address}: {body}");
        body["value"].as_array().unwrap().clone()
    }

    /// Rows in which a column is this text or id.
    pub async fn rows(&self, set: &str, column: &str, value: &str, select: &str) -> Vec<Value> {
        let literal = if column.starts_with('_') {
            value.to_owned()
        } else {
            format!("'{value}'")
        };
        self.all(&format!(
            "{set}?$select={select}&$filter={column} eq {literal}"
        ))
        .await
    }
}

#[tokio::test]
async fn the_end_of_a_chat_is_recorded_and_told() {
    let organization = organization().await;
    let companion = recording(&organization, Mode::Automatic, Action::ContactAndCase);
    let file = companion.file("event.json", &chat_ended(1, "new@example.org").to_string());
    let event = ["--json", "event", "--file", text(&file), "--wait"];
    let told = companion.call(&event).await.success();
    assert_eq!(told["outcome"], "done", "{told}");
    let tables: Vec<_> = told["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["table"].as_str().unwrap())
        .collect();
    assert_eq!(tables, ["contact", "incident"]);

    // A webhook that is delivered again leads to the same plan and no other record.
    let again = companion.call(&event).await.success();
    assert_eq!(again["plan"], told["plan"]);
    assert_eq!(again["records"], told["records"]);
    let administrator = Administrator::of(&organization);
    let contacts = administrator
        .rows(
            "contacts",
            "emailaddress1",
            "new@example.org",
            "contactid,lastname",
        )
        .await;
    assert_eq!(contacts.len(), 1, "{contacts:?}");
    assert_eq!(contacts[0]["lastname"], "Dana Nowak");

    let list = companion
        .call(&["--json", "activity", "list"])
        .await
        .success();
    let what: Vec<_> = list["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    assert!(what.contains(&"created"), "{list}");
    organization.stop().await;
}

#[tokio::test]
async fn a_manual_mode_or_an_event_that_leads_to_nothing_says_so() {
    let organization = organization().await;
    let companion = recording(&organization, Mode::Manual, Action::ContactAndCase);
    let file = companion.file("event.json", &chat_ended(1, "new@example.org").to_string());
    let told = companion
        .call(&["--json", "event", "--file", text(&file), "--wait"])
        .await
        .success();
    assert_eq!(told["outcome"], "nothing", "{told}");
    assert_eq!(told["records"], json!([]));
    organization.stop().await;
}

#[tokio::test]
async fn a_record_is_created_by_hand_with_changed_values() {
    let organization = organization().await;
    let companion = recording(&organization, Mode::Manual, Action::ContactAndCase);
    let chat = json!({ "chat": chat_ended(5, "dana.vermeer@example.com")["chat"], "visitor": { "email": "dana.vermeer@example.com" } });
    let file = companion.file("chat.json", &chat.to_string());
    for (table, set, entity, key) in [
        ("case", "incidents", "incident", "title"),
        ("task", "tasks", "task", "subject"),
        ("lead", "leads", "lead", "subject"),
    ] {
        let title = format!("{key}={table} by hand");
        let call = [
            "--json",
            "record",
            table,
            "--chat",
            text(&file),
            "--set",
            &title,
        ];
        let told = companion.call(&call).await.success();
        assert_eq!(told["outcome"], "done", "{told}");
        assert_eq!(told["records"][0]["table"], entity, "{told}");
        let rows = Administrator::of(&organization)
            .rows(set, key, &format!("{table} by hand"), key)
            .await;
        assert_eq!(rows.len(), 1, "{rows:?}");
    }
    let wrong = companion
        .call(&[
            "--json",
            "record",
            "case",
            "--chat",
            text(&file),
            "--set",
            "nosuchcolumn=1",
        ])
        .await;
    wrong.failure("value_unfit");
    organization.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_kept_listed_and_sent_later_or_discarded() {
    let organization = organization().await;
    let companion = recording(&organization, Mode::Automatic, Action::ContactAndTask);
    let down = json!({ "fault": "reset_before_commit", "path": "", "times": 100_000 });
    crate::program::admin(&organization, reqwest::Method::POST, "/faults", Some(down)).await;
    let mut plans = Vec::new();
    for number in [1, 2] {
        let email = format!("later-{number}@example.org");
        let file = companion.file("event.json", &chat_ended(number, &email).to_string());
        let told = companion
            .call(&["--json", "event", "--file", text(&file)])
            .await
            .success();
        plans.push(told["plan"].as_str().unwrap().to_owned());
    }
    let list = companion
        .call(&["--json", "outbox", "list"])
        .await
        .success();
    assert_eq!(list["entries"].as_array().unwrap().len(), 2, "{list}");
    companion
        .call(&["--json", "outbox", "discard", &plans[0]])
        .await
        .success();
    crate::program::admin(&organization, reqwest::Method::DELETE, "/faults", None).await;
    let drained = companion
        .call(&["--json", "outbox", "drain"])
        .await
        .success();
    assert_eq!(
        (&drained["queued"], &drained["attention"]),
        (&json!(0), &json!(0)),
        "{drained}"
    );
    let administrator = Administrator::of(&organization);
    for (email, count) in [("later-1@example.org", 0), ("later-2@example.org", 1)] {
        let contacts = administrator
            .rows("contacts", "emailaddress1", email, "contactid")
            .await;
        assert_eq!(contacts.len(), count, "{email}");
    }
    let unknown = companion
        .call(&["--json", "outbox", "retry", "nosuchentry"])
        .await;
    unknown.failure("id_malformed");
    organization.stop().await;
}
