//! When a prediction will be ready: what was measured of the models' speed, and what waits before it.

mod db;

use crate::predictions::inspector;
use crate::{Error, ModelVersionId, Platform, PredictionId, models};
use bytes::Bytes;
use scoring::{ScoreOptions, score_csv};
use std::{
    collections::HashMap,
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// Files with fewer customers say little about speed.
const MEASURED_ROWS_MIN: i64 = 20_000;
/// How many of the newest predictions are looked at.
const MEASURED_MAX: i64 = 500;
/// A model is timed on this many passes over the sample; the best counts.
const PASSES: u32 = 3;

/// As many times quicker than on one thread a model may be taken to be.
const THREADS_MAX: f64 = 8.0;

/// How fast models were on this machine, by version, where it was tried.
#[derive(Default)]
pub(crate) struct Timings(Mutex<HashMap<ModelVersionId, f64>>);

/// What is known about the time that predictions take.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// Customers that wait or are being scored, of all tenants.
    pub rows_waiting: u64,
    /// Worker processes heard of lately.
    pub workers: u32,
    /// Customers per second that the models made in predictions of late, by version.
    rows_per_second: HashMap<ModelVersionId, f64>,
}

/// Where an unfinished prediction stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Which of the workers has it, counted from 1.
    pub worker: Option<u32>,
    /// Worker processes heard of lately.
    pub workers: u32,
    /// Unfinished predictions, of all tenants, that were accepted before it.
    pub ahead: u64,
}

impl Outlook {
    /// The expected time for this many customers, given the model's speed.
    pub fn expected(&self, rows: u64, rows_per_second: f64) -> Duration {
        // Neither is near 2^53, so that nothing is lost.
        let before = self.rows_waiting as f64 / f64::from(self.workers.max(1));
        let seconds = (rows as f64 + before) / rows_per_second.max(1.0);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// Looks at the queue and at what the models did of late.
pub async fn outlook(platform: &Platform) -> Result<Outlook, Error> {
    let mut connection = platform.system.acquire().await?;
    let (rows_waiting, workers) = db::select_waiting(&mut connection).await?;
    let rows_per_second = db::select_speeds(&mut connection, MEASURED_MAX, MEASURED_ROWS_MIN).await?;
    Ok(Outlook { rows_waiting, workers, rows_per_second })
}

/// Where a prediction stands that the caller may look at. Nothing of it counts once it is finished.
pub async fn standing(platform: &Platform, id: PredictionId) -> Result<Standing, Error> {
    let mut connection = platform.system.acquire().await?;
    Ok(db::select_standing(&mut connection, id).await?.unwrap_or_default())
}

/// Customers per second of models, by version. What a model calculates is tried out here, once, on a sample of
/// customers in CSV; what reading and writing takes besides, which is the same for all, is what predictions of late
/// took longer. A model that cannot read the sample is as fast as it was of late, or not known.
pub async fn speeds(
    platform: &Platform,
    outlook: &Outlook,
    versions: &[ModelVersionId],
    sample: &Bytes,
) -> Result<HashMap<ModelVersionId, f64>, Error> {
    let mut tried = HashMap::new();
    for &version in versions.iter().chain(outlook.rows_per_second.keys()) {
        if let Some(speed) = tried_speed(platform, version, sample).await? {
            tried.insert(version, speed);
        }
    }
    Ok(outlook.speeds(versions, &tried))
}

impl Outlook {
    fn speeds(
        &self,
        versions: &[ModelVersionId],
        tried: &HashMap<ModelVersionId, f64>,
    ) -> HashMap<ModelVersionId, f64> {
        let longer =
            |(version, speed): (&ModelVersionId, &f64)| Some(1.0 / speed - 1.0 / tried.get(version)?);
        let besides: Vec<f64> = self.rows_per_second.iter().filter_map(longer).collect();
        let besides = besides.iter().sum::<f64>() / besides.len().max(1) as f64;
        let speed = |version: &ModelVersionId| match tried.get(version) {
            // Several threads can make it quicker than one, but not without end.
            Some(tried) => Some(1.0 / (1.0 / tried + besides).max(1.0 / tried / THREADS_MAX)),
            None => self.rows_per_second.get(version).copied(),
        };
        versions.iter().filter_map(|version| Some((*version, speed(version)?))).collect()
    }
}

async fn tried_speed(
    platform: &Platform,
    version: ModelVersionId,
    sample: &Bytes,
) -> Result<Option<f64>, Error> {
    let timings = &platform.timings.0;
    if let Some(&speed) = timings.lock().unwrap_or_else(PoisonError::into_inner).get(&version) {
        return Ok(Some(speed));
    }
    // A version of long ago may be gone; a file can be checked without its figures.
    let model = match models::load(platform, version).await {
        Err(Error::ModelUnavailable(_) | Error::NotFound(_)) => return Ok(None),
        model => model?,
    };
    let (inspector, sample) = (inspector(platform), sample.clone());
    let timed = spawn_blocking(move || time(&model, inspector, &sample)).await.map_err(Error::internal)?;
    if let Some(speed) = timed {
        timings.lock().unwrap_or_else(PoisonError::into_inner).insert(version, speed);
    }
    Ok(timed)
}

/// One thread scores a sample, as a worker would.
fn time(model: &scoring::Model, mut inspector: scoring::Inspector, sample: &[u8]) -> Option<f64> {
    inspector.push(sample).ok()?;
    let dialect = inspector.finish().ok()?.dialect;
    let options = ScoreOptions { threads: 1, ..ScoreOptions::default() };
    let mut best: Option<f64> = None;
    for _ in 0..PASSES {
        let started = Instant::now();
        let summary = score_csv(model, &dialect, sample, io::sink(), &options, &mut |_| true).ok()?;
        let speed = summary.rows as f64 / started.elapsed().as_secs_f64().max(1e-9);
        best = Some(best.map_or(speed, |best| best.max(speed)));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_shared_among_the_workers_and_comes_first() {
        let outlook = Outlook { rows_waiting: 4_000, workers: 2, ..Outlook::default() };
        assert_eq!(outlook.expected(1_000, 1_000.0), Duration::from_secs(3));
        assert_eq!(Outlook::default().expected(500, 1_000.0), Duration::from_millis(500));
        assert_eq!(Outlook::default().expected(u64::MAX, 0.0), Duration::MAX);
    }

    #[test]
    fn what_one_model_took_longer_for_its_files_others_will_take_too() {
        let [measured, tried, unreadable, unknown] = [0; 4].map(|_| ModelVersionId::new());
        let rows_per_second = HashMap::from([(measured, 500.0), (unreadable, 70.0)]);
        let outlook = Outlook { rows_per_second, ..Outlook::default() };
        // On the sample it made 1,000: its files took a millisecond more for each customer.
        let on_sample = HashMap::from([(measured, 1_000.0), (tried, 250.0)]);
        let speeds = outlook.speeds(&[measured, tried, unreadable, unknown], &on_sample);
        assert!((speeds[&measured] - 500.0).abs() < 1e-6 && (speeds[&tried] - 200.0).abs() < 1e-6);
        assert_eq!((speeds[&unreadable], speeds.get(&unknown)), (70.0, None));
        assert_eq!(Outlook::default().speeds(&[tried], &on_sample)[&tried], 250.0);
    }
}
