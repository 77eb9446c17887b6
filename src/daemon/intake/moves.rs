//! Moves that were believed: a file is at another path with another ctime, and keeps its photo.
//!
//! A rename changes ctime. So does a program that writes and restores mtime. The event of such a writer may come before or
//! after the move, and a write through a hard link elsewhere raises none. So the index keeps the ctime of before the move
//! until the bytes were compared. That is done later, and no answer waits for it. Time is passed in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::intake::{Found, Heard};
use crate::photo::{OtherKind, Place, Root, Stamp};

/// If the event of a writer led to no file, moves are doubted from this long before it to this long after it. A path that is
/// never quiet is scanned after two seconds.
const DOUBT_TIME: Duration = Duration::from_secs(10);

/// Moves that were believed, with the stamp that each file had then.
#[derive(Debug, Default)]
pub struct Moves {
    doubted_until: Option<Instant>,
    /// Those of the last seconds, in their order.
    believed: Vec<(Instant, Place, Stamp)>,
    /// All files whose bytes were not compared since.
    unproven: HashMap<Place, Stamp>,
}

impl Moves {
    /// Records a move. Returns whether it is to be believed.
    pub fn believe(&mut self, place: Place, stamp: &Stamp, now: Instant) -> bool {
        if self.doubted_until.is_some_and(|until| now < until) {
            return false;
        }
        self.unproven.insert(place.clone(), *stamp);
        self.believed.push((now, place, *stamp));
        true
    }

    /// Doubts moves from now on. Returns those that were believed and must be read again.
    pub fn doubt(&mut self, now: Instant) -> Vec<(Place, Stamp)> {
        self.doubted_until = Some(now + DOUBT_TIME);
        let recent = self.believed.split_off(self.count_old(now)).into_iter().map(|(_, place, stamp)| (place, stamp));
        recent.filter(|(place, stamp)| self.take_unproven(place, stamp)).collect()
    }

    /// When the bytes of the next moved file can be compared.
    pub fn next(&self) -> Option<Instant> {
        self.believed.first().map(|(at, ..)| *at + DOUBT_TIME)
    }

    /// Takes the files that can be compared now: the events of their writers would have come by now.
    pub fn take_old(&mut self, now: Instant) -> Vec<(Place, Stamp)> {
        let count = self.count_old(now);
        self.believed.drain(..count).map(|(_, place, stamp)| (place, stamp)).collect()
    }

    /// Returns whether a file was moved, has this stamp since, and was not compared. It counts as compared from now on.
    pub fn take_unproven(&mut self, place: &Place, stamp: &Stamp) -> bool {
        self.unproven.remove(place).is_some_and(|then| then == *stamp)
    }

    /// Forgets a file that is gone.
    pub fn forget(&mut self, place: &Place) {
        self.unproven.remove(place);
    }

    fn count_old(&self, now: Instant) -> usize {
        self.believed.partition_point(|(at, ..)| now.saturating_duration_since(*at) >= DOUBT_TIME)
    }
}

/// Returns whether a writer closed a photo at a path where none was found. It was moved or deleted since, or the event has
/// the name of another file, because a folder moved.
pub fn is_misled(due: &BTreeMap<PathBuf, Heard>, walks: &[(Root, Place, Found)], is_closed: impl Fn(&Heard) -> bool) -> bool {
    let is_other = |path: &&PathBuf| OtherKind::from_name(path).is_some();
    let closed = due.iter().filter(|(_, heard)| is_closed(heard)).map(|(path, _)| path);
    let closed: HashSet<&PathBuf> = closed.filter(|path| !is_other(path)).collect();
    let found = walks.iter().flat_map(|(root, _, found)| found.files.iter().map(|(path, _)| root.path.join(path)));
    !closed.is_empty() && found.filter(|path| closed.contains(path)).count() < closed.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::RootId;

    fn place(name: &str) -> Place {
        Place { root: RootId(1), path: name.into() }
    }

    fn stamp(ctime: i64) -> Stamp {
        Stamp { volume: 1, inode: 1, size: 1, mtime: 1, ctime, birth: Some(1) }
    }

    #[test]
    fn a_move_is_doubted_if_a_writer_was_there_shortly_before_or_after_it() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut moves = Moves::default();
        assert!(moves.believe(place("long ago"), &stamp(1), at(0)));
        assert!(moves.believe(place("just now"), &stamp(2), at(12)));
        assert_eq!(moves.doubt(at(13)), [(place("just now"), stamp(2))]);
        assert!(!moves.believe(place("while in doubt"), &stamp(3), at(14)));
        assert!(moves.doubt(at(15)).is_empty(), "each is read again once");
        assert_eq!(moves.take_old(at(15)), [(place("long ago"), stamp(1))], "it is compared all the same");
        assert!(moves.believe(place("later"), &stamp(4), at(26)));
    }

    #[test]
    fn every_moved_file_is_compared_once_unless_it_has_another_stamp_or_is_gone() {
        let start = Instant::now();
        let mut moves = Moves::default();
        assert_eq!(moves.next(), None);
        for name in ["moved", "written to since", "gone"] {
            assert!(moves.believe(place(name), &stamp(1), start));
        }
        let later = moves.next().expect("they wait");
        assert!(later > start && moves.take_old(start).is_empty());
        assert_eq!((moves.take_old(later).len(), moves.next()), (3, None));
        moves.forget(&place("gone"));
        assert!(moves.take_unproven(&place("moved"), &stamp(1)) && !moves.take_unproven(&place("moved"), &stamp(1)));
        assert!(!moves.take_unproven(&place("written to since"), &stamp(2)) && !moves.take_unproven(&place("gone"), &stamp(1)));
    }
}
