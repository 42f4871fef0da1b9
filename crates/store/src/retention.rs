//! How long copies stay, and which of them are meant to be there.

use jiff::Timestamp;

use crate::cache::Cache;
use crate::{Error, copies};

/// From when on the copies of a table are too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Copies that were last changed before this are not meant to be synchronised any more. They stay as long as what was
    /// read for a visitor.
    pub changed_before: Option<Timestamp>,
    /// Copies that were neither given nor confirmed since this are forgotten.
    pub read_before: Timestamp,
}

impl Cache {
    /// Forgets the copies of a table that are too old. Where synchronised ones are among them, the table has to be loaded
    /// anew: its changes would not bring them back.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn age(&self, organization: &str, entity: &str, ages: Ages) -> Result<u64, Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        let Some(part) = copies::part(&mut transaction, organization, entity).await? else {
            return Ok(0);
        };
        if let Some(changed_before) = ages.changed_before {
            sqlx::query(
                "UPDATE record SET pass = 0 WHERE part = ? AND pass > 0 AND modified_at < ?",
            )
            .bind(part)
            .bind(changed_before.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        }
        let read_before = ages.read_before.as_millisecond();
        let read = sqlx::query("DELETE FROM record WHERE part = ? AND pass = 0 AND read_at < ?")
            .bind(part)
            .bind(read_before)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let synchronised = sqlx::query(
            "DELETE FROM record WHERE part = ?1 AND pass > 0 AND read_at < ?2
             AND (SELECT coalesce(synced_at, 0) FROM part WHERE id = ?1) < ?2",
        )
        .bind(part)
        .bind(read_before)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if synchronised > 0 {
            sqlx::query(
                "UPDATE part SET spec = '', is_loading = 0, next = NULL, delta = NULL, synced_at = NULL WHERE id = ?",
            )
            .bind(part)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(read + synchronised)
    }

    /// Forgets the answers about visitors that were given before a time.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn forget_answers(
        &self,
        organization: &str,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let done = sqlx::query("DELETE FROM answer WHERE organization = ? AND read_at < ?")
            .bind(organization)
            .bind(before.as_millisecond())
            .execute(&self.writer()?)
            .await?;
        Ok(done.rows_affected())
    }

    /// Those of the values that stand under a key of a table's copies.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn referred(
        &self,
        organization: &str,
        entity: &str,
        key: &str,
        values: &[String],
    ) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT asked.value FROM json_each(?4) AS asked
             WHERE EXISTS (
                 SELECT 1 FROM key WHERE key.value = asked.value AND key.name = (
                     SELECT key_name.id FROM key_name JOIN part ON part.id = key_name.part
                     WHERE organization = ?1 AND entity = ?2 AND key_name.name = ?3))",
        )
        .bind(organization)
        .bind(entity)
        .bind(key)
        .bind(copies::json(values)?)
        // A part of the synchronisation, as [`Cache::missing`].
        .fetch_all(&self.writer()?)
        .await?)
    }

    /// Lets the copies of one table that no key of the other refers to age like those that were read for a visitor.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn release_unreferred(
        &self,
        organization: &str,
        entity: &str,
        key: &str,
        other: &str,
    ) -> Result<u64, Error> {
        let done = sqlx::query(
            "UPDATE record SET pass = 0
             WHERE part = (SELECT id FROM part WHERE organization = ?1 AND entity = ?4) AND pass > 0
             AND NOT EXISTS (
                 SELECT 1 FROM key WHERE key.value = record.id AND key.name = (
                     SELECT key_name.id FROM key_name JOIN part ON part.id = key_name.part
                     WHERE organization = ?1 AND entity = ?2 AND key_name.name = ?3))",
        )
        .bind(organization)
        .bind(entity)
        .bind(key)
        .bind(other)
        .execute(&self.writer()?)
        .await?;
        Ok(done.rows_affected())
    }

    /// Whether everything in it hangs together: the file itself, what copies are found by, and the words.
    ///
    /// # Errors
    /// [`Error::Stored`] if something does not; [`Error::Damaged`] or [`Error::Sql`].
    pub async fn check(&self) -> Result<(), Error> {
        let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_all(&self.readers()?)
            .await?;
        if said != ["ok"] {
            return Err(Error::Stored("page"));
        }
        let loose: i64 = sqlx::query_scalar("SELECT count(*) FROM pragma_foreign_key_check")
            .fetch_one(&self.readers()?)
            .await?;
        let without_words: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM record WHERE n NOT IN (SELECT rowid FROM words))
                  + (SELECT count(*) FROM words WHERE rowid NOT IN (SELECT n FROM record))",
        )
        .fetch_one(&self.readers()?)
        .await?;
        if loose + without_words > 0 {
            return Err(Error::Stored("copy"));
        }
        Ok(())
    }

    /// Forgets what is synchronised of a table, and how far it was.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn forget_synchronised(
        &self,
        organization: &str,
        entity: &str,
    ) -> Result<u64, Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        let Some(part) = copies::part(&mut transaction, organization, entity).await? else {
            return Ok(0);
        };
        let done = sqlx::query("DELETE FROM record WHERE part = ? AND pass > 0")
            .bind(part)
            .execute(&mut *transaction)
            .await?;
        // Its number goes on, so that nothing of a load under way is kept.
        sqlx::query(
            "UPDATE part SET spec = '', pass = pass + 1, is_loading = 0, next = NULL, delta = NULL, done = 0,
                 expected = NULL, synced_at = NULL
             WHERE id = ?",
        )
        .bind(part)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}
