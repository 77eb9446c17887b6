//! Heads: switching and removing them.
//!
//! Embeddings, densities and pairs belong to one head. To switch, those of the next head are made beside those in use,
//! in several commits. One more commit then puts the next head into use. An answer keeps the generation that it began with,
//! so none mixes two heads, and a daemon that is killed in between continues at its next start.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, RwLock};

use super::messages::{Request, Unwritten, Write, request};
use super::retry::while_full;
use super::state::events::EventKind;
use super::state::{Configuration, Events, Heads, Health, Lifecycle, Part, SharedRoots, lock, read};
use crate::catalog::Context;
use crate::catalog::changes::{Snapshot, counted};
use crate::catalog::generation::{
    BASE, BASE_VERSIONS, Compare, Generation, INCREMENT_PHOTOS, Increment, UsableHead, Versions, catch_up, check, find, find_versions,
    fingerprint, keep, load,
};
use crate::likeness::{Head, HeadError, VersionModelError};
use crate::photo::{ClusterChanges, Decisions};
use crate::store::{self, Chosen, HeadNumber, HeadRecord, Location, Positives, Reader, Writer};
use crate::vision::backbone::Backbone;

/// Why a head was not put into use or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no head named {0}")]
    Unknown(String),
    #[error("{0} was tuned on folders, for similar only: it cannot decide which photos are versions")]
    NotForDupes(String),
    #[error("{0} is a version model, which similar --head does not take")]
    NotForSimilar(String),
    #[error("the version model {0} cannot be read: {1}")]
    Versions(String, VersionModelError),
    #[error("{0} cannot be removed: it is in use, or comes with the program")]
    InUse(String),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Unwritten(error.into())
    }
}

/// Returns the name of the head that was chosen last, or of the base head. `None` if it cannot be read: then the head that
/// was in use last stays in use.
pub fn chosen(writer: &mut Writer) -> store::Result<Option<String>> {
    Ok(match writer.chosen_head()? {
        Chosen::Name(name) => Some(name),
        Chosen::Nothing => Some(BASE.to_owned()),
        Chosen::Unreadable => None,
    })
}

/// Returns the version model that was chosen last. If its name cannot be read, it is the one of the program, and
/// [`Writer::problems`] says so.
///
/// # Errors
/// A problem for people, if it cannot be used.
pub fn versions(chosen: &Chosen, heads: &[HeadRecord]) -> Result<Versions, String> {
    let name = match chosen {
        Chosen::Name(name) => name,
        Chosen::Nothing | Chosen::Unreadable => BASE_VERSIONS,
    };
    let why = match find_versions(heads, name) {
        Ok(Some(versions)) => return Ok(versions),
        Ok(None) => Error::Unknown(name.to_owned()),
        Err(e) => Error::Versions(name.to_owned(), e),
    };
    Err(format!("the chosen version model is not used: {why}; simctl heads use {BASE_VERSIONS} goes back to the built-in one"))
}

/// Returns the generation to start with. It is the one that was in use last, because its data is complete. If that one
/// cannot be used any more, it is the one of the chosen head, and its data is made now.
pub fn ready(
    writer: &mut Writer,
    location: &Location,
    backbone: &Backbone,
    chosen: Option<&str>,
    cores: usize,
) -> Result<Generation, Error> {
    let heads = writer.heads()?;
    let loaded = load_or_make(writer, location, backbone, &heads, chosen, cores);
    // The cause may be any value of any row.
    loaded.inspect_err(store::damage::condemn).map_err(Error::from)
}

fn load_or_make(
    writer: &mut Writer,
    location: &Location,
    backbone: &Backbone,
    heads: &[HeadRecord],
    chosen: Option<&str>,
    cores: usize,
) -> store::Result<Generation> {
    let dropped = writer.batch(|batch| batch.keep_recipes(&backbone.comparable_recipes()))?;
    if dropped.stale > 0 {
        tracing::info!("this version processes photos differently: {} are processed again, without reading them", dropped.stale);
    }
    if dropped.unread > 0 {
        tracing::info!("this version processes photos differently: {} photos are read again", dropped.unread);
    }
    let reader = Reader::open(location)?;
    let answered = reader.head()?;
    let names = chosen.into_iter().chain([BASE]).chain(heads.iter().map(|h| h.name.as_str()));
    let usable = |name: &str| match find(heads, backbone.name(), name) {
        Ok(known) => known.filter(|known| known.positives == Positives::Edits),
        Err(e) => {
            tracing::warn!("{e}");
            None
        }
    };
    let known: Vec<UsableHead> = names.filter_map(usable).collect();
    let is_last = |known: &UsableHead| answered.as_ref().is_some_and(|(_, print)| *print == fingerprint(&known.head));
    let place = known.iter().position(is_last).unwrap_or(0);
    let UsableHead { head, threshold, .. } = known.into_iter().nth(place).expect("the base is always known");
    let number = writer.batch(|batch| batch.head_number(&fingerprint(&head)))?;
    let mut generation = Generation { number, threshold, index: load(&reader, &head, number)?, head };
    catch_up(&mut generation, &reader, cores, |new, arrival| {
        writer.batch(|batch| keep(batch, number, &new, &arrival, Compare::InTheBackground))?;
        store::Result::Ok(Arc::new((new, arrival)))
    })?;
    check(&generation, &reader)?;
    writer.batch(|batch| batch.use_head(number))?;
    Ok(generation)
}

/// Whether to put a head into use, or only to return how the clusters would change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    Take,
    Try,
}

/// The parts of the daemon that switching needs.
#[derive(Clone)]
pub struct Switcher {
    pub configuration: Arc<Configuration>,
    pub roots: Arc<SharedRoots>,
    pub heads: Arc<Heads>,
    pub decisions: Arc<RwLock<Decisions>>,
    pub events: Arc<Events>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub writes: SyncSender<Write>,
}

impl Switcher {
    /// Makes the data that a head lacks and puts the head into use. Returns how the clusters change.
    ///
    /// # Errors
    /// See [`enum@Error`]. The head in use then stays in use.
    pub fn switch(&self, name: &str, switch: Switch) -> Result<ClusterChanges, Error> {
        let _turn = lock(&self.heads.switching);
        if let Some(versions) = self.known_versions(name)? {
            return self.switch_versions(versions, switch);
        }
        let known = find(&read(&self.heads.records), &self.configuration.backbone, name)?.ok_or_else(|| Error::Unknown(name.to_owned()))?;
        if known.positives == Positives::Folders {
            return Err(Error::NotForDupes(name.to_owned()));
        }
        if switch == Switch::Take {
            request(&self.writes, |reply| Request::ChooseHead(name.to_owned(), reply))?;
        }
        let number = request(&self.writes, |reply| Request::NumberHead(fingerprint(&known.head), reply))?;
        if self.heads.active.now().number == number {
            self.heads.active.change(|active| active.threshold = known.threshold);
            self.health.set_problem(Part::Heads, None);
            return Ok(ClusterChanges::default());
        }
        let reader = Reader::open(&self.configuration.location)?;
        let index = load(&reader, &known.head, number)?;
        let mut next = Generation { number, threshold: known.threshold, index, head: known.head };
        // Repeated while many new photos arrive. The writer adds the last few when it takes over the generation.
        loop {
            let cores = self.configuration.settings.workers;
            catch_up(&mut next, &reader, cores, |new, arrival| self.stored(number, Arc::new((new, arrival))))?;
            if reader.stored_features_after(next.index.last(), INCREMENT_PHOTOS)?.len() < INCREMENT_PHOTOS {
                break;
            }
        }
        let versions = read(&self.heads.versions).clone();
        let after = self.snapshot(&reader, &next, &versions)?;
        let changes = self.changes(&reader, &after)?;
        if switch == Switch::Try {
            return Ok(changes);
        }
        let name = next.head.name().to_owned();
        let before = request(&self.writes, |reply| Request::TakeOver(Box::new(next), reply))?;
        self.events.emit(EventKind::HeadChanged { name });
        self.health.set_problem(Part::Heads, None);
        if let Err(e) = self.sweep(vec![before, number]) {
            // The remaining rows only take space. The next switch removes them.
            tracing::warn!("some data of unused heads could not be removed: {e}");
        }
        Ok(changes)
    }

    /// Returns the version model of this name. `None` if a head has it, or nothing.
    pub fn known_versions(&self, name: &str) -> Result<Option<Versions>, Error> {
        find_versions(&read(&self.heads.records), name).map_err(|e| Error::Versions(name.to_owned(), e))
    }

    fn switch_versions(&self, next: Versions, switch: Switch) -> Result<ClusterChanges, Error> {
        let reader = Reader::open(&self.configuration.location)?;
        let after = self.snapshot(&reader, &self.heads.active.now(), &next)?;
        let changes = self.changes(&reader, &after)?;
        if switch == Switch::Take {
            let name = next.name.clone();
            request(&self.writes, |reply| Request::UseVersions(Arc::new(next), reply))?;
            self.events.emit(EventKind::HeadChanged { name });
            self.health.set_problem(Part::Versions, None);
        }
        Ok(changes)
    }

    /// Switches to a head that was chosen before the daemon started.
    pub fn take_up(&self, name: &str) {
        match self.switch(name, Switch::Take) {
            Ok(_) | Err(Error::Unwritten(Unwritten::Ending)) => {}
            Err(e) => {
                let problem = format!("the chosen head is not used: {e}; simctl heads use base chooses the base head instead");
                self.health.set_problem(Part::Heads, Some(problem));
            }
        }
    }

    /// Removes a head that is not in use.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let _turn = lock(&self.heads.switching);
        let in_use = [self.heads.active.now().head.name().to_owned(), read(&self.heads.versions).name.clone()];
        if [BASE, BASE_VERSIONS].contains(&name) || in_use.iter().any(|in_use| in_use == name) {
            return Err(Error::InUse(name.to_owned()));
        }
        let was_there = request(&self.writes, |reply| Request::RemoveHead(name.to_owned(), reply))?;
        if was_there { Ok(()) } else { Err(Error::Unknown(name.to_owned())) }
    }

    /// Stores an increment, and retries while the disk is full.
    fn stored(&self, number: HeadNumber, increment: Increment) -> Result<Increment, Error> {
        let is_wanted = || !self.lifecycle.is_stopping();
        while_full(&self.health, Part::Heads, "the next head cannot be prepared", is_wanted, || {
            request(&self.writes, |reply| Request::AddIncrement(number, increment.clone(), reply))
        })?;
        if self.lifecycle.is_stopping() { Err(Unwritten::Ending.into()) } else { Ok(increment) }
    }

    /// Removes the data of all heads except `keep` and the base, in many small commits.
    fn sweep(&self, keep: Vec<HeadNumber>) -> Result<(), Error> {
        let base = fingerprint(&Head::base()?);
        let retired = request(&self.writes, |reply| Request::RetireHeads { keep, base, reply })?;
        for head in retired {
            while !self.lifecycle.is_stopping() && !request(&self.writes, |reply| Request::SweepHead(head, reply))? {}
        }
        Ok(())
    }

    /// Returns how the clusters of the whole library differ from those of the head and the version model in use.
    fn changes(&self, reader: &Reader, after: &Snapshot) -> Result<ClusterChanges, Error> {
        let versions = read(&self.heads.versions).clone();
        let before = self.snapshot(reader, &self.heads.active.now(), &versions)?;
        Ok(counted(&before.changes(after)))
    }

    fn snapshot(&self, reader: &Reader, generation: &Generation, versions: &Versions) -> store::Result<Snapshot> {
        let (roots, decisions) = (self.roots.now(), read(&self.decisions).clone());
        Snapshot::take(&Context { reader, generation, versions: &versions.model, decisions: &decisions, roots: &roots })
    }
}
