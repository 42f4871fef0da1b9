//! Bulk actions, record counts (protocol pages `crud.md` and `clients.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use serde_json::{Value, json};

async fn status(request: reqwest::RequestBuilder) -> (u16, String, bool) {
    let response = request.send().await.unwrap();
    let has_entity = response.headers().contains_key("odata-entityid");
    (
        response.status().as_u16(),
        response.text().await.unwrap(),
        has_entity,
    )
}

#[tokio::test]
async fn create_update_and_upsert_many() {
    let org = Org::empty().await;
    let of = "Microsoft.Dynamics.CRM.account";
    let created = ok(org.post(
        "accounts/Microsoft.Dynamics.CRM.CreateMultiple",
        json!({"Targets": [
            {"name": "A", "@odata.type": of},
            {"name": "B", "accountnumber": "B-1", "@odata.type": format!("#{of}")},
        ]}),
    ))
    .await;
    let context = format!(
        "{}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse",
        org.base
    );
    assert_eq!(created["@odata.context"], context);
    let ids: Vec<&str> = created["Ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        org.read(&format!("accounts({})", ids[1])).await["name"],
        "B"
    );

    // Without the namespace as well.
    let update = json!({"Targets": [{"accountid": ids[0], "name": "A2"}, {"accountid": ids[1], "name": "B2"}]});
    assert_eq!(
        status(org.post("accounts/UpdateMultiple", update)).await,
        (204, String::new(), false)
    );
    let upsert = json!({"Targets": [
        {"@odata.id": "accounts(accountnumber='B-1')", "@odata.type": of, "name": "B3"},
        {"@odata.id": "accounts(accountnumber='C-1')", "@odata.type": of, "name": "C"},
        {"accountid": "6f1c0000-0000-4000-8000-000000000001", "name": "D"},
        {"name": "E"},
    ]});
    assert_eq!(
        status(org.post("accounts/Microsoft.Dynamics.CRM.UpsertMultiple", upsert))
            .await
            .0,
        204
    );
    assert_eq!(
        org.names("accounts", "name", "accountid ne null").await,
        ["A2", "B3", "C", "D", "E"]
    );
    assert_eq!(org.read("accounts(accountnumber='C-1')").await["name"], "C");
}

#[tokio::test]
async fn all_or_nothing() {
    let org = Org::empty().await;
    let id = org.create("contacts", json!({"lastname": "A"})).await;
    let long = "x".repeat(51);
    let nobody = "00000000-0000-0000-0000-000000000001";
    let table: [(&str, Value, u16, &str, &str); 9] = [
        (
            "CreateMultiple",
            json!([{"lastname": "B"}, {"lastname": long}]),
            400,
            "0x80044331",
            "lastname",
        ),
        (
            "CreateMultiple",
            json!([{"lastname": "B"}, {"contactid": id}]),
            412,
            "0x80040237",
            "Cannot insert duplicate key",
        ),
        (
            "CreateMultiple",
            json!([{"lastname": "B", "@odata.type": "Microsoft.Dynamics.CRM.account"}]),
            400,
            "0x80048d19",
            "account",
        ),
        ("CreateMultiple", json!([]), 400, "0x80048d19", "Targets"),
        (
            "CreateMultiple",
            json!({"lastname": "B"}),
            400,
            "0x80048d19",
            "Targets",
        ),
        (
            "UpdateMultiple",
            json!([{"contactid": id, "lastname": "B"}, {"contactid": nobody, "lastname": "B"}]),
            404,
            "0x80040217",
            "Contact With Ids = 00000000-0000-0000-0000-000000000001 Do Not Exist",
        ),
        (
            "UpdateMultiple",
            json!([{"contactid": id, "lastname": "B"}, {"lastname": "B"}]),
            400,
            "0x80060888",
            "contactid",
        ),
        (
            "UpsertMultiple",
            json!([{"contactid": id, "lastname": "B"}, {"wrong": 1}]),
            400,
            "0x80048d19",
            "wrong",
        ),
        (
            "UpsertMultiple",
            json!([{"@odata.id": "accounts(accountnumber='1')"}]),
            400,
            "0x80048d19",
            "type",
        ),
    ];
    for (action, targets, expected, expected_code, text) in table {
        let request = org.post(
            &format!("contacts/Microsoft.Dynamics.CRM.{action}"),
            json!({"Targets": targets}),
        );
        let (status, code, message) = failure(request).await;
        assert_eq!(
            (status, code.as_str()),
            (expected, expected_code),
            "{message}"
        );
        assert!(message.contains(text), "{message}");
        assert_eq!(
            org.names("contacts", "fullname", "contactid ne null").await,
            ["A"],
            "{message}"
        );
    }
    let (status, _, message) = failure(org.post("contacts/DeleteEverything", json!({}))).await;
    assert_eq!(
        (status, message.as_str()),
        (
            404,
            "Resource not found for the segment 'DeleteEverything'."
        )
    );
}

fn bulk_delete(entity: &str, filter: Value) -> Value {
    json!({
        "JobName": "Bulk delete", "SendEmailNotification": false, "ToRecipients": [], "CCRecipients": [],
        "RecurrencePattern": "", "StartDateTime": "2026-01-01T00:00:00Z",
        "QuerySet": [{
            "@odata.type": "Microsoft.Dynamics.CRM.QueryExpression", "EntityName": entity,
            "ColumnSet": {"@odata.type": "Microsoft.Dynamics.CRM.ColumnSet", "AllColumns": false, "Columns": []},
            "Criteria": filter,
        }],
    })
}

fn condition(attribute: &str, operator: &str, values: &[&str]) -> Value {
    let values: Vec<Value> = values
        .iter()
        .map(|value| json!({"Value": value, "Type": "System.String"}))
        .collect();
    json!({"AttributeName": attribute, "Operator": operator, "Values": values})
}

#[tokio::test]
async fn bulk_delete_deletes_what_its_queries_find() {
    let org = Org::empty().await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "O'Hara", "E"] {
        ids.push(org.create("contacts", json!({"lastname": name})).await);
    }
    let (first, second) = (ids[0].as_str(), ids[1].as_str());
    org.create("tasks", json!({"subject": "t", "regardingobjectid_contact_task@odata.bind": format!("contacts({first})")})).await;
    let steps = [
        (
            condition("contactid", "In", &[first, second]),
            vec!["C", "E", "O'Hara"],
        ),
        (condition("lastname", "Equal", &["O'Hara"]), vec!["C", "E"]),
        (condition("lastname", "Like", &["%C%"]), vec!["E"]),
        (condition("lastname", "Null", &[]), vec!["E"]),
    ];
    for (condition, left) in steps {
        let criteria = json!({"FilterOperator": "And", "Conditions": [], "Filters": [{"FilterOperator": "Or", "Conditions": [condition]}]});
        let answered = ok(org.post("BulkDelete", bulk_delete("contact", criteria))).await;
        assert_eq!(answered["JobId"].as_str().unwrap().len(), 36);
        assert_eq!(
            org.names("contacts", "fullname", "contactid ne null").await,
            left
        );
    }
    assert_eq!(
        org.names("tasks", "subject", "activityid ne null").await,
        Vec::<String>::new(),
        "cascaded"
    );
    for (body, expected) in [
        (json!({}), 400),
        (bulk_delete("nothing", json!({})), 404),
        (bulk_delete("systemuser", json!({})), 501),
        (
            bulk_delete(
                "contact",
                json!({"Conditions": [condition("nothing", "Equal", &["1"])]}),
            ),
            400,
        ),
    ] {
        assert_eq!(failure(org.post("BulkDelete", body)).await.0, expected);
    }
    assert_eq!(
        org.names("contacts", "fullname", "contactid ne null").await,
        ["E"]
    );
}

#[tokio::test]
async fn rows_are_counted() {
    let org = Org::empty().await;
    org.create("contacts", json!({"lastname": "A"})).await;
    for path in [
        "RetrieveTotalRecordCount(EntityNames=['contact','account'])",
        "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['contact','account']",
    ] {
        assert_eq!(
            org.read(path).await,
            json!({
                "@odata.context": format!("{}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse", org.base),
                "EntityRecordCountCollection": {
                    "Count": 2, "IsReadOnly": false, "Keys": ["contact", "account"], "Values": [1, 0],
                },
            })
        );
    }
    assert_eq!(
        failure(org.get("RetrieveTotalRecordCount(EntityNames=['nothing'])"))
            .await
            .0,
        404
    );
    assert_eq!(failure(org.get("RetrieveTotalRecordCount()")).await.0, 400);
}
