//! The table of docs/security.md: every row has its tests, and every test that it names is there. And what no server
//! needs to run for: the container's rights.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tests::flows;
use tests::program::checkout;

flows! {
    plain:
        every_row_of_the_security_table_names_tests_that_exist,
        the_container_runs_without_rights_on_a_file_system_that_is_only_read;
}

const ROWS: usize = 59;

fn read(path: &str) -> String {
    std::fs::read_to_string(checkout().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The sources of tests: those of flows, and those of crates with their unit tests.
fn sources() -> Vec<(String, String)> {
    let mut left: Vec<PathBuf> = ["tests/tests", "crates"].map(|path| checkout().join(path)).into();
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(checkout()).unwrap().display().to_string();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

/// Whether `module::name` is a function of a file whose path ends in the modules' names.
fn exists(test: &str, sources: &[(String, String)]) -> bool {
    let (modules, name) = test.rsplit_once("::").unwrap();
    let modules: Vec<&str> = modules.split("::").collect();
    let function = format!("fn {name}(");
    sources.iter().any(|(path, text)| {
        let parts: BTreeSet<&str> = path.trim_end_matches(".rs").split('/').collect();
        modules.iter().all(|module| parts.contains(module)) && text.contains(&function)
    })
}

async fn every_row_of_the_security_table_names_tests_that_exist() {
    let sources = sources();
    let text = read("docs/security.md");
    let mut rows = BTreeSet::new();
    let mut broken = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(number) = cells[0].parse::<usize>().ok().filter(|_| line.starts_with('|')) else { continue };
        rows.insert(number);
        let tests: Vec<&str> =
            cells[cells.len() - 1].split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect();
        let waits = cells[cells.len() - 1].contains("waits for");
        if tests.is_empty() && !waits {
            broken.push(format!("row {number} names no test"));
        }
        broken.extend(
            tests
                .iter()
                .filter(|test| !exists(test, &sources))
                .map(|test| format!("row {number}: no {test}")),
        );
    }
    assert_eq!(rows, (1..=ROWS).collect(), "every row is there");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

async fn the_container_runs_without_rights_on_a_file_system_that_is_only_read() {
    let file = read("Dockerfile");
    let last_stage = file.rsplit("\nFROM ").next().unwrap();
    let user = last_stage.lines().find_map(|line| line.strip_prefix("USER ")).expect("a user");
    let id: u32 = user.split(':').next().unwrap().parse().expect("a number, which no name can change");
    assert!(id >= 1_000, "{user}");
    assert!(last_stage.contains("\nHEALTHCHECK ") && last_stage.contains("doctor"), "a health check");
    for secret in ["PASSWORD", "SECRET", "TOKEN"] {
        let is_set = |line: &str| line.contains(&format!("{secret}=")) || line.contains("ARG ");
        assert!(!file.lines().any(is_set), "{secret} is in the image");
    }
    let compose = read("docker-compose.yml");
    let common = compose.split("\nservices:").next().unwrap();
    for line in ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "tmpfs: [/tmp]"] {
        assert!(common.contains(line), "{line}");
    }
    for service in ["  api:", "  worker:", "  migrate:"] {
        let part = compose.split(&format!("\n{service}\n")).nth(1).expect("the service");
        let part = part.split("\n\n").next().unwrap();
        assert!(part.contains("<<: *augur"), "{service} has the common part");
        for word in ["read_only", "cap_add", "privileged", "user:"] {
            assert!(!part.contains(word), "{service} changes {word}");
        }
    }
}
