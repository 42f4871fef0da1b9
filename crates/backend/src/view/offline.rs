//! What the page shows of the copies on this computer.

use integration::Table;
use serde::Serialize;
use ts_rs::TS;

use crate::problem::Problem;

/// The copies on this computer, by which visitors are recognised at once and without a network.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Offline")]
pub struct OfflineView {
    /// How they stand.
    pub state: OfflineState,
    /// The tables that are copied, in the order in which they are.
    pub tables: Vec<OfflineTableView>,
    /// What keeps all of them from being brought up to date, if anything does.
    pub problem: Option<Problem>,
}

/// How the copies stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum OfflineState {
    /// Nothing is copied: the settings say so.
    Off,
    /// Dynamics cannot be asked now; the copies are as old as their tables say. It goes on by itself.
    Waiting,
    /// They are being loaded or brought up to date.
    Synchronising,
    /// They are as Dynamics had them a short while ago.
    Fresh,
    /// At least one table cannot be copied; it says why.
    Failed,
}

/// The copies of one table.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "OfflineTable")]
pub struct OfflineTableView {
    /// The table.
    pub table: CopiedTable,
    /// How they stand.
    pub state: OfflineTableState,
    /// How many copies there are.
    #[ts(type = "number")]
    pub copies: u64,
    /// How many of the table's rows the load that is under way has seen.
    #[ts(type = "number")]
    pub done: u64,
    /// How many rows there are to see, as far as Dynamics says.
    #[ts(type = "number | null")]
    pub expected: Option<u64>,
    /// When the copies were last as Dynamics had them (RFC 3339); none before the first load has ended.
    pub synced_at: Option<String>,
    /// Why they cannot be brought up to date.
    pub problem: Option<Problem>,
}

/// How the copies of one table stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum OfflineTableState {
    /// They have not been looked at yet.
    Waiting,
    /// The whole table is being read, for the first time or anew. Copies that are there stay in use.
    Loading,
    /// What has changed is being read.
    Refreshing,
    /// They are as Dynamics had them at `syncedAt`.
    Fresh,
    /// They cannot be brought up to date; `problem` says why.
    Failed,
}

/// A table that can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum CopiedTable {
    /// Contacts.
    Contact,
    /// Accounts.
    Account,
    /// Leads.
    Lead,
    /// Cases.
    Case,
}

/// How much of a table would be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OfflineEstimate {
    /// The table.
    pub table: CopiedTable,
    /// All rows, as Dynamics counted them within the last day; none if it does not tell this user.
    #[ts(type = "number | null")]
    pub rows: Option<u64>,
    /// Those that would be copied; none if that depends on other tables, or cannot be told.
    #[ts(type = "number | null")]
    pub copies: Option<u64>,
    /// Whether there are more copies than that: Dynamics counts no further.
    pub or_more: bool,
}

impl CopiedTable {
    /// The table as the page names it; none if it is never copied.
    #[must_use]
    pub fn of(table: Table) -> Option<CopiedTable> {
        match table {
            Table::Contact => Some(CopiedTable::Contact),
            Table::Account => Some(CopiedTable::Account),
            Table::Lead => Some(CopiedTable::Lead),
            Table::Incident => Some(CopiedTable::Case),
            Table::Task => None,
        }
    }
}
