//! Limits how fast files are read again of which only the ctime changed. A program may change the modes of a whole
//! library at once, or the names of all files. Time is passed in.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// This many bytes are read again at once: 256 photos of 8 MiB.
const BURST_BYTES: i64 = 256 * (8 << 20);

/// After that, this many bytes in a millisecond: two such photos in a second.
const BYTES_PER_MILLISECOND: i64 = 16 << 10;

/// A small file takes as long to read as this number of bytes.
const MIN_FILE_BYTES: i64 = 256 << 10;

/// Files that may be read again, and files that wait for it.
#[derive(Debug)]
pub struct RereadLimit {
    /// How many more bytes may be read, at the time `counted`. Below 0 after a file that was larger.
    available: i64,
    counted: Instant,
    /// The bytes of each file that waits.
    waiting: BTreeMap<PathBuf, i64>,
    /// Files that waited and may be read now.
    granted: HashSet<PathBuf>,
}

impl RereadLimit {
    pub fn new(now: Instant) -> RereadLimit {
        RereadLimit { available: BURST_BYTES, counted: now, waiting: BTreeMap::new(), granted: HashSet::new() }
    }

    /// Whether a file of this size may be read again now. If not, it waits.
    pub fn allows(&mut self, path: &Path, bytes: u64, now: Instant) -> bool {
        if self.granted.remove(path) {
            return true;
        }
        let bytes = clamped(bytes);
        self.count(now);
        if self.available <= 0 {
            self.waiting.insert(path.to_owned(), bytes);
            return false;
        }
        self.available -= bytes;
        self.waiting.remove(path);
        true
    }

    /// Has a file wait for its turn.
    pub fn wait(&mut self, path: PathBuf, bytes: u64) {
        self.waiting.insert(path, clamped(bytes));
    }

    /// When the next waiting file may be read.
    pub fn next(&self) -> Option<Instant> {
        let missing = (1 - self.available).max(0) as u64;
        (!self.waiting.is_empty()).then(|| self.counted + Duration::from_millis(missing.div_ceil(BYTES_PER_MILLISECOND as u64)))
    }

    /// Takes the waiting files that may be read now.
    pub fn take_due(&mut self, now: Instant) -> Vec<PathBuf> {
        self.count(now);
        let mut due = Vec::new();
        while self.available > 0
            && let Some((path, bytes)) = self.waiting.pop_first()
        {
            self.available -= bytes;
            self.granted.insert(path.clone());
            due.push(path);
        }
        due
    }

    fn count(&mut self, now: Instant) {
        let passed = Duration::from_millis(now.saturating_duration_since(self.counted).as_millis() as u64);
        self.counted += passed;
        let bytes = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX).saturating_mul(BYTES_PER_MILLISECOND);
        self.available = self.available.saturating_add(bytes).min(BURST_BYTES);
    }
}

/// What a file of this size takes of the limit.
fn clamped(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX).clamp(MIN_FILE_BYTES, BURST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: u64 = 8 << 20;

    #[test]
    fn some_files_are_read_at_once_and_the_others_one_by_one() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        let paths: Vec<PathBuf> = (0..300).map(|n| PathBuf::from(format!("/{n:03}"))).collect();
        let allowed = paths.iter().filter(|path| limit.allows(path, PHOTO, start)).count();
        assert_eq!((allowed, limit.waiting.len()), (256, 44));
        let next = limit.next().expect("one waits");
        assert!(limit.take_due(start).is_empty() && next > start);
        assert_eq!(limit.take_due(next), ["/256"].map(PathBuf::from));
        let later = start + Duration::from_secs(10);
        // Two a second.
        assert!((19..=21).contains(&(1 + limit.take_due(later).len())));
        assert!(limit.allows(Path::new("/256"), PHOTO, later), "it has waited for its turn");
        assert!(!limit.allows(Path::new("/256"), PHOTO, later), "it was written to again");
    }

    #[test]
    fn small_files_wait_less() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        let allowed = (0..10_000).filter(|n| limit.allows(Path::new(&n.to_string()), 10_000, start)).count();
        assert_eq!(allowed, 8192);
        assert_eq!(limit.take_due(start + Duration::from_secs(1)).len(), 63);
    }

    #[test]
    fn files_that_wait_from_the_start_have_the_same_limit() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        (0..100_000).for_each(|n| limit.wait(PathBuf::from(n.to_string()), 10_000));
        let due = limit.take_due(start);
        assert_eq!((due.len(), limit.waiting.len()), (8192, 100_000 - 8192));
        assert!(due.iter().all(|path| limit.allows(path, 10_000, start)), "it is their turn");
        assert!(limit.next().is_some_and(|next| next > start));
    }

    #[test]
    fn after_a_rest_as_many_as_at_first_are_read() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        assert_eq!(limit.next(), None);
        let later = start + Duration::from_secs(3600);
        assert!((0..256).all(|n| limit.allows(Path::new(&n.to_string()), PHOTO, later)));
        assert!(!limit.allows(Path::new("/more"), PHOTO, later));
    }

    #[test]
    fn a_file_that_is_larger_than_all_that_is_allowed_is_read() {
        let start = Instant::now();
        let mut limit = RereadLimit::new(start);
        assert!(limit.allows(Path::new("/large"), u64::MAX, start));
        assert!(!limit.allows(Path::new("/next"), 1, start));
    }
}
