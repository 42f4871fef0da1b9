//! Reading a document's text, and places in it.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Deserializer, Segment, Track};
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;

/// Reads a document, or the part of one that `T` is about: what is unknown is refused unless it stands `elsewhere`.
///
/// # Errors
/// `settings_syntax`, `settings_wrong_value`, `settings_unknown_key`; the message names line and key.
pub(super) fn read<T: DeserializeOwned>(
    text: &str,
    elsewhere: impl Fn(&str) -> bool,
) -> Result<T, Problem> {
    let document = toml::Deserializer::parse(text).map_err(|error| not_toml(text, &error))?;
    let mut unknown = Vec::new();
    let mut ignored = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
    let ignoring = serde_ignored::Deserializer::new(document, &mut ignored);
    let mut track = Track::new();
    let read = T::deserialize(Deserializer::new(ignoring, &mut track));
    let read = read.map_err(|error| {
        let parts = track.path();
        let parts = parts.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let key = parts.collect::<Vec<_>>().join(".");
        let what = error.message().trim_end_matches('.');
        let message = if key.is_empty() {
            format!("{}{what}.", at_line(text, &error))
        } else {
            format!("{}the key `{key}` is wrong: {what}.", at_line(text, &error))
        };
        Problem::new(
            "settings_wrong_value",
            message,
            "Correct the value; `companion settings schema` lists what each key takes.",
        )
    })?;
    match unknown.iter().find(|key| !elsewhere(key)) {
        None => Ok(read),
        Some(key) => {
            let line =
                line_of_key(text, key).map_or_else(String::new, |line| format!("Line {line}: "));
            Err(Problem::new(
                "settings_unknown_key",
                format!("{line}the key `{key}` is not known."),
                "Remove it or correct its spelling; `companion settings schema` lists all keys.",
            ))
        }
    }
}

/// Why a text is no TOML.
pub(super) fn not_toml(text: &str, error: &toml::de::Error) -> Problem {
    let what = error.message().trim_end_matches('.');
    Problem::new(
        "settings_syntax",
        format!("{}{what}.", at_line(text, error)),
        "Correct the line: the file must be TOML.",
    )
}

fn at_line(text: &str, error: &toml::de::Error) -> String {
    error.span().map_or_else(String::new, |span| {
        format!("Line {}: ", line_of(text, span.start))
    })
}

/// The line of an offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// The line of a key, which is named as `identification.contact.0.nam`.
pub(crate) fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut segments = key.split('.').peekable();
    loop {
        let segment = segments.next()?;
        let (name, mut value) = table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == segment)?;
        let mut offset = name.span().start;
        while let DeValue::Array(items) = value.get_ref() {
            let Some(place) = segments
                .peek()
                .and_then(|segment| segment.parse::<usize>().ok())
            else {
                break;
            };
            segments.next();
            value = items.get(place)?;
            offset = value.span().start;
        }
        let inner = if let DeValue::Table(inner) = value.get_ref() {
            Some(inner)
        } else {
            None
        };
        match inner.filter(|_| segments.peek().is_some()) {
            Some(inner) => table = inner,
            None => return Some(line_of(text, offset)),
        }
    }
}
