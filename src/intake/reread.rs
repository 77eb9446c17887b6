//! Limits how fast files are read again of which only the ctime changed. A program may change the modes of a whole
//! library at once. Time is passed in.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So many files are read again at once.
const BURST_FILES: u32 = 256;

/// After that, one file is read again in this time.
const REREAD_INTERVAL: Duration = Duration::from_millis(500);

/// Files that may be read again, and files that wait for it.
#[derive(Debug)]
pub struct RereadLimit {
    /// How many more files may be read, at the time `counted`.
    available: u32,
    counted: Instant,
    waiting: BTreeSet<PathBuf>,
    /// Files that waited and may be read now.
    granted: HashSet<PathBuf>,
}

impl RereadLimit {
    pub fn new(now: Instant) -> RereadLimit {
        RereadLimit { available: BURST_FILES, counted: now, waiting: BTreeSet::new(), granted: HashSet::new() }
    }

    /// Whether a file may be read again now. If not, it waits.
    pub fn allows(&mut self, path: &Path, now: Instant) -> bool {
        if self.granted.remove(path) {
            return true;
        }
        self.count(now);
        if self.available == 0 {
            self.waiting.insert(path.to_owned());
            return false;
        }
        self.available -= 1;
        self.waiting.remove(path);
        true
    }

    /// When the next waiting file may be read.
    pub fn next(&self) -> Option<Instant> {
        let wait = if self.available > 0 { Duration::ZERO } else { REREAD_INTERVAL };
        (!self.waiting.is_empty()).then(|| self.counted + wait)
    }

    /// Takes the waiting files that may be read now.
    pub fn take_due(&mut self, now: Instant) -> Vec<PathBuf> {
        self.count(now);
        let mut due = Vec::new();
        while self.available > 0
            && let Some(path) = self.waiting.pop_first()
        {
            self.available -= 1;
            self.granted.insert(path.clone());
            due.push(path);
        }
        due
    }

    fn count(&mut self, now: Instant) {
        let intervals = (now.saturating_duration_since(self.counted).as_millis() / REREAD_INTERVAL.as_millis()) as u32;
        self.counted += REREAD_INTERVAL * intervals;
        self.available = self.available.saturating_add(intervals).min(BURST_FILES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_read_at_once_and_the_others_one_by_one() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        let paths: Vec<PathBuf> = (0..300).map(|n| PathBuf::from(format!("/{n:03}"))).collect();
        let allowed = paths.iter().filter(|path| limit.allows(path, start)).count();
        assert_eq!((allowed, limit.waiting.len()), (256, 44));
        assert_eq!(limit.next(), Some(start + REREAD_INTERVAL));
        assert!(limit.take_due(start + REREAD_INTERVAL / 2).is_empty());
        assert_eq!(limit.take_due(start + 2 * REREAD_INTERVAL), ["/256", "/257"].map(PathBuf::from));
        assert!(limit.allows(Path::new("/256"), start + 2 * REREAD_INTERVAL), "it has waited for its turn");
        assert!(!limit.allows(Path::new("/256"), start + 2 * REREAD_INTERVAL), "it was written to again");
    }

    #[test]
    fn after_a_rest_as_many_as_at_first_are_read() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        assert_eq!(limit.next(), None);
        let later = start + Duration::from_secs(3600);
        assert!((0..256).all(|n| limit.allows(Path::new(&n.to_string()), later)));
        assert!(!limit.allows(Path::new("/more"), later));
    }
}
