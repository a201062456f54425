//! Texts of the API keys.

use super::texts;

texts! {
    /// The page of API keys.
    Keys {
        title: "API keys", "Ключи API";
        lead: "With a key your programs do what you do here.", "С ключом ваши программы делают то же, что вы здесь.";
        name: "Name", "Название";
        name_hint: "What the key is for, such as “nightly job”.", "Для чего ключ, например «ночная выгрузка».";
        scope: "What it may do", "Что разрешено";
        scope_write: "Read and predict", "Чтение и прогнозы";
        scope_write_hint: "orders, uploads, results", "заказы, загрузки, результаты";
        scope_read: "Only read", "Только чтение";
        scope_read_hint: "moves no money", "не тратит деньги";
        create: "Create a key", "Создать ключ";
        key: "Key", "Ключ";
        created: "Created", "Создан";
        made_title: "Your new key", "Ваш новый ключ";
        made_text: "Copy it now: it is shown this once. Only its fingerprint is kept here.",
            "Скопируйте его сейчас: он показан один раз. Здесь хранится только его отпечаток.";
        your_keys: "Your keys", "Ваши ключи";
        no_keys: "No keys yet", "Ключей пока нет";
        no_keys_text: "Create one above; the snippets below then hold it, ready to run.",
            "Создайте ключ выше: он сразу подставится в примеры ниже.";
        revoke: "Revoke", "Отозвать";
        revoke_title: "Revoke this key?", "Отозвать этот ключ?";
        revoke_text: "Whatever uses “{name}” stops working at once.", "Всё, что использует «{name}», сразу перестанет работать.";
        revoke_confirm: "Revoke the key", "Отозвать ключ";
        actions: "Actions", "Действия";
        snippets: "Ready to run", "Готовые примеры";
        snippets_text: "They upload customers.csv, wait, and save result.csv, with {service} for {price}.",
            "Загружают customers.csv, ждут и сохраняют result.csv; модель {service}, {price}.";
        snippets_key_is_in: "Your new key is in them.", "Ваш новый ключ уже подставлен.";
        snippets_key_from_environment: "They take the key from AUGUR_API_KEY.", "Ключ берётся из AUGUR_API_KEY.";
        snippets_key_only_reads: "Your new key may only read and cannot pay; they take another from AUGUR_API_KEY.",
            "Новый ключ только читает и не может платить; примеры берут другой из AUGUR_API_KEY.";
        sample: "Sample customers", "Пример клиентов";
        no_service: "No model can be ordered at the moment.", "Сейчас нет моделей, которые можно заказать.";
        documentation: "All calls of the API", "Все вызовы API";
    }
}
