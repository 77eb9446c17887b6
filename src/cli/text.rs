//! Numbers, paths and times as text.

use std::fmt::Display;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use humansize::{DECIMAL, format_size};

use crate::api::is_obeyed;
use crate::api::types::PathText;
use crate::photo::{Coverage, LeftOut};

/// Prints a line on standard error. Where that cannot be written, nobody can be told, and the exit code says the rest.
pub fn tell(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

pub fn bytes(count: u64) -> String {
    format_size(count, DECIMAL)
}

pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What was seen and not taken, a line each. Nothing if that needs no attention.
pub fn left_out(left_out: &LeftOut) -> Vec<String> {
    let LeftOut { linked_folders, linked_photos, linked_others, annexed, hidden, excluded, without_ending, other } = *left_out;
    let counts = [
        (linked_folders, "link to a folder", "links to folders"),
        (linked_photos, "link to a photo", "links to photos"),
        (linked_others, "other link", "other links"),
        (annexed, "link of git-annex", "links of git-annex"),
        (hidden, "hidden", "hidden"),
        (excluded, "excluded by rules", "excluded by rules"),
        (without_ending, "without an ending", "without an ending"),
        (other, "of another type", "of other types"),
    ];
    let counts: Vec<String> = counts.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count(n, one, many)).collect();
    let mut lines = Vec::new();
    if !counts.is_empty() {
        lines.push(format!("skipped: {}", counts.join(", ")));
    }
    if linked_folders + linked_photos > 0 {
        lines.push("links are not followed; to watch what they point to: simctl roots add DIR".to_owned());
    }
    if annexed > 0 {
        lines.push("git annex unlock replaces links of git-annex with files".to_owned());
    }
    lines
}

/// A path in tab-separated output. TAB, newline and backslash are `\t`, `\n` and `\\`; the bytes of other characters that
/// a terminal obeys are `\xNN`. All other bytes are as they are.
pub fn escaped(path: &PathText) -> Vec<u8> {
    let mut out = Vec::new();
    let hex = |out: &mut Vec<u8>, bytes: &[u8]| bytes.iter().for_each(|byte| out.extend(format!("\\x{byte:02x}").bytes()));
    for chunk in path.to_path().as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            match c {
                '\t' => out.extend(b"\\t"),
                '\n' => out.extend(b"\\n"),
                '\\' => out.extend(b"\\\\"),
                _ if is_obeyed(c) => hex(&mut out, bytes),
                _ => out.extend(bytes),
            }
        }
        for &byte in chunk.invalid() {
            // Control characters of terminals that do not use UTF-8.
            if (0x80..0xa0).contains(&byte) { hex(&mut out, &[byte]) } else { out.push(byte) }
        }
    }
    out
}

/// A text for a terminal, such as a path. Characters that a terminal obeys are replaced: they would move the cursor, or
/// show the end of a name first.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for a text of several lines.
pub fn shown_lines(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The same for a path that is not text.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// Names in a sentence: `rating, keywords and caption`.
pub fn names<T: Display>(values: &[T]) -> String {
    let names: Vec<String> = values.iter().map(|value| value.to_string().replace('-', " ")).collect();
    match &names[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// A time of capture, cut to a number of characters: `2026-05-01 10:00` has 16.
pub fn time(taken: &str, length: usize) -> String {
    shown(taken).chars().take(length).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// A time in seconds since 1970, as `2026-05-01 10:00 UTC`.
pub fn date(seconds: i64) -> String {
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
    let more = [
        (c.pending, "pending"),
        (c.failed, "could not be read"),
        (c.unsupported, "that this version cannot read"),
        (c.offline, "offline"),
        (c.without_picture, "without a kept picture yet"),
    ];
    parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_a_sentence() {
        let all = ["rating", "keywords", "caption"];
        assert_eq!([0, 1, 2, 3].map(|count| names(&all[..count])), ["", "rating", "rating and keywords", "rating, keywords and caption"]);
    }

    #[test]
    fn seconds_are_a_date_and_a_time() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(date(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn tabs_newlines_and_backslashes_are_escaped() {
        let path = PathText { path: "/a\tb\nc\\d".into(), path_bytes: None };
        assert_eq!(escaped(&path), b"/a\\tb\\nc\\\\d");
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_byte_by_byte() {
        let bytes = [&b"/\x1b[2J\x7f"[..], "é\u{9b}\u{202e}".as_bytes(), b"\xe9\x9b/\xe2\x80"].concat();
        let path = crate::api::text_of(Path::new(std::ffi::OsStr::from_bytes(&bytes)));
        let expected = [&b"/\\x1b[2J\\x7f"[..], "é".as_bytes(), b"\\xc2\\x9b\\xe2\\x80\\xae\xe9\\x9b/\xe2\\x80"].concat();
        assert_eq!(escaped(&path), expected);
        assert_eq!(shown("a\u{1b}\u{202e}\u{2066}\u{85}\nb\u{200d}"), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\u{200d}");
        assert_eq!(shown("a\u{200b}\u{2060}\u{feff}\u{ad}\u{e0041}b\u{200c}c"), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\u{200c}c");
        let hidden = crate::api::text_of(Path::new("/a\u{200b}\u{e0041}"));
        assert_eq!(escaped(&hidden), b"/a\\xe2\\x80\\x8b\\xf3\\xa0\\x81\\x81");
        assert_eq!(shown_lines("a\u{1b}\nb"), "a\u{fffd}\nb");
    }
}
