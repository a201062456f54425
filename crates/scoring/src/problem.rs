//! What is wrong with a customer file, in words that its owner can act on.

use std::io;

use serde::{Deserialize, Serialize};

/// The stable codes of [`InputError`].
pub mod code {
    /// Nothing but white space.
    pub const EMPTY_FILE: &str = "empty_file";
    /// A header and no customer.
    pub const NO_ROWS: &str = "no_rows";
    /// NUL or control characters: no text.
    pub const BINARY_FILE: &str = "binary_file";
    /// Text in no encoding that is read.
    pub const BAD_ENCODING: &str = "bad_encoding";
    /// The model needs columns that the file does not have.
    pub const MISSING_COLUMNS: &str = "missing_columns";
    /// Two columns of one name, or two that mean the same.
    pub const DUPLICATE_COLUMNS: &str = "duplicate_columns";
    /// More columns than allowed.
    pub const TOO_MANY_COLUMNS: &str = "too_many_columns";
    /// A record longer than allowed.
    pub const RECORD_TOO_LONG: &str = "record_too_long";
    /// A quoted cell without its closing quote.
    pub const UNCLOSED_QUOTE: &str = "unclosed_quote";
    /// A record with more or fewer cells than the header.
    pub const RAGGED_ROW: &str = "ragged_row";
    /// A word, NaN, infinity or an ambiguous number where a number is needed.
    pub const NOT_A_NUMBER: &str = "not_a_number";
    /// A list or an object of JSON where a category's value is needed.
    pub const NOT_A_CATEGORY: &str = "not_a_category";
    /// Something else of a customer was to be tried than what a company can move.
    pub const NOT_A_LEVER: &str = "not_a_lever";
    /// zip, 7z, rar, xz, zstd, bzip2, tar.
    pub const UNSUPPORTED_ARCHIVE: &str = "unsupported_archive";
    /// Damaged gzip.
    pub const BAD_GZIP: &str = "bad_gzip";
    /// More bytes than allowed, after decompression.
    pub const TOO_LARGE: &str = "too_large";
    /// More customers than allowed.
    pub const TOO_MANY_ROWS: &str = "too_many_rows";
    /// Reasons were asked for of a model that has none.
    pub const NO_REASONS: &str = "no_reasons";
    /// Every customer was skipped.
    pub const NO_ROW_SCORED: &str = "no_row_scored";
}

/// The most problems that are listed; any more are only counted.
pub const PROBLEMS_MAX: usize = 100;

/// One place in a file and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Physical line of the decoded file, the first being 1; of customers in JSON, their number from 1.
    pub line: u64,
    /// The column's name, or its number from 1 where it has none.
    pub column: String,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
}

/// Why a file or list of customers cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    /// One of [`code`].
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// Where, as far as there is a place; [`PROBLEMS_MAX`] at most.
    pub problems: Vec<Problem>,
    /// With [`code::MISSING_COLUMNS`], the names of the columns that are missing.
    pub missing: Vec<String>,
}

impl InputError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> InputError {
        InputError { code, message: message.into(), problems: Vec::new(), missing: Vec::new() }
    }

    /// An error at one place, which its message names.
    pub(crate) fn at(code: &'static str, problem: Problem) -> InputError {
        InputError::with_problems(code, vec![problem])
    }

    /// An error at several places; its message names the first.
    pub(crate) fn with_problems(code: &'static str, mut problems: Vec<Problem>) -> InputError {
        problems.truncate(PROBLEMS_MAX);
        let message = match problems.first() {
            Some(first) => format!("Line {}, column {}: {}.", first.line, first.column, first.message),
            None => code.to_owned(),
        };
        InputError { code, message, problems, missing: Vec::new() }
    }
}

/// Why a file was not scored to its end.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The file is at fault.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The caller's progress function said stop.
    #[error("stopped by the caller")]
    Stopped,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
