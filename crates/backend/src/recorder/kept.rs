//! What the outbox keeps of an entry, as JSON.

use comm100::Conversation;
use integration::plan::{Intent, RecordPlan, Step};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Entry;
use uuid::Uuid;

use crate::problem::Problem;
use crate::view::{ChoiceOfPerson, WrittenHow};

/// A plan, and what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptPlan {
    /// The writes.
    pub plan: RecordPlan,
    /// By which rule somebody was found, as a sentence; empty where nobody was looked for.
    pub why: String,
    /// For which version of what is to be written.
    pub revised: u32,
    /// What was sent for an earlier version, so that only what is new is written over it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Step>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The records in the plan's order.
    pub records: Vec<Written>,
    /// When it was done.
    pub at: Option<Timestamp>,
    /// Why there was nothing to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing: Option<String>,
}

/// A record that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Written {
    /// The logical name of its table.
    pub table: String,
    /// Its id.
    pub id: Uuid,
    /// What a person calls it.
    pub name: String,
    /// What was done.
    pub done: WrittenHow,
    /// Its version afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// Why an entry waits or needs a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trouble {
    /// The problem.
    pub problem: Problem,
    /// Who may be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<ChoiceOfPerson>,
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Trouble {
            problem,
            candidates: Vec::new(),
        }
    }
}

/// An entry with what its JSON means.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub entry: Entry,
    pub intent: Intent,
    pub plan: Option<KeptPlan>,
    pub outcome: Outcome,
    pub trouble: Option<Trouble>,
}

impl Read {
    /// Reads an entry's JSON.
    ///
    /// # Errors
    /// If it was written by a newer program or damaged.
    pub(super) fn of(entry: Entry) -> Result<Read, Problem> {
        Ok(Read {
            intent: parse(&entry.intent)?,
            plan: entry.plan.as_deref().map(parse).transpose()?,
            outcome: entry
                .outcome
                .as_deref()
                .map(parse)
                .transpose()?
                .unwrap_or_default(),
            trouble: entry.problem.as_deref().map(parse).transpose()?,
            entry,
        })
    }

    /// The plan, if it is for what is to be written now.
    pub(super) fn present_plan(&self) -> Option<&KeptPlan> {
        self.plan
            .as_ref()
            .filter(|plan| plan.revised == self.entry.revised)
    }
}

pub(super) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Problem> {
    serde_json::from_str(json).map_err(|error| {
        tracing::error!(%error, "an entry of the outbox cannot be read");
        Problem::new(
            "entry_unreadable",
            "What is kept of this entry cannot be read by this version of the companion.",
            "Update the companion; if it stays, write the chat down by hand and discard the entry.",
        )
    })
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "an entry of the outbox has no JSON form");
        Problem::new(
            "entry_unwritable",
            "What is to be kept of this entry has no form in the file.",
            "Report this to the maker.",
        )
    })
}

/// The visitor's name, e-mail address or phone number: whatever is known first.
pub(crate) fn visitor(conversation: &Conversation) -> String {
    ["visitor.name", "visitor.email", "visitor.phone"]
        .iter()
        .find_map(|name| field(conversation, name))
        .unwrap_or_else(|| "Unknown visitor".to_owned())
}

/// The e-mail address and telephone number of the visitor whom an entry is about; none if it cannot be read.
pub(crate) fn visitor_of_intent(intent: &str) -> Vec<String> {
    let Ok(intent) = serde_json::from_str::<Intent>(intent) else {
        return Vec::new();
    };
    ["visitor.email", "visitor.phone"]
        .iter()
        .filter_map(|name| field(&intent.conversation, name))
        .collect()
}

pub(crate) fn field(conversation: &Conversation, name: &str) -> Option<String> {
    name.parse()
        .ok()
        .and_then(|field| conversation.field(&field))
}
