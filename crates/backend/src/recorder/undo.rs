//! Takes back what was just created.

use dataverse::{Client, Condition, Error, RecordBody, Reference, Write};
use jiff::{SignedDuration, Timestamp};
use store::State;
use uuid::Uuid;

use super::Recorder;
use super::commands::not_now;
use super::kept::{Outcome, Read, Written, json};
use super::trouble::in_its_own_words;
use crate::problem::Problem;
use crate::view::{EntryView, WrittenHow};

/// How long a creation can be undone.
pub(super) const UNDO_TIME: SignedDuration = SignedDuration::from_mins(1);

/// What was made of a record.
enum Taken {
    Deleted,
    Deactivated,
    /// Somebody has changed it since.
    Touched,
}

impl Recorder {
    /// Undoes an entry: one that waits is withdrawn; what one has created within the last minute, and nobody has touched
    /// since, is deleted, or where that is not allowed cancelled or deactivated.
    ///
    /// # Errors
    /// `undo_too_late`, `undo_touched`, or what Dynamics says.
    pub(crate) async fn undo(&self, id: Uuid) -> Result<EntryView, Problem> {
        let read = self.read_entry(id).await?;
        match read.entry.state {
            State::Waiting | State::Queued | State::Attention => {
                return self
                    .change(id, |read| {
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
                            "undone",
                            "It was withdrawn before it was sent.".to_owned(),
                        )])
                    })
                    .await;
            }
            State::Done => {}
            State::Sending | State::Nothing | State::Discarded => {
                return Err(not_now(read.entry.state));
            }
        }
        if until(&read).is_none_or(|until| self.now() >= until) {
            return Err(Problem::new(
                "undo_too_late",
                "This can be undone for one minute only.",
                "Change or delete the record in Dynamics 365.",
            ));
        }
        let client = self.client()?;
        let mut outcome = read.outcome.clone();
        let mut touched = Vec::new();
        let mut failed = None;
        // What refers to the person goes before the person.
        for record in outcome.records.iter_mut().rev() {
            if record.done != WrittenHow::Created {
                continue;
            }
            match self.take_back(&client, record).await {
                Ok(Taken::Deleted) => record.done = WrittenHow::Deleted,
                Ok(Taken::Deactivated) => record.done = WrittenHow::Deactivated,
                Ok(Taken::Touched) => touched.push(record.name.clone()),
                Err(error) => {
                    failed = Some(in_its_own_words(&error, self.now()));
                    break;
                }
            }
        }
        let view = self.keep_undone(id, &outcome).await?;
        if let Some(problem) = failed {
            return Err(problem);
        }
        if !touched.is_empty() {
            return Err(Problem::new(
                "undo_touched",
                format!(
                    "Somebody has changed this in Dynamics 365 since, so it was left as it is: {}.",
                    touched.join(", ")
                ),
                "Change or delete it in Dynamics 365.",
            ));
        }
        Ok(view)
    }

    /// Notes what was taken back. What was not stays in the entry.
    async fn keep_undone(&self, id: Uuid, outcome: &Outcome) -> Result<EntryView, Problem> {
        let kept = json(outcome)?;
        self.change(id, |read| {
            let mut lines = Vec::new();
            for record in &outcome.records {
                let how = match record.done {
                    WrittenHow::Deleted => "It was deleted.",
                    WrittenHow::Deactivated => {
                        "It was cancelled or deactivated, since the role does not allow to delete it."
                    }
                    WrittenHow::Planned
                    | WrittenHow::Created
                    | WrittenHow::Existed
                    | WrittenHow::Updated
                    | WrittenHow::Unchanged => continue,
                };
                let mut line = self.line(read, "undone", how.to_owned());
                line.table = Some(record.table.clone());
                line.record_id = Some(record.id);
                line.record = Some(record.name.clone());
                lines.push(line);
            }
            let is_undone = outcome
                .records
                .iter()
                .all(|record| record.done != WrittenHow::Created);
            if is_undone {
                read.entry.state = State::Discarded;
                read.entry.due_at = None;
            }
            read.entry.outcome = Some(kept.clone());
            Ok(lines)
        })
        .await
    }

    async fn take_back(&self, client: &Client, record: &mut Written) -> Result<Taken, Error> {
        let set = match self
            .schema()
            .as_deref()
            .and_then(|schema| schema.table(&record.table)?.entity_set.clone())
        {
            Some(set) => set,
            None => format!("{}s", record.table),
        };
        let Some(etag) = record.etag.clone() else {
            return Ok(Taken::Touched);
        };
        let reference = Reference::record(set.as_str(), record.id);
        let delete = Write::delete(reference.clone()).on(Condition::IfUnchanged(etag.clone()));
        match client.write(&delete).await {
            Ok(_) | Err(Error::NotFound(_)) => return Ok(Taken::Deleted),
            Err(Error::RecordChanged(_) | Error::PreconditionFailed(_)) => {
                return Ok(Taken::Touched);
            }
            Err(
                Error::MissingPrivilege { .. } | Error::NoAccessToRecord(_) | Error::Forbidden(_),
            ) => {}
            Err(error) => return Err(error),
        }
        let Some((state, status)) = ended_state(&record.table) else {
            return Ok(Taken::Touched);
        };
        let body = RecordBody::new()
            .set("statecode", state)
            .set("statuscode", status);
        match client
            .write(&Write::update(reference, body).if_unchanged(etag))
            .await
        {
            Ok(_) => Ok(Taken::Deactivated),
            Err(Error::RecordChanged(_) | Error::PreconditionFailed(_)) => Ok(Taken::Touched),
            Err(error) => Err(error),
        }
    }
}

/// State and reason with which a record is out of the way (protocol page `entities.md`): cancelled for a case and a task,
/// inactive for a contact, disqualified as cancelled for a lead.
fn ended_state(table: &str) -> Option<(i64, i64)> {
    match table {
        "incident" => Some((2, 6)),
        "task" => Some((2, 6)),
        "contact" => Some((1, 2)),
        "lead" => Some((2, 7)),
        _ => None,
    }
}

/// Until when a creation can be undone; none if there is none.
pub(super) fn until(read: &Read) -> Option<Timestamp> {
    let has_created = read
        .outcome
        .records
        .iter()
        .any(|record| record.done == WrittenHow::Created);
    if !has_created || read.entry.state != State::Done {
        return None;
    }
    read.outcome.at?.checked_add(UNDO_TIME).ok()
}
