//! The settings as an administrator manages them: judged as a draft, tried, saved all or nothing, put in force while the
//! companion runs; and nobody sees a secret again.
#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot be set up has failed"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backend::keyring::Keyring;
use backend::settings::ConnectionKind;
use backend::view::{
    ConditionState, RuleState, Sample, SecretName, SecretState, SettingsView, TestStepState,
};
use backend::{Installation, Problem, Settings};
use common::{Companion, PATIENCE, practice_organization};
use keyring_core::{CredentialStore, mock};
use sandbox::Sandbox;
use serde_json::{Value, json};

/// A companion whose settings lie in a folder, connected to a practice organization as to one in the cloud.
struct Managed {
    companion: Companion,
    folder: tempfile::TempDir,
    secret: String,
}

fn file_of(folder: &Path) -> PathBuf {
    folder.join("settings.toml")
}

fn document(organization: &Sandbox) -> String {
    let description = organization.description();
    format!(
        "# Ours\nversion = 1\n\n[connection]\nkind = \"cloud\" # in the cloud\norganization_url = \"{}\"\ntenant_id = \"{}\"\nclient_id = \"{}\"\nauthority_url = \"{}\"\n\n[bridge]\nport = 0\n",
        description.organization_url,
        description.tenant_id,
        description.client_id,
        description.authority_url,
    )
}

async fn managed_with(laid_down: Option<&str>, more: &str) -> Managed {
    let organization = practice_organization().await;
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{}{more}", document(&organization));
    std::fs::write(file_of(folder.path()), &text).unwrap();
    let store: Arc<CredentialStore> = mock::Store::new().unwrap();
    let mut installation = Installation::of(file_of(folder.path()), Keyring::given(store), "ada");
    let settings = Settings::parse(&text).unwrap();
    let entry = backend::secrets::Kept::ClientSecret
        .entry(&settings.connection)
        .unwrap();
    let secret = organization.description().client_secret.clone();
    installation
        .keyring
        .keep(&entry, secret.clone().into())
        .await
        .unwrap();
    if let Some(laid_down) = laid_down {
        let file = folder.path().join("managed.toml");
        std::fs::write(&file, laid_down).unwrap();
        installation.managed = Some(file);
    }
    let secrets = installation.secrets(&settings.connection).await.unwrap();
    let connection = settings.connection.clone();
    let companion = Companion::on(organization, connection, secrets, |options| {
        options.settings = settings;
        options.installation = Some(installation);
    })
    .await;
    Managed {
        companion,
        folder,
        secret,
    }
}

async fn managed() -> Managed {
    managed_with(None, "").await
}

impl Managed {
    fn settings(&self) -> backend::Management {
        self.companion.handle().settings().clone()
    }

    async fn view(&self) -> Arc<SettingsView> {
        self.settings().view().await
    }

    async fn draft(&self) -> Value {
        json!(self.view().await.saved.clone().unwrap())
    }

    async fn save(&self, draft: Value) -> Result<(), Problem> {
        let fingerprint = self.view().await.fingerprint.clone();
        self.settings().save(draft, &fingerprint).await
    }

    fn text(&self) -> String {
        std::fs::read_to_string(file_of(self.folder.path())).unwrap()
    }

    async fn until(&self, wanted: impl FnMut(&Arc<SettingsView>) -> bool) -> Arc<SettingsView> {
        let mut views = self.settings().watch();
        let seen = tokio::time::timeout(PATIENCE, views.wait_for(wanted)).await;
        Arc::clone(&seen.expect("the view in time").unwrap())
    }

    async fn stop(self) {
        self.companion.backend.stop().await;
        self.companion.organization.stop().await;
    }
}

fn by_email(email: &str) -> Sample {
    Sample::Typed {
        values: [
            ("visitor.email".to_owned(), email.to_owned()),
            ("visitor.name".to_owned(), "Somebody Else".to_owned()),
        ]
        .into(),
    }
}

/// The e-mail address of some contact of the demo data.
fn known_email() -> String {
    let mut samples = sandbox::demo::sample_visitors().into_iter();
    let shared = samples.find(|sample| sample.id == "shared").unwrap();
    shared.chat["email"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place_and_nothing_is_saved_half() {
    let managed = managed().await;
    let before = managed.text();
    let mut draft = managed.draft().await;
    draft["connection"]["organization_url"] = json!("contoso");
    draft["connection"]["tenant_id"] = json!("x y");
    draft["identification"]["contact"][0]["name"] = json!(" ");
    draft["identification"]["contact"][1]["any"][0]["field"] = json!("visitor.fone");
    draft["fields"]["case"][0]["column"] = json!("Not One");
    draft["recording"]["grace_seconds"] = json!(null);
    draft["recording"]["exclude"]["domains"] = json!(["contoso.com", "nothing"]);
    let judgement = managed.settings().judge(draft.clone(), None).await.unwrap();
    let keys: Vec<&str> = judgement
        .problems
        .iter()
        .map(|remark| remark.key.as_str())
        .collect();
    for key in [
        "connection.organization_url",
        "connection.tenant_id",
        "identification.contact.0.name",
        "identification.contact.1.any.0.field",
        "fields.case.0.column",
        "recording.grace_seconds",
        "recording.exclude.domains.1",
    ] {
        assert!(keys.contains(&key), "{key} is not among {keys:?}");
    }
    assert_eq!(keys.len(), 7, "{keys:?}");
    let refused = managed.save(draft).await.unwrap_err();
    assert_eq!(refused.code, "settings_invalid");
    assert_eq!(managed.text(), before);
    managed.stop().await;
}

#[tokio::test]
async fn settings_are_put_in_force_behind_the_same_handle_and_the_comments_stay() {
    let managed = managed().await;
    let handle = managed.companion.handle();
    let mut console = managed.companion.console().await;
    let email = known_email();
    console
        .say(&json!({ "type": "event", "id": "1", "event": { "kind": "selected", "chat": { "id": "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e0aa", "name": "Dana", "email": email } } }))
        .await;
    let seen = managed
        .companion
        .until("the visitor", |view| {
            view.recognition.contact.record.is_some()
        })
        .await;
    let mut draft = managed.draft().await;
    draft["identification"]["contact"][0]["name"] = json!("The same address");
    draft["recording"]["update"] = json!("keep");
    managed.save(draft).await.unwrap();

    let text = managed.text();
    assert!(
        text.starts_with("# Ours\n") && text.contains("# in the cloud"),
        "{text}"
    );
    assert!(text.contains("The same address") && text.contains("update = \"keep\""));
    assert_eq!(
        Settings::parse(&text).unwrap().recording.update,
        integration::recording::UpdatePolicy::Keep
    );
    let after = managed
        .companion
        .until("the same visitor by the new rule", |view| {
            let record = view.recognition.contact.record.as_ref();
            record.is_some_and(|record| record.rule == "The same address")
        })
        .await;
    assert!(after.revision > seen.revision);
    assert_eq!(after.visitor.as_ref().unwrap().name, "Dana");
    handle.refresh().await.unwrap();
    handle.start_pairing().await;
    managed
        .companion
        .until("a pairing", |view| view.console.pairing.is_some())
        .await;
    // The bridge listens again, and the console that was paired may come back.
    assert!(managed.companion.backend.bridge_address().is_some());
    let versions = managed.settings().history().await.unwrap();
    assert_eq!(
        versions
            .iter()
            .map(|version| version.reason.as_str())
            .collect::<Vec<_>>(),
        ["saved", "found"]
    );
    assert!(versions[0].current && versions[0].saved_by == "ada");
    let former = managed.settings().version(versions[1].id).await.unwrap();
    assert!(former.problems.is_empty());
    assert_eq!(former.changes.len(), versions[0].changes as usize);
    managed.stop().await;
}

#[tokio::test]
async fn what_cannot_start_leaves_everything_as_it_was() {
    let managed = managed().await;
    let before = managed.text();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut draft = managed.draft().await;
    draft["bridge"]["port"] = json!(taken.local_addr().unwrap().port());
    let refused = managed.save(draft).await.unwrap_err();
    assert_eq!(refused.code, "bridge_port_in_use", "{refused:?}");
    assert_eq!(managed.text(), before);
    assert!(managed.companion.backend.bridge_address().is_some());
    managed.companion.console().await;
    // Another organization has no secret yet.
    let mut draft = managed.draft().await;
    draft["connection"]["client_id"] = json!("another");
    let refused = managed.save(draft).await.unwrap_err();
    assert_eq!(refused.code, "secret_missing");
    assert_eq!(managed.text(), before);
    // Somebody else has changed the file.
    let draft = managed.draft().await;
    let fingerprint = managed.view().await.fingerprint.clone();
    std::fs::write(file_of(managed.folder.path()), format!("{before}# more\n")).unwrap();
    let refused = managed
        .settings()
        .save(draft, &fingerprint)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "settings_changed_meanwhile");
    managed.stop().await;
}

#[tokio::test]
async fn a_connection_is_tested_step_by_step_beside_the_running_one() {
    let managed = managed().await;
    let settings = managed.settings();
    let draft = managed.draft().await;
    settings.test_connection(draft.clone()).await.unwrap();
    let done = |view: &Arc<SettingsView>| view.test.as_ref().is_some_and(|test| !test.running);
    let view = managed.until(done).await;
    let test = view.test.clone().unwrap();
    assert!(test.passed, "{test:?}");
    assert!(
        test.steps
            .iter()
            .all(|step| step.state == TestStepState::Passed)
    );
    assert_eq!(test.privileges.len(), 50);
    assert!(test.privileges.iter().all(|privilege| privilege.granted));
    assert!(test.version.unwrap().starts_with("9.2"));

    settings
        .enter_secret(
            draft.clone(),
            SecretName::ClientSecret,
            "wrong".to_owned().into(),
        )
        .await
        .unwrap();
    settings.test_connection(draft.clone()).await.unwrap();
    let view = managed
        .until(|view| {
            view.test
                .as_ref()
                .is_some_and(|test| test.run == 2 && !test.running)
        })
        .await;
    let test = view.test.clone().unwrap();
    let failed = test
        .steps
        .iter()
        .find(|step| step.state == TestStepState::Failed)
        .unwrap();
    assert_eq!(
        failed.problem.as_ref().unwrap().code,
        "sign_in_wrong_secret"
    );
    assert_eq!(failed.key.as_deref(), Some("secret.client-secret"));
    assert_eq!(failed.guide.as_deref(), Some("step-1a"));
    assert_eq!(test.steps[4].state, TestStepState::Skipped);
    managed.companion.handle().refresh().await.unwrap();
    assert!(
        managed
            .companion
            .handle()
            .view()
            .connection
            .problem
            .is_none()
    );
    managed.stop().await;
}

#[tokio::test]
async fn why_a_visitor_is_recognised_is_told_rule_by_rule_for_the_draft() {
    let managed = managed().await;
    let email = known_email();
    let mut draft = managed.draft().await;
    draft["identification"]["contact"] = json!([
        { "name": "Number", "all": [{ "column": "externaluseridentifier", "operator": "equals", "field": "custom_variable.Number" }] },
        { "name": "Both", "all": [
            { "column": "emailaddress1", "operator": "equals", "field": "visitor.email" },
            { "column": "lastname", "operator": "equals", "field": "visitor.name" } ] },
        { "name": "E-mail", "any": [{ "column": "emailaddress1", "operator": "equals", "field": "visitor.email" }] },
        { "name": "Sleeping", "off": true, "any": [{ "column": "emailaddress1", "operator": "equals", "field": "visitor.email" }] },
    ]);
    let explained = managed
        .settings()
        .explain(draft, by_email(&email))
        .await
        .unwrap();
    let contact = &explained.tables[0];
    let states: Vec<RuleState> = contact.rules.iter().map(|rule| rule.state).collect();
    assert_eq!(
        states,
        [
            RuleState::NothingToAsk,
            RuleState::Nobody,
            RuleState::Matched,
            RuleState::Off
        ],
        "{contact:#?}"
    );
    let both = &contact.rules[1].conditions;
    assert_eq!(both[0].state, ConditionState::Met);
    assert_eq!(both[1].state, ConditionState::NotMet);
    assert_eq!(both[1].value.as_deref(), Some("Somebody Else"));
    assert_eq!(contact.rules[0].conditions[0].state, ConditionState::Empty);
    assert_eq!(contact.rules[1].key, "identification.contact.1");
    assert!(contact.found && contact.sentence.contains("\"E-mail\""));
    managed.stop().await;
}

#[tokio::test]
async fn a_draft_is_rehearsed_on_past_chats_and_nothing_is_written() {
    let managed = managed().await;
    let email = known_email();
    let mut draft = managed.draft().await;
    draft["recording"]["mode"] = json!("automatic");
    let chat = |number: u8, email: &str| {
        json!({ "kind": "ended", "chat": { "id": format!("3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e0{number:02}"), "name": "Dana Nowak", "email": email, "status": "ended",
            "messages": [{ "sender": "Dana", "senderType": "visitor", "content": "Hello" }] } })
    };
    let chats = format!("{}\n{}", chat(1, &email), chat(2, "nobody@nowhere.example"));
    managed
        .settings()
        .rehearse(draft, Some(chats))
        .await
        .unwrap();
    let view = managed
        .until(|view| {
            view.rehearsal
                .as_ref()
                .is_some_and(|rehearsal| !rehearsal.running)
        })
        .await;
    let rehearsal = view.rehearsal.clone().unwrap();
    assert_eq!(
        (rehearsal.total, rehearsal.done, rehearsal.recognised),
        (2, 2, 1),
        "{rehearsal:#?}"
    );
    assert_eq!(rehearsal.different, 2);
    let new = &rehearsal.chats[1];
    let writes: Vec<(&str, &str)> = new
        .draft
        .writes
        .iter()
        .map(|write| (write.how.as_str(), write.table.as_str()))
        .collect();
    assert_eq!(writes, [("create", "Contact"), ("create", "Case")]);
    assert!(new.in_force.as_ref().unwrap().writes.is_empty());
    assert!(
        new.differences[0].contains("create case"),
        "{:?}",
        new.differences
    );
    managed.stop().await;
}

#[tokio::test]
async fn how_much_a_draft_would_copy_is_asked_of_dynamics() {
    let managed = managed().await;
    let mut draft = managed.draft().await;
    draft["offline"]["contact"]["changed_within_days"] = json!(0);
    draft["offline"]["lead"]["keep"] = json!("nothing");
    let estimates = managed.settings().estimate(draft.clone()).await.unwrap();
    let [contacts, accounts, cases] = &estimates[..] else {
        panic!("leads are not copied: {estimates:?}");
    };
    assert!(contacts.rows > Some(0) && contacts.copies == contacts.rows);
    assert_eq!(accounts.copies, None, "it depends on the contacts");
    assert!(cases.copies > Some(0) && cases.copies < cases.rows);
    draft["offline"]["enabled"] = json!(false);
    let none = managed.settings().estimate(draft).await.unwrap();
    assert_eq!(none, []);
    managed.stop().await;
}

#[tokio::test]
async fn what_an_administrator_laid_down_is_locked_and_others_are_refused_in_the_guides_words() {
    let locked = "[managed]\nlocked = [\"recording\"]\nmanagers = [\"ada\"]\n[recording]\nmode = \"automatic\"\n";
    let managed = managed_with(Some(locked), "").await;
    let view = managed.view().await;
    assert_eq!(view.managed.as_ref().unwrap().locked, ["recording"]);
    let mut draft = managed.draft().await;
    assert_eq!(draft["recording"]["mode"], "automatic");
    draft["recording"]["mode"] = json!("manual");
    let judgement = managed.settings().judge(draft.clone(), None).await.unwrap();
    assert_eq!(judgement.problems[0].key, "recording.mode");
    assert_eq!(
        managed.save(draft).await.unwrap_err().code,
        "settings_locked"
    );
    managed.stop().await;

    let others = "[managed]\nmanagers = [\"grace\"]\n";
    let managed = managed_with(Some(others), "").await;
    let before = managed.text();
    let view = managed.view().await;
    let refused = view.refused.clone().unwrap();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "manage_integration_required",
            "You need permission for \"Manage Integration\" to access this part."
        )
    );
    assert!(view.saved.is_none() && view.file.is_none());
    let settings = managed.settings();
    let draft = json!(Settings::default());
    let refusals = [
        settings.save(draft.clone(), "").await.unwrap_err(),
        settings.judge(draft.clone(), None).await.unwrap_err(),
        settings.catalogue().await.unwrap_err(),
        settings.columns("contact").await.unwrap_err(),
        settings
            .explain(draft.clone(), by_email("a@b.example"))
            .await
            .unwrap_err(),
        settings
            .suggest(draft.clone(), "contact")
            .await
            .unwrap_err(),
        settings.secrets(draft.clone()).await.unwrap_err(),
        settings
            .enter_secret(draft.clone(), SecretName::Password, "x".to_owned().into())
            .await
            .unwrap_err(),
        settings
            .forget_secret(draft.clone(), SecretName::Password)
            .await
            .unwrap_err(),
        settings.test_connection(draft.clone()).await.unwrap_err(),
        settings.cancel_test().await.unwrap_err(),
        settings.to_text(draft.clone()).await.unwrap_err(),
        settings.read_text("").await.unwrap_err(),
        settings.history().await.unwrap_err(),
        settings.version(1).await.unwrap_err(),
        settings.rehearse(draft, None).await.unwrap_err(),
        settings.cancel_rehearsal().await.unwrap_err(),
        settings.disconnect().await.unwrap_err(),
    ];
    assert!(refusals.iter().all(|refusal| *refusal == refused));
    assert_eq!(managed.text(), before);
    managed.stop().await;
}

#[tokio::test]
async fn nothing_that_the_page_can_read_holds_a_secret() {
    let managed = managed().await;
    let settings = managed.settings();
    let draft = managed.draft().await;
    let entered = "entered-5ecret-of-a-person";
    let mut read = Vec::new();
    let mut keep = |what: &str, answer: Value| read.push((what.to_owned(), answer.to_string()));
    let secrets = settings.secrets(draft.clone()).await.unwrap();
    assert_eq!(secrets[0].state, SecretState::Set);
    keep("secrets", json!(secrets));
    let after = settings
        .enter_secret(
            draft.clone(),
            SecretName::ClientSecret,
            entered.to_owned().into(),
        )
        .await
        .unwrap();
    assert_eq!(after[0].state, SecretState::Entered);
    keep("enter_secret", json!(after));
    settings.test_connection(draft.clone()).await.unwrap();
    let mut views = settings.watch();
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        keep("event", json!(*view));
        if view.test.as_ref().is_some_and(|test| !test.running) {
            break;
        }
        tokio::time::timeout(PATIENCE, views.changed())
            .await
            .unwrap()
            .unwrap();
    }
    let refused = managed.save(json!({ "version": 7 })).await.unwrap_err();
    keep("save", json!(refused));
    keep("settings", json!(*settings.view().await));
    keep("catalogue", json!(settings.catalogue().await.unwrap()));
    for table in ["contact", "account", "lead", "case", "task"] {
        keep("columns", json!(settings.columns(table).await.unwrap()));
        keep(
            "suggest",
            json!(settings.suggest(draft.clone(), table).await.unwrap()),
        );
    }
    let sample = by_email("a@b.example");
    keep(
        "judge",
        json!(
            settings
                .judge(draft.clone(), Some(sample.clone()))
                .await
                .unwrap()
        ),
    );
    keep(
        "explain",
        json!(settings.explain(draft.clone(), sample).await.unwrap()),
    );
    keep(
        "to_text",
        json!(settings.to_text(draft.clone()).await.unwrap()),
    );
    keep(
        "read_text",
        json!(settings.read_text(&managed.text()).await.unwrap()),
    );
    // It is kept when the settings are saved, and stands nowhere but in the keyring.
    let mut changed = draft.clone();
    changed["recording"]["update"] = json!("keep");
    managed.save(changed).await.unwrap();
    let secrets = settings.secrets(draft.clone()).await.unwrap();
    assert_eq!(secrets[0].state, SecretState::Set);
    keep("secrets", json!(secrets));
    keep("history", json!(settings.history().await.unwrap()));
    for version in settings.history().await.unwrap() {
        keep(
            "version",
            json!(settings.version(version.id).await.unwrap()),
        );
    }
    keep("view", json!(*managed.companion.handle().view()));
    keep("file", json!(managed.text()));
    assert!(read.len() > 25);
    for (what, answer) in &read {
        for secret in [entered, managed.secret.as_str()] {
            assert!(!answer.contains(secret), "{what} holds a secret");
        }
    }
    managed.stop().await;
}

#[tokio::test]
async fn who_disconnects_keeps_the_rules_and_forgets_the_secrets() {
    let managed = managed_with(
        None,
        "\n[[identification.contact]]\nname = \"Ours\"\nany = [{ column = \"emailaddress1\", operator = \"equals\", field = \"visitor.email\" }]\n",
    )
    .await;
    // Without a practice organization in this program there is nothing to go on with.
    let refused = managed.settings().disconnect().await.unwrap_err();
    assert_eq!(refused.code, "practice_not_started");
    let saved = managed.view().await.saved.clone().unwrap();
    assert_eq!(saved.connection.kind, ConnectionKind::Cloud);
    managed.stop().await;
}
