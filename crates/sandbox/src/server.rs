//! The HTTP side: routes, latency, faults, the request log, and answers on the wire.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;
use futures_util::stream;
use tokio::sync::oneshot;

use crate::api::{self, Request};
use crate::auth::{self, Deployment};
use crate::faults::{Fault, Incoming, Level};
use crate::limits::Entry;
use crate::organization::Organization;
use crate::requests::Operation;
use crate::{admin, pages};

/// The largest body that is read, as the real service has it.
const LARGEST_BODY: usize = 128 * 1024 * 1024;

/// The longest path and query of a request that is no operation of a batch (protocol page `query.md`, section "URL length").
const LONGEST_URL: usize = 32_768;

/// The web server refuses what is longer itself, without JSON.
fn too_long() -> Answer {
    Answer::new(
        414,
        "text/html; charset=us-ascii",
        "<!DOCTYPE HTML><HTML><HEAD><TITLE>Request URL Too Long</TITLE></HEAD><BODY><h2>Request URL Too Long</h2><hr>\
         <p>HTTP Error 414. The request URL is too long.</p></BODY></HTML>"
            .to_owned(),
    )
}

/// Path segment of the on-premises organization.
pub(crate) const ON_PREMISES: &str = "OnPrem";

/// An answer before it is put on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// The URL of the row that was written: what `$1` stands for in a change set.
    pub(crate) entity: Option<String>,
    /// What a `$batch` held, for the log of requests.
    pub(crate) operations: Vec<Operation>,
    /// A fault inside a `$batch`: the connection is closed in place of this answer.
    pub(crate) reset: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: String) -> Answer {
        Answer {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body,
            entity: None,
            operations: Vec::new(),
            reset: false,
        }
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: String::new(),
            entity: None,
            operations: Vec::new(),
            reset: false,
        }
    }

    /// JSON outside OData: tokens, the admin door.
    pub(crate) fn plain_json(status: u16, body: &serde_json::Value) -> Answer {
        Answer::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    fn into_response(self) -> Response {
        self.with_body(Body::from)
    }

    fn with_body(self, body: impl FnOnce(String) -> Body) -> Response {
        let mut response = Response::new(body(self.body));
        *response.status_mut() = self
            .status
            .try_into()
            .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// All routes.
pub(crate) fn router(organization: Arc<Organization>) -> Router {
    Router::new()
        .nest("/admin", admin::router())
        .merge(auth::router())
        .merge(pages::router())
        .fallback(web_api)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(organization)
}

type Shared = State<Arc<Organization>>;

/// Everything else: the Web API of both deployments.
///
/// A request that has arrived is carried out, whether or not the client still waits for the answer, as the real service
/// does. What a client that gave up has asked for may well have happened.
async fn web_api(
    State(organization): Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (mut answered, answer) = oneshot::channel();
    tokio::spawn(async move {
        let client_gone = answered.closed();
        let response = carry_out(&organization, &method, &uri, &headers, body, client_gone).await;
        // Nobody to tell it to is no error.
        let _ = answered.send(response);
    });
    answer.await.unwrap_or_else(|_| reset())
}

async fn carry_out(
    organization: &Arc<Organization>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
    client_gone: impl Future<Output = ()>,
) -> Response {
    let length = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if length > LONGEST_URL {
        return too_long().into_response();
    }
    let Some((deployment, version, resource)) = located(uri.path()) else {
        // AD FS and the web server in front of Dynamics answer unknown paths with an empty 404.
        return Answer::empty(404).into_response();
    };
    let arrival = Arrival {
        method: method.as_str(),
        uri,
        body: &body.clone(),
        entity_set: entity_set(organization, resource),
    };
    // Only the cloud protects itself; who has no good token is refused before that.
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let entry = match deployment {
        Deployment::Cloud => organization
            .authority
            .user(authorization, deployment, organization.clock.now())
            .map(|user| Entry::new(organization, user)),
        Deployment::OnPremises => None,
    };
    guarded(organization, arrival, client_gone, async {
        let scheme = if organization.tls { "https" } else { "http" };
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host
            .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
            .unwrap_or("");
        let origin = format!("{scheme}://{host}");
        let start = match deployment {
            Deployment::Cloud => String::new(),
            Deployment::OnPremises => format!("/{ON_PREMISES}"),
        };
        let request = Request {
            method: method.as_str().to_owned(),
            base: format!("{origin}{start}/api/data/{version}"),
            origin,
            deployment,
            resource: resource.to_owned(),
            query: uri.query().unwrap_or("").to_owned(),
            headers: headers.clone(),
            body,
        };
        let work = api::answer(organization, &request);
        match entry {
            Some(entry) => entry.answer(organization, work).await,
            None => work.await,
        }
    })
    .await
}

/// The service's root and the resource behind it, of a path that lies within `deployment`.
pub(crate) fn service_root(path: &str, deployment: Deployment) -> Option<(&str, &str)> {
    let (found, _, resource) = located(path)?;
    let root = path.strip_suffix(resource)?;
    (found == deployment).then(|| (root.trim_end_matches('/'), resource))
}

/// Splits a path into deployment, version segment (`v9.2`) and resource.
fn located(path: &str) -> Option<(Deployment, &str, &str)> {
    let (deployment, rest) = match path.strip_prefix("/api/data/") {
        Some(rest) => (Deployment::Cloud, rest),
        None => {
            let rest = path.strip_prefix('/')?;
            let (organization, rest) = rest.split_once('/')?;
            let rest = rest.strip_prefix("api/data/")?;
            organization
                .eq_ignore_ascii_case(ON_PREMISES)
                .then_some((Deployment::OnPremises, rest))?
        }
    };
    let (version, resource) = rest.split_once('/').unwrap_or((rest, ""));
    let known: &[&str] = match deployment {
        Deployment::Cloud => &["v9.0", "v9.1", "v9.2"],
        Deployment::OnPremises => &["v8.0", "v8.1", "v8.2", "v9.0", "v9.1"],
    };
    known
        .contains(&version)
        .then_some((deployment, version, resource))
}

fn entity_set(organization: &Organization, resource: &str) -> Option<String> {
    let first = resource.split(['/', '(']).next()?;
    organization
        .schema
        .current()
        .set(first)
        .map(|table| table.set.clone())
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a Uri,
    pub(crate) body: &'a [u8],
    /// What it is about, for the log.
    pub(crate) entity_set: Option<String>,
}

/// Runs a request under the log, the injected latency and the injected faults. `client_gone` ends when the client has given
/// up; an answer is then kept back no longer.
pub(crate) async fn guarded(
    organization: &Organization,
    arrival: Arrival<'_>,
    client_gone: impl Future<Output = ()>,
    work: impl Future<Output = Answer>,
) -> Response {
    let uri = arrival.uri;
    let target = uri
        .path_and_query()
        .map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let mut running = organization.requests.start(
        arrival.method,
        uri.path(),
        uri.query().unwrap_or(""),
        arrival.entity_set,
    );
    let latency = organization.faults.latency(&target);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let hit = organization.faults.take(Incoming {
        level: Level::Requests,
        method: arrival.method,
        target: &target,
        body: arrival.body,
    });
    let fault = hit.map(|hit| hit.fault);
    running.fault = fault;
    if fault == Some(Fault::ResetBeforeCommit) {
        return reset();
    }
    let delay = hit.map_or(Duration::ZERO, |hit| hit.delay());
    if fault == Some(Fault::Slow) {
        tokio::time::sleep(delay).await;
    }
    let mut answer = match hit.and_then(|hit| hit.answer(organization)) {
        Some(instead) => instead,
        None => work.await,
    };
    running.operations = std::mem::take(&mut answer.operations);
    if answer.reset {
        return reset();
    }
    running.status = Some(answer.status);
    if fault == Some(Fault::Held) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = client_gone => {}
        }
    }
    if fault == Some(Fault::ResetAfterCommit) {
        return reset();
    }
    if fault == Some(Fault::TruncatedBody) {
        return truncated(answer);
    }
    answer.into_response()
}

/// A response whose body fails at once: the connection is closed before anything was written to it.
fn reset() -> Response {
    let failure = stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("reset by an injected fault"))
    });
    Response::new(Body::from_stream(failure))
}

/// The answer with only half of the body that its length announces.
fn truncated(answer: Answer) -> Response {
    let length = answer.body.len();
    let half = answer
        .body
        .as_bytes()
        .get(..length / 2)
        .unwrap_or_default()
        .to_vec();
    let mut response = answer.with_body(|_| {
        let parts = stream::unfold(Some(half), |half| async {
            match half {
                Some(half) => Some((Ok(Bytes::from(half)), None)),
                None => {
                    // Lets the first half go out before the connection breaks.
                    tokio::task::yield_now().await;
                    Some((
                        Err(std::io::Error::other("cut off by an injected fault")),
                        None,
                    ))
                }
            }
        });
        Body::from_stream(parts)
    });
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// Turns an [`Answer`] into what axum's handlers return.
impl axum::response::IntoResponse for Answer {
    fn into_response(self) -> Response {
        Answer::into_response(self)
    }
}

/// Serves until the handle says stop.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    tls: Option<axum_server::tls_rustls::RustlsConfig>,
    handle: axum_server::Handle<std::net::SocketAddr>,
    organization: Arc<Organization>,
) -> std::io::Result<()> {
    let service = router(organization).into_make_service();
    match tls {
        Some(tls) => {
            axum_server::from_tcp_rustls(listener, tls)?
                .handle(handle)
                .serve(service)
                .await
        }
        None => {
            axum_server::from_tcp(listener)?
                .handle(handle)
                .serve(service)
                .await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_each_deployment() {
        assert_eq!(
            located("/api/data/v9.2/contacts"),
            Some((Deployment::Cloud, "v9.2", "contacts"))
        );
        assert_eq!(
            located("/api/data/v9.0/"),
            Some((Deployment::Cloud, "v9.0", ""))
        );
        assert_eq!(located("/api/data/v8.2/contacts"), None);
        assert_eq!(
            located("/OnPrem/api/data/v9.1/contacts"),
            Some((Deployment::OnPremises, "v9.1", "contacts"))
        );
        assert_eq!(located("/OnPrem/api/data/v9.2/contacts"), None);
        assert_eq!(located("/Other/api/data/v9.1/contacts"), None);
    }
}
