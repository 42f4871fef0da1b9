//! What a client that writes must be tried with: connections that break before and after the commit, answers that come too
//! late, refusals, in requests, in change sets and at one operation of a batch; and plans of them that a seed repeats.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use std::time::Duration;

use common::Org;
use common::multipart::{batch, change_set, part, send, write};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const CONTACT: &str = "0c000000-0000-4000-8000-00000000000";
const TASK: &str = "7a000000-0000-4000-8000-00000000000";

/// A change set of a contact and a task about it, both under ids that the client chose.
fn recording(n: u8) -> String {
    let create = |id: &str, line: String, body: Value| {
        part(
            Some(id),
            &line,
            "Content-Type: application/json\r\nIf-None-Match: *\r\n",
            &body.to_string(),
        )
    };
    change_set(&[
        create(
            "1",
            format!("PATCH contacts({CONTACT}{n})"),
            json!({"lastname": format!("Person {n}")}),
        ),
        create(
            "2",
            format!("PATCH tasks({TASK}{n})"),
            json!({
                "subject": format!("Call {n}"),
                "regardingobjectid_contact_task@odata.bind": "$1",
            }),
        ),
    ])
}

async fn exists(org: &Org, path: &str) -> bool {
    let status = org.get(path).send().await.unwrap().status();
    assert!(
        status == StatusCode::OK || status == StatusCode::NOT_FOUND,
        "{status}"
    );
    status == StatusCode::OK
}

/// The recorded pair `n`: both, none, or (never right) one.
async fn recorded(org: &Org, n: u8) -> (bool, bool) {
    (
        exists(org, &format!("contacts({CONTACT}{n})")).await,
        exists(org, &format!("tasks({TASK}{n})")).await,
    )
}

async fn plan(org: &Org, plan: Value) {
    org.admin(Method::POST, "/faults", plan).await;
}

async fn sent(org: &Org, parts: &[String]) -> Result<StatusCode, reqwest::Error> {
    let response = org
        .request(Method::POST, "$batch")
        .header("content-type", "multipart/mixed; boundary=b1")
        .body(batch(parts))
        .send()
        .await?;
    let status = response.status();
    response.text().await?;
    Ok(status)
}

#[tokio::test]
async fn a_single_write_happens_or_not_as_ordered() {
    let org = Org::empty().await;
    let path = format!("contacts({CONTACT}0)");
    let write = || {
        org.patch(&path, json!({"lastname": "Ada"}))
            .header("if-none-match", "*")
            .send()
    };
    plan(
        &org,
        json!({"fault": "reset_before_commit", "method": "PATCH"}),
    )
    .await;
    assert!(write().await.is_err());
    assert!(!exists(&org, &path).await);

    plan(
        &org,
        json!({"fault": "reset_after_commit", "method": "PATCH"}),
    )
    .await;
    assert!(write().await.is_err());
    assert!(exists(&org, &path).await);
    assert_eq!(write().await.unwrap().status(), 412, "it is there already");

    for (fault, status) in [
        ("too_many_requests", 429),
        ("server_error", 500),
        ("unavailable", 503),
        ("precondition_failed", 412),
        ("unauthorized", 401),
    ] {
        plan(&org, json!({"fault": fault, "method": "DELETE"})).await;
        assert_eq!(org.delete(&path).send().await.unwrap().status(), status);
        assert!(exists(&org, &path).await, "{fault}");
    }
}

#[tokio::test]
async fn a_change_set_is_there_whole_or_not_at_all() {
    let org = Org::empty().await;
    let whole = (true, true);
    let none = (false, false);
    let operation = |fault, path| json!({"fault": fault, "path": path, "only": "operations"});
    for (n, order, after) in [
        (0, json!({"fault": "reset_before_commit"}), none),
        (1, json!({"fault": "reset_after_commit"}), whole),
        (2, operation("reset_before_commit", "contacts"), none),
        (3, operation("reset_before_commit", "tasks"), none),
        (4, operation("reset_after_commit", "contacts"), whole),
        (5, operation("reset_after_commit", "tasks"), whole),
    ] {
        plan(&org, order.clone()).await;
        sent(&org, &[recording(n)]).await.unwrap_err();
        assert_eq!(recorded(&org, n).await, after, "{order}");
    }
    for (n, fault, status) in [
        (6, "too_many_requests", 429),
        (7, "server_error", 500),
        (8, "unavailable", 503),
        (9, "precondition_failed", 412),
    ] {
        plan(&org, operation(fault, "tasks")).await;
        let answer = send(&org, "b1", batch(&[recording(n)]), "").await;
        assert_eq!((answer.status, answer.statuses()), (status, vec![status]));
        assert_eq!(recorded(&org, n).await, none, "{fault}");
        if [429, 503].contains(&status) {
            assert!(answer.body.contains("\r\nRetry-After: 1\r\n"));
        }
    }
    assert_eq!(org.admin_get("/faults").await, json!([]), "all were met");
}

#[tokio::test]
async fn a_batch_breaks_off_between_its_parts() {
    let org = Org::empty().await;
    let second = format!("tasks({TASK}2)");
    for (fault, kept) in [
        ("reset_before_commit", (false, false)),
        ("reset_after_commit", (true, true)),
    ] {
        plan(&org, json!({"fault": fault, "path": second})).await;
        let parts = [recording(1), recording(2), recording(3)];
        sent(&org, &parts).await.unwrap_err();
        assert_eq!(recorded(&org, 1).await, (true, true), "{fault}");
        assert_eq!(recorded(&org, 2).await, kept, "{fault}");
        assert_eq!(recorded(&org, 3).await, (false, false), "{fault}");
        org.delete(&format!("contacts({CONTACT}1)"))
            .send()
            .await
            .unwrap();
    }

    // The same without change sets, by what an operation holds.
    let singles = |fault: &str| {
        let names = ["one", "two", "three"];
        names.map(|name| {
            write(
                "1",
                "POST leads",
                json!({"lastname": format!("{fault} {name}")}),
            )
        })
    };
    for (fault, kept) in [
        ("reset_before_commit", vec!["one"]),
        ("reset_after_commit", vec!["one", "two"]),
    ] {
        plan(
            &org,
            json!({"fault": fault, "content": format!("{fault} two"), "only": "operations"}),
        )
        .await;
        sent(&org, &singles(fault)).await.unwrap_err();
        let filter = format!("startswith(lastname, '{fault}')");
        let mut kept: Vec<String> = kept.iter().map(|name| format!("{fault} {name}")).collect();
        kept.sort();
        assert_eq!(org.names("leads", "lastname", &filter).await, kept);
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_belongs_to_work_that_is_done() {
    let org = Org::empty().await;
    let path = |n| format!("contacts({CONTACT}{n})");
    let impatient = |n| {
        org.patch(&path(n), json!({"lastname": "Ada"}))
            .timeout(Duration::from_millis(150))
            .send()
    };

    // Held: the work is done when the client gives up.
    plan(
        &org,
        json!({"fault": "held", "method": "PATCH", "delay_ms": 600_000}),
    )
    .await;
    assert!(impatient(1).await.unwrap_err().is_timeout());
    assert!(exists(&org, &path(1)).await);

    // Slow: the work is done after the client has given up.
    plan(
        &org,
        json!({"fault": "slow", "method": "PATCH", "delay_ms": 1000}),
    )
    .await;
    assert!(impatient(2).await.unwrap_err().is_timeout());
    assert!(!exists(&org, &path(2)).await);
    let done = async {
        loop {
            let log = org.admin_get("/requests").await;
            let slow = log
                .as_array()
                .unwrap()
                .iter()
                .find(|e| e["fault"] == "slow");
            if slow.is_some_and(|entry| entry["status"] == 204) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done)
        .await
        .unwrap();
    assert!(exists(&org, &path(2)).await);
}

#[tokio::test]
async fn faults_are_aimed_and_the_log_tells_them() {
    let org = Org::empty().await;
    let create = async |name: &str| {
        let response = org.post("contacts", json!({"lastname": name})).send().await;
        response.unwrap().status().as_u16()
    };
    plan(
        &org,
        json!({"fault": "server_error", "path": "/contacts", "content": "Ada", "skip": 1, "times": 2}),
    )
    .await;
    org.admin(Method::DELETE, "/requests", json!(null)).await;
    let mut statuses = Vec::new();
    for name in ["Ada 1", "Bob", "Ada 2", "Bob", "Ada 3", "Ada 4"] {
        statuses.push(create(name).await);
    }
    assert_eq!(statuses, [204, 204, 500, 204, 500, 204]);

    // A batch is one request, whatever it holds; what hit an operation stands at the operation.
    plan(
        &org,
        json!({"fault": "reset_after_commit", "path": "contacts"}),
    )
    .await;
    let body = [
        write("1", "POST leads", json!({"lastname": "x"})),
        write("2", "POST contacts", json!({"lastname": "y"})),
        write("3", "POST leads", json!({"lastname": "z"})),
    ];
    sent(&org, &body).await.unwrap_err();
    let log = org.admin_get("/requests").await;
    let log = log.as_array().unwrap();
    assert_eq!(log.len(), 7);
    assert_eq!(
        (&log[2]["fault"], &log[2]["status"]),
        (&json!("server_error"), &json!(500))
    );
    assert_eq!(log[1].get("fault"), None);
    assert_eq!(log[6]["path"], "/api/data/v9.2/$batch");
    assert_eq!(log[6]["status"], Value::Null);
    assert_eq!(
        log[6]["operations"],
        json!([
            {"method": "POST", "path": "leads", "status": 204},
            {"method": "POST", "path": "contacts", "status": 204, "fault": "reset_after_commit"},
        ])
    );

    let url = format!("{}/faults", org.sandbox.description().admin_url);
    let unclear = org.client.post(url).json(&json!({"seed": 1}));
    let response = unclear.send().await.unwrap();
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert!(body["error"].as_str().unwrap().contains("'rates'"));
}

/// Sends recordings under drawn faults, each again and again until it is there. Returns what was injected.
async fn through_a_storm(seed: u64) -> Vec<Value> {
    let org = Org::empty().await;
    let rates = json!({
        "reset_before": 0.12, "reset_after": 0.12, "too_many_requests": 0.1, "server_error": 0.1,
        "unavailable": 0.05, "truncated_body": 0.05,
    });
    plan(
        &org,
        json!({"seed": seed, "rates": rates, "path": "$batch"}),
    )
    .await;
    let rates = json!({"reset_before_commit": 0.1, "reset_after_commit": 0.1, "server_error": 0.1});
    plan(
        &org,
        json!({"seed": seed, "rates": rates, "only": "operations"}),
    )
    .await;
    for n in 0..10 {
        let mut tries = 0;
        // 412: an earlier try has done it.
        while !matches!(sent(&org, &[recording(n)]).await, Ok(status) if [200, 412].contains(&status.as_u16()))
        {
            tries += 1;
            assert!(tries < 100, "seed {seed}: recording {n} never came through");
        }
    }
    org.admin(Method::DELETE, "/faults", json!(null)).await;
    let log = org.admin_get("/requests").await;
    for n in 0..10 {
        assert_eq!(recorded(&org, n).await, (true, true), "seed {seed}");
    }
    for set in ["contacts", "tasks"] {
        let count = org.read(&format!("{set}?$count=true")).await;
        assert_eq!(count["@odata.count"], 10, "seed {seed}");
    }
    let injected = log.as_array().unwrap().iter().flat_map(|entry| {
        let operations = entry["operations"].as_array().cloned().unwrap_or_default();
        let mut faults = vec![entry["fault"].clone()];
        faults.extend(
            operations
                .iter()
                .map(|operation| operation["fault"].clone()),
        );
        faults
    });
    injected.collect()
}

#[tokio::test]
async fn a_seed_repeats_its_storm() {
    let mut storms = Vec::new();
    for seed in [1, 2, 3] {
        let storm = through_a_storm(seed).await;
        assert_eq!(storm, through_a_storm(seed).await, "seed {seed}");
        let hits = storm.iter().filter(|fault| !fault.is_null()).count();
        assert!(hits > 3, "seed {seed}: {hits} faults");
        storms.push(storm);
    }
    assert_ne!(storms[0], storms[1]);
}
