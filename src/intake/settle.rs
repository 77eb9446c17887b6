//! Waiting until a path is quiet before it is looked at. Time is passed in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a path must raise no further event. Programs write, rename and set times in bursts of
/// a few milliseconds; people wait for the answer.
const QUIET: Duration = Duration::from_millis(300);

/// Paths that something happened to, each until it has been quiet.
#[derive(Debug, Default)]
pub struct Settle {
    last_event: HashMap<PathBuf, Instant>,
}

impl Settle {
    pub fn hint(&mut self, path: &Path, now: Instant) {
        self.last_event.insert(path.to_owned(), now);
    }

    pub fn is_empty(&self) -> bool {
        self.last_event.is_empty()
    }

    /// Whether any path starts with this.
    pub fn holds(&self, folder: &Path) -> bool {
        self.last_event.keys().any(|path| path.starts_with(folder))
    }

    /// When the next path is quiet, if nothing more happens.
    pub fn next(&self) -> Option<Instant> {
        self.last_event.values().min().map(|last| *last + QUIET)
    }

    /// Takes out the paths that are quiet now, in order.
    pub fn take_quiet(&mut self, now: Instant) -> Vec<PathBuf> {
        let mut quiet: Vec<PathBuf> =
            self.last_event.iter().filter(|(_, last)| **last + QUIET <= now).map(|(path, _)| path.clone()).collect();
        quiet.sort_unstable();
        for path in &quiet {
            self.last_event.remove(path);
        }
        quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_out_once_it_is_quiet() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut settle = Settle::default();
        settle.hint(Path::new("/a"), at(0));
        settle.hint(Path::new("/a"), at(200));
        settle.hint(Path::new("/b"), at(0));
        assert_eq!(settle.next(), Some(at(300)));
        assert_eq!(settle.take_quiet(at(300)), [PathBuf::from("/b")]);
        assert!(settle.take_quiet(at(499)).is_empty());
        assert_eq!(settle.take_quiet(at(500)), [PathBuf::from("/a")]);
        assert!(settle.is_empty());
    }
}
