//! Pages, numbers, conditional reads and changes against the recorded shapes of the Web API.

use crate::common::*;
use dataverse::{ChangePage, DeltaLink, Filter, Key, NextLink, Query, Result, Retrieved};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{header, headers, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ID: Uuid = Uuid::from_u128(0x60c4_0000_0000_0000_0000_0000_0000_0001);

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// Pages 1 to `pages`, each of one row with its number.
async fn paged(pages: u32) -> MockServer {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    for page in 1..=pages {
        let mut body = json!({"value": [{"fullname": page.to_string()}]});
        if page < pages {
            let link = format!("{}{API}contacts?$skiptoken={}", server.uri(), page + 1);
            body["@odata.nextLink"] = link.into();
        }
        let mock = Mock::given(method("GET")).and(path(format!("{API}contacts")));
        let mock = if page == 1 {
            mock.and(query_param_is_missing("$skiptoken"))
        } else {
            mock.and(query_param("$skiptoken", page.to_string()))
        };
        mock.respond_with(ok(body)).mount(&server).await;
    }
    server
}

#[tokio::test]
async fn pages_come_one_after_the_other_when_they_are_asked_for() {
    let server = paged(4).await;
    let client = client(&server);
    let query = Query::new("contacts").page_size(1);
    let pages: Vec<_> = client.pages(&query).try_collect().await.unwrap();
    let names: Vec<_> = pages
        .iter()
        .map(|page| page.rows[0].text("fullname").unwrap())
        .collect();
    assert_eq!(names, ["1", "2", "3", "4"]);
    assert_eq!(count(&server, "/contacts").await, 4);

    let mut some = Box::pin(client.pages(&query));
    some.next().await.unwrap().unwrap();
    drop(some);
    assert_eq!(count(&server, "/contacts").await, 5, "the rest is not read");
}

#[tokio::test]
async fn a_page_that_names_itself_ends_the_stream() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let link = format!("{}{API}contacts?$skiptoken=2", server.uri());
    answer(
        &server,
        "GET",
        "contacts",
        ok(json!({"value": [], "@odata.nextLink": link})),
    )
    .await;
    let outcomes: Vec<Result<_>> = client(&server)
        .pages(&Query::new("contacts"))
        .collect()
        .await;
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[1].as_ref().unwrap_err().code(), "invalid_answer");
}

#[tokio::test]
async fn rows_are_counted() {
    let marked = ResponseTemplate::new(200).set_body_raw("\u{feff}5000", "text/plain");
    let server = organization("contacts/$count", marked).await;
    let client = client(&server);
    let query = Query::new("contacts").filter(Filter::equals("statecode", 0));
    assert_eq!(client.count(&query).await.unwrap(), 5000);
    assert_eq!(
        last(&server).await.url.query(),
        Some("$filter=statecode%20eq%200")
    );
    let error = client.count(&query.top(1)).await.unwrap_err();
    assert_eq!(error.code(), "invalid_query");
    for body in ["", "many", "-1", "{\"value\":1}"] {
        let template = ResponseTemplate::new(200).set_body_raw(body, "text/plain");
        let server = organization("contacts/$count", template).await;
        let error = crate::common::client(&server)
            .count(&Query::new("contacts"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "not_dataverse", "{body}");
    }
}

#[tokio::test]
async fn a_record_that_has_not_changed_is_not_read_again() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let resource = format!("{API}contacts({ID})");
    Mock::given(path(resource.clone()))
        .and(header("if-none-match", "W/\"1\""))
        .respond_with(ResponseTemplate::new(304))
        .mount(&server)
        .await;
    Mock::given(path(resource))
        .respond_with(ok(json!({"@odata.etag": "W/\"2\"", "fullname": "Ada"})))
        .with_priority(9)
        .mount(&server)
        .await;
    let client = client(&server);
    let query = Query::new("contacts").select(["fullname"]);
    let same = client
        .retrieve_if_changed("contacts", ID, &query, "W/\"1\"")
        .await;
    assert_eq!(same.unwrap(), Retrieved::NotModified);
    let other = client
        .retrieve_if_changed("contacts", ID, &query, "W/\"0\"")
        .await;
    let Retrieved::Row(row) = other.unwrap() else {
        panic!("not modified");
    };
    assert_eq!(row.etag(), Some("W/\"2\""));
    let error = client
        .retrieve_if_changed("contacts", ID, &query.formatted_values(true), "W/\"1\"")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_query");
}

#[tokio::test]
async fn a_record_is_read_by_an_alternate_key() {
    let server = organization(
        "accounts(accountnumber='A%20100%2F%25')",
        ok(json!({"name": "Analytical"})),
    )
    .await;
    let key = Key::alternate("accountnumber", "A 100/%");
    let row = client(&server)
        .retrieve("accounts", key, &Query::new("accounts"))
        .await
        .unwrap();
    assert_eq!(row.text("name"), Some("Analytical"));
}

fn accounts() -> Query {
    Query::new("accounts").select(["name"])
}

async fn all(
    stream: impl futures_util::Stream<Item = Result<ChangePage>>,
) -> Vec<Result<ChangePage>> {
    stream.collect().await
}

#[tokio::test]
async fn a_table_is_loaded_and_then_only_its_changes() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let root = format!("{}{API}accounts?$select=name", server.uri());
    let row = |name: &str| json!({"@odata.etag": "W/\"1\"", "name": name, "accountid": ID});
    let gone = json!({
        "@odata.context": format!("{}{API}$metadata#accounts/$deletedEntity", server.uri()),
        "id": "2e450000-0000-0000-0000-000000000001", "reason": "deleted",
    });
    let token = "919042%2108%2f22%2f2017%2008%3a10%3a44";
    for (parameter, value, body) in [
        (
            "$skiptoken",
            "2",
            json!({"value": [row("B")], "@odata.deltaLink": format!("{root}&$deltatoken={token}")}),
        ),
        (
            "$deltatoken",
            "919042!08/22/2017 08:10:44",
            json!({"value": [row("A2"), gone], "@odata.deltaLink": format!("{root}&$deltatoken=2")}),
        ),
        (
            "$deltatoken",
            "2",
            json!({"value": [], "@odata.deltaLink": format!("{root}&$deltatoken=3")}),
        ),
    ] {
        Mock::given(path(format!("{API}accounts")))
            .and(query_param(parameter, value))
            .respond_with(ok(body))
            .mount(&server)
            .await;
    }
    Mock::given(path(format!("{API}accounts")))
        .and(headers(
            "prefer",
            vec!["odata.track-changes", "odata.maxpagesize=1"],
        ))
        .respond_with(ok(
            json!({"value": [row("A")], "@odata.nextLink": format!("{root}&$skiptoken=2")}),
        ))
        .with_priority(9)
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    let pages: Vec<_> = client
        .load_tracked(&accounts().page_size(1))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        (pages.len(), pages[0].changed.len(), pages[1].changed.len()),
        (2, 1, 1)
    );
    assert!(pages[0].delta.is_none());

    // A load that was interrupted goes on behind the last page that was kept.
    let kept = pages[0].next.as_ref().unwrap().to_text();
    let next = NextLink::from_text(&kept).unwrap();
    let rest: Vec<_> = client.resume_tracked(&next).try_collect().await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].changed, pages[1].changed);
    assert_eq!(rest[0].delta, pages[1].delta);
    assert!(pages[1].next.is_none());
    assert!(NextLink::from_text("{}").is_none());

    // Kept as text between two runs of the program.
    let kept = pages[1].delta.as_ref().unwrap().to_text();
    let link = DeltaLink::from_text(&kept).unwrap();
    assert_eq!(link.entity_set(), "accounts");
    let pages: Vec<_> = client.changes(&link).try_collect().await.unwrap();
    assert_eq!(pages[0].changed[0].text("name"), Some("A2"));
    assert_eq!(
        (
            pages[0].deleted[0].id.to_string().as_str(),
            pages[0].deleted[0].reason.as_deref()
        ),
        ("2e450000-0000-0000-0000-000000000001", Some("deleted"))
    );
    let request = last(&server).await;
    assert!(
        request.url.query().unwrap().ends_with(token),
        "followed verbatim"
    );
    assert!(request.headers.get("prefer").is_none());
    let link = pages[0].delta.clone().unwrap();
    let pages: Vec<_> = client.changes(&link).try_collect().await.unwrap();
    assert!(pages[0].changed.is_empty() && pages[0].deleted.is_empty() && pages[0].delta.is_some());
}

#[tokio::test]
async fn a_delta_link_that_is_of_no_use_means_to_load_again() {
    let table = [
        (
            dataverse_error(
                400,
                "0x80044352",
                "Version stamp associated with the client has expired.",
            ),
            "delta_expired",
        ),
        (dataverse_error(410, "", "Gone"), "delta_expired"),
        (dataverse_error(400, "0x80060888", "x"), "delta_expired"),
        (dataverse_error(403, "0x80040220", "x"), "missing_privilege"),
        (
            ResponseTemplate::new(503).insert_header("Retry-After", "600"),
            "organization_unavailable",
        ),
    ];
    for (template, code) in table {
        let server = organization("accounts", template).await;
        let text = json!({"entitySet": "accounts", "link": format!("{}{API}accounts?$deltatoken=1", server.uri())});
        let link = DeltaLink::from_text(&text.to_string()).unwrap();
        let outcomes = all(client(&server).changes(&link)).await;
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].as_ref().unwrap_err().code(), code);
    }
    // Kept from another organization: not followed.
    let server = MockServer::start().await;
    let link =
        DeltaLink::from_text(r#"{"entitySet":"accounts","link":"https://elsewhere.example/x"}"#)
            .unwrap();
    let outcomes = all(client(&server).changes(&link)).await;
    assert_eq!(outcomes[0].as_ref().unwrap_err().code(), "delta_expired");
    assert!(server.received_requests().await.unwrap().is_empty());
    for text in ["", "{}", "[]", r#"{"entitySet":1,"link":2}"#] {
        assert!(DeltaLink::from_text(text).is_none());
    }
}

#[tokio::test]
async fn a_first_load_takes_columns_only_and_a_table_that_tracks() {
    let server = organization(
        "accounts",
        dataverse_error(
            400,
            "0x80072491",
            "Entity account isn't enabled for change tracking.",
        ),
    )
    .await;
    let client = client(&server);
    let outcomes = all(client.load_tracked(&accounts())).await;
    assert_eq!(
        outcomes[0].as_ref().unwrap_err().code(),
        "no_change_tracking"
    );
    for query in [
        accounts().filter(Filter::equals("name", "A")),
        accounts().top(1),
        accounts().order_by("name", dataverse::Ascending),
    ] {
        let outcomes = all(client.load_tracked(&query)).await;
        assert_eq!(outcomes[0].as_ref().unwrap_err().code(), "invalid_query");
    }
}
