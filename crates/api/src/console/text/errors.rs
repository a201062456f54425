//! Errors in words. The platform says in English what was wrong; what visitors of the console meet is said here in
//! their language too, by the error's stable code, or by the sentence where one code has several.

use crate::console::language::Language;

/// Code, title in English and in Russian, and what to say in Russian; in English the problem's own detail says it.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    (
        "not_found",
        "There is no such page",
        "Такой страницы нет",
        "Здесь ничего нет. Возможно, ссылка устарела или ведёт на чужое.",
    ),
    ("forbidden", "This is not allowed", "Это не разрешено", "На это у вас нет прав."),
    (
        "forged_form",
        "The form was not taken",
        "Форма не принята",
        "Форма отправлена не со страницы этой установки, или страница устарела. Откройте её заново.",
    ),
    ("gone", "It is gone", "Этого больше нет", "Результат удалён или срок его хранения истёк."),
    (
        "unavailable",
        "Not available at the moment",
        "Временно недоступно",
        "Что-то из нужного сейчас не отвечает. Обновите страницу и посмотрите, выполнено ли действие.",
    ),
    (
        "busy",
        "Many are waiting",
        "Много ожидающих",
        "Сейчас слишком много таких запросов. Попробуйте чуть позже.",
    ),
    (
        "backlog_full",
        "Many predictions are waiting",
        "Слишком длинная очередь",
        "Прогнозов в очереди столько, что новый опоздал бы. Ничего не списано; попробуйте позже.",
    ),
    (
        "too_many_requests",
        "Too many at once",
        "Слишком много сразу",
        "Слишком много запросов одновременно. Попробуйте чуть позже.",
    ),
    ("insufficient_funds", "Not enough money", "Недостаточно денег", "На балансе не хватает денег."),
    (
        "order_already_used",
        "The order is used already",
        "Заказ уже использован",
        "Этот заказ уже использован или отменён.",
    ),
    ("prediction_not_finished", "Not finished yet", "Ещё не готово", "Прогноз ещё не закончен."),
    ("prediction_not_ready", "Not finished yet", "Ещё не готово", "Прогноз ещё не закончен."),
    (
        "prediction_failed",
        "The prediction failed",
        "Прогноз не удался",
        "Прогноз не удался, результата нет; деньги возвращены.",
    ),
    ("unsupported_media_type", "This cannot be read", "Это не прочитать", "Данные отправлены не в том виде."),
    (
        "bad_cursor",
        "There is no such page of the list",
        "Такой страницы списка нет",
        "Откройте список с начала.",
    ),
    ("bad_query", "The address cannot be read", "Адрес не прочитать", "Параметры в адресе страницы неверны."),
    ("method_not_allowed", "Not like this", "Так нельзя", "Эта страница так не открывается."),
    (
        "internal_error",
        "Something broke on our side",
        "Сломалось на нашей стороне",
        "Сбой на сервере. Сообщите администратору номер ниже.",
    ),
];

/// Sentences of the platform about single fields, and how they read in Russian.
const SENTENCES: &[(&str, &str)] = &[
    ("This e-mail address is registered.", "Этот адрес уже зарегистрирован."),
    ("This is not the current password.", "Это не текущий пароль."),
    (
        "A name has at most 200 characters and no control characters.",
        "В имени не больше 200 символов, без управляющих.",
    ),
    ("A note has at most 500 characters.", "В примечании не больше 500 символов."),
    ("Nobody is registered with this address.", "Никто не зарегистрирован с этим адресом."),
    ("This field is required.", "Заполните это поле."),
    ("This is not an e-mail address.", "Это не адрес электронной почты."),
    ("A password has at least 8 characters.", "В пароле не меньше 8 символов."),
    ("A password has at most 128 characters.", "В пароле не больше 128 символов."),
    ("This password is among those tried first by attackers.", "Этот пароль взломщики пробуют первым."),
    ("A key's name has 1 to 100 characters.", "В названии ключа от 1 до 100 символов."),
    ("A service's name has 1 to 100 characters.", "В названии услуги от 1 до 100 символов."),
    ("A description has at most 2000 characters.", "В описании не больше 2000 символов."),
    ("A price must be positive.", "Цена должна быть больше нуля."),
    ("There is no model of this name.", "Модели с таким именем нет."),
    ("A refund says why.", "Напишите, за что возврат."),
    ("There is no such tenant.", "Такого арендатора нет."),
    ("There is no such service on the price list.", "Такой услуги в прайс-листе нет."),
];

/// The title of an error's page.
pub fn title(language: Language, code: &str) -> &'static str {
    let known = KNOWN.iter().find(|(known, ..)| *known == code);
    match (language, known) {
        (Language::English, Some((_, english, ..))) => english,
        (Language::Russian, Some((_, _, russian, _))) => russian,
        (Language::English, None) => "This did not work",
        (Language::Russian, None) => "Не получилось",
    }
}

/// What an error says, by its code.
pub fn said(language: Language, code: &str, detail: &str) -> String {
    match (language, KNOWN.iter().find(|(known, ..)| *known == code)) {
        (Language::Russian, Some((.., russian))) => (*russian).to_owned(),
        _ => sentence(language, detail),
    }
}

/// A sentence of the platform in a language; one that nobody has translated stays as it is.
pub fn sentence(language: Language, english: &str) -> String {
    let translated = SENTENCES.iter().find(|(known, _)| *known == english);
    match (language, translated) {
        (Language::Russian, Some((_, russian))) => (*russian).to_owned(),
        _ => english.to_owned(),
    }
}
