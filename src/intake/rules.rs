//! Which files and folders are left out: hidden ones, trash, caches of other programs, and those that the settings
//! exclude.

use std::path::Path;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Hidden files, bins and snapshots, and folders in which other programs keep small copies of photos. A name that people
/// give their own folders counts only inside the folder of its program.
const ALWAYS_HIDDEN: [&str; 31] = [
    ".*",
    // Linux.
    "lost+found",
    "@snapshots",
    // File servers: NetApp, Samba, AFP, and the copies of Time Machine.
    "~snapshot",
    "@GMT-*",
    "Network Trash Folder",
    "Temporary Items",
    "Backups.backupdb",
    // Synology.
    "@eaDir",
    "@tmp",
    "#recycle",
    "#snapshot",
    "@sharesnap",
    // QNAP. Its small copies are in `.@__thumb`.
    "@Recycle",
    "@Recently-Snapshot",
    // Nextcloud: the folder of an instance, which is "oc" and ten characters.
    "appdata_oc??????????",
    "files_trashbin",
    "files_versions",
    "**/__groupfolders/{trash,versions}",
    // Immich: a folder for each user, named by a UUID.
    "**/{thumbs,encoded-video}/????????-????-????-????-????????????",
    // PhotoPrism: its storage, by either of its usual names.
    "**/{storage,photoprism}/cache/thumbnails",
    "**/{storage,photoprism}/sidecar",
    // Apple. A library of a program is its own: an original that is deleted there by hand is missing in the program. One that Photos
    // took over (`migrated…`) has its originals as hard links.
    "__MACOSX",
    "iPod Photo Cache",
    "*.photoslibrary",
    "*.{photolibrary,aplibrary,migratedphotolibrary,migratedaplibrary}",
    "**/iPhoto Library/{Data,Masters,Modified,Originals,Previews,Thumbnails}",
    // Adobe Bridge and Lightroom.
    "Adobe Bridge Cache",
    "*.lrdata",
    // Capture One.
    "**/CaptureOne/Cache",
    "**/*.cocatalog/Cache",
];

/// The bins and the system folder of Windows, in any case: FAT and NTFS ignore it.
const HIDDEN_IN_ANY_CASE: [&str; 4] = ["$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information"];

/// What is not left out although it is hidden. Picasa moves a photo there before it saves an edit over it.
const NEVER_HIDDEN: [&str; 1] = [".picasaoriginals"];

/// Which files and folders below a root are left out. A glob without a slash matches a name in any folder, and one
/// with a slash matches a path from the root.
#[derive(Clone, Debug)]
pub struct Rules {
    excluded: Vec<String>,
    included: Vec<String>,
    exclude: GlobSet,
    include: GlobSet,
    hidden: GlobSet,
    never_hidden: GlobSet,
}

impl Rules {
    /// The rules for `exclude`, which adds to what is always left out, and `include`, which makes exceptions.
    ///
    /// # Errors
    /// The description of an invalid glob.
    pub fn new(exclude: &[String], include: &[String]) -> Result<Rules, String> {
        let always = ALWAYS_HIDDEN.into_iter().chain(HIDDEN_IN_ANY_CASE).map(str::to_owned);
        Ok(Rules {
            exclude: set(exclude)?,
            include: set(include)?,
            hidden: hidden()?,
            never_hidden: set(&NEVER_HIDDEN.map(str::to_owned))?,
            excluded: always.chain(exclude.iter().cloned()).collect(),
            included: include.iter().cloned().chain(NEVER_HIDDEN.map(str::to_owned)).collect(),
        })
    }

    /// Whether the rules match this file or folder, by its path below the root.
    pub fn leave_out(&self, below: &Path) -> bool {
        let is_hidden = || self.hidden.is_match(below) && !self.never_hidden.is_match(below);
        (self.exclude.is_match(below) || is_hidden()) && !self.include.is_match(below)
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
        &self.excluded[ALWAYS_HIDDEN.len() + HIDDEN_IN_ANY_CASE.len()..]
    }

    pub fn included(&self) -> &[String] {
        &self.included
    }

    /// The globs of `include`.
    pub fn exceptions(&self) -> &[String] {
        &self.included[..self.included.len() - NEVER_HIDDEN.len()]
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
        set.add(compiled(glob, false)?);
    }
    set.build().map_err(|e| e.to_string())
}

/// What is always left out.
fn hidden() -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    let exact = ALWAYS_HIDDEN.map(|glob| (glob, false));
    let in_any_case = HIDDEN_IN_ANY_CASE.map(|glob| (glob, true));
    for (glob, ignores_case) in exact.into_iter().chain(in_any_case) {
        set.add(compiled(glob, ignores_case)?);
    }
    set.build().map_err(|e| e.to_string())
}

fn compiled(glob: &str, ignores_case: bool) -> Result<Glob, String> {
    let path = glob.trim_end_matches('/');
    if path.is_empty() {
        return Err(format!("\"{glob}\" matches nothing"));
    }
    let path = if path.contains('/') { path.trim_start_matches('/').to_owned() } else { format!("**/{path}") };
    let built = GlobBuilder::new(&path).literal_separator(true).case_insensitive(ignores_case).build();
    built.map_err(|e| format!("\"{glob}\" is not a valid glob: {}", e.kind()))
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

    /// For each program a file that it made, and one of the user's that looks like it.
    #[test]
    fn caches_and_bins_of_programs_are_left_out_and_photos_stay() {
        let rules = Rules::default();
        let user = "6b1f4f0e-6a39-4c3f-9d0c-0d2f1a4b5c6d";
        let immich =
            ["immich/thumbs", "immich/upload", "thumbs", "immich/encoded-video"].map(|folder| format!("{folder}/{user}/ab/cd/1.jpg"));
        let [preview, original, thumbnail, video] = immich.each_ref().map(String::as_str);
        for (program, left_out, stays) in [
            ("Windows", "$Recycle.Bin/S-1-5-21/1.jpg", "Recycled paper/1.jpg"),
            ("Windows", "a/SYSTEM VOLUME INFORMATION/1.jpg", "System/1.jpg"),
            ("Linux", "a/.Trash-1000/files/1.jpg", "Trash/1.jpg"),
            ("NetApp", "photo/~snapshot/hourly.0/1.jpg", "photo/snapshot/1.jpg"),
            ("Samba", "photo/@GMT-2026.01.01-10.00.00/1.jpg", "photo/GMT-2026.01.01/1.jpg"),
            ("AFP", "photo/Network Trash Folder/Trash Can #2/1.jpg", "photo/Trash/1.jpg"),
            ("AFP", "photo/Temporary Items/folders.501/1.jpg", "photo/Temporary/1.jpg"),
            ("Time Machine", "Backups.backupdb/Mac/Latest/1.jpg", "Backups/Mac/Latest/1.jpg"),
            ("Synology", "@sharesnap/photo/GMT+01-2026/1.jpg", "sharesnap/1.jpg"),
            ("Synology", "photo/@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg", "photo/eaDir/1.jpg"),
            ("Synology", "photo/#recycle/1.jpg", "photo/recycle/1.jpg"),
            ("Synology", "photo/#snapshot/GMT-2026.01.01/1.jpg", "photo/snapshot/1.jpg"),
            ("QNAP", "Multimedia/.@__thumb/s1001.jpg", "Multimedia/thumb/1.jpg"),
            ("QNAP", "Multimedia/@Recycle/1.jpg", "Multimedia/Recycle/1.jpg"),
            ("QNAP", "@Recently-Snapshot/GMT/1.jpg", "Recently/1.jpg"),
            ("Nextcloud", "appdata_oc1a2b3c4d5e/preview/a/1/64-64-crop.jpg", "appdata_of_mine/1.jpg"),
            ("Nextcloud", "anna/files_trashbin/files/1.jpg.d1700000000", "anna/files/1.jpg"),
            ("Nextcloud", "anna/files_versions/1.jpg.v1700000000", "anna/files/versions/1.jpg"),
            ("Nextcloud", "__groupfolders/trash/1/1.jpg.d1700000000", "__groupfolders/1/1.jpg"),
            ("Nextcloud", "__groupfolders/versions/1/7/1700000000.jpg", "__groupfolders/1/versions/1.jpg"),
            ("Immich", preview, original),
            ("Immich", thumbnail, "thumbs/1.jpg"),
            ("Immich", video, "immich/library/admin/2026/1.jpg"),
            ("PhotoPrism", "photoprism/storage/cache/thumbnails/a/b/c/abc_720x720_fit.jpg", "photoprism/originals/2026/1.jpg"),
            ("PhotoPrism", "storage/sidecar/2026/1.heic.jpg", "storage/2026/1.jpg"),
            ("PhotoPrism", "photoprism/cache/thumbnails/a/b/c/abc_720x720_fit.jpg", "photoprism/originals/cache/thumbnails/1.jpg"),
            ("PhotoPrism", "a/photoprism/sidecar/2026/1.heic.jpg", "a/photoprism/1.jpg"),
            ("Photos", "A.photoslibrary/originals/1/1.jpeg", "A/originals/1/1.jpeg"),
            ("Photos", "A.photoslibrary/resources/derivatives/1/1_1_105_c.jpeg", "A/photoslibrary/1.jpeg"),
            ("iPhoto", "iPhoto Library.photolibrary/Masters/2008/1.jpg", "photolibrary/Masters/2008/1.jpg"),
            ("iPhoto", "A.migratedphotolibrary/Masters/2008/1.jpg", "A/Masters/2008/1.jpg"),
            ("iPhoto", "iPhoto Library/Data/2006/Roll 20/1.jpg", "iPhoto Library/1.jpg"),
            ("iPhoto", "iPhoto Library/Originals/2006/Roll 20/1.jpg", "iPhoto/Originals/2006/1.jpg"),
            ("iPhoto", "iPhoto Library/Modified/2006/Roll 20/1.jpg", "Modified/1.jpg"),
            ("iPhoto", "iPod Photo Cache/F00/1.jpg", "iPod Photos/1.jpg"),
            ("Aperture", "a/A.aplibrary/Masters/2011/1.jpg", "a/Aperture/Masters/2011/1.jpg"),
            ("Aperture", "a/A.aplibrary/Thumbnails/2011/1.jpg", "a/Thumbnails/2011/1.jpg"),
            ("Bridge", "shoot/Adobe Bridge Cache/256/1.jpg", "shoot/Bridge/1.jpg"),
            ("Lightroom", "Lightroom/Catalog Previews.lrdata/1.jpg", "Lightroom/A.lrlibrary/originals/1.jpg"),
            ("Lightroom", "Lightroom/Catalog Smart Previews.lrdata/1.jpg", "Lightroom/Previews/1.jpg"),
            ("Capture One", "shoot/CaptureOne/Cache/Thumbnails/1.jpg", "shoot/CaptureOne/1.jpg"),
            ("Capture One", "A.cocatalog/Cache/Previews/1.jpg", "A.cocatalog/Originals/2026/1.jpg"),
            ("darktable", ".cache/darktable/mipmaps-0a1b.d/3/1.jpg", "holiday/darktable_exported/1.jpg"),
            ("digiKam", "album/.dtrash/files/1.jpg", "album/digiKam/1.jpg"),
            ("Picasa", "holiday/.picasa.ini", "holiday/.picasaoriginals/1.jpg"),
            ("Picasa", "holiday/.picasaoriginals/.picasa.ini", "holiday/Originals/1.jpg"),
        ] {
            assert!(rules.hide(Path::new(left_out)), "{program}: {left_out}");
            assert!(!rules.hide(Path::new(stays)), "{program}: {stays}");
        }
        for own in
            ["Cache", "Data", "Previews", "Thumbnails", "derivatives", "sidecar", "storage", "thumbnails", "encoded-video", "Masters"]
        {
            assert!(!rules.hide(&Path::new("my photos").join(own).join("1.jpg")), "{own} is also a name for a folder of photos");
        }
    }

    #[test]
    fn what_is_never_hidden_can_be_excluded() {
        let path = Path::new("holiday/.picasaoriginals");
        assert!(rules(&[".picasaoriginals"], &[]).leave_out(path));
        let rules = rules(&["proofs"], &[".kept"]);
        assert!(!rules.leave_out(path));
        assert_eq!((rules.chosen(), rules.exceptions()), (&["proofs".to_owned()][..], &[".kept".to_owned()][..]));
        assert_eq!(rules.included(), [".kept", ".picasaoriginals"]);
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
