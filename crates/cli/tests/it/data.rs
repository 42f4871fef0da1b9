//! `companion forget`, `companion wipe`, `companion recovery`.

use integration::recording::{Action, Mode};
use serde_json::json;

use crate::program::{Program, organization, text};
use crate::recording::{chat_ended, recording};

const EMAIL: &str = "dana.nowak@example.com";
const PASSPHRASE: &str = "five words that nobody knows\n";

#[tokio::test]
async fn a_person_is_forgotten_with_a_receipt_and_the_rest_is_removed_when_told_to() {
    let organization = organization().await;
    let program = recording(&organization, Mode::Automatic, Action::Contact);
    let chat = program.file("chat.json", &chat_ended(1, EMAIL).to_string());
    let event = ["--json", "event", "--wait", "--file", text(&chat)];
    program.call(&event).await.success();

    let forget = ["--json", "forget", "--email", "DANA.Nowak@example.com"];
    let preview = program.call(&[&forget[..], &["--dry-run"]].concat()).await;
    let would = &preview.success()["would_erase"];
    assert_eq!(would["entries"], 1, "{would}");
    let receipt = program.call(&forget).await.success();
    let receipt = &receipt["receipt"];
    assert_eq!(receipt["erased"]["entries"], 1, "{receipt}");
    assert_eq!(receipt["told_by"], "email");
    assert_eq!(receipt["digest"].as_str().unwrap().len(), 64);
    assert!(!receipt.to_string().to_lowercase().contains("nowak"));
    let entries = program.call(&["--json", "outbox", "list"]).await.success();
    assert_eq!(entries, json!({ "entries": [] }));
    let lines = program
        .call(&["--json", "activity", "list"])
        .await
        .success();
    assert_eq!(lines["lines"][0]["what"], "forgotten");
    assert_eq!(lines["lines"].as_array().unwrap().len(), 1);

    for (wrong, code) in [
        (["--email", "nobody"], "email_malformed"),
        (["--phone", "12"], "phone_malformed"),
    ] {
        let call = [&["--json", "forget"][..], &wrong[..]].concat();
        program.call(&call).await.failure(code);
    }
    let both = ["forget", "--email", EMAIL, "--phone", "+442079460018"];
    for wrong in [
        &["forget"][..],
        &both[..],
        &["wipe", "--yes", "--discard-unsent"][..],
    ] {
        assert_eq!(program.call(wrong).await.code, Some(2), "{wrong:?}");
    }

    let wipe = ["--json", "wipe", "--store"];
    program.call(&wipe).await.failure("wipe_unconfirmed");
    let removed = program
        .call(&[&wipe[..], &["--yes"]].concat())
        .await
        .success();
    assert_eq!(removed["removed"]["lines"], 1, "{removed}");
    let lines = program
        .call(&["--json", "activity", "list"])
        .await
        .success();
    assert_eq!(lines["lines"], json!([]));
}

#[tokio::test]
async fn a_recovery_file_is_made_from_a_passphrase_on_standard_input() {
    let program = Program::new();
    let file = program.folder.path().join("recovery.json");
    let make = ["--json", "recovery", "make", text(&file)];
    program
        .call_with(&make, "short\n")
        .await
        .failure("recovery_passphrase_short");
    assert!(!file.exists());
    let made = program.call_with(&make, PASSPHRASE).await.success();
    assert_eq!(made["made"], text(&file));
    program
        .call_with(&make, PASSPHRASE)
        .await
        .failure("recovery_file_exists");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.contains(&"5a".repeat(32)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let used = ["--json", "recovery", "use", text(&file)];
    program
        .call_with(&used, PASSPHRASE)
        .await
        .failure("recovery_nothing_lost");
    // A store that was set aside, and what is no recovery file.
    std::fs::write(program.folder.path().join("data/store.sqlite.lost-1"), "x").unwrap();
    let other = program.file("other.json", "{}");
    let used = ["--json", "recovery", "use", text(&other)];
    program
        .call_with(&used, PASSPHRASE)
        .await
        .failure("recovery_file_unknown");
}
