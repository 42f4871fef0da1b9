//! A companion on a practice organization, and a console that talks to its bridge.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses a part of it"
)]

pub mod raw;
pub mod recording;

use std::sync::Arc;
use std::time::Duration;

use backend::secrets::Secrets;
use backend::settings::ConnectionSettings;
use backend::view::{Card, View};
use backend::{Backend, Handle, Options, Settings};
use futures_util::{SinkExt, StreamExt};
use sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Long enough for a slow machine; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Files in this folder, under one key however often it is opened.
pub fn encrypted_files(folder: &std::path::Path) -> impl Fn() -> backend::Files {
    let (folder, key) = (folder.to_owned(), backend::StoreKey::random());
    move || backend::Files::Folder {
        folder: folder.clone(),
        key: key.clone(),
        cache_key: backend::files::CacheKey::OfStore,
        notice: None,
    }
}

pub struct Companion {
    pub backend: Backend,
    pub organization: Sandbox,
}

pub async fn practice_organization() -> Sandbox {
    Sandbox::start(sandbox::Options::default()).await.unwrap()
}

pub fn options(connection: ConnectionSettings, secrets: Secrets) -> Options {
    let mut settings = Settings {
        connection,
        ..Settings::default()
    };
    settings.bridge.port = 0;
    // What is copied by itself would stand among the requests that are counted.
    settings.offline.enabled = false;
    Options::new(settings, secrets)
}

impl Companion {
    pub async fn start() -> Companion {
        Companion::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Companion {
        let organization = practice_organization().await;
        let (connection, secrets) = practice::connection(organization.description());
        Companion::on(organization, connection, secrets, change).await
    }

    pub async fn on(
        organization: Sandbox,
        connection: ConnectionSettings,
        secrets: Secrets,
        change: impl FnOnce(&mut Options),
    ) -> Companion {
        let mut options = options(connection, secrets);
        change(&mut options);
        Companion {
            backend: Backend::start(options).await.unwrap(),
            organization,
        }
    }

    pub fn handle(&self) -> Handle {
        self.backend.handle()
    }

    pub fn bridge(&self) -> String {
        self.backend.bridge_address().unwrap().to_string()
    }

    /// Waits until the view is as wanted.
    pub async fn until(&self, what: &str, wanted: impl FnMut(&Arc<View>) -> bool) -> Arc<View> {
        let mut views = self.handle().watch();
        let waited = tokio::time::timeout(PATIENCE, views.wait_for(wanted)).await;
        match waited {
            Ok(view) => Arc::clone(&view.unwrap()),
            Err(_) => panic!("never: {what}; the view is {:#?}", self.handle().view()),
        }
    }

    /// A console that is paired and welcome.
    pub async fn console(&self) -> Console {
        self.handle().start_pairing().await;
        let view = self
            .until("a pairing code", |view| view.console.pairing.is_some())
            .await;
        let code = view.console.pairing.clone().unwrap().code;
        let mut console = Console::open(&self.bridge()).await;
        console
            .say(&json!({ "type": "pair", "protocol": 1, "code": code, "name": "Test console" }))
            .await;
        assert_eq!(console.hear("paired").await["type"], "paired");
        console.hear("welcome").await;
        console
    }

    /// Asks the organization's admin door.
    pub async fn admin(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let client = reqwest::Client::new();
        let mut request = client.request(
            method,
            format!("{}{path}", self.organization.description().admin_url),
        );
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or(Value::Null)
    }

    pub async fn stop(self) {
        self.backend.stop().await;
        self.organization.stop().await;
    }
}

pub struct Console {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Console {
    pub async fn open(bridge: &str) -> Console {
        Console::open_from(bridge, Some(&format!("http://{bridge}")), bridge)
            .await
            .unwrap()
    }

    pub async fn open_from(
        bridge: &str,
        origin: Option<&str>,
        host: &str,
    ) -> Result<Console, tokio_tungstenite::tungstenite::Error> {
        let mut request = format!("ws://{bridge}/v1/console").into_client_request()?;
        if let Some(origin) = origin {
            request
                .headers_mut()
                .insert("origin", origin.parse().unwrap());
        }
        request.headers_mut().insert("host", host.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Console { socket })
    }

    pub async fn say(&mut self, message: &Value) {
        self.say_text(message.to_string()).await;
    }

    pub async fn say_text(&mut self, text: String) {
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    /// The next message of this type; status messages may come at any time.
    pub async fn hear(&mut self, kind: &str) -> Value {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .unwrap()
            {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(text.as_str()).unwrap();
                    if message["type"] == kind {
                        return message;
                    }
                    assert!(
                        ["status", "paired"].contains(&message["type"].as_str().unwrap()),
                        "expected {kind}, got {message}"
                    );
                }
                other => panic!("expected {kind}, got {other:?}"),
            }
        }
    }

    /// How the socket was closed.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .unwrap()
            {
                Some(Ok(Message::Close(frame))) => {
                    return frame.map(|CloseFrame { code, .. }| code.into());
                }
                Some(Ok(
                    Message::Text(_)
                    | Message::Binary(_)
                    | Message::Ping(_)
                    | Message::Pong(_)
                    | Message::Frame(_),
                )) => {}
                None | Some(Err(_)) => return None,
            }
        }
    }

    /// Says that something happened, and waits until it was taken over.
    pub async fn event(&mut self, event: Value) {
        self.say(&json!({ "type": "event", "id": "e-1", "event": event }))
            .await;
        assert_eq!(self.hear("ack").await["id"], "e-1");
    }

    /// Selects a chat with this visitor.
    pub async fn select(&mut self, sent_at: i64, chat: Value) {
        self.event(json!({ "source": "console-app", "kind": "selected", "sentAt": sent_at, "chat": chat, "visitor": null })).await;
    }
}

pub fn chat(number: u8, name: &str, email: &str, phone: &str) -> Value {
    json!({ "id": format!("3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e0{number:02}"), "status": "chatting", "name": name, "email": email, "phone": phone })
}

pub fn shown(card: &Card) -> Option<&str> {
    card.record.as_ref().map(|record| record.name.as_str())
}
