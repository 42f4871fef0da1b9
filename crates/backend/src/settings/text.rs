//! Places in a document's text.

use toml::de::{DeTable, DeValue};

use crate::problem::Problem;

/// What is wrong at a place in a text, with its line.
pub(super) fn at_line(code: &str, text: &str, error: &toml::de::Error, next_step: &str) -> Problem {
    let place = error.span().map_or_else(String::new, |span| {
        format!("Line {}: ", line_of(text, span.start))
    });
    Problem::new(
        code,
        format!("{place}{}.", error.message().trim_end_matches('.')),
        next_step,
    )
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
