//! Where things are, and how cargo and npm are called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One selection of packages and features for every build: with another one, cargo compiles shared crates again.
const SELECTION: [&str; 3] = [
    "--workspace",
    "--features",
    "dynamics-companion/custom-protocol",
];

/// The folder of the console app.
pub const CONSOLE_APP: &str = "ui/console-app";

/// The folders of the pages.
pub const PAGES: [&str; 2] = ["ui", CONSOLE_APP];

/// The folder of the published clients that run against the practice organization.
pub const CONFORMANCE: &str = "tests/conformance";

/// The Python environment of those that are written in it.
pub fn python_environment() -> PathBuf {
    scratch().join("python")
}

/// The program that the tests of other languages start.
pub fn companion() -> PathBuf {
    target().join("debug/companion")
}

/// The repository's folder.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own)
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// This program's own folder: logs, stamps, generated files. It may be deleted at any time.
pub fn scratch() -> PathBuf {
    target().join("xtask")
}

/// `cargo ARGUMENTS`, in the repository's folder.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root());
    // What cargo told this program about itself would make build scripts run anew that a plain `cargo` has run.
    for (name, _) in env::vars_os() {
        let about_itself = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if about_itself {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// `cargo ARGUMENTS` for the whole workspace; under CI the lock file must be up to date.
pub fn cargo_workspace(arguments: &[&str]) -> Command {
    let mut cargo = cargo(arguments);
    cargo.args(SELECTION);
    if env::var_os("CI").is_some() {
        cargo.arg("--locked");
    }
    cargo
}

/// `npm ARGUMENTS` in one of [`PAGES`] or [`CONFORMANCE`].
pub fn npm(folder: &str, arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(root().join(folder));
    npm
}
