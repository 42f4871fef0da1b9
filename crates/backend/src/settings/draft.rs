//! Reads a draft that may be wrong in many places: what can be read is read, and everything that cannot is named.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::{Fault, Settings};
use crate::problem::Problem;

/// More wrong places than a person will correct at once.
const MOST_FAULTS: usize = 200;

/// A draft as far as it can be read.
#[derive(Clone, Debug)]
pub(crate) struct Drafted {
    /// What could be read; what could not is left out.
    pub(crate) settings: Settings,
    /// What could not, with key paths of the draft.
    pub(crate) faults: Vec<Fault>,
    /// The places that were left out, in the draft's own numbering.
    left_out: BTreeSet<Place>,
}

type Place = Vec<Step>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(usize),
}

/// Reads a draft in the document's shape.
pub(crate) fn read(draft: &Value) -> Drafted {
    if !draft.is_object() {
        let problem = Problem::new(
            "settings_wrong_value",
            "This is no settings document: it has no sections.",
            "Give a document with sections such as [connection].",
        );
        return Drafted {
            settings: Settings::default(),
            faults: vec![Fault::new("", problem)],
            left_out: BTreeSet::new(),
        };
    }
    let draft = without_blanks(draft, &[]);
    let mut faults = Vec::new();
    let mut left_out = BTreeSet::new();
    while faults.len() < MOST_FAULTS {
        let pruned = without(&draft, &mut Vec::new(), &left_out);
        let mut unknown = Vec::new();
        let ignored = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
        let mut ignored = ignored;
        let deserializer = serde_ignored::Deserializer::new(&pruned, &mut ignored);
        match serde_path_to_error::deserialize::<_, Settings>(deserializer) {
            Ok(settings) => {
                let mut drafted = Drafted {
                    settings,
                    faults,
                    left_out,
                };
                for key in unknown {
                    let key = drafted.key_in_draft(&key);
                    let fault = Fault::new(key.clone(), unknown_key(&key));
                    drafted.faults.push(fault);
                }
                return drafted;
            }
            Err(error) => {
                let pruned_place: Place = error.path().iter().filter_map(step).collect();
                let place = in_draft(&pruned_place, &left_out);
                let message = error.inner().to_string();
                faults.push(fault(&draft, &place, &message));
                // Without the whole element nothing else of it is found to be missing.
                let element = place
                    .iter()
                    .rposition(|step| matches!(step, Step::Index(_)));
                let end = element.map_or(place.len(), |at| at + 1);
                let gone: Place = place.into_iter().take(end).collect();
                if gone.is_empty() || !left_out.insert(gone) {
                    break;
                }
            }
        }
    }
    Drafted {
        settings: Settings::default(),
        faults,
        left_out,
    }
}

impl Drafted {
    /// A key path of what could be read, as it is in the draft.
    pub(crate) fn key_in_draft(&self, key: &str) -> String {
        text(&in_draft(&place(key), &self.left_out))
    }

    /// Whether something at or below this key (of the draft) was left out.
    pub(crate) fn left_out_below(&self, key: &str) -> bool {
        let place = place(key);
        self.left_out.iter().any(|gone| gone.starts_with(&place))
    }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn place(key: &str) -> Place {
    key.split('.')
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse()
                .map_or_else(|_| Step::Key(part.to_owned()), Step::Index)
        })
        .collect()
}

fn text(place: &[Step]) -> String {
    let parts = place.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// The draft's own numbering of a place in what is left of it.
fn in_draft(pruned: &[Step], left_out: &BTreeSet<Place>) -> Place {
    let mut place = Place::new();
    for step in pruned {
        let step = match step {
            Step::Key(key) => Step::Key(key.clone()),
            Step::Index(index) => {
                let mut at = 0;
                let mut seen = 0;
                loop {
                    place.push(Step::Index(at));
                    let is_gone = left_out.contains(&place);
                    place.pop();
                    if !is_gone {
                        if seen == *index {
                            break;
                        }
                        seen += 1;
                    }
                    at += 1;
                }
                Step::Index(at)
            }
        };
        place.push(step);
    }
    place
}

fn without(value: &Value, here: &mut Place, left_out: &BTreeSet<Place>) -> Value {
    let mut kept = |step: Step, value: &Value| {
        here.push(step);
        let kept = (!left_out.contains(here)).then(|| without(value, here, left_out));
        here.pop();
        kept
    };
    match value {
        Value::Object(object) => Value::Object(
            object
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.clone(), kept(Step::Key(key.clone()), value)?))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .filter_map(|(index, value)| kept(Step::Index(index), value))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A field of a form that is empty says nothing: so that it has its default, or is missed where it must not be empty.
fn without_blanks(value: &Value, here: &[&str]) -> Value {
    match value {
        Value::Object(object) => {
            let mut kept = Map::new();
            for (key, value) in object {
                let is_blank = match value {
                    Value::Null => true,
                    Value::String(text) => text.trim().is_empty() && may_be_blank(here, key),
                    Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
                };
                let needed = ["grace_seconds", "minimum_messages", "port", "version"];
                if is_blank && !(value.is_null() && needed.contains(&key.as_str())) {
                    continue;
                }
                let mut below = here.to_vec();
                below.push(key);
                kept.insert(key.clone(), without_blanks(value, &below));
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|value| without_blanks(value, here))
                .collect(),
        ),
        Value::String(text) if here.first() == Some(&"connection") => {
            Value::String(text.trim().to_owned())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn may_be_blank(here: &[&str], key: &str) -> bool {
    match here {
        ["connection"] => !["kind", "sign_in"].contains(&key),
        ["identification"] => key == "default_country",
        ["fields", _] => ["from", "value", "template"].contains(&key),
        _ => false,
    }
}

fn fault(draft: &Value, place: &[Step], message: &str) -> Fault {
    let mut place = place.to_vec();
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split_once('`'));
    if let Some((field, _)) = missing {
        place.push(Step::Key(field.to_owned()));
    }
    let key = text(&place);
    let mut value = Some(draft);
    for step in &place {
        value = value.and_then(|value| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
    }
    let is_empty = match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
    };
    let problem = if is_empty {
        Problem::new(
            "settings_missing_key",
            format!("The key `{key}` is missing: this must not be empty."),
            "Fill it in.",
        )
    } else {
        Problem::new(
            "settings_wrong_value",
            format!(
                "The key `{key}` is wrong: {}.",
                message.trim_end_matches('.')
            ),
            "Correct the value; `companion settings schema` lists what each key takes.",
        )
    };
    Fault::new(key, problem)
}

fn unknown_key(key: &str) -> Problem {
    Problem::new(
        "settings_unknown_key",
        format!("The key `{key}` is not known."),
        "Remove it or correct its spelling; `companion settings schema` lists all keys.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(drafted: &Drafted) -> Vec<&str> {
        drafted
            .faults
            .iter()
            .map(|fault| fault.key.as_str())
            .collect()
    }

    #[test]
    fn every_wrong_place_is_named_and_the_rest_is_read() {
        let condition = |column: &str, field: &str| json!({ "column": column, "operator": "equals", "field": field });
        let drafted = read(&json!({
            "version": 1,
            "connection": { "kind": "clod", "organization_url": " https://a.example ", "tenant_id": "" },
            "identification": { "contact": [
                { "name": "one", "any": [condition("a", "visitor.nam"), condition("b", "visitor.email"), { "column": "c", "operator": "equals" }] },
                { "name": 7, "any": [] },
                { "name": "three", "all": [condition("d", "visitor.phone")] },
            ] },
            "fields": { "lead": [{ "column": "x", "from": "visitor.name", "value": "y" }, { "column": "z", "from": "", "display": true }] },
            "recording": { "grace_seconds": null, "update": "never" },
            "brigde": {},
        }));
        let mut found = keys(&drafted);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                "brigde",
                "connection.kind",
                "fields.lead.0",
                "identification.contact.0.any.0.field",
                "identification.contact.0.any.2.field",
                "identification.contact.1.name",
                "recording.grace_seconds",
                "recording.update",
            ]
        );
        let settings = &drafted.settings;
        assert_eq!(
            settings.connection.organization_url.as_deref(),
            Some("https://a.example")
        );
        assert_eq!(settings.connection.tenant_id, None);
        assert_eq!(settings.identification.contact.len(), 2);
        assert_eq!(settings.fields.lead.len(), 1);
        assert_eq!(settings.fields.lead[0].source, None);
        assert_eq!(
            drafted.key_in_draft("identification.contact.1.all.0.column"),
            "identification.contact.2.all.0.column"
        );
        assert_eq!(
            drafted.key_in_draft("identification.contact.0.any.0.column"),
            "identification.contact.0.any.1.column"
        );
        assert!(drafted.left_out_below("identification.contact.0"));
        assert!(!drafted.left_out_below("identification.contact.2"));
    }

    #[test]
    fn what_is_no_document_at_all_is_said_once() {
        for draft in [json!(null), json!([]), json!("x")] {
            let drafted = read(&draft);
            assert_eq!(drafted.faults.len(), 1, "{draft}");
            assert_eq!(drafted.settings, Settings::default());
        }
    }

    #[test]
    fn a_saved_document_is_a_draft_without_faults() {
        let settings = Settings::default();
        let drafted = read(&serde_json::to_value(&settings).unwrap());
        assert_eq!(drafted.faults, []);
        assert_eq!(drafted.settings, settings);
    }
}
