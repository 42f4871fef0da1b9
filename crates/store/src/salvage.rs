//! A damaged store: what can be read of it is copied into a new one, and the damaged file is kept.
//!
//! A damaged page spoils what is read together with it, and SQLCipher reads nothing more on a connection that has met one. So
//! rows are copied by ranges of their numbers; a range that fails is halved, over a new connection, until only the rows of
//! the damaged page are left out.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::file::{self, Durability, beside};
use crate::store::{CONNECTIONS, MIGRATIONS, not_migrated};
use crate::{Error, Key, Store};

/// How many rows are copied at once where nothing is damaged.
const AT_ONCE: i64 = 1000;
/// After so many ranges of a table that fail the rest of the table is given up: a page that leads to all others is damaged.
/// Large ranges come first.
const MOST_FAILURES: u32 = 5000;
/// So many suffice where nothing could be read yet: then that page is damaged.
const MOST_FAILURES_AT_FIRST: u32 = 200;
/// How far a table is looked for where nothing says how long it is.
const LONGEST_TABLE: i64 = 1 << 20;

/// The files of a database.
pub(crate) const PARTS: [&str; 3] = ["-shm", "-wal", ""];

/// What became of a damaged store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// The damaged file as it was.
    pub kept: PathBuf,
    /// How many entries of the outbox were saved.
    pub entries: u64,
    /// How many rows of all tables were saved, these among them.
    pub rows: u64,
    /// Whether nothing is missing.
    pub is_whole: bool,
}

impl Store {
    /// As [`Store::open`], but a damaged file becomes `….damaged-N`, and what can be read of it stands in a new store; the
    /// answer says so.
    ///
    /// # Errors
    /// As for [`Store::open`], and [`Error::InUse`] if it is damaged while another program has it open, [`Error::BackUp`]. Until
    /// all of it is done the damaged file stays as it is.
    pub async fn open_or_salvage(
        path: &Path,
        key: &Key,
    ) -> Result<(Store, Option<Salvaged>), Error> {
        if !beside(path, ".salvaged").exists() {
            match Store::open(path, key).await {
                Err(Error::Damaged(error)) => {
                    tracing::error!(error.chain = ?error, "the store is damaged");
                }
                opened => return opened.map(|store| (store, None)),
            }
        }
        let alone = file::alone(path)?;
        // Another program may have done it in between, or not have come to its end.
        take_over(path)?;
        let salvaged = match Store::open_alone(path, key).await {
            Ok(store) => {
                store.close().await;
                None
            }
            Err(Error::Damaged(_)) => Some(salvage(path, key).await?),
            Err(error) => return Err(error),
        };
        drop(alone);
        Ok((Store::open(path, key).await?, salvaged))
    }
}

/// Replaces a damaged file by what can be read of it.
async fn salvage(path: &Path, key: &Key) -> Result<Salvaged, Error> {
    let (source, target) = (beside(path, ".reading"), beside(path, ".unfinished"));
    for part in PARTS {
        remove(&beside(&source, part))?;
        remove(&beside(&target, part))?;
    }
    // Reading takes the log into the file; the damaged one is kept as it is.
    copy(path, &source)?;
    copy(&beside(path, "-wal"), &beside(&source, "-wal"))?;
    let mut salvage = Salvage {
        target: target.clone(),
        source: source.clone(),
        key: key.clone(),
        connection: None,
        saved: Salvaged {
            kept: path.to_owned(),
            entries: 0,
            rows: 0,
            is_whole: true,
        },
    };
    let copied = salvage.everything().await;
    salvage.let_go().await;
    copied?;
    for part in PARTS {
        remove(&beside(&source, part))?;
    }
    let unfinished = std::fs::File::open(&target).map_err(Error::BackUp)?;
    unfinished.sync_all().map_err(Error::BackUp)?;
    rename(&target, &beside(path, ".salvaged"))?;
    let kept = take_over(path)?;
    let saved = Salvaged {
        kept: kept.unwrap_or_else(|| path.to_owned()),
        ..salvage.saved
    };
    tracing::warn!(
        entries = saved.entries,
        rows = saved.rows,
        is_whole = saved.is_whole,
        "what could be read of the damaged store stands in a new one"
    );
    Ok(saved)
}

/// Puts what was saved in the place of the damaged file, if there is something; says where that is now. Whoever is
/// interrupted here goes on here.
fn take_over(path: &Path) -> Result<Option<PathBuf>, Error> {
    let salvaged = beside(path, ".salvaged");
    if !salvaged.exists() {
        return Ok(None);
    }
    let kept = set_aside(path, "damaged").map_err(Error::BackUp)?;
    rename(&salvaged, path)?;
    Ok(kept)
}

/// Gives a database and its log the first free name `….<word>-N`; none if there is no such database.
///
/// # Errors
/// What the system says.
pub fn set_aside(path: &Path, word: &str) -> io::Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let named = |number: u32| beside(path, &format!(".{word}-{number}"));
    let number = (1..)
        .find(|&number| !named(number).exists())
        .unwrap_or_default();
    // The file itself comes last: whoever is interrupted finds the same number again.
    for part in PARTS {
        match std::fs::rename(beside(path, part), beside(&named(number), part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(Some(named(number)))
}

struct Salvage {
    target: PathBuf,
    source: PathBuf,
    key: Key,
    /// To the new file, with the damaged one attached.
    connection: Option<SqliteConnection>,
    saved: Salvaged,
}

impl Salvage {
    async fn everything(&mut self) -> Result<(), Error> {
        let newest = MIGRATIONS.iter().map(|step| step.version).max();
        // Without its beginning nothing of it can be read.
        let has_beginning = self.reads("SELECT count(*) FROM sqlite_schema").await?;
        // It is made as it was before this version changes it, if that can be read.
        let version = self
            .reads("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .await?
            .or(newest);
        if version > newest {
            return Err(Error::Stored("store of a newer version"));
        }
        let steps: Vec<_> = MIGRATIONS
            .iter()
            .filter(|step| Some(step.version) <= version)
            .cloned()
            .collect();
        let steps = Migrator {
            migrations: steps.into(),
            ..Migrator::DEFAULT
        };
        let pool = file::open(&self.target, &self.key, Durability::Full, CONNECTIONS).await?;
        let migrated = steps.run(&pool).await.map_err(not_migrated);
        let tables = sqlx::query_scalar::<_, String>(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlx_*'",
        )
        .fetch_all(&pool)
        .await;
        pool.close().await;
        migrated?;
        self.saved.is_whole = has_beginning.is_some();
        for table in tables?.iter().filter(|_| has_beginning.is_some()) {
            self.table(table).await?;
        }
        Ok(())
    }

    /// A number that the damaged file gives, if it can be read.
    async fn reads(&self, statement: &'static str) -> Result<Option<i64>, Error> {
        let mut source = match file::connect(&self.source, &self.key).await {
            Ok(source) => source,
            Err(Error::Damaged(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let read = sqlx::query_scalar::<_, Option<i64>>(statement)
            .fetch_one(&mut source)
            .await;
        close(source).await;
        Ok(read.ok().flatten())
    }

    async fn table(&mut self, table: &str) -> Result<(), Error> {
        let number = match self.highest(table).await? {
            Some(number) => number,
            None => {
                self.saved.is_whole = false;
                LONGEST_TABLE
            }
        };
        let mut ranges: VecDeque<(i64, i64)> = (0..=number / AT_ONCE)
            .map(|part| (part * AT_ONCE, part * AT_ONCE + AT_ONCE - 1))
            .collect();
        let (mut failures, mut most_failures) = (0, MOST_FAILURES_AT_FIRST);
        while let Some((first, last)) = ranges.pop_front() {
            match self.range(table, first, last).await {
                Ok(rows) => {
                    most_failures = MOST_FAILURES;
                    self.saved.rows += rows;
                    if table == "outbox" {
                        self.saved.entries += rows;
                    }
                }
                Err(error @ (Error::Full(_) | Error::InUse | Error::Folder(_))) => {
                    return Err(error);
                }
                Err(_) => {
                    self.saved.is_whole = false;
                    self.let_go().await;
                    failures += 1;
                    if failures >= most_failures {
                        break;
                    }
                    if first < last {
                        let middle = first + (last - first) / 2;
                        ranges.extend([(first, middle), (middle + 1, last)]);
                    }
                }
            }
        }
        Ok(())
    }

    /// The highest number of a row of the table. What the rows end with may be damaged; then what numbers them may tell.
    async fn highest(&mut self, table: &str) -> Result<Option<i64>, Error> {
        for statement in [
            format!("SELECT coalesce(max(rowid), 0) FROM damaged.{table}"),
            format!("SELECT max(seq) FROM damaged.sqlite_sequence WHERE name = '{table}'"),
        ] {
            let found = sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(statement))
                .fetch_one(self.connection().await?)
                .await;
            match found {
                Ok(number) => return Ok(number),
                Err(_) => self.let_go().await,
            }
        }
        Ok(None)
    }

    async fn range(&mut self, table: &str, first: i64, last: i64) -> Result<u64, Error> {
        let connection = self.connection().await?;
        // As they are numbered: SQLite takes a column that is the row's number as such.
        let copied = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO main.{table} SELECT * FROM damaged.{table} WHERE rowid BETWEEN ? AND ?"
        )))
        .bind(first)
        .bind(last)
        .execute(connection)
        .await?;
        Ok(copied.rows_affected())
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection, Error> {
        if self.connection.is_none() {
            let mut connection = file::connect(&self.target, &self.key).await?;
            let attached = async {
                sqlx::query("ATTACH DATABASE ? AS damaged KEY ?")
                    .bind(self.source.to_string_lossy().into_owned())
                    .bind(self.key.attach())
                    .execute(&mut connection)
                    .await?;
                // An interrupted salvage begins anew, and at its end the whole file is synchronised.
                sqlx::query("PRAGMA main.synchronous = OFF")
                    .execute(&mut connection)
                    .await
            };
            let attached = attached.await;
            if let Err(error) = attached {
                close(connection).await;
                return Err(error.into());
            }
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or(Error::InUse)
    }

    async fn let_go(&mut self) {
        if let Some(connection) = self.connection.take() {
            close(connection).await;
        }
    }
}

async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a damaged file is not closed in order");
    }
}

pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::BackUp(error)),
        _ => Ok(()),
    }
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    match std::fs::copy(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::BackUp(error)),
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(Error::BackUp)
}
