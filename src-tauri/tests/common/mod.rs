//! The application in its window, the driver that looks at it, and a console that talks to it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a journey that cannot be set up has failed"
)]
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each journey's file uses a part of it"
)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::{SinkExt, StreamExt};
use hyper_util::client::legacy::connect::HttpConnector;
use sandbox::{Description, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Long enough for a slow machine; a journey that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What has the focus, as a screen reader would name it.
const FOCUSED: &str = "const element = document.activeElement;
    const by = (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
    return element.getAttribute('aria-label') || element.labels?.[0]?.textContent || by || element.textContent || '';";

/// So many times a key is pressed before what is looked for is not there.
const MOST_PRESSES: usize = 150;

/// A screenshot shows the state before the last change until two frames have passed.
const TWO_FRAMES: &str =
    "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)))";

/// The application in its window, and the driver that looks at it.
pub struct Window {
    pub client: Client,
    driver: Child,
    /// Processes that the driver started: it leaves them behind when it is killed itself.
    applications: Vec<i32>,
    bridge: String,
    _data: tempfile::TempDir,
}

impl Window {
    pub async fn open(settings: &str, environment: &[(&str, &str)]) -> Window {
        let data = tempfile::tempdir().unwrap();
        let bridge_port = free_port();
        let file = data.path().join("settings.toml");
        std::fs::write(
            &file,
            format!("version = 1\n[bridge]\nport = {bridge_port}\n{settings}"),
        )
        .unwrap();
        let arguments = vec!["--settings".into(), file.to_string_lossy().into_owned()];
        Window::start(data, bridge_port, arguments, environment).await
    }

    /// As it is when nobody has set anything up: there is no settings file yet.
    pub async fn first_start(environment: &[(&str, &str)]) -> Window {
        let data = tempfile::tempdir().unwrap();
        let port = backend::Settings::default().bridge.port;
        let home = data.path().join("config").to_string_lossy().into_owned();
        let environment = [environment, &[("XDG_CONFIG_HOME", home.as_str())]].concat();
        Window::start(data, port, Vec::new(), &environment).await
    }

    async fn start(
        data: tempfile::TempDir,
        bridge_port: u16,
        mut arguments: Vec<String>,
        environment: &[(&str, &str)],
    ) -> Window {
        arguments.push("--data-dir".into());
        arguments.push(data.path().to_string_lossy().into_owned());
        let driver_port = free_port();
        let driver = Command::new("WebKitWebDriver")
            .arg(format!("--port={driver_port}"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("COMPANION_STORE_KEY", "5a".repeat(32))
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("WebKitWebDriver: install the package webkit2gtk-driver");
        let capabilities = json!({ "webkitgtk:browserOptions": {
            "binary": env!("CARGO_BIN_EXE_dynamics-companion"),
            "args": arguments,
        }});
        wait_for_port(driver_port).await;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().cloned().unwrap())
            .connect(&format!("http://127.0.0.1:{driver_port}"))
            .await
            .unwrap();
        let applications = children(driver.id());
        Window {
            client,
            driver,
            applications,
            bridge: format!("127.0.0.1:{bridge_port}"),
            _data: data,
        }
    }

    /// Waits for an element and gives its text.
    pub async fn text(&self, css: &str) -> String {
        self.client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// The text of an element that is there, also where it is cut off.
    pub async fn content(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        let text = self.client.execute(script, vec![json!(css)]).await.unwrap();
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element's text holds all of these.
    pub async fn until(&self, css: &str, parts: &[&str]) {
        let script = "const [css, parts, done] = arguments;
            const holds = () => { const text = document.querySelector(css)?.textContent ?? ''; return parts.every((part) => text.includes(part)); };
            if (holds()) { done(true); } else {
              const observer = new MutationObserver(() => { if (holds()) { observer.disconnect(); done(true); } });
              observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
            }";
        let waited = tokio::time::timeout(
            PATIENCE,
            self.client
                .execute_async(script, vec![json!(css), json!(parts)]),
        )
        .await;
        if !matches!(waited, Ok(Ok(_))) {
            let page = self
                .client
                .execute("return document.body.innerText", Vec::new())
                .await;
            panic!("{css} never held {parts:?}: {waited:?}; the page says {page:?}");
        }
    }

    pub async fn click(&self, xpath: &str) {
        self.client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::XPath(xpath))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
    }

    /// Goes on in the window whose page this is: `main` or `settings`.
    pub async fn switch_to(&self, page: &str) {
        let find = async {
            loop {
                for window in self.client.windows().await.unwrap() {
                    self.client.switch_to_window(window).await.unwrap();
                    let address = self.client.current_url().await.unwrap();
                    if address.path().contains("settings") == (page == "settings") {
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, find)
            .await
            .unwrap_or_else(|_| panic!("there is no window {page}"));
    }

    /// What has the focus.
    pub async fn focused(&self) -> String {
        let name = self.client.execute(FOCUSED, Vec::new()).await.unwrap();
        name.as_str().unwrap_or_default().trim().to_owned()
    }

    /// Presses a key, wherever the focus is.
    pub async fn press(&self, key: impl Into<char>) {
        let value = key.into();
        let keys = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Presses a key until what has the focus is called so, at its beginning.
    pub async fn press_until_on(&self, key: impl Into<char>, name: &str) {
        let key = key.into();
        let mut seen = Vec::new();
        for _ in 0..MOST_PRESSES {
            let focused = self.focused().await;
            if focused.starts_with(name) {
                return;
            }
            seen.push(focused);
            self.press(key).await;
        }
        panic!("{name} was never reached: {seen:?}");
    }

    /// Presses Tab until what has the focus is called so, at its beginning.
    pub async fn tab_to(&self, name: &str) {
        self.press_until_on(Key::Tab, name).await;
    }

    /// Waits until what has the focus is called so.
    pub async fn until_on(&self, name: &str) {
        let reached = async {
            while !self.focused().await.starts_with(name) {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            panic!("the focus is on {}, not on {name}", self.focused().await);
        }
    }

    /// Types into what has the focus.
    pub async fn type_text(&self, text: &str) {
        let mut keys = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            keys = keys
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
        }
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Types over what stands in the field that has the focus.
    pub async fn replace_text(&self, text: &str) {
        with_ctrl(self, 'a').await;
        self.type_text(text).await;
    }

    pub async fn screenshot(&self, name: &str) {
        self.client
            .execute_async(TWO_FRAMES, Vec::new())
            .await
            .unwrap();
        let picture = self.client.screenshot().await.unwrap();
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), picture).unwrap();
    }

    /// Pairs a console by the code that the window shows, as an agent does.
    pub async fn pair(&self) -> Console {
        self.click("//header//button[starts-with(@aria-label,'Agent Console')]")
            .await;
        self.click("//dialog//button[contains(.,'Pair the Agent Console')]")
            .await;
        let code = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css("dialog [role=img]"))
            .await
            .unwrap();
        let code: String = code
            .text()
            .await
            .unwrap()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let mut console = Console::connect(&self.bridge).await;
        console.say(&json!({ "type": "pair", "protocol": 1, "code": code, "name": "Agent Console of the test" })).await;
        console.hear("welcome").await;
        self.until("dialog", &["Agent Console of the test"]).await;
        self.screenshot("window-paired.png").await;
        self.click("//dialog//button[contains(@aria-label,'Close') or normalize-space()='Close']")
            .await;
        console
    }

    pub async fn close(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
        self.applications.clear();
    }
}

/// A failed journey must leave nothing running.
impl Drop for Window {
    fn drop(&mut self) {
        for application in self.applications.drain(..) {
            // It may have ended by itself.
            let _ = Command::new("kill")
                .arg("-9")
                .arg(application.to_string())
                .stderr(Stdio::null())
                .status();
        }
        let _ = self.driver.kill();
    }
}

/// The console's end of the bridge.
pub struct Console(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Console {
    pub async fn connect(bridge: &str) -> Console {
        let mut request = format!("ws://{bridge}/v1/console")
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("origin", format!("http://{bridge}").parse().unwrap());
        Console(tokio_tungstenite::connect_async(request).await.unwrap().0)
    }

    pub async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::Text(message.to_string().into()))
            .await
            .unwrap();
    }

    pub async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let Some(Ok(Message::Text(text))) =
                tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap()
            else {
                continue;
            };
            let message: Value = serde_json::from_str(text.as_str()).unwrap();
            assert_ne!(message["type"], "error", "{message}");
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Selects the chat of a sample visitor.
    pub async fn select(&mut self, id: &str) {
        let sample = sandbox::demo::sample_visitors()
            .into_iter()
            .find(|sample| sample.id == id)
            .unwrap();
        let event = json!({ "source": "console-app", "kind": "selected", "sentAt": 1, "site": { "siteId": "20001", "domain": "dash11.comm100.io" },
            "agent": { "id": "0d5c7e69-f214-4a83-9b7e-c8f1a2d3b455", "name": "Robin", "email": "robin@example.com" },
            "chat": sample.chat, "visitor": sample.visitor });
        self.say(&json!({ "type": "event", "id": "1", "event": event }))
            .await;
        self.hear("ack").await;
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_dynamics-companion"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

async fn wait_for_port(port: u16) {
    let reached = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .expect("the driver listens");
}

fn children(process: u32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .filter_map(|child| child.parse().ok())
                .collect::<Vec<i32>>()
        })
        .collect()
}

/// A program called xdg-open that writes what it is to open into a pipe.
pub struct Browser {
    folder: tempfile::TempDir,
}

impl Browser {
    pub fn new() -> Browser {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("opened");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let program = folder.path().join("xdg-open");
        std::fs::write(
            &program,
            format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", pipe.display()),
        )
        .unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Browser { folder }
    }

    pub fn path(&self) -> String {
        format!(
            "{}:{}",
            self.folder.path().display(),
            std::env::var("PATH").unwrap_or_default()
        )
    }

    pub async fn opened(&self) -> String {
        let reading = tokio::fs::read_to_string(self.folder.path().join("opened"));
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("a browser is opened")
            .unwrap()
    }
}

pub fn cloud(organization: &Description) -> String {
    format!(
        "[connection]\nkind = \"cloud\"\norganization_url = {:?}\ntenant_id = {:?}\nclient_id = {:?}\nauthority_url = {:?}\n",
        organization.organization_url,
        organization.tenant_id,
        organization.client_id,
        organization.authority_url
    )
}

pub fn on_premises(organization: &Description) -> String {
    let organization = &organization.on_premises;
    format!(
        "[connection]\nkind = \"on-premises\"\norganization_url = {:?}\nclient_id = {:?}\nauthority_url = {:?}\nlogin_email = {:?}\n",
        organization.organization_url,
        organization.client_id,
        organization.authority_url,
        organization.login_email
    )
}

/// Asks the organization's admin door, and gives what it answers.
pub async fn admin(
    organization: &Sandbox,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> Value {
    // Another test of this process may have installed it; either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("{}{path}", organization.description().admin_url);
    let mut request = reqwest::Client::new().request(method, address);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Presses a key with Ctrl, wherever the focus is.
pub async fn with_ctrl(window: &Window, key: impl Into<char>) {
    let key = key.into();
    let keys = KeyActions::new("keyboard".to_owned())
        .then(KeyAction::Down {
            value: Key::Control.into(),
        })
        .then(KeyAction::Down { value: key })
        .then(KeyAction::Up { value: key })
        .then(KeyAction::Up {
            value: Key::Control.into(),
        });
    window.client.perform_actions(keys).await.unwrap();
}
