//! The copies on this computer: they come by themselves, are kept in step, know visitors without a network, and go when their
//! time is over.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use backend::settings::offline::Keep;
use backend::view::{
    CardState, CopiedTable, OfflineState, OfflineTableState, OfflineTableView, RecognitionState,
    ValueSource, View, WipeOptions,
};
use backend::{Backend, Files, Options};
use comm100::ConsoleEvent;
use common::recording::{MovableClock, Organization};
use common::{PATIENCE, encrypted_files};
use dataverse::{Batch, RecordBody, Reference, Write};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const DAY: i64 = 24 * 60 * 60;

struct Companion(Backend);

impl Companion {
    /// One that keeps every contact and lead, unless `change` says otherwise.
    async fn start(
        organization: &Organization,
        files: Files,
        change: impl FnOnce(&mut Options),
    ) -> Companion {
        let backend = organization.companion(|options| {
            let offline = &mut options.settings.offline;
            offline.enabled = true;
            offline.contact.changed_within_days = Some(0);
            offline.lead.changed_within_days = Some(0);
            options.files = files;
            change(options);
        });
        Companion(backend.await)
    }

    async fn until(&self, what: &str, wanted: impl FnMut(&Arc<View>) -> bool) -> Arc<View> {
        let handle = self.0.handle();
        let mut views = handle.watch();
        let waited = tokio::time::timeout(PATIENCE, views.wait_for(wanted)).await;
        match waited {
            Ok(view) => Arc::clone(&view.unwrap()),
            Err(_) => panic!("never: {what}; the view is {:#?}", handle.view().offline),
        }
    }

    async fn fresh(&self) -> Arc<View> {
        self.until("fresh copies", |view| {
            view.offline.state == OfflineState::Fresh
        })
        .await
    }

    /// Brings the copies up to date and waits until they are.
    async fn sync(&self) -> Arc<View> {
        let ages = |view: &View| -> Vec<Option<jiff::Timestamp>> {
            let tables = view.offline.tables.iter();
            tables
                .map(|table| Some(table.synced_at.as_ref()?.parse().unwrap()))
                .collect()
        };
        let former = ages(&self.0.handle().view());
        self.0.handle().sync_now().await;
        self.until("newer copies", |view| {
            view.offline.state == OfflineState::Fresh
                && ages(view).iter().zip(&former).all(|(now, then)| now > then)
        })
        .await
    }

    async fn select(&self, number: u8, email: &str, phone: &str) {
        let chat = common::chat(number, "Dana", email, phone);
        let event = json!({ "source": "console-app", "kind": "selected", "sentAt": null, "chat": chat, "visitor": null });
        let event = ConsoleEvent::from_any_value(event).unwrap();
        self.0.handle().feed(event).await.unwrap();
    }
}

fn table(view: &View, table: CopiedTable) -> &OfflineTableView {
    let mut tables = view.offline.tables.iter();
    tables.find(|shown| shown.table == table).unwrap()
}

fn copies(view: &View, name: CopiedTable) -> u64 {
    table(view, name).copies
}

async fn contact(organization: &Organization, name: &str, email: &str) -> Uuid {
    organization
        .put("contacts", &[("lastname", name), ("emailaddress1", email)])
        .await
}

async fn write(organization: &Organization, write: Write) {
    organization.client.write(&write).await.unwrap();
}

async fn deactivate(organization: &Organization, set: &str, id: Uuid) {
    let body = RecordBody::new().set("statecode", 1).set("statuscode", 2);
    write(
        organization,
        Write::update(Reference::record(set, id), body),
    )
    .await;
}

/// Dynamics cannot be reached from now on.
async fn cut(organization: &Organization) {
    let plan = json!({ "seed": 1, "rates": { "reset_before_commit": 1.0 }, "only": "requests", "path": "/api/data" });
    organization.fault(plan).await;
}

async fn mend(organization: &Organization) {
    organization.admin(Method::DELETE, "/faults", None).await;
}

/// How often a table was read, by pages.
async fn reads(organization: &Organization, set: &str) -> usize {
    let requests = organization.requests().await;
    let is_read = |request: &&Value| {
        let path = request["path"].as_str().unwrap();
        request["method"] == "GET" && path.ends_with(&format!("/{set}"))
    };
    requests.iter().filter(is_read).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_copies_come_by_themselves_and_know_a_visitor_without_a_network() {
    let organization = Organization::start().await;
    let account = organization.put("accounts", &[("name", "Northwind")]).await;
    organization.put("accounts", &[("name", "Nobody's")]).await;
    let body = RecordBody::new()
        .set("lastname", "Vermeer")
        .set("emailaddress1", "dana@north.example")
        .set("telephone1", "(020) 7946 0018")
        .bind(
            "parentcustomerid_account",
            Reference::record("accounts", account),
        );
    let dana = Uuid::new_v4();
    write(&organization, Write::create_with_id("contacts", dana, body)).await;
    let folder = tempfile::tempdir().unwrap();
    let files = encrypted_files(folder.path());
    let companion = Companion::start(&organization, files(), |options| {
        options.settings.identification.default_country = Some("GB".to_owned());
    })
    .await;
    let view = companion.fresh().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 1);
    assert_eq!(copies(&view, CopiedTable::Account), 1, "only the contact's");
    let synced_at = table(&view, CopiedTable::Contact).synced_at.clone();

    cut(&organization).await;
    companion.select(1, "", "0044-20-79460018 ext. 3").await;
    let view = companion
        .until("an answer without a network", |view| {
            view.recognition.state == RecognitionState::Offline
                && view.recognition.contact.state == CardState::Found
        })
        .await;
    let record = view.recognition.contact.record.as_ref().unwrap();
    assert_eq!(record.id, dana.to_string());
    assert_eq!(record.source, ValueSource::Cache);
    assert_eq!(
        Some(&record.as_of),
        synced_at.as_ref(),
        "as old as its table"
    );
    let account = view.recognition.account.record.as_ref().unwrap();
    assert_eq!(account.name, "Northwind");

    let view = companion
        .until("a wait", |view| view.offline.state == OfflineState::Waiting)
        .await;
    assert_eq!(copies(&view, CopiedTable::Contact), 1);
    mend(&organization).await;
    companion.fresh().await;
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_in_dynamics_changes_here() {
    let organization = Organization::start().await;
    let gone = contact(&organization, "Gone", "gone@x.example").await;
    let old = contact(&organization, "Old", "old@x.example").await;
    let lead = organization
        .put(
            "leads",
            &[
                ("lastname", "Lead"),
                ("subject", "s"),
                ("emailaddress1", "lead@x.example"),
            ],
        )
        .await;
    let companion = Companion::start(&organization, Files::Memory, |_| {}).await;
    let view = companion.fresh().await;
    assert_eq!(
        (
            copies(&view, CopiedTable::Contact),
            copies(&view, CopiedTable::Lead)
        ),
        (2, 1)
    );

    write(
        &organization,
        Write::delete(Reference::record("contacts", gone)),
    )
    .await;
    deactivate(&organization, "contacts", old).await;
    let account = organization.put("accounts", &[("name", "Later")]).await;
    let body = RecordBody::new()
        .set("lastname", "New")
        .set("emailaddress1", "new@x.example")
        .bind(
            "parentcustomerid_account",
            Reference::record("accounts", account),
        );
    let new = Uuid::new_v4();
    write(&organization, Write::create_with_id("contacts", new, body)).await;
    let lost = RecordBody::new().set("statecode", 2).set("statuscode", 4);
    write(
        &organization,
        Write::update(Reference::record("leads", lead), lost),
    )
    .await;
    organization.forget_requests().await;
    let view = companion.sync().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 2);
    assert_eq!(
        copies(&view, CopiedTable::Lead),
        0,
        "only open leads are kept"
    );
    assert_eq!(
        copies(&view, CopiedTable::Account),
        1,
        "the new contact's is fetched"
    );
    let requests = organization.requests().await;
    assert!(requests.len() <= 8, "changes only: {requests:#?}");

    cut(&organization).await;
    for (number, email, found) in [
        (1, "gone@x.example", None),
        (2, "old@x.example", Some((old, true))),
        (3, "new@x.example", Some((new, false))),
    ] {
        companion.select(number, email, "").await;
        let view = companion
            .until("an answer", |view| {
                view.visitor
                    .as_ref()
                    .is_some_and(|visitor| visitor.email == email)
                    && view.recognition.state == RecognitionState::Offline
            })
            .await;
        let record = view.recognition.contact.record.as_ref();
        let shown = record.map(|record| (record.id.clone(), record.inactive));
        assert_eq!(
            shown,
            found.map(|(id, inactive)| (id.to_string(), inactive)),
            "{email}"
        );
    }
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_goes_on_behind_the_last_page_that_was_kept() {
    let organization = Organization::start().await;
    let batch = Batch::new().change_set(|set| {
        for number in 0..900 {
            let body = RecordBody::new()
                .set("lastname", format!("N{number}"))
                .set("emailaddress1", format!("n{number}@x.example"));
            set.add(Write::create("contacts", body));
        }
    });
    // As many as two whole pages and a part of the third.
    for _ in 0..3 {
        for done in organization.client.batch(&batch).await.unwrap() {
            done.unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let files = encrypted_files(folder.path());
    // The third page does not come.
    let third = json!({ "fault": "html_page", "path": "skiptoken", "skip": 1, "times": 1000 });
    organization.fault(third).await;
    let companion = Companion::start(&organization, files(), |_| {}).await;
    let view = companion
        .until("two pages", |view| {
            let contacts = table(view, CopiedTable::Contact);
            contacts.done == 2000 && contacts.state == OfflineTableState::Failed
        })
        .await;
    assert_eq!(table(&view, CopiedTable::Contact).expected, Some(2700));
    companion.0.stop().await;
    mend(&organization).await;
    organization.forget_requests().await;
    let companion = Companion::start(&organization, files(), |_| {}).await;
    let view = companion.fresh().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 2700);
    assert_eq!(
        reads(&organization, "contacts").await,
        1,
        "the third page only"
    );
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_delta_is_read_anew_while_the_copies_stay() {
    let organization = Organization::start().await;
    let gone = contact(&organization, "Gone", "gone@x.example").await;
    contact(&organization, "Dana", "dana@x.example").await;
    let companion = Companion::start(&organization, Files::Memory, |_| {}).await;
    companion.fresh().await;
    write(
        &organization,
        Write::delete(Reference::record("contacts", gone)),
    )
    .await;
    let later = json!({ "advance_seconds": 10 * DAY });
    organization
        .admin(Method::POST, "/clock", Some(later))
        .await;
    let mut views = companion.0.handle().watch();
    let emptied = tokio::spawn(async move {
        let empty = views
            .wait_for(|view| copies(view, CopiedTable::Contact) == 0)
            .await;
        empty.is_ok()
    });
    let view = companion.sync().await;
    assert_eq!(
        copies(&view, CopiedTable::Contact),
        1,
        "what was not seen again is gone"
    );
    assert!(!emptied.is_finished(), "the copies were never gone");
    emptied.abort();
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynamics_is_asked_again_when_it_said_so() {
    let organization = Organization::start().await;
    contact(&organization, "Dana", "dana@x.example").await;
    // Longer than the client waits by itself.
    let busy = json!({ "fault": "too_many_requests", "path": "/contacts?", "retry_after": 25 });
    organization.fault(busy).await;
    let companion = Companion::start(&organization, Files::Memory, |_| {}).await;
    let view = companion
        .until("a wait", |view| view.offline.problem.is_some())
        .await;
    let problem = view.offline.problem.as_ref().unwrap();
    assert_eq!(problem.code, "throttled");
    assert!(problem.retry_at.is_some());
    assert_eq!(view.offline.state, OfflineState::Waiting);
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_this_user_may_read_is_kept() {
    let organization = Organization::start().await;
    contact(&organization, "The administrator's", "a@x.example").await;
    let depth = json!({ "user": "application", "depth": { "prvReadContact": "basic" } });
    organization
        .admin(Method::PATCH, "/users", Some(depth))
        .await;
    let companion = Companion::start(&organization, Files::Memory, |_| {}).await;
    let view = companion.fresh().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 0);
    // Without change tracking, what is changed is found all the same.
    let own = practice::connection(organization.sandbox.description());
    let client = backend::connection::client(&own.0, &own.1, jiff::Timestamp::now()).unwrap();
    let body = RecordBody::new()
        .set("lastname", "Own")
        .set("emailaddress1", "own@x.example");
    let id = Uuid::new_v4();
    client
        .write(&Write::create_with_id("contacts", id, body))
        .await
        .unwrap();
    let view = companion.sync().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 1);

    let none = json!({ "user": "application", "remove": ["prvReadContact"] });
    organization
        .admin(Method::PATCH, "/users", Some(none))
        .await;
    companion.0.handle().sync_now().await;
    let view = companion
        .until("a refusal", |view| {
            view.offline.state == OfflineState::Failed
        })
        .await;
    let contacts = table(&view, CopiedTable::Contact);
    assert_eq!(contacts.state, OfflineTableState::Failed);
    assert_eq!(contacts.problem.as_ref().unwrap().code, "missing_privilege");
    assert_eq!(
        contacts.copies, 0,
        "what may not be read any more must not lie here"
    );
    assert_eq!(
        table(&view, CopiedTable::Lead).state,
        OfflineTableState::Fresh
    );
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_does_not_count_and_comes_again_when_it_is_asked_for() {
    let organization = Organization::start().await;
    contact(&organization, "Dana", "dana@x.example").await;
    let companion = Companion::start(&organization, Files::Memory, |_| {}).await;
    let view = companion.fresh().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 1);
    let handle = companion.0.handle();
    handle.wipe(WipeOptions::default()).await.unwrap();
    let view = companion
        .until("that the copies are gone", |view| {
            view.offline.state == OfflineState::Waiting
        })
        .await;
    let contacts = table(&view, CopiedTable::Contact);
    assert_eq!((contacts.copies, &contacts.synced_at), (0, &None));
    let view = companion.sync().await;
    assert_eq!(copies(&view, CopiedTable::Contact), 1);
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_finds_nothing_of_the_first_ones() {
    let organization = Organization::start().await;
    contact(&organization, "Dana", "dana@x.example").await;
    let folder = tempfile::tempdir().unwrap();
    let files = encrypted_files(folder.path());
    let companion = Companion::start(&organization, files(), |_| {}).await;
    companion.fresh().await;
    companion.0.stop().await;
    let (cache, _) = files().cache().await.unwrap();
    let root = format!("{}/", organization.sandbox.description().organization_url);
    assert_eq!(cache.count_synchronised(&root, "contact").await.unwrap(), 1);
    // On-premises, another user signs in to the same organization; here the administrator does.
    let administrator = organization.sandbox.description().administrator.clone();
    let depth = json!({ "user": "administrator", "role": "none" });
    organization
        .admin(Method::PATCH, "/users", Some(depth))
        .await;
    let companion = Companion::start(&organization, files(), |options| {
        options.settings.connection.client_id = Some(administrator.client_id);
        options.secrets.client_secret = Some(administrator.client_secret.into());
    })
    .await;
    companion
        .until("a refusal", |view| {
            view.offline.state == OfflineState::Failed
        })
        .await;
    assert_eq!(cache.count_synchronised(&root, "contact").await.unwrap(), 0);
    cache.close().await;
    companion.0.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_settings_load_anew_in_place() {
    let organization = Organization::start().await;
    let old = contact(&organization, "Old", "old@x.example").await;
    contact(&organization, "Dana", "dana@x.example").await;
    deactivate(&organization, "contacts", old).await;
    let folder = tempfile::tempdir().unwrap();
    let files = encrypted_files(folder.path());
    let companion = Companion::start(&organization, files(), |_| {}).await;
    assert_eq!(copies(&*companion.fresh().await, CopiedTable::Contact), 2);
    companion.0.stop().await;

    let companion = Companion::start(&organization, files(), |options| {
        options.settings.offline.contact.keep = Some(Keep::Active);
    })
    .await;
    assert_eq!(copies(&*companion.fresh().await, CopiedTable::Contact), 1);
    companion.0.stop().await;

    organization.forget_requests().await;
    let companion = Companion::start(&organization, files(), |options| {
        options.settings.offline.enabled = false;
    })
    .await;
    let view = companion
        .until("a connection", |view| {
            view.connection.state == backend::view::ConnectionState::Online
        })
        .await;
    assert_eq!(view.offline.state, OfflineState::Off);
    let (cache, _) = files().cache().await.unwrap();
    let root = format!("{}/", organization.sandbox.description().organization_url);
    let emptied = tokio::time::timeout(PATIENCE, async {
        while cache.count_synchronised(&root, "contact").await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    });
    emptied.await.expect("nothing is left");
    companion.0.stop().await;
    assert_eq!(reads(&organization, "contacts").await, 0);
    cache.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_go_when_their_time_is_over() {
    let organization = Organization::start().await;
    contact(&organization, "Dana", "dana@x.example").await;
    organization
        .put(
            "leads",
            &[
                ("lastname", "Lead"),
                ("subject", "s"),
                ("emailaddress1", "dana@x.example"),
            ],
        )
        .await;
    let clock = MovableClock::default();
    let companion = Companion::start(&organization, Files::Memory, |options| {
        options.clock = Arc::new(clock.clone());
        options.settings.offline.contact.forget_after_days = Some(10);
        options.settings.offline.lead.forget_after_days = Some(20);
    })
    .await;
    companion.fresh().await;
    cut(&organization).await;
    // Longer than the limit of one table and shorter than that of the other; nothing can be confirmed meanwhile.
    clock.advance(15 * DAY);
    companion.0.handle().sync_now().await;
    let found = async |number: u8| {
        companion.select(number, "dana@x.example", "").await;
        let view = companion
            .until("an answer", |view| {
                let chat = view
                    .visitor
                    .as_ref()
                    .and_then(|visitor| visitor.chat_id.clone());
                chat.is_some_and(|chat| chat.ends_with(&format!("{number:02}")))
                    && view.recognition.state == RecognitionState::Offline
            })
            .await;
        (view.recognition.contact.state, view.recognition.lead.state)
    };
    companion
        .until("a wait", |view| view.offline.problem.is_some())
        .await;
    assert_eq!(found(1).await, (CardState::Idle, CardState::Found));
    clock.advance(6 * DAY);
    companion.0.handle().sync_now().await;
    let mut number = 1;
    let gone = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            number += 1;
            if found(number).await.1 == CardState::Idle {
                return;
            }
        }
    });
    gone.await.unwrap();
    mend(&organization).await;
    let view = companion.fresh().await;
    assert_eq!(
        copies(&view, CopiedTable::Contact),
        1,
        "they are loaded anew"
    );
    companion.0.stop().await;
}
