//! Reading and writing against the recorded shapes of the Web API.

use crate::common::*;
use dataverse::{
    Client, Condition, Error, Expand, Filter, Outcome, Query, RecordBody, Reference, Write,
};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ID: Uuid = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);
const PREFER: &str = "odata.include-annotations=\"OData.Community.Display.V1.FormattedValue,\
                      Microsoft.Dynamics.CRM.lookuplogicalname\"";

fn json_ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_raw(body.to_string(), "application/json; odata.metadata=minimal")
}

#[tokio::test]
async fn a_query_reads_rows_with_formatted_values_and_lookups() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let body = json!({
        "@odata.context": "x/$metadata#contacts",
        "@odata.count": 2,
        "value": [
            {
                "@odata.etag": "W/\"2504512\"",
                "fullname": "Ada Byron",
                "emailaddress1": null,
                "contactid": "6f1c0000-0000-0000-0000-000000000001",
                "_parentcustomerid_value@OData.Community.Display.V1.FormattedValue": "Analytical Ltd",
                "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
                "_parentcustomerid_value": "b1d00000-0000-0000-0000-000000000001",
                "statecode@OData.Community.Display.V1.FormattedValue": "Active",
                "statecode": 0,
                "parentcustomerid_account": {"name": "Analytical Ltd", "accountid": "b1d00000-0000-0000-0000-000000000001"},
                "Contact_Tasks": [{"subject": "Call"}, {"subject": "Write"}],
                "Contact_Tasks@odata.nextLink": "ignored",
            },
            {"contactid": "not an id", "fullname": 7, "_parentcustomerid_value": null, "parentcustomerid_account": null},
        ],
    });
    Mock::given(method("GET"))
        .and(path(format!("{API}contacts")))
        .and(query_param(
            "$filter",
            "emailaddress1 eq 'o''brien@example.com'",
        ))
        .and(query_param("$top", "11"))
        .and(query_param(
            "$expand",
            "parentcustomerid_account($select=name)",
        ))
        .and(header("if-none-match", "null"))
        .respond_with(json_ok(body))
        .expect(1)
        .mount(&server)
        .await;
    let query = Query::new("contacts")
        .filter(Filter::equals("emailaddress1", "o'brien@example.com"))
        .expand(Expand::new("parentcustomerid_account").select(["name"]))
        .top(11)
        .count(true)
        .formatted_values(true);
    let page = client(&server).query(&query).await.unwrap();
    assert_eq!(last(&server).await.headers.get("prefer").unwrap(), PREFER);

    assert_eq!(
        (page.rows.len(), page.count, page.next.is_none()),
        (2, Some(2), true)
    );
    let row = &page.rows[0];
    assert_eq!(row.etag(), Some("W/\"2504512\""));
    assert_eq!(row.id("contactid"), Some(ID));
    assert_eq!(
        (
            row.text("fullname"),
            row.text("emailaddress1"),
            row.text("nothing")
        ),
        (Some("Ada Byron"), None, None)
    );
    assert_eq!(
        (row.value("statecode"), row.formatted("statecode")),
        (&json!(0), Some("Active"))
    );
    for name in ["parentcustomerid", "_parentcustomerid_value"] {
        let lookup = row.lookup(name).unwrap();
        assert_eq!(
            lookup.id.to_string(),
            "b1d00000-0000-0000-0000-000000000001"
        );
        assert_eq!(
            (lookup.table.as_deref(), lookup.name.as_deref()),
            (Some("account"), Some("Analytical Ltd"))
        );
    }
    assert_eq!(
        row.expanded("parentcustomerid_account")
            .unwrap()
            .text("name"),
        Some("Analytical Ltd")
    );
    assert_eq!(row.expanded_rows("Contact_Tasks").len(), 2);
    assert!(row.lookup("ownerid").is_none() && row.expanded("nothing").is_none());
    assert!(row.expanded_rows("nothing").is_empty() && row.value("nothing").is_null());

    let odd = &page.rows[1];
    assert!(
        odd.id("contactid").is_none() && odd.text("fullname").is_none() && odd.etag().is_none()
    );
    assert!(
        odd.lookup("parentcustomerid").is_none()
            && odd.expanded("parentcustomerid_account").is_none()
    );
}

#[tokio::test]
async fn pages_are_followed_verbatim_with_the_same_preferences() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let cookie = "%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20/%3E";
    let link = format!(
        "{}{API}contacts?$select=fullname&$skiptoken={cookie}",
        server.uri()
    );
    Mock::given(method("GET"))
        .and(query_param(
            "$skiptoken",
            "<cookie pagenumber=\"2\" pagingcookie=\"%3ccookie%20page%3d%221%22%3e\" />",
        ))
        .respond_with(json_ok(json!({"value": [{"fullname": "B"}]})))
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    let first = json!({"value": [{"fullname": "A"}], "@odata.nextLink": link});
    answer(&server, "GET", "contacts", json_ok(first)).await;

    let client = client(&server);
    let query = Query::new("contacts")
        .select(["fullname"])
        .page_size(1)
        .formatted_values(true);
    let page = client.query(&query).await.unwrap();
    let second = client.next_page(&page.next.unwrap()).await.unwrap();
    assert_eq!(
        (second.rows[0].text("fullname"), second.next),
        (Some("B"), None)
    );
    let request = last(&server).await;
    assert!(
        link.ends_with(request.url.query().unwrap()),
        "{}",
        request.url
    );
    assert_eq!(
        request.headers.get("prefer").unwrap().to_str().unwrap(),
        format!("{PREFER},odata.maxpagesize=1")
    );
}

#[tokio::test]
async fn the_token_never_goes_where_a_foreign_link_leads() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    give_tokens(&server).await;
    for link in [
        format!("{}{API}contacts", elsewhere.uri()),
        format!("{}{API}../v9.1/contacts", server.uri()),
        format!("{}@evil.example{API}contacts", server.uri()),
        format!("{}/other/api/data/v9.2/contacts", server.uri()),
        "contacts?$skiptoken=2".to_owned(),
        "not a link".to_owned(),
    ] {
        let body = json_ok(json!({"value": [], "@odata.nextLink": link}));
        let mock = Mock::given(method("GET"))
            .respond_with(body)
            .expect(1)
            .mount_as_scoped(&server)
            .await;
        let client = client(&server);
        let page = client.query(&Query::new("contacts")).await.unwrap();
        let error = client.next_page(&page.next.unwrap()).await.unwrap_err();
        assert_eq!(error.code(), "invalid_answer", "{link}");
        drop(mock);
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn one_record_is_read_by_its_id() {
    let resource = format!("contacts({ID})");
    let server = organization(
        &resource,
        json_ok(json!({"@odata.etag": "W/\"1\"", "fullname": "Ada"})),
    )
    .await;
    let client = client(&server);
    let query = Query::new("contacts")
        .select(["fullname"])
        .formatted_values(true);
    let row = client.retrieve("contacts", ID, &query).await.unwrap();
    assert_eq!(
        (row.text("fullname"), row.etag()),
        (Some("Ada"), Some("W/\"1\""))
    );
    let request = last(&server).await;
    assert_eq!(
        (
            request.url.query(),
            request.headers.get("prefer").unwrap().to_str().unwrap()
        ),
        (Some("$select=fullname"), PREFER)
    );

    let error = client
        .retrieve("contacts", ID, &Query::new("contacts").top(1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_query");
    for entity_set in ["contacts/../x", "", "contacts?x", "contacts(1)"] {
        assert_eq!(
            client
                .retrieve(entity_set, ID, &query)
                .await
                .unwrap_err()
                .code(),
            "invalid_query"
        );
        assert_eq!(
            client
                .query(&Query::new(entity_set))
                .await
                .unwrap_err()
                .code(),
            "invalid_query"
        );
    }
}

#[tokio::test]
async fn an_upsert_sends_its_condition() {
    let body = json!({"lastname": "Byron", "parentcustomerid_account@odata.bind": "/accounts(b1d00000-0000-0000-0000-000000000001)"});
    let table = [
        (Condition::None, None, Outcome::CreatedOrUpdated),
        (
            Condition::OnlyCreate,
            Some(("if-none-match", "*")),
            Outcome::Created,
        ),
        (
            Condition::OnlyUpdate,
            Some(("if-match", "*")),
            Outcome::Updated,
        ),
        (
            Condition::IfUnchanged("W/\"7\"".to_owned()),
            Some(("if-match", "W/\"7\"")),
            Outcome::Updated,
        ),
    ];
    for (condition, sent, outcome) in table {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        Mock::given(method("PATCH"))
            .and(path(format!("{API}contacts({ID})")))
            .and(header("content-type", "application/json; charset=utf-8"))
            .and(body_json(&body))
            .respond_with(ResponseTemplate::new(204).insert_header("OData-EntityId", "x"))
            .expect(1)
            .mount(&server)
            .await;
        let written = client(&server)
            .upsert("contacts", ID, &body, condition)
            .await
            .unwrap();
        assert_eq!((written.outcome, written.etag), (outcome, None));
        let headers = last(&server).await.headers;
        for name in ["if-match", "if-none-match"] {
            let expected = sent
                .filter(|(sent, _)| *sent == name)
                .map(|(_, value)| value);
            assert_eq!(
                headers.get(name).map(|value| value.to_str().unwrap()),
                expected
            );
        }
    }
}

#[tokio::test]
async fn an_upsert_that_reads_back_knows_what_happened() {
    for (status, outcome) in [(201, Outcome::Created), (200, Outcome::Updated)] {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        let row = json!({"@odata.etag": "W/\"8\"", "contactid": ID.to_string(), "fullname": "Ada"});
        Mock::given(method("PATCH"))
            .and(query_param("$select", "fullname"))
            .and(header("prefer", "return=representation"))
            .respond_with(ResponseTemplate::new(status).set_body_json(row))
            .expect(1)
            .mount(&server)
            .await;
        let query = Query::new("contacts").select(["fullname"]);
        let client = client(&server);
        let write = Write::upsert(
            Reference::record("contacts", ID),
            RecordBody::new().set("lastname", "B"),
        );
        let written = client.write(&write.returning(query)).await.unwrap();
        let row = written.row.as_ref().unwrap();
        assert_eq!(
            (
                written.outcome,
                written.etag.as_deref(),
                row.id("contactid")
            ),
            (outcome, Some("W/\"8\""), Some(ID))
        );
    }
}

#[tokio::test]
async fn a_failed_condition_is_told_apart_by_its_code() {
    let table = [
        (Condition::OnlyCreate, 412, "0x80040237", "record_exists"),
        (Condition::OnlyCreate, 412, "", "record_exists"),
        (
            Condition::OnlyCreate,
            412,
            "0x80060892",
            "alternate_key_exists",
        ),
        (Condition::OnlyCreate, 412, "0x80040333", "duplicate_found"),
        (Condition::None, 500, "0x80040333", "duplicate_found"),
        (Condition::None, 412, "", "precondition_failed"),
        (Condition::OnlyUpdate, 404, "0x80040217", "not_found"),
        (
            Condition::IfUnchanged("W/\"1\"".to_owned()),
            412,
            "0x80060882",
            "record_changed",
        ),
        (
            Condition::IfUnchanged("W/\"1\"".to_owned()),
            412,
            "",
            "record_changed",
        ),
        (
            Condition::IfUnchanged("W/\"1\"".to_owned()),
            404,
            "0x80040217",
            "not_found",
        ),
    ];
    for (condition, status, dataverse_code, code) in table {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        let refusal = dataverse_error(
            status,
            dataverse_code,
            "A record with matching key values already exists.",
        );
        Mock::given(method("PATCH"))
            .respond_with(refusal)
            .expect(1)
            .mount(&server)
            .await;
        let error = client(&server)
            .upsert("contacts", ID, &json!({}), condition)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{dataverse_code}");
        assert_eq!(error.is_precondition_failed(), code != "not_found");
        assert_eq!(
            error.dataverse_code(),
            Some(dataverse_code).filter(|code| !code.is_empty())
        );
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent() {
    let server = MockServer::start().await;
    let client = client(&server);
    let refused = [
        client
            .upsert("contacts", ID, &json!([]), Condition::None)
            .await,
        client
            .upsert("con tacts", ID, &json!({}), Condition::None)
            .await,
        client
            .upsert(
                "contacts",
                ID,
                &json!({}),
                Condition::IfUnchanged("W/\"1\"\r\nX: y".to_owned()),
            )
            .await,
    ];
    for outcome in refused {
        assert_eq!(outcome.unwrap_err().code(), "invalid_query");
    }
    let long = Query::new("contacts").filter(Filter::equals("fullname", "名".repeat(10_000)));
    assert_eq!(
        client.query(&long).await.unwrap_err().code(),
        "request_too_long"
    );
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_error_of_dataverse_has_its_own_meaning() {
    let privilege = "Principal user (Id=7c2d, type=8, roleCount=1, privilegeCount=421, accessMode='0 Read-Write'), is missing \
                     prvReadContact privilege (Id=x) on OTC=2 for entity 'contact'.";
    let table = [
        (
            403,
            "0x80072560",
            "The user is not a member of the organization.",
            "not_a_member",
        ),
        (
            403,
            "0x80040225",
            "The specified user(Id = x) is disabled.",
            "user_disabled",
        ),
        (403, "0x8004D24B", "No licence.", "no_licence"),
        (
            403,
            "0x80042f09",
            "The user with id x has not been assigned any roles.",
            "no_role",
        ),
        (403, "0x80040220", privilege, "missing_privilege"),
        (
            403,
            "0x80040299",
            "CrmCheckPrivilege failed.",
            "missing_privilege",
        ),
        (
            403,
            "0x80048306",
            "SecLib::AccessCheckEx failed.",
            "no_access_to_record",
        ),
        (403, "0x80048405", "Access is denied.", "forbidden"),
        (
            404,
            "0x80040217",
            "Entity 'contact' With Id = x Does Not Exist",
            "not_found",
        ),
        (
            404,
            "0x80060891",
            "A record with the specified key values does not exist.",
            "not_found",
        ),
        (
            404,
            "0x80060888",
            "Resource not found for the segment 'contactz'.",
            "unknown_table",
        ),
        (
            404,
            "0x8006088a",
            "Resource not found for the segment.",
            "unknown_table",
        ),
        (
            404,
            "",
            "No HTTP resource was found that matches the request URI.",
            "not_found",
        ),
        (
            400,
            "0x80060888",
            "Could not find a property named 'x'.",
            "bad_request",
        ),
        (
            400,
            "0x0",
            "There is an unterminated literal.",
            "bad_request",
        ),
        (
            400,
            "0x80044331",
            "A validation error occurred.",
            "invalid_value",
        ),
        (
            400,
            "0x80040265",
            "Close the old case first.",
            "business_rule",
        ),
        (405, "0x80040227", "Cannot delete.", "still_referenced"),
        (413, "0x8004418a", "Too large.", "bad_request"),
        (415, "", "Wrong type.", "bad_request"),
        (501, "", "Not implemented.", "bad_request"),
        (
            500,
            "0x80040216",
            "An unexpected error occurred.",
            "server_failed",
        ),
        (500, "0x80044151", "SQL timeout expired.", "server_failed"),
    ];
    for (status, dataverse_code, text, code) in table {
        let server = organization("contacts", dataverse_error(status, dataverse_code, text)).await;
        let error = client(&server)
            .query(&Query::new("contacts"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{status} {dataverse_code}");
        assert_eq!(
            error.request_id(),
            Some("5ecd1cb3-1730-4ffc-909c-d44c22270026")
        );
        assert_eq!(
            error.dataverse_code(),
            Some(dataverse_code).filter(|code| !code.is_empty())
        );
        assert!(!error.is_offline() && !error.is_sign_in());
        assert!(error.message().ends_with('.') && !error.next_step().is_empty());
        assert!(
            !format!("{error} {error:?}").contains(text),
            "the text may repeat values"
        );
        if let Error::MissingPrivilege {
            privilege: Some(privilege),
            ..
        } = &error
        {
            assert_eq!(privilege, "prvReadContact");
            assert!(error.message().contains(privilege) && error.next_step().contains(privilege));
        }
        if let Error::BusinessRule(answer) = &error {
            assert_eq!(answer.text(), Some(text));
            assert!(
                error.message().contains(text),
                "its author wrote it for the user"
            );
        }
        assert_eq!(
            text == privilege,
            error.next_step().contains("prvReadContact")
        );
    }
}

#[tokio::test]
async fn what_is_not_dataverse_is_said_to_be_so() {
    let html = "<!DOCTYPE html><html><body>Sign in to your account</body></html>";
    let table = [
        (
            ResponseTemplate::new(200).set_body_raw(html, "text/html"),
            "not_dataverse",
        ),
        (
            ResponseTemplate::new(200).set_body_raw(html, "application/json"),
            "not_dataverse",
        ),
        (ResponseTemplate::new(200), "not_dataverse"),
        (ResponseTemplate::new(204), "not_dataverse"),
        (
            ResponseTemplate::new(302).insert_header("Location", "https://login.example/"),
            "not_dataverse",
        ),
        (
            ResponseTemplate::new(404).set_body_raw(html, "text/html"),
            "not_dataverse",
        ),
        (ResponseTemplate::new(404), "not_dataverse"),
        (
            ResponseTemplate::new(403).set_body_raw(html, "text/html"),
            "not_dataverse",
        ),
        (
            ResponseTemplate::new(400).set_body_raw("{\"error\":\"text\"}", "application/json"),
            "not_dataverse",
        ),
        (
            ResponseTemplate::new(500).set_body_raw(html, "text/html"),
            "server_failed",
        ),
        (
            ResponseTemplate::new(502).set_body_raw(html, "text/html"),
            "organization_unavailable",
        ),
        (
            ResponseTemplate::new(413).set_body_raw(html, "text/html"),
            "bad_request",
        ),
        (json_ok(json!([1, 2])), "not_dataverse"),
        (json_ok(json!("text")), "not_dataverse"),
        (json_ok(json!({"hello": "world"})), "not_dataverse"),
        (json_ok(json!({"value": "text"})), "not_dataverse"),
        (json_ok(json!({"value": [1, null]})), "not_dataverse"),
        (
            ResponseTemplate::new(200)
                .set_body_raw("{\"value\":[{\"fullname\":\"Ad", "application/json"),
            "invalid_answer",
        ),
        (
            ResponseTemplate::new(200).set_body_raw(
                b"{\"value\":[{\"x\":\"\xff\"}]}".to_vec(),
                "application/json",
            ),
            "invalid_answer",
        ),
        (
            ResponseTemplate::new(200).set_body_raw(
                format!("{{\"value\":{}", "[".repeat(100_000)),
                "application/json",
            ),
            "invalid_answer",
        ),
    ];
    for (template, code) in table {
        let server = organization("contacts", template).await;
        let error = client(&server)
            .query(&Query::new("contacts"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
    }
    // A mark in front of the text is none of these.
    let marked = b"\xEF\xBB\xBF{\"value\":[]}".to_vec();
    let server = organization(
        "contacts",
        ResponseTemplate::new(200).set_body_raw(marked, "application/json"),
    )
    .await;
    assert!(
        client(&server)
            .query(&Query::new("contacts"))
            .await
            .unwrap()
            .rows
            .is_empty()
    );

    let server = organization("WhoAmI", json_ok(json!({"UserId": "x"}))).await;
    assert_eq!(
        client(&server).who_am_i().await.unwrap_err().code(),
        "not_dataverse"
    );
}

#[tokio::test]
async fn codes_and_request_ids_from_outside_are_not_trusted() {
    let template = ResponseTemplate::new(400)
        .insert_header("REQ_ID", "a b <script>")
        .set_body_json(json!({"error": {"code": "ada@example.com said \n no", "message": 7}}));
    let server = organization("contacts", template).await;
    let error = client(&server)
        .query(&Query::new("contacts"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.request_id(), error.dataverse_code()),
        ("bad_request", None, None)
    );
}

#[tokio::test]
async fn the_typed_version_and_the_organizations_path_are_used() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    Mock::given(path("/my/org/api/data/v9.0/WhoAmI"))
        .respond_with(who_am_i())
        .expect(1)
        .mount(&server)
        .await;
    let mut connection = cloud(&server);
    connection.organization_url = format!("{}/my/org/api/data/v9.0/", server.uri());
    Client::new(connection).unwrap().who_am_i().await.unwrap();
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = organization(
        "contacts",
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; 33 * 1024 * 1024]),
    )
    .await;
    let mut connection = cloud(&server);
    connection.time_outs.request = Duration::from_secs(60);
    let error = Client::new(connection)
        .unwrap()
        .query(&Query::new("contacts"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "answer_too_large");
}

/// The futures of all operations can be moved to another task.
#[test]
fn operations_can_be_spawned() {
    fn movable<T: Send>(_: T) {}
    fn all(
        client: &'static Client,
        query: &'static Query,
        body: &'static Value,
        next: &'static dataverse::NextLink,
    ) {
        movable(client.sign_in());
        movable(client.who_am_i());
        movable(client.query(query));
        movable(client.next_page(next));
        movable(client.retrieve("x", ID, query));
        movable(client.upsert("x", ID, body, Condition::None));
        movable(client.create("x", body));
        movable(client.delete("x", ID));
        movable(client.pages(query));
    }
    let _ = all;
}
