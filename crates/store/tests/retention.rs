//! What is too old goes, what nobody means goes, and a page that comes too late is not kept.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::Timestamp;
use store::{Ages, Cache, CachedAnswer, CachedRecord, CopyKey, Error, SyncPage, Turn};

const DAY: i64 = 24 * 60 * 60;

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(day * DAY).unwrap()
}

fn copy(entity: &str, id: &str, read: i64, modified: i64) -> CachedRecord {
    CachedRecord {
        entity: entity.to_owned(),
        id: id.to_owned(),
        body: "{}".to_owned(),
        read_at: day(read),
        modified_at: Some(day(modified)),
        ..CachedRecord::default()
    }
}

fn of_account(mut record: CachedRecord, account: &str) -> CachedRecord {
    record.keys = vec![CopyKey {
        name: "parent".to_owned(),
        value: account.to_owned(),
    }];
    record
}

async fn load(cache: &Cache, entity: &str, records: &[CachedRecord], on: i64) {
    cache.begin_load("o", entity, "all", None).await.unwrap();
    let page = SyncPage {
        records,
        ..SyncPage::default()
    };
    cache.put_load("o", entity, &page, day(on)).await.unwrap();
}

async fn read_for_a_visitor(cache: &Cache, record: CachedRecord) {
    let answer = CachedAnswer {
        body: "{}".to_owned(),
        read_at: record.read_at,
    };
    let visitor = record.id.clone().into_bytes();
    cache.put("o", &visitor, &answer, &[record]).await.unwrap();
}

async fn is_there(cache: &Cache, entity: &str, id: &str) -> bool {
    cache.record("o", entity, id).await.unwrap().is_some()
}

#[tokio::test]
async fn what_dynamics_has_not_confirmed_for_too_long_goes() {
    let cache = Cache::memory().await.unwrap();
    load(&cache, "contact", &[copy("contact", "kept", 100, 90)], 100).await;
    read_for_a_visitor(&cache, copy("contact", "visitor", 100, 90)).await;
    let ages = |read_before| Ages {
        changed_before: None,
        read_before: day(read_before),
    };
    assert_eq!(cache.age("o", "contact", ages(100)).await.unwrap(), 0);
    // Changes that are read later confirm what is synchronised, not what was read for a visitor.
    cache
        .put_changes("o", "contact", &SyncPage::default(), day(120))
        .await
        .unwrap();
    assert_eq!(cache.age("o", "contact", ages(110)).await.unwrap(), 1);
    assert!(is_there(&cache, "contact", "kept").await);
    assert!(!is_there(&cache, "contact", "visitor").await);
    let state = cache.synchronised("o", "contact").await.unwrap();
    assert_eq!(
        (state.spec.as_str(), state.synced_at),
        ("all", Some(day(120)))
    );
    assert_eq!(cache.age("o", "contact", ages(121)).await.unwrap(), 1);
    let state = cache.synchronised("o", "contact").await.unwrap();
    assert_eq!(
        (state.spec.as_str(), state.synced_at),
        ("", None),
        "it is loaded anew"
    );
    assert_eq!(cache.age("o", "lead", ages(121)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_load_that_is_under_way_keeps_what_it_has() {
    let cache = Cache::memory().await.unwrap();
    cache.begin_load("o", "contact", "all", None).await.unwrap();
    let records = [copy("contact", "1", 100, 5)];
    let page = SyncPage {
        records: &records,
        next: Some("n"),
        ..SyncPage::default()
    };
    cache
        .put_load("o", "contact", &page, day(100))
        .await
        .unwrap();
    let ages = Ages {
        changed_before: None,
        read_before: day(90),
    };
    assert_eq!(cache.age("o", "contact", ages).await.unwrap(), 0);
    let state = cache.synchronised("o", "contact").await.unwrap();
    assert_eq!(state.next.as_deref(), Some("n"));
}

#[tokio::test]
async fn what_was_not_changed_for_long_ages_like_what_was_read_for_a_visitor() {
    let cache = Cache::memory().await.unwrap();
    let records = [
        copy("contact", "old", 100, 5),
        copy("contact", "new", 100, 95),
    ];
    load(&cache, "contact", &records, 100).await;
    let ages = |read_before| Ages {
        changed_before: Some(day(50)),
        read_before: day(read_before),
    };
    assert_eq!(cache.age("o", "contact", ages(90)).await.unwrap(), 0);
    assert_eq!(cache.count_synchronised("o", "contact").await.unwrap(), 1);
    cache
        .put_changes("o", "contact", &SyncPage::default(), day(130))
        .await
        .unwrap();
    assert_eq!(cache.age("o", "contact", ages(101)).await.unwrap(), 1);
    assert!(!is_there(&cache, "contact", "old").await);
    assert!(is_there(&cache, "contact", "new").await);
}

#[tokio::test]
async fn answers_are_forgotten_too() {
    let cache = Cache::memory().await.unwrap();
    read_for_a_visitor(&cache, copy("contact", "early", 10, 1)).await;
    read_for_a_visitor(&cache, copy("contact", "late", 20, 1)).await;
    assert_eq!(cache.forget_answers("o", day(15)).await.unwrap(), 1);
    assert!(cache.answer("o", b"early").await.unwrap().is_none());
    assert!(cache.answer("o", b"late").await.unwrap().is_some());
    assert_eq!(cache.forget_answers("other", day(99)).await.unwrap(), 0);
}

#[tokio::test]
async fn accounts_are_those_that_contacts_refer_to() {
    let cache = Cache::memory().await.unwrap();
    let contacts = [of_account(copy("contact", "1", 1, 1), "a")];
    load(&cache, "contact", &contacts, 1).await;
    let accounts = [copy("account", "a", 1, 1), copy("account", "b", 1, 1)];
    load(&cache, "account", &accounts, 1).await;
    let asked = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let referred = cache.referred("o", "contact", "parent", &asked).await;
    assert_eq!(referred.unwrap(), ["a"]);
    let released = cache.release_unreferred("o", "contact", "parent", "account");
    assert_eq!(released.await.unwrap(), 1);
    assert_eq!(cache.count_synchronised("o", "account").await.unwrap(), 1);
    assert!(
        is_there(&cache, "account", "b").await,
        "until it is too old"
    );
}

#[tokio::test]
async fn a_page_of_another_user_or_another_load_is_not_kept() {
    let cache = Cache::memory().await.unwrap();
    cache.belongs_to("o", "dana").await.unwrap();
    let first = cache.begin_load("o", "contact", "all", None).await.unwrap();
    let records = [copy("contact", "1", 1, 1)];
    let page = |user, load| SyncPage {
        records: &records,
        turn: Some(Turn { user, load }),
        ..SyncPage::default()
    };
    let second = cache.begin_load("o", "contact", "all", None).await.unwrap();
    let put = async |page: SyncPage<'_>| cache.put_load("o", "contact", &page, day(1)).await;
    let refused = |done: Result<(), Error>| matches!(done, Err(Error::Superseded));
    assert!(refused(put(page("dana", first)).await));
    assert!(refused(put(page("lee", second)).await));
    assert!(!is_there(&cache, "contact", "1").await);
    put(page("dana", second)).await.unwrap();
    assert!(refused(put(page("dana", second)).await), "it has ended");
    let changes = async |page: SyncPage<'_>| cache.put_changes("o", "contact", &page, day(1)).await;
    changes(page("dana", second)).await.unwrap();
    cache.wipe().await.unwrap();
    assert!(refused(changes(page("dana", second)).await));
    assert!(!is_there(&cache, "contact", "1").await);
}

#[tokio::test]
async fn what_is_not_synchronised_any_more_is_forgotten() {
    let cache = Cache::memory().await.unwrap();
    load(&cache, "lead", &[copy("lead", "1", 1, 1)], 1).await;
    read_for_a_visitor(&cache, copy("lead", "2", 1, 1)).await;
    assert_eq!(cache.forget_synchronised("o", "lead").await.unwrap(), 1);
    assert!(!is_there(&cache, "lead", "1").await);
    assert!(is_there(&cache, "lead", "2").await);
    cache.check().await.unwrap();
    let state = cache.synchronised("o", "lead").await.unwrap();
    assert_eq!(
        (state.spec.as_str(), state.synced_at, state.load),
        ("", None, 2)
    );
}
