//! Taking out what is kept, so that the files hold no trace of it: not in pages that are free, not in the write-ahead log, not
//! in the index of words.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use crate::activity::{NewLine, append, line, without_triggers};
use crate::cache::timestamp;
use crate::outbox::{entry, moment};
use crate::{Cache, Entry, Error, Line, Store};

/// A copy of a record as it lies in the cache.
pub struct StoredCopy {
    /// Its number in the file.
    pub number: i64,
    /// The organization that it is of.
    pub organization: String,
    /// The table's logical name.
    pub entity: String,
    /// The row's id.
    pub id: String,
    /// JSON that the keeper wrote.
    pub body: String,
}

/// An answer as it lies in the cache.
pub struct StoredAnswer {
    /// The organization that it is of.
    pub organization: String,
    /// The digest of what was asked.
    pub visitor: Vec<u8>,
    /// JSON that the keeper wrote.
    pub body: String,
}

/// How many copies a table has, and how old they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiesOfTable {
    /// The organization that they are of.
    pub organization: String,
    /// The table's logical name.
    pub entity: String,
    /// How many there are.
    pub copies: u64,
    /// When the oldest was read (UTC).
    pub oldest: Option<Timestamp>,
}

/// What the store keeps, of all organizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Entries of the outbox.
    pub entries: u64,
    /// Those of them that wait to be sent or need a person.
    pub unsent: u64,
    /// When the oldest entry was put in (UTC).
    pub oldest_entry: Option<Timestamp>,
    /// Lines of the activity.
    pub lines: u64,
    /// When the oldest line was written (UTC).
    pub oldest_line: Option<Timestamp>,
    /// Paired consoles.
    pub consoles: u64,
}

impl Cache {
    /// Shows every copy to `see`, one after the other.
    ///
    /// # Errors
    /// [`Error::Sql`], [`Error::Damaged`] or [`Error::Locked`].
    pub async fn every_copy(&self, mut see: impl FnMut(StoredCopy)) -> Result<(), Error> {
        let pool = self.readers()?;
        let mut rows = sqlx::query(
            "SELECT record.n, part.organization, part.entity, record.id, record.body
             FROM record JOIN part ON part.id = record.part",
        )
        .fetch(&pool);
        while let Some(row) = rows.try_next().await? {
            see(StoredCopy {
                number: row.try_get("n")?,
                organization: row.try_get("organization")?,
                entity: row.try_get("entity")?,
                id: row.try_get("id")?,
                body: row.try_get("body")?,
            });
        }
        Ok(())
    }

    /// Shows every answer to `see`, one after the other.
    ///
    /// # Errors
    /// As for [`Cache::every_copy`].
    pub async fn every_answer(&self, mut see: impl FnMut(StoredAnswer)) -> Result<(), Error> {
        let pool = self.readers()?;
        let mut rows = sqlx::query("SELECT organization, visitor, body FROM answer").fetch(&pool);
        while let Some(row) = rows.try_next().await? {
            see(StoredAnswer {
                organization: row.try_get("organization")?,
                visitor: row.try_get("visitor")?,
                body: row.try_get("body")?,
            });
        }
        Ok(())
    }

    /// Takes copies (by their numbers) and answers out, all or nothing, with all that they can be found by.
    ///
    /// # Errors
    /// As for [`Cache::every_copy`].
    pub async fn erase(&self, copies: &[i64], answers: &[StoredAnswer]) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        for number in copies {
            sqlx::query("DELETE FROM record WHERE n = ?")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        }
        for answer in answers {
            sqlx::query("DELETE FROM answer WHERE organization = ? AND visitor = ?")
                .bind(&answer.organization)
                .bind(&answer.visitor)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a copy anew over what is there, as old as it is, and lets it be found by none of these values.
    ///
    /// # Errors
    /// As for [`Cache::every_copy`].
    pub async fn rewrite(
        &self,
        number: i64,
        body: &str,
        words: &str,
        gone: &[String],
    ) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query("UPDATE record SET body = ? WHERE n = ?")
            .bind(body)
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        for value in gone {
            sqlx::query("DELETE FROM key WHERE record = ? AND value = ?")
                .bind(number)
                .bind(value)
                .execute(&mut *transaction)
                .await?;
        }
        if done.rows_affected() == 1 {
            sqlx::query("INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)")
                .bind(number)
                .bind(words)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Leaves nothing of what was taken out in the file: the index of words is made of what is left, and the log is emptied.
    ///
    /// # Errors
    /// As for [`Cache::every_copy`], and [`Error::InUse`] if somebody reads the file all the time.
    pub async fn compact(&self) -> Result<(), Error> {
        let pool = self.writer()?;
        // A word that was taken out of this index is only marked until its parts are merged.
        sqlx::query("INSERT INTO words (words) VALUES ('optimize')")
            .execute(&pool)
            .await?;
        compact(&pool).await
    }

    /// How many copies each table has.
    ///
    /// # Errors
    /// As for [`Cache::every_copy`].
    pub async fn inventory(&self) -> Result<Vec<CopiesOfTable>, Error> {
        let rows = sqlx::query(
            "SELECT organization, entity, count(*) AS copies, min(read_at) AS oldest
             FROM record JOIN part ON part.id = record.part GROUP BY part.id ORDER BY organization, entity",
        )
        .fetch_all(&self.readers()?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(CopiesOfTable {
                    organization: row.try_get("organization")?,
                    entity: row.try_get("entity")?,
                    copies: row.try_get::<i64, _>("copies")?.cast_unsigned(),
                    oldest: row
                        .try_get::<Option<i64>, _>("oldest")?
                        .map(timestamp)
                        .transpose()?,
                })
            })
            .collect()
    }
}

impl Store {
    /// Every entry of the outbox, of all organizations, the oldest first.
    ///
    /// # Errors
    /// [`Error::Sql`], [`Error::Damaged`] or [`Error::Stored`].
    pub async fn every_entry(&self, mut see: impl FnMut(Entry)) -> Result<(), Error> {
        let mut rows = sqlx::query("SELECT * FROM outbox ORDER BY number").fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            see(entry(&row)?);
        }
        Ok(())
    }

    /// Every line of the activity, of all organizations, the oldest first.
    ///
    /// # Errors
    /// As for [`Store::every_entry`].
    pub async fn every_line(&self, mut see: impl FnMut(Line)) -> Result<(), Error> {
        let mut rows = sqlx::query("SELECT * FROM activity ORDER BY number").fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            see(line(&row)?);
        }
        Ok(())
    }

    /// Takes entries, and lines and links (by their numbers) out, and adds other lines, all or nothing. An entry that is on
    /// its way stays. The answer is how many entries were taken out.
    ///
    /// # Errors
    /// As for [`Store::every_entry`].
    pub async fn erase(
        &self,
        entries: &[Uuid],
        lines: &[i64],
        links: &[i64],
        told: &[NewLine],
    ) -> Result<u64, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut erased = 0;
        for id in entries {
            erased += sqlx::query("DELETE FROM outbox WHERE id = ? AND state <> 'sending'")
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await?
                .rows_affected();
        }
        for number in links {
            sqlx::query("DELETE FROM link WHERE number = ?")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        }
        let triggers = without_triggers(&mut transaction).await?;
        for number in lines {
            sqlx::query("DELETE FROM activity WHERE number = ?")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        }
        triggers.restore(&mut transaction).await?;
        append(&mut transaction, told).await?;
        transaction.commit().await?;
        Ok(erased)
    }

    /// Takes everything out. With `and_unsent` also what waits to be sent; without it nothing is done if something waits,
    /// and the answer is how many entries do.
    ///
    /// # Errors
    /// As for [`Store::every_entry`].
    pub async fn wipe(&self, and_unsent: bool) -> Result<u64, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let unsent: i64 = sqlx::query_scalar(UNSENT)
            .fetch_one(&mut *transaction)
            .await?;
        if unsent > 0 && !and_unsent {
            return Ok(unsent.cast_unsigned());
        }
        let triggers = without_triggers(&mut transaction).await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlx_*'",
        )
        .fetch_all(&mut *transaction)
        .await?;
        for table in tables {
            sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}")))
                .execute(&mut *transaction)
                .await?;
        }
        triggers.restore(&mut transaction).await?;
        transaction.commit().await?;
        compact(&self.pool).await?;
        Ok(0)
    }

    /// Leaves nothing of what was taken out in the file.
    ///
    /// # Errors
    /// As for [`Store::every_entry`], and [`Error::InUse`] if somebody reads the file all the time.
    pub async fn compact(&self) -> Result<(), Error> {
        compact(&self.pool).await
    }

    /// What is kept.
    ///
    /// # Errors
    /// As for [`Store::every_entry`].
    pub async fn kept(&self) -> Result<Kept, Error> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM outbox) AS entries, (SELECT min(created_at) FROM outbox) AS oldest_entry,
             (SELECT count(*) FROM activity) AS lines, (SELECT min(at) FROM activity) AS oldest_line,
             (SELECT count(*) FROM console WHERE revoked_at IS NULL) AS consoles",
        )
        .fetch_one(&self.pool)
        .await?;
        let count =
            |name| -> Result<u64, Error> { Ok(row.try_get::<i64, _>(name)?.cast_unsigned()) };
        let time = |name| -> Result<Option<Timestamp>, Error> {
            row.try_get::<Option<i64>, _>(name)?.map(moment).transpose()
        };
        let unsent: i64 = sqlx::query_scalar(UNSENT).fetch_one(&self.pool).await?;
        Ok(Kept {
            entries: count("entries")?,
            unsent: unsent.cast_unsigned(),
            oldest_entry: time("oldest_entry")?,
            lines: count("lines")?,
            oldest_line: time("oldest_line")?,
            consoles: count("consoles")?,
        })
    }
}

const UNSENT: &str =
    "SELECT count(*) FROM outbox WHERE state IN ('waiting', 'queued', 'sending', 'attention')";

/// How often the log is tried to be emptied. SQLite itself waits for whoever reads.
const TRIES: u32 = 3;

/// What was deleted is overwritten where it stood (`secure_delete`); what was moved before that, and the log with its older
/// pages, goes here.
async fn compact(pool: &SqlitePool) -> Result<(), Error> {
    sqlx::query("VACUUM").execute(pool).await?;
    for _ in 0..TRIES {
        let is_busy: i64 = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(pool)
            .await?
            .try_get(0)?;
        if is_busy == 0 {
            return Ok(());
        }
    }
    Err(Error::InUse)
}
