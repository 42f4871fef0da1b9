//! An agent says who a visitor is: it is believed at once, the next time, without a network, and by the recording.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use backend::view::{CardState, EntryState, RecognitionState, ValueSource, View};
use backend::{Backend, Files, Handle};
use common::recording::{Organization, done, ended, event, recorded, written};
use common::{PATIENCE, encrypted_files};
use dataverse::Filter;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

const PRIVATE: &str = "d.v@private.example";

async fn until(handle: &Handle, what: &str, wanted: impl FnMut(&Arc<View>) -> bool) -> Arc<View> {
    let mut views = handle.watch();
    match tokio::time::timeout(PATIENCE, views.wait_for(wanted)).await {
        Ok(view) => Arc::clone(&view.unwrap()),
        Err(_) => panic!("never: {what}; the view is {:#?}", handle.view()),
    }
}

/// An agent selects a chat.
async fn select(handle: &Handle, chat: Uuid, email: &str, phone: &str) {
    let selected = json!({
        "source": "console-app", "kind": "selected", "agent": { "id": "a", "name": "Robin" },
        "chat": { "id": chat.to_string(), "status": "chatting", "name": "D. V.", "email": email, "phone": phone },
    });
    handle.feed(event(selected)).await.unwrap();
}

/// The chat is shown, and Dynamics has answered.
fn is_settled(view: &View, chat: Uuid) -> bool {
    let shown = view
        .visitor
        .as_ref()
        .and_then(|visitor| visitor.chat_id.clone());
    shown == Some(chat.to_string()) && view.recognition.state == RecognitionState::Live
}

async fn settled(handle: &Handle, chat: Uuid) -> Arc<View> {
    until(handle, "the live answer", |view| is_settled(view, chat)).await
}

fn linked(view: &View) -> Option<(&str, &str)> {
    let record = view.recognition.contact.record.as_ref()?;
    Some((&record.id, &record.link.as_ref()?.by))
}

async fn dana(organization: &Organization) -> Uuid {
    organization
        .put(
            "contacts",
            &[
                ("firstname", "Dana"),
                ("lastname", "Vermeer"),
                ("emailaddress1", "dana.vermeer@example.com"),
            ],
        )
        .await
}

async fn manual(organization: &Organization) -> Backend {
    organization
        .companion(|options| {
            options.settings.recording = integration::recording::Recording::default();
        })
        .await
}

#[tokio::test]
async fn a_linked_contact_is_who_the_visitor_is_now_and_the_next_time_until_it_is_taken_back() {
    let organization = Organization::start().await;
    let dana = dana(&organization).await;
    let backend = manual(&organization).await;
    let handle = backend.handle();
    let (first, second, other) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    select(&handle, first, PRIVATE, "").await;
    let view = settled(&handle, first).await;
    assert_eq!(view.recognition.contact.state, CardState::None);

    let chat = first.to_string();
    handle
        .link("contact", &dana.to_string(), Some(&chat))
        .await
        .unwrap();
    let view = until(&handle, "the confirmed link", |view| {
        linked(view).is_some() && is_settled(view, first)
    })
    .await;
    assert_eq!(linked(&view), Some((dana.to_string().as_str(), "Robin")));
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(contact.name, "Dana Vermeer");
    assert_eq!(contact.rule, "Linked");
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
    assert_eq!(contact.reason, format!("Linked by Robin on {today}"));
    assert_eq!(contact.source, ValueSource::Live);

    // Nobody else gets it, and the same visitor does the next time, however the address is written.
    select(&handle, other, "lee@example.com", "").await;
    let view = settled(&handle, other).await;
    assert_eq!(view.recognition.contact.state, CardState::None);
    select(&handle, second, "D.V@Private.Example", "").await;
    let view = settled(&handle, second).await;
    assert_eq!(linked(&view), Some((dana.to_string().as_str(), "Robin")));

    handle
        .unlink("contact", Some(&second.to_string()))
        .await
        .unwrap();
    let view = until(&handle, "that it is taken back", |view| {
        linked(view).is_none()
    })
    .await;
    assert_eq!(view.recognition.contact.state, CardState::None);
    let gone = handle.unlink("contact", None).await.unwrap_err();
    assert_eq!(gone.code, "link_gone");
    // Undo.
    handle
        .link("contact", &dana.to_string(), Some(&second.to_string()))
        .await
        .unwrap();
    until(&handle, "that it is linked again", |view| {
        linked(view).is_some()
    })
    .await;

    let lines = handle
        .activity(backend::view::ActivityFilter {
            what: vec!["linked".to_owned(), "unlinked".to_owned()],
            ..Default::default()
        })
        .await
        .unwrap()
        .lines;
    let told: Vec<(&str, &str, Option<&str>)> = lines
        .iter()
        .map(|line| (line.what.as_str(), line.by.as_str(), line.record.as_deref()))
        .collect();
    let name = Some("Dana Vermeer");
    assert_eq!(
        told,
        [
            ("linked", "Robin", name),
            ("unlinked", "Robin", name),
            ("linked", "Robin", name)
        ]
    );
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn what_the_rules_find_stands_behind_a_link_and_comes_back_without_it() {
    let organization = Organization::start().await;
    let dana = dana(&organization).await;
    let lee = organization
        .put(
            "contacts",
            &[("lastname", "Lee"), ("emailaddress1", PRIVATE)],
        )
        .await;
    let backend = manual(&organization).await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    select(&handle, chat, PRIVATE, "").await;
    settled(&handle, chat).await;
    handle
        .link("contact", &dana.to_string(), None)
        .await
        .unwrap();
    let view = until(&handle, "the confirmed link", |view| {
        linked(view).is_some() && is_settled(view, chat)
    })
    .await;
    let others: Vec<&str> = view
        .recognition
        .contact
        .more
        .iter()
        .map(|other| other.id.as_str())
        .collect();
    assert_eq!(others, [lee.to_string()]);
    handle.unlink("contact", None).await.unwrap();
    until(&handle, "what the rules find", |view| {
        let contact = view.recognition.contact.record.as_ref();
        contact.is_some_and(|contact| contact.id == lee.to_string() && contact.link.is_none())
    })
    .await;

    // A record that is gone is told of, and the rules are believed again.
    handle
        .link("contact", &dana.to_string(), None)
        .await
        .unwrap();
    until(&handle, "the link", |view| linked(view).is_some()).await;
    organization
        .client
        .write(&dataverse::Write::delete(dataverse::Reference::record(
            "contacts", dana,
        )))
        .await
        .unwrap();
    let again = Uuid::new_v4();
    select(&handle, again, PRIVATE, "").await;
    let view = settled(&handle, again).await;
    let card = &view.recognition.contact;
    assert_eq!(card.record.as_ref().unwrap().id, lee.to_string());
    assert_eq!(card.problem.as_ref().unwrap().code, "linked_record_gone");
    let gone = handle.link("lead", &Uuid::new_v4().to_string(), None).await;
    assert_eq!(gone.unwrap_err().code, "record_gone");
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn who_gave_nothing_is_linked_for_the_chat_alone() {
    let organization = Organization::start().await;
    let dana = dana(&organization).await;
    let backend = manual(&organization).await;
    let handle = backend.handle();
    let (chat, other) = (Uuid::new_v4(), Uuid::new_v4());
    let is_unidentifiable = |view: &Arc<View>, chat: Uuid| {
        let shown = view.visitor.as_ref();
        shown.is_some_and(|visitor| visitor.chat_id == Some(chat.to_string()))
            && view.recognition.state == RecognitionState::Unidentifiable
    };
    select(&handle, chat, "", "").await;
    until(&handle, "that nothing can be asked", |view| {
        is_unidentifiable(view, chat)
    })
    .await;
    handle
        .link("contact", &dana.to_string(), None)
        .await
        .unwrap();
    until(&handle, "the link", |view| {
        linked(view).is_some() && is_settled(view, chat)
    })
    .await;
    select(&handle, other, "", "").await;
    until(&handle, "nobody", |view| is_unidentifiable(view, other)).await;
    // The chat that is selected again, and what is known of it later.
    select(&handle, chat, "", "").await;
    until(&handle, "the link", |view| linked(view).is_some()).await;
    select(&handle, chat, PRIVATE, "").await;
    let view = settled(&handle, chat).await;
    assert!(linked(&view).is_some());
    handle.unlink("contact", None).await.unwrap();
    until(&handle, "that it is gone", |view| linked(view).is_none()).await;

    // A link is for the chat that the agent saw.
    let changed = handle
        .link("contact", &dana.to_string(), Some(&other.to_string()))
        .await;
    assert_eq!(changed.unwrap_err().code, "chat_changed");
    let unfit = handle.link("incident", &dana.to_string(), None).await;
    assert_eq!(unfit.unwrap_err().code, "table_unfit");
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn without_a_network_a_copy_is_linked_and_recognised_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let files = encrypted_files(folder.path());
    let organization = Organization::start().await;
    let dana = dana(&organization).await;
    let start = async |files: Files| {
        organization
            .companion(|options| {
                options.settings.recording = integration::recording::Recording::default();
                options.files = files;
            })
            .await
    };
    let backend = start(files()).await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    select(&handle, chat, "dana.vermeer@example.com", "").await;
    settled(&handle, chat).await;
    organization
        .fault(json!({ "fault": "reset_before_commit", "path": "/api/data", "times": 100_000 }))
        .await;
    let chat = Uuid::new_v4();
    select(&handle, chat, PRIVATE, "+31 30 555 0142").await;
    until(&handle, "the offline state", |view| {
        view.recognition.state == RecognitionState::Offline
    })
    .await;
    let found = handle.search("vermer", false).await.unwrap();
    assert_eq!(found.hits[0].id, dana.to_string());
    handle
        .link("contact", &found.hits[0].id, Some(&chat.to_string()))
        .await
        .unwrap();
    let view = until(&handle, "the link", |view| linked(view).is_some()).await;
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(contact.source, ValueSource::Cache);
    backend.stop().await;

    let backend = start(files()).await;
    let handle = backend.handle();
    select(&handle, Uuid::new_v4(), PRIVATE, "").await;
    let view = until(&handle, "the link without a network", |view| {
        view.recognition.state == RecognitionState::Offline && linked(view).is_some()
    })
    .await;
    assert_eq!(linked(&view), Some((dana.to_string().as_str(), "Robin")));
    organization.admin(Method::DELETE, "/faults", None).await;
    let view = until(&handle, "that it is confirmed", |view| {
        view.recognition.state == RecognitionState::Live
    })
    .await;
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(contact.source, ValueSource::Live);
    assert!(contact.link.is_some());
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn who_is_written_down_is_who_the_visitor_is_from_then_on() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    select(&handle, chat, PRIVATE, "").await;
    let view = settled(&handle, chat).await;
    assert_eq!(view.recognition.contact.state, CardState::None);
    let entry = recorded(&handle, ended(chat, "D. V.", PRIVATE, "", "Hello.")).await;
    let contact = written(done(&entry), "contact");
    let view = until(&handle, "the one who was created", |view| {
        is_settled(view, chat) && view.recognition.contact.state == CardState::Found
    })
    .await;
    let shown = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(shown.id, contact.to_string());
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_chat_is_recorded_for_whom_an_agent_has_linked() {
    let organization = Organization::start().await;
    let dana = dana(&organization).await;
    // By the rules it would be these two, of whom one had to be chosen.
    for name in ["Lee", "Kim"] {
        organization
            .put(
                "contacts",
                &[("lastname", name), ("emailaddress1", PRIVATE)],
            )
            .await;
    }
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    select(&handle, chat, PRIVATE, "").await;
    settled(&handle, chat).await;
    handle
        .link("contact", &dana.to_string(), None)
        .await
        .unwrap();
    let view = recorded(&handle, ended(chat, "D. V.", PRIVATE, "", "Hello")).await;
    let case = written(done(&view), "incident");
    let row = organization.row("incidents", case).await;
    assert_eq!(row.lookup("customerid").unwrap().id, dana);
    assert_eq!(organization.count("contacts").await, 3);
    let by = Filter::equals("contactid", dana);
    let contact = &organization.rows("contacts", by).await[0];
    assert_eq!(
        contact.text("emailaddress1"),
        Some("dana.vermeer@example.com"),
        "a blank is filled, and what is known stays"
    );

    // Without the link the two must be told apart.
    handle.unlink("contact", None).await.unwrap();
    let view = recorded(
        &handle,
        ended(Uuid::new_v4(), "D. V.", PRIVATE, "", "Hello"),
    )
    .await;
    assert_eq!(view.state, EntryState::Attention);
    backend.stop().await;
    organization.sandbox.stop().await;
}
