//! Shows a long answer by a pager, as git does: by the program that PAGER names, or less.

use std::env;
use std::io::{self, IsTerminal, stdout};
use std::process::{Child, Command, Stdio};

use anstream::AutoStream;

use super::interrupt::{Heeded, while_paged};
use super::output::{Audience, Output, marked, opened};

/// What less is told if the environment says nothing: end if the answer fits the terminal, show colours, leave the text there.
const LESS: &str = "FRX";

/// A pager that shows the output. Dropped, it is waited for, so the output has to be closed before.
pub struct Pager(Option<(Child, Heeded)>);

impl Pager {
    /// For output that is not for a person.
    pub fn none() -> Pager {
        Pager(None)
    }

    /// Waits until the person has read.
    pub fn wait(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some((mut child, heeded)) = self.0.take() {
            let _ = child.wait();
            drop(heeded);
        }
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.end();
    }
}

/// Opens the output for a person, through a pager on a terminal.
pub fn paged(is_wanted: bool) -> (Pager, Output) {
    let command = pager(env::var("PAGER").ok()).filter(|_| is_wanted && stdout().is_terminal());
    let started = command.and_then(|command| start(&command).ok());
    let Some(mut child) = started else { return (Pager(None), opened(Audience::Person)) };
    let Some(input) = child.stdin.take() else { return (Pager(None), opened(Audience::Person)) };
    // The pager shows the colours that the terminal would.
    let out = marked(AutoStream::new(Box::new(input) as Box<dyn io::Write>, AutoStream::choice(&stdout())));
    (Pager(Some((child, while_paged()))), out)
}

/// The command of the pager. `None` if the person wants none, as with `PAGER=cat`.
fn pager(named: Option<String>) -> Option<String> {
    let command = named.unwrap_or_else(|| "less".to_owned());
    (!["", "cat"].contains(&command.trim())).then_some(command)
}

fn start(command: &str) -> io::Result<Child> {
    // PAGER may have arguments. A command that is not there would lose the answer, so it is looked for first.
    let program = command.split_whitespace().next().unwrap_or_default();
    if !is_there(program) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut pager = Command::new("sh");
    pager.args(["-c", command]).stdin(Stdio::piped());
    for (name, value) in [("LESS", LESS), ("LV", "-c")] {
        if env::var_os(name).is_none() {
            pager.env(name, value);
        }
    }
    pager.spawn()
}

fn is_there(program: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    program.contains('/') && std::path::Path::new(program).exists() || env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_chooses_the_pager_or_none() {
        assert_eq!(pager(None).as_deref(), Some("less"));
        assert_eq!(pager(Some("more -s".into())).as_deref(), Some("more -s"));
        assert_eq!([pager(Some(String::new())), pager(Some("cat".into()))], [None, None]);
        assert!(is_there("sh") && is_there("/bin/sh") && !is_there("no-such-pager") && start("no-such-pager -x").is_err());
    }
}
