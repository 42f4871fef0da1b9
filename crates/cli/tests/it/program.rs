//! Calling the program, and a practice organization for it to work with.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use backend::Settings;
use backend::settings::ConnectionSettings;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Description, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Long enough for a slow machine; a program that takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// The program with a home, settings and an environment of its own.
pub struct Program {
    pub folder: TempDir,
    environment: Vec<(String, String)>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A program that runs until it is told to stop. It is killed if the test fails before.
pub struct Running {
    child: Child,
    pub stdout: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Without settings: it practises. Its files have a key, since a test has no keyring.
    pub fn new() -> Program {
        Program {
            folder: tempfile::tempdir().unwrap(),
            environment: vec![("COMPANION_STORE_KEY".to_owned(), "5a".repeat(32))],
        }
    }

    /// With this settings document.
    pub fn with_settings(text: &str) -> Program {
        let program = Program::new();
        std::fs::write(program.settings_file(), text).unwrap();
        program
    }

    /// Connected to a practice organization, as if it were one in the cloud.
    pub fn cloud(organization: &Description) -> Program {
        Program::cloud_with(organization, |_| {})
    }

    /// As [`Program::cloud`], with a change to the connection.
    pub fn cloud_with(
        organization: &Description,
        change: impl FnOnce(&mut ConnectionSettings),
    ) -> Program {
        Program::cloud_settings(organization, |settings| change(&mut settings.connection))
    }

    /// As [`Program::cloud`], with a change to the settings.
    pub fn cloud_settings(
        organization: &Description,
        change: impl FnOnce(&mut Settings),
    ) -> Program {
        let (connection, _) = practice::connection(organization);
        let mut settings = Settings {
            connection,
            ..Settings::default()
        };
        change(&mut settings);
        Program::with_settings(&settings.to_toml().unwrap())
            .environment("COMPANION_CLIENT_SECRET", &organization.client_secret)
    }

    /// Connected to a practice organization, as if it were one on-premises.
    pub fn on_premises(organization: &Description) -> Program {
        let (connection, _) = practice::on_premises_connection(organization);
        let Description { on_premises, .. } = organization;
        Program::connected(connection)
            .environment("COMPANION_CLIENT_SECRET", &on_premises.client_secret)
            .environment("COMPANION_PASSWORD", &on_premises.password)
    }

    fn connected(connection: ConnectionSettings) -> Program {
        let settings = Settings {
            connection,
            ..Settings::default()
        };
        Program::with_settings(&settings.to_toml().unwrap())
    }

    /// With this variable; an empty one counts as none.
    pub fn environment(mut self, name: &str, value: &str) -> Program {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn settings_file(&self) -> PathBuf {
        self.folder.path().join("settings.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        // A limit on the size of files is then an error, not the end of the program.
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
            .arg(env!("CARGO_BIN_EXE_companion"));
        if self.settings_file().exists() {
            command.arg("--settings").arg(self.settings_file());
        }
        command
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Calls it and waits for its end.
    pub async fn call(&self, arguments: &[&str]) -> Outcome {
        self.call_with(arguments, "").await
    }

    /// Calls it with this on its standard input.
    pub async fn call_with(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // Whether it reads its input is its own affair.
        let feeding = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .unwrap()
            .unwrap();
        drop(feeding);
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Calls it and kills it (SIGKILL) after this time, if it has not ended by then; says whether it was.
    pub async fn call_and_kill(&self, arguments: &[&str], after: Duration) -> bool {
        let mut child = self.command(arguments).spawn().unwrap();
        let runs = tokio::time::timeout(after, child.wait()).await.is_err();
        if runs {
            child.kill().await.unwrap();
        }
        runs
    }

    /// Recognises the visitor of this JSON, by way of standard input.
    pub async fn recognize(&self, visitor: &Value) -> Outcome {
        let arguments = ["--json", "recognize", "--visitor", "-"];
        self.call_with(&arguments, &visitor.to_string()).await
    }

    /// Starts it and reads its first line.
    pub async fn start(&self, arguments: &[&str]) -> (Running, Value) {
        let mut child = self.command(arguments).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut running = Running {
            child,
            stdout: BufReader::new(stdout).lines(),
        };
        let line = tokio::time::timeout(PATIENCE, running.stdout.next_line())
            .await
            .unwrap()
            .unwrap();
        match line {
            Some(line) => (running, serde_json::from_str(&line).unwrap()),
            None => panic!("it ended at once: {:?}", running.end().await),
        }
    }
}

impl Outcome {
    /// The one JSON document on standard output, after success.
    pub fn success(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.document()
    }

    /// The one JSON document on standard output, after a failure with this code.
    pub fn failure(&self, code: &str) -> Value {
        assert_eq!(self.code, Some(1), "{self:?}");
        let document = self.document();
        let error = &document["error"];
        assert_eq!(error["code"], code, "{document}");
        for text in ["message", "next_step"] {
            let text = error[text].as_str().unwrap();
            assert!(
                text.ends_with('.') && !text.contains("..") && !text.contains('\n'),
                "{text}"
            );
        }
        document
    }

    fn document(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// That the logs tell none of this.
    pub fn logs_nothing_of(&self, private: &[&str]) {
        for text in private {
            assert!(!self.stderr.contains(text), "{text} in {}", self.stderr);
        }
    }
}

impl Running {
    /// Tells it to stop, as the system does, and waits until it has.
    pub async fn stop(self) -> (ExitStatus, String) {
        self.tell_to_stop();
        self.end().await
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub fn tell_to_stop(&self) {
        let pid = i32::try_from(self.id()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    }

    /// Waits for its end; returns what it logged.
    pub async fn end(mut self) -> (ExitStatus, String) {
        let mut logs = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let ended = async {
            stderr.read_to_string(&mut logs).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(PATIENCE, ended).await.unwrap();
        (status, logs)
    }
}

/// A practice organization in this process, with few people besides those on purpose.
pub async fn organization() -> Sandbox {
    let options = sandbox::Options {
        contacts: 60,
        ..sandbox::Options::default()
    };
    Sandbox::start(options).await.unwrap()
}

/// Asks the organization's admin door for a change.
pub async fn admin(
    organization: &Sandbox,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) {
    // Another test of this process may have installed it; either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("{}{path}", organization.description().admin_url);
    let mut request = reqwest::Client::new().request(method, address);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
