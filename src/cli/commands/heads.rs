//! `simctl heads`: lists, uses and removes heads.

use std::io::{self, Write};
use std::process::ExitCode;

use owo_colors::OwoColorize;

use super::tune;
use crate::api::query_of;
use crate::api::types::{ClusterChanges, HeadInfo, HeadList};
use crate::cli::args::{AnswerFormat, HeadsCommand};
use crate::cli::output::{Done, show};
use crate::cli::session::Session;
use crate::cli::text::shown;
use crate::photo::Positives;

pub async fn run(session: &Session, command: Option<HeadsCommand>) -> Done {
    let client = session.running().await?;
    match command.unwrap_or(HeadsCommand::List { answer: AnswerFormat::TEXT }) {
        HeadsCommand::List { answer } => {
            let heads: HeadList = client.get("/v1/heads").await?;
            show(answer.chosen(), &heads, |out, list| print(out, &list.heads))
        }
        HeadsCommand::Use { name, only_try, answer } => {
            let query = [("name", name.as_bytes())].into_iter().chain(only_try.then_some(("try", &b"true"[..])));
            let changes: ClusterChanges = client.post(&format!("/v1/heads/use?{}", query_of(query)), Vec::new()).await?;
            show(answer.chosen(), &changes, tune::changes)
        }
        HeadsCommand::Remove { name } => {
            client.delete(&format!("/v1/heads?{}", query_of([("name", name.as_bytes())]))).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn print(out: &mut impl Write, heads: &[HeadInfo]) -> io::Result<()> {
    for head in heads {
        let state = match (&head.unusable, head.in_use) {
            (Some(why), _) => shown(why).yellow().to_string(),
            (None, true) => "in use".green().to_string(),
            (None, false) if head.positives == Positives::Folders => "for similar --head".to_owned(),
            (None, false) => "can be used".to_owned(),
        };
        let name = shown(&head.name);
        if head.positives == Positives::Decisions {
            writeln!(out, "{}  {state}, a version model", name.bold())?;
        } else {
            writeln!(out, "{}  {state}, threshold {:.3}", name.bold(), head.threshold)?;
        }
        if let Some(r) = &head.report {
            let line = if head.positives == Positives::Decisions {
                format!(
                    "it agrees with {} of {} decisions that it did not learn from, {} before",
                    r.after.agreed, r.decisions, r.before.agreed
                )
            } else if head.positives == Positives::Folders {
                format!(
                    "{:.1} % of the nearest photos are of the same folder, {:.1} % before",
                    100.0 * r.after.recall,
                    100.0 * r.before.recall
                )
            } else {
                let (after, before) = (100.0 * r.after.recall, 100.0 * r.before.recall);
                format!("{after:.1} % of the pairs of test versions are found at a precision of 99.9 %, {before:.1} % before")
            };
            writeln!(out, "    {line}; tuned on {} photos, tested on {}", r.tuned_on, r.held_out)?;
        }
    }
    Ok(())
}
