//! The moments of one order's life at which something may break.

/// Between debit and acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// M1: everything is written, and not committed.
    BeforeDebit,
    /// M2: accepted, and the broker has not confirmed.
    Accepted,
    /// M3: published, and not started.
    Published,
    /// M4: while scoring.
    Scoring,
    /// M5: the result is stored, and not settled.
    Stored,
    /// M6: settled, and not acknowledged.
    Settled,
}

/// All of them, in the order of an order's life.
pub const MOMENTS: [Moment; 6] = [
    Moment::BeforeDebit,
    Moment::Accepted,
    Moment::Published,
    Moment::Scoring,
    Moment::Stored,
    Moment::Settled,
];

impl Moment {
    /// Where a process is held at this moment.
    pub fn failpoint(self) -> &'static str {
        match self {
            Moment::BeforeDebit => "accept.recorded",
            Moment::Accepted => "relay.marked",
            Moment::Published => "job.received",
            Moment::Scoring => "score.running",
            Moment::Stored => "score.stored",
            Moment::Settled => "job.ended",
        }
    }

    /// Whether the API is held, and not a worker.
    pub fn is_in_server(self) -> bool {
        self <= Moment::Accepted
    }

    /// Its number, as the table of faults has it.
    pub fn name(self) -> &'static str {
        ["M1", "M2", "M3", "M4", "M5", "M6"][self as usize]
    }
}
