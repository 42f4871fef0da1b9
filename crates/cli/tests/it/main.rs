//! The program `companion` as scripts call it: what it prints, where, and how it ends.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod crash;
mod data;
mod doctor;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod keyring;
mod managing;
mod program;
mod recognize;
mod recording;
mod sandbox;
mod search;
mod serve;
mod settings;
mod sync;
