//! Duplicate detection: by the header at a write, and by `RetrieveDuplicates` (protocol page `duplicates.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const HEADER: &str = "MSCRM.SuppressDuplicateDetection";

fn detecting(request: RequestBuilder) -> RequestBuilder {
    request.header(HEADER, "false")
}

async fn created(request: RequestBuilder) -> bool {
    request.send().await.unwrap().status() == 204
}

/// The duplicates that the function finds of a row, as their ids.
async fn duplicates(org: &Org, entity: &str, matching: &str, paging: &str) -> Vec<String> {
    let body = ok(asked(org, entity, matching, paging)).await;
    let rows = body["value"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            assert!(row["@odata.etag"].is_string() && row.get("createdon").is_some());
            let id = format!("{}id", matching.trim_matches(['\'', '"']));
            row[id.as_str()].as_str().unwrap().to_owned()
        })
        .collect()
}

fn asked(org: &Org, entity: &str, matching: &str, paging: &str) -> RequestBuilder {
    org.get("RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)")
        .query(&[("@p1", entity), ("@p2", matching), ("@p3", paging)])
}

/// A published rule with one condition.
async fn rule(org: &Org, rule: Value, condition: Value) -> String {
    let id = org.create("duplicaterules", rule).await;
    let mut condition = condition;
    condition["regardingobjectid@odata.bind"] = json!(format!("/duplicaterules({id})"));
    org.create("duplicateruleconditions", condition).await;
    state(org, &id, 1, 2).await;
    id
}

async fn state(org: &Org, rule: &str, state: i64, status: i64) {
    let body = json!({"statecode": state, "statuscode": status});
    let answer = org
        .patch(&format!("duplicaterules({rule})"), body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
}

const PAGE: &str = "{'PageNumber':1,'Count':50}";

#[tokio::test]
async fn a_write_that_makes_a_duplicate_is_refused_if_asked() {
    let org = Org::empty().await;
    let ada = json!({"lastname": "Byron", "emailaddress1": "ada@example.com"});
    let first = org.create("contacts", ada.clone()).await;
    let (status, code, message) = failure(detecting(org.post("contacts", ada.clone()))).await;
    assert_eq!((status, code.as_str()), (412, "0x80040333"));
    assert_eq!(
        message,
        "A record was not created or updated because a duplicate of the current record already exists."
    );
    // However the address is written; blank addresses are no duplicates.
    let shouted = json!({"lastname": "x", "emailaddress1": "ADA@example.COM"});
    assert_eq!(
        failure(detecting(org.post("contacts", shouted))).await.0,
        412
    );
    for _ in 0..2 {
        assert!(
            created(detecting(
                org.post("contacts", json!({"lastname": "Blank"}))
            ))
            .await
        );
    }
    // A lead with the address is no duplicate of a contact; of a lead it is.
    let lead = json!({"lastname": "Byron", "subject": "x", "emailaddress1": "ada@example.com"});
    assert!(created(detecting(org.post("leads", lead.clone()))).await);
    assert_eq!(
        failure(detecting(org.post("leads", lead))).await.1,
        "0x80040333"
    );
    let account = json!({"name": "x", "emailaddress1": "ada@example.com"});
    assert!(created(detecting(org.post("accounts", account.clone()))).await);
    assert_eq!(
        failure(detecting(org.post("accounts", account))).await.1,
        "0x80040333"
    );
    // Not asked for, or asked not to.
    assert!(created(org.post("contacts", ada.clone()).header(HEADER, "true")).await);
    let second = org.create("contacts", ada.clone()).await;

    // At an update, against all rows but itself.
    let other = org.create("contacts", json!({"lastname": "Other"})).await;
    let path = format!("contacts({other})");
    let change = json!({"emailaddress1": "ada@example.com"});
    assert_eq!(failure(detecting(org.patch(&path, change))).await.0, 412);
    assert!(
        created(detecting(
            org.patch(&path, json!({"emailaddress1": "o@example.com"}))
        ))
        .await
    );
    assert!(created(detecting(org.patch(&path, json!({"jobtitle": "x"})))).await);
    // An upsert that creates.
    let new = "contacts(00000000-0000-4000-8000-0000000000aa)";
    assert_eq!(failure(detecting(org.patch(new, ada.clone()))).await.0, 412);
    assert_eq!(org.get(new).send().await.unwrap().status(), 404);

    // Some servers answer 500.
    let settings = json!({"duplicates_status": 500});
    org.admin(Method::PATCH, "/settings", settings).await;
    let (status, code, _) = failure(detecting(org.post("contacts", ada.clone()))).await;
    assert_eq!((status, code.as_str()), (500, "0x80040333"));
    // Rules that are not published, and organizations that do not detect, stop nothing.
    let rules = org
        .read("duplicaterules?$filter=baseentityname eq 'contact'")
        .await;
    let published = rules["value"][0]["duplicateruleid"].as_str().unwrap();
    state(&org, published, 0, 0).await;
    assert!(created(detecting(org.post("contacts", ada.clone()))).await);
    state(&org, published, 1, 2).await;
    let off = json!({"duplicate_detection": false});
    org.admin(Method::PATCH, "/settings", off).await;
    assert!(created(detecting(org.post("contacts", ada))).await);
    let row = format!("{{'contactid':'{first}','@odata.type':'Microsoft.Dynamics.CRM.contact'}}");
    let (status, code, _) = failure(asked(&org, &row, "'contact'", PAGE)).await;
    assert_eq!((status, code.as_str()), (400, "0x80048412"));
    assert_ne!(first, second);
}

#[tokio::test]
async fn duplicates_are_retrieved_in_three_ways() {
    let org = Org::empty().await;
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        let row = json!({"lastname": name, "emailaddress1": "o'hara@example.com"});
        ids.push(org.create("contacts", row).await);
    }
    ids.sort();
    let others =
        |id: &str| -> Vec<String> { ids.iter().filter(|other| *other != id).cloned().collect() };
    // Not saved yet, in either quotes.
    let unsaved = "{'@odata.type':'Microsoft.Dynamics.CRM.contact','emailaddress1':'o''hara@example.com','lastname':'x'}";
    assert_eq!(duplicates(&org, unsaved, "'contact'", PAGE).await, ids);
    let double = r##"{"@odata.type":"#Microsoft.Dynamics.CRM.contact","emailaddress1":"O'HARA@example.com"}"##;
    let page = r#"{"PageNumber":1,"Count":50}"#;
    assert_eq!(duplicates(&org, double, "\"contact\"", page).await, ids);
    // By its key, and by reference: itself is not among them.
    let keyed = format!(
        "{{'@odata.type':'Microsoft.Dynamics.CRM.contact','contactid':'{}'}}",
        ids[0]
    );
    assert_eq!(
        duplicates(&org, &keyed, "'contact'", PAGE).await,
        others(&ids[0])
    );
    let reference = format!("{{'@odata.id':'contacts({})'}}", ids[1]);
    assert_eq!(
        duplicates(&org, &reference, "'contact'", PAGE).await,
        others(&ids[1])
    );
    // In pages.
    let second = duplicates(&org, unsaved, "'contact'", "{'PageNumber':2,'Count':2}").await;
    assert_eq!(second, [ids[2].clone()]);
    let counted = "{'PageNumber':1,'Count':1,'ReturnTotalRecordCount':true}";
    let body = ok(asked(&org, unsaved, "'contact'", counted)).await;
    assert_eq!(
        (
            &body["@odata.count"],
            body["value"].as_array().unwrap().len()
        ),
        (&json!(3), 1)
    );
    assert!(
        body["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("$metadata#contacts")
    );
    // None: another table, a blank, nobody.
    let nobody =
        "{'@odata.type':'Microsoft.Dynamics.CRM.contact','emailaddress1':'nobody@example.com'}";
    let blank = "{'@odata.type':'Microsoft.Dynamics.CRM.contact','emailaddress1':null}";
    assert!(duplicates(&org, unsaved, "'lead'", PAGE).await.is_empty());
    assert!(duplicates(&org, nobody, "'contact'", PAGE).await.is_empty());
    assert!(duplicates(&org, blank, "'contact'", PAGE).await.is_empty());
    // Refused.
    for (entity, matching) in [
        ("nonsense", "'contact'"),
        ("{'lastname':'x'}", "'contact'"),
        (
            "{'@odata.type':'Microsoft.Dynamics.CRM.contact','nothing':1}",
            "'contact'",
        ),
        (unsaved, "'nothing'"),
    ] {
        assert_eq!(
            failure(asked(&org, entity, matching, PAGE)).await.0,
            400,
            "{entity}"
        );
    }
    let (status, code, _) = failure(asked(&org, unsaved, "'role'", PAGE)).await;
    assert_eq!((status, code.as_str()), (400, "0x80048410"));
}

#[tokio::test]
async fn rules_of_the_administrators_own() {
    let org = Org::empty().await;
    // Lead against contact; and each kind of comparison.
    let of = |name: &str, base: &str, matching: &str| json!({"name": name, "baseentityname": base, "matchingentityname": matching});
    let condition = |base: &str, matching: &str, operator: i64, parameter: Value| {
        json!({"baseattributename": base, "matchingattributename": matching, "operatorcode": operator,
               "operatorparam": parameter, "ignoreblankvalues": true})
    };
    let contact = json!({
        "lastname": "Byron", "emailaddress2": "ada@example.com", "telephone1": "+41 44 123 45 67",
        "birthdate": "1985-12-10", "gendercode": 2, "jobtitle": "Countess",
    });
    let contact = org.create("contacts", contact).await;
    let find = |lead: Value| {
        let mut entity = lead;
        entity["@odata.type"] = json!("Microsoft.Dynamics.CRM.lead");
        let entity = entity.to_string();
        let org = &org;
        async move { duplicates(org, &entity, "'contact'", PAGE).await.len() }
    };
    assert_eq!(find(json!({"emailaddress1": "ada@example.com"})).await, 0);
    let exact = rule(
        &org,
        of("Lead and contact", "lead", "contact"),
        condition("emailaddress1", "emailaddress2", 0, Value::Null),
    )
    .await;
    assert_eq!(find(json!({"emailaddress1": "ADA@example.com"})).await, 1);
    // The write of a lead looks among contacts, too.
    let lead = json!({"lastname": "x", "subject": "x", "emailaddress1": "ada@example.com"});
    assert_eq!(
        failure(detecting(org.post("leads", lead))).await.1,
        "0x80040333"
    );
    state(&org, &exact, 0, 0).await;

    for (base, matching, operator, parameter, good, bad) in [
        (
            "lastname",
            "lastname",
            1,
            json!(3),
            json!("BYRne"),
            json!("Bywater"),
        ),
        (
            "telephone1",
            "telephone1",
            2,
            json!(5),
            json!("0445 67"),
            json!("0445 68"),
        ),
        (
            "jobtitle",
            "jobtitle",
            6,
            Value::Null,
            json!("countess"),
            json!("Count"),
        ),
    ] {
        let name = format!("Operator {operator}");
        let made = rule(
            &org,
            of(&name, "lead", "contact"),
            condition(base, matching, operator, parameter),
        )
        .await;
        assert_eq!(find(json!({base: good})).await, 1, "{name}");
        assert_eq!(find(json!({base: bad})).await, 0, "{name}");
        state(&org, &made, 0, 0).await;
    }
    // Dates and choices, contact against contact.
    let twin = |row: Value| {
        let mut entity = row;
        entity["@odata.type"] = json!("Microsoft.Dynamics.CRM.contact");
        let entity = entity.to_string();
        let org = &org;
        async move { duplicates(org, &entity, "'contact'", PAGE).await.len() }
    };
    for (column, operator, good, bad) in [
        ("birthdate", 3, json!("1985-12-10"), json!("1985-12-11")),
        ("birthdate", 4, json!("1985-12-10"), json!("1985-12-11")),
        ("gendercode", 5, json!(2), json!(1)),
        ("gendercode", 6, json!(2), json!(1)),
    ] {
        let name = format!("Operator {operator}");
        let made = rule(
            &org,
            of(&name, "contact", "contact"),
            condition(column, column, operator, Value::Null),
        )
        .await;
        assert_eq!(twin(json!({column: good})).await, 1, "{name}");
        assert_eq!(twin(json!({column: bad})).await, 0, "{name}");
        state(&org, &made, 0, 0).await;
    }
    // Case-sensitive, and without rows that are inactive.
    let mut strict = of("Strict", "contact", "contact");
    strict["iscasesensitive"] = json!(true);
    strict["excludeinactiverecords"] = json!(true);
    rule(
        &org,
        strict,
        condition("jobtitle", "jobtitle", 0, Value::Null),
    )
    .await;
    assert_eq!(twin(json!({"jobtitle": "countess"})).await, 0);
    assert_eq!(twin(json!({"jobtitle": "Countess"})).await, 1);
    let inactive = json!({"statecode": 1, "statuscode": 2});
    org.patch(&format!("contacts({contact})"), inactive)
        .send()
        .await
        .unwrap();
    assert_eq!(twin(json!({"jobtitle": "Countess"})).await, 0);
}
