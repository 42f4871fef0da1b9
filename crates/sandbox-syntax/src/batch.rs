//! The body of a `$batch` request: HTTP requests as parts of a multipart text, some of them together in a change set
//! (protocol page `batch.md`).
//!
//! Lines may end in CRLF or in a bare LF, a blank line may stand before the first delimiter and the last line needs no end:
//! published clients differ in all of these.

use crate::error::SyntaxError;

/// More operations in one batch are refused.
pub const MOST_OPERATIONS: usize = 1000;

/// Payload errors (protocol page `errors-and-limits.md`).
const PAYLOAD: &str = "0x80048d19";

/// The longest boundary (RFC 2046).
const LONGEST_BOUNDARY: usize = 70;

/// What stands between two delimiters of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An operation by itself.
    Single(Operation),
    /// Operations that happen all or not at all.
    ChangeSet(Vec<Operation>),
}

/// One request inside a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `GET`, `POST`, …
    pub method: String,
    /// As it was sent: absolute, from the host's root, relative to the service's root, or `$1…`; maybe with raw spaces.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// What follows the blank line, with whatever empty lines stand at its end.
    pub body: Vec<u8>,
    /// By which later operations of the change set refer to this one.
    pub content_id: Option<String>,
}

/// Reads a batch. `content_type` is the request's header.
///
/// # Errors
/// 400 where the text is no multipart text of HTTP requests, where a change set reads, nests or does not number its
/// operations, and where there are more than [`MOST_OPERATIONS`].
pub fn read(content_type: &str, body: &[u8]) -> Result<Vec<Part>, SyntaxError> {
    let boundary = boundary(content_type).ok_or_else(|| {
        malformed(format!(
            "The content type '{content_type}' is not multipart/mixed with a boundary parameter of at most \
             {LONGEST_BOUNDARY} characters."
        ))
    })?;
    let mut parts = Vec::new();
    let mut operations = 0usize;
    for section in sections(body, &boundary)? {
        let (headers, content) = headers(section)?;
        let kind = value(&headers, "content-type").unwrap_or_default();
        let part = match self::boundary(kind) {
            Some(inner) => Part::ChangeSet(change_set(content, &inner)?),
            None => Part::Single(operation(&headers, content)?),
        };
        operations += match &part {
            Part::Single(_) => 1,
            Part::ChangeSet(operations) => operations.len(),
        };
        if operations > MOST_OPERATIONS {
            return Err(too_many());
        }
        parts.push(part);
    }
    Ok(parts)
}

fn change_set(content: &[u8], boundary: &str) -> Result<Vec<Operation>, SyntaxError> {
    let mut operations: Vec<Operation> = Vec::new();
    for section in sections(content, boundary)? {
        let (headers, content) = headers(section)?;
        if self::boundary(value(&headers, "content-type").unwrap_or_default()).is_some() {
            return Err(malformed("Nested change sets are not allowed."));
        }
        let operation = operation(&headers, content)?;
        if !["POST", "PATCH", "PUT", "DELETE"].contains(&operation.method.as_str()) {
            return Err(malformed(format!(
                "An invalid HTTP method '{}' was detected for a request in a change set. Requests in change sets only \
                 support the HTTP methods 'POST', 'PUT', 'DELETE', and 'PATCH'.",
                operation.method
            )));
        }
        let Some(id) = &operation.content_id else {
            return Err(SyntaxError::request(
                "Content-ID header not present in a request of a change set.",
            ));
        };
        if operations
            .iter()
            .any(|earlier| earlier.content_id.as_ref() == Some(id))
        {
            return Err(malformed(format!(
                "The content ID '{id}' was found more than once in the same change set. Content IDs have to be unique \
                 across all operations of a change set."
            )));
        }
        operations.push(operation);
    }
    Ok(operations)
}

fn malformed(cause: impl AsRef<str>) -> SyntaxError {
    SyntaxError::new(
        PAYLOAD,
        format!(
            "Error identified in Payload provided by the user for Entity :'', For more information on this error please \
             follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : \
             Microsoft.OData.ODataException: {}",
            cause.as_ref()
        ),
    )
}

fn too_many() -> SyntaxError {
    SyntaxError::request(format!(
        "The batch size exceeds the maximum limit of {MOST_OPERATIONS}"
    ))
}

/// The boundary of `multipart/mixed; boundary=x` or `boundary="x"`; `None` for another type or an impossible boundary.
fn boundary(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';');
    let kind = parameters.next()?.trim();
    if !kind.eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let boundary = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim())
    })?;
    let boundary = boundary
        .strip_prefix('"')
        .and_then(|quoted| quoted.strip_suffix('"'))
        .unwrap_or(boundary);
    ((1..=LONGEST_BOUNDARY).contains(&boundary.len())).then(|| boundary.to_owned())
}

/// The line that begins at `start`, without its end, and where the next one begins.
fn line(text: &[u8], start: usize) -> (&[u8], usize) {
    let rest = text.get(start..).unwrap_or_default();
    let (line, next) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => (rest.get(..end).unwrap_or_default(), start + end + 1),
        None => (rest, text.len()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), next)
}

/// Is the line `--boundary` (`Some(false)`) or the last one, `--boundary--` (`Some(true)`)?
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line
        .strip_prefix(b"--")?
        .strip_prefix(boundary.as_bytes())?;
    match rest.trim_ascii_end() {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// What stands between the delimiters; the line end before a delimiter belongs to it.
fn sections<'a>(text: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, SyntaxError> {
    let mut sections = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    while at < text.len() {
        let (line, next) = line(text, at);
        if let Some(last) = delimiter(line, boundary) {
            if let Some(start) = open {
                let section = text.get(start..at).unwrap_or_default();
                let section = section.strip_suffix(b"\n").unwrap_or(section);
                sections.push(section.strip_suffix(b"\r").unwrap_or(section));
            }
            if last {
                return Ok(sections);
            }
            if sections.len() > MOST_OPERATIONS {
                return Err(too_many());
            }
            open = Some(next);
        }
        at = next;
    }
    Err(malformed(
        "The stream ended before the closing delimiter of the batch was found. Stream was not readable.",
    ))
}

type Headers = Vec<(String, String)>;

/// The header lines up to the first blank line, and what is behind it.
fn headers(text: &[u8]) -> Result<(Headers, &[u8]), SyntaxError> {
    let mut headers = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (line, next) = line(text, at);
        at = next;
        if line.trim_ascii().is_empty() {
            break;
        }
        let header = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once(':'))
            .filter(|(name, _)| !name.trim().is_empty());
        let Some((name, value)) = header else {
            return Err(malformed("A header of a part of the batch is not valid."));
        };
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok((headers, text.get(at..).unwrap_or_default()))
}

fn value<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.as_str())
}

fn operation(part: &Headers, content: &[u8]) -> Result<Operation, SyntaxError> {
    let kind = value(part, "content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/http") {
        return Err(malformed(format!(
            "The content type '{kind}' of a part of the batch is not 'application/http'."
        )));
    }
    let encoding = value(part, "content-transfer-encoding").unwrap_or_default();
    if !encoding.eq_ignore_ascii_case("binary") {
        return Err(malformed(format!(
            "The 'Content-Transfer-Encoding' header '{encoding}' of a part of the batch is missing or is not 'binary'."
        )));
    }
    let mut at = 0;
    let request = loop {
        let (line, next) = line(content, at);
        if !line.trim_ascii().is_empty() || next >= content.len() {
            at = next;
            break line;
        }
        at = next;
    };
    let request = std::str::from_utf8(request)
        .ok()
        .map(str::trim)
        .and_then(request_line);
    let Some((method, url)) = request else {
        return Err(malformed(
            "The request line of a part of the batch is not valid.",
        ));
    };
    let (headers, body) = headers(content.get(at..).unwrap_or_default())?;
    Ok(Operation {
        method: method.to_owned(),
        url: url.to_owned(),
        content_id: value(part, "content-id")
            .or_else(|| value(&headers, "content-id"))
            .filter(|id| !id.is_empty())
            .map(str::to_owned),
        body: body.to_vec(),
        headers,
    })
}

/// Method and URL. The URL reaches to the last space: some clients do not encode the spaces in it.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.split_once(' ')?;
    let (url, version) = rest.rsplit_once(' ')?;
    let is_token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_token && version.starts_with("HTTP/")).then(|| (method, url.trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHANGE_SET: &str = "\
--b
Content-Type: multipart/mixed; boundary=\"c\"

--c
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST /api/data/v9.2/contacts HTTP/1.1
Content-Type: application/json; type=entry

{\"lastname\":\"A\"}

--c
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

DELETE $1 HTTP/1.1

--c--

--b
Content-Type: application/http
Content-Transfer-Encoding: binary

GET contacts?$filter=fullname eq 'a b' HTTP/1.1
Accept: application/json

--b--";

    #[test]
    fn line_ends_boundaries_and_blank_lines_as_clients_send_them() {
        let read_lf = read("multipart/mixed;boundary=b", CHANGE_SET.as_bytes()).unwrap();
        let crlf = format!("\r\n{}\r\n", CHANGE_SET.replace('\n', "\r\n"));
        let read_crlf = read(
            "Multipart/Mixed; charset=x; boundary=\"b\"",
            crlf.as_bytes(),
        )
        .unwrap();
        for parts in [&read_lf, &read_crlf] {
            let [Part::ChangeSet(set), Part::Single(get)] = parts.as_slice() else {
                panic!("{parts:?}");
            };
            assert_eq!(set.len(), 2);
            assert_eq!(set[0].content_id.as_deref(), Some("1"));
            assert_eq!(set[0].headers[0].1, "application/json; type=entry");
            assert_eq!(set[0].body.trim_ascii(), b"{\"lastname\":\"A\"}");
            assert_eq!(
                (set[1].method.as_str(), set[1].url.as_str()),
                ("DELETE", "$1")
            );
            assert_eq!(get.url, "contacts?$filter=fullname eq 'a b'");
            assert_eq!(get.content_id, None);
        }
    }

    #[test]
    fn what_is_refused() {
        let refused = |from: &str, to: &str, code: &str, text: &str| {
            assert!(CHANGE_SET.contains(from), "{from}");
            let body = CHANGE_SET.replacen(from, to, 1);
            let error = read("multipart/mixed;boundary=b", body.as_bytes()).unwrap_err();
            assert_eq!((error.status, error.code), (400, code), "{from}");
            assert!(error.message.contains(text), "{}", error.message);
        };
        refused("DELETE", "GET", "0x80048d19", "invalid HTTP method 'GET'");
        refused(
            "Content-ID: 2\n",
            "",
            "0x80060888",
            "Content-ID header not present",
        );
        refused(
            "Content-ID: 2",
            "Content-ID: 1",
            "0x80048d19",
            "more than once",
        );
        refused(
            "Encoding: binary",
            "Encoding: base64",
            "0x80048d19",
            "'base64'",
        );
        refused(
            "application/http",
            "text/plain",
            "0x80048d19",
            "'text/plain'",
        );
        refused(
            "Content-Type: application/http",
            "Content-Type: multipart/mixed; boundary=d",
            "0x80048d19",
            "Nested",
        );
        refused(
            "DELETE $1 HTTP/1.1",
            "DELETE $1",
            "0x80048d19",
            "request line",
        );
        refused("\n--b--", "", "0x80048d19", "not readable");
        for kind in [
            "application/json",
            "multipart/mixed",
            "multipart/mixed; boundary=",
        ] {
            assert_eq!(read(kind, b"").unwrap_err().code, "0x80048d19");
        }
        let long = format!("multipart/mixed; boundary={}", "x".repeat(71));
        assert!(read(&long, b"").is_err());
    }

    #[test]
    fn a_thousand_operations_and_no_more() {
        let part = "--b\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\nGET contacts HTTP/1.1\n\n";
        let batch = |count: usize| format!("{}--b--", part.repeat(count));
        let kind = "multipart/mixed;boundary=b";
        assert_eq!(read(kind, batch(1000).as_bytes()).unwrap().len(), 1000);
        let error = read(kind, batch(1001).as_bytes()).unwrap_err();
        assert_eq!(
            error.message,
            "The batch size exceeds the maximum limit of 1000"
        );
    }

    proptest! {
        #[test]
        fn no_input_makes_the_reader_panic(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            likely in "(--b|--c|--|\r\n|\n|:| |Content-Type|Content-ID|application/http|multipart/mixed|boundary=c|binary|GET|HTTP/1.1|Content-Transfer-Encoding: binary){0,60}",
            at in 0usize..600,
        ) {
            let _ = read("multipart/mixed;boundary=b", &noise);
            let _ = read("multipart/mixed;boundary=b", likely.as_bytes());
            let _ = read(&likely, &noise);
            let mut torn = CHANGE_SET.as_bytes().to_vec();
            torn.truncate(at);
            torn.extend(noise);
            let _ = read("multipart/mixed;boundary=b", &torn);
        }
    }
}
