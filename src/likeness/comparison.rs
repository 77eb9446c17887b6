//! The comparison of two near photos by their kept pictures: how one lies in the other, and what is left then.

use super::placement::{Framed, Placement, Warped, place, place_stretched};
use super::plane::{Plane, anti_alias};
use super::residual::{Beyond, beyond, residual};
use crate::photo::{Affine, Comparison, Picture, Residual, Tone};

/// The longer sides of the grids on which two pictures are compared.
const LONG_SIDES: [usize; 2] = [128, 256];

/// Two pictures of two shapes are one stretched if they agree at least so well. Pictures that are not the same agree less.
const MIN_AGREEMENT_STRETCHED: f64 = 0.9;

/// The blur, in pixels of the coarser grid, after which colours are compared. Compression changes them from place to place.
const COLOUR_BLUR: f64 = 1.5;

/// Compares two pictures. `None` if the place of one in the other is not found. The order of the two does not matter.
pub fn compare(a: Framed<'_>, b: Framed<'_>) -> Option<Comparison> {
    let (placement, [coarse, fine]) = placed(a, b)?;
    let scaled = |by: f64| Affine::scaled(by, (0.0, 0.0));
    let long_side = |framed: &Framed<'_>| f64::from(framed.picture.dimensions.width.max(framed.picture.dimensions.height));
    let map = scaled(long_side(&a)).then(&placement.map).then(&scaled(1.0 / long_side(&b)));
    let (tones, colour) = tones(a.picture, b.picture, &placement.map);
    let beyond = [beyond_other(a.picture, b.picture, &map), beyond_other(b.picture, a.picture, &map.inverse())];
    Some(Comparison {
        map,
        overlap: placement.overlap,
        coarse,
        fine,
        tones,
        content: [a.content, b.content],
        colour: Some(colour),
        beside: beyond.map(|of| of.structure),
        margin: beyond.map(|of| of.margin),
    })
}

/// Places one picture in the other, and returns what is left then on both grids. Where keypoints do not lead to a good place, one
/// picture may be the other stretched.
fn placed(a: Framed<'_>, b: Framed<'_>) -> Option<(Placement, [Residual; 2])> {
    let with_residuals = |placement: Placement| {
        let [coarse, fine] = LONG_SIDES.map(|side| residual(a.picture, b.picture, &placement, side));
        Some((placement, [coarse?, fine?]))
    };
    let is_good = |(_, [_, fine]): &(Placement, [Residual; 2])| fine.agreement >= MIN_AGREEMENT_STRETCHED;
    let found = place(a, b).and_then(with_residuals);
    if found.as_ref().is_some_and(is_good) {
        return found;
    }
    place_stretched(a, b).and_then(with_residuals).filter(is_good).or(found)
}

/// Returns what `a` shows and `b` does not.
fn beyond_other(a: &Picture, b: &Picture, map: &Affine) -> Beyond {
    let (right, bottom) = b.dimensions.in_long_sides();
    beyond(a, |place| {
        let (x, y) = map.apply(place);
        (0.0..=right).contains(&x) && (0.0..=bottom).contains(&y)
    })
}

/// Returns the tones of two pictures where both show the same, and the mean difference of their colours. It is measured on the
/// grid of the coarser one.
fn tones(a: &Picture, b: &Picture, map: &Affine) -> ([Tone; 2], f64) {
    if map.scale() > 1.0 {
        let ([of_b, of_a], colour) = tones(b, a, &map.inverse());
        return ([of_a, of_b], colour);
    }
    let planes = |picture: &Picture| {
        let [red, blue] = Plane::colours(picture);
        [Plane::of(picture), Plane::chroma(picture), red, blue]
    };
    let [(brightness, share), (chroma, _), (red, _), (blue, _)] = planes(b).map(|plane| plane.shrunk(LONG_SIDES[0]));
    let map = map.then(&Affine::scaled(share, (0.0, 0.0)));
    let warped = planes(a).map(|plane| Warped::new(&plane.blurred(anti_alias(map.scale())), &brightness, &map));
    let inside: Vec<usize> = (0..warped[0].is_in.len()).filter(|at| warped[0].is_in[*at]).collect();
    let count = inside.len().max(1) as f64;
    let tone = |brightness: &Plane, chroma: &Plane| {
        let (mut levels, mut squares, mut chromas) = (0.0, 0.0, 0.0);
        for at in &inside {
            let level = f64::from(brightness.values[*at]);
            levels += level;
            squares += level * level;
            chromas += f64::from(chroma.values[*at]);
        }
        let brightness = levels / count;
        let contrast = (squares / count - brightness * brightness).max(0.0).sqrt();
        Tone { brightness, contrast, chroma: chromas / count }
    };
    let [red, blue] = [(&warped[2].plane, &red), (&warped[3].plane, &blue)].map(|(of_a, of_b)| {
        let mut apart = Plane { values: vec![0.0; of_b.values.len()], ..*of_b };
        for at in &inside {
            apart.values[*at] = of_a.values[*at] - of_b.values[*at];
        }
        apart.blurred(COLOUR_BLUR)
    });
    let colour = inside.iter().map(|at| f64::from(red.values[*at].hypot(blue.values[*at]))).sum::<f64>() / count;
    ([tone(&warped[0].plane, &warped[1].plane), tone(&brightness, &chroma)], colour)
}
