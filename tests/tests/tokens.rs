//! Access tokens that somebody else made, or changed.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tests::customer::Customer;
use tests::flows;
use tests::installation::Installation;

flows! {
    shared: tokens_that_were_not_made_here_open_nothing;
}

/// The parts of a token: header, claims, signature.
fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

/// `{"alg":"none","typ":"at+jwt"}` in base64url.
const NO_ALGORITHM: &str = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";

async fn tokens_that_were_not_made_here_open_nothing(on: &Installation) {
    let customer = Customer::poor(on).await;
    let token = customer.client.token();
    let [header, claims, signature] = parts(token);
    let good: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    let signed_by_others = |header: Header, claims: &Value| {
        let key = EncodingKey::from_secret(b"a secret that the server does not have, long enough");
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    };
    let typed = || Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
    let mut raised = good.clone();
    raised["role"] = json!("admin");
    let [_, raised, _] = parts(&signed_by_others(typed(), &raised));
    let forged = [
        format!("{NO_ALGORITHM}.{claims}."),
        format!("{NO_ALGORITHM}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{raised}.{signature}"),
        signed_by_others(typed(), &good),
        signed_by_others(Header { kid: Some("../../dev/null".to_owned()), ..typed() }, &good),
        signed_by_others(Header { jku: Some("http://127.0.0.1:1/keys".to_owned()), ..typed() }, &good),
        "x".repeat(8_000),
        String::new(),
    ];
    for token in forged {
        on.anonymous().with_token(&token).get("/me").await.expect_any_problem(401);
    }
    on.anonymous().get("/me").header("authorization", "Basic YTpi").await.expect_any_problem(401);
    customer.client.get("/me").await.expect(200);
}
