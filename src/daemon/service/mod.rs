//! Answers the requests of the API, by asking the catalog.

mod counts;
mod decisions;
mod events;
mod heads;
mod known;
mod places;
mod roots;
mod views;

use std::collections::HashSet;
use std::iter::once;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use counts::Counts;
use futures_util::stream::BoxStream;

use crate::api::types::{
    Activity, Begin, Cluster, ClusterChanges, Comparison, DaemonProblem, DecisionCount, DecisionText, End, Event, Failures, FenceStatus,
    FileFailure, FilePair, HeadInfo, KeptPictures, KnownAnswer, KnownQuestion, Line, ListedDecision, ProblemCode, Progress, Reloaded,
    RootStatus, SCHEMA, Selection, Similar, Status, TuningOrder, TuningState, Version, Watched,
};
use crate::api::{Code, Gone, Problem, Service, Switch, Take, shell_word, text_of};
use crate::catalog::Context;
use crate::catalog::clusters::{WithinShots, clusters, versions_outside};
use crate::catalog::generation::find;
use crate::catalog::pairs::{self, pairs};
use crate::catalog::query::{self, Known, Queries, neighbours, records};
use crate::catalog::ranked::Rank;
use crate::catalog::roots::Roots;
use crate::config::Settings;
use crate::daemon::decisions::{self as deciding, Deciding};
use crate::daemon::heads::{Error as HeadError, Switcher};
use crate::daemon::intake::Intakes;
use crate::daemon::messages::Write;
use crate::daemon::problems::{no_key, within_max_pair_distance};
use crate::daemon::state::{Part, State, lock, read};
use crate::daemon::tuning::Tuner;
use crate::daemon::waiting::Waiting;
use crate::daemon::wire;
use crate::likeness::MAX_PAIR_DISTANCE;
use crate::photo::{Coverage, Decision, PhotoId, PictureHash, Place, Positives, Relation, RootId, Verdict};
use crate::store::{FailureRecord, Reader, Wanted};
use crate::sys::{View, now, probe};

pub struct Answers {
    state: State,
    intakes: Arc<Intakes>,
    switcher: Switcher,
    tuner: Tuner,
    writes: SyncSender<Write>,
    queries: Mutex<Queries>,
    counts: Mutex<Counts>,
}

/// A reader that sees this commit or a later one.
struct AsOf {
    commit: u64,
    reader: Reader,
}

impl Deref for AsOf {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Answers {
    pub fn new(state: State, intakes: Arc<Intakes>, switcher: Switcher, tuner: Tuner, queries: Queries) -> Answers {
        let writes = switcher.writes.clone();
        Answers { state, intakes, switcher, tuner, writes, queries: Mutex::new(queries), counts: Mutex::default() }
    }

    fn reader(&self) -> Result<AsOf, Problem> {
        // Read before the store is opened, so that data kept with this number is never older than the commit.
        let commit = self.state.queue.commits();
        Ok(AsOf { commit, reader: Reader::open(&self.state.configuration.location)? })
    }

    /// Returns the scopes of the paths, or all roots if there are no paths.
    fn scopes(&self, paths: &[PathBuf]) -> Result<Vec<Place>, Problem> {
        let roots = self.state.roots.now();
        if paths.is_empty() {
            return Ok(roots.scopes());
        }
        let mut scopes = Vec::new();
        for path in paths {
            let meant = roots.scopes_of(path);
            if meant.is_empty() {
                // Folders are watched, and not files.
                let folder = path.parent().filter(|_| probe::path(path, Path::is_file) == Some(true)).unwrap_or(path);
                return Err(Problem::new(Code::NotWatched, format!("{} is not in a watched folder", path.display()))
                    .hint(format!("simctl roots add {}", shell_word(folder))));
            }
            scopes.extend(meant);
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes)
    }

    /// Returns the end of an answer that takes some places into account, with counts of those that were asked about.
    fn end(&self, about: &[Place], asked: &[Place], roots: &Roots, reader: &AsOf) -> Result<End, Problem> {
        let count = |scopes: &[Place]| self.coverage(reader, scopes);
        places::end(about, asked, roots, &self.state.queue, reader, &count)
    }

    fn problems(&self) -> Vec<DaemonProblem> {
        let location = &self.state.configuration.location;
        let mut problems: Vec<DaemonProblem> =
            self.state.health.problems().into_iter().map(|(part, message)| wire::problem(part, message, location)).collect();
        let roots = self.state.roots.now();
        for root in roots.list() {
            let missing = roots.state(root.id).map_or(0, |state| state.absent.missing.len());
            if missing > 0 {
                let message = format!(
                    "{missing} files of {} are gone at once and still listed; if they were deleted: simctl scan --forget {}",
                    root.path.display(),
                    shell_word(&root.path)
                );
                problems.push(DaemonProblem { code: ProblemCode::Missing, message, path: Some(text_of(&root.path)) });
            }
        }
        problems
    }

    fn deciding(
        &self,
        work: impl FnOnce(&Deciding<'_>) -> Result<deciding::DecisionCount, deciding::Error>,
    ) -> Result<DecisionCount, Problem> {
        let (reader, roots) = (self.reader()?, self.state.roots.now());
        let State { events, health, .. } = &self.state;
        let decisions = read(&self.state.decisions).clone();
        Ok(work(&Deciding { roots: &roots, decisions: &decisions, events, health, writes: &self.writes, reader: &reader })?.into())
    }
}

impl Service for Answers {
    fn version(&self) -> Version {
        wire::version(&self.state.configuration.version)
    }

    fn compare_views(&self, views: &[View]) -> Result<(), Problem> {
        views::compare(views, &self.state.roots.now(), &self.state.configuration.reloadable().rules)
    }

    fn status(&self) -> Result<Status, Problem> {
        self.state.lifecycle.examine_index(&self.state.health);
        let reader = self.reader()?;
        let roots = self.roots()?;
        let coverage = roots.iter().map(|root| root.coverage).sum::<Coverage>();
        let activity = match (coverage.pending, roots.iter().any(|root| root.busy)) {
            (0, false) => Activity::Idle,
            (0, true) => Activity::Scanning,
            _ => Activity::Reading,
        };
        let tuning = self.state.tuning.state().progress.as_ref().map(wire::progress);
        let active = self.state.heads.active.now();
        Ok(Status {
            version: self.version(),
            data_dir: self.state.configuration.settings.data_dir.display().to_string(),
            activity,
            problems: self.problems(),
            fence: FenceStatus {
                landlock: self.state.health.fence.landlock,
                seccomp: self.state.health.fence.seccomp,
                missing: self.state.health.fence.missing.clone(),
            },
            missing_sandbox_layers: self.state.health.missing_sandbox_layers(self.state.configuration.settings.limits),
            head: active.head.name().to_owned(),
            threshold: active.threshold,
            max_pair_distance: MAX_PAIR_DISTANCE,
            roots,
            photos: active.index.len() as u64,
            decisions: read(&self.state.decisions).len() as u64,
            contradictions: read(&self.state.decisions).contradictions() as u64,
            tuning,
            coverage,
            counters: reader.counters()?,
        })
    }

    fn roots(&self) -> Result<Vec<RootStatus>, Problem> {
        let (reader, roots) = (self.reader()?, self.state.roots.now());
        roots.list().iter().map(|root| self.root_status(&reader, &roots, root)).collect()
    }

    fn add_root(&self, path: &Path) -> Result<Watched, Problem> {
        self.watch(path)
    }

    fn remove_root(&self, path: &Path) -> Result<(), Problem> {
        self.unwatch(path)
    }

    fn reload(&self) -> Result<Reloaded, Problem> {
        let refused = |e| Problem::new(Code::Settings, format!("{e}")).hint("the daemon keeps its current settings");
        let before = &self.state.configuration.settings;
        let now = Settings::load(&before.overrides).map_err(refused)?;
        let had = self.state.configuration.reload(now.reloadable.clone());
        if had.rules != now.reloadable.rules {
            self.state.roots.now().list().iter().try_for_each(|root| self.intakes.start(root.clone()))?;
        }
        self.state.notify.raise();
        Ok(Reloaded {
            config: now.config.display().to_string(),
            changed: had != now.reloadable,
            needs_restart: (before.workers, before.limits) != (now.workers, now.limits),
        })
    }

    fn scan(&self, paths: &[PathBuf], gone: Gone) -> Result<(), Problem> {
        for scope in self.scopes(paths)? {
            let root = self.state.roots.now().get(scope.root).cloned();
            if let Some(root) = root {
                self.intakes.scan(root, scope, gone.into())?;
            }
        }
        Ok(())
    }

    fn wait(&self, paths: &[PathBuf], timeout: Duration, since: Option<u64>) -> Result<Progress, Problem> {
        let deadline = Instant::now() + timeout;
        let reader = self.reader()?;
        let mut waiting = Waiting::begin(&self.intakes, &self.state.queue, since);
        if since.is_none() {
            let (scopes, roots) = (self.scopes(paths)?, self.state.roots.now());
            self.intakes.look_for_offline(&scopes);
            // What is asked about was started when it was asked to be watched, but not what is mounted in it.
            let is_asked = |root: RootId| paths.iter().any(|path| roots.holding(path).is_some_and(|holding| holding.id == root));
            self.intakes.scan_unwatched(&scopes, |root| is_asked(root) && self.state.queue.activity.is_busy(root));
        }
        loop {
            let scopes = self.scopes(paths)?;
            // Asked before the roots are read, so that one that was found since is online below.
            let busy: HashSet<RootId> = scopes.iter().map(|scope| scope.root).filter(|root| waiting.was_busy(*root)).collect();
            let roots = self.state.roots.now();
            let online: Vec<Place> = scopes.iter().filter(|s| roots.is_online(s.root)).cloned().collect();
            lock(&self.state.queue.wanted).extend(online.iter().map(|scope| (scope.clone(), Instant::now())));
            let is_new = |scope: &Place| roots.state(scope.root).is_none();
            let is_sought = |scope: &Place| roots.may_come_back(scope.root) && busy.contains(&scope.root);
            let settled = !online.iter().any(is_new) && waiting.is_over(&reader, &online)? && !scopes.iter().any(is_sought);
            let left = deadline.saturating_duration_since(Instant::now());
            if settled || left.is_zero() || self.state.lifecycle.is_stopping() {
                // A new reader, because the commit number of the other one is from before the wait.
                let reader = self.reader()?;
                let count = |scopes: &[Place]| {
                    if settled { self.coverage(&reader, scopes) } else { self.recent_coverage(&reader, scopes) }
                };
                let places = places::states(&scopes, &roots, &self.state.queue, &count, settled)?;
                let whole = places.iter().all(|place| place.whole);
                let (coverage, not_storing) = (count(&scopes)?, self.state.health.problem(Part::Store));
                let moment = waiting.moment.map(|moment| moment.0);
                return Ok(Progress { settled, moment, whole, places, coverage, problems: self.problems(), not_storing });
            }
            self.state.queue.activity.wait(left.min(Duration::from_millis(250)));
        }
    }

    fn clusters(&self, selection: &Selection, take: Take<'_, Cluster>) -> Result<(), Problem> {
        let reader = self.reader()?;
        let _held = reader.hold()?;
        let asked = self.scopes(&selection.paths)?;
        let scopes = if selection.everywhere { self.scopes(&[])? } else { asked.clone() };
        // Kept to the end, so that the whole answer is of one head.
        let active = self.state.heads.active.now();
        let threshold = within_max_pair_distance(selection.threshold.unwrap_or(active.threshold), "threshold")?;
        let after = selection.after.as_deref().map(|text| text.parse::<Rank>().map_err(|()| no_key(text))).transpose()?;
        let (versions, decisions) = (read(&self.state.heads.versions).clone(), read(&self.state.decisions).clone());
        let roots = self.state.roots.now();
        let context = Context { reader: &reader, generation: &active, versions: &versions.model, decisions: &decisions, roots: &roots };
        let is_wanted = take.is_wanted;
        let within = if selection.within_shots { WithinShots::Shown } else { WithinShots::Hidden };
        let near: Option<HashSet<PhotoId>> = match selection.everywhere {
            true => Some(reader.photos(&asked, Wanted::All)?.into_keys().collect()),
            false => None,
        };
        let found = clusters(&context, &scopes, near.as_ref(), threshold, &selection.relations, within, is_wanted)?;
        let Some(clustering) = found else { return Ok(()) };
        let outside =
            if selection.everywhere { Some(0) } else { versions_outside(&context, &scopes, threshold, &selection.relations, is_wanted)? };
        let Some(outside) = outside else { return Ok(()) };
        let begin = Begin { schema: SCHEMA, version: SCHEMA, threshold, head: active.head.name().to_owned() };
        let found = &clustering.found[after.map_or(0, |after| clustering.found.partition_point(|found| found.rank >= after))..];
        let shown = &found[..selection.limit.unwrap_or(usize::MAX).min(found.len())];
        let lines = shown.iter().map(|found| Line::Item(wire::cluster(&clustering, found, &roots)));
        if once(Line::Begin { begin }).chain(lines).try_for_each(&mut *take.line).is_break() {
            return Ok(());
        }
        let next = shown.last().filter(|_| shown.len() < found.len()).map(|last| last.rank.to_string());
        let about = if selection.everywhere { &scopes } else { &asked };
        let end = self.end(about, &asked, &roots, &reader)?;
        let (found, shots, held_apart) = (clustering.amounts(), clustering.shots, clustering.held_apart);
        let photos = |relation: Relation| held_apart.get(&relation).map_or(0, |amount| amount.photos);
        let [series, parts, unknown] = [Relation::Series, Relation::Part, Relation::Unknown].map(photos);
        let _ = (take.line)(Line::End { end: End { series, parts, unknown, found, held_apart, shots, outside, next, ..end } });
        Ok(())
    }

    fn pairs(&self, selection: &Selection, take: Take<'_, FilePair>) -> Result<(), Problem> {
        let reader = self.reader()?;
        let _held = reader.hold()?;
        let scopes = self.scopes(&selection.paths)?;
        let active = self.state.heads.active.now();
        let up_to = within_max_pair_distance(selection.threshold.unwrap_or(active.threshold), "max_distance")?;
        let after = selection.after.as_deref().map(|key| wire::keyed_pair(key).ok_or_else(|| no_key(key))).transpose()?;
        let (versions, decisions) = (read(&self.state.heads.versions).clone(), read(&self.state.decisions).clone());
        let roots = self.state.roots.now();
        let context = Context { reader: &reader, generation: &active, versions: &versions.model, decisions: &decisions, roots: &roots };
        let is_normalized = selection.threshold.is_none();
        let Some(pairs) = pairs(&context, &scopes, up_to, is_normalized, &selection.relations, take.is_wanted)? else { return Ok(()) };
        let begin = Begin { schema: SCHEMA, version: SCHEMA, threshold: up_to, head: active.head.name().to_owned() };
        let pairs = &pairs[after.map_or(0, |after| pairs.partition_point(|pair| pairs::order(pair, &after).is_le()))..];
        let shown = &pairs[..selection.limit.unwrap_or(usize::MAX).min(pairs.len())];
        let lines = shown.iter().map(|pair| Line::Item(wire::pair(pair)));
        if once(Line::Begin { begin }).chain(lines).try_for_each(&mut *take.line).is_break() {
            return Ok(());
        }
        let next = shown.last().filter(|_| shown.len() < pairs.len()).map(wire::pair_key);
        let end = self.end(&scopes, &scopes, &roots, &reader)?;
        let _ = (take.line)(Line::End { end: End { next, ..end } });
        Ok(())
    }

    fn similar(&self, bytes: &[u8], count: usize, head: Option<&str>) -> Result<Similar, Problem> {
        let (reader, state, roots) = (self.reader()?, &self.state, self.state.roots.now());
        let mut queries = lock(&self.queries);
        let asked = queries.read(bytes, &state.configuration.settings.data_dir)?;
        let active = state.heads.active.now();
        let (head, threshold, nearest) = match head.filter(|name| *name != active.head.name()) {
            None => (active.head.name().to_owned(), Some(active.threshold), query::nearest(&active, &reader, &asked, count)?),
            Some(name) => {
                if self.switcher.known_versions(name)?.is_some() {
                    return Err(HeadError::NotForSimilar(name.to_owned()).into());
                }
                let known = find(&read(&state.heads.records), &state.configuration.backbone, name).map_err(Problem::internal)?;
                let known = known.ok_or_else(|| HeadError::Unknown(name.to_owned()))?;
                // One that learned folders says what is similar, and not what is one photo.
                let threshold = (known.positives != Positives::Folders).then_some(known.threshold);
                (known.head.name().to_owned(), threshold, queries.nearest_under(known, &reader, &asked, count)?)
            }
        };
        let (versions, decisions) = (read(&state.heads.versions).clone(), read(&state.decisions).clone());
        let photos = records(&reader, &decisions, &roots.scopes(), &nearest)?;
        let known = Known { versions: &versions.model, decisions: &decisions };
        let near = neighbours(&reader, &asked, &nearest, &photos, known, count)?;
        Ok(Similar { head, threshold, similar: near.iter().map(|near| wire::neighbour(near, &roots)).collect() })
    }

    fn pictures(&self, pictures: &[PictureHash]) -> Result<KeptPictures, Problem> {
        let reader = self.reader()?;
        Ok(wire::kept_pictures(pictures.iter().filter_map(|picture| Some((*picture, reader.kept_picture(picture)?)))))
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Comparison, Problem> {
        let (state, mut queries) = (&self.state, lock(&self.queries));
        let mut read_as = |name: &str, bytes| {
            let read = queries.read(bytes, &state.configuration.settings.data_dir).map_err(Problem::from);
            read.map_err(|p| Problem { message: format!("the {name} file: {}", p.message), ..p })
        };
        let (a, b) = (read_as("first", a)?, read_as("second", b)?);
        drop(queries);
        let (versions, decisions) = (read(&state.heads.versions).clone(), read(&state.decisions).clone());
        let (reader, active, roots) = (self.reader()?, state.heads.active.now(), state.roots.now());
        let _held = reader.hold()?;
        let context = Context { reader: &reader, generation: &active, versions: &versions.model, decisions: &decisions, roots: &roots };
        Ok(wire::comparison(query::compare(&context, &a, &b)?, active.threshold))
    }

    fn known(&self, paths: &[PathBuf], questions: &[KnownQuestion]) -> Result<Vec<KnownAnswer>, Problem> {
        self.look_up(paths, questions)
    }

    fn decide(&self, paths: &[PathBuf], verdict: Verdict) -> Result<DecisionCount, Problem> {
        self.deciding(|deciding| deciding.decide(paths, verdict))
    }

    fn forget(&self, paths: &[PathBuf], pictures: &[PictureHash]) -> Result<DecisionCount, Problem> {
        self.deciding(|deciding| deciding.forget(paths, pictures))
    }

    fn listed_decisions(&self) -> Result<Vec<ListedDecision>, Problem> {
        let (reader, decisions) = (self.reader()?, read(&self.state.decisions).clone());
        Ok(decisions::listed(&decisions, &self.state.roots.now(), &reader)?)
    }

    fn decisions(&self) -> Vec<DecisionText> {
        decisions::list(&read(&self.state.decisions))
    }

    fn import(&self, decisions: Vec<DecisionText>) -> Result<DecisionCount, Problem> {
        let now = now();
        let read =
            (1..).zip(&decisions).map(|(number, text)| decisions::imported(number, text, now)).collect::<Result<Vec<_>, Problem>>()?;
        let (decisions, pixels): (Vec<Decision>, Vec<_>) = read.into_iter().unzip();
        self.deciding(|deciding| deciding.import(decisions, pixels.concat()))
    }

    fn heads(&self) -> Vec<HeadInfo> {
        heads::list(&self.state.heads, &self.state.configuration.backbone)
    }

    fn use_head(&self, name: &str, switch: Switch) -> Result<ClusterChanges, Problem> {
        Ok(wire::cluster_changes(&self.switcher.switch(name, switch.into())?))
    }

    fn remove_head(&self, name: &str) -> Result<(), Problem> {
        Ok(self.switcher.remove(name)?)
    }

    fn tune(
        &self,
        name: Option<String>,
        positives: Positives,
        minutes: Option<u64>,
        photos: Option<usize>,
    ) -> Result<TuningOrder, Problem> {
        Ok(self.tuner.start(self.tuner.order(name, positives, minutes, photos))?.into())
    }

    fn tuning(&self) -> TuningState {
        wire::tuning(&self.state.tuning.state())
    }

    fn stop_tuning(&self) -> Result<(), Problem> {
        Ok(self.tuner.stop()?)
    }

    fn failures(&self, paths: &[PathBuf], after: Option<&str>, limit: Option<usize>) -> Result<Failures, Problem> {
        let after = after.map(|key| wire::keyed_place(key).ok_or_else(|| no_key(key))).transpose()?;
        let (mut failures, roots) = (self.reader()?.failures(&self.scopes(paths)?)?, self.state.roots.now());
        failures.sort_by(|a, b| wire::place_order(&a.place).cmp(&wire::place_order(&b.place)));
        let is_before = |failure: &FailureRecord, after: &Place| wire::place_order(&failure.place) <= wire::place_order(after);
        let failures = &failures[after.map_or(0, |after| failures.partition_point(|failure| is_before(failure, &after)))..];
        let shown = &failures[..limit.unwrap_or(usize::MAX).min(failures.len())];
        let next = shown.last().filter(|_| shown.len() < failures.len()).map(|last| wire::place_key(&last.place));
        let failures = shown.iter().filter_map(|f| {
            Some(FileFailure { path: text_of(&roots.path_of(&f.place)?), stage: f.failure.stage, reason: f.failure.reason.clone() })
        });
        Ok(Failures { failures: failures.collect(), next })
    }

    fn events(&self, after: Option<u64>) -> BoxStream<'static, Event> {
        let heard = events::after(&self.state.events, after);
        self.state.notify.raise();
        heard
    }

    fn stop(&self) {
        self.state.lifecycle.stop();
    }
}
