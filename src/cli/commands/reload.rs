//! `simctl reload`: has the daemon read its settings again.

use std::io::Write;

use crate::api::types::Reloaded;
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::session::Session;
use crate::cli::text::shown;

pub async fn run(session: &Session, format: TextFormat) -> Done {
    let reloaded: Reloaded = session.running().await?.post("/v1/reload", Vec::new()).await?;
    let what = if reloaded.changed { "the changes are in force" } else { "nothing changed" };
    let rest = if reloaded.needs_restart { "; workers and limits need a restart: simctl restart" } else { "" };
    show(format, &reloaded, |out, reloaded| writeln!(out, "{}: {what}{rest}", shown(&reloaded.config)))
}
