//! Nothing is lost and nothing is written twice: the program is killed and the way to Dynamics breaks, at every step.
//!
//! `COMPANION_CRASHES` sets how many chats go through it, `COMPANION_CRASH_SEED` the first seed; a failure prints its seed.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::recording::{Action, Mode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::program::{Program, admin, text};
use crate::recording::{Administrator, chat_ended, recording};

/// One chat: the faults of its first attempts, and when the program is killed.
struct Trial {
    seed: u64,
    random: StdRng,
}

impl Trial {
    fn new(seed: u64) -> Trial {
        Trial {
            seed,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// Requests, and operations inside them, go wrong as the seed has it.
    async fn break_the_way(&self, organization: &Sandbox) {
        admin(organization, Method::DELETE, "/faults", None).await;
        let requests = json!({
            "reset_before_commit": 0.12, "reset_after_commit": 0.12, "too_many_requests": 0.06, "server_error": 0.06,
            "unavailable": 0.04, "truncated_body": 0.06, "unauthorized": 0.04, "held": 0.05, "slow": 0.05,
        });
        let operations = json!({
            "precondition_failed": 0.08, "too_many_requests": 0.04, "server_error": 0.04, "reset_before_commit": 0.04,
            "reset_after_commit": 0.04,
        });
        for (only, rates) in [("requests", requests), ("operations", operations)] {
            let plan = json!({ "seed": self.seed, "rates": rates, "only": only, "path": "/api/data", "delay_ms": 150 });
            admin(organization, Method::POST, "/faults", Some(plan)).await;
        }
    }

    /// Runs the program and kills it after a while that the seed chooses; often in the middle, sometimes after its end.
    async fn run_and_kill(&mut self, program: &Program, arguments: &[&str]) {
        let patience = Duration::from_millis(self.random.random_range(5..700));
        program.call_and_kill(arguments, patience).await;
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Two companions see the same end of the same chats; each is killed and cut off. In the end each chat has led to one contact
/// and one case that belongs to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_written_down_exactly_once_whatever_is_killed_or_cut_off() {
    let organization = crate::program::organization().await;
    let first = recording(&organization, Mode::Automatic, Action::ContactAndCase);
    let second = recording(&organization, Mode::Automatic, Action::ContactAndCase);
    let administrator = Administrator::of(&organization);
    let start = number("COMPANION_CRASH_SEED", 1);
    let chats = number("COMPANION_CRASHES", 8);

    let mut expected = BTreeMap::new();
    for seed in start..start + chats {
        let mut trial = Trial::new(seed);
        // Some visitors come back: their chats share a contact.
        let visitor = if trial.random.random_bool(0.3) && seed > start {
            seed - 1
        } else {
            seed
        };
        let email = format!("crash-{visitor}@example.org");
        let chat = chat_ended(seed, &email);
        *expected.entry(email).or_insert(0_usize) += 1;
        let companions = [&first, &second];
        let both = trial.random.random_bool(0.4);
        for (index, companion) in companions.into_iter().enumerate() {
            if index == 1 && !both {
                continue;
            }
            let file = companion.file("event.json", &chat.to_string());
            // The chat's end counts as told once the program has said so; until then the console tells it again.
            trial.break_the_way(&organization).await;
            trial
                .run_and_kill(
                    companion,
                    &["--json", "event", "--file", text(&file), "--wait"],
                )
                .await;
            let told = companion
                .call(&["--json", "event", "--file", text(&file)])
                .await;
            assert_eq!(told.code, Some(0), "seed {seed}: {told:?}");
            for _ in 0..trial.random.random_range(0..3) {
                trial.break_the_way(&organization).await;
                trial
                    .run_and_kill(companion, &["--json", "outbox", "drain"])
                    .await;
            }
        }
        println!("seed {}: {visitor} both={both}", trial.seed);
    }
    admin(&organization, Method::DELETE, "/faults", None).await;
    for companion in [&first, &second] {
        let drained = companion
            .call(&["--json", "outbox", "drain"])
            .await
            .success();
        assert_eq!(drained["queued"], 0, "{drained}");
        assert_eq!(drained["attention"], 0, "{drained}");
    }

    for (email, chats) in expected {
        let contacts = administrator
            .rows("contacts", "emailaddress1", &email, "contactid,lastname")
            .await;
        assert_eq!(contacts.len(), 1, "contacts of {email}: {contacts:?}");
        let contact = contacts[0]["contactid"].as_str().unwrap();
        let cases = administrator
            .rows(
                "incidents",
                "_customerid_value",
                contact,
                "incidentid,description",
            )
            .await;
        assert_eq!(cases.len(), chats, "cases of {email}: {cases:?}");
        for case in &cases {
            assert!(
                case["description"].as_str().unwrap().contains("My invoice"),
                "{case}"
            );
        }
    }
    assert_no_orphans(&administrator).await;
    organization.stop().await;
}

/// No case of these chats without its contact.
async fn assert_no_orphans(administrator: &Administrator) {
    let orphans = administrator
        .all("incidents?$select=incidentid&$filter=contains(description,'My invoice') and _customerid_value eq null")
        .await;
    assert_eq!(orphans, Vec::<Value>::new());
}
