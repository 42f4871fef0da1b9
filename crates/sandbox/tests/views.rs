//! Saved queries as queries: `savedQuery=` and `userQuery=` (protocol page `fetchxml.md`), and what multi-select choices are
//! asked for.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::Method;
use serde_json::{Value, json};

fn column(body: &Value, name: &str) -> Vec<String> {
    let rows = body["value"].as_array().unwrap().iter();
    rows.map(|row| row[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_system_view_is_run_by_its_id() {
    let org = Org::empty().await;
    let account = org.create("accounts", json!({"name": "Analytical"})).await;
    let customer = json!(format!("/accounts({account})"));
    for (first, last, body) in [
        (
            "Ada",
            "Byron",
            json!({"parentcustomerid_account@odata.bind": customer}),
        ),
        ("Charles", "Babbage", json!({})),
        (
            "Gone",
            "Away",
            json!({"parentcustomerid_account@odata.bind": customer}),
        ),
    ] {
        let mut body = body;
        body["firstname"] = json!(first);
        body["lastname"] = json!(last);
        let id = org.create("contacts", body).await;
        if first == "Gone" {
            let closed = org.patch(&format!("contacts({id})"), json!({"statecode": 1}));
            assert_eq!(closed.send().await.unwrap().status(), 204);
        }
    }
    let view = "savedqueries?$select=name,savedqueryid,fetchxml&$filter=name eq 'Active Contacts' and returnedtypecode eq 'contact'";
    let view = org.read(view).await["value"][0].clone();
    let id = view["savedqueryid"].as_str().unwrap();

    let path = format!("contacts?savedQuery={id}");
    let found = org.read(&path).await;
    assert_eq!(column(&found, "fullname"), ["Ada Byron", "Charles Babbage"]);
    let same = ok(org
        .get("contacts")
        .query(&[("fetchXml", view["fetchxml"].as_str().unwrap())]))
    .await;
    assert_eq!(found, same, "it is the same query as its FetchXML");
    let counted = org.read(&format!("{path}&$count=true")).await;
    assert_eq!(counted["@odata.count"], 2);
    let braces = org
        .read(&format!("contacts?savedQuery=%7B{}%7D", id.to_uppercase()))
        .await;
    assert_eq!(braces, found);
    // Over the rows of a collection only.
    let within = format!("accounts({account})/contact_customer_accounts?savedQuery={id}");
    assert_eq!(column(&org.read(&within).await, "fullname"), ["Ada Byron"]);

    for (path, status, code) in [
        (format!("accounts?savedQuery={id}"), 400, "0x80041128"),
        (format!("contacts?userQuery={id}"), 404, "0x80040217"),
        (
            "contacts?savedQuery=00000000-0000-0000-0000-000000000001".to_owned(),
            404,
            "0x80040217",
        ),
        ("contacts?savedQuery=mine".to_owned(), 400, "0x80060888"),
        (format!("{path}&$select=fullname"), 400, "0x80060888"),
        (
            format!("{path}&$filter=firstname eq 'x'"),
            400,
            "0x80060888",
        ),
    ] {
        let (told, told_code, message) = failure(org.get(&path)).await;
        assert_eq!(
            (told, told_code.as_str()),
            (status, code),
            "{path}: {message}"
        );
    }
}

#[tokio::test]
async fn a_personal_view_is_its_owners() {
    let org = Org::demo().await;
    let rights = json!({"add": ["prvCreateUserQuery", "prvReadQuery"], "depth": {"prvReadUserQuery": "basic"}});
    org.admin(Method::PATCH, "/users", rights).await;
    let xml = "<fetch><entity name='contact'><attribute name='lastname'/><filter><condition attribute='lastname' \
               operator='eq' value='Byron'/></filter></entity></fetch>";
    let view =
        json!({"name": "Byrons", "returnedtypecode": "contact", "fetchxml": xml, "querytype": 0});
    let mine = org.create("userqueries", view.clone()).await;
    org.create("contacts", json!({"lastname": "Byron"})).await;
    let found = org.read(&format!("contacts?userQuery={mine}")).await;
    assert_eq!(column(&found, "lastname"), ["Byron"]);

    let person = org.sandbox.description().people[0].user_id.clone();
    let act = json!({"add": ["prvActOnBehalfOfAnotherUser"]});
    org.admin(Method::PATCH, "/users", act).await;
    let email = org.sandbox.description().people[0].email.clone();
    let rights = json!({"user": email, "add": ["prvCreateUserQuery", "prvReadUserQuery"]});
    org.admin(Method::PATCH, "/users", rights).await;
    let theirs = org
        .post("userqueries", view)
        .header("mscrmcallerid", &person);
    let theirs = theirs.send().await.unwrap();
    let theirs = theirs.headers()["odata-entityid"].to_str().unwrap();
    let id = theirs.rsplit_once('(').unwrap().1.trim_end_matches(')');
    let (status, code, message) = failure(org.get(&format!("contacts?userQuery={id}"))).await;
    assert_eq!((status, code.as_str()), (403, "0x80048306"), "{message}");
    let lose = json!({"remove": ["prvReadUserQuery"]});
    org.admin(Method::PATCH, "/users", lose).await;
    let (status, _, message) = failure(org.get(&format!("contacts?userQuery={mine}"))).await;
    assert!(
        status == 403 && message.contains("prvReadUserQuery"),
        "{message}"
    );
}

#[tokio::test]
async fn multi_select_choices_are_asked_for_their_values() {
    let org = Org::empty().await;
    for (name, interests) in [
        ("Hiker", json!("100000000")),
        ("Both", json!("100000001,100000000")),
        ("Cyclist", json!("100000001")),
        ("Ten", json!("100000004")),
        ("None", Value::Null),
    ] {
        let body = json!({"lastname": name, "new_interests": interests});
        org.create("contacts", body).await;
    }
    for (values, within, without) in [
        (vec![0], vec!["Both", "Hiker"], vec!["Cyclist", "Ten"]),
        (vec![0, 4], vec!["Both", "Hiker", "Ten"], vec!["Cyclist"]),
        (vec![2], vec![], vec!["Both", "Cyclist", "Hiker", "Ten"]),
    ] {
        let values: Vec<String> = values
            .into_iter()
            .map(|value| (100_000_000 + value).to_string())
            .collect();
        for (operator, function, expected) in [
            ("contain-values", "ContainValues", within),
            ("not-contain-values", "DoesNotContainValues", without),
        ] {
            for quote in ["'", "\""] {
                let list: Vec<String> = values
                    .iter()
                    .map(|value| format!("{quote}{value}{quote}"))
                    .collect();
                let filter = format!(
                    "Microsoft.Dynamics.CRM.{function}(PropertyName='new_interests',PropertyValues=[{}])",
                    list.join(",")
                );
                assert_eq!(
                    org.names("contacts", "lastname", &filter).await,
                    expected,
                    "{filter}"
                );
            }
            let list: String = values
                .iter()
                .map(|value| format!("<value>{value}</value>"))
                .collect();
            let xml = format!(
                "<fetch><entity name='contact'><attribute name='lastname'/><order attribute='lastname'/><filter><condition \
                 attribute='new_interests' operator='{operator}'>{list}</condition></filter></entity></fetch>"
            );
            let found = ok(org.get("contacts").query(&[("fetchXml", xml.as_str())])).await;
            assert_eq!(column(&found, "lastname"), expected, "{xml}");
        }
    }
    for wrong in [
        "Microsoft.Dynamics.CRM.ContainValues(PropertyName='lastname',PropertyValues=['1'])",
        "Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_interests',PropertyValues=['x'])",
        "Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_interests')",
    ] {
        let request = org.get("contacts").query(&[("$filter", wrong)]);
        assert_eq!(failure(request).await.0, 400, "{wrong}");
    }
}
