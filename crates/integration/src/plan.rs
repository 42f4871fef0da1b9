//! What a chat leads to in Dynamics: the [`Intent`] as it is kept from the moment the chat ends or a button is pressed, and
//! the [`RecordPlan`] that it becomes once it is known who the visitor is.

use std::collections::BTreeMap;
use std::fmt;

use comm100::Conversation;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::Table;
use crate::recording::{Action, Owner, UpdatePolicy, WhenAmbiguous};

/// What is to be written down, before anything has been asked of Dynamics. It is kept whole, so that it survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Why it is written down.
    pub cause: Cause,
    /// The chat or offline message as it is known.
    pub conversation: Conversation,
    /// What is asked for.
    pub wish: Wish,
}

/// Why something is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A chat ended.
    ChatEnd,
    /// An offline message was received.
    OfflineMessage,
    /// An agent pressed a button.
    Button,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Wish {
    /// What the settings say, as they were then.
    Automatic {
        /// The action.
        action: Action,
        /// What happens to a person who is found.
        update: UpdatePolicy,
        /// What happens when several people match.
        when_ambiguous: WhenAmbiguous,
        /// Who owns what is created.
        owner: Owner,
        /// Whom a person has chosen since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chosen: Option<Chosen>,
    },
    /// One record with the values that the agent has seen.
    Create {
        /// The table.
        table: Table,
        /// Values by column.
        values: BTreeMap<String, Planned>,
        /// Whom it is about: a case's customer, a task's regarding record.
        about: Option<About>,
        /// Who owns it.
        owner: Owner,
    },
    /// The chat becomes a note on a case that is open.
    AddToCase {
        /// The case.
        case: Uuid,
    },
}

/// Who was chosen among several, or against all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Chosen {
    /// This one.
    Existing {
        /// Its id; its table is the one that the action names.
        id: Uuid,
    },
    /// None of them: a new one.
    New,
}

/// Whom a case or task is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum About {
    /// A record that exists: contact or account for a case; also lead or case for a task.
    Existing {
        /// Its table.
        table: Table,
        /// Its id.
        id: Uuid,
    },
    /// A contact or lead that is created along with it from the mapping.
    New {
        /// Contact or lead.
        table: Table,
    },
}

/// The writes that one chat leads to: they happen all together or not at all, in one change set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordPlan {
    /// In the order in which they refer to each other: the person first.
    pub steps: Vec<Step>,
    /// What could not be written as it was, so that the rest could be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfit: Vec<Unfit>,
}

/// One write of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The logical name of the table: one of [`Table`]'s, or `annotation`.
    pub table: String,
    /// The record: computed where it is created (see [`crate::ids`]).
    pub id: Uuid,
    /// Create or update.
    pub kind: StepKind,
    /// Values by column.
    pub values: BTreeMap<String, Planned>,
    /// What a person calls it, for the outbox and the activity.
    pub name: String,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum StepKind {
    /// Creates it unless it exists; that it exists means that it was done before.
    Create,
    /// Creates a person under the first id of the sequence whose record either does not exist or still carries the
    /// identity: one that carries another one was changed by somebody since.
    CreatePerson {
        /// Who it is.
        identity: Identity,
        /// Which id of the sequence [`Step::id`] is, from 0.
        sequence: u32,
    },
    /// Updates it by the policy, against the values that it has then.
    Update {
        /// The policy.
        policy: UpdatePolicy,
    },
}

/// By what a person is the same one: the column and its normalised value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The column that carries it: `emailaddress1`, `telephone1`; none where it is only the chat that tells.
    pub column: Option<String>,
    /// The value: an e-mail address in lower case, a telephone number in E.164, else `chat:<id>`.
    pub value: String,
}

/// Personal values stay out of logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

/// A value to be written.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planned {
    /// As JSON, in the form that the Web API takes for the column (protocol page `types.md`).
    Value(serde_json::Value),
    /// A reference to a row.
    Lookup {
        /// The logical name of its table.
        table: String,
        /// Its id.
        id: Uuid,
    },
}

/// Personal values stay out of logs.
impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Planned::Value(_) => f.write_str("Value(…)"),
            Planned::Lookup { table, id } => f
                .debug_struct("Lookup")
                .field("table", table)
                .field("id", id)
                .finish(),
        }
    }
}

/// A value that could not be written as it was.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfit {
    /// The logical name of the table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The value that the chat has.
    pub value: String,
    /// The rule that it breaks, as a sentence for a person.
    pub rule: String,
}

/// Personal values stay out of logs.
impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfit")
            .field("table", &self.table)
            .field("column", &self.column)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
