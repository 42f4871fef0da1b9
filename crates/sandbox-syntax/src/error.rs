//! What is wrong with a text that a client sent.

/// A text that cannot be read, as the organization is to answer it. The message repeats what the client wrote; it
/// belongs into the answer, not into a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}")]
pub struct SyntaxError {
    /// HTTP status.
    pub status: u16,
    /// Dataverse's code: `0x80060888`.
    pub code: &'static str,
    /// The sentence that the client gets to read.
    pub message: String,
}

/// Request errors: unknown property, bad URL segment, bad key (protocol page `errors-and-limits.md`).
pub(crate) const REQUEST: &str = "0x80060888";

impl SyntaxError {
    /// 400 with a code of its own.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            status: 400,
            code,
            message: message.into(),
        }
    }

    /// 400 `0x80060888`.
    pub(crate) fn request(message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(REQUEST, message)
    }

    /// 501: documented behaviour that the practice organization does not simulate.
    pub(crate) fn not_simulated(what: impl AsRef<str>) -> SyntaxError {
        SyntaxError {
            status: 501,
            code: REQUEST,
            message: format!(
                "The practice organization does not simulate {} yet.",
                what.as_ref()
            ),
        }
    }
}
