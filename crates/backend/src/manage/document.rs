//! The document as it is saved: what differs between two, and the text with its comments.

use serde_json::{Map, Value};

use super::{Saved, judge, text};
use crate::problem::Problem;
use crate::settings::{self, Settings, draft};
use crate::view::{Change, ReadDocument, Remark};

/// The user's own document with these settings. What an administrator has laid down does not stand in it, unless it did.
///
/// # Errors
/// `settings_wrong_value` if a value has no form in TOML.
pub(super) fn text(saved: &Saved, settings: &Settings) -> Result<String, Problem> {
    let empty = saved.text.trim().is_empty();
    let former_text = if empty {
        format!("version = {}\n", settings.version)
    } else {
        saved.text.clone()
    };
    let (before, after) = (json(&saved.settings), json(settings));
    if let (Value::Object(before), Value::Object(after)) = (&before, &after)
        && let Some(text) = text::changed(&former_text, before, after)
    {
        let read = match &saved.managed {
            Some(managed) => Settings::under(&text, managed),
            None => Settings::parse(&text),
        };
        if read.is_ok_and(|read| read == *settings) {
            return Ok(text);
        }
    }
    // A text that cannot be changed in its parts is written anew.
    settings.to_toml()
}

/// Reads a document that is to become a draft: every mistake with its line.
pub(super) fn read(text: &str, saved: &Saved) -> ReadDocument {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(_) => {
            // The same text again, for the sentence with its line.
            let problem = Settings::parse(text).err().unwrap_or_else(no_document);
            return ReadDocument {
                draft: None,
                problems: vec![remark(text, String::new(), problem)],
                changes: Vec::new(),
            };
        }
    };
    let draft = serde_json::to_value(&table).unwrap_or_default();
    let drafted = draft::read(&draft);
    let problems = judge::problems(&drafted, saved.managed.as_ref(), &saved.settings);
    ReadDocument {
        changes: changes(&saved.settings, &drafted.settings),
        draft: Some(drafted.settings),
        problems: problems
            .into_iter()
            .map(|problem| remark(text, problem.key, problem.problem))
            .collect(),
    }
}

fn remark(text: &str, key: String, problem: Problem) -> Remark {
    let line = settings::line_of_key(text, &key);
    let line = line.and_then(|line| u32::try_from(line).ok());
    Remark {
        problem: match line {
            Some(line) => Problem {
                message: format!("Line {line}: {}", problem.message),
                ..problem
            },
            None => problem,
        },
        key,
        line,
        other: None,
    }
}

fn no_document() -> Problem {
    Problem::new(
        "settings_syntax",
        "The text is no settings document.",
        "The file must be TOML.",
    )
}

/// What differs between two settings, by key path.
pub(super) fn changes(before: &Settings, after: &Settings) -> Vec<Change> {
    let mut changes = Vec::new();
    differ("", Some(&json(before)), Some(&json(after)), &mut changes);
    changes
}

/// Settings as JSON. They always have that form.
pub(super) fn json(settings: &Settings) -> Value {
    serde_json::to_value(settings).unwrap_or_default()
}

fn differ(key: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for name in before.keys().chain(added) {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                differ(&key, before.get(name), after.get(name), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            differ_lists(key, before, after, changes);
        }
        _ => changes.push(Change {
            key: key.to_owned(),
            before: before.map(shown),
            after: after.map(shown),
        }),
    }
}

/// Items that both have are unchanged; of the others, those of the same name are told value by value.
fn differ_lists(key: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let mut gone: Vec<usize> = (0..before.len()).collect();
    let mut new: Vec<usize> = (0..after.len()).collect();
    new.retain(|&at| {
        let same = gone
            .iter()
            .position(|&other| before.get(other) == after.get(at));
        match same {
            Some(place) => {
                gone.remove(place);
                false
            }
            None => true,
        }
    });
    if gone.is_empty() && new.is_empty() {
        let names = |items: &[Value]| Some(items.iter().map(called).collect::<Vec<_>>().join(", "));
        changes.push(Change {
            key: key.to_owned(),
            before: names(before),
            after: names(after),
        });
        return;
    }
    for at in new {
        let item = after.get(at);
        let name = item.and_then(name);
        let same = gone
            .iter()
            .position(|&other| name.is_some() && before.get(other).and_then(self::name) == name);
        let former = same.map(|place| gone.remove(place));
        let former = former.and_then(|at| before.get(at));
        differ(&format!("{key}.{at}"), former, item, changes);
    }
    for at in gone {
        differ(&format!("{key}.{at}"), before.get(at), None, changes);
    }
}

/// By what an item of a list is the same one: a rule's name, a field's column.
fn name(item: &Value) -> Option<&str> {
    let name = item.get("name").or_else(|| item.get("column"))?;
    name.as_str()
}

fn called(item: &Value) -> String {
    name(item).map_or_else(|| shown(item), str::to_owned)
}

/// A value as it stands in the document, in one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(object) => format!("{{ {} }}", pairs(object)),
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn pairs(object: &Map<String, Value>) -> String {
    let pair = |(key, value): (&String, &Value)| format!("{key} = {}", shown(value));
    object.iter().map(pair).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use integration::recording::{Mode, UpdatePolicy};

    use super::*;

    const TEXT: &str = "# For everybody\nversion = 1\n\n[connection]\nkind = \"practice\" # for now\n\n# The first rule\n[[identification.contact]]\nname = \"One\"\nany = [{ column = \"emailaddress1\", operator = \"equals\", field = \"visitor.email\" }] # by mail\n\n# The second rule\n[[identification.contact]]\nname = \"Two\"\nall = [{ column = \"lastname\", operator = \"equals\", field = \"visitor.name\" }]\n\n[recording]\nupdate = \"keep\" # on purpose\n";

    fn saved(text: &str) -> Saved {
        Saved {
            text: text.to_owned(),
            settings: Settings::parse(text).unwrap(),
            managed: None,
            problem: None,
        }
    }

    fn with(text: &str, change: impl FnOnce(&mut Settings)) -> (String, Settings) {
        let saved = saved(text);
        let mut settings = saved.settings.clone();
        change(&mut settings);
        (super::text(&saved, &settings).unwrap(), settings)
    }

    #[test]
    fn what_is_unchanged_is_not_touched() {
        assert_eq!(with(TEXT, |_| {}).0, TEXT);
        let (text, _) = with(TEXT, |settings| {
            settings.recording.update = UpdatePolicy::Overwrite;
        });
        assert_eq!(text, TEXT.replace("\"keep\"", "\"overwrite\""));
    }

    #[test]
    fn every_change_is_read_again_and_comments_stay_with_their_rules() {
        let changes: [fn(&mut Settings); 9] = [
            |settings| settings.identification.contact.reverse(),
            |settings| {
                settings.identification.contact.remove(0);
            },
            |settings| settings.identification.contact.clear(),
            |settings| settings.identification.contact[1].name = "Second".to_owned(),
            |settings| settings.identification.contact[0].off = true,
            |settings| {
                let copy = settings.identification.contact[0].clone();
                settings.identification.contact.push(copy);
            },
            |settings| settings.fields.contact[0].display = true,
            |settings| settings.recording.mode = Mode::Automatic,
            |settings| settings.recording.exclude.domains = vec!["contoso.com".to_owned()],
        ];
        for (place, change) in changes.into_iter().enumerate() {
            for text in [TEXT, "", "version = 1\nidentification.contact = []\n"] {
                if text != TEXT && place < 6 {
                    continue;
                }
                let (text, settings) = with(text, change);
                assert_eq!(Settings::parse(&text).unwrap(), settings, "{place}: {text}");
            }
            let (text, settings) = with(TEXT, change);
            assert!(
                text.contains("# For everybody") && text.contains("# for now"),
                "{text}"
            );
            if settings.identification.contact.len() > 1 {
                assert!(text.contains("# The second rule"), "{place}: {text}");
            }
        }
        let (text, _) = with(TEXT, |settings| settings.identification.contact.reverse());
        let place = |part: &str| text.find(part).unwrap();
        assert!(place("# The second rule") < place("Two"), "{text}");
        assert!(
            place("Two") < place("# The first rule") && place("# The first rule") < place("One")
        );
    }

    #[test]
    fn a_new_file_says_only_what_differs_from_the_defaults() {
        let (text, _) = with("", |settings| settings.recording.mode = Mode::Automatic);
        assert_eq!(text, "version = 1\n\n[recording]\nmode = \"automatic\"\n");
    }

    #[test]
    fn changes_are_told_by_key() {
        let before = saved(TEXT).settings;
        let told = |change: fn(&mut Settings)| {
            let mut after = before.clone();
            change(&mut after);
            changes(&before, &after)
                .into_iter()
                .map(|change| (change.key, change.before, change.after))
                .collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told(|settings| settings.recording.update = UpdatePolicy::FillBlanks),
            [(
                "recording.update".to_owned(),
                text("\"keep\""),
                text("\"fill-blanks\"")
            )]
        );
        assert_eq!(
            told(|settings| settings.identification.contact.reverse()),
            [(
                "identification.contact".to_owned(),
                text("One, Two"),
                text("Two, One")
            )]
        );
        assert_eq!(
            told(|settings| settings.identification.contact[1].off = true),
            [(
                "identification.contact.1.off".to_owned(),
                None,
                text("true")
            )]
        );
        let gone = told(|settings| {
            settings.identification.contact.remove(0);
        });
        assert_eq!(gone.len(), 1);
        assert_eq!(gone[0].0, "identification.contact.0");
        assert_eq!(gone[0].2, None);
        assert_eq!(told(|_| {}), []);
    }
}
