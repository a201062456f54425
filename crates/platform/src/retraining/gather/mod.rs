//! The customers that a run learns from: those whose outcomes are known, and those of the training that made the
//! version in production. On a blocking thread, from object store to a temporary file, in bounded memory: what is
//! kept there of a customer is a hash.

pub(super) mod db;

use self::db::{Made, Source};
use super::Gathered;
use super::weave::{Known, Learned, Weaver};
use crate::monitoring::outcomes::{outcomes_path, read_known};
use crate::monitoring::{self, KeyHasher};
use crate::objects::{Objects, blocking_reader, input_path, training_input_path};
use crate::{Error, ModelId, Platform, TenantId};
use scoring::{Dialect, Inspector, Limits, Manifest, ScoreError};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use tokio::runtime::Handle;

/// The newest predictions whose customers are learned from, at most.
const PREDICTIONS_MAX: i64 = 500;
/// Bytes of a file that is trained on, at most; a little less than an upload may have.
const BYTES_MAX: u64 = 240 << 20;
/// Fewer new customers than this, or leavers or stayers among them, judge nothing.
const NEW_MIN: u64 = 40;
const NEW_CLASS_MIN: u64 = 10;

/// What is gathered for.
pub(super) struct Wanted {
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    /// Of the version in production.
    pub(super) manifest: Manifest,
    /// How many rows the training takes.
    pub(super) rows_max: u64,
}

/// The customers, as a file that can be trained on.
pub(super) struct Customers {
    pub(super) file: File,
    pub(super) counts: Gathered,
    /// Those who left, among the new ones.
    pub(super) leavers_new: u64,
}

impl Customers {
    /// Whether the new ones are enough to be judged by.
    pub(super) fn are_enough(&self) -> bool {
        let stayers = self.counts.rows_new - self.leavers_new.min(self.counts.rows_new);
        self.counts.rows_new >= NEW_MIN && self.leavers_new.min(stayers) >= NEW_CLASS_MIN
    }
}

/// Gathers them.
pub(super) async fn gather(platform: &Platform, wanted: Wanted, made: &Made) -> Result<Customers, Error> {
    let sources = {
        let mut connection = platform.system.acquire().await?;
        db::select_sources(&mut connection, wanted.tenant, wanted.model, PREDICTIONS_MAX).await?
    };
    let hasher = monitoring::key_hasher(platform, wanted.tenant).await?;
    let before = match made.is_kept {
        true => match platform.objects.to_temporary_file(&training_input_path(made.training)).await {
            Ok((file, _)) => Some(file.reopen().map_err(no_room)?),
            // Erased just now.
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        },
        false => None,
    };
    let gathering = Gathering {
        objects: platform.objects.clone(),
        runtime: Handle::current(),
        hasher,
        wanted,
        sources,
        learned_until: made.created_at,
    };
    tokio::task::spawn_blocking(move || gathering.run(before)).await.map_err(Error::internal)?
}

struct Gathering {
    objects: Objects,
    runtime: Handle,
    hasher: KeyHasher,
    wanted: Wanted,
    sources: Vec<Source>,
    /// When the training of the version in production was accepted.
    learned_until: chrono::DateTime<chrono::Utc>,
}

impl Gathering {
    fn run(&self, before: Option<File>) -> Result<Customers, Error> {
        let key_columns: Vec<&str> = self.sources.iter().map(|source| source.key_column.as_str()).collect();
        let mut weaver = Weaver::new(&self.wanted.manifest, &self.hasher, &key_columns, self.wanted.rows_max)
            .map_err(broken)?;
        let mut before = match before {
            Some(mut file) => {
                let dialect = dialect_of(&mut file)?;
                weaver.learn(&dialect, &mut file).map_err(broken)?;
                Some((dialect, file))
            }
            None => None,
        };
        for source in &self.sources {
            if weaver.is_full(BYTES_MAX) {
                break;
            }
            // Whom a version whose customers are gone has learned from cannot be told any more: only those of later
            // predictions are surely new to it.
            let learned = match (&before, source.predicted_at > self.learned_until) {
                (Some(_), _) => Learned::AsRemembered,
                (None, true) => Learned::Nobody,
                (None, false) => Learned::Everybody,
            };
            self.add(&mut weaver, source, learned)?;
        }
        if let Some((dialect, file)) = &mut before {
            file.seek(SeekFrom::Start(0)).map_err(no_room)?;
            weaver.add_before(dialect, file, BYTES_MAX).map_err(broken)?;
        }
        weaver.finish().map_err(no_room)
    }

    /// Adds the customers of a prediction whose outcomes are known.
    fn add(&self, weaver: &mut Weaver<'_>, source: &Source, learned: Learned) -> Result<(), Error> {
        let Some(outcomes) = self.open(&outcomes_path(source.prediction, source.upload))? else {
            return Ok(());
        };
        let most = usize::try_from(self.wanted.rows_max).unwrap_or(usize::MAX);
        let known = Known(read_known(outcomes, most).map_err(no_room)?);
        let Some(input) = self.open(&input_path(source.prediction))? else { return Ok(()) };
        match weaver.add(&source.dialect, &source.key_column, input, &known, learned) {
            // A version before this one may have read other columns.
            Err(ScoreError::Input(_)) => Ok(()),
            added => added.map_err(broken),
        }
    }

    /// None where it was erased just now.
    fn open(&self, path: &object_store::path::Path) -> Result<Option<Box<dyn Read + Send>>, Error> {
        match self.runtime.block_on(self.objects.reader(path)) {
            Err(Error::NotFound(_)) => Ok(None),
            found => Ok(Some(blocking_reader(found?, &self.runtime))),
        }
    }
}

/// How a file is written.
fn dialect_of(file: &mut File) -> Result<Dialect, Error> {
    let mut inspector = Inspector::new(Limits::default());
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).map_err(no_room)? {
            0 => break,
            count => inspector.push(&buffer[..count])?,
        }
    }
    file.seek(SeekFrom::Start(0)).map_err(no_room)?;
    Ok(inspector.finish()?.dialect)
}

fn broken(error: ScoreError) -> Error {
    match error {
        ScoreError::Input(input) => Error::Input(input),
        ScoreError::Io(error) => no_room(error),
        ScoreError::Stopped => Error::Internal("reading was stopped".to_owned()),
    }
}

fn no_room(error: std::io::Error) -> Error {
    Error::Unavailable { dependency: "temporary files", detail: error.to_string() }
}
