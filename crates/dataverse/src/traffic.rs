//! How many requests are under way, who goes first, and when nobody goes at all (protocol page `errors-and-limits.md`,
//! section "Service protection limits").

use crate::error::{Error, Result};
use crate::transport::Answer;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep};

/// What one connection takes of an organization (protocol page `errors-and-limits.md`, section "Service protection
/// limits").
///
/// They are no settings: Dynamics says itself by `Retry-After` when less is wanted, these numbers are far below what it
/// allows, and an administrator who met them would have nothing to go by. Tests and other programs set them on the
/// [`Connection`](crate::Connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many requests are under way at once; 16 by default, so that all questions about a visitor and what
    /// runs behind them are under way together. Dataverse refuses the 52nd of a user.
    pub concurrent: u32,
    /// How many of them are never taken by background work; 12 by default: with two rules for each table,
    /// eight questions are asked about a visitor.
    pub kept_free: u32,
    /// After so many failures running (no connection, no answer in time, 502 to 504) Dynamics is not asked for a while; 6 by
    /// default.
    pub failures: u32,
    /// How long that is; 5 seconds by default. Then one request tries; each time that it fails too, it is twice as long.
    pub rest: Duration,
    /// The longest it gets; 60 seconds by default.
    pub longest_rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent: 16,
            kept_free: 12,
            failures: 6,
            rest: Duration::from_secs(5),
            longest_rest: Duration::from_secs(60),
        }
    }
}

/// For whom a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// For a person who waits.
    Asked,
    /// For nobody in particular: it waits while anything else does.
    Background,
}

pub(crate) struct Traffic {
    limits: Limits,
    places: Semaphore,
    background_places: Semaphore,
    /// How many operations a person waits for.
    asked: watch::Sender<usize>,
    state: Mutex<State>,
    /// The one request that tries after a rest has come to an end.
    tried: Notify,
}

#[derive(Default)]
struct State {
    /// Until when the service asked to wait, and with what answer.
    held: Option<(Instant, Error)>,
    failures: u32,
    rest: Option<Rest>,
}

struct Rest {
    until: Instant,
    length: Duration,
    cause: Error,
    is_tried: bool,
}

/// What a request finds.
enum Way {
    Free,
    /// It is the one that tries.
    Try,
    /// Another one tries.
    BeingTried,
    Held(Duration, Error),
    Resting(Error),
}

/// One operation that a person waits for, from its first request to its last.
pub(crate) struct Asked<'a>(&'a watch::Sender<usize>);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|asked| *asked = asked.saturating_sub(1));
    }
}

/// One request under way.
pub(crate) struct Pass<'a> {
    traffic: &'a Traffic,
    tries: bool,
    _place: SemaphorePermit<'a>,
    _background_place: Option<SemaphorePermit<'a>>,
}

impl Traffic {
    pub fn new(limits: Limits) -> Self {
        let places = usize::try_from(limits.concurrent.max(1)).unwrap_or(1);
        let kept_free = usize::try_from(limits.kept_free).unwrap_or(0);
        Self {
            limits,
            places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)),
            background_places: Semaphore::new(
                places
                    .saturating_sub(kept_free)
                    .clamp(1, Semaphore::MAX_PERMITS),
            ),
            asked: watch::Sender::new(0),
            state: Mutex::new(State::default()),
            tried: Notify::new(),
        }
    }

    /// Notes that a person waits for an operation, as long as what is given lives.
    pub fn asked(&self, urgency: Urgency) -> Option<Asked<'_>> {
        (urgency == Urgency::Asked).then(|| {
            self.asked.send_modify(|asked| *asked += 1);
            Asked(&self.asked)
        })
    }

    /// Lets the next request through, whatever was noted: a person wants to know now.
    pub fn let_through(&self) {
        let mut state = self.state();
        state.held = None;
        if let Some(rest) = &mut state.rest {
            rest.until = Instant::now();
        }
    }

    /// Waits for a place. `budget` is what may still be spent on waiting because the service asked for it.
    pub async fn enter(&self, urgency: Urgency, budget: &mut Duration) -> Result<Pass<'_>> {
        loop {
            self.nobody_waits(urgency).await;
            let tried = self.tried.notified();
            tokio::pin!(tried);
            tried.as_mut().enable();
            let way = self.state().way();
            match way {
                Way::Free | Way::Try => {}
                Way::BeingTried => {
                    tried.await;
                    continue;
                }
                Way::Held(wait, _) if wait <= *budget => {
                    *budget -= wait;
                    sleep(wait).await;
                    continue;
                }
                Way::Held(_, error) | Way::Resting(error) => return Err(error),
            }
            let background_place = match urgency {
                Urgency::Asked => None,
                Urgency::Background => place(&self.background_places).await,
            };
            let Some(place) = place(&self.places).await else {
                continue;
            };
            // What held while it queued may not hold any more.
            if urgency == Urgency::Background && *self.asked.borrow() > 0 {
                continue;
            }
            let mut state = self.state();
            let tries = match state.way() {
                Way::Free => false,
                Way::Try => {
                    if let Some(rest) = &mut state.rest {
                        rest.is_tried = true;
                    }
                    true
                }
                Way::BeingTried | Way::Held(..) | Way::Resting(_) => continue,
            };
            return Ok(Pass {
                traffic: self,
                tries,
                _place: place,
                _background_place: background_place,
            });
        }
    }

    async fn nobody_waits(&self, urgency: Urgency) {
        if urgency == Urgency::Background {
            // It fails when the sender is gone, which this is.
            let _ = self.asked.subscribe().wait_for(|asked| *asked == 0).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Notes how the request ended.
    pub fn ended(mut self, outcome: &Result<Answer>) {
        let mut state = self.traffic.state();
        if let Ok(answer) = outcome
            && let (429 | 503, Some(wait)) = (answer.status.as_u16(), answer.retry_after())
            && !wait.is_zero()
        {
            let until = Instant::now() + wait;
            if state.held.as_ref().is_none_or(|(held, _)| *held < until) {
                state.held = Some((until, answer.error()));
            }
        }
        match failure(outcome) {
            Ending::Failure(cause) => state.failed(&self.traffic.limits, cause, self.tries),
            Ending::Answer => {
                state.failures = 0;
                state.rest = None;
            }
            Ending::Neither => return,
        }
        drop(state);
        if self.tries {
            self.tries = false;
            self.traffic.tried.notify_waiters();
        }
    }
}

/// A request that was given up tells nothing: the next one tries.
impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.tries {
            if let Some(rest) = &mut self.traffic.state().rest {
                rest.is_tried = false;
            }
            self.traffic.tried.notify_waiters();
        }
    }
}

impl State {
    fn way(&mut self) -> Way {
        let now = Instant::now();
        if let Some((until, error)) = &self.held {
            if *until > now {
                let wait = *until - now;
                return Way::Held(wait, error.clone().again_in(wait));
            }
            self.held = None;
        }
        match &self.rest {
            None => Way::Free,
            Some(rest) if rest.until > now => Way::Resting(Error::Resting {
                again_in: rest.until - now,
                cause: Box::new(rest.cause.clone()),
            }),
            Some(rest) if rest.is_tried => Way::BeingTried,
            Some(_) => Way::Try,
        }
    }

    fn failed(&mut self, limits: &Limits, cause: Error, has_tried: bool) {
        self.failures = self.failures.saturating_add(1);
        let length = match &self.rest {
            // Requests that began before the rest tell nothing new.
            Some(_) if !has_tried => return,
            Some(rest) => rest.length.saturating_mul(2).min(limits.longest_rest),
            None if self.failures >= limits.failures.max(1) => limits.rest,
            None => return,
        };
        self.rest = Some(Rest {
            until: Instant::now() + length,
            length,
            cause,
            is_tried: false,
        });
    }
}

enum Ending {
    Failure(Error),
    /// Somebody is there.
    Answer,
    /// It says nothing about whether somebody is there.
    Neither,
}

fn failure(outcome: &Result<Answer>) -> Ending {
    match outcome {
        Ok(answer) if matches!(answer.status.as_u16(), 502..=504) => {
            Ending::Failure(answer.error())
        }
        Ok(_) => Ending::Answer,
        Err(
            error @ (Error::DnsFailed { .. }
            | Error::HostUnreachable { .. }
            | Error::TimedOut { .. }
            | Error::ConnectionLost { .. }),
        ) => Ending::Failure(error.clone()),
        Err(_) => Ending::Neither,
    }
}

async fn place(places: &Semaphore) -> Option<SemaphorePermit<'_>> {
    // It fails when the semaphore is closed, which nobody does.
    places.acquire().await.ok()
}

#[cfg(test)]
mod tests;
