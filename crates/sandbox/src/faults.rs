//! Faults that the admin door asks for: the next N requests that match go wrong in a chosen way.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::errors::ApiError;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// 429 with `Retry-After`.
    TooManyRequests,
    /// 500 `0x80040216`.
    ServerError,
    /// 503, an HTML page, with `Retry-After`.
    Unavailable,
    /// The connection is closed before anything is done.
    ResetBeforeCommit,
    /// The request is carried out, then the connection is closed.
    ResetAfterCommit,
    /// The answer comes `delay_ms` later.
    Slow,
    /// 200 and text that is not JSON.
    WrongJson,
    /// 200 and an HTML page.
    HtmlPage,
    /// The right answer, cut off in the middle.
    TruncatedBody,
    /// 401 with the challenge, as if the token had been revoked.
    Unauthorized,
}

/// A fault that waits for requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// Text that the path (with query) must contain; `*` stands for anything. Empty: every request.
    #[serde(default)]
    pub(crate) path: String,
    /// Only this method.
    #[serde(default)]
    pub(crate) method: Option<String>,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// Seconds of `Retry-After`.
    #[serde(default = "one_second")]
    pub(crate) retry_after: u32,
    /// Milliseconds of `slow`.
    #[serde(default)]
    pub(crate) delay_ms: u64,
}

fn once() -> u32 {
    1
}

fn one_second() -> u32 {
    1
}

/// 429 `0x80072322` (protocol page `errors-and-limits.md`).
pub(crate) fn too_many_requests() -> ApiError {
    ApiError::new(
        429,
        "0x80072322",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    )
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
    plans: Mutex<Vec<Plan>>,
    latencies: Mutex<Vec<Latency>>,
}

impl Faults {
    pub(crate) fn plan(&self, plan: Plan) {
        self.plans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(plan);
    }

    pub(crate) fn plans(&self) -> Vec<Plan> {
        self.plans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn clear(&self) {
        self.plans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
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

    /// Takes the fault that hits this request, if any.
    pub(crate) fn take(&self, method: &str, target: &str) -> Option<Plan> {
        self.take_if(method, target, |_| true)
    }

    /// Takes the fault that hits an operation inside a `$batch`, where a fault can only be an error.
    pub(crate) fn take_error(&self, method: &str, target: &str) -> Option<ApiError> {
        let error = |fault| match fault {
            Fault::TooManyRequests => Some(too_many_requests()),
            Fault::ServerError => Some(ApiError::unexpected()),
            Fault::Unavailable
            | Fault::ResetBeforeCommit
            | Fault::ResetAfterCommit
            | Fault::Slow
            | Fault::WrongJson
            | Fault::HtmlPage
            | Fault::TruncatedBody
            | Fault::Unauthorized => None,
        };
        let plan = self.take_if(method, target, |fault| error(fault).is_some())?;
        error(plan.fault)
    }

    fn take_if(&self, method: &str, target: &str, fits: impl Fn(Fault) -> bool) -> Option<Plan> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let index = plans.iter().position(|plan| {
            fits(plan.fault)
                && plan
                    .method
                    .as_ref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && matches(&plan.path, target)
        })?;
        let plan = plans.get_mut(index)?;
        let taken = plan.clone();
        plan.times = plan.times.saturating_sub(1);
        if plan.times == 0 {
            plans.remove(index);
        }
        Some(taken)
    }
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

    #[test]
    fn a_fault_hits_so_many_requests_and_no_more() {
        let faults = Faults::default();
        let plan = serde_json::from_str(r#"{"fault":"server_error","path":"contacts","times":2}"#)
            .unwrap();
        faults.plan(plan);
        assert!(faults.take("GET", "/leads").is_none());
        assert!(faults.take("GET", "/contacts").is_some());
        assert!(faults.take("GET", "/contacts").is_some());
        assert!(faults.take("GET", "/contacts").is_none());
    }
}
