//! The outbox: what is to be written to Dynamics, from the moment it is asked for until it is written, and a while longer.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::activity::{NewLine, append};
use crate::{Error, Store};

/// How an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for the end of the grace time.
    Waiting,
    /// It goes out as soon as it is due.
    Queued,
    /// It is on its way.
    Sending,
    /// It is written.
    Done,
    /// There was nothing to write.
    Nothing,
    /// A person must do something.
    Attention,
    /// It was discarded or undone.
    Discarded,
}

impl State {
    const ALL: [State; 7] = [
        State::Waiting,
        State::Queued,
        State::Sending,
        State::Done,
        State::Nothing,
        State::Attention,
        State::Discarded,
    ];

    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Queued => "queued",
            State::Sending => "sending",
            State::Done => "done",
            State::Nothing => "nothing",
            State::Attention => "attention",
            State::Discarded => "discarded",
        }
    }

    /// Whether nothing happens to it any more by itself.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            State::Waiting | State::Queued | State::Sending => false,
            State::Done | State::Nothing | State::Attention | State::Discarded => true,
        }
    }
}

/// An entry to be put into the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its id: the same for whoever puts the same thing in.
    pub id: Uuid,
    /// The organization that it is for.
    pub organization: String,
    /// The chat or message.
    pub subject: String,
    /// What tells the person: entries of one person go out in their order.
    pub person_key: String,
    /// [`State::Waiting`] or [`State::Queued`].
    pub state: State,
    /// When it goes on.
    pub due_at: Timestamp,
    /// JSON that the caller wrote.
    pub intent: String,
}

/// An entry of the outbox. The JSON in it is the caller's.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Rises with every entry.
    pub number: i64,
    /// Its id.
    pub id: Uuid,
    /// The organization that it is for.
    pub organization: String,
    /// The chat or message.
    pub subject: String,
    /// What tells the person.
    pub person_key: String,
    /// How it stands.
    pub state: State,
    /// When it goes on by itself.
    pub due_at: Option<Timestamp>,
    /// How often it was tried since it was last put in order.
    pub attempts: u32,
    /// How often what is to be written has changed after it had been planned.
    pub revised: u32,
    /// What is to be written down.
    pub intent: String,
    /// What it becomes, once that is known.
    pub plan: Option<String>,
    /// What was written.
    pub outcome: Option<String>,
    /// Why it waits or needs a person.
    pub problem: Option<String>,
    /// When it was put in (UTC).
    pub created_at: Timestamp,
    /// When it last changed (UTC).
    pub changed_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

/// Personal values stay out of logs.
impl std::fmt::Debug for NewEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewEntry({} {})", self.id, self.state.as_str())
    }
}

/// Personal values stay out of logs.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} {})", self.id, self.state.as_str())
    }
}

/// An entry as it shall be, and what the activity says of it. It counts only if nobody has changed the entry since it was
/// read.
#[derive(Clone, Debug)]
pub struct Change {
    /// The entry; number, id, organization, subject and the time of its making stay as they are.
    pub entry: Entry,
    /// The lines.
    pub lines: Vec<NewLine>,
}

/// How many entries wait, and how many need a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting, queued and on their way.
    pub open: u32,
    /// Those that need a person.
    pub attention: u32,
}

const COLUMNS: &str = "number, id, organization, subject, person_key, state, due_at, attempts, revised, intent, plan, outcome, problem, created_at, changed_at, revision";

impl Store {
    /// Puts an entry into the outbox; when this returns `true` it is on the disk. `false` if there is one with this id,
    /// which stays as it is.
    ///
    /// # Errors
    /// [`Error::Sql`], for example when the disk is full.
    pub async fn put_entry(
        &self,
        entry: &NewEntry,
        lines: &[NewLine],
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query(
            "INSERT INTO outbox (id, organization, subject, person_key, state, due_at, intent, created_at, changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (id) DO NOTHING",
        )
        .bind(entry.id.to_string())
        .bind(&entry.organization)
        .bind(&entry.subject)
        .bind(&entry.person_key)
        .bind(entry.state.as_str())
        .bind(entry.due_at.as_millisecond())
        .bind(&entry.intent)
        .bind(now.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        let is_new = done.rows_affected() == 1;
        if is_new {
            append(&mut transaction, lines).await?;
        }
        transaction.commit().await?;
        Ok(is_new)
    }

    /// Changes entries and adds to the activity, in one transaction. The answer says for each whether it was changed: one
    /// that somebody else has changed since it was read stays as it is, and its lines are left out.
    ///
    /// # Errors
    /// [`Error::Sql`]; then nothing has changed.
    pub async fn change_entries(
        &self,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<Vec<bool>, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut changed = Vec::with_capacity(changes.len());
        for Change { entry, lines } in changes {
            let done = sqlx::query(
                "UPDATE outbox SET person_key = ?, state = ?, due_at = ?, attempts = ?, revised = ?, intent = ?, plan = ?,
                 outcome = ?, problem = ?, changed_at = ?, revision = revision + 1 WHERE id = ? AND revision = ?",
            )
            .bind(&entry.person_key)
            .bind(entry.state.as_str())
            .bind(entry.due_at.map(Timestamp::as_millisecond))
            .bind(i64::from(entry.attempts))
            .bind(i64::from(entry.revised))
            .bind(&entry.intent)
            .bind(&entry.plan)
            .bind(&entry.outcome)
            .bind(&entry.problem)
            .bind(now.as_millisecond())
            .bind(entry.id.to_string())
            .bind(entry.revision)
            .execute(&mut *transaction)
            .await?;
            let is_changed = done.rows_affected() == 1;
            if is_changed {
                append(&mut transaction, lines).await?;
            }
            changed.push(is_changed);
        }
        transaction.commit().await?;
        Ok(changed)
    }

    /// Entries that were on their way when the program ended are queued again. The answer is how many there were.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn requeue_entries(&self, organization: &str, now: Timestamp) -> Result<u64, Error> {
        let done = sqlx::query(
            "UPDATE outbox SET state = 'queued', due_at = ?1, changed_at = ?1, revision = revision + 1
             WHERE organization = ?2 AND state = 'sending'",
        )
        .bind(now.as_millisecond())
        .bind(organization)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }

    /// Lets no queued entry go out before `until`, since something stops all of them.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn postpone_entries(
        &self,
        organization: &str,
        until: Timestamp,
        problem: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE outbox SET due_at = ?1, problem = ?2, changed_at = ?3, revision = revision + 1
             WHERE organization = ?4 AND state = 'queued' AND due_at < ?1",
        )
        .bind(until.as_millisecond())
        .bind(problem)
        .bind(now.as_millisecond())
        .bind(organization)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Lets queued entries go out now: what stopped them is over.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn hasten_entries(&self, organization: &str, now: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "UPDATE outbox SET due_at = ?1, revision = revision + 1
             WHERE organization = ?2 AND state = 'queued' AND due_at > ?1",
        )
        .bind(now.as_millisecond())
        .bind(organization)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An entry.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn entry(&self, id: Uuid) -> Result<Option<Entry>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM outbox WHERE id = ?"
        )))
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(entry).transpose()
    }

    /// The entries of one chat or message, the newest first.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn entries_of(&self, organization: &str, subject: &str) -> Result<Vec<Entry>, Error> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM outbox WHERE organization = ? AND subject = ? ORDER BY number DESC"
        )))
        .bind(organization)
        .bind(subject)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry).collect()
    }

    /// The entries that need a person, then those that are open, then those that ended last; at most `limit` of each kind,
    /// the newest first.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn entries(&self, organization: &str, limit: u32) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for states in [
            "('attention')",
            "('waiting', 'queued', 'sending')",
            "('done', 'nothing', 'discarded')",
        ] {
            let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM outbox WHERE organization = ? AND state IN {states} ORDER BY number DESC LIMIT ?"
            )))
            .bind(organization)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
            for row in &rows {
                entries.push(entry(row)?);
            }
        }
        Ok(entries)
    }

    /// The entries that are due, at most one for each person: the oldest that is not behind another one on its way or
    /// waiting to be tried again. The oldest first.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn due_entries(
        &self,
        organization: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM outbox AS this
             WHERE organization = ?1 AND state IN ('waiting', 'queued') AND due_at <= ?2 AND NOT EXISTS (
                 SELECT 1 FROM outbox AS earlier
                 WHERE earlier.organization = ?1 AND earlier.person_key = this.person_key AND earlier.number < this.number
                 AND earlier.state IN ('waiting', 'queued', 'sending')
                 AND (earlier.state <> 'waiting' OR earlier.due_at <= ?2))
             ORDER BY number LIMIT ?3"
        )))
        .bind(organization)
        .bind(now.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry).collect()
    }

    /// When the next entry is due.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn next_due(&self, organization: &str) -> Result<Option<Timestamp>, Error> {
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(due_at) FROM outbox WHERE organization = ? AND state IN ('waiting', 'queued')",
        )
        .bind(organization)
        .fetch_one(&self.pool)
        .await?;
        due.map(moment).transpose()
    }

    /// How many entries wait, and how many need a person.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn count_entries(&self, organization: &str) -> Result<Counts, Error> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM outbox WHERE organization = ?1 AND state IN ('waiting', 'queued', 'sending')) AS open,
             (SELECT count(*) FROM outbox WHERE organization = ?1 AND state = 'attention') AS attention",
        )
        .bind(organization)
        .fetch_one(&self.pool)
        .await?;
        let count = |name| -> Result<u32, Error> {
            Ok(u32::try_from(row.try_get::<i64, _>(name)?).unwrap_or(u32::MAX))
        };
        Ok(Counts {
            open: count("open")?,
            attention: count("attention")?,
        })
    }
}

pub(crate) fn entry(row: &SqliteRow) -> Result<Entry, Error> {
    let id: String = row.try_get("id")?;
    let word: String = row.try_get("state")?;
    let count = |name| -> Result<u32, Error> {
        u32::try_from(row.try_get::<i64, _>(name)?).map_err(|_| Error::Stored("count"))
    };
    Ok(Entry {
        number: row.try_get("number")?,
        id: id.parse().map_err(|_| Error::Stored("entry id"))?,
        organization: row.try_get("organization")?,
        subject: row.try_get("subject")?,
        person_key: row.try_get("person_key")?,
        state: State::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(Error::Stored("state"))?,
        due_at: row
            .try_get::<Option<i64>, _>("due_at")?
            .map(moment)
            .transpose()?,
        attempts: count("attempts")?,
        revised: count("revised")?,
        intent: row.try_get("intent")?,
        plan: row.try_get("plan")?,
        outcome: row.try_get("outcome")?,
        problem: row.try_get("problem")?,
        created_at: moment(row.try_get("created_at")?)?,
        changed_at: moment(row.try_get("changed_at")?)?,
        revision: row.try_get("revision")?,
    })
}

pub(crate) fn moment(milliseconds: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| Error::Stored("time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use crate::LineFilter;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn new(id: u128, person: &str, state: State, due: i64) -> NewEntry {
        NewEntry {
            id: Uuid::from_u128(id),
            organization: "one".to_owned(),
            subject: format!("chat {id}"),
            person_key: person.to_owned(),
            state,
            due_at: at(due),
            intent: "{}".to_owned(),
        }
    }

    fn line(what: &str) -> NewLine {
        NewLine {
            organization: "one".to_owned(),
            at: at(1),
            what: what.to_owned(),
            visitor: "Dana".to_owned(),
            ..NewLine::default()
        }
    }

    async fn due(store: &Store, now: i64) -> Vec<u128> {
        let entries = store.due_entries("one", at(now), 200).await.unwrap();
        entries.iter().map(|entry| entry.id.as_u128()).collect()
    }

    #[tokio::test]
    async fn an_entry_is_put_once_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let key = Key::random();
        let store = Store::open(&path, &key).await.unwrap();
        let first = new(1, "dana", State::Waiting, 60);
        assert!(
            store
                .put_entry(&first, &[line("queued")], at(1))
                .await
                .unwrap()
        );
        let again = NewEntry {
            intent: "other".to_owned(),
            ..first.clone()
        };
        assert!(
            !store
                .put_entry(&again, &[line("queued")], at(2))
                .await
                .unwrap()
        );
        store.pool.close().await;
        let store = Store::open(&path, &key).await.unwrap();
        let kept = store.entry(first.id).await.unwrap().unwrap();
        assert_eq!((kept.intent.as_str(), kept.state), ("{}", State::Waiting));
        assert_eq!(kept.due_at, Some(at(60)));
        assert_eq!(store.next_due("one").await.unwrap(), Some(at(60)));
        assert_eq!(store.next_due("two").await.unwrap(), None);
        let lines = store.activity("one", &LineFilter::default()).await.unwrap();
        assert_eq!(lines.len(), 1);
        crate::close_all().await;
    }

    #[tokio::test]
    async fn a_commit_is_flushed_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.sqlite"), &Key::random())
            .await
            .unwrap();
        let level: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&store.pool)
            .await
            .unwrap();
        assert_eq!(level, 2, "FULL");
        crate::close_all().await;
    }

    #[tokio::test]
    async fn entries_of_one_person_go_out_in_their_order_and_those_of_others_beside_them() {
        let store = Store::memory().await.unwrap();
        for entry in [
            new(1, "dana", State::Queued, 10),
            new(2, "dana", State::Queued, 10),
            new(3, "lee", State::Queued, 10),
            new(4, "kim", State::Waiting, 90),
            new(5, "kim", State::Queued, 10),
        ] {
            assert!(store.put_entry(&entry, &[], at(1)).await.unwrap());
        }
        assert_eq!(due(&store, 9).await, []);
        assert_eq!(due(&store, 10).await, [1, 3, 5]);
        assert_eq!(due(&store, 90).await, [1, 3, 4]);
        let mut first = store.entry(Uuid::from_u128(1)).await.unwrap().unwrap();
        first.state = State::Sending;
        first.due_at = None;
        let change = Change {
            entry: first.clone(),
            lines: vec![],
        };
        assert_eq!(
            store.change_entries(&[change], at(11)).await.unwrap(),
            [true]
        );
        assert_eq!(due(&store, 11).await, [3, 5]);
        // Not due before its next attempt, and the one behind it neither.
        let mut first = store.entry(first.id).await.unwrap().unwrap();
        first.state = State::Queued;
        first.due_at = Some(at(50));
        let change = Change {
            entry: first.clone(),
            lines: vec![],
        };
        store.change_entries(&[change], at(12)).await.unwrap();
        assert_eq!(due(&store, 20).await, [3, 5]);
        // What needs a person does not hold up the others.
        let mut first = store.entry(first.id).await.unwrap().unwrap();
        first.state = State::Attention;
        let change = Change {
            entry: first,
            lines: vec![],
        };
        store.change_entries(&[change], at(13)).await.unwrap();
        assert_eq!(due(&store, 20).await, [2, 3, 5]);
        assert_eq!(
            store.count_entries("one").await.unwrap(),
            Counts {
                open: 4,
                attention: 1
            }
        );
    }

    #[tokio::test]
    async fn nobody_writes_over_what_has_changed_since() {
        let store = Store::memory().await.unwrap();
        store
            .put_entry(&new(1, "dana", State::Queued, 1), &[], at(1))
            .await
            .unwrap();
        let read = store.entry(Uuid::from_u128(1)).await.unwrap().unwrap();
        let with = |intent: &str, what: &str| Change {
            entry: Entry {
                intent: intent.to_owned(),
                ..read.clone()
            },
            lines: vec![line(what)],
        };
        let changed = store
            .change_entries(&[with("first", "a"), with("second", "b")], at(2))
            .await
            .unwrap();
        assert_eq!(changed, [true, false]);
        assert_eq!(store.entry(read.id).await.unwrap().unwrap().intent, "first");
        let lines = store.activity("one", &LineFilter::default()).await.unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].line.what, "a");
    }

    #[tokio::test]
    async fn what_was_on_its_way_at_the_end_is_queued_again() {
        let store = Store::memory().await.unwrap();
        store
            .put_entry(&new(1, "dana", State::Queued, 1), &[], at(1))
            .await
            .unwrap();
        let mut entry = store.entry(Uuid::from_u128(1)).await.unwrap().unwrap();
        entry.state = State::Sending;
        entry.plan = Some("plan".to_owned());
        let change = Change {
            entry,
            lines: vec![],
        };
        store.change_entries(&[change], at(2)).await.unwrap();
        assert_eq!(due(&store, 9).await, []);
        assert_eq!(store.requeue_entries("two", at(9)).await.unwrap(), 0);
        assert_eq!(store.requeue_entries("one", at(9)).await.unwrap(), 1);
        let entries = store.due_entries("one", at(9), 1).await.unwrap();
        assert_eq!(entries[0].plan.as_deref(), Some("plan"));
    }
}
