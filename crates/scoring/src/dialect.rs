//! How a customer file is written: encoding, compression, delimiter, decimal mark.

use serde::{Deserialize, Serialize};

/// Everything that must be known to read a file; found by [`crate::Inspector`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// The encoding of the text.
    pub encoding: Encoding,
    /// How the text is compressed.
    pub compression: Compression,
    /// Whether the text begins with a byte order mark.
    pub bom: bool,
    /// Between cells: `,`, `;`, a tab or `|`.
    pub delimiter: char,
    /// Before the decimals of a number: `.` or `,`.
    pub decimal: char,
}

/// The encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, ASCII included.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, little end first; only with a byte order mark.
    #[serde(rename = "utf-16le")]
    Utf16le,
    /// UTF-16, big end first; only with a byte order mark.
    #[serde(rename = "utf-16be")]
    Utf16be,
    /// Windows-1251, the Cyrillic code page.
    #[serde(rename = "windows-1251")]
    Windows1251,
}

/// The compressions that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Plain text.
    None,
    /// gzip, of one member or several.
    Gzip,
}

impl Dialect {
    /// The delimiter as it is in UTF-8. All delimiters that are found are ASCII; one that is not, in a
    /// dialect from elsewhere, is taken for a comma.
    pub(crate) fn delimiter_byte(&self) -> u8 {
        u8::try_from(self.delimiter).ok().filter(u8::is_ascii).unwrap_or(b',')
    }

    /// The decimal mark as it is in UTF-8, with the same exception.
    pub(crate) fn decimal_byte(&self) -> u8 {
        u8::try_from(self.decimal).ok().filter(u8::is_ascii).unwrap_or(b'.')
    }
}
