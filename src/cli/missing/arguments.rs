//! The arguments of `simctl missing`, with their help texts.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::formats::MissingFormat;

/// What `simctl missing --help` and its man page say.
pub const ABOUT_MISSING: &str = "\
Check whether everything in a folder is in the library: can this card be formatted?

Every photo, film, sound file and sidecar below PATH is read. Nothing there is changed, and nothing is added to the library. A file is \
safe if the library has the same bytes, or the same picture data with other metadata, in another file. That file must be on a mounted \
disk now, unchanged since it was read, outside PATH and outside trash. Names and dates do not count. What the name of a file does not \
tell, its first bytes do.

Each file that is not safe is printed on a line with its state:
  missing         nothing in the library has it
  safe-elsewhere  only a disk that is away has it; it counts as missing
  version         the library has only another version of it (with --versions); it counts as missing
  unread          it could not be judged: it cannot be read, is damaged or empty
  alike           with --quick: the library has a file of its size, name and time

The folders and everything else that was found there follow, and the photos that the library has with other metadata, such as another \
rating. The last line says what you can do now.

Exit codes: 0 everything is safe, 1 something is missing, 4 something could not be judged (even if something else is missing), 5 a folder \
of --in is offline, or a folder is not read yet, 6 the disk of --copy-to is full, 130 after Ctrl-C, which prints what is known by then. So this is safe:
  simctl missing /media/me/CARD && echo may be formatted";

#[derive(Args, Debug)]
pub struct MissingArguments {
    /// A card, a folder or a file; it need not be watched
    pub path: PathBuf,
    /// Count only copies in this folder of the library; a new folder is watched from now on [default: all watched folders]
    #[arg(long = "in", value_name = "ROOT", value_hint = ValueHint::DirPath)]
    pub within: Vec<PathBuf>,
    /// Count a file as safe only if it is on at least N physical drives
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = drives)]
    pub on_disks: usize,
    /// Name the nearest version of a photo that is missing
    #[arg(long)]
    pub versions: bool,
    /// Read the library's copies again from the disk, and compare
    #[arg(long)]
    pub verify: bool,
    /// Compare only size, name and time; nothing is safe then, and the exit code is never 0
    #[arg(long, conflicts_with_all = ["verify", "versions", "copy_to", "on_disks"])]
    pub quick: bool,
    /// Copy the files that are not safe to a folder on another drive, read them back and compare; nothing is overwritten
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub copy_to: Option<PathBuf>,
    /// paths0 lists the files that are not safe, each followed by NUL; ndjson prints a line for each file, and a last line "end"
    #[arg(long, value_enum, default_value_t = MissingFormat::Text)]
    format: MissingFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl MissingArguments {
    pub fn chosen(&self) -> MissingFormat {
        if self.json { MissingFormat::Json } else { self.format }
    }
}

/// A number of drives, at least one.
fn drives(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number of drives is at least 1".to_owned())
}
