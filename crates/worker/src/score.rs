//! One pass over a customer file: from the object store through the model and back, on a blocking
//! thread, in memory that does not grow with the file. Knows no job and no database.

use std::any::Any;
use std::io::{self, BufWriter as IoBufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use object_store::GetResult;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use platform::failpoints;
use platform::objects::{Objects, blocking_reader};
use scoring::{Dialect, InputError, Model, ScoreError, ScoreOptions, Summary};
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

use crate::attempt::Attempt;
use crate::input::Hashed;
use crate::output::{Measure, Measured};

/// Calls into the asynchronous writer are made in blocks of this size.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;

/// What is scored, how, and where it goes.
pub(crate) struct Pass {
    pub(crate) objects: Objects,
    pub(crate) input: Path,
    /// What the input was when it was uploaded.
    pub(crate) input_sha256: [u8; 32],
    pub(crate) output: Path,
    pub(crate) model: Arc<Model>,
    pub(crate) dialect: Dialect,
    pub(crate) options: ScoreOptions,
}

/// How a pass ended.
pub(crate) enum Passed {
    /// The result is stored.
    Done { summary: Summary, result: Measure },
    /// The customer's file cannot be scored; nothing is stored.
    BadInput(InputError),
    /// The stored file is not the one that was uploaded; nothing is stored.
    InputDamaged,
    /// The attempt was told to stop; nothing is stored.
    Stopped,
    /// The object store failed, for reading or writing.
    StoreFailed(io::Error),
    /// The code of a model or of the scorer panicked; what it said.
    Panicked(String),
}

impl Pass {
    /// Scores the file. Ends when the blocking thread has ended, whatever the outcome, so that
    /// nothing writes any more when the caller goes on.
    pub(crate) async fn run(self, attempt: Arc<Attempt>) -> Passed {
        let input = match self.objects.reader(&self.input).await {
            Ok(found) => found,
            Err(error) => return Passed::StoreFailed(io::Error::other(error)),
        };
        let runtime = Handle::current();
        let span = tracing::Span::current();
        let thread =
            tokio::task::spawn_blocking(move || span.in_scope(|| self.score(input, &runtime, &attempt)));
        match thread.await {
            Ok(passed) => passed,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => Passed::Panicked(words(panic.as_ref())),
                Err(cancelled) => Passed::StoreFailed(io::Error::other(cancelled)),
            },
        }
    }

    fn score(&self, input: GetResult, runtime: &Handle, attempt: &Attempt) -> Passed {
        let mut input = Hashed::new(blocking_reader(input, runtime));
        store(self.objects.writer(&self.output), runtime, |output| {
            let report = &mut |rows_done| {
                failpoints::at_blocking("score.running");
                attempt.advance(rows_done)
            };
            let scored =
                scoring::score_csv(&self.model, &self.dialect, &mut input, output, &self.options, report);
            // A fault in the file is the customer's only where it is still the customer's file.
            if matches!(scored, Ok(_) | Err(ScoreError::Input(_))) && input.digest()? != self.input_sha256 {
                return Err(Refusal::InputDamaged);
            }
            Ok(scored?)
        })
    }
}

/// Why nothing is stored.
enum Refusal {
    Score(ScoreError),
    InputDamaged,
}

impl From<ScoreError> for Refusal {
    fn from(error: ScoreError) -> Self {
        Refusal::Score(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Score(error.into())
    }
}

pub(crate) type Blocks = IoBufWriter<SyncIoBridge<BufWriter>>;

/// Stores what `score` writes, if it ends well.
///
/// A panic is caught here and not at the thread's end, so that the upload is aborted: what is left
/// of one in S3 would be paid for.
fn store(
    writer: BufWriter,
    runtime: &Handle,
    score: impl FnOnce(&mut Measured<Blocks>) -> Result<Summary, Refusal>,
) -> Passed {
    let bridge = SyncIoBridge::new_with_handle(writer, runtime.clone());
    let mut output = Measured::new(IoBufWriter::with_capacity(BLOCK_BYTES, bridge));
    let scored = catch_unwind(AssertUnwindSafe(|| score(&mut output)));
    let (buffered, result) = output.into_parts();
    let failure = match scored {
        Ok(Ok(summary)) => {
            return match finish(buffered) {
                Ok(()) => Passed::Done { summary, result },
                Err(error) => Passed::StoreFailed(error),
            };
        }
        Ok(Err(Refusal::InputDamaged)) => Passed::InputDamaged,
        Ok(Err(Refusal::Score(ScoreError::Input(error)))) => Passed::BadInput(error),
        Ok(Err(Refusal::Score(ScoreError::Stopped))) => Passed::Stopped,
        Ok(Err(Refusal::Score(ScoreError::Io(error)))) => Passed::StoreFailed(error),
        Err(panic) => Passed::Panicked(words(panic.as_ref())),
    };
    abort(buffered, runtime);
    failure
}

/// Writes the last part. The object exists, synced where it is a file, when this returns.
pub(crate) fn finish(buffered: Blocks) -> io::Result<()> {
    let mut bridge = buffered.into_inner().map_err(|error| error.into_error())?;
    bridge.flush()?;
    bridge.shutdown()
}

/// Takes back what was uploaded. A failure leaves parts that the store's own rules remove.
pub(crate) fn abort(buffered: Blocks, runtime: &Handle) {
    let (bridge, _unwritten) = buffered.into_parts();
    let mut writer = bridge.into_inner();
    if let Err(error) = runtime.block_on(writer.abort()) {
        tracing::info!(%error, "The upload of an unfinished result was not taken back");
    }
}

/// What a panic said, for the log. Words that were put together may quote a cell of a customer's file; where
/// the panic was is in the log already.
fn words(panic: &(dyn Any + Send)) -> String {
    panic.downcast_ref::<&str>().copied().unwrap_or("its message is not shown").to_owned()
}

#[cfg(test)]
mod tests {
    use platform::objects::Objects;
    use scoring::{Inspector, Limits, OnError};
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;

    const CUSTOMERS: &[u8] = b"id,tenure\n1,0\n2,72\n";

    /// A store in a directory of its own, with a customer file in it.
    struct Shelf {
        _directory: tempfile::TempDir,
        objects: Objects,
    }

    impl Shelf {
        async fn with(input: &[u8]) -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let url = format!("file://{}", directory.path().display());
            let objects = Objects::open(&url).expect("a store");
            objects.put(&"in".into(), input.to_vec().into()).await.expect("a stored input");
            Self { _directory: directory, objects }
        }

        fn pass(&self, input: &[u8]) -> Pass {
            let limits = Limits { bytes_max: 1 << 20, columns_max: 10, record_bytes_max: 1 << 10 };
            let mut inspector = Inspector::new(limits);
            inspector.push(input).expect("a readable file");
            Pass {
                objects: self.objects.clone(),
                input: "in".into(),
                input_sha256: Sha256::digest(input).into(),
                output: "out".into(),
                model: Arc::new(model()),
                dialect: inspector.finish().expect("a readable file").dialect,
                options: ScoreOptions { on_error: OnError::Fail, rows_max: 100, ..ScoreOptions::default() },
            }
        }

        async fn stored(&self) -> Option<Vec<u8>> {
            self.objects.get(&"out".into()).await.ok().map(Vec::from)
        }
    }

    /// Those with a tenure below 36 leave.
    fn model() -> Model {
        let file = json!({"format": "augur-linear-1", "intercept": 0.0,
            "terms": [{"mean": 36.0, "scale": 1.0, "weight": -1.0}]});
        let file = serde_json::to_vec(&file).expect("JSON");
        let sha256 = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let manifest = json!({"name": "test", "algorithm": "logistic", "version": "1", "description": "",
            "file": "model.json", "sha256": sha256, "threshold": 0.5,
            "schema": {"features": [{"name": "tenure", "kind": "number"}]},
            "inputs": [{"name": "tenure", "feature": "tenure", "encoding": "number", "missing": 36.0}],
            "calibration": {"slope": 1.0, "offset": 0.0}});
        let manifest = serde_json::to_vec(&manifest).expect("JSON");
        Model::from_parts(&manifest, &file).expect("a model")
    }

    #[tokio::test]
    async fn a_result_is_stored_with_its_size_and_hash() {
        let shelf = Shelf::with(CUSTOMERS).await;
        let attempt = Arc::new(Attempt::default());
        let Passed::Done { summary, result } = shelf.pass(CUSTOMERS).run(attempt.clone()).await else {
            panic!("the file can be scored");
        };
        let stored = shelf.stored().await.expect("a result");
        let text = String::from_utf8(stored.clone()).expect("text");
        assert_eq!(text.lines().next(), Some("id,tenure,stays,churn_probability"));
        assert_eq!((summary.rows, summary.stays, summary.leaves), (2, 1, 1));
        assert_eq!(result.bytes, stored.len() as u64);
        let digest: [u8; 32] = Sha256::digest(&stored).into();
        assert_eq!(result.sha256, digest);
        assert_eq!(result.small, Some(stored));
        assert_eq!(attempt.rows_done(), 2);
    }

    #[tokio::test]
    async fn a_word_in_a_number_stores_nothing_and_says_where() {
        let input = b"id,tenure\n1,0\n2,many\n";
        let shelf = Shelf::with(input).await;
        let Passed::BadInput(error) = shelf.pass(input).run(Arc::default()).await else {
            panic!("a word is no number");
        };
        assert_eq!(error.problems[0].line, 3);
        assert_eq!(shelf.stored().await, None);
    }

    #[tokio::test]
    async fn a_file_that_is_not_the_one_that_was_uploaded_is_not_scored() {
        for stored in [&b"id,tenure\n1,0\n2,71\n"[..], b"id,tenure\n1,0\n", b"id,tenure\n1,x\n2,72\n"] {
            let shelf = Shelf::with(stored).await;
            assert!(matches!(shelf.pass(CUSTOMERS).run(Arc::default()).await, Passed::InputDamaged));
            assert_eq!(shelf.stored().await, None);
        }
    }

    #[tokio::test]
    async fn a_stopped_pass_stores_nothing() {
        let shelf = Shelf::with(CUSTOMERS).await;
        let attempt = Arc::new(Attempt::default());
        attempt.stop();
        assert!(matches!(shelf.pass(CUSTOMERS).run(attempt).await, Passed::Stopped));
        assert_eq!(shelf.stored().await, None);
    }

    #[tokio::test]
    async fn a_missing_input_is_the_stores_failure() {
        let shelf = Shelf::with(CUSTOMERS).await;
        let pass = Pass { input: "elsewhere".into(), ..shelf.pass(CUSTOMERS) };
        assert!(matches!(pass.run(Arc::default()).await, Passed::StoreFailed(_)));
    }

    #[tokio::test]
    async fn a_panic_stores_nothing_and_quotes_nothing() {
        let shelf = Shelf::with(CUSTOMERS).await;
        let writer = shelf.objects.writer(&"out".into());
        let runtime = Handle::current();
        let passed = tokio::task::spawn_blocking(move || {
            store(writer, &runtime, |output| {
                output.write_all(&vec![b'x'; 20 << 20])?;
                let cell = String::from_utf8_lossy(CUSTOMERS);
                panic!("cannot read {cell}");
            })
        });
        let Passed::Panicked(words) = passed.await.expect("the panic was caught") else {
            panic!("a panic is no other outcome");
        };
        assert_eq!(words, "its message is not shown");
        assert_eq!(shelf.stored().await, None);
    }
}
