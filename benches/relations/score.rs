//! How right an answer is about files of which is known what they are to each other.

use std::collections::HashMap;
use std::fmt::Write as _;

use similard::photo::Relation;

use super::answers::Answer;

/// So many wrong pairs of a kind are named.
const MAX_NAMED: usize = 6;

/// What a file is of its exposure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    Original,
    /// The same picture data, with other metadata.
    SameData,
    Copy,
    Edit,
}

/// What two files are to each other in truth.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Truth {
    Identical,
    Copy,
    Edit,
    Part,
    /// Two exposures of one scene, or what one may take for them.
    Series,
    /// Different pictures.
    Different,
}

impl Truth {
    const ALL: [Truth; 6] = [Truth::Identical, Truth::Copy, Truth::Edit, Truth::Part, Truth::Series, Truth::Different];

    fn name(self) -> &'static str {
        match self {
            Truth::Identical => "identical",
            Truth::Copy => "copy",
            Truth::Edit => "edit",
            Truth::Part => "part",
            Truth::Series => "series",
            Truth::Different => "different",
        }
    }
}

/// What is known of a file.
pub struct Label {
    pub name: String,
    /// The number of the exposure that it shows.
    pub exposure: usize,
    pub version: Version,
}

/// The truth about the exposures of a kind, the smaller number first. Others are different pictures.
pub type Across = HashMap<(usize, usize), Truth>;

/// Returns what two files are to each other.
fn truth(a: &Label, b: &Label, across: &Across) -> Truth {
    if a.exposure != b.exposure {
        let pair = (a.exposure.min(b.exposure), a.exposure.max(b.exposure));
        return across.get(&pair).copied().unwrap_or(Truth::Different);
    }
    let is = |version: Version| a.version == version || b.version == version;
    if is(Version::Edit) {
        Truth::Edit
    } else if is(Version::Copy) {
        Truth::Copy
    } else {
        Truth::Identical
    }
}

/// A part of a number.
#[derive(Clone, Copy, Default)]
struct Share {
    part: usize,
    of: usize,
}

impl Share {
    fn count(&mut self, is_in: bool) {
        self.part += usize::from(is_in);
        self.of += 1;
    }

    fn percent(self) -> String {
        if self.of == 0 { "–".into() } else { format!("{:.1} %", 100.0 * self.part as f64 / self.of as f64) }
    }
}

/// The figures of a kind.
#[derive(Default)]
pub struct Score {
    files: usize,
    /// Of the pairs in one star, those of one exposure.
    precision: Share,
    /// Of the pairs of one exposure, those in one star.
    recall: Share,
    /// Of the originals that are in a star with a version, those that are its source.
    sources: Share,
    /// Of the versions, those that are not in the star of their original.
    lost: Share,
    answered: HashMap<(Truth, Option<Relation>), usize>,
    /// Pairs that are not versions of one exposure, and are said to be.
    wrong: Vec<String>,
    /// Originals that are not the source, with what is called their source.
    wrong_sources: Vec<String>,
    /// Versions that are not in the star of their original.
    lost_versions: Vec<String>,
}

impl Score {
    pub fn of(labels: &[Label], across: &Across, answer: &Answer) -> Score {
        let mut score = Score { files: labels.len(), ..Score::default() };
        for (a, of_a) in labels.iter().enumerate() {
            for (b, of_b) in labels[..a].iter().enumerate() {
                score.add_pair(truth(of_a, of_b, across), (of_a, of_b), answer.relation(a, b), answer.are_one(a, b));
            }
        }
        for (original, label) in labels.iter().enumerate().filter(|(_, label)| label.version == Version::Original) {
            let versions = labels.iter().enumerate().filter(|(at, other)| *at != original && other.exposure == label.exposure);
            let mut has_version = false;
            for (version, of_version) in versions {
                let is_found = answer.are_one(original, version);
                score.lost.count(!is_found);
                has_version |= is_found;
                if !is_found {
                    score.lost_versions.push(of_version.name.clone());
                }
            }
            if let Some(source) = answer.source(original).filter(|_| has_version) {
                score.sources.count(source == original);
                if source != original {
                    score.wrong_sources.push(format!("{} of {}", labels[source].name, label.name));
                }
            }
        }
        score
    }

    fn add_pair(&mut self, truth: Truth, (a, b): (&Label, &Label), relation: Option<Relation>, is_one: bool) {
        *self.answered.entry((truth, relation)).or_default() += 1;
        let is_version = matches!(truth, Truth::Identical | Truth::Copy | Truth::Edit);
        if is_version {
            self.recall.count(is_one);
        }
        if is_one {
            self.precision.count(is_version);
        }
        let is_said = matches!(relation, Some(Relation::Identical | Relation::Copy | Relation::Edit));
        if !is_version && (is_one || is_said) {
            let said = relation.map_or("in one star", Relation::name);
            self.wrong.push(format!("{} and {}, {}: {said}", a.name, b.name, truth.name()));
        }
    }

    /// Returns a row under [`HEAD`].
    pub fn row(&self, name: &str) -> String {
        let Score { files, precision, recall, sources, lost, .. } = self;
        let count = |share: &Share| format!("{} of {}", share.part, share.of);
        let (precision, recall) = (precision.percent(), recall.percent());
        format!("| {name} | {files} | {precision} | {recall} | {} | {} | {} |", count(sources), count(lost), self.confusion())
    }

    /// How many pairs of each true relation were answered as each relation.
    fn confusion(&self) -> String {
        let mut all = String::new();
        for truth in Truth::ALL {
            let answers = Relation::ALL.iter().map(|relation| (Some(*relation), relation.name())).chain([(None, "nothing")]);
            let counted = answers.filter_map(|(relation, name)| Some(format!("{} {name}", self.answered.get(&(truth, relation))?)));
            let counted = counted.collect::<Vec<_>>().join(", ");
            if !counted.is_empty() {
                let _ = write!(all, "{}{}: {counted}", if all.is_empty() { "" } else { "; " }, truth.name());
            }
        }
        all
    }

    /// Names what is wrong, a line each.
    pub fn faults(&self, name: &str) -> String {
        let mut lines = String::new();
        let all = [("versions that are none", &self.wrong), ("sources that are none", &self.wrong_sources), ("lost", &self.lost_versions)];
        for (what, faults) in all {
            if !faults.is_empty() {
                let more = if faults.len() > MAX_NAMED { "; …" } else { "" };
                let named = faults[..faults.len().min(MAX_NAMED)].join("; ");
                let _ = writeln!(lines, "* {name}, {what} ({}): {named}{more}", faults.len());
            }
        }
        lines
    }
}

/// The head of a table of kinds.
pub const HEAD: &str = "| kind | files | precision | recall | source right | versions lost | pairs by what they are: what is said |
|---|---|---|---|---|---|---|";
