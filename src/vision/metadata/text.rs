//! Text from a file: one line or a few, of bounded length, without characters that control a terminal.

use std::collections::BTreeSet;

/// The most characters of a caption. Programs show less.
const MAX_CHARACTERS: usize = 2_000;

/// The most characters of a keyword. With the most keywords, all fit into one answer of a decoding process.
const MAX_KEYWORD_CHARACTERS: usize = 100;

/// The fewest digits of an id, the fewest different ones, and the most bytes.
const MIN_ID_DIGITS: usize = 16;
const MIN_DIFFERENT_DIGITS: usize = 4;
const MAX_ID_BYTES: usize = 120;

/// Returns a keyword as [`clean`] does, but shorter.
pub fn clean_keyword(text: &str) -> Option<String> {
    cut(text, MAX_KEYWORD_CHARACTERS)
}

/// Returns a text without control characters and outer blanks. `None` if nothing is left.
pub fn clean(text: &str) -> Option<String> {
    cut(text, MAX_CHARACTERS)
}

/// A text that is too long ends with a hash of all of it, so that it is never taken for another one.
fn cut(text: &str, most: usize) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => Some(format!("{}… {}", &text[..end], hash(text.as_bytes()))),
        None => (!text.is_empty()).then(|| text.to_owned()),
    }
}

/// Returns an id, in small letters. `None` if all files of a program may have it: it is short, or it has the same digits throughout.
pub fn id(text: &str) -> Option<String> {
    let text = clean(text)?.to_lowercase();
    let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
    let is_unique = digits.len() >= MIN_ID_DIGITS && digits.iter().collect::<BTreeSet<_>>().len() >= MIN_DIFFERENT_DIGITS;
    (is_unique && text.len() <= MAX_ID_BYTES).then_some(text)
}

/// Returns a short hash of a part of a file.
pub fn hash(part: &[u8]) -> String {
    blake3::hash(part).to_hex()[..16].to_owned()
}

/// Returns a text in UTF-8 or else Latin-1, as [`clean`] does.
pub fn clean_bytes(bytes: &[u8]) -> Option<String> {
    match str::from_utf8(bytes) {
        Ok(text) => clean(text),
        Err(_) => clean(&bytes.iter().map(|b| char::from(*b)).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_without_control_characters() {
        assert_eq!(clean(" two\nlines\u{1b}[2J\0 "), Some("two lines[2J".into()));
        assert_eq!(clean(" \0\n"), None);
        assert_eq!(clean_bytes(b"caf\xe9"), Some("café".into()));
        assert_eq!(clean_bytes("café".as_bytes()), Some("café".into()));
        let long = |last: &str| clean(&format!("{}{last}", "a".repeat(9_000))).expect("a text");
        assert!(long("b").chars().count() < MAX_CHARACTERS + 20 && long("b") != long("c"));
    }

    #[test]
    fn a_keyword_is_shorter_and_two_that_differ_stay_two() {
        assert_eq!(clean_keyword(" sea\u{7} "), Some("sea".into()));
        assert_eq!(clean_keyword(" \t "), None);
        let whole = "é".repeat(MAX_KEYWORD_CHARACTERS);
        assert_eq!(clean_keyword(&whole), Some(whole.clone()));
        let long = |last: &str| clean_keyword(&format!("{whole}{last}")).expect("a keyword");
        assert!(long("a").starts_with(&whole) && long("a") != long("b") && long("a") == long("a"));
        assert_eq!(long("a").chars().count(), MAX_KEYWORD_CHARACTERS + 18, "an ellipsis, a blank and the hash");
    }

    #[test]
    fn an_id_has_many_digits_and_not_the_same_throughout() {
        let whole = "xmp.did:0F3C5A7E-9B1D-2F4A-6C8E-0B2D4F6A8C1E";
        assert_eq!(id(whole), Some(whole.to_lowercase()));
        for text in ["", "xmp.did:1", "uuid:00000000-0000-0000-0000-000000000000", &whole.repeat(3)] {
            assert_eq!(id(text), None, "{text}");
        }
    }

    #[test]
    fn a_hash_is_short_and_of_all_bytes() {
        assert_eq!((hash(b"sea").len(), hash(b"sea")), (16, hash(b"sea")));
        assert!(hash(b"sea") != hash(b"sky") && hash(b"") != hash(b"\0"));
    }
}
