//! What a chat's fields become in the columns of a table (guide, "Entity Field Mapping and Display in Comm100").

use std::collections::BTreeMap;

use comm100::{Conversation, Field};

use crate::columns::Columns;
use crate::cut;
use crate::fit::fit;
use crate::plan::{Planned, Unfit};
use crate::record::Table;
use crate::rules::{DisplaySettings, Source};

/// The longest text of a note, in UTF-16 code units (`annotation.notetext`).
const LONGEST_NOTE: usize = 100_000;
/// What stands at the end of a column that has only the beginning of a text.
const POINTER: &str = "\n… (continued in the notes of this record)";

/// What the mapping of one table makes of a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// Values by column; a column for which the chat has nothing is not among them.
    pub values: BTreeMap<String, Planned>,
    /// What could not be written as it is.
    pub unfit: Vec<Unfit>,
    /// Texts that are longer than their column, whole, in pieces that a note can hold.
    pub notes: Vec<String>,
}

/// Fills the mapped columns of a table from a chat.
#[must_use]
pub fn values(
    table: Table,
    fields: &DisplaySettings,
    columns: &Columns,
    conversation: &Conversation,
) -> Mapped {
    let mut mapped = Mapped::default();
    for field in fields.of(table) {
        let source = field.source.as_ref();
        let Some(text) = source.and_then(|source| text(source, conversation)) else {
            continue;
        };
        mapped.put(table, columns, &field.column, &text);
    }
    mapped
}

impl Mapped {
    fn put(&mut self, table: Table, columns: &Columns, column: &str, text: &str) {
        let limits = columns.limits(table, column);
        let most = limits.max_length.map(|most| most as usize);
        if let Some(most) = most.filter(|most| limits.lines && cut::length(text) > *most) {
            let stored = cut::storable(text);
            let beginning = cut::beginning(&stored, most.saturating_sub(cut::length(POINTER)));
            let shown = serde_json::Value::String(format!("{beginning}{POINTER}"));
            self.values.insert(column.to_owned(), Planned::Value(shown));
            let pieces = cut::pieces(&stored, LONGEST_NOTE);
            self.notes.extend(pieces.into_iter().map(str::to_owned));
            self.unfit.push(Unfit {
                table: table.logical_name().to_owned(),
                column: column.to_owned(),
                value: String::new(),
                rule: format!(
                    "{} takes {most} characters: the whole text is in the notes.",
                    columns.label(table, column)
                ),
            });
            return;
        }
        match fit(columns, table, column, text) {
            Ok(fitted) => {
                self.values.insert(column.to_owned(), fitted.planned);
                self.unfit.extend(fitted.notice);
            }
            Err(unfit) => self.unfit.push(unfit),
        }
    }

    /// Also what a new record needs so that Dynamics takes it and a person can tell it from others: a last name (else the
    /// e-mail address, the telephone number, `Visitor`), a topic, a title. An update never writes these.
    #[must_use]
    pub fn for_creation(
        mut self,
        table: Table,
        columns: &Columns,
        conversation: &Conversation,
    ) -> Mapped {
        let visitor = ["visitor.name", "visitor.email", "visitor.phone"]
            .into_iter()
            .find_map(|name| value_of(name, conversation))
            .unwrap_or_else(|| "Visitor".to_owned());
        let needed: &[&str] = match table {
            Table::Contact => &["lastname"],
            Table::Lead => &["lastname", "subject"],
            Table::Incident => &["title"],
            Table::Task => &["subject"],
            Table::Account => &["name"],
        };
        for column in needed {
            if self.values.contains_key(*column) {
                continue;
            }
            let text = if matches!(*column, "title" | "subject") {
                value_of("offline_message.subject", conversation)
                    .unwrap_or_else(|| heading(conversation, &visitor))
            } else {
                visitor.clone()
            };
            self.put(table, columns, column, &text);
        }
        self
    }
}

/// `Chat with Dana Nowak on 2024-07-17`, or `Offline message from …`.
#[must_use]
pub fn heading(conversation: &Conversation, visitor: &str) -> String {
    let what = if conversation.offline_message.is_some() {
        "Offline message from"
    } else {
        "Chat with"
    };
    let times = [
        "offline_message.time",
        "chat.start_time",
        "chat.request_time",
        "chat.end_time",
    ];
    let time = times
        .into_iter()
        .find_map(|name| value_of(name, conversation));
    match time.as_deref().and_then(|time| time.split('T').next()) {
        Some(day) => format!("{what} {visitor} on {day}"),
        None => format!("{what} {visitor}"),
    }
}

/// The transcript in pieces that a note can hold; empty if nothing was said.
#[must_use]
pub fn transcript_notes(conversation: &Conversation) -> Vec<String> {
    let text = value_of("transcript", conversation).unwrap_or_default();
    cut::pieces(&cut::storable(&text), LONGEST_NOTE)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

pub(crate) fn value_of(name: &str, conversation: &Conversation) -> Option<String> {
    let field: Field = name.parse().ok()?;
    conversation.field(&field)
}

/// `None` if the chat has nothing for it.
fn text(source: &Source, conversation: &Conversation) -> Option<String> {
    match source {
        Source::From(field) => conversation.field(field),
        Source::Fixed(value) => (!value.trim().is_empty()).then(|| value.clone()),
        Source::Template(template) => filled(template, conversation),
    }
}

/// The template with values in the place of its fields; `None` if it names fields and the chat has none of them. Blanks that
/// an empty field leaves behind are taken away.
fn filled(template: &str, conversation: &Conversation) -> Option<String> {
    let mut text = String::new();
    let (mut named, mut found) = (0, 0);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        named += 1;
        rest = behind;
        if let Some(value) = value_of(name, conversation) {
            found += 1;
            text.push_str(&value);
        } else if text.ends_with(' ') && rest.starts_with(' ') {
            text.pop();
        }
    }
    text.push_str(rest);
    let text = text.trim();
    (!text.is_empty() && (named == 0 || found > 0)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::FieldSetting;

    fn conversation(name: &str, transcript: &str) -> Conversation {
        let event = json!({ "kind": "ended", "chat": {
            "id": "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022", "name": name, "email": "Dana@Example.com", "phone": "+31 30 555 0142",
            "company": "Northwind", "requestTime": 1_721_224_931,
            "messages": [{ "sender": "Dana", "senderType": "visitor", "content": transcript }],
        }});
        Conversation::from_visitor_value(event).unwrap()
    }

    fn texts(mapped: &Mapped) -> BTreeMap<&str, &str> {
        mapped
            .values
            .iter()
            .filter_map(|(column, value)| Some((column.as_str(), value.text()?)))
            .collect()
    }

    #[test]
    fn the_guides_mapping_is_the_default() {
        let fields = DisplaySettings::default();
        let columns = Columns::default();
        let dana = conversation("Dana Nowak", "Hello");
        let of = |table| values(table, &fields, &columns, &dana);
        let contact = of(Table::Contact);
        assert_eq!(
            texts(&contact),
            BTreeMap::from([
                ("emailaddress1", "Dana@Example.com"),
                ("lastname", "Dana Nowak"),
                ("telephone1", "+31 30 555 0142"),
            ])
        );
        assert_eq!(texts(&of(Table::Lead))["companyname"], "Northwind");
        for table in [Table::Incident, Table::Task] {
            assert!(texts(&of(table))["description"].ends_with("Dana: Hello"));
        }
    }

    #[test]
    fn a_new_record_is_never_without_a_name() {
        let fields = DisplaySettings::default();
        let columns = Columns::default();
        let nobody = conversation("", "Hello");
        let lead = values(Table::Lead, &fields, &columns, &nobody);
        assert!(!texts(&lead).contains_key("lastname"));
        let lead = lead.for_creation(Table::Lead, &columns, &nobody);
        assert_eq!(texts(&lead)["lastname"], "Dana@Example.com");
        assert_eq!(
            texts(&lead)["subject"],
            "Chat with Dana@Example.com on 2024-07-17"
        );
    }

    #[test]
    fn a_template_leaves_nothing_of_what_is_empty() {
        let dana = conversation("Dana Nowak", "Hello");
        for (template, text) in [
            ("Chat of {visitor.name}", Some("Chat of Dana Nowak")),
            ("{visitor.sso_id}", None),
            (
                "a {visitor.sso_id} b {visitor.name}",
                Some("a b Dana Nowak"),
            ),
            ("fixed", Some("fixed")),
        ] {
            assert_eq!(filled(template, &dana).as_deref(), text, "{template}");
        }
    }

    #[test]
    fn a_long_transcript_is_whole_in_the_notes() {
        let said = "مرحبا 🦊 line\n".repeat(20_000);
        let dana = conversation("Dana", &said);
        let fields = DisplaySettings {
            case: vec![FieldSetting {
                column: "description".to_owned(),
                source: Some(Source::From("transcript".parse().unwrap())),
                display: false,
            }],
            ..DisplaySettings::default()
        };
        let mapped = values(Table::Incident, &fields, &Columns::default(), &dana);
        let whole = value_of("transcript", &dana).unwrap();
        assert_eq!(mapped.notes.concat(), whole);
        assert!(mapped.notes.len() > 1);
        let shown = texts(&mapped)["description"];
        assert!(shown.ends_with(POINTER) && cut::length(shown) <= 2000);
        assert!(whole.starts_with(shown.trim_end_matches(POINTER)));
    }
}
