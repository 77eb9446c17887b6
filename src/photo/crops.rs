//! How a photo is compared with the parts of others, and with others on their side.

/// A photo, the same by a quarter turn, and five windows of it, each a unit vector of few numbers: a crop is near the part
/// of its original that it shows, where it is far from the whole.
///
/// 8-bit integers, 127 for 1, so that their products are exact on every machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CropDescriptors(Vec<i8>);

impl CropDescriptors {
    /// Parts of a photo: the quarter turn first.
    pub const COUNT: usize = 6;
    /// Numbers in each vector.
    pub const DIMENSIONS: usize = 64;
    /// 1 as it is stored.
    pub const ONE: f32 = 127.0;
    const LEN: usize = (1 + CropDescriptors::COUNT) * CropDescriptors::DIMENSIONS;

    /// Rounds the vectors of the whole and of its parts.
    ///
    /// # Panics
    /// When there are not as many of as many numbers.
    pub fn new<'a>(global_and_crops: impl IntoIterator<Item = &'a [f32]>) -> CropDescriptors {
        let values: Vec<i8> = global_and_crops.into_iter().flatten().map(|v| (v * CropDescriptors::ONE).round() as i8).collect();
        CropDescriptors::from_values(values).expect("a global and its crop descriptors")
    }

    /// Of a photo of which nothing is known: near nothing.
    pub fn none() -> CropDescriptors {
        CropDescriptors(vec![0; CropDescriptors::LEN])
    }

    /// From [`values`](CropDescriptors::values); `None` when they are not as many.
    pub fn from_values(values: Vec<i8>) -> Option<CropDescriptors> {
        (values.len() == CropDescriptors::LEN).then_some(CropDescriptors(values))
    }

    /// The whole's vector, then those of the parts.
    pub fn values(&self) -> &[i8] {
        &self.0
    }

    pub fn global(&self) -> &[i8] {
        &self.0[..CropDescriptors::DIMENSIONS]
    }

    /// One behind the other.
    pub fn crops(&self) -> &[i8] {
        &self.0[CropDescriptors::DIMENSIONS..]
    }
}
