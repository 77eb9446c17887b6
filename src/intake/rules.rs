//! Which files and folders are left out: hidden ones, trash, caches of other programs, and those that the settings
//! exclude.

use std::path::Path;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Hidden files, bins and snapshots, and folders in which other programs keep small copies of photos.
const ALWAYS_HIDDEN: [&str; 23] = [
    ".*",
    // Windows and Linux.
    "$RECYCLE.BIN",
    "RECYCLER",
    "System Volume Information",
    "lost+found",
    "@snapshots",
    // Synology.
    "@eaDir",
    "@tmp",
    "#recycle",
    "#snapshot",
    // QNAP.
    "@Recycle",
    "@Recently-Snapshot",
    // Nextcloud.
    "appdata_*",
    "files_trashbin",
    "files_versions",
    // Apple.
    "__MACOSX",
    "*.photoslibrary",
    "iPod Photo Cache",
    "**/*.aplibrary/{Previews,Thumbnails}",
    // Lightroom, Capture One and others.
    "*.lrdata",
    "**/CaptureOne/Cache",
    "**/*.cocatalog/Cache",
    "Thumbnails",
];

/// Which files and folders below a root are left out. A glob without a slash matches a name in any folder, and one
/// with a slash matches a path from the root.
#[derive(Clone, Debug)]
pub struct Rules {
    excluded: Vec<String>,
    included: Vec<String>,
    exclude: GlobSet,
    include: GlobSet,
}

impl Rules {
    /// The rules for `exclude`, which adds to what is always left out, and `include`, which makes exceptions.
    ///
    /// # Errors
    /// The description of an invalid glob.
    pub fn new(exclude: &[String], include: &[String]) -> Result<Rules, String> {
        let excluded: Vec<String> = ALWAYS_HIDDEN.iter().map(|&glob| glob.to_owned()).chain(exclude.iter().cloned()).collect();
        Ok(Rules { exclude: set(&excluded)?, include: set(include)?, excluded, included: include.to_vec() })
    }

    /// Whether the rules match this file or folder, by its path below the root.
    pub fn leave_out(&self, below: &Path) -> bool {
        self.exclude.is_match(below) && !self.include.is_match(below)
    }

    /// Whether the rules match it or a folder above it.
    pub fn hide(&self, below: &Path) -> bool {
        below.ancestors().any(|part| !part.as_os_str().is_empty() && self.leave_out(part))
    }

    pub fn excluded(&self) -> &[String] {
        &self.excluded
    }

    /// The globs of `exclude`.
    pub fn chosen(&self) -> &[String] {
        &self.excluded[ALWAYS_HIDDEN.len()..]
    }

    pub fn included(&self) -> &[String] {
        &self.included
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Rules) -> bool {
        (&self.excluded, &self.included) == (&other.excluded, &other.included)
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules::new(&[], &[]).expect("the globs that always hold are right")
    }
}

fn set(globs: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(compiled(glob)?);
    }
    set.build().map_err(|e| e.to_string())
}

fn compiled(glob: &str) -> Result<Glob, String> {
    let path = glob.trim_end_matches('/');
    if path.is_empty() {
        return Err(format!("\"{glob}\" matches nothing"));
    }
    let path = if path.contains('/') { path.trim_start_matches('/').to_owned() } else { format!("**/{path}") };
    GlobBuilder::new(&path).literal_separator(true).build().map_err(|e| format!("\"{glob}\" is not a valid glob: {}", e.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(exclude: &[&str], include: &[&str]) -> Rules {
        let owned = |globs: &[&str]| globs.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>();
        Rules::new(&owned(exclude), &owned(include)).expect("globs")
    }

    #[test]
    fn hidden_trash_and_caches_are_left_out() {
        let rules = Rules::default();
        for path in
            [".thumbnails", "a/.Trash-1000", "a/@eaDir", "Catalog Previews.lrdata", "a/b/._1.jpg", "photo/#recycle", "a/CaptureOne/Cache"]
        {
            assert!(rules.leave_out(Path::new(path)), "{path}");
        }
        for path in ["2024 Summer.jpg", "Cache", "a/CaptureOne/Settings", "Previews"] {
            assert!(!rules.leave_out(Path::new(path)), "{path}");
        }
        assert!(!rules.leave_out(Path::new(".hidden/inside.jpg")) && rules.hide(Path::new(".hidden/inside.jpg")));
    }

    #[test]
    fn a_name_counts_anywhere_and_a_path_from_the_root_on() {
        let rules = rules(&["*_small.jpg", "exports/web/", "**/proofs/*.tif", "/Rejects"], &[".kept", "exports/web/final.jpg"]);
        for path in ["a_small.jpg", "x/y/a_small.jpg", "exports/web", "a/b/proofs/1.tif", "proofs/1.tif", "Rejects"] {
            assert!(rules.leave_out(Path::new(path)), "{path}");
        }
        for path in ["a/exports/web", "proofs/deep/1.tif", ".kept", "a/.kept", "a/Rejects", "exports"] {
            assert!(!rules.leave_out(Path::new(path)), "{path}");
        }
        assert!(rules.hide(Path::new("exports/web/1.jpg")));
    }

    #[test]
    fn a_wrong_glob_is_named() {
        for glob in ["[a", "/", ""] {
            let error = Rules::new(&[glob.to_owned()], &[]).expect_err("wrong");
            assert!(error.contains(&format!("\"{glob}\"")), "{error}");
        }
    }
}
