//! What the page shows of a search.

use integration::Table;
use serde::Serialize;
use ts_rs::TS;

use super::ValueSource;
use crate::problem::Problem;

/// What was found for a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SearchResults {
    /// The text.
    pub text: String,
    /// What was found: contacts, accounts, leads, cases.
    pub hits: Vec<Hit>,
    /// Whether Dynamics has answered for all tables; otherwise some or all of it is from the cache only.
    pub live: bool,
    /// Why Dynamics gave no answer, wholly or in part; none if it was not asked.
    pub problem: Option<Problem>,
}

/// A record that was found by a search.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Its table.
    #[ts(type = "\"contact\" | \"account\" | \"lead\" | \"incident\"")]
    pub table: Table,
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// What tells it from others.
    pub detail: String,
    /// Whether Dynamics has just given it or it is a cached copy.
    pub source: ValueSource,
    /// When Dynamics gave it (RFC 3339).
    pub as_of: String,
    /// Whether it is deactivated or closed.
    pub inactive: bool,
}
