//! The items of a file: which is the picture, its parts, its thumbnail, and what is beside them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use blake3::Hasher;
use heifer_isobmff::boxes::{ColorInfo, Property};
use heifer_isobmff::{BoxIter, FourCC, HeifFile, Item, ItemId};

use super::canvas::Window;
use super::colour::Meaning;
use super::problem::Problem;
use crate::vision::named_colours::NamedColours;

/// Names of an opacity.
const OPACITY: [&str; 2] = ["urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"];

/// The content of an item with XMP.
const XMP: &str = "application/rdf+xml";

/// The largest difference of the aspects of a picture and its thumbnail.
const MAX_ASPECT_DIFFERENCE: f64 = 0.02;

/// Why a picture that is made of pictures that are made of others is refused.
pub const NESTED: &str = "whose tiles are turned or made of others is not read by this version";

/// How deep an item may be made of another.
const MAX_DEPTH: usize = 3;

/// Boxes that every file has, and those without content.
const USUAL: [&[u8; 4]; 6] = [b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide"];

/// How a picture is turned after it is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// By so many quarter turns against the clock.
    Quarters(u8),
    /// Top and bottom change places.
    TopBottom,
    /// Left and right change places.
    LeftRight,
}

/// What becomes of a decoded picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upright {
    /// The part that is shown, before it is turned.
    pub window: Window,
    pub turns: Vec<Turn>,
    /// Width and height after all of it.
    pub size: (u32, u32),
}

/// What a picture is coded with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Hevc,
    Av1,
}

/// How an item is made.
pub enum Kind {
    Coded(Codec),
    /// Of tiles in rows.
    Grid {
        columns: u32,
        width: u32,
        height: u32,
        tiles: Vec<ItemId>,
    },
}

/// What a file says of itself, as bytes.
#[derive(Default)]
pub struct Metadata {
    /// EXIF, from the header of its TIFF on, the one of the picture first.
    pub exif: Vec<Vec<u8>>,
    pub xmp: Vec<Vec<u8>>,
    pub profile: Option<Vec<u8>>,
    /// Other pictures, depth and what else is stored beside the picture.
    pub other: Vec<Vec<u8>>,
    /// The length of what follows after the last box.
    pub trailer_bytes: usize,
}

/// A file with a primary picture.
pub struct Container<'a> {
    file: HeifFile<'a>,
    /// The item of the picture.
    primary: ItemId,
}

/// Whether the brands of a file say that it is an AVIF, whatever its first brand is.
pub fn is_avif(bytes: &[u8]) -> bool {
    let Some(Ok(first)) = BoxIter::new(bytes).next() else { return false };
    let brands = || first.content.chunks_exact(4);
    let says_avif = brands().any(|brand| matches!(brand, b"avif" | b"avis"));
    first.header.box_type == FourCC(*b"ftyp") && says_avif && !brands().any(|brand| matches!(brand, b"heic" | b"heix"))
}

/// Returns the metadata of a file. Empty if it cannot be read.
pub fn metadata(bytes: &[u8]) -> Metadata {
    let length = length_of_boxes(bytes);
    let Ok(file) = HeifFile::parse(&bytes[..length]) else { return Metadata::default() };
    let mut known = BTreeSet::new();
    let mut of_picture = vec![file.primary_id];
    let mut thumbnails = file.referencing_items(file.primary_id, b"thmb");
    // Those of the parts of a picture belong to it.
    while let Some(id) = of_picture.pop().or_else(|| thumbnails.pop()) {
        if known.insert(id) {
            of_picture.extend(file.referenced_items(id, b"dimg"));
            of_picture.extend(file.referencing_items(id, b"auxl").into_iter().filter(|id| is_opacity(&file, *id)));
        }
    }
    let mut said = Metadata { trailer_bytes: bytes.len() - length, ..Metadata::default() };
    said.profile = file.icc_profile(file.primary_id).ok().flatten().map(<[u8]>::to_vec);
    let describes = |item: &Item| file.referenced_items(item.id, b"cdsc").iter().any(|id| known.contains(id));
    let (first, rest): (Vec<&Item>, Vec<&Item>) =
        file.items.iter().filter(|item| !known.contains(&item.id)).partition(|item| describes(item));
    for item in first.into_iter().chain(rest) {
        let Ok(data) = file.item_data(item.id) else { continue };
        match (&item.item_type.0, item.content_type.as_deref()) {
            (b"Exif", _) => said.exif.push(in_exif_item(&data).to_vec()),
            (b"mime", Some(XMP)) => said.xmp.push(data.into_owned()),
            _ if data.is_empty() => {}
            _ => said.other.push(data.into_owned()),
        }
    }
    for part in BoxIter::new(&bytes[..length]).flatten() {
        if !USUAL.contains(&&part.header.box_type.0) && !part.content.is_empty() {
            said.other.push(part.content.to_vec());
        }
    }
    said
}

/// An item with EXIF begins with the offset of its TIFF.
fn in_exif_item(data: &[u8]) -> &[u8] {
    let Some((offset, rest)) = data.split_first_chunk::<4>() else { return &[] };
    rest.get(u32::from_be_bytes(*offset) as usize..).filter(|tiff| !tiff.is_empty()).unwrap_or(rest)
}

/// Cameras and phones append other data after the last box.
fn length_of_boxes(bytes: &[u8]) -> usize {
    let whole = BoxIter::new(bytes).map_while(Result::ok).last();
    whole.map_or(0, |last| last.offset + last.header.header_size as usize + last.content.len())
}

fn is_opacity(file: &HeifFile<'_>, id: ItemId) -> bool {
    let properties = file.item_properties(id).into_iter().flatten();
    properties.into_iter().any(|property| matches!(property, Property::AuxiliaryType(kind) if OPACITY.contains(&kind.as_str())))
}

fn damaged(error: impl std::fmt::Display) -> Problem {
    Problem::Damaged(error.to_string())
}

impl<'a> Container<'a> {
    pub fn of(bytes: &'a [u8]) -> Result<Container<'a>, Problem> {
        let parsed = HeifFile::parse(&bytes[..length_of_boxes(bytes)]);
        let file = parsed.map_err(|e| match e {
            heifer_isobmff::Error::MissingBox(FourCC(kind)) if kind == *b"meta" && has_film(bytes) => {
                Problem::Unsupported("that is a film without a still picture is not read by this version".into())
            }
            heifer_isobmff::Error::MissingBox(_) | heifer_isobmff::Error::UnexpectedEof => {
                Problem::Damaged(format!("the file is damaged or cut short: its index cannot be read ({e})"))
            }
            e => Problem::Damaged(format!("the file is damaged: {e}")),
        })?;
        let mut primary = file.primary_id;
        for _ in 0..MAX_DEPTH {
            match (&file.item(primary).map_err(damaged)?.item_type.0, file.referenced_items(primary, b"dimg")) {
                // Another one, turned.
                (b"iden", [original]) if file.item_properties(primary).map_err(damaged)?.all(|property| !is_change(property)) => {
                    primary = *original
                }
                _ => break,
            }
        }
        Ok(Container { file, primary })
    }

    pub fn primary(&self) -> ItemId {
        self.primary
    }

    /// Returns the smallest thumbnail that stands for the picture: it is of the same shape, turned alike, and its short side is not
    /// shorter than this.
    pub fn thumbnail(&self, short_side: u32) -> Option<ItemId> {
        let whole = self.upright(self.primary).ok()?;
        let is_cropped = (whole.window.width, whole.window.height) != self.stored_size(self.primary).ok()?;
        if is_cropped || self.opacity(self.primary).is_some() {
            return None;
        }
        let aspect = |(width, height): (u32, u32)| f64::from(width) / f64::from(height);
        let stands = |id: &ItemId| {
            let Ok(small) = self.upright(*id) else { return false };
            small.size.0.min(small.size.1) >= short_side
                && small.turns == whole.turns
                && (aspect(small.size) / aspect(whole.size) - 1.0).abs() <= MAX_ASPECT_DIFFERENCE
        };
        let all = self.file.referencing_items(self.file.primary_id, b"thmb").into_iter().filter(stands);
        all.min_by_key(|id| self.upright(*id).map_or(u64::MAX, |small| u64::from(small.size.0) * u64::from(small.size.1)))
    }

    pub fn kind(&self, id: ItemId) -> Result<Kind, Problem> {
        let coded = |how: &str| Problem::Unsupported(format!("whose picture is {how} is not read by this version"));
        match &self.file.item(id).map_err(damaged)?.item_type.0 {
            b"hvc1" | b"hev1" => Ok(Kind::Coded(Codec::Hevc)),
            b"av01" => Ok(Kind::Coded(Codec::Av1)),
            b"grid" => {
                let grid = self.file.grid(id).map_err(damaged)?;
                let tiles = self.file.referenced_items(id, b"dimg").to_vec();
                if tiles.is_empty() || tiles.len() != usize::from(grid.rows) * usize::from(grid.columns) {
                    return Err(damaged("the picture is made of tiles, and some are missing"));
                }
                Ok(Kind::Grid { columns: grid.columns.into(), width: grid.output_width, height: grid.output_height, tiles })
            }
            b"avc1" => Err(coded("coded with AVC")),
            b"jpeg" => Err(coded("coded with JPEG")),
            b"j2k1" => Err(coded("coded with JPEG 2000")),
            b"unci" => Err(coded("not compressed")),
            b"iovl" | b"iden" => Err(coded("made of other pictures")),
            other => Err(coded(&format!("of the kind {}", other.escape_ascii()))),
        }
    }

    /// Returns width and height before crop and turns.
    pub fn stored_size(&self, id: ItemId) -> Result<(u32, u32), Problem> {
        let size = match self.kind(id)? {
            Kind::Grid { width, height, .. } => (width, height),
            Kind::Coded(_) => {
                self.file.image_size(id).map_err(damaged)?.ok_or_else(|| damaged("the file does not say how large its picture is"))?
            }
        };
        if size.0 == 0 || size.1 == 0 {
            return Err(damaged("the picture has no pixels"));
        }
        Ok(size)
    }

    /// Returns what is shown of an item, and how it is turned.
    pub fn upright(&self, id: ItemId) -> Result<Upright, Problem> {
        let (width, height) = self.stored_size(id)?;
        let mut upright = Upright { window: Window { left: 0, top: 0, width, height }, turns: Vec::new(), size: (width, height) };
        for property in self.file.item_properties(id).map_err(damaged)? {
            match property {
                Property::CleanAperture { width, height, horiz_offset, vert_offset } => {
                    if !upright.turns.is_empty() {
                        return Err(Problem::Unsupported("that is cropped after it is turned is not read by this version".into()));
                    }
                    let shown =
                        |stored, size, offset| cropped(stored, size, offset).ok_or_else(|| damaged("the picture is cropped to nothing"));
                    let (left, width) = shown(upright.window.width, *width, *horiz_offset)?;
                    let (top, height) = shown(upright.window.height, *height, *vert_offset)?;
                    let Window { left: before, top: above, .. } = upright.window;
                    upright.window = Window { left: before + left, top: above + top, width, height };
                    upright.size = (width, height);
                }
                Property::Rotation(0) => {}
                Property::Rotation(quarters) => {
                    upright.turns.push(Turn::Quarters(*quarters));
                    if quarters % 2 == 1 {
                        upright.size = (upright.size.1, upright.size.0);
                    }
                }
                Property::Mirror(is_top_bottom) => upright.turns.push(if *is_top_bottom { Turn::TopBottom } else { Turn::LeftRight }),
                _ => {}
            }
        }
        Ok(upright)
    }

    /// Whether a tile is coded, and shown as it is decoded.
    pub fn is_plain(&self, id: ItemId) -> bool {
        let has_change = self.file.item_properties(id).map_or(true, |mut all| all.any(is_change));
        !has_change && matches!(self.kind(id), Ok(Kind::Coded(_)))
    }

    /// Returns the item with the opacity of another one, and whether the colours are multiplied with it.
    pub fn opacity(&self, id: ItemId) -> Option<(ItemId, bool)> {
        let opacity = self.file.referencing_items(id, b"auxl").into_iter().find(|id| is_opacity(&self.file, *id))?;
        Some((opacity, self.file.referenced_items(id, b"prem").contains(&opacity)))
    }

    /// Returns what the container says of the samples of an item. Tiles may leave it to their grid.
    pub fn meaning(&self, id: ItemId) -> Option<Meaning> {
        self.file.item_properties(id).ok()?.find_map(|property| match property {
            Property::Color(ColorInfo::Nclx { matrix, full_range, .. }) => Some(Meaning { matrix: *matrix, is_full_range: *full_range }),
            _ => None,
        })
    }

    /// Returns what the container says of the colours of an item, or else of its first tile. A profile says more than numbers.
    pub fn colours(&self, id: ItemId) -> Option<NamedColours> {
        let first = self.file.referenced_items(id, b"dimg").first().copied();
        [Some(id), first].into_iter().flatten().find_map(|id| {
            if let Ok(Some(profile)) = self.file.icc_profile(id) {
                return Some(NamedColours::Profile(profile.to_vec()));
            }
            self.file.item_properties(id).ok()?.find_map(|property| match property {
                Property::Color(ColorInfo::Nclx { primaries, transfer, .. }) => {
                    Some(NamedColours::Coded { primaries: *primaries, transfer: *transfer })
                }
                _ => None,
            })
        })
    }

    /// Returns the bitstream of a coded item.
    pub fn bitstream(&self, id: ItemId, codec: Codec) -> Result<Vec<u8>, Problem> {
        let stream = match codec {
            Codec::Hevc => self.file.hevc_bitstream(id),
            Codec::Av1 => self.file.item_data(id).map(Cow::into_owned),
        };
        stream.map_err(|e| match e {
            heifer_isobmff::Error::UnexpectedEof => damaged("the file ends in the middle of the picture"),
            e => damaged(e),
        })
    }

    /// Hashes what makes a picture.
    pub fn hash(&self, id: ItemId, hasher: &mut Hasher) -> Result<(), Problem> {
        let parts = match self.kind(id)? {
            Kind::Coded(_) => vec![id],
            Kind::Grid { tiles, .. } => tiles,
        };
        let opacity = self.opacity(id);
        let said = format!("{:?} {} {:?}", self.upright(id)?, parts.len(), opacity.map(|(_, is_premultiplied)| is_premultiplied));
        hasher.update(said.as_bytes());
        for part in parts {
            let Kind::Coded(codec) = self.kind(part)? else { return Err(Problem::Unsupported(NESTED.into())) };
            let stream = self.bitstream(part, codec)?;
            let meaning = self.meaning(part).or_else(|| self.meaning(id));
            hasher.update(format!("{codec:?} {meaning:?} {:?} {}", self.stored_size(part)?, stream.len()).as_bytes()).update(&stream);
        }
        opacity.map_or(Ok(()), |(opacity, _)| self.hash(opacity, hasher))
    }
}

fn has_film(bytes: &[u8]) -> bool {
    BoxIter::new(bytes).flatten().any(|part| part.header.box_type == FourCC(*b"moov"))
}

fn is_change(property: &Property) -> bool {
    matches!(property, Property::CleanAperture { .. } | Property::Rotation(1..) | Property::Mirror(_))
}

/// Returns where a crop begins and its length. Its offset is that of its middle.
fn cropped(stored: u32, size: (u32, u32), offset: (i32, u32)) -> Option<(u32, u32)> {
    if size.1 == 0 || offset.1 == 0 {
        return None;
    }
    let length = (f64::from(size.0) / f64::from(size.1)).round();
    let middle = f64::from(offset.0) / f64::from(offset.1) + (f64::from(stored) - 1.0) / 2.0;
    let start = (middle - (length - 1.0) / 2.0).round().max(0.0) as u32;
    let length = (length as u32).min(stored.saturating_sub(start));
    (length > 0).then_some((start, length))
}
