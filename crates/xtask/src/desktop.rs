//! A desktop for tests that nobody sees: a display, a session bus and an unlocked keyring, gone with this value.

use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process::Background;

/// The size of a docked window's screen, and room beside it.
const SCREEN: &str = "1280x900x24";

/// The desktop. Dropping it ends its programs and removes its files; the keyring ends with its bus.
pub struct Desktop {
    environment: Vec<(&'static str, String)>,
    _bus: Background,
    _display: Background,
    _home: TempDir,
}

impl Desktop {
    /// Starts it; everything is ready when this returns.
    pub fn start() -> Result<Desktop> {
        let home = tempfile::tempdir()?;
        let folder = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let mut environment = vec![
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_CACHE_HOME", folder("cache")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("GDK_BACKEND", "x11".to_owned()),
        ];
        for name in ["data", "config", "cache"] {
            fs::create_dir(folder(name))?;
        }
        DirBuilder::new().mode(0o700).create(folder("run"))?;

        let (display, output) = Background::start(Command::new("Xvfb").args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            "-nolisten",
            "tcp",
            "-noreset",
        ]))?;
        environment.push((
            "DISPLAY",
            format!(":{}", first_line(output).context("no display from Xvfb")?),
        ));

        let (bus, output) = Background::start(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
                .envs(
                    environment
                        .iter()
                        .map(|(name, value)| (*name, value.as_str())),
                ),
        )?;
        let address = first_line(output).context("no address from dbus-daemon")?;
        environment.push(("DBUS_SESSION_BUS_ADDRESS", address));

        let desktop = Desktop {
            environment,
            _bus: bus,
            _display: display,
            _home: home,
        };
        desktop
            .unlock_keyring()
            .context("the keyring could not be unlocked")?;
        Ok(desktop)
    }

    /// Makes a program run on this desktop.
    pub fn hold<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env_remove("WAYLAND_DISPLAY").envs(
            self.environment
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
    }

    /// The daemon goes to the background once it can be asked, and ends when its bus does.
    fn unlock_keyring(&self) -> Result<()> {
        let mut daemon = Command::new("gnome-keyring-daemon");
        let mut daemon = self
            .hold(daemon.args(["--unlock", "--components=secrets"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // Dropping the pipe ends the password.
        daemon
            .stdin
            .take()
            .context("no pipe to it")?
            .write_all(b"only for tests")?;
        let status = daemon.wait()?;
        ensure!(status.success(), "gnome-keyring-daemon ended with {status}");
        Ok(())
    }
}

fn first_line(output: impl Read) -> Result<String> {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let line = line.trim();
    ensure!(!line.is_empty(), "it ended at once");
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::output;

    /// Asks the bus who owns a name or whether the keyring is locked.
    fn ask(desktop: &Desktop, arguments: &[&str]) -> Option<String> {
        let mut ask = Command::new("dbus-send");
        output(
            desktop.hold(
                ask.args(["--session", "--print-reply=literal"])
                    .args(arguments),
            ),
        )
    }

    #[test]
    fn a_desktop_is_ready_at_once_and_leaves_nothing() {
        let desktop = Desktop::start().unwrap();
        let display = desktop
            .environment
            .iter()
            .find(|(name, _)| *name == "DISPLAY")
            .unwrap();
        let socket = format!("/tmp/.X11-unix/X{}", display.1.trim_start_matches(':'));
        assert!(fs::exists(&socket).unwrap());
        let locked = [
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets/collection/login",
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Locked",
        ];
        assert!(ask(&desktop, &locked).unwrap().contains("boolean false"));
        let home = desktop._home.path().to_owned();
        let environment = desktop.environment.clone();

        drop(desktop);
        assert!(!fs::exists(&socket).unwrap());
        assert!(!fs::exists(home).unwrap());
        let mut ask = Command::new("dbus-send");
        let ask = ask
            .args(["--session", "--print-reply=literal"])
            .args(locked);
        assert_eq!(output(ask.envs(environment)), None, "the bus is gone");
    }
}
