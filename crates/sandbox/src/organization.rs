//! The organization as a whole: its data, users, authority, clock, faults and log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};

use crate::auth::Authority;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::limits::Protection;
use crate::metadata::schema::Schema;
use crate::requests::RequestLog;
use crate::security::Directory;
use crate::store::Store;

/// Ids of the rows that every organization has.
pub(crate) mod ids {
    pub(crate) const ORGANIZATION: &str = "e1f0c9a2-7d3b-4c55-9d0e-5a1f0b6c2d10";
    pub(crate) const BUSINESS_UNIT: &str = "5a8b1c7e-2f4d-4e6a-8b9c-0d1e2f3a4b5c";
    pub(crate) const CURRENCY: &str = "228f42f8-e646-e111-8eb7-78e7d162ced1";
    pub(crate) const TEAM: &str = "8d1c2b3a-4f5e-4d6c-9b7a-1c2d3e4f5a6b";
    pub(crate) const SERVICE_ROLE: &str = "3c1b2a49-5e6f-4a7b-8c9d-0e1f2a3b4c5d";
    pub(crate) const ADMINISTRATOR_ROLE: &str = "627090ff-40a3-4053-8790-584edc5be201";
    /// The application user with the guide's role.
    pub(crate) const APPLICATION_USER: &str = "7c2d4e6f-8a1b-4c3d-9e5f-7a6b5c4d3e2f";
    /// The application user with the System Administrator role.
    pub(crate) const ADMINISTRATOR: &str = "1b2c3d4e-5f6a-4b7c-8d9e-0f1a2b3c4d5e";
    /// The on-premises user with the guide's role.
    pub(crate) const ON_PREMISES_USER: &str = "9e8d7c6b-5a4f-4e3d-8c2b-1a0f9e8d7c6b";
    /// The people who sign in themselves, in the order of `lib.rs`.
    pub(crate) const PEOPLE: [&str; 3] = [
        "6a1e0c52-3b7d-4f18-9c24-5d8e7f6a1b01",
        "6a1e0c52-3b7d-4f18-9c24-5d8e7f6a1b02",
        "6a1e0c52-3b7d-4f18-9c24-5d8e7f6a1b03",
    ];
    /// An application user without any role.
    pub(crate) const ROLELESS_USER: &str = "4d5e6f7a-8b9c-4d1e-8f2a-3b4c5d6e7f8a";
}

/// Everything that a request may touch.
pub(crate) struct Organization {
    pub(crate) store: Store,
    /// Its tables, as customized so far.
    pub(crate) schema: Schema,
    pub(crate) directory: Directory,
    pub(crate) authority: Authority,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) requests: Arc<RequestLog>,
    pub(crate) protection: Arc<Protection>,
    /// The status of a refusal because of duplicates: 412, or 500 as some servers have it.
    pub(crate) duplicates_status: AtomicU16,
    /// Number of the next case.
    pub(crate) next_ticket: AtomicU32,
    pub(crate) tls: bool,
    /// Origins under which this server may be addressed; the first is its own.
    pub(crate) origins: Vec<String>,
}

impl Organization {
    pub(crate) fn origin(&self) -> String {
        self.origins.first().cloned().unwrap_or_default()
    }
}
