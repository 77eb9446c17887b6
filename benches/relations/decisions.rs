//! What decisions teach, on scenes that were not decided on.

use std::collections::BTreeSet;

use fastrand::Rng;
use similard::learn::decisions::{Decided, Group, learn};
use similard::learn::device::device;
use similard::likeness::{Member, Near, VersionModel, sources};
use similard::photo::{Compared, Verdict};

use super::model::part;

/// How many of the five parts have scenes that are decided on. The others judge.
const TAUGHT_PARTS: usize = 3;

/// Decisions of a person, and every how many of them is mistaken.
const DECISIONS: usize = 40;
const MISTAKEN_EVERY: [usize; 3] = [0, 10, 5];

/// Draws of the decisions.
const DRAWS: u64 = 5;

/// What is known of a file.
pub struct Label {
    pub frame: usize,
    pub scene: String,
    pub is_edit: bool,
}

/// A library in which every second photo that has versions is gone, so that some versions are joined to other frames.
struct Library {
    /// Of all files.
    here: Vec<usize>,
    members: Vec<Member>,
    near: Vec<Near>,
}

impl Library {
    fn of(files: &[Label], members: &[Member], near: &[Near]) -> Library {
        let edited: BTreeSet<usize> = files.iter().filter(|file| file.is_edit).map(|file| file.frame).collect();
        let gone: BTreeSet<usize> = edited.iter().copied().step_by(2).collect();
        let here: Vec<usize> = (0..files.len()).filter(|&at| files[at].is_edit || !gone.contains(&files[at].frame)).collect();
        let place = |at: usize| here.binary_search(&at).ok();
        let near = near.iter().filter_map(|near| Some(Near { a: place(near.a)?, b: place(near.b)?, ..*near })).collect();
        Library { members: here.iter().map(|&at| members[at].clone()).collect(), here, near }
    }
}

/// Teaches the model of the program decisions on files that it shows as versions of each other and that are of two frames.
pub fn print(files: &[Label], members: &[Member], near: &[Near]) {
    let library = Library::of(files, members, near);
    let file = |at: usize| &files[library.here[at]];
    let is_taught = |at: usize| part(&file(at).scene) < TAUGHT_PARTS;
    let answer = |model: &VersionModel| sources(model, &library.members, &library.near);
    let base = VersionModel::base();
    let shown = answer(base);
    let decided = |is_one_frame: bool| -> Vec<Decided> {
        let together = library.near.iter().filter(|near| shown[near.a] == shown[near.b] && is_taught(near.a) && is_taught(near.b));
        let of = together.filter(|near| (file(near.a).frame == file(near.b).frame) == is_one_frame);
        of.filter_map(|near| {
            let Compared::Laid(comparison) = near.compared else { return None };
            let members = [near.a, near.b].map(|at| library.members[at].clone());
            Some(Decided { members, comparison, verdict: Verdict::Different, is_known: false })
        })
        .collect()
    };
    let (wrong, right) = (decided(false), decided(true));
    println!("\nFrom {} wrong pairs of three fifths of the scenes. On the others, {DRAWS} draws each:\n", wrong.len());
    println!("| decisions | mistaken | accepted | wrong pairs | right pairs |\n|---|---|---|---|---|");
    let row = |name: String, mistaken: usize, accepted: String, model: &VersionModel| {
        let found = answer(model);
        let judges: Vec<usize> = (0..found.len()).filter(|at| !is_taught(*at)).collect();
        let together = |is_one_frame: bool| {
            let pairs = judges.iter().flat_map(|&a| judges.iter().map(move |&b| (a, b))).filter(|(a, b)| a < b && found[*a] == found[*b]);
            pairs.filter(|(a, b)| (file(*a).frame == file(*b).frame) == is_one_frame).count()
        };
        println!("| {name} | {mistaken} | {accepted} | {} | {} |", together(false), together(true));
    };
    row("none".into(), 0, String::new(), base);
    let groups = groups(&library, &file, &is_taught);
    for every in MISTAKEN_EVERY {
        for draw in 0..DRAWS {
            let mut rng = Rng::with_seed(draw);
            let is_mistaken = |number: usize| every > 0 && number.is_multiple_of(every);
            // A person who errs parts what is one exposure.
            let pick = |number: usize| if is_mistaken(number) { &right } else { &wrong };
            let decided: Vec<Decided> = (0..DECISIONS).map(|number| pick(number)[rng.usize(..pick(number).len())].clone()).collect();
            let (taught, held_out) = groups.split_at(groups.len() / 2);
            let (learnt, judgement) = learn(base, &decided, (taught, held_out), &device(), &|| true);
            let accepted = judgement.refused.map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
            let mistaken = (0..DECISIONS).filter(|number| is_mistaken(*number)).count();
            row(DECISIONS.to_string(), mistaken, accepted, &base.taught(learnt));
        }
    }
}

/// Photos with their versions, and with the other frames near them.
fn groups<'a>(library: &Library, file: &dyn Fn(usize) -> &'a Label, is_taught: &dyn Fn(usize) -> bool) -> Vec<Group> {
    let photos = (0..library.here.len()).filter(|&at| !file(at).is_edit && is_taught(at));
    let group = |photo: usize| {
        let (mut versions, mut others) = (Vec::new(), Vec::new());
        for near in library.near.iter().filter(|near| near.a == photo || near.b == photo) {
            let Compared::Laid(comparison) = near.compared else { continue };
            let (other, comparison) = if near.a == photo { (near.b, comparison) } else { (near.a, comparison.swapped()) };
            let laid = (library.members[other].clone(), Compared::Laid(comparison));
            if file(other).frame == file(photo).frame {
                versions.push(laid);
            } else if !file(other).is_edit {
                others.push(laid);
            }
        }
        (!versions.is_empty()).then(|| Group::new(library.members[photo].clone(), versions, others))
    };
    photos.filter_map(group).collect()
}
