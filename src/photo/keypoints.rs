//! Keypoints, by which two pictures can be aligned.

use super::DihedralOrientation;

/// A keypoint: its position, its scale, and a description of its surroundings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Keypoint {
    /// From the left and the top, in 255ths of the longer side.
    pub x: u8,
    pub y: u8,
    /// The pyramid level it was found on. Each level has half the area of the one before, counted from one size for
    /// all pictures.
    pub level: u8,
    pub descriptor: KeypointDescriptor,
}

#[cfg(test)]
impl Keypoint {
    /// Keypoints at random positions, all different.
    pub fn random(count: usize, seed: u64) -> Vec<Keypoint> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut point = || Keypoint {
            x: random.u8(..),
            y: random.u8(..200),
            level: random.u8(..3),
            descriptor: KeypointDescriptor(random.u64(..).to_le_bytes()),
        };
        (0..count).map(|_| point()).collect()
    }
}

/// 64 comparisons of brightness around a keypoint. Byte `p` holds the comparisons of byte 0 at positions moved by
/// [`DihedralOrientation`] `p`. So turning or mirroring a picture only permutes the bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct KeypointDescriptor(pub [u8; 8]);

impl KeypointDescriptor {
    /// Returns the descriptor after the picture is turned or mirrored into an orientation.
    pub fn oriented(self, orientation: DihedralOrientation) -> KeypointDescriptor {
        let back = orientation.inverse();
        KeypointDescriptor(std::array::from_fn(|p| self.0[DihedralOrientation::ALL[p].then(back).number()]))
    }

    /// Returns the number of differing bits, of 64.
    #[inline(always)]
    pub fn differing(self, other: KeypointDescriptor) -> u32 {
        (u64::from_le_bytes(self.0) ^ u64::from_le_bytes(other.0)).count_ones()
    }
}

/// The keypoints of a picture, at most [`MAX`](Keypoints::MAX).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Keypoints(Vec<Keypoint>);

impl Keypoints {
    pub const MAX: usize = 98;
    /// Bytes of a stored keypoint.
    const BYTES: usize = 11;

    /// Keeps the first [`MAX`](Keypoints::MAX) keypoints.
    pub fn new(mut points: Vec<Keypoint>) -> Keypoints {
        points.truncate(Keypoints::MAX);
        Keypoints(points)
    }

    pub fn as_slice(&self) -> &[Keypoint] {
        &self.0
    }

    /// Returns the stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|point| [point.x, point.y, point.level].into_iter().chain(point.descriptor.0)).collect()
    }

    /// Reverses [`to_bytes`](Keypoints::to_bytes). Returns `None` if the bytes are not valid.
    pub fn from_bytes(bytes: &[u8]) -> Option<Keypoints> {
        let (points, []) = bytes.as_chunks::<{ Keypoints::BYTES }>() else { return None };
        let point = |&[x, y, level, ref descriptor @ ..]: &[u8; Keypoints::BYTES]| Keypoint {
            x,
            y,
            level,
            descriptor: KeypointDescriptor(*descriptor),
        };
        (points.len() <= Keypoints::MAX).then(|| Keypoints(points.iter().map(point).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_keypoints_are_the_same() {
        let point = |i: u8| Keypoint { x: i, y: i / 2, level: i % 6, descriptor: KeypointDescriptor(std::array::from_fn(|p| i ^ p as u8)) };
        let points = Keypoints::new((0..200).map(point).collect());
        assert_eq!(points.as_slice().len(), Keypoints::MAX);
        assert_eq!(Keypoints::from_bytes(&points.to_bytes()), Some(points.clone()));
        assert_eq!(Keypoints::from_bytes(&[]), Some(Keypoints::default()));
        assert_eq!(Keypoints::from_bytes(&points.to_bytes()[1..]), None);
        assert_eq!(Keypoints::from_bytes(&[0; 11 * (Keypoints::MAX + 1)]), None);
    }

    #[test]
    fn a_descriptor_follows_its_picture() {
        let values: Vec<u8> = (0..49).map(|i| (i * 37 % 49) as u8).collect();
        let at = |(x, y): (i32, i32)| values[((y + 3) * 7 + x + 3) as usize];
        let comparison = [(1, 2), (-3, 1)];
        let describe = |at: &dyn Fn((i32, i32)) -> u8| {
            KeypointDescriptor(
                DihedralOrientation::ALL
                    .map(|orientation| u8::from(at(orientation.place(comparison[0])) < at(orientation.place(comparison[1])))),
            )
        };
        let upright = describe(&at);
        for orientation in DihedralOrientation::ALL {
            assert_eq!(describe(&|place| at(orientation.inverse().place(place))), upright.oriented(orientation), "{orientation:?}");
        }
    }
}
