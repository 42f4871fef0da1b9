//! One console's socket, from its first word to its last.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use comm100::ConsoleEvent;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::desk::{Admitted, revoked};
use super::door::DoorState;
use super::protocol::{ClientMessage, ConsoleName, LONGEST_MESSAGE, PROTOCOL, ServerMessage};
use crate::controller::FromConsole;
use crate::problem::Problem;

/// How long a socket may stay silent before it says who it is.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// How long the other side may take to read a message.
const LONGEST_SEND: Duration = Duration::from_secs(5);

/// Close codes of the socket (4000 and above are ours, RFC 6455 section 7.4.2).
mod close {
    pub(super) const GOING_AWAY: u16 = 1001;
    pub(super) const TOO_LARGE: u16 = 1009;
    pub(super) const OUR_FAULT: u16 = 1011;
    pub(super) const TRY_LATER: u16 = 1013;
    pub(super) const NOT_UNDERSTOOD: u16 = 4400;
    pub(super) const NOT_KNOWN: u16 = 4401;
    pub(super) const NOT_PAIRED: u16 = 4403;
}

/// Why a socket ends: what it is told, and the close code.
struct Farewell(Option<Box<Problem>>, u16);

impl Farewell {
    fn because(problem: Problem, code: u16) -> Farewell {
        Farewell(Some(Box::new(problem)), code)
    }
}

/// Serves one socket to its end.
pub(super) async fn run(mut socket: WebSocket, state: DoorState) {
    let stop = state.stop.clone();
    let Farewell(problem, code) = tokio::select! {
        () = stop.cancelled() => Farewell(None, close::GOING_AWAY),
        farewell = serve(&mut socket, &state) => farewell,
    };
    if let Some(problem) = problem {
        warn!(error.code = problem.code, "an Agent Console was refused");
        let _ = send(&mut socket, &ServerMessage::refusal(None, *problem)).await;
    }
    let goodbye = Message::Close(Some(CloseFrame {
        code,
        reason: "".into(),
    }));
    // The other side may be gone already, or not listen; then there is nobody to say goodbye to.
    let _ = timeout(LONGEST_SEND, socket.send(goodbye)).await;
}

async fn serve(socket: &mut WebSocket, state: &DoorState) -> Farewell {
    let Ok(stranger) = state.strangers.try_acquire() else {
        let crowded = Problem::new(
            "too_many_sockets",
            "Too many Agent Consoles connect at once.",
            "Wait a moment; the console tries again by itself.",
        );
        return Farewell::because(crowded, close::TRY_LATER);
    };
    let admitted = match greet(socket, state).await {
        Ok(admitted) => admitted,
        Err(farewell) => return farewell,
    };
    drop(stranger);
    state.desk.set_connected(admitted.id, true).await;
    // However this ends, also when the bridge is closed, the console is no longer connected then.
    let connected = Connected {
        state: state.clone(),
        console: admitted.id,
    };
    info!(console.id = %admitted.id, "an Agent Console is connected");
    let farewell = attend(socket, state, admitted.id).await;
    drop(connected);
    info!(console.id = %admitted.id, "an Agent Console is gone");
    farewell
}

struct Connected {
    state: DoorState,
    console: Uuid,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let desk = self.state.desk.clone();
        let console = self.console;
        tokio::spawn(async move { desk.set_connected(console, false).await });
    }
}

/// The first message says who it is.
async fn greet(socket: &mut WebSocket, state: &DoorState) -> Result<Admitted, Farewell> {
    let first = timeout(FIRST_WORD, receive(socket)).await.map_err(|_| {
        let late = Problem::new(
            "hello_timeout",
            "The console did not say who it is in time.",
            "Reload the console.",
        );
        Farewell::because(late, close::NOT_UNDERSTOOD)
    })?;
    let admitted = match first? {
        Heard::Said(ClientMessage::Hello { protocol, token }) => {
            check_protocol(protocol)?;
            state.desk.admit(token.as_deref()).await.map_err(refused)?
        }
        Heard::Said(ClientMessage::Pair {
            protocol,
            code,
            name,
        }) => {
            check_protocol(protocol)?;
            state.desk.pair(&code, &name).await.map_err(refused)?
        }
        Heard::Said(
            ClientMessage::Event { .. }
            | ClientMessage::Ping
            | ClientMessage::Pong
            | ClientMessage::Other,
        )
        | Heard::Malformed(_) => {
            let rude = Problem::new(
                "hello_expected",
                "The console must say who it is first.",
                "Update the console app to the one of this companion.",
            );
            return Err(Farewell::because(rude, close::NOT_UNDERSTOOD));
        }
    };
    let console = ConsoleName {
        id: admitted.id.to_string(),
        name: admitted.name.clone(),
    };
    if let Some(token) = &admitted.token {
        let paired = ServerMessage::Paired {
            token: token.clone(),
            console: console.clone(),
        };
        send(socket, &paired).await?;
    }
    let welcome = ServerMessage::Welcome {
        protocol: PROTOCOL,
        version: crate::VERSION.to_owned(),
        console,
    };
    send(socket, &welcome).await?;
    Ok(admitted)
}

/// Only a refusal of the console itself may make it forget its token; a fault of ours may not.
fn refused(problem: Problem) -> Farewell {
    let code = if problem.code.starts_with("token_") {
        close::NOT_KNOWN
    } else if problem.code.starts_with("pairing_") {
        close::NOT_PAIRED
    } else {
        close::OUR_FAULT
    };
    Farewell::because(problem, code)
}

fn check_protocol(protocol: u32) -> Result<(), Farewell> {
    if protocol == PROTOCOL {
        return Ok(());
    }
    let problem = Problem::new(
        "protocol_unsupported",
        format!("The console app speaks protocol {protocol}, the companion {PROTOCOL}."),
        "Update the older of the two.",
    );
    Err(Farewell::because(problem, close::NOT_UNDERSTOOD))
}

/// Takes events until one side ends it.
async fn attend(socket: &mut WebSocket, state: &DoorState, console: Uuid) -> Farewell {
    match take_events(socket, state, console).await {
        Ok(never) => match never {},
        Err(farewell) => farewell,
    }
}

async fn take_events(
    socket: &mut WebSocket,
    state: &DoorState,
    console: Uuid,
) -> Result<Infallible, Farewell> {
    let this_socket = Uuid::new_v4();
    let mut consoles = state.desk.watch();
    let mut shown = state.shown.clone();
    let first = shown.borrow_and_update().clone();
    send(socket, &ServerMessage::Status { visitor: first }).await?;
    loop {
        let is_paired = consoles
            .borrow_and_update()
            .paired
            .iter()
            .any(|paired| paired.id == console);
        if !is_paired {
            return Err(Farewell::because(revoked(), close::NOT_KNOWN));
        }
        let going = |_| Farewell(None, close::GOING_AWAY);
        tokio::select! {
            changed = consoles.changed() => changed.map_err(going)?,
            changed = shown.changed() => {
                changed.map_err(going)?;
                let visitor = shown.borrow_and_update().clone();
                send(socket, &ServerMessage::Status { visitor }).await?;
            }
            heard = receive(socket) => {
                if let Some(answer) = answer(heard?, state, this_socket).await? {
                    send(socket, &answer).await?;
                }
            }
        }
    }
}

async fn answer(
    heard: Heard,
    state: &DoorState,
    this_socket: Uuid,
) -> Result<Option<ServerMessage>, Farewell> {
    Ok(match heard {
        Heard::Said(ClientMessage::Event { id, event }) => {
            Some(take_over(id, event, state, this_socket).await?)
        }
        Heard::Said(ClientMessage::Ping) => Some(ServerMessage::Pong),
        Heard::Said(
            ClientMessage::Hello { .. }
            | ClientMessage::Pair { .. }
            | ClientMessage::Pong
            | ClientMessage::Other,
        ) => None,
        Heard::Malformed(problem) => Some(ServerMessage::refusal(None, problem)),
    })
}

/// Takes an event over, or says why it never will be. An event that could not be kept is the console's still: the socket ends,
/// so that the console sends it again when it comes back.
async fn take_over(
    id: String,
    event: serde_json::Value,
    state: &DoorState,
    this_socket: Uuid,
) -> Result<ServerMessage, Farewell> {
    let event = match ConsoleEvent::from_value(event) {
        Ok(event) => event,
        Err(error) => {
            let problem = Problem::new(
                "event_malformed",
                error.to_string(),
                "Update the console app to the one of this companion.",
            );
            return Ok(ServerMessage::refusal(Some(id), problem));
        }
    };
    debug!(event.kind = event.kind.as_str(), event.warnings = ?event.warnings, "console event");
    // What has to be written down is durable before the console hears that its event was taken over.
    if let Err(problem) = state.recorder.observe(&event).await {
        let is_of_the_files = problem.code == "disk_full" || problem.code.starts_with("store_");
        return if is_of_the_files {
            Err(Farewell::because(problem, close::TRY_LATER))
        } else {
            Ok(ServerMessage::refusal(Some(id), problem))
        };
    }
    let sent = state
        .events
        .send(FromConsole {
            socket: this_socket,
            event,
        })
        .await;
    Ok(match sent {
        Ok(()) => ServerMessage::Ack { id },
        Err(_) => ServerMessage::refusal(
            Some(id),
            Problem::new(
                "companion_stopping",
                "The companion is being closed.",
                "Start it again.",
            ),
        ),
    })
}

enum Heard {
    Said(ClientMessage),
    Malformed(Problem),
}

/// The next message. Binary messages and those that are no JSON of ours are answered, not fatal.
async fn receive(socket: &mut WebSocket) -> Result<Heard, Farewell> {
    loop {
        let text = match socket.recv().await {
            None | Some(Ok(Message::Close(_))) => return Err(Farewell(None, close::GOING_AWAY)),
            Some(Err(error)) => {
                debug!(%error, "a console's socket broke");
                return Err(if is_too_large(error) {
                    Farewell::because(too_large(), close::TOO_LARGE)
                } else {
                    Farewell(None, close::GOING_AWAY)
                });
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Binary(_))) => return Ok(Heard::Malformed(malformed())),
            Some(Ok(Message::Text(text))) => text,
        };
        if text.len() > LONGEST_MESSAGE {
            return Err(Farewell::because(too_large(), close::TOO_LARGE));
        }
        return Ok(serde_json::from_str(text.as_str())
            .map_or_else(|_| Heard::Malformed(malformed()), Heard::Said));
    }
}

fn malformed() -> Problem {
    Problem::new(
        "message_malformed",
        "The companion does not understand what the console sent.",
        "Update the console app to the one of this companion.",
    )
}

fn is_too_large(error: axum::Error) -> bool {
    let error = error.into_inner().downcast::<tungstenite::Error>();
    error.is_ok_and(|error| matches!(*error, tungstenite::Error::Capacity(_)))
}

fn too_large() -> Problem {
    Problem::new(
        "message_too_large",
        "The console sent more than the companion takes at once.",
        "Update the console app to the one of this companion.",
    )
}

async fn send(socket: &mut WebSocket, message: &ServerMessage) -> Result<(), Farewell> {
    let text = serde_json::to_string(message).map_err(|error| {
        warn!(%error, "a message has no JSON form");
        Farewell(None, close::OUR_FAULT)
    })?;
    match timeout(LONGEST_SEND, socket.send(Message::Text(text.into()))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Farewell(None, close::GOING_AWAY)),
    }
}
