//! Texts of the sources.

use super::texts;

texts! {
    /// The pages of sources.
    Sources {
        title: "Sources", "Источники";
        lead: "Customers are fetched from where they lie: an address, a store, a database.",
            "Клиенты загружаются оттуда, где лежат: по ссылке, из хранилища, из базы.";
        new: "New source", "Новый источник";
        none: "No sources yet", "Источников пока нет";
        none_text: "Say where your customers lie once. Then predict from there with one click, or every night by itself.",
            "Один раз укажите, где лежат клиенты. Дальше прогноз делается в один клик или сам, каждую ночь.";
        name: "Name", "Название";
        name_hint: "Such as “CRM, every night”.", "Например, «CRM, каждую ночь».";
        place: "Where", "Где";
        kind_url: "Address of a file", "Файл по ссылке";
        kind_s3: "Object store (S3)", "Хранилище (S3)";
        kind_postgresql: "PostgreSQL", "PostgreSQL";
        url: "Address", "Ссылка";
        url_hint: "https, a host of the public internet.", "https, публичный хост.";
        token: "Token", "Токен";
        token_hint: "Sent as Authorization: Bearer. May stay empty.",
            "Уходит в заголовке Authorization: Bearer. Можно не указывать.";
        endpoint: "Address of the store", "Адрес хранилища";
        region: "Region", "Регион";
        bucket: "Bucket", "Бакет";
        path: "Path of the file", "Путь к файлу";
        access_key_id: "Access key", "Ключ доступа";
        secret_access_key: "Secret key", "Секретный ключ";
        host: "Server", "Сервер";
        port: "Port", "Порт";
        database: "Database", "База";
        user: "User", "Пользователь";
        password: "Password", "Пароль";
        sealed_hint: "Kept encrypted, and never shown again.", "Хранится в зашифрованном виде и больше не показывается.";
        tls: "Encryption", "Шифрование";
        tls_verify: "With a verified certificate", "С проверкой сертификата";
        tls_require: "Without verifying the server", "Без проверки сервера";
        tls_disable: "None", "Без шифрования";
        query: "Query", "Запрос";
        query_hint: "One SELECT. Its columns become those of the file; it can change nothing.",
            "Один SELECT. Его столбцы станут столбцами файла; изменить данные он не может.";
        expected: "What is expected", "Чего мы ждём от файла";
        key: "Column that tells customers apart", "Столбец с номером клиента";
        key_hint: "Such as customerID: nobody may be there twice.", "Например, customerID: повторов быть не должно.";
        date: "Column of dates", "Столбец с датой";
        age: "The newest is at most so many days old", "Самая новая дата не старше, дней";
        refuse: "What refuses a file", "Когда не принимать файл";
        refuse_hint: "Anything else is told of, and the file is taken.", "Об остальном сообщим, но файл примем.";
        out_of_range: "Numbers out of range", "Числа вне диапазона";
        unknown_category: "Unknown categories", "Неизвестные категории";
        missing: "Many empty cells", "Много пропусков";
        duplicates: "Duplicates", "Повторы";
        stale: "Stale data", "Данные устарели";
        create: "Create the source", "Создать источник";
        test: "Test", "Проверить";
        test_ok: "The source answers. Its columns: {columns}.", "Источник отвечает. Столбцы: {columns}.";
        run: "Predict now", "Сделать прогноз";
        run_text: "The file is fetched and checked first. What is refused costs nothing.",
            "Сначала файл загружается и проверяется. Отклонённый файл ничего не стоит.";
        model: "Model", "Модель";
        schedule: "Schedule", "Расписание";
        schedule_text: "A turn that the balance does not cover is left out, and the list says so.",
            "Если денег не хватает, запуск пропускается, и это видно в списке.";
        daily_at: "Every day at, UTC", "Каждый день в, UTC";
        price_max: "At most, {currency}", "Не дороже, {currency}";
        price_max_hint: "Empty: whatever the price is.", "Пусто — по любой цене.";
        set_schedule: "Set the schedule", "Задать расписание";
        end_schedule: "End the schedule", "Остановить";
        next: "Next time", "Следующий запуск";
        no_schedule: "On demand", "По запросу";
        every_hours: "every {hours} h", "каждые {hours} ч";
        intakes: "Intakes", "Загрузки";
        no_intakes: "Nothing has been fetched yet.", "Пока ничего не загружали.";
        when: "When", "Когда";
        state: "State", "Состояние";
        found: "What was found", "Что нашли";
        rows: "{} customer|{} customers", "{} клиент|{} клиента|{} клиентов";
        queued: "Waiting", "Ждёт";
        running: "Being fetched", "Загружается";
        succeeded: "Ordered", "Заказано";
        failed: "Refused", "Отклонено";
        skipped: "Left out", "Пропущено";
        to_prediction: "Prediction", "Прогноз";
        to_training: "Training", "Обучение";
        as_expected: "As expected", "Без замечаний";
        places: "Line {line}, column {column}: {said}", "Строка {line}, столбец {column}: {said}";
        column: "{column}: {count} ({share})", "{column}: {count} ({share})";
        delete: "Delete", "Удалить";
        delete_title: "Delete this source?", "Удалить этот источник?";
        delete_text: "Its list of intakes goes with it. Predictions stay.",
            "Список загрузок тоже удалится. Прогнозы останутся.";
        delete_confirm: "Delete the source", "Удалить источник";
        created: "Created", "Создан";
        bad_time: "Write a time such as 06:30.", "Напишите время, например 06:30.";
    }
}

/// What went wrong, in words, by its stable code; what the source itself has said stands behind it.
pub fn failure(language: crate::console::language::Language, code: &str) -> Option<&'static str> {
    use crate::console::language::Language;
    const KNOWN: &[(&str, &str, &str)] = &[
        ("address_refused", "The address leads to no public host.", "Адрес ведёт не на публичный хост."),
        ("connection_failed", "No connection could be made.", "Не удалось соединиться."),
        ("connection_broken", "The connection broke off.", "Соединение прервалось."),
        ("timed_out", "There was no answer in time.", "Ответа не было слишком долго."),
        (
            "tls_failed",
            "The certificate or encryption is not as it must be.",
            "Не подошёл сертификат или шифрование.",
        ),
        ("access_denied", "The source does not let us in.", "Источник не пускает: проверьте логин и права."),
        ("not_there", "There is no such file.", "Такого файла нет."),
        (
            "redirected",
            "The source leads elsewhere. Give the address it leads to.",
            "Источник перенаправляет. Укажите конечный адрес.",
        ),
        ("source_failed", "The source answered with an error.", "Источник ответил ошибкой."),
        ("query_failed", "The database refused the query.", "База не выполнила запрос."),
        ("unreadable_rows", "Some rows cannot be read.", "Часть строк не прочитать."),
        ("contract_out_of_range", "Numbers are out of range.", "Числа вне диапазона."),
        ("contract_unknown_category", "There are unknown categories.", "Есть неизвестные категории."),
        ("contract_missing", "Too many cells are empty.", "Слишком много пропусков."),
        ("contract_duplicates", "There are duplicates.", "Есть повторы."),
        ("contract_stale", "The data are stale.", "Данные устарели."),
        ("insufficient_funds", "The balance is too low.", "Не хватает денег на балансе."),
        ("price_above_limit", "The price is above your limit.", "Цена выше вашего предела."),
        ("still_running", "The one before had not ended.", "Предыдущая загрузка ещё не закончилась."),
        ("user_disabled", "The user is disabled.", "Пользователь отключён."),
        ("not_found", "The service is no longer sold.", "Эта услуга больше не продаётся."),
    ];
    let (_, english, russian) = KNOWN.iter().find(|(known, ..)| *known == code)?;
    Some(match language {
        Language::English => english,
        Language::Russian => russian,
    })
}
