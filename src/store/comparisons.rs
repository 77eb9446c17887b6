//! The comparisons of near photos. A row without data is a pair that is to be compared.

use std::collections::HashMap;

use rusqlite::params;

use super::columns::{comparison_of, pair_of};
use super::{Batch, HeadNumber, Reader, Result};
use crate::photo::{Compared, Distance, Pair, PhotoId, PictureHash};

/// So many of the nearest older photos are compared with each photo. A version goes to the photo that it fits best, and that
/// is among the nearest.
const COMPARED_PARTNERS: usize = 8;

/// Two photos that are to be compared, with the hashes of their pictures.
pub type Uncompared = [(PhotoId, PictureHash); 2];

/// All comparisons by pair, `a < b`, also those that are still to be made.
pub type Comparisons = HashMap<(PhotoId, PhotoId), Compared>;

/// The pairs that are to be compared: those without data, and those with the fewer numbers of an earlier version, as in the index
/// `comparisons_missing`.
pub(super) const IS_MISSING: &str = "ifnull(length(data), 88) = 88";

/// Selects pairs that are to be compared, if both photos are still there, and the pictures of older ones are kept.
pub(super) fn uncompared_from() -> String {
    format!(
        "FROM comparisons c JOIN photos a ON a.id = c.a JOIN photos b ON b.id = c.b
         WHERE {IS_MISSING} AND (c.is_new OR a.decoding IS NOT NULL AND b.decoding IS NOT NULL)"
    )
}

impl Reader {
    /// Returns all comparisons, also those that are still to be made.
    pub fn comparisons(&self) -> Result<Comparisons> {
        let mut statement = self.index.prepare_cached("SELECT a, b, data FROM comparisons")?;
        let rows = statement.query_map([], comparison_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the comparisons of one photo, also those that are still to be made.
    pub fn comparisons_of(&self, photo: PhotoId) -> Result<Comparisons> {
        let select = "SELECT a, b, data FROM comparisons WHERE a = ?1 UNION ALL SELECT a, b, data FROM comparisons WHERE b = ?1";
        let mut statement = self.index.prepare_cached(select)?;
        let rows = statement.query_map([photo.0], comparison_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the pairs of a photo with later ones.
    pub fn pairs_with_later(&self, head: HeadNumber, photo: PhotoId, up_to: f32) -> Result<Vec<Pair>> {
        let select = "SELECT a, b, distance FROM pairs WHERE head = ?1 AND a = ?2 AND distance <= ?3";
        let mut statement = self.index.prepare_cached(select)?;
        let rows = statement.query_map(params![head.0, photo.0, f64::from(up_to)], pair_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns up to `count` pairs that are to be compared, those of new photos first.
    pub fn uncompared(&self, count: usize) -> Result<Vec<Uncompared>> {
        let select = format!("SELECT c.a, a.picture, c.b, b.picture {} ORDER BY c.is_new DESC, c.b LIMIT ?1", uncompared_from());
        let mut statement = self.index.prepare_cached(&select)?;
        let rows = statement.query_map([count as i64], |row| {
            Ok([(PhotoId(row.get(0)?), PictureHash(row.get(1)?)), (PhotoId(row.get(2)?), PictureHash(row.get(3)?))])
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the number of pairs that are not compared yet.
    pub fn count_uncompared(&self) -> Result<u64> {
        let mut statement = self.index.prepare_cached(&format!("SELECT count(*) FROM comparisons WHERE {IS_MISSING}"))?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }
}

impl Batch<'_> {
    /// Records which of these pairs are to be compared: of each newer photo those with its nearest older ones.
    pub fn want_comparisons(&mut self, pairs: &[Pair], up_to: Distance, is_new: bool) -> Result<()> {
        let mut partners: HashMap<PhotoId, Vec<(Distance, PhotoId)>> = HashMap::new();
        for pair in pairs.iter().filter(|pair| pair.distance <= up_to) {
            partners.entry(pair.b).or_default().push((pair.distance, pair.a));
        }
        let mut statement =
            self.transaction.prepare_cached("INSERT OR IGNORE INTO comparisons (a, b, is_new, data) VALUES (?1, ?2, ?3, NULL)")?;
        for (b, mut nearest) in partners {
            nearest.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
            for (_, a) in nearest.into_iter().take(COMPARED_PARTNERS) {
                statement.execute(params![a.0, b.0, is_new])?;
            }
        }
        Ok(())
    }

    /// Records that two near photos are to be compared now, unless they are.
    pub fn want_comparison(&mut self, [a, b]: [PhotoId; 2]) -> Result<()> {
        let mut statement = self.transaction.prepare_cached(&format!(
            "INSERT INTO comparisons (a, b, is_new, data) VALUES (?1, ?2, TRUE, NULL)
             ON CONFLICT (a, b) DO UPDATE SET is_new = TRUE WHERE NOT is_new AND {IS_MISSING}"
        ))?;
        statement.execute([a.0, b.0])?;
        Ok(())
    }

    /// Stores a comparison. With `None`, no picture of one of them could be had, and no answer waits for the pair any more.
    pub fn set_compared(&mut self, [a, b]: [PhotoId; 2], compared: Option<&Compared>) -> Result<()> {
        let data = match compared {
            Some(Compared::Laid(comparison)) => Some(comparison.values().iter().flat_map(|value| value.to_le_bytes()).collect()),
            Some(Compared::Apart) => Some(Vec::new()),
            Some(Compared::NotYet) | None => None,
        };
        self.transaction
            .prepare_cached("UPDATE comparisons SET data = ifnull(?3, data), is_new = FALSE WHERE a = ?1 AND b = ?2")?
            .execute(params![a.0, b.0, data])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::schema::INDEX;
    use super::*;

    #[test]
    fn pairs_to_compare_are_found_and_counted_in_their_index() {
        let mut index = Connection::open_in_memory().expect("opens");
        INDEX.to_latest(&mut index).expect("made");
        let plan = |sql: String| -> String {
            let mut statement = index.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("planned");
            let rows = statement.query_map([], |row| row.get::<_, String>(3)).expect("planned");
            rows.collect::<rusqlite::Result<Vec<_>>>().expect("planned").join("; ")
        };
        let counted = plan(format!("SELECT count(*) FROM comparisons WHERE {IS_MISSING}"));
        assert!(counted.contains("COVERING INDEX comparisons_missing"), "{counted}");
        let found = plan(format!("SELECT c.a, c.b {} ORDER BY c.is_new DESC, c.b LIMIT 9", uncompared_from()));
        assert!(found.contains("INDEX comparisons_missing") && !found.contains("ORDER BY"), "{found}");
    }
}
