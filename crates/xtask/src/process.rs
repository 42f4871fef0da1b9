//! Running other programs: their output goes through, an interrupt ends them, nothing is left behind.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// The person at the terminal (or the system) asked to stop.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// From here on, SIGINT, SIGTERM and SIGHUP end the running program; then this one unwinds and cleans up.
pub fn catch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::SeqCst);
        for pid in running().iter() {
            // It may have ended meanwhile, which is what is wanted.
            let _ = kill(*pid, Signal::SIGTERM);
        }
    })
    .context("cannot catch interrupts")
}

/// Runs a program to its end, its output straight to the terminal.
pub fn run(command: &mut Command) -> Result<()> {
    command.stdin(Stdio::null());
    println!("\n$ {}", shown(command));
    let child = Running::spawn(command)?;
    finish(child, command)
}

/// Runs a program to its end, its output to the terminal and to the end of a log file.
pub fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    let mut log = File::options()
        .append(true)
        .create(true)
        .open(log)
        .context("cannot write the log")?;
    let line = format!("\n$ {}\n", shown(command));
    print!("{line}");
    log.write_all(line.as_bytes())?;

    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    if io::stdout().is_terminal() {
        // They no longer see the terminal themselves.
        command
            .env("CARGO_TERM_COLOR", "always")
            .env("FORCE_COLOR", "1");
    } else {
        command.env("NO_COLOR", "1");
    }
    let child = Running::spawn(command)?;
    // The command holds the pipe's writing end: without this the copy would never see its end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (done, copied) = mpsc::channel();
    thread::spawn(move || done.send(copy(reader, &mut log)));
    let result = finish(child, command);
    match copied.recv_timeout(Duration::from_secs(10)) {
        Ok(copy) => copy.context("cannot write the log")?,
        Err(_) if result.is_ok() => {
            bail!("it ended, but a program that it started is still running")
        }
        Err(_) => {}
    }
    result
}

/// Runs a program and returns what it printed, or `None` if it cannot be started or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program that runs beside the others until this value is dropped.
pub struct Background(Child);

impl Background {
    /// Starts it, with a pipe from its standard output.
    pub fn start(command: &mut Command) -> Result<(Background, ChildStdout)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", shown(command)))?;
        let stdout = child.stdout.take();
        let background = Background(child);
        Ok((background, stdout.context("no pipe from its output")?))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = kill(pid(&self.0), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// A child that an interrupt ends.
struct Running(Child);

impl Running {
    fn spawn(command: &mut Command) -> Result<Running> {
        if INTERRUPTED.load(Ordering::SeqCst) {
            return Err(Interrupted.into());
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", shown(command)))?;
        running().push(pid(&child));
        Ok(Running(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = pid(&self.0);
        running().retain(|other| *other != pid);
    }
}

fn finish(mut child: Running, command: &Command) -> Result<()> {
    let status = child.0.wait()?;
    if INTERRUPTED.load(Ordering::SeqCst) {
        return Err(Interrupted.into());
    }
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

fn copy(mut from: PipeReader, log: &mut File) -> io::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let length = from.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        log.write_all(bytes)?;
        // A reader that went away (a closed terminal, `| head`) is no reason to fail the step.
        let _ = io::stdout()
            .write_all(bytes)
            .and_then(|()| io::stdout().flush());
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn both_outputs_go_to_the_log_and_the_exit_code_counts() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        run_logged(&mut shell("echo first; echo second >&2"), &log).unwrap();
        let error = run_logged(&mut shell("echo third; exit 3"), &log).unwrap_err();
        assert!(
            error.to_string().ends_with("ended with exit status: 3"),
            "{error}"
        );
        let text = std::fs::read_to_string(&log).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            lines,
            [
                "$ sh -c echo first; echo second >&2",
                "first",
                "second",
                "$ sh -c echo third; exit 3",
                "third"
            ]
        );
    }

    #[test]
    fn a_program_that_cannot_start_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = run_logged(
            &mut Command::new("no-such-program-here"),
            &folder.path().join("log"),
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "cannot start no-such-program-here");
        assert_eq!(output(&mut Command::new("no-such-program-here")), None);
        assert_eq!(output(&mut shell("echo 5; exit 1")), None);
        assert_eq!(output(&mut shell("echo 5")).as_deref(), Some("5\n"));
    }

    #[test]
    fn a_background_program_ends_with_its_value() {
        let (background, _output) = Background::start(Command::new("sleep").arg("1000")).unwrap();
        let pid = pid(&background.0);
        assert!(kill(pid, None).is_ok());
        drop(background);
        assert!(kill(pid, None).is_err());
    }
}
