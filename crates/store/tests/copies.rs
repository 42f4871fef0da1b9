//! Copies of records: found by what their keeper says of them, and kept in step page by page.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::Timestamp;
use store::{Along, Ask, Cache, CachedRecord, CopyKey, Find, Found, SyncPage};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn key(name: &str, value: &str) -> CopyKey {
    CopyKey {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn copy(id: &str, second: i64, keys: &[(&str, &str)], words: &str) -> CachedRecord {
    CachedRecord {
        entity: "contact".to_owned(),
        id: id.to_owned(),
        body: format!("body of {id} at {second}"),
        read_at: at(second),
        modified_at: Some(at(second)),
        keys: keys.iter().map(|(name, value)| key(name, value)).collect(),
        words: words.to_owned(),
        ..CachedRecord::default()
    }
}

async fn load(cache: &Cache, records: &[CachedRecord], second: i64) {
    cache.begin_load("o", "contact", "all", None).await.unwrap();
    let page = SyncPage {
        records,
        delta: Some("d"),
        ..SyncPage::default()
    };
    cache
        .put_load("o", "contact", &page, at(second))
        .await
        .unwrap();
}

async fn ids(cache: &Cache, find: Find) -> Vec<String> {
    let found = cache.find("o", "contact", &find, 10).await.unwrap();
    found.into_iter().map(|copy| copy.id).collect()
}

async fn searched(cache: &Cache, words: &[&str]) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let similar = |word: &str, known: &str| {
        word.chars().count() == known.chars().count()
            && word
                .chars()
                .zip(known.chars())
                .filter(|(one, two)| one != two)
                .count()
                == 1
    };
    let found = cache.search("o", "contact", &words, 10, similar).await;
    found.unwrap().into_iter().map(|copy| copy.id).collect()
}

#[tokio::test]
async fn copies_are_found_by_their_keys() {
    let cache = Cache::memory().await.unwrap();
    let inactive = CachedRecord {
        is_inactive: true,
        ..copy("3", 9, &[("mail", "dana@x.example")], "")
    };
    let records = [
        copy("1", 1, &[("mail", "dana@x.example"), ("phone", "30")], ""),
        copy("2", 2, &[("mail", "dana@x.example"), ("phone", "31")], ""),
        inactive,
        copy("4", 4, &[("mail", "lee_%@y.example")], ""),
        copy("5", 5, &[("phone", "dana@x.example")], ""),
    ];
    load(&cache, &records, 10).await;
    let mail = |value| key("mail", value);
    let dana = || Find::Is(mail("dana@x.example"));
    assert_eq!(ids(&cache, dana()).await, ["2", "1", "3"]);
    assert_eq!(ids(&cache, Find::Ids(vec!["4".to_owned()])).await, ["4"]);
    assert_eq!(ids(&cache, Find::BeginsWith(mail("lee_%"))).await, ["4"]);
    assert_eq!(ids(&cache, Find::EndsWith(mail("@y.example"))).await, ["4"]);
    assert_eq!(ids(&cache, Find::Contains(mail("_%"))).await, ["4"]);
    assert_eq!(
        ids(&cache, Find::BeginsWith(mail("\u{10ffff}"))).await,
        Vec::<String>::new()
    );
    let phone = Find::Is(key("phone", "30"));
    assert_eq!(
        ids(&cache, Find::All(vec![dana(), phone.clone()])).await,
        ["1"]
    );
    let either = Find::Any(vec![
        phone,
        Find::All(vec![Find::Is(mail("lee_%@y.example"))]),
    ]);
    assert_eq!(ids(&cache, either).await, ["4", "1"]);
    for nothing in [
        Find::All(Vec::new()),
        Find::Any(Vec::new()),
        Find::Is(key("none", "30")),
    ] {
        assert_eq!(ids(&cache, nothing).await, Vec::<String>::new());
    }
    let other = cache.find("other", "contact", &dana(), 10).await.unwrap();
    assert_eq!(other, Vec::new());
    assert_eq!(
        cache.find("o", "contact", &dana(), 1).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn several_questions_are_asked_at_once_and_others_come_along() {
    let cache = Cache::memory().await.unwrap();
    let of = |id: &str, firm: &str| CachedRecord {
        body: format!("{{\"firm\":\"{firm}\"}}"),
        ..copy(id, 5, &[("mail", "dana@x.example")], "")
    };
    load(&cache, &[of("1", "F1"), of("2", "gone"), of("3", "f1")], 9).await;
    let firm = CachedRecord {
        entity: "account".to_owned(),
        ..copy("f1", 3, &[("mail", "dana@x.example")], "")
    };
    cache.keep("o", &[firm]).await.unwrap();
    let dana = Find::Is(key("mail", "dana@x.example"));
    let nobody = Find::Any(vec![Find::Is(key("mail", "")), Find::Is(key("none", ""))]);
    let ask = |entity, find, at_most| Ask {
        entity,
        find,
        at_most,
        along: (entity == "contact").then_some(Along {
            id_at: "$.firm",
            entity: "account",
        }),
    };
    let mut reading = cache.reading().await.unwrap();
    let asks = [
        ask("lead", &dana, 5),
        ask("contact", &dana, 2),
        ask("account", &dana, 5),
        ask("contact", &nobody, 5),
        ask("contact", &dana, 5),
    ];
    let found = reading.find_each("o", &asks).await.unwrap();
    let ids = |found: &[Found]| -> Vec<(String, Option<String>)> {
        let of = |found: &Found| {
            let along = found.along.as_ref();
            (found.record.id.clone(), along.map(|along| along.id.clone()))
        };
        found.iter().map(of).collect()
    };
    let with = |id: &str, along: Option<&str>| (id.to_owned(), along.map(str::to_owned));
    assert_eq!(ids(&found[0]), []);
    assert_eq!(ids(&found[1]), [with("1", Some("f1")), with("2", None)]);
    assert_eq!(ids(&found[2]), [with("f1", None)]);
    assert_eq!(ids(&found[3]), []);
    assert_eq!(found[4].len(), 3);
    let along = found[4][2].along.as_ref().unwrap();
    assert_eq!((along.entity.as_str(), along.read_at), ("account", at(3)));
    assert_eq!(
        found[4][2].record.read_at,
        at(9),
        "as old as its table's load"
    );
    assert_eq!(found[4][0].loaded.as_deref(), Some("all"));
    assert_eq!(found[2][0].loaded, None, "accounts were never loaded");
    assert_eq!(
        reading.find_each("o", &[]).await.unwrap(),
        Vec::<Vec<_>>::new()
    );
    drop(reading);
    cache.begin_load("o", "contact", "all", None).await.unwrap();
    let mut reading = cache.reading().await.unwrap();
    let found = reading.find_each("o", &asks[1..2]).await.unwrap();
    assert_eq!(found[0][0].loaded, None, "another load goes on");
}

#[tokio::test]
async fn a_copy_that_changes_is_found_by_what_it_is_now() {
    let cache = Cache::memory().await.unwrap();
    load(&cache, &[copy("1", 5, &[("mail", "old")], "old words")], 5).await;
    let newer = [copy("1", 7, &[("mail", "new")], "new words")];
    let older = [copy("1", 6, &[("mail", "late")], "late words")];
    for records in [&newer, &older] {
        let page = SyncPage {
            records,
            ..SyncPage::default()
        };
        cache
            .put_changes("o", "contact", &page, at(8))
            .await
            .unwrap();
    }
    assert_eq!(ids(&cache, Find::Is(key("mail", "new"))).await, ["1"]);
    assert_eq!(
        ids(&cache, Find::Is(key("mail", "old"))).await,
        Vec::<String>::new()
    );
    assert_eq!(
        ids(&cache, Find::Is(key("mail", "late"))).await,
        Vec::<String>::new()
    );
    assert_eq!(searched(&cache, &["new"]).await, ["1"]);
    for word in ["oldxx", "latexx"] {
        assert_eq!(searched(&cache, &[word]).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn words_are_found_by_their_beginnings_in_any_order_and_with_a_slip() {
    let cache = Cache::memory().await.unwrap();
    let records = [
        copy("1", 1, &[], "dana vermeer northwind"),
        copy("2", 2, &[], "danielle vermeulen contoso"),
        copy("3", 3, &[], "иванов ivanov"),
    ];
    load(&cache, &records, 10).await;
    assert_eq!(searched(&cache, &["dan"]).await, ["2", "1"]);
    assert_eq!(searched(&cache, &["north", "dana"]).await, ["1"]);
    assert_eq!(searched(&cache, &["ива"]).await, ["3"]);
    assert_eq!(searched(&cache, &["dana", "vermeet"]).await, ["1"]);
    assert_eq!(
        searched(&cache, &["dana", "contoso"]).await,
        Vec::<String>::new()
    );
    assert_eq!(searched(&cache, &[]).await, Vec::<String>::new());
    for hostile in [
        "\"",
        "\" OR \"dana",
        "danax*",
        "text:dana",
        "NEAR(",
        "^danax",
        "-danax",
        "\0",
    ] {
        let found = searched(&cache, &[hostile]).await;
        assert!(!found.contains(&"2".to_owned()), "{hostile:?}");
    }
}

#[tokio::test]
async fn a_load_goes_on_where_it_was_and_forgets_only_what_it_has_not_seen() {
    let cache = Cache::memory().await.unwrap();
    let records = [
        copy("1", 1, &[], "alpha"),
        copy("2", 1, &[], "beta"),
        copy("3", 1, &[], "gamma"),
    ];
    load(&cache, &records, 1).await;
    assert_eq!(cache.count_synchronised("o", "contact").await.unwrap(), 3);
    cache
        .begin_load("o", "contact", "again", Some(2))
        .await
        .unwrap();
    let page = SyncPage {
        records: &[copy("1", 5, &[], "alpha")],
        seen: 1,
        next: Some("n"),
        ..SyncPage::default()
    };
    cache.put_load("o", "contact", &page, at(5)).await.unwrap();
    let state = cache.synchronised("o", "contact").await.unwrap();
    assert!(state.is_loading);
    assert_eq!(
        (state.spec.as_str(), state.next.as_deref()),
        ("again", Some("n"))
    );
    assert_eq!(
        (state.done, state.expected, state.delta),
        (1, Some(2), None)
    );
    assert_eq!(state.synced_at, Some(at(1)));
    assert_eq!(cache.count_synchronised("o", "contact").await.unwrap(), 3);
    let page = SyncPage {
        records: &[copy("3", 6, &[], "gamma")],
        seen: 1,
        delta: Some("d2"),
        ..SyncPage::default()
    };
    cache.put_load("o", "contact", &page, at(6)).await.unwrap();
    let state = cache.synchronised("o", "contact").await.unwrap();
    assert!(!state.is_loading);
    assert_eq!(
        (state.next, state.delta.as_deref(), state.done),
        (None, Some("d2"), 2)
    );
    assert_eq!(state.synced_at, Some(at(6)));
    assert_eq!(cache.count_synchronised("o", "contact").await.unwrap(), 2);
    assert!(cache.record("o", "contact", "2").await.unwrap().is_none());
    assert_eq!(searched(&cache, &["beta"]).await, Vec::<String>::new());
}

#[tokio::test]
async fn changes_remove_what_is_gone_and_make_the_rest_as_old_as_they_are() {
    let cache = Cache::memory().await.unwrap();
    load(
        &cache,
        &[
            copy("1", 1, &[], ""),
            copy("2", 1, &[], ""),
            copy("3", 1, &[], ""),
        ],
        1,
    )
    .await;
    let page = SyncPage {
        gone: &["1".to_owned(), "unknown".to_owned()],
        unwanted: &["2".to_owned()],
        delta: Some("d2"),
        ..SyncPage::default()
    };
    cache
        .put_changes("o", "contact", &page, at(60))
        .await
        .unwrap();
    let left = cache.record("o", "contact", "3").await.unwrap().unwrap();
    assert_eq!(left.read_at, at(60));
    for id in ["1", "2"] {
        assert!(cache.record("o", "contact", id).await.unwrap().is_none());
    }
    assert_eq!(
        cache
            .synchronised("o", "contact")
            .await
            .unwrap()
            .delta
            .as_deref(),
        Some("d2")
    );
}

#[tokio::test]
async fn another_user_or_organization_finds_nothing() {
    let cache = Cache::memory().await.unwrap();
    load(&cache, &[copy("1", 1, &[("mail", "a")], "a")], 1).await;
    cache.belongs_to("o", "dana").await.unwrap();
    cache.belongs_to("o", "dana").await.unwrap();
    assert_eq!(ids(&cache, Find::Is(key("mail", "a"))).await, ["1"]);
    cache.belongs_to("o", "lee").await.unwrap();
    assert_eq!(
        ids(&cache, Find::Is(key("mail", "a"))).await,
        Vec::<String>::new()
    );
    assert_eq!(searched(&cache, &["a"]).await, Vec::<String>::new());
    load(&cache, &[copy("1", 1, &[("mail", "a")], "a")], 1).await;
    cache.belongs_to("other", "lee").await.unwrap();
    assert!(cache.record("o", "contact", "1").await.unwrap().is_none());
}

#[tokio::test]
async fn missing_copies_are_named() {
    let cache = Cache::memory().await.unwrap();
    let records = [
        copy("1", 1, &[("parent", "a")], ""),
        copy("2", 1, &[("parent", "b")], ""),
        copy("3", 1, &[("parent", "b"), ("other", "c")], ""),
    ];
    load(&cache, &records, 1).await;
    let account = [CachedRecord {
        entity: "account".to_owned(),
        ..copy("a", 1, &[], "")
    }];
    let page = SyncPage {
        records: &account,
        ..SyncPage::default()
    };
    cache
        .put_changes("o", "account", &page, at(1))
        .await
        .unwrap();
    assert_eq!(
        cache
            .missing("o", "contact", "parent", "account", 10)
            .await
            .unwrap(),
        ["b"]
    );
}
