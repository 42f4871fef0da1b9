//! The door for the Agent Console: who may come in, and what each refusal says.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::{Companion, Console};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

async fn get(url: String, host: &str) -> (u16, serde_json::Value) {
    let answer = reqwest::Client::new()
        .get(url)
        .header("host", host)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

fn status(refused: Result<Console, Error>) -> (u16, serde_json::Value) {
    let error = refused.err().unwrap();
    let Error::Http(answer) = &error else {
        panic!("{error}");
    };
    (
        answer.status().as_u16(),
        serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn only_our_own_name_and_only_known_pages_are_let_in() {
    let companion = Companion::start_with(|options| {
        options.settings.bridge.allowed_origins = vec!["https://console.example".to_owned()]
    })
    .await;
    let bridge = companion.bridge();
    let port = bridge.rsplit(':').next().unwrap().to_owned();

    assert_eq!(
        get(format!("http://{bridge}/v1/health"), &bridge).await.1["status"],
        "ok"
    );
    assert_eq!(
        get(
            format!("http://{bridge}/v1/health"),
            &format!("localhost:{port}")
        )
        .await
        .0,
        200
    );
    let (code, problem) = get(format!("http://{bridge}/v1/health"), "evil.example").await;
    assert_eq!(
        (code, problem["code"].as_str()),
        (421, Some("host_not_allowed"))
    );
    let (code, problem) = get(format!("http://{bridge}/else"), &bridge).await;
    assert_eq!((code, problem["code"].as_str()), (404, Some("not_found")));
    let (code, problem) = get(format!("http://{bridge}/comm100/../Cargo.toml"), &bridge).await;
    assert_eq!((code, problem["code"].as_str()), (404, Some("not_found")));
    let config = get(format!("http://{bridge}/comm100/config.json"), &bridge)
        .await
        .1;
    assert!(
        config["consoleOrigins"]
            .as_array()
            .unwrap()
            .contains(&json!("https://*.comm100.io"))
    );

    let page = reqwest::get(format!("http://{bridge}/comm100/bridge.html"))
        .await
        .unwrap();
    let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../ui/console-app/dist/bridge.html")
        .exists();
    assert_eq!(page.status().as_u16(), if built { 200 } else { 503 });
    let policy = page
        .headers()
        .get("content-security-policy")
        .map(|policy| policy.to_str().unwrap().to_owned());
    assert_eq!(
        policy.is_some_and(|policy| policy.contains("frame-ancestors 'self' https://*.comm100.io")),
        built
    );

    for origin in [None, Some("http://evil.example"), Some("null")] {
        let (code, problem) = status(Console::open_from(&bridge, origin, &bridge).await);
        assert_eq!(
            (code, problem["code"].as_str()),
            (403, Some("origin_not_allowed")),
            "{origin:?}"
        );
    }
    let (code, problem) =
        status(Console::open_from(&bridge, Some("http://evil.example"), "evil.example").await);
    assert_eq!(
        (code, problem["code"].as_str()),
        (421, Some("host_not_allowed"))
    );
    Console::open_from(&bridge, Some(&format!("http://localhost:{port}")), &bridge)
        .await
        .unwrap();
    Console::open_from(&bridge, Some("https://console.example"), &bridge)
        .await
        .unwrap();
    let own = reqwest::Client::new()
        .get(format!("http://{bridge}/v1/console"))
        .header("origin", format!("http://{bridge}"));
    let plain: serde_json::Value = own.send().await.unwrap().json().await.unwrap();
    assert_eq!(plain["code"], "websocket_expected");
    companion.stop().await;
}

#[tokio::test]
async fn each_wrong_first_word_has_its_own_answer() {
    let companion = Companion::start().await;
    for (first, code, close) in [
        (r#"{"type":"hello","protocol":1}"#, "token_missing", 4401),
        (
            r#"{"type":"hello","protocol":1,"token":"stolen"}"#,
            "token_unknown",
            4401,
        ),
        (
            r#"{"type":"pair","protocol":1,"code":"123456"}"#,
            "pairing_not_open",
            4403,
        ),
        (
            r#"{"type":"hello","protocol":2,"token":"x"}"#,
            "protocol_unsupported",
            4400,
        ),
        (
            r#"{"type":"event","id":"1","event":{}}"#,
            "hello_expected",
            4400,
        ),
        ("no json at all", "hello_expected", 4400),
        (r#"{"type":"hello"}"#, "hello_expected", 4400),
    ] {
        let mut console = Console::open(&companion.bridge()).await;
        console.say_text(first.to_owned()).await;
        let refusal = console.hear("error").await;
        assert_eq!(refusal["code"], code, "{first}");
        assert!(
            !refusal["message"].as_str().unwrap().is_empty()
                && !refusal["next_step"].as_str().unwrap().is_empty()
        );
        assert_eq!(console.close_code().await, Some(close), "{first}");
    }
    companion.stop().await;
}

#[tokio::test]
async fn a_paired_console_comes_back_with_its_token_until_it_is_revoked() {
    let companion = Companion::start().await;
    companion.handle().start_pairing().await;
    let code = companion
        .until("a code", |view| view.console.pairing.is_some())
        .await
        .console
        .pairing
        .clone()
        .unwrap()
        .code;
    let mut console = Console::open(&companion.bridge()).await;
    console
        .say(&json!({ "type": "pair", "protocol": 1, "code": code, "name": "Robin's console" }))
        .await;
    let token = console.hear("paired").await["token"]
        .as_str()
        .unwrap()
        .to_owned();
    console.hear("welcome").await;
    companion
        .until("the console in the list", |view| {
            view.console.connected && view.console.pairing.is_none()
        })
        .await;
    drop(console);
    companion
        .until("that it is gone", |view| !view.console.connected)
        .await;

    let mut console = Console::open(&companion.bridge()).await;
    console
        .say(&json!({ "type": "hello", "protocol": 1, "token": token }))
        .await;
    assert_eq!(
        console.hear("welcome").await["console"]["name"],
        "Robin's console"
    );
    console.say(&json!({ "type": "ping" })).await;
    console.hear("pong").await;

    let view = companion
        .until("the console", |view| view.console.connected)
        .await;
    let listed = &view.console.consoles[0];
    assert_eq!(
        (listed.name.as_str(), listed.connected),
        ("Robin's console", true)
    );
    companion.handle().revoke_console(&listed.id).await.unwrap();
    assert_eq!(console.hear("error").await["code"], "token_revoked");
    assert_eq!(console.close_code().await, Some(4401));
    assert!(
        companion
            .until("an empty list", |view| view.console.consoles.is_empty())
            .await
            .console
            .pairing
            .is_none()
    );

    let mut console = Console::open(&companion.bridge()).await;
    console
        .say(&json!({ "type": "hello", "protocol": 1, "token": token }))
        .await;
    assert_eq!(console.hear("error").await["code"], "token_revoked");
    companion.stop().await;
}

#[tokio::test]
async fn what_is_not_understood_is_answered_and_the_socket_stays() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    for (said, code) in [
        ("not json".to_owned(), "message_malformed"),
        ("[]".to_owned(), "message_malformed"),
        (r#"{"type":"event"}"#.to_owned(), "message_malformed"),
        ("\u{0}".to_owned(), "message_malformed"),
        (
            r#"{"type":"event","id":"7","event":"text"}"#.to_owned(),
            "event_malformed",
        ),
        (
            format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
            "message_malformed",
        ),
    ] {
        console.say_text(said).await;
        assert_eq!(console.hear("error").await["code"], code);
    }
    console
        .say_text(r#"{"type":"of-a-later-version","x":1}"#.to_owned())
        .await;
    console
        .event(json!({ "kind": "something-new", "chat": 5, "visitor": "x", "extra": [1, 2] }))
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_socket_and_nothing_else() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    console
        .say_text(format!(
            r#"{{"type":"event","id":"1","event":{{"x":"{}"}}}}"#,
            "x".repeat(3 * 1024 * 1024)
        ))
        .await;
    assert_eq!(console.hear("error").await["code"], "message_too_large");
    assert_eq!(console.close_code().await, Some(1009));
    companion
        .console()
        .await
        .event(json!({ "kind": "selected", "chat": null, "visitor": null }))
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_no_reason_not_to_start() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let companion = Companion::start_with(|options| options.settings.bridge.port = port).await;
    let view = companion
        .until("the problem", |view| view.console.problem.is_some())
        .await;
    assert_eq!(
        view.console.problem.as_ref().unwrap().code,
        "bridge_port_in_use"
    );
    assert!(view.console.address.ends_with(&format!(":{port}")));
    companion.stop().await;
}

#[tokio::test]
async fn closing_waits_for_nobody() {
    use tokio::io::AsyncWriteExt;
    let companion = Companion::start().await;
    let mut half_sent = tokio::net::TcpStream::connect(companion.bridge())
        .await
        .unwrap();
    half_sent
        .write_all(b"GET /v1/health HTTP/1.1\r\nHost: x")
        .await
        .unwrap();
    let silent = Console::open(&companion.bridge()).await;
    let attending = companion.console().await;
    tokio::time::timeout(std::time::Duration::from_secs(15), companion.stop())
        .await
        .expect("the bridge closes");
    drop((half_sent, silent, attending));
}

#[tokio::test]
async fn only_so_many_strangers_are_listened_to() {
    let companion = Companion::start().await;
    let mut strangers = Vec::new();
    for _ in 0..9 {
        strangers.push(Console::open(&companion.bridge()).await);
    }
    let heard = strangers
        .iter_mut()
        .map(|stranger| Box::pin(stranger.hear("error")));
    let (refusal, one, _) = futures_util::future::select_all(heard).await;
    assert_eq!(refusal["code"], "too_many_sockets");
    assert_eq!(strangers[one].close_code().await, Some(1013));
    drop(strangers);
    companion.stop().await;
}

#[tokio::test]
async fn a_console_with_two_windows_is_connected_until_the_last_is_closed() {
    let companion = Companion::start().await;
    companion.handle().start_pairing().await;
    let view = companion
        .until("a code", |view| view.console.pairing.is_some())
        .await;
    let code = view.console.pairing.clone().unwrap().code;
    let mut first = Console::open(&companion.bridge()).await;
    first
        .say(&json!({ "type": "pair", "protocol": 1, "code": code }))
        .await;
    let token = first.hear("paired").await["token"].clone();
    first.hear("welcome").await;
    let mut second = Console::open(&companion.bridge()).await;
    second
        .say(&json!({ "type": "hello", "protocol": 1, "token": token }))
        .await;
    second.hear("welcome").await;
    drop(first);
    second.say(&json!({ "type": "ping" })).await;
    second.hear("pong").await;
    let view = companion
        .until("both noticed", |view| view.console.connected)
        .await;
    assert!(view.console.consoles[0].connected);
    drop(second);
    companion
        .until("nobody", |view| !view.console.connected)
        .await;
    companion.stop().await;
}
