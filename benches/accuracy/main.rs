//! How well the encoder separates versions of a photo from other photos, on any folder of photos, compared with pHash,
//! PDQ and other encoders on the same pairs.
//!
//!     cargo bench --bench accuracy -- PHOTOS --look-alikes PHOTOS/leaves
//!
//! PHOTOS are folders and files. Some of the photos are drawn as originals. The edits of `models/edits.toml` make
//! versions of them, saved as JPEG. Then all pairs of the library are ranked by distance. `--help` lists the options.

mod methods;
mod pdq;
#[path = "../pictures/mod.rs"]
mod pictures;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use similard::learn::evaluation::{Ranking, RankingFigures};
use similard::learn::library::{self, Member};
use similard::likeness::THRESHOLD;
use similard::photo::Distance;

use methods::Method;
use pictures::{Result, all, photos, picture};

#[derive(Parser)]
#[command(about = "Average precision and recall of the encoder on a library made from PHOTOS, compared with hashes and other encoders")]
struct Args {
    /// Folders and files of photos that the encoder was not trained on
    photos: Vec<PathBuf>,
    /// A file with the path of a photo on each line
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
    /// Photos in this folder look alike without being versions; also report figures without them
    #[arg(long, value_name = "FOLDER")]
    look_alikes: Vec<PathBuf>,
    /// A folder of frames of one scene, ordered by name; also report the distances of neighbours
    #[arg(long, value_name = "FOLDER")]
    frames: Vec<PathBuf>,
    /// The number of photos that get versions
    #[arg(long, default_value_t = 240)]
    originals: usize,
    /// The number of versions of each
    #[arg(long, default_value_t = 6)]
    versions: usize,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Another encoder, compared by cosine: COMMAND gets the path of a file with the path of a JPEG on each line, and
    /// prints a line of numbers for each
    #[arg(long, value_name = "NAME=COMMAND")]
    peer: Vec<String>,
    /// Write the library to this folder, as JPEG files and library.csv
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Leave out pHash and PDQ
    #[arg(long)]
    no_hashes: bool,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let paths = photos(&args.photos, &args.from)?;
    let pictures = all(&paths, |path| picture(path))?;
    let plans = library::plan(pictures.len(), args.originals.min(pictures.len()), args.versions, args.seed);
    let members = all(&plans, |plan| Ok(plan.make(&pictures[plan.photo])))?;
    let alike: Vec<bool> = paths.iter().map(|p| args.look_alikes.iter().any(|folder| p.starts_with(folder))).collect();
    println!(
        "{} pictures: {} originals × {} of {} edits, {} other photos; {} look-alikes among the photos",
        members.len(),
        args.originals.min(pictures.len()),
        args.versions,
        similard::learn::edits::edits().len(),
        pictures.len() - args.originals.min(pictures.len()),
        alike.iter().filter(|a| **a).count(),
    );
    let kept = tempfile::tempdir()?;
    let folder = args.write.as_deref().unwrap_or(kept.path());
    if args.write.is_some() || !args.peer.is_empty() {
        write(folder, &paths, &members)?;
    }

    let mut methods = Vec::from(Method::ours(&members)?);
    for peer in &args.peer {
        methods.push(Method::peer(peer, folder, members.len())?);
    }
    if !args.no_hashes {
        methods.push(Method::pdq(&members)?);
        methods.push(Method::phash(&members)?);
    }
    for method in &methods {
        println!("{}: {:.1} ms a picture, {}", method.name, method.milliseconds, method.measured);
    }
    report("all pairs", &members, &members, &methods, &paths);
    if alike.contains(&true) {
        let others: Vec<Member> = members.iter().filter(|m| !alike[m.photo]).cloned().collect();
        report("without the look-alikes", &others, &members, &methods, &paths);
    }
    for folder in &args.frames {
        frames(folder, &members)?;
    }
    Ok(())
}

fn write(folder: &Path, paths: &[PathBuf], members: &[Member]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let (mut table, mut list) = (String::from("file,photo,group,edit\n"), String::new());
    for (number, member) in members.iter().enumerate() {
        let file = folder.join(format!("{number:05}.jpg"));
        fs::write(&file, &member.jpeg)?;
        let group = if member.has_versions { member.photo as i64 } else { -1 };
        let edit = member.edit.map_or("", |e| e.name.as_str());
        table += &format!("{number:05}.jpg,{},{group},{edit}\n", paths[member.photo].display());
        list += &format!("{}\n", file.display());
    }
    fs::write(folder.join("library.csv"), table)?;
    Ok(fs::write(folder.join("list.txt"), list)?)
}

/// Prints the tables for `members`, a part of the `library` that the methods were given.
fn report(title: &str, members: &[Member], library: &[Member], methods: &[Method], paths: &[PathBuf]) {
    let place: Vec<usize> = {
        let key = |m: &Member| (m.photo, m.edit.map(|e| e.name.as_str()));
        let wanted: HashSet<_> = members.iter().map(key).collect();
        (0..library.len()).filter(|&i| wanted.contains(&key(&library[i]))).collect()
    };
    let rankings: Vec<Ranking> = methods.iter().map(|m| Ranking::new(members, |a, b| (m.distance)(place[a], place[b]))).collect();
    let percent = |v: f64| format!("{:.1}", 100.0 * v);
    println!("\n{title}: {} pictures\n", members.len());
    println!("| | average precision | recall at precision 99.9 % | at 99 % | mean over edits | cut 99.9 % | cut 99 % |");
    println!("|---|---|---|---|---|---|---|");
    for (method, ranking) in methods.iter().zip(&rankings) {
        let figures = ranking.figures();
        let with = |figure: fn(&RankingFigures) -> f64| {
            let (low, high) = ranking.interval(1, figure);
            format!("{} ({} to {})", percent(figure(&figures)), percent(low), percent(high))
        };
        println!(
            "| {} | {} | {} | {} | {} | {:.3} | {:.3} |",
            method.name,
            with(|f| f.average_precision),
            with(|f| f.at_999.recall),
            percent(figures.at_99.recall),
            with(|f| f.mean_edit),
            figures.at_999.distance,
            figures.at_99.distance,
        );
    }

    let ours = &rankings[0];
    let near: Vec<_> = ours.false_pairs(THRESHOLD).collect();
    println!("\npairs of different photos within the default threshold, {THRESHOLD}: {}", near.len());
    for &(distance, a, b) in near.iter().take(5) {
        let path = |i: usize| paths[members[i].photo].display();
        println!("  {distance:.3}  {}  {}", path(a), path(b));
    }

    println!("\nfound from the original, of 100, each at its own cut for 99.9 %:\n");
    println!("| edit | {} at {THRESHOLD} | {} |", methods[0].name, methods.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(" | "));
    println!("|---|---|{}", "---|".repeat(methods.len()));
    let mut columns = vec![ours.found(THRESHOLD)];
    columns.extend(rankings.iter().map(|r| r.found(r.figures().at_999.distance)));
    let share = |(found, of): (usize, usize)| 100.0 * found as f64 / of as f64;
    let mut kinds: Vec<&str> = columns[0].keys().copied().collect();
    kinds.sort_by(|a, b| share(columns[0][a]).total_cmp(&share(columns[0][b])).then(a.cmp(b)));
    for kind in kinds {
        let shares: Vec<String> = columns.iter().map(|c| format!("{:.0}", share(c[kind]))).collect();
        println!("| {kind} ({}) | {} |", columns[0][kind].1, shares.join(" | "));
    }
}

/// Prints the distances between frames of a scene, and those between versions and their original.
fn frames(folder: &Path, members: &[Member]) -> Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    let pictures = all(&paths, |path| picture(path))?;
    let frames: Vec<Member> = library::plan(pictures.len(), 0, 0, 0).into_iter().map(|p| p.make(&pictures[p.photo])).collect();
    let of_frames = Method::ours(&frames)?;
    let of_members = Method::ours(members)?;
    let originals: std::collections::HashMap<usize, usize> =
        members.iter().enumerate().filter(|(_, m)| m.edit.is_none()).map(|(i, m)| (m.photo, i)).collect();
    println!("\n{}: {} frames\n", folder.display(), frames.len());
    println!("| distance | 5 % | 25 % | half | 75 % | 95 % | within {THRESHOLD} |\n|---|---|---|---|---|---|---|");
    let line = |name: &str, mut distances: Vec<Distance>| {
        if distances.is_empty() {
            return;
        }
        distances.sort_by(f32::total_cmp);
        let at = |share: f64| format!("{:.3}", distances[((distances.len() - 1) as f64 * share) as usize]);
        let near = distances.iter().filter(|d| **d <= THRESHOLD).count() as f64 / distances.len() as f64;
        println!("| {name} | {} | {} | {} | {} | {} | {:.0} % |", at(0.05), at(0.25), at(0.5), at(0.75), at(0.95), 100.0 * near);
    };
    for method in &of_members {
        let versions = (0..members.len()).filter(|&i| members[i].edit.is_some());
        let distances = versions.map(|i| (method.distance)(originals[&members[i].photo], i)).collect();
        line(&format!("version to its original, {}", method.name), distances);
    }
    for (method, step) in of_frames.iter().flat_map(|method| [1, 2, 5, 20].map(|step| (method, step))) {
        let distances = (step..frames.len()).map(|i| (method.distance)(i - step, i)).collect();
        line(&format!("frame to the {step}. after it, {}", method.name), distances);
    }
    Ok(())
}
