//! `?sql=` over HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use reqwest::Method;
use serde_json::{Value, json};

async fn rows(org: &Org, set: &str, sql: &str) -> Vec<Value> {
    let body = ok(org.get(set).query(&[("sql", sql)])).await;
    body["value"].as_array().unwrap().clone()
}

async fn texts(org: &Org, set: &str, sql: &str, column: &str) -> Vec<String> {
    let rows = rows(org, set, sql).await;
    rows.iter()
        .map(|row| row[column].as_str().unwrap().to_owned())
        .collect()
}

async fn company(org: &Org) -> String {
    let account = org
        .create("accounts", json!({"name": "O'Neil 100%", "revenue": 12.5}))
        .await;
    org.create("accounts", json!({"name": "Alone", "revenue": 2}))
        .await;
    for (number, title) in [(1, Some("Buyer")), (2, None), (3, Some("Seller"))] {
        let body = json!({
            "lastname": format!("Sql {number}"),
            "jobtitle": title,
            "numberofchildren": number,
            "parentcustomerid_account@odata.bind": format!("/accounts({account})"),
        });
        org.create("contacts", body).await;
    }
    account
}

#[tokio::test]
async fn conditions_order_and_top() {
    let org = Org::empty().await;
    let account = company(&org).await;
    for (sql, expected) in [
        (
            "WHERE lastname LIKE 'sql%' ORDER BY lastname DESC",
            vec![3, 2, 1],
        ),
        ("WHERE jobtitle IS NULL AND lastname LIKE 'Sql%'", vec![2]),
        (
            "WHERE jobtitle IS NOT NULL ORDER BY numberofchildren",
            vec![1, 3],
        ),
        (
            "WHERE numberofchildren IN (1, 3) ORDER BY lastname",
            vec![1, 3],
        ),
        ("WHERE numberofchildren NOT IN (1, 3)", vec![2]),
        (
            "WHERE numberofchildren BETWEEN 2 AND 9 ORDER BY lastname",
            vec![2, 3],
        ),
        ("WHERE numberofchildren NOT BETWEEN 2 AND 9", vec![1]),
        (
            "WHERE (jobtitle = 'buyer' OR jobtitle = 'seller') AND numberofchildren > 1",
            vec![3],
        ),
        ("WHERE jobtitle <> 'Buyer'", vec![3]),
        ("WHERE 2 < numberofchildren", vec![3]),
        ("WHERE createdon = modifiedon ORDER BY 2 DESC", vec![]),
        ("WHERE lastname NOT LIKE '%2' ORDER BY lastname", vec![1, 3]),
        (
            "WHERE createdon > '2020-01-01' ORDER BY lastname",
            vec![1, 2, 3],
        ),
        (
            "ORDER BY lastname OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY",
            vec![2],
        ),
    ] {
        let statement = format!("SELECT lastname FROM contact {sql}");
        if sql.contains("ORDER BY 2") {
            let refused = org.get("contacts").query(&[("sql", &statement)]);
            assert_eq!(failure(refused).await.0, 400);
            continue;
        }
        let expected: Vec<String> = expected.iter().map(|n| format!("Sql {n}")).collect();
        assert_eq!(
            texts(&org, "contacts", &statement, "lastname").await,
            expected,
            "{sql}"
        );
    }
    let top = format!(
        "SELECT TOP 1 c.lastname AS who, c.parentcustomerid FROM contact AS c WHERE c.parentcustomerid = '{account}' ORDER BY who DESC"
    );
    let rows = rows(&org, "contacts", &top).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["who"], "Sql 3");
    assert_eq!(rows[0]["_parentcustomerid_value"], account.as_str());
    let quoted = "SELECT name FROM account WHERE name = 'O''Neil 100%'";
    assert_eq!(
        texts(&org, "accounts", quoted, "name").await,
        ["O'Neil 100%"]
    );
}

#[tokio::test]
async fn joins_and_groups() {
    let org = Org::empty().await;
    company(&org).await;
    let inner = "SELECT c.lastname, a.name FROM contact c INNER JOIN account a ON a.accountid = c.parentcustomerid WHERE a.revenue > 10 ORDER BY c.lastname";
    let found = rows(&org, "contacts", inner).await;
    assert_eq!(found.len(), 3);
    assert_eq!(
        (&found[0]["lastname"], &found[0]["name"]),
        (&json!("Sql 1"), &json!("O'Neil 100%"))
    );
    let outer = "SELECT a.name, c.lastname FROM account a LEFT JOIN contact c ON c.parentcustomerid = a.accountid AND c.numberofchildren = 2 ORDER BY a.name";
    let found = rows(&org, "accounts", outer).await;
    assert_eq!(found.len(), 2);
    assert!(found[0].get("lastname").is_none());
    assert_eq!(found[1]["lastname"], "Sql 2");
    let grouped = "SELECT a.name, COUNT(*) AS n, SUM(c.numberofchildren) AS s, MIN(c.numberofchildren) AS low, MAX(c.numberofchildren) AS high, COUNT(c.jobtitle) AS titles, COUNT(DISTINCT c.parentcustomerid) AS parents FROM account a JOIN contact c ON a.accountid = c.parentcustomerid GROUP BY a.name ORDER BY COUNT(*) DESC";
    let found = rows(&org, "accounts", grouped).await;
    assert_eq!(
        found,
        [
            json!({"name": "O'Neil 100%", "n": 3, "s": 6, "low": 1, "high": 3, "titles": 2, "parents": 1})
        ]
    );
    let all = rows(&org, "accounts", "SELECT COUNT(*) FROM account").await;
    assert_eq!(all, [json!({"count": 2})]);
    let distinct =
        "SELECT DISTINCT a.name FROM account a JOIN contact c ON a.accountid = c.parentcustomerid";
    assert_eq!(rows(&org, "accounts", distinct).await.len(), 1);
    // Over a link of a link.
    let far = "SELECT c.lastname, u.fullname FROM contact c JOIN account a ON a.accountid = c.parentcustomerid JOIN systemuser u ON u.systemuserid = a.ownerid WHERE u.systemuserid IS NOT NULL";
    assert_eq!(rows(&org, "contacts", far).await.len(), 3);
}

#[tokio::test]
async fn long_answers_have_next_links() {
    let org = Org::empty().await;
    let rows: Vec<Value> = (0..5003)
        .map(|n| json!({"@odata.type": "Microsoft.Dynamics.CRM.account", "name": format!("Page {n:04}")}))
        .collect();
    for part in rows.chunks(1000) {
        let many = org.post(
            "accounts/Microsoft.Dynamics.CRM.CreateMultiple",
            json!({"Targets": part}),
        );
        ok(many).await;
    }
    let sql = "SELECT name FROM account ORDER BY name";
    let first = ok(org.get("accounts").query(&[("sql", sql)])).await;
    assert_eq!(first["value"].as_array().unwrap().len(), 5000);
    let next = first["@odata.nextLink"].as_str().unwrap();
    let second = ok(org.client.get(next).bearer_auth(&org.token)).await;
    let names: Vec<&str> = second["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Page 5000", "Page 5001", "Page 5002"]);
    assert!(second.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let org = Org::empty().await;
    for (sql, code) in [
        ("SELECT nosuchcolumn FROM account", "0x80041103"),
        ("SELECT name FROM nosuchtable", "0x80060888"),
        ("SELECT lastname FROM contact", "0x80060888"),
        ("SELECT name FROM account; DROP TABLE account", "0x80060888"),
        ("DELETE FROM account", "0x80060888"),
        ("SELECT * FROM account", "0x80060888"),
        (
            "SELECT a.name FROM account a JOIN nosuchtable n ON n.x = a.accountid",
            "0x80041102",
        ),
        (
            "SELECT name FROM account WHERE revenue = 'much'",
            "0x80040203",
        ),
        ("SELECT SUM(name) AS s FROM account", "0x80040203"),
        (
            "SELECT name FROM account WHERE accountid IN (SELECT 1)",
            "0x80060888",
        ),
        ("SELECT", "0x80060888"),
    ] {
        let (status, found, message) = failure(org.get("accounts").query(&[("sql", sql)])).await;
        assert_eq!((status, found.as_str()), (400, code), "{sql}: {message}");
    }
    let both = org
        .get("accounts?$top=1")
        .query(&[("sql", "SELECT name FROM account")]);
    assert_eq!(failure(both).await.0, 400);

    // Every table that is read needs the privilege to read it.
    let org = Org::demo().await;
    org.admin(
        Method::PATCH,
        "/users",
        json!({"user": "application", "remove": ["prvReadAccount"]}),
    )
    .await;
    let joined =
        "SELECT c.lastname FROM contact c JOIN account a ON a.accountid = c.parentcustomerid";
    let (status, code, _) = failure(org.get("contacts").query(&[("sql", joined)])).await;
    assert_eq!((status, code.as_str()), (403, "0x80040220"));
}
