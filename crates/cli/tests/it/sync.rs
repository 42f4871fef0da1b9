//! `companion sync`: the copies on this computer, also when the program is killed at any moment of their load.
//!
//! `COMPANION_SYNC_KILLS` sets how often it is killed, `COMPANION_SYNC_CONTACTS` how much there is to load,
//! `COMPANION_SYNC_SEED` the seed; a failure prints it.

use std::time::Duration;

use backend::files::CacheKey;
use backend::{Files, StoreKey};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use sandbox::Sandbox;
use serde_json::Value;

use crate::program::{Program, admin, organization};

/// A companion that keeps every contact.
fn keeping_all(organization: &Sandbox) -> Program {
    Program::cloud_settings(organization.description(), |settings| {
        settings.offline.contact.changed_within_days = Some(0);
    })
}

fn table<'a>(document: &'a Value, name: &str) -> &'a Value {
    let tables = document["tables"].as_array().unwrap();
    tables.iter().find(|table| table["table"] == name).unwrap()
}

async fn requests(organization: &Sandbox) -> Vec<Value> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("{}/requests", organization.description().admin_url);
    let answer = reqwest::Client::new().get(address).send().await.unwrap();
    answer.json::<Vec<Value>>().await.unwrap()
}

/// How many pages of a table were read, changes not counted.
fn pages(requests: &[Value], set: &str) -> usize {
    let is_page = |request: &&Value| {
        request["method"] == "GET"
            && request["path"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/{set}"))
            && !request["query"].as_str().unwrap().contains("deltatoken")
    };
    requests.iter().filter(is_page).count()
}

#[tokio::test]
async fn it_tells_how_far_it_is_and_what_came_of_it() {
    let organization = organization().await;
    let program = keeping_all(&organization);
    let estimate = program
        .call(&["--json", "sync", "--estimate"])
        .await
        .success();
    let rows = table(&estimate, "contact")["rows"].as_u64().unwrap();
    assert!(rows >= 60, "{estimate}");
    assert_eq!(table(&estimate, "contact")["copies"], rows);
    let open = table(&estimate, "incident")["copies"].as_u64().unwrap();
    assert!(open < table(&estimate, "incident")["rows"].as_u64().unwrap());

    let outcome = program.call(&["--json", "sync"]).await;
    let document = outcome.success();
    for (name, copies) in [("contact", rows), ("case", open)] {
        let shown = table(&document, name);
        assert_eq!(shown["state"], "fresh", "{document}");
        assert_eq!(shown["copies"], copies, "{document}");
        assert!(shown["synced_at"].is_string(), "{document}");
    }
    // How far it is is told as often as somebody listens.
    let mut progress = outcome.stderr.lines();
    let of_all = format!(" of {rows}");
    assert!(
        progress.any(|line| line.starts_with("contact: ") && line.ends_with(&of_all)),
        "{outcome:?}"
    );

    // The second time only what has changed is read.
    admin(&organization, Method::DELETE, "/requests", None).await;
    program.call(&["sync"]).await;
    assert_eq!(pages(&requests(&organization).await, "contacts"), 0);

    let off = Program::cloud_settings(organization.description(), |settings| {
        settings.offline.enabled = false;
    });
    off.call(&["--json", "sync"]).await.failure("offline_off");
    organization.stop().await;
    program
        .call(&["--json", "sync"])
        .await
        .failure("host_unreachable");
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// The copies of contacts that lie in the program's folder, and how many rows of the table were seen, after a look whether
/// everything in the file hangs together.
async fn checked(program: &Program, organization: &Sandbox) -> (u64, u64) {
    let files = Files::Folder {
        folder: program.folder.path().join("data"),
        key: StoreKey::parse(&"5a".repeat(32)).unwrap(),
        cache_key: CacheKey::OfStore,
        notice: None,
    };
    let (cache, problem) = files.cache().await.unwrap();
    assert_eq!(problem, None);
    cache.check().await.unwrap();
    let root = format!("{}/", organization.description().organization_url);
    let state = cache.synchronised(&root, "contact").await.unwrap();
    let copies = cache.count_synchronised(&root, "contact").await.unwrap();
    cache.close().await;
    (copies, state.done)
}

/// However often it is killed, the copies are sound, and what was kept of the load is not read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_killed_goes_on_where_it_was() {
    let kills = number("COMPANION_SYNC_KILLS", 4);
    let seed = number("COMPANION_SYNC_SEED", 1);
    println!("seed {seed}, {kills} kills");
    let mut random = StdRng::seed_from_u64(seed);
    let organization = Sandbox::start(sandbox::Options {
        contacts: usize::try_from(number("COMPANION_SYNC_CONTACTS", 1_200)).unwrap(),
        ..sandbox::Options::default()
    })
    .await
    .unwrap();
    let whole = keeping_all(&organization);
    let expected = whole.call(&["--json", "sync"]).await.success();
    let all = pages(&requests(&organization).await, "contacts");
    assert!(all >= 2, "{all} pages");

    let (mut killed, mut loads, mut read_again) = (0, 0, 0);
    while killed < kills {
        loads += 1;
        let program = keeping_all(&organization);
        admin(&organization, Method::DELETE, "/requests", None).await;
        let (mut interrupted, mut seen) = (0, 0);
        for _ in 0..random.random_range(1..4) {
            let after = Duration::from_millis(random.random_range(20..4000));
            interrupted += usize::from(program.call_and_kill(&["--json", "sync"], after).await);
            let (copies, done) = checked(&program, &organization).await;
            assert_eq!(
                copies, done,
                "seed {seed}, kill {killed}: each page is kept whole or not at all"
            );
            assert!(
                done >= seen,
                "seed {seed}, kill {killed}: {seen} rows were kept, {done} are"
            );
            seen = done;
        }
        let document = program.call(&["--json", "sync"]).await.success();
        for name in ["contact", "account", "lead", "case"] {
            assert_eq!(
                table(&document, name)["copies"],
                table(&expected, name)["copies"],
                "seed {seed}, kill {killed}: {name}"
            );
        }
        // Of each interruption at most two pages are read again: the one that was being kept, and the one behind it.
        let read = pages(&requests(&organization).await, "contacts");
        assert!(
            (all..=all + 2 * interrupted).contains(&read),
            "seed {seed}, kill {killed}: {read} pages of {all} with {interrupted} interruptions"
        );
        read_again += read - all;
        killed += u64::try_from(interrupted).unwrap();
    }
    println!("{killed} kills in {loads} loads of {all} pages; {read_again} pages were read again");
    organization.stop().await;
}
