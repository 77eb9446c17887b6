//! Errors for people: a message, a hint and an exit code.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use owo_colors::OwoColorize;

use super::text::{shown, shown_lines, shown_path, tell};
use crate::api::client;
use crate::{config, daemon};

/// Exit codes. Scripts rely on them.
pub const DONE: u8 = 0;
pub const FOUND: u8 = 1;
pub const USAGE: u8 = 2;
pub const UNREACHABLE: u8 = 3;
pub const UNREAD: u8 = 4;
pub const NOT_WHOLE: u8 = 5;
/// The output could not be written.
pub const UNWRITTEN: u8 = 6;
/// Kept for commands that move files. No command ends with it today.
const HELD_BACK: u8 = 7;
/// The daemon asks its service manager for a restart.
pub const AGAIN: u8 = 75;
/// What a shell shows of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// The error code if the daemon and this process see different folders at a path.
const OTHER_VIEW: &str = "other-view";

/// The error code of settings that cannot be read. Its message has several lines.
const SETTINGS: &str = "settings";

/// The exit codes of `simctl`, for the help and the man page. `docs/exit-codes.md` has the same.
pub const EXIT_CODES: [(u8, &str); 10] = [
    (DONE, "done"),
    (FOUND, "duplicates found, or two files that are not versions (both with --exit-code), or a file is missing"),
    (USAGE, "usage error, or the daemon refused the request"),
    (UNREACHABLE, "daemon not reachable"),
    (UNREAD, "some files could not be read or judged, or this version cannot read their formats (dupes: with --strict)"),
    (NOT_WHOLE, "the answer is incomplete: a requested place is left out"),
    (UNWRITTEN, "the output could not be written, for example to a full disk"),
    (HELD_BACK, "stopped before anything was lost (no command does so yet)"),
    (AGAIN, "the daemon asks its service manager to start it again"),
    (INTERRUPTED, "ended by Ctrl-C"),
];

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    pub code: u8,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, code: USAGE }
    }

    pub fn unreachable(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, code: UNREACHABLE }
    }

    /// The disk of a path does not answer.
    pub fn silent(path: &Path) -> Failure {
        let message = format!("{} cannot be checked: its disk does not answer", shown_path(path));
        Failure { message, hint: Some("is its network share or drive gone?".into()), code: NOT_WHOLE }
    }

    /// Standard output could not be written. A reader that closes the pipe has read what it wanted.
    pub fn unwritten(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { message: String::new(), hint: None, code: DONE },
            _ => Failure { message: format!("the output could not be written: {error}"), hint: None, code: UNWRITTEN },
        }
    }

    /// A file could not be written. Without room for it, that is as with standard output.
    pub fn unwritten_file(path: &Path, error: &io::Error) -> Failure {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let code = if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) { UNWRITTEN } else { USAGE };
        Failure { code, ..Failure::usage(format!("{} cannot be written: {error}", shown_path(path))) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the error and returns its exit code. An empty message prints nothing: the reader closed the pipe, or the
    /// error was printed before.
    pub fn report(self) -> ExitCode {
        if self.message.is_empty() {
            return ExitCode::from(self.code);
        }
        // Paths in messages have no line ends any more. Errors in the settings have several lines.
        tell(format_args!("{} {}", "error:".red().bold(), shown_lines(&self.message)));
        if let Some(hint) = self.hint {
            tell(format_args!("{} {}", "hint:".cyan(), shown_lines(&hint)));
        }
        ExitCode::from(self.code)
    }
}

/// Marks an error of standard output, so that [`Failure`] tells it from those of other files.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unwritten(io::Error);

impl Unwritten {
    pub fn mark(error: io::Error) -> io::Error {
        io::Error::new(error.kind(), Unwritten(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.get_ref() {
            Some(inner) if inner.is::<Unwritten>() => Failure::unwritten(&error),
            _ => Failure::unreachable(error.to_string()),
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Failure {
        match error {
            // One line, because it is printed for each place.
            client::Error::Refused(text) if text.code == OTHER_VIEW => {
                let message = [Some(text.message), text.hint].into_iter().flatten().collect::<Vec<_>>().join("; ");
                Failure { message: shown(&message), hint: None, code: NOT_WHOLE }
            }
            client::Error::Refused(text) if text.code == SETTINGS => Failure { message: text.message, hint: text.hint, code: USAGE },
            client::Error::Refused(text) => Failure { message: shown(&text.message), hint: text.hint.as_deref().map(shown), code: USAGE },
            client::Error::Unreachable { .. } => {
                Failure::unreachable(error.to_string()).hint("simctl dupes DIR starts it; simctl daemon runs it in the foreground")
            }
            client::Error::Broken(_) => {
                Failure::unreachable(error.to_string()).hint("it may be another version; simctl restart starts this one in its place")
            }
        }
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Failure {
        let hint = match &error {
            config::Error::OthersHome { .. } => {
                Some("leave out sudo, or use root's own home (sudo -H), or name a directory with --data-dir".to_owned())
            }
            config::Error::File { .. } => Some("correct or remove that setting; simctl man explains each".to_owned()),
            config::Error::Read { .. } | config::Error::NoHome | config::Error::LongSocket(_) => None,
        };
        Failure { hint, ..Failure::usage(error.to_string()) }
    }
}

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Failure {
        let hint = match &error {
            daemon::Error::AlreadyRunning(_) => Some("simctl status shows it; simctl daemon --replace starts another in its place"),
            daemon::Error::DataDirectory { .. } => Some("--data-dir names another place"),
            daemon::Error::Store(crate::store::Error::NotOurs { .. }) => Some(
                "put the file itself there, owned by you; only the data directory as a whole may be a link, or --data-dir names another",
            ),
            daemon::Error::Store(crate::store::Error::Newer(_)) => Some("update similard, or name another directory with --data-dir"),
            daemon::Error::Store(crate::store::Error::Damaged { .. }) => {
                Some("its contents cannot be made again: put your backup in its place, or move the file away and make your decisions again")
            }
            daemon::Error::Store(e) if e.is_disk() => Some("make room, or name another directory with --data-dir"),
            _ => None,
        };
        Failure { message: shown(&error.to_string()), hint: hint.map(Into::into), code: UNREACHABLE }
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn every_error_of_standard_output_but_a_closed_pipe_has_a_code_of_its_own() {
        for errno in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            let failure = Failure::from(Unwritten::mark(errno.into()));
            assert_eq!(
                (failure.code, failure.message),
                (UNWRITTEN, format!("the output could not be written: {}", io::Error::from(errno)))
            );
            assert_eq!(Failure::from(io::Error::from(errno)).code, UNREACHABLE, "of another file");
        }
        let failure = Failure::from(Unwritten::mark(Errno::PIPE.into()));
        assert_eq!((failure.code, failure.message), (DONE, String::new()));
    }

    #[test]
    fn a_file_without_room_is_as_standard_output() {
        for (errno, code) in [(Errno::NOSPC, UNWRITTEN), (Errno::DQUOT, UNWRITTEN), (Errno::FBIG, UNWRITTEN), (Errno::ACCESS, USAGE)] {
            assert_eq!(Failure::unwritten_file(Path::new("/d/a"), &errno.into()).code, code, "{errno:?}");
        }
    }

    #[test]
    fn the_page_has_the_same_codes() {
        let rows = include_str!("../../docs/exit-codes.md").lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let rows: Vec<u8> = rows.filter_map(|code| code.parse().ok()).collect();
        assert_eq!(rows, EXIT_CODES.map(|(code, _)| code));
    }
}
