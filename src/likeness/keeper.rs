//! The keeper: of several files of one photo, the one that stays when the others go.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;
use std::path::Path;

use crate::photo::{KeeperRule, Metadata};

/// What systems and clouds call a copy: `DSC_1 - Kopie`, `DSC_1 copy 2`, `DSC_1 (copie)`, `Copia de DSC_1`.
const COPY: [&str; 14] =
    ["copy", "kopie", "copie", "copia", "cópia", "kopia", "kópia", "kopi", "kopio", "kopya", "másolat", "копия", "копія", "αντίγραφο"];

/// Those that need no space before them: `DSC_1のコピー2`.
const COPY_AT_END: [&str; 6] = ["コピー", "副本", "複製", "复制", "복사본", "사본"];

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct FileCandidate<'a> {
    pub path: &'a Path,
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
    /// `None` if it is not known.
    pub metadata: Option<&'a Metadata>,
    /// How many files its shot has.
    pub shot_files: usize,
    /// Whether a file of its name is there, of which it is not known that both are one shot.
    pub is_unpaired: bool,
}

/// Sorts the files of a photo, the keeper first. Returns their positions, and the rule by which the keeper comes before
/// the second file; `None` if there is no second file.
///
/// The rules, in this order: the most that a person says, if what all files say is known; the shot with the most files, so that no
/// shot is torn apart, and then what may be of a shot before what is alone; the most bytes, because the pictures are the same and the rest is metadata; a plain name before one that a copy gets; the oldest; the shortest
/// path; the first path.
pub fn keeper_first(candidates: &[FileCandidate<'_>]) -> (Vec<usize>, Option<KeeperRule>) {
    let is_copy = are_copy_names(candidates.iter().map(|c| c.path));
    let said: Option<Vec<_>> = candidates.iter().map(|c| c.metadata.map(|metadata| metadata.description.richness())).collect();
    let said = said.unwrap_or_else(|| vec![Default::default(); candidates.len()]);
    let compared = |&x: &usize, &y: &usize| -> [(Ordering, KeeperRule); 6] {
        let (a, b) = (&candidates[x], &candidates[y]);
        [
            (Reverse(said[x]).cmp(&Reverse(said[y])), KeeperRule::Description),
            (Reverse((a.shot_files, a.is_unpaired)).cmp(&Reverse((b.shot_files, b.is_unpaired))), KeeperRule::Shot),
            (Reverse(a.bytes).cmp(&Reverse(b.bytes)), KeeperRule::Metadata),
            (is_copy[x].cmp(&is_copy[y]), KeeperRule::PlainName),
            (a.mtime.cmp(&b.mtime), KeeperRule::Oldest),
            ((a.path.as_os_str().len(), a.path).cmp(&(b.path.as_os_str().len(), b.path)), KeeperRule::Path),
        ]
    };
    let decisive = |x: &usize, y: &usize| compared(x, y).into_iter().find(|(order, _)| order.is_ne());
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|x, y| decisive(x, y).map_or(Ordering::Equal, |(order, _)| order));
    let rule = if let [first, second, ..] = &order[..] { decisive(first, second).map(|(_, rule)| rule) } else { None };
    (order, rule)
}

/// Returns of each path whether its name is one that a copy gets: another of the names with something before or after it,
/// or a name with the mark of a copy.
pub fn are_copy_names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<bool> {
    let stems: Vec<String> = paths.map(stem).collect();
    let all: HashSet<&str> = stems.iter().map(String::as_str).collect();
    stems.iter().map(|stem| has_copy_mark(stem) || extends(stem, &all)).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Whether a name has the mark of a copy: a number in brackets at its end, or a word that systems and clouds write at its end, with a
/// number after it, or at its beginning.
fn has_copy_mark(stem: &str) -> bool {
    let is_numbered = [('(', ')'), ('[', ']')].into_iter().any(|(opening, closing)| {
        let inside = stem.strip_suffix(closing).and_then(|s| s.rsplit_once(opening));
        inside.is_some_and(|(before, number)| !before.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    let words = stem.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut words: Vec<&str> = words.map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    let first = words.first().copied();
    // What is left of a number is empty.
    while words.len() > 1 && words.last() == Some(&"") {
        words.pop();
    }
    let is_named = words.len() > 1 && [first, words.last().copied()].into_iter().flatten().any(|word| COPY.contains(&word));
    let is_end = |word: &&str| words.last().is_some_and(|last| last.ends_with(*word) && (words.len() > 1 || last.len() > word.len()));
    let ends_as_copy = COPY_AT_END.iter().any(is_end);
    is_numbered || is_named || ends_as_copy || stem.contains("conflict")
}

/// Returns whether a name is another name with something before or after it that begins a word of its own. Looks names up
/// instead of comparing all with all: a photo can have tens of thousands of files.
fn extends(stem: &str, all: &HashSet<&str>) -> bool {
    stem.char_indices().filter(|(_, c)| !c.is_alphanumeric()).any(|(at, c)| {
        let (before, after) = (&stem[..at], &stem[at + c.len_utf8()..]);
        // A number alone is what many names end with.
        let is_name = after.contains(char::is_alphabetic);
        (!before.is_empty() && all.contains(before)) || (is_name && all.contains(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Description;

    /// The name of the keeper among files of one size and time, and the rule.
    fn keeper<'a>(names: &[&'a str]) -> (&'a str, Option<KeeperRule>) {
        let candidates: Vec<FileCandidate<'_>> = names
            .iter()
            .map(|name| FileCandidate { path: Path::new(name), bytes: 9, mtime: 9, metadata: None, shot_files: 1, is_unpaired: false })
            .collect();
        let (order, rule) = keeper_first(&candidates);
        (names[order[0]], rule)
    }

    #[test]
    fn a_plain_name_comes_before_the_name_of_a_copy() {
        for copy in [
            "DSC_1 (1)",
            "DSC_1(1)",
            "DSC_1 - Copy",
            "DSC_1 - Kopie",
            "DSC_1 copy",
            "DSC_1_copie",
            "Copy of DSC_1",
            "Kopie von DSC_1",
            "DSC_1.sync-conflict-20240101-120000-ABCDEFG",
            "DSC_1 (Anna's conflicted copy 2024-01-01)",
            "DSC_1-Edit",
            "DSC_1 copy 2",
            "DSC_1 – Kopie (2)",
            "DSC_1 - copie",
            "DSC_1 - Copia",
            "DSC_1のコピー",
            "DSC_1のコピー2",
            "DSC_1 - 副本",
            "DSC_1 — копия",
            "DSC_1_1",
            "DSC_1[1]",
        ] {
            let copy = format!("/a/{copy}.JPG");
            assert_eq!(keeper(&[&copy, "/archive/2019/DSC_1.JPG"]), ("/archive/2019/DSC_1.JPG", Some(KeeperRule::PlainName)), "{copy}");
        }
        // The plain name itself may be gone.
        for copy in ["x (2)", "x[1]", "x copy 2", "x_copy", "x (copie)", "x - Kopie", "Copia de x", "Копия x", "xのコピー 2", "x 사본"]
        {
            let copy = format!("/a/{copy}.jpg");
            assert_eq!(keeper(&[&copy, "/b/holiday.jpg"]), ("/b/holiday.jpg", Some(KeeperRule::PlainName)), "{copy}");
        }
        for plain in ["copy", "Kopie 2", "photocopy", "copyright", "副本", "conference 2024", "2024"] {
            assert!(!has_copy_mark(&plain.to_lowercase()), "{plain}");
        }
        // What many names end with is no name that is extended.
        assert_eq!(keeper(&["/a/IMG_1.jpg", "/a/longer/1.jpg"]), ("/a/IMG_1.jpg", Some(KeeperRule::Path)));
        // A longer number or word is another name.
        assert_eq!(keeper(&["/a/DSC_10.jpg", "/long/DSC_1.jpg"]), ("/a/DSC_10.jpg", Some(KeeperRule::Path)));
    }

    #[test]
    fn metadata_then_name_then_age_then_path_decide() {
        let file =
            |path, bytes, mtime| FileCandidate { path: Path::new(path), bytes, mtime, metadata: None, shot_files: 1, is_unpaired: false };
        let (order, rule) = keeper_first(&[file("/a.jpg", 10, 1), file("/a (1).jpg", 12, 5)]);
        assert_eq!((order, rule), (vec![1, 0], Some(KeeperRule::Metadata)));
        let (order, rule) = keeper_first(&[file("/b.jpg", 10, 3), file("/c.jpg", 10, 1), file("/c (1).jpg", 10, 0)]);
        assert_eq!((order, rule), (vec![1, 0, 2], Some(KeeperRule::Oldest)));
        let (order, rule) = keeper_first(&[file("/x/a.jpg", 10, 3), file("/a.jpg", 10, 3)]);
        assert_eq!((order, rule), (vec![1, 0], Some(KeeperRule::Path)));
        assert_eq!(keeper_first(&[file("/a.jpg", 10, 3)]), (vec![0], None));
    }

    #[test]
    fn the_file_of_the_larger_shot_stays() {
        let file = |path, bytes, shot_files| FileCandidate {
            path: Path::new(path),
            bytes,
            mtime: 1,
            metadata: None,
            shot_files,
            is_unpaired: false,
        };
        assert_eq!(keeper_first(&[file("/a.jpg", 12, 1), file("/b/a (1).jpg", 10, 3)]), (vec![1, 0], Some(KeeperRule::Shot)));
        let unpaired = FileCandidate { is_unpaired: true, ..file("/b/IMG_E1234.JPG", 10, 1) };
        assert_eq!(keeper_first(&[file("/a.jpg", 12, 1), unpaired]), (vec![1, 0], Some(KeeperRule::Shot)), "the other one is alone");
    }

    #[test]
    fn what_a_person_says_comes_before_more_bytes_and_a_plain_name() {
        let rated = Metadata { description: Description { rating: Some(5), ..Description::default() }, ..Metadata::default() };
        let plain = Metadata::default();
        let file =
            |path, bytes, metadata| FileCandidate { path: Path::new(path), bytes, mtime: 1, metadata, shot_files: 1, is_unpaired: false };
        let two = |metadata| keeper_first(&[file("/a.jpg", 12, Some(&plain)), file("/a (1).jpg", 10, metadata)]);
        assert_eq!(two(Some(&rated)), (vec![1, 0], Some(KeeperRule::Description)));
        assert_eq!(two(None), (vec![0, 1], Some(KeeperRule::Metadata)), "it is not known of all files");
    }
}
