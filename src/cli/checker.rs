//! The check of files that could be removed, on a thread of its own: the disk, and who waits for it.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Read};
use std::iter::once_with;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::fs::lgetxattr;
use rustix::io::Errno;
use tokio::task::spawn_blocking;

use super::disk::{Disk, Now};
use super::failure::{Failure, NOT_WHOLE};
use super::folders::Folders;
use super::picasa::Picasa;
use super::removable::{Removable, removable, unchanged};
use crate::api::types::Cluster;
use crate::photo::{Details, Relation};
use crate::sys::SameProgram;
use crate::sys::mounts::Mounts;
use crate::sys::probe::DISK_STEP_TIMEOUT;
use crate::sys::regular_file::open;
use crate::vision::Limits;
use crate::vision::sandbox::{DecodeError, Decoder};

/// Extended attributes in which file managers keep what a person says of a file: tags, a comment, and Baloo's rating.
const NOTES: [&str; 3] = ["user.xdg.tags", "user.xdg.comment", "user.baloo.rating"];

/// The longest such attribute that is read. Linux allows no longer ones.
const NOTE_MAX_BYTES: usize = 64 << 10;

struct RealDisk {
    folders: RefCell<Folders>,
    picasa: RefCell<Picasa>,
    /// The error says why this program cannot be run to decode files.
    decoder: io::Result<RefCell<Decoder>>,
    /// Where it says after each step that the disk has answered.
    reports: Sender<Report>,
}

impl RealDisk {
    /// Says that the disk has answered, and returns the answer.
    fn answered<T>(&self, answer: T) -> T {
        // Nobody waits any more once a disk was silent for too long.
        let _ = self.reports.send(Report::Step);
        answer
    }

    /// Returns what a decoder makes of a file.
    fn decoded<T>(&self, path: &Path, work: impl FnOnce(&mut Decoder, &fs::File) -> Result<T, DecodeError>) -> Result<T, String> {
        let decoder = self.decoder.as_ref().map_err(|e| e.to_string())?;
        let file = self.answered(open(path)).map_err(|e| e.to_string())?;
        self.answered(work(&mut decoder.borrow_mut(), &file)).map_err(|e| match e {
            DecodeError::Photo(failure) => failure.reason,
            DecodeError::Child(_) => e.to_string(),
        })
    }
}

/// A file each of whose reads is a step.
struct InSteps<'a>(fs::File, &'a RealDisk);

impl Read for InSteps<'_> {
    fn read(&mut self, part: &mut [u8]) -> io::Result<usize> {
        self.1.answered(self.0.read(part))
    }
}

impl Disk for RealDisk {
    fn look(&self, path: &Path) -> io::Result<Now> {
        self.answered(Now::at(path))
    }

    fn content(&self, path: &Path) -> io::Result<String> {
        self.start(path, u64::MAX)
    }

    fn start(&self, path: &Path, bytes: u64) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(InSteps(open(path)?, self).take(bytes))?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    fn details(&self, path: &Path) -> Result<Details, String> {
        self.decoded(path, |decoder, file| decoder.details(file))
    }

    fn decode(&self, path: &Path) -> Result<(), String> {
        self.decoded(path, |decoder, file| decoder.decode_whole(file))
    }

    fn notes(&self, path: &Path) -> io::Result<Vec<Option<Vec<u8>>>> {
        let note = |name: &&str| {
            let mut value = vec![0; NOTE_MAX_BYTES];
            match lgetxattr(path, *name, &mut value) {
                Ok(length) => {
                    value.truncate(length);
                    value.shrink_to_fit();
                }
                Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
            Ok(Some(value).filter(|value| !value.is_empty()))
        };
        let of_picasa = || self.picasa.borrow_mut().of(path);
        self.answered(NOTES.iter().map(note).chain(once_with(of_picasa)).collect())
    }

    fn mounts(&self) -> Mounts {
        Mounts::now()
    }

    fn of_base(&self, photo: &Path) -> io::Result<Vec<PathBuf>> {
        self.folders.borrow_mut().of_base(photo, &|| self.answered(()))
    }
}

enum Task {
    Check(Vec<Cluster>),
    CheckAgain(Removable),
}

enum Report {
    /// A disk has answered. The task goes on.
    Step,
    /// What could be removed, or why nothing may be.
    Done(Result<Removable, String>),
}

/// Checks clusters on a thread of its own, so that a disk that hangs does not hang the caller.
pub struct Checker {
    tasks: Sender<Task>,
    reports: Receiver<Report>,
}

impl Checker {
    /// Lists only versions of these relations to the file that stays.
    pub fn start(relations: Vec<Relation>) -> Checker {
        let (tasks, waiting) = channel();
        let (done, reports) = channel();
        spawn_blocking(move || {
            let decoder = SameProgram::of_this_process().map(|program| Decoder::new(program, Limits::default()));
            let disk = RealDisk {
                folders: RefCell::default(),
                picasa: RefCell::default(),
                decoder: decoder.map(RefCell::new),
                reports: done.clone(),
            };
            let checked = |task| match task {
                Task::Check(clusters) => removable(&clusters, &relations, &disk),
                Task::CheckAgain(removable) => unchanged(removable, &disk),
            };
            waiting.into_iter().try_for_each(|task| done.send(Report::Done(checked(task))))
        });
        Checker { tasks, reports }
    }

    /// Returns the files of some clusters that could be removed, or why none of them may be. Those that have photos of one shot are
    /// checked together.
    ///
    /// # Errors
    /// If a disk does not answer.
    pub fn check(&self, clusters: Vec<Cluster>) -> Result<Result<Removable, String>, Failure> {
        let first = clusters[0].photos[0].path.to_path();
        self.checked(Task::Check(clusters), &first)
    }

    /// Returns the same files if none of them has changed since they were checked, and the file that stays has not, or which
    /// has.
    ///
    /// # Errors
    /// If a disk does not answer.
    pub fn check_again(&self, removable: Removable) -> Result<Result<Removable, String>, Failure> {
        let keeper = removable.keeper().to_owned();
        self.checked(Task::CheckAgain(removable), &keeper)
    }

    fn checked(&self, task: Task, first: &Path) -> Result<Result<Removable, String>, Failure> {
        let _ = self.tasks.send(task);
        answer(&self.reports, DISK_STEP_TIMEOUT).ok_or_else(|| Failure {
            message: format!("the list is incomplete: a disk with versions of {} does not answer", first.display()),
            hint: Some("simctl roots list says which".into()),
            code: NOT_WHOLE,
        })
    }
}

/// Waits for the end of a task, however long it takes. `None` if one step of it takes longer than this.
fn answer(reports: &Receiver<Report>, step: Duration) -> Option<Result<Removable, String>> {
    loop {
        if let Report::Done(result) = reports.recv_timeout(step).ok()? {
            return Some(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::PhotoFile;
    use crate::cli::removable::tests::{cluster, file, photo};

    fn real_disk() -> (RealDisk, Receiver<Report>) {
        let (reports, received) = channel();
        (
            RealDisk { folders: RefCell::default(), picasa: RefCell::default(), decoder: Err(io::ErrorKind::Unsupported.into()), reports },
            received,
        )
    }

    #[test]
    fn the_notes_of_a_file_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let photo = folder.path().join("a.jpg");
        fs::write(&photo, "x").expect("written");
        let disk = real_disk().0;
        assert_eq!(disk.notes(&photo).expect("read"), [None, None, None, None]);
        fs::write(folder.path().join(".picasa.ini"), "[a.jpg]\nstar=yes\n").expect("written");
        let disk = real_disk().0;
        let starred = Some(b"star=yes".to_vec());
        assert_eq!(disk.notes(&photo).expect("read"), [None, None, None, starred.clone()]);
        if rustix::fs::setxattr(&photo, NOTES[0], b"sea", rustix::fs::XattrFlags::CREATE).is_err() {
            return crate::sys::skip("this filesystem has no extended attributes");
        }
        assert_eq!(disk.notes(&photo).expect("read"), [Some(b"sea".to_vec()), None, None, starred]);
    }

    /// The clusters are checked first, and those of one are printed long after.
    #[test]
    fn what_changes_between_its_check_and_its_printing_is_not_listed() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _entered = runtime.enter();
        let checker = Checker::start(vec![Relation::Identical]);
        type Change = fn(&Path) -> io::Result<()>;
        let nothing: Change = |_| Ok(());
        let changes: [(&str, Change); 7] = [
            ("a.jpg has changed", |folder| fs::remove_file(folder.join("a.jpg"))),
            ("a.jpg has changed", |folder| fs::write(folder.join("a.jpg"), "longer than before")),
            ("a.jpg has changed", |folder| fs::rename(folder.join("b.jpg"), folder.join("a.jpg"))),
            ("b.jpg has changed", |folder| fs::write(folder.join("b.jpg"), "longer than before")),
            ("b.jpg has changed", |folder| fs::remove_file(folder.join("b.jpg"))),
            ("b.xmp may be of the shot", |folder| fs::write(folder.join("b.xmp"), "rated")),
            ("b.txt may be of the shot", |folder| fs::write(folder.join("b.txt"), "Ann")),
        ];
        for (said, change) in [("", nothing)].into_iter().chain(changes) {
            let folder = tempfile::tempdir().expect("a folder");
            let paths = ["a.jpg", "b.jpg"].map(|name| folder.path().join(name));
            let files = paths.iter().map(|path| {
                fs::write(path, "a photo").expect("written");
                let Now { size, mtime_ns, ctime_ns, .. } = Now::at(path).expect("there");
                let content = blake3::hash(b"a photo").to_hex().to_string();
                PhotoFile { size, mtime_ns, ctime_ns, content, ..file(path.to_str().expect("text"), size) }
            });
            let checked = checker.check(vec![cluster(vec![photo(files.collect())], &[])]).unwrap_or_else(|e| panic!("{}", e.message));
            let checked = checked.expect("one could go");
            change(folder.path()).expect("changed");
            match checker.check_again(checked).unwrap_or_else(|e| panic!("{}", e.message)) {
                Ok(again) => assert_eq!((again.paths().collect::<Vec<_>>(), said), (vec![paths[1].as_path()], "")),
                Err(why) => assert!(!said.is_empty() && why.contains(said), "{why}: {said}"),
            }
        }
    }

    /// Many files that are all to be hashed take long, though the disk answers all the time.
    #[test]
    fn only_a_disk_that_does_not_answer_is_given_up() {
        let nothing = Removable::default;
        let (steps, received) = channel();
        assert!(answer(&received, Duration::from_millis(1)).is_none(), "it says nothing");
        let disk = std::thread::spawn(move || {
            for _ in 0..6 {
                std::thread::sleep(Duration::from_millis(200));
                steps.send(Report::Step).expect("heard");
            }
            steps.send(Report::Done(Ok(nothing()))).expect("heard");
        });
        assert!(answer(&received, Duration::from_secs(1)).is_some(), "it took longer in all");
        disk.join().expect("ended");
        let (disk, received) = real_disk();
        let folder = tempfile::tempdir().expect("a folder");
        let photo = folder.path().join("a.jpg");
        fs::write(&photo, vec![7; 1 << 20]).expect("written");
        disk.content(&photo).expect("read");
        assert!(received.try_iter().count() > 3, "also within a file");
        disk.look(&photo).expect("there");
        disk.notes(&photo).expect("read");
        assert_eq!(received.try_iter().count(), 2);
    }
}
