//! The daemon's answers to the API, read from the store and the index.

use std::collections::{HashMap, HashSet};
use std::io::{Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use tokio::sync::{broadcast, oneshot};

use super::clustering;
use super::intake::Order;
use super::shared::{Shared, folder_id, lock, read};
use super::write::Write;
use crate::api::types::{
    self, Clusters, Comparison, Event, Failures, FileFailure, FilePair, Neighbour, Pairs, Progress, RootStatus, Selection, Similar, Status,
    Version,
};
use crate::api::{Problem, Service, text_of};
use crate::intake::{Volume, is_left_out};
use crate::likeness::{Head, HeadError, REACH, THRESHOLD, crowded, crowds, distance, relation};
use crate::photo::{Coverage, Embedding, Identity, PhotoId, Place, Relation, Root, scopes_of};
use crate::store::{self, PhotoRecord, Reader};
use crate::vision::apart;
use crate::vision::backbone::Runner;
use crate::vision::decode::Decoded;

pub struct Answers {
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
    writes: SyncSender<Write>,
    encoder: Mutex<Encoder>,
}

/// For pictures that come with a question.
struct Encoder {
    reader: apart::Reader,
    runner: Runner,
    head: Head,
}

/// A picture that came with a question.
struct Asked {
    identity: Identity,
    decoded: Decoded,
    embedding: Embedding,
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        Problem::internal(error)
    }
}

/// How long an order may wait for intake, which may be scanning: then the client is told.
const ORDER: Duration = Duration::from_secs(20);

impl Answers {
    pub fn new(
        shared: Arc<Shared>,
        orders: SyncSender<Order>,
        writes: SyncSender<Write>,
        reader: apart::Reader,
        runner: Runner,
    ) -> Result<Answers, HeadError> {
        let encoder = Mutex::new(Encoder { reader, runner, head: Head::base()? });
        Ok(Answers { shared, orders, writes, encoder })
    }

    fn reader(&self) -> Result<Reader, Problem> {
        Ok(Reader::open(&self.shared.location)?)
    }

    /// What the paths mean; all roots when there are none.
    fn scopes(&self, paths: &[PathBuf]) -> Result<Vec<Place>, Problem> {
        let roots = read(&self.shared.roots);
        if paths.is_empty() {
            return Ok(roots.iter().map(|root| Place { root: root.id, path: PathBuf::new() }).collect());
        }
        let mut scopes = Vec::new();
        for path in paths {
            let meant = scopes_of(path, &roots);
            if meant.is_empty() {
                return Err(Problem {
                    status: StatusCode::NOT_FOUND,
                    code: "not-watched",
                    message: format!("{} is under no watched folder", path.display()),
                    hint: Some(format!("simctl roots add {}", path.display())),
                });
            }
            scopes.extend(meant);
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes)
    }

    fn is_online(&self, scope: &Place) -> bool {
        self.shared.is_online(scope.root)
    }

    fn coverage(&self, reader: &Reader, scopes: &[Place]) -> Result<Coverage, Problem> {
        let (online, offline): (Vec<Place>, Vec<Place>) = scopes.iter().cloned().partition(|s| self.is_online(s));
        let away = reader.coverage(&offline)?;
        Ok(Coverage { offline: away.indexed + away.pending + away.unsupported + away.failed, ..reader.coverage(&online)? })
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = lock(&self.shared.problems).values().cloned().collect();
        let states = read(&self.shared.states);
        for root in read(&self.shared.roots).iter() {
            let missing = states.get(&root.id).map_or(0, |state| state.missing);
            if missing > 0 {
                let path = root.path.display();
                problems.push(format!(
                    "{missing} files of {path} are gone at once and still listed; if they were deleted: simctl scan --forget {path}"
                ));
            }
        }
        problems
    }

    fn root_status(&self, reader: &Reader, root: &Root) -> Result<RootStatus, Problem> {
        let scope = [Place { root: root.id, path: PathBuf::new() }];
        let state = read(&self.shared.states).get(&root.id).cloned().unwrap_or_default();
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
        Ok(RootStatus {
            path: text_of(&root.path),
            state: if state.offline.is_none() { "online" } else { "offline" }.into(),
            offline: state.offline,
            volume: root.home.as_ref().map(|(volume, _)| volume.clone()),
            busy: self.shared.activity.is_busy(root.id),
            unwatched: state.unwatched,
            scanned_every: state.scanned_every.as_secs(),
            last_scan: state.last_scan.and_then(seconds),
            events: state.hints,
            missing: state.missing as u64,
            coverage: self.coverage(reader, &scope)?,
        })
    }

    fn order(&self, order: Order) -> Result<(), Problem> {
        let deadline = Instant::now() + ORDER;
        let mut order = order;
        while let Err(refused) = self.orders.try_send(order) {
            let std::sync::mpsc::TrySendError::Full(back) = refused else { return Err(Problem::internal("the daemon is ending")) };
            if Instant::now() > deadline {
                return Err(Problem {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    code: "busy",
                    message: "the daemon is busy with other folders".into(),
                    hint: Some("try again in a moment".into()),
                });
            }
            order = back;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether a path is that of an offline root whose filesystem is mounted elsewhere now, which is
    /// taken up then.
    fn is_a_root_come_back(&self, path: &Path) -> Result<bool, Problem> {
        let Some(here) = Volume::of(path) else { return Ok(false) };
        let is_it = |root: &Root| {
            !self.shared.is_online(root.id)
                && root.home.as_ref().is_some_and(|(volume, inner)| *volume == here.id && here.inner.starts_with(inner))
        };
        let root = read(&self.shared.roots).iter().find(|root| is_it(root)).cloned();
        let Some(root) = root else { return Ok(false) };
        self.start(root)?;
        let deadline = Instant::now() + ORDER;
        while self.shared.root_of(path).is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(self.shared.root_of(path).is_some())
    }

    fn start(&self, root: Root) -> Result<(), Problem> {
        let ticket = self.shared.activity.begin(root.id);
        self.order(Order::Start(root, ticket))
    }

    /// Has the writer do something and waits for it.
    fn written<T>(&self, write: impl FnOnce(oneshot::Sender<store::Result<T>>) -> Write) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        let ending = || Problem::internal("the daemon is ending");
        self.writes.send(write(reply)).map_err(|_| ending())?;
        Ok(answer.blocking_recv().map_err(|_| ending())??)
    }

    /// Reads a picture that came as bytes, in the child like any other.
    fn ask(&self, bytes: &[u8]) -> Result<Asked, Problem> {
        let mut file = tempfile::tempfile_in(&self.shared.settings.data_dir).map_err(Problem::internal)?;
        file.write_all(bytes).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(Problem::internal)?;
        let refused = |problem: apart::Problem| match problem {
            apart::Problem::Photo(failure) => {
                Problem { status: StatusCode::UNPROCESSABLE_ENTITY, code: "not-readable", message: failure.reason, hint: None }
            }
            apart::Problem::Child(e) => Problem::internal(e),
        };
        let mut encoder = lock(&self.encoder);
        let identity = encoder.reader.identify(&file).map_err(refused)?;
        let decoded = encoder.reader.decode().map_err(refused)?;
        let features = encoder.runner.features(&decoded.picture).map_err(Problem::internal)?;
        let embedding = encoder.head.embed(&features);
        Ok(Asked { identity, decoded, embedding })
    }

    fn photo(&self, record: &PhotoRecord, representative: bool) -> types::Photo {
        clustering::photo(record, representative, &|place| self.shared.path_of(place).unwrap_or_else(|| place.path.clone()))
    }
}

impl Service for Answers {
    fn version(&self) -> Version {
        self.shared.version.clone()
    }

    fn status(&self) -> Result<Status, Problem> {
        let reader = self.reader()?;
        let roots = read(&self.shared.roots).clone();
        let roots = roots.iter().map(|root| self.root_status(&reader, root)).collect::<Result<Vec<_>, _>>()?;
        let coverage = self.coverage(&reader, &self.scopes(&[])?)?;
        let activity = match (coverage.pending, roots.iter().any(|root| root.busy)) {
            (0, false) => "idle".to_owned(),
            (0, true) => "scanning".to_owned(),
            (pending, _) => format!("reading, {pending} to go"),
        };
        Ok(Status {
            version: self.version(),
            data_dir: self.shared.settings.data_dir.display().to_string(),
            activity,
            problems: self.problems(),
            head: self.shared.head.clone(),
            threshold: THRESHOLD,
            reach: REACH,
            roots,
            photos: read(&self.shared.index).len() as u64,
            coverage,
            counters: reader.counters()?,
        })
    }

    fn roots(&self) -> Result<Vec<RootStatus>, Problem> {
        let reader = self.reader()?;
        let roots = read(&self.shared.roots).clone();
        roots.iter().map(|root| self.root_status(&reader, root)).collect()
    }

    fn add_root(&self, path: &Path) -> Result<(), Problem> {
        let refused = |e: std::io::Error| Problem::bad_request("no-folder", format!("{} cannot be watched: {e}", path.display()));
        let real = std::fs::canonicalize(path).map_err(refused)?;
        if !real.is_dir() {
            return Err(refused(std::io::ErrorKind::NotADirectory.into()));
        }
        if let Some(root) = self.shared.root_of(&real)
            && real.strip_prefix(&root.path).is_ok_and(|below| !below.iter().any(is_left_out))
        {
            // Known, but perhaps its folder came back, was replaced, or tells nothing of its changes.
            let state = read(&self.shared.states).get(&root.id).cloned();
            let is_current = state.as_ref().is_none_or(|state| state.folder == folder_id(&root.path));
            let is_watched = state.is_some_and(|state| state.unwatched.is_none());
            let is_under_way = self.shared.activity.is_busy(root.id);
            return if is_current && (is_watched || is_under_way) { Ok(()) } else { self.start(root) };
        }
        if self.is_a_root_come_back(&real)? {
            return Ok(());
        }
        let before = read(&self.shared.roots).clone();
        let root = self.written(|reply| Write::AddRoot(real, reply))?;
        let after = read(&self.shared.roots).clone();
        for absorbed in before.into_iter().filter(|root| !after.iter().any(|kept| kept.id == root.id)) {
            self.order(Order::Forget(absorbed))?;
        }
        self.start(root)
    }

    fn remove_root(&self, path: &Path) -> Result<(), Problem> {
        let root = read(&self.shared.roots).iter().find(|root| root.path == path).cloned();
        let Some(root) = root else {
            let known: Vec<String> = read(&self.shared.roots).iter().map(|r| r.path.display().to_string()).collect();
            return Err(Problem {
                status: StatusCode::NOT_FOUND,
                code: "no-root",
                message: format!("{} is not a watched folder", path.display()),
                hint: Some(format!("watched: {}", known.join(", "))),
            });
        };
        self.order(Order::Forget(root.clone()))?;
        self.written(|reply| Write::RemoveRoot(root, reply))
    }

    fn scan(&self, paths: &[PathBuf], forget: bool) -> Result<(), Problem> {
        for scope in self.scopes(paths)? {
            let root = read(&self.shared.roots).iter().find(|root| root.id == scope.root).cloned();
            if let Some(root) = root {
                let ticket = self.shared.activity.begin(root.id);
                self.order(Order::Scan { root, place: scope, forget, ticket })?;
            }
        }
        Ok(())
    }

    fn wait(&self, paths: &[PathBuf], timeout: Duration) -> Result<Progress, Problem> {
        let deadline = Instant::now() + timeout;
        let reader = self.reader()?;
        loop {
            let scopes = self.scopes(paths)?;
            let online: Vec<Place> = scopes.iter().filter(|s| self.is_online(s)).cloned().collect();
            lock(&self.shared.wanted).extend(online.iter().map(|scope| (scope.clone(), Instant::now())));
            let is_new = |root| !read(&self.shared.states).contains_key(&root);
            let is_busy = |root| is_new(root) || self.shared.activity.is_busy(root);
            let settled = !online.iter().any(|s| is_busy(s.root)) && !reader.is_pending(&online)?;
            let left = deadline.saturating_duration_since(Instant::now());
            if settled || left.is_zero() || self.shared.is_stopping() {
                return Ok(Progress { settled, coverage: self.coverage(&reader, &scopes)?, problems: self.problems() });
            }
            self.shared.activity.wait(left.min(Duration::from_millis(250)));
        }
    }

    fn clusters(&self, selection: &Selection) -> Result<Clusters, Problem> {
        let threshold = within_reach(selection.threshold.unwrap_or(THRESHOLD), "threshold")?;
        let reader = self.reader()?;
        let asked = self.scopes(&selection.paths)?;
        let scopes = if selection.everywhere { self.scopes(&[])? } else { asked.clone() };
        let index = read(&self.shared.index);
        let path_of = |place: &Place| self.shared.path_of(place).unwrap_or_else(|| place.path.clone());
        let mut clusters = clustering::clusters(&reader, &scopes, threshold, &selection.relations, &index, &path_of)?;
        if selection.everywhere {
            let asked: HashSet<PhotoId> = reader.photos(&asked, |_, _| true)?.into_keys().collect();
            clusters.retain(|(members, _)| members.iter().any(|photo| asked.contains(photo)));
        }
        let clusters = clusters.into_iter().map(|(_, cluster)| cluster).collect();
        Ok(Clusters { version: 1, threshold, head: self.shared.head.clone(), clusters, coverage: self.coverage(&reader, &asked)? })
    }

    fn pairs(&self, selection: &Selection) -> Result<Pairs, Problem> {
        let up_to = within_reach(selection.threshold.unwrap_or(THRESHOLD), "max_distance")?;
        let reader = self.reader()?;
        let scopes = self.scopes(&selection.paths)?;
        let mut near = if clustering::shows_near(&selection.relations) { reader.pairs(up_to)? } else { Vec::new() };
        if selection.threshold.is_none() {
            let index = read(&self.shared.index);
            near.retain(|p| clustering::counts(p, up_to, &index));
        }
        let named: HashSet<PhotoId> = near.iter().flat_map(|p| [p.a, p.b]).collect();
        let photos = reader.photos(&scopes, |photo, files| files > 1 || named.contains(&photo))?;
        let text = |place: &Place| text_of(&self.shared.path_of(place).unwrap_or_else(|| place.path.clone()));
        let mut pairs = Vec::new();
        if clustering::shows(&selection.relations, Relation::Identical) {
            for photo in photos.values() {
                let first = &photo.files[0].place;
                pairs.extend(photo.files[1..].iter().map(|other| file_pair(0.0, text(first), text(&other.place), Relation::Identical)));
            }
        }
        for pair in near {
            let (Some(a), Some(b)) = (photos.get(&pair.a), photos.get(&pair.b)) else { continue };
            let relation = relation(&a.capture, &b.capture);
            if clustering::shows(&selection.relations, relation) {
                pairs.push(file_pair(pair.distance, text(&a.files[0].place), text(&b.files[0].place), relation));
            }
        }
        pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then_with(|| (&x.a.path, &x.b.path).cmp(&(&y.a.path, &y.b.path))));
        Ok(Pairs { head: self.shared.head.clone(), pairs, coverage: self.coverage(&reader, &scopes)? })
    }

    fn similar(&self, bytes: &[u8], count: usize) -> Result<Similar, Problem> {
        let asked = self.ask(bytes)?;
        let reader = self.reader()?;
        // Photos whose files are all gone stay in the index: ask for more than will be shown.
        let nearest = read(&self.shared.index).nearest(&asked.embedding, count.saturating_mul(2).saturating_add(64));
        let named: HashMap<PhotoId, f32> = nearest.iter().copied().collect();
        let photos = reader.photos(&self.scopes(&[])?, |photo, _| named.contains_key(&photo))?;
        let similar = nearest.iter().filter_map(|(photo, distance)| Some((photos.get(photo)?, *distance))).take(count);
        let similar = similar.map(|(record, distance)| Neighbour {
            distance,
            relation: if record.picture == asked.identity.picture {
                Relation::Identical
            } else {
                relation(&record.capture, &asked.decoded.capture)
            },
            photo: self.photo(record, false),
        });
        Ok(Similar { head: self.shared.head.clone(), similar: similar.collect() })
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Comparison, Problem> {
        let which = |name: &'static str| move |p: Problem| Problem { message: format!("the {name} file: {}", p.message), ..p };
        let (a, b) = (self.ask(a).map_err(which("first"))?, self.ask(b).map_err(which("second"))?);
        if a.identity.picture == b.identity.picture {
            return Ok(Comparison {
                distance: 0.0,
                crowded: 0.0,
                relation: Relation::Identical,
                threshold: THRESHOLD,
                differences: differences(&a, &b),
            });
        }
        let distance = distance(&a.embedding.0, &b.embedding.0);
        // As if the two came to the library now.
        let new = [(PhotoId(i64::MAX - 1), a.embedding.clone()), (PhotoId(i64::MAX), b.embedding.clone())];
        let crowds = crowds(&read(&self.shared.index), &new, &new.iter().map(|(photo, _)| *photo).collect());
        let crowded = crowded(distance, crowds[0].1.level, crowds[1].1.level);
        let relation = relation(&a.decoded.capture, &b.decoded.capture);
        Ok(Comparison { distance, crowded, relation, threshold: THRESHOLD, differences: differences(&a, &b) })
    }

    fn failures(&self, paths: &[PathBuf]) -> Result<Failures, Problem> {
        let failures = self.reader()?.failures(&self.scopes(paths)?)?;
        let failures = failures.into_iter().filter_map(|f| {
            Some(FileFailure { path: text_of(&self.shared.path_of(&f.place)?), stage: f.failure.stage, reason: f.failure.reason })
        });
        Ok(Failures { failures: failures.collect() })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.listen()
    }

    fn stop(&self) {
        self.shared.stop();
    }
}

/// By path, so that an answer does not depend on what was seen first.
fn file_pair(distance: f32, x: types::PathText, y: types::PathText, relation: Relation) -> FilePair {
    let (a, b) = if x.path <= y.path { (x, y) } else { (y, x) };
    FilePair { distance, a, b, relation }
}

fn within_reach(distance: f32, name: &str) -> Result<f32, Problem> {
    if distance <= REACH {
        return Ok(distance);
    }
    Err(Problem::bad_request("beyond-reach", format!("{name}={distance} is beyond {REACH}, up to which pairs are kept"))
        .hint("similar finds photos at any distance"))
}

fn differences(a: &Asked, b: &Asked) -> Vec<String> {
    let mut out = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            out.push(format!("{what}: {a}, {b}"));
        }
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    let (x, y) = (&a.identity, &b.identity);
    differ("format", x.format.to_string(), y.format.to_string());
    differ(
        "dimensions",
        format!("{} × {}", x.dimensions.width, x.dimensions.height),
        format!("{} × {}", y.dimensions.width, y.dimensions.height),
    );
    let (x, y) = (&a.decoded.capture, &b.decoded.capture);
    differ("taken", or_none(&x.taken), or_none(&y.taken));
    differ("camera", or_none(&x.model), or_none(&y.model));
    if a.identity.content == b.identity.content {
        out.push("nothing: the files are byte for byte the same".into());
    } else if a.identity.picture == b.identity.picture {
        out.push("metadata only: the picture data is the same".into());
    }
    out
}
