//! Change tracking: full load, deltas, deletions, refusals, expiry (protocol page `sync.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::Method;
use serde_json::{Value, json};

/// The rows of a page.
fn rows(page: &Value) -> &[Value] {
    page["value"].as_array().unwrap()
}

fn link<'a>(page: &'a Value, name: &str) -> &'a str {
    page[name].as_str().unwrap_or_else(|| panic!("{page}"))
}

impl Following {
    /// A request of a link that an answer gave.
    async fn follow(&self, link: &str) -> Value {
        ok(self.org.client.get(link).bearer_auth(&self.org.token)).await
    }

    async fn load(&self, path: &str, prefer: &str) -> reqwest::Response {
        let request = self.org.get(path).header("prefer", prefer);
        request.send().await.unwrap()
    }
}

struct Following {
    org: Org,
}

#[tokio::test]
async fn a_load_in_pages_and_what_changes_after_it() {
    let f = Following {
        org: Org::empty().await,
    };
    let org = &f.org;
    let mut ids = Vec::new();
    for number in 0..5 {
        let body = json!({"name": format!("Company {number}")});
        ids.push(org.create("accounts", body).await);
    }
    let prefer = "odata.track-changes,odata.maxpagesize=2";
    let first = f.load("accounts?$select=name", prefer).await;
    assert_eq!(first.headers()["preference-applied"], prefer);
    let first: Value = first.json().await.unwrap();
    assert_eq!(rows(&first).len(), 2);
    assert!(first.get("@odata.deltaLink").is_none());
    assert!(
        link(&first, "@odata.context").ends_with("$metadata#accounts(name)"),
        "{first}"
    );
    // A row that changes while the pages are read is told again by the delta.
    let changed = rows(&first)[0]["accountid"].as_str().unwrap().to_owned();
    let body = json!({"telephone1": "555000"});
    org.patch(&format!("accounts({changed})"), body)
        .send()
        .await
        .unwrap();
    let next = link(&first, "@odata.nextLink");
    let page = |url: &str| {
        let request = org.client.get(url).bearer_auth(&org.token);
        ok(request.header("prefer", "odata.maxpagesize=2"))
    };
    let second = page(next).await;
    assert_eq!(rows(&second).len(), 2);
    let third = page(link(&second, "@odata.nextLink")).await;
    assert_eq!(rows(&third).len(), 1);
    assert!(third.get("@odata.nextLink").is_none());
    let mut loaded: Vec<&str> = [&first, &second, &third]
        .iter()
        .flat_map(|page| rows(page))
        .map(|row| row["accountid"].as_str().unwrap())
        .collect();
    loaded.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(loaded, expected, "each row once");

    let delta = link(&third, "@odata.deltaLink").to_owned();
    assert!(delta.contains("$select=name&$deltatoken="), "{delta}");
    let changes = f.follow(&delta).await;
    assert!(link(&changes, "@odata.context").ends_with("#accounts(name)/$delta"));
    assert_eq!(rows(&changes).len(), 1);
    assert_eq!(rows(&changes)[0]["accountid"], changed);

    // New, changed twice, deleted; and one that was never seen.
    let delta = link(&changes, "@odata.deltaLink").to_owned();
    let created = org.create("accounts", json!({"name": "New"})).await;
    for name in ["Once", "Twice"] {
        let path = format!("accounts({})", ids[1]);
        org.patch(&path, json!({"name": name}))
            .send()
            .await
            .unwrap();
    }
    let passing = org.create("accounts", json!({"name": "Passing"})).await;
    for id in [&ids[2], &passing] {
        let gone = org.delete(&format!("accounts({id})")).send().await.unwrap();
        assert_eq!(gone.status(), 204);
    }
    let changes = f.follow(&delta).await;
    let told: Vec<(Value, Value)> = rows(&changes)
        .iter()
        .map(|row| match row.get("reason") {
            Some(reason) => (row["id"].clone(), reason.clone()),
            None => (row["accountid"].clone(), row["name"].clone()),
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!(created), json!("New")),
            (json!(ids[1]), json!("Twice")),
            (json!(ids[2]), json!("deleted")),
            (json!(passing), json!("deleted")),
        ]
    );
    assert!(
        link(&rows(&changes)[2], "@odata.context").ends_with("$metadata#accounts/$deletedEntity")
    );
    let count = delta.replace("accounts?", "accounts/$count?");
    let count = org
        .client
        .get(&count)
        .bearer_auth(&org.token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        count.text().await.unwrap().trim_start_matches('\u{feff}'),
        "4"
    );
    let quiet = f.follow(link(&changes, "@odata.deltaLink")).await;
    assert!(rows(&quiet).is_empty());
    assert!(quiet["@odata.deltaLink"].is_string());

    // Long deltas come in pages too, deletions on the last.
    let request = org.client.get(&delta).bearer_auth(&org.token);
    let short = ok(request.header("prefer", "odata.maxpagesize=1")).await;
    assert_eq!(rows(&short).len(), 1);
    let rest = f.follow(link(&short, "@odata.nextLink")).await;
    assert_eq!(rows(&rest).len(), 3, "{rest}");
    // A row that comes back under its id is there, not deleted.
    let back = json!({"accountid": ids[2], "name": "Back"});
    org.create("accounts", back).await;
    let changes = f.follow(&delta).await;
    let gone = rows(&changes)
        .iter()
        .filter(|row| row.get("reason").is_some());
    assert_eq!(gone.count(), 1);
}

#[tokio::test]
async fn what_is_deleted_along_is_told() {
    let f = Following {
        org: Org::empty().await,
    };
    let org = &f.org;
    let contact = org.create("contacts", json!({"lastname": "Byron"})).await;
    let bind = format!("/contacts({contact})");
    let task = json!({"subject": "Call", "regardingobjectid_contact@odata.bind": bind});
    let task = org.create("tasks", task).await;
    let load = f.load("tasks?$select=subject", "odata.track-changes").await;
    let load: Value = load.json().await.unwrap();
    let gone = org
        .delete(&format!("contacts({contact})"))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    let changes = f.follow(link(&load, "@odata.deltaLink")).await;
    assert_eq!(
        (rows(&changes).len(), &rows(&changes)[0]["id"]),
        (1, &json!(task))
    );
}

#[tokio::test]
async fn what_change_tracking_refuses() {
    let f = Following {
        org: Org::demo().await,
    };
    let org = &f.org;
    let tracked = |path: &str| failure(org.get(path).header("prefer", "odata.track-changes"));
    for (option, name) in [
        ("$filter=name eq 'x'", "$filter"),
        ("$orderby=name", "$orderby"),
        ("$expand=primarycontactid", "$expand"),
        ("$top=3", "$top"),
    ] {
        let (status, _, message) = tracked(&format!("accounts?{option}")).await;
        let text = format!(
            "The \"{name}\" query parameter isn't supported when Change Tracking is enabled."
        );
        assert_eq!((status, message), (400, text));
    }
    let add = json!({"add": ["prvReadRole"]});
    org.admin(Method::PATCH, "/users", add).await;
    let (status, code, message) = tracked("roles").await;
    assert_eq!((status, code.as_str()), (400, "0x80072491"));
    assert_eq!(message, "Entity role isn't enabled for change tracking.");
    let (status, ..) = failure(org.get("accounts?$deltatoken=nonsense")).await;
    assert_eq!(status, 400);

    let load: Value = f
        .load("accounts?$select=name", "odata.track-changes")
        .await
        .json()
        .await
        .unwrap();
    let delta = link(&load, "@odata.deltaLink");
    // Less than the organization's rows is not enough to follow them.
    let depth = |depth: &str| json!({"depth": {"prvReadAccount": depth}});
    org.admin(Method::PATCH, "/users", depth("local")).await;
    let request = || org.client.get(delta).bearer_auth(&org.token);
    assert_eq!(failure(request()).await.0, 403);
    org.admin(Method::PATCH, "/users", depth("global")).await;
    ok(request()).await;
    // Sessions end before deltas do.
    let lasting = json!({"token_lifetime_seconds": 30 * 86_400});
    org.admin(Method::PATCH, "/settings", lasting).await;
    let d = org.sandbox.description();
    let token = common::cloud_token(&org.client, d, &d.client_id, &d.client_secret).await;
    let token = common::access_token(token).await;
    let request = || org.client.get(delta).bearer_auth(&token);
    let advance = |days: i64| json!({"advance_seconds": days * 86_400 - 60});
    org.admin(Method::POST, "/clock", advance(7)).await;
    ok(request()).await;
    org.admin(Method::POST, "/clock", advance(1)).await;
    let (status, code, message) = failure(request()).await;
    assert_eq!((status, code.as_str()), (400, "0x80044352"));
    assert_eq!(
        message,
        "Version stamp associated with the client has expired. Please perform a full sync."
    );
}
