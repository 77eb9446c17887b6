//! The chunks of a PNG.

/// The bytes before the first chunk.
pub const SIGNATURE_BYTES: usize = 8;

/// A chunk of a PNG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    pub kind: &'a [u8; 4],
    pub body: &'a [u8],
    /// With length, kind and check sum.
    pub whole: &'a [u8],
}

/// The chunks of a file. What cannot be parsed is returned as one last chunk of kind `????`.
pub fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = bytes.get(SIGNATURE_BYTES..).unwrap_or_default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let chunk = parsed(rest).unwrap_or(Chunk { kind: b"????", body: rest, whole: rest });
        rest = &rest[chunk.whole.len()..];
        Some(chunk)
    })
}

fn parsed(rest: &[u8]) -> Option<Chunk<'_>> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (kind, after) = after.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    Some(Chunk { kind, body: after.get(..length)?, whole: rest.get(..length.checked_add(12)?)? })
}
