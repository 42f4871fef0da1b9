//! The network is cut in the middle of an agent's day: recognition, search, timeline, links and recording by hand go on, and
//! what waits goes out when it is back.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use backend::view::{
    ConnectionState, EntryState, Filled, RecognitionState, RecordTable, TimelineState, ValueSource,
};
use common::{Companion, Console, chat, shown};
use reqwest::Method;
use serde_json::json;

const DANA: &str = "dana.vermeer@example.com";
const PRIVATE: &str = "d.v@private.example";

/// Selects a chat and waits until the recognition is as far as this.
async fn recognised(
    companion: &Companion,
    console: &mut Console,
    number: u8,
    email: &str,
    state: RecognitionState,
) -> std::sync::Arc<backend::view::View> {
    console
        .select(number.into(), chat(number, "Visitor", email, ""))
        .await;
    let id = chat(number, "", "", "")["id"].clone();
    companion
        .until("the recognition", |view| {
            let shown = view.visitor.as_ref();
            view.recognition.state == state
                && shown.is_some_and(|visitor| json!(visitor.chat_id) == id)
        })
        .await
}

/// Creates a record of the current chat with its form as it is filled in.
async fn create(companion: &Companion, table: RecordTable) -> String {
    let handle = companion.handle();
    let draft = handle.draft(table).await.unwrap();
    let about = draft.about.as_ref().and_then(|about| about.now.as_ref());
    let filled = Filled {
        table,
        chat: draft.chat,
        about: about.map(|found| format!("{}:{}", found.table, found.id)),
        values: draft
            .fields
            .into_iter()
            .map(|field| (field.column, field.value))
            .collect(),
        new_contact: draft.about.is_some_and(|about| about.new_contact),
    };
    let entry = handle.create(filled).await.unwrap();
    assert_eq!(entry.state, EntryState::Queued);
    entry.id
}

#[tokio::test]
async fn the_day_goes_on_without_a_network_and_everything_goes_out_when_it_is_back() {
    let companion = Companion::start().await;
    let handle = companion.handle();
    let mut console = companion.console().await;
    let live = RecognitionState::Live;
    let offline = RecognitionState::Offline;

    // The morning.
    recognised(&companion, &mut console, 1, DANA, live).await;
    let morning = companion
        .until("the timeline", |view| {
            view.timeline.source == ValueSource::Live
        })
        .await;
    let case = morning.timeline.lines[0].clone();
    assert!(case.open && case.kind == "case");
    recognised(&companion, &mut console, 2, PRIVATE, live).await;

    // The network is cut.
    let down = json!({ "fault": "reset_before_commit", "path": "", "times": 1_000_000 });
    companion.admin(Method::POST, "/faults", Some(down)).await;
    let view = recognised(&companion, &mut console, 3, &DANA.to_uppercase(), offline).await;
    assert_eq!(shown(&view.recognition.contact), Some("Dana Vermeer"));
    assert_eq!(view.connection.state, ConnectionState::Offline);
    let view = companion
        .until("the timeline from the cache", |view| {
            view.timeline.state == TimelineState::Known
        })
        .await;
    assert_eq!(view.timeline.source, ValueSource::Cache);
    assert_eq!(view.timeline.as_of, morning.timeline.as_of);
    assert_eq!(view.timeline.lines, morning.timeline.lines);
    for text in [case.detail.to_lowercase(), "vermer".to_owned()] {
        let found = handle.search(&text, true).await.unwrap();
        assert!(!found.live && found.problem.is_some());
        assert!(
            found
                .hits
                .iter()
                .all(|hit| hit.source == ValueSource::Cache)
        );
        assert!(!found.hits.is_empty(), "{text}");
    }
    let first = create(&companion, RecordTable::Case).await;

    // Somebody else comes, whom the agent knows.
    recognised(&companion, &mut console, 4, PRIVATE, offline).await;
    let found = handle.search("vermer", false).await.unwrap();
    handle
        .link("contact", &found.hits[0].id, None)
        .await
        .unwrap();
    companion
        .until("the link", |view| {
            shown(&view.recognition.contact) == Some("Dana Vermeer")
        })
        .await;
    let second = create(&companion, RecordTable::Task).await;
    let queued = companion
        .until("that both wait", |view| view.recording.queued == 2)
        .await;
    assert_eq!(queued.recording.attention, 0);

    // And is back.
    companion.admin(Method::DELETE, "/faults", None).await;
    for entry in [first, second] {
        let settled = handle.settled(entry.parse().unwrap());
        let entry = tokio::time::timeout(common::PATIENCE, settled).await;
        let entry = entry.unwrap().unwrap();
        assert_eq!(entry.state, EntryState::Done, "{entry:#?}");
    }
    let view = companion
        .until("that all is well", |view| {
            view.recognition.state == live
                && view.connection.state == ConnectionState::Online
                && view.recording.queued == 0
                && (view.timeline.lines)
                    .iter()
                    .any(|line| line.kind == "task" && line.title.starts_with("Chat with"))
        })
        .await;
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert!(contact.link.is_some() && contact.source == ValueSource::Live);
    assert_eq!(view.timeline.source, ValueSource::Live);
    companion.stop().await;
}
