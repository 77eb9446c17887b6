//! The end of an answer of `dupes`: what was found, the safest first, each with the command that shows it.

use std::io::{self, Write};

use owo_colors::OwoColorize;
use unicode_width::UnicodeWidthStr;

use super::args::{DupesArguments, DupesFormat};
use super::listing::Layout;
use super::text::{bytes, count, coverage, left_out, names, shown};
use crate::api::shell_word;
use crate::api::types::End;
use crate::photo::{Amount, Relation};

/// What was found of one kind.
pub struct Total {
    pub what: String,
    pub amount: String,
    /// The command that shows it. Empty if that is what was asked.
    pub command: String,
    pub is_doubtful: bool,
}

/// What an answer says at its end.
pub struct Summary {
    /// One sentence or two.
    pub sentences: Vec<String>,
    pub totals: Vec<Total>,
    /// What to do next, each with its command.
    pub advice: Vec<[String; 2]>,
    /// What the answer is about.
    pub about: Vec<String>,
}

/// What is counted while an answer arrives.
#[derive(Clone, Copy, Default)]
pub struct Counted {
    pub clusters: u64,
    pub with_versions: u64,
    /// The series of which several stars are shown.
    pub series: u64,
    /// The clusters that were not shown, because of `--limit`.
    pub unshown: u64,
    /// The number of photos that were compared with each other.
    pub compared: u64,
}

/// What is said of what is found, and of the pairs that an answer holds apart, in the order of their safety.
const FOUND: [(Relation, &str, [&str; 2]); 6] = [
    (Relation::Identical, "the same photo again", ["file", "files"]),
    (Relation::Copy, "copies", ["photo", "photos"]),
    (Relation::Edit, "edits, which are somebody's work", ["photo", "photos"]),
    (Relation::Series, "further frames of each series", ["photo", "photos"]),
    (Relation::Part, "parts of others, or photos that contain them", ["photo", "photos"]),
    (Relation::Unknown, "not sure, perhaps versions", ["photo", "photos"]),
];
const HELD_APART: [(Relation, &str); 3] = [
    (Relation::Series, "held apart as frames of a series"),
    (Relation::Part, "held apart as parts of others"),
    (Relation::Unknown, "held apart, because the evidence does not decide"),
];

impl Summary {
    pub fn of(options: &DupesArguments, end: &End, counted: Counted) -> Summary {
        let asked = asked(options);
        let mut totals = Vec::new();
        let is_asked = |relation: Relation| options.relation == [relation.to_string()];
        let command = |relation: Relation| format!("simctl dupes {} {asked}", format_args!("--relation {relation}"));
        let show = |relation: Relation| if is_asked(relation) { String::new() } else { command(relation) };
        for (relation, what, [one, many]) in FOUND {
            if let Some(Amount { photos, bytes: size, .. }) = end.found.get(&relation).filter(|amount| amount.photos > 0) {
                let amount = format!("{} ({})", count(*photos, one, many), bytes(*size));
                totals.push(Total { what: what.to_owned(), amount, command: show(relation), is_doubtful: relation == Relation::Unknown });
            }
        }
        for (relation, what) in HELD_APART {
            if let Some(Amount { pairs, photos, .. }) = end.held_apart.get(&relation) {
                let amount = format!("{} of {}", count(*pairs, "pair", "pairs"), count(*photos, "photo", "photos"));
                totals.push(Total { what: what.to_owned(), amount, command: show(relation), is_doubtful: relation == Relation::Unknown });
            }
        }
        if end.shots > 0 {
            let what = "with versions only in their own shot".to_owned();
            let command = format!("simctl dupes --within-shots {asked}");
            totals.push(Total { what, amount: count(end.shots, "shot", "shots"), command, is_doubtful: false });
        }
        if end.outside > 0 {
            let what = "in other folders, with versions here".to_owned();
            let command = format!("simctl dupes --everywhere {asked}");
            totals.push(Total { what, amount: count(end.outside, "photo", "photos"), command, is_doubtful: false });
        }
        // It takes one place at most.
        let failures = match &options.paths[..] {
            [path] => format!("simctl failures {}", shown(&shell_word(path))),
            _ => "simctl failures".to_owned(),
        };
        for (format, number) in &end.unsupported_formats {
            let what = format!("not compared: {format} that this version cannot read");
            totals.push(Total { what, amount: count(*number, "file", "files"), command: failures.clone(), is_doubtful: true });
        }
        if end.coverage.failed > 0 {
            let what = "not compared: damaged or unreadable".to_owned();
            let amount = count(end.coverage.failed, "file", "files");
            totals.push(Total { what, amount, command: failures.clone(), is_doubtful: true });
        }
        let about = [coverage(&end.coverage)].into_iter().chain(left_out(&end.left_out)).collect();
        Summary { sentences: sentences(options, end, counted), totals, advice: advice(options, end, counted, &asked), about }
    }

    pub fn print(&self, out: &mut impl Write, layout: &Layout) -> io::Result<()> {
        for sentence in &self.sentences {
            layout.write_words(out, sentence, |line| line.bold().to_string())?;
        }
        let width = |of: fn(&Total) -> &str| self.totals.iter().map(|total| of(total).width()).max().unwrap_or(0);
        let (what, amount) = (width(|total| &total.what), width(|total| &total.amount));
        let line = 2 + what + 2 + amount + 2 + width(|total| &total.command);
        // A command is not folded: it is there to be copied.
        let between = if layout.width.is_none_or(|width| line <= width) { "  " } else { "\n      " };
        for total in &self.totals {
            let space = |text: &str, width: usize| " ".repeat(width - text.width());
            let told = format!("  {}{}  {}", total.what, space(&total.what, what), total.amount);
            let told = if total.is_doubtful { told.yellow().to_string() } else { told };
            if total.command.is_empty() {
                writeln!(out, "{told}")?;
                continue;
            }
            let gap = if between == "  " { space(&total.amount, amount) } else { String::new() };
            writeln!(out, "{told}{gap}{between}{}", total.command.cyan())?;
        }
        for [what, command] in &self.advice {
            layout.write_words(out, what, str::to_owned)?;
            writeln!(out, "      {}", command.cyan())?;
        }
        self.about.iter().try_for_each(|line| layout.write_words(out, line, |line| line.dimmed().to_string()))
    }
}

/// What to do with what was found: to look at it, and to list what may go.
fn advice(options: &DupesArguments, end: &End, counted: Counted, asked: &str) -> Vec<[String; 2]> {
    let page = (counted.clusters > 0 && options.format != DupesFormat::Html).then(|| {
        let relations = if options.relation.is_empty() { String::new() } else { format!("--relation {} ", options.relation.join(",")) };
        ["the same with pictures, for a browser:".to_owned(), format!("simctl dupes --format html {relations}{asked} > report.html")]
    });
    let may_go = [Relation::Identical, Relation::Copy].iter().any(|relation| end.found.get(relation).is_some_and(|a| a.photos > 0));
    let list = may_go.then(|| {
        [
            "identical files and copies that you could delete, each checked on the disk:".to_owned(),
            format!("simctl dupes --format paths0 {asked}"),
        ]
    });
    page.into_iter().chain(list).collect()
}

fn sentences(options: &DupesArguments, end: &End, counted: Counted) -> Vec<String> {
    let mut sentences = Vec::new();
    if counted.clusters == 0 {
        sentences.push(nothing_found(options, end, counted.compared));
    } else {
        let versions = count(counted.with_versions, "photo has versions", "photos have versions");
        let series = count(counted.series, "series is shown", "series are shown");
        let said = [(counted.with_versions, versions), (counted.series, series)];
        sentences.extend(said.into_iter().filter(|(number, _)| *number > 0).map(|(_, sentence)| format!("{sentence}.")));
    }
    if counted.unshown > 0 {
        let limit = options.limit.map_or(0, std::num::NonZeroUsize::get);
        sentences.push(format!("{} not shown because of --limit {limit}.", count(counted.unshown, "cluster is", "clusters are")));
    }
    sentences
}

/// The places and the conditions of the question, as a person typed them.
fn asked(options: &DupesArguments) -> String {
    let threshold = options.threshold.map(|threshold| format!("--threshold {threshold}"));
    let everywhere = options.everywhere.then(|| "--everywhere".to_owned());
    let within_shots = options.within_shots.then(|| "--within-shots".to_owned());
    let paths = options.paths.iter().map(|path| shown(&shell_word(path)));
    threshold.into_iter().chain(everywhere).chain(within_shots).chain(paths).collect::<Vec<_>>().join(" ")
}

/// The message of an answer without clusters.
fn nothing_found(options: &DupesArguments, end: &End, compared: u64) -> String {
    if end.outside > 0 {
        let (here, it) = if options.paths.len() == 1 { ("this folder", "it") } else { ("these folders", "them") };
        let outside = count(end.outside, "photo elsewhere is a version", "photos elsewhere are versions");
        return format!("No versions in {here}; {outside} of photos in {it}.");
    }
    match (compared, &options.relation[..]) {
        (0, _) => "Nothing was compared: no photo has been read.".to_owned(),
        (1, _) => "Nothing was compared: only one photo has been read.".to_owned(),
        (_, [_, ..]) => format!("Nothing was found of what was asked for: {}.", names(&options.relation)),
        _ if !end.whole || end.series + end.parts + end.unknown > 0 => "No versions found among the photos that were compared.".to_owned(),
        _ => "No duplicates found.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser;

    use super::*;
    use crate::cli::args::{Arguments, Command};
    use crate::photo::{Coverage, Format, LeftOut};

    fn end() -> End {
        End {
            whole: true,
            places: Vec::new(),
            series: 0,
            parts: 0,
            unknown: 0,
            found: BTreeMap::new(),
            held_apart: BTreeMap::new(),
            shots: 0,
            outside: 0,
            coverage: Coverage { indexed: 2, ..Coverage::default() },
            unsupported_formats: BTreeMap::new(),
            left_out: LeftOut::default(),
            next: None,
        }
    }

    fn options(line: &str) -> DupesArguments {
        match Arguments::try_parse_from(["simctl", "dupes"].into_iter().chain(line.split(' '))).expect("it parses").command {
            Command::Dupes(options) => options,
            other => panic!("{other:?}"),
        }
    }

    fn said(line: &str, end: &End, counted: Counted, width: Option<usize>) -> String {
        let mut out = Vec::new();
        Summary::of(&options(line), end, counted).print(&mut out, &Layout { width, ..Layout::default() }).expect("written");
        anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string()
    }

    #[test]
    fn nothing_is_found_only_where_all_was_compared() {
        let cut = || End { whole: false, ..end() };
        for (end, compared, sentence) in [
            (end(), 2, "No duplicates found."),
            (end(), 1, "Nothing was compared: only one photo has been read."),
            (end(), 0, "Nothing was compared: no photo has been read."),
            (cut(), 0, "Nothing was compared: no photo has been read."),
            (cut(), 2, "No versions found among the photos that were compared."),
        ] {
            assert!(said("p", &end, Counted { compared, ..Counted::default() }, None).contains(sentence), "{end:?}");
        }
        let outside = said("p", &End { outside: 3, ..end() }, Counted { compared: 2, ..Counted::default() }, None);
        assert!(outside.contains("in other folders, with versions here  3 photos  simctl dupes --everywhere p\n"), "{outside}");
        let says = "No versions in this folder; 3 photos elsewhere are versions of photos in it.\n";
        assert!(outside.starts_with(says), "{outside}");
        let several = said("p q", &End { outside: 1, ..end() }, Counted { compared: 1, ..Counted::default() }, None);
        assert!(several.starts_with("No versions in these folders; 1 photo elsewhere is a version of photos in them."), "{several}");
        let parts = said("--relation part,series p", &End { unknown: 4, ..end() }, Counted { compared: 2, ..Counted::default() }, None);
        assert!(parts.starts_with("Nothing was found of what was asked for: part and series.\n"), "{parts}");
    }

    #[test]
    fn what_is_found_is_counted_by_its_safety_with_the_command_that_shows_it() {
        let amount = |photos: u64| Amount { pairs: photos, photos, bytes: 1000 * photos };
        let found = [(Relation::Identical, 2), (Relation::Copy, 30), (Relation::Edit, 1)].map(|(relation, n)| (relation, amount(n)));
        let held_apart = BTreeMap::from([(Relation::Series, amount(8)), (Relation::Unknown, amount(4))]);
        let coverage = Coverage { indexed: 40, failed: 1, unsupported: 3, ..Coverage::default() };
        let end = End { found: found.into(), held_apart, coverage, unsupported_formats: BTreeMap::from([(Format::Jp2, 3)]), ..end() };
        let counted = Counted { clusters: 9, with_versions: 2, series: 0, unshown: 7, compared: 40 };
        let line = "--threshold 0.2 --limit 2 /my/photos";
        let told = said(line, &end, counted, None);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[..2], ["2 photos have versions.", "7 clusters are not shown because of --limit 2."]);
        let safest: Vec<usize> = ["the same photo again", "copies", "edits", "frames of a series", "does not decide", "jp2", "damaged"]
            .iter()
            .map(|what| lines.iter().position(|line| line.contains(what)).expect(what))
            .collect();
        assert!(safest.is_sorted(), "{told}");
        assert!(lines[2].contains("2 files (2 kB)") && lines[2].ends_with("simctl dupes --relation identical --threshold 0.2 /my/photos"));
        assert!(told.contains("simctl dupes --format paths0 --threshold 0.2 /my/photos") && told.contains("simctl failures"), "{told}");
        assert!(told.contains("simctl dupes --format html --threshold 0.2 /my/photos > report.html"), "{told}");
        assert!(!said(&format!("--format html {line}"), &end, counted, None).contains("--format html"), "it is the page");
        let copies = said(&format!("--relation copy {line}"), &end, counted, None);
        assert!(copies.contains("copies") && !copies.contains("simctl dupes --relation copy"), "it is the question: {copies}");
        for command in told.lines().filter_map(|line| Some(&line[line.find("simctl ")?..])) {
            assert!(Arguments::try_parse_from(command.split(' ')).is_ok(), "{command}");
        }
        let narrow = said(line, &end, counted, Some(80));
        assert!(narrow.lines().all(|line| line.width() <= 80), "{narrow}");
    }
}
