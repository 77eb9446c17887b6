//! Folders that hold far more than photos, such as `/` and `/home`: they are watched only if a person says so.

use std::fs;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use directories::BaseDirs;

use super::failure::Failure;
use super::text::shown_path;
use crate::api::client::Client;
use crate::api::shell_word;
use crate::api::types::RootList;
use crate::sys::probe;

/// Folders of the system, and those that hold the homes of all users or all drives.
const BROAD: [&str; 24] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/net",
    "/opt",
    "/proc",
    "/run",
    "/run/media",
    "/run/user",
    "/sbin",
    "/snap",
    "/srv",
    "/sys",
    "/Users",
    "/usr",
    "/var",
    "/Volumes",
];

/// Folders with a folder for each user, which holds the drives of that user.
const OF_USERS: [&str; 2] = ["/media", "/run/media"];

/// Asks whether folders may be watched that hold far more than photos. Folders that are watched already are not asked
/// about.
///
/// # Errors
/// If the person refuses, or nobody is there to ask.
pub async fn consent(client: &Client, folders: impl IntoIterator<Item = &PathBuf>) -> Result<(), Failure> {
    let broad: Vec<&PathBuf> = folders.into_iter().filter(|folder| is_broad(folder)).collect();
    if broad.is_empty() {
        return Ok(());
    }
    let RootList { roots } = client.get("/v1/roots").await?;
    for folder in broad {
        if !roots.iter().any(|root| folder.starts_with(&root.path.path)) {
            ask(folder)?;
        }
    }
    Ok(())
}

fn ask(folder: &Path) -> Result<(), Failure> {
    let (what, hint) = question(folder);
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failure::usage(what).hint(hint));
    }
    anstream::eprint!("{what}; watch it? [y/N] ");
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if answer.trim_start().to_lowercase().starts_with('y') {
        Ok(())
    } else {
        Err(Failure::usage(format!("{} is not watched", shown_path(folder))))
    }
}

/// What is asked about, and what to do where nobody can answer.
fn question(folder: &Path) -> (String, String) {
    let what = format!("{} holds far more than photos, and would be watched as a whole", shown_path(folder));
    (what, format!("name folders of photos; or simctl roots add --yes {}", shell_word(folder)))
}

/// Returns whether a folder holds far more than photos. The path is absolute, without links.
fn is_broad(folder: &Path) -> bool {
    let home = BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()).and_then(|home| fs::canonicalize(home).ok());
    let device = |path: &Path| probe::path(path, |path| fs::metadata(path).ok().map(|found| found.dev()));
    is_broad_for(folder, home.as_deref(), |folder| folder.parent().is_some_and(|parent| device(parent) != device(folder)))
}

fn is_broad_for(folder: &Path, home: Option<&Path>, is_drive: impl Fn(&Path) -> bool) -> bool {
    let holds_home = home.is_some_and(|home| home != folder && home.starts_with(folder));
    let is_of_a_user = folder.parent().is_some_and(|parent| OF_USERS.iter().any(|of_users| parent == Path::new(of_users)));
    holds_home || BROAD.iter().any(|broad| folder == Path::new(broad)) || is_of_a_user && !is_drive(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_in_the_question_and_the_hint_is_one_command() {
        let (what, hint) = question(Path::new("/media/\u{1b}[2J\u{202e}me"));
        assert!(what.starts_with("/media/\u{fffd}[2J\u{fffd}me holds far more"), "{what:?}");
        assert!(hint.ends_with(r"simctl roots add --yes $'/media/\033[2J\342\200\256me'"), "{hint:?}");
        assert!(question(Path::new("/media/John Doe")).1.ends_with("--yes '/media/John Doe'"));
    }

    #[test]
    fn homes_drives_and_the_system_are_broad_and_folders_of_photos_are_not() {
        let is_drive = |folder: &Path| folder == Path::new("/media/usb");
        let is_broad = |folder: &str| is_broad_for(Path::new(folder), Some(Path::new("/data/people/me")), is_drive);
        for folder in ["/", "/home", "/mnt", "/media", "/run/media", "/run/media/me", "/media/me", "/usr", "/data", "/data/people"] {
            assert!(is_broad(folder), "{folder}");
        }
        for folder in
            ["/data/people/me", "/data/people/me/Pictures", "/data/people/you", "/mnt/photos", "/media/usb", "/media/me/card", "/photos"]
        {
            assert!(!is_broad(folder), "{folder}");
        }
        assert!(!is_broad_for(Path::new("/data"), None, is_drive));
    }
}
