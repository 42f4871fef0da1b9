//! Journeys in the real window, driven through WebDriver under a (virtual) display.
//!
//! `cargo xtask test` starts the display; by hand: `xvfb-run -a cargo nextest run -p dynamics-companion
//! --features custom-protocol`. The pictures are kept in `target/screenshots`.
mod common;

use common::{Browser, Window, admin, cloud, on_premises, with_ctrl};
use fantoccini::key::Key;
use sandbox::Sandbox;
use serde_json::json;

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
