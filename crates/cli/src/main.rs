//! `companion`: the same back end without a window.
//!
//! Every command takes `--json`: one JSON document on standard output, logs on standard error. It ends with
//! 0, with 1 and `{"error":{"code","message","next_step"}}` on failure, with 2 if it was called wrongly.

mod data;
mod doctor;
mod outbox;
mod output;
mod person;
mod read;
mod recognize;
mod recording;
mod sandbox;
mod search;
mod secrets;
mod serve;
mod settings;
mod sync;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use backend::secrets::Secrets;
use backend::settings::ConnectionKind;
use backend::{Files, Installation, Options, Problem, Settings, folders};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::output::Output;

/// The companion of a Comm100 agent beside Dynamics 365, on the command line.
#[derive(Parser)]
#[command(name = "companion", version)]
struct Arguments {
    /// The settings file; this user's own if left out, the practice organization if there is none.
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The folder of the cache and the store; this user's own if left out.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// One JSON document on standard output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the practice organization and runs until it is told to stop.
    Sandbox(sandbox::Arguments),
    /// Says who a visitor is in Dynamics.
    Recognize(recognize::Arguments),
    /// Takes an event as if a console or a webhook had sent it.
    Event(recording::EventArguments),
    /// Writes a chat down as one record, as the button in the window does.
    Record(recording::RecordArguments),
    /// Finds contacts, accounts, leads and cases.
    Search(search::Arguments),
    /// Looks after what waits to be written.
    #[command(subcommand)]
    Outbox(outbox::Action),
    /// Tells what was recognised and written.
    #[command(subcommand)]
    Activity(outbox::ActivityAction),
    /// Runs the console bridge without a window until it is told to stop.
    Serve(serve::Arguments),
    /// Erases one person from this computer, and gives a receipt.
    Forget(data::ForgetArguments),
    /// Removes what is kept on this computer.
    Wipe(data::WipeArguments),
    /// Makes the file that the store can be recovered with when its key is lost, and uses it.
    #[command(subcommand)]
    Recovery(data::RecoveryAction),
    /// Brings the copies on this computer up to date, once.
    Sync(sync::Arguments),
    /// Checks, exports, imports and rehearses the settings.
    #[command(subcommand)]
    Settings(settings::Action),
    /// Examines the connection and names the step that fails.
    Doctor,
    /// Disconnects from Dynamics: forgets the secrets and what was read.
    Disconnect(settings::DisconnectArguments),
    /// Signs you in to Dynamics as yourself, in the browser or with a code on another device.
    SignIn(person::Arguments),
    /// Forgets your sign-in, and what was read with it.
    SignOut,
    /// Keeps the connection's secrets in the system's keyring.
    #[command(subcommand)]
    Secrets(secrets::Action),
}

/// What every command can ask for.
struct Context {
    settings: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    output: Output,
}

impl Context {
    /// The settings in force, and the file that they stand in if there is one.
    fn settings(&self) -> Result<(Settings, Option<PathBuf>), Problem> {
        Settings::in_force(self.settings.as_deref())
    }

    /// Where this companion lives.
    fn installation(&self) -> Installation {
        let mut installation =
            Installation::of_this_user(self.settings.clone(), self.data_dir.clone());
        installation.practice = Some(Arc::new(practice::Embedded));
        installation
    }

    /// What a back end is started with.
    async fn options(&self) -> Result<Options, Problem> {
        let (settings, _) = self.settings()?;
        let secrets = Secrets::of(&settings.connection).await?;
        let mut options = Options::new(settings, secrets);
        // The practice organization is gone with the command, and what was done with it.
        if options.settings.connection.kind != ConnectionKind::Practice {
            options.files = self.files().await?;
        }
        Ok(options)
    }

    /// Where the cache and the store lie.
    async fn files(&self) -> Result<Files, Problem> {
        let folder = self.data_dir.clone().or_else(folders::data);
        let folder = folder.ok_or_else(|| {
            Problem::new(
                "no_data_folder",
                "There is no folder for the companion's files.",
                "Name one with --data-dir.",
            )
        })?;
        Files::in_folder(folder).await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = if matches!(arguments.command, Command::Serve(_)) {
        "info"
    } else {
        "warn"
    };
    let told = std::env::var("COMPANION_LOG").unwrap_or_default();
    let (filter, wrong) = match EnvFilter::try_new(if told.is_empty() { level } else { &told }) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(level), Some(error)),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    if let Some(wrong) = wrong {
        tracing::warn!("COMPANION_LOG is not understood, `{level}` is taken: {wrong}");
    }
    let context = Context {
        settings: arguments.settings,
        data_dir: arguments.data_dir,
        output: Output {
            json: arguments.json,
        },
    };
    let done = match arguments.command {
        Command::Sandbox(arguments) => success(sandbox::run(&context, arguments).await),
        Command::Recognize(arguments) => success(recognize::run(&context, arguments).await),
        Command::Event(arguments) => success(recording::event(&context, arguments).await),
        Command::Record(arguments) => success(recording::record(&context, arguments).await),
        Command::Search(arguments) => success(search::run(&context, arguments).await),
        Command::Outbox(action) => success(outbox::run(&context, action).await),
        Command::Activity(action) => success(outbox::activity(&context, action).await),
        Command::Serve(arguments) => success(serve::run(&context, arguments).await),
        Command::Forget(arguments) => success(data::forget(&context, arguments).await),
        Command::Wipe(arguments) => success(data::wipe(&context, arguments).await),
        Command::Recovery(action) => success(data::recovery(&context, action).await),
        Command::Sync(arguments) => success(sync::run(&context, arguments).await),
        Command::Settings(action) => success(settings::run(&context, action).await),
        Command::Disconnect(arguments) => success(settings::disconnect(&context, arguments).await),
        Command::Doctor => doctor::run(&context).await,
        Command::SignIn(arguments) => success(person::sign_in(&context, arguments).await),
        Command::SignOut => success(person::sign_out(&context).await),
        Command::Secrets(action) => success(secrets::run(&context, action).await),
    };
    backend::files::close_all().await;
    done.unwrap_or_else(|problem| {
        context.output.failure(&problem);
        ExitCode::FAILURE
    })
}

fn success(done: Result<(), Problem>) -> Result<ExitCode, Problem> {
    done.map(|()| ExitCode::SUCCESS)
}

/// The order to stop, from the system or the keyboard. It is listened for from this call on, so that one that
/// comes before it is waited for is not lost.
fn stop_order() -> Result<impl Future<Output = ()>, Problem> {
    let failed = |error: std::io::Error| {
        Problem::new(
            "signals_unavailable",
            format!("The program cannot be told to stop: {error}."),
            "Report this to the maker.",
        )
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        let mut interrupt = ctrl_c().map_err(failed)?;
        let mut terminate = ctrl_break().map_err(failed)?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
}

/// Refuses to listen where other computers could reach it.
fn only_this_computer(listen: std::net::SocketAddr) -> Result<(), Problem> {
    if listen.ip() == std::net::Ipv4Addr::LOCALHOST {
        return Ok(());
    }
    Err(Problem::new(
        "listen_not_loopback",
        "The companion listens on this computer only.",
        "Use 127.0.0.1, and a proxy with TLS in front of it for others.",
    ))
}
