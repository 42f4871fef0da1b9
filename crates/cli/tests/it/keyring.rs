//! Secrets in a real Secret Service: GNOME Keyring on a message bus of its own.

use std::process::Stdio;

use backend::Settings;
use backend::settings::{ConnectionKind, ConnectionSettings, SignInKind};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::program::{Program, admin, organization};
use crate::recording::chat_ended;

/// What must not be found in any file.
const PERSONAL: &str = "dana.nowak@example.com";
/// Unlocks a new keyring, says where the bus is, and goes on until its input is closed.
const SCRIPT: &str = "printf 'the keyring password\\n' | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null \
     && echo \"$DBUS_SESSION_BUS_ADDRESS\" && exec cat >/dev/null";

/// A message bus with an unlocked keyring, as a desktop session has them.
struct Session {
    bus: String,
    /// Dropping it closes its input: the script ends, with it the bus, and with the bus the keyring.
    _script: Child,
    _home: TempDir,
}

impl Session {
    async fn start() -> Session {
        let home = tempfile::tempdir().unwrap();
        let mut script = Command::new("dbus-run-session")
            .args(["--", "sh", "-c", SCRIPT])
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("data"))
            .env("XDG_RUNTIME_DIR", home.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-run-session, of the package dbus-daemon");
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let bus = lines.next_line().await.unwrap();
        Session {
            bus: bus.expect("gnome-keyring-daemon, of the package gnome-keyring"),
            _script: script,
            _home: home,
        }
    }
}

fn with_keyring(connection: ConnectionSettings, session: &Session) -> Program {
    let settings = Settings {
        connection,
        ..Settings::default()
    };
    Program::with_settings(&settings.to_toml().unwrap())
        .environment("DBUS_SESSION_BUS_ADDRESS", &session.bus)
}

#[tokio::test]
async fn a_secret_of_the_keyring_signs_in_until_it_is_removed() {
    let organization = organization().await;
    let session = Session::start().await;
    let (connection, _) = practice::connection(organization.description());
    let program = with_keyring(connection, &session);
    let doctor = ["--json", "doctor"];
    program.call(&doctor).await.failure("secret_missing");

    let secret = &organization.description().client_secret;
    let set = ["--json", "secrets", "set", "client-secret"];
    let kept = program.call_with(&set, &format!("{secret}\n")).await;
    assert_eq!(kept.success(), json!({ "kept": true }));
    assert!(!format!("{kept:?}").contains(secret));
    let examined = program.call(&doctor).await.success();
    assert_eq!(examined["secret_from"], "keyring");
    assert!(examined["signed_in_as"].is_string(), "{examined}");

    let remove = ["--json", "secrets", "remove", "client-secret"];
    for removed in [true, false] {
        let answer = program.call(&remove).await.success();
        assert_eq!(answer, json!({ "removed": removed }));
    }
    program.call(&doctor).await.failure("secret_missing");
    organization.stop().await;
}

#[tokio::test]
async fn a_person_signs_in_by_the_browser_and_by_a_code_and_signs_out() {
    let organization = organization().await;
    let session = Session::start().await;
    let description = organization.description();
    let program = with_keyring(
        ConnectionSettings {
            kind: ConnectionKind::Cloud,
            organization_url: Some(description.organization_url.clone()),
            client_id: Some(description.public_client.client_id.clone()),
            sign_in: SignInKind::Yourself,
            ..ConnectionSettings::default()
        },
        &session,
    );
    let person = &description.people[0];
    let doctor = ["--json", "doctor"];
    program.call(&doctor).await.failure("sign_in_required");

    // Another test of this process may have installed it; either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (mut running, announced) = program.start(&["--json", "sign-in"]).await;
    let page = json!({ "authorize_url": announced["sign_in_url"], "email": person.email });
    let sent = reqwest::Client::new()
        .post(format!("{}/sign-ins", description.admin_url))
        .json(&page)
        .send()
        .await
        .unwrap();
    let sent: Value = sent.json().await.unwrap();
    let back = sent["redirect"]
        .as_str()
        .unwrap()
        .replace("localhost", "127.0.0.1");
    assert!(reqwest::get(back).await.unwrap().status().is_success());
    let line = running.stdout.next_line().await.unwrap().unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told, json!({ "signed_in_as": person.name }));
    let (status, log) = running.end().await;
    assert!(status.success() && log.is_empty(), "{log}");

    let examined = program.call(&doctor).await.success();
    assert_eq!(examined["signed_in_as"], person.name.as_str());
    assert_eq!(examined["secret_from"], "keyring");
    let sign_out = ["--json", "sign-out"];
    for was_signed_in in [true, false] {
        let answer = program.call(&sign_out).await.success();
        assert_eq!(answer, json!({ "was_signed_in": was_signed_in }));
    }
    program.call(&doctor).await.failure("sign_in_required");

    let quick = json!({ "device_code_interval_seconds": 1 });
    admin(&organization, Method::PATCH, "/settings", Some(quick)).await;
    let (running, announced) = program.start(&["--json", "sign-in", "--device-code"]).await;
    assert!(announced["verification_url"].is_string(), "{announced}");
    let code = json!({ "user_code": announced["user_code"], "email": person.email });
    admin(&organization, Method::POST, "/sign-ins", Some(code)).await;
    let (status, log) = running.end().await;
    assert!(status.success(), "{log}");
    program.call(&doctor).await.success();
    organization.stop().await;
}

#[tokio::test]
async fn the_files_are_encrypted_under_a_key_of_the_keyring() {
    let organization = organization().await;
    let session = Session::start().await;
    let (connection, _) = practice::connection(organization.description());
    let program = with_keyring(connection, &session)
        .environment(
            "COMPANION_CLIENT_SECRET",
            &organization.description().client_secret,
        )
        .environment("COMPANION_STORE_KEY", "");
    let event = program.file("chat.json", &chat_ended(1, PERSONAL).to_string());
    let event = event.to_str().unwrap();
    let record = ["--json", "record", "contact", "--chat", event];
    program.call(&record).await.success();
    let lines = program
        .call(&["--json", "activity", "list"])
        .await
        .success();
    assert!(lines.to_string().contains("Dana Nowak"), "{lines}");
    let folder = program.folder.path().join("data");
    for file in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for text in [PERSONAL, "SQLite format 3"] {
            let is_there = bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes());
            assert!(!is_there, "{text}");
        }
    }

    // Another key reads nothing and destroys nothing; without any it is refused.
    let program = program.environment("COMPANION_STORE_KEY", &"6b".repeat(32));
    let list = ["--json", "outbox", "list"];
    program.call(&list).await.failure("store_key_wrong");
    let program = program.environment("COMPANION_STORE_KEY", "6b");
    program.call(&list).await.failure("store_key_invalid");
    let program = program
        .environment("COMPANION_STORE_KEY", "")
        .environment("DBUS_SESSION_BUS_ADDRESS", "");
    program.call(&list).await.failure("store_key_missing");
    let program = program.environment("DBUS_SESSION_BUS_ADDRESS", &session.bus);
    let again = program
        .call(&["--json", "activity", "list"])
        .await
        .success();
    assert_eq!(again, lines);
    organization.stop().await;
}

#[tokio::test]
async fn without_a_keyring_nothing_is_kept_and_that_is_told() {
    let organization = organization().await;
    let description = organization.description();
    let (connection, _) = practice::connection(description);
    let settings = |connection| Settings {
        connection,
        ..Settings::default()
    };
    let nowhere = "unix:path=/nowhere/at/all";
    let program = Program::with_settings(&settings(connection.clone()).to_toml().unwrap())
        .environment("DBUS_SESSION_BUS_ADDRESS", nowhere);
    let set = ["--json", "secrets", "set", "client-secret"];
    program
        .call_with(&set, "secret\n")
        .await
        .failure("keyring_unavailable");
    program.call_with(&set, "").await.failure("secret_missing");
    program
        .call(&["--json", "doctor"])
        .await
        .failure("secret_missing");
    program
        .call(&["--json", "sign-in"])
        .await
        .failure("sign_in_not_for_persons");

    let mine = ConnectionSettings {
        sign_in: SignInKind::Yourself,
        ..connection
    };
    let program = Program::with_settings(&settings(mine).to_toml().unwrap())
        .environment("DBUS_SESSION_BUS_ADDRESS", nowhere);
    program
        .call(&["--json", "sign-in"])
        .await
        .failure("keyring_unavailable");
    let files: Vec<_> = std::fs::read_dir(program.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files, ["settings.toml"], "never a plain file");
    organization.stop().await;
}
