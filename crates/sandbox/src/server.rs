//! The HTTP side: routes, latency, faults, the request log, and answers on the wire.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;
use futures_util::stream;

use crate::api::{self, Request};
use crate::auth::{self, Deployment};
use crate::errors::ApiError;
use crate::faults::{Fault, Plan, too_many_requests};
use crate::limits::Entry;
use crate::organization::Organization;
use crate::requests::Operation;
use crate::{admin, pages};

/// The largest body that is read, as the real service has it.
const LARGEST_BODY: usize = 128 * 1024 * 1024;

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
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: String) -> Answer {
        Answer {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body,
            entity: None,
            operations: Vec::new(),
        }
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: String::new(),
            entity: None,
            operations: Vec::new(),
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
async fn web_api(
    State(organization): Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some((deployment, version, resource)) = located(uri.path()) else {
        // AD FS and the web server in front of Dynamics answer unknown paths with an empty 404.
        return Answer::empty(404).into_response();
    };
    let entity_set = entity_set(&organization, resource);
    // Only the cloud protects itself; who has no good token is refused before that.
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let entry = match deployment {
        Deployment::Cloud => organization
            .authority
            .user(authorization, deployment, organization.clock.now())
            .map(|user| Entry::new(&organization, user)),
        Deployment::OnPremises => None,
    };
    guarded(&organization, method.as_str(), &uri, entity_set, async {
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
        let work = api::answer(&organization, &request);
        match entry {
            Some(entry) => entry.answer(&organization, work).await,
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

/// Runs a request under the log, the injected latency and the injected faults.
pub(crate) async fn guarded(
    organization: &Organization,
    method: &str,
    uri: &Uri,
    entity_set: Option<String>,
    work: impl Future<Output = Answer>,
) -> Response {
    let target = uri
        .path_and_query()
        .map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let mut running =
        organization
            .requests
            .start(method, uri.path(), uri.query().unwrap_or(""), entity_set);
    let latency = organization.faults.latency(&target);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut operations = Vec::new();
    let work = async {
        let mut answer = work.await;
        operations = std::mem::take(&mut answer.operations);
        answer
    };
    let (status, response) = match organization.faults.take(method, &target) {
        Some(plan) => faulty(organization, &plan, work).await,
        None => {
            let answer = work.await;
            (Some(answer.status), answer.into_response())
        }
    };
    running.status = status;
    running.operations = operations;
    response
}

async fn faulty(
    organization: &Organization,
    plan: &Plan,
    work: impl Future<Output = Answer>,
) -> (Option<u16>, Response) {
    let html = |status, title: &str| {
        let body = format!(
            "<!DOCTYPE html>\r\n<html><head><title>{title}</title></head><body><h2>{title}</h2></body></html>"
        );
        Answer::new(status, "text/html; charset=utf-8", body)
    };
    let retry_after = plan.retry_after.to_string();
    let answer = match plan.fault {
        Fault::TooManyRequests => api::error_answer(&too_many_requests())
            .header("retry-after", retry_after)
            .header("x-ms-ratelimit-burst-remaining-xrm-requests", "0")
            .header("x-ms-ratelimit-time-remaining-xrm-requests", "1,196.26"),
        Fault::ServerError => api::error_answer(&ApiError::unexpected()),
        Fault::Unavailable => html(503, "Service Unavailable").header("retry-after", retry_after),
        Fault::ResetBeforeCommit => return (None, reset()),
        Fault::ResetAfterCommit => {
            let answer = work.await;
            return (Some(answer.status), reset());
        }
        Fault::Slow => {
            tokio::time::sleep(Duration::from_millis(plan.delay_ms)).await;
            work.await
        }
        Fault::WrongJson => Answer::new(200, api::JSON, "{\"value\":[{\"contactid\":".to_owned()),
        Fault::HtmlPage => html(200, "Sign in to your account"),
        Fault::TruncatedBody => {
            let answer = work.await;
            return (Some(answer.status), truncated(answer));
        }
        Fault::Unauthorized => {
            api::challenge(organization, Deployment::Cloud, &organization.origin())
        }
    };
    (Some(answer.status), answer.into_response())
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
