//! The worker's figures for `/metrics`, named in one place. Labels have few values: kinds of jobs,
//! outcomes, sides of a connection; never an id.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use platform::jobs::JobKind;

const CLAIMED: &str = "augur_worker_jobs_claimed_total";
const ENDED: &str = "augur_worker_jobs_ended_total";
const IN_FLIGHT: &str = "augur_worker_jobs_in_flight";
const SECONDS: &str = "augur_worker_job_seconds";
const PUBLISHES: &str = "augur_queue_publishes_total";
const CONFIRMS: &str = "augur_queue_confirms_total";
const REFUSALS: &str = "augur_queue_refusals_total";
const RECONNECTS: &str = "augur_queue_reconnects_total";
const UNREADABLE: &str = "augur_queue_unreadable_total";

/// Tells the recorder what the figures mean. Called once, by whoever installs the recorder.
pub fn describe() {
    describe_counter!(CLAIMED, "Jobs claimed by this process");
    describe_counter!(
        ENDED,
        "Attempts ended, by outcome: succeeded, failed, lost, rescheduled, postponed, released, faulty"
    );
    describe_gauge!(IN_FLIGHT, "Jobs that this process works on now");
    describe_histogram!(SECONDS, Unit::Seconds, "Time of an attempt, from claim to end");
    describe_counter!(PUBLISHES, "Messages handed to the queue");
    describe_counter!(CONFIRMS, "Messages that the queue confirmed");
    describe_counter!(REFUSALS, "Messages refused, returned or not confirmed in time");
    describe_counter!(RECONNECTS, "Connections to the broker made again after a loss");
    describe_counter!(UNREADABLE, "Messages put on the dead-letter queue");
}

pub(crate) fn published(kind: JobKind) {
    counter!(PUBLISHES, "kind" => kind.as_str()).increment(1);
}

pub(crate) fn confirmed(kind: JobKind) {
    counter!(CONFIRMS, "kind" => kind.as_str()).increment(1);
}

pub(crate) fn refused(kind: JobKind) {
    counter!(REFUSALS, "kind" => kind.as_str()).increment(1);
}

pub(crate) fn reconnected(side: &'static str) {
    counter!(RECONNECTS, "side" => side).increment(1);
}

pub(crate) fn unreadable() {
    counter!(UNREADABLE).increment(1);
}

pub(crate) fn claimed(kind: JobKind) -> InFlight {
    counter!(CLAIMED, "kind" => kind.as_str()).increment(1);
    gauge!(IN_FLIGHT, "kind" => kind.as_str()).increment(1);
    InFlight(kind)
}

pub(crate) fn ended(kind: JobKind, outcome: &'static str, time: Duration) {
    counter!(ENDED, "kind" => kind.as_str(), "outcome" => outcome).increment(1);
    histogram!(SECONDS, "kind" => kind.as_str()).record(time.as_secs_f64());
}

/// Counts a job as in flight until it is dropped, panic or not.
pub(crate) struct InFlight(JobKind);

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT, "kind" => self.0.as_str()).decrement(1);
    }
}
