//! Collections of a row: reading, associating, disassociating, deep insert (protocol page `crud.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-0000-0000-000000000001";

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

async fn names(org: &Org, path: &str, column: &str) -> Vec<String> {
    let mut names: Vec<String> = org.read(path).await["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[column].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_collection_is_read_written_and_left() {
    let org = Org::empty().await;
    let account = org.create("accounts", json!({"name": "A"})).await;
    let ada = org
        .create("contacts", json!({"firstname": "Ada", "lastname": "B"}))
        .await;
    let members = format!("accounts({account})/contact_customer_accounts");

    // Created within, associated by reference, by its URL.
    let response = org
        .post(&members, json!({"lastname": "Within"}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 204);
    let entity = response.headers()["odata-entityid"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        entity.starts_with(&format!("{}/contacts(", org.base)),
        "{entity}"
    );
    let reference = json!({"@odata.id": format!("{}/contacts({ada})", org.base)});
    assert_eq!(
        status(org.post(&format!("{members}/$ref"), reference)).await,
        204
    );

    assert_eq!(
        names(&org, &format!("{members}?$select=fullname"), "fullname").await,
        ["Ada B", "Within"]
    );
    assert_eq!(
        names(
            &org,
            &format!("{members}?$select=fullname&$filter=firstname eq 'Ada'"),
            "fullname"
        )
        .await,
        ["Ada B"]
    );
    let counted = org.get(&format!("{members}/$count")).send().await.unwrap();
    assert_eq!(counted.bytes().await.unwrap().as_ref(), b"\xef\xbb\xbf2");
    let row = org
        .read(&format!("{members}({ada})?$select=fullname"))
        .await;
    assert_eq!(row["fullname"], "Ada B");
    let listed = org
        .read(&format!("{members}/$ref?$filter=firstname eq 'Ada'"))
        .await;
    assert_eq!(
        listed,
        json!({
            "@odata.context": format!("{}/$metadata#Collection($ref)", org.base),
            "value": [{"@odata.id": format!("{}/contacts({ada})", org.base)}],
        })
    );
    // A path goes on behind a single-valued navigation property.
    let name = org
        .read(&format!("contacts({ada})/parentcustomerid_account/name"))
        .await;
    assert_eq!(name["value"], "A");

    // Both forms of leaving.
    assert_eq!(
        status(org.delete(&format!("{members}({ada})/$ref"))).await,
        204
    );
    assert_eq!(names(&org, &members, "fullname").await, ["Within"]);
    let by_option = format!("{members}/$ref?$id={entity}");
    assert_eq!(status(org.delete(&by_option)).await, 204);
    assert_eq!(
        names(&org, &members, "fullname").await,
        Vec::<String>::new()
    );

    let table = [
        (
            org.post(
                &format!("accounts({NOBODY})/contact_customer_accounts/$ref"),
                json!({"@odata.id": format!("contacts({ada})")}),
            ),
            404,
        ),
        (
            org.post(
                &format!("{members}/$ref"),
                json!({"@odata.id": format!("contacts({NOBODY})")}),
            ),
            404,
        ),
        (
            org.post(
                &format!("{members}/$ref"),
                json!({"@odata.id": format!("accounts({account})")}),
            ),
            400,
        ),
        (org.post(&format!("{members}/$ref"), json!({})), 400),
        (
            org.post(&format!("accounts({account})/nothing/$ref"), json!({})),
            404,
        ),
        (org.delete(&format!("{members}/$ref")), 400),
        (org.get(&format!("{members}({NOBODY})")), 404),
    ];
    for (request, expected) in table {
        let (status, _, message) = failure(request).await;
        assert_eq!(status, expected, "{message}");
    }
}

#[tokio::test]
async fn members_of_a_team() {
    let org = Org::empty().await;
    let team = org.read("teams?$select=name").await["value"][0]["teamid"]
        .as_str()
        .unwrap()
        .to_owned();
    let me = org.read("WhoAmI").await["UserId"]
        .as_str()
        .unwrap()
        .to_owned();
    let members = format!("teams({team})/teammembership_association");
    assert_eq!(
        status(org.delete(&format!("{members}({me})/$ref"))).await,
        204
    );
    let before = names(&org, &members, "systemuserid").await;
    assert!(!before.contains(&me));
    let reference = json!({"@odata.id": format!("{}/systemusers({me})", org.base)});
    assert_eq!(
        status(org.post(&format!("{members}/$ref"), reference.clone())).await,
        204
    );
    let (status_again, code, _) = failure(org.post(&format!("{members}/$ref"), reference)).await;
    assert_eq!((status_again, code.as_str()), (412, "0x80040237"));

    // Seen from both ends, and along with either.
    assert!(names(&org, &members, "systemuserid").await.contains(&me));
    let teams = names(
        &org,
        &format!("systemusers({me})/teammembership_association?$select=name"),
        "teamid",
    )
    .await;
    assert_eq!(teams, [team.as_str()]);
    let expanded = org
        .read(&format!(
            "teams({team})?$select=name&$expand=teammembership_association($select=fullname)"
        ))
        .await;
    let expanded = expanded["teammembership_association"].as_array().unwrap();
    assert_eq!(expanded.len(), before.len() + 1);

    assert_eq!(
        status(org.delete(&format!("{members}({me})/$ref"))).await,
        204
    );
    assert_eq!(names(&org, &members, "systemuserid").await, before);
    let roles = names(
        &org,
        &format!("systemusers({me})/systemuserroles_association?$select=name"),
        "name",
    )
    .await;
    assert_eq!(roles, ["System Administrator"]);
}

#[tokio::test]
async fn deep_insert_is_one_transaction() {
    let org = Org::empty().await;
    let known = org.create("contacts", json!({"lastname": "Known"})).await;
    let body = |subject: String| {
        json!({
            "name": "A",
            "primarycontactid": {"lastname": "Primary", "Contact_Tasks": [{"subject": "inner"}]},
            "contact_customer_accounts": [{"lastname": "One"}, {"lastname": "Two"}],
            "Account_Tasks": [{"subject": subject}],
            "contact_customer_accounts@odata.bind": [format!("/contacts({known})")],
        })
    };
    let (status, code, _) = failure(org.post("accounts", body("x".repeat(201)))).await;
    assert_eq!((status, code.as_str()), (400, "0x80044331"));
    assert_eq!(
        org.names("accounts", "name", "accountid ne null").await,
        Vec::<String>::new()
    );
    assert_eq!(
        org.names("contacts", "lastname", "contactid ne null").await,
        ["Known"]
    );

    let account = org.create("accounts", body("t".to_owned())).await;
    let row = org
        .read(&format!(
            "accounts({account})?$select=name&$expand=primarycontactid($select=lastname),\
             contact_customer_accounts($select=lastname),Account_Tasks($select=subject)"
        ))
        .await;
    assert_eq!(row["primarycontactid"]["lastname"], "Primary");
    assert_eq!(row["Account_Tasks"][0]["subject"], "t");
    let mut members: Vec<&str> = row["contact_customer_accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["lastname"].as_str().unwrap())
        .collect();
    members.sort_unstable();
    assert_eq!(members, ["Known", "One", "Two"]);
    assert_eq!(
        org.names("tasks", "subject", "activityid ne null").await,
        ["inner", "t"]
    );

    let answered = org
        .post(
            "contacts?$select=fullname&$expand=parentcustomerid_account($select=name)",
            json!({"lastname": "C", "parentcustomerid_account": {"name": "New"}}),
        )
        .header("prefer", "return=representation")
        .send()
        .await
        .unwrap();
    assert_eq!(answered.status(), 201);
    let answered: Value = answered.json().await.unwrap();
    assert_eq!(answered["parentcustomerid_account"]["name"], "New");

    // Only on create.
    for wrong in [
        json!({"primarycontactid": {"lastname": "N"}}),
        json!({"contact_customer_accounts": [{"lastname": "N"}]}),
        json!({"contact_customer_accounts@odata.bind": []}),
    ] {
        let (status, _, message) = failure(org.patch(&format!("accounts({account})"), wrong)).await;
        assert_eq!(status, 400, "{message}");
    }
}

#[tokio::test]
async fn one_property_and_conditional_reads() {
    let org = Org::empty().await;
    let account = org.create("accounts", json!({"name": "A"})).await;
    let contact = org.create("contacts", json!({"lastname": "C"})).await;
    let path = format!("contacts({contact})");
    let put = |property: &str, body: Value| {
        org.request(Method::PUT, &format!("{path}/{property}"))
            .json(&body)
    };
    assert_eq!(
        status(put("jobtitle", json!({"value": "Engineer"}))).await,
        204
    );
    assert_eq!(
        org.read(&format!("{path}/jobtitle")).await,
        json!({"@odata.context": format!("{}/$metadata#{path}/jobtitle", org.base), "value": "Engineer"})
    );
    assert_eq!(status(org.delete(&format!("{path}/jobtitle"))).await, 204);
    assert_eq!(
        status(org.get(&format!("{path}/jobtitle"))).await,
        204,
        "null"
    );
    assert_eq!(
        status(put(
            "parentcustomerid_account/$ref",
            json!({"@odata.id": format!("accounts({account})")})
        ))
        .await,
        204
    );
    assert_eq!(
        org.read(&format!("{path}/parentcustomerid_account?$select=name"))
            .await["name"],
        "A"
    );
    assert_eq!(
        status(org.delete(&format!("{path}/parentcustomerid_account/$ref"))).await,
        204
    );
    assert_eq!(
        status(org.get(&format!("{path}/parentcustomerid_account"))).await,
        204
    );

    let etag = org.read(&path).await["@odata.etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let asked = |known: &str| org.get(&path).header("if-none-match", known.to_owned());
    let unchanged = asked(&etag).send().await.unwrap();
    assert_eq!(
        (unchanged.status().as_u16(), unchanged.text().await.unwrap()),
        (304, String::new())
    );
    assert_eq!(status(asked("null")).await, 200);
    assert_eq!(status(asked("W/\"1\"")).await, 200);

    let dated = json!({"lastname": "Old", "overriddencreatedon": "2001-02-03T00:00:00Z"});
    let old = org.create("contacts", dated).await;
    let row = ok(org.get(&format!("contacts({old})?$select=createdon"))).await;
    assert_eq!(row["createdon"], "2001-02-03T00:00:00Z");
}

#[tokio::test]
async fn rows_are_found_by_what_their_pairs_lead_to() {
    let org = Org::empty().await;
    let me = org.read("WhoAmI").await["UserId"]
        .as_str()
        .unwrap()
        .to_owned();
    let team = org.read("teams?$select=teamid").await["value"][0]["teamid"]
        .as_str()
        .unwrap()
        .to_owned();
    let pairs = "teammembership_association";
    let mine = format!("teams({team})/{pairs}({me})/$ref");
    assert_eq!(status(org.delete(&mine)).await, 204);
    let all = names(&org, "systemusers?$select=systemuserid", "systemuserid").await;
    let users = async |filter: &str| org.names("systemusers", "systemuserid", filter).await;
    let members = users(&format!("{pairs}/any(t:t/teamid eq {team})")).await;
    assert!(!members.contains(&me));
    let her = members.first().unwrap();
    let others: Vec<String> = all
        .iter()
        .filter(|user| !members.contains(user))
        .cloned()
        .collect();
    for (filter, expected) in [
        (format!("{pairs}/any()"), members.clone()),
        (format!("not {pairs}/any()"), others.clone()),
        (format!("{pairs}/any(t:t/teamid eq {NOBODY})"), Vec::new()),
        // `all` holds where there is none.
        (format!("{pairs}/all(t:t/teamid eq {team})"), all),
        (format!("{pairs}/all(t:t/teamid eq {NOBODY})"), others),
        // Behind the pair a path goes on, and so does another collection.
        (
            format!("{pairs}/any(t:t/businessunitid/name ne null)"),
            members.clone(),
        ),
        (
            format!(
                "{pairs}/any(t:t/{pairs}/any(u:u/systemuserid eq {her}) and t/teamid eq {team})"
            ),
            members.clone(),
        ),
        (
            format!("{pairs}/any(t:t/{pairs}/any(u:u/systemuserid eq {NOBODY}))"),
            Vec::new(),
        ),
    ] {
        assert_eq!(users(&filter).await, expected, "{filter}");
    }
    let expanded = org
        .read(&format!(
            "teams({team})?$select=name&$expand={pairs}($select=fullname;$filter=systemuserid eq {her} and {pairs}/any(t:t/teamid eq {team});$expand=businessunitid($select=name))"
        ))
        .await;
    let found = expanded[pairs].as_array().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["systemuserid"], her.as_str());
    assert!(found[0]["businessunitid"]["name"].is_string());
}

#[tokio::test]
async fn a_row_is_found_only_in_its_own_collection() {
    let org = Org::empty().await;
    let ours = org.create("accounts", json!({"name": "Ours"})).await;
    let theirs = org.create("accounts", json!({"name": "Theirs"})).await;
    let body = json!({
        "lastname": "Byron", "parentcustomerid_account@odata.bind": format!("/accounts({ours})"),
    });
    let contact = org.create("contacts", body).await;
    let within =
        |account: &str| format!("accounts({account})/contact_customer_accounts({contact})");
    let found = org.read(&within(&ours)).await;
    assert_eq!(found["lastname"], "Byron");
    for path in [within(&theirs), format!("{}/lastname", within(&theirs))] {
        let (status, code, _) = failure(org.get(&path)).await;
        assert_eq!((status, code.as_str()), (404, "0x80040217"), "{path}");
    }
}
