//! `simctl scan`: scans folders now.

use std::io::Write;
use std::path::PathBuf;

use crate::api::query_of;
use crate::api::types::RootList;
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::progress::{self, WhenFull};
use crate::cli::session::{Session, about, all_existing};
use crate::cli::text::{count, coverage, shown_path};

/// With `forget`, missing files are forgotten even if most of a folder is gone.
pub async fn run(session: &Session, path: Option<PathBuf>, forget: bool, format: TextFormat) -> Done {
    let paths = all_existing(path.iter())?;
    let client = session.daemon().await?;
    about(&paths, async |query| {
        let orders = query.into_iter().chain(forget.then(|| ("forget", b"true".to_vec())));
        Ok(client.post::<()>("/v1/scan", query_of(orders).into()).await?)
    })
    .await?;
    let progress = progress::wait(&client, &paths, WhenFull::Wait).await?;
    let what = match paths.first() {
        Some(path) => shown_path(path),
        None => count(client.get::<RootList>("/v1/roots").await?.roots.len() as u64, "folder", "folders"),
    };
    show(format, &progress, |out, progress| writeln!(out, "scanned {what}: {}", coverage(&progress.coverage)))
}
