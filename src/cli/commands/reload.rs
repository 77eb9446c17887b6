//! `simctl reload`: has the daemon read its settings again.

use std::io::Write;
use std::process::ExitCode;

use crate::api::types::Reloaded;
use crate::cli::output::{Audience, Done, output};
use crate::cli::session::Session;
use crate::cli::text::shown;

pub async fn run(session: &Session) -> Done {
    let reloaded: Reloaded = session.running().await?.post("/v1/reload", Vec::new()).await?;
    let what = if reloaded.changed { "the changes are in force" } else { "nothing changed" };
    let rest = if reloaded.needs_restart { "; workers and limits need a restart: simctl restart" } else { "" };
    output(Audience::Person, |out| writeln!(out, "{}: {what}{rest}", shown(&reloaded.config)))?;
    Ok(ExitCode::SUCCESS)
}
