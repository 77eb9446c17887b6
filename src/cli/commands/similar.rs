//! `simctl similar`: the photos of the library nearest to a file.

use std::io::{self, Write};
use std::path::Path;

use owo_colors::OwoColorize;

use crate::api::types::{Neighbour, Similar};
use crate::api::{client, query_of};
use crate::cli::args::TextFormat;
use crate::cli::failure::Failure;
use crate::cli::listing::words;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, read};
use crate::cli::text::{bytes, shown, shown_path};
use crate::photo::{Relation, Verdict};

/// The error code of bytes that are no picture, or none that can be read.
const NOT_READABLE: &str = "not-readable";

/// The width of what stands before a path.
const BEFORE_PATH: usize = 46;

pub async fn run(session: &Session, file: &Path, count: usize, head: Option<&str>, format: TextFormat) -> Done {
    let bytes = read(file)?;
    let count = count.to_string();
    let query = [("k", count.as_bytes())].into_iter().chain(head.map(|name| ("head", name.as_bytes())));
    let asked = session.daemon().await?.post(&format!("/v1/similar?{}", query_of(query)), bytes).await;
    show(format, &asked.map_err(|error| of_file(error, file))?, print)
}

/// Names the file that is no picture, or none that can be read. The daemon does not know its name.
fn of_file(error: client::Error, file: &Path) -> Failure {
    match error {
        client::Error::Refused(text) if text.code == NOT_READABLE => {
            Failure::usage(format!("{}: {}", shown_path(file), shown(&text.message)))
        }
        error => error.into(),
    }
}

fn print(out: &mut impl Write, similar: &Similar) -> io::Result<()> {
    let is_version = |near: &Neighbour| match (near.decided, similar.threshold) {
        (Some(verdict), _) => verdict == Verdict::Same,
        (None, threshold) => near.relation == Relation::Identical || threshold.is_none_or(|threshold| near.distance <= threshold),
    };
    if similar.similar.is_empty() {
        return writeln!(out, "no photo has been read yet; simctl dupes DIR reads the photos in a folder");
    }
    let mut is_drawn = similar.threshold.is_none();
    for near in &similar.similar {
        if !is_drawn && near.decided.is_none() && !is_version(near) {
            writeln!(out, "{}", line(similar.threshold.unwrap_or_default()).yellow())?;
            is_drawn = true;
        }
        let photo = &near.photo;
        let size = format!("{} × {}", photo.width, photo.height);
        let distance = if near.decided.is_some() { "yours".to_owned() } else { format!("{:.4}", near.distance) };
        let what = match near.relation {
            _ if near.decided == Some(Verdict::Different) => "different",
            Relation::Unknown if similar.threshold.is_none() => "",
            _ if !is_version(near) => "another",
            relation => words::relation(relation),
        };
        writeln!(
            out,
            "{}  {what:<9}  {size:>13}  {:>10}  {}",
            format!("{distance:<6}").bold(),
            bytes(photo.bytes),
            shown(&photo.path.path)
        )?;
        // Other files of the same photo.
        for path in photo.paths.iter().filter(|path| **path != photo.path.path) {
            writeln!(out, "{:BEFORE_PATH$}{}", "", shown(path))?;
        }
    }
    Ok(())
}

/// What stands between versions and other photos.
fn line(threshold: f32) -> String {
    format!("------  threshold {threshold}: the photos below are not versions of it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::Photo;
    use crate::cli::removable::tests::{file, photo};

    #[test]
    fn a_line_stands_at_the_threshold_and_a_decision_is_no_distance() {
        let near = |distance, relation, decided| Neighbour { distance, relation, decided, photo: photo(vec![file("/a.jpg", 10)]) };
        let all = vec![
            near(0.1, Relation::Copy, None),
            near(0.2, Relation::Unknown, None),
            near(0.3, Relation::Unknown, Some(Verdict::Different)),
            near(0.5, Relation::Unknown, None),
            near(0.6, Relation::Edit, Some(Verdict::Same)),
            near(0.7, Relation::Unknown, None),
        ];
        let said = |threshold| {
            let mut out = Vec::new();
            print(&mut out, &Similar { head: "base".into(), threshold, similar: all.clone() }).expect("written");
            let text = anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string();
            text.lines().map(|line| line.split("  ").take(2).collect::<Vec<_>>().join("|").trim().to_owned()).collect::<Vec<_>>()
        };
        let line = "------|threshold 0.42: the photos below are not versions of it";
        assert_eq!(
            said(Some(0.42)),
            ["0.1000|copy", "0.2000|not sure", "yours| different", line, "0.5000|another", "yours| edit", "0.7000|another"]
        );
        assert_eq!(said(None).len(), 6, "without a threshold nothing is drawn");
    }

    #[test]
    fn all_files_of_a_photo_are_listed() {
        let several = Photo { paths: ["/a.jpg", "/b/a (1).jpg"].map(str::to_owned).into(), ..photo(vec![file("/a.jpg", 10)]) };
        let near = Neighbour { distance: 0.0, relation: Relation::Identical, decided: None, photo: several };
        let said = |similar| {
            let mut out = Vec::new();
            print(&mut out, &Similar { head: "base".into(), threshold: Some(0.42), similar }).expect("written");
            anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string()
        };
        let lines = said(vec![near]);
        let places: Vec<Option<usize>> = lines.lines().map(|line| line.find('/')).collect();
        assert_eq!(places, [Some(BEFORE_PATH + 1), Some(BEFORE_PATH)], "× has two bytes: {lines}");
        assert!(said(Vec::new()).contains("simctl dupes DIR"));
    }
}
