//! Reading the multipart answers of `$batch` (protocol page `batch.md`, section "Response").

use crate::transport::Answer;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

/// One part, its own headers read.
pub(crate) struct Part<'a> {
    headers: HeaderMap,
    body: &'a [u8],
}

/// What is wrong with an answer.
pub(crate) type Damage = &'static str;

const CUT_OFF: Damage = "the answer to the batch is cut off";
const UNREADABLE: Damage = "the answer to the batch is no multipart text";
/// More parts than a batch can have operations are not read.
const MOST_PARTS: usize = 1000;
const MOST_HEADERS: usize = 64;

/// The boundary, if this is a multipart body.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .filter(|boundary| !boundary.is_empty())
}

/// The parts between the delimiters. Line ends may be CRLF or LF.
pub(crate) fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, Damage> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut part_start = None;
    let mut line_start = 0;
    while line_start < body.len() {
        let rest = body.get(line_start..).unwrap_or_default();
        let line = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .and_then(|end| rest.get(..=end))
            .unwrap_or(rest);
        let line_end = line_start + line.len();
        if let Some(after) = line.strip_prefix(delimiter.as_bytes()) {
            let after = after.trim_ascii_end();
            if after.is_empty() || after == b"--" {
                if let Some(start) = part_start {
                    if parts.len() == MOST_PARTS {
                        return Err("the answer to the batch has too many parts");
                    }
                    parts.push(part(body.get(start..line_start).unwrap_or_default())?);
                }
                if after == b"--" {
                    return Ok(parts);
                }
                part_start = Some(line_end);
            }
        }
        line_start = line_end;
    }
    Err(if part_start.is_some() {
        CUT_OFF
    } else {
        UNREADABLE
    })
}

fn part(text: &[u8]) -> Result<Part<'_>, Damage> {
    // The line end in front of a delimiter belongs to the delimiter.
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    match httparse::parse_headers(text, &mut headers) {
        Ok(httparse::Status::Complete((length, headers))) => Ok(Part {
            headers: header_map(headers),
            body: text.get(length..).unwrap_or_default(),
        }),
        Ok(httparse::Status::Partial) | Err(_) => Err(UNREADABLE),
    }
}

impl Part<'_> {
    /// The parts of a change set, if this is the answer to one.
    pub fn nested(&self) -> Option<Result<Vec<Part<'_>>, Damage>> {
        boundary(&self.headers).map(|boundary| parts(self.body, &boundary))
    }

    /// The number of the change set's item that this answers, if it is named.
    pub fn content_id(&self) -> Option<&str> {
        self.headers.get("Content-ID")?.to_str().ok()
    }

    /// The answer in it.
    pub fn answer(&self) -> Result<Answer, Damage> {
        let head = self.body.trim_ascii_start();
        if let Some(answer) = http(head)? {
            return Ok(answer);
        }
        // An answer without a body may come without the empty line that ends its headers.
        let ended = [head.trim_ascii_end(), b"\r\n\r\n"].concat();
        http(&ended)?.ok_or(CUT_OFF)
    }
}

fn http(text: &[u8]) -> Result<Option<Answer>, Damage> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(text) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err("a part of the answer to the batch is no answer"),
    };
    let status = response
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or("a part of the answer to the batch has no status")?;
    Ok(Some(Answer {
        status,
        headers: header_map(response.headers),
        body: text
            .get(length..)
            .unwrap_or_default()
            .trim_ascii_end()
            .to_vec(),
    }))
}

fn header_map(headers: &[httparse::Header<'_>]) -> HeaderMap {
    headers
        .iter()
        .filter_map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(header.value).ok()?))
        })
        .collect()
}
