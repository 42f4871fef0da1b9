//! Links: who a visitor is, because an agent said so. One visitor has at most one in each table.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use uuid::Uuid;

use crate::activity::{NewLine, append};
use crate::outbox::moment;
use crate::{Error, Store};

/// Whom a link is about. A chat's own link comes before one by identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkOf<'a> {
    /// The organization that the record belongs to.
    pub organization: &'a str,
    /// By what the visitor is known again: `email:…` or `phone:…`.
    pub identity: Option<&'a str>,
    /// The chat.
    pub chat: Option<&'a str>,
}

/// Identities are personal: they stay out of logs.
impl std::fmt::Debug for LinkOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkOf")
            .field("chat", &self.chat)
            .finish_non_exhaustive()
    }
}

/// A record that an agent has linked to a visitor.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The logical name of its table.
    pub table: String,
    /// Its id.
    pub record: Uuid,
    /// What a person called it then.
    pub name: String,
    /// The agent's name; empty if it was not known.
    pub by: String,
    /// When (UTC).
    pub at: Timestamp,
}

/// Names are personal: they stay out of logs.
impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({} {})", self.table, self.record)
    }
}

impl Store {
    /// Links a record to a visitor, in the place of the one that was linked before in its table, and adds lines to the
    /// activity: all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Sql`]; [`Error::Stored`] without identity and chat.
    pub async fn put_link(
        &self,
        of: LinkOf<'_>,
        link: &Link,
        lines: &[NewLine],
    ) -> Result<(), Error> {
        if of.identity.is_none() && of.chat.is_none() {
            return Err(Error::Stored("link of nobody"));
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        remove(&mut transaction, of, &link.table).await?;
        sqlx::query(
            "INSERT INTO link (organization, identity, chat, table_name, record_id, record_name, by_whom, at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(of.organization)
        .bind(of.identity)
        .bind(of.chat)
        .bind(&link.table)
        .bind(link.record.to_string())
        .bind(&link.name)
        .bind(&link.by)
        .bind(link.at.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        append(&mut transaction, lines).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The links of a visitor, at most one of each table.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn links(&self, of: LinkOf<'_>) -> Result<Vec<Link>, Error> {
        let rows = sqlx::query(
            "SELECT table_name, record_id, record_name, by_whom, at, chat IS ?3 AND chat IS NOT NULL AS is_chats FROM link
             WHERE organization = ?1 AND ((identity = ?2) OR (chat = ?3))
             ORDER BY table_name, is_chats DESC",
        )
        .bind(of.organization)
        .bind(of.identity)
        .bind(of.chat)
        .fetch_all(&self.pool)
        .await?;
        let mut links: Vec<Link> = rows.iter().map(link).collect::<Result<_, _>>()?;
        links.dedup_by(|later, first| later.table == first.table);
        Ok(links)
    }

    /// Takes back the link of a visitor in one table, and adds lines to the activity. `false` if there is none; then no
    /// line is added.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn remove_link(
        &self,
        of: LinkOf<'_>,
        table: &str,
        lines: &[NewLine],
    ) -> Result<bool, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let removed = remove(&mut transaction, of, table).await? > 0;
        if removed {
            append(&mut transaction, lines).await?;
        }
        transaction.commit().await?;
        Ok(removed)
    }

    /// The numbers of somebody's links in all organizations: those to one of these records, and those of visitors with one
    /// of these identities (`email:…`, `phone:…`) or of these chats. [`Store::erase`] takes them out.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn links_about(
        &self,
        records: &[Uuid],
        identities: &[String],
        chats: &[String],
    ) -> Result<Vec<i64>, Error> {
        let json = |values: &[String]| {
            serde_json::to_string(values).map_err(|_| Error::Stored("link to be forgotten"))
        };
        let records: Vec<String> = records.iter().map(Uuid::to_string).collect();
        let numbers = sqlx::query_scalar(
            "SELECT number FROM link WHERE record_id IN (SELECT value FROM json_each(?1))
                OR identity IN (SELECT value FROM json_each(?2))
                OR chat IN (SELECT value FROM json_each(?3))",
        )
        .bind(json(&records)?)
        .bind(json(identities)?)
        .bind(json(chats)?)
        .fetch_all(&self.pool)
        .await?;
        Ok(numbers)
    }
}

async fn remove(
    transaction: &mut Transaction<'_, Sqlite>,
    of: LinkOf<'_>,
    table: &str,
) -> Result<u64, Error> {
    let done = sqlx::query(
        "DELETE FROM link WHERE organization = ?1 AND table_name = ?2 AND ((identity = ?3) OR (chat = ?4))",
    )
    .bind(of.organization)
    .bind(table)
    .bind(of.identity)
    .bind(of.chat)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected())
}

fn link(row: &SqliteRow) -> Result<Link, Error> {
    let record: String = row.try_get("record_id")?;
    Ok(Link {
        table: row.try_get("table_name")?,
        record: record.parse().map_err(|_| Error::Stored("linked record"))?,
        name: row.try_get("record_name")?,
        by: row.try_get("by_whom")?,
        at: moment(row.try_get("at")?)?,
    })
}
