//! How a photo is compared with the parts of others, and with others on their side.

/// A photo, the same by a quarter turn, and five windows of it, each a unit vector of few numbers: a crop is near the part
/// of its original that it shows, where it is far from the whole.
///
/// 8-bit integers, 127 for 1, so that their products are exact on every machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts(Vec<i8>);

impl Parts {
    /// Parts of a photo: the quarter turn first.
    pub const COUNT: usize = 6;
    /// Numbers in each vector.
    pub const DIMENSIONS: usize = 64;
    /// 1 as it is stored.
    pub const ONE: f32 = 127.0;
    const LEN: usize = (1 + Parts::COUNT) * Parts::DIMENSIONS;

    /// Rounds the vectors of the whole and of its parts.
    ///
    /// # Panics
    /// When there are not as many of as many numbers.
    pub fn new<'a>(whole_and_parts: impl IntoIterator<Item = &'a [f32]>) -> Parts {
        let values: Vec<i8> = whole_and_parts.into_iter().flatten().map(|v| (v * Parts::ONE).round() as i8).collect();
        Parts::from_values(values).expect("a whole and its parts")
    }

    /// Of a photo of which nothing is known: near nothing.
    pub fn none() -> Parts {
        Parts(vec![0; Parts::LEN])
    }

    /// From [`values`](Parts::values); `None` when they are not as many.
    pub fn from_values(values: Vec<i8>) -> Option<Parts> {
        (values.len() == Parts::LEN).then_some(Parts(values))
    }

    /// The whole's vector, then those of the parts.
    pub fn values(&self) -> &[i8] {
        &self.0
    }

    pub fn whole(&self) -> &[i8] {
        &self.0[..Parts::DIMENSIONS]
    }

    /// One behind the other.
    pub fn parts(&self) -> &[i8] {
        &self.0[Parts::DIMENSIONS..]
    }
}
