//! `companion doctor`: the step that fails is named.

use std::net::TcpListener;

use backend::Settings;
use integration::{Condition, FieldSetting, Operator, Rule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::program::{Outcome, Program, admin, organization};

const STEPS: [&str; 7] = [
    "url",
    "dns",
    "tls",
    "token",
    "organization",
    "user",
    "privilege",
];

fn results(document: &Value) -> Vec<(&str, &str)> {
    let text = |step: &'_ Value, key: &str| step[key].as_str().unwrap().to_owned();
    let steps = document["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| text(step, "step")).collect();
    assert_eq!(names, STEPS);
    steps
        .iter()
        .map(|step| {
            (
                step["step"].as_str().unwrap(),
                step["result"].as_str().unwrap(),
            )
        })
        .collect()
}

/// What comes before the step passed, what comes after it was not examined.
fn fails_at(outcome: &Outcome, failed: &str, code: &str) {
    let document = outcome.failure(code);
    let at = STEPS.iter().position(|step| *step == failed).unwrap();
    for (index, (step, result)) in results(&document).into_iter().enumerate() {
        let expected = match index.cmp(&at) {
            std::cmp::Ordering::Less => "passed",
            std::cmp::Ordering::Equal => "failed",
            std::cmp::Ordering::Greater => "skipped",
        };
        assert_eq!(result, expected, "{step} in {document}");
    }
}

async fn examine(program: &Program) -> Outcome {
    program.call(&["--json", "doctor"]).await
}

#[tokio::test]
async fn a_way_that_does_not_lead_to_the_organization_is_named() {
    let organization = organization().await;
    let description = organization.description();
    let at = |url: &str| {
        Program::cloud_with(description, |connection| {
            connection.organization_url = Some(url.to_owned());
            connection.authority_url = Some(url.to_owned());
        })
    };
    fails_at(
        &examine(&at("not an address")).await,
        "url",
        "invalid_organization_url",
    );
    fails_at(
        &examine(&at("http://contoso.example")).await,
        "url",
        "insecure_organization_url",
    );
    let secretless = Program::cloud(description).environment("COMPANION_CLIENT_SECRET", "");
    fails_at(&examine(&secretless).await, "url", "secret_missing");
    let no_file = Program::cloud_with(description, |connection| {
        connection.ca_file = Some("/nowhere/ca.pem".into());
    });
    fails_at(&examine(&no_file).await, "url", "ca_file_unreadable");
    fails_at(
        &examine(&at("https://nowhere.invalid")).await,
        "dns",
        "dns_failed",
    );
    let only_the_organization = Program::cloud_with(description, |connection| {
        connection.organization_url = Some("https://nowhere.invalid".to_owned());
    });
    fails_at(&examine(&only_the_organization).await, "dns", "dns_failed");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    fails_at(
        &examine(&at(&format!("http://{free}"))).await,
        "tls",
        "host_unreachable",
    );
    let plain = description.organization_url.replace("http:", "https:");
    fails_at(&examine(&at(&plain)).await, "tls", "tls_failed");

    let wrong = Program::cloud(description).environment("COMPANION_CLIENT_SECRET", "wrong");
    let outcome = examine(&wrong).await;
    fails_at(&outcome, "token", "sign_in_wrong_secret");
    outcome.logs_nothing_of(&["wrong"]);
    let tenant = "00000000-0000-4000-8000-000000000001";
    let tenant = Program::cloud_with(description, |connection| {
        connection.tenant_id = Some(tenant.to_owned());
    });
    fails_at(&examine(&tenant).await, "token", "sign_in_unknown_tenant");
    organization.stop().await;
}

#[tokio::test]
async fn an_organization_that_does_not_let_the_user_work_is_named() {
    let organization = organization().await;
    let cloud = Program::cloud(organization.description());
    let on_premises = Program::on_premises(organization.description());
    for program in [&cloud, &on_premises] {
        let document = examine(program).await.success();
        assert!(
            results(&document)
                .iter()
                .all(|(_, result)| *result == "passed"),
            "{document}"
        );
        assert_eq!(document.get("error"), None);
    }

    let html = json!({ "fault": "html_page", "path": "WhoAmI", "times": 100 });
    admin(&organization, Method::POST, "/faults", Some(html)).await;
    let outcome = examine(&cloud).await;
    fails_at(&outcome, "organization", "not_dataverse");
    outcome.logs_nothing_of(&["<html", &organization.description().client_secret]);
    admin(&organization, Method::DELETE, "/faults", None).await;

    // A connection that breaks late says nothing against the way there.
    let reset = json!({ "fault": "reset_before_commit", "path": "leads", "times": 100 });
    admin(&organization, Method::POST, "/faults", Some(reset)).await;
    fails_at(&examine(&cloud).await, "privilege", "connection_lost");
    admin(&organization, Method::DELETE, "/faults", None).await;

    for (change, undo, step, code) in [
        (
            json!({ "member": false }),
            json!({ "member": true }),
            "user",
            "not_a_member",
        ),
        (
            json!({ "disabled": true }),
            json!({ "disabled": false }),
            "user",
            "user_disabled",
        ),
        (
            json!({ "role": "none" }),
            json!({ "role": "guide" }),
            "user",
            "no_role",
        ),
        (
            json!({ "remove": ["prvReadLead"] }),
            json!({ "role": "guide" }),
            "privilege",
            "missing_privilege",
        ),
    ] {
        admin(&organization, Method::PATCH, "/users", Some(change)).await;
        let outcome = examine(&cloud).await;
        fails_at(&outcome, step, code);
        if code == "missing_privilege" {
            assert!(outcome.stdout.contains("prvReadLead"), "{outcome:?}");
        }
        admin(&organization, Method::PATCH, "/users", Some(undo)).await;
    }
    examine(&cloud).await.success();

    let mut settings = Settings {
        connection: practice::connection(organization.description()).0,
        ..Settings::default()
    };
    settings.fields.lead.push(FieldSetting {
        column: "new_nowhere".to_owned(),
        source: None,
        display: true,
    });
    let misspelt = Program::with_settings(&settings.to_toml().unwrap()).environment(
        "COMPANION_CLIENT_SECRET",
        &organization.description().client_secret,
    );
    let outcome = examine(&misspelt).await;
    let sentence =
        "the table lead has no column `new_nowhere`, which the key `fields.lead.9.column` names.";
    assert!(outcome.stdout.contains(sentence), "{outcome:?}");
    fails_at(&outcome, "privilege", "settings_column_unknown");

    // A rule that compares the name of the row behind a lookup reads that row's table.
    settings.fields.lead.pop();
    settings.identification.contact.push(Rule {
        name: "Same agent".to_owned(),
        any: vec![Condition {
            column: "new_preferredagentid".to_owned(),
            operator: Operator::Equals,
            field: "agent.name".parse().unwrap(),
        }],
        off: false,
        all: Vec::new(),
    });
    let by_name = Program::with_settings(&settings.to_toml().unwrap()).environment(
        "COMPANION_CLIENT_SECRET",
        &organization.description().client_secret,
    );
    examine(&by_name).await.success();
    let unread = json!({ "remove": ["prvReadUser"] });
    admin(&organization, Method::PATCH, "/users", Some(unread)).await;
    let outcome = examine(&by_name).await;
    fails_at(&outcome, "privilege", "missing_privilege");
    assert!(outcome.stdout.contains("prvReadUser"), "{outcome:?}");
    let guide = json!({ "role": "guide" });
    admin(&organization, Method::PATCH, "/users", Some(guide)).await;

    let person = cloud.call(&["doctor"]).await;
    assert_eq!(person.code, Some(0));
    assert_eq!(
        person
            .stdout
            .lines()
            .filter(|line| line.starts_with("ok"))
            .count(),
        7
    );
    organization.stop().await;
}
