//! The daemon's log. It goes to the journal if systemd connected standard error to it, and otherwise to standard error.

use std::env;
use std::io::{IsTerminal, stderr};
use std::os::unix::fs::MetadataExt;

use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use super::text::shown;

/// Starts logging at the levels in `SIMILARD_LOG`.
pub fn start() {
    let filter = EnvFilter::try_from_env("SIMILARD_LOG").unwrap_or_else(|_| EnvFilter::new("similard=info,warn"));
    let registry = Registry::default().with(filter);
    match tracing_journald::layer() {
        // The journal stores each field, so `journalctl SIMILARD_PATH=…` finds the messages about a file.
        Ok(journal) if is_journal() => {
            let journal = journal.with_field_prefix(Some("SIMILARD".into())).with_syslog_identifier("similard".into());
            registry.with(journal).init();
        }
        _ => {
            let text = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).with_target(false);
            // Messages and fields name files, whose names may hold what a terminal obeys.
            let fields = debug_fn(|out, field, value| {
                let value = shown(&format!("{value:?}"));
                if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
            });
            registry.with(text.fmt_fields(fields.delimited(" "))).init();
        }
    }
}

/// Whether standard error is the stream that systemd connected to the journal.
fn is_journal() -> bool {
    let stated = env::var("JOURNAL_STREAM").ok();
    let real = std::fs::metadata("/proc/self/fd/2").ok().map(|m| format!("{}:{}", m.dev(), m.ino()));
    stated.is_some() && stated == real
}
