//! Reads the shapes that Comm100 is known to send, then the same with everything that can be wrong in them.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use comm100::{
    Chat, ChatId, ChatStatus, ConsoleEvent, Conversation, Error, EventKind, Field, MAX_LIST_LEN,
    MAX_MESSAGES, MAX_VALUE_CHARS, Visitor, VisitorStatus, link,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const CHAT: &str = include_str!("samples/sdk-chat.json");
const VISITOR: &str = include_str!("samples/sdk-visitor.json");
const EVENT: &str = include_str!("samples/console-event.json");

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn event(value: Value) -> ConsoleEvent {
    ConsoleEvent::from_value(value).unwrap()
}

fn chat(value: Value) -> (Chat, Vec<&'static str>) {
    let event = event(json!({ "kind": "updated", "chat": value }));
    (event.chat.unwrap(), event.warnings)
}

fn visitor(value: Value) -> (Visitor, Vec<&'static str>) {
    let event = event(json!({ "kind": "updated", "visitor": value }));
    (event.visitor.unwrap(), event.warnings)
}

fn field(conversation: &Conversation, name: &str) -> Option<String> {
    conversation.field(&name.parse::<Field>().unwrap())
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn a_console_event_is_read_whole() {
    let event = event(json_of(EVENT));
    assert_eq!(event.warnings, [""; 0]);
    assert_eq!(
        (event.source.as_str(), &event.kind),
        ("console-app", &EventKind::Selected)
    );
    assert_eq!(event.sent_at, time("2025-07-22T08:06:41.25Z"));
    let site = event.site.unwrap();
    assert_eq!(
        (site.site_id.as_str(), site.domain.as_str()),
        ("40077", "dash15.comm100.io")
    );
    assert_eq!(event.agent.unwrap().name, "Noor");

    let chat = event.chat.unwrap();
    assert_eq!(
        chat.id,
        ChatId::from_text("B91D6F03-72CE-4A58-8E4B-0C3F7A915D62")
    );
    assert_eq!(chat.visitor_id, event.visitor.as_ref().unwrap().id);
    assert_eq!(chat.status, ChatStatus::Chatting);
    assert_eq!(chat.name, "Amélie Okafor-Blanc");
    assert_eq!(chat.phone, "+33 (0)4 72 55 01 86");
    assert_eq!(
        chat.fields
            .iter()
            .map(|field| field.value.as_str())
            .collect::<Vec<_>>(),
        ["SO-7781", "true"]
    );
    assert_eq!(chat.rating.unwrap().score, 4);
    assert_eq!(chat.agents, ["Noor", "Sam"]);
    assert_eq!(chat.request_page.unwrap().title, "Returns");
    assert_eq!(chat.request_time, time("2025-07-22T08:05:00Z"));
    assert_eq!(
        (chat.waiting_seconds, chat.duration_seconds),
        (Some(12), Some(300))
    );
    assert_eq!(chat.messages.len(), 3);

    let visitor = event.visitor.unwrap();
    assert_eq!(visitor.status, VisitorStatus::Chatting);
    assert_eq!(visitor.location.country, "France");
    assert_eq!(visitor.device.screen_resolution, "2560x1440");
    assert_eq!(visitor.history.visits, Some(9));
    assert_eq!(visitor.segments, ["Returning", "Key account"]);
    assert_eq!(
        visitor
            .custom_variables
            .iter()
            .map(|v| v.value.as_str())
            .collect::<Vec<_>>(),
        ["Gold", "249"]
    );
    assert_eq!(visitor.sso_id.as_deref(), Some("sso-88213"));
}

#[test]
fn every_shape_of_a_visitor_leads_to_the_same_person() {
    let samples = [
        ("event", EVENT),
        ("visitor", VISITOR),
        ("chat", CHAT),
        (
            "present event message",
            include_str!("samples/sdk-v2-message-event.json"),
        ),
        (
            "present reply",
            include_str!("samples/sdk-v2-message-get-reply.json"),
        ),
        (
            "legacy event message",
            include_str!("samples/sdk-legacy-message-event.json"),
        ),
        (
            "legacy reply",
            include_str!("samples/sdk-legacy-message-get-reply.json"),
        ),
        ("webhook", include_str!("samples/webhook-chat-started.json")),
        (
            "webhook of the old platform",
            include_str!("samples/webhook-chat-started-old-platform.json"),
        ),
    ];
    for (what, text) in samples {
        let conversation = Conversation::from_visitor_value(json_of(text)).unwrap();
        assert!(
            field(&conversation, "visitor.name")
                .unwrap()
                .starts_with("Amélie Okafor"),
            "{what}"
        );
        assert!(
            field(&conversation, "visitor.email")
                .unwrap()
                .contains("okafor"),
            "{what}"
        );
        assert_eq!(
            field(&conversation, "visitor.id").as_deref(),
            Some("5e0c2b7a-41d8-4f6e-9c13-a7b05d8e6f24"),
            "{what}"
        );
    }
}

#[test]
fn a_webhook_visitor_says_as_much_as_the_console() {
    for text in [
        include_str!("samples/webhook-chat-started.json"),
        include_str!("samples/webhook-chat-started-old-platform.json"),
    ] {
        let value = json_of(text)["visitor"].clone();
        for value in [
            json!({ "event": "chat_started", "visitor": value.clone() }),
            value,
        ] {
            let conversation = Conversation::from_visitor_value(value).unwrap();
            for (name, expected) in [
                ("prechat.phone", "+33 (0)4 72 55 01 86"),
                ("visitor.company", "Fabrikam"),
                ("prechat.order number", "SO-7781"),
                ("custom_variable.LoyaltyLevel", "Gold"),
                ("prechat.product_service", "Returns"),
                ("chat.id", "b91d6f03-72ce-4a58-8e4b-0c3f7a915d62"),
                ("visitor.ip", "198.51.100.77"),
                ("visitor.operating_system", "macOS 15"),
                ("visitor.current_page", "https://shop.example.org/returns"),
                ("visitor.visit_time", "2025-07-22T08:00:00Z"),
                ("visitor.page_views", "7"),
            ] {
                assert_eq!(
                    field(&conversation, name).as_deref(),
                    Some(expected),
                    "{name}"
                );
            }
            assert_eq!(
                field(&conversation, "prechat.department"),
                None,
                "an identifier is no department name"
            );
            assert_eq!(conversation.chat.unwrap().status, ChatStatus::Chatting);
        }
    }
}

#[test]
fn plain_values_are_enough() {
    let plain = json!({ "name": "Li Wei", "email": " li@wei.example ", "phone": 8613800138000_i64, "company": "" });
    let conversation = Conversation::from_visitor_value(plain).unwrap();
    assert_eq!(
        field(&conversation, "prechat.name").as_deref(),
        Some("Li Wei")
    );
    assert_eq!(
        field(&conversation, "visitor.email").as_deref(),
        Some("li@wei.example")
    );
    assert_eq!(
        field(&conversation, "prechat.phone").as_deref(),
        Some("8613800138000")
    );
    assert_eq!(field(&conversation, "visitor.company"), None);
    assert_eq!(conversation.chat, None);
}

#[test]
fn only_what_is_no_object_is_refused() {
    for value in [json!(null), json!([]), json!("text"), json!(7), json!(true)] {
        assert_eq!(
            ConsoleEvent::from_value(value.clone()),
            Err(Error::NotAnObject)
        );
        assert_eq!(
            Conversation::from_visitor_value(value),
            Err(Error::NotAnObject)
        );
    }
    let empty = event(json!({}));
    assert_eq!(empty.kind, EventKind::Other(String::new()));
    assert_eq!(
        (empty.chat, empty.visitor, empty.agent, empty.site),
        (None, None, None, None)
    );
    assert_eq!(
        Conversation::from_visitor_value(json!({})).unwrap().visitor,
        Some(Visitor::default())
    );
}

#[test]
fn the_agents_key_is_never_kept() {
    let value = json_of(include_str!("samples/sdk-agent-legacy.json"));
    let event = event(json!({ "kind": "agent", "agent": value }));
    assert_eq!(event.agent.as_ref().unwrap().id, "19");
    assert!(!format!("{event:?}").contains("NEVER-READ"));
    let wrapped = self::event(json!({ "kind": "agent", "agent": { "data":
        json_of(include_str!("samples/sdk-agent-current.json")), "errorCode": 0 } }));
    assert_eq!(
        wrapped.agent.unwrap().id,
        "c2a4e8f1-9d30-4b57-a6e2-14f8b3c07d95"
    );
}

#[test]
fn debug_shows_no_personal_value() {
    let output = format!(
        "{:?} {:?}",
        event(json_of(EVENT)),
        Conversation::from(event(json_of(EVENT)))
    );
    for personal in [
        "Amélie", "okafor", "4 72", "Fabrikam", "198.51", "Lyon", "SO-7781", "Gold", "broken",
        "Noor", "noor@",
    ] {
        assert!(!output.contains(personal), "{personal} in {output}");
    }
    assert!(output.contains("b91d6f03-72ce-4a58-8e4b-0c3f7a915d62"));
    let hostile = event(
        json!({ "kind": "secret", "chat": { "status": "secret" }, "visitor": { "status": "secret" } }),
    );
    assert!(!format!("{hostile:?}").contains("secret"));
}

#[test]
fn numbers_and_text_may_stand_for_each_other() {
    let (chat, warnings) = chat(json!({
        "id": 4711, "name": 12, "phone": 31305550142_i64, "requestTime": "1753171500", "waitingTime": "12s",
        "duration": "300", "rating": { "score": "5" }, "agents": [7], "messages": [{ "time": "1753171512000", "content": 5 }]
    }));
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        chat.id,
        ChatId {
            guid: None,
            number: Some(4711)
        }
    );
    assert_eq!(
        (chat.name.as_str(), chat.phone.as_str()),
        ("12", "31305550142")
    );
    assert_eq!(chat.request_time, time("2025-07-22T08:05:00Z"));
    assert_eq!(
        (chat.waiting_seconds, chat.duration_seconds),
        (Some(12), Some(300))
    );
    assert_eq!(chat.rating.unwrap().score, 5);
    assert_eq!(chat.agents, ["7"]);
    assert_eq!(chat.messages[0].time, time("2025-07-22T08:05:12Z"));
    assert_eq!(chat.messages[0].content, "5");
}

#[test]
fn times_come_in_every_spelling_of_comm100() {
    let seconds = time("2024-07-17T14:02:11Z");
    for (value, expected) in [
        (json!(1721224931), seconds),
        (json!(1721224931000_i64), seconds),
        (json!(1721224931.0), seconds),
        (json!("1721224931"), seconds),
        (json!("/Date(1721224931)/"), seconds),
        (json!("/Date(1721224931000)/"), seconds),
        (json!("/Date(1721224931000+0200)/"), seconds),
        (json!("/Date(1721224931000-0800)/"), seconds),
        (json!("2024-07-17T14:02:11Z"), seconds),
        (json!("2024-07-17T16:02:11+02:00"), seconds),
        (json!(-1), time("1969-12-31T23:59:59Z")),
        (json!("/Date(-1)/"), time("1969-12-31T23:59:59Z")),
        (json!(i64::MAX), None),
        (json!(i64::MIN), None),
        (json!("/Date()/"), None),
        (json!("/Date(99999999999999999999)/"), None),
        (json!("yesterday"), None),
        (json!(true), None),
    ] {
        let (chat, warnings) = chat(json!({ "requestTime": value }));
        assert_eq!(chat.request_time, expected, "{value}");
        assert_eq!(warnings.is_empty(), expected.is_some(), "{value}");
    }
}

#[test]
fn unknown_statuses_are_kept() {
    for (word, expected) in [
        (json!("Chat Ended"), ChatStatus::Ended),
        (json!("chatEnded"), ChatStatus::Ended),
        (json!(9), ChatStatus::Ended),
        (json!("audio_chatting"), ChatStatus::AudioChatting),
        (
            json!("co-browsing"),
            ChatStatus::Unknown("co-browsing".to_owned()),
        ),
        (json!(47), ChatStatus::Unknown("47".to_owned())),
        (json!(null), ChatStatus::Unknown(String::new())),
        (json!({}), ChatStatus::Unknown(String::new())),
    ] {
        assert_eq!(chat(json!({ "status": word })).0.status, expected, "{word}");
    }
    for number in 0..=11 {
        let (visitor, _) = visitor(json!({ "status": number }));
        assert!(
            !matches!(visitor.status, VisitorStatus::Unknown(_)),
            "{number}"
        );
        assert_eq!(VisitorStatus::from(visitor.status.as_str()), visitor.status);
    }
    assert_eq!(
        visitor(json!({ "status": 12 })).0.status,
        VisitorStatus::Unknown("12".to_owned())
    );
}

#[test]
fn the_two_identifiers_of_a_chat_are_never_mixed_up() {
    let guid = "b91d6f03-72ce-4a58-8e4b-0c3f7a915d62";
    assert_eq!(ChatId::from_text(guid).to_string(), guid);
    assert_eq!(
        ChatId::from_text("4711"),
        ChatId {
            guid: None,
            number: Some(4711)
        }
    );
    let digits = "12345678901234567890123456789012";
    for text in [
        digits,
        "",
        "0",
        "-5",
        "4711x",
        "00000000-0000-0000-0000-000000000000",
        "b91d6f03",
    ] {
        assert!(ChatId::from_text(text).is_empty(), "{text}");
    }
    let (rest, _) = chat(json!({ "id": 4711, "guid": guid }));
    assert_eq!(
        (rest.id.number, rest.id.guid),
        (Some(4711), ChatId::from_text(guid).guid)
    );

    let both = rest.id;
    let (by_guid, by_number) = (ChatId::from_text(guid), ChatId::from_text("4711"));
    assert!(both.same_chat(&by_guid) && both.same_chat(&by_number));
    assert!(!by_guid.same_chat(&by_number), "nothing in common");
    assert!(
        !ChatId::default().same_chat(&ChatId::default()),
        "unknown is not the same"
    );
    let other = ChatId {
        guid: ChatId::from_text("b91d6f03-72ce-4a58-8e4b-0c3f7a915d63").guid,
        number: Some(4711),
    };
    assert!(!both.same_chat(&other), "the GUID decides");
}

/// Every value of a sample, by its JSON pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut inner = |key: &str, value: &Value| {
        let pointer = format!("{at}/{key}");
        found.push(pointer.clone());
        pointers(value, &pointer, found);
    };
    if let Some(map) = value.as_object() {
        map.iter().for_each(|(key, value)| inner(key, value));
    } else if let Some(list) = value.as_array() {
        list.iter()
            .enumerate()
            .for_each(|(index, value)| inner(&index.to_string(), value));
    }
}

#[test]
fn one_wrong_value_costs_that_value_only() {
    let sample = json_of(EVENT);
    let whole = Conversation::from(event(sample.clone()));
    let fields = Field::catalogue();
    let mut all = Vec::new();
    pointers(&sample, "", &mut all);
    assert!(all.len() > 80);
    for pointer in all {
        for wrong in [
            json!(null),
            json!(true),
            json!([[]]),
            json!({ "x": 1 }),
            json!(-1),
            json!(1e300),
            json!("x"),
        ] {
            let mut value = sample.clone();
            *value.pointer_mut(&pointer).unwrap() = wrong.clone();
            let conversation = Conversation::from(event(value));
            let changed = fields
                .iter()
                .filter(|info| conversation.field(&info.field) != whole.field(&info.field))
                .count();
            let allowed = match pointer.as_str() {
                "/chat" | "/visitor" => fields.len(),
                "/visitor/location" | "/visitor/device" => 5,
                "/visitor/history" => 3,
                // A name and the like are offered in two groups, the request's time in three.
                _ => 3,
            };
            assert!(
                changed <= allowed,
                "{pointer} = {wrong} changed {changed} fields"
            );
        }
    }
}

#[test]
fn wrong_types_are_named() {
    let (_, warnings) = chat(json!({
        "id": [], "name": {}, "fields": 7, "agents": ["Noor", false], "waitingTime": -3, "messages": [1], "rating": "5",
        "visitorId": 12
    }));
    let mut warnings = warnings;
    warnings.sort_unstable();
    assert_eq!(
        warnings,
        [
            "agents",
            "chat.id",
            "fields",
            "id",
            "messages",
            "name",
            "rating",
            "visitorId",
            "waitingTime"
        ]
    );
}

#[test]
fn what_is_kept_is_bounded() {
    let many = |count: usize, value: Value| Value::Array(vec![value; count]);
    let (chat, warnings) = chat(json!({
        "name": "é".repeat(MAX_VALUE_CHARS + 1),
        "company": "é".repeat(MAX_VALUE_CHARS),
        "agents": many(MAX_LIST_LEN + 1, json!("Noor")),
        "messages": many(MAX_MESSAGES + 1, json!({})),
        "status": "s".repeat(1_000),
    }));
    assert_eq!(chat.name.chars().count(), MAX_VALUE_CHARS);
    assert_eq!(chat.company.chars().count(), MAX_VALUE_CHARS);
    assert_eq!(chat.agents.len(), MAX_LIST_LEN);
    assert_eq!(chat.messages.len(), MAX_MESSAGES);
    assert_eq!(chat.status.as_str().len(), 255);
    assert_eq!(warnings, ["name", "agents", "messages"]);
}

#[test]
fn fields_fall_back_between_chat_and_visitor() {
    let both = Conversation::from(event(json_of(EVENT)));
    assert_eq!(
        field(&both, "visitor.name").as_deref(),
        Some("Amélie Okafor-Blanc"),
        "as the agent edited it"
    );
    assert_eq!(
        field(&both, "prechat.email").as_deref(),
        Some("amelie@okafor.example")
    );
    assert_eq!(
        field(&both, "visitor.phone").as_deref(),
        Some("+33 (0)4 72 55 01 86")
    );
    let only_visitor = Conversation {
        chat: None,
        ..both.clone()
    };
    assert_eq!(
        field(&only_visitor, "visitor.name").as_deref(),
        Some("Amélie Okafor")
    );
    assert_eq!(
        field(&only_visitor, "prechat.email").as_deref(),
        Some("amelie.okafor@fabrikam.example")
    );
    assert_eq!(field(&only_visitor, "agent.name").as_deref(), Some("Noor"));
    let only_chat = Conversation {
        visitor: None,
        ..both
    };
    assert_eq!(
        field(&only_chat, "visitor.id").as_deref(),
        Some("5e0c2b7a-41d8-4f6e-9c13-a7b05d8e6f24")
    );
    let unknown = json!({ "name": "203.0.113.9", "location": { "ip": "203.0.113.9" } });
    let unknown = Conversation::from_visitor_value(unknown).unwrap();
    assert_eq!(
        field(&unknown, "visitor.name"),
        None,
        "an IP address is no name"
    );
}

#[test]
fn the_console_fills_the_whole_catalogue() {
    let mut value = json_of(EVENT);
    value["chat"]["status"] = json!("chat ended");
    let conversation = Conversation::from(event(value));
    // What the console's SDK has no place for; the webhooks fill most of it.
    let elsewhere = [
        "visitor.search_engine",
        "visitor.keywords",
        "prechat.ticket_id",
        "chat.skill",
        "chat.source",
        "chat.campaign",
        "chat.attachment",
    ];
    for info in Field::catalogue() {
        let name = info.field.to_string();
        let expected = !elsewhere.contains(&name.as_str())
            && !name.starts_with("wrapup.")
            && !name.starts_with("offline_message.");
        assert_eq!(
            conversation.field(&info.field).is_some(),
            expected,
            "{name}"
        );
        assert_eq!(info.field.label(), info.label);
    }
    for (name, expected) in [
        ("chat.start_time", "2025-07-22T08:05:12Z"),
        ("chat.end_time", "2025-07-22T08:10:12Z"),
        ("agent.name", "Noor, Sam"),
        ("postchat.rating", "4"),
        ("prechat.ORDER number", "SO-7781"),
        ("custom_variable.loyaltylevel", "Gold"),
        (
            "transcript",
            "2025-07-22 (times in UTC)\n[08:05:12] Noor has joined.\n[08:05:15] Noor: Bonjour\nHow can I help?\n\
             [08:05:30] Amélie: The blue one & the box are broken",
        ),
    ] {
        assert_eq!(
            field(&conversation, name).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    assert_eq!(field(&conversation, "prechat.Shoe Size"), None);
}

#[test]
fn field_names_are_strings_in_settings() {
    for info in Field::catalogue() {
        assert_eq!(info.field.to_string().parse(), Ok(info.field.clone()));
        assert_eq!(
            info.field.to_string().to_uppercase().parse(),
            Ok(info.field)
        );
    }
    let custom: Field = serde_json::from_value(json!("prechat.Account Number")).unwrap();
    assert_eq!(
        serde_json::to_value(&custom).unwrap(),
        json!("prechat.Account Number")
    );
    assert_eq!(custom.label(), "Pre-chat Account Number");
    for (wrong, nearest) in [
        ("visitor.emial", "visitor.email"),
        ("Visitor.Phon", "visitor.phone"),
        ("transscript", "transcript"),
        ("custom_variables.name", "custom_variable.<name>"),
        ("prechat.", "prechat.name"),
    ] {
        match wrong.parse::<Field>() {
            Err(Error::UnknownField { nearest: found, .. }) => {
                assert_eq!(found, nearest, "{wrong}")
            }
            other => panic!("{wrong}: {other:?}"),
        }
    }
    let message = serde_json::from_value::<Field>(json!("visitor.emial"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "There is no Comm100 field \"visitor.emial\". Did you mean \"visitor.email\"?"
    );
}

#[test]
fn a_link_selects_its_visitor() {
    let event = link::parse(
        "dynamics-companion://chat?siteId=40077&chatId=b91d6f03-72ce-4a58-8e4b-0c3f7a915d62&\
         visitorId=5e0c2b7a-41d8-4f6e-9c13-a7b05d8e6f24&name=Am%C3%A9lie+Okafor&email=a+b@okafor.example&\
         phone=+33%204%2072&company=A%26B&next=evil",
    )
    .unwrap();
    assert_eq!(
        (event.source.as_str(), &event.kind),
        ("link", &EventKind::Selected)
    );
    assert_eq!(event.site.as_ref().unwrap().site_id, "40077");
    let conversation = Conversation::from(event);
    for (name, expected) in [
        ("visitor.name", "Amélie Okafor"),
        ("visitor.email", "a+b@okafor.example"),
        ("visitor.phone", "+33 4 72"),
        ("visitor.company", "A&B"),
        ("visitor.id", "5e0c2b7a-41d8-4f6e-9c13-a7b05d8e6f24"),
        ("chat.id", "b91d6f03-72ce-4a58-8e4b-0c3f7a915d62"),
    ] {
        assert_eq!(
            field(&conversation, name).as_deref(),
            Some(expected),
            "{name}"
        );
    }
}

#[test]
fn links_are_read_however_they_were_written() {
    let phone = |link: &str| {
        field(
            &Conversation::from(link::parse(link).unwrap()),
            "visitor.phone",
        )
    };
    assert_eq!(
        phone("dynamics-companion://chat?phone=%2B33+4+72").as_deref(),
        Some("+33 4 72")
    );
    assert_eq!(
        phone("dynamics-companion://chat?phone=+33+4+72").as_deref(),
        Some("+33 4 72")
    );
    assert_eq!(
        phone("DYNAMICS-COMPANION://CHAT/?PHONE=555").as_deref(),
        Some("555")
    );
    assert_eq!(
        phone("dynamics-companion://chat?phone={!PreChat.Phone}"),
        None,
        "a macro that was not filled in"
    );
    assert_eq!(phone("dynamics-companion://chat"), None);
    let no_chat =
        link::parse("dynamics-companion://chat?chatId=nonsense&visitorId=nonsense&name=x").unwrap();
    assert_eq!(no_chat.chat, None);
    assert_eq!(no_chat.visitor.unwrap().id, None);
}

#[test]
fn hostile_links_are_refused() {
    let long = format!(
        "dynamics-companion://chat?name={}",
        "x".repeat(link::MAX_CHARS)
    );
    for (text, code) in [
        (long.as_str(), "link_too_long"),
        ("", "link_malformed"),
        ("https://chat?name=x", "link_malformed"),
        ("dynamics-companion://record?name=x", "link_malformed"),
        ("dynamics-companion://chat/../x?name=x", "link_malformed"),
        ("dynamics-companion:chat?name=x", "link_malformed"),
        ("dynamics-companion://chat?name=%FF", "link_malformed"),
        ("dynamics-companion://chat?name=a%00b", "link_malformed"),
        ("dynamics-companion://chat?name=a%0D%0Ab", "link_malformed"),
        (
            "dynamics-companion://chat?email=a&EMAIL=b",
            "link_repeats_key",
        ),
    ] {
        let error = link::parse(text).unwrap_err();
        assert_eq!(error.code(), code, "{text}");
        assert!(!error.next_step().is_empty());
    }
}

/// Any JSON, with the names that the reader looks for, so that every branch gets every type.
fn any_json() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "kind",
        "sentAt",
        "site",
        "agent",
        "chat",
        "visitor",
        "data",
        "id",
        "guid",
        "chat_id",
        "visitorId",
        "status",
        "name",
        "email",
        "phone",
        "fields",
        "custom_fields",
        "value",
        "rating",
        "score",
        "agents",
        "requestPage",
        "url",
        "title",
        "requestTime",
        "waitingTime",
        "duration",
        "messages",
        "content",
        "sender",
        "senderType",
        "time",
        "location",
        "ip",
        "device",
        "history",
        "customVariables",
        "ssoId",
        "landingPage",
        "product_service",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "/Date\\(-?[0-9]{0,20}([+-][0-9]{0,4})?\\)/".prop_map(Value::from),
        "[<>&;#x/a-z0-9 ]{0,40}".prop_map(Value::from),
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(keys.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(value in any_json()) {
        let is_object = value.is_object();
        let event = ConsoleEvent::from_value(value.clone());
        prop_assert_eq!(event.is_ok(), is_object);
        let conversation = Conversation::from_visitor_value(value);
        prop_assert_eq!(conversation.is_ok(), is_object);
        for conversation in event.into_iter().map(Conversation::from).chain(conversation) {
            for info in Field::catalogue() {
                if let Some(value) = conversation.field(&info.field) {
                    prop_assert_eq!(value.trim(), value.as_str());
                    prop_assert!(!value.is_empty());
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_link_or_refused(text in any::<String>(), query in "[ -~]{0,80}") {
        let _ = link::parse(&text);
        if let Ok(event) = link::parse(&format!("dynamics-companion://chat?{query}")) {
            prop_assert_eq!(event.kind, EventKind::Selected);
        }
    }

    #[test]
    fn any_text_is_a_field_or_refused(text in any::<String>()) {
        if let Ok(field) = text.parse::<Field>() {
            prop_assert_eq!(field.to_string().parse::<Field>(), Ok(field));
        }
    }
}
