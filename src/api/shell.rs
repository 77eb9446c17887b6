//! Paths in commands that a person copies from a message into a shell.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Characters that no shell gives a meaning, beside letters and digits of ASCII.
const PLAIN: &str = "/._-+,:@%=";

/// Returns a path as one word of a command: quoted, if a shell would not take it as it is. Bytes that are not text, and
/// characters that a terminal obeys, are octal numbers in `$'…'`, which bash, zsh and ksh read.
pub fn shell_word(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    match path.to_str() {
        Some(text) if !text.chars().any(is_obeyed) => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
            if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
        }
        _ => format!("$'{}'", bytes.utf8_chunks().map(|chunk| escaped(chunk.valid()) + &octal(chunk.invalid())).collect::<String>()),
    }
}

fn escaped(text: &str) -> String {
    let one = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_obeyed(c) => octal(c.encode_utf8(&mut [0; 4]).as_bytes()),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

fn octal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // A text takes everything.
        let _ = write!(out, "\\{byte:03o}");
        out
    })
}

/// Whether a terminal obeys a character: control characters, line ends, and marks that turn the direction of the text. Or shows
/// nothing of it, so that two names look alike. The joiners of Persian and of emoji are not among these.
pub fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_unseen = matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let is_tag = matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || turns || is_unseen || is_tag
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::process::Command;

    use super::*;

    fn word(bytes: &[u8]) -> String {
        shell_word(Path::new(OsStr::from_bytes(bytes)))
    }

    #[test]
    fn a_path_is_quoted_only_where_a_shell_needs_it() {
        assert_eq!(word(b"/home/me/2026-05_01/a.jpg"), "/home/me/2026-05_01/a.jpg");
        assert_eq!(word(b"/My Pictures/a&b.jpg"), "'/My Pictures/a&b.jpg'");
        assert_eq!(word("/Añada/é.jpg".as_bytes()), "'/Añada/é.jpg'");
        assert_eq!(word(b"/it's.jpg"), r"'/it'\''s.jpg'");
        assert_eq!(word(b"/two\nlines\x1b[2J's \\"), r"$'/two\012lines\033[2J\'s \\'");
        assert_eq!(word(b"/latin\xe97"), r"$'/latin\3517'");
        assert_eq!(word("/\u{202e}gpj".as_bytes()), r"$'/\342\200\256gpj'");
    }

    #[test]
    fn a_shell_reads_the_path_again() {
        let read = |shell: &str, word: &str| {
            let output = Command::new(shell).args(["-c", &format!("printf %s {word}")]).output().ok()?;
            output.status.success().then_some(output.stdout)
        };
        for plain in ["/a", "/My Pictures/it's $HOME `x` \"y\" \\ * ? ~ # ! [z] {1,2} <&|;>()", "/~é = %"] {
            assert_eq!(read("sh", &word(plain.as_bytes())).as_deref(), Some(plain.as_bytes()), "{plain}");
        }
        // Not every sh reads this.
        let strange = [&b"/two\nlines\t\x1b\x7f'\\ \xe91\xff"[..], "\u{202e}\u{85}ü".as_bytes()].concat();
        if read("bash", "$'a'").is_some() {
            assert_eq!(read("bash", &word(&strange)), Some(strange));
        }
    }
}
