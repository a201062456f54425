//! What administrators do in the console: money moves once, mistakes stand beside their fields, and lists find.

use futures::future::join_all;
use tests::answer::Answer;
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::{Installation, PASSWORD};
use tests::visitor::Visitor;

flows! {
    shared:
        a_form_that_tops_up_pays_in_once_however_often_it_is_sent,
        an_amount_that_is_none_moves_nothing_and_stays_in_its_field,
        a_refund_wants_a_reason_and_a_confirmation_and_happens_once,
        an_administrator_cannot_close_the_door_on_themselves,
        a_price_is_changed_in_place_and_counts_for_new_orders,
        lists_over_all_customers_find_by_address_id_state_and_day,
        the_check_of_the_ledger_says_that_all_is_well;
}

async fn administrator(on: &Installation) -> (Visitor, String) {
    let (_, email) = on.new_admin().await;
    (Visitor::signed_in(on, &email, PASSWORD).await, email)
}

fn page_of(customer: &Customer) -> String {
    format!("/admin/users/{}", customer.user["id"].as_str().unwrap())
}

/// The value of a field of the page.
fn value_of(html: &str, name: &str) -> String {
    let input = html.split("<input").find(|input| input.contains(&format!("name=\"{name}\""))).unwrap();
    input.split_once("value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// The id in the first link to one of these pages.
fn first_linked(html: &str, pages: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("href=\"{pages}/"))?;
    Some(rest.split_once('"')?.0.to_owned())
}

async fn a_form_that_tops_up_pays_in_once_however_often_it_is_sent(on: &Installation) {
    let customer = Customer::poor(on).await;
    let (mut admin, _) = administrator(on).await;
    let page = page_of(&customer);
    let key = value_of(&admin.page(&page).await, "idempotency_key");
    let form = [("amount", "1,500.25"), ("note", "invoice 17"), ("idempotency_key", key.as_str())];
    let path = format!("{page}/top-up");
    let answers = join_all((0..10).map(|_| {
        let mut window = admin.clone();
        let path = path.clone();
        async move { window.send(&path, &form).await }
    }))
    .await;
    // Of clicks at the same moment, some find the first still at work.
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 422)), "{:?}", statuses(&answers));
    let told = admin.send(&path, &form).await.expect(303).header("location").to_owned();
    assert_eq!(customer.balance().await, 150_025);
    let html = admin.page(&told).await;
    assert!(html.contains("₽1,500.25 paid in. The balance is now ₽1,500.25."), "{html}");
    assert!(html.contains("invoice 17"));
    let other = [("amount", "7"), ("note", "invoice 17"), ("idempotency_key", key.as_str())];
    let again = admin.send(&path, &other).await.expect(422).text();
    assert!(again.contains("sent before") && value_of(&again, "idempotency_key") != key);
    assert_eq!(customer.balance().await, 150_025);
    assert_eq!(customer.transactions().await.len(), 1);
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

async fn an_amount_that_is_none_moves_nothing_and_stays_in_its_field(on: &Installation) {
    let customer = Customer::poor(on).await;
    let (mut admin, _) = administrator(on).await;
    let page = page_of(&customer);
    let mut key = value_of(&admin.page(&page).await, "idempotency_key");
    for typed in ["", "abc", "-5", "0", "1.005", "1,50", "1e3", "99999999999999999999"] {
        let form = [("amount", typed), ("note", "kept"), ("idempotency_key", key.as_str())];
        let html = admin.send(&format!("{page}/top-up"), &form).await.expect(422).text();
        assert!(html.contains("id=\"amount-error\""), "{typed}");
        assert_eq!((value_of(&html, "amount").as_str(), value_of(&html, "note").as_str()), (typed, "kept"));
        key = value_of(&html, "idempotency_key");
    }
    assert_eq!(customer.balance().await, 0);
}

async fn a_refund_wants_a_reason_and_a_confirmation_and_happens_once(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let service = on.service("logistic", 10).await;
    let prediction = customer.predict(&service, generated(20, 401).await).await;
    let order = customer.succeeded(&prediction).await["order_id"].as_str().unwrap().to_owned();
    let (mut admin, _) = administrator(on).await;
    let page = format!("/admin/orders/{order}");
    let key = value_of(&admin.page(&page).await, "idempotency_key");
    let path = format!("{page}/refund");
    let bare = [("idempotency_key", key.as_str())];
    let html = admin.send(&path, &bare).await.expect(422).text();
    assert!(html.contains("id=\"note-error\"") && html.contains("id=\"sure-error\""), "{html}");
    assert_eq!(customer.order_now(&order).await["status"], "provided");
    let form = [("note", "as agreed"), ("sure", "yes"), ("idempotency_key", key.as_str())];
    for _ in 0..3 {
        let told = admin.send(&path, &form).await.expect(303).header("location").to_owned();
        assert!(!admin.page(&told).await.contains("name=\"sure\""), "the form is gone");
    }
    assert_eq!(customer.balance().await, 10);
    assert_eq!(customer.order_now(&order).await["status"], "refunded");
}

async fn an_administrator_cannot_close_the_door_on_themselves(on: &Installation) {
    let (mut admin, email) = administrator(on).await;
    let html = admin.page(&format!("/admin/users?q={email}")).await;
    let id = first_linked(&html, "/admin/users").unwrap();
    for (what, to) in [("role", "user"), ("access", "disabled")] {
        let answer = admin.send(&format!("/admin/users/{id}/{what}"), &[("to", to)]).await;
        assert!(answer.expect(409).text().contains("lock themselves out"));
    }
    admin.page("/admin").await;
    let customer = Customer::poor(on).await;
    let page = page_of(&customer);
    admin.send(&format!("{page}/access"), &[("to", "disabled")]).await.expect(303);
    assert_eq!(customer.client.get("/me").await.status, 401);
    admin.send(&format!("{page}/access"), &[("to", "enabled")]).await.expect(303);
    on.log_in(&customer.email, PASSWORD).await;
}

async fn a_price_is_changed_in_place_and_counts_for_new_orders(on: &Installation) {
    let (mut admin, _) = administrator(on).await;
    let name = format!("Overnight {}", uuid::Uuid::new_v4().simple());
    let new =
        |price| [("name", name.as_str()), ("model", "logistic"), ("price", price), ("max_rows", "1 000")];
    admin.page("/admin/services").await;
    let html = admin.send("/admin/services", &new("ten")).await.expect(422).text();
    assert!(html.contains("id=\"price-new-error\"") && html.contains(&name), "{html}");
    let sold = [new("7.50").as_slice(), &[("active", "on")]].concat();
    admin.send("/admin/services", &sold).await.expect(303);
    let html = admin.send("/admin/services", &sold).await.expect(422).text();
    assert!(html.contains("id=\"name-new-error\""), "the name is taken");
    let row = html.split("<details").find(|row| row.contains(&name) && row.contains("row-name")).unwrap();
    let id = row.split_once("id=\"service-").unwrap().1.split_once('"').unwrap().0.to_owned();
    let customer = Customer::with_balance(on, 1_600).await;
    customer.order(&id).await;
    let dearer = [new("8.50").as_slice(), &[("active", "on")]].concat();
    admin.send(&format!("/admin/services/{id}"), &dearer).await.expect(303);
    customer.order(&id).await;
    assert_eq!(customer.balance().await, 0);
    admin.send(&format!("/admin/services/{id}"), &new("8.50")).await.expect(303);
    assert_eq!(customer.try_order(&id).await.status, 422, "it is not on sale");
}

async fn lists_over_all_customers_find_by_address_id_state_and_day(on: &Installation) {
    let customer = Customer::with_balance(on, 20).await;
    let service = on.service("logistic", 10).await;
    let prediction = customer.predict(&service, generated(20, 402).await).await;
    customer.succeeded(&prediction).await;
    let paid = customer.order(&service).await;
    let (mut admin, _) = administrator(on).await;
    let email = customer.email.to_uppercase();
    let placed = customer.order_now(&paid).await["created_at"].as_str().unwrap().to_owned();
    let today = &placed[..10];
    for (query, is_there) in [
        (format!("q={email}"), true),
        (format!("q={paid}"), true),
        (format!("q={email}&status=paid&day={today}"), true),
        (format!("q={email}&status=refunded"), false),
        (format!("q={email}&day=2020-01-01"), false),
        (format!("q={email}x"), false),
    ] {
        let html = admin.page(&format!("/admin/orders?{query}")).await;
        assert_eq!(html.contains(&format!("/admin/orders/{paid}")), is_there, "{query}");
    }
    for (query, is_there) in [
        (format!("q={email}"), true),
        (format!("q={prediction}"), true),
        (format!("q={email}&status=succeeded"), true),
        (format!("q={email}&status=queued"), false),
        (format!("q={email}&status=failed"), false),
    ] {
        let html = admin.page(&format!("/admin/predictions?{query}")).await;
        assert_eq!(html.contains("/admin/orders/"), is_there, "{query}");
    }
    let html = admin.page(&format!("/admin/audit-log?q={email}&status=deposit.made")).await;
    assert!(html.contains(&customer.email), "the deposit that the customer began with");
    let html = admin.page(&format!("/admin/users?q={email}")).await;
    assert_eq!(first_linked(&html, "/admin/users").as_deref(), customer.user["id"].as_str());
}

async fn the_check_of_the_ledger_says_that_all_is_well(on: &Installation) {
    let (mut admin, _) = administrator(on).await;
    assert!(!admin.page("/admin/ledger").await.contains("Everything adds up"));
    let html = admin.page("/admin/ledger?check=now").await;
    assert!(html.contains("Everything adds up") || html.contains("Something does not add up"), "{html}");
    assert!(admin.page("/admin/queue").await.contains("Queue and workers"));
}
