//! Sorts any number of keys in bounded memory: sorted runs in a temporary file, merged when all are there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write};
use std::mem::size_of;
use std::os::unix::fs::FileExt;

/// Keys that are sorted in memory at once: eight mebibytes.
pub(super) const RUN_KEYS: usize = 1 << 20;

/// What is read or written at a time.
pub(super) const BUFFER_BYTES: usize = 64 * 1024;

/// The fewest keys of a run that are read at a time, however many runs there are.
const BUFFER_KEYS_MIN: usize = 512;

/// Takes keys in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    run: Vec<u64>,
    run_keys: usize,
    spilled: Option<File>,
    /// How many keys each run in the file has.
    runs: Vec<usize>,
}

/// A run that is being read.
struct Run {
    /// Where its next keys are in the file, in keys.
    next: u64,
    left: usize,
    buffer: Vec<u8>,
    taken: usize,
}

impl Sorter {
    pub(super) fn new(run_keys: usize) -> Sorter {
        Sorter { run: Vec::new(), run_keys, spilled: None, runs: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, key: u64) -> io::Result<()> {
        if self.run.len() == self.run_keys {
            self.spill()?;
        }
        self.run.push(key);
        Ok(())
    }

    /// Hands all keys over, ascending.
    pub(super) fn finish(mut self, mut each: impl FnMut(u64) -> io::Result<()>) -> io::Result<()> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        self.run.sort_unstable();
        let Some(file) = self.spilled else { return self.run.into_iter().try_for_each(each) };
        drop(self.run);
        let buffer_keys =
            (RUN_KEYS / self.runs.len()).clamp(BUFFER_KEYS_MIN, BUFFER_BYTES / size_of::<u64>());
        let mut runs = Vec::with_capacity(self.runs.len());
        let mut first_keys = BinaryHeap::with_capacity(self.runs.len());
        let mut next = 0;
        for left in self.runs {
            let mut run = Run { next, left, buffer: Vec::new(), taken: 0 };
            next += left as u64;
            if let Some(key) = run.take(&file, buffer_keys)? {
                first_keys.push(Reverse((key, runs.len())));
            }
            runs.push(run);
        }
        while let Some(Reverse((key, run))) = first_keys.pop() {
            each(key)?;
            if let Some(following) = runs[run].take(&file, buffer_keys)? {
                first_keys.push(Reverse((following, run)));
            }
        }
        Ok(())
    }

    /// Sorts what is in memory and moves it to the file.
    fn spill(&mut self) -> io::Result<()> {
        self.run.sort_unstable();
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let mut bytes = Vec::with_capacity(BUFFER_BYTES);
        for keys in self.run.chunks(BUFFER_BYTES / size_of::<u64>()) {
            bytes.clear();
            keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
            file.write_all(&bytes)?;
        }
        self.runs.push(self.run.len());
        self.run.clear();
        Ok(())
    }
}

impl Run {
    fn take(&mut self, file: &File, buffer_keys: usize) -> io::Result<Option<u64>> {
        if self.taken == self.buffer.len() {
            let keys = self.left.min(buffer_keys);
            self.buffer.resize(keys * size_of::<u64>(), 0);
            file.read_exact_at(&mut self.buffer, self.next * size_of::<u64>() as u64)?;
            self.next += keys as u64;
            self.left -= keys;
            self.taken = 0;
        }
        let key = keys_of(&self.buffer[self.taken..]).next();
        self.taken += if key.is_some() { size_of::<u64>() } else { 0 };
        Ok(key)
    }
}

/// Keys as they are written.
pub(super) fn keys_of(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|&key| u64::from_le_bytes(key))
}
