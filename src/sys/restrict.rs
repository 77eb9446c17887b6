//! Landlock and seccomp: a process gives up rights that it does not need. It cannot get them back, and its children do
//! not have them either.

use std::collections::BTreeMap;
use std::io;

use landlock::{ABI, LandlockStatus, RulesetCreated, RulesetStatus};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

/// The newest Landlock version that the crate knows. An older kernel enforces the part that it supports.
pub const LANDLOCK: ABI = ABI::V10;

/// System calls by number, each with its cases. A call matches if one of its cases holds, or if it has no cases.
pub type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// Restricts this thread, and the threads that it starts, to what the ruleset allows. Returns the Landlock version that
/// is in force.
///
/// # Errors
/// If the kernel has no Landlock.
pub fn landlock(rules: RulesetCreated) -> io::Result<i32> {
    let status = rules.restrict_self().map_err(io::Error::other)?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Err(io::Error::other("this kernel was started without it")),
        (RulesetStatus::NotEnforced, _) => Err(io::Error::other("this kernel does not have it")),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as i32),
        (_, _) => Err(io::Error::other("this kernel does not have it")),
    }
}

/// Adds a filter to this thread and the threads that it starts: `listed` is the action for system calls that match
/// `calls`, `others` the action for all others.
///
/// # Errors
/// If the kernel has no seccomp.
pub fn seccomp(calls: Calls, listed: SeccompAction, others: SeccompAction) -> io::Result<()> {
    let compile = || -> Result<BpfProgram, BackendError> {
        SeccompFilter::new(calls, others, listed, std::env::consts::ARCH.try_into()?)?.try_into()
    };
    seccompiler::apply_filter(&compile().map_err(io::Error::other)?).map_err(|e| match e {
        seccompiler::Error::Prctl(e) | seccompiler::Error::Seccomp(e) => e,
        other => io::Error::other(other),
    })
}

/// Returns a case that holds if all conditions hold. A condition compares the lower 32 bits of an argument, counted
/// from 0.
///
/// # Errors
/// If there is no such argument.
pub fn case(conditions: &[(u8, SeccompCmpOp, u64)]) -> io::Result<SeccompRule> {
    let conditions = conditions.iter().map(|(argument, is, value)| SeccompCondition::new(*argument, Dword, is.clone(), *value));
    conditions.collect::<Result<_, _>>().and_then(SeccompRule::new).map_err(io::Error::other)
}
