//! Visitors to try a draft on: the one that is shown now, the practice visitors, or one that a person describes.

use std::collections::BTreeMap;

use comm100::{ConsoleEvent, Conversation};
use serde_json::{Map, json};
use tokio::sync::oneshot;

use super::Management;
use crate::controller::{Command, stopping};
use crate::problem::Problem;
use crate::view::{Sample, SampleInfo};

/// The id of the chat that is shown now.
const NOW: &str = "now";
/// What stands before the id of a practice visitor.
const PRACTICE: &str = "practice:";

impl Management {
    /// The visitors that can be chosen.
    pub(super) async fn samples(&self) -> Vec<SampleInfo> {
        let mut samples = Vec::new();
        if let Ok(Some(conversation)) = self.shown_now().await {
            let value = |name: &str| value(&conversation, name);
            samples.push(SampleInfo {
                id: NOW.to_owned(),
                name: value("visitor.name"),
                email: value("visitor.email"),
                note: "The chat that is shown now".to_owned(),
            });
        }
        let practice = self.0.running.read().await.practice.clone();
        for sample in practice.iter().flat_map(|practice| practice.samples()) {
            samples.push(SampleInfo {
                id: format!("{PRACTICE}{}", sample.id),
                name: sample.name,
                email: sample.email,
                note: format!("Practice: {}", sample.note),
            });
        }
        samples
    }

    /// The chat of a sample.
    ///
    /// # Errors
    /// `sample_unknown`, or what is wrong with the described visitor.
    pub(super) async fn sample(&self, sample: Sample) -> Result<Conversation, Problem> {
        match sample {
            Sample::Typed { values } => typed(&values),
            Sample::Known { id } if id == NOW => self.shown_now().await?.ok_or_else(unknown),
            Sample::Known { id } => {
                let practice = self.0.running.read().await.practice.clone();
                let id = id.strip_prefix(PRACTICE).ok_or_else(unknown)?.to_owned();
                let event = practice
                    .and_then(|practice| practice.event(&id))
                    .ok_or_else(unknown)?;
                ConsoleEvent::from_value(event)
                    .map(Conversation::from)
                    .map_err(|error| unreadable(&error))
            }
        }
    }

    async fn shown_now(&self) -> Result<Option<Conversation>, Problem> {
        let (answer, answered) = oneshot::channel();
        let asked = self.0.core.commands.send(Command::Current { answer }).await;
        asked.map_err(|_| stopping())?;
        let current = answered.await.map_err(|_| stopping())??;
        Ok(current.map(|current| current.conversation))
    }
}

/// A visitor from values by field.
fn typed(values: &BTreeMap<String, String>) -> Result<Conversation, Problem> {
    let mut chat = Map::new();
    let mut visitor = Map::new();
    let mut custom = Vec::new();
    let mut prechat = Vec::new();
    for (name, value) in values.iter().filter(|(_, value)| !value.trim().is_empty()) {
        match name.split_once('.') {
            Some(("custom_variable", name)) => custom.push(json!({ "name": name, "value": value })),
            Some(("prechat", name)) if !["name", "email", "phone", "company"].contains(&name) => {
                prechat.push(json!({ "name": name, "value": value }));
            }
            Some(("visitor" | "prechat", name)) => {
                visitor.insert(name.to_owned(), json!(value));
                chat.insert(name.to_owned(), json!(value));
            }
            Some((_, name)) => {
                chat.insert(name.to_owned(), json!(value));
            }
            None => {
                chat.insert(name.clone(), json!(value));
            }
        }
    }
    chat.insert("id".to_owned(), json!("sample"));
    chat.insert("customVariables".to_owned(), json!(custom));
    chat.insert("fields".to_owned(), json!(prechat));
    visitor.insert("customVariables".to_owned(), json!(custom));
    let event = json!({ "kind": "selected", "chat": chat, "visitor": visitor });
    Conversation::from_visitor_value(event).map_err(|error| unreadable(&error))
}

fn value(conversation: &Conversation, name: &str) -> String {
    let field = name.parse().ok();
    field
        .and_then(|field| conversation.field(&field))
        .unwrap_or_default()
}

fn unknown() -> Problem {
    Problem::new(
        "sample_unknown",
        "This sample visitor is not there any more.",
        "Choose another one, or describe one.",
    )
}

fn unreadable(error: &comm100::Error) -> Problem {
    Problem::new(error.code(), error.to_string(), error.next_step())
}
