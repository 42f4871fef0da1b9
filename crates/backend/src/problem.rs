//! What went wrong, for a person: a stable code, a sentence, a next step.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A failure as a person is told of it. The technical chain goes to the log where the failure is handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message} [{code}]")]
pub struct Problem {
    /// Stable, snake_case; scripts and support depend on it.
    pub code: String,
    /// A sentence that an agent understands.
    pub message: String,
    /// What to do next.
    pub next_step: String,
    /// When it is worth trying again (RFC 3339), if Dynamics said so.
    pub retry_at: Option<String>,
    /// The id under which Dynamics knows the failed request, for Microsoft's support.
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of our own.
    pub fn new(code: &str, message: impl Into<String>, next_step: impl Into<String>) -> Problem {
        Problem {
            code: code.to_owned(),
            message: message.into(),
            next_step: next_step.into(),
            retry_at: None,
            request_id: None,
        }
    }

    /// What Dynamics or the way to it did.
    #[must_use]
    pub fn from_dataverse(error: &dataverse::Error, now: Timestamp) -> Problem {
        let retry_at = error
            .retry_after()
            .and_then(|wait| SignedDuration::try_from(wait).ok())
            .and_then(|wait| now.checked_add(wait).ok())
            .map(|at| at.to_string());
        Problem {
            code: error.code().to_owned(),
            message: error.message(),
            next_step: error.next_step(),
            retry_at,
            request_id: error.request_id().map(str::to_owned),
        }
    }

    /// What one of our files did.
    #[must_use]
    pub fn from_store(error: &store::Error) -> Problem {
        let (message, next_step) = match error {
            _ if error.code() == "disk_full" => (
                "There is no space left for the companion's files.",
                "Free some space on the disk that the data folder is on. The companion goes on by itself.",
            ),
            store::Error::Damaged(_) => (
                "The companion's store is damaged.",
                "Close the companion and start it again: it then saves what can be read, and says what became of it.",
            ),
            store::Error::InUse => (
                "The companion's store must be replaced, and another program of the companion has it open.",
                "Close every companion, also those on the command line, and start it again.",
            ),
            store::Error::Locked => ("The companion is locked.", "Unlock it in its window."),
            store::Error::Superseded => (
                "Another companion brings the copies on this computer up to date.",
                "Wait until it has ended.",
            ),
            store::Error::InvalidKey => (
                "The key of the companion's files is not a key.",
                "A key has 64 hex digits. Correct COMPANION_STORE_KEY, or the file that COMPANION_STORE_KEY_FILE names.",
            ),
            store::Error::WrongKey => (
                "The companion's files cannot be read with this key: they were made with another one, or are damaged.",
                "Set COMPANION_STORE_KEY to the key that they were made with. If it is lost, move store.sqlite to another folder; the companion then starts with a new one.",
            ),
            store::Error::NotEncrypted => (
                "The companion's store is not encrypted, and is not used like that.",
                "Find out who put it there. Move store.sqlite to another folder; the companion then starts with a new one.",
            ),
            store::Error::NoEncryption => (
                "This build of the companion cannot encrypt its files.",
                "Install a build that was made with SQLCipher.",
            ),
            store::Error::Open(_)
            | store::Error::Folder(_)
            | store::Error::BackUp(_)
            | store::Error::Migrate(_)
            | store::Error::Full(_)
            | store::Error::Sql(_)
            | store::Error::Stored(_) => (
                "The companion's own files cannot be used.",
                "Check that the disk is not full and that the data folder can be written to, then start the companion again.",
            ),
        };
        Problem::new(error.code(), message, next_step)
    }
}
