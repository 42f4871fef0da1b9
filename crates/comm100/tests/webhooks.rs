//! Reads the bodies of the Live Chat webhooks, and tells one and the same chat by every road.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use comm100::{
    Chat, ChatStatus, ConsoleEvent, Conversation, Error, EventKind, Field, MAX_TRANSCRIPT_CHARS,
    Message, OfflineMessage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ENDED: &str = include_str!("samples/webhooks/webhook-chat-ended.json");
const WRAPPED_UP: &str = include_str!("samples/webhooks/webhook-chat-wrapped-up.json");
const OFFLINE: &str = include_str!("samples/webhooks/webhook-offline-message-submitted.json");
const OFFLINE_REST: &str = include_str!("samples/rest-v4-offline-message.json");
const CHAT: &str = "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022";
const MESSAGE: &str = "c9f0e1d2-3b4a-4c5d-8e6f-7a8b9c0d1e99";

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn event(value: Value) -> ConsoleEvent {
    ConsoleEvent::from_any_value(value).unwrap()
}

fn field(conversation: &Conversation, name: &str) -> Option<String> {
    conversation.field(&name.parse::<Field>().unwrap())
}

#[test]
fn every_body_becomes_the_event_that_it_tells() {
    use EventKind::{Ended, OfflineMessage, Other, Requested, Started, Updated, WrapUp};
    for (body, kind, subject) in [
        (ENDED, Ended, Some(CHAT)),
        (
            include_str!("samples/webhooks/webhook-chat-requested.json"),
            Requested,
            Some(CHAT),
        ),
        (
            include_str!("samples/webhooks/webhook-chat-started.json"),
            Started,
            Some(CHAT),
        ),
        (
            include_str!("samples/webhooks/webhook-chat-started-legacy-platform.json"),
            Started,
            Some(CHAT),
        ),
        (
            include_str!("samples/webhooks/webhook-chat-transferred.json"),
            Updated,
            Some(CHAT),
        ),
        (WRAPPED_UP, WrapUp, Some(CHAT)),
        (OFFLINE, OfflineMessage, Some(MESSAGE)),
        (
            include_str!("samples/webhooks/webhook-agent-status-changed.json"),
            Other("online".to_owned()),
            None,
        ),
        (
            include_str!("samples/webhooks/webhook-agent-status-changed-legacy-platform.json"),
            Other("login".to_owned()),
            None,
        ),
    ] {
        let event = event(json_of(body));
        assert_eq!((event.source.as_str(), &event.kind), ("webhook", &kind));
        assert_eq!(event.warnings, [""; 0], "{kind:?}");
        assert_eq!(event.agent, None);
        assert_eq!(Conversation::from(event).subject().as_deref(), subject);
    }
}

#[test]
fn an_ended_chat_is_read_whole() {
    let conversation = Conversation::from(event(json_of(ENDED)));
    let chat = conversation.chat.as_ref().unwrap();
    assert_eq!(chat.status, ChatStatus::Ended);
    assert_eq!(chat.agents, ["Robin"]);
    assert_eq!(chat.visitor_messages(), 1);
    for (name, expected) in [
        ("visitor.name", "Dana Vermeer"),
        ("prechat.phone", "+31 30 555 0142"),
        ("prechat.Account number", "AC-20417"),
        ("prechat.product_service", "Onboarding"),
        ("custom_variable.planname", "Enterprise"),
        ("chat.department", "Support"),
        ("chat.skill", "e47d6b18-83fa-4f21-b5c0-6a9d2e3f8c44"),
        ("chat.start_time", "2024-07-17T14:02:11Z"),
        ("chat.end_time", "2024-07-17T14:09:03Z"),
        ("chat.request_time", "2024-07-17T14:02:05Z"),
        ("chat.waiting_time", "6"),
        ("chat.duration", "412"),
        ("agent.name", "Robin"),
        ("postchat.rating", "5"),
        ("postchat.rating_comment", "Quick answer"),
        ("wrapup.category", "Billing"),
        ("wrapup.comment", "Invoice 8841 to be corrected"),
        (
            "transcript",
            "2024-07-17\nAgent Robin has joined the chat.\n[14:02:11] Robin: Hello Dana, how can I help?\n\
             [14:02:40] Dana Vermeer: My invoice is wrong.\nThe visitor has left the chat.\n\
             The chat is ended.(14:09:03)",
        ),
    ] {
        assert_eq!(
            field(&conversation, name).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    assert_eq!(field(&conversation, "chat.attachment"), None);
}

#[test]
fn an_offline_message_stands_for_the_chat() {
    let conversation = Conversation::from(event(json_of(OFFLINE)));
    assert_eq!(conversation.chat, None);
    for (name, expected) in [
        ("visitor.name", "Dana Vermeer"),
        ("prechat.company", "Northwind Traders"),
        ("prechat.account number", "AC-20417"),
        ("offline_message.Account Number", "AC-20417"),
        ("custom_variable.PlanName", "Enterprise"),
        ("offline_message.subject", "Call back"),
        ("offline_message.time", "2024-07-17T15:26:40.789Z"),
        (
            "transcript",
            "Call back\n\nPlease call me back about my order.",
        ),
    ] {
        assert_eq!(
            field(&conversation, name).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    let stored = serde_json::to_value(&conversation).unwrap();
    assert_eq!(
        serde_json::from_value::<Conversation>(stored).unwrap(),
        conversation
    );
    let of_the_form =
        json!({ "offline_message": { "name": "Ada" }, "visitor": { "name": "203.0.113.9" } });
    let of_the_form = Conversation::from(event(of_the_form));
    assert_eq!(field(&of_the_form, "visitor.name").as_deref(), Some("Ada"));
    assert_eq!(of_the_form.subject(), None);
}

#[test]
fn the_rest_api_tells_the_same_message() {
    let value = json!({ "kind": "offline-message", "offlineMessage": json_of(OFFLINE_REST) });
    let event = event(value);
    assert_eq!(event.kind, EventKind::OfflineMessage);
    let conversation = Conversation::from(event);
    assert_eq!(conversation.subject().as_deref(), Some(MESSAGE));
    assert_eq!(
        field(&conversation, "offline_message.content").as_deref(),
        Some("Please call me back about my order.")
    );
    assert_eq!(field(&conversation, "offline_message.ticket_id"), None);
}

#[test]
fn older_bodies_and_drafts_are_read() {
    let body = json!({
        "event": "chat_ended",
        "visitor": { "chat_id": CHAT, "department": -1, "name": "Ada", "status": 2, "time_zone": "GMT 06:00" },
        "chat": {
            "chat_transcript": "[09:00:00] Ada: a\r\n[09:00:01] Sam: b\nover",
            "agents": ["Sam"],
            "agent_comment": "done",
            "rating": "",
            "start_time": "/Date(1358455857)/",
            "waiting_time": 7,
            "attachment": { "name": "a.pdf", "uri": "//files.example/a.pdf" },
            "note_attachment": [{ "name": "n.txt", "url": "https://files.example/n.txt" }],
        },
    });
    let event = event(body);
    assert_eq!(event.warnings, [""; 0]);
    let conversation = Conversation::from(event);
    let chat = conversation.chat.as_ref().unwrap();
    assert_eq!((chat.visitor_messages(), &chat.rating), (1, &None));
    for (name, expected) in [
        ("visitor.name", "Ada"),
        ("chat.start_time", "2013-01-17T20:50:57Z"),
        ("wrapup.agent_comment", "done"),
        (
            "chat.attachment",
            "a.pdf (https://files.example/a.pdf)\nn.txt (https://files.example/n.txt)",
        ),
        (
            "transcript",
            "2013-01-17\n[09:00:00] Ada: a\n[09:00:01] Sam: b\nover",
        ),
    ] {
        assert_eq!(
            field(&conversation, name).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    assert_eq!(field(&conversation, "chat.department"), None);
}

#[test]
fn the_console_and_the_webhook_tell_one_chat() {
    let console = json!({
        "source": "console-app", "kind": "ended",
        "chat": {
            "id": CHAT.to_uppercase(), "name": "Dana V.", "email": "dana@example.com", "status": "chat ended",
            "messages": [
                { "senderType": "visitor", "sender": "Dana", "content": "Hello" },
                { "senderType": "agent", "sender": "Robin", "content": "Hi" },
            ],
        },
    });
    let mut conversation = Conversation::from(event(console));
    let webhook = Conversation::from(event(json_of(ENDED)));
    assert_eq!(conversation.subject(), webhook.subject());
    assert_eq!(conversation.chat.as_ref().unwrap().visitor_messages(), 1);
    // A wrap-up that comes later adds to what is known, and takes nothing away.
    conversation.update(Conversation::from(event(json_of(WRAPPED_UP))));
    assert_eq!(
        field(&conversation, "transcript").as_deref(),
        Some("Dana: Hello\nRobin: Hi")
    );
    assert_eq!(
        field(&conversation, "wrapup.category").as_deref(),
        Some("Billing")
    );
}

#[test]
fn a_long_chat_is_kept_whole() {
    let line = "[14:02:40] Dana: שלום 👋🏽 <b>&amp;\u{1b}</b>";
    let transcript = vec![line; 10_000].join("⊙");
    assert!(transcript.chars().count() > 200_000);
    let body =
        json!({ "event": "chat_ended", "chat": { "id": CHAT, "chat_transcript": transcript } });
    let conversation = Conversation::from(event(body));
    let text = field(&conversation, "transcript").unwrap();
    assert_eq!(text.matches(line).count(), 10_000);

    let word = "שלום 👋🏽 \u{1b}";
    let content = word.repeat(25_000);
    let body =
        json!({ "kind": "ended", "chat": { "id": CHAT, "messages": [{ "content": content }] } });
    let conversation = Conversation::from(event(body));
    let text = field(&conversation, "transcript").unwrap();
    assert_eq!(text.matches(word.trim()).count(), 25_000);

    let too_long = "x".repeat(MAX_TRANSCRIPT_CHARS + 1);
    let body =
        json!({ "event": "chat_ended", "chat": { "id": CHAT, "chat_transcript": too_long } });
    assert_eq!(event(body).warnings, ["chat_transcript"]);
}

#[test]
fn a_chat_over_midnight_names_both_days() {
    let message = |time: i64, content: &str| Message {
        sender: "Dana".to_owned(),
        sender_type: "visitor".to_owned(),
        time: Some(jiff::Timestamp::from_second(time).unwrap()),
        content: content.to_owned(),
    };
    let conversation = Conversation {
        chat: Some(Chat {
            messages: vec![message(86_390, "late"), message(86_401, "early")],
            ..Chat::default()
        }),
        ..Conversation::default()
    };
    assert_eq!(
        field(&conversation, "transcript").as_deref(),
        Some(
            "1970-01-01 (times in UTC)\n[23:59:50] Dana: late\n1970-01-02\n[00:00:01] Dana: early"
        )
    );
}

#[test]
fn custom_groups_have_their_fields() {
    for name in ["postchat.NPS", "wrapup.Priority", "offline_message.Branch"] {
        let field: Field = name.parse().unwrap();
        assert_eq!(field.to_string(), name);
    }
    let body = json!({ "event": "chat_wrapped_up", "chat_id": CHAT, "wrapup": { "fields": [{ "name": "Priority", "value": "High" }] } });
    let conversation = Conversation::from(event(body));
    assert_eq!(
        field(&conversation, "wrapup.priority").as_deref(),
        Some("High")
    );
    assert_eq!(
        "wrapup.Priority".parse::<Field>().unwrap().label(),
        "Wrap-up Priority"
    );
}

#[test]
fn debug_shows_nothing_personal() {
    for body in [ENDED, WRAPPED_UP, OFFLINE] {
        let shown = format!("{:?}", event(json_of(body)));
        for secret in [
            "Dana",
            "dana",
            "Northwind",
            "invoice",
            "Invoice",
            "555",
            "call me",
        ] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
    let message = OfflineMessage::default();
    assert!(format!("{message:?}").contains("OfflineMessage"));
}

fn any_body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("/Date(1721224931000)/")),
        Just(json!("6s")),
    ];
    let keys = prop_oneof![
        Just("id"),
        Just("chat_id"),
        Just("chat_transcript"),
        Just("operators"),
        Just("rating"),
        Just("attachment"),
        Just("custom_fields"),
        Just("custom_variable"),
        Just("wrap_up"),
        Just("start_time"),
        Just("end_time"),
        Just("waiting_time"),
        Just("name"),
        Just("content"),
        Just("time"),
    ];
    let object = prop::collection::btree_map(keys, leaf.clone(), 0..10)
        .prop_map(|map| serde_json::to_value(map).unwrap());
    let part = prop_oneof![leaf, object];
    (part.clone(), part.clone(), part.clone(), part, any::<String>()).prop_map(
        |(chat, visitor, message, wrapup, word)| {
            json!({ "event": word, "chat": chat, "visitor": visitor, "offline_message": message, "wrapup": wrapup })
        },
    )
}

proptest! {
    #[test]
    fn any_body_is_read(body in any_body()) {
        let event = ConsoleEvent::from_any_value(body).unwrap();
        let conversation = Conversation::from(event);
        for info in Field::catalogue() {
            let _value = conversation.field(&info.field);
        }
    }
}

#[test]
fn what_is_no_object_is_refused() {
    assert_eq!(
        ConsoleEvent::from_any_value(json!([1])),
        Err(Error::NotAnObject)
    );
}
