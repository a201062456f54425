//! Sorts any number of keys in bounded memory: sorted runs in a temporary file, merged when all are there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

/// Keys that are sorted in memory at once: eight mebibytes of the shorter ones.
pub(super) const RUN_KEYS: usize = 1 << 20;

/// What is read or written at a time.
pub(super) const BUFFER_BYTES: usize = 64 * 1024;

/// The fewest keys of a run that are read at a time, however many runs there are.
const BUFFER_KEYS_MIN: usize = 512;

/// A number that says all there is to say of a customer.
pub(super) trait Key: Copy + Ord {
    /// What it takes in a file.
    const BYTES: usize;

    /// Appends it as it is written.
    fn write(self, bytes: &mut Vec<u8>);

    /// Reads keys as they are written.
    fn read(bytes: &[u8]) -> impl Iterator<Item = Self>;
}

macro_rules! key {
    ($number:ty) => {
        impl Key for $number {
            const BYTES: usize = size_of::<$number>();

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> impl Iterator<Item = $number> {
                bytes.as_chunks().0.iter().map(|&key| <$number>::from_le_bytes(key))
            }
        }
    };
}

key!(u64);
key!(u128);

/// Takes keys in any order.
#[derive(Debug)]
pub(super) struct Sorter<K> {
    run: Vec<K>,
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

impl<K: Key> Sorter<K> {
    pub(super) fn new(run_keys: usize) -> Sorter<K> {
        Sorter { run: Vec::new(), run_keys, spilled: None, runs: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, key: K) -> io::Result<()> {
        if self.run.len() == self.run_keys {
            self.spill()?;
        }
        self.run.push(key);
        Ok(())
    }

    /// Hands all keys over, ascending.
    pub(super) fn finish(mut self, mut each: impl FnMut(K) -> io::Result<()>) -> io::Result<()> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        self.run.sort_unstable();
        let Some(file) = self.spilled else { return self.run.into_iter().try_for_each(each) };
        drop(self.run);
        let buffer_keys = (RUN_KEYS / self.runs.len()).clamp(BUFFER_KEYS_MIN, BUFFER_BYTES / K::BYTES);
        let mut runs = Vec::with_capacity(self.runs.len());
        let mut first_keys = BinaryHeap::with_capacity(self.runs.len());
        let mut next = 0;
        for left in self.runs {
            let mut run = Run { next, left, buffer: Vec::new(), taken: 0 };
            next += left as u64;
            if let Some(key) = run.take::<K>(&file, buffer_keys)? {
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
        for keys in self.run.chunks(BUFFER_BYTES / K::BYTES) {
            bytes.clear();
            keys.iter().for_each(|key| key.write(&mut bytes));
            file.write_all(&bytes)?;
        }
        self.runs.push(self.run.len());
        self.run.clear();
        Ok(())
    }
}

impl Run {
    fn take<K: Key>(&mut self, file: &File, buffer_keys: usize) -> io::Result<Option<K>> {
        if self.taken == self.buffer.len() {
            let keys = self.left.min(buffer_keys);
            self.buffer.resize(keys * K::BYTES, 0);
            file.read_exact_at(&mut self.buffer, self.next * K::BYTES as u64)?;
            self.next += keys as u64;
            self.left -= keys;
            self.taken = 0;
        }
        let key = K::read(&self.buffer[self.taken..]).next();
        self.taken += if key.is_some() { K::BYTES } else { 0 };
        Ok(key)
    }
}
