//! The log of the daemon: its messages, its length and its destination.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::photos;
use crate::support::{Instance, skip, wait_until};

fn log(instance: &Instance) -> String {
    fs::read_to_string(instance.data_dir().join("daemon.log")).expect("a log")
}

#[test]
fn a_bad_folder_is_a_line_not_a_storm() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for number in 0..300 {
        fs::write(folder.join(format!("{number}.jpg")), format!("{number} is no picture")).expect("written");
    }
    instance.dupes(&folder);
    let summary = "300 files were not read";
    wait_until("the log has the summary", || log(&instance).contains(summary));
    let said = log(&instance);
    assert!(said.lines().count() < 10, "{said}");
    assert!(!said.contains("299.jpg"), "{said}");
    assert!(said.contains(&format!("{} is watched", folder.display())), "{said}");
}

#[test]
fn at_debug_every_file_has_its_time() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    fs::write(folder.join("bad.jpg"), "no picture").expect("written");
    let asked = instance.command().arg("dupes").arg(&folder).env("SIMILARD_LOG", "similard=debug").output().expect("runs");
    assert!(asked.status.success());
    let said = log(&instance);
    let line = |name: &str| said.lines().find(|l| l.contains(name) && l.contains("milliseconds=")).unwrap_or_default().to_owned();
    assert!(line("00003.webp").contains("embedded=true"), "{said}");
    assert!(line("bad.jpg").contains("not a picture"), "{said}");
}

/// In a namespace of the daemon, a socket of this test takes the place of the journal's socket.
#[test]
fn under_systemd_it_speaks_to_the_journal() {
    let instance = Instance::new();
    let folder = instance.folder("journal");
    let journal = UnixDatagram::bind(folder.join("socket")).expect("a socket");
    journal.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let script = format!(
        "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind '{}' /run/systemd/journal && \
         export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) && exec '{}' daemon",
        folder.display(),
        env!("CARGO_BIN_EXE_simctl")
    );
    let mut daemon = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .env_clear()
        .env("HOME", instance.folder("."))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SIMILARD_DATA_DIR", instance.data_dir())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare runs");
    let mut heard = vec![0; 64 << 10];
    let mut said = String::new();
    while !said.contains("photos known") {
        match journal.recv(&mut heard) {
            Ok(length) => said += &String::from_utf8_lossy(&heard[..length]),
            Err(_) => break,
        }
    }
    let _ = daemon.kill();
    let output = daemon.wait_with_output().expect("ended");
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("unshare") || errors.contains("mount") {
        return skip("there are no namespaces here");
    }
    assert!(said.contains("MESSAGE") && said.contains("photos known") && said.contains("similard"), "{said} {errors}");
    assert!(!errors.contains("photos known"), "standard error has it as well: {errors}");
}
