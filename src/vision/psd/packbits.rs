//! PackBits, the run-length code of the Macintosh.

use super::reasons::DAMAGED;

/// The largest number of bytes that one code stands for.
const LONGEST_RUN: usize = 128;

/// Decodes one row. The code must give exactly the bytes of the row.
///
/// # Errors
/// If the code gives fewer or more bytes.
pub fn unpack(mut code: &[u8], row: &mut [u8]) -> Result<(), &'static str> {
    let mut free = row;
    while let Some((&control, rest)) = code.split_first() {
        let taken = match control {
            0..=127 => {
                let literal = rest.get(..usize::from(control) + 1).ok_or(DAMAGED)?;
                let (now, later) = free.split_at_mut_checked(literal.len()).ok_or(DAMAGED)?;
                now.copy_from_slice(literal);
                free = later;
                literal.len()
            }
            // No operation.
            128 => 0,
            129..=255 => {
                let value = *rest.first().ok_or(DAMAGED)?;
                let (now, later) = free.split_at_mut_checked(257 - usize::from(control)).ok_or(DAMAGED)?;
                now.fill(value);
                free = later;
                1
            }
        };
        code = &rest[taken..];
    }
    if free.is_empty() { Ok(()) } else { Err(DAMAGED) }
}

/// Returns the least number of bytes that a row of this length is packed in.
pub fn shortest(row_bytes: usize) -> usize {
    2 * row_bytes.div_ceil(LONGEST_RUN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(code: &[u8], length: usize) -> Result<Vec<u8>, &'static str> {
        let mut row = vec![0; length];
        unpack(code, &mut row).map(|()| row)
    }

    #[test]
    fn literals_and_runs_are_undone() {
        assert_eq!(unpacked(&[2, 7, 8, 9, 128, 254, 5, 0, 1], 7), Ok(vec![7, 8, 9, 5, 5, 5, 1]));
        assert_eq!(unpacked(&[129, 3], 128), Ok(vec![3; 128]));
        assert_eq!(unpacked(&[], 0), Ok(vec![]));
    }

    #[test]
    fn a_row_of_another_length_is_an_error() {
        for (code, length) in [(&[254, 5][..], 2), (&[254, 5], 4), (&[1, 1, 2], 1), (&[3, 1], 4), (&[255], 2), (&[], 1), (&[0, 1, 0, 2], 1)]
        {
            assert_eq!(unpacked(code, length), Err(DAMAGED), "{code:?} {length}");
        }
    }
}
