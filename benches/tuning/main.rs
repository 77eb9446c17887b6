//! The gain of tuning on a library, on photos of that library that neither the training nor the acceptance test saw:
//! with several seeds, with right and wrong decisions, with folders, and with each backend of Burn.
//!
//!     cargo bench --bench tuning -- --library leaves=PHOTOS/leaves --library mixed=PHOTOS --folders SORTED
//!
//! Half of the photos of a library, with six edited versions each, are for tuning. The other half is the test.

#[path = "../pictures/mod.rs"]
mod pictures;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use fastrand::Rng;
use similard::learn::acceptance::{Decided, HeldOut, Judgement};
use similard::learn::device::{device, devices};
use similard::learn::edits::{Edit, edits};
use similard::learn::evaluation::Ranking;
use similard::learn::folders::{LabelledSet, Precision};
use similard::learn::library::Member;
use similard::learn::training::{Next, Step, TrainingParameters, train};
use similard::learn::training_set::TrainingSet;
use similard::learn::tuning::{TuningData, tune};
use similard::likeness::{Head, Index, MAX_PAIR_DISTANCE, THRESHOLD, cosine_distance, densities, global_only, normalized};
use similard::photo::{Descriptors, Distance, Features, PhotoId, Picture, Verdict};
use similard::vision::backbone::{Backbone, Runner};

use pictures::{Result, all, photos, picture};

const VERSIONS: usize = 6;

#[derive(Parser)]
#[command(about = "Measures the gain of tuning on photos that the tuning did not see")]
struct Args {
    /// A library: NAME=FOLDER, or NAME=FILE of paths
    #[arg(long, value_name = "NAME=PATH")]
    library: Vec<String>,
    /// A folder that contains folders, each with one kind of photo
    #[arg(long, value_name = "FOLDER")]
    folders: Option<PathBuf>,
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// The number of photos of a library to use
    #[arg(long, default_value_t = 600)]
    photos: usize,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// The features of a photo and of its edited versions.
struct Photo {
    own: Features,
    versions: Vec<(&'static Edit, Features)>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    for library in &args.library {
        let (name, path) = library.split_once('=').ok_or("--library takes NAME=PATH")?;
        let path = PathBuf::from(path);
        let paths = if path.is_dir() { photos(&[path], &[])? } else { photos(&[], &[path])? };
        let mut paths = paths;
        Rng::with_seed(1).shuffle(&mut paths);
        paths.truncate(args.photos);
        let start = Instant::now();
        let photos = featured(&paths)?;
        let seconds = start.elapsed().as_secs_f64();
        println!("\n## {name}: {} photos, {VERSIONS} versions each, made in {seconds:.0} s on all cores\n", photos.len());
        gains(&photos, args.seeds)?;
        decisions(&photos, args.seeds)?;
        backends(&photos)?;
    }
    if let Some(folder) = &args.folders {
        folders(folder, args.seeds)?;
    }
    Ok(())
}

/// The backbone, for all threads.
struct Encoder {
    backbone: Backbone,
    idle: Mutex<Vec<Runner>>,
}

impl Encoder {
    fn new() -> Result<Encoder> {
        Ok(Encoder { backbone: Backbone::embedded()?, idle: Mutex::default() })
    }

    fn features(&self, picture: &Picture) -> Result<Features> {
        let kept = self.idle.lock().expect("no panic").pop();
        let mut runner = kept.map_or_else(|| self.backbone.runner(), Ok)?;
        let features = runner.features(picture)?;
        self.idle.lock().expect("no panic").push(runner);
        Ok(features)
    }
}

fn featured(paths: &[PathBuf]) -> Result<Vec<Photo>> {
    let encoder = Encoder::new()?;
    let numbered: Vec<(usize, &PathBuf)> = paths.iter().enumerate().collect();
    all(&numbered, |(number, path)| {
        let picture = picture(path)?;
        let mut rng = Rng::with_seed(*number as u64);
        let own = encoder.features(&picture)?;
        let chosen = rng.choose_multiple(edits(), VERSIONS);
        let mut version = |edit: &'static Edit| Ok((edit, encoder.features(&edit.version(&picture, rng.u64(..)))?));
        Ok(Photo { own, versions: chosen.into_iter().map(&mut version).collect::<Result<_>>()? })
    })
}

fn go_on(_: Step, _: &dyn Fn() -> Head) -> Next {
    Next::GoOn
}

/// Half of the photos for tuning, some of which are held out for the acceptance test, and half for the test.
struct Split<'a> {
    taught: Vec<&'a Photo>,
    judged: Vec<&'a Photo>,
    test: Vec<&'a Photo>,
}

fn split(photos: &[Photo], seed: u64) -> Split<'_> {
    let mut order: Vec<&Photo> = photos.iter().collect();
    Rng::with_seed(seed).shuffle(&mut order);
    let test = order.split_off(order.len() / 2);
    let judged = order.split_off(order.len() * 7 / 10);
    Split { taught: order, judged, test }
}

/// Pairs of different photos that the base head would call versions. They are undecided.
fn near(photos: &[&Photo], head: &Head) -> HashSet<(usize, usize)> {
    let seen = Seen::new(head, &photos.iter().map(|p| &p.own).collect::<Vec<_>>());
    let pairs = (0..photos.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    pairs.filter(|&(a, b)| seen.distance(a, b) <= MAX_PAIR_DISTANCE).collect()
}

/// A decision on two photos of the training set.
type Word = (usize, usize, Verdict);

fn training_set(taught: &[&Photo], near: &HashSet<(usize, usize)>, words: &[Word]) -> TrainingSet {
    let mut class: Vec<usize> = (0..taught.len()).collect();
    for &(a, b, verdict) in words {
        if verdict == Verdict::Same {
            let (keep, drop) = (class[a], class[b]);
            class.iter_mut().filter(|c| **c == drop).for_each(|c| *c = keep);
        }
    }
    let mut members: HashMap<usize, Vec<Features>> = HashMap::new();
    let mut order = Vec::new();
    for (photo, &class) in taught.iter().zip(&class) {
        let views = [&photo.own].into_iter().chain(photo.versions.iter().map(|(_, f)| f)).cloned();
        members
            .entry(class)
            .or_insert_with(|| {
                order.push(class);
                Vec::new()
            })
            .extend(views);
    }
    let mut training_set = TrainingSet::default();
    let numbers: HashMap<usize, usize> = order.into_iter().map(|c| (c, training_set.add(members.remove(&c).expect("once")))).collect();
    let number = |photo: usize| numbers[&class[photo]];
    near.iter().filter(|(a, b)| number(*a) != number(*b)).for_each(|&(a, b)| training_set.undecided(number(a), number(b)));
    let different = words.iter().filter(|(a, b, v)| *v == Verdict::Different && number(*a) != number(*b));
    different.for_each(|&(a, b, _)| training_set.different(number(a), number(b)));
    training_set
}

fn held_out(photos: &[&Photo], near: &HashSet<(usize, usize)>) -> HeldOut {
    let mut held_out = HeldOut::default();
    for photo in photos {
        held_out.add(photo.own.clone(), photo.versions.iter().cloned());
    }
    near.iter().for_each(|&(a, b)| held_out.undecided(a, b));
    held_out
}

/// Pictures with the embeddings of a head, and the densities among them.
struct Seen {
    descriptors: Vec<(PhotoId, Descriptors)>,
    mean_similarities: Vec<f32>,
}

impl Seen {
    fn new(head: &Head, features: &[&Features]) -> Seen {
        let descriptors: Vec<(PhotoId, Descriptors)> =
            (1..).map(PhotoId).zip(features.iter().map(|f| global_only(head.embed(f)))).collect();
        let all = descriptors.iter().map(|(photo, _)| *photo).collect();
        let mean_similarities =
            densities(&Index::new(head.dimensions()), &descriptors, &all).into_iter().map(|(_, density)| density.mean_similarity).collect();
        Seen { descriptors, mean_similarities }
    }

    fn distance(&self, a: usize, b: usize) -> Distance {
        normalized(
            cosine_distance(&self.descriptors[a].1.embedding.0, &self.descriptors[b].1.embedding.0),
            self.mean_similarities[a],
            self.mean_similarities[b],
        )
    }
}

/// The results on all pairs of test photos: recall at a precision of 99.9 % and 99 %, average precision, and at a
/// threshold the share of versions found and the number of different photos joined.
struct Tested {
    recall: f64,
    at_99: f64,
    average_precision: f64,
    found: f64,
    false_pairs: f64,
}

fn test(photos: &[&Photo], head: &Head, threshold: Distance) -> Tested {
    let (mut members, mut features) = (Vec::new(), Vec::new());
    for (number, photo) in photos.iter().enumerate() {
        let member = |edit| Member { photo: number, edit, has_versions: true, jpeg: Vec::new() };
        members.push(member(None));
        features.push(&photo.own);
        members.extend(photo.versions.iter().map(|(edit, _)| member(Some(edit))));
        features.extend(photo.versions.iter().map(|(_, f)| f));
    }
    let seen = Seen::new(head, &features);
    let ranking = Ranking::new(&members, |a, b| seen.distance(a, b));
    let figures = ranking.figures();
    let found: usize = ranking.found(threshold).values().map(|(found, _)| found).sum();
    let different: HashSet<(usize, usize)> = ranking
        .false_pairs(threshold)
        .map(|(_, a, b)| (members[a].photo.min(members[b].photo), members[a].photo.max(members[b].photo)))
        .collect();
    Tested {
        recall: 100.0 * figures.at_999.recall,
        at_99: 100.0 * figures.at_99.recall,
        average_precision: 100.0 * figures.average_precision,
        found: 100.0 * found as f64 / (members.len() - photos.len()) as f64,
        false_pairs: different.len() as f64,
    }
}

/// Mean and standard deviation.
fn spread(values: &[f64]) -> String {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1).max(1) as f64;
    format!("{mean:.1} ± {:.1}", square.sqrt())
}

fn line(name: &str, tested: &[Tested], threshold: &str, used: &str) {
    let of = |figure: fn(&Tested) -> f64| spread(&tested.iter().map(figure).collect::<Vec<_>>());
    println!(
        "| {name} | {} | {} | {} | {threshold} | {} | {} | {used} |",
        of(|t| t.recall),
        of(|t| t.at_99),
        of(|t| t.average_precision),
        of(|t| t.found),
        of(|t| t.false_pairs)
    );
}

fn header() {
    println!("| | recall at 99.9 % | at 99 % | average precision | threshold | versions found | different photos joined | used |");
    println!("|---|---|---|---|---|---|---|---|");
}

/// A tuning with its acceptance test, as in the daemon.
fn tuned(split: &Split<'_>, words: &[Word], seed: u64) -> Result<(Head, Judgement)> {
    let base = Head::base()?;
    let near_taught = near(&split.taught, &base);
    let word = |&(a, b, verdict): &Word| Decided { a: split.taught[a].own.clone(), b: split.taught[b].own.clone(), verdict };
    let tuning_data = TuningData {
        with_decisions: training_set(&split.taught, &near_taught, words),
        without_decisions: training_set(&split.taught, &near_taught, &[]),
        held_out: held_out(&split.judged, &near(&split.judged, &base)),
        background: split.taught.iter().chain(&split.judged).map(|p| p.own.clone()).collect(),
        decided: words.iter().map(word).collect(),
    };
    let parameters = TrainingParameters { seed, ..TrainingParameters::default() };
    Ok(tune((&base, THRESHOLD), "tuned", &tuning_data, &parameters, &device(), MAX_PAIR_DISTANCE, go_on)?)
}

fn gains(photos: &[Photo], seeds: u64) -> Result<()> {
    let base = Head::base()?;
    let (mut before, mut same, mut matched, mut outcome) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut thresholds, mut used, mut seconds) = (Vec::new(), 0, Vec::new());
    for seed in 1..=seeds {
        let split = split(photos, seed);
        let start = Instant::now();
        let (head, judgement) = tuned(&split, &[], seed)?;
        seconds.push(start.elapsed().as_secs_f64());
        thresholds.push(f64::from(judgement.threshold));
        before.push(test(&split.test, &base, THRESHOLD));
        same.push(test(&split.test, &head, THRESHOLD));
        matched.push(test(&split.test, &head, judgement.threshold));
        let is_used = judgement.refused.is_none();
        used += u64::from(is_used);
        outcome.push(if is_used { test(&split.test, &head, judgement.threshold) } else { test(&split.test, &base, THRESHOLD) });
        if let Some(reason) = judgement.refused {
            println!("seed {seed}: refused, {reason}");
        }
    }
    let pairs = split(photos, 1).test.len() * (VERSIONS + 1) * VERSIONS / 2;
    println!("{pairs} true pairs among the test photos; training and acceptance test took {} s\n", spread(&seconds));
    let mean = format!("{:.3}", thresholds.iter().sum::<f64>() / thresholds.len() as f64);
    header();
    line("base", &before, &format!("{THRESHOLD}"), "");
    line("tuned", &same, &format!("{THRESHOLD}"), "");
    line("tuned and calibrated", &matched, &mean, &format!("{used} of {seeds}"));
    line("what is in use then", &outcome, "", "");
    Ok(())
}

/// Pairs of different photos that a head joins by any of their versions, at distances that are not normalised.
fn joined(photos: &[&Photo], head: &Head, threshold: Distance) -> HashSet<(usize, usize)> {
    let (mut index, mut views, mut of) = (Index::new(head.dimensions()), Vec::new(), Vec::new());
    for (number, photo) in photos.iter().enumerate() {
        for features in [&photo.own].into_iter().chain(photo.versions.iter().map(|(_, f)| f)) {
            views.push(global_only(head.embed(features)));
            of.push(number);
            index.add(PhotoId(of.len() as i64 - 1), &views[of.len() - 1]);
        }
    }
    let near = index.within(&views, threshold).into_iter().map(|(query, view, _)| (of[query], of[view.0 as usize]));
    near.filter(|(a, b)| a < b).collect()
}

/// Decisions on some of these pairs, a share of them wrong.
fn words(joined: &HashSet<(usize, usize)>, count: usize, wrong: f64, seed: u64) -> Vec<Word> {
    let mut rng = Rng::with_seed(seed);
    let mut pairs: Vec<(usize, usize)> = joined.iter().copied().collect();
    pairs.sort_unstable();
    let chosen = rng.choose_multiple(pairs, count);
    chosen.into_iter().map(|(a, b)| (a, b, if rng.f64() < wrong { Verdict::Same } else { Verdict::Different })).collect()
}

fn decisions(photos: &[Photo], seeds: u64) -> Result<()> {
    println!("\ndecisions on 40 pairs of different photos that the base head joins at {THRESHOLD}, not normalised, some of them wrong:\n");
    header();
    let base = Head::base()?;
    let mut notes = Vec::new();
    for (name, count, wrong) in [("no decision", 0, 0.0), ("40 right", 40, 0.0), ("30 % wrong", 40, 0.3), ("all wrong", 40, 1.0)] {
        let (mut tested, mut in_use, mut used, mut worse) = (Vec::new(), Vec::new(), 0, 0);
        let (mut taught, mut others, mut thresholds) = ((0, 0), (0, 0), Vec::new());
        for seed in 1..=seeds {
            let split = split(photos, seed);
            let wrongly = joined(&split.taught, &base, THRESHOLD);
            let words = words(&wrongly, count, wrong, seed);
            let (head, judgement) = tuned(&split, &words, seed)?;
            thresholds.push(f64::from(judgement.threshold));
            tested.push(test(&split.test, &head, judgement.threshold));
            let before = test(&split.test, &base, THRESHOLD);
            let is_used = judgement.refused.is_none();
            used += u64::from(is_used);
            let now = if is_used { test(&split.test, &head, judgement.threshold) } else { test(&split.test, &base, THRESHOLD) };
            worse += u64::from(now.found < before.found);
            in_use.push(now);
            let decided: HashSet<(usize, usize)> = words.iter().map(|(a, b, _)| (*a, *b)).collect();
            let still = joined(&split.taught, &head, judgement.threshold);
            taught.0 += wrongly.difference(&decided).count();
            taught.1 += wrongly.difference(&decided).filter(|pair| still.contains(pair)).count();
            let (was, is) = (joined(&split.test, &base, THRESHOLD), joined(&split.test, &head, judgement.threshold));
            others.0 += was.len();
            others.1 += is.len();
        }
        let mean = format!("{:.3}", thresholds.iter().sum::<f64>() / thresholds.len() as f64);
        line(name, &tested, &mean, &format!("{used} of {seeds}"));
        line(&format!("{name}, in use then"), &in_use, "", &format!("finds less than the base head in {worse}"));
        notes.push(format!(
            "{name}: of {} undecided wrong pairs of taught photos {} are left; of test photos there are {} for {}",
            taught.0, taught.1, others.1, others.0
        ));
    }
    println!();
    notes.iter().for_each(|note| println!("{note}"));
    // Only ten photos, and photos that are all the same.
    let ten: Vec<&Photo> = photos.iter().take(10).collect();
    let few =
        train(&Head::base()?, "few", &training_set(&ten, &HashSet::new(), &[]), &TrainingParameters::default(), &device(), &mut go_on);
    println!("\nten photos: {}", few.err().map_or_else(|| "tuned".into(), |e| e.to_string()));
    let alike: Vec<&Photo> = std::iter::repeat_n(&photos[0], 80).collect();
    let split = Split { taught: alike[..60].to_vec(), judged: alike[60..].to_vec(), test: Vec::new() };
    let (_, judgement) = tuned(&split, &[], 1)?;
    println!("one photo eighty times: {}", judgement.refused.unwrap_or_else(|| "used".into()));
    Ok(())
}

/// Runs the backends of Burn on the same batches.
fn backends(photos: &[Photo]) -> Result<()> {
    let base = Head::base()?;
    let taught: Vec<&Photo> = photos.iter().collect();
    let training_set = training_set(&taught, &HashSet::new(), &[]);
    println!("\nbackends of this build (--features ndarray adds one), the first is used; 50 steps of 128 views:\n");
    println!("| backend | steps a second | loss at step 50 |\n|---|---|---|");
    for (name, device) in devices() {
        for _ in 0..3 {
            let start = Instant::now();
            let mut last = 0.0;
            train(
                &base,
                name,
                &training_set,
                &TrainingParameters { steps: 50, ..TrainingParameters::default() },
                &device,
                &mut |step: Step, _: &dyn Fn() -> Head| {
                    last = step.loss;
                    Next::GoOn
                },
            )?;
            println!("| {name} | {:.1} | {last:.6} |", 50.0 / start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

/// Folders as positives: new photos of folders in the training set, and folders outside of it.
fn folders(root: &std::path::Path, seeds: u64) -> Result<()> {
    let mut folders: Vec<Vec<Features>> = Vec::new();
    let mut names: Vec<PathBuf> = std::fs::read_dir(root)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    names.sort();
    let encoder = Encoder::new()?;
    for name in names.iter().filter(|name| name.is_dir()) {
        let Ok(paths) = photos(std::slice::from_ref(name), &[]) else { continue };
        if paths.len() >= 8 {
            folders.push(all(&paths, |path| encoder.features(&picture(path)?))?);
        }
    }
    println!("\n## folders: {} of {} photos\n", folders.len(), folders.iter().map(Vec::len).sum::<usize>());
    println!("| of the 10 nearest photos in the same folder, % | base | tuned | used |\n|---|---|---|---|");
    let base = Head::base()?;
    let (mut shown, mut unseen, mut used) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()), 0);
    for seed in 1..=seeds {
        let mut order: Vec<usize> = (0..folders.len()).collect();
        Rng::with_seed(seed).shuffle(&mut order);
        let new = order.split_off(order.len() * 3 / 4);
        let (mut training_set, mut held_out_set, mut known) = (TrainingSet::default(), LabelledSet::new(), LabelledSet::new());
        for &folder in &order {
            let (held_out, taught): (Vec<_>, Vec<_>) = folders[folder].iter().cloned().enumerate().partition(|(place, _)| place % 4 == 0);
            known.extend(taught.iter().map(|(_, f)| (folder, f.clone())));
            training_set.add(taught.into_iter().map(|(_, f)| f).collect());
            held_out_set.extend(held_out.into_iter().map(|(_, f)| (folder, f)));
        }
        let strange: LabelledSet = new.iter().flat_map(|&folder| folders[folder].iter().map(move |f| (folder, f.clone()))).collect();
        let head =
            train(&base, "folders", &training_set, &TrainingParameters { seed, ..TrainingParameters::folders() }, &device(), &mut go_on)?;
        let (before, after) = (Precision::of(&base, &held_out_set, &known), Precision::of(&head, &held_out_set, &known));
        shown.0.push(100.0 * before.mean());
        shown.1.push(100.0 * after.mean());
        used += u64::from(after.refused(&before).is_none());
        let percent = |head: &Head| 100.0 * Precision::of(head, &strange, &LabelledSet::new()).mean();
        unseen.0.push(percent(&base));
        unseen.1.push(percent(&head));
    }
    println!("| new photos of folders that were shown | {} | {} | {used} of {seeds} |", spread(&shown.0), spread(&shown.1));
    println!("| folders that were not shown | {} | {} | |", spread(&unseen.0), spread(&unseen.1));
    Ok(())
}
