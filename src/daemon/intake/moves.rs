//! Moves that were believed: a file is at another path with another ctime, and keeps its photo. A rename changes the ctime,
//! and so does a program that writes and puts the time back. What was written is known only once the event of the writer was
//! looked at, before or after the move. Time is passed in.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::intake::{Found, Heard};
use crate::photo::{Place, Root};

/// For so long after the event of a writer led to no file, moves are doubted, and those from so long before it. A path that
/// is never quiet is looked at after two seconds.
const DOUBT_TIME: Duration = Duration::from_secs(10);

/// The moves of the last seconds, with the bytes of each file.
#[derive(Debug, Default)]
pub struct Moves {
    doubted_until: Option<Instant>,
    believed: Vec<(Instant, Place, u64)>,
}

impl Moves {
    /// Records a move. Returns whether it is to be believed.
    pub fn believe(&mut self, place: Place, bytes: u64, now: Instant) -> bool {
        if self.doubted_until.is_some_and(|until| now < until) {
            return false;
        }
        self.believed.retain(|(at, ..)| now.saturating_duration_since(*at) < DOUBT_TIME);
        self.believed.push((now, place, bytes));
        true
    }

    /// Doubts moves from now on. Returns those that were believed and must be read again.
    pub fn doubt(&mut self, now: Instant) -> Vec<(Place, u64)> {
        self.doubted_until = Some(now + DOUBT_TIME);
        let recent = |at: &Instant| now.saturating_duration_since(*at) < DOUBT_TIME;
        self.believed.drain(..).filter(|(at, ..)| recent(at)).map(|(_, place, bytes)| (place, bytes)).collect()
    }
}

/// Returns whether a writer closed a file at a path where none was found. It was moved or deleted since, or the event has
/// the name of another file, because a folder moved.
pub fn is_misled(due: &BTreeMap<PathBuf, Heard>, walks: &[(Root, Place, Found)], is_closed: impl Fn(&Heard) -> bool) -> bool {
    let closed: HashSet<&PathBuf> = due.iter().filter(|(_, heard)| is_closed(heard)).map(|(path, _)| path).collect();
    let found = walks.iter().flat_map(|(root, _, found)| found.files.iter().map(|(path, _)| root.path.join(path)));
    !closed.is_empty() && found.filter(|path| closed.contains(path)).count() < closed.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::RootId;

    #[test]
    fn a_move_is_doubted_if_a_writer_was_there_shortly_before_or_after_it() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let place = |name: &str| Place { root: RootId(1), path: name.into() };
        let mut moves = Moves::default();
        assert!(moves.believe(place("long ago"), 1, at(0)));
        assert!(moves.believe(place("just now"), 2, at(12)));
        assert_eq!(moves.doubt(at(13)), [(place("just now"), 2)]);
        assert!(!moves.believe(place("while in doubt"), 3, at(14)));
        assert!(moves.doubt(at(15)).is_empty(), "each is read again once");
        assert!(moves.believe(place("later"), 4, at(26)));
    }
}
