//! What is said of a file: a function of what was found out about it and about the copies that the library knows.

use crate::cli::answers::CheckedState;
use crate::cli::disk::{in_all_views, may_be_two_views};
use crate::cli::failure::{DONE, FOUND, NOT_WHOLE, UNREAD};
use crate::sys::drives::Drives;

/// A file on a disk at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct At {
    pub is_file: bool,
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
}

impl At {
    pub fn number(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// What all views of the file have in common.
    pub fn in_all_views(&self) -> (u64, i64) {
        in_all_views(self.size, self.ctime_ns)
    }

    /// Whether this may be the other file, seen on another device.
    fn may_be_view_of(&self, other: &At) -> bool {
        self.in_all_views() == other.in_all_views() && may_be_two_views(self.number(), other.number())
    }
}

/// Why a copy may go with what was asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bond {
    /// It is one of the files that were asked about, or below that folder, by whatever path.
    Same,
    /// It may be one of these files, seen through another mount.
    View,
    /// It is on the drive of the filesystem that was asked about as a whole.
    Drive,
}

/// What was found out about a copy in the library.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whether the daemon says that its disk, or the file, is not there.
    pub is_offline: bool,
    /// Whether its disk does not answer.
    pub is_silent: bool,
    /// Whether it, or its folder, cannot be read.
    pub is_unreadable: bool,
    /// What is at its path. `None` if nothing is.
    pub now: Option<At>,
    /// Size and times when its bytes were read. Without lasting inode numbers the ctime says nothing.
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: Option<i64>,
    /// How it goes with what was asked about, if it may.
    pub bond: Option<Bond>,
    pub is_in_trash: bool,
    /// Whether the evidence that it holds the same holds when it is looked at again.
    pub is_proven: bool,
    pub drives: Drives,
}

/// What a copy counts for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is there as it was read.
    Here(Drives),
    Away,
    Silent,
    Unreadable,
    Gone,
    /// It was written to since its bytes were read.
    Changed,
    /// It may go with what was asked about.
    Bound(Bond),
    InTrash,
    /// It did not hold the same when it was read again.
    Unproven,
}

impl Look {
    /// Whether only the ctime is another one than when it was read: it was moved, linked or got another mode, or it was
    /// written to and its time put back. Its bytes tell.
    pub fn may_be_as_read(&self) -> bool {
        self.now.is_some_and(|now| (now.size, now.mtime_ns) == (self.size, self.mtime_ns)) && standing(self) == Standing::Changed
    }
}

/// Returns what a copy counts for.
pub fn standing(look: &Look) -> Standing {
    if look.is_offline {
        return Standing::Away;
    }
    if look.is_silent {
        return Standing::Silent;
    }
    if look.is_unreadable {
        return Standing::Unreadable;
    }
    let Some(now) = look.now.filter(|now| now.is_file) else { return Standing::Gone };
    let is_as_read = (now.size, now.mtime_ns) == (look.size, look.mtime_ns) && look.ctime_ns.is_none_or(|ctime| ctime == now.ctime_ns);
    if let Some(bond) = look.bond {
        return Standing::Bound(bond);
    }
    match () {
        () if !is_as_read => Standing::Changed,
        () if look.is_in_trash => Standing::InTrash,
        () if !look.is_proven => Standing::Unproven,
        () => Standing::Here(look.drives.clone()),
    }
}

/// Returns what a copy counts for beside those that count already, which it is added to. Two views of one file are one copy.
pub fn beside(standing: Standing, now: Option<At>, counted: &mut Vec<(At, Drives)>) -> Standing {
    let (Standing::Here(drives), Some(now)) = (&standing, now) else { return standing };
    if let Some((_, drives)) = counted.iter().find(|(other, _)| now.may_be_view_of(other)) {
        return Standing::Here(drives.clone());
    }
    counted.push((now, drives.clone()));
    standing
}

/// What is known of a file that was asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Read {
    /// Its copies are known.
    Whole,
    /// Only its size, name and time were compared, and something is alike or not.
    Quick { is_alike: bool },
    /// It cannot be read, and why.
    Not(String),
}

/// What is said of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub state: CheckedState,
    /// Why it is not safe, in words.
    pub why: Option<String>,
    /// The number of drives that hold it.
    pub disks: usize,
}

/// Whether a file is safe only since copies with other metadata count. `same_bytes`: the copies that have its bytes.
pub fn has_other_metadata(verdict: &Verdict, same_bytes: &[Standing], needed: usize) -> bool {
    verdict.state == CheckedState::Safe && judge(&Read::Whole, same_bytes, needed, false).state != CheckedState::Safe
}

/// Judges a file. `needed` drives must hold it. `has_version`: whether the library has another version of it.
pub fn judge(read: &Read, copies: &[Standing], needed: usize, has_version: bool) -> Verdict {
    let say = |state, why: Option<String>, disks| Verdict { state, why, disks };
    match read {
        Read::Not(why) => return say(CheckedState::Unread, Some(why.clone()), 0),
        Read::Quick { is_alike: true } => return say(CheckedState::Alike, None, 0),
        Read::Quick { is_alike: false } => return say(CheckedState::Missing, Some("nothing has its size, name and time".into()), 0),
        Read::Whole => {}
    }
    let disks = Drives::count(copies.iter().filter_map(|copy| if let Standing::Here(drives) = copy { Some(drives) } else { None }));
    if disks > 0 && disks >= needed {
        return say(CheckedState::Safe, None, disks);
    }
    let is_away = copies.iter().any(|copy| matches!(copy, Standing::Away | Standing::Silent));
    if disks > 0 {
        let why =
            if is_away { format!("on {disks} of {needed} drives; others are away") } else { format!("on {disks} of {needed} drives") };
        return say(CheckedState::Missing, Some(why), disks);
    }
    if is_away {
        return say(CheckedState::SafeElsewhere, None, 0);
    }
    if has_version {
        return say(CheckedState::Version, None, 0);
    }
    let has = |standing: &Standing| copies.contains(standing);
    let why = [
        (Standing::Changed, "the library's copy was written to since it was read; simctl scan reads it again"),
        (Standing::Unproven, "the library's copy was read again, and does not hold all of this file"),
        (Standing::Unreadable, "the library's copy, or its folder, cannot be read"),
        (Standing::InTrash, "only in a trash folder"),
        (Standing::Gone, "the library's copy is not there any more"),
        (Standing::Bound(Bond::Drive), "the library has it only on the same drive"),
        (
            Standing::Bound(Bond::View),
            "the library may have it only here: its copy may be a file of this folder, seen through another mount",
        ),
        (Standing::Bound(Bond::Same), "the library has it only here"),
    ];
    let why = why.into_iter().find(|(standing, _)| has(standing)).map(|(_, words)| words.to_owned());
    say(CheckedState::Missing, why, 0)
}

/// How many files were said to be what.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    pub safe: u64,
    pub missing: u64,
    pub unread: u64,
    /// Of which only size, name and time were compared.
    pub alike: u64,
    /// Of which nothing is said.
    pub unjudged: u64,
}

impl Counts {
    pub fn add(&mut self, state: CheckedState) {
        *match state {
            CheckedState::Safe => &mut self.safe,
            CheckedState::SafeElsewhere | CheckedState::Version | CheckedState::Missing => &mut self.missing,
            CheckedState::Unread => &mut self.unread,
            CheckedState::Alike => &mut self.alike,
        } += 1;
    }

    /// All of which something is said.
    pub fn judged(&self) -> u64 {
        self.safe + self.missing + self.unread + self.alike
    }
}

/// Returns the exit code. `is_whole`: whether all folders that were asked about could be looked at.
pub fn exit_code(counts: &Counts, is_whole: bool) -> u8 {
    match counts {
        _ if !is_whole => NOT_WHOLE,
        Counts { unread: 1.., .. } | Counts { unjudged: 1.., .. } => UNREAD,
        Counts { missing: 1.., .. } => FOUND,
        // Nothing was found that could be judged.
        Counts { alike: 1.., .. } | Counts { safe: 0, .. } => UNREAD,
        _ => DONE,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drive(name: u8) -> Drives {
        if name == 0 { Drives::Unknown } else { Drives::Known([format!("disk {name}")].into()) }
    }

    fn look() -> Look {
        let now = At { is_file: true, device: 1, inode: 1, size: 10, mtime_ns: 20, ctime_ns: 30 };
        Look {
            is_offline: false,
            is_silent: false,
            is_unreadable: false,
            now: Some(now),
            size: 10,
            mtime_ns: 20,
            ctime_ns: Some(30),
            bond: None,
            is_in_trash: false,
            is_proven: true,
            drives: drive(1),
        }
    }

    #[test]
    fn a_copy_counts_only_if_it_is_there_as_it_was_read() {
        let now = look().now.expect("there");
        for (what, look, expected) in [
            ("there", look(), Standing::Here(drive(1))),
            (
                "a ctime that does not last",
                Look { ctime_ns: None, now: Some(At { ctime_ns: 99, ..now }), ..look() },
                Standing::Here(drive(1)),
            ),
            ("away", Look { is_offline: true, ..look() }, Standing::Away),
            ("silent", Look { is_silent: true, now: None, ..look() }, Standing::Silent),
            ("in a folder that is shut", Look { is_unreadable: true, now: None, ..look() }, Standing::Unreadable),
            ("of a mode that lets nobody read it", Look { is_unreadable: true, ..look() }, Standing::Unreadable),
            ("deleted", Look { now: None, ..look() }, Standing::Gone),
            ("a folder", Look { now: Some(At { is_file: false, ..now }), ..look() }, Standing::Gone),
            ("longer", Look { now: Some(At { size: 11, ..now }), ..look() }, Standing::Changed),
            ("written to", Look { now: Some(At { mtime_ns: 21, ..now }), ..look() }, Standing::Changed),
            ("written to with its time put back", Look { now: Some(At { ctime_ns: 31, ..now }), ..look() }, Standing::Changed),
            ("the same file", Look { bond: Some(Bond::Same), ..look() }, Standing::Bound(Bond::Same)),
            ("perhaps the same file", Look { bond: Some(Bond::View), ..look() }, Standing::Bound(Bond::View)),
            ("on the same drive", Look { bond: Some(Bond::Drive), ..look() }, Standing::Bound(Bond::Drive)),
            ("in a trash", Look { is_in_trash: true, ..look() }, Standing::InTrash),
            ("rotten", Look { is_proven: false, ..look() }, Standing::Unproven),
        ] {
            assert_eq!(standing(&look), expected, "{what}");
        }
    }

    #[test]
    fn each_state_has_its_reasons_and_its_exit_code() {
        let here = |name| Standing::Here(drive(name));
        let state = |copies: &[Standing], needed, has_version| judge(&Read::Whole, copies, needed, has_version).state;
        use CheckedState::{Alike, Missing, Safe, SafeElsewhere, Unread, Version};
        for (copies, needed, has_version, expected) in [
            (&[][..], 1, false, Missing),
            (&[], 1, true, Version),
            (&[here(1)], 1, true, Safe),
            (&[here(1)], 2, false, Missing),
            (&[here(1), here(1)], 2, false, Missing),
            (&[here(0), here(0)], 2, false, Missing),
            (&[here(0), here(1)], 2, false, Missing),
            (&[here(1), here(2)], 2, false, Safe),
            (&[here(1), Standing::Away], 2, false, Missing),
            (&[Standing::Away], 1, true, SafeElsewhere),
            (&[Standing::Silent], 1, false, SafeElsewhere),
            (&[Standing::Gone, Standing::Changed, Standing::InTrash, Standing::Unproven, Standing::Unreadable], 1, false, Missing),
            (&[Bond::Same, Bond::View, Bond::Drive].map(Standing::Bound), 1, false, Missing),
            (&[Standing::Gone, here(0)], 1, false, Safe),
            (&[Standing::Gone, here(0)], 0, false, Safe),
            (&[Standing::Gone], 0, false, Missing),
        ] {
            assert_eq!(state(copies, needed, has_version), expected, "{copies:?} {needed}");
        }
        assert_eq!(judge(&Read::Not("damaged".into()), &[here(1)], 1, false).state, Unread);
        assert_eq!(judge(&Read::Quick { is_alike: true }, &[here(1)], 1, false).state, Alike);
        assert_eq!(judge(&Read::Quick { is_alike: false }, &[here(1)], 1, false).state, Missing);
        let code = |states: &[CheckedState], is_whole| {
            let mut counts = Counts::default();
            states.iter().for_each(|state| counts.add(*state));
            exit_code(&counts, is_whole)
        };
        for (states, is_whole, expected) in [
            (&[Safe, Safe][..], true, DONE),
            (&[Safe, Missing], true, FOUND),
            (&[Safe, Version], true, FOUND),
            (&[Safe, SafeElsewhere], true, FOUND),
            (&[Missing, Unread], true, UNREAD),
            (&[Safe, Unread], true, UNREAD),
            (&[Alike, Alike], true, UNREAD),
            (&[Safe, Alike], true, UNREAD),
            (&[Alike, Missing], true, FOUND),
            (&[], true, UNREAD),
            (&[Safe], false, NOT_WHOLE),
            (&[Missing, Unread], false, NOT_WHOLE),
        ] {
            assert_eq!(code(states, is_whole), expected, "{states:?}");
        }
        // What nothing is said of is not safe.
        let some = Counts { safe: 2, unjudged: 1, ..Counts::default() };
        assert_eq!([exit_code(&some, true), exit_code(&Counts { missing: 1, ..some }, true)], [UNREAD, UNREAD]);
    }

    #[test]
    fn only_copies_with_the_same_bytes_have_the_same_metadata() {
        let here = |name| Standing::Here(drive(name));
        for (same_bytes, by_picture, needed, expected) in [
            (&[][..], &[here(1)][..], 1, true),
            (&[Standing::Gone], &[here(1)], 1, true),
            (&[here(1)], &[here(2)], 1, false),
            (&[here(1)], &[here(2)], 2, true),
            (&[], &[Standing::Gone], 1, false),
        ] {
            let verdict = judge(&Read::Whole, &[same_bytes, by_picture].concat(), needed, false);
            assert_eq!(has_other_metadata(&verdict, same_bytes, needed), expected, "{same_bytes:?} {by_picture:?} {needed}");
        }
    }

    #[test]
    fn two_views_of_one_copy_are_on_one_drive() {
        let on = |device: u64, ctime_ns| At { device, ctime_ns, ..look().now.expect("there") };
        let count = |copies: &[(At, Drives)]| {
            let mut counted = Vec::new();
            let beside = |(now, drives): &(At, Drives)| beside(Standing::Here(drives.clone()), Some(*now), &mut counted);
            let standings: Vec<Standing> = copies.iter().map(beside).collect();
            judge(&Read::Whole, &standings, 1, false).disks
        };
        let (disk, nfs, smb) = (8 << 8, 50, 51);
        for (what, copies, expected) in [
            ("NFS beside SMB", [(on(nfs, 30), drive(1)), (on(smb, 0), drive(2))], 1),
            ("a disk beside its share", [(on(disk, 30), drive(1)), (on(nfs, 30), drive(2))], 1),
            ("written at two times", [(on(nfs, 30), drive(1)), (on(smb, 700), drive(2))], 2),
        ] {
            assert_eq!(count(&copies), expected, "{what}");
        }
    }

    /// A copy as nature made it: what may be wrong with it, one bit each, and its drive. The oracle knows nothing else.
    #[derive(Clone, Copy, Debug)]
    struct Nature {
        wrong: u16,
        drive: u8,
    }

    impl Nature {
        fn look(self) -> Look {
            let has = |bit: u16| self.wrong & (1 << bit) != 0;
            let mut look = Look { drives: drive(self.drive), ..look() };
            look.is_offline = has(0);
            look.is_silent = has(1);
            let bonds = [(2, Bond::Same), (8, Bond::View), (9, Bond::Drive)];
            look.bond = bonds.into_iter().find(|(bit, _)| has(*bit)).map(|(_, bond)| bond);
            look.is_in_trash = has(3);
            look.is_proven = !has(4);
            look.is_unreadable = has(10);
            if let Some(now) = &mut look.now {
                now.size += u64::from(has(5));
                now.mtime_ns -= i64::from(has(6));
            }
            look.now = look.now.filter(|_| !has(7));
            look
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// The oracle counts the drives of copies with which nothing is wrong.
        #[test]
        fn nothing_is_called_safe_that_is_not(
            files in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec((prop_oneof![3 => Just(0u16), 2 => 0u16..1 << 11], 0u8..4), 0..5)),
                0..6,
            ),
            needed in 1usize..3,
        ) {
            let (mut counts, mut all_safe) = (Counts::default(), true);
            for (is_readable, copies) in &files {
                let natures: Vec<Nature> = copies.iter().map(|&(wrong, drive)| Nature { wrong, drive }).collect();
                let standings: Vec<Standing> = natures.iter().map(|nature| standing(&nature.look())).collect();
                let read = if *is_readable { Read::Whole } else { Read::Not("damaged".into()) };
                let verdict = judge(&read, &standings, needed, false);
                let mut good = [false; 4];
                for nature in &natures {
                    if nature.wrong == 0 {
                        good[nature.drive as usize] = true;
                    }
                }
                // One of no known drive may be on that of another copy.
                let drives = usize::max(good[1..].iter().filter(|good| **good).count(), usize::from(good[0]));
                let is_safe = *is_readable && drives >= needed;
                prop_assert_eq!(verdict.state == CheckedState::Safe, is_safe, "{:?}", natures);
                counts.add(verdict.state);
                all_safe &= is_safe;
            }
            prop_assert_eq!(exit_code(&counts, true) == DONE, all_safe && !files.is_empty());
        }
    }
}
