//! The fence on Linux: Landlock and seccomp.

use std::io;

use landlock::{Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, make_bitflags};
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};

use super::Writable;
use crate::sys::restrict::{self, Calls, LANDLOCK, case};

/// Refused system calls. Most change a file without opening it for writing, which Landlock does not cover. The last two
/// would bypass the filter: requests to io_uring are not filtered, and the flags of `openat2` are in memory, which a
/// filter cannot read.
const REFUSED: [i64; 18] = [
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    REMOVEXATTRAT,
    FILE_SETATTR,
    // Landlock covers this one from version 3 on.
    libc::SYS_truncate,
    libc::SYS_io_uring_setup,
    libc::SYS_openat2,
];

/// System calls that the libc crate does not name. Their numbers are the same on every architecture.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

/// Older forms of these calls, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLDER_FORMS: [i64; 6] =
    [libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLDER_FORMS: [i64; 0] = [];

/// Requests of `ioctl` that change a file or folder that is open for reading: flags, FAT attributes, fs-verity, and
/// snapshots and subvolumes of btrfs.
const CHANGING_REQUESTS: [u64; 12] = [
    0x4008_6602, // FS_IOC_SETFLAGS
    0x4004_6602, // FS_IOC32_SETFLAGS
    0x4008_7602, // FS_IOC_SETVERSION
    0x401c_5820, // FS_IOC_FSSETXATTR
    0x4004_7211, // FAT_IOCTL_SET_ATTRIBUTES
    0x4080_6685, // FS_IOC_ENABLE_VERITY
    0x5000_9401, // BTRFS_IOC_SNAP_CREATE
    0x5000_940e, // BTRFS_IOC_SUBVOL_CREATE
    0x5000_940f, // BTRFS_IOC_SNAP_DESTROY
    0x5000_9417, // BTRFS_IOC_SNAP_CREATE_V2
    0x5000_9418, // BTRFS_IOC_SUBVOL_CREATE_V2
    0x5000_943f, // BTRFS_IOC_SNAP_DESTROY_V2
];

/// Bits to add to a call's number. On x86-64 the same calls have a second set of numbers (x32).
#[cfg(target_arch = "x86_64")]
const OTHER_NUMBERS: &[i64] = &[0, 0x4000_0000];
#[cfg(not(target_arch = "x86_64"))]
const OTHER_NUMBERS: &[i64] = &[0];

/// Allows writing, creating, renaming and removing files only below the writable folders. Returns the Landlock version
/// that is in force.
pub fn landlock(writable: &Writable<'_>) -> io::Result<i32> {
    // Unix sockets stay allowed, because desktop notifications and the journal use them.
    let all = AccessFs::from_write(LANDLOCK) & !BitFlags::from(AccessFs::ResolveUnix);
    let file = make_bitflags!(AccessFs::{WriteFile | Truncate});
    let socket = make_bitflags!(AccessFs::{MakeSock | RemoveFile});
    // Children use `/dev/null`, and in `/proc` they ask the kernel to kill them before other processes
    // (`vision::sandbox`). `/proc` gives no access to the memory of other processes: Landlock itself allows that for
    // children only.
    let places = [
        (Some(writable.data_dir), all),
        (writable.pictures_dir, all),
        (writable.socket_dir, socket),
        (Some("/dev/null".as_ref()), file),
        (Some("/proc".as_ref()), file),
    ];
    let mut rules = Ruleset::default()
        .handle_access(all)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.create())
        .map_err(io::Error::other)?;
    for (place, access) in places.into_iter().filter_map(|(place, access)| Some((place?, access))) {
        // A path that does not exist needs no rule.
        let Ok(folder) = PathFd::new(place) else { continue };
        rules = rules.add_rule(PathBeneath::new(folder, access)).map_err(io::Error::other)?;
    }
    restrict::landlock(rules)
}

/// Forbids all sockets except Unix sockets, and the changes to files that Landlock does not cover.
pub fn seccomp() -> io::Result<()> {
    let mut calls: Calls = REFUSED.into_iter().chain(REFUSED_OLDER_FORMS).map(|call| (call, Vec::new())).collect();
    calls.insert(libc::SYS_socket, vec![case(&[(0, Ne, libc::AF_UNIX as u64)])?]);
    // `O_TRUNC` truncates a file even if it is not opened for writing.
    let (cut, access) = (libc::O_TRUNC as u64, libc::O_ACCMODE as u64);
    let cut_with = |argument, mode| case(&[(argument, MaskedEq(cut | access), cut | mode)]);
    // Access mode 0 opens for reading, and access mode 3 for neither reading nor writing.
    let cut_unopened = |argument| -> io::Result<_> { Ok(vec![cut_with(argument, 0)?, cut_with(argument, access)?]) };
    calls.insert(libc::SYS_openat, cut_unopened(2)?);
    #[cfg(target_arch = "x86_64")]
    calls.insert(libc::SYS_open, cut_unopened(1)?);
    let requests = CHANGING_REQUESTS.iter().map(|request| case(&[(1, Eq, *request)])).collect::<io::Result<Vec<_>>>()?;
    calls.insert(libc::SYS_ioctl, requests);
    let calls = OTHER_NUMBERS.iter().flat_map(|other| calls.iter().map(move |(call, cases)| (call | other, cases.clone())));
    restrict::seccomp(calls.collect(), SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;
    use std::process::{Command, Stdio, exit};
    use std::time::SystemTime;
    use std::{env, thread};

    use rustix::fs::{OFlags, XattrFlags};

    use super::super::enclose;
    use super::*;

    const FOLDER_VARIABLE: &str = "SIMILARD_ENCLOSED_FOLDER";

    /// A folder with photos, and the two folders of the daemon.
    const FOLDERS: [&str; 3] = ["photos", "data", "run"];

    /// Acts only in the process that the next test starts. There it tries every action and prints the results.
    #[test]
    fn acts_when_told_to() {
        let Some(folder) = env::var_os(FOLDER_VARIABLE) else { return };
        let [photos, data, run] = FOLDERS.map(|name| Path::new(&folder).join(name));
        let fence = enclose(&Writable { data_dir: &data, pictures_dir: None, socket_dir: Some(&run) });
        // Without one of them the actions are not tried. CI has both.
        if fence.landlock.is_none() || !fence.seccomp {
            println!("\nSKIPPED: {}", fence.missing.join(", "));
            exit(0);
        }
        let photo = photos.join("photo");
        let other_thread = thread::spawn({
            let photo = photo.clone();
            move || File::options().append(true).open(photo).map(drop)
        });
        let open_to_cut = || rustix::fs::open(&photo, OFlags::TRUNC | OFlags::RDONLY, rustix::fs::Mode::empty());
        let is_kept = |what: &str, done: io::Result<()>| {
            let refused =
                done.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied || e.kind() == io::ErrorKind::CrossesDevices);
            println!("\n{} {what}: {done:?}", if refused { "KEPT" } else { "NOT KEPT" });
        };
        is_kept("made", File::create_new(photos.join("new")).map(drop));
        is_kept("written", File::options().write(true).open(&photo).map(drop));
        is_kept("written by another thread", other_thread.join().expect("it ends"));
        is_kept("renamed", fs::rename(&photo, photos.join("renamed")));
        is_kept("moved away", fs::rename(&photo, data.join("moved")));
        is_kept("replaced", fs::rename(data.join("own"), &photo));
        is_kept("linked", fs::hard_link(&photo, photos.join("linked")));
        is_kept("removed", fs::remove_file(&photo));
        is_kept("given a folder", fs::create_dir(photos.join("folder")));
        is_kept("cut by opening", open_to_cut().map(drop).map_err(io::Error::from));
        let by_no_mode = OFlags::TRUNC | OFlags::RDWR | OFlags::WRONLY;
        is_kept("cut by neither", rustix::fs::open(&photo, by_no_mode, rustix::fs::Mode::empty()).map(drop).map_err(io::Error::from));
        let flagged = File::open(&photo).and_then(|file| Ok(rustix::fs::ioctl_setflags(&file, rustix::fs::IFlags::NODUMP)?));
        is_kept("given a flag", flagged);
        is_kept("given a mode", fs::set_permissions(&photo, Permissions::from_mode(0o600)));
        is_kept("given a mode while open", File::open(&photo).and_then(|file| file.set_permissions(Permissions::from_mode(0o600))));
        is_kept("given a time", File::open(&photo).and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)));
        is_kept("given an attribute", rustix::fs::setxattr(&photo, "user.similard", b"1", XattrFlags::empty()).map_err(io::Error::from));
        is_kept(
            "changed by a child",
            Command::new("cp")
                .arg(data.join("own"))
                .arg(&photo)
                .stderr(Stdio::null())
                .status()
                .and_then(|ended| if ended.success() { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }),
        );
        is_kept("listened on", TcpListener::bind("127.0.0.1:0").map(drop));
        is_kept("sent from", UdpSocket::bind("127.0.0.1:0").map(drop));

        let works = |what: &str, done: io::Result<()>| println!("\n{} {what}: {done:?}", if done.is_ok() { "WORKS" } else { "FAILS" });
        works("read", fs::read(&photo).map(drop));
        works("own file", fs::write(data.join("index"), b"1"));
        works("own rename", fs::rename(data.join("index"), data.join("index.damaged")));
        works("own folder", fs::create_dir(data.join("folder")).and_then(|()| fs::rename(data.join("own"), data.join("folder/own"))));
        works("own temporary file", tempfile::tempfile_in(&data).map(drop));
        works("own socket", UnixListener::bind(run.join("api.sock")).and_then(|_| UnixStream::connect(run.join("api.sock"))).map(drop));
        works("own socket's end", fs::remove_file(run.join("api.sock")));
        works("a child", Command::new("/bin/true").stdin(Stdio::null()).stdout(Stdio::null()).status().map(drop));
        works("a child that ends first", {
            let mut child = Command::new("sh");
            child.args(["-c", "echo 1000 >/proc/self/oom_score_adj"]);
            child.status().and_then(|ended| if ended.success() { Ok(()) } else { Err(io::ErrorKind::Other.into()) })
        });
        exit(0);
    }

    #[test]
    fn photos_stay_as_they_are_and_the_daemon_works() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in FOLDERS {
            fs::create_dir(folder.path().join(name)).expect("made");
        }
        let photo = folder.path().join("photos/photo");
        fs::write(&photo, b"photo").expect("written");
        fs::write(folder.path().join("data/own"), b"own").expect("written");
        let before = fs::metadata(&photo).expect("there");
        let output = Command::new(env::current_exe().expect("this test"))
            .args(["daemon::fence::linux::tests::acts_when_told_to", "--exact", "--nocapture"])
            .env(FOLDER_VARIABLE, folder.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.lines().any(|line| line.starts_with("SKIPPED")) {
            return crate::sys::skip("this kernel lacks landlock or seccomp");
        }
        let count = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("KEPT "), count("NOT KEPT "), count("WORKS "), count("FAILS ")), (19, 0, 9, 0), "{said}");
        let after = fs::metadata(&photo).expect("still there");
        assert_eq!(fs::read(&photo).expect("still there"), b"photo");
        assert_eq!((after.modified().ok(), after.permissions()), (before.modified().ok(), before.permissions()));
        assert_eq!(fs::read_dir(folder.path().join("photos")).expect("there").count(), 1);
    }
}
