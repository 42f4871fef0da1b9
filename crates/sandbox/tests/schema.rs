//! Tables, keys and choices that are made while the organization runs, over HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure};
use reqwest::Method;
use serde_json::{Value, json};

const ACCOUNT: &str = "EntityDefinitions(LogicalName='account')";

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

fn label(text: &str) -> Value {
    json!({"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]})
}

/// Makes a piece of metadata and returns its address.
async fn made(org: &Org, set: &str, body: Value) -> String {
    let response = org.post(set, body).send().await.unwrap();
    let place = response.headers().get("odata-entityid").cloned();
    let status = response.status();
    assert_eq!(status, 204, "{}", response.text().await.unwrap());
    let place = place.unwrap().to_str().unwrap().to_owned();
    place
        .strip_prefix(&format!("{}/", org.base))
        .unwrap()
        .to_owned()
}

async fn keys(org: &Org) -> Vec<(String, String)> {
    let read = org.read(&format!("{ACCOUNT}/Keys")).await;
    let keys = read["value"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    keys.map(|key| {
        (
            text(&key["LogicalName"]),
            text(&key["EntityKeyIndexStatus"]),
        )
    })
    .filter(|(name, _)| name.starts_with("new_made"))
    .collect()
}

#[tokio::test]
async fn a_key_is_made_used_and_deleted() {
    let org = Org::empty().await;
    let key = |schema: &str, columns: &[&str]| json!({"SchemaName": schema, "DisplayName": label("Ticker"), "KeyAttributes": columns});
    let set = format!("{ACCOUNT}/Keys");
    let place = made(
        &org,
        &set,
        key("new_MadeTicker", &["tickersymbol", "numberofemployees"]),
    )
    .await;
    assert_eq!(
        keys(&org).await,
        [("new_madeticker".to_owned(), "Active".to_owned())]
    );

    let row = "accounts(tickersymbol='T''1',numberofemployees=7)";
    assert_eq!(
        failure(org.get(row)).await.1,
        "0x80060891",
        "a key that no row has"
    );
    assert_eq!(status(org.patch(row, json!({"name": "First"}))).await, 204);
    assert_eq!(status(org.patch(row, json!({"name": "Second"}))).await, 204);
    let read = org.read(&format!("{row}?$select=name,tickersymbol")).await;
    assert_eq!(
        (&read["name"], &read["tickersymbol"]),
        (&json!("Second"), &json!("T'1"))
    );
    let twin = json!({"name": "Third", "tickersymbol": "T'1", "numberofemployees": 7});
    let (refused, code, message) = failure(org.post("accounts", twin)).await;
    assert_eq!((refused, code.as_str()), (412, "0x80060892"), "{message}");
    assert!(
        message.starts_with("Entity Key Ticker violated"),
        "{message}"
    );

    for (body, code) in [
        (key("new_MadeTicker", &["name"]), "0x80060893"),
        (
            key("new_Other", &["numberofemployees", "tickersymbol"]),
            "0x80048d19",
        ),
        (key("new_Other", &["nosuchcolumn"]), "0x80048d19"),
        (key("new_Other", &["name", "name"]), "0x80048d19"),
        (key("new_Other", &["description"]), "0x80048d19"),
        (key("new_Other", &[]), "0x80048d19"),
        (key("unprefixed", &["name"]), "0x8004701d"),
    ] {
        let (refused, found, message) = failure(org.post(&set, body)).await;
        assert_eq!((refused, found.as_str()), (400, code), "{message}");
    }

    // A column of a key stays as long as the key.
    assert_eq!(status(org.delete(&place)).await, 204);
    assert_eq!(keys(&org).await, []);
    assert_eq!(failure(org.get(row)).await.0, 400);
    assert_eq!(failure(org.delete(&place)).await.0, 404);
}

#[tokio::test]
async fn a_key_that_rows_stand_in_the_way_of_is_not_used() {
    let org = Org::empty().await;
    let mut twins = Vec::new();
    for name in ["One", "Two"] {
        let body = json!({"name": name, "tickersymbol": "same"});
        twins.push(org.create("accounts", body).await);
    }
    let body = json!({"SchemaName": "new_MadeTicker", "KeyAttributes": ["tickersymbol"]});
    made(&org, &format!("{ACCOUNT}/Keys"), body).await;
    let state = |state: &str| vec![("new_madeticker".to_owned(), state.to_owned())];
    assert_eq!(keys(&org).await, state("Failed"));
    assert_eq!(
        failure(org.get("accounts(tickersymbol='same')")).await.0,
        400
    );
    let again = json!({"EntityLogicalName": "account", "EntityKeyLogicalName": "new_madeticker"});
    let reactivate = || org.post("ReactivateEntityKey", again.clone());
    assert_eq!(status(reactivate()).await, 204);
    assert_eq!(keys(&org).await, state("Failed"));
    let second = format!("accounts({})", twins.pop().unwrap());
    assert_eq!(status(org.delete(&second)).await, 204);
    assert_eq!(status(reactivate()).await, 204);
    assert_eq!(keys(&org).await, state("Active"));
    let read = org.read("accounts(tickersymbol='same')?$select=name").await;
    assert_eq!(read["name"], "One");
}

fn table(schema: &str) -> Value {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata",
        "SchemaName": schema,
        "DisplayName": label("Bank Facility"),
        "DisplayCollectionName": label("Bank Facilities"),
        "OwnershipType": "UserOwned",
        "IsActivity": false,
        "HasActivities": false,
        "HasNotes": true,
        "ChangeTrackingEnabled": true,
        "Attributes": [{
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "new_Name",
            "IsPrimaryName": true,
            "MaxLength": 100,
            "FormatName": {"Value": "Text"},
            "DisplayName": label("Name"),
        }],
    })
}

/// A relationship that restricts deletion keeps the row it refers to, with all that would have gone along.
#[tokio::test]
async fn what_a_restricting_lookup_refers_to_is_not_deleted() {
    let org = Org::empty().await;
    let relationship = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_account_lead_Guarantor",
        "ReferencedEntity": "account",
        "ReferencingEntity": "lead",
        "CascadeConfiguration": {"Delete": "Restrict"},
        "Lookup": {"@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata", "SchemaName": "new_GuarantorId"},
    });
    made(&org, "RelationshipDefinitions", relationship).await;
    let account = org.create("accounts", json!({"name": "a"})).await;
    let path = format!("accounts({account})");
    let bound = format!("/{path}");
    let contact = json!({"lastname": "c", "parentcustomerid_account@odata.bind": bound.clone()});
    let contact = org.create("contacts", contact).await;
    let lead = json!({"lastname": "l", "new_GuarantorId@odata.bind": bound.clone()});
    let lead = org.create("leads", lead).await;
    let (refused, code, _) = failure(org.delete(&path)).await;
    assert_eq!((refused, code.as_str()), (405, "0x80040227"));
    for kept in [
        &path,
        &format!("contacts({contact})"),
        &format!("leads({lead})"),
    ] {
        assert_eq!(status(org.get(kept)).await, 200, "{kept}");
    }
    assert_eq!(status(org.delete(&format!("leads({lead})"))).await, 204);
    assert_eq!(status(org.delete(&path)).await, 204);
    assert_eq!(
        status(org.get(&format!("contacts({contact})"))).await,
        404,
        "deleted along"
    );
}

#[tokio::test]
async fn a_table_is_made_filled_and_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let options = || sandbox::Options {
        data: Some(directory.path().join("organization.db")),
        seed: sandbox::Seed::Empty,
        ..sandbox::Options::default()
    };
    let org = Org::start(options(), true).await;
    let place = made(&org, "EntityDefinitions", table("new_BankFacility")).await;
    let read = org
        .read(&format!(
            "{place}?$select=LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,IsCustomEntity,HasNotes"
        ))
        .await;
    assert_eq!(read["LogicalName"], "new_bankfacility");
    assert_eq!(read["EntitySetName"], "new_bankfacilities");
    assert_eq!(read["PrimaryIdAttribute"], "new_bankfacilityid");
    assert_eq!(read["PrimaryNameAttribute"], "new_name");
    assert_eq!(read["IsCustomEntity"], true);
    let again = failure(org.post("EntityDefinitions", table("new_bankFacility"))).await;
    assert_eq!(again.0, 400, "{}", again.2);
    let nameless = json!({"SchemaName": "new_Nameless", "Attributes": []});
    assert_eq!(
        failure(org.post("EntityDefinitions", nameless)).await.0,
        400
    );

    // Rows, a look-up to the table, and notes about its rows.
    let lookup = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_bankfacility_contacts",
        "ReferencedEntity": "new_bankfacility",
        "ReferencingEntity": "contact",
        "Lookup": {"SchemaName": "new_FacilityId"},
    });
    let relationship = made(&org, "RelationshipDefinitions", lookup).await;
    let row = org
        .create("new_bankfacilities", json!({"new_name": "Main Street"}))
        .await;
    let bound = json!({"lastname": "Teller", "new_FacilityId@odata.bind": format!("/new_bankfacilities({row})")});
    org.create("contacts", bound).await;
    let note = json!({"subject": "Vault", "objectid_new_bankfacility@odata.bind": format!("/new_bankfacilities({row})")});
    let note = org.create("annotations", note).await;
    let members = "new_bankfacility_contacts($select=lastname),createdby($select=systemuserid)";
    let read = org
        .read(&format!(
            "new_bankfacilities({row})?$select=new_name,statecode&$expand={members}"
        ))
        .await;
    assert_eq!(read["new_name"], "Main Street");
    assert_eq!(read["statecode"], 0);
    assert_eq!(read["new_bankfacility_contacts"][0]["lastname"], "Teller");
    assert!(read["createdby"]["systemuserid"].is_string());
    let found = org
        .names(
            "contacts",
            "lastname",
            "new_FacilityId/new_name eq 'main street'",
        )
        .await;
    assert_eq!(found, ["Teller"]);

    org.sandbox.stop().await;
    let org = Org::start(options(), true).await;
    let tracked = org
        .get("new_bankfacilities?$select=new_name")
        .header("prefer", "odata.track-changes");
    let tracked = common::ok(tracked).await;
    assert_eq!(tracked["value"][0]["new_name"], "Main Street");
    let delta = tracked["@odata.deltaLink"].as_str().unwrap().to_owned();

    let (refused, code, _) = failure(org.delete(&place)).await;
    assert_eq!((refused, code.as_str()), (400, "0x8004f01f"));
    assert_eq!(failure(org.delete(ACCOUNT)).await.1, "0x8004f01f");
    assert_eq!(status(org.delete(&relationship)).await, 204);
    assert_eq!(
        status(org.get("contacts?$select=_new_facilityid_value")).await,
        400
    );
    assert_eq!(
        status(org.delete(&format!("new_bankfacilities({row})"))).await,
        204
    );
    let gone = common::ok(org.client.get(delta).bearer_auth(&org.token)).await;
    assert_eq!(gone["value"][0]["id"], row.as_str());
    assert_eq!(status(org.get(&format!("annotations({note})"))).await, 404);
    assert_eq!(status(org.delete(&place)).await, 204);
    assert_eq!(status(org.get("new_bankfacilities")).await, 404);
    assert_eq!(failure(org.get(&place)).await.0, 404);
    // Its name is free again.
    made(&org, "EntityDefinitions", table("new_BankFacility")).await;
    let rows = org.read("new_bankfacilities").await;
    assert_eq!(rows["value"], json!([]));
}

#[tokio::test]
async fn a_table_of_the_organization_has_no_owner() {
    let org = Org::empty().await;
    let mut body = table("new_Branch");
    body["OwnershipType"] = json!("OrganizationOwned");
    body["EntitySetName"] = json!("new_branchset");
    made(&org, "EntityDefinitions", body).await;
    let row = org
        .create("new_branchset", json!({"new_name": "North"}))
        .await;
    let read = org.read(&format!("new_branchset({row})")).await;
    assert_eq!(read["new_name"], "North");
    assert!(read.get("_ownerid_value").is_none());
}

#[tokio::test]
async fn a_global_choice_is_made_used_altered_and_deleted() {
    let org = Org::empty().await;
    let body = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
        "Name": "new_Colors",
        "IsGlobal": true,
        "OptionSetType": "Picklist",
        "DisplayName": label("Colors"),
        "Options": [{"Value": 1, "Label": label("Red")}, {"Value": 2, "Label": label("Blue")}],
    });
    let place = made(&org, "GlobalOptionSetDefinitions", body.clone()).await;
    assert_eq!(
        failure(org.post("GlobalOptionSetDefinitions", body))
            .await
            .0,
        400
    );
    let column = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
        "SchemaName": "new_Color",
        "DisplayName": label("Color"),
        "GlobalOptionSet@odata.bind": format!("/{place}"),
    });
    let column = made(&org, &format!("{ACCOUNT}/Attributes"), column).await;
    let formatted = async |value: i64| {
        let id = org
            .create("accounts", json!({"name": "Painted", "new_color": value}))
            .await;
        let read = org
            .get(&format!("accounts({id})?$select=new_color"))
            .header("prefer", "odata.include-annotations=\"*\"");
        let read = common::ok(read).await;
        read["new_color@OData.Community.Display.V1.FormattedValue"].clone()
    };
    assert_eq!(formatted(2).await, "Blue");

    // Every action on options, and what it does to the column that uses them.
    let named = |more: Value| {
        let mut body = json!({"OptionSetName": "new_Colors"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let inserted = org.post(
        "InsertOptionValue",
        named(json!({"Label": label("Green"), "Value": 3})),
    );
    assert_eq!(status(inserted).await, 200);
    assert_eq!(formatted(3).await, "Green");
    let renamed = named(json!({"Value": 3, "Label": label("Lime"), "MergeLabels": true}));
    assert_eq!(status(org.post("UpdateOptionValue", renamed)).await, 204);
    assert_eq!(formatted(3).await, "Lime");
    let order = |values: &[i64]| org.post("OrderOption", named(json!({"Values": values})));
    assert_eq!(status(order(&[3, 1, 2])).await, 204);
    assert_eq!(status(order(&[3, 1])).await, 400);
    assert_eq!(status(order(&[3, 1, 1])).await, 400);
    let values = async || {
        let read = org.read(&place).await;
        let options = read["Options"].as_array().unwrap().iter();
        options
            .map(|option| option["Value"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(values().await, [3, 1, 2]);
    let removed = named(json!({"Value": 1}));
    assert_eq!(
        status(org.post("DeleteOptionValue", removed.clone())).await,
        204
    );
    assert_eq!(status(org.post("DeleteOptionValue", removed)).await, 400);
    assert_eq!(values().await, [3, 2]);
    let refused = org.post("accounts", json!({"name": "Red", "new_color": 1}));
    assert_eq!(status(refused).await, 400);

    // A column's own options take the same actions.
    let own = json!({"EntityLogicalName": "account", "AttributeLogicalName": "industrycode", "Value": 9001, "Label": label("Tailors")});
    let inserted = common::ok(org.post("InsertOptionValue", own)).await;
    assert_eq!(inserted["NewOptionValue"], 9001);
    org.create("accounts", json!({"name": "Needle", "industrycode": 9001}))
        .await;

    let german =
        json!({"DisplayName": {"LocalizedLabels": [{"Label": "Farben", "LanguageCode": 1031}]}});
    let put = org
        .request(Method::PUT, &place)
        .header("MSCRM.MergeLabels", "true")
        .json(&german);
    assert_eq!(status(put).await, 204);
    let read = org
        .read("GlobalOptionSetDefinitions(Name='new_Colors')")
        .await;
    let labels = read["DisplayName"]["LocalizedLabels"].as_array().unwrap();
    assert_eq!(labels.len(), 2);

    assert_eq!(failure(org.delete(&place)).await.1, "0x8004f01f");
    assert_eq!(status(org.delete(&column)).await, 204);
    assert_eq!(status(org.delete(&place)).await, 204);
    assert_eq!(failure(org.get(&place)).await.0, 404);
}

#[tokio::test]
async fn a_batch_changes_the_schema_but_a_change_set_does_not() {
    let org = Org::empty().await;
    let part = |method: &str, url: &str, body: &Value| {
        format!(
            "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{method} {url} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{body}\r\n"
        )
    };
    let send = async |body: String| {
        let request = org
            .request(Method::POST, "$batch")
            .header("content-type", "multipart/mixed; boundary=b")
            .body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let make = part("POST", "EntityDefinitions", &table("new_Branch"));
    let fill = part("POST", "new_branches", &json!({"new_name": "North"}));
    let (done, text) = send(format!("--b\r\n{make}--b\r\n{fill}--b--\r\n")).await;
    assert_eq!(done, 200, "{text}");
    assert_eq!(
        org.names("new_branches", "new_name", "statecode eq 0")
            .await,
        ["North"]
    );

    let other = part("POST", "EntityDefinitions", &table("new_Other"));
    let set = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n{}--c--\r\n--b--\r\n",
        other.replacen("binary", "binary\r\nContent-ID: 1", 1)
    );
    let (refused, text) = send(set).await;
    assert_eq!(refused, 400, "{text}");
    assert!(text.contains("0x80060888"), "{text}");
    assert_eq!(status(org.get("new_others")).await, 404);
}
