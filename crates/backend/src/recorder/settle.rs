//! How entries end, or go on later: noted together with what the activity says of it, in one transaction.

use std::time::Duration;

use integration::plan::Wish;
use jiff::{SignedDuration, Timestamp};
use store::{Change, Entry, NewLine, State};
use uuid::Uuid;

use super::Recorder;
use super::kept::{KeptPlan, Outcome, Read, Trouble, json, visitor};
use super::resolve::Resolved;
use super::send::Work;
use crate::problem::Problem;
use crate::view::WrittenHow;

/// After so many attempts what Dynamics fails at by itself is left to a person.
const MOST_ATTEMPTS: u32 = 10;

/// How an entry's way ended, for this time.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// It is written.
    Done(Outcome),
    /// It failed in a way that passes; the wait that was asked for.
    Again(Problem, Option<Duration>),
    /// Something that it is about is no longer there.
    Gone(Problem),
    /// A person must do something.
    Trouble(Problem),
    /// The person's id is somebody else's by now; only within a round.
    OtherPerson(Uuid),
}

/// What a change of an entry looks like.
struct Fate {
    state: State,
    due_at: Option<Timestamp>,
    outcome: Option<Outcome>,
    trouble: Option<Trouble>,
    lines: Vec<NewLine>,
    /// It is asked once more who the visitor is.
    is_planned_anew: bool,
}

impl Recorder {
    /// Keeps what was decided, before anything is sent. The answer are the entries that go out now, as they are kept.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn keep_decisions(
        &self,
        decided: Vec<(Read, Resolved)>,
    ) -> Result<Vec<(Read, KeptPlan)>, store::Error> {
        let now = self.now();
        let mut changes = Vec::with_capacity(decided.len());
        for (read, resolved) in &decided {
            let mut entry = read.entry.clone();
            let mut lines = Vec::new();
            entry.due_at = None;
            match resolved {
                Resolved::Plan(kept) => match json(kept) {
                    Ok(kept) => {
                        entry.plan = Some(kept);
                        entry.state = State::Sending;
                        entry.due_at = Some(now);
                    }
                    Err(problem) => self.trouble(&mut entry, read, problem.into(), &mut lines),
                },
                Resolved::Nothing(reason) => {
                    let outcome = Outcome {
                        nothing: Some(reason.clone()),
                        ..read.outcome.clone()
                    };
                    let had_records = !outcome.records.is_empty();
                    entry.state = if had_records {
                        State::Done
                    } else {
                        State::Nothing
                    };
                    entry.problem = None;
                    entry.outcome = json(&outcome).ok();
                    lines.push(self.line(read, "nothing", reason.clone()));
                }
                Resolved::Ask(candidates) => {
                    let trouble = Trouble {
                        problem: several_match(candidates.len()),
                        candidates: candidates.clone(),
                    };
                    self.trouble(&mut entry, read, trouble, &mut lines);
                }
                Resolved::Trouble(problem) => {
                    self.trouble(&mut entry, read, problem.clone().into(), &mut lines);
                }
            }
            changes.push(Change { entry, lines });
        }
        let changed = self.store().change_entries(&changes, now).await?;
        self.tell();
        let mut sending = Vec::new();
        for (((mut read, resolved), change), is_changed) in
            decided.into_iter().zip(changes).zip(changed)
        {
            // One that was changed meanwhile comes again.
            if let (Resolved::Plan(kept), true) = (resolved, is_changed) {
                read.entry = Entry {
                    revision: change.entry.revision + 1,
                    ..change.entry
                };
                sending.push((read, kept));
            }
        }
        Ok(sending)
    }

    /// Makes a plan that has changed durable before it is sent.
    pub(super) async fn keep_plan(&self, work: &mut Work) -> Result<(), Problem> {
        let mut entry = work.read.entry.clone();
        entry.plan = Some(json(&work.kept)?);
        let change = Change {
            entry: entry.clone(),
            lines: Vec::new(),
        };
        let changed = self
            .store()
            .change_entries(&[change], self.now())
            .await
            .map_err(|error| Problem::from_store(&error))?;
        if changed != [true] {
            // What is to be written has changed meanwhile: it is planned anew.
            return Err(Problem::new(
                "entry_changed",
                "The chat went on while it was written down.",
                "Retry it.",
            ));
        }
        entry.revision += 1;
        work.read.entry = entry;
        Ok(())
    }

    /// Notes how works ended.
    ///
    /// # Errors
    /// The store's: then nothing is noted, and the works go out again after the next start.
    pub(super) async fn settle(
        &self,
        works: Vec<Work>,
        wait: &mut (dyn FnMut(Option<Duration>) -> Duration + Send),
    ) -> Result<(), store::Error> {
        let now = self.now();
        let mut open: Vec<(Work, Fate)> = works
            .into_iter()
            .filter_map(|mut work| {
                let ended = work.ended.take()?;
                let fate = self.fate(&work, ended, wait);
                Some((work, fate))
            })
            .collect();
        // What has changed meanwhile is read again; what was written is noted in any case.
        while !open.is_empty() {
            let mut changes = Vec::with_capacity(open.len());
            for (work, fate) in &open {
                let mut entry = work.read.entry.clone();
                entry.state = fate.state;
                entry.due_at = fate.due_at;
                entry.attempts = match fate.state {
                    State::Done => 0,
                    State::Waiting
                    | State::Queued
                    | State::Sending
                    | State::Nothing
                    | State::Attention
                    | State::Discarded => entry.attempts.saturating_add(1),
                };
                if let Some(outcome) = &fate.outcome {
                    entry.outcome = json(outcome).ok();
                }
                entry.problem = fate.trouble.as_ref().and_then(|trouble| json(trouble).ok());
                if fate.is_planned_anew {
                    entry.plan = None;
                }
                // The chat went on while it was written down: what is new is written as well.
                if entry.revised > work.kept.revised && entry.state == State::Done {
                    entry.state = State::Queued;
                    entry.due_at = Some(now);
                }
                changes.push(Change {
                    entry,
                    lines: fate.lines.clone(),
                });
            }
            let changed = self.store().change_entries(&changes, now).await?;
            let mut again = Vec::new();
            for ((mut work, fate), is_changed) in open.into_iter().zip(changed) {
                if !is_changed && let Some(entry) = self.store().entry(work.read.entry.id).await? {
                    work.read.entry = entry;
                    again.push((work, fate));
                }
            }
            open = again;
        }
        self.tell();
        Ok(())
    }

    /// Puts entries back into the queue: something stopped all of them.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn put_back(
        &self,
        ids: &[Uuid],
        until: Timestamp,
        problem: &Problem,
    ) -> Result<(), store::Error> {
        let now = self.now();
        let trouble = json(&Trouble::from(problem.clone())).ok();
        for id in ids {
            loop {
                let Some(mut entry) = self.store().entry(*id).await? else {
                    break;
                };
                if entry.state.is_settled() {
                    break;
                }
                entry.state = State::Queued;
                entry.due_at = Some(until);
                entry.attempts = entry.attempts.saturating_add(1);
                entry.problem.clone_from(&trouble);
                let change = Change {
                    entry,
                    lines: Vec::new(),
                };
                if self.store().change_entries(&[change], now).await? == [true] {
                    break;
                }
            }
        }
        self.store()
            .postpone_entries(self.organization(), until, trouble.as_deref(), now)
            .await?;
        self.tell();
        Ok(())
    }

    fn fate(
        &self,
        work: &Work,
        ended: Ended,
        wait: &mut (dyn FnMut(Option<Duration>) -> Duration + Send),
    ) -> Fate {
        let now = self.now();
        let later = |wait: Duration| {
            SignedDuration::try_from(wait)
                .ok()
                .and_then(|wait| now.checked_add(wait).ok())
                .unwrap_or(now)
        };
        let read = &work.read;
        let needs_person = |problem: Problem| Fate {
            state: State::Attention,
            due_at: None,
            outcome: None,
            lines: vec![self.line(read, "attention", problem.message.clone())],
            trouble: Some(problem.into()),
            is_planned_anew: false,
        };
        let again = |problem: Problem, wait: Duration| Fate {
            state: State::Queued,
            due_at: Some(later(wait)),
            outcome: None,
            trouble: Some(problem.into()),
            lines: Vec::new(),
            is_planned_anew: false,
        };
        match ended {
            Ended::Done(outcome) => {
                let lines = self.written_lines(work, &outcome);
                Fate {
                    state: State::Done,
                    due_at: None,
                    outcome: Some(merged(&read.outcome, outcome, now)),
                    trouble: None,
                    lines,
                    is_planned_anew: false,
                }
            }
            Ended::Again(problem, _) if read.entry.attempts + 1 >= MOST_ATTEMPTS => {
                needs_person(problem)
            }
            Ended::Again(problem, asked) => again(problem, wait(asked)),
            // Who was found is no longer there: it is asked once more who the visitor is.
            Ended::Gone(problem) if asks_anew(read) && read.entry.attempts == 0 => Fate {
                is_planned_anew: true,
                ..again(problem, Duration::ZERO)
            },
            Ended::Gone(problem) | Ended::Trouble(problem) => needs_person(problem),
            Ended::OtherPerson(_) => needs_person(Problem::new(
                "plan_unfit",
                "The plan of this entry does not fit together.",
                "Discard it and write the chat down by hand.",
            )),
        }
    }

    fn trouble(&self, entry: &mut Entry, read: &Read, trouble: Trouble, lines: &mut Vec<NewLine>) {
        entry.state = State::Attention;
        entry.due_at = None;
        lines.push(self.line(read, "attention", trouble.problem.message.clone()));
        entry.problem = json(&trouble).ok();
    }

    fn written_lines(&self, work: &Work, outcome: &Outcome) -> Vec<NewLine> {
        let written = outcome.records.iter().filter_map(|record| {
            let what = match record.done {
                WrittenHow::Created => "created",
                WrittenHow::Updated => "updated",
                WrittenHow::Existed => "existed",
                WrittenHow::Planned
                | WrittenHow::Unchanged
                | WrittenHow::Deleted
                | WrittenHow::Deactivated => return None,
            };
            let mut line = self.line(&work.read, what, work.kept.why.clone());
            line.table = Some(record.table.clone());
            line.record_id = Some(record.id);
            line.record = Some(record.name.clone());
            Some(line)
        });
        let unfit = work.kept.plan.unfit.iter().map(|unfit| {
            let said = format!("{}.{}: {}", unfit.table, unfit.column, unfit.rule);
            self.line(&work.read, "notice", said)
        });
        written.chain(unfit).collect()
    }

    /// A line of the activity about an entry.
    pub(super) fn line(&self, read: &Read, what: &str, detail: String) -> NewLine {
        let conversation = &read.intent.conversation;
        let by = match &read.intent.wish {
            Wish::Automatic { .. } => String::new(),
            Wish::Create { .. } | Wish::AddToCase { .. } => conversation
                .agent
                .as_ref()
                .map(|agent| agent.name.clone())
                .unwrap_or_default(),
        };
        NewLine {
            organization: self.organization().to_owned(),
            at: self.now(),
            what: what.to_owned(),
            visitor: visitor(conversation),
            detail,
            by,
            chat: Some(read.entry.subject.clone()),
            entry: Some(read.entry.id),
            ..NewLine::default()
        }
    }
}

/// Whether the entry can find somebody else.
fn asks_anew(read: &Read) -> bool {
    matches!(read.intent.wish, Wish::Automatic { chosen: None, .. })
}

/// What was created for this entry before stays created by it.
fn merged(before: &Outcome, mut now: Outcome, at: Timestamp) -> Outcome {
    now.at = Some(at);
    let created_now = now
        .records
        .iter()
        .any(|record| record.done == WrittenHow::Created);
    for record in &mut now.records {
        let was_created = before
            .records
            .iter()
            .any(|former| former.id == record.id && former.done == WrittenHow::Created);
        if was_created {
            record.done = WrittenHow::Created;
        }
    }
    if !created_now && before.at.is_some() {
        now.at = before.at;
    }
    now
}

fn several_match(count: usize) -> Problem {
    Problem::new(
        "several_people_match",
        format!("{count} people in Dynamics 365 match this visitor."),
        "Choose the right one, or have a new one created.",
    )
}
