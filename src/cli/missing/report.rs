//! Says what was found out: a line for each file that is not safe, totals, and a sentence that one can act on.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use owo_colors::OwoColorize;

use super::arguments::MissingArguments;
use super::gather::Asked;
use super::judge::{At, Counts, Standing, Verdict, has_other_metadata};
use super::walk::{Candidate, LeftOut};
use crate::api::text_of;
use crate::api::types::{KnownCopy, PathText, PlaceStatus, Versioned};
use crate::cli::answers::{CheckedFile, CheckedKind, CheckedState, MissingAnswer, MissingEnd, MissingLine, NearestVersion, SafeCount};
use crate::cli::failure::{DONE, Failure, NOT_WHOLE};
use crate::cli::formats::MissingFormat;
use crate::cli::output::{Audience, output};
use crate::cli::text::{count, date, shown, shown_path, tell};
use crate::sys::mounts::Mounts;

/// How many photos with other metadata are named in the text.
const NAMED_PHOTOS: usize = 3;

/// A file that was judged, or something that could not be looked at.
pub struct Checked {
    pub path: PathBuf,
    kind: Option<CheckedKind>,
    /// `None` for what could not be looked at.
    pub at: Option<At>,
    pub verdict: Verdict,
    copies: Vec<PathText>,
    beside: Option<PathBuf>,
    version: Option<NearestVersion>,
    pub copied: Option<CopyMade>,
    has_other_metadata: bool,
}

/// A copy that `--copy-to` made, or found there.
pub struct CopyMade {
    pub path: PathBuf,
    pub is_new: bool,
}

/// A copy in the library, and what it counts for.
pub struct Weighed<'a> {
    pub copy: &'a KnownCopy,
    /// Whether it has the same bytes. Otherwise it has the same picture data, with other metadata.
    pub has_bytes: bool,
    pub standing: Standing,
}

impl Checked {
    pub fn new(number: usize, asked: &Asked, mut verdict: Verdict, weighed: &[Weighed<'_>], needed: usize) -> Checked {
        let file = &asked.below.files[number];
        let is_away = |standing: &Standing| matches!(standing, Standing::Away | Standing::Silent);
        let counts = |standing: &Standing| match verdict.state {
            CheckedState::SafeElsewhere => is_away(standing),
            _ => matches!(standing, Standing::Here(_)),
        };
        let named: Vec<&KnownCopy> = weighed.iter().filter(|copy| counts(&copy.standing)).map(|copy| copy.copy).collect();
        let perhaps = asked.answers[number].as_ref().map(|answer| answer.perhaps.as_slice()).unwrap_or_default();
        match verdict.state {
            CheckedState::SafeElsewhere => verdict.why = Some(away(&named)),
            CheckedState::Missing if verdict.why.is_none() && !perhaps.is_empty() => {
                let roots: BTreeSet<&str> = perhaps.iter().map(|copy| copy.root.path.as_str()).collect();
                let roots: Vec<String> = roots.into_iter().map(shown).collect();
                verdict.why = Some(format!("a file of its size is in {}, and its bytes are not known", roots.join(", ")));
            }
            _ => {}
        }
        let same_bytes: Vec<Standing> = weighed.iter().filter(|copy| copy.has_bytes).map(|copy| copy.standing.clone()).collect();
        let has_other_metadata = has_other_metadata(&verdict, &same_bytes, needed);
        Checked {
            path: file.path.clone(),
            kind: Some(file.kind),
            at: Some(file.at),
            verdict,
            copies: named.iter().map(|copy| copy.path.clone()).collect(),
            beside: file.beside.clone(),
            version: asked.versions.get(&number).cloned(),
            copied: None,
            has_other_metadata,
        }
    }

    /// A folder that cannot be listed, or a file of which not even the kind is known.
    pub fn unlisted(path: &Path, why: &str) -> Checked {
        Checked {
            path: path.to_owned(),
            kind: None,
            at: None,
            verdict: Verdict { state: CheckedState::Unread, why: Some(why.to_owned()), disks: 0 },
            copies: Vec::new(),
            beside: None,
            version: None,
            copied: None,
            has_other_metadata: false,
        }
    }

    /// A file that came, or was written to, after its folder was listed.
    pub fn written_since(file: &Candidate) -> Checked {
        let why = Some("it was written while this command ran; ask again".to_owned());
        Checked {
            path: file.path.clone(),
            kind: Some(file.kind),
            at: Some(file.at),
            verdict: Verdict { state: CheckedState::Unread, why, disks: 0 },
            copies: Vec::new(),
            beside: file.beside.clone(),
            version: None,
            copied: None,
            has_other_metadata: false,
        }
    }

    fn is_safe(&self) -> bool {
        self.verdict.state == CheckedState::Safe
    }

    /// Whether it is copied where what is missing is copied to. A file that cannot be judged is, as far as it can be read.
    pub fn is_to_copy(&self) -> bool {
        !self.is_safe() && self.at.is_some_and(|at| at.size > 0)
    }

    fn answer(&self) -> CheckedFile {
        CheckedFile {
            path: text_of(&self.path),
            kind: self.kind,
            size: self.at.map_or(0, |at| at.size),
            state: self.verdict.state,
            reason: self.verdict.why.clone(),
            disks: self.verdict.disks as u64,
            copies: self.copies.clone(),
            beside: self.beside.as_deref().map(text_of),
            version: self.version.clone(),
            other_metadata: self.has_other_metadata,
            copied: self.copied.as_ref().map(|copy| text_of(&copy.path)),
            copied_before: self.copied.as_ref().is_some_and(|copy| !copy.is_new),
        }
    }
}

/// Where the copies of a file are that is on disks that are away.
fn away(copies: &[&KnownCopy]) -> String {
    let mut roots: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for copy in copies {
        let seen = roots.entry(&copy.root.path).or_default();
        *seen = (*seen).max(copy.seen);
    }
    let named: Vec<String> = roots
        .into_iter()
        .map(|(root, seen)| match seen {
            Some(seen) => format!("{} (seen {})", shown(root), date(seen as i64)),
            None => shown(root),
        })
        .collect();
    format!("only in {}, which is away", named.join(" and "))
}

/// All that is said.
pub struct Report<'a> {
    pub top: &'a Path,
    pub options: &'a MissingArguments,
    pub checked: &'a [Checked],
    pub asked: &'a Asked,
    pub places: Vec<PlaceStatus>,
    pub counts: Counts,
    pub is_interrupted: bool,
}

impl Report<'_> {
    pub fn print(&self, code: u8) -> Result<(), Failure> {
        let end = self.end(code);
        match self.options.chosen() {
            MissingFormat::Text => output(Audience::Person, |out| self.text(out, &end)),
            MissingFormat::Json => {
                let files = self.checked.iter().map(Checked::answer).collect();
                output(Audience::Program, |out| {
                    serde_json::to_writer(&mut *out, &Versioned::of(MissingAnswer { files, end }))?;
                    writeln!(out)
                })
            }
            MissingFormat::Ndjson => output(Audience::Program, |out| {
                for file in self.checked {
                    serde_json::to_writer(&mut *out, &MissingLine::File(Box::new(file.answer())))?;
                    writeln!(out)?;
                }
                serde_json::to_writer(&mut *out, &MissingLine::End { end: Box::new(end) })?;
                writeln!(out)
            }),
            MissingFormat::Paths0 => {
                output(Audience::Program, |out| {
                    for file in self.checked.iter().filter(|file| !file.is_safe() && file.at.is_some()) {
                        out.write_all(file.path.as_os_str().as_bytes())?;
                        out.write_all(b"\0")?;
                    }
                    Ok(())
                })?;
                self.other_metadata().into_iter().chain([end.sentence]).for_each(tell);
                Ok(())
            }
        }
    }

    fn end(&self, code: u8) -> MissingEnd {
        let below = &self.asked.below;
        MissingEnd {
            sentence: self.sentence(code),
            exit: code,
            interrupted: self.is_interrupted,
            unjudged: self.counts.unjudged,
            kinds: self.kinds(),
            folders: self.folders(),
            neither: below.neither.clone(),
            links: below.links,
            left_out: below.left_out.iter().map(|folder| text_of(&folder.path)).collect(),
            left_out_files: below.left_out.iter().filter_map(|folder| folder.files).sum(),
            library_bytes_read: self.asked.library_bytes_read,
            places: self.places.clone(),
        }
    }

    fn kinds(&self) -> Vec<SafeCount<CheckedKind>> {
        let mut kinds: BTreeMap<CheckedKind, (u64, u64)> = BTreeMap::new();
        for file in self.checked {
            if let Some(kind) = file.kind {
                let (safe, all) = kinds.entry(kind).or_default();
                *safe += u64::from(file.is_safe());
                *all += 1;
            }
        }
        kinds.into_iter().map(|(of, (safe, all))| SafeCount { of, safe, all }).collect()
    }

    /// How many files of each folder are safe. A sidecar counts with its photo: the two are safe, or the photo is not.
    fn folders(&self) -> Vec<SafeCount<PathText>> {
        let sidecars = || self.checked.iter().filter(|file| file.beside.is_some());
        let incomplete: HashSet<&Path> = sidecars().filter(|file| !file.is_safe()).filter_map(|file| file.beside.as_deref()).collect();
        let mut folders: BTreeMap<PathBuf, (u64, u64)> = BTreeMap::new();
        for file in self.checked.iter().filter(|file| file.beside.is_none() && file.at.is_some()) {
            let folder = file.path.parent().and_then(|folder| folder.strip_prefix(self.top).ok()).unwrap_or(Path::new(""));
            let (safe, all) = folders.entry(folder.to_owned()).or_default();
            *safe += u64::from(file.is_safe() && !incomplete.contains(file.path.as_path()));
            *all += 1;
        }
        folders.into_iter().map(|(of, (safe, all))| SafeCount { of: text_of(&of), safe, all }).collect()
    }

    fn text(&self, out: &mut impl Write, end: &MissingEnd) -> io::Result<()> {
        for file in self.checked.iter().filter(|file| !file.is_safe()) {
            let state = format!("{:<14}", file.verdict.state.name());
            let why = match (&file.version, &file.verdict.why) {
                (Some(version), None) => Some(format!("of {} ({:.2})", shown(&version.path.path), version.distance)),
                (_, why) => why.as_deref().map(shown),
            };
            let copied = file.copied.as_ref().map(|copy| if copy.is_new { "copied" } else { "a copy was there already" });
            let more: Vec<&str> = why.as_deref().into_iter().chain(copied).collect();
            let more = if more.is_empty() { String::new() } else { format!(": {}", more.join("; ")) };
            writeln!(out, "{} {}{more}", state.yellow(), self.name(&file.path))?;
        }
        if end.folders.len() > 1 {
            for SafeCount { of, safe, all } in &end.folders {
                let folder = if of.path.is_empty() { "." } else { &of.path };
                let missing = if safe == all { String::new() } else { format!(", {} not", thousands(all - safe)) };
                writeln!(out, "{}  {} of {}{missing}", shown(folder), thousands(*safe), thousands(*all))?;
            }
        }
        self.notes(out)?;
        writeln!(out, "{}", end.sentence.bold())
    }

    /// What was found and not judged.
    fn notes(&self, out: &mut impl Write) -> io::Result<()> {
        let below = &self.asked.below;
        let neither: u64 = below.neither.values().sum();
        if neither > 0 {
            let endings: Vec<String> = below
                .neither
                .iter()
                .map(|(ending, count)| match ending.as_str() {
                    "" => format!("{count} without an ending"),
                    ending => format!("{count} .{}", shown(ending)),
                })
                .collect();
            writeln!(out, "not judged: {} of other types: {}", count(neither, "file", "files"), endings.join(", "))?;
        }
        if below.links > 0 {
            writeln!(out, "not followed: {}", count(below.links, "link", "links"))?;
        }
        for LeftOut { path, files } in &below.left_out {
            let files = files.map_or_else(|| "its files cannot be counted".into(), |files| count(files, "file", "files"));
            writeln!(out, "not looked into: {} ({files})", shown_path(path.strip_prefix(self.top).unwrap_or(path)))?;
        }
        self.other_metadata().map_or(Ok(()), |line| writeln!(out, "{line}"))
    }

    /// Names photos whose rating or caption may be only here.
    fn other_metadata(&self) -> Option<String> {
        let photos: Vec<&Checked> = self.checked.iter().filter(|file| file.has_other_metadata).collect();
        if photos.is_empty() {
            return None;
        }
        let mut names: Vec<String> = photos.iter().take(NAMED_PHOTOS).map(|file| self.name(&file.path)).collect();
        if photos.len() > NAMED_PHOTOS {
            names.push(format!("{} more, which --json names", photos.len() - NAMED_PHOTOS));
        }
        let of = count(photos.len() as u64, "photo is", "photos are");
        Some(format!("{of} in the library with other metadata, such as a rating: {}", joined(&names)))
    }

    /// A path as it is shown below the folder that was asked about.
    fn name(&self, path: &Path) -> String {
        match path.strip_prefix(self.top) {
            Ok(below) if !below.as_os_str().is_empty() => shown_path(below),
            _ => shown_path(path),
        }
    }

    /// The last line.
    fn sentence(&self, code: u8) -> String {
        let kinds = self.kinds();
        let of_kinds: Vec<String> = kinds.iter().map(|kind| of_kind(kind.of, kind.safe, kind.all)).collect();
        let of_kinds = joined(&of_kinds);
        let Counts { safe, missing, unread, alike, unjudged } = self.counts;
        let judged = self.counts.judged();
        if self.is_interrupted {
            return format!(
                "Ended early: {} of {} were judged, {} of them safe. Nothing is known of the others.",
                thousands(judged),
                count(judged + unjudged, "file", "files"),
                thousands(safe)
            );
        }
        if self.options.quick {
            return format!(
                "{} of {} have the size, name and time of a file in the library. Their bytes were not compared: ask without --quick.",
                thousands(alike),
                count(judged, "file", "files")
            );
        }
        if judged + unjudged == 0 {
            return format!("There is no photo, video or sound in {}: nothing was judged.", shown_path(self.top));
        }
        let mut sentence = format!("{of_kinds} {} in the library", if judged == 1 { "is" } else { "are" });
        if code == DONE {
            let disks = self.checked.iter().map(|file| file.verdict.disks).min().unwrap_or(1);
            if disks > 1 {
                sentence += &format!(", on {disks} drives each");
            }
            return format!("{sentence}. {}", self.permission());
        }
        if self.options.on_disks > 1 {
            sentence += &format!(" on {} drives", self.options.on_disks);
        }
        sentence += ".";
        if missing > 0 {
            let on_fewer = self.checked.iter().filter(|file| !file.is_safe() && file.verdict.disks > 0).count() as u64;
            let on_fewer = match on_fewer {
                0 => String::new(),
                number => format!("; {} of these {} on fewer", thousands(number), if number == 1 { "is" } else { "are" }),
            };
            sentence += &format!(" {} {} not{on_fewer}.", thousands(missing), if missing == 1 { "is" } else { "are" });
        }
        if unread + unjudged > 0 {
            sentence += &format!(" {} could not be judged.", thousands(unread + unjudged));
        }
        if code == NOT_WHOLE {
            sentence += " Not all of the library could be looked at.";
        }
        match &self.options.copy_to {
            Some(folder) => sentence += &self.copied_to(folder),
            None if missing > 0 => sentence += " Keep this folder, or copy what is missing with --copy-to DIR.",
            None => sentence += " Keep this folder.",
        }
        sentence
    }

    /// What may be done now that everything is safe. A card may be formatted only if it was asked about as a whole.
    fn permission(&self) -> String {
        let what = if Mounts::now().is_whole(self.top) {
            "This card can be formatted"
        } else if self.top.is_dir() {
            "This folder can be deleted"
        } else {
            "This file can be deleted"
        };
        match self.not_judged() {
            None => format!("{what}."),
            Some(others) => format!("{what}, if nobody needs {others}."),
        }
    }

    /// What nobody looked for in the library.
    fn not_judged(&self) -> Option<String> {
        let below = &self.asked.below;
        let others = below.neither.values().sum();
        let folders = below.left_out.iter().filter(|folder| folder.files != Some(0)).count() as u64;
        let others = (others > 0).then(|| format!("the {} of other types", count(others, "file", "files")));
        let folders =
            (folders > 0).then(|| format!("what is in {} not looked into", count(folders, "folder that was", "folders that were")));
        let parts: Vec<String> = others.into_iter().chain(folders).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// What became of the files that were to be copied.
    fn copied_to(&self, folder: &Path) -> String {
        let to = shown_path(folder);
        let number = |is_of: &dyn Fn(&Checked) -> bool| self.checked.iter().filter(|file| is_of(file)).count() as u64;
        let new = number(&|file| file.copied.as_ref().is_some_and(|copy| copy.is_new));
        let there = number(&|file| file.copied.as_ref().is_some_and(|copy| !copy.is_new));
        let failed = number(&|file| file.is_to_copy() && file.copied.is_none());
        let mut said = match new {
            0 => format!(" Nothing was copied to {to}."),
            _ => format!(" {} copied to {to} and read back.", count(new, "file was", "files were")),
        };
        if there > 0 {
            said += &format!(" {} there already, and compared.", count(there, "file was", "files were"));
        }
        if failed > 0 {
            said += &format!(" {} could not be copied.", count(failed, "file", "files"));
        }
        if new + there > 0 {
            said += &format!(" Ask again once the library has {}.", if new + there == 1 { "it" } else { "them" });
        }
        if let Some(others) = self.not_judged() {
            said += &format!(" Not copied: {others}.");
        }
        said
    }
}

/// `2,430 of 2,431 photos`.
fn of_kind(kind: CheckedKind, safe: u64, all: u64) -> String {
    let (one, many) = match kind {
        CheckedKind::Photo => ("photo", "photos"),
        CheckedKind::Film => ("video", "videos"),
        CheckedKind::Sound => ("sound file", "sound files"),
        CheckedKind::Picture => ("other picture", "other pictures"),
        CheckedKind::Sidecar => ("sidecar", "sidecars"),
    };
    format!("{} of {} {}", thousands(safe), thousands(all), if all == 1 { one } else { many })
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => "Nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number with a comma after each three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_kinds_stand_in_a_sentence() {
        assert_eq!([0, 999, 1_000, 12_345_678].map(thousands), ["0", "999", "1,000", "12,345,678"]);
        assert_eq!(of_kind(CheckedKind::Photo, 2_430, 2_431), "2,430 of 2,431 photos");
        let parts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([0, 1, 2, 3].map(|count| joined(&parts[..count])), ["Nothing", "a", "a and b", "a, b and c"]);
    }
}
