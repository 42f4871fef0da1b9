//! Links as agents make them and take them back.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::Timestamp;
use store::{Link, LinkOf, NewLine, Store};
use uuid::Uuid;

const DANA: &str = "email:dana@example.com";

fn of<'a>(identity: Option<&'a str>, chat: Option<&'a str>) -> LinkOf<'a> {
    LinkOf {
        organization: "one",
        identity,
        chat,
    }
}

fn link(table: &str, record: u128) -> Link {
    Link {
        table: table.to_owned(),
        record: Uuid::from_u128(record),
        name: format!("Record {record}"),
        by: "Robin".to_owned(),
        at: Timestamp::from_second(5).unwrap(),
    }
}

#[tokio::test]
async fn a_visitor_is_known_again_by_identity_and_a_chat_by_itself() {
    let store = Store::memory().await.unwrap();
    let contact = link("contact", 1);
    store
        .put_link(of(Some(DANA), Some("chat 1")), &contact, &[])
        .await
        .unwrap();
    let known = [
        of(Some(DANA), Some("chat 2")),
        of(Some(DANA), None),
        // The chat goes on under another address.
        of(Some("email:typo@example.com"), Some("chat 1")),
        of(None, Some("chat 1")),
    ];
    for of in known {
        assert_eq!(
            store.links(of).await.unwrap(),
            std::slice::from_ref(&contact)
        );
    }
    let elsewhere = LinkOf {
        organization: "two",
        ..of(Some(DANA), Some("chat 1"))
    };
    for of in [elsewhere, of(None, None), of(None, Some("chat 2"))] {
        assert_eq!(store.links(of).await.unwrap(), [], "{of:?}");
    }
    let nobody = store.put_link(of(None, None), &contact, &[]).await;
    assert_eq!(nobody.unwrap_err().code(), "store_damaged");
}

#[tokio::test]
async fn the_last_link_of_a_table_replaces_the_one_before() {
    let store = Store::memory().await.unwrap();
    let someone = of(Some(DANA), Some("chat 1"));
    for link in [link("contact", 1), link("lead", 2), link("contact", 3)] {
        store.put_link(someone, &link, &[]).await.unwrap();
    }
    assert_eq!(
        store.links(someone).await.unwrap(),
        [link("contact", 3), link("lead", 2)]
    );
    // What was said in a chat about somebody unknown comes before what is known of the address they give later.
    store
        .put_link(of(None, Some("chat 2")), &link("contact", 4), &[])
        .await
        .unwrap();
    assert_eq!(
        store.links(of(Some(DANA), Some("chat 2"))).await.unwrap(),
        [link("contact", 4), link("lead", 2)]
    );
}

#[tokio::test]
async fn a_link_is_taken_back_with_a_line_and_forgotten_without_one() {
    let store = Store::memory().await.unwrap();
    let someone = of(Some(DANA), Some("chat 1"));
    let line = |what: &str| NewLine {
        organization: "one".to_owned(),
        what: what.to_owned(),
        ..NewLine::default()
    };
    store
        .put_link(someone, &link("contact", 1), &[line("linked")])
        .await
        .unwrap();
    let next_time = of(Some(DANA), Some("chat 2"));
    let remove = async |table| {
        let lines = [line("unlinked")];
        store.remove_link(next_time, table, &lines).await.unwrap()
    };
    assert!(!remove("lead").await);
    assert!(remove("contact").await);
    assert!(!remove("contact").await);
    assert_eq!(store.links(someone).await.unwrap(), []);
    let lines = store
        .activity("one", &store::LineFilter::default())
        .await
        .unwrap();
    let told: Vec<&str> = lines.iter().map(|line| line.line.what.as_str()).collect();
    assert_eq!(told, ["unlinked", "linked"]);

    let everything = [
        (of(Some(DANA), Some("chat 1")), link("contact", 1)),
        (of(Some("phone:+1"), None), link("contact", 2)),
        (of(None, Some("chat 3")), link("lead", 3)),
        (of(Some("email:lee@example.com"), None), link("contact", 4)),
    ];
    for (of, link) in &everything {
        store.put_link(*of, link, &[]).await.unwrap();
    }
    let about = store
        .links_about(
            &[Uuid::from_u128(2)],
            &[DANA.to_owned()],
            &["chat 3".to_owned()],
        )
        .await
        .unwrap();
    assert_eq!(about.len(), 3);
    store.erase(&[], &[], &about, &[]).await.unwrap();
    for (of, link) in &everything[..3] {
        assert_eq!(store.links(*of).await.unwrap(), [], "{link:?}");
    }
    assert_eq!(
        store.links(everything[3].0).await.unwrap(),
        [link("contact", 4)]
    );
}
