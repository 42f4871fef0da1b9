//! What Comm100's Agent Console says, as plain types: [`ConsoleEvent`] with its [`Chat`], [`Visitor`], [`Agent`] and
//! [`Site`], and [`Conversation`] with [`Field`], which is how a rule or a mapping reads them.
//!
//! The shapes are those of the console's SDK (Comm100 developer site, "Live Chat Side Tab" and "Agent Console API"), of
//! the Live Chat webhooks, and of our own link ([`link`]). Comm100 has had several platforms with different
//! spellings and types, so reading is tolerant: a missing, null or extra field is nothing special, a number may come as
//! a string and a string as a number, an unknown status is kept, and a field of a wrong type is left empty and named in
//! [`ConsoleEvent::warnings`]. Only a value that is no object at all is an error.
//!
//! Everything a visitor typed is hostile. This crate does no I/O, never panics on input, bounds what it keeps
//! ([`MAX_VALUE_CHARS`], [`MAX_TRANSCRIPT_CHARS`], [`MAX_LIST_LEN`], [`MAX_MESSAGES`]) and prints no personal value in any `Debug`.

mod after;
mod chat;
mod conversation;
mod event;
mod field;
pub mod link;
mod read;
mod redact;
mod transcript;
mod visitor;
mod webhook;

pub use after::{Attachment, OfflineMessage, WrapUp};
pub use chat::{Chat, ChatId, ChatStatus, Message, Rating};
pub use conversation::Conversation;
pub use event::{Agent, ConsoleEvent, EventKind, NamedValue, Page, Site};
pub use field::{Field, FieldInfo};
pub use read::{MAX_LIST_LEN, MAX_MESSAGES, MAX_TRANSCRIPT_CHARS, MAX_VALUE_CHARS};
pub use visitor::{Device, History, Location, Visitor, VisitorStatus};

/// Why something Comm100 (or a link) said could not be taken over. No variant carries a visitor's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The value is JSON, but no object.
    #[error("The console sent something that is not an object.")]
    NotAnObject,
    /// A rule or mapping names a Comm100 field that does not exist.
    #[error("There is no Comm100 field \"{name}\". Did you mean \"{nearest}\"?")]
    UnknownField {
        /// The name as written in the settings, shortened to 100 characters.
        name: String,
        /// The known name that is closest to it.
        nearest: &'static str,
    },
    /// The link is longer than [`link::MAX_CHARS`].
    #[error("The link is longer than {} characters.", link::MAX_CHARS)]
    LinkTooLong,
    /// The text is no `dynamics-companion://chat?…` link, or a value in it is no text.
    #[error("This is not a link that the companion understands.")]
    LinkMalformed,
    /// A link names one key twice, so which value was meant is unknown.
    #[error("The link gives \"{0}\" more than once.")]
    LinkRepeatsKey(&'static str),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::NotAnObject => "event_malformed",
            Error::UnknownField { .. } => "unknown_comm100_field",
            Error::LinkTooLong => "link_too_long",
            Error::LinkMalformed => "link_malformed",
            Error::LinkRepeatsKey(_) => "link_repeats_key",
        }
    }

    /// What the reader of the error can do about it.
    pub fn next_step(&self) -> &'static str {
        match self {
            Error::NotAnObject => {
                "Reload the Agent Console; if it stays, update the companion's app in Comm100."
            }
            Error::UnknownField { .. } => "Correct the field's name in the settings.",
            Error::LinkTooLong | Error::LinkMalformed | Error::LinkRepeatsKey(_) => {
                "Select the chat in the Agent Console again, or ask your administrator to check the link there."
            }
        }
    }
}
