//! Places lines on a terminal: names relative to the folder that was asked about, as links, within the width.

use std::io::{self, IsTerminal, Write, stdout};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use owo_colors::OwoColorize;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use unicode_width::UnicodeWidthStr;

use super::super::text::shown_path;
use super::rows::{Look, Note, NoteKind, Row};
use crate::api::types::PathText;

/// A column is as wide as its longest text up to this number of characters. A longer one moves the rest of its line.
const MAX_COLUMN: usize = 48;

/// The same for a path with another one after it.
const MAX_PATH: usize = 90;

/// What stands before a line, and before the second line of a file.
const INDENT: usize = 4;
const DEEPER: usize = 6;

/// The least room for what a file is.
const MIN_WORDS: usize = 20;

/// The columns whose text stands on the right.
const ON_THE_RIGHT: [bool; 5] = [false, true, true, false, true];

/// The bytes of a path that stand in a URI as they are.
const IN_URI: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How lines are placed.
#[derive(Default)]
pub struct Layout {
    /// The columns of the terminal. `None` if the output is none.
    pub width: Option<usize>,
    /// The folder that paths are relative to, if they are.
    pub base: Option<PathBuf>,
    /// Whether paths are links that a terminal opens.
    pub has_links: bool,
}

impl Layout {
    /// For standard output. On a terminal paths are relative to the place that was asked about, if it is one.
    pub fn of_stdout(asked: &[PathBuf], is_absolute: bool) -> Layout {
        if !stdout().is_terminal() {
            return Layout::default();
        }
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0);
        let has_links = anstream::AutoStream::choice(&stdout()) != anstream::ColorChoice::Never;
        Layout { width, base: base(asked).filter(|_| !is_absolute), has_links }
    }

    /// For a page. Its paths are relative in the same way.
    pub fn of_page(asked: &[PathBuf], is_absolute: bool) -> Layout {
        Layout { base: base(asked).filter(|_| !is_absolute), ..Layout::default() }
    }

    /// A path as it is shown.
    pub fn path(&self, path: &PathText) -> String {
        let whole = path.to_path();
        let below = self.base.as_ref().and_then(|base| whole.strip_prefix(base).ok()).filter(|below| !below.as_os_str().is_empty());
        shown_path(below.unwrap_or(&whole))
    }

    /// A text that a terminal opens as a file. Its bytes are percent-encoded, so no name ends the link.
    fn link(&self, text: &str, path: &PathText) -> String {
        if !self.has_links {
            return text.to_owned();
        }
        format!("\x1b]8;;{}\x1b\\{text}\x1b]8;;\x1b\\", uri(&path.to_path()))
    }

    /// Whether a line has room.
    fn fits(&self, length: usize) -> bool {
        self.width.is_none_or(|width| length <= width)
    }

    /// Writes the lines of a cluster: a line for each file, or two or more where the terminal is narrower than that.
    pub fn write(&self, out: &mut impl Write, rows: &[&Row<'_>]) -> io::Result<()> {
        let widths: [usize; 5] = std::array::from_fn(|column| {
            let lengths = rows.iter().map(|row| row.columns[column].width());
            lengths.filter(|length| *length <= MAX_COLUMN).max().unwrap_or(0)
        });
        // A column of which nothing is said takes no room.
        let time = rows.iter().map(|row| row.time.width()).max().unwrap_or(0);
        let is_wide = rows.iter().all(|row| {
            let columns: usize =
                widths.iter().zip(&row.columns).filter(|(width, _)| **width > 0).map(|(width, text)| text.width().max(*width) + 2).sum();
            let time = if time > 0 { time + 2 } else { 0 };
            self.fits(INDENT + columns + time + self.path(row.path).width() + length_of(&row.notes))
        });
        for row in rows {
            if is_wide { self.write_line(out, row, widths, time)? } else { self.write_lines(out, row, widths)? }
        }
        Ok(())
    }

    fn write_line(&self, out: &mut impl Write, row: &Row<'_>, widths: [usize; 5], time: usize) -> io::Result<()> {
        let mut line = " ".repeat(INDENT) + &first(row, &padded(&row.columns[0], widths[0], false)) + "  " + &columns(row, widths);
        if time > 0 {
            line += &(padded(&row.time, time, false) + "  ");
        }
        line += &self.link(&self.path(row.path), row.path);
        writeln!(out, "{}{}", dimmed(row, line), noted(&row.notes))
    }

    /// What it is and the columns, the other things that it is, and its name with the time below them.
    fn write_lines(&self, out: &mut impl Write, row: &Row<'_>, mut widths: [usize; 5]) -> io::Result<()> {
        let rest: usize = widths[1..].iter().filter(|width| **width > 0).map(|width| width + 2).sum();
        let room = self.width.unwrap_or(usize::MAX).saturating_sub(INDENT + rest).max(MIN_WORDS);
        widths[0] = widths[0].min(room);
        let parts = folded(&row.columns[0], widths[0]);
        let indent = " ".repeat(INDENT);
        let (start, after) = parts.split_first().map_or(("", &[][..]), |(start, after)| (start.as_str(), after));
        let line = if start.width() <= widths[0] {
            first(row, &padded(start, widths[0], false)) + "  " + &columns(row, widths)
        } else {
            format!("{}\n{indent}{}  {}", first(row, start), " ".repeat(widths[0]), columns(row, widths))
        };
        writeln!(out, "{}", dimmed(row, indent.clone() + line.trim_end()))?;
        let deeper = " ".repeat(DEEPER);
        for part in after {
            writeln!(out, "{}", dimmed(row, format!("{deeper}· {part}")))?;
        }
        let name = self.path(row.path);
        let linked = self.link(&name, row.path);
        let more = if row.time.is_empty() { String::new() } else { format!("  {}", row.time) };
        if self.fits(DEEPER + name.width() + more.width() + length_of(&row.notes)) {
            return writeln!(out, "{}{}", dimmed(row, deeper + &linked + &more), noted(&row.notes));
        }
        writeln!(out, "{}", dimmed(row, deeper.clone() + &linked))?;
        let below = format!("{}{}", more.trim_start(), noted(&row.notes));
        if below.is_empty() { Ok(()) } else { writeln!(out, "{deeper}  {}", below.trim_start()) }
    }

    /// Writes pairs of paths with their distances.
    pub fn write_pairs(&self, out: &mut impl Write, pairs: &[(&[PathText; 2], f32)]) -> io::Result<()> {
        let named: Vec<[String; 2]> = pairs.iter().map(|(two, _)| two.each_ref().map(|path| self.path(path))).collect();
        let width = named.iter().map(|[first, _]| first.width()).filter(|length| *length <= MAX_PATH).max().unwrap_or(0);
        let second = named.iter().map(|[_, second]| second.width()).max().unwrap_or(0);
        let between = if self.fits(INDENT + 6 + width + 2 + second) { "  ".to_owned() } else { format!("\n{}", " ".repeat(INDENT + 6)) };
        for ((two, distance), [first, second]) in pairs.iter().zip(&named) {
            let space = if between.starts_with('\n') { 0 } else { width.saturating_sub(first.width()) };
            let (first, second) = (self.link(first, &two[0]), self.link(second, &two[1]));
            writeln!(out, "    {distance:.2}  {first}{}{between}{second}", " ".repeat(space))?;
        }
        Ok(())
    }

    /// Writes a line of words, folded to the width at spaces.
    pub fn write_words(&self, out: &mut impl Write, words: &str, paint: impl Fn(&str) -> String) -> io::Result<()> {
        let width = self.width.unwrap_or(usize::MAX);
        let mut line = String::new();
        for word in words.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                writeln!(out, "{}", paint(&line))?;
                line = "  ".to_owned();
            } else if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        writeln!(out, "{}", paint(&line))
    }
}

/// The folder that paths are relative to: the one that was asked about, or that of the one file.
fn base(asked: &[PathBuf]) -> Option<PathBuf> {
    let [one] = asked else { return None };
    if one.is_dir() { Some(one.clone()) } else { one.parent().map(Path::to_owned) }
}

/// A path as a URI.
pub fn uri(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_bytes(), IN_URI))
}

fn padded(text: &str, width: usize, is_right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(text.width()));
    if is_right { space + text } else { format!("{text}{space}") }
}

/// What a file is, in its colour.
fn first(row: &Row<'_>, text: &str) -> String {
    if row.look == Look::Source { text.green().bold().to_string() } else { text.to_owned() }
}

fn dimmed(row: &Row<'_>, line: String) -> String {
    if row.look == Look::Dimmed { line.dimmed().to_string() } else { line }
}

/// The columns after what a file is.
fn columns(row: &Row<'_>, widths: [usize; 5]) -> String {
    let columns = (1..widths.len()).filter(|column| widths[*column] > 0);
    columns.map(|column| padded(&row.columns[column], widths[column], ON_THE_RIGHT[column]) + "  ").collect()
}

fn length_of(notes: &[Note]) -> usize {
    notes.iter().map(|note| note.words.width() + if note.kind == NoteKind::Badges { 1 } else { 3 }).sum()
}

fn noted(notes: &[Note]) -> String {
    let painted = |Note { words, kind }: &Note| match kind {
        NoteKind::Badges => format!(" {words}").cyan().to_string(),
        NoteKind::Remark => format!(" ({words})").dimmed().to_string(),
        NoteKind::Warning => format!(" ({words})").yellow().to_string(),
    };
    notes.iter().map(painted).collect()
}

/// Folds what a file is, at the dots. A part is never broken.
fn folded(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in words.split(" · ") {
        match lines.last_mut() {
            Some(line) if line.width() + 3 + part.width() <= width => *line += &format!(" · {part}"),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}
