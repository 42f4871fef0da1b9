//! Privileges: each of the guide's table is needed for something, and reaches as far as its depth (`security.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const USERS: &str = "/users";

/// One row of each table, made by the application user.
struct Rows {
    account: String,
    contact: String,
    lead: String,
    case: String,
    task: String,
}

async fn rows(org: &Org) -> Rows {
    let accounts = org.read("accounts?$top=1&$select=accountid").await;
    let contact = org.create("contacts", json!({"lastname": "Byron"})).await;
    let customer =
        json!({"title": "Case", "customerid_contact@odata.bind": format!("/contacts({contact})")});
    Rows {
        account: accounts["value"][0]["accountid"]
            .as_str()
            .unwrap()
            .to_owned(),
        lead: org
            .create("leads", json!({"lastname": "Byron", "subject": "x"}))
            .await,
        case: org.create("incidents", customer).await,
        task: org.create("tasks", json!({"subject": "Call"})).await,
        contact,
    }
}

/// The operation that needs a privilege of the guide's table.
fn operation(org: &Org, rows: &Rows, privilege: &str) -> RequestBuilder {
    let Rows {
        account,
        contact,
        lead,
        case,
        task,
    } = rows;
    let me = "preferredsystemuserid@odata.bind";
    match privilege {
        "prvReadAccount" => org.get("accounts?$top=1"),
        "prvAppendToAccount" => org.post("contacts", json!({
            "lastname": "x", "parentcustomerid_account@odata.bind": format!("/accounts({account})")})),
        "prvCreateActivity" => org.post("tasks", json!({"subject": "x"})),
        "prvReadActivity" => org.get("tasks?$top=1"),
        "prvWriteActivity" => org.patch(&format!("tasks({task})"), json!({"subject": "y"})),
        "prvAppendActivity" | "prvAppendToContact" => org.post("tasks", json!({
            "subject": "x", "regardingobjectid_contact@odata.bind": format!("/contacts({contact})")})),
        "prvAppendToActivity" | "prvCreateNote" | "prvAppendNote" => org.post("annotations", json!({
            "subject": "x", "objectid_task@odata.bind": format!("/tasks({task})")})),
        "prvReadNote" => org.get("annotations?$top=1"),
        "prvCreateContact" => org.post("contacts", json!({"lastname": "x"})),
        "prvReadContact" => org.get(&format!("contacts({contact})")),
        "prvWriteContact" => org.patch(&format!("contacts({contact})"), json!({"jobtitle": "x"})),
        "prvAppendContact" => org.patch(&format!("contacts({contact})"), json!({
            "parentcustomerid_account@odata.bind": format!("/accounts({account})")})),
        "prvCreateLead" => org.post("leads", json!({"lastname": "x", "subject": "x"})),
        "prvReadLead" => org.get("leads?$top=1"),
        "prvWriteLead" => org.patch(&format!("leads({lead})"), json!({"jobtitle": "x"})),
        "prvAppendLead" => org.patch(&format!("leads({lead})"), json!({
            "parentaccountid@odata.bind": format!("/accounts({account})")})),
        "prvAppendToLead" => org.post("tasks", json!({
            "subject": "x", "regardingobjectid_lead@odata.bind": format!("/leads({lead})")})),
        "prvCreateIncident" | "prvAppendIncident" => org.post("incidents", json!({
            "title": "x", "customerid_contact@odata.bind": format!("/contacts({contact})")})),
        "prvReadIncident" => org.get("incidents?$top=1"),
        "prvWriteIncident" => org.patch(&format!("incidents({case})"), json!({"title": "y"})),
        "prvAppendToIncident" => org.post("tasks", json!({
            "subject": "x", "regardingobjectid_incident@odata.bind": format!("/incidents({case})")})),
        "prvReadTeam" => org.get("teams?$top=1"),
        "prvReadUser" => org.get("systemusers?$top=1"),
        "prvAppendToUser" => org.patch(&format!("contacts({contact})"), json!({
            me: "/systemusers(1b2c3d4e-5f6a-4b7c-8d9e-0f1a2b3c4d5e)"})),
        other => panic!("no operation for {other}"),
    }
}

/// Privileges of the guide's table that show themselves at a table of the practice organization. The others belong to
/// tables that only the platform writes (plug-ins, system jobs), to metadata, or to writing users and teams.
const SHOWN: [&str; 28] = [
    "prvReadAccount",
    "prvAppendToAccount",
    "prvCreateActivity",
    "prvReadActivity",
    "prvWriteActivity",
    "prvAppendActivity",
    "prvAppendToActivity",
    "prvCreateContact",
    "prvReadContact",
    "prvWriteContact",
    "prvAppendContact",
    "prvAppendToContact",
    "prvCreateLead",
    "prvReadLead",
    "prvWriteLead",
    "prvAppendLead",
    "prvAppendToLead",
    "prvCreateNote",
    "prvReadNote",
    "prvAppendNote",
    "prvCreateIncident",
    "prvReadIncident",
    "prvWriteIncident",
    "prvAppendIncident",
    "prvAppendToIncident",
    "prvReadTeam",
    "prvReadUser",
    "prvAppendToUser",
];

#[tokio::test]
async fn each_privilege_of_the_guide_is_needed() {
    let org = Org::demo().await;
    let rows = rows(&org).await;
    for privilege in SHOWN {
        org.admin(Method::PATCH, USERS, json!({"remove": [privilege]}))
            .await;
        let (status, code, message) = failure(operation(&org, &rows, privilege)).await;
        assert_eq!(
            (status, code.as_str()),
            (403, "0x80040220"),
            "{privilege}: {message}"
        );
        assert!(
            message.starts_with("Principal user (Id=")
                && message.contains(&format!("is missing {privilege} privilege (Id=")),
            "{privilege}: {message}"
        );
        org.admin(Method::PATCH, USERS, json!({"add": [privilege]}))
            .await;
        let response = operation(&org, &rows, privilege).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{privilege}: {}",
            response.text().await.unwrap()
        );
    }
}

/// Puts a privilege at a depth.
async fn depth(org: &Org, privilege: &str, depth: &str) {
    let body = json!({"depth": {privilege: depth}});
    org.admin(Method::PATCH, USERS, body).await;
}

#[tokio::test]
async fn a_privilege_reaches_as_far_as_its_depth() {
    let org = Org::demo().await;
    let mine = org.create("contacts", json!({"lastname": "Mine"})).await;
    let all = org.read("contacts?$count=true&$top=1").await["@odata.count"]
        .as_i64()
        .unwrap();
    assert!(all > 100);
    let body = org
        .read("contacts?$select=contactid&$filter=lastname ne 'Mine'&$top=1")
        .await;
    let other = body["value"][0]["contactid"].as_str().unwrap().to_owned();

    depth(&org, "prvReadContact", "basic").await;
    let body = org.read("contacts?$select=lastname").await;
    let found: Vec<&Value> = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["lastname"])
        .collect();
    assert_eq!(found, ["Mine"], "rows out of reach are left out");
    let count = org
        .get("contacts/$count")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(count.trim_start_matches('\u{feff}'), "1");
    org.read(&format!("contacts({mine})")).await;
    for path in [
        format!("contacts({other})"),
        format!("contacts({other})/lastname"),
    ] {
        let (status, code, message) = failure(org.get(&path)).await;
        assert_eq!((status, code.as_str()), (403, "0x80048306"));
        assert!(
            message.contains(&format!(
                "does not have ReadAccess right(s) for record with id {other} of entity contact."
            )) && message.contains("BusinessUnitLevel"),
            "{message}"
        );
    }
    // What another row expands is left out, too.
    let case = org.read("incidents?$select=title&$filter=_customerid_value ne null&$expand=customerid_contact($select=lastname)&$top=50").await;
    assert!(
        case["value"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["customerid_contact"].is_null())
    );

    depth(&org, "prvReadContact", "local").await;
    let unit = |unit: &str| json!({"business_unit": unit});
    org.read(&format!("contacts({other})")).await;
    let elsewhere = "00000000-0000-4000-8000-0000000000b2";
    org.admin(Method::PATCH, USERS, unit(elsewhere)).await;
    let (_, code, message) = failure(org.get(&format!("contacts({other})"))).await;
    assert!(
        code == "0x80048306" && message.contains("OrganizationLevel"),
        "{message}"
    );
    let ours = org.create("contacts", json!({"lastname": "Ours"})).await;
    org.read(&format!("contacts({ours})")).await;
    assert_eq!(org.read("WhoAmI").await["BusinessUnitId"], elsewhere);

    // Writing, linking to.
    depth(&org, "prvReadContact", "global").await;
    depth(&org, "prvWriteContact", "basic").await;
    let change = json!({"jobtitle": "x"});
    let (_, code, message) =
        failure(org.patch(&format!("contacts({other})"), change.clone())).await;
    assert!(
        code == "0x80048306" && message.contains("WriteAccess"),
        "{message}"
    );
    let own = org
        .patch(&format!("contacts({ours})"), change)
        .send()
        .await
        .unwrap();
    assert_eq!(own.status(), 204);
    depth(&org, "prvAppendToContact", "basic").await;
    let task = |contact: &str| {
        let bind = format!("/contacts({contact})");
        org.post(
            "tasks",
            json!({"subject": "x", "regardingobjectid_contact@odata.bind": bind}),
        )
    };
    let (_, code, message) = failure(task(&other)).await;
    assert!(
        code == "0x80048306" && message.contains("AppendToAccess"),
        "{message}"
    );
    assert_eq!(task(&ours).send().await.unwrap().status(), 204);
    let user = org.read("WhoAmI").await["UserId"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()");
    let held = org.read(&path).await;
    let write = held["RolePrivileges"]
        .as_array()
        .unwrap()
        .iter()
        .find(|held| held["PrivilegeName"] == "prvWriteContact");
    assert_eq!(write.unwrap()["Depth"], "Basic");
}

#[tokio::test]
async fn acting_for_another() {
    let org = Org::demo().await;
    let person = &org.sandbox.description().people[0];
    let who = |name: &'static str, id: &str| org.get("WhoAmI").header(name, id);
    let (status, code, _) = failure(who("mscrmcallerid", &person.user_id)).await;
    assert_eq!((status, code.as_str()), (403, "0x8004a110"));
    let act = json!({"add": ["prvActOnBehalfOfAnotherUser"]});
    org.admin(Method::PATCH, USERS, act).await;
    assert_eq!(
        ok(who("mscrmcallerid", &person.user_id)).await["UserId"],
        person.user_id
    );
    let user = org
        .read(&format!(
            "systemusers({})?$select=azureactivedirectoryobjectid",
            person.user_id
        ))
        .await;
    let object = user["azureactivedirectoryobjectid"].as_str().unwrap();
    assert_eq!(
        ok(who("callerobjectid", object)).await["UserId"],
        person.user_id
    );
    // Only what both may.
    let lose = json!({"user": person.email, "remove": ["prvReadLead"]});
    org.admin(Method::PATCH, USERS, lose).await;
    let leads = || {
        org.get("leads?$top=1")
            .header("mscrmcallerid", &person.user_id)
    };
    assert!(failure(leads()).await.2.contains("prvReadLead"));
    org.read("leads?$top=1").await;
    let more = json!({"user": person.email, "add": ["prvReadTransactionCurrency"]});
    org.admin(Method::PATCH, USERS, more).await;
    let money = org
        .get("transactioncurrencies")
        .header("mscrmcallerid", &person.user_id);
    assert_eq!(failure(money).await.0, 403);
    // Their rows are theirs.
    let created = org
        .post("contacts", json!({"lastname": "x"}))
        .header("mscrmcallerid", &person.user_id);
    let created = created
        .header("prefer", "return=representation")
        .send()
        .await
        .unwrap();
    let created: Value = created.json().await.unwrap();
    assert_eq!(created["_ownerid_value"], person.user_id);
    org.admin(
        Method::PATCH,
        USERS,
        json!({"user": person.email, "disabled": true}),
    )
    .await;
    assert_eq!(
        failure(who("mscrmcallerid", &person.user_id)).await.1,
        "0x80040225"
    );
    let nobody = "00000000-0000-0000-0000-000000000001";
    assert_eq!(failure(who("mscrmcallerid", nobody)).await.1, "0x80072560");
}

#[tokio::test]
async fn an_owner_must_be_able_to_read_what_it_owns() {
    let org = Org::demo().await;
    let person = &org.sandbox.description().people[0];
    let contact = org.create("contacts", json!({"lastname": "x"})).await;
    let owner = json!({"ownerid@odata.bind": format!("/systemusers({})", person.user_id)});
    let assign = || org.patch(&format!("contacts({contact})"), owner.clone());
    assert!(failure(assign()).await.2.contains("prvAssignContact"));
    org.admin(Method::PATCH, USERS, json!({"add": ["prvAssignContact"]}))
        .await;
    let lose = json!({"user": person.email, "remove": ["prvReadContact"]});
    org.admin(Method::PATCH, USERS, lose).await;
    let (status, code, message) = failure(assign()).await;
    assert_eq!((status, code.as_str()), (403, "0x80040299"));
    assert!(
        message.starts_with(
            "Read Privilege Check For Owner failed with exception: Principal user (Id="
        ) && message.contains("prvReadContact"),
        "{message}"
    );
    let regain = json!({"user": person.email, "add": ["prvReadContact"]});
    org.admin(Method::PATCH, USERS, regain).await;
    assert_eq!(assign().send().await.unwrap().status(), 204);
}
