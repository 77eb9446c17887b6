//! Paths on the wire: percent-encoded bytes in queries, text (and bytes) in answers.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::types::PathText;

/// All characters but those that are always safe in a query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

pub fn text_of(path: &Path) -> PathText {
    let bytes = path.as_os_str().as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(path) => PathText { path: path.to_owned(), path_bytes: None },
        Err(_) => PathText { path: String::from_utf8_lossy(bytes).into_owned(), path_bytes: Some(STANDARD.encode(bytes)) },
    }
}

impl PathText {
    /// The path itself.
    pub fn to_path(&self) -> PathBuf {
        match self.path_bytes.as_ref().and_then(|bytes| STANDARD.decode(bytes).ok()) {
            Some(bytes) => PathBuf::from(OsString::from_vec(bytes)),
            None => PathBuf::from(&self.path),
        }
    }
}

/// `name=value&…`, percent-encoded.
pub fn query_of<'a>(pairs: impl IntoIterator<Item = (&'a str, impl AsRef<[u8]>)>) -> String {
    let encoded = |value: &[u8]| percent_encode(value, IN_QUERY).to_string();
    let parts: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={}", encoded(value.as_ref()))).collect();
    parts.join("&")
}

/// The names and values of a query, decoded.
pub fn parse_query(query: &str) -> Vec<(String, Vec<u8>)> {
    let decode = |part: &str| percent_decode_str(part).collect::<Vec<u8>>();
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (String::from_utf8_lossy(&decode(name)).into_owned(), decode(value))
        })
        .collect()
}

pub fn path_of(value: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_path_survives_a_query_and_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let parsed = parse_query(&query_of([("path", &bytes[..])]));
            prop_assert_eq!(parsed, vec![("path".to_owned(), bytes.clone())]);
            let path = path_of(bytes);
            prop_assert_eq!(text_of(&path).to_path(), path);
        }
    }
}
