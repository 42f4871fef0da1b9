//! No secret, token or personal value in a log, a `Debug` or a `Display`.

use crate::common::*;
use dataverse::{
    Action, Batch, Client, Condition, DeltaLink, Filter, Function, Key, LikePattern, Literal,
    Query, QueryFunction, RecordBody, Reference, Resolution, Write,
};
use serde_json::json;
use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex};
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
            "timed_out"
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
