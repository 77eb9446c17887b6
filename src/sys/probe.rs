//! Asks disks, without waiting for ever for one that does not answer. The thread that waits for it is left behind: nothing ends it,
//! and nothing waits for its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::background::{Nice, background};
use super::mounts::{Mount, Mounts};

/// How long a mount may take to answer.
const MOUNT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a disk may take to say what is at a path. One that sleeps takes up to about ten seconds to start.
const PATH_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a disk may take for one step of something longer, such as the next bytes of a file.
pub const DISK_STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Mounts, by number, that were asked and have not answered yet. Each has a thread that waits for it.
static UNANSWERED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Returns whether the filesystem of a mount can be listed now. One that has not answered the last time is not asked
/// again until it does.
pub fn answers(mount: &Mount) -> bool {
    let unanswered = || UNANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
    let number = mount.number;
    if !unanswered().insert(number) {
        return false;
    }
    let point = mount.point.clone();
    let ask = move || {
        let is_listed = can_be_listed(&point);
        unanswered().remove(&number);
        is_listed
    };
    in_time(MOUNT_TIMEOUT, ask).unwrap_or(false)
}

/// Asks a disk. `None` if there is no answer in time.
pub fn in_time<T: Send + 'static>(limit: Duration, ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answered, answer) = channel();
    background("probe", Nice::No, move || drop(answered.send(ask()))).ok()?;
    answer.recv_timeout(limit).ok()
}

/// Asks about one path, as [`each_path`].
pub fn path<T: Send + 'static>(path: &Path, ask: impl Fn(&Path) -> T + Clone + Send + 'static) -> Option<T> {
    each_path(&[path.to_owned()], ask).pop().flatten()
}

/// Asks about each path, in this order. `None` for a path whose disk does not answer. Others on a mount that does not answer are
/// not asked about, so a thousand paths there do not take a thousand times as long.
pub fn each_path<T: Send + 'static>(paths: &[PathBuf], ask: impl Fn(&Path) -> T + Clone + Send + 'static) -> Vec<Option<T>> {
    each_within(PATH_TIMEOUT, paths, ask, |silent| {
        let mounts = Mounts::now();
        let mount_of = |path: &Path| mounts.holding(&absolute(path).ok()?).cloned();
        let dead = mount_of(silent).filter(|mount| !answers(mount));
        move |path: &Path| dead.as_ref().is_some_and(|dead| absolute(path).is_ok_and(|path| is_on(&mounts, &path, dead)))
    })
}

fn is_on(mounts: &Mounts, path: &Path, mount: &Mount) -> bool {
    mounts.holding(path).is_some_and(|holding| holding.number == mount.number)
}

/// `with`: which other paths are as silent as this one.
fn each_within<T: Send + 'static, S: Fn(&Path) -> bool>(
    limit: Duration,
    paths: &[PathBuf],
    ask: impl Fn(&Path) -> T + Clone + Send + 'static,
    with: impl Fn(&Path) -> S,
) -> Vec<Option<T>> {
    let mut answers: Vec<Option<T>> = paths.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..paths.len()).collect();
    while !left.is_empty() {
        let (answered, answer) = channel();
        let (batch, ask): (Vec<PathBuf>, _) = (left.iter().map(|&at| paths[at].clone()).collect(), ask.clone());
        // It ends with the first answer that comes too late.
        let asking = background("probe", Nice::No, move || drop(batch.iter().try_for_each(|path| answered.send(ask(path)))));
        let mut asked = 0;
        while asking.is_ok()
            && asked < left.len()
            && let Ok(one) = answer.recv_timeout(limit)
        {
            answers[left[asked]] = Some(one);
            asked += 1;
        }
        left.drain(..asked);
        if !left.is_empty() {
            let is_silent = with(&paths[left.remove(0)]);
            left.retain(|&at| !is_silent(&paths[at]));
        }
    }
    answers
}

fn can_be_listed(folder: &Path) -> bool {
    // A folder without permission has answered.
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none_or(|entry| entry.is_ok()),
        Err(e) => e.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_silent_path_delays_no_other_and_nobody_waits_for_its_thread() {
        let paths = ["/q/1", "/dead/1", "/q/2", "/dead/2", "/slow", "/q/3", "/dead/3"].map(PathBuf::from);
        let ask = |path: &Path| {
            while path.starts_with("/dead") || path.starts_with("/slow") {
                thread::park();
            }
            path.to_owned()
        };
        let waits = Cell::new(0);
        let started = Instant::now();
        let answers = each_within(Duration::from_millis(100), &paths, ask, |silent| {
            waits.set(waits.get() + 1);
            let folder = silent.starts_with("/dead").then_some(Path::new("/dead"));
            move |path: &Path| folder.is_some_and(|folder| path.starts_with(folder))
        });
        let answered: Vec<bool> = answers.iter().map(Option::is_some).collect();
        assert_eq!(answered, [true, false, true, false, false, true, false]);
        assert_eq!(answers[5].as_deref(), Some(Path::new("/q/3")), "each has its own answer");
        assert_eq!(waits.get(), 2, "once for each disk");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_is_there_or_not_is_an_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let look = |at: &Path| fs::metadata(at).is_ok();
        assert_eq!(each_path(&[folder.path().to_owned(), folder.path().join("none")], look), [Some(true), Some(false)]);
        assert_eq!(path(folder.path(), look), Some(true));
        assert_eq!(in_time(Duration::from_millis(50), || thread::sleep(Duration::from_millis(400))), None);
    }
}
