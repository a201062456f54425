//! Every level against the definition in [`crate::records`], on texts made to be difficult.

use super::{Carry, Seen, Separators, last_line_end, scan};
use crate::kernels::Level;
use crate::records::{RecordEnd, record_end, split};

/// A small generator: tests must be the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// The separators by the definition, for text whose records all end.
fn expected(text: &[u8]) -> Separators {
    let mut found = Separators::default();
    let (mut start, mut cells) = (0, Vec::new());
    while let RecordEnd::At(end) = record_end(text, start, b',') {
        split(&text[start..end - 1], b',', &mut cells);
        found.places.extend(cells.iter().map(|cell| (start + cell.end) as u32));
        found.ends.push(found.places.len() as u32 - 1);
        start = end;
    }
    found
}

fn scanned(level: Level, text: &[u8], stretch: usize) -> (Separators, Seen) {
    let mut found = Separators::default();
    let mut carry = Carry::RECORD;
    let mut seen = Seen { is_plain: true, is_regular: true };
    for from in (0..text.len()).step_by(stretch) {
        let range = (from, (from + stretch).min(text.len()));
        let part = scan(level, text, range, b',', &mut carry, &mut found);
        seen.is_plain &= part.is_plain;
        seen.is_regular &= part.is_regular;
    }
    (found, seen)
}

/// Text of pieces that a scan could trip over; every record ends.
fn text(dice: &mut Dice, pieces: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..dice.below(300) {
        text.extend_from_slice(pieces[dice.below(pieces.len())]);
    }
    text.push(b'\n');
    if let RecordEnd::Open { quote: Some(_) } = last_record(&text) {
        text.extend_from_slice(b"\"\n");
    }
    text
}

fn last_record(text: &[u8]) -> RecordEnd {
    let start = crate::records::last_record_end(text, b',');
    record_end(text, start, b',')
}

#[test]
fn every_level_finds_what_the_definition_says_between_regular_quotes() {
    let pieces: &[&[u8]] = &[
        b",",
        b",",
        b"\n",
        b"\r\n",
        b",\"\"",
        b",\"a,b\"",
        b"\n\"x\ny\"",
        b",\"say \"\"hi\"\"\",",
        b"No",
        b"29.85",
        b",\"\"\"\"",
        b"\n\n",
        b",,,,,,,,",
        b"a rather long cell without anything in it that ends",
    ];
    let mut dice = Dice(7);
    let mut regular = 0;
    for _ in 0..400 {
        let text = text(&mut dice, pieces);
        let stretch = 1 + dice.below(200);
        let reference = scanned(Level::Portable, &text, stretch);
        regular += usize::from(reference.1.is_regular);
        if reference.1.is_regular {
            assert_eq!(reference.0, expected(&text), "{:?}", String::from_utf8_lossy(&text));
        }
        for level in Level::all() {
            assert_eq!(scanned(level, &text, stretch), reference, "{level:?}");
            assert_eq!(scanned(level, &text, text.len()), reference, "{level:?}");
        }
    }
    assert!(regular > 100);
}

#[test]
fn a_scan_never_calls_text_regular_that_the_definition_reads_otherwise() {
    let pieces: &[&[u8]] = &[b"\"", b"\"", b",", b"\n", b"\r", b"a", b"\"\"", b"5\" disk"];
    let mut dice = Dice(11);
    let (mut regular, mut irregular) = (0, 0);
    for _ in 0..4000 {
        let mut text = text(&mut dice, pieces);
        text.truncate(1 + dice.below(200));
        text.push(b'\n');
        let is_whole = !matches!(last_record(&text), RecordEnd::Open { quote: Some(_) });
        let reference = scanned(Level::Portable, &text, 64);
        for level in Level::all() {
            assert_eq!(scanned(level, &text, 64).1, reference.1, "{level:?}");
            assert_eq!(scanned(level, &text, 64).0, reference.0, "{level:?}");
        }
        if is_whole && reference.1.is_regular {
            regular += 1;
            assert_eq!(reference.0, expected(&text), "{:?}", String::from_utf8_lossy(&text));
        }
        irregular += usize::from(!reference.1.is_regular);
        let end = last_line_end(Level::Portable, &text, b',');
        assert!(end.is_none_or(|end| end == crate::records::last_record_end(&text, b',')), "{text:?}");
        assert_eq!(end.is_some(), reference.1.is_regular || !text.contains(&b'"'));
        for level in Level::all() {
            assert_eq!(last_line_end(level, &text, b','), end, "{level:?}");
        }
    }
    assert!(regular > 100 && irregular > 100, "{regular} {irregular}");
}

#[test]
fn bytes_that_are_not_plain_are_seen_wherever_they_are() {
    for level in Level::all() {
        for place in 0..200 {
            for odd in [0, 0x80, 0xff] {
                let mut text = vec![b'a'; 200];
                assert!(scanned(level, &text, 200).1.is_plain);
                text[place] = odd;
                assert!(!scanned(level, &text, 200).1.is_plain, "{level:?} {place} {odd}");
            }
        }
    }
}

#[test]
fn any_bytes_give_every_level_the_same() {
    let mut dice = Dice(3);
    for _ in 0..300 {
        let text: Vec<u8> = (0..dice.below(1000)).map(|_| dice.below(256) as u8).collect();
        let reference = scanned(Level::Portable, &text, 128);
        for level in Level::all() {
            assert_eq!(scanned(level, &text, 128), reference, "{level:?}");
        }
    }
}
