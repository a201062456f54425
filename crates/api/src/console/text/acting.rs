//! Texts of acting: risk tiers, whom to contact, and what that has done.

use super::texts;

texts! {
    /// Tiers, plans and their effect.
    Acting {
        tiers: "Risk tiers", "Уровни риска";
        very_high: "Very high", "Очень высокий";
        high: "High", "Высокий";
        medium: "Medium", "Средний";
        low: "Low", "Низкий";
        tier: "Risk", "Риск";
        tier_customers: "Customers", "Клиентов";
        tier_leavers: "Would leave", "Уйдут";
        tier_from: "from {share}", "от {share}";
        tier_below: "below {share}", "ниже {share}";
        tiers_label: "Customers by risk, and how many of each are expected to leave: {rows}.",
            "Клиенты по уровням риска и сколько из них, как ожидается, уйдёт: {rows}.";
        tiers_row: "{tier}: {customers}, {leavers} would leave", "{tier}: {customers}, уйдут {leavers}";
        tiers_change: "Change tiers and actions", "Изменить уровни и действия";
        tiers_lead: "Four words instead of a number, and what your team does about each. The column risk_tier of a result holds them.",
            "Четыре слова вместо числа — и что делает ваша команда в каждом случае. Они же — в столбце risk_tier результата.";
        tiers_threshold: "From which probability on, %", "С какой вероятности, %";
        tiers_action: "What is done", "Что делаем";
        tiers_action_hint: "In your own words, for example: call within a day", "Своими словами, например: позвонить в течение дня";
        tiers_rest: "everybody else", "все остальные";
        tiers_save: "Save", "Сохранить";
        tiers_past: "Results that are there already keep their column; the pictures follow at once.",
            "В готовых результатах столбец не изменится, а картинки обновятся сразу.";
        tiers_unordered: "The thresholds descend, from at most 100 % to more than 0.", "Пороги идут по убыванию: от 100 % и ниже, но больше 0.";
        tiers_too_long: "An action has at most 200 characters.", "В действии не больше 200 знаков.";
        share_unreadable: "Write a percentage, such as 20.", "Укажите процент, например 20.";
        plan: "Whom to contact", "С кем связаться";
        plan_lead: "Free of charge. The customers who bring most come first.", "Бесплатно. Сначала те, кто принесёт больше всего.";
        limit: "How many", "Сколько";
        limit_best: "As many as pay off", "Сколько окупится";
        limit_contacts: "At most", "Не больше";
        limit_contacts_unit: "customers", "клиентов";
        limit_budget: "For a budget of", "На бюджет";
        contacts_unreadable: "Write a number of customers, such as 500.", "Укажите число клиентов, например 500.";
        contact_cost: "A contact costs", "Один контакт стоит";
        customer_value: "A customer who stays is worth", "Оставшийся клиент приносит";
        success_rate: "The offer keeps, %", "Предложение удержит, %";
        success_rate_hint: "of those who would leave", "из тех, кто ушёл бы";
        money_hint: "Leave the amounts empty to list the riskiest without them.", "Если суммы не указать, в списке будут просто самые рисковые.";
        more: "Offer, value of each, control group", "Предложение, ценность каждого, контрольная группа";
        offer_cost: "The offer costs", "Предложение стоит";
        offer_cost_hint: "where somebody takes it; those who would stay anyway take it, too", "если его примут; его возьмут и те, кто остался бы и так";
        success_low: "At least, %", "Не меньше, %";
        success_high: "At most, %", "Не больше, %";
        value_column: "Or what the file says each is worth", "Или ценность каждого — из файла";
        value_column_none: "the same for all", "у всех одинаковая";
        value_times: "times", "умножить на";
        control_share: "Held out to measure by, %", "Контрольная группа, %";
        control_share_hint: "chosen at random and not contacted", "выбирается случайно, с ней не связываются";
        make_plan: "Plan", "Составить план";
        plans: "Plans so far", "Планы";
        title: "Contact {customers}", "Связаться с {customers}";
        title_customers: "{} customer|{} customers", "{} клиентом|{} клиентами|{} клиентами";
        title_nobody: "Nobody pays off", "Никто не окупается";
        nobody_text: "With these amounts a contact costs more than it brings, even for the riskiest customer.",
            "При таких суммах контакт обходится дороже, чем приносит, — даже с самым рисковым клиентом.";
        of_all: "of {customers} in {file}", "из {customers} в файле {file}";
        of_gone: "of {customers}; the file is erased", "из {customers}; файл стёрт";
        of_customers: "{} customer|{} customers", "{} клиента|{} клиентов|{} клиентов";
        unvalued: "{customers} are left out, because their value cannot be read.", "{customers} пропущены: их ценность не читается.";
        download: "Download the list", "Скачать список";
        download_safe: "For a spreadsheet", "Для Excel";
        back: "To the result", "К результату";
        list_gone: "The result has expired or was deleted, and the list with it. The figures stay.",
            "Срок результата истёк или его удалили, и списка больше нет. Цифры остались.";
        expected: "What to expect", "Чего ждать";
        profit: "Expected profit", "Ожидаемая прибыль";
        between: "{low} to {high} with 95 %", "от {low} до {high} с вероятностью 95 %";
        cost: "Costs", "Затраты";
        return_on_investment: "Return", "Отдача";
        saved: "Would be kept", "Удастся удержать";
        leavers: "Would leave", "Ушли бы";
        among: "among the contacted", "среди тех, с кем свяжутся";
        curve_profit: "Expected profit", "Ожидаемая прибыль";
        curve_leavers: "Leavers reached", "Найдено уходящих";
        curve_best: "best: {customers}, {profit}", "лучше всего: {customers}, {profit}";
        curve_plan: "this plan", "этот план";
        curve_axis: "Customers contacted, the most profitable first", "Сколько клиентов, начиная с самых выгодных";
        curve_label: "Expected profit by the number of customers contacted: {points}.", "Ожидаемая прибыль по числу клиентов: {points}.";
        curve_label_leavers: "Leavers reached by the number of customers contacted: {points}.", "Найдено уходящих по числу клиентов: {points}.";
        control: "Control group", "Контрольная группа";
        control_none: "Nobody is held out, so that what acting does cannot be measured.", "Контрольной группы нет, поэтому измерить результат будет нельзя.";
        control_text: "{controls} of the list are held out at random. They stand in the list as control: leave them alone. What they do tells what would have happened anyway.",
            "{controls} из списка выбраны случайно и помечены control: не трогайте их. По ним видно, что было бы и без вас.";
        control_count: "{} customer|{} customers", "{} клиент|{} клиента|{} клиентов";
        control_price: "Not contacting them forgoes {profit} of expected profit: the price of knowing.",
            "Из-за этого вы недополучите {profit} ожидаемой прибыли — такова цена знания.";
        control_finds: "An effect of {effect} or more will be found with 80 %; expected is {expected}.",
            "Эффект от {effect} удастся заметить с вероятностью 80 %; ожидается {expected}";
        control_finds_only: "An effect of {effect} or more will be found with 80 %.", "Эффект от {effect} удастся заметить с вероятностью 80 %.";
        control_finds_nothing: "The list is so short that no effect could be told from chance.", "Список так мал, что никакой эффект не отличить от случайности.";
        control_better: "With {share} held out, the expected effect would be found.", "Если отложить {share}, ожидаемый эффект удастся заметить.";
        control_best: "No share would find the expected effect for sure; {share} comes closest.", "Уверенно заметить ожидаемый эффект не выйдет; ближе всего — {share}.";
        share: "Held out", "Доля";
        detects: "Finds effects from", "Заметит эффект от";
        points: "{points} points", "{points} п. п.";
        effect: "What it has done", "Что получилось";
        effect_wait: "When it is known who has left, send a file with a column that tells customers apart and one that tells who left. Contacted and held out are compared.",
            "Когда станет известно, кто ушёл, пришлите файл со столбцом, по которому клиенты различаются, и столбцом с исходом. Мы сравним тех, с кем связались, с контрольной группой.";
        effect_key: "Column that tells customers apart", "Столбец, по которому различаются клиенты";
        effect_outcome: "Column that tells who left", "Столбец с исходом";
        effect_outcome_hint: "Churn, left, отток, ... is found by itself", "Churn, left, отток… найдём сами";
        effect_file: "Outcomes, CSV", "Исходы, CSV";
        effect_spent: "What it cost, if you know", "Сколько потрачено, если известно";
        effect_known: "Outcomes of these customers were already sent.", "Исходы этих клиентов уже загружены.";
        effect_take_known: "Measure by them", "Измерить по ним";
        effect_or_file: "Or send a file:", "Или загрузите файл:";
        effect_send: "Measure", "Измерить";
        effect_found: "Acting has kept {customers}", "Удалось удержать {customers}";
        effect_found_customers: "{} customer|{} customers", "{} клиента|{} клиентов|{} клиентов";
        effect_not_found: "No effect can be told from chance", "Эффект не отличить от случайности";
        effect_harm: "Acting has driven {customers} away", "Из-за действий ушли {customers}";
        effect_harm_customers: "{} customer|{} customers", "{} клиент|{} клиента|{} клиентов";
        effect_lacks: "One of the groups has nobody with a known outcome.", "В одной из групп нет ни одного известного исхода.";
        effect_interval: "{low} to {high}", "от {low} до {high}";
        effect_contacted: "Contacted", "Связались";
        effect_held_out: "Held out", "Контрольная группа";
        effect_saved: "Kept", "Удержано";
        effect_left_of: "{left} of {customers}", "{left} из {customers}";
        effect_difference: "Lower by", "Ниже на";
        effect_p: "By chance alone", "Просто случайно";
        effect_p_text: "so likely is a difference like this", "такова вероятность подобной разницы";
        effect_profit: "Measured profit", "Прибыль на деле";
        effect_measured: "Measured {time} over {customers} with a known outcome.", "Измерено {time} по {customers} с известным исходом.";
        effect_unknown: "{customers} of the list have no known outcome.", "У {customers} из списка исход неизвестен.";
        effect_ambiguous: "{customers} of the list share their key or have two outcomes; they are left out.", "У {customers} из списка общий ключ или два разных исхода; они не учтены.";
        effect_picture: "Churn of both groups with 95 % intervals: contacted {contact}, held out {control}.",
            "Доля ушедших в обеих группах с 95-процентными интервалами: связались — {contact}, контрольная — {control}.";
        effect_again: "Measure anew", "Измерить заново";
        terms: "Assumptions", "Исходные данные";
        terms_source: "Expected gain of a contact: probability × success × (value − offer) − (1 − probability) × offer − contact (Neslin and others, 2006).",
            "Ожидаемая выгода контакта: вероятность × успех × (ценность − предложение) − (1 − вероятность) × предложение − контакт (Neslin и др., 2006).";
    }
}
