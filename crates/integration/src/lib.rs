//! What the product decides, as pure functions over plain values: no clock, no network, no disk.
//!
//! - [`identify`] turns identification rules and a conversation into questions for Dynamics, and the
//!   answers into a [`Recognition`]: who this visitor is, by which rule, and why.
//! - [`display`] turns a recognised record into the fields that the agent sees.
//! - [`phone`] decides whether two spellings are one telephone number.
//! - [`plan`] is what a chat leads to: the intent, and the writes that it becomes; [`ids`] computes the ids of
//!   what is created.
//! - [`fit`] turns text into what a column takes, and [`cut`] shortens and divides text without breaking characters.
//! - [`checker`] warns of settings that will hardly do what is meant.
//! - [`columns`] knows the columns: what the organization says of them, else the standard ones.
//!
//! The source of the behaviour is the integration guide, chapters "Customize Rules to Identify the
//! Dynamics 365 Account, Contact, and Lead" and "Entity Field Mapping and Display in Comm100".

pub mod changes;
pub mod checker;
pub mod columns;
pub mod copies;
pub mod cut;
pub mod decide;
pub mod display;
pub mod fit;
pub mod identify;
pub mod ids;
pub mod map;
pub mod phone;
pub mod plan;
mod record;
pub mod recording;
mod rules;

pub use columns::Columns;
pub use identify::{Match, Outcome, Question, Reason, Recognition};
pub use record::{Record, Table, Value};
pub use rules::{
    Condition, DisplaySettings, FieldSetting, Identification, Operator, Rule, RuleError, Source,
};
