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
    (
        "bad_outcomes",
        "These outcomes cannot be read",
        "Исходы не прочитать",
        "В файле есть строки, по которым не понять, ушёл ли клиент. Проверьте столбец с исходом.",
    ),
    (
        "list_too_large",
        "The list is too large",
        "Список слишком велик",
        "Столько клиентов за раз не измерить: в списке больше двух миллионов.",
    ),
    (
        "too_many_plans",
        "Too many plans",
        "Слишком много планов",
        "У прогноза может быть не больше ста планов.",
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
        "too_many_sources",
        "There are too many sources",
        "Слишком много источников",
        "Источников уже 50, больше нельзя. Удалите ненужные.",
    ),
    (
        "too_many_webhooks",
        "There are too many webhooks",
        "Слишком много вебхуков",
        "Вебхуков уже 20, больше нельзя. Удалите ненужные.",
    ),
    (
        "webhook_disabled",
        "The webhook is off",
        "Вебхук отключён",
        "Сначала включите вебхук, затем отправьте сообщение снова.",
    ),
    (
        "too_many_deliveries",
        "Many deliveries are waiting",
        "Слишком много доставок",
        "Слишком много сообщений ещё не доставлено. Попробуйте позже.",
    ),
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
    ("A month may cost at least what a run may.", "За месяц должно хватать хотя бы на один запуск."),
    ("A training costs more than that.", "Обучение стоит дороже."),
    ("A run costs something.", "Запуск стоит больше нуля."),
    ("An area is between 0 and 1.", "AUC — от 0 до 1."),
    ("A loss of area is between 0 and 1.", "Потеря AUC — от 0 до 1."),
    ("It is at least 1.", "Не меньше 1."),
    ("It is 1 to 8784.", "От 1 до 8784."),
    ("It is 0 to 8784.", "От 0 до 8784."),
    ("It is 0.1 to 0.5.", "От 10 до 50 %."),
    ("There is no such training service.", "Такого обучения нет."),
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
    ("A name has 1 to 100 characters on one line.", "В названии от 1 до 100 символов, в одну строку."),
    ("This is no address of a store on the web.", "Это не адрес хранилища в интернете."),
    ("This is no host of the public internet.", "Это не публичный хост."),
    ("The port is 1024 or above.", "Порт — от 1024."),
    ("A query has 1 to 20000 characters.", "В запросе от 1 до 20 000 символов."),
    ("This has 1 to 1000 characters on one line.", "От 1 до 1000 символов, в одну строку."),
    (
        "This has 1 to 100 letters, digits, dots and dashes.",
        "От 1 до 100 латинских букв, цифр, точек и дефисов.",
    ),
    ("This is no path of an object.", "Это не путь к файлу в хранилище."),
    (
        "A store takes access_key_id and secret_access_key.",
        "Для хранилища нужны ключ доступа и секретный ключ.",
    ),
    (
        "A column of dates and its greatest age belong together.",
        "Укажите и столбец с датой, и сколько ей может быть дней.",
    ),
    ("The address begins with https://.", "Адрес начинается с https://."),
    ("The address has at most 2000 characters.", "В адресе не больше 2000 символов."),
    ("The address holds a space or a control character.", "В адресе пробел или управляющий символ."),
    ("This is not an address such as https://example.com/.", "Это не адрес вроде https://example.com/."),
    (
        "The address holds no user name and no password.",
        "В адресе не должно быть имени пользователя и пароля.",
    ),
    (
        "The address holds no #fragment, which is never sent.",
        "В адресе не должно быть #части: она никогда не отправляется.",
    ),
    ("The address names a host.", "В адресе должен быть хост."),
    ("The port is 443, or 1024 or above.", "Порт — 443 или от 1024."),
    ("The address leads to no host of the public internet.", "Адрес ведёт не на публичный хост."),
    (
        "A description has at most 200 characters on one line.",
        "В описании не больше 200 символов, одной строкой.",
    ),
    ("Choose one or more events.", "Отметьте хотя бы одно событие."),
    ("There is no such service on the price list.", "Такой услуги в прайс-листе нет."),
    ("The control group is 0 to 0.5 of the list.", "Контрольная группа — от 0 до 50 % списка."),
    ("The success rate is above 0 and at most 1.", "Доля удержанных — больше 0 и не больше 100 %."),
    ("It is from 0 to the success rate.", "Не больше ожидаемой доли."),
    ("It is from the success rate to 1.", "Не меньше ожидаемой доли и не больше 100 %."),
    ("A customer is worth more than nothing.", "Клиент чего-то да стоит."),
    (
        "The offer costs less than a customer is worth.",
        "Предложение должно стоить меньше, чем приносит клиент.",
    ),
    ("A multiple is above 0.", "Множитель больше нуля."),
    ("The list has no column of this name.", "В списке нет такого столбца."),
    ("The file has no column of this name.", "В файле нет такого столбца."),
    ("The column holds no number for any customer.", "В этом столбце ни у кого нет числа."),
    ("At least one customer is contacted.", "Нужен хотя бы один клиент."),
    (
        "Say what a customer is worth and how often the offer works, or how many can be contacted.",
        "Укажите, сколько приносит клиент и как часто помогает предложение, — или сколько клиентов вы успеете обзвонить.",
    ),
    (
        "A budget needs the value of a customer and the success rate.",
        "Для бюджета нужно знать, сколько приносит клиент и как часто помогает предложение.",
    ),
    (
        "A budget needs contacts or offers that cost something.",
        "Для бюджета нужна стоимость контакта или предложения.",
    ),
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
