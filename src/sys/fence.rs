//! Landlock and seccomp: how a process gives up for good what it has no use for, and its children with it.

use std::collections::BTreeMap;
use std::io;

use landlock::{ABI, LandlockStatus, RulesetCreated, RulesetStatus};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

/// The newest landlock that the crate knows; an older kernel does what it can of it.
pub const LANDLOCK: ABI = ABI::V10;

/// System calls by number, each with the cases that are meant: one of them must hold, and any does where there are none.
pub type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// Takes from this thread, and from those that it starts, what the ruleset does not allow. Gives back the version of
/// landlock that holds.
///
/// # Errors
/// When the kernel does not have it.
pub fn landlock(rules: RulesetCreated) -> io::Result<i32> {
    let status = rules.restrict_self().map_err(io::Error::other)?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Err(io::Error::other("this kernel was started without it")),
        (RulesetStatus::NotEnforced, _) => Err(io::Error::other("this kernel does not have it")),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as i32),
        (_, _) => Err(io::Error::other("this kernel does not have it")),
    }
}

/// Adds a filter to this thread and those that it starts: system calls in `calls` come out as `listed`, others as `others`.
///
/// # Errors
/// When the kernel does not have it.
pub fn seccomp(calls: Calls, listed: SeccompAction, others: SeccompAction) -> io::Result<()> {
    let compile = || -> Result<BpfProgram, BackendError> {
        SeccompFilter::new(calls, others, listed, std::env::consts::ARCH.try_into()?)?.try_into()
    };
    seccompiler::apply_filter(&compile().map_err(io::Error::other)?).map_err(|e| match e {
        seccompiler::Error::Prctl(e) | seccompiler::Error::Seccomp(e) => e,
        other => io::Error::other(other),
    })
}

/// A case in which all these hold of a call's arguments, counted from 0, by their lower 32 bits.
///
/// # Errors
/// When there is no such argument.
pub fn case(conditions: &[(u8, SeccompCmpOp, u64)]) -> io::Result<SeccompRule> {
    let conditions = conditions.iter().map(|(argument, is, value)| SeccompCondition::new(*argument, Dword, is.clone(), *value));
    conditions.collect::<Result<_, _>>().and_then(SeccompRule::new).map_err(io::Error::other)
}
