//! Debounce: waits until a path is quiet before it is scanned, and until a file is complete before it is read. Time
//! is passed in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::photo::Stamp;

/// How long a path must raise no event. Programs write, rename and set times in bursts of a few milliseconds, and
/// people wait for the result.
const QUIET_TIME: Duration = Duration::from_millis(300);

/// The longest wait for a path that is never quiet. Its next event starts another wait.
const DEBOUNCE_MAX_DELAY: Duration = Duration::from_secs(2);

/// How long a file without a close event must keep its stamp.
const STABLE_TIME: Duration = Duration::from_secs(2);

/// Whether a file is being written, as far as events show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writing {
    /// A writer closed it.
    Closed,
    /// It was renamed.
    Renamed,
    Removed,
    /// It may still be written to.
    Unknown,
}

/// What the events of a path say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Of the last event.
    pub writing: Writing,
    /// Whether a writer closed a file at this path. It may have another path since.
    pub was_closed: bool,
}

impl Heard {
    const NOTHING: Heard = Heard { writing: Writing::Unknown, was_closed: false };
}

/// Paths with events, each until it has been quiet or the longest wait is over; and files that may have been
/// incomplete, each until it is checked again.
#[derive(Debug, Default)]
pub struct Debounce {
    events: HashMap<PathBuf, Events>,
    observations: HashMap<PathBuf, Observation>,
    /// Checks that became due with the last [`take_due`](Debounce::take_due).
    due: HashMap<PathBuf, Observation>,
}

#[derive(Clone, Copy, Debug)]
struct Events {
    first: Instant,
    last: Instant,
    heard: Heard,
}

impl Events {
    fn due(self) -> Instant {
        (self.last + QUIET_TIME).min(self.first + DEBOUNCE_MAX_DELAY)
    }
}

/// The stamp of a file, and since when it is known.
#[derive(Clone, Copy, Debug)]
struct Observation {
    stamp: Stamp,
    since: Instant,
}

impl Debounce {
    /// Records an event. `writing` is `None` if it says nothing about that.
    pub fn hint(&mut self, path: &Path, writing: Option<Writing>, now: Instant) {
        let events = self.events.entry(path.to_owned()).or_insert(Events { first: now, last: now, heard: Heard::NOTHING });
        events.last = now;
        events.heard.writing = writing.unwrap_or(events.heard.writing);
        events.heard.was_closed |= writing == Some(Writing::Closed);
    }

    /// Whether this path is waiting.
    pub fn holds(&self, path: &Path) -> bool {
        self.events.contains_key(path) || self.observations.contains_key(path)
    }

    /// When the next path is due, if no further event arrives.
    pub fn next(&self) -> Option<Instant> {
        let observations = self
            .observations
            .iter()
            .filter(|(path, _)| !self.events.contains_key(*path))
            .map(|(_, observation)| observation.since + STABLE_TIME);
        self.events.values().map(|events| events.due()).chain(observations).min()
    }

    /// Removes and returns the paths that are due, in order.
    pub fn take_due(&mut self, now: Instant) -> Vec<(PathBuf, Heard)> {
        let events = self.events.extract_if(|_, events| events.due() <= now);
        let mut due: HashMap<PathBuf, Heard> = events.map(|(path, events)| (path, events.heard)).collect();
        // A path with newer events waits for those.
        let is_time = |path: &PathBuf, observation: &Observation| observation.since + STABLE_TIME <= now && !self.events.contains_key(path);
        self.due = self.observations.extract_if(|path, observation| due.contains_key(path) || is_time(path, observation)).collect();
        for path in self.due.keys() {
            due.entry(path.clone()).or_insert(Heard::NOTHING);
        }
        let mut due: Vec<(PathBuf, Heard)> = due.into_iter().collect();
        due.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        due
    }

    /// Whether a file is complete and can be read: its writer closed it, or its stamp is old enough by its `age`
    /// (`None` if in the future) or by two checks. If not, it will be due again.
    pub fn is_complete(&mut self, path: &Path, stamp: &Stamp, writer: Writing, age: Option<Duration>, now: Instant) -> bool {
        let before = self.due.remove(path).or(self.observations.remove(path)).filter(|observation| observation.stamp == *stamp);
        let since = before.map_or(now, |observation| observation.since);
        if writer != Writing::Unknown || age.is_some_and(|age| age >= STABLE_TIME) || now >= since + STABLE_TIME {
            return true;
        }
        self.observations.insert(path.to_owned(), Observation { stamp: *stamp, since });
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp(version: i64) -> Stamp {
        Stamp { volume: 1, inode: 1, size: 1, mtime: version, ctime: version, birth: None }
    }

    const CLOSED: Heard = Heard { writing: Writing::Closed, was_closed: true };

    fn out(paths: &[&str]) -> Vec<(PathBuf, Heard)> {
        paths.iter().map(|path| (PathBuf::from(path), CLOSED)).collect()
    }

    #[test]
    fn a_file_that_was_closed_and_then_exchanged_was_closed() {
        let start = Instant::now();
        let mut debounce = Debounce::default();
        for writing in [Writing::Closed, Writing::Renamed] {
            debounce.hint(Path::new("/a"), Some(writing), start);
        }
        let heard = Heard { writing: Writing::Renamed, was_closed: true };
        assert_eq!(debounce.take_due(start + QUIET_TIME), [("/a".into(), heard)]);
        debounce.hint(Path::new("/a"), Some(Writing::Renamed), start);
        assert!(!debounce.take_due(start + QUIET_TIME)[0].1.was_closed, "that was reported");
    }

    #[test]
    fn a_path_comes_out_once_it_is_quiet() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut debounce = Debounce::default();
        debounce.hint(Path::new("/a"), Some(Writing::Unknown), at(0));
        debounce.hint(Path::new("/a"), Some(Writing::Closed), at(200));
        debounce.hint(Path::new("/b"), Some(Writing::Closed), at(0));
        assert_eq!(debounce.next(), Some(at(300)));
        assert_eq!(debounce.take_due(at(300)), out(&["/b"]));
        assert!(debounce.take_due(at(499)).is_empty());
        assert_eq!(debounce.take_due(at(500)), out(&["/a"]));
        assert_eq!(debounce.next(), None);
    }

    #[test]
    fn a_path_that_is_never_quiet_comes_out_all_the_same() {
        let start = Instant::now();
        let mut debounce = Debounce::default();
        for ms in (0..=1900).step_by(100) {
            debounce.hint(Path::new("/log"), Some(Writing::Closed), start + Duration::from_millis(ms));
        }
        assert_eq!(debounce.take_due(start + Duration::from_secs(2)), out(&["/log"]));
    }

    #[test]
    fn a_file_that_is_being_written_waits_for_two_equal_stamps() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let path = Path::new("/slow.jpg");
        let mut debounce = Debounce::default();
        let young = Some(Duration::from_millis(10));
        assert!(!debounce.is_complete(path, &stamp(1), Writing::Unknown, young, at(0)));
        assert!(debounce.holds(path));
        assert_eq!(debounce.take_due(at(2000)).len(), 1);
        assert!(!debounce.is_complete(path, &stamp(2), Writing::Unknown, young, at(2000)), "it grew");
        assert_eq!(debounce.next(), Some(at(4000)));
        assert_eq!(debounce.take_due(at(4000)).len(), 1);
        assert!(debounce.is_complete(path, &stamp(2), Writing::Unknown, None, at(4000)), "also with a time in the future");
        assert!(!debounce.holds(path));
        assert!(debounce.is_complete(path, &stamp(3), Writing::Unknown, Some(STABLE_TIME), at(4001)), "it has not changed for long");
        assert!(debounce.is_complete(path, &stamp(4), Writing::Closed, young, at(4002)), "it was closed");
    }

    /// What happens at one moment to one of three files.
    #[derive(Clone, Debug)]
    enum Step {
        Write,
        Close,
        Remove,
        /// The daemon checks the paths that are due.
        Tick,
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, usize, Step)>> {
        let step = prop_oneof![Just(Step::Write), Just(Step::Close), Just(Step::Remove), Just(Step::Tick), Just(Step::Tick)];
        prop::collection::vec((0..900u64, 0..3usize, step), 1..60)
    }

    /// The full history. Each answer is computed from all of it.
    #[derive(Default)]
    struct Oracle {
        hints: Vec<(Instant, usize, Writing)>,
        taken: Vec<(Instant, usize)>,
        /// Observations that did not show the file complete.
        observations: Vec<(Instant, usize, i64)>,
    }

    impl Oracle {
        fn waiting(&self, file: usize) -> Vec<(Instant, Writing)> {
            let last = self.taken.iter().rposition(|&(_, taken)| taken == file).map(|at| self.taken[at].0);
            self.hints.iter().filter(|(at, hinted, _)| *hinted == file && last.is_none_or(|last| *at > last)).map(|h| (h.0, h.2)).collect()
        }

        /// The observations of this version since another one was seen.
        fn run(&self, file: usize) -> Vec<(Instant, i64)> {
            let all: Vec<_> = self
                .observations
                .iter()
                .filter(|observation| observation.1 == file)
                .map(|observation| (observation.0, observation.2))
                .collect();
            let Some(&(_, version)) = all.last() else { return Vec::new() };
            let other = all.iter().rposition(|observation| observation.1 != version).map_or(0, |at| at + 1);
            all[other..].to_vec()
        }

        fn is_due(&self, file: usize, now: Instant) -> Option<Writing> {
            let waiting = self.waiting(file);
            let quiet = waiting.last().is_some_and(|last| now >= last.0 + QUIET_TIME)
                || waiting.first().is_some_and(|f| now >= f.0 + DEBOUNCE_MAX_DELAY);
            match waiting.last() {
                Some((_, writer)) => quiet.then_some(*writer),
                None => self.run(file).first().filter(|first| now >= first.0 + STABLE_TIME).map(|_| Writing::Unknown),
            }
        }
    }

    proptest! {
        #[test]
        fn it_does_what_a_naive_record_of_everything_says(steps in steps()) {
            let names = ["/a", "/b", "/c"];
            let (mut debounce, mut oracle) = (Debounce::default(), Oracle::default());
            // Each file's version and when it was last written, while it is there.
            let mut files: [Option<(i64, Instant)>; 3] = [None; 3];
            let (mut now, mut version) = (Instant::now(), 0);
            for (wait, file, step) in steps {
                // No two steps happen at one moment, because the order of the list could not distinguish them.
                now += Duration::from_millis(wait + 1);
                let hint = match step {
                    Step::Write => {
                        version += 1;
                        let was_there = files[file].replace((version, now)).is_some();
                        // Only creating a file raises an event. Writing more bytes does not.
                        (!was_there).then_some(Writing::Unknown)
                    }
                    Step::Close => files[file].map(|_| Writing::Closed),
                    Step::Remove => files[file].take().map(|_| Writing::Closed),
                    Step::Tick => None,
                };
                if let Some(writer) = hint {
                    debounce.hint(Path::new(names[file]), Some(writer), now);
                    oracle.hints.push((now, file, writer));
                }
                if !matches!(step, Step::Tick) {
                    continue;
                }
                let due: Vec<_> = debounce.take_due(now).into_iter().map(|(path, heard)| (path, heard.writing)).collect();
                let expected: Vec<_> =
                    (0..3).filter_map(|file| Some((PathBuf::from(names[file]), oracle.is_due(file, now)?))).collect();
                prop_assert_eq!(&due, &expected);
                for (path, writer) in due {
                    let file = names.iter().position(|name| Path::new(name) == path).expect("one of them");
                    oracle.taken.push((now, file));
                    let Some((version, written)) = files[file] else {
                        oracle.observations.retain(|observation| observation.1 != file);
                        continue;
                    };
                    let complete = debounce.is_complete(&path, &stamp(version), writer, Some(now - written), now);
                    let still = oracle.run(file).first().is_some_and(|&(since, seen)| seen == version && now >= since + STABLE_TIME);
                    prop_assert_eq!(complete, writer == Writing::Closed || now - written >= STABLE_TIME || still);
                    if complete {
                        oracle.observations.retain(|observation| observation.1 != file);
                    } else {
                        oracle.observations.push((now, file, version));
                    }
                }
            }
            // Without further events every file becomes due and complete.
            let mut rounds = 0;
            while let Some(next) = debounce.next() {
                rounds += 1;
                prop_assert!(rounds < 10);
                now = now.max(next);
                for (path, heard) in debounce.take_due(now) {
                    let file = names.iter().position(|name| Path::new(name) == path).expect("one of them");
                    if let Some((version, written)) = files[file] {
                        debounce.is_complete(&path, &stamp(version), heard.writing, Some(now - written), now);
                    }
                }
            }
        }
    }
}
