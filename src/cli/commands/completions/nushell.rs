//! The script for nushell: each command as a signature, with what completes its arguments.

use std::fmt::Write;

use clap::{Arg, Command, ValueHint};

/// The script of all commands.
pub fn script(program: &Command) -> String {
    let mut program = program.clone();
    program.build();
    let mut out = String::from("# The completions of simctl, for nushell. Use this file in config.nu.\nmodule completions {\n");
    command(&mut out, &program, "simctl");
    out += "}\n\nexport use completions *\n";
    out
}

fn command(out: &mut String, command: &Command, name: &str) {
    let arguments: Vec<&Arg> = command.get_arguments().filter(|argument| !argument.is_hide_set()).collect();
    for argument in &arguments {
        completer(out, name, argument);
    }
    // Writing to a text does not fail.
    let _ = writeln!(out, "  # {}", command.get_about().map(one_line).unwrap_or_default());
    let _ = writeln!(out, "  export extern \"{name}\" [");
    let (positionals, options): (Vec<&Arg>, Vec<&Arg>) = arguments.into_iter().partition(|argument| argument.is_positional());
    for argument in positionals.into_iter().chain(options) {
        let help = argument.get_help().map(one_line).map_or_else(String::new, |help| format!(" # {help}"));
        let _ = writeln!(out, "    {}{}{help}", written(argument), value(name, argument));
    }
    out.push_str("  ]\n\n");
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
        self::command(out, inner, &format!("{name} {}", inner.get_name()));
    }
}

/// An argument as a signature has it: `...files`, `file?`, `--format`, `--help(-h)`.
fn written(argument: &Arg) -> String {
    let name = argument.get_id();
    if !argument.is_positional() {
        return match (argument.get_long(), argument.get_short()) {
            (Some(long), Some(short)) => format!("--{long}(-{short})"),
            (Some(long), None) => format!("--{long}"),
            (None, short) => format!("-{}", short.unwrap_or_default()),
        };
    }
    let takes_several =
        argument.get_num_args().is_some_and(|number| number.max_values() > 1) || matches!(argument.get_action(), clap::ArgAction::Append);
    match (takes_several, argument.is_required_set()) {
        (true, _) => format!("...{name}"),
        (false, true) => name.to_string(),
        (false, false) => format!("{name}?"),
    }
}

/// The type of a value and what completes it. Nothing if the argument takes no value.
fn value(command: &str, argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    if source(command, argument).is_some() {
        return format!(": string@\"{}\"", completer_name(command, argument));
    }
    let is_path = matches!(argument.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath);
    format!(": {}", if is_path { "path" } else { "string" })
}

/// Defines what completes an argument, if anything does.
fn completer(out: &mut String, command: &str, argument: &Arg) {
    if let Some(source) = source(command, argument) {
        let _ = writeln!(out, "  def \"{}\" [] {{\n    {source}\n  }}\n", completer_name(command, argument));
    }
}

fn completer_name(command: &str, argument: &Arg) -> String {
    format!("nu-complete {command} {}", argument.get_id())
}

/// What lists the values of an argument: its possible values, or the names of heads and roots.
fn source(command: &str, argument: &Arg) -> Option<String> {
    let of = match (command, argument.get_id().as_str()) {
        ("simctl heads use" | "simctl heads remove", "name") | (_, "head") => Some("heads"),
        ("simctl roots remove", "paths") => Some("roots"),
        _ => None,
    };
    if let Some(of) = of {
        return Some(format!("^simctl names {of} | lines"));
    }
    let values: Vec<String> = argument.get_possible_values().iter().map(|value| format!("\"{}\"", value.get_name())).collect();
    (!values.is_empty() && argument.get_action().takes_values()).then(|| format!("[ {} ]", values.join(" ")))
}

/// A comment has one line.
fn one_line(help: &clap::builder::StyledStr) -> String {
    help.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Arguments;

    #[test]
    fn arguments_have_the_signatures_of_nushell() {
        let script = script(&Arguments::command());
        for line in [
            "  export extern \"simctl dupes\" [",
            "    ...paths: path # Folders or files; new folders are watched from now on",
            "    --format: string@\"nu-complete simctl dupes format\" # html prints a page",
            "    --exit-code # Exit with 1 if there are duplicates",
            "    name: string@\"nu-complete simctl heads use name\"",
            "    path?: path",
            "    ^simctl names roots | lines",
            "    [ \"text\" \"html\" \"json\" \"ndjson\" \"paths0\" ]",
        ] {
            assert!(script.contains(line), "{line}: {script}");
        }
        assert!(!script.contains("simctl names\" ["), "it is hidden");
    }
}
