//! Decides which files that are gone are forgotten, and which are kept until a person confirms it.

use crate::photo::Place;

/// Fewer lost files of a root are forgotten without confirmation.
pub const MASS_DELETION_MIN_FILES: usize = 50;

/// Divides the files of one root that are gone into those to forget and the missing ones, which are kept. If most of a
/// root is gone at once, a disk was more likely disconnected than all files deleted.
///
/// A file is lost only if its photo is in no other file: `is_elsewhere` tells this. Without `is_elsewhere` no file
/// counts as lost. `share` of the root's `count` files may be lost without confirmation, 0 to 1.
pub fn believed(
    gone: Vec<Place>,
    share: f64,
    is_elsewhere: Option<impl Fn(&Place) -> bool>,
    count: impl FnOnce() -> usize,
) -> (Vec<Place>, Vec<Place>) {
    let Some(is_elsewhere) = is_elsewhere.filter(|_| gone.len() >= MASS_DELETION_MIN_FILES) else { return (gone, Vec::new()) };
    let (mut forgotten, lost): (Vec<Place>, Vec<Place>) = gone.into_iter().partition(is_elsewhere);
    if lost.len() < MASS_DELETION_MIN_FILES || lost.len() as f64 <= share * count() as f64 {
        forgotten.extend(lost);
        return (forgotten, Vec::new());
    }
    (forgotten, lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::RootId;

    /// Returns how many files are forgotten and how many are kept, if `gone` of the `all` files of a root are gone, and
    /// the photos of `elsewhere` of them are in other files.
    fn counts(gone: usize, elsewhere: usize, all: usize, share: f64) -> (usize, usize) {
        let places = (0..gone).map(|n| Place { root: RootId(1), path: n.to_string().into() }).collect();
        let is_elsewhere = |place: &Place| place.path.to_str().and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| n < elsewhere);
        let (forgotten, lost) = believed(places, share, Some(is_elsewhere), || all);
        (forgotten.len(), lost.len())
    }

    #[test]
    fn most_of_a_root_is_not_forgotten_at_once() {
        for (what, gone, elsewhere, all, share, expected) in [
            ("nothing", 0, 0, 100, 0.5, (0, 0)),
            ("a few, though they are all", 49, 0, 49, 0.5, (49, 0)),
            ("just enough to ask", 50, 0, 50, 0.5, (0, 50)),
            ("half of them", 50, 0, 100, 0.5, (50, 0)),
            ("one more than half", 51, 0, 100, 0.5, (0, 51)),
            ("all of many", 10_000, 0, 10_000, 0.5, (0, 10_000)),
            ("moved as a whole", 10_000, 10_000, 20_000, 0.5, (10_000, 0)),
            ("moved but for a few", 10_000, 9_960, 10_000, 0.001, (10_000, 0)),
            ("moved but for many", 10_000, 9_000, 10_000, 0.05, (9_000, 1_000)),
            ("any share may go", 10_000, 0, 10_000, 1.0, (10_000, 0)),
            ("no share may go", 60, 0, 1_000_000, 0.0, (0, 60)),
        ] {
            assert_eq!(counts(gone, elsewhere, all, share), expected, "{what}");
        }
    }

    #[test]
    fn a_root_whose_files_cannot_be_counted_is_not_forgotten() {
        assert_eq!(counts(1000, 0, 0, 0.5), (0, 1000));
    }
}
