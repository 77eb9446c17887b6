//! Paths of a request, each with what the client sees there, so that an answer is never about another folder.
//!
//! In a query, `seen` and `mount` belong to the `path` before them: `path=/p&seen=DEVICE:INODE&mount=8:1:/&…`. `seen`
//! is `st_dev`, and `st_ino` if inode numbers are stable. `mount` is, for each mount below the path, `major:minor:`,
//! the mounted folder of the filesystem, a NUL, and the mount point. Without them the daemon's own view counts.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::problem::{Code, Problem};
use super::service::Service;
use crate::sys::View;

/// The parameters for the view of the path before them.
pub const SEEN: &str = "seen";
pub const MOUNT: &str = "mount";

/// The paths of a request.
#[derive(Debug, Default)]
pub struct Asked {
    paths: Vec<PathBuf>,
    views: Vec<View>,
    /// The number of paths when the last view arrived. That view belongs to the last of them.
    paths_at_last_view: usize,
}

impl Asked {
    /// The paths, after the daemon has checked that its view of each is the client's.
    ///
    /// # Errors
    /// [`Code::OtherView`] if it is not.
    pub fn seen_alike(self, service: &dyn Service) -> Result<Vec<PathBuf>, Problem> {
        if !self.views.is_empty() {
            service.compare_views(&self.views)?;
        }
        Ok(self.paths)
    }

    /// The first of the paths, as text.
    pub(super) fn first(&self) -> String {
        self.paths.first().map(|path| path.display().to_string()).unwrap_or_default()
    }

    pub(super) fn add(&mut self, path: PathBuf) {
        self.paths.push(path);
    }

    pub(super) fn add_seen(&mut self, value: &[u8]) -> Result<(), Problem> {
        let refused = || Problem::new(Code::Parameter, "seen must be DEVICE or DEVICE:INODE, after its path");
        let path = self.paths.last().filter(|_| self.paths.len() > self.paths_at_last_view).ok_or_else(refused)?;
        let text = std::str::from_utf8(value).map_err(|_| refused())?;
        let (device, inode) = text.split_once(':').map_or((text, None), |(device, inode)| (device, Some(inode)));
        let number = |text: &str| text.parse::<u64>().map_err(|_| refused());
        let (device, inode) = (number(device)?, inode.map(number).transpose()?);
        self.views.push(View { path: path.clone(), device, inode, mounts: BTreeMap::new() });
        self.paths_at_last_view = self.paths.len();
        Ok(())
    }

    pub(super) fn add_mount(&mut self, value: &[u8]) -> Result<(), Problem> {
        let refused = || Problem::new(Code::Parameter, "mount must be MAJOR:MINOR:FOLDER NUL POINT, after its seen");
        let is_of_last = self.paths.len() == self.paths_at_last_view;
        let view = self.views.last_mut().filter(|_| is_of_last).ok_or_else(refused)?;
        let end = value.iter().enumerate().filter(|(_, b)| **b == b':').nth(1).ok_or_else(refused)?.0;
        let (device, folders) = (&value[..end], &value[end + 1..]);
        let nul = folders.iter().position(|b| *b == 0).ok_or_else(refused)?;
        let path = |bytes: &[u8]| Path::new(OsStr::from_bytes(bytes)).to_owned();
        view.mounts.insert(path(&folders[nul + 1..]), (String::from_utf8_lossy(device).into_owned(), path(&folders[..nul])));
        Ok(())
    }
}

/// The parameters for a client's view of a path.
pub fn parameters_of(view: &View) -> Vec<(&'static str, Vec<u8>)> {
    let seen = view.inode.map_or_else(|| view.device.to_string(), |inode| format!("{}:{inode}", view.device));
    let mount = |(point, (device, folder)): (&PathBuf, &(String, PathBuf))| {
        let folder = folder.as_os_str().as_bytes();
        (MOUNT, [device.as_bytes(), b":", folder, b"\0", point.as_os_str().as_bytes()].concat())
    };
    let path = ("path", view.path.as_os_str().as_bytes().to_vec());
    [path, (SEEN, seen.into_bytes())].into_iter().chain(view.mounts.iter().map(mount)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::paths::query_of;
    use crate::api::query::Query;
    use crate::api::uploads::MAX_QUERY_BYTES;

    #[test]
    fn a_view_survives_a_query() {
        let mounts = [("/p/a:b", ("8:1", "/x:y")), ("/p/c", ("0:52", "/"))];
        let mounts = mounts.map(|(point, (device, folder))| (point.into(), (device.to_owned(), folder.into())));
        let first = View { path: "/p".into(), device: 66, inode: Some(7), mounts: mounts.into() };
        let second = View { path: "/q".into(), device: 67, inode: None, mounts: BTreeMap::new() };
        let query = [&first, &second].into_iter().flat_map(parameters_of);
        // A path may be repeated.
        let query = query_of(query.chain(parameters_of(&second)).chain([("path", b"/r".to_vec())]));
        let mut parsed = Query::new(Some(query));
        let asked = parsed.asked().expect("whole");
        assert_eq!(asked.paths, ["/p", "/q", "/q", "/r"].map(Path::new));
        assert_eq!(asked.views, [first, second.clone(), second]);
        assert!(parsed.end().is_ok());
    }

    /// Beyond the limit on bodies they are refused (`take_query` in `uploads.rs`).
    #[test]
    fn a_hundred_thousand_paths_fit_in_one_question() {
        let view = |number: u64| {
            let path = format!("/home/me/Pictures/2026/a folder with a long name/IMG_{number:08}.jpg").into();
            View { path, device: 66_305, inode: Some(1_234_567 + number), mounts: BTreeMap::new() }
        };
        let body = query_of((0..100_000).flat_map(|number| parameters_of(&view(number))));
        assert!(body.len() < MAX_QUERY_BYTES, "{}", body.len());
        let asked = Query::with_body(None, body.as_bytes()).asked().expect("whole");
        assert_eq!((asked.paths.len(), asked.views.len(), asked.views.last()), (100_000, 100_000, Some(&view(99_999))));
    }

    #[test]
    fn what_belongs_to_no_path_is_refused() {
        for query in [
            "seen=1",
            "path=/p&seen=x",
            "path=/p&seen=1:2:3",
            "path=/p&mount=8:1:/%00/p/a",
            "path=/p&seen=1&mount=8:1",
            "path=/p&seen=1&seen=1",
        ] {
            let refused = Query::new(Some(query.into())).asked();
            assert!(refused.is_err_and(|problem| problem.code == Code::Parameter), "{query}");
        }
    }
}
