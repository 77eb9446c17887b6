//! Symbolic links: none is followed, and each is counted by what it points to. Asking for that must not wait for another
//! machine, and must not have anything mounted. So a link is resolved name by name, as the kernel would do it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::photo::{Format, LeftOut};

/// The folder of the files that links of git-annex point to.
const ANNEX: &[u8] = b".git/annex/";

/// The most links on the way to one target, as in Linux.
const MAX_LINKS: usize = 40;

/// Counts a symbolic link. `may_ask` tells whether a path may be asked for. All folders above the link are real ones.
pub fn count(link: &Path, may_ask: impl Fn(&Path) -> bool, left_out: &mut LeftOut) {
    // Without a target it is still a link.
    let target = fs::read_link(link).unwrap_or_default();
    if target.as_os_str().as_bytes().windows(ANNEX.len()).any(|part| part == ANNEX) {
        left_out.annexed += 1;
    } else if Format::from_name(link).is_some() {
        left_out.linked_photos += 1;
    } else if is_folder(link, &target, may_ask) {
        left_out.linked_folders += 1;
    } else {
        left_out.linked_others += 1;
    }
}

/// Returns whether a link is known to lead to a folder.
fn is_folder(link: &Path, target: &Path, may_ask: impl Fn(&Path) -> bool) -> bool {
    let mut at = link.parent().unwrap_or(link).to_owned();
    let mut rest = names_of(target);
    let mut links = 1;
    if target.is_absolute() {
        at = PathBuf::from("/");
    }
    while let Some(name) = rest.pop() {
        if name == ".." {
            // What is reached by links is a real path, so its parent is the folder above it.
            at.pop();
            continue;
        }
        at.push(name);
        if !may_ask(&at) {
            return false;
        }
        let Ok(found) = fs::symlink_metadata(&at) else { return false };
        if found.is_symlink() {
            links += 1;
            let Ok(target) = fs::read_link(&at) else { return false };
            if links > MAX_LINKS {
                return false;
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            } else {
                at.pop();
            }
            rest.extend(names_of(&target));
        } else if !found.is_dir() {
            return false;
        }
    }
    may_ask(&at)
}

/// The names of a path, the last first.
fn names_of(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| part.as_os_str().to_owned()).rev().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_is_counted_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("there");
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::write(root.join("a/notes.txt"), "x").expect("written");
        let none = LeftOut::default();
        let counted = |target: &str| {
            let link = root.join("a/link");
            symlink(target, &link).expect("linked");
            let mut left_out = none;
            count(&link, |_| true, &mut left_out);
            fs::remove_file(&link).expect("removed");
            left_out
        };
        symlink("b/../../a", root.join("a/way")).expect("linked");
        symlink("loop", root.join("a/loop")).expect("linked");
        let (folders, others) = (LeftOut { linked_folders: 1, ..none }, LeftOut { linked_others: 1, ..none });
        for target in ["b", "../a/b/.", "way/b", "..", "/", "way/way/way/b/.."] {
            assert_eq!(counted(target), folders, "{target}");
        }
        for target in ["notes.txt", "nothing", "loop", "way/nothing/..", "notes.txt/.."] {
            assert_eq!(counted(target), others, "{target}");
        }
        assert_eq!(counted("../.git/annex/x"), LeftOut { annexed: 1, ..none });
        symlink("nothing", root.join("a/photo.jpg")).expect("linked");
        let mut photo = none;
        count(&root.join("a/photo.jpg"), |_| true, &mut photo);
        assert_eq!(photo, LeftOut { linked_photos: 1, ..none });
    }

    #[test]
    fn nothing_is_asked_of_a_place_that_may_not_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("there");
        for name in ["photos/a", "dead/in", "real"] {
            fs::create_dir_all(root.join(name)).expect("made");
        }
        symlink("../dead/in/..", root.join("real/way")).expect("linked");
        let dead = root.join("dead");
        let asked = RefCell::new(Vec::new());
        let may_ask = |path: &Path| {
            asked.borrow_mut().push(path.to_owned());
            !path.starts_with(&dead)
        };
        let absolute = dead.display().to_string();
        for target in ["../../dead", "../../dead/in", "../../photos/../dead/../real", "../../real/way", absolute.as_str()] {
            let link = root.join("photos/a/link");
            symlink(target, &link).expect("linked");
            let mut left_out = LeftOut::default();
            asked.borrow_mut().clear();
            count(&link, may_ask, &mut left_out);
            assert_eq!(left_out, LeftOut { linked_others: 1, ..LeftOut::default() }, "{target}");
            // The first refusal ends it, so nothing behind it was checked.
            assert_eq!(asked.borrow().last(), Some(&dead), "{target}");
            fs::remove_file(&link).expect("removed");
        }
    }
}
