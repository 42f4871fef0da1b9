//! What happened around the recognised people: open cases along with them, the rest right behind, all of it without a
//! network too.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use backend::Handle;
use backend::view::{RecognitionState, TimelineState, TimelineView, ValueSource, View};
use common::PATIENCE;
use common::recording::{Organization, event};
use dataverse::{RecordBody, Reference, Write};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

const DANA: &str = "dana.vermeer@example.com";

async fn until(handle: &Handle, what: &str, wanted: impl FnMut(&Arc<View>) -> bool) -> Arc<View> {
    let mut views = handle.watch();
    match tokio::time::timeout(PATIENCE, views.wait_for(wanted)).await {
        Ok(view) => Arc::clone(&view.unwrap()),
        Err(_) => panic!("never: {what}; the view is {:#?}", handle.view()),
    }
}

async fn select(handle: &Handle, email: &str, phone: &str) {
    let selected = json!({
        "source": "console-app", "kind": "selected", "agent": { "id": "a", "name": "Robin" },
        "chat": { "id": Uuid::new_v4().to_string(), "status": "chatting", "name": "Dana", "email": email, "phone": phone },
    });
    handle.feed(event(selected)).await.unwrap();
}

/// A person of a company, with a case of each, a task, a telephone call and a note; and somebody else with a case.
struct World {
    organization: Organization,
    contact: Uuid,
}

async fn put(organization: &Organization, set: &str, body: RecordBody) -> Uuid {
    let id = Uuid::new_v4();
    organization
        .client
        .write(&Write::create_with_id(set, id, body))
        .await
        .unwrap();
    id
}

async fn world() -> World {
    let organization = Organization::start().await;
    let account = organization
        .put("accounts", &[("name", "Northwind Traders")])
        .await;
    let body = RecordBody::new()
        .set("lastname", "Vermeer")
        .set("emailaddress1", DANA)
        .set("telephone1", "030 555 0142")
        .bind(
            "parentcustomerid_account",
            Reference::record("accounts", account),
        );
    let contact = put(&organization, "contacts", body).await;
    let other = organization
        .put(
            "contacts",
            &[("lastname", "Lee"), ("telephone1", "+31 30 555 0142 9")],
        )
        .await;
    for (title, navigation, set, customer) in [
        (
            "Scanner does not charge",
            "customerid_contact",
            "contacts",
            contact,
        ),
        (
            "Invoice sent twice",
            "customerid_account",
            "accounts",
            account,
        ),
        ("Not hers", "customerid_contact", "contacts", other),
    ] {
        let body = RecordBody::new()
            .set("title", title)
            .bind(navigation, Reference::record(set, customer));
        put(&organization, "incidents", body).await;
    }
    let due: jiff::Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
    let task = RecordBody::new()
        .set("subject", "Send the offer")
        .set("scheduledend", due)
        .bind(
            "regardingobjectid_contact",
            Reference::record("contacts", contact),
        );
    put(&organization, "tasks", task).await;
    let note = RecordBody::new()
        .set("subject", "Prefers e-mail")
        .bind("objectid_contact", Reference::record("contacts", contact));
    put(&organization, "annotations", note).await;
    World {
        organization,
        contact,
    }
}

fn titles(timeline: &TimelineView) -> Vec<(&str, &str)> {
    timeline
        .lines
        .iter()
        .map(|line| (line.kind.as_str(), line.title.as_str()))
        .collect()
}

fn is_live(view: &View) -> bool {
    view.timeline.source == ValueSource::Live && view.timeline.state == TimelineState::Known
}

#[tokio::test]
async fn cases_activities_and_notes_of_person_and_company_are_shown() {
    let World {
        organization,
        contact,
    } = world().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    assert_eq!(handle.view().timeline.state, TimelineState::Idle);
    select(&handle, DANA, "").await;
    let view = until(&handle, "the timeline", |view| is_live(view)).await;
    let mut open = titles(&view.timeline);
    let note = open.pop();
    assert_eq!(note, Some(("note", "Prefers e-mail")));
    assert_eq!(open.pop(), Some(("task", "Send the offer")));
    open.sort_unstable();
    assert_eq!(
        open,
        [
            ("case", "Invoice sent twice"),
            ("case", "Scanner does not charge")
        ]
    );
    let line = |kind: &str, title: &str| {
        let lines = &view.timeline.lines;
        let found = lines
            .iter()
            .find(|line| line.kind == kind && line.title == title);
        found.unwrap().clone()
    };
    let case = line("case", "Scanner does not charge");
    assert!(case.open && case.detail.starts_with("CAS-") && case.company.is_none());
    assert_eq!(case.status, "In Progress");
    let companys = line("case", "Invoice sent twice");
    assert_eq!(companys.company.as_deref(), Some("Northwind Traders"));
    let task = line("task", "Send the offer");
    assert_eq!(task.due_at.as_deref(), Some("2026-01-05T10:00:00Z"));
    // A note has no page of its own: the one that it is about is opened.
    let note = line("note", "Prefers e-mail");
    assert_eq!(
        (note.table.as_str(), note.record),
        ("contact", contact.to_string())
    );
    for line in [case, companys, task] {
        let url = handle.record_url(&line.table, line.record.clone()).await;
        assert!(url.unwrap().contains(&line.record));
    }

    select(&handle, "nobody@nowhere.example", "").await;
    let view = until(&handle, "nobody", |view| {
        view.timeline.state == TimelineState::Idle
    })
    .await;
    assert_eq!(view.timeline.lines, []);
    backend.stop().await;
    organization.sandbox.stop().await;
}

/// The longest chain of requests each of which began after the one before it had ended.
fn depth(requests: &[Value]) -> usize {
    let mut longest = vec![1; requests.len()];
    let number = |request: &Value, name: &str| request[name].as_i64().unwrap();
    for later in 0..requests.len() {
        for earlier in 0..later {
            if number(&requests[earlier], "ended") < number(&requests[later], "started") {
                longest[later] = longest[later].max(longest[earlier] + 1);
            }
        }
    }
    longest.into_iter().max().unwrap_or(0)
}

#[tokio::test]
async fn open_cases_come_with_the_people_in_one_round_trip() {
    let World { organization, .. } = world().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    until(&handle, "the connection", |view| {
        view.connection.state == backend::view::ConnectionState::Online
    })
    .await;
    // Whatever is asked by somebody's id takes so long that it is not what is seen.
    let latencies = json!([
        { "path": "_customerid_value%20eq", "delay_ms": 60_000 },
        { "path": "/api/data", "delay_ms": 100 },
    ]);
    organization
        .admin(Method::PUT, "/latency", Some(latencies))
        .await;
    organization.forget_requests().await;
    select(&handle, DANA, "+31 30 555 0142").await;
    let view = until(&handle, "people and open cases", |view| {
        view.recognition.state == RecognitionState::Live && view.timeline.lines.len() == 1
    })
    .await;
    assert_eq!(view.timeline.state, TimelineState::Loading);
    assert_eq!(
        titles(&view.timeline),
        [("case", "Scanner does not charge")]
    );
    let sets = ["contacts", "accounts", "leads", "incidents"];
    let mut requests = organization.requests().await;
    requests.retain(|request| {
        let is_ahead = sets.contains(&request["entity_set"].as_str().unwrap_or_default());
        is_ahead
            && !request["query"]
                .as_str()
                .unwrap()
                .contains("_customerid_value%20eq")
    });
    let cases = requests
        .iter()
        .filter(|request| request["entity_set"] == "incidents");
    assert_eq!(cases.count(), 2, "by e-mail, and by telephone number");
    assert_eq!(depth(&requests), 1, "{requests:#?}");
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn without_a_network_the_timeline_is_there_with_its_age() {
    let World { organization, .. } = world().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    select(&handle, DANA, "").await;
    let live = until(&handle, "the timeline", |view| is_live(view)).await;
    select(&handle, "nobody@nowhere.example", "").await;
    until(&handle, "nobody", |view| {
        view.timeline.state == TimelineState::Idle
    })
    .await;
    organization
        .fault(json!({ "fault": "reset_before_commit", "path": "/api/data", "times": 100_000 }))
        .await;
    select(&handle, DANA, "").await;
    let view = until(&handle, "the cached timeline", |view| {
        view.recognition.state == RecognitionState::Offline
            && view.timeline.state == TimelineState::Known
    })
    .await;
    assert_eq!(view.timeline.source, ValueSource::Cache);
    assert_eq!(view.timeline.as_of, live.timeline.as_of);
    assert_eq!(view.timeline.lines, live.timeline.lines);

    organization.admin(Method::DELETE, "/faults", None).await;
    until(&handle, "the timeline again", |view| is_live(view)).await;
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_the_rest_is_shown() {
    let World { organization, .. } = world().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    organization
        .admin(
            Method::PATCH,
            "/users",
            Some(json!({ "user": "application", "remove": ["prvReadIncident"] })),
        )
        .await;
    select(&handle, DANA, "").await;
    let view = until(&handle, "the timeline", |view| is_live(view)).await;
    assert_eq!(
        titles(&view.timeline),
        [("task", "Send the offer"), ("note", "Prefers e-mail")]
    );
    let problem = view.timeline.problem.as_ref().unwrap();
    assert_eq!(problem.code, "missing_privilege");
    // Nobody waits for it, and nobody's card is spoilt by it.
    assert!(view.recognition.contact.record.is_some());
    assert_eq!(view.recognition.contact.problem, None);
    backend.stop().await;
    organization.sandbox.stop().await;
}
