//! `$batch` against the recorded shapes of the Web API.

use crate::common::*;
use dataverse::{
    Batch, Done, Error, Filter, Key, Outcome, Query, RecordBody, Reference, Result, Write,
};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const BOUNDARY: Uuid = Uuid::from_u128(0x80dd_1615_2a10_428a_bb6f_0e55_9792_721f);
const CONTACT: Uuid = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);
const TASK: Uuid = Uuid::from_u128(0xa1b2_0000_0000_0000_0000_0000_0000_0001);

fn multipart(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("OData-Version", "4.0")
        .insert_header("REQ_ID", "5ecd1cb3-1730-4ffc-909c-d44c22270026")
        .set_body_raw(
            body.replace('\n', "\r\n"),
            "multipart/mixed; boundary=batchresponse_f27ef42d",
        )
}

async fn server(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    answer(&server, "POST", "$batch", template).await;
    server
}

fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

fn contacts() -> Query {
    Query::new("contacts").select(["fullname"]).top(3)
}

const PAGE: &str = "--batchresponse_f27ef42d
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{\"@odata.context\":\"x\",\"value\":[{\"fullname\":\"Ada\"}]}
";

const TWO_WRITTEN: &str = "--batchresponse_f27ef42d
Content-Type: multipart/mixed; boundary=changesetresponse_64cc3fff

--changesetresponse_64cc3fff
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: http://x/api/data/v9.2/contacts(6f1c0000-0000-0000-0000-000000000001)
OData-EntityId: http://x/api/data/v9.2/contacts(6f1c0000-0000-0000-0000-000000000001)


--changesetresponse_64cc3fff
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: http://x/api/data/v9.2/tasks(a1b20000-0000-0000-0000-000000000001)
OData-EntityId: http://x/api/data/v9.2/tasks(a1b20000-0000-0000-0000-000000000001)


--changesetresponse_64cc3fff--
";

const TOO_LONG: &str = "HTTP/1.1 400 Bad Request
REQ_ID: aaaa1cb3-1730-4ffc-909c-d44c22270026
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{\"error\":{\"code\":\"0x80044331\",\"message\":\"A validation error occurred.\"}}
";

const END: &str = "--batchresponse_f27ef42d--\n";

fn refused_part() -> String {
    format!(
        "--batchresponse_f27ef42d\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n{TOO_LONG}"
    )
}

fn refused_set() -> String {
    format!(
        "--batchresponse_f27ef42d\nContent-Type: multipart/mixed; boundary=\"changesetresponse_1\"\n\n\
         --changesetresponse_1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: 2\n\n\
         {TOO_LONG}--changesetresponse_1--\n"
    )
}

/// A contact and a task about it, all or nothing.
fn contact_with_task(batch: Batch) -> Batch {
    batch.change_set(|set| {
        let contact = set.add(Write::create(
            "contacts",
            RecordBody::new().set("lastname", "Byron"),
        ));
        set.add(Write::create(
            "tasks",
            RecordBody::new()
                .set("subject", "Follow up")
                .bind("regardingobjectid_contact_task", contact),
        ));
    })
}

#[tokio::test]
async fn a_batch_is_written_as_the_service_reads_it() {
    let server = server(multipart(200, END)).await;
    let batch = Batch::with_boundary(BOUNDARY)
        .query(contacts().formatted_values(true))
        .write(
            Write::upsert(
                Reference::record("contacts", Key::alternate("emailaddress1", "a@b.c")),
                RecordBody::new().set("jobtitle", "Engineer"),
            )
            .on(dataverse::Condition::OnlyCreate)
            .detect_duplicates(),
        )
        .change_set(|set| {
            let contact = set.add(Write::create(
                "contacts",
                RecordBody::new().set("lastname", "Müller"),
            ));
            set.add(Write::update(
                contact,
                RecordBody::new().set("jobtitle", "Engineer"),
            ));
            set.add(Write::associate(
                Reference::record("accounts", CONTACT),
                "contact_customer_accounts",
                contact,
            ));
            set.add(Write::delete(Reference::record("tasks", TASK)).if_unchanged("W/\"1\""));
        })
        .continue_on_error();
    client(&server).batch(&batch).await.unwrap_err();
    let request = last(&server).await;
    let id = BOUNDARY;
    assert_eq!(
        request.headers["content-type"],
        format!("multipart/mixed; boundary=\"batch_{id}\"").as_str()
    );
    assert_eq!(request.headers["prefer"], "odata.continue-on-error");
    assert_eq!(request.headers["odata-version"], "4.0");
    let part = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n";
    let expected = format!(
        "--batch_{id}\n{part}\n\
         GET {API}contacts?$select=fullname&$top=3 HTTP/1.1\nAccept: application/json\nif-none-match: null\n\
         prefer: odata.include-annotations=\"OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.lookuplogicalname\"\n\n\n\
         --batch_{id}\n{part}\n\
         PATCH {API}contacts(emailaddress1='a%40b.c') HTTP/1.1\nAccept: application/json\nif-none-match: *\n\
         mscrm.suppressduplicatedetection: false\ncontent-type: application/json; charset=utf-8\n\n\
         {{\"jobtitle\":\"Engineer\"}}\n\
         --batch_{id}\nContent-Type: multipart/mixed; boundary=\"changeset_{id}_2\"\n\n\
         --changeset_{id}_2\n{part}Content-ID: 1\n\n\
         POST {API}contacts HTTP/1.1\nAccept: application/json\ncontent-type: application/json; charset=utf-8\n\n\
         {{\"lastname\":\"Müller\"}}\n\
         --changeset_{id}_2\n{part}Content-ID: 2\n\n\
         PATCH $1 HTTP/1.1\nAccept: application/json\ncontent-type: application/json; charset=utf-8\n\n\
         {{\"jobtitle\":\"Engineer\"}}\n\
         --changeset_{id}_2\n{part}Content-ID: 3\n\n\
         POST {API}accounts({CONTACT})/contact_customer_accounts/$ref HTTP/1.1\nAccept: application/json\n\
         content-type: application/json; charset=utf-8\n\n\
         {{\"@odata.id\":\"$1\"}}\n\
         --changeset_{id}_2\n{part}Content-ID: 4\n\n\
         DELETE {API}tasks({TASK}) HTTP/1.1\nAccept: application/json\nif-match: W/\"1\"\n\n\n\
         --changeset_{id}_2--\n\
         --batch_{id}--\n"
    );
    assert_eq!(body(&request), expected.replace('\n', "\r\n"));
}

fn codes(results: &[Result<Done>]) -> Vec<&'static str> {
    results
        .iter()
        .map(|result| match result {
            Ok(Done::Page(_)) => "page",
            Ok(Done::Row(_)) => "row",
            Ok(Done::Written(_)) => "written",
            Ok(Done::ChangeSet(_)) => "change_set",
            Ok(Done::Answer(_)) => "answer",
            Err(error) => error.code(),
        })
        .collect()
}

#[tokio::test]
async fn every_entry_has_its_own_result() {
    let all = format!("{PAGE}{TWO_WRITTEN}{}{PAGE}{END}", refused_part());
    // Line ends and quotes differ between servers.
    let bare = ResponseTemplate::new(200).set_body_raw(
        all.clone(),
        "Multipart/Mixed; charset=utf-8; Boundary=\"batchresponse_f27ef42d\"",
    );
    for template in [
        multipart(200, &all),
        bare,
        multipart(200, &format!("\n{all}epilogue")),
    ] {
        let server = server(template).await;
        let batch = contact_with_task(Batch::new().query(contacts()))
            .write(Write::create("tasks", RecordBody::new()))
            .query(contacts())
            .continue_on_error();
        let results = client(&server).batch(&batch).await.unwrap();
        assert_eq!(
            codes(&results),
            ["page", "change_set", "invalid_value", "page"]
        );
        let Ok(Done::ChangeSet(written)) = &results[1] else {
            panic!("{results:?}");
        };
        let written: Vec<_> = written.iter().map(|one| (one.outcome, one.id)).collect();
        assert_eq!(
            written,
            [
                (Outcome::Created, Some(CONTACT)),
                (Outcome::Created, Some(TASK))
            ]
        );
        let error = results[2].as_ref().unwrap_err();
        assert_eq!(
            error.request_id(),
            Some("aaaa1cb3-1730-4ffc-909c-d44c22270026")
        );
    }
}

#[tokio::test]
async fn after_a_failure_the_rest_was_not_carried_out() {
    let stopped = format!("{PAGE}{}{END}", refused_set());
    let server = server(multipart(400, &stopped)).await;
    let batch = contact_with_task(Batch::new().query(contacts()))
        .query(contacts())
        .write(Write::delete(Reference::record("tasks", TASK)));
    let results = client(&server).batch(&batch).await.unwrap();
    assert_eq!(
        codes(&results),
        [
            "page",
            "invalid_value",
            "not_carried_out",
            "not_carried_out"
        ]
    );
    assert!(matches!(results[3], Err(Error::NotCarriedOut)));
}

#[tokio::test]
async fn a_condition_that_fails_in_a_change_set_is_explained() {
    let refusal = "--batchresponse_f27ef42d\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: application/http\n\
                   Content-Transfer-Encoding: binary\nContent-ID: 1\n\nHTTP/1.1 412 Precondition Failed\nContent-Type: application/json\n\n\
                   {\"error\":{\"code\":\"\",\"message\":\"x\"}}\n--c--\n";
    let server = server(multipart(412, &format!("{refusal}{END}"))).await;
    let batch = Batch::new().change_set(|set| {
        set.add(Write::create_with_id(
            "contacts",
            CONTACT,
            RecordBody::new(),
        ));
        set.add(Write::delete(Reference::record("tasks", TASK)));
    });
    let results = client(&server).batch(&batch).await.unwrap();
    assert_eq!(codes(&results), ["record_exists"]);
}

#[tokio::test]
async fn what_is_wrong_with_the_whole_batch_is_one_error() {
    let table = [
        (
            dataverse_error(400, "0x80048d19", "Stream was not readable."),
            "bad_request",
        ),
        (
            dataverse_error(
                429,
                "0x80072322",
                "Number of requests exceeded the limit of 6000.",
            )
            .insert_header("Retry-After", "60"),
            "throttled",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({})),
            "invalid_answer",
        ),
        (
            ResponseTemplate::new(413).set_body_raw("<html>", "text/html"),
            "bad_request",
        ),
        (multipart(200, ""), "invalid_answer"),
        (multipart(200, PAGE), "invalid_answer"),
        (multipart(200, END), "invalid_answer"),
        (
            multipart(200, &format!("{PAGE}{PAGE}{PAGE}{END}")),
            "invalid_answer",
        ),
        (
            multipart(200, &format!("{PAGE}{PAGE}{END}")),
            "invalid_answer",
        ),
        (
            multipart(
                200,
                &format!(
                    "{PAGE}{}{END}",
                    TWO_WRITTEN.replace("Content-ID: 2", "Content-ID: 7")
                ),
            ),
            "invalid_answer",
        ),
        (
            multipart(
                200,
                &format!(
                    "{PAGE}{}{END}",
                    TWO_WRITTEN.replace("Content-ID: 2", "Content-ID: 1")
                ),
            ),
            "invalid_answer",
        ),
        (
            multipart(
                200,
                &format!("{PAGE}{}{END}", TWO_WRITTEN.replace("HTTP/1.1 204", "204")),
            ),
            "invalid_answer",
        ),
        (
            multipart(
                200,
                &format!("{PAGE}{}{END}", TWO_WRITTEN.replace("fff--", "fff-")),
            ),
            "invalid_answer",
        ),
    ];
    for (template, code) in table {
        let server = server(template).await;
        let batch = contact_with_task(Batch::new().query(contacts()));
        let error = client(&server).batch(&batch).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
}

#[tokio::test]
async fn what_no_batch_can_hold_is_not_sent() {
    let server = MockServer::start().await;
    let client = client(&server);
    let mut elsewhere = None;
    let _ = Batch::new().change_set(|set| {
        elsewhere = Some(set.add(Write::create("contacts", RecordBody::new())));
    });
    let foreign = elsewhere.unwrap();
    let many = (0..1001).fold(Batch::new(), |batch, _| batch.query(contacts()));
    for batch in [
        Batch::new(),
        many,
        Batch::new().query(contacts()).change_set(|_| {}),
        Batch::new().write(Write::delete(foreign)),
        Batch::new().change_set(|set| {
            set.add(Write::update(foreign, RecordBody::new()));
        }),
        Batch::new()
            .change_set(|set| {
                set.add(Write::create("contacts", RecordBody::new()));
            })
            .change_set(|set| {
                set.add(Write::create("tasks", RecordBody::new().bind("x", foreign)));
            }),
        Batch::new().query(Query::new("a/b")),
    ] {
        assert_eq!(
            client.batch(&batch).await.unwrap_err().code(),
            "invalid_query"
        );
    }
    let error = client.write(&Write::delete(foreign)).await.unwrap_err();
    assert_eq!(error.code(), "invalid_query");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_read_that_is_too_long_travels_in_a_batch() {
    let long = "x".repeat(5000);
    let next = format!("{API}contacts?$skiptoken={long}");
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let first = PAGE.replace(
        "\"value\"",
        &format!("\"@odata.nextLink\":\"{}{next}\",\"value\"", server.uri()),
    );
    Mock::given(method("POST"))
        .and(path(format!("{API}$batch")))
        .respond_with(multipart(200, &format!("{first}{END}")))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answer(
        &server,
        "POST",
        "$batch",
        multipart(200, &format!("{PAGE}{END}")),
    )
    .await;
    let client = client(&server);
    let query = Query::new("contacts")
        .filter(Filter::equals("fullname", long.as_str()))
        .page_size(1);
    let page = client.query(&query).await.unwrap();
    assert!(body(&last(&server).await).contains(&format!(
        "GET {API}contacts?$filter=fullname%20eq%20%27{long}%27 HTTP/1.1"
    )));
    assert!(body(&last(&server).await).contains("prefer: odata.maxpagesize=1\r\n"));
    let second = client.next_page(&page.next.unwrap()).await.unwrap();
    assert_eq!(second.rows[0].text("fullname"), Some("Ada"));
    assert!(body(&last(&server).await).contains(&format!("GET {next} HTTP/1.1")));
    assert_eq!(count(&server, "/contacts").await, 0);

    // Its own error, and one of the batch, mean the same as without a batch.
    let refusals = [
        (
            multipart(400, &format!("{}{END}", refused_part())),
            "invalid_value",
        ),
        (
            multipart(200, &format!("{}{END}", refused_part())),
            "invalid_value",
        ),
        (dataverse_error(403, "0x80040220", "x"), "missing_privilege"),
        (multipart(200, PAGE), "invalid_answer"),
        (ResponseTemplate::new(200), "invalid_answer"),
    ];
    for (template, code) in refusals {
        let server = self::server(template).await;
        let error = crate::common::client(&server)
            .query(&query)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert!(
            error.request_id().is_some() || code == "missing_privilege" || code == "invalid_answer"
        );
    }
}

#[tokio::test]
async fn a_batch_is_repeated_only_if_all_of_it_may_be() {
    for (write, sent) in [
        (
            Write::create_with_id("contacts", CONTACT, RecordBody::new()),
            3,
        ),
        (Write::create("contacts", RecordBody::new()), 1),
    ] {
        let server = server(ResponseTemplate::new(502)).await;
        let batch = Batch::new().query(contacts()).write(write);
        client(&server).batch(&batch).await.unwrap_err();
        assert_eq!(count(&server, "$batch").await, sent);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever comes, it is a result or an error.
    #[test]
    fn any_answer_is_read_without_panic(
        pieces in prop::collection::vec(
            prop_oneof![
                Just(PAGE.to_owned()), Just(TWO_WRITTEN.to_owned()), Just(refused_part()), Just(refused_set()),
                Just(END.to_owned()), Just("--batchresponse_f27ef42d\r\n".to_owned()), "[ -~\r\n]{0,80}", "\\PC{0,40}",
            ],
            0..6,
        ),
        cut in 0usize..4000,
        status in prop_oneof![Just(200u16), Just(400u16)],
    ) {
        let text: String = pieces.concat();
        let text: String = text.chars().take(cut).collect();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let server = server(multipart(status, &text)).await;
            let batch = contact_with_task(Batch::new().query(contacts())).query(contacts());
            if let Ok(results) = client(&server).batch(&batch).await {
                assert_eq!(results.len(), 3);
            }
        });
    }
}
