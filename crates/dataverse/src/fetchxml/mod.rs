//! FetchXML: built, read from an administrator, filled with parameters, checked and run (protocol page `fetchxml.md`).
//!
//! Everything goes through one small tree of elements. Text becomes part of a query only when that tree is written, by
//! the XML encoder, so that no value can become an element.
//!
//! - [`Builder`] makes a query in code;
//! - [`Fetch::parse`] reads one that somebody wrote; [`Fetch::check`] holds it against the tables of the organization;
//! - [`Template`] is one with placeholders (`{{name}}`) for values;
//! - [`Client::fetch`](crate::Client::fetch) runs it, page by page.

mod build;
mod check;
mod operator;
mod run;
mod template;
mod tree;

pub use build::{Aggregate, Builder, Condition, DateGrouping, Join, Link, Related};
pub use check::Fetch;
pub use operator::{Operator, Values};
pub use run::FetchPage;
pub(crate) use run::read_page;
pub use template::{Parameter, Template};
pub use tree::{Fault, Place};
