//! `companion settings`: a mistake in the document is named before anything runs.

use backend::Settings;
use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::program::Program;

#[tokio::test]
async fn each_mistake_has_its_code_and_names_its_place() {
    for (text, code, place) in [
        (
            "version = 1\n[bridge]\nprot = 1\n",
            "settings_unknown_key",
            "Line 3: the key `bridge.prot`",
        ),
        (
            "[bridge]\nport = \"many\"\n",
            "settings_wrong_value",
            "Line 2",
        ),
        (
            "[bridge]\nport = 70000\n",
            "settings_wrong_value",
            "Line 2: the key `bridge.port`",
        ),
        (
            "[connection]\nkind = \"clod\"\n",
            "settings_wrong_value",
            "Line 2: the key `connection.kind`",
        ),
        ("version = 1\n[connection\n", "settings_syntax", "Line 2"),
        ("version = 1\nversion = 1\n", "settings_syntax", "Line 2"),
        (
            "[connection]\nkind = \"cloud\"\norganization_url = \"https://a.example\"\n",
            "settings_missing_key",
            "`connection.tenant_id`",
        ),
        (
            "[connection]\nkind = \"on-premises\"\n",
            "settings_missing_key",
            "`connection.organization_url`",
        ),
        ("version = 2\n", "settings_version_unsupported", "version 2"),
        (
            "[[identification.lead]]\nname = \"Nothing\"\n",
            "settings_rule_invalid",
            "\"Nothing\"",
        ),
    ] {
        let outcome = Program::with_settings(text)
            .call(&["--json", "settings", "check"])
            .await;
        let error = outcome.failure(code)["error"].clone();
        let says = |key: &str, part: &str| error[key].as_str().unwrap().contains(part);
        assert!(says("message", place), "{error}");
        assert!(says("next_step", "settings.toml"), "{error}");
        assert_eq!(outcome.stderr, "");
    }
    let program = Program::new();
    let nowhere = ["--json", "settings", "check", "--settings", "nowhere.toml"];
    program.call(&nowhere).await.failure("settings_unreadable");
    let checked = program.call(&["--json", "settings", "check"]).await;
    assert_eq!(
        checked.success(),
        json!({ "ok": true, "file": null, "warnings": [] })
    );
    let by_person = program.call(&["settings", "check"]).await;
    assert!(by_person.stdout.contains("no settings file"));
    let written = Program::with_settings("version = 1");
    let checked = written.call(&["--json", "settings", "check"]).await;
    let file = checked.success()["file"].clone();
    assert!(file.as_str().unwrap().ends_with("settings.toml"), "{file}");
    // A file that is there and cannot be read is no reason to practise.
    let own = program
        .folder
        .path()
        .join(".config/dynamics-companion/settings.toml");
    std::fs::create_dir_all(&own).unwrap();
    let checked = program.call(&["--json", "settings", "check"]).await;
    checked.failure("settings_unreadable");
    // Every command reads them before it does anything.
    let mistaken = Program::with_settings("[bridge]\nprot = 1\n");
    for command in [
        &["--json", "doctor"] as &[&str],
        &["--json", "serve"],
        &["--json", "recognize", "--visitor", "-"],
    ] {
        let outcome = mistaken
            .call_with(command, "{\"email\":\"a@b.example\"}")
            .await;
        outcome.failure("settings_unknown_key");
    }
}

#[tokio::test]
async fn the_schema_takes_what_the_program_takes() {
    let schema = Program::new()
        .call(&["--json", "settings", "schema"])
        .await
        .success();
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    let address = "https://schema.example/settings.json";
    compiler.add_resource(address, schema).unwrap();
    let schema = compiler.compile(address, &mut schemas).unwrap();
    let accepts = |document: &Value| schemas.validate(document, schema).is_ok();

    let default = serde_json::to_value(Settings::default()).unwrap();
    let fault = schemas.validate(&default, schema).err();
    assert_eq!(fault.map(|fault| fault.to_string()), None);
    assert!(accepts(&json!({})));
    assert!(accepts(
        &json!({ "version": 1, "connection": { "kind": "on-premises", "ca_file": "/a" } })
    ));
    for wrong in [
        json!([]),
        json!({ "bridge": { "prot": 1 } }),
        json!({ "bridge": { "port": "many" } }),
        json!({ "connection": { "kind": "clod" } }),
        json!({ "identification": { "lead": [{ "name": "a", "any": [{ "column": "a", "operator": "is" }] }] } }),
    ] {
        assert!(!accepts(&wrong), "{wrong}");
    }
}

#[tokio::test]
async fn a_log_filter_that_is_not_understood_is_said_once() {
    let program = Program::new().environment("COMPANION_LOG", "companion=loudly");
    let outcome = program.call(&["--json", "settings", "check"]).await;
    outcome.success();
    assert_eq!(
        outcome.stderr.matches("COMPANION_LOG").count(),
        1,
        "{outcome:?}"
    );
}
