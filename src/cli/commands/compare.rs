//! `simctl compare`: how far apart two files are.

use std::io::{self, Write};
use std::path::Path;

use owo_colors::OwoColorize;

use crate::api::types::{Comparison, LaidOver};
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
        (Relation::Copy | Relation::Edit, true) => version(c).green().to_string(),
        (Relation::Series, true) => "two exposures of one scene".yellow().to_string(),
        (Relation::Part, true) => "one holds the other beside other content".yellow().to_string(),
        (_, true) => "near; what they are to each other is not known".yellow().to_string(),
        (_, false) => "two photos".yellow().to_string(),
    };
    let normalized = if c.normalized_distance > c.distance {
        format!(", normalised to {:.4} because many photos look alike", c.normalized_distance)
    } else {
        String::new()
    };
    writeln!(out, "distance {}{normalized} (threshold {}): {verdict}", format!("{:.4}", c.distance).bold(), c.threshold)?;
    if let Some(laid_over) = &c.laid_over {
        writeln!(out, "  {}", placed(laid_over))?;
        let misfit = if laid_over.misfit >= 0.01 { format!("; {} of it differs", percent(laid_over.misfit)) } else { String::new() };
        let plain =
            if laid_over.plain >= 0.5 { format!("; {} is plain and proves nothing", percent(laid_over.plain)) } else { String::new() };
        writeln!(out, "  laid over each other, their structure agrees by {:.2}{misfit}{plain}", laid_over.agreement)?;
    }
    c.differences.iter().try_for_each(|line| writeln!(out, "  {}", shown(line)))
}

/// Says which is a version of which, and what was changed.
fn version(c: &Comparison) -> String {
    let (source, version) = if c.source == Some(1) { ("second", "first") } else { ("first", "second") };
    let changes: Vec<String> = c.changes.iter().map(ToString::to_string).collect();
    let changes = if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) };
    let kind = if c.relation == Relation::Copy { "a copy" } else { "an edit" };
    format!("the {version} is {kind} of the {source}{changes}")
}

/// Says how the first picture lies in the second.
fn placed(l: &LaidOver) -> String {
    let shows = |share: f32| if share > 0.985 { "all".to_owned() } else { percent(share) };
    let mut words = vec![format!("the second shows {} of the first, at {} of its size", shows(l.overlap[0]), percent(l.scale))];
    if l.overlap[1] <= 0.985 {
        words.push(format!("which is {} of the second", percent(l.overlap[1])));
    }
    if l.mirrored {
        words.push("mirrored".into());
    }
    if l.degrees.abs() >= 0.3 {
        words.push(format!("turned by {:.1}°", l.degrees).replace(".0°", "°"));
    }
    words.join(", ")
}

fn percent(share: f32) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_is_said_in_words() {
        let whole = LaidOver { scale: 0.5, degrees: 0.1, mirrored: false, overlap: [1.0, 0.99], agreement: 1.0, misfit: 0.0, plain: 0.0 };
        assert_eq!(placed(&whole), "the second shows all of the first, at 50 % of its size");
        let part = LaidOver { scale: 1.5, degrees: -90.0, mirrored: true, overlap: [0.44, 0.6], ..whole };
        assert_eq!(
            placed(&part),
            "the second shows 44 % of the first, at 150 % of its size, which is 60 % of the second, mirrored, turned by -90°"
        );
    }
}
