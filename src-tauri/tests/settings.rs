//! The administrator's way by keyboard alone, in the real window: from the first start to a working connection, in the cloud
//! and on-premises; then a rule is added and seen to match, a field mapped and displayed, and a recording action rehearsed.
//!
//! The secrets go to the keyring of the session, which `cargo xtask test` starts.
mod common;

use common::{Browser, Window, admin, with_ctrl};
use fantoccini::Locator;
use fantoccini::key::Key;
use reqwest::{Method, Url};
use sandbox::{Options, Sandbox};
use serde_json::json;

const PAGE: &str = "main";
const SPOKEN: &str = "[data-testid=spoken]";
const WRONG_ADDRESS: &str = "it is not a web address";
const WHY: &str = "[aria-busy=false] ol[aria-label=Why]";

/// Opens the settings from the main window's menu, and goes there.
async fn open_settings(window: &Window) {
    window.until("header", &["Practice"]).await;
    window.tab_to("More").await;
    window.press(Key::Enter).await;
    window.until("[role=menu]", &["Settings"]).await;
    window.press_until_on(Key::Down, "Settings").await;
    window.press(Key::Enter).await;
    window.switch_to("settings").await;
    window.until("h1", &["Connection"]).await;
}

/// Goes to a page by its button at the side.
async fn go_to(window: &Window, page: &str) {
    window.tab_to(page).await;
    window.press(Key::Enter).await;
    window.until("h1", &[page]).await;
}

/// Types into the field of this name.
async fn fill(window: &Window, field: &str, text: &str) {
    window.tab_to(field).await;
    window.type_text(text).await;
}

async fn test_and_save(window: &Window, picture: &str) {
    window.tab_to("Test ").await;
    window.press(Key::Enter).await;
    window
        .until(PAGE, &["Everything works. Save to work with it."])
        .await;
    window.screenshot(picture).await;
    window.tab_to("Save").await;
    window.press(Key::Enter).await;
    window
        .until(SPOKEN, &["Saved. The new settings are in force."])
        .await;
}

#[tokio::test]
async fn from_the_first_start_to_the_cloud_and_on_by_keyboard_alone() {
    let organization = Sandbox::start(Options::default()).await.unwrap();
    let cloud = organization.description().clone();
    let window = Window::first_start(&[]).await;
    open_settings(&window).await;

    // The practice organization is chosen at first.
    window.tab_to("Practice").await;
    window
        .press_until_on(Key::Left, "For Dynamics 365 Cloud")
        .await;
    fill(
        &window,
        "Dynamics 365 Organization URL",
        "contoso.crm4.dynamics.com",
    )
    .await;
    window
        .until("[data-key='connection.organization_url']", &[WRONG_ADDRESS])
        .await;
    window.screenshot("settings-connection-wrong.png").await;
    window.replace_text(&cloud.organization_url).await;
    fill(&window, "Application (Client) ID", &cloud.client_id).await;
    fill(&window, "Directory (tenant) ID", &cloud.tenant_id).await;
    fill(&window, "Enter Application Secret", &cloud.client_secret).await;
    window.press(Key::Enter).await;
    window.until(PAGE, &["Entered; kept when you save"]).await;
    window.tab_to("More").await;
    window.press(Key::Enter).await;
    fill(&window, "Authority URL", &cloud.authority_url).await;
    test_and_save(&window, "settings-connection.png").await;

    a_rule_is_added_and_seen_to_match(&window).await;
    a_field_is_mapped(&window).await;
    window.switch_to("main").await;
    window.until("header", &["Online"]).await;
    let mut console = window.pair().await;
    console.select("unknown").await;
    window.until("#card-contact", &["No contact found"]).await;
    window.tab_to("Create a contact from this chat").await;
    window.press(Key::Enter).await;
    window.until("dialog[open]", &["Nickname"]).await;
    with_ctrl(&window, Key::Enter).await;
    window
        .until("#card-contact", &["Nickname", "from Dynamics"])
        .await;
    window.screenshot("settings-displayed.png").await;

    window.switch_to("settings").await;
    a_recording_action_is_rehearsed(&window).await;
    window.close().await;
    organization.stop().await;
}

async fn a_rule_is_added_and_seen_to_match(window: &Window) {
    go_to(window, "Identification rules").await;
    window.tab_to("Add a rule").await;
    window.press(Key::Enter).await;
    window.until_on("Name").await;
    window.replace_text("Same full name").await;
    fill(window, "Dynamics field", "fullname").await;
    window.tab_to("Comm100 field").await;
    window.replace_text("visitor.name").await;
    // By its first letters, as lists are searched by keyboard.
    fill(window, "Try the settings on", "A v").await;
    fill(window, "Visitor Name", "Dana Vermeer").await;
    window
        .until(WHY, &["Same full name", "Recognises", "Dana Vermeer"])
        .await;
    window.screenshot("settings-rule.png").await;
}

async fn a_field_is_mapped(window: &Window) {
    go_to(window, "Fields").await;
    window.tab_to("Add a field").await;
    window.press(Key::Enter).await;
    window.until_on("Dynamics field").await;
    window.type_text("nickname").await;
    window.tab_to("Display Field Nickname to the agent").await;
    window.press(' ').await;
    window.until(PAGE, &["Dana Vermeer"]).await;
    window.screenshot("settings-fields.png").await;
    window.tab_to("Save").await;
    window.press(Key::Enter).await;
    window
        .until(SPOKEN, &["Saved. The new settings are in force."])
        .await;
}

async fn a_recording_action_is_rehearsed(window: &Window) {
    go_to(window, "Recording").await;
    window
        .tab_to("Manually create Lead/Contact/Case/Task in Agent Console")
        .await;
    window
        .press_until_on(Key::Down, "Automatically, when a chat ends")
        .await;
    // The next one of those that begin so.
    fill(window, "Action", "c").await;
    window.screenshot("settings-recording.png").await;
    go_to(window, "Rehearsal").await;
    window.tab_to("Rehearse").await;
    window.press(Key::Enter).await;
    window.until(PAGE, &["Done.", "Differs", "1"]).await;
    window.screenshot("settings-rehearsal.png").await;
}

#[tokio::test]
async fn from_the_first_start_to_on_premises_by_keyboard_alone() {
    let organization = Sandbox::start(Options::default()).await.unwrap();
    let premises = organization.description().on_premises.clone();
    let window = Window::first_start(&[("GTK_THEME", "Adwaita:dark")]).await;
    open_settings(&window).await;
    window.tab_to("Practice").await;
    window
        .press_until_on(Key::Left, "For Dynamics 365 On-premises")
        .await;
    fill(
        &window,
        "Dynamics 365 Organization URL",
        &premises.organization_url,
    )
    .await;
    fill(&window, "Login Email", &premises.login_email).await;
    fill(&window, "Application (Client) ID", &premises.client_id).await;
    fill(&window, "Authority URL", &premises.authority_url).await;
    fill(&window, "Enter Application Secret", "wrong").await;
    fill(&window, "Enter Password", &premises.password).await;
    window.tab_to("Test connection").await;
    window.press(Key::Enter).await;
    window
        .until(PAGE, &["Something does not work yet.", "What to do"])
        .await;
    window.screenshot("settings-on-premises-failed.png").await;
    window.tab_to("Replace Application Secret").await;
    window.press(Key::Enter).await;
    window.until_on("Enter Application Secret").await;
    window.type_text(&premises.client_secret).await;
    window.press(Key::Enter).await;
    test_and_save(&window, "settings-on-premises.png").await;
    window.switch_to("main").await;
    window.until("header", &["Online"]).await;
    window.close().await;
    organization.stop().await;
}

#[tokio::test]
async fn from_the_first_start_to_signed_in_as_yourself_by_keyboard_alone() {
    let organization = Sandbox::start(Options::default()).await.unwrap();
    let cloud = organization.description().clone();
    let agent = cloud.people.first().unwrap();
    let browser = Browser::new();
    let window = Window::first_start(&[("PATH", &browser.path())]).await;
    open_settings(&window).await;
    window.tab_to("Practice").await;
    window
        .press_until_on(Key::Left, "For Dynamics 365 Cloud")
        .await;
    window.tab_to("With the application secret").await;
    window
        .press_until_on(Key::Down, "As yourself: each agent signs in in the browser")
        .await;
    fill(
        &window,
        "Dynamics 365 Organization URL",
        &cloud.organization_url,
    )
    .await;
    fill(
        &window,
        "Application (Client) ID",
        &cloud.public_client.client_id,
    )
    .await;
    window.screenshot("settings-connection-yourself.png").await;
    window.tab_to("Save").await;
    window.press(Key::Enter).await;
    window
        .until(SPOKEN, &["Saved. The new settings are in force."])
        .await;

    window.switch_to("main").await;
    window.until("body", &["Sign in"]).await;
    window.screenshot("window-signed-out.png").await;
    window.tab_to("Sign in").await;
    window.press(Key::Enter).await;
    let page = browser.opened().await;
    window.screenshot("window-signing-in.png").await;
    let sign_in = json!({ "authorize_url": page, "email": agent.email });
    let answer = admin(&organization, Method::POST, "/sign-ins", Some(sign_in)).await;
    let mut back: Url = answer["redirect"].as_str().unwrap().parse().unwrap();
    // The page is sent to "localhost", which need not be the address that is listened on here.
    back.set_host(Some("127.0.0.1")).unwrap();
    let shown = reqwest::get(back).await.unwrap().text().await.unwrap();
    assert!(shown.contains("You are signed in"), "{shown}");
    window.until("header", &["Online"]).await;
    let badge = window.client.find(Locator::Css("header [role=img]")).await;
    let said = badge.unwrap().attr("title").await.unwrap();
    assert!(
        said.as_ref().is_some_and(|said| said.contains(&agent.name)),
        "{said:?}"
    );
    window.screenshot("window-signed-in.png").await;

    window.switch_to("settings").await;
    window.tab_to("Test ").await;
    window.press(Key::Enter).await;
    window
        .until(PAGE, &[&agent.name, "Everything works."])
        .await;
    window
        .screenshot("settings-connection-yourself-tested.png")
        .await;
    window.close().await;
    organization.stop().await;
}
