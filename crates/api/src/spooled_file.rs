//! A customers' file that is looked at and not kept.
//!
//! It is read twice: as it comes, to learn how it is written, and then by that knowledge. Meanwhile it lies in a
//! temporary file without a name, which goes with the last handle to it.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use platform::{Error, Platform, predictions};
use scoring::contract::{Contract, Expected};
use scoring::{CheckReport, Dialect, Schema, ScoreError};
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::task::{JoinError, spawn_blocking};

const BUFFER_BYTES: usize = 256 * 1024;

/// A file whose form is known.
pub struct SpooledFile {
    file: File,
    dialect: Dialect,
}

impl SpooledFile {
    /// Takes a file in.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read; those of the stream; [`Error::Unavailable`] without room for it.
    pub async fn receive(
        platform: &Platform,
        mut content: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    ) -> Result<SpooledFile, Error> {
        let file = spawn_blocking(tempfile::tempfile).await.map_err(internal)?.map_err(out_of_space)?;
        let mut spool = BufWriter::with_capacity(BUFFER_BYTES, tokio::fs::File::from_std(file));
        let mut inspector = predictions::inspector(platform);
        while let Some(piece) = content.next().await {
            let piece = piece?;
            inspector.push(&piece)?;
            spool.write_all(&piece).await.map_err(out_of_space)?;
        }
        let dialect = inspector.finish()?.dialect;
        spool.flush().await.map_err(out_of_space)?;
        Ok(SpooledFile { file: spool.into_inner().into_std().await, dialect })
    }

    /// The file, at whatever place it was read to, and how it is written.
    pub fn into_parts(self) -> (File, Dialect) {
        (self.file, self.dialect)
    }

    /// How the file is written.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Holds the file against what a model reads of a customer. One check at a time: they share a position.
    ///
    /// # Errors
    /// [`Error::Input`] where the header does not fit.
    pub async fn check(&self, schema: Schema) -> Result<CheckReport, Error> {
        self.read(move |dialect, file| scoring::check_csv(&schema, dialect, file)).await
    }

    /// The same, and tells what is otherwise than in the data that the model learned from.
    ///
    /// # Errors
    /// [`Error::Input`] where the header does not fit, or lacks a column of what is expected.
    pub async fn check_contract(
        &self,
        manifest: scoring::Manifest,
        expected: Expected,
    ) -> Result<CheckReport, Error> {
        let contract = Contract::of(&manifest);
        let schema = manifest.schema;
        self.read(move |dialect, file| scoring::check_contract(&schema, &contract, &expected, dialect, file))
            .await
    }

    async fn read(
        &self,
        checking: impl FnOnce(&Dialect, File) -> Result<CheckReport, ScoreError> + Send + 'static,
    ) -> Result<CheckReport, Error> {
        let mut file = self.file.try_clone().map_err(out_of_space)?;
        let dialect = self.dialect.clone();
        let checking = move || {
            file.seek(SeekFrom::Start(0))?;
            checking(&dialect, file)
        };
        spawn_blocking(checking).await.map_err(internal)?.map_err(|error| match error {
            ScoreError::Input(input) => Error::Input(input),
            ScoreError::Stopped => Error::Internal(error.to_string()),
            ScoreError::Io(error) => out_of_space(error),
        })
    }
}

fn out_of_space(error: std::io::Error) -> Error {
    Error::Unavailable { dependency: "temporary files", detail: error.to_string() }
}

fn internal(error: JoinError) -> Error {
    Error::Internal(error.to_string())
}
