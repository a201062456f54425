//! Why, over all customers, and what if.

use super::texts;

texts! {
    /// Reasons of a model, and the what-if.
    Why {
        title: "What matters to {model}", "Что важно для {model}";
        see_model: "Reasons", "Причины";
        of_model: "Why, over the customers it learned from", "Почему, по клиентам, на которых она училась";
        of_model_text: "How far each column moves the scores on average (SHAP). Open one to see which way its values do. Each value's figure is an average over the customers who have it, with all their other columns as they are.",
            "Насколько каждый столбец в среднем сдвигает оценку (SHAP). Раскройте столбец, чтобы увидеть, куда сдвигают его значения. Каждая цифра — среднее по клиентам с этим значением; остальные столбцы у них такие, какие есть.";
        of_version: "version {version}", "версия {version}";
        other_version: "Version", "Версия";
        nothing_known: "This version does not know what matters to it", "Эта версия не знает, что для неё важно";
        nothing_known_text: "It was imported, or made before this was learned. A training of today learns it.",
            "Её импортировали или обучили раньше, чем это стало измеряться. Новое обучение это исправит.";
        unit_log_odds: "in log-odds", "в логарифмах шансов";
        unit_margin: "in the margin's units", "в единицах отступа";
        lever: "lever", "рычаг";
        feature_label: "{feature}: {weight} on average", "{feature}: в среднем {weight}";
        value: "Value", "Значение";
        customers: "Customers", "Клиентов";
        effect: "Effect", "Эффект";
        towards: "Up is towards leaving, down towards staying. The band is one standard deviation: what the other columns make of it.",
            "Вверх — к уходу, вниз — к тому, чтобы остаться. Полоса — одно стандартное отклонение: влияние остальных столбцов.";
        curve: "{feature}, from {from} to {to}: from {first} at its least to {last} at its greatest, between {low} and {high}",
            "{feature} от {from} до {to}: от {first} при наименьшем до {last} при наибольшем, в пределах от {low} до {high}";
        try_customer: "Try a customer", "Проверить на клиенте";

        what_if: "What if?", "Что, если?";
        what_if_lead: "Change what you can offer, and see at once what the model says. Free of charge.",
            "Меняйте то, что можете предложить, и сразу видно, что скажет модель. Это бесплатно.";
        levers: "What you could change", "Что можно изменить";
        levers_hint: "Everything else stays as it is, also what would move with it in life, such as the sum of all bills.",
            "Всё остальное остаётся как есть — даже то, что в жизни изменилось бы следом, например сумма всех счетов.";
        no_levers: "This model has no column that a company can move.", "В этой модели нет столбцов, на которые можно повлиять.";
        the_customer: "The customer", "Клиент";
        customer_hint: "A customer as they are now. Change any column to try another.", "Клиент, какой он сейчас. Измените любой столбец, чтобы проверить другого.";
        of_sample: "A sample customer", "Клиент из примера";
        of_rank: "Number {rank} of your result", "{rank}-й в вашем результате";
        another: "Another one", "Другой клиент";
        try_it: "Score again", "Пересчитать";
        missing: "not given", "не указано";
        now: "Now", "Сейчас";
        then: "With the change", "С изменением";
        no_change: "Nothing is changed yet.", "Пока ничего не изменено.";
        less_likely: "{points} percentage points less likely to leave", "Вероятность ухода ниже на {points} п. п.";
        more_likely: "{points} percentage points more likely to leave", "Вероятность ухода выше на {points} п. п.";
        as_likely: "As likely to leave as before", "Вероятность ухода не изменилась";
        not_a_promise: "This is what the model says of customers who are so, not what the change would do to this one.",
            "Так модель оценивает клиентов с такими данными. Это не обещание, что изменение подействует на этого клиента.";
        reasons_now: "Why, now", "Почему сейчас";
        reasons_then: "Why, with the change", "Почему с изменением";
        contributions: "What each column adds", "Что добавляет каждый столбец";
        contributions_hint: "Right is towards leaving, left towards staying.", "Вправо — к уходу, влево — к тому, чтобы остаться.";
    }
}
