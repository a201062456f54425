//! What the first bytes of a file say.

use crate::problem::{InputError, code};

/// The bytes that are enough to know every kind.
pub(crate) const PROBE_BYTES: usize = 512;

/// The first bytes of gzip.
pub(crate) const GZIP: &[u8] = b"\x1f\x8b";

/// Archives and compressions that are not read, by their first bytes.
const ARCHIVES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"PK\x07\x08", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\x1f\x9d", "compressed with compress"),
];

/// Where a tar archive has its magic.
const TAR_OFFSET: usize = 257;

/// Refuses archives and compressions other than gzip.
pub(crate) fn refuse_archives(beginning: &[u8], is_unpacked: bool) -> Result<(), InputError> {
    let Some(kind) = archive(beginning, is_unpacked) else { return Ok(()) };
    let message = format!("The file is {kind}; send plain CSV or CSV compressed with gzip.");
    Err(InputError::new(code::UNSUPPORTED_ARCHIVE, message))
}

fn archive(beginning: &[u8], is_unpacked: bool) -> Option<&'static str> {
    if is_unpacked && beginning.starts_with(GZIP) {
        return Some("compressed twice");
    }
    if let Some((_, kind)) = ARCHIVES.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        return Some(kind);
    }
    if beginning.starts_with(b"BZh") && beginning.get(4..10) == Some(b"1AY&SY") {
        return Some("compressed with bzip2");
    }
    // Text may hold the word; a tar archive pads the names before it with NUL.
    let is_tar = beginning.get(TAR_OFFSET..).is_some_and(|rest| rest.starts_with(b"ustar"));
    (is_tar && beginning[..TAR_OFFSET].contains(&0)).then_some("a tar archive")
}
