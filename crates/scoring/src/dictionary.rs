//! From a category's cell to its code.

use std::collections::HashMap;
use std::str;

use crate::manifest::CategoryValue;
use crate::names;

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
        let mut dictionary =
            Dictionary { keys: HashMap::new(), spellings: vec![None; length], learned: 0, unknown };
        for (code, value) in (0..unknown).zip(values) {
            for spelling in [&value.value].into_iter().chain(&value.aliases) {
                dictionary.keys.insert(names::key(spelling), code);
                dictionary.insert(spelling.as_bytes(), code);
            }
        }
        dictionary
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
            }
        }
    }

    #[test]
    fn endless_new_spellings_do_not_fill_the_memory() {
        let mut dictionary = Dictionary::new(&[]);
        let length = dictionary.spellings.len();
        for number in 0..10_000 {
            assert_eq!(dictionary.code(format!("value {number}").as_bytes()), dictionary.unknown());
        }
        assert_eq!(dictionary.spellings.len(), length);
    }
}
