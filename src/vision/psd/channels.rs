//! The channels of the merged picture, decoded row by row.
//!
//! A file stores its channels one after the other. To make a row of the picture, a reader for each channel starts where the
//! channel starts. So only a row of each channel is in memory.

use std::io::{self, ErrorKind, Read};

use flate2::bufread::ZlibDecoder;

use super::header::Header;
use super::packbits;
use super::reasons::{CUT_SHORT, DAMAGED};

/// Deflate does not make data smaller than by this factor.
const MOST_DEFLATED: u64 = 1032;

/// The rows of one channel that are still to be read, from the top.
pub struct Channel<'a>(Kind<'a>);

enum Kind<'a> {
    Raw(&'a [u8]),
    Packed {
        lengths: PackedLengths<'a>,
        data: &'a [u8],
    },
    Zip {
        inflate: Box<ZlibDecoder<&'a [u8]>>,
        /// The bytes of a value if the rows are stored as differences.
        predicted: Option<usize>,
    },
}

impl Channel<'_> {
    /// Decodes the next row. `row` has [`Header::row_bytes`] bytes.
    ///
    /// # Errors
    /// If the file ends within the row, or if the row has another length.
    pub fn next_row(&mut self, row: &mut [u8]) -> Result<(), &'static str> {
        match &mut self.0 {
            Kind::Raw(data) => {
                let (now, later) = data.split_at_checked(row.len()).ok_or(CUT_SHORT)?;
                row.copy_from_slice(now);
                *data = later;
            }
            Kind::Packed { lengths, data } => {
                let (now, later) = data.split_at_checked(lengths.next().ok_or(CUT_SHORT)?).ok_or(CUT_SHORT)?;
                packbits::unpack(now, row)?;
                *data = later;
            }
            Kind::Zip { inflate, predicted } => {
                inflate.read_exact(row).map_err(|e| zip_reason(&e))?;
                if let Some(value_bytes) = predicted {
                    undo_prediction(row, *value_bytes);
                }
            }
        }
        Ok(())
    }
}

/// Opens the first `count` channels of a merged picture. `data` starts with its compression.
///
/// # Errors
/// If the file is too short for these channels, or if the compression is not read.
pub fn channels<'a>(data: &'a [u8], header: &Header, count: u16) -> Result<Vec<Channel<'a>>, String> {
    let (compression, data) = data.split_first_chunk().ok_or(CUT_SHORT)?;
    let channel_bytes = header.row_bytes() as u64 * u64::from(header.height);
    let kinds = match u16::from_be_bytes(*compression) {
        0 => raw(data, channel_bytes, count),
        1 => packed(data, header, count),
        2 => zip(data, channel_bytes, count, None),
        3 if header.depth >= 8 => zip(data, channel_bytes, count, Some(usize::from(header.depth / 8))),
        other => return Err(format!("compression {other} of {} pictures is not read", header.mode.name())),
    };
    Ok(kinds?.into_iter().map(Channel).collect())
}

fn raw(data: &[u8], channel_bytes: u64, count: u16) -> Result<Vec<Kind<'_>>, &'static str> {
    let channel_bytes = usize::try_from(channel_bytes).map_err(|_| CUT_SHORT)?;
    let mut rest = data;
    let mut next = || {
        let (channel, after) = rest.split_at_checked(channel_bytes).ok_or(CUT_SHORT)?;
        rest = after;
        Ok(Kind::Raw(channel))
    };
    (0..count).map(|_| next()).collect()
}

/// The lengths of the packed rows, 2 bytes each in a PSD file and 4 in a PSB file.
#[derive(Clone)]
struct PackedLengths<'a> {
    table: &'a [u8],
    bytes_each: usize,
}

impl Iterator for PackedLengths<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let (length, rest) = self.table.split_at_checked(self.bytes_each)?;
        self.table = rest;
        Some(length.iter().fold(0, |value, digit| value << 8 | usize::from(*digit)))
    }
}

/// The lengths of the rows of all channels come first, then the rows.
fn packed<'a>(data: &'a [u8], header: &Header, count: u16) -> Result<Vec<Kind<'a>>, &'static str> {
    let bytes_each = if header.is_large { 4 } else { 2 };
    let channel_table = header.height as usize * bytes_each;
    let (table, mut rest) = data.split_at_checked(channel_table * usize::from(header.channels)).ok_or(CUT_SHORT)?;
    let shortest = packbits::shortest(header.row_bytes());
    let mut kinds = Vec::new();
    for table in table.chunks_exact(channel_table).take(usize::from(count)) {
        let lengths = PackedLengths { table, bytes_each };
        if lengths.clone().any(|length| length < shortest) {
            return Err(DAMAGED);
        }
        let total = lengths.clone().try_fold(0usize, usize::checked_add).ok_or(CUT_SHORT)?;
        let (channel, after) = rest.split_at_checked(total).ok_or(CUT_SHORT)?;
        kinds.push(Kind::Packed { lengths, data: channel });
        rest = after;
    }
    Ok(kinds)
}

/// All channels are in one stream. Each reader inflates the channels before its own, too, and drops them.
fn zip(data: &[u8], channel_bytes: u64, count: u16, predicted: Option<usize>) -> Result<Vec<Kind<'_>>, &'static str> {
    if channel_bytes * u64::from(count) / MOST_DEFLATED > data.len() as u64 {
        return Err(CUT_SHORT);
    }
    let open = |channel: u16| {
        let mut inflate = Box::new(ZlibDecoder::new(data));
        let before = channel_bytes * u64::from(channel);
        let skipped = io::copy(&mut inflate.by_ref().take(before), &mut io::sink()).map_err(|e| zip_reason(&e))?;
        if skipped == before { Ok(Kind::Zip { inflate, predicted }) } else { Err(CUT_SHORT) }
    };
    (0..count).map(open).collect()
}

fn zip_reason(error: &io::Error) -> &'static str {
    if error.kind() == ErrorKind::UnexpectedEof { CUT_SHORT } else { DAMAGED }
}

/// Undoes the prediction of ZIP: each value is stored as its difference to the one on its left. Values of 4 bytes are
/// split first: the row has the first byte of all values, then the second, and so on, and the differences are of bytes.
fn undo_prediction(row: &mut [u8], value_bytes: usize) {
    if value_bytes == 2 {
        let mut left = 0u16;
        for value in row.chunks_exact_mut(2) {
            left = left.wrapping_add(u16::from_be_bytes([value[0], value[1]]));
            value.copy_from_slice(&left.to_be_bytes());
        }
        return;
    }
    let mut left = 0u8;
    for value in row.iter_mut() {
        left = left.wrapping_add(*value);
        *value = left;
    }
    if value_bytes == 4 {
        let split = row.to_vec();
        let width = row.len() / 4;
        for (x, value) in row.chunks_exact_mut(4).enumerate() {
            value.copy_from_slice(&[0, 1, 2, 3].map(|byte| split[byte * width + x]));
        }
    }
}
