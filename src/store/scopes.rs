//! The files of scopes, as ranges of the key (root, path), however many scopes there are.
//!
//! Each range is looked up on its own in an index that begins with root and path. One statement for all scopes would be
//! limited in its length, its parameters and the depth of its condition, and would compare each file with each scope.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::ToSql;

use crate::photo::{Place, RootId};

/// A place in the order of keys: a root, and the bytes of a path below it.
type Key = (i64, Vec<u8>);

/// The keys from one up to, but not including, another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Range {
    from: Key,
    to: Key,
}

impl Range {
    /// The condition that a row is in the range, as parameters 1 to 4. The row has the columns `root` and `path`.
    pub fn condition(table: &str) -> String {
        format!("({table}.root, {table}.path) >= (?1, ?2) AND ({table}.root, {table}.path) < (?3, ?4)")
    }

    pub fn params(&self) -> [&dyn ToSql; 4] {
        [&self.from.0, &self.from.1, &self.to.0, &self.to.1]
    }

    /// The same, and a fifth parameter.
    pub fn params_and<'a>(&'a self, fifth: &'a dyn ToSql) -> [&'a dyn ToSql; 5] {
        [&self.from.0, &self.from.1, &self.to.0, &self.to.1, fifth]
    }
}

/// Returns the ranges of the scopes, in ascending order. None overlaps another, so no file is found twice. Paths compare
/// byte by byte: everything below `a/b` is from `a/b/` up to, but not including, `a/b0`.
pub fn ranges(scopes: &[Place]) -> Vec<Range> {
    let mut ranges = Vec::with_capacity(2 * scopes.len());
    for Place { root: RootId(root), path } in scopes {
        let path = path.as_os_str().as_bytes();
        if path.is_empty() {
            ranges.push(Range { from: (*root, Vec::new()), to: (root + 1, Vec::new()) });
        } else {
            let with = |end: &[u8]| (*root, [path, end].concat());
            // Nothing is between a path and the same path with a NUL.
            ranges.push(Range { from: with(b""), to: with(b"\0") });
            ranges.push(Range { from: with(b"/"), to: with(b"0") });
        }
    }
    ranges.sort_unstable();
    let mut apart: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut().filter(|last| range.from <= last.to) {
            Some(last) => last.to = range.to.max(std::mem::take(&mut last.to)),
            None => apart.push(range),
        }
    }
    apart
}

/// Tells whether files are in scopes.
pub struct Within<'a>(HashMap<RootId, HashSet<&'a Path>>);

impl Within<'_> {
    pub fn new(scopes: &[Place]) -> Within<'_> {
        let mut of_roots: HashMap<RootId, HashSet<&Path>> = HashMap::new();
        for scope in scopes {
            of_roots.entry(scope.root).or_default().insert(&scope.path);
        }
        Within(of_roots)
    }

    pub fn holds(&self, place: &Place) -> bool {
        // The last ancestor is the empty path, which is the whole root.
        self.0.get(&place.root).is_some_and(|scopes| place.path.ancestors().any(|path| scopes.contains(path)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    fn place(root: i64, path: &str) -> Place {
        Place { root: RootId(root), path: path.into() }
    }

    /// Whether a file is in a scope, by its definition.
    fn is_in(file: &Place, scope: &Place) -> bool {
        file.root == scope.root && (scope.path.as_os_str().is_empty() || file.path.starts_with(&scope.path))
    }

    #[test]
    fn ranges_are_looked_up_in_the_index() {
        let index = Connection::open_in_memory().expect("opens");
        index.execute_batch("CREATE TABLE files (root INTEGER, path BLOB, pending INTEGER, UNIQUE (root, path))").expect("made");
        let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM files f WHERE {}", Range::condition("f"));
        let ranges = ranges(&[place(1, "a/b")]);
        let plan: String = index.query_row(&sql, ranges[0].params(), |row| row.get(3)).expect("planned");
        assert!(
            plan.contains("(root,path)>(?,?) AND (root,path)<(?,?)") || plan.contains("((root,path)>(?,?) AND (root,path)<(?,?))"),
            "{plan}"
        );
    }

    proptest! {
        #[test]
        fn ranges_and_within_mean_the_same_as_the_scopes(
            scopes in proptest::collection::vec((1i64..3, "([ab]([/.0][ab]){0,3})?"), 0..6),
            files in proptest::collection::vec((1i64..4, "[ab]([/.0][ab]){0,4}"), 1..20),
        ) {
            let scopes: Vec<Place> = scopes.iter().map(|(root, path)| place(*root, path)).collect();
            let (ranges, within) = (ranges(&scopes), Within::new(&scopes));
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].to < pair[1].from);
            }
            for (root, path) in files {
                let file = place(root, &path);
                let expected = scopes.iter().any(|scope| is_in(&file, scope));
                let key = (root, path.clone().into_bytes());
                prop_assert_eq!(ranges.iter().filter(|r| r.from <= key && key < r.to).count(), usize::from(expected), "{}", path);
                prop_assert_eq!(within.holds(&file), expected, "{}", path);
            }
        }
    }
}
