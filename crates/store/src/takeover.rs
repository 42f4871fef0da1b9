//! A store that was set aside because its key was lost: when the key is found again, what stands in it comes into the store
//! that was begun meanwhile.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::activity::without_triggers;
use crate::file::{beside, private_folder};
use crate::salvage::{PARTS, copy, remove};
use crate::{Error, Key, Store};

/// What was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Entries of the outbox that were not there yet.
    pub entries: u64,
    /// Those among them that go out by themselves or need a person.
    pub unsent: u64,
    /// Lines of the activity.
    pub lines: u64,
    /// Paired consoles.
    pub consoles: u64,
    /// Rows of all other tables.
    pub others: u64,
    /// Whether all of the file could be read. If so it is gone; otherwise it is kept.
    pub is_whole: bool,
}

/// The files that were set aside for this reason, the oldest first.
///
/// # Errors
/// What the system says.
pub fn aside(path: &Path, word: &str) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let beginning = format!("{}.{word}-", name.to_string_lossy());
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix(&beginning))
            .and_then(|number| number.parse::<u64>().ok());
        found.extend(number.map(|number| (number, path)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

impl Store {
    /// Takes over what stands in a store that was set aside: entries of the outbox, the activity, paired consoles and all
    /// else, in its order before what has come since. What is there already is not taken twice.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if the file has another key, and as for [`Store::open_or_salvage`]; then nothing has changed.
    pub async fn take_over(
        &self,
        former: &Path,
        key: &Key,
        now: Timestamp,
    ) -> Result<TakenOver, Error> {
        // A copy is brought up to date and mended; the file itself stays until all of it is here.
        let folder = beside(former, ".taking");
        remove_folder(&folder)?;
        private_folder(&folder).map_err(Error::Folder)?;
        let source = folder.join("store.sqlite");
        let taken: Result<TakenOver, Error> = async {
            copy(former, &source)?;
            copy(&beside(former, "-wal"), &beside(&source, "-wal"))?;
            let (store, salvaged) = Store::open_or_salvage(&source, key).await?;
            store.close().await;
            let mut taken = self.take_all(&source, key, now).await?;
            taken.is_whole = salvaged.is_none_or(|salvaged| salvaged.is_whole);
            Ok(taken)
        }
        .await;
        remove_folder(&folder)?;
        let taken = taken?;
        if taken.is_whole {
            for part in PARTS {
                remove(&beside(former, part))?;
            }
        }
        Ok(taken)
    }

    async fn take_all(&self, source: &Path, key: &Key, now: Timestamp) -> Result<TakenOver, Error> {
        let mut connection = self.pool.acquire().await?;
        sqlx::query("ATTACH DATABASE ? AS former KEY ?")
            .bind(source.to_string_lossy().into_owned())
            .bind(key.attach())
            .execute(&mut *connection)
            .await?;
        let taken = tables_taken(&mut connection, now).await;
        if sqlx::query("DETACH DATABASE former")
            .execute(&mut *connection)
            .await
            .is_err()
        {
            connection.close().await?;
        }
        taken
    }
}

async fn tables_taken(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<TakenOver, Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM former.sqlite_schema
         WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlx_*'",
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut taken = TakenOver::default();
    for table in &tables {
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info(?, 'main')")
                .bind(table)
                .fetch_all(&mut *transaction)
                .await?;
        // Only entries and lines keep their numbers; what else is numbered is told apart by itself.
        let keeps_numbers = ["outbox", "activity"].contains(&table.as_str());
        let columns: Vec<String> = columns
            .into_iter()
            .filter(|column| keeps_numbers || column != "number")
            .collect();
        let columns = columns.join(", ");
        match table.as_str() {
            "outbox" => {
                taken.unsent = sqlx::query_scalar::<_, i64>(
                    "SELECT count(*) FROM former.outbox AS f
                     WHERE state NOT IN ('done', 'nothing', 'discarded')
                     AND NOT EXISTS (SELECT 1 FROM main.outbox AS m WHERE m.id = f.id)",
                )
                .fetch_one(&mut *transaction)
                .await?
                .cast_unsigned();
                taken.entries = before_the_others(
                    &mut transaction,
                    table,
                    &columns,
                    "number IN (SELECT number FROM former.outbox AS f
                     WHERE NOT EXISTS (SELECT 1 FROM main.outbox AS m WHERE m.id = f.id))",
                )
                .await?;
                // What was on its way when the program ended; nobody sends it now.
                sqlx::query(
                    "UPDATE main.outbox SET state = 'queued', due_at = ?, revision = revision + 1
                     WHERE state = 'sending' AND id IN (SELECT id FROM former.outbox WHERE state = 'sending')",
                )
                .bind(now.as_millisecond())
                .execute(&mut *transaction)
                .await?;
            }
            "activity" => {
                let triggers = without_triggers(&mut transaction).await?;
                taken.lines = before_the_others(
                    &mut transaction,
                    table,
                    &columns,
                    "number IN (SELECT f.number FROM former.activity AS f LEFT JOIN main.activity AS m
                     ON m.at = f.at AND m.organization = f.organization AND m.what = f.what AND m.visitor = f.visitor
                     AND m.detail = f.detail AND m.chat IS f.chat AND m.entry IS f.entry AND m.record_id IS f.record_id
                     AND m.table_name IS f.table_name WHERE m.number IS NULL)",
                )
                .await?;
                triggers.restore(&mut transaction).await?;
            }
            other => {
                let done = sqlx::query(AssertSqlSafe(format!(
                    "INSERT OR IGNORE INTO main.{other} ({columns}) SELECT {columns} FROM former.{other}"
                )))
                .execute(&mut *transaction)
                .await?;
                if other == "console" {
                    taken.consoles = done.rows_affected();
                } else {
                    taken.others += done.rows_affected();
                }
            }
        }
    }
    transaction.commit().await?;
    Ok(taken)
}

/// Inserts rows of the former table with their own numbers. What is there has come later, so it is numbered after them.
async fn before_the_others(
    transaction: &mut SqliteConnection,
    table: &str,
    columns: &str,
    which: &str,
) -> Result<u64, Error> {
    let missing: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM former.{table} WHERE {which}"
    )))
    .fetch_one(&mut *transaction)
    .await?;
    if missing == 0 {
        return Ok(0);
    }
    let last: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT max(number) FROM former.{table}"
    )))
    .fetch_one(&mut *transaction)
    .await?;
    // In two steps, so that no two rows have one number in between.
    for statement in [
        format!("UPDATE main.{table} SET number = -(number + {last})"),
        format!("UPDATE main.{table} SET number = -number"),
        format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM former.{table} WHERE {which}"
        ),
        format!(
            "UPDATE main.sqlite_sequence SET seq = (SELECT max(number) FROM main.{table}) WHERE name = '{table}'"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    Ok(missing.cast_unsigned())
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::BackUp(error)),
        _ => Ok(()),
    }
}
