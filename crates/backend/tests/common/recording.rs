//! Companions that write chats down, and what can be read back from the organization.

use std::sync::{Arc, Mutex};

use backend::clock::Clock;
use backend::view::{EntryState, EntryView};
use backend::{Backend, Files, Handle, Options};
use comm100::ConsoleEvent;
use dataverse::{Client, Connection, Filter, Query, RecordBody, Row, SignIn};
use integration::recording::{Mode, Recording};
use sandbox::Sandbox;
use serde_json::{Value, json};
use uuid::Uuid;

use super::PATIENCE;

/// A clock that goes with the computer's and can be moved ahead.
#[derive(Clone, Debug, Default)]
pub struct MovableClock(Arc<Mutex<jiff::SignedDuration>>);

impl MovableClock {
    pub fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += jiff::SignedDuration::from_secs(seconds);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now() + *self.0.lock().unwrap()
    }
}

/// The organization, seen by its administrator.
pub struct Organization {
    pub sandbox: Sandbox,
    pub client: Client,
}

impl Organization {
    pub async fn start() -> Organization {
        let sandbox = Sandbox::start(sandbox::Options {
            seed: sandbox::Seed::Empty,
            ..sandbox::Options::default()
        })
        .await
        .unwrap();
        let description = sandbox.description();
        let sign_in = SignIn::Cloud {
            authority_url: description.authority_url.clone(),
            tenant_id: description.tenant_id.clone(),
            client_id: description.administrator.client_id.clone(),
            client_secret: description.administrator.client_secret.clone().into(),
        };
        let connection = Connection::new(description.organization_url.clone(), sign_in);
        let client = Client::new(connection).unwrap();
        Organization { sandbox, client }
    }

    /// A companion that records by itself without a grace time, unless `change` says otherwise.
    pub async fn companion(&self, change: impl FnOnce(&mut Options)) -> Backend {
        let (connection, secrets) = practice::connection(self.sandbox.description());
        let mut options = super::options(connection, secrets);
        options.settings.recording = Recording {
            mode: Mode::Automatic,
            grace_seconds: 0,
            ..Recording::default()
        };
        options.jitter = backend::Jitter(|| 0.0);
        options.files = Files::Memory;
        change(&mut options);
        Backend::start(options).await.unwrap()
    }

    pub async fn put(&self, set: &str, values: &[(&str, &str)]) -> Uuid {
        let id = Uuid::new_v4();
        let body = values
            .iter()
            .fold(RecordBody::new(), |body, (column, value)| {
                body.set(column, *value)
            });
        self.client
            .write(&dataverse::Write::create_with_id(set, id, body))
            .await
            .unwrap();
        id
    }

    pub async fn rows(&self, set: &str, filter: Filter) -> Vec<Row> {
        let query = Query::new(set).filter(filter).formatted_values(true);
        self.client.query(&query).await.unwrap().rows
    }

    pub async fn row(&self, set: &str, id: Uuid) -> Row {
        self.client
            .retrieve(set, id, &Query::new(set).formatted_values(true))
            .await
            .unwrap()
    }

    pub async fn count(&self, set: &str) -> usize {
        let query = Query::new(set);
        self.client.query(&query).await.unwrap().rows.len()
    }

    /// Asks the organization's admin door.
    pub async fn admin(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let address = format!("{}{path}", self.sandbox.description().admin_url);
        let mut request = reqwest::Client::new().request(method, address);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or(Value::Null)
    }

    pub async fn fault(&self, plan: Value) {
        self.admin(reqwest::Method::POST, "/faults", Some(plan))
            .await;
    }

    /// The requests that carried writes or reads of records together.
    pub async fn requests(&self) -> Vec<Value> {
        let all = self.admin(reqwest::Method::GET, "/requests", None).await;
        all.as_array().unwrap().clone()
    }

    pub async fn forget_requests(&self) {
        self.admin(reqwest::Method::DELETE, "/requests", None).await;
    }
}

pub fn event(value: Value) -> ConsoleEvent {
    ConsoleEvent::from_any_value(value).unwrap()
}

/// A chat that has ended.
pub fn ended(chat: Uuid, name: &str, email: &str, phone: &str, said: &str) -> ConsoleEvent {
    event(json!({
        "source": "console-app", "kind": "ended",
        "agent": { "id": "a", "name": "Robin", "email": "robin@example.com" },
        "chat": {
            "id": chat.to_string(), "status": "chat ended", "name": name, "email": email, "phone": phone,
            "requestTime": 1_721_224_931,
            "messages": [{ "sender": name, "senderType": "visitor", "time": 1_721_224_940, "content": said }],
        },
    }))
}

/// A message that was left.
pub fn offline(message: Uuid, name: &str, email: &str, phone: &str, said: &str) -> ConsoleEvent {
    event(json!({
        "event": "offline_message_submitted",
        "offline_message": {
            "id": message.to_string(), "name": name, "email": email, "phone": phone, "subject": "Call back",
            "content": said, "time": "/Date(1721230000789)/", "custom_fields": [], "custom_variable": [],
        },
        "visitor": { "id": Uuid::new_v4().to_string(), "chat_id": message.to_string(), "name": name, "email": email, "phone": phone },
    }))
}

/// Waits until an entry is settled.
pub async fn settled(handle: &Handle, entry: Uuid) -> EntryView {
    match tokio::time::timeout(PATIENCE, handle.settled(entry)).await {
        Ok(view) => view.unwrap(),
        Err(_) => panic!("never settled: {:#?}", handle.entry(entry).await),
    }
}

/// Waits until an entry is as wanted.
pub async fn entry_until(
    handle: &Handle,
    entry: Uuid,
    wanted: impl Fn(&EntryView) -> bool,
) -> EntryView {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let view = handle.entry(entry).await.unwrap();
            if wanted(&view) {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    match waited.await {
        Ok(view) => view,
        Err(_) => panic!("never as wanted: {:#?}", handle.entry(entry).await),
    }
}

/// Feeds an event and waits until its entry is settled.
pub async fn recorded(handle: &Handle, event: ConsoleEvent) -> EntryView {
    let entry = handle.feed(event).await.unwrap().expect("an entry");
    settled(handle, entry).await
}

pub fn done(view: &EntryView) -> &EntryView {
    assert_eq!(view.state, EntryState::Done, "{view:#?}");
    view
}

/// The id of the record of a table that an entry wrote.
pub fn written(view: &EntryView, table: &str) -> Uuid {
    let found = view.records.iter().find(|record| record.table == table);
    found
        .unwrap_or_else(|| panic!("no {table} in {view:#?}"))
        .id
        .parse()
        .unwrap()
}
