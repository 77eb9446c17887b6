//! Scans: the entropy-coded data. Only DC values are kept, and a sample of the others is measured.

use super::Error;
use super::detail::Sampling;
use super::frame::Frame;
use super::huffman::{Bits, Huffman};

const DAMAGED: Error = Error::Broken("the picture data is damaged");
const CUT: Error = Error::Broken("the file ends in the middle of the picture");

/// The tables in force.
#[derive(Default)]
pub struct Tables {
    /// The quantisation tables, in zigzag order.
    steps: [Steps; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    /// MCUs between restart markers; 0 for none.
    restart_interval: usize,
}

impl Tables {
    /// The quantiser steps of the coefficients, in zigzag order. The DC coefficient is the first.
    pub fn steps(&self, table: usize) -> &[u16; 64] {
        &self.steps[table].0
    }

    pub fn read_quantisation(&mut self, mut body: &[u8]) -> Result<(), Error> {
        while let [kind, values @ ..] = body {
            let (wide, id) = (kind >> 4 != 0, usize::from(kind & 15));
            let length = if wide { 128 } else { 64 };
            if id > 3 || values.len() < length {
                return Err(Error::Broken("a quantisation table is cut short"));
            }
            let step = |k: usize| if wide { u16::from_be_bytes([values[2 * k], values[2 * k + 1]]) } else { values[k].into() };
            self.steps[id] = Steps(std::array::from_fn(step));
            body = &values[length..];
        }
        Ok(())
    }

    pub fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), Error> {
        while let [kind, rest @ ..] = body {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Error::Broken("a Huffman table is cut short"))?;
            let length = counts.iter().map(|&c| usize::from(c)).sum();
            let (class, id) = (kind >> 4, usize::from(kind & 15));
            if class > 1 || id > 3 || rest.len() < length {
                return Err(Error::Broken("a Huffman table is cut short"));
            }
            let tables = if class == 0 { &mut self.dc } else { &mut self.ac };
            tables[id] = Some(Huffman::new(counts, &rest[..length])?);
            body = &rest[length..];
        }
        Ok(())
    }

    pub fn read_restart_interval(&mut self, body: &[u8]) -> Result<(), Error> {
        let interval: [u8; 2] = body.get(..2).and_then(|b| b.try_into().ok()).ok_or(DAMAGED)?;
        self.restart_interval = u16::from_be_bytes(interval).into();
        Ok(())
    }
}

struct Steps([u16; 64]);

impl Default for Steps {
    fn default() -> Steps {
        Steps([0; 64])
    }
}

/// One component's part in a scan.
struct Part {
    component: usize,
    dc_table: usize,
    ac_table: usize,
}

/// Reads the scan whose header is `header` from the start of `data`; returns what follows it.
pub fn read<'a>(frame: &mut Frame, tables: &Tables, header: &[u8], data: &'a [u8]) -> Result<&'a [u8], Error> {
    let [count, rest @ ..] = header else { return Err(DAMAGED) };
    let count = usize::from(*count);
    let (Some(selectors), Some([first, last, approximation])) = (rest.get(..2 * count), rest.get(2 * count..2 * count + 3)) else {
        return Err(DAMAGED);
    };
    let (high, low) = (approximation >> 4, approximation & 15);
    if frame.is_progressive && *first != 0 {
        for component in frame.components.iter_mut().filter(|c| selectors.chunks_exact(2).any(|selector| selector[0] == c.id)) {
            component.add_scan(*first..=*last, high, low);
        }
        return Ok(data);
    }
    let mut parts = Vec::with_capacity(count);
    for selector in selectors.chunks_exact(2) {
        let component = frame.components.iter().position(|c| c.id == selector[0]).ok_or(DAMAGED)?;
        parts.push(Part { component, dc_table: usize::from(selector[1] >> 4), ac_table: usize::from(selector[1] & 15) });
    }
    let kind = match (frame.is_progressive, high) {
        (false, _) => Kind::Baseline,
        (true, 0) => Kind::First { shift: low.min(14) },
        (true, _) => Kind::Refinement { bit: 1i16 << low.min(14) },
    };
    let (plain, starts, after) = unstuffed(data);
    blocks(frame, tables, &parts, kind, &plain, &starts)?;
    for part in &parts {
        let component = &mut frame.components[part.component];
        component.is_read = true;
        match kind {
            Kind::Baseline => component.missing_bits = [0; 64],
            Kind::First { .. } | Kind::Refinement { .. } => component.add_scan(0..=0, high, low),
        }
    }
    Ok(after)
}

#[derive(Clone, Copy)]
enum Kind {
    Baseline,
    First { shift: u8 },
    Refinement { bit: i16 },
}

/// Reads the blocks of a scan in the order of the file.
fn blocks(frame: &mut Frame, tables: &Tables, parts: &[Part], kind: Kind, plain: &[u8], starts: &[usize]) -> Result<(), Error> {
    // A scan of one component holds its blocks one by one; several are interleaved in MCUs.
    let alone = parts.len() == 1;
    let (wide, high) = match parts {
        [part] => (frame.components[part.component].blocks_wide, frame.components[part.component].blocks_high),
        _ => (frame.mcus_wide, frame.mcus_high),
    };
    let mut sampling = Sampling::of(frame.components[0].dc.len());
    let mut coefficients = Vec::with_capacity(63);
    let interval = if tables.restart_interval == 0 { wide * high } else { tables.restart_interval };
    for (number, first) in (0..wide * high).step_by(interval).enumerate() {
        let start = *starts.get(number).ok_or(CUT)?;
        let end = starts.get(number + 1).copied().unwrap_or(plain.len());
        let mut bits = Bits::new(&plain[start..end]);
        let mut predictions = [0i16; 4];
        for mcu in first..(first + interval).min(wide * high) {
            let (mcu_x, mcu_y) = (mcu % wide, mcu / wide);
            for (part, prediction) in parts.iter().zip(&mut predictions) {
                let component = &mut frame.components[part.component];
                let (h, v) = if alone { (1, 1) } else { (component.h, component.v) };
                for block in 0..h * v {
                    let at = (mcu_y * v + block / h) * component.stride + mcu_x * h + block % h;
                    match kind {
                        Kind::Baseline => {
                            let dc = tables.dc[part.dc_table & 3].as_ref().ok_or(DAMAGED)?;
                            let ac = tables.ac[part.ac_table & 3].as_ref().ok_or(DAMAGED)?;
                            *prediction = prediction.wrapping_add(bits.difference(dc)?);
                            component.dc[at] = *prediction;
                            if part.component == 0 && sampling.takes_next() {
                                coefficients.clear();
                                bits.read_ac(ac, &mut coefficients)?;
                                frame.spectrum.add(&coefficients, tables.steps(component.quantisation));
                            } else {
                                bits.skip_ac(ac)?;
                            }
                        }
                        Kind::First { shift } => {
                            let dc = tables.dc[part.dc_table & 3].as_ref().ok_or(DAMAGED)?;
                            *prediction = prediction.wrapping_add(bits.difference(dc)?);
                            component.dc[at] = prediction.wrapping_shl(shift.into());
                        }
                        Kind::Refinement { bit } => {
                            if bits.bit() {
                                component.dc[at] |= bit;
                            }
                        }
                    }
                }
            }
            if bits.is_overrun() {
                return Err(if starts.len() > number + 1 { DAMAGED } else { CUT });
            }
        }
    }
    Ok(())
}

/// Removes byte stuffing and restart markers from entropy-coded data. Returns the plain bytes, the start of each
/// restart interval in them, and the data from the next marker on.
fn unstuffed(data: &[u8]) -> (Vec<u8>, Vec<usize>, &[u8]) {
    let mut plain = Vec::with_capacity(data.len());
    let mut starts = vec![0];
    let mut rest = data;
    while let Some(at) = memchr::memchr(0xff, rest) {
        plain.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            Some(0x00) => {
                plain.push(0xff);
                rest = &rest[at + 2..];
            }
            Some(0xd0..=0xd7) => {
                starts.push(plain.len());
                rest = &rest[at + 2..];
            }
            Some(0xff) => rest = &rest[at + 1..],
            Some(_) => return (plain, starts, &rest[at..]),
            None => return (plain, starts, &[]),
        }
    }
    plain.extend_from_slice(rest);
    (plain, starts, &[])
}
