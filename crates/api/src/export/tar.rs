//! Headers of a tar archive (POSIX ustar). Names are ours: ASCII, and shorter than the field for them.

use chrono::{DateTime, Utc};

/// Everything in an archive is written in blocks of this size.
const BLOCK_BYTES: usize = 512;
/// The largest size that fits into the field as octal digits; larger ones are written in binary.
const OCTAL_SIZE_MAX: u64 = 0o777_7777_7777;

/// The header before a file's bytes.
pub fn header(name: &str, bytes: u64, modified_at: DateTime<Utc>) -> Vec<u8> {
    let mut block = [0_u8; BLOCK_BYTES];
    put(&mut block, 0, 100, name.as_bytes());
    put(&mut block, 100, 8, b"0000600\0");
    put(&mut block, 108, 8, b"0000000\0");
    put(&mut block, 116, 8, b"0000000\0");
    put(&mut block, 124, 12, &size_field(bytes));
    let modified_at = u64::try_from(modified_at.timestamp()).unwrap_or_default().min(OCTAL_SIZE_MAX);
    put(&mut block, 136, 12, format!("{modified_at:011o}\0").as_bytes());
    put(&mut block, 156, 1, b"0");
    put(&mut block, 257, 8, b"ustar\x0000");
    // The sum is taken with spaces in its own place.
    put(&mut block, 148, 8, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, 8, format!("{sum:06o}\0 ").as_bytes());
    block.to_vec()
}

/// What fills up the last block of a file of this size.
pub fn padding(bytes: u64) -> Vec<u8> {
    let block = BLOCK_BYTES as u64;
    let missing = (block - bytes % block) % block;
    vec![0; usize::try_from(missing).unwrap_or_default()]
}

/// What ends an archive.
pub fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK_BYTES]
}

fn size_field(bytes: u64) -> Vec<u8> {
    if bytes <= OCTAL_SIZE_MAX {
        return format!("{bytes:011o}\0").into_bytes();
    }
    let mut field = vec![0x80, 0, 0, 0];
    field.extend_from_slice(&bytes.to_be_bytes());
    field
}

fn put(block: &mut [u8; BLOCK_BYTES], start: usize, length: usize, value: &[u8]) {
    let length = length.min(value.len());
    block[start..start + length].copy_from_slice(&value[..length]);
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn tar_reads_what_is_written() {
        let mut archive = Vec::new();
        for (name, content) in [("account.json", &b"{}"[..]), ("inputs/1", &[b'x'; 512]), ("empty", &[])] {
            archive.extend(header(name, content.len() as u64, DateTime::UNIX_EPOCH));
            archive.extend_from_slice(content);
            archive.extend(padding(content.len() as u64));
        }
        archive.extend(end());
        let mut tar = Command::new("tar")
            .args(["--list", "--verbose", "--file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        tar.stdin.take().unwrap().write_all(&archive).unwrap();
        let output = tar.wait_with_output().unwrap();
        assert!(output.status.success());
        let listed = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines.len(), 3, "{listed}");
        assert!(lines[1].contains(" 512 ") && lines[1].ends_with("inputs/1"), "{listed}");
    }

    #[test]
    fn a_size_beyond_eight_gibibytes_is_binary() {
        let field = size_field(OCTAL_SIZE_MAX + 1);
        assert_eq!(field, [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(size_field(OCTAL_SIZE_MAX), b"77777777777\0");
    }
}
