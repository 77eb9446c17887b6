//! `simctl decide`: stores a decision on every two of the files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::api::query_of;
use crate::api::types::DecisionCount;
use crate::cli::args::DecideCommand;
use crate::cli::broad::consent;
use crate::cli::failure::Failure;
use crate::cli::output::Done;
use crate::cli::progress::{self, WhenFull};
use crate::cli::session::{Parameters, Session, about, all_existing, watch};

pub async fn run(session: &Session, command: DecideCommand) -> Done {
    let (verdict, files) = match command {
        DecideCommand::Same { files } => (Some("same"), files),
        DecideCommand::Different { files } => (Some("different"), files),
        DecideCommand::Forget { files } => (None, files),
    };
    let files = all_existing(&files)?;
    let client = session.daemon().await?;
    let folders: BTreeSet<PathBuf> = files.iter().filter_map(|file| file.parent().map(Path::to_owned)).collect();
    consent(&client, &folders).await?;
    for folder in folders {
        watch(&client, folder).await?;
    }
    progress::wait(&client, &files, WhenFull::GiveUp).await?;
    let decide = async |mut query: Parameters| -> Result<DecisionCount, Failure> {
        Ok(match verdict {
            Some(verdict) => {
                query.push(("verdict", verdict.into()));
                client.post("/v1/decisions", query_of(query).into()).await?
            }
            None => client.take_back("/v1/decisions", query_of(query).into()).await?,
        })
    };
    about(&files, decide).await?;
    Ok(ExitCode::SUCCESS)
}
