//! How well frames of one scene, and versions of them, are told apart.
//!
//!     cargo bench --bench relations -- FRAMES [PHOTOS [--photos 200]] [--seed 1] [--every 3] [--write CHOICES] [--decisions] [--witnesses]
//!     cargo bench --bench relations -- FRAMES --choices CHOICES... [--ablate] [--train models/versions.safetensors]
//!
//! FRAMES has a `frames.csv` with the columns file, set and scene, and each of its files is an exposure of its own. Every
//! third one gets six edits of `models/edits.toml`. Then all near pairs are compared, and each photo is given its source: with
//! the EXIF of the frames, which their versions keep, and without any.
//!
//! Printed are: of all pairs of files in one star the share that is of one frame (precision), of all pairs of one frame the
//! share that is in one star (recall), and the share of the edits whose star has their own frame and no other. The frames
//! whose EXIF has a time, and those of a camera on a tripod (brackets and focus stacks), are judged apart as well.
//!
//! The version model that comes with the program has seen these scenes. With choices that an earlier run wrote, the scenes are
//! divided into five parts, and each part is judged with a model that is trained on the other four. Then it is printed how
//! reliable these models are, and with `--ablate` what each input is worth. `--train` writes a model that is trained on all choices.
//! `--decisions` prints what decisions teach. `--witnesses` prints what it costs if one thing that a file says is not known.
//!
//! PHOTOS is a folder of single photos of different things. With a sample of them, files of further kinds are made: pages of one
//! layout and memes of one photo, each with two copies; collages, pages with a photo, and frames of panoramas; the frames as a
//! messenger sends them; photos beside six edits, which have one source; different photos with edits of the table. Each kind is
//! a library of its own, stored and asked as the daemon does it. Printed are the share of the pairs in one star that are of one
//! exposure, and of the pairs of one exposure that are in one star; how often the original is the source, of those that are in a
//! star with a version; the versions that are not in the star of their original; and what pairs of each true relation are said to be.

mod answers;
mod decisions;
mod drawn;
mod kinds;
mod made;
mod model;
// The parts of it that find photos in folders are for other benchmarks.
#[allow(dead_code)]
#[path = "../pictures/mod.rs"]
mod pictures;
mod score;
mod witnesses;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use fastrand::Rng;
use similard::catalog::encoder::Encoder;
use similard::catalog::relations::framed;
use similard::learn::edits::{self, Edit, edits};
use similard::likeness::{
    CropHead, Head, Index, Linear, MAX_PAIR_DISTANCE, Member, Near, PairLimit, THRESHOLD, VersionModel, arrive, compare, normalized,
    sources,
};
use similard::photo::{Capture, Compared, Descriptors, Format, Keypoints, Pair, PhotoId, Picture, PictureIdentity};
use similard::vision::backbone::Backbone;
use similard::vision::decode::{Decoded, decode};
use similard::vision::identify::identify;
use similard::vision::{Limits, kept};

use pictures::{Result, all};

const VERSIONS: usize = 6;

/// The head of the tables of frames.
const HEAD: &str = "| | precision | recall | edits on the right frame only |\n|---|---|---|---|";

/// The first letters of the sets of frames by a camera that stands on a tripod.
const TRIPOD_SETS: [&str; 3] = ["bracket-", "hdrps", "fs-"];

#[derive(Parser)]
#[command(about = "How well frames of one scene, and versions of them, are told apart")]
struct Args {
    /// A folder with frames.csv
    frames: PathBuf,
    /// A folder of single photos of different things, for files of further kinds
    photos: Option<PathBuf>,
    /// So many of them are drawn by the seed
    #[arg(long = "photos", value_name = "N", default_value_t = 200)]
    photo_count: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of this number of frames one gets edits
    #[arg(long, default_value_t = 3)]
    every: usize,
    /// A file for what each photo chooses from
    #[arg(long)]
    write: Option<PathBuf>,
    /// Also teaches decisions on some scenes and judges by the others
    #[arg(long)]
    decisions: bool,
    /// Also takes away each witness in turn
    #[arg(long)]
    witnesses: bool,
    /// Files that earlier runs wrote, to train on
    #[arg(long, num_args = 1..)]
    choices: Vec<PathBuf>,
    /// Also leaves out each input in turn, which takes ten times as long
    #[arg(long, requires = "choices")]
    ablate: bool,
    /// A file for a model that is trained on all choices
    #[arg(long, requires = "choices")]
    train: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// A file to be made: its frame, and the edit with its seed.
type Plan = (usize, Option<(&'static Edit, u64)>);

/// A file of the library.
struct File {
    frame: usize,
    scene: String,
    is_edit: bool,
    picture: Picture,
    member: Member,
    descriptors: Descriptors,
    keypoints: Keypoints,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let rows = rows(&args.frames)?;
    judge_frames(&args, &rows)?;
    let Some(photos) = &args.photos else { return Ok(()) };
    let frame = |row: &Vec<String>| kinds::Frame { path: args.frames.join(&row[0]), scene: row[1..3].join("/") };
    kinds::print(photos, args.photo_count, &rows.iter().map(frame).collect::<Vec<_>>(), args.every, args.seed)
}

/// Reads the table of the frames, without its head.
fn rows(frames: &Path) -> Result<Vec<Vec<String>>> {
    let path = frames.join("frames.csv");
    let table = fs::read_to_string(&path).map_err(|e| format!("{}: {e}: FRAMES is a folder with this table", path.display()))?;
    let rows: Vec<Vec<String>> = table.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    match rows.iter().position(|row| row.len() < 3) {
        Some(at) => Err(format!("{}: line {} lacks a column: file, set and scene are needed", path.display(), at + 2).into()),
        None => Ok(rows),
    }
}

/// Prints how well the frames and their edits are told apart.
fn judge_frames(args: &Args, rows: &[Vec<String>]) -> Result<()> {
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let is_tripod = |frame: usize| TRIPOD_SETS.iter().any(|set| rows[frame][1].starts_with(set));
    let mut random = Rng::with_seed(args.seed);
    let mut plans: Vec<Plan> = Vec::new();
    for frame in 0..names.len() {
        plans.push((frame, None));
        if frame % args.every == 0 {
            plans.extend(random.choose_multiple(edits(), VERSIONS).into_iter().map(|edit| (frame, Some((edit, random.u64(..))))));
        }
    }
    let (backbone, crop_head, head) = (Backbone::embedded()?, CropHead::embedded()?, Head::base()?);
    let parts: Vec<&[Plan]> = plans.chunks(plans.len().div_ceil(8)).collect();
    let files = all(&parts, |part| {
        let mut encoder = Encoder { runner: backbone.runner()?, crop_head: crop_head.clone() };
        part.iter().map(|plan| file(&args.frames, &rows[plan.0], *plan, &mut encoder, &head)).collect::<Result<Vec<File>>>()
    })?;
    let files: Vec<File> = files.into_iter().flatten().collect();
    let pairs = pairs(&files, &head)?;
    let began = Instant::now();
    let near = all(&pairs, |pair| Ok(compared(&files, pair)))?;
    let cores = std::thread::available_parallelism()?.get() as f64;
    println!(
        "{} files, {} near pairs, {:.1} ms to compare a pair on one core\n",
        files.len(),
        near.len(),
        began.elapsed().as_secs_f64() * 1000.0 * cores / near.len() as f64
    );
    if let Some(path) = &args.write {
        model::write(path, &files, &near)?;
    }
    let with: Vec<Member> = files.iter().map(|file| file.member.clone()).collect();
    let without: Vec<Member> = with.iter().map(|member| Member { capture: Capture::default(), ..member.clone() }).collect();
    let has_time = |file: &File| file.member.capture.taken.is_some();
    let on_tripod = |file: &File| is_tripod(file.frame);
    let judge = |find: &dyn Fn(&[Member]) -> Vec<usize>| {
        let [with, without] = [&with, &without].map(|members| find(members));
        println!("{HEAD}");
        print("with the EXIF of the frames", &files, &with, &|_| true);
        print("with EXIF, frames that have a time", &files, &with, &has_time);
        print("with EXIF, a camera on a tripod", &files, &with, &on_tripod);
        print("without EXIF", &files, &without, &|_| true);
        print("without EXIF, a camera on a tripod", &files, &without, &on_tripod);
    };
    println!("With the model of the program, which has seen these scenes:\n");
    judge(&|members| sources(VersionModel::base(), members, &near));
    if args.witnesses {
        without_witnesses(&files, &with, &near);
    }
    if args.decisions {
        let label = |file: &File| decisions::Label { frame: file.frame, scene: file.scene.clone(), is_edit: file.is_edit };
        decisions::print(&files.iter().map(label).collect::<Vec<_>>(), &without, &near);
    }
    if args.choices.is_empty() {
        return Ok(());
    }
    let all = model::read(&args.choices)?;
    let models = |left_out| -> Vec<Linear> {
        (0..model::SCENE_PARTS).map(|part| model::taught(&all, left_out, |scene| model::part(scene) != part)).collect()
    };
    let unseen = models(None);
    let by_parts = |models: &[Linear], members: &[Member]| -> Vec<usize> {
        let found: Vec<Vec<usize>> = models.iter().map(|model| sources(&VersionModel::new(model.clone()), members, &near)).collect();
        files.iter().enumerate().map(|(at, file)| found[model::part(&file.scene)][at]).collect()
    };
    println!("\nWith models that have not seen the scene:\n");
    judge(&|members| by_parts(&unseen, members));
    println!("\n{}", model::reliability(&all, &unseen));
    if args.ablate {
        println!("Without one input, and without EXIF:\n\n{HEAD}");
        for (input, name) in model::names() {
            print(name, &files, &by_parts(&models(Some(input)), &without), &|_| true);
        }
    }
    if let Some(path) = &args.train {
        fs::write(path, model::taught(&all, None, |_| true).to_safetensors())?;
    }
    Ok(())
}

/// Prints what it costs to take away one thing that files say, with the rest of the EXIF of the frames.
fn without_witnesses(files: &[File], members: &[Member], near: &[Near]) {
    println!("\nWithout one witness, with the rest of the EXIF of the frames:\n\n{HEAD}");
    for (name, take) in witnesses::ALL {
        let mut members = members.to_vec();
        members.iter_mut().for_each(take);
        print(name, files, &sources(VersionModel::base(), &members, near), &|_| true);
    }
}

fn print(name: &str, files: &[File], sources: &[usize], counts: &dyn Fn(&File) -> bool) {
    let [precision, recall, right] = judged(files, sources, counts).map(|share| 100.0 * share);
    println!("| {name} | {precision:.1} % | {recall:.1} % | {right:.1} % |");
}

fn file(frames: &Path, row: &[String], (frame, edit): Plan, encoder: &mut Encoder, head: &Head) -> Result<File> {
    let path = &frames.join(&row[0]);
    let decoded = |bytes: &[u8]| -> Result<Decoded> { Ok(decode(bytes, &Limits::default()).map_err(|f| f.to_string())?) };
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let original = decoded(&bytes)?;
    let bytes = match edit {
        None => bytes,
        Some((edit, seed)) => edits::jpeg(&edit.apply(&original.picture, seed), edits::EDITED_JPEG_QUALITY),
    };
    let identity = identify(&bytes, &Limits::default()).map_err(|f| f.to_string())?.picture;
    let picture = kept::picture(&kept::keep(&decoded(&bytes)?.picture, Format::Jpeg))?;
    let stored = encoder.encode(&picture)?;
    let PictureIdentity { picture: hash, dimensions, format, quantisation } = identity;
    // Without names, which would tell the frame of an edit.
    let member = Member { picture: hash, dimensions, format, quantisation, capture: original.capture, names: Vec::new() };
    let descriptors = Descriptors { embedding: head.embed(&stored.features), crops: stored.crops };
    let scene = row[1..3].join("/");
    Ok(File { frame, scene, is_edit: edit.is_some(), picture, member, descriptors, keypoints: stored.keypoints })
}

/// The pairs within the threshold.
fn pairs(files: &[File], head: &Head) -> Result<Vec<Pair>> {
    let new: Vec<(PhotoId, Descriptors)> = (0..).map(PhotoId).zip(files.iter().map(|file| file.descriptors.clone())).collect();
    let keypoints: HashMap<PhotoId, Keypoints> = (0..).map(PhotoId).zip(files.iter().map(|file| file.keypoints.clone())).collect();
    let arrival = arrive(&Index::new(head.dimensions()), &new, PairLimit::up_to(MAX_PAIR_DISTANCE), |_| Ok::<_, Infallible>(keypoints))?;
    let mut density = vec![0.0; files.len()];
    for (photo, found) in &arrival.densities {
        density[photo.0 as usize] = found.mean_similarity;
    }
    let of = |photo: PhotoId| density[photo.0 as usize];
    Ok(arrival.pairs.into_iter().filter(|pair| normalized(pair.distance, of(pair.a), of(pair.b)) <= THRESHOLD).collect())
}

fn compared(files: &[File], pair: &Pair) -> Near {
    let [a, b] = [pair.a, pair.b].map(|photo| photo.0 as usize);
    let framed = |file: usize| framed(&files[file].picture, &files[file].keypoints);
    let compared = compare(framed(a), framed(b)).map_or(Compared::Apart, Compared::Laid);
    Near { a, b, distance: pair.distance, compared }
}

/// Precision and recall of the pairs of files in one star, and the share of the edits that are in the star of their frame and
/// of no other. Only files that count are judged.
fn judged(files: &[File], sources: &[usize], counts: &dyn Fn(&File) -> bool) -> [f64; 3] {
    let (mut together, mut right, mut of_one_frame) = (0, 0, 0);
    let counted: Vec<usize> = (0..files.len()).filter(|file| counts(&files[*file])).collect();
    for (at, &a) in counted.iter().enumerate() {
        for &b in &counted[..at] {
            let (is_together, is_one) = (sources[a] == sources[b], files[a].frame == files[b].frame);
            together += usize::from(is_together);
            of_one_frame += usize::from(is_one);
            right += usize::from(is_together && is_one);
        }
    }
    let is_right = |edit: usize| {
        let frames = (0..files.len()).filter(|other| !files[*other].is_edit && sources[*other] == sources[edit]);
        frames.map(|other| files[other].frame).eq([files[edit].frame])
    };
    let edits: Vec<usize> = counted.iter().copied().filter(|file| files[*file].is_edit).collect();
    let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    let right_edits = edits.iter().filter(|edit| is_right(**edit)).count();
    [share(right, together), share(right, of_one_frame), share(right_edits, edits.len())]
}
