//! Files of weights: named tensors of f32.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// The tensors of a file.
pub struct Tensors<'a>(SafeTensors<'a>);

impl<'a> Tensors<'a> {
    /// # Errors
    /// If the bytes are not such a file.
    pub fn of(bytes: &'a [u8]) -> Result<Tensors<'a>, String> {
        SafeTensors::deserialize(bytes).map(Tensors).map_err(|e| e.to_string())
    }

    /// Returns the shape and the values of a tensor, row by row.
    ///
    /// # Errors
    /// If it is missing or not f32.
    pub fn values(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
        let tensor = self.0.tensor(name).map_err(|e| e.to_string())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is not f32"));
        }
        let (values, _) = tensor.data().as_chunks::<4>();
        Ok((tensor.shape().to_vec(), values.iter().map(|value| f32::from_le_bytes(*value)).collect()))
    }
}

/// Returns a file of tensors: names, shapes, and values row by row.
///
/// # Panics
/// If a shape does not fit its values.
pub fn write(tensors: &[(&str, &[usize], Vec<f32>)]) -> Vec<u8> {
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<Vec<u8>> = tensors.iter().map(|(.., values)| bytes(values)).collect();
    let view = |shape: &[usize], data| TensorView::new(Dtype::F32, shape.to_vec(), data).expect("the shape fits the values");
    let views = tensors.iter().zip(&data).map(|((name, shape, _), data)| (*name, view(shape, data)));
    safetensors::serialize(views, None).expect("tensors with names")
}
