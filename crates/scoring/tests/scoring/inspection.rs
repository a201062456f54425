//! What a file is found to be while it is stored.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use scoring::problem::code;
use scoring::{Compression, Encoding, Inspector, Limits};

use crate::shop::{gzip, inspect, inspect_in_pieces, utf_16, windows_1251};

const PLAIN: &str = "tenure,MonthlyCharges\n1,29.85\n2,30.5\n";

fn code_of(bytes: &[u8]) -> &'static str {
    inspect(bytes).expect_err("a fault").code
}

#[test]
fn a_plain_file_is_understood() {
    let found = inspect(PLAIN.as_bytes()).unwrap();
    assert_eq!(found.header, ["tenure", "MonthlyCharges"]);
    assert_eq!((found.rows, found.bytes_decoded), (2, PLAIN.len() as u64));
    let dialect = found.dialect;
    assert_eq!((dialect.encoding, dialect.compression), (Encoding::Utf8, Compression::None));
    assert_eq!((dialect.delimiter, dialect.decimal, dialect.bom), (',', '.', false));
}

#[test]
fn the_pieces_in_which_a_file_arrives_do_not_matter() {
    let russian = "\"имя; фамилия\";срок\r\n\"Пётр\nЁ\";1,5\r\n\r\nОля;\"2\"";
    let mut long = "a;b\n".to_owned();
    for row in 0..30_000 {
        writeln!(long, "\"x\n{row}\";{row},25").unwrap();
    }
    let files = [
        russian.as_bytes().to_vec(),
        format!("\u{feff}{russian}").into_bytes(),
        utf_16(russian, true),
        utf_16(russian, false),
        windows_1251(russian),
        gzip(russian.as_bytes()),
        gzip(&windows_1251(russian)),
        long.into_bytes(),
    ];
    for file in files {
        let whole = inspect(&file).unwrap();
        assert_eq!((whole.dialect.delimiter, whole.dialect.decimal), (';', ','));
        assert!(whole.rows == 2 || whole.rows == 30_000, "{}", whole.rows);
        for size in [1, 7, 1000, 70_000] {
            assert_eq!(inspect_in_pieces(&file, size).unwrap(), whole);
        }
    }
}

#[test]
fn encodings_are_told_apart() {
    let text = "город;срок\nМосква;1\nТверь;2\n";
    let found = |bytes: &[u8]| {
        let found = inspect(bytes).unwrap();
        assert_eq!(found.header, ["город", "срок"]);
        (found.dialect.encoding, found.dialect.bom)
    };
    assert_eq!(found(text.as_bytes()), (Encoding::Utf8, false));
    assert_eq!(found(format!("\u{feff}{text}").as_bytes()), (Encoding::Utf8, true));
    assert_eq!(found(&utf_16(text, true)), (Encoding::Utf16le, true));
    assert_eq!(found(&utf_16(text, false)), (Encoding::Utf16be, true));
    assert_eq!(found(&windows_1251(text)), (Encoding::Windows1251, false));
}

#[test]
fn one_bad_byte_in_utf_8_has_a_line_and_a_column() {
    let mut bytes = "id,город\n1,Москва\n2,Тв".as_bytes().to_vec();
    bytes.extend_from_slice(b"\xff\n3,x\n");
    for size in [1, 1000] {
        let error = inspect_in_pieces(&bytes, size).expect_err("a bad byte");
        assert_eq!(error.code, code::BAD_ENCODING);
        assert_eq!((error.problems[0].line, error.problems[0].column.as_str()), (3, "город"));
    }
    // The byte order mark says UTF-8, so nothing else is tried.
    let marked = [b"\xef\xbb\xbf".as_slice(), &windows_1251("id,имя\n1,Оля\n")].concat();
    assert_eq!(code_of(&marked), code::BAD_ENCODING);
    // Not mostly letters, so no Windows-1251 either.
    let error = inspect(b"id,name\n1,\x80\x81\x82\x83\n").expect_err("bad bytes");
    assert_eq!((error.code, error.problems[0].line), (code::BAD_ENCODING, 2));
    let error = inspect(&[&utf_16("id,name\n1,x\n2,", true)[..], b"\x00\xd8x\x00\n\x00"].concat());
    let error = error.expect_err("half a surrogate pair");
    assert_eq!((error.code, error.problems[0].line), (code::BAD_ENCODING, 3));
}

#[test]
fn delimiters_and_decimal_marks_are_told_apart() {
    let found = |text: &str| {
        let dialect = inspect(text.as_bytes()).unwrap().dialect;
        (dialect.delimiter, dialect.decimal)
    };
    assert_eq!(found("a;b\n53,85;1\n"), (';', ','));
    assert_eq!(found("a;b\n53.85;1\n"), (';', '.'));
    assert_eq!(found("a;b\n5;1\n"), (';', ','));
    assert_eq!(found("a,b\n\"53,85\",1\n"), (',', ','));
    assert_eq!(found("a,b\n\"1,234\",1\n"), (',', '.'));
    assert_eq!(found("a\tb\n53,85\t1\n"), ('\t', ','));
    assert_eq!(found("a|b\n5|1\n"), ('|', '.'));
    assert_eq!(found("a\n5\n"), (',', '.'));
}

#[test]
fn the_header_is_known_as_soon_as_the_first_record_is() {
    let mut inspector = Inspector::new(Limits::default());
    let filler = "x".repeat(600);
    inspector.push(format!("tenure,name\n1,{filler}").as_bytes()).unwrap();
    assert_eq!(inspector.header(), None);
    inspector.push(b"\n").unwrap();
    assert_eq!(inspector.header().unwrap(), ["tenure", "name"]);
    let mut inspector = Inspector::new(Limits::default());
    inspector.push(&windows_1251(&format!("срок,имя\n1,{filler}\n"))).unwrap();
    assert_eq!(inspector.header().unwrap(), ["срок", "имя"]);
}

#[test]
fn archives_are_refused_by_their_first_bytes() {
    let mut tar = vec![0; 600];
    tar[..5].copy_from_slice(b"a.csv");
    tar[257..262].copy_from_slice(b"ustar");
    let bzip2 = b"BZh91AY&SY\x00".to_vec();
    let others: [&[u8]; 6] = [
        b"PK\x03\x04abc",
        b"7z\xbc\xaf\x27\x1c\x00",
        b"Rar!\x1a\x07\x00",
        b"\xfd7zXZ\x00",
        b"\x28\xb5\x2f\xfd",
        b"PK\x05\x06\x00",
    ];
    for file in others.into_iter().chain([&tar[..], &bzip2, &gzip(&tar), &gzip(&gzip(b"a,b\n1,2\n"))]) {
        assert_eq!(code_of(file), code::UNSUPPORTED_ARCHIVE);
    }
}

#[test]
fn gzip_may_have_several_members_and_must_be_whole() {
    let (first, second) = PLAIN.split_at(20);
    let members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let found = inspect(&members).unwrap();
    assert_eq!((found.rows, found.dialect.compression), (2, Compression::Gzip));
    let whole = gzip(PLAIN.as_bytes());
    assert_eq!(code_of(&whole[..whole.len() - 9]), code::BAD_GZIP);
    let mut damaged = whole.clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 0xff;
    assert_eq!(code_of(&damaged), code::BAD_GZIP);
    assert_eq!(code_of(b"\x1f\x8b\x08nonsense, not gzip"), code::BAD_GZIP);
    assert_eq!(code_of(&[&whole[..], b"rubbish"].concat()), code::BAD_GZIP);
}

#[test]
fn a_gzip_of_zeros_fails_at_once() {
    let zeros = gzip(&vec![0; 64 << 20]);
    let mut inspector = Inspector::new(Limits::default());
    let started = Instant::now();
    let error = inspector.push(&zeros[..4096.min(zeros.len())]).expect_err("zeros");
    assert_eq!(error.code, code::BINARY_FILE);
    assert!(started.elapsed() < Duration::from_millis(500));
    assert_eq!(inspector.push(b"more").expect_err("still").code, code::BINARY_FILE);
}

#[test]
fn a_gzip_of_text_stops_at_the_limit() {
    let bomb = gzip(&b"1,2\n".repeat(1 << 20));
    let mut inspector = Inspector::new(Limits { bytes_max: 1 << 20, ..Limits::default() });
    assert_eq!(inspector.push(&bomb).expect_err("too much").code, code::TOO_LARGE);
}

#[test]
fn files_without_customers_are_refused() {
    for file in ["", "\n\n", " \r\n", "\t\t\n", "\u{feff}"] {
        assert_eq!(code_of(file.as_bytes()), code::EMPTY_FILE, "{file:?}");
    }
    for file in ["a,b", "a,b\n", "\u{feff}a,b\r\n\r\n"] {
        assert_eq!(code_of(file.as_bytes()), code::NO_ROWS, "{file:?}");
    }
    assert_eq!(code_of(&gzip(b"")), code::EMPTY_FILE);
}

#[test]
fn binary_files_are_refused_with_their_place() {
    assert_eq!(code_of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), code::BINARY_FILE);
    assert_eq!(code_of(b"\x7fELF\x02\x01\x01"), code::BINARY_FILE);
    let error = inspect(b"a,b\n1,2\n3,\x004\n").expect_err("NUL");
    assert_eq!(error.code, code::BINARY_FILE);
    assert_eq!((error.problems[0].line, error.problems[0].column.as_str()), (3, "b"));
}

#[test]
fn headers_beyond_the_limits_are_refused() {
    let wide = format!("{}\n1\n", vec!["column"; 20_000].join(","));
    assert_eq!(code_of(wide.as_bytes()), code::TOO_MANY_COLUMNS);
    let very_wide = format!("{}\n1\n", vec!["a"; 1_000_000].join(","));
    assert_eq!(code_of(very_wide.as_bytes()), code::TOO_MANY_COLUMNS);
    let long = "x".repeat(3 << 20);
    assert_eq!(code_of(long.as_bytes()), code::RECORD_TOO_LONG);
    assert_eq!(code_of(format!("a,b\n1,{long}").as_bytes()), code::RECORD_TOO_LONG);
    let error = inspect(format!("a,b\n1,\"{long}").as_bytes()).expect_err("open");
    assert_eq!(error.code, code::UNCLOSED_QUOTE);
    assert_eq!((error.problems[0].line, error.problems[0].column.as_str()), (2, "2"));
    assert_eq!(code_of(b"\"a,b\n1,2\n"), code::UNCLOSED_QUOTE);
}

#[test]
fn faults_of_later_records_are_left_to_the_scoring() {
    let found = inspect(b"a,b\n1,2\n3,\"4\n5,6\n").unwrap();
    assert_eq!(found.rows, 2);
    let long = format!("a,b\n1,2\n3,{}\n5,6\n", "x".repeat(3 << 20));
    assert_eq!(inspect_in_pieces(long.as_bytes(), 65_536).unwrap().rows, 2);
}

#[test]
fn names_of_dialects_are_stable() {
    let dialect = inspect(&gzip(&windows_1251("срок;имя\n1;Оля\n"))).unwrap().dialect;
    let json = serde_json::to_string(&dialect).unwrap();
    assert_eq!(
        json,
        r#"{"encoding":"windows-1251","compression":"gzip","bom":false,"delimiter":";","decimal":","}"#
    );
    assert_eq!(serde_json::from_str::<scoring::Dialect>(&json).unwrap(), dialect);
}
