//! One pass over a customer file: from the object store through the model and back, on a blocking
//! thread, in memory that does not grow with the file. Knows no job and no database.

use std::any::Any;
use std::io::{self, BufWriter as IoBufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{GetResult, GetResultPayload};
use platform::objects::Objects;
use scoring::{Dialect, InputError, Model, ScoreError, ScoreOptions, Summary};
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::attempt::Attempt;
use crate::output::{Measure, Measured};

/// Calls into the asynchronous writer are made in blocks of this size.
const BLOCK_BYTES: usize = 256 << 10;

/// What is scored, how, and where it goes.
pub(crate) struct Pass {
    pub(crate) objects: Objects,
    pub(crate) input: Path,
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
        let thread = tokio::task::spawn_blocking(move || self.score(input, &runtime, &attempt));
        match thread.await {
            Ok(passed) => passed,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => Passed::Panicked(words(panic.as_ref())),
                Err(cancelled) => Passed::StoreFailed(io::Error::other(cancelled)),
            },
        }
    }

    fn score(&self, input: GetResult, runtime: &Handle, attempt: &Attempt) -> Passed {
        let writer = self.objects.writer(&self.output);
        let bridge = SyncIoBridge::new_with_handle(writer, runtime.clone());
        let mut output = Measured::new(IoBufWriter::with_capacity(BLOCK_BYTES, bridge));
        // A panic is caught here and not at the thread's end, so that the upload is aborted: what
        // is left of one in S3 would be paid for.
        let scored = catch_unwind(AssertUnwindSafe(|| {
            scoring::score_csv(
                &self.model,
                &self.dialect,
                reader(input, runtime),
                &mut output,
                &self.options,
                &mut |rows_done| attempt.advance(rows_done),
            )
        }));
        let (buffered, result) = output.into_parts();
        match scored {
            Ok(Ok(summary)) => match finish(buffered) {
                Ok(()) => Passed::Done { summary, result },
                Err(error) => Passed::StoreFailed(error),
            },
            Ok(Err(error)) => {
                abort(buffered, runtime);
                match error {
                    ScoreError::Input(error) => Passed::BadInput(error),
                    ScoreError::Stopped => Passed::Stopped,
                    ScoreError::Io(error) => Passed::StoreFailed(error),
                }
            }
            Err(panic) => {
                abort(buffered, runtime);
                Passed::Panicked(words(panic.as_ref()))
            }
        }
    }
}

type Output = IoBufWriter<SyncIoBridge<BufWriter>>;

/// A local file is read as it is; what comes over a network is bridged to blocking reads.
fn reader(input: GetResult, runtime: &Handle) -> Box<dyn Read> {
    match input.payload {
        GetResultPayload::File(file, _) => Box::new(file),
        GetResultPayload::Stream(stream) => {
            let stream = StreamReader::new(stream.map_err(io::Error::from));
            Box::new(SyncIoBridge::new_with_handle(stream, runtime.clone()))
        }
    }
}

/// Writes the last part. The object exists, synced where it is a file, when this returns.
fn finish(buffered: Output) -> io::Result<()> {
    let mut bridge = buffered.into_inner().map_err(|error| error.into_error())?;
    bridge.flush()?;
    bridge.shutdown()
}

/// Takes back what was uploaded. A failure leaves parts that the store's own rules remove.
fn abort(buffered: Output, runtime: &Handle) {
    let (bridge, _unwritten) = buffered.into_parts();
    let mut writer = bridge.into_inner();
    if let Err(error) = runtime.block_on(writer.abort()) {
        tracing::info!(%error, "The upload of an unfinished result was not taken back");
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without words".to_owned()
    }
}
