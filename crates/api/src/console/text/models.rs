//! Texts of models of one's own: training them, their versions, the gate before production.

use super::texts;

texts! {
    /// Models, trainings and what leads from the one to the other.
    Models {
        models: "Models", "Модели";
        models_lead: "Your own, trained on your customers, and the shared ones.",
            "Ваши, обученные на ваших клиентах, и общие.";
        train: "Train a model", "Обучить модель";
        no_models: "No model of your own yet", "Своих моделей пока нет";
        no_models_text: "Send customers of whom you know who left. What is learned from them is yours alone.",
            "Пришлите клиентов, о которых известно, кто ушёл. Модель, обученная на них, будет только вашей.";
        own: "Your models", "Ваши модели";
        shared: "Shared models", "Общие модели";
        model: "Model", "Модель";
        version: "Version", "Версия";
        versions: "Versions", "Версии";
        serving: "In production", "В работе";
        nothing_serves: "none yet", "пока никакая";
        price: "Price", "Цена";
        made: "Made", "Создана";
        stage: "Stage", "Стадия";
        development: "development", "разработка";
        testing: "testing", "проверка";
        production: "production", "в работе";
        archived: "archived", "в архиве";
        algorithm: "Algorithm", "Алгоритм";
        quality: "AUC", "AUC";
        quality_hint: "Area under the ROC curve with its 95 % interval, by cross-validation",
            "Площадь под ROC-кривой с 95-процентным интервалом, по перекрёстной проверке";
        training: "Training", "Обучение";
        trainings: "Trainings", "Обучения";
        trainings_lead: "What was learned from which customers, and what came of it.",
            "Что и на каких клиентах обучено и что получилось.";
        no_trainings: "Nothing trained yet", "Обучений пока нет";
        use_it: "Predict with it", "Сделать прогноз";
        put_into_production: "Put into production", "Пустить в работу";
        put_text: "The gate compares it with the version in production on customers whom neither has learned from.",
            "Версию сравнят с работающей на клиентах, на которых не училась ни та, ни другая.";
        reason: "Why", "Почему";
        force: "Even if the gate says no", "Даже если сравнение против";
        move_to: "Move to", "Перевести в стадию";
        move_it: "Move", "Перевести";
        roll_back: "Roll back", "Откатить";
        roll_back_text: "The version that served before takes over at once.",
            "Сразу начнёт работать версия, которая работала до этой.";
        gate: "The gate", "Сравнение перед запуском";
        gate_champion: "In production", "Работает сейчас";
        gate_challenger: "This version", "Эта версия";
        gate_difference: "Difference", "Разница";
        gate_rule: "It passes where the whole interval of the difference is above zero: {rows} customers held out, {positives} of them left.",
            "Проходит, если весь интервал разницы выше нуля: {rows} отложенных клиентов, из них ушли {positives}.";
        gate_picture: "AUC of both versions on the same customers, with 95 % intervals",
            "AUC обеих версий на одних и тех же клиентах, с 95-процентными интервалами";
        gate_look: "What the gate says", "Что покажет сравнение";
        verdict_first_version: "The first version, and better than chance: it may go.",
            "Первая версия, и лучше случайной: можно.";
        verdict_better: "Better than the version in production: it may go.", "Лучше работающей версии: можно.";
        verdict_no_better_than_chance: "Not surely better than chance.", "Не доказано, что лучше случайной.";
        verdict_not_better: "Not surely better than the version in production.",
            "Не доказано, что лучше работающей версии.";
        verdict_nobody_held_out: "Nobody was held out in its training, so that nothing can be compared.",
            "При обучении никого не отложили, сравнить не на чем.";
        verdict_data_erased: "The customers held out were erased. Train again to compare.",
            "Отложенные клиенты стёрты. Чтобы сравнить, обучите заново.";
        verdict_columns_missing: "Its file lacks columns that the version in production reads.",
            "В её файле нет столбцов, которые читает работающая версия.";
        verdict_too_few_customers: "Too few customers were held out to tell a difference.",
            "Отложено слишком мало клиентов, чтобы увидеть разницу.";
        history: "History", "История";
        history_registered: "made by a training", "создана обучением";
        history_promoted: "put into production", "пущена в работу";
        history_refused: "refused by the gate", "не прошла сравнение";
        history_rolled_back: "back in production", "снова в работе";
        history_moved: "moved to {stage}", "переведена: {stage}";
        history_forced: "against the gate", "вопреки сравнению";
        instead_of: "instead of {version}", "вместо {version}";
        experiments: "Experiments", "Эксперименты";
        experiments_text: "Every training of this model. Open one for its report.",
            "Все обучения этой модели. Откройте любое, чтобы увидеть отчёт.";
        folds: "Folds", "Блоки";
        held_out: "Held out", "На отложенных";
        seed: "Seed", "Зерно";
        took: "Took", "Заняло";
        data: "Customers", "Клиенты";
        fingerprint: "SHA-256 of the file", "SHA-256 файла";
        program: "Program", "Программа";
        parameters: "Parameters", "Параметры";
        report: "Open the report", "Открыть отчёт";
        status: "Status", "Статус";
        queued: "waiting", "в очереди";
        running: "training", "обучается";
        succeeded: "done", "готово";
        failed: "failed", "ошибка";
        paid: "Paid", "Оплачено";
        when: "When", "Когда";
        fits: "{done} of {total} models fitted", "обучено {done} из {total} моделей";
        may_close: "You can close this page; the training goes on.", "Страницу можно закрыть: обучение продолжится.";
        refresh: "Refresh", "Обновить";
        failed_title: "Nothing could be learned", "Обучить не получилось";
        failed_money: "The {price} are back on your balance.", "{price} вернулись на баланс.";
        line: "line {line}, column {column}", "строка {line}, столбец {column}";
        columns_left_out: "Columns left out", "Не вошли в модель";
        target: "Who left", "Кто ушёл";
        erased: "The customers were erased.", "Клиенты стёрты.";
        kept_until: "The customers are kept until {date}.", "Клиенты хранятся до {date}.";
        delete: "Erase the customers", "Стереть клиентов";
        delete_text: "Nobody can read them any more. The version stays, but cannot be compared on them.",
            "Их больше никто не прочтёт. Версия останется, но сравнить её на них будет нельзя.";
        delete_confirm: "Erase", "Стереть";
        train_lead: "Customers as CSV, with a column that tells who left, such as Churn. Nothing is paid until you press the button.",
            "Клиенты в CSV со столбцом, по которому видно, кто ушёл, например Churn. Деньги спишутся только по кнопке.";
        choose_file: "File with customers", "Файл с клиентами";
        sample: "Take the sample", "Взять пример";
        sample_hint: "2,000 customers who never existed, with a column Churn.",
            "2000 вымышленных клиентов со столбцом Churn.";
        what: "What to train", "Что обучить";
        for_price: "{price} for the training, {prediction} for each prediction",
            "{price} за обучение, {prediction} за каждый прогноз";
        name: "Name of the model", "Название модели";
        name_hint: "a to z, digits, - and _. A name that is there gets a further version.",
            "Латинские буквы, цифры, - и _. Если такая модель есть, появится её новая версия.";
        target_column: "Column that tells who left", "Столбец, по которому видно, кто ушёл";
        target_hint: "Leave empty to have it found.", "Оставьте пустым, и он найдётся сам.";
        more: "More settings", "Ещё настройки";
        folds_hint: "Parts of the cross-validation, 2 to 50.", "Блоки перекрёстной проверки, от 2 до 50.";
        drop_columns: "Columns that are no features", "Столбцы, которые не учитывать";
        drop_hint: "Separated by commas.", "Через запятую.";
        lever_columns: "Columns that you can move with an offer", "Столбцы, на которые вы можете повлиять";
        lever_hint: "Separated by commas. Left empty, those with known names, such as Contract, are taken.",
            "Через запятую. Если пусто, берутся столбцы с известными именами, например Contract.";
        settings: "Parameters of the algorithm", "Параметры алгоритма";
        settings_hint: "One a line, such as depth=4.", "По одному в строке, например depth=4.";
        pay: "Pay and train", "Оплатить и обучить";
        sending: "Sending", "Отправляем";
        unreachable: "The server could not be reached. Nothing was paid; try again.",
            "Сервер не отвечает. Деньги не списаны; попробуйте ещё раз.";
        choose_first: "Choose a file first.", "Сначала выберите файл.";
        script_needed: "Training from this page needs JavaScript; the API does without.",
            "Обучение с этой страницы требует JavaScript; через API — нет.";
        nothing_sold: "No training can be ordered at the moment.", "Сейчас обучение заказать нельзя.";
        short: "{missing} are missing on your balance.", "На балансе не хватает {missing}.";
        prices: "Training prices", "Цены обучения";
        prices_lead: "What a training costs, and what a prediction costs with a model that was trained so.",
            "Сколько стоит обучение и сколько — прогноз с такой моделью.";
        prediction_price: "Price of a prediction", "Цена прогноза";
        rows_max: "Rows at most", "Строк не больше";
    }
}
