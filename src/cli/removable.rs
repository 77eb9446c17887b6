//! The files of a cluster that could be removed, checked on the disk at this moment.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, Looked, Now};
use super::shot_files::of_base;
use super::text::names;
use super::whole_shots::{Going, Whole, whole_shots};
use super::worth::{enlarged, worth};
use crate::api::types::{Cluster, ClusterPair, Photo, PhotoFile};
use crate::photo::{Details, Relation};
use crate::sys::mounts::{Mounts, OneFile};

/// The files of clusters that could be removed, as they were when they were checked.
#[derive(Default)]
pub struct Removable {
    /// The keepers, and the files that say something that those do not.
    stay: Vec<Looked>,
    files: Vec<Looked>,
    /// What may be of the shots of the files, by the path of each.
    of_bases: Vec<(PathBuf, Vec<PathBuf>)>,
    /// Why other files than the keepers stay.
    reasons: Vec<String>,
}

impl Removable {
    /// The file that stays in the first cluster.
    pub fn keeper(&self) -> &Path {
        &self.stay[0].path
    }

    /// In the order in which they are listed: those of one shot one after the other.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Why other files than the keepers are not listed.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }
}

/// The files of a cluster that were checked.
#[derive(Default)]
struct Seen(HashMap<(u64, i64), Vec<Looked>>);

impl Seen {
    /// Adds a file. Returns the path of another one that may be the same file on another device.
    fn add(&mut self, file: Looked) -> Option<PathBuf> {
        let alike = self.0.entry(file.now.in_all_views()).or_default();
        let view = alike.iter().find(|other| file.now.may_be_view_of(&other.now)).map(|other| other.path.clone());
        alike.push(file);
        view
    }
}

/// A file that stays, with its content and its [`NOTES`].
struct Staying<'a> {
    file: &'a PhotoFile,
    content: &'a str,
    notes: Vec<Option<Vec<u8>>>,
    looked: Looked,
    /// What it says and the daemon does not store, once it was read.
    details: OnceCell<Result<Details, String>>,
    /// Whether its bytes were read just now, and are those of its content.
    is_read: bool,
    /// Whether others go because it stays.
    is_needed: bool,
}

impl Staying<'_> {
    /// Whether a file manager says something of this file that it does not say of the other one.
    fn loses_notes(&self, other: &Staying<'_>) -> bool {
        self.notes.iter().zip(&other.notes).any(|(own, kept)| own.is_some() && own != kept)
    }

    /// Returns what it says and the daemon does not store. It is read once.
    fn details(&self, disk: &impl Disk) -> Result<&Details, String> {
        let path = &self.looked.path;
        let read = || disk.details(path).map_err(|why| format!("what {} says of its photo cannot be read: {why}", path.display()));
        self.details.get_or_init(read).as_ref().map_err(String::clone)
    }

    /// Whether nothing is lost with this file if the other one stays.
    fn is_equal(&self, other: &Staying<'_>) -> bool {
        self.content == other.content && !self.loses_notes(other) && self.says_the_same(other)
    }

    /// Whether both say the same of their photo. Of equal bytes, their sidecars may say something else.
    fn says_the_same(&self, other: &Staying<'_>) -> bool {
        let [own, others] = [self, other].map(|staying| staying.file.metadata.as_ref().map(|metadata| &metadata.description));
        self.file.shot.is_empty() && other.file.shot.is_empty() || own == others
    }

    /// Returns why this and the other one may be one file at two paths, whatever their numbers, sizes and times say.
    fn doubt(&self, other: &Staying<'_>, mounts: &Mounts) -> Option<String> {
        let [a, b] = [&other.looked, &self.looked];
        let why = match mounts.may_be_one_file([&a.path, &b.path], a.now.device == b.now.device)? {
            OneFile::Shown(kind) => format!("{kind} may show files of other filesystems"),
            OneFile::Spelled => "they may differ only in upper and lower case".to_owned(),
        };
        Some(format!("{} and {} may be one file at two paths: {why}", a.path.display(), b.path.display()))
    }
}

/// A check of a cluster under way.
struct Check<'a, D> {
    cluster: &'a Cluster,
    disk: &'a D,
    mounts: OnceCell<Mounts>,
    damaged: Option<String>,
    /// The keeper first.
    stay: Vec<Staying<'a>>,
    going: Vec<Going<'a>>,
    reasons: Vec<String>,
    seen: Seen,
}

/// Whether a file may go because of this relation to the one that stays. All others say that both are photos of their own.
pub fn may_go(relation: Relation) -> bool {
    matches!(relation, Relation::Identical | Relation::Copy | Relation::Edit)
}

/// Returns the files that could be removed if the keeper of each cluster stays, the first file of the first photo. A file that says
/// something that the keeper does not stays too, one of each content, and so does one that differs from the keeper as a damaged file does.
/// A photo in the shot of the keeper stays with it, and its other files could go. A shot goes as a whole or not at all, also if its photos
/// are in several of the clusters. An error says why nothing of them may be removed.
pub fn removable(clusters: &[Cluster], relations: &[Relation], disk: &impl Disk) -> Result<Removable, String> {
    let (mut stay, mut going, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for cluster in clusters {
        match of_cluster(cluster, relations, disk) {
            Ok(check) => {
                let keeper = stay.len();
                stay.extend(check.stay);
                going.extend(check.going.into_iter().map(|going| Going { keeper, kept: keeper + going.kept, ..going }));
                reasons.extend(check.reasons);
            }
            Err(why) => reasons.push(why),
        }
    }
    whole(stay, going, reasons, disk)
}

/// Checks the files of a cluster, but for their shots. An error says why nothing of it may be removed.
fn of_cluster<'a, D: Disk>(cluster: &'a Cluster, relations: &[Relation], disk: &'a D) -> Result<Check<'a, D>, String> {
    let keeper = Staying { is_needed: true, ..staying(&cluster.photos[0].files[0], disk)? };
    let mut check = Check {
        cluster,
        disk,
        mounts: OnceCell::new(),
        damaged: may_be_damaged(cluster, disk),
        seen: Seen::default(),
        stay: vec![keeper],
        going: Vec::new(),
        reasons: Vec::new(),
    };
    check.seen.add(check.stay[0].looked.clone());
    for (place, photo) in cluster.photos.iter().enumerate() {
        if cluster.is_in_shot(place) {
            if let [first, others @ ..] = &photo.files[..]
                && !others.is_empty()
            {
                check.stay.push(staying(first, disk)?);
                let kept = check.stay.len() - 1;
                check.seen.add(check.stay[kept].looked.clone());
                others.iter().try_for_each(|file| check.file(file, kept, None))?;
            }
            continue;
        }
        // Only with a pair of its own. Two photos that are joined by a third may have little in common.
        let is_asked = |relation| relations.contains(&relation) && may_go(relation);
        let is_version = |pair: &&ClusterPair| (pair.a, pair.b) == (0, place) && is_asked(pair.relation);
        if place > 0 && !cluster.pairs.iter().any(|pair| is_version(&pair)) {
            continue;
        }
        if let Some(why) = worth(cluster, place) {
            check.reasons.push(why);
            continue;
        }
        let version = Some(photo).filter(|_| place > 0);
        photo.files.iter().skip(usize::from(place == 0)).try_for_each(|file| check.file(file, 0, version))?;
    }
    Ok(check)
}

impl<'a, D: Disk> Check<'a, D> {
    /// Decides whether a file can go because one of those that stay does. `version`: its photo, if that is another one than that of the
    /// file that stays.
    fn file(&mut self, file: &'a PhotoFile, kept: usize, version: Option<&Photo>) -> Result<(), String> {
        let (best, keeper, is_version) = (&self.cluster.photos[0], &self.cluster.photos[0].files[0], version.is_some());
        if let Some(why) = version.and_then(|photo| enlarged((best, keeper), (photo, file))) {
            return Err(why);
        }
        let candidate = staying(file, self.disk)?;
        let Looked { path, now } = &candidate.looked;
        if self.stay.iter().any(|other| now.is_same_file(&other.looked.now)) {
            return Err(format!("{} is another name of a file that stays", path.display()));
        }
        if let Some(other) = self.seen.add(candidate.looked.clone()) {
            let [a, b] = [&other, path].map(|path| path.display());
            return Err(format!("{a} and {b} may be one file at two paths: on two devices, they have one size and one ctime"));
        }
        // What may be a file that stays cannot go, and no other file can go because of it. Other bytes are another file.
        let doubt = |other: &Staying<'_>| candidate.doubt(other, self.mounts.get_or_init(|| self.disk.mounts()));
        let is_alike = |other: &&Staying<'_>| other.content == self.stay[kept].content || other.content == candidate.content;
        if let Some(why) = self.stay.iter().filter(is_alike).find_map(doubt) {
            self.reasons.push(why);
            return Ok(());
        }
        let equal = self.stay.iter().position(|other| candidate.is_equal(other));
        let reason = if equal.is_some() {
            None
        } else if let Some(why) = self.damaged.as_ref().filter(|_| is_version) {
            Some(why.clone())
        } else {
            lost(&candidate, &self.stay[kept], is_version, self.disk)?
        };
        let reason = reason.or_else(|| self.lost_with_memory(&self.stay[equal.unwrap_or(kept)], path));
        if let Some(reason) = reason {
            self.reasons.push(reason);
            self.stay.push(candidate);
            return Ok(());
        }
        let mut looked = vec![candidate.looked.clone()];
        // Hard links free their space when all of them are gone. Other views of a folder go with it.
        if now.links > 1 {
            let names = file.also.iter().map(|name| name.to_path());
            let others = names.filter_map(|path| Some(Looked { now: self.disk.look(&path).ok()?, path }));
            looked.extend(others.filter(|other| other.now.is_same_file(now)));
        }
        self.going.push(Going { file, looked, keeper: 0, kept: equal.unwrap_or(kept), is_only_one: is_version });
        Ok(())
    }

    /// Returns why a file on a disk stays although another one stays for it.
    fn lost_with_memory(&self, kept: &Staying<'_>, path: &Path) -> Option<String> {
        let mounts = self.mounts.get_or_init(|| self.disk.mounts());
        let is_lost = mounts.is_in_memory(&kept.looked.path) && !mounts.is_in_memory(path);
        is_lost.then(|| format!("{} is in memory, and {} is on a disk", kept.looked.path.display(), path.display()))
    }
}

/// Leaves out what would tear a shot apart, and checks what stays.
fn whole(mut stay: Vec<Staying<'_>>, going: Vec<Going<'_>>, mut reasons: Vec<String>, disk: &impl Disk) -> Result<Removable, String> {
    let kept: Vec<&PhotoFile> = stay.iter().map(|staying| staying.file).collect();
    let Whole { going, files, twins, of_bases, torn } = whole_shots(going, &kept, disk);
    reasons.extend(torn);
    if let [first, ..] = &reasons[..]
        && going.is_empty()
    {
        return Err(first.clone());
    }
    going.iter().for_each(|going| stay[going.kept].is_needed = true);
    stay.iter().filter(|file| file.is_needed).try_for_each(|file| sound(file, disk))?;
    // Files of one photo have one picture. Of other versions only the keeper stays, so it must be sound.
    let keepers: BTreeSet<usize> = going.iter().filter(|going| going.is_only_one).map(|going| going.keeper).collect();
    for path in keepers.into_iter().map(|keeper| &stay[keeper].looked.path) {
        disk.decode(path).map_err(|why| format!("{}, which would stay, cannot be decoded whole: {why}", path.display()))?;
    }
    Ok(Removable { stay: stay.into_iter().map(|file| file.looked).chain(twins).collect(), files, of_bases, reasons })
}

/// Returns the files if each of them, and the file that stays, is as it was when it was checked, and nothing has come that may be of a
/// shot. An error says which is not, or what has come.
pub fn unchanged(removable: Removable, disk: &impl Disk) -> Result<Removable, String> {
    let is_changed = |file: &&Looked| !disk.look(&file.path).is_ok_and(|now| now == file.now);
    if let Some(file) = removable.stay.iter().chain(&removable.files).find(is_changed) {
        return Err(format!("{} has changed since it was checked; ask again", file.path.display()));
    }
    for (path, before) in &removable.of_bases {
        if let Some(new) = of_base(path, disk)?.into_iter().find(|new| !before.contains(new)) {
            let [new, path] = [&new, path].map(|path| path.display());
            return Err(format!("{new} may be of the shot of {path}, and was made since that was checked; ask again"));
        }
    }
    Ok(removable)
}

/// Reads a file that stays while others go, if that was not done, and returns why it must not be relied on. A disk that fails changes bytes and leaves the times as they were.
fn sound(file: &Staying<'_>, disk: &impl Disk) -> Result<(), String> {
    let path = &file.looked.path;
    if file.is_read || disk.content(path).map_err(|e| format!("{}: {e}", path.display()))? == file.content {
        return Ok(());
    }
    let what = "has other bytes than when it was read, and the same times: its disk may be failing";
    Err(format!("{}, which would stay, {what}. Look at the picture, then touch the file to have it read again", path.display()))
}

/// Returns what is at the path of a file, if the file is as it was read, and whether its bytes were read for that: they tell, if only
/// its ctime is another. It was renamed, linked or given another mode, or it was changed by a program that restores mtime.
fn checked(file: &PhotoFile, disk: &impl Disk) -> Result<(Now, bool), String> {
    let path = file.path.to_path();
    if file.offline {
        return Err(format!("{} is offline", path.display()));
    }
    let cannot_look = |e: io::Error| format!("{}: {e}", path.display());
    let now = disk.look(&path).map_err(cannot_look)?;
    let has_its_bytes = || Ok::<bool, String>(disk.content(&path).map_err(cannot_look)? == file.content);
    let is_read = now.ctime_ns != file.ctime_ns;
    if now.is_alike(file) && (!is_read || has_its_bytes()?) {
        return Ok((now, is_read));
    }
    Err(format!("{} has changed since it was read; simctl scan reads it again", path.display()))
}

/// Checks a file and reads its notes.
fn staying<'a>(file: &'a PhotoFile, disk: &impl Disk) -> Result<Staying<'a>, String> {
    let path = file.path.to_path();
    let (now, is_read) = checked(file, disk)?;
    let notes = disk.notes(&path).map_err(|e| format!("the notes of file managers on {} cannot be read: {e}", path.display()))?;
    Ok(Staying { file, content: &file.content, notes, looked: Looked { path, now }, details: OnceCell::new(), is_read, is_needed: false })
}

/// Returns what would be lost with a file, of all that it and its file manager say of the photo, if the keeper stays. An error says
/// that it is not known: an older version may not have read what the file says. Then it is read in the background, unless it
/// `is_version` and its picture is in no other file.
fn lost(candidate: &Staying<'_>, keeper: &Staying<'_>, is_version: bool, disk: &impl Disk) -> Result<Option<String>, String> {
    let path = candidate.looked.path.display();
    if candidate.loses_notes(keeper) {
        return Ok(Some(format!("what a file manager or Picasa keeps of {path}, such as tags, a star or a caption, would be lost")));
    }
    match &candidate.file.metadata_lost {
        Some(lost) if lost.is_empty() => Ok(details_lost(candidate, keeper, disk)),
        Some(lost) => Ok(Some(would_be_lost(names(lost), candidate))),
        None if is_version => Err(format!("the metadata of {path} was not read by an older version; touch it to have it read")),
        None => Err(format!("the metadata of {path} is being read; ask again in a minute")),
    }
}

/// The same of what is not stored. Files of equal bytes are not read for it.
fn details_lost(candidate: &Staying<'_>, keeper: &Staying<'_>, disk: &impl Disk) -> Option<String> {
    if candidate.content == keeper.content {
        return None;
    }
    let taken = keeper.file.metadata.as_ref().and_then(|metadata| metadata.taken.as_deref());
    match candidate.details(disk).and_then(|own| Ok((own, keeper.details(disk)?))) {
        Ok((own, kept)) => {
            let lost = own.missing_in(kept, taken);
            (!lost.is_empty()).then(|| would_be_lost(names(&lost), candidate))
        }
        Err(why) => Some(why),
    }
}

fn would_be_lost(what: impl Display, file: &Staying<'_>) -> String {
    format!("{what} in {} would be lost", file.looked.path.display())
}

/// Returns why the keeper may be damaged: another picture of its format and size is in a file of its length, so that they are equal files,
/// one of them with other bytes. Then every other version may be all that is left. Zeros at the end of one do not count.
fn may_be_damaged(cluster: &Cluster, disk: &impl Disk) -> Option<String> {
    let of = |photo: &Photo, file: &PhotoFile| (photo.format, photo.width, photo.height, file.told_bytes());
    let (best, keeper) = (&cluster.photos[0], &cluster.photos[0].files[0]);
    let mut others = cluster.photos[1..].iter().flat_map(|photo| photo.files.iter().map(move |file| (photo, file)));
    let (_, other) = others.find(|(photo, file)| of(photo, file) == of(best, keeper) && !have_equal_data(file, keeper, disk))?;
    let [a, b] = [keeper, other].map(|file| file.path.to_path());
    Some(format!("{} and {} differ only in their bytes: one of them may be damaged", a.display(), b.display()))
}

/// Whether two files of one length differ at most in the zeros at their ends.
fn have_equal_data(a: &PhotoFile, b: &PhotoFile, disk: &impl Disk) -> bool {
    let data = |file: &PhotoFile| disk.start(&file.path.to_path(), file.told_bytes()).ok();
    a.content == b.content || a.size != b.size && data(a).is_some_and(|own| data(b) == Some(own))
}

#[cfg(test)]
pub mod tests {
    use std::slice::from_ref;

    use rustix::fs::major;

    use super::*;
    use crate::api::types::{Evidence, FileMetadata, PathText, ShotFile};
    use crate::photo::{Detail, Details, Format, MetadataKind, OtherKind, ShotFileKind, ShotName, Unpaired, folded, home};

    fn text(path: &str) -> PathText {
        PathText { path: path.into(), path_bytes: None }
    }

    pub fn file(path: &str, size: u64) -> PhotoFile {
        let content = path.to_owned();
        let volume = String::new();
        PhotoFile {
            path: text(path),
            also: Vec::new(),
            offline: false,
            content,
            volume,
            inode: 1,
            size,
            mtime_ns: 5,
            ctime_ns: 6,
            metadata: None,
            metadata_lost: Some(Vec::new()),
            shot: Vec::new(),
            unpaired: None,
        }
    }

    pub fn photo(files: Vec<PhotoFile>) -> Photo {
        Photo {
            path: files[0].path.clone(),
            paths: Vec::new(),
            paths_bytes: None,
            offline: Vec::new(),
            picture: String::new(),
            bytes: files[0].size,
            width: 300,
            height: 200,
            format: Format::Jpeg,
            taken: None,
            detail: None,
            source: false,
            kept_by: None,
            files,
        }
    }

    pub fn cluster(photos: Vec<Photo>, pairs: &[(usize, usize, Relation)]) -> Cluster {
        let pairs = pairs
            .iter()
            .map(|&(a, b, relation)| ClusterPair { a, b, distance: 0.1, relation, changes: Vec::new(), evidence: Evidence::NONE })
            .collect();
        Cluster {
            id: "c".into(),
            diameter: 0.1,
            source_by: None,
            ties: Vec::new(),
            photos,
            pairs,
            beside: Vec::new(),
            series: None,
            scene: None,
            within_shots: false,
        }
    }

    /// Files by path, with the content that they have now.
    pub struct Files(HashMap<PathBuf, (Now, &'static str)>);

    impl Disk for Files {
        fn look(&self, path: &Path) -> io::Result<Now> {
            self.0.get(path).map(|file| file.0).ok_or_else(|| io::ErrorKind::NotFound.into())
        }

        fn content(&self, path: &Path) -> io::Result<String> {
            Ok(self.0[path].1.to_owned())
        }

        fn start(&self, path: &Path, bytes: u64) -> io::Result<String> {
            let content = self.content(path)?;
            Ok(content.get(..bytes as usize).unwrap_or(&content).to_owned())
        }

        fn details(&self, path: &Path) -> Result<Details, String> {
            let lens = path.file_name().and_then(|name| name.to_str()?.strip_prefix("lens-"));
            Ok(Details(lens.map(|lens| ("lens".to_owned(), Detail::Text(lens.to_owned()))).into_iter().collect()))
        }

        fn decode(&self, path: &Path) -> Result<(), String> {
            if path.ends_with("broken") { Err("it ends early".into()) } else { Ok(()) }
        }

        fn notes(&self, path: &Path) -> io::Result<Vec<Option<Vec<u8>>>> {
            let tags = path.file_name().and_then(|name| name.to_str()?.strip_prefix("tagged-"));
            Ok(vec![tags.map(Vec::from), None, None])
        }

        fn mounts(&self) -> Mounts {
            Mounts::parse(
                b"22 1 8:0 / / rw - ext4 /dev/sda rw
36 22 0:50 / /bound rw - fuse.bindfs /photos rw
37 22 9:0 / /card rw - fuseblk /dev/sdb1 rw
38 22 0:60 / /ram rw - tmpfs tmpfs rw",
            )
        }

        fn of_base(&self, photo: &Path) -> io::Result<Vec<PathBuf>> {
            let base = |path: &Path| ShotName::of(&folded(home(path).1)).map(|name| name.base.bytes());
            let is_of_base = |path: &&PathBuf| home(path).0 == home(photo).0 && base(path).is_some() && base(path) == base(photo);
            Ok(self.0.keys().filter(is_of_base).filter(|path| OtherKind::is_remembered(path)).cloned().collect())
        }
    }

    /// On a disk, as its device has a major number.
    const NOW: Now = Now { is_file: true, device: 8 << 8, inode: 1, links: 1, size: 10, mtime_ns: 5, ctime_ns: 6 };

    /// A disk with these files, by path: inode, number of links, size.
    fn disk(files: &[(&'static str, u64, u64, u64)]) -> Files {
        let now =
            |&(path, inode, links, size): &(&'static str, u64, u64, u64)| (PathBuf::from(path), (Now { inode, links, size, ..NOW }, path));
        Files(files.iter().map(now).collect())
    }

    fn removable(cluster: &Cluster, relations: &[Relation], disk: &impl Disk) -> Result<Removable, String> {
        super::removable(from_ref(cluster), relations, disk)
    }

    fn listed(removable: &Removable) -> Vec<String> {
        removable.paths().map(|path| path.display().to_string()).collect()
    }

    fn list(cluster: &Cluster, files: &[(&'static str, u64, u64, u64)]) -> Result<Vec<String>, String> {
        list_on(cluster, &disk(files))
    }

    fn list_on(cluster: &Cluster, disk: &Files) -> Result<Vec<String>, String> {
        removable(cluster, Relation::ALL, disk).map(|found| listed(&found))
    }

    #[test]
    fn what_a_file_manager_keeps_of_a_file_is_not_lost() {
        let listed = |kept: &'static str, other: &'static str| {
            list(&cluster(vec![photo(vec![file(kept, 10), file(other, 10)])], &[]), &[(kept, 1, 1, 10), (other, 2, 1, 10)])
        };
        assert!(listed("/a", "/tagged-sea").is_err_and(|why| why.contains("keeps of /tagged-sea")));
        assert!(listed("/tagged-sea", "/tagged-sky").is_err());
        assert_eq!(listed("/tagged-sea", "/b"), Ok(vec!["/b".to_owned()]));
        assert_eq!(listed("/tagged-sea", "/x/tagged-sea"), Ok(vec!["/x/tagged-sea".to_owned()]));
    }

    #[test]
    fn what_a_file_says_and_the_daemon_does_not_store_is_not_lost() {
        let listed = |kept: &'static str, other: &'static str| {
            let of = |path, size| Photo { detail: Some(1.0), ..photo(vec![file(path, size)]) };
            let photos = vec![of(kept, 10), of(other, 9)];
            list(&cluster(photos, &[(0, 1, Relation::Copy)]), &[(kept, 1, 1, 10), (other, 2, 1, 9)])
        };
        assert!(listed("/a", "/lens-RF50").is_err_and(|why| why == "lens in /lens-RF50 would be lost"));
        assert!(listed("/lens-RF85", "/lens-RF50").is_err());
        assert_eq!(listed("/lens-RF50", "/b"), Ok(vec!["/b".to_owned()]));
        assert_eq!(listed("/lens-RF50", "/x/lens-RF50"), Ok(vec!["/x/lens-RF50".to_owned()]));
    }

    fn in_shot(path: &str, kind: ShotFileKind, shared: bool) -> ShotFile {
        ShotFile { path: text(path), kind, offline: false, shared, size: 10, mtime_ns: 5, ctime_ns: 6 }
    }

    /// Two RAW files, each with its picture and a sidecar.
    fn two_shots() -> (Cluster, Files) {
        two_shots_with(("xmp", ShotFileKind::Sidecar), false)
    }

    fn two_shots_with(other: (&'static str, ShotFileKind), is_shared: bool) -> (Cluster, Files) {
        let kinds = [("nef", ShotFileKind::Photo), ("jpg", ShotFileKind::Photo), other];
        let shot = |folder: &str| kinds.map(|of| in_shot(&format!("{folder}/1.{}", of.0), of.1, is_shared && of == other)).to_vec();
        let of = |folder, ending: &str| PhotoFile {
            content: ending.to_owned(),
            shot: shot(folder),
            ..file(&format!("{folder}/1.{ending}"), 10)
        };
        let both = |ending| photo(vec![of("/a", ending), of("/b", ending)]);
        let raw = Photo { format: Format::Raw, ..both("nef") };
        let paths = ["/a", "/b"].into_iter().flat_map(|folder| kinds.map(|(ending, _)| (format!("{folder}/1.{ending}"), ending)));
        let disk = Files(paths.zip(1..).map(|((path, ending), inode)| (path.into(), (Now { inode, ..NOW }, ending))).collect());
        (cluster(vec![raw, both("jpg")], &[(0, 1, Relation::Copy)]), disk)
    }

    #[test]
    fn a_shot_goes_as_a_whole_or_not_at_all() {
        let (cluster, disk) = two_shots();
        assert_eq!(list_on(&cluster, &disk), Ok(["/b/1.nef", "/b/1.jpg", "/b/1.xmp"].map(str::to_owned).to_vec()));
        let found = removable(&cluster, Relation::ALL, &disk).expect("one can go");
        let (_, mut later) = two_shots();
        later.0.get_mut(Path::new("/a/1.xmp")).expect("is there").0.ctime_ns = 7;
        assert!(unchanged(found, &later).is_err_and(|why| why.contains("/a/1.xmp has changed")), "it is what is left of the other one");
        let refused = |change: &dyn Fn(&mut Cluster, &mut Files)| {
            let (mut cluster, mut disk) = two_shots();
            change(&mut cluster, &mut disk);
            list_on(&cluster, &disk).expect_err("a part of it stays")
        };
        let of_sidecar = |change: &dyn Fn(&mut ShotFile)| {
            refused(&|cluster, _| cluster.photos.iter_mut().for_each(|photo| change(&mut photo.files[1].shot[2])))
        };
        for (why, expected) in [
            (refused(&|_, disk| disk.0.get_mut(Path::new("/b/1.xmp")).expect("there").1 = "rated"), "/b/1.xmp would be lost with its shot"),
            (refused(&|_, disk| _ = disk.0.remove(Path::new("/b/1.xmp"))), "goes as a whole or not at all"),
            (refused(&|_, disk| disk.0.get_mut(Path::new("/b/1.xmp")).expect("there").0.mtime_ns = 9), "/b/1.xmp has changed"),
            (of_sidecar(&|sidecar| sidecar.offline = true), "/b/1.xmp is offline"),
            (refused(&|cluster, _| _ = cluster.photos[1].files.pop()), "/b/1.nef stays with /b/1.jpg"),
            (refused(&|cluster, _| _ = cluster.photos.pop()), "/b/1.nef stays with /b/1.jpg"),
            (refused(&|cluster, _| cluster.photos[0].files[1].offline = true), "/b/1.nef is offline"),
        ] {
            assert!(why.contains(expected), "{expected}: {why}");
        }
        // Whichever clusters its photos are in.
        let (both, disk) = two_shots();
        let apart: Vec<Cluster> = both.photos.iter().map(|photo| self::cluster(vec![photo.clone()], &[])).collect();
        let listed_of = |clusters: &[Cluster]| super::removable(clusters, Relation::ALL, &disk).map(|found| listed(&found));
        assert_eq!(listed_of(&apart), Ok(["/b/1.nef", "/b/1.jpg", "/b/1.xmp"].map(str::to_owned).to_vec()));
        let mut crossed = apart.clone();
        crossed[1].photos[0].files.swap(0, 1);
        assert!(listed_of(&crossed).is_err_and(|why| why.contains("/b/1.nef stays with /b/1.jpg")), "each shot has a file that stays");
        // A sidecar of other photos too stays with them.
        let (mut cluster, disk) = two_shots();
        cluster.photos.iter_mut().for_each(|photo| photo.files[1].shot[2].shared = true);
        assert_eq!(list_on(&cluster, &disk), Ok(["/b/1.nef", "/b/1.jpg"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_film_that_may_be_of_a_shot_stays_and_is_left_without_photos_only_if_there_is_another() {
        let (cluster, mut disk) = two_shots_with(("mov", ShotFileKind::Film), true);
        assert_eq!(list_on(&cluster, &disk), Ok(["/b/1.nef", "/b/1.jpg"].map(str::to_owned).to_vec()));
        disk.0.get_mut(Path::new("/b/1.mov")).expect("there").1 = "another film";
        let why = list_on(&cluster, &disk).expect_err("it would be alone");
        assert!(why.contains("/b/1.mov would be left without a photo of its name"), "{why}");
        // Of two photos of its name one stays, and the film with it.
        let of = |path: &str| {
            let shot = vec![in_shot(path, ShotFileKind::Photo, false), in_shot("/a/1.mov", ShotFileKind::Film, true)];
            PhotoFile { shot, ..file(path, 10) }
        };
        let cluster = self::cluster(vec![photo(vec![of("/a/1.jpg"), of("/a/1.webp")])], &[]);
        let files = [("/a/1.jpg", 1, 1, 10), ("/a/1.webp", 2, 1, 10), ("/a/1.mov", 3, 1, 10)];
        assert_eq!(list(&cluster, &files), Ok(vec!["/a/1.webp".to_owned()]));
    }

    #[test]
    fn a_shot_that_stays_keeps_those_that_have_a_file_of_it() {
        let photo_in =
            |path: &str, other: ShotFile| PhotoFile { shot: vec![in_shot(path, ShotFileKind::Photo, false), other], ..file(path, 10) };
        let sidecar = in_shot("/b/1.xmp", ShotFileKind::Sidecar, false);
        // One that was seen under a name in each of two folders.
        let of_both = photo_in("/c/2.jpg", in_shot("/b/1.jpg", ShotFileKind::Photo, false));
        let files = vec![file("/a/1.jpg", 10), of_both, photo_in("/b/1.jpg", sidecar), file("/d/1.jpg", 10)];
        let cluster = cluster(vec![photo(files)], &[]);
        let paths = ["/a/1.jpg", "/b/1.jpg", "/b/1.xmp", "/c/2.jpg", "/d/1.jpg"];
        let disk: Vec<(&str, u64, u64, u64)> = paths.into_iter().zip(1..).map(|(path, inode)| (path, inode, 1, 10)).collect();
        let found = removable(&cluster, Relation::ALL, &self::disk(&disk)).expect("one can go");
        assert_eq!(listed(&found), ["/d/1.jpg"]);
        let [first, second] = found.reasons() else { panic!("two stay: {:?}", found.reasons()) };
        assert!(first.contains("/b/1.xmp would be lost") && second.contains("/c/2.jpg stays with /b/1.jpg"), "{first} {second}");
    }

    #[test]
    fn what_the_answer_does_not_know_keeps_a_shot() {
        let with = |name: &str| {
            let (cluster, mut disk) = two_shots();
            disk.0.insert(name.into(), (Now { inode: 99, ..NOW }, "more"));
            (list_on(&cluster, &disk), cluster, disk)
        };
        for name in [
            "/b/1.nef.pp3",
            "/b/1.JPG.xmp",
            "/b/1.MOV",
            "/b/1.Nef.Xmp",
            "/b/CaptureOne/Settings153/1.nef.cos",
            "/b/captureone/settings153/1.NEF.3.comask",
            "/b/1.jpg.supplemental-me.json",
            "/b/1.txt",
            "/b/1.jpg.txt",
            "/b/SILKYPIX_DS/1.nef.9.spd",
        ] {
            let (listed, cluster, later) = with(name);
            assert!(listed.is_err_and(|why| why.contains(&format!("{name} is of the shot of /b/1."))), "{name}");
            let found = removable(&cluster, Relation::ALL, &two_shots().1).expect("can go");
            assert!(unchanged(found, &later).is_err_and(|why| why.contains(&format!("{name} may be of the shot of /b/1."))), "{name}");
        }
        let all = ["/b/1.nef", "/b/1.jpg", "/b/1.xmp"].map(str::to_owned);
        for name in ["/b/11.xmp", "/b/notes.txt", "/a/1.nef.pp3", "/c/1.nef.pp3"] {
            assert_eq!(with(name).0, Ok(all.to_vec()), "{name}");
        }
        assert_eq!(with("/b/1.tif").0, Ok(all[..2].to_vec()), "the sidecar is also of this one");
        // A RAW file of a picture, unless it is known to be none.
        let lone = |unpaired| {
            let picture = PhotoFile { unpaired, ..file("/b/1.jpg", 10) };
            list(
                &cluster(vec![photo(vec![file("/a/1.jpg", 10), picture])], &[]),
                &[("/a/1.jpg", 1, 1, 10), ("/b/1.jpg", 2, 1, 10), ("/b/1.nef", 3, 1, 9)],
            )
        };
        assert!(lone(None).is_err() && lone(Some(Unpaired::OtherFolder)).is_err());
        assert_eq!(lone(Some(Unpaired::Time)), Ok(vec!["/b/1.jpg".to_owned()]));
    }

    #[test]
    fn no_photo_can_go_because_another_one_of_its_shot_stays() {
        let paths = ["/a/IMG_1234.heic", "/a/IMG_E1234.heic"];
        let shot = paths.map(|path| in_shot(path, ShotFileKind::Photo, false)).to_vec();
        let of = |path, size| photo(vec![PhotoFile { shot: shot.clone(), ..file(path, size) }]);
        let edited = Photo { width: 150, height: 100, ..of(paths[1], 10) };
        for relation in [Relation::Copy, Relation::Edit, Relation::Identical] {
            let cluster = Cluster { within_shots: true, ..cluster(vec![of(paths[0], 40), edited.clone()], &[(0, 1, relation)]) };
            let why = list(&cluster, &[(paths[0], 1, 1, 40), (paths[1], 2, 1, 10)]).expect_err("it stays with its shot");
            assert!(why.contains("/a/IMG_E1234.heic stays with /a/IMG_1234.heic"), "{why}");
        }
        let (mut cluster, disk) = two_shots();
        cluster.photos.iter_mut().for_each(|photo| photo.files.truncate(1));
        assert_eq!(list_on(&cluster, &disk), Ok(Vec::new()));
        cluster.within_shots = true;
        assert!(list_on(&cluster, &disk).is_err_and(|why| why.contains("one of them is a RAW file")));
    }

    #[test]
    fn neither_a_raw_file_nor_what_was_made_of_it_can_go() {
        let of = |path: &str, format| Photo { format, ..photo(vec![file(path, 10)]) };
        let files = [("/a.jpg", 1, 1, 10), ("/b.nef", 2, 1, 10), ("/c.jpg", 3, 1, 2), ("/d.nef", 4, 1, 10)];
        let copies = [(0, 1, Relation::Copy), (0, 2, Relation::Copy)];
        let (jpeg, raw) = (of("/a.jpg", Format::Jpeg), of("/b.nef", Format::Raw));
        let small = Photo { width: 150, height: 100, ..photo(vec![file("/c.jpg", 2)]) };
        let camera = cluster(vec![raw.clone(), jpeg.clone(), small.clone()], &copies);
        assert!(list(&camera, &files).is_err_and(|why| why.contains("/b.nef and /a.jpg are not copies")));
        // One that says where it was taken may be the source.
        assert_eq!(list(&cluster(vec![jpeg, raw.clone(), small], &copies), &files), Ok(vec!["/c.jpg".to_owned()]));
        assert!(list(&cluster(vec![raw, of("/d.nef", Format::Raw)], &copies[..1]), &files).is_err(), "a converted one");
        let twice = Photo { format: Format::Raw, ..photo(vec![file("/b.nef", 10), file("/d.nef", 10)]) };
        assert_eq!(list(&cluster(vec![twice], &[]), &files), Ok(vec!["/d.nef".to_owned()]), "the same bytes");
    }

    /// Equal bytes say the same, so of each content one file is enough.
    #[test]
    fn what_says_something_of_its_own_stays_once() {
        let said = |path: &str, content: &str, lost: &[MetadataKind]| PhotoFile {
            content: content.to_owned(),
            metadata_lost: Some(lost.to_vec()),
            ..file(path, 10)
        };
        let rated = [MetadataKind::Rating];
        let files = vec![
            said("/keep", "k", &[]),
            said("/rated", "r", &rated),
            said("/plain", "p", &[]),
            said("/rated-too", "r", &rated),
            said("/tagged-sea", "k", &[]),
            said("/x/tagged-sea", "k", &[]),
        ];
        let inodes = files.iter().zip(1..).map(|(file, inode)| (file.path.to_path(), inode));
        let bytes = ["k", "r", "p", "r", "k", "k"];
        let mut disk = Files(inodes.zip(bytes).map(|((path, inode), bytes)| (path, (Now { inode, ..NOW }, bytes))).collect());
        let cluster = cluster(vec![photo(files)], &[]);
        let found = removable(&cluster, Relation::ALL, &disk).expect("some can go");
        assert_eq!(listed(&found), ["/plain", "/rated-too", "/x/tagged-sea"]);
        let [first, second] = found.reasons() else { panic!("two stay: {:?}", found.reasons()) };
        assert_eq!(first, "rating in /rated would be lost");
        assert!(second.contains("keeps of /tagged-sea"), "{second}");
        disk.0.get_mut(Path::new("/rated")).expect("is there").0.ctime_ns = 7;
        assert!(unchanged(found, &disk).is_err_and(|why| why.contains("/rated has changed")), "it is all that is left of its content");
        *disk.0.get_mut(Path::new("/rated")).expect("is there") = (Now { inode: 2, ..NOW }, "zeros");
        assert!(list_on(&cluster, &disk).is_err_and(|why| why.contains("/rated, which would stay, has other bytes")));
    }

    #[test]
    fn a_file_on_a_disk_stays_if_the_other_one_is_in_memory() {
        let of = |paths: [&'static str; 2]| {
            let [kept, other] = paths;
            list(&cluster(vec![photo(vec![file(kept, 10), file(other, 10)])], &[]), &[(kept, 1, 1, 10), (other, 2, 1, 10)])
        };
        assert!(of(["/ram/a.jpg", "/disk/a.jpg"]).is_err_and(|why| why.contains("/ram/a.jpg is in memory, and /disk/a.jpg is on a disk")));
        assert_eq!(of(["/disk/a.jpg", "/ram/a.jpg"]), Ok(vec!["/ram/a.jpg".to_owned()]));
        assert_eq!(of(["/ram/a.jpg", "/ram/b.jpg"]), Ok(vec!["/ram/b.jpg".to_owned()]));
    }

    #[test]
    fn nothing_can_go_if_the_disk_has_changed_since_it_was_checked() {
        let mut copy = file("/copy", 10);
        copy.also = vec![text("/link")];
        let cluster = cluster(vec![photo(vec![file("/keep", 10), copy, file("/other", 10)])], &[]);
        let files = [("/keep", 1, 1, 10), ("/copy", 2, 2, 10), ("/link", 2, 2, 10), ("/other", 3, 1, 10)];
        let checked = || removable(&cluster, Relation::ALL, &disk(&files)).expect("can go");
        let same = unchanged(checked(), &disk(&files)).expect("nothing has changed");
        assert_eq!(listed(&same), ["/copy", "/link", "/other"]);
        for (path, ..) in files {
            let mut gone = disk(&files);
            gone.0.remove(Path::new(path));
            let mut written = disk(&files);
            written.0.get_mut(Path::new(path)).expect("is there").0.ctime_ns = 7;
            for later in [gone, written] {
                let why = unchanged(checked(), &later).err().expect("it has changed");
                assert!(why.contains(&format!("{path} has changed since it was checked")), "{why}");
            }
        }
    }

    #[test]
    fn the_keeper_stays_and_equal_files_can_go() {
        let cluster = cluster(vec![photo(vec![file("/keep", 10), file("/copy", 10)])], &[]);
        assert_eq!(list(&cluster, &[("/keep", 1, 1, 10), ("/copy", 2, 1, 10)]), Ok(vec!["/copy".into()]));
    }

    /// A failing disk changes no time.
    #[test]
    fn what_stays_is_read_before_its_copies_go() {
        let cluster = cluster(vec![photo(vec![file("/keep", 10), file("/copy", 10)])], &[]);
        let rotten = |path: &str| {
            let mut disk = disk(&[("/keep", 1, 1, 10), ("/copy", 2, 1, 10)]);
            disk.0.get_mut(Path::new(path)).expect("is there").1 = "zeros";
            list_on(&cluster, &disk)
        };
        assert!(rotten("/keep").is_err_and(|why| why.contains("/keep, which would stay, has other bytes than when it was read")));
        assert_eq!(rotten("/copy"), Ok(vec!["/copy".into()]), "the good one stays");
    }

    #[test]
    fn what_may_be_the_file_that_stays_cannot_go() {
        let (local, view, card) = (8 << 8, 50, 9 << 8);
        let shown = "fuse.bindfs may show files of other filesystems";
        for (paths, devices, can_go, why) in [
            (["/1", "/bound/1", "/2", "/bound/2"], [local, view, local, view], "/2", shown),
            // Each of two files of the disk would be as good as the other, and the view may show both.
            (["/bound/2", "/1", "/2", "/bound/1"], [view, local, local, view], "/bound/1", shown),
            (["/card/DCIM/1", "/card/dcim/1", "/card/dcim/2", "/card/Dcim/1"], [card; 4], "/card/dcim/2", "upper and lower case"),
        ] {
            let times = [100, 300, 500, 700];
            let files = paths.into_iter().zip(times);
            let files = files.map(|(path, ctime_ns)| PhotoFile { content: "a".to_owned(), ctime_ns, ..file(path, 10) }).collect();
            let now = (1..).zip(devices).zip(times).map(|((inode, device), ctime_ns)| Now { inode, device, ctime_ns, ..NOW });
            let disk = Files(paths.into_iter().zip(now).map(|(path, now)| (path.into(), (now, "a"))).collect());
            let found = removable(&cluster(vec![photo(files)], &[]), Relation::ALL, &disk).expect("one can go");
            assert_eq!(listed(&found), [can_go]);
            let [reason, other] = found.reasons() else { panic!("two stay: {:?}", found.reasons()) };
            assert!(reason.starts_with(&format!("{} and {} may be one file", paths[0], paths[1])), "{reason}");
            assert!(reason.contains(why) && other.contains(why), "{reason} {other}");
        }
    }

    #[test]
    fn nothing_can_go_if_the_disk_is_not_as_it_was_read() {
        let cluster = cluster(vec![photo(vec![file("/keep", 10), file("/copy", 10)])], &[]);
        for disk in [
            &[("/copy", 2, 1, 10)][..],
            &[("/keep", 1, 1, 10)],
            &[("/keep", 1, 1, 11), ("/copy", 2, 1, 10)],
            &[("/keep", 1, 1, 10), ("/copy", 2, 1, 9)],
            // One file at two paths.
            &[("/keep", 1, 1, 10), ("/copy", 1, 1, 10)],
        ] {
            assert!(list(&cluster, disk).is_err(), "{disk:?}");
        }
        let mut away = cluster.clone();
        away.photos[0].files[1].offline = true;
        assert!(list(&away, &[("/keep", 1, 1, 10), ("/copy", 2, 1, 10)]).is_err());
    }

    #[test]
    fn a_file_on_two_devices_may_be_one_that_is_seen_twice() {
        assert_eq!([major(NOW.device), major(50)], [8, 0], "a disk, and a device without one");
        for (what, other, is_view) in [
            ("an overlay", Now { device: 50, ..NOW }, true),
            ("one that numbers files itself", Now { device: 50, inode: 9, ..NOW }, true),
            ("a share, with its precision", Now { device: 50, ctime_ns: 99, ..NOW }, true),
            ("another device of the same disk", Now { device: 9 << 8, ..NOW }, true),
            ("another file on another disk", Now { device: 9 << 8, inode: 9, ..NOW }, false),
            ("another file on the same disk", Now { inode: 9, ..NOW }, false),
            ("another size", Now { device: 50, size: 9, ..NOW }, false),
            ("changed at another time", Now { device: 50, ctime_ns: 100, ..NOW }, false),
        ] {
            assert_eq!((NOW.may_be_view_of(&other), other.may_be_view_of(&NOW)), (is_view, is_view), "{what}");
        }
        // Neither the file that stays nor any other of the cluster is seen twice.
        let files = ["/keep", "/copy", "/view"];
        let cluster = cluster(vec![photo(files.map(|path| file(path, 10)).into())], &[]);
        for (inode, ctime_ns, other) in [(1, 6, "/keep"), (2, 106, "/copy")] {
            let mut disk = disk(&[("/keep", 1, 1, 10), ("/copy", 2, 1, 10), ("/view", 0, 1, 10)]);
            disk.0.get_mut(Path::new("/copy")).expect("is there").0.ctime_ns = 106;
            disk.0.get_mut(Path::new("/view")).expect("is there").0 = Now { device: 50, inode, ctime_ns, ..NOW };
            let why = list_on(&cluster, &disk).expect_err("it may be one file");
            assert!(why.contains(&format!("{other} and /view may be one file at two paths")), "{why}");
        }
    }

    #[test]
    fn the_bytes_tell_if_only_the_ctime_changed() {
        let cluster = cluster(vec![photo(vec![file("/keep", 10), file("/copy", 10)])], &[]);
        for (bytes, can_go) in [("/copy", true), ("other bytes", false)] {
            let mut disk = disk(&[("/keep", 1, 1, 10), ("/copy", 2, 1, 10)]);
            let copy = disk.0.get_mut(Path::new("/copy")).expect("is there");
            (copy.0.ctime_ns, copy.1) = (7, bytes);
            assert_eq!(list_on(&cluster, &disk).is_ok(), can_go, "{bytes}");
        }
    }

    #[test]
    fn the_only_file_of_its_picture_stays_only_if_it_can_be_decoded_whole() {
        let disk = [("/broken", 1, 1, 10), ("/copy", 2, 1, 10), ("/crop", 3, 1, 11)];
        let keeper = photo(vec![file("/broken", 10), file("/copy", 10)]);
        assert_eq!(list(&cluster(vec![keeper.clone()], &[]), &disk).expect("its copies have the same picture"), ["/copy"]);
        let with_version = cluster(vec![keeper, photo(vec![file("/crop", 11)])], &[(0, 1, Relation::Edit)]);
        let why = list(&with_version, &disk).expect_err("the crop may be all that is left");
        assert!(why.contains("/broken, which would stay, cannot be decoded whole: it ends early"), "{why}");
    }

    #[test]
    fn only_a_direct_version_of_the_keeper_can_go() {
        let photos = ["/keep", "/crop", "/chained", "/frame"].into_iter().zip([10, 11, 12, 13]);
        let photos: Vec<Photo> = photos.map(|(path, size)| photo(vec![file(path, size)])).collect();
        let disk = [("/keep", 1, 1, 10), ("/crop", 2, 1, 11), ("/chained", 3, 1, 12), ("/frame", 4, 1, 13)];
        for no_version in [Relation::Series, Relation::Part, Relation::Unknown] {
            let pairs = [(0, 1, Relation::Edit), (1, 2, Relation::Edit), (0, 3, no_version)];
            assert_eq!(list(&cluster(photos.clone(), &pairs), &disk), Ok(vec!["/crop".into()]), "{no_version}");
        }
    }

    #[test]
    fn equal_lengths_with_other_bytes_may_be_damage() {
        let photos = vec![photo(vec![file("/keep", 10)]), photo(vec![file("/other", 10)])];
        let said = list(&cluster(photos, &[(0, 1, Relation::Edit)]), &[("/keep", 1, 1, 10), ("/other", 2, 1, 10)]);
        assert!(said.is_err_and(|why| why.contains("damaged")));
        // Of the keeper a smaller version may be all that is left.
        let small = Photo { width: 150, height: 100, ..photo(vec![file("/small", 4)]) };
        let photos = vec![photo(vec![file("/keep", 10)]), small, photo(vec![file("/other", 10)])];
        let pairs = [(0, 1, Relation::Copy), (0, 2, Relation::Edit)];
        let said = list(&cluster(photos, &pairs), &[("/keep", 1, 1, 10), ("/small", 2, 1, 4), ("/other", 3, 1, 10)]);
        assert!(said.is_err_and(|why| why.contains("/keep and /other differ only in their bytes")));
        // One of each stays, so copies of the same bytes can go.
        let equal = |path: &str, content: &str| PhotoFile { content: content.to_owned(), ..file(path, 10) };
        let photos =
            vec![photo(vec![equal("/keep", "a"), equal("/keep-too", "a")]), photo(vec![equal("/other", "b"), equal("/other-too", "b")])];
        let mut disk = disk(&[("/keep", 1, 1, 10), ("/keep-too", 2, 1, 10), ("/other", 3, 1, 10), ("/other-too", 4, 1, 10)]);
        for (path, bytes) in [("/keep", "a"), ("/other", "b")] {
            disk.0.get_mut(Path::new(path)).expect("is there").1 = bytes;
        }
        let listed = list_on(&cluster(photos, &[(0, 1, Relation::Edit)]), &disk);
        assert_eq!(listed, Ok(vec!["/keep-too".into(), "/other-too".into()]));
    }

    #[test]
    fn zeros_at_the_end_are_no_damage() {
        let padded = |path: &str, size, padding_bytes| PhotoFile {
            metadata: Some(FileMetadata { padding_bytes, ..FileMetadata::default() }),
            ..file(path, size)
        };
        let photos = vec![photo(vec![file("/a", 4)]), photo(vec![padded("/b", 10, 6)])];
        let listed = |bytes: [&'static str; 2]| {
            let mut disk = disk(&[("/a", 1, 1, 4), ("/b", 2, 1, 10)]);
            for (path, bytes) in ["/a", "/b"].into_iter().zip(bytes) {
                disk.0.get_mut(Path::new(path)).expect("is there").1 = bytes;
            }
            let mut photos = photos.clone();
            photos.iter_mut().zip(bytes).for_each(|(photo, bytes)| photo.files[0].content = bytes.to_owned());
            list_on(&cluster(photos, &[(0, 1, Relation::Copy)]), &disk)
        };
        assert_eq!(listed(["data", "data000000"]), Ok(vec!["/b".into()]));
        assert!(listed(["dxta", "data000000"]).is_err_and(|why| why.contains("one of them may be damaged")));
    }

    #[test]
    fn hard_links_go_together_and_other_views_of_a_folder_once() {
        let mut copy = file("/copy", 10);
        copy.also = vec![text("/link"), text("/view")];
        let cluster = cluster(vec![photo(vec![file("/keep", 10), copy])], &[]);
        let files = |links| [("/keep", 1, 1, 10), ("/copy", 2, links, 10), ("/link", 2, links, 10), ("/view", 3, links, 10)];
        assert_eq!(list(&cluster, &files(2)), Ok(vec!["/copy".into(), "/link".into()]));
        assert_eq!(list(&cluster, &files(1)), Ok(vec!["/copy".into()]));
    }
}
