//! The data on this computer: a person is forgotten, everything is removed, a desk is locked, and a store whose key was lost
//! comes back. What is erased is looked for in the raw files, page by page.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use backend::data::{LocalData, Whom};
use backend::files::CacheKey;
use backend::keyring::Keyring;
use backend::view::{
    CopiesView, EntryState, RecognitionState, RecordTable, Traces, View, WipeOptions,
};
use backend::{Backend, Files, Handle, Problem, StoreKey};
use common::PATIENCE;
use common::raw::holding;
use common::recording::{Organization, done, ended, event, recorded};
use keyring_core::{CredentialStore, mock};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

const EMAIL: &str = "Dana.Vermeer@example.com";
const PHONE: &str = "+44 20 7946 0018";
const NAME: &str = "Vermeer-Okonkwo";
/// What must not be found any more.
const PERSONAL: [&str; 4] = [EMAIL, NAME, "79460018", "7946 0018"];
/// An address that only a link says is the same person's.
const PRIVATE: &str = "d.v.o@private.example";
/// Who stays.
const OTHER: &str = "lee.other@example.com";

fn files(folder: &Path, key: &StoreKey) -> Files {
    Files::Folder {
        folder: folder.to_owned(),
        key: key.clone(),
        cache_key: CacheKey::OfStore,
        notice: None,
    }
}

async fn until(handle: &Handle, what: &str, wanted: impl FnMut(&Arc<View>) -> bool) {
    let mut views = handle.watch();
    let waited = tokio::time::timeout(PATIENCE, views.wait_for(wanted)).await;
    assert!(waited.is_ok(), "never: {what}: {:#?}", handle.view());
}

async fn select(handle: &Handle, chat: Uuid, name: &str, email: &str) {
    let selected = event(json!({
        "source": "console-app", "kind": "selected",
        "chat": { "id": chat.to_string(), "status": "chatting", "name": name, "email": email },
    }));
    handle.feed(selected).await.unwrap();
}

fn is_live(view: &Arc<View>) -> bool {
    view.recognition.state == RecognitionState::Live
}

fn contact(view: &View) -> Option<String> {
    let record = view.recognition.contact.record.as_ref()?;
    Some(record.id.clone())
}

/// An organization with two people, and a companion that has seen and written down both.
async fn after_two_chats(files: Files) -> (Organization, Backend) {
    after_two_chats_and(files, ("emailaddress1", EMAIL)).await
}

/// The same; beside the people there is a company with this value.
async fn after_two_chats_and(files: Files, of_company: (&str, &str)) -> (Organization, Backend) {
    let organization = Organization::start().await;
    let contact = organization
        .put(
            "contacts",
            &[
                ("firstname", "Dana"),
                ("lastname", NAME),
                ("emailaddress1", EMAIL),
                ("telephone1", "(020) 7946 0018"),
            ],
        )
        .await;
    organization
        .put("accounts", &[("name", "Vermeer Ltd"), of_company])
        .await;
    organization
        .put(
            "contacts",
            &[("lastname", "Other"), ("emailaddress1", OTHER)],
        )
        .await;
    let backend = organization
        .companion(|options| {
            options.files = files;
            options.settings.identification.default_country = Some("GB".to_owned());
        })
        .await;
    let handle = backend.handle();
    for (name, email, phone) in [("Dana Vermeer-Okonkwo", EMAIL, PHONE), ("Lee", OTHER, "")] {
        let chat = Uuid::new_v4();
        select(&handle, chat, name, email).await;
        until(&handle, "the visitor", |view| {
            is_live(view)
                && view
                    .visitor
                    .as_ref()
                    .is_some_and(|visitor| visitor.email == email)
        })
        .await;
        let said = format!("Please write to {email} or call {phone}.");
        done(&recorded(&handle, ended(chat, name, email, phone, &said)).await);
        // Who was written down is looked up again.
        until(&handle, "what was written", |view| {
            let mut entries = view.recording.chat.iter();
            is_live(view) && entries.any(|entry| entry.state == EntryState::Done)
        })
        .await;
    }
    assert_ne!(contact, Uuid::nil());
    (organization, backend)
}

async fn out_of_reach(organization: &Organization) {
    organization
        .fault(json!({ "fault": "unavailable", "times": 100_000 }))
        .await;
}

#[tokio::test]
async fn a_forgotten_person_leaves_no_trace_in_the_raw_files() {
    let (folder, key) = (tempfile::tempdir().unwrap(), StoreKey::random());
    let (organization, backend) = after_two_chats(files(folder.path(), &key)).await;
    let handle = backend.handle();
    let (known, unknown) = (Uuid::new_v4(), Uuid::new_v4());
    select(&handle, known, "Dana", EMAIL).await;
    until(&handle, "the person", |view| {
        view.recognition
            .contact
            .record
            .as_ref()
            .is_some_and(|record| record.name.contains(NAME))
    })
    .await;
    let dana = contact(&handle.view()).unwrap();
    select(&handle, unknown, "D.", PRIVATE).await;
    until(&handle, "nobody", |view| {
        is_live(view) && contact(view).is_none()
    })
    .await;
    handle
        .link("contact", &dana, Some(&unknown.to_string()))
        .await
        .unwrap();
    until(&handle, "the link", |view| {
        is_live(view) && contact(view).is_some()
    })
    .await;
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let log = logs.join("companion.2026-01-01.log");
    std::fs::write(&log, format!("one\nDEBUG asked about {EMAIL}\nthree\n")).unwrap();
    let beside = |name: &str| folder.path().join(name);
    std::fs::copy(beside("store.sqlite"), beside("store.sqlite.before-9")).unwrap();
    std::fs::write(beside("store.sqlite.lost-1"), "nobody can open it").unwrap();
    std::fs::write(beside("cache.sqlite.damaged"), EMAIL).unwrap();
    let before = holding(folder.path(), &key, &PERSONAL);
    for file in ["cache.sqlite", "store.sqlite", "companion."] {
        assert!(
            before.iter().any(|found| found.starts_with(file)),
            "{file}: {before:?}"
        );
    }

    let traces = handle.traces(Some(EMAIL), None).await.unwrap();
    assert!(traces.copies >= 2, "{traces:?}");
    assert!(traces.answers >= 1 && traces.lines >= 2, "{traces:?}");
    assert_eq!((traces.entries, traces.log_lines), (1, 1), "{traces:?}");
    assert_eq!(traces.links, 1, "{traces:?}");
    assert_eq!(traces.unreadable, ["store.sqlite.lost-1"]);
    assert_eq!(
        holding(folder.path(), &key, &PERSONAL),
        before,
        "a preview changes nothing"
    );

    let receipt = handle
        .forget(Some(&EMAIL.to_uppercase()), None, false)
        .await
        .unwrap();
    // Copies may have come between the two: what was read for the linked visitor is kept behind their back.
    let erased = &receipt.erased;
    assert!(erased.copies >= traces.copies && erased.answers >= traces.answers);
    let Traces {
        copies, answers, ..
    } = *erased;
    assert_eq!(
        *erased,
        Traces {
            copies,
            answers,
            ..traces
        }
    );
    assert!(
        receipt.text.contains("store.sqlite.lost-1"),
        "{}",
        receipt.text
    );
    for text in PERSONAL {
        let written = serde_json::to_string(&receipt).unwrap().to_lowercase();
        assert!(!written.contains(&text.to_lowercase()), "{text}: {written}");
    }
    for personal in PERSONAL.iter().chain([&PRIVATE]) {
        assert_eq!(
            holding(folder.path(), &key, &[personal]),
            [""; 0],
            "still running"
        );
    }
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(lines, "one\nthree\n");

    // The other one is still there, and the account of what was done.
    let activity = handle.activity(Default::default()).await.unwrap();
    assert_eq!(activity.lines[0].what, "forgotten");
    assert!(activity.lines.len() > 1);
    assert_eq!(handle.outbox().await.unwrap().len(), 1);
    assert!(!holding(folder.path(), &key, &[OTHER]).is_empty());
    let again = handle.traces(Some(EMAIL), None).await.unwrap();
    assert_eq!(
        (again.copies, again.answers, again.entries, again.lines),
        (0, 0, 0, 0)
    );
    backend.stop().await;
    assert_eq!(
        holding(folder.path(), &key, &PERSONAL),
        [""; 0],
        "after the end"
    );
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn by_telephone_number_the_same_person_is_found_in_every_spelling() {
    let (folder, key) = (tempfile::tempdir().unwrap(), StoreKey::random());
    let (organization, backend) =
        after_two_chats_and(files(folder.path(), &key), ("telephone2", PHONE)).await;
    let receipt = backend
        .handle()
        .forget(None, Some("0044-20-79460018"), false)
        .await
        .unwrap();
    assert_eq!(receipt.told_by, "phone");
    assert_eq!(holding(folder.path(), &key, &PERSONAL), [""; 0]);
    assert!(!holding(folder.path(), &key, &[OTHER]).is_empty());
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_sent_yet_is_discarded_only_with_the_word_for_it() {
    let (folder, key) = (tempfile::tempdir().unwrap(), StoreKey::random());
    let (organization, backend) = after_two_chats(files(folder.path(), &key)).await;
    let handle = backend.handle();
    out_of_reach(&organization).await;
    let chat = ended(Uuid::new_v4(), "Dana", EMAIL, "", "Once more.");
    let waiting = handle.feed(chat).await.unwrap().unwrap();
    until(&handle, "what waits", |view| view.recording.queued == 1).await;

    let traces = handle.traces(Some(EMAIL), None).await.unwrap();
    assert_eq!(traces.unsent[0].id, waiting.to_string());
    let refused = handle.forget(Some(EMAIL), None, false).await.unwrap_err();
    // It may be on its way for a moment.
    assert!(
        ["forget_unsent", "forget_sending"].contains(&refused.code.as_str()),
        "{refused:?}"
    );
    assert!(
        !holding(folder.path(), &key, &[EMAIL]).is_empty(),
        "nothing was erased"
    );
    let store = WipeOptions {
        store: true,
        ..WipeOptions::default()
    };
    let refused = handle.wipe(store).await.unwrap_err();
    assert_eq!(refused.code, "unsent_waits");
    assert!(
        refused.message.starts_with("1 entry"),
        "{}",
        refused.message
    );
    assert!(handle.entry(waiting).await.is_ok());

    let receipt = loop {
        match handle.forget(Some(EMAIL), None, true).await {
            Ok(receipt) => break receipt,
            Err(problem) => assert_eq!(problem.code, "forget_sending"),
        }
    };
    assert_eq!(receipt.discarded, 1);
    assert_eq!(
        handle.entry(waiting).await.unwrap_err().code,
        "entry_unknown"
    );
    assert_eq!(holding(folder.path(), &key, &PERSONAL), [""; 0]);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn everything_can_be_removed_while_the_companion_runs() {
    let (folder, key) = (tempfile::tempdir().unwrap(), StoreKey::random());
    let (organization, backend) = after_two_chats(files(folder.path(), &key)).await;
    let handle = backend.handle();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    std::fs::write(folder.path().join("logs/companion.2026-01-01.log"), EMAIL).unwrap();
    std::fs::write(folder.path().join("store.sqlite.lost-1"), EMAIL).unwrap();
    // Answers are put into the cache beside all this.
    let kept = tokio::time::timeout(PATIENCE, async {
        loop {
            let kept = handle.local_data().await.unwrap();
            let is_contacts = |table: &CopiesView| table.table == "contact" && table.copies == 2;
            if kept.copies.iter().any(is_contacts) {
                return kept;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!((kept.entries, kept.unsent), (2, 0));

    let wiped = handle.wipe(WipeOptions::default()).await.unwrap();
    assert!(wiped.copies >= 3, "{wiped:?}");
    assert_eq!((wiped.entries, wiped.log_files), (0, 1));
    let left = holding(folder.path(), &key, &[EMAIL, OTHER]);
    assert!(
        left.iter().all(|found| found.starts_with("store.sqlite")),
        "{left:?}"
    );
    assert_eq!(handle.outbox().await.unwrap().len(), 2);

    let all = WipeOptions {
        store: true,
        set_aside: true,
        discard_unsent: false,
    };
    let wiped = handle.wipe(all).await.unwrap();
    assert_eq!((wiped.entries, wiped.discarded), (2, 0));
    assert_eq!(wiped.removed, ["store.sqlite.lost-1"]);
    assert_eq!(holding(folder.path(), &key, &[EMAIL, OTHER, NAME]), [""; 0]);
    assert!(handle.outbox().await.unwrap().is_empty());

    // It goes on.
    let chat = ended(Uuid::new_v4(), "Lee", OTHER, "", "Hello again.");
    done(&recorded(&handle, chat).await);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_locked_companion_tells_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mocked: Arc<CredentialStore> = mock::Store::new().unwrap();
    let keyring = Keyring::given(Arc::clone(&mocked));
    let files = Files::with_key(folder.path().to_owned(), |_| None, &keyring)
        .await
        .unwrap();
    let Files::Folder {
        cache_key: CacheKey::InKeyring { entry, .. },
        ..
    } = &files
    else {
        panic!("the cache has a key of its own: {files:?}");
    };
    let entry = entry.clone();
    let (organization, backend) = after_two_chats(files).await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    select(&handle, chat, "Dana", EMAIL).await;
    until(&handle, "Dana", |view| {
        is_live(view) && view.recognition.contact.record.is_some()
    })
    .await;

    // Past chats are rehearsed in the settings' window.
    let settings = handle.settings();
    let saved = settings.view().await.saved.clone().unwrap();
    let draft = serde_json::to_value(&saved).unwrap();
    settings.rehearse(draft, None).await.unwrap();
    let mut managed = settings.watch();
    let rehearsed = managed.wait_for(|view| {
        let rehearsal = view.rehearsal.as_ref();
        rehearsal.is_some_and(|rehearsal| !rehearsal.running)
    });
    let rehearsed = serde_json::to_string(&**rehearsed.await.unwrap()).unwrap();
    assert!(rehearsed.contains(NAME), "{rehearsed}");

    handle.lock().await.unwrap();
    until(&handle, "locked", |view| view.locked).await;
    let view = settings.watch().borrow().clone();
    assert!(view.locked && view.rehearsal.is_none());
    let shown = serde_json::to_string(&*handle.view()).unwrap();
    for text in [EMAIL, NAME, "Dana", "Robin"] {
        assert!(!shown.contains(text), "{text}: {shown}");
    }
    let refusals: [Option<Problem>; 6] = [
        handle.outbox().await.err(),
        handle.activity(Default::default()).await.err(),
        handle.draft(RecordTable::Case).await.err(),
        handle.find(&["contact".to_owned()], "Dana").await.err(),
        handle.traces(Some(EMAIL), None).await.err(),
        handle.local_data().await.err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap().code, "locked");
    }
    // A chat ends meanwhile: it is taken over and written down.
    let ends = ended(chat, "Dana", EMAIL, "", "Bye.");
    handle.feed(ends).await.unwrap().expect("an entry");
    select(&handle, Uuid::new_v4(), "Lee", OTHER).await;
    until(&handle, "it went out", |view| {
        view.locked && view.recording.queued == 0
    })
    .await;

    // The keyring lets nobody in: it stays locked.
    let credential = mocked.build("dynamics-companion", &entry, None).unwrap();
    let credential: &mock::Cred = credential.as_any().downcast_ref().unwrap();
    credential.set_error(keyring_core::Error::NoStorageAccess(Box::new(
        std::io::Error::other("locked"),
    )));
    assert_eq!(handle.unlock().await.unwrap_err().code, "keyring_locked");
    assert!(handle.view().locked);

    handle.unlock().await.unwrap();
    until(&handle, "Lee", |view| {
        !view.locked
            && view
                .visitor
                .as_ref()
                .is_some_and(|visitor| visitor.email == OTHER)
            && is_live(view)
    })
    .await;
    assert_eq!(handle.outbox().await.unwrap().len(), 3);
    backend.stop().await;
    organization.sandbox.stop().await;
}

/// Every method of the handle that the page can call says whether it answers while the companion is locked.
#[test]
fn what_answers_while_locked_is_written_down() {
    const ANSWERS: [&str; 15] = [
        "refresh",
        "reconnect",
        "sign_in",
        "cancel_sign_in",
        "sign_out",
        "start_pairing",
        "cancel_pairing",
        "open_link",
        "feed",
        "sync_now",
        "lock",
        "unlock",
        "watch_schema",
        "view",
        "watch",
    ];
    let sources = [
        include_str!("../src/handle.rs"),
        include_str!("../src/data/commands.rs"),
    ]
    .concat();
    let mut methods = 0;
    for method in sources.split("    pub async fn ").skip(1) {
        let name = method.split(['(', '<']).next().unwrap();
        let body = method.split("\n    }\n").next().unwrap();
        let is_guarded = body.contains("self.unlocked()?;");
        assert_ne!(is_guarded, ANSWERS.contains(&name), "{name}");
        methods += 1;
    }
    assert!(methods > 25, "{methods}");
}

#[tokio::test]
async fn with_the_recovery_file_a_store_whose_key_was_lost_comes_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |keyring: &Keyring| {
        Files::with_key(folder.path().to_owned(), |_| None, keyring)
            .await
            .unwrap()
    };
    let keyring = || Keyring::given(mock::Store::new().unwrap());
    let first = keyring();
    let (organization, backend) = after_two_chats(open(&first).await).await;
    let handle = backend.handle();
    out_of_reach(&organization).await;
    let waits = ended(Uuid::new_v4(), "Dana", EMAIL, "", "It must not be lost.");
    let waits = handle.feed(waits).await.unwrap().unwrap();
    let passphrase = || SecretString::from("five words that nobody knows");
    let file = folder.path().join("kept elsewhere.json");
    assert_eq!(
        handle.local_data().await.unwrap().recovery.unwrap().made_at,
        None
    );
    handle
        .make_recovery(Some(&file), passphrase())
        .await
        .unwrap();
    assert!(
        handle
            .local_data()
            .await
            .unwrap()
            .recovery
            .unwrap()
            .made_at
            .is_some()
    );
    let refused = handle
        .make_recovery(Some(&file), passphrase())
        .await
        .unwrap_err();
    assert_eq!(refused.code, "recovery_file_exists");
    let text = std::fs::read_to_string(&file).unwrap();
    let refused = handle
        .use_recovery(text.clone(), passphrase())
        .await
        .unwrap_err();
    assert_eq!(refused.code, "recovery_nothing_lost");
    let before = handle.activity(Default::default()).await.unwrap().lines;
    backend.stop().await;

    // The keyring has lost everything; the day goes on.
    let second = keyring();
    let connection = practice::connection(organization.sandbox.description());
    let mut options = common::options(connection.0, connection.1);
    options.files = open(&second).await;
    let backend = Backend::start(options).await.unwrap();
    let handle = backend.handle();
    until(&handle, "the notice", |view| {
        view.files.iter().any(|file| file.code == "store_key_lost")
    })
    .await;
    assert!(handle.outbox().await.unwrap().is_empty());
    let state = handle.local_data().await.unwrap().recovery.unwrap();
    assert_eq!(
        (state.made_at, state.lost),
        (None, vec!["store.sqlite.lost-1".to_owned()])
    );
    let later = ended(Uuid::new_v4(), "Lee", OTHER, "", "Later.");
    let later = handle.feed(later).await.unwrap();

    let wrong = SecretString::from("five words that somebody knows");
    let refused = handle.use_recovery(text.clone(), wrong).await.unwrap_err();
    assert_eq!(refused.code, "recovery_passphrase_wrong");
    let recovered = handle
        .use_recovery(text.clone(), passphrase())
        .await
        .unwrap();
    assert_eq!(
        (recovered.entries, recovered.unsent),
        (3, 1),
        "{recovered:?}"
    );
    assert!(recovered.is_whole);
    assert_eq!(recovered.lines, u64::try_from(before.len()).unwrap());
    assert!(!folder.path().join("store.sqlite.lost-1").exists());
    until(&handle, "no notice", |view| {
        view.files.iter().all(|file| file.code != "store_key_lost")
    })
    .await;
    let entries = handle.outbox().await.unwrap();
    assert_eq!(entries.len(), 3 + usize::from(later.is_some()));
    let lines = handle.activity(Default::default()).await.unwrap().lines;
    let told: Vec<_> = lines
        .iter()
        .rev()
        .take(before.len())
        .map(|line| (&line.at, &line.what))
        .collect();
    let expected: Vec<_> = before
        .iter()
        .rev()
        .map(|line| (&line.at, &line.what))
        .collect();
    assert_eq!(told, expected, "what was before comes before");

    // Nothing twice, and it goes out when Dynamics is back.
    let refused = handle.use_recovery(text, passphrase()).await.unwrap_err();
    assert_eq!(refused.code, "recovery_nothing_lost");
    organization
        .admin(reqwest::Method::DELETE, "/faults", None)
        .await;
    handle
        .retry(&waits.to_string(), Default::default())
        .await
        .unwrap();
    done(&common::recording::settled(&handle, waits).await);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn a_recovery_file_of_another_store_is_told_from_a_wrong_passphrase() {
    let (mine, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let keyring = || Keyring::given(mock::Store::new().unwrap());
    let data = async |folder: &Path, keyring: &Keyring| {
        let files = Files::with_key(folder.to_owned(), |_| None, keyring)
            .await
            .unwrap();
        LocalData::open(files, String::new(), None).await.unwrap()
    };
    let passphrase = || SecretString::from("five words that nobody knows");
    let other = data(others.path(), &keyring()).await;
    let text = other.make_recovery(passphrase()).await.unwrap();
    drop(data(mine.path(), &keyring()).await);
    let lost = data(mine.path(), &keyring()).await;
    let refused = lost.use_recovery(text, passphrase()).await.unwrap_err();
    assert_eq!(refused.code, "recovery_other_store");
    assert!(mine.path().join("store.sqlite.lost-1").exists());
    let whom = Whom::of(Some(EMAIL), None, None).unwrap();
    let traces = lost.traces(&whom).await.unwrap();
    assert_eq!(traces.unreadable, ["store.sqlite.lost-1"]);
    backend::files::close_all().await;
}
