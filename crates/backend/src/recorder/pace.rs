//! How long is waited before what failed is tried again.

use std::time::Duration;

/// The first wait and the longest one.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(300);

/// Where the randomness of the waits comes from: a number from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Jitter(pub fn() -> f64);

impl Default for Jitter {
    fn default() -> Self {
        Jitter(rand::random::<f64>)
    }
}

/// The waits of one run of failures.
#[derive(Debug)]
pub(crate) struct Pace {
    jitter: Jitter,
    failures: u32,
}

impl Pace {
    pub(crate) fn new(jitter: Jitter) -> Pace {
        Pace {
            jitter,
            failures: 0,
        }
    }

    /// It went well.
    pub(crate) fn relax(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now. What the service asked for is waited exactly; else it is twice as long each time, somewhere
    /// between half of that and the whole, so that many companions do not come back at the same moment.
    pub(crate) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(16)));
        self.failures = self.failures.saturating_add(1);
        let longest = doubled.min(LONGEST);
        asked.unwrap_or_else(|| longest.mul_f64(0.5 + (self.jitter.0)().clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_get_longer_are_spread_and_keep_to_what_was_asked_for() {
        let mut least = Pace::new(Jitter(|| 0.0));
        let mut most = Pace::new(Jitter(|| 1.0));
        for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let whole = Duration::from_secs(seconds);
            assert_eq!(least.wait(None), whole / 2);
            assert_eq!(most.wait(None), whole);
        }
        let asked = Duration::from_secs(17);
        assert_eq!(least.wait(Some(asked)), asked);
        least.relax();
        assert_eq!(least.wait(None), Duration::from_secs(1));
    }
}
