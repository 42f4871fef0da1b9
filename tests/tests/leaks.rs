//! No secret, token or personal value in a log line or an error text, neither of the client nor of the practice
//! organization. Here both ends write their logs, through all flows as they really go, at every level. What no honest
//! organization answers (forged redirects, texts that repeat what was asked, broken multipart) is scanned in
//! `crates/dataverse/tests/it/secrecy.rs`, and each recorded error in `wire_cases.rs` beside it.
//!
//! One test, for the subscriber is that of the whole process.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dataverse::fetchxml::{self, Aggregate, Builder, Fetch, Operator, Parameter, Template};
use dataverse::{
    Action, Batch, Client, Condition, Connection, DeltaLink, Direction, Expand, Filter, Function,
    Key, Query, RecordBody, Reference, RefreshTokens, Resolution, RetryPolicy, SignIn, Write,
};
use futures_util::StreamExt as _;
use sandbox::{Description, Options, Sandbox, Seed};
use secrecy::SecretString;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;
use uuid::Uuid;

/// Values that are written, asked for and filtered by; none occurs by itself anywhere. Names of tables and columns are no
/// secret: they come from the settings, and a log may name them.
const NAME: &str = "Quillfeather";
const EMAIL: &str = "q.leak@canary.example";
const PHONE: &str = "+44 20 7946 0777";
const NOTE: &str = "diagnosis-zeta";

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

/// Everything that somebody could print.
#[derive(Default)]
struct Shown {
    text: String,
    errors: usize,
    codes: BTreeSet<&'static str>,
}

impl Shown {
    fn value(&mut self, value: impl Debug) {
        self.text.push_str(&format!("{value:?}\n{value:#?}\n"));
    }

    /// All of it but the message, which may tell the person who asked what that person wrote.
    fn error(&mut self, error: &dataverse::Error) {
        self.errors += 1;
        self.codes.insert(error.code());
        self.text.push_str(&format!(
            "{} {error} {error:?} {error:#?} {}\n",
            error.code(),
            error.next_step()
        ));
        let mut source = error.source();
        while let Some(cause) = source {
            self.text.push_str(&format!("{cause} {cause:?}\n"));
            source = cause.source();
        }
    }

    /// Either way: what came back, or why nothing did.
    fn result<T: Debug>(&mut self, result: dataverse::Result<T>) {
        match result {
            Ok(value) => self.value(value),
            Err(error) => self.error(&error),
        }
    }

    fn refused<T: Debug>(&mut self, result: dataverse::Result<T>) {
        match result {
            Ok(value) => panic!("{value:?}"),
            Err(error) => self.error(&error),
        }
    }
}

/// Who uses the admin door.
struct Door {
    http: reqwest::Client,
    url: String,
}

impl Door {
    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn fault(&self, fault: &str) {
        self.post("/faults", json!({"fault": fault, "path": "/api/data/"}))
            .await;
    }
}

fn connect(description: &Description, sign_in: SignIn) -> Client {
    let retry = RetryPolicy {
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let connection = Connection::new(&description.organization_url, sign_in);
    Client::with_retry_policy(connection, retry).unwrap()
}

fn application(description: &Description, secret: &str) -> SignIn {
    SignIn::Cloud {
        authority_url: description.authority_url.clone(),
        tenant_id: description.tenant_id.clone(),
        client_id: description.client_id.clone(),
        client_secret: SecretString::from(secret.to_owned()),
    }
}

fn person() -> RecordBody {
    RecordBody::new()
        .set("lastname", NAME)
        .set("emailaddress1", EMAIL)
        .set("telephone1", PHONE)
        .set("description", NOTE)
}

async fn reads_and_writes(client: &Client, shown: &mut Shown) {
    let body = person();
    shown.value(&body);
    let id = client.create("contacts", body).await.unwrap().id.unwrap();
    let query = Query::new("contacts")
        .select(["fullname", "emailaddress1", "telephone1", "description"])
        .filter(Filter::Or(vec![
            Filter::equals("emailaddress1", EMAIL),
            Filter::contains("telephone1", PHONE),
            Filter::starts_with("lastname", NAME),
        ]))
        .expand(Expand::new("Contact_Tasks").filter(Filter::contains("subject", NOTE)))
        .formatted_values(true)
        .page_size(1);
    shown.value(&query);
    client.create("contacts", person()).await.unwrap();
    let page = client.query(&query).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    shown.value(&page);
    shown.result(client.next_page(page.next.as_ref().unwrap()).await);
    shown.result(
        client
            .retrieve("contacts", id, &Query::new("contacts"))
            .await,
    );
    let update = RecordBody::new().set("jobtitle", NOTE);
    shown.result(client.update("contacts", id, update).await);
    // Too long for an address.
    let long = Filter::Or(vec![
        Filter::equals("lastname", NAME),
        Filter::equals("jobtitle", NOTE.repeat(1000)),
    ]);
    shown.result(client.query(&Query::new("contacts").filter(long)).await);

    let batch = Batch::new()
        .query(Query::new("contacts").filter(Filter::equals("emailaddress1", EMAIL)))
        .change_set(|set| {
            let contact = set.add(Write::create("contacts", person()));
            let task = RecordBody::new()
                .set("subject", NAME)
                .bind("regardingobjectid_contact_task", contact);
            set.add(Write::create("tasks", task));
            set.add(Write::update(
                contact,
                RecordBody::new()
                    .set("gendercode", 77)
                    .set("firstname", NAME),
            ));
        })
        .query(Query::new("contacts").filter(Filter::equals("nosuchcolumn", EMAIL)))
        .continue_on_error();
    shown.value(&batch);
    let done = client.batch(&batch).await.unwrap();
    assert_eq!(done.iter().filter(|result| result.is_err()).count(), 2);
    for result in done {
        shown.result(result);
    }

    let key = Key::alternate("emailaddress1", EMAIL);
    shown.value(&key);
    shown.result(
        client
            .retrieve("contacts", key, &Query::new("contacts"))
            .await,
    );
    let query = Query::new("contacts").filter(Filter::equals("lastname", NAME));
    assert!(client.count(&query).await.unwrap() >= 2);
    let row = client
        .retrieve("contacts", id, &Query::new("contacts"))
        .await
        .unwrap();
    let version = row.etag().unwrap();
    shown.result(
        client
            .retrieve_if_changed("contacts", id, &Query::new("contacts"), version)
            .await,
    );
}

/// Everything until the stream ends; the number of rows.
async fn drain<T: Debug>(
    pages: impl futures_util::Stream<Item = dataverse::Result<T>>,
    shown: &mut Shown,
) -> Vec<T> {
    let mut pages = Box::pin(pages);
    let mut read = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => {
                shown.value(&page);
                read.push(page);
            }
            Err(error) => shown.error(&error),
        }
    }
    read
}

async fn changes(client: &Client, door: &Door, shown: &mut Shown) {
    let tracked = Query::new("contacts")
        .select(["lastname", "emailaddress1"])
        .page_size(1);
    let loaded = drain(client.load_tracked(&tracked), shown).await;
    let link = loaded.last().unwrap().delta.clone().unwrap();
    let id = client.create("contacts", person()).await.unwrap().id;
    client.delete("contacts", id.unwrap()).await.unwrap();
    client.create("contacts", person()).await.unwrap();
    let kept = DeltaLink::from_text(&link.to_text()).unwrap();
    let changed = drain(client.changes(&kept), shown).await;
    assert_eq!(
        changed.iter().map(|page| page.changed.len()).sum::<usize>(),
        1
    );
    assert_eq!(
        changed.iter().map(|page| page.deleted.len()).sum::<usize>(),
        1
    );
    for elsewhere in [
        kept.to_text().replace("127.0.0.1", EMAIL),
        kept.to_text()
            .replace("deltatoken=", &format!("deltatoken={NOTE}")),
    ] {
        let elsewhere = DeltaLink::from_text(&elsewhere).unwrap();
        assert!(drain(client.changes(&elsewhere), shown).await.is_empty());
    }
    door.fault("server_error").await;
    drain(client.changes(&kept), shown).await;
    let untracked = Query::new("activitypointers");
    drain(client.load_tracked(&untracked), shown).await;
}

/// FetchXML that is built, written by hand and filled, run over pages and refused.
async fn fetchxml(client: &Client, door: &Door, shown: &mut Shown) {
    let about = |condition| {
        Builder::new("contact")
            .attribute("lastname")
            .attribute("emailaddress1")
            .filter(condition)
    };
    let paged = about(fetchxml::Condition::any([
        fetchxml::Condition::contains("emailaddress1", EMAIL),
        fetchxml::Condition::new("telephone1", Operator::In, [PHONE, NOTE]),
    ]))
    .order_by("lastname", Direction::Ascending)
    .page_size(1);
    shown.value(&paged);
    let paged = paged.build().unwrap();
    shown.value(&paged);
    // The paging cookie repeats the name.
    let pages = drain(client.fetch("contacts", &paged), shown).await;
    assert!(pages.len() >= 2);
    for fault in ["wrong_json", "truncated_body", "html_page", "unauthorized"] {
        door.fault(fault).await;
        drain(client.fetch("contacts", &paged), shown).await;
    }
    let long = about(fetchxml::Condition::equals("jobtitle", NOTE.repeat(2000)));
    drain(client.fetch("contacts", &long.build().unwrap()), shown).await;

    let template = Template::parse(
        "<fetch><entity name='contact'><filter><condition attribute='emailaddress1' operator='like' \
         value='%{{visitor.email}}%'/><condition attribute='lastname' operator='eq' value='Quillfeather'/>\
         </filter></entity></fetch>",
    )
    .unwrap();
    shown.value(&template);
    let with = |parameter: Parameter| {
        template.fill(&BTreeMap::from([("visitor.email".to_owned(), parameter)]))
    };
    let parameter = Parameter::Text(EMAIL.to_owned());
    shown.value(&parameter);
    let filled = with(parameter).unwrap();
    shown.value(&filled);
    assert!(
        !drain(client.fetch("contacts", &filled), shown)
            .await
            .is_empty()
    );
    shown.value(with(Parameter::Text(format!("{EMAIL}\u{1}"))).unwrap_err());
    shown.value(with(Parameter::Text(String::new())).unwrap_err());
    shown.value(template.fill(&BTreeMap::new()).unwrap_err());

    for (column, value) in [
        ("numberofchildren", NOTE),
        ("createdon", EMAIL),
        ("nothing", PHONE),
    ] {
        let refused = about(fetchxml::Condition::equals(column, value));
        drain(client.fetch("contacts", &refused.build().unwrap()), shown).await;
    }
    let broken = [
        format!(
            "<fetch><entity name='contact'><filter><condition attribute='a' operator='between' value='{NAME}'/></filter></entity></fetch>"
        ),
        format!("<fetch><entity name='contact'>{EMAIL}</entity></fetch>"),
        format!("<fetch><entity name='contact' {NOTE}/></fetch>"),
        format!(
            "<fetch><entity name='contact'><filter><condition attribute='a' operator='eq' value='{PHONE}</fetch>"
        ),
        format!(
            "<fetch><entity name='contact'><filter><condition attribute='a' operator='eq' value='{PHONE}&nothing;'/></filter></entity></fetch>"
        ),
    ];
    for text in broken {
        let fault = Fetch::parse(&text).unwrap_err();
        shown
            .text
            .push_str(&format!("{fault} {fault:?} {fault:#?}\n"));
        shown.error(&dataverse::Error::from(fault));
    }
    let sum = Builder::new("contact")
        .aggregate("lastname", "name", Aggregate::Max)
        .group_by("emailaddress1", "email");
    let sums = client.fetch("contacts", &sum.build().unwrap());
    assert!(!drain(sums, shown).await.is_empty());
}

/// Tables are no secret. Their choices and labels may name people all the same, and no log repeats them.
async fn metadata(client: &Client, door: &Door, shown: &mut Shown) {
    let schema = client.schema(&["contact", "task"]).await.unwrap();
    assert_eq!(schema.tables().count(), 2);
    shown.result(client.refreshed_schema(&schema).await.map(|_| ()));
    shown.result(client.label_language("contact").await);
    shown.result(client.global_choices("no_such_choices").await.map(|_| ()));
    shown.result(client.schema(&["no such table"]).await.map(|_| ()));
    for fault in ["wrong_json", "html_page", "server_error"] {
        door.fault(fault).await;
        shown.result(client.schema(&["contact"]).await.map(|_| ()));
    }
}

/// Functions and actions, whose parameters are personal.
async fn operations(client: &Client, shown: &mut Shown) {
    let function = Function::new("RetrieveDuplicates")
        .with("MatchingEntityName", NAME)
        .with_json("BusinessEntity", json!({"emailaddress1": EMAIL}));
    shown.value(&function);
    shown.result(client.call(&function).await);
    let action = Action::new("NoSuchAction").with("Name", NAME);
    shown.value(&action);
    shown.refused(client.act(&action).await);
    let account = RecordBody::new().set("name", NAME);
    let account = client
        .create("accounts", account)
        .await
        .unwrap()
        .id
        .unwrap();
    let case = RecordBody::new()
        .set("title", NOTE)
        .bind("customerid_account", Reference::record("accounts", account));
    let case = client.create("incidents", case).await.unwrap().id.unwrap();
    let resolution = Resolution {
        subject: NAME.to_owned(),
        description: Some(NOTE.to_owned()),
        minutes: Some(5),
        status: None,
    };
    shown.value(&resolution);
    client.resolve_case(case, &resolution).await.unwrap();
    shown.refused(client.resolve_case(case, &resolution).await);
}

/// What the organization refuses, with what was sent in its text.
async fn refusals(client: &Client, shown: &mut Shown) {
    let contacts = |filter| Query::new("contacts").filter(filter);
    let known = client
        .create("contacts", person())
        .await
        .unwrap()
        .id
        .unwrap();
    shown.refused(
        client
            .query(&contacts(Filter::equals("nosuchcolumn", EMAIL)))
            .await,
    );
    shown.refused(
        client
            .query(&contacts(Filter::equals("numberofchildren", NOTE)))
            .await,
    );
    shown.refused(client.query(&Query::new("nosuchtable")).await);
    shown.refused(client.query(&Query::new("no/../such")).await);
    shown.refused(
        client
            .retrieve("contacts", Uuid::nil(), &Query::new("contacts"))
            .await,
    );
    shown.refused(client.delete("contacts", known).await);
    let refused = [
        person().set("lastname", NAME.repeat(20)),
        person().set("nosuchcolumn", PHONE),
        person().set("gendercode", NAME),
        person().set("birthdate", EMAIL),
        person().bind(
            "nosuchnavigation",
            dataverse::Reference::record("accounts", Uuid::nil()),
        ),
        person().bind(
            "parentcustomerid_account",
            dataverse::Reference::record("accounts", Uuid::nil()),
        ),
    ];
    for body in refused {
        shown.refused(client.create("contacts", body).await);
    }
    let again = client.upsert("contacts", known, person(), Condition::OnlyCreate);
    shown.refused(again.await);
    let changed = Condition::IfUnchanged("W/\"1\"".to_owned());
    shown.refused(client.upsert("contacts", known, person(), changed).await);
    let missing = client.update("contacts", Uuid::nil(), person());
    shown.refused(missing.await);
    // As the rules of the organization stand, these are duplicates of each other.
    let duplicate = Write::create("contacts", person()).detect_duplicates();
    shown.result(client.write(&duplicate).await);
    shown.result(client.duplicates("contact", &person(), "contact", 5).await);
}

/// Answers that are none.
async fn faults(client: &Client, door: &Door, shown: &mut Shown) {
    let query = Query::new("contacts").filter(Filter::equals("emailaddress1", EMAIL));
    for fault in [
        "too_many_requests",
        "server_error",
        "unavailable",
        "reset_before_commit",
        "reset_after_commit",
        "wrong_json",
        "html_page",
        "truncated_body",
        "unauthorized",
    ] {
        door.fault(fault).await;
        shown.result(client.query(&query).await);
        door.fault(fault).await;
        // Some of them may not be sent again, so that the fault reaches the caller.
        shown.result(client.create("contacts", person()).await);
        let forget = door.http.delete(format!("{}/faults", door.url)).send();
        assert!(forget.await.unwrap().status().is_success());
    }
}

async fn sign_ins(description: &Description, door: &Door, shown: &mut Shown) -> Vec<String> {
    let kept: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let refresh_tokens = RefreshTokens::new(None, move |token| {
        use secrecy::ExposeSecret as _;
        if let Some(token) = token {
            keep.lock().unwrap().push(token.expose_secret().to_owned());
        }
    });
    let agent = connect(
        description,
        SignIn::Person {
            authority_url: Some(description.authority_url.clone()),
            tenant_id: Some(description.tenant_id.clone()),
            client_id: description.public_client.client_id.clone(),
            refresh_tokens,
        },
    );
    shown.refused(agent.who_am_i().await);

    let browser = agent.sign_in_with_browser().await.unwrap();
    shown.value(&browser);
    let answer = door
        .post(
            "/sign-ins",
            json!({"authorize_url": browser.url().as_str()}),
        )
        .await;
    let redirect = answer["redirect"].as_str().unwrap().to_owned();
    let (finished, page) = tokio::join!(browser.finish(), door.http.get(&redirect).send());
    finished.unwrap();
    assert!(page.unwrap().status().is_success());
    shown.result(agent.who_am_i().await);

    let device = agent.sign_in_with_device_code().await.unwrap();
    shown.value(&device);
    let code = device.user_code().to_owned();
    door.post("/sign-ins", json!({"user_code": code})).await;
    device.finish().await.unwrap();
    shown.result(agent.who_am_i().await);

    let denied = agent.sign_in_with_browser().await.unwrap();
    let answer = door
        .post(
            "/sign-ins",
            json!({"authorize_url": denied.url().as_str(), "deny": true}),
        )
        .await;
    let back = answer["redirect"].as_str().unwrap().to_owned();
    let (finished, _) = tokio::join!(denied.finish(), door.http.get(&back).send());
    shown.refused(finished);

    let wrong = connect(
        description,
        application(description, &format!("{NOTE}-secret")),
    );
    shown.refused(wrong.who_am_i().await);
    let on_premises = |password: &str| {
        let SandboxLogin {
            url,
            authority,
            client,
            secret,
            login,
        } = SandboxLogin::of(description);
        let sign_in = SignIn::OnPremises {
            authority_url: authority,
            client_id: client,
            client_secret: Some(SecretString::from(secret)),
            login_email: login,
            password: SecretString::from(password.to_owned()),
        };
        Client::new(Connection::new(url, sign_in)).unwrap()
    };
    shown.result(
        on_premises(&description.on_premises.password)
            .who_am_i()
            .await,
    );
    shown.refused(on_premises(&format!("{NOTE}-password")).who_am_i().await);

    let mut secrets = kept.lock().unwrap().clone();
    assert!(secrets.len() >= 2, "a refresh token of each way");
    let query: Vec<&str> = redirect.split(['?', '&']).collect();
    let codes = query.iter().filter_map(|pair| pair.split_once('='));
    secrets.extend(
        codes
            .filter(|(name, _)| ["code", "state"].contains(name))
            .map(|(_, value)| value.to_owned()),
    );
    secrets.push(code);
    secrets
}

/// The on-premises login, taken apart.
struct SandboxLogin {
    url: String,
    authority: String,
    client: String,
    secret: String,
    login: String,
}

impl SandboxLogin {
    fn of(description: &Description) -> SandboxLogin {
        let login = &description.on_premises;
        SandboxLogin {
            url: login.organization_url.clone(),
            authority: login.authority_url.clone(),
            client: login.client_id.clone(),
            secret: login.client_secret.clone(),
            login: login.login_email.clone(),
        }
    }
}

#[tokio::test]
async fn nothing_that_is_personal_or_secret_is_logged_or_shown() {
    let captured = Captured::default();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace"))
        .with_ansi(false)
        .without_time()
        .with_writer(captured.clone())
        .finish()
        .init();

    // The door's client is built without a provider of TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options {
        seed: Seed::Empty,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let description = sandbox.description();
    let door = Door {
        http: reqwest::Client::new(),
        url: description.admin_url.clone(),
    };
    let mut shown = Shown::default();
    shown.value(description);
    shown.value(&sandbox);

    let secrets = sign_ins(description, &door, &mut shown).await;
    let client = connect(
        description,
        application(description, &description.client_secret),
    );
    shown.value(&client);
    reads_and_writes(&client, &mut shown).await;
    refusals(&client, &mut shown).await;
    faults(&client, &door, &mut shown).await;
    fetchxml(&client, &door, &mut shown).await;
    metadata(&client, &door, &mut shown).await;
    let administrator = connect(
        description,
        SignIn::Cloud {
            authority_url: description.authority_url.clone(),
            tenant_id: description.tenant_id.clone(),
            client_id: description.administrator.client_id.clone(),
            client_secret: SecretString::from(description.administrator.client_secret.clone()),
        },
    );
    changes(&administrator, &door, &mut shown).await;
    operations(&administrator, &mut shown).await;

    assert!(shown.errors >= 50, "{} errors were looked at", shown.errors);
    for code in [
        "bad_request",
        "connection_lost",
        "delta_expired",
        "duplicate_found",
        "invalid_answer",
        "invalid_query",
        "invalid_state",
        "invalid_value",
        "missing_privilege",
        "no_change_tracking",
        "not_dataverse",
        "not_found",
        "record_changed",
        "record_exists",
        "server_failed",
        "sign_in_declined",
        "sign_in_required",
        "sign_in_wrong_password",
        "sign_in_wrong_secret",
        "unknown_table",
    ] {
        assert!(shown.codes.contains(code), "{code}: {:?}", shown.codes);
    }
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    // The organization speaks up only where something goes wrong in it.
    let lines = log.lines().filter(|line| line.contains(" dataverse"));
    assert!(lines.count() >= 50, "the client says what it does");
    let mut markers = vec![
        NAME.to_owned(),
        EMAIL.to_owned(),
        "canary".to_owned(),
        PHONE.to_owned(),
        NOTE.to_owned(),
        // Every access token is a JSON web token.
        "eyJ".to_owned(),
        "Bearer".to_owned(),
        description.client_secret.clone(),
        description.administrator.client_secret.clone(),
        description.on_premises.client_secret.clone(),
        description.on_premises.password.clone(),
        description.on_premises.login_email.clone(),
    ];
    for person in &description.people {
        markers.extend([
            person.email.clone(),
            person.password.clone(),
            person.name.clone(),
        ]);
    }
    markers.extend(secrets);
    for text in [&log, &shown.text] {
        for marker in &markers {
            let line = text.lines().find(|line| line.contains(marker.as_str()));
            assert_eq!(line, None, "{marker}");
        }
    }
    sandbox.stop().await;
}
