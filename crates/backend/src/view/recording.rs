//! What the page shows of recording: the buttons, the form, the outbox, the activity.

use integration::Table;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::FieldKind;
use crate::problem::Problem;

/// The recording of chats, as far as the window shows it at all times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Recording")]
pub struct RecordingView {
    /// Whether chats are recorded by themselves when they end.
    pub automatic: bool,
    /// What is done then, in the guide's words: `Create/Update Contact & Add Case`; none if the agent does it.
    pub action: Option<String>,
    /// Whether a found person shows no more than the icon (the guide's "Do Nothing").
    pub icon_only: bool,
    /// Whether a button creates at once, without its form.
    pub one_click: bool,
    /// The tables that the current chat can be written to; empty without a chat.
    pub buttons: Vec<RecordTable>,
    /// What was or will be written of the current chat, the newest first.
    pub chat: Vec<EntryView>,
    /// How many entries of all chats wait to be sent.
    pub queued: u32,
    /// How many entries of all chats need a person.
    pub attention: u32,
}

/// A table that a chat can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum RecordTable {
    /// A contact.
    Contact,
    /// A lead.
    Lead,
    /// A case.
    Case,
    /// A task.
    Task,
}

impl From<RecordTable> for Table {
    fn from(table: RecordTable) -> Table {
        match table {
            RecordTable::Contact => Table::Contact,
            RecordTable::Lead => Table::Lead,
            RecordTable::Case => Table::Incident,
            RecordTable::Task => Table::Task,
        }
    }
}

/// An entry of the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Entry")]
pub struct EntryView {
    /// Its id.
    pub id: String,
    /// What it is: `Contact and case for Dana Nowak`.
    pub title: String,
    /// The visitor's name, e-mail address or phone number: whatever is known first.
    pub visitor: String,
    /// How it stands.
    pub state: EntryState,
    /// When it was put into the outbox (RFC 3339).
    pub created_at: String,
    /// When it goes on by itself (RFC 3339): the end of the grace time, or the next attempt.
    pub next_at: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// What was written, in order; links when it is done.
    pub records: Vec<WrittenView>,
    /// What could not be written as it was: a sentence each.
    pub notices: Vec<String>,
    /// Why it waits or needs a person.
    pub problem: Option<Problem>,
    /// Who may be meant, where a person must choose.
    pub candidates: Vec<ChoiceOfPerson>,
    /// The values that are to be written, where a person may correct them.
    pub values: Vec<DraftField>,
    /// Until when its creation can be undone (RFC 3339).
    pub undo_until: Option<String>,
}

/// How an entry of the outbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EntryState {
    /// It waits for the end of the grace time: the chat may be reopened.
    Waiting,
    /// It is durable and goes out as soon as Dynamics can be reached.
    Queued,
    /// It is on its way.
    Sending,
    /// It is written.
    Done,
    /// There was nothing to write: excluded, empty, or up to date.
    Nothing,
    /// A person must do something.
    Attention,
    /// A person discarded it, or it was undone.
    Discarded,
}

/// A record that an entry creates or updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Written")]
pub struct WrittenView {
    /// The logical name of its table.
    pub table: String,
    /// What a person calls the table.
    pub table_label: String,
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// What was done.
    pub done: WrittenHow,
    /// Its page in Dynamics; none before it is written.
    pub url: Option<String>,
}

/// What was done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenHow {
    /// It is to be written.
    Planned,
    /// It was created.
    Created,
    /// It was there already: the same chat was written down before.
    Existed,
    /// It was updated.
    Updated,
    /// Nothing of it had changed.
    Unchanged,
    /// Undo: it was deleted.
    Deleted,
    /// Undo: it was deactivated or cancelled, since it may not be deleted.
    Deactivated,
}

/// Somebody whom a plan may mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ChoiceOfPerson {
    /// The record's id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// What tells it from the others: company, e-mail, phone.
    pub detail: String,
    /// Its page in Dynamics.
    pub url: String,
}

/// The form of one record that is about to be created.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The table.
    pub table: RecordTable,
    /// The chat that it was filled from; none for one without an id.
    pub chat: Option<String>,
    /// The columns that will be written and those that must be.
    pub fields: Vec<DraftField>,
    /// Case: its customer. Task: what it is regarding. None for contact and lead.
    pub about: Option<DraftAbout>,
    /// Open cases of the recognised person that the chat can be added to instead.
    pub open_cases: Vec<Found>,
}

/// A column of a form.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftField {
    /// The logical name of its table: an entry may have several.
    pub table: String,
    /// The column's logical name.
    pub column: String,
    /// The column's label.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// The value as text: a choice is its number, yes/no is `true` or `false`, a lookup is `table:id`, a date is ISO 8601.
    pub value: String,
    /// The name of the looked-up row.
    pub display: Option<String>,
    /// Whether Dynamics demands it.
    pub required: bool,
    /// The longest text, in characters.
    pub max_length: Option<u32>,
    /// Whether the text has several lines.
    pub multiline: bool,
    /// The choices of a choice column.
    pub choices: Vec<DraftChoice>,
    /// The logical names of the tables that a lookup may point to.
    pub targets: Vec<String>,
    /// What is wrong with the value, or what was done to make it fit.
    pub problem: Option<String>,
}

/// A choice of a choice column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftChoice {
    /// The number.
    pub value: String,
    /// The label.
    pub label: String,
}

/// Whom a case or task will be about.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftAbout {
    /// Whether Dynamics demands it (a case's customer).
    pub required: bool,
    /// The tables to look in: `contact`, `account`, `lead`, `incident`.
    pub targets: Vec<String>,
    /// Who or what it is now.
    pub now: Option<Found>,
    /// Whether a new contact is created from the chat along with it, where `now` is none.
    pub new_contact: bool,
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The logical name of its table.
    pub table: String,
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// What tells it from others.
    pub detail: String,
}

/// What the form asks to be created.
#[derive(Clone, Debug, PartialEq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Filled {
    /// The table.
    pub table: RecordTable,
    /// [`Draft::chat`]: another chat may have been selected meanwhile, and shall not get this one's record.
    #[serde(default)]
    pub chat: Option<String>,
    /// The values as text, in [`DraftField::value`]'s form; an empty text leaves the column blank.
    pub values: std::collections::BTreeMap<String, String>,
    /// Whom it is about, as `table:id`; none for nobody.
    pub about: Option<String>,
    /// Whether a new contact is created from the chat along with it.
    pub new_contact: bool,
}

/// Records that look like the one that is about to be created.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Duplicates {
    /// The records.
    pub records: Vec<Found>,
    /// Whether Dynamics was asked; otherwise only the cache.
    pub live: bool,
}

/// Some of what was recognised and written, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "ActivityPage")]
pub struct ActivityPage {
    /// The lines.
    pub lines: Vec<ActivityLine>,
    /// Whether there are older ones: ask again with the last line's number.
    pub more: bool,
}

/// One line of the activity.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ActivityLine {
    /// Rises with every line.
    #[ts(type = "number")]
    pub number: i64,
    /// When it happened (RFC 3339).
    pub at: String,
    /// What happened: `recognised`, `queued`, `created`, `updated`, `existed`, `attention`, `discarded`, `undone`, `nothing`,
    /// `linked`, `unlinked`.
    pub what: String,
    /// The visitor's name, e-mail address or phone number.
    pub visitor: String,
    /// A sentence: by which rule or plan.
    pub detail: String,
    /// By whom: the agent's name, or empty where the companion did it by itself.
    pub by: String,
    /// The chat's id.
    pub chat: Option<String>,
    /// The record's table as a person calls it.
    pub table_label: Option<String>,
    /// The logical name of the record's table, as `open_record` takes it.
    pub table: Option<String>,
    /// The record's id.
    pub id: Option<String>,
    /// What a person calls the record.
    pub record: Option<String>,
    /// Its page in Dynamics.
    pub url: Option<String>,
}

/// Which lines of the activity are asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct ActivityFilter {
    /// Only lines with this text in visitor, record or detail.
    pub text: String,
    /// Only these kinds of lines; empty for all.
    pub what: Vec<String>,
    /// Only lines older than this number.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
}
