//! `companion sandbox`

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backend::Problem;
use clap::ValueEnum;
use clap::builder::RangedU64ValueParser;
use sandbox::Sandbox;

use crate::{Context, only_this_computer, stop_order};

/// What the practice organization is like.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// What it holds at the start.
    #[arg(long, value_enum, default_value_t = Seed::Demo)]
    seed: Seed,
    /// How many contacts the demo data have, at most a million.
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(..=1_000_000))]
    contacts: usize,
    /// How long every answer is held back, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Keep the data in this file; without it they are gone at the end.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Serve https, under a certificate of an authority that is written to this folder as `ca.pem`.
    #[arg(long, value_name = "DIR")]
    tls: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Seed {
    /// A company's accounts, contacts, leads, cases and tasks.
    Demo,
    /// Users and nothing else.
    Empty,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Problem> {
    let stop = stop_order()?;
    // Its admin door asks nobody who they are.
    only_this_computer(arguments.listen)?;
    let options = sandbox::Options {
        listen: arguments.listen,
        seed: match arguments.seed {
            Seed::Demo => sandbox::Seed::Demo,
            Seed::Empty => sandbox::Seed::Empty,
        },
        contacts: arguments.contacts,
        latency: Duration::from_millis(arguments.latency),
        data: arguments.data,
        tls: arguments.tls,
    };
    let organization = Sandbox::start(options).await.map_err(|error| {
        tracing::error!(%error, cause = ?error.source(), "the practice organization did not start");
        not_started(&error)
    })?;
    context.output.announce(organization.description())?;
    stop.await;
    organization.stop().await;
    Ok(())
}

fn not_started(error: &sandbox::Error) -> Problem {
    let (message, next_step) = match error {
        sandbox::Error::Listen { address, .. } => (
            format!("The practice organization cannot listen on {address}."),
            "Choose another address with --listen, or stop what uses this one.",
        ),
        sandbox::Error::Data(_) => (
            "The practice organization's data cannot be opened.".to_owned(),
            "Let --data name a file that this user may write, or one that does not exist yet.",
        ),
        sandbox::Error::Tls(_) => (
            "The practice organization's certificates cannot be written.".to_owned(),
            "Let --tls name a folder that this user may write.",
        ),
    };
    Problem::new(error.code(), message, next_step)
}
