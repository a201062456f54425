//! Starts processes again that have died, as whoever runs an installation does.

use std::time::{Duration, Instant};

use tests::installation::Installation;

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long a death may come after what it can no longer hinder.
const DEATH_LIMIT: Duration = Duration::from_secs(10);

/// An installation of which one process dies at a failpoint, and comes back.
pub struct Supervisor {
    /// What it watches over.
    pub on: Installation,
    failpoint: &'static str,
    /// The variables with which a process dies.
    kill: Vec<(String, String)>,
    /// How many lives end at the failpoint, where it is reached.
    mortal_lives: usize,
    deaths: usize,
    last_death: Instant,
    /// How many deaths a plain worker waits for before it comes.
    worker_after: Option<usize>,
}

impl Supervisor {
    /// Watches over an installation of which `lives` lives have the variables `kill`.
    pub fn new(
        on: Installation,
        failpoint: &'static str,
        kill: Vec<(String, String)>,
        lives: usize,
    ) -> Supervisor {
        let last_death = Instant::now();
        Supervisor { on, failpoint, kill, mortal_lives: lives, deaths: 0, last_death, worker_after: None }
    }

    /// Starts the worker that will die.
    pub fn start_mortal_worker(&mut self) {
        self.on.start_worker_with(&[], &self.kill);
    }

    /// Has a plain worker come after so many deaths.
    pub fn start_worker_after(&mut self, deaths: usize) {
        self.worker_after = Some(deaths);
    }

    /// How often a process has died.
    pub fn deaths(&self) -> usize {
        self.deaths
    }

    /// For how long nobody has died.
    pub fn seconds_since_last_death(&self) -> f64 {
        self.last_death.elapsed().as_secs_f64()
    }

    /// Starts whoever dies again until the work is done.
    pub async fn watch_over<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(INTERVAL) => self.tend(),
            }
        }
    }

    /// Waits for deaths that come after everything else is done.
    pub async fn expect_deaths(&mut self, deaths: usize) {
        let started = Instant::now();
        while self.deaths < deaths && started.elapsed() < DEATH_LIMIT {
            tokio::time::sleep(INTERVAL).await;
            self.tend();
        }
    }

    fn tend(&mut self) {
        if self.on.server.ended().is_some() {
            let log = self.on.server.logged();
            let variables = self.bury(&log);
            self.on.start_server_again(&variables);
        }
        if self.on.workers.last_mut().is_some_and(|worker| worker.ended().is_some()) {
            // A worker's log is its own; whoever died before it is counted already.
            let log: String = self.on.workers.iter().map(|worker| worker.logged()).collect();
            let variables = self.bury(&log);
            self.on.start_worker_with(&[], &variables);
        }
        if self.worker_after.is_some_and(|deaths| self.deaths >= deaths) {
            self.worker_after = None;
            self.on.start_worker(&[]);
        }
    }

    /// Counts a death, which must have happened at the failpoint, and says how the next life begins.
    fn bury(&mut self, log: &str) -> Vec<(String, String)> {
        self.deaths += 1;
        self.last_death = Instant::now();
        let reached = log.lines().filter(|line| line.contains("A failpoint was reached"));
        let here = reached.filter(|line| line.contains(self.failpoint)).count();
        assert_eq!(here, self.deaths, "a process has died elsewhere than at {}", self.failpoint);
        if self.deaths < self.mortal_lives { self.kill.clone() } else { Vec::new() }
    }
}
