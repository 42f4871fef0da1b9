//! A practice organization and a client that speaks plain HTTP to it.
#![expect(dead_code, reason = "each test binary uses its part")]

pub mod multipart;

use reqwest::{Method, Response};
use sandbox::{Description, Options, Sandbox, Seed};
use serde_json::{Value, json};

/// A running organization with a token of one of its users.
pub struct Org {
    pub sandbox: Sandbox,
    pub client: reqwest::Client,
    pub token: String,
    pub base: String,
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub async fn cloud_token(
    client: &reqwest::Client,
    d: &Description,
    id: &str,
    secret: &str,
) -> Response {
    client
        .post(format!(
            "{}/{}/oauth2/v2.0/token",
            d.authority_url, d.tenant_id
        ))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", &format!("{}/.default", d.organization_url)),
        ])
        .send()
        .await
        .unwrap()
}

pub async fn access_token(response: Response) -> String {
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

impl Org {
    /// The demo organization, as the application user with the guide's role.
    pub async fn demo() -> Org {
        Org::start(Options::default(), false).await
    }

    /// An organization without customers, as its administrator.
    pub async fn empty() -> Org {
        Org::start(
            Options {
                seed: Seed::Empty,
                ..Options::default()
            },
            true,
        )
        .await
    }

    pub async fn start(options: Options, administrator: bool) -> Org {
        let client = http();
        let sandbox = Sandbox::start(options).await.unwrap();
        let d = sandbox.description().clone();
        let (id, secret) = if administrator {
            (&d.administrator.client_id, &d.administrator.client_secret)
        } else {
            (&d.client_id, &d.client_secret)
        };
        let token = access_token(cloud_token(&client, &d, id, secret).await).await;
        let base = format!("{}/api/data/v9.2", d.organization_url);
        Org {
            sandbox,
            client,
            token,
            base,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}/{path}", self.base))
            .bearer_auth(&self.token)
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: Value) -> reqwest::RequestBuilder {
        self.request(Method::POST, path).json(&body)
    }

    pub fn patch(&self, path: &str, body: Value) -> reqwest::RequestBuilder {
        self.request(Method::PATCH, path).json(&body)
    }

    pub fn delete(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// The body of a GET that must succeed.
    pub async fn read(&self, path: &str) -> Value {
        ok(self.get(path)).await
    }

    /// The primary-name column of the rows that a filter finds, sorted.
    pub async fn names(&self, set: &str, column: &str, filter: &str) -> Vec<String> {
        let response = self
            .get(set)
            .query(&[("$select", column), ("$filter", filter)])
            .send()
            .await
            .unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{filter}: {body}");
        let mut names: Vec<String> = body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[column].as_str().unwrap_or("").to_owned())
            .collect();
        names.sort();
        names
    }

    /// Creates a row and returns its id.
    pub async fn create(&self, set: &str, body: Value) -> String {
        let response = self.post(set, body).send().await.unwrap();
        let status = response.status();
        let entity = response
            .headers()
            .get("odata-entityid")
            .map(|id| id.to_str().unwrap().to_owned());
        assert_eq!(status, 204, "{}", response.text().await.unwrap());
        let entity = entity.unwrap();
        entity
            .rsplit_once('(')
            .unwrap()
            .1
            .trim_end_matches(')')
            .to_owned()
    }

    /// A call of the admin door that must succeed.
    pub async fn admin(&self, method: Method, path: &str, body: Value) {
        let url = format!("{}{path}", self.sandbox.description().admin_url);
        let response = self
            .client
            .request(method, url)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 204, "{}", response.text().await.unwrap());
    }

    pub async fn admin_get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.description().admin_url);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub async fn fault(&self, fault: &str, path: &str) {
        self.admin(
            Method::POST,
            "/faults",
            json!({"fault": fault, "path": path, "retry_after": 7}),
        )
        .await;
    }
}

/// The JSON body of a request that must answer 200.
pub async fn ok(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Status, code and message of a request that must fail with an OData error.
pub async fn failure(request: reqwest::RequestBuilder) -> (u16, String, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text}"));
    let of = |name: &str| {
        body["error"][name]
            .as_str()
            .unwrap_or_else(|| panic!("{text}"))
            .to_owned()
    };
    (status, of("code"), of("message"))
}
