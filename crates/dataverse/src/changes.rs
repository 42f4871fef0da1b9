//! What has changed in a table since it was last read (protocol page `sync.md`, section "Change tracking").

use crate::call::Call;
use crate::client::Client;
use crate::error::{Error, Result, ServiceAnswer};
use crate::odata::{Query, column, encode};
use crate::row::{NextLink, Page, Row};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// One page of a first load or of what has changed since.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// Rows as they are now; whether one is new or was changed is not told.
    pub changed: Vec<Row>,
    /// Rows that are gone. One may be among them that was never seen.
    pub deleted: Vec<Deleted>,
    /// Where the next page is; none on the last one.
    pub next: Option<NextLink>,
    /// Where the next changes will be, on the last page only. To be kept once this page is kept.
    pub delta: Option<DeltaLink>,
}

/// A row that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its id.
    pub id: Uuid,
    /// Why, in Dataverse's word: `deleted`, or `changed` where only the access to it was lost.
    pub reason: Option<String>,
}

/// Where the changes since a load will be: to be kept and handed back as it is, for seven days at most.
#[derive(Clone, PartialEq, Eq)]
pub struct DeltaLink {
    entity_set: String,
    link: String,
}

impl DeltaLink {
    /// The text to keep.
    pub fn to_text(&self) -> String {
        json!({"entitySet": self.entity_set, "link": self.link}).to_string()
    }

    /// Reads what [`DeltaLink::to_text`] gave; none if it is something else.
    pub fn from_text(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        let member = |name| kept.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            entity_set: member("entitySet")?,
            link: member("link")?,
        })
    }

    /// The entity set whose changes these are.
    pub fn entity_set(&self) -> &str {
        &self.entity_set
    }
}

impl fmt::Debug for DeltaLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaLink")
            .field("entity_set", &self.entity_set)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Reads a whole table and has Dataverse remember where that was: the last page has the [`DeltaLink`]. Of the query,
    /// `select`, `page_size` and `formatted_values` count. Dropping the stream ends it; after an error it ends too.
    ///
    /// # Errors
    ///
    /// [`Error::NoChangeTracking`]; [`Error::MissingPrivilege`], for it takes read access to the whole organization's
    /// rows; otherwise as for [`Client::pages`].
    pub fn load_tracked(
        &self,
        query: &Query,
    ) -> impl Stream<Item = Result<ChangePage>> + Send + use<> {
        self.change_pages(Next::Load(Box::new(query.clone())))
    }

    /// Goes on with a load behind the page that had this link.
    ///
    /// # Errors
    ///
    /// As for [`Client::load_tracked`]; [`Error::BadRequest`] where Dataverse does not know the link any more.
    pub fn resume_tracked(
        &self,
        next: &NextLink,
    ) -> impl Stream<Item = Result<ChangePage>> + Send + use<> {
        self.change_pages(Next::Link(next.clone(), false))
    }

    /// Reads what has changed since the link was given; the last page has the next link.
    ///
    /// # Errors
    ///
    /// [`Error::DeltaExpired`] if Dataverse does not remember that far back, does not understand the link any more, or
    /// the link is another organization's: then everything has to be loaded again, and rows that do not come are gone.
    /// Otherwise as for [`Client::pages`].
    pub fn changes(
        &self,
        since: &DeltaLink,
    ) -> impl Stream<Item = Result<ChangePage>> + Send + use<> {
        self.change_pages(Next::Delta(since.clone()))
    }

    /// How many rows have changed or are gone since the link was given (protocol page `sync.md`, section "Change
    /// tracking"); Dataverse counts no further than 5000. The link stays as good as it was.
    ///
    /// # Errors
    ///
    /// As for [`Client::changes`].
    pub async fn count_changes(&self, since: &DeltaLink) -> Result<u64> {
        let mut url = self.own_link(&since.link).ok_or_else(not_ours)?;
        let token = url
            .query_pairs()
            .find(|(name, _)| name == "$deltatoken")
            .map(|(_, token)| token.into_owned())
            .ok_or_else(not_ours)?;
        url.set_path(&format!("{}/$count", url.path()));
        // Nothing else of the link counts, and on this path nothing else is documented.
        url.set_query(Some(&format!("$deltatoken={}", encode(&token))));
        self.execute(Call::read("count changes", Some(&since.entity_set), url))
            .await
            .map_err(expired)?
            .into_number()
    }

    fn change_pages(&self, first: Next) -> impl Stream<Item = Result<ChangePage>> + Send + use<> {
        try_unfold((self.clone(), first), |(client, next)| async move {
            let (page, follows_delta) = match next {
                Next::Load(query) => (client.first_tracked(&query).await?, false),
                Next::Delta(link) => (client.first_changed(&link).await?, true),
                Next::Link(link, follows_delta) => {
                    let page = client.next_page(&link).await;
                    let page = if follows_delta {
                        page.map_err(expired)?
                    } else {
                        page?
                    };
                    if page.next.as_ref() == Some(&link) {
                        return Err(Error::InvalidAnswer {
                            reason: "a page names itself as the next",
                            request_id: None,
                        });
                    }
                    (page, follows_delta)
                }
                Next::End => return Ok(None),
            };
            let page = split(page)?;
            let next = page.next.clone();
            let next = next.map_or(Next::End, |link| Next::Link(link, follows_delta));
            Ok(Some((page, (client, next))))
        })
    }

    async fn first_tracked(&self, query: &Query) -> Result<Page> {
        let entity_set = column(query.entity_set())?;
        let url = self.url(entity_set, &query.tracked_query_string()?)?;
        let preferences: Vec<_> = ["odata.track-changes".to_owned()]
            .into_iter()
            .chain(query.prefer())
            .collect();
        let prefer = Some(preferences.join(","));
        let call = Call::read("load", Some(entity_set), url).prefer(prefer.clone())?;
        self.page(call, entity_set, prefer).await
    }

    async fn first_changed(&self, since: &DeltaLink) -> Result<Page> {
        let url = self.own_link(&since.link).ok_or_else(not_ours)?;
        let call = Call::read("changes", Some(&since.entity_set), url);
        self.page(call, &since.entity_set, None)
            .await
            .map_err(expired)
    }
}

enum Next {
    Load(Box<Query>),
    Delta(DeltaLink),
    /// And whether it follows a delta link.
    Link(NextLink, bool),
    End,
}

/// A link of another organization, or none.
fn not_ours() -> Error {
    Error::DeltaExpired(ServiceAnswer::new(None, None, None, None))
}

/// Of a delta link every 400 and 410 means that it is of no use any more.
fn expired(error: Error) -> Error {
    let answer = error.answer().cloned();
    match answer {
        Some(answer) if matches!(answer.status(), Some(400 | 410)) => Error::DeltaExpired(answer),
        _ => error,
    }
}

fn split(page: Page) -> Result<ChangePage> {
    let mut changes = ChangePage {
        changed: Vec::new(),
        deleted: Vec::new(),
        next: page.next,
        delta: page
            .delta
            .map(|(entity_set, link)| DeltaLink { entity_set, link }),
    };
    for row in page.rows {
        let is_deleted = row
            .text("@odata.context")
            .is_some_and(|context| context.ends_with("/$deletedEntity"));
        if is_deleted {
            let id = row.id("id").ok_or_else(|| Error::InvalidAnswer {
                reason: "a deleted row has no id",
                request_id: None,
            })?;
            let reason = row.text("reason").map(str::to_owned);
            changes.deleted.push(Deleted { id, reason });
        } else {
            changes.changed.push(row);
        }
    }
    Ok(changes)
}
