//! How fast the copies of a whole organization come, and how much memory that takes, with more and more contacts; beside it
//! the same requests once more, by a client that throws their answers away.
//!
//! `cargo bench -p cli` asks organizations of 10,000 and of 200,000 contacts; `cargo bench -p cli -- 1000 50000` others. A
//! measuring loop of its own: it is the program itself that is measured, in a process of its own.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it finds and ends where it cannot go on"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use backend::Settings;
use nix::sys::resource::{UsageWho, getrusage};
use reqwest::Client;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// As the synchroniser asks.
const PREFER: &str = "odata.track-changes,odata.maxpagesize=1000,odata.include-annotations=\"*\"";

/// Before a folder, for the process that watches one call.
const WATCH: &str = "--watch";
/// The file's name in the folder.
const SETTINGS: &str = "settings.toml";

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // `cargo test --benches` only wants to know that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    // The system counts the memory of a process from where it branched off, so that this one, with a whole organization in
    // it, must not start the program itself.
    if let Some(call) = std::env::args()
        .skip_while(|argument| argument != WATCH)
        .nth(1)
    {
        watch(&call);
        return;
    }
    let mut sizes: Vec<usize> = std::env::args()
        .filter_map(|size| size.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 200_000];
    }
    println!("\nThe first synchronisation of a whole organization\n");
    println!(
        "| contacts | copies | seconds | copies a second | the same requests alone | times these | peak memory |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for contacts in sizes {
        organization_of(contacts).await;
    }
}

async fn organization_of(contacts: usize) {
    let options = Options {
        contacts,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (connection, _) = practice::connection(sandbox.description());
    let mut settings = Settings {
        connection,
        ..Settings::default()
    };
    settings.offline.contact.changed_within_days = Some(0);
    let file = folder.path().join(SETTINGS);
    std::fs::write(file, settings.to_toml().unwrap()).unwrap();

    let mut watched = Command::new(std::env::current_exe().unwrap());
    watched
        .args(["--bench", WATCH])
        .arg(folder.path())
        .env("COMPANION_STORE_KEY", "5a".repeat(32))
        .env(
            "COMPANION_CLIENT_SECRET",
            &sandbox.description().client_secret,
        )
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || watched.output().unwrap());
    let output = output.await.unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tables = document["said"]["tables"].as_array().unwrap();
    let copies: u64 = tables
        .iter()
        .map(|table| table["copies"].as_u64().unwrap())
        .sum();
    assert!(copies >= u64::try_from(contacts).unwrap(), "{document}");
    let seconds = document["seconds"].as_f64().unwrap();

    let alone = requests_alone(&sandbox).await;
    println!(
        "| {contacts} | {copies} | {seconds:.1} | {:.0} | {:.1} s | {:.2} | {} MB |",
        f64::from(u32::try_from(copies).unwrap()) / seconds,
        alone.as_secs_f64(),
        seconds / alone.as_secs_f64(),
        document["kib"].as_i64().unwrap() / 1024,
    );
    sandbox.stop().await;
}

/// Calls the program and prints what it said, how long it took and how much memory it had at most.
fn watch(folder: &str) {
    let folder = Path::new(folder);
    let mut companion = Command::new(env!("CARGO_BIN_EXE_companion"));
    companion
        .arg("--settings")
        .arg(folder.join(SETTINGS))
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(["--json", "sync"])
        .stderr(Stdio::null());
    let begun = Instant::now();
    let output = companion.output().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let kib = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    println!(
        "{}",
        json!({ "said": said, "seconds": seconds, "kib": kib })
    );
}

/// How long the pages that were read take when nothing is done with them.
async fn requests_alone(sandbox: &Sandbox) -> Duration {
    let client = Client::new();
    let organization = sandbox.description();
    let log = format!("{}/requests", organization.admin_url);
    let answer = client.get(log).send().await.unwrap();
    let requests: Vec<Value> = answer.json().await.unwrap();
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", organization.client_id.clone()),
        ("client_secret", organization.client_secret.clone()),
        (
            "scope",
            format!("{}/.default", organization.organization_url),
        ),
    ];
    let address = format!(
        "{}/{}/oauth2/v2.0/token",
        organization.authority_url, organization.tenant_id
    );
    let answer = client.post(address).form(&form).send().await.unwrap();
    let token: Value = answer.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();

    let begun = Instant::now();
    for request in requests
        .iter()
        .filter(|request| request["method"] == "GET" && request["entity_set"].is_string())
    {
        let address = format!(
            "{}{}?{}",
            organization.organization_url,
            request["path"].as_str().unwrap(),
            request["query"].as_str().unwrap()
        );
        let answer = client
            .get(address)
            .bearer_auth(token)
            .header("Prefer", PREFER)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.bytes().await.unwrap();
    }
    begun.elapsed()
}
