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

/// A time in seconds since 1970, as `2026-05-01 10:00 UTC`.
pub fn moment(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years of 365.2425 days that begin in March, so that the day of a leap year is the last one.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02} {:02}:{:02} UTC", rest / 3_600, rest / 60 % 60)
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
    fn a_moment_is_a_date_and_a_time() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(moment(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn tabs_newlines_and_backslashes_are_escaped() {
        let path = PathText { path: "/a\tb\nc\\d".into(), path_bytes: None };
        assert_eq!(escaped(&path), b"/a\\tb\\nc\\\\d");
    }
}
