//! An organization and a sign-in service on one local server, and connections to them.

use dataverse::{Client, Connection, RetryPolicy, SignIn};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Match, Mock, MockServer, Request, Respond, ResponseTemplate};

pub const TENANT: &str = "0f3f1a2e-7a60-4ab8-9f37-3f1f0a6f1111";
pub const SECRET: &str = "s3cret~value+with&signs";
pub const PASSWORD: &str = "pass word+42%";
pub const LOGIN: &str = "agent.smith@contoso.example";
pub const API: &str = "/api/data/v9.2/";

pub fn cloud(server: &MockServer) -> Connection {
    Connection::new(
        server.uri(),
        SignIn::Cloud {
            authority_url: server.uri(),
            tenant_id: TENANT.to_owned(),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            client_secret: SecretString::from(SECRET),
        },
    )
}

pub fn on_premises(server: &MockServer) -> Connection {
    Connection::new(
        format!("{}/contoso", server.uri()),
        SignIn::OnPremises {
            authority_url: format!("{}/adfs/oauth2/token", server.uri()),
            client_id: "aaaaaaaa-2222-3333-4444-555555555555".to_owned(),
            client_secret: None,
            login_email: LOGIN.to_owned(),
            password: SecretString::from(PASSWORD),
        },
    )
}

/// Repeats without waiting.
pub fn quick() -> RetryPolicy {
    RetryPolicy {
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    }
}

pub fn client(server: &MockServer) -> Client {
    Client::with_retry_policy(cloud(server), quick()).unwrap()
}

pub fn token_path() -> String {
    format!("/{TENANT}/oauth2/v2.0/token")
}

/// Gives the tokens "token-1", "token-2", … and counts them.
pub struct Tokens {
    given: AtomicUsize,
    expires_in: Value,
}

impl Tokens {
    pub fn lasting(expires_in: impl Into<Value>) -> Self {
        Self {
            given: AtomicUsize::new(0),
            expires_in: expires_in.into(),
        }
    }
}

impl Respond for Tokens {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        ResponseTemplate::new(200).set_body_json(json!({
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "ext_expires_in": self.expires_in,
            "access_token": format!("token-{number}"),
        }))
    }
}

pub async fn give_tokens(server: &MockServer) {
    Mock::given(method("POST"))
        .and(path(token_path()))
        .respond_with(Tokens::lasting(3599))
        .mount(server)
        .await;
}

pub async fn answer(server: &MockServer, verb: &str, resource: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(format!("{API}{resource}")))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// A server that signs in and gives this answer to a GET.
pub async fn organization(resource: &str, template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    answer(&server, "GET", resource, template).await;
    server
}

pub fn who_am_i() -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("REQ_ID", "5ecd1cb3-1730-4ffc-909c-d44c22270026")
        .set_body_json(json!({
            "@odata.context": "x/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": "5a8b0000-0000-0000-0000-000000000001",
            "UserId": "7c2d0000-0000-0000-0000-000000000002",
            "OrganizationId": "e1f00000-0000-0000-0000-000000000003",
        }))
}

/// Dataverse's 401, with its unquoted challenge.
pub fn unauthorized(tenant: &str, resource: &str) -> ResponseTemplate {
    ResponseTemplate::new(401)
        .insert_header(
            "WWW-Authenticate",
            format!(
                "Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize, \
                 resource_id={resource}"
            ),
        )
        .insert_header("REQ_ID", "0a1b0000-0000-0000-0000-000000000000")
        .set_body_string("HTTP Error 401 - Unauthorized: Access is denied")
}

pub fn dataverse_error(status: u16, code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("REQ_ID", "5ecd1cb3-1730-4ffc-909c-d44c22270026")
        .insert_header("OData-Version", "4.0")
        .set_body_raw(
            json!({"error": {"code": code, "message": message}}).to_string(),
            "application/json; odata.metadata=minimal",
        )
}

pub fn entra_error(status: u16, error: &str, code: u64) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "error": error,
        "error_description": format!("AADSTS{code}: Something about {LOGIN}.\r\nTrace ID: x\r\nTimestamp: 2024-05-01"),
        "error_codes": [code],
        "timestamp": "2024-05-01 09:03:41Z",
        "trace_id": "aaaa0000-0000-0000-0000-000000000000",
        "correlation_id": "cccc0000-0000-0000-0000-000000000000",
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    }))
}

pub fn adfs_error(error: &str, description: &str) -> ResponseTemplate {
    let body = format!(
        r#"{{"error":"{error}","error_description":"{}"}}"#,
        description.replace('\'', "\\u0027")
    );
    ResponseTemplate::new(400).set_body_raw(body, "application/json;charset=UTF-8")
}

/// The bearer token of a request is this one.
pub struct Bearer(pub &'static str);

impl Match for Bearer {
    fn matches(&self, request: &Request) -> bool {
        request
            .headers
            .get("authorization")
            .is_some_and(|value| value == format!("Bearer {}", self.0).as_str())
    }
}

/// A form field of a request is this.
pub struct Field(pub &'static str, pub String);

impl Match for Field {
    fn matches(&self, request: &Request) -> bool {
        form(request)
            .iter()
            .any(|(name, value)| name == self.0 && *value == self.1)
    }
}

pub fn form(request: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

/// How many requests came to paths that end so.
pub async fn count(server: &MockServer, path_end: &str) -> usize {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.url.path().ends_with(path_end))
        .count()
}

pub async fn last(server: &MockServer) -> Request {
    server.received_requests().await.unwrap().pop().unwrap()
}
