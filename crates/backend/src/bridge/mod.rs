//! The console bridge: the door on 127.0.0.1 that the Agent Console talks to.
//!
//! It serves the console app's pages (so that page and socket have one origin) and the paired WebSocket
//! `/v1/console`. Whoever knocks is checked: the `Host` (against DNS rebinding), the `Origin` (against other
//! web pages), and a token that was handed out once, against a code that the companion shows. Every refusal
//! has its own code and none ends the bridge.

mod desk;
mod door;
mod pages;
mod protocol;
mod session;

pub use desk::{ConsoleDesk, Consoles, OpenPairing, PAIRING_TIME};
pub use door::{Bridge, BridgeOptions};
pub use protocol::{ClientMessage, ConsoleName, PROTOCOL, ServerMessage, ShownVisitor};
