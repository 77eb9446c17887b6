//! Decoding of an item to a small upright picture.

use heifer_hevc_dec::decoder::{DecodeOptions, decode_picture};
use heifer_hevc_dec::recon::Frame;
use heifer_isobmff::ItemId;

use super::av1;
use super::canvas::{self, Canvas, Rgb, Window};
use super::colour::{self, Converter, Meaning};
use super::container::{Codec, Container, Kind, NESTED, Turn};
use super::problem::Problem;

/// Whole blocks of this side are coded, of which the last ones may be cut off.
const BLOCK: u64 = 64;

/// From which reduction on the smoothing of blocks does not show: it takes a quarter of the time, or more of AV1's.
const ROUGH_SHRINK: u32 = 4;

/// The short side of the tiles that a thumbnail is compared with.
const COMPARED_SIDE: u32 = 32;

/// The largest mean difference of a quarter of a tile and that of the thumbnail, of 255.
const MAX_TILE_DIFFERENCE: u32 = 16;

/// What limits the work on one file.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The short side that the picture is shrunk to, or a little more.
    pub short_side: u32,
    /// The most pixels of a picture that is decoded.
    pub pixels: u64,
}

/// Decodes an item, with its opacity on white.
pub fn decode(container: &Container<'_>, id: ItemId, bounds: Bounds) -> Result<Rgb, Problem> {
    Ok(container.upright(id)?.turns.into_iter().fold(stored(container, id, bounds)?, turned))
}

/// Decodes a thumbnail. `None` if it cannot be decoded, or if tiles of the picture show that it is of another one.
pub fn of_thumbnail(container: &Container<'_>, id: ItemId, bounds: Bounds) -> Option<Rgb> {
    let thumbnail = stored(container, id, bounds).ok()?;
    let is_alike = is_like_tiles(container, &thumbnail, bounds).ok()?;
    is_alike.then(|| container.upright(id).ok())?.map(|upright| upright.turns.into_iter().fold(thumbnail, turned))
}

/// Whether a thumbnail that is not turned yet looks like the tile in the middle of the picture and one above it. That of a picture
/// without tiles is not compared: it would have to be decoded.
fn is_like_tiles(container: &Container<'_>, thumbnail: &Rgb, bounds: Bounds) -> Result<bool, Problem> {
    let Kind::Grid { columns, width, height, tiles } = container.kind(container.primary())? else { return Ok(true) };
    let effort = Effort { pixels: bounds.pixels, is_rough: true };
    let (tile_width, tile_height) = allowed_size(container, tiles[0], effort)?;
    let count = tiles.len() as u32;
    let rows = count / columns;
    for at in [rows / 2 * columns + columns / 2, rows / 4 * columns + columns / 4] {
        let at = at.min(count - 1);
        let (left, top) = (u64::from(at % columns) * u64::from(tile_width), u64::from(at / columns) * u64::from(tile_height));
        // One at the edge may be cut.
        if left + u64::from(tile_width) > width.into() || top + u64::from(tile_height) > height.into() {
            continue;
        }
        let tile = stored(container, tiles[at as usize], Bounds { short_side: COMPARED_SIDE, ..bounds })?;
        let scaled = |place: u64, whole: u32, small: u32| (place * u64::from(small) / u64::from(whole)) as u32;
        let (x, y) = (scaled(left, width, thumbnail.width), scaled(top, height, thumbnail.height));
        let part = Window {
            left: x,
            top: y,
            width: scaled(left + u64::from(tile_width), width, thumbnail.width).saturating_sub(x).max(1),
            height: scaled(top + u64::from(tile_height), height, thumbnail.height).saturating_sub(y).max(1),
        };
        let whole = Window { left: 0, top: 0, width: tile.width, height: tile.height };
        let (a, b) = (means(&tile, whole), means(thumbnail, part));
        let difference: u32 = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).sum();
        if difference > MAX_TILE_DIFFERENCE * a.len() as u32 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the means of the four quarters of a part of a picture.
fn means(picture: &Rgb, part: Window) -> Vec<u32> {
    let half = |start: u32, length: u32| [(start, length.div_ceil(2)), (start + length / 2, length.div_ceil(2))];
    let mut means = Vec::new();
    for (top, height) in half(part.top, part.height) {
        for (left, width) in half(part.left, part.width) {
            let row = |y: u32| &picture.pixels[3 * (y * picture.width + left) as usize..][..3 * width as usize];
            let (mut sums, count) = ([0; 3], u64::from(width) * u64::from(height));
            for pixel in (top..top + height).flat_map(|y| row(y).chunks_exact(3)) {
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u64::from(*value));
            }
            means.extend(sums.map(|sum| (sum / count) as u32));
        }
    }
    means
}

/// Decodes an item as it is before it is turned.
fn stored(container: &Container<'_>, id: ItemId, bounds: Bounds) -> Result<Rgb, Problem> {
    let upright = container.upright(id)?;
    let Window { width, height, .. } = upright.window;
    let shrink = width.min(height) / bounds.short_side.max(1);
    let effort = Effort { pixels: bounds.pixels, is_rough: shrink >= ROUGH_SHRINK };
    let size = allowed_size(container, id, effort)?;
    let opacity = match container.opacity(id) {
        Some((opacity, is_premultiplied)) => Some((Opacity::decode(container, opacity, size, effort)?, is_premultiplied)),
        None => None,
    };
    let mut canvas = Canvas::new(upright.window, shrink)?;
    each_row(container, id, effort, &mut |left, y, rgb| {
        if let Some((opacity, is_premultiplied)) = &opacity {
            colour::put_on_white(rgb, opacity.row(left, y), *is_premultiplied);
        }
        canvas.add(left, y, rgb);
    })?;
    Ok(canvas.finish())
}

/// How an item is decoded.
#[derive(Clone, Copy)]
struct Effort {
    /// The most pixels.
    pixels: u64,
    /// Blocks are not smoothed.
    is_rough: bool,
}

/// The opacity of every pixel of a picture.
struct Opacity {
    width: usize,
    values: Vec<u8>,
}

impl Opacity {
    fn decode(container: &Container<'_>, id: ItemId, (width, height): (u32, u32), effort: Effort) -> Result<Opacity, Problem> {
        let (own_width, own_height) = allowed_size(container, id, effort)?;
        if own_width < width || own_height < height {
            return Err(Problem::Unsupported("whose opacity is smaller than its picture is not read by this version".into()));
        }
        let width = own_width as usize;
        let mut values = canvas::filled(255, width * own_height as usize)?;
        each_row(container, id, effort, &mut |left, y, rgb| {
            let row = &mut values[y as usize * width..][left as usize..];
            row.iter_mut().zip(rgb.chunks_exact(3)).for_each(|(value, pixel)| *value = pixel[1]);
        })?;
        Ok(Opacity { width, values })
    }

    fn row(&self, left: u32, y: u32) -> &[u8] {
        self.values.get(y as usize * self.width + left as usize..).unwrap_or_default()
    }
}

/// Returns width and height of an item before crop and turns, if it may be decoded.
fn allowed_size(container: &Container<'_>, id: ItemId, effort: Effort) -> Result<(u32, u32), Problem> {
    let (width, height) = container.stored_size(id)?;
    if u64::from(width) * u64::from(height) > effort.pixels {
        return Err(Problem::Damaged(format!(
            "{width} × {height} pixels, more than the limit of {} megapixels",
            effort.pixels / 1_000_000
        )));
    }
    Ok((width, height))
}

/// Decodes an item and hands out its rows, and those of its tiles: the first column, the row, and the pixels.
fn each_row(container: &Container<'_>, id: ItemId, effort: Effort, take: &mut dyn FnMut(u32, u32, &mut [u8])) -> Result<(), Problem> {
    let (width, height) = allowed_size(container, id, effort)?;
    let Kind::Grid { columns, tiles, .. } = container.kind(id)? else {
        let frame = frame(container, id, effort)?;
        let meaning = container.meaning(id).unwrap_or_else(|| Meaning::of(&frame));
        return rows(&frame, meaning, (0, 0), (width, height), take);
    };
    let of_grid = container.meaning(id);
    let (tile_width, tile_height) = allowed_size(container, tiles[0], effort)?;
    let rows_of_tiles = (tiles.len() as u32).div_ceil(columns);
    // Each covers a part of the picture, and all cover all of it.
    let fits = |count: u32, side: u32, whole: u32| {
        let (all, before_last) = (u64::from(count) * u64::from(side), u64::from(count - 1) * u64::from(side));
        all >= whole.into() && before_last < whole.into()
    };
    if !fits(columns, tile_width, width) || !fits(rows_of_tiles, tile_height, height) {
        return Err(Problem::Damaged("the tiles of the picture do not make a picture of its size".into()));
    }
    for (at, &tile) in (0..).zip(&tiles) {
        if container.stored_size(tile)? != (tile_width, tile_height) {
            return Err(Problem::Damaged("the tiles of the picture have different sizes".into()));
        }
        if !container.is_plain(tile) {
            return Err(Problem::Unsupported(NESTED.into()));
        }
        let frame = frame(container, tile, effort)?;
        let meaning = container.meaning(tile).or(of_grid).unwrap_or_else(|| Meaning::of(&frame));
        let place = (at % columns * tile_width, at / columns * tile_height);
        let shown = (tile_width.min(width - place.0), tile_height.min(height - place.1));
        rows(&frame, meaning, place, shown, take)?;
    }
    Ok(())
}

/// Hands out the rows of the part of a frame that is shown.
fn rows(
    frame: &Frame,
    meaning: Meaning,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
    take: &mut dyn FnMut(u32, u32, &mut [u8]),
) -> Result<(), Problem> {
    if frame.widths[0] < width || frame.heights[0] < height {
        let reason = format!("the file says {width} × {height} pixels, but only {} × {} are coded", frame.widths[0], frame.heights[0]);
        return Err(Problem::Damaged(reason));
    }
    let converter = Converter::new(frame, meaning);
    let mut rgb = vec![0; 3 * width as usize];
    for y in 0..height {
        converter.row(y, &mut rgb);
        take(left, top + y, &mut rgb);
    }
    Ok(())
}

fn frame(container: &Container<'_>, id: ItemId, effort: Effort) -> Result<Frame, Problem> {
    let (width, height) = allowed_size(container, id, effort)?;
    let Kind::Coded(codec) = container.kind(id)? else { return Err(Problem::Unsupported(NESTED.into())) };
    let stream = container.bitstream(id, codec)?;
    let whole = |side: u32| u64::from(side).next_multiple_of(BLOCK) + BLOCK;
    let max_pixels = whole(width) * whole(height);
    match codec {
        Codec::Hevc => {
            let options = DecodeOptions { max_pixels, skip_loop_filters: effort.is_rough, ..DecodeOptions::default() };
            decode_picture(&stream, options).map_err(|e| match e {
                heifer_hevc_dec::Error::UnexpectedEof => Problem::Damaged("the picture data ends too early".into()),
                e => Problem::Damaged(format!("the picture data cannot be decoded: {e}")),
            })
        }
        Codec::Av1 => av1::frame(stream, max_pixels, effort.is_rough),
    }
}

/// Returns the picture after a turn.
pub fn turned(picture: Rgb, turn: Turn) -> Rgb {
    let Rgb { width, height, .. } = picture;
    let size = if matches!(turn, Turn::Quarters(1 | 3)) { (height, width) } else { (width, height) };
    let pixels = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
    let from = pixels.map(|(x, y)| match turn {
        Turn::Quarters(1) => (width - 1 - y, x),
        Turn::Quarters(2) => (width - 1 - x, height - 1 - y),
        Turn::Quarters(3) => (y, height - 1 - x),
        Turn::Quarters(_) => (x, y),
        Turn::TopBottom => (x, height - 1 - y),
        Turn::LeftRight => (width - 1 - x, y),
    });
    let pixels = from.flat_map(|(x, y)| picture.pixels[3 * (y as usize * width as usize + x as usize)..][..3].iter().copied()).collect();
    Rgb { width: size.0, height: size.1, pixels }
}
