//! JPEG at an eighth of its size, from the DC coefficients alone.
//!
//! The DC coefficient of a block is the mean of its 8 × 8 pixels (ITU-T T.81, A.3.3). So a picture of an eighth of
//! the width and height needs neither an inverse transform nor the other 63 coefficients. In a baseline file these
//! still have to be skipped, and `huffman` skips several at a time. Those of some blocks are read to measure the `detail` of the
//! picture. In a progressive file they are in separate scans, which are not read.

mod detail;
mod error;
mod frame;
mod huffman;
mod scan;
mod segments;

use crate::photo::{Dimensions, Picture, PixelHash};
use frame::Frame;

pub use error::Error;
pub use segments::{APP2, EXIF, PHOTOSHOP, Segment, XMP, after_header, has_whole_header, header_segments};

/// Width and height of a JPEG, from its frame header.
///
/// # Errors
/// [`Error::Broken`] when there is no frame header.
pub fn dimensions(bytes: &[u8]) -> Result<Dimensions, Error> {
    let frame = header_segments(bytes).find(|s| s.is_frame_header()).ok_or(Error::Broken("no frame header"))?;
    match *frame.body {
        [_, h1, h0, w1, w0, ..] => {
            Ok(Dimensions { width: u16::from_be_bytes([w1, w0]).into(), height: u16::from_be_bytes([h1, h0]).into() })
        }
        _ => Err(Error::Broken("the frame header is cut short")),
    }
}

/// Whether this reader is made for the kind of JPEG that the frame header names. Then the size of the picture costs little.
pub fn is_read_at_reduced_size(bytes: &[u8]) -> bool {
    let frame = header_segments(bytes).find(Segment::is_frame_header);
    frame.is_some_and(|frame| matches!(frame.marker, 0xc0..=0xc2) && matches!(frame.body, [8, _, _, _, _, 1 | 3, ..]))
}

/// The sum of the quantiser steps of the brightness: the larger, the coarser. `None` without a table.
pub fn quantisation(bytes: &[u8]) -> Option<u16> {
    let mut tables = scan::Tables::default();
    let read = |segment: Segment<'_>| tables.read_quantisation(segment.body).ok();
    header_segments(bytes).filter(|segment| segment.marker == segments::DQT).map(read).last()??;
    Some(tables.steps(0).iter().fold(0, |sum: u16, step| sum.saturating_add(*step)))
}

/// The DC coefficients of a picture, with what they mean.
pub struct BlockMeans {
    frame: Frame,
    tables: scan::Tables,
    adobe_transform: Option<u8>,
}

impl BlockMeans {
    /// Returns the picture at an eighth of its width and height, rounded up. The orientation is not applied.
    pub fn into_picture(self) -> Picture {
        self.frame.into_picture(&self.tables, self.adobe_transform)
    }

    /// Returns the hash of the quantised coefficients, upright. `None` if some of them are not in the file.
    pub fn pixel_hash(&self, orientation: u8) -> Option<PixelHash> {
        self.frame.pixel_hash(&self.tables, self.adobe_transform, orientation)
    }

    /// Returns the share of its width and height that the picture needs for all of its detail, from more than 0 to 1. `None` if
    /// that is not known: it is plain, or the file is progressive.
    pub fn detail(&self) -> Option<f64> {
        self.frame.spectrum.detail()
    }
}

/// Reads the DC coefficients.
///
/// # Errors
/// [`Error::Unsuited`] for four-channel files and those without a height; [`Error::Refused`] for arithmetic coding, lossless,
/// hierarchical and 12-bit files; [`Error::Broken`] when the data is damaged or ends early.
pub fn block_means(bytes: &[u8]) -> Result<BlockMeans, Error> {
    let mut frame: Option<Frame> = None;
    let mut tables = scan::Tables::default();
    let mut adobe_transform = None;
    let mut rest = bytes.get(2..).ok_or(Error::Broken("the file is empty"))?;
    loop {
        let Some(segment) = segments::next(&mut rest) else {
            return Err(Error::Broken("the file ends in the middle of the picture"));
        };
        match segment.marker {
            segments::EOI => break,
            segments::DQT => tables.read_quantisation(segment.body)?,
            segments::DHT => tables.read_huffman(segment.body)?,
            segments::DRI => tables.read_restart_interval(segment.body)?,
            segments::APP14 => adobe_transform = segment.body.strip_prefix(b"Adobe").and_then(|b| b.get(6)).copied().or(adobe_transform),
            segments::SOS => {
                let frame = frame.as_mut().ok_or(Error::Broken("picture data comes before the frame header"))?;
                rest = scan::read(frame, &tables, segment.body, rest)?;
                if frame.is_complete() {
                    break;
                }
            }
            _ if segment.is_frame_header() => frame = Some(Frame::read(segment.marker, segment.body)?),
            _ => {}
        }
    }
    let frame = frame.ok_or(Error::Broken("no frame header"))?;
    if !frame.has_every_component() {
        return Err(Error::Broken("the file ends before the whole picture"));
    }
    Ok(BlockMeans { frame, tables, adobe_transform })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a 1 × 1-block grey baseline JPEG of value `dc`, built by hand.
    fn grey(dc_bits: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        bytes.extend([0xff, 0xdb, 0, 67, 0]);
        bytes.extend([8; 64]);
        bytes.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
        // DC table: one code of length 1 (0) for category 5; AC: one code of length 1 (0) for EOB.
        bytes.extend([0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
        bytes.extend([0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        bytes.extend(dc_bits);
        bytes
    }

    fn eighth(bytes: &[u8]) -> Result<Picture, Error> {
        block_means(bytes).map(BlockMeans::into_picture)
    }

    #[test]
    fn a_block_becomes_its_mean() {
        // Code 0, five bits 11111 (= +31), EOB 0, padded with ones: 0 11111 0 1; quantised by 8, over 8.
        let picture = eighth(&grey(&[0b0111_1101, 0xff, 0xd9])).expect("a valid file");
        assert_eq!(picture, Picture::new(1, 1, vec![159, 159, 159]));
        // Five bits 00000 = -31.
        let picture = eighth(&grey(&[0b0000_0001, 0xff, 0xd9])).expect("a valid file");
        assert_eq!(picture, Picture::new(1, 1, vec![97, 97, 97]));
    }

    #[test]
    fn a_cut_file_is_broken_at_every_length() {
        let whole = grey(&[0b0111_1101, 0xff, 0xd9]);
        for length in 0..whole.len() - 2 {
            assert!(matches!(eighth(&whole[..length]), Err(Error::Broken(_))), "cut to {length}");
        }
    }
}
