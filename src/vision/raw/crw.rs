//! CRW: Canon's Camera Image File Format (CIFF), a tree of heaps. A heap ends with the offset of its directory.

use super::bytes::{Order, part, text};
use super::camera::{Camera, orientation, time};
use super::preview::Previews;
use super::{Family, Raw};

const PREVIEW: u16 = 0x2007;
const IMAGE: u16 = 0x1810;
const MAKE_AND_MODEL: u16 = 0x080a;
const TAKEN: u16 = 0x180e;

/// The parts of a tag: where its data are, and of which type they are.
const STORAGE: u16 = 0xc000;
const IN_HEAP: u16 = 0x0000;
const IN_RECORD: u16 = 0x4000;
const TYPE: u16 = 0x3800;
const HEAPS: [u16; 2] = [0x2800, 0x3000];

/// The most heaps, and records in each. Canon writes 7 heaps, and up to 30 records.
const MAX_HEAPS: usize = 32;
const MAX_RECORDS: usize = 256;

/// Reads a CRW. `None` if the directory at its end is missing.
pub fn read(bytes: &[u8]) -> Option<Raw<'_>> {
    let order = Order::from_mark(bytes.get(..2)?)?;
    let root = bytes.get(order.place(bytes, 2)?..)?;
    let records = records(root, order)?;
    let find = |tag| records.iter().find(|(found, _)| *found == tag).map(|(_, data)| *data);

    let mut previews = Previews::default();
    previews.offer(find(PREVIEW));
    // Width, height, aspect ratio of a pixel, rotation.
    let number = |index: usize| order.u32(find(IMAGE)?, 4 * index);
    let size = number(0).zip(number(1)).filter(|(width, height)| *width > 0 && *height > 0);
    let mut raw = Raw::new(Family::Crw, size, number(3).and_then(orientation), &previews);
    raw.camera = Some(Camera {
        make: find(MAKE_AND_MODEL).and_then(text).map(str::to_owned),
        model: find(MAKE_AND_MODEL).and_then(second_text).map(str::to_owned),
        taken: find(TAKEN).and_then(|data| order.u32(data, 0)).and_then(time),
    });
    Some(raw)
}

fn second_text(data: &[u8]) -> Option<&str> {
    text(&data[data.iter().position(|byte| *byte == 0)? + 1..])
}

/// Returns the records of a heap and of those below it, by tag. `None` if the heap has no directory.
fn records(root: &[u8], order: Order) -> Option<Vec<(u16, &[u8])>> {
    let mut found = Vec::new();
    let mut heaps = vec![root];
    let mut next = 0;
    while let Some(heap) = heaps.get(next).copied() {
        let directory = directory(heap, order);
        if next == 0 {
            directory?;
        }
        next += 1;
        for entry in directory.unwrap_or_default().chunks_exact(10) {
            let Some((tag, data)) = record(heap, entry, order) else { continue };
            if HEAPS.contains(&(tag & TYPE)) && heaps.len() < MAX_HEAPS {
                heaps.push(data);
            } else {
                found.push((tag, data));
            }
        }
    }
    Some(found)
}

/// Returns the entries of a heap, ten bytes each.
fn directory(heap: &[u8], order: Order) -> Option<&[u8]> {
    let at = order.place(heap, heap.len().checked_sub(4)?)?;
    let count = usize::from(order.u16(heap, at)?).min(MAX_RECORDS);
    part(heap, at.checked_add(2)?, 10 * count)
}

fn record<'a>(heap: &'a [u8], entry: &'a [u8], order: Order) -> Option<(u16, &'a [u8])> {
    let tag = order.u16(entry, 0)?;
    let data = match tag & STORAGE {
        IN_HEAP => part(heap, order.place(entry, 6)?, order.place(entry, 2)?),
        IN_RECORD => entry.get(2..),
        _ => None,
    };
    Some((tag & !STORAGE, data?))
}
