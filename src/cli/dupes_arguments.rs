//! The arguments of `simctl dupes`, with their help.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};

use super::formats::DupesFormat;
use crate::photo::Relation;

/// The sections of the help.
const WHAT: &str = "What is shown";
const HOW: &str = "How it is shown";
const WHOLE: &str = "When an answer is complete";

/// What `simctl dupes --help` and its man page say.
pub const ABOUT: &str = "\
Show the photos that are versions of each other, clusters with most files first.

When you first ask about a folder, the daemon begins to watch it, and answers when everything in it has been read. Later answers come at \
once.

Each line shows what a file is, its distance to the source, its size, format, bytes, time of capture and path. A distance of 0 means the \
same picture. Above the threshold two files count as different photos.

The first file of a cluster is the source: the file that the others were made from. Its line names the rule that chose it. The rules \
are applied in this order, and each prefers:
  the photo that was taken first
  the whole frame to a crop or screenshot of it
  a file that a camera wrote to one that an editor wrote
  a larger photo to a copy of it that is certainly smaller
  the name of a frame to that of an edit (IMG_E1234, -edited)
  the photo that says where it was taken
  RAW to HEIC, and HEIC to other formats
  the photo that was not enlarged
  the one with most pixels
  colour to black and white
  RGB to CMYK
  a lossless format
  the one with most bytes
  a plain name to a name that a copy gets
  the oldest file
  the shortest path

The other files are \"identical\", a \"copy\" or an \"edit\". The changes follow: \"copy · half size · recompressed\", \"edit · crop 43 % \
· black and white\". A \"screenshot of it\" is an edit. \"of NAME\" means that the file was made from NAME and not from the source. The \
option --relation below explains all these words.

Several exposures of one scene are a series: \"series · 7 frames in 2 s\". Below this heading are the frames that have versions, each as \
a source with its versions. --relation series shows all frames; a frame without versions is called \"frame\".

Three kinds of near photos are not joined: other exposures of a scene, pictures that contain another one beside other content (parts), \
and photos about which the evidence does not decide. The last lines count their pairs, and --relation shows them. The nearest parts are \
named below a cluster. Uncertain clusters come last, under their own heading. \"yours\" in place of a distance means that you decided \
about the two.

On a terminal, paths are relative to the folder and can be clicked, and a long answer is shown in a pager: the program that PAGER names, \
or less. The last lines count what was found, safest first, and each names a command that shows it.";

/// The values of `--relation`, each in words.
fn relations() -> PossibleValuesParser {
    let explained = |relation: &Relation| {
        let words = match relation {
            Relation::Identical => "another file of exactly the same picture",
            Relation::Copy => "the same exposure and the whole frame, in another size, compression, format or turn",
            Relation::Edit => "the same exposure, changed by hand: crop, colours, border, text, retouch, mirrored; a screenshot of it",
            Relation::Part => "one holds the other beside other content, for example in a collage, on a contact sheet or on a page",
            Relation::Series => "another exposure of the same scene: burst, bracket, stack, time-lapse; its versions are shown below it",
            Relation::Unknown => "near each other, but the evidence does not decide what they are",
        };
        PossibleValue::new(relation.name()).help(words)
    };
    PossibleValuesParser::new(Relation::ALL.iter().map(explained))
}

/// The order of clusters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SortBy {
    /// Most files first
    Files,
    /// Most bytes to gain first: the total size of all files but the source
    Size,
    /// Latest capture first; photos without a time of capture come last
    Date,
    /// Most certain first: identical files, then copies, then edits, each with the nearest first
    Certainty,
}

#[derive(Args, Debug)]
pub struct DupesArguments {
    /// Folders or files; new folders are watched from now on. The versions of a file are found everywhere, and paths0 lists them too
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Join pairs up to this distance, 0 to 0.45 [default: the threshold of the head in use, chosen for a precision of 99.9 %;
    /// the head is the layer of the encoder that a tuning trains]
    #[arg(long, value_name = "D", help_heading = WHAT)]
    pub threshold: Option<f32>,
    /// Which relations join photos into one cluster, separated by commas [default: identical,copy,edit]
    #[arg(long, value_delimiter = ',', value_name = "KIND", help_heading = WHAT, value_parser = relations())]
    pub relation: Vec<String>,
    /// The order of clusters [default: files]
    #[arg(long, value_enum, value_name = "ORDER", help_heading = HOW)]
    pub sort: Option<SortBy>,
    /// Show at most this many clusters; with --relation series, this many series
    #[arg(long, value_name = "N", help_heading = HOW)]
    pub limit: Option<NonZeroUsize>,
    /// Show absolute paths on a terminal too
    #[arg(long, help_heading = HOW)]
    pub absolute: bool,
    /// Do not show a long answer in a pager
    #[arg(long, help_heading = HOW)]
    pub no_pager: bool,
    /// html prints a page with pictures: redirect it to a file, which a browser can show offline. paths0 prints the files that you
    /// could delete, each followed by NUL, or on a terminal by a new line: by default identical files and copies, but no edits. Just
    /// before a file is printed, similard checks on the disk that it and the file that stays are unchanged
    #[arg(long, value_enum, default_value_t = DupesFormat::Text, help_heading = HOW)]
    pub format: DupesFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = HOW)]
    pub json: bool,
    /// Also show versions that are elsewhere in the library
    #[arg(long, help_heading = WHAT)]
    pub everywhere: bool,
    /// Also show a RAW file and the JPEG or HEIC that the camera wrote with it as versions of each other. paths0 lists neither because
    /// of the other one: nobody has checked the sensor data
    #[arg(long, help_heading = WHAT)]
    pub within_shots: bool,
    /// Exit with 1 if there are duplicates
    #[arg(long, help_heading = WHOLE)]
    pub exit_code: bool,
    /// Exit with 4 if some photos could not be read, or have formats that this version does not read
    #[arg(long, help_heading = WHOLE)]
    pub strict: bool,
    /// Answer at once, from the photos that have been read by now; implies --partial, except with paths0
    #[arg(long, help_heading = WHOLE)]
    pub no_wait: bool,
    /// Accept an incomplete answer: folders that are offline or not read yet are named, and the exit code is that of a complete
    /// answer
    #[arg(long, help_heading = WHOLE)]
    pub partial: bool,
}
