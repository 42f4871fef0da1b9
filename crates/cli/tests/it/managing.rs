//! `companion settings import | export | rehearse` and `disconnect`: the integration as it is managed by scripts.

use sandbox::Sandbox;
use serde_json::json;

use crate::program::Program;

const OURS: &str = "# Ours\nversion = 1\n\n[recording]\nmode = \"automatic\" # by itself\n";

#[tokio::test]
async fn a_document_is_imported_as_it_is_written_or_not_at_all() {
    let program = Program::with_settings("version = 1\n");
    let file = program.file("new.toml", OURS);
    let file = file.to_str().unwrap();
    let imported = program
        .call(&["--json", "settings", "import", file])
        .await
        .success();
    assert_eq!(
        imported["changes"],
        json!([{ "key": "recording.mode", "before": "\"manual\"", "after": "\"automatic\"" }])
    );
    let exported = program
        .call(&["--json", "settings", "export"])
        .await
        .success();
    assert_eq!(exported["text"], OURS);

    for (text, code, place) in [
        (
            "version = 1\n[recording]\nmod = \"x\"\n",
            "settings_unknown_key",
            "Line 3",
        ),
        (
            "version = 1\n[recording]\nmode = \"x\"\n",
            "settings_wrong_value",
            "Line 3",
        ),
        (
            "[connection]\nkind = \"cloud\"\n",
            "settings_missing_key",
            "connection.organization_url",
        ),
        ("[", "settings_syntax", "Line 1"),
    ] {
        let file = program.file("wrong.toml", text);
        let refused = program
            .call(&["--json", "settings", "import", file.to_str().unwrap()])
            .await;
        let error = refused.failure(code)["error"].clone();
        assert!(
            error["message"].as_str().unwrap().contains(place),
            "{error}"
        );
        let exported = program
            .call(&["--json", "settings", "export"])
            .await
            .success();
        assert_eq!(exported["text"], OURS);
    }
}

#[tokio::test]
async fn what_will_hardly_work_is_warned_of_with_its_line() {
    let program = Program::with_settings(
        "version = 1\n\n[[identification.contact]]\nname = \"E-mail\"\nany = [{ column = \"emailaddress1\", operator = \"contains\", field = \"visitor.email\" }]\n\n[[identification.contact]]\nname = \"Whole e-mail\"\nall = [{ column = \"emailaddress1\", operator = \"equals\", field = \"visitor.email\" }]\n",
    );
    let checked = program
        .call(&["--json", "settings", "check"])
        .await
        .success();
    let warning = &checked["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["key"], &warning["line"]),
        (
            &json!("rule_shadowed"),
            &json!("identification.contact.1"),
            &json!(7)
        ),
        "{warning}"
    );
    assert_eq!(checked["warnings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_an_administrator_laid_down_holds_on_the_command_line_too() {
    let program = Program::with_settings("version = 1\n");
    let laid_down = program.file(
        "managed.toml",
        "[managed]\nmanagers = [\"nobody-here\"]\n[recording]\nmode = \"automatic\"\n",
    );
    let program = program.environment("COMPANION_MANAGED_SETTINGS", laid_down.to_str().unwrap());
    let file = program.file("new.toml", OURS);
    for command in [
        vec!["--json", "settings", "import", file.to_str().unwrap()],
        vec!["--json", "disconnect", "--yes"],
    ] {
        let refused = program.call(&command).await;
        let error = refused.failure("manage_integration_required")["error"].clone();
        assert_eq!(
            error["message"],
            "You need permission for \"Manage Integration\" to access this part."
        );
    }
    // What is laid down is in force; reading it is for everybody.
    program
        .call(&["--json", "settings", "check"])
        .await
        .success();
}

#[tokio::test]
async fn settings_are_rehearsed_on_a_file_of_chats() {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let program = Program::cloud(organization.description());
    let draft = program.file("draft.toml", OURS);
    let chat = json!({ "kind": "ended", "chat": { "id": "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022", "name": "Dana Nowak",
        "email": "nobody@nowhere.example", "messages": [{ "sender": "Dana", "senderType": "visitor", "content": "Hello" }] } });
    let chats = program.file("chats.json", &chat.to_string());
    let rehearsed = program
        .call(&[
            "--json",
            "settings",
            "rehearse",
            "--chats",
            chats.to_str().unwrap(),
            "--draft",
            draft.to_str().unwrap(),
        ])
        .await
        .success();
    assert_eq!(
        (
            &rehearsed["total"],
            &rehearsed["done"],
            &rehearsed["different"]
        ),
        (&json!(1), &json!(1), &json!(1)),
        "{rehearsed}"
    );
    let draft = &rehearsed["chats"][0]["draft"];
    assert_eq!(draft["writes"][0]["table"], "Contact");
    assert_eq!(draft["writes"][1]["table"], "Case");
    assert_eq!(rehearsed["chats"][0]["in_force"]["writes"], json!([]));
    let outbox = program.call(&["--json", "outbox", "list"]).await.success();
    assert_eq!(outbox["entries"], json!([]), "{outbox}");
    let empty = program.file("none.json", "[]");
    let refused = program
        .call(&[
            "--json",
            "settings",
            "rehearse",
            "--chats",
            empty.to_str().unwrap(),
        ])
        .await;
    refused.failure("no_chats");
    organization.stop().await;
}

#[tokio::test]
async fn who_disconnects_keeps_the_rules() {
    let organization = Sandbox::start(sandbox::Options::default()).await.unwrap();
    let program = Program::cloud_settings(organization.description(), |settings| {
        settings.identification.contact.truncate(1);
    });
    let called_wrongly = program.call(&["--json", "disconnect"]).await;
    assert_eq!(called_wrongly.code, Some(2));
    program
        .call(&["--json", "disconnect", "--yes"])
        .await
        .success();
    let exported = program
        .call(&["--json", "settings", "export"])
        .await
        .success();
    let text = exported["text"].as_str().unwrap();
    let settings = backend::Settings::parse(text).unwrap();
    assert_eq!(
        settings.connection,
        backend::settings::ConnectionSettings::default()
    );
    assert_eq!(settings.identification.contact.len(), 1);
    organization.stop().await;
}
