//! What is known of two near photos after one was laid over the other.

use super::Dimensions;

/// An affine map of positions: x' = xx·x + xy·y + x0, y' = yx·x + yy·y + y0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Affine {
    pub x: [f64; 3],
    pub y: [f64; 3],
}

impl Affine {
    pub const IDENTITY: Affine = Affine { x: [1.0, 0.0, 0.0], y: [0.0, 1.0, 0.0] };

    /// A scaling and a shift.
    pub fn scaled(by: f64, shift: (f64, f64)) -> Affine {
        Affine { x: [by, 0.0, shift.0], y: [0.0, by, shift.1] }
    }

    pub fn apply(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x[0] * x + self.x[1] * y + self.x[2], self.y[0] * x + self.y[1] * y + self.y[2])
    }

    /// Returns this map followed by another one.
    pub fn then(&self, next: &Affine) -> Affine {
        let row = |row: &[f64; 3]| {
            let by = |column: usize| row[0] * self.x[column] + row[1] * self.y[column];
            [by(0), by(1), by(2) + row[2]]
        };
        Affine { x: row(&next.x), y: row(&next.y) }
    }

    fn determinant(&self) -> f64 {
        self.x[0] * self.y[1] - self.x[1] * self.y[0]
    }

    /// Returns the inverse. A placement always has one.
    pub fn inverse(&self) -> Affine {
        let d = self.determinant();
        let (a, b, c, e) = (self.y[1] / d, -self.x[1] / d, -self.y[0] / d, self.x[0] / d);
        let (x0, y0) = (self.x[2], self.y[2]);
        Affine { x: [a, b, -(a * x0 + b * y0)], y: [c, e, -(c * x0 + e * y0)] }
    }

    /// Returns by how much lengths grow: the square root of what areas grow by.
    pub fn scale(&self) -> f64 {
        self.determinant().abs().sqrt()
    }

    /// Returns by how much more lengths grow in one direction than across it, at least 1.
    pub fn stretch(&self) -> f64 {
        let sum = self.x[0].powi(2) + self.x[1].powi(2) + self.y[0].powi(2) + self.y[1].powi(2);
        let root = (sum * sum - 4.0 * self.determinant().powi(2)).max(0.0).sqrt();
        ((sum + root) / (sum - root).max(f64::MIN_POSITIVE)).sqrt()
    }

    pub fn is_mirrored(&self) -> bool {
        self.determinant() < 0.0
    }

    /// Returns the clockwise turn in degrees, -180 to 180, after the picture was mirrored from left to right if it is.
    pub fn degrees(&self) -> f64 {
        let sign = if self.is_mirrored() { -1.0 } else { 1.0 };
        (sign * self.y[0] + -self.x[1]).atan2(sign * self.x[0] + self.y[1]).to_degrees()
    }
}

/// What is left between two pictures, on a grid of a given longer side.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Residual {
    /// The correlation of the structure, -1 to 1: the larger of that of the whole overlap and of the tile at the lower
    /// quartile.
    pub agreement: f64,
    /// The share of tiles with structure that do not agree.
    pub misfit: f64,
    /// The share of tiles without structure in both pictures. They prove nothing.
    pub plain: f64,
    /// How many times more the tile that differs most differs than the median one. A text or a retouch is such a spot.
    pub spot: f64,
}

/// The tones of a picture, 0 to 255.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Tone {
    /// The mean brightness.
    pub brightness: f64,
    /// The standard deviation of the brightness.
    pub contrast: f64,
    /// The mean difference of the strongest and the weakest channel. Near 0 it is black and white.
    pub chroma: f64,
}

/// What is known of two near photos.
#[derive(Clone, Copy, PartialEq, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all pairs are laid")]
pub enum Compared {
    /// They are to be compared.
    NotYet,
    /// The place of one in the other is not found.
    Apart,
    Laid(Comparison),
}

/// How a picture `a` lies in a picture `b`, and what is left then.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Comparison {
    /// Maps positions in `a` to positions in `b`. The unit is the longer side of each picture.
    pub map: Affine,
    /// The shares of `a` and of `b` that show what the other shows too.
    pub overlap: [f64; 2],
    pub coarse: Residual,
    pub fine: Residual,
    /// Of `a` and of `b`, where both show the same.
    pub tones: [Tone; 2],
    /// The shares of `a` and of `b` within plain margins, as of a screenshot or a border. 1 without margins.
    pub content: [f64; 2],
    /// The mean difference of the colours where both show the same, 0 to 255. Brightness does not count. `None` if an earlier
    /// version compared them.
    pub colour: Option<f64>,
    /// The shares of `a` and of `b` that have structure and that the other does not show.
    pub beside: [f64; 2],
    /// Of what the other does not show, the shares of `a` and of `b` that have one brightness: a border, or the ground under a
    /// print. 0 if there is next to nothing.
    pub margin: [f64; 2],
}

#[cfg(test)]
impl Comparison {
    /// Two pictures of the whole frame, nearly equal.
    pub const WHOLE: Comparison = {
        let left = Residual { agreement: 0.99, misfit: 0.0, plain: 0.0, spot: 1.0 };
        Comparison {
            map: Affine::IDENTITY,
            overlap: [1.0; 2],
            coarse: left,
            fine: left,
            tones: [Tone { brightness: 100.0, contrast: 50.0, chroma: 30.0 }; 2],
            content: [1.0; 2],
            colour: Some(1.0),
            beside: [0.0; 2],
            margin: [0.0; 2],
        }
    };
}

impl Comparison {
    /// The number of values of [`Comparison::values`].
    pub const VALUES: usize = 29;

    /// The number of values that earlier versions kept: without spots, colour and what is beside.
    pub const EARLIER_VALUES: usize = 22;

    /// Returns all numbers, in a lasting order.
    pub fn values(&self) -> [f32; Comparison::VALUES] {
        let (x, y) = (self.map.x, self.map.y);
        let residual = |left: &Residual| [left.agreement, left.misfit, left.plain];
        let tone = |tone: &Tone| [tone.brightness, tone.contrast, tone.chroma];
        let ([a, b], [c, d]) = (self.tones.each_ref().map(tone), [residual(&self.coarse), residual(&self.fine)]);
        let later = [&[self.coarse.spot, self.fine.spot, self.colour.unwrap_or_default()][..], &self.beside, &self.margin].concat();
        let all = [&x[..], &y, &self.overlap, &c, &d, &a, &b, &self.content, &later].concat();
        std::array::from_fn(|at| all[at] as f32)
    }

    /// From all numbers, or those that earlier versions kept. `None` if it is another number of them.
    pub fn from_values(values: &[f32]) -> Option<Comparison> {
        if ![Comparison::VALUES, Comparison::EARLIER_VALUES].contains(&values.len()) {
            return None;
        }
        // Earlier versions did not measure what comes last. 0 says nothing.
        let at = |at: usize| values.get(at).map_or(0.0, |value| f64::from(*value));
        let three = |first: usize| [at(first), at(first + 1), at(first + 2)];
        let residual = |first: usize, spot: usize| {
            let [agreement, misfit, plain] = three(first);
            Residual { agreement, misfit, plain, spot: at(spot) }
        };
        let tone = |first: usize| Tone { brightness: at(first), contrast: at(first + 1), chroma: at(first + 2) };
        Some(Comparison {
            map: Affine { x: three(0), y: three(3) },
            overlap: [at(6), at(7)],
            coarse: residual(8, 22),
            fine: residual(11, 23),
            tones: [tone(14), tone(17)],
            content: [at(20), at(21)],
            colour: values.get(24).copied().map(f64::from),
            beside: [at(25), at(26)],
            margin: [at(27), at(28)],
        })
    }

    /// Returns by how much lengths in `a` grow in `b`, in pixels of the files.
    pub fn scale(&self, a: Dimensions, b: Dimensions) -> f64 {
        let long_side = |dimensions: Dimensions| f64::from(dimensions.width.max(dimensions.height));
        self.map.scale() * long_side(b) / long_side(a)
    }

    /// Returns the comparison of `b` with `a`.
    pub fn swapped(&self) -> Comparison {
        let swap = |[a, b]: [f64; 2]| [b, a];
        let [of_a, of_b] = self.tones;
        Comparison {
            map: self.map.inverse(),
            overlap: swap(self.overlap),
            tones: [of_b, of_a],
            content: swap(self.content),
            beside: swap(self.beside),
            margin: swap(self.margin),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_undone_and_described() {
        let turn = |degrees: f64, scale: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Affine { x: [scale * cos, -scale * sin, 3.0], y: [scale * sin, scale * cos, -7.0] }
        };
        for degrees in [-170.0, -90.0, -10.0, 0.0, 30.0, 90.0, 135.0] {
            let map = turn(degrees, 0.5);
            assert!((map.degrees() - degrees).abs() < 1e-9 && (map.scale() - 0.5).abs() < 1e-9 && !map.is_mirrored());
            let (x, y) = map.inverse().apply(map.apply((40.0, 25.0)));
            assert!((x - 40.0).hypot(y - 25.0) < 1e-9);
            let mirror = Affine { x: [-1.0, 0.0, 100.0], y: [0.0, 1.0, 0.0] };
            let mirrored = mirror.then(&map);
            assert!(mirrored.is_mirrored() && (mirrored.degrees() - degrees).abs() < 1e-9, "{degrees}: {}", mirrored.degrees());
        }
    }

    #[test]
    fn a_comparison_is_kept_as_numbers_and_read_from_the_other_side() {
        let residual = |first: f64| Residual { agreement: first, misfit: first / 2.0, plain: first / 4.0, spot: first * 4.0 };
        let tone = |first: f64| Tone { brightness: first, contrast: first / 2.0, chroma: first / 4.0 };
        let comparison = Comparison {
            map: Affine { x: [0.5, 0.25, 0.125], y: [-0.25, 0.5, 0.0] },
            overlap: [1.0, 0.75],
            coarse: residual(0.5),
            fine: residual(1.0),
            tones: [tone(128.0), tone(64.0)],
            content: [1.0, 0.5],
            colour: Some(8.0),
            beside: [0.0, 0.25],
            margin: [0.5, 0.0],
        };
        let values = comparison.values();
        assert_eq!(Comparison::from_values(&values), Some(comparison));
        let earlier = Comparison::from_values(&values[..Comparison::EARLIER_VALUES]).expect("as many as earlier versions kept");
        assert_eq!((earlier.content, earlier.colour, earlier.beside, earlier.fine.spot), ([1.0, 0.5], None, [0.0; 2], 0.0));
        assert_eq!(Comparison::from_values(&values[1..]), None);
        let back = comparison.swapped();
        assert_eq!((back.overlap, back.content, back.tones[0]), ([0.75, 1.0], [0.5, 1.0], comparison.tones[1]));
        assert_eq!(back.beside, [0.25, 0.0]);
        assert!((back.map.scale() * comparison.map.scale() - 1.0).abs() < 1e-12);
    }
}
