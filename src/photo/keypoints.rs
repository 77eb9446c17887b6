//! Corners of a picture, by which two pictures can be laid over each other.

use super::DihedralOrientation;

/// A corner: where it is, how large, and what is around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Keypoint {
    /// From the left and from the top, in 255ths of the picture's longer side.
    pub x: u8,
    pub y: u8,
    /// How often the picture was halved, by area, before it was found; counted from one size for all pictures.
    pub level: u8,
    pub descriptor: KeypointDescriptor,
}

/// Comparisons of brightness around a corner, eight to a byte. Byte `p` holds the same comparisons as byte 0, of places that
/// are moved by [`Pose`] `p`: so turning or mirroring a picture moves bytes and changes none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct KeypointDescriptor(pub [u8; 8]);

impl KeypointDescriptor {
    /// As it is in the picture in another pose.
    pub fn oriented(self, orientation: DihedralOrientation) -> KeypointDescriptor {
        let back = orientation.inverse();
        KeypointDescriptor(std::array::from_fn(|p| self.0[DihedralOrientation::ALL[p].then(back).number()]))
    }

    /// In how many comparisons two differ, of 64.
    #[inline(always)]
    pub fn differing(self, other: KeypointDescriptor) -> u32 {
        (u64::from_le_bytes(self.0) ^ u64::from_le_bytes(other.0)).count_ones()
    }
}

/// The keypoints of a picture, at most [`MOST`](Keypoints::MAX).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Keypoints(Vec<Keypoint>);

impl Keypoints {
    pub const MAX: usize = 98;
    /// Stored bytes of one.
    const BYTES: usize = 11;

    /// The first of these.
    pub fn new(mut points: Vec<Keypoint>) -> Keypoints {
        points.truncate(Keypoints::MAX);
        Keypoints(points)
    }

    pub fn as_slice(&self) -> &[Keypoint] {
        &self.0
    }

    /// As they are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|point| [point.x, point.y, point.level].into_iter().chain(point.descriptor.0)).collect()
    }

    /// From [`to_bytes`](Keypoints::to_bytes); `None` of others.
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
