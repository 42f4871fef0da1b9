//! How fast a visitor is recognised from the copies, with more and more of them, next to one prepared query for one row of the
//! same file.
//!
//! `cargo bench -p backend` asks files of 1,000 to 1,000,000 contacts; `cargo bench -p backend -- 1000 50000` others. The files
//! are made in a temporary folder, or kept in the one that `COMPANION_BENCH_FILES` names and used again: a million contacts take
//! a quarter of an hour to fill in. A measuring loop of its own: what matters are the slowest of many different visitors, and
//! two things measured in turn.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its table, and one that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use backend::recognise::Rules;
use backend::secrets::Secrets;
use backend::settings::{ConnectionKind, ConnectionSettings};
use backend::{Settings, cached, connection, local};
use comm100::Conversation;
use dataverse::Client;
use hdrhistogram::Histogram;
use integration::{Record, Table, Value, copies};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use secrecy::SecretString;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use store::{Cache, Key, SyncPage};

const KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const SIZES: [u64; 4] = [1_000, 10_000, 200_000, 1_000_000];
/// How many visitors are asked about, after as many to warm up with.
const VISITORS: usize = 20_000;
const PAGE: u64 = 5_000;
/// How often each file is measured; the middle of what was found is told.
const ROUNDS: usize = 5;
/// The variable that names the folder in which the files are kept.
const FILES: &str = "COMPANION_BENCH_FILES";

fn rules() -> Rules {
    let settings = Settings::default();
    let mut identification = settings.identification;
    identification.default_country = Some("GB".to_owned());
    Rules {
        identification,
        fields: settings.fields,
        columns: integration::columns::Columns::default(),
    }
}

/// A client of an organization that is not there: only its address counts.
fn client() -> Client {
    let settings = ConnectionSettings {
        kind: ConnectionKind::Cloud,
        organization_url: Some("http://127.0.0.1:9".to_owned()),
        tenant_id: Some(uuid::Uuid::nil().to_string()),
        client_id: Some("c".to_owned()),
        authority_url: Some("http://127.0.0.1:9".to_owned()),
        ..ConnectionSettings::default()
    };
    let secrets = Secrets {
        client_secret: Some(SecretString::from("s")),
        ..Secrets::default()
    };
    connection::client(&settings, &secrets, Timestamp::UNIX_EPOCH).unwrap()
}

fn id(table: u128, number: u64) -> String {
    uuid::Uuid::from_u128((table << 120) | (u128::from(number) * 0x9e37_79b9_7f4a_7c15)).to_string()
}

fn email(number: u64) -> String {
    format!("person.{number}@company{}.example", number % 997)
}

fn phone(number: u64) -> String {
    let digits = 7_000_000_000 + number * 37 % 999_999_937;
    format!("+44 {} {:06}", digits / 1_000_000, digits % 1_000_000)
}

fn record(table: Table, number: u64, read_at: Timestamp) -> Record {
    let text = |column: &str, value: String| {
        let value = Value {
            raw: value.into(),
            formatted: None,
        };
        (column.to_owned(), value)
    };
    let modified = Timestamp::from_second(1_700_000_000 + i64::try_from(number).unwrap()).unwrap();
    let mut values = BTreeMap::from([
        text("emailaddress1", email(number)),
        text("telephone1", phone(number)),
        text("modifiedon", modified.to_string()),
        text("address1_city", "Rotterdam".to_owned()),
        text("ownerid", id(9, 1)),
        (
            "statecode".to_owned(),
            Value {
                raw: 0.into(),
                formatted: Some("Active".to_owned()),
            },
        ),
    ]);
    let of_table = match table {
        Table::Account => (1, text("name", format!("Company {number} Ltd"))),
        Table::Lead => (3, text("fullname", format!("Lead number {number}"))),
        Table::Contact | Table::Incident | Table::Task => {
            values.extend([
                text("jobtitle", "Head of Purchasing".to_owned()),
                text("parentcustomerid", id(1, number / 10)),
            ]);
            (
                2,
                text(
                    "fullname",
                    format!("Given{} Family{number}", number % 4_001),
                ),
            )
        }
    };
    values.extend([of_table.1]);
    Record {
        table,
        id: id(of_table.0, number),
        values,
        read_at,
        account: None,
    }
}

/// A file with so many contacts, a tenth as many accounts and a twentieth as many leads, as a synchronisation leaves it.
async fn file(rules: &Rules, root: &str, folder: &Path, contacts: u64) -> PathBuf {
    let whole = folder.join(format!("copies-{contacts}.sqlite"));
    if whole.exists() {
        return whole;
    }
    let path = folder.join(format!("copies-{contacts}.part"));
    let (cache, why) = Cache::open(&path, &Key::parse(KEY).unwrap()).await.unwrap();
    assert!(why.is_none(), "{why:?}");
    let read_at = Timestamp::from_second(1_790_000_000).unwrap();
    for (table, rows) in [
        (Table::Contact, contacts),
        (Table::Account, contacts / 10),
        (Table::Lead, contacts / 20),
    ] {
        let name = table.logical_name();
        cache
            .begin_load(root, name, "all;bench", Some(rows))
            .await
            .unwrap();
        for begin in (0..rows.max(1)).step_by(usize::try_from(PAGE).unwrap()) {
            let numbers: Vec<u64> = (begin..rows.min(begin + PAGE)).collect();
            let records: Vec<_> = numbers
                .iter()
                .map(|number| local::copy(rules, &record(table, *number, read_at)).unwrap())
                .collect();
            let page = SyncPage {
                records: &records,
                seen: u64::try_from(records.len()).unwrap(),
                next: (begin + PAGE < rows).then_some("next"),
                ..SyncPage::default()
            };
            cache.put_load(root, name, &page, read_at).await.unwrap();
        }
    }
    cache.close().await;
    std::fs::rename(&path, &whole).unwrap();
    whole
}

/// A visitor, and whether anybody knows them.
fn visitor(number: u64, random: &mut StdRng) -> (Conversation, bool) {
    let kind = random.random_range(0..10);
    let visitor = match kind {
        0..6 => json!({ "name": "Visitor", "email": email(number).to_uppercase() }),
        6..9 => json!({ "name": "Visitor", "phone": phone(number).replace("+44 ", "0") }),
        _ => {
            json!({ "name": "Visitor", "email": format!("nobody{number}@elsewhere.example"), "phone": "+1 206 555 0142" })
        }
    };
    (Conversation::from_visitor_value(visitor).unwrap(), kind < 9)
}

/// The bare query: one row by one key, prepared once, over one connection.
struct Bare {
    connection: SqliteConnection,
    name: i64,
}

impl Bare {
    async fn open(path: &Path, root: &str) -> Bare {
        let mut connection = SqliteConnectOptions::new()
            .pragma("key", format!("\"x'{KEY}'\""))
            .filename(path)
            .connect()
            .await
            .unwrap();
        let name = sqlx::query_scalar(
            "SELECT key_name.id FROM key_name JOIN part ON part.id = key_name.part
             WHERE organization = ? AND entity = 'contact' AND name = ?",
        )
        .bind(root)
        .bind(copies::text_key("emailaddress1"))
        .fetch_one(&mut connection)
        .await
        .unwrap();
        Bare { connection, name }
    }

    async fn ask(&mut self, email: &str) -> Option<String> {
        sqlx::query_scalar(
            "SELECT body FROM key JOIN record ON record.n = key.record WHERE key.name = ? AND key.value = ?",
        )
        .bind(self.name)
        .bind(email)
        .fetch_optional(&mut self.connection)
        .await
        .unwrap()
    }
}

/// p50 and p99 of ours, then of the bare query, in milliseconds.
type Quantiles = [f64; 4];

async fn measure(contacts: u64, path: &Path, client: &Client, rules: &Rules) -> Quantiles {
    // All of it is in the system's memory, whatever was read since it was written.
    std::io::copy(
        &mut std::fs::File::open(path).unwrap(),
        &mut std::io::sink(),
    )
    .unwrap();
    let root = client.organization().web_root().as_str();
    let (cache, _) = Cache::open(path, &Key::parse(KEY).unwrap()).await.unwrap();
    let mut bare = Bare::open(path, root).await;
    let mut random = StdRng::seed_from_u64(contacts);
    let mut times = [
        Histogram::<u64>::new(3).unwrap(),
        Histogram::<u64>::new(3).unwrap(),
    ];
    // As many known visitors as there are contacts, but no more than are asked about.
    let mut numbers: Vec<u64> = (0..VISITORS * 2)
        .map(|_| random.random_range(0..contacts))
        .collect();
    numbers.shuffle(&mut random);
    for (turn, number) in numbers.into_iter().enumerate() {
        let (conversation, is_known) = visitor(number, &mut random);
        let asked = email(number);
        // One after the other, so that whatever else the computer does falls on both.
        let begun = Instant::now();
        let found = cached::get(&cache, client, rules, &conversation).await;
        let ours = begun.elapsed();
        let begun = Instant::now();
        let body = bare.ask(&asked).await;
        let theirs = begun.elapsed();
        assert!(body.is_some());
        assert_eq!(found.is_some(), is_known, "{number}");
        black_box((found, body));
        if turn >= VISITORS {
            for (times, time) in times.iter_mut().zip([ours, theirs]) {
                times
                    .record(u64::try_from(time.as_nanos()).unwrap())
                    .unwrap();
            }
        }
    }
    bare.connection.close().await.unwrap();
    cache.close().await;
    let [ours, bare] = times.map(|times| {
        [0.5, 0.99].map(|quantile| {
            let time = Duration::from_nanos(times.value_at_quantile(quantile));
            time.as_secs_f64() * 1000.0
        })
    });
    [ours[0], ours[1], bare[0], bare[1]]
}

/// What another process of this program measures of one file. Each has its own: as the companion opens one file, and no
/// other's leavings are in its memory.
fn measured_apart(folder: &Path, contacts: u64) -> Quantiles {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--bench", "--alone", &contacts.to_string()])
        .env(FILES, folder)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The middle one of each quantile.
fn middle(mut rounds: Vec<Quantiles>) -> Quantiles {
    let mut middle = Quantiles::default();
    for (place, value) in middle.iter_mut().enumerate() {
        rounds.sort_by(|one, other| one[place].total_cmp(&other[place]));
        *value = rounds[rounds.len() / 2][place];
    }
    middle
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --benches` and `nextest` only want to know that it runs.
    if !is_given("--bench") {
        return;
    }
    let mut sizes: Vec<u64> = arguments
        .iter()
        .filter_map(|size| size.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os(FILES).map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(temporary.path());
    let (rules, client) = (rules(), client());
    let root = client.organization().web_root().as_str();
    if is_given("--alone") {
        for contacts in sizes {
            let path = file(&rules, root, folder, contacts).await;
            let quantiles = measure(contacts, &path, &client, &rules).await;
            println!("{}", json!(quantiles));
        }
        return;
    }
    for contacts in &sizes {
        file(&rules, root, folder, *contacts).await;
    }
    // In turns, so that whatever else the computer does falls on all.
    let mut rounds: BTreeMap<u64, Vec<Quantiles>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for contacts in &sizes {
            let measured = measured_apart(folder, *contacts);
            rounds.entry(*contacts).or_default().push(measured);
        }
    }
    println!("\nRecognition from the copies, and one bare prepared query of the same file (ms)\n");
    println!("| contacts | p50 | p99 | bare p50 | bare p99 |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    let lines: Vec<(u64, Quantiles)> = rounds
        .into_iter()
        .map(|(contacts, rounds)| (contacts, middle(rounds)))
        .collect();
    for (contacts, [p50, p99, bare_p50, bare_p99]) in &lines {
        println!("| {contacts} | {p50:.3} | {p99:.3} | {bare_p50:.3} | {bare_p99:.3} |");
    }
    if let (Some((least, small)), Some((most, large))) = (lines.first(), lines.last()) {
        println!(
            "\n{most} contacts take {:.2} times as long as {least} at p50, {:.2} times at p99.",
            large[0] / small[0],
            large[1] / small[1],
        );
    }
}
