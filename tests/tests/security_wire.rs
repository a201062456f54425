//! Requests that no client library would send, and clients that dawdle: on bare connections.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use tests::customer::Customer;
use tests::flows;
use tests::installation::Installation;
use tests::wire::Wire;

flows! {
    shared:
        requests_whose_end_is_in_doubt_are_refused_or_end_the_connection,
        heads_that_are_too_large_or_no_heads_are_refused;
    own:
        slow_heads_and_stalled_bodies_are_cut_within_30_seconds,
        a_client_who_never_reads_its_answer_is_cut,
        bodies_over_the_limit_end_early_and_take_no_memory,
        answers_behind_tls_ask_browsers_to_stay_with_it;
}

/// Longer than any answer takes, shorter than any patience of the server.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);
/// What the server may wait for a client, and how long a busy machine may take to notice.
const PATIENCE_MAX: Duration = Duration::from_secs(30);
const NOTICE: Duration = Duration::from_secs(3);

/// The one answer to a request on a connection of its own.
async fn answer_to(on: &Installation, request: &str) -> (Vec<u16>, bool) {
    let heard = Wire::with(on, request).await.hear(ANSWER_LIMIT).await;
    (heard.statuses(), heard.is_closed)
}

async fn requests_whose_end_is_in_doubt_are_refused_or_end_the_connection(on: &Installation) {
    let smuggled = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let token = "POST /api/v1/auth/token HTTP/1.1\r\nhost: localhost\r\n\
                 content-type: application/x-www-form-urlencoded\r\n";
    // Read as chunked, as RFC 9112 has it, and closed: what follows is not taken for a request.
    let both = format!("{token}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}");
    let (statuses, is_closed) = answer_to(on, &both).await;
    assert!(is_closed && statuses.len() == 1 && (400..500).contains(&statuses[0]), "{statuses:?}");
    for lengths in [
        "content-length: 3\r\ncontent-length: 4",
        "content-length: 3, 4",
        "content-length: -1",
        "content-length: 0x3",
        "content-length: +3",
        "content-length: 99999999999999999999",
    ] {
        let (statuses, is_closed) = answer_to(on, &format!("{token}{lengths}\r\n\r\na=b&{smuggled}")).await;
        assert_eq!((statuses, is_closed), (vec![400], true), "{lengths}");
    }
    for coding in [
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding : chunked",
        "transfer-encoding:\u{b}chunked",
    ] {
        let (statuses, is_closed) =
            answer_to(on, &format!("{token}{coding}\r\n\r\n0\r\n\r\n{smuggled}")).await;
        assert_eq!((statuses, is_closed), (vec![400], true), "{coding}");
    }
    let chunks = ["zz\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc", "3\r\nabcdef\r\n0\r\n\r\n"];
    for chunk in chunks {
        let request = format!("{token}transfer-encoding: chunked\r\n\r\n{chunk}{smuggled}");
        let (statuses, is_closed) = answer_to(on, &request).await;
        assert!(
            is_closed && statuses.len() == 1 && (400..500).contains(&statuses[0]),
            "{chunk}: {statuses:?}"
        );
    }
}

async fn heads_that_are_too_large_or_no_heads_are_refused(on: &Installation) {
    let head =
        |lines: &str| format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{lines}connection: close\r\n\r\n");
    assert_eq!(answer_to(on, &head("")).await, (vec![200], true));
    for bytes in [64_000, 64 * 1024, 1 << 20] {
        let mut wire = Wire::to(on).await;
        let _ = wire.send(head(&format!("x: {}\r\n", "x".repeat(bytes)))).await;
        let heard = wire.hear(ANSWER_LIMIT).await;
        assert!(heard.is_closed && heard.statuses() == [431], "{bytes}: {:?}", heard.statuses());
    }
    let many: String = (0..1_000).map(|number| format!("x{number}: y\r\n")).collect();
    assert_eq!(answer_to(on, &head(&many)).await, (vec![431], true));
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(70_000));
    let (statuses, is_closed) = answer_to(on, &long).await;
    assert!(is_closed && matches!(statuses[..], [414 | 431]), "{statuses:?}");
    for lines in ["no colon\r\n", "x y: z\r\n", "x: a\u{0}b\r\n", "x: a\r\n folded\r\n"] {
        assert_eq!(answer_to(on, &head(lines)).await, (vec![400], true), "{lines:?}");
    }
    for line in ["GET /livez HTTP/9.9", "GET /li vez HTTP/1.1", "\u{16}\u{3}\u{1}", "GET http://[ HTTP/1.1"] {
        let (statuses, is_closed) = answer_to(on, &format!("{line}\r\nhost: localhost\r\n\r\n")).await;
        assert_eq!((statuses, is_closed), (vec![400], true), "{line:?}");
    }
    let trace =
        "TRACE /api/v1/me HTTP/1.1\r\nhost: localhost\r\ncookie: secret=1\r\nconnection: close\r\n\r\n";
    let heard = Wire::with(on, trace).await.hear(ANSWER_LIMIT).await;
    assert!(heard.statuses() == [405] && !heard.text.contains("secret"), "{}", heard.text);
}

async fn slow_heads_and_stalled_bodies_are_cut_within_30_seconds(on: &mut Installation) {
    let on = &*on;
    let customer = Customer::with_balance(on, 10).await;
    let service = on.service("logistic", 10).await;
    let login = "POST /api/v1/auth/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\
                 content-type: application/x-www-form-urlencoded\r\n\r\n";
    let upload = format!(
        "POST /api/v1/predictions?service_id={service} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\
         authorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=x\r\n\r\n--x\r\n",
        customer.client.token()
    );
    let part = "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\ngender,tenure\r\n";
    let silent = [
        "",
        "GET /livez HT",
        "GET /livez HTTP/1.1\r\nhost: localhost\r\nx: y",
        login,
        &upload,
        &format!("{upload}{part}"),
        &format!("{login}username=a"),
    ]
    .map(str::to_owned);
    let limit = PATIENCE_MAX + NOTICE;
    let stalled = silent.map(|beginning| async move {
        let heard = Wire::with(on, &beginning).await.hear(limit).await;
        (beginning, heard)
    });
    let dripping = ["GET /livez HTTP/1.1\r\nx: ", login].map(|beginning| async move {
        let wire = Wire::with(on, beginning).await;
        (beginning.to_owned(), wire.drip(b'x', Duration::from_secs(1), limit).await)
    });
    let (stalled, dripping) = futures::join!(join_all(stalled), join_all(dripping));
    for (beginning, heard) in stalled.into_iter().chain(dripping) {
        let statuses = heard.statuses();
        assert!(
            heard.is_closed && heard.after <= limit,
            "{beginning:?}: {statuses:?} after {:?}",
            heard.after
        );
        let is_body = beginning.starts_with("POST");
        assert_eq!(statuses, if is_body { vec![408] } else { vec![] }, "{beginning:?}: {}", heard.text);
    }
    assert_eq!(customer.balance().await, 10);
}

/// The server gives up on it, so that what was asked for does not come whole however late it is read.
async fn a_client_who_never_reads_its_answer_is_cut(on: &mut Installation) {
    const REQUESTS: usize = 30;
    let script = "/docs/swagger-ui-bundle.js";
    let length = on.anonymous().get_at_root(script).await.expect(200).body.len();
    let requests = format!("GET {script} HTTP/1.1\r\nhost: localhost\r\n\r\n").repeat(REQUESTS);
    let mut wire = Wire::with(on, requests).await;
    tokio::time::sleep(PATIENCE_MAX + NOTICE).await;
    let heard = wire.hear(ANSWER_LIMIT).await;
    assert!(heard.is_closed && heard.text.len() < length * REQUESTS, "{} bytes came", heard.text.len());
}

async fn bodies_over_the_limit_end_early_and_take_no_memory(on: &mut Installation) {
    on.restart_server_with(&[("UPLOAD_BYTES_MAX", "1000000")]).await;
    let customer = Customer::with_balance(on, 10).await;
    let service = on.service("logistic", 10).await;
    let head = |path: &str, kind: &str, length: &str| {
        format!(
            "POST /api/v1{path} HTTP/1.1\r\nhost: localhost\r\n{length}\r\nauthorization: Bearer {}\r\n\
             content-type: {kind}\r\n\r\n",
            customer.client.token()
        )
    };
    let upload = format!("/predictions?service_id={service}");
    let form = "multipart/form-data; boundary=x";
    let part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na,b\r\n";
    let before = on.server.peak_memory_bytes();
    for (path, kind, first) in
        [(upload.as_str(), form, part), ("/orders", "application/json", "{\"service_id\":\"")]
    {
        let long =
            Wire::with(on, head(path, kind, "content-length: 10000000000")).await.hear(ANSWER_LIMIT).await;
        assert_eq!(long.statuses(), [413], "{path} with a length: {}", long.text);
        let started = Instant::now();
        let mut wire = Wire::with(on, head(path, kind, "transfer-encoding: chunked")).await;
        wire.send(format!("{:x}\r\n{first}\r\n", first.len())).await;
        let chunk = Bytes::from(format!("10000\r\n{}\r\n", "7,8\r\n".repeat(13108).split_at(65536).0));
        let mut sent = 0;
        while sent < 200 << 20 && wire.send(&chunk).await {
            sent += chunk.len();
        }
        let heard = wire.hear(ANSWER_LIMIT).await;
        assert!(heard.is_closed && sent < 40 << 20, "{path} took {sent} bytes: {:?}", heard.statuses());
        assert!(started.elapsed() < Duration::from_secs(10), "{path} took {:?}", started.elapsed());
    }
    let grown = on.server.peak_memory_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "the server has taken {grown} bytes");
    assert_eq!(customer.balance().await, 10);
}

async fn answers_behind_tls_ask_browsers_to_stay_with_it(on: &mut Installation) {
    let name = "strict-transport-security";
    assert_eq!(on.anonymous().get("/me").await.header(name), "");
    on.restart_server_with(&[("PUBLIC_TLS", "true")]).await;
    for path in ["/api/v1/me", "/docs/", "/livez", "/nowhere"] {
        let answer = on.anonymous().get_at_root(path).await;
        assert!(answer.header(name).contains("max-age="), "{path}: {}", answer.header(name));
    }
}
