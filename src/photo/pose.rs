//! The eight ways in which a picture can lie.

use std::ops::Neg;

/// Quarter turns and the mirror: what leaves a square on itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pose(u8);

impl Pose {
    /// As it is first; mirrored from the fifth on.
    pub const ALL: [Pose; 8] = [Pose(0), Pose(1), Pose(2), Pose(3), Pose(4), Pose(5), Pose(6), Pose(7)];

    /// Its place in [`ALL`](Pose::ALL).
    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    /// Where a place goes, seen from the middle: mirrored, if so, then turned clockwise.
    pub fn place<T: Neg<Output = T>>(self, (x, y): (T, T)) -> (T, T) {
        let (x, y) = if self.0 & 4 != 0 { (-x, y) } else { (x, y) };
        match self.0 & 3 {
            0 => (x, y),
            1 => (-y, x),
            2 => (-x, -y),
            _ => (y, -x),
        }
    }

    /// This one, and then another.
    pub fn then(self, next: Pose) -> Pose {
        let is_it = |pose: &Pose| pose.place((1, 2)) == next.place(self.place((1, 2)));
        Pose::ALL.into_iter().find(is_it).expect("poses are a group")
    }

    /// The one that undoes this.
    pub fn inverse(self) -> Pose {
        Pose::ALL.into_iter().find(|pose| self.then(*pose) == Pose(0)).expect("poses are a group")
    }
}
