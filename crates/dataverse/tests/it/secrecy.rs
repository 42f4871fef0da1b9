//! No secret, token or personal value in a log, a `Debug` or a `Display`, whatever the other side answers. The flows as
//! they really go, with both ends' logs, are scanned in `tests/tests/leaks.rs` of the workspace.

use crate::common::*;
use dataverse::{
    Action, Batch, Client, Condition, DeltaLink, Filter, Function, Key, LikePattern, Literal,
    Query, QueryFunction, RecordBody, Reference, RefreshTokens, Resolution, SignIn, Write,
};
use serde_json::json;
use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;
use uuid::Uuid;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const PERSONAL: [&str; 4] = ["ada.byron", "Byron", "+44 20 7946", "7%9"];

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut captured = self.0.lock().map_err(|_| io::Error::other("poisoned"))?;
        captured.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn with_chain(error: &dyn StdError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" / {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

/// Signs in and fails to, in every way; returns what nobody may read anywhere.
async fn sign_in_as_a_person(
    shown: &mut String,
    errors: &mut Vec<dataverse::Error>,
) -> Vec<String> {
    let server = MockServer::start().await;
    let token = json!({
        "access_token": "persons-access-token", "refresh_token": "persons-refresh-token",
        "id_token": "persons-id-token", "expires_in": 0, "token_type": "Bearer",
    });
    Mock::given(method("POST"))
        .and(Field("grant_type", "authorization_code".to_owned()))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(Field("grant_type", "refresh_token".to_owned()))
        .respond_with(entra_error(400, "invalid_grant", 700_082))
        .mount(&server)
        .await;
    let details = json!({
        "user_code": "USERCODE7", "device_code": "persons-device-code", "expires_in": 900, "interval": 1,
        "verification_uri": format!("{}/device", server.uri()),
    });
    Mock::given(method("POST"))
        .and(wiremock::matchers::path_regex("devicecode$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(details))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(entra_error(400, "expired_token", 70_020))
        .mount(&server)
        .await;
    let mut connection = cloud(&server);
    connection.sign_in = SignIn::Person {
        authority_url: Some(server.uri()),
        tenant_id: Some(TENANT.to_owned()),
        client_id: "client".to_owned(),
        refresh_tokens: RefreshTokens::new(Some("persons-first-token".into()), |_| {}),
    };
    shown.push_str(&format!("{connection:?}"));
    let client = Client::with_retry_policy(connection, quick()).unwrap();
    let mut secrets: Vec<String> = [
        "persons-access-token",
        "persons-refresh-token",
        "persons-id-token",
        "persons-first-token",
        "persons-device-code",
        "USERCODE7",
        "the-persons-code",
        "AADSTS65004: User",
        "code_verifier",
        "code_challenge",
    ]
    .map(str::to_owned)
    .to_vec();
    for (query, state) in [
        ("code=the-persons-code", Some("forged-state")),
        (
            "error=access_denied&error_description=AADSTS65004%3A+User+declined",
            None,
        ),
        ("code=the-persons-code", None),
    ] {
        let attempt = client.sign_in_with_browser().await.unwrap();
        let of_page = |name: &str| {
            let mut pairs = attempt.url().query_pairs();
            pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        let back = url::Url::parse(&of_page("redirect_uri")).unwrap();
        let port = back.port().unwrap();
        secrets.extend([of_page("state"), of_page("code_challenge")]);
        let state = state.map_or_else(|| of_page("state"), str::to_owned);
        shown.push_str(&format!("{attempt:?}"));
        let call = async {
            let mut browser = tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .unwrap();
            let request =
                format!("GET /?{query}&state={state} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
            browser.write_all(request.as_bytes()).await.unwrap();
            let mut page = String::new();
            browser.read_to_string(&mut page).await.unwrap();
            page
        };
        let (outcome, page) = futures_util::join!(attempt.finish(), call);
        shown.push_str(&page);
        errors.extend(outcome.err());
    }
    errors.push(client.who_am_i().await.unwrap_err());
    let attempt = client.sign_in_with_device_code().await.unwrap();
    shown.push_str(&format!("{attempt:?}"));
    errors.push(attempt.finish().await.unwrap_err());
    let requests = server.received_requests().await.unwrap();
    let verifiers = requests
        .iter()
        .flat_map(form)
        .filter(|(name, _)| name == "code_verifier");
    secrets.extend(verifiers.map(|(_, value)| value));
    secrets
}

#[tokio::test]
async fn nothing_leaks() {
    let captured = Captured::default();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("debug,dataverse=trace,wiremock=off"))
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish()
        .init();
    let mut shown = String::new();

    let query = Query::new("contacts")
        .select(["fullname"])
        .filter(Filter::Or(vec![
            Filter::equals("emailaddress1", "ada.byron@example.com"),
            Filter::contains("fullname", "Byron"),
            Filter::Not(Box::new(Filter::ends_with("telephone1", "+44 20 7946"))),
            Filter::contains_pattern("telephone1", LikePattern::joined(["7", "9"])),
            Filter::equals("birthdate", Literal::Text("Byron".to_owned())),
        ]))
        .formatted_values(true);
    shown.push_str(&format!("{query:?}"));

    let record = RecordBody::new().set("lastname", "Byron").with_new(
        "primarycontactid",
        RecordBody::new().set("emailaddress1", "ada.byron@example.com"),
    );
    let key = Key::alternate("emailaddress1", "ada.byron@example.com");
    let write = Write::upsert(Reference::record("contacts", key.clone()), record.clone())
        .detect_duplicates()
        .returning(query.clone());
    let function = Function::new("Find")
        .with("Name", "Byron")
        .with_json("Other", json!({"x": "Byron"}));
    let action = Action::new("Tell").with("Name", "Byron");
    let resolution = Resolution {
        subject: "Byron".to_owned(),
        description: Some("Byron".to_owned()),
        minutes: None,
        status: None,
    };
    let batch = Batch::new()
        .query(query.clone())
        .write(write.clone())
        .call(function.clone())
        .act(action.clone())
        .change_set(|set| {
            set.add(write.clone());
        });
    let functions = Filter::And(vec![
        Filter::function("lastname", QueryFunction::In(vec!["Byron".to_owned()])),
        Filter::any("Contact_Tasks", Filter::contains("subject", "Byron")),
    ]);
    let delta = DeltaLink::from_text(r#"{"entitySet":"contacts","link":"https://x/Byron"}"#);
    shown.push_str(&format!(
        "{record:?} {key:?} {write:?} {function:?} {action:?} {resolution:?} {batch:?} {functions:?} {delta:?}"
    ));

    // A success, with a next page.
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let next = format!(
        "{}{API}contacts?$filter=contains(fullname,'Byron')",
        server.uri()
    );
    let row = json!({
        "fullname": "Ada Byron", "emailaddress1": "ada.byron@example.com",
        "_parentcustomerid_value": Uuid::nil(),
        "_parentcustomerid_value@OData.Community.Display.V1.FormattedValue": "Byron Ltd",
    });
    let body = json!({"value": [row], "@odata.nextLink": next});
    answer(
        &server,
        "GET",
        "contacts",
        ResponseTemplate::new(200)
            .insert_header("REQ_ID", "req-1")
            .set_body_json(body),
    )
    .await;
    let refusal = dataverse_error(
        400,
        "0x80060888",
        "There is an unterminated literal in 'ada.byron eq Byron'.",
    );
    Mock::given(method("PATCH"))
        .respond_with(refusal)
        .mount(&server)
        .await;
    let answered = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\
                    {\"value\":[{\"fullname\":\"Ada Byron\"}],\"Name\":\"Byron\"}\r\n";
    let parts = format!("{}--b--\r\n", answered.repeat(3));
    Mock::given(method("POST"))
        .and(wiremock::matchers::path(format!("{API}$batch")))
        .respond_with(ResponseTemplate::new(200).set_body_raw(parts, "multipart/mixed; boundary=b"))
        .mount(&server)
        .await;
    let client = client(&server);
    let several = Batch::new()
        .query(query.clone())
        .call(function)
        .write(Write::create("contacts", record.clone()).returning(Query::new("contacts")));
    let results = client.batch(&several).await.unwrap();
    assert!(results[0].is_ok() && results[1].is_ok());
    shown.push_str(&format!("{results:?}"));
    let page = client.query(&query).await.unwrap();
    client.next_page(page.next.as_ref().unwrap()).await.unwrap();
    shown.push_str(&format!(
        "{page:?} {:?} {client:?}",
        page.rows[0].lookup("parentcustomerid")
    ));

    // Failures of all kinds.
    let mut errors = vec![
        client
            .upsert(
                "contacts",
                Uuid::nil(),
                &json!({"lastname": "Byron"}),
                Condition::OnlyCreate,
            )
            .await
            .unwrap_err(),
        client
            .query(&Query::new("nothing_here").filter(Filter::contains("fullname", "Byron")))
            .await
            .unwrap_err(),
        client
            .query(
                &Query::new("contacts")
                    .filter(Filter::equals("x", Literal::Decimal("Byron".to_owned()))),
            )
            .await
            .unwrap_err(),
        client
            .query(&Query::new("contacts").filter(Filter::equals("x", "Byron".repeat(14_000))))
            .await
            .unwrap_err(),
    ];
    for organization_url in [
        "http://127.0.0.1:1",
        "https://nowhere.invalid",
        &server.uri().replace("http:", "https:"),
    ] {
        let mut connection = cloud(&server);
        connection.organization_url = organization_url.to_owned();
        let client = Client::with_retry_policy(connection, quick()).unwrap();
        errors.push(client.query(&query).await.unwrap_err());
    }
    let refusing = MockServer::start().await;
    let refusal = adfs_error(
        "invalid_grant",
        &format!("MSIS9659: Invalid {LOGIN} or {PASSWORD}."),
    );
    Mock::given(method("POST"))
        .respond_with(refusal)
        .mount(&refusing)
        .await;
    let connection = on_premises(&refusing);
    shown.push_str(&format!("{connection:?} {:?}", cloud(&server)));
    let mut careless = cloud(&server);
    careless.organization_url = format!("https://user:{PASSWORD}@contoso.example");
    shown.push_str(&format!("{careless:?}"));
    errors.push(Client::new(careless).unwrap_err());
    let on_premises = Client::with_retry_policy(connection, quick()).unwrap();
    errors.push(on_premises.query(&query).await.unwrap_err());
    let slow = organization(
        "contacts",
        ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(60)),
    )
    .await;
    let mut connection = cloud(&slow);
    connection.time_outs.request = std::time::Duration::from_millis(100);
    errors.push(
        Client::with_retry_policy(connection, quick())
            .unwrap()
            .query(&query)
            .await
            .unwrap_err(),
    );
    let of_the_person = sign_in_as_a_person(&mut shown, &mut errors).await;
    for error in &errors {
        shown.push_str(&with_chain(error));
        shown.push_str(&error.message());
        shown.push_str(&error.next_step());
    }
    let codes: Vec<_> = errors.iter().map(dataverse::Error::code).collect();
    assert_eq!(
        codes,
        [
            "bad_request",
            "not_dataverse",
            "invalid_query",
            "request_too_long",
            "host_unreachable",
            "dns_failed",
            "tls_failed",
            "invalid_organization_url",
            "sign_in_wrong_password",
            "timed_out",
            "sign_in_foreign_callback",
            "sign_in_declined",
            "sign_in_expired",
            "sign_in_took_too_long"
        ]
    );

    let logged = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "operation=\"query\"",
        "entity_set=\"contacts\"",
        "status=200",
        "duration_ms=",
        "request_id=\"req-1\"",
    ] {
        assert!(logged.contains(expected), "{expected} in {logged}");
    }
    for secret in &of_the_person {
        assert!(secret.len() >= 4, "{secret}");
        assert!(!logged.contains(secret), "{secret} in the log: {logged}");
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    for (place, text) in [("log", &logged), ("Debug or Display", &shown)] {
        for secret in [
            SECRET,
            PASSWORD,
            LOGIN,
            "token-1",
            "Bearer ",
            "client_secret=",
            "$filter",
            "%27",
        ]
        .iter()
        .chain(&PERSONAL)
        {
            assert!(!text.contains(secret), "{secret} in {place}: {text}");
        }
    }
}
