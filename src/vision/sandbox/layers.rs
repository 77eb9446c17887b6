//! The sandbox layers of Linux. Landlock denies files, network and other processes, and seccomp denies every system
//! call that decoding does not need.

use std::{fs, io};

use landlock::{Access, AccessFs, AccessNet, Ruleset, RulesetAttr, Scope};
use rustix::process::{DumpableBehavior, getpid, set_dumpable_behavior};
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};

use crate::sys::restrict::{self, Calls, LANDLOCK, case};

/// System calls that decoding, allocating and exiting need, allowed with any arguments. None of them takes a path.
const ALLOWED: [i64; 26] = [
    libc::SYS_read,
    libc::SYS_recvmsg,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_brk,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // Needed to start a thread.
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// System calls that fail as if they did not exist, because the C library has an alternative: `clone` for `clone3`,
/// whose flags are in memory where a filter cannot read them. glibc also opens a file of kernel settings before it
/// returns memory.
const REFUSED: [i64; 2] = [libc::SYS_clone3, libc::SYS_openat];

/// The flags of `clone` in `pthread_create`. musl adds CLONE_DETACHED, which has no effect.
const THREAD: i32 = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID;

/// Makes the kernel end this process, not the daemon, when memory runs out. It also disables core dumps, which a size
/// limit does not prevent if a program collects them.
pub fn give_way() {
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// From now on this thread cannot open files, connect or send signals. Open files stay open.
///
/// # Errors
/// When the kernel does not have it.
pub fn landlock() -> io::Result<()> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(|rules| rules.create())
        .map_err(io::Error::other)?;
    restrict::landlock(rules).map(drop)
}

/// From now on a system call that is not allowed ends the process with SIGSYS, in this thread and in those it starts.
///
/// # Errors
/// When the kernel does not have it.
pub fn seccomp() -> io::Result<()> {
    let refused = REFUSED.into_iter().map(|call| (call, Vec::new())).collect();
    restrict::seccomp(refused, SeccompAction::Errno(libc::ENOSYS as u32), SeccompAction::Allow)?;
    // The last one forbids setting another.
    restrict::seccomp(allowed()?, SeccompAction::Allow, SeccompAction::KillProcess)
}

fn allowed() -> io::Result<Calls> {
    let mut calls: Calls = ALLOWED.into_iter().chain(REFUSED).map(|call| (call, Vec::new())).collect();
    let mut allow_where = |call, conditions: &[_]| -> io::Result<()> {
        calls.insert(call, vec![case(conditions)?]);
        Ok(())
    };
    // No executable memory.
    allow_where(libc::SYS_mmap, &[(2, MaskedEq(libc::PROT_EXEC as u64), 0)])?;
    allow_where(libc::SYS_mprotect, &[(2, MaskedEq(libc::PROT_EXEC as u64), 0)])?;
    // jpeg-decoder uses named threads. New processes are not allowed.
    allow_where(libc::SYS_clone, &[(0, MaskedEq(u64::from(!libc::CLONE_DETACHED as u32)), THREAD as u64)])?;
    allow_where(libc::SYS_prctl, &[(0, Eq, libc::PR_SET_NAME as u64)])?;
    // It can only send to the daemon: the socket is connected, and no address is allowed.
    allow_where(libc::SYS_sendto, &[(5, Eq, 0)])?;
    // It sets its own CPU limit before each file.
    allow_where(libc::SYS_prlimit64, &[(0, Eq, 0), (1, Eq, libc::RLIMIT_CPU as u64)])?;
    // It may signal itself, as `abort` does in glibc and musl.
    let itself = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    allow_where(libc::SYS_tgkill, &[(0, Eq, itself), (2, Eq, libc::SIGABRT as u64)])?;
    allow_where(libc::SYS_tkill, &[(0, Eq, itself), (1, Eq, libc::SIGABRT as u64)])?;
    // The standard library checks a descriptor before it closes a file, in debug builds.
    allow_where(libc::SYS_fcntl, &[(1, Eq, libc::F_GETFD as u64)])?;
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpListener;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{self, Command, ExitStatus, Stdio};
    use std::{env, panic, thread};

    use rustix::process::{Resource, Rlimit, Signal, getppid, setrlimit, test_kill_process};

    use super::*;

    const ACTION_VARIABLE: &str = "SIMILARD_SANDBOXED_ACTION";

    /// Exit codes of the process that runs the action.
    const EXIT_DONE: i32 = 40;
    const EXIT_DENIED: i32 = 41;
    const EXIT_NO_LAYER: i32 = 42;

    /// Does nothing except in the process that `behind` starts: there it runs one action and exits.
    #[test]
    fn acts_when_told_to() {
        let Ok(told) = env::var(ACTION_VARIABLE) else { return };
        let (layer, action) = told.split_once(' ').expect("a layer and an action");
        let restricted = if layer == "landlock" { landlock() } else { seccomp() };
        if restricted.is_err() {
            process::exit(EXIT_NO_LAYER);
        }
        let done = match action {
            "open" => File::open("/etc/passwd").map(drop),
            "create" => File::create(env::temp_dir().join("similard-sandbox")).map(drop),
            "listen" => TcpListener::bind("127.0.0.1:0").map(drop),
            "run" => Command::new("/bin/true").spawn().map(drop),
            "signal" => test_kill_process(getppid().expect("a parent")).map_err(io::Error::from),
            "start a thread" => thread::Builder::new().name("named".into()).spawn(|| vec![1; 1 << 20]).map(|thread| drop(thread.join())),
            "limit its memory" => setrlimit(Resource::As, Rlimit { current: None, maximum: None }).map_err(io::Error::from),
            "limit its time" => setrlimit(Resource::Cpu, Rlimit { current: Some(9), maximum: None }).map_err(io::Error::from),
            "allocate" => {
                let mut bytes = vec![1u8; 1 << 20];
                bytes.resize(64 << 20, 2);
                Ok(())
            }
            "panic" => {
                panic::set_hook(Box::new(|_| {}));
                panic::catch_unwind(|| assert!(env::args().count() == 0)).map_or(Ok(()), |()| panic!("it had no arguments"))
            }
            "abort" => process::abort(),
            _ => panic!("{action} is not known"),
        };
        let denied = |e: io::Error| match e.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => EXIT_DENIED,
            _ => panic!("{action}: {e}"),
        };
        process::exit(done.map_or_else(denied, |()| EXIT_DONE));
    }

    /// The exit status of a process that runs the action in the sandbox layer. `None` if the kernel does not have
    /// that layer.
    fn behind(layer: &str, action: &str) -> Option<ExitStatus> {
        let ended = Command::new(env::current_exe().expect("this test"))
            .args(["vision::sandbox::layers::tests::acts_when_told_to", "--exact", "--nocapture"])
            .env(ACTION_VARIABLE, format!("{layer} {action}"))
            .stdout(Stdio::null())
            .status()
            .expect("it runs");
        if ended.code() == Some(EXIT_NO_LAYER) {
            crate::sys::skip(&format!("this kernel has no {layer}"));
            return None;
        }
        Some(ended)
    }

    #[test]
    fn landlock_refuses_files_and_programs() {
        for action in ["open", "create", "run"] {
            let Some(ended) = behind("landlock", action) else { return };
            assert_eq!(ended.code(), Some(EXIT_DENIED), "{action}: {ended}");
        }
        for action in ["start a thread", "allocate", "panic"] {
            assert_eq!(behind("landlock", action).and_then(|e| e.code()), Some(EXIT_DONE), "{action}");
        }
    }

    #[test]
    fn seccomp_ends_what_does_anything_but_decode() {
        for action in ["open", "create"] {
            let Some(ended) = behind("seccomp", action) else { return };
            assert_eq!(ended.code(), Some(EXIT_DENIED), "{action}: {ended}");
        }
        for action in ["listen", "run", "signal", "limit its memory"] {
            let Some(ended) = behind("seccomp", action) else { return };
            assert_eq!(ended.signal(), Some(Signal::SYS.as_raw()), "{action}: {ended}");
        }
        for action in ["limit its time", "start a thread", "allocate", "panic"] {
            assert_eq!(behind("seccomp", action).and_then(|e| e.code()), Some(EXIT_DONE), "{action}");
        }
        let aborted = behind("seccomp", "abort").expect("it holds");
        assert_eq!(aborted.signal(), Some(Signal::ABORT.as_raw()), "a crash differs from a forbidden system call: {aborted}");
    }
}
