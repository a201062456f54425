//! Texts of the webhooks.

use super::texts;

texts! {
    /// The pages of webhooks.
    Webhooks {
        title: "Webhooks", "Вебхуки";
        lead: "Your systems are told what has happened here, instead of asking.",
            "Ваши системы сами узнают, что здесь произошло, и не опрашивают нас.";
        new: "New webhook", "Новый вебхук";
        new_lead: "Events are sent to this address as signed POST requests with JSON.",
            "События приходят на этот адрес подписанными POST-запросами с JSON.";
        none: "No webhooks yet", "Вебхуков пока нет";
        none_text: "Add the address of a system of yours, choose what it wants to know, and press Test.",
            "Укажите адрес своей системы, отметьте, о чём ей сообщать, и нажмите «Проверить».";
        url: "Address", "Адрес";
        url_hint: "https, a host of the public internet, port 443 or 1024 and above.",
            "https, публичный хост, порт 443 или от 1024.";
        description: "Description", "Описание";
        description_hint: "What is behind it, such as “our CRM”.", "Что за ним стоит, например «наша CRM».";
        events: "What it is told", "О чём сообщать";
        create: "Create the webhook", "Создать вебхук";
        save: "Save", "Сохранить";
        edit: "Change", "Изменить";
        state: "State", "Состояние";
        works: "Works", "Работает";
        fails: "Fails", "Не отвечает";
        off: "Off", "Отключён";
        created: "Created", "Создан";
        made_title: "The secret of this webhook", "Секрет этого вебхука";
        made_text: "Copy it now: it is shown this once. Your receiver tells by it that a message is ours.",
            "Скопируйте его сейчас: он показан один раз. По нему ваш приёмник узнаёт наши сообщения.";
        rotated_text: "For 24 hours messages carry both signatures, this secret's and that of the one before.",
            "Ещё 24 часа сообщения подписаны обоими секретами: новым и прежним.";
        rotating_until: "Until {time} the secret before the last change signs as well.",
            "До {time} сообщения подписаны и прежним секретом.";
        off_owner: "You turned it off. It is told nothing.", "Вы его отключили. События на него не отправляются.";
        off_gone: "It was turned off because it answered 410 Gone. It is told nothing.",
            "Отключён: адрес ответил 410 Gone. События на него не отправляются.";
        off_failing: "It was turned off because nothing was taken for days. It is told nothing; what was missed can be \
            sent again below.",
            "Отключён: несколько дней ни одно сообщение не было принято. События на него не отправляются; пропущенное \
             можно отправить заново ниже.";
        failing_since: "Nothing has been taken since {time}. We go on trying.",
            "С {time} ни одно сообщение не принято. Мы продолжаем попытки.";
        some_off: "Some webhooks were turned off because they failed.", "Часть вебхуков отключена: они не отвечали.";
        test: "Test", "Проверить";
        turn_off: "Turn off", "Отключить";
        turn_on: "Turn on", "Включить";
        rotate: "New secret", "Новый секрет";
        rotate_title: "Make a new secret?", "Создать новый секрет?";
        rotate_text: "For 24 hours both sign, so that your receiver can change over.",
            "24 часа действуют оба, чтобы приёмник успел перейти на новый.";
        rotate_confirm: "Make a new secret", "Создать секрет";
        delete: "Delete", "Удалить";
        delete_title: "Delete this webhook?", "Удалить этот вебхук?";
        delete_text: "What waits for it is not sent, and the list of deliveries goes with it.",
            "Ожидающие сообщения не уйдут, список доставок тоже удалится.";
        delete_confirm: "Delete the webhook", "Удалить вебхук";
        deliveries: "Deliveries", "Доставки";
        no_deliveries: "Nothing has been sent yet. Press Test to see whether it arrives.",
            "Пока ничего не отправлено. Нажмите «Проверить», чтобы увидеть, доходят ли сообщения.";
        event: "Event", "Событие";
        outcome: "Outcome", "Итог";
        pending: "On its way", "В пути";
        delivered: "Delivered", "Доставлено";
        failed: "Failed", "Не доставлено";
        again_at: "again {time}", "повтор {time}";
        attempts: "{} attempt|{} attempts", "{} попытка|{} попытки|{} попыток";
        attempts_title: "Attempts", "Попытки";
        duration: "{ms} ms", "{ms} мс";
        message: "Message", "Сообщение";
        reply: "Reply", "Ответ";
        no_reply: "No reply.", "Ответа не было.";
        details: "Details", "Подробнее";
        replay: "Send again", "Отправить снова";
        replay_of: "sent again", "повторно";
        threshold_title: "Low balance", "Низкий баланс";
        threshold_text: "balance.low is sent when an order takes the balance below this amount. Empty: never.",
            "Событие balance.low уходит, когда заказ опускает баланс ниже этой суммы. Пусто — никогда.";
        threshold: "Amount, {currency}", "Сумма, {currency}";
        verifier: "A receiver that works", "Готовый приёмник";
        verifier_text: "Python's standard library is enough. Save it as verify.py and start it:",
            "Достаточно стандартной библиотеки Python. Сохраните как verify.py и запустите:";
        documentation: "What every event holds", "Что содержит каждое событие";
        told_test_ok: "The test arrived.", "Проверочное сообщение дошло.";
        told_test_failed: "The test did not arrive; below is why.", "Проверочное сообщение не дошло; причина ниже.";
        told_on_its_way: "It is on its way.", "Сообщение в пути.";
        told_again_ok: "It arrived.", "Сообщение дошло.";
        told_again_failed: "It did not arrive; below is why.", "Сообщение не дошло; причина ниже.";
        prediction_succeeded: "a result can be downloaded", "результат можно скачать";
        prediction_failed: "a prediction failed, the money is back", "прогноз не удался, деньги возвращены";
        training_succeeded: "a training has made a version", "обучение дало новую версию";
        training_failed: "a training failed, the money is back", "обучение не удалось, деньги возвращены";
        drift_detected: "customers have moved away from the training's", "клиенты стали не похожи на обучающих";
        version_promoted: "a version came to a stage", "версия перешла на новую стадию";
        balance_low: "the balance fell below your amount", "баланс опустился ниже вашей суммы";
        result_expiring: "a result is erased within a day", "результат удалится в течение суток";
    }
}

/// Why there was no reply, or not all of it.
pub fn fault(t: &'static Webhooks, language: crate::console::language::Language, code: &str) -> String {
    use crate::console::language::Language;
    let known: &[(&str, &str, &str)] = &[
        ("timed_out", "no answer within 10 seconds", "нет ответа за 10 секунд"),
        ("connection_failed", "could not be connected to", "не удалось соединиться"),
        ("connection_broken", "the connection broke", "соединение прервалось"),
        ("address_refused", "the address leads to no public host", "адрес ведёт не на публичный хост"),
        ("reply_too_large", "the reply was cut at 64 KiB", "ответ обрезан на 64 КиБ"),
        ("webhook_disabled", "the webhook was off", "вебхук был отключён"),
        ("secret_unreadable", "it could not be signed here", "не удалось подписать на нашей стороне"),
    ];
    let found = known.iter().find(|(word, ..)| *word == code);
    match (language, found) {
        (Language::English, Some((_, english, _))) => (*english).to_owned(),
        (Language::Russian, Some((.., russian))) => (*russian).to_owned(),
        (_, None) => format!("{} ({code})", t.failed),
    }
}
