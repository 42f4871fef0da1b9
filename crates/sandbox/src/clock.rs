//! The organization's clock: real time plus what the admin door has advanced it by, so that tests need not wait.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_seconds: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        let ahead = SignedDuration::from_secs(self.ahead_seconds.load(Ordering::SeqCst));
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Moves the clock forward (or back).
    pub(crate) fn advance(&self, seconds: i64) {
        self.ahead_seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}
