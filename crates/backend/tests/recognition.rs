//! From a console event to the view, over the real bridge and a practice organization.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::sync::{Arc, Mutex};

use backend::clock::Clock;
use backend::view::{CardState, ConnectionState, RecognitionState, ValueSource};
use common::{Companion, Console, chat, practice_organization, shown};
use reqwest::Method;
use serde_json::json;

/// A clock that goes with the computer's and can be moved ahead.
#[derive(Clone, Debug, Default)]
struct MovableClock(Arc<Mutex<jiff::SignedDuration>>);

impl MovableClock {
    fn advance(&self, by: jiff::SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for MovableClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now() + *self.0.lock().unwrap()
    }
}

const DANA: (&str, &str) = ("Dana Vermeer", "dana.vermeer@example.com");

async fn select_dana(console: &mut Console, sent_at: i64) {
    console.select(sent_at, chat(1, DANA.0, DANA.1, "")).await;
}

fn is_live(view: &std::sync::Arc<backend::view::View>) -> bool {
    view.recognition.state == RecognitionState::Live
}

/// The longest chain of requests each of which began after the one before it had ended. One whose answer nobody needed any
/// more may have been let go before its end.
fn depth(requests: &serde_json::Value) -> usize {
    let spans: Vec<(i64, i64)> = requests
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            (
                request["started"].as_i64().unwrap(),
                request["ended"].as_i64().unwrap_or(i64::MAX),
            )
        })
        .collect();
    let mut longest = vec![1; spans.len()];
    for later in 0..spans.len() {
        for earlier in 0..later {
            if spans[earlier].1 < spans[later].0 {
                longest[later] = longest[later].max(longest[earlier] + 1);
            }
        }
    }
    longest.into_iter().max().unwrap_or(0)
}

#[tokio::test]
async fn a_selected_chat_shows_contact_account_and_lead_with_their_reasons() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion.until("the live answer", is_live).await;
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.rule.as_str(), contact.source),
        (DANA.0, "Same e-mail", ValueSource::Live)
    );
    assert_eq!(contact.reason, format!("Email is {}", DANA.1));
    assert!(contact.url.contains("etn=contact") && contact.url.contains(&contact.id));
    let field = |name: &str| {
        contact
            .fields
            .iter()
            .find(|field| field.name == name)
            .unwrap()
    };
    assert_eq!(field("emailaddress1").value.as_deref(), Some(DANA.1));
    assert_eq!(
        field("parentcustomerid").formatted.as_deref(),
        Some("Northwind Traders")
    );
    assert_eq!(shown(&view.recognition.account), Some("Northwind Traders"));
    let account = view.recognition.account.record.as_ref().unwrap();
    assert_eq!(
        (account.rule.as_str(), account.reason.as_str()),
        ("Account of the contact", "Dana Vermeer belongs to it")
    );
    assert!(
        account
            .fields
            .iter()
            .any(|field| field.name == "industrycode" && field.formatted.is_some())
    );
    assert_eq!(view.recognition.lead.state, CardState::Found);
    assert_eq!(view.connection.state, ConnectionState::Online);
    companion.stop().await;
}

#[tokio::test]
async fn with_latency_a_recognition_is_one_round_trip_deep() {
    let companion = Companion::start().await;
    companion
        .until("the connection", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    companion
        .admin(Method::PUT, "/latency", Some(json!({ "delay_ms": 100 })))
        .await;
    let mut console = companion.console().await;
    companion.admin(Method::DELETE, "/requests", None).await;
    console
        .select(1, chat(1, DANA.0, DANA.1, "+44 20 7946 0018"))
        .await;
    let view = companion.until("the live answer", is_live).await;
    assert_eq!(view.recognition.account.state, CardState::Found);
    let mut requests = companion.admin(Method::GET, "/requests", None).await;
    // What the tables look like is asked in the background; nobody waits for it.
    requests.as_array_mut().unwrap().retain(|request| {
        let path = request["path"].as_str().unwrap();
        ["contacts", "accounts", "leads"]
            .iter()
            .any(|set| path.ends_with(set))
    });
    assert!(
        requests.as_array().unwrap().len() >= 6,
        "two rules for each of three tables: {requests}"
    );
    assert_eq!(depth(&requests), 1, "{requests:#}");
    companion.stop().await;
}

#[tokio::test]
async fn the_cached_answer_comes_first_and_the_live_one_replaces_it() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    companion.until("the live answer", is_live).await;
    console
        .select(2, chat(2, "Nobody", "nobody@nowhere.example", ""))
        .await;
    companion
        .until("that nobody is found", |view| {
            is_live(view) && view.recognition.contact.state == CardState::None
        })
        .await;

    companion
        .admin(Method::PUT, "/latency", Some(json!({ "delay_ms": 300 })))
        .await;
    select_dana(&mut console, 3).await;
    let view = companion
        .until("the cached answer", |view| {
            view.recognition.state == RecognitionState::Cached
        })
        .await;
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.source),
        (DANA.0, ValueSource::Cache)
    );
    assert_eq!(shown(&view.recognition.account), Some("Northwind Traders"));
    let before = contact.as_of.clone();
    let view = companion.until("the live answer", is_live).await;
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(contact.source, ValueSource::Live);
    assert!(contact.as_of > before);
    companion.stop().await;
}

#[tokio::test]
async fn a_late_answer_never_overwrites_a_newer_visitor() {
    let companion = Companion::start().await;
    companion
        .until("the connection", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    let mut console = companion.console().await;
    companion
        .admin(
            Method::PUT,
            "/latency",
            Some(json!({ "delay_ms": 400, "path": "dana" })),
        )
        .await;
    select_dana(&mut console, 10).await;
    companion
        .until("the question", |view| {
            view.recognition.state == RecognitionState::Looking
        })
        .await;
    console
        .select(11, chat(2, "Nobody", "nobody@nowhere.example", ""))
        .await;
    let view = companion.until("the second visitor", is_live).await;
    assert_eq!(view.visitor.as_ref().unwrap().name, "Nobody");
    assert_eq!(view.recognition.contact.state, CardState::None);

    // An event that was held up on the way is no newer visitor either.
    console
        .select(9, chat(3, "Stale", "stale@nowhere.example", ""))
        .await;
    console
        .event(json!({ "kind": "agent", "agent": { "id": "1", "name": "Robin" } }))
        .await;
    let view = companion
        .until("the agent", |view| view.agent.is_some())
        .await;
    assert_eq!(view.visitor.as_ref().unwrap().name, "Nobody");

    // Nor does a clock that is far ahead lock out what comes after it.
    let far_ahead = 9_000_000_000_000;
    console
        .select(far_ahead, chat(4, "Ahead", "ahead@nowhere.example", ""))
        .await;
    let now = jiff::Timestamp::now().as_millisecond() + 5_000;
    console
        .select(now, chat(5, "Next", "next@nowhere.example", ""))
        .await;
    companion
        .until("the next visitor", |view| {
            view.visitor
                .as_ref()
                .is_some_and(|visitor| visitor.name == "Next")
        })
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn an_edited_e_mail_is_looked_up_again_and_an_ended_chat_stays() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    console
        .select(1, chat(1, "Dana", "dana@typo.example", ""))
        .await;
    companion
        .until("that nobody is found", |view| {
            is_live(view) && view.recognition.contact.state == CardState::None
        })
        .await;
    console
        .event(json!({ "kind": "updated", "chat": chat(1, "Dana", DANA.1, "") }))
        .await;
    companion
        .until("Dana", |view| {
            is_live(view) && shown(&view.recognition.contact) == Some(DANA.0)
        })
        .await;
    let mut ended = chat(1, "Dana", DANA.1, "");
    ended["status"] = json!("chat ended");
    console
        .event(json!({ "kind": "ended", "chat": ended }))
        .await;
    let view = companion
        .until("the end", |view| {
            view.visitor.as_ref().is_some_and(|visitor| visitor.ended)
        })
        .await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    console
        .event(json!({ "kind": "ended", "chat": chat(7, "Another", "a@b.example", "") }))
        .await;
    console
        .event(json!({ "kind": "selected", "sentAt": 5, "chat": null, "visitor": null }))
        .await;
    companion
        .until("no chat", |view| {
            view.visitor.is_none() && view.recognition.state == RecognitionState::Idle
        })
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn several_found_are_offered_and_one_can_be_chosen() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    let shared = sandbox::demo::sample_visitors()
        .into_iter()
        .find(|sample| sample.note.to_lowercase().contains("shared"))
        .unwrap();
    console.event(json!({ "kind": "selected", "sentAt": 1, "chat": shared.chat, "visitor": shared.visitor })).await;
    let view = companion
        .until("several", |view| {
            is_live(view) && !view.recognition.contact.more.is_empty()
        })
        .await;
    let other = view.recognition.contact.more[0].clone();
    let first = view.recognition.contact.record.as_ref().unwrap().id.clone();
    companion
        .handle()
        .choose(integration::Table::Contact, other.id.clone())
        .await
        .unwrap();
    let view = companion
        .until("the chosen one", |view| {
            view.recognition
                .contact
                .record
                .as_ref()
                .is_some_and(|record| record.id == other.id)
        })
        .await;
    assert!(view.recognition.contact.record.as_ref().unwrap().chosen);
    assert!(
        view.recognition
            .contact
            .more
            .iter()
            .any(|candidate| candidate.id == first)
    );
    companion.handle().refresh().await.unwrap();
    let before = view
        .recognition
        .contact
        .record
        .as_ref()
        .unwrap()
        .as_of
        .clone();
    let view = companion
        .until("the answer after that", |view| {
            let record = view.recognition.contact.record.as_ref();
            is_live(view) && record.is_some_and(|record| record.as_of > before)
        })
        .await;
    assert_eq!(
        view.recognition.contact.record.as_ref().unwrap().id,
        other.id
    );
    let gone = companion
        .handle()
        .choose(integration::Table::Contact, "nobody".to_owned())
        .await
        .unwrap_err();
    assert_eq!(gone.code, "candidate_gone");
    let url = companion
        .handle()
        .record_url("contact", other.id.clone())
        .await
        .unwrap();
    assert_eq!(url, other.url);
    let unknown = companion
        .handle()
        .record_url("lead", other.id)
        .await
        .unwrap_err();
    assert_eq!(unknown.code, "record_not_shown");
    companion.stop().await;
}

#[tokio::test]
async fn without_a_network_the_cached_answer_is_shown_and_it_comes_back_by_itself() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    companion.until("the live answer", is_live).await;
    console
        .select(2, chat(2, "Nobody", "nobody@nowhere.example", ""))
        .await;
    companion
        .until("the other visitor", |view| {
            is_live(view) && view.recognition.contact.state == CardState::None
        })
        .await;

    companion
        .admin(
            Method::POST,
            "/faults",
            Some(json!({ "fault": "reset_before_commit", "path": "/api/data", "times": 1000 })),
        )
        .await;
    select_dana(&mut console, 3).await;
    let view = companion
        .until("the offline state", |view| {
            view.recognition.state == RecognitionState::Offline
        })
        .await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    assert_eq!(
        view.recognition.contact.record.as_ref().unwrap().source,
        ValueSource::Cache
    );
    assert!(view.recognition.problem.is_some());
    assert_eq!(view.connection.state, ConnectionState::Offline);

    companion.admin(Method::DELETE, "/faults", None).await;
    let view = companion
        .until("that it is back", |view| {
            is_live(view) && view.connection.state == ConnectionState::Online
        })
        .await;
    assert_eq!(
        view.recognition.contact.record.as_ref().unwrap().source,
        ValueSource::Live
    );
    companion.stop().await;
}

#[tokio::test]
async fn without_a_network_the_rules_find_who_was_read_before_under_other_evidence() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    companion.until("the live answer", is_live).await;
    // It is kept behind the view.
    while (companion.handle().search(DANA.0, false).await.unwrap())
        .hits
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    companion
        .admin(
            Method::POST,
            "/faults",
            Some(json!({ "fault": "reset_before_commit", "path": "/api/data", "times": 1000 })),
        )
        .await;
    console
        .select(2, chat(2, "D. V.", &DANA.1.to_uppercase(), ""))
        .await;
    let view = companion
        .until("the offline state", |view| {
            view.recognition.state == RecognitionState::Offline
        })
        .await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    assert!(view.recognition.account.record.is_some());
    let contact = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(contact.source, ValueSource::Cache);
    companion.stop().await;
}

#[tokio::test]
async fn on_premises_it_is_the_same() {
    let organization = practice_organization().await;
    let (connection, secrets) = practice::on_premises_connection(organization.description());
    let companion = Companion::on(organization, connection, secrets, |_| {}).await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion.until("the live answer", is_live).await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    assert_eq!(shown(&view.recognition.account), Some("Northwind Traders"));
    assert!(
        view.recognition
            .contact
            .record
            .as_ref()
            .unwrap()
            .url
            .contains("/OnPrem/main.aspx"),
        "{}",
        view.recognition.contact.record.as_ref().unwrap().url
    );
    companion.stop().await;
}

#[tokio::test]
async fn a_privilege_that_is_missing_for_one_table_leaves_the_others() {
    let companion = Companion::start().await;
    companion
        .admin(
            Method::PATCH,
            "/users",
            Some(json!({ "remove": ["prvReadLead"] })),
        )
        .await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion.until("the live answer", is_live).await;
    assert_eq!(
        view.recognition.problem.as_ref().unwrap().code,
        "missing_privilege"
    );
    assert!(
        view.recognition
            .problem
            .as_ref()
            .unwrap()
            .message
            .contains("prvReadLead")
    );
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    assert_eq!(view.recognition.lead.state, CardState::Failed);
    let problem = view.recognition.lead.problem.as_ref().unwrap();
    assert_eq!(problem.code, "missing_privilege");
    assert_eq!(view.recognition.contact.problem, None);
    assert_eq!(view.connection.state, ConnectionState::Online);

    // What the others answered is cached all the same.
    console
        .select(2, chat(2, "Nobody", "nobody@nowhere.example", ""))
        .await;
    companion
        .until("the other visitor", |view| {
            is_live(view) && view.recognition.contact.state == CardState::None
        })
        .await;
    companion
        .admin(Method::PUT, "/latency", Some(json!({ "delay_ms": 300 })))
        .await;
    select_dana(&mut console, 3).await;
    companion
        .until("the cached contact", |view| {
            view.recognition.state == RecognitionState::Cached
                && shown(&view.recognition.contact) == Some(DANA.0)
        })
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn an_organization_that_answers_html_is_said_to_be_none() {
    let companion = Companion::start().await;
    companion
        .until("the connection", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    companion
        .admin(
            Method::POST,
            "/faults",
            Some(json!({ "fault": "html_page", "path": "/api/data", "times": 100 })),
        )
        .await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion
        .until("the failure", |view| {
            view.recognition.state == RecognitionState::Failed
        })
        .await;
    assert_eq!(
        view.recognition.problem.as_ref().unwrap().code,
        "not_dataverse"
    );
    companion.admin(Method::DELETE, "/faults", None).await;
    companion.handle().refresh().await.unwrap();
    companion.until("the live answer", is_live).await;
    companion.stop().await;
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let companion = Companion::start().await;
    companion
        .until("the connection", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    companion.admin(Method::POST, "/faults", Some(json!({ "fault": "too_many_requests", "path": "contacts", "times": 1, "retry_after": 1 }))).await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion.until("the live answer", is_live).await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    assert_eq!(view.recognition.problem, None);
    companion.stop().await;
}

#[tokio::test]
async fn a_wrong_secret_and_an_unreachable_host_are_told_apart_and_the_app_goes_on() {
    let organization = practice_organization().await;
    let (connection, mut secrets) = practice::connection(organization.description());
    secrets.client_secret = Some("wrong".to_owned().into());
    let companion = Companion::on(organization, connection, secrets, |_| {}).await;
    let view = companion
        .until("the refusal", |view| {
            view.connection.state == ConnectionState::SignedOut
        })
        .await;
    assert_eq!(
        view.connection.problem.as_ref().unwrap().code,
        "sign_in_wrong_secret"
    );
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion
        .until("the refusal", |view| {
            view.recognition.state == RecognitionState::Failed
        })
        .await;
    assert_eq!(
        view.recognition.problem.as_ref().unwrap().code,
        "sign_in_wrong_secret"
    );
    companion.stop().await;

    let organization = practice_organization().await;
    let (mut connection, secrets) = practice::connection(organization.description());
    let unused = {
        std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
    };
    connection.authority_url = Some(format!("http://{unused}"));
    let companion = Companion::on(organization, connection, secrets, |_| {}).await;
    let view = companion
        .until("the offline state", |view| {
            view.connection.state == ConnectionState::Offline
        })
        .await;
    assert_eq!(
        view.connection.problem.as_ref().unwrap().code,
        "host_unreachable"
    );
    companion.stop().await;
}

#[tokio::test]
async fn what_is_missing_or_wrong_in_the_connection_stands_in_the_view() {
    for (url, secret, code) in [
        ("not an address", Some("x"), "invalid_organization_url"),
        (
            "https://user:geheim@contoso.example",
            Some("x"),
            "invalid_organization_url",
        ),
        (
            "http://contoso.example",
            Some("x"),
            "insecure_organization_url",
        ),
        ("https://contoso.example", None, "secret_missing"),
    ] {
        let organization = practice_organization().await;
        let (mut connection, mut secrets) = practice::connection(organization.description());
        connection.organization_url = Some(url.to_owned());
        secrets.client_secret = secret.map(|secret| secret.to_owned().into());
        let companion = Companion::on(organization, connection, secrets, |_| {}).await;
        let view = companion
            .until("the failure", |view| {
                view.connection.state == ConnectionState::Failed
            })
            .await;
        assert_eq!(view.connection.problem.as_ref().unwrap().code, code);
        assert!(!format!("{view:?}").contains("geheim"));
        let mut console = companion.console().await;
        select_dana(&mut console, 1).await;
        companion
            .until("the failure", |view| {
                view.recognition.state == RecognitionState::Failed
            })
            .await;
        companion.stop().await;
    }
}

#[tokio::test]
async fn empty_overlong_and_hostile_visitors_do_no_harm() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    console.select(1, chat(1, "", "", "")).await;
    companion
        .until("that nobody can be recognised", |view| {
            view.recognition.state == RecognitionState::Unidentifiable
        })
        .await;
    console
        .select(
            2,
            chat(
                2,
                &"n".repeat(10_000),
                &"e".repeat(10_000),
                &"1".repeat(10_000),
            ),
        )
        .await;
    companion
        .until("that nobody can be recognised", |view| {
            view.recognition.state == RecognitionState::Unidentifiable
                && view
                    .visitor
                    .as_ref()
                    .is_some_and(|visitor| visitor.name.len() == 10_000)
        })
        .await;
    let hostile = [
        "' or 1 eq 1",
        "' or emailaddress1 ne '",
        "x'), contains(fullname,'",
        "%",
        "_%_",
        "[a-z]",
        "*",
        "&$top=9999",
        "?$filter=",
        "#",
        "a+b@c.example",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "\"; DROP TABLE contact;--",
        "\u{202e}gpj.exe",
        "\u{0}\u{1}\n\r\t",
        "😀'😀",
        "ÆØÅ İı ß",
        "\\",
        "%27",
        "%%%",
        "..%2f",
    ];
    for (number, text) in (3_u8..).zip(hostile) {
        console
            .select(number.into(), chat(number, text, text, text))
            .await;
        let view = companion
            .until("an answer", |view| {
                view.visitor.as_ref().is_some_and(|visitor| {
                    visitor
                        .chat_id
                        .as_deref()
                        .is_some_and(|id| id.ends_with(&format!("{number:02}")))
                }) && matches!(
                    view.recognition.state,
                    RecognitionState::Live
                        | RecognitionState::Failed
                        | RecognitionState::Unidentifiable
                )
            })
            .await;
        assert_eq!(view.recognition.problem, None, "{text:?}");
        assert_eq!(
            view.recognition.contact.record, None,
            "{text:?} must not match anybody"
        );
    }
    companion.stop().await;
}

#[tokio::test]
async fn the_sample_visitors_go_the_same_road() {
    let companion = Companion::start_with(|options| options.samples = practice::samples()).await;
    let samples = practice::samples();
    assert!(samples.len() >= 6);
    for sample in &samples {
        companion.handle().play_visitor(&sample.id).await.unwrap();
        let name = sample.chat["name"].as_str().unwrap().trim();
        companion
            .until(&sample.note, |view| {
                view.practice
                    .as_ref()
                    .is_some_and(|practice| practice.selected.as_deref() == Some(&sample.id))
                    && view
                        .visitor
                        .as_ref()
                        .is_some_and(|visitor| visitor.name == name)
                    && matches!(
                        view.recognition.state,
                        RecognitionState::Live | RecognitionState::Unidentifiable
                    )
            })
            .await;
    }
    companion.handle().play_visitor("unknown").await.unwrap();
    companion
        .until("that nobody is found", |view| {
            view.visitor
                .as_ref()
                .is_some_and(|visitor| visitor.name == "Sam Taylor")
                && is_live(view)
        })
        .await;
    let view = companion.handle().view();
    assert_eq!(shown(&view.recognition.contact), None);
    assert_eq!(shown(&view.recognition.account), None);
    assert_eq!(shown(&view.recognition.lead), None);
    assert!(view.console.connected);
    assert_eq!(
        view.console.consoles.len(),
        1,
        "the practice console is paired once"
    );
    assert_eq!(
        companion
            .handle()
            .play_visitor("nobody")
            .await
            .unwrap_err()
            .code,
        "sample_unknown"
    );
    companion.stop().await;
}

#[tokio::test]
async fn a_link_is_followed_like_a_selection() {
    let companion = Companion::start().await;
    companion
        .handle()
        .open_link("dynamics-companion://chat?siteId=1&name=Dana&email=dana.vermeer%40example.com")
        .await
        .unwrap();
    companion
        .until("Dana", |view| {
            is_live(view) && shown(&view.recognition.contact) == Some(DANA.0)
        })
        .await;
    for bad in [
        "https://evil.example",
        "dynamics-companion://chat?email=a&email=b",
        "dynamics-companion://other",
    ] {
        assert!(
            !companion
                .handle()
                .open_link(bad)
                .await
                .unwrap_err()
                .code
                .is_empty()
        );
    }
    companion.stop().await;
}

#[tokio::test]
async fn pairing_closes_when_its_time_is_over() {
    let clock = MovableClock::default();
    let companion = Companion::start_with(|options| options.clock = Arc::new(clock.clone())).await;
    companion.handle().start_pairing().await;
    companion
        .until("the code", |view| view.console.pairing.is_some())
        .await;
    clock.advance(backend::bridge::PAIRING_TIME);
    companion
        .until("no code", |view| view.console.pairing.is_none())
        .await;
    companion.handle().start_pairing().await;
    companion
        .until("a new code", |view| view.console.pairing.is_some())
        .await;
    companion.handle().cancel_pairing().await;
    companion
        .until("no code", |view| view.console.pairing.is_none())
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn practising_leaves_an_open_pairing_alone() {
    let companion = Companion::start_with(|options| options.samples = practice::samples()).await;
    companion.handle().start_pairing().await;
    companion
        .until("the code", |view| view.console.pairing.is_some())
        .await;
    companion.handle().play_visitor("dana").await.unwrap();
    let view = companion.until("Dana", is_live).await;
    let code = view.console.pairing.clone().unwrap().code;
    let mut console = Console::open(&companion.bridge()).await;
    console
        .say(&json!({ "type": "pair", "protocol": 1, "code": code }))
        .await;
    console.hear("welcome").await;

    // The practice console comes back by itself when it was revoked.
    let practising = view.console.consoles[0].id.clone();
    companion
        .handle()
        .revoke_console(&practising)
        .await
        .unwrap();
    companion.handle().play_visitor("luca").await.unwrap();
    companion
        .until("Luca", |view| {
            view.visitor
                .as_ref()
                .is_some_and(|visitor| visitor.name == "Luca Moretti")
        })
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn a_refusal_that_is_faster_than_the_cache_still_shows_the_cached_answer() {
    let folder = tempfile::tempdir().unwrap();
    let organization = practice_organization().await;
    let (connection, secrets) = practice::connection(organization.description());
    let files = common::encrypted_files(folder.path());
    let companion = Companion::on(organization, connection.clone(), secrets, |options| {
        options.files = files();
    })
    .await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    companion.until("the live answer", is_live).await;
    let Companion {
        backend,
        organization,
    } = companion;
    backend.stop().await;

    let wrong = backend::secrets::Secrets {
        client_secret: Some("wrong".to_owned().into()),
        ..backend::secrets::Secrets::default()
    };
    let companion = Companion::on(organization, connection, wrong, |options| {
        options.files = files();
    })
    .await;
    companion
        .until("the refusal", |view| {
            view.connection.state == ConnectionState::SignedOut
        })
        .await;
    let mut console = companion.console().await;
    select_dana(&mut console, 2).await;
    let view = companion
        .until("the cached answer", |view| {
            view.recognition.state == RecognitionState::Failed
                && shown(&view.recognition.contact) == Some(DANA.0)
        })
        .await;
    assert_eq!(
        view.recognition.contact.record.as_ref().unwrap().source,
        ValueSource::Cache
    );
    assert_eq!(
        view.recognition.problem.as_ref().unwrap().code,
        "sign_in_wrong_secret"
    );
    assert_eq!(shown(&view.recognition.account), Some("Northwind Traders"));
    companion.stop().await;
}

#[tokio::test]
async fn an_event_with_no_more_than_the_chats_id_takes_nothing_away() {
    let companion = Companion::start().await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    companion.until("the live answer", is_live).await;
    let id = chat(1, "", "", "")["id"].clone();
    for kind in ["wrapup", "updated"] {
        console
            .event(json!({ "kind": kind, "chat": { "id": id } }))
            .await;
    }
    console
        .event(json!({ "kind": "ended", "chat": { "id": id, "status": "chat ended" } }))
        .await;
    let view = companion
        .until("the end", |view| {
            view.visitor.as_ref().is_some_and(|visitor| visitor.ended)
        })
        .await;
    assert_eq!(view.visitor.as_ref().unwrap().email, DANA.1);
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    companion.stop().await;
}

#[tokio::test]
async fn without_the_right_to_read_accounts_the_contact_is_found() {
    let companion = Companion::start().await;
    companion
        .admin(
            Method::PATCH,
            "/users",
            Some(json!({ "remove": ["prvReadAccount"] })),
        )
        .await;
    let mut console = companion.console().await;
    select_dana(&mut console, 1).await;
    let view = companion.until("the live answer", is_live).await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    assert_eq!(view.recognition.contact.problem, None);
    assert_eq!(view.recognition.account.state, CardState::Failed);
    let problem = view.recognition.account.problem.as_ref().unwrap();
    assert_eq!(problem.code, "missing_privilege");
    companion.stop().await;
}

#[tokio::test]
async fn an_empty_second_window_does_not_clear_the_first() {
    let companion = Companion::start().await;
    let mut first = companion.console().await;
    let mut second = companion.console().await;
    select_dana(&mut first, 1).await;
    companion.until("the live answer", is_live).await;
    let nothing = json!({ "kind": "selected", "sentAt": 2, "chat": null, "visitor": null });
    second.event(nothing.clone()).await;
    second
        .event(json!({ "kind": "agent", "agent": { "id": "1", "name": "Robin" } }))
        .await;
    let view = companion
        .until("the agent", |view| view.agent.is_some())
        .await;
    assert_eq!(shown(&view.recognition.contact), Some(DANA.0));
    first.event(nothing).await;
    companion
        .until("no chat", |view| view.visitor.is_none())
        .await;
    companion.stop().await;
}

#[tokio::test]
async fn while_it_is_offline_one_attempt_at_a_time_is_made() {
    let companion = Companion::start().await;
    companion
        .until("the connection", |view| {
            view.connection.state == ConnectionState::Online
        })
        .await;
    companion
        .admin(
            Method::POST,
            "/faults",
            Some(json!({ "fault": "reset_before_commit", "path": "/api/data", "times": 100_000 })),
        )
        .await;
    let mut console = companion.console().await;
    for number in 1..=8 {
        console
            .select(
                number.into(),
                chat(number, "Somebody", "somebody@nowhere.example", ""),
            )
            .await;
        let id = chat(number, "", "", "")["id"].clone();
        companion
            .until("the offline state", |view| {
                view.recognition.state == RecognitionState::Offline
                    && view
                        .visitor
                        .as_ref()
                        .is_some_and(|visitor| json!(visitor.chat_id) == id)
            })
            .await;
    }
    companion.admin(Method::DELETE, "/faults", None).await;
    companion.admin(Method::DELETE, "/requests", None).await;
    companion.handle().reconnect().await.unwrap();
    companion.until("that it is back", is_live).await;
    let requests = companion.admin(Method::GET, "/requests", None).await;
    let knocks = requests
        .as_array()
        .unwrap()
        .iter()
        .filter(|request| request["path"].as_str().unwrap().ends_with("WhoAmI"))
        .count();
    assert_eq!(knocks, 1, "{requests:#}");
    companion.stop().await;
}
