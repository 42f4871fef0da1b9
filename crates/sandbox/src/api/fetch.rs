//! `GET set?fetchXml=…`, `?savedQuery=…` and `?userQuery=…` (protocol page `fetchxml.md`). `sql=` has its own module.

use std::collections::HashMap;

use sandbox_syntax::fetch::{self, Aggregate, DateGrouping, Fetch, PagingCookie};
use sandbox_syntax::is_guid;
use sandbox_syntax::options::Whole;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Call;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Kind, Table, catalog};
use crate::query::Query;
use crate::query::fetch::{Compiled, Output, OutputKind, compile};
use crate::rows::{self, FORMATTED, LARGEST_PAGE, LOOKUP_TABLE, NAVIGATION};
use crate::security::Access;
use crate::server::Answer;
use crate::value::{Statement, Value};

/// An aggregate over more rows is refused.
const MOST_AGGREGATED: u32 = 50_000;
/// Without a cookie no page reaches farther.
const MOST_SIMPLY_PAGED: u64 = 50_000;

/// A page that was read.
struct Page {
    rows: Vec<SqliteRow>,
    number: u32,
    more: bool,
    /// Rows of all pages, if they were to be counted: up to one more than the most that is told.
    total: Option<i64>,
}

impl Call<'_> {
    /// Answers a query in another language than query options, over the rows that `base` has.
    pub(super) async fn whole_query(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        base: &Query,
        query: Whole,
        count: bool,
    ) -> Result<Answer, ApiError> {
        let xml = match query {
            Whole::FetchXml(xml) => xml,
            Whole::SavedQuery(id) => self.view(connection, "savedquery", &id).await?,
            Whole::UserQuery(id) => self.view(connection, "userquery", &id).await?,
            Whole::Sql(text) => return self.sql(connection, table, base, &text).await,
        };
        self.fetch_xml(connection, table, base, &xml, count).await
    }

    /// Answers a query in FetchXML; `count` is `$count=true`.
    async fn fetch_xml(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        base: &Query,
        text: &str,
        count: bool,
    ) -> Result<Answer, ApiError> {
        let mut fetch = fetch::read(text)?;
        if fetch.entity.name != table.logical && catalog().table(&fetch.entity.name).is_some() {
            return Err(ApiError::new(
                400,
                "0x80041128",
                "The entity name specified in fetchxml does not match the entity name specified in the Entity Set.",
            ));
        }
        if count && fetch.top.is_some() {
            return Err(argument("$count=true can't be specified with top."));
        }
        fetch.total |= count;
        let no_aliases = HashMap::new();
        let asker = self.reading(&no_aliases).asker();
        let mut compiled = compile(&fetch, &asker)?;
        for table in compiled.query.tables() {
            self.caller.require(Access::Read, table)?;
        }
        compiled.query = self.caller.within_reach(compiled.query.also(base));
        let page = read_page(self, connection, &fetch, &mut compiled).await?;
        let rendered = page
            .rows
            .iter()
            .map(|row| self.fetched(table, &compiled, row).map(Json::Object))
            .collect::<Result<Vec<Json>, ApiError>>()?;

        let names: Vec<&str> = compiled
            .outputs
            .iter()
            .filter(|output| output.of_base || fetch.aggregate)
            .map(|output| output.key.as_str())
            .collect();
        let mut body = vec![self.context(&format!("{}({})", table.set, names.join(",")))];
        if let Some(total) = page.total.filter(|_| count) {
            let told = total.min(i64::from(LARGEST_PAGE));
            body.push(("@odata.count".to_owned(), Json::Number(told.to_string())));
        }
        let name = |name: &str| format!("@Microsoft.Dynamics.CRM.{name}");
        if self.asks_for("Microsoft.Dynamics.CRM.totalrecordcount") {
            let total = page.total.unwrap_or(-1);
            body.push((
                name("totalrecordcount"),
                Json::Number(total.min(i64::from(LARGEST_PAGE)).to_string()),
            ));
            body.push((
                name("totalrecordcountlimitexceeded"),
                Json::Boolean(total > i64::from(LARGEST_PAGE)),
            ));
        }
        if self.preferences.annotations.metadata_version {
            body.push((
                name("globalmetadataversion"),
                Json::Text(catalog().version.to_string()),
            ));
        }
        // These two come unasked: one of the known clients never asks for them (protocol page `clients.md`).
        if page.more {
            if let Some(cookie) = cookie(&compiled, &page)? {
                body.push((name("fetchxmlpagingcookie"), Json::Text(cookie)));
            }
            body.push((name("morerecords"), Json::Boolean(true)));
        }
        body.push(("value".to_owned(), Json::Array(rendered)));
        let mut answer = self.json(200, Json::Object(body));
        if let Some(applied) = self.preferences.applied(false, false) {
            answer = answer.header("preference-applied", applied);
        }
        Ok(answer)
    }

    /// The FetchXML of a view: `savedquery` or `userquery`.
    async fn view(
        &self,
        connection: &mut SqliteConnection,
        kind: &str,
        id: &str,
    ) -> Result<String, ApiError> {
        let id = id.trim_matches(['{', '}', '\'']).to_ascii_lowercase();
        let table = catalog()
            .table(kind)
            .ok_or_else(|| ApiError::not_simulated(format!("the table '{kind}'")))?;
        self.caller.require(Access::Read, table)?;
        if !is_guid(&id) {
            return Err(ApiError::request("Bad Request - Error in query syntax."));
        }
        self.caller
            .require_row(connection, Access::Read, table, &id)
            .await?;
        let text = format!("SELECT fetchxml FROM {kind} WHERE {} = ?", table.id);
        let row = Statement::new(text)
            .with(id.as_str())
            .query()
            .fetch_optional(connection)
            .await?
            .ok_or_else(|| self.no_row(table, &id))?;
        Ok(Value::at(&row, 0)?.text().unwrap_or("").to_owned())
    }

    /// Does the client ask for this annotation?
    fn asks_for(&self, annotation: &str) -> bool {
        self.preferences
            .include_annotations
            .iter()
            .flat_map(|patterns| patterns.split(','))
            .any(|pattern| match pattern.trim().strip_suffix('*') {
                Some(start) => annotation.starts_with(start),
                None => pattern.trim() == annotation,
            })
    }

    /// Refuses an aggregate over more rows than there may be.
    pub(super) async fn aggregable(
        &self,
        connection: &mut SqliteConnection,
        compiled: &Compiled,
        limit: Option<u32>,
    ) -> Result<(), ApiError> {
        let most = limit.unwrap_or(MOST_AGGREGATED).min(MOST_AGGREGATED);
        let counted = compiled.query.count_ungrouped(i64::from(most) + 1);
        if number(connection, counted).await? > i64::from(most) {
            return Err(ApiError::new(
                400,
                "0x8004e023",
                "The maximum record limit is exceeded. Reduce the number of records.",
            ));
        }
        Ok(())
    }

    /// A row as JSON; columns without a value are absent.
    pub(super) fn fetched(
        &self,
        table: &Table,
        compiled: &Compiled,
        row: &SqliteRow,
    ) -> Result<Vec<(String, Json)>, ApiError> {
        let asked = self.preferences.annotations;
        let mut members = Vec::new();
        let mut place = 0;
        if compiled.has_key {
            let version = Value::at(row, 0)?.integer().unwrap_or(0);
            members.push((
                "@odata.etag".to_owned(),
                Json::Text(format!("W/\"{version}\"")),
            ));
            place = 1;
        }
        for output in &compiled.outputs {
            let width = output.columns().len();
            let value = Value::at(row, place)?;
            let (of, label) = if width == 3 {
                (
                    Value::at(row, place + 1)?.text().map(str::to_owned),
                    Value::at(row, place + 2)?.text().map(str::to_owned),
                )
            } else {
                (None, None)
            };
            place += width;
            if value.is_null() {
                continue;
            }
            let mut annotate = |annotation: &str, text: &str| {
                members.push((format!("{}@{annotation}", output.key), Json::text(text)));
            };
            if asked.formatted
                && let Some(text) = formatted(output, &value, label.as_deref())
            {
                annotate(FORMATTED, &text);
            }
            if asked.all && output.aliased {
                annotate(
                    "Microsoft.Dynamics.CRM.attributename",
                    &output.at.column.name,
                );
            }
            if output.kind == OutputKind::Value && output.at.column.kind == Kind::Lookup {
                let of = of.or_else(|| output.at.column.targets.first().cloned());
                if let Some(of) = of {
                    if asked.navigation
                        && output.of_base
                        && let Some(navigation) = table.navigation_to(output.at.column, &of)
                    {
                        annotate(NAVIGATION, navigation);
                    }
                    if asked.lookup_table {
                        annotate(LOOKUP_TABLE, &of);
                    }
                }
            }
            members.push((output.key.clone(), json(output, &value)));
        }
        Ok(members)
    }
}

async fn read_page(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    fetch: &Fetch,
    compiled: &mut Compiled,
) -> Result<Page, ApiError> {
    let columns = compiled.columns();
    if fetch.aggregate {
        call.aggregable(connection, compiled, fetch.aggregate_limit)
            .await?;
    }
    let total = if fetch.total {
        let most = i64::from(LARGEST_PAGE) + 1;
        Some(number(connection, compiled.query.count_of(&columns, most)).await?)
    } else {
        None
    };
    let size = fetch.top.or(fetch.count).unwrap_or(LARGEST_PAGE);
    let page = fetch.page.unwrap_or(1);
    let mut continued = false;
    if let Some(cookie) = &fetch.paging_cookie {
        let cookie = PagingCookie::read(cookie)?;
        // Any other page is counted from the start; the cookie must fit all the same.
        if cookie.page.checked_add(1) == Some(page) {
            continued = compiled.continue_after(&cookie)?;
        }
    }
    if !continued {
        compiled.query.offset = u64::from(page - 1) * u64::from(size);
        if compiled.query.offset + u64::from(size) > MOST_SIMPLY_PAGED && page > 1 {
            return Err(argument(
                "Paging cookie is required when trying to retrieve a set of records on any high pages.",
            ));
        }
    }
    compiled.query.limit = Some(if fetch.top.is_some() { size } else { size + 1 });
    let mut rows = compiled
        .query
        .select(&columns)
        .query()
        .fetch_all(connection)
        .await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    Ok(Page {
        rows,
        number: page,
        more,
        total,
    })
}

async fn number(connection: &mut SqliteConnection, statement: Statement) -> Result<i64, ApiError> {
    let row = statement.query().fetch_one(connection).await?;
    Ok(Value::at(&row, 0)?.integer().unwrap_or(0))
}

/// The text of the paging cookie behind a page.
fn cookie(compiled: &Compiled, page: &Page) -> Result<Option<String>, ApiError> {
    let (Some(columns), Some(first), Some(last)) =
        (&compiled.cookie, page.rows.first(), page.rows.last())
    else {
        return Ok(None);
    };
    let before: usize = compiled
        .outputs
        .iter()
        .map(|output| output.columns().len())
        .sum();
    let before = before + usize::from(compiled.has_key);
    let text = |row: &SqliteRow, place: usize, is_id: bool| -> Result<Option<String>, ApiError> {
        Ok(match Value::at(row, place)? {
            Value::Null => None,
            Value::Text(text) if is_id => Some(format!("{{{}}}", text.to_uppercase())),
            Value::Text(text) => Some(text),
            Value::Integer(integer) => Some(integer.to_string()),
            Value::Real(number) => Some(number.to_string()),
        })
    };
    let mut entries = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let place = before + index;
        let is_id = column.is_id();
        entries.push((
            column.name.as_str(),
            text(first, place, is_id)?,
            text(last, place, is_id)?,
        ));
    }
    Ok(Some(PagingCookie::write(page.number, &entries)))
}

fn json(output: &Output, value: &Value) -> Json {
    match (output.kind, value) {
        (
            OutputKind::Aggregate(Aggregate::Count | Aggregate::CountColumn, _)
            | OutputKind::Children,
            Value::Integer(count),
        ) => Json::Number(count.to_string()),
        (OutputKind::DateGroup(DateGrouping::FiscalPeriod), Value::Integer(both)) => {
            Json::Number((both % 10).to_string())
        }
        (OutputKind::DateGroup(_), Value::Integer(part)) => Json::Number(part.to_string()),
        _ => rows::json(output.at.column, value),
    }
}

fn formatted(output: &Output, value: &Value, name: Option<&str>) -> Option<String> {
    match (output.kind, value) {
        (
            OutputKind::Aggregate(Aggregate::Count | Aggregate::CountColumn, _)
            | OutputKind::Children,
            Value::Integer(count),
        ) => Some(rows::grouped(&count.to_string())),
        (OutputKind::DateGroup(DateGrouping::FiscalPeriod), Value::Integer(both)) => {
            Some(format!("Quarter {} FY{}", both % 10, both / 10))
        }
        (OutputKind::DateGroup(DateGrouping::FiscalYear), Value::Integer(year)) => {
            Some(format!("FY{year}"))
        }
        (OutputKind::DateGroup(_), Value::Integer(part)) => Some(part.to_string()),
        _ => rows::formatted(output.at.column, value, name),
    }
}

/// 400 `0x80040203`.
fn argument(message: &str) -> ApiError {
    ApiError::new(400, "0x80040203", format!("Invalid argument. {message}"))
}
