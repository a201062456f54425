//! What must be set up before a fault can strike: who is held where, and with which variables processes
//! start.

use std::time::Duration;

use tests::hold::{Hold, failpoints};

use crate::fault::Fault;
use crate::moment::Moment;

type Variables = Vec<(String, String)>;

/// An order ends within this time of the fault's end.
pub const RECOVERY_LIMIT: Duration = Duration::from_secs(30);
/// Three attempts that each leave a lease behind.
const THREE_LEASES: Duration = Duration::from_secs(60);
/// The deadline of a prediction that its sweeper is to refund.
const DEADLINE_SECONDS: &str = "4";

/// The preparation of one cell.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The failpoint at which the order is caught; without one, the request is sent after the fault.
    pub held_at: Option<&'static str>,
    /// The failpoint at which a sweeper is caught besides.
    sweeper_held_at: Option<&'static str>,
    /// What else the first worker does at its failpoints.
    worker_failpoint: Option<&'static str>,
    /// Whether a worker is there before the order.
    pub has_first_worker: bool,
    /// Workers without failpoints that come as soon as the order is caught.
    pub rescuers: usize,
    /// Variables of every process.
    pub environment: Variables,
    /// Variables of the API alone.
    of_server: Variables,
    /// Variables of the first worker alone.
    of_first_worker: Variables,
    /// Variables of the rescuers alone.
    pub of_rescuer: Variables,
    /// Whether the uploaded file cannot be scored.
    pub poisoned: bool,
    /// Whether the result must be there while the fault lasts.
    pub ends_during_fault: bool,
    /// Whether another order is placed afterwards.
    pub follows_up: bool,
    /// Within which time of its end the order must have ended.
    pub limit: Duration,
}

impl Plan {
    /// The preparation of a fault at a moment.
    pub fn of(fault: Fault, moment: Moment) -> Plan {
        let in_server = moment.is_in_server();
        let mut plan = Plan {
            held_at: Some(moment.failpoint()),
            sweeper_held_at: None,
            worker_failpoint: None,
            has_first_worker: !in_server,
            rescuers: 1,
            environment: Vec::new(),
            of_server: Vec::new(),
            of_first_worker: Vec::new(),
            of_rescuer: Vec::new(),
            poisoned: false,
            ends_during_fault: false,
            follows_up: true,
            limit: RECOVERY_LIMIT,
        };
        plan.adapt(fault, moment);
        plan
    }

    fn adapt(&mut self, fault: Fault, moment: Moment) {
        match fault {
            Fault::ClientGone if moment == Moment::Accepted => self.held_at = Some("accept.committed"),
            Fault::PanicOnce | Fault::PanicThrice => {
                self.held_at = None;
                self.worker_failpoint = Some(panics(fault, moment));
                self.rescuers = 0;
                self.limit = THREE_LEASES;
            }
            Fault::Poison => self.have_poison(moment),
            Fault::QueuePurged if moment == Moment::Published => {
                self.held_at = Some("relay.published");
                self.has_first_worker = false;
                self.rescuers = 0;
            }
            Fault::RedisKilled | Fault::RedisStopped => self.ends_during_fault = true,
            Fault::StoreUnwritable | Fault::StoreAway | Fault::DiskFull if moment == Moment::BeforeDebit => {
                self.held_at = None;
            }
            Fault::Clock(whose, offset) => self.bend_clock(whose, offset),
            Fault::Sweeper | Fault::SweeperFirst => {
                self.environment = vec![pair("PREDICTION_DEADLINE_SECONDS", DEADLINE_SECONDS)];
                self.follows_up = false;
                if fault == Fault::SweeperFirst {
                    self.sweeper_held_at = Some("sweep.overdue");
                    self.rescuers = 0;
                }
            }
            Fault::Terminated if !moment.is_in_server() => {
                self.of_first_worker = vec![pair("DRAIN_SECONDS", "2")];
            }
            _ => {}
        }
    }

    fn have_poison(&mut self, moment: Moment) {
        self.held_at = None;
        self.rescuers = 0;
        self.poisoned = moment == Moment::Scoring;
        // Poison that comes first in the queue has to wait for what comes after it.
        self.has_first_worker = self.poisoned;
    }

    fn bend_clock(&mut self, whose: Whose, offset: &'static str) {
        let variables = vec![
            pair("LD_PRELOAD", &clock_library().unwrap_or_default()),
            pair("FAKETIME", offset),
            pair("DONT_FAKE_MONOTONIC", "1"),
            pair("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        match whose {
            Whose::Server => self.of_server = variables,
            Whose::Holder => self.of_first_worker = variables,
            Whose::Rescuer => self.of_rescuer = variables,
        }
    }

    /// The variables of the API's first process.
    pub fn of_server(&self, hold: &Hold, sweepers: &Hold) -> Variables {
        let own = self.held_at.filter(|_| !self.has_first_worker).map(|place| hold.once_at(place));
        let sweepers = self.sweeper_held_at.map(|place| sweepers.once_at(place));
        with_failpoints(&self.of_server, own.into_iter().chain(sweepers).collect())
    }

    /// The variables of the first worker.
    pub fn of_first_worker(&self, hold: &Hold, sweepers: &Hold) -> Variables {
        let own = self.held_at.map(|place| hold.once_at(place));
        let other = self.worker_failpoint.map(str::to_owned);
        // It sweeps as the API does, and whoever comes first is caught.
        let sweepers = self.sweeper_held_at.map(|place| sweepers.once_at(place));
        with_failpoints(&self.of_first_worker, own.into_iter().chain(other).chain(sweepers).collect())
    }

    /// Whether the API answers although the order is held.
    pub fn is_answered_while_held(&self) -> bool {
        !matches!(self.held_at, Some("accept.recorded" | "accept.committed"))
    }
}

/// Whose clock is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The API's, and its sweeper's.
    Server,
    /// That of the worker that has the job.
    Holder,
    /// That of the other worker.
    Rescuer,
}

/// The library that gives a process another clock.
pub fn clock_library() -> Option<String> {
    let directories = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let mut places = directories.map(|path| path.join("faketime/libfaketimeMT.so.1"));
    places.find(|path| path.exists()).map(|path| path.display().to_string())
}

fn panics(fault: Fault, moment: Moment) -> &'static str {
    match (fault, moment) {
        (Fault::PanicOnce, Moment::Scoring) => "score.running=1*return(panic)",
        (Fault::PanicOnce, _) => "score.stored=1*return(panic)",
        (_, Moment::Scoring) => "score.running=3*return(panic)",
        _ => "score.stored=3*return(panic)",
    }
}

fn with_failpoints(variables: &Variables, instructions: Vec<String>) -> Variables {
    let set = (!instructions.is_empty()).then(|| failpoints(&instructions));
    variables.iter().cloned().chain(set).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
