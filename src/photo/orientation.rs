//! The eight orientations of a picture.

use std::ops::Neg;

/// A quarter turn with or without mirroring: an element of the dihedral group of the square.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DihedralOrientation(u8);

impl DihedralOrientation {
    /// The identity is the first. The last four are mirrored.
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

    /// Returns the position in [`ALL`](DihedralOrientation::ALL).
    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    /// Moves a position relative to the centre: mirrors it if the orientation is mirrored, then turns it clockwise.
    pub fn place<T: Neg<Output = T>>(self, (x, y): (T, T)) -> (T, T) {
        let (x, y) = if self.0 & 4 != 0 { (-x, y) } else { (x, y) };
        match self.0 & 3 {
            0 => (x, y),
            1 => (-y, x),
            2 => (-x, -y),
            _ => (y, -x),
        }
    }

    /// Returns the orientation that results from this one followed by `next`.
    pub fn then(self, next: DihedralOrientation) -> DihedralOrientation {
        let is_it = |orientation: &DihedralOrientation| orientation.place((1, 2)) == next.place(self.place((1, 2)));
        DihedralOrientation::ALL.into_iter().find(is_it).expect("orientations are a group")
    }

    /// Returns the inverse orientation.
    pub fn inverse(self) -> DihedralOrientation {
        DihedralOrientation::ALL
            .into_iter()
            .find(|orientation| self.then(*orientation) == DihedralOrientation(0))
            .expect("orientations are a group")
    }
}
