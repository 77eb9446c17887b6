//! The life of a daemon: how it is started, stopped and replaced, and what it keeps from its caller.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::photos;
use crate::support::{Instance, names};

const SIMCTL: &str = env!("CARGO_BIN_EXE_simctl");

#[test]
fn an_upgrade_or_a_deletion_of_the_program_changes_nothing_until_a_restart() {
    for is_replaced in [false, true] {
        let instance = Instance::new();
        let folder = instance.folder("photos");
        photos::library(&folder, &["00003"]);
        let program = instance.folder("bin").join("simctl");
        fs::copy(SIMCTL, &program).expect("copied");
        let started = instance.command_of(program.to_str().expect("text")).arg("dupes").arg(&folder).output().expect("runs");
        assert!(started.status.success(), "{started:?}");
        if is_replaced {
            let beside = program.with_extension("new");
            fs::write(&beside, "#!/bin/sh\nexit 0\n").expect("written");
            fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).expect("ours");
            fs::rename(beside, &program).expect("replaced");
        } else {
            fs::remove_file(&program).expect("deleted");
        }
        let children = Command::new("pkill").args(["-9", "-P", &instance.pid().to_string()]).status();
        assert!(children.is_ok_and(|ended| ended.success()), "the daemon has children");
        photos::library(&folder, &["00009"]);
        assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]), "replaced: {is_replaced}");
        assert_eq!(instance.json(["failures", "--format=json"])["failures"], serde_json::json!([]));
        assert_eq!(instance.status()["problems"], serde_json::json!([]));
    }
}
