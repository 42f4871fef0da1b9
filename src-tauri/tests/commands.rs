//! The commands as the page calls them: every name, every argument, every failure's shape. They run on
//! Tauri's mock runtime with the real capabilities, so that a missing permission fails here.
#![expect(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "a journey that cannot be set up has failed"
)]

use backend::secrets::Secrets;
use backend::view::{ConnectionState, EntryState};
use backend::{Backend, Options, Settings};
use companion_window::with_commands;
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{Manager, WebviewWindow};

/// An application without a window on the practice organization.
struct Application {
    window: WebviewWindow<MockRuntime>,
    handle: backend::Handle,
    _runtime: tokio::runtime::Runtime,
    _app: tauri::App<MockRuntime>,
}

fn application() -> Application {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.block_on(async {
        let mut settings = Settings::default();
        settings.bridge.port = 0;
        let (options, organization) = practice::prepare(Options::new(settings, Secrets::default()))
            .await
            .unwrap();
        let backend = Backend::start(options).await.unwrap();
        let handle = backend.handle();
        // Both live as long as the test's process.
        std::mem::forget((backend, organization));
        handle
    });
    let app = with_commands(mock_builder())
        .plugin(tauri_plugin_opener::init())
        .build(tauri::generate_context!())
        .unwrap();
    app.manage(handle.clone());
    let config = app.config().app.windows[0].clone();
    let window = tauri::WebviewWindowBuilder::from_config(&app, &config)
        .unwrap()
        .build()
        .unwrap();
    Application {
        window,
        handle,
        _runtime: runtime,
        _app: app,
    }
}

impl Application {
    fn call(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        self.call_from(&self.window, command, arguments)
    }

    fn call_from(
        &self,
        window: &WebviewWindow<MockRuntime>,
        command: &str,
        arguments: Value,
    ) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.to_owned(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().unwrap(),
            body: InvokeBody::Json(arguments),
            headers: tauri::http::HeaderMap::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
    }

    fn until(&self, wanted: impl FnMut(&std::sync::Arc<backend::view::View>) -> bool) {
        let mut views = self.handle.watch();
        self._runtime.block_on(async {
            tokio::time::timeout(std::time::Duration::from_secs(30), views.wait_for(wanted))
                .await
                .expect("the view in time")
                .unwrap();
        });
    }
}

#[test]
fn every_command_answers_under_its_name() {
    let app = application();
    let view = app.call("view", json!({})).unwrap();
    assert_eq!(view["connection"]["kind"], "practice");
    for command in [
        "refresh",
        "reconnect",
        "start_pairing",
        "cancel_sign_in",
        "sign_out",
        "sync_now",
    ] {
        assert_eq!(app.call(command, json!({})), Ok(Value::Null), "{command}");
    }
    app.until(|view| view.console.pairing.is_some());
    assert_eq!(app.call("cancel_pairing", json!({})), Ok(Value::Null));
    assert_eq!(
        app.call("play_visitor", json!({ "id": "shared" })),
        Ok(Value::Null)
    );
    app.until(|view| !view.recognition.contact.more.is_empty());
    let view = app.call("view", json!({})).unwrap();
    let other = view["recognition"]["contact"]["more"][0]["id"].clone();
    assert_eq!(
        app.call("choose", json!({ "table": "contact", "id": other })),
        Ok(Value::Null)
    );
    let console = view["console"]["consoles"][0]["id"].clone();
    assert_eq!(
        app.call("revoke_console", json!({ "id": console })),
        Ok(Value::Null)
    );
    app.until(|view| view.console.consoles.is_empty());
}

#[test]
fn a_chat_is_written_down_by_hand_looked_at_and_taken_back() {
    let app = application();
    app.until(|view| view.connection.state == ConnectionState::Online);
    assert_eq!(
        app.call("play_visitor", json!({ "id": "shared" })),
        Ok(Value::Null)
    );
    app.until(|view| view.recognition.contact.record.is_some());
    for table in ["contact", "lead", "case", "task"] {
        let draft = app.call("draft", json!({ "table": table })).unwrap();
        let values: serde_json::Map<String, Value> = draft["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| {
                (
                    field["column"].as_str().unwrap().to_owned(),
                    field["value"].clone(),
                )
            })
            .collect();
        let now = &draft["about"]["now"];
        let about = now["id"].as_str().map(|id| {
            let table = now["table"].as_str().unwrap();
            format!("{table}:{id}")
        });
        let filled = json!({
            "table": table, "chat": draft["chat"], "values": values,
            "about": about, "newContact": draft["about"]["newContact"] == true,
        });
        let similar = app.call("duplicates", json!({ "filled": filled })).unwrap();
        assert!(similar["records"].is_array(), "{table}: {similar}");
        let entry = app.call("create", json!({ "filled": filled })).unwrap();
        let id = entry["id"].as_str().unwrap().to_owned();
        app.until(|view| {
            let chat = &view.recording.chat;
            chat.iter()
                .any(|entry| entry.id == id && entry.state == EntryState::Done)
        });
    }
    let outbox = app.call("outbox", json!({})).unwrap();
    assert_eq!(outbox.as_array().unwrap().len(), 4);
    let task = &outbox[0];
    assert_eq!(task["records"][0]["table"], "task");
    let undone = app.call("undo", json!({ "id": task["id"] })).unwrap();
    assert_eq!(undone["state"], "discarded");
    // What is over can neither be tried again nor discarded.
    for (command, arguments) in [
        ("retry", json!({ "id": task["id"], "values": {} })),
        ("discard", json!({ "id": task["id"] })),
        ("choose_person", json!({ "id": task["id"], "record": null })),
    ] {
        let problem = app.call(command, arguments).unwrap_err();
        assert_eq!(problem["code"], "entry_not_changeable", "{command}");
    }
    let found = json!({ "targets": ["contact"], "text": "Vermeer" });
    let found = app.call("find", found).unwrap();
    assert!(!found.as_array().unwrap().is_empty());
    let results = app.call("search", json!({ "text": "Vermeer", "live": true }));
    assert_eq!(results.unwrap()["live"], true);
    let existing = json!({ "table": "contact", "id": found[0]["id"], "chat": null });
    assert_eq!(app.call("link", existing), Ok(Value::Null));
    app.until(|view| {
        let contact = view.recognition.contact.record.as_ref();
        contact.is_some_and(|contact| contact.link.is_some())
    });
    let linked = json!({ "table": "contact", "chat": null });
    assert_eq!(app.call("unlink", linked.clone()), Ok(Value::Null));
    assert_eq!(app.call("unlink", linked).unwrap_err()["code"], "link_gone");
    let problem = app.call("add_to_case", json!({ "id": "x", "chat": null }));
    assert_eq!(problem.unwrap_err()["code"], "id_malformed");
    let filter = json!({ "filter": { "text": "", "what": ["created"], "before": null } });
    let page = app.call("activity", filter.clone()).unwrap();
    assert_eq!(page["lines"].as_array().unwrap().len(), 4);
    let csv = app.call("export_activity", filter).unwrap();
    assert_eq!(csv.as_str().unwrap().lines().count(), 5);
}

#[test]
fn a_failure_is_a_problem_and_what_is_not_ours_is_refused() {
    let app = application();
    for (command, arguments, code) in [
        (
            "choose",
            json!({ "table": "contact", "id": "x" }),
            "candidate_gone",
        ),
        (
            "open_record",
            json!({ "table": "lead", "id": "x" }),
            "record_not_shown",
        ),
        ("revoke_console", json!({ "id": "x" }), "console_unknown"),
        ("play_visitor", json!({ "id": "x" }), "sample_unknown"),
        ("sign_in", json!({}), "sign_in_not_for_persons"),
    ] {
        let problem = app.call(command, arguments).unwrap_err();
        assert_eq!(problem["code"], code);
        for key in ["message", "nextStep"] {
            assert!(
                problem[key].as_str().is_some_and(|text| !text.is_empty()),
                "{command}: {key}"
            );
        }
    }
    assert!(
        app.call("choose", json!({ "table": "systemuser", "id": "x" }))
            .is_err()
    );
    assert!(
        app.call(
            "plugin:window|set_title",
            json!({ "label": "main", "value": "x" })
        )
        .is_err()
    );
    assert!(
        app.call(
            "plugin:opener|open_url",
            json!({ "url": "https://example.com" })
        )
        .is_err()
    );
}

#[test]
fn the_settings_commands_answer_in_their_window_alone() {
    let app = application();
    assert!(app.call("settings", json!({})).is_err());
    assert_eq!(app.call("open_settings", json!({})), Ok(Value::Null));
    let window = app._app.get_webview_window("settings").unwrap();
    let call = |command: &str, arguments: Value| app.call_from(&window, command, arguments);
    assert!(call("view", json!({})).is_err());
    app.until(|view| view.connection.state == ConnectionState::Online);

    let view = call("settings", json!({})).unwrap();
    let draft = &view["saved"];
    assert!(draft["connection"]["kind"].is_string(), "{view}");
    let email =
        json!({ "kind": "typed", "values": { "visitor.email": "dana.vermeer@example.com" } });
    for (command, arguments, key) in [
        ("settings_catalogue", json!({}), "tables"),
        ("settings_columns", json!({ "table": "contact" }), "0"),
        (
            "settings_judge",
            json!({ "draft": draft, "sample": null }),
            "problems",
        ),
        (
            "settings_explain",
            json!({ "draft": draft, "sample": email }),
            "tables",
        ),
        (
            "settings_suggest",
            json!({ "draft": draft, "table": "lead" }),
            "0",
        ),
        ("settings_estimate", json!({ "draft": draft }), "0"),
        (
            "settings_read_text",
            json!({ "text": "version = 1\n" }),
            "draft",
        ),
    ] {
        let answer = call(command, arguments).unwrap();
        let part = match key.parse::<usize>() {
            Ok(place) => &answer[place],
            Err(_) => &answer[key],
        };
        assert!(!part.is_null(), "{command}: {answer}");
    }
    let text = call("settings_to_text", json!({ "draft": draft })).unwrap();
    assert!(text.as_str().unwrap().contains("version = 1"));
    let secrets = call("settings_secrets", json!({ "draft": draft }));
    assert!(secrets.unwrap().is_array());
    for command in ["settings_cancel_test", "settings_cancel_rehearsal"] {
        assert_eq!(call(command, json!({})), Ok(Value::Null), "{command}");
    }
    assert_eq!(
        call("settings_test", json!({ "draft": draft })),
        Ok(Value::Null)
    );

    let secret = json!({ "draft": draft, "name": "client-secret", "value": " " });
    for (command, arguments, code) in [
        (
            "settings_columns",
            json!({ "table": "systemuser" }),
            "table_unknown",
        ),
        ("settings_enter_secret", secret, "secret_empty"),
        (
            "settings_rehearse",
            json!({ "draft": draft, "chats": null }),
            "no_chats",
        ),
        ("settings_version", json!({ "id": 1 }), "version_unknown"),
        (
            "settings_save",
            json!({ "draft": draft, "fingerprint": "x" }),
            "settings_changed_meanwhile",
        ),
    ] {
        let problem = call(command, arguments).unwrap_err();
        assert_eq!(problem["code"], code, "{command}: {problem}");
    }
}
