//! Pictures that need more memory or time than allowed, and signals that end the decoding process: each costs one
//! photo. Also the sandbox around that process, and the fence of the daemon.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::Signal;
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, names, skip, wait_until};

fn reasons(instance: &Instance) -> BTreeMap<String, String> {
    let failures = instance.json(["failures", "--format=json"]);
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let name = |path: String| Path::new(&path).file_name().expect("a name").to_string_lossy().into_owned();
    array(&failures["failures"]).iter().map(|f| (name(text(&f["path"])), text(&f["reason"]))).collect()
}

/// A grey picture of 300 MB in a file of a few hundred kB.
fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 10_000, 10_000);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&vec![128; 3 * 10_000 * 10_000])).expect("encodes");
    bytes
}

/// A screen of 100 megapixels with a frame of one pixel.
fn gif() -> Vec<u8> {
    let screen = [b"GIF89a".as_slice(), &10_000u16.to_le_bytes(), &10_000u16.to_le_bytes(), &[0x80, 0, 0], &[0, 0, 0, 255, 255, 255]];
    let frame = [b"\x2c".as_slice(), &[0; 4], &[1, 0, 1, 0, 0], &[2, 2, 0x44, 1, 0, 0x3b]];
    [screen.concat(), frame.concat()].concat()
}

/// A header of 100 megapixels without any data.
fn bmp() -> Vec<u8> {
    let info = [40u32.to_le_bytes(), 10_000u32.to_le_bytes(), 10_000u32.to_le_bytes(), [1, 0, 24, 0]].concat();
    [b"BM".as_slice(), &[0; 8], &54u32.to_le_bytes(), &info, &[0; 24], &[7; 64]].concat()
}

/// One strip of 100 megapixels of three bytes, packed into runs of 128.
fn tiff() -> Vec<u8> {
    let packed: Vec<u8> = [0x81, 0x80].into_iter().cycle().take(2 * (3 * 10_000 * 10_000 / 128)).collect();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let entries = [
        entry(256, 4, 1, 10_000),
        entry(257, 4, 1, 10_000),
        entry(258, 3, 1, 8),
        entry(259, 3, 1, 32773),
        entry(262, 3, 1, 2),
        entry(273, 4, 1, 8 + 2 + 9 * 12 + 4),
        entry(277, 3, 1, 3),
        entry(278, 4, 1, 10_000),
        entry(279, 4, 1, packed.len() as u32),
    ];
    [b"II\x2a\0\x08\0\0\0".as_slice(), &[9, 0], &entries.concat(), &[0; 4], &packed].concat()
}

/// A lossless header of 100 megapixels.
fn webp() -> Vec<u8> {
    let size: u32 = 9_999 | (9_999 << 14);
    let data = [&[0x2f][..], &size.to_le_bytes(), &[0; 59]].concat();
    [b"RIFF".as_slice(), &76u32.to_le_bytes(), b"WEBPVP8L", &64u32.to_le_bytes(), &data].concat()
}

/// A progressive JPEG of four inks in 100,000 scans. Each scan codes 140,000 empty blocks.
fn jpeg() -> Vec<u8> {
    let quantisation = [&[0xff, 0xdb, 0, 67, 0][..], &[1; 64]].concat();
    let inks: Vec<u8> = (1..=4).flat_map(|ink| [ink, 0x11, 0]).collect();
    let frame = [&[0xff, 0xc2, 0, 20, 8][..], &3000u16.to_be_bytes(), &3000u16.to_be_bytes(), &[4], &inks].concat();
    // One code: the next 16,384 blocks are empty, and fourteen bits for the number of further ones.
    let table = [&[0xff, 0xc4, 0, 20, 0x10, 1][..], &[0; 15], &[0xe0]].concat();
    let run = [false].into_iter().chain([true; 14]);
    let bits: Vec<bool> = (0..375 * 375 / 32_767 + 1).flat_map(|_| run.clone()).collect();
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0u8, |byte, (place, &bit)| byte | u8::from(bit) << (7 - place));
    let stuffed = |byte: u8| if byte == 0xff { vec![0xff, 0] } else { vec![byte] };
    let entropy: Vec<u8> = bits.chunks(8).map(byte).flat_map(stuffed).collect();
    let scan = [&[0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0][..], &entropy].concat();
    [&[0xff, 0xd8][..], &quantisation, &frame, &table, &scan.repeat(100_000), &[0xff, 0xd9]].concat()
}

#[test]
fn bombs_cost_one_photo_each() {
    let instance = Instance::new();
    instance.configure("max-decode-memory = 536870912\nmax-decode-seconds = 2\n");
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let pid = instance.pid();
    let bombs = [("a.png", png()), ("a.gif", gif()), ("a.bmp", bmp()), ("a.tiff", tiff()), ("a.webp", webp()), ("a.jpg", jpeg())];
    for (name, bytes) in &bombs {
        assert!(bytes.len() < 8 << 20, "{name} has {} bytes", bytes.len());
        fs::write(folder.join(name), bytes).expect("written");
    }
    photos::library(&folder, &["00009"]);
    instance.ok(["scan"]);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]));
    let reasons = reasons(&instance);
    assert!(bombs.iter().all(|(name, _)| reasons.contains_key(*name)) && reasons.len() == bombs.len(), "{reasons:?}");
    assert!(reasons["a.jpg"].contains("more than 2 seconds"), "{reasons:?}");
    assert!(!reasons.values().any(|reason| reason.contains("must not")), "{reasons:?}");
    assert_eq!(instance.pid(), pid, "the daemon was restarted");
    assert_eq!(instance.status()["problems"], serde_json::json!([]));
}

#[test]
fn what_ended_the_decoder_is_said() {
    for (signal, reason) in [(Signal::SYS, "something that it must not"), (Signal::SEGV, "crashed"), (Signal::KILL, "killed on it, twice")]
    {
        let instance = Instance::new();
        instance.configure("workers = 1\n");
        let folder = instance.folder("photos");
        photos::library(&folder, &["00003"]);
        instance.dupes(&folder);
        fs::write(folder.join("long.jpg"), jpeg()).expect("written");
        wait_until("the failure is recorded", || {
            thread::sleep(std::time::Duration::from_millis(300));
            instance.signal_children(signal);
            reasons(&instance).contains_key("long.jpg")
        });
        assert!(reasons(&instance)["long.jpg"].contains(reason), "{signal:?}: {:?}", reasons(&instance));
        photos::library(&folder, &["00009"]);
        assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]));
    }
}

#[test]
fn children_have_the_socket_and_nothing_of_where_the_daemon_was_started() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    // A descriptor that the shell has open.
    let line = format!("exec 9</dev/zero; {} dupes {}", env!("CARGO_BIN_EXE_simctl"), folder.display());
    let output = instance.command_of("sh").args(["-c", &line]).output().expect("runs");
    assert!(output.status.success());
    let child = instance.children()[0].as_raw_nonzero();
    let Ok(open) = fs::read_dir(format!("/proc/{child}/fd")) else { return skip("only root sees what the child has open") };
    let open: Vec<String> =
        open.flatten().map(|entry| fs::read_link(entry.path()).unwrap_or_default().to_string_lossy().into_owned()).collect();
    assert!(open.iter().all(|file| file == "/dev/null" || file.starts_with("socket:")), "{open:?}");
}

/// `daemon/fence` tests what the fence denies. This tests that it holds for every thread.
#[test]
fn every_thread_of_the_daemon_is_behind_its_fence() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let status = instance.status();
    if status["fence"]["seccomp"] != true {
        return skip("this kernel has no seccomp");
    }
    let said = instance.ok(["status"]);
    assert!(said.lines().any(|line| line.starts_with("fence      ") && line.ends_with("seccomp")), "{said}");
    let threads = fs::read_dir(format!("/proc/{}/task", instance.pid())).expect("threads").flatten();
    // More than the filters of this process, which may be in a container.
    let filters = |status: &Path| -> u32 {
        let text = fs::read_to_string(status).expect("it runs");
        text.lines().find_map(|line| line.strip_prefix("Seccomp_filters:")).map_or(0, |n| n.trim().parse().expect("a number"))
    };
    let own = filters(Path::new("/proc/self/status"));
    let counts: Vec<u32> = threads.map(|thread| filters(&thread.path().join("status"))).collect();
    assert!(counts.len() > 8 && counts.iter().all(|count| *count > own), "{counts:?}, {own} here");
    // A settings file with a relative path is found again, although the daemon has another working directory.
    instance.stop();
    fs::write(instance.folder("here").join("own.toml"), "workers = 1\n").expect("written");
    let mut daemon = instance.command();
    daemon.args(["--config", "own.toml", "daemon"]).current_dir(instance.folder("here")).stderr(Stdio::null());
    let mut daemon = daemon.spawn().expect("runs");
    wait_until("it answers", || instance.run(["status"]).status.success());
    let reloaded = instance.ok(["reload"]);
    assert!(reloaded.contains("here/own.toml"), "{reloaded}");
    assert!(Command::new("kill").arg(daemon.id().to_string()).status().is_ok_and(|s| s.success()));
    assert!(daemon.wait().is_ok_and(|ended| ended.success()));
}

/// A kernel without landlock and seccomp, for this thread and what it starts.
fn without_landlock_and_seccomp() -> Result<(), Box<dyn std::error::Error>> {
    let refuse = |calls: Vec<(i64, Vec<SeccompRule>)>, errno: i32| -> Result<(), Box<dyn std::error::Error>> {
        let processor = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(calls.into_iter().collect(), SeccompAction::Allow, SeccompAction::Errno(errno as u32), processor)?;
        let program: seccompiler::BpfProgram = filter.try_into()?;
        Ok(seccompiler::apply_filter(&program)?)
    };
    let set_seccomp = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::PR_SET_SECCOMP as u64)
        .and_then(|c| SeccompRule::new(vec![c]))?;
    refuse(vec![(libc::SYS_landlock_create_ruleset, vec![])], libc::ENOSYS)?;
    refuse(vec![(libc::SYS_seccomp, vec![]), (libc::SYS_prctl, vec![set_seccomp])], libc::EINVAL)
}

#[test]
fn without_landlock_and_seccomp_it_works_and_says_so() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let lacking = thread::scope(|scope| {
        let start = || without_landlock_and_seccomp().map(|()| instance.dupes(&folder)).map_err(|e| e.to_string());
        scope.spawn(start).join().expect("it runs")
    });
    let answer = match lacking {
        Ok(answer) => answer,
        Err(_) => return skip("this kernel takes no seccomp filter"),
    };
    assert_eq!(names(&answer), photos::expected(&["00003"]));
    let status = instance.status();
    let missing: Vec<&str> = array(&status["missing_sandbox_layers"]).iter().filter_map(|layer| layer.as_str()).collect();
    assert!(
        matches!(missing[..], [landlock, seccomp] if landlock.starts_with("landlock (") && seccomp.starts_with("seccomp (")),
        "{missing:?}"
    );
    let said = instance.ok(["status"]);
    assert!(said.contains("note: photos are decoded without landlock"), "{said}");
    // The fence of the daemon is missing as well.
    assert!(said.contains("fence      none") && said.contains("note: without landlock (") && said.contains("network"), "{said}");
    assert_eq!((&status["fence"]["landlock"], &status["fence"]["seccomp"]), (&Value::Null, &Value::Bool(false)));
    assert_eq!(array(&status["fence"]["missing"]).len(), 2);
    instance.stop();
    instance.dupes(&folder);
    let status = instance.status();
    if fs::read_to_string("/proc/self/status").is_ok_and(|own| own.contains("Seccomp_filters:")) {
        assert!(
            array(&status["missing_sandbox_layers"]).iter().all(|layer| !layer.as_str().expect("text").starts_with("seccomp")),
            "{status}"
        );
    }
}
