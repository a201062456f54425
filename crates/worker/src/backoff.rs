//! How long to wait before the next try: doubling from a first delay to a longest one, with jitter,
//! so that many workers do not come back to a healed service in step.

use std::time::Duration;

/// Delays that double. [`Backoff::reset`] after a success starts again.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The next delay: between half of the current step and all of it.
    pub(crate) fn delay(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        step.mul_f64(0.5) + any_delay(step.mul_f64(0.5))
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Any delay up to the longest, so that of several workers one comes first.
pub(crate) fn any_delay(longest: Duration) -> Duration {
    longest.mul_f64(f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_the_longest_and_start_again_after_a_reset() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for step_ms in [100, 200, 400, 800, 1_000, 1_000] {
            let delay = backoff.delay();
            assert!(delay >= Duration::from_millis(step_ms / 2), "{delay:?}");
            assert!(delay <= Duration::from_millis(step_ms), "{delay:?}");
        }
        backoff.reset();
        assert!(backoff.delay() <= Duration::from_millis(100));
    }
}
