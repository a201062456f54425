//! Where the program's own words go: structured logs to standard error, text on a terminal and JSON
//! elsewhere. Standard output belongs to the commands' results.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. AUGUR_LOG filters, such as `debug` or `info,platform=debug`; without it `level`
/// counts.
pub fn start(level: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("AUGUR_LOG") {
        Ok(wanted) if !wanted.is_empty() => {
            EnvFilter::try_new(&wanted).map_err(|error| anyhow::anyhow!("AUGUR_LOG={wanted}: {error}"))?
        }
        _ => EnvFilter::new(level),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        registry.with(layer.with_target(false)).init();
    } else {
        registry.with(layer.json().flatten_event(true).with_span_list(false)).init();
    }
    Ok(())
}
