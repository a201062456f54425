//! Texts about money: the balance over time, what moved, statements.

use super::texts;

texts! {
    /// The page of money.
    Money {
        title: "Money", "Деньги";
        lead: "Everything paid in, spent and given back, each with its order.",
            "Все пополнения, списания и возвраты, каждое со своим заказом.";
        balance: "Balance", "Баланс";
        period: "Period", "Период";
        days: "{} day|{} days", "{} день|{} дня|{} дней";
        year: "1 year", "1 год";
        paid_in: "Paid in", "Пополнено";
        spent: "Spent", "Потрачено";
        refunded: "Refunded", "Возвращено";
        chart: "Balance at the end of each day (UTC)", "Баланс на конец каждого дня (UTC)";
        chart_described: "From {first} on {from} to {last} on {to}; the lowest was {lowest} on {lowest_on}, the highest {highest} on {highest_on}.",
            "От {first} на {from} до {last} на {to}; меньше всего было {lowest} ({lowest_on}), больше всего {highest} ({highest_on}).";
        movements: "Movements", "Движения";
        when: "When", "Когда";
        what: "What", "За что";
        order: "Order", "Заказ";
        amount: "Amount", "Сумма";
        balance_after: "Balance after", "Баланс после";
        top_up: "Top-up", "Пополнение";
        refund: "Refund", "Возврат";
        refund_cancelled: "the order was cancelled", "заказ отменён";
        not_used_yet: "not used yet", "ещё не использован";
        file_erased: "file erased", "файл стёрт";
        bought_at_once: "customers in the request", "клиенты в запросе";
        line: "line {line}, column {column}", "строка {line}, столбец {column}";
        statement: "Statement of a month", "Выписка за месяц";
        statement_hint: "CSV that opens in a spreadsheet, in UTC.", "CSV для таблиц, время UTC.";
        month: "Month", "Месяц";
        download: "Download CSV", "Скачать CSV";
        how_to_top_up: "How to top up", "Как пополнить";
        top_up_by_email: "Write to {email} and name the amount and your address, {account}. The money appears here with the note of who paid it in.",
            "Напишите на {email}: сумму и ваш адрес, {account}. Деньги появятся здесь с примечанием того, кто их внёс.";
        top_up_by_administrator: "The administrator of this installation pays money in. Name the amount and your address, {account}.",
            "Деньги вносит администратор этой установки. Назовите ему сумму и ваш адрес, {account}.";
        top_up_yourself: "You administer this installation: pay money in on the user's page.",
            "Вы администратор этой установки: внесите деньги на странице пользователя.";
        top_up_button: "To the users", "К пользователям";
        empty_title: "No money has moved yet", "Движений пока нет";
        empty_text: "Once money is paid in, every movement stands here with what it was for.",
            "Когда на баланс поступят деньги, здесь появится каждое движение и за что оно.";
        csv_columns: "date (UTC),kind,description,order,amount,balance after,currency,amount in minor units,balance after in minor units",
            "дата (UTC),вид,описание,заказ,сумма,баланс после,валюта,сумма в минимальных единицах,баланс после в минимальных единицах";
        csv_top_up: "top-up", "пополнение";
        csv_order: "order", "заказ";
        csv_refund: "refund", "возврат";
        csv_opening: "opening balance", "входящий остаток";
        csv_closing: "closing balance", "исходящий остаток";
        months: "January|February|March|April|May|June|July|August|September|October|November|December",
            "январь|февраль|март|апрель|май|июнь|июль|август|сентябрь|октябрь|ноябрь|декабрь";
    }
}

impl Money {
    /// The name of a month, the first being 0.
    pub fn month_name(&self, month: u32) -> &'static str {
        self.months.split('|').nth(month as usize).unwrap_or_default()
    }
}
