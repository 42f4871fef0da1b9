//! Injected faults, latency, the request log, https, and a file that outlives the process.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Org, access_token, cloud_token};
use reqwest::Method;
use sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};

#[tokio::test]
async fn every_fault_in_turn() {
    let org = Org::empty().await;
    let read = async || org.get("contacts?$top=1").send().await;

    org.fault("too_many_requests", "contacts").await;
    let response = read().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "7")
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "0x80072322");
    assert_eq!(read().await.unwrap().status(), 200, "one request only");

    org.fault("server_error", "contacts").await;
    let body: Value = read().await.unwrap().json().await.unwrap();
    assert_eq!(body["error"]["code"], "0x80040216");

    org.fault("unavailable", "contacts").await;
    let response = read().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["retry-after"].to_str().unwrap()
        ),
        (503, "7")
    );
    assert!(response.text().await.unwrap().contains("<html>"));

    org.fault("wrong_json", "contacts").await;
    let text = read().await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err());

    org.fault("html_page", "contacts").await;
    let response = read().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["content-type"].to_str().unwrap()
        ),
        (200, "text/html; charset=utf-8")
    );

    org.fault("unauthorized", "contacts").await;
    assert_eq!(read().await.unwrap().status(), 401);

    org.fault("truncated_body", "contacts").await;
    let response = read().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response.text().await.is_err(),
        "the body ends before its length"
    );

    org.fault("reset_before_commit", "contacts").await;
    assert!(
        org.post("contacts", json!({"lastname": "lost"}))
            .send()
            .await
            .is_err()
    );
    assert_eq!(org.read("contacts?$count=true").await["@odata.count"], 0);

    org.admin(
        Method::POST,
        "/faults",
        json!({"fault": "reset_after_commit", "method": "POST"}),
    )
    .await;
    assert_eq!(read().await.unwrap().status(), 200, "a GET is not hit");
    assert!(
        org.post("contacts", json!({"lastname": "kept"}))
            .send()
            .await
            .is_err()
    );
    assert_eq!(org.read("contacts?$count=true").await["@odata.count"], 1);

    org.admin(
        Method::POST,
        "/faults",
        json!({"fault": "slow", "path": "contacts", "delay_ms": 60}),
    )
    .await;
    let start = Instant::now();
    assert_eq!(read().await.unwrap().status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(60));

    org.admin(
        Method::POST,
        "/faults",
        json!({"fault": "server_error", "times": 3}),
    )
    .await;
    assert_eq!(org.admin_get("/faults").await[0]["times"], 3);
    org.admin(Method::DELETE, "/faults", json!(null)).await;
    assert_eq!(read().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_fault_at_the_token_endpoint() {
    let org = Org::empty().await;
    org.fault("server_error", "oauth2/v2.0/token").await;
    let d = org.sandbox.description();
    assert_eq!(
        cloud_token(&org.client, d, &d.client_id, &d.client_secret)
            .await
            .status(),
        500
    );
    assert_eq!(
        cloud_token(&org.client, d, &d.client_id, &d.client_secret)
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn the_log_tells_parallel_requests_from_a_chain() {
    let options = Options {
        seed: Seed::Empty,
        latency: Duration::from_millis(50),
        ..Options::default()
    };
    let org = Org::start(options, true).await;
    org.admin(Method::DELETE, "/requests", json!(null)).await;
    tokio::join!(
        org.read("contacts"),
        org.read("accounts?$top=1"),
        org.read("leads")
    );
    org.read("WhoAmI").await;
    let log = org.admin_get("/requests").await;
    let log = log.as_array().unwrap();
    assert_eq!(log.len(), 4);
    let tick = |entry: &Value, name: &str| entry[name].as_u64().unwrap();
    let (parallel, last) = log.split_at(3);
    let first_end = parallel
        .iter()
        .map(|entry| tick(entry, "ended"))
        .min()
        .unwrap();
    assert!(
        parallel
            .iter()
            .all(|entry| tick(entry, "started") < first_end),
        "none waited for another: {parallel:?}"
    );
    assert!(
        parallel
            .iter()
            .all(|entry| tick(entry, "ended") < tick(&last[0], "started")),
        "the last waited for all"
    );
    let accounts = log
        .iter()
        .find(|entry| entry["entity_set"] == "accounts")
        .unwrap();
    assert_eq!(accounts["path"], "/api/data/v9.2/accounts");
    assert_eq!(
        (&accounts["method"], &accounts["query"], &accounts["status"]),
        (&json!("GET"), &json!("$top=1"), &json!(200))
    );
    assert_eq!(last[0]["entity_set"], Value::Null);

    // Latency by path
    org.admin(
        Method::PUT,
        "/latency",
        json!([{"path": "leads", "delay_ms": 80}, {"delay_ms": 0}]),
    )
    .await;
    let start = Instant::now();
    org.read("leads").await;
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn https_under_its_own_authority() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        seed: Seed::Empty,
        tls: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let d = sandbox.description();
    assert!(d.organization_url.starts_with("https://127.0.0.1:"));
    let pem = std::fs::read(directory.path().join("ca.pem")).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([certificate])
        .build()
        .unwrap();
    let token = access_token(cloud_token(&client, d, &d.client_id, &d.client_secret).await).await;
    let port = d.organization_url.rsplit_once(':').unwrap().1;
    let base = format!("https://localhost:{port}/api/data/v9.2");
    let who = client
        .get(format!("{base}/WhoAmI"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    let body: Value = who.json().await.unwrap();
    assert!(
        body["@odata.context"].as_str().unwrap().starts_with(&base),
        "URLs follow the client's own address"
    );
    assert!(
        common::http().get(&base).send().await.is_err(),
        "nobody else trusts it"
    );
}

#[tokio::test]
async fn data_in_a_file_outlives_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("practice.db");
    let options = || Options {
        data: Some(file.clone()),
        seed: Seed::Empty,
        ..Options::default()
    };
    let org = Org::start(options(), true).await;
    let id = org.create("contacts", json!({"lastname": "Ñandú"})).await;
    let version = org.read(&format!("contacts({id})")).await["versionnumber"]
        .as_i64()
        .unwrap();
    let secret = org.sandbox.description().client_secret.clone();
    org.sandbox.stop().await;

    let org = Org::start(options(), true).await;
    assert_ne!(
        org.sandbox.description().client_secret,
        secret,
        "secrets are new"
    );
    assert_eq!(
        org.names("contacts", "lastname", "lastname eq 'ñANDÚ'")
            .await,
        ["Ñandú"]
    );
    org.create("contacts", json!({"lastname": "y"})).await;
    let newest = org
        .read("contacts?$orderby=versionnumber desc&$top=1")
        .await;
    assert!(
        newest["value"][0]["versionnumber"].as_i64().unwrap() > version,
        "versions go on rising"
    );
    assert!(!format!("{:?}", org.sandbox).contains(&org.sandbox.description().client_secret));
}

#[tokio::test]
async fn an_address_in_use_is_an_error_with_a_code() {
    let first = Sandbox::start(Options {
        seed: Seed::Empty,
        ..Options::default()
    })
    .await
    .unwrap();
    let address = first
        .description()
        .organization_url
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let error = Sandbox::start(Options {
        listen: address,
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert_eq!(error.code(), "sandbox_address_unavailable");
}
