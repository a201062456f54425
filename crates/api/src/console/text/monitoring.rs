//! Texts of the monitoring: drift, outcomes, true quality.

use super::texts;

texts! {
    /// Models in use.
    Watch {
        title: "Monitoring of {model}", "Наблюдение за моделью {model}";
        lead: "Whether your customers still are those that the model learned from, and how true its predictions turned out to be.",
            "Похожи ли ваши клиенты на тех, на ком училась модель, и насколько сбылись её прогнозы.";
        drift: "Have the customers changed?", "Изменились ли клиенты?";
        drift_few: "Fewer than {rows} customers say nothing of a change.", "По числу клиентов меньше {rows} об изменениях судить нельзя.";
        drift_stable: "These customers are like those that the model learned from.", "Клиенты похожи на тех, на ком училась модель.";
        drift_moderate: "Some of it has moved: keep an eye on it.", "Кое-что сместилось: стоит присмотреться.";
        drift_major: "These customers are not those that the model learned from. Treat the prediction with care, and train anew.",
            "Это уже не те клиенты, на которых училась модель. Относитесь к прогнозу осторожно и обучите модель заново.";
        level_few: "too few", "мало данных";
        level_stable: "stable", "без изменений";
        level_moderate: "moved", "сместилось";
        level_major: "drift", "дрейф";
        estimated_auc: "Expected quality (AUC)", "Ожидаемое качество (AUC)";
        estimated_hint: "{low} to {high}; at the training {then}", "от {low} до {high}; при обучении {then}";
        estimated_none: "at least 100 customers", "нужно хотя бы 100 клиентов";
        mean_probability: "Mean probability of leaving", "Средняя вероятность ухода";
        then: "at the training {share}", "при обучении {share}";
        thresholds_hint: "moved from {moderate}, drift from {major}", "смещение от {moderate}, дрейф от {major}";
        features: "Feature by feature", "По признакам";
        features_hint: "Open a feature to see both distributions. The marks are the thresholds.", "Откройте признак, чтобы увидеть оба распределения. Отметки — пороги.";
        probability: "Probability of leaving", "Вероятность ухода";
        more_features: "{} further feature that has not moved|{} further features that have not moved", "Ещё {} признак без сдвига|Ещё {} признака без сдвига|Ещё {} признаков без сдвига";
        feature_label: "{name}: PSI {psi}, {level}", "{name}: PSI {psi}, {level}";
        by_chance: "by chance alone {psi}", "одна случайность даёт {psi}";
        test_ks: "Kolmogorov–Smirnov {statistic}, p = {p}", "Колмогоров — Смирнов {statistic}, p = {p}";
        test_chi: "Chi-square {statistic}, p = {p}", "Хи-квадрат {statistic}, p = {p}";
        training_data: "training data", "данные обучения";
        these_customers: "these customers", "эти клиенты";
        up_to: "up to {to}", "до {to}";
        above: "above {from}", "больше {from}";
        between: "{from} to {to}", "{from} – {to}";
        other_values: "other values", "прочие значения";
        unknown_values: "unknown to the model", "неизвестные модели";
        no_value: "no value", "нет значения";
        see_model: "Monitoring of the model", "Наблюдение за моделью";
        raised_data: "Drift is raised since {date}: the customers have changed.", "Дрейф с {date}: изменились клиенты.";
        raised_concept: "Drift is raised since {date}: customers no longer behave as they did.", "Дрейф с {date}: клиенты ведут себя иначе, чем раньше.";
        nothing_raised: "No drift is raised.", "Дрейфа нет.";
        moved_most: "Moved most: {names}.", "Сильнее всего сместилось: {names}.";
        over_time: "Shift over time", "Сдвиг по времени";
        over_time_text: "PSI of each prediction: {points}.", "PSI каждого прогноза: {points}.";
        quality_over_time: "Quality over time (AUC)", "Качество по времени (AUC)";
        quality_text: "Expected and true AUC: {points}.", "Ожидаемый и истинный AUC: {points}.";
        series_features: "greatest of a feature", "наибольший по признакам";
        series_probability: "of the probabilities", "по вероятностям";
        series_estimated: "expected", "ожидаемый";
        series_true: "true, by outcomes", "истинный, по исходам";
        at_training: "at the training", "при обучении";
        no_history: "No prediction was looked at yet", "Ещё ни один прогноз не проверен";
        no_history_text: "Every prediction by this model is compared with its training data. Make one, and it shows up here.",
            "Каждый прогноз этой модели сравнивается с данными обучения. Сделайте прогноз, и он появится здесь.";
        predictions: "Predictions looked at", "Проверенные прогнозы";
        when: "When", "Когда";
        customers: "Customers", "Клиенты";
        shift: "Shift", "Сдвиг";
        state: "State", "Состояние";
        expected: "Expected AUC", "Ожидаемый AUC";
        true_quality: "How true were the predictions?", "Насколько сбылись прогнозы?";
        no_outcomes: "Nothing is known of what really happened. Send outcomes, and the predictions are held against them.",
            "Что произошло на самом деле, пока неизвестно. Загрузите исходы — и прогнозы можно будет проверить.";
        send_outcomes: "Send outcomes", "Загрузить исходы";
        version: "version {version}", "версия {version}";
        known: "{} outcome known|{} outcomes known", "известен {} исход|известно {} исхода|известно {} исходов";
        auc: "True AUC", "Истинный AUC";
        precision: "Precision", "Точность";
        recall: "Recall", "Полнота";
        brier: "Brier score", "Оценка Брайера";
        captured: "Leavers in the riskiest tenth", "Ушедших в самой рисковой десятой";
        calibration_error: "Calibration error", "Ошибка калибровки";
        value: "Value of acting", "Выгода от действий";
        from_to: "{low} to {high}; at the training {then}", "от {low} до {high}; при обучении {then}";
        performance_lost: "The order of the customers is worse than at the training, beyond chance.", "Порядок клиентов хуже, чем при обучении, и это не случайность.";
        calibration_lost: "The probabilities are no longer true, beyond chance.", "Вероятности больше не верны, и это не случайность.";
        performance_holds: "Customers behave as they did at the training, as far as the outcomes tell.", "Судя по исходам, клиенты ведут себя так же, как при обучении.";
        calibration: "Said and happened", "Обещано и сбылось";
        calibration_said: "Predicted probability", "Предсказанная вероятность";
        calibration_happened: "Share who left", "Доля ушедших";
        calibration_label: "Of customers in bins of equal size, predicted and left: {bins}.", "Клиенты группами поровну, предсказано и ушло: {bins}.";
        calibration_true: "if every probability were true", "если бы все вероятности были верны";
        months: "By month of the prediction", "По месяцам прогнозов";
        month: "Month", "Месяц";
        outcomes_known: "Outcomes", "Исходов";
        settings: "Thresholds and costs", "Пороги и стоимость";
        settings_lead: "For your company alone.", "Только для вашей компании.";
        psi_moderate: "Moved from a PSI of", "Смещение от PSI";
        psi_major: "Drift from a PSI of", "Дрейф от PSI";
        psi_hint: "Usual are 0.1 and 0.25.", "Обычно 0,1 и 0,25.";
        contact_cost: "A contact costs, {currency}", "Стоимость контакта, {currency}";
        customer_value: "A customer is worth, {currency}", "Ценность клиента, {currency}";
        success_rate: "An offer works, % of leavers", "Удаётся удержать, % уходящих";
        costs_hint: "With all three, outcomes tell what acting would have earned.", "Если указать все три, исходы покажут, сколько принесли бы действия.";
        save: "Save", "Сохранить";
        bad_numbers: "These are no thresholds: both are above 0 and at most 10, and drift is no less than moved.", "Так нельзя: оба порога больше 0 и не больше 10, а порог дрейфа не меньше порога смещения.";
        bad_costs: "Give all three costs or none; a share is between 0 and 100.", "Укажите все три величины или ни одной; доля — от 0 до 100.";
        outcomes: "Outcomes", "Исходы";
        outcomes_lead: "Send what really happened, and see how true the predictions were. Free of charge; the file is read and not kept.",
            "Загрузите, что произошло на самом деле, — и увидите, насколько сбылись прогнозы. Бесплатно; файл читается и не хранится.";
        which: "1. Which predictions, which columns", "1. Какие прогнозы, какие столбцы";
        model: "Model", "Модель";
        key: "Column that tells customers apart", "Столбец, различающий клиентов";
        key_hint: "Empty: as in the newest prediction.", "Пусто — как в последнем прогнозе.";
        outcome_column: "Column that tells who left", "Столбец с исходом";
        outcome_hint: "Empty: found by its name, such as Churn.", "Пусто — найдём по имени, например «Отток».";
        date_column: "Column with the date", "Столбец с датой";
        date_hint: "Empty: about the latest prediction.", "Пусто — относится к последнему прогнозу.";
        positive: "Value for those who left", "Значение для ушедших";
        positive_hint: "Empty: words such as yes, 1, left.", "Пусто — слова вроде «да», 1, «ушёл».";
        apply: "Apply", "Применить";
        the_file: "2. The file", "2. Файл";
        choose: "CSV with outcomes", "CSV с исходами";
        template: "Download a template", "Скачать шаблон";
        send: "Send", "Отправить";
        sending: "Reading and joining", "Читаем и сопоставляем";
        nothing_kept: "There is nothing to join outcomes to yet", "Пока не с чем сопоставлять исходы";
        nothing_kept_text: "Name the column that tells your customers apart when you predict, and their scores are kept under hashes that only this installation can make.",
            "Укажите при прогнозе столбец, различающий клиентов: их оценки сохранятся под хешами, которые умеет вычислять только эта установка.";
        predict: "New prediction", "Новый прогноз";
        joined: "{rows} of {all} rows were joined", "Сопоставлено {rows} из {all} строк";
        joined_none: "No row was joined: no customer of the file is in a prediction.", "Ни одна строка не сопоставлена: таких клиентов нет в прогнозах.";
        corrected: "{} customer was corrected|{} customers were corrected", "исправлен {} клиент|исправлены {} клиента|исправлено {} клиентов";
        open_rows: "{} row has no outcome yet|{} rows have no outcome yet", "у {} строки исхода пока нет|у {} строк исхода пока нет|у {} строк исхода пока нет";
        see_performance: "See how true the predictions were", "Посмотреть, насколько сбылись прогнозы";
        prediction: "Prediction", "Прогноз";
        rows_joined: "Joined", "Сопоставлено";
        rows_known: "Known", "Известно";
        sent: "Files sent", "Отправленные файлы";
        file: "File", "Файл";
        refused: "These outcomes cannot be taken", "Эти исходы не принять";
        line: "Line", "Строка";
        column: "Column", "Столбец";
        what: "What is wrong", "Что не так";
        missing: "Columns that are missing: {names}.", "Не хватает столбцов: {names}.";
        keep_scores: "Column that tells customers apart", "Столбец, различающий клиентов";
        keep_scores_hint: "With it you can send outcomes later and see how true the prediction was. Only hashes are kept.",
            "Тогда позже можно загрузить исходы и увидеть, насколько сбылся прогноз. Хранятся только хеши.";
        keep_none: "do not keep", "не хранить";
    }
}
