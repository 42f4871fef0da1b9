//! Reading: the handshake, queries, paging, annotations, expansion.

mod common;

use common::{Org, failure, ok};
use serde_json::{Value, json};

#[tokio::test]
async fn handshake() {
    let org = Org::demo().await;
    let plain = org.read("WhoAmI").await;
    assert_eq!(plain, org.read("WhoAmI()").await);
    assert_eq!(
        plain["@odata.context"],
        format!(
            "{}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            org.base
        )
    );
    let user = plain["UserId"].as_str().unwrap();
    let row = org
        .read(&format!("systemusers({user})?$select=fullname,isdisabled"))
        .await;
    assert_eq!(row["isdisabled"], false);
    assert!(
        org.read("RetrieveVersion()").await["Version"]
            .as_str()
            .unwrap()
            .starts_with("9.2.")
    );
    let document = org.read("").await;
    assert!(
        document["value"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "contacts", "kind": "EntitySet", "url": "contacts"}))
    );

    let (status, code, message) = failure(org.post("WhoAmI", json!({}))).await;
    assert_eq!((status, code.as_str()), (404, ""));
    assert!(message.starts_with("No HTTP resource was found that matches the request URI"));
    let (status, code, message) = failure(org.get("contactz")).await;
    assert_eq!((status, code.as_str()), (404, "0x80060888"));
    assert_eq!(message, "Resource not found for the segment 'contactz'.");
}

#[tokio::test]
async fn the_sample_visitor_is_in_the_demo_data() {
    let org = Org::demo().await;
    let body = ok(org.get(
        "contacts?$select=fullname,telephone1,_parentcustomerid_value&$filter=emailaddress1 eq 'DANA.vermeer@example.com'&$expand=parentcustomerid_account($select=name)",
    ).header("prefer", "odata.include-annotations=\"*\"")).await;
    let rows = body["value"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    let dana = &rows[0];
    assert_eq!(dana["fullname"], "Dana Vermeer");
    assert_eq!(
        dana["parentcustomerid_account"]["name"],
        "Northwind Traders"
    );
    assert_eq!(
        dana["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"],
        "Northwind Traders"
    );
    assert_eq!(
        dana["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "account"
    );
    assert_eq!(
        dana["_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"],
        "parentcustomerid_account"
    );
    assert!(dana["@odata.etag"].as_str().unwrap().starts_with("W/\""));
    let leads = org
        .names(
            "leads",
            "fullname",
            "emailaddress1 eq 'dana.vermeer@example.com'",
        )
        .await;
    assert_eq!(leads, ["Dana Vermeer"]);
}

#[tokio::test]
async fn the_demo_has_the_size_of_a_company() {
    let org = Org::demo().await;
    for (set, at_least) in [
        ("accounts", 200),
        ("contacts", 1000),
        ("leads", 300),
        ("incidents", 400),
        ("tasks", 300),
        ("annotations", 200),
    ] {
        let text = org
            .get(&format!("{set}/$count"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(
            text.starts_with('\u{feff}'),
            "a byte order mark comes first"
        );
        let count: usize = text.trim_start_matches('\u{feff}').parse().unwrap();
        assert!(count >= at_least, "{set}: {count}");
    }
    let body: Value = org
        .read("contacts?$count=true&$top=1&$filter=statecode eq 1")
        .await;
    assert!(
        body["@odata.count"].as_i64().unwrap() > 10,
        "some people are inactive"
    );
}
