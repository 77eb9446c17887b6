//! Training and judging the version model.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use similard::learn::device::device;
use similard::learn::versions::{Candidate, Choice, VERSION_DECAY, train, untrained};
use similard::likeness::{INPUTS, Inputs, Kind, Linear, Near, inputs, kind};
use similard::photo::Compared;

use super::{File, Result};

/// The number of parts into which the scenes are divided. What is judged has the model that was trained on the other parts.
pub const SCENE_PARTS: usize = 5;

/// The names of the inputs, in their order.
const NAMES: [&str; INPUTS] =
    ["fine grid", "coarse grid", "overlap", "worst spot", "colours", "turn", "brightness", "contrast", "compression"];

/// What the photos of one scene choose from.
pub struct Taught {
    scene: String,
    choice: Choice,
}

/// Returns the part of a scene.
pub fn part(scene: &str) -> usize {
    scene.bytes().fold(0, |sum, byte| (31 * sum + usize::from(byte)) % 10_007) % SCENE_PARTS
}

/// Writes what each photo chooses from: a line for each photo that may be its source, in the order of the photos that choose.
pub fn write(path: &Path, files: &[File], near: &[Near]) -> Result<()> {
    let mut content = vec![1.0; files.len()];
    for pair in near {
        if let Compared::Laid(comparison) = &pair.compared {
            [content[pair.a], content[pair.b]] = comparison.content;
        }
    }
    let rank = |file: usize| {
        let member = &files[file].member;
        (member.dimensions.pixels() as f64 * content[file], std::cmp::Reverse(member.quantisation), file)
    };
    let mut rows = Vec::new();
    for pair in near {
        let Compared::Laid(comparison) = &pair.compared else { continue };
        let (chooses, chosen) = if rank(pair.a) < rank(pair.b) { (pair.a, pair.b) } else { (pair.b, pair.a) };
        let (a, b) = (&files[pair.a], &files[pair.b]);
        let values = inputs(&a.member, &b.member, comparison).map(|value| value.to_string()).join(",");
        let (kind, is_right) = (kind(&a.member, &b.member, comparison) as usize, u8::from(a.frame == b.frame));
        rows.push((chooses, format!("{},{chooses},{chosen},{kind},{is_right},{values}\n", files[chooses].scene)));
    }
    rows.sort();
    let lines: String = rows.into_iter().map(|(_, line)| line).collect();
    Ok(fs::write(path, format!("scene,photo,source,kind,is_right,{}\n{lines}", NAMES.map(|name| name.replace(' ', "_")).join(",")))?)
}

/// Reads what [`write`] wrote, from several files.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Taught>> {
    let mut all: Vec<Taught> = Vec::new();
    for path in paths {
        let mut last = String::new();
        for line in fs::read_to_string(path)?.lines().skip(1) {
            let columns: Vec<&str> = line.split(',').collect();
            let values: Vec<f32> = columns[5..].iter().map(|value| value.parse()).collect::<std::result::Result<_, _>>()?;
            let inputs: Inputs = values.try_into().map_err(|_| format!("{line}: not {INPUTS} inputs"))?;
            let candidate = Candidate { kind: Kind::ALL[columns[3].parse::<usize>()?], inputs, is_right: columns[4] == "1" };
            if columns[1] == last {
                all.last_mut().expect("the line before").choice.push(candidate);
            } else {
                all.push(Taught { scene: columns[0].to_owned(), choice: vec![candidate] });
                columns[1].clone_into(&mut last);
            }
        }
    }
    Ok(all)
}

/// Trains a model on all choices whose scene counts. An input that is left out is always 0.
pub fn taught(all: &[Taught], left_out: Option<usize>, counts: impl Fn(&str) -> bool) -> Linear {
    let without = |mut candidate: Candidate| {
        left_out.into_iter().for_each(|input| candidate.inputs[input] = 0.0);
        candidate
    };
    let counted = all.iter().filter(|taught| counts(&taught.scene));
    let choices: Vec<Choice> = counted.map(|taught| taught.choice.iter().copied().map(without).collect()).collect();
    train(&untrained(&choices), &choices, VERSION_DECAY, &device())
}

/// Returns how often a photo of which the model says so has its source among the candidates, by what it says. Each model judges the
/// part that it was not trained on.
pub fn reliability(all: &[Taught], models: &[Linear]) -> String {
    const BOUNDS: [f32; 7] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0];
    let mut bins = [(0usize, 0.0f32, 0usize); BOUNDS.len() - 1];
    for Taught { scene, choice } in all {
        let odds: f32 = choice.iter().map(|candidate| models[part(scene)].score(candidate.kind, &candidate.inputs).exp()).sum();
        let share = odds / (1.0 + odds);
        let bin = &mut bins[BOUNDS.iter().rposition(|bound| share >= *bound).unwrap_or(0).min(BOUNDS.len() - 2)];
        *bin = (bin.0 + 1, bin.1 + share, bin.2 + usize::from(choice.iter().any(|candidate| candidate.is_right)));
    }
    let mut table = "| the model says | photos | on average | have a source |\n|---|---|---|---|\n".to_owned();
    for (at, (count, sum, right)) in bins.iter().enumerate() {
        let percent = |share: f32| 100.0 * share / (*count).max(1) as f32;
        let (from, to) = (100.0 * BOUNDS[at], 100.0 * BOUNDS[at + 1]);
        let _ = writeln!(table, "| {from:.0} to {to:.0} % | {count} | {:.0} % | {:.0} % |", percent(*sum), percent(*right as f32));
    }
    table
}

/// The names of the inputs with their positions.
pub fn names() -> impl Iterator<Item = (usize, &'static str)> {
    NAMES.into_iter().enumerate()
}
