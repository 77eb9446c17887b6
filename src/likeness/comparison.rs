//! The comparison of two near photos by their kept pictures: how one lies in the other, and what is left then.

use super::placement::{Framed, Warped, place};
use super::plane::{Plane, anti_alias};
use super::residual::residual;
use crate::photo::{Affine, Comparison, Picture, Tone};

/// The longer sides of the grids on which two pictures are compared.
const LONG_SIDES: [usize; 2] = [128, 256];

/// Compares two pictures. `None` if the place of one in the other is not found. The order of the two does not matter.
pub fn compare(a: Framed<'_>, b: Framed<'_>) -> Option<Comparison> {
    let placement = place(a, b)?;
    let [coarse, fine] = LONG_SIDES.map(|side| residual(a.picture, b.picture, &placement, side));
    let scaled = |by: f64| Affine::scaled(by, (0.0, 0.0));
    let long_side = |framed: &Framed<'_>| f64::from(framed.picture.dimensions.width.max(framed.picture.dimensions.height));
    Some(Comparison {
        map: scaled(long_side(&a)).then(&placement.map).then(&scaled(1.0 / long_side(&b))),
        overlap: placement.overlap,
        coarse: coarse?,
        fine: fine?,
        tones: tones(a.picture, b.picture, &placement.map),
        content: [a.content, b.content],
    })
}

/// Returns the tones of two pictures where both show the same. It is measured on the grid of the coarser one.
fn tones(a: &Picture, b: &Picture, map: &Affine) -> [Tone; 2] {
    if map.scale() > 1.0 {
        let [of_b, of_a] = tones(b, a, &map.inverse());
        return [of_a, of_b];
    }
    let planes = |picture: &Picture| [Plane::of(picture), Plane::chroma(picture)];
    let [(brightness, share), (chroma, _)] = planes(b).map(|plane| plane.shrunk(LONG_SIDES[0]));
    let map = map.then(&Affine::scaled(share, (0.0, 0.0)));
    let warped = planes(a).map(|plane| Warped::new(&plane.blurred(anti_alias(map.scale())), &brightness, &map));
    let tone = |brightness: &Plane, chroma: &Plane| {
        let seen = || (0..warped[0].is_in.len()).filter(|at| warped[0].is_in[*at]);
        let mean = |value: &dyn Fn(usize) -> f64| seen().map(value).sum::<f64>() / seen().count().max(1) as f64;
        let level = mean(&|at| brightness.values[at].into());
        let variance = mean(&|at| (f64::from(brightness.values[at]) - level).powi(2));
        Tone { brightness: level, contrast: variance.sqrt(), chroma: mean(&|at| chroma.values[at].into()) }
    };
    [tone(&warped[0].plane, &warped[1].plane), tone(&brightness, &chroma)]
}
