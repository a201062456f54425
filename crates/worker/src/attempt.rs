//! What the two sides of one attempt share: the blocking thread that scores, and the tasks that
//! keep its lease and watch the clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One attempt at one job, while it runs.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    rows_done: AtomicU64,
    stopped: AtomicBool,
    lost: AtomicBool,
}

impl Attempt {
    /// Called by the scoring thread; `false` tells it to stop.
    pub(crate) fn advance(&self, rows_done: u64) -> bool {
        self.rows_done.store(rows_done, Ordering::Relaxed);
        !self.stopped.load(Ordering::Acquire)
    }

    pub(crate) fn rows_done(&self) -> u64 {
        self.rows_done.load(Ordering::Relaxed)
    }

    /// Makes the scoring thread stop at its next report.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// The lease is somebody else's, or the job has ended: the scoring is for nothing.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.stop();
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_attempt_stops_at_its_next_report() {
        let attempt = Attempt::default();
        assert!(attempt.advance(1_000));
        assert_eq!(attempt.rows_done(), 1_000);
        attempt.lose();
        assert!(!attempt.advance(2_000));
        assert!(attempt.is_lost());
    }
}
