//! What can go wrong when a chat is written down, and how a person gets out of it.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backend::view::{ActivityFilter, ConnectionState, EntryState, Filled, RecordTable, WrittenHow};
use comm100::Conversation;
use common::recording::{
    MovableClock, Organization, done, ended, entry_until, event, recorded, settled, written,
};
use dataverse::{Filter, Query, RecordBody};
use integration::recording::{Action, Owner};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

/// What a 429 asks to wait, in seconds.
const ASKED: u64 = 2;
/// How long a story may take to go on.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing reaches the organization.
async fn cut_off(organization: &Organization) {
    let plan = json!({ "fault": "reset_before_commit", "path": "", "times": 1_000_000 });
    organization.fault(plan).await;
}

async fn mend(organization: &Organization) {
    organization.admin(Method::DELETE, "/faults", None).await;
}

#[tokio::test]
async fn a_missing_privilege_is_named_and_the_entry_goes_on_when_it_is_there() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let user = |change: serde_json::Value| {
        let mut body = json!({ "user": "application" });
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        organization.admin(Method::PATCH, "/users", Some(body))
    };
    user(json!({ "remove": ["prvCreateIncident"] })).await;
    let view = recorded(
        &handle,
        ended(Uuid::new_v4(), "Dana", "dana@example.com", "", "Hello"),
    )
    .await;
    assert_eq!(view.state, EntryState::Attention, "{view:#?}");
    let problem = view.problem.as_ref().unwrap();
    assert!(problem.message.contains("prvCreateIncident"), "{problem:?}");
    assert!(!view.values.is_empty(), "its values can be looked at");
    // The contact belongs to the same change set.
    assert_eq!(organization.count("contacts").await, 0);

    user(json!({ "add": ["prvCreateIncident"] })).await;
    handle.retry(&view.id, BTreeMap::new()).await.unwrap();
    let view = settled(&handle, view.id.parse().unwrap()).await;
    done(&view);
    assert_eq!(organization.count("contacts").await, 1);
    assert_eq!(organization.count("incidents").await, 1);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_value_that_dynamics_refuses_is_corrected_and_sent_again() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    // As a plug-in would object.
    organization
        .fault(json!({ "fault": "precondition_failed", "content": "Hello", "only": "operations", "times": 100 }))
        .await;
    let entry = handle
        .feed(ended(
            Uuid::new_v4(),
            "Dana",
            "dana@example.com",
            "",
            "Hello",
        ))
        .await
        .unwrap()
        .unwrap();
    let view = settled(&handle, entry).await;
    assert_eq!(view.state, EntryState::Attention, "{view:#?}");
    let field = view
        .values
        .iter()
        .find(|field| field.table == "incident" && field.column == "description")
        .expect("the description can be corrected");
    let corrected = BTreeMap::from([
        (
            format!("{}.{}", field.table, field.column),
            "Corrected".to_owned(),
        ),
        ("contact.lastname".to_owned(), "Vermeer".to_owned()),
    ]);
    handle.retry(&view.id, corrected).await.unwrap();
    let view = settled(&handle, entry).await;
    done(&view);
    let case = organization
        .row("incidents", written(&view, "incident"))
        .await;
    assert_eq!(case.text("description"), Some("Corrected"));
    let contact = organization
        .row("contacts", written(&view, "contact"))
        .await;
    assert_eq!(contact.text("lastname"), Some("Vermeer"));
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn an_expired_secret_pauses_all_of_it_until_somebody_has_done_something() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let client = organization.sandbox.description().client_id.clone();
    let expired = |expired: bool| {
        let body = json!({ "client_id": client, "secret_expired": expired });
        organization.admin(Method::PATCH, "/clients", Some(body))
    };
    expired(true).await;
    organization.admin(Method::DELETE, "/tokens", None).await;
    let entry = handle
        .feed(ended(
            Uuid::new_v4(),
            "Dana",
            "dana@example.com",
            "",
            "Hello",
        ))
        .await
        .unwrap()
        .unwrap();
    let problem = handle.settled(entry).await.unwrap_err();
    assert_eq!(problem.code, "sign_in_secret_expired", "{problem:?}");
    let view = handle.entry(entry).await.unwrap();
    assert_eq!(view.state, EntryState::Queued, "{view:#?}");
    assert_eq!(view.problem.unwrap().code, "sign_in_secret_expired");

    expired(false).await;
    handle.reconnect().await.unwrap();
    let view = entry_until(&handle, entry, |view| view.state == EntryState::Done).await;
    done(&view);
    assert_eq!(organization.count("incidents").await, 1);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn somebody_who_was_deleted_meanwhile_is_not_written_to_and_a_person_decides() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let email = "two@example.com";
    let mut known = Vec::new();
    for name in ["One", "Two"] {
        let values = [("lastname", name), ("emailaddress1", email)];
        known.push(organization.put("contacts", &values).await);
    }
    let view = recorded(&handle, ended(Uuid::new_v4(), "Dana", email, "", "Hello")).await;
    assert_eq!(view.candidates.len(), 2, "{view:#?}");
    organization
        .client
        .delete("contacts", known[0])
        .await
        .unwrap();
    handle
        .choose_person(&view.id, Some(&known[0].to_string()))
        .await
        .unwrap();
    let id = view.id.parse().unwrap();
    let view = settled(&handle, id).await;
    assert_eq!(view.state, EntryState::Attention, "{view:#?}");
    assert!(view.problem.is_some());
    assert_eq!(organization.count("incidents").await, 0);
    // It is asked once more who it is: only one is left.
    handle.discard(&view.id).await.unwrap();
    assert_eq!(handle.entry(id).await.unwrap().state, EntryState::Discarded);
    let again = handle.retry(&view.id, BTreeMap::new()).await.unwrap_err();
    assert_eq!(again.code, "entry_not_changeable");
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_chat_that_is_reopened_in_its_grace_time_is_one_chat() {
    let organization = Organization::start().await;
    let clock = MovableClock::default();
    let backend = organization
        .companion(|options| {
            options.settings.recording.grace_seconds = 60;
            options.clock = Arc::new(clock.clone());
        })
        .await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    let end = |said: &str| ended(chat, "Dana", "dana@example.com", "", said);
    let entry = handle.feed(end("First words")).await.unwrap().unwrap();
    let view = handle.entry(entry).await.unwrap();
    assert_eq!(view.state, EntryState::Waiting);

    clock.advance(50);
    let reopened = event(json!({
        "source": "console-app", "kind": "updated",
        "chat": { "id": chat.to_string(), "status": "chatting", "name": "Dana", "email": "dana@example.com" },
    }));
    assert_eq!(handle.feed(reopened).await.unwrap(), Some(entry));
    clock.advance(50);
    let view = handle.entry(entry).await.unwrap();
    assert_eq!(view.state, EntryState::Waiting, "{view:#?}");

    assert_eq!(handle.feed(end("Last words")).await.unwrap(), Some(entry));
    clock.advance(61);
    let view = settled(&handle, entry).await;
    done(&view);
    assert_eq!(organization.count("incidents").await, 1);
    let case = organization
        .row("incidents", written(&view, "incident"))
        .await;
    assert!(case.text("description").unwrap().contains("Last words"));
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_goes_out_when_the_way_is_free() {
    let organization = Organization::start().await;
    let folder = tempfile::tempdir().unwrap();
    let files = common::encrypted_files(folder.path());
    cut_off(&organization).await;
    let backend = organization
        .companion(|options| options.files = files())
        .await;
    let handle = backend.handle();
    let entry = handle
        .feed(ended(
            Uuid::new_v4(),
            "Dana",
            "dana@example.com",
            "",
            "Hello",
        ))
        .await
        .unwrap()
        .unwrap();
    let view = entry_until(&handle, entry, |view| view.problem.is_some()).await;
    assert_eq!(view.state, EntryState::Queued, "{view:#?}");
    assert!(view.next_at.is_some());
    backend.stop().await;

    mend(&organization).await;
    let backend = organization
        .companion(|options| options.files = files())
        .await;
    let view = settled(&backend.handle(), entry).await;
    done(&view);
    assert_eq!(organization.count("contacts").await, 1);
    assert_eq!(organization.count("incidents").await, 1);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_shows_that_dynamics_is_out_of_reach_and_goes_out_when_it_is_back() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let mut views = handle.watch();
    let mut until = async |state: ConnectionState| {
        let seen = views.wait_for(|view| view.connection.state == state);
        tokio::time::timeout(PATIENCE, seen)
            .await
            .unwrap_or_else(|_| panic!("never {state:?}"))
            .expect("the back end runs");
    };
    until(ConnectionState::Online).await;
    cut_off(&organization).await;
    let chat = ended(Uuid::new_v4(), "Dana", "dana@example.com", "", "Hello");
    let entry = handle.feed(chat).await.unwrap().unwrap();
    until(ConnectionState::Offline).await;

    mend(&organization).await;
    until(ConnectionState::Online).await;
    done(&settled(&handle, entry).await);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_thousand_entries_go_out_in_at_most_twenty_requests_and_obey_a_429_in_between() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    // It knows the organization's tables, as at any other time of the day.
    let mut schema = handle.watch_schema();
    schema.wait_for(Option::is_some).await.unwrap();
    cut_off(&organization).await;
    let mut chats = BTreeSet::new();
    for number in 0..1000 {
        let (chat, email) = (Uuid::new_v4(), format!("visitor-{number}@example.com"));
        chats.insert(chat);
        let told = handle.feed(ended(chat, "Dana", &email, "", "Hello")).await;
        assert!(told.unwrap().is_some());
    }
    let mut views = handle.watch();
    let all_wait = views.wait_for(|view| view.recording.queued == 1000);
    tokio::time::timeout(common::PATIENCE, all_wait)
        .await
        .unwrap_or_else(|_| panic!("{} wait", handle.view().recording.queued))
        .unwrap();
    organization.forget_requests().await;
    mend(&organization).await;
    organization
        .fault(json!({ "fault": "too_many_requests", "path": "$batch", "only": "requests", "skip": 3, "retry_after": ASKED }))
        .await;
    let started = Instant::now();
    handle.reconnect().await.unwrap();
    let sent = views.wait_for(|view| view.recording.queued == 0);
    tokio::time::timeout(Duration::from_secs(120), sent)
        .await
        .expect("all are sent")
        .unwrap();
    assert!(started.elapsed() >= Duration::from_secs(ASKED));
    assert_eq!(handle.view().recording.attention, 0);
    let requests = organization.requests().await;
    let is_work = |path: &str| path.contains("/api/data") && path.contains("$batch");
    let batches: Vec<_> = requests
        .iter()
        .filter(|request| is_work(request["path"].as_str().unwrap()))
        .collect();
    assert!(
        batches.iter().any(|request| request["status"] == 429),
        "the 429 came"
    );
    let all = requests
        .iter()
        .filter(|request| request["path"].as_str().unwrap().contains("/api/data"))
        .count();
    assert!((1..=20).contains(&all), "{all} requests");
    println!(
        "1000 entries: {} batches, {all} requests in all, {:?}",
        batches.len(),
        started.elapsed()
    );
    assert_eq!(organization.count("contacts").await, 1000);
    assert_eq!(organization.count("incidents").await, 1000);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_transcript_of_200_000_characters_arrives_whole() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let said = "👩‍👩‍👧‍👦 مرحبا بالعالم <script>alert('1')</script> &amp; \u{202e}txet\u{202c} \u{1b}[2J e\u{301} 🦊\n";
    // The tags of HTML are no text.
    let said = said.repeat(300_000 / said.chars().count());
    let messages: Vec<_> = said
        .lines()
        .map(|said| json!({ "sender": "Dana", "senderType": "visitor", "time": 1_721_224_940, "content": said }))
        .collect();
    let chat = event(json!({
        "kind": "ended",
        "chat": { "id": Uuid::new_v4(), "status": "chat ended", "name": "Dana", "email": "dana@example.com", "messages": messages },
    }));
    let conversation = Conversation::from(chat.clone());
    let whole = conversation.field(&"transcript".parse().unwrap()).unwrap();
    assert!(whole.chars().count() >= 200_000);
    let view = recorded(&backend.handle(), chat).await;
    done(&view);
    let case = written(&view, "incident");
    let mut notes = organization
        .rows("annotations", Filter::equals("_objectid_value", case))
        .await;
    assert!(notes.len() > 1);
    // `… (2 of 3)`
    notes.sort_by_key(|note| {
        let subject = note.text("subject").unwrap().to_owned();
        let number = subject.rsplit_once('(').unwrap().1.to_owned();
        number.split(' ').next().unwrap().parse::<u32>().unwrap()
    });
    let arrived: String = notes
        .iter()
        .map(|note| note.text("notetext").unwrap())
        .collect();
    assert!(
        arrived == integration::cut::storable(&whole),
        "{} of {} characters",
        arrived.chars().count(),
        whole.chars().count()
    );
    for part in ["👩‍👩‍👧‍👦", "مرحبا بالعالم", "e\u{301} 🦊"] {
        assert_eq!(
            arrived.matches(part).count(),
            said.matches(part).count(),
            "{part}"
        );
    }
    let row = organization.row("incidents", case).await;
    let beginning = row.text("description").unwrap();
    assert!(beginning.chars().count() <= 2000);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_creation_is_undone_for_a_minute_unless_somebody_has_touched_it() {
    let organization = Organization::start().await;
    let clock = MovableClock::default();
    let backend = organization
        .companion(|options| options.clock = Arc::new(clock.clone()))
        .await;
    let handle = backend.handle();
    let record = |number: u32| {
        let email = format!("undo-{number}@example.com");
        recorded(&handle, ended(Uuid::new_v4(), "Dana", &email, "", "Hello"))
    };
    // The guide's role may not delete: they are put out of the way.
    let first = record(1).await;
    done(&first);
    let undone = handle.undo(&first.id).await.unwrap();
    assert_eq!(undone.state, EntryState::Discarded, "{undone:#?}");
    for record in &undone.records {
        assert!(
            matches!(record.done, WrittenHow::Deleted | WrittenHow::Deactivated),
            "{record:?}"
        );
    }
    for (set, table) in [("incidents", "incident"), ("contacts", "contact")] {
        let rows = organization.rows(set, Filter::equals("statecode", 0)).await;
        let id = written(&first, table);
        assert!(
            rows.iter()
                .all(|row| row.id(&format!("{table}id")) != Some(id)),
            "{table} is out of the way"
        );
    }

    let second = record(2).await;
    let case = written(&second, "incident");
    let title = RecordBody::new().set("title", "Mine now");
    organization
        .client
        .update("incidents", case, title)
        .await
        .unwrap();
    let touched = handle.undo(&second.id).await.unwrap_err();
    assert_eq!(touched.code, "undo_touched");
    let row = organization.row("incidents", case).await;
    assert_eq!(row.text("title"), Some("Mine now"));

    let third = record(3).await;
    clock.advance(61);
    let late = handle.undo(&third.id).await.unwrap_err();
    assert_eq!(late.code, "undo_too_late");
    let filter = ActivityFilter {
        what: vec!["undone".to_owned()],
        ..ActivityFilter::default()
    };
    let lines = handle.activity(filter).await.unwrap().lines;
    assert!(
        lines
            .iter()
            .any(|line| line.table.as_deref() == Some("incident"))
    );
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn by_hand_what_is_required_is_asked_for_and_an_open_case_takes_the_chat() {
    let organization = Organization::start().await;
    let backend = organization
        .companion(|options| {
            options.settings.recording.mode = integration::recording::Mode::Manual;
        })
        .await;
    let handle = backend.handle();
    let mut schema = handle.watch_schema();
    schema.wait_for(Option::is_some).await.unwrap();
    let email = "dana@example.com";
    let values = [("lastname", "Vermeer"), ("emailaddress1", email)];
    let contact = organization.put("contacts", &values).await;
    let chat = Uuid::new_v4();
    let selected = event(json!({
        "source": "console-app", "kind": "selected",
        "chat": {
            "id": chat.to_string(), "status": "chatting", "name": "Dana", "email": email,
            "messages": [{ "sender": "Dana", "senderType": "visitor", "content": "My invoice is wrong." }],
        },
    }));
    assert_eq!(handle.feed(selected).await.unwrap(), None);
    let mut views = handle.watch();
    views
        .wait_for(|view| view.recognition.contact.record.is_some())
        .await
        .unwrap();
    let draft = handle.draft(RecordTable::Case).await.unwrap();
    let about = draft.about.as_ref().unwrap();
    assert!(about.required);
    assert_eq!(about.now.as_ref().unwrap().id, contact.to_string());
    let values: BTreeMap<String, String> = draft
        .fields
        .iter()
        .map(|field| (field.column.clone(), field.value.clone()))
        .collect();
    let filled = |about: Option<String>| Filled {
        table: RecordTable::Case,
        chat: draft.chat.clone(),
        values: values.clone(),
        about,
        new_contact: false,
    };
    let missing = handle.create(filled(None)).await.unwrap_err();
    assert_eq!(missing.code, "value_missing", "{missing:?}");
    let entry = handle
        .create(filled(Some(format!("contact:{contact}"))))
        .await
        .unwrap();
    let entry = settled(&handle, entry.id.parse().unwrap()).await;
    done(&entry);
    let case = written(&entry, "incident");
    let row = organization.row("incidents", case).await;
    assert_eq!(row.lookup("customerid").unwrap().id, contact);

    let draft = handle.draft(RecordTable::Case).await.unwrap();
    let open: Vec<&str> = draft
        .open_cases
        .iter()
        .map(|case| case.id.as_str())
        .collect();
    assert_eq!(open, [case.to_string()]);
    let entry = handle
        .add_to_case(open[0], draft.chat.as_deref())
        .await
        .unwrap();
    let entry = settled(&handle, entry.id.parse().unwrap()).await;
    done(&entry);
    let notes = organization
        .rows("annotations", Filter::equals("_objectid_value", case))
        .await;
    assert_eq!(notes.len(), 1);
    assert!(notes[0].text("notetext").unwrap().contains("My invoice"));
    assert_eq!(organization.count("incidents").await, 1);
    let gone = handle
        .add_to_case(open[0], Some("no-such-chat"))
        .await
        .unwrap_err();
    assert_eq!(gone.code, "chat_gone");
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_record_belongs_to_the_agents_user_where_there_is_one() {
    let organization = Organization::start().await;
    let users = organization.client.query(&Query::new("systemusers")).await;
    let users = users.unwrap().rows;
    let user = users
        .iter()
        .find(|user| user.text("internalemailaddress").is_some())
        .expect("a user with an e-mail address");
    let (id, email) = (
        user.id("systemuserid").unwrap(),
        user.text("internalemailaddress").unwrap().to_owned(),
    );
    let body = json!({ "user": "application", "add": ["prvAssignContact", "prvAssignIncident", "prvReadUser"] });
    organization
        .admin(Method::PATCH, "/users", Some(body))
        .await;
    let backend = organization
        .companion(|options| {
            options.settings.recording.owner = Owner::Agent;
            options.settings.recording.action = Action::ContactAndCase;
        })
        .await;
    let handle = backend.handle();
    for (agent, is_known) in [(email.as_str(), true), ("nobody@example.com", false)] {
        let mut chat = ended(
            Uuid::new_v4(),
            "Dana",
            &format!("{}@example.com", Uuid::new_v4()),
            "",
            "Hello",
        );
        chat.agent.as_mut().unwrap().email = agent.to_owned();
        let view = recorded(&handle, chat).await;
        done(&view);
        let row = organization
            .row("incidents", written(&view, "incident"))
            .await;
        let owner = row.lookup("ownerid").unwrap().id;
        assert_eq!(owner == id, is_known, "{agent}");
    }
    backend.stop().await;
    organization.sandbox.stop().await;
}
