//! A customer whose every personal value carries a mark, and who does everything that there is to do,
//! failures included: whatever is searched for the mark afterwards shows where values get to.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Request;
use crate::customer::Customer;
use crate::customers_file::{generated, with_cell, with_header};
use crate::installation::{Installation, PASSWORD, id_of};

/// What an order costs.
const PRICE: i64 = 10;
const BOUNDARY: &str = "boundary-of-a-form";

/// A customer with a mark in every value.
pub struct Marked {
    /// Hexadecimal digits that nothing else holds, in the address, the name, names of files, notes, columns,
    /// cells, keys' names and idempotency keys.
    pub mark: String,
    /// Values that are secret besides: passwords and tokens.
    pub secrets: Vec<String>,
    /// The customer, signed in.
    pub customer: Customer,
    /// A service.
    pub service: String,
    /// A prediction that succeeded.
    pub succeeded: String,
    /// A prediction that failed, whose error quotes a cell.
    pub failed: String,
}

impl Marked {
    /// Registers, pays, predicts and fails in every way.
    pub async fn live(on: &Installation) -> Marked {
        let mark = uuid::Uuid::new_v4().simple().to_string()[..16].to_owned();
        let customer = register(on, &mark).await;
        let service = on.service("logistic", PRICE).await;
        let deposit =
            json!({ "email": customer.email, "amount": 20 * PRICE, "note": format!("note {mark}") });
        let key = format!("deposit-{mark}");
        on.admin().await.post("/admin/deposits").key(&key).json(&deposit).await.expect(201);
        let api_key = json!({ "name": format!("key {mark}"), "scope": "write" });
        let api_key = customer.client.post("/api-keys").json(&api_key).await.expect(201).json();
        // A name that leads nowhere: what it is told is tried, and kept.
        let webhook = json!({
            "url": format!("https://{mark}.marked.example/{mark}"), "description": format!("hook {mark}"),
            "events": ["prediction.succeeded", "prediction.failed"],
        });
        let webhook = customer.client.post("/webhooks").json(&webhook).await.expect(201).json();
        let (succeeded, failed) = predict(&customer, &service, &mark).await;
        let secrets = vec![
            PASSWORD.to_owned(),
            customer.client.token().to_owned(),
            api_key["key"].as_str().expect("a key").to_owned(),
            webhook["secret"].as_str().expect("a secret").to_owned(),
        ];
        let marked = Marked { mark, secrets, customer, service, succeeded, failed };
        marked.refund_an_order(on).await;
        marked.fail_everywhere(on).await;
        marked
    }

    /// A text that holds the mark, or a secret, in any case or as bytes in hexadecimal digits.
    pub fn found_in(&self, text: &str) -> Option<String> {
        let text = text.to_lowercase();
        let in_hex: String = self.mark.bytes().map(|byte| format!("{byte:02x}")).collect();
        let wanted =
            self.secrets.iter().map(|secret| secret.to_lowercase()).chain([self.mark.clone(), in_hex]);
        wanted.into_iter().find_map(|wanted| {
            let start = text.find(&wanted)?;
            let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
            Some(text[line..].chars().take(600).collect())
        })
    }

    /// A file below a directory whose name or content holds the mark or a secret.
    pub fn file_in(&self, directory: &Path) -> Option<String> {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let found = if path.is_dir() {
                self.file_in(&path)
            } else {
                let content = std::fs::read(&path).unwrap_or_default();
                let text = format!("{}\n{}", path.display(), String::from_utf8_lossy(&content));
                self.found_in(&text).map(|_| path.display().to_string())
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// An administrator gives an order back, and says why.
    async fn refund_an_order(&self, on: &Installation) {
        let order = json!({ "service_id": self.service });
        let key = format!("order-{}", self.mark);
        let order =
            id_of(&self.customer.client.post("/orders").key(&key).json(&order).await.expect(201).json());
        let body = json!({ "note": format!("sorry {}", self.mark) });
        let path = format!("/admin/orders/{order}/refund");
        on.admin().await.post(&path).key(&format!("refund-{}", self.mark)).json(&body).await.expect(200);
    }

    /// Requests that are refused, with the mark wherever a value can be.
    async fn fail_everywhere(&self, on: &Installation) {
        let (client, mark) = (&self.customer.client, &self.mark);
        for username in [self.customer.email.clone(), format!("nobody-{mark}@marked.example")] {
            let guess = format!("guess {mark}");
            let form = [("grant_type", "password"), ("username", &username), ("password", &guess)];
            refused(on.anonymous().post("/auth/token").form(&form)).await;
        }
        for email in [self.customer.email.clone(), format!("not an address {mark}")] {
            let body = json!({ "email": email, "password": PASSWORD });
            refused(on.anonymous().post("/auth/register").json(&body)).await;
        }
        for body in [json!({ mark.clone(): 1 }), json!({ "service_id": mark })] {
            refused(client.post("/orders").json(&body)).await;
        }
        refused(client.post("/orders").body("application/json", format!("{{\"{mark}"))).await;
        let paths = [
            "/orders/MARK",
            "/MARK",
            "/predictions/MARK/result",
            "/orders?cursor=MARK",
            "/orders?limit=MARK",
        ];
        for path in paths {
            refused(client.get(&path.replace("MARK", mark))).await;
        }
        refused(client.with_token(&format!("augur_{mark}")).get("/me")).await;
        refused(client.ask(Method::PUT, &format!("/{mark}"))).await;
        self.fail_to_upload().await;
    }

    async fn fail_to_upload(&self) {
        let (client, mark) = (&self.customer.client, &self.mark);
        let path = format!("/predictions?service_id={}", self.service);
        let name = format!("file-{mark}.csv");
        let file = generated(3, 901).await;
        let header =
            with_header(&file, |column| if column == "tenure" { mark.clone() } else { column.to_owned() });
        refused(client.post(&path).file(&name, header)).await;
        refused(client.post(&path).file(&name, format!("{mark}\u{0}\u{1}\u{2}\n{mark}"))).await;
        let customer = json!({ "tenure": mark, mark.clone(): mark });
        let customers = json!({ "service_id": self.service, "customers": [customer] });
        refused(client.post("/predict").json(&customers)).await;
        let field =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{mark}\"\r\n\r\n{mark}\r\n");
        for form in [format!("{field}--{BOUNDARY}--\r\n"), field, format!("--{mark}")] {
            let form_type = format!("multipart/form-data; boundary={BOUNDARY}");
            refused(client.post(&path).body(&form_type, form)).await;
        }
        let check = format!("/files/check?service_id={}", self.service);
        let bad_cell = with_cell(&file, 2, "MonthlyCharges", mark);
        let checked = client.post(&check).file(&name, bad_cell).await.expect(200).json();
        assert_eq!(checked["problem_count"], 1, "{checked}");
    }
}

/// Goes on where a request is refused, for whatever reason that is the sender's.
async fn refused(request: Request) {
    let answer = request.await;
    assert!((400..500).contains(&answer.status), "{}: {} {}", answer.asked, answer.status, answer.text());
}

async fn register(on: &Installation, mark: &str) -> Customer {
    let email = format!("Ann.{mark}@marked.example");
    let body = json!({ "email": email, "password": PASSWORD, "name": format!("Ann {mark}") });
    let user = on.anonymous().post("/auth/register").json(&body).await.expect(201).json()["user"].clone();
    Customer { client: on.log_in(&email, PASSWORD).await, email, user }
}

/// A prediction that succeeds and one that fails, both of files full of marks.
async fn predict(customer: &Customer, service: &str, mark: &str) -> (String, String) {
    let path = format!("/predictions?service_id={service}");
    let name = format!("file-{mark}.csv");
    let file = with_header(&generated(20, 902).await, |column| match column {
        "customerID" => format!("Column {mark}"),
        other => other.to_owned(),
    });
    // A category that the model does not know is counted under its column's name.
    let file = with_cell(&file, 3, "Contract", &format!("Cell {mark}"));
    let file = file.replace("C0000001", &format!("Cell {mark}"));
    let request = customer.client.post(&path).key(&format!("upload-{mark}")).file(&name, file.clone());
    let succeeded = id_of(&request.await.expect(202).json());
    let shown = customer.succeeded(&succeeded).await;
    assert_eq!(shown["file_name"], name);
    assert!(!customer.result(&succeeded).await.is_empty());
    let bad = with_cell(&file, 2, "MonthlyCharges", &format!("Cell {mark}"));
    let failed = id_of(&customer.client.post(&path).file(&name, bad).await.expect(202).json());
    let shown: Value = customer.ended(&failed).await;
    assert_eq!(shown["status"], "failed", "{shown}");
    assert!(shown["error"].to_string().contains(mark), "the customer is shown the cell: {shown}");
    (succeeded, failed)
}
