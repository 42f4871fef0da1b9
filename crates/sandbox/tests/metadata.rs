//! The metadata endpoints, `$metadata`, `RetrieveMetadataChanges` and changes to the schema, over HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Org, ok};
use quick_xml::events::Event;
use reqwest::Method;
use serde_json::{Value, json};

const CONTACT: &str = "EntityDefinitions(LogicalName='contact')";

fn texts(body: &Value, member: &str) -> BTreeSet<String> {
    let items = body["value"].as_array().unwrap();
    let text = |item: &Value| item[member].as_str().unwrap().to_owned();
    items.iter().map(text).collect()
}

async fn status(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn tables_by_name_by_id_and_by_filter() {
    let org = Org::demo().await;
    let contact = org
        .read(&format!(
            "{CONTACT}?$select=LogicalName,EntitySetName,ObjectTypeCode,OwnershipType,DisplayName,IsDuplicateDetectionEnabled"
        ))
        .await;
    assert_eq!(contact["EntitySetName"], "contacts");
    assert_eq!(contact["ObjectTypeCode"], 2);
    assert_eq!(contact["OwnershipType"], "UserOwned");
    assert_eq!(contact["IsDuplicateDetectionEnabled"]["Value"], true);
    assert_eq!(
        contact["DisplayName"]["UserLocalizedLabel"]["Label"],
        "Contact"
    );
    let labels = contact["DisplayName"]["LocalizedLabels"]
        .as_array()
        .unwrap();
    let german = labels.iter().find(|label| label["LanguageCode"] == 1031);
    assert_eq!(german.unwrap()["Label"], "Kontakt");
    assert!(contact.get("SchemaName").is_none());
    let id = contact["MetadataId"].as_str().unwrap();
    let same = org.read(&format!("EntityDefinitions({id})")).await;
    assert_eq!(same["LogicalName"], "contact");

    // As the Python client asks.
    let found = org
        .read("EntityDefinitions?%24select=LogicalName%2CEntitySetName%2CPrimaryIdAttribute&%24filter=LogicalName+eq+%27contact%27")
        .await;
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(found["value"][0]["PrimaryIdAttribute"], "contactid");
    let owned = org
        .read("EntityDefinitions?$select=LogicalName&$filter=OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and CanCreateAttributes/Value eq true")
        .await;
    let owned = texts(&owned, "LogicalName");
    assert!(owned.contains("lead") && owned.contains("new_membership") && !owned.contains("role"));
    for refused in [
        "EntityDefinitions?$orderby=LogicalName",
        "EntityDefinitions?$select=Nonsense",
        "EntityDefinitions?$filter=contains(LogicalName,'c')",
        "EntityDefinitions?$filter=DisplayName/UserLocalizedLabel/Label eq 'Contact'",
        "GlobalOptionSetDefinitions(Name='new_tier')?$select=Nonsense",
    ] {
        assert_ne!(status(org.get(refused)).await.0, 200, "{refused}");
    }
    let (missing, body) = status(org.get("EntityDefinitions(LogicalName='nobody')")).await;
    assert_eq!(
        (missing, &body["error"]["code"]),
        (404, &json!("0x80060888"))
    );
}

#[tokio::test]
async fn columns_and_their_choices() {
    let org = Org::demo().await;
    let all = org.read(&format!("{CONTACT}/Attributes")).await;
    let gender = all["value"].as_array().unwrap().iter();
    let gender = gender
        .clone()
        .find(|column| column["LogicalName"] == "gendercode");
    let gender = gender.unwrap();
    assert_eq!(
        gender["@odata.type"],
        "#Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    );
    assert_eq!(gender["AttributeTypeName"]["Value"], "PicklistType");
    let helper = org
        .read(&format!(
            "{CONTACT}/Attributes(LogicalName='gendercodename')"
        ))
        .await;
    assert_eq!(helper["AttributeOf"], "gendercode");

    let cast = format!("{CONTACT}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata");
    let picklists = org
        .read(&format!(
            "{cast}?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet"
        ))
        .await;
    let picklists = picklists["value"].as_array().unwrap();
    let named = |name: &str| {
        let found = picklists
            .iter()
            .find(|column| column["LogicalName"] == name);
        found.unwrap().clone()
    };
    assert!(named("gendercode").get("@odata.type").is_none());
    assert_eq!(
        named("gendercode")["OptionSet"]["Options"][1]["Label"]["UserLocalizedLabel"]["Label"],
        "Female"
    );
    assert_eq!(named("gendercode")["GlobalOptionSet"], Value::Null);
    assert_eq!(named("new_tier")["GlobalOptionSet"]["Name"], "new_tier");
    assert_eq!(
        named("new_tier")["OptionSet"]["Options"]
            .as_array()
            .unwrap()
            .len(),
        4
    );

    let string = org
        .read(&format!("{CONTACT}/Attributes(LogicalName='emailaddress1')/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=MaxLength,FormatName"))
        .await;
    assert_eq!(string["MaxLength"], 100);
    let (base_only, _) = status(org.get(&format!("{CONTACT}/Attributes?$select=MaxLength"))).await;
    assert_eq!(base_only, 400);
    let states = org
        .read("EntityDefinitions(LogicalName='incident')/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$select=LogicalName&$expand=OptionSet")
        .await;
    let option = &states["value"][0]["OptionSet"]["Options"][0];
    assert_eq!(
        option["@odata.type"],
        "#Microsoft.Dynamics.CRM.StatusOptionMetadata"
    );
    assert_eq!(option["State"], 0);
    let all_in_one = org
        .read(&format!("{CONTACT}?$select=LogicalName&$expand=Attributes($select=LogicalName;$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Money')"))
        .await;
    let money = all_in_one["Attributes"].as_array().unwrap();
    assert!(
        money
            .iter()
            .any(|column| column["LogicalName"] == "creditlimit")
    );
    assert!(
        !money
            .iter()
            .any(|column| column["LogicalName"] == "fullname")
    );
}

#[tokio::test]
async fn relationships_and_keys() {
    let org = Org::demo().await;
    let parents = org
        .read("EntityDefinitions(LogicalName='incident')/ManyToOneRelationships?$select=SchemaName,ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName")
        .await;
    let customer = parents["value"].as_array().unwrap().iter();
    let customer = customer.clone().find(|parent| {
        parent["ReferencingAttribute"] == "customerid" && parent["ReferencedEntity"] == "contact"
    });
    assert_eq!(
        customer.unwrap()["ReferencingEntityNavigationPropertyName"],
        "customerid_contact"
    );
    let children = org
        .read(&format!(
            "{CONTACT}/OneToManyRelationships?$select=SchemaName"
        ))
        .await;
    assert!(texts(&children, "SchemaName").contains("new_contact_new_membership"));
    let pairs = org
        .read("EntityDefinitions(LogicalName='team')/ManyToManyRelationships")
        .await;
    assert_eq!(pairs["value"][0]["IntersectEntityName"], "teammembership");
    let keys = org.read(&format!("{CONTACT}/Keys")).await;
    assert_eq!(
        keys["value"][0]["KeyAttributes"],
        json!(["new_loyaltynumber"])
    );
    assert_eq!(keys["value"][0]["EntityKeyIndexStatus"], "Active");
    let custom = org
        .read("RelationshipDefinitions/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata?$select=SchemaName,ReferencingEntityNavigationPropertyName&$filter=IsCustomRelationship eq true and ReferencingEntity eq 'contact'")
        .await;
    assert_eq!(
        custom["value"][0]["ReferencingEntityNavigationPropertyName"],
        "new_PreferredAgentId"
    );
}

#[tokio::test]
async fn the_guides_role_reads_no_global_choices() {
    let org = Org::demo().await;
    let (refused, body) = status(org.get("GlobalOptionSetDefinitions")).await;
    assert_eq!(refused, 403, "{body}");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("prvReadOptionSet")
    );
    let org = Org::empty().await;
    let tier = org
        .read("GlobalOptionSetDefinitions(Name='new_tier')")
        .await;
    assert_eq!(
        tier["Options"][2]["Label"]["UserLocalizedLabel"]["Label"],
        "Gold"
    );
    let (expanded, _) =
        status(org.get("GlobalOptionSetDefinitions(Name='new_tier')?$expand=Options")).await;
    assert_eq!(expanded, 400);
    let languages = org.read("RetrieveProvisionedLanguages()").await;
    assert_eq!(
        languages["RetrieveProvisionedLanguages"],
        json!([1033, 1031])
    );
}

/// Names of the properties and navigation properties of each type, with those it inherits.
fn types(xml: &str) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut own: BTreeMap<String, (String, BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut current = String::new();
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(element) | Event::Empty(element)) = &event else {
            if matches!(event, Event::Eof) {
                break;
            }
            continue;
        };
        let attribute = |name: &str| {
            let found = element.attributes().map(Result::unwrap);
            let found = found.into_iter().find(|a| a.key.as_ref() == name);
            found.map_or(String::new(), |a| a.value.into_owned())
        };
        match element.name().as_ref() {
            "EntityType" => {
                current = attribute("Name");
                let base = attribute("BaseType").replace("mscrm.", "");
                own.insert(current.clone(), (base, BTreeSet::new(), BTreeSet::new()));
            }
            "ComplexType" => current.clear(),
            "Property" if !current.is_empty() => {
                assert!(own.get_mut(&current).unwrap().1.insert(attribute("Name")));
            }
            "NavigationProperty" => {
                assert!(own.get_mut(&current).unwrap().2.insert(attribute("Name")));
            }
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    for name in own.keys() {
        let (mut properties, mut navigations) = (BTreeSet::new(), BTreeSet::new());
        let mut at = name.clone();
        while let Some((base, own_properties, own_navigations)) = own.get(&at) {
            properties.extend(own_properties.iter().cloned());
            navigations.extend(own_navigations.iter().cloned());
            at.clone_from(base);
        }
        all.insert(name.clone(), (properties, navigations));
    }
    all
}

#[tokio::test]
async fn the_csdl_says_what_the_definitions_say() {
    let org = Org::empty().await;
    let (json_only, _) = status(org.get("$metadata").header("accept", "application/json")).await;
    assert_eq!(json_only, 415);
    let response = org
        .get("$metadata")
        .header("accept", "application/xml")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/xml");
    let types = types(&response.text().await.unwrap());
    let tables = org
        .read("EntityDefinitions?$select=LogicalName&$expand=Attributes($select=LogicalName,AttributeType,IsValidODataAttribute),ManyToOneRelationships,OneToManyRelationships")
        .await;
    for table in tables["value"].as_array().unwrap() {
        let name = table["LogicalName"].as_str().unwrap();
        let (properties, navigations) = &types[name];
        for column in table["Attributes"].as_array().unwrap() {
            let logical = column["LogicalName"].as_str().unwrap();
            let kind = column["AttributeType"].as_str().unwrap();
            let property = match kind {
                "Lookup" | "Customer" | "Owner" => format!("_{logical}_value"),
                _ => logical.to_owned(),
            };
            let is_property = column["IsValidODataAttribute"] == true;
            // A user's key is also its ownerid, as a principal.
            assert!(
                properties.contains(&property) == is_property || property == "ownerid",
                "{name}.{property}"
            );
        }
        for (list, navigation) in [
            (
                "ManyToOneRelationships",
                "ReferencingEntityNavigationPropertyName",
            ),
            (
                "OneToManyRelationships",
                "ReferencedEntityNavigationPropertyName",
            ),
        ] {
            for relationship in table[list].as_array().unwrap() {
                let navigation = relationship[navigation].as_str().unwrap();
                assert!(navigations.contains(navigation), "{name}.{navigation}");
            }
        }
    }
}

const QUERY: &str = r#"{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName","DisplayName","Attributes"]},"AttributeQuery":{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName","AttributeType","OptionSet"]}},"LabelQuery":{"FilterLanguages":[1033],"MissingLabelBehavior":0},"Criteria":{"FilterOperator":"Or","Conditions":[{"PropertyName":"LogicalName","ConditionOperator":"Equals","Value":{"Type":"System.String","Value":"contact"}},{"PropertyName":"LogicalName","ConditionOperator":"Equals","Value":{"Type":"System.String","Value":"account"}}]}}"#;

async fn changes(org: &Org, stamp: Option<&str>) -> (u16, Value) {
    let path = match stamp {
        None => "RetrieveMetadataChanges(Query=@p1)",
        Some(_) => {
            "RetrieveMetadataChanges(Query=@p1,ClientVersionStamp=@p2,DeletedMetadataFilters=Microsoft.Dynamics.CRM.DeletedMetadataFilters'All')"
        }
    };
    let mut request = org.get(path).query(&[("@p1", QUERY)]);
    if let Some(stamp) = stamp {
        request = request.query(&[("@p2", format!("'{stamp}'"))]);
    }
    status(request).await
}

fn text_column(schema: &str) -> Value {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": schema,
        "MaxLength": 20,
        "FormatName": {"Value": "Text"},
        "RequiredLevel": {"Value": "None"},
        "DisplayName": {"LocalizedLabels": [{"Label": "Shoe size", "LanguageCode": 1033}]},
    })
}

#[tokio::test]
async fn a_new_column_is_there_at_once_and_clients_notice() {
    let org = Org::empty().await;
    let (first, baseline) = changes(&org, None).await;
    assert_eq!(first, 200, "{baseline}");
    let tables = baseline["EntityMetadata"].as_array().unwrap();
    assert_eq!(tables.len(), 2);
    assert!(
        tables
            .iter()
            .all(|table| !table["Attributes"].as_array().unwrap().is_empty())
    );
    let stamp = baseline["ServerVersionStamp"].as_str().unwrap().to_owned();
    let (_, quiet) = changes(&org, Some(&stamp)).await;
    assert_eq!(quiet["EntityMetadata"], json!([]));
    let version = async || {
        let prefer = "odata.include-annotations=\"Microsoft.Dynamics.CRM.globalmetadataversion\"";
        let body = ok(org.get("contacts").header("prefer", prefer)).await;
        body["@Microsoft.Dynamics.CRM.globalmetadataversion"].clone()
    };
    let before = version().await;

    let (made, body) = status(org.post(
        &format!("{CONTACT}/Attributes"),
        text_column("new_ShoeSize"),
    ))
    .await;
    assert_eq!(made, 204, "{body}");
    assert_ne!(version().await, before);
    let id = org
        .create(
            "contacts",
            json!({"lastname": "Byron", "new_shoesize": "43"}),
        )
        .await;
    let row = org
        .read(&format!("contacts({id})?$select=new_shoesize"))
        .await;
    assert_eq!(row["new_shoesize"], "43");
    let (_, changed) = changes(&org, Some(&stamp)).await;
    let tables = changed["EntityMetadata"].as_array().unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0]["Attributes"][0]["LogicalName"], "new_shoesize");
    assert_eq!(tables[0]["Attributes"].as_array().unwrap().len(), 1);
    let column = tables[0]["Attributes"][0]["MetadataId"].clone();
    let stamp = changed["ServerVersionStamp"].as_str().unwrap().to_owned();

    let (twice, _) = status(org.post(
        &format!("{CONTACT}/Attributes"),
        text_column("new_ShoeSize"),
    ))
    .await;
    assert_eq!(twice, 400);
    let place = format!("{CONTACT}/Attributes(LogicalName='new_shoesize')");
    let german = json!({"DisplayName": {"LocalizedLabels": [{"Label": "Schuhgröße", "LanguageCode": 1031}]}});
    let put = org
        .request(Method::PUT, &place)
        .header("MSCRM.MergeLabels", "true")
        .json(&german);
    assert_eq!(status(put).await.0, 204);
    let labels = org.read(&format!("{place}?$select=DisplayName")).await;
    assert_eq!(
        labels["DisplayName"]["LocalizedLabels"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    assert_eq!(status(org.delete(&place)).await.0, 204);
    let (gone, _) = status(org.get("contacts?$select=new_shoesize")).await;
    assert_eq!(gone, 400);
    let (_, after) = changes(&org, Some(&stamp)).await;
    assert_eq!(after["DeletedMetadata"]["Keys"], json!(["Attribute"]));
    assert_eq!(
        after["DeletedMetadata"]["Values"][0]["Items"],
        json!([column])
    );
    let (standard, _) =
        status(org.delete(&format!("{CONTACT}/Attributes(LogicalName='lastname')"))).await;
    assert_eq!(standard, 400);

    for stamp in [
        "nonsense",
        "9999999999!09/29/2022 15:08:10",
        "4025609!09/29/2001 15:08:10",
    ] {
        let (expired, body) = changes(&org, Some(stamp)).await;
        assert_eq!(
            (expired, &body["error"]["code"]),
            (400, &json!("0x80044352"))
        );
    }
}

#[tokio::test]
async fn lookups_and_options_can_be_added() {
    let org = Org::empty().await;
    let lookup = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_account_contact_Reseller",
        "ReferencedEntity": "account",
        "ReferencingEntity": "contact",
        "Lookup": {"@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata", "SchemaName": "new_ResellerId"},
    });
    let (made, body) = status(org.post("RelationshipDefinitions", lookup)).await;
    assert_eq!(made, 204, "{body}");
    let account = org
        .create("accounts", json!({"name": "Analytical Ltd"}))
        .await;
    let body =
        json!({"lastname": "Byron", "new_ResellerId@odata.bind": format!("/accounts({account})")});
    let contact = org.create("contacts", body).await;
    let row = org
        .read(&format!(
            "contacts({contact})?$expand=new_ResellerId($select=name)"
        ))
        .await;
    assert_eq!(row["new_ResellerId"]["name"], "Analytical Ltd");
    let row = org
        .read(&format!(
            "accounts({account})/new_account_contact_Reseller?$select=lastname"
        ))
        .await;
    assert_eq!(row["value"][0]["lastname"], "Byron");

    let diamond = json!({"OptionSetName": "new_tier", "Label": {"LocalizedLabels": [{"Label": "Diamond", "LanguageCode": 1033}]}});
    let (inserted, body) = status(org.post("InsertOptionValue", diamond)).await;
    assert_eq!(
        (inserted, &body["NewOptionValue"]),
        (200, &json!(100_000_004))
    );
    org.create(
        "contacts",
        json!({"lastname": "Lovelace", "new_tier": 100_000_004}),
    )
    .await;
    let gone = json!({"OptionSetName": "new_tier", "Value": 100_000_004});
    assert_eq!(status(org.post("DeleteOptionValue", gone)).await.0, 204);
    let (refused, _) = status(org.post(
        "contacts",
        json!({"lastname": "King", "new_tier": 100_000_004}),
    ))
    .await;
    assert_eq!(refused, 400);
    assert_eq!(status(org.post("PublishAllXml", json!({}))).await.0, 204);

    let guide = Org::demo().await;
    let (denied, _) =
        status(guide.post(&format!("{CONTACT}/Attributes"), text_column("new_X"))).await;
    assert_eq!(denied, 403);
}

#[tokio::test]
async fn all_kinds_of_activities_are_read_in_one_set() {
    let org = Org::demo().await;
    let calls = org
        .read(
            "activitypointers?$filter=activitytypecode eq 'phonecall'&$select=subject&$count=true",
        )
        .await;
    let own = org.read("phonecalls?$select=subject&$count=true").await;
    assert_eq!(calls["@odata.count"], own["@odata.count"]);
    assert!(calls["@odata.count"].as_i64().unwrap() > 0);
    let kinds = org.read("activitypointers?$select=activitytypecode").await;
    let kinds = texts(&kinds, "activitytypecode");
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[tokio::test]
async fn a_changed_schema_outlives_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let options = || sandbox::Options {
        data: Some(directory.path().join("organization.db")),
        seed: sandbox::Seed::Empty,
        ..sandbox::Options::default()
    };
    let org = Org::start(options(), true).await;
    let (made, _) = status(org.post(
        &format!("{CONTACT}/Attributes"),
        text_column("new_ShoeSize"),
    ))
    .await;
    assert_eq!(made, 204);
    let id = org.create("contacts", json!({"new_shoesize": "43"})).await;
    org.sandbox.stop().await;
    let org = Org::start(options(), true).await;
    let row = org.read(&format!("contacts({id})")).await;
    assert_eq!(row["new_shoesize"], "43");
}
