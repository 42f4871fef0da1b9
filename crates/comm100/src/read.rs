//! Tolerant reading of JSON: many spellings, many types, bounded sizes, and a note for what had a wrong type.

use std::cell::RefCell;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{NamedValue, Page};

/// The characters of one value that are kept; the rest is cut off, and the field is named in the warnings.
///
/// No genuine value is near it, and one event cannot make the companion keep more than it was sent.
pub const MAX_VALUE_CHARS: usize = 100_000;
/// The entries of one list (fields, variables, segments, agents) that are kept.
pub const MAX_LIST_LEN: usize = 1_000;
/// The messages of one chat that are kept: the first ones. No chat of people is near it.
pub const MAX_MESSAGES: usize = 100_000;
/// The characters of one message, offline message or transcript that are kept.
pub const MAX_TRANSCRIPT_CHARS: usize = 2_000_000;
/// The characters of an identifier, status or kind that are kept.
pub(crate) const MAX_WORD_CHARS: usize = 255;

/// The names of fields that had a wrong type or size, each once.
#[derive(Default)]
pub(crate) struct Warnings(RefCell<Vec<&'static str>>);

impl Warnings {
    pub(crate) fn add(&self, name: &'static str) {
        let mut names = self.0.borrow_mut();
        if !names.contains(&name) {
            names.push(name);
        }
    }

    pub(crate) fn into_names(self) -> Vec<&'static str> {
        self.0.into_inner()
    }
}

/// One JSON object that is being read. Each method takes all spellings of a field; the first names it in the warnings.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    map: &'a Map<String, Value>,
    warnings: &'a Warnings,
}

impl<'a> Object<'a> {
    pub(crate) fn new(map: &'a Map<String, Value>, warnings: &'a Warnings) -> Self {
        Object { map, warnings }
    }

    pub(crate) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    pub(crate) fn warn(&self, name: &'static str) {
        self.warnings.add(name);
    }

    /// The value under the first of the names that is present and not null.
    pub(crate) fn value(&self, keys: &[&'static str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// Text, or a number as text; empty if there is none.
    pub(crate) fn text(&self, keys: &[&'static str]) -> String {
        self.bounded_text(keys, MAX_VALUE_CHARS)
    }

    /// What people wrote to each other: longer than other texts.
    pub(crate) fn long_text(&self, keys: &[&'static str]) -> String {
        self.bounded_text(keys, MAX_TRANSCRIPT_CHARS)
    }

    fn bounded_text(&self, keys: &[&'static str], max: usize) -> String {
        self.read(keys, |value| text_of(value, max))
            .map_or_else(String::new, |(text, cut)| {
                if cut {
                    self.warn_first(keys);
                }
                text
            })
    }

    /// A short text such as an identifier or a status.
    pub(crate) fn word(&self, keys: &[&'static str]) -> String {
        self.read(keys, |value| text_of(value, MAX_WORD_CHARS))
            .map_or_else(String::new, |(text, _)| text.trim().to_owned())
    }

    /// Unix seconds or milliseconds as a number or text, `/Date(…)/`, or RFC 3339.
    pub(crate) fn time(&self, keys: &[&'static str]) -> Option<Timestamp> {
        self.read(keys, time_of)
    }

    /// Not-negative whole number; also as text, also with `s` for seconds behind it.
    pub(crate) fn count(&self, keys: &[&'static str]) -> Option<u64> {
        self.read(keys, count_of)
    }

    pub(crate) fn guid(&self, keys: &[&'static str]) -> Option<Uuid> {
        self.read(keys, |value| match value {
            Value::String(text) if text.trim().is_empty() => Some(None),
            Value::String(text) => parse_guid(text).map(Some),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        })
        .flatten()
        .filter(|guid| !guid.is_nil())
    }

    /// An inner object, out of the `{data, errorCode, message}` that some console builds wrap around it.
    pub(crate) fn object(&self, keys: &[&'static str]) -> Option<Object<'a>> {
        let map = self.read(keys, Value::as_object)?;
        let map = match map.get("data") {
            Some(Value::Object(data)) if !map.contains_key("id") => data,
            _ => map,
        };
        Some(Object {
            map,
            warnings: self.warnings,
        })
    }

    /// The entries of a list that `entry` can read, at most `max`; one that it cannot read is left out with a warning.
    pub(crate) fn list<T>(
        &self,
        keys: &[&'static str],
        max: usize,
        entry: impl Fn(&'a Value, &'a Warnings) -> Option<T>,
    ) -> Vec<T> {
        let Some(values) = self.read(keys, Value::as_array) else {
            return Vec::new();
        };
        if values.len() > max {
            self.warn_first(keys);
        }
        let entries: Vec<T> = values
            .iter()
            .take(max)
            .filter_map(|value| entry(value, self.warnings))
            .collect();
        if entries.len() < values.len().min(max) {
            self.warn_first(keys);
        }
        entries
    }

    pub(crate) fn words(&self, keys: &[&'static str]) -> Vec<String> {
        self.list(keys, MAX_LIST_LEN, |value, _| {
            text_of(value, MAX_VALUE_CHARS).map(|(text, _)| text)
        })
    }

    pub(crate) fn named_values(&self, keys: &[&'static str]) -> Vec<NamedValue> {
        self.list(keys, MAX_LIST_LEN, |value, warnings| {
            let object = Object::new(value.as_object()?, warnings);
            let name = object.text(&["name", "fieldName"]);
            let value = match object.value(&["value"]) {
                Some(Value::Bool(value)) => value.to_string(),
                _ => object.text(&["value"]),
            };
            (!name.trim().is_empty()).then_some(NamedValue { name, value })
        })
    }

    /// `{title, url}`, or only the URL as the webhooks give it.
    pub(crate) fn page(&self, keys: &[&'static str]) -> Option<Page> {
        let page = if self.value(keys)?.is_string() {
            Page {
                title: String::new(),
                url: self.text(keys),
            }
        } else {
            let page = self.object(keys)?;
            Page {
                title: page.text(&["title"]),
                url: page.text(&["url"]),
            }
        };
        (page != Page::default()).then_some(page)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn read<T>(&self, keys: &[&'static str], read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let result = read(self.value(keys)?);
        if result.is_none() {
            self.warn_first(keys);
        }
        result
    }

    fn warn_first(&self, keys: &[&'static str]) {
        if let Some(name) = keys.first() {
            self.warn(name);
        }
    }
}

/// The GUID in a text, if it is written as one: with hyphens. 32 digits without hyphens may as well be a number.
pub(crate) fn parse_guid(text: &str) -> Option<Uuid> {
    let text = text.trim();
    if text.contains('-') {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

/// At most `max` characters of `text`, and whether that cut something off.
pub(crate) fn bounded(text: &str, max: usize) -> (String, bool) {
    if text.len() <= max {
        return (text.to_owned(), false);
    }
    let mut chars = text.chars();
    let kept = chars.by_ref().take(max).collect();
    (kept, chars.next().is_some())
}

fn text_of(value: &Value, max: usize) -> Option<(String, bool)> {
    match value {
        Value::String(text) => Some(bounded(text, max)),
        Value::Number(number) => Some((number.to_string(), false)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn count_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            let digits = text.strip_suffix(['s', 'S']).unwrap_or(text).trim();
            digits.parse().ok().or_else(|| whole(digits.parse().ok()?))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn whole(number: f64) -> Option<u64> {
    // Above 2^53 a float no longer tells neighbouring numbers apart, so such a value is no count.
    (0.0..9_007_199_254_740_992.0)
        .contains(&number)
        .then_some(number as u64)
}

fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => unix_time(
            number
                .as_i64()
                .or_else(|| Some(whole(number.as_f64()?)? as i64))?,
        ),
        Value::String(text) => {
            let text = text.trim();
            match text.parse() {
                Ok(number) => unix_time(number),
                Err(_) => slash_date(text).or_else(|| text.parse().ok()),
            }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `/Date(1721224931000)/` or `/Date(1721224931000+0100)/`: always UTC, the zone is for display only.
fn slash_date(text: &str) -> Option<Timestamp> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let (sign, digits) = match inner.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, inner),
    };
    let digits = digits.split(['+', '-']).next()?;
    unix_time(sign * digits.parse::<i64>().ok()?)
}

/// Comm100 writes seconds in some places and milliseconds in others. Below 10^11 it is seconds: as milliseconds that
/// would be a date before 1973.
fn unix_time(number: i64) -> Option<Timestamp> {
    if number.unsigned_abs() < 100_000_000_000 {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}
