//! People who sign in themselves: authorize page, codes, refresh tokens, device codes, policies, AD FS in a browser.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::Org;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http://localhost:53682/";

/// An organization, and a browser that follows no redirect by itself.
struct Desk {
    org: Org,
    browser: reqwest::Client,
}

type Changes<'a> = &'a [(&'a str, &'a str)];

/// Fields with some replaced, or left out where the new value is empty.
fn with(mut fields: Vec<(String, String)>, changes: Changes<'_>) -> Vec<(String, String)> {
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        if !value.is_empty() {
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    fields
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    with(Vec::new(), fields)
}

impl Desk {
    async fn open() -> Desk {
        let org = Org::empty().await;
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Desk { org, browser }
    }

    fn client_id(&self) -> &str {
        &self.org.sandbox.description().public_client.client_id
    }

    fn scope(&self) -> String {
        let url = &self.org.sandbox.description().organization_url;
        format!("{url}/user_impersonation offline_access openid profile")
    }

    fn person(&self) -> &sandbox::Person {
        self.org.sandbox.description().people.first().unwrap()
    }

    fn endpoint(&self, name: &str) -> String {
        let d = self.org.sandbox.description();
        format!("{}/organizations/oauth2/v2.0/{name}", d.authority_url)
    }

    fn address(&self, changes: Changes<'_>) -> Url {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let query = owned(&[
            ("client_id", self.client_id()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("response_mode", "query"),
            ("scope", &self.scope()),
            ("state", "st&ate"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Url::parse_with_params(&self.endpoint("authorize"), with(query, changes)).unwrap()
    }

    /// Sends a form to an address and returns the page.
    async fn submit(&self, address: &Url, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let response = self
            .browser
            .post(address.clone())
            .form(fields)
            .send()
            .await
            .unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Sends a form and returns where the browser is sent.
    async fn redirected(&self, address: &Url, fields: &[(&str, &str)]) -> Url {
        let response = self
            .browser
            .post(address.clone())
            .form(fields)
            .send()
            .await
            .unwrap();
        let status = response.status();
        let location = response.headers().get("location").cloned();
        assert_eq!(status, 302, "{}", response.text().await.unwrap());
        Url::parse(location.unwrap().to_str().unwrap()).unwrap()
    }

    /// A code by the pages.
    async fn code(&self, changes: Changes<'_>) -> String {
        let person = self.person();
        let fields = [
            ("email", person.email.as_str()),
            ("password", &person.password),
        ];
        let back = self.redirected(&self.address(changes), &fields).await;
        assert!(back.as_str().starts_with(REDIRECT), "{back}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("st&ate"));
        parameter(&back, "code").unwrap()
    }

    /// Asks for a token; status and body.
    async fn token(&self, fields: Vec<(String, String)>) -> (u16, Value) {
        let response = self
            .browser
            .post(self.endpoint("token"))
            .form(&fields)
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store, no-cache");
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn redeem(&self, code: &str, changes: Changes<'_>) -> (u16, Value) {
        let fields = owned(&[
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id()),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("scope", &self.scope()),
        ]);
        self.token(with(fields, changes)).await
    }

    async fn refresh(&self, token: &str, changes: Changes<'_>) -> (u16, Value) {
        let fields = owned(&[
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id()),
            ("refresh_token", token),
        ]);
        self.token(with(fields, changes)).await
    }

    async fn who_am_i(&self, token: &Value) -> Value {
        common::ok(
            self.browser
                .get(format!("{}/WhoAmI", self.org.base))
                .bearer_auth(token["access_token"].as_str().unwrap()),
        )
        .await
    }

    async fn sign_in(&self, body: Value) -> (u16, Value) {
        let url = format!("{}/sign-ins", self.org.sandbox.description().admin_url);
        let response = self.browser.post(url).json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn policy(&self, policy: Value) {
        self.org.admin(Method::PATCH, "/policies", policy).await;
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

fn refused(answer: &(u16, Value), error: &str, code: i64) {
    let (status, body) = answer;
    let expected = if error == "invalid_client" { 401 } else { 400 };
    assert_eq!(
        (*status, &body["error"], &body["error_codes"][0]),
        (expected, &json!(error), &json!(code)),
        "{body}"
    );
}

fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_signs_in_by_the_pages() {
    let desk = Desk::open().await;
    let address = desk.address(&[("nonce", "n1")]);
    let page = desk.browser.get(address.clone()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    let page = page.text().await.unwrap();
    let person = desk.person();
    assert!(page.contains("Pick an account") && page.contains(&person.email));
    assert!(!page.contains("<script") && !page.contains(&person.password));

    let (_, page) = desk.submit(&address, &[("email", &person.email)]).await;
    assert!(page.contains("Enter password") && page.contains("autofocus"));
    let (_, page) = desk
        .submit(&address, &[("email", &person.email), ("password", "x")])
        .await;
    assert!(page.contains("role=\"alert\"") && page.contains("AADSTS50126"));
    let (_, page) = desk
        .submit(&address, &[("email", "x@y.example"), ("password", "x")])
        .await;
    assert!(page.contains("AADSTS50034"));
    // What people type is text, not markup.
    let (_, page) = desk
        .submit(&address, &[("email", "\"><script>alert(1)</script>")])
        .await;
    assert!(!page.contains("<script") && page.contains("&quot;&gt;&lt;script&gt;"));
    let (_, page) = desk
        .submit(&address, &[("email", &person.email), ("back", "1")])
        .await;
    assert!(page.contains("Pick an account"));
    let hinted = desk.address(&[("login_hint", &person.email)]);
    let page = desk.browser.get(hinted).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Enter password"));

    let cancelled = desk.redirected(&address, &[("cancel", "1")]).await;
    assert_eq!(
        parameter(&cancelled, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(&cancelled, "state").as_deref(), Some("st&ate"));

    let code = desk.code(&[("nonce", "n1")]).await;
    let (status, body) = desk.redeem(&code, &[("client_info", "1")]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["token_type"], "Bearer");
    let d = desk.org.sandbox.description();
    assert_eq!(
        body["scope"],
        format!("{}/user_impersonation openid profile", d.organization_url)
    );
    let id = claims(&body["id_token"]);
    assert_eq!(
        (&id["nonce"], &id["preferred_username"], &id["aud"]),
        (&json!("n1"), &json!(person.email), &json!(desk.client_id()))
    );
    assert_eq!(claims(&body["access_token"])["scp"], "user_impersonation");
    assert_eq!(desk.who_am_i(&body).await["UserId"], person.user_id);
    // The guide's role, no more.
    let token = body["access_token"].as_str().unwrap();
    let url = format!("{}/contacts?$top=1", desk.org.base);
    let contacts = desk.browser.get(&url).bearer_auth(token).send().await;
    assert_eq!(contacts.unwrap().status(), 200);

    // Global discovery knows the person's organization, and none of an application.
    let instances = format!("{}/api/discovery/v2.0/Instances", d.organization_url);
    let found = common::ok(desk.browser.get(&instances).bearer_auth(token)).await;
    assert_eq!(found["value"][0]["Url"], d.organization_url);
    let found = common::ok(desk.browser.get(&instances).bearer_auth(&desk.org.token)).await;
    assert_eq!(found["value"], json!([]));
}

#[tokio::test]
async fn requests_for_a_sign_in_that_are_refused() {
    let desk = Desk::open().await;
    // Told to the person: the application is unknown, or the way back to it.
    for (change, code) in [
        (
            ("client_id", "00000000-0000-0000-0000-000000000001"),
            "AADSTS700016",
        ),
        (("redirect_uri", "http://127.0.0.1:53682/"), "AADSTS50011"),
        (
            ("redirect_uri", "http://localhost:53682/other"),
            "AADSTS50011",
        ),
        (("redirect_uri", "https://evil.example/"), "AADSTS50011"),
        (("redirect_uri", ""), "AADSTS900144"),
    ] {
        let page = desk.browser.get(desk.address(&[change])).send().await;
        let page = page.unwrap();
        assert_eq!(page.status(), 400, "{change:?}");
        assert!(page.headers().get("location").is_none());
        assert!(page.text().await.unwrap().contains(code), "{change:?}");
    }
    // Told to the application.
    for (change, error, code) in [
        (("code_challenge", ""), "invalid_request", "AADSTS50147"),
        (
            ("code_challenge_method", "plain"),
            "invalid_request",
            "AADSTS50147",
        ),
        (
            ("code_challenge_method", ""),
            "invalid_request",
            "AADSTS50147",
        ),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "AADSTS501491",
        ),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            "AADSTS700051",
        ),
        (
            ("response_mode", "form_post"),
            "invalid_request",
            "AADSTS70007",
        ),
        (("scope", "nonsense"), "invalid_scope", "AADSTS70011"),
        (
            ("scope", "https://x.example/user_impersonation"),
            "invalid_resource",
            "AADSTS500011",
        ),
        (("prompt", "none"), "login_required", "AADSTS50058"),
    ] {
        let back = desk.redirected(&desk.address(&[change]), &[]).await;
        assert_eq!(parameter(&back, "error").as_deref(), Some(error));
        let description = parameter(&back, "error_description").unwrap();
        assert!(description.starts_with(code), "{change:?}: {description}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("st&ate"));
        assert!(parameter(&back, "code").is_none());
    }
    // 127.0.0.1 is another host than localhost, until it is registered.
    let change = json!({"client_id": desk.client_id(), "redirect_uris": ["http://127.0.0.1"]});
    desk.org.admin(Method::PATCH, "/clients", change).await;
    let address = desk.address(&[("redirect_uri", "http://127.0.0.1:53682/")]);
    assert_eq!(
        desk.browser.get(address).send().await.unwrap().status(),
        200
    );
    let other = desk.browser.get(desk.address(&[])).send().await.unwrap();
    assert_eq!(other.status(), 400);
}

#[tokio::test]
async fn codes_serve_once_and_only_their_program() {
    let desk = Desk::open().await;
    let code = desk.code(&[]).await;
    let secret = [("client_secret", "x")];
    refused(
        &desk.redeem(&code, &secret).await,
        "invalid_client",
        700_025,
    );
    let redirect = [("redirect_uri", "http://localhost:1/")];
    refused(
        &desk.redeem(&code, &redirect).await,
        "invalid_request",
        50_011,
    );
    let none = [("code_verifier", "")];
    refused(&desk.redeem(&code, &none).await, "invalid_request", 900_144);
    assert_eq!(desk.redeem(&code, &[]).await.0, 200);
    refused(&desk.redeem(&code, &[]).await, "invalid_grant", 54_005);
    refused(&desk.redeem("x", &[]).await, "invalid_grant", 9_002_313);

    let code = desk.code(&[]).await;
    let wrong = [(
        "code_verifier",
        "another-verifier-of-at-least-forty-three-characters",
    )];
    refused(&desk.redeem(&code, &wrong).await, "invalid_grant", 501_481);
    refused(&desk.redeem(&code, &[]).await, "invalid_grant", 54_005);

    let code = desk.code(&[]).await;
    let advance = json!({"advance_seconds": 601});
    desk.org.admin(Method::POST, "/clock", advance).await;
    refused(&desk.redeem(&code, &[]).await, "invalid_grant", 70_008);

    // A code of one application is no good to another, and a confidential one needs its secret.
    let d = desk.org.sandbox.description();
    let code = desk.code(&[]).await;
    let other = [("client_id", d.client_id.as_str())];
    refused(
        &desk.redeem(&code, &other).await,
        "invalid_client",
        7_000_218,
    );
    let other = [
        ("client_id", d.client_id.as_str()),
        ("client_secret", &d.client_secret),
    ];
    refused(&desk.redeem(&code, &other).await, "invalid_grant", 70_000);
    // Only identity was asked for: no token for Dynamics.
    let code = desk.code(&[("scope", "openid profile")]).await;
    let (_, body) = desk.redeem(&code, &[]).await;
    assert!(body.get("refresh_token").is_none());
    let who = desk
        .browser
        .get(format!("{}/WhoAmI", desk.org.base))
        .bearer_auth(body["access_token"].as_str().unwrap());
    assert_eq!(who.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn refresh_tokens_renew_and_end() {
    let desk = Desk::open().await;
    let code = desk.code(&[]).await;
    let (_, first) = desk.redeem(&code, &[]).await;
    let of = |body: &Value| body["refresh_token"].as_str().unwrap().to_owned();
    let (status, second) = desk.refresh(&of(&first), &[]).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(of(&first), of(&second));
    assert_eq!(
        desk.who_am_i(&second).await["UserId"],
        desk.person().user_id
    );
    refused(&desk.refresh("x", &[]).await, "invalid_grant", 9_002_313);
    let narrower = [("scope", "openid")];
    let (_, identity) = desk.refresh(&of(&second), &narrower).await;
    assert_eq!(identity["scope"], "openid");

    let days = |days: i64| json!({"advance_seconds": days * 86_400});
    desk.org.admin(Method::POST, "/clock", days(89)).await;
    let (_, third) = desk.refresh(&of(&second), &[]).await;
    desk.org.admin(Method::POST, "/clock", days(91)).await;
    let late = desk.refresh(&of(&third), &[]).await;
    refused(&late, "invalid_grant", 700_082);

    let code = desk.code(&[]).await;
    let (_, body) = desk.redeem(&code, &[]).await;
    let end = |how: &str| json!({"end": how});
    desk.org
        .admin(Method::POST, "/refresh-tokens", end("expired"))
        .await;
    refused(
        &desk.refresh(&of(&body), &[]).await,
        "invalid_grant",
        700_082,
    );
    let code = desk.code(&[]).await;
    let (_, body) = desk.redeem(&code, &[]).await;
    desk.org
        .admin(Method::POST, "/refresh-tokens", end("revoked"))
        .await;
    refused(
        &desk.refresh(&of(&body), &[]).await,
        "invalid_grant",
        70_043,
    );
}

#[tokio::test]
async fn what_the_administrator_demands() {
    let desk = Desk::open().await;
    let code = desk.code(&[]).await;
    let (_, body) = desk.redeem(&code, &[]).await;
    let token = body["refresh_token"].as_str().unwrap();
    let person = desk.person().clone();
    let password = || {
        let fields = [
            ("grant_type", "password"),
            ("client_id", desk.client_id()),
            ("username", person.email.as_str()),
            ("password", person.password.as_str()),
            ("scope", &desk.scope()),
        ];
        owned(&fields)
    };
    assert_eq!(desk.token(password()).await.0, 200);
    let wrong = with(password(), &[("password", "x")]);
    refused(&desk.token(wrong).await, "invalid_grant", 50_126);
    let unknown = with(password(), &[("username", "x@y.example")]);
    refused(&desk.token(unknown).await, "invalid_grant", 50_034);

    let signed_in = [
        ("email", person.email.as_str()),
        ("password", person.password.as_str()),
    ];
    for (policy, code) in [
        ("conditional_access", 53_003),
        ("assignment_required", 50_105),
    ] {
        desk.policy(json!({policy: true})).await;
        refused(&desk.refresh(token, &[]).await, "invalid_grant", code);
        refused(&desk.token(password()).await, "invalid_grant", code);
        let (status, page) = desk.submit(&desk.address(&[]), &signed_in).await;
        assert!(status == 200 && page.contains(&format!("AADSTS{code}")));
        desk.policy(json!({policy: false})).await;
    }

    // Proof and consent: refused without a page, asked for on one.
    desk.policy(json!({"mfa": true, "consent_required": true}))
        .await;
    refused(&desk.token(password()).await, "invalid_grant", 50_076);
    let flow = |page: &str| {
        let (_, rest) = page.split_once("name=\"flow\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let address = desk.address(&[]);
    let (_, page) = desk.submit(&address, &signed_in).await;
    assert!(page.contains("Approve sign in request"), "{page}");
    let step = flow(&page);
    let (_, page) = desk
        .submit(&address, &[("flow", &step), ("approve", "1")])
        .await;
    assert!(page.contains("Permissions requested"), "{page}");
    let (_, stale) = desk
        .submit(&address, &[("flow", &step), ("approve", "1")])
        .await;
    assert!(stale.contains("took too long"), "a step is taken once");
    let accept = [("flow", flow(&page)), ("accept", "1".to_owned())];
    let accept: Vec<(&str, &str)> = accept.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let back = desk.redirected(&address, &accept).await;
    let (status, body) = desk.redeem(&parameter(&back, "code").unwrap(), &[]).await;
    assert_eq!(status, 200, "{body}");
    let proven = body["refresh_token"].as_str().unwrap();
    assert_eq!(desk.refresh(proven, &[]).await.0, 200);
    desk.policy(json!({"mfa": false, "consent_required": false}))
        .await;
    desk.policy(json!({"consent_required": true})).await;
    let answer = desk.refresh(proven, &[]).await;
    refused(&answer, "invalid_grant", 65_001);
    assert_eq!(answer.1["suberror"], "consent_required");
}

#[tokio::test]
async fn a_sign_in_without_a_browser() {
    let desk = Desk::open().await;
    let address = desk.address(&[]);
    let (status, body) = desk
        .sign_in(json!({"authorize_url": address.as_str()}))
        .await;
    assert_eq!(status, 200, "{body}");
    let back = Url::parse(body["redirect"].as_str().unwrap()).unwrap();
    let (status, token) = desk.redeem(&parameter(&back, "code").unwrap(), &[]).await;
    assert_eq!(status, 200);
    assert_eq!(desk.who_am_i(&token).await["UserId"], desk.person().user_id);
    let deny = json!({"authorize_url": address.as_str(), "deny": true});
    let (_, body) = desk.sign_in(deny).await;
    let back = Url::parse(body["redirect"].as_str().unwrap()).unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    let bad = desk.address(&[("redirect_uri", "https://evil.example/")]);
    let answer = desk.sign_in(json!({"authorize_url": bad.as_str()})).await;
    refused(&answer, "invalid_request", 50_011);
}

#[tokio::test]
async fn device_codes() {
    let desk = Desk::open().await;
    let ask = async || -> Value {
        let fields = [("client_id", desk.client_id()), ("scope", &desk.scope())];
        let request = desk.browser.post(desk.endpoint("devicecode")).form(&fields);
        common::ok(request).await
    };
    let poll = async |device: &Value| {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", desk.client_id()),
            ("device_code", device["device_code"].as_str().unwrap()),
        ];
        desk.token(owned(&fields)).await
    };
    let wait = |seconds: i64| {
        let body = json!({"advance_seconds": seconds});
        desk.org.admin(Method::POST, "/clock", body)
    };
    let device = ask().await;
    assert_eq!(
        (&device["expires_in"], &device["interval"]),
        (&json!(900), &json!(5))
    );
    let user_code = device["user_code"].as_str().unwrap();
    assert_eq!(user_code.len(), 9);
    refused(&poll(&device).await, "authorization_pending", 70_016);
    let hasty = poll(&device).await;
    assert_eq!(hasty.1["error"], "slow_down");
    wait(6).await;
    assert_eq!(
        poll(&device).await.1["error"],
        "slow_down",
        "five seconds more"
    );
    wait(16).await;
    refused(&poll(&device).await, "authorization_pending", 70_016);

    // The person's side, by the pages.
    let page = Url::parse(device["verification_uri"].as_str().unwrap()).unwrap();
    let empty = desk.browser.get(page.clone()).send().await.unwrap();
    assert!(empty.text().await.unwrap().contains("name=\"user_code\""));
    let (_, wrong) = desk.submit(&page, &[("user_code", "NONSENSE")]).await;
    assert!(wrong.contains("AADSTS70018"));
    let typed = user_code.to_lowercase();
    let (_, found) = desk.submit(&page, &[("user_code", &typed)]).await;
    assert!(found.contains("Pick an account") && found.contains("Dynamics Companion"));
    let person = desk.person();
    let fields = [
        ("user_code", user_code),
        ("email", &person.email),
        ("password", &person.password),
    ];
    let (_, done) = desk.submit(&page, &fields).await;
    assert!(done.contains("You have signed in"), "{done}");
    let (status, body) = poll(&device).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(desk.who_am_i(&body).await["UserId"], person.user_id);
    assert!(body["refresh_token"].is_string());
    refused(&poll(&device).await, "invalid_grant", 54_005);

    let device = ask().await;
    let fields = [
        ("user_code", device["user_code"].as_str().unwrap()),
        ("cancel", "1"),
    ];
    desk.submit(&page, &fields).await;
    refused(&poll(&device).await, "authorization_declined", 70_017);
    let device = ask().await;
    wait(901).await;
    refused(&poll(&device).await, "expired_token", 70_020);
    let unknown = json!({"device_code": "x"});
    refused(&poll(&unknown).await, "bad_verification_code", 70_019);

    // By the admin door.
    let device = ask().await;
    let approve = json!({"user_code": device["user_code"], "email": person.email});
    assert_eq!(desk.sign_in(approve.clone()).await.0, 204);
    assert_eq!(
        desk.sign_in(approve).await.0,
        404,
        "it does not wait any more"
    );
    let known = desk.org.admin_get("/sign-ins").await;
    let last = known.as_array().unwrap().last().unwrap();
    assert_eq!(last["state"], "approved");
    assert_eq!(poll(&device).await.0, 200);
    let device = ask().await;
    let deny = json!({"user_code": device["user_code"], "deny": true});
    assert_eq!(desk.sign_in(deny).await.0, 204);
    assert_eq!(poll(&device).await.1["error"], "authorization_declined");
}

#[tokio::test]
async fn a_secret_expires() {
    let desk = Desk::open().await;
    let d = desk.org.sandbox.description();
    let scope = format!("{}/.default", d.organization_url);
    let fields = owned(&[
        ("grant_type", "client_credentials"),
        ("client_id", &d.client_id),
        ("client_secret", &d.client_secret),
        ("scope", &scope),
    ]);
    let of_tenant = |tenant: &str| format!("{}/{tenant}/oauth2/v2.0/token", d.authority_url);
    let post = |tenant: &str| desk.browser.post(of_tenant(tenant)).form(&fields).send();
    assert_eq!(
        post("practice.onmicrosoft.com").await.unwrap().status(),
        200
    );
    let nobody = post("common").await.unwrap();
    assert_eq!(
        nobody.json::<Value>().await.unwrap()["error_codes"],
        json!([50_059])
    );
    let change = json!({"client_id": d.client_id, "secret_expired": true});
    desk.org.admin(Method::PATCH, "/clients", change).await;
    let expired = post(&d.tenant_id).await.unwrap();
    assert_eq!(expired.status(), 401);
    assert_eq!(
        expired.json::<Value>().await.unwrap()["error_codes"],
        json!([7_000_222])
    );
}

#[tokio::test]
async fn what_the_authorities_say_about_themselves() {
    let desk = Desk::open().await;
    let d = desk.org.sandbox.description();
    let read = async |path: &str| {
        let url = format!("{}{path}", d.authority_url);
        common::ok(desk.browser.get(url)).await
    };
    let path = format!("/{}/v2.0/.well-known/openid-configuration", d.tenant_id);
    let tenant = read(&path).await;
    let token = format!("{}/{}/oauth2/v2.0/token", d.authority_url, d.tenant_id);
    assert_eq!(tenant["token_endpoint"], token);
    assert!(
        tenant["device_authorization_endpoint"]
            .as_str()
            .unwrap()
            .ends_with("/devicecode")
    );
    let common = read("/common/v2.0/.well-known/openid-configuration").await;
    assert!(common["issuer"].as_str().unwrap().contains("{tenantid}"));
    let adfs = read("/adfs/.well-known/openid-configuration").await;
    assert!(
        adfs["token_endpoint"]
            .as_str()
            .unwrap()
            .ends_with("/adfs/oauth2/token/")
    );
    let instance = read("/common/discovery/instance?api-version=1.1").await;
    assert!(instance["tenant_discovery_endpoint"].is_string());
}

#[tokio::test]
async fn on_premises_in_a_browser() {
    let desk = Desk::open().await;
    let d = desk.org.sandbox.description();
    let on_premises = &d.on_premises;
    let resource = format!("{}/", d.organization_url);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let address = |changes: Changes<'_>| {
        let query = owned(&[
            ("response_type", "code"),
            ("client_id", &on_premises.native_client_id),
            ("resource", &resource),
            ("redirect_uri", REDIRECT),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let url = format!("{}/adfs/oauth2/authorize", d.authority_url);
        Url::parse_with_params(&url, with(query, changes)).unwrap()
    };
    let login = [
        ("email", on_premises.login_email.as_str()),
        ("password", &on_premises.password),
    ];
    let back = desk.redirected(&address(&[]), &login).await;
    let code = parameter(&back, "code").unwrap();
    let token = async |fields: &[(&str, &str)]| {
        let request = desk.browser.post(&on_premises.authority_url).form(fields);
        let response = request.send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let client = ("client_id", on_premises.native_client_id.as_str());
    let redeem = [
        ("grant_type", "authorization_code"),
        client,
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let (status, body) = token(&redeem).await;
    assert_eq!(status, 200, "{body}");
    let who = desk
        .browser
        .get(format!("{}/WhoAmI", on_premises.organization_url))
        .bearer_auth(body["access_token"].as_str().unwrap());
    common::ok(who).await;
    assert_eq!(token(&redeem).await.0, 400, "a code serves once");
    let refresh = body["refresh_token"].as_str().unwrap().to_owned();
    let renew = [
        ("grant_type", "refresh_token"),
        client,
        ("refresh_token", refresh.as_str()),
        ("resource", &resource),
    ];
    let (_, body) = token(&renew).await;
    let advance = json!({"advance_seconds": 28_800});
    desk.org.admin(Method::POST, "/clock", advance).await;
    let late = body["refresh_token"].as_str().unwrap().to_owned();
    let late = [renew[0], client, ("refresh_token", late.as_str()), renew[3]];
    let (_, body) = token(&late).await;
    assert!(
        body["error_description"]
            .as_str()
            .unwrap()
            .starts_with("MSIS9615")
    );

    let wrong = desk
        .redirected(&address(&[("resource", "https://x.example/")]), &login)
        .await;
    assert_eq!(
        parameter(&wrong, "error").as_deref(),
        Some("invalid_resource")
    );
    let cancelled = desk.redirected(&address(&[]), &[("cancel", "1")]).await;
    assert_eq!(
        parameter(&cancelled, "error").as_deref(),
        Some("access_denied")
    );
    let unknown = desk
        .browser
        .get(address(&[("client_id", "x")]))
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 400);
    // An application's own token, as AD FS 2016 gives it.
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", on_premises.client_id.as_str()),
        ("client_secret", &on_premises.client_secret),
        ("resource", &on_premises.organization_url),
    ];
    assert_eq!(token(&own).await.0, 200);
}
