use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::read::{MAX_WORD_CHARS, Object, Warnings, bounded};
use crate::redact::{Hidden, redacted_debug};
use crate::{Chat, Error, OfflineMessage, Visitor, WrapUp, webhook};

/// One thing that happened in an agent's console, with the objects as they were then.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsoleEvent {
    /// Which road it came: `console-app`, `webhook`, `link`, …; empty if it was not said.
    pub source: String,
    /// What happened.
    pub kind: EventKind,
    /// When the console's page sent it, by that browser's clock.
    pub sent_at: Option<Timestamp>,
    /// The Comm100 site of the console.
    pub site: Option<Site>,
    /// The agent who is signed in to the console.
    pub agent: Option<Agent>,
    /// The chat that the event is about.
    pub chat: Option<Chat>,
    /// The visitor of that chat.
    pub visitor: Option<Visitor>,
    /// The offline message that the event is about; then there is no chat.
    pub offline_message: Option<OfflineMessage>,
    /// The names of fields that were left empty, cut or shortened because of their type or size; each name once.
    pub warnings: Vec<&'static str>,
}

impl ConsoleEvent {
    /// Reads an event: `{"source", "kind", "sentAt", "site", "agent", "chat", "visitor"}`, the objects in the shape of
    /// the console's SDK. Every field may be missing.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] only.
    pub fn from_value(value: Value) -> Result<ConsoleEvent, Error> {
        let Value::Object(map) = value else {
            return Err(Error::NotAnObject);
        };
        Ok(ConsoleEvent::from_map(&map))
    }

    /// Reads whatever Comm100 or the console's page may send: the body of a Live Chat webhook, which becomes an event of
    /// source `webhook`, or else an event as [`ConsoleEvent::from_value`] reads it.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] only.
    pub fn from_any_value(value: Value) -> Result<ConsoleEvent, Error> {
        let Value::Object(map) = value else {
            return Err(Error::NotAnObject);
        };
        Ok(if webhook::is_webhook(&map) {
            webhook::read(&map)
        } else {
            ConsoleEvent::from_map(&map)
        })
    }

    pub(crate) fn from_map(map: &Map<String, Value>) -> ConsoleEvent {
        let warnings = Warnings::default();
        let event = Object::new(map, &warnings);
        let kind = EventKind::from(event.word(&["kind"]).as_str());
        let source = event.word(&["source"]);
        let sent_at = event.time(&["sentAt", "sent_at"]);
        let site = event.object(&["site"]).map(Site::read);
        let agent = event.object(&["agent"]).map(Agent::read);
        let mut chat = event.object(&["chat"]).map(Chat::read);
        if let (Some(chat), Some(wrapup)) = (&mut chat, event.object(&["wrapup", "wrapUp"])) {
            chat.wrapup = WrapUp::read(wrapup).or(chat.wrapup.take());
        }
        let visitor = event.object(&["visitor"]).map(Visitor::read);
        let offline_message = event
            .object(&["offlineMessage", "offline_message"])
            .map(OfflineMessage::read);
        ConsoleEvent {
            source,
            kind,
            sent_at,
            site,
            agent,
            chat,
            visitor,
            offline_message,
            warnings: warnings.into_names(),
        }
    }
}

/// What happened in the console.
#[derive(Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A chat of the agent began; it need not be the selected one.
    Started,
    /// The agent looks at this chat now.
    Selected,
    /// A value of the selected chat or its visitor changed.
    Updated,
    /// A chat ended; the chat carries its transcript.
    Ended,
    /// The agent submitted the wrap-up form.
    WrapUp,
    /// A visitor asks for a chat.
    Requested,
    /// A visitor left an offline message.
    OfflineMessage,
    /// Who is signed in, without a chat.
    Agent,
    /// A kind that this version does not know, at most 255 characters; empty if none was given.
    Other(String),
}

impl EventKind {
    /// The word for this kind in an event.
    pub fn as_str(&self) -> &str {
        match self {
            EventKind::Started => "started",
            EventKind::Selected => "selected",
            EventKind::Updated => "updated",
            EventKind::Ended => "ended",
            EventKind::WrapUp => "wrapup",
            EventKind::Requested => "requested",
            EventKind::OfflineMessage => "offline-message",
            EventKind::Agent => "agent",
            EventKind::Other(word) => word,
        }
    }
}

impl From<&str> for EventKind {
    fn from(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "started" => EventKind::Started,
            "selected" => EventKind::Selected,
            "updated" => EventKind::Updated,
            "ended" => EventKind::Ended,
            "wrapup" => EventKind::WrapUp,
            "requested" => EventKind::Requested,
            "offline-message" | "offlinemessage" => EventKind::OfflineMessage,
            "agent" => EventKind::Agent,
            _ => EventKind::Other(bounded(word.trim(), MAX_WORD_CHARS).0),
        }
    }
}

impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventKind::Other(word) => f.debug_tuple("Other").field(&Hidden(word)).finish(),
            EventKind::Started
            | EventKind::Selected
            | EventKind::Updated
            | EventKind::Ended
            | EventKind::WrapUp
            | EventKind::Requested
            | EventKind::OfflineMessage
            | EventKind::Agent => f.write_str(self.as_str()),
        }
    }
}

/// A Comm100 site: one customer's account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Site {
    /// The site's number, as text.
    pub site_id: String,
    /// The host of the site's data centre, e.g. `dash11.comm100.io`, or of its own brand.
    pub domain: String,
}

impl Site {
    pub(crate) fn read(object: Object<'_>) -> Site {
        Site {
            site_id: object.word(&["siteId", "siteid", "site_id", "id"]),
            domain: object.word(&["domain"]),
        }
    }
}

/// The agent who is signed in to the console. The older console also hands out the agent's API key: it is never read.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// A GUID on the present platform, a number on older ones.
    pub id: String,
    /// Display name; empty if unknown.
    pub name: String,
    /// E-mail address; empty if unknown.
    pub email: String,
}

impl Agent {
    pub(crate) fn read(object: Object<'_>) -> Agent {
        Agent {
            id: object.word(&["id"]),
            name: object.text(&["name", "displayName"]),
            email: object.text(&["email"]),
        }
    }
}

redacted_debug!(Agent {
    shown: [id],
    hidden: [name, email]
});

/// A page of the customer's website.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Page {
    /// Title; empty if unknown.
    pub title: String,
    /// URL as the visitor's browser gave it: hostile text, not a checked address.
    pub url: String,
}

redacted_debug!(Page {
    shown: [],
    hidden: [title, url]
});

/// A named value: a pre-chat field or a custom variable.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedValue {
    /// The name that the administrator gave it.
    pub name: String,
    /// What the visitor or the website put in.
    pub value: String,
}

redacted_debug!(NamedValue {
    shown: [name],
    hidden: [value]
});
