//! Texts of one prediction: at work, done, failed or gone.

use super::texts;

texts! {
    /// One prediction.
    Outcome {
        waiting: "Waiting for a worker", "Ждёт исполнителя";
        ahead: "{} file is ahead of yours.|{} files are ahead of yours.", "Перед вашим {} файл.|Перед вашим {} файла.|Перед вашим {} файлов.";
        next: "Yours is next.", "Ваш файл следующий.";
        done_of: "{done} of {total}", "{done} из {total}";
        customers: "{} customer|{} customers", "{} клиент|{} клиента|{} клиентов";
        of_customers: "{} customer|{} customers", "{} клиента|{} клиентов|{} клиентов";
        per_second: "{rows} per second", "{rows} в секунду";
        seconds_left: "{} second left|{} seconds left", "осталась {} секунда|осталось {} секунды|осталось {} секунд";
        minutes_left: "{} minute left|{} minutes left", "осталась {} минута|осталось {} минуты|осталось {} минут";
        on_worker: "Running on worker {worker} of {workers}.", "Считает исполнитель {worker} из {workers}.";
        may_close: "You may close this page: the prediction goes on, and its result stays under Predictions.",
            "Страницу можно закрыть: расчёт продолжится, а результат останется в разделе «Прогнозы».";
        refresh: "Look again", "Обновить";
        progress: "Customers done", "Обработано клиентов";
        paid: "paid {price}", "оплачено {price}";
        version: "version {version}", "версия {version}";
        order: "order", "заказ";
        kept_until: "kept until {date}", "хранится до {date}";
        leave_headline: "{} customer is likely to leave|{} customers are likely to leave", "{} клиент, скорее всего, уйдёт|{} клиента, скорее всего, уйдут|{} клиентов, скорее всего, уйдут";
        nobody_leaves: "Nobody is likely to leave", "Скорее всего, никто не уйдёт";
        of_file: "of {customers} in {file}", "из {customers} в файле {file}";
        skipped: "{} row was left out|{} rows were left out", "{} строка пропущена|{} строки пропущены|{} строк пропущено";
        unknown: "{customers} have a value in {column} that the model does not know.", "У {customers} в столбце {column} значение, которого модель не знает.";
        download: "Download CSV", "Скачать CSV";
        download_safe: "For a spreadsheet", "Для Excel";
        download_safe_hint: "The same file, with an apostrophe before texts that a spreadsheet would take for a formula",
            "Тот же файл, но с апострофом перед текстами, которые таблица приняла бы за формулу";
        delete: "Delete", "Удалить";
        delete_question: "Erase your file and the result everywhere? What was paid stays on record.", "Стереть ваш файл и результат отовсюду? Запись об оплате останется.";
        delete_confirm: "Erase for good", "Стереть навсегда";
        histogram: "How likely they are to leave", "Насколько вероятен уход";
        histogram_axis: "Probability of leaving", "Вероятность ухода";
        histogram_label: "Customers by probability of leaving, in steps of 5 %: {bins}.", "Клиенты по вероятности ухода, с шагом 5 %: {bins}.";
        most: "up to {customers}", "до {customers}";
        stay: "stay", "останется";
        leave: "leave", "уйдёт";
        stays: "Stay", "Останутся";
        leaves: "Leave", "Уйдут";
        mean: "on average {share}", "в среднем {share}";
        why: "Why", "Почему";
        why_overall: "Why, over all customers", "Почему, по всем клиентам";
        why_overall_text: "How far each column moves the predictions on average, and which way each of its values does: right towards leaving, left towards staying. A lever is what an offer of yours can change.", "Насколько каждый столбец в среднем сдвигает прогноз и в какую сторону его значения: вправо — к уходу, влево — к тому, чтобы остаться. Рычаг — то, что можно изменить предложением.";
        what_if: "What if?", "Что, если?";
        call_riskiest: "If you call the riskiest 10 %", "Если позвонить 10 % самых рисковых";
        you_reach: "you reach", "вы обзвоните";
        who_would_leave: "who would leave", "из них ушли бы";
        against_blind: "against a blind list", "против списка наугад";
        times: "{lift}×", "×{lift}";
        catches: "That is {share} of everybody who is expected to leave.", "Это {share} всех, кто, как ожидается, уйдёт.";
        gains_axis: "Called, riskiest first", "Обзвонено, начиная с самых рисковых";
        gains_label: "Of all expected leavers, calling the riskiest 10 % reaches {ten}, 20 % {twenty}, 30 % {thirty}, 50 % {fifty}.",
            "Из всех, кто, как ожидается, уйдёт: среди 10 % самых рисковых — {ten}, среди 20 % — {twenty}, 30 % — {thirty}, 50 % — {fifty}.";
        gains_model: "by this ranking", "по этому списку";
        gains_blind: "blindly", "наугад";
        gains_y: "Leavers reached", "Найдено уходящих";
        expected_by_model: "Expected from the model's calibrated probabilities.", "Ожидание по откалиброванным вероятностям модели.";
        expected_measured: "Expected from the model's calibrated probabilities; on customers whom it had not seen, its riskiest tenth held {lift}× the average.",
            "Ожидание по откалиброванным вероятностям модели; на клиентах, которых она не видела, в самой рисковой десятой уходящих было в {lift} раза больше среднего.";
        ranking: "Sorting by risk", "Сортируем по риску";
        riskiest: "Riskiest first", "Сначала самые рисковые";
        rank: "No.", "№";
        will: "Will", "Прогноз";
        probability: "Probability of leaving", "Вероятность ухода";
        page_of: "of {pages}", "из {pages}";
        page: "Page", "Страница";
        go: "Go", "Перейти";
        first: "First", "В начало";
        previous: "Previous", "Назад";
        following: "Next", "Вперёд";
        last: "Last", "В конец";
        rows_shown: "{first} to {last} of {rows}", "{first}–{last} из {rows}";
        failed: "This file could not be predicted", "Прогноз по этому файлу не удался";
        money_back: "Your money is back", "Деньги вернулись";
        money_back_text: "{price} are on your balance again.", "{price} снова на вашем балансе.";
        money_back_later: "{price} are on their way back to your balance.", "{price} возвращаются на ваш баланс.";
        see_money: "See the refund", "Посмотреть возврат";
        what_was_wrong: "What was wrong", "Что было не так";
        line: "Line", "Строка";
        column: "Column", "Столбец";
        what: "What is wrong", "Что не так";
        first_problems: "The first {count} are listed.", "Показаны первые {count}.";
        mend: "Mend these places and try again; or check the file again and leave these rows out.",
            "Исправьте эти места и попробуйте снова — или при проверке пропустите эти строки.";
        try_again: "Nothing is wrong with your file as far as we know. Try again.", "С вашим файлом, насколько нам известно, всё в порядке. Попробуйте ещё раз.";
        try_other: "Try another file", "Попробовать другой файл";
        template: "Download a template", "Скачать шаблон";
        gone: "The files of this prediction are erased", "Файлы этого прогноза стёрты";
        gone_text: "They were deleted, or their time was over. What was paid stays on record.", "Их удалили, или истёк срок хранения. Запись об оплате осталась.";
        new_prediction: "New prediction", "Новый прогноз";
    }
}
