//! A table that an organization made itself.

use serde_json::json;

/// Gives the organization the table `new_tier`, and contacts the lookup `new_tierid` to it.
pub async fn make(description: &sandbox::Description) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let token = http
        .post(format!(
            "{}/{}/oauth2/v2.0/token",
            description.authority_url, description.tenant_id
        ))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &description.administrator.client_id),
            ("client_secret", &description.administrator.client_secret),
            (
                "scope",
                &format!("{}/.default", description.organization_url),
            ),
        ])
        .send()
        .await
        .unwrap();
    let token: serde_json::Value = token.json().await.unwrap();
    let label =
        |text: &str| json!({ "LocalizedLabels": [{ "Label": text, "LanguageCode": 1033 }] });
    let name = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "new_Name", "IsPrimaryName": true,
        "MaxLength": 100, "FormatName": { "Value": "Text" }, "DisplayName": label("Name"),
    });
    let table = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata", "SchemaName": "new_Tier", "DisplayName": label("Tier"),
        "DisplayCollectionName": label("Tiers"), "OwnershipType": "UserOwned", "IsActivity": false,
        "HasActivities": false, "HasNotes": false, "Attributes": [name],
    });
    let lookup = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata", "SchemaName": "new_tier_contacts",
        "ReferencedEntity": "new_tier", "ReferencingEntity": "contact", "Lookup": { "SchemaName": "new_TierId" },
    });
    for (set, body) in [
        ("EntityDefinitions", table),
        ("RelationshipDefinitions", lookup),
    ] {
        let made = http
            .post(format!(
                "{}/api/data/v9.2/{set}",
                description.organization_url
            ))
            .bearer_auth(token["access_token"].as_str().unwrap())
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(made.status().is_success(), "{:?}", made.text().await);
    }
}
