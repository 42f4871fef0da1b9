//! `companion serve`: the console bridge without a window.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sandbox::demo::sample_visitors;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::program::{Program, organization};

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Console(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Console {
    pub async fn open(bridge: &str) -> Console {
        let mut request = format!("ws://{bridge}/v1/console")
            .into_client_request()
            .unwrap();
        let origin = format!("http://{bridge}").parse().unwrap();
        request.headers_mut().insert("origin", origin);
        Console(tokio_tungstenite::connect_async(request).await.unwrap().0)
    }

    pub async fn say(&mut self, message: Value) {
        let message = Message::Text(message.to_string().into());
        self.0.send(message).await.unwrap();
    }

    /// The next message for which this holds; `None` once the socket is closed.
    pub async fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap();
            let Some(Ok(message)) = message else {
                return None;
            };
            if let Message::Text(text) = message {
                let message: Value = serde_json::from_str(text.as_str()).unwrap();
                if wanted(&message) {
                    return Some(message);
                }
                assert_ne!(message["type"], "error", "{message}");
            }
        }
    }

    pub async fn hear_type(&mut self, kind: &str) -> Value {
        self.hear(|message| message["type"] == kind).await.unwrap()
    }
}

#[tokio::test]
async fn a_console_pairs_once_is_followed_and_known_again_after_a_restart() {
    let organization = organization().await;
    let program = Program::cloud(organization.description());
    let arguments = ["serve", "--pair", "--listen", "127.0.0.1:0"];
    let (running, first) = program.start(&arguments).await;
    let bridge = first["bridge"].as_str().unwrap();
    assert!(bridge.starts_with("127.0.0.1:") && !bridge.ends_with(":0"));
    let code = first["pairing_code"].as_str().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));

    let mut console = Console::open(bridge).await;
    console
        .say(json!({ "type": "pair", "protocol": 1, "code": code, "name": "Console of a test" }))
        .await;
    let token = console.hear_type("paired").await["token"].clone();
    assert_eq!(
        console.hear_type("welcome").await["console"]["name"],
        "Console of a test"
    );
    let dana = sample_visitors()
        .into_iter()
        .find(|sample| sample.id == "dana")
        .unwrap();
    let event = json!({ "source": "console-app", "kind": "selected", "sentAt": 1, "chat": dana.chat, "visitor": dana.visitor });
    console
        .say(json!({ "type": "event", "id": "one", "event": event }))
        .await;
    assert_eq!(console.hear_type("ack").await["id"], "one");
    let recognized = console
        .hear(|message| message["visitor"]["recognized"] == true)
        .await
        .unwrap();
    assert_eq!(recognized["visitor"]["chat_id"], dana.chat["id"]);

    running.tell_to_stop();
    assert_eq!(console.hear(|_| false).await, None);
    let (status, logs) = running.end().await;
    assert_eq!(status.code(), Some(0), "{logs}");
    let token_text = token.as_str().unwrap();
    let secret = organization.description().client_secret.as_str();
    for private in ["Dana", "Vermeer", "dana.vermeer", token_text, code, secret] {
        assert!(!logs.contains(private), "{private} in {logs}");
    }
    assert!(logs.contains("INFO"), "{logs}");

    let (running, first) = program.start(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(first["pairing_code"], Value::Null);
    let mut console = Console::open(first["bridge"].as_str().unwrap()).await;
    console
        .say(json!({ "type": "hello", "protocol": 1, "token": token }))
        .await;
    console.hear_type("welcome").await;
    assert_eq!(running.stop().await.0.code(), Some(0));
    organization.stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_its_code() {
    let program = Program::new();
    for listen in ["0.0.0.0:0", "192.0.2.1:47710", "[::]:0"] {
        for command in ["serve", "sandbox"] {
            program
                .call(&["--json", command, "--listen", listen])
                .await
                .failure("listen_not_loopback");
        }
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = program
        .call(&["--json", "serve", "--listen", &address])
        .await;
    let error = outcome.failure("bridge_port_in_use")["error"].clone();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(
        error["message"].as_str().unwrap().contains(&port),
        "{error}"
    );

    let connection = "[connection]\nkind = \"cloud\"\norganization_url = \"https://contoso.example\"\ntenant_id = \"contoso.example\"\nclient_id = \"c\"\n";
    let secretless = Program::with_settings(connection);
    secretless
        .call(&["--json", "serve", "--listen", "127.0.0.1:0"])
        .await
        .failure("secret_missing");

    // Without settings it practises; told to stop right after its first line, it ends in order.
    let (running, first) = program.start(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(first["practice_organization_url"].is_string());
    assert_eq!(running.stop().await.0.code(), Some(0));
}
