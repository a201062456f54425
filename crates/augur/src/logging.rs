//! Where the program's own words go: structured logs to standard error, text on a terminal and JSON
//! elsewhere. Standard output belongs to the commands' results.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What clients of HTTP say of their connections names hosts, and those of webhooks are their owners' secret; shown only
/// to whoever asks for these parts by name.
const QUIET: &str = "reqwest=info,hyper_util=info";

/// Starts logging. AUGUR_LOG filters, such as `debug` or `info,platform=debug`; without it `level`
/// counts.
pub fn start(level: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("AUGUR_LOG") {
        Ok(wanted) if !wanted.is_empty() => EnvFilter::try_new(format!("{QUIET},{wanted}"))
            .map_err(|error| anyhow::anyhow!("AUGUR_LOG={wanted}: {error}"))?,
        _ => EnvFilter::new(level),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        registry.with(layer.with_target(false)).init();
    } else {
        registry.with(layer.json().flatten_event(true).with_span_list(false)).init();
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Logs a panic by its place. Its message is shown only where it is a constant of the program: one that
/// was put together may quote a customer's data.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload().downcast_ref::<&str>().copied().unwrap_or("its message is not shown");
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    tracing::error!(location, message = %format_args!("panicked: {message}"), backtrace, thread);
}
