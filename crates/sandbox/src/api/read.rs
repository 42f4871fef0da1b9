//! Lists, counts and single rows (protocol pages `crud.md`, section "Retrieve", and `query.md`).

use std::collections::HashMap;

use sandbox_syntax::options::Options;
use sqlx::SqliteConnection;

use super::paging::PagePlace;
use super::{Call, Level};
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::query::Query;
use crate::rows::{self, LARGEST_PAGE, Reading, Selection};
use crate::security::Access;
use crate::server::Answer;
use crate::value::Value;

impl Call<'_> {
    pub(crate) fn reading<'r>(&'r self, aliases: &'r HashMap<String, String>) -> Reading<'r> {
        Reading {
            caller: &self.caller,
            now: self.organization.clock.now(),
            aliases,
            annotations: self.preferences.annotations,
            full: Level::read(&self.request.headers) == Level::Full,
            base: &self.request.base,
        }
    }

    fn is_not_modified(&self, options: &Options, etag: &str) -> bool {
        options.expand.is_empty()
            && self.preferences.include_annotations.is_none()
            && self
                .request
                .header("if-none-match")
                .is_some_and(|known| known == etag)
    }

    pub(super) async fn list(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        base: Query,
    ) -> Result<Answer, ApiError> {
        let options = Options::read(&self.request.query)?;
        let selection = Selection::read(table, &options, false)?;
        let reading = self.reading(&options.aliases);
        let mut query = reading.query(base, &options)?;
        let page_size = self.preferences.page_size.unwrap_or(LARGEST_PAGE);
        let place = options
            .skip_token
            .as_deref()
            .map(PagePlace::read)
            .transpose()?
            .unwrap_or_default();
        // With a page size, `$top` is ignored.
        let top = options.top.filter(|_| self.preferences.page_size.is_none());
        query.limit = Some(top.unwrap_or(page_size + 1));
        query.offset = place.rows;
        let mut records = rows::fetch(connection, &query, &selection, reading.annotations).await?;
        let more = top.is_none() && records.len() > page_size as usize;
        if more {
            records.truncate(page_size as usize);
        }
        let next = more.then(|| self.next_link(table, &place, &records));
        let rendered =
            rows::render(connection, &records, &selection, &options.expand, &reading).await?;

        let mut body = vec![self.context(&selection.context())];
        let counted = if options.count {
            Some(count(connection, &query).await?)
        } else {
            None
        };
        if let Some(counted) = counted {
            body.push(("@odata.count".to_owned(), Json::Number(counted.to_string())));
        }
        if reading.annotations.all {
            let total = counted.unwrap_or(-1);
            let annotation = |name: &str| format!("@Microsoft.Dynamics.CRM.{name}");
            body.push((
                annotation("totalrecordcount"),
                Json::Number(total.to_string()),
            ));
            body.push((
                annotation("totalrecordcountlimitexceeded"),
                Json::Boolean(total >= i64::from(LARGEST_PAGE)),
            ));
        }
        if reading.annotations.metadata_version {
            body.push((
                "@Microsoft.Dynamics.CRM.globalmetadataversion".to_owned(),
                Json::Text(catalog().version.to_string()),
            ));
        }
        body.push((
            "value".to_owned(),
            Json::Array(rendered.into_iter().map(Json::Object).collect()),
        ));
        if let Some(next) = next {
            body.push(("@odata.nextLink".to_owned(), Json::Text(next)));
        }
        let mut answer = self.json(200, Json::Object(body));
        if let Some(applied) = self.preferences.applied(true, false) {
            answer = answer.header("preference-applied", applied);
        }
        Ok(answer)
    }

    pub(super) async fn count(
        &self,
        connection: &mut SqliteConnection,
        base: Query,
    ) -> Result<Answer, ApiError> {
        let options = Options::read(&self.request.query)?;
        let query = self.reading(&options.aliases).query(base, &options)?;
        let counted = count(connection, &query).await?;
        Ok(Answer::new(200, "text/plain", format!("\u{feff}{counted}"))
            .header("odata-version", "4.0"))
    }

    pub(super) async fn single(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
    ) -> Result<Answer, ApiError> {
        match self.read_row(connection, table, id, 200).await? {
            Some(answer) => Ok(answer),
            None => Err(self.no_row(table, id)),
        }
    }

    /// 404 in the wording of the deployment.
    pub(crate) fn no_row(&self, table: &Table, id: &str) -> ApiError {
        let mut error = ApiError::no_row(table, id);
        if self.request.deployment == Deployment::OnPremises {
            error.message = format!("{} With Id = {id} Does Not Exist", table.logical);
        }
        error
    }

    /// One row as an answer with its ETag; `None` if there is no such row.
    pub(crate) async fn read_row(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        status: u16,
    ) -> Result<Option<Answer>, ApiError> {
        let mut options = Options::read(&self.request.query)?;
        if self.request.method == "PATCH" {
            // An update's representation ignores `$expand` (protocol page `crud.md`, section "Update").
            options.expand.clear();
        }
        self.read_row_with(connection, table, id, status, &options)
            .await
    }

    async fn read_row_with(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        status: u16,
        options: &Options,
    ) -> Result<Option<Answer>, ApiError> {
        if let Some(option) = single_row_misuse(options) {
            return Err(ApiError::request(format!(
                "The query specified in the URI is not valid. Query option '{option}' cannot be applied to the requested \
                 resource."
            )));
        }
        let selection = Selection::read(table, options, true)?;
        let reading = self.reading(&options.aliases);
        let query = reading.query(Query::new(table), options)?;
        self.caller
            .require_row(connection, Access::Read, table, id)
            .await?;
        let Some(key) = table.column(&table.id) else {
            return Ok(None);
        };
        let records = rows::fetch(
            connection,
            &query.only(key, id),
            &selection,
            reading.annotations,
        )
        .await?;
        let Some(record) = records.first() else {
            return Ok(None);
        };
        let etag = record.etag();
        if self.request.method == "GET"
            && table.optimistic_concurrency
            && self.is_not_modified(options, &etag)
        {
            return Ok(Some(
                Answer::empty(304)
                    .header("etag", etag)
                    .header("odata-version", "4.0"),
            ));
        }
        let rendered =
            rows::render(connection, &records, &selection, &options.expand, &reading).await?;
        let mut members = vec![self.context(&format!("{}/$entity", selection.context()))];
        members.extend(rendered.into_iter().next().unwrap_or_default());
        let mut answer = self
            .json(status, Json::Object(members))
            .header("etag", etag);
        if let Some(applied) = self
            .preferences
            .applied(false, self.request.method != "GET")
        {
            answer = answer.header("preference-applied", applied);
        }
        Ok(Some(answer))
    }
}

async fn count(connection: &mut SqliteConnection, query: &Query) -> Result<i64, ApiError> {
    let row = query
        .count(i64::from(LARGEST_PAGE))
        .query()
        .fetch_one(connection)
        .await?;
    Ok(Value::at(&row, 0)?.integer().unwrap_or(0))
}

fn single_row_misuse(options: &Options) -> Option<&'static str> {
    if options.filter.is_some() {
        Some("$filter")
    } else if !options.order.is_empty() {
        Some("$orderby")
    } else if options.top.is_some() {
        Some("$top")
    } else if options.count {
        Some("$count")
    } else {
        None
    }
}
