//! What a person does with entries of the outbox.

use std::collections::BTreeMap;

use comm100::Conversation;
use integration::fit::fit;
use integration::plan::{Chosen, RecordPlan, Wish};
use integration::{Columns, Table};
use store::{Change, Entry, NewLine, State};
use uuid::Uuid;

use super::kept::{Read, json};
use super::run::LONGEST_SLEEP;
use super::{Recorder, locked};
use crate::data::{LocalData, Whom};
use crate::problem::Problem;
use crate::view::{EntryView, Receipt};

/// How many entries of each kind the list has.
const MOST_LISTED: u32 = 200;

impl Recorder {
    /// The entries: first those that need a person, then those that wait, then those that ended last.
    pub(crate) async fn outbox(&self) -> Result<Vec<EntryView>, Problem> {
        let entries = self.stored(self.store().entries(self.organization(), MOST_LISTED).await)?;
        Ok(entries
            .into_iter()
            .map(|entry| self.entry_view(entry))
            .collect())
    }

    /// An entry as it is now.
    pub(crate) async fn entry(&self, id: Uuid) -> Result<EntryView, Problem> {
        Ok(self.entry_view(self.read_entry(id).await?.entry))
    }

    /// Waits until nothing happens to an entry any more by itself: it is written, needs a person, or was discarded. What
    /// pauses the outbox until somebody has done something is an error.
    pub(crate) async fn settled(&self, id: Uuid) -> Result<EntryView, Problem> {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let entry = self.read_entry(id).await?.entry;
            if entry.state.is_settled() {
                return Ok(self.entry_view(entry));
            }
            let pause = self.0.paused.borrow().clone();
            if let Some(problem) = pause {
                return Err(problem);
            }
            // Another process may change it as well, and does not tell.
            let change = tokio::time::timeout(LONGEST_SLEEP, changes.changed());
            if let Ok(Err(_)) = change.await {
                return Err(crate::controller::stopping());
            }
        }
    }

    /// Sends an entry now; with `values` (by `table.column`, as the form has them) instead of those that did not go.
    pub(crate) async fn retry(
        &self,
        id: Uuid,
        values: &BTreeMap<String, String>,
    ) -> Result<EntryView, Problem> {
        let columns = self.rules().columns.clone();
        let view = self
            .change(id, |read| {
                match read.entry.state {
                    State::Waiting | State::Queued | State::Attention => {}
                    State::Sending | State::Done | State::Nothing | State::Discarded => {
                        return Err(not_now(read.entry.state));
                    }
                }
                if !values.is_empty() {
                    let mut kept = read.plan.clone().ok_or_else(|| {
                        Problem::new(
                            "entry_not_planned",
                            "It is not known yet what will be written, so no value can be corrected.",
                            "Retry it as it is.",
                        )
                    })?;
                    correct(&mut kept.plan, &columns, values)?;
                    kept.revised = read.entry.revised;
                    read.entry.plan = Some(json(&kept)?);
                }
                read.entry.state = State::Queued;
                read.entry.due_at = Some(self.now());
                read.entry.attempts = 0;
                read.entry.problem = None;
                Ok(vec![self.line(read, "queued", "Asked for again.".to_owned())])
            })
            .await?;
        if self.is_paused() {
            self.resume().await;
        }
        Ok(view)
    }

    /// Leaves an entry unwritten.
    pub(crate) async fn discard(&self, id: Uuid) -> Result<EntryView, Problem> {
        self.change(id, |read| {
            match read.entry.state {
                State::Waiting | State::Queued | State::Attention => {}
                State::Sending | State::Done | State::Nothing | State::Discarded => {
                    return Err(not_now(read.entry.state));
                }
            }
            read.entry.state = State::Discarded;
            read.entry.due_at = None;
            Ok(vec![self.line(
                read,
                "discarded",
                "Nothing is written.".to_owned(),
            )])
        })
        .await
    }

    /// Says who is meant, where several match: one of them, or a new one.
    pub(crate) async fn choose_person(
        &self,
        id: Uuid,
        person: Option<Uuid>,
    ) -> Result<EntryView, Problem> {
        self.change(id, |read| {
            let candidates = read
                .trouble
                .as_ref()
                .map(|trouble| trouble.candidates.as_slice())
                .unwrap_or_default();
            let is_candidate = |person: Uuid| {
                candidates
                    .iter()
                    .any(|candidate| candidate.id.parse() == Ok(person))
            };
            let picked = match person {
                None => Chosen::New,
                Some(id) if is_candidate(id) => Chosen::Existing { id },
                Some(_) => {
                    return Err(Problem::new(
                        "candidate_gone",
                        "This person is not among those to choose from.",
                        "Look at the entry again.",
                    ));
                }
            };
            if read.entry.state != State::Attention || candidates.is_empty() {
                return Err(not_now(read.entry.state));
            }
            let Wish::Automatic { chosen, .. } = &mut read.intent.wish else {
                return Err(not_now(read.entry.state));
            };
            *chosen = Some(picked);
            read.entry.intent = json(&read.intent)?;
            read.entry.plan = None;
            read.entry.state = State::Queued;
            read.entry.due_at = Some(self.now());
            read.entry.attempts = 0;
            read.entry.problem = None;
            Ok(vec![self.line(
                read,
                "queued",
                "A person was chosen.".to_owned(),
            )])
        })
        .await
    }

    /// Erases a person, while nobody changes entries.
    pub(crate) async fn forget(
        &self,
        data: &LocalData,
        whom: &Whom,
        discard_unsent: bool,
    ) -> Result<Receipt, Problem> {
        let _desk = self.0.desk.lock().await;
        let receipt = data.forget(whom, discard_unsent).await?;
        locked(&self.0.conversations).forget(|conversation| is_about(conversation, whom));
        self.tell();
        Ok(receipt)
    }

    /// Changes an entry, unless somebody else does at the same time: then it is read again.
    pub(super) async fn change(
        &self,
        id: Uuid,
        change: impl Fn(&mut Read) -> Result<Vec<NewLine>, Problem>,
    ) -> Result<EntryView, Problem> {
        let _desk = self.0.desk.lock().await;
        loop {
            let mut read = self.read_entry(id).await?;
            let lines = change(&mut read)?;
            let changed = Change {
                entry: read.entry.clone(),
                lines,
            };
            let done = self.store().change_entries(&[changed], self.now()).await;
            if self.stored(done)? == [true] {
                self.tell();
                let entry = Entry {
                    revision: read.entry.revision + 1,
                    ..read.entry
                };
                return Ok(self.entry_view(entry));
            }
        }
    }
}

/// Whether a conversation is with a person or names them.
pub(crate) fn is_about(conversation: &Conversation, whom: &Whom) -> bool {
    // What has no JSON form is in no file either.
    serde_json::to_string(conversation).is_ok_and(|text| whom.is_named_in(&text))
}

/// Puts corrected values into the plan.
fn correct(
    plan: &mut RecordPlan,
    columns: &Columns,
    values: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    for (key, text) in values {
        let unknown = || {
            Problem::new(
                "value_unknown",
                format!("The entry has no value {key} that could be corrected."),
                "Look at the entry again.",
            )
        };
        let (name, column) = key.split_once('.').ok_or_else(unknown)?;
        let table = Table::from_logical_name(name).ok_or_else(unknown)?;
        let step = plan
            .steps
            .iter_mut()
            .find(|step| step.table == name)
            .ok_or_else(unknown)?;
        if text.trim().is_empty() {
            step.values.remove(column);
            continue;
        }
        let fitted = fit(columns, table, column, text).map_err(|unfit| {
            Problem::new(
                "value_unfit",
                format!("{}: {}", columns.label(table, column), unfit.rule),
                "Correct the value.",
            )
        })?;
        step.values.insert(column.to_owned(), fitted.planned);
        plan.unfit
            .retain(|unfit| unfit.table != name || unfit.column != column);
        plan.unfit.extend(fitted.notice);
    }
    Ok(())
}

pub(super) fn not_now(state: State) -> Problem {
    let (message, next_step) = match state {
        State::Sending => ("This entry is on its way.", "Wait a moment."),
        State::Done => (
            "This entry is written already.",
            "Look at the outbox again.",
        ),
        State::Nothing => (
            "There was nothing to write for this entry.",
            "Look at the outbox again.",
        ),
        State::Discarded => ("This entry was discarded.", "Write the chat down by hand."),
        State::Waiting | State::Queued | State::Attention => (
            "This cannot be done with the entry now.",
            "Look at the outbox again.",
        ),
    };
    Problem::new("entry_not_changeable", message, next_step)
}
