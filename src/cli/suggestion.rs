//! Proposes a path that is there in place of one that is not.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::text::shown_path;
use crate::sys::probe;

/// How alike two names must be, 0 to 1.
const MIN_LIKENESS: f64 = 0.75;

/// The most names of a folder that are looked at.
const MAX_NAMES: usize = 20_000;

/// Returns what to do about a path that does not exist.
pub fn instead_of(path: &Path) -> String {
    let near = probe::path(path, nearest).flatten();
    near.map_or("is its drive connected?".to_owned(), |near| format!("did you mean {}?", shown_path(&near)))
}

/// The path with the first part of it that is missing replaced by the nearest name there, if the rest exists then.
fn nearest(path: &Path) -> Option<PathBuf> {
    let missing = path.ancestors().take_while(|part| !part.as_os_str().is_empty() && fs::symlink_metadata(part).is_err()).last()?;
    let (name, folder) = (missing.file_name()?, missing.parent()?);
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = fs::read_dir(listed).ok()?.flatten().take(MAX_NAMES).map(|entry| entry.file_name());
    let below = path.strip_prefix(missing).ok()?;
    let whole = |name: &OsStr| {
        let start = folder.join(name);
        if below.as_os_str().is_empty() { start } else { start.join(below) }
    };
    let near =
        names.map(|known| (likeness(name, &known), whole(&known))).filter(|(likeness, path)| *likeness >= MIN_LIKENESS && path.exists());
    near.max_by(|x, y| x.0.total_cmp(&y.0).then_with(|| y.1.cmp(&x.1))).map(|(_, path)| path)
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
            assert_eq!(nearest(&at(wrong)), Some(at(right)), "{wrong}");
        }
        for unlike in ["Documents", "Music/2024", "Picture/1999"] {
            assert_eq!(nearest(&at(unlike)), None, "{unlike}");
        }
        assert!(instead_of(&at("Picures")).ends_with("/Pictures?"));
        assert_eq!(instead_of(&at("Documents")), "is its drive connected?");
    }
}
