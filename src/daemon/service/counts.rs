//! Counts of files. Counting 100,000 takes a tenth of a second, so counts are kept while they hold.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Answers, AsOf};
use crate::api::Problem;
use crate::daemon::state::lock;
use crate::photo::{Coverage, Place, RootId};
use crate::store::Reader;

/// While files are read, they are counted again after so many times what counting them took, and after this time at the latest.
const PAUSE_FACTOR: u32 = 20;
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Counts that nobody asked for since are forgotten.
const MAX_AGE: Duration = Duration::from_secs(60);

/// What was counted.
#[derive(Default)]
pub struct Counts {
    roots: HashMap<RootId, RootCounts>,
    pending: HashMap<Vec<Place>, Pending>,
}

/// The counts of a root's files, as of a commit.
#[derive(Clone, Copy)]
pub struct RootCounts {
    commit: u64,
    is_online: bool,
    pub coverage: Coverage,
    pub photos: u64,
}

/// The counts of files of which some are still to be read.
struct Pending {
    at: Instant,
    took: Duration,
    coverage: Coverage,
}

impl Answers {
    /// Returns the counts of a root. They are kept until the next commit.
    pub(super) fn counts(&self, reader: &AsOf, root: RootId) -> Result<RootCounts, Problem> {
        let (commit, is_online) = (reader.commit, self.state.roots.now().is_online(root));
        if let Some(known) = lock(&self.counts).roots.get(&root).filter(|f| (f.commit, f.is_online) == (commit, is_online)) {
            return Ok(*known);
        }
        let coverage = self.counted(reader, &[Place { root, path: PathBuf::new() }])?;
        let counts = RootCounts { commit, is_online, coverage, photos: reader.count_photos(root)? };
        lock(&self.counts).roots.insert(root, counts);
        Ok(counts)
    }

    pub(super) fn coverage(&self, reader: &AsOf, scopes: &[Place]) -> Result<Coverage, Problem> {
        if let [Place { root, path }] = scopes
            && path.as_os_str().is_empty()
        {
            return Ok(self.counts(reader, *root)?.coverage);
        }
        self.counted(reader, scopes)
    }

    /// Returns the coverage as it was a moment ago, if files were still to be read then. Many questions may wait for these, and each
    /// asks five times a second.
    pub(super) fn recent_coverage(&self, reader: &AsOf, scopes: &[Place]) -> Result<Coverage, Problem> {
        let is_recent = |known: &&Pending| known.at.elapsed() < (known.took * PAUSE_FACTOR).min(MAX_PAUSE);
        if let Some(known) = lock(&self.counts).pending.get(scopes).filter(is_recent) {
            return Ok(known.coverage);
        }
        let at = Instant::now();
        let coverage = self.counted(reader, scopes)?;
        let known = &mut lock(&self.counts).pending;
        known.retain(|_, known| known.at.elapsed() < MAX_AGE);
        if coverage.pending > 0 {
            known.insert(scopes.to_vec(), Pending { at, took: at.elapsed(), coverage });
        } else {
            known.remove(scopes);
        }
        Ok(coverage)
    }

    fn counted(&self, reader: &Reader, scopes: &[Place]) -> Result<Coverage, Problem> {
        let roots = self.state.roots.now();
        let (online, offline): (Vec<Place>, Vec<Place>) = scopes.iter().cloned().partition(|s| roots.is_online(s.root));
        let away = reader.coverage(&offline)?;
        Ok(Coverage {
            offline: away.indexed + away.pending + away.unsupported + away.failed,
            uncompared: reader.count_uncompared()?,
            without_picture: if reader.keeps_pictures() { reader.count_without_picture()? } else { 0 },
            ..reader.coverage(&online)?
        })
    }
}
