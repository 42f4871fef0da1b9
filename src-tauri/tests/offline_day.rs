//! The network is cut in the middle of an agent's day, in the real window: recognition, search, timeline and recording by
//! hand go on, and what waits goes out when it is back.
#![expect(
    clippy::unwrap_used,
    reason = "a journey that cannot be set up has failed"
)]

mod common;

use common::{Window, admin, cloud, with_ctrl};
use fantoccini::Locator;
use fantoccini::key::Key;
use reqwest::Method;
use sandbox::Sandbox;
use serde_json::json;

const RECORDED: &str = "section[aria-label='Record this chat'] ul";
const TIMELINE: &str = "section[aria-busy]:not([id])";

/// Types into the search box, which Ctrl+K has opened.
async fn search(window: &Window, text: &str) {
    with_ctrl(window, 'k').await;
    window.until("dialog[open]", &["Search"]).await;
    let input = window
        .client
        .find(Locator::Css("dialog[open] input[type=search]"))
        .await
        .unwrap();
    input.send_keys(text).await.unwrap();
}

/// The number of the first open case in the timeline.
async fn case_number(window: &Window) -> String {
    let text = window.content(TIMELINE).await;
    let number = text.split("CAS-").nth(1).and_then(|rest| rest.get(..12));
    let number = number.unwrap_or_else(|| panic!("no case in {text}"));
    format!("CAS-{number}")
}

async fn day(theme: &[(&str, &str)], name: &str) {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let secret = organization.description().client_secret.clone();
    let environment: Vec<(&str, &str)> = [("COMPANION_CLIENT_SECRET", secret.as_str())]
        .into_iter()
        .chain(theme.iter().copied())
        .collect();
    let window = Window::open(&cloud(organization.description()), &environment).await;
    let picture = |what: &str| format!("window-{what}{name}.png");
    let mut console = window.pair().await;

    // The morning: two visitors come, and the second one is not who the rules would find.
    console.select("dana").await;
    window
        .until("#card-contact", &["Dana Vermeer", "from Dynamics"])
        .await;
    window
        .until(TIMELINE, &["Timeline", "from Dynamics", "Open"])
        .await;
    let number = case_number(&window).await;
    window.screenshot(&picture("timeline")).await;
    console.select("unknown").await;
    window.until("#card-contact", &["No contact found"]).await;
    search(&window, "verme").await;
    window
        .until("dialog[open]", &["Dana Vermeer", "found."])
        .await;
    window.screenshot(&picture("search")).await;
    window
        .click("//dialog[@open]//li[.//*[contains(.,'Dana Vermeer')]]//button[contains(@aria-label,'Link')]")
        .await;
    window
        .until(
            "#card-contact",
            &[
                "Dana Vermeer",
                "Linked by Robin on",
                "Unlink",
                "from Dynamics",
            ],
        )
        .await;
    window.screenshot(&picture("linked")).await;

    // The network is cut.
    let down = json!({ "fault": "reset_before_commit", "path": "", "times": 1_000_000 });
    admin(&organization, Method::POST, "/faults", Some(down)).await;
    console.select("luca").await;
    window.until("header", &["Offline"]).await;
    console.select("unknown").await;
    window
        .until(
            "#card-contact",
            &["Dana Vermeer", "Linked by Robin on", "from the cache"],
        )
        .await;
    console.select("dana").await;
    window
        .until("#card-contact", &["Dana Vermeer", "from the cache"])
        .await;
    window.until(TIMELINE, &["from the cache", &number]).await;
    window.screenshot(&picture("offline")).await;
    search(&window, &number.to_lowercase()).await;
    window
        .until(
            "dialog[open]",
            &[&number, "This is what the companion knows."],
        )
        .await;
    window.screenshot(&picture("offline-search")).await;
    window
        .click("//dialog[@open]//button[@aria-label='Close']")
        .await;
    for (table, record, field) in [("case", "Case", "Case Title"), ("task", "Task", "Subject")] {
        window
            .click(&format!(
                "//button[@aria-label='Create a {table} from this chat']"
            ))
            .await;
        window.until("dialog[open]", &[field]).await;
        with_ctrl(&window, Key::Enter).await;
        window
            .until(RECORDED, &[&format!("{record} for Dana Vermeer"), "Queued"])
            .await;
    }
    window.screenshot(&picture("offline-queued")).await;

    // And is back.
    admin(&organization, Method::DELETE, "/faults", None).await;
    window
        .until(RECORDED, &["Case · Created", "Task · Created"])
        .await;
    window.until("header", &["Online"]).await;
    window.until(TIMELINE, &["from Dynamics"]).await;
    window.screenshot(&picture("online-again")).await;
    window.close().await;
    organization.stop().await;
}

#[tokio::test]
async fn the_day_goes_on_without_a_network_and_everything_goes_out_when_it_is_back() {
    day(&[], "").await;
}

#[tokio::test]
async fn on_a_dark_desktop_it_is_the_same() {
    day(&[("GTK_THEME", "Adwaita:dark")], "-dark").await;
}
