//! Sign-in as a person: the test is the browser, the other device, and the place where the refresh token is kept.

use crate::common::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dataverse::{BrowserSignIn, Client, Connection, Endpoint, RefreshTokens, SignIn};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const CLIENT_ID: &str = "bbbbbbbb-2222-3333-4444-555555555555";

/// Everything that was handed over to be kept, in order.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Option<String>>>>);

impl Kept {
    fn keeper(&self, known: Option<&str>) -> RefreshTokens {
        let kept = Arc::clone(&self.0);
        RefreshTokens::new(known.map(SecretString::from), move |token| {
            let token = token.map(|token| token.expose_secret().to_owned());
            kept.lock().unwrap().push(token);
        })
    }

    fn all(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().clone()
    }
}

fn some(token: &str) -> Option<String> {
    Some(token.to_owned())
}

fn connection(server: &MockServer, refresh_tokens: RefreshTokens) -> Connection {
    Connection::new(
        server.uri(),
        SignIn::Person {
            authority_url: Some(server.uri()),
            tenant_id: Some(TENANT.to_owned()),
            client_id: CLIENT_ID.to_owned(),
            refresh_tokens,
        },
    )
}

fn person(server: &MockServer, refresh_tokens: RefreshTokens) -> Client {
    Client::with_retry_policy(connection(server, refresh_tokens), quick()).unwrap()
}

fn given(access: &str, refresh: Option<&str>) -> ResponseTemplate {
    let mut body = json!({
        "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": access,
        "scope": "x/user_impersonation", "id_token": "i.d.t",
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    ResponseTemplate::new(200).set_body_json(body)
}

async fn on_grant(server: &MockServer, grant: &str, template: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(token_path()))
        .and(Field("grant_type", grant.to_owned()))
        .respond_with(template)
        .mount(server)
        .await;
}

async fn knows(server: &MockServer, token: &'static str) {
    Mock::given(method("GET"))
        .and(path(format!("{API}WhoAmI")))
        .and(Bearer(token))
        .respond_with(who_am_i())
        .mount(server)
        .await;
}

fn parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The browser comes back with this query; what it is shown.
async fn come_back(page: &Url, query: &[(&str, &str)]) -> (u16, String) {
    let mut back = Url::parse(&parameters(page)["redirect_uri"]).unwrap();
    back.query_pairs_mut().extend_pairs(query);
    // The listener is on IPv4, which is where every browser ends up.
    back.set_host(Some("127.0.0.1")).unwrap();
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(back)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.headers().contains_key("content-security-policy"));
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Signs in with what the browser brings back.
async fn finish(
    attempt: BrowserSignIn,
    query: &[(&str, &str)],
) -> (Result<(), dataverse::Error>, (u16, String)) {
    let page = attempt.url().clone();
    let state = parameters(&page)["state"].clone();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, if *value == "STATE" { &state } else { *value }))
        .collect();
    let (outcome, shown) = futures_util::join!(attempt.finish(), come_back(&page, &query));
    for (_, value) in query {
        assert!(!shown.1.contains(value), "{value} in {}", shown.1);
    }
    (outcome, shown)
}

#[tokio::test]
async fn a_person_signs_in_in_the_browser_and_stays_signed_in() {
    let server = MockServer::start().await;
    let kept = Kept::default();
    on_grant(
        &server,
        "authorization_code",
        given("first", Some("refresh-1")),
    )
    .await;
    knows(&server, "first").await;
    let client = person(&server, kept.keeper(None));
    assert_eq!(
        client.who_am_i().await.unwrap_err().code(),
        "sign_in_required"
    );
    assert!(
        server.received_requests().await.unwrap().is_empty(),
        "nobody is asked in vain"
    );

    let attempt = client.sign_in_with_browser().await.unwrap();
    let page = attempt.url().clone();
    let asked = parameters(&page);
    let origin = server.uri();
    assert_eq!(page.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
    for (name, value) in [
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("prompt", "select_account"),
        ("code_challenge_method", "S256"),
        (
            "scope",
            &format!("{origin}/user_impersonation offline_access openid profile"),
        ),
    ] {
        assert_eq!(asked[name], value);
    }
    assert!(asked["redirect_uri"].starts_with("http://localhost:"));
    assert!(asked["state"].len() >= 20 && asked["code_challenge"].len() == 43);

    let (outcome, (status, shown)) =
        finish(attempt, &[("code", "the-code"), ("state", "STATE")]).await;
    outcome.unwrap();
    assert_eq!(status, 200);
    assert!(shown.contains("You are signed in"), "{shown}");
    let redeemed = form(&last(&server).await);
    let redeemed: BTreeMap<_, _> = redeemed.into_iter().collect();
    assert_eq!(redeemed["code"], "the-code");
    assert_eq!(redeemed["client_id"], CLIENT_ID);
    assert_eq!(redeemed["redirect_uri"], asked["redirect_uri"]);
    assert_eq!(
        redeemed["scope"],
        format!("{origin}/user_impersonation offline_access")
    );
    assert_eq!(
        redeemed.get("client_secret"),
        None,
        "a public client has none"
    );
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&redeemed["code_verifier"]));
    assert_eq!(challenge, asked["code_challenge"]);
    assert_eq!(kept.all(), [some("refresh-1")]);
    client.who_am_i().await.unwrap();

    // The next start knows the refresh token; each use brings a newer one.
    on_grant(&server, "refresh_token", given("second", Some("refresh-2"))).await;
    knows(&server, "second").await;
    let again = person(&server, kept.keeper(Some("refresh-1")));
    again.who_am_i().await.unwrap();
    assert_eq!(kept.all(), [some("refresh-1"), some("refresh-2")]);
    let requests = server.received_requests().await.unwrap();
    let refreshed = form(&requests[requests.len() - 2]);
    assert!(refreshed.contains(&("refresh_token".to_owned(), "refresh-1".to_owned())));
    assert!(refreshed.iter().all(|(name, _)| name != "client_secret"));

    again.sign_out().await;
    assert_eq!(kept.all().last(), Some(&None));
    assert_eq!(
        again.who_am_i().await.unwrap_err().code(),
        "sign_in_required"
    );
}

#[tokio::test]
async fn the_newest_refresh_token_is_the_one_that_is_used() {
    let server = MockServer::start().await;
    for (old, access, new) in [
        ("r1", "a1", Some("r2")),
        ("r2", "a2", None),
        ("r2", "a3", Some("r4")),
    ] {
        Mock::given(method("POST"))
            .and(Field("refresh_token", old.to_owned()))
            .respond_with(given(access, new))
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
    }
    knows(&server, "a3").await;
    Mock::given(method("GET"))
        .respond_with(unauthorized(TENANT, "https://x/"))
        .mount(&server)
        .await;
    let kept = Kept::default();
    let client = person(&server, kept.keeper(Some("r1")));
    // "a1" is refused, "a2" too: both are replaced.
    assert_eq!(
        client.who_am_i().await.unwrap_err().code(),
        "sign_in_token_refused"
    );
    client.sign_in().await.unwrap();
    client.who_am_i().await.unwrap();
    assert_eq!(kept.all(), [some("r2"), some("r4")]);
}

#[tokio::test]
async fn what_does_not_belong_to_the_attempt_ends_it_and_redeems_nothing() {
    for query in [
        vec![("code", "stolen-code"), ("state", "forged-state")],
        vec![("code", "stolen-code")],
        vec![
            ("code", "one-code"),
            ("code", "two-code"),
            ("state", "STATE"),
        ],
        vec![("error", "access-denied-text"), ("state", "forged-state")],
        vec![("<script>alert(1)</script>", "<b>hostile</b>")],
    ] {
        let server = MockServer::start().await;
        let kept = Kept::default();
        let client = person(&server, kept.keeper(None));
        let attempt = client.sign_in_with_browser().await.unwrap();
        let (outcome, (_, shown)) = finish(attempt, &query).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), "sign_in_foreign_callback", "{query:?}");
        assert!(shown.contains("You are not signed in") && !shown.contains("hostile"));
        assert!(server.received_requests().await.unwrap().is_empty());
        assert!(kept.all().is_empty());
        client.sign_in_with_browser().await.unwrap();
    }
}

#[tokio::test]
async fn declining_is_told() {
    let server = MockServer::start().await;
    let client = person(&server, RefreshTokens::in_memory_only());
    let attempt = client.sign_in_with_browser().await.unwrap();
    let (outcome, (_, shown)) = finish(
        attempt,
        &[
            ("error", "access_denied"),
            (
                "error_description",
                "AADSTS65004: User declined to consent.",
            ),
            ("state", "STATE"),
        ],
    )
    .await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), "sign_in_declined");
    assert_eq!(error.answer().unwrap().code(), Some("AADSTS65004"));
    assert_eq!(error.endpoint(), Some(Endpoint::SignInService));
    assert!(shown.contains("You are not signed in"));
}

#[tokio::test]
async fn there_is_one_attempt_at_a_time_and_dropping_it_closes_its_port() {
    let server = MockServer::start().await;
    let client = person(&server, RefreshTokens::in_memory_only());
    let attempt = client.sign_in_with_browser().await.unwrap();
    for second in [
        client.sign_in_with_browser().await.map(drop),
        client.sign_in_with_device_code().await.map(drop),
    ] {
        assert_eq!(second.unwrap_err().code(), "sign_in_in_progress");
    }
    let address = Url::parse(&parameters(attempt.url())["redirect_uri"]).unwrap();
    let address = format!("127.0.0.1:{}", address.port().unwrap());
    TcpStream::connect(&address).await.unwrap();
    let waiting = tokio::spawn(attempt.finish());
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    TcpStream::connect(&address).await.unwrap_err();
    let mut other = client.sign_in_with_browser().await.unwrap();
    // Nor do two attempts share anything.
    let first = parameters(other.url());
    drop(other);
    other = client.sign_in_with_browser().await.unwrap();
    let second = parameters(other.url());
    assert_ne!(first["state"], second["state"]);
    assert_ne!(first["code_challenge"], second["code_challenge"]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_expires() {
    let mut connection = connection(&MockServer::start().await, RefreshTokens::in_memory_only());
    connection.organization_url = "http://127.0.0.1:9".to_owned();
    let client = Client::new(connection).unwrap();
    let started = tokio::time::Instant::now();
    let attempt = client.sign_in_with_browser().await.unwrap();
    let error = attempt.finish().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_took_too_long");
    assert_eq!(started.elapsed().as_secs(), 600);
}

#[tokio::test]
async fn what_else_comes_to_the_port_is_turned_away_and_disturbs_nothing() {
    let server = MockServer::start().await;
    on_grant(&server, "authorization_code", given("first", None)).await;
    let client = person(&server, RefreshTokens::in_memory_only());
    let attempt = client.sign_in_with_browser().await.unwrap();
    let page = attempt.url().clone();
    let host = parameters(&page)["redirect_uri"].replace("http://", "");
    let address = host.replace("localhost", "127.0.0.1");
    let state = parameters(&page)["state"].clone();
    let playing = async {
        // Browsers open connections that they do not use.
        let _idle = TcpStream::connect(&address).await.unwrap();
        for (request, status) in [
            (
                format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                "404",
            ),
            (
                format!("POST /?code=x&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                "405",
            ),
            (
                format!("GET /?code=x&state={state} HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
                "400",
            ),
            ("\u{16}\u{3}\u{1}nonsense\r\n\r\n".to_owned(), "400"),
            (
                format!("GET /?{} HTTP/1.1\r\nHost: {host}\r\n", "a".repeat(20_000)),
                "431",
            ),
        ] {
            let mut socket = TcpStream::connect(&address).await.unwrap();
            // One that is refused in the middle of what it says may not get to say the rest.
            let _ = socket.write_all(request.as_bytes()).await;
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer).await;
            let answer = String::from_utf8(answer).unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} "))
                    || status == "431" && answer.is_empty(),
                "{request}: {answer}"
            );
            assert!(!answer.contains(&state));
        }
        come_back(&page, &[("code", "the-code"), ("state", &state)]).await
    };
    let (outcome, (status, _)) = futures_util::join!(attempt.finish(), playing);
    outcome.unwrap();
    assert_eq!(status, 200);
}

#[tokio::test]
async fn authority_and_tenant_are_learnt_from_the_organization() {
    let server = MockServer::start().await;
    let challenge = format!(
        "Bearer authorization_uri={}/{TENANT}/oauth2/authorize, resource_id={}/",
        server.uri(),
        server.uri()
    );
    Mock::given(method("GET"))
        .and(path(format!("{API}WhoAmI")))
        .respond_with(ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge))
        .expect(1)
        .mount(&server)
        .await;
    let connection = Connection::new(
        server.uri(),
        SignIn::Person {
            authority_url: None,
            tenant_id: None,
            client_id: CLIENT_ID.to_owned(),
            refresh_tokens: RefreshTokens::in_memory_only(),
        },
    );
    let client = Client::with_retry_policy(connection, quick()).unwrap();
    for _ in 0..2 {
        let attempt = client.sign_in_with_browser().await.unwrap();
        let expected = format!("{}/{TENANT}/oauth2/v2.0/authorize", server.uri());
        assert!(
            attempt.url().as_str().starts_with(&expected),
            "{}",
            attempt.url()
        );
    }
}

#[tokio::test]
async fn an_organization_that_does_not_say_where_to_sign_in_is_an_error() {
    for (answer, code) in [
        (ResponseTemplate::new(401), "sign_in_not_discovered"),
        (
            ResponseTemplate::new(401).insert_header(
                "WWW-Authenticate",
                "Bearer authorization_uri=https://elsewhere.example/t/oauth2/authorize, resource_id=x",
            ),
            "sign_in_not_discovered",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("<html>hello</html>", "text/html"),
            "not_dataverse",
        ),
        (ResponseTemplate::new(503), "organization_unavailable"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let mut connection = connection(&server, RefreshTokens::in_memory_only());
        if let SignIn::Person { authority_url, tenant_id, .. } = &mut connection.sign_in {
            (*authority_url, *tenant_id) = (None, None);
        }
        let client = Client::with_retry_policy(connection, quick()).unwrap();
        let error = client.sign_in_with_browser().await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!error.next_step().is_empty());
    }
}

#[tokio::test]
async fn every_refusal_of_a_refresh_has_its_own_meaning() {
    for (status, name, number, code, is_over) in [
        (400, "invalid_grant", 70_008, "sign_in_expired", true),
        (400, "invalid_grant", 700_082, "sign_in_expired", true),
        (400, "invalid_grant", 70_043, "sign_in_expired", true),
        (400, "invalid_grant", 50_173, "sign_in_expired", true),
        (
            400,
            "invalid_grant",
            50_076,
            "sign_in_second_factor_required",
            false,
        ),
        (
            400,
            "interaction_required",
            50_079,
            "sign_in_second_factor_required",
            false,
        ),
        (
            400,
            "invalid_grant",
            53_003,
            "sign_in_blocked_by_policy",
            false,
        ),
        (
            400,
            "invalid_grant",
            65_001,
            "sign_in_consent_required",
            false,
        ),
        (400, "invalid_grant", 50_105, "sign_in_not_permitted", false),
        (
            401,
            "invalid_client",
            7_000_218,
            "sign_in_not_a_public_client",
            false,
        ),
        (
            401,
            "invalid_client",
            700_025,
            "sign_in_secret_not_allowed",
            false,
        ),
        (
            400,
            "unauthorized_client",
            700_016,
            "sign_in_unknown_application",
            false,
        ),
        (
            400,
            "invalid_request",
            90_002,
            "sign_in_unknown_tenant",
            false,
        ),
        (
            400,
            "invalid_resource",
            500_011,
            "sign_in_wrong_organization",
            false,
        ),
        (
            400,
            "invalid_request",
            50_011,
            "sign_in_wrong_redirect",
            false,
        ),
    ] {
        let server = MockServer::start().await;
        on_grant(&server, "refresh_token", entra_error(status, name, number)).await;
        let kept = Kept::default();
        let client = person(&server, kept.keeper(Some("old")));
        let error = client.who_am_i().await.unwrap_err();
        assert_eq!(error.code(), code, "AADSTS{number}");
        assert!(!format!("{error} {error:?} {}", error.message()).contains(LOGIN));
        assert_eq!(
            kept.all(),
            if is_over { vec![None] } else { vec![] },
            "AADSTS{number}"
        );
        // What is over is not asked for again.
        let then = client.sign_in().await.unwrap_err();
        assert_eq!(then.code(), if is_over { "sign_in_required" } else { code });
    }
}

#[tokio::test]
async fn an_outage_does_not_sign_anybody_out() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(3)
        .mount(&server)
        .await;
    on_grant(&server, "refresh_token", given("second", Some("new"))).await;
    knows(&server, "second").await;
    let kept = Kept::default();
    let client = person(&server, kept.keeper(Some("old")));
    let error = client.who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_offline()),
        ("sign_in_unavailable", true)
    );
    assert!(kept.all().is_empty());
    client.who_am_i().await.unwrap();
}

fn device_details(server: &MockServer, change: &[(&str, Value)]) -> ResponseTemplate {
    let mut details = json!({
        "user_code": "ABCD12345", "device_code": "the-device-code", "expires_in": 900, "interval": 1,
        "verification_uri": format!("{}/device", server.uri()), "message": "To sign in, …",
    });
    for (name, value) in change {
        details[*name] = value.clone();
    }
    ResponseTemplate::new(200).set_body_json(details)
}

async fn on_device_code(server: &MockServer, template: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path_regex("/oauth2/v2.0/devicecode$"))
        .respond_with(template)
        .mount(server)
        .await;
}

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[tokio::test]
async fn a_person_signs_in_on_another_device() {
    let server = MockServer::start().await;
    on_device_code(&server, device_details(&server, &[])).await;
    Mock::given(method("POST"))
        .and(Field("grant_type", DEVICE_GRANT.to_owned()))
        .respond_with(entra_error(400, "authorization_pending", 70_016))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    on_grant(
        &server,
        DEVICE_GRANT,
        given("from-device", Some("refresh-1")),
    )
    .await;
    knows(&server, "from-device").await;
    let kept = Kept::default();
    let client = person(&server, kept.keeper(None));
    let attempt = client.sign_in_with_device_code().await.unwrap();
    assert_eq!(attempt.user_code(), "ABCD12345");
    assert_eq!(attempt.page().as_str(), format!("{}/device", server.uri()));
    let shown = format!("{attempt:?}");
    assert!(!shown.contains("ABCD12345") && !shown.contains("the-device-code"));
    attempt.finish().await.unwrap();
    client.who_am_i().await.unwrap();
    assert_eq!(kept.all(), [some("refresh-1")]);
    let requests = server.received_requests().await.unwrap();
    let asked: BTreeMap<_, _> = form(&requests[0]).into_iter().collect();
    assert_eq!(asked["client_id"], CLIENT_ID);
    assert_eq!(
        asked["scope"],
        format!(
            "{}/user_impersonation offline_access openid profile",
            server.uri()
        )
    );
    let polled: BTreeMap<_, _> = form(&requests[1]).into_iter().collect();
    assert_eq!(polled["device_code"], "the-device-code");
    assert_eq!(polled.get("client_secret"), None);
}

#[tokio::test]
async fn a_device_code_that_comes_to_nothing_says_why() {
    for (answer, code) in [
        (
            entra_error(400, "authorization_declined", 0),
            "sign_in_declined",
        ),
        (
            entra_error(400, "expired_token", 70_020),
            "sign_in_took_too_long",
        ),
        (
            entra_error(400, "bad_verification_code", 70_018),
            "sign_in_refused",
        ),
        (
            entra_error(400, "invalid_grant", 53_003),
            "sign_in_blocked_by_policy",
        ),
        (
            entra_error(401, "invalid_client", 7_000_218),
            "sign_in_not_a_public_client",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("<html></html>", "text/html"),
            "sign_in_wrong_authority",
        ),
    ] {
        let server = MockServer::start().await;
        on_device_code(&server, device_details(&server, &[])).await;
        on_grant(&server, DEVICE_GRANT, answer).await;
        let client = person(&server, RefreshTokens::in_memory_only());
        let attempt = client.sign_in_with_device_code().await.unwrap();
        assert_eq!(attempt.finish().await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_device_code_ends_by_the_clock_whatever_the_service_says() {
    let server = MockServer::start().await;
    on_device_code(
        &server,
        device_details(&server, &[("expires_in", json!(1))]),
    )
    .await;
    on_grant(&server, DEVICE_GRANT, entra_error(400, "slow_down", 0)).await;
    let client = person(&server, RefreshTokens::in_memory_only());
    let attempt = client.sign_in_with_device_code().await.unwrap();
    let error = attempt.finish().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_took_too_long");
}

#[tokio::test]
async fn hostile_device_details_are_refused() {
    for change in [
        ("verification_uri", json!("http://elsewhere.example/device")),
        ("verification_uri", json!("javascript:alert(1)")),
        ("verification_uri", json!("no address")),
        ("interval", json!(u64::MAX)),
        ("user_code", json!("")),
        ("expires_in", json!("soon")),
    ] {
        let server = MockServer::start().await;
        on_device_code(
            &server,
            device_details(&server, std::slice::from_ref(&change)),
        )
        .await;
        let client = person(&server, RefreshTokens::in_memory_only());
        let error = client.sign_in_with_device_code().await.unwrap_err();
        assert_eq!(error.code(), "sign_in_wrong_authority", "{change:?}");
    }
}

#[tokio::test]
async fn only_a_persons_connection_signs_in_persons() {
    let server = MockServer::start().await;
    let error = client(&server).sign_in_with_browser().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_not_for_persons");
}

#[tokio::test]
async fn ad_fs_refreshes_and_falls_back_to_the_password() {
    let server = MockServer::start().await;
    let gives = |access: &str, refresh: &str| {
        ResponseTemplate::new(200).set_body_json(json!({
            "access_token": access, "token_type": "bearer", "expires_in": "0", "refresh_token": refresh,
        }))
    };
    for (grant, field, value, template) in [
        ("password", "password", PASSWORD, gives("a1", "r1")),
        ("refresh_token", "refresh_token", "r1", gives("a2", "r2")),
        (
            "refresh_token",
            "refresh_token",
            "r2",
            adfs_error(
                "invalid_grant",
                "MSIS9615: The refresh token is invalid or has expired.",
            ),
        ),
        ("password", "password", PASSWORD, gives("a3", "r3")),
    ] {
        Mock::given(method("POST"))
            .and(path("/adfs/oauth2/token"))
            .and(Field("grant_type", grant.to_owned()))
            .and(Field(field, value.to_owned()))
            .and(Field("resource", format!("{}/contoso/", server.uri())))
            .respond_with(template)
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
    }
    for token in ["a1", "a2", "a3"] {
        Mock::given(method("GET"))
            .and(Bearer(token))
            .respond_with(who_am_i())
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = Client::with_retry_policy(on_premises(&server), quick()).unwrap();
    for _ in 0..3 {
        client.who_am_i().await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(5), client.sign_out())
        .await
        .unwrap();
}
