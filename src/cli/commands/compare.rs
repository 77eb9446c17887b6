//! `simctl compare`: how far apart two files are, and what tells what they are to each other.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use owo_colors::OwoColorize;

use crate::api::types::{Comparison, LaidOver};
use crate::cli::args::TextFormat;
use crate::cli::failure::{DONE, FOUND};
use crate::cli::listing::words;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, read};
use crate::cli::text::shown;
use crate::photo::{Exposure, PhotoChange, Relation, Verdict};

pub async fn run(session: &Session, a: &Path, b: &Path, format: TextFormat, exit_code: bool) -> Done {
    let (mut bytes, second) = (read(a)?, read(b)?);
    let target = format!("/v1/compare?split={}", bytes.len());
    bytes.extend(second);
    let answer: Comparison = session.daemon().await?.post(&target, bytes).await?;
    show(format, &answer, print)?;
    Ok(ExitCode::from(if exit_code && !are_versions(&answer) { FOUND } else { DONE }))
}

/// Whether one is a version of the other, or both are one photo.
fn are_versions(c: &Comparison) -> bool {
    match c.decided {
        Some(verdict) => verdict == Verdict::Same,
        None => matches!(c.relation, Relation::Identical | Relation::Copy | Relation::Edit),
    }
}

fn print(out: &mut impl Write, c: &Comparison) -> io::Result<()> {
    let verdict = match (c.relation, c.normalized_distance <= c.threshold) {
        _ if c.decided == Some(Verdict::Same) => "versions of one photo, as you decided".green().to_string(),
        _ if c.decided == Some(Verdict::Different) => "two photos, as you decided".yellow().to_string(),
        (Relation::Identical, _) => "one photo".green().to_string(),
        // In the index also by way of other photos.
        (Relation::Copy | Relation::Edit, _) => version(c).green().to_string(),
        (Relation::Series, true) => "two exposures of one scene".yellow().to_string(),
        (Relation::Part, true) => "one holds the other beside other content".yellow().to_string(),
        (Relation::Unknown, true) => "near; not sure what they are to each other".yellow().to_string(),
        (_, false) => "two photos".yellow().to_string(),
    };
    let normalized = if c.normalized_distance > c.distance {
        format!(", normalised to {:.4} because many photos look alike", c.normalized_distance)
    } else {
        String::new()
    };
    writeln!(out, "distance {}{normalized} (threshold {}): {verdict}", format!("{:.4}", c.distance).bold(), c.threshold)?;
    let mut lines = Vec::new();
    let reasons: Vec<&str> = c.evidence.reasons.iter().map(|reason| reason.words.as_str()).collect();
    if !reasons.is_empty() {
        lines.push(format!("because: {}", reasons.join("; ")));
    }
    if c.shot {
        lines.push("both have files in one shot".to_owned());
    }
    if let Some((source, rule)) = c.source.zip(c.source_by) {
        let which = if source == 0 { "first" } else { "second" };
        lines.push(format!("the {which} is the source: {}", words::source_by(rule)));
    }
    if c.indexed {
        lines.push("both are in the index, so the other photos there count too, as for dupes".to_owned());
    }
    lines.extend(c.laid_over.iter().flat_map(placement));
    lines.extend(c.score.map(|score| model(score, c.relation)));
    lines.extend(exposures(&c.exposures));
    lines.extend(lenses(&c.lenses));
    lines.extend(c.differences.iter().map(|line| shown(line)));
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// Says which is a version of which, and what was changed.
fn version(c: &Comparison) -> String {
    let Some(source) = c.source else {
        return match (c.tie, c.relation) {
            (false, _) => "both are versions of one photo".into(),
            (true, Relation::Copy) => "one is a copy of the other; it is not known which is the source".into(),
            (true, _) => "one is an edit of the other; it is not known which is the source".into(),
        };
    };
    let (source, version) = if source == 1 { ("second", "first") } else { ("first", "second") };
    let is_screenshot = |change: &&PhotoChange| matches!(change, PhotoChange::Screenshot);
    let kind = match c.relation {
        Relation::Copy => "a copy",
        _ if c.changes.iter().any(|change| is_screenshot(&change)) => "a screenshot",
        _ => "an edit",
    };
    let changes: Vec<String> = c.changes.iter().filter(|change| !is_screenshot(change)).map(ToString::to_string).collect();
    let changes = if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) };
    format!("the {version} is {kind} of the {source}{changes}")
}

/// Says how the first picture lies in the second, and what is left between them then, a line each.
fn placement(l: &LaidOver) -> Vec<String> {
    let misfit = if l.misfit >= 0.01 { format!("; {} of it differs", percent(l.misfit)) } else { String::new() };
    let plain = if l.plain >= 0.5 { format!("; {} is plain and proves nothing", percent(l.plain)) } else { String::new() };
    let [first, second] = &l.tones;
    let two = |first: f32, second: f32| format!("{first:.0} and {second:.0}");
    let colour = l.colour.map_or(String::new(), |difference| format!("; colours differ by {difference:.1}"));
    vec![
        placed(l),
        format!("laid over each other, their structure agrees by {:.2}, coarsely by {:.2}{misfit}{plain}", l.agreement, l.coarse_agreement),
        format!("the spot that differs most differs {:.1} times as much as others", l.spot),
        format!(
            "brightness {}, contrast {}, saturation {} (of 255){colour}",
            two(first.brightness, second.brightness),
            two(first.contrast, second.contrast),
            two(first.chroma, second.chroma)
        ),
    ]
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

/// Says what the version model finds, which looks at the two alone.
fn model(score: f32, relation: Relation) -> String {
    let is_version = matches!(relation, Relation::Copy | Relation::Edit);
    let but = match (score > 0.0, is_version) {
        (true, false) => "; something else separates them, such as another photo that fits better",
        (false, true) => "; a third photo joins them",
        _ => "",
    };
    let says = if score > 0.0 { "one exposure" } else { "two exposures" };
    format!("judging by these two alone, the version model says {says}: {score:+.2}, where 0 is undecided{but}")
}

/// Says how each was exposed, if one of them says so.
fn exposures(exposures: &[Exposure; 2]) -> Option<String> {
    if exposures.iter().all(|exposure| *exposure == Exposure::default()) {
        return None;
    }
    let [first, second] = exposures;
    let two = if first.differs_from(second) { "; two exposures if one camera took both" } else { "" };
    Some(format!("exposure: {first}, {second}{two}"))
}

/// Says which lens each was taken with, if one of them says so.
fn lenses(lenses: &[Option<String>; 2]) -> Option<String> {
    match lenses {
        [None, None] => None,
        [Some(first), Some(second)] if first == second => Some(format!("lens of both: {}", shown(first))),
        _ => {
            let [first, second] = lenses.each_ref().map(|lens| shown(lens.as_deref().unwrap_or("not said")));
            Some(format!("lens: {first}, {second}"))
        }
    }
}

fn percent(share: f32) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::{self, Evidence, Tones};
    use crate::photo::{Reason, SourceRule};

    const TONES: Tones = Tones { brightness: 120.4, contrast: 50.0, chroma: 30.0 };
    const WHOLE: LaidOver = LaidOver {
        scale: 0.5,
        degrees: 0.1,
        mirrored: false,
        overlap: [1.0, 0.99],
        agreement: 1.0,
        misfit: 0.0,
        plain: 0.0,
        coarse_agreement: 0.98,
        spot: 1.3,
        tones: [TONES, TONES],
        colour: Some(1.26),
    };

    /// Two near photos of which nothing is known.
    const NEAR: Comparison = Comparison {
        distance: 0.1,
        normalized_distance: 0.1,
        relation: Relation::Unknown,
        source: None,
        source_by: None,
        tie: false,
        changes: Vec::new(),
        evidence: Evidence::NONE,
        indexed: false,
        shot: false,
        decided: None,
        score: None,
        exposures: [Exposure { seconds: None, aperture: None, bias: None, iso: None }; 2],
        lenses: [None, None],
        threshold: 0.42,
        laid_over: None,
        differences: Vec::new(),
    };

    fn said(comparison: &Comparison) -> String {
        let mut out = Vec::new();
        print(&mut out, comparison).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_placement_is_said_in_words() {
        assert_eq!(placed(&WHOLE), "the second shows all of the first, at 50 % of its size");
        let part = LaidOver { scale: 1.5, degrees: -90.0, mirrored: true, overlap: [0.44, 0.6], ..WHOLE };
        assert_eq!(
            placed(&part),
            "the second shows 44 % of the first, at 150 % of its size, which is 60 % of the second, mirrored, turned by -90°"
        );
    }

    #[test]
    fn what_tells_is_said_with_its_numbers() {
        let exposed = |seconds, bias| Exposure { seconds: Some(seconds), aperture: Some(8.0), bias, iso: None };
        let exposed_as = [exposed(0.005, None), exposed(2.0, Some(-1.0))];
        let exposures = Reason::Exposure(exposed_as);
        let reason = |reason: Reason| types::Reason { code: reason.code(), words: reason.to_string() };
        let all = said(&Comparison {
            relation: Relation::Series,
            indexed: true,
            evidence: Evidence { reasons: [Reason::Time(3.0), exposures].map(reason).to_vec(), ..Evidence::NONE },
            laid_over: Some(LaidOver { misfit: 0.03, ..WHOLE }),
            score: Some(1.234),
            exposures: exposed_as,
            ..NEAR
        });
        for line in [
            "two exposures of one scene",
            "  because: taken 3 s apart by one camera; one camera exposed them differently: 1/200 s and 2 s\n",
            "  both are in the index, so the other photos there count too, as for dupes\n",
            "  laid over each other, their structure agrees by 1.00, coarsely by 0.98; 3 % of it differs\n",
            "  the spot that differs most differs 1.3 times as much as others\n",
            "  brightness 120 and 120, contrast 50 and 50, saturation 30 and 30 (of 255); colours differ by 1.3\n",
            "  judging by these two alone, the version model says one exposure: +1.23, where 0 is undecided; something else separates them",
            "  exposure: 1/200 s f/8, 2 s f/8 bias -1.0; two exposures if one camera took both\n",
        ] {
            assert!(all.contains(line), "{line}: {all}");
        }
        let none = said(&NEAR);
        assert!(none.contains("not sure") && none.lines().count() == 1, "{none}");
        assert_eq!(
            model(-0.5, Relation::Series),
            "judging by these two alone, the version model says two exposures: -0.50, where 0 is undecided"
        );
    }

    #[test]
    fn the_lens_is_said_once_if_both_have_it_and_for_each_if_not() {
        let with = |lenses: [Option<&str>; 2]| said(&Comparison { lenses: lenses.map(|lens| lens.map(str::to_owned)), ..NEAR });
        assert!(with([Some("35mm"), Some("35mm")]).ends_with("\n  lens of both: 35mm\n"));
        assert!(with([Some("35mm"), Some("50mm")]).ends_with("\n  lens: 35mm, 50mm\n"));
        assert!(with([None, Some("50mm")]).ends_with("\n  lens: not said, 50mm\n"));
    }

    #[test]
    fn the_source_is_said_with_its_rule_and_the_exit_code_says_whether_they_are_versions() {
        let copy = Comparison { relation: Relation::Copy, source: Some(1), source_by: Some(SourceRule::Camera), ..NEAR };
        assert!(said(&copy).contains("\n  the second is the source: as the camera wrote it\n"), "{}", said(&copy));
        let decided = |verdict| Comparison { decided: Some(verdict), ..copy.clone() };
        assert!(are_versions(&copy) && are_versions(&decided(Verdict::Same)) && !are_versions(&decided(Verdict::Different)));
        assert!([Relation::Series, Relation::Part, Relation::Unknown].iter().all(|r| !are_versions(&Comparison { relation: *r, ..NEAR })));
    }

    #[test]
    fn a_version_is_said_with_its_source_if_that_is_known() {
        let edit = Comparison { relation: Relation::Edit, source: Some(1), changes: vec![PhotoChange::BlackAndWhite], ..NEAR };
        assert_eq!(version(&edit), "the first is an edit of the second: black and white");
        let screenshot = Comparison { source: Some(0), changes: vec![PhotoChange::Screenshot, PhotoChange::Crop(0.9)], ..edit.clone() };
        assert_eq!(version(&screenshot), "the second is a screenshot of the first: crop 90 %");
        let copy = Comparison { relation: Relation::Copy, tie: true, ..NEAR };
        assert_eq!(version(&copy), "one is a copy of the other; it is not known which is the source");
        assert_eq!(version(&Comparison { tie: false, indexed: true, ..copy }), "both are versions of one photo");
        // Two versions of a third photo may be far from each other.
        let far = said(&Comparison { normalized_distance: 0.6, indexed: true, ..edit });
        assert!(far.contains("the first is an edit of the second"), "{far}");
    }
}
