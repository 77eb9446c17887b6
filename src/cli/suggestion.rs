//! Proposes a path that is there in place of one that is not.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::text::shown_path;
use crate::sys::probe;

/// How alike two names must be, 0 to 1.
const MIN_LIKENESS: f64 = 0.75;

/// The most names of a folder that are looked at.
const MAX_NAMES: usize = 20_000;

/// Returns what to do about a path that does not exist.
pub fn instead_of(path: &Path) -> String {
    probe::path(path, hint).unwrap_or_else(|| "is its drive connected?".to_owned())
}

fn hint(path: &Path) -> String {
    let Some((folder, name)) = missing(path) else { return "is its drive connected?".to_owned() };
    if let Some(near) = nearest(path, folder, name) {
        return format!("did you mean {}?", shown_path(&near));
    }
    let folder = if folder.as_os_str().is_empty() { "this folder".to_owned() } else { shown_path(folder) };
    let name = shown_path(Path::new(name));
    format!("{folder} is there, and has no {name}: was it moved or renamed, or is its drive not connected?")
}

/// The first part of a path that is missing: the folder that is there, and the name that is not in it.
fn missing(path: &Path) -> Option<(&Path, &OsStr)> {
    let missing = path.ancestors().take_while(|part| !part.as_os_str().is_empty() && fs::symlink_metadata(part).is_err()).last()?;
    Some((missing.parent()?, missing.file_name()?))
}

/// The path with the missing name replaced by the nearest one in its folder, if the rest exists then.
fn nearest(path: &Path, folder: &Path, name: &OsStr) -> Option<PathBuf> {
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = fs::read_dir(listed).ok()?.flatten().take(MAX_NAMES).map(|entry| entry.file_name());
    let below = path.strip_prefix(folder.join(name)).ok()?;
    let whole = |name: &OsStr| {
        let start = folder.join(name);
        if below.as_os_str().is_empty() { start } else { start.join(below) }
    };
    // Another number is the name of another photo. Digits that changed places are a mistake.
    let names = names.filter(|known| digits(known) == digits(name));
    let near =
        names.map(|known| (likeness(name, &known), whole(&known))).filter(|(likeness, path)| *likeness >= MIN_LIKENESS && path.exists());
    near.max_by(|x, y| x.0.total_cmp(&y.0).then_with(|| y.1.cmp(&x.1))).map(|(_, path)| path)
}

/// The digits of a name, sorted.
fn digits(name: &OsStr) -> Vec<u8> {
    let mut digits: Vec<u8> = name.as_bytes().iter().copied().filter(u8::is_ascii_digit).collect();
    digits.sort_unstable();
    digits
}

/// How alike two names are. Capitals count little.
fn likeness(a: &OsStr, b: &OsStr) -> f64 {
    let [a, b] = [a, b].map(|name| name.to_string_lossy().into_owned());
    let folded = strsim::normalized_damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase());
    0.99 * folded + 0.01 * strsim::normalized_damerau_levenshtein(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed_where_all_of_the_path_is_there() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |path: &str| home.path().join(path);
        for folder in ["Pictures/2024", "Pictures/2025", "Music"] {
            fs::create_dir_all(at(folder)).expect("made");
        }
        fs::write(at("Pictures/2024/IMG_0421.jpg"), b"x").expect("written");
        for (wrong, right) in [
            ("Picures", "Pictures"),
            ("pictures", "Pictures"),
            ("Picture/2024/IMG_0421.jpg", "Pictures/2024/IMG_0421.jpg"),
            ("Pictures/2024/IMG_0412.jpg", "Pictures/2024/IMG_0421.jpg"),
        ] {
            assert_eq!(hint(&at(wrong)), format!("did you mean {}?", at(right).display()), "{wrong}");
        }
        for (unlike, folder, name) in [
            ("Documents", "", "Documents"),
            ("Music/2024", "Music", "2024"),
            ("Picture/1999", "", "Picture"),
            ("Pictures/2024/IMG_0422.jpg", "Pictures/2024", "IMG_0422.jpg"),
        ] {
            let folder = home.path().join(folder);
            let folder = folder.to_string_lossy();
            let says = format!("{} is there, and has no {name}: was it moved", folder.trim_end_matches('/'));
            assert!(hint(&at(unlike)).starts_with(&says), "{}", hint(&at(unlike)));
        }
        assert!(instead_of(&at("Picures")).ends_with("/Pictures?"));
        assert!(instead_of(Path::new("no such folder")).starts_with("this folder is there, and has no no such folder: "));
    }
}
