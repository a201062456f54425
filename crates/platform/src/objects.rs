//! Files: inputs, results and models, in a local directory or in S3.
//!
//! `inputs/{prediction}` and `results/{prediction}/{attempt}` hold customers' data;
//! `trainings/{training}/input` holds labelled customers, `trainings/{training}/{attempt}/...` what was made of
//! them: the model's file, its quality, its report, and what was said of the customers held out;
//! `scores/{prediction}/{attempt}` and `outcomes/{prediction}/{upload}` hold keyed hashes and what was predicted and
//! known of them; `models/{sha256}` holds the shipped models' files. Names are made of ids alone; what customers call their
//! files never reaches a path.

use crate::{Error, PredictionId, TrainingId};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::{
    GetResult, GetResultPayload, ObjectStore, ObjectStoreExt, ObjectStoreScheme, RetryConfig,
    aws::AmazonS3Builder, buffered::BufWriter, local::LocalFileSystem, path::Path, prefix::PrefixStore,
};
use sha2::{Digest, Sha256};
use std::{
    io::{self, Read},
    ops::Range,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};
use url::Url;

/// The size of the pieces in which a file is handed to the store.
const PART_BYTES: usize = 8 << 20;

/// How many pieces may be under way at once; with their size it bounds a writer's memory.
const PARTS_IN_FLIGHT: usize = 2;

/// How long a call to a remote store is tried again.
const RETRY_TIME_MAX: Duration = Duration::from_secs(10);

/// The object store of an installation.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Where the store is a local directory: that directory.
    local_root: Option<PathBuf>,
}

/// Kept scores in the object store.
pub(crate) struct ListedScores {
    pub(crate) prediction: PredictionId,
    pub(crate) attempt: i32,
    pub(crate) modified_at: DateTime<Utc>,
}

/// Where the customers' file of a prediction lies.
pub fn input_path(prediction: PredictionId) -> Path {
    Path::from(format!("inputs/{prediction}"))
}

/// Where an attempt at a prediction puts its result.
pub fn result_path(prediction: PredictionId, attempt: i32) -> Path {
    Path::from(format!("results/{prediction}/{attempt}"))
}

/// What an attempt at a training leaves under its own name.
pub const MODEL_NAME: &str = "model.json";
/// Everything that was measured, for programs.
pub const QUALITY_NAME: &str = "quality.json";
/// The same for people.
pub const REPORT_NAME: &str = "report.html";
/// What was said of the customers held out, and what they did.
pub const HELD_OUT_NAME: &str = "held_out.json";

/// Where the labelled customers of a training lie.
pub fn training_input_path(training: TrainingId) -> Path {
    Path::from(format!("trainings/{training}/input"))
}

/// Where an attempt at a training puts one of its files.
pub fn training_result_path(training: TrainingId, attempt: i32, name: &str) -> Path {
    Path::from(format!("trainings/{training}/{attempt}/{name}"))
}

/// Where a shipped model's file lies.
pub fn model_path(sha256: &str) -> Path {
    Path::from(format!("models/{sha256}"))
}

impl Objects {
    /// Opens `file:///directory`, which is made where it is missing, or `s3://bucket/prefix` with
    /// the usual `AWS_*` variables. Files of a directory are synced before they are said to be there.
    pub fn open(storage_url: &str) -> Result<Objects, Error> {
        let url = Url::parse(storage_url)
            .map_err(|error| Error::Configuration(format!("STORAGE_URL is no URL: {error}")))?;
        let (scheme, prefix) = ObjectStoreScheme::parse(&url)
            .map_err(|error| Error::Configuration(format!("STORAGE_URL: {error}")))?;
        match scheme {
            ObjectStoreScheme::Local => {
                let directory = url
                    .to_file_path()
                    .map_err(|()| Error::Configuration("STORAGE_URL names no directory".to_owned()))?;
                Objects::open_directory(directory)
            }
            ObjectStoreScheme::AmazonS3 => {
                // The job is postponed soon instead of holding its worker for minutes.
                let retry = RetryConfig { retry_timeout: RETRY_TIME_MAX, ..RetryConfig::default() };
                let store = AmazonS3Builder::from_env()
                    .with_url(storage_url)
                    .with_retry(retry)
                    .build()
                    .map_err(|error| Error::Configuration(format!("STORAGE_URL: {error}")))?;
                Ok(Objects { store: Arc::new(PrefixStore::new(store, prefix)), local_root: None })
            }
            _ => Err(Error::Configuration("STORAGE_URL begins with file:// or s3://".to_owned())),
        }
    }

    fn open_directory(directory: PathBuf) -> Result<Objects, Error> {
        std::fs::create_dir_all(&directory)
            .map_err(|error| Error::Configuration(format!("{}: {error}", directory.display())))?;
        let store = LocalFileSystem::new_with_prefix(&directory)
            .map_err(|error| Error::Configuration(format!("{}: {error}", directory.display())))?
            .with_fsync(true);
        Ok(Objects { store: Arc::new(store), local_root: Some(directory) })
    }

    /// A writer in bounded memory. Nothing is there until its `shutdown` has answered.
    pub fn writer(&self, path: &Path) -> BufWriter {
        BufWriter::with_capacity(self.store.clone(), path.clone(), PART_BYTES)
            .with_max_concurrency(PARTS_IN_FLIGHT)
    }

    /// An object to read in pieces, or [`Error::NotFound`].
    pub async fn reader(&self, path: &Path) -> Result<GetResult, Error> {
        self.store.get(path).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => Error::NotFound("file"),
            other => other.into(),
        })
    }

    /// Several ranges of one object, or [`Error::NotFound`].
    pub async fn ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.store.get_ranges(path, ranges).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => Error::NotFound("file"),
            other => other.into(),
        })
    }

    /// A whole object that is known to be small.
    pub async fn get(&self, path: &Path) -> Result<Bytes, Error> {
        Ok(self.reader(path).await?.bytes().await?)
    }

    /// Writes a whole small object, in the place of one that may be there.
    pub async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), Error> {
        self.store.put(path, bytes.into()).await?;
        Ok(())
    }

    /// Deletes an object; one that is not there is deleted already.
    pub async fn delete(&self, path: &Path) -> Result<(), Error> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes everything that a prediction left: its input and the results of all its attempts.
    pub async fn erase_prediction(&self, prediction: PredictionId) -> Result<(), Error> {
        self.delete(&input_path(prediction)).await?;
        self.delete_below(&Path::from(format!("results/{prediction}"))).await
    }

    /// Deletes the kept scores of a prediction, and what is known of its customers.
    pub(crate) async fn delete_scores(&self, prediction: PredictionId) -> Result<(), Error> {
        self.delete_below(&Path::from(format!("scores/{prediction}"))).await?;
        self.delete_below(&Path::from(format!("outcomes/{prediction}"))).await
    }

    /// Deletes everything of a training: its customers, and what all its attempts made.
    pub async fn delete_training(&self, training: TrainingId) -> Result<(), Error> {
        self.delete_below(&Path::from(format!("trainings/{training}"))).await
    }

    /// Deletes what one attempt at a training made.
    pub async fn delete_training_attempt(&self, training: TrainingId, attempt: i32) -> Result<(), Error> {
        self.delete_below(&Path::from(format!("trainings/{training}/{attempt}"))).await
    }

    /// Deletes the customers of a training, and what was said of those held out; model and report stay.
    pub async fn delete_training_customers(&self, training: TrainingId) -> Result<(), Error> {
        self.delete(&training_input_path(training)).await?;
        let mut listed = self.store.list(Some(&Path::from(format!("trainings/{training}"))));
        while let Some(object) = listed.try_next().await? {
            if object.location.filename() == Some(HELD_OUT_NAME) {
                self.delete(&object.location).await?;
            }
        }
        Ok(())
    }

    async fn delete_below(&self, directory: &Path) -> Result<(), Error> {
        let mut listed = self.store.list(Some(directory));
        while let Some(object) = listed.try_next().await? {
            self.delete(&object.location).await?;
        }
        drop(listed);
        self.remove_leftovers(directory).await
    }

    /// The trainings that have objects, with the time of each object.
    pub(crate) fn list_trainings(
        &self,
    ) -> impl Stream<Item = Result<(TrainingId, DateTime<Utc>), Error>> + '_ {
        let listed = self.store.list(Some(&Path::from("trainings")));
        listed.map_err(Error::from).try_filter_map(|object| {
            let id = object.location.parts().nth(1).and_then(|part| part.as_ref().parse().ok());
            std::future::ready(Ok(id.map(|id| (id, object.last_modified))))
        })
    }

    /// A copy of an object in a temporary file, for what has to be read by a path, and its SHA-256.
    pub async fn to_temporary_file(&self, path: &Path) -> Result<(NamedTempFile, [u8; 32]), Error> {
        let no_room = |error: io::Error| Error::Unavailable {
            dependency: "temporary files",
            detail: error.to_string(),
        };
        let mut stream = self.reader(path).await?.into_stream();
        let file = tokio::task::spawn_blocking(NamedTempFile::new).await.map_err(Error::internal)?;
        let file = file.map_err(no_room)?;
        let mut copy = tokio::fs::File::from_std(file.reopen().map_err(no_room)?);
        let mut hasher = Sha256::new();
        while let Some(piece) = stream.try_next().await? {
            hasher.update(&piece);
            copy.write_all(&piece).await.map_err(no_room)?;
        }
        copy.flush().await.map_err(no_room)?;
        Ok((file, hasher.finalize().into()))
    }

    /// A process that is killed while it writes leaves a staged file that a local store does not list.
    async fn remove_leftovers(&self, directory: &Path) -> Result<(), Error> {
        let Some(root) = &self.local_root else { return Ok(()) };
        match tokio::fs::remove_dir_all(root.join(directory.as_ref())).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::Unavailable { dependency: "object store", detail: error.to_string() }),
        }
    }

    /// The predictions that have objects under `inputs/` or `results/`, with the time of each object.
    pub(crate) fn list_predictions(
        &self,
    ) -> impl Stream<Item = Result<(PredictionId, DateTime<Utc>), Error>> + '_ {
        let list = |prefix: &str| self.store.list(Some(&Path::from(prefix)));
        list("inputs").chain(list("results")).map_err(Error::from).try_filter_map(|object| {
            let id = object.location.parts().nth(1).and_then(|part| part.as_ref().parse().ok());
            std::future::ready(Ok(id.map(|id| (id, object.last_modified))))
        })
    }

    /// The kept scores that lie under `scores/`.
    pub(crate) fn list_scores(&self) -> impl Stream<Item = Result<ListedScores, Error>> + '_ {
        let listed = self.store.list(Some(&Path::from("scores"))).map_err(Error::from);
        listed.try_filter_map(|object| {
            let part = |place: usize| object.location.parts().nth(place);
            let prediction = part(1).and_then(|part| part.as_ref().parse().ok());
            let attempt = part(2).and_then(|part| part.as_ref().parse().ok());
            let modified_at = object.last_modified;
            std::future::ready(Ok(prediction.zip(attempt).map(|(prediction, attempt)| ListedScores {
                prediction,
                attempt,
                modified_at,
            })))
        })
    }

    /// Removes what killed processes were writing when they were last seen alive `age_min` ago or
    /// earlier. A local store stages a file as `name#number`, and does not list it.
    pub(crate) async fn remove_staged_files(&self, age_min: TimeDelta) -> Result<(), Error> {
        let Some(root) = self.local_root.clone() else { return Ok(()) };
        let age_min = age_min.to_std().map_err(Error::internal)?;
        let removed = tokio::task::spawn_blocking(move || {
            let inputs = remove_staged(&root.join("inputs"), age_min)?;
            let mut results = 0;
            for parent in ["results", "trainings"] {
                for directory in directories(&root.join(parent))? {
                    results += remove_staged(&directory, age_min)?;
                }
            }
            Ok::<u64, io::Error>(inputs + results)
        });
        match removed.await.map_err(Error::internal)? {
            Ok(0) => Ok(()),
            Ok(files) => {
                tracing::info!(files, "removed files that were never finished");
                Ok(())
            }
            Err(error) => Err(Error::Unavailable { dependency: "object store", detail: error.to_string() }),
        }
    }

    /// Whether the store can be written, by writing.
    pub async fn probe(&self) -> Result<(), Error> {
        let path = Path::from("probe");
        self.put(&path, Bytes::from_static(b"augur")).await
    }
}

/// An object for a blocking thread: a local file is read as it is, what comes over a network is bridged.
pub fn blocking_reader(object: GetResult, runtime: &Handle) -> Box<dyn Read + Send> {
    match object.payload {
        GetResultPayload::File(file, _) => Box::new(file),
        GetResultPayload::Stream(stream) => {
            let stream = StreamReader::new(stream.map_err(io::Error::from));
            Box::new(SyncIoBridge::new_with_handle(stream, runtime.clone()))
        }
    }
}

/// The directories in a directory, which may not exist yet.
fn directories(parent: &std::path::Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.filter(|path| path.as_ref().map_or(true, |path| path.is_dir())).collect()
}

/// Removes a directory's old `name#number` files, and tells how many.
fn remove_staged(directory: &std::path::Path, age_min: Duration) -> io::Result<u64> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let staged = name.to_str().and_then(|name| name.rsplit_once('#'));
        let staged = staged.is_some_and(|(_, number)| number.bytes().all(|digit| digit.is_ascii_digit()));
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if staged && age >= age_min {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_never_finished_is_removed_and_nothing_else() {
        let directory = std::env::temp_dir().join(format!("augur-objects-{}", PredictionId::new()));
        let objects = Objects::open_directory(directory.clone()).unwrap();
        let kept = input_path(PredictionId::new());
        objects.put(&kept, Bytes::from_static(b"customers")).await.unwrap();
        let result = result_path(PredictionId::new(), 1);
        objects.put(&result, Bytes::from_static(b"result")).await.unwrap();
        let staged = [format!("{kept}#1"), format!("{result}#12")].map(|name| directory.join(name));
        for path in &staged {
            std::fs::write(path, b"half").unwrap();
        }
        objects.remove_staged_files(TimeDelta::hours(2)).await.unwrap();
        assert!(staged.iter().all(|path| path.exists()), "an upload may be under way");
        objects.remove_staged_files(TimeDelta::zero()).await.unwrap();
        assert!(!staged.iter().any(|path| path.exists()));
        assert_eq!(objects.get(&kept).await.unwrap(), "customers");
        assert_eq!(objects.get(&result).await.unwrap(), "result");
        std::fs::remove_dir_all(directory).unwrap();
    }
}
