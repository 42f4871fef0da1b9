//! How chats are written down: the settings of the guide's chapters "Record Live Chat Data in Dynamics 365 Manually",
//! "… Automatically" and "Update Contact Information".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::record::Table;

/// How chats and offline messages are written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[ts(rename = "RecordingSettings")]
pub struct Recording {
    /// Whether the agent does it, or the companion by itself.
    pub mode: Mode,
    /// What is done by itself when a chat ends or an offline message is received.
    pub action: Action,
    /// What happens to a person who was found.
    pub update: UpdatePolicy,
    /// What happens when several people match.
    pub when_ambiguous: WhenAmbiguous,
    /// Manual: whether a button creates at once what its form would show.
    pub one_click: bool,
    /// Automatic: seconds between the end of a chat and its recording; a chat that is reopened meanwhile goes on as one.
    pub grace_seconds: u32,
    /// Automatic: a chat with fewer messages of the visitor is not recorded.
    pub minimum_messages: u32,
    /// Automatic: who is not recorded.
    pub exclude: Exclude,
    /// Who owns what is created.
    pub owner: Owner,
}

impl Default for Recording {
    fn default() -> Self {
        Recording {
            mode: Mode::default(),
            action: Action::default(),
            update: UpdatePolicy::default(),
            when_ambiguous: WhenAmbiguous::default(),
            one_click: false,
            grace_seconds: 60,
            minimum_messages: 1,
            exclude: Exclude::default(),
            owner: Owner::default(),
        }
    }
}

/// Who writes chats down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "RecordingMode")]
pub enum Mode {
    /// The agent, by a button for each table.
    #[default]
    Manual,
    /// The companion, at the end of each chat and for each offline message. The buttons stay.
    Automatic,
}

/// The guide's five actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "RecordingAction")]
pub enum Action {
    /// Create/Update Contact & Add Case.
    #[default]
    ContactAndCase,
    /// Create/Update Contact & Add Task.
    ContactAndTask,
    /// Create/Update Contact.
    Contact,
    /// Create/Update Lead & Add Task.
    LeadAndTask,
    /// Do Nothing: a found person shows the icon only, without the panel.
    Nothing,
}

impl Action {
    /// The table of the person that is created or updated; none for [`Action::Nothing`].
    #[must_use]
    pub fn person(self) -> Option<Table> {
        match self {
            Action::ContactAndCase | Action::ContactAndTask | Action::Contact => {
                Some(Table::Contact)
            }
            Action::LeadAndTask => Some(Table::Lead),
            Action::Nothing => None,
        }
    }

    /// The table of the record that is added for each chat.
    #[must_use]
    pub fn added(self) -> Option<Table> {
        match self {
            Action::ContactAndCase => Some(Table::Incident),
            Action::ContactAndTask | Action::LeadAndTask => Some(Table::Task),
            Action::Contact | Action::Nothing => None,
        }
    }
}

/// What happens to a contact or lead that was found (guide, "Update Contact Information").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatePolicy {
    /// Do not update.
    Keep,
    /// Update with information from the live chat: every mapped column for which the chat has a value.
    Overwrite,
    /// Only add new information: mapped columns that are blank.
    #[default]
    FillBlanks,
}

/// What happens when several people match: never written to on a guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WhenAmbiguous {
    /// The plan waits for a person to choose.
    #[default]
    Ask,
    /// The first one, as the guide's display does.
    First,
}

/// Who owns what is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "RecordOwner")]
pub enum Owner {
    /// The user that the companion is signed in as.
    #[default]
    SignedIn,
    /// The Dynamics user with the agent's e-mail address; the one who is signed in where there is none. Needs the right to
    /// assign, which the guide's role does not have.
    Agent,
}

/// Who is not recorded by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct Exclude {
    /// E-mail addresses, in any case.
    pub emails: Vec<String>,
    /// Domains of e-mail addresses, sub-domains included: `contoso.com`.
    pub domains: Vec<String>,
    /// Telephone numbers, however they are written.
    pub phones: Vec<String>,
    /// Names of departments, in any case.
    pub departments: Vec<String>,
}
