//! Texts of training a model again.

use super::texts;

texts! {
    /// Models that are trained again.
    Retraining {
        title: "Retraining of {model}", "Переобучение модели {model}";
        link: "Retraining", "Переобучение";
        lead: "What happens to customers after a prediction is what the model can learn from. A run trains a new version on it; only the gate lets the version into production.",
            "Модель учится на том, что произошло с клиентами после прогноза. Новая версия попадёт в работу, только если пройдёт сравнение.";
        off: "Nothing trains this model again by itself.", "Сама модель не переобучается.";
        on: "On: it is trained again when one of the reasons below comes up.", "Включено: модель переобучится, как только сработает одно из условий.";
        next: "Next by schedule: {date}.", "По расписанию: {date}.";
        now: "Train again now", "Переобучить сейчас";
        now_text: "Up to {price} will be paid. Without enough new outcomes nothing is trained and nothing is paid.",
            "Спишется не больше {price}. Если новых исходов мало, обучения не будет и деньги не спишутся.";
        policy: "When and for how much", "Когда и за сколько";
        active: "Train again by itself", "Переобучать автоматически";
        service: "Training", "Обучение";
        service_price: "{name}, {price}", "{name}, {price}";
        price_max: "At most for one run, {currency}", "Не больше за один запуск, {currency}";
        month_price_max: "At most in a calendar month, {currency}", "Не больше за календарный месяц, {currency}";
        reasons: "Reasons to train again", "Условия";
        on_drift: "Drift is raised", "Обнаружен дрейф";
        auc_min: "True AUC below", "Истинный AUC ниже";
        auc_loss_max: "AUC lost since the training, more than", "AUC упал с обучения больше чем на";
        outcomes_min: "New outcomes, at least", "Новых исходов не меньше";
        every_hours: "Every so many hours", "Каждые столько часов";
        reasons_hint: "Leave a field empty, and it is no reason.", "Пустое поле — условие не действует.";
        quiet_hours: "Hours of quiet after a training", "Пауза после обучения, часов";
        hold_out: "Share of the new customers that judges, %", "Доля новых клиентов для сравнения, %";
        hold_out_hint: "10 to 50. They are compared on by the gate; the version learns from all in the end.",
            "От 10 до 50. На них версии сравниваются; в итоге модель учится на всех.";
        auto_promote: "Put a version that passes the gate into production by itself", "Версию, прошедшую сравнение, пускать в работу сразу";
        save: "Save", "Сохранить";
        runs: "Runs", "Запуски";
        no_runs: "Nothing has set a run off yet.", "Запусков ещё не было.";
        when: "When", "Когда";
        what: "What happened", "Что произошло";
        cause: "Reason", "Причина";
        state: "State", "Состояние";
        customers_said: "{new} new, {again} known to the old version, {before} of its training",
            "{new} новых, {again} знакомых прежней версии, {before} из её обучения";
        by_drift: "drift", "дрейф";
        by_performance: "lost quality", "упало качество";
        by_outcomes: "new outcomes", "новые исходы";
        by_schedule: "schedule", "расписание";
        by_hand: "by hand", "вручную";
        is_triggered: "gathering customers", "собираем клиентов";
        is_training: "training", "обучается";
        is_skipped: "skipped", "пропущено";
        is_failed: "failed", "ошибка";
        is_refused: "refused by the gate", "не прошла сравнение";
        is_passed: "passed the gate", "прошла сравнение";
        is_promoted: "in production", "в работе";
        began: "set off: {cause}", "запуск: {cause}";
        quality_was: "true AUC {auc}", "истинный AUC {auc}";
        outcomes_new: "{new} new outcomes", "новых исходов: {new}";
        paid: "{price} paid, training began", "списано {price}, обучение началось";
        refunded: "the training failed, the money is back", "обучить не удалось, деньги возвращены";
        difference: "difference in AUC {difference} on {rows} customers new to both", "разница AUC {difference} на {rows} клиентах, новых для обеих версий";
        wait_for_you: "look at it on the model's page and put it into production", "посмотрите на странице модели и пустите в работу";
        skip_already_running: "another run was at work", "уже шёл другой запуск";
        skip_quiet_time: "the quiet time was not over", "ещё не прошла пауза";
        skip_no_balance: "the balance was too low", "не хватило денег на балансе";
        skip_too_expensive: "it costs more than a run may", "дороже, чем разрешено за запуск";
        skip_month_spent: "the month's money was spent", "месячный лимит исчерпан";
        skip_no_data: "too few outcomes of customers new to the version in production: {new}",
            "мало исходов по клиентам, новым для работающей версии: {new}";
        skip_no_production: "no version of yours is in production", "ни одна ваша версия не в работе";
        skip_service_gone: "the training cannot be ordered any more", "это обучение больше нельзя заказать";
        skip_no_author: "whoever wrote the policy may not pay any more", "автор правил больше не может платить";
        skip_cannot_train: "the customers could not be trained on", "на этих клиентах обучить нельзя";
        skip_policy_off: "it was switched off", "переобучение выключили";
        skip_account_closed: "the account was closed", "аккаунт закрыт";
        bad_number: "This is no number.", "Это не число.";
        bad_amount: "This is no amount of money.", "Это не сумма.";
        running: "A run is at work already.", "Запуск уже идёт.";
        save_first: "Save first when and for how much.", "Сначала сохраните, когда и за сколько.";
    }
}
