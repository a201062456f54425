//! Argon2id in memory that is kept from one hash to the next.
//!
//! Each hash takes 19 MiB. Taken from the allocator each time, they came to lie beside each other instead of in
//! one place, so that a thread that had made three hashes held the memory of three.

use crate::{Error, secrets};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

/// Memory in KiB, passes and lanes of Argon2id, as OWASP's password storage guide asks at least.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What hashes are made in, one after the other.
#[derive(Default)]
pub(super) struct Workplace(Vec<Block>);

impl Workplace {
    /// A new hash of a password, with a salt of its own, in the PHC string format.
    pub(super) fn hash(&mut self, password: &[u8]) -> Result<String, Error> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Error::internal)?;
        let salt =
            Salt::new(&secrets::random_bytes::<{ Salt::RECOMMENDED_LENGTH }>()).map_err(Error::internal)?;
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let described = ParamsString::try_from(&params).map_err(Error::internal)?;
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        self.run(&Argon2::new(algorithm, version, params), password, &salt, &mut out)?;
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: described,
            salt: Some(salt),
            hash: Some(Output::new(&out).map_err(Error::internal)?),
        };
        Ok(hash.to_string())
    }

    /// Whether a password has this hash, compared in constant time, and whether the hash was made with weaker
    /// parameters than today's.
    pub(super) fn compare(&mut self, password: &[u8], stored: &str) -> Result<(bool, bool), Error> {
        let stored = PasswordHash::new(stored).map_err(Error::internal)?;
        let params = Params::try_from(&stored).map_err(Error::internal)?;
        let is_outdated = params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Ok((false, true)) };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(Error::internal)?;
        let version = stored.version.map(Version::try_from).transpose().map_err(Error::internal)?;
        let hasher = Argon2::new(algorithm, version.unwrap_or_default(), params);
        let mut out = vec![0; expected.as_ref().len()];
        self.run(&hasher, password, &salt, &mut out)?;
        Ok((Output::new(&out).map_err(Error::internal)? == expected, is_outdated))
    }

    fn run(
        &mut self,
        hasher: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let blocks = hasher.params().block_count();
        if self.0.len() < blocks {
            // The old ones are given back first, so that never both are held.
            self.0 = Vec::new();
            self.0.resize(blocks, Block::default());
        }
        let memory = &mut self.0[..blocks];
        hasher.hash_password_into_with_memory(password, salt, out, memory).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn hashes_are_those_of_the_library_and_weaker_ones_are_told() {
        let mut workplace = Workplace::default();
        let ours = workplace.hash(b"correct horse").unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", ours.as_str()).is_ok());
        let weak = Argon2::from(Params::new(64, 1, 1, Some(16)).unwrap());
        let weak = weak.hash_password(b"correct horse").unwrap().to_string();
        for (stored, is_outdated) in [(&ours, false), (&weak, true), (&ours, false)] {
            assert_eq!(workplace.compare(b"correct horse", stored).unwrap(), (true, is_outdated));
            assert_eq!(workplace.compare(b"Correct horse", stored).unwrap(), (false, is_outdated));
        }
        assert_ne!(ours, workplace.hash(b"correct horse").unwrap());
    }
}
