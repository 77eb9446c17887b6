//! The values of arguments: formats of answers, shells, and kinds of names.

use clap::{Args, ValueEnum};

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DupesFormat {
    Text,
    Html,
    Json,
    Ndjson,
    Paths0,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum MissingFormat {
    Text,
    Json,
    Ndjson,
    Paths0,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PairsFormat {
    Tsv,
    Json,
    Ndjson,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TextFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum StatusFormat {
    Text,
    Json,
    Prometheus,
}

/// How a command answers.
#[derive(Args, Clone, Copy, Debug)]
pub struct AnswerFormat {
    /// text is for people, json one object for programs
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl AnswerFormat {
    pub const TEXT: AnswerFormat = AnswerFormat { format: TextFormat::Text, json: false };

    pub fn chosen(self) -> TextFormat {
        if self.json { TextFormat::Json } else { self.format }
    }
}

/// The shells that commands are completed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum CompletedShell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// What has names that a shell completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum NamesOf {
    Heads,
    Roots,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum EventsFormat {
    Text,
    Ndjson,
}
