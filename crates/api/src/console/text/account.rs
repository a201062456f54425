//! Texts of signing in, signing up, and one's account.

use super::texts;

texts! {
    /// Signing in and up, and the account.
    Account {
        pitch: "Know who is about to leave", "Узнайте, кто собирается уйти";
        pitch_text: "Upload your customers, pick a model, and get the same file back with each customer’s probability of leaving. You pay for a prediction; one that fails is refunded by itself.",
            "Загрузите клиентов, выберите модель и получите тот же файл с вероятностью ухода каждого клиента. Вы платите за прогноз; если он не удался, деньги вернутся сами.";
        pitch_free: "Checking a file is free", "Проверка файла бесплатна";
        pitch_exact: "Money exact to the last cent", "Каждая копейка на счету";
        pitch_erase: "Your files are erased when you say so", "Ваши файлы стираются по вашей команде";
        sign_in: "Sign in", "Вход";
        sign_in_button: "Sign in", "Войти";
        no_account: "No account yet?", "Ещё нет аккаунта?";
        no_account_link: "Create one", "Создайте его";
        sign_up: "Create an account", "Новый аккаунт";
        sign_up_button: "Create the account", "Создать аккаунт";
        have_account: "Have an account already?", "Уже есть аккаунт?";
        email: "E-mail", "Электронная почта";
        password: "Password", "Пароль";
        password_hint: "8 to 128 characters; a few words are easiest to remember.",
            "От 8 до 128 символов; проще всего запомнить несколько слов.";
        name: "Name", "Имя";
        name_hint: "How you or your company want to be called. Not required.", "Как называть вас или вашу компанию. Необязательно.";
        wrong_login: "The e-mail address or the password is wrong.", "Неверный адрес или пароль.";
        too_many_logins: "Too many failed attempts. Try again in {minutes} min.",
            "Слишком много неудачных попыток. Попробуйте через {minutes} мин.";
        account: "Account", "Профиль";
        account_text: "Who you are here, and how you sign in.", "Кто вы здесь и как входите.";
        member_since: "Here since", "Здесь с";
        role: "Role", "Роль";
        role_customer: "Customer", "Клиент";
        role_admin: "Administrator", "Администратор";
        tenant: "Tenant", "Арендатор";
        change_password: "Change the password", "Сменить пароль";
        change_password_text: "Every other login of yours ends with it.", "Все остальные ваши входы при этом завершатся.";
        current_password: "Current password", "Текущий пароль";
        new_password: "New password", "Новый пароль";
        change_button: "Change the password", "Сменить пароль";
        your_data: "Your data", "Ваши данные";
        your_data_text: "Account, keys, logins, orders, transactions and every file that is kept, as one archive (tar).",
            "Аккаунт, ключи, входы, заказы, операции и все хранимые файлы одним архивом (tar).";
        export_button: "Download everything", "Скачать всё";
        close_account: "Close the account", "Закрыть аккаунт";
        close_text: "Erases everything personal at once: address, name, keys, files, results and notes. What stays is the record of the money, in ids alone. It cannot be undone.",
            "Сразу стирает всё личное: адрес, имя, ключи, файлы, результаты и примечания. Остаётся только запись о деньгах, без имён. Отменить это нельзя.";
        close_balance: "There is money on the balance. Tick the box to give it up.", "На балансе есть деньги. Отметьте, что отказываетесь от них.";
        close_unfinished: "A prediction is still running. Wait for its end.", "Один прогноз ещё выполняется. Дождитесь его конца.";
        close_last_administrator: "You are the only administrator. Make somebody else one first.",
            "Вы единственный администратор. Сначала назначьте другого.";
        forfeit: "Give up the {balance} that are left", "Отказаться от остатка {balance}";
        close_button: "Close for good", "Закрыть навсегда";
    }
}
