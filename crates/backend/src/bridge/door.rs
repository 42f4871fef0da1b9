//! The HTTP side of the bridge: who may come in at all.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::desk::ConsoleDesk;
use super::protocol::{LONGEST_READ, ShownVisitor};
use super::{pages, session};
use crate::controller::FromConsole;
use crate::problem::Problem;
use crate::recorder::Recorder;

/// How many sockets may be open at once, and how many of them may not have said who they are: each can hold
/// a message of the greatest length in memory.
const MOST_SOCKETS: usize = 32;
const MOST_STRANGERS: usize = 8;

/// How long connections may take to end when the bridge is closed.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What the bridge needs.
#[derive(Debug)]
pub struct BridgeOptions {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Further origins of Agent Consoles.
    pub console_origins: Vec<String>,
    /// Further origins that may open the socket.
    pub allowed_origins: Vec<String>,
    /// Where consoles are paired and known.
    pub desk: ConsoleDesk,
    /// What makes durable what has to be written down.
    pub recorder: Recorder,
    /// Where events go.
    pub events: mpsc::Sender<FromConsole>,
    /// What the companion shows, to be told to the consoles.
    pub shown: watch::Receiver<ShownVisitor>,
}

/// The running bridge.
#[derive(Debug)]
pub struct Bridge {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    serving: AbortHandle,
}

#[derive(Clone)]
pub(super) struct DoorState {
    pub(super) address: SocketAddr,
    pub(super) console_origins: Arc<Vec<String>>,
    allowed_origins: Arc<Vec<String>>,
    pub(super) desk: ConsoleDesk,
    pub(super) recorder: Recorder,
    pub(super) events: mpsc::Sender<FromConsole>,
    pub(super) shown: watch::Receiver<ShownVisitor>,
    pub(super) stop: CancellationToken,
    tasks: TaskTracker,
    /// Sockets that have not said who they are.
    pub(super) strangers: Arc<Semaphore>,
    /// All sockets.
    sockets: Arc<Semaphore>,
}

impl Bridge {
    /// Opens the door.
    ///
    /// # Errors
    /// `bridge_port_in_use` or `bridge_failed`.
    pub async fn open(options: BridgeOptions) -> Result<Bridge, Problem> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(|error| cannot_listen(options.port, &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| cannot_listen(options.port, &error))?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let own = [
            format!("http://{address}"),
            format!("http://localhost:{}", address.port()),
        ];
        let state = DoorState {
            address,
            console_origins: Arc::new(pages::console_origins(&options.console_origins)),
            allowed_origins: Arc::new(own.into_iter().chain(options.allowed_origins).collect()),
            desk: options.desk,
            recorder: options.recorder,
            events: options.events,
            shown: options.shown,
            stop: stop.clone(),
            tasks: tasks.clone(),
            strangers: Arc::new(Semaphore::new(MOST_STRANGERS)),
            sockets: Arc::new(Semaphore::new(MOST_SOCKETS)),
        };
        let app = Router::new()
            .route("/v1/health", get(health))
            .route("/v1/console", any(console))
            .route(
                "/comm100/{*path}",
                get(
                    |State(state): State<DoorState>, Path(path): Path<String>| async move {
                        pages::page(&state, &path)
                    },
                ),
            )
            .fallback(|| async { not_found() })
            .layer(middleware::from_fn_with_state(state.clone(), check_host))
            .with_state(state);
        let ended = stop.clone().cancelled_owned();
        let serving = tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, app)
                .with_graceful_shutdown(ended)
                .await
            {
                tracing::error!(%error, "the console bridge ended");
            }
        });
        info!(%address, "the console bridge listens");
        Ok(Bridge {
            address,
            stop,
            tasks,
            serving: serving.abort_handle(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the door and all sockets. A connection that does not end by itself is cut.
    pub async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(LAST_WORDS, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::info!("a connection to the console bridge was cut");
            self.serving.abort();
        }
    }
}

fn cannot_listen(port: u16, error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return Problem::new(
            "bridge_port_in_use",
            format!(
                "Another program uses port {port}, so the Agent Console cannot reach the companion."
            ),
            "Close the other program (perhaps a second companion), or set `bridge.port` and the console app's package to another port.",
        );
    }
    Problem::new(
        "bridge_failed",
        format!(
            "The companion cannot listen on port {port}: {}.",
            error.kind()
        ),
        "Set `bridge.port` to another port, and the console app's package with it.",
    )
}

/// A web page elsewhere can make its own name point to 127.0.0.1; then the `Host` is its name.
async fn check_host(State(state): State<DoorState>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let port = state.address.port();
    let mut response = if host == format!("127.0.0.1:{port}")
        || host.eq_ignore_ascii_case(&format!("localhost:{port}"))
    {
        next.run(request).await
    } else {
        refusal(
            421,
            &Problem::new(
                "host_not_allowed",
                "This address is not one of the companion's.",
                format!("Use http://127.0.0.1:{port}/."),
            ),
        )
    };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        header::HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        header::HeaderValue::from_static("no-referrer"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        header::HeaderValue::from_static("same-origin"),
    );
    response
}

async fn health() -> Response {
    axum::Json(serde_json::json!({ "status": "ok", "version": crate::VERSION })).into_response()
}

async fn console(State(state): State<DoorState>, headers: HeaderMap, request: Request) -> Response {
    let origin = headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .unwrap_or_default();
    let is_allowed = !origin.is_empty()
        && state
            .allowed_origins
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin));
    if !is_allowed {
        return refusal(
            403,
            &Problem::new(
                "origin_not_allowed",
                "This page may not talk to the companion.",
                "Use the console app that the companion serves, or add the page's origin to `bridge.allowed_origins`.",
            ),
        );
    }
    let Ok(upgrade) =
        WebSocketUpgrade::from_request_parts(&mut request.into_parts().0, &state).await
    else {
        return refusal(
            426,
            &Problem::new(
                "websocket_expected",
                "The companion expects a WebSocket here.",
                "Open the address with the console app.",
            ),
        );
    };
    let Ok(place) = Arc::clone(&state.sockets).try_acquire_owned() else {
        return refusal(
            503,
            &Problem::new(
                "too_many_sockets",
                "Too many Agent Consoles are connected at once.",
                "Close console windows that are not needed.",
            ),
        );
    };
    let tasks = state.tasks.clone();
    upgrade
        .max_message_size(LONGEST_READ)
        .max_frame_size(LONGEST_READ)
        .on_upgrade(move |socket| {
            tasks.track_future(async move {
                session::run(socket, state).await;
                drop(place);
            })
        })
}

pub(super) fn not_found() -> Response {
    refusal(
        404,
        &Problem::new(
            "not_found",
            "There is nothing at this address.",
            "Check the address.",
        ),
    )
}

/// An error as `application/problem+json` (RFC 9457).
pub(super) fn refusal(status: u16, problem: &Problem) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": problem.code,
        "detail": problem.message,
        "next_step": problem.next_step,
    });
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}
