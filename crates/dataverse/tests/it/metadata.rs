//! Reading metadata, in the shapes of protocol page `metadata.md`.

use crate::common::*;
use dataverse::Error;
use dataverse::metadata::{
    ColumnType, DateBehavior, Ownership, Refresh, Required, Schema, TextFormat, Version,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const BASELINE: &str = "RetrieveMetadataChanges(Query=@p1)";
const CHANGES: &str = "RetrieveMetadataChanges(Query=@p1,ClientVersionStamp=@p2,\
                       DeletedMetadataFilters=Microsoft.Dynamics.CRM.DeletedMetadataFilters'All')";
const STAMP: &str = "4025609!09/29/2022 15:08:10";
const NOTE: &str = "0b000000-0000-0000-0000-000000000009";
const CUSTOMER: Uuid = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);

fn label(english: &str, german: Option<&str>) -> Value {
    let text = |text: &str, code: u32| json!({"Label": text, "LanguageCode": code, "IsManaged": true, "MetadataId": NOTE, "HasChanged": null});
    let mut all = vec![text(english, 1033)];
    all.extend(german.map(|german| text(german, 1031)));
    json!({"LocalizedLabels": all, "UserLocalizedLabel": german.map(|german| text(german, 1031))})
}

fn column(name: &str, kind: &str, more: Value) -> Value {
    let mut column = json!({
        "@odata.type": format!("#Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
        "LogicalName": name, "SchemaName": name.to_uppercase(), "AttributeType": kind,
        "AttributeTypeName": {"Value": format!("{kind}Type")},
        "RequiredLevel": {"Value": "None", "CanBeChanged": true, "ManagedPropertyLogicalName": "x"},
        "IsValidForCreate": true, "IsValidForUpdate": true, "IsValidForRead": true,
        "AttributeOf": null, "DisplayName": label(name, None), "HasChanged": null,
    });
    for (key, value) in more.as_object().unwrap() {
        column[key] = value.clone();
    }
    column
}

fn incident() -> Value {
    let status = json!({"Name": "incident_statuscode", "IsGlobal": false, "OptionSetType": "Status", "Options": [
        {"Value": 1, "State": 0, "TransitionData": null, "Label": label("In Progress", Some("In Bearbeitung"))},
        {"Value": 5, "State": 1, "TransitionData": null, "Label": label("Problem Solved", None)},
    ]});
    let state = json!({"Options": [{"Value": 0, "DefaultStatus": 1, "InvariantName": "Active", "Label": label("Active", Some("Aktiv"))}]});
    let boolean = json!({"TrueOption": {"Value": 1, "Label": label("Yes", Some("Ja"))}, "FalseOption": {"Value": 0, "Label": label("No", None)}});
    let tags = json!({"Name": "new_tags", "IsGlobal": true, "Options": [{"Value": 3, "Label": label("VIP", None)}]});
    json!({
        "LogicalName": "incident", "SchemaName": "Incident", "EntitySetName": "incidents",
        "PrimaryIdAttribute": "incidentid", "PrimaryNameAttribute": "title", "ObjectTypeCode": 112,
        "OwnershipType": "UserOwned", "IsActivity": false, "ChangeTrackingEnabled": true,
        "IsOptimisticConcurrencyEnabled": true, "MetadataId": "a0000000-0000-0000-0000-000000000001",
        "IsDuplicateDetectionEnabled": {"Value": true, "CanBeChanged": true},
        "DisplayName": label("Case", Some("Anfrage")), "DisplayCollectionName": {"LocalizedLabels": [], "UserLocalizedLabel": null},
        "HasChanged": true,
        "Attributes": [
            column("title", "String", json!({"MaxLength": 200, "Format": "Text", "FormatName": {"Value": "Text"},
                "DisplayName": label("Case Title", Some("Anfragetitel")), "RequiredLevel": {"Value": "ApplicationRequired"}})),
            column("emailaddress", "String", json!({"MaxLength": 100, "FormatName": {"Value": "Email"}})),
            column("statuscode", "Status", json!({"OptionSet": status})),
            column("statecode", "State", json!({"OptionSet": state})),
            column("checkemail", "Boolean", json!({"OptionSet": boolean})),
            column("new_tags", "Virtual", json!({"AttributeTypeName": {"Value": "MultiSelectPicklistType"}, "OptionSet": tags, "IsCustomAttribute": true})),
            column("entityimage", "Virtual", json!({"AttributeTypeName": {"Value": "ImageType"}})),
            column("new_offer", "Virtual", json!({"AttributeTypeName": {"Value": "FileType"}})),
            column("responseby", "DateTime", json!({"Format": "DateOnly", "DateTimeBehavior": {"Value": "UserLocal"}})),
            column("new_cost", "Money", json!({"MinValue": 0.0, "MaxValue": 1e12, "Precision": 2, "PrecisionSource": 2})),
            column("customerid", "Customer", json!({"Targets": ["account", "contact"]})),
            column("ownerid", "Owner", json!({"Targets": ["systemuser", "team"], "RequiredLevel": {"Value": "SystemRequired"}})),
            column("customeridname", "String", json!({"AttributeOf": "customerid", "DisplayName": {"LocalizedLabels": [], "UserLocalizedLabel": null}})),
            column("processid", "Uniqueidentifier", json!({"MetadataId": NOTE})),
        ],
        "Keys": [{"LogicalName": "new_number", "KeyAttributes": ["ticketnumber"], "EntityKeyIndexStatus": "Active"}],
        "ManyToOneRelationships": [
            {"SchemaName": "incident_customer_accounts", "ReferencingAttribute": "customerid", "ReferencedEntity": "account",
             "ReferencedAttribute": "accountid", "ReferencingEntityNavigationPropertyName": "customerid_account",
             "ReferencedEntityNavigationPropertyName": "incident_customer_accounts", "MetadataId": "c0000000-0000-0000-0000-000000000001"},
            {"SchemaName": "incident_customer_contacts", "ReferencingAttribute": "customerid", "ReferencedEntity": "contact",
             "ReferencedAttribute": "contactid", "ReferencingEntityNavigationPropertyName": "customerid_contact",
             "ReferencedEntityNavigationPropertyName": "incident_customer_contacts", "MetadataId": "c0000000-0000-0000-0000-000000000002"},
        ],
        "ManyToManyRelationships": [
            {"SchemaName": "x", "IntersectEntityName": "y", "Entity1LogicalName": "incident", "Entity1NavigationPropertyName": "a",
             "Entity2LogicalName": "contact", "Entity2NavigationPropertyName": "b"},
        ],
    })
}

fn contact() -> Value {
    json!({
        "LogicalName": "contact", "SchemaName": "Contact", "EntitySetName": "contacts", "PrimaryIdAttribute": "contactid",
        "PrimaryNameAttribute": "fullname", "OwnershipType": "UserOwned", "MetadataId": "608861bc-50a4-4c5f-a02c-21fe1943e2cf",
        "DisplayName": null, "Attributes": null,
    })
}

fn answered(tables: Value, stamp: &str, deleted: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "@odata.context": "x/$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse",
        "ServerVersionStamp": stamp, "EntityMetadata": tables, "DeletedMetadata": deleted,
    }))
}

fn nothing_deleted() -> Value {
    json!({"Count": 0, "IsReadOnly": false, "Keys": [], "Values": []})
}

async fn baseline(server: &MockServer) -> Schema {
    answer(
        server,
        "GET",
        BASELINE,
        answered(json!([contact(), incident()]), STAMP, nothing_deleted()),
    )
    .await;
    client(server)
        .schema(&["incident", "contact", "gone"])
        .await
        .unwrap()
}

#[tokio::test]
async fn one_request_reads_tables_with_columns_choices_lookups_and_keys() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let schema = baseline(&server).await;
    let request = last(&server).await;
    assert_eq!(request.headers.get("consistency").unwrap(), "Strong");
    let (_, query) = request
        .url
        .query_pairs()
        .find(|(name, _)| name == "@p1")
        .unwrap();
    let query: Value = serde_json::from_str(&query).unwrap();
    assert_eq!(query["Criteria"]["FilterOperator"], "Or");
    assert_eq!(query["Criteria"]["Conditions"].as_array().unwrap().len(), 3);
    assert!(
        query["Properties"]["PropertyNames"]
            .as_array()
            .unwrap()
            .contains(&json!("Attributes"))
    );
    assert!(
        query["AttributeQuery"]["Properties"]["PropertyNames"]
            .as_array()
            .unwrap()
            .contains(&json!("OptionSet"))
    );

    assert_eq!(schema.version(), &Version::Stamp(STAMP.to_owned()));
    assert_eq!((schema.tables().count(), schema.asked().count()), (2, 3));
    assert_eq!(schema.user_language(), Some(1031));
    let table = schema.table("incident").unwrap();
    assert_eq!(
        (table.name(), table.plural_label.text(), table.ownership),
        ("Anfrage", None, Ownership::User)
    );
    assert!(
        table.change_tracking
            && table.optimistic_concurrency
            && table.duplicate_detection
            && !table.is_activity
    );
    assert_eq!(table.keys[0].columns, ["ticketnumber"]);
    assert!(table.keys[0].is_active);
    assert_eq!(
        table.many_to_many[0].second,
        ("contact".to_owned(), "b".to_owned())
    );
    assert_eq!(
        schema.table("contact").unwrap().name(),
        "Contact",
        "without any label"
    );
    assert_eq!(
        schema.table_of_set("incidents").unwrap().primary_id,
        "incidentid"
    );

    let column = |name: &str| schema.column("incident", name).unwrap();
    let title = column("title");
    assert_eq!(
        (title.name(), title.required),
        ("Anfragetitel", Required::Application)
    );
    assert_eq!(title.label.in_language(1033), Some("Case Title"));
    assert_eq!(
        title.kind,
        ColumnType::Text {
            max_length: Some(200),
            format: TextFormat::Plain
        }
    );
    assert_eq!(
        column("emailaddress").name(),
        "emailaddress",
        "the first language where the user's has none"
    );
    assert_eq!(
        column("customeridname").name(),
        "CUSTOMERIDNAME",
        "the schema name without a label"
    );
    assert_eq!(
        column("customeridname").attribute_of.as_deref(),
        Some("customerid")
    );
    assert!(matches!(
        column("emailaddress").kind,
        ColumnType::Text {
            format: TextFormat::Email,
            ..
        }
    ));
    assert!(
        matches!(&column("new_tags").kind, ColumnType::MultiChoice(set) if set.global_name.as_deref() == Some("new_tags"))
    );
    assert_eq!(
        (&column("entityimage").kind, &column("new_offer").kind),
        (&ColumnType::Image, &ColumnType::File)
    );
    assert_eq!(
        column("responseby").kind,
        ColumnType::DateTime {
            date_only: true,
            behavior: DateBehavior::UserLocal
        }
    );
    assert_eq!(
        column("new_cost").kind,
        ColumnType::Money {
            min: Some(0.0),
            max: Some(1e12),
            precision: Some(2),
            precision_source: Some(2)
        }
    );
    let status = column("statuscode").choices().unwrap();
    assert_eq!(status.by_value(5).unwrap().state, Some(1));
    assert_eq!(
        column("statecode").choices().unwrap().choices[0].default_status,
        Some(1)
    );
    assert_eq!(
        schema.choice_label("incident", "statuscode", 1),
        Some("In Bearbeitung")
    );
    for text in ["In Bearbeitung", " in progress "] {
        assert_eq!(
            schema.choice_value("incident", "statuscode", text),
            Some(1),
            "{text}"
        );
    }
    assert_eq!(
        schema.choice_value("incident", "statuscode", "nothing"),
        None
    );
    assert_eq!(schema.choice_value("incident", "checkemail", "ja"), Some(1));

    assert_eq!(
        (column("customerid").property(), column("title").property()),
        ("_customerid_value".to_owned(), "title".to_owned())
    );
    assert_eq!(
        schema.navigation("incident", "customerid", "contact"),
        Some("customerid_contact")
    );
    assert_eq!(schema.navigation("incident", "customerid", "lead"), None);
    assert_eq!(
        schema.navigation("incident", "ownerid", "team"),
        Some("ownerid")
    );
    assert_eq!(schema.navigation("incident", "ownerid", "contact"), None);
    assert_eq!(
        schema.bind("incident", "customerid", "contact", CUSTOMER),
        Some((
            "customerid_contact@odata.bind".to_owned(),
            format!("/contacts({CUSTOMER})")
        ))
    );

    let written = serde_json::to_string(&schema).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&written).unwrap(), schema);
}

#[tokio::test]
async fn a_refresh_reads_the_tables_that_changed_and_drops_what_was_deleted() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let schema = baseline(&server).await;

    let quoted = format!("'{STAMP}'");
    Mock::given(method("GET"))
        .and(path(format!("{API}{CHANGES}")))
        .and(query_param("@p2", quoted))
        .and(header("consistency", "Strong"))
        .respond_with(answered(json!([]), "4025610!later", nothing_deleted()))
        .expect(1)
        .mount(&server)
        .await;
    let Refresh::Unchanged(schema) = client(&server).refreshed_schema(&schema).await.unwrap()
    else {
        panic!("something changed")
    };
    assert_eq!(
        schema.version(),
        &Version::Stamp("4025610!later".to_owned())
    );

    // What is deleted has a form of its own in each version; the ids are what counts.
    for deleted in [
        json!({"Count": 1, "IsReadOnly": false, "Keys": ["Attribute"], "Values": [[NOTE]]}),
        json!({"Count": 1, "Keys": ["Attribute"], "Values": [{"Count": 1, "Items": [NOTE]}]}),
    ] {
        Mock::given(query_param("@p2", "'4025610!later'"))
            .respond_with(answered(
                json!([{"LogicalName": "contact", "HasChanged": true}]),
                "4025611!last",
                deleted,
            ))
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
        let mut renamed = contact();
        renamed["DisplayName"] = label("Customer", None);
        Mock::given(|request: &Request| {
            request
                .url
                .query()
                .is_some_and(|query| !query.contains("incident") && !query.contains("p2"))
        })
        .respond_with(answered(
            json!([renamed]),
            "4025611!last",
            nothing_deleted(),
        ))
        .with_priority(1)
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
        let Refresh::Changed(changed) = client(&server).refreshed_schema(&schema).await.unwrap()
        else {
            panic!("nothing changed")
        };
        assert_eq!(changed.table("contact").unwrap().name(), "Customer");
        assert!(changed.column("incident", "processid").is_none());
        assert!(changed.column("incident", "title").is_some());
        assert_eq!(
            changed.version(),
            &Version::Stamp("4025611!last".to_owned())
        );
    }
}

#[tokio::test]
async fn an_expired_stamp_is_followed_by_a_full_reading() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let schema = baseline(&server).await;
    answer(
        &server,
        "GET",
        CHANGES,
        dataverse_error(
            400,
            "0x80044352",
            "Version stamp associated with the client has expired. Please perform a full sync.",
        ),
    )
    .await;
    let Refresh::ReadAnew(anew) = client(&server).refreshed_schema(&schema).await.unwrap() else {
        panic!("not read anew")
    };
    assert_eq!(anew, schema);
}

#[tokio::test]
async fn another_refusal_is_an_error_and_not_a_full_reading() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let schema = baseline(&server).await;
    answer(
        &server,
        "GET",
        CHANGES,
        dataverse_error(403, "0x80040220", "missing prvReadEntity privilege"),
    )
    .await;
    let error = client(&server).refreshed_schema(&schema).await.unwrap_err();
    assert!(matches!(error, Error::MissingPrivilege { .. }), "{error}");

    let odd = organization(
        BASELINE,
        ResponseTemplate::new(200).set_body_json(json!({"EntityMetadata": 7})),
    )
    .await;
    assert_eq!(
        client(&odd).schema(&["contact"]).await.unwrap_err().code(),
        "invalid_answer"
    );
    assert_eq!(
        client(&odd).schema(&["con'tact"]).await.unwrap_err().code(),
        "invalid_query"
    );
}

#[tokio::test]
async fn an_organization_without_the_function_is_read_table_by_table() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    Mock::given(method("GET"))
        .respond_with(dataverse_error(
            404,
            "0x8006088a",
            "Resource not found for the segment 'RetrieveMetadataChanges'.",
        ))
        .with_priority(200)
        .mount(&server)
        .await;
    let root = "EntityDefinitions(LogicalName='incident')";
    let whole = incident();
    let rows = |rows: Value| ResponseTemplate::new(200).set_body_json(json!({"value": rows}));
    let base: Vec<Value> = whole["Attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            let mut column = column.clone();
            for key in [
                "MaxLength",
                "Format",
                "FormatName",
                "OptionSet",
                "Targets",
                "DateTimeBehavior",
                "MinValue",
                "MaxValue",
                "Precision",
                "PrecisionSource",
            ] {
                column.as_object_mut().unwrap().remove(key);
            }
            column
        })
        .collect();
    let mut header_only = whole.clone();
    for part in [
        "Attributes",
        "Keys",
        "ManyToOneRelationships",
        "ManyToManyRelationships",
    ] {
        header_only.as_object_mut().unwrap().remove(part);
        let part_rows = if part == "Attributes" {
            json!(base)
        } else {
            whole[part].clone()
        };
        answer(&server, "GET", &format!("{root}/{part}"), rows(part_rows)).await;
    }
    answer(
        &server,
        "GET",
        root,
        ResponseTemplate::new(200).set_body_json(header_only),
    )
    .await;
    for cast in [
        "String", "Memo", "Integer", "Decimal", "Double", "Money", "DateTime", "Lookup", "Boolean",
        "Picklist", "State", "Status",
    ] {
        let fitting: Vec<&Value> = whole["Attributes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|column| {
                let kind = column["AttributeType"].as_str().unwrap();
                kind == cast || (cast == "Lookup" && ["Customer", "Owner"].contains(&kind))
            })
            .collect();
        answer(
            &server,
            "GET",
            &format!("{root}/Attributes/Microsoft.Dynamics.CRM.{cast}AttributeMetadata"),
            rows(json!(fitting)),
        )
        .await;
    }
    answer(
        &server,
        "GET",
        "incidents",
        ResponseTemplate::new(200).set_body_json(
            json!({"@Microsoft.Dynamics.CRM.globalmetadataversion": "80887417", "value": []}),
        ),
    )
    .await;

    let schema = client(&server).schema(&["incident", "gone"]).await.unwrap();
    assert_eq!(schema.version(), &Version::Global("80887417".to_owned()));
    assert_eq!(schema.tables().count(), 1);
    let with_function = {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        baseline(&server).await
    };
    for (name, column) in &with_function.table("incident").unwrap().columns {
        // An old version has no multi-select columns, so that nothing is known of the choices of this one.
        if name != "new_tags" {
            assert_eq!(schema.column("incident", name), Some(column));
        }
    }
    assert_eq!(
        schema.navigation("incident", "customerid", "contact"),
        Some("customerid_contact")
    );

    let requests = || async { server.received_requests().await.unwrap().len() };
    let before = requests().await;
    let Refresh::Unchanged(_) = client(&server).refreshed_schema(&schema).await.unwrap() else {
        panic!("the version is the same")
    };
    assert_eq!(requests().await - before, 2, "a token and one question");

    let before = requests().await;
    let more = client(&server)
        .schema_with(schema.clone(), &["incident", "new_secret"])
        .await
        .unwrap();
    assert_eq!(
        requests().await - before,
        3,
        "a token, the function and the definition of the one that is not known"
    );
    assert!(more.tables().eq(schema.tables()));
    assert!(more.asked().any(|table| table == "new_secret"));
    assert_eq!(more.version(), schema.version());
}

#[tokio::test]
async fn further_tables_are_read_alone_and_the_stamp_stays() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let schema = baseline(&server).await;
    let same = client(&server)
        .schema_with(schema.clone(), &["contact", "gone"])
        .await
        .unwrap();
    assert_eq!(same, schema, "nothing was asked");

    let mut tier = contact();
    tier["LogicalName"] = json!("new_tier");
    Mock::given(|request: &Request| {
        request.url.query().is_some_and(|query| {
            query.contains("new_tier") && !query.contains("incident") && !query.contains("p2")
        })
    })
    .respond_with(answered(json!([tier]), "4025999!other", nothing_deleted()))
    .with_priority(1)
    .expect(1)
    .mount(&server)
    .await;
    let more = client(&server)
        .schema_with(schema.clone(), &["contact", "new_tier"])
        .await
        .unwrap();
    assert!(more.table("new_tier").is_some());
    assert_eq!(more.table("incident"), schema.table("incident"));
    assert_eq!(more.version(), schema.version());
    let asked: Vec<&str> = more.asked().collect();
    assert_eq!(asked, ["contact", "gone", "incident", "new_tier"]);
}

#[tokio::test]
async fn the_users_language_and_shared_choices_are_told() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    answer(
        &server,
        "GET",
        "EntityDefinitions(LogicalName='incident')",
        ResponseTemplate::new(200).set_body_json(incident()),
    )
    .await;
    answer(&server, "GET", "GlobalOptionSetDefinitions(Name='new_tags')", ResponseTemplate::new(200).set_body_json(json!({
        "@odata.type": "#Microsoft.Dynamics.CRM.OptionSetMetadata", "Name": "new_tags", "IsGlobal": true,
        "Options": [{"Value": 3, "Label": label("VIP", None)}],
    }))).await;
    let client = client(&server);
    assert_eq!(client.label_language("incident").await.unwrap(), Some(1031));
    let choices = client.global_choices("new_tags").await.unwrap();
    assert_eq!(choices.by_label("vip").unwrap().value, 3);
    assert!(
        last(&server).await.url.query().is_none(),
        "nothing may be asked for beyond it"
    );
}
