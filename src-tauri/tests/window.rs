//! Journeys in the real window, driven through WebDriver under a (virtual) display.
//!
//! `cargo xtask test` starts the display; by hand: `xvfb-run -a cargo nextest run -p dynamics-companion
//! --features custom-protocol`. The pictures are kept in `target/screenshots`.
#![expect(
    clippy::unwrap_used,
    reason = "a journey that cannot be set up has failed"
)]

use std::net::TcpListener;
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
const PATIENCE: Duration = Duration::from_secs(30);

/// A screenshot shows the state before the last change until two frames have passed.
const TWO_FRAMES: &str =
    "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)))";

/// The application in its window, and the driver that looks at it.
struct Window {
    client: Client,
    driver: Child,
    /// Processes that the driver started: it leaves them behind when it is killed itself.
    applications: Vec<i32>,
    bridge: String,
    _data: tempfile::TempDir,
}

impl Window {
    async fn open(settings: &str, environment: &[(&str, &str)]) -> Window {
        let data = tempfile::tempdir().unwrap();
        let bridge_port = free_port();
        let file = data.path().join("settings.toml");
        std::fs::write(
            &file,
            format!("version = 1\n[bridge]\nport = {bridge_port}\n{settings}"),
        )
        .unwrap();
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
            "args": ["--settings", file, "--data-dir", data.path()],
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
    async fn text(&self, css: &str) -> String {
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

    /// Waits until an element's text holds all of these.
    async fn until(&self, css: &str, parts: &[&str]) {
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

    async fn click(&self, xpath: &str) {
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

    async fn screenshot(&self, name: &str) {
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
    async fn pair(&self) -> Console {
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

    async fn close(mut self) {
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
struct Console(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Console {
    async fn connect(bridge: &str) -> Console {
        let mut request = format!("ws://{bridge}/v1/console")
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("origin", format!("http://{bridge}").parse().unwrap());
        Console(tokio_tungstenite::connect_async(request).await.unwrap().0)
    }

    async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::Text(message.to_string().into()))
            .await
            .unwrap();
    }

    async fn hear(&mut self, kind: &str) -> Value {
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
    async fn select(&mut self, id: &str) {
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

fn cloud(organization: &Description) -> String {
    format!(
        "[connection]\nkind = \"cloud\"\norganization_url = {:?}\ntenant_id = {:?}\nclient_id = {:?}\nauthority_url = {:?}\n",
        organization.organization_url,
        organization.tenant_id,
        organization.client_id,
        organization.authority_url
    )
}

fn on_premises(organization: &Description) -> String {
    let organization = &organization.on_premises;
    format!(
        "[connection]\nkind = \"on-premises\"\norganization_url = {:?}\nclient_id = {:?}\nauthority_url = {:?}\nlogin_email = {:?}\n",
        organization.organization_url,
        organization.client_id,
        organization.authority_url,
        organization.login_email
    )
}

async fn dana_is_shown(window: &Window) {
    window.until("h1", &["Dana Vermeer"]).await;
    window
        .until(
            "#card-contact",
            &[
                "Dana Vermeer",
                "Same e-mail",
                "Email is dana.vermeer@example.com",
                "from Dynamics",
                "Head of Purchasing",
            ],
        )
        .await;
    window
        .until(
            "#card-account",
            &[
                "Northwind Traders",
                "Account of the contact",
                "Preferred Customer",
            ],
        )
        .await;
    window
        .until("#card-lead", &["Dana Vermeer", "Second warehouse", "Hot"])
        .await;
}

#[tokio::test]
async fn a_paired_console_selects_a_chat_and_the_window_shows_who_it_is() {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let secret = organization.description().client_secret.clone();
    let window = Window::open(
        &cloud(organization.description()),
        &[("COMPANION_CLIENT_SECRET", &secret)],
    )
    .await;
    window.until("body", &["Pair the Agent Console"]).await;
    window.screenshot("window-first-start.png").await;
    let mut console = window.pair().await;
    console.select("dana").await;
    dana_is_shown(&window).await;
    assert!(!window.text("#card-contact").await.contains("cache"));
    window.screenshot("window-cloud.png").await;

    console.select("shared").await;
    window
        .until("#card-contact", &["Graham Ashworth", "Same e-mail", "more"])
        .await;
    window.close().await;
    organization.stop().await;
}

#[tokio::test]
async fn on_premises_the_window_shows_the_same() {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let on_premises_secrets = organization.description().on_premises.clone();
    let environment = [
        (
            "COMPANION_CLIENT_SECRET",
            on_premises_secrets.client_secret.as_str(),
        ),
        ("COMPANION_PASSWORD", on_premises_secrets.password.as_str()),
    ];
    let window = Window::open(&on_premises(organization.description()), &environment).await;
    let mut console = window.pair().await;
    console.select("dana").await;
    dana_is_shown(&window).await;
    window.screenshot("window-on-premises.png").await;
    window.close().await;
    organization.stop().await;
}

#[tokio::test]
async fn a_mistake_in_the_settings_is_shown_in_the_window() {
    let window = Window::open("prot = 1\n", &[]).await;
    window
        .until("body", &["Line 4: the key `bridge.prot` is not known."])
        .await;
    let practice = "return document.body.textContent.includes('Practice console')";
    let practices = window.client.execute(practice, Vec::new()).await.unwrap();
    assert_eq!(practices, json!(false));
    window.close().await;
}

#[tokio::test]
async fn in_practice_mode_a_sample_visitor_is_chosen_in_the_window() {
    let window = Window::open("", &[]).await;
    window.until("body", &["Practice console"]).await;
    window.screenshot("window-practice-start.png").await;
    window.click("//button[contains(.,'Dana Vermeer')]").await;
    dana_is_shown(&window).await;
    window.screenshot("window-practice.png").await;
    window.click("//button[contains(.,'Reception')]").await;
    window.until("#card-contact", &["more"]).await;
    window.screenshot("window-several.png").await;
    window.close().await;
}

/// Asks the organization's admin door.
async fn admin(organization: &Sandbox, method: reqwest::Method, path: &str, body: Option<Value>) {
    // Another test of this process may have installed it; either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("{}{path}", organization.description().admin_url);
    let mut request = reqwest::Client::new().request(method, address);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

/// Presses a key with Ctrl, wherever the focus is.
async fn with_ctrl(window: &Window, key: Key) {
    let keys = KeyActions::new("keyboard".to_owned())
        .then(KeyAction::Down {
            value: Key::Control.into(),
        })
        .then(KeyAction::Down { value: key.into() })
        .then(KeyAction::Up { value: key.into() })
        .then(KeyAction::Up {
            value: Key::Control.into(),
        });
    window.client.perform_actions(keys).await.unwrap();
}

const RECORDED: &str = "section[aria-label='Record this chat'] ul";

/// Creates a record of the chat with its form, by Ctrl+Enter, when it has this field.
async fn create(window: &Window, table: &str, field: &str) {
    window
        .click(&format!(
            "//button[@aria-label='Create a {table} from this chat']"
        ))
        .await;
    window
        .until("dialog[open]", &[&format!("New {table}"), field])
        .await;
    window.screenshot(&format!("window-form-{table}.png")).await;
    with_ctrl(window, Key::Enter).await;
}

#[tokio::test]
async fn each_of_the_four_is_created_by_hand_and_confirmed_with_its_link() {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let secret = organization.description().client_secret.clone();
    let browser = Browser::new();
    let window = Window::open(
        &cloud(organization.description()),
        &[
            ("COMPANION_CLIENT_SECRET", &secret),
            ("PATH", &browser.path()),
        ],
    )
    .await;
    let mut console = window.pair().await;
    console.select("dana").await;
    dana_is_shown(&window).await;
    for (table, label, field) in [
        ("contact", "Contact · ", "Last Name"),
        ("lead", "Lead · ", "Last Name"),
        ("case", "Case · ", "Case Title"),
        ("task", "Task · ", "Subject"),
    ] {
        create(&window, table, field).await;
        window
            .until(RECORDED, &[&format!("{label}Created"), "Undo"])
            .await;
    }
    window.screenshot("window-recorded.png").await;
    window
        .click("//section[@aria-label='Record this chat']//li[.//*[starts-with(normalize-space(.),'Case · ')]]//li//button")
        .await;
    let opened = browser.opened().await;
    assert!(opened.contains("etn=incident"), "{opened}");
    window.close().await;
    organization.stop().await;
}

#[tokio::test]
async fn without_a_way_to_dynamics_a_record_is_queued_and_goes_out_when_it_is_back() {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let secret = organization.description().client_secret.clone();
    let window = Window::open(
        &cloud(organization.description()),
        &[("COMPANION_CLIENT_SECRET", &secret)],
    )
    .await;
    let mut console = window.pair().await;
    console.select("dana").await;
    dana_is_shown(&window).await;
    let down = json!({ "fault": "reset_before_commit", "path": "", "times": 1_000_000 });
    admin(&organization, reqwest::Method::POST, "/faults", Some(down)).await;
    create(&window, "case", "Case Title").await;
    window.until(RECORDED, &["Queued"]).await;
    window.until("body", &["Offline"]).await;
    window.screenshot("window-queued.png").await;
    admin(&organization, reqwest::Method::DELETE, "/faults", None).await;
    window.until(RECORDED, &["Case · Created"]).await;
    window.until("body", &["Online"]).await;
    window.screenshot("window-sent.png").await;
    window.close().await;
    organization.stop().await;
}

/// A program called xdg-open that writes what it is to open into a pipe.
struct Browser {
    folder: tempfile::TempDir,
}

impl Browser {
    fn new() -> Browser {
        use std::os::unix::fs::PermissionsExt;
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

    fn path(&self) -> String {
        format!(
            "{}:{}",
            self.folder.path().display(),
            std::env::var("PATH").unwrap_or_default()
        )
    }

    async fn opened(&self) -> String {
        let reading = tokio::fs::read_to_string(self.folder.path().join("opened"));
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("a browser is opened")
            .unwrap()
    }
}

#[tokio::test]
async fn a_record_is_opened_in_the_systems_browser() {
    let browser = Browser::new();
    let window = Window::open("", &[("PATH", &browser.path())]).await;
    window.click("//button[contains(.,'Dana Vermeer')]").await;
    dana_is_shown(&window).await;
    window
        .click("//button[@aria-label='Open Northwind Traders in Dynamics']")
        .await;
    let opened = browser.opened().await;
    assert!(
        opened.contains("/main.aspx?") && opened.contains("etn=account"),
        "{opened}"
    );
    window.close().await;
}

#[tokio::test]
async fn a_dark_desktop_gets_a_dark_window() {
    let window = Window::open("", &[("GTK_THEME", "Adwaita:dark")]).await;
    window.click("//button[contains(.,'Dana Vermeer')]").await;
    dana_is_shown(&window).await;
    let dark = window
        .client
        .execute(
            "return matchMedia('(prefers-color-scheme: dark)').matches",
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(dark, json!(true));
    window.screenshot("window-dark.png").await;
    window.close().await;
}
