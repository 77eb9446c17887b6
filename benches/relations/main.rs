//! How well frames of one scene, and versions of them, are told apart.
//!
//!     cargo bench --bench relations -- FRAMES [PHOTOS]
//!
//! FRAMES has a `frames.csv` with the columns file and scene. Each file is an exposure of its own. Every third one gets six
//! edits of `models/edits.toml`.

#[path = "../pictures/mod.rs"]
mod pictures;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use similard::catalog::encoder::Encoder;
use similard::learn::edits::{self, edits};
use similard::likeness::{CropHead, Framed, Head, Index, MAX_PAIR_DISTANCE, Reach, arrive, normalized, place, residual};
use similard::photo::{Capture, Descriptors, Dimensions, Format, PhotoId, Picture, StoredFeatures};
use similard::vision::Limits;
use similard::vision::backbone::Backbone;
use similard::vision::decode::{Decoded, decode};
use similard::vision::identify::identify;
use similard::vision::kept;
use similard::vision::keypoints::frame;

use pictures::{Result, all};

#[derive(Parser)]
struct Args {
    frames: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    #[arg(long, hide = true)]
    bench: bool,
}

struct Member {
    frame: usize,
    edit: &'static str,
    picture: Picture,
    dimensions: Dimensions,
    capture: Capture,
    stored: StoredFeatures,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let table = fs::read_to_string(args.frames.join("frames.csv"))?;
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let mut plans: Vec<(usize, Option<(&'static edits::Edit, u64)>)> = Vec::new();
    let mut random = fastrand::Rng::with_seed(args.seed);
    for frame in 0..rows.len() {
        plans.push((frame, None));
        if frame % 3 == 0 {
            for edit in random.choose_multiple(edits(), 6) {
                plans.push((frame, Some((edit, random.u64(..)))));
            }
        }
    }
    let backbone = Backbone::embedded()?;
    let crop_head = CropHead::embedded()?;
    let made: Vec<Member> = all(&plans.chunks(plans.len().div_ceil(2)).collect::<Vec<_>>(), |plans| {
        let mut encoder = Encoder { runner: backbone.runner()?, crop_head: crop_head.clone() };
        plans
            .iter()
            .map(|(frame, edit)| {
                let bytes = fs::read(args.frames.join(rows[*frame][0]))?;
                let decoded = |bytes: &[u8]| -> Result<Decoded> { Ok(decode(bytes, &Limits::default()).map_err(|f| format!("{f:?}"))?) };
                let original = decoded(&bytes)?;
                let (bytes, name) = match edit {
                    None => (bytes, ""),
                    Some((edit, seed)) => {
                        (edits::jpeg(&edit.apply(&original.picture, *seed), edits::EDITED_JPEG_QUALITY), edit.name.as_str())
                    }
                };
                let dimensions = identify(&bytes, &Limits::default()).map_err(|f| format!("{f:?}"))?.picture.dimensions;
                let kept = kept::keep(&decoded(&bytes)?.picture, Format::Jpeg);
                let picture = kept::picture(&kept)?;
                let stored = encoder.encode(&picture)?;
                Ok(Member { frame: *frame, edit: name, picture, dimensions, capture: original.capture.clone(), stored })
            })
            .collect::<Result<Vec<Member>>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    let head = Head::base()?;
    let new: Vec<(PhotoId, Descriptors)> = (0..)
        .map(PhotoId)
        .zip(&made)
        .map(|(id, m)| (id, Descriptors { embedding: head.embed(&m.stored.features), crops: m.stored.crops.clone() }))
        .collect();
    let points: HashMap<PhotoId, _> = (0..).map(PhotoId).zip(&made).map(|(id, m)| (id, m.stored.keypoints.clone())).collect();
    let arrival = arrive(&Index::new(head.dimensions()), &new, Reach::up_to(MAX_PAIR_DISTANCE), |_| Ok::<_, Infallible>(points))?;
    let mut density = vec![0.0; new.len()];
    for (photo, of) in &arrival.densities {
        density[photo.0 as usize] = of.mean_similarity;
    }
    println!("{} files, {} pairs", made.len(), arrival.pairs.len());
    let began = std::time::Instant::now();
    let sample: Vec<_> = if let Ok(n) = std::env::var("SAMPLE") {
        let n: usize = n.parse()?;
        arrival.pairs.iter().step_by((arrival.pairs.len() / n).max(1)).copied().collect()
    } else {
        arrival.pairs.clone()
    };
    let lines = all(&sample, |pair| {
        let (i, j) = (pair.a.0 as usize, pair.b.0 as usize);
        let (a, b) = (&made[i], &made[j]);
        let framed = |m: &Member| [frame(&m.picture)].map(|frame| frame)[0];
        let (fa, fb) = (
            Framed { picture: &a.picture, frame: framed(a), keypoints: &a.stored.keypoints },
            Framed { picture: &b.picture, frame: framed(b), keypoints: &b.stored.keypoints },
        );
        let placed = place(fa, fb);
        let mut line = format!(
            "{i},{j},{},{},{},{},{},{},{:.4},{:.4},{},{},{},{},{},{}",
            a.frame,
            b.frame,
            rows[a.frame][2],
            rows[b.frame][2],
            a.edit,
            b.edit,
            pair.distance,
            normalized(pair.distance, density[i], density[j]),
            a.dimensions.width,
            a.dimensions.height,
            b.dimensions.width,
            b.dimensions.height,
            a.capture.taken.as_deref().unwrap_or(""),
            b.capture.taken.as_deref().unwrap_or("")
        );
        match placed {
            None => line += ",,,,,,,,,,,,",
            Some(p) => {
                write!(
                    line,
                    ",{:.4},{:.4},{:.4},{:.2},{}",
                    p.overlap[0],
                    p.overlap[1],
                    p.map.scale(),
                    p.map.degrees(),
                    u8::from(p.map.is_mirrored())
                )?;
                for side in [128, 256] {
                    match residual(&a.picture, &b.picture, &p, side) {
                        None => line += ",,,",
                        Some(r) => write!(line, ",{:.4},{:.4},{:.4}", r.agreement, r.misfit, r.plain)?,
                    }
                }
                line += ",";
            }
        }
        Ok(line)
    })?;
    println!("{:.2} ms a pair and core", began.elapsed().as_secs_f64() * 2000.0 / lines.len() as f64);
    if let Some(dump) = &args.dump {
        let head = "i,j,fa,fb,sa,sb,ea,eb,d,n,wa,ha,wb,hb,ta,tb,oa,ob,scale,deg,mirror,q128,m128,p128,q256,m256,p256,";
        fs::write(dump, format!("{head}\n{}\n", lines.join("\n")))?;
    }
    Ok(())
}
