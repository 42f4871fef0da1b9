//! `companion search`: what is found, from Dynamics and without it.

use serde_json::{Value, json};

use crate::program::{Program, organization};

#[tokio::test]
async fn records_are_found_in_dynamics_and_without_it_among_the_copies() {
    let organization = organization().await;
    let cloud = Program::cloud(organization.description());
    let found = cloud.call(&["--json", "search", "vermeer"]).await;
    let answer = found.success();
    assert_eq!(answer["text"], "vermeer");
    assert_eq!(answer["live"], true);
    assert!(answer.get("problem").is_none());
    let contact = &answer["hits"][0];
    for (key, value) in [
        ("table", json!("contact")),
        ("name", json!("Dana Vermeer")),
        ("source", json!("live")),
        ("inactive", json!(false)),
    ] {
        assert_eq!(contact[key], value);
    }
    let (url, id) = (contact["url"].as_str(), contact["id"].as_str());
    assert!(url.unwrap().contains(id.unwrap()));
    assert!(contact["as_of"].is_string() && contact["detail"].is_string());
    let nothing = cloud.call(&["--json", "search", "nobody like this"]).await;
    assert_eq!(nothing.success()["hits"], json!([]));

    // Who was recognised is known without the network.
    cloud
        .recognize(&json!({ "email": "dana.vermeer@example.com" }))
        .await
        .success();
    organization.stop().await;
    let found = cloud.call(&["--json", "search", "vermer"]).await;
    let answer = found.success();
    assert_eq!(answer["live"], false);
    let sources: Vec<&Value> = answer["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| &hit["source"])
        .collect();
    assert!(!sources.is_empty() && sources.iter().all(|source| **source == "cache"));
    let code = answer["problem"]["code"].as_str().unwrap();
    let unknown = cloud.call(&["--json", "search", "nobody like this"]).await;
    unknown.failure(code);
}
