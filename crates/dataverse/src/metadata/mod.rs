//! What an organization's tables look like: columns, labels, choices, lookups, keys (protocol page `metadata.md`).
//!
//! - [`Schema`] is the value that others work with: a column by its name, the navigation property of a lookup, a
//!   choice's label and its number. It can be written down (serde) and read again, so that it is there offline.
//! - [`Client::schema`](crate::Client::schema) reads it, for a list of tables, in one request where the organization
//!   knows `RetrieveMetadataChanges`, and table by table where it does not.
//! - [`Client::refreshed_schema`](crate::Client::refreshed_schema) asks only for what has changed since.

mod model;
mod query;
mod read;
mod schema;
mod wire;

pub use model::{
    AlternateKey, Choice, ChoiceSet, Column, ColumnType, DateBehavior, Label, LocalizedLabel,
    ManyToMany, ManyToOne, Ownership, Required, Table, TextFormat,
};
pub use schema::{Refresh, Schema, Version};
