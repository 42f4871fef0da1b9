//! Faults that the admin door asks for: requests, and operations inside a `$batch`, that go wrong in a chosen way. Either
//! the next so many that match, or a share of all that match, drawn from a seed so that a run can be repeated.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::api;
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::organization::Organization;
use crate::server::Answer;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// 429 with `Retry-After`.
    TooManyRequests,
    /// 500 `0x80040216`.
    ServerError,
    /// 503, an HTML page, with `Retry-After`.
    Unavailable,
    /// 412 `0x80060882`, as if somebody else had changed the row.
    PreconditionFailed,
    /// The connection is closed before anything is done.
    #[serde(alias = "reset_before")]
    ResetBeforeCommit,
    /// The request is carried out, then the connection is closed.
    #[serde(alias = "reset_after")]
    ResetAfterCommit,
    /// The request is begun `delay_ms` later; it is carried out even if nobody waits for its answer any more.
    Slow,
    /// The request is carried out, its answer is kept back for `delay_ms`.
    Held,
    /// 200 and text that is not JSON.
    WrongJson,
    /// 200 and an HTML page.
    HtmlPage,
    /// The right answer, cut off in the middle.
    TruncatedBody,
    /// 401 with the challenge, as if the token had been revoked.
    Unauthorized,
}

impl Fault {
    /// Can one operation of a `$batch` go wrong like this? The others are about the answer as a whole.
    fn hits_operations(self) -> bool {
        match self {
            Fault::TooManyRequests
            | Fault::ServerError
            | Fault::Unavailable
            | Fault::PreconditionFailed
            | Fault::ResetBeforeCommit
            | Fault::ResetAfterCommit
            | Fault::Slow
            | Fault::Unauthorized => true,
            Fault::Held | Fault::WrongJson | Fault::HtmlPage | Fault::TruncatedBody => false,
        }
    }
}

/// What can be hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Whole HTTP requests, a `$batch` among them.
    Requests,
    /// Operations inside a `$batch`.
    Operations,
}

/// Faults that wait for requests: `fault`, or `seed` and `rates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// How requests go wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    /// What the draws start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// Which share of the requests goes wrong in which way.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    rates: BTreeMap<Fault, f64>,
    /// Text that the path (with query) must contain; `*` stands for anything. Empty: every request.
    #[serde(default)]
    path: String,
    /// Only this method.
    #[serde(default)]
    method: Option<String>,
    /// Text that the body must contain; of a `$batch` all that it holds, of an operation inside it its own body.
    #[serde(default)]
    content: String,
    /// Only requests or only operations. At first both, of drawn faults requests.
    #[serde(default)]
    only: Option<Level>,
    /// How many requests that match are let through first.
    #[serde(default)]
    skip: u32,
    /// How many requests it hits: one, or all of drawn faults, unless told.
    #[serde(default)]
    times: Option<u32>,
    /// Seconds of `Retry-After`.
    #[serde(default = "one_second")]
    retry_after: u32,
    /// Milliseconds of `slow` and `held`.
    #[serde(default)]
    delay_ms: u64,
}

fn one_second() -> u32 {
    1
}

/// 429 `0x80072322` (protocol page `errors-and-limits.md`).
fn too_many_requests() -> ApiError {
    ApiError::new(
        429,
        "0x80072322",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    )
}

/// A request, or an operation inside a `$batch`, that may be hit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) level: Level,
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) body: &'a [u8],
}

/// The fault that hits a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) fault: Fault,
    retry_after: u32,
    delay_ms: u64,
}

impl Hit {
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// What is answered instead of doing the work; none if the fault is another.
    pub(crate) fn answer(&self, organization: &Organization) -> Option<Answer> {
        let html = |status, title: &str| {
            let body = format!(
                "<!DOCTYPE html>\r\n<html><head><title>{title}</title></head><body><h2>{title}</h2></body></html>"
            );
            Answer::new(status, "text/html; charset=utf-8", body)
        };
        let retry_after = self.retry_after.to_string();
        match self.fault {
            Fault::TooManyRequests => Some(
                api::error_answer(&too_many_requests())
                    .header("retry-after", retry_after)
                    .header("x-ms-ratelimit-burst-remaining-xrm-requests", "0")
                    .header("x-ms-ratelimit-time-remaining-xrm-requests", "1,196.26"),
            ),
            Fault::ServerError => Some(api::error_answer(&ApiError::unexpected())),
            Fault::PreconditionFailed => Some(api::error_answer(&ApiError::other_version())),
            Fault::Unavailable => {
                Some(html(503, "Service Unavailable").header("retry-after", retry_after))
            }
            Fault::WrongJson => Some(Answer::new(
                200,
                api::JSON,
                "{\"value\":[{\"contactid\":".to_owned(),
            )),
            Fault::HtmlPage => Some(html(200, "Sign in to your account")),
            Fault::Unauthorized => Some(api::challenge(
                organization,
                Deployment::Cloud,
                &organization.origin(),
            )),
            Fault::ResetBeforeCommit
            | Fault::ResetAfterCommit
            | Fault::Slow
            | Fault::Held
            | Fault::TruncatedBody => None,
        }
    }
}

/// A delay for every request that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    #[serde(default)]
    pub(crate) path: String,
    pub(crate) delay_ms: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Mutex<Vec<Waiting>>,
    latencies: Mutex<Vec<Latency>>,
}

#[derive(Debug)]
struct Waiting {
    plan: Plan,
    /// How often each method and path has come, for the draws.
    seen: BTreeMap<(String, String), u64>,
}

impl Faults {
    /// Takes a plan in.
    ///
    /// # Errors
    /// The sentence that tells what is wrong with it.
    pub(crate) fn plan(&self, mut plan: Plan) -> Result<(), &'static str> {
        match (plan.fault, plan.seed) {
            (Some(fault), None) if plan.rates.is_empty() => {
                if plan.only == Some(Level::Operations) && !fault.hits_operations() {
                    return Err("This fault hits whole requests, no operations of a batch.");
                }
                plan.times.get_or_insert(1);
            }
            (None, Some(_)) if !plan.rates.is_empty() => {
                let is_share = |rate: &f64| (0.0..=1.0).contains(rate);
                if !plan.rates.values().all(is_share) || plan.rates.values().sum::<f64>() > 1.0 {
                    return Err("Each of the 'rates' is between 0 and 1, as is their sum.");
                }
                plan.only.get_or_insert(Level::Requests);
            }
            (Some(_), None | Some(_)) | (None, None | Some(_)) => {
                return Err("Name either a 'fault', or a 'seed' and 'rates'.");
            }
        }
        if plan.times == Some(0) {
            return Err("'times' is at least 1.");
        }
        self.waiting().push(Waiting {
            plan,
            seen: BTreeMap::new(),
        });
        Ok(())
    }

    pub(crate) fn plans(&self) -> Vec<Plan> {
        let waiting = self.waiting();
        waiting.iter().map(|waiting| waiting.plan.clone()).collect()
    }

    pub(crate) fn clear(&self) {
        self.waiting().clear();
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the delays. The first that matches counts.
    pub(crate) fn set_latencies(&self, latencies: Vec<Latency>) {
        *self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = latencies;
    }

    pub(crate) fn latencies(&self) -> Vec<Latency> {
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn latency(&self, target: &str) -> Duration {
        let latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = latencies
            .iter()
            .find(|latency| matches(&latency.path, target));
        Duration::from_millis(found.map_or(0, |latency| latency.delay_ms))
    }

    /// Takes the fault that hits this request or operation, if any.
    pub(crate) fn take(&self, incoming: Incoming<'_>) -> Option<Hit> {
        let mut waiting = self.waiting();
        let (index, hit) = waiting
            .iter_mut()
            .enumerate()
            .find_map(|(index, waiting)| Some((index, waiting.hit(incoming)?)))?;
        let done = waiting.get_mut(index).is_some_and(|waiting| {
            let left = waiting.plan.times.as_mut();
            left.is_some_and(|left| {
                *left = left.saturating_sub(1);
                *left == 0
            })
        });
        if done {
            waiting.remove(index);
        }
        Some(hit)
    }
}

impl Waiting {
    fn hit(&mut self, incoming: Incoming<'_>) -> Option<Hit> {
        if !self.plan.aims_at(incoming) {
            return None;
        }
        if self.plan.skip > 0 {
            self.plan.skip -= 1;
            return None;
        }
        let fault = match (self.plan.fault, self.plan.seed) {
            (Some(fault), _) => fault,
            (None, seed) => self.draw(seed?, incoming)?,
        };
        Some(Hit {
            fault,
            retry_after: self.plan.retry_after,
            delay_ms: self.plan.delay_ms,
        })
    }

    /// What the seed has in store for this request. It depends on the request's method and path and on how often they have
    /// come, so that requests which run in parallel do not change one another's fate.
    fn draw(&mut self, seed: u64, incoming: Incoming<'_>) -> Option<Fault> {
        let path = incoming.target.split('?').next().unwrap_or_default();
        let key = (incoming.method.to_ascii_uppercase(), path.to_owned());
        let drawn = drawn(seed, &key.0, &key.1, *self.seen.get(&key).unwrap_or(&0));
        *self.seen.entry(key).or_default() += 1;
        let mut reached = 0.0;
        let mut rates = self.plan.rates.iter();
        let (fault, _) = rates.find(|(_, rate)| {
            reached += **rate;
            drawn < reached
        })?;
        (incoming.level == Level::Requests || fault.hits_operations()).then_some(*fault)
    }
}

impl Plan {
    fn aims_at(&self, incoming: Incoming<'_>) -> bool {
        let possible = match incoming.level {
            Level::Requests => true,
            Level::Operations => self.fault.is_none_or(Fault::hits_operations),
        };
        possible
            && self.only.is_none_or(|only| only == incoming.level)
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(incoming.method))
            && matches(&self.path, incoming.target)
            && (self.content.is_empty()
                || String::from_utf8_lossy(incoming.body).contains(&self.content))
    }
}

/// A number from 0 up to 1, the same for the same arguments on every machine and in every version.
fn drawn(seed: u64, method: &str, path: &str, nth: u64) -> f64 {
    let digest = Sha256::digest(format!("{seed} {nth} {method} {path}"));
    let start = digest.first_chunk().copied().unwrap_or_default();
    f64::from(u32::from_be_bytes(start)) / 4_294_967_296.0
}

/// Does `target` contain the parts of `pattern` (between its stars) in this order?
fn matches(pattern: &str, target: &str) -> bool {
    let mut rest = target;
    pattern.split('*').all(|part| match rest.split_once(part) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => part.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("", "/anything"));
        assert!(matches("/contacts", "/api/data/v9.2/contacts?$top=1"));
        assert!(matches(
            "v9.2*contacts*top",
            "/api/data/v9.2/contacts?$top=1"
        ));
        assert!(!matches("leads", "/api/data/v9.2/contacts"));
        assert!(!matches("top*contacts", "/api/data/v9.2/contacts?$top=1"));
    }

    fn planned(text: &str) -> Faults {
        let faults = Faults::default();
        faults.plan(serde_json::from_str(text).unwrap()).unwrap();
        faults
    }

    fn request<'a>(method: &'a str, target: &'a str, body: &'a str) -> Incoming<'a> {
        Incoming {
            level: Level::Requests,
            method,
            target,
            body: body.as_bytes(),
        }
    }

    #[test]
    fn a_fault_hits_so_many_requests_and_no_more() {
        let faults = planned(r#"{"fault":"server_error","path":"contacts","times":2}"#);
        let get = |target| faults.take(request("GET", target, ""));
        assert!(get("/leads").is_none());
        assert!(get("/contacts").is_some());
        assert!(get("/contacts").is_some());
        assert!(get("/contacts").is_none());
    }

    #[test]
    fn a_fault_waits_for_method_content_and_count() {
        let faults =
            planned(r#"{"fault":"held","method":"post","content":"Ada","skip":1,"delay_ms":5}"#);
        for (incoming, hit) in [
            (request("POST", "/contacts", "Ada"), false),
            (request("GET", "/contacts", "Ada"), false),
            (request("POST", "/contacts", "Bob"), false),
            (
                Incoming {
                    level: Level::Operations,
                    ..request("POST", "/contacts", "Ada")
                },
                false,
            ),
            (request("POST", "/leads", "Ada Lovelace"), true),
            (request("POST", "/leads", "Ada Lovelace"), false),
        ] {
            assert_eq!(faults.take(incoming).is_some(), hit, "{incoming:?}");
        }
    }

    #[test]
    fn what_says_nothing_clear_is_refused() {
        for text in [
            "{}",
            r#"{"seed": 1}"#,
            r#"{"rates": {"held": 0.1}}"#,
            r#"{"fault": "held", "seed": 1, "rates": {"held": 0.1}}"#,
            r#"{"fault": "held", "only": "operations"}"#,
            r#"{"fault": "held", "times": 0}"#,
            r#"{"seed": 1, "rates": {"held": 0.6, "slow": 0.6}}"#,
            r#"{"seed": 1, "rates": {"held": -0.1}}"#,
        ] {
            let plan = serde_json::from_str(text).unwrap();
            assert!(Faults::default().plan(plan).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Plan>(r#"{"fault": "meteor"}"#).is_err());
    }

    const DRAWN: &str = r#"{"seed": 11, "rates": {"reset_before": 0.1, "reset_after_commit": 0.2, "too_many_requests": 0.05}}"#;

    #[test]
    fn drawn_faults_come_in_their_share_and_again() {
        let run = |faults: &Faults| -> Vec<Option<Fault>> {
            let take = |_| Some(faults.take(request("POST", "/$batch?x=1", ""))?.fault);
            (0..4000).map(take).collect()
        };
        let first = run(&planned(DRAWN));
        assert_eq!(
            first,
            run(&planned(DRAWN)),
            "the same seed, the same faults"
        );
        let other = DRAWN.replace("11", "12");
        assert_ne!(first, run(&planned(&other)));
        for (fault, least, most) in [
            (Fault::ResetBeforeCommit, 340, 460),
            (Fault::ResetAfterCommit, 720, 880),
            (Fault::TooManyRequests, 150, 250),
        ] {
            let hits = first.iter().filter(|hit| **hit == Some(fault)).count();
            assert!((least..most).contains(&hits), "{fault:?}: {hits}");
        }
    }

    #[test]
    fn what_runs_beside_a_request_does_not_change_its_fate() {
        let alone = planned(DRAWN);
        let among = planned(DRAWN);
        for nth in 0..200 {
            let _ = among.take(request("GET", "/leads", ""));
            let batch = request("POST", "/$batch", "");
            assert_eq!(alone.take(batch), among.take(batch), "{nth}");
        }
    }
}
