//! A model ready to score.

use std::path::PathBuf;

/// The code of a category's value that the model does not know.
pub const UNKNOWN: u32 = u32::MAX;
/// The code of a category's missing value.
pub const MISSING: u32 = u32::MAX - 1;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest or model file contradicts itself or its format.
    #[error("{0}")]
    Invalid(String),
    /// The model file is not the one that the manifest names.
    #[error("the model file's SHA-256 is {found}, the manifest says {expected}")]
    Checksum {
        /// Of the manifest.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// A model that this engine could not score exactly.
    #[error("this model cannot be served: {0}")]
    Unsupported(String),
}
