//! The programs that write photos.

/// Names of programs that change photos, in lower case. A camera writes its own name or version.
const EDITORS: [&str; 34] = [
    "photoshop",
    "lightroom",
    "gimp",
    "darktable",
    "rawtherapee",
    "capture one",
    "snapseed",
    "affinity",
    "luminar",
    "dxo",
    "photolab",
    "picasa",
    "imagemagick",
    "instagram",
    "paint",
    "digikam",
    "pixelmator",
    "acdsee",
    "on1",
    "vsco",
    "topaz",
    "capture nx",
    "nx studio",
    "silkypix",
    "digital photo professional",
    "photoscape",
    "irfanview",
    "xnview",
    "faststone",
    "zoner",
    "polarr",
    "nik collection",
    "corel",
    "windows photo",
];

/// Whether the program of this name changes photos.
pub fn is_editor(software: &str) -> bool {
    let software = software.to_lowercase();
    EDITORS.iter().any(|editor| software.contains(editor))
}
