//! What an administrator demands of a person who has signed in already: the client says it, and another sign-in heals it.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use std::sync::{Arc, Mutex};

use dataverse::{Client, Connection, RefreshTokens, SignIn};
use reqwest::Url;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use sandbox::{Options, Person, Sandbox, Seed};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// A person at a browser, with what the program keeps of the sign-in.
struct Desk {
    sandbox: Sandbox,
    browser: reqwest::Client,
    kept: Arc<Mutex<Option<String>>>,
}

impl Desk {
    async fn open() -> Desk {
        // The browser is built without a provider of TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options {
            seed: Seed::Empty,
            ..Options::default()
        };
        Desk {
            sandbox: Sandbox::start(options).await.unwrap(),
            browser: reqwest::Client::builder()
                .redirect(Policy::none())
                .build()
                .unwrap(),
            kept: Arc::default(),
        }
    }

    fn person(&self) -> &Person {
        self.sandbox.description().people.first().unwrap()
    }

    /// The program as it is when it starts: it has the refresh token that was kept, and no access token.
    fn program(&self) -> Client {
        let description = self.sandbox.description();
        let keep = Arc::clone(&self.kept);
        let kept = self.kept.lock().unwrap().clone().map(SecretString::from);
        let sign_in = SignIn::Person {
            authority_url: Some(description.authority_url.clone()),
            tenant_id: Some(description.tenant_id.clone()),
            client_id: description.public_client.client_id.clone(),
            refresh_tokens: RefreshTokens::new(kept, move |token| {
                *keep.lock().unwrap() = token.map(|token| token.expose_secret().to_owned());
            }),
        };
        Client::new(Connection::new(&description.organization_url, sign_in)).unwrap()
    }

    async fn policies(&self, policies: Value) {
        let url = format!("{}/policies", self.sandbox.description().admin_url);
        let answer = self.browser.patch(url).json(&policies).send().await;
        assert!(answer.unwrap().status().is_success());
    }

    /// Fills in the page's form and gives where it leads, or the next page.
    async fn submit(&self, page: &Url, fields: &[(&str, &str)]) -> Result<Url, String> {
        let request = self.browser.post(page.clone()).form(fields);
        let answer = request.send().await.unwrap();
        match answer.headers().get(LOCATION) {
            Some(location) => Ok(Url::parse(location.to_str().unwrap()).unwrap()),
            None => Err(answer.text().await.unwrap()),
        }
    }

    /// Signs in by the pages and approves what they ask for; the pages' headings.
    async fn sign_in(&self, client: &Client) -> Vec<&'static str> {
        let attempt = client.sign_in_with_browser().await.unwrap();
        let address = attempt.url().clone();
        let person = self.person();
        let mut asked = Vec::new();
        let mut step = self
            .submit(
                &address,
                &[("email", &person.email), ("password", &person.password)],
            )
            .await;
        let back = loop {
            let page = match step {
                Ok(back) => break back,
                Err(page) => page,
            };
            let (_, rest) = page.split_once("name=\"flow\" value=\"").expect(&page);
            let (flow, _) = rest.split_once('"').unwrap();
            let answer = if page.contains("Approve sign in request") {
                asked.push("second factor");
                "approve"
            } else {
                assert!(page.contains("Permissions requested"), "{page}");
                asked.push("consent");
                "accept"
            };
            step = self
                .submit(&address, &[("flow", flow), (answer, "1")])
                .await;
        };
        let (finished, page) = tokio::join!(attempt.finish(), self.browser.get(back).send());
        assert!(page.unwrap().status().is_success());
        finished.unwrap();
        asked
    }

    async fn is_itself(&self, client: &Client) {
        let me = client.who_am_i().await.unwrap();
        assert_eq!(me.user_id.to_string(), self.person().user_id);
    }
}

/// `AADSTS50076`: the organization begins to demand a second factor (protocol page `auth.md`, section 7).
#[tokio::test]
async fn a_second_factor_is_demanded_later() {
    let desk = Desk::open().await;
    let first = desk.program();
    assert_eq!(desk.sign_in(&first).await, Vec::<&str>::new());
    desk.is_itself(&first).await;
    desk.is_itself(&desk.program()).await;

    desk.policies(json!({"mfa": true})).await;
    // Who has an access token goes on until it ends.
    desk.is_itself(&first).await;
    let again = desk.program();
    let error = again.who_am_i().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_second_factor_required");
    assert_eq!(
        error.answer().and_then(|answer| answer.code()),
        Some("AADSTS50076")
    );
    assert!(
        error.next_step().contains("ign in"),
        "{}",
        error.next_step()
    );
    assert_eq!(desk.sign_in(&again).await, ["second factor"]);
    desk.is_itself(&again).await;
    desk.is_itself(&desk.program()).await;
    desk.sandbox.stop().await;
}

/// `AADSTS65001`: the consent was withdrawn (protocol page `auth.md`, section 7).
#[tokio::test]
async fn consent_is_demanded_later() {
    let desk = Desk::open().await;
    let first = desk.program();
    assert_eq!(desk.sign_in(&first).await, Vec::<&str>::new());
    desk.policies(json!({"consent_required": true})).await;
    let again = desk.program();
    let error = again.who_am_i().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_consent_required");
    assert_eq!(
        error.answer().and_then(|answer| answer.code()),
        Some("AADSTS65001")
    );
    assert!(
        error.next_step().contains("consent"),
        "{}",
        error.next_step()
    );
    assert_eq!(desk.sign_in(&again).await, ["consent"]);
    desk.is_itself(&again).await;
    desk.is_itself(&desk.program()).await;
    desk.sandbox.stop().await;
}
