//! Texts of checking a file and paying for its prediction.

use super::texts;

texts! {
    /// From a file to a paid order.
    Predict {
        title: "New prediction", "Новый прогноз";
        lead: "Drop in a file with your customers and see what it holds and what a prediction costs. Checking is free; nothing is kept.",
            "Загрузите файл с клиентами — и увидите, что в нём и сколько стоит прогноз. Проверка бесплатна, файл не сохраняется.";
        step_check: "Check", "Проверка";
        step_pay: "Pay", "Оплата";
        step_result: "Result", "Результат";
        steps: "Steps", "Шаги";
        drop: "Drop your customers' file here", "Перетащите сюда файл с клиентами";
        choose: "Choose a file", "Выбрать файл";
        formats: "CSV with comma, semicolon or tab; plain or gzip; up to {size}.", "CSV с запятой, точкой с запятой или табуляцией; можно gzip; до {size}.";
        template: "Download a template", "Скачать шаблон";
        no_file: "No file at hand?", "Нет файла под рукой?";
        try_sample: "Try with sample customers", "Попробовать на примере";
        sample_text: "Try it with {customers} who never existed.", "Попробуйте на примере: {customers}, которых никогда не было.";
        customers: "{} customer|{} customers", "{} клиент|{} клиента|{} клиентов";
        script_needed: "This page needs JavaScript: it sends the file and shows how far it is. The same works with curl.",
            "Этой странице нужен JavaScript: он отправляет файл и показывает ход. То же самое умеет curl.";
        sending: "Sending the file", "Отправляем файл";
        checking: "Reading every row", "Читаем каждую строку";
        starting: "Starting the prediction", "Запускаем прогноз";
        unreachable: "The file was not sent: the connection broke, or the file has changed since. Choose it again.",
            "Файл не отправлен: прервалась связь или файл изменился. Выберите его ещё раз.";
        prices: "Models and prices", "Модели и цены";
        prices_text: "One price for a whole file, however many rows it has. Quality was measured on customers whom the model had not seen.",
            "Одна цена за файл с любым числом строк. Качество измерено на клиентах, которых модель не видела.";
        checked: "Checked free of charge. Nothing has been paid.", "Проверено бесплатно. Ничего не оплачено.";
        other_file: "Choose another file", "Выбрать другой файл";
        rows: "Customers", "Клиентов";
        matched: "Columns matched", "Столбцов распознано";
        matched_of: "{count} of {all}", "{count} из {all}";
        dialect: "Read as", "Прочитано как";
        delimiter_comma: "comma", "запятая";
        delimiter_semicolon: "semicolon", "точка с запятой";
        delimiter_tab: "tab", "табуляция";
        delimiter_bar: "vertical bar", "вертикальная черта";
        missing: "Missing values", "Пропуски";
        problems: "Problems", "Ошибки";
        problem_count: "{} cell cannot be read|{} cells cannot be read", "{} ячейку не удалось прочитать|{} ячейки не удалось прочитать|{} ячеек не удалось прочитать";
        problems_more: "and {} more|and {} more", "и ещё {}|и ещё {}|и ещё {}";
        cut_short: "Behind this place the file cannot be read, so that no row can be left out. Mend the file and choose it again.",
            "Дальше этого места файл не читается, поэтому пропустить строку нельзя. Исправьте файл и выберите его снова.";
        leave_out: "Leave these rows out and predict the others. They stay in the result, with the reason.",
            "Пропустить эти строки и посчитать остальные. В результате они останутся с указанием причины.";
        leave_out_needed: "Leave the rows out above, or choose another file.", "Отметьте пропуск строк выше или выберите другой файл.";
        mend_first: "Mend the file first.", "Сначала исправьте файл.";
        line: "Line", "Строка";
        column: "Column", "Столбец";
        what: "What is wrong", "Что не так";
        how_matched: "How the columns were matched", "Как распознаны столбцы";
        in_file: "Column of the file", "Столбец файла";
        in_model: "What the model takes it for", "Чем его считает модель";
        passed_through: "passed through to the result", "переходит в результат без изменений";
        missing_share: "Missing", "Пропуски";
        choose_model: "Choose a model", "Выберите модель";
        recommended: "recommended", "советуем";
        recommended_why: "The cheapest of those that were measured to be as good as the best.", "Самая дешёвая из тех, что по измерениям не хуже лучшей.";
        finds: "Finds {found} of 10 who leave", "Находит {found} из 10 уходящих";
        precise: "{right} of 10 it names do leave", "{right} из 10 названных уходят";
        auc: "AUC {auc}", "AUC {auc}";
        not_measured: "Quality was not measured", "Качество не измерено";
        ready_seconds: "Ready in about {} second|Ready in about {} seconds", "Готово примерно за {} с|Готово примерно за {} с|Готово примерно за {} с";
        ready_minutes: "Ready in about {} minute|Ready in about {} minutes", "Готово примерно за {} мин|Готово примерно за {} мин|Готово примерно за {} мин";
        lacks: "Your file lacks {columns}.", "В файле нет столбцов: {columns}.";
        other_faults: "Leaves out rows that it cannot read: {count}.", "Пропустит строки, которые не прочтёт: {count}.";
        too_many_rows: "Takes at most {rows}.", "Принимает не больше: {rows}.";
        with_reasons: "Say why for each customer: three reasons in words, + {price}", "Объяснить каждого клиента: три причины словами, + {price}";
        pay: "Pay {price} and predict", "Оплатить {price} и посчитать";
        leaves: "Leaves {balance}. A prediction that fails is refunded by itself.", "Останется {balance}. Если прогноз не удастся, деньги вернутся сами.";
        short: "{missing} are missing.", "Не хватает {missing}.";
        top_up: "An administrator of this installation can top up your balance.", "Пополнить баланс может администратор этой установки.";
        top_up_self: "Top up a balance", "Пополнить баланс";
        refused_file: "This file cannot be predicted", "По этому файлу прогноз не сделать";
        lacks_columns: "The models need columns that the file does not have:", "Моделям нужны столбцы, которых в файле нет:";
        template_hint: "The template has every column that is needed, and two example rows.", "В шаблоне есть все нужные столбцы и две строки для примера.";
        no_services: "There is nothing to order yet", "Пока нечего заказать";
        no_services_text: "An administrator has to put a model on the price list first.", "Сначала администратор должен добавить модель в прайс-лист.";
        tiers: "Add a column with the risk in words: very high, high, medium, low", "Добавить столбец с риском словами: очень высокий, высокий, средний, низкий";
        tiers_which: "Where they begin", "Где границы";
        same_call: "Same call as curl", "То же через curl";
    }
}
