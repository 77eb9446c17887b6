//! Whether files that a client holds are known. Files of which only the stamp is known are hashed when one of their size is asked
//! about, and their hashes are kept.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::Answers;
use crate::api::types::{KnownAnswer, KnownCopy, KnownQuestion};
use crate::api::{Code, Problem, text_of};
use crate::catalog::roots::Roots;
use crate::daemon::messages::{Change, Write};
use crate::intake::{Rules, stamp_like};
use crate::photo::{ContentHash, OtherFile, PictureHash, Place, Stamp};
use crate::sys::probe::{self, DISK_STEP_TIMEOUT};
use crate::sys::regular_file::open;

/// How much of a file is hashed in one step.
const STEP_BYTES: u64 = 32 << 20;
const READ_BYTES: usize = 1 << 20;

/// How far two times may be apart that are meant to be one, in nanoseconds: FAT counts in two seconds.
const SAME_TIME_NS: i64 = 2_000_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;
/// A camera writes local time. Where another program takes it for that of another zone, it is off by whole hours.
const MOST_HOURS: i64 = 14;

/// What the answers are about.
struct Asked<'a> {
    roots: &'a Roots,
    rules: &'a Rules,
    scopes: &'a [Place],
}

impl Asked<'_> {
    /// Whether a known file is in the places that were asked about, and not left out by the rules.
    fn holds(&self, place: &Place) -> bool {
        let is_in = |scope: &Place| scope.root == place.root && (scope.path.as_os_str().is_empty() || place.path.starts_with(&scope.path));
        let is_hidden = || self.roots.get(place.root).is_none_or(|root| self.rules.hide(&self.roots.path_for_rules(root, &place.path)));
        self.scopes.iter().any(is_in) && !is_hidden()
    }

    fn copy(&self, place: &Place, stamp: &Stamp, content: Option<&ContentHash>) -> Option<KnownCopy> {
        let root = self.roots.get(place.root)?;
        let last_scan = self.roots.state(place.root).and_then(|state| state.schedule.last_scan);
        Some(KnownCopy {
            path: text_of(&root.path_of(place)),
            volume: root.volume_location.as_ref().map(|(volume, _)| volume.clone()),
            root: text_of(&root.path),
            offline: !self.roots.is_here(place),
            seen: last_scan.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|time| time.as_secs()),
            size: stamp.size,
            mtime_ns: stamp.mtime,
            ctime_ns: (stamp.inode != 0).then_some(stamp.ctime),
            content: content.map(ToString::to_string),
        })
    }
}

impl Answers {
    pub(super) fn look_up(&self, paths: &[PathBuf], questions: &[KnownQuestion]) -> Result<Vec<KnownAnswer>, Problem> {
        let scopes = self.scopes(paths)?;
        let (reader, roots) = (self.reader()?, self.state.roots.now());
        let rules = self.state.configuration.reloadable().rules;
        let asked = Asked { roots: &roots, rules: &rules, scopes: &scopes };
        let named = |question: &&KnownQuestion| question.name.is_some() && question.mtime_ns.is_some();
        let sizes: HashSet<u64> = questions.iter().filter(named).map(|question| question.size).collect();
        let of_sizes = if sizes.is_empty() { Vec::new() } else { reader.files_of_sizes(&sizes)? };
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            let mut answer = KnownAnswer { n: question.n, ..KnownAnswer::default() };
            let content = hash(question.content.as_deref())?.map(ContentHash);
            if let Some(picture) = hash(question.picture.as_deref())?.map(PictureHash) {
                for file in reader.files_with_picture(&picture)?.iter().filter(|file| asked.holds(&file.place)) {
                    let copies = if Some(file.content) == content { &mut answer.content } else { &mut answer.picture };
                    copies.extend(asked.copy(&file.place, &file.stamp, Some(&file.content)));
                }
            }
            if question.name.is_none() {
                let undecoded = reader.undecoded_of_size(question.size)?;
                for file in undecoded.iter().filter(|file| asked.holds(&file.place)) {
                    answer.same_size += 1;
                    let Some(content) = content else { continue };
                    match self.hash_of(file, &roots, &mut answer.read) {
                        Some(known) if known == content => {
                            answer.content.extend(asked.copy(&file.place, &file.stamp, Some(&known)));
                        }
                        Some(_) => {}
                        None => answer.perhaps.extend(asked.copy(&file.place, &file.stamp, None)),
                    }
                }
            }
            let alike = of_sizes.iter().filter(|(place, stamp)| is_alike(question, place, stamp) && asked.holds(place));
            answer.alike.extend(alike.filter_map(|(place, stamp)| asked.copy(place, stamp, None)));
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Returns the hash of the bytes that a file has with its stamp. Reads it if that is not known. `None` if it is not there, has
    /// another stamp by now, or its disk does not answer.
    fn hash_of(&self, file: &OtherFile, roots: &Roots, read: &mut u64) -> Option<ContentHash> {
        if file.content.is_some() {
            return file.content;
        }
        if !roots.is_here(&file.place) || !roots.is_online(file.place.root) {
            return None;
        }
        let content = hashed(&roots.path_of(&file.place)?, file.stamp, read)?;
        // The writer is gone only when the daemon ends.
        let _ = self.writes.send(Write::Change(Change::Hashed { place: file.place.clone(), stamp: file.stamp, content }));
        Some(content)
    }
}

/// Parses a hash in hexadecimal.
fn hash(text: Option<&str>) -> Result<Option<[u8; 32]>, Problem> {
    let wrong = |text: &str| Problem::new(Code::Question, format!("{text:?} is not a hash")).hint("a hash has 64 hexadecimal digits");
    text.map(|text| blake3::Hash::from_hex(text).map(Into::into).map_err(|_| wrong(text))).transpose()
}

/// Whether a file has the size, the name and the time that were asked about.
fn is_alike(question: &KnownQuestion, place: &Place, stamp: &Stamp) -> bool {
    let (Some(name), Some(mtime)) = (&question.name, question.mtime_ns) else { return false };
    let known = place.path.file_name().map(OsStr::to_string_lossy);
    let apart = stamp.mtime.saturating_sub(mtime);
    let from_hour = apart.rem_euclid(HOUR_NS);
    let is_same_time = apart.abs() <= MOST_HOURS * HOUR_NS + SAME_TIME_NS && from_hour.min(HOUR_NS - from_hour) <= SAME_TIME_NS;
    stamp.size == question.size && is_same_time && known.is_some_and(|known| known.to_lowercase() == name.to_lowercase())
}

/// Hashes a file, if it has this stamp before and after. The disk must answer for each part of it.
fn hashed(path: &Path, stamp: Stamp, read: &mut u64) -> Option<ContentHash> {
    let path = path.to_owned();
    let mut file = probe::in_time(DISK_STEP_TIMEOUT, move || open(&path))?.ok()?;
    let mut hasher = blake3::Hasher::new();
    let is_unchanged = move |file: &File| stamp_like(file, &stamp).is_ok_and(|now| stamp.is_unchanged(&now));
    loop {
        let step = move || {
            if !is_unchanged(&file) {
                return Err(io::Error::other("it changed"));
            }
            let bytes = hash_step(&mut file, &mut hasher)?;
            Ok((file, hasher, bytes))
        };
        let bytes;
        (file, hasher, bytes) = probe::in_time(DISK_STEP_TIMEOUT, step)?.ok()?;
        *read += bytes;
        if bytes < STEP_BYTES {
            // Whoever wrote to it while it was read has changed its stamp.
            let is_same = probe::in_time(DISK_STEP_TIMEOUT, move || is_unchanged(&file))?;
            return is_same.then(|| ContentHash(hasher.finalize().into()));
        }
    }
}

fn hash_step(file: &mut File, hasher: &mut blake3::Hasher) -> io::Result<u64> {
    let (mut buffer, mut done) = (vec![0; READ_BYTES], 0);
    while done < STEP_BYTES {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                hasher.update(&buffer[..read]);
                done += read as u64;
            }
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::RootId;

    #[test]
    fn size_name_and_time_are_compared_as_cameras_and_fat_write_them() {
        let stamp = |mtime: i64| Stamp { volume: 1, inode: 1, size: 10, mtime, ctime: 0, birth: None };
        let place = Place { root: RootId(1), path: "a/IMG_1.JPG".into() };
        let question = |name: &str, size| KnownQuestion {
            n: 1,
            size,
            content: None,
            picture: None,
            name: Some(name.into()),
            mtime_ns: Some(1_000 * HOUR_NS),
        };
        for (what, name, size, mtime, expected) in [
            ("the same", "IMG_1.JPG", 10, 1_000 * HOUR_NS, true),
            ("another case", "img_1.jpg", 10, 1_000 * HOUR_NS + SAME_TIME_NS, true),
            ("another zone", "IMG_1.JPG", 10, 1_002 * HOUR_NS - SAME_TIME_NS, true),
            ("another day", "IMG_1.JPG", 10, 1_024 * HOUR_NS, false),
            ("three seconds later", "IMG_1.JPG", 10, 1_000 * HOUR_NS + 3_000_000_000, false),
            ("another size", "IMG_1.JPG", 11, 1_000 * HOUR_NS, false),
            ("another name", "IMG_2.JPG", 10, 1_000 * HOUR_NS, false),
        ] {
            assert_eq!(is_alike(&question(name, size), &place, &stamp(mtime)), expected, "{what}");
        }
    }

    #[test]
    fn a_hash_has_64_digits() {
        assert!(hash(Some("xy")).is_err() && hash(Some(&"0".repeat(63))).is_err());
        assert_eq!(hash(Some(&"0a".repeat(32))).ok().flatten(), Some([10; 32]));
        assert_eq!(hash(None).ok().flatten(), None);
    }
}
