//! What the page shows of the timeline.

use serde::Serialize;
use ts_rs::TS;

use super::ValueSource;
use crate::problem::Problem;

/// What happened lately around the people that were recognised.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Timeline")]
pub struct TimelineView {
    /// How far it has come.
    pub state: TimelineState,
    /// Whether Dynamics has just given it or it was known before.
    pub source: ValueSource,
    /// When Dynamics gave it (RFC 3339); none before it has.
    pub as_of: Option<String>,
    /// Open cases first, then what else is open, then what was changed last.
    pub lines: Vec<TimelineLine>,
    /// Why a part of it is missing.
    pub problem: Option<Problem>,
}

impl TimelineView {
    /// The timeline of nobody.
    #[must_use]
    pub fn empty() -> TimelineView {
        TimelineView {
            state: TimelineState::Idle,
            source: ValueSource::Cache,
            as_of: None,
            lines: Vec::new(),
            problem: None,
        }
    }
}

/// How far a timeline has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TimelineState {
    /// Nobody is recognised.
    #[default]
    Idle,
    /// Dynamics is asked. What is known already is shown.
    Loading,
    /// All of it is there, as far as Dynamics or the cache has it.
    Known,
    /// Dynamics gave no answer, and nothing is cached.
    Failed,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TimelineLine {
    /// Its id.
    pub id: String,
    /// What it is: `case`, `note`, or the logical name of the activity's table: `task`, `phonecall`, `email`, …
    pub kind: String,
    /// Its title or subject; may be empty.
    pub title: String,
    /// A case's number, a note's file; may be empty.
    pub detail: String,
    /// How it stands, in Dynamics' words; empty for a note.
    pub status: String,
    /// Whether something is still to be done.
    pub open: bool,
    /// When it is due (RFC 3339).
    pub due_at: Option<String>,
    /// When it was changed last (RFC 3339).
    pub at: Option<String>,
    /// The name of the company that it belongs to; none for what belongs to the person.
    pub company: Option<String>,
    /// The table of the record that is opened for it, by its logical name.
    pub table: String,
    /// That record's id.
    pub record: String,
}
