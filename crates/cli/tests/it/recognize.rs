//! `companion recognize`: who a visitor is.

use sandbox::demo::{SampleVisitor, sample_visitors};
use serde_json::{Value, json};

use crate::program::{Program, organization, text};

const EMAIL: &str = "dana.vermeer@example.com";

fn sample(id: &str) -> SampleVisitor {
    sample_visitors()
        .into_iter()
        .find(|sample| sample.id == id)
        .unwrap()
}

fn fields(record: &Value) -> &Vec<Value> {
    record["fields"].as_array().unwrap()
}

#[tokio::test]
async fn a_visitor_is_recognised_however_the_console_describes_them() {
    let organization = organization().await;
    let cloud = Program::cloud(organization.description());
    let dana = sample("dana");
    let plain = json!({ "name": "Dana Vermeer", "email": EMAIL, "phone": "+31 30 555 0142" });
    let in_other_case = json!({ "email": "  DANA.Vermeer@Example.COM " });
    let as_event = json!({ "source": "console-app", "kind": "selected", "sentAt": 1, "chat": dana.chat, "visitor": dana.visitor });
    let file = cloud.file("visitor.json", &plain.to_string());
    let file = cloud
        .call(&["--json", "recognize", "--visitor", text(&file)])
        .await;
    let mut outcomes = vec![file];
    for visitor in [&dana.visitor, &dana.chat, &in_other_case, &as_event] {
        outcomes.push(cloud.recognize(visitor).await);
    }
    let on_premises = Program::on_premises(organization.description());
    outcomes.push(on_premises.recognize(&plain).await);

    for outcome in &outcomes {
        let answer = outcome.success();
        assert_eq!(outcome.stderr, "");
        assert_eq!(answer["source"], "live");
        assert_eq!(answer["segments"], json!([]));
        assert_eq!(answer["route"], Value::Null);
        assert!(answer["timings_ms"]["sign_in"].is_u64());
        let Value::Object(contact) = &answer["contact"] else {
            panic!("{answer}");
        };
        assert_eq!(contact["rule"], "Same e-mail");
        assert_eq!(contact["reason"], format!("Email is {EMAIL}"));
        assert_eq!(
            contact["matched"],
            json!([{ "column": "emailaddress1", "value": EMAIL }])
        );
        assert_eq!(answer["account"]["name"], "Northwind Traders");
        assert_eq!(answer["lead"]["name"], "Dana Vermeer");
        for table in ["contact", "account", "lead"] {
            let record = &answer[table];
            let id = record["id"].as_str().unwrap();
            let url = record["url"].as_str().unwrap();
            assert!(
                url.contains(id) && url.contains(&format!("etn={table}")),
                "{url}"
            );
            assert!(!fields(record).is_empty());
            for field in fields(record) {
                for key in ["name", "label", "value", "formatted", "as_of"] {
                    assert!(field.get(key).is_some(), "{key} in {field}");
                }
            }
        }
    }
    let ids = |outcome: &crate::program::Outcome| outcome.success()["contact"]["id"].clone();
    assert!(
        outcomes
            .iter()
            .all(|outcome| ids(outcome) == ids(&outcomes[0]))
    );

    // A telephone number, written as nobody wrote it in Dynamics.
    for phone in ["0031 (30) 555.01.42", "tel:+31-30-5550142"] {
        let answer = cloud.recognize(&json!({ "phone": phone })).await.success();
        assert_eq!(answer["contact"]["name"], "Dana Vermeer", "{phone}");
        assert_eq!(answer["contact"]["rule"], "Same phone");
    }

    // One address for several people: the others stay in sight.
    let answer = cloud.recognize(&sample("shared").chat).await.success();
    let others = answer["contact"]["candidates"].as_array().unwrap();
    assert!(!others.is_empty(), "{answer}");
    for other in others {
        assert_ne!(other["id"], answer["contact"]["id"]);
        assert!(other["name"].is_string() && other["rule"] == "Same e-mail");
    }

    let unknown = json!({ "name": "Sam Taylor", "email": "sam.taylor@unheard-of.example" });
    let answer = cloud.recognize(&unknown).await.success();
    for table in ["contact", "account", "lead"] {
        assert_eq!(answer[table], Value::Null);
    }

    let person = cloud
        .call_with(&["recognize", "--visitor", "-"], &plain.to_string())
        .await;
    assert_eq!(person.code, Some(0));
    assert!(
        person
            .stdout
            .starts_with("Contact: Dana Vermeer  (Same e-mail: Email is")
    );
    organization.stop().await;
}

#[tokio::test]
async fn what_a_visitor_says_is_only_text() {
    let organization = organization().await;
    let program = Program::cloud(organization.description());

    let long = "Dana ".repeat(2_000);
    let answer = program
        .recognize(&json!({ "name": long, "email": EMAIL, "company": long }))
        .await;
    assert_eq!(answer.success()["contact"]["name"], "Dana Vermeer");
    answer.logs_nothing_of(&["Dana", EMAIL]);

    for hostile in [
        "' or 1 eq 1 or '",
        "') or startswith(emailaddress1,'",
        "'); DROP TABLE contact;--",
        "<script>alert(1)</script>",
        "%",
        "%27%20or%201%20eq%201",
        "_[^a]*",
        "&$select=*&$top=5000#",
        "${jndi:ldap://127.0.0.1/a}{{7*7}}",
        "\u{202e}txet\u{202c}",
        "\u{fffd}e\u{301}山田🦊",
    ] {
        for visitor in [
            json!({ "name": hostile, "email": format!("a{hostile}@example.com"), "phone": hostile, "company": hostile }),
            json!({ "name": hostile, "email": hostile, "phone": format!("+31 {hostile} 30") }),
        ] {
            let outcome = program.recognize(&visitor).await;
            let answer = outcome.success();
            for table in ["contact", "account", "lead"] {
                assert_eq!(answer[table], Value::Null, "{hostile}");
            }
            assert_eq!(outcome.stderr, "");
        }
    }
    let hostile = sample("hostile");
    for shape in [&hostile.visitor, &hostile.chat] {
        let outcome = program.recognize(shape).await;
        assert_eq!(outcome.success()["contact"], Value::Null);
        assert_eq!(outcome.stderr, "");
    }
    organization.stop().await;
}

#[tokio::test]
async fn a_visitor_who_cannot_be_looked_up_is_told_from_one_who_is_not_found() {
    let organization = organization().await;
    let program = Program::cloud(organization.description());
    let long = "1".repeat(10_000);
    for nobody in [
        json!({}),
        json!({ "name": "Dana Vermeer" }),
        json!({ "name": "", "email": " ", "phone": "" }),
        json!({ "email": "dana\u{0}@example.com", "phone": "+31 30\r\n555 0142" }),
        json!({ "email": format!("{long}@example.com"), "phone": long }),
        json!({ "email": null, "phone": [], "name": 7, "chat": "none" }),
    ] {
        let outcome = program.recognize(&nobody).await;
        outcome.failure("visitor_unidentifiable");
        outcome.logs_nothing_of(&["Dana"]);
    }
    let call = ["--json", "recognize", "--visitor", "-"];
    let deep = "[".repeat(100_000);
    for wrong in ["", "Dana", "[1]", "\"Dana\"", "{\"email\":", deep.as_str()] {
        program
            .call_with(&call, wrong)
            .await
            .failure("visitor_malformed");
    }
    let nowhere = program
        .call(&["--json", "recognize", "--visitor", "nowhere.json"])
        .await;
    nowhere.failure("visitor_unreadable");
    let large = " ".repeat(16 * 1024 * 1024 + 1);
    let large = program.file("large.json", &large);
    program
        .call(&["--json", "recognize", "--visitor", text(&large)])
        .await
        .failure("visitor_too_large");
    organization.stop().await;
}

#[tokio::test]
async fn without_the_organization_the_last_answer_is_given() {
    let organization = organization().await;
    let description = organization.description().clone();
    let secret = description.client_secret.clone();
    let program = Program::cloud(&description);
    let visitor = json!({ "name": "Dana Vermeer", "email": EMAIL });
    let live = program.recognize(&visitor).await.success();
    organization.stop().await;

    let outcome = program.recognize(&visitor).await;
    let cached = outcome.success();
    assert_eq!(cached["source"], "cache");
    for table in ["contact", "account", "lead"] {
        assert_eq!(cached[table], live[table]);
    }
    assert_eq!(cached["problem"]["code"], "host_unreachable");
    outcome.logs_nothing_of(&["Dana", EMAIL, "Northwind", &secret]);

    // Another organization on the same host, with the same files, knows nobody of the first.
    let other = crate::program::organization().await;
    let (connection, _) = practice::connection(other.description());
    other.stop().await;
    let moved = Program::cloud_with(&description, |first| *first = connection);
    let data = moved.folder.path().join("data");
    std::fs::rename(program.folder.path().join("data"), &data).unwrap();
    moved.recognize(&visitor).await.failure("host_unreachable");
    std::fs::rename(&data, program.folder.path().join("data")).unwrap();

    let stranger = json!({ "email": "somebody.else@example.com" });
    let outcome = program.recognize(&stranger).await;
    outcome.failure("host_unreachable");
    outcome.logs_nothing_of(&["somebody", &secret]);
    let person = program
        .call_with(&["recognize", "--visitor", "-"], &stranger.to_string())
        .await;
    assert_eq!((person.code, person.stdout.as_str()), (Some(1), ""));
    assert!(
        person.stderr.ends_with("(host_unreachable)\n"),
        "{person:?}"
    );
    person.logs_nothing_of(&["somebody", &secret]);
}

#[tokio::test]
async fn secrets_come_from_the_environment_or_a_file_and_are_never_shown() {
    let organization = organization().await;
    let secret = &organization.description().client_secret;
    let program = Program::cloud(organization.description()).environment("COMPANION_LOG", "debug");
    let visitor = json!({ "email": EMAIL });
    let without = program.environment("COMPANION_CLIENT_SECRET", "");
    let refused = without.recognize(&visitor).await.failure("secret_missing");
    let next_step = refused["error"]["next_step"].as_str().unwrap();
    assert!(next_step.contains("COMPANION_CLIENT_SECRET_FILE"));

    let file = without.file("secret", &format!("{secret}\n"));
    let from_file = without.environment("COMPANION_CLIENT_SECRET_FILE", text(&file));
    let outcome = from_file.recognize(&visitor).await;
    assert_eq!(outcome.success()["contact"]["name"], "Dana Vermeer");
    outcome.logs_nothing_of(&[secret, "Dana", EMAIL]);
    let nowhere = from_file.environment("COMPANION_CLIENT_SECRET_FILE", "/nowhere/secret");
    nowhere
        .recognize(&visitor)
        .await
        .failure("secret_unreadable");

    let wrong = nowhere.environment("COMPANION_CLIENT_SECRET", "q7Q~wrong-secret-of-somebody");
    let outcome = wrong.recognize(&visitor).await;
    outcome.failure("sign_in_wrong_secret");
    outcome.logs_nothing_of(&["q7Q~wrong", "Dana", EMAIL]);
    organization.stop().await;
}
