//! The store: what must not be lost.

use std::path::Path;

use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use crate::file::Durability;
use crate::{Error, Key, file};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The store file.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
}

/// An Agent Console that was paired with this companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// Its id.
    pub id: Uuid,
    /// What it calls itself.
    pub name: String,
    /// When it was paired (UTC).
    pub paired_at: Timestamp,
    /// When it was last connected (UTC).
    pub last_seen: Option<Timestamp>,
    /// When its token was revoked (UTC).
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Folder`], [`Error::WrongKey`], [`Error::NotEncrypted`] or [`Error::Migrate`]; the file is
    /// left as it is.
    pub async fn open(path: &Path, key: &Key) -> Result<Store, Error> {
        let pool = file::open(path, key, Durability::Full).await?;
        let store = match back_up(&pool, path).await {
            Ok(()) => Store::migrated(pool.clone()).await,
            Err(error) => Err(error),
        };
        if store.is_err() {
            pool.close().await;
        }
        store
    }

    /// A store that is gone with the process.
    ///
    /// # Errors
    /// If SQLite cannot open a database in memory.
    pub async fn memory() -> Result<Store, Error> {
        Store::migrated(file::memory().await?).await
    }

    /// Ends all its connections, so that everything stands in the one file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn migrated(pool: SqlitePool) -> Result<Store, Error> {
        MIGRATIONS.run(&pool).await.map_err(Error::Migrate)?;
        Ok(Store { pool })
    }

    /// Remembers a console by the SHA-256 of its token.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn add_console(
        &self,
        id: Uuid,
        name: &str,
        token_hash: &[u8],
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query("INSERT INTO console (id, name, token_hash, paired_at) VALUES (?, ?, ?, ?)")
            .bind(id.to_string())
            .bind(name)
            .bind(token_hash)
            .bind(now.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The console whose token has this SHA-256, revoked or not.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn console_by_token(&self, token_hash: &[u8]) -> Result<Option<Console>, Error> {
        let row = sqlx::query(
            "SELECT id, name, paired_at, last_seen, revoked_at FROM console WHERE token_hash = ?",
        )
        .bind(token_hash)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(console).transpose()
    }

    /// The paired consoles that were not revoked, the oldest first.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn consoles(&self) -> Result<Vec<Console>, Error> {
        let rows = sqlx::query(
            "SELECT id, name, paired_at, last_seen, revoked_at FROM console WHERE revoked_at IS NULL ORDER BY paired_at, id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(console).collect()
    }

    /// Notes that a console was connected.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn console_seen(&self, id: Uuid, now: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE console SET last_seen = ? WHERE id = ?")
            .bind(now.to_string())
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Revokes a console's token. `false` if there is no such console or it was revoked before.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn revoke_console(&self, id: Uuid, now: Timestamp) -> Result<bool, Error> {
        let done =
            sqlx::query("UPDATE console SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
                .bind(now.to_string())
                .bind(id.to_string())
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Copies the file before it is changed to a newer version: `store.sqlite.before-2` is what version 2 was made from. It is
/// under the same key.
async fn back_up(pool: &SqlitePool, path: &Path) -> Result<(), Error> {
    let is_new: bool = sqlx::query_scalar(
        "SELECT count(*) = 0 FROM sqlite_schema WHERE name = '_sqlx_migrations'",
    )
    .fetch_one(pool)
    .await?;
    if is_new {
        return Ok(());
    }
    let present: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(pool)
            .await?;
    let newest = MIGRATIONS.iter().map(|step| step.version).max();
    let Some(newest) = newest.filter(|&newest| present.is_some_and(|present| present < newest))
    else {
        return Ok(());
    };
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".before-{newest}"));
    let copy = Path::new(&copy);
    if copy.exists() {
        // From an attempt that did not get further; what stands there was copied before anything was changed.
        return Ok(());
    }
    let mut unfinished = copy.as_os_str().to_owned();
    unfinished.push(".unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::BackUp(error));
        }
        _ => {}
    }
    // What still stands in the log only belongs to it.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(pool)
        .await?;
    std::fs::copy(path, &unfinished)
        .and_then(|_| std::fs::rename(&unfinished, copy))
        .map_err(Error::BackUp)
}

fn console(row: &sqlx::sqlite::SqliteRow) -> Result<Console, Error> {
    let id: String = row.try_get("id")?;
    let paired_at: String = row.try_get("paired_at")?;
    let last_seen: Option<String> = row.try_get("last_seen")?;
    let revoked_at: Option<String> = row.try_get("revoked_at")?;
    Ok(Console {
        id: id.parse().map_err(|_| Error::Stored("console id"))?,
        name: row.try_get("name")?,
        paired_at: time(&paired_at)?,
        last_seen: last_seen.as_deref().map(time).transpose()?,
        revoked_at: revoked_at.as_deref().map(time).transpose()?,
    })
}

fn time(text: &str) -> Result<Timestamp, Error> {
    text.parse().map_err(|_| Error::Stored("time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn a_console_is_paired_seen_and_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let id = Uuid::from_u128(7);
        let key = Key::random();
        let store = Store::open(&path, &key).await.unwrap();
        store
            .add_console(id, "Agent Console", b"hash", at(1))
            .await
            .unwrap();
        store.console_seen(id, at(2)).await.unwrap();
        store.pool.close().await;

        let store = Store::open(&path, &key).await.unwrap();
        let paired = Console {
            id,
            name: "Agent Console".to_owned(),
            paired_at: at(1),
            last_seen: Some(at(2)),
            revoked_at: None,
        };
        assert_eq!(
            store.consoles().await.unwrap(),
            std::slice::from_ref(&paired)
        );
        assert_eq!(
            store.console_by_token(b"hash").await.unwrap(),
            Some(paired.clone())
        );
        assert_eq!(store.console_by_token(b"other").await.unwrap(), None);

        assert!(store.revoke_console(id, at(3)).await.unwrap());
        assert!(!store.revoke_console(id, at(4)).await.unwrap());
        assert_eq!(store.consoles().await.unwrap(), []);
        let revoked = Console {
            revoked_at: Some(at(3)),
            ..paired
        };
        assert_eq!(
            store.console_by_token(b"hash").await.unwrap(),
            Some(revoked)
        );
    }
}
