//! The arguments of the command line, with their help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::dupes_arguments::ABOUT as ABOUT_DUPES;
pub use super::dupes_arguments::{DupesArguments, SortBy};
use super::failure::EXIT_CODES;
pub use super::formats::{AnswerFormat, CompletedShell, DupesFormat, EventsFormat, NamesOf, PairsFormat, StatusFormat, TextFormat};
use super::missing::arguments::{ABOUT_MISSING, MissingArguments};
use crate::config::Overrides;

fn after_help() -> String {
    let codes = EXIT_CODES.map(|(code, meaning)| format!("{code} {meaning}")).join(", ");
    format!("Exit codes: {codes}.\n\nNothing ever leaves this machine, and the daemon never changes a photo.")
}

/// The section of the options that all commands take.
const INSTANCE: &str = "Which daemon";

/// Finds the versions of one photo: crops, sizes, edits.
#[derive(Debug, Parser)]
#[command(name = "simctl", version, after_help = after_help(), max_term_width = 100)]
pub struct Arguments {
    #[command(flatten, next_help_heading = INSTANCE)]
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
    /// If no daemon runs, exit with 3 instead of starting one
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
    /// Check whether everything in a folder is in the library: can this card be formatted?
    #[command(long_about = ABOUT_MISSING)]
    Missing(MissingArguments),
    /// List pairs of near photos, closest first: distance, path, path, relation
    ///
    /// Prints one line for each pair of photos that are identical, copies or edits. TABs separate the columns. The distance is 0 if both
    /// photos show the same picture. If a photo has several files, the pair names the file that dupes would keep. In paths, TAB, newline
    /// and backslash are written as \t, \n and \\. dupes --help explains the relations.
    Pairs {
        /// Folders or files; new folders are watched from now on
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// List pairs up to this distance, 0 to 0.45 [default: the threshold of dupes]
        #[arg(long, value_name = "D")]
        max_distance: Option<f32>,
        /// tsv: one pair per line, with the columns distance, path, path and relation; json: one object; ndjson: one object per line,
        /// with a first and a last line that are not pairs
        #[arg(long, value_enum, default_value_t = PairsFormat::Tsv)]
        format: PairsFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
        /// Answer at once, from the photos that have been read by now; implies --partial
        #[arg(long)]
        no_wait: bool,
        /// Accept an incomplete answer: folders that are offline or not read yet are named, and the exit code is 0
        #[arg(long)]
        partial: bool,
    },
    /// Show the photos of the library nearest to a file
    ///
    /// Prints one line for each photo, nearest first: the distance (0 means the same picture), its relation to the file, its size in
    /// pixels and bytes, and its path. A horizontal line marks the threshold of dupes: the photos below it are not versions. Each
    /// relation is judged from the two photos alone; dupes --help explains the words. "yours" in place of a distance means that you
    /// decided about the two.
    Similar {
        /// A photo, in a watched folder or not
        file: PathBuf,
        /// Show this many photos
        #[arg(short, default_value_t = 10, value_name = "N")]
        k: usize,
        /// Measure distances with this head, the result of a tuning; simctl heads list shows all [default: the one in use]
        #[arg(long, value_name = "NAME")]
        head: Option<String>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Show how far apart two files are, what they are to each other, and why
    ///
    /// The first line says how far apart the two files are, what the threshold is, which file is a version of the other, and what was
    /// changed. If both are in the index, this is what dupes finds in the whole library: a version belongs to the photo that it fits
    /// best, which may be a third photo. Otherwise compare judges from the two files alone.
    ///
    /// The reasons follow, the most important first (because: ...). Then comes the evidence. It says where one picture lies in the other,
    /// and how well the structure of the two agrees, from 0 to 1, in fine and in coarse detail. Agreement below 0.6 is chance and is not
    /// printed. The next lines say how much the worst spot differs, for example because a text was added, and compare brightness,
    /// contrast and saturation. A score of the version model above 0 means one exposure, and below 0 two. Last come shutter speed,
    /// f-number, exposure bias and ISO, and every difference in format, size, bytes, time, camera, position, rating, keywords, texts and
    /// compression. dupes --help lists the rules that choose the source.
    Compare {
        /// A photo, in a watched folder or not
        a: PathBuf,
        /// Another photo, in a watched folder or not
        b: PathBuf,
        /// Exit with 1 unless the two are versions of one photo
        #[arg(long)]
        exit_code: bool,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Add, remove or list watched folders; without a subcommand, list them
    Roots {
        #[command(subcommand)]
        command: Option<RootsCommand>,
    },
    /// Scan a folder now, or all watched folders
    Scan {
        /// A folder or file in a watched folder [default: all watched folders]
        path: Option<PathBuf>,
        /// Forget missing files, even if most of a folder is gone
        #[arg(long)]
        forget: bool,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Show what the daemon is doing
    Status {
        /// The format; prometheus prints metrics for the textfile collector of node_exporter
        #[arg(long, value_enum, default_value_t = StatusFormat::Text)]
        format: StatusFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Show events as they happen
    Events {
        /// text: one line per event, for people; ndjson: one JSON object per line
        #[arg(long, value_enum, default_value_t = EventsFormat::Text)]
        format: EventsFormat,
        /// The same as --format ndjson
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Show the files that could not be read, grouped by reason
    ///
    /// Formats that this version does not read come last, with one line for each format.
    Failures {
        /// Show only the files in this folder, or this file [default: all watched folders]
        path: Option<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Decide whether files are versions of one photo; the decision holds for each pair of them
    #[command(subcommand)]
    Decide(DecideCommand),
    /// List your decisions, export them to a file, or import them from one
    #[command(subcommand)]
    Decisions(DecisionsCommand),
    /// Back up your folders, decisions and heads (results of tunings) to a new file, with or without a running daemon
    ///
    /// The file is a copy of library.db. To put it back: end the daemon, remove library.db-wal and library.db-shm from the
    /// data directory if they are there, and copy the file to library.db.
    Backup {
        /// A new file; an existing file is not overwritten
        file: PathBuf,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Teach the encoder your photos; the result, a head, is used only if it finds more versions than before
    Tune(TuneArguments),
    /// List, use or remove heads, the results of tunings; without a subcommand, list them
    Heads {
        #[command(subcommand)]
        command: Option<HeadsCommand>,
    },
    /// Print the settings in force, what each means, and where it comes from
    Config {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// End the daemon after it has stored what it was given
    Stop {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Stop the daemon and start it again from this program file, through systemd if systemd runs it
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
    /// Print the JSON Schema of the --json answer of a command, or of all commands
    ///
    /// Every answer has a field named schema: a number that grows whenever programs that read the answer may have to change. New fields
    /// and new names do not make it grow.
    Schema {
        /// A command, for example: roots list
        command: Vec<String>,
        /// Print the schema of a line of --format ndjson instead
        #[arg(long)]
        ndjson: bool,
    },
    /// Print the OpenAPI description of the API
    Openapi,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: CompletedShell,
    },
    /// Print names for the completion of a shell, one per line
    #[command(hide = true)]
    Names { of: NamesOf },
    /// Print the man page of simctl, or of one of its commands
    ///
    /// To read it without installing it: simctl man | man -l -
    Man {
        /// A command, or similard [default: simctl]
        command: Option<String>,
    },
    /// Install completions for your shells, man pages, and the name similard for this program
    ///
    /// You need this only after cargo install. Packages contain all of these.
    Setup {
        /// Install below DIR/share [default: ~/.local]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        prefix: Option<PathBuf>,
        /// Remove what setup has installed
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum DecideCommand {
    /// The files are versions of one photo: always in one cluster
    Same {
        /// Two or more photos of watched folders
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// The files are different photos: never in one cluster
    Different {
        /// Two or more photos of watched folders
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Remove the decisions about these files; for a photo without files, give the picture hash that decisions list prints
    Forget {
        /// Two or more photos of watched folders
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
    /// A photo without a known file is shown by its picture hash, which decide forget accepts in place of a file.
    List {
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Write all decisions, one JSON object per line; photos are identified by their content
    Export {
        /// A file, written as a whole or not at all; - means standard output [default: -]
        file: Option<PathBuf>,
    },
    /// Read decisions that export wrote; if a pair is decided in both, the later decision counts
    Import {
        /// A file that decisions export wrote
        file: PathBuf,
        #[command(flatten)]
        answer: AnswerFormat,
    },
}

#[derive(Args, Debug)]
pub struct TuneArguments {
    /// End after this many minutes, with the best result found by then [default: 10]
    #[arg(long, value_name = "M")]
    pub minutes: Option<u64>,
    /// What to learn from: edits are edited versions that are made from your photos; folders means that photos in one folder belong
    /// together (for similar only); decisions are your own
    #[arg(long, value_enum, default_value_t = PositivesArgument::Edits)]
    pub positives: PositivesArgument,
    /// The name of the new head or version model [default: tuned-1, tuned-2, …]
    #[arg(long)]
    pub name: Option<String>,
    /// Use at most this many photos for training and testing [default: 1000; for folders 20000, for decisions 300]
    #[arg(long, value_name = "N")]
    pub photos: Option<usize>,
    /// End the running tuning now, with the best result found by then
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
    /// Use a head or a version model from now on
    ///
    /// A head, the result of a tuning, is the layer of the encoder that determines how far apart two photos are. A version model decides
    /// whether two photos are one exposure. The program comes with one of each: the head "base" and the version model "versions".
    Use {
        /// A head or a version model
        name: String,
        /// Only show how the clusters would change, without using it
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
    /// Write the systemd units, unless a package has installed them, and enable the socket, so that the first request starts the daemon
    Install,
    /// Stop the daemon and remove the systemd units; the index and your decisions stay
    Remove,
    /// Show whether the service is installed, and its state
    Status {
        #[command(flatten)]
        answer: AnswerFormat,
    },
}

#[derive(Args, Debug)]
pub struct DaemonArguments {
    /// End the running daemon and start another in the background; the same as simctl restart
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
        /// Folders of photos
        #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        paths: Vec<PathBuf>,
        /// Also watch folders that contain far more than photos, such as / and /home
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        answer: AnswerFormat,
    },
    /// Stop watching folders
    ///
    /// Their photos stay in the index. If you had added a folder inside a removed one before, that folder is watched by itself again.
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
    fn every_argument_has_a_line_of_help() {
        fn check(command: &clap::Command, words: &str) {
            for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
                let words = format!("{words} {}", inner.get_name());
                for argument in inner.get_arguments().filter(|argument| !argument.is_hide_set()) {
                    assert!(argument.get_help().is_some(), "{words}: {} has no help", argument.get_id());
                }
                check(inner, &words);
            }
        }
        check(&Arguments::command(), "simctl");
    }

    #[test]
    fn help_says_no_word_of_the_inside_without_explaining_it() {
        let mut program = Arguments::command();
        program.build();
        let names: Vec<String> =
            program.get_subcommands().filter(|inner| !inner.is_hide_set()).map(|inner| inner.get_name().to_owned()).collect();
        for name in names {
            let help = program.find_subcommand_mut(&name).expect("there").render_long_help().to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(!help.contains("so far"), "{name}: {help}");
            let is_explained = help.contains("head, the result of a tuning")
                || help.contains("heads, the results of tunings")
                || help.contains("heads (results of tunings)")
                || help.contains("the result, a head,");
            assert!(!help.contains("head") || is_explained || help.contains("heading"), "{name} says head: {help}");
        }
    }

    #[test]
    fn the_help_explains_relations_and_what_commands_print() {
        let help = |name: &str| {
            let mut program = Arguments::command();
            program.build();
            let command = program.find_subcommand_mut(name).expect(name);
            command.render_long_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let dupes = help("dupes");
        for words in
            ["identical: another file of", "copy: the same exposure", "part: one holds", "series: another", "unknown: near each other"]
        {
            assert!(dupes.contains(words), "{words}: {dupes}");
        }
        for section in ["What is shown:", "How it is shown:", "Which daemon:"] {
            assert!(dupes.contains(section), "{section}: {dupes}");
        }
        for (name, words) in [
            ("pairs", "one line for each pair of photos"),
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
