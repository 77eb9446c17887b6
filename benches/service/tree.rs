//! What the system says of a process and its children.

use std::fs;

/// The children of a process and theirs.
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

/// The fields after the name; the first is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// A number from a status file: kibibytes become bytes.
fn number(status: &str, name: &str) -> u64 {
    let Some(line) = status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')) else { return 0 };
    let number = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    if line.ends_with(" kB") { 1024 * number } else { number }
}

fn status(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}

/// What a process and its children have now. Sizes are bytes.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub resident: u64,
    pub anonymous: u64,
    /// The process's own alone.
    pub own_anonymous: u64,
    /// Its highest resident size since [`forget_peak`].
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

/// Has the highest resident size begin anew.
pub fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// What a process and its children did since they began.
#[derive(Clone, Copy, Default)]
pub struct Work {
    /// Hundredths of a second on a processor, of programs and of the kernel for them.
    pub user: u64,
    pub system: u64,
    /// How often threads gave up the processor by themselves, each time to be woken again, and otherwise.
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
