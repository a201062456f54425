//! Why a model was not trained or judged, in words for whoever asked for it.

use std::path::PathBuf;

use scoring::{InputError, ModelError};

/// Why there is no model or no judgement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A model cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no customer file, or lacks columns.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A cell cannot be what its column is.
    #[error("line {line}, column {column}: {message}")]
    Cell {
        /// Physical line, the header's being 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong.
        message: String,
    },
    /// The file can be read but nothing can be learned from it.
    #[error("{0}")]
    Data(String),
    /// An option has a value that makes no sense.
    #[error("{0}")]
    Options(String),
    /// The algorithm found no model.
    #[error("the training failed: {0}")]
    Training(String),
    /// The caller has stopped it.
    #[error("the training was stopped; nothing is written")]
    Stopped,
    /// What was trained cannot be scored.
    #[error(transparent)]
    Model(#[from] ModelError),
}
