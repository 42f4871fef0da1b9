//! The way to a running back end.

use std::collections::BTreeMap;
use std::sync::Arc;

use comm100::{ConsoleEvent, Conversation};
use dataverse::metadata::Schema;
use integration::Table;
use tokio::sync::{RwLock, mpsc, oneshot, watch};
use url::Url;
use uuid::Uuid;

use crate::controller::{Command, record_not_shown, stopping};
use crate::data::Lock;
use crate::generation::Running;
use crate::manage::Management;
use crate::problem::Problem;
use crate::recorder::{Current, id};
use crate::view::{
    ActivityFilter, ActivityPage, Draft, Duplicates, EntryView, Filled, Found, RecordTable,
    SearchResults, View,
};

/// The way to a running back end. Clones share it, and it stays good when other settings are applied.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) view: watch::Receiver<Arc<View>>,
    pub(crate) schema: watch::Receiver<Option<Arc<Schema>>>,
    pub(crate) lock: Lock,
    /// What works now; other settings put another one in its place.
    pub(crate) running: Arc<RwLock<Running>>,
    pub(crate) management: Management,
}

impl Handle {
    /// The settings: what is saved, drafts, and how others are put in force.
    #[must_use]
    pub fn settings(&self) -> &Management {
        &self.management
    }

    /// What the organization's tables look like, as far as it is known, with every change. Known at once from the
    /// cache; none before Dynamics has been reached for the first time.
    #[must_use]
    pub fn watch_schema(&self) -> watch::Receiver<Option<Arc<Schema>>> {
        self.schema.clone()
    }

    /// What is shown now.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// What is shown, with every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Asks Dynamics about the current visitor again.
    ///
    /// # Errors
    /// `companion_stopping`.
    pub async fn refresh(&self) -> Result<(), Problem> {
        self.send(Command::Refresh).await
    }

    /// Tries to reach Dynamics now.
    ///
    /// # Errors
    /// `companion_stopping`.
    pub async fn reconnect(&self) -> Result<(), Problem> {
        self.send(Command::Reconnect).await
    }

    /// Begins a person's sign-in; one that was under way ends. The caller opens the returned page in the system's
    /// browser, or calls [`Handle::cancel_sign_in`] if it cannot. Without a page the person types the code of the view
    /// on another device. How it ends stands in the view.
    ///
    /// # Errors
    /// Why it cannot begin, or `companion_stopping`.
    pub async fn sign_in(&self) -> Result<Option<Url>, Problem> {
        self.ask(|answer| Command::SignIn { answer }).await
    }

    /// Ends the sign-in that is under way, if one is.
    ///
    /// # Errors
    /// `companion_stopping`.
    pub async fn cancel_sign_in(&self) -> Result<(), Problem> {
        self.send(Command::CancelSignIn).await
    }

    /// Forgets who is signed in, and everything that was read as that person.
    ///
    /// # Errors
    /// `companion_stopping`.
    pub async fn sign_out(&self) -> Result<(), Problem> {
        self.send(Command::SignOut).await
    }

    /// Shows another candidate for the current visitor.
    ///
    /// # Errors
    /// `candidate_gone` if it is none (any more), `companion_stopping`.
    pub async fn choose(&self, table: Table, id: String) -> Result<(), Problem> {
        self.unlocked()?;
        self.ask(|answer| Command::Choose { table, id, answer })
            .await
    }

    /// The page of a record that is shown, was written, or is among those to choose from; the table by its logical name.
    /// Nothing else is ever opened in a browser.
    ///
    /// # Errors
    /// `record_not_shown`, `companion_stopping`.
    pub async fn record_url(&self, table: &str, id: String) -> Result<String, Problem> {
        self.unlocked()?;
        if let Ok(id) = id.parse()
            && let Some(url) = self.running().await.recorder.record_url(table, id).await
        {
            return Ok(url);
        }
        let Some(table) = Table::from_logical_name(table) else {
            return Err(record_not_shown());
        };
        self.ask(|answer| Command::RecordUrl { table, id, answer })
            .await
    }

    /// Brings the copies on this computer up to date now. How far it is stands in the view.
    pub async fn sync_now(&self) {
        self.running().await.synchroniser.now();
    }

    /// Opens a pairing; the code stands in the view.
    pub async fn start_pairing(&self) {
        self.running().await.desk.start_pairing().await;
    }

    /// Closes the open pairing.
    pub async fn cancel_pairing(&self) {
        self.running().await.desk.cancel_pairing().await;
    }

    /// Revokes a paired console.
    ///
    /// # Errors
    /// `console_unknown`, or the store's.
    pub async fn revoke_console(&self, id: &str) -> Result<(), Problem> {
        self.unlocked()?;
        self.running().await.desk.revoke(id).await
    }

    /// Takes a `dynamics-companion://` link, as a hyperlink in the Agent Console sends it.
    ///
    /// # Errors
    /// What is wrong with the link, or `companion_stopping`.
    pub async fn open_link(&self, link: &str) -> Result<(), Problem> {
        let event = comm100::link::parse(link)
            .map_err(|error| Problem::new(error.code(), error.to_string(), error.next_step()))?;
        self.running().await.recorder.observe(&event).await?;
        self.send(Command::Link {
            event: Box::new(event),
        })
        .await
    }

    /// Plays a sample visitor: the practice console sends what the Agent Console would send.
    ///
    /// # Errors
    /// `practice_only`, `sample_unknown`, or what the console bridge answers.
    pub async fn play_visitor(&self, id: &str) -> Result<(), Problem> {
        self.unlocked()?;
        let practice = self.running().await.practice.ok_or_else(|| {
            Problem::new(
                "practice_only",
                "Sample visitors belong to the practice organization.",
                "Set `connection.kind` to \"practice\".",
            )
        })?;
        practice.play(id).await?;
        self.send(Command::Practising {
            visitor: id.to_owned(),
        })
        .await
    }

    // ---- writing chats down -----------------------------------------------------------------------

    /// Takes an event as if a console had sent it. When this returns, what has to be written down because of it is durable;
    /// the answer is the entry of the outbox, if there is one.
    ///
    /// # Errors
    /// The store's, or `companion_stopping`.
    pub async fn feed(&self, event: ConsoleEvent) -> Result<Option<Uuid>, Problem> {
        let entry = self.running().await.recorder.observe(&event).await?;
        let event = Box::new(event);
        self.send(Command::Event { event }).await?;
        Ok(entry)
    }

    /// The form of a record, filled from the current chat.
    ///
    /// # Errors
    /// `no_chat`, `companion_stopping`.
    pub async fn draft(&self, table: RecordTable) -> Result<Draft, Problem> {
        self.unlocked()?;
        let current = self.current().await?.ok_or_else(crate::recorder::no_chat)?;
        self.running().await.recorder.draft(&current, table).await
    }

    /// Puts what a form asks for into the outbox; it is durable when this returns.
    ///
    /// # Errors
    /// What is wrong with a value, `chat_gone`, `no_chat`, or the store's.
    pub async fn create(&self, filled: Filled) -> Result<EntryView, Problem> {
        self.unlocked()?;
        let current = self.current().await?;
        self.running().await.recorder.create(current, filled).await
    }

    /// Lets the chat that [`Draft::chat`] names, or without a name the current one, become a note on an open case.
    ///
    /// # Errors
    /// `no_chat`, `chat_gone`, `id_malformed`, or the store's.
    pub async fn add_to_case(&self, case: &str, chat: Option<&str>) -> Result<EntryView, Problem> {
        self.unlocked()?;
        let current = self.current().await?;
        self.running()
            .await
            .recorder
            .add_to_case(current, case, chat)
            .await
    }

    /// Records that look like the one that is about to be created.
    ///
    /// # Errors
    /// `companion_stopping`.
    pub async fn duplicates(&self, filled: Filled) -> Result<Duplicates, Problem> {
        self.unlocked()?;
        let current = self.current().await?;
        self.running()
            .await
            .recorder
            .duplicates(current, &filled)
            .await
    }

    /// Records whose name holds this text, in the tables with these logical names. Where Dynamics does not answer, those
    /// that the search finds among the copies.
    ///
    /// # Errors
    /// `tables_unknown`, or what Dynamics says, if there is no such copy.
    pub async fn find(&self, targets: &[String], text: &str) -> Result<Vec<Found>, Problem> {
        self.unlocked()?;
        let Running {
            recorder, search, ..
        } = self.running().await;
        match recorder.find(targets, text).await {
            Err(problem) => {
                let known = search.known(targets, text).await;
                if known.is_empty() {
                    Err(problem)
                } else {
                    Ok(known)
                }
            }
            found => found,
        }
    }

    // ---- search and links -------------------------------------------------------------------------

    /// Contacts, accounts, leads and cases that are found for a text: at once among the copies, and with `live` in Dynamics
    /// too. What it does not answer is no error, but stands beside what was found.
    ///
    /// # Errors
    /// `search_superseded` if another search has begun meanwhile.
    pub async fn search(&self, text: &str, live: bool) -> Result<SearchResults, Problem> {
        self.unlocked()?;
        self.running().await.search.find(text, live).await
    }

    /// Says that the visitor of the current chat is this contact, account or lead, now and the next time; the table by its
    /// logical name. `chat` is [`VisitorView::chat_id`](crate::view::VisitorView::chat_id) of the chat that is meant; without
    /// it the current one is. It is durable when this returns, and needs no network if there is a copy of the record.
    ///
    /// # Errors
    /// `table_unfit`, `id_malformed`, `no_chat`, `chat_changed`, `visitor_not_linkable`, `record_gone`, the store's, or what
    /// Dynamics says.
    pub async fn link(&self, table: &str, record: &str, chat: Option<&str>) -> Result<(), Problem> {
        self.unlocked()?;
        let table = recognised(table)?;
        let record = id(record)?;
        let conversation = self.conversation(chat).await?;
        let by = self.agent(&conversation);
        let links = self.running().await.links;
        let linked = links.link(&conversation, table, record, &by).await?;
        self.send(Command::Linked {
            whose: links.whose(&conversation),
            linked: Box::new(linked),
        })
        .await
    }

    /// Takes back what was linked to the visitor of the current chat, in the table with this logical name.
    ///
    /// # Errors
    /// `table_unfit`, `no_chat`, `chat_changed`, `link_gone`, or the store's.
    pub async fn unlink(&self, table: &str, chat: Option<&str>) -> Result<(), Problem> {
        self.unlocked()?;
        let table = recognised(table)?;
        let conversation = self.conversation(chat).await?;
        let by = self.agent(&conversation);
        let links = self.running().await.links;
        links.unlink(&conversation, table, &by).await?;
        let whose = links.whose(&conversation);
        self.send(Command::Unlinked { whose, table }).await
    }

    /// The current chat, if it is the one that is meant.
    async fn conversation(&self, chat: Option<&str>) -> Result<Conversation, Problem> {
        let current = self.current().await?.ok_or_else(crate::recorder::no_chat)?;
        let is_meant =
            chat.is_none() || crate::recorder::subject(&current.conversation).as_deref() == chat;
        if is_meant {
            Ok(current.conversation)
        } else {
            Err(Problem::new(
                "chat_changed",
                "Another chat was selected meanwhile.",
                "Select the chat again, then try again.",
            ))
        }
    }

    fn agent(&self, conversation: &Conversation) -> String {
        let signed_in = self.view().agent.as_ref().map(|agent| agent.name.clone());
        let of_chat = conversation.agent.as_ref().map(|agent| agent.name.clone());
        of_chat
            .filter(|name| !name.is_empty())
            .or(signed_in)
            .unwrap_or_default()
    }

    // ---- the outbox and the activity --------------------------------------------------------------

    /// The entries of the outbox: those that need a person, those that wait, those that ended last.
    ///
    /// # Errors
    /// The store's.
    pub async fn outbox(&self) -> Result<Vec<EntryView>, Problem> {
        self.unlocked()?;
        self.running().await.recorder.outbox().await
    }

    /// An entry as it is now.
    ///
    /// # Errors
    /// `entry_unknown`, or the store's.
    pub async fn entry(&self, entry: Uuid) -> Result<EntryView, Problem> {
        self.unlocked()?;
        self.running().await.recorder.entry(entry).await
    }

    /// Waits until nothing happens to an entry any more by itself: it is written, needs a person, or was discarded.
    ///
    /// # Errors
    /// `entry_unknown`, the store's, `companion_stopping`, or what pauses the outbox until somebody has done something.
    pub async fn settled(&self, entry: Uuid) -> Result<EntryView, Problem> {
        self.unlocked()?;
        self.running().await.recorder.settled(entry).await
    }

    /// Sends an entry now, without waiting for the end of its grace time or its next attempt; with `values`, by
    /// `table.column`, instead of those that did not go.
    ///
    /// # Errors
    /// `entry_unknown`, `entry_not_changeable`, `value_unknown`, `value_unfit`, or the store's.
    pub async fn retry(
        &self,
        entry: &str,
        values: BTreeMap<String, String>,
    ) -> Result<EntryView, Problem> {
        self.unlocked()?;
        self.running()
            .await
            .recorder
            .retry(id(entry)?, &values)
            .await
    }

    /// Leaves an entry unwritten.
    ///
    /// # Errors
    /// `entry_unknown`, `entry_not_changeable`, or the store's.
    pub async fn discard(&self, entry: &str) -> Result<EntryView, Problem> {
        self.unlocked()?;
        self.running().await.recorder.discard(id(entry)?).await
    }

    /// Says who is meant where several people match: one of them, or none, so that a new one is created.
    ///
    /// # Errors
    /// `entry_unknown`, `entry_not_changeable`, `candidate_gone`, or the store's.
    pub async fn choose_person(
        &self,
        entry: &str,
        person: Option<&str>,
    ) -> Result<EntryView, Problem> {
        self.unlocked()?;
        let person = person.map(id).transpose()?;
        self.running()
            .await
            .recorder
            .choose_person(id(entry)?, person)
            .await
    }

    /// Undoes an entry: one that waits is withdrawn; what one has created within the last minute is deleted, or where that is
    /// not allowed cancelled or deactivated.
    ///
    /// # Errors
    /// `entry_unknown`, `undo_too_late`, `undo_touched`, or what Dynamics says.
    pub async fn undo(&self, entry: &str) -> Result<EntryView, Problem> {
        self.unlocked()?;
        self.running().await.recorder.undo(id(entry)?).await
    }

    /// Some of what was recognised and written, the newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn activity(&self, filter: ActivityFilter) -> Result<ActivityPage, Problem> {
        self.unlocked()?;
        self.running().await.recorder.activity(filter).await
    }

    /// All of it as CSV (RFC 4180), without a cell that a spreadsheet would take for a formula.
    ///
    /// # Errors
    /// The store's.
    pub async fn export_activity(&self, filter: ActivityFilter) -> Result<String, Problem> {
        self.unlocked()?;
        self.running().await.recorder.export_activity(filter).await
    }

    /// What works now; while other settings are being applied, it is waited for what works then.
    pub(crate) async fn running(&self) -> Running {
        self.running.read().await.clone()
    }

    async fn current(&self) -> Result<Option<Current>, Problem> {
        self.ask(|answer| Command::Current { answer }).await
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Problem>>) -> Command,
    ) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer)).await?;
        answered.await.map_err(|_| stopping())?
    }

    async fn send(&self, command: Command) -> Result<(), Problem> {
        self.commands.send(command).await.map_err(|_| stopping())
    }
}

/// A table in which a visitor can be somebody.
fn recognised(table: &str) -> Result<Table, Problem> {
    Table::from_logical_name(table)
        .filter(|table| Table::RECOGNISED.contains(table))
        .ok_or_else(|| {
            Problem::new(
                "table_unfit",
                "A visitor is a contact, a lead or an account.",
                "Choose another record.",
            )
        })
}
