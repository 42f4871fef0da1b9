//! One table: read whole, page by page, and then by what has changed.
//!
//! Where Dynamics tracks a table's changes for this user, both come from change tracking: a load of all rows, of which those
//! that are not meant to be kept are left out here, and then exactly what was changed or deleted. Where it does not (it
//! takes read access to every row, and an administrator may switch it off), the rows that this user may read are asked for
//! in the ordinary way, then those that were changed since; what is gone shows when all are read anew, once a day.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use dataverse::{ChangePage, Client, DeltaLink, Direction, Error, NextLink, Query, Row};
use futures_util::{Stream, StreamExt};
use integration::{Record, Table, copies};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Cache, CachedRecord, SyncPage, Synchronised, Turn};
use tracing::{info, warn};

use super::estimate;
use super::plan::{self, Plan};
use crate::clock::Clock;
use crate::local;
use crate::recognise::Rules;
use crate::settings::offline::Keep;

/// How long what was read without change tracking is topped up, before all is read anew.
const TOPPED_UP_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Rows that were changed so shortly before the last one may be told late.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// How many records are asked for at once by their ids: their address stays short enough.
const IDS_AT_ONCE: u32 = 100;

/// Why a table is not brought up to date.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Dynamics, or the way to it.
    Dynamics(Error),
    /// The cache file.
    Cache(store::Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Dynamics(error)
    }
}

impl From<store::Error> for Trouble {
    fn from(error: store::Error) -> Trouble {
        Trouble::Cache(error)
    }
}

/// What happens to a table, for whoever shows it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Progress {
    /// All of it is being read: how many rows have been seen, and how many there are.
    Loading {
        /// Rows seen.
        done: u64,
        /// Rows there are, as far as it is known.
        expected: Option<u64>,
        /// Copies that were added.
        kept: u64,
    },
    /// What has changed is being read.
    Refreshing,
}

/// With what one table is brought up to date.
pub(super) struct TableSync<'a> {
    pub(super) client: &'a Client,
    pub(super) cache: &'a Cache,
    pub(super) clock: &'a dyn Clock,
    pub(super) rules: Arc<Rules>,
    pub(super) plan: Arc<Plan>,
    /// The user whom the cache belongs to.
    pub(super) user: &'a str,
    pub(super) progress: &'a (dyn Fn(Table, Progress) + Sync),
}

/// Where a load goes on, as it is kept.
#[derive(Serialize, Deserialize)]
struct Place {
    link: String,
    /// When the row that was changed last was changed, as far as the load has come. Only without change tracking.
    newest: Option<Timestamp>,
    is_tracked: bool,
}

/// Up to where a table is known that is read without change tracking, as it is kept in place of a link.
#[derive(Serialize, Deserialize)]
struct Watermark {
    changed: Timestamp,
    loaded: Timestamp,
}

type Pages<'a> = Pin<Box<dyn Stream<Item = Result<ChangePage, Error>> + Send + 'a>>;

/// What is kept of a page.
struct Sifted {
    copies: Vec<CachedRecord>,
    unwanted: Vec<String>,
    newest: Option<Timestamp>,
}

impl TableSync<'_> {
    /// Brings the table up to date: goes on with a load, or reads what has changed; begins a load where there was none, or
    /// where it was for other settings. Copies that are there stay in use until the load has ended.
    pub(super) async fn run(&self) -> Result<(), Trouble> {
        let state = self.state().await?;
        if state.spec == self.plan.spec && state.is_loading {
            return match self.load(&state).await {
                // The place that was kept means nothing to Dynamics any more.
                Err(Trouble::Dynamics(error)) if state.next.is_some() && is_forgotten(&error) => {
                    info!(
                        table = self.name(),
                        error.code = error.code(),
                        "a load begins anew"
                    );
                    self.load_anew().await
                }
                done => done,
            };
        }
        if state.spec != self.plan.spec || state.synced_at.is_none() {
            return self.load_anew().await;
        }
        (self.progress)(self.plan.table, Progress::Refreshing);
        let refreshed = match state.delta.as_deref() {
            None => return self.load_anew().await,
            Some(delta) => match DeltaLink::from_text(delta) {
                Some(link) => self.changes(&link, &state).await,
                None => match serde_json::from_str(delta) {
                    Ok(watermark) if self.is_topped_up(&watermark) => {
                        self.changed_since(&watermark, &state).await
                    }
                    Ok(_) | Err(_) => return self.load_anew().await,
                },
            },
        };
        match refreshed {
            Err(Trouble::Dynamics(error))
                if matches!(error, Error::DeltaExpired(_)) || is_untracked(&error) =>
            {
                info!(
                    table = self.name(),
                    error.code = error.code(),
                    "a table is read anew"
                );
                self.load_anew().await
            }
            done => done,
        }
    }

    /// Reads the accounts that kept contacts belong to and that are not there.
    pub(super) async fn missing_accounts(
        &self,
        asked_in_vain: &mut BTreeSet<String>,
    ) -> Result<(), Trouble> {
        let Some(parent) = copies::parent_column(Table::Contact) else {
            return Ok(());
        };
        let key = copies::text_key(parent);
        loop {
            let state = self.state().await?;
            let at_most = u32::try_from(asked_in_vain.len()).unwrap_or(u32::MAX);
            let missing = self
                .cache
                .missing(
                    self.organization(),
                    Table::Contact.logical_name(),
                    &key,
                    Table::Account.logical_name(),
                    at_most.saturating_add(IDS_AT_ONCE),
                )
                .await?;
            let asked: Vec<String> = missing
                .into_iter()
                .filter(|id| !asked_in_vain.contains(id))
                .take(IDS_AT_ONCE.try_into().unwrap_or(usize::MAX))
                .collect();
            let filters: Vec<_> = asked
                .iter()
                .filter_map(|id| id.parse::<uuid::Uuid>().ok())
                .map(|id| dataverse::Filter::equals(self.plan.table.key_column(), id))
                .collect();
            asked_in_vain.extend(asked.iter().cloned());
            if filters.is_empty() {
                return Ok(());
            }
            let query = self
                .plan
                .query(&self.rules)
                .filter(dataverse::Filter::Or(filters));
            let page = self.client.query(&query).await?;
            let now = self.clock.now();
            let sifted = self.sift(page.rows, now).await?;
            for copy in &sifted.copies {
                asked_in_vain.remove(&copy.id);
            }
            let page = SyncPage {
                records: &sifted.copies,
                turn: Some(self.turn(&state)),
                ..SyncPage::default()
            };
            self.cache
                .put_changes(self.organization(), self.name(), &page, now)
                .await?;
        }
    }

    async fn load_anew(&self) -> Result<(), Trouble> {
        let total = estimate::total(self.client, self.plan.table).await;
        let state = self.begun(estimate::unless_refused(total)?).await?;
        match self.load(&state).await {
            Err(Trouble::Dynamics(error)) if is_untracked(&error) => {
                info!(
                    table = self.name(),
                    error.code = error.code(),
                    "read without change tracking"
                );
                self.load_untracked().await
            }
            done => done,
        }
    }

    async fn begun(&self, expected: Option<u64>) -> Result<Synchronised, Trouble> {
        self.cache
            .begin_load(self.organization(), self.name(), &self.plan.spec, expected)
            .await?;
        Ok(self.state().await?)
    }

    /// Goes on where the load was; from the beginning, if it has not come further.
    async fn load(&self, state: &Synchronised) -> Result<(), Trouble> {
        let place: Option<Place> = state
            .next
            .as_deref()
            .and_then(|next| serde_json::from_str(next).ok());
        let link = place
            .as_ref()
            .and_then(|place| NextLink::from_text(&place.link));
        match (link, place) {
            (Some(link), Some(place)) => {
                let pages = Box::pin(self.client.resume_tracked(&link));
                self.take(pages, state, place.is_tracked, place.newest)
                    .await
            }
            _ => {
                let pages = Box::pin(self.client.load_tracked(&self.plan.query(&self.rules)));
                self.take(pages, state, true, None).await
            }
        }
    }

    async fn load_untracked(&self) -> Result<(), Trouble> {
        let mut query = self.plan.query(&self.rules);
        if let Some(filter) = self.plan.filter(self.clock.now()) {
            query = query.filter(filter);
        }
        let counted = self.client.count(&query).await.map(Some);
        let counted = estimate::unless_refused(counted)?;
        let state = self
            .begun(counted.filter(|rows| *rows < estimate::COUNTED_TO))
            .await?;
        let pages = self.untracked(&query);
        self.take(pages, &state, false, None).await
    }

    /// Keeps the pages of a load, each with where it goes on; the next page is read meanwhile.
    async fn take(
        &self,
        mut pages: Pages<'_>,
        state: &Synchronised,
        is_tracked: bool,
        mut newest: Option<Timestamp>,
    ) -> Result<(), Trouble> {
        let (mut done, mut kept) = (state.done, 0);
        let tell = |done, kept| {
            let expected = state.expected;
            (self.progress)(
                self.plan.table,
                Progress::Loading {
                    done,
                    expected,
                    kept,
                },
            );
        };
        tell(done, kept);
        let mut page = pages.next().await.transpose()?;
        while let Some(ChangePage {
            changed,
            deleted,
            next,
            delta,
        }) = page
        {
            let keep = async {
                let now = self.clock.now();
                let seen = u64::try_from(changed.len()).unwrap_or(u64::MAX);
                let sifted = self.sift(changed, now).await?;
                newest = newest.max(sifted.newest);
                let next = next.map(|link| Place {
                    link: link.to_text(),
                    newest: newest.filter(|_| !is_tracked),
                    is_tracked,
                });
                let next = next.map(|place| written(&place)).transpose()?;
                let delta = match (&next, delta) {
                    (Some(_), _) => None,
                    (None, Some(delta)) => Some(delta.to_text()),
                    (None, None) => Some(written(&Watermark {
                        changed: newest.unwrap_or_else(|| plan::days_before(now, 1)),
                        loaded: now,
                    })?),
                };
                let gone: Vec<String> = deleted.iter().map(|row| row.id.to_string()).collect();
                let page = SyncPage {
                    records: &sifted.copies,
                    gone: &gone,
                    unwanted: &sifted.unwanted,
                    seen,
                    next: next.as_deref(),
                    delta: delta.as_deref(),
                    turn: Some(self.turn(state)),
                };
                self.cache
                    .put_load(self.organization(), self.name(), &page, now)
                    .await?;
                done += seen;
                kept += u64::try_from(sifted.copies.len()).unwrap_or(u64::MAX);
                tell(done, kept);
                Ok::<_, Trouble>(())
            };
            // The next page may fail; this one is kept nevertheless.
            let (this, following) = tokio::join!(keep, pages.next());
            this?;
            page = following.transpose()?;
        }
        info!(table = self.name(), rows = done, "a table is loaded");
        Ok(())
    }

    async fn changes(&self, since: &DeltaLink, state: &Synchronised) -> Result<(), Trouble> {
        let pages = Box::pin(self.client.changes(since));
        self.put_changes(pages, state, |_| None).await
    }

    async fn changed_since(
        &self,
        watermark: &Watermark,
        state: &Synchronised,
    ) -> Result<(), Trouble> {
        let since = watermark
            .changed
            .checked_sub(OVERLAP)
            .unwrap_or(Timestamp::MIN);
        let query = self
            .plan
            .query(&self.rules)
            .filter(plan::changed_since(since))
            .order_by("modifiedon", Direction::Ascending)
            .order_by(self.plan.table.key_column(), Direction::Ascending);
        let next = |newest: Option<Timestamp>| {
            Some(Watermark {
                changed: newest.map_or(watermark.changed, |newest| newest.max(watermark.changed)),
                loaded: watermark.loaded,
            })
        };
        self.put_changes(self.untracked(&query), state, next).await
    }

    async fn put_changes(
        &self,
        mut pages: Pages<'_>,
        state: &Synchronised,
        watermark: impl Fn(Option<Timestamp>) -> Option<Watermark>,
    ) -> Result<(), Trouble> {
        let mut newest = None;
        while let Some(page) = pages.next().await.transpose()? {
            let now = self.clock.now();
            let gone: Vec<String> = page.deleted.iter().map(|row| row.id.to_string()).collect();
            let sifted = self.sift(page.changed, now).await?;
            newest = newest.max(sifted.newest);
            let next = page.next.map(|link| link.to_text());
            let delta = match (&next, page.delta) {
                (Some(_), _) => None,
                (None, Some(delta)) => Some(delta.to_text()),
                (None, None) => watermark(newest).as_ref().map(written).transpose()?,
            };
            let page = SyncPage {
                records: &sifted.copies,
                gone: &gone,
                unwanted: &sifted.unwanted,
                seen: 0,
                next: next.as_deref(),
                delta: delta.as_deref(),
                turn: Some(self.turn(state)),
            };
            self.cache
                .put_changes(self.organization(), self.name(), &page, now)
                .await?;
        }
        Ok(())
    }

    /// The rows of a query in the shape of changes of which none is a deletion.
    fn untracked(&self, query: &Query) -> Pages<'static> {
        let pages = self.client.pages(query).map(|page| {
            page.map(|page| ChangePage {
                changed: page.rows,
                deleted: Vec::new(),
                next: page.next,
                delta: None,
            })
        });
        Box::pin(pages)
    }

    /// Makes copies of the rows that are kept; numbers are parsed and texts folded, which is work for a thread of its own.
    async fn sift(&self, rows: Vec<Row>, now: Timestamp) -> Result<Sifted, Trouble> {
        let (plan, rules) = (Arc::clone(&self.plan), Arc::clone(&self.rules));
        let sifted = tokio::task::spawn_blocking(move || sift(&plan, &rules, &rows, now)).await;
        let mut sifted =
            sifted.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        if self.plan.kept.keep == Keep::OfContacts
            && let Some(parent) = copies::parent_column(Table::Contact)
        {
            let ids: Vec<String> = sifted.copies.iter().map(|copy| copy.id.clone()).collect();
            let wanted: BTreeSet<String> = self
                .cache
                .referred(
                    self.organization(),
                    Table::Contact.logical_name(),
                    &copies::text_key(parent),
                    &ids,
                )
                .await?
                .into_iter()
                .collect();
            let (kept, unwanted): (Vec<_>, Vec<_>) = sifted
                .copies
                .into_iter()
                .partition(|copy| wanted.contains(&copy.id));
            sifted.copies = kept;
            sifted
                .unwanted
                .extend(unwanted.into_iter().map(|copy| copy.id));
        }
        Ok(sifted)
    }

    fn is_topped_up(&self, watermark: &Watermark) -> bool {
        self.clock.now().duration_since(watermark.loaded) < TOPPED_UP_FOR
    }

    async fn state(&self) -> Result<Synchronised, store::Error> {
        self.cache
            .synchronised(self.organization(), self.name())
            .await
    }

    fn turn(&self, state: &Synchronised) -> Turn<'_> {
        Turn {
            user: self.user,
            load: state.load,
        }
    }

    fn organization(&self) -> &str {
        crate::cached::organization(self.client)
    }

    fn name(&self) -> &'static str {
        self.plan.table.logical_name()
    }
}

fn sift(plan: &Plan, rules: &Rules, rows: &[Row], now: Timestamp) -> Sifted {
    let mut sifted = Sifted {
        copies: Vec::with_capacity(rows.len()),
        unwanted: Vec::new(),
        newest: None,
    };
    for row in rows {
        let Some(record) = plan.record(rules, row, now) else {
            continue;
        };
        sifted.newest = sifted.newest.max(local::modified_at(&record));
        match kept(plan, rules, &record, now) {
            Some(copy) => sifted.copies.push(copy),
            None => sifted.unwanted.push(record.id),
        }
    }
    sifted
}

fn kept(plan: &Plan, rules: &Rules, record: &Record, now: Timestamp) -> Option<CachedRecord> {
    if !plan.keeps(record, now) {
        return None;
    }
    match local::copy(rules, record) {
        Ok(copy) => Some(copy),
        Err(error) => {
            warn!(%error, "a record has no JSON form and is not copied");
            None
        }
    }
}

/// A text to keep. These have a JSON form always.
fn written(value: &impl Serialize) -> Result<String, store::Error> {
    serde_json::to_string(value).map_err(|_| store::Error::Stored("place of a load"))
}

/// Whether Dynamics does not track the table's changes for this user.
fn is_untracked(error: &Error) -> bool {
    matches!(
        error,
        Error::NoChangeTracking(_) | Error::MissingPrivilege { .. } | Error::Forbidden(_)
    )
}

/// Whether a link means nothing to Dynamics any more.
fn is_forgotten(error: &Error) -> bool {
    matches!(
        error,
        Error::BadRequest(_)
            | Error::NotFound(_)
            | Error::DeltaExpired(_)
            | Error::InvalidAnswer { .. }
    ) || is_untracked(error)
}
