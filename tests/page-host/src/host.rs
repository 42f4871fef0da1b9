//! Serves the page's files and `/page/ws`: commands in, views out, as the page's contract has it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use backend::{Handle, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
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

/// What a command is called with, by name.
#[derive(Default, Deserialize)]
struct Args(Map<String, Value>);

impl Args {
    fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Problem> {
        let value = self.0.get(name).cloned().unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|error| bad_call(&format!("{name}: {error}")))
    }

    fn text(&self, name: &str) -> Result<String, Problem> {
        self.get(name)
    }
}

async fn attend(mut socket: WebSocket, handle: Handle) {
    let mut views = handle.watch();
    let mut settings = handle.settings().watch();
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
            changed = settings.changed() => {
                if changed.is_err() { return }
                let view = Arc::clone(&settings.borrow_and_update());
                json!({ "settings": *view })
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
    let id = || args.text("id");
    Ok(match command {
        "view" => json!(*handle.view()),
        "refresh" => json!(handle.refresh().await?),
        "choose" => json!(handle.choose(args.get("table")?, id()?).await?),
        "start_pairing" => json!(handle.start_pairing().await),
        "cancel_pairing" => json!(handle.cancel_pairing().await),
        "revoke_console" => json!(handle.revoke_console(&id()?).await?),
        "play_visitor" => json!(handle.play_visitor(&id()?).await?),
        // Whoever plays the browser here asks for the page that the window would open.
        "open_record" => json!(handle.record_url(&args.text("table")?, id()?).await?),
        "sign_in" => json!(handle.sign_in().await?),
        "reconnect" => json!(handle.reconnect().await?),
        "cancel_sign_in" => json!(handle.cancel_sign_in().await?),
        "sign_out" => json!(handle.sign_out().await?),
        "sync_now" => json!(handle.sync_now().await),
        "draft" => json!(handle.draft(args.get("table")?).await?),
        "create" => json!(handle.create(args.get("filled")?).await?),
        "add_to_case" => {
            let chat: Option<String> = args.get("chat")?;
            json!(handle.add_to_case(&id()?, chat.as_deref()).await?)
        }
        "duplicates" => json!(handle.duplicates(args.get("filled")?).await?),
        "find" => {
            let targets: Vec<String> = args.get("targets")?;
            json!(handle.find(&targets, &args.text("text")?).await?)
        }
        "search" => json!(
            handle
                .search(&args.text("text")?, args.get("live")?)
                .await?
        ),
        "link" => {
            let chat: Option<String> = args.get("chat")?;
            json!(
                handle
                    .link(&args.text("table")?, &id()?, chat.as_deref())
                    .await?
            )
        }
        "unlink" => {
            let chat: Option<String> = args.get("chat")?;
            json!(handle.unlink(&args.text("table")?, chat.as_deref()).await?)
        }
        "outbox" => json!(handle.outbox().await?),
        "retry" => json!(handle.retry(&id()?, args.get("values")?).await?),
        "discard" => json!(handle.discard(&id()?).await?),
        "choose_person" => {
            let record: Option<String> = args.get("record")?;
            json!(handle.choose_person(&id()?, record.as_deref()).await?)
        }
        "undo" => json!(handle.undo(&id()?).await?),
        "activity" => json!(handle.activity(args.get("filter")?).await?),
        "export_activity" => json!(handle.export_activity(args.get("filter")?).await?),
        "lock" => json!(handle.lock().await?),
        "unlock" => json!(handle.unlock().await?),
        "local_data" => json!(handle.local_data().await?),
        "traces" => {
            let (email, phone) = whom(&args)?;
            json!(handle.traces(email.as_deref(), phone.as_deref()).await?)
        }
        "forget" => {
            let (email, phone) = whom(&args)?;
            let discard = args.get("discardUnsent")?;
            json!(
                handle
                    .forget(email.as_deref(), phone.as_deref(), discard)
                    .await?
            )
        }
        "wipe" => json!(handle.wipe(args.get("options")?).await?),
        "make_recovery" => {
            let file: Option<PathBuf> = args.get("file")?;
            let passphrase = args.text("passphrase")?.into();
            json!(handle.make_recovery(file.as_deref(), passphrase).await?)
        }
        "use_recovery" => {
            let passphrase = args.text("passphrase")?.into();
            json!(handle.use_recovery(args.text("text")?, passphrase).await?)
        }
        // The page opens `settings.html` beside itself.
        "open_settings" => Value::Null,
        _ if command.starts_with("settings") => return settings(handle, command, args).await,
        other => return Err(bad_call(&format!("there is no command {other}"))),
    })
}

async fn settings(handle: &Handle, command: &str, args: Args) -> Result<Value, Problem> {
    let settings = handle.settings();
    let draft = || args.get::<Value>("draft");
    Ok(match command {
        "settings" => json!(*settings.view().await),
        "settings_catalogue" => json!(settings.catalogue().await?),
        "settings_columns" => json!(settings.columns(&args.text("table")?).await?),
        "settings_judge" => json!(settings.judge(draft()?, args.get("sample")?).await?),
        "settings_explain" => json!(settings.explain(draft()?, args.get("sample")?).await?),
        "settings_estimate" => json!(settings.estimate(draft()?).await?),
        "settings_suggest" => json!(settings.suggest(draft()?, &args.text("table")?).await?),
        "settings_secrets" => json!(settings.secrets(draft()?).await?),
        "settings_enter_secret" => {
            let value = args.text("value")?.into();
            json!(
                settings
                    .enter_secret(draft()?, args.get("name")?, value)
                    .await?
            )
        }
        "settings_forget_secret" => {
            json!(settings.forget_secret(draft()?, args.get("name")?).await?)
        }
        "settings_test" => json!(settings.test_connection(draft()?).await?),
        "settings_cancel_test" => json!(settings.cancel_test().await?),
        "settings_save" => json!(settings.save(draft()?, &args.text("fingerprint")?).await?),
        "settings_to_text" => json!(settings.to_text(draft()?).await?),
        "settings_read_text" => json!(settings.read_text(&args.text("text")?).await?),
        "settings_history" => json!(settings.history().await?),
        "settings_version" => json!(settings.version(args.get("id")?).await?),
        "settings_rehearse" => {
            let chats: Option<String> = args.get("chats")?;
            settings.rehearse(draft()?, chats).await?;
            Value::Null
        }
        "settings_cancel_rehearsal" => json!(settings.cancel_rehearsal().await?),
        "settings_disconnect" => json!(settings.disconnect().await?),
        other => return Err(bad_call(&format!("there is no command {other}"))),
    })
}

fn whom(args: &Args) -> Result<(Option<String>, Option<String>), Problem> {
    Ok((args.get("email")?, args.get("phone")?))
}

fn bad_call(what: &str) -> Problem {
    Problem::new(
        "bad_call",
        format!("The page asked for something that is not there: {what}."),
        "Build page and host from the same source.",
    )
}
