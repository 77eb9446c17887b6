//! Decisions hold for what a person saw: for all pictures of equal pixels, and for the edited photo at the same path.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::WriterThread;
use crate::catalog::edited::{Edited, edited};
use crate::daemon::messages::{Change, Outcome};
use crate::daemon::state::{read, write};
use crate::photo::{Decision, Decisions, PhotoId, PictureHash};
use crate::store::{self, HeadNumber, OnConflict, Replaced};

impl WriterThread {
    /// Keeps decisions up to date after changes were committed. What a crash interrupts is done at the next start
    /// ([`catch_up`](WriterThread::catch_up)).
    pub(super) fn keep_decisions(&mut self, changes: &[Change]) -> store::Result<()> {
        if !changes.iter().any(concerns_decisions) {
            return Ok(());
        }
        if read(&self.decisions).is_empty() {
            return self.writer.forget_replaced(&[]);
        }
        let equal: BTreeSet<PictureHash> = changes.iter().filter_map(|change| self.decided_picture(change)).collect();
        let is_changed = !equal.is_empty() && self.writer.keep_pixels(&equal)? > 0;
        if self.follow(changes)? || is_changed { self.in_library(WriterThread::read_decisions) } else { Ok(()) }
    }

    /// Does what a crash may have interrupted, before the first change.
    pub(super) fn catch_up(&mut self) -> store::Result<()> {
        let decided: BTreeSet<PictureHash> = read(&self.decisions).iter().flat_map(|d| [d.a, d.b]).collect();
        let is_changed = self.writer.keep_pixels(&decided)? > 0;
        if self.follow(&[])? || is_changed { self.in_library(WriterThread::read_decisions) } else { Ok(()) }
    }

    /// Says whether decisions are considered, for answers that would be wrong without them. It says so before the changes are
    /// committed, and until the decisions are kept.
    pub(super) fn consider_decisions(&self, changes: &[Change]) {
        let is_considering = changes.iter().any(concerns_decisions) && !read(&self.decisions).is_empty();
        self.queue.considers_decisions.store(is_considering, Ordering::SeqCst);
    }

    /// Returns a picture that was decided on and has the pixels that were read.
    fn decided_picture(&self, change: &Change) -> Option<PictureHash> {
        let Change::Read { outcome: Some(outcome), .. } = change else { return None };
        match outcome.as_ref() {
            Outcome::New { made, .. } => read(&self.decisions).equal().with_pixels(made.pixels?),
            Outcome::Decoded { identity, .. } => Some(identity.picture),
            _ => None,
        }
    }

    /// Copies the decisions on photos whose files hold an edited version of them now. Returns whether there were any. Those on
    /// two photos that are not compared yet wait for it.
    fn follow(&mut self, changes: &[Change]) -> store::Result<bool> {
        let (head, max_distance) = {
            let active = self.heads.active.now();
            (active.number, active.threshold)
        };
        let replaced = self.writer.replaced()?;
        // There may be very many decisions.
        let decisions = if replaced.is_empty() { Decisions::default() } else { read(&self.decisions).clone() };
        let (mut is_changed, mut waiting, mut uncompared) = (false, Vec::new(), Vec::new());
        for changed in replaced {
            let (before, after) = (changed.before.picture, changed.after.picture);
            let following = following(&decisions, before, after);
            if following.is_empty() {
                continue;
            }
            match self.edited(head, max_distance, &changed)? {
                Edited::Yes => {}
                Edited::No => continue,
                Edited::Uncompared => {
                    let pair = [changed.before.id.min(changed.after.id), changed.before.id.max(changed.after.id)];
                    if !changes.iter().any(|change| is_incomparable(change, pair)) {
                        uncompared.push(pair);
                        waiting.push(changed.file);
                    }
                    continue;
                }
                Edited::NotYet => {
                    waiting.push(changed.file);
                    continue;
                }
            }
            match self.writer.decide(&following, OnConflict::KeepNewer) {
                Ok(_) => is_changed = true,
                Err(store::Error::Contradiction(_)) => {
                    tracing::warn!("decisions on {before} are not kept for its edited version {after}: they contradict others")
                }
                Err(e) => return Err(e),
            }
        }
        if !uncompared.is_empty() {
            self.writer.batch(|batch| uncompared.iter().try_for_each(|pair| batch.want_comparison(*pair)))?;
        }
        self.writer.forget_replaced(&waiting)?;
        Ok(is_changed)
    }

    fn edited(&self, head: HeadNumber, max_distance: f32, changed: &Replaced) -> store::Result<Edited> {
        if changed.is_stale {
            return Ok(Edited::NotYet);
        }
        let evidence = self.writer.evidence(head, changed)?;
        let near = evidence.filter(|evidence| evidence.distance <= max_distance);
        let versions = read(&self.heads.versions).clone();
        Ok(near.map_or(Edited::No, |evidence| edited(&versions.model, &changed.before, &changed.after, &evidence)))
    }

    /// Replaces the decisions in memory by those that are stored. [`in_library`](WriterThread::in_library) says which of them
    /// cannot be read.
    pub(super) fn read_decisions(&mut self) -> store::Result<()> {
        let decisions = self.writer.decisions()?;
        *write(&self.decisions) = decisions;
        Ok(())
    }
}

/// Whether decisions may hold for other photos after a change.
fn concerns_decisions(change: &Change) -> bool {
    matches!(change, Change::Files { .. } | Change::Read { .. } | Change::Encoded { .. } | Change::Compared { .. })
}

/// Whether a change says that there is no picture of one of two photos now.
fn is_incomparable(change: &Change, pair: [PhotoId; 2]) -> bool {
    matches!(change, Change::Compared { photos, compared: None } if *photos == pair)
}

/// Returns the decisions on a picture as they would be on another one in its place.
fn following(decisions: &Decisions, before: PictureHash, after: PictureHash) -> Vec<Decision> {
    let equal = decisions.equal();
    let following = |d: &Decision| {
        let is_before = |picture| equal.standing(picture) == equal.standing(before);
        let other = if is_before(d.a) { d.b } else { d.a };
        let is_of_it = (is_before(d.a) || is_before(d.b)) && other != after && decisions.on(other, after).is_none();
        is_of_it.then_some(Decision { a: other, b: after, follows: Some(before), ..*d })
    };
    decisions.iter().filter_map(following).collect()
}
