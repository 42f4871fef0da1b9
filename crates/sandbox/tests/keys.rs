//! Alternate keys in URLs, binds, upserts and bulk actions (protocol page `crud.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure};
use reqwest::Method;
use serde_json::json;

async fn status_and_entity(request: reqwest::RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let entity = response
        .headers()
        .get("odata-entityid")
        .map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    (status, entity)
}

#[tokio::test]
async fn a_row_by_its_alternate_key() {
    let org = Org::empty().await;
    let id = org
        .create(
            "accounts",
            json!({"name": "O'Hara", "accountnumber": "O'1 b&c"}),
        )
        .await;
    for key in [
        "accountnumber='O''1 b&c'",
        "accountnumber='O%27%271%20b%26c'",
        &format!("accountid={id}"),
        &id,
    ] {
        let row = org.read(&format!("accounts({key})?$select=name")).await;
        assert_eq!(row["accountid"], id.as_str(), "{key}");
    }
    let row = org.read("accounts(accountnumber='O''1 b&c')/name").await;
    assert_eq!(row["value"], "O'Hara");

    let (status, code, message) = failure(org.get("accounts(accountnumber='none')")).await;
    assert_eq!(
        (status, code.as_str(), message.as_str()),
        (
            404,
            "0x80060891",
            "A record with the specified key values does not exist in account entity"
        )
    );
    for key in [
        "name='O''Hara'",
        "accountnumber='1',name='x'",
        "contactid=1",
        "nothing='1'",
    ] {
        let (status, code, message) = failure(org.get(&format!("accounts({key})"))).await;
        assert_eq!((status, code.as_str()), (400, "0x80060888"), "{key}");
        assert_eq!(
            message,
            "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.account'. Ensure that the names \
             and number of key properties match the declared or alternate key properties for the resource 'accounts'."
        );
    }
}

/// OData gives each type one way of being written; a text without quotes and a number or id in them are no key.
#[tokio::test]
async fn a_text_in_a_key_stands_in_quotes_and_nothing_else_does() {
    let org = Org::empty().await;
    let body =
        json!({"name": "a", "accountnumber": "100", "tickersymbol": "T", "numberofemployees": 7});
    let id = org.create("accounts", body).await;
    let key =
        json!({"SchemaName": "new_Two", "KeyAttributes": ["tickersymbol", "numberofemployees"]});
    let made = org.post("EntityDefinitions(LogicalName='account')/Keys", key);
    assert_eq!(made.send().await.unwrap().status(), 204);
    for key in [
        "accountnumber='100'",
        "tickersymbol='T',numberofemployees=7",
        &format!("accountid={id}"),
    ] {
        let row = org.read(&format!("accounts({key})?$select=name")).await;
        assert_eq!(row["accountid"], id.as_str(), "{key}");
    }
    let unreadable = "Bad Request - Error in query syntax.";
    let bound = json!({"lastname": "c", "parentcustomerid_account@odata.bind": "/accounts(accountnumber=100)"});
    for request in [
        org.get("accounts(accountnumber=100)"),
        org.get("accounts(tickersymbol=T,numberofemployees=7)"),
        org.get("accounts(tickersymbol='T',numberofemployees='7')"),
        org.patch("accounts(accountnumber=200)", json!({"name": "b"})),
        org.delete("accounts(accountnumber=100)"),
        org.post("contacts", bound),
        org.get("EntityDefinitions(LogicalName=account)"),
        org.post(
            "EntityDefinitions(LogicalName=account)/Keys",
            json!({"SchemaName": "new_Three", "KeyAttributes": ["tickersymbol"]}),
        ),
    ] {
        let (status, code, message) = failure(request).await;
        assert_eq!(
            (status, code.as_str(), message.as_str()),
            (400, "0x80060888", unreadable)
        );
    }
    assert_eq!(
        failure(org.get(&format!("accounts(accountid='{id}')")))
            .await
            .0,
        400
    );
    assert_eq!(
        org.names("accounts", "name", "accountid ne null").await,
        ["a"]
    );
}

#[tokio::test]
async fn upsert_by_an_alternate_key_repeats_the_key() {
    let org = Org::empty().await;
    let path = "accounts(accountnumber='A-1')";
    let url = format!("{}/{path}", org.base);
    let first = status_and_entity(org.patch(path, json!({"name": "first"}))).await;
    assert_eq!(first, (204, url.clone()), "created");
    // Where the row exists, the key's value in the body is ignored.
    let second = org.patch(path, json!({"name": "second", "accountnumber": "other"}));
    assert_eq!(status_and_entity(second).await, (204, url));
    let row = org
        .read(&format!("{path}?$select=name,accountnumber"))
        .await;
    assert_eq!(
        (&row["name"], &row["accountnumber"]),
        (&json!("second"), &json!("A-1"))
    );
    // Where it is created, the body's value counts.
    let other = org.patch(
        "accounts(accountnumber='A-2')",
        json!({"accountnumber": "A-3"}),
    );
    assert_eq!(other.send().await.unwrap().status(), 204);
    assert_eq!(
        org.names("accounts", "accountnumber", "accountid ne null")
            .await,
        ["A-1", "A-3"]
    );

    // Non-ASCII values are repeated as they stand in a URL.
    let (_, entity) =
        status_and_entity(org.patch("accounts(accountnumber='Ä 1')", json!({}))).await;
    assert_eq!(
        entity,
        format!("{}/accounts(accountnumber='%C3%84%201')", org.base)
    );

    let conditional = |path: &str, name: &'static str, value: &'static str| {
        org.patch(path, json!({"name": "x"})).header(name, value)
    };
    let (status, code, _) = failure(conditional(
        "accounts(accountnumber='A-9')",
        "if-match",
        "*",
    ))
    .await;
    assert_eq!((status, code.as_str()), (404, "0x80060891"));
    let (status, code, _) = failure(conditional(path, "if-none-match", "*")).await;
    assert_eq!((status, code.as_str()), (412, "0x80040237"));
    let written = conditional(path, "prefer", "return=representation")
        .send()
        .await
        .unwrap();
    assert_eq!(written.status(), 200);

    assert_eq!(org.delete(path).send().await.unwrap().status(), 204);
    let (status, code, _) = failure(org.delete(path)).await;
    assert_eq!((status, code.as_str()), (404, "0x80060891"));
}

#[tokio::test]
async fn no_two_rows_share_a_key() {
    let org = Org::empty().await;
    org.create("accounts", json!({"name": "a", "accountnumber": "A-1"}))
        .await;
    let other = org.create("accounts", json!({"name": "b"})).await;
    org.create("accounts", json!({"name": "c"})).await;
    let text = "Entity Key Account Number violated. A record with the same value for Account Number already exists. A \
                duplicate record cannot be created. Select one or more unique values and try again.";
    let again = json!({"name": "d", "accountnumber": "a-1"});
    for request in [
        org.post("accounts", again.clone()),
        org.patch(&format!("accounts({other})"), again.clone()),
        org.patch("accounts(accountnumber='A-2')", again.clone()),
        org.request(Method::PUT, &format!("accounts({other})/accountnumber"))
            .json(&json!({"value": "A-1"})),
        org.post(
            "accounts/Microsoft.Dynamics.CRM.CreateMultiple",
            json!({"Targets": [{"name": "e"}, again]}),
        ),
    ] {
        let (status, code, message) = failure(request).await;
        assert_eq!(
            (status, code.as_str(), message.as_str()),
            (412, "0x80060892", text)
        );
    }
    assert_eq!(
        org.names("accounts", "name", "accountid ne null").await,
        ["a", "b", "c"]
    );
    // A row keeps its own value.
    let same = org.patch("accounts(accountnumber='A-1')", json!({"name": "a2"}));
    assert_eq!(same.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn binding_by_an_alternate_key() {
    let org = Org::empty().await;
    org.create("accounts", json!({"name": "a", "accountnumber": "A-1"}))
        .await;
    for reference in [
        "/accounts(accountnumber='A-1')".to_owned(),
        "accounts(accountnumber='A-1')".to_owned(),
        format!("{}/accounts(accountnumber='A-1')", org.base),
    ] {
        let id = org
            .create(
                "contacts",
                json!({"lastname": "c", "parentcustomerid_account@odata.bind": reference}),
            )
            .await;
        let row = org
            .read(&format!(
                "contacts({id})/parentcustomerid_account?$select=name"
            ))
            .await;
        assert_eq!(row["name"], "a", "{reference}");
    }
    let body = json!({"lastname": "c", "parentcustomerid_account@odata.bind": "/accounts(accountnumber='none')"});
    let (status, code, _) = failure(org.post("contacts", body)).await;
    assert_eq!((status, code.as_str()), (404, "0x80060891"));
}
