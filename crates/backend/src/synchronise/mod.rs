//! Keeps the copies on this computer in step with Dynamics: one task that loads the chosen tables page by page, then reads
//! what has changed, and forgets what is too old.
//!
//! - `plan` says what is read of a table and which rows are kept; `table` reads it, and goes on after an interruption
//!   where it was; `estimate` says beforehand how much it would be.
//! - Every page is kept in one transaction with where the next one is, and only if the cache still belongs to the user for
//!   whom it was read (`store::Turn`). So a kill, a second companion, or another person who signs in leave no page of theirs
//!   and none out.
//! - All requests go through [`Client::background`]: what a person waits for goes first, and Dynamics' limits are kept.

mod estimate;
mod plan;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dataverse::metadata::Schema;
use dataverse::{Client, Error, WhoAmI};
use integration::{DisplaySettings, Identification, Table, copies};
use store::{Ages, Cache};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::cached;
use crate::clock::Clock;
use crate::problem::Problem;
use crate::recognise::Rules;
use crate::recorder::{Jitter, Pace};
use crate::schema;
use crate::settings::Settings;
use crate::settings::offline::{Keep, Offline, TABLES};
use crate::view::{CopiedTable, OfflineState, OfflineTableState, OfflineTableView, OfflineView};

pub use estimate::Estimate;
use plan::Plan;
use table::{Progress, TableSync, Trouble};

/// How often it is looked whether something is too old, while Dynamics cannot be asked.
const LOOK_AGAIN: Duration = Duration::from_secs(60 * 60);

/// What the synchroniser works with.
#[derive(Debug)]
pub(crate) struct SynchroniserParts {
    pub(crate) client: Result<Client, Problem>,
    pub(crate) cache: Cache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Jitter,
    pub(crate) offline: Offline,
    pub(crate) identification: Identification,
    pub(crate) fields: DisplaySettings,
    pub(crate) schema: watch::Receiver<Option<Arc<Schema>>>,
}

/// The way to the synchroniser. Clones share it.
#[derive(Clone, Debug)]
pub struct Synchroniser(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: SynchroniserParts,
    view: watch::Sender<OfflineView>,
    /// Whether and as whom Dynamics can be asked.
    access: watch::Sender<Access>,
    /// Somebody wants it now.
    now: Notify,
    /// Rises when Dynamics could not be reached.
    doubts: watch::Sender<u64>,
    /// Ids that contacts name as their accounts and that are none, or that this user may not see.
    asked_in_vain: Mutex<BTreeSet<String>>,
}

/// Whether and as whom Dynamics can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Access {
    user: Option<WhoAmI>,
    /// Whether it was asked what the tables look like. Before that every copy would have to be made twice.
    tables_asked: bool,
}

impl Access {
    fn open(self) -> Option<WhoAmI> {
        self.user.filter(|_| self.tables_asked)
    }
}

/// Why a pass over the tables ended early.
#[derive(Debug)]
struct Interrupted {
    problem: Problem,
    /// How long Dynamics asked to wait.
    asked: Option<Duration>,
}

impl Synchroniser {
    pub(crate) fn new(parts: SynchroniserParts) -> Synchroniser {
        let view = watch::Sender::new(first_view(&parts.offline));
        Synchroniser(Arc::new(Inner {
            parts,
            view,
            access: watch::Sender::default(),
            now: Notify::new(),
            doubts: watch::Sender::default(),
            asked_in_vain: Mutex::default(),
        }))
    }

    /// One that does nothing by itself, for a command: see [`Synchroniser::once`] and [`Synchroniser::estimate`].
    #[must_use]
    pub fn of_settings(
        settings: &Settings,
        client: Client,
        cache: Cache,
        clock: Arc<dyn Clock>,
        schema: Option<Arc<Schema>>,
    ) -> Synchroniser {
        let (_, schema) = watch::channel(schema);
        Synchroniser::new(SynchroniserParts {
            client: Ok(client),
            cache,
            clock,
            jitter: Jitter::default(),
            offline: settings.offline.clone(),
            identification: settings.identification.clone(),
            fields: settings.fields.clone(),
            schema,
        })
    }

    /// How the copies stand, with every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<OfflineView> {
        self.0.view.subscribe()
    }

    /// Brings them up to date now.
    pub(crate) fn now(&self) {
        self.0.now.notify_one();
    }

    /// Shows how the copies stand after something was taken out of the cache.
    pub(crate) async fn look_again(&self) {
        self.look().await;
        self.0.view.send_if_modified(|view| {
            let is_missing = |table: &OfflineTableView| table.state == OfflineTableState::Waiting;
            let waits = view.state == OfflineState::Fresh && view.tables.iter().any(is_missing);
            if waits {
                view.state = OfflineState::Waiting;
            }
            waits
        });
    }

    /// Dynamics can be asked as this user; the cache is theirs.
    pub(crate) fn connected(&self, me: WhoAmI) {
        self.change_access(|access| access.user = Some(me));
    }

    /// Dynamics cannot be asked, or nobody is signed in.
    pub(crate) fn disconnected(&self) {
        self.change_access(|access| access.user = None);
    }

    /// It was asked what the tables look like, whatever the answer was.
    pub(crate) fn tables_asked(&self) {
        self.change_access(|access| access.tables_asked = true);
    }

    fn change_access(&self, change: impl FnOnce(&mut Access)) {
        self.0.access.send_if_modified(|access| {
            let before = *access;
            change(access);
            *access != before
        });
    }

    /// Rises when Dynamics could not be reached.
    pub(crate) fn doubts(&self) -> watch::Receiver<u64> {
        self.0.doubts.subscribe()
    }

    /// Brings all tables up to date once, as whoever is signed in. Too old copies go, whatever Dynamics says.
    ///
    /// # Errors
    /// Why Dynamics could not be asked, or what the cache said. What went wrong with a single table stands in the view.
    pub async fn once(&self) -> Result<OfflineView, Problem> {
        self.age().await;
        let client = self.client()?.background();
        let me = client.who_am_i().await;
        let me = me.map_err(|error| self.problem(&error))?;
        self.pass(me).await.map_err(|early| early.problem)?;
        Ok(self.0.view.borrow().clone())
    }

    /// How much would be copied of each table.
    ///
    /// # Errors
    /// Why Dynamics could not be asked.
    pub async fn estimate(&self) -> Result<Vec<Estimate>, Problem> {
        let client = self.client()?.background();
        let rules = self.rules();
        let mut estimates = Vec::new();
        for table in self.tables() {
            let plan = Plan::new(table, &self.0.parts.offline, &rules);
            let estimate = estimate::of(&client, &plan, self.0.parts.clock.now()).await;
            estimates.push(estimate.map_err(|error| self.problem(&error))?);
        }
        Ok(estimates)
    }

    fn client(&self) -> Result<&Client, Problem> {
        self.0.parts.client.as_ref().map_err(Clone::clone)
    }

    fn tables(&self) -> impl Iterator<Item = Table> {
        let offline = &self.0.parts.offline;
        TABLES
            .into_iter()
            .filter(|table| offline.of(*table).keep != Keep::Nothing)
    }

    fn rules(&self) -> Arc<Rules> {
        let parts = &self.0.parts;
        let schema = parts.schema.borrow().clone();
        Arc::new(Rules {
            identification: parts.identification.clone(),
            fields: parts.fields.clone(),
            columns: schema.as_deref().map(schema::columns).unwrap_or_default(),
        })
    }

    fn problem(&self, error: &Error) -> Problem {
        Problem::from_dataverse(error, self.0.parts.clock.now())
    }

    // ---- the task ---------------------------------------------------------------------------------

    async fn keep_in_step(&self) {
        let parts = &self.0.parts;
        let every = Duration::from_secs(60 * u64::from(parts.offline.refresh_minutes));
        let mut pace = Pace::new(parts.jitter);
        let mut access = self.0.access.subscribe();
        self.look().await;
        loop {
            self.age().await;
            let open = access.borrow_and_update().open();
            let next = match open {
                None => {
                    self.becomes_waiting();
                    LOOK_AGAIN
                }
                Some(user) => {
                    // Whoever signs in or out ends it; so does the loss of the connection.
                    let done = tokio::select! {
                        done = self.pass(user) => done,
                        () = changes(&mut access, open) => continue,
                    };
                    match done {
                        Ok(()) => {
                            pace.relax();
                            every
                        }
                        Err(Interrupted { problem, asked }) => {
                            self.0.view.send_modify(|view| {
                                view.state = OfflineState::Waiting;
                                view.problem = Some(problem);
                            });
                            pace.wait(asked)
                        }
                    }
                }
            };
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = self.0.now.notified() => {}
                () = changes(&mut access, open) => {}
            }
        }
    }

    /// Shows how the copies stand that are there.
    async fn look(&self) {
        let tables: Vec<Table> = self.tables().collect();
        for table in tables {
            if let Err(error) = self.count(table).await {
                warn!(
                    error.code = error.code(),
                    "the copies could not be looked at"
                );
            }
        }
    }

    fn becomes_waiting(&self) {
        self.0.view.send_if_modified(|view| {
            let waits = !matches!(view.state, OfflineState::Off | OfflineState::Waiting);
            if waits {
                view.state = OfflineState::Waiting;
                for table in &mut view.tables {
                    if matches!(
                        table.state,
                        OfflineTableState::Loading | OfflineTableState::Refreshing
                    ) {
                        table.state = OfflineTableState::Waiting;
                    }
                }
            }
            waits
        });
    }

    /// Brings all tables up to date. What is about one table alone ends only that one.
    async fn pass(&self, me: WhoAmI) -> Result<(), Interrupted> {
        let parts = &self.0.parts;
        let client = match &parts.client {
            Ok(client) => client.background(),
            Err(problem) => return Err(interrupted(problem.clone())),
        };
        let rules = self.rules();
        let user = me.user_id.to_string();
        let tables: Vec<Table> = self.tables().collect();
        if tables.is_empty() {
            return Ok(());
        }
        // Since it was emptied on demand it is nobody's.
        own(&parts.cache, &client, &me)
            .await
            .map_err(|error| interrupted(Problem::from_store(&error)))?;
        self.0.view.send_modify(|view| {
            view.state = OfflineState::Synchronising;
            view.problem = None;
        });
        let progress = |table, progress| self.show(table, progress);
        for table in tables {
            let sync = TableSync {
                client: &client,
                cache: &parts.cache,
                clock: &*parts.clock,
                rules: Arc::clone(&rules),
                plan: Arc::new(Plan::new(table, &parts.offline, &rules)),
                user: &user,
                progress: &progress,
            };
            let done = match sync.run().await {
                Ok(()) if parts.offline.of(table).keep == Keep::OfContacts => {
                    let mut in_vain = self.0.asked_in_vain.lock().await;
                    sync.missing_accounts(&mut in_vain).await
                }
                done => done,
            };
            match done {
                Ok(()) => self
                    .count(table)
                    .await
                    .map_err(|error| interrupted(Problem::from_store(&error)))?,
                Err(Trouble::Cache(error)) => {
                    warn!(error.code = error.code(), %error, "the copies cannot be kept");
                    return Err(interrupted(Problem::from_store(&error)));
                }
                Err(Trouble::Dynamics(error)) => self.failed(table, &error).await?,
            }
        }
        self.0.view.send_modify(|view| {
            let is_failed = |table: &OfflineTableView| table.state == OfflineTableState::Failed;
            view.state = if view.tables.iter().any(is_failed) {
                OfflineState::Failed
            } else {
                OfflineState::Fresh
            };
        });
        Ok(())
    }

    /// What is about Dynamics as a whole ends the pass; what is about one table is noted with it.
    async fn failed(&self, table: Table, error: &Error) -> Result<(), Interrupted> {
        let problem = self.problem(error);
        if error.is_offline() {
            self.0.doubts.send_modify(|number| *number += 1);
        }
        if error.is_offline() || error.is_sign_in() || matches!(error, Error::Throttled { .. }) {
            tracing::info!(error.code = error.code(), "the copies wait");
            self.set(table, |shown| shown.state = OfflineTableState::Waiting);
            return Err(Interrupted {
                problem,
                asked: error.retry_after(),
            });
        }
        warn!(error.code = error.code(), error.chain = %error, table = table.logical_name(), "a table is not brought up to date");
        if matches!(error, Error::MissingPrivilege { .. } | Error::Forbidden(_)) {
            // What this user may not read any more must not lie here.
            let parts = &self.0.parts;
            let organization = self.client().map(cached::organization).unwrap_or_default();
            parts
                .cache
                .forget_synchronised(organization, table.logical_name())
                .await
                .map_err(|error| interrupted(Problem::from_store(&error)))?;
        }
        self.count(table)
            .await
            .map_err(|error| interrupted(Problem::from_store(&error)))?;
        self.set(table, |shown| {
            shown.state = OfflineTableState::Failed;
            shown.problem = Some(problem);
        });
        Ok(())
    }

    // ---- what is too old ----------------------------------------------------------------------------

    /// Forgets what is too old, and what is not to be copied any more.
    async fn age(&self) {
        if let Err(error) = self.try_age().await {
            warn!(error.code = error.code(), %error, "what is too old could not be forgotten");
        }
    }

    async fn try_age(&self) -> Result<(), store::Error> {
        let parts = &self.0.parts;
        let Ok(client) = &parts.client else {
            return Ok(());
        };
        let organization = cached::organization(client);
        let now = parts.clock.now();
        let mut longest = 0;
        for table in TABLES {
            let kept = parts.offline.of(table);
            let name = table.logical_name();
            if kept.keep == Keep::Nothing
                && !parts
                    .cache
                    .synchronised(organization, name)
                    .await?
                    .spec
                    .is_empty()
            {
                parts.cache.forget_synchronised(organization, name).await?;
            }
            let ages = Ages {
                changed_before: kept
                    .changed_within_days
                    .map(|days| plan::days_before(now, days)),
                read_before: plan::days_before(now, kept.forget_after_days),
            };
            parts.cache.age(organization, name, ages).await?;
            longest = longest.max(kept.forget_after_days);
        }
        if parts.offline.of(Table::Account).keep == Keep::OfContacts
            && let Some(parent) = copies::parent_column(Table::Contact)
        {
            parts
                .cache
                .release_unreferred(
                    organization,
                    Table::Contact.logical_name(),
                    &copies::text_key(parent),
                    Table::Account.logical_name(),
                )
                .await?;
        }
        let before = plan::days_before(now, longest);
        parts.cache.forget_answers(organization, before).await?;
        Ok(())
    }

    // ---- the view -----------------------------------------------------------------------------------

    fn show(&self, table: Table, progress: Progress) {
        self.set(table, |shown| match progress {
            Progress::Refreshing => shown.state = OfflineTableState::Refreshing,
            Progress::Loading {
                done,
                expected,
                kept,
            } => {
                shown.state = OfflineTableState::Loading;
                shown.done = done;
                shown.expected = expected;
                if shown.synced_at.is_none() {
                    shown.copies = shown.copies.max(kept);
                }
            }
        });
    }

    /// Looks how many copies of a table there are, and how old they are.
    async fn count(&self, table: Table) -> Result<(), store::Error> {
        let Ok(client) = &self.0.parts.client else {
            return Ok(());
        };
        let (organization, name) = (cached::organization(client), table.logical_name());
        let state = self.0.parts.cache.synchronised(organization, name).await?;
        let copies = self
            .0
            .parts
            .cache
            .count_synchronised(organization, name)
            .await?;
        self.set(table, |shown| {
            shown.copies = copies;
            shown.synced_at = state.synced_at.map(|at| at.to_string());
            shown.problem = None;
            shown.done = if state.is_loading { state.done } else { 0 };
            shown.expected = state.expected.filter(|_| state.is_loading);
            shown.state = if state.synced_at.is_some() && !state.is_loading {
                OfflineTableState::Fresh
            } else {
                OfflineTableState::Waiting
            };
        });
        Ok(())
    }

    fn set(&self, table: Table, change: impl FnOnce(&mut OfflineTableView)) {
        self.0.view.send_modify(|view| {
            let named = CopiedTable::of(table);
            if let Some(shown) = view
                .tables
                .iter_mut()
                .find(|shown| Some(shown.table) == named)
            {
                change(shown);
            }
        });
    }
}

/// The cache is this user's from now on; what was somebody else's, or another organization's, is forgotten.
pub(crate) async fn own(cache: &Cache, client: &Client, me: &WhoAmI) -> Result<(), store::Error> {
    // A restored or copied organization has another id under the same address.
    let organization = format!("{} {}", cached::organization(client), me.organization_id);
    cache
        .belongs_to(&organization, &me.user_id.to_string())
        .await
}

/// Runs until `stop`.
pub(crate) async fn run(synchroniser: Synchroniser, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = synchroniser.keep_in_step() => {}
    }
}

/// What is shown before anything has been looked at.
pub(crate) fn first_view(offline: &Offline) -> OfflineView {
    let tables: Vec<OfflineTableView> = TABLES
        .into_iter()
        .filter(|table| offline.of(*table).keep != Keep::Nothing)
        .filter_map(CopiedTable::of)
        .map(|table| OfflineTableView {
            table,
            state: OfflineTableState::Waiting,
            copies: 0,
            done: 0,
            expected: None,
            synced_at: None,
            problem: None,
        })
        .collect();
    OfflineView {
        state: if tables.is_empty() {
            OfflineState::Off
        } else {
            OfflineState::Waiting
        },
        tables,
        problem: None,
    }
}

fn interrupted(problem: Problem) -> Interrupted {
    Interrupted {
        problem,
        asked: None,
    }
}

/// Waits until Dynamics can be asked as somebody else, or not any more, or again.
async fn changes(access: &mut watch::Receiver<Access>, from: Option<WhoAmI>) {
    if access
        .wait_for(|access| access.open() != from)
        .await
        .is_err()
    {
        // Whoever tells is gone: so is the back end.
        std::future::pending::<()>().await;
    }
}
