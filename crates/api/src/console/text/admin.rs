//! Texts of the administration.

use super::texts;

texts! {
    /// The pages of administrators.
    Admin {
        training_prices: "Training", "Обучение";
        parts: "Parts of the administration", "Разделы управления";
        overview: "Overview", "Обзор";
        users: "Users", "Пользователи";
        services: "Price list", "Прайс-лист";
        orders: "Orders", "Заказы";
        predictions: "Predictions", "Прогнозы";
        ledger: "Ledger", "Учёт денег";
        audit_log: "Audit log", "Журнал";

        overview_text: "The queue, the workers and the money of this installation, as they are now.",
            "Очередь, воркеры и деньги этой установки — как есть сейчас.";
        dependency_database: "Database", "База данных";
        dependency_object_store: "File store", "Хранилище файлов";
        dependency_broker: "Message queue", "Очередь сообщений";
        dependency_up: "answers", "отвечает";
        dependency_down: "does not answer", "не отвечает";

        queue: "Queue and workers", "Очередь и воркеры";
        queue_as_of: "as of {time} UTC", "на {time} UTC";
        waiting: "Waiting", "Ждут";
        waiting_dispatched: "{} of them handed out", "из них розданы: {}";
        oldest: "Oldest waits", "Старший ждёт";
        running: "Running", "Выполняются";
        running_of: "of {} at a time", "одновременно до {}";
        speed: "Rows per second", "Строк в секунду";
        speed_hint: "over 5 minutes", "за 5 минут";
        last_hour: "Last hour", "За час";
        last_day: "Last 24 hours", "За сутки";
        rows: "{} row|{} rows", "{} строка|{} строки|{} строк";
        at_work: "At work now", "Сейчас в работе";
        at_work_none: "Nothing is being scored at the moment.", "Сейчас ничего не считается.";
        at_work_more: "…and {} more", "…и ещё {}";
        file: "File", "Файл";
        customer: "Customer", "Клиент";
        worker: "Worker", "Воркер";
        attempt: "Attempt", "Попытка";
        progress: "Progress", "Готово";
        since: "Since", "С";
        lost_lease: "not heard of", "молчит";
        workers: "Workers", "Воркеры";
        workers_none: "No worker has been heard of within 10 minutes. Predictions will wait until one starts.",
            "Ни один воркер не отзывался 10 минут. Прогнозы ждут, пока какой-нибудь не запустится.";
        worker_busy: "{running} of {places} places taken", "занято мест: {running} из {places}";
        worker_lost: "silent since {time}", "молчит с {time}";
        who_waits: "Who waits", "Кто ждёт";
        who_waits_none: "Nobody waits.", "Никто не ждёт.";
        predictions_count: "{} prediction|{} predictions", "{} прогноз|{} прогноза|{} прогнозов";
        oldest_since: "oldest {age}", "старший {age}";
        seconds: "{} s", "{} с";
        minutes: "{} min", "{} мин";
        hours: "{} h", "{} ч";
        days: "{} d", "{} д";

        money: "Money", "Деньги";
        balances: "On all balances", "На всех балансах";
        today: "Today (UTC)", "Сегодня (UTC)";
        month: "30 days", "30 дней";
        paid_in: "Paid in", "Пополнения";
        spent: "Spent on orders", "Оплата заказов";
        refunded: "Refunded", "Возвраты";
        earned: "Earned", "Выручка";
        users_all: "Users", "Пользователей";
        users_new: "New in 30 days", "Новых за 30 дней";
        users_admins: "Administrators", "Администраторов";
        users_disabled: "Disabled", "Отключено";

        chart_orders: "Orders per hour", "Заказов в час";
        chart_rows: "Rows scored per hour", "Строк в час";
        chart_total: "{} in 24 hours", "за сутки: {}";
        chart_most: "most in an hour: {}", "больше всего за час: {}";
        chart_day_ago: "24 h ago", "сутки назад";
        chart_now: "now", "сейчас";
        failures: "Failures of the last 24 hours", "Ошибки за сутки";
        failures_none: "No prediction has failed in the last 24 hours.", "За сутки ни один прогноз не сорвался.";
        all_failures: "All failed predictions", "Все прогнозы с ошибкой";

        users_text: "Everybody who can sign in, and what they have.", "Все, кто может войти, и их деньги.";
        search_users: "Part of the e-mail or the name, or an id", "Часть адреса или имени либо id";
        search_orders: "E-mail, name, or an id", "Адрес, имя или id";
        find: "Find", "Найти";
        show: "Show", "Показать";
        clear: "Clear", "Сбросить";
        day: "Day (UTC)", "День (UTC)";
        status: "Status", "Статус";
        any: "Any", "Любой";
        nobody_found: "Nobody is found", "Никто не найден";
        nothing_found: "Nothing is found", "Ничего не найдено";
        change_search: "Change the search, or show everything.", "Измените запрос или покажите всё.";
        show_all: "Show everything", "Показать всё";
        email: "E-mail", "Почта";
        name: "Name", "Имя";
        role_admin: "administrator", "администратор";
        state: "State", "Состояние";
        state_active: "active", "активен";
        state_disabled: "disabled", "отключён";
        state_closed: "closed", "закрыт";
        closed_account: "closed account", "закрытый аккаунт";
        balance: "Balance", "Баланс";
        registered: "Registered", "Регистрация";
        user_id: "User", "Пользователь";
        tenant_id: "Tenant", "Арендатор";
        tenant_name: "Company", "Компания";
        last_login: "Last login", "Последний вход";
        never: "none in 30 days", "не было 30 дней";
        logins: "Open logins", "Открытых входов";
        api_keys: "API keys", "Ключей API";
        open_predictions: "At work or waiting", "В работе и ждут";
        closed_text: "This account was closed on {date}. Nothing personal is left of it; its orders and transactions stay.",
            "Аккаунт закрыт {date}. Личных данных не осталось, заказы и операции сохраняются.";

        top_up: "Top up", "Пополнить";
        top_up_text: "The money can be spent at once. A top-up cannot be undone, only spent.",
            "Деньги можно тратить сразу. Отменить пополнение нельзя.";
        amount: "Amount, {currency}", "Сумма, {currency}";
        amount_hint: "For example {example}", "Например, {example}";
        note: "Note", "Примечание";
        note_hint: "The customer sees it beside the top-up, such as the number of the invoice. Not required.",
            "Клиент увидит его рядом с пополнением: например, номер счёта. Необязательно.";
        top_up_button: "Top up the balance", "Пополнить баланс";
        topped_up: "{amount} paid in. The balance is now {balance}.", "Зачислено {amount}. Теперь на балансе {balance}.";
        amount_missing: "Type an amount.", "Введите сумму.";
        amount_unreadable: "Write the amount in digits, such as {example}.", "Напишите сумму цифрами, например {example}.";
        amount_decimals: "{currency} has no more than {decimals} digits after the mark.",
            "У {currency} не больше {decimals} знаков после запятой.";
        amount_zero: "The amount must be more than zero.", "Сумма должна быть больше нуля.";
        amount_too_large: "This is more than an account can hold.", "Столько не поместится ни на один счёт.";
        sent_before: "This form was sent before with other contents. Nothing was done now; look at what is there, and send it again if it is still wanted.",
            "Эта форма уже отправлялась с другими данными. Сейчас ничего не сделано: проверьте, что есть, и отправьте снова, если нужно.";
        in_flight: "The same form is still being worked on. Wait a moment and look again.",
            "Эта же форма ещё обрабатывается. Подождите немного и проверьте.";

        access: "Access", "Доступ";
        access_self: "This is you. Administrators cannot lock themselves out: another administrator can.",
            "Это вы. Закрыть доступ самому себе нельзя — это может другой администратор.";
        access_user: "Can sign in and order; administers nothing.", "Может входить и заказывать; управления не видит.";
        access_admin: "Can sign in, and administers the platform.", "Может входить и управляет платформой.";
        access_disabled: "Cannot sign in; API keys do not work.", "Не может войти, ключи API не действуют.";
        make_admin: "Make an administrator", "Сделать администратором";
        make_admin_text: "An administrator sees every customer's orders, tops up and refunds, and can make other administrators.",
            "Администратор видит заказы всех клиентов, пополняет балансы, возвращает деньги и назначает других администраторов.";
        make_admin_button: "Yes, make {email} an administrator", "Да, сделать {email} администратором";
        unmake_admin: "Take the administrator's role away", "Лишить роли администратора";
        unmake_admin_text: "They keep their own account, orders and balance.", "Свой аккаунт, заказы и баланс у него останутся.";
        unmake_admin_button: "Yes, {email} is no administrator any more", "Да, {email} больше не администратор";
        disable: "Disable", "Отключить";
        disable_text: "Every login ends at once and API keys stop working. Predictions that are under way are finished. Nothing is erased.",
            "Все входы сразу завершатся, ключи API перестанут работать. Начатые прогнозы будут закончены. Ничего не удаляется.";
        disable_button: "Yes, disable {email}", "Да, отключить {email}";
        enable_text: "They can sign in again, and their API keys work again.", "Снова можно будет входить, ключи API заработают.";
        enable_button: "Enable {email}", "Включить {email}";
        own_account: "Administrators cannot lock themselves out.", "Администратор не может закрыть доступ самому себе.";
        account_closed: "The account is closed for good.", "Аккаунт закрыт навсегда.";
        transactions: "Transactions", "Операции";
        transactions_none: "Nothing has moved on this account yet.", "Движений по счёту ещё не было.";
        when: "When", "Когда";
        what: "What", "Что";
        amount_column: "Amount", "Сумма";
        balance_after: "Balance after", "Баланс после";
        deposit: "Top-up", "Пополнение";
        debit: "Order", "Заказ";
        refund: "Refund", "Возврат";
        latest_orders: "Latest orders", "Последние заказы";
        all_orders: "All orders of this customer", "Все заказы клиента";
        orders_none_of_user: "No orders yet.", "Заказов пока нет.";

        services_text: "What customers can order. A change counts for orders from now on; orders placed before keep their price.",
            "Что можно заказать. Изменения действуют для новых заказов, прежние остаются по своей цене.";
        services_none: "The price list is empty", "Прайс-лист пуст";
        services_none_text: "Add a service, so that customers have something to order.", "Добавьте услугу, чтобы клиентам было что заказать.";
        add_service: "Add a service", "Добавить услугу";
        add_service_button: "Add to the price list", "Добавить в прайс-лист";
        service_name: "Name", "Название";
        model: "Model", "Модель";
        description: "Description", "Описание";
        description_hint: "What customers read beside the price.", "Что клиент читает рядом с ценой.";
        price: "Price", "Цена";
        explain_price_in: "Reasons on top, {currency}; empty: not offered", "Доплата за причины, {currency}; пусто — не предлагать";
        price_in: "Price, {currency}", "Цена, {currency}";
        max_rows: "Rows at most", "Строк не больше";
        up_to_rows: "up to {} row|up to {} rows", "до {} строки|до {} строк|до {} строк";
        active: "Can be ordered", "Можно заказать";
        on_sale: "on sale", "в продаже";
        off_sale: "not on sale", "не продаётся";
        change: "Change", "Изменить";
        save: "Save", "Сохранить";
        rows_unreadable: "Write a whole number above 0.", "Напишите целое число больше нуля.";
        name_taken: "There is a service of this name already.", "Услуга с таким названием уже есть.";
        models: "Models", "Модели";
        models_text: "Registered versions. A prediction keeps the version that it was accepted with.",
            "Зарегистрированные версии. Прогноз считается той версией, с которой принят.";
        version: "Version", "Версия";
        current: "current", "текущая";
        quality: "AUC (95 % interval)", "AUC (95 %-й интервал)";
        model_file: "File (SHA-256)", "Файл (SHA-256)";
        registered_at: "Registered", "Добавлена";

        orders_text: "Orders of all customers, newest first.", "Заказы всех клиентов, сначала новые.";
        orders_none: "No orders yet", "Заказов пока нет";
        orders_none_text: "They appear here as soon as a customer pays for a prediction.", "Они появятся, как только клиент оплатит прогноз.";
        order: "Order", "Заказ";
        service: "Service", "Услуга";
        order_paid: "paid", "оплачен";
        order_in_use: "in use", "в работе";
        order_provided: "provided", "выполнен";
        order_refunded: "refunded", "возвращён";
        order_placed: "Placed", "Оформлен";
        transaction: "Transaction", "Операция";
        the_prediction: "Prediction", "Прогноз";
        no_prediction: "none: scored in one call, or not used yet", "нет: расчёт одним вызовом или заказ ещё не использован";
        refund_title: "Refund this order", "Вернуть деньги за заказ";
        refund_text: "{price} go back to the balance of {email}. This cannot be undone.", "{price} вернутся на баланс {email}. Отменить это нельзя.";
        refund_note: "Why", "Причина";
        refund_note_hint: "The customer sees it beside the refund.", "Клиент увидит её рядом с возвратом.";
        refund_confirm: "Refund {price}", "Вернуть {price}";
        refund_sure: "I have checked that the money should go back", "Деньги действительно нужно вернуть";
        refund_unsure: "Tick this to confirm.", "Подтвердите, поставив галочку.";
        refund_in_use: "A prediction is at work for this order. It ends by itself: with a result, or with the money back.",
            "По этому заказу идёт расчёт. Он закончится сам: результатом или возвратом денег.";
        refund_done: "The money for this order is back on the customer's balance.", "Деньги за этот заказ уже на балансе клиента.";

        predictions_text: "Files of all customers, newest first.", "Файлы всех клиентов, сначала новые.";
        predictions_none: "No predictions yet", "Прогнозов пока нет";
        predictions_none_text: "They appear here as soon as a customer uploads a file.", "Они появятся, как только клиент загрузит файл.";
        prediction_queued: "waiting", "ждёт";
        prediction_running: "running", "считается";
        prediction_succeeded: "done", "готов";
        prediction_failed: "failed", "ошибка";
        rows_column: "Rows", "Строк";
        took: "Took", "Время";
        erased: "files erased", "файлы стёрты";
        place: "Line {line}, column {column}: {message}", "Строка {line}, столбец {column}: {message}";
        no_file_name: "file erased", "файл стёрт";

        ledger_text: "Every balance must be the sum of its transactions, every history gapless, every order debited once and refunded at most once.",
            "Каждый баланс должен равняться сумме операций, история — идти без пропусков, каждый заказ — быть оплачен один раз и возвращён не больше одного.";
        ledger_check: "Check now", "Проверить сейчас";
        ledger_again: "Check again", "Проверить ещё раз";
        ledger_sweep: "The same check runs by itself every few minutes; its outcome is the metric augur_invariant_violations.",
            "Та же проверка сама идёт раз в несколько минут; её итог — метрика augur_invariant_violations.";
        ledger_ok: "Everything adds up", "Всё сходится";
        ledger_wrong: "Something does not add up", "Что-то не сходится";
        ledger_accounts: "Accounts checked", "Проверено счетов";
        ledger_transactions: "Transactions checked", "Проверено операций";
        ledger_violations: "Violations", "Нарушений";
        ledger_took: "Took", "Заняло";
        milliseconds: "{} ms", "{} мс";
        invariant: "What must hold", "Что должно выполняться";
        subject: "Where", "Где";
        found: "What was found", "Что обнаружено";
        violations_shown: "The first {} are shown.", "Показаны первые {}.";

        audit_text: "What administrators did, and what concerns security. Nothing here can be changed or deleted.",
            "Что делали администраторы и что касается безопасности. Изменить или удалить запись нельзя.";
        audit_none: "Nothing has happened yet", "Ещё ничего не происходило";
        action: "Action", "Действие";
        who: "Who", "Кто";
        about: "About", "О ком или о чём";
        request: "Request", "Запрос";
        nobody: "not signed in", "без входа";
        command_line: "command line", "командная строка";
    }
}

texts! {
    /// What the audit log tells of.
    Actions {
        user_registered: "Registered", "Регистрация";
        user_password_changed: "Changed the password", "Смена пароля";
        user_changed: "Changed a user", "Изменение пользователя";
        login_succeeded: "Signed in", "Вход";
        login_failed: "Failed login", "Неудачный вход";
        login_limited: "Login blocked after failures", "Вход заблокирован после ошибок";
        refresh_token_reused: "A stolen or reused refresh token", "Повторный или украденный refresh-токен";
        session_ended: "Signed out", "Выход";
        api_key_created: "Made an API key", "Новый ключ API";
        api_key_revoked: "Revoked an API key", "Отзыв ключа API";
        deposit_made: "Top-up", "Пополнение";
        order_refunded: "Refunded an order", "Возврат за заказ";
        service_created: "Added a service", "Новая услуга";
        service_changed: "Changed a service", "Изменение услуги";
        prediction_deleted: "Erased a prediction's files", "Удаление файлов прогноза";
        data_exported: "Exported all data", "Выгрузка всех данных";
        account_closed: "Closed an account", "Закрытие аккаунта";
        made_admin: "became administrator", "стал администратором";
        unmade_admin: "no administrator any more", "больше не администратор";
        disabled: "disabled", "отключён";
        enabled: "enabled", "включён";
        as_admin: "as administrator", "как администратор";
        forfeited: "gave up {}", "отказ от {}";
    }
}

texts! {
    /// What must hold, in words.
    Invariants {
        balance_is_sum_of_transactions: "A balance is the sum of its transactions", "Баланс равен сумме операций";
        history_is_gapless: "A history has no gap and adds up", "История без пропусков и сходится";
        order_money_matches: "An order is debited once, at its price", "Заказ оплачен один раз и по своей цене";
        order_is_provided_or_refunded: "A finished order is provided or refunded", "Законченный заказ выполнен или возвращён";
        job_and_prediction_agree: "A job and its prediction agree", "Задача и её прогноз согласованы";
        prediction_ends_by_its_deadline: "A prediction ends by its deadline", "Прогноз заканчивается в срок";
        key_has_one_effect: "An idempotency key has one effect", "Ключ идемпотентности действует один раз";
        expired_is_erased: "What has expired is erased", "Просроченное удалено";
        erasure_is_completed: "An erasure is completed", "Удаление доведено до конца";
    }
}

impl Actions {
    /// The actions that there are, by their words in the log.
    pub fn all(&self) -> [(&'static str, &'static str); 17] {
        [
            ("deposit.made", self.deposit_made),
            ("order.refunded", self.order_refunded),
            ("user.changed", self.user_changed),
            ("service.created", self.service_created),
            ("service.changed", self.service_changed),
            ("user.registered", self.user_registered),
            ("user.password_changed", self.user_password_changed),
            ("session.ended", self.session_ended),
            ("login.succeeded", self.login_succeeded),
            ("login.failed", self.login_failed),
            ("login.limited", self.login_limited),
            ("refresh_token.reused", self.refresh_token_reused),
            ("api_key.created", self.api_key_created),
            ("api_key.revoked", self.api_key_revoked),
            ("prediction.deleted", self.prediction_deleted),
            ("data.exported", self.data_exported),
            ("account.closed", self.account_closed),
        ]
    }

    /// An action in words; one that is not known stays as the log has it.
    pub fn said(&self, action: &str) -> Option<&'static str> {
        self.all().into_iter().find(|(known, _)| *known == action).map(|(_, said)| said)
    }
}

impl Invariants {
    /// An invariant in words; one that is not known stays as the check names it.
    pub fn said(&self, invariant: &str) -> Option<&'static str> {
        [
            ("balance_is_sum_of_transactions", self.balance_is_sum_of_transactions),
            ("history_is_gapless", self.history_is_gapless),
            ("order_money_matches", self.order_money_matches),
            ("order_is_provided_or_refunded", self.order_is_provided_or_refunded),
            ("job_and_prediction_agree", self.job_and_prediction_agree),
            ("prediction_ends_by_its_deadline", self.prediction_ends_by_its_deadline),
            ("key_has_one_effect", self.key_has_one_effect),
            ("expired_is_erased", self.expired_is_erased),
            ("erasure_is_completed", self.erasure_is_completed),
        ]
        .into_iter()
        .find(|(known, _)| *known == invariant)
        .map(|(_, said)| said)
    }
}
