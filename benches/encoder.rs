//! The time of a picture in the backbone, compared with other networks, and the times of its keypoints and of the
//! comparison of two photos. On one core.
//!
//!     cargo bench --bench encoder -- [--onnxruntime COMMAND] [FILE@SIZE …]
//!
//! Each FILE is an ONNX network with one input `[1, 3, SIZE, SIZE]`, run by tract. COMMAND gets the same arguments and
//! prints its own measurements (`python models/train/time_onnx.py`). `+FILE@SIZE` names a file that only COMMAND can
//! run.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use similard::likeness::{Framed, MAX_CANDIDATE_DISTANCE, compare, verified};
use similard::photo::Picture;
use similard::vision::backbone::Backbone;
use similard::vision::keypoints::keypoints;
use tract_onnx::prelude::*;

const ROUNDS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let command = args
        .iter()
        .position(|a| a == "--onnxruntime")
        .map(|at| args.drain(at..at + 2).nth(1).ok_or("--onnxruntime COMMAND"))
        .transpose()?;

    let picture = noise(0);
    let mut runner = Backbone::embedded()?.runner()?;
    let own = median(|| {
        runner.features(&picture)?;
        Ok(())
    })?;
    println!("{own:6.2} ms  the backbone, with the preparation of a 288 × 216 picture");
    let photo = median(|| {
        runner.features_and_crops(&picture)?;
        Ok(())
    })?;
    println!("{photo:6.2} ms  a photo: the global descriptor and the crop descriptors");
    let [one, other] = [1, 2].map(noise);
    let found = median(|| {
        black_box(keypoints(&one));
        Ok(())
    })?;
    println!("{found:6.2} ms  the keypoints of a photo");
    let points = [keypoints(&one), keypoints(&other)];
    let verified = median(|| {
        black_box(verified(MAX_CANDIDATE_DISTANCE, &points[0], &points[1]));
        Ok(())
    })?;
    println!("{verified:6.2} ms  geometric verification of two photos");
    let mut darker = one.clone();
    darker.rgb.iter_mut().for_each(|value| *value -= *value / 4);
    let (points, size) = (keypoints(&one), [0.0, 0.0, f64::from(one.dimensions.width), f64::from(one.dimensions.height)]);
    let framed = |picture| Framed { picture, frame: size, content: 1.0, keypoints: &points };
    let compared = median(|| {
        black_box(compare(framed(&one), framed(&darker)).ok_or("they are laid over each other")?);
        Ok(())
    })?;
    println!("{compared:6.2} ms  the comparison of two near photos");

    for named in args.iter().filter(|a| !a.starts_with('+')) {
        let (file, size) = named.rsplit_once('@').ok_or("FILE@SIZE")?;
        let size: usize = size.parse()?;
        let plan = tract_onnx::onnx()
            .model_for_path(file)?
            .with_input_fact(0, f32::fact([1, 3, size, size]).into())?
            .into_optimized()?
            .into_runnable()?;
        let mut state = plan.spawn()?;
        let input = Tensor::zero::<f32>(&[1, 3, size, size])?;
        let time = median(|| {
            state.run(tvec!(input.clone().into()))?;
            Ok(())
        })?;
        println!("{time:6.2} ms  {file} at {size} pixels in tract, × {:.1}", time / own);
    }
    if let Some(command) = command {
        let files: Vec<&str> = args.iter().map(|a| a.trim_start_matches('+')).collect();
        let status = Command::new("sh").arg("-c").arg(format!("{command} \"$@\"")).arg("sh").args(files).status()?;
        if !status.success() {
            return Err(format!("{command}: {status}").into());
        }
    }
    Ok(())
}

/// A picture of spots of random brightness, four pixels wide.
fn noise(seed: u64) -> Picture {
    let mut random = fastrand::Rng::with_seed(seed);
    let spots: Vec<u8> = (0..72 * 54).map(|_| random.u8(..)).collect();
    let places = (0..216).flat_map(|y| (0..288).map(move |x| (x, y)));
    Picture::new(288, 216, places.flat_map(|(x, y): (usize, usize)| [spots[y / 4 * 72 + x / 4]; 3]).collect())
}

fn median(mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[ROUNDS / 2])
}
