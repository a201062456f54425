//! What is wrong with a customers' file, in words. The engine says it in English; here it is said in the visitor's
//! language: the whole by its stable code, a place by the form of its sentence.

use crate::console::language::Language;

/// Code, and what it says in English and in Russian.
const CODES: &[(&str, &str, &str)] = &[
    ("empty_file", "The file is empty.", "Файл пуст."),
    ("no_rows", "The file has a header and no customers.", "В файле есть заголовок, но нет клиентов."),
    ("binary_file", "The file is no text.", "Это не текстовый файл."),
    (
        "bad_encoding",
        "The text is in no encoding that can be read. Save it as UTF-8.",
        "Кодировка текста не распознана. Сохраните файл в UTF-8.",
    ),
    (
        "missing_columns",
        "Columns that the model needs are missing.",
        "Не хватает столбцов, которые нужны модели.",
    ),
    (
        "duplicate_columns",
        "Two columns have one name or mean the same.",
        "Два столбца называются или значат одно и то же.",
    ),
    ("too_many_columns", "The file has too many columns.", "В файле слишком много столбцов."),
    ("record_too_long", "A row is longer than allowed.", "Строка длиннее, чем допускается."),
    ("unclosed_quote", "A quote is opened and never closed.", "Кавычка открыта и нигде не закрыта."),
    (
        "ragged_row",
        "Rows have more or fewer cells than the header.",
        "В строках больше или меньше ячеек, чем в заголовке.",
    ),
    ("not_a_number", "A number is needed where there is none.", "Там, где нужно число, стоит не число."),
    ("not_a_category", "The model has seen no such value.", "Такого значения модель не встречала."),
    ("not_a_lever", "A company cannot move this column.", "На этот столбец нельзя повлиять."),
    ("no_reasons", "This model gives no reasons.", "Эта модель не называет причин."),
    (
        "unsupported_archive",
        "This is an archive or a workbook. Send plain CSV or CSV compressed with gzip.",
        "Это архив или книга Excel. Отправьте обычный CSV или CSV, сжатый gzip.",
    ),
    (
        "bad_gzip",
        "The file begins as gzip but is damaged or incomplete.",
        "Архив gzip повреждён или неполон.",
    ),
    ("too_large", "The file is larger than allowed.", "Файл больше, чем допускается."),
    (
        "too_many_rows",
        "The file has more customers than the model takes.",
        "Клиентов в файле больше, чем принимает модель.",
    ),
    (
        "no_row_scored",
        "Not one customer of the file could be predicted.",
        "Ни для одного клиента прогноз сделать не удалось.",
    ),
    (
        "attempts_exhausted",
        "The prediction failed three times for a reason of ours.",
        "Расчёт трижды не удался по нашей вине.",
    ),
    ("deadline_passed", "The prediction was not done in time.", "Расчёт не уложился в отведённое время."),
    ("model_unavailable", "The model could not be loaded.", "Модель не удалось загрузить."),
    (
        "input_damaged",
        "The stored file is not the one that was uploaded.",
        "Сохранённый файл отличается от загруженного.",
    ),
    ("upload_interrupted", "The upload broke off.", "Загрузка прервалась."),
    ("upload_too_slow", "The upload was too slow.", "Загрузка шла слишком медленно."),
];

/// The beginning and end of a sentence around a quoted cell, and the same in Russian.
const AROUND: &[(&str, &str, &str)] = &[
    (
        "",
        " is not a number: write it without thousands separators",
        "{} — не число: напишите его без разделителей тысяч",
    ),
    ("", " is not a number", "{} — не число"),
    ("", " is not known", "{} — такого значения модель не знает"),
    ("nothing is here", "", "пусто"),
    ("this is on line ", " already", "уже есть в строке {}"),
    ("", " is too large a number", "{} — слишком большое число"),
    ("there is another column ", "", "есть ещё один столбец {}"),
    ("the byte ", " is in no text; the file is binary", "байта {} в тексте не бывает: файл двоичный"),
    ("the byte ", " is no UTF-8", "байт {} — не UTF-8"),
    ("the quote that opens here is never closed", "", "кавычка открыта здесь и нигде не закрыта"),
    ("the record is longer than allowed", "", "строка длиннее, чем допускается"),
    ("this is no text in the file's encoding", "", "это не текст в кодировке файла"),
];

/// What is wrong with a file as a whole.
pub fn whole(language: Language, code: &str, english: &str) -> String {
    match (language, CODES.iter().find(|(known, ..)| *known == code)) {
        (Language::English, Some((_, said, _))) | (Language::Russian, Some((_, _, said))) => {
            (*said).to_owned()
        }
        (_, None) => english.to_owned(),
    }
}

/// What is wrong at a place.
pub fn place(language: Language, english: &str) -> String {
    match language {
        Language::English => english.to_owned(),
        Language::Russian => in_russian(english).unwrap_or_else(|| english.to_owned()),
    }
}

fn in_russian(english: &str) -> Option<String> {
    if let Some((cell, rest)) = english.split_once(" is not a number here: the file's decimal mark is ") {
        let (mark, rest) = rest.split_once(", and ")?;
        let other = rest.strip_suffix(" could be one or separate thousands")?;
        return Some(format!(
            "{cell} — не число: дробная часть в файле отделяется знаком {mark}, а {other} может отделять и её, и тысячи"
        ));
    }
    if let Some((cell, rest)) = english.split_once(" is not between ") {
        let (low, high) = rest.split_once(" and ")?;
        return Some(format!("{cell} — вне диапазона от {low} до {high}"));
    }
    if let Some(rest) = english.strip_prefix("the row has ") {
        let (cells, columns) = rest.split_once(" cells, the header ")?;
        return Some(format!("ячеек в строке: {cells}, а в заголовке: {columns}"));
    }
    if let Some(rest) = english.strip_prefix("it means ") {
        let (feature, first) = rest.strip_suffix(" does")?.split_once(" as ")?;
        return Some(format!("значит {feature}, как и {first}"));
    }
    AROUND.iter().find_map(|(before, after, russian)| {
        let quoted = english.strip_prefix(before)?.strip_suffix(after)?;
        Some(russian.replace("{}", quoted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_cell_is_said_in_russian_around_the_cell() {
        for (english, russian) in [
            ("\"n/a\" is not a number", "\"n/a\" — не число"),
            (
                "\"1 234\" is not a number: write it without thousands separators",
                "\"1 234\" — не число: напишите его без разделителей тысяч",
            ),
            (
                "\"1,234\" is not a number here: the file's decimal mark is '.', and ',' could be one or separate \
                 thousands",
                "\"1,234\" — не число: дробная часть в файле отделяется знаком '.', а ',' может отделять и её, и тысячи",
            ),
            ("the row has 3 cells, the header 20", "ячеек в строке: 3, а в заголовке: 20"),
            ("it means tenure as \"Tenure Months\" does", "значит tenure, как и \"Tenure Months\""),
            ("the quote that opens here is never closed", "кавычка открыта здесь и нигде не закрыта"),
            ("something new", "something new"),
        ] {
            assert_eq!(place(Language::Russian, english), russian);
            assert_eq!(place(Language::English, english), english);
        }
    }

    #[test]
    fn the_whole_is_said_by_its_code() {
        assert_eq!(whole(Language::Russian, "no_rows", "x"), "В файле есть заголовок, но нет клиентов.");
        assert_eq!(whole(Language::Russian, "unheard_of", "As it is."), "As it is.");
    }
}
