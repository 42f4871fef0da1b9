//! Writes chats down: an entry of the outbox is durable before anybody is told, and goes out by itself.
//!
//! - [`intake`] makes entries of what the consoles tell; [`commands`] of what an agent asks for.
//! - [`run`] is the one task that takes due entries: [`resolve`] asks who the visitor is and has `integration` decide what is
//!   written, [`send`] sends the plans, [`settle`] notes how it ended, in one transaction with the activity.
//! - [`undo`] takes back what was just created; [`show`] is what the page sees of all this.
//!
//! Nothing is sent before its plan is durable, and every id is computed, so that whatever is repeated ends in the same one
//! record.

mod commands;
mod conversations;
mod forms;
mod intake;
mod kept;
mod pace;
mod resolve;
mod run;
mod send;
mod settle;
mod show;
mod trouble;
mod undo;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataverse::Client;
use dataverse::metadata::Schema;
use integration::recording::{Action, Mode, Recording};
use integration::{DisplaySettings, Identification};
use store::Store;
use tokio::sync::{Notify, OnceCell, watch};
use uuid::Uuid;

use crate::clock::Clock;
use crate::problem::Problem;
use crate::recognise::Rules;
use crate::schema;

use conversations::Conversations;

pub(crate) use commands::is_about;
pub(crate) use forms::{Current, detail, id, no_chat};
pub(crate) use intake::subject;
pub(crate) use kept::{field, visitor, visitor_of_intent};
pub use pace::Jitter;
pub(crate) use pace::Pace;
pub(crate) use run::run;
pub(crate) use show::BUTTONS;

/// What the recorder works with.
#[derive(Debug)]
pub(crate) struct RecorderParts {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Jitter,
    /// The organization that entries are for: where it is, as text. Empty if it is not known.
    pub(crate) organization: String,
    pub(crate) client: Result<Client, Problem>,
    pub(crate) identification: Identification,
    pub(crate) fields: DisplaySettings,
    pub(crate) recording: Recording,
    pub(crate) schema: watch::Receiver<Option<Arc<Schema>>>,
}

/// The way to the recorder. Clones share it.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

/// The tables that the rules were made for, and the rules.
type RulesOfSchema = (Option<Arc<Schema>>, Arc<Rules>);

#[derive(Debug)]
struct Inner {
    parts: RecorderParts,
    /// Rises with every change of the outbox.
    changed: watch::Sender<u64>,
    /// There may be something to do.
    wake: Notify,
    /// Why nothing is sent until a person has done something.
    paused: watch::Sender<Option<Problem>>,
    /// Rises when what was sent gives reason to doubt the connection.
    doubts: watch::Sender<u64>,
    /// Until when Dynamics asked to wait.
    held_until: Mutex<Option<jiff::Timestamp>>,
    /// Chats as they are known from the consoles' events.
    conversations: Mutex<Conversations>,
    /// Changes of entries by events and by people come one after the other.
    desk: tokio::sync::Mutex<()>,
    rules: Mutex<Option<RulesOfSchema>>,
    organization_id: OnceCell<Uuid>,
    /// Records that were shown to a person, so that their pages may be opened.
    shown: Mutex<BTreeSet<(String, Uuid)>>,
}

/// How many shown records are remembered.
const MOST_SHOWN: usize = 20_000;

impl Recorder {
    pub(crate) fn new(parts: RecorderParts) -> Recorder {
        Recorder(Arc::new(Inner {
            parts,
            changed: watch::Sender::new(0),
            wake: Notify::new(),
            paused: watch::Sender::new(None),
            doubts: watch::Sender::new(0),
            held_until: Mutex::default(),
            conversations: Mutex::default(),
            desk: tokio::sync::Mutex::new(()),
            rules: Mutex::new(None),
            organization_id: OnceCell::new(),
            shown: Mutex::default(),
        }))
    }

    /// Goes on with the chats that an earlier recorder knows.
    pub(crate) fn take_conversations_of(&self, before: &Recorder) {
        *locked(&self.0.conversations) = std::mem::take(&mut *locked(&before.0.conversations));
    }

    fn parts(&self) -> &RecorderParts {
        &self.0.parts
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.parts.store
    }

    pub(crate) fn organization(&self) -> &str {
        &self.0.parts.organization
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.0.parts.clock.now()
    }

    /// The client, or why there is none.
    pub(crate) fn client(&self) -> Result<Client, Problem> {
        self.0.parts.client.clone()
    }

    fn schema(&self) -> Option<Arc<Schema>> {
        self.0.parts.schema.borrow().clone()
    }

    /// What visitors are recognised by, with the columns as they are known now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        let schema = self.schema();
        let mut known = locked(&self.0.rules);
        if let Some((of, rules)) = &*known
            && same(of.as_ref(), schema.as_ref())
        {
            return Arc::clone(rules);
        }
        let rules = Arc::new(Rules {
            identification: self.0.parts.identification.clone(),
            fields: self.0.parts.fields.clone(),
            columns: schema.as_deref().map(schema::columns).unwrap_or_default(),
        });
        *known = Some((schema, Arc::clone(&rules)));
        rules
    }

    /// Whether chats are written down by themselves.
    pub(crate) fn is_automatic(&self) -> bool {
        let recording = &self.0.parts.recording;
        recording.mode == Mode::Automatic && recording.action != Action::Nothing
    }

    /// Rises with every change of the outbox.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Rises when what was sent gives reason to doubt the connection: Dynamics could not be reached, or refused all of it.
    pub(crate) fn doubts(&self) -> watch::Receiver<u64> {
        self.0.doubts.subscribe()
    }

    /// Whether nothing is sent until a person has done something.
    pub(crate) fn is_paused(&self) -> bool {
        self.0.paused.borrow().is_some()
    }

    fn doubt_connection(&self) {
        self.0.doubts.send_modify(|number| *number += 1);
    }

    /// Dynamics can be reached again, or somebody wants it tried.
    pub(crate) async fn resume(&self) {
        self.0
            .paused
            .send_if_modified(|paused| paused.take().is_some());
        let now = self.now();
        let at = locked(&self.0.held_until).map_or(now, |until| until.max(now));
        if let Err(error) = self.store().hasten_entries(self.organization(), at).await {
            tracing::warn!(error.code = error.code(), "the outbox cannot be changed");
        }
        self.tell();
    }

    /// Tells everybody that the outbox has changed.
    fn tell(&self) {
        self.0.changed.send_modify(|number| *number += 1);
        self.0.wake.notify_one();
    }

    pub(crate) fn note_shown(&self, table: &str, id: Uuid) {
        let mut shown = locked(&self.0.shown);
        if shown.len() >= MOST_SHOWN {
            shown.clear();
        }
        shown.insert((table.to_owned(), id));
    }

    /// The page of a record that was written or shown to a person; none of any other.
    pub(crate) async fn record_url(&self, table: &str, id: Uuid) -> Option<String> {
        let client = self.client().ok()?;
        let is_shown = locked(&self.0.shown).contains(&(table.to_owned(), id));
        let is_known = is_shown
            || match self
                .store()
                .activity_has_record(self.organization(), table, id)
                .await
            {
                Ok(known) => known,
                Err(error) => {
                    tracing::warn!(error.code = error.code(), "the activity cannot be read");
                    false
                }
            };
        is_known.then(|| client.organization().record_url(table, id).to_string())
    }
}

fn same(one: Option<&Arc<Schema>>, other: Option<&Arc<Schema>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
