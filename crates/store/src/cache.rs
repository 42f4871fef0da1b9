//! The cache: what Dynamics said about a visitor, and when.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::{Row, Sqlite, SqliteConnection, SqlitePool};
use tracing::warn;

use crate::copies::{self, Key as CopyKey};
use crate::file::{Connections, Durability};
use crate::{Error, Key, file};

/// Raised with every change of the schema below; an older or newer file is thrown away.
const SCHEMA: i64 = 4;

/// Of a million records the inner pages of all indexes are kept, so that a look-up decrypts a few pages at the ends of its
/// ways and no others.
const READERS: Connections = Connections {
    at_most: 3,
    decrypted: 64 * 1024,
};
/// As many pages as some thousand records change.
const WRITER: Connections = Connections {
    at_most: 1,
    decrypted: 16 * 1024,
};

/// How many organizations and languages the tables are kept of. Every practice organization is one of its own.
const SCHEMAS_KEPT: i64 = 8;

const TABLES: &str = "
CREATE TABLE answer (
    organization TEXT NOT NULL,
    visitor      BLOB NOT NULL,
    body         TEXT NOT NULL,
    read_at      INTEGER NOT NULL,
    PRIMARY KEY (organization, visitor)
) STRICT, WITHOUT ROWID;
CREATE TABLE schema (
    organization TEXT NOT NULL,
    language     INTEGER NOT NULL,
    body         TEXT NOT NULL,
    read_at      INTEGER NOT NULL,
    PRIMARY KEY (organization, language)
) STRICT;
CREATE TABLE owner (
    organization TEXT NOT NULL,
    user         TEXT NOT NULL
) STRICT;
";

/// The cache file. Clones share it: where one is locked, all are.
#[derive(Clone, Debug)]
pub struct Cache {
    /// None while it is locked.
    opened: Arc<RwLock<Option<Opened>>>,
}

/// Writing goes over one connection: what a connection keeps decrypted is let go as soon as another one has written, so a
/// second would make both slow, and a synchronisation would need their memory twice.
#[derive(Clone, Debug)]
struct Opened {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Opened {
    async fn close(&self) {
        file::close(&self.readers).await;
        file::close(&self.writer).await;
    }
}

/// What was answered for a visitor: which records matched and why, without the records' values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedAnswer {
    /// JSON that the caller wrote.
    pub body: String,
    /// When Dynamics answered (UTC).
    pub read_at: Timestamp,
}

/// What an organization's tables look like, with the labels of one language first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedSchema {
    /// The language of the labels (LCID); 0 if it is not known.
    pub language: u32,
    /// JSON that the caller wrote. It holds its own version.
    pub body: String,
    /// When Dynamics gave it, or said last that it has not changed (UTC).
    pub read_at: Timestamp,
}

/// A record as it was read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CachedRecord {
    /// The table's logical name.
    pub entity: String,
    /// The row's id.
    pub id: String,
    /// JSON that the caller wrote.
    pub body: String,
    /// When Dynamics gave it, or said last that it has not changed (UTC).
    pub read_at: Timestamp,
    /// Whether it comes after those that are active. Not told when a copy is read.
    pub is_inactive: bool,
    /// When it was changed last, in Dynamics. Not told when a copy is read.
    pub modified_at: Option<Timestamp>,
    /// What it can be found by. Not told when a copy is read.
    pub keys: Vec<CopyKey>,
    /// The words that it can be found by, separated by spaces. Not told when a copy is read.
    pub words: String,
}

impl std::fmt::Debug for CachedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CachedRecord({} {})", self.entity, self.id)
    }
}

impl Cache {
    /// Opens the cache, no matter what: a file that cannot be used makes room for a new one, and where no file can be kept
    /// the cache lives in memory. Beside it is why the former file was not taken, if there was one.
    ///
    /// # Errors
    /// Only if SQLite cannot even open a database in memory.
    pub async fn open(path: &Path, key: &Key) -> Result<(Cache, Option<Error>), Error> {
        let why = match Cache::open_file(path, key).await {
            Ok(cache) => return Ok((cache, None)),
            Err(error) => error,
        };
        warn!(
            error.code = why.code(),
            "the cache cannot be used and is made anew"
        );
        // A damaged file may be asked for by whoever looks for the reason. One that everybody can read must not stay.
        let is_kept = matches!(
            why,
            Error::WrongKey | Error::Damaged(_) | Error::Open(_) | Error::Sql(_)
        );
        for ending in ["", "-wal", "-shm"] {
            let part = with_ending(path, ending);
            let done = if is_kept && ending.is_empty() {
                std::fs::rename(&part, with_ending(path, ".damaged"))
            } else {
                std::fs::remove_file(&part)
            };
            if let Err(error) = done
                && error.kind() != std::io::ErrorKind::NotFound
            {
                warn!(error = %error.kind(), "a part of the old cache cannot be removed");
            }
        }
        match Cache::open_file(path, key).await {
            Ok(cache) => Ok((cache, Some(why))),
            Err(error) => {
                warn!(
                    error.code = error.code(),
                    "no cache file can be kept; the cache lives in memory"
                );
                Ok((Cache::memory().await?, Some(error)))
            }
        }
    }

    /// A cache that is gone with the process.
    ///
    /// # Errors
    /// If SQLite cannot open a database in memory.
    pub async fn memory() -> Result<Cache, Error> {
        let only = file::memory().await?;
        make_tables(&only).await?;
        Ok(Cache::of(Opened {
            readers: only.clone(),
            writer: only,
        }))
    }

    /// Ends all its connections, so that everything stands in the one file. One that lived in memory is gone. From then on
    /// everything is refused with [`Error::Locked`], until [`Cache::reopen`].
    pub async fn close(&self) {
        let opened = self
            .opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(opened) = opened {
            opened.close().await;
        }
    }

    /// Goes on with a cache that was just opened, in the place of what was closed.
    pub fn reopen(&self, opened: Cache) {
        let opened = opened
            .opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened;
    }

    /// For several questions in a row: each alone waits for a connection, and for it to be put back.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Sql`].
    pub async fn reading(&self) -> Result<Reading, Error> {
        Ok(Reading(self.readers()?.acquire().await?))
    }

    pub(crate) fn readers(&self) -> Result<SqlitePool, Error> {
        Ok(self.opened()?.readers)
    }

    pub(crate) fn writer(&self) -> Result<SqlitePool, Error> {
        Ok(self.opened()?.writer)
    }

    fn opened(&self) -> Result<Opened, Error> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.clone().ok_or(Error::Locked)
    }

    async fn open_file(path: &Path, key: &Key) -> Result<Cache, Error> {
        let writer = file::open(path, key, Durability::Quick, WRITER).await?;
        if let Err(error) = make_tables(&writer).await {
            // The file is about to be moved away.
            file::close(&writer).await;
            return Err(error);
        }
        match file::open(path, key, Durability::Quick, READERS).await {
            Ok(readers) => Ok(Cache::of(Opened { readers, writer })),
            Err(error) => {
                file::close(&writer).await;
                Err(error)
            }
        }
    }

    fn of(opened: Opened) -> Cache {
        Cache {
            opened: Arc::new(RwLock::new(Some(opened))),
        }
    }

    /// Keeps an answer and the records that it names, all or nothing. Older copies are replaced.
    ///
    /// `organization` separates what different organizations said; `visitor` is a digest of what was
    /// asked, so that no personal value is a key.
    ///
    /// # Errors
    /// [`Error::Sql`], for example when the disk is full.
    pub async fn put(
        &self,
        organization: &str,
        visitor: &[u8],
        answer: &CachedAnswer,
        records: &[CachedRecord],
    ) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        put_read(&mut transaction, organization, records).await?;
        sqlx::query(
            "INSERT INTO answer (organization, visitor, body, read_at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET body = excluded.body, read_at = excluded.read_at
             WHERE excluded.read_at >= answer.read_at",
        )
        .bind(organization)
        .bind(visitor)
        .bind(&answer.body)
        .bind(answer.read_at.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps records that were read for somebody, beside those that the synchronisation wants. Older copies are replaced.
    ///
    /// # Errors
    /// [`Error::Sql`], for example when the disk is full.
    pub async fn keep(&self, organization: &str, records: &[CachedRecord]) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        put_read(&mut transaction, organization, records).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// As [`Reading::answer`], of this question alone.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn answer(
        &self,
        organization: &str,
        visitor: &[u8],
    ) -> Result<Option<CachedAnswer>, Error> {
        self.reading().await?.answer(organization, visitor).await
    }

    /// As [`Reading::record`], of this question alone.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn record(
        &self,
        organization: &str,
        entity: &str,
        id: &str,
    ) -> Result<Option<CachedRecord>, Error> {
        self.reading().await?.record(organization, entity, id).await
    }

    /// Keeps what an organization's tables look like; an older copy is replaced. The oldest of many organizations
    /// are forgotten.
    ///
    /// # Errors
    /// [`Error::Sql`], for example when the disk is full.
    pub async fn put_schema(&self, organization: &str, schema: &CachedSchema) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO schema (organization, language, body, read_at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET body = excluded.body, read_at = excluded.read_at
             WHERE excluded.read_at >= schema.read_at",
        )
        .bind(organization)
        .bind(i64::from(schema.language))
        .bind(&schema.body)
        .bind(schema.read_at.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM schema WHERE rowid NOT IN
             (SELECT rowid FROM schema ORDER BY read_at DESC, rowid DESC LIMIT ?)",
        )
        .bind(SCHEMAS_KEPT)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What the organization's tables look like, in this language or else in the one that was read last.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn schema(
        &self,
        organization: &str,
        language: Option<u32>,
    ) -> Result<Option<CachedSchema>, Error> {
        let row = sqlx::query(
            "SELECT language, body, read_at FROM schema
             WHERE organization = ?1 AND (?2 IS NULL OR language = ?2)
             ORDER BY read_at DESC LIMIT 1",
        )
        .bind(organization)
        .bind(language.map(i64::from))
        .fetch_optional(&self.readers()?)
        .await?;
        row.map(|row| {
            Ok(CachedSchema {
                language: u32::try_from(row.try_get::<i64, _>("language")?)
                    .map_err(|_| Error::Stored("language"))?,
                body: row.try_get("body")?,
                read_at: timestamp(row.try_get("read_at")?)?,
            })
        })
        .transpose()
    }

    /// Whose cache it is from now on. What belonged to another user, or to another organization, is forgotten.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn belongs_to(&self, organization: &str, user: &str) -> Result<(), Error> {
        let owner = sqlx::query_as::<_, (String, String)>("SELECT organization, user FROM owner")
            .fetch_optional(&self.readers()?)
            .await?;
        let is_same = |(its, theirs): &(String, String)| its == organization && theirs == user;
        if owner.as_ref().is_some_and(is_same) {
            return Ok(());
        }
        if owner.is_some() {
            self.wipe().await?;
        }
        sqlx::query("INSERT INTO owner (organization, user) VALUES (?, ?)")
            .bind(organization)
            .bind(user)
            .execute(&self.writer()?)
            .await?;
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn wipe(&self) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(
            "DELETE FROM answer; DELETE FROM schema; DELETE FROM owner; DELETE FROM words; DELETE FROM key;
             DELETE FROM record; DELETE FROM key_name; DELETE FROM part;",
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn make_tables(pool: &SqlitePool) -> Result<(), Error> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(pool)
        .await?;
    match version {
        SCHEMA => Ok(()),
        0 => {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
            sqlx::raw_sql(copies::TABLES)
                .execute(&mut *transaction)
                .await?;
            // PRAGMA takes no bound values; a test holds this literal to SCHEMA.
            sqlx::query("PRAGMA user_version = 4")
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(())
        }
        _ => Err(Error::Stored("cache of another version")),
    }
}

/// Several questions in a row, over one connection.
#[derive(Debug)]
pub struct Reading(pub(crate) PoolConnection<Sqlite>);

impl Reading {
    /// The last answer for this visitor, if there is one.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn answer(
        &mut self,
        organization: &str,
        visitor: &[u8],
    ) -> Result<Option<CachedAnswer>, Error> {
        let row =
            sqlx::query("SELECT body, read_at FROM answer WHERE organization = ? AND visitor = ?")
                .bind(organization)
                .bind(visitor)
                .fetch_optional(&mut *self.0)
                .await?;
        row.map(|row| {
            Ok(CachedAnswer {
                body: row.try_get("body")?,
                read_at: timestamp(row.try_get("read_at")?)?,
            })
        })
        .transpose()
    }
}

async fn put_read(
    connection: &mut SqliteConnection,
    organization: &str,
    records: &[CachedRecord],
) -> Result<(), Error> {
    for of_one_table in records.chunk_by(|one, next| one.entity == next.entity) {
        if let Some(first) = of_one_table.first() {
            let part = copies::part_made(connection, organization, &first.entity).await?;
            copies::put_records(connection, part, of_one_table, copies::Kept::Read).await?;
        }
    }
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(crate) fn timestamp(milliseconds: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| Error::Stored("time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn answer(body: &str, second: i64) -> CachedAnswer {
        CachedAnswer {
            body: body.to_owned(),
            read_at: at(second),
        }
    }

    fn record(id: &str, body: &str, second: i64) -> CachedRecord {
        CachedRecord {
            entity: "contact".to_owned(),
            id: id.to_owned(),
            body: body.to_owned(),
            read_at: at(second),
            ..CachedRecord::default()
        }
    }

    #[tokio::test]
    async fn what_was_put_is_found_by_organization_and_visitor() {
        let cache = Cache::memory().await.unwrap();
        cache
            .put("one", b"dana", &answer("a", 5), &[record("1", "r", 5)])
            .await
            .unwrap();
        assert_eq!(
            cache.answer("one", b"dana").await.unwrap(),
            Some(answer("a", 5))
        );
        assert_eq!(
            cache.record("one", "contact", "1").await.unwrap(),
            Some(record("1", "r", 5))
        );
        assert_eq!(cache.answer("two", b"dana").await.unwrap(), None);
        assert_eq!(cache.answer("one", b"lee").await.unwrap(), None);
        cache.wipe().await.unwrap();
        assert_eq!(cache.answer("one", b"dana").await.unwrap(), None);
        assert_eq!(cache.record("one", "contact", "1").await.unwrap(), None);
    }

    #[tokio::test]
    async fn tables_are_kept_by_organization_and_language_and_the_oldest_are_forgotten() {
        let schema = |language: u32, body: &str, second: i64| CachedSchema {
            language,
            body: body.to_owned(),
            read_at: at(second),
        };
        let cache = Cache::memory().await.unwrap();
        cache
            .put_schema("one", &schema(1033, "en", 5))
            .await
            .unwrap();
        cache
            .put_schema("one", &schema(1031, "de", 4))
            .await
            .unwrap();
        cache
            .put_schema("one", &schema(1031, "older", 3))
            .await
            .unwrap();
        let found = |language| cache.schema("one", language);
        assert_eq!(found(None).await.unwrap(), Some(schema(1033, "en", 5)));
        assert_eq!(
            found(Some(1031)).await.unwrap(),
            Some(schema(1031, "de", 4))
        );
        assert_eq!(found(Some(1036)).await.unwrap(), None);
        assert_eq!(cache.schema("two", None).await.unwrap(), None);
        for other in 0..7 {
            let organization = other.to_string();
            cache
                .put_schema(&organization, &schema(0, "x", 9))
                .await
                .unwrap();
        }
        assert_eq!(found(Some(1031)).await.unwrap(), None);
        assert!(found(Some(1033)).await.unwrap().is_some());
        cache.wipe().await.unwrap();
        assert_eq!(found(None).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_older_answer_never_replaces_a_newer_one() {
        let cache = Cache::memory().await.unwrap();
        cache
            .put("one", b"dana", &answer("new", 9), &[record("1", "new", 9)])
            .await
            .unwrap();
        cache
            .put("one", b"dana", &answer("old", 3), &[record("1", "old", 3)])
            .await
            .unwrap();
        assert_eq!(
            cache.answer("one", b"dana").await.unwrap(),
            Some(answer("new", 9))
        );
        assert_eq!(
            cache.record("one", "contact", "1").await.unwrap(),
            Some(record("1", "new", 9))
        );
    }

    #[tokio::test]
    async fn it_survives_a_restart_and_opens_over_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/cache.sqlite");
        let key = Key::random();
        let (cache, why) = Cache::open(&path, &key).await.unwrap();
        assert!(why.is_none());
        cache
            .put("one", b"dana", &answer("a", 5), &[])
            .await
            .unwrap();
        cache.close().await;
        let (cache, why) = Cache::open(&path, &key).await.unwrap();
        assert!(why.is_none());
        assert_eq!(
            cache.answer("one", b"dana").await.unwrap(),
            Some(answer("a", 5))
        );
        cache.close().await;
        std::fs::write(
            &path,
            "this is no database at all, but long enough to be looked at",
        )
        .unwrap();
        let (cache, why) = Cache::open(&path, &key).await.unwrap();
        assert!(matches!(why, Some(Error::WrongKey)), "{why:?}");
        assert!(path.with_file_name("cache.sqlite.damaged").exists());
        assert_eq!(cache.answer("one", b"dana").await.unwrap(), None);
        cache
            .put("one", b"dana", &answer("b", 6), &[])
            .await
            .unwrap();
        cache.close().await;
    }

    #[tokio::test]
    async fn a_file_of_another_version_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.sqlite");
        let key = Key::random();
        let (cache, why) = Cache::open(&path, &key).await.unwrap();
        assert!(why.is_none());
        let version: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&cache.writer().unwrap())
            .await
            .unwrap();
        assert_eq!(version, SCHEMA);
        cache
            .put("one", b"dana", &answer("a", 5), &[])
            .await
            .unwrap();
        sqlx::query("PRAGMA user_version = 999")
            .execute(&cache.writer().unwrap())
            .await
            .unwrap();
        cache.close().await;
        let (cache, why) = Cache::open(&path, &key).await.unwrap();
        assert!(matches!(why, Some(Error::Stored(_))), "{why:?}");
        assert_eq!(cache.answer("one", b"dana").await.unwrap(), None);
        crate::close_all().await;
    }

    #[tokio::test]
    async fn where_no_file_can_be_kept_it_lives_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let (cache, why) = Cache::open(&blocked.join("cache.sqlite"), &Key::random())
            .await
            .unwrap();
        assert!(why.is_some());
        cache
            .put("one", b"dana", &answer("a", 5), &[])
            .await
            .unwrap();
        assert_eq!(
            cache.answer("one", b"dana").await.unwrap(),
            Some(answer("a", 5))
        );
    }
}
