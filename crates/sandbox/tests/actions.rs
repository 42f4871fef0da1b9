//! `CloseIncident`, `QualifyLead`, functions (protocol page `crud.md`, section "Activity lifecycle and case resolution").

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::Method;
use serde_json::{Value, json};

async fn a_case(org: &Org) -> String {
    let contact = org.create("contacts", json!({"lastname": "C"})).await;
    let case =
        json!({"title": "t", "customerid_contact@odata.bind": format!("/contacts({contact})")});
    org.create("incidents", case).await
}

fn close(case: &str, status: i64) -> Value {
    json!({
        "IncidentResolution": {
            "@odata.type": "Microsoft.Dynamics.CRM.incidentresolution",
            "subject": "Resolved", "description": "Root cause", "timespent": 15,
            "incidentid@odata.bind": format!("/incidents({case})"),
        },
        "Status": status,
    })
}

#[tokio::test]
async fn a_case_is_resolved_through_the_action() {
    let org = Org::empty().await;
    for (status, reason) in [(5, 5), (1000, 1000), (-1, 5)] {
        let case = a_case(&org).await;
        let response = org
            .post("CloseIncident", close(&case, status))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 204);
        assert!(!response.headers().contains_key("odata-entityid"));
        let row = org
            .read(&format!(
                "incidents({case})?$select=statecode,statuscode&$expand=Incident_IncidentResolutions($select=subject,timespent,statecode)"
            ))
            .await;
        assert_eq!(
            (&row["statecode"], &row["statuscode"]),
            (&json!(1), &json!(reason))
        );
        let resolution = &row["Incident_IncidentResolutions"][0];
        assert_eq!(
            (
                &resolution["subject"],
                &resolution["timespent"],
                &resolution["statecode"]
            ),
            (&json!("Resolved"), &json!(15), &json!(1))
        );
        let (status, code, _) = failure(org.post("CloseIncident", close(&case, 5))).await;
        assert_eq!((status, code.as_str()), (400, "0x800404cf"));
        // Reopened, it can be resolved again; what it was resolved by goes with it.
        let reopened = org.patch(
            &format!("incidents({case})"),
            json!({"statecode": 0, "statuscode": 1}),
        );
        assert_eq!(reopened.send().await.unwrap().status(), 204);
        assert_eq!(
            org.post("CloseIncident", close(&case, 5))
                .send()
                .await
                .unwrap()
                .status(),
            204
        );
        assert_eq!(
            org.delete(&format!("incidents({case})"))
                .send()
                .await
                .unwrap()
                .status(),
            204
        );
        assert_eq!(org.read("incidentresolutions").await["value"], json!([]));
    }
    // The case as a nested object.
    let case = a_case(&org).await;
    let mut nested = close(&case, 5);
    let resolution = nested["IncidentResolution"].as_object_mut().unwrap();
    resolution.remove("incidentid@odata.bind");
    resolution.insert(
        "incidentid".to_owned(),
        json!({"incidentid": case, "@odata.type": "Microsoft.Dynamics.CRM.incident"}),
    );
    assert_eq!(
        org.post("CloseIncident", nested)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(
        org.read(&format!("incidents({case})")).await["statecode"],
        1
    );
}

#[tokio::test]
async fn what_keeps_a_case_open() {
    let org = Org::empty().await;
    let case = a_case(&org).await;
    let refused = async |body: Value| {
        let (status, code, _) = failure(org.post("CloseIncident", body)).await;
        let row = org.read(&format!("incidents({case})")).await;
        assert_eq!(row["statecode"], 0);
        assert_eq!(org.read("incidentresolutions").await["value"], json!([]));
        (status, code)
    };
    let expected = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(refused(close(&case, 6)).await, expected(400, "0x80048408"));
    assert_eq!(
        refused(close("00000000-0000-0000-0000-000000000001", 5)).await,
        expected(404, "0x80040217")
    );
    assert_eq!(
        refused(json!({"Status": 5})).await,
        expected(400, "0x80048d19")
    );
    let mut nameless = close(&case, 5);
    nameless["IncidentResolution"]
        .as_object_mut()
        .unwrap()
        .remove("incidentid@odata.bind");
    assert_eq!(refused(nameless).await, expected(400, "0x80048d19"));
    let mut long = close(&case, 5);
    long["IncidentResolution"]["subject"] = json!("x".repeat(201));
    assert_eq!(refused(long).await, expected(400, "0x80044331"));

    let task = org
        .create("tasks", json!({"subject": "t", "regardingobjectid_incident_task@odata.bind": format!("/incidents({case})")}))
        .await;
    assert_eq!(refused(close(&case, 5)).await, expected(400, "0x8004f456"));
    let cancel = json!({"statecode": 2, "statuscode": 6});
    let (status, code, _) = failure(org.patch(&format!("incidents({case})"), cancel)).await;
    assert_eq!((status, code.as_str()), (400, "0x8004440e"));
    let done = org.patch(&format!("tasks({task})"), json!({"statecode": 1}));
    assert_eq!(done.send().await.unwrap().status(), 204);
    let child = a_case(&org).await;
    let hang = org.patch(
        &format!("incidents({child})"),
        json!({"parentcaseid@odata.bind": format!("/incidents({case})")}),
    );
    assert_eq!(hang.send().await.unwrap().status(), 204);
    assert_eq!(refused(close(&case, 5)).await, expected(400, "0x8003f452"));
    assert_eq!(
        org.post("CloseIncident", close(&child, 5))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );

    let (status, _, message) =
        failure(org.patch(&format!("incidents({case})"), json!({"statecode": 1}))).await;
    assert_eq!(status, 400);
    assert!(
        message.contains("use the CloseIncidentRequest message instead"),
        "{message}"
    );
    assert_eq!(
        org.post("CloseIncident", close(&case, 5))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );

    let cancelled = a_case(&org).await;
    let cancel = org.patch(
        &format!("incidents({cancelled})"),
        json!({"statecode": 2, "statuscode": 6}),
    );
    assert_eq!(cancel.send().await.unwrap().status(), 204);
    let (status, code, _) = failure(org.post("CloseIncident", close(&cancelled, 5))).await;
    assert_eq!((status, code.as_str()), (400, "0x80044411"));
}

fn qualify(account: bool, contact: bool, status: i64) -> Value {
    json!({"CreateAccount": account, "CreateContact": contact, "CreateOpportunity": false, "Status": status})
}

#[tokio::test]
async fn a_lead_is_qualified() {
    let org = Org::empty().await;
    let lead = json!({
        "subject": "s", "firstname": "Ada", "lastname": "Byron", "companyname": "Analytical Ltd",
        "emailaddress1": "ada@example.com", "address1_city": "London",
    });
    for action in ["Microsoft.Dynamics.CRM.QualifyLead", "QualifyLead"] {
        let id = org.create("leads", lead.clone()).await;
        let path = format!("leads({id})/{action}");
        let answered = ok(org.post(&path, qualify(true, true, 3))).await;
        let [account, contact] = answered["value"].as_array().unwrap().as_slice() else {
            panic!("{answered}");
        };
        assert_eq!(account["@odata.type"], "#Microsoft.Dynamics.CRM.account");
        assert_eq!(
            (&account["name"], &account["address1_city"]),
            (&json!("Analytical Ltd"), &json!("London"))
        );
        assert_eq!(contact["@odata.type"], "#Microsoft.Dynamics.CRM.contact");
        assert_eq!(
            (&contact["fullname"], &contact["emailaddress1"]),
            (&json!("Ada Byron"), &json!("ada@example.com"))
        );
        assert_eq!(contact["_parentcustomerid_value"], account["accountid"]);
        assert_eq!(contact["_originatingleadid_value"], id.as_str());
        let row = org.read(&format!("leads({id})")).await;
        assert_eq!(
            (&row["statecode"], &row["statuscode"]),
            (&json!(1), &json!(3))
        );
        assert_eq!(row["_parentcontactid_value"], contact["contactid"]);

        let (status, code, _) = failure(org.post(&path, qualify(true, true, 3))).await;
        assert_eq!((status, code.as_str()), (400, "0x80040519"));
    }
    let open = org.create("leads", lead).await;
    let path = format!("leads({open})/QualifyLead");
    assert_eq!(
        failure(org.post(&path, qualify(true, true, 7))).await.1,
        "0x80048408"
    );
    assert_eq!(failure(org.post(&path, json!({"Status": 3}))).await.0, 400);
    assert_eq!(
        org.names("accounts", "name", "accountid ne null")
            .await
            .len(),
        2,
        "nothing is left behind"
    );
    assert_eq!(
        ok(org.post(&path, qualify(false, false, -1))).await["value"],
        json!([])
    );
}

#[tokio::test]
async fn functions_and_what_is_none() {
    let org = Org::empty().await;
    let described = org
        .read("RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')")
        .await;
    let id = org.read("WhoAmI").await["OrganizationId"].clone();
    assert_eq!(described["Detail"]["OrganizationId"], id);
    for (method, path) in [
        (Method::GET, "Nothing()"),
        (Method::POST, "Nothing"),
        (Method::GET, "CloseIncident"),
        (Method::POST, "WhoAmI"),
    ] {
        let (status, _, message) =
            failure(org.request(method.clone(), path).json(&json!({}))).await;
        assert_eq!(status, 404, "{method} {path}: {message}");
        assert!(message.contains(path.trim_end_matches("()")), "{message}");
    }
}
