//! The activity: an account of what was recognised and written. Lines are added, never changed; the file's own triggers
//! refuse anything else.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row, Sqlite, SqliteConnection, Transaction};
use uuid::Uuid;

use crate::outbox::moment;
use crate::{Error, Store};

/// A line to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLine {
    /// The organization that it is about.
    pub organization: String,
    /// When it happened (UTC).
    pub at: Timestamp,
    /// What happened: `created`, `updated`, …
    pub what: String,
    /// The visitor.
    pub visitor: String,
    /// A sentence.
    pub detail: String,
    /// By whom; empty for the program itself.
    pub by: String,
    /// The chat or message.
    pub chat: Option<String>,
    /// The entry of the outbox.
    pub entry: Option<Uuid>,
    /// The logical name of the record's table.
    pub table: Option<String>,
    /// The record's id.
    pub record_id: Option<Uuid>,
    /// What a person calls the record.
    pub record: Option<String>,
}

impl Default for NewLine {
    fn default() -> Self {
        NewLine {
            organization: String::new(),
            at: Timestamp::UNIX_EPOCH,
            what: String::new(),
            visitor: String::new(),
            detail: String::new(),
            by: String::new(),
            chat: None,
            entry: None,
            table: None,
            record_id: None,
            record: None,
        }
    }
}

/// Personal values stay out of logs.
impl std::fmt::Debug for NewLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewLine({})", self.what)
    }
}

/// A line of the activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Rises with every line.
    pub number: i64,
    /// What it says.
    pub line: NewLine,
}

/// Which lines are asked for, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Only lines with this text in visitor, record or detail, in any case.
    pub text: String,
    /// Only these kinds of lines; empty for all.
    pub what: Vec<String>,
    /// Only lines older than this number.
    pub before: Option<i64>,
    /// At most so many; none for all.
    pub limit: Option<u32>,
}

/// Adds lines in a transaction of the caller's.
pub(crate) async fn append(
    transaction: &mut Transaction<'_, Sqlite>,
    lines: &[NewLine],
) -> Result<(), Error> {
    for line in lines {
        let folded = [
            line.visitor.as_str(),
            line.record.as_deref().unwrap_or_default(),
            &line.detail,
        ]
        .join("\n")
        .to_lowercase();
        sqlx::query(
            "INSERT INTO activity (organization, at, what, visitor, detail, by_whom, chat, entry, table_name, record_id, record_name, folded)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&line.organization)
        .bind(line.at.as_millisecond())
        .bind(&line.what)
        .bind(&line.visitor)
        .bind(&line.detail)
        .bind(&line.by)
        .bind(&line.chat)
        .bind(line.entry.map(|entry| entry.to_string()))
        .bind(&line.table)
        .bind(line.record_id.map(|id| id.to_string()))
        .bind(&line.record)
        .bind(folded)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// What keeps lines from being changed, while it is taken off in a transaction.
pub(crate) struct Triggers(Vec<String>);

/// Takes off what keeps lines from being changed. Only who restores it before the transaction ends may call this.
pub(crate) async fn without_triggers(
    transaction: &mut SqliteConnection,
) -> Result<Triggers, Error> {
    let triggers: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = 'activity'",
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut statements = Vec::with_capacity(triggers.len());
    for (name, sql) in triggers {
        sqlx::query(AssertSqlSafe(format!("DROP TRIGGER main.{name}")))
            .execute(&mut *transaction)
            .await?;
        statements.push(sql);
    }
    Ok(Triggers(statements))
}

impl Triggers {
    pub(crate) async fn restore(self, transaction: &mut SqliteConnection) -> Result<(), Error> {
        for statement in self.0 {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await?;
        }
        Ok(())
    }
}

impl Store {
    /// Adds lines to the activity.
    ///
    /// # Errors
    /// [`Error::Sql`]; then none was added.
    pub async fn add_activity(&self, lines: &[NewLine]) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        append(&mut transaction, lines).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Lines of the activity, the newest first.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn activity(
        &self,
        organization: &str,
        filter: &LineFilter,
    ) -> Result<Vec<Line>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT number, organization, at, what, visitor, detail, by_whom, chat, entry, table_name, record_id, record_name
             FROM activity WHERE organization = ",
        );
        query.push_bind(organization);
        if let Some(before) = filter.before {
            query.push(" AND number < ").push_bind(before);
        }
        if !filter.what.is_empty() {
            query.push(" AND what IN (");
            let mut kinds = query.separated(", ");
            for what in &filter.what {
                kinds.push_bind(what);
            }
            query.push(")");
        }
        let text = filter.text.trim().to_lowercase();
        if !text.is_empty() {
            query
                .push(" AND instr(folded, ")
                .push_bind(text)
                .push(") > 0");
        }
        query.push(" ORDER BY number DESC");
        if let Some(limit) = filter.limit {
            query.push(" LIMIT ").push_bind(i64::from(limit));
        }
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(line).collect()
    }

    /// Whether the activity tells of this record.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn activity_has_record(
        &self,
        organization: &str,
        table: &str,
        id: Uuid,
    ) -> Result<bool, Error> {
        let found: i64 = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM activity WHERE organization = ? AND record_id = ? AND table_name = ?)",
        )
        .bind(organization)
        .bind(id.to_string())
        .bind(table)
        .fetch_one(&self.pool)
        .await?;
        Ok(found == 1)
    }
}

pub(crate) fn line(row: &SqliteRow) -> Result<Line, Error> {
    let id = |name: &str| -> Result<Option<Uuid>, Error> {
        row.try_get::<Option<String>, _>(name)?
            .map(|text| text.parse().map_err(|_| Error::Stored("id")))
            .transpose()
    };
    Ok(Line {
        number: row.try_get("number")?,
        line: NewLine {
            organization: row.try_get("organization")?,
            at: moment(row.try_get("at")?)?,
            what: row.try_get("what")?,
            visitor: row.try_get("visitor")?,
            detail: row.try_get("detail")?,
            by: row.try_get("by_whom")?,
            chat: row.try_get("chat")?,
            entry: id("entry")?,
            table: row.try_get("table_name")?,
            record_id: id("record_id")?,
            record: row.try_get("record_name")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(what: &str, visitor: &str) -> NewLine {
        NewLine {
            organization: "one".to_owned(),
            what: what.to_owned(),
            visitor: visitor.to_owned(),
            table: Some("contact".to_owned()),
            record_id: Some(Uuid::from_u128(5)),
            ..NewLine::default()
        }
    }

    async fn visitors(store: &Store, filter: LineFilter) -> Vec<String> {
        let lines = store.activity("one", &filter).await.unwrap();
        lines.into_iter().map(|line| line.line.visitor).collect()
    }

    #[tokio::test]
    async fn lines_are_filtered_and_paged_the_newest_first() {
        let store = Store::memory().await.unwrap();
        store
            .add_activity(&[
                said("created", "Dana"),
                said("updated", "Jürgen ÖZ"),
                said("created", "100% Lee"),
            ])
            .await
            .unwrap();
        let by = |filter: LineFilter| visitors(&store, filter);
        assert_eq!(
            by(LineFilter::default()).await,
            ["100% Lee", "Jürgen ÖZ", "Dana"]
        );
        let text = |text: &str| LineFilter {
            text: text.to_owned(),
            ..LineFilter::default()
        };
        assert_eq!(by(text("jürgen öz")).await, ["Jürgen ÖZ"]);
        assert_eq!(by(text("%")).await, ["100% Lee"]);
        let created = LineFilter {
            what: vec!["created".to_owned()],
            limit: Some(1),
            ..LineFilter::default()
        };
        assert_eq!(by(created.clone()).await, ["100% Lee"]);
        let older = LineFilter {
            before: Some(3),
            ..created
        };
        assert_eq!(by(older).await, ["Dana"]);
        assert_eq!(store.activity("two", &text("")).await.unwrap(), []);
        let has = |id| store.activity_has_record("one", "contact", Uuid::from_u128(id));
        assert!(has(5).await.unwrap());
        assert!(!has(6).await.unwrap());
    }

    #[tokio::test]
    async fn a_line_is_never_changed() {
        let store = Store::memory().await.unwrap();
        store
            .add_activity(&[said("created", "Dana")])
            .await
            .unwrap();
        for statement in ["UPDATE activity SET visitor = 'x'", "DELETE FROM activity"] {
            assert!(sqlx::query(statement).execute(&store.pool).await.is_err());
        }
        assert_eq!(visitors(&store, LineFilter::default()).await, ["Dana"]);
    }
}
