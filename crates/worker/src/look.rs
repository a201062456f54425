//! The second look at a finished result, before it is settled: how its customers differ from those of the
//! training, and, where the upload named a key, each customer's score for outcomes to be joined to. On a blocking
//! thread, in bounded memory. Whatever goes wrong here is told to the operator and costs nobody a prediction.

use std::io::{self, BufWriter as IoBufWriter, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::buffered::BufWriter;
use platform::jobs::Claim;
use platform::monitoring::{self, KeptScores, KeyHasher, Score, ScoreWriter, SecondLook, scores_path};
use platform::objects::{blocking_reader, result_path};
use platform::{Error, Platform, PredictionId, in_time};
use scoring::monitoring::{DriftReport, Look as Wanted, Observation, observe};
use scoring::{Dialect, Model, ScoreError, Summary};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::io::SyncIoBridge;

use crate::attempt::Attempt;
use crate::output::Measure;
use crate::score::{BLOCK_BYTES, Blocks, abort, finish};

/// How long a look may take.
const LOOK_TIME_MAX: Duration = Duration::from_secs(180);
/// Of more customers only so many are read feature by feature: a share is then known to a fifth of a percent.
const ROWS_READ_MAX: u64 = 200_000;

/// What is looked at, and how.
pub(crate) struct Look {
    platform: Platform,
    claim: Claim,
    model: Arc<Model>,
    delimiter: char,
    decimal: char,
    key: Option<String>,
}

impl Look {
    pub(crate) fn new(
        platform: &Platform,
        claim: &Claim,
        model: &Arc<Model>,
        dialect: &Dialect,
        key: Option<String>,
    ) -> Look {
        Look {
            platform: platform.clone(),
            claim: claim.clone(),
            model: model.clone(),
            delimiter: dialect.delimiter,
            decimal: dialect.decimal,
            key,
        }
    }

    /// Looks at the result; sees nothing where that cannot be done.
    pub(crate) async fn again(
        self,
        summary: &Summary,
        result: &Measure,
        attempt: &Arc<Attempt>,
    ) -> SecondLook {
        if self.key.is_none() && self.model.manifest().profile.is_none() {
            return SecondLook::default();
        }
        let stop = Arc::new(AtomicBool::new(false));
        let seen = self.see(summary.rows, result, attempt.clone(), stop.clone());
        match timeout(LOOK_TIME_MAX, seen).await {
            Ok(Ok(look)) => look,
            Ok(Err(error)) => {
                tracing::warn!(%error, "A result could not be looked at once more; it is settled without that");
                SecondLook::default()
            }
            Err(_) => {
                stop.store(true, Ordering::Release);
                tracing::warn!("Looking at a result once more took too long; it is settled without that");
                SecondLook::default()
            }
        }
    }

    async fn see(
        self,
        rows: u64,
        result: &Measure,
        attempt: Arc<Attempt>,
        stop: Arc<AtomicBool>,
    ) -> Result<SecondLook, Error> {
        let prediction = PredictionId(self.claim.subject);
        let runtime = Handle::current();
        let input: Box<dyn Read + Send> = match &result.small {
            Some(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            None => {
                let path = result_path(prediction, self.claim.attempt);
                let object = self.platform.objects.reader(&path).await?;
                blocking_reader(object, &runtime)
            }
        };
        let hasher = match &self.key {
            Some(_) => Some(in_time(monitoring::key_hasher(&self.platform, self.claim.tenant)).await?),
            None => None,
        };
        let span = tracing::Span::current();
        let goes_on = move || !attempt.is_lost() && !stop.load(Ordering::Acquire);
        let looking = move || span.in_scope(|| self.look(rows, input, hasher, &runtime, goes_on));
        let looked = tokio::task::spawn_blocking(move || catch_unwind(AssertUnwindSafe(looking)));
        match looked.await {
            Ok(Ok(look)) => look.map_err(|error| Error::Internal(error.to_string())),
            Ok(Err(_)) => Err(Error::Internal("it panicked".to_owned())),
            Err(error) => Err(Error::Internal(error.to_string())),
        }
    }

    fn look(
        &self,
        rows: u64,
        input: Box<dyn Read + Send>,
        hasher: Option<KeyHasher>,
        runtime: &Handle,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<SecondLook, ScoreError> {
        let manifest = self.model.manifest();
        let wanted = Wanted {
            manifest,
            delimiter: self.delimiter,
            decimal: self.decimal,
            rows,
            rows_read_max: ROWS_READ_MAX,
            key: self.key.as_deref(),
        };
        let (seen, scores) = match hasher {
            None => (observe(&wanted, input, &mut |_, _, _| Ok(()), &mut goes_on)?, None),
            Some(hasher) => {
                let seen = self.keep(&wanted, input, &hasher, runtime, &mut goes_on)?;
                let scores = KeptScores {
                    key_column: self.key.clone().unwrap_or_default(),
                    rows: seen.rows,
                    retention: self.platform.limits.scores_retention,
                };
                (seen, Some(scores))
            }
        };
        let profile = manifest.profile.as_ref().filter(|profile| profile.fits(&manifest.schema));
        let drift = profile.map(|profile| DriftReport::new(profile, &manifest.schema, &seen));
        Ok(SecondLook { drift, scores })
    }

    /// Observes, and writes every customer's score. What is begun and not finished is taken back.
    fn keep(
        &self,
        wanted: &Wanted,
        input: Box<dyn Read + Send>,
        hasher: &KeyHasher,
        runtime: &Handle,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Observation, ScoreError> {
        let path = scores_path(PredictionId(self.claim.subject), self.claim.attempt);
        let mut output = ScoreWriter::new(blocks(self.platform.objects.writer(&path), runtime));
        let mut each = |key: &[u8], millionths: u32, group: u8| {
            output.write(&Score { hash: hasher.hash(key), millionths, group })
        };
        match observe(wanted, input, &mut each, goes_on) {
            Ok(seen) => {
                finish(output.into_inner())?;
                Ok(seen)
            }
            Err(error) => {
                abort(output.into_inner(), runtime);
                Err(error)
            }
        }
    }
}

fn blocks(writer: BufWriter, runtime: &Handle) -> Blocks {
    IoBufWriter::with_capacity(BLOCK_BYTES, SyncIoBridge::new_with_handle(writer, runtime.clone()))
}
