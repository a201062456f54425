//! Programs that work as they stand: a file goes up, and the result comes down.

/// The same work for a shell and for Python.
pub struct Snippets {
    /// For a POSIX shell.
    pub curl: String,
    /// For Python with `requests`.
    pub python: String,
}

impl Snippets {
    /// Programs for an installation and one of its services, with a key or for one in the environment.
    pub fn new(base_url: &str, service: &str, key: Option<&str>) -> Snippets {
        Snippets { curl: curl(base_url, service, key), python: python(base_url, service, key) }
    }
}

fn curl(base_url: &str, service: &str, key: Option<&str>) -> String {
    let key = key.unwrap_or("$AUGUR_API_KEY");
    format!(
        r#"api='{base_url}/api/v1'; auth="Authorization: Bearer {key}"
id=$(curl -sS -H "$auth" -F file=@customers.csv "$api/predictions?service_id={service}" |
  tee /dev/stderr | sed -n 's/^{{"id":"\([^"]*\)","order_id".*/\1/p')
while curl -sS -H "$auth" "$api/predictions/$id" | grep -Eq '"status":"(queued|running)"'; do sleep 1; done
curl -sS --fail -H "$auth" -o result.csv "$api/predictions/$id/result" && head -n 3 result.csv"#
    )
}

fn python(base_url: &str, service: &str, key: Option<&str>) -> String {
    let (import, key) = match key {
        Some(key) => ("import time, requests", format!("\"{key}\"")),
        None => ("import os, time, requests", "os.environ[\"AUGUR_API_KEY\"]".to_owned()),
    };
    format!(
        r#"{import}
api, http = "{base_url}", requests.Session()
http.headers["Authorization"] = "Bearer " + {key}
with open("customers.csv", "rb") as file:
    job = http.post(api + "/api/v1/predictions?service_id={service}", files={{"file": file}}).json()
while job.get("status") in ("queued", "running"):
    time.sleep(1)
    job = http.get(api + "/api/v1/predictions/" + job["id"]).json()
result = http.get(api + job["result_url"]).content if job.get("status") == "succeeded" else exit(str(job))
open("result.csv", "wb").write(result)"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_have_ten_lines_at_most_and_hold_the_key_that_was_made() {
        for key in [None, Some("augur_1_2")] {
            let Snippets { curl, python } = Snippets::new("https://augur.example", "id", key);
            for snippet in [curl, python] {
                assert!(snippet.lines().count() <= 10, "{snippet}");
                assert_eq!(snippet.contains("AUGUR_API_KEY"), key.is_none());
                assert!(snippet.contains("https://augur.example") && !snippet.contains("{{"));
            }
        }
    }
}
