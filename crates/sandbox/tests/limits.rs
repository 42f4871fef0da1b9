//! Service-protection limits (protocol page `errors-and-limits.md`), on when the admin door says so.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::Org;
use reqwest::{Method, Response};
use serde_json::{Value, json};

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers()[name].to_str().unwrap()
}

async fn limited(org: &Org, limits: Value) {
    let body = json!({"service_protection": limits});
    org.admin(Method::PATCH, "/settings", body).await;
}

async fn who(org: &Org) -> Response {
    org.get("WhoAmI").send().await.unwrap()
}

/// Waits on the organization's clock.
async fn wait(org: &Org, seconds: i64) {
    let body = json!({"advance_seconds": seconds});
    org.admin(Method::POST, "/clock", body).await;
}

const BURST: &str = "x-ms-ratelimit-burst-remaining-xrm-requests";
const TIME: &str = "x-ms-ratelimit-time-remaining-xrm-requests";

/// The refusal's code and text, and its `Retry-After`.
async fn refusal(response: Response) -> (String, String, i64) {
    assert_eq!(response.status(), 429);
    let retry = header(&response, "retry-after").parse().unwrap();
    assert!(response.headers().contains_key("req_id"));
    let body: Value = response.json().await.unwrap();
    let of = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (of("code"), of("message"), retry)
}

#[tokio::test]
async fn requests_in_a_window() {
    let org = Org::empty().await;
    limited(&org, json!({"requests": 3, "window_seconds": 60})).await;
    for left in ["2", "1", "0"] {
        let response = who(&org).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, BURST), left);
        assert!(
            header(&response, TIME).starts_with("1,19") || header(&response, TIME) == "1,200.00"
        );
        assert!(response.headers().contains_key("x-ms-dop-hint"));
    }
    let (code, text, retry) = refusal(who(&org).await).await;
    assert_eq!(code, "0x80072322");
    assert_eq!(
        text,
        "Number of requests exceeded the limit of 3 over time window of 60 seconds."
    );
    assert!((50..=60).contains(&retry), "{retry}");
    let (_, _, longer) = refusal(who(&org).await).await;
    assert!(longer > retry, "whoever does not wait waits longer");
    // Another user is not concerned.
    let d = org.sandbox.description();
    let token = common::cloud_token(&org.client, d, &d.client_id, &d.client_secret).await;
    let token = common::access_token(token).await;
    let url = format!("{}/WhoAmI", org.base);
    let other = org.client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(other.status(), 200);
    wait(&org, longer).await;
    assert_eq!(who(&org).await.status(), 200);
    limited(&org, json!("off")).await;
    for _ in 0..5 {
        assert_eq!(who(&org).await.status(), 200);
    }
    limited(&org, json!("real")).await;
    assert_eq!(header(&who(&org).await, BURST), "5999");
}

#[tokio::test]
async fn work_in_a_window() {
    let org = Org::empty().await;
    limited(&org, json!({"execution_ms": 30})).await;
    let slow = json!({"path": "WhoAmI", "delay_ms": 40});
    org.admin(Method::PUT, "/latency", slow).await;
    let response = who(&org).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, TIME)),
        (200, "0.00")
    );
    let (code, text, retry) = refusal(who(&org).await).await;
    assert_eq!(code, "0x80072321");
    assert_eq!(
        text,
        "Combined execution time of incoming requests exceeded limit of 30 milliseconds over time window of 300 seconds. \
         Decrease number of concurrent requests or reduce the duration of requests and try again later."
    );
    wait(&org, retry).await;
    assert_eq!(who(&org).await.status(), 200);
}

#[tokio::test]
async fn requests_at_once() {
    let org = Org::empty().await;
    limited(&org, json!({"concurrent": 2})).await;
    let slow = json!({"path": "WhoAmI", "delay_ms": 300});
    org.admin(Method::PUT, "/latency", slow).await;
    let three = tokio::join!(who(&org), who(&org), who(&org));
    let all = [three.0, three.1, three.2];
    let refused: Vec<Response> = all
        .into_iter()
        .filter(|response| response.status() == 429)
        .collect();
    assert_eq!(refused.len(), 1);
    for response in refused {
        let (code, text, _) = refusal(response).await;
        assert_eq!(code, "0x80072326");
        assert_eq!(
            text,
            "Number of concurrent requests exceeded the limit of 2."
        );
    }
    assert_eq!(who(&org).await.status(), 200);
}

#[tokio::test]
async fn each_operation_of_a_batch_counts() {
    let org = Org::empty().await;
    limited(&org, json!({"requests": 10})).await;
    let part = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                GET WhoAmI HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n";
    let batch = || {
        org.request(Method::POST, "$batch")
            .header("content-type", "multipart/mixed; boundary=b")
            .body(format!("{part}{part}{part}{part}--b--\r\n"))
            .send()
    };
    let response = batch().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, BURST)),
        (200, "6")
    );
    // The limit is looked at for the batch as a whole.
    assert_eq!(header(&batch().await.unwrap(), BURST), "2");
    assert_eq!(header(&batch().await.unwrap(), BURST), "0");
    assert_eq!(batch().await.unwrap().status(), 429);
}

#[tokio::test]
async fn on_premises_there_are_none() {
    let org = Org::empty().await;
    limited(&org, json!({"requests": 0})).await;
    assert_eq!(who(&org).await.status(), 429);
    let d = &org.sandbox.description().on_premises;
    let resource = format!("{}/", org.sandbox.description().organization_url);
    let form = [
        ("grant_type", "password"),
        ("client_id", &d.client_id),
        ("client_secret", &d.client_secret),
        ("username", &d.login_email),
        ("password", &d.password),
        ("resource", &resource),
    ];
    let token = org.client.post(&d.authority_url).form(&form).send().await;
    let token = common::access_token(token.unwrap()).await;
    let url = format!("{}/WhoAmI", d.organization_url);
    let response = org.client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().get(BURST).is_none());
}
