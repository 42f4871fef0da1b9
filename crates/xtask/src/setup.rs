//! Installs what is missing: Debian packages, cargo-nextest, npm packages, a Python environment. Quick when all is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

use crate::process::{output, run};
use crate::project::{CONFORMANCE, PAGES, cargo, npm, python_environment, root, scratch};

const BUILD: &[&str] = &["build-essential", "libssl-dev", "libwebkit2gtk-4.1-dev"];
/// For "open in Dynamics", which the desktop's own browser does.
const WINDOW: &[&str] = &["xdg-utils"];
const BROWSER: &[&str] = &[
    "chromium",
    "chromium-driver",
    "fonts-dejavu-core",
    "fonts-noto-core",
    "fonts-noto-cjk",
];
const DISPLAY: &[&str] = &["xvfb", "webkit2gtk-driver", "dbus-daemon", "gnome-keyring"];
/// For a published Dataverse client.
const PYTHON: &[&str] = &["python3", "python3-venv"];

/// The oldest Node that the pages' tools run on.
const NODE: (u32, u32) = (20, 19);

/// What the set-up is for.
#[derive(Clone, Copy)]
pub enum For {
    /// Building and opening the window.
    Window,
    /// Building, and rendering the page without a display.
    Rendering,
    /// All tests.
    Tests,
    /// Only the pages.
    Pages,
}

/// Installs what is missing.
pub fn setup(purpose: For) -> Result<()> {
    let groups: &[&[&str]] = match purpose {
        For::Window => &[BUILD, WINDOW],
        For::Rendering => &[BUILD, BROWSER],
        For::Tests => &[BUILD, WINDOW, BROWSER, DISPLAY, PYTHON],
        For::Pages => &[],
    };
    debian_packages(&groups.concat())?;
    node_packages(&PAGES)?;
    match purpose {
        For::Tests => {
            node_packages(&[CONFORMANCE])?;
            python_packages()?;
            nextest()
        }
        For::Window | For::Rendering | For::Pages => Ok(()),
    }
}

fn debian_packages(wanted: &[&str]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    if output(Command::new("dpkg-query").arg("--version")).is_none() {
        eprintln!(
            "This is no Debian system, so nothing is installed. Needed here: {}",
            wanted.join(" ")
        );
        return Ok(());
    }
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    let mut apt = if geteuid().is_root() {
        Command::new("apt-get")
    } else if output(Command::new("sudo").args(["--non-interactive", "true"])).is_some() {
        let mut sudo = Command::new("sudo");
        sudo.args([
            "--non-interactive",
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
        ]);
        sudo
    } else {
        bail!(
            "Debian packages are missing, and installing them takes root. Type this once, then try again:\n\n  \
             sudo apt-get update && sudo apt-get {} {}",
            install.join(" "),
            missing.join(" ")
        );
    };
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    let mut update = Command::new(apt.get_program());
    update
        .args(apt.get_args())
        .arg("update")
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut update).context("apt-get could not read the package lists: is there a network?")?;
    run(apt.args(install).args(missing)).context("apt-get could not install what is missing")
}

fn missing<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    // It fails if one of them is unknown, and still prints the others.
    let listed = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .output();
    let listed = listed
        .map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned())
        .unwrap_or_default();
    let installed: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .collect();
    wanted
        .iter()
        .copied()
        .filter(|package| !installed.contains(package))
        .collect()
}

fn nextest() -> Result<()> {
    if output(cargo(&["nextest", "--version"]).env_remove("CARGO_TARGET_DIR")).is_some() {
        return Ok(());
    }
    println!(
        "cargo-nextest, which runs the tests, is missing: it is being built once (some minutes)."
    );
    run(&mut cargo(&["install", "cargo-nextest", "--locked"]))
        .context("cargo-nextest could not be installed; install it by hand, see https://nexte.st")
}

/// `npm ci` where the lock file is not the one that was installed last.
fn node_packages(folders: &[&str]) -> Result<()> {
    node_version()?;
    for folder in folders {
        let lock_file = root().join(folder).join("package-lock.json");
        let wanted =
            fs::read(&lock_file).with_context(|| format!("cannot read {}", lock_file.display()))?;
        let stamp = scratch().join(format!("{}-package-lock.json", folder.replace('/', "-")));
        let installed = fs::read(&stamp).is_ok_and(|installed| installed == wanted);
        if installed && root().join(folder).join("node_modules").is_dir() {
            continue;
        }
        run(&mut npm(folder, &["ci"]))
            .with_context(|| format!("npm could not install the packages of {folder}"))?;
        fs::create_dir_all(scratch())?;
        fs::write(&stamp, wanted)?;
    }
    Ok(())
}

/// A new environment where the requirements are not those that were installed last.
fn python_packages() -> Result<()> {
    let requirements = root().join(CONFORMANCE).join("python/requirements.txt");
    let wanted = fs::read(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = python_environment();
    let stamp = environment.join("requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut make = Command::new("python3");
    run(make.args(["-m", "venv", "--clear"]).arg(&environment))
        .context("the Python environment could not be made: is python3 with venv installed?")?;
    let mut install = Command::new(environment.join("bin/python"));
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--requirement",
        ])
        .arg(&requirements);
    run(&mut install).context("pip could not install the Python packages")?;
    fs::write(&stamp, wanted)?;
    Ok(())
}

fn node_version() -> Result<()> {
    let (major, minor) = NODE;
    let version = output(Command::new("node").arg("--version"));
    let Some(version) = version else {
        bail!("Node is missing: install Node {major}.{minor} or newer with npm.")
    };
    let version = version.trim();
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(found), Some(found_minor)) if (found, found_minor) >= NODE => Ok(()),
        _ => bail!("This is Node {version}: install Node {major}.{minor} or newer with npm."),
    }
}
