//! The roots: their paths, and whether they are online.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::photo::{LeftOut, Place, Root, RootId};

/// Device, inode and creation time of a folder. The time is needed because inode numbers are reused.
pub type FolderId = (u64, u64, Option<SystemTime>);

pub fn folder_id(path: &Path) -> Option<FolderId> {
    fs::metadata(path).ok().filter(fs::Metadata::is_dir).map(|m| (m.dev(), m.ino(), m.created().ok()))
}

/// The state of a root, without its files.
#[derive(Clone, Debug, Default)]
pub struct RootState {
    /// The folder that was watched and scanned. `None` if the root was offline.
    pub folder: Option<FolderId>,
    /// The reason why it is offline. `None` if it is online.
    pub offline: Option<String>,
    /// The reason why the watch does not notice all changes. Such a root is scanned more often.
    pub unwatched: Option<String>,
    pub schedule: ScanSchedule,
    /// The number of file events from the watch.
    pub hints: u64,
    /// How often file events were lost. Each time the root was scanned again.
    pub times_lost: u64,
    pub absent: AbsentFiles,
    /// What the last scan saw and did not take, by folder below the root.
    pub left_out: Arc<BTreeMap<PathBuf, LeftOut>>,
    pub timeouts: Timeouts,
}

/// The routine scans of a root.
#[derive(Clone, Debug, Default)]
pub struct ScanSchedule {
    pub interval: Duration,
    pub last_scan: Option<SystemTime>,
}

/// The files of a root that are known and not there, by their paths below the root.
#[derive(Clone, Debug, Default)]
pub struct AbsentFiles {
    /// So many are gone at once that a person must confirm it.
    pub missing: HashSet<PathBuf>,
    /// A mount hides them, or their folder was mounted from elsewhere and is not now.
    pub away: HashSet<PathBuf>,
}

impl AbsentFiles {
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.away.is_empty()
    }

    fn contains(&self, path: &Path) -> bool {
        self.missing.contains(path) || self.away.contains(path)
    }

    /// Replaces the files below a walked path that are away. None of them is missing, until that is found out again.
    pub fn note_below(&mut self, walked: &Path, away: impl Iterator<Item = PathBuf>) {
        self.missing.retain(|path| !path.starts_with(walked));
        self.away.retain(|path| !path.starts_with(walked));
        self.away.extend(away);
    }
}

/// The disk of a root that did not answer.
#[derive(Clone, Debug, Default)]
pub struct Timeouts {
    /// I/O timeouts since the last whole scan.
    pub count: u32,
    /// Set while the root is offline because of one: when to retry.
    pub retry_at: Option<Instant>,
}

impl RootState {
    /// Returns what was not taken of each folder in a folder of this root.
    pub fn left_out_below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = (&'a PathBuf, &'a LeftOut)> {
        // A path and all paths below it are next to each other.
        let from = (Bound::Included(folder), Bound::Unbounded);
        self.left_out.range::<Path, _>(from).take_while(move |(path, _)| path.starts_with(folder))
    }

    /// Replaces what was not taken of a folder and the folders in it.
    pub fn note_left_out(&mut self, folder: &Path, left_out: &BTreeMap<PathBuf, LeftOut>) {
        let noted = Arc::make_mut(&mut self.left_out);
        noted.retain(|path, _| !path.starts_with(folder));
        noted.extend(left_out.iter().map(|(path, left_out)| (path.clone(), *left_out)));
    }
}

/// All roots with their states, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    list: Vec<Root>,
    /// A root that was not scanned yet has no state.
    states: HashMap<RootId, RootState>,
}

impl Roots {
    pub fn new(list: Vec<Root>) -> Roots {
        Roots { list, states: HashMap::new() }
    }

    pub fn list(&self) -> &[Root] {
        &self.list
    }

    /// Replaces the list of roots with the current one of the store. The states stay.
    pub fn replace(&mut self, list: Vec<Root>) {
        self.list = list;
    }

    pub fn get(&self, id: RootId) -> Option<&Root> {
        self.list.iter().find(|root| root.id == id)
    }

    pub fn state(&self, id: RootId) -> Option<&RootState> {
        self.states.get(&id)
    }

    /// Returns the state of a root for a change. `None` if the root was not scanned yet.
    pub fn state_mut(&mut self, id: RootId) -> Option<&mut RootState> {
        self.states.get_mut(&id)
    }

    /// Returns the state of a root for a change, and creates it if there is none.
    pub fn state_or_new(&mut self, id: RootId) -> &mut RootState {
        self.states.entry(id).or_default()
    }

    pub fn forget_state(&mut self, id: RootId) {
        self.states.remove(&id);
    }

    /// Returns all roots as scopes.
    pub fn scopes(&self) -> Vec<Place> {
        self.list.iter().map(whole).collect()
    }

    /// Returns the online roots as scopes.
    pub fn online_scopes(&self) -> Vec<Place> {
        self.list.iter().filter(|root| self.is_online(root.id)).map(whole).collect()
    }

    /// Returns what the last scans saw in the scopes and did not take.
    pub fn left_out(&self, scopes: &[Place]) -> LeftOut {
        let of_scope = |scope: &Place| {
            let of_root = self.state(scope.root).into_iter().flat_map(|state| state.left_out_below(&scope.path));
            of_root.map(|(_, left_out)| *left_out).sum::<LeftOut>()
        };
        scopes.iter().map(of_scope).sum()
    }

    /// Returns the scopes of an absolute path: the place in the innermost root that contains it, and the roots inside that
    /// one below the path. With a root that is offline, or whose files a mount hides, there are several places, for either may
    /// know files there. If no root contains the path, returns every root below it.
    pub fn scopes_of(&self, path: &Path) -> Vec<Place> {
        let below = |root: &&Root| root.path != path && root.path.starts_with(path);
        let Some(innermost) = self.holding(path) else { return self.list.iter().filter(below).map(whole).collect() };
        let length = |root: &Root| root.path.as_os_str().len();
        let knows_files = |root: &Root, place: &Place| {
            length(root) >= length(innermost)
                || self.state(root.id).is_some_and(|state| state.absent.away.iter().any(|away| away.starts_with(&place.path)))
        };
        let here = self.list.iter().filter_map(|root| root.place(path).filter(|place| knows_files(root, place)));
        here.chain(self.list.iter().filter(below).filter(|root| root.inside.is_some()).map(whole)).collect()
    }

    /// Returns the innermost root that is online and contains a path, or else the innermost that contains it. Of several
    /// cards that were there it is the one that is there now.
    pub fn holding(&self, path: &Path) -> Option<&Root> {
        let holding = self.list.iter().filter(|root| path.starts_with(&root.path));
        holding.max_by_key(|root| (self.is_online(root.id), root.path.as_os_str().len()))
    }

    /// Returns a path below a root as the globs of the settings see it: below the folder that a person asked for.
    pub fn path_for_rules(&self, root: &Root, below: &Path) -> PathBuf {
        let asked = root.inside.filter(|_| !root.is_asked).and_then(|asked| self.get(asked));
        match asked.and_then(|asked| root.path.strip_prefix(&asked.path).ok()) {
            // Joining an empty path would add a slash.
            Some(prefix) if below.as_os_str().is_empty() => prefix.to_owned(),
            Some(prefix) => prefix.join(below),
            None => below.to_owned(),
        }
    }

    /// Returns the roots with this path. There are several if several cards were there.
    pub fn at(&self, path: &Path) -> impl Iterator<Item = &Root> {
        self.list.iter().filter(move |root| root.path == path)
    }

    /// Returns whether the files of a root can be read. A root that was not scanned yet counts as online.
    pub fn is_online(&self, id: RootId) -> bool {
        self.state(id).is_none_or(|state| state.offline.is_none())
    }

    /// Returns whether a root is offline and looking for it holds nothing up.
    pub fn may_come_back(&self, id: RootId) -> bool {
        self.state(id).is_some_and(|state| state.offline.is_some() && state.timeouts.retry_at.is_none())
    }

    /// Returns whether a file can be read now, as far as is known.
    pub fn is_here(&self, file: &Place) -> bool {
        let Some(state) = self.state(file.root) else { return true };
        state.offline.is_none() && !state.absent.contains(&file.path)
    }

    /// Returns the absolute path of a place. `None` if its root was removed.
    pub fn path_of(&self, place: &Place) -> Option<PathBuf> {
        self.get(place.root).map(|root| root.path_of(place))
    }

    /// Returns the absolute path of a place. If its root was just removed, returns the path below the root.
    pub fn shown_path(&self, place: &Place) -> PathBuf {
        self.path_of(place).unwrap_or_else(|| place.path.clone())
    }
}

/// Returns a whole root as a scope.
pub fn whole(root: &Root) -> Place {
    Place { root: root.id, path: PathBuf::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        let root = |id, path: &str| Root::new(RootId(id), path);
        Roots::new(vec![root(1, "/p"), root(2, "/p/inner"), root(3, "/away")])
    }

    fn place(root: i64, path: &str) -> Place {
        Place { root: RootId(root), path: path.into() }
    }

    #[test]
    fn a_path_is_in_the_innermost_root_that_holds_it() {
        let roots = roots();
        let id = |path: &str| roots.holding(Path::new(path)).map(|root| root.id.0);
        assert_eq!((id("/p/a.jpg"), id("/p/inner/a.jpg"), id("/pp/a.jpg")), (Some(1), Some(2), None));
        assert_eq!(roots.path_of(&place(2, "a.jpg")), Some("/p/inner/a.jpg".into()));
        assert_eq!(roots.shown_path(&place(9, "a.jpg")), Path::new("a.jpg"), "its root was just removed");
        assert_eq!(roots.scopes().len(), 3);
    }

    #[test]
    fn of_two_cards_with_one_path_the_one_that_is_there_holds_it() {
        let root = |id| Root::new(RootId(id), "/card");
        let path = Path::new("/card/a.jpg");
        for away in [1, 2] {
            let mut roots = Roots::new(vec![root(1), root(2)]);
            roots.state_or_new(RootId(away)).offline = Some("another card is there".into());
            assert_eq!(roots.holding(path).map(|root| root.id), Some(RootId(3 - away)));
            assert_eq!(roots.scopes_of(path), [place(1, "a.jpg"), place(2, "a.jpg")]);
        }
    }

    #[test]
    fn a_filesystem_that_is_mounted_in_a_root_is_a_part_of_it_and_a_place_of_its_own() {
        let mounted = |id, path: &str| Root { inside: Some(RootId(1)), is_asked: false, ..Root::new(RootId(id), path) };
        let mut roots = Roots::new(vec![Root::new(RootId(1), "/p"), mounted(2, "/p/card"), mounted(3, "/p/card"), mounted(4, "/p/nas")]);
        roots.state_or_new(RootId(3)).offline = Some("another card is there".into());
        let scopes = |roots: &Roots, path: &str| roots.scopes_of(Path::new(path));
        let of_card = [place(2, ""), place(3, "")];
        assert_eq!(scopes(&roots, "/p"), [place(1, ""), place(2, ""), place(3, ""), place(4, "")]);
        assert_eq!(scopes(&roots, "/p/card"), of_card);
        assert_eq!(scopes(&roots, "/p/card/DCIM"), [place(2, "DCIM"), place(3, "DCIM")]);
        assert_eq!((scopes(&roots, "/p/a"), scopes(&roots, "/")), (vec![place(1, "a")], roots.scopes()));
        // The mount hides files of the outer root.
        roots.state_or_new(RootId(1)).absent.away.insert("card/old.jpg".into());
        assert_eq!(scopes(&roots, "/p/card"), [place(1, "card"), place(2, ""), place(3, "")]);
        roots.state_or_new(RootId(1)).absent.away.clear();
        // While no card is there, events at its path are about the folder below.
        roots.state_or_new(RootId(2)).offline = Some("it is not mounted".into());
        assert_eq!(roots.holding(Path::new("/p/card/a.jpg")).map(|root| root.id), Some(RootId(1)));
        assert_eq!(scopes(&roots, "/p/card"), [place(1, "card"), place(2, ""), place(3, "")]);
        let [outer, card] = [1, 2].map(|id| roots.get(RootId(id)).expect("known").clone());
        let for_rules = |root: &Root, below: &str| roots.path_for_rules(root, Path::new(below));
        assert_eq!(
            (for_rules(&card, ""), for_rules(&card, "DCIM"), for_rules(&outer, "a")),
            ("card".into(), "card/DCIM".into(), "a".into())
        );
    }

    #[test]
    fn what_was_left_out_is_counted_by_place() {
        let mut roots = roots();
        let hidden = |hidden| LeftOut { hidden, ..LeftOut::default() };
        let state = roots.state_or_new(RootId(1));
        let scanned = [("", 1), ("a", 2), ("a b", 4), ("a/b", 8)].map(|(folder, n)| (PathBuf::from(folder), hidden(n)));
        state.note_left_out(Path::new(""), &BTreeMap::from(scanned));
        for (path, count) in [("", 15), ("a", 10), ("a/b", 8), ("c", 0)] {
            assert_eq!(roots.left_out(&[place(1, path)]), hidden(count), "{path}");
        }
        // A folder in which nothing is left out any more.
        roots.state_or_new(RootId(1)).note_left_out(Path::new("a"), &BTreeMap::new());
        assert_eq!(roots.left_out(&[place(1, "")]), hidden(5));
    }

    #[test]
    fn a_file_that_is_found_again_is_here() {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<HashSet<PathBuf>>();
        let (missing, away) = (paths(&["gone.jpg", "card/gone.jpg"]), paths(&["card/a.jpg", "card/b.jpg", "card 2/a.jpg"]));
        let mut absent = AbsentFiles { missing, away };
        absent.note_below(Path::new("card"), [PathBuf::from("card/b.jpg")].into_iter());
        assert_eq!((absent.missing, absent.away), (paths(&["gone.jpg"]), paths(&["card/b.jpg", "card 2/a.jpg"])));
    }

    #[test]
    fn a_file_is_here_unless_its_root_or_the_file_is_not() {
        let mut roots = roots();
        assert!(roots.is_here(&place(1, "a.jpg")) && roots.is_online(RootId(1)), "not scanned yet");
        let state = roots.state_or_new(RootId(1));
        state.absent.missing.insert("gone.jpg".into());
        state.absent.away.insert("card/a.jpg".into());
        roots.state_or_new(RootId(3)).offline = Some("the folder is not there".into());
        for (path, is_here) in [("a.jpg", true), ("gone.jpg", false), ("card/a.jpg", false)] {
            assert_eq!(roots.is_here(&place(1, path)), is_here, "{path}");
        }
        assert!(!roots.is_here(&place(3, "a.jpg")) && !roots.is_online(RootId(3)));
        assert_eq!(roots.online_scopes(), [place(1, ""), place(2, "")]);
    }
}
