//! `simctl compare`: how far apart two files are.

use std::io::{self, Write};
use std::path::Path;

use owo_colors::OwoColorize;

use crate::api::types::Comparison;
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, read};
use crate::cli::text::shown;
use crate::photo::{Relation, Verdict};

pub async fn run(session: &Session, a: &Path, b: &Path, format: TextFormat) -> Done {
    let (mut bytes, second) = (read(a)?, read(b)?);
    let target = format!("/v1/compare?split={}", bytes.len());
    bytes.extend(second);
    let answer: Comparison = session.daemon().await?.post(&target, bytes).await?;
    show(format, &answer, print)
}

fn print(out: &mut impl Write, c: &Comparison) -> io::Result<()> {
    let verdict = match (c.relation, c.normalized_distance <= c.threshold) {
        _ if c.decided == Some(Verdict::Same) => "versions of one photo, as you decided".green().to_string(),
        _ if c.decided == Some(Verdict::Different) => "two photos, as you decided".yellow().to_string(),
        (Relation::Identical, _) => "one photo".green().to_string(),
        (Relation::Series, _) => "two exposures, by the camera's clock".yellow().to_string(),
        (_, true) => "versions of one photo".green().to_string(),
        (_, false) => "two photos".yellow().to_string(),
    };
    let normalized = if c.normalized_distance > c.distance {
        format!(", normalised to {:.4} because many photos look alike", c.normalized_distance)
    } else {
        String::new()
    };
    writeln!(out, "distance {}{normalized} (threshold {}): {verdict}", format!("{:.4}", c.distance).bold(), c.threshold)?;
    c.differences.iter().try_for_each(|line| writeln!(out, "  {}", shown(line)))
}
