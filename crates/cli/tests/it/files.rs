//! The companion's files: a full disk, a damaged store, two companions.

use std::path::PathBuf;
use std::process::Command;

use integration::recording::{Action, Mode};
use serde_json::{Value, json};

use crate::program::{Program, Running, organization, text};
use crate::recording::{Administrator, chat_ended, recording};
use crate::serve::Console;

const SERVE: [&str; 4] = ["serve", "--pair", "--listen", "127.0.0.1:0"];

fn store(program: &Program, ending: &str) -> PathBuf {
    let name = format!("data/store.sqlite{ending}");
    program.folder.path().join(name)
}

/// Lets the program write no file beyond this size: the system's own full disk.
fn limit(running: &Running, size: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &running.id().to_string()])
        .arg(format!("--fsize={size}:unlimited"))
        .status();
    assert!(done.unwrap().success());
}

/// A console that is paired with it.
async fn paired(first: &Value) -> (Console, Value) {
    let mut console = Console::open(first["bridge"].as_str().unwrap()).await;
    let code = &first["pairing_code"];
    console
        .say(json!({ "type": "pair", "protocol": 1, "code": code, "name": "Console" }))
        .await;
    let token = console.hear_type("paired").await["token"].clone();
    console.hear_type("welcome").await;
    (console, token)
}

#[tokio::test]
async fn a_chat_that_cannot_be_kept_stays_with_the_console_until_there_is_space() {
    let organization = organization().await;
    let program = Program::cloud_settings(organization.description(), |settings| {
        settings.recording.mode = Mode::Automatic;
        settings.recording.action = Action::Contact;
        settings.recording.minimum_messages = 0;
    });
    let (running, first) = program.start(&SERVE).await;
    let (mut console, token) = paired(&first).await;
    let chat = json!({ "id": uuid::Uuid::from_u128(7), "status": "ended", "name": "Dana Nowak", "email": "full@example.org" });
    let event = json!({ "type": "event", "id": "one",
        "event": { "source": "console-app", "kind": "ended", "sentAt": 1, "chat": chat, "visitor": null } });

    limit(&running, "4096");
    console.say(event.clone()).await;
    let refused = console
        .hear(|message| ["error", "ack"].contains(&message["type"].as_str().unwrap()))
        .await
        .unwrap();
    assert_eq!(refused["code"], "disk_full", "{refused}");
    assert_eq!(
        refused.get("id").unwrap_or(&Value::Null),
        &Value::Null,
        "it is not done with"
    );
    assert_eq!(
        console.hear(|_| false).await,
        None,
        "the console comes back"
    );

    // Without a restart.
    limit(&running, "unlimited");
    let mut console = Console::open(first["bridge"].as_str().unwrap()).await;
    console
        .say(json!({ "type": "hello", "protocol": 1, "token": token }))
        .await;
    for _ in 0..2 {
        console.say(event.clone()).await;
        assert_eq!(console.hear_type("ack").await["id"], "one");
    }
    let (status, logs) = running.stop().await;
    assert_eq!(status.code(), Some(0), "{logs}");
    assert!(!logs.contains("Dana") && !logs.contains("full@"), "{logs}");
    program.call(&["--json", "outbox", "drain"]).await.success();
    let list = program.call(&["--json", "outbox", "list"]).await.success();
    assert_eq!(list["entries"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["entries"][0]["outcome"], "done", "{list}");
    let rows = Administrator::of(&organization)
        .rows("contacts", "emailaddress1", "full@example.org", "contactid")
        .await;
    assert_eq!(rows.len(), 1);
    organization.stop().await;
}

#[tokio::test]
async fn a_second_companion_on_the_folder_is_refused_and_commands_share_it() {
    let organization = organization().await;
    let program = Program::cloud(organization.description());
    let (running, _) = program.start(&SERVE).await;
    let arguments = ["--json", "serve", "--listen", "127.0.0.1:0"];
    program.call(&arguments).await.failure("already_running");
    let list = program.call(&["--json", "outbox", "list"]).await.success();
    assert_eq!(list["entries"], json!([]));
    assert_eq!(running.stop().await.0.code(), Some(0));
    let (running, _) = program.start(&SERVE).await;
    assert_eq!(running.stop().await.0.code(), Some(0));
    organization.stop().await;
}

#[tokio::test]
async fn a_damaged_store_is_mended_by_the_next_command_and_never_under_another_one() {
    let organization = organization().await;
    let program = recording(&organization, Mode::Automatic, Action::Contact);
    let file = program.file("event.json", &chat_ended(1, "dana@example.org").to_string());
    let event = ["--json", "event", "--file", text(&file), "--wait"];
    program.call(&event).await.success();
    let list = ["--json", "outbox", "list"];
    let before = program.call(&list).await.success();

    let (running, _) = program.start(&SERVE).await;
    assert!(running.id() > 0);
    let path = store(&program, "");
    let clean = std::fs::read(&path).unwrap();
    let mut damaged = clean.clone();
    // The last page that an index alone stands on.
    let last = damaged.len() - 4000;
    damaged[last] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    program.call(&list).await.failure("store_in_use");
    std::fs::write(&path, &clean).unwrap();
    assert_eq!(running.stop().await.0.code(), Some(0));

    let mut damaged = std::fs::read(&path).unwrap();
    let last = damaged.len() - 4000;
    damaged[last] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let after = program.call(&list).await.success();
    assert_eq!(after, before);
    assert_eq!(
        std::fs::read(store(&program, ".damaged-1")).unwrap(),
        damaged
    );
    organization.stop().await;
}
