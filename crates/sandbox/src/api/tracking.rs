//! Change tracking (protocol page `sync.md`): a list asked for with `Prefer: odata.track-changes` ends with a delta link,
//! and a request with its `$deltatoken` answers what has changed since.
//!
//! A token stands for a row version, a moment, and the number of deletions until then. It is taken before the first row is
//! read and travels in the next links, so that a change between two pages is told twice rather than never.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sandbox_syntax::options::{Options, pairs};
use sqlx::SqliteConnection;

use super::{Call, Request};
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::query::Query;
use crate::rows::{self, LARGEST_PAGE, Record, Selection};
use crate::security::Access;
use crate::server::Answer;
use crate::store::Store;
use crate::value::{Statement, Value};

/// How long deltas are kept if the organization does not say: 7 days.
const RETENTION_DAYS: i64 = 7;

/// How a token writes its moment: `08/22/2017 08:10:44`.
const MOMENT: &str = "%m/%d/%Y %H:%M:%S";

/// What stays unencoded in a token: letters, digits, dots and dashes.
const TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-');

const OPTIONS: [&str; 4] = ["$filter", "$orderby", "$expand", "$top"];

fn is_tracked(table: &Table) -> bool {
    table.description.change_tracking_enabled && !table.is_view()
}

/// Makes the database remember what is deleted, by whatever statement: cascades too.
pub(crate) async fn prepare(store: &Store) -> Result<(), sqlx::Error> {
    let mut transaction = store.write().await?;
    for statement in [
        "CREATE TABLE IF NOT EXISTS deleted_rows \
         (number INTEGER PRIMARY KEY AUTOINCREMENT, of TEXT NOT NULL, id TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS deleted_rows__of ON deleted_rows (of, number)",
    ] {
        Statement::new(statement)
            .query()
            .execute(&mut *transaction)
            .await?;
    }
    for table in &catalog().tables {
        remember(&mut transaction, table).await?;
    }
    transaction.commit().await
}

/// Makes the database remember what is deleted from a table, if its changes are tracked.
pub(crate) async fn remember(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    if !is_tracked(table) {
        return Ok(());
    }
    for statement in [
        format!(
            "CREATE TRIGGER IF NOT EXISTS {table}__deleted AFTER DELETE ON {table} BEGIN \
             INSERT INTO deleted_rows (of, id) VALUES ('{table}', OLD.{id}); END",
            table = table.logical,
            id = table.id
        ),
        format!(
            "CREATE INDEX IF NOT EXISTS {table}__version ON {table} (versionnumber)",
            table = table.logical
        ),
    ] {
        Statement::new(statement)
            .query()
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Forgets what was deleted from a table that is gone.
pub(crate) async fn forget(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    Statement::new("DELETE FROM deleted_rows WHERE of = ?")
        .with(table.logical.as_str())
        .query()
        .execute(connection)
        .await?;
    Ok(())
}

/// Up to where a client knows a table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    version: i64,
    at: Timestamp,
    deleted: i64,
}

impl Known {
    /// `919042!08/22/2017 08:10:44!17`, percent-encoded.
    fn token(&self) -> String {
        let text = format!(
            "{}!{}!{}",
            self.version,
            self.at.strftime(MOMENT),
            self.deleted
        );
        utf8_percent_encode(&text, TOKEN)
            .to_string()
            .replace("%2F", "%2f")
    }

    fn read(text: &str) -> Option<Known> {
        let mut parts = text.split('!');
        let known = Known {
            version: parts.next()?.parse().ok()?,
            at: Timestamp::strptime("%m/%d/%Y %H:%M:%S %z", format!("{} +0000", parts.next()?))
                .ok()?,
            deleted: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(known)
    }
}

/// A place within the pages of a tracked answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    page: u64,
    /// What the delta link behind the last page will stand for.
    until: Known,
    /// The key of the last row that was told: an id at first, a version in a delta.
    last: String,
}

impl Place {
    fn token(&self) -> String {
        let cookie = format!(
            "<cookie pagenumber=\"{}\" pagingcookie=\"{}!{}\" istracking=\"True\" />",
            self.page + 1,
            self.until.token(),
            self.last
        );
        utf8_percent_encode(&cookie, TOKEN).to_string()
    }

    fn read(text: &str) -> Option<Place> {
        let attribute = |name: &str| {
            let (_, rest) = text.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let (until, last) = attribute("pagingcookie")?.rsplit_once('!')?;
        let until = percent_encoding::percent_decode_str(until)
            .decode_utf8()
            .ok()?;
        Some(Place {
            page: attribute("pagenumber")?.parse().ok()?,
            until: Known::read(&until)?,
            last: last.to_owned(),
        })
    }
}

/// The options of a tracked request.
struct Tracked {
    /// `$select` and what else a list may have.
    rest: String,
    since: Option<Known>,
    place: Option<Place>,
}

/// Is this a request for changes?
pub(super) fn is_asked(request: &Request) -> bool {
    request.method == "GET"
        && (prefers_tracking(request)
            || pairs(&request.query).iter().any(|(name, value)| {
                name == "$deltatoken"
                    || name == "$skiptoken" && value.contains("istracking=\"True\"")
            }))
}

fn prefers_tracking(request: &Request) -> bool {
    request.headers.get_all("prefer").iter().any(|value| {
        let value = value.to_str().unwrap_or("");
        value
            .split(',')
            .any(|preference| preference.trim() == "odata.track-changes")
    })
}

impl Tracked {
    fn read(query: &str) -> Result<Tracked, ApiError> {
        let mut tracked = Tracked {
            rest: String::new(),
            since: None,
            place: None,
        };
        for raw in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pairs(raw).into_iter().next() else {
                continue;
            };
            if OPTIONS.contains(&name.as_str()) {
                return Err(ApiError::request(format!(
                    "The \"{name}\" query parameter isn't supported when Change Tracking is enabled."
                )));
            }
            let wrong = || ApiError::new(400, "0x80040203", "The delta token is not valid.");
            match name.as_str() {
                "$deltatoken" => tracked.since = Some(Known::read(&value).ok_or_else(wrong)?),
                "$skiptoken" => tracked.place = Some(Place::read(&value).ok_or_else(wrong)?),
                _ if tracked.rest.is_empty() => tracked.rest = raw.to_owned(),
                _ => tracked.rest = format!("{}&{raw}", tracked.rest),
            }
        }
        Ok(tracked)
    }
}

impl Call<'_> {
    /// Answers a list with tracking, or what has changed since its delta token.
    pub(super) async fn tracked_list(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
    ) -> Result<Answer, ApiError> {
        let tracked = self.tracked(connection, table).await?;
        let options = Options::read(&tracked.rest)?;
        let selection = Selection::read(table, &options, false)?;
        let reading = self.reading(&options.aliases);
        let until = match &tracked.place {
            Some(place) => place.until.clone(),
            None => self.known_now(connection, table).await?,
        };
        let size = self.preferences.page_size.unwrap_or(LARGEST_PAGE) as usize;
        let keys = page_of_keys(connection, table, &tracked, size).await?;
        let more = keys.len() > size;
        let keys = keys.get(..size.min(keys.len())).unwrap_or_default();
        let records = self.records(connection, table, &selection, keys).await?;
        let rendered = rows::render(connection, &records, &selection, &[], &reading).await?;

        let mut value: Vec<Json> = rendered.into_iter().map(Json::Object).collect();
        if let Some(since) = tracked.since.as_ref().filter(|_| !more) {
            for id in deleted(connection, table, since, &until).await? {
                value.push(Json::Object(vec![
                    self.context(&format!("{}/$deletedEntity", table.set)),
                    ("id".to_owned(), Json::Text(id)),
                    ("reason".to_owned(), Json::text("deleted")),
                ]));
            }
        }
        let context = match tracked.since {
            Some(_) => format!("{}/$delta", selection.context()),
            None => selection.context(),
        };
        let mut link = format!("{}/{}?", self.request.base, self.request.resource);
        if !tracked.rest.is_empty() {
            link.push_str(&tracked.rest);
            link.push('&');
        }
        let mut body = vec![
            self.context(&context),
            ("value".to_owned(), Json::Array(value)),
        ];
        match keys.last().filter(|_| more) {
            Some((id, version)) => {
                let place = Place {
                    page: tracked.place.map_or(1, |place| place.page),
                    until,
                    last: match tracked.since {
                        Some(_) => version.to_string(),
                        None => id.clone(),
                    },
                };
                if let Some(since) = &tracked.since {
                    link.push_str(&format!("$deltatoken={}&", since.token()));
                }
                link.push_str(&format!("$skiptoken={}", place.token()));
                body.push(("@odata.nextLink".to_owned(), Json::Text(link)));
            }
            None => {
                link.push_str(&format!("$deltatoken={}", until.token()));
                body.push(("@odata.deltaLink".to_owned(), Json::Text(link)));
            }
        }
        let applied = prefers_tracking(self.request).then(|| "odata.track-changes".to_owned());
        let applied: Vec<String> = applied
            .into_iter()
            .chain(self.preferences.applied(true, false))
            .collect();
        let answer = self.json(200, Json::Object(body));
        Ok(if applied.is_empty() {
            answer
        } else {
            answer.header("preference-applied", applied.join(","))
        })
    }

    /// `$count?$deltatoken=…`: how many changes there are.
    pub(super) async fn tracked_count(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
    ) -> Result<Answer, ApiError> {
        let tracked = self.tracked(connection, table).await?;
        let since = tracked.since.ok_or_else(|| {
            ApiError::request("The changes of a table are counted since a '$deltatoken'.")
        })?;
        let text = format!(
            "SELECT COUNT(*) FROM {} WHERE versionnumber > ?",
            table.logical
        );
        let row = Statement::new(text)
            .with(since.version)
            .query()
            .fetch_one(&mut *connection)
            .await?;
        let changed = Value::at(&row, 0)?.integer().unwrap_or(0);
        let until = self.known_now(connection, table).await?;
        let gone = deleted(connection, table, &since, &until).await?.len();
        let counted = changed.saturating_add(i64::try_from(gone).unwrap_or(i64::MAX));
        Ok(Answer::new(200, "text/plain", format!("\u{feff}{counted}"))
            .header("odata-version", "4.0"))
    }

    /// The request's options, if the caller may follow the table and the token is not too old.
    async fn tracked(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
    ) -> Result<Tracked, ApiError> {
        self.caller.require(Access::Read, table)?;
        if !is_tracked(table) {
            return Err(ApiError::new(
                400,
                "0x80072491",
                format!(
                    "Entity {} isn't enabled for change tracking.",
                    table.logical
                ),
            ));
        }
        if !self.caller.reads_all(table) {
            return Err(ApiError::new(
                403,
                "0x80040220",
                format!(
                    "Change tracking of the entity '{}' needs its Read privilege at organization level.",
                    table.logical
                ),
            ));
        }
        let tracked = Tracked::read(&self.request.query)?;
        if let Some(since) = &tracked.since {
            let row = Statement::new("SELECT expirechangetrackingindays FROM organization")
                .query()
                .fetch_optional(&mut *connection)
                .await?;
            let days = match row {
                Some(row) => Value::at(&row, 0)?.integer(),
                None => None,
            };
            let kept = SignedDuration::from_hours(24 * days.unwrap_or(RETENTION_DAYS));
            let age = self.organization.clock.now().duration_since(since.at);
            if age > kept {
                return Err(ApiError::new(
                    400,
                    "0x80044352",
                    "Version stamp associated with the client has expired. Please perform a full sync.",
                ));
            }
        }
        Ok(tracked)
    }

    async fn known_now(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
    ) -> Result<Known, ApiError> {
        let text = format!(
            "SELECT (SELECT MAX(versionnumber) FROM {}), (SELECT MAX(number) FROM deleted_rows WHERE of = ?)",
            table.logical
        );
        let row = Statement::new(text)
            .with(table.logical.as_str())
            .query()
            .fetch_one(connection)
            .await?;
        Ok(Known {
            version: Value::at(&row, 0)?.integer().unwrap_or(0),
            at: self.organization.clock.now(),
            deleted: Value::at(&row, 1)?.integer().unwrap_or(0),
        })
    }

    /// The rows with these keys, in their order. One that was deleted meanwhile is left out.
    async fn records(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        selection: &Selection,
        keys: &[(String, i64)],
    ) -> Result<Vec<Record>, ApiError> {
        let Some(id) = table.column(&table.id).filter(|_| !keys.is_empty()) else {
            return Ok(Vec::new());
        };
        let wanted = keys.iter().map(|(id, _)| Value::from(id.as_str()));
        let query = Query::new(table).only_in(id, wanted.collect());
        let mut records =
            rows::fetch(connection, &query, selection, self.preferences.annotations).await?;
        let order: HashMap<&str, usize> = keys
            .iter()
            .enumerate()
            .map(|(place, (id, _))| (id.as_str(), place))
            .collect();
        records.sort_by_key(|record| order.get(record.id.as_str()).copied());
        Ok(records)
    }
}

/// Ids and versions of a page's rows and of one row more: all rows by their ids, or the changed ones by their versions.
async fn page_of_keys(
    connection: &mut SqliteConnection,
    table: &Table,
    tracked: &Tracked,
    size: usize,
) -> Result<Vec<(String, i64)>, ApiError> {
    let last = tracked.place.as_ref().map(|place| place.last.as_str());
    let (column, after) = match &tracked.since {
        None => (table.id.as_str(), Value::from(last.unwrap_or(""))),
        Some(since) => {
            let after = last.and_then(|last| last.parse().ok());
            ("versionnumber", Value::from(after.unwrap_or(since.version)))
        }
    };
    let text = format!(
        "SELECT {id}, versionnumber FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT {limit}",
        id = table.id,
        table = table.logical,
        limit = size + 1
    );
    let rows = Statement::new(text)
        .with(after)
        .query()
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let id = Value::at(row, 0)?.text().unwrap_or("").to_owned();
            Ok((id, Value::at(row, 1)?.integer().unwrap_or(0)))
        })
        .collect()
}

/// The ids of rows that were deleted in between and have not come back.
async fn deleted(
    connection: &mut SqliteConnection,
    table: &Table,
    since: &Known,
    until: &Known,
) -> Result<Vec<String>, ApiError> {
    let text = format!(
        "SELECT d.id FROM deleted_rows d WHERE d.of = ? AND d.number > ? AND d.number <= ? AND NOT EXISTS \
         (SELECT 1 FROM {table} t WHERE t.{id} = d.id) GROUP BY d.id ORDER BY MAX(d.number)",
        table = table.logical,
        id = table.id
    );
    let rows = Statement::new(text)
        .with(table.logical.as_str())
        .with(since.deleted)
        .with(until.deleted)
        .query()
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok(Value::at(row, 0)?.text().unwrap_or("").to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        let known = Known {
            version: 919_042,
            at: "2017-08-22T08:10:44Z".parse().unwrap(),
            deleted: 17,
        };
        assert_eq!(known.token(), "919042%2108%2f22%2f2017%2008%3A10%3A44%2117");
        let query = format!("$select=name&$deltatoken={}", known.token());
        let tracked = Tracked::read(&query).unwrap();
        assert_eq!(tracked.since, Some(known.clone()));
        assert_eq!(tracked.rest, "$select=name");
        let place = Place {
            page: 1,
            until: known,
            last: "60c4a1b2-0000-4000-8000-000000000001".to_owned(),
        };
        let tracked = Tracked::read(&format!("$skiptoken={}", place.token())).unwrap();
        assert_eq!(tracked.place, Some(Place { page: 2, ..place }));
        for bad in ["x", "1!2!3", "1!08/22/2017 08:10:44", "!!"] {
            assert!(
                Tracked::read(&format!("$deltatoken={bad}")).is_err(),
                "{bad}"
            );
        }
    }
}
