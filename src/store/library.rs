//! What cannot be made again: roots, decisions, tuned heads.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::{OptionalExtension, Row, params};

use super::columns::path_of;
use super::{HeadRecord, Result, Word, Writer};
use crate::photo::{Decision, Decisions, PictureHash, Root, RootId, ordered};

impl Writer {
    pub fn roots(&self) -> Result<Vec<Root>> {
        let mut statement = self.library.prepare("SELECT id, path, volume, inner FROM roots ORDER BY path")?;
        let rows = statement.query_map([], |row| {
            let inner = row.get::<_, Option<Vec<u8>>>(3)?.map(|inner| path_of(&inner));
            Ok(Root {
                id: RootId(row.get(0)?),
                path: path_of(row.get_ref(1)?.as_blob()?),
                home: row.get::<_, Option<String>>(2)?.zip(inner),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Adds a root, or finds it. Roots below it become part of it ([`absorb`](Writer::absorb)).
    pub fn add_root(&mut self, path: &Path, is_hidden: &dyn Fn(&Path) -> bool) -> Result<RootId> {
        let bytes = path.as_os_str().as_bytes();
        self.library.execute("INSERT INTO roots (path) VALUES (?1) ON CONFLICT DO NOTHING", [bytes])?;
        let id = RootId(self.library.query_row("SELECT id FROM roots WHERE path = ?1", [bytes], |row| row.get(0))?);
        self.absorb(is_hidden)?;
        Ok(id)
    }

    /// Makes roots that lie in another, and not in what is hidden there (by the path below it), part of it,
    /// with all that is known of them. Moving rows and forgetting the root are in two files: this is also
    /// what mends a crash between them.
    pub fn absorb(&mut self, is_hidden: &dyn Fn(&Path) -> bool) -> Result<()> {
        while self.absorb_one(is_hidden)? {}
        Ok(())
    }

    /// Makes the first root that lies in another part of it; whether there was one.
    fn absorb_one(&mut self, is_hidden: &dyn Fn(&Path) -> bool) -> Result<bool> {
        let roots = self.roots()?;
        for inner in &roots {
            let below =
                |outer: &Root| inner.path.strip_prefix(&outer.path).ok().filter(|below| !below.as_os_str().is_empty()).map(Path::to_owned);
            let holding = roots.iter().find_map(|outer| Some((outer, below(outer).filter(|below| !is_hidden(below))?)));
            let Some((outer, below)) = holding else { continue };
            let prefix = [below.as_os_str().as_bytes(), b"/"].concat();
            let batch = self.index.transaction()?;
            for table in ["files", "failures"] {
                batch.execute(
                    &format!("UPDATE OR REPLACE {table} SET root = ?1, path = CAST(?2 || path AS BLOB) WHERE root = ?3"),
                    params![outer.id.0, prefix, inner.id.0],
                )?;
            }
            batch.commit()?;
            self.library.execute("DELETE FROM roots WHERE id = ?1", [inner.id.0])?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Records where a root is now, and the filesystem and the path inside it by which it is known
    /// at another mount point.
    pub fn place_root(&mut self, root: &Root) -> Result<()> {
        let (volume, inner) = root.home.as_ref().map(|(v, i)| (v.as_str(), i.as_os_str().as_bytes())).unzip();
        self.library.execute(
            "UPDATE OR IGNORE roots SET path = ?2, volume = ?3, inner = ?4 WHERE id = ?1",
            params![root.id.0, root.path.as_os_str().as_bytes(), volume, inner],
        )?;
        Ok(())
    }

    /// Forgets a root and its files. Photos stay, so that adding it again costs no decode.
    pub fn remove_root(&mut self, root: RootId) -> Result<()> {
        let batch = self.index.transaction()?;
        batch.execute("DELETE FROM files WHERE root = ?1", [root.0])?;
        batch.execute("DELETE FROM failures WHERE root = ?1", [root.0])?;
        batch.commit()?;
        self.library.execute("DELETE FROM roots WHERE id = ?1", [root.0])?;
        Ok(())
    }

    pub fn decisions(&self) -> Result<Decisions> {
        let mut statement = self.library.prepare("SELECT a, b, verdict, made FROM decisions")?;
        let rows = statement.query_map([], |row| {
            Ok(Decision { a: PictureHash(row.get(0)?), b: PictureHash(row.get(1)?), verdict: row.get(2)?, made: row.get(3)? })
        })?;
        Ok(Decisions::new(rows.collect::<rusqlite::Result<Vec<_>>>()?))
    }

    /// Keeps decisions; where there is one already, the later counts, or the new one if it is a person's word
    /// of this moment. Returns how many changed what is known.
    pub fn decide(&mut self, decisions: &[Decision], when: Word) -> Result<usize> {
        let transaction = self.library.transaction()?;
        let mut changed = 0;
        for decision in decisions {
            let (a, b) = ordered(decision.a, decision.b);
            let known: Option<(String, i64)> = transaction
                .prepare_cached("SELECT verdict, made FROM decisions WHERE a = ?1 AND b = ?2")?
                .query_row(params![a.0, b.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (said, made) = known.as_ref().map_or(("", i64::MIN), |(verdict, made)| (verdict, *made));
            if when == Word::Kept && decision.made <= made {
                continue;
            }
            changed += usize::from(said != decision.verdict.name());
            transaction
                .prepare_cached("INSERT OR REPLACE INTO decisions (a, b, verdict, made) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![a.0, b.0, decision.verdict.name(), decision.made])?;
        }
        transaction.commit()?;
        Ok(changed)
    }

    /// Takes decisions back; returns how many there were.
    pub fn undecide(&mut self, pairs: &[(PictureHash, PictureHash)]) -> Result<usize> {
        let transaction = self.library.transaction()?;
        let mut dropped = 0;
        for &(a, b) in pairs {
            let (a, b) = ordered(a, b);
            dropped += transaction.execute("DELETE FROM decisions WHERE a = ?1 AND b = ?2", params![a.0, b.0])?;
        }
        transaction.commit()?;
        Ok(dropped)
    }

    /// All heads that were tuned, oldest first.
    pub fn heads(&self) -> Result<Vec<HeadRecord>> {
        let mut statement =
            self.library.prepare("SELECT name, backbone, positives, weights, threshold, report, made FROM heads ORDER BY made, name")?;
        Ok(statement.query_map([], head)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps a head, in place of one of its name.
    pub fn add_head(&mut self, head: &HeadRecord) -> Result<()> {
        self.library.execute(
            "INSERT OR REPLACE INTO heads (name, backbone, positives, weights, threshold, report, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![head.name, head.backbone, head.positives.name(), head.weights, head.threshold, head.report, head.made],
        )?;
        Ok(())
    }

    /// Forgets a head; whether there was one.
    pub fn remove_head(&mut self, name: &str) -> Result<bool> {
        Ok(self.library.execute("DELETE FROM heads WHERE name = ?1", [name])? > 0)
    }

    /// The name of the head that a person, or a tuning, chose.
    pub fn chosen_head(&self) -> Result<Option<String>> {
        Ok(self.library.query_row("SELECT value FROM settings WHERE name = 'head'", [], |row| row.get(0)).optional()?)
    }

    pub fn choose_head(&mut self, name: &str) -> Result<()> {
        self.library.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('head', ?1)", [name])?;
        Ok(())
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<HeadRecord> {
    Ok(HeadRecord {
        name: row.get(0)?,
        backbone: row.get(1)?,
        positives: row.get(2)?,
        weights: row.get(3)?,
        threshold: row.get::<_, f64>(4)? as f32,
        report: row.get(5)?,
        made: row.get(6)?,
    })
}
