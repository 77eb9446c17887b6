//! What cannot be computed again: tuned heads, the chosen ones, and which rows cannot be read.
//!
//! A row that cannot be read stays in the file as it is. It is not used, and [`Writer::problems`] reports it. All others
//! are used.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, Statement, params};

use super::columns::is_unreadable;
use super::unreadable::Unreadable;
use super::{Chosen, Error, HeadRecord, Result, TuningReportRecord, Writer};

/// The most unreadable rows of a table that are reported one by one. The others are counted.
const MAX_REPORTED_ROWS: usize = 8;

/// The digits of a picture hash that identify an unreadable decision in a report.
const REPORTED_HASH_DIGITS: usize = 12;

/// What a report calls the two choices.
const CHOSEN_HEAD: &str = "head";
const CHOSEN_VERSIONS: &str = "version model";

impl Writer {
    /// Returns a report on the rows that could not be read the last time.
    pub fn problems(&self) -> Vec<String> {
        let again = "; simctl roots add FOLDER watches a folder again, simctl roots remove FOLDER forgets it";
        let roots = told(&self.problems.roots, "the row of the watched folder", "rows of watched folders", again);
        let decisions = told(&self.problems.decisions, "the decision on the photos", "decisions", "");
        let heads = told(&self.problems.heads, "the head", "heads", "");
        let reports = told(&self.problems.reports, "the report of the head", "reports of heads", "");
        let examples = told(&self.problems.examples, "an example in the report of the head", "examples in reports of heads", "");
        let choices = told(&self.problems.choices, "the name of the chosen", "names", "; simctl heads use NAME chooses another");
        [roots, decisions, heads, reports, examples, choices].concat()
    }

    /// Returns the names of heads that could not be read the last time. No other head can have these names.
    pub fn unreadable_heads(&self) -> Vec<String> {
        self.problems.heads.iter().map(|row| row.name.clone()).collect()
    }

    /// Returns all tuned heads that can be read, oldest first. [`problems`](Writer::problems) reports the others.
    pub fn heads(&mut self) -> Result<Vec<HeadRecord>> {
        let mut statement = self.library.prepare(&format!("SELECT {HEAD_COLUMNS} FROM heads ORDER BY made, name"))?;
        let (heads, unreadable) =
            readable(&mut statement, head_record, |row| Ok(String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned()))?;
        (self.problems.reports, self.problems.examples) = (Vec::new(), Vec::new());
        for head in &heads {
            let unreadable = |why: String| Unreadable { name: head.name.clone(), why };
            match serde_json::from_str::<TuningReportRecord>(&head.report) {
                Ok(report) => self.problems.examples.extend(report.unknown_example().map(|e| unreadable(e.to_string()))),
                Err(e) => self.problems.reports.push(unreadable(e.to_string())),
            }
        }
        self.problems.heads = unreadable;
        Ok(heads)
    }

    /// Stores a head, replacing one of the same name.
    ///
    /// # Errors
    /// [`Error::UnreadableHead`] if the head of that name cannot be read, because it is not known what would be lost.
    pub fn add_head(&mut self, head: &HeadRecord) -> Result<()> {
        let select = format!("SELECT {HEAD_COLUMNS} FROM heads WHERE name = ?1");
        match self.library.query_row(&select, [&head.name], head_record).optional() {
            Err(e) if is_unreadable(&e) => return Err(Error::UnreadableHead(head.name.clone())),
            known => known?,
        };
        self.library.execute(
            "INSERT OR REPLACE INTO heads (name, backbone, positives, weights, threshold, report, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![head.name, head.backbone, head.positives.name(), head.weights, head.threshold, head.report, head.made],
        )?;
        Ok(())
    }

    /// Removes a head, and returns whether there was one.
    pub fn remove_head(&mut self, name: &str) -> Result<bool> {
        Ok(self.library.execute("DELETE FROM heads WHERE name = ?1", [name])? > 0)
    }

    /// Returns the name of the head that a person or a tuning chose last.
    pub fn chosen_head(&mut self) -> Result<Chosen> {
        self.chosen("head", CHOSEN_HEAD)
    }

    pub fn choose_head(&mut self, name: &str) -> Result<()> {
        self.choose("head", CHOSEN_HEAD, name)
    }

    /// Returns the name of the version model that a person or a tuning chose last.
    pub fn chosen_versions(&mut self) -> Result<Chosen> {
        self.chosen("versions", CHOSEN_VERSIONS)
    }

    pub fn choose_versions(&mut self, name: &str) -> Result<()> {
        self.choose("versions", CHOSEN_VERSIONS, name)
    }

    fn chosen(&mut self, setting: &str, what: &str) -> Result<Chosen> {
        self.problems.choices.retain(|row| row.name != what);
        match self.library.query_row("SELECT value FROM settings WHERE name = ?1", [setting], |row| row.get(0)).optional() {
            Err(e) if is_unreadable(&e) => {
                self.problems.choices.push(Unreadable { name: what.to_owned(), why: in_words(&e) });
                Ok(Chosen::Unreadable)
            }
            found => Ok(found?.map_or(Chosen::Nothing, Chosen::Name)),
        }
    }

    fn choose(&mut self, setting: &str, what: &str, name: &str) -> Result<()> {
        self.library.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [setting, name])?;
        self.problems.choices.retain(|row| row.name != what);
        Ok(())
    }
}

/// Returns a line for each of the first rows, which ends with `hint`, and one line with the number of the others.
fn told(rows: &[Unreadable], one: &str, many: &str, hint: &str) -> Vec<String> {
    let line = |row: &Unreadable| format!("{one} {} cannot be read: {}; it stays in library.db and is not used{hint}", row.name, row.why);
    let rest = rows.len().saturating_sub(MAX_REPORTED_ROWS);
    let rest = (rest > 0).then(|| format!("{rest} more {many} cannot be read; they stay in library.db and are not used"));
    rows.iter().take(MAX_REPORTED_ROWS).map(line).chain(rest).collect()
}

/// Returns the values of the rows that can be read, and the rows that cannot.
pub(super) fn readable<T>(
    statement: &mut Statement<'_>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    name: impl Fn(&Row<'_>) -> rusqlite::Result<String>,
) -> Result<(Vec<T>, Vec<Unreadable>)> {
    let (mut values, mut unreadable) = (Vec::new(), Vec::new());
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(value) => values.push(value),
            Err(e) if is_unreadable(&e) => unreadable.push(Unreadable { name: name(row)?, why: in_words(&e) }),
            Err(e) => return Err(e.into()),
        }
    }
    Ok((values, unreadable))
}

/// Returns the value, or `None` if it cannot be read.
pub(super) fn if_readable<T>(value: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match value {
        Err(e) if is_unreadable(&e) => Ok(None),
        value => value.map(Some),
    }
}

/// Describes what is wrong with a value, without the column that rusqlite adds.
fn in_words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, why) => why.to_string(),
        rusqlite::Error::Utf8Error(_, why) => why.to_string(),
        error => error.to_string(),
    }
}

/// Returns the first digits of a hash of any length.
pub(super) fn digits(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let ValueRef::Blob(hash) = row.get_ref(column)? else { return Ok("?".to_owned()) };
    let digits: String = hash.iter().take(REPORTED_HASH_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    Ok(if 2 * hash.len() > REPORTED_HASH_DIGITS { digits + "…" } else { digits })
}

/// The columns of `heads` that [`head_record`] reads.
const HEAD_COLUMNS: &str = "name, backbone, positives, weights, threshold, report, made";

fn head_record(row: &Row<'_>) -> rusqlite::Result<HeadRecord> {
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use rusqlite::Connection;

    use super::*;
    use crate::photo::{Decision, PictureHash, PixelHash, Verdict};
    use crate::store::{Decided, Location, OnConflict, Positives};

    fn picture(byte: u8) -> PictureHash {
        PictureHash([byte; 32])
    }

    fn said(a: u8, b: u8, verdict: Verdict, made: i64) -> Decision {
        Decision { a: picture(a), b: picture(b), verdict, made, follows: None }
    }

    fn tuned(name: &str, made: i64) -> HeadRecord {
        HeadRecord {
            name: name.into(),
            backbone: "backbone-1".into(),
            positives: Positives::Edits,
            weights: vec![1, 2, 3],
            threshold: 0.25,
            report: "{}".into(),
            made,
        }
    }

    /// Makes a library with decisions on photos 1 and 2, and 3 and 4, and two heads. Then changes it by `sql`.
    fn library(sql: &str) -> (TempDir, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let decisions = [said(1, 2, Verdict::Same, 10), said(3, 4, Verdict::Different, 20)];
        assert_eq!(writer.decide(&decisions, OnConflict::Overwrite).expect("kept").changed, 2);
        writer.add_head(&tuned("tuned-1", 1)).expect("kept");
        writer.add_head(&tuned("tuned-2", 2)).expect("kept");
        drop(writer);
        Connection::open(location.library()).and_then(|library| library.execute_batch(sql)).expect("changed");
        let writer = Writer::open(&location).expect("opens");
        (folder, writer)
    }

    const UNKNOWN_VERDICT: &str = "UPDATE decisions SET verdict = 'perhaps' WHERE made = 10";
    const UNKNOWN_POSITIVES: &str = "UPDATE heads SET positives = 'weather' WHERE name = 'tuned-1'";

    fn text(writer: &Writer, select: &str) -> String {
        writer.library.query_row(select, [], |row| row.get(0)).expect(select)
    }

    #[test]
    fn an_unknown_verdict_is_reported_and_kept_and_never_read_as_another() {
        let (_folder, mut writer) = library(UNKNOWN_VERDICT);
        assert_eq!(writer.problems(), Vec::<String>::new(), "nothing has been read yet");
        let decisions = writer.decisions().expect("read");
        assert_eq!((decisions.len(), decisions.of(picture(1), picture(2))), (1, None));
        assert_eq!(decisions.of(picture(3), picture(4)), Some(Verdict::Different));
        let problem = "the decision on the photos 010101010101… and 020202020202… cannot be read: \"perhaps\" is not a verdict; \
                    it stays in library.db and is not used";
        assert_eq!(writer.problems(), [problem]);
        assert_eq!(text(&writer, "SELECT verdict FROM decisions WHERE made = 10"), "perhaps");
        assert_eq!(writer.set_aside, None);
        // A new decision replaces it.
        writer.decide(&[said(2, 1, Verdict::Same, 30)], OnConflict::Overwrite).expect("kept");
        assert_eq!(writer.decisions().expect("read").of(picture(1), picture(2)), Some(Verdict::Same));
        assert_eq!(writer.problems(), Vec::<String>::new());
    }

    #[test]
    fn hashes_of_a_wrong_length_are_reported_one_by_one_and_then_counted() {
        let (_folder, mut writer) = library(
            "INSERT INTO decisions (a, b, verdict, made) VALUES (x'0b0c', x'ff', 'same', 1), (x'', x'ff', 'same', 1);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
             INSERT INTO decisions (a, b, verdict, made) SELECT CAST(format('%032d', i) AS BLOB), zeroblob(32), 'Same', i FROM n",
        );
        assert_eq!(writer.decisions().expect("read").len(), 2);
        let problems = writer.problems();
        assert_eq!(problems.len(), MAX_REPORTED_ROWS + 1);
        assert!(problems[1].starts_with("the decision on the photos 0b0c and ff cannot be read: "), "{problems:?}");
        assert_eq!(problems[MAX_REPORTED_ROWS], "14 more decisions cannot be read; they stay in library.db and are not used");
    }

    #[test]
    fn an_import_replaces_an_unreadable_decision_that_is_not_newer() {
        let kept = |made| {
            let (_folder, mut writer) = library(UNKNOWN_VERDICT);
            let changed = writer.decide(&[said(1, 2, Verdict::Same, made)], OnConflict::KeepNewer).expect("decided").changed;
            (changed, text(&writer, "SELECT verdict FROM decisions WHERE hex(a) LIKE '01%'"))
        };
        assert_eq!(kept(9), (0, "perhaps".into()));
        assert_eq!(kept(10), (1, "same".into()));
        assert_eq!(kept(11), (1, "same".into()));
        // A readable decision is replaced only by a newer one.
        let (_folder, mut writer) = library("");
        assert_eq!(writer.decide(&[said(1, 2, Verdict::Different, 10)], OnConflict::KeepNewer).expect("decided").changed, 0);
        assert_eq!(writer.decide(&[said(1, 2, Verdict::Different, 11)], OnConflict::KeepNewer).expect("decided").changed, 1);
    }

    #[test]
    fn what_became_of_decisions_is_said() {
        use Verdict::{Different, Same};
        let (_folder, mut writer) = library("");
        let older = said(1, 2, Different, 9);
        let imported = writer.import(&[older, said(3, 4, Different, 19), said(3, 4, Different, 21), said(5, 6, Same, 1)], &[]);
        assert_eq!(imported.expect("imported"), Decided { changed: 1, reversed: 0, outdone: vec![older] });
        let decided = writer.decide(&[said(1, 2, Different, 30), said(5, 6, Same, 30)], OnConflict::Overwrite);
        assert_eq!(decided.expect("decided"), Decided { changed: 1, reversed: 1, outdone: Vec::new() });
        // Two verdicts on one pair, also by pictures of equal pixels: nothing of the file is taken.
        let equal = [2, 22].map(|byte| (picture(byte), PixelHash([7; 32])));
        for import in [[said(8, 9, Same, 5), said(9, 8, Different, 6)], [said(1, 2, Same, 40), said(1, 22, Different, 40)]] {
            assert!(matches!(writer.import(&import, &equal), Err(Error::Contradiction(_))), "{import:?}");
        }
        assert_eq!(writer.decisions().expect("read").len(), 3);
    }

    #[test]
    fn decisions_that_contradict_others_are_not_stored() {
        use Verdict::{Different, Same};
        let (_folder, mut writer) = library("DELETE FROM decisions");
        let mut decide = |decisions: &[Decision], on_conflict| {
            let decided = writer.decide(decisions, on_conflict).map(|done| done.changed).map_err(|e| match e {
                Error::Contradiction(contradiction) => contradiction.decisions().count(),
                e => panic!("{e}"),
            });
            (decided, writer.decisions().expect("read").len())
        };
        assert_eq!(decide(&[said(1, 2, Same, 10), said(2, 3, Same, 10)], OnConflict::Overwrite), (Ok(2), 2));
        assert_eq!(decide(&[said(1, 9, Different, 11), said(1, 3, Different, 11)], OnConflict::Overwrite), (Err(3), 2));
        // The other way around: photos that differ are joined.
        assert_eq!(decide(&[said(3, 4, Different, 11)], OnConflict::Overwrite), (Ok(1), 3));
        assert_eq!(decide(&[said(4, 1, Same, 12)], OnConflict::Overwrite), (Err(4), 3));
        // A change of mind about two photos is not a contradiction, as long as nothing else joins them.
        assert_eq!(decide(&[said(2, 3, Different, 13)], OnConflict::Overwrite), (Ok(1), 3));
        assert_eq!(decide(&[said(4, 1, Same, 14)], OnConflict::Overwrite), (Ok(1), 4));
        // An import is taken over as a whole or not at all, and what it does not replace does not count.
        let import = [said(5, 6, Same, 1), said(6, 7, Same, 1), said(5, 7, Different, 1)];
        assert_eq!(decide(&import, OnConflict::KeepNewer), (Err(3), 4));
        assert_eq!(decide(&[said(1, 2, Different, 1), said(5, 6, Same, 1)], OnConflict::KeepNewer), (Ok(1), 5));
    }

    #[test]
    fn what_is_refused_or_fails_changes_no_row() {
        use Verdict::{Different, Same};
        let (_folder, mut writer) = library("DELETE FROM decisions");
        writer.decide(&[said(1, 2, Same, 10), said(2, 3, Same, 10)], OnConflict::Overwrite).expect("decided");
        let known = "INSERT INTO photos (picture, format, width, height, pixels) VALUES (?1, 'jpeg', 1, 1, zeroblob(32))";
        writer.index.execute(known, [picture(3).0]).expect("as if it had been read");
        let rows = |writer: &Writer| {
            text(
                writer,
                "SELECT (SELECT json_group_array(hex(a) || hex(b) || verdict || made) FROM decisions)
                     || (SELECT json_group_array(hex(picture) || hex(pixels)) FROM pictures)",
            )
        };
        let before = rows(&writer);
        let pixels = [(picture(1), PixelHash([5; 32])), (picture(9), PixelHash([6; 32]))];
        let contradicting = [said(3, 7, Same, 11), said(1, 3, Different, 11)];
        for refused in [writer.import(&contradicting, &pixels), writer.decide(&contradicting, OnConflict::Overwrite)] {
            assert!(matches!(refused, Err(Error::Contradiction(_))), "{refused:?}");
        }
        assert_eq!(rows(&writer), before);
        writer
            .library
            .execute_batch("CREATE TEMP TRIGGER refuse BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'no'); END")
            .expect("made");
        for failed in [writer.import(&[said(3, 7, Same, 11)], &pixels), writer.decide(&[said(3, 7, Same, 11)], OnConflict::Overwrite)] {
            assert!(matches!(failed, Err(Error::Sqlite(_))), "{failed:?}");
        }
        assert_eq!(rows(&writer), before);
        writer.library.execute_batch("DROP TRIGGER refuse").expect("dropped");
        assert_eq!(writer.import(&[said(3, 7, Same, 11)], &pixels).expect("imported").changed, 1);
        assert_eq!(text(&writer, "SELECT group_concat(substr(hex(picture), 1, 2)) FROM pictures"), "01,03,09");
    }

    #[test]
    fn contradictions_of_an_earlier_version_stay_and_are_counted() {
        use Verdict::{Different, Same};
        let stored = |a: u8, b: u8, verdict| {
            format!("INSERT INTO decisions (a, b, verdict, made) VALUES (x'{a:064x}', x'{b:064x}', '{verdict}', 1);")
        };
        let stored = [stored(1, 2, "same"), stored(2, 3, "same"), stored(1, 3, "different")].concat();
        let (_folder, mut writer) = library(&format!("DELETE FROM decisions; {stored}"));
        assert_eq!(writer.decisions().expect("read").contradictions(), 1);
        assert_eq!(writer.decide(&[said(7, 8, Same, 2)], OnConflict::Overwrite).expect("decided").changed, 1);
        let last = |byte: u8| PictureHash(std::array::from_fn(|at| if at == 31 { byte } else { 0 }));
        let again = Decision { a: last(1), b: last(3), verdict: Different, made: 3, follows: None };
        assert_eq!(writer.decide(&[again], OnConflict::Overwrite).expect("no news").changed, 0);
        assert_eq!(writer.undecide(&[(last(1), last(2))]).expect("removed"), 1);
        assert_eq!(writer.decisions().expect("read").contradictions(), 0);
        assert!(writer.decide(&[Decision { b: last(2), verdict: Same, ..again }], OnConflict::Overwrite).is_err());
    }

    #[test]
    fn an_unreadable_decision_can_be_removed() {
        let (_folder, mut writer) = library(UNKNOWN_VERDICT);
        assert_eq!(writer.undecide(&[(picture(2), picture(1))]).expect("taken back"), 1);
        assert_eq!(writer.decisions().expect("read").len(), 1);
        assert_eq!(writer.problems(), Vec::<String>::new());
    }

    #[test]
    fn a_choice_that_cannot_be_read_is_reported_and_kept_until_another_is_made() {
        let (_folder, mut writer) =
            library("INSERT INTO settings (name, value) VALUES ('head', CAST(x'ff41' AS TEXT)), ('versions', CAST(x'ff42' AS TEXT))");
        let stored = "SELECT group_concat(hex(value)) FROM (SELECT value FROM settings ORDER BY name)";
        assert_eq!(writer.chosen_head().expect("read"), Chosen::Unreadable);
        assert_eq!(writer.chosen_versions().expect("read"), Chosen::Unreadable);
        let problems = writer.problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("the name of the chosen head cannot be read: invalid utf-8"), "{problems:?}");
        assert!(problems[1].starts_with("the name of the chosen version model cannot be read: "), "{problems:?}");
        assert_eq!(text(&writer, stored), "FF41,FF42");
        writer.choose_head("tuned-1").expect("chosen");
        assert_eq!(writer.chosen_head().expect("read"), Chosen::Name("tuned-1".into()));
        assert_eq!(writer.problems().len(), 1);
        let (_folder, mut writer) = library("");
        assert_eq!(writer.chosen_head().expect("read"), Chosen::Nothing);
    }

    #[test]
    fn a_head_is_used_though_its_report_cannot_be_read() {
        let (_folder, mut writer) = library("UPDATE heads SET report = '{\"steps\":\"many\"}' WHERE name = 'tuned-1'");
        assert_eq!(writer.heads().expect("read").len(), 2);
        let problems = writer.problems();
        assert!(problems.len() == 1 && problems[0].starts_with("the report of the head tuned-1 cannot be read: "), "{problems:?}");
        assert_eq!(writer.unreadable_heads(), Vec::<String>::new());
        assert!(writer.remove_head("tuned-1").expect("removed"));
        assert_eq!(writer.heads().expect("read").len(), 1);
        assert_eq!(writer.problems(), Vec::<String>::new());
    }

    #[test]
    fn an_example_with_an_unknown_kind_of_change_is_reported() {
        let report = r#"{"clusters":{"examples":[{"change":"grown"},{"change":"split"},{"change":"merged"}]}}"#;
        let (_folder, mut writer) = library(&format!("UPDATE heads SET report = '{report}' WHERE name = 'tuned-1'"));
        assert_eq!(writer.heads().expect("read").len(), 2);
        let told = "an example in the report of the head tuned-1 cannot be read: \"split\" is not a kind of cluster change; \
                    it stays in library.db and is not used";
        assert_eq!(writer.problems(), [told]);
        assert!(writer.remove_head("tuned-1").expect("removed"));
        assert_eq!(writer.heads().expect("read").len(), 1);
        assert_eq!(writer.problems(), Vec::<String>::new());
    }

    #[test]
    fn a_head_with_unknown_positives_is_reported_and_kept_and_not_used() {
        let (_folder, mut writer) = library(UNKNOWN_POSITIVES);
        let names = |heads: Vec<HeadRecord>| heads.into_iter().map(|head| head.name).collect::<Vec<_>>();
        assert_eq!(names(writer.heads().expect("read")), ["tuned-2"]);
        let problem = "the head tuned-1 cannot be read: \"weather\" is not a kind of positives; it stays in library.db and is not used";
        assert_eq!((writer.problems(), writer.unreadable_heads()), (vec![problem.to_owned()], vec!["tuned-1".to_owned()]));
        // The name is taken: another head would overwrite it.
        assert!(matches!(writer.add_head(&tuned("tuned-1", 3)), Err(Error::UnreadableHead(name)) if name == "tuned-1"));
        writer.add_head(&tuned("tuned-2", 3)).expect("kept");
        assert_eq!(text(&writer, "SELECT positives FROM heads WHERE name = 'tuned-1'"), "weather");
        assert!(writer.remove_head("tuned-1").expect("removed"));
        writer.add_head(&tuned("tuned-1", 4)).expect("kept");
        assert_eq!(names(writer.heads().expect("read")), ["tuned-2", "tuned-1"]);
        assert_eq!(writer.problems(), Vec::<String>::new());
    }
}
