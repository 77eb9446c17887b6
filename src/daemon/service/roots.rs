//! The watched folders, as a client lists, adds and removes them.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Answers, AsOf};
use crate::api::types::{self, RootStatus, Watched};
use crate::api::{Code, Problem, text_of};
use crate::catalog::roots::{RootState, Roots, folder_id, whole};
use crate::daemon::messages::{Request, request_now};
use crate::intake::Volume;
use crate::photo::Root;

impl Answers {
    pub(super) fn root_status(&self, reader: &AsOf, roots: &Roots, root: &Root) -> Result<RootStatus, Problem> {
        let (counts, reloadable) = (self.counts(reader, root.id)?, self.state.configuration.reloadable());
        let unseen = RootState::default();
        let state = roots.state(root.id).unwrap_or(&unseen);
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
        let unwatched = unwatched(roots, root, state);
        Ok(RootStatus {
            path: text_of(&root.path),
            state: if state.offline.is_none() { types::RootState::Online } else { types::RootState::Offline },
            offline: state.offline.clone(),
            volume: root.volume_location.as_ref().map(|(volume, _)| volume.clone()),
            inside: root.inside.and_then(|outer| roots.get(outer)).map(|outer| text_of(&outer.path)),
            busy: self.state.queue.activity.is_busy(root.id),
            scanned_every: unwatched.iter().map(|(_, every)| *every).fold(state.schedule.interval, Duration::min).as_secs(),
            unwatched: unwatched.map(|(why, _)| why),
            last_scan: state.schedule.last_scan.and_then(seconds),
            events: state.hints,
            times_lost: state.times_lost,
            missing: state.absent.missing.len() as u64,
            // Of an offline root all files are offline.
            away: if state.offline.is_none() { state.absent.away.len() as u64 } else { 0 },
            excluded: reloadable.rules.excluded().to_vec(),
            included: reloadable.rules.included().to_vec(),
            photos: counts.photos,
            coverage: counts.coverage,
            left_out: roots.left_out(&[whole(root)]),
        })
    }

    pub(super) fn watch(&self, path: &Path) -> Result<Watched, Problem> {
        let refused = |e: std::io::Error| Problem::new(Code::NoFolder, format!("{} cannot be watched: {e}", path.display()));
        let real = std::fs::canonicalize(path).map_err(refused)?;
        if !real.is_dir() {
            return Err(refused(std::io::ErrorKind::NotADirectory.into()));
        }
        let (before, rules) = (self.state.roots.now(), self.state.configuration.reloadable().rules);
        if let Some(root) = before.holding(&real)
            && real.strip_prefix(&root.path).is_ok_and(|below| !rules.hide(&before.path_for_rules(root, below)))
        {
            // A known root is started again if its folder appeared or was replaced, or if changes in it may be missed.
            let known = before.state(root.id).map(|state| (state.folder, state.unwatched.is_none()));
            let is_current = known.is_none_or(|(folder, _)| folder == folder_id(&root.path));
            let is_watched = known.is_some_and(|(_, is_watched)| is_watched);
            let is_under_way = self.state.queue.activity.is_busy(root.id);
            if !is_current || !is_watched && !is_under_way {
                self.intakes.start(root.clone())?;
            }
            return Ok(Watched { path: text_of(&real) });
        }
        if let Some(shown) = self.intakes.same_folder(&real) {
            return Ok(Watched { path: text_of(&shown) });
        }
        let watched = Watched { path: text_of(&real) };
        if self.intakes.bring_back(&real)? {
            return Ok(watched);
        }
        let before = self.state.roots.now();
        let volume_location = Volume::of(&real).map(|here| (here.id, here.inner));
        let root = request_now(&self.writes, &self.state.health, |reply| Request::AddRoot(real, volume_location, reply))?;
        let after = self.state.roots.now();
        for absorbed in before.list().iter().filter(|root| after.get(root.id).is_none()) {
            self.intakes.forget(absorbed.clone())?;
        }
        self.intakes.start(root)?;
        Ok(watched)
    }

    pub(super) fn unwatch(&self, path: &Path) -> Result<(), Problem> {
        let roots = self.state.roots.now();
        let unreadable = |reply| Request::RemoveUnreadableRoots(path.to_owned(), reply);
        let were_unreadable = request_now(&self.writes, &self.state.health, unreadable)?;
        if roots.at(path).next().is_none() && !were_unreadable {
            let known: Vec<String> = roots.list().iter().map(|r| r.path.display().to_string()).collect();
            return Err(Problem::new(Code::NoRoot, format!("{} is not a watched folder", path.display()))
                .hint(format!("watched: {}", known.join(", "))));
        }
        let outer_of = |root: &Root| root.inside.filter(|_| !root.is_asked && roots.is_online(root.id)).and_then(|outer| roots.get(outer));
        if let Some(outer) = roots.at(path).find_map(outer_of) {
            let outer = &outer.path;
            let message = format!("{} is mounted in {}, which is watched", path.display(), outer.display());
            let hint = "leave it out with the setting exclude, or remove the folder that it is in";
            return Err(Problem::new(Code::NoRoot, message).hint(hint));
        }
        for root in roots.at(path) {
            self.intakes.forget(root.clone())?;
            let removed = request_now(&self.writes, &self.state.health, |reply| Request::RemoveRoot(root.clone(), reply));
            if removed.is_err() {
                // It stays, and is watched again.
                self.intakes.start(root.clone())?;
            }
            removed?;
        }
        // What is mounted in it goes with it, and roots that had become part of it are back.
        let after = self.state.roots.now();
        let gone = |root: &&Root| after.get(root.id).is_none() && root.path != path;
        roots.list().iter().filter(gone).try_for_each(|root| self.intakes.forget(root.clone()))?;
        after.list().iter().filter(|root| roots.get(root.id).is_none()).try_for_each(|root| Ok(self.intakes.start(root.clone())?))
    }
}

/// Returns why changes of a root, or of what is mounted in it, may go unnoticed, and how often that is scanned therefore.
fn unwatched(roots: &Roots, root: &Root, state: &RootState) -> Option<(String, Duration)> {
    let own = || state.unwatched.clone().map(|why| (why, state.schedule.interval));
    let mounted = |inner: &Root| {
        let (state, place) = (roots.state(inner.id)?, root.place(&inner.path)?);
        let why = state.unwatched.as_ref().filter(|_| inner.inside == Some(root.id) && state.offline.is_none())?;
        Some((format!("{}: {why}", place.path.display()), state.schedule.interval))
    };
    own().or_else(|| roots.list().iter().find_map(mounted))
}
