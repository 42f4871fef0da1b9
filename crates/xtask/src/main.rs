//! `cargo xtask`: the project's own commands. Each does all of its set-up itself.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod desktop;
mod fuzz;
mod pages;
mod process;
mod project;
mod run;
mod setup;
mod steps;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::process::Interrupted;
use crate::steps::Step;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, runs and tests the companion. Each command does all of its set-up itself."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Open the companion on the practice organization; without a display, recognise one practice visitor and print it.
    Run {
        /// Build as it is shipped: slower to build, faster to run.
        #[arg(long)]
        release: bool,
        /// Further arguments for the companion (or, without a display, for the page host).
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Everything that must pass: format, lint, documentation, Rust tests, page tests, published clients, fuzzing, real
    /// windows, real browsers.
    Test {
        /// Only these steps, and what they need.
        #[arg(long, value_delimiter = ',', value_enum)]
        only: Vec<Step>,
        /// Leave out what needs a display.
        #[arg(long, conflicts_with = "only")]
        fast: bool,
    },
    /// Format, lint and documentation: the quick half of `test`.
    Check,
    /// The tests in real windows and browsers.
    E2e,
    /// Measure how fast it is, each figure beside that of something bare in the same run; see docs/benchmarks.md.
    Bench {
        /// How many contacts there are; several numbers are measured one after the other.
        #[arg(last = true)]
        contacts: Vec<u64>,
    },
    /// Install what is missing, build nothing.
    Setup,
    /// Write the TypeScript types of the page's view model from the Rust types.
    Bindings,
    /// Build the Comm100 app that an administrator adds to the Agent Console.
    PackageConsoleApp {
        /// The console bridge's port on the agents' computers.
        #[arg(long)]
        port: Option<u16>,
    },
}

fn main() -> ExitCode {
    let result = process::catch_interrupts().and_then(|()| match Arguments::parse().command {
        Command::Run { release, arguments } => run::run(release, arguments),
        Command::Test { only, fast } if fast => steps::run(&Step::without_display(), only),
        Command::Test { only, fast: _ } => steps::run(&Step::all(), only),
        Command::Check => steps::run(
            &Step::all(),
            vec![Step::Format, Step::PageLint, Step::Lint, Step::Docs],
        ),
        Command::E2e => steps::run(&Step::all(), vec![Step::WindowTests, Step::BrowserTests]),
        Command::Bench { contacts } => run::bench(&contacts),
        Command::Setup => setup::setup(setup::For::Tests),
        Command::Bindings => run::bindings(),
        Command::PackageConsoleApp { port } => run::package_console_app(port),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(130),
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
