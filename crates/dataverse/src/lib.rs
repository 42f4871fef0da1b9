//! A client for the Dataverse Web API: Dynamics 365 in the cloud (v9.2) and on-premises (v9.1).
//!
//! # How a request travels
//!
//! 1. [`Client`] is the door. An operation names what it reads by a [`Query`] and what it writes by a [`Write`] with its
//!    [`RecordBody`]; `odata` and `body` turn that into the only text that ever stands in a URL or a bind (quotes doubled,
//!    `LIKE` wildcards bracketed, everything percent-encoded). Several of them travel together in a [`Batch`]; a read whose
//!    address is too long does so by itself.
//! 2. `sign_in` hands over the token in memory. When it is about to expire, one of the waiting requests renews it and
//!    all the others wait for that one answer.
//! 3. `traffic` gives it a place among the others (see [`Limits`]): what a person waits for goes before
//!    [`Client::background`], nobody goes while the organization asks to wait, and one that is down is left alone for a
//!    while.
//! 4. `transport` sends it: bounded in time and size, waiting as long as `Retry-After` says, repeating what may be
//!    repeated.
//! 5. A 401 renews the token once. Any other answer that is not a success becomes an [`Error`], which knows its stable
//!    code, a sentence for the agent, the next step, and Dataverse's own code and request id for support.
//! 6. A success becomes a [`Row`] or a [`Page`] of rows, read without ever trusting that a column is there.
//!
//! # Cancellation
//!
//! Dropping the future of any operation cancels it: the connection is given up and nothing goes on in the background.
//! Streams ([`Client::pages`], [`Client::changes`]) read the next page only when they are asked for it.
//! If the dropped request was the one renewing the token, the next waiting request takes the renewal over.
//!
//! # What never leaves this crate
//!
//! Secrets, tokens, filters, record values and Dataverse's message texts (they repeat what was asked for) are in no
//! `Debug`, `Display` or log line. Log lines name the operation, the entity set, the status, the duration and the
//! request id. (The HTTP library writes header and connection details of its own at the `trace` level; leave that off.)

mod batch;
mod body;
mod call;
mod changes;
mod client;
mod error;
pub mod fetchxml;
mod json;
pub mod metadata;
mod multipart;
mod odata;
mod operations;
#[doc(hidden)]
pub mod readers;
mod reads;
mod row;
mod sign_in;
mod traffic;
mod transport;
mod url;
mod writes;

pub use batch::{Batch, ChangeSet, Done};
pub use body::{ContentId, RecordBody, Reference};
pub use changes::{ChangePage, Deleted, DeltaLink};
pub use client::{Client, Connection, WhoAmI};
pub use error::{Endpoint, Error, Result, ServiceAnswer, SignInProblem};
pub use odata::{
    Comparison, Direction, Direction::Ascending, Direction::Descending, Expand, Filter, Key,
    LikePattern, Literal, Period, Query, QueryFunction, RelativeDate, Span,
};
pub use operations::{Action, Function, Qualification, Resolution};
pub use reads::Retrieved;
pub use row::{Lookup, NextLink, Page, Row};
pub use sign_in::{BrowserSignIn, DeviceSignIn, RefreshTokens, SignIn};
pub use traffic::Limits;
pub use transport::{RetryPolicy, TimeOuts};
pub use url::OrganizationUrl;
pub use writes::{Condition, Outcome, Write, Written};
