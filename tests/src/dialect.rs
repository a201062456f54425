//! The same file as different programs write it.

use std::io::Write;

/// Semicolons, decimal commas, CRLF: as a spreadsheet in most of Europe writes it. Only cells that are
/// numbers get a comma.
pub fn european(csv: &str) -> String {
    let cell =
        |cell: &str| if cell.parse::<f64>().is_ok() { cell.replace('.', ",") } else { cell.to_owned() };
    let line = |line: &str| line.split(',').map(cell).collect::<Vec<_>>().join(";") + "\r\n";
    csv.lines().map(line).collect()
}

/// Tabs instead of commas.
pub fn tabbed(csv: &str) -> String {
    csv.replace(',', "\t")
}

/// With a byte order mark.
pub fn with_bom(text: &str) -> String {
    format!("\u{feff}{text}")
}

/// UTF-16, little-endian, with its mark.
pub fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Windows-1251; only ASCII and the Russian alphabet are known here.
pub fn windows_1251(text: &str) -> Vec<u8> {
    let byte = |character: char| match character {
        '\0'..='\x7f' => character as u8,
        'А'..='я' => (character as u32 - 'А' as u32) as u8 + 0xc0,
        'ё' => 0xb8,
        'Ё' => 0xa8,
        other => panic!("{other:?} is not Russian"),
    };
    text.chars().map(byte).collect()
}

/// gzip.
pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
