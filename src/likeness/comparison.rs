//! The comparison of two near photos by their kept pictures: how one lies in the other, and what is left then.

use super::placement::{Framed, Placement, place};
use super::residual::{Residual, residual};

/// The longer sides of the grids on which two pictures are compared.
const LONG_SIDES: [usize; 2] = [128, 256];

/// How a picture `a` lies in a picture `b`, and what is left.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Comparison {
    /// In pixels of the two pictures.
    pub placement: Placement,
    pub coarse: Residual,
    pub fine: Residual,
}

/// Compares two pictures. `None` if the place of one in the other is not found. The order of the two does not matter.
pub fn compare(a: Framed<'_>, b: Framed<'_>) -> Option<Comparison> {
    let placement = place(a, b)?;
    let [coarse, fine] = LONG_SIDES.map(|side| residual(a.picture, b.picture, &placement, side));
    Some(Comparison { placement, coarse: coarse?, fine: fine? })
}
