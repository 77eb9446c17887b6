//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::failure::EXIT_CODES;
use crate::config::Overrides;

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
    /// Where the index is kept [env: SIMILARD_DATA_DIR] [default: ~/.local/share/similard]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
    /// Where the daemon listens [env: SIMILARD_SOCKET] [default: $XDG_RUNTIME_DIR/similard/api.sock]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The settings file [env: SIMILARD_CONFIG] [default: ~/.config/similard/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not start a daemon when none answers: exit with 3
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
    ///
    /// A folder is watched from the first time it is asked about; the answer comes when everything in it is read, later
    /// ones at once. The first file of a cluster is the best original: most pixels, then RAW before HEIC before JPEG,
    /// fewest signs of an edit, oldest, shortest path. The number before another is its distance to the nearest other
    /// version: 0 is the same picture, what lies above the threshold is taken for another photo. "same" is another file of the
    /// very same photo. A cluster whose ends have little in common is marked "loose": look before you delete.
    Dupes(DupesArguments),
    /// List pairs of near photos, closest first: distance, path, path, relation
    Pairs {
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// List pairs up to this distance, 0 to 0.45 [default: the threshold of dupes]
        #[arg(long, value_name = "D")]
        max_distance: Option<f32>,
        #[arg(long, value_enum, default_value_t = PairsFormat::Tsv)]
        format: PairsFormat,
        /// Answer at once, with what is read so far
        #[arg(long)]
        no_wait: bool,
    },
    /// Show the photos of the library nearest to a file
    Similar {
        file: PathBuf,
        /// How many
        #[arg(short, default_value_t = 10, value_name = "N")]
        k: usize,
        /// The head to measure with [default: the one in use]
        #[arg(long, value_name = "NAME")]
        head: Option<String>,
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Say how far apart two files are, and what differs
    Compare {
        a: PathBuf,
        b: PathBuf,
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Add, remove or list the watched folders
    #[command(subcommand)]
    Roots(RootsCommand),
    /// Look at the folders again, or at everything
    Scan {
        path: Option<PathBuf>,
        /// Forget what is gone, even if it is most of a folder at once
        #[arg(long)]
        forget: bool,
    },
    /// Show what the daemon is doing
    Status {
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Show what happens, as it happens
    Events {
        #[arg(long, value_enum, default_value_t = EventsFormat::Text)]
        format: EventsFormat,
    },
    /// Show the files that could not be read, and why
    Failures {
        path: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Say whether photos are versions of one, for ever: every two of those named
    #[command(subcommand)]
    Decide(DecideCommand),
    /// Write what was decided to a file, or take it over from one
    #[command(subcommand)]
    Decisions(DecisionsCommand),
    /// Teach the encoder this library: used afterwards only if it finds more on photos held out of it
    Tune(TuneArguments),
    /// List, use or remove what tunings made
    #[command(subcommand)]
    Heads(HeadsCommand),
    /// Print the settings in force, with what each does and where it comes from
    Config,
    /// Have the daemon read its settings again
    Reload,
    /// Have systemd start the daemon with your session, or undo that
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Run the daemon here, until Ctrl-C
    Daemon(DaemonArguments),
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Print the man page of simctl, or of one of its commands
    ///
    /// To read it without putting it anywhere: simctl man | man -l -
    Man { command: Option<String> },
    /// Put completions and man pages where shells and man look for them
    ///
    /// For who has simctl from cargo install; packages bring both.
    Setup {
        /// Put them below DIR/share [default: ~/.local]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        prefix: Option<PathBuf>,
        /// Take them away again
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Args, Debug)]
pub struct DupesArguments {
    /// Folders or files; a folder that is not watched yet is from now on
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Pairs up to this distance join, 0 to 0.45 [default: 99.9 % precision]
    #[arg(long, value_name = "D")]
    pub threshold: Option<f32>,
    /// Kinds to show: identical, copy, series, unknown [default: all but series]
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = ["identical", "copy", "series", "unknown"])]
    pub relation: Vec<String>,
    /// paths0: what could go, NUL after each: every file but one of the best original
    #[arg(long, value_enum, default_value_t = DupesFormat::Text)]
    pub format: DupesFormat,
    /// Also show versions outside the paths
    #[arg(long)]
    pub everywhere: bool,
    /// Exit with 1 when there are duplicates
    #[arg(long)]
    pub exit_code: bool,
    /// Exit with 4 when some photos could not be read
    #[arg(long)]
    pub strict: bool,
    /// Answer at once, with what is read so far
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub enum DecideCommand {
    /// They are versions of one photo: one cluster, however far apart
    Same {
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// They are different photos: never in one cluster, however near
    Different {
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Take back what was said of them
    Forget {
        #[arg(required = true, num_args = 2.., value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum DecisionsCommand {
    /// Write all decisions as JSON lines, photos named by their content
    Export {
        /// [default: standard output]
        file: Option<PathBuf>,
    },
    /// Take over decisions that export wrote; of two on one pair the later counts
    Import { file: PathBuf },
}

#[derive(Args, Debug)]
pub struct TuneArguments {
    /// End after this time, with what there is [default: 10]
    #[arg(long, value_name = "M")]
    pub minutes: Option<u64>,
    /// What photos have in common: edits of one photo, or their folder (for similar only)
    #[arg(long, value_enum, default_value_t = PositivesArgument::Edits)]
    pub positives: PositivesArgument,
    /// A name for what comes of it [default: tuned-1, tuned-2, …]
    #[arg(long)]
    pub name: Option<String>,
    /// Photos of the library to learn from and to judge by, at most [default: 1000; of folders 20000]
    #[arg(long, value_name = "N")]
    pub photos: Option<usize>,
    /// End the tuning that runs, with what it has
    #[arg(long, conflicts_with_all = ["minutes", "name", "photos"])]
    pub stop: bool,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PositivesArgument {
    Edits,
    Folders,
}

#[derive(Debug, Subcommand)]
pub enum HeadsCommand {
    /// List all heads with what their tuning measured
    List {
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Have a head answer from now on; base is the one that comes with the program
    Use {
        name: String,
        /// Only show how the clusters would change
        #[arg(long = "try")]
        only_try: bool,
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Forget a head that is not in use
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Write the units for this user where no package brought them, and enable the socket: the first question starts the daemon
    Install,
    /// Stop it and remove the units; index and decisions stay
    Remove,
    /// Show whether it is installed, and how it is
    Status,
}

#[derive(Args, Debug)]
pub struct DaemonArguments {
    /// End the daemon that runs, and take its place
    #[arg(long)]
    pub replace: bool,
    /// Started by simctl: leave its terminal
    #[arg(long, hide = true)]
    pub background: bool,
}

#[derive(Debug, Subcommand)]
pub enum RootsCommand {
    /// Watch folders
    Add {
        #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        paths: Vec<PathBuf>,
    },
    /// Stop watching folders; their photos stay known
    Remove {
        #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        paths: Vec<PathBuf>,
    },
    /// List the watched folders
    List {
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DupesFormat {
    Text,
    Json,
    Ndjson,
    Paths0,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PairsFormat {
    Tsv,
    Ndjson,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TextFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum EventsFormat {
    Text,
    Ndjson,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Arguments::command().debug_assert();
    }
}
