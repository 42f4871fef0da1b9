//! What comes with the end of a chat or instead of one: the agent's wrap-up, files, and offline messages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::read::{Object, Warnings};
use crate::redact::redacted_debug;
use crate::{ChatId, NamedValue};

/// What an agent noted about a chat after it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WrapUp {
    /// The category; several are one text.
    pub category: String,
    /// The comment.
    pub comment: String,
    /// Custom fields of the wrap-up form.
    pub fields: Vec<NamedValue>,
    /// When it was submitted.
    pub time: Option<Timestamp>,
}

redacted_debug!(WrapUp {
    shown: [category, time],
    hidden: [comment, fields]
});

impl WrapUp {
    /// `None` for one that says nothing.
    pub(crate) fn read(wrapup: Object<'_>) -> Option<WrapUp> {
        let read = WrapUp {
            category: wrapup.text(&["category", "categories"]),
            comment: wrapup.text(&["comment"]),
            fields: wrapup.named_values(&["fields", "custom_fields", "fieldValues"]),
            time: wrapup.time(&["time", "lastUpdatedTime"]),
        };
        (read != WrapUp::default()).then_some(read)
    }
}

/// A file that was sent in a chat or with an offline message.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// Where Comm100 keeps it: text from outside, not a checked address.
    pub url: String,
}

redacted_debug!(Attachment {
    shown: [],
    hidden: [name, url]
});

impl Attachment {
    /// One, several, or none: `{name, uri}`, a list of them, `[]`, or one whose texts are empty.
    pub(crate) fn read_all(object: Object<'_>, keys: &[&'static str]) -> Vec<Attachment> {
        match object.value(keys) {
            Some(Value::Array(_)) => object.list(keys, crate::MAX_LIST_LEN, |value, warnings| {
                Attachment::read(Object::new(value.as_object()?, warnings))
            }),
            Some(_) => object
                .object(keys)
                .and_then(Attachment::read)
                .into_iter()
                .collect(),
            None => Vec::new(),
        }
    }

    fn read(file: Object<'_>) -> Option<Attachment> {
        let url = file.text(&["uri", "url"]);
        let read = Attachment {
            name: file.text(&["name", "fileName"]),
            url: match url.strip_prefix("//") {
                Some(rest) => format!("https://{rest}"),
                None => url,
            },
        };
        (read != Attachment::default()).then_some(read)
    }

    /// The files for a person: `invoice.pdf (https://…)`, one a line.
    pub(crate) fn text(files: &[Attachment]) -> Option<String> {
        let lines: Vec<String> = files
            .iter()
            .map(|file| match (file.name.trim(), file.url.trim()) {
                (name, "") => name.to_owned(),
                ("", url) => url.to_owned(),
                (name, url) => format!("{name} ({url})"),
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// A message that a visitor left while nobody was there.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OfflineMessage {
    /// Its identifiers: the GUID of the webhooks, the number of the REST API.
    pub id: ChatId,
    /// The subject.
    pub subject: String,
    /// The message, as plain text.
    pub content: String,
    /// The visitor's name.
    pub name: String,
    /// The visitor's e-mail address.
    pub email: String,
    /// The visitor's phone number, however it was written.
    pub phone: String,
    /// The visitor's company.
    pub company: String,
    /// The department that it is for: its name where the source gives one, else its identifier; empty for none.
    pub department: String,
    /// The skill that it is for, by its identifier; empty for none.
    pub skill: String,
    /// The ticket that was made of it, if one was.
    pub ticket_id: String,
    /// The files with it.
    pub attachments: Vec<Attachment>,
    /// Custom fields of the form.
    pub fields: Vec<NamedValue>,
    /// Custom variables that the website published.
    pub custom_variables: Vec<NamedValue>,
    /// When it was left.
    pub time: Option<Timestamp>,
}

redacted_debug!(OfflineMessage {
    shown: [id, department, skill, ticket_id, time],
    hidden: [
        subject,
        content,
        name,
        email,
        phone,
        company,
        attachments,
        fields,
        custom_variables
    ]
});

impl OfflineMessage {
    /// Reads the webhooks' shape and the REST API's.
    pub(crate) fn read(message: Object<'_>) -> OfflineMessage {
        let mut attachments = Attachment::read_all(message, &["attachment", "attachments"]);
        if attachments.is_empty() {
            let name = message.text(&["attachmentFileName"]);
            attachments.extend((!name.is_empty()).then(|| Attachment {
                name,
                url: String::new(),
            }));
        }
        OfflineMessage {
            id: ChatId::read(message),
            subject: message.text(&["subject"]),
            content: message.long_text(&["content", "message"]),
            name: message.text(&["name"]),
            email: message.text(&["email"]),
            phone: message.text(&["phone"]),
            company: message.text(&["company"]),
            department: identifier(message, &["department", "departmentId"]),
            skill: identifier(message, &["skill", "skillId"]),
            ticket_id: identifier(message, &["ticketId", "ticket_id"]),
            attachments,
            fields: message.named_values(&["custom_fields", "customFields", "fields"]),
            custom_variables: message.named_values(&[
                "custom_variable",
                "custom_variables",
                "customVariables",
            ]),
            time: message.time(&["time", "createdTime"]),
        }
    }

    /// Reads one that stands for itself.
    pub(crate) fn from_value(value: Option<&Value>, warnings: &Warnings) -> Option<OfflineMessage> {
        let map = value?.as_object()?;
        Some(OfflineMessage::read(Object::new(map, warnings)))
    }
}

/// An identifier or name; what Comm100 writes for none (`-1`, `0`, the GUID of zeros) is none.
pub(crate) fn identifier(object: Object<'_>, keys: &[&'static str]) -> String {
    let word = object.word(keys);
    let is_none = ["-1", "0", "00000000-0000-0000-0000-000000000000"].contains(&word.as_str());
    if is_none { String::new() } else { word }
}
