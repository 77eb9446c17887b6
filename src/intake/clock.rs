//! Detects that the machine was suspended or its clock was set. Time is passed in.

use std::time::{Duration, Instant, SystemTime};

/// The largest drift of the two clocks between two checks.
const MAX_CLOCK_DRIFT: Duration = Duration::from_secs(10);

/// Compares the monotonic clock, which stops while the machine is suspended, with the wall clock.
#[derive(Debug)]
pub struct Clock {
    steady: Instant,
    wall: SystemTime,
}

impl Clock {
    pub fn new(now: Instant, wall: SystemTime) -> Clock {
        Clock { steady: now, wall }
    }

    /// Whether the machine was suspended or its clock was set since the last call.
    pub fn has_jumped(&mut self, now: Instant, wall: SystemTime) -> bool {
        let seen = now - self.steady;
        let apart = match wall.duration_since(self.wall) {
            Ok(passed) => passed.abs_diff(seen),
            Err(back) => back.duration() + seen,
        };
        *self = Clock::new(now, wall);
        apart > MAX_CLOCK_DRIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspended_machine_and_a_set_clock_are_noticed_once() {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let mut clock = Clock::new(start, wall);
        let seconds = Duration::from_secs;
        let (mut steady, mut walled) = (start, wall);
        let mut after = |seen: u64, passed: i64| {
            steady += seconds(seen);
            walled = if passed < 0 { walled - seconds(passed.unsigned_abs()) } else { walled + seconds(passed.unsigned_abs()) };
            clock.has_jumped(steady, walled)
        };
        assert!(!after(60, 60));
        assert!(!after(3600, 3595), "drift");
        assert!(after(1, 8 * 3600), "suspended for a night");
        assert!(!after(60, 60));
        assert!(after(60, -3600), "winter time, on a machine that sets its clock");
        assert!(after(60, 0), "stopped");
        assert!(!after(60, 60));
    }
}
