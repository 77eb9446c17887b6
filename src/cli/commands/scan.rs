//! `simctl scan`: scans folders now.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::api::query_of;
use crate::cli::output::Done;
use crate::cli::progress::{self, WhenFull};
use crate::cli::session::{Session, about, all_existing};

/// With `forget`, missing files are forgotten even if most of a folder is gone.
pub async fn run(session: &Session, path: Option<PathBuf>, forget: bool) -> Done {
    let paths = all_existing(path.iter())?;
    let client = session.daemon().await?;
    about(&paths, async |query| {
        let orders = query.into_iter().chain(forget.then(|| ("forget", b"true".to_vec())));
        Ok(client.post::<()>("/v1/scan", query_of(orders).into()).await?)
    })
    .await?;
    progress::wait(&client, &paths, WhenFull::Wait).await?;
    Ok(ExitCode::SUCCESS)
}
