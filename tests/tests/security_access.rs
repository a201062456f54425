//! Who may call what: every operation of the document, as nobody, as another tenant, as a customer, with a key that
//! may only read, and as whoever it is for.

use reqwest::Method;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::client::Client;
use tests::customer::{TRAINING_PRICE, TRAINING_SERVICE};
use tests::document::{Operation, operations};
use tests::flows;
use tests::installation::{Installation, PASSWORD, id_of};

mod scene;

use scene::{Scene, outcomes_query};

flows! {
    own: every_operation_answers_each_caller_as_it_must;
}

const PRICE: i64 = 10;
/// Whether somebody has a partner stands in for an outcome.
const OUTCOMES_QUERY: &str = "?key=customerID&outcome=Partner";

/// Whom an operation is for.
#[derive(Clone, Copy, PartialEq)]
enum For {
    /// Everybody.
    All,
    /// Whoever is signed in; what it answers with is their own.
    Users,
    /// The tenant that the thing in its path or query belongs to.
    Owner,
    /// Administrators.
    Administrators,
}

/// What an operation is asked with, and whom it is for.
struct Call {
    callers: For,
    path: String,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
    File,
    Labelled,
}

/// Whom it is for, the id in its path, its query, its body.
type Line = (For, String, String, Body);

fn plain(callers: For, body: Body) -> Line {
    (callers, String::new(), String::new(), body)
}

fn of(callers: For, id: &str, body: Body) -> Line {
    (callers, id.to_owned(), String::new(), body)
}

fn with_query(callers: For, query: String) -> Line {
    (callers, String::new(), query, Body::File)
}

impl Scene {
    /// How an operation is asked. A new operation needs its line in one of the three.
    fn call(&self, operation: &Operation) -> Option<Call> {
        let (name, path) = (operation.name(), operation.path.as_str());
        let found =
            self.account_call(&name).or_else(|| self.tenant_call(&name)).or_else(|| self.webhook_call(&name));
        let found = found.or_else(|| self.source_call(&name));
        let (callers, id, query, body) = found.or_else(|| self.admin_call(&name))?;
        let path = path.replace("{id}", &id).replace("{version_id}", &self.model[1]);
        Some(Call { callers, path: path + &query, body })
    }

    fn account_call(&self, operation: &str) -> Option<Line> {
        let email = self.owner.email.clone();
        Some(match operation {
            "GET /livez" | "GET /readyz" => plain(For::All, Body::None),
            "POST /api/v1/auth/register" => {
                let email = tests::customer::new_email();
                plain(For::All, Body::Json(json!({ "email": email, "password": PASSWORD })))
            }
            "POST /api/v1/auth/token" => {
                let fields = vec![("username", email), ("password", PASSWORD.to_owned())];
                plain(For::All, Body::Form(fields))
            }
            "GET /api/v1/me" | "POST /api/v1/auth/logout" => plain(For::Users, Body::None),
            "POST /api/v1/me/password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": "another good 1" });
                plain(For::Users, Body::Json(body))
            }
            "GET /api/v1/api-keys" | "GET /api/v1/export" => plain(For::Users, Body::None),
            "DELETE /api/v1/me" => {
                let body = json!({ "password": PASSWORD, "forfeit_balance": true });
                plain(For::Users, Body::Json(body))
            }
            "POST /api/v1/api-keys" => {
                plain(For::Users, Body::Json(json!({ "name": "more", "scope": "read" })))
            }
            "DELETE /api/v1/api-keys/{id}" => of(For::Owner, &self.key, Body::None),
            _ => return None,
        })
    }

    fn tenant_call(&self, operation: &str) -> Option<Line> {
        let [seen, deleted] = &self.predictions;
        let [order, cancelled, used, _] = &self.orders;
        let service = &self.service;
        Some(match operation {
            "GET /api/v1/balance"
            | "GET /api/v1/transactions"
            | "GET /api/v1/services"
            | "GET /api/v1/orders"
            | "GET /api/v1/predictions" => plain(For::Users, Body::None),
            "GET /api/v1/training-services" | "GET /api/v1/trainings" | "GET /api/v1/models" => {
                plain(For::Users, Body::None)
            }
            "GET /api/v1/services/{id}" => of(For::Users, service, Body::None),
            "POST /api/v1/orders" => plain(For::Users, Body::Json(json!({ "service_id": service }))),
            "GET /api/v1/orders/{id}" => of(For::Owner, order, Body::None),
            "POST /api/v1/orders/{id}/cancel" => of(For::Owner, cancelled, Body::None),
            "POST /api/v1/files/check" => with_query(For::Users, format!("?service_id={service}")),
            "POST /api/v1/predictions" => with_query(For::Owner, format!("?order_id={used}")),
            "GET /api/v1/predictions/{id}"
            | "GET /api/v1/predictions/{id}/events"
            | "GET /api/v1/predictions/{id}/result" => of(For::Owner, seen, Body::None),
            "GET /api/v1/risk-tiers" => plain(For::Users, Body::None),
            "PUT /api/v1/risk-tiers" => {
                let thresholds = json!({ "very_high": 0.9, "high": 0.6, "medium": 0.3 });
                plain(For::Users, Body::Json(json!({ "thresholds": thresholds })))
            }
            "POST /api/v1/predictions/{id}/plans" => {
                of(For::Owner, seen, Body::Json(json!({ "contacts": 1 })))
            }
            "GET /api/v1/predictions/{id}/plans" => of(For::Owner, seen, Body::None),
            "POST /api/v1/plans/{id}/outcomes" => {
                (For::Owner, self.plan.clone(), OUTCOMES_QUERY.to_owned(), Body::File)
            }
            "POST /api/v1/plans/{id}/effect" => of(For::Owner, &self.plan, Body::Json(json!({}))),
            "GET /api/v1/plans/{id}" | "GET /api/v1/plans/{id}/list" | "GET /api/v1/plans/{id}/effect" => {
                of(For::Owner, &self.plan, Body::None)
            }
            "GET /api/v1/predictions/{id}/drift" => of(For::Owner, seen, Body::None),
            "GET /api/v1/models/{id}/drift"
            | "GET /api/v1/models/{id}/importance"
            | "GET /api/v1/models/{id}/monitoring"
            | "GET /api/v1/models/{id}/performance" => of(For::Owner, &self.model[0], Body::None),
            "PUT /api/v1/models/{id}/monitoring" => of(For::Owner, &self.model[0], Body::Json(json!({}))),
            "GET /api/v1/outcomes" => plain(For::Users, Body::None),
            "GET /api/v1/outcomes/{id}" => of(For::Owner, &self.outcomes, Body::None),
            "POST /api/v1/outcomes" => with_query(For::Owner, outcomes_query(seen)),
            "GET /api/v1/predictions/{id}/erasure" | "DELETE /api/v1/predictions/{id}" => {
                of(For::Owner, deleted, Body::None)
            }
            "POST /api/v1/predict" => {
                let features = tests::vocabulary::features().into_iter();
                let customer: Value = features
                    .map(|name| (name.to_owned(), Value::Null))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
                plain(For::Users, Body::Json(json!({ "service_id": service, "customers": [customer] })))
            }
            "POST /api/v1/what-if" => {
                let features = tests::vocabulary::features().into_iter();
                let customer = features.map(|name| (name.to_owned(), Value::Null));
                let customer = Value::from(customer.collect::<serde_json::Map<_, _>>());
                let body = json!({ "prediction_id": seen, "customer": customer, "changes": {} });
                plain(For::Owner, Body::Json(body))
            }
            _ => return self.training_call(operation),
        })
    }

    fn training_call(&self, operation: &str) -> Option<Line> {
        let [model, _] = &self.model;
        Some(match operation {
            "POST /api/v1/trainings" => {
                let query = format!("?order_id={}&algorithm=logistic&folds=2", self.training_order);
                (For::Owner, String::new(), query, Body::Labelled)
            }
            "GET /api/v1/trainings/{id}"
            | "GET /api/v1/trainings/{id}/events"
            | "GET /api/v1/trainings/{id}/report"
            | "DELETE /api/v1/trainings/{id}" => of(For::Owner, &self.training, Body::None),
            "GET /api/v1/models/{id}"
            | "GET /api/v1/models/{id}/versions"
            | "GET /api/v1/models/{id}/versions/{version_id}"
            | "GET /api/v1/models/{id}/versions/{version_id}/card"
            | "GET /api/v1/models/{id}/versions/{version_id}/gate"
            | "GET /api/v1/models/{id}/history"
            | "GET /api/v1/models/{id}/experiments" => of(For::Owner, model, Body::None),
            "POST /api/v1/models/{id}/versions/{version_id}/promote" => {
                of(For::Owner, model, Body::Json(json!({ "stage": "testing" })))
            }
            "GET /api/v1/models/{id}/retraining" | "GET /api/v1/models/{id}/retraining/runs" => {
                of(For::Owner, model, Body::None)
            }
            "PUT /api/v1/models/{id}/retraining" => of(
                For::Owner,
                model,
                Body::Json(json!({
                    "training_service_id": TRAINING_SERVICE,
                    "price_max": TRAINING_PRICE, "month_price_max": TRAINING_PRICE, "active": false,
                })),
            ),
            "POST /api/v1/models/{id}/retrain" => of(For::Owner, model, Body::None),
            "POST /api/v1/models/{id}/rollback" => of(For::Owner, model, Body::Json(json!({}))),
            _ => return None,
        })
    }

    fn webhook_call(&self, operation: &str) -> Option<Line> {
        let [seen, deleted] = &self.webhooks;
        Some(match operation {
            "GET /api/v1/webhooks" | "GET /api/v1/webhook-settings" => plain(For::Users, Body::None),
            "POST /api/v1/webhooks" => {
                let body = json!({ "url": "https://hooks.augur.example/", "events": ["balance.low"] });
                plain(For::Users, Body::Json(body))
            }
            "PUT /api/v1/webhook-settings" => {
                plain(For::Users, Body::Json(json!({ "balance_low_threshold": 5 })))
            }
            "GET /api/v1/webhooks/{id}"
            | "POST /api/v1/webhooks/{id}/test"
            | "POST /api/v1/webhooks/{id}/rotate-secret"
            | "GET /api/v1/webhooks/{id}/deliveries" => of(For::Owner, seen, Body::None),
            "PATCH /api/v1/webhooks/{id}" => {
                of(For::Owner, seen, Body::Json(json!({ "description": "ours" })))
            }
            "DELETE /api/v1/webhooks/{id}" => of(For::Owner, deleted, Body::None),
            "GET /api/v1/webhook-deliveries/{id}" | "POST /api/v1/webhook-deliveries/{id}/replay" => {
                of(For::Owner, &self.delivery, Body::None)
            }
            _ => return None,
        })
    }

    fn source_call(&self, operation: &str) -> Option<Line> {
        let [seen, deleted] = &self.sources;
        let asked = json!({ "purpose": "predict", "service_id": self.service });
        Some(match operation {
            "GET /api/v1/sources" | "GET /api/v1/intakes" => plain(For::Users, Body::None),
            "POST /api/v1/sources" => {
                let place = json!({ "kind": "url", "url": "https://files.augur.example/customers.csv" });
                plain(For::Users, Body::Json(json!({ "name": "a source", "place": place })))
            }
            "GET /api/v1/sources/{id}"
            | "POST /api/v1/sources/{id}/test"
            | "DELETE /api/v1/sources/{id}/schedule" => of(For::Owner, seen, Body::None),
            "PATCH /api/v1/sources/{id}" => of(For::Owner, seen, Body::Json(json!({ "name": "ours" }))),
            "DELETE /api/v1/sources/{id}" => of(For::Owner, deleted, Body::None),
            "POST /api/v1/sources/{id}/intakes" => of(For::Owner, seen, Body::Json(asked)),
            "PUT /api/v1/sources/{id}/schedule" => {
                of(For::Owner, seen, Body::Json(json!({ "every_hours": 24, "intake": asked })))
            }
            "GET /api/v1/intakes/{id}" => of(For::Owner, &self.intake, Body::None),
            _ => return None,
        })
    }

    fn admin_call(&self, operation: &str) -> Option<Line> {
        let admin = For::Administrators;
        Some(match operation {
            "GET /api/v1/admin/users"
            | "GET /api/v1/admin/orders"
            | "GET /api/v1/admin/predictions"
            | "GET /api/v1/admin/audit-log"
            | "GET /api/v1/admin/ledger/check" => plain(admin, Body::None),
            "POST /api/v1/admin/deposits" => {
                plain(admin, Body::Json(json!({ "email": self.owner.email, "amount": 1 })))
            }
            "PATCH /api/v1/admin/users/{id}" => {
                of(admin, &id_of(&self.owner.user), Body::Json(json!({ "role": "user" })))
            }
            "DELETE /api/v1/admin/users/{id}" => of(admin, &id_of(&self.stranger.user), Body::None),
            "POST /api/v1/admin/services" => {
                let name = uuid::Uuid::new_v4().to_string();
                plain(admin, Body::Json(json!({ "name": name, "model": "logistic", "price": PRICE })))
            }
            "PATCH /api/v1/admin/services/{id}" => {
                of(admin, &self.service, Body::Json(json!({ "price": PRICE })))
            }
            "POST /api/v1/admin/training-services" => {
                let name = uuid::Uuid::new_v4().to_string();
                let (price, algorithms) = (TRAINING_PRICE, ["logistic"]);
                let body =
                    json!({ "name": name, "algorithms": algorithms, "price": price, "prediction_price": 1 });
                plain(admin, Body::Json(body))
            }
            "PATCH /api/v1/admin/training-services/{id}" => {
                of(admin, TRAINING_SERVICE, Body::Json(json!({ "price": TRAINING_PRICE })))
            }
            "POST /api/v1/admin/orders/{id}/refund" => {
                of(admin, &self.orders[3], Body::Json(json!({ "note": "a gift" })))
            }
            _ => return None,
        })
    }

    async fn ask(&self, client: &Client, method: &Method, call: &Call) -> Answer {
        let request = client.ask_at_root(method.clone(), &call.path);
        match &call.body {
            Body::None => request.await,
            Body::Json(body) => request.json(body).await,
            Body::Form(fields) => {
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
                request.form(&fields).await
            }
            Body::File => request.file("customers.csv", self.csv.clone()).await,
            Body::Labelled => request.file("labelled.csv", self.labelled.clone()).await,
        }
    }

    /// What everybody else gets, which leaves the scene as it is.
    async fn expect_refusals(&self, on: &Installation, operation: &Operation, call: &Call) {
        let ask = async |client: &Client| self.ask(client, &operation.method, call).await;
        if call.callers == For::All {
            return;
        }
        for stranger in [on.anonymous(), on.anonymous().with_token("augur_nobody")] {
            ask(&stranger).await.expect_any_problem(401);
        }
        if call.callers == For::Owner {
            ask(&self.stranger.client).await.expect_problem(404, "not_found");
        }
        if call.callers == For::Administrators {
            ask(&self.owner.client).await.expect_problem(403, "forbidden");
            ask(&self.reader).await.expect_problem(403, "forbidden");
        } else if operation.method != Method::GET {
            ask(&self.reader).await.expect_problem(403, "forbidden");
        }
    }
}

async fn every_operation_answers_each_caller_as_it_must(on: &mut Installation) {
    let scene = Scene::set(on).await;
    let operations = operations(on).await;
    let mut calls = Vec::new();
    for operation in &operations {
        let call = scene.call(operation);
        let call = call.unwrap_or_else(|| panic!("{} has no line in this test", operation.name()));
        scene.expect_refusals(on, operation, &call).await;
        calls.push((operation, call));
    }
    let before = (scene.owner.balance().await, scene.stranger.balance().await);
    assert_eq!(before, ((100 - 2 - 4) * PRICE, 100 * PRICE), "no refused call moved money");
    // A receipt comes after the deletion; what ends the session or the account of the one who asks comes last.
    const LAST: [&str; 5] = [
        "GET /api/v1/predictions/{id}/erasure",
        "POST /api/v1/me/password",
        "POST /api/v1/auth/logout",
        "DELETE /api/v1/me",
        "DELETE /api/v1/admin/users/{id}",
    ];
    calls.sort_by_key(|(operation, _)| LAST.iter().position(|name| operation.name() == *name));
    for (operation, call) in &calls {
        let client = match (call.callers, operation.name().as_str()) {
            (For::Administrators, _) => &scene.admin,
            (_, "DELETE /api/v1/me") => &scene.stranger.client,
            _ => &scene.owner.client,
        };
        let answer = scene.ask(client, &operation.method, call).await;
        assert!((200..300).contains(&answer.status), "{}: {}", operation.name(), answer.text());
    }
}
