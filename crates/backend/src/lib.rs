//! The running application: everything but a window.
//!
//! [`Backend::start`] opens the files, connects to Dynamics, opens the console bridge and starts the
//! controller, the one task that knows who the visitor is now. Whoever shows it (the desktop window, a
//! browser in development, a test) holds a [`Handle`]: commands go in, whole [`view::View`]s come out.
//!
//! Read in this order: [`controller`] (what happens when a visitor comes), [`recognise`] (how they are
//! recognised), `links` (what agents say about that), `timeline`, `search`, `recorder` (how a chat is written down),
//! [`synchronise`] (how the copies on this computer are kept in step), [`bridge`] (how the Agent Console talks to us), [`settings`],
//! [`doctor`].

pub mod bridge;
pub mod cached;
pub mod clock;
pub mod connection;
pub mod controller;
pub mod data;
pub mod doctor;
pub mod files;
pub mod folders;
mod generation;
mod handle;
pub mod installation;
pub mod keyring;
mod links;
pub mod local;
mod manage;
pub mod once;
mod person;
pub mod practice;
pub mod problem;
pub mod recognise;
mod recorder;
pub mod schema;
mod search;
pub mod secrets;
pub mod settings;
mod start;
pub mod synchronise;
mod timeline;
pub mod view;

pub use connection::is_person as person_signs_in;
pub use files::Files;
pub use handle::Handle;
pub use installation::Installation;
pub use manage::{Management, SettingsFile};
pub use problem::Problem;
pub use recorder::Jitter;
pub use settings::Settings;
pub use start::{Backend, Options};
pub use store::Key as StoreKey;

/// The version of the product.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
