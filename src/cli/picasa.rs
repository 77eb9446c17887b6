//! What Picasa says of photos: `.picasa.ini` in their folder has a section for each, with the star, faces, caption and edits.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::sys::regular_file::open;

/// The names of the file, of newer and of older versions of Picasa.
const NAMES: [&str; 2] = [".picasa.ini", "Picasa.ini"];

/// The most bytes of such a file that are read.
const MAX_BYTES: u64 = 64 << 20;

/// Keys by which Picasa only remembers the file. Each other one is work of a person.
const OF_THE_FILE: [&[u8]; 6] = [b"backuphash", b"moddate", b"width", b"height", b"originhash", b"onlinechecksum"];

/// The sections of a folder, by the name of the photo in small letters. The lines of each are sorted.
type Sections = HashMap<Vec<u8>, Vec<u8>>;

/// The sections of folders that were asked about.
#[derive(Default)]
pub struct Picasa(HashMap<PathBuf, Sections>);

impl Picasa {
    /// Returns what Picasa says of a photo. `None` if that is nothing.
    ///
    /// # Errors
    /// If a file of Picasa is there and cannot be read, or if it is a link: these are not followed.
    pub fn of(&mut self, photo: &Path) -> io::Result<Option<Vec<u8>>> {
        let (Some(folder), Some(name)) = (photo.parent(), photo.file_name()) else { return Ok(None) };
        if !self.0.contains_key(folder) {
            self.0.insert(folder.to_owned(), read(folder)?);
        }
        Ok(self.0[folder].get(&name.as_bytes().to_ascii_lowercase()).cloned())
    }
}

fn read(folder: &Path) -> io::Result<Sections> {
    let mut sections = Sections::new();
    for name in NAMES {
        match open(&folder.join(name)) {
            Ok(file) => {
                let mut text = Vec::new();
                file.take(MAX_BYTES).read_to_end(&mut text)?;
                sections.extend(parsed(&text));
            }
            // A folder or a pipe says nothing.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(sections)
}

/// Parses a file of Picasa: `[IMG_1.jpg]`, and below it `star=yes`.
fn parsed(text: &[u8]) -> Sections {
    let mut sections: HashMap<Vec<u8>, Vec<&[u8]>> = HashMap::new();
    let mut section: Option<&mut Vec<&[u8]>> = None;
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if let Some(name) = line.strip_prefix(b"[").and_then(|line| line.strip_suffix(b"]")) {
            section = Some(sections.entry(name.to_ascii_lowercase()).or_default());
        } else if let Some(section) = &mut section
            && is_work(line)
        {
            section.push(line);
        }
    }
    let joined = |(name, mut lines): (Vec<u8>, Vec<&[u8]>)| {
        lines.sort_unstable();
        (!lines.is_empty()).then(|| (name, lines.join(&b'\n')))
    };
    sections.into_iter().filter_map(joined).collect()
}

fn is_work(line: &[u8]) -> bool {
    let key = line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    !key.is_empty() && !OF_THE_FILE.iter().any(|name| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_section_says_something_if_a_person_did() {
        let folder = tempfile::tempdir().expect("a folder");
        let text =
            b"[Picasa]\r\nname=Holidays\r\n[IMG_1.jpg]\r\nstar=yes\r\nbackuphash=7\r\ncaption=Ann\r\n[b.jpg]\nbackuphash=9\nwidth=4\n";
        fs::write(folder.path().join(".picasa.ini"), text).expect("written");
        let mut picasa = Picasa::default();
        let mut of =
            |name: &str| picasa.of(&folder.path().join(name)).expect("read").map(|section| String::from_utf8(section).expect("text"));
        assert_eq!(of("img_1.JPG").as_deref(), Some("caption=Ann\nstar=yes"));
        assert_eq!(of("b.jpg"), None, "only what Picasa remembers of the file");
        assert_eq!(of("c.jpg"), None);
        assert_eq!(Picasa::default().of(Path::new("/nowhere/a.jpg")).expect("no folder"), None);
    }

    #[test]
    fn nothing_waits_for_a_pipe_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let of = || Picasa::default().of(&path("a.jpg"));
        mknodat(CWD, path(".picasa.ini"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        fs::create_dir(path("Picasa.ini")).expect("made");
        assert_eq!(of().expect("they say nothing"), None);
        fs::remove_file(path(".picasa.ini")).expect("removed");
        fs::write(path("elsewhere"), "[a.jpg]\nstar=yes\n").expect("written");
        symlink(path("elsewhere"), path(".picasa.ini")).expect("linked");
        assert!(of().is_err(), "it may say something");
    }
}
