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
const WHOLE: &str = "What counts as a whole answer";

/// What `simctl dupes --help` and its man page say.
pub const ABOUT: &str = "\
Show the photos that are versions of each other, clusters with most files first.

The daemon watches a folder from the first time you ask about it, and answers when everything in it has been read. Later answers come at \
once.

Each line says what a photo is, then the distance to the source (0 means the same picture, and above the threshold two files count as \
different photos), size, format, bytes, time of capture and path.

The first file of a cluster is the source, with the rule that decided. The rules, in this order:
  the photo that was taken first
  the whole frame, before a crop or screenshot of it
  what a camera wrote, before what an editor wrote
  a larger photo, before what is sure to be a smaller copy of it
  the name of a frame, before that of an edit (IMG_E1234, -edited)
  the photo that says where it was taken
  RAW before HEIC before other formats
  the photo that was not enlarged
  most pixels
  colour before black and white
  RGB before CMYK
  a lossless format
  most bytes
  a plain name, before a name that a copy gets
  the oldest file
  the shortest path

The others are \"copy\", \"edit\" or \"identical\", with what was changed: \"copy · half size · recompressed\", \"edit · crop 43 % · black and \
white\". \"screenshot of it\" is an edit, and \"of NAME\" names another photo than the source. \"series · 7 frames in 2 s\" names the \
number of exposures of the scene. Those with versions stand under one heading, each a source with its versions. --relation series shows \
all of them; a \"frame\" has no version. --relation explains the words.

Other exposures of a scene, pictures that contain another one beside other content, and photos about which the evidence does not decide \
are not versions. They are counted at the end, in pairs; --relation shows them. The nearest parts are listed below a cluster, and what is \
not sure last, under a heading of its own. \"yours\" in place of a distance says that you decided.

On a terminal paths are relative to the folder, and links, and a long answer is shown by the program that PAGER names (less). The last \
lines count what was found, the safest first, each with the command that shows it.";

/// The values of `--relation`, each in words.
fn relations() -> PossibleValuesParser {
    let explained = |relation: &Relation| {
        let words = match relation {
            Relation::Identical => "another file of exactly the same picture",
            Relation::Copy => "the same exposure and the whole frame, in another size, compression, format or turn",
            Relation::Edit => "the same exposure, changed by hand: crop, colours, border, text, retouch, mirrored; a screenshot of it",
            Relation::Part => "one holds the other beside other content: a collage, a contact sheet, a page",
            Relation::Series => "another exposure of the scene: burst, bracket, stack, time-lapse; each stands there with its versions",
            Relation::Unknown => "near, and the evidence does not decide",
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
    /// Most bytes beside the source first
    Size,
    /// The photo that was taken last first; those without a time last
    Date,
    /// The surest first: the same photo again, copies, edits, and of each the nearest
    Certainty,
}

#[derive(Args, Debug)]
pub struct DupesArguments {
    /// Folders or files; new folders are watched from now on
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Join pairs up to this distance, 0 to 0.45 [default: that of the encoder as it is tuned, for a precision of 99.9 %]
    #[arg(long, value_name = "D", help_heading = WHAT)]
    pub threshold: Option<f32>,
    /// What photos are to each other to be shown in one cluster, several separated by commas [default: identical,copy,edit]
    #[arg(long, value_delimiter = ',', value_name = "KIND", help_heading = WHAT, value_parser = relations())]
    pub relation: Vec<String>,
    /// The order of clusters [default: files]
    #[arg(long, value_enum, value_name = "ORDER", help_heading = HOW)]
    pub sort: Option<SortBy>,
    /// Show at most this number of clusters, or of series
    #[arg(long, value_name = "N", help_heading = HOW)]
    pub limit: Option<NonZeroUsize>,
    /// Show absolute paths on a terminal too
    #[arg(long, help_heading = HOW)]
    pub absolute: bool,
    /// Do not show a long answer by the program that PAGER names
    #[arg(long, help_heading = HOW)]
    pub no_pager: bool,
    /// html is a page with pictures for a browser, to be redirected to a file: it needs nothing else, also no network.
    /// paths0 lists the files that could be deleted, each followed by NUL: identical files and copies by default, no edits.
    /// Each listed file and the file to keep are checked on the disk right before
    #[arg(long, value_enum, default_value_t = DupesFormat::Text, help_heading = HOW)]
    pub format: DupesFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = HOW)]
    pub json: bool,
    /// Also show versions outside the paths
    #[arg(long, help_heading = WHAT)]
    pub everywhere: bool,
    /// Also show the photos of one shot as versions of each other: a RAW file and the picture that the camera made of it
    #[arg(long, help_heading = WHAT)]
    pub within_shots: bool,
    /// Exit with 1 if there are duplicates
    #[arg(long, help_heading = WHOLE)]
    pub exit_code: bool,
    /// Exit with 4 if some photos could not be read, or are of formats that this version does not read
    #[arg(long, help_heading = WHOLE)]
    pub strict: bool,
    /// Answer at once, with the photos that are read by now; implies --partial, except for paths0
    #[arg(long, help_heading = WHOLE)]
    pub no_wait: bool,
    /// Accept an answer without the places that are offline or not read yet: they are named, and the exit code is that
    /// of a whole answer
    #[arg(long, help_heading = WHOLE)]
    pub partial: bool,
}
