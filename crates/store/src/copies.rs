//! Copies of records that can be found by what stands in them, and how far each table is synchronised.
//!
//! What can be found of a record is what its keeper says: pairs of a name and a value ([`Key`]s, for rules) and words (for
//! a person who searches). This module knows nothing of what they mean.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::cache::{Cache, Reading, timestamp};
use crate::{Error, cache::CachedRecord};

pub(crate) const TABLES: &str = "
CREATE TABLE part (
    id           INTEGER PRIMARY KEY,
    organization TEXT NOT NULL,
    entity       TEXT NOT NULL,
    spec         TEXT NOT NULL DEFAULT '',
    pass         INTEGER NOT NULL DEFAULT 0,
    is_loading   INTEGER NOT NULL DEFAULT 0,
    next         TEXT,
    delta        TEXT,
    done         INTEGER NOT NULL DEFAULT 0,
    expected     INTEGER,
    synced_at    INTEGER,
    UNIQUE (organization, entity)
) STRICT;
CREATE TABLE record (
    n           INTEGER PRIMARY KEY,
    part        INTEGER NOT NULL REFERENCES part ON DELETE CASCADE,
    id          TEXT NOT NULL,
    body        TEXT NOT NULL,
    read_at     INTEGER NOT NULL,
    is_inactive INTEGER NOT NULL,
    modified_at INTEGER,
    -- The load that saw it last; 0 for a record that was read for a visitor only.
    pass        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (part, id)
) STRICT;
-- How many are synchronised, which of them a load has not seen, and which are too old, without a look at any copy.
CREATE INDEX record_pass ON record (part, pass, modified_at);
CREATE TABLE key_name (
    id   INTEGER PRIMARY KEY,
    part INTEGER NOT NULL REFERENCES part ON DELETE CASCADE,
    name TEXT NOT NULL,
    UNIQUE (part, name)
) STRICT;
CREATE TABLE key (
    name   INTEGER NOT NULL,
    value  TEXT NOT NULL,
    record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
    PRIMARY KEY (name, value, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_record ON key (record);
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, prefix = '2 3',
    -- Words come folded and apart from each other; between them is a space.
    tokenize = 'ascii'
);
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
CREATE TRIGGER record_words AFTER DELETE ON record BEGIN
    DELETE FROM words WHERE rowid = old.n;
END;
";

/// Something by which a record can be found. Compared byte by byte: whoever writes and whoever asks fold it alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// What kind of value it is, for example a column.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Values are personal: only the name is shown.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

/// Which copies are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// The copies with these ids.
    Ids(Vec<String>),
    /// Those that have this key.
    Is(Key),
    /// Those with a key of this name whose value begins so.
    BeginsWith(Key),
    /// Those with a key of this name whose value ends so. All values of the name are looked at.
    EndsWith(Key),
    /// Those with a key of this name whose value contains this. All values of the name are looked at.
    Contains(Key),
    /// Those that are meant by all of these; none if there are none.
    All(Vec<Find>),
    /// Those that are meant by one of these.
    Any(Vec<Find>),
}

/// How far a table is synchronised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synchronised {
    /// The number of the load; it rises with each.
    pub load: i64,
    /// What was loaded (tables, columns, filter), as its loader wrote it. Another text means that all has to be loaded
    /// anew.
    pub spec: String,
    /// Whether a load has begun and not ended.
    pub is_loading: bool,
    /// Where the load goes on.
    pub next: Option<String>,
    /// Where the changes since the last load or changes are.
    pub delta: Option<String>,
    /// How many records the load has seen.
    pub done: u64,
    /// How many there are, as far as it is known.
    pub expected: Option<u64>,
    /// When the copy was last as Dynamics had it.
    pub synced_at: Option<Timestamp>,
}

/// A page of a load or of changes, kept all or nothing.
#[derive(Debug, Default)]
pub struct SyncPage<'a> {
    /// Records as they are now.
    pub records: &'a [CachedRecord],
    /// Ids of records that are gone.
    pub gone: &'a [String],
    /// Ids of records that are not meant to be kept: those that were read for a visitor stay.
    pub unwanted: &'a [String],
    /// How many rows the page had.
    pub seen: u64,
    /// Where the next page is; none on the last one.
    pub next: Option<&'a str>,
    /// Where the changes will be; on the last page, where they are told.
    pub delta: Option<&'a str>,
    /// In whose turn it was read. In another one it is not kept.
    pub turn: Option<Turn<'a>>,
}

/// For whom, and since which load, a table is read.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The user whom the cache must belong to ([`Cache::belongs_to`]).
    pub user: &'a str,
    /// The number of the load that must be the last one ([`Synchronised::load`]).
    pub load: i64,
}

/// One of several questions that are asked at once.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The table, by logical name.
    pub entity: &'a str,
    /// Which of its copies.
    pub find: &'a Find,
    /// How many at most.
    pub at_most: u32,
    /// What comes along with each.
    pub along: Option<Along<'a>>,
}

/// The copy of another table whose id stands in the one that is found.
#[derive(Clone, Copy, Debug)]
pub struct Along<'a> {
    /// Where in its body, as a path of SQLite's JSON functions.
    pub id_at: &'a str,
    /// The other table, by logical name.
    pub entity: &'a str,
}

/// A copy that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The copy.
    pub record: CachedRecord,
    /// What came along with it.
    pub along: Option<CachedRecord>,
    /// What was loaded of its table ([`Synchronised::spec`]), if a load has ended and none goes on.
    pub loaded: Option<String>,
}

impl Reading {
    /// The copies that are meant by each question: active ones first, then those that were changed last, then by id.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn find_each(
        &mut self,
        organization: &str,
        asks: &[Ask<'_>],
    ) -> Result<Vec<Vec<Found>>, Error> {
        let mut found: Vec<Vec<Found>> = asks.iter().map(|_| Vec::new()).collect();
        if asks.is_empty() {
            return Ok(found);
        }
        let mut query = QueryBuilder::new("");
        for (place, ask) in asks.iter().enumerate() {
            query.push(if place == 0 { "WITH " } else { ", " });
            push_part(&mut query, "this", place, organization, ask.entity);
            if let Some(along) = ask.along {
                query.push(", ");
                push_part(&mut query, "other", place, organization, along.entity);
            }
        }
        for (place, ask) in asks.iter().enumerate() {
            if place > 0 {
                query.push(" UNION ALL ");
            }
            push_ask(&mut query, place, ask)?;
        }
        query.push(" ORDER BY place, is_inactive, modified_at DESC, id");
        for row in query.build().fetch_all(&mut *self.0).await? {
            let place: i64 = row.try_get("place")?;
            let place = usize::try_from(place).map_err(|_| Error::Stored("number"))?;
            let (Some(ask), Some(found)) = (asks.get(place), found.get_mut(place)) else {
                return Err(Error::Stored("number"));
            };
            let along = match (ask.along, row.try_get("along_id")?) {
                (Some(along), Some(id)) => Some(CachedRecord {
                    entity: along.entity.to_owned(),
                    id,
                    body: row.try_get("along_body")?,
                    read_at: timestamp(row.try_get("along_read_at")?)?,
                    ..CachedRecord::default()
                }),
                (Some(_) | None, _) => None,
            };
            found.push(Found {
                record: record(ask.entity, &row)?,
                along,
                loaded: row.try_get("loaded")?,
            });
        }
        Ok(found)
    }

    /// The copies that are meant: active ones first, then those that were changed last, then by id.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn find(
        &mut self,
        organization: &str,
        entity: &str,
        find: &Find,
        at_most: u32,
    ) -> Result<Vec<CachedRecord>, Error> {
        let ask = Ask {
            entity,
            find,
            at_most,
            along: None,
        };
        let found = self.find_each(organization, &[ask]).await?;
        let found = found.into_iter().flatten();
        Ok(found.map(|found| found.record).collect())
    }

    /// The last copy of a record, if there is one.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn record(
        &mut self,
        organization: &str,
        entity: &str,
        id: &str,
    ) -> Result<Option<CachedRecord>, Error> {
        let find = Find::Ids(vec![id.to_owned()]);
        let found = self.find(organization, entity, &find, 1).await?;
        Ok(found.into_iter().next())
    }
}

impl Cache {
    /// As [`Reading::find`], of this question alone.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn find(
        &self,
        organization: &str,
        entity: &str,
        find: &Find,
        at_most: u32,
    ) -> Result<Vec<CachedRecord>, Error> {
        let mut reading = self.reading().await?;
        reading.find(organization, entity, find, at_most).await
    }

    /// The copies in which each of the words stands, or a word that begins with it: active ones first, then those that
    /// were changed last. A word that stands nowhere may be a slip: `similar` says which of the words that stand
    /// somewhere are meant by it.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn search(
        &self,
        organization: &str,
        entity: &str,
        words: &[String],
        at_most: u32,
        similar: impl Fn(&str, &str) -> bool,
    ) -> Result<Vec<CachedRecord>, Error> {
        let mut connection = self.readers()?.acquire().await?;
        let Some(part) = part(&mut connection, organization, entity).await? else {
            return Ok(Vec::new());
        };
        let words: Vec<&str> = words
            .iter()
            .flat_map(|word| word.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()))
            .filter(|word| !word.is_empty())
            .collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let exact = words.iter().map(|word| quoted(word, true));
        let exact = exact.collect::<Vec<_>>().join(" ");
        let found = search_in(&mut connection, part, entity, &exact, at_most).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        let mut alternatives = Vec::new();
        for word in &words {
            let known: Vec<String> = sqlx::query_scalar(
                "SELECT term FROM vocabulary WHERE length(term) BETWEEN ? AND ?",
            )
            .bind(i64::try_from(word.chars().count()).unwrap_or(i64::MAX) - 2)
            .bind(i64::try_from(word.chars().count()).unwrap_or(i64::MAX - 2) + 2)
            .fetch_all(&mut *connection)
            .await?;
            let meant = known.iter().filter(|known| similar(word, known));
            let meant = meant.map(|known| quoted(known, false));
            let either: Vec<String> = std::iter::once(quoted(word, true))
                .chain(meant.take(MOST_MEANT))
                .collect();
            alternatives.push(format!("({})", either.join(" OR ")));
        }
        let wide = alternatives.join(" AND ");
        search_in(&mut connection, part, entity, &wide, at_most).await
    }

    /// How far a table is synchronised.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn synchronised(
        &self,
        organization: &str,
        entity: &str,
    ) -> Result<Synchronised, Error> {
        let row = sqlx::query(
            "SELECT pass, spec, is_loading, next, delta, done, expected, synced_at FROM part
             WHERE organization = ? AND entity = ?",
        )
        .bind(organization)
        .bind(entity)
        .fetch_optional(&self.readers()?)
        .await?;
        let Some(row) = row else {
            return Ok(Synchronised::default());
        };
        let number = |value: i64| u64::try_from(value).map_err(|_| Error::Stored("number"));
        Ok(Synchronised {
            load: row.try_get("pass")?,
            spec: row.try_get("spec")?,
            is_loading: row.try_get("is_loading")?,
            next: row.try_get("next")?,
            delta: row.try_get("delta")?,
            done: number(row.try_get("done")?)?,
            expected: row
                .try_get::<Option<i64>, _>("expected")?
                .map(number)
                .transpose()?,
            synced_at: row
                .try_get::<Option<i64>, _>("synced_at")?
                .map(timestamp)
                .transpose()?,
        })
    }

    /// How many copies a table has that are kept by its synchronisation.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn count_synchronised(&self, organization: &str, entity: &str) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM record JOIN part ON part.id = record.part
             WHERE organization = ? AND entity = ? AND record.pass > 0",
        )
        .bind(organization)
        .bind(entity)
        .fetch_one(&self.readers()?)
        .await?;
        u64::try_from(count).map_err(|_| Error::Stored("number"))
    }

    /// Begins to load a table and gives the load's number. What is there of it stays, until the load has ended without
    /// seeing it.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn begin_load(
        &self,
        organization: &str,
        entity: &str,
        spec: &str,
        expected: Option<u64>,
    ) -> Result<i64, Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        let part = part_made(&mut transaction, organization, entity).await?;
        let load = sqlx::query_scalar(
            "UPDATE part SET spec = ?, pass = pass + 1, is_loading = 1, next = NULL, delta = NULL, done = 0, expected = ?
             WHERE id = ? RETURNING pass",
        )
        .bind(spec)
        .bind(expected.map(|expected| i64::try_from(expected).unwrap_or(i64::MAX)))
        .bind(part)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(load)
    }

    /// Keeps a page of the load that has begun. With the last one it ends: copies that it has not seen are forgotten.
    ///
    /// # Errors
    /// [`Error::Sql`], for example when the disk is full; [`Error::Superseded`] if it is not this page's turn any more. Then
    /// nothing of the page is kept.
    pub async fn put_load(
        &self,
        organization: &str,
        entity: &str,
        page: &SyncPage<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.put_page(organization, entity, page, now, true).await
    }

    /// Keeps a page of changes.
    ///
    /// # Errors
    /// As for [`Cache::put_load`].
    pub async fn put_changes(
        &self,
        organization: &str,
        entity: &str,
        page: &SyncPage<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.put_page(organization, entity, page, now, false).await
    }

    async fn put_page(
        &self,
        organization: &str,
        entity: &str,
        page: &SyncPage<'_>,
        now: Timestamp,
        is_load: bool,
    ) -> Result<(), Error> {
        let mut transaction = self.writer()?.begin_with("BEGIN IMMEDIATE").await?;
        let part = part_made(&mut transaction, organization, entity).await?;
        if let Some(turn) = page.turn {
            let is_its_turn: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM part, owner WHERE id = ? AND pass = ? AND is_loading = ? AND user = ?)",
            )
            .bind(part)
            .bind(turn.load)
            .bind(is_load)
            .bind(turn.user)
            .fetch_one(&mut *transaction)
            .await?;
            if !is_its_turn {
                return Err(Error::Superseded);
            }
        }
        put_records(&mut transaction, part, page.records, Kept::Synchronised).await?;
        for (ids, which) in [(page.gone, ""), (page.unwanted, " AND pass > 0")] {
            if ids.is_empty() {
                continue;
            }
            let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM record WHERE part = ");
            query
                .push_bind(part)
                .push(" AND id IN (SELECT value FROM json_each(")
                .push_bind(json(ids)?)
                .push("))")
                .push(which);
            query.build().execute(&mut *transaction).await?;
        }
        let is_last = page.next.is_none();
        if is_load && is_last {
            sqlx::query(
                "DELETE FROM record WHERE part = ?1 AND pass > 0 AND pass < (SELECT pass FROM part WHERE id = ?1)",
            )
            .bind(part)
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query(
            "UPDATE part SET
                 done = iif(?2, done + ?3, done),
                 next = iif(?2, ?4, next),
                 is_loading = iif(?2 AND ?5, 0, is_loading),
                 delta = coalesce(?6, delta),
                 synced_at = iif(?5, ?7, synced_at)
             WHERE id = ?1",
        )
        .bind(part)
        .bind(is_load)
        .bind(i64::try_from(page.seen).unwrap_or(i64::MAX))
        .bind(page.next)
        .bind(is_last)
        .bind(page.delta)
        .bind(now.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ids that stand as values under a key of one table, and of which the other table has no copy.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn missing(
        &self,
        organization: &str,
        entity: &str,
        key: &str,
        other: &str,
        at_most: u32,
    ) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT DISTINCT key.value FROM key
             WHERE key.name = (
                 SELECT key_name.id FROM key_name JOIN part ON part.id = key_name.part
                 WHERE organization = ?1 AND entity = ?2 AND key_name.name = ?3)
             AND NOT EXISTS (
                 SELECT 1 FROM record JOIN part ON part.id = record.part
                 WHERE organization = ?1 AND entity = ?4 AND record.id = key.value)
             LIMIT ?5",
        )
        .bind(organization)
        .bind(entity)
        .bind(key)
        .bind(other)
        .bind(i64::from(at_most))
        // A part of the synchronisation: what it keeps decrypted for itself is enough.
        .fetch_all(&self.writer()?)
        .await?)
    }
}

/// How many other words one word may stand for.
const MOST_MEANT: usize = 20;

/// Why a record is kept.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    /// The synchronisation wants it.
    Synchronised,
    /// It was read for a visitor.
    Read,
}

/// Keeps records, unless what is there was read later.
pub(crate) async fn put_records(
    connection: &mut SqliteConnection,
    part: i64,
    records: &[CachedRecord],
    kept: Kept,
) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    let rows: Vec<serde_json::Value> = records
        .iter()
        .map(|record| {
            serde_json::json!([
                record.id,
                record.body,
                record.read_at.as_millisecond(),
                i64::from(record.is_inactive),
                record.modified_at.map(|at| at.as_millisecond()),
                record.keys,
                record.words,
            ])
        })
        .collect();
    let rows = json(&rows)?;
    sqlx::query(
        "INSERT INTO record (part, id, body, read_at, is_inactive, modified_at, pass)
         SELECT part.id, new.value ->> 0, new.value ->> 1, new.value ->> 2, new.value ->> 3, new.value ->> 4,
                iif(?2, part.pass, 0)
         FROM json_each(?3) AS new, part WHERE part.id = ?1
         ON CONFLICT DO UPDATE SET
             pass = iif(?2, excluded.pass, pass),
             body = iif(excluded.read_at >= read_at, excluded.body, body),
             is_inactive = iif(excluded.read_at >= read_at, excluded.is_inactive, is_inactive),
             modified_at = iif(excluded.read_at >= read_at, excluded.modified_at, modified_at),
             read_at = max(excluded.read_at, read_at)",
    )
    .bind(part)
    .bind(matches!(kept, Kept::Synchronised))
    .bind(&rows)
    .execute(&mut *connection)
    .await?;
    // `CROSS JOIN`, so that the new records are gone through once and each looked up, never the other way round.
    // What was read later than this keeps its own keys.
    sqlx::query(
        "DELETE FROM key WHERE record IN (
             SELECT n FROM json_each(?2) AS new CROSS JOIN record ON record.part = ?1 AND record.id = new.value ->> 0
             WHERE read_at = new.value ->> 2)",
    )
    .bind(part)
    .bind(&rows)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT OR IGNORE INTO key_name (part, name)
         SELECT DISTINCT ?1, key.value ->> 'name'
         FROM json_each(?2) AS new, json_each(new.value, '$[5]') AS key",
    )
    .bind(part)
    .bind(&rows)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT OR IGNORE INTO key (name, value, record)
         SELECT key_name.id, key.value ->> 'value', record.n
         FROM json_each(?2) AS new
         CROSS JOIN record ON record.part = ?1 AND record.id = new.value ->> 0 AND record.read_at = new.value ->> 2
         CROSS JOIN json_each(new.value, '$[5]') AS key
         CROSS JOIN key_name ON key_name.part = ?1 AND key_name.name = key.value ->> 'name'",
    )
    .bind(part)
    .bind(&rows)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT OR REPLACE INTO words (rowid, text)
         SELECT n, new.value ->> 6
         FROM json_each(?2) AS new CROSS JOIN record ON record.part = ?1 AND record.id = new.value ->> 0
         WHERE read_at = new.value ->> 2",
    )
    .bind(part)
    .bind(&rows)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

pub(crate) async fn part(
    connection: &mut SqliteConnection,
    organization: &str,
    entity: &str,
) -> Result<Option<i64>, Error> {
    Ok(
        sqlx::query_scalar("SELECT id FROM part WHERE organization = ? AND entity = ?")
            .bind(organization)
            .bind(entity)
            .fetch_optional(connection)
            .await?,
    )
}

pub(crate) async fn part_made(
    connection: &mut SqliteConnection,
    organization: &str,
    entity: &str,
) -> Result<i64, Error> {
    sqlx::query("INSERT OR IGNORE INTO part (organization, entity) VALUES (?, ?)")
        .bind(organization)
        .bind(entity)
        .execute(&mut *connection)
        .await?;
    part(connection, organization, entity)
        .await?
        .ok_or(Error::Stored("table"))
}

/// A table as a part of a statement: `this0`, `other0`.
fn push_part(
    query: &mut QueryBuilder<Sqlite>,
    name: &str,
    place: usize,
    organization: &str,
    entity: &str,
) {
    query
        .push(name)
        .push(place)
        .push(" AS MATERIALIZED (SELECT id, spec, synced_at, is_loading FROM part WHERE organization = ")
        .push_bind(organization.to_owned())
        .push(" AND entity = ")
        .push_bind(entity.to_owned())
        .push(")");
}

/// A select of what one question means.
fn push_ask(query: &mut QueryBuilder<Sqlite>, place: usize, ask: &Ask<'_>) -> Result<(), Error> {
    query
        .push("SELECT ")
        .push(place)
        .push(
            " AS place, found.is_inactive AS is_inactive, found.modified_at AS modified_at, found.id AS id, found.body AS body,
             max(found.read_at, iif(found.pass > 0, coalesce(this.synced_at, 0), 0)) AS read_at,
             iif(this.synced_at IS NULL OR this.is_loading, NULL, this.spec) AS loaded,",
        )
        .push(if ask.along.is_some() {
            " along.id AS along_id, along.body AS along_body,
             max(along.read_at, iif(along.pass > 0, coalesce(other.synced_at, 0), 0)) AS along_read_at"
        } else {
            " NULL AS along_id, NULL AS along_body, NULL AS along_read_at"
        })
        .push(" FROM (SELECT * FROM record WHERE n IN (");
    push_find(query, place, ask.find)?;
    query
        .push(") ORDER BY is_inactive, modified_at DESC, id LIMIT ")
        // Where the limit is bound, SQLite prepares the statement anew each time: its plan depends on the limit.
        .push(ask.at_most)
        .push(") AS found JOIN this")
        .push(place)
        .push(" AS this");
    if let Some(along) = ask.along {
        query
            .push(" LEFT JOIN other")
            .push(place)
            .push(
                " AS other LEFT JOIN record AS along ON along.part = other.id AND along.id = lower(found.body ->> ",
            )
            .push_bind(along.id_at.to_owned())
            .push(")");
    }
    Ok(())
}

/// A select of the numbers of the records that are meant, of the table that `this` is.
fn push_find(query: &mut QueryBuilder<Sqlite>, place: usize, find: &Find) -> Result<(), Error> {
    match find {
        Find::Ids(ids) => {
            query
                .push("SELECT n FROM record WHERE part = (SELECT id FROM this")
                .push(place)
                .push(") AND id IN (SELECT value FROM json_each(")
                .push_bind(json(ids)?)
                .push("))");
        }
        Find::Is(key) => {
            push_key(query, place, key);
            query.push(" AND value = ").push_bind(key.value.clone());
        }
        Find::BeginsWith(key) => {
            push_key(query, place, key);
            query.push(" AND value >= ").push_bind(key.value.clone());
            if let Some(after) = after_all_that_begin_with(&key.value) {
                query.push(" AND value < ").push_bind(after);
            }
        }
        Find::EndsWith(key) => {
            push_key(query, place, key);
            let length = i64::try_from(key.value.chars().count()).unwrap_or(i64::MAX);
            query
                .push(" AND substr(value, -")
                .push_bind(length)
                .push(") = ")
                .push_bind(key.value.clone());
        }
        Find::Contains(key) => {
            push_key(query, place, key);
            query
                .push(" AND instr(value, ")
                .push_bind(key.value.clone())
                .push(") > 0");
        }
        Find::All(all) => push_compound(query, place, all, " INTERSECT ")?,
        Find::Any(any) => push_compound(query, place, any, " UNION ")?,
    }
    Ok(())
}

fn push_key(query: &mut QueryBuilder<Sqlite>, place: usize, key: &Key) {
    query.push("SELECT record FROM key WHERE name = ");
    push_name(query, place, &key.name);
}

/// The number of a key's name.
fn push_name(query: &mut QueryBuilder<Sqlite>, place: usize, name: &str) {
    query
        .push("(SELECT id FROM key_name WHERE part = (SELECT id FROM this")
        .push(place)
        .push(") AND name = ")
        .push_bind(name.to_owned())
        .push(")");
}

fn push_compound(
    query: &mut QueryBuilder<Sqlite>,
    place: usize,
    parts: &[Find],
    with: &str,
) -> Result<(), Error> {
    if parts.is_empty() {
        query.push("SELECT n FROM record WHERE 0");
    }
    for (at, one) in parts.iter().enumerate() {
        if at > 0 {
            query.push(with);
        }
        query.push("SELECT * FROM (");
        push_find(query, place, one)?;
        query.push(")");
    }
    Ok(())
}

/// The first text behind all that begin with this one; none if there is none.
fn after_all_that_begin_with(text: &str) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

async fn search_in(
    connection: &mut SqliteConnection,
    part: i64,
    entity: &str,
    matching: &str,
    at_most: u32,
) -> Result<Vec<CachedRecord>, Error> {
    let rows = sqlx::query(
        "SELECT record.id, body, max(read_at, iif(record.pass > 0, coalesce(part.synced_at, 0), 0)) AS read_at
         FROM words JOIN record ON record.n = words.rowid JOIN part ON part.id = record.part
         WHERE words MATCH ? AND part.id = ?
         ORDER BY is_inactive, modified_at DESC, record.id LIMIT ?",
    )
    .bind(matching)
    .bind(part)
    .bind(i64::from(at_most))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| record(entity, row)).collect()
}

/// A word as FTS5 takes it literally.
fn quoted(word: &str, is_beginning: bool) -> String {
    let star = if is_beginning { " *" } else { "" };
    format!("\"{}\"{star}", word.replace('"', "\"\""))
}

fn record(entity: &str, row: &sqlx::sqlite::SqliteRow) -> Result<CachedRecord, Error> {
    Ok(CachedRecord {
        entity: entity.to_owned(),
        id: row.try_get("id")?,
        body: row.try_get("body")?,
        read_at: timestamp(row.try_get("read_at")?)?,
        ..CachedRecord::default()
    })
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Stored("record"))
}
