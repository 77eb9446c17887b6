//! Lossless JPEG (ITU-T T.81, process 14), in which many DNG files store sensor data.

use super::bytes::{Order, part};

const SOI: [u8; 2] = [0xff, 0xd8];
const SOF3: u8 = 0xc3;
const DHT: u8 = 0xc4;
const SOS: u8 = 0xda;
const DRI: u8 = 0xdd;

/// The most components of a pixel. Cameras interleave two or four columns.
const MAX_COMPONENTS: usize = 4;

const DAMAGED: &str = "its sensor data is damaged";
const OTHER: &str = "its sensor data is lossless JPEG of a kind that is not read";

/// Codes by their lengths, as T.81 builds them.
#[derive(Clone, Default)]
struct Codes {
    /// For each length from 1 to 16: the code after the last one, left-aligned in 16 bits, and the place of the symbol of code 0.
    lengths: Vec<(u32, i32)>,
    symbols: Vec<u8>,
}

impl Codes {
    fn new(counts: &[u8], symbols: &[u8]) -> Option<Codes> {
        let (mut code, mut first, mut lengths) = (0_u32, 0_i32, Vec::with_capacity(16));
        for (length, count) in (1..=16).zip(counts) {
            lengths.push(((code + u32::from(*count)) << (16 - length), first - code as i32));
            code = (code + u32::from(*count)) << 1;
            first += i32::from(*count);
        }
        let is_whole = lengths.iter().all(|(end, _)| *end <= 1 << 16) && symbols.iter().all(|bits| *bits <= 16);
        is_whole.then(|| Codes { lengths, symbols: symbols.to_vec() })
    }

    /// Decodes a symbol: the number of bits of a difference.
    fn symbol(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let next = bits.peek16();
        let (length, (_, offset)) = (1..=16).zip(&self.lengths).find(|(_, (end, _))| next < *end)?;
        bits.skip(length);
        self.symbols.get(usize::try_from((next >> (16 - length)) as i32 + offset).ok()?).copied()
    }
}

/// The bits of a scan. A zero byte follows each 0xff. Behind the end all bits are zero.
struct Bits<'a> {
    rest: &'a [u8],
    held: u64,
    count: u32,
    /// Bytes behind the end that were taken.
    missing: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 48 {
            let byte = match self.rest {
                [0xff, 0, rest @ ..] => {
                    self.rest = rest;
                    0xff
                }
                [] | [0xff, ..] => {
                    self.missing += 1;
                    0
                }
                [byte, rest @ ..] => {
                    self.rest = rest;
                    *byte
                }
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    fn peek16(&mut self) -> u32 {
        self.fill();
        (self.held >> (self.count - 16)) as u32 & 0xffff
    }

    fn skip(&mut self, bits: u32) {
        self.count -= bits;
    }

    fn take(&mut self, bits: u32) -> u32 {
        if bits == 0 {
            return 0;
        }
        let value = self.peek16() >> (16 - bits);
        self.skip(bits);
        value
    }

    /// Whether bits behind the end were used.
    fn is_beyond(&self) -> bool {
        self.missing * 8 > self.count
    }
}

/// Decodes a stream of exactly so many samples: those of all components of a pixel, then the next pixel.
///
/// # Errors
/// If it is damaged, has another number of samples, or is of a kind that cameras do not write.
pub fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u16>, &'static str> {
    let mut at = bytes.starts_with(&SOI).then_some(2).ok_or(DAMAGED)?;
    let mut codes: [Option<Codes>; 4] = Default::default();
    let mut frame = None;
    loop {
        let (Some(0xff), Some(marker)) = (bytes.get(at), bytes.get(at + 1)) else { return Err(DAMAGED) };
        let length = usize::from(Order::Big.u16(bytes, at + 2).ok_or(DAMAGED)?);
        let body = part(bytes, at + 4, length.checked_sub(2).ok_or(DAMAGED)?).ok_or(DAMAGED)?;
        at += 2 + length;
        match *marker {
            DHT => read_codes(body, &mut codes).ok_or(DAMAGED)?,
            SOF3 => frame = Some(body),
            DRI if body.iter().any(|byte| *byte != 0) => return Err(OTHER),
            SOS => return scan(body, frame.ok_or(DAMAGED)?, &codes, &bytes[at..], expected),
            0xc0..=0xcf => return Err(OTHER),
            _ => {}
        }
    }
}

fn read_codes(mut body: &[u8], codes: &mut [Option<Codes>; 4]) -> Option<()> {
    while !body.is_empty() {
        let (place, rest) = body.split_first()?;
        let (counts, rest) = rest.split_at_checked(16)?;
        let (symbols, rest) = rest.split_at_checked(counts.iter().map(|count| usize::from(*count)).sum())?;
        *codes.get_mut(usize::from(*place))? = Some(Codes::new(counts, symbols)?);
        body = rest;
    }
    Some(())
}

fn scan(header: &[u8], frame: &[u8], codes: &[Option<Codes>; 4], data: &[u8], expected: usize) -> Result<Vec<u16>, &'static str> {
    let [bits @ 2..=16, h1, h0, w1, w0, components, ref named @ ..] = *frame else { return Err(OTHER) };
    let (height, width) = (usize::from(u16::from_be_bytes([h1, h0])), usize::from(u16::from_be_bytes([w1, w0])));
    let count = usize::from(components);
    let [in_scan, ref selected @ ..] = *header else { return Err(DAMAGED) };
    let is_plain = (1..=MAX_COMPONENTS).contains(&count) && in_scan == components && named.chunks(3).all(|one| one.get(1) == Some(&0x11));
    let Some(&[predictor @ 1..=7, _, shift]) = selected.get(2 * count..) else { return Err(OTHER) };
    if !is_plain || shift & 15 >= bits {
        return Err(OTHER);
    }
    let row = width * count;
    // Each sample takes a bit at least.
    if row == 0 || row * height != expected || expected / 8 > data.len() {
        return Err(DAMAGED);
    }
    let of_component = |at: usize| codes.get(usize::from(selected[2 * at + 1] >> 4))?.as_ref();
    let codes: Vec<&Codes> = (0..count).map(of_component).collect::<Option<_>>().ok_or(DAMAGED)?;
    let shift = u32::from(shift & 15);
    let first = 1_i32 << (u32::from(bits) - shift - 1);
    let mut bits = Bits { rest: data, held: 0, count: 0, missing: 0 };
    let mut samples: Vec<u16> = Vec::with_capacity(expected);
    for at in 0..expected {
        let (is_top, is_left) = (at < row, at % row < count);
        let before = |back: usize| i32::from(samples[at - back]);
        let predicted = match (is_top, is_left) {
            (true, true) => first,
            (true, false) => before(count),
            (false, true) => before(row),
            (false, false) => {
                let (left, above, corner) = (before(count), before(row), before(row + count));
                match predictor {
                    1 => left,
                    2 => above,
                    3 => corner,
                    4 => left + above - corner,
                    5 => left + ((above - corner) >> 1),
                    6 => above + ((left - corner) >> 1),
                    _ => (left + above) >> 1,
                }
            }
        };
        let length = codes[at % row % count].symbol(&mut bits).ok_or(DAMAGED)?;
        samples.push((predicted + difference(length, &mut bits)) as u16);
        if bits.is_beyond() {
            return Err("its sensor data is cut short");
        }
    }
    if shift > 0 {
        samples.iter_mut().for_each(|sample| *sample <<= shift);
    }
    Ok(samples)
}

fn difference(length: u8, bits: &mut Bits<'_>) -> i32 {
    match length {
        0 => 0,
        16 => 32_768,
        _ => {
            let value = bits.take(length.into()) as i32;
            if value < 1 << (length - 1) { value - (1 << length) + 1 } else { value }
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Encodes samples with a code of five bits for each length of a difference, by the first predictor.
    pub fn encode(samples: &[u16], [width, height, components]: [usize; 3], bits: u8) -> Vec<u8> {
        let (row, mut out) = (width * components, Vec::new());
        out.extend(SOI);
        let symbols: Vec<u8> = (0..=16).collect();
        let mut counts = [0; 16];
        counts[4] = symbols.len() as u8;
        let segment = |marker: u8, body: &[u8]| [&[0xff, marker], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat();
        let sides = [height, width].map(|side| (side as u16).to_be_bytes()).concat();
        let named: Vec<u8> = (0..components as u8).flat_map(|at| [at, 0x11, 0]).collect();
        out.extend(segment(DHT, &[&[0][..], &counts, &symbols].concat()));
        out.extend(segment(SOF3, &[&[bits][..], &sides, &[components as u8], &named].concat()));
        let selected: Vec<u8> = (0..components as u8).flat_map(|at| [at, 0]).collect();
        out.extend(segment(SOS, &[&[components as u8][..], &selected, &[1, 0, 0]].concat()));
        let (mut held, mut count) = (0_u64, 0);
        let mut put = |value: u32, length: u32| {
            held = held << length | u64::from(value);
            count += length;
            while count >= 8 {
                count -= 8;
                let byte = (held >> count) as u8;
                out.push(byte);
                out.extend((byte == 0xff).then_some(0));
            }
        };
        for (at, sample) in samples.iter().enumerate() {
            let predicted = match (at < row, at % row < components) {
                (true, true) => 1 << (bits - 1),
                (false, true) => samples[at - row],
                _ => samples[at - components],
            };
            let difference = i32::from(*sample) - i32::from(predicted);
            let length = 32 - difference.unsigned_abs().leading_zeros();
            put(length, 5);
            let coded = if difference < 0 { difference + (1 << length) - 1 } else { difference };
            put(coded as u32, length);
        }
        put(0, 7);
        out
    }

    #[test]
    fn samples_come_back_as_they_were() {
        let mut random = fastrand::Rng::with_seed(3);
        for (sides, bits) in [([6, 5, 1], 14), ([4, 3, 2], 12), ([9, 1, 4], 8)] {
            let count = sides.iter().product();
            let samples: Vec<u16> = (0..count).map(|_| random.u16(..) >> (16 - bits)).collect();
            let bytes = encode(&samples, sides, bits);
            assert_eq!(decode(&bytes, count), Ok(samples), "{sides:?}");
            assert!(decode(&bytes, count + 1).is_err() && decode(&bytes[..bytes.len() - 6], count).is_err());
        }
    }

    #[test]
    fn any_damage_ends_with_samples_or_a_reason() {
        let samples: Vec<u16> = (0..48).map(|at| at * 50).collect();
        let whole = encode(&samples, [8, 6, 1], 12);
        for (at, value) in (0..whole.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|value| (at, value))) {
            let mut damaged = whole.clone();
            damaged[at] = value;
            let _ = decode(&damaged, 48);
            let _ = decode(&damaged[..at], 48);
        }
    }
}
