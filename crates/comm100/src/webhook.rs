//! The bodies of the Live Chat webhooks, on the present platform and the older ones.

use serde_json::{Map, Value};

use crate::after::{Attachment, OfflineMessage, WrapUp, identifier};
use crate::chat::status_key;
use crate::read::{Object, Warnings};
use crate::{Chat, ChatId, ChatStatus, ConsoleEvent, EventKind, Rating, Visitor};

/// The source of events that are read here.
const SOURCE: &str = "webhook";
/// What ends each line of a transcript.
const LINE_MARK: char = '⊙';

/// Whether this is the body of a webhook and not an event of the console, which always has a `kind`.
pub(crate) fn is_webhook(map: &Map<String, Value>) -> bool {
    let is_object = |key: &str| map.get(key).is_some_and(Value::is_object);
    !map.contains_key("kind")
        && (map.get("event").is_some_and(Value::is_string)
            || is_object("offline_message")
            || (is_object("wrapup") && is_object("visitor")))
}

/// Reads a body; every key may be missing.
pub(crate) fn read(map: &Map<String, Value>) -> ConsoleEvent {
    let warnings = Warnings::default();
    let body = Object::new(map, &warnings);
    let offline_message = OfflineMessage::from_value(map.get("offline_message"), &warnings);
    let visitor = body.object(&["visitor"]);
    let kind = kind(body, offline_message.is_some());
    let mut event = ConsoleEvent {
        source: SOURCE.to_owned(),
        sent_at: None,
        site: None,
        // An agent's status tells of any agent, not of the one who sits here.
        agent: None,
        chat: None,
        visitor: visitor.map(Visitor::read),
        offline_message: None,
        warnings: Vec::new(),
        kind,
    };
    match offline_message {
        Some(message) => event.offline_message = Some(complete(message, visitor)),
        None => event.chat = chat(body, visitor, &event.kind),
    }
    event.warnings = warnings.into_names();
    event
}

fn kind(body: Object<'_>, is_message: bool) -> EventKind {
    let word = body.word(&["event"]);
    match status_key(&word).as_str() {
        "chatrequest" | "chatrequested" | "chatisrequested" => EventKind::Requested,
        "chatstarted" | "chatstarts" => EventKind::Started,
        "chatended" | "chatends" => EventKind::Ended,
        "chattransferred" | "chatistransferred" => EventKind::Updated,
        "chatwrappedup" | "chatwrapedup" | "chatiswrappedup" => EventKind::WrapUp,
        _ if is_message => EventKind::OfflineMessage,
        _ if body.has(&["wrapup"]) => EventKind::WrapUp,
        _ => EventKind::Other(word),
    }
}

/// The message's identifier is also the visitor's `chat_id`, and its form's fields may stand with the visitor.
fn complete(mut message: OfflineMessage, visitor: Option<Object<'_>>) -> OfflineMessage {
    let Some(visitor) = visitor else {
        return message;
    };
    if message.id.is_empty() {
        message.id = ChatId::read_keys(visitor, &["chat_id"], &[]);
    }
    if message.fields.is_empty() {
        message.fields = visitor.named_values(&["custom_fields"]);
    }
    message
}

fn chat(body: Object<'_>, visitor: Option<Object<'_>>, kind: &EventKind) -> Option<Chat> {
    let of_visitor = visitor.and_then(Chat::read_from_visitor);
    let mut chat = match (body.object(&["chat"]), of_visitor) {
        (Some(chat), of_visitor) => read_chat(chat, of_visitor.unwrap_or_default()),
        (None, Some(chat)) => chat,
        (None, None) => Chat::default(),
    };
    if chat.id.is_empty() {
        chat.id = ChatId::read_keys(body, &["chat_id"], &[]);
    }
    if let Some(wrapup) = body.object(&["wrapup"]) {
        chat.wrapup = WrapUp::read(wrapup).or(chat.wrapup);
    }
    if *kind == EventKind::Ended {
        // The visitor's status is that of the moment when the body was made.
        chat.status = ChatStatus::Ended;
    }
    (chat != Chat::default()).then_some(chat)
}

/// The `chat` of a body; what it leaves out is taken from what the visitor tells of the chat.
fn read_chat(chat: Object<'_>, of_visitor: Chat) -> Chat {
    let mut id = ChatId::read(chat);
    if id.is_empty() {
        id = of_visitor.id;
    }
    let own = |text: String, other: String| if text.is_empty() { other } else { text };
    let start_time = chat.time(&["start_time", "startTime"]);
    let end_time = chat.time(&["end_time", "endTime"]);
    let waiting_seconds = chat.count(&["waiting_time", "waitingTime"]);
    let seconds = start_time
        .zip(end_time)
        .and_then(|(start, end)| u64::try_from(end.duration_since(start).as_secs()).ok());
    let request_time = start_time.zip(waiting_seconds).and_then(|(start, waited)| {
        let waited = jiff::SignedDuration::from_secs(i64::try_from(waited).ok()?);
        start.checked_sub(waited).ok()
    });
    let fields = chat.named_values(&["custom_fields"]);
    let variables = chat.named_values(&["custom_variable", "custom_variables"]);
    Chat {
        id,
        visitor_id: of_visitor.visitor_id,
        status: of_visitor.status,
        name: own(chat.text(&["name"]), of_visitor.name),
        email: own(chat.text(&["email"]), of_visitor.email),
        company: own(chat.text(&["company"]), of_visitor.company),
        phone: own(chat.text(&["phone"]), of_visitor.phone),
        product_service: own(chat.text(&["product_service"]), of_visitor.product_service),
        department: chat.text(&["department"]),
        skill: own(identifier(chat, &["skill"]), of_visitor.skill),
        fields: if fields.is_empty() {
            of_visitor.fields
        } else {
            fields
        },
        custom_variables: variables,
        rating: rating(chat),
        agents: agents(chat),
        request_time,
        start_time,
        end_time,
        waiting_seconds,
        duration_seconds: seconds,
        transcript: lines(&chat.long_text(&["chat_transcript", "transcript"])),
        wrapup: chat.object(&["wrap_up", "wrapup"]).and_then(WrapUp::read),
        agent_comment: chat.text(&["operator_comment", "agent_comment"]),
        attachments: Attachment::read_all(chat, &["attachment"])
            .into_iter()
            .chain(Attachment::read_all(chat, &["note_attachment"]))
            .collect(),
        ..Chat::default()
    }
}

fn rating(chat: Object<'_>) -> Option<Rating> {
    let blank = chat.has(&["rating"]) && chat.word(&["rating"]).is_empty();
    let score = if blank { None } else { chat.count(&["rating"]) };
    let rating = Rating {
        score: score
            .and_then(|score| u8::try_from(score).ok())
            .unwrap_or_default(),
        comment: chat.text(&["rating_comment"]),
    };
    (rating != Rating::default()).then_some(rating)
}

/// Names in one text, separated by commas; drafts of the format have a list.
fn agents(chat: Object<'_>) -> Vec<String> {
    let keys = &["operators", "agents"];
    match chat.value(keys) {
        Some(Value::Array(_)) => chat.words(keys),
        Some(_) | None => chat
            .text(keys)
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .take(crate::MAX_LIST_LEN)
            .map(str::to_owned)
            .collect(),
    }
}

/// A transcript with its lines apart. Lines are marked by `⊙`, on older platforms by line ends.
fn lines(transcript: &str) -> String {
    let parts: Vec<&str> = transcript
        .split(LINE_MARK)
        .map(|part| part.trim_matches(['\r', '\n']))
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n").replace("\r\n", "\n")
}
