//! Opening the companion, or doing its main job where there is no display; the smaller commands.

use std::env;
use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::pages;
use crate::process::run as run_program;
use crate::project::{CONSOLE_APP, PAGES, cargo_workspace, npm, root, scratch, target};
use crate::setup::{self, For};

/// The practice visitor that is played where nobody can choose one.
const VISITOR: &str = "dana";

/// The settings of a companion on the practice organization.
const PRACTICE: &str = "version = 1\n\n[connection]\nkind = \"practice\"\n";

/// Builds the companion and opens it on the practice organization; without a display, plays a practice visitor, prints the
/// recognised records and renders the page to a file.
pub fn run(release: bool, arguments: Vec<String>) -> Result<()> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    setup::setup(if display { For::Window } else { For::Rendering })?;
    build_pages()?;

    let program = if display {
        "dynamics-companion"
    } else {
        "page-host"
    };
    let mut build = cargo_workspace(&["build", "--bin", program]);
    if release {
        build.arg("--release");
    }
    run_program(&mut build)?;

    let profile = if release { "release" } else { "debug" };
    let mut command = Command::new(target().join(profile).join(program));
    command.current_dir(root());
    if !display {
        println!("\nThere is no display, so a practice visitor is played without a window.");
        let picture = target().join("companion.png");
        command
            .args(["--practice", "--play", VISITOR, "--render"])
            .arg(picture);
    } else {
        let gives = |flag: &str| {
            arguments.iter().any(|argument| {
                argument
                    .strip_prefix(flag)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
        };
        // A settings file and a folder of its own: whatever this person has set up stays as it is.
        if !gives("--settings") {
            let settings = scratch().join("practice.toml");
            fs::create_dir_all(scratch())?;
            fs::write(&settings, PRACTICE)?;
            command.arg("--settings").arg(settings);
            if !gives("--data-dir") {
                command.arg("--data-dir").arg(scratch().join("practice"));
            }
        }
    }
    run_program(command.args(arguments))
}

/// Runs the benchmarks, one after the other.
pub fn bench(contacts: &[u64]) -> Result<()> {
    setup::setup(For::Window)?;
    build_pages()?;
    for name in ["recognition", "synchronisation", "lookups"] {
        let mut bench = cargo_workspace(&["bench", "--bench", name]);
        bench.arg("--").args(contacts.iter().map(u64::to_string));
        run_program(&mut bench)?;
    }
    Ok(())
}

/// Builds the Comm100 app.
pub fn package_console_app(port: Option<u16>) -> Result<()> {
    setup::setup(For::Pages)?;
    let mut package = npm(CONSOLE_APP, &["run", "package"]);
    if let Some(port) = port {
        package.args(["--", "--port", &port.to_string()]);
    }
    run_program(&mut package)
}

/// Writes the TypeScript types of the page's view model; the same test of `backend` otherwise compares them.
pub fn bindings() -> Result<()> {
    setup::setup(For::Tests)?;
    let test = "package(backend) & test(=view::tests::the_pages_types_are_those_of_the_back_end)";
    let mut write = cargo_workspace(&["nextest", "run", "--filterset", test]);
    run_program(write.env("UPDATE_BINDINGS", "1"))
}

fn build_pages() -> Result<()> {
    pages::keeping_times(|| {
        PAGES
            .iter()
            .try_for_each(|folder| run_program(&mut npm(folder, &["run", "build"])))
    })
}
