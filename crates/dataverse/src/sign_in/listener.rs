//! The ear on this computer for one callback of the browser: 127.0.0.1, a port of its own, GET only, bounded in size
//! and time, one request for each connection. It shows pages of its own and repeats nothing of what it heard.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// In bytes. A code has up to some two thousand characters.
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
/// How long a connection may take to ask, and to take its page.
const PATIENCE: Duration = Duration::from_secs(10);
/// A browser opens a few connections that it then does not use.
const MOST_CONNECTIONS: usize = 16;

pub(super) struct Listener {
    socket: TcpListener,
    port: u16,
}

/// The callback, and the browser that still waits for a page.
pub(super) struct Callback {
    pub query: String,
    browser: TcpStream,
}

/// The pages.
#[derive(Clone, Copy)]
enum Page {
    SignedIn,
    Failed,
    NotHere,
}

impl Listener {
    pub async fn open() -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    /// What is registered is `http://localhost`; Entra ID leaves the port to us (protocol page `auth.md`, section 3).
    pub fn redirect_uri(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Waits for the one request that is a callback. Everything else is turned away.
    pub async fn callback(&self) -> io::Result<Callback> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                connected = self.socket.accept(), if connections.len() < MOST_CONNECTIONS => {
                    let (browser, _) = connected?;
                    connections.spawn(timeout(PATIENCE, heard(browser, self.port)));
                }
                Some(ended) = connections.join_next() => {
                    if let Ok(Ok(Some(callback))) = ended {
                        return Ok(callback);
                    }
                }
            }
        }
    }
}

impl Callback {
    /// Tells the person how it went. A browser that has gone misses nothing.
    pub async fn answer(self, signed_in: bool) {
        let page = if signed_in {
            Page::SignedIn
        } else {
            Page::Failed
        };
        let _ = timeout(PATIENCE, write(self.browser, 200, page)).await;
    }
}

/// The callback of a connection, or none if it asked for something else.
async fn heard(mut browser: TcpStream, port: u16) -> Option<Callback> {
    let mut head = Vec::new();
    let outcome = loop {
        let mut piece = [0; 2048];
        let read = browser.read(&mut piece).await.ok()?;
        if read == 0 {
            return None;
        }
        head.extend_from_slice(piece.get(..read)?);
        if head.len() > LARGEST_HEAD {
            break Err(431);
        }
        if let Some(outcome) = query(&head, port).transpose() {
            break outcome;
        }
    };
    match outcome {
        Ok(query) => Some(Callback { query, browser }),
        Err(status) => {
            let _ = write(browser, status, Page::NotHere).await;
            None
        }
    }
}

/// The query string of a complete callback request; none while it is incomplete; otherwise the status that refuses it.
fn query(head: &[u8], port: u16) -> Result<Option<String>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    }
    if request.method != Some("GET") {
        return Err(405);
    }
    // A page elsewhere whose name was made to lead to this computer names itself here.
    let mut hosts = request
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("host"))
        .map(|header| header.value);
    let is_here = |host: &[u8]| {
        ["localhost", "127.0.0.1"]
            .iter()
            .any(|name| format!("{name}:{port}").as_bytes() == host)
    };
    if !hosts.next().is_some_and(is_here) || hosts.next().is_some() {
        return Err(400);
    }
    match request.path.unwrap_or_default().split_once('?') {
        Some(("/", query)) if !query.is_empty() => Ok(Some(query.to_owned())),
        Some(_) | None => Err(404),
    }
}

async fn write(mut browser: TcpStream, status: u16, page: Page) -> io::Result<()> {
    let reason = match status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Bad Request",
    };
    let (title, text) = match page {
        Page::SignedIn => (
            "You are signed in",
            "You can close this page and go back to Dynamics Companion.",
        ),
        Page::Failed => (
            "You are not signed in",
            "Dynamics Companion says what went wrong. You can close this page.",
        ),
        Page::NotHere => ("There is nothing here", "You can close this page."),
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\
         :root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}\
         body{{max-width:32rem;margin:20vh auto;padding:0 1rem;text-align:center}}</style></head>\
         <body><h1>{title}</h1><p>{text}</p></body></html>"
    );
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
         Allow: GET\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    browser.write_all(answer.as_bytes()).await?;
    browser.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(text: &str) -> Result<Option<String>, u16> {
        query(text.as_bytes(), 4711)
    }

    #[test]
    fn only_a_callback_is_one() {
        let host = "Host: localhost:4711\r\n\r\n";
        let numeric = "Host: 127.0.0.1:4711\r\n\r\n";
        let good = Ok(Some("code=a&state=b".to_owned()));
        assert_eq!(
            asked(&format!("GET /?code=a&state=b HTTP/1.1\r\n{host}")),
            good
        );
        assert_eq!(
            asked(&format!("GET /?code=a&state=b HTTP/1.1\r\n{numeric}")),
            good
        );
        assert_eq!(
            asked("GET /?code=a&state=b HTTP/1.1\r\nHost: local"),
            Ok(None)
        );
        for (text, status) in [
            (format!("POST /?code=a&state=b HTTP/1.1\r\n{host}"), 405),
            (format!("HEAD /?code=a&state=b HTTP/1.1\r\n{host}"), 405),
            (format!("OPTIONS /?code=a HTTP/1.1\r\n{host}"), 405),
            (format!("GET /favicon.ico HTTP/1.1\r\n{host}"), 404),
            (format!("GET / HTTP/1.1\r\n{host}"), 404),
            (format!("GET /? HTTP/1.1\r\n{host}"), 404),
            (format!("GET //?code=a HTTP/1.1\r\n{host}"), 404),
            (format!("GET /other?code=a HTTP/1.1\r\n{host}"), 404),
            (
                format!("GET http://localhost:4711/?code=a HTTP/1.1\r\n{host}"),
                404,
            ),
            ("GET /?code=a HTTP/1.1\r\n\r\n".to_owned(), 400),
            (
                "GET /?code=a HTTP/1.1\r\nHost: evil.example:4711\r\n\r\n".to_owned(),
                400,
            ),
            (
                "GET /?code=a HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                400,
            ),
            (
                "GET /?code=a HTTP/1.1\r\nHost: localhost:4712\r\n\r\n".to_owned(),
                400,
            ),
            (
                format!("GET /?code=a HTTP/1.1\r\nHost: evil.example\r\n{host}"),
                400,
            ),
            (format!("GET /?code=a b HTTP/1.1\r\n{host}"), 400),
            (format!("\u{0}\u{1} /?code=a HTTP/1.1\r\n{host}"), 400),
            (
                format!(
                    "GET /?code=a HTTP/1.1\r\n{}{host}",
                    "A: b\r\n".repeat(MOST_HEADERS)
                ),
                431,
            ),
        ] {
            assert_eq!(asked(&text), Err(status), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = query(&bytes, 4711);
        }
    }
}
