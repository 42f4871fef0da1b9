//! SQLite, and nothing else holds SQL. Two files:
//!
//! - [`Cache`]: what Dynamics said and when. It may be thrown away at any moment, and opens no matter what.
//! - [`Store`]: what must not be lost (paired consoles, the outbox, the activity). It is migrated, never rebuilt, and its
//!   commits are on the disk when they return.
//!
//! Both are encrypted with SQLCipher under one [`Key`]. Neither holds a secret. Values are personal: errors and logs of this crate name tables and codes only.

mod activity;
mod cache;
mod file;
mod key;
mod outbox;
mod store;

pub use activity::{Line, LineFilter, NewLine};
pub use cache::{Cache, CachedAnswer, CachedRecord, CachedSchema};
pub use file::{close_all, private_folder};
pub use key::Key;
pub use outbox::{Change, Counts, Entry, NewEntry, State};
pub use store::{Console, Store};

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
    /// The file cannot be copied before it is brought up to date.
    #[error("the file cannot be backed up")]
    BackUp(#[source] std::io::Error),
    /// The schema cannot be brought up to date.
    #[error("the file cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the database refused")]
    Sql(#[from] sqlx::Error),
    /// A stored value cannot be understood.
    #[error("a stored {0} cannot be understood")]
    Stored(&'static str),
}

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Open(_) | Error::Folder(_) => "store_unavailable",
            Error::BackUp(_) => "store_not_backed_up",
            Error::InvalidKey => "store_key_invalid",
            Error::WrongKey => "store_key_wrong",
            Error::NotEncrypted => "store_not_encrypted",
            Error::NoEncryption => "store_no_encryption",
            Error::Migrate(_) => "store_not_migrated",
            Error::Sql(_) => "store_failed",
            Error::Stored(_) => "store_damaged",
        }
    }
}
