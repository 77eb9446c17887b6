//! Waits until everything that happened before a question is stored.

use super::intake::Intakes;
use super::state::Queue;
use super::state::queue::Moment;
use crate::photo::{Place, RootId};
use crate::store::{self, Reader};

/// A question that waits.
pub struct Waiting<'a> {
    intakes: &'a Intakes,
    queue: &'a Queue,
    /// The event that was raised when it was asked.
    marker: Option<u64>,
    /// When all events from before it had arrived.
    pub moment: Option<Moment>,
}

impl<'a> Waiting<'a> {
    /// Begins to wait, or goes on with a question that was asked at the moment `since`.
    pub fn begin(intakes: &'a Intakes, queue: &'a Queue, since: Option<u64>) -> Waiting<'a> {
        let marker = if since.is_none() { intakes.raise_marker() } else { None };
        Waiting { intakes, queue, marker, moment: since.map(Moment) }
    }

    /// Returns whether work on a root is under way that began before the question.
    pub fn was_busy(&self, root: RootId) -> bool {
        self.queue.activity.was_busy(root, self.moment.unwrap_or(Moment(u64::MAX)))
    }

    /// Returns whether all changes below the scopes from before the question are stored, and no file is pending. Changes
    /// that happen again and again do not delay it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_over(&mut self, reader: &Reader, scopes: &[Place]) -> store::Result<bool> {
        if self.moment.is_none() && self.marker.is_none_or(|marker| self.intakes.has_passed(marker, scopes)) {
            self.moment = Some(self.queue.activity.now());
        }
        self.moment.map_or(Ok(false), |moment| self.queue.was_settled(reader, scopes, moment))
    }
}
