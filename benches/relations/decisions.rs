//! What decisions teach, on scenes that were not decided on.

use fastrand::Rng;
use similard::learn::decisions::{Decided, Group, learn};
use similard::learn::device::device;
use similard::likeness::{Member, Near, VersionModel, are_versions, sources};
use similard::photo::{Compared, Comparison, Verdict};

use super::model::part;
use super::{File, judged};

/// Decisions of a person.
const DECISIONS: usize = 40;

/// How many of them are mistaken: every so many.
const MISTAKEN_EVERY: [usize; 3] = [0, 10, 5];

/// Draws of the decisions.
const DRAWS: u64 = 5;

/// Two files that were laid over each other.
struct Laid<'a> {
    members: [Member; 2],
    comparison: &'a Comparison,
    is_one_frame: bool,
    is_taught: bool,
}

/// Teaches the model of the program decisions on pairs that it takes for versions and that are two frames. The scenes are halved: those of
/// one half are decided on, and those of the other half judge.
pub fn print(files: &[File], members: &[Member], near: &[Near]) {
    let is_taught = |file: &File| part(&file.scene) < 2;
    let mut pairs: Vec<Laid<'_>> = Vec::new();
    for pair in near {
        let Compared::Laid(comparison) = &pair.compared else { continue };
        let (a, b) = (&files[pair.a], &files[pair.b]);
        let members = [members[pair.a].clone(), members[pair.b].clone()];
        pairs.push(Laid { members, comparison, is_one_frame: a.frame == b.frame, is_taught: is_taught(a) && is_taught(b) });
    }
    let base = VersionModel::base();
    let joins = |model: &VersionModel, pair: &&Laid<'_>| are_versions(model, &pair.members[0], &pair.members[1], pair.comparison);
    let of = |is_taught: bool, is_one_frame: bool| {
        pairs.iter().filter(move |pair| (pair.is_taught, pair.is_one_frame) == (is_taught, is_one_frame))
    };
    let joined = |model: &VersionModel, is_one_frame: bool| of(false, is_one_frame).filter(|pair| joins(model, pair)).count();
    let wrong: Vec<&Laid<'_>> = of(true, false).filter(|pair| joins(base, pair)).collect();
    let right: Vec<&Laid<'_>> = of(true, true).filter(|pair| joins(base, pair)).collect();
    println!("\nDecisions on the {} wrong pairs of two fifths of the scenes. On the others, with {} draws each:\n", wrong.len(), DRAWS);
    println!("| decisions | mistaken | accepted | wrong pairs | right pairs | precision | recall | edits on the right frame only |");
    println!("|---|---|---|---|---|---|---|---|");
    let row = |name: String, mistaken: usize, accepted: String, model: &VersionModel| {
        let found = sources(model, members, near);
        let [precision, recall, edits] = judged(files, &found, &|file| !is_taught(file)).map(|share| 100.0 * share);
        println!(
            "| {name} | {mistaken} | {accepted} | {} | {} | {precision:.1} % | {recall:.1} % | {edits:.1} % |",
            joined(model, false),
            joined(model, true)
        );
    };
    row("none".into(), 0, String::new(), base);
    let groups = groups(files, members, near, &is_taught);
    for every in MISTAKEN_EVERY {
        for draw in 0..DRAWS {
            let mut rng = Rng::with_seed(draw);
            let is_mistaken = |number: usize| every > 0 && number.is_multiple_of(every);
            let decided: Vec<Decided> = (0..DECISIONS)
                .map(|number| {
                    // A person who errs parts what is one exposure.
                    let from = if is_mistaken(number) { &right } else { &wrong };
                    let Laid { members, comparison, .. } = from[rng.usize(..from.len())];
                    Decided { members: members.clone(), comparison: **comparison, verdict: Verdict::Different, is_known: false }
                })
                .collect();
            let (taught, held_out) = groups.split_at(groups.len() / 2);
            let (learnt, judgement) = learn(base, &decided, taught, held_out, &device());
            let accepted = judgement.refused.map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
            let mistaken = (0..DECISIONS).filter(|number| is_mistaken(*number)).count();
            row(DECISIONS.to_string(), mistaken, accepted, &base.taught(learnt));
        }
    }
}

/// Frames with their versions, and with the other frames near them.
fn groups(files: &[File], members: &[Member], near: &[Near], is_taught: &dyn Fn(&File) -> bool) -> Vec<Group> {
    let frames = (0..files.len()).filter(|file| !files[*file].is_edit && is_taught(&files[*file]));
    let group = |frame: usize| {
        let (mut versions, mut others) = (Vec::new(), Vec::new());
        for pair in near.iter().filter(|pair| pair.a == frame || pair.b == frame) {
            let Compared::Laid(comparison) = pair.compared else { continue };
            let (other, comparison) = if pair.a == frame { (pair.b, comparison) } else { (pair.a, comparison.swapped()) };
            let laid = (members[other].clone(), Compared::Laid(comparison));
            if files[other].frame == files[frame].frame {
                versions.push(laid);
            } else if !files[other].is_edit {
                others.push(laid);
            }
        }
        (!versions.is_empty()).then(|| Group::new(members[frame].clone(), versions, others))
    };
    frames.filter_map(group).collect()
}
