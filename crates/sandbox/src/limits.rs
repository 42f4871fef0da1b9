//! Service-protection limits: how much one user may ask for in a sliding window (protocol page `errors-and-limits.md`,
//! section "Service protection limits"). What is used is always counted; requests are refused only when the admin door has
//! turned the limits on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use crate::api;
use crate::errors::ApiError;
use crate::organization::Organization;
use crate::rows::grouped;
use crate::server::Answer;

/// How much a user may ask for. The defaults are the real service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Requests in a window.
    requests: u64,
    /// Milliseconds of work in a window.
    execution_ms: u64,
    /// So many requests at once are too many.
    concurrent: u64,
    window_seconds: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            requests: 6000,
            execution_ms: 1_200_000,
            concurrent: 52,
            window_seconds: 300,
        }
    }
}

/// What `PATCH /admin/settings` says: `"off"`, `"real"`, or numbers of its own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Setting {
    Named(Named),
    Own(Limits),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Named {
    Off,
    Real,
}

/// All users' use of the service.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    limits: Mutex<Option<Limits>>,
    users: Mutex<BTreeMap<String, Usage>>,
}

#[derive(Debug, Default)]
struct Usage {
    /// When requests were answered or begun, how many (a batch is several), how long they took together.
    spans: VecDeque<Span>,
    running: u64,
    /// Until then the user was told to wait.
    wait_until: Option<Timestamp>,
    /// How often the user has not waited since.
    ignored: u32,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    at: Timestamp,
    requests: u64,
    work_ms: u64,
}

/// A refusal, and after how many seconds to try again.
#[derive(Debug)]
struct TooMuch {
    error: ApiError,
    retry_after: i64,
}

/// What a user has left.
#[derive(Debug, PartialEq, Eq)]
struct Remaining {
    /// Requests.
    burst: String,
    /// Seconds of work, as `1,199.97`.
    time: String,
}

/// A user's request at the door of the Web API.
#[derive(Debug)]
pub(crate) struct Entry {
    user: String,
    admitted: Result<Ticket, TooMuch>,
    began: Instant,
}

impl Entry {
    /// Lets the request in, or not. It counts as running from now on.
    pub(crate) fn new(organization: &Organization, user: String) -> Entry {
        let now = organization.clock.now();
        Entry {
            admitted: organization.protection.admit(&user, now),
            user,
            began: Instant::now(),
        }
    }

    /// The answer of `work`, or the refusal; either with what the user has left.
    pub(crate) async fn answer(
        self,
        organization: &Organization,
        work: impl Future<Output = Answer>,
    ) -> Answer {
        let protection = &organization.protection;
        let answer = match self.admitted {
            Ok(_running) => {
                let answer = work.await;
                // Each operation of a batch counts (protocol page `batch.md`).
                let more = u64::try_from(answer.operations.len()).unwrap_or(u64::MAX);
                let now = organization.clock.now();
                protection.took(
                    &self.user,
                    self.began.elapsed(),
                    more.saturating_sub(1),
                    now,
                );
                answer
            }
            Err(too_much) => {
                let id = Uuid::new_v4().to_string();
                api::error_answer(&too_much.error)
                    .header("retry-after", too_much.retry_after.to_string())
                    .header("req_id", id.as_str())
                    .header("x-ms-service-request-id", id)
            }
        };
        let left = protection.remaining(&self.user, organization.clock.now());
        answer
            .header("x-ms-ratelimit-burst-remaining-xrm-requests", left.burst)
            .header("x-ms-ratelimit-time-remaining-xrm-requests", left.time)
            .header("x-ms-dop-hint", PARALLELISM)
    }
}

/// The parallelism that is recommended to clients, for debugging only.
const PARALLELISM: &str = "4";

/// A request on its way; dropping it ends it.
#[derive(Debug)]
struct Ticket {
    protection: Arc<Protection>,
    user: String,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut users = self.protection.users();
        if let Some(usage) = users.get_mut(&self.user) {
            usage.running = usage.running.saturating_sub(1);
        }
    }
}

impl Protection {
    pub(crate) fn set(&self, setting: &Setting) {
        let limits = match setting {
            Setting::Named(Named::Off) => None,
            Setting::Named(Named::Real) => Some(Limits::default()),
            Setting::Own(limits) => Some(*limits),
        };
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
        self.users().clear();
    }

    /// The limits, if they are on.
    pub(crate) fn limits(&self) -> Option<Limits> {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn users(&self) -> MutexGuard<'_, BTreeMap<String, Usage>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a user's request in, or says how long to wait.
    fn admit(self: &Arc<Self>, user: &str, now: Timestamp) -> Result<Ticket, TooMuch> {
        let enforced = self.limits();
        let limits = enforced.unwrap_or_default();
        let mut users = self.users();
        let usage = users.entry(user.to_owned()).or_default();
        usage.forget(limits, now);
        if enforced.is_some()
            && let Some(too_much) = usage.refuse(limits, now)
        {
            return Err(too_much);
        }
        usage.wait_until = None;
        usage.ignored = 0;
        usage.running += 1;
        // Counted at once: requests that come together must see one another.
        usage.spans.push_back(Span {
            at: now,
            requests: 1,
            work_ms: 0,
        });
        Ok(Ticket {
            protection: Arc::clone(self),
            user: user.to_owned(),
        })
    }

    /// Notes how long a request took, and how many operations it held beyond the first.
    fn took(&self, user: &str, work: Duration, more: u64, now: Timestamp) {
        let work_ms = u64::try_from(work.as_millis()).unwrap_or(u64::MAX);
        let mut users = self.users();
        let usage = users.entry(user.to_owned()).or_default();
        usage.spans.push_back(Span {
            at: now,
            requests: more,
            work_ms,
        });
    }

    /// What a user has left now.
    fn remaining(&self, user: &str, now: Timestamp) -> Remaining {
        let limits = self.limits().unwrap_or_default();
        let mut users = self.users();
        let usage = users.entry(user.to_owned()).or_default();
        usage.forget(limits, now);
        let left = limits.execution_ms.saturating_sub(usage.work_ms());
        Remaining {
            burst: limits.requests.saturating_sub(usage.requests()).to_string(),
            time: format!(
                "{}.{:02}",
                grouped(&(left / 1000).to_string()),
                left % 1000 / 10
            ),
        }
    }
}

impl Usage {
    fn requests(&self) -> u64 {
        self.spans.iter().map(|span| span.requests).sum()
    }

    fn work_ms(&self) -> u64 {
        self.spans
            .iter()
            .fold(0, |sum, span| sum.saturating_add(span.work_ms))
    }

    fn forget(&mut self, limits: Limits, now: Timestamp) {
        self.spans.retain(|span| ends(*span, limits) > now);
    }

    fn refuse(&mut self, limits: Limits, now: Timestamp) -> Option<TooMuch> {
        let window = limits.window_seconds;
        let error = |code, text| ApiError::new(429, code, text);
        let told = self.wait_until.filter(|until| *until > now);
        let (error, free) = if self.requests() >= limits.requests {
            let error = error(
                "0x80072322",
                format!(
                    "Number of requests exceeded the limit of {} over time window of {window} seconds.",
                    limits.requests
                ),
            );
            (
                error,
                self.free(limits, |usage| usage.requests() < limits.requests),
            )
        } else if self.work_ms() >= limits.execution_ms {
            let error = error(
                "0x80072321",
                format!(
                    "Combined execution time of incoming requests exceeded limit of {} milliseconds over time window of \
                     {window} seconds. Decrease number of concurrent requests or reduce the duration of requests and try \
                     again later.",
                    grouped(&limits.execution_ms.to_string())
                ),
            );
            (
                error,
                self.free(limits, |usage| usage.work_ms() < limits.execution_ms),
            )
        } else if self.running >= limits.concurrent {
            let error = error(
                "0x80072326",
                format!(
                    "Number of concurrent requests exceeded the limit of {}.",
                    limits.concurrent
                ),
            );
            (error, now)
        } else {
            return None;
        };
        // Whoever does not wait is told to wait longer.
        self.ignored = if told.is_some() { self.ignored + 1 } else { 0 };
        let needed = seconds(free.duration_since(now)).max(1);
        let retry_after = needed + 5 * i64::from(self.ignored);
        self.wait_until = now.checked_add(SignedDuration::from_secs(retry_after)).ok();
        Some(TooMuch { error, retry_after })
    }

    /// When enough of the window's load will have slid out of it.
    fn free(&self, limits: Limits, enough: impl Fn(&Usage) -> bool) -> Timestamp {
        let mut rest = Usage {
            spans: self.spans.clone(),
            ..Usage::default()
        };
        let mut at = Timestamp::MIN;
        while !enough(&rest)
            && let Some(span) = rest.spans.pop_front()
        {
            at = at.max(ends(span, limits));
        }
        at
    }
}

/// When a span slides out of the window.
fn ends(span: Span, limits: Limits) -> Timestamp {
    span.at
        .checked_add(SignedDuration::from_secs(i64::from(limits.window_seconds)))
        .unwrap_or(span.at)
}

/// Whole seconds, rounded up.
fn seconds(duration: SignedDuration) -> i64 {
    duration.as_secs() + i64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn protection(limits: Limits) -> Arc<Protection> {
        let protection = Arc::new(Protection::default());
        protection.set(&Setting::Own(limits));
        protection
    }

    #[test]
    fn the_window_slides() {
        let protection = protection(Limits {
            requests: 3,
            window_seconds: 10,
            ..Limits::default()
        });
        for second in [0, 4, 8] {
            drop(protection.admit("u", at(second)).unwrap());
        }
        let refused = protection.admit("u", at(9)).unwrap_err();
        assert_eq!((refused.error.code, refused.retry_after), ("0x80072322", 1));
        assert!(protection.admit("another", at(9)).is_ok());
        // Not waiting costs; waiting as told is enough.
        let refused = protection.admit("u", at(9)).unwrap_err();
        assert_eq!(refused.retry_after, 6);
        assert!(protection.admit("u", at(10)).is_ok());
        assert_eq!(protection.remaining("u", at(10)).burst, "0");
        assert_eq!(protection.remaining("u", at(14)).burst, "1");
    }

    #[test]
    fn work_and_concurrency() {
        let protection = protection(Limits {
            execution_ms: 1000,
            concurrent: 2,
            window_seconds: 10,
            ..Limits::default()
        });
        let first = protection.admit("u", at(0)).unwrap();
        let _second = protection.admit("u", at(0)).unwrap();
        let refused = protection.admit("u", at(0)).unwrap_err();
        assert_eq!(refused.error.code, "0x80072326");
        assert_eq!(
            refused.error.message,
            "Number of concurrent requests exceeded the limit of 2."
        );
        drop(first);
        protection.took("u", Duration::from_millis(400), 0, at(1));
        assert!(protection.admit("u", at(1)).is_ok());
        protection.took("u", Duration::from_millis(600), 7, at(3));
        let refused = protection.admit("u", at(4)).unwrap_err();
        assert_eq!((refused.error.code, refused.retry_after), ("0x80072321", 7));
        assert_eq!(
            protection.remaining("u", at(4)),
            Remaining {
                burst: (6000 - 10).to_string(),
                time: "0.00".to_owned()
            }
        );
    }

    #[test]
    fn off_counts_and_refuses_nothing() {
        let protection = Arc::new(Protection::default());
        for _ in 0..6001 {
            assert!(protection.admit("u", at(0)).is_ok());
        }
        assert_eq!(
            protection.remaining("u", at(0)),
            Remaining {
                burst: "0".to_owned(),
                time: "1,200.00".to_owned()
            }
        );
    }
}
