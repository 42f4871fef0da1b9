//! SQLite, and nothing else holds SQL. Two files:
//!
//! - [`Cache`]: what Dynamics said and when. It may be thrown away at any moment, and opens no matter what.
//! - [`Store`]: what must not be lost (paired consoles, the outbox, the activity, links). It is migrated, never rebuilt, and its
//!   commits are on the disk when they return.
//!
//! Both are encrypted with SQLCipher under one [`Key`]. Neither holds a secret. Values are personal: errors and logs of this crate name tables and codes only.

mod activity;
mod cache;
mod copies;
mod erase;
mod file;
mod key;
mod links;
mod outbox;
mod retention;
mod salvage;
mod settings;
mod store;
mod takeover;

pub use activity::{Line, LineFilter, NewLine};
pub use cache::{Cache, CachedAnswer, CachedRecord, CachedSchema, Reading};
pub use copies::{Along, Ask, Find, Found, Key as CopyKey, SyncPage, Synchronised, Turn};
pub use erase::{CopiesOfTable, Kept, StoredAnswer, StoredCopy};
pub use file::{close_all, private_folder};
pub use key::Key;
pub use links::{Link, LinkOf};
pub use outbox::{Change, Counts, Entry, NewEntry, State};
pub use retention::Ages;
pub use salvage::{Salvaged, set_aside};
pub use settings::{NewSettingsVersion, SettingsVersion};
pub use store::{Console, Store};
pub use takeover::{TakenOver, aside};

use thiserror::Error;

/// Why a file could not be opened, read or written.
#[derive(Debug, Error)]
pub enum Error {
    /// The folder or file cannot be used.
    #[error("the file cannot be opened")]
    Open(#[source] sqlx::Error),
    /// These are not 64 hex digits.
    #[error("the key is not 64 hex digits")]
    InvalidKey,
    /// The file cannot be read with this key: it belongs to another one, or its beginning is damaged.
    #[error("the file cannot be read with this key")]
    WrongKey,
    /// The file is not encrypted. It is neither read nor written.
    #[error("the file is not encrypted")]
    NotEncrypted,
    /// The SQLite that was linked cannot encrypt.
    #[error("this build cannot encrypt")]
    NoEncryption,
    /// The folder cannot be made.
    #[error("the folder cannot be made")]
    Folder(#[source] std::io::Error),
    /// The file cannot be copied before it is brought up to date, or replaced by another one.
    #[error("the file cannot be backed up")]
    BackUp(#[source] std::io::Error),
    /// The schema cannot be brought up to date.
    #[error("the file cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// Parts of the file cannot be read, though this is its key.
    #[error("the file is damaged")]
    Damaged(#[source] sqlx::Error),
    /// There is no space left to write to. Nothing has changed.
    #[error("the disk is full")]
    Full(#[source] sqlx::Error),
    /// The cache is closed until somebody unlocks it.
    #[error("the cache is locked")]
    Locked,
    /// Another program has the file open, so that it cannot be replaced.
    #[error("another program uses the file")]
    InUse,
    /// Somebody else's copies are kept by now, or the table is being loaded anew.
    #[error("the copies are not wanted any more")]
    Superseded,
    /// A statement failed.
    #[error("the database refused")]
    Sql(#[source] sqlx::Error),
    /// A stored value cannot be understood.
    #[error("a stored {0} cannot be understood")]
    Stored(&'static str),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::of_sqlite(error, Error::Sql)
    }
}

impl Error {
    /// What the error of SQLite means; `otherwise` if it is neither about damage nor about space.
    fn of_sqlite(error: sqlx::Error, otherwise: fn(sqlx::Error) -> Error) -> Error {
        /// The log or its index could not be extended (`SQLITE_IOERR_WRITE`, `SQLITE_IOERR_SHMSIZE`): a quota or a limit.
        const NOT_WRITTEN: [i32; 2] = [778, 4874];
        let code = error
            .as_database_error()
            .and_then(|refusal| refusal.code()?.parse::<i32>().ok())
            .unwrap_or_default();
        match code & 0xff {
            // SQLITE_FULL
            13 => Error::Full(error),
            _ if NOT_WRITTEN.contains(&code) => Error::Full(error),
            // SQLITE_CORRUPT, SQLITE_NOTADB, and SQLITE_NOMEM: so SQLCipher answers everything after a page that it could not
            // decrypt.
            11 | 26 | 7 => Error::Damaged(error),
            _ => otherwise(error),
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Open(sqlx::Error::Io(error)) | Error::Folder(error) | Error::BackUp(error)
                if is_full(error) =>
            {
                "disk_full"
            }
            Error::Open(_) | Error::Folder(_) => "store_unavailable",
            Error::BackUp(_) => "store_not_backed_up",
            Error::InvalidKey => "store_key_invalid",
            Error::WrongKey => "store_key_wrong",
            Error::NotEncrypted => "store_not_encrypted",
            Error::NoEncryption => "store_no_encryption",
            Error::Migrate(_) => "store_not_migrated",
            Error::Sql(_) => "store_failed",
            Error::Damaged(_) | Error::Stored(_) => "store_damaged",
            Error::Full(_) => "disk_full",
            Error::InUse => "store_in_use",
            Error::Locked => "locked",
            Error::Superseded => "cache_superseded",
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
