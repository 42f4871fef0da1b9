//! Renders the page in a headless Chromium.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use backend::view::View;
use fantoccini::{ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// How long the browser may take to show what is awaited.
const PATIENCE: Duration = Duration::from_secs(60);

/// Resolves two frames after what was shown last was drawn.
const TWO_FRAMES: &str =
    "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)))";

/// Renders the page to a picture once it shows the view's visitor and contact.
pub(crate) async fn render(url: &str, view: &View, file: &Path, dark: bool) -> anyhow::Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut driver = Command::new("chromedriver")
        .arg(format!("--port={port}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context(
            "chromedriver cannot be started: install the packages chromium and chromium-driver",
        )?;
    let mut said =
        BufReader::new(driver.stdout.take().context("chromedriver has no output")?).lines();
    while let Some(line) = said.next_line().await? {
        if line.contains("started successfully") {
            break;
        }
    }
    let mut flags = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=400,900",
    ];
    if dark {
        flags.push("--force-dark-mode");
    }
    let capabilities = json!({ "goog:chromeOptions": { "args": flags } });
    let browser = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.as_object().cloned().unwrap_or_default())
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .context("the browser cannot be started")?;
    let drawn = async {
        browser.set_window_size(400, 900).await?;
        browser.goto(url).await?;
        let shown = view
            .recognition
            .contact
            .record
            .as_ref()
            .map(|record| record.fields.len());
        let awaited = if shown.is_some() {
            "#card-contact dd"
        } else {
            "h1"
        };
        browser
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(awaited))
            .await?;
        browser.execute_async(TWO_FRAMES, Vec::new()).await?;
        browser.screenshot().await
    }
    .await;
    browser.close().await?;
    driver.kill().await?;
    let picture = drawn.context("the page was not shown")?;
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    tokio::fs::write(file, picture)
        .await
        .context("the picture cannot be written")
}
