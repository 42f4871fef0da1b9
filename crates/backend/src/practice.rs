//! The practice console: plays sample visitors by the same road as the Agent Console. It is a client of the
//! console bridge like any other, let in by a token of its own, and sends what the console app would send.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::bridge::{ClientMessage, ConsoleDesk, PROTOCOL, ServerMessage};
use crate::clock::Clock;
use crate::problem::Problem;
use crate::view::SampleVisitorView;

/// A visitor to practise with, in the console SDK's shapes.
#[derive(Clone, Debug)]
pub struct SampleVisitor {
    /// Its id.
    pub id: String,
    /// What it shows.
    pub note: String,
    /// The SDK's chat object.
    pub chat: Value,
    /// The SDK's visitor object.
    pub visitor: Value,
}

/// How long our own bridge may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The practice console. Clones share one socket.
#[derive(Clone, Debug)]
pub struct PracticeConsole {
    samples: Arc<Vec<SampleVisitor>>,
    desk: ConsoleDesk,
    bridge: String,
    clock: Arc<dyn Clock>,
    socket: Arc<Mutex<Option<Socket>>>,
}

impl PracticeConsole {
    /// A practice console for the bridge at `bridge` (host and port). It connects when it is first used.
    #[must_use]
    pub fn new(
        samples: Vec<SampleVisitor>,
        desk: ConsoleDesk,
        bridge: String,
        clock: Arc<dyn Clock>,
    ) -> PracticeConsole {
        PracticeConsole {
            samples: Arc::new(samples),
            desk,
            bridge,
            clock,
            socket: Arc::default(),
        }
    }

    /// The sample visitors, for the page.
    #[must_use]
    pub fn samples(&self) -> Vec<SampleVisitorView> {
        let text = |value: &Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        self.samples
            .iter()
            .map(|sample| SampleVisitorView {
                id: sample.id.clone(),
                name: text(&sample.chat, "name"),
                email: text(&sample.chat, "email"),
                note: sample.note.clone(),
            })
            .collect()
    }

    /// Selects a sample visitor's chat, as an agent would in the Agent Console.
    ///
    /// # Errors
    /// `sample_unknown`, `practice_console_failed`, or what the bridge answers.
    pub async fn play(&self, id: &str) -> Result<(), Problem> {
        let event = self.event(id).ok_or_else(|| {
            Problem::new(
                "sample_unknown",
                "There is no such sample visitor.",
                "Choose one of the list.",
            )
        })?;
        let mut held = self.socket.lock().await;
        // A socket that was used before may have been closed since, for example when it was revoked.
        if let Some(mut socket) = held.take()
            && in_time(send_event(&mut socket, &event)).await.is_ok()
        {
            *held = Some(socket);
            return Ok(());
        }
        let mut socket = in_time(self.connect()).await?;
        in_time(send_event(&mut socket, &event)).await?;
        *held = Some(socket);
        Ok(())
    }

    /// What the Agent Console would send when this visitor's chat is selected.
    pub(crate) fn event(&self, id: &str) -> Option<Value> {
        let sample = self.samples.iter().find(|sample| sample.id == id)?;
        Some(json!({
            "source": "practice-console", "kind": "selected", "sentAt": self.clock.now().as_millisecond(),
            "site": { "siteId": "practice", "domain": "localhost" },
            "agent": { "id": "practice", "name": "Robin", "email": "robin@example.com" },
            "chat": as_of(&sample.chat, self.clock.now()), "visitor": sample.visitor,
        }))
    }

    async fn connect(&self) -> Result<Socket, Problem> {
        let mut request = format!("ws://{}/v1/console", self.bridge)
            .into_client_request()
            .map_err(failed)?;
        let origin = format!("http://{}", self.bridge).parse().map_err(failed)?;
        request.headers_mut().insert("origin", origin);
        let (mut socket, _) = tokio_tungstenite::connect_async(request)
            .await
            .map_err(failed)?;
        let admitted = self.desk.admit_ourselves("Practice console").await?;
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL,
            token: admitted.token,
        };
        say(&mut socket, &hello).await?;
        await_answer(&mut socket, |message| {
            matches!(message, ServerMessage::Welcome { .. })
        })
        .await?;
        Ok(socket)
    }
}

/// Says that something happened, and waits until it was taken over.
async fn send_event(socket: &mut Socket, event: &Value) -> Result<(), Problem> {
    let id = Uuid::new_v4().to_string();
    let message = ClientMessage::Event {
        id: id.clone(),
        event: event.clone(),
    };
    say(socket, &message).await?;
    await_answer(
        socket,
        |message| matches!(message, ServerMessage::Ack { id: taken } if *taken == id),
    )
    .await
}

async fn await_answer(
    socket: &mut Socket,
    is_it: impl Fn(&ServerMessage) -> bool,
) -> Result<(), Problem> {
    loop {
        match hear(socket).await? {
            ServerMessage::Error {
                code,
                message,
                next_step,
                ..
            } => return Err(Problem::new(&code, message, next_step)),
            other if is_it(&other) => return Ok(()),
            ServerMessage::Paired { .. }
            | ServerMessage::Welcome { .. }
            | ServerMessage::Ack { .. }
            | ServerMessage::Status { .. }
            | ServerMessage::Ping
            | ServerMessage::Pong => {}
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(failed("the bridge did not answer in time")))
}

/// The chat as if it had been asked for a few minutes ago.
fn as_of(chat: &Value, now: Timestamp) -> Value {
    let mut chat = chat.clone();
    if let Some(object) = chat.as_object_mut() {
        object.insert("requestTime".to_owned(), json!(now.as_second() - 180));
    }
    chat
}

async fn say(socket: &mut Socket, message: &ClientMessage) -> Result<(), Problem> {
    let text = serde_json::to_string(message).map_err(failed)?;
    socket
        .send(Message::Text(text.into()))
        .await
        .map_err(failed)
}

async fn hear(socket: &mut Socket) -> Result<ServerMessage, Problem> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                return serde_json::from_str(text.as_str()).map_err(failed);
            }
            Some(Ok(Message::Close(_))) | None => {
                return Err(failed("the bridge closed the socket"));
            }
            Some(Ok(
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
            )) => {}
            Some(Err(error)) => return Err(failed(error)),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Problem {
    tracing::warn!(%error, "the practice console failed");
    Problem::new(
        "practice_console_failed",
        "The practice console cannot reach the console bridge.",
        "Look at the Agent Console section for what is wrong with the bridge.",
    )
}
