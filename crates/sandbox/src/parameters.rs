//! Parameters of functions: `RetrieveDuplicates(BusinessEntity=@p1,…)?@p1={…}` (protocol page `clients.md`).

use sandbox_syntax::is_guid;
use sandbox_syntax::options::pairs;
use serde_json::Value as JsonValue;

use crate::errors::ApiError;

/// The parameters of a call.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// The function's name, for messages.
    function: &'static str,
    values: Vec<(String, String)>,
}

impl Parameters {
    /// Reads what stands in the parentheses behind the function's name, with the aliases that the query defines.
    pub(crate) fn read(function: &'static str, inline: Option<&str>, query: &str) -> Parameters {
        let aliases = pairs(query);
        let values = split_outside_text(inline.unwrap_or_default())
            .iter()
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| {
                let value = value.trim();
                let found = aliases.iter().find(|(alias, _)| alias == value);
                (
                    name.trim().to_owned(),
                    found.map_or(value, |(_, value)| value).to_owned(),
                )
            })
            .collect();
        Parameters { function, values }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter as JSON; its texts may stand in single quotes.
    ///
    /// # Errors
    /// 400 where it is missing or is no JSON.
    pub(crate) fn json(&self, name: &str) -> Result<JsonValue, ApiError> {
        let text = self.given(name)?;
        serde_json::from_str(&loosened(text)).map_err(|error| {
            ApiError::request(format!("The parameter '{name}' is not valid JSON. {error}"))
        })
    }

    /// A text, or an id without quotes.
    ///
    /// # Errors
    /// 400 where it is missing or is neither.
    pub(crate) fn text(&self, name: &str) -> Result<String, ApiError> {
        let text = self.given(name)?;
        if is_guid(text) {
            return Ok(text.to_ascii_lowercase());
        }
        let JsonValue::String(text) = self.json(name)? else {
            return Err(ApiError::request(format!(
                "The parameter '{name}' of the function '{}' must be a text.",
                self.function
            )));
        };
        Ok(text)
    }

    fn given(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| {
            ApiError::request(format!(
                "The parameter '{name}' of the function '{}' is missing.",
                self.function
            ))
        })
    }
}

/// Splits at commas that are neither in text nor in braces.
fn split_outside_text(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    let mut depth = 0_i32;
    for c in text.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}' | ']' | ')') => depth -= 1,
            _ => {}
        }
        if c == ',' && quote.is_none() && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// JSON with its single-quoted texts in double quotes. In single quotes a quote is doubled, as in OData, or escaped.
fn loosened(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut quote = None;
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                out.push('"');
            }
            (None, _) => out.push(c),
            (Some('\''), '\'') if characters.peek() == Some(&'\'') => {
                characters.next();
                out.push('\'');
            }
            (Some('\''), '"') => out.push_str("\\\""),
            (Some(_), '\\') => match characters.next() {
                Some('\'') => out.push('\''),
                Some(escaped) => {
                    out.push('\\');
                    out.push(escaped);
                }
                None => out.push('\\'),
            },
            (Some(open), _) if open == c => {
                quote = None;
                out.push('"');
            }
            (Some(_), _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_in_single_or_double_quotes() {
        for (text, expected) in [
            ("{'a':'b'}", r#"{"a":"b"}"#),
            (r#"{"a":"it's"}"#, r#"{"a":"it's"}"#),
            ("{'a':'O''Brien'}", r#"{"a":"O'Brien"}"#),
            (r#"{'a':'say "x"'}"#, r#"{"a":"say \"x\""}"#),
            ("'contact'", r#""contact""#),
        ] {
            assert_eq!(loosened(text), expected);
        }
        assert_eq!(
            split_outside_text("A=@p1,B={'x':'a,b'},C='d,e'"),
            ["A=@p1", "B={'x':'a,b'}", "C='d,e'"]
        );
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            let double = serde_json::to_string(&text).unwrap();
            let read: String = serde_json::from_str(&loosened(&double)).unwrap();
            prop_assert_eq!(&read, &text);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = Parameters::read("F", Some(&text), &text)
                .json("BusinessEntity")
                .is_err();
        }
    }
}
