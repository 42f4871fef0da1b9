//! Creating, changing, deleting and linking against the recorded shapes of the Web API.

use crate::common::*;
use dataverse::{
    Action, Client, Condition, Error, Function, Key, Literal, Outcome, Qualification, Query,
    RecordBody, Reference, Resolution, Write,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const ID: Uuid = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);
const ACCOUNT: Uuid = Uuid::from_u128(0xb1d0_0000_0000_0000_0000_0000_0000_0001);

fn no_content(server: &MockServer, entity: &str) -> ResponseTemplate {
    let address = format!("{}{API}{entity}", server.uri());
    ResponseTemplate::new(204)
        .insert_header("OData-Version", "4.0")
        .insert_header("OData-EntityId", address.as_str())
}

/// A server that signs in and gives this answer to everything else.
async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    Mock::given(any())
        .respond_with(template)
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

/// Path with query, without the API's root.
fn address(request: &Request) -> String {
    let path = request.url.path().strip_prefix(API).unwrap();
    match request.url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn ada() -> RecordBody {
    RecordBody::new()
        .set("lastname", "Byron")
        .set("donotemail", false)
        .set("gendercode", 2)
        .set("creditlimit", Literal::Decimal("1200.50".to_owned()))
        .set(
            "birthdate",
            "1815-12-10".parse::<jiff::civil::Date>().unwrap(),
        )
        .set(
            "lastonholdtime",
            "2024-05-01T12:00:00.75+02:00"
                .parse::<jiff::Timestamp>()
                .unwrap(),
        )
        .set("mobilephone", Literal::Null)
        .bind(
            "parentcustomerid_account",
            Reference::record("accounts", ACCOUNT),
        )
        .unbind("slaid_sla")
}

#[tokio::test]
async fn a_record_is_created_with_typed_values_and_binds() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    Mock::given(method("POST"))
        .and(path(format!("{API}contacts")))
        .and(header("content-type", "application/json; charset=utf-8"))
        .and(body_json(json!({
            "lastname": "Byron",
            "donotemail": false,
            "gendercode": 2,
            "creditlimit": 1200.50,
            "birthdate": "1815-12-10",
            "lastonholdtime": "2024-05-01T10:00:00Z",
            "mobilephone": null,
            "parentcustomerid_account@odata.bind": format!("/accounts({ACCOUNT})"),
            "slaid_sla@odata.bind": null,
        })))
        .respond_with(no_content(&server, &format!("contacts({ID})")))
        .expect(1)
        .mount(&server)
        .await;
    let written = client(&server).create("contacts", ada()).await.unwrap();
    assert_eq!((written.outcome, written.id), (Outcome::Created, Some(ID)));
    assert!(written.row.is_none() && written.etag.is_none());
    let headers = last(&server).await.headers;
    for absent in [
        "if-match",
        "if-none-match",
        "prefer",
        "mscrm.suppressduplicatedetection",
    ] {
        assert!(headers.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn records_are_created_along() {
    let server = answering(ResponseTemplate::new(204)).await;
    let body = RecordBody::new()
        .set("name", "Analytical Ltd")
        .with_new(
            "primarycontactid",
            RecordBody::new().set("lastname", "Byron"),
        )
        .with_new_list(
            "Account_Tasks",
            ["Call", "Write"].map(|subject| RecordBody::new().set("subject", subject)),
        );
    client(&server).create("accounts", body).await.unwrap();
    assert_eq!(
        last(&server).await.body_json::<Value>().unwrap(),
        json!({
            "name": "Analytical Ltd",
            "primarycontactid": {"lastname": "Byron"},
            "Account_Tasks": [{"subject": "Call"}, {"subject": "Write"}],
        })
    );
}

#[tokio::test]
async fn an_id_of_our_own_makes_a_create_repeatable() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("PATCH"))
        .and(path(format!("{API}contacts({ID})")))
        .and(header("if-none-match", "*"))
        .respond_with(no_content(&server, &format!("contacts({ID})")))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    let written = client
        .write(&Write::create_with_id("contacts", ID, ada()))
        .await
        .unwrap();
    assert_eq!((written.outcome, written.id), (Outcome::Created, Some(ID)));

    // Without one a broken create is not sent again: it could make a second record.
    let server = answering(ResponseTemplate::new(502)).await;
    client_of(&server)
        .create("contacts", ada())
        .await
        .unwrap_err();
    assert_eq!(count(&server, "/contacts").await, 1);
}

fn client_of(server: &MockServer) -> Client {
    client(server)
}

#[tokio::test]
async fn every_write_has_its_own_address_and_condition() {
    let key = || {
        Key::Alternate(vec![
            ("emailaddress1".to_owned(), "o'brien+x/y@example.com".into()),
            ("birthdate".to_owned(), Literal::Integer(7)),
        ])
    };
    let keyed = "contacts(emailaddress1='o''brien%2Bx%2Fy%40example.com',birthdate=7)";
    let contact = || Reference::record("contacts", ID);
    let plain = format!("contacts({ID})");
    let body = || RecordBody::new().set("jobtitle", "Engineer");
    let table = [
        (
            Write::update(contact(), body()),
            "PATCH",
            plain.clone(),
            Some(("if-match", "*")),
            Outcome::Updated,
        ),
        (
            Write::update(contact(), body()).if_unchanged("W/\"7\""),
            "PATCH",
            plain.clone(),
            Some(("if-match", "W/\"7\"")),
            Outcome::Updated,
        ),
        (
            Write::upsert(Reference::record("contacts", key()), body()),
            "PATCH",
            keyed.to_owned(),
            None,
            Outcome::CreatedOrUpdated,
        ),
        (
            Write::update(Reference::record("contacts", key()), body()),
            "PATCH",
            keyed.to_owned(),
            Some(("if-match", "*")),
            Outcome::Updated,
        ),
        (
            Write::delete(contact()),
            "DELETE",
            plain.clone(),
            None,
            Outcome::Deleted,
        ),
        (
            Write::delete(Reference::record("contacts", key())),
            "DELETE",
            keyed.to_owned(),
            None,
            Outcome::Deleted,
        ),
        (
            Write::delete(contact()).if_unchanged("W/\"7\""),
            "DELETE",
            plain.clone(),
            Some(("if-match", "W/\"7\"")),
            Outcome::Deleted,
        ),
        (
            Write::set_column(Reference::record("contacts", key()), "jobtitle", "x"),
            "PUT",
            format!("{keyed}/jobtitle"),
            None,
            Outcome::Updated,
        ),
        (
            Write::clear_column(contact(), "jobtitle"),
            "DELETE",
            format!("{plain}/jobtitle"),
            None,
            Outcome::Updated,
        ),
        (
            Write::associate(
                Reference::record("accounts", ACCOUNT),
                "contact_customer_accounts",
                contact(),
            ),
            "POST",
            format!("accounts({ACCOUNT})/contact_customer_accounts/$ref"),
            None,
            Outcome::Associated,
        ),
        (
            Write::disassociate(
                Reference::record("accounts", ACCOUNT),
                "contact_customer_accounts",
                ID,
            ),
            "DELETE",
            format!("accounts({ACCOUNT})/contact_customer_accounts({ID})/$ref"),
            None,
            Outcome::Disassociated,
        ),
    ];
    for (write, verb, expected, condition, outcome) in table {
        let server = answering(ResponseTemplate::new(204)).await;
        let written = client(&server).write(&write).await.unwrap();
        assert_eq!(written.outcome, outcome);
        let request = last(&server).await;
        assert_eq!(request.method.as_str(), verb);
        assert_eq!(address(&request), expected);
        for name in ["if-match", "if-none-match"] {
            let expected = condition
                .filter(|(sent, _)| *sent == name)
                .map(|(_, value)| value);
            let sent = request
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap());
            assert_eq!(sent, expected, "{write:?}");
        }
        if verb == "PUT" {
            assert_eq!(request.body_json::<Value>().unwrap(), json!({"value": "x"}));
        }
        if outcome == Outcome::Associated {
            let id = format!("{}{API}contacts({ID})", server.uri());
            assert_eq!(
                request.body_json::<Value>().unwrap(),
                json!({"@odata.id": id})
            );
        }
    }
}

#[tokio::test]
async fn a_record_is_read_back_in_the_same_exchange() {
    let row = json!({"@odata.etag": "W/\"9\"", "contactid": ID, "fullname": "Ada Byron"});
    let server = MockServer::start().await;
    give_tokens(&server).await;
    Mock::given(method("POST"))
        .and(query_param("$select", "fullname"))
        .and(header("prefer", "return=representation"))
        .respond_with(ResponseTemplate::new(201).set_body_json(row))
        .expect(1)
        .mount(&server)
        .await;
    let write =
        Write::create("contacts", ada()).returning(Query::new("contacts").select(["fullname"]));
    let written = client(&server).write(&write).await.unwrap();
    assert_eq!(
        (written.outcome, written.etag.as_deref()),
        (Outcome::Created, Some("W/\"9\""))
    );
    let row = written.row.unwrap();
    assert_eq!(
        (row.id("contactid"), row.text("fullname")),
        (Some(ID), Some("Ada Byron"))
    );
}

#[tokio::test]
async fn duplicates_are_looked_for_on_request_and_fetched() {
    for status in [412, 500] {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        let refusal = dataverse_error(
            status,
            "0x80040333",
            "A record was not created or updated because a duplicate of the current record already exists.",
        );
        Mock::given(method("POST"))
            .and(header("MSCRM.SuppressDuplicateDetection", "false"))
            .respond_with(refusal)
            .expect(1)
            .mount(&server)
            .await;
        answer(
            &server,
            "GET",
            "RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)",
            ResponseTemplate::new(200)
                .set_body_json(json!({"value": [{"contactid": ID, "fullname": "Ada"}]})),
        )
        .await;
        let client = client(&server);
        let body = ada();
        let error = client
            .write(&Write::create("contacts", body.clone()).detect_duplicates())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Duplicates(_)), "{error:?}");
        let rows = client
            .duplicates("contact", &body, "contact", 50)
            .await
            .unwrap();
        assert_eq!(rows[0].id("contactid"), Some(ID));
        let asked: Vec<(String, String)> =
            last(&server).await.url.query_pairs().into_owned().collect();
        let entity: Value = serde_json::from_str(&asked[0].1).unwrap();
        assert_eq!(entity["@odata.type"], "Microsoft.Dynamics.CRM.contact");
        assert_eq!(entity["lastname"], "Byron");
        assert!(entity.get("parentcustomerid_account@odata.bind").is_none());
        assert_eq!(asked[1], ("@p2".to_owned(), "'contact'".to_owned()));
        assert_eq!(
            serde_json::from_str::<Value>(&asked[2].1).unwrap(),
            json!({"PageNumber": 1, "Count": 50})
        );
    }
}

#[tokio::test]
async fn a_case_is_resolved_and_a_lead_qualified_by_their_actions() {
    let server = answering(ResponseTemplate::new(204)).await;
    let resolution = Resolution {
        subject: "Resolved".to_owned(),
        description: Some("Root cause".to_owned()),
        minutes: Some(15),
        status: Some(5),
    };
    client(&server).resolve_case(ID, &resolution).await.unwrap();
    let request = last(&server).await;
    assert_eq!(address(&request), "CloseIncident");
    assert_eq!(
        request.body_json::<Value>().unwrap(),
        json!({
            "IncidentResolution": {
                "@odata.type": "Microsoft.Dynamics.CRM.incidentresolution",
                "subject": "Resolved",
                "description": "Root cause",
                "timespent": 15,
                "incidentid@odata.bind": format!("/incidents({ID})"),
            },
            "Status": 5,
        })
    );

    let created =
        json!({"value": [{"@odata.type": "#Microsoft.Dynamics.CRM.contact", "contactid": ID}]});
    let server = answering(ResponseTemplate::new(200).set_body_json(created)).await;
    let into = Qualification {
        account: true,
        contact: true,
        opportunity: false,
        status: 3,
    };
    let rows = client(&server).qualify_lead(ACCOUNT, into).await.unwrap();
    assert_eq!(rows[0].id("contactid"), Some(ID));
    let request = last(&server).await;
    assert_eq!(
        address(&request),
        format!("leads({ACCOUNT})/Microsoft.Dynamics.CRM.QualifyLead")
    );
    assert_eq!(
        request.body_json::<Value>().unwrap(),
        json!({"CreateAccount": true, "CreateContact": true, "CreateOpportunity": false, "Status": 3})
    );
}

#[tokio::test]
async fn functions_take_their_arguments_by_alias() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({"Count": 7}))).await;
    let client = client(&server);
    let function = Function::new("Weigh")
        .with("Name", "O'Brien & Co")
        .with("Id", ID)
        .with_json("Names", json!(["a", "b"]));
    let answer = client.call(&function).await.unwrap();
    assert_eq!(answer["Count"], 7);
    let request = last(&server).await;
    assert_eq!(
        address(&request),
        format!(
            "Weigh(Name=@p1,Id=@p2,Names=@p3)?@p1=%27O%27%27Brien%20%26%20Co%27&@p2={ID}&@p3=%5B%22a%22%2C%22b%22%5D"
        )
    );
    let bound = Function::new("RetrieveUserPrivileges").on(Reference::record("systemusers", ID));
    client.call(&bound).await.unwrap();
    assert_eq!(
        address(&last(&server).await),
        format!("systemusers({ID})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()")
    );
    // An action is never sent twice.
    let server = answering(ResponseTemplate::new(503)).await;
    let action = Action::new("CloseIncident").with("Status", 5);
    client_of(&server).act(&action).await.unwrap_err();
    assert_eq!(count(&server, "/CloseIncident").await, 1);
}

#[tokio::test]
async fn what_makes_no_sense_is_not_sent() {
    let server = MockServer::start().await;
    let client = client(&server);
    let contact = || Reference::record("contacts", ID);
    let keyed = |columns| Reference::record("contacts", Key::Alternate(columns));
    for write in [
        Write::create("contacts", RecordBody::new().set("x y", 1)),
        Write::create(
            "contacts",
            RecordBody::new().set("x", Literal::Decimal("1e5".to_owned())),
        ),
        Write::create("contacts", RecordBody::new().bind("x@y", contact())),
        Write::create(
            "contacts",
            RecordBody::new().bind("x", Reference::record("a/b", ID)),
        ),
        Write::create(
            "contacts",
            RecordBody::new().with_new("x", RecordBody::from(&json!(7))),
        ),
        Write::create("contacts", ada()).on(Condition::OnlyUpdate),
        Write::delete(contact()).on(Condition::OnlyCreate),
        Write::delete(contact()).detect_duplicates(),
        Write::delete(contact()).returning(Query::new("contacts")),
        Write::delete(keyed(Vec::new())),
        Write::delete(keyed(vec![("a".to_owned(), Literal::Null)])),
        Write::delete(keyed(vec![("a=1,b".to_owned(), Literal::Integer(1))])),
        Write::associate(contact(), "a/b", contact()),
    ] {
        let error = client.write(&write).await.unwrap_err();
        assert_eq!(error.code(), "invalid_query", "{write:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}
