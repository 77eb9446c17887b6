//! The resources of a process and its children, from `/proc`.

use std::fs;

/// All descendants of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<(u32, u32)> = entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter_map(|p| Some((p, parent(p)?))).collect();
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(&process) = found.get(at) {
        found.extend(all.iter().filter(|(_, parent)| *parent == process).map(|(child, _)| *child));
        at += 1;
    }
    found.split_off(1)
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// The fields of the stat file after the name. The first is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// A number from a status file, with kibibytes converted to bytes.
fn number(status: &str, name: &str) -> u64 {
    let Some(line) = status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')) else { return 0 };
    let number = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    if line.ends_with(" kB") { 1024 * number } else { number }
}

fn status(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}

/// The current resources of a process and its descendants. Sizes are in bytes.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub resident: u64,
    pub anonymous: u64,
    /// That of the process alone.
    pub own_anonymous: u64,
    /// The highest resident size of the process since [`forget_peak`].
    pub own_peak: u64,
    pub descriptors: usize,
    pub threads: u64,
    pub children: usize,
}

pub fn usage(pid: u32) -> Usage {
    let (own, children) = (status(pid), children(pid));
    let all: Vec<String> = std::iter::once(own.clone()).chain(children.iter().map(|c| status(*c))).collect();
    let sum = |name: &str| all.iter().map(|s| number(s, name)).sum();
    Usage {
        resident: sum("VmRSS"),
        anonymous: sum("RssAnon"),
        own_anonymous: number(&own, "RssAnon"),
        own_peak: number(&own, "VmHWM"),
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
        threads: number(&own, "Threads"),
        children: children.len(),
    }
}

/// Resets the highest resident size.
pub fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The work of a process and its descendants since they started.
#[derive(Clone, Copy, Default)]
pub struct Work {
    /// CPU time in user mode and in the kernel, in hundredths of a second.
    pub user: u64,
    pub system: u64,
    /// Voluntary and involuntary context switches. Each voluntary one ends with a wake-up.
    pub voluntary: u64,
    pub involuntary: u64,
}

impl Work {
    pub fn since(self, before: Work) -> Work {
        Work {
            user: self.user - before.user,
            system: self.system - before.system,
            voluntary: self.voluntary.saturating_sub(before.voluntary),
            involuntary: self.involuntary.saturating_sub(before.involuntary),
        }
    }
}

pub fn work(pid: u32) -> Work {
    let mut work = Work::default();
    for process in std::iter::once(pid).chain(children(pid)) {
        let field = |number: usize| stat(process).and_then(|f| f.get(number)?.parse::<u64>().ok()).unwrap_or(0);
        work.user += field(11);
        work.system += field(12);
        for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            work.voluntary += number(&status, "voluntary_ctxt_switches");
            work.involuntary += number(&status, "nonvoluntary_ctxt_switches");
        }
    }
    work
}

/// Bytes as megabytes.
pub fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
