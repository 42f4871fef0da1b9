//! Serves the page's files and `/page/ws`: commands in, views out, as the page's contract has it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use backend::{Handle, Problem};
use integration::Table;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

/// Starts to serve and says where.
pub(crate) async fn serve(handle: Handle, page: &Path, port: u16) -> anyhow::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let app = Router::new()
        .route("/page/ws", get(upgrade))
        .fallback_service(ServeDir::new(page))
        .with_state(Host { handle, address });
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}/"))
}

/// Only the page that is served here may talk: whoever talks may pair consoles and see who is recognised.
async fn upgrade(
    State(Host { handle, address }): State<Host>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let is = |name, expected: String| {
        headers
            .get(name)
            .is_some_and(|value| value.as_bytes() == expected.as_bytes())
    };
    if !is(HOST, address.to_string()) || !is(ORIGIN, format!("http://{address}")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(move |socket| attend(socket, handle))
}

#[derive(Clone)]
struct Host {
    handle: Handle,
    address: SocketAddr,
}

#[derive(Deserialize)]
struct Request {
    id: u64,
    command: String,
    #[serde(default)]
    args: Args,
}

#[derive(Default, Deserialize)]
struct Args {
    table: Option<Table>,
    id: Option<String>,
}

async fn attend(mut socket: WebSocket, handle: Handle) {
    let mut views = handle.watch();
    loop {
        let message = tokio::select! {
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => answer(&handle, text.as_str()).await,
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            changed = views.changed() => {
                if changed.is_err() { return }
                let view = Arc::clone(&views.borrow_and_update());
                json!({ "view": *view })
            }
        };
        if socket
            .send(Message::Text(message.to_string().into()))
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn answer(handle: &Handle, text: &str) -> Value {
    let Request { id, command, args } = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(error) => return json!({ "id": null, "error": bad_call(&error.to_string()) }),
    };
    match call(handle, &command, args).await {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(problem) => json!({ "id": id, "error": problem }),
    }
}

async fn call(handle: &Handle, command: &str, args: Args) -> Result<Value, Problem> {
    let id = || args.id.clone().ok_or_else(|| bad_call("id is missing"));
    let table = || args.table.ok_or_else(|| bad_call("table is missing"));
    match command {
        "view" => return Ok(json!(*handle.view())),
        "refresh" => handle.refresh().await?,
        "choose" => handle.choose(table()?, id()?).await?,
        "start_pairing" => handle.start_pairing().await,
        "cancel_pairing" => handle.cancel_pairing().await,
        "revoke_console" => handle.revoke_console(&id()?).await?,
        "play_visitor" => handle.play_visitor(&id()?).await?,
        // The browser that shows the page is the one that can open another; the page's own link does it.
        "open_record" => drop(handle.record_url(table()?, id()?).await?),
        "reconnect" => handle.reconnect().await?,
        // Whoever plays the browser here asks for the page that the window would open.
        "sign_in" => return Ok(json!(handle.sign_in().await?)),
        "cancel_sign_in" => handle.cancel_sign_in().await?,
        "sign_out" => handle.sign_out().await?,
        other => return Err(bad_call(&format!("there is no command {other}"))),
    }
    Ok(Value::Null)
}

fn bad_call(what: &str) -> Problem {
    Problem::new(
        "bad_call",
        format!("The page asked for something that is not there: {what}."),
        "Build page and host from the same source.",
    )
}
