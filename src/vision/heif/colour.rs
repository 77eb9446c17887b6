//! Colours: from what HEVC codes to 8-bit RGB.

use heifer_hevc_dec::recon::Frame;

/// The bits after the point of factors.
const FRACTION: u32 = 14;

/// How samples are meant, as the container or the bitstream says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// Matrix coefficients by ITU-T H.273.
    pub matrix: u16,
    /// Whether the samples have all values of their bits, not those of video alone.
    pub is_full_range: bool,
}

impl Meaning {
    /// What the bitstream says.
    pub fn of(frame: &Frame) -> Meaning {
        Meaning { matrix: frame.matrix_coeffs.into(), is_full_range: frame.full_range }
    }

    /// The shares of red and blue in the lightness. BT.601 if it is not said.
    fn shares(self) -> (f64, f64) {
        match self.matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        }
    }
}

/// Makes RGB of the rows of a frame.
pub struct Converter<'a> {
    frame: &'a Frame,
    /// Red, green and blue are stored as they are.
    is_rgb: bool,
    light: i32,
    light_zero: i32,
    chroma_zero: i32,
    red: i32,
    green: [i32; 2],
    blue: i32,
    /// By how many bits columns and rows of chroma are fewer.
    fewer: [u32; 2],
}

impl<'a> Converter<'a> {
    pub fn new(frame: &'a Frame, meaning: Meaning) -> Converter<'a> {
        let [bits, chroma_bits] = frame.bit_depth;
        let most = |bits: u8| f64::from((1u32 << bits) - 1);
        let fixed = |value: f64| (value * 255.0 * f64::from(1u32 << FRACTION)).round() as i32;
        let is_grey = frame.widths[1] == 0;
        // Programs take grey ones as they are, whatever is said of their range.
        let (light_zero, light, chroma) = if meaning.is_full_range || is_grey || meaning.matrix == 0 {
            (0, most(bits), most(chroma_bits))
        } else {
            let scale = |value: u32, bits: u8| f64::from(value << (bits - 8));
            (16 << (bits - 8), scale(219, bits), scale(224, chroma_bits))
        };
        let (red, blue) = meaning.shares();
        let green = 1.0 - red - blue;
        let fewer = |full: u32, chroma: u32| u32::from(chroma < full);
        Converter {
            frame,
            is_rgb: meaning.matrix == 0 && !is_grey,
            light: fixed(1.0 / light),
            light_zero,
            chroma_zero: 1 << (chroma_bits - 1),
            red: fixed(2.0 * (1.0 - red) / chroma),
            green: [fixed(2.0 * blue * (1.0 - blue) / green / chroma), fixed(2.0 * red * (1.0 - red) / green / chroma)],
            blue: fixed(2.0 * (1.0 - blue) / chroma),
            fewer: [fewer(frame.widths[0], frame.widths[1]), fewer(frame.heights[0], frame.heights[1])],
        }
    }

    /// Writes the first pixels of a row, as many as `rgb` has room for. The frame has as many.
    pub fn row(&self, y: u32, rgb: &mut [u8]) {
        let plane = |plane: usize, y: u32| {
            let width = self.frame.widths[plane] as usize;
            let y = y.min(self.frame.heights[plane].saturating_sub(1)) as usize;
            &self.frame.planes[plane][y * width..(y + 1) * width]
        };
        let eight_bits = |value: i32| ((value + (1 << (FRACTION - 1))) >> FRACTION).clamp(0, 255) as u8;
        let light = |sample: u16| self.light * (i32::from(sample) - self.light_zero);
        let samples = plane(0, y);
        if self.frame.widths[1] == 0 {
            for (pixel, sample) in rgb.chunks_exact_mut(3).zip(samples) {
                pixel.fill(eight_bits(light(*sample)));
            }
            return;
        }
        let [columns, rows] = self.fewer;
        let (first, second) = (plane(1, y >> rows), plane(2, y >> rows));
        if self.is_rgb {
            for ((pixel, green), x) in rgb.chunks_exact_mut(3).zip(samples).zip(0..) {
                let at = (x >> columns).min(first.len() - 1);
                pixel.copy_from_slice(&[second[at], *green, first[at]].map(|sample| eight_bits(light(sample))));
            }
            return;
        }
        let chroma = first.iter().zip(second).map(|(blue, red)| {
            let (blue, red) = (i32::from(*blue) - self.chroma_zero, i32::from(*red) - self.chroma_zero);
            [self.red * red, -self.green[0] * blue - self.green[1] * red, self.blue * blue]
        });
        let step = 1usize << columns;
        for ((pixels, samples), chroma) in rgb.chunks_mut(3 * step).zip(samples.chunks(step)).zip(chroma) {
            for (pixel, sample) in pixels.chunks_exact_mut(3).zip(samples) {
                let light = light(*sample);
                for (value, chroma) in pixel.iter_mut().zip(chroma) {
                    *value = eight_bits(light + chroma);
                }
            }
        }
    }
}

/// Blends the pixels of a row with white.
pub fn put_on_white(rgb: &mut [u8], opacity: &[u8], is_premultiplied: bool) {
    for (pixel, &opacity) in rgb.chunks_exact_mut(3).zip(opacity) {
        let white = 255 * (255 - u32::from(opacity));
        let share = if is_premultiplied { 255 } else { u32::from(opacity) };
        for value in pixel {
            *value = ((u32::from(*value) * share + white + 127) / 255).min(255) as u8;
        }
    }
}
