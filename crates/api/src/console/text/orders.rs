//! Texts of the lists of orders and predictions.

use super::texts;

texts! {
    /// The lists of orders and of predictions.
    Orders {
        orders: "Orders", "Заказы";
        orders_lead: "What you bought, and what became of it.", "Что вы купили и что с этим стало.";
        predictions: "Predictions", "Прогнозы";
        predictions_lead: "Every file that was scored, with its result for as long as it is kept.",
            "Все файлы с прогнозами; результат доступен, пока хранится.";
        new_prediction: "New prediction", "Новый прогноз";
        status: "Status", "Статус";
        any_status: "Any status", "Любой статус";
        service: "Model", "Модель";
        any_service: "Any model", "Любая модель";
        file: "File", "Файл";
        file_name: "Name of the file", "Имя файла";
        find: "Find", "Найти";
        everything: "Show everything", "Показать всё";
        customers: "Customers", "Клиенты";
        leave: "Will leave", "Уйдут";
        model: "Model", "Модель";
        price: "Price", "Цена";
        when: "When", "Когда";
        order: "Order", "Заказ";
        prediction: "Prediction", "Прогноз";
        actions: "Actions", "Действия";
        paid: "Not used", "Не использован";
        in_use: "In use", "В работе";
        provided: "Provided", "Выполнен";
        refunded: "Refunded", "Возвращён";
        queued: "Waiting", "В очереди";
        running: "Running", "Считается";
        succeeded: "Ready", "Готов";
        failed: "Failed", "Не удался";
        erased: "Erased", "Стёрт";
        done_of: "{done} of {total}", "{done} из {total}";
        open: "Open", "Открыть";
        use_it: "Use it", "Использовать";
        use_text: "Send a file for this order, which is paid already.", "Отправьте файл по этому заказу: он уже оплачен.";
        cancel: "Cancel", "Отменить";
        cancel_title: "Cancel this order?", "Отменить этот заказ?";
        cancel_text: "{price} comes back to your balance at once.", "{price} сразу вернутся на баланс.";
        cancel_confirm: "Cancel the order", "Отменить заказ";
        no_predictions: "No predictions yet", "Прогнозов пока нет";
        no_predictions_text: "Drop a file of customers, or try with sample ones. Checking a file is free.",
            "Загрузите файл с клиентами или попробуйте на примере. Проверка файла бесплатна.";
        no_orders: "No orders yet", "Заказов пока нет";
        no_orders_text: "An order is made when you pay for a prediction. Checking a file is free.",
            "Заказ появляется, когда вы оплачиваете прогноз. Проверка файла бесплатна.";
        nothing_found: "Nothing found", "Ничего не найдено";
        nothing_found_text: "Nothing fits this filter.", "Под фильтр ничего не подходит.";
        nothing_so_far: "Nothing among the newest", "Среди новых ничего нет";
        nothing_so_far_text: "The newest were searched; older ones may fit.", "Просмотрены новые; подойти могут более старые.";
        search_older: "Search older ones", "Искать среди старых";
        one_order: "This is a single order.", "Здесь один заказ.";
    }
}
