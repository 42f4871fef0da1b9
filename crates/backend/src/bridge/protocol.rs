//! The messages of the socket, as JSON text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::Problem;

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// The longest message that is taken, in bytes.
pub const LONGEST_MESSAGE: usize = 2 * 1024 * 1024;

/// What is still read to its end, so that a message that is too long gets its answer; beyond it the socket
/// just breaks.
pub const LONGEST_READ: usize = 2 * LONGEST_MESSAGE;

/// What a console says. (No `Debug`: it holds codes and tokens.)
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ClientMessage {
    /// The first message of a paired console.
    Hello {
        /// The protocol that it speaks.
        protocol: u32,
        /// The token that it got when it was paired.
        #[serde(default)]
        token: Option<String>,
    },
    /// The first message of a console that is to be paired.
    Pair {
        /// The protocol that it speaks.
        protocol: u32,
        /// The code that the companion shows.
        code: String,
        /// What it calls itself.
        #[serde(default)]
        name: String,
    },
    /// Something happened in the console.
    Event {
        /// An id that the acknowledgement repeats.
        id: String,
        /// The event.
        event: Value,
    },
    /// Is somebody there?
    Ping,
    /// Yes.
    Pong,
    /// A message of a later protocol: it is ignored.
    #[serde(other)]
    Other,
}

/// What the companion says. (No `Debug`: it holds tokens.)
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The console was paired; the token is said once.
    Paired {
        /// The token for the next `hello`.
        token: String,
        /// Who the console is to the companion.
        console: ConsoleName,
    },
    /// The console is known; events are welcome.
    Welcome {
        /// The protocol that the companion speaks.
        protocol: u32,
        /// The companion's version.
        version: String,
        /// Who the console is to the companion.
        console: ConsoleName,
    },
    /// The event was taken over.
    Ack {
        /// The event's id.
        id: String,
    },
    /// What the companion shows now.
    Status {
        /// The visitor that it shows.
        visitor: ShownVisitor,
    },
    /// Something was refused.
    Error {
        /// The id of the refused event, if it was one.
        id: Option<String>,
        /// The stable code.
        code: String,
        /// A sentence.
        message: String,
        /// What to do next.
        next_step: String,
    },
    /// Is somebody there?
    Ping,
    /// Yes.
    Pong,
}

impl ServerMessage {
    /// A refusal.
    #[must_use]
    pub fn refusal(id: Option<String>, problem: Problem) -> ServerMessage {
        ServerMessage::Error {
            id,
            code: problem.code,
            message: problem.message,
            next_step: problem.next_step,
        }
    }
}

/// A console's name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConsoleName {
    /// Its id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
}

/// The visitor that the companion shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownVisitor {
    /// The chat's id; `None` without a chat.
    pub chat_id: Option<String>,
    /// Whether Dynamics knows the visitor; `None` while that is not settled.
    pub recognized: Option<bool>,
}
