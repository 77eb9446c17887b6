//! Huffman decoding that skips most AC coefficients quickly.

use super::Error;

/// Bits used in one step over AC coefficients. With twelve, both AC tables fit a 32 KiB L1 cache.
const LOOKUP_BITS: u32 = 12;

/// A Huffman table: canonical codes, and for AC a table of steps over several coefficients.
pub struct Huffman {
    symbols: Vec<u8>,
    /// For each code length: the first code past it, left-aligned in 16 bits, and what to add to a
    /// code of that length to get its place in `symbols`.
    ends: [u32; 17],
    offsets: [i32; 17],
    /// For the next [`LOOKUP_BITS`] bits: the complete coefficients in them.
    steps: Vec<Step>,
}

/// Coefficients that can be skipped at once from coefficient `k` of a block, if `k <= last_k`. Otherwise the block
/// ends among them, and the rest belongs to the next block.
#[derive(Clone, Copy, Default)]
struct Step {
    bits: u8,
    last_k: u8,
    /// 64 when the block ends here.
    advance: u8,
}

impl Huffman {
    /// `counts`: codes of each length 1 to 16.
    ///
    /// # Errors
    /// If the counts do not describe a prefix code.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Huffman, Error> {
        let (mut code, mut index) = (0u32, 0i32);
        let mut ends = [0; 17];
        let mut offsets = [0; 17];
        for length in 1..=16 {
            let count = u32::from(counts[length - 1]);
            offsets[length] = index - code as i32;
            code += count;
            index += count as i32;
            if code > 1 << length {
                return Err(Error::Broken("a Huffman table makes no sense"));
            }
            ends[length] = code << (16 - length);
            code <<= 1;
        }
        let mut table = Huffman { symbols: symbols.to_vec(), ends, offsets, steps: Vec::new() };
        table.steps = (0..1 << LOOKUP_BITS).map(|bits| table.step(bits)).collect();
        Ok(table)
    }

    /// The symbol and length of the code that starts these 16 bits.
    fn symbol(&self, bits: u32) -> Option<(u8, u32)> {
        let length = (1..=16).find(|&l| bits < self.ends[l])?;
        let index = (bits >> (16 - length)) as i32 + self.offsets[length];
        Some((*self.symbols.get(index as usize)?, length as u32))
    }

    /// As many whole coefficients as fit into these [`LOOKUP_BITS`] bits.
    fn step(&self, bits: u32) -> Step {
        let mut step = Step::default();
        let (mut used, mut advance) = (0, 0);
        loop {
            let next = (bits << used) & ((1 << LOOKUP_BITS) - 1);
            let Some((symbol, length)) = self.symbol(next << (16 - LOOKUP_BITS)) else { break };
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if used + length + size > LOOKUP_BITS {
                break;
            }
            used += length + size;
            if size == 0 && run != 15 {
                return Step { bits: used as u8, last_k: (63 - advance) as u8, advance: 64 };
            }
            advance += run + 1;
            if advance > 62 {
                break;
            }
            step = Step { bits: used as u8, last_k: (64 - advance) as u8, advance: advance as u8 };
        }
        step
    }
}

/// The bits of one restart interval, without byte stuffing.
pub struct Bits<'a> {
    bytes: &'a [u8],
    next: usize,
    /// The next bits, from the top.
    window: u64,
    held: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, next: 0, window: 0, held: 0 }
    }

    /// Whether more bits were taken than there are.
    pub fn is_overrun(&self) -> bool {
        8 * self.next > 8 * self.bytes.len() + self.held as usize
    }

    /// Fills the window to at least 56 bits, with zeros past the end.
    #[inline(always)]
    fn fill(&mut self) {
        let eight = match self.bytes.get(self.next..self.next + 8) {
            Some(eight) => u64::from_be_bytes(eight.try_into().expect("eight bytes")),
            None => self.last_bytes(),
        };
        self.window |= eight >> self.held;
        self.next += ((63 - self.held) >> 3) as usize;
        self.held |= 56;
    }

    #[cold]
    fn last_bytes(&self) -> u64 {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        rest.iter().zip((0..8).rev()).fold(0, |sum, (&byte, place)| sum | u64::from(byte) << (8 * place))
    }

    #[inline(always)]
    fn drop(&mut self, count: u32) {
        self.window <<= count;
        self.held -= count;
    }

    /// One bit.
    pub fn bit(&mut self) -> bool {
        self.fill();
        let bit = self.window >> 63 == 1;
        self.drop(1);
        bit
    }

    fn symbol(&mut self, table: &Huffman) -> Result<u8, Error> {
        let (symbol, length) = table.symbol((self.window >> 48) as u32).ok_or(Error::Broken("the picture data is damaged"))?;
        self.drop(length);
        Ok(symbol)
    }

    /// A DC difference (T.81, F.2.2.1).
    #[inline(always)]
    pub fn difference(&mut self, table: &Huffman) -> Result<i16, Error> {
        self.fill();
        match u32::from(self.symbol(table)?) {
            size @ 0..=15 => Ok(self.value(size)),
            _ => Err(Error::Broken("the picture data is damaged")),
        }
    }

    /// A number of at most 15 bits, which begin with 0 if it is negative.
    #[inline(always)]
    fn value(&mut self, size: u32) -> i16 {
        if size == 0 {
            return 0;
        }
        let value = (self.window >> (64 - size)) as i32;
        self.drop(size);
        (if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value }) as i16
    }

    /// Reads the AC coefficients of a block that are not zero, with their places in zigzag order (T.81, F.2.2.2).
    pub fn read_ac(&mut self, table: &Huffman, coefficients: &mut Vec<(u8, i16)>) -> Result<(), Error> {
        let mut k = 1;
        while k < 64 {
            self.fill();
            let symbol = self.symbol(table)?;
            let (run, size) = (symbol >> 4, u32::from(symbol & 15));
            if size == 0 && run != 15 {
                break;
            }
            k += run + 1;
            if k > 64 {
                return Err(Error::Broken("the picture data is damaged"));
            }
            let value = self.value(size);
            if size > 0 {
                coefficients.push((k - 1, value));
            }
        }
        Ok(())
    }

    /// Skips the 63 AC coefficients of a block.
    #[inline(always)]
    pub fn skip_ac(&mut self, table: &Huffman) -> Result<(), Error> {
        let mut k = 1u32;
        while k < 64 {
            self.fill();
            let step = table.steps[(self.window >> (64 - LOOKUP_BITS)) as usize];
            if k <= u32::from(step.last_k) {
                self.drop(u32::from(step.bits));
                k += u32::from(step.advance);
                continue;
            }
            let symbol = self.symbol(table)?;
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && run != 15 {
                break;
            }
            self.drop(size);
            k += run + 1;
            if k > 64 {
                return Err(Error::Broken("the picture data is damaged"));
            }
        }
        Ok(())
    }
}
