//! The files of a photo: all names of one inode are one file, and the keeper comes first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::roots::Roots;
use crate::likeness::{FileCandidate, keeper_first};
use crate::photo::{ContentHash, KeeperRule, Metadata, MetadataKind, Place, ShotFile, Stamp, Unpaired};
use crate::store::{FileRecord, PhotoRecord};

/// A file of a photo.
#[derive(Clone, PartialEq, Debug)]
pub struct FileOfPhoto {
    /// All names of its inode: hard links, and the same folder seen at another path. The best to show comes first.
    pub names: Vec<Name>,
    /// As the file was when it was read.
    pub stamp: Stamp,
    pub content: ContentHash,
    /// `None` if an older version read the file.
    pub metadata: Option<Metadata>,
    /// The metadata that this file has and the keeper has not. `None` if that is not known.
    pub missing_in_keeper: Option<Vec<MetadataKind>>,
    /// The files of its shot, if that has others: of all its names.
    pub shot: Vec<FileOfShot>,
    /// Why it is not in a shot with a file of its name.
    pub unpaired: Option<Unpaired>,
}

/// A file of a shot.
#[derive(Clone, PartialEq, Debug)]
pub struct FileOfShot {
    pub name: Name,
    pub file: ShotFile,
}

/// A name of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Name {
    /// Absolute.
    pub path: PathBuf,
    /// Whether the file can be read at this path now, as far as is known.
    pub is_here: bool,
}

impl FileOfPhoto {
    /// Returns the metadata that this file has and `kept` has not. `None` if that is not known.
    pub fn missing_in(&self, kept: &FileOfPhoto) -> Option<Vec<MetadataKind>> {
        // Of equal bytes, only the sidecars can differ.
        if self.content == kept.content && (self.metadata.is_none() || kept.metadata.is_none() || self.metadata == kept.metadata) {
            return Some(Vec::new());
        }
        Some(self.metadata.as_ref()?.missing_in(kept.metadata.as_ref()?))
    }

    /// The length of the file without the zeros at its end, as far as they are known.
    pub fn told_bytes(&self) -> u64 {
        let padding = self.metadata.as_ref().map_or(0, Metadata::padding_bytes);
        self.stamp.size.saturating_sub(padding)
    }

    /// Returns whether a file is in its shot, by any of its names.
    pub fn is_with(&self, other: &FileOfPhoto) -> bool {
        let is_name = |of: &FileOfShot| other.names.iter().any(|name| name.path == of.name.path);
        self.shot.iter().any(is_name)
    }

    /// Returns its first name.
    pub fn path(&self) -> &Path {
        &self.names[0].path
    }
}

/// The files of a photo.
pub struct Files {
    /// The keeper first.
    pub files: Vec<FileOfPhoto>,
    /// Why the first file is the keeper, if there are several.
    pub rule: Option<KeeperRule>,
}

pub fn files_of(record: &PhotoRecord, roots: &Roots) -> Files {
    let files: Vec<FileOfPhoto> = inodes(record).into_iter().map(|names| file(&names, roots)).collect();
    let candidates: Vec<FileCandidate<'_>> = files
        .iter()
        .map(|f| {
            let shot_files = f.shot.len().max(1);
            FileCandidate {
                path: f.path(),
                bytes: f.told_bytes(),
                mtime: f.stamp.mtime,
                metadata: f.metadata.as_ref(),
                shot_files,
                is_unpaired: f.unpaired.is_some(),
            }
        })
        .collect();
    let (order, rule) = keeper_first(&candidates);
    let mut unordered: Vec<Option<FileOfPhoto>> = files.into_iter().map(Some).collect();
    let mut files: Vec<FileOfPhoto> = order.into_iter().filter_map(|at| unordered[at].take()).collect();
    let (first, others) = files.split_at_mut(1);
    others.iter_mut().for_each(|file| file.missing_in_keeper = file.missing_in(&first[0]));
    Files { files, rule }
}

/// Returns how many files a photo has. All names of one inode count as one.
pub fn count_files(record: &PhotoRecord) -> usize {
    inodes(record).len()
}

/// Returns the names of each inode.
fn inodes(record: &PhotoRecord) -> Vec<Vec<&FileRecord>> {
    let mut inodes: Vec<Vec<&FileRecord>> = Vec::new();
    let mut known: HashMap<(u64, u64), usize> = HashMap::new();
    for file in &record.files {
        let Stamp { volume, inode, .. } = file.stamp;
        match known.get(&(volume, inode)) {
            // Without a number, each name is a file of its own.
            Some(&at) if inode != 0 => inodes[at].push(file),
            _ => {
                known.insert((volume, inode), inodes.len());
                inodes.push(vec![file]);
            }
        }
    }
    inodes
}

fn file(records: &[&FileRecord], roots: &Roots) -> FileOfPhoto {
    let name_at = |place: &Place| Name { path: roots.shown_path(place), is_here: roots.is_here(place) };
    let mut names: Vec<(Name, &FileRecord)> = records.iter().map(|record| (name_at(&record.place), *record)).collect();
    names.sort_unstable_by(|(x, _), (y, _)| {
        let key = |name: &Name| (!name.is_here, name.path.as_os_str().len());
        key(x).cmp(&key(y)).then_with(|| x.path.cmp(&y.path))
    });
    // A link changes the ctime, and the other names are scanned later. So the stamp is that of the name that is shown.
    let FileRecord { stamp, content, metadata, .. } = names[0].1;
    // A name may have other sidecars.
    let metadata = names[1..]
        .iter()
        .filter_map(|(_, record)| record.metadata.as_ref())
        .fold(metadata.clone(), |all, other| all.map(|all| if all == *other { all } else { all.with_sidecar(other) }));
    let (stamp, content) = (*stamp, *content);
    let mut shot: Vec<FileOfShot> = Vec::new();
    for of_name in names.iter().filter_map(|(_, record)| record.shot.as_ref()) {
        shot.extend(of_name.files.iter().map(|file| FileOfShot { name: name_at(&file.place), file: file.clone() }));
    }
    let unpaired = names.iter().find_map(|(_, record)| record.unpaired);
    let names = names.into_iter().map(|(name, _)| name).collect();
    FileOfPhoto { names, stamp, content, metadata, missing_in_keeper: Some(Vec::new()), shot, unpaired }
}
