//! The resource path behind `/api/data/vX.Y/`.

use percent_encoding::percent_decode_str;

use crate::error::SyntaxError;
use crate::lexer::is_guid;

/// One segment: a name and, in parentheses, a key or a function's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Decoded, without what stands in parentheses.
    pub name: String,
    /// What stands in parentheses.
    pub key: Option<String>,
}

/// The segments of a percent-encoded path.
///
/// # Errors
/// 400 where the text behind a parenthesis does not end in one, or is no UTF-8.
pub fn segments(path: &str) -> Result<Vec<Segment>, SyntaxError> {
    let unreadable = || SyntaxError::request("Bad Request - Error in query syntax.");
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode_str(segment)
                .decode_utf8()
                .map_err(|_| unreadable())?;
            let Some((name, rest)) = decoded.split_once('(') else {
                return Ok(Segment {
                    name: decoded.into_owned(),
                    key: None,
                });
            };
            let key = rest.strip_suffix(')').ok_or_else(unreadable)?;
            Ok(Segment {
                name: name.to_owned(),
                key: Some(key.to_owned()),
            })
        })
        .collect()
}

/// A key in parentheses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `contacts(6f1c…)`, lower case.
    Primary(String),
    /// `contacts(name=value,…)`
    Named(Vec<(String, KeyValue)>),
}

/// The value of a column in a key. A text stands in quotes and nothing else does: `accountnumber='100'`, `number=100`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The value, with its quotes taken off.
    pub text: String,
    /// Whether it stood in quotes.
    pub is_quoted: bool,
}

/// Reads a key.
///
/// # Errors
/// 400 where it is neither a GUID nor a list of names and values.
pub fn key(text: &str) -> Result<Key, SyntaxError> {
    if is_guid(text) {
        return Ok(Key::Primary(text.to_ascii_lowercase()));
    }
    let unreadable = || SyntaxError::request("Bad Request - Error in query syntax.");
    let mut parts = Vec::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let name: String = rest.by_ref().take_while(|c| *c != '=').collect();
        let mut value = String::new();
        let is_quoted = rest.peek() == Some(&'\'');
        if is_quoted {
            rest.next();
            loop {
                match rest.next() {
                    Some('\'') if rest.peek() == Some(&'\'') => {
                        rest.next();
                        value.push('\'');
                    }
                    Some('\'') => break,
                    Some(c) => value.push(c),
                    None => return Err(unreadable()),
                }
            }
            if !matches!(rest.next(), None | Some(',')) {
                return Err(unreadable());
            }
        } else {
            value = rest.by_ref().take_while(|c| *c != ',').collect();
        }
        if name.is_empty() || value.is_empty() && !is_quoted {
            return Err(unreadable());
        }
        let text = value;
        parts.push((name, KeyValue { text, is_quoted }));
    }
    if parts.is_empty() {
        Err(unreadable())
    } else {
        Ok(Key::Named(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, is_quoted: bool) -> KeyValue {
        KeyValue {
            text: text.to_owned(),
            is_quoted,
        }
    }

    #[test]
    fn paths_and_keys() {
        let read = segments("contacts(6F1C0000-0000-4000-8000-000000000001)/fullname").unwrap();
        assert_eq!(
            read[1],
            Segment {
                name: "fullname".into(),
                key: None
            }
        );
        assert_eq!(
            key(read[0].key.as_deref().unwrap()).unwrap(),
            Key::Primary("6f1c0000-0000-4000-8000-000000000001".into())
        );
        assert_eq!(
            key("firstname='O''B, C',n=3").unwrap(),
            Key::Named(vec![
                ("firstname".into(), value("O'B, C", true)),
                ("n".into(), value("3", false))
            ])
        );
        for wrong in ["", "abc", "a='x", "a='x'y", "=", "a=", "a='x',b="] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
        assert!(segments("contacts(1").is_err());
    }
}
