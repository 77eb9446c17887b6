//! What a process sees at a path. The daemon and a client compare their views, because one path may lead them to
//! different files: if one of them runs in a container, or if a mount is visible to only one of them.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::mounts::Mounts;

/// A file or folder as one process sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub path: PathBuf,
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`. `None` if the inode numbers of the filesystem do not last, as on FUSE.
    pub inode: Option<u64>,
    /// The mounts below, by mount point: `major:minor` of the filesystem, and its folder that is mounted. The mounted
    /// filesystems are not accessed, because a dead server would block the caller.
    pub mounts: BTreeMap<PathBuf, (String, PathBuf)>,
}

impl View {
    /// Returns what this process sees at a path. The path contains no symlinks.
    ///
    /// # Errors
    /// If `stat` fails.
    pub fn of(path: &Path, mounts: &Mounts) -> io::Result<View> {
        let found = fs::metadata(path)?;
        // On SMB the server decides whether inode numbers last.
        let numbers_last = mounts.holding(path).is_none_or(|mount| mount.numbers_last() && mount.kind != "smb3");
        let below = if found.is_dir() { Some(mounts.below(path)) } else { None };
        let below = below.into_iter().flatten().map(|m| (m.point.clone(), (m.device.clone(), m.root.clone())));
        Ok(View { path: path.to_owned(), device: found.dev(), inode: numbers_last.then(|| found.ino()), mounts: below.collect() })
    }

    /// Describes how the view of another process at the same path differs from this one: the predicate of a sentence
    /// about that process. Returns `None` if they do not differ. Mounts at hidden paths do not count.
    pub fn difference(&self, other: &View, is_hidden: impl Fn(&Path) -> bool) -> Option<String> {
        let is_another_inode = self.inode.zip(other.inode).is_some_and(|(mine, theirs)| mine != theirs);
        if self.device != other.device || is_another_inode {
            return Some("sees something else there".into());
        }
        let mut points = self.mounts.keys().chain(other.mounts.keys()).filter(|point| !is_hidden(point));
        let differing = points.find(|point| self.mounts.get(*point) != other.mounts.get(*point))?;
        Some(match (self.mounts.get(differing), other.mounts.get(differing)) {
            (Some(_), None) => format!("does not see what is mounted at {}", differing.display()),
            (None, _) => format!("sees something mounted at {} that you do not see", differing.display()),
            _ => format!("sees something else mounted at {}", differing.display()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(inode: Option<u64>, mounts: &[(&str, &str)]) -> View {
        let mounts = mounts.iter().map(|(point, device)| (PathBuf::from(point), ((*device).to_owned(), PathBuf::from("/"))));
        View { path: "/p".into(), device: 1, inode, mounts: mounts.collect() }
    }

    #[test]
    fn views_differ_by_device_inode_and_what_is_mounted_below() {
        let shown = |_: &Path| false;
        let (mine, card) = (view(Some(7), &[]), view(Some(7), &[("/p/card", "8:1")]));
        assert_eq!(mine.difference(&mine.clone(), shown), None);
        assert!(mine.difference(&view(Some(8), &[]), shown).is_some());
        assert!(mine.difference(&View { device: 2, ..mine.clone() }, shown).is_some());
        // Where inode numbers do not last, the device decides.
        assert_eq!(view(None, &[]).difference(&mine, shown), None);
        for (a, b, word) in
            [(&card, &mine, "does not see"), (&mine, &card, "you do not see"), (&card, &view(Some(7), &[("/p/card", "8:2")]), "else")]
        {
            assert!(a.difference(b, shown).is_some_and(|said| said.contains(word) && said.contains("/p/card")));
        }
        assert_eq!(card.difference(&mine, |point| point == Path::new("/p/card")), None);
    }

    #[test]
    fn a_folder_is_seen_as_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let mounts = Mounts::now();
        let first = View::of(folder.path(), &mounts).expect("there");
        assert_eq!(View::of(folder.path(), &mounts).expect("there"), first);
        assert!(View::of(&folder.path().join("none"), &mounts).is_err());
    }
}
