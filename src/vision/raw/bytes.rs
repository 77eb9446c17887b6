//! Parts and numbers at places of a slice. Each read is checked: what lies outside the slice is `None`.

/// The most bytes of a text, or UTF-16 units. Names of cameras have up to 32.
pub const MAX_TEXT_LENGTH: usize = 64;

/// In which order a number of several bytes is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    /// Returns the order that `II` or `MM` stands for.
    pub fn from_mark(mark: &[u8]) -> Option<Order> {
        match mark {
            b"II" => Some(Order::Little),
            b"MM" => Some(Order::Big),
            _ => None,
        }
    }

    pub fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = part(bytes, at, 2)?.try_into().ok()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        })
    }

    pub fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = part(bytes, at, 4)?.try_into().ok()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    /// Returns a number of four bytes as a place or a length.
    pub fn place(self, bytes: &[u8], at: usize) -> Option<usize> {
        self.u32(bytes, at).and_then(|number| usize::try_from(number).ok())
    }
}

/// Returns `length` bytes from `at`. `None` if the slice ends before.
pub fn part(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// Returns the text before the first zero byte, without blanks around it. `None` if it is empty or no UTF-8. What is longer than
/// [`MAX_TEXT_LENGTH`] is cut.
pub fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes.get(..MAX_TEXT_LENGTH).unwrap_or(bytes).split(|byte| *byte == 0).next()?).ok()?.trim();
    (!text.is_empty()).then_some(text)
}
