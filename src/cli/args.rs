//! The arguments of the command line, with their help texts.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::failure::EXIT_CODES;
pub use super::formats::{AnswerFormat, CompletedShell, DupesFormat, EventsFormat, NamesOf, PairsFormat, StatusFormat, TextFormat};
use super::missing::arguments::{ABOUT_MISSING, MissingArguments};
use crate::config::Overrides;
use crate::photo::Relation;

/// What `simctl dupes --help` and its man page say.
const ABOUT_DUPES: &str = "\
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
not sure last, under a heading of its own.";

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

fn after_help() -> String {
    let codes = EXIT_CODES.map(|(code, meaning)| format!("{code} {meaning}")).join(", ");
    format!("Exit codes: {codes}.\n\nNothing ever leaves this machine, and the daemon never changes a photo.")
}

/// Finds the versions of one photo: crops, sizes, edits.
#[derive(Debug, Parser)]
#[command(name = "simctl", version, after_help = after_help(), max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub instance: InstanceArguments,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Debug)]
pub struct InstanceArguments {
    /// The data directory, with the index and your decisions [env: SIMILARD_DATA_DIR] [default: ~/.local/share/similard]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
    /// The socket of the daemon [env: SIMILARD_SOCKET] [default: $XDG_RUNTIME_DIR/similard/api.sock]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The settings file [env: SIMILARD_CONFIG] [default: ~/.config/similard/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not start the daemon if none runs; exit with 3
    #[arg(long, global = true)]
    pub no_start: bool,
}

impl InstanceArguments {
    pub fn overrides(&self) -> Overrides {
        Overrides { data_dir: self.data_dir.clone(), socket: self.socket.clone(), config: self.config.clone() }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the photos that are versions of each other, clusters with most files first
    #[command(long_about = ABOUT_DUPES)]
    Dupes(DupesArguments),
    /// Ask whether everything in a folder is in the library: can this card be formatted?
    #[command(long_about = ABOUT_MISSING)]
    Missing(MissingArguments),
    /// List pairs of near photos, closest first: distance, path, path, relation
    ///
    /// A line for each two photos that are identical, copies or edits, with a TAB between the columns. The distance is 0 for the same
    /// picture. Each photo is named by the file of it that is to be kept. In paths TAB, newline and backslash are \t, \n and \\. dupes --help
    /// explains the relations.
    Pairs {
        /// Folders or files; new folders are watched from now on
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// List pairs up to this distance, 0 to 0.45 [default: the threshold of dupes]
        #[arg(long, value_name = "D")]
        max_distance: Option<f32>,
        /// tsv has the four columns; json is one object; ndjson has an object a line: a begin, the pairs, an end
        #[arg(long, value_enum, default_value_t = PairsFormat::Tsv)]
        format: PairsFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
        /// Answer at once, with the photos read so far; implies --partial
        #[arg(long)]
        no_wait: bool,
        /// Accept an answer without the places that are offline or not read yet: they are named, and the exit code is 0
        #[arg(long)]
        partial: bool,
    },
    /// Show the photos of the library nearest to a file
    ///
    /// A line for each photo, nearest first: the distance (0 means the same picture, above the threshold of dupes another photo), what it is
    /// to the file, its size in pixels and bytes, and its path. The relation is told by the two photos alone; dupes --help explains
    /// it.
    Similar {
        /// A photo, in a watched folder or not
        file: PathBuf,
        /// The number of photos
        #[arg(short, default_value_t = 10, value_name = "N")]
        k: usize,
        /// The head that measures distances [default: the head in use]
        #[arg(long, value_name = "NAME")]
        head: Option<String>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Show how far apart two files are, what they are to each other, and what tells
    ///
    /// The first line has the distance, the threshold, and which file is a version of which, with the changes. If both are in the index,
    /// it says what dupes says of the whole library, where other photos count too: a version goes to the photo that it fits best. Else the
    /// two are told by themselves.
    ///
    /// Then follow the reasons (because: ...), those that decided most first, and all that tells: how one picture lies in the other; how well their structure agrees (1 is equal, below 0.6 they are laid over
    /// each other by chance, and nothing is said), also coarsely, where compression counts less; how much more the worst place
    /// differs than others, as where a text was added; brightness, contrast and strength of colours; the score of the version model (above 0 one
    /// exposure, below 0 two); shutter speed, f-number, exposure bias and ISO; and each difference of format, size, time, camera and
    /// compression.
    Compare {
        /// A photo, in a watched folder or not
        a: PathBuf,
        /// Another one
        b: PathBuf,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Add, remove or list the watched folders; roots alone lists them
    Roots {
        #[command(subcommand)]
        command: Option<RootsCommand>,
    },
    /// Scan a folder now, or all watched folders
    Scan {
        path: Option<PathBuf>,
        /// Forget missing files, even if most of a folder is gone
        #[arg(long)]
        forget: bool,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Show what the daemon is doing
    Status {
        /// prometheus is for the textfile collector of node_exporter
        #[arg(long, value_enum, default_value_t = StatusFormat::Text)]
        format: StatusFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Show events as they happen
    Events {
        #[arg(long, value_enum, default_value_t = EventsFormat::Text)]
        format: EventsFormat,
        /// The same as --format ndjson
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Show the files that could not be read, and why
    Failures {
        path: Option<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Decide whether files are versions of one photo; the decision applies to every two of them
    #[command(subcommand)]
    Decide(DecideCommand),
    /// List your decisions, export them to a file, or import them from one
    #[command(subcommand)]
    Decisions(DecisionsCommand),
    /// Back up your folders, decisions and heads to a new file, with or without a running daemon
    ///
    /// The file is a copy of library.db. To put it back: end the daemon, remove library.db-wal and library.db-shm from the
    /// data directory if they are there, and copy the file to library.db.
    Backup {
        /// A new file; an existing file is not overwritten
        file: PathBuf,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Tune a head on this library; it is used only if it finds more versions of held-out photos
    Tune(TuneArguments),
    /// List, use or remove heads, the results of tunings; heads alone lists them
    Heads {
        #[command(subcommand)]
        command: Option<HeadsCommand>,
    },
    /// Print the settings in force, with the meaning and the source of each
    Config {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// End the daemon after it has stored what it was given
    Stop {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Stop the daemon and start it again from this program; if systemd runs it, through systemd
    Restart {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Have the daemon reload its settings
    Reload {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Have systemd start the daemon with your session, or undo that
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Run the daemon in the foreground, until Ctrl-C
    Daemon(DaemonArguments),
    /// Print the JSON Schema of what a command answers with --json, or those of all commands
    ///
    /// In an answer, schema is the version of its form. It grows when a program that reads answers may have to change. Fields and
    /// names may be added without that.
    Schema {
        /// A command, for example: roots list
        command: Vec<String>,
        /// Of a line of --format ndjson
        #[arg(long)]
        ndjson: bool,
    },
    /// Print the OpenAPI description of the API
    Openapi,
    /// Print completions for a shell
    Completions { shell: CompletedShell },
    /// Print names that a shell completes, a line each
    #[command(hide = true)]
    Names { of: NamesOf },
    /// Print the man page of simctl, or of one of its commands
    ///
    /// To read it without installing it: simctl man | man -l -
    Man { command: Option<String> },
    /// Install completions for your shells, man pages, and the name similard for this program
    ///
    /// Only needed after cargo install. Packages contain all of it.
    Setup {
        /// Install below DIR/share [default: ~/.local]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        prefix: Option<PathBuf>,
        /// Remove them
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Args, Debug)]
pub struct DupesArguments {
    /// Folders or files; new folders are watched from now on
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Join pairs up to this distance, 0 to 0.45 [default: the threshold of the head in use, set for a precision of 99.9 %]
    #[arg(long, value_name = "D")]
    pub threshold: Option<f32>,
    /// What photos are to each other to be shown in one cluster, several separated by commas [default: identical,copy,edit]
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = relations())]
    pub relation: Vec<String>,
    /// paths0 lists the files that could be deleted, each followed by NUL: identical files and copies by default, no edits.
    /// Each listed file and the file to keep are checked on the disk right before
    #[arg(long, value_enum, default_value_t = DupesFormat::Text)]
    pub format: DupesFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Also show versions outside the paths
    #[arg(long)]
    pub everywhere: bool,
    /// Also show the photos of one shot as versions of each other: a RAW file and the picture that the camera made of it
    #[arg(long)]
    pub within_shots: bool,
    /// Exit with 1 if there are duplicates
    #[arg(long)]
    pub exit_code: bool,
    /// Exit with 4 if some photos could not be read, or are of formats that this version does not read
    #[arg(long)]
    pub strict: bool,
    /// Answer at once, with the photos read so far; implies --partial, except for paths0
    #[arg(long)]
    pub no_wait: bool,
    /// Accept an answer without the places that are offline or not read yet: they are named, and the exit code is that
    /// of a whole answer
    #[arg(long)]
    pub partial: bool,
}

#[derive(Debug, Subcommand)]
pub enum DecideCommand {
    /// The files are versions of one photo: always in one cluster
    Same {
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// The files are different photos: never in one cluster
    Different {
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Remove the decisions about these files; for a photo without files, give the picture hash that decisions list shows
    Forget {
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
}

#[derive(Debug, Subcommand)]
pub enum DecisionsCommand {
    /// List all decisions, the oldest first, with the files of their photos
    ///
    /// A photo without a known file is shown by its picture hash, which decide forget takes in place of a file.
    List {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Write all decisions as JSON lines; photos are identified by their content
    Export {
        /// The file is written as a whole or not at all; - is standard output [default: -]
        file: Option<PathBuf>,
    },
    /// Read decisions that export wrote; of two decisions about a pair the later one is kept
    Import {
        file: PathBuf,
        #[command(flatten)]
        answer: AnswerFormat,
    },
}

#[derive(Args, Debug)]
pub struct TuneArguments {
    /// End after this many minutes, with the result so far [default: 10]
    #[arg(long, value_name = "M")]
    pub minutes: Option<u64>,
    /// The photos that belong together: edited versions of a photo, photos of a folder (for similar only), or what you decided
    #[arg(long, value_enum, default_value_t = PositivesArgument::Edits)]
    pub positives: PositivesArgument,
    /// The name of the new head or version model [default: tuned-1, tuned-2, …]
    #[arg(long)]
    pub name: Option<String>,
    /// The most photos for training and the acceptance test [default: 1000; for folders 20000, for decisions 300]
    #[arg(long, value_name = "N")]
    pub photos: Option<usize>,
    /// End the running tuning, with the result so far
    #[arg(long, conflicts_with_all = ["minutes", "name", "photos"])]
    pub stop: bool,
    #[command(flatten)]
    pub answer: AnswerFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PositivesArgument {
    Edits,
    Folders,
    Decisions,
}

#[derive(Debug, Subcommand)]
pub enum HeadsCommand {
    /// List all heads and version models, with the results of their tuning
    List {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Use a head or a version model from now on; base and versions are those that come with the program
    Use {
        /// A head or a version model
        name: String,
        /// Only show how the clusters would change
        #[arg(long = "try")]
        only_try: bool,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Remove a head or a version model that is not in use
    Remove {
        /// A head or a version model
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Write the units unless a package contains them, and enable the socket; the first request starts the daemon
    Install,
    /// Stop the daemon and remove the units; index and decisions stay
    Remove,
    /// Show whether the service is installed, and its state
    Status {
        #[command(flatten)]
        answer: AnswerFormat,
    },
}

#[derive(Args, Debug)]
pub struct DaemonArguments {
    /// The same as simctl restart: end the running daemon, and start another in the background
    #[arg(long)]
    pub replace: bool,
    /// Detach from the terminal of the command that started it
    #[arg(long, hide = true)]
    pub background: bool,
}

#[derive(Debug, Subcommand)]
pub enum RootsCommand {
    /// Watch folders
    Add {
        #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        paths: Vec<PathBuf>,
        /// Also watch folders that contain far more than photos, such as / and /home
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Stop watching folders; their photos stay in the index, and folders inside that you added before are watched again
    Remove {
        /// Watched folders
        #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// List the watched folders
    List {
        #[command(flatten)]
        answer: AnswerFormat,
    },
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{fs, iter};

    use clap::CommandFactory;
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, MissingRequiredArgument, MissingSubcommand,
    };

    use super::Arguments;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_explains_relations_and_what_commands_print() {
        let help = |name: &str| {
            let mut command = Arguments::command().find_subcommand(name).expect(name).clone();
            command.render_long_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let dupes = help("dupes");
        for words in ["identical: another file of", "copy: the same exposure", "part: one holds", "series: another", "unknown: near, and"] {
            assert!(dupes.contains(words), "{words}: {dupes}");
        }
        for (name, words) in [
            ("pairs", "A line for each two photos"),
            ("similar", "nearest first"),
            ("compare", "the version model"),
            ("missing", "outside trash"),
        ] {
            assert!(help(name).contains(words), "{}", help(name));
        }
    }

    /// All files below a path of this repository, with their text.
    fn texts(path: &Path) -> Vec<(String, String)> {
        match fs::read_dir(path) {
            Ok(entries) => entries.flat_map(|entry| texts(&entry.expect("an entry").path())).collect(),
            Err(_) => vec![(path.display().to_string(), fs::read_to_string(path).expect("a text"))],
        }
    }

    /// What follows `simctl` in a text, up to punctuation. Messages and help texts count as a whole. Comments and pages
    /// count where a command is in backquotes or indented as code.
    fn named_commands(file: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for line in text.split("\\\n").map(str::trim_start).collect::<String>().lines() {
            let is_comment = line.trim_start().starts_with("//");
            let is_help = file.ends_with("cli/args.rs") && line.trim_start().starts_with("///");
            let is_prose = if file.ends_with(".md") { !line.starts_with("    ") } else { is_comment && !is_help };
            for (at, _) in line.match_indices("simctl ") {
                let named = line[at + "simctl ".len()..].split(['`', '"', ';', ',', ':', '(', ')', '#', '\\']).next().unwrap_or_default();
                let named = ["  ", " | ", ". "].iter().fold(named, |named, end| named.split(end).next().unwrap_or_default());
                let is_word = named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-');
                if is_word && (!is_prose || line[..at].ends_with('`')) {
                    found.push(named.to_owned());
                }
            }
        }
        found
    }

    /// `heads list|use` as `heads list` and `heads use`.
    fn alternatives(command: &str) -> Vec<String> {
        match command.split(' ').find(|word| word.contains('|')) {
            Some(word) => word.split('|').flat_map(|one| alternatives(&command.replacen(word, one, 1))).collect(),
            None => vec![command.to_owned()],
        }
    }

    /// Whether the words are a command that has subcommands. Some of these may stand alone.
    fn has_subcommands(words: &[&str]) -> bool {
        let mut command = Arguments::command();
        for word in words {
            let Some(inner) = command.find_subcommand(word).cloned() else { return false };
            command = inner;
        }
        command.has_subcommands()
    }

    /// Whether the words begin with a command that exists. Prose may follow it, but no further option. Words in
    /// capitals and braces stand for values, and required values may be left out.
    fn begins_with_a_command(words: &str) -> bool {
        let is_placeholder = |word: &str| word.starts_with('{') || word.chars().all(|c| c.is_ascii_uppercase());
        let words: Vec<&str> = words
            .split_whitespace()
            .map(|word| word.trim_matches(['[', ']', '.', '…']))
            .filter(|word| !word.is_empty())
            .map(|word| if word == "COMMAND" { "status" } else { word })
            .map(|word| if is_placeholder(word) { "1" } else { word })
            .collect();
        let end = (1..=words.len()).rev().find(|&end| {
            let line = iter::once("simctl").chain(words[..end].iter().copied());
            match Arguments::command().try_get_matches_from(line).err().map(|e| e.kind()) {
                None if has_subcommands(&words[..end]) => end == words.len(),
                None | Some(DisplayHelp | DisplayVersion | MissingRequiredArgument) => true,
                Some(MissingSubcommand | DisplayHelpOnMissingArgumentOrSubcommand) => end == words.len(),
                Some(_) => false,
            }
        });
        end.is_some_and(|end| words.get(end).is_none_or(|next| !next.starts_with('-')))
    }

    #[test]
    fn every_command_in_messages_and_pages_exists() {
        for wrong in ["tuna", "tune --halt ends it", "heads usee base", "roots add DIR --all"] {
            assert!(!begins_with_a_command(wrong), "{wrong}");
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml", "docs", "models/README.md", "src"];
        let mut count = 0;
        for (file, text) in pages.iter().flat_map(|page| texts(&root.join(page))) {
            for command in named_commands(&file, &text).iter().flat_map(|named| alternatives(named)) {
                count += 1;
                assert!(begins_with_a_command(&command), "{file} names a command that does not exist: simctl {command}");
            }
        }
        assert!(count > 100, "{count}");
    }
}
