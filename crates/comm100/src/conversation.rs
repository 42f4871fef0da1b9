use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::read::{Object, Warnings};
use crate::{Agent, Chat, ConsoleEvent, Error, Field, OfflineMessage, Site, Visitor, webhook};

/// What a rule or a mapping sees: a chat with its people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// The chat.
    pub chat: Option<Chat>,
    /// The visitor.
    pub visitor: Option<Visitor>,
    /// The offline message, where it is one and no chat.
    pub offline_message: Option<OfflineMessage>,
    /// The agent who is signed in to the console.
    pub agent: Option<Agent>,
    /// The Comm100 site.
    pub site: Option<Site>,
}

impl From<ConsoleEvent> for Conversation {
    fn from(event: ConsoleEvent) -> Self {
        Conversation {
            chat: event.chat,
            visitor: event.visitor,
            offline_message: event.offline_message,
            agent: event.agent,
            site: event.site,
        }
    }
}

impl Conversation {
    /// Reads whatever describes a visitor: a console event, `{"chat", "visitor"}`, a visitor or a chat of the SDK, either
    /// of them inside a message of the SDK (`{"api", "data"}`), the `visitor` of a webhook, or plain
    /// `{"name", "email", "phone", "company"}`.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] only.
    pub fn from_visitor_value(value: Value) -> Result<Conversation, Error> {
        let Value::Object(map) = value else {
            return Err(Error::NotAnObject);
        };
        let map = match map.get("data") {
            Some(Value::Object(data)) if !map.contains_key("id") => data,
            _ => &map,
        };
        if webhook::is_webhook(map) {
            return Ok(Conversation::from(webhook::read(map)));
        }
        let warnings = Warnings::default();
        let object = Object::new(map, &warnings);
        if is_event(map) {
            let mut conversation = Conversation::from(ConsoleEvent::from_map(map));
            if conversation.chat.is_none() {
                conversation.chat = object
                    .object(&["visitor"])
                    .and_then(Chat::read_from_visitor);
            }
            return Ok(conversation);
        }
        if object.has(CHAT_ONLY) {
            return Ok(Conversation {
                chat: Some(Chat::read(object)),
                ..Conversation::default()
            });
        }
        Ok(Conversation {
            chat: Chat::read_from_visitor(object),
            visitor: Some(Visitor::read(object)),
            ..Conversation::default()
        })
    }

    /// Takes over what was said later of the same chat. The console may send a chat or a visitor whole, or with no more
    /// than its id and state; then what is known of it stays.
    pub fn update(&mut self, later: Conversation) {
        let Conversation {
            chat,
            visitor,
            offline_message,
            agent,
            site,
        } = later;
        match (&mut self.chat, chat) {
            (Some(known), Some(later)) if later.is_bare() => known.update_state(&later),
            (Some(known), Some(later)) => {
                let known = std::mem::replace(known, later);
                if let Some(chat) = &mut self.chat {
                    chat.fill_from(known);
                }
            }
            (known @ None, Some(later)) => *known = Some(later),
            (_, None) => {}
        }
        match (&mut self.visitor, visitor) {
            (Some(known), Some(later)) if later.is_bare() => known.update_state(&later),
            (known, Some(later)) => *known = Some(later),
            (_, None) => {}
        }
        self.offline_message = offline_message.or(self.offline_message.take());
        self.agent = agent.or(self.agent.take());
        self.site = site.or(self.site.take());
    }

    /// What the computed ids of its records are made of: the GUID of the chat or offline message, else its number. It is
    /// the same whichever road the chat was told by. `None` where the source gave neither.
    pub fn subject(&self) -> Option<String> {
        let message = self.offline_message.as_ref().map(|message| message.id);
        let chat = self.chat.as_ref().map(|chat| chat.id);
        let id = [message, chat]
            .into_iter()
            .flatten()
            .find(|id| !id.is_empty())?;
        Some(id.to_string())
    }

    /// The value of a Comm100 field: without blanks around it, `None` if that leaves nothing.
    ///
    /// The visitor's and the pre-chat name, e-mail address, phone number and company are one value each: the chat's, since
    /// the agent may have corrected it there, else the offline message's, else the visitor's. The transcript of an
    /// offline message is its subject and content.
    pub fn field(&self, field: &Field) -> Option<String> {
        let value = field.read(self)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }
}

/// Fields that a chat of the SDK has and a visitor has not.
const CHAT_ONLY: &[&str] = &[
    "visitorId",
    "messages",
    "requestTime",
    "requestPage",
    "waitingTime",
    "agents",
    "fields",
    "productService",
];

fn is_event(map: &Map<String, Value>) -> bool {
    map.contains_key("kind")
        || ["chat", "visitor", "agent"]
            .iter()
            .any(|key| map.get(*key).is_some_and(Value::is_object))
}
