//! The interval between routine scans of a root: short after a scan that found something, then longer and longer. And when a
//! disk is tried again that did not answer. Time is passed in.

use std::time::{Duration, Instant};

/// The shortest and the longest time between two routine scans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    pub shortest: Duration,
    pub longest: Duration,
}

impl Schedule {
    /// While the watch notices changes.
    pub const WATCHED: Schedule = Schedule { shortest: Duration::from_secs(3600), longest: Duration::from_secs(24 * 3600) };
    /// While it does not notice all of them.
    pub const POLLED: Schedule = Schedule { shortest: Duration::from_secs(60), longest: Duration::from_secs(1800) };
    /// While files are missing. They may have moved to places that are not read yet.
    pub const IN_DOUBT: Schedule = Schedule { shortest: Duration::from_secs(10), longest: Duration::from_secs(3600) };

    pub fn of(is_unwatched: bool, is_missing_files: bool) -> Schedule {
        match (is_missing_files, is_unwatched) {
            (true, _) => Schedule::IN_DOUBT,
            (false, true) => Schedule::POLLED,
            (false, false) => Schedule::WATCHED,
        }
    }

    /// Returns the time until the next scan. `last` is the time between the last two scans.
    pub fn next(self, last: Duration, found_something: bool) -> Duration {
        if found_something { self.shortest } else { (2 * last).clamp(self.shortest, self.longest) }
    }
}

/// When a disk that did not answer is tried again although a thread still waits for it. Each further timeout doubles the delay, up
/// to a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackOff {
    first: Duration,
    most_doublings: u32,
}

impl BackOff {
    pub const DISK: BackOff = BackOff { first: Duration::from_secs(60), most_doublings: 6 };

    /// Returns when to try again. `timeouts` is how often the disk did not answer before.
    pub fn next(self, timeouts: u32, now: Instant) -> Instant {
        now + self.first * 2_u32.pow(timeouts.min(self.most_doublings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_come_less_and_less_often_until_one_finds_something() {
        let hours = |n: u64| Duration::from_secs(3600 * n);
        let mut every = Duration::ZERO;
        let mut seen = Vec::new();
        for _ in 0..7 {
            every = Schedule::WATCHED.next(every, false);
            seen.push(every);
        }
        assert_eq!(seen, [1, 2, 4, 8, 16, 24, 24].map(hours));
        assert_eq!(Schedule::WATCHED.next(every, true), hours(1));
    }

    #[test]
    fn a_disk_that_does_not_answer_is_tried_less_and_less_often() {
        let now = Instant::now();
        for (timeouts, minutes) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 64), (7, 64), (u32::MAX, 64)] {
            assert_eq!(BackOff::DISK.next(timeouts, now), now + Duration::from_secs(60 * minutes), "after {timeouts}");
        }
    }

    #[test]
    fn missing_files_are_looked_for_soonest_and_a_change_of_schedule_keeps_its_bounds() {
        for (is_unwatched, is_missing, schedule) in [
            (false, false, Schedule::WATCHED),
            (true, false, Schedule::POLLED),
            (false, true, Schedule::IN_DOUBT),
            (true, true, Schedule::IN_DOUBT),
        ] {
            assert_eq!(Schedule::of(is_unwatched, is_missing), schedule);
        }
        // The interval drops from a day to the longest of this schedule, half an hour.
        assert_eq!(Schedule::POLLED.next(Duration::from_secs(24 * 3600), false), Schedule::POLLED.longest);
    }
}
