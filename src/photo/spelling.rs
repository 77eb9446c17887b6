//! Upper and lower case in names: on many disks two names that differ only in it are one name.

use std::borrow::Cow;

/// Returns a name in lower case. What is no text keeps all letters but those of ASCII.
pub fn folded(name: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(name) {
        _ if name.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => Cow::Borrowed(name),
        // Letter by letter, so that the parts of a name make the whole.
        Ok(text) => Cow::Owned(text.chars().flat_map(char::to_lowercase).collect::<String>().into_bytes()),
        Err(_) => Cow::Owned(name.to_ascii_lowercase()),
    }
}

/// Returns what follows this beginning of a name, in whatever case it is.
pub fn after<'a>(beginning: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    name.split_at_checked(beginning.len()).filter(|(own, _)| own.eq_ignore_ascii_case(beginning)).map(|(_, rest)| rest)
}

/// Returns what stands before this end of a name, in whatever case it is.
pub fn before<'a>(end: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    let (rest, own) = name.split_at(name.len().checked_sub(end.len())?);
    own.eq_ignore_ascii_case(end).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count_in_any_alphabet() {
        for (name, lower) in [("img_1.jpg", "img_1.jpg"), ("IMG_1.Jpg", "img_1.jpg"), ("ÜBER Größe.JPG", "über größe.jpg")] {
            assert_eq!(folded(name.as_bytes()), lower.as_bytes());
        }
        assert_eq!(folded(b"A\xff\xc4.JPG"), &b"a\xff\xc4.jpg"[..]);
        assert_eq!((after(b"IMG_", b"img_1"), after(b"IMG_", b"IM")), (Some(&b"1"[..]), None));
        assert_eq!((before(b"_HEVC", b"1_hevc"), before(b"_HEVC", b"HEVC")), (Some(&b"1"[..]), None));
    }
}
