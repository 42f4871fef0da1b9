//! Stories of a person who signs in: in the browser, on another device, with and without a keyring. The practice
//! organization plays Entra ID; the test plays the browser.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::sync::Arc;

use backend::keyring::Keyring;
use backend::secrets::{Kept, Secrets};
use backend::settings::{ConnectionKind, ConnectionSettings, SignInKind};
use backend::view::{ConnectionState, RecognitionState, View};
use common::{Companion, practice_organization};
use keyring_core::{CredentialStore, mock};
use reqwest::Method;
use sandbox::Sandbox;
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

/// All that a person has to know.
fn connection(organization: &Sandbox, sign_in: SignInKind) -> ConnectionSettings {
    let description = organization.description();
    ConnectionSettings {
        kind: ConnectionKind::Cloud,
        organization_url: Some(description.organization_url.clone()),
        client_id: Some(description.public_client.client_id.clone()),
        sign_in,
        ..ConnectionSettings::default()
    }
}

fn keyring() -> Keyring {
    let store: Arc<CredentialStore> = mock::Store::new().unwrap();
    Keyring::given(store)
}

async fn start(organization: Sandbox, sign_in: SignInKind, keyring: Keyring) -> Companion {
    let connection = connection(&organization, sign_in);
    let secrets = Secrets::gather(&connection, |_| None, keyring)
        .await
        .unwrap();
    Companion::on(organization, connection, secrets, |_| {}).await
}

async fn kept(companion: &Companion, keyring: &Keyring) -> Option<String> {
    let connection = connection(&companion.organization, SignInKind::Yourself);
    let entry = Kept::RefreshToken.entry(&connection).unwrap();
    let kept = keyring.read(&entry).await.unwrap();
    kept.map(|token| token.expose_secret().to_owned())
}

fn is_signed_out(view: &Arc<View>) -> bool {
    view.connection.state == ConnectionState::SignedOut
}

fn code(view: &View) -> &str {
    view.connection
        .problem
        .as_ref()
        .map_or("", |problem| &problem.code)
}

/// The person signs in on the page; the browser comes back with what it is sent back with.
async fn play_browser(companion: &Companion, page: &Url, email: &str) -> String {
    let answer = companion
        .admin(
            Method::POST,
            "/sign-ins",
            Some(json!({ "authorize_url": page, "email": email })),
        )
        .await;
    come_back(answer["redirect"].as_str().unwrap()).await
}

async fn come_back(address: &str) -> String {
    let mut address: Url = address.parse().unwrap();
    address.set_host(Some("127.0.0.1")).unwrap();
    let answer = reqwest::get(address).await.unwrap();
    answer.text().await.unwrap()
}

async fn sign_in(companion: &Companion, person: usize) -> Arc<View> {
    let (email, name) = {
        let person = &companion.organization.description().people[person];
        (person.email.clone(), person.name.clone())
    };
    let page = companion.handle().sign_in().await.unwrap().unwrap();
    companion
        .until("it waits", |view| {
            view.connection
                .person
                .as_ref()
                .is_some_and(|person| person.waiting)
        })
        .await;
    let shown = play_browser(companion, &page, &email).await;
    assert!(shown.contains("You are signed in"), "{shown}");
    companion
        .until("the person's name", |view| {
            view.connection.state == ConnectionState::Online
                && view.connection.user_name.as_deref() == Some(name.as_str())
        })
        .await
}

async fn select_dana(companion: &Companion, id: u64) {
    let mut console = companion.console().await;
    let visitor = json!({
        "type": "event", "id": format!("event-{id}"),
        "event": {
            "source": "test", "kind": "selected", "sentAt": id,
            "agent": { "id": "a1", "name": "Robin", "email": "robin@example.com" },
            "chat": { "id": id, "name": "Dana Whitfield", "email": "dana.whitfield@northwind.example" },
            "visitor": { "id": id },
        },
    });
    console.say(&visitor).await;
    console.hear("ack").await;
}

#[tokio::test]
async fn a_person_signs_in_recognises_a_visitor_and_stays_signed_in_until_it_is_revoked() {
    let keyring = keyring();
    let companion = start(
        practice_organization().await,
        SignInKind::Yourself,
        keyring.clone(),
    )
    .await;
    let view = companion.until("nobody is signed in", is_signed_out).await;
    assert_eq!(code(&view), "sign_in_required");
    let view = sign_in(&companion, 0).await;
    let person = view.connection.person.clone().unwrap();
    assert!(!person.waiting && person.session_only.is_none());
    let first = kept(&companion, &keyring).await.unwrap();

    let sample = practice::samples().remove(0);
    let email = sample.chat["email"].as_str().unwrap().to_owned();
    let mut console = companion.console().await;
    let event = json!({
        "source": "test", "kind": "selected", "sentAt": 1,
        "agent": { "id": "a1", "name": "Robin", "email": "robin@example.com" },
        "chat": sample.chat, "visitor": sample.visitor,
    });
    console
        .say(&json!({ "type": "event", "id": "1", "event": event }))
        .await;
    console.hear("ack").await;
    let view = companion
        .until("the visitor", |view| {
            view.recognition.state == RecognitionState::Live
        })
        .await;
    let fields = &view.recognition.contact.record.as_ref().unwrap().fields;
    assert!(
        fields
            .iter()
            .any(|field| field.value.as_deref() == Some(email.as_str())),
        "{fields:?}"
    );

    // The token ends by the organization's clock; the next question renews it and nobody notices.
    let advance = json!({ "advance_seconds": 2 * 60 * 60 });
    companion
        .admin(Method::POST, "/clock", Some(advance.clone()))
        .await;
    let read_before = view
        .recognition
        .contact
        .record
        .as_ref()
        .unwrap()
        .as_of
        .clone();
    companion.handle().refresh().await.unwrap();
    companion
        .until("the visitor anew", |view| {
            view.recognition.state == RecognitionState::Live
                && view
                    .recognition
                    .contact
                    .record
                    .as_ref()
                    .is_some_and(|record| record.as_of > read_before)
        })
        .await;
    let second = kept(&companion, &keyring).await.unwrap();
    assert_ne!(first, second, "the newest refresh token is kept");

    // The sign-in is revoked: that is told, and what cannot be used any more is not kept.
    companion
        .admin(
            Method::POST,
            "/refresh-tokens",
            Some(json!({ "end": "revoked" })),
        )
        .await;
    companion.admin(Method::POST, "/clock", Some(advance)).await;
    companion.handle().refresh().await.unwrap();
    let view = companion.until("the revocation", is_signed_out).await;
    assert_eq!(code(&view), "sign_in_expired");
    assert_eq!(
        view.connection.problem.as_ref().unwrap().next_step,
        "Sign in again."
    );
    assert_eq!(kept(&companion, &keyring).await, None);
    sign_in(&companion, 0).await;
    assert!(kept(&companion, &keyring).await.is_some());
    companion.stop().await;
}

#[tokio::test]
async fn the_next_start_is_signed_in_and_after_signing_out_it_is_not() {
    let keyring = keyring();
    let companion = start(
        practice_organization().await,
        SignInKind::Yourself,
        keyring.clone(),
    )
    .await;
    sign_in(&companion, 0).await;
    let Companion {
        backend,
        organization,
    } = companion;
    backend.stop().await;
    let companion = start(organization, SignInKind::Yourself, keyring.clone()).await;
    companion
        .until("signed in by what is kept", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;

    select_dana(&companion, 1).await;
    companion
        .until("an answer", |view| {
            view.recognition.state == RecognitionState::Live
        })
        .await;
    companion.handle().sign_out().await.unwrap();
    let view = companion.until("signed out", is_signed_out).await;
    assert_eq!(code(&view), "sign_in_required");
    assert!(view.connection.user_name.is_none());
    assert!(
        view.recognition.contact.record.is_none(),
        "it was for another person's eyes"
    );
    assert_eq!(kept(&companion, &keyring).await, None);

    // Somebody else sits down.
    sign_in(&companion, 1).await;
    let Companion {
        backend,
        organization,
    } = companion;
    backend.stop().await;
    let name = organization.description().people[1].name.clone();
    let companion = start(organization, SignInKind::Yourself, keyring).await;
    companion
        .until("the other person", |view| {
            view.connection.user_name.as_deref() == Some(name.as_str())
        })
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn what_another_page_brings_signs_nobody_in() {
    let keyring = keyring();
    let companion = start(
        practice_organization().await,
        SignInKind::Yourself,
        keyring.clone(),
    )
    .await;
    companion.until("nobody is signed in", is_signed_out).await;
    let page = companion.handle().sign_in().await.unwrap().unwrap();
    let email = companion.organization.description().people[1].email.clone();
    let answer = companion
        .admin(
            Method::POST,
            "/sign-ins",
            Some(json!({ "authorize_url": page, "email": email })),
        )
        .await;
    // The attacker's own code, with a state that they do not know.
    let mut address: Url = answer["redirect"].as_str().unwrap().parse().unwrap();
    let code_of_attacker = address
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    address
        .query_pairs_mut()
        .clear()
        .append_pair("code", &code_of_attacker)
        .append_pair("state", "guessed");
    let shown = come_back(address.as_str()).await;
    assert!(shown.contains("You are not signed in") && !shown.contains(&code_of_attacker));
    let view = companion
        .until("the attack is told", |view| {
            code(view) == "sign_in_foreign_callback"
        })
        .await;
    assert!(is_signed_out(&view) && !view.connection.person.as_ref().unwrap().waiting);
    assert_eq!(kept(&companion, &keyring).await, None);
    sign_in(&companion, 0).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_sign_in_can_be_cancelled_declined_and_begun_anew() {
    let companion = start(
        practice_organization().await,
        SignInKind::Yourself,
        keyring(),
    )
    .await;
    companion.until("nobody is signed in", is_signed_out).await;
    let waits = |view: &Arc<View>| view.connection.person.as_ref().unwrap().waiting;
    companion.handle().sign_in().await.unwrap();
    companion.until("it waits", waits).await;
    companion.handle().cancel_sign_in().await.unwrap();
    companion
        .until("it does not wait", |view| !waits(view))
        .await;
    // Asking twice begins anew; the page that was opened first is of no use any more.
    let first = companion.handle().sign_in().await.unwrap().unwrap();
    let second = companion.handle().sign_in().await.unwrap().unwrap();
    assert_ne!(first, second);
    let declined = json!({ "authorize_url": second, "deny": true });
    let answer = companion
        .admin(Method::POST, "/sign-ins", Some(declined))
        .await;
    come_back(answer["redirect"].as_str().unwrap()).await;
    companion
        .until("it was declined", |view| {
            code(view) == "sign_in_declined" && !waits(view)
        })
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn without_a_keyring_the_sign_in_lasts_as_long_as_the_program() {
    let companion = start(
        practice_organization().await,
        SignInKind::Yourself,
        Keyring::none(),
    )
    .await;
    let view = sign_in(&companion, 0).await;
    let problem = view
        .connection
        .person
        .as_ref()
        .unwrap()
        .session_only
        .clone();
    assert_eq!(problem.unwrap().code, "keyring_unavailable");
    // It is renewed all the same.
    companion
        .admin(
            Method::POST,
            "/clock",
            Some(json!({ "advance_seconds": 7200 })),
        )
        .await;
    select_dana(&companion, 1).await;
    companion
        .until("an answer", |view| {
            view.recognition.state == RecognitionState::Live
        })
        .await;
    let Companion {
        backend,
        organization,
    } = companion;
    backend.stop().await;
    let companion = start(organization, SignInKind::Yourself, Keyring::none()).await;
    companion.until("nobody is signed in", is_signed_out).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_person_signs_in_with_a_code_on_another_device() {
    let keyring = keyring();
    let companion = start(
        practice_organization().await,
        SignInKind::Device,
        keyring.clone(),
    )
    .await;
    companion.until("nobody is signed in", is_signed_out).await;
    let quick = json!({ "device_code_interval_seconds": 1 });
    companion
        .admin(Method::PATCH, "/settings", Some(quick))
        .await;
    for (answer, expected) in [
        (json!({ "deny": true }), "sign_in_declined"),
        (json!({}), ""),
    ] {
        assert!(companion.handle().sign_in().await.unwrap().is_none());
        let view = companion
            .until("the code", |view| {
                view.connection.person.as_ref().unwrap().device.is_some()
            })
            .await;
        let device = view.connection.person.clone().unwrap().device.unwrap();
        assert!(device.page.starts_with("http"), "{}", device.page);
        let mut body = answer;
        body["user_code"] = json!(device.code);
        companion.admin(Method::POST, "/sign-ins", Some(body)).await;
        companion
            .until("its end", |view| {
                let person = view.connection.person.as_ref().unwrap();
                !person.waiting && person.device.is_none() && code(view) == expected
            })
            .await;
    }
    companion
        .until("signed in", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    assert!(kept(&companion, &keyring).await.is_some());
    companion.stop().await;
}

#[tokio::test]
async fn what_the_tenant_demands_is_told() {
    let keyring = keyring();
    let companion = start(practice_organization().await, SignInKind::Yourself, keyring).await;
    sign_in(&companion, 0).await;
    let advance = json!({ "advance_seconds": 2 * 60 * 60 });
    for (policy, expected) in [
        ("conditional_access", "sign_in_blocked_by_policy"),
        ("assignment_required", "sign_in_not_permitted"),
    ] {
        companion
            .admin(Method::PATCH, "/policies", Some(json!({ policy: true })))
            .await;
        companion
            .admin(Method::POST, "/clock", Some(advance.clone()))
            .await;
        companion.handle().reconnect().await.unwrap();
        companion
            .until(expected, |view| code(view) == expected)
            .await;
        companion
            .admin(Method::PATCH, "/policies", Some(json!({ policy: false })))
            .await;
        companion.handle().reconnect().await.unwrap();
        companion
            .until("the sign-in goes on", |view| {
                view.connection.state == ConnectionState::Online
            })
            .await;
    }
    companion.stop().await;
}
