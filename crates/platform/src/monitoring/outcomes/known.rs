//! What is known of one prediction's customers: a sorted file of keyed hashes with score and outcome, by which a
//! later file of outcomes corrects an earlier one.

use crate::monitoring::scores::read_record;
use scoring::monitoring::Judged;
use std::io::{self, Read, Write};

/// Hash, probability, group, outcome.
const BYTES: usize = 16 + 4 + 1 + 1;

/// One customer whose outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    pub(super) hash: [u8; 16],
    pub(super) millionths: u32,
    pub(super) group: u8,
    pub(super) has_left: bool,
}

/// What a merge came to.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) judged: Judged,
    /// Of those held out as control.
    pub(super) control: Judged,
    /// Customers in both.
    pub(super) corrected: u64,
}

/// Merges what was known, if anything, with what is new, both sorted by hash; what is new counts. Writes all.
pub(super) fn merge(
    before: Option<impl Read>,
    new: &[Known],
    threshold: f64,
    output: &mut impl Write,
) -> io::Result<Merged> {
    let mut merged = Merged::default();
    let mut before = before.map(|input| io::BufReader::with_capacity(256 << 10, input));
    let mut next = || before.as_mut().map_or(Ok(None), read_one);
    let mut old = next()?;
    let mut put = |known: &Known, merged: &mut Merged| {
        merged.judged.add(known.millionths, known.has_left, threshold);
        if known.group == crate::monitoring::GROUP_CONTROL {
            merged.control.add(known.millionths, known.has_left, threshold);
        }
        write_one(output, known)
    };
    for known in new {
        while let Some(one) = old.filter(|one| one.hash < known.hash) {
            put(&one, &mut merged)?;
            old = next()?;
        }
        if old.is_some_and(|one| one.hash == known.hash) {
            merged.corrected += 1;
            old = next()?;
        }
        put(known, &mut merged)?;
    }
    while let Some(one) = old {
        put(&one, &mut merged)?;
        old = next()?;
    }
    Ok(merged)
}

/// Reads at most so many of a file of known customers, sorted by hash: the keyed hash, and whether the customer has
/// left. Hashes are as good as random, so that the first ones are a sample.
pub(crate) fn read_known(input: impl Read, most: usize) -> io::Result<Vec<([u8; 16], bool)>> {
    let mut input = io::BufReader::with_capacity(256 << 10, input);
    let mut known = Vec::new();
    while known.len() < most {
        let Some(one) = read_one(&mut input)? else { break };
        known.push((one.hash, one.has_left));
    }
    Ok(known)
}

/// Hands over every customer of such a file: the keyed hash, and whether the customer has left.
pub(crate) fn each(input: impl Read, mut take: impl FnMut(&[u8; 16], bool)) -> io::Result<()> {
    let mut input = io::BufReader::with_capacity(256 << 10, input);
    while let Some(known) = read_one(&mut input)? {
        take(&known.hash, known.has_left);
    }
    Ok(())
}

fn read_one(input: &mut impl Read) -> io::Result<Option<Known>> {
    let mut bytes = [0; BYTES];
    if !read_record(input, &mut bytes)? {
        return Ok(None);
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&bytes[..16]);
    let millionths = u32::from_le_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
    Ok(Some(Known { hash, millionths, group: bytes[20], has_left: bytes[21] == 1 }))
}

fn write_one(output: &mut impl Write, known: &Known) -> io::Result<()> {
    let mut bytes = [0; BYTES];
    bytes[..16].copy_from_slice(&known.hash);
    bytes[16..20].copy_from_slice(&known.millionths.to_le_bytes());
    bytes[20] = known.group;
    bytes[21] = u8::from(known.has_left);
    output.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_corrects_what_was_known() {
        let known = |n: u8, has_left| Known { hash: [n; 16], millionths: 600_000, group: n % 3, has_left };
        let mut first = Vec::new();
        let none: Option<&[u8]> = None;
        merge(none, &[known(1, false), known(3, false), known(5, true)], 0.5, &mut first).unwrap();
        let mut second = Vec::new();
        let merged = merge(Some(&first[..]), &[known(2, true), known(3, true)], 0.5, &mut second).unwrap();
        assert_eq!((merged.corrected, merged.judged.rows(), merged.judged.leavers()), (1, 4, 3));
        assert_eq!((merged.control.rows(), merged.control.leavers()), (2, 2));
        assert_eq!(second.len(), 4 * BYTES);
        let again = merge(Some(&second[..]), &[known(3, true)], 0.5, &mut Vec::new()).unwrap();
        assert_eq!(again.judged, merged.judged, "the same once more changes nothing");
    }
}
