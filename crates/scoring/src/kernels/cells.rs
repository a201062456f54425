//! Looks cells up in a table of short spellings: one column of many records at a time.

#![allow(unsafe_code, reason = "vector instructions, and loads whose bounds are checked once for many")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::Level;

/// How many bytes of a spelling are kept, the zeros behind it included.
const SPELLING_BYTES: usize = 32;
/// The longest cell that a table can have: at least one zero is behind it.
pub(crate) const CELL_BYTES_MAX: usize = SPELLING_BYTES - 1;

/// The code of a cell that is not in the table, or not where it is looked for: whoever asks must look for
/// it in another way.
pub(crate) const NOT_FOUND: u16 = u16::MAX;

/// One column of some records. The cell of a record with `first` is the text behind the place
/// `places[first + column - 1]` up to the place `places[first + column]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'text> {
    pub(crate) text: &'text [u8],
    pub(crate) places: &'text [u32],
    pub(crate) firsts: &'text [usize],
    pub(crate) column: usize,
    /// Whether a carriage return at the cell's end is part of the line end.
    pub(crate) is_last: bool,
}

impl Column<'_> {
    /// Where the cell of a record begins and ends.
    #[inline(always)]
    pub(crate) fn cell(&self, first: usize) -> (usize, usize) {
        let pair = &self.places[first + self.column - 1..first + self.column + 1];
        let (start, end) = (pair[0].wrapping_add(1) as usize, pair[1] as usize);
        let has_return =
            self.is_last && self.text.get(end) == Some(&b'\n') && end > start && self.text[end - 1] == b'\r';
        (start, end - usize::from(has_return))
    }
}

/// Looks every cell up; `$is_it` says whether a cell, by pointer and length, is a spelling.
#[cfg(target_arch = "x86_64")]
macro_rules! look_up_with {
    ($self:expr, $column:expr, $codes:expr, $is_it:expr) => {{
        let Column { text, places, firsts, column, is_last } = *$column;
        let (cells, table_codes) = (&$self.cells[..], &$self.codes[..]);
        let mask = cells.len() - 1;
        let mut missed = 0;
        for (code, &first) in $codes.iter_mut().zip(firsts) {
            // SAFETY: `first` is at least 1 and `first + column` is the index of a place.
            let (start, mut end) = unsafe {
                let before = *places.get_unchecked(first + column - 1);
                (before.wrapping_add(1) as usize, *places.get_unchecked(first + column) as usize)
            };
            *code = NOT_FOUND;
            if is_in_reach(text, start, end) {
                // SAFETY: the cell's end is less than 32 bytes behind its start, and 32 are in the text.
                if is_last
                    && end > start
                    && unsafe { *text.get_unchecked(end) == b'\n' && *text.get_unchecked(end - 1) == b'\r' }
                {
                    end -= 1;
                }
                let length = end - start;
                // SAFETY: 8 bytes are before the start and 32 behind it in the text; a place in the table
                // is less than its length, which both lists have.
                unsafe {
                    let cell = text.as_ptr().add(start);
                    let word = cell.cast::<u64>().read_unaligned().to_le();
                    let second = cell.add(8).cast::<u64>().read_unaligned().to_le();
                    let third = cell.add(16).cast::<u64>().read_unaligned().to_le();
                    let tail = cell.add(length).sub(8).cast::<u64>().read_unaligned().to_le();
                    let place = mix([word, second, third, tail], length) & mask;
                    if $is_it(cell, length, cells.as_ptr().add(place).cast()) {
                        *code = *table_codes.get_unchecked(place);
                    }
                }
            }
            missed += usize::from(*code == NOT_FOUND);
        }
        missed
    }};
}
/// Spellings of up to [`CELL_BYTES_MAX`] bytes and their codes: an open hash table.
#[derive(Debug, Clone)]
pub(crate) struct Spellings {
    /// A power of two of them, each followed by zeros.
    cells: Vec<[u8; SPELLING_BYTES]>,
    /// As many; [`NOT_FOUND`] where no spelling is.
    codes: Vec<u16>,
}

/// No cell has a last byte other than zero.
const NOTHING: [u8; SPELLING_BYTES] = [0xff; SPELLING_BYTES];

impl Spellings {
    /// An empty table that stays quick for about this many spellings.
    pub(crate) fn new(count: usize) -> Spellings {
        let length = (count * 2).next_power_of_two();
        Spellings { cells: vec![NOTHING; length], codes: vec![NOT_FOUND; length] }
    }

    /// Adds a spelling unless it is there or too long. The table must not become full.
    pub(crate) fn insert(&mut self, cell: &[u8], code: u16) {
        let Some(key) = key(cell) else { return };
        let mut place = self.place(cell);
        while self.codes[place] != NOT_FOUND {
            if self.cells[place] == key {
                return;
            }
            place = (place + 1) & (self.cells.len() - 1);
        }
        self.cells[place] = key;
        self.codes[place] = code;
    }

    /// The code of a spelling wherever it is in the table.
    pub(crate) fn get(&self, cell: &[u8]) -> Option<u16> {
        let key = key(cell)?;
        let mut place = self.place(cell);
        while self.codes[place] != NOT_FOUND {
            if self.cells[place] == key {
                return Some(self.codes[place]);
            }
            place = (place + 1) & (self.cells.len() - 1);
        }
        None
    }

    /// Writes the code of each record's cell, [`NOT_FOUND`] where it is not at the first place where it may
    /// be or lies at the very beginning or end of the text. Says how many were not found.
    ///
    /// # Panics
    ///
    /// Where a record's places do not exist.
    pub(crate) fn look_up(&self, level: Level, column: &Column, codes: &mut [u16]) -> usize {
        let (lowest, highest) = column
            .firsts
            .iter()
            .fold((usize::MAX, 0), |(low, high), &first| (low.min(first), high.max(first)));
        let is_there = |last: usize| last < column.places.len();
        let are_there = lowest >= 1 && highest.checked_add(column.column).is_some_and(is_there);
        assert!(are_there || column.firsts.is_empty(), "the records have places");
        match level.possible() {
            Level::Portable => self.look_up_portable(column, codes),
            // SAFETY: the places were checked; a possible level is one whose instructions the processor has.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { self.look_up_avx2(column, codes) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { self.look_up_avx512(column, codes) },
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => self.look_up_portable(column, codes),
        }
    }

    fn look_up_portable(&self, column: &Column, codes: &mut [u16]) -> usize {
        let mut missed = 0;
        for (code, &first) in codes.iter_mut().zip(column.firsts) {
            let found = window(column, column.cell(first)).map_or(NOT_FOUND, |(window, start, end)| {
                let words = [window, &window[8..], &window[16..], &column.text[end - 8..]].map(load);
                let place = mix(words, end - start) & (self.cells.len() - 1);
                let is_it = (0..4).all(|at| {
                    let wanted = load(&self.cells[place][at * 8..]);
                    load(&window[at * 8..]) & low_bytes((end - start).saturating_sub(at * 8)) == wanted
                });
                if is_it { self.codes[place] } else { NOT_FOUND }
            });
            *code = found;
            missed += usize::from(found == NOT_FOUND);
        }
        missed
    }

    /// # Safety
    ///
    /// The records' places must exist.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn look_up_avx2(&self, column: &Column, codes: &mut [u16]) -> usize {
        let is_it = |text: *const u8, length: usize, wanted: *const u8| {
            // SAFETY: 32 bytes are behind `text`, and in a spelling; `length` is at most 31.
            let (window, wanted, mask) = unsafe {
                let mask = MASK.as_ptr().add(SPELLING_BYTES - length);
                (
                    _mm256_loadu_si256(text.cast()),
                    _mm256_loadu_si256(wanted.cast()),
                    _mm256_loadu_si256(mask.cast()),
                )
            };
            _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(window, mask), wanted)) == -1
        };
        look_up_with!(self, column, codes, is_it)
    }

    /// # Safety
    ///
    /// The records' places must exist.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn look_up_avx512(&self, column: &Column, codes: &mut [u16]) -> usize {
        let is_it = |text: *const u8, length: usize, wanted: *const u8| {
            // SAFETY: 32 bytes are behind `text`, and in a spelling.
            let (window, wanted) = unsafe {
                let window = _mm256_maskz_loadu_epi8(_bzhi_u32(u32::MAX, length as u32), text.cast());
                (window, _mm256_loadu_si256(wanted.cast()))
            };
            _mm256_cmpneq_epi64_mask(window, wanted) == 0
        };
        look_up_with!(self, column, codes, is_it)
    }

    fn place(&self, cell: &[u8]) -> usize {
        let mut padded = [0; SPELLING_BYTES + 8];
        padded[8..8 + cell.len()].copy_from_slice(cell);
        let words = [&padded[8..], &padded[16..], &padded[24..], &padded[cell.len()..]].map(load);
        mix(words, cell.len()) & (self.cells.len() - 1)
    }
}

/// Ones, then zeros: 32 bytes from the middle less a length begin with that many ones.
#[cfg(target_arch = "x86_64")]
static MASK: [u8; 2 * SPELLING_BYTES] = {
    let mut mask = [0; 2 * SPELLING_BYTES];
    let mut byte = 0;
    while byte < SPELLING_BYTES {
        mask[byte] = 0xff;
        byte += 1;
    }
    mask
};

/// Whether a cell is short, 8 bytes of the text are before it, and 32 from its start on.
#[inline(always)]
fn is_in_reach(text: &[u8], start: usize, end: usize) -> bool {
    // Where the start is below 8 or the text too short, the subtractions wrap to large numbers.
    let room = text.len().saturating_sub(SPELLING_BYTES + 8);
    end.wrapping_sub(start) <= CELL_BYTES_MAX
        && start.wrapping_sub(8) <= room
        && text.len() >= SPELLING_BYTES + 8
}

/// The text from a cell's start on, if the cell is in reach.
fn window<'text>(
    column: &Column<'text>,
    (start, end): (usize, usize),
) -> Option<(&'text [u8], usize, usize)> {
    // A carriage return that was taken off counts: the other levels take it off afterwards.
    let whole = end + usize::from(column.is_last && column.text.get(end) == Some(&b'\r'));
    is_in_reach(column.text, start, whole).then(|| (&column.text[start..start + SPELLING_BYTES], start, end))
}

/// A cell with zeros behind it, if it is short enough.
fn key(cell: &[u8]) -> Option<[u8; SPELLING_BYTES]> {
    let mut key = [0; SPELLING_BYTES];
    key[..CELL_BYTES_MAX].get_mut(..cell.len())?.copy_from_slice(cell);
    Some(key)
}

/// The first eight bytes as a number.
#[inline(always)]
fn load(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A mask for the first bytes of a word.
#[inline(always)]
fn low_bytes(count: usize) -> u64 {
    if count >= 8 { u64::MAX } else { !(u64::MAX << (count * 8)) }
}

/// A number whose lowest bits differ between the values of a category: of a cell's length and all its bytes,
/// which are the words from its start, from 8 and from 16 bytes behind it, as far as the cell goes, and the
/// last eight bytes where it has so many.
#[inline(always)]
fn mix([first, second, third, tail]: [u64; 4], length: usize) -> usize {
    let tail = if length >= 8 { tail } else { 0 };
    let second = (second & low_bytes(length.saturating_sub(8))).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    let third = (third & low_bytes(length.saturating_sub(16))).wrapping_mul(0x1656_67b1_9e37_79f9);
    let ends = (first & low_bytes(length)) ^ tail.rotate_left(29) ^ (length as u64) << 56;
    let mixed = ends ^ second.rotate_left(31) ^ third.rotate_left(47);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{CELL_BYTES_MAX, Column, NOT_FOUND, Spellings};
    use crate::kernels::Level;

    const CELLS: &[&str] = &[
        "Yes",
        "No",
        "",
        "No internet service",
        "Bank transfer (automatic)",
        "1",
        "\"Yes\"",
        "YesYesYe",
        "YesYesYes",
        "exactly thirty-one bytes of it.",
        "exactly thirty-two bytes of it..",
        "never listed",
        "\r",
        "No\r",
        "a cell that is far longer than any that a table could ever hold, whatever it says",
    ];

    fn table() -> Spellings {
        let mut table = Spellings::new(64);
        for (code, cell) in CELLS.iter().enumerate().filter(|(_, cell)| **cell != "never listed") {
            table.insert(cell.as_bytes(), code as u16);
        }
        table
    }

    /// A text of one column, its places, and the firsts of its records.
    fn text(end: &str) -> (Vec<u8>, Vec<u32>, Vec<usize>) {
        let (mut text, mut places, mut firsts) = (Vec::new(), vec![u32::MAX], Vec::new());
        for step in 0..400 {
            text.extend_from_slice(CELLS[step * 7 % CELLS.len()].as_bytes());
            text.extend_from_slice(end.as_bytes());
            places.push(text.len() as u32 - 1);
            firsts.push(places.len() - 1);
        }
        (text, places, firsts)
    }

    #[test]
    fn every_level_finds_what_is_listed_and_nothing_else() {
        let table = table();
        for (end, is_last) in [(",", false), ("\n", false), ("\n", true), ("\r\n", true)] {
            let (text, places, firsts) = text(end);
            let column = Column { text: &text, places: &places, firsts: &firsts, column: 0, is_last };
            let mut expected = vec![0; firsts.len()];
            let missed = table.look_up(Level::Portable, &column, &mut expected);
            for level in Level::all() {
                let mut codes = vec![0; firsts.len()];
                assert_eq!(table.look_up(level, &column, &mut codes), missed, "{level:?}");
                assert_eq!(codes, expected, "{level:?}");
            }
            let mut found = 0;
            for (&first, &code) in firsts.iter().zip(&expected) {
                let (start, end) = column.cell(first);
                let cell = &text[start..end];
                if code != NOT_FOUND {
                    found += 1;
                    assert_eq!(table.get(cell), Some(code));
                    assert_eq!(CELLS[usize::from(code)].as_bytes(), cell);
                }
                assert_eq!(
                    table.get(cell).is_some(),
                    cell.len() <= CELL_BYTES_MAX && cell != b"never listed"
                );
            }
            assert!(found > 200 && missed > 50, "{found} {missed}");
        }
    }

    #[test]
    fn cells_that_differ_in_the_middle_have_places_of_their_own() {
        let table = Spellings::new(2048);
        for beginning in ["a beginning ", "beginning of it and "] {
            let cells = (0..1000).map(|number| format!("{beginning}{number:03} the end"));
            let places: HashSet<usize> = cells.map(|cell| table.place(cell.as_bytes())).collect();
            assert!(places.len() > 700, "{}", places.len());
        }
    }

    #[test]
    fn cells_at_the_edges_of_a_text_are_left_to_others() {
        let table = table();
        let text = b"Yes,No,Yes,No,Yes,No,Yes,No,Yes,No,Yes,No,Yes";
        for length in 0..text.len() {
            let places: Vec<u32> = [u32::MAX]
                .into_iter()
                .chain((0..length as u32).filter(|&at| text[at as usize] == b','))
                .chain([length as u32])
                .collect();
            let firsts: Vec<usize> = (1..places.len()).collect();
            let column =
                Column { text: &text[..length], places: &places, firsts: &firsts, column: 0, is_last: true };
            let mut expected = vec![0; firsts.len()];
            table.look_up(Level::Portable, &column, &mut expected);
            for level in Level::all() {
                let mut codes = vec![0; firsts.len()];
                table.look_up(level, &column, &mut codes);
                assert_eq!(codes, expected, "{level:?} {length}");
            }
        }
    }
}
