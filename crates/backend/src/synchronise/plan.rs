//! What is read of a table, and which of its rows are kept.

use std::collections::BTreeSet;

use dataverse::{Comparison, Filter, Literal, Query};
use integration::{Record, Table, copies, identify};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::local;
use crate::recognise::{Rules, property};
use crate::settings::offline::{Keep, Kept, Offline};

/// Raised when copies made by an earlier version of the program have to be made anew.
const FORM: u32 = 2;

/// How many rows are read at once: Dataverse gives at most 5000, and two pages are in memory.
const PAGE: u32 = 1000;

/// What is read of a table, and which of its rows are kept.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: Table,
    pub(super) kept: Kept,
    /// The columns that are read, by logical name.
    columns: Vec<String>,
    /// What the copies depend on: with another text all are made anew.
    pub(super) spec: String,
}

impl Plan {
    pub(super) fn new(table: Table, offline: &Offline, rules: &Rules) -> Plan {
        let kept = offline.of(table);
        let columns = columns(table, rules);
        let compared: Vec<_> = rules
            .identification
            .rules(table)
            .iter()
            .flat_map(integration::Rule::conditions)
            .map(|condition| {
                let kind = rules.columns.kind(table, &condition.column);
                (condition, kind)
            })
            .collect();
        let properties: Vec<String> = columns
            .iter()
            .map(|column| property(&rules.columns, table, column))
            .collect();
        let made_from = serde_json::json!([
            FORM,
            format!("{kept:?}"),
            properties,
            rules.identification.default_country,
            compared,
        ]);
        let is_whole = kept.keep == Keep::All && kept.changed_within_days.is_none();
        let which = if is_whole { local::WHOLE } else { "some;" };
        let digest = Sha256::digest(made_from.to_string().as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Plan {
            table,
            kept,
            columns,
            spec: format!("{which}{digest}"),
        }
    }

    /// All rows, with the columns that are needed.
    pub(super) fn query(&self, rules: &Rules) -> Query {
        Query::new(self.table.entity_set())
            .select(
                self.columns
                    .iter()
                    .map(|column| property(&rules.columns, self.table, column)),
            )
            .page_size(PAGE)
            .formatted_values(true)
    }

    /// What Dynamics is told of which rows are kept; none if that is all of them, or if it cannot be told.
    pub(super) fn filter(&self, now: Timestamp) -> Option<Filter> {
        let active = (self.kept.keep == Keep::Active)
            .then(|| Filter::equals("statecode", Literal::Integer(0)));
        let recent = self.changed_after(now).map(changed_since);
        match (active, recent) {
            (Some(active), Some(recent)) => Some(Filter::And(vec![active, recent])),
            (active, recent) => active.or(recent),
        }
    }

    /// Whether a row is kept, as far as it says so itself.
    pub(super) fn keeps(&self, record: &Record, now: Timestamp) -> bool {
        let of_its_kind = match self.kept.keep {
            Keep::All | Keep::OfContacts => true,
            Keep::Active => !record.is_inactive(),
            Keep::Nothing => false,
        };
        let is_recent = self.changed_after(now).is_none_or(|after| {
            // A row that does not say when it was changed is no reason to leave it out.
            local::modified_at(record).is_none_or(|at| at >= after)
        });
        of_its_kind && is_recent
    }

    /// Rows that were changed last before this are not kept.
    pub(super) fn changed_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.kept
            .changed_within_days
            .map(|days| days_before(now, days))
    }

    /// A row as a record; one without id is none.
    pub(super) fn record(
        &self,
        rules: &Rules,
        row: &dataverse::Row,
        now: Timestamp,
    ) -> Option<Record> {
        crate::recognise::plain_record(&rules.columns, self.table, &self.columns, row, now)
    }
}

/// The rows that were changed last at this time or later.
pub(super) fn changed_since(at: Timestamp) -> Filter {
    Filter::compare("modifiedon", Comparison::Ge, Literal::DateTime(at))
}

/// A time so many days earlier.
pub(super) fn days_before(now: Timestamp, days: u32) -> Timestamp {
    let length = SignedDuration::from_hours(24 * i64::from(days));
    now.checked_sub(length).unwrap_or(Timestamp::MIN)
}

/// The columns that recognition, display and mapping need, and that the organization has.
fn columns(table: Table, rules: &Rules) -> Vec<String> {
    let Rules {
        identification,
        fields,
        columns,
    } = rules;
    let mut needed: BTreeSet<String> = identify::columns_to_read(table, identification, fields)
        .into_iter()
        .collect();
    let mapped = fields.of(table).iter().map(|field| field.column.clone());
    needed.extend(mapped.chain(copies::parent_column(table).map(str::to_owned)));
    needed.retain(|column| column != table.key_column() && !columns.is_missing(table, column));
    needed.into_iter().collect()
}
