//! The recognition of one visitor as it grows: what was known, what Dynamics says, what agents say about it.

use std::collections::BTreeMap;

use integration::{Match, Outcome, Reason, Recognition, Record, Table};
use tokio::task::AbortHandle;

use super::Controller;
use crate::links::{Linked, Whose};
use crate::problem::Problem;
use crate::view::{ConnectionState, RecognitionState, ValueSource};

/// The recognition of one visitor.
#[derive(Default)]
pub(super) struct Lookup {
    /// Rises with every visitor and every new attempt.
    pub(super) number: u64,
    pub(super) state: RecognitionState,
    /// What is shown.
    pub(super) recognition: Recognition,
    /// What was known before Dynamics answered.
    pub(super) known: BTreeMap<Table, Outcome>,
    /// Why Dynamics gave no answer, by table.
    pub(super) refused: BTreeMap<Table, Problem>,
    /// What Dynamics found.
    pub(super) live: BTreeMap<Table, Outcome>,
    /// What agents have linked.
    pub(super) links: BTreeMap<Table, Linked>,
    /// What the agent chose for this chat among what was found.
    pub(super) chosen: BTreeMap<Table, String>,
    /// Open cases that may belong to whom the rules find.
    pub(super) open_cases: Vec<Record>,
    pub(super) problem: Option<Problem>,
    /// A refusal that is about Dynamics as a whole, not about one table.
    pub(super) lost: Option<ConnectionState>,
    pub(super) task: Option<AbortHandle>,
}

impl Lookup {
    /// Begins a new attempt for the same visitor: what is shown stays.
    pub(super) fn begin_again(&mut self) {
        self.number += 1;
        self.refused.clear();
        self.known.extend(std::mem::take(&mut self.live));
        for linked in self.links.values_mut() {
            linked.is_live = false;
        }
        self.problem = None;
        self.lost = None;
    }

    /// Takes over what was known before, where nothing better is there.
    pub(super) fn take_known(&mut self, recognition: &Recognition) {
        for table in Table::RECOGNISED {
            let is_better = |known: &Outcome| known.matched.is_some();
            if !self.known.get(&table).is_some_and(is_better)
                && let Some(outcome) = recognition.of(table)
            {
                self.known.insert(table, outcome.clone());
            }
        }
        self.show();
    }

    /// Shows what is known by now: of each table what Dynamics says, else what was known; before it what was linked, and
    /// before that what the agent chose.
    pub(super) fn show(&mut self) {
        let mut shown = Recognition::default();
        for table in Table::RECOGNISED {
            // Which account the shown contact belongs to stands in the contact.
            let follows = |found: &Outcome| {
                let is_contacts = found
                    .matched
                    .as_ref()
                    .is_some_and(Match::is_account_of_contact);
                is_contacts && shown.contact.matched.is_some()
            };
            let mut outcome = self.found(table).filter(|found| !follows(found)).cloned();
            if let Some(linked) = self.links.get(&table) {
                linked.put_into(outcome.get_or_insert_default());
            }
            let Some(mut outcome) = outcome else { continue };
            if let Some(chosen) = self.chosen.get(&table) {
                outcome.choose(chosen);
            }
            shown.set(table, outcome);
        }
        self.recognition = shown;
    }

    /// What the rules find in a table.
    fn found(&self, table: Table) -> Option<&Outcome> {
        let known = || {
            let known = self.known.get(&table);
            known.filter(|outcome| !self.contradicts(outcome))
        };
        self.live.get(&table).or_else(known)
    }

    /// Whether this is an account that the contact belonged to, and Dynamics has said anew what it belongs to.
    fn contradicts(&self, known: &Outcome) -> bool {
        self.live.contains_key(&Table::Contact)
            && known
                .matched
                .as_ref()
                .is_some_and(Match::is_account_of_contact)
    }

    /// What the next visitor of the same evidence is shown first: what Dynamics found, not what agents say about it; and for
    /// the tables that it gave no answer for, what was known before.
    pub(super) fn to_be_cached(&self) -> Recognition {
        let mut answer = Recognition::default();
        for table in Table::RECOGNISED {
            if let Some(outcome) = self.found(table) {
                answer.set(table, outcome.clone());
            }
        }
        answer
    }

    /// The linked records that Dynamics has just given.
    pub(super) fn linked_live(&self) -> Vec<Record> {
        let live = self.links.values().filter(|linked| linked.is_live);
        live.map(|linked| linked.record.clone()).collect()
    }

    /// Where what is shown of a table comes from.
    pub(super) fn source(&self, table: Table) -> ValueSource {
        let shown = self
            .recognition
            .of(table)
            .and_then(|outcome| outcome.matched.as_ref());
        let is_linked = shown.is_some_and(|shown| matches!(shown.reason, Reason::Linked { .. }));
        let is_live = match self.links.get(&table) {
            Some(linked) if is_linked => linked.is_live,
            Some(_) | None => self.live.contains_key(&table),
        };
        if is_live {
            ValueSource::Live
        } else {
            ValueSource::Cache
        }
    }
}

impl Controller {
    pub(super) fn take_links(&mut self, linked: Vec<Linked>) {
        if !linked.is_empty() && self.lookup.state == RecognitionState::Unidentifiable {
            self.lookup.state = RecognitionState::Looking;
        }
        self.lookup.links = linked
            .into_iter()
            .map(|linked| (linked.record.table, linked))
            .collect();
        self.lookup.show();
    }

    pub(super) fn take_linked(&mut self, table: Table, record: Option<Box<Record>>) {
        match (record, self.lookup.links.get_mut(&table)) {
            (Some(record), Some(linked)) => {
                linked.record = *record;
                linked.is_live = true;
            }
            (None, Some(_)) => {
                self.lookup.links.remove(&table);
                let gone = Problem::new(
                    "linked_record_gone",
                    "The record that was linked to this visitor is not in Dynamics 365 any more, or you may not read it.",
                    "Search for the right record and link that one.",
                );
                self.lookup.refused.insert(table, gone);
            }
            (_, None) => {}
        }
        self.lookup.show();
    }

    /// Shows what was linked, if it was for the visitor who is shown, and asks Dynamics about it.
    pub(super) fn linked(&mut self, whose: &Whose, linked: Linked) {
        if !self.is_about_the_shown(whose) {
            return;
        }
        let table = linked.record.table;
        self.lookup.chosen.remove(&table);
        self.lookup.links.insert(table, linked);
        self.lookup.show();
        self.look_up_again();
    }

    /// Shows what the rules find again.
    pub(super) fn unlinked(&mut self, whose: &Whose, table: Table) {
        if !self.is_about_the_shown(whose) {
            return;
        }
        self.lookup.links.remove(&table);
        self.lookup.show();
        if self.evidence().is_empty() && self.lookup.links.is_empty() {
            self.start_lookup();
        }
    }

    fn is_about_the_shown(&self, whose: &Whose) -> bool {
        let shown = self.conversation.as_ref();
        shown.is_some_and(|shown| self.parts.links.whose(shown) == *whose)
    }
}
