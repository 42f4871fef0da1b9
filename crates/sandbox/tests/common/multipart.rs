//! Batches as clients send them, and what comes back.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

use reqwest::Method;
use serde_json::Value;

use super::Org;

/// An answer to a batch.
pub struct Answered {
    pub status: u16,
    pub content_type: String,
    pub preference: String,
    pub body: String,
}

impl Answered {
    /// The text with every GUID as `#`.
    pub fn shape(&self) -> String {
        masked(&self.body)
    }

    pub fn statuses(&self) -> Vec<u16> {
        let statuses = self.body.lines().filter_map(|line| {
            let rest = line.strip_prefix("HTTP/1.1 ")?;
            rest.split(' ').next()?.parse().ok()
        });
        statuses.collect()
    }
}

pub fn masked(text: &str) -> String {
    let mut shape = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let candidate: String = rest.chars().take(36).collect();
        let is_guid = candidate.len() == 36
            && candidate.chars().enumerate().all(|(at, c)| match at {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            });
        let taken = if is_guid {
            shape.push('#');
            36
        } else {
            let c = rest.chars().next().unwrap();
            shape.push(c);
            c.len_utf8()
        };
        rest = rest.split_at(taken).1;
    }
    shape
}

pub async fn send(org: &Org, boundary: &str, body: String, prefer: &str) -> Answered {
    let mut request = org
        .request(Method::POST, "$batch")
        .header(
            "content-type",
            format!("multipart/mixed; boundary={boundary}"),
        )
        .body(body);
    if !prefer.is_empty() {
        request = request.header("prefer", prefer);
    }
    let response = request.send().await.unwrap();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    };
    Answered {
        status: response.status().as_u16(),
        content_type: header("content-type"),
        preference: header("preference-applied"),
        body: response.text().await.unwrap(),
    }
}

/// A part for an operation: `POST contacts`, headers, body.
pub fn part(id: Option<&str>, line: &str, headers: &str, body: &str) -> String {
    let id = id.map_or_else(String::new, |id| format!("Content-ID: {id}\r\n"));
    format!(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{id}\r\n{line} HTTP/1.1\r\n{headers}\r\n{body}\r\n"
    )
}

pub fn write(id: &str, line: &str, body: Value) -> String {
    part(
        Some(id),
        line,
        "Content-Type: application/json; type=entry\r\n",
        &body.to_string(),
    )
}

pub fn change_set(parts: &[String]) -> String {
    let mut text = "Content-Type: multipart/mixed; boundary=\"c1\"\r\n\r\n".to_owned();
    for part in parts {
        text.push_str(&format!("--c1\r\n{part}"));
    }
    text + "--c1--\r\n"
}

pub fn batch(parts: &[String]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(&format!("--b1\r\n{part}"));
    }
    text + "--b1--\r\n"
}
