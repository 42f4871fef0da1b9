//! A damaged store: what can be read of it is saved, and the damaged file is kept.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use store::{Error, Key, LineFilter, NewEntry, NewLine, Salvaged, State, Store};
use uuid::Uuid;

const ENTRIES: u128 = 1500;
const PAGE: usize = 4096;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn entry(number: u128) -> NewEntry {
    NewEntry {
        id: Uuid::from_u128(number),
        organization: "one".to_owned(),
        subject: format!("chat {number}"),
        person_key: format!("person {number}"),
        state: State::Queued,
        due_at: at(1),
        // Some are longer than a page, as transcripts are.
        intent: format!(
            "{number} {}",
            "x".repeat(if number.is_multiple_of(50) { 9000 } else { 900 })
        ),
    }
}

/// A closed store with consoles, entries and lines.
async fn filled(folder: &Path, key: &Key) -> PathBuf {
    let path = folder.join("store.sqlite");
    let store = Store::open(&path, key).await.unwrap();
    store
        .add_console(Uuid::nil(), "Console", b"hash", at(1))
        .await
        .unwrap();
    for number in 0..ENTRIES {
        let line = NewLine {
            organization: "one".to_owned(),
            what: "queued".to_owned(),
            visitor: format!("Visitor {number}"),
            entry: Some(Uuid::from_u128(number)),
            ..NewLine::default()
        };
        let put = store.put_entry(&entry(number), &[line], at(1)).await;
        assert!(put.unwrap());
    }
    store.close().await;
    path
}

fn damage(path: &Path, pages: &[usize]) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    for page in pages {
        let start = page * PAGE;
        bytes[start + 100..start + 200].fill(0x5a);
    }
    std::fs::write(path, &bytes).unwrap();
    bytes
}

async fn ids(store: &Store) -> BTreeSet<u128> {
    let due = store.due_entries("one", at(9), 100_000).await.unwrap();
    due.iter()
        .map(|found| {
            let number = found.id.as_u128();
            assert_eq!(found.intent, entry(number).intent);
            number
        })
        .collect()
}

async fn salvaged(path: &Path, key: &Key) -> (Store, Salvaged) {
    let (store, salvaged) = Store::open_or_salvage(path, key).await.unwrap();
    (store, salvaged.unwrap())
}

#[tokio::test]
async fn what_does_not_stand_on_damaged_pages_is_saved_and_the_file_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let path = filled(folder.path(), &key).await;
    let pages = std::fs::metadata(&path).unwrap().len() as usize / PAGE;
    let clean = std::fs::read(&path).unwrap();
    // A run in the middle, single ones, and the last.
    let middle = pages / 2;
    let mut bad: Vec<usize> = (middle..middle + 10).collect();
    bad.extend([pages / 4, pages / 3, pages - 1]);

    // Each page by itself: which rows are on it. What is lost with all of them is the sum.
    let mut on_pages = BTreeSet::new();
    let all: BTreeSet<u128> = (0..ENTRIES).collect();
    for &page in &bad {
        std::fs::write(&path, &clean).unwrap();
        damage(&path, &[page]);
        let (store, saved) = salvaged(&path, &key).await;
        let left = ids(&store).await;
        store.close().await;
        let lost: BTreeSet<u128> = all.difference(&left).copied().collect();
        assert!(lost.len() <= 6, "page {page}: {lost:?}");
        assert_eq!(saved.entries, left.len() as u64);
        on_pages.extend(lost);
    }
    std::fs::write(&path, &clean).unwrap();
    let damaged = damage(&path, &bad);
    let refused = Store::open(&path, &key).await;
    assert!(matches!(refused, Err(Error::Damaged(_))), "{refused:?}");
    let (store, saved) = salvaged(&path, &key).await;
    let left = ids(&store).await;
    let lost: BTreeSet<u128> = all.difference(&left).copied().collect();
    assert_eq!(lost, on_pages);
    assert!(!lost.is_empty() && lost.len() < 60, "{lost:?}");
    assert!(!saved.is_whole);
    assert_eq!(saved.entries, left.len() as u64);
    assert_eq!(std::fs::read(&saved.kept).unwrap(), damaged);
    let name = format!("store.sqlite.damaged-{}", bad.len() + 1);
    assert_eq!(saved.kept, folder.path().join(name));
    assert_eq!(store.consoles().await.unwrap().len(), 1);
    let lines = store.activity("one", &LineFilter::default()).await.unwrap();
    assert_eq!(saved.rows, saved.entries + 1 + lines.len() as u64);
    // It is a store like any other.
    assert!(store.put_entry(&entry(90_000), &[], at(1)).await.unwrap());
    store.close().await;
    let (store, again) = Store::open_or_salvage(&path, &key).await.unwrap();
    assert_eq!(again, None);
    assert_eq!(ids(&store).await.len() as u64, saved.entries + 1);
    store::close_all().await;
}

#[tokio::test]
async fn what_stands_in_the_log_only_is_saved_and_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let path = filled(folder.path(), &key).await;
    let store = Store::open(&path, &key).await.unwrap();
    assert!(store.put_entry(&entry(70_000), &[], at(1)).await.unwrap());
    // As a program that was killed leaves it.
    let copy = folder.path().join("other");
    std::fs::create_dir(&copy).unwrap();
    let other = copy.join("store.sqlite");
    for part in ["", "-wal"] {
        let name = format!("store.sqlite{part}");
        std::fs::copy(folder.path().join(&name), copy.join(&name)).unwrap();
    }
    store.close().await;
    let pages = std::fs::metadata(&other).unwrap().len() as usize / PAGE;
    damage(&other, &[pages / 2]);
    let (store, saved) = salvaged(&other, &key).await;
    assert!(ids(&store).await.contains(&70_000));
    assert!(saved.entries > 1490);
    store::close_all().await;
}

#[tokio::test]
async fn without_its_beginning_nothing_can_be_saved_and_a_new_store_begins() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let path = filled(folder.path(), &key).await;
    let damaged = damage(&path, &[0]);
    let (store, saved) = salvaged(&path, &key).await;
    assert_eq!((saved.rows, saved.is_whole), (0, false));
    assert_eq!(std::fs::read(&saved.kept).unwrap(), damaged);
    assert!(store.put_entry(&entry(1), &[], at(1)).await.unwrap());

    // The salt that goes with the key is gone: nobody can tell whether it is the key. The file stays where it is.
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..16].fill(1);
    std::fs::write(&path, &bytes).unwrap();
    let refused = Store::open_or_salvage(&path, &key).await;
    assert!(matches!(refused, Err(Error::WrongKey)), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    store::close_all().await;
}

#[tokio::test]
async fn nobody_replaces_what_another_one_uses_and_an_interrupted_rescue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let path = filled(folder.path(), &key).await;
    let clean = std::fs::read(&path).unwrap();
    let used = Store::open(&path, &key).await.unwrap();
    used.close().await;
    damage(&path, &[clean.len() / PAGE / 2]);
    let refused = Store::open_or_salvage(&path, &key).await;
    assert!(matches!(refused, Err(Error::InUse)), "{refused:?}");
    drop(used);

    // It was interrupted when what was saved had not yet taken its place.
    std::fs::write(folder.path().join("store.sqlite.salvaged"), &clean).unwrap();
    let (store, _) = Store::open_or_salvage(&path, &key).await.unwrap();
    assert_eq!(ids(&store).await.len() as u128, ENTRIES);
    assert!(folder.path().join("store.sqlite.damaged-1").exists());
    assert!(!folder.path().join("store.sqlite.salvaged").exists());
    store::close_all().await;
}
