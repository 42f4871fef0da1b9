//! The store: what must not be lost.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use crate::file::{Connections, Durability};
use crate::{Error, Key, file};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// A small file: what SQLite keeps by itself is enough.
pub(crate) const CONNECTIONS: Connections = Connections {
    at_most: 4,
    decrypted: 2_000,
};

/// The store file.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
    /// Keeps others from replacing the file.
    _used: Option<Arc<File>>,
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
    /// Opens the store and brings its schema up to date. Its whole file is looked through before.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Folder`], [`Error::WrongKey`], [`Error::NotEncrypted`], [`Error::Damaged`], [`Error::Full`]
    /// or [`Error::Migrate`]; the file is left as it is.
    pub async fn open(path: &Path, key: &Key) -> Result<Store, Error> {
        let used = file::share(path).await?;
        let mut store = Store::open_alone(path, key).await?;
        store._used = Some(Arc::new(used));
        Ok(store)
    }

    /// As [`Store::open`], for whoever sees to it that nobody replaces the file.
    pub(crate) async fn open_alone(path: &Path, key: &Key) -> Result<Store, Error> {
        let pool = file::open(path, key, Durability::Full, CONNECTIONS).await?;
        let opened = async {
            look_through(&pool).await?;
            back_up(&pool, path).await?;
            Store::migrated(pool.clone()).await
        };
        let store = opened.await;
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
        MIGRATIONS.run(&pool).await.map_err(not_migrated)?;
        Ok(Store { pool, _used: None })
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

pub(crate) fn not_migrated(error: MigrateError) -> Error {
    if let MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) = error {
        Error::of_sqlite(cause, |cause| Error::Migrate(MigrateError::Execute(cause)))
    } else {
        Error::Migrate(error)
    }
}

/// Reads every page once: what is damaged must be known before more is trusted to the file.
async fn look_through(pool: &SqlitePool) -> Result<(), Error> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(pool)
        .await?;
    if found == "ok" {
        Ok(())
    } else {
        Err(Error::Damaged(sqlx::Error::Protocol(found)))
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
    let copy = file::beside(path, &format!(".before-{newest}"));
    if copy.exists() {
        // From an attempt that did not get further; what stands there was copied before anything was changed.
        return Ok(());
    }
    let unfinished = file::beside(&copy, ".unfinished");
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
        .and_then(|_| std::fs::rename(&unfinished, &copy))
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
        crate::close_all().await;
    }

    /// Rows of every table of a version, in the words of that version. A new version adds its own.
    const ROWS: [(i64, &str); 4] = [
        (
            1,
            "INSERT INTO console VALUES ('00000000-0000-0000-0000-000000000007', 'Old', x'01', '2026-01-01T00:00:00Z', NULL, NULL),
             ('00000000-0000-0000-0000-000000000008', 'Gone', x'02', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z')",
        ),
        (
            2,
            "INSERT INTO outbox VALUES (5, '00000000-0000-0000-0000-000000000001', 'one', 'chat', 'dana', 'queued', 9, 1, 2, '{}', 'plan', 'outcome', 'problem', 1, 2, 3);
             INSERT INTO activity VALUES (6, 'one', 4, 'created', 'Dana', 'detail', 'Robin', 'chat', '00000000-0000-0000-0000-000000000001', 'contact', '00000000-0000-0000-0000-000000000002', 'Dana', 'dana')",
        ),
        (
            3,
            "INSERT INTO link VALUES (7, 'one', 'email:dana@example.com', 'chat', 'contact', '00000000-0000-0000-0000-000000000002', 'Dana', 'Robin', 8),
             (8, 'one', NULL, 'other', 'lead', '00000000-0000-0000-0000-000000000003', 'Lee', '', 9)",
        ),
        (
            4,
            "INSERT INTO settings_version VALUES (3, 7, 'ada', 'saved', 2, 'version = 1')",
        ),
    ];

    /// Every row of these tables, as JSON by column.
    async fn rows(pool: &SqlitePool, tables: &[String]) -> Vec<String> {
        let mut rows = Vec::new();
        for table in tables {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
                .bind(table)
                .fetch_all(pool)
                .await
                .unwrap();
            let pairs: Vec<_> = columns
                .iter()
                .map(|column| format!("'{column}', quote({column})"))
                .collect();
            let read = format!("SELECT json_object({}) FROM {table}", pairs.join(", "));
            let read: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
                .fetch_all(pool)
                .await
                .unwrap();
            assert!(!read.is_empty(), "no row of {table} is looked at");
            rows.extend(read);
        }
        rows
    }

    #[tokio::test]
    async fn a_file_of_every_version_is_brought_up_to_date_with_all_its_rows() {
        let newest = MIGRATIONS.iter().map(|step| step.version).max().unwrap();
        assert_eq!(
            newest,
            ROWS[ROWS.len() - 1].0,
            "add the rows of a new version"
        );
        for version in MIGRATIONS.iter().map(|step| step.version) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.sqlite");
            let key = Key::random();
            let pool = file::open(&path, &key, Durability::Full, CONNECTIONS)
                .await
                .unwrap();
            for (step, rows) in MIGRATIONS.iter().zip(ROWS) {
                if step.version > version {
                    break;
                }
                let steps: Vec<_> = MIGRATIONS
                    .iter()
                    .filter(|other| other.version <= step.version)
                    .cloned()
                    .collect();
                let steps = Migrator {
                    migrations: steps.into(),
                    ..Migrator::DEFAULT
                };
                steps.run(&pool).await.unwrap();
                sqlx::raw_sql(rows.1).execute(&pool).await.unwrap();
            }
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'",
            )
            .fetch_all(&pool)
            .await
            .unwrap();
            let tables: Vec<String> = tables
                .into_iter()
                .filter(|table| table != "_sqlx_migrations")
                .collect();
            let before = rows(&pool, &tables).await;
            pool.close().await;

            let store = Store::open(&path, &key).await.unwrap();
            assert_eq!(
                rows(&store.pool, &tables).await,
                before,
                "version {version}"
            );
            assert_eq!(store.consoles().await.unwrap()[0].name, "Old");
            let backup = folder.path().join(format!("store.sqlite.before-{newest}"));
            assert_eq!(backup.exists(), version < newest);
            if version < newest {
                let former = file::open(&backup, &key, Durability::Full, CONNECTIONS)
                    .await
                    .unwrap();
                assert_eq!(rows(&former, &tables).await, before);
                let reached: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                    .fetch_one(&former)
                    .await
                    .unwrap();
                assert_eq!(reached, version, "as it was before");
            } else {
                let entries = store.entries("one", 9).await.unwrap();
                assert_eq!(entries[0].number, 5);
            }
        }
        crate::close_all().await;
    }

    #[tokio::test]
    async fn on_a_full_disk_nothing_changes_and_it_goes_on_when_there_is_space() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let store = Store::open(&path, &Key::random()).await.unwrap();
        let limit = async |pages: i64| {
            let mut all = Vec::new();
            for _ in 0..4 {
                let mut connection = store.pool.acquire().await.unwrap();
                let statement = format!("PRAGMA max_page_count = {pages}");
                sqlx::query(sqlx::AssertSqlSafe(statement))
                    .execute(&mut *connection)
                    .await
                    .unwrap();
                all.push(connection);
            }
        };
        // No page more than there are.
        limit(1).await;
        let name = "x".repeat(100_000);
        let refused = store.add_console(Uuid::nil(), &name, b"hash", at(1)).await;
        let error = refused.unwrap_err();
        assert_eq!(error.code(), "disk_full", "{error:?}");
        let lines = [crate::NewLine {
            visitor: name.clone(),
            ..crate::NewLine::default()
        }];
        let refused = store.add_activity(&lines).await;
        assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
        assert_eq!(store.consoles().await.unwrap(), []);

        // SQLite has ended the transaction by itself: no connection may think that it goes on.
        limit(1_000_000).await;
        let add = || store.add_activity(&lines);
        let added = tokio::join!(add(), add(), add(), add());
        for added in [added.0, added.1, added.2, added.3] {
            added.unwrap();
        }
        let lines = store.activity("", &crate::LineFilter::default()).await;
        assert_eq!(lines.unwrap().len(), 4);
        store
            .add_console(Uuid::nil(), &name, b"hash", at(1))
            .await
            .unwrap();
        crate::close_all().await;
    }
}
