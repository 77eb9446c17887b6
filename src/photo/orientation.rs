//! The eight ways in which a picture can lie.

use std::ops::Neg;

/// Quarter turns and the mirror: what leaves a square on itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DihedralOrientation(u8);

impl DihedralOrientation {
    /// As it is first; mirrored from the fifth on.
    pub const ALL: [DihedralOrientation; 8] = [
        DihedralOrientation(0),
        DihedralOrientation(1),
        DihedralOrientation(2),
        DihedralOrientation(3),
        DihedralOrientation(4),
        DihedralOrientation(5),
        DihedralOrientation(6),
        DihedralOrientation(7),
    ];

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
    pub fn then(self, next: DihedralOrientation) -> DihedralOrientation {
        let is_it = |orientation: &DihedralOrientation| orientation.place((1, 2)) == next.place(self.place((1, 2)));
        DihedralOrientation::ALL.into_iter().find(is_it).expect("orientations are a group")
    }

    /// The one that undoes this.
    pub fn inverse(self) -> DihedralOrientation {
        DihedralOrientation::ALL
            .into_iter()
            .find(|orientation| self.then(*orientation) == DihedralOrientation(0))
            .expect("orientations are a group")
    }
}
