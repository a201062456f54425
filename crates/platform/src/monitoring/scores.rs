//! The kept scores: for each customer a keyed hash of what the tenant calls the customer, the probability and the
//! group. They outlive the result, and nobody can be read from them without the installation's key.

use super::db;
use crate::{Error, Platform, PredictionId, TenantId};
use hmac::{Hmac, KeyInit, Mac};
use object_store::path::Path;
use sha2::Sha256;
use std::io::{self, Read, Write};
use tokio::sync::OnceCell;

/// What the key is called in the database.
const KEY_NAME: &str = "customers";
const KEY_BYTES: usize = 32;
/// Bytes of a hash that are kept: enough for no two of 2^40 customers to share one by chance.
const HASH_BYTES: usize = 16;
/// Bytes of a score: hash, probability, group.
const SCORE_BYTES: usize = HASH_BYTES + 4 + 1;

/// The group of those who were held out as control.
pub const GROUP_CONTROL: u8 = 2;

/// Where the scores of an attempt lie.
pub fn scores_path(prediction: PredictionId, attempt: i32) -> Path {
    Path::from(format!("scores/{prediction}/{attempt}"))
}

/// The installation's key, once it is known.
#[derive(Default)]
pub(crate) struct Keys(OnceCell<[u8; KEY_BYTES]>);

impl Keys {
    /// The hasher of a tenant's keys. The installation's key is made at its first use and stays in the database,
    /// because hashes of this year must be found by those of the next.
    pub(super) async fn hasher(&self, platform: &Platform, tenant: TenantId) -> Result<KeyHasher, Error> {
        let make = async || {
            let mut connection = platform.system.acquire().await?;
            let fresh: [u8; KEY_BYTES] = rand::random();
            let key = db::insert_or_select_key(&mut connection, KEY_NAME, &fresh).await?;
            key.try_into().map_err(|_| Error::Internal("the key of customers has 32 bytes".to_owned()))
        };
        let key: &[u8; KEY_BYTES] = self.0.get_or_try_init(make).await?;
        let mut code = Hmac::<Sha256>::new_from_slice(key).map_err(Error::internal)?;
        // The same customer number of two tenants must not hash alike.
        code.update(tenant.0.as_bytes());
        Ok(KeyHasher(code))
    }
}

/// Hashes what a tenant calls its customers: HMAC-SHA256 (RFC 2104) under the installation's key, cut to 16 bytes.
#[derive(Clone)]
pub struct KeyHasher(Hmac<Sha256>);

impl KeyHasher {
    /// The hash of a key's cell, without quotes and white space around it.
    pub fn hash(&self, key: &[u8]) -> [u8; HASH_BYTES] {
        let mut code = self.0.clone();
        code.update(key);
        let whole = code.finalize().into_bytes();
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(&whole[..HASH_BYTES]);
        hash
    }
}

/// What was said of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The keyed hash of what the tenant calls the customer.
    pub hash: [u8; HASH_BYTES],
    /// The probability of leaving.
    pub millionths: u32,
    /// 0 none, 1 treated, 2 held out as control.
    pub group: u8,
}

/// Writes scores.
pub struct ScoreWriter<W>(W);

impl<W: Write> ScoreWriter<W> {
    /// Writes into this.
    pub fn new(inner: W) -> Self {
        ScoreWriter(inner)
    }

    /// Writes one.
    pub fn write(&mut self, score: &Score) -> io::Result<()> {
        let mut bytes = [0; SCORE_BYTES];
        bytes[..HASH_BYTES].copy_from_slice(&score.hash);
        bytes[HASH_BYTES..HASH_BYTES + 4].copy_from_slice(&score.millionths.to_le_bytes());
        bytes[HASH_BYTES + 4] = score.group;
        self.0.write_all(&bytes)
    }

    /// What it wrote into.
    pub fn into_inner(self) -> W {
        self.0
    }
}

/// Reads scores, in the order of the result.
pub struct ScoreReader<R>(R);

impl<R: Read> ScoreReader<R> {
    /// Reads from this, which is read in small pieces.
    pub fn new(inner: R) -> ScoreReader<io::BufReader<R>> {
        ScoreReader(io::BufReader::with_capacity(256 << 10, inner))
    }
}

impl<R: Read> Iterator for ScoreReader<R> {
    type Item = io::Result<Score>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = [0; SCORE_BYTES];
        match read_record(&mut self.0, &mut bytes) {
            Ok(false) => None,
            Ok(true) => {
                let (hash, rest) = bytes.split_at(HASH_BYTES);
                let millionths = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
                let mut score = Score { hash: [0; HASH_BYTES], millionths, group: rest[4] };
                score.hash.copy_from_slice(hash);
                Some(Ok(score))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// Fills the record; false at the end of the file. A file that ends inside of one is damaged.
pub(super) fn read_record(input: &mut impl Read, record: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < record.len() {
        match input.read(&mut record[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_they_were_written_and_half_a_score_is_an_error() {
        let hasher = |byte: u8| {
            let mut code = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
            code.update(&[byte; 16]);
            KeyHasher(code)
        };
        assert_eq!(hasher(1).hash(b"A-17"), hasher(1).hash(b"A-17"));
        assert_ne!(hasher(1).hash(b"A-17"), hasher(2).hash(b"A-17"), "two tenants");
        let scores: Vec<Score> = (0..3)
            .map(|n| Score { hash: hasher(1).hash(&[n]), millionths: u32::from(n) * 1000, group: n })
            .collect();
        let mut writer = ScoreWriter::new(Vec::new());
        scores.iter().for_each(|score| writer.write(score).unwrap());
        let bytes = writer.into_inner();
        let read: io::Result<Vec<Score>> = ScoreReader::new(&bytes[..]).collect();
        assert_eq!(read.unwrap(), scores);
        let cut: io::Result<Vec<Score>> = ScoreReader::new(&bytes[..30]).collect();
        assert!(cut.is_err());
    }
}
