//! `companion sandbox`: what other programs connect to.

use ::sandbox::Description;
use serde_json::{Value, json};

use crate::program::{Program, text};

#[tokio::test]
async fn its_first_line_says_how_to_connect_and_sigterm_ends_it() {
    let program = Program::new();
    let arguments = ["sandbox", "--contacts", "20", "--latency", "120"];
    let (mut running, first) = program.start(&arguments).await;
    for key in [
        "/organization_url",
        "/authority_url",
        "/tenant_id",
        "/client_id",
        "/client_secret",
        "/administrator/client_id",
        "/administrator/client_secret",
        "/on_premises/organization_url",
        "/on_premises/authority_url",
        "/on_premises/client_id",
        "/on_premises/client_secret",
        "/on_premises/login_email",
        "/on_premises/password",
    ] {
        let value = first.pointer(key).and_then(Value::as_str);
        assert!(value.is_some_and(|value| !value.is_empty()), "{key}");
    }

    let organization: Description = serde_json::from_value(first).unwrap();
    for client in [
        Program::cloud(&organization),
        Program::on_premises(&organization),
    ] {
        let answer = client
            .recognize(&json!({ "email": "dana.vermeer@example.com" }))
            .await
            .success();
        assert_eq!(answer["contact"]["name"], "Dana Vermeer");
        assert!(
            answer["timings_ms"]["recognition"].as_u64().unwrap() >= 120,
            "{answer}"
        );
    }

    running.tell_to_stop();
    assert_eq!(running.stdout.next_line().await.unwrap(), None);
    let (status, logs) = running.end().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(logs, "");
}

#[tokio::test]
async fn with_tls_it_is_trusted_by_its_own_authority_only() {
    let program = Program::new();
    let folder = program.folder.path().join("certificates");
    let arguments = ["sandbox", "--seed", "empty", "--tls", text(&folder)];
    let (running, first) = program.start(&arguments).await;
    let organization: Description = serde_json::from_value(first).unwrap();
    assert!(organization.organization_url.starts_with("https://"));
    let ca = folder.join("ca.pem");
    assert!(
        std::fs::read_to_string(&ca)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );

    let trusting = Program::cloud_with(&organization, |connection| connection.ca_file = Some(ca));
    trusting.call(&["--json", "doctor"]).await.success();
    let found = Program::cloud(&organization)
        .call(&["--json", "doctor"])
        .await
        .failure("tls_failed");
    assert_eq!(
        found["steps"][2],
        json!({ "step": "tls", "result": "failed" })
    );
    assert_eq!(running.stop().await.0.code(), Some(0));
}

#[tokio::test]
async fn data_in_a_file_are_there_again() {
    let program = Program::new();
    let file = program.folder.path().join("organization.sqlite");
    let arguments = ["sandbox", "--contacts", "20", "--data", text(&file)];
    let (running, _) = program.start(&arguments).await;
    assert_eq!(running.stop().await.0.code(), Some(0));

    // Seeded again, the file would still be empty.
    let again = ["sandbox", "--seed", "empty", "--data", text(&file)];
    let (running, first) = program.start(&again).await;
    let organization: Description = serde_json::from_value(first).unwrap();
    let visitor = json!({ "email": "dana.vermeer@example.com" });
    let answer = Program::cloud(&organization).recognize(&visitor).await;
    assert_eq!(answer.success()["contact"]["name"], "Dana Vermeer");

    let address = organization.organization_url.trim_start_matches("http://");
    let second = program
        .call(&["--json", "sandbox", "--listen", address])
        .await;
    second.failure("sandbox_address_unavailable");
    assert_eq!(running.stop().await.0.code(), Some(0));
    let no_database = program.file("notes.txt", "This is no database at all, only a long text.");
    let refused = program
        .call(&["--json", "sandbox", "--data", text(&no_database)])
        .await;
    refused.failure("sandbox_data_unusable");
    let refused = program
        .call(&["--json", "sandbox", "--tls", text(&no_database)])
        .await;
    refused.failure("sandbox_tls_unusable");
}

#[tokio::test]
async fn a_wrong_call_is_explained_and_ends_with_2() {
    let program = Program::new();
    for arguments in [
        &[] as &[&str],
        &["--json"],
        &["dance"],
        &["sandbox", "--listen", "here"],
        &["sandbox", "--seed", "other"],
        &["recognize"],
        &["settings"],
        &["doctor", "--loudly"],
    ] {
        let outcome = program.call(arguments).await;
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(
            outcome.stderr.contains("--help") || outcome.stderr.contains("Usage:"),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn more_contacts_than_it_can_make_are_refused() {
    let outcome = Program::new()
        .call(&["sandbox", "--contacts", "1000001"])
        .await;
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("1000001"), "{outcome:?}");
}
