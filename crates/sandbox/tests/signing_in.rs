//! Token endpoints, challenges, membership, roles.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, access_token, cloud_token, failure, http};
use reqwest::{Method, StatusCode};
use sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};

async fn empty() -> Sandbox {
    Sandbox::start(Options {
        seed: Seed::Empty,
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Asks for a cloud token with some fields replaced (or left out) and gives back status, error and code.
async fn refusal(
    sandbox: &Sandbox,
    tenant: Option<&str>,
    changes: &[(&str, Option<&str>)],
) -> (u16, String, i64) {
    let d = sandbox.description();
    let scope = format!("{}/.default", d.organization_url);
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", &d.client_id),
        ("client_secret", &d.client_secret),
        ("scope", &scope),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.extend(value.map(|value| (*name, value)));
    }
    let url = format!(
        "{}/{}/oauth2/v2.0/token",
        d.authority_url,
        tenant.unwrap_or(&d.tenant_id)
    );
    let response = http().post(url).form(&form).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let code = body["error_codes"][0]
        .as_i64()
        .unwrap_or_else(|| panic!("{body}"));
    let description = body["error_description"].as_str().unwrap();
    assert!(
        description.starts_with(&format!("AADSTS{code}: "))
            && description.contains("\r\nTrace ID: "),
        "{description}"
    );
    assert_eq!(
        body["error_uri"],
        format!("https://login.microsoftonline.com/error?code={code}")
    );
    for secret in [&d.client_secret, &d.on_premises.password] {
        assert!(
            !body.to_string().contains(secret.as_str()),
            "no answer repeats a secret"
        );
    }
    (status, body["error"].as_str().unwrap().to_owned(), code)
}

#[tokio::test]
async fn cloud_refusals() {
    let sandbox = empty().await;
    let at = |status: u16, error: &str, code: i64| (status, error.to_owned(), code);
    let guid = "00000000-0000-0000-0000-000000000001";
    assert_eq!(
        refusal(&sandbox, None, &[("client_secret", Some("wrong"))]).await,
        at(401, "invalid_client", 7_000_215)
    );
    assert_eq!(
        refusal(&sandbox, None, &[("client_secret", None)]).await,
        at(401, "invalid_client", 7_000_218)
    );
    assert_eq!(
        refusal(&sandbox, None, &[("client_id", Some(guid))]).await,
        at(400, "unauthorized_client", 700_016)
    );
    assert_eq!(
        refusal(&sandbox, Some(guid), &[]).await,
        at(400, "invalid_request", 90_002)
    );
    assert_eq!(
        refusal(&sandbox, Some("nonsense"), &[]).await,
        at(400, "invalid_request", 900_023)
    );
    let organization = sandbox.description().organization_url.clone();
    let user_scope = format!("{organization}/user_impersonation");
    assert_eq!(
        refusal(&sandbox, None, &[("scope", Some(&user_scope))]).await,
        at(400, "invalid_scope", 1_002_012)
    );
    assert_eq!(
        refusal(&sandbox, None, &[("scope", Some("no url/.default"))]).await,
        at(400, "invalid_scope", 70_011)
    );
    let other = "https://other.crm4.dynamics.com/.default";
    assert_eq!(
        refusal(&sandbox, None, &[("scope", Some(other))]).await,
        at(400, "invalid_resource", 500_011)
    );
    assert_eq!(
        refusal(&sandbox, None, &[("grant_type", Some("saml"))]).await,
        at(400, "unsupported_grant_type", 70_003)
    );
    assert_eq!(
        refusal(&sandbox, None, &[("grant_type", None)]).await,
        at(400, "invalid_request", 900_144)
    );

    let admin: Value = http()
        .get(&sandbox.description().admin_url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let expired = admin["clients"]
        .as_array()
        .unwrap()
        .iter()
        .find(|client| client["secret_expired"] == true)
        .unwrap();
    let of = |name: &str| expired[name].as_str();
    let changes = [
        ("client_id", of("client_id")),
        ("client_secret", of("client_secret")),
    ];
    assert_eq!(
        refusal(&sandbox, None, &changes).await,
        at(401, "invalid_client", 7_000_222)
    );
}

#[tokio::test]
async fn tokens_look_like_jwts_expire_and_can_be_revoked() {
    let org = Org::empty().await;
    assert_eq!(org.token.split('.').count(), 3);
    org.read("WhoAmI").await;
    org.admin(Method::POST, "/clock", json!({"advance_seconds": 3600}))
        .await;
    let response = org.get("WhoAmI").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = response.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    let d = org.sandbox.description();
    assert_eq!(
        challenge,
        format!(
            "Bearer authorization_uri={0}/{1}/oauth2/authorize, resource_id={0}/",
            d.organization_url, d.tenant_id
        )
    );
    assert_eq!(
        response.text().await.unwrap(),
        "HTTP Error 401 - Unauthorized: Access is denied"
    );

    org.admin(
        Method::PATCH,
        "/settings",
        json!({"token_lifetime_seconds": 5}),
    )
    .await;
    let secret = &d.administrator.client_secret;
    let response = cloud_token(&org.client, d, &d.administrator.client_id, secret).await;
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["expires_in"], 5);
    assert_eq!(body["token_type"], "Bearer");
    let fresh = body["access_token"].as_str().unwrap();
    let who = || {
        org.client
            .get(format!("{}/WhoAmI", org.base))
            .bearer_auth(fresh)
            .send()
    };
    assert_eq!(who().await.unwrap().status(), 200);
    org.admin(Method::DELETE, "/tokens", json!(null)).await;
    assert_eq!(who().await.unwrap().status(), 401);
    let none = org
        .client
        .get(format!("{}/WhoAmI", org.base))
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 401);
}

#[tokio::test]
async fn on_premises_sign_in_and_its_refusals() {
    let sandbox = empty().await;
    let d = sandbox.description().on_premises.clone();
    let origin = sandbox.description().organization_url.clone();
    let resource = format!("{origin}/");
    let client = http();
    let ask = async |changes: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type", "password"),
            ("client_id", d.client_id.as_str()),
            ("client_secret", &d.client_secret),
            ("username", &d.login_email),
            ("password", &d.password),
            ("resource", &resource),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        client
            .post(&d.authority_url)
            .form(&form)
            .send()
            .await
            .unwrap()
    };
    for (change, error, code) in [
        (("client_id", "x"), "invalid_client", "MSIS9607"),
        (("client_secret", "x"), "invalid_client", "MSIS9622"),
        (("password", "x"), "invalid_grant", "MSIS9659"),
        (("username", "x"), "invalid_grant", "MSIS9659"),
        (
            ("resource", "https://else.example/"),
            "invalid_resource",
            "MSIS9602",
        ),
    ] {
        let response = ask(&[change]).await;
        assert_eq!(response.status(), 400);
        let text = response.text().await.unwrap();
        assert!(!text.contains('\''), "AD FS escapes apostrophes");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["error"], error);
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .starts_with(code),
            "{body}"
        );
        assert!(body.get("error_codes").is_none());
    }
    let body: Value = ask(&[]).await.json().await.unwrap();
    assert_eq!(body["token_type"], "bearer");
    let token = body["access_token"].as_str().unwrap();
    let who = |url: String, token: &str| {
        client
            .get(format!("{url}/WhoAmI"))
            .bearer_auth(token)
            .send()
    };
    let answer = who(d.organization_url.clone(), token).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer
            .headers()
            .get("x-ms-ratelimit-burst-remaining-xrm-requests")
            .is_none()
    );
    // Versions: 9.2 does not exist on-premises, and the token is no good for the cloud.
    assert_eq!(
        who(format!("{origin}/OnPrem/api/data/v9.2"), token)
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        who(format!("{origin}/OnPrem/api/data/v8.2"), token)
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        who(format!("{origin}/api/data/v9.1"), token)
            .await
            .unwrap()
            .status(),
        401
    );
    // A refresh token serves once.
    let refresh = body["refresh_token"].as_str().unwrap().to_owned();
    let renew = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("password", ""),
    ];
    assert_eq!(ask(&renew).await.status(), 200);
    assert_eq!(ask(&renew).await.status(), 400);
    // Without `resource` a token comes, but Dynamics refuses it.
    let useless = access_token(ask(&[("resource", ""), ("scope", "x/.default")]).await).await;
    assert_eq!(
        who(d.organization_url.clone(), &useless)
            .await
            .unwrap()
            .status(),
        401
    );
    // A wrong path at AD FS is an empty 404.
    let wrong = client
        .post(format!("{origin}/adfs/oauth2/tokens"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            wrong.status().as_u16(),
            wrong.text().await.unwrap().as_str()
        ),
        (404, "")
    );
    // Errors carry `innererror`.
    let url = format!(
        "{}/contacts({})",
        d.organization_url, "00000000-0000-0000-0000-000000000001"
    );
    let missing: Value = client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        missing["error"]["message"],
        "contact With Id = 00000000-0000-0000-0000-000000000001 Does Not Exist"
    );
    assert!(missing["error"]["innererror"]["stacktrace"].is_string());
}

#[tokio::test]
async fn members_roles_and_privileges() {
    let org = Org::demo().await;
    let users = "/users";
    let read = async |path: &str| failure(org.get(path)).await;

    org.admin(Method::PATCH, users, json!({"remove": ["prvReadLead"]}))
        .await;
    let (status, code, message) = read("leads?$top=1").await;
    assert_eq!((status, code.as_str()), (403, "0x80040220"));
    assert!(
        message.starts_with("Principal user (Id=")
            && message.contains("is missing prvReadLead privilege"),
        "{message}"
    );
    org.read("contacts?$top=1").await;
    org.admin(Method::PATCH, users, json!({"add": ["prvReadLead"]}))
        .await;
    org.read("leads?$top=1").await;
    // A table that is only joined needs the privilege as well.
    org.admin(Method::PATCH, users, json!({"remove": ["prvReadAccount"]}))
        .await;
    assert_eq!(
        read("contacts?$filter=parentcustomerid_account/name eq 'x'")
            .await
            .0,
        403
    );
    assert_eq!(
        read("contacts?$top=1&$expand=parentcustomerid_account($select=name)")
            .await
            .0,
        403
    );
    org.admin(Method::PATCH, users, json!({"role": "guide"}))
        .await;

    let (status, code, _) = failure(org.post("accounts", json!({"name": "x"}))).await;
    assert_eq!(
        (status, code.as_str()),
        (403, "0x80040220"),
        "the guide's role creates no accounts"
    );
    let contact = org.create("contacts", json!({"lastname": "x"})).await;
    let (status, _, message) = failure(org.delete(&format!("contacts({contact})"))).await;
    assert!(status == 403 && message.contains("prvDeleteContact"));
    assert!(
        read("transactioncurrencies")
            .await
            .2
            .contains("prvReadTransactionCurrency")
    );

    let me = org.read("WhoAmI").await["UserId"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("systemusers({me})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()");
    let body = org.read(&path).await;
    let held: Vec<&str> = body["RolePrivileges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["PrivilegeName"].as_str().unwrap())
        .collect();
    assert!(
        held.contains(&"prvCreateIncident") && !held.contains(&"prvCreateAccount"),
        "{held:?}"
    );
    // Where only ids are told, as on-premises, this is where their names are.
    let rows = org.read("privileges?$select=name").await;
    let rows = rows["value"].as_array().unwrap();
    for privilege in body["RolePrivileges"].as_array().unwrap() {
        let is_named = rows.iter().any(|row| {
            row["privilegeid"] == privilege["PrivilegeId"]
                && row["name"] == privilege["PrivilegeName"]
        });
        assert!(is_named, "{privilege}");
    }

    org.admin(Method::PATCH, users, json!({"role": "none"}))
        .await;
    org.read("WhoAmI").await;
    let (status, code, message) = read("contacts").await;
    assert_eq!((status, code.as_str()), (403, "0x80042f09"));
    assert!(message.contains(
        "has not been assigned any roles. They need a role with the prvReadContact privilege."
    ));
    org.admin(Method::PATCH, users, json!({"disabled": true}))
        .await;
    assert_eq!(read("WhoAmI").await.1, "0x80040225");
    org.admin(Method::PATCH, users, json!({"member": false}))
        .await;
    let (status, code, message) = read("WhoAmI").await;
    assert_eq!(
        (status, code.as_str(), message.as_str()),
        (
            403,
            "0x80072560",
            "The user is not a member of the organization."
        )
    );
}
