//! Style is a test too: the direction of the crates, where SQL may be, how long files and functions are.

use std::path::{Path, PathBuf};

use tests::flows;
use tests::program::checkout;

flows! {
    plain:
        crates_know_only_those_below_them,
        sql_is_written_in_db_files_only,
        files_and_functions_are_short,
        money_is_never_a_float,
        nothing_is_left_to_do_later,
        no_row_of_the_data_set_is_here,
        unsafe_code_is_in_kernels_only,
        model_files_are_small;
}

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const MODEL_BYTES_MAX: u64 = 2 << 20;

/// Which of ours each crate may use.
const DIRECTION: [(&str, &[&str]); 7] = [
    ("ledger", &[]),
    ("scoring", &[]),
    ("learning", &["scoring"]),
    ("platform", &["ledger", "learning", "scoring"]),
    ("api", &["platform", "ledger", "scoring"]),
    ("worker", &["platform", "learning", "scoring"]),
    ("augur", &["api", "worker", "learning", "platform", "ledger", "scoring"]),
];

/// Every file below a directory of the checkout that ends in `ending`.
fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![checkout().join(directory)];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} below {directory}");
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let paths = files("crates", ".rs").into_iter().chain(files("tests", ".rs"));
    paths.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn expect_none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

fn shown(path: &Path) -> String {
    path.strip_prefix(checkout()).unwrap_or(path).display().to_string()
}

async fn crates_know_only_those_below_them() {
    let ours: Vec<&str> = DIRECTION.iter().map(|(name, _)| *name).collect();
    let mut broken = Vec::new();
    for (name, allowed) in DIRECTION {
        let manifest = std::fs::read_to_string(checkout().join(format!("crates/{name}/Cargo.toml"))).unwrap();
        let used = manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for used in used.filter(|used| ours.contains(used) && !allowed.contains(used)) {
            broken.push(format!("{name} uses {used}"));
        }
    }
    let own = std::fs::read_to_string(checkout().join("tests/Cargo.toml")).unwrap();
    for used in own.lines().filter(|line| ours.iter().any(|name| line.starts_with(&format!("{name}.")))) {
        broken.push(format!("the flows use {used}"));
    }
    expect_none("dependencies run one way", broken);
}

async fn sql_is_written_in_db_files_only() {
    let is_db = |path: &Path| path.file_name().is_some_and(|name| name == "db.rs");
    let is_checked = |path: &Path| {
        let path = shown(path);
        path.starts_with("crates/") && path.contains("/src/") && !path.ends_with("tests.rs")
    };
    let macros =
        ["query!(", "query_as!(", "query_scalar!(", "sqlx::query(", "sqlx::query_as(", "sqlx::raw_sql("];
    let mut broken = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| is_checked(path) && !is_db(path)) {
        let text = text.split("#[cfg(test)]").next().unwrap();
        broken.extend(
            macros
                .iter()
                .filter(|name| text.contains(*name))
                .map(|name| format!("{} has {name}", shown(path))),
        );
    }
    for (path, text) in sources().iter().filter(|(path, _)| shown(path).starts_with("crates/api/src")) {
        if text.contains("sqlx") {
            broken.push(format!("{} knows sqlx", shown(path)));
        }
    }
    expect_none("SQL is in db.rs", broken);
}

async fn files_and_functions_are_short() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            broken.push(format!("{} has {} lines", shown(&path), lines.len()));
        }
        for (name, length) in functions(&lines) {
            if length > FUNCTION_LINES_MAX {
                broken.push(format!("{}: {name} has {length} lines", shown(&path)));
            }
        }
    }
    expect_none("files and functions are short", broken);
}

/// Functions by rustfmt's layout: from `fn` to the closing brace at the same depth.
fn functions<'a>(lines: &[&'a str]) -> Vec<(&'a str, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let words = text.split('(').next().unwrap_or_default();
        let is_function = words.split_whitespace().any(|word| word == "fn") && !text.starts_with("//");
        if !is_function || text.ends_with(';') {
            continue;
        }
        // The one list of routes, or of pages, is as long as what it lists.
        if words.contains("fn listed_") {
            continue;
        }
        let indent = &line[..line.len() - text.len()];
        let end = lines[start..].iter().position(|line| line.strip_prefix(indent) == Some("}"));
        if let Some(end) = end.filter(|_| !text.ends_with('}')) {
            found.push((words, end + 1));
        }
    }
    found
}

async fn money_is_never_a_float() {
    let mut broken = Vec::new();
    for path in files("crates/ledger", ".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let words = text.split(|character: char| !character.is_alphanumeric() && character != '_');
        if words.clone().any(|word| word == "f32" || word == "f64") {
            broken.push(shown(&path));
        }
    }
    expect_none("the ledger knows no floats", broken);
}

async fn nothing_is_left_to_do_later() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("to", "do!("),
        concat!("un", "implemented!("),
    ];
    let mut broken = Vec::new();
    for (path, text) in sources() {
        broken.extend(
            words.iter().filter(|word| text.contains(*word)).map(|word| format!("{}: {word}", shown(&path))),
        );
        if !text.starts_with("//!") {
            broken.push(format!("{} does not say what it is for", shown(&path)));
        }
    }
    expect_none("what is here is finished", broken);
}

/// The data set's customers have ids of four digits and five capitals.
async fn no_row_of_the_data_set_is_here() {
    let mut broken = Vec::new();
    for directory in ["crates", "tests", "models", "migrations", "scripts"] {
        for path in files(directory, "") {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            if text.as_bytes().windows(10).any(is_customer_id) {
                broken.push(shown(&path));
            }
        }
    }
    expect_none("no row of the data set is in the checkout", broken);
}

fn is_customer_id(window: &[u8]) -> bool {
    window[..4].iter().all(u8::is_ascii_digit)
        && window[4] == b'-'
        && window[5..].iter().all(u8::is_ascii_uppercase)
}

/// Every crate takes the workspace's lints; `scoring` has the same with `deny` in place of `forbid`, which
/// its kernels override.
async fn unsafe_code_is_in_kernels_only() {
    let manifest = std::fs::read_to_string(checkout().join("Cargo.toml")).unwrap();
    let lints = |text: &str, table: &str| {
        let lines = text.lines().skip_while(|line| *line != table).skip(1);
        lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut broken = Vec::new();
    for path in files("crates", "Cargo.toml").into_iter().chain(files("tests", "Cargo.toml")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_exempt = path.ends_with("scoring/Cargo.toml")
            && ["rust", "clippy"].iter().all(|tool| {
                let expected = lints(&manifest, &format!("[workspace.lints.{tool}]"));
                let expected = expected.iter().map(|line| line.replace("\"forbid\"", "\"deny\""));
                expected.eq(lints(&text, &format!("[lints.{tool}]")))
            });
        if !is_exempt && !text.contains("[lints]\nworkspace = true") {
            broken.push(shown(&path));
        }
    }
    assert!(manifest.contains("unsafe_code = \"forbid\""), "the workspace forbids it");
    let allows = concat!("allow(unsafe", "_code");
    for (path, text) in sources() {
        if text.contains(allows) && !shown(&path).starts_with("crates/scoring/src/kernels/") {
            broken.push(shown(&path));
        }
    }
    expect_none("unsafe code is in the scoring's kernels only", broken);
}

async fn model_files_are_small() {
    let mut broken = Vec::new();
    for path in files("models", ".json") {
        let bytes = std::fs::metadata(&path).unwrap().len();
        if bytes > MODEL_BYTES_MAX {
            broken.push(format!("{}: {bytes} bytes", shown(&path)));
        }
    }
    expect_none("no model file is over 2 MB", broken);
}
