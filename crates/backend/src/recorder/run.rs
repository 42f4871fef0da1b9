//! The one task that takes due entries and brings them to Dynamics.

use std::time::Duration;

use dataverse::Error;
use jiff::{SignedDuration, Timestamp};
use store::{Change, State};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::Recorder;
use super::kept::{Read, Trouble, json};
use super::pace::Pace;
use super::resolve::Resolved;
use super::send::Work;
use super::trouble::{Verdict, verdict};
use crate::problem::Problem;
use crate::schema;

/// How many entries go out together at most, and at least after time-outs.
const MOST_ENTRIES: u32 = 250;
const LEAST_ENTRIES: u32 = 10;
/// The longest wait before the outbox is looked at again: another process may have put something in, and the computer's
/// clock may have been set.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// How long is waited after the store could not be written.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How long the organization's tables may take to become known before they are asked for here.
const SCHEMA_PATIENCE: Duration = Duration::from_secs(5);

/// What stopped a round.
enum Stop {
    /// It passes.
    Again(Box<Error>, Option<Duration>),
    /// A person must do something about the connection.
    Pause(Box<Error>),
    /// The store could not be read or written.
    Store(store::Error),
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Stop::Store(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match verdict(&error) {
            Verdict::Pause => Stop::Pause(Box::new(error)),
            Verdict::Again(wait) => Stop::Again(Box::new(error), wait),
            Verdict::Person => Stop::Again(Box::new(error), None),
        }
    }
}

/// Runs until `stop`. What is on its way then is queued again at the next start.
pub(crate) async fn run(recorder: Recorder, stop: CancellationToken) {
    if recorder.organization().is_empty() {
        return;
    }
    match recorder
        .store()
        .requeue_entries(recorder.organization(), recorder.now())
        .await
    {
        Ok(0) => {}
        Ok(entries) => info!(entries, "entries that were on their way are queued again"),
        Err(error) => warn!(error.code = error.code(), %error, "the outbox cannot be read"),
    }
    recorder.tell();
    let mut task = Task {
        pace: Pace::new(recorder.parts().jitter),
        entry_pace: Pace::new(recorder.parts().jitter),
        most: MOST_ENTRIES,
        recorder,
    };
    loop {
        let turn = async {
            let wait = task.turn().await;
            tokio::select! {
                () = task.recorder.0.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = turn => {}
        }
    }
}

struct Task {
    recorder: Recorder,
    /// The waits for what stops everything.
    pace: Pace,
    /// The waits for what stops one entry.
    entry_pace: Pace,
    most: u32,
}

impl Task {
    /// Takes what is due; the answer is how long there is nothing to do unless somebody says so.
    async fn turn(&mut self) -> Duration {
        let recorder = self.recorder.clone();
        if recorder.is_paused() || recorder.parts().client.is_err() {
            return Duration::MAX;
        }
        let due = recorder
            .store()
            .due_entries(recorder.organization(), recorder.now(), self.most)
            .await;
        let due = match due {
            Ok(due) => due,
            Err(error) => return store_failed(&error),
        };
        if due.is_empty() {
            let next = recorder.store().next_due(recorder.organization()).await;
            return match next {
                Ok(next) => until(recorder.now(), next),
                Err(error) => store_failed(&error),
            };
        }
        let ids: Vec<Uuid> = due.iter().map(|entry| entry.id).collect();
        match self.round(due).await {
            Ok(()) => {
                self.pace.relax();
                self.most = self.most.saturating_mul(2).min(MOST_ENTRIES);
                Duration::ZERO
            }
            Err(Stop::Store(error)) => store_failed(&error),
            Err(Stop::Pause(error)) => {
                let problem = Problem::from_dataverse(&error, recorder.now());
                warn!(error.code = problem.code, error.chain = %error, "nothing is written down until somebody has done something");
                // They go on as soon as it is tried again.
                let now = recorder.now();
                if let Err(error) = recorder.put_back(&ids, now, &problem).await {
                    store_failed(&error);
                }
                recorder.0.paused.send_replace(Some(problem));
                recorder.doubt_connection();
                recorder.tell();
                Duration::MAX
            }
            Err(Stop::Again(error, asked)) => {
                if matches!(*error, Error::TimedOut { .. }) {
                    // It may have been more than the other side does in time.
                    self.most = (self.most / 2).max(LEAST_ENTRIES);
                }
                let problem = Problem::from_dataverse(&error, recorder.now());
                let wait = self.pace.wait(asked);
                warn!(error.code = problem.code, error.chain = %error, wait = ?wait, "entries wait in the outbox");
                let until = later(recorder.now(), wait);
                *super::locked(&recorder.0.held_until) = asked.map(|_| until);
                if error.is_offline() {
                    recorder.doubt_connection();
                }
                match recorder.put_back(&ids, until, &problem).await {
                    Ok(()) => Duration::ZERO,
                    Err(error) => store_failed(&error),
                }
            }
        }
    }

    async fn round(&mut self, due: Vec<store::Entry>) -> Result<(), Stop> {
        let recorder = self.recorder.clone();
        let Ok(client) = recorder.client() else {
            return Ok(());
        };
        let mut reads = Vec::with_capacity(due.len());
        for entry in due {
            match Read::of(entry.clone()) {
                Ok(read) => reads.push(read),
                Err(problem) => set_aside(&recorder, entry, problem).await?,
            }
        }
        let is_asked = reads
            .iter()
            .any(|read| read.intent.cause == integration::plan::Cause::Button);
        let client = if is_asked {
            client
        } else {
            client.background()
        };
        let schema = self.schema(&client).await?;
        let (planned, open): (Vec<Read>, Vec<Read>) = reads
            .into_iter()
            .partition(|read| read.present_plan().is_some());
        let resolved = recorder
            .resolve(&client, &schema, &open.iter().collect::<Vec<_>>())
            .await?;
        let mut decided: Vec<(Read, Resolved)> = open.into_iter().zip(resolved).collect();
        for read in planned {
            if let Some(kept) = read.present_plan().cloned() {
                decided.push((read, Resolved::Plan(kept)));
            }
        }
        let sending = recorder.keep_decisions(decided).await?;
        let mut works: Vec<Work> = sending
            .into_iter()
            .map(|(read, kept)| Work::new(read, kept))
            .collect();
        let sent = recorder.send(&client, &schema, &mut works).await;
        let pace = &mut self.entry_pace;
        recorder
            .settle(works, &mut |asked| pace.wait(asked))
            .await?;
        sent?;
        self.entry_pace.relax();
        Ok(())
    }

    /// What the organization's tables look like: without it no lookup can be written.
    async fn schema(
        &self,
        client: &dataverse::Client,
    ) -> Result<std::sync::Arc<dataverse::metadata::Schema>, Stop> {
        let mut known = self.recorder.parts().schema.clone();
        let wait = known.wait_for(Option::is_some);
        if let Ok(Ok(schema)) = tokio::time::timeout(SCHEMA_PATIENCE, wait).await
            && let Some(schema) = &*schema
        {
            return Ok(std::sync::Arc::clone(schema));
        }
        Ok(std::sync::Arc::new(schema::read(client).await?))
    }
}

/// An entry that cannot be read is left to a person.
async fn set_aside(
    recorder: &Recorder,
    mut entry: store::Entry,
    problem: Problem,
) -> Result<(), store::Error> {
    entry.state = State::Attention;
    entry.due_at = None;
    entry.problem = json(&Trouble::from(problem)).ok();
    let change = Change {
        entry,
        lines: Vec::new(),
    };
    recorder
        .store()
        .change_entries(&[change], recorder.now())
        .await?;
    recorder.tell();
    Ok(())
}

fn store_failed(error: &store::Error) -> Duration {
    error!(error.code = error.code(), %error, "the outbox cannot be read or written");
    STORE_PAUSE
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok())
        .unwrap_or(now)
}

fn until(now: Timestamp, next: Option<Timestamp>) -> Duration {
    next.and_then(|next| Duration::try_from(next.duration_since(now)).ok())
        .unwrap_or(LONGEST_SLEEP)
        .min(LONGEST_SLEEP)
}
