//! `POST $batch` (protocol page `batch.md`): forms that clients send, answers byte for byte, change sets that happen whole
//! or not at all.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::multipart::{batch, change_set, masked, part, send, write};
use common::{Org, failure};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

async fn count(org: &Org, set: &str) -> String {
    let response = org.get(&format!("{set}/$count")).send().await.unwrap();
    let text = response.text().await.unwrap();
    text.trim_start_matches('\u{feff}').to_owned()
}

#[tokio::test]
async fn the_answer_is_written_as_documented() {
    let org = Org::empty().await;
    let body = batch(&[
        change_set(&[
            write(
                "1",
                "POST /api/data/v9.2/contacts",
                json!({"firstname": "Ada", "lastname": "Byron"}),
            ),
            write(
                "2",
                "POST /api/data/v9.2/tasks",
                json!({"subject": "Follow up", "regardingobjectid_contact_task@odata.bind": "$1"}),
            ),
            write("3", "PATCH $1", json!({"jobtitle": "Engineer"})),
            write("4", "PUT $1/nickname", json!({"value": "Countess"})),
        ]),
        part(
            None,
            "GET contacts?$select=fullname,jobtitle,nickname&$filter=fullname eq 'Ada Byron'",
            "Accept: application/json\r\n",
            "",
        ),
        part(None, "GET contacts?$select=nothing", "", ""),
        part(None, "GET contacts?$select=fullname", "", ""),
    ]);
    let answered = send(&org, "b1", body, "").await;
    assert_eq!(
        answered.status, 400,
        "the status of the operation that failed"
    );
    let boundary = answered
        .content_type
        .strip_prefix("multipart/mixed; boundary=")
        .unwrap();
    assert_eq!(masked(boundary), "batchresponse_#");
    let base = &org.base;
    let contact = org.read("contacts?$select=fullname,_ownerid_value").await["value"][0].clone();
    let etag = contact["@odata.etag"]
        .as_str()
        .unwrap()
        .replace('"', "\\\"");
    let created = |id: u32, set: &str, location: bool| {
        let location = if location {
            format!("Location: {base}/{set}(#)\r\n")
        } else {
            String::new()
        };
        format!(
            "--changesetresponse_#\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n\
             HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n{location}OData-EntityId: {base}/{set}(#)\r\n\r\n\r\n"
        )
    };
    let expected = format!(
        "--batchresponse_#\r\nContent-Type: multipart/mixed; boundary=changesetresponse_#\r\n\r\n{}{}{}\
         --changesetresponse_#\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 4\r\n\r\n\
         HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n\
         --changesetresponse_#--\r\n\
         --batchresponse_#\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0\r\n\r\n\
         {{\"@odata.context\":\"{base}/$metadata#contacts(fullname,jobtitle,nickname)\",\"value\":[{{\"@odata.etag\":\"{etag}\",\
         \"fullname\":\"Ada Byron\",\"jobtitle\":\"Engineer\",\"nickname\":\"Countess\",\"contactid\":\"#\"}}]}}\r\n\
         --batchresponse_#\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
         HTTP/1.1 400 Bad Request\r\nREQ_ID: #\r\nContent-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0\r\n\r\n\
         {{\"error\":{{\"code\":\"0x80060888\",\"message\":\"Could not find a property named 'nothing' on type \
         'Microsoft.Dynamics.CRM.contact'.\"}}}}\r\n\
         --batchresponse_#--\r\n",
        created(1, "contacts", true),
        created(2, "tasks", true),
        created(3, "contacts", false),
    );
    assert_eq!(answered.shape(), expected);

    // The task hangs on the contact that was created beside it.
    let tasks = org.read("tasks?$select=_regardingobjectid_value").await;
    assert_eq!(
        tasks["value"][0]["_regardingobjectid_value"],
        contact["contactid"]
    );
}

#[tokio::test]
async fn what_published_clients_send() {
    let org = Org::empty().await;
    // Bare LF, a blank line first, quoted boundary, no line end at the close.
    let lf = format!(
        "\n{}",
        batch(&[part(
            None,
            "POST contacts",
            "Content-Type: application/json\r\n",
            "{\"lastname\":\"L\"}\r\n"
        )])
    );
    let lf = lf.replace("\r\n", "\n");
    let answered = send(&org, "\"b1\"", lf.trim_end().to_owned(), "").await;
    assert_eq!(
        (answered.status, answered.statuses()),
        (200, vec![204]),
        "{}",
        answered.body
    );

    let absolute = format!("GET {}/contacts/$count", org.base);
    let table = [
        (absolute.as_str(), 200),
        (
            "GET /api/data/v9.2/contacts?$filter=lastname eq 'L' and fullname ne null",
            200,
        ),
        ("GET /api/data/v9.0/RetrieveVersion()", 200),
        ("GET contacts?$filter=lastname%20eq%20%27L%27", 200),
        ("GET WhoAmI", 200),
        ("GET /contacts", 404),
        ("GET https://elsewhere.example/api/data/v9.2/contacts", 404),
        ("GET /OnPrem/api/data/v9.1/contacts", 404),
        ("GET contactz", 404),
        ("POST $batch", 400),
        ("PATCH $1", 400),
    ];
    for (line, status) in table {
        let body = batch(&[part(None, line, "Accept: application/json\r\n", "")]);
        let answered = send(&org, "b1", body, "odata.continue-on-error").await;
        assert_eq!(
            (answered.status, answered.statuses()),
            (200, vec![status]),
            "{line}: {}",
            answered.body
        );
        assert_eq!(answered.preference, "odata.continue-on-error");
    }

    // A reference behind the service's root, and one in `@odata.id`.
    let body = batch(&[change_set(&[
        write("100001", "POST accounts", json!({"name": "A"})),
        write("100002", "POST contacts", json!({"lastname": "C"})),
        write(
            "100003",
            &format!("PUT {}/$100002/parentcustomerid_account/$ref", org.base),
            json!({"@odata.id": "$100001"}),
        ),
    ])]);
    let answered = send(&org, "b1", body, "").await;
    assert_eq!(answered.statuses(), [204, 204, 204], "{}", answered.body);
    let row = org
        .read("contacts?$filter=lastname eq 'C'&$expand=parentcustomerid_account($select=name)")
        .await;
    assert_eq!(row["value"][0]["parentcustomerid_account"]["name"], "A");
}

#[tokio::test]
async fn headers_of_a_part_count_for_that_part() {
    let org = Org::empty().await;
    let id = org.create("contacts", json!({"lastname": "A"})).await;
    let json_type = "Content-Type: application/json\r\n";
    let line = format!("PATCH contacts({id})");
    let parts = [
        part(
            None,
            &line,
            &format!("{json_type}If-Match: W/\"1\"\r\n"),
            "{\"lastname\":\"B\"}",
        ),
        part(
            None,
            &line,
            &format!("{json_type}If-None-Match: *\r\n"),
            "{\"lastname\":\"B\"}",
        ),
        part(
            None,
            &format!("{line}?$select=lastname"),
            &format!("{json_type}If-Match: *\r\nPrefer: return=representation\r\n"),
            "{\"lastname\":\"D\"}",
        ),
        part(
            None,
            "GET contacts?$select=statecode",
            "Prefer: odata.include-annotations=\"*\",odata.maxpagesize=1\r\n",
            "",
        ),
        part(
            None,
            &format!("DELETE contacts({id})"),
            "If-Match: *\r\n",
            "",
        ),
    ];
    let answered = send(&org, "b1", batch(&parts), "odata.continue-on-error").await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.statuses(), [412, 412, 200, 200, 204]);
    assert!(answered.body.contains("\"lastname\":\"D\""));
    assert!(
        answered
            .body
            .contains("Preference-Applied: return=representation\r\n")
    );
    assert!(
        answered
            .body
            .contains("\"statecode@OData.Community.Display.V1.FormattedValue\":\"Active\"")
    );

    // One status for all, at the first failure, and nothing behind it.
    let stopped = send(&org, "b1", batch(&parts), "").await;
    assert_eq!(
        (stopped.status, stopped.statuses()),
        (404, vec![404]),
        "the row is gone"
    );
    assert_eq!(stopped.preference, "");
}

#[tokio::test]
async fn a_change_set_that_fails_leaves_nothing_and_one_part() {
    let org = Org::empty().await;
    let parts = |goes_wrong: Value| {
        batch(&[
            part(
                None,
                "POST contacts",
                "Content-Type: application/json\r\n",
                "{\"lastname\":\"before\"}",
            ),
            change_set(&[
                write("1", "POST contacts", json!({"lastname": "inside"})),
                write("2", "POST tasks", goes_wrong),
                write("3", "POST contacts", json!({"lastname": "inside too"})),
            ]),
            part(
                None,
                "POST contacts",
                "Content-Type: application/json\r\n",
                "{\"lastname\":\"behind\"}",
            ),
        ])
    };
    let long = json!({"subject": "x".repeat(201)});
    let message = "{\"error\":{\"code\":\"0x80044331\",\"message\":\"A validation error occurred.  The length of the 'subject' \
                   attribute of the 'task' entity exceeded the maximum allowed length of '200'.\"}}";
    let answered = send(&org, "b1", parts(long.clone()), "").await;
    assert_eq!(
        (answered.status, answered.statuses()),
        (400, vec![204, 400])
    );
    assert!(answered.body.contains(message), "{}", answered.body);
    assert!(
        answered.body.contains("Content-ID: 2\r\n") && !answered.body.contains("Content-ID: 1")
    );
    assert_eq!(
        org.names("contacts", "fullname", "lastname ne null").await,
        ["before"]
    );

    let answered = send(&org, "b1", parts(long), "odata.continue-on-error").await;
    assert_eq!(
        (answered.status, answered.statuses()),
        (200, vec![204, 400, 204])
    );
    assert_eq!(
        org.names("contacts", "fullname", "lastname ne null").await,
        ["before", "before", "behind"]
    );

    // A reference to what does not exist yet fails the change set as well.
    let later = json!({"subject": "t", "regardingobjectid_contact_task@odata.bind": "$3"});
    let answered = send(&org, "b1", parts(later), "").await;
    assert_eq!(answered.statuses(), [204, 400]);
    assert!(
        answered
            .body
            .contains("Content-ID Reference: '$3' does not exist in the batch context.")
    );
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_does_nothing() {
    let org = Org::empty().await;
    let get = part(Some("9"), "GET contacts", "", "");
    let post = write("1", "POST contacts", json!({"lastname": "A"}));
    let nameless = part(None, "POST contacts", "", "{}");
    let table = [
        (
            "multipart/mixed; boundary=b1",
            batch(&[post.clone(), change_set(&[get])]),
            "0x80048d19",
            "invalid HTTP method 'GET'",
        ),
        (
            "multipart/mixed; boundary=b1",
            batch(&[change_set(&[post.clone(), nameless])]),
            "0x80060888",
            "Content-ID header not present",
        ),
        (
            "multipart/mixed; boundary=b1",
            batch(&[change_set(&[change_set(std::slice::from_ref(&post))])]),
            "0x80048d19",
            "Nested",
        ),
        (
            "multipart/mixed; boundary=b2",
            batch(std::slice::from_ref(&post)),
            "0x80048d19",
            "Stream was not readable.",
        ),
        (
            "application/json",
            "{}".to_owned(),
            "0x80048d19",
            "multipart/mixed",
        ),
        (
            "multipart/mixed; boundary=b1",
            batch(&vec![post; 1001]),
            "0x80060888",
            "The batch size exceeds the maximum limit of 1000",
        ),
    ];
    for (kind, body, code, text) in table {
        let request = org
            .request(Method::POST, "$batch")
            .header("content-type", kind)
            .body(body);
        let (status, found, message) = failure(request).await;
        assert_eq!((status, found.as_str()), (400, code), "{message}");
        assert!(message.contains(text), "{message}");
    }
    assert_eq!(count(&org, "contacts").await, "0");
    let (status, _, _) = failure(org.get("$batch")).await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn the_log_lists_what_a_batch_held() {
    let org = Org::empty().await;
    org.admin(Method::DELETE, "/requests", json!(null)).await;
    let body = batch(&[
        part(None, "GET contacts?$top=1", "", ""),
        change_set(&[
            write("1", "POST contacts", json!({"lastname": "A"})),
            write("2", "PATCH $1", json!({"nothing": 1})),
        ]),
    ]);
    send(&org, "b1", body, "").await;
    let log = org.admin_get("/requests").await;
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(log[0]["status"], 400);
    assert_eq!(
        log[0]["operations"],
        json!([
            {"method": "GET", "path": "contacts", "status": 200},
            {"method": "POST", "path": "contacts", "status": 204},
            {"method": "PATCH", "path": "$1", "status": 400},
        ])
    );
}

#[tokio::test]
async fn an_injected_fault_leaves_a_change_set_whole_or_undone() {
    let org = Org::empty().await;
    let body = batch(&[change_set(&[
        write("1", "POST contacts", json!({"lastname": "A"})),
        write(
            "2",
            "POST tasks",
            json!({"subject": "T", "regardingobjectid_contact_task@odata.bind": "$1"}),
        ),
    ])]);
    for (fault, path, kept) in [
        ("reset_before_commit", "$batch", false),
        ("reset_after_commit", "$batch", true),
        ("truncated_body", "$batch", true),
        ("server_error", "$batch", false),
        ("server_error", "/tasks", false),
        ("too_many_requests", "/tasks", false),
    ] {
        let before: u32 = count(&org, "contacts").await.parse().unwrap();
        org.fault(fault, path).await;
        let _ = org
            .request(Method::POST, "$batch")
            .header("content-type", "multipart/mixed; boundary=b1")
            .body(body.clone())
            .send()
            .await;
        let after = before + u32::from(kept);
        assert_eq!(
            count(&org, "contacts").await,
            after.to_string(),
            "{fault} {path}"
        );
        assert_eq!(
            count(&org, "tasks").await,
            after.to_string(),
            "{fault} {path}"
        );
    }
    assert_eq!(
        org.admin_get("/faults").await,
        json!([]),
        "every fault was met"
    );
}

/// One operation of a generated change set.
#[derive(Debug, Clone)]
enum Step {
    Create(u8),
    Change(u8, u8),
    Delete(u8),
    Upsert(u8, u8),
    Task(u8),
    Invalid(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = 0u8..4;
    prop::collection::vec(
        prop_oneof![
            4 => any::<u8>().prop_map(Step::Create),
            3 => (rows.clone(), any::<u8>()).prop_map(|(row, n)| Step::Change(row, n)),
            1 => rows.clone().prop_map(Step::Delete),
            2 => (any::<u8>(), any::<u8>()).prop_map(|(row, n)| Step::Upsert(row, n)),
            2 => rows.prop_map(Step::Task),
            1 => (0u8..4).prop_map(Step::Invalid),
        ],
        1..10,
    )
}

fn contact(row: u8) -> String {
    format!("6f1c0000-0000-4000-8000-0000000000{row:02x}")
}

fn written(id: usize, step: &Step) -> String {
    let id = id.to_string();
    match step {
        Step::Create(n) => write(
            &id,
            "POST contacts",
            json!({"lastname": format!("new {n}")}),
        ),
        Step::Change(row, n) => part(
            Some(&id),
            &format!("PATCH contacts({})", contact(*row)),
            "Content-Type: application/json\r\nIf-Match: *\r\n",
            &json!({"nickname": format!("n{n}")}).to_string(),
        ),
        Step::Delete(row) => part(
            Some(&id),
            &format!("DELETE contacts({})", contact(*row)),
            "",
            "",
        ),
        Step::Upsert(row, n) => write(
            &id,
            &format!("PATCH contacts({})", contact(*row)),
            json!({"jobtitle": format!("j{n}")}),
        ),
        Step::Task(row) => write(
            &id,
            "POST tasks",
            json!({"subject": "t", "regardingobjectid_contact_task@odata.bind": format!("/contacts({})", contact(*row))}),
        ),
        Step::Invalid(kind) => {
            let (line, body) = match kind {
                0 => ("POST contacts", json!({"lastname": "x".repeat(51)})),
                1 => ("POST contacts", json!({"wrong": 1})),
                2 => ("POST incidents", json!({"title": "nobody's"})),
                _ => ("PATCH $77", json!({})),
            };
            write(&id, line, body)
        }
    }
}

/// Every row of the tables that the steps touch.
async fn everything(org: &Org) -> Vec<Value> {
    let mut all = Vec::new();
    for set in [
        "contacts?$orderby=contactid",
        "tasks?$orderby=activityid",
        "incidents",
    ] {
        all.push(org.read(set).await["value"].clone());
    }
    all
}

#[test]
fn a_change_set_happens_whole_or_not_at_all() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let org = runtime.block_on(async {
        let org = Org::empty().await;
        for row in 0..4 {
            org.create(
                "contacts",
                json!({"contactid": contact(row), "lastname": format!("row {row}")}),
            )
            .await;
        }
        org
    });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let parts: Vec<String> = steps
                    .iter()
                    .enumerate()
                    .map(|(n, step)| written(n + 1, step))
                    .collect();
                let before = everything(&org).await;
                let answered = send(&org, "b1", batch(&[change_set(&parts)]), "").await;
                let after = everything(&org).await;
                if answered.status == 200 {
                    prop_assert_eq!(answered.statuses(), vec![204; steps.len()]);
                    let invalid = steps.iter().any(|step| matches!(step, Step::Invalid(_)));
                    prop_assert!(!invalid, "{}", answered.body);
                    let count = |wanted: fn(&Step) -> bool| {
                        steps.iter().filter(|step| wanted(step)).count()
                    };
                    let rows = |all: &[Value], set: usize| all[set].as_array().unwrap().len();
                    prop_assert!(rows(&after, 0) >= count(|step| matches!(step, Step::Create(_))));
                    prop_assert!(after != before);
                } else {
                    prop_assert_eq!(
                        answered.statuses().len(),
                        1,
                        "one part for the whole change set"
                    );
                    prop_assert_eq!(&after, &before);
                }
                Ok(())
            })
        })
        .unwrap();
    runtime.block_on(org.sandbox.stop());
}
