//! Crop descriptors, by which a photo is compared with crops of others.

/// Unit vectors for the whole photo, for its quarter turn, and for five crops. A crop of a photo is close to the vector
/// that shows the same part, even if it is far from the vector of the whole.
///
/// Numbers are 8-bit integers with 127 for 1, so that products are exact on every machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CropDescriptors(Vec<i8>);

impl CropDescriptors {
    /// The number of vectors besides the one of the whole. The quarter turn is the first.
    pub const COUNT: usize = 6;
    /// Numbers in each vector.
    pub const DIMENSIONS: usize = 64;
    /// The stored value of 1.
    pub const ONE: f32 = 127.0;
    const LEN: usize = (1 + CropDescriptors::COUNT) * CropDescriptors::DIMENSIONS;

    /// Rounds the vectors of the whole and of the crops.
    ///
    /// # Panics
    /// If the number or the length of the vectors is wrong.
    pub fn new<'a>(global_and_crops: impl IntoIterator<Item = &'a [f32]>) -> CropDescriptors {
        let values: Vec<i8> = global_and_crops.into_iter().flatten().map(|v| (v * CropDescriptors::ONE).round() as i8).collect();
        CropDescriptors::from_values(values).expect("a global and its crop descriptors")
    }

    /// Returns zero vectors, which are near nothing.
    pub fn none() -> CropDescriptors {
        CropDescriptors(vec![0; CropDescriptors::LEN])
    }

    /// Reverses [`values`](CropDescriptors::values). Returns `None` if the length is wrong.
    pub fn from_values(values: Vec<i8>) -> Option<CropDescriptors> {
        (values.len() == CropDescriptors::LEN).then_some(CropDescriptors(values))
    }

    /// Returns the vector of the whole, followed by the vectors of the crops.
    pub fn values(&self) -> &[i8] {
        &self.0
    }

    pub fn global(&self) -> &[i8] {
        &self.0[..CropDescriptors::DIMENSIONS]
    }

    /// Returns the vectors of the crops, one after another.
    pub fn crops(&self) -> &[i8] {
        &self.0[CropDescriptors::DIMENSIONS..]
    }
}
