//! Every status, header and error body of the protocol reference, and what the client makes of it.
//!
//! The tables follow the pages line by line. Each case is asked by a read, which may be repeated, so that it also shows
//! whether the client asks again by itself.

use crate::common::*;
use dataverse::{Error, Query, RecordBody, Reference, Write};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// What a case comes to.
struct Meaning {
    code: &'static str,
    is_offline: bool,
    /// How often it is sent.
    sent: usize,
}

const fn once(code: &'static str) -> Meaning {
    Meaning {
        code,
        is_offline: false,
        sent: 1,
    }
}

const fn repeated(code: &'static str) -> Meaning {
    Meaning {
        sent: 3,
        ..once(code)
    }
}

const OUTAGE: Meaning = Meaning {
    code: "organization_unavailable",
    is_offline: true,
    sent: 3,
};

/// Something of the organization's data that a text may repeat.
const PERSONAL: &str = "ada.byron@example.com";

async fn read(template: ResponseTemplate) -> (Error, usize) {
    let server = organization("contacts", template).await;
    let error = client(&server)
        .query(&Query::new("contacts"))
        .await
        .unwrap_err();
    (error, count(&server, "/contacts").await)
}

async fn check(name: &str, template: ResponseTemplate, meaning: &Meaning) -> Error {
    let (error, sent) = read(template).await;
    assert_eq!(
        (error.code(), error.is_offline(), sent),
        (meaning.code, meaning.is_offline, meaning.sent),
        "{name}: {error:?}"
    );
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        shown.push_str(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
    assert!(!shown.contains(PERSONAL), "{name}: {shown}");
    assert!(
        error.message().ends_with(['.', ' '])
            || error.answer().is_some_and(|answer| answer.text().is_some())
    );
    assert!(!error.next_step().is_empty(), "{name}");
    error
}

/// The code table of `errors-and-limits.md`, line by line.
#[tokio::test]
async fn every_code_of_the_table() {
    let table: &[(u16, &str, Meaning)] = &[
        (404, "0x80040217", once("not_found")),
        (400, "0x80040217", once("not_found")),
        (404, "0x80060891", once("not_found")),
        (400, "0x80060890", once("bad_request")),
        (412, "0x80060892", once("alternate_key_exists")),
        (412, "0x80040237", once("record_exists")),
        (412, "0x80060882", once("record_changed")),
        (412, "0x80040333", once("duplicate_found")),
        (500, "0x80040333", once("duplicate_found")),
        (400, "0x8006088d", once("bad_request")),
        (400, "0x80060888", once("bad_request")),
        (404, "0x80060888", once("unknown_table")),
        (405, "0x80060888", once("bad_request")),
        (415, "0x80060888", once("bad_request")),
        (404, "0x8006088a", once("unknown_table")),
        (400, "0x80048d19", once("bad_request")),
        (400, "", once("bad_request")),
        (404, "", once("not_found")),
        (400, "0x0", once("bad_request")),
        (404, "0x0", once("not_found")),
        (400, "0x80040203", once("invalid_value")),
        (400, "0x80040200", once("invalid_value")),
        (400, "0x80044331", once("invalid_value")),
        (400, "0x80044330", once("invalid_value")),
        (400, "0x8004431a", once("invalid_value")),
        (400, "0x80040239", once("invalid_value")),
        (400, "0x80048408", once("invalid_state")),
        (400, "0x80040230", once("invalid_state")),
        (403, "0x80040230", once("invalid_state")),
        (400, "0x80040233", once("invalid_state")),
        (405, "0x80040227", once("still_referenced")),
        (400, "0x80040227", once("still_referenced")),
        (500, "0x80040227", once("still_referenced")),
        (400, "0x80040229", once("invalid_value")),
        (400, "0x80044410", once("invalid_value")),
        (400, "0x8004022d", once("invalid_value")),
        (400, "0x80040517", once("invalid_state")),
        (400, "0x80044411", once("invalid_state")),
        (400, "0x800404cf", once("invalid_state")),
        (400, "0x8003f452", once("invalid_state")),
        (400, "0x8004f456", once("invalid_state")),
        (400, "0x8004440e", once("invalid_state")),
        (400, "0x80040519", once("invalid_state")),
        (400, "0x80040518", once("invalid_state")),
        (400, "0x80040265", once("business_rule")),
        (500, "0x80040224", once("server_failed")),
        (500, "0x80040216", once("server_failed")),
        (500, "0x80044150", once("server_failed")),
        (500, "0x80044151", repeated("server_failed")),
        (500, "0x80044339", repeated("server_failed")),
        (403, "0x80040299", once("missing_privilege")),
        (403, "0x80042f09", once("no_role")),
        (403, "0x80040220", once("missing_privilege")),
        (403, "0x80048306", once("no_access_to_record")),
        (403, "0x80040225", once("user_disabled")),
        (403, "0x80072560", once("not_a_member")),
        (403, "0x8004d24b", once("no_licence")),
        (403, "0x8004f502", once("forbidden")),
        (403, "0x8004f507", once("forbidden")),
        (403, "0x8004a110", once("forbidden")),
        (403, "0x80048405", once("forbidden")),
        (403, "0x80043e09", once("invalid_value")),
        (400, "0x80043e09", once("invalid_value")),
        (413, "0x8004418a", once("bad_request")),
        (400, "0x80072491", once("no_change_tracking")),
        (400, "0x80044352", once("delta_expired")),
        (400, "0x8004e023", once("bad_request")),
        (429, "0x80072321", repeated("throttled")),
        (429, "0x80072322", repeated("throttled")),
        (429, "0x80072326", repeated("throttled")),
        (429, "0x80072324", repeated("throttled")),
        (429, "0x8005f103", repeated("throttled")),
        // fetchxml.md, section "Errors"
        (400, "0x80040201", once("bad_request")),
        (400, "0x80041102", once("bad_request")),
        (400, "0x80041103", once("bad_request")),
        (400, "0x80041117", once("bad_request")),
        (400, "0x8004111c", once("bad_request")),
        (400, "0x80041120", once("bad_request")),
        (400, "0x80041122", once("bad_request")),
        (400, "0x80041128", once("bad_request")),
        (400, "0x80041129", once("bad_request")),
        (400, "0x8004112a", once("bad_request")),
        (400, "0x80041130", once("bad_request")),
        (400, "0x80041134", once("bad_request")),
        (400, "0x80041135", once("bad_request")),
        (400, "0x8004430c", once("bad_request")),
        (400, "0x8004430d", once("bad_request")),
        // duplicates.md, section "RetrieveDuplicates"
        (400, "0x80048412", once("bad_request")),
        (400, "0x80048410", once("bad_request")),
        // A code that the table does not know goes by its status.
        (400, "0x8004ffff", once("bad_request")),
        (403, "0x8004ffff", once("forbidden")),
        (404, "0x8004ffff", once("not_found")),
        (405, "0x8004ffff", once("bad_request")),
        (412, "0x8004ffff", once("precondition_failed")),
        (500, "0x8004ffff", once("server_failed")),
        (501, "0x8004ffff", once("bad_request")),
    ];
    for (status, code, meaning) in table {
        let text = format!("Something about {PERSONAL}.");
        for code in [
            (*code).to_owned(),
            code.to_ascii_uppercase().replace("0X", "0x"),
        ] {
            let name = format!("{status} {code:?}");
            let error = check(&name, dataverse_error(*status, &code, &text), meaning).await;
            let expected = Some(code.as_str()).filter(|code| !code.is_empty());
            assert_eq!(error.dataverse_code(), expected, "{name}");
            assert_eq!(
                error.request_id(),
                Some("5ecd1cb3-1730-4ffc-909c-d44c22270026")
            );
            let answer = error.answer().unwrap();
            assert_eq!(
                (answer.status(), answer.text()),
                (Some(*status), Some(text.as_str()))
            );
            if code.is_empty() || meaning.sent > 1 {
                break;
            }
        }
    }
}

const HTML: &str = "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body>ada.byron@example.com</body></html>";

fn html(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(HTML, "text/html; charset=us-ascii")
}

/// What is not Dataverse's JSON: `errors-and-limits.md`, sections "Body" and "Status codes".
#[tokio::test]
async fn every_other_body() {
    let empty = ResponseTemplate::new;
    let json = |status: u16, body: &str| {
        ResponseTemplate::new(status)
            .set_body_raw(body.to_owned(), "application/json; odata.metadata=minimal")
    };
    let table = [
        ("front end 502", html(502), OUTAGE),
        ("front end 503", html(503), OUTAGE),
        ("front end 504", html(504), OUTAGE),
        ("empty 502", empty(502), OUTAGE),
        ("empty 503", empty(503), OUTAGE),
        ("empty 504", empty(504), OUTAGE),
        (
            "503 with a body",
            dataverse_error(503, "0x80040216", "x"),
            OUTAGE,
        ),
        ("limit without body", empty(429), repeated("throttled")),
        ("413 of the web server", html(413), once("bad_request")),
        ("414 of the web server", html(414), once("bad_request")),
        ("IIS 404", html(404), once("not_dataverse")),
        ("IIS 403", html(403), once("not_dataverse")),
        ("empty 400", empty(400), once("not_dataverse")),
        ("empty 403", empty(403), once("not_dataverse")),
        ("empty 404", empty(404), once("not_dataverse")),
        ("empty 405", empty(405), once("not_dataverse")),
        ("empty 412", empty(412), once("not_dataverse")),
        ("empty 415", empty(415), once("not_dataverse")),
        ("empty 500", empty(500), once("server_failed")),
        ("HTML 500", html(500), once("server_failed")),
        ("empty 501", empty(501), once("not_dataverse")),
        (
            "redirect to a sign-in page",
            empty(302).insert_header("Location", "https://login.example/"),
            once("not_dataverse"),
        ),
        ("200 of a sign-in page", html(200), once("not_dataverse")),
        (
            "204 where rows are asked for",
            empty(204),
            once("not_dataverse"),
        ),
        (
            "304 that was not asked for",
            empty(304),
            once("not_dataverse"),
        ),
        (
            "JSON of somebody else",
            json(400, r#"{"error":"invalid_request"}"#),
            once("not_dataverse"),
        ),
        (
            "JSON without a code",
            json(400, r#"{"error":{"message":"x"}}"#),
            once("bad_request"),
        ),
        (
            "code as a number",
            json(400, r#"{"error":{"code":-2147220969,"message":"x"}}"#),
            once("bad_request"),
        ),
        (
            "signed decimal code",
            json(404, r#"{"error":{"code":"-2147220969","message":"x"}}"#),
            once("not_found"),
        ),
        (
            "no message",
            json(403, r#"{"error":{"code":"0x80040220"}}"#),
            once("missing_privilege"),
        ),
        (
            "null members",
            json(400, r#"{"error":{"code":null,"message":null}}"#),
            once("bad_request"),
        ),
        (
            "a mark in front",
            json(
                404,
                "\u{feff}{\"error\":{\"code\":\"0x80040217\",\"message\":\"x\"}}",
            ),
            once("not_found"),
        ),
        (
            "cut off",
            json(404, r#"{"error":{"code":"0x80040217","mess"#),
            once("not_dataverse"),
        ),
        (
            "cut off rows",
            json(200, r#"{"value":[{"fullname":"ada.byron@example.com"#),
            once("invalid_answer"),
        ),
        (
            "no rows",
            json(200, r#"{"@odata.context":"x"}"#),
            once("not_dataverse"),
        ),
    ];
    for (name, template, meaning) in table {
        check(name, template, &meaning).await;
    }
}

/// `errors-and-limits.md`, section "Body": what older and talkative servers add changes nothing.
#[tokio::test]
async fn details_of_an_error_are_left_aside() {
    let on_premises = json!({"error": {
        "code": "0x80040217",
        "message": "contact With Id = 6f1c0000-0000-0000-0000-000000000001 Does Not Exist",
        "innererror": {
            "message": PERSONAL,
            "type": "System.ServiceModel.FaultException`1[[Microsoft.Xrm.Sdk.OrganizationServiceFault]]",
            "stacktrace": "   at Microsoft.Crm.Extensibility.OrganizationSdkServiceInternal.Retrieve()",
        },
    }});
    let talkative = json!({"error": {
        "code": "0x80048306",
        "message": "Principal with id 7c2d does not have ReadAccess right(s) for record with id 6f1c of entity contact.",
        "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
        "@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode": "0",
        "@Microsoft.PowerApps.CDS.HelpLink": "http://go.microsoft.com/fwlink/?LinkID=398563",
        "@Microsoft.PowerApps.CDS.TraceText": PERSONAL,
        "@Microsoft.PowerApps.CDS.InnerError.Message": PERSONAL,
    }});
    for (status, body, code) in [
        (404, on_premises, "not_found"),
        (403, talkative, "no_access_to_record"),
    ] {
        let template = ResponseTemplate::new(status).set_body_json(body);
        let error = check(code, template, &once(code)).await;
        assert!(!error.answer().unwrap().text().unwrap().contains(PERSONAL));
    }
}

/// `security.md`, section "Error shapes".
#[tokio::test]
async fn every_refusal_of_the_security_page() {
    let newer = "Principal user (Id=7c2d, type=8, roleCount=1, privilegeCount=421, accessMode='0 Read-Write', \
                 AADObjectId='x', MetadataCachePrivilegesCount=5713, businessUnitId=y), is missing prvReadContact privilege \
                 (Id=z) on OTC=2 for entity 'contact' (LocalizedName='Contact'). context.Caller=7c2d. Consider adding missed \
                 privilege to one of the principal (user/team) roles.";
    let owner = "Read Privilege Check For Owner failed with exception: Principal user (x) is missing prvReadIncident privilege (y)";
    let table = [
        (
            "0x80040220",
            newer,
            "missing_privilege",
            Some("prvReadContact"),
        ),
        (
            "0x80040220",
            "Principal user (Id=7c2d, type=8) is missing prvCreateLead privilege (Id=x)",
            "missing_privilege",
            Some("prvCreateLead"),
        ),
        (
            "0x80040299",
            owner,
            "missing_privilege",
            Some("prvReadIncident"),
        ),
        (
            "0x80040299",
            "CrmCheckPrivilege failed. Returned hr = -2147220839 on UserId: 7c2d and Privilege: x",
            "missing_privilege",
            None,
        ),
        (
            "0x80048306",
            "user with id 7c2d does not have AppendToAccess right(s) for record with id 6f1c of entity Contact.",
            "no_access_to_record",
            None,
        ),
        (
            "0x80048306",
            "SecLib::AccessCheckEx failed. Returned hr = -2147187962, ObjectID: 6f1c, OwnerId: x,  OwnerIdType: 8 and \
             CallingUser: 7c2d. ObjectTypeCode: 2, objectBusinessUnitId: y, AccessRights: ReadAccess",
            "no_access_to_record",
            None,
        ),
        (
            "0x80042f09",
            "The user with id 7c2d has not been assigned any roles. They need a role with the prvReadContact privilege.",
            "no_role",
            None,
        ),
        (
            "0x80072560",
            "The user is not a member of the organization.",
            "not_a_member",
            None,
        ),
        (
            "0x80040225",
            "The specified user(Id = 7c2d) is disabled. Consider enabling this user.",
            "user_disabled",
            None,
        ),
        ("0x8004d24b", "User has no license.", "no_licence", None),
        (
            "0x8004a110",
            "User is not allowed to act on behalf of another user.",
            "forbidden",
            None,
        ),
    ];
    for (code, text, expected, privilege) in table {
        let error = check(code, dataverse_error(403, code, text), &once(expected)).await;
        let named = if let Error::MissingPrivilege { privilege, .. } = &error {
            privilege.as_deref()
        } else {
            None
        };
        assert_eq!(named, privilege, "{text}");
    }
}

/// `errors-and-limits.md`, section "Service protection limits".
#[tokio::test]
async fn every_form_of_being_asked_to_wait() {
    let limit = |retry_after: &str| {
        dataverse_error(
            429,
            "0x80072321",
            "Combined execution time of incoming requests exceeded limit.",
        )
        .insert_header("Retry-After", retry_after)
        .insert_header("x-ms-ratelimit-burst-remaining-xrm-requests", "0")
        .insert_header("x-ms-ratelimit-time-remaining-xrm-requests", "1,196.26")
    };
    let table = [
        ("seconds", limit("21"), "throttled", 21),
        ("a long time", limit("86400"), "throttled", 86_400),
        (
            "a date",
            limit("Wed, 01 May 2024 10:05:00 GMT")
                .insert_header("Date", "Wed, 01 May 2024 10:00:00 GMT"),
            "throttled",
            300,
        ),
        (
            "maintenance",
            html(503).insert_header("Retry-After", "600"),
            "organization_unavailable",
            600,
        ),
    ];
    for (name, template, code, seconds) in table {
        let (error, sent) = read(template).await;
        assert_eq!((error.code(), sent), (code, 1), "{name}");
        let wait = Duration::from_secs(seconds);
        assert_eq!(error.retry_after(), Some(wait), "{name}");
        assert_eq!(
            error.next_step(),
            format!("Try again in {seconds} seconds.")
        );
    }
    for unreadable in ["soon", "-5", ""] {
        let (error, sent) = read(limit(unreadable)).await;
        assert_eq!(
            (error.code(), sent, error.retry_after()),
            ("throttled", 3, None)
        );
    }
}

/// The headers under which servers name a request: `service.md`, section "Headers".
#[tokio::test]
async fn every_name_of_the_request_id() {
    for name in [
        "REQ_ID",
        "x-ms-service-request-id",
        "x-ms-request-id",
        "client-request-id",
    ] {
        let template =
            ResponseTemplate::new(500).insert_header(name, "5ecd1cb3-1730-4ffc-909c-d44c22270026");
        let (error, _) = read(template).await;
        assert_eq!(
            error.request_id(),
            Some("5ecd1cb3-1730-4ffc-909c-d44c22270026"),
            "{name}"
        );
    }
    // What does not look like an id is not passed on.
    let (error, _) = read(ResponseTemplate::new(500).insert_header("REQ_ID", PERSONAL)).await;
    assert_eq!(error.request_id(), None);
}

/// `crud.md`, section "Upsert and conditional requests", and `duplicates.md`: the meanings of 412 and the rest of that
/// table, each asked by the write it belongs to.
#[tokio::test]
async fn every_refused_write() {
    let id = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);
    let contact = || Reference::record("contacts", id);
    let body = RecordBody::new;
    let create = || Write::create("contacts", body());
    let own_id = || Write::create_with_id("contacts", id, body());
    let update = || Write::update(contact(), body());
    let unchanged = || update().if_unchanged("W/\"1\"");
    let delete = || Write::delete(contact());
    let table = [
        (own_id(), 412, "0x80040237", "record_exists"),
        (own_id(), 412, "", "record_exists"),
        (own_id(), 412, "0x80060892", "alternate_key_exists"),
        (own_id(), 412, "0x80040333", "duplicate_found"),
        (create(), 412, "0x80040237", "record_exists"),
        (create(), 412, "0x80060892", "alternate_key_exists"),
        (
            create().detect_duplicates(),
            412,
            "0x80040333",
            "duplicate_found",
        ),
        (
            create().detect_duplicates(),
            500,
            "0x80040333",
            "duplicate_found",
        ),
        (create(), 412, "", "precondition_failed"),
        (create(), 400, "0x80048d19", "bad_request"),
        (create(), 400, "0x80060888", "bad_request"),
        (create(), 404, "0x80040217", "not_found"),
        (create(), 400, "0x80044410", "invalid_value"),
        (update(), 404, "0x80040217", "not_found"),
        (update(), 404, "0x80060891", "not_found"),
        (update(), 400, "0x80040230", "invalid_state"),
        (unchanged(), 412, "0x80060882", "record_changed"),
        (unchanged(), 412, "", "record_changed"),
        (unchanged(), 404, "0x80040217", "not_found"),
        (unchanged(), 400, "0x8006088d", "bad_request"),
        (delete(), 404, "0x80040217", "not_found"),
        (delete(), 405, "0x80040227", "still_referenced"),
        (
            delete().if_unchanged("W/\"1\""),
            412,
            "0x80060882",
            "record_changed",
        ),
        (delete().if_unchanged("W/\"1\""), 412, "", "record_changed"),
        (
            Write::associate(contact(), "x", contact()),
            412,
            "0x80040237",
            "record_exists",
        ),
    ];
    for (write, status, dataverse_code, code) in table {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        Mock::given(any())
            .respond_with(dataverse_error(status, dataverse_code, PERSONAL))
            .with_priority(9)
            .mount(&server)
            .await;
        let error = client(&server).write(&write).await.unwrap_err();
        assert_eq!(error.code(), code, "{write:?} {dataverse_code}");
        assert_eq!(
            error.is_precondition_failed(),
            status == 412 || code == "duplicate_found"
        );
        assert!(!format!("{error} {error:?}").contains(PERSONAL));
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 2, "the token and the write, once");
    }
}
