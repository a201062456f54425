//! Whether the dependencies answer, asked at most once a second however often the process is probed.

use std::time::{Duration, Instant};

use futures::future::{BoxFuture, join_all};
use platform::health::{self, Health};
use tokio::sync::Mutex;

use crate::state::Api;

const FRESH: Duration = Duration::from_secs(1);

/// Asks a dependency that the platform does not know of, such as the broker. It must answer within seconds.
pub type HealthProbe = Box<dyn Fn() -> BoxFuture<'static, Health> + Send + Sync>;

/// The dependencies' last answers.
pub struct HealthChecks {
    probes: Vec<HealthProbe>,
    last: Mutex<Option<(Instant, Vec<Health>)>>,
}

impl HealthChecks {
    /// Checks of the platform's own dependencies and of those behind `probes`.
    pub fn new(probes: Vec<HealthProbe>) -> HealthChecks {
        HealthChecks { probes, last: Mutex::new(None) }
    }

    /// How the dependencies are. Whoever asks while they are being asked waits for the same answer.
    pub async fn check(&self, api: &Api) -> Vec<Health> {
        let mut last = self.last.lock().await;
        if let Some((asked_at, answers)) = last.as_ref()
            && asked_at.elapsed() < FRESH
        {
            return answers.clone();
        }
        let others = join_all(self.probes.iter().map(|probe| probe()));
        let (mut answers, others) = tokio::join!(health::check(&api.platform), others);
        answers.extend(others);
        for health in &answers {
            if let Some(problem) = &health.problem {
                tracing::warn!(dependency = health.name, problem, "A dependency does not answer.");
            }
        }
        *last = Some((Instant::now(), answers.clone()));
        answers
    }
}
