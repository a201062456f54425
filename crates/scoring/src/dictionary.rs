//! From a category's cell to its code.

use std::collections::HashMap;
use std::str;

use crate::manifest::CategoryValue;
use crate::names;
use crate::records::unquote;

/// Spellings beyond the listed ones that are remembered, so that a file's own way of writing is looked up
/// the slow way once only.
const LEARNED_MAX: usize = 256;

/// The values of one category. Codes are positions in the category's tables: the listed values, then
/// unknown, then missing.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary {
    /// By [`names::key`].
    keys: HashMap<String, u16>,
    /// By exact spelling: an open hash table whose length is a power of two.
    spellings: Vec<Option<Spelling>>,
    learned: usize,
    /// By cell, quotes included: what was found for the cells that were read before.
    short: ShortCells,
    unknown: u16,
}

/// Codes of cells of up to [`SHORT_BYTES_MAX`] bytes: an open hash table whose length is a power of two.
#[derive(Debug, Clone)]
struct ShortCells {
    entries: Vec<ShortCell>,
    learned: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct ShortCell {
    /// The cell's bytes, then zeros, and its length in the last byte.
    words: [u64; 4],
    code: u16,
}

/// Lets the length fit behind the cell in 32 bytes.
const SHORT_BYTES_MAX: usize = 31;

impl ShortCell {
    /// No cell has this length.
    const NONE: ShortCell = ShortCell { words: [0, 0, 0, u64::MAX], code: 0 };
}

/// For each length, which bits of 32 bytes are the cell's.
static SHORT_MASKS: [[u64; 4]; SHORT_BYTES_MAX + 1] = {
    let mut masks = [[0; 4]; SHORT_BYTES_MAX + 1];
    let mut length = 0;
    while length <= SHORT_BYTES_MAX {
        let mut byte = 0;
        while byte < length {
            masks[length][byte / 8] |= 0xff << (byte % 8 * 8);
            byte += 1;
        }
        length += 1;
    }
    masks
};

impl ShortCells {
    fn new(spellings: usize) -> ShortCells {
        // Each spelling with and without quotes.
        let length = ((2 * spellings + LEARNED_MAX) * 2).next_power_of_two();
        ShortCells { entries: vec![ShortCell::NONE; length], learned: 0 }
    }

    /// The words of a cell, if it is short and not too near to the text's end.
    #[inline(always)]
    fn words(text: &[u8], start: usize, end: usize) -> Option<[u64; 4]> {
        let window = text.get(start..)?.first_chunk::<32>()?;
        let masks = SHORT_MASKS.get(end.wrapping_sub(start))?;
        let (window, _) = window.as_chunks::<8>();
        let word = |at: usize| u64::from_le_bytes(window[at]) & masks[at];
        Some([word(0), word(1), word(2), word(3) | ((end - start) as u64) << 56])
    }

    /// Where a cell is, or would be.
    #[inline(always)]
    fn place(&self, words: &[u64; 4]) -> usize {
        let mixed = words[0] ^ words[1].rotate_left(17) ^ words[2].rotate_left(31) ^ words[3].rotate_left(47);
        let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize & (self.entries.len() - 1)
    }

    fn insert(&mut self, words: [u64; 4], code: u16) {
        let mut place = self.place(&words);
        while self.entries[place] != ShortCell::NONE {
            if self.entries[place].words == words {
                return;
            }
            place = (place + 1) & (self.entries.len() - 1);
        }
        self.entries[place] = ShortCell { words, code };
    }

    /// A listed spelling, as it is and in quotes.
    fn insert_listed(&mut self, spelling: &str, code: u16) {
        for cell in [spelling.to_owned(), format!("\"{spelling}\"")] {
            let text = [cell.as_bytes(), &[0; 32]].concat();
            if let Some(words) = ShortCells::words(&text, 0, cell.len()).filter(|_| !spelling.contains('"')) {
                self.insert(words, code);
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Spelling {
    hash: u32,
    code: u16,
    text: Box<[u8]>,
}

impl Dictionary {
    pub(crate) fn new(values: &[CategoryValue]) -> Dictionary {
        let spellings = values.iter().map(|value| 1 + value.aliases.len()).sum::<usize>();
        let length = ((spellings + LEARNED_MAX) * 2).next_power_of_two();
        // `Model` lets no more values through than 16 bits count.
        let unknown = u16::try_from(values.len()).unwrap_or(u16::MAX - 1);
        let mut dictionary = Dictionary {
            keys: HashMap::new(),
            spellings: vec![None; length],
            learned: 0,
            short: ShortCells::new(spellings),
            unknown,
        };
        for (code, value) in (0..unknown).zip(values) {
            for spelling in [&value.value].into_iter().chain(&value.aliases) {
                dictionary.keys.insert(names::key(spelling), code);
                dictionary.insert(spelling.as_bytes(), code);
                dictionary.short.insert_listed(spelling, code);
            }
        }
        dictionary
    }

    /// The code of the cell at this place, its quotes included.
    #[inline(always)]
    pub(crate) fn code_at(&mut self, text: &[u8], start: usize, end: usize) -> u16 {
        if let Some(words) = ShortCells::words(text, start, end) {
            let entry = &self.short.entries[self.short.place(&words)];
            if entry.words == words {
                return entry.code;
            }
        }
        self.code_of_new(text, start, end)
    }

    /// The code of a cell that is not where it should be in the table of short ones.
    #[cold]
    fn code_of_new(&mut self, text: &[u8], start: usize, end: usize) -> u16 {
        let words = ShortCells::words(text, start, end);
        if let Some(words) = words {
            let mut place = self.short.place(&words);
            while self.short.entries[place] != ShortCell::NONE {
                if self.short.entries[place].words == words {
                    return self.short.entries[place].code;
                }
                place = (place + 1) & (self.short.entries.len() - 1);
            }
        }
        let code = self.code(&unquote(&text[start..end]));
        if let Some(words) = words.filter(|_| self.short.learned < LEARNED_MAX) {
            self.short.learned += 1;
            self.short.insert(words, code);
        }
        code
    }

    /// The code of a cell's value.
    pub(crate) fn code(&mut self, value: &[u8]) -> u16 {
        let hash = hash(value);
        let mut place = self.place(hash);
        while let Some(spelling) = &self.spellings[place] {
            if spelling.hash == hash && *spelling.text == *value {
                return spelling.code;
            }
            place = (place + 1) & (self.spellings.len() - 1);
        }
        let code = self.code_by_key(value);
        // Long cells are no spelling of anything and would fill the memory.
        if self.learned < LEARNED_MAX && value.len() <= 64 {
            self.learned += 1;
            self.insert(value, code);
        }
        code
    }

    pub(crate) fn unknown(&self) -> u16 {
        self.unknown
    }

    fn code_by_key(&self, value: &[u8]) -> u16 {
        let key = names::key(str::from_utf8(value).unwrap_or("?"));
        if key.is_empty() { self.unknown + 1 } else { self.keys.get(&key).copied().unwrap_or(self.unknown) }
    }

    fn insert(&mut self, text: &[u8], code: u16) {
        let hash = hash(text);
        let mut place = self.place(hash);
        while self.spellings[place].is_some() {
            place = (place + 1) & (self.spellings.len() - 1);
        }
        self.spellings[place] = Some(Spelling { hash, code, text: text.into() });
    }

    fn place(&self, hash: u32) -> usize {
        hash as usize & (self.spellings.len() - 1)
    }
}

/// Of the length, the beginning and the end, which differ between the values of a category.
fn hash(text: &[u8]) -> u32 {
    let mut hash = (text.len() as u32).wrapping_mul(0x9e37_79b1);
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        hash ^= u32::from_le_bytes(*first).wrapping_mul(0x85eb_ca6b);
        hash ^= u32::from_le_bytes(*last).wrapping_mul(0xc2b2_ae35);
    } else {
        for &byte in text {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::Dictionary;
    use crate::manifest::FeatureKind;
    use crate::vocabulary;

    #[test]
    fn values_are_found_in_every_spelling() {
        let FeatureKind::Category { values } = vocabulary::category(&["No", "Yes", "No internet service"])
        else {
            panic!("a category")
        };
        let mut dictionary = Dictionary::new(&values);
        for _ in 0..2 {
            for (text, code) in [
                ("Yes", 1),
                (" YES ", 1),
                ("true", 1),
                ("1", 1),
                ("1.0", 1),
                ("0", 0),
                ("False", 0),
                ("no_internet_service", 2),
                ("NoInternetService", 2),
                ("perhaps", 3),
                ("", 4),
                ("  ", 4),
            ] {
                assert_eq!(dictionary.code(text.as_bytes()), code, "{text:?}");
                for cell in [text.to_owned(), format!("\"{text}\"")] {
                    for behind in ["", ",", ",and enough for a whole window of bytes"] {
                        let line = format!("x,{cell}{behind}");
                        let found = dictionary.code_at(line.as_bytes(), 2, 2 + cell.len());
                        assert_eq!(found, code, "{line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn endless_new_spellings_do_not_fill_the_memory() {
        let mut dictionary = Dictionary::new(&[]);
        let length = dictionary.spellings.len();
        for number in 0..10_000 {
            assert_eq!(dictionary.code(format!("value {number}").as_bytes()), dictionary.unknown());
            let cell = format!("{number}, and enough for a whole window of bytes");
            assert_eq!(dictionary.code_at(cell.as_bytes(), 0, 4), dictionary.unknown());
        }
        assert_eq!(dictionary.spellings.len(), length);
    }
}
