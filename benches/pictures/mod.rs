//! Photos for a benchmark: finding and decoding them, and work on all cores.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use similard::photo::Picture;
use similard::vision::Limits;
use similard::vision::decode::decode;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The paths of all photos, sorted, each once.
pub fn photos(folders: &[PathBuf], lists: &[PathBuf]) -> Result<Vec<PathBuf>> {
    fn walk(path: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                walk(&entry?.path(), out)?;
            }
        } else if fs::read(path).is_ok_and(|bytes| decode(&bytes, &Limits::default()).is_ok()) {
            out.push(path.to_owned());
        }
        Ok(())
    }
    let mut paths = Vec::new();
    for path in folders {
        walk(path, &mut paths).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    for list in lists {
        let text = fs::read_to_string(list).map_err(|e| format!("{}: {e}", list.display()))?;
        paths.extend(text.lines().filter(|l| !l.is_empty()).map(PathBuf::from));
    }
    paths.sort();
    paths.dedup();
    if paths.len() < 2 {
        return Err("at least two photos are needed: name folders of photos, or lists with --from".into());
    }
    Ok(paths)
}

pub fn picture(path: &Path) -> Result<Picture> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(decode(&bytes, &Limits::default()).map_err(|f| format!("{}: {f:?}", path.display()))?.picture)
}

/// The results of `make` for all items, in order. Runs on all cores.
pub fn all<T: Sync, U: Send>(items: &[T], make: impl Fn(&T) -> Result<U> + Sync) -> Result<Vec<U>> {
    let cores = thread::available_parallelism()?.get();
    let make = &make;
    let parts = thread::scope(|scope| {
        let part =
            |part: &'_ [T]| part.iter().map(|item| make(item).map_err(|e| e.to_string())).collect::<std::result::Result<Vec<U>, String>>();
        let chunks: Vec<&[T]> = items.chunks(items.len().div_ceil(cores).max(1)).collect();
        let running: Vec<_> = chunks.into_iter().map(|chunk| scope.spawn(move || part(chunk))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    let mut out = Vec::with_capacity(items.len());
    for part in parts {
        out.extend(part?);
    }
    Ok(out)
}
