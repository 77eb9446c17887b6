//! Man pages: the help of each command, and sections for which the help has no room.

use clap::builder::PossibleValue;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::cli::args::Arguments;
use crate::cli::failure::{AGAIN, EXIT_CODES, Failure};
use crate::config;

const DESCRIPTION: [&str; 3] = [
    "Finds the versions of one photo in your folders: the crop, the small copy, the black-and-white version, the screenshot. A neural encoder \
     compares what the photos show, not their files. A daemon, similard(1), watches the folders and remembers what it has read.",
    "simctl dupes starts the daemon if none runs, makes it watch the folder, and answers once everything in it has been read. Later answers \
     come at once. simctl service install makes systemd start the daemon with your session.",
    "The daemon never changes a photo, and nothing leaves this machine. No command deletes a photo: --format paths0 lists the files that you \
     could delete with a tool of your choice.",
];

const EXAMPLES: [(&str, &str); 11] = [
    ("Find photos that exist twice or in several versions.", "simctl dupes ~/Pictures"),
    ("Show the ten clusters that would free most room.", "simctl dupes --sort size --limit 10 ~/Pictures"),
    ("Make a page with pictures, for a browser.", "simctl dupes --format html ~/Pictures > report.html"),
    ("Print the same as JSON.", "simctl dupes --format json ~/Pictures"),
    ("Check whether everything on a card is in the library.", "simctl missing /media/me/CARD && echo may be formatted"),
    (
        "List the identical files and copies that you could delete. Nothing is deleted.",
        "simctl dupes --format paths0 ~/Pictures | xargs -0 -n 1 echo would delete",
    ),
    ("Find the photos of the library that are nearest to another file.", "simctl similar -k 5 ~/Downloads/screenshot.png"),
    ("Check in a script whether two files are versions of one photo.", "simctl compare --exit-code a.jpg b.jpg"),
    (
        "Two photos look alike but are different. Never show them in one cluster.",
        "simctl decide different ~/Pictures/leaf-1.jpg ~/Pictures/leaf-2.jpg",
    ),
    ("Tune a head on your photos, for ten minutes at most.", "simctl tune --minutes 10"),
    ("Print the status of the daemon, for monitoring.", "simctl status --json"),
];

const ENVIRONMENT: [(&str, &str); 7] = [
    ("SIMILARD_DATA_DIR", "The data directory, as --data-dir."),
    ("SIMILARD_SOCKET", "The socket of the daemon, as --socket."),
    ("SIMILARD_CONFIG", "The settings file, as --config."),
    ("SIMILARD_LOG", "The levels of the daemon's log, for example similard=debug,warn."),
    ("XDG_DATA_HOME, XDG_CONFIG_HOME, XDG_RUNTIME_DIR", "The base directories of the paths under FILES."),
    (
        "PAGER",
        "The program that shows a long answer on a terminal. The default is less, with LESS=FRX unless LESS is set. Empty or cat: no pager.",
    ),
    ("NO_COLOR", "If set, output has no colours."),
];

const FILES: [(&str, &str); 5] = [
    ("~/.config/similard/config.toml", "The settings, with one name = value on each line."),
    ("~/.local/share/similard/library.db", "Your folders, decisions and heads. Keep a backup of it."),
    ("~/.local/share/similard/index.db", "The index. It can be made again from the photos."),
    (
        "~/.local/share/similard/daemon.log",
        "The log of a daemon that a command started. A service logs to the journal: journalctl --user -u similard.",
    ),
    ("$XDG_RUNTIME_DIR/similard/api.sock", "The socket, for HTTP and JSON. GET /v1/openapi.json describes the API."),
];

const SIGNALS: [(&str, &str); 2] = [
    ("SIGTERM, SIGINT", "End the daemon. Everything it has read is stored first."),
    ("SIGHUP", "Reload the settings, as simctl reload does."),
];

/// A page of section 1.
pub struct Page {
    /// `simctl-dupes`
    pub name: String,
    /// In roff.
    pub text: String,
}

/// The pages of `simctl`, of each of its commands, and of `similard`.
pub fn pages() -> Vec<Page> {
    let program = Arguments::command();
    let mut pages = vec![simctl(&program), similard(&program)];
    pages.extend(commands(&program).map(of_command));
    pages
}

/// The page of a command, or of simctl.
///
/// # Errors
/// When there is no such command.
pub fn page(command: Option<&str>) -> Result<String, Failure> {
    let name =
        command.map_or("simctl".to_owned(), |command| if command == "similard" { command.into() } else { format!("simctl-{command}") });
    let page = pages().into_iter().find(|page| page.name == name);
    page.map(|page| page.text).ok_or_else(|| Failure::usage(format!("there is no page {name}(1)")).hint("simctl --help lists the commands"))
}

fn simctl(program: &Command) -> Page {
    let mut out = opened(program, "simctl");
    synopsis(&mut out, [program]);
    out.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut out, DESCRIPTION);
    out.control("SH", ["COMMANDS"]);
    for command in commands(program) {
        item(&mut out, vec![bold(format!("simctl-{}", command.get_name())), roman("(1)")], &about(command));
    }
    out.control("SH", ["OPTIONS"]).text([roman("All commands take these options.")]);
    let mut text = out.render() + &options(program);
    let mut out = Roff::new();
    out.control("SH", ["SETTINGS"]);
    paragraphs(&mut out, ["simctl config prints the settings in force. simctl reload has a running daemon read them again."]);
    list(&mut out, config::keys());
    out.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        item(&mut out, vec![bold(code.to_string())], meaning);
    }
    out.control("PP", []).text([roman("A closed pipe is not an error.")]);
    out.control("SH", ["ENVIRONMENT"]);
    list(&mut out, ENVIRONMENT);
    out.control("SH", ["FILES"]);
    list(&mut out, FILES);
    out.control("SH", ["EXAMPLES"]);
    for (what, line) in EXAMPLES {
        item(&mut out, vec![roman(what)], "");
        out.control("nf", []).text([bold(line)]).control("fi", []);
    }
    see_also(&mut out, &["similard", "simctl-dupes", "simctl-service"]);
    text += &out.render();
    Page { name: "simctl".into(), text }
}

fn similard(program: &Command) -> Page {
    let daemon = program.find_subcommand("daemon").cloned().unwrap_or_default().name("similard").bin_name("similard");
    let mut out = opened(&daemon.clone().about("the daemon behind simctl"), "similard");
    synopsis(&mut out, [&daemon]);
    out.control("SH", ["DESCRIPTION"]);
    let what = [
        "similard is another name of simctl daemon. It watches folders of photos, reads new photos, and answers requests on a socket. It stays in \
         the foreground, for any supervisor. You need not start it: simctl dupes does, or systemd after simctl service install.",
        "It reports to systemd when it is ready, what it does, and that it makes progress (sd_notify). It accepts a socket that systemd opened \
         (socket activation).",
    ];
    paragraphs(&mut out, what);
    out.control("SH", ["OPTIONS"]);
    let mut text = out.render() + &options(&daemon) + &options(&program.clone().mut_arg("no_start", |arg| arg.hide(true)));
    let mut out = Roff::new();
    out.control("SH", ["SIGNALS"]);
    list(&mut out, SIGNALS);
    out.control("SH", ["EXIT STATUS"]);
    paragraphs(&mut out, [format!("The same as for simctl(1). Code {AGAIN} asks systemd for a restart.").as_str()]);
    see_also(&mut out, &["simctl", "simctl-service"]);
    text += &out.render();
    Page { name: "similard".into(), text }
}

/// The page of a command. Each of its subcommands has a section.
fn of_command(command: &Command) -> Page {
    let name = format!("simctl-{}", command.get_name());
    let called = |command: &Command, above: &str| command.clone().bin_name(format!("{above} {}", command.get_name()));
    let command = called(command, "simctl");
    let below: Vec<Command> = commands(&command).map(|c| called(c, command.get_bin_name().unwrap_or_default())).collect();
    let mut out = opened(&command, &name);
    if below.is_empty() {
        synopsis(&mut out, [&command]);
    } else {
        synopsis(&mut out, &below);
    }
    out.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut out, long_about(&command).split("\n\n"));
    let mut text = out.render();
    if below.is_empty() {
        text += ".SH OPTIONS\n";
        text += &options(&command);
    }
    for command in &below {
        let mut out = Roff::new();
        out.control("SH", [command.get_bin_name().unwrap_or_default()]);
        paragraphs(&mut out, long_about(command).split("\n\n"));
        text += &out.render();
        text += &options(command);
    }
    let mut out = Roff::new();
    see_also(&mut out, &["simctl"]);
    out.text([roman("describes the options of all commands, the settings and the exit status.")]);
    text += &out.render();
    Page { name, text }
}

fn commands(program: &Command) -> impl Iterator<Item = &Command> {
    program.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn long_about(command: &Command) -> String {
    command.get_long_about().map_or_else(|| about(command), ToString::to_string)
}

/// A new page, with its title and name.
fn opened(command: &Command, name: &str) -> Roff {
    let mut out = Roff::new();
    // No date: the same source always makes the same page.
    out.control("TH", [name.to_uppercase().as_str(), "1", "\"\"", concat!("similard ", env!("CARGO_PKG_VERSION")), "User Commands"]);
    out.control("SH", ["NAME"]).text([roman(format!("{name} - {}", about(command)))]);
    out
}

fn synopsis<'a>(out: &mut Roff, commands: impl IntoIterator<Item = &'a Command>) {
    out.control("SH", ["SYNOPSIS"]);
    for (line, command) in commands.into_iter().enumerate() {
        if line > 0 {
            out.control("br", []);
        }
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
        out.text([bold(name), roman(usage.strip_prefix(name).unwrap_or(usage))]);
    }
}

/// The options as clap_mangen writes them, without its heading, and with possible values on one line as in the help. What is said
/// of a value follows it.
fn options(command: &Command) -> String {
    let command = command.clone().disable_help_flag(true).disable_version_flag(true).mut_args(|arg| {
        let said = |value: &PossibleValue| match value.get_help() {
            Some(words) => format!("{}: {words}", value.get_name()),
            None => value.get_name().to_owned(),
        };
        let values = arg.get_possible_values();
        let end = if values.iter().any(|value| value.get_help().is_some()) { "; " } else { ", " };
        let values: Vec<String> = values.iter().map(said).collect();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if values.is_empty() || !arg.get_action().takes_values() {
            arg
        } else {
            arg.hide_possible_values(true).help(format!("{help} [possible values: {}]", values.join(end)).trim_start().to_owned())
        }
    });
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = Man::new(command).render_options_section(&mut text);
    let text = String::from_utf8_lossy(&text);
    text.split_once(".SH OPTIONS\n").map(|(_, options)| options.to_owned()).unwrap_or_default()
}

/// Writes paragraphs. Lines that begin with spaces, such as rules and commands, stay lines.
fn paragraphs<'a>(out: &mut Roff, texts: impl IntoIterator<Item = &'a str>) {
    for (number, text) in texts.into_iter().enumerate() {
        if number > 0 {
            out.control("PP", []);
        }
        for line in text.trim_end().split('\n') {
            if line.starts_with("  ") {
                out.control("br", []);
            }
            out.text([roman(line.trim_start())]);
        }
    }
}

fn list<'a>(out: &mut Roff, items: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (name, what) in items {
        item(out, vec![bold(name)], what);
    }
}

fn item(out: &mut Roff, name: Vec<Inline>, what: &str) {
    out.control("TP", []).text(name);
    if !what.is_empty() {
        out.text([roman(what)]);
    }
}

fn see_also(out: &mut Roff, names: &[&str]) {
    out.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    for name in names {
        line.extend([bold(*name), roman("(1), ")]);
    }
    line.pop();
    line.push(roman("(1)"));
    out.text(line);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;

    #[test]
    fn the_examples_can_be_typed() {
        for (_, line) in EXAMPLES {
            let first = [" | ", " && ", " > "].iter().fold(line, |first, end| first.split(end).next().unwrap_or(first));
            let words = first.split(' ');
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn every_command_has_a_page_that_names_its_options() {
        let names: BTreeSet<String> = pages().into_iter().map(|page| page.name).collect();
        assert_eq!(names.len(), commands(&Arguments::command()).count() + 2);
        let dupes = page(Some("dupes")).expect("a page");
        assert!(dupes.contains(r"\-\-threshold") && dupes.contains("is the source") && dupes.contains("paths0"), "{dupes}");
        assert!(dupes.contains("copy: the same exposure") && dupes.contains("; series: another exposure"), "{dupes}");
        let roots = page(Some("roots")).expect("a page");
        assert!(roots.contains("simctl roots add") && roots.contains(r"\-\-format"), "{roots}");
        let simctl = page(None).expect("a page");
        assert!(simctl.contains(r"\-\-data\-dir") && simctl.contains("forget\\-at\\-once") && simctl.contains("ENVIRONMENT"), "{simctl}");
        assert!(page(Some("duped")).is_err());
    }
}
