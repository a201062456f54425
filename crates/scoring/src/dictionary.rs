//! From a category's cell to its code.

use std::collections::HashMap;
use std::str;

use crate::kernels::Level;
use crate::kernels::cells::{CELL_BYTES_MAX, Column, NOT_FOUND, Spellings};
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
    cells: Spellings,
    cells_learned: usize,
    unknown: u16,
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
            cells: Spellings::new(2 * spellings + LEARNED_MAX),
            cells_learned: 0,
            unknown,
        };
        for (code, value) in (0..unknown).zip(values) {
            for spelling in [&value.value].into_iter().chain(&value.aliases) {
                dictionary.keys.insert(names::key(spelling), code);
                dictionary.insert(spelling.as_bytes(), code);
                if !spelling.contains('"') {
                    dictionary.cells.insert(spelling.as_bytes(), code);
                    dictionary.cells.insert(format!("\"{spelling}\"").as_bytes(), code);
                }
            }
        }
        dictionary
    }

    /// Writes the codes of a column's cells, their quotes included.
    pub(crate) fn codes(&mut self, level: Level, column: &Column, codes: &mut [u16]) {
        if self.cells.look_up(level, column, codes) == 0 {
            return;
        }
        for (code, &first) in codes.iter_mut().zip(column.firsts).filter(|(code, _)| **code == NOT_FOUND) {
            let (start, end) = column.cell(first);
            *code = self.code_of_cell(&column.text[start..end]);
        }
    }

    fn code_of_cell(&mut self, cell: &[u8]) -> u16 {
        if let Some(code) = self.cells.get(cell) {
            return code;
        }
        let code = self.code(&unquote(cell));
        if self.cells_learned < LEARNED_MAX && cell.len() <= CELL_BYTES_MAX {
            self.cells_learned += 1;
            self.cells.insert(cell, code);
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

/// Of the length and all bytes: long values may differ anywhere.
fn hash(text: &[u8]) -> u32 {
    let mut hash = (text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    for word in words.iter().chain([&last]) {
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    ((hash >> 32) ^ hash >> 17) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Column, Dictionary, Level, hash};
    use crate::manifest::FeatureKind;
    use crate::vocabulary;

    /// The code of a cell between two others.
    fn code_between(dictionary: &mut Dictionary, cell: &str, around: &str) -> u16 {
        let text = format!("{around},{cell},{around}\n");
        let (start, end) = (around.len(), around.len() + 1 + cell.len());
        let places = [u32::MAX, start as u32, end as u32, text.len() as u32 - 1];
        let column =
            Column { text: text.as_bytes(), places: &places, firsts: &[1], column: 1, is_last: false };
        let mut codes = [0; 1];
        dictionary.codes(Level::best(), &column, &mut codes);
        codes[0]
    }

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
                    for around in ["", "x", "enough for a whole window of bytes"] {
                        assert_eq!(code_between(&mut dictionary, &cell, around), code, "{cell:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn values_that_differ_anywhere_have_different_hashes() {
        let values = (0..4096).map(|number| format!("a long beginning {number:04} and an end of it"));
        let hashes: HashSet<u32> = values.map(|value| hash(value.as_bytes())).collect();
        assert!(hashes.len() > 4090, "{}", hashes.len());
        let places: HashSet<u32> = hashes.iter().map(|hash| hash & 0xfff).collect();
        assert!(places.len() > 2300, "{}", places.len());
    }

    #[test]
    fn endless_new_spellings_do_not_fill_the_memory() {
        let mut dictionary = Dictionary::new(&[]);
        let length = dictionary.spellings.len();
        for number in 0..10_000 {
            assert_eq!(dictionary.code(format!("value {number}").as_bytes()), dictionary.unknown());
            let cell = number.to_string();
            let code = code_between(&mut dictionary, &cell, "enough for a whole window of bytes");
            assert_eq!(code, dictionary.unknown());
        }
        assert_eq!(dictionary.spellings.len(), length);
    }
}
