//! `simctl setup`: installs completions, man pages, and the name `similard` for this program.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use directories::BaseDirs;

use super::{completions, man};
use crate::cli::args::CompletedShell;
use crate::cli::failure::Failure;
use crate::cli::output::{Audience, opened};
use crate::cli::text::shown_path;
use crate::config::{self, require_own_home};
use crate::sys::own_program;

const ZSH: &str = "zsh/site-functions";
const PAGES: &str = "man/man1";

/// Writes all files below `prefix`/share, or below this user's data directory, or removes them. A package links the name
/// `similard` itself; without a prefix the link is made beside the program.
pub fn run(prefix: Option<&Path>, remove: bool) -> Result<ExitCode, Failure> {
    let share = match prefix {
        Some(prefix) => prefix.join("share"),
        None => {
            let others =
                |e: config::Error| Failure::from(e).hint("leave out sudo, or use root's own home (sudo -H), or name a place with --prefix");
            require_own_home().map_err(others)?;
            BaseDirs::new().ok_or_else(|| Failure::usage("there is no home directory; --prefix names a place"))?.data_dir().to_owned()
        }
    };
    let mut out = opened(Audience::Person);
    for (path, content) in files() {
        let path = share.join(path);
        let failed = |e: io::Error| Failure::usage(format!("{}: {e}", shown_path(&path))).hint("--prefix names another place");
        if !remove {
            fs::create_dir_all(path.parent().unwrap_or(&share)).and_then(|()| fs::write(&path, content)).map_err(failed)?;
            writeln!(out, "wrote    {}", shown_path(&path))?;
        } else if path.exists() {
            fs::remove_file(&path).map_err(failed)?;
            writeln!(out, "removed  {}", shown_path(&path))?;
        }
    }
    if prefix.is_none() {
        link(&mut out, remove)?;
        if !remove {
            say_what_is_missing(&mut out, &share)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Makes or removes the name `similard` beside this program. What is there under that name and leads elsewhere stays.
fn link(out: &mut impl Write, remove: bool) -> Result<(), Failure> {
    let program = fs::canonicalize(own_program()?)?;
    let (link, name) = (program.with_file_name("similard"), program.file_name().unwrap_or(OsStr::new("simctl")));
    let leads_here = fs::canonicalize(&link).is_ok_and(|target| target == program);
    if remove && leads_here && link.is_symlink() {
        fs::remove_file(&link).map_err(|e| Failure::usage(format!("{}: {e}", shown_path(&link))))?;
        writeln!(out, "removed  {}", shown_path(&link))?;
    } else if !remove && !leads_here {
        match symlink(name, &link) {
            Ok(()) => writeln!(out, "linked   {}", shown_path(&link))?,
            Err(e) => writeln!(out, "{} cannot be made: {e}; simctl daemon is the same", shown_path(&link))?,
        }
    }
    Ok(())
}

/// Prints what zsh and `man` need before they find their files.
fn say_what_is_missing(out: &mut impl Write, share: &Path) -> io::Result<()> {
    if env::var_os("SHELL").is_some_and(|shell| Path::new(&shell).file_name() == Some(OsStr::new("zsh"))) {
        writeln!(out, "zsh needs this line in .zshrc, before compinit: fpath+=({})", shown_path(&share.join(ZSH)))?;
    }
    // `man` looks beside the folders in PATH.
    let programs = share.with_file_name("bin");
    if !env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder == programs)) {
        writeln!(
            out,
            "man finds the pages once {} is in PATH; until then: man -M {} simctl",
            shown_path(&programs),
            shown_path(&share.join("man"))
        )?;
    }
    Ok(())
}

/// All files, with their paths below share/.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = vec![
        (PathBuf::from("bash-completion/completions/simctl"), completions::script(CompletedShell::Bash).into_bytes()),
        (Path::new(ZSH).join("_simctl"), completions::script(CompletedShell::Zsh).into_bytes()),
        (PathBuf::from("fish/vendor_completions.d/simctl.fish"), completions::script(CompletedShell::Fish).into_bytes()),
        (PathBuf::from("nushell/vendor/autoload/simctl.nu"), completions::script(CompletedShell::Nushell).into_bytes()),
    ];
    files.extend(man::pages().into_iter().map(|page| (Path::new(PAGES).join(format!("{}.1", page.name)), page.text.into_bytes())));
    files
}
