//! The time, passed in.

use jiff::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now (UTC).
    fn now(&self) -> Timestamp;
}

/// The computer's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // No finer than the files keep it, so that what was kept is what was.
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use jiff::{SignedDuration, Timestamp};

    use super::Clock;

    /// A clock that stands still until it is advanced.
    #[derive(Clone, Debug)]
    pub(crate) struct TestClock(Arc<Mutex<Timestamp>>);

    impl Default for TestClock {
        fn default() -> Self {
            TestClock(Arc::new(Mutex::new(
                Timestamp::from_second(1_790_000_000).unwrap(),
            )))
        }
    }

    impl TestClock {
        pub(crate) fn advance(&self, by: SignedDuration) {
            let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *now = now.checked_add(by).unwrap();
        }
    }

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
