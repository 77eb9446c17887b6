//! Decisions hold for what a person saw: for all pictures of equal pixels, and for the edited photo at the same path.

use std::collections::BTreeSet;

use super::WriterThread;
use crate::daemon::messages::{Change, Outcome};
use crate::daemon::state::{read, write};
use crate::likeness::{is_series, shows_whole_frame};
use crate::photo::{Decision, Dimensions, PictureHash};
use crate::store::{self, OnConflict, Replaced};

/// How much the shape of a photo may differ from that of its edited version: sizes are whole pixels.
const MAX_ASPECT_CHANGE: f64 = 0.02;

impl WriterThread {
    /// Keeps decisions up to date after changes were committed. What a crash interrupts is done at the next start
    /// ([`catch_up`](WriterThread::catch_up)).
    pub(super) fn keep_decisions(&mut self, changes: &[Change]) -> store::Result<()> {
        if !changes.iter().any(|change| matches!(change, Change::Files { .. } | Change::Read { .. })) {
            return Ok(());
        }
        if read(&self.decisions).is_empty() {
            return self.writer.forget_replaced();
        }
        let equal: BTreeSet<PictureHash> = changes.iter().filter_map(|change| self.decided_picture(change)).collect();
        let is_changed = !equal.is_empty() && self.writer.keep_pixels(&equal)? > 0;
        if self.follow()? || is_changed { self.read_decisions() } else { Ok(()) }
    }

    /// Does what a crash may have interrupted, before the first change.
    pub(super) fn catch_up(&mut self) -> store::Result<()> {
        let decided: BTreeSet<PictureHash> = read(&self.decisions).iter().flat_map(|d| [d.a, d.b]).collect();
        let is_changed = self.writer.keep_pixels(&decided)? > 0;
        if self.follow()? || is_changed { self.read_decisions() } else { Ok(()) }
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

    /// Copies the decisions on photos whose files hold an edited version of them now. Returns whether there were any.
    fn follow(&mut self) -> store::Result<bool> {
        let (head, max_distance) = {
            let active = self.heads.active.now();
            (active.number, active.threshold)
        };
        let replaced = self.writer.replaced(head)?;
        if replaced.is_empty() {
            return Ok(false);
        }
        let decisions = read(&self.decisions).clone();
        let mut is_changed = false;
        for changed in replaced.iter().filter(|changed| is_edited(changed, max_distance)) {
            let (before, after) = (changed.before.picture, changed.after.picture);
            let equal = decisions.equal();
            let following = |d: &Decision| {
                let is_before = |picture| equal.standing(picture) == equal.standing(before);
                let other = if is_before(d.a) { d.b } else { d.a };
                let is_of_it = (is_before(d.a) || is_before(d.b)) && other != after && decisions.on(other, after).is_none();
                is_of_it.then_some(Decision { a: other, b: after, follows: Some(before), ..*d })
            };
            let following: Vec<Decision> = decisions.iter().filter_map(following).collect();
            if following.is_empty() {
                continue;
            }
            match self.writer.decide(&following, OnConflict::KeepNewer) {
                Ok(_) => is_changed = true,
                Err(store::Error::Contradiction(_)) => {
                    tracing::warn!("decisions on {before} are not kept for its edited version {after}: they contradict others")
                }
                Err(e) => return Err(e),
            }
        }
        self.writer.forget_replaced()?;
        Ok(is_changed)
    }

    fn read_decisions(&mut self) -> store::Result<()> {
        let decisions = self.writer.decisions()?;
        *write(&self.decisions) = decisions;
        self.writer.checkpoint_library()?;
        Ok(())
    }
}

/// Returns whether a file was edited: its new photo is a version of the one before, with the whole frame, and no frame of a
/// series. Another photo that was put in its place is none.
fn is_edited(changed: &Replaced, max_distance: f32) -> bool {
    let Replaced { distance, before, after } = changed;
    let aspect = |d: &Dimensions| f64::from(d.width.max(d.height)) / f64::from(d.width.min(d.height).max(1));
    let is_one_shape = (aspect(&before.dimensions) / aspect(&after.dimensions) - 1.0).abs() <= MAX_ASPECT_CHANGE;
    distance.is_some_and(|distance| distance <= max_distance)
        && is_one_shape
        && !is_series(&before.capture, &after.capture)
        && shows_whole_frame(&before.keypoints, &after.keypoints)
}
