//! Create, update, upsert, delete, and what the server does by itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use proptest::prelude::*;
use reqwest::{Method, Response};
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-0000-0000-000000000001";

fn header(response: &Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn create_answers_as_documented() {
    let org = Org::empty().await;
    let response = org
        .post("contacts", json!({"firstname": "Ada", "lastname": "Byron"}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 204);
    let entity = header(&response, "odata-entityid");
    assert!(entity.starts_with(&format!("{}/contacts(", org.base)));
    assert_eq!(header(&response, "location"), entity);
    assert_eq!(header(&response, "odata-version"), "4.0");

    let asked = org
        .post("contacts?$select=fullname", json!({"lastname": "B"}))
        .header("prefer", "return=representation");
    let response = asked.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(
        header(&response, "preference-applied"),
        "return=representation"
    );
    assert_eq!(header(&response, "odata-entityid"), "");
    assert!(header(&response, "etag").starts_with("W/\""));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["fullname"], "B");
    assert!(body.get("lastname").is_none(), "only what was selected");

    // The client may choose the id; a second time it is taken.
    let id = "6f1c0000-0000-4000-8000-00000000abcd";
    assert_eq!(
        org.create("contacts", json!({"contactid": id, "lastname": "C"}))
            .await,
        id
    );
    let (status, code, message) =
        failure(org.post("contacts", json!({"contactid": id, "lastname": "C"}))).await;
    assert_eq!(
        (status, code.as_str(), message.as_str()),
        (
            412,
            "0x80040237",
            "A record with matching key values already exists."
        )
    );
}

#[tokio::test]
async fn the_server_fills_in() {
    let org = Org::empty().await;
    let me = org.read("WhoAmI").await["UserId"].clone();
    let contact = org
        .create(
            "contacts",
            json!({"firstname": " Ada", "lastname": "Byron ", "nickname": ""}),
        )
        .await;
    let row = org.read(&format!("contacts({contact})")).await;
    assert_eq!(row["firstname"], " Ada", "spaces are kept");
    assert_eq!(row["fullname"], "Ada Byron");
    assert_eq!(row["nickname"], Value::Null, "an empty text is null");
    assert_eq!(
        (&row["statecode"], &row["statuscode"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(row["preferredcontactmethodcode"], 1);
    assert_eq!(row["donotemail"], false);
    for column in [
        "_ownerid_value",
        "_owninguser_value",
        "_createdby_value",
        "_modifiedby_value",
    ] {
        assert_eq!(row[column], me, "{column}");
    }
    assert_eq!(row["createdon"], row["modifiedon"]);
    let before = row["versionnumber"].as_i64().unwrap();
    ok_204(org.patch(
        &format!("contacts({contact})"),
        json!({"lastname": "King", "createdon": "2000-01-01T00:00:00Z"}),
    ))
    .await;
    let row = org.read(&format!("contacts({contact})")).await;
    assert_eq!(row["fullname"], "Ada King");
    assert!(row["versionnumber"].as_i64().unwrap() > before);
    assert!(
        row["createdon"].as_str().unwrap() > "2020",
        "createdon cannot be set"
    );

    let case = org
        .create(
            "incidents",
            json!({"title": "t", "customerid_contact@odata.bind": format!("contacts({contact})")}),
        )
        .await;
    let row = org
        .read(&format!(
            "incidents({case})?$select=ticketnumber,prioritycode,_customerid_value,statuscode"
        ))
        .await;
    let ticket = row["ticketnumber"].as_str().unwrap();
    assert!(
        ticket.starts_with("CAS-01000-") && ticket.len() == 16,
        "{ticket}"
    );
    assert_eq!(
        (&row["prioritycode"], &row["statuscode"]),
        (&json!(2), &json!(1))
    );
    let task = org.create("tasks", json!({"subject": "s", "regardingobjectid_incident_task@odata.bind": format!("/incidents({case})")})).await;
    let row = org
        .read(&format!(
            "tasks({task})?$select=activitytypecode,statuscode,_regardingobjectid_value"
        ))
        .await;
    assert_eq!(
        (&row["activitytypecode"], &row["statuscode"]),
        (&json!("task"), &json!(2))
    );
    assert_eq!(row["_regardingobjectid_value"], case);
    // An activity also takes the name without suffix, and an absolute reference.
    org.create("tasks", json!({"subject": "s", "regardingobjectid_contact@odata.bind": format!("{}/contacts({contact})", org.base)})).await;
    let note = org
        .create(
            "annotations",
            json!({"subject": "n", "objectid_incident@odata.bind": format!("/incidents({case})"),
            "filename": "a.txt", "mimetype": "text/plain", "documentbody": "aGVsbG8="}),
        )
        .await;
    let row = org
        .read(&format!(
            "annotations({note})?$select=objecttypecode,isdocument,filesize"
        ))
        .await;
    assert_eq!(
        (&row["objecttypecode"], &row["isdocument"], &row["filesize"]),
        (&json!("incident"), &json!(true), &json!(5))
    );
    let lead = org
        .create(
            "leads",
            json!({"firstname": "L", "lastname": "M", "subject": "s", "estimatedamount": 12.5}),
        )
        .await;
    let row = org
        .read(&format!(
            "leads({lead})?$select=fullname,estimatedamount_base"
        ))
        .await;
    assert_eq!(
        (&row["fullname"], &row["estimatedamount_base"]),
        (&json!("L M"), &json!(12.5))
    );
}

async fn ok_204(request: reqwest::RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 204, "{}", response.text().await.unwrap());
    response
}

#[tokio::test]
async fn refused_writes() {
    let org = Org::empty().await;
    let contact = org.create("contacts", json!({"lastname": "x"})).await;
    let inactive = org.create("contacts", json!({"lastname": "y"})).await;
    ok_204(org.patch(&format!("contacts({inactive})"), json!({"statecode": 1}))).await;
    let payload = "0x80048d19";
    for (set, body, status, code, text) in [
        (
            "contacts",
            json!({"Name": "x"}),
            400,
            payload,
            "Invalid property 'Name' was found in entity 'Microsoft.Dynamics.CRM.contact'",
        ),
        (
            "contacts",
            json!({"parentcustomerid@odata.bind": "/accounts(x)"}),
            400,
            payload,
            "An undeclared property 'parentcustomerid' which only has property annotations",
        ),
        (
            "contacts",
            json!({"_parentcustomerid_value": contact}),
            400,
            "0x80060888",
            "CRM do not support direct update of Entity Reference properties",
        ),
        (
            "contacts",
            json!({"parentcustomerid_account@odata.bind": format!("/accounts({NOBODY})")}),
            404,
            "0x80040217",
            "Entity 'Account' With Id = 00000000-0000-0000-0000-000000000001 Does Not Exist",
        ),
        (
            "contacts",
            json!({"parentcustomerid_account@odata.bind": format!("/contacts({contact})")}),
            400,
            payload,
            "is not of the type",
        ),
        (
            "contacts",
            json!({"lastname": "x".repeat(51)}),
            400,
            "0x80044331",
            "A validation error occurred.  The length of the 'lastname' attribute of the 'contact' entity exceeded the maximum allowed length of '50'.",
        ),
        (
            "contacts",
            json!({"gendercode": 99}),
            400,
            "0x8004431a",
            "The value 99 of 'gendercode' on record of type 'contact' is outside the valid range. Accepted Values: 1,2",
        ),
        (
            "contacts",
            json!({"numberofchildren": -1}),
            400,
            "0x80044330",
            "outside the valid range",
        ),
        (
            "contacts",
            json!({"creditlimit": 1e15}),
            400,
            "0x80044330",
            "outside the valid range",
        ),
        (
            "contacts",
            json!({"lastname": 5}),
            400,
            payload,
            "Cannot convert the literal '5' to the expected type 'Edm.String'.",
        ),
        (
            "contacts",
            json!({"donotemail": "yes"}),
            400,
            payload,
            "'Edm.Boolean'",
        ),
        (
            "contacts",
            json!({"donotemail": null}),
            400,
            "0x80040200",
            "cannot be set to NULL",
        ),
        (
            "contacts",
            json!({"birthdate": "1.5.2000"}),
            400,
            payload,
            "'Edm.Date'",
        ),
        (
            "contacts",
            json!({"birthdate": "1700-01-01"}),
            400,
            "0x80040239",
            "outside the supported range",
        ),
        (
            "contacts",
            json!({"statuscode": 2}),
            400,
            "0x80048408",
            "status code is invalid",
        ),
        (
            "contacts",
            json!([1]),
            400,
            payload,
            "JSON object was expected",
        ),
        (
            "incidents",
            json!({"title": "x"}),
            400,
            "0x80044410",
            "You should specify a parent contact or account.",
        ),
        (
            "incidents",
            json!({"customerid_lead@odata.bind": format!("/leads({NOBODY})")}),
            400,
            payload,
            "'customerid_lead'",
        ),
        (
            "incidents",
            json!({"customerid_contact@odata.bind": format!("/contacts({inactive})")}),
            400,
            "0x80040517",
            "inactive customer",
        ),
        (
            "annotations",
            json!({"filename": "a.EXE", "documentbody": ""}),
            400,
            "0x80043e09",
            "not a valid type",
        ),
        (
            "annotations",
            json!({"documentbody": "?"}),
            400,
            payload,
            "base64",
        ),
        (
            "systemusers",
            json!({"lastname": "x"}),
            501,
            "0x80060888",
            "does not simulate writing to the table 'systemuser'",
        ),
    ] {
        let (got_status, got_code, message) = failure(org.post(set, body.clone())).await;
        assert_eq!(
            (got_status, got_code.as_str()),
            (status, code),
            "{body}: {message}"
        );
        assert!(message.contains(text), "{body}: {message}");
    }
    let (status, code, _) = failure(
        org.request(Method::POST, "contacts")
            .header("content-type", "text/plain")
            .body("{}"),
    )
    .await;
    assert_eq!((status, code.as_str()), (415, "0x80060888"));
    let broken = org
        .request(Method::POST, "contacts")
        .header("content-type", "application/json")
        .body("{\"a\"");
    assert_eq!(failure(broken).await.1, payload);
    let (status, _, message) = failure(org.request(Method::PUT, "contacts")).await;
    assert_eq!(status, 405, "{message}");
    // Nothing of this was written.
    assert_eq!(org.read("contacts?$count=true").await["@odata.count"], 2);
    assert_eq!(org.read("incidents?$count=true").await["@odata.count"], 0);
}

#[tokio::test]
async fn upsert_and_preconditions() {
    let org = Org::empty().await;
    let id = "6f1c0000-0000-4000-8000-000000000001";
    let path = format!("contacts({id})");
    let patch = |body: Value| org.patch(&path, body);
    let error = |status: u16, code: &str| (status, code.to_owned());
    let fails = async |request| {
        let (status, code, _) = failure(request).await;
        (status, code)
    };

    assert_eq!(
        fails(patch(json!({"lastname": "a"})).header("if-match", "*")).await,
        error(404, "0x80040217")
    );
    let created = ok_204(patch(json!({"lastname": "a"})).header("if-none-match", "*")).await;
    assert_eq!(
        header(&created, "odata-entityid"),
        format!("{}/{path}", org.base)
    );
    assert_eq!(
        fails(patch(json!({"lastname": "b"})).header("if-none-match", "*")).await,
        error(412, "0x80040237")
    );
    let updated = ok_204(patch(json!({"lastname": "b"}))).await;
    assert_eq!(
        header(&updated, "odata-entityid"),
        format!("{}/{path}", org.base)
    );
    ok_204(patch(json!({"lastname": "c"})).header("if-match", "*")).await;

    let etag = org.read(&path).await["@odata.etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let response = patch(json!({"lastname": "d"}))
        .header("if-match", &etag)
        .header("prefer", "return=representation")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["lastname"], "d");
    assert_ne!(
        body["@odata.etag"], etag,
        "every update makes a new version"
    );
    assert_eq!(
        fails(patch(json!({"lastname": "e"})).header("if-match", &etag)).await,
        error(412, "0x80060882")
    );
    assert_eq!(
        fails(org.delete(&path).header("if-match", &etag)).await,
        error(412, "0x80060882")
    );
    assert_eq!(org.read(&path).await["lastname"], "d");

    let other = "contacts(6f1c0000-0000-4000-8000-000000000002)";
    let response = org
        .patch(other, json!({"lastname": "new"}))
        .header("prefer", "return=representation")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201, "an upsert that creates");
    ok_204(org.delete(other).header("if-match", "*")).await;
    assert_eq!(fails(org.delete(other)).await, error(404, "0x80040217"));
    let user = org.read("WhoAmI").await["UserId"]
        .as_str()
        .unwrap()
        .to_owned();
    let on_user = org
        .patch(&format!("systemusers({user})"), json!({}))
        .header("if-match", "W/\"1\"");
    assert_eq!(
        fails(on_user).await,
        error(400, "0x8006088d"),
        "no optimistic concurrency on users"
    );

    // Single properties and references
    ok_204(
        org.request(Method::PUT, &format!("{path}/jobtitle"))
            .json(&json!({"value": "Engineer"})),
    )
    .await;
    assert_eq!(org.read(&path).await["jobtitle"], "Engineer");
    ok_204(org.delete(&format!("{path}/jobtitle"))).await;
    assert_eq!(org.read(&path).await["jobtitle"], Value::Null);
    let account = org.create("accounts", json!({"name": "n"})).await;
    let reference = format!("{path}/parentcustomerid_account/$ref");
    ok_204(
        org.request(Method::PUT, &reference)
            .json(&json!({"@odata.id": format!("{}/accounts({account})", org.base)})),
    )
    .await;
    assert_eq!(org.read(&path).await["_parentcustomerid_value"], account);
    ok_204(org.delete(&reference)).await;
    assert_eq!(
        org.read(&path).await["_parentcustomerid_value"],
        Value::Null
    );
    ok_204(patch(
        json!({"parentcustomerid_account@odata.bind": format!("accounts({account})")}),
    ))
    .await;
    ok_204(patch(json!({"parentcustomerid_account": null}))).await;
    assert_eq!(
        org.read(&path).await["_parentcustomerid_value"],
        Value::Null
    );
}

#[tokio::test]
async fn states_and_statuses() {
    let org = Org::empty().await;
    let contact = org.create("contacts", json!({"lastname": "x"})).await;
    let task = format!(
        "tasks({})",
        org.create("tasks", json!({"subject": "s"})).await
    );
    let state = async |path: &str| {
        let row = org
            .read(&format!("{path}?$select=statecode,statuscode"))
            .await;
        (
            row["statecode"].as_i64().unwrap(),
            row["statuscode"].as_i64().unwrap(),
        )
    };
    ok_204(org.patch(&task, json!({"statecode": 1, "statuscode": 5}))).await;
    assert_eq!(state(&task).await, (1, 5));
    assert!(org.read(&format!("{task}?$select=actualend")).await["actualend"].is_string());
    assert_eq!(
        failure(org.patch(&task, json!({"subject": "changed"})))
            .await
            .1,
        "0x80040230",
        "completed: read-only"
    );
    ok_204(org.patch(&task, json!({"statecode": 0}))).await;
    assert_eq!(state(&task).await, (0, 2));
    ok_204(org.patch(&task, json!({"statuscode": 6}))).await;
    assert_eq!(
        state(&task).await,
        (2, 6),
        "a status brings its state along"
    );
    assert_eq!(
        failure(org.patch(&task, json!({"statecode": 0, "statuscode": 5})))
            .await
            .1,
        "0x80048408"
    );

    let case = format!(
        "incidents({})",
        org.create(
            "incidents",
            json!({"title": "t", "customerid_contact@odata.bind": format!("/contacts({contact})")})
        )
        .await
    );
    assert_eq!(
        failure(org.patch(&case, json!({"statecode": 1}))).await.1,
        "0x80040233",
        "cases are resolved by an action"
    );
    ok_204(org.patch(&case, json!({"statecode": 2, "statuscode": 6}))).await;
    ok_204(org.patch(&case, json!({"statecode": 0, "statuscode": 1}))).await;
    assert_eq!(
        failure(org.patch(&case, json!({"customerid_contact@odata.bind": null})))
            .await
            .1,
        "0x80044410"
    );
}

#[tokio::test]
async fn deleting_takes_along_what_hangs_on_a_row() {
    let org = Org::empty().await;
    let account = org.create("accounts", json!({"name": "a"})).await;
    let child = org
        .create(
            "accounts",
            json!({"name": "b", "parentaccountid@odata.bind": format!("/accounts({account})")}),
        )
        .await;
    let (status, code, _) = failure(org.patch(
        &format!("accounts({account})"),
        json!({"parentaccountid@odata.bind": format!("/accounts({child})")}),
    ))
    .await;
    assert_eq!((status, code.as_str()), (400, "0x8004021a"), "no loops");
    let contact = org.create("contacts", json!({"lastname": "c", "parentcustomerid_account@odata.bind": format!("/accounts({account})")})).await;
    let case = org
        .create(
            "incidents",
            json!({"title": "t", "customerid_contact@odata.bind": format!("/contacts({contact})")}),
        )
        .await;
    let task = org.create("tasks", json!({"subject": "s", "regardingobjectid_incident_task@odata.bind": format!("/incidents({case})")})).await;
    let note = org
        .create(
            "annotations",
            json!({"objectid_task@odata.bind": format!("/tasks({task})")}),
        )
        .await;
    let lead = org
        .create(
            "leads",
            json!({"lastname": "l", "parentcontactid@odata.bind": format!("/contacts({contact})")}),
        )
        .await;
    ok_204(org.delete(&format!("accounts({account})"))).await;
    for path in [
        format!("contacts({contact})"),
        format!("incidents({case})"),
        format!("tasks({task})"),
        format!("annotations({note})"),
    ] {
        assert_eq!(failure(org.get(&path)).await.0, 404, "{path}");
    }
    assert_eq!(
        org.read(&format!("accounts({child})")).await["_parentaccountid_value"],
        Value::Null
    );
    assert_eq!(
        org.read(&format!("leads({lead})")).await["_parentcontactid_value"],
        Value::Null
    );
    let currency = org.read("transactioncurrencies").await["value"][0]["transactioncurrencyid"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        failure(org.delete(&format!("transactioncurrencies({currency})")))
            .await
            .0,
        501
    );
}

#[tokio::test]
async fn a_row_of_another_owner() {
    let org = Org::demo().await;
    let team = org.read("teams?$select=teamid&$top=1").await["value"][0]["teamid"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, _, message) = failure(org.post(
        "contacts",
        json!({"lastname": "x", "ownerid@odata.bind": format!("/teams({team})")}),
    ))
    .await;
    assert!(
        status == 403 && message.contains("prvAssignContact"),
        "{message}"
    );
    let org = Org::empty().await;
    let id = org
        .create(
            "contacts",
            json!({"lastname": "x", "ownerid@odata.bind": format!("/teams({team})")}),
        )
        .await;
    let body = ok(org
        .get(&format!("contacts({id})"))
        .header("prefer", "odata.include-annotations=\"*\""))
    .await;
    assert_eq!(
        body["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "team"
    );
    assert_eq!(
        (&body["_owningteam_value"], &body["_owninguser_value"]),
        (&json!(team), &Value::Null)
    );
}

#[test]
fn any_text_survives_as_a_literal() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let org = runtime.block_on(Org::empty());
    let texts = proptest::collection::vec(any::<char>(), 1..40)
        .prop_map(|characters| characters.into_iter().collect::<String>())
        .prop_filter("fits the column", |text| text.encode_utf16().count() <= 50);
    let awkward = prop_oneof!["['\"%_\\[\\]^*?&+#/;=(){}$<>\\\\ -~]{1,30}", texts];
    let config = ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(text in awkward)| {
        runtime.block_on(async {
            let id = org.create("contacts", json!({"lastname": text})).await;
            let quoted = text.replace('\'', "''");
            let filter = format!("lastname eq '{quoted}' and contactid eq {id}");
            let response = org.get("contacts").query(&[("$select", "lastname"), ("$filter", &filter)]).send().await.unwrap();
            let status = response.status();
            let body: Value = response.json().await.unwrap();
            prop_assert_eq!(status.as_u16(), 200, "{}", body);
            prop_assert_eq!(&body["value"][0]["lastname"], &json!(text));
            // With its wildcards bracketed, the text is also found by `startswith`. (SQLite's GLOB ends at a NUL.)
            if !text.contains('\0') {
                let escaped: String = quoted.chars().map(|c| match c {
                    '%' | '_' | '[' => format!("[{c}]"),
                    c => c.to_string(),
                }).collect();
                let filter = format!("startswith(lastname,'{escaped}') and contactid eq {id}");
                let found = org.names("contacts", "lastname", &filter).await;
                prop_assert_eq!(found, vec![text.clone()]);
            }
            Ok(())
        })?;
    });
}
