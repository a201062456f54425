//! The way of a result from the scoring thread to the object store: through a buffer, past a hash
//! and a count, into parts of a bounded size. A result is never whole in memory, unless it is small
//! enough to be kept in Redis.

use std::io::{self, Write};

use platform::results::CACHED_RESULT_BYTES_MAX;
use sha2::{Digest, Sha256};

/// Hashes and counts what passes through, and keeps it while it is small.
pub(crate) struct Measured<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
    small: Option<Vec<u8>>,
}

/// What passed through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// All of it, where it is small.
    pub(crate) small: Option<Vec<u8>>,
}

impl<W: Write> Measured<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0, small: Some(Vec::new()) }
    }

    /// The writer behind, and the figures so far.
    pub(crate) fn into_parts(self) -> (W, Measure) {
        let measure = Measure { bytes: self.bytes, sha256: self.hash.finalize().into(), small: self.small };
        (self.inner, measure)
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        let passed = &buffer[..written];
        self.hash.update(passed);
        self.bytes += written as u64;
        if self.small.as_ref().is_some_and(|small| small.len() + written > CACHED_RESULT_BYTES_MAX) {
            self.small = None;
        }
        if let Some(small) = self.small.as_mut() {
            small.extend_from_slice(passed);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_result_is_hashed_counted_and_kept() {
        let mut output = Measured::new(Vec::new());
        output.write_all(b"a,b\n").expect("a vector takes all");
        output.write_all(b"1,2\n").expect("a vector takes all");
        let (stored, measure) = output.into_parts();
        assert_eq!(stored, b"a,b\n1,2\n");
        assert_eq!(measure.bytes, 8);
        let digest: [u8; 32] = Sha256::digest(b"a,b\n1,2\n").into();
        assert_eq!(measure.sha256, digest);
        assert_eq!(measure.small.as_deref(), Some(&b"a,b\n1,2\n"[..]));
    }

    #[test]
    fn a_large_result_is_not_kept() {
        let mut output = Measured::new(io::sink());
        let block = vec![b'x'; CACHED_RESULT_BYTES_MAX];
        output.write_all(&block).expect("a sink takes all");
        output.write_all(b"y").expect("a sink takes all");
        let (_, measure) = output.into_parts();
        assert_eq!(measure.bytes, CACHED_RESULT_BYTES_MAX as u64 + 1);
        assert_eq!(measure.small, None);
    }
}
