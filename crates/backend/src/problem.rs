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
        Problem::new(
            error.code(),
            "The companion's own files cannot be used.",
            "Check that the disk is not full and that the data folder can be written to, then start the companion again.",
        )
    }
}
