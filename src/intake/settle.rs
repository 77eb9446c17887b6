//! Waiting until a path is quiet before it is looked at. Time is passed in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a path must raise no further event. Programs write, rename and set times in bursts of
/// a few milliseconds; people wait for the answer.
const QUIET: Duration = Duration::from_millis(300);

/// How long a path that is never quiet is waited for: its next event starts another wait.
const LONGEST: Duration = Duration::from_secs(2);

/// Paths that something happened to, each until it has been quiet, or for long enough.
#[derive(Debug, Default)]
pub struct Settle {
    events: HashMap<PathBuf, Events>,
}

#[derive(Clone, Copy, Debug)]
struct Events {
    first: Instant,
    last: Instant,
}

impl Events {
    fn due(self) -> Instant {
        (self.last + QUIET).min(self.first + LONGEST)
    }
}

impl Settle {
    pub fn hint(&mut self, path: &Path, now: Instant) {
        self.events.entry(path.to_owned()).or_insert(Events { first: now, last: now }).last = now;
    }

    /// Whether any path starts with this.
    pub fn holds(&self, folder: &Path) -> bool {
        self.events.keys().any(|path| path.starts_with(folder))
    }

    /// When the next path is due, if nothing more happens.
    pub fn next(&self) -> Option<Instant> {
        self.events.values().map(|events| events.due()).min()
    }

    /// Takes out the paths that are due now, in order.
    pub fn take_due(&mut self, now: Instant) -> Vec<PathBuf> {
        let mut due: Vec<PathBuf> = self.events.iter().filter(|(_, events)| events.due() <= now).map(|(path, _)| path.clone()).collect();
        due.sort_unstable();
        for path in &due {
            self.events.remove(path);
        }
        due
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
        assert_eq!(settle.take_due(at(300)), [PathBuf::from("/b")]);
        assert!(settle.take_due(at(499)).is_empty());
        assert_eq!(settle.take_due(at(500)), [PathBuf::from("/a")]);
        assert_eq!(settle.next(), None);
    }

    #[test]
    fn a_path_that_is_never_quiet_comes_out_all_the_same() {
        let start = Instant::now();
        let mut settle = Settle::default();
        for ms in (0..=1900).step_by(100) {
            settle.hint(Path::new("/log"), start + Duration::from_millis(ms));
        }
        assert_eq!(settle.take_due(start + Duration::from_secs(2)), [PathBuf::from("/log")]);
    }
}
