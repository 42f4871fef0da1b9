//! The steps of `cargo xtask test`: what each runs, what it needs, and the table at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::desktop::Desktop;
use crate::fuzz;
use crate::pages;
use crate::process::{Interrupted, run_logged};
use crate::project::{
    CONFORMANCE, CONSOLE_APP, PAGES, cargo, cargo_workspace, companion, npm, python_environment,
    root, scratch,
};
use crate::setup::{self, For};

/// The tests that open a window, as in `.config/nextest.toml`. Not by the binary's name: nextest refuses a name that is not
/// part of the build.
const WINDOW_TESTS: &str = "package(dynamics-companion) & kind(test)";

/// One step, in the order in which they run: what is quick and fails often first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// Packages and tools.
    Setup,
    /// cargo fmt --check.
    Format,
    /// Types, lint and format of the pages.
    PageLint,
    /// Unit tests of the pages.
    PageTests,
    /// The built pages, which the Rust programs embed.
    Pages,
    /// clippy, warnings denied.
    Lint,
    /// rustdoc of our crates, warnings denied.
    Docs,
    /// All programs and tests.
    Build,
    /// All Rust tests that need no display.
    RustTests,
    /// Published Dataverse clients against the practice organization.
    Conformance,
    /// The readers of what clients send, on inputs that nobody thought of, for a bounded time.
    Fuzz,
    /// The built app in a real window.
    WindowTests,
    /// The pages in a real browser.
    BrowserTests,
}

impl Step {
    /// Every step.
    pub fn all() -> Vec<Step> {
        Step::value_variants().to_vec()
    }

    /// The steps that need neither a window nor a browser.
    pub fn without_display() -> Vec<Step> {
        Step::all()
            .into_iter()
            .filter(|step| !step.needs_display())
            .collect()
    }

    fn needs_display(self) -> bool {
        matches!(self, Step::WindowTests | Step::BrowserTests)
    }

    fn needs(self) -> &'static [Step] {
        match self {
            Step::Setup => &[],
            Step::Format | Step::PageLint | Step::PageTests | Step::Pages | Step::Fuzz => {
                &[Step::Setup]
            }
            Step::Lint | Step::Docs | Step::Build => &[Step::Setup, Step::Pages],
            Step::RustTests | Step::Conformance | Step::WindowTests | Step::BrowserTests => {
                &[Step::Setup, Step::Pages, Step::Build]
            }
        }
    }

    fn run(self, log: &Path, desktop: Option<&Desktop>) -> Result<()> {
        let npm_each = |arguments: &[&str]| -> Result<()> {
            PAGES.iter().try_for_each(|folder| match desktop {
                Some(desktop) => run_logged(desktop.hold(&mut npm(folder, arguments)), log),
                None => run_logged(&mut npm(folder, arguments), log),
            })
        };
        match self {
            Step::Setup => setup::setup(For::Tests),
            Step::Format => {
                run_logged(&mut cargo(&["fmt", "--all", "--check"]), log)?;
                run_logged(fuzz::cargo("fmt").arg("--check"), log)
            }
            Step::PageLint => npm_each(&["run", "check"]),
            Step::PageTests => npm_each(&["test"]),
            Step::Pages => pages::keeping_times(|| npm_each(&["run", "build"])),
            Step::Lint => {
                let mut clippy = cargo_workspace(&["clippy", "--all-targets"]);
                run_logged(clippy.args(["--", "--deny", "warnings"]), log)
            }
            Step::Docs => {
                // There are no examples; naming them lets the tests' dependencies count, so that the features are those of
                // the lint and nothing is checked again.
                let mut doc =
                    cargo_workspace(&["doc", "--no-deps", "--lib", "--bins", "--examples"]);
                run_logged(doc.env("RUSTDOCFLAGS", "--deny warnings"), log)
            }
            Step::Build => run_logged(&mut cargo_workspace(&["build", "--all-targets"]), log),
            Step::RustTests => {
                let tests = format!("not ({WINDOW_TESTS})");
                run_logged(
                    &mut cargo_workspace(&["nextest", "run", "--filterset", &tests]),
                    log,
                )
            }
            Step::Conformance => {
                let mut javascript = npm(CONFORMANCE, &["test"]);
                run_logged(javascript.env("COMPANION_PROGRAM", companion()), log)?;
                let mut python = Command::new(python_environment().join("bin/python"));
                python
                    .args(["-m", "unittest", "discover", "--start-directory", "python"])
                    .current_dir(root().join(CONFORMANCE))
                    .env("COMPANION_PROGRAM", companion())
                    .env("PYTHONDONTWRITEBYTECODE", "1");
                run_logged(&mut python, log)
            }
            Step::Fuzz => fuzz::run(log),
            Step::WindowTests => {
                let mut tests = cargo_workspace(&["nextest", "run", "--filterset", WINDOW_TESTS]);
                run_logged(desktop.context("no desktop")?.hold(&mut tests), log)
            }
            Step::BrowserTests => pages::keeping_times(|| {
                npm_each(&["run", "e2e"])?;
                // Those of the console app ran on a bridge that lets them look inside; now on the companion itself.
                let mut journeys = npm(CONSOLE_APP, &["run", "e2e"]);
                journeys.env("COMPANION_PROGRAM", companion());
                run_logged(desktop.context("no desktop")?.hold(&mut journeys), log)
            }),
        }
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn log(self) -> PathBuf {
        scratch().join("logs").join(format!("{}.log", self.name()))
    }
}

/// Runs those of `steps` that are in `only` (all, if that is empty) and what they need; stops at the first that fails.
pub fn run(steps: &[Step], only: Vec<Step>) -> Result<()> {
    let wanted = |step: Step| {
        only.is_empty()
            || only
                .iter()
                .any(|one| *one == step || one.needs().contains(&step))
    };
    let steps: Vec<Step> = steps.iter().copied().filter(|step| wanted(*step)).collect();
    let logs = scratch().join("logs");
    fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;

    let mut desktop = None;
    let mut table: Vec<(Step, Duration)> = Vec::new();
    for step in &steps {
        println!("\n=== {} ===", step.name());
        let started = Instant::now();
        fs::write(step.log(), "")?;
        let result = if step.needs_display() && desktop.is_none() {
            Desktop::start()
                .map(|started| desktop = Some(started))
                .context("no virtual display")
        } else {
            Ok(())
        };
        let shown = desktop.as_ref().filter(|_| step.needs_display());
        let result = result.and_then(|()| step.run(&step.log(), shown));
        table.push((*step, started.elapsed()));
        if let Err(error) = result {
            drop(desktop);
            return Err(failure(*step, error, &steps, &table));
        }
    }
    print_table(&steps, &table, "passed");
    Ok(())
}

fn failure(
    step: Step,
    error: anyhow::Error,
    steps: &[Step],
    table: &[(Step, Duration)],
) -> anyhow::Error {
    let interrupted = error.is::<Interrupted>();
    print_table(steps, table, if interrupted { "stopped" } else { "failed" });
    if interrupted {
        println!("\nInterrupted in {}.", step.name());
        return error;
    }
    let log = fs::read(step.log()).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(30));
    if !lines.is_empty() {
        println!("\nThe last lines of {}:", step.name());
    }
    last.for_each(|line| println!("  {line}"));
    error.context(format!(
        "{} failed. The whole log: {}",
        step.name(),
        step.log().display()
    ))
}

/// What ran, with `last` as the result of the last that did.
fn print_table(steps: &[Step], table: &[(Step, Duration)], last: &str) {
    println!("\n{:<14} {:<8} {:>9}", "step", "result", "seconds");
    for step in steps {
        let ran = table.iter().position(|(other, _)| other == step);
        match ran.and_then(|index| Some((index, table.get(index)?))) {
            Some((index, (_, time))) => {
                let result = if index + 1 < table.len() {
                    "passed"
                } else {
                    last
                };
                println!(
                    "{:<14} {:<8} {:>9.1}",
                    step.name(),
                    result,
                    time.as_secs_f64()
                );
            }
            None => println!("{:<14} {:<8}", step.name(), "not run"),
        }
    }
    let total: Duration = table.iter().map(|(_, time)| *time).sum();
    println!("{:<14} {:<8} {:>9.1}", "all", "", total.as_secs_f64());
}
