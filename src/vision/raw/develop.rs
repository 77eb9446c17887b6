//! Development of sensor data to a small picture: a square of two by two becomes one pixel, and squares are averaged.

use super::sensor::{Area, Sensor};
use crate::vision::lab;

/// The share of pixels that may be white. The brightest of the others becomes white, as cameras expose with room above.
const WHITE_SHARE: f32 = 0.01;

/// By how much a picture is brightened at most.
const MOST_BRIGHTENED: f32 = 8.0;

/// From linear sRGB to X, Y and Z of D65.
const TO_XYZ: [[f32; 3]; 3] = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];

/// A small picture of 8-bit RGB, not turned.
pub struct Developed {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

/// Develops sensor data to a picture whose short side is at least so long, if the data has as many squares.
///
/// # Errors
/// If the data is damaged or cut short, or if there is not enough memory.
pub fn develop(sensor: &Sensor<'_>, short_side: u32) -> Result<Developed, String> {
    let samples = sensor.samples()?;
    let shrink = (sensor.area.width.min(sensor.area.height) / 2 / short_side.max(1) as usize).max(1);
    let (width, height, mut light) = shrunk(sensor, &samples, shrink);
    drop(samples);
    let neutral = sensor.meaning.neutral.unwrap_or_else(|| means(&light));
    // The strongest colour stays, so that what is white for the sensor is white.
    let most = neutral.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let matrix = sensor.meaning.matrix.and_then(to_srgb);
    for pixel in &mut light {
        let balanced: [f32; 3] = std::array::from_fn(|at| (pixel[at] * most / neutral[at]).min(1.0));
        *pixel = matrix.map_or(balanced, |matrix| matrix.map(|row| row[0] * balanced[0] + row[1] * balanced[1] + row[2] * balanced[2]));
    }
    let factor = brightening(&light);
    let pixels = light.into_iter().flat_map(|pixel| pixel.map(|value| lab::from_linear(value * factor))).collect();
    Ok(Developed { width: width as u32, height: height as u32, pixels })
}

/// Returns the means of boxes of so many squares, from 0 to 1.
fn shrunk(sensor: &Sensor<'_>, samples: &[u16], shrink: usize) -> (usize, usize, Vec<[f32; 3]>) {
    let Area { left, top, width, height } = sensor.area;
    let meaning = &sensor.meaning;
    let (columns, rows) = ((width / 2).div_ceil(shrink), (height / 2).div_ceil(shrink));
    let mut sums = vec![([0.0_f32; 3], [0.0_f32; 3]); columns * rows];
    for y in 0..height {
        let row = &samples[(top + y) * sensor.width + left..][..width];
        let boxes = &mut sums[y / 2 / shrink * columns..][..columns];
        for (x, sample) in row.iter().enumerate() {
            let place = y % 2 * 2 + x % 2;
            let black = meaning.black[place];
            let (sum, count) = &mut boxes[x / 2 / shrink];
            let colour = usize::from(meaning.pattern[place]);
            sum[colour] += ((f32::from(*sample) - black) / (meaning.white - black)).clamp(0.0, 1.0);
            count[colour] += 1.0;
        }
    }
    let means = sums.into_iter().map(|(sum, count)| std::array::from_fn(|colour| sum[colour] / count[colour])).collect();
    (columns, rows, means)
}

fn means(light: &[[f32; 3]]) -> [f32; 3] {
    std::array::from_fn(|colour| (light.iter().map(|pixel| pixel[colour]).sum::<f32>() / light.len() as f32).max(0.001))
}

/// Returns the way from balanced colours of a camera to those of sRGB: white stays white. `None` if there is none.
fn to_srgb(camera: [[f32; 3]; 3]) -> Option<[[f32; 3]; 3]> {
    let to_camera = camera.map(|row| std::array::from_fn(|column| (0..3).map(|at| row[at] * TO_XYZ[at][column]).sum::<f32>()));
    let balanced = to_camera.map(|row: [f32; 3]| row.map(|value| value / row.iter().sum::<f32>()));
    let m = balanced;
    let minor = |row: usize, column: usize| {
        let ([a, b], [c, d]) = (others(row), others(column));
        let value = m[a][c] * m[b][d] - m[a][d] * m[b][c];
        if (row + column).is_multiple_of(2) { value } else { -value }
    };
    let determinant: f32 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    let inverse: [[f32; 3]; 3] = std::array::from_fn(|row| std::array::from_fn(|column| minor(column, row) / determinant));
    inverse.iter().flatten().all(|value| value.abs() < 10.0).then_some(inverse)
}

fn others(place: usize) -> [usize; 2] {
    [[1, 2], [0, 2], [0, 1]][place]
}

fn brightening(light: &[[f32; 3]]) -> f32 {
    let mut brightest: Vec<f32> = light.iter().map(|pixel| pixel.iter().copied().fold(0.0, f32::max)).collect();
    let at = ((1.0 - WHITE_SHARE) * brightest.len() as f32) as usize;
    let at = at.min(brightest.len() - 1);
    let (_, white, _) = brightest.select_nth_unstable_by(at, f32::total_cmp);
    (1.0 / white.max(f32::MIN_POSITIVE)).clamp(1.0, MOST_BRIGHTENED)
}
