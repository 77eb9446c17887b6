//! Requests to the writer. Each is carried out on its own.

use std::path::Path;
use std::sync::Arc;

use super::WriterThread;
use crate::catalog::generation::{Compare, Generation, Versions, catch_up, keep};
use crate::daemon::messages::{Mounted, Request};
use crate::daemon::state::{Part, write};
use crate::photo::{Root, RootId, VolumeLocation};
use crate::store::{self, Chosen, HeadNumber, Reader, Writer};

/// Names of stored settings: the order of a tuning, and the number of decisions at the start of the last one.
pub const TUNING_ORDER: &str = "tuning";
pub const TUNING_KNEW: &str = "tuning-knew";

/// Rows of each table of a retired head that are removed in one commit.
const SWEEP_ROWS: usize = 4096;

/// Describes the rows that could not be read the last time. They stay as they are, and are not used.
pub fn unreadable(writer: &Writer) -> Option<String> {
    let problems = writer.problems();
    (!problems.is_empty()).then(|| problems.join("; "))
}

impl WriterThread {
    /// Carries out a request, then answers: by then all threads see the change. If nobody waits for the answer any
    /// more, it is dropped.
    pub(super) fn carry_out(&mut self, request: Request) {
        match request {
            Request::AddRoot(path, volume_location, reply) => {
                drop(reply.send(self.in_library(|this| this.add_root(&path, volume_location.as_ref()))))
            }
            Request::AddRootBeside(root, known, reply) => {
                drop(reply.send(self.in_library(|this| this.add_root_beside(&root, &known))));
            }
            Request::AddMountedRoot(mounted, reply) => drop(reply.send(self.in_library(|this| this.add_mounted_root(&mounted)))),
            Request::RemoveRoot(root, reply) => drop(reply.send(self.in_library(|this| this.remove_root(&root)))),
            Request::RemoveUnreadableRoots(path, reply) => {
                drop(reply.send(self.in_library(|this| this.remove_unreadable_roots(&path))));
            }
            Request::PlaceRoot(root, reply) => drop(reply.send(self.in_library(|this| this.place_root(&root)))),
            Request::Decide(decisions, on_conflict, reply) => {
                drop(reply.send(self.change_decisions(|writer| writer.decide(&decisions, on_conflict))));
            }
            Request::ImportDecisions(decisions, pixels, reply) => {
                drop(reply.send(self.change_decisions(|writer| writer.import(&decisions, &pixels))));
            }
            Request::Undecide(pairs, reply) => drop(reply.send(self.change_decisions(|writer| writer.undecide(&pairs)))),
            Request::ChooseHead(name, reply) => drop(reply.send(self.in_library(|this| this.writer.choose_head(&name)))),
            Request::UseVersions(versions, reply) => drop(reply.send(self.in_library(|this| this.use_versions(versions)))),
            Request::AddHead(record, reply) => {
                drop(reply.send(self.in_library(|this| this.writer.add_head(&record).and_then(|()| this.read_heads()))));
            }
            Request::RemoveHead(name, reply) => drop(reply.send(self.in_library(|this| this.remove_head(&name)))),
            Request::NumberHead(fingerprint, reply) => {
                drop(reply.send(self.writer.batch(|batch| batch.head_number(&fingerprint))));
            }
            Request::AddIncrement(head, increment, reply) => {
                drop(reply.send(self.writer.batch(|batch| keep(batch, head, &increment.0, &increment.1, Compare::InTheBackground))));
            }
            Request::TakeOver(generation, reply) => drop(reply.send(self.take_over(*generation))),
            Request::RetireHeads { mut keep, base, reply } => drop(reply.send(self.writer.batch(|batch| {
                keep.push(batch.head_number(&base)?);
                batch.retire_heads(&keep)
            }))),
            Request::SweepHead(head, reply) => drop(reply.send(self.writer.batch(|batch| batch.sweep_head(head, SWEEP_ROWS)))),
            Request::QueueTuning(order, reply) => drop(reply.send(self.writer.batch(|batch| batch.set(TUNING_ORDER, &order)))),
            Request::DropTuning(reply) => drop(reply.send(self.writer.batch(|batch| batch.unset(TUNING_ORDER)))),
            Request::AddEditedVersions(photo, versions, reply) => {
                drop(reply.send(self.writer.batch(|batch| batch.add_edited_versions(photo, &versions))))
            }
            Request::EndTuning { decisions, reply } => drop(reply.send(self.writer.batch(|batch| {
                batch.unset(TUNING_ORDER)?;
                batch.set(TUNING_KNEW, &decisions.to_string())?;
                batch.drop_edited_versions()
            }))),
        }
    }

    fn add_root(&mut self, path: &Path, volume_location: Option<&VolumeLocation>) -> store::Result<Root> {
        let rules = self.configuration.reloadable().rules;
        let id = self.writer.add_root(path, volume_location, &|below| rules.hide(below))?;
        self.read_roots();
        tracing::info!("{} is watched from now on", path.display());
        Ok(Root { volume_location: volume_location.cloned(), ..Root::new(id, path) })
    }

    fn add_root_beside(&mut self, root: &Root, known: &[RootId]) -> store::Result<Option<Root>> {
        let added = self.writer.add_root_beside(root, known)?;
        self.read_roots();
        if added.is_some() {
            tracing::info!("another card is at {}: it is watched too", root.path.display());
        }
        Ok(added.map(|id| Root { id, volume_location: None, ..root.clone() }))
    }

    fn add_mounted_root(&mut self, mounted: &Mounted) -> store::Result<Option<Root>> {
        let rules = self.configuration.reloadable().rules;
        let Mounted { outer, path, volume_location, volume } = mounted;
        let added = self.writer.add_mounted_root(outer, path, volume_location.as_ref(), *volume, &|below| rules.hide(below))?;
        self.read_roots();
        if added.is_some() {
            tracing::info!("{} is mounted in {}: it is watched too", path.display(), outer.path.display());
        }
        Ok(added.and_then(|id| self.roots.now().get(id).cloned()))
    }

    fn remove_root(&mut self, root: &Root) -> store::Result<()> {
        let rules = self.configuration.reloadable().rules;
        self.writer.remove_root(root.id, &|below| rules.hide(below))?;
        self.read_roots();
        tracing::info!("{} is no longer watched", root.path.display());
        Ok(())
    }

    fn remove_unreadable_roots(&mut self, path: &Path) -> store::Result<bool> {
        let rules = self.configuration.reloadable().rules;
        let were_there = self.writer.remove_unreadable_roots(path, &|below| rules.hide(below))?;
        self.read_roots();
        if were_there {
            tracing::info!("the row of {} in library.db, which could not be read, is removed", path.display());
        }
        Ok(were_there)
    }

    fn place_root(&mut self, root: &Root) -> store::Result<()> {
        let rules = self.configuration.reloadable().rules;
        let placed = self.writer.place_root(root).and_then(|()| self.writer.nest_roots(&|below| rules.hide(below)));
        if let Err(e) = &placed {
            tracing::warn!("the path of {} could not be recorded: {e}", root.path.display());
        }
        self.read_roots();
        placed
    }

    fn read_roots(&mut self) {
        if let Ok(list) = self.writer.roots() {
            self.roots.change(|roots| roots.replace(list));
        }
    }

    /// Changes `library.db`, has `status` say which of its rows cannot be read now, and empties its write-ahead log, so that a
    /// copy of the file is a backup of all that was answered. What is in the way of that is not an error: the change is stored,
    /// and the log is emptied at the next rest. Nothing is changed if another file has taken its place: it would be lost.
    pub(super) fn in_library<T>(&mut self, change: impl FnOnce(&mut WriterThread) -> store::Result<T>) -> store::Result<T> {
        self.writer.check_library()?;
        let done = change(self);
        self.health.set_problem(Part::Library, unreadable(&self.writer));
        let done = done?;
        if let Err(e) = self.writer.checkpoint_library() {
            tracing::warn!("the last change is in library.db-wal and not yet in library.db: {e}");
        }
        // It may have been replaced meanwhile.
        self.writer.check_library()?;
        Ok(done)
    }

    /// Changes the stored decisions and then the decisions in memory.
    fn change_decisions<T>(&mut self, change: impl FnOnce(&mut Writer) -> store::Result<T>) -> store::Result<T> {
        let done = self.in_library(|this| {
            let done = change(&mut this.writer)?;
            this.read_decisions()?;
            Ok(done)
        })?;
        // An automatic tuning may be due.
        self.tuning.asked.raise();
        Ok(done)
    }

    fn use_versions(&mut self, versions: Arc<Versions>) -> store::Result<()> {
        self.writer.choose_versions(&versions.name)?;
        *write(&self.heads.versions) = versions;
        Ok(())
    }

    fn remove_head(&mut self, name: &str) -> store::Result<bool> {
        // The head may have been chosen, without being in use yet.
        if matches!(self.writer.chosen_head()?, Chosen::Name(chosen) if chosen == name) {
            let in_use = self.heads.active.now().head.name().to_owned();
            self.writer.choose_head(&in_use)?;
        }
        let was_there = self.writer.remove_head(name)?;
        self.read_heads()?;
        Ok(was_there)
    }

    fn read_heads(&mut self) -> store::Result<()> {
        *write(&self.heads.records) = self.writer.heads()?;
        *write(&self.heads.unreadable) = self.writer.unreadable_heads();
        Ok(())
    }

    /// Adds the last photos that a generation lacks, then puts it into use. Only this thread adds photos, so none can
    /// arrive meanwhile.
    fn take_over(&mut self, mut next: Generation) -> store::Result<HeadNumber> {
        let (reader, number) = (Reader::open(&self.configuration.location)?, next.number);
        catch_up(&mut next, &reader, 1, |new, arrival| {
            self.writer.batch(|batch| keep(batch, number, &new, &arrival, Compare::InTheBackground))?;
            store::Result::Ok(Arc::new((new, arrival)))
        })?;
        self.writer.batch(|batch| batch.use_head(number))?;
        Ok(self.heads.active.replace(next).number)
    }
}
