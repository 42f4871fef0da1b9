//! `companion sandbox`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backend::Problem;
use clap::ValueEnum;
use sandbox::Sandbox;

use crate::{Context, told_to_stop};

/// What the practice organization is like.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// What it holds at the start.
    #[arg(long, value_enum, default_value_t = Seed::Demo)]
    seed: Seed,
    /// How many contacts the demo data have.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
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
        ..sandbox::Options::default()
    };
    let organization = Sandbox::start(options).await.map_err(|error| {
        Problem::new(
            "practice_not_started",
            format!("The practice organization cannot be started: {error}."),
            "Check the address, the file and the folder that were given.",
        )
    })?;
    context.output.announce(organization.description())?;
    told_to_stop().await?;
    organization.stop().await;
    Ok(())
}
