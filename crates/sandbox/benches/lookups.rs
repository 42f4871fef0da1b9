//! How long a look-up by e-mail address takes through the practice organization, over HTTP, as an OData filter and as
//! FetchXML, beside a bare prepared point query on the same file in the same run.
//!
//! `cargo bench -p sandbox` asks organizations of 1,000 and of 1,000,000 contacts; `cargo bench -p sandbox -- 1000 50000`
//! others. A measuring loop of its own: what matters is the ratio of three things measured in turn, on one file.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it finds and ends where it cannot go on"
)]

use std::time::{Duration, Instant};

use sandbox::{Options, Sandbox};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};

#[path = "../src/text.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "only the organization's collation is needed, by which its indexes are sorted"
)]
mod text;

/// People who are looked up, each in each way.
const LOOKED_UP: usize = 400;

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Cargo adds `--bench`.
    let mut sizes: Vec<usize> = std::env::args()
        .filter_map(|size| size.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes = vec![1000, 1_000_000];
    }
    println!("| contacts | filled in | look-up | median | 95 % below | times a bare point query |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for contacts in sizes {
        organization_of(contacts).await;
    }
}

async fn organization_of(contacts: usize) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("practice.db");
    let options = Options {
        contacts,
        data: Some(file.clone()),
        ..Options::default()
    };
    let start = Instant::now();
    let sandbox = Sandbox::start(options).await.unwrap();
    let filled = start.elapsed();

    let mut bare = SqliteConnectOptions::new()
        .filename(&file)
        .read_only(true)
        .collation(text::COLLATION, text::compare)
        .connect()
        .await
        .unwrap();
    let people = people(&mut bare, contacts).await;
    let web = Web::of(&sandbox).await;

    let mut times: [Vec<Duration>; 3] = Default::default();
    for (index, email) in people.iter().enumerate() {
        let start = Instant::now();
        let found = point_query(&mut bare, email).await;
        let queried = start.elapsed();
        let start = Instant::now();
        let by_filter = web.by_filter(email).await;
        let filtered = start.elapsed();
        let start = Instant::now();
        let by_fetch = web.by_fetch(email).await;
        let fetched = start.elapsed();
        assert!(found > 0, "{email}");
        assert_eq!((by_filter, by_fetch), (found, found), "{email}");
        // The first rounds open the connections and fill the caches.
        if index >= LOOKED_UP / 10 {
            for (times, time) in times.iter_mut().zip([queried, filtered, fetched]) {
                times.push(time);
            }
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    let base = times[0][times[0].len() / 2];
    let names = [
        "SQLite, prepared",
        "OData `emailaddress1 eq`",
        "FetchXML `eq`",
    ];
    for (name, times) in names.iter().zip(&times) {
        let median = times[times.len() / 2];
        println!(
            "| {contacts} | {:.1} s | {name} | {:.3} ms | {:.3} ms | {:.1} |",
            filled.as_secs_f64(),
            median.as_secs_f64() * 1000.0,
            times[times.len() * 95 / 100].as_secs_f64() * 1000.0,
            median.as_secs_f64() / base.as_secs_f64(),
        );
    }
    drop(bare);
    sandbox.stop().await;
}

/// Addresses from all over the table, of one person each.
async fn people(bare: &mut SqliteConnection, contacts: usize) -> Vec<String> {
    let step = i64::try_from((contacts / LOOKED_UP / 2).max(1)).unwrap();
    let rows = sqlx::query(
        "SELECT emailaddress1 FROM contact WHERE emailaddress1 IS NOT NULL AND emailaddress1 NOT LIKE 'info@%' \
         AND rowid % ? = 0 LIMIT ?",
    )
    .bind(step)
    .bind(i64::try_from(LOOKED_UP).unwrap())
    .fetch_all(bare)
    .await
    .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What a program would do that had the database to itself.
async fn point_query(bare: &mut SqliteConnection, email: &str) -> usize {
    let rows = sqlx::query(
        "SELECT contactid, fullname, emailaddress1 FROM contact WHERE emailaddress1 = ?",
    )
    .bind(email)
    .fetch_all(bare)
    .await
    .unwrap();
    rows.len()
}

struct Web {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Web {
    /// As the application user with the guide's role.
    async fn of(sandbox: &Sandbox) -> Web {
        let description = sandbox.description();
        let client = reqwest::Client::new();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &description.client_id),
            ("client_secret", &description.client_secret),
            (
                "scope",
                &format!("{}/.default", description.organization_url),
            ),
        ];
        let url = format!(
            "{}/{}/oauth2/v2.0/token",
            description.authority_url, description.tenant_id
        );
        let answer = client.post(url).form(&form).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        Web {
            client,
            base: format!("{}/api/data/v9.2/contacts", description.organization_url),
            token: body["access_token"].as_str().unwrap().to_owned(),
        }
    }

    async fn by_filter(&self, email: &str) -> usize {
        let filter = format!("emailaddress1 eq '{}'", email.replace('\'', "''"));
        self.found(&[
            ("$select", "contactid,fullname,emailaddress1"),
            ("$filter", &filter),
        ])
        .await
    }

    async fn by_fetch(&self, email: &str) -> usize {
        let fetch = format!(
            "<fetch><entity name='contact'><attribute name='fullname'/><attribute name='emailaddress1'/><filter>\
             <condition attribute='emailaddress1' operator='eq' value=\"{email}\"/></filter></entity></fetch>"
        );
        self.found(&[("fetchXml", &fetch)]).await
    }

    async fn found(&self, query: &[(&str, &str)]) -> usize {
        let request = self
            .client
            .get(&self.base)
            .query(query)
            .bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        body["value"].as_array().unwrap().len()
    }
}
