//! Names of files, as customers give them and as they get them back. A name is a label: it never reaches a path.

use axum::http::HeaderValue;

const NAME_CHARACTERS_MAX: usize = 200;
const NAME_DEFAULT: &str = "customers.csv";

/// The name under which an upload is remembered: without directories, without characters that control a terminal or
/// the direction of text, and not too long.
pub fn cleaned(name: Option<&str>) -> String {
    let name = name.unwrap_or_default();
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = base.chars().filter(|character| !character.is_control() && !turns_text(*character));
    let cleaned: String = visible.take(NAME_CHARACTERS_MAX).collect();
    let cleaned = cleaned.trim();
    if cleaned.trim_matches('.').is_empty() { NAME_DEFAULT.to_owned() } else { cleaned.to_owned() }
}

/// What a result is called: after its input, but told apart from it.
pub fn of_result(input_name: &str) -> String {
    derived(input_name, "predicted")
}

/// What the list of a plan is called.
pub fn of_plan(input_name: &str) -> String {
    derived(input_name, "contacts")
}

fn derived(input_name: &str, what: &str) -> String {
    let name = cleaned(Some(input_name));
    let lower = name.to_ascii_lowercase();
    let extension_bytes =
        [".csv.gz", ".csv", ".gz", ".txt", ".tsv"].iter().find(|extension| lower.ends_with(**extension));
    let stem = &name[..name.len() - extension_bytes.map_or(0, |extension| extension.len())];
    format!("{stem}.{what}.csv")
}

/// `Content-Disposition` for a download (RFC 6266): a plain name for old clients, and the whole one encoded
/// after RFC 8187.
pub fn attachment(name: &str) -> HeaderValue {
    let plain: String =
        name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect();
    let encoded: String = name.bytes().map(encode_byte).collect();
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    // Only letters, digits and a few marks are left, all of which a header may hold.
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || " .-_()".contains(character)
}

/// A byte as itself where RFC 8187 lets it, else as `%XX`.
fn encode_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// Marks of Unicode's bidirectional algorithm, which can make `gnp.exe` look like `exe.png`.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_directories_and_everything_invisible() {
        for (sent, kept) in [
            ("customers.csv", "customers.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\leavers.csv", "leavers.csv"),
            ("a%00.csv", "a%00.csv"),
            ("a\0b\r\n\u{1b}[31m.csv", "ab[31m.csv"),
            ("\u{202e}vsc.exe", "vsc.exe"),
            ("..", NAME_DEFAULT),
            ("", NAME_DEFAULT),
            ("клиенты.csv", "клиенты.csv"),
        ] {
            assert_eq!(cleaned(Some(sent)), kept);
        }
        assert_eq!(cleaned(None), NAME_DEFAULT);
        assert_eq!(cleaned(Some(&"x".repeat(10_000))).len(), NAME_CHARACTERS_MAX);
    }

    #[test]
    fn a_result_is_named_after_its_input() {
        assert_eq!(of_result("customers.csv"), "customers.predicted.csv");
        assert_eq!(of_result("Customers.CSV.GZ"), "Customers.predicted.csv");
        assert_eq!(of_result("клиенты"), "клиенты.predicted.csv");
    }

    #[test]
    fn a_hostile_name_cannot_leave_its_header() {
        let value = attachment("a\"; filename=evil.exe; x=\"\r\nSet-Cookie: a=b.csv");
        let text = value.to_str().unwrap();
        assert_eq!(text.matches('"').count(), 2);
        assert!(!text.contains('\r') && !text.contains('\n'));
        assert_eq!(
            attachment("отток 1.csv").to_str().unwrap(),
            "attachment; filename=\"_____ 1.csv\"; filename*=UTF-8''%D0%BE%D1%82%D1%82%D0%BE%D0%BA%201.csv"
        );
    }
}
