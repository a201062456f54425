//! Rankings of results, each made when it is first asked for and kept for a while.
//!
//! A ranking is made once however many ask at a time, on a blocking thread, and goes on where nobody waits any
//! more. It lies in a temporary file without a name; how many there are, how much they take and how many wait
//! to be made is bounded.

use crate::objects::{Objects, blocking_reader, result_path};
use crate::{Error, PredictionId};
use futures::future::{BoxFuture, FutureExt, Shared};
use scoring::Ranking;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::Semaphore, task::spawn_blocking};

/// How many rankings are kept, and what they may take together in temporary files.
const KEPT_MAX: usize = 64;
const KEPT_BYTES_MAX: u64 = 1 << 30;

/// One that nobody has asked for since this long is made anew.
const UNUSED_TIME_MAX: Duration = Duration::from_secs(3600);

/// How many are made at a time, and how many may be made or wait for it.
const MAKING_MAX: usize = 2;
const MAKING_OR_WAITING_MAX: usize = 16;

/// What a ranked customer takes.
const ROW_BYTES: u64 = 8;

/// A result that is ranked.
pub(super) struct Ranked {
    pub(super) id: PredictionId,
    pub(super) attempt: i32,
    pub(super) delimiter: char,
    pub(super) rows: u64,
}

/// The rankings of a process.
pub(crate) struct Rankings {
    kept: Mutex<HashMap<(PredictionId, i32), Kept>>,
    permits: Arc<Semaphore>,
}

struct Kept {
    ranking: Making,
    used_at: Instant,
    bytes: u64,
}

type Making = Shared<BoxFuture<'static, Result<Arc<Ranking>, Failure>>>;

/// Why there is no ranking; everybody who waited for it is told.
#[derive(Clone)]
enum Failure {
    Missing,
    Unreadable(String),
}

impl Default for Rankings {
    fn default() -> Rankings {
        Rankings { kept: Mutex::default(), permits: Arc::new(Semaphore::new(MAKING_MAX)) }
    }
}

impl Rankings {
    /// The ranking of a result, once it is made. Whoever stops waiting does not stop the making.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the result is not there; [`Error::Busy`] where too many are being made.
    pub(super) async fn get(&self, objects: &Objects, ranked: Ranked) -> Result<Arc<Ranking>, Error> {
        let key = (ranked.id, ranked.attempt);
        let making = self.begin(objects, ranked)?;
        making.await.map_err(|failure| {
            self.kept().remove(&key);
            match failure {
                Failure::Missing => Error::NotFound("file"),
                Failure::Unreadable(detail) => Error::Unavailable { dependency: "object store", detail },
            }
        })
    }

    /// Drops what is known of a prediction.
    pub(crate) fn forget(&self, id: PredictionId) {
        self.kept().retain(|key, _| key.0 != id);
    }

    fn begin(&self, objects: &Objects, ranked: Ranked) -> Result<Making, Error> {
        let key = (ranked.id, ranked.attempt);
        let bytes = ranked.rows.saturating_mul(ROW_BYTES);
        let mut kept = self.kept();
        if let Some(found) = kept.get_mut(&key) {
            found.used_at = Instant::now();
            return Ok(found.ranking.clone());
        }
        kept.retain(|_, kept| !kept.is_made() || kept.used_at.elapsed() < UNUSED_TIME_MAX);
        if kept.values().filter(|kept| !kept.is_made()).count() >= MAKING_OR_WAITING_MAX {
            return Err(Error::Busy);
        }
        while kept.len() >= KEPT_MAX
            || kept.values().map(|kept| kept.bytes).sum::<u64>() + bytes > KEPT_BYTES_MAX
        {
            let made = kept.iter().filter(|(_, kept)| kept.is_made());
            let Some(oldest) = made.min_by_key(|(_, kept)| kept.used_at).map(|(key, _)| *key) else { break };
            kept.remove(&oldest);
        }
        let making = tokio::spawn(make(objects.clone(), self.permits.clone(), ranked));
        let ranking = making
            .map(|made| made.unwrap_or_else(|error| Err(Failure::Unreadable(error.to_string()))))
            .boxed()
            .shared();
        kept.insert(key, Kept { ranking: ranking.clone(), used_at: Instant::now(), bytes });
        Ok(ranking)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<(PredictionId, i32), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_made(&self) -> bool {
        self.ranking.peek().is_some()
    }
}

async fn make(objects: Objects, permits: Arc<Semaphore>, ranked: Ranked) -> Result<Arc<Ranking>, Failure> {
    let _permit = permits.acquire().await.map_err(|error| Failure::Unreadable(error.to_string()))?;
    let result =
        objects.reader(&result_path(ranked.id, ranked.attempt)).await.map_err(|error| match error {
            Error::NotFound(_) => Failure::Missing,
            other => Failure::Unreadable(other.to_string()),
        })?;
    let runtime = Handle::current();
    let started = Instant::now();
    let ranking =
        spawn_blocking(move || Ranking::of_result(ranked.delimiter, blocking_reader(result, &runtime)))
            .await
            .map_err(|error| Failure::Unreadable(error.to_string()))?
            .map_err(|error| Failure::Unreadable(error.to_string()))?;
    let (rows, elapsed_ms) = (ranking.rows(), started.elapsed().as_millis());
    tracing::debug!(prediction_id = %ranked.id, rows, elapsed_ms, "a result was ranked");
    Ok(Arc::new(ranking))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shelf {
        directory: std::path::PathBuf,
        objects: Objects,
    }

    impl Shelf {
        fn new() -> Shelf {
            let directory = std::env::temp_dir().join(format!("augur-rankings-{}", PredictionId::new()));
            let objects = Objects::open(&format!("file://{}", directory.display())).unwrap();
            Shelf { directory, objects }
        }

        async fn result(&self, rows: u64) -> Ranked {
            let id = PredictionId::new();
            let text = "id,stays,churn_probability\na,1,0.100000\nb,0,0.900000\n";
            self.objects.put(&result_path(id, 1), text.into()).await.unwrap();
            Ranked { id, attempt: 1, delimiter: ',', rows }
        }
    }

    impl Drop for Shelf {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }

    fn same(ranked: &Ranked) -> Ranked {
        Ranked { ..*ranked }
    }

    #[tokio::test]
    async fn two_who_ask_at_a_time_get_the_same_ranking_and_so_does_a_third() {
        let (shelf, rankings) = (Shelf::new(), Rankings::default());
        let result = shelf.result(2).await;
        let ask = || rankings.get(&shelf.objects, same(&result));
        let (first, second) = tokio::join!(ask(), ask());
        let (first, second, third) = (first.unwrap(), second.unwrap(), ask().await.unwrap());
        assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&first, &third));
        assert_eq!(first.places(0, 1).unwrap()[0].millionths, 900_000);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_made_all_the_same() {
        let (shelf, rankings) = (Shelf::new(), Rankings::default());
        let result = shelf.result(2).await;
        drop(rankings.begin(&shelf.objects, same(&result)));
        shelf.objects.reader(&result_path(result.id, 1)).await.unwrap();
        while !rankings.kept().values().all(Kept::is_made) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            // Only waiting moves a shared future on; it finds the task's work done.
            let _ = rankings.kept().values().next().unwrap().ranking.clone().now_or_never();
        }
        assert!(rankings.get(&shelf.objects, result).await.is_ok());
    }

    #[tokio::test]
    async fn a_forgotten_ranking_is_made_anew_and_fails_where_the_result_is_gone() {
        let (shelf, rankings) = (Shelf::new(), Rankings::default());
        let result = shelf.result(2).await;
        rankings.get(&shelf.objects, same(&result)).await.unwrap();
        rankings.forget(result.id);
        shelf.objects.erase_prediction(result.id).await.unwrap();
        let gone = rankings.get(&shelf.objects, same(&result)).await;
        assert!(matches!(gone, Err(Error::NotFound(_))));
        assert!(rankings.kept().is_empty(), "a failure is not kept");
    }

    #[tokio::test]
    async fn the_rankings_that_were_used_last_are_kept() {
        let (shelf, rankings) = (Shelf::new(), Rankings::default());
        let half = KEPT_BYTES_MAX / ROW_BYTES / 2;
        let (first, second, third) =
            (shelf.result(half).await, shelf.result(half).await, shelf.result(1).await);
        for result in [&first, &second, &first, &third] {
            rankings.get(&shelf.objects, same(result)).await.unwrap();
        }
        let kept = |result: &Ranked| rankings.kept().contains_key(&(result.id, 1));
        assert_eq!([kept(&first), kept(&second), kept(&third)], [true, false, true]);
        for _ in 0..KEPT_MAX {
            let many = shelf.result(1).await;
            rankings.get(&shelf.objects, many).await.unwrap();
        }
        assert_eq!(rankings.kept().len(), KEPT_MAX);
    }
}
