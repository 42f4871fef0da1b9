//! Sign-in in the cloud and on-premises: what is asked, what every refusal means, and one renewal for all.

use crate::common::*;
use dataverse::{Client, Connection, Endpoint, Error, Query, RetryPolicy, SignIn};
use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

#[tokio::test]
async fn cloud_asks_the_tenant_for_the_organizations_scope() {
    let server = organization("WhoAmI", who_am_i()).await;
    let who = client(&server).who_am_i().await.unwrap();
    assert_eq!(
        who.user_id.to_string(),
        "7c2d0000-0000-0000-0000-000000000002"
    );
    assert_eq!(
        who.business_unit_id.to_string(),
        "5a8b0000-0000-0000-0000-000000000001"
    );
    assert_eq!(
        who.organization_id.to_string(),
        "e1f00000-0000-0000-0000-000000000003"
    );

    let requests = server.received_requests().await.unwrap();
    let fields = form(&requests[0]);
    let field = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    assert_eq!(field("grant_type"), Some("client_credentials"));
    assert_eq!(field("client_secret"), Some(SECRET));
    assert_eq!(
        field("scope"),
        Some(format!("{}/.default", server.uri()).as_str())
    );
    assert_eq!(
        requests[1].headers.get("authorization").unwrap(),
        "Bearer token-1"
    );
    assert_eq!(requests[1].headers.get("odata-version").unwrap(), "4.0");
    assert_eq!(requests[1].headers.get("odata-maxversion").unwrap(), "4.0");
    assert_eq!(
        requests[1].headers.get("accept").unwrap(),
        "application/json"
    );
}

#[tokio::test]
async fn every_refusal_of_entra_has_its_own_meaning() {
    let table = [
        (401, "invalid_client", 7_000_215, "sign_in_wrong_secret"),
        (401, "invalid_client", 7_000_222, "sign_in_secret_expired"),
        (
            400,
            "unauthorized_client",
            700_016,
            "sign_in_unknown_application",
        ),
        (400, "invalid_request", 90_002, "sign_in_unknown_tenant"),
        (400, "invalid_request", 900_023, "sign_in_unknown_tenant"),
        (
            400,
            "invalid_resource",
            500_011,
            "sign_in_wrong_organization",
        ),
        (400, "invalid_scope", 70_011, "sign_in_wrong_organization"),
        (400, "invalid_scope", 1_002_012, "sign_in_refused"),
        (400, "invalid_grant", 65_001, "sign_in_consent_required"),
        (
            400,
            "invalid_grant",
            50_076,
            "sign_in_second_factor_required",
        ),
        (
            400,
            "interaction_required",
            50_079,
            "sign_in_second_factor_required",
        ),
        (400, "invalid_grant", 53_003, "sign_in_blocked_by_policy"),
        (400, "invalid_grant", 50_126, "sign_in_wrong_password"),
        (400, "invalid_grant", 50_034, "sign_in_wrong_password"),
        (400, "invalid_grant", 70_008, "sign_in_expired"),
        (400, "invalid_grant", 700_082, "sign_in_expired"),
        (400, "invalid_grant", 70_043, "sign_in_expired"),
        (401, "invalid_client", 7_000_218, "sign_in_wrong_secret"),
        (401, "invalid_client", 700_025, "sign_in_secret_not_allowed"),
        (400, "invalid_request", 50_011, "sign_in_wrong_redirect"),
        (400, "invalid_grant", 50_105, "sign_in_not_permitted"),
        (
            401,
            "unauthorized_client",
            7_000_229,
            "sign_in_unknown_application",
        ),
    ];
    for (status, name, number, code) in table {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(entra_error(status, name, number))
            .mount(&server)
            .await;
        let error = client(&server).sign_in().await.unwrap_err();
        assert_eq!(error.code(), code, "AADSTS{number}");
        assert!(error.is_sign_in() && !error.is_offline());
        assert_eq!(
            error.answer().unwrap().code(),
            Some(format!("AADSTS{number}").as_str())
        );
        assert_eq!(
            error.request_id(),
            Some("cccc0000-0000-0000-0000-000000000000")
        );
        assert_eq!(
            (error.dataverse_code(), error.endpoint()),
            (None, Some(Endpoint::SignInService))
        );
        assert!(!error.message().is_empty() && !error.next_step().is_empty());
        assert!(!format!("{error} {error:?} {}", error.message()).contains(LOGIN));
    }
}

#[tokio::test]
async fn every_refusal_of_ad_fs_has_its_own_meaning() {
    let table = [
        (
            adfs_error(
                "invalid_client",
                "MSIS9607: The 'client_id' parameter in the request is invalid.",
            ),
            "sign_in_unknown_application",
        ),
        (
            adfs_error("invalid_client", "MSIS9622: Client authentication failed."),
            "sign_in_wrong_secret",
        ),
        (
            adfs_error(
                "invalid_grant",
                "MSIS9659: Invalid 'username' or 'password'.",
            ),
            "sign_in_wrong_password",
        ),
        (
            adfs_error(
                "invalid_resource",
                "MSIS9602: The received 'resource' parameter is invalid.",
            ),
            "sign_in_wrong_organization",
        ),
        (
            adfs_error(
                "unauthorized_client",
                "MSIS9605: The client is not allowed to access the resource.",
            ),
            "sign_in_not_permitted",
        ),
        (
            adfs_error("invalid_grant", "MSIS9611: The client is not granted."),
            "sign_in_not_permitted",
        ),
        (
            adfs_error("server_error", "Something without a number"),
            "sign_in_refused",
        ),
        (ResponseTemplate::new(404), "sign_in_wrong_authority"),
        (
            ResponseTemplate::new(200).set_body_raw("<html>Welcome</html>", "text/html"),
            "sign_in_wrong_authority",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({"hello": "world"})),
            "sign_in_wrong_authority",
        ),
        (
            ResponseTemplate::new(200)
                .set_body_json(json!({"access_token": "t", "token_type": "pop"})),
            "sign_in_wrong_authority",
        ),
        (
            ResponseTemplate::new(302).insert_header("Location", "https://elsewhere.example/"),
            "sign_in_wrong_authority",
        ),
        (ResponseTemplate::new(500), "sign_in_unavailable"),
        (
            ResponseTemplate::new(503).insert_header("Retry-After", "120"),
            "sign_in_unavailable",
        ),
    ];
    for (template, code) in table {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(template)
            .mount(&server)
            .await;
        let client = Client::with_retry_policy(on_premises(&server), quick()).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert_eq!(error.is_offline(), code == "sign_in_unavailable");
    }
}

#[tokio::test]
async fn on_premises_signs_in_with_login_and_password_and_keeps_the_organizations_path() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/adfs/oauth2/token"))
        .and(Field("grant_type", "password".to_owned()))
        .and(Field("username", LOGIN.to_owned()))
        .and(Field("password", PASSWORD.to_owned()))
        .and(Field("resource", format!("{}/contoso/", server.uri())))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "access_token": "adfs-token", "token_type": "bearer", "expires_in": "3600",
            "resource": "https://crm.example.com/", "refresh_token": "r", "refresh_token_expires_in": 28799,
            "scope": "openid", "id_token": "i",
        })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/contoso/api/data/v9.1/WhoAmI"))
        .and(Bearer("adfs-token"))
        .respond_with(who_am_i())
        .expect(2)
        .mount(&server)
        .await;
    let client = Client::new(on_premises(&server)).unwrap();
    client.who_am_i().await.unwrap();
    client.who_am_i().await.unwrap();
}

#[tokio::test]
async fn ad_fs_learns_the_resource_from_the_organization_when_it_does_not_know_ours() {
    let server = MockServer::start().await;
    let theirs = "https://auth.contoso.example/";
    Mock::given(method("POST"))
        .and(Field("resource", theirs.to_owned()))
        .respond_with(Tokens::lasting(3600))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(Field("resource", format!("{}/contoso/", server.uri())))
        .respond_with(adfs_error(
            "invalid_resource",
            "MSIS9602: The received 'resource' parameter is invalid.",
        ))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(Bearer("token-1"))
        .respond_with(who_am_i())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(unauthorized("common", theirs))
        .expect(1)
        .mount(&server)
        .await;
    Client::with_retry_policy(on_premises(&server), quick())
        .unwrap()
        .who_am_i()
        .await
        .unwrap();
}

#[tokio::test]
async fn ad_fs_learns_the_resource_when_the_organization_refuses_the_token() {
    let server = MockServer::start().await;
    let theirs = "https://auth.contoso.example/";
    Mock::given(method("POST"))
        .and(Field("resource", theirs.to_owned()))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"access_token": "good", "expires_in": 3600})),
        )
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(Tokens::lasting(3600))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(Bearer("good"))
        .respond_with(who_am_i())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(unauthorized("common", theirs))
        .expect(1)
        .mount(&server)
        .await;
    Client::with_retry_policy(on_premises(&server), quick())
        .unwrap()
        .who_am_i()
        .await
        .unwrap();
}

#[tokio::test]
async fn fifty_waiting_requests_share_one_sign_in() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200)
        .set_body_json(json!({"access_token": "shared", "expires_in": 3599}))
        .set_delay(Duration::from_millis(100));
    Mock::given(method("POST"))
        .respond_with(slow)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(Bearer("shared"))
        .respond_with(who_am_i())
        .expect(50)
        .mount(&server)
        .await;
    let client = client(&server);
    for outcome in join_all((0..50).map(|_| client.who_am_i())).await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn fifty_waiting_requests_share_one_failure() {
    let server = MockServer::start().await;
    let refusal =
        entra_error(401, "invalid_client", 7_000_215).set_delay(Duration::from_millis(100));
    Mock::given(method("POST"))
        .respond_with(refusal)
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    for outcome in join_all((0..50).map(|_| client.who_am_i())).await {
        assert_eq!(outcome.unwrap_err().code(), "sign_in_wrong_secret");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_again_until_somebody_asks() {
    let server = MockServer::start().await;
    let refusal = adfs_error(
        "invalid_grant",
        "MSIS9659: Invalid 'username' or 'password'.",
    );
    Mock::given(method("POST"))
        .respond_with(refusal)
        .mount(&server)
        .await;
    let client = Client::with_retry_policy(on_premises(&server), quick()).unwrap();
    for _ in 0..5 {
        assert_eq!(
            client.who_am_i().await.unwrap_err().code(),
            "sign_in_wrong_password"
        );
    }
    assert_eq!(count(&server, "/token").await, 1);
    client.sign_in().await.unwrap_err();
    assert_eq!(count(&server, "/token").await, 2);
}

#[tokio::test]
async fn an_outage_of_the_sign_in_service_is_over_when_it_is_over() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    give_tokens(&server).await;
    answer(&server, "GET", "WhoAmI", who_am_i()).await;
    let client = client(&server);
    assert_eq!(
        client.who_am_i().await.unwrap_err().code(),
        "sign_in_unavailable"
    );
    client.who_am_i().await.unwrap();
}

#[tokio::test]
async fn a_401_renews_the_token_once_for_all() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(Tokens::lasting(3599))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(Bearer("token-2"))
        .respond_with(who_am_i())
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(unauthorized(TENANT, "https://x/"))
        .mount(&server)
        .await;
    let client = client(&server);
    for outcome in join_all((0..20).map(|_| client.who_am_i())).await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn a_late_401_does_not_throw_the_new_token_away() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(Tokens::lasting(3599))
        .expect(2)
        .mount(&server)
        .await;
    let rows = ResponseTemplate::new(200).set_body_json(json!({"value": []}));
    answer_to(&server, "token-2", "WhoAmI", who_am_i()).await;
    answer_to(&server, "token-2", "contacts", rows).await;
    let refusal = || unauthorized(TENANT, "https://x/");
    answer_to(&server, "token-1", "WhoAmI", refusal()).await;
    let late = refusal().set_delay(Duration::from_millis(300));
    answer_to(&server, "token-1", "contacts", late).await;
    let client = client(&server);
    client.sign_in().await.unwrap();
    // Both leave with the first token; the second comes back when the first has long renewed it.
    let query = Query::new("contacts");
    let (who, page) = futures_util::join!(client.who_am_i(), client.query(&query));
    who.unwrap();
    page.unwrap();
}

async fn answer_to(
    server: &MockServer,
    token: &'static str,
    resource: &str,
    template: ResponseTemplate,
) {
    let resource = path(format!("{API}{resource}"));
    Mock::given(resource)
        .and(Bearer(token))
        .respond_with(template)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_the_error() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    answer(&server, "GET", "WhoAmI", unauthorized(TENANT, "https://x/")).await;
    let client = client(&server);
    let error = client.who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.request_id()),
        (
            "sign_in_token_refused",
            Some("0a1b0000-0000-0000-0000-000000000000")
        )
    );
    assert_eq!(
        (
            count(&server, "/token").await,
            count(&server, "/WhoAmI").await
        ),
        (2, 2)
    );
    assert_eq!(error.endpoint(), Some(Endpoint::Organization));
    // And it is remembered, so that the two services are not asked four times for every further request.
    client.who_am_i().await.unwrap_err();
    assert_eq!(
        (
            count(&server, "/token").await,
            count(&server, "/WhoAmI").await
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn an_organization_of_another_tenant_is_recognised_by_its_challenge() {
    let challenge = unauthorized("99999999-7a60-4ab8-9f37-3f1f0a6f1111", "https://x/");
    let server = organization("WhoAmI", challenge).await;
    let error = client(&server).who_am_i().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_wrong_organization");
}

#[tokio::test]
async fn a_token_without_life_is_renewed_for_every_request() {
    for expires_in in [json!(0), json!("0")] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(Tokens::lasting(expires_in))
            .expect(3)
            .mount(&server)
            .await;
        answer(&server, "GET", "WhoAmI", who_am_i()).await;
        let client = client(&server);
        for _ in 0..3 {
            client.who_am_i().await.unwrap();
        }
    }
}

/// Tells the test that a request is here; lets the first one wait for a minute.
struct FirstHangs {
    seen: UnboundedSender<()>,
    calls: AtomicUsize,
    then: fn() -> ResponseTemplate,
}

impl Respond for FirstHangs {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let first = self.calls.fetch_add(1, Ordering::SeqCst) == 0;
        self.seen.send(()).unwrap();
        (self.then)().set_delay(if first {
            Duration::from_secs(60)
        } else {
            Duration::ZERO
        })
    }
}

#[tokio::test]
async fn when_the_one_who_renews_is_dropped_the_next_takes_over() {
    let server = MockServer::start().await;
    let (seen, mut first_is_here) = unbounded_channel();
    let token = || {
        ResponseTemplate::new(200)
            .set_body_json(json!({"access_token": "taken-over", "expires_in": 3599}))
    };
    let hangs = FirstHangs {
        seen,
        calls: AtomicUsize::new(0),
        then: token,
    };
    Mock::given(method("POST"))
        .respond_with(hangs)
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(Bearer("taken-over"))
        .respond_with(who_am_i())
        .expect(10)
        .mount(&server)
        .await;

    let client = client(&server);
    let leader = tokio::spawn({
        let client = client.clone();
        async move { client.who_am_i().await }
    });
    first_is_here.recv().await.unwrap();
    let mut followers = Box::pin(join_all((0..10).map(|_| client.who_am_i())));
    // One poll brings all of them to where they wait for the leader.
    assert!(futures_util::poll!(&mut followers).is_pending());
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    for outcome in followers.await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_request_stops_and_harms_nobody() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let (seen, mut first_is_here) = unbounded_channel();
    let hangs = FirstHangs {
        seen,
        calls: AtomicUsize::new(0),
        then: who_am_i,
    };
    Mock::given(method("GET"))
        .respond_with(hangs)
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.who_am_i().await }
    });
    first_is_here.recv().await.unwrap();
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    client.who_am_i().await.unwrap();
    assert_eq!(count(&server, "/token").await, 1);
}

#[test]
fn addresses_that_cannot_be_signed_in_at_are_refused_before_anything_is_sent() {
    let cloud = |authority_url: &str, tenant_id: &str| {
        Client::new(Connection::new(
            "https://contoso.crm4.dynamics.com",
            SignIn::Cloud {
                authority_url: authority_url.to_owned(),
                tenant_id: tenant_id.to_owned(),
                client_id: "id".to_owned(),
                client_secret: SecretString::from(SECRET),
            },
        ))
        .map_err(|error: Error| error.code())
        .map(|_| ())
    };
    assert_eq!(
        cloud(
            "https://login.microsoftonline.com",
            "contoso.onmicrosoft.com"
        ),
        Ok(())
    );
    assert_eq!(
        cloud("http://login.microsoftonline.com", TENANT),
        Err("insecure_authority_url")
    );
    assert_eq!(
        cloud("login.microsoftonline.com", TENANT),
        Err("invalid_authority_url")
    );
    assert_eq!(
        cloud("https://user:word@login.microsoftonline.com", TENANT),
        Err("invalid_authority_url")
    );
    assert_eq!(
        cloud("ftp://login.microsoftonline.com", TENANT),
        Err("invalid_authority_url")
    );
    assert_eq!(
        cloud("https://login.microsoftonline.com", ""),
        Err("sign_in_unknown_tenant")
    );
    assert_eq!(
        cloud("https://login.microsoftonline.com", "a/../b"),
        Err("sign_in_unknown_tenant")
    );
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let policy = RetryPolicy::default();
    assert_eq!(
        (policy.repeats, policy.first_delay),
        (2, Duration::from_millis(250))
    );
}
