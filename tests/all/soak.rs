//! A soak: random changes of two watched folders by one program after the other, and an oracle that reads the disk itself.
//!
//! The oracle knows every picture that was ever written by its bytes, so it shares no code with the daemon. After some
//! changes the answer must be that of the oracle without a scan, and everything that `paths0` lists must have another
//! file on the disk with the same picture.
//!
//! A small part of it is a test. `SIMILARD_SOAK` is the number of changes for each seed, `SIMILARD_SOAK_SEEDS` the number of
//! seeds, and `SIMILARD_SOAK_FIRST_SEED` the first of them:
//!
//!     SIMILARD_SOAK=5000 SIMILARD_SOAK_SEEDS=10 cargo test --test all soak -- --nocapture

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rusqlite::Connection;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array};

/// The longest that an answer may differ after the last change.
const SETTLES_IN: Duration = Duration::from_secs(60);

const CHANGES_PER_CHECK: usize = 100;

/// Each picture is written in this many files, which differ in their metadata.
const VARIANTS: u8 = 3;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// All files that are ever written, with the number of their picture. They have one length, so that one can be written
/// over another without a trace in the size.
fn contents() -> Vec<(Vec<u8>, usize)> {
    let pictures: Vec<Vec<u8>> = photos::NAMES.iter().map(|name| photos::jpeg(&photos::half(&photos::open(name)), 60)).collect();
    // The metadata are a date that programs write, so any of the files may go.
    let [before, after] = [
        "http://ns.adobe.com/xap/1.0/\0<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description
         xmlns:xmp='http://ns.adobe.com/xap/1.0/'><xmp:ModifyDate>",
        "</xmp:ModifyDate></rdf:Description></rdf:RDF>",
    ];
    let length = pictures.iter().map(Vec::len).max().expect("pictures") + before.len() + after.len() + 64;
    let padded = |picture: &[u8], variant: u8| {
        let padding = vec![b'a' + variant; length - picture.len() - before.len() - after.len() - 4];
        let packet = [before.as_bytes(), &padding, after.as_bytes()].concat();
        let size = (packet.len() as u16 + 2).to_be_bytes();
        [&picture[..2], &[0xff, 0xe1], &size, &packet, &picture[2..]].concat()
    };
    pictures.iter().enumerate().flat_map(|(number, picture)| (0..VARIANTS).map(move |v| (padded(picture, v), number))).collect()
}

/// The places of a soak.
struct Ground {
    instance: Instance,
    roots: [PathBuf; 2],
    contents: Vec<(Vec<u8>, usize)>,
    /// The picture of each content.
    pictures: HashMap<Vec<u8>, usize>,
    /// The changes since the last check.
    log: RefCell<Vec<String>>,
}

impl Drop for Ground {
    fn drop(&mut self) {
        while self.unmount() {}
    }
}

/// What is on the disk.
#[derive(Default)]
struct Disk {
    /// Picture, and device and inode, of each file.
    files: BTreeMap<PathBuf, (usize, (u64, u64))>,
}

/// The files of one picture.
#[derive(Default)]
struct Group {
    paths: BTreeSet<PathBuf>,
    inodes: BTreeSet<(u64, u64)>,
}

impl Disk {
    fn read(&mut self, folder: &Path, pictures: &HashMap<Vec<u8>, usize>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a type"));
            if kind.is_dir() {
                self.read(&path, pictures);
            } else if kind.is_file() {
                let found = entry.metadata().expect("a file");
                let picture = pictures[&fs::read(&path).expect("read")];
                self.files.insert(path, (picture, (found.dev(), found.ino())));
            }
        }
    }

    /// The number of files that these paths are names of. A path that is not there counts as one.
    fn inodes(&self, paths: &BTreeSet<PathBuf>) -> usize {
        paths.iter().map(|path| self.files.get(path).map(|(_, inode)| *inode).ok_or(path)).collect::<HashSet<_>>().len()
    }

    /// The files of each picture that is in several of them. Names of one inode are one file.
    fn groups(&self) -> BTreeSet<BTreeSet<PathBuf>> {
        let mut of_pictures: HashMap<usize, Group> = HashMap::new();
        for (path, (picture, inode)) in &self.files {
            let group = of_pictures.entry(*picture).or_default();
            group.paths.insert(path.clone());
            group.inodes.insert(*inode);
        }
        of_pictures.into_values().filter(|group| group.inodes.len() > 1).map(|group| group.paths).collect()
    }
}

impl Ground {
    fn new() -> Ground {
        let instance = Instance::new();
        let roots = ["one", "two"].map(|name| instance.folder(name));
        let contents = contents();
        let pictures = contents.iter().cloned().collect();
        Ground { instance, roots, contents, pictures, log: RefCell::default() }
    }

    /// The folders on which another folder or filesystem is mounted. A mount moves with the folder that holds it.
    fn mounts(&self) -> Vec<PathBuf> {
        let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let points = table.lines().filter_map(|line| line.split(' ').nth(1)).map(PathBuf::from);
        points.filter(|point| self.roots.iter().any(|root| point.starts_with(root))).collect()
    }

    /// Unmounts what was mounted last, and returns whether that was possible.
    fn unmount(&self) -> bool {
        let Some(point) = self.mounts().pop() else { return false };
        Command::new("umount").arg("-l").arg(point).status().is_ok_and(|ended| ended.success())
    }

    /// Mounts a folder of a root, or an empty filesystem, below a root, if this user may mount.
    fn mount(&self, rng: &mut Rng, folder: &Path) -> io::Result<()> {
        if self.mounts().len() >= 2 {
            self.unmount();
            return Ok(());
        }
        // Below the root itself, because a mount point cannot be renamed.
        let point = self.roots[rng.usize(..2)].join(format!("mount{}", rng.u8(..3)));
        fs::create_dir_all(&point)?;
        let is_bind = rng.bool() && folder.is_dir();
        let words = if is_bind { ["--bind".as_ref(), folder.as_os_str()] } else { ["-ttmpfs", "tmpfs"].map(OsStr::new) };
        let mounted = Command::new("mount").args(words).arg(&point).stderr(Stdio::null()).status()?;
        if mounted.success() {
            for name in 0..2 {
                fs::write(point.join(format!("p{name}.jpg")), &self.contents[rng.usize(..self.contents.len())].0)?;
            }
        }
        Ok(())
    }

    /// Makes one random change. An error means that something was not there.
    fn change(&self, rng: &mut Rng) -> io::Result<()> {
        let folder = |rng: &mut Rng| {
            let mut folder = self.roots[rng.usize(..2)].clone();
            (0..rng.u8(..3)).for_each(|_| folder.push(format!("d{}", rng.u8(..3))));
            folder
        };
        let file = |rng: &mut Rng| {
            let folder = folder(rng);
            folder.join(format!("p{}.jpg", rng.u8(..8)))
        };
        let content = &self.contents[rng.usize(..self.contents.len())].0;
        let (at, other) = (file(rng), file(rng));
        let (from, to) = (folder(rng), folder(rng));
        let kind = rng.u8(..100);
        self.log.borrow_mut().push(format!("{kind} {} {} {} {}", at.display(), other.display(), from.display(), to.display()));
        let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        match kind {
            0..22 => {
                fs::create_dir_all(from.join(format!("d{}", rng.u8(..3))))?;
                if fs::symlink_metadata(&at).is_ok_and(|found| found.is_symlink()) {
                    fs::remove_file(&at)?;
                }
                fs::write(&at, content)
            }
            22..32 => {
                // As programs save: beside it, and renamed.
                let part = at.with_extension("part");
                fs::write(&part, content)?;
                fs::rename(&part, &at)
            }
            32..44 if is_file(&at) => over(&at, content),
            44..50 if is_file(&at) => {
                // Through a name that is there for a moment only. No event tells of one outside the watched folders.
                let name = self.roots[rng.usize(..2)].join("name.jpg");
                fs::hard_link(&at, &name)?;
                let written = over(&name, content);
                fs::remove_file(&name)?;
                written
            }
            50..57 => fs::hard_link(&at, &other),
            57..60 => symlink(&other, &at),
            60..64 if is_file(&at) => fs::set_permissions(&at, Permissions::from_mode([0o600, 0o644][rng.usize(..2)])),
            64..70 => fs::rename(&at, &other),
            70..75 => renameat_with(CWD, &at, CWD, &other, RenameFlags::EXCHANGE).map_err(io::Error::from),
            75..85 => fs::remove_file(&at),
            // A root that is elsewhere is offline. The oracle knows the roots by their paths.
            85..91 if self.roots.contains(&from) => Ok(()),
            85..91 => fs::rename(from, to),
            91..93 => renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE).map_err(io::Error::from),
            93..95 => {
                if self.roots.contains(&from) {
                    Ok(())
                } else {
                    fs::remove_dir_all(from)
                }
            }
            95 => renameat_with(CWD, &self.roots[0], CWD, &self.roots[1], RenameFlags::EXCHANGE).map_err(io::Error::from),
            96 => fs::create_dir_all(from),
            97 => self.mount(rng, &from),
            98 if is_file(&at) => through_memory(&at, content),
            _ => {
                thread::sleep(Duration::from_millis(rng.u64(..300)));
                Ok(())
            }
        }
    }

    fn disk(&self) -> Disk {
        let mut disk = Disk::default();
        self.roots.iter().for_each(|root| disk.read(root, &self.pictures));
        disk
    }

    /// Waits until the answer is that of the oracle. Nothing is scanned on request.
    fn check(&self, what: &str) {
        let disk = self.disk();
        let (expected, files) = (disk.groups(), disk.files.len() as u64);
        let began = Instant::now();
        loop {
            let words = ["dupes", "--relation=identical", "--format=json", "--no-wait", "--everywhere"].map(OsStr::new);
            let output = self.instance.run(words.into_iter().chain(self.roots.iter().map(|root| root.as_os_str())));
            // Refused while the daemon has not noticed a mount or its end yet.
            if !output.status.success() && began.elapsed() < SETTLES_IN {
                thread::sleep(Duration::from_millis(200));
                continue;
            }
            let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let photos = array(&answer["clusters"]).iter().flat_map(|cluster| array(&cluster["photos"]));
            let told: BTreeSet<BTreeSet<PathBuf>> = photos.map(here).filter(|paths| disk.inodes(paths) > 1).collect();
            let status = self.instance.status();
            let away = array(&status["roots"]).iter().map(|root| root["away"].as_u64().expect("a number")).sum::<u64>();
            let indexed = answer["coverage"]["indexed"].as_u64().map(|indexed| indexed - away);
            if told == expected && indexed == Some(files) {
                self.log.borrow_mut().clear();
                break;
            }
            if began.elapsed() < SETTLES_IN {
                thread::sleep(Duration::from_millis(200));
                continue;
            }
            let mut with_photo = self.stored();
            with_photo.retain(|_, [.., photo]| photo.is_some());
            panic!(
                "{:#?}\n{what}: {indexed:?} of {files} files, {away} away; not in the index: {:#?}; not told as it is: {:#?}\n{:#?}",
                self.log.borrow(),
                disk.files.keys().filter(|path| !with_photo.contains_key(*path)).collect::<Vec<_>>(),
                self.differing(&told, &expected),
                array(&status["roots"])
                    .iter()
                    .map(|root| format!("{} {} {} {}", root["path"], root["state"], root["coverage"], root["away"]))
                    .collect::<Vec<_>>()
            );
        }
        self.check_removable(&disk, what);
    }

    /// What the index says of each file: inode, mtime, ctime, pending, photo.
    fn stored(&self) -> BTreeMap<PathBuf, [Option<i64>; 5]> {
        let open = |name| Connection::open(self.instance.data_dir().join(name)).expect("opens");
        let (index, library) = (open("index.db"), open("library.db"));
        let mut files = index.prepare("SELECT root, path, inode, mtime, ctime, pending, photo FROM files").expect("prepared");
        let of_root = |root: i64| library.query_row("SELECT path FROM roots WHERE id = ?1", [root], |row| row.get::<_, Vec<u8>>(0));
        let path =
            |root: i64, path: Vec<u8>| PathBuf::from(OsStr::from_bytes(&of_root(root).expect("a root"))).join(OsStr::from_bytes(&path));
        let rows = files.query_map([], |row| {
            let numbers = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
            Ok((path(row.get(0)?, row.get(1)?), numbers))
        });
        rows.expect("rows").collect::<rusqlite::Result<_>>().expect("paths")
    }

    /// What the index and the disk say of files that are not told as they are.
    fn differing(&self, told: &BTreeSet<BTreeSet<PathBuf>>, expected: &BTreeSet<BTreeSet<PathBuf>>) -> Vec<String> {
        let stored = self.stored();
        let group =
            |groups: &BTreeSet<BTreeSet<PathBuf>>, path: &PathBuf| groups.iter().find(|group| group.contains(path)).map(BTreeSet::len);
        let all: BTreeSet<&PathBuf> = told.symmetric_difference(expected).flatten().collect();
        let line = |path: &&PathBuf| {
            let now = fs::symlink_metadata(path)
                .map(|m| (m.ino(), m.mtime() * 1_000_000_000 + m.mtime_nsec(), m.ctime() * 1_000_000_000 + m.ctime_nsec()));
            format!(
                "{} told in {:?}, is in {:?}; index {:?}; disk {now:?}",
                path.display(),
                group(told, path),
                group(expected, path),
                stored.get(*path)
            )
        };
        all.iter().map(line).collect()
    }

    /// Checks that a file with the same picture stays for each file that `paths0` lists.
    fn check_removable(&self, disk: &Disk, what: &str) {
        // What was on a filesystem that is not mounted any more is away, and the answer is not whole.
        let words = ["dupes", "--format=paths0", "--relation=identical", "--partial"].map(OsStr::new);
        let output = self.instance.run(words.into_iter().chain(self.roots.iter().map(|root| root.as_os_str())));
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        let listed: BTreeSet<PathBuf> =
            output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(|path| OsStr::from_bytes(path).into()).collect();
        for path in &listed {
            let (picture, inode) = disk.files[path];
            let stays = disk.files.iter().any(|(other, found)| !listed.contains(other) && found.0 == picture && found.1 != inode);
            assert!(stays, "{what}: {} is listed, and no other file with its picture stays", path.display());
        }
    }
}

/// The paths of a photo in an answer that are here.
fn here(photo: &Value) -> BTreeSet<PathBuf> {
    let away: Vec<u64> = photo["offline"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let paths = (0..).zip(array(&photo["paths"])).filter(|(at, _)| !away.contains(at));
    paths.map(|(_, path)| PathBuf::from(path.as_str().expect("a path"))).collect()
}

/// Writes over a file by way of a mapping into memory, which raises no event until the file is closed, and puts its time
/// back.
fn through_memory(path: &Path, content: &[u8]) -> io::Result<()> {
    let script = "import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDWR)
before = os.fstat(f)
m = mmap.mmap(f, 0)
m[:] = sys.stdin.buffer.read()
m.flush(); m.close()
os.utime(f, ns=(before.st_atime_ns, before.st_mtime_ns))
os.close(f)";
    let python = Command::new("python3").args(["-c", script]).arg(path).stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut python) = python else { return Ok(()) };
    python.stdin.take().expect("piped").write_all(content)?;
    python.wait().map(drop)
}

/// Writes over a file of the same length, and puts its time back.
fn over(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    let written = file.metadata()?.modified()?;
    file.write_all(content)?;
    file.set_modified(written)
}

#[test]
fn after_random_changes_the_answer_is_that_of_the_disk() {
    let (changes, seeds) = (setting("SIMILARD_SOAK", 200), setting("SIMILARD_SOAK_SEEDS", 1));
    let first = setting("SIMILARD_SOAK_FIRST_SEED", 0);
    for seed in (first..first + seeds).map(|seed| seed as u64) {
        let ground = Ground::new();
        let mut rng = Rng::with_seed(seed);
        ground.check("at first");
        for done in (0..changes).step_by(CHANGES_PER_CHECK) {
            // Now and then the daemon is stopped for a moment, or killed.
            let pid = ground.instance.pid().to_string();
            let signal = |name: &str| Command::new("kill").args([name, &pid]).status().is_ok_and(|ended| ended.success());
            let is_stopped = rng.u8(..4) == 0 && signal("-STOP");
            for _ in 0..CHANGES_PER_CHECK {
                let done = ground.change(&mut rng);
                ground.log.borrow_mut().extend(done.err().map(|e| format!("    {e}")));
            }
            if is_stopped {
                assert!(signal("-CONT"));
            } else if rng.u8(..4) == 0 {
                ground.instance.kill();
            }
            ground.check(&format!("seed {seed}, after {} changes", done + CHANGES_PER_CHECK));
        }
        println!("seed {seed}: {changes} changes, no difference");
    }
}

#[test]
fn folders_that_change_places_while_files_are_written_are_read_again() {
    let ground = Ground::new();
    let [one, two] = ["d0", "d1"].map(|name| ground.roots[0].join(name));
    for (number, folder) in [&one, &two].into_iter().enumerate() {
        fs::create_dir(folder).expect("made");
        for file in 0..4 {
            fs::write(folder.join(format!("p{file}.jpg")), &ground.contents[3 * (number + file)].0).expect("written");
        }
    }
    ground.check("at first");
    for round in 0..3 {
        renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).expect("exchanged");
        // The event has the path of the file in the other folder.
        over(&one.join("p1.jpg"), &ground.contents[12 + 3 * round].0).expect("written");
        ground.check("after they changed places");
    }
}

#[test]
fn a_file_that_was_written_through_another_name_before_it_moved_is_read_again() {
    let ground = Ground::new();
    let [here, there] = [ground.roots[0].join("p0.jpg"), ground.roots[1].join("p1.jpg")];
    for (number, file) in [&here, &there].into_iter().enumerate() {
        fs::write(file, &ground.contents[3 * number].0).expect("written");
        fs::write(file.with_file_name("same.jpg"), &ground.contents[3 * number + 1].0).expect("written");
    }
    ground.check("at first");
    let name = ground.roots[0].join("name.jpg");
    // The events of the name are looked at together with those of the exchange, or after them.
    for (round, busy) in [0, 10].into_iter().enumerate() {
        fs::hard_link(&there, &name).expect("linked");
        over(&name, &ground.contents[9 + 3 * round].0).expect("written");
        fs::remove_file(&name).expect("removed");
        renameat_with(CWD, &here, CWD, &there, RenameFlags::EXCHANGE).expect("exchanged");
        for _ in 0..busy {
            thread::sleep(Duration::from_millis(100));
            fs::write(&name, &ground.contents[0].0).expect("written");
            fs::remove_file(&name).expect("removed");
        }
        ground.check("after they were exchanged");
    }
}

#[test]
fn a_file_that_was_written_through_a_name_in_another_root_is_read_again() {
    let ground = Ground::new();
    let file = ground.roots[1].join("p0.jpg");
    fs::write(&file, &ground.contents[0].0).expect("written");
    fs::write(ground.roots[0].join("p1.jpg"), &ground.contents[1].0).expect("written");
    ground.check("at first");
    // All is scanned once more, and then only events tell of changes.
    thread::sleep(Duration::from_secs(12));
    let name = ground.roots[0].join("name.jpg");
    fs::hard_link(&file, &name).expect("linked");
    over(&name, &ground.contents[3].0).expect("written");
    fs::remove_file(&name).expect("removed");
    ground.check("after it was written");
}

#[test]
fn roots_that_change_places_while_files_are_written_are_read_again() {
    let ground = Ground::new();
    let [one, two] = &ground.roots;
    for (number, root) in [one, two].into_iter().enumerate() {
        for file in 0..4 {
            fs::write(root.join(format!("p{file}.jpg")), &ground.contents[3 * (number + file)].0).expect("written");
        }
    }
    ground.check("at first");
    renameat_with(CWD, one, CWD, two, RenameFlags::EXCHANGE).expect("exchanged");
    over(&one.join("p1.jpg"), &ground.contents[12].0).expect("written");
    fs::hard_link(two.join("p2.jpg"), two.join("p7.jpg")).expect("linked");
    over(&two.join("p7.jpg"), &ground.contents[15].0).expect("written");
    ground.check("after they changed places");
}
