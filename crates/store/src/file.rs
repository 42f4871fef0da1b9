//! How both files are opened.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};

use crate::{Error, Key};

/// How a database begins that is not encrypted (SQLite file format, 1.3).
const PLAIN: &[u8; 16] = b"SQLite format 3\0";
/// `SQLITE_NOTADB`: what was decrypted is no database.
const NOT_A_DATABASE: &str = "26";
/// How many bytes a page has: SQLCipher's default.
const PAGE: u64 = 4096;

/// How a file is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections {
    /// How many of them there are at most. Readers never wait for one that writes, thanks to WAL.
    pub(crate) at_most: u32,
    /// How much of the file each keeps decrypted, in KiB. Used only as far as pages are read, and let go as soon as another
    /// connection has written.
    pub(crate) decrypted: u32,
}

/// What a commit promises.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Durability {
    /// It may be lost when the power fails; the file stays whole.
    Quick,
    /// It is on the disk when it returns (`synchronous = FULL`: the log is flushed with every commit).
    Full,
}

/// Opens an encrypted file, made if it is missing, together with its folder. One that is not encrypted is refused.
pub(crate) async fn open(
    path: &Path,
    key: &Key,
    durability: Durability,
    connections: Connections,
) -> Result<SqlitePool, Error> {
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(Error::Folder)?;
    }
    private_file(path).map_err(|error| Error::Open(sqlx::Error::Io(error)))?;
    if is_plain(path).map_err(|error| Error::Open(sqlx::Error::Io(error)))? {
        return Err(Error::NotEncrypted);
    }
    let options = encrypted(path, key)
        .synchronous(match durability {
            Durability::Quick => SqliteSynchronous::Normal,
            Durability::Full => SqliteSynchronous::Full,
        })
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Not where a damaged file is looked at: this reads its beginning.
        .pragma("cache_size", format!("-{}", connections.decrypted));
    let connected = SqlitePoolOptions::new()
        .max_connections(connections.at_most)
        // A connection to a file does not break; what is asked first would wait for the answer to this.
        .test_before_acquire(false)
        // On a full disk SQLite ends a transaction by itself; a connection that does not know it can begin no other one.
        .after_release(|connection, _| {
            Box::pin(async {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await;
    let pool = match connected {
        Ok(pool) => pool,
        Err(error) => {
            let code = error.as_database_error().and_then(|refusal| refusal.code());
            let is_no_database = code.as_deref() == Some(NOT_A_DATABASE);
            return Err(if is_no_database && !is_its_key(path, key).await {
                Error::WrongKey
            } else {
                Error::of_sqlite(error, Error::Open)
            });
        }
    };
    // A SQLite without encryption takes a key, says nothing, and writes a file that everybody can read.
    let version: Option<String> = sqlx::query_scalar("PRAGMA cipher_version")
        .fetch_optional(&pool)
        .await?;
    if version.is_none() {
        return Err(Error::NoEncryption);
    }
    opened().push(pool.clone());
    Ok(pool)
}

/// One connection to an encrypted file that is there. Whoever opens it closes it and waits for that.
pub(crate) async fn connect(path: &Path, key: &Key) -> Result<SqliteConnection, Error> {
    encrypted(path, key)
        .connect()
        .await
        .map_err(|error| Error::of_sqlite(error, Error::Open))
}

fn encrypted(path: &Path, key: &Key) -> SqliteConnectOptions {
    options()
        .pragma("key", key.pragma())
        // A wrong key is told by the error; SQLCipher would print it as well.
        .pragma("cipher_log_level", "NONE")
        .filename(path)
}

/// Whether the key is the file's though its beginning cannot be read: every page carries a code that was made with the key
/// (and with the file's first 16 bytes; where those are damaged, nobody can tell).
async fn is_its_key(path: &Path, key: &Key) -> bool {
    let Ok(length) = std::fs::metadata(path).map(|file| file.len()) else {
        return false;
    };
    let Ok(mut connection) = connect(path, key).await else {
        return false;
    };
    let unreadable = sqlx::query("PRAGMA cipher_integrity_check")
        .fetch_all(&mut connection)
        .await;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a damaged file is not closed in order");
    }
    unreadable.is_ok_and(|pages| (pages.len() as u64) < length / PAGE)
}

/// Every encrypted file that was opened. SQLCipher gives its memory back when the program ends; a connection that is being
/// closed then by a thread of its own would crash. So none is closed but by somebody who waits for it.
static OPENED: Mutex<Vec<SqlitePool>> = Mutex::new(Vec::new());

fn opened() -> MutexGuard<'static, Vec<SqlitePool>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes a file and forgets it, and with it the key that it was opened with.
pub(crate) async fn close(pool: &SqlitePool) {
    pool.close().await;
    opened().retain(|other| !other.is_closed());
}

/// Closes every file. To be called before the program ends, however it ends.
pub async fn close_all() {
    let pools = std::mem::take(&mut *opened());
    for pool in pools {
        pool.close().await;
    }
}

fn is_plain(path: &Path) -> std::io::Result<bool> {
    let mut beginning = Vec::with_capacity(PLAIN.len());
    File::open(path)?
        .take(PLAIN.len() as u64)
        .read_to_end(&mut beginning)?;
    Ok(beginning == PLAIN)
}

/// What is kept beside a file, under its name with an ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Says that the file is used, as long as the answer lives. Waits while somebody replaces it.
pub(crate) async fn share(path: &Path) -> Result<File, Error> {
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(Error::Folder)?;
    }
    let lock = lock_of(path)?;
    tokio::task::spawn_blocking(move || lock.lock_shared().map(|()| lock))
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(Error::Folder)
}

/// Keeps others from using the file, as long as the answer lives.
pub(crate) fn alone(path: &Path) -> Result<File, Error> {
    let lock = lock_of(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse),
        Err(TryLockError::Error(error)) => Err(Error::Folder(error)),
    }
}

fn lock_of(path: &Path) -> Result<File, Error> {
    File::create(beside(path, ".lock")).map_err(Error::Folder)
}

/// Makes a folder that only this user can look into. One that is there stays as it is.
///
/// # Errors
/// What the system says.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes sure that only this user can read the file, before anything stands in it. SQLite gives its `-wal`
/// and `-shm` the same permissions.
#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    // One of an earlier version may be open to others.
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// On Windows the user's own folder is closed to others.
#[cfg(not(unix))]
fn private_file(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Opens a database that lives as long as its pool.
pub(crate) async fn memory() -> Result<SqlitePool, Error> {
    SqlitePoolOptions::new()
        .max_connections(1)
        // Whoever is interrupted while a connection is tested loses it, and with this one all that is in memory.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options().in_memory(true))
        .await
        .map_err(Error::Open)
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("secure_delete", "ON")
        // What is logged of statements would hold the key.
        .disable_statement_logging()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn only_this_user_can_read_the_files() {
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        let path = folder.join("a.sqlite");
        let key = Key::random();
        for _ in 0..2 {
            let one = Connections {
                at_most: 1,
                decrypted: 2_000,
            };
            let pool = open(&path, &key, Durability::Quick, one).await.unwrap();
            sqlx::query("CREATE TABLE IF NOT EXISTS a (b INTEGER)")
                .execute(&pool)
                .await
                .unwrap();
            for name in ["a.sqlite", "a.sqlite-wal", "a.sqlite-shm"] {
                assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
            }
            pool.close().await;
            // As an earlier version may have left it.
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        assert_eq!(mode(&folder), 0o700);
    }
}
