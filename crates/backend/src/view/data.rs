//! What the page shows of the data on this computer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is kept on this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "LocalData")]
pub struct LocalDataView {
    /// The folder of the files; none where everything is in memory.
    pub folder: Option<String>,
    /// Copies of records, by table.
    pub copies: Vec<CopiesView>,
    /// Entries of the outbox.
    #[ts(type = "number")]
    pub entries: u64,
    /// Those of them that wait to be sent or need a person.
    #[ts(type = "number")]
    pub unsent: u64,
    /// When the oldest entry was put in (RFC 3339).
    pub oldest_entry_at: Option<String>,
    /// Lines of the activity.
    #[ts(type = "number")]
    pub lines: u64,
    /// When the oldest line was written (RFC 3339).
    pub oldest_line_at: Option<String>,
    /// Paired consoles.
    #[ts(type = "number")]
    pub consoles: u64,
    /// How long the log files are together.
    #[ts(type = "number")]
    pub log_bytes: u64,
    /// Files that were set aside.
    pub aside: Vec<AsideFile>,
    /// The recovery file; none where there is nothing that it could recover.
    pub recovery: Option<RecoveryView>,
}

/// The copies of a table's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Copies")]
pub struct CopiesView {
    /// The table's logical name.
    pub table: String,
    /// How many there are.
    #[ts(type = "number")]
    pub copies: u64,
    /// When the oldest was read (RFC 3339).
    pub oldest_at: Option<String>,
}

/// A file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AsideFile {
    /// Its name.
    pub name: String,
    /// How long it is.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// How the recovery file stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "RecoveryState")]
pub struct RecoveryView {
    /// When one was last made of the present key (RFC 3339).
    pub made_at: Option<String>,
    /// Stores that were set aside because their key was lost.
    pub lost: Vec<String>,
}

/// What a recovery file brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// The files that it opened.
    pub files: Vec<String>,
    /// The files that have another key.
    pub left: Vec<String>,
    /// Entries of the outbox that were not there yet.
    #[ts(type = "number")]
    pub entries: u64,
    /// Those of them that wait to be sent or need a person.
    #[ts(type = "number")]
    pub unsent: u64,
    /// Lines of the activity.
    #[ts(type = "number")]
    pub lines: u64,
    /// Paired consoles.
    #[ts(type = "number")]
    pub consoles: u64,
    /// All else, for example links of visitors to records.
    #[ts(type = "number")]
    pub others: u64,
    /// Whether everything in the files could be read.
    pub is_whole: bool,
}

impl Default for Recovered {
    fn default() -> Self {
        Recovered {
            files: Vec::new(),
            left: Vec::new(),
            entries: 0,
            unsent: 0,
            lines: 0,
            consoles: 0,
            others: 0,
            is_whole: true,
        }
    }
}

/// What names a person on this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Traces {
    /// Copies of records.
    #[ts(type = "number")]
    pub copies: u64,
    /// Cached answers.
    #[ts(type = "number")]
    pub answers: u64,
    /// Settled entries of the outbox.
    #[ts(type = "number")]
    pub entries: u64,
    /// Entries that are not sent yet. On a receipt they are only counted.
    pub unsent: Vec<UnsentView>,
    /// Lines of the activity.
    #[ts(type = "number")]
    pub lines: u64,
    /// Remembered links of visitors to records.
    #[ts(type = "number")]
    pub links: u64,
    /// Lines of the log files.
    #[ts(type = "number")]
    pub log_lines: u64,
    /// Older files that are removed as a whole.
    pub removed: Vec<String>,
    /// Files that cannot be opened and may name the person.
    pub unreadable: Vec<String>,
}

/// An entry that is not sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Unsent")]
pub struct UnsentView {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub state: String,
    /// When it was put in (RFC 3339).
    pub since: String,
}

/// That a person was erased. It does not say who.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// When (RFC 3339).
    pub at: String,
    /// What told the person: `email` or `phone`.
    pub told_by: String,
    /// What was erased.
    pub erased: Traces,
    /// How many unsent entries were discarded.
    #[ts(type = "number")]
    pub discarded: u64,
    /// Random, so that nobody can look the digest up.
    pub salt: String,
    /// SHA-256 of salt, a blank, and the address in lower case or the number in E.164 form: who knows it can check whose
    /// receipt this is.
    pub digest: String,
    /// What a person should know besides.
    pub notes: Vec<String>,
    /// All of it for reading.
    pub text: String,
}

/// What is to be removed beside the cache and the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WipeOptions {
    /// The store: outbox, activity, paired consoles, links.
    pub store: bool,
    /// Stores that were set aside.
    pub set_aside: bool,
    /// Whether what is not sent yet may go too.
    pub discard_unsent: bool,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Wiped {
    /// Copies of records.
    #[ts(type = "number")]
    pub copies: u64,
    /// Entries of the outbox, those among them that were discarded too.
    #[ts(type = "number")]
    pub entries: u64,
    /// Entries that had not been sent.
    #[ts(type = "number")]
    pub discarded: u64,
    /// Lines of the activity.
    #[ts(type = "number")]
    pub lines: u64,
    /// Paired consoles.
    #[ts(type = "number")]
    pub consoles: u64,
    /// Log files.
    #[ts(type = "number")]
    pub log_files: u64,
    /// Files that were set aside.
    pub removed: Vec<String>,
}
