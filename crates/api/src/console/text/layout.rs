//! Texts of what is around every page.

use super::texts;

texts! {
    /// The frame of every page.
    Layout {
        skip: "Skip to the content", "К содержанию";
        menu: "Menu", "Меню";
        navigation: "Parts of the console", "Разделы";
        predict: "Predict", "Прогноз";
        predictions: "Predictions", "Прогнозы";
        models: "Models", "Модели";
        orders: "Orders", "Заказы";
        money: "Money", "Деньги";
        api_keys: "API keys", "Ключи API";
        sources: "Sources", "Источники";
        webhooks: "Webhooks", "Вебхуки";
        administration: "Administration", "Управление";
        balance: "Balance", "Баланс";
        account: "Account", "Профиль";
        sign_out: "Sign out", "Выйти";
        documentation: "API documentation", "Документация API";
        language: "Language", "Язык";
        theme: "Theme", "Тема";
        theme_system: "System", "Системная";
        theme_light: "Light", "Светлая";
        theme_dark: "Dark", "Тёмная";
        same_call: "Same call as curl", "То же через curl";
        same_call_hint: "Set AUGUR_API_KEY to one of your API keys.", "В AUGUR_API_KEY — один из ваших ключей API.";
        copy: "Copy", "Скопировать";
        copied: "Copied", "Скопировано";
        newest: "Newest", "К новым";
        older: "Older", "Более старые";
        close: "Close", "Закрыть";
        error_back: "Back to the console", "Вернуться в консоль";
        error_id: "Number of this incident:", "Номер этого сбоя:";
        notice_welcome: "Welcome. Your account is ready.", "Добро пожаловать. Аккаунт готов.";
        notice_signed_out: "You have signed out.", "Вы вышли.";
        notice_password: "The password is changed. Every other login has ended.",
            "Пароль изменён. Все остальные входы завершены.";
        notice_closed: "The account is closed.", "Аккаунт закрыт.";
        notice_cancelled: "The order is cancelled, the money is back.", "Заказ отменён, деньги возвращены.";
        notice_deleted: "The files of this prediction are erased.", "Файлы этого прогноза стёрты.";
        notice_revoked: "The key no longer works.", "Ключ больше не действует.";
        notice_source_deleted: "The source is deleted.", "Источник удалён.";
        notice_webhook_deleted: "The webhook is deleted.", "Вебхук удалён.";
        notice_topped_up: "The balance is topped up.", "Баланс пополнен.";
        notice_refunded: "The order is refunded.", "Деньги за заказ возвращены.";
        notice_saved: "Saved.", "Сохранено.";
        notice_planned: "The plan is ready.", "План готов.";
        notice_measured: "The effect is measured.", "Эффект измерен.";
    }
}

impl Layout {
    /// What a page says of what has just been done elsewhere. Only words of ours can be asked for.
    pub fn notice(&self, code: &str) -> Option<&'static str> {
        match code {
            "welcome" => Some(self.notice_welcome),
            "signed_out" => Some(self.notice_signed_out),
            "closed" => Some(self.notice_closed),
            "password" => Some(self.notice_password),
            "cancelled" => Some(self.notice_cancelled),
            "deleted" => Some(self.notice_deleted),
            "revoked" => Some(self.notice_revoked),
            "source_deleted" => Some(self.notice_source_deleted),
            "webhook_deleted" => Some(self.notice_webhook_deleted),
            "topped_up" => Some(self.notice_topped_up),
            "refunded" => Some(self.notice_refunded),
            "saved" => Some(self.notice_saved),
            "planned" => Some(self.notice_planned),
            "measured" => Some(self.notice_measured),
            _ => None,
        }
    }
}
