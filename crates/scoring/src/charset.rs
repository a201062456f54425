//! Which 8-bit encoding a text has, settled over the whole of it in constant memory.

use crate::dialect::Encoding;

/// Text is looked at in pieces of this size, so that plain ASCII is passed over quickly.
const PIECE_BYTES: usize = 1024;

/// Watches the bytes of a text without byte order mark go by.
#[derive(Debug, Default)]
pub(crate) struct Classifier {
    /// Bytes seen.
    position: u64,
    sequence: Option<Sequence>,
    first_bad: Option<u64>,
    /// Whether a sequence was seen that is UTF-8 by intent, not by chance.
    is_utf8_meant: bool,
    unit: Unit,
    /// Bytes from 0x80, and how many of them are Cyrillic letters in Windows-1251.
    high: u64,
    cyrillic: u64,
}

/// A UTF-8 sequence that is not complete yet.
#[derive(Debug, Clone, Copy)]
struct Sequence {
    begins_at: u64,
    missing: u8,
    /// What the next byte may be.
    low: u8,
    high: u8,
}

/// What came last. In Windows-1251 a capital before a small yo happens to be valid UTF-8; the letters
/// beside the two are not, so a valid sequence that touches a bad byte says nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Unit {
    #[default]
    Ascii,
    Bad,
    /// A valid sequence with nothing bad before it.
    Valid,
    /// A valid sequence right after a bad byte.
    Doubtful,
}

impl Classifier {
    /// Takes the next bytes of the text.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            if self.sequence.is_none() && piece.is_ascii() {
                self.see(Unit::Ascii);
                self.position += piece.len() as u64;
                continue;
            }
            for &byte in piece {
                self.push_byte(byte);
                self.position += 1;
            }
        }
    }

    /// Where the first byte is that is no UTF-8.
    pub(crate) fn first_bad(&self) -> Option<u64> {
        self.first_bad
    }

    /// Whether it is certain already that the text is in no encoding that is read.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.first_bad.is_some() && self.is_utf8_meant
    }

    /// The encoding, after the last byte; nothing where there is none.
    pub(crate) fn finish(&mut self) -> Option<Encoding> {
        if let Some(sequence) = self.sequence.take() {
            self.see_bad(sequence.begins_at);
        }
        self.see(Unit::Ascii);
        match self.first_bad {
            None => Some(Encoding::Utf8),
            Some(_) if !self.is_utf8_meant && self.cyrillic * 2 > self.high => Some(Encoding::Windows1251),
            Some(_) => None,
        }
    }

    fn push_byte(&mut self, byte: u8) {
        if byte >= 0x80 {
            self.high += 1;
            self.cyrillic += u64::from(is_cyrillic(byte));
        }
        if let Some(mut sequence) = self.sequence.take() {
            if (sequence.low..=sequence.high).contains(&byte) {
                sequence.missing -= 1;
                (sequence.low, sequence.high) = (0x80, 0xbf);
                match sequence.missing {
                    0 => self.see_valid(),
                    _ => self.sequence = Some(sequence),
                }
                return;
            }
            self.see_bad(sequence.begins_at);
        }
        let (missing, low, high) = match byte {
            0x00..=0x7f => return self.see(Unit::Ascii),
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return self.see_bad(self.position),
        };
        self.sequence = Some(Sequence { begins_at: self.position, missing, low, high });
    }

    fn see_valid(&mut self) {
        self.see(if self.unit == Unit::Bad { Unit::Doubtful } else { Unit::Valid });
    }

    fn see_bad(&mut self, position: u64) {
        self.first_bad.get_or_insert(position);
        self.unit = Unit::Bad;
    }

    fn see(&mut self, unit: Unit) {
        self.is_utf8_meant |= self.unit == Unit::Valid;
        self.unit = unit;
    }
}

/// The letters of Windows-1251, those of Ukrainian and Belarusian included.
fn is_cyrillic(byte: u8) -> bool {
    matches!(byte, 0xc0..=0xff | 0xa1 | 0xa2 | 0xa5 | 0xa8 | 0xaa | 0xaf | 0xb2..=0xb4 | 0xb8 | 0xba | 0xbf)
}

#[cfg(test)]
mod tests {
    use super::Classifier;
    use crate::dialect::Encoding;

    fn classify(bytes: &[u8]) -> (Option<Encoding>, Option<u64>) {
        let mut answers = [1, 3, bytes.len().max(1)].map(|size| {
            let mut classifier = Classifier::default();
            bytes.chunks(size).for_each(|piece| classifier.push(piece));
            (classifier.finish(), classifier.first_bad())
        });
        answers.sort_by_key(|(_, bad)| *bad);
        assert_eq!(answers[0], answers[2], "the answer must not depend on the pieces");
        answers[0]
    }

    fn windows_1251(text: &str) -> Vec<u8> {
        encoding_rs::WINDOWS_1251.encode(text).0.into_owned()
    }

    #[test]
    fn valid_utf8_is_utf8() {
        for text in ["", "plain", "Город, €, 𝄞, é", &"x".repeat(5000)] {
            assert_eq!(classify(text.as_bytes()), (Some(Encoding::Utf8), None));
        }
    }

    #[test]
    fn cyrillic_bytes_are_windows_1251() {
        for text in ["Город", "1;Пётр;Лёгкий", "«ВЕКТОР»;Москва", "имя,№ 5\nСемён,2", "Київ"]
        {
            assert_eq!(classify(&windows_1251(text)).0, Some(Encoding::Windows1251), "{text}");
        }
    }

    #[test]
    fn a_bad_byte_among_utf8_is_an_error_with_its_place() {
        assert_eq!(classify(b"caf\xc3\xa9,\xe8\xe8\xe8\xe8"), (None, Some(6)));
        let mut text = "Москва, Тверь".as_bytes().to_vec();
        text.push(0xd0);
        assert_eq!(classify(&text), (None, Some(text.len() as u64 - 1)));
        assert_eq!(classify(b"ab\xed\xa0\x80"), (None, Some(2)));
        assert_eq!(classify(b"ab\xc0\x80").1, Some(2));
    }

    #[test]
    fn bytes_that_are_mostly_no_letters_are_an_error() {
        assert_eq!(classify(b"a\x80\x81\x82\x90\xe0"), (None, Some(1)));
    }
}
