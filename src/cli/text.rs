//! Numbers, paths and times as text.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use humansize::{DECIMAL, format_size};

use crate::api::types::PathText;
use crate::photo::Coverage;

pub fn bytes(count: u64) -> String {
    format_size(count, DECIMAL)
}

pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A path in tab-separated output: TAB, newline and backslash escaped, all other bytes as they are.
pub fn escaped(path: &PathText) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in path.to_path().as_os_str().as_bytes() {
        match byte {
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\\' => out.extend(b"\\\\"),
            _ => out.push(byte),
        }
    }
    out
}

/// A path for a terminal. Control characters are replaced, because they would move the cursor.
pub fn shown(path: &str) -> String {
    path.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The same for a path that is no text.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// A time of capture, as `2026-05-01 10:00`.
pub fn time(taken: &str) -> String {
    taken.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

pub fn coverage(c: &Coverage) -> String {
    let mut parts = vec![count(c.indexed, "file indexed", "files indexed")];
    let more =
        [(c.pending, "pending"), (c.failed, "could not be read"), (c.unsupported, "of formats not read yet"), (c.offline, "offline")];
    parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_newlines_and_backslashes_are_escaped() {
        let path = PathText { path: "/a\tb\nc\\d".into(), path_bytes: None };
        assert_eq!(escaped(&path), b"/a\\tb\\nc\\\\d");
    }
}
