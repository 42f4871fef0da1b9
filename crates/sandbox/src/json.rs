//! A JSON writer that keeps members in the order in which Dataverse writes them and numbers in its notation
//! (`20000.0000`).

use std::fmt::Write as _;

/// A JSON value to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Boolean(bool),
    /// A number, already in JSON notation.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// Without control information, as `odata.metadata=none` has it: what pages need stays.
    pub(crate) fn without_control(self) -> Json {
        const LEFT_OUT: [&str; 3] = ["@odata.context", "@odata.etag", "@odata.type"];
        match self {
            Json::Object(members) => Json::Object(
                members
                    .into_iter()
                    .filter(|(name, _)| !LEFT_OUT.iter().any(|left_out| name.ends_with(left_out)))
                    .map(|(name, value)| (name, value.without_control()))
                    .collect(),
            ),
            Json::Array(items) => {
                Json::Array(items.into_iter().map(Json::without_control).collect())
            }
            plain @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_)) => plain,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Json::Number(number) => out.push_str(number),
            Json::Text(text) => write_text(text, out),
            Json::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_text_its_meaning() {
        let json = Json::Object(vec![
            ("b".into(), Json::Number("1.5000".into())),
            (
                "a".into(),
                Json::Array(vec![Json::Null, Json::text("\"\\\u{1}\n\u{202e}")]),
            ),
        ]);
        let text = json.to_string();
        assert_eq!(
            text,
            "{\"b\":1.5000,\"a\":[null,\"\\\"\\\\\\u0001\\n\u{202e}\"]}"
        );
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["a"][1], "\"\\\u{1}\n\u{202e}");
    }
}
