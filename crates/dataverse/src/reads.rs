//! Reading rows, records and numbers.

use crate::call::{Call, header};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::odata::{Key, Query, column, invalid, record_path};
use crate::row::{NextLink, Page, Row};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::StatusCode;
use reqwest::header::IF_NONE_MATCH;
use url::Url;

/// What a conditional read found (protocol page `crud.md`, section "Retrieve").
#[derive(Clone, Debug, PartialEq)]
pub enum Retrieved {
    /// The record still has the version that was named.
    NotModified,
    /// The record as it is now.
    Row(Row),
}

impl Client {
    /// Reads the first page of a query (protocol page `query.md`).
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the query, signing in, sending or answering.
    pub async fn query(&self, query: &Query) -> Result<Page> {
        self.page(self.query_call(query)?, query.entity_set(), query.prefer())
            .await
    }

    /// Reads the page behind a link, exactly as Dataverse gave it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAnswer`] if the link leads out of the organization's Web API; otherwise as [`Client::query`].
    pub async fn next_page(&self, next: &NextLink) -> Result<Page> {
        let url = self
            .own_link(&next.link)
            .ok_or_else(|| Error::InvalidAnswer {
                reason: "the next page is said to be elsewhere",
                request_id: None,
            })?;
        let call = Call::read("query", Some(&next.entity_set), url).prefer(next.prefer.clone())?;
        self.page(call, &next.entity_set, next.prefer.clone()).await
    }

    /// Reads all pages of a query, each when it is asked for (protocol page `query.md`, section "Ordering, top, count,
    /// paging"). Dropping the stream ends it; after an error it ends too.
    ///
    /// # Errors
    ///
    /// As for [`Client::query`] and [`Client::next_page`]; [`Error::InvalidAnswer`] if a page names itself as the next.
    pub fn pages(&self, query: &Query) -> impl Stream<Item = Result<Page>> + Send + use<> {
        enum Next {
            First(Box<Query>),
            Link(NextLink),
            End,
        }
        let start = (self.clone(), Next::First(Box::new(query.clone())));
        try_unfold(start, |(client, next)| async move {
            let (page, last) = match next {
                Next::First(query) => (client.query(&query).await?, None),
                Next::Link(link) => (client.next_page(&link).await?, Some(link)),
                Next::End => return Ok(None),
            };
            if page.next.is_some() && page.next == last {
                return Err(Error::InvalidAnswer {
                    reason: "a page names itself as the next",
                    request_id: None,
                });
            }
            let next = page.next.clone().map_or(Next::End, Next::Link);
            Ok(Some((page, (client, next))))
        })
    }

    /// Counts the rows for which the query's filter is true; of the query, `filter` counts (protocol page `query.md`,
    /// section "Ordering, top, count, paging"). Dataverse counts no further than 5000, and on-premises it takes no filter
    /// here: there, ask with [`Query::count`].
    ///
    /// # Errors
    ///
    /// As for [`Client::query`].
    pub async fn count(&self, query: &Query) -> Result<u64> {
        let entity_set = column(query.entity_set())?;
        let url = self.url(
            &format!("{entity_set}/$count"),
            &query.count_query_string()?,
        )?;
        self.execute(Call::read("count", Some(entity_set), url))
            .await?
            .into_number()
    }

    /// Reads one record; of the query, `select`, `expand` and `formatted_values` count (protocol page `crud.md`, section
    /// "Retrieve").
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such record; otherwise as [`Client::query`].
    pub async fn retrieve(
        &self,
        entity_set: &str,
        key: impl Into<Key>,
        query: &Query,
    ) -> Result<Row> {
        let call = self.retrieve_call(entity_set, &key.into(), query)?;
        self.execute(call)
            .await?
            .into_success_object()
            .map(Row::from)
    }

    /// Reads one record if it no longer has this ETag (protocol page `crud.md`, section "Retrieve"). Tables without
    /// optimistic concurrency always give the record.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidQuery`] if the query expands or asks for formatted values, for then Dataverse does not compare;
    /// otherwise as [`Client::retrieve`].
    pub async fn retrieve_if_changed(
        &self,
        entity_set: &str,
        key: impl Into<Key>,
        query: &Query,
        etag: &str,
    ) -> Result<Retrieved> {
        if !query.may_be_conditional() {
            return Err(invalid(
                "a conditional read takes no expand and no formatted values",
            ));
        }
        let mut call = self.retrieve_call(entity_set, &key.into(), query)?;
        call.headers
            .insert(IF_NONE_MATCH, header("the version of a record", etag)?);
        let answer = self.answer(call).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Retrieved::NotModified);
        }
        let row = answer.into_success()?.into_success_object()?;
        Ok(Retrieved::Row(Row::from(row)))
    }

    pub(crate) fn query_call(&self, query: &Query) -> Result<Call> {
        let entity_set = column(query.entity_set())?;
        let url = self.url(entity_set, &query.query_string()?)?;
        Call::read("query", Some(entity_set), url).prefer(query.prefer())
    }

    pub(crate) fn retrieve_call(&self, entity_set: &str, key: &Key, query: &Query) -> Result<Call> {
        let url = self.url(
            &record_path(entity_set, key)?,
            &query.single_row_query_string()?,
        )?;
        Call::read("retrieve", Some(entity_set), url).prefer(query.prefer())
    }

    /// A link that Dataverse gave, if it leads into the organization's Web API: the token goes where it leads.
    pub(crate) fn own_link(&self, link: &str) -> Option<Url> {
        // Compared after parsing, which resolves "/../".
        Url::parse(link).ok().filter(|url| {
            url.as_str()
                .starts_with(self.organization().api_root().as_str())
        })
    }

    pub(crate) async fn page(
        &self,
        call: Call,
        entity_set: &str,
        prefer: Option<String>,
    ) -> Result<Page> {
        let envelope = self.execute(call).await?.into_success_object()?;
        Page::read(envelope, prefer, entity_set)
    }
}
