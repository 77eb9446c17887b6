//! The methods that are compared: our encoder, two hashes, and other encoders by a command.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use image::{DynamicImage, RgbImage};
use image_hasher::{HashAlg, HasherConfig};
use similard::catalog::encoder::Encoder;
use similard::learn::library::Member;
use similard::likeness::{CropHead, Head, Index, PairLimit, arrive, cosine_distance, normalized};
use similard::photo::{Descriptors, Distance, Embedding, Format, PhotoId, Picture};
use similard::vision::Limits;
use similard::vision::backbone::Backbone;
use similard::vision::decode::decode;
use similard::vision::kept;

use crate::pdq::Pdq;
use crate::pictures::Result;

/// A method, with the distances between the pictures of a library.
pub struct Method {
    pub name: String,
    pub milliseconds: f64,
    /// What the milliseconds include.
    pub measured: &'static str,
    pub distance: Box<dyn Fn(usize, usize) -> Distance>,
}

impl Method {
    /// The base head: its normalised distances among these pictures, with crop descriptors and keypoints; and the
    /// distances of the embeddings alone.
    pub fn ours(members: &[Member]) -> Result<[Method; 2]> {
        let mut encoder = Encoder { runner: Backbone::embedded()?.runner()?, crop_head: CropHead::embedded()? };
        let head = Head::base()?;
        let (stored, milliseconds) = timed(members, |picture| Ok(encoder.encode(&kept::picture(&kept::keep(picture, Format::Jpeg))?)?))?;
        let (mut new, mut points) = (Vec::with_capacity(stored.len()), HashMap::new());
        for (photo, stored) in (0..).map(PhotoId).zip(stored) {
            new.push((photo, Descriptors { embedding: head.embed(&stored.features), crops: stored.crops }));
            points.insert(photo, stored.keypoints);
        }
        let arrival = arrive(&Index::new(head.dimensions()), &new, PairLimit::up_to(2.0), |_| Ok::<_, Infallible>(points))?;
        let mut mean_similarities = vec![0.0; new.len()];
        for (photo, density) in arrival.densities {
            mean_similarities[photo.0 as usize] = density.mean_similarity;
        }
        let mut distances: Vec<Distance> = vec![0.0; new.len() * new.len()];
        let count = new.len();
        let at = move |a: usize, b: usize| a.min(b) * count + a.max(b);
        for pair in arrival.pairs {
            let (a, b) = (pair.a.0 as usize, pair.b.0 as usize);
            distances[at(a, b)] = normalized(pair.distance, mean_similarities[a], mean_similarities[b]);
        }
        let method = |name: &str, distance: Box<dyn Fn(usize, usize) -> Distance>| Method {
            name: name.into(),
            milliseconds,
            measured: "from the decoded picture, on one core",
            distance,
        };
        Ok([
            method("similard", Box::new(move |a, b| distances[at(a, b)])),
            method("embeddings alone, not normalised", Box::new(move |a, b| cosine_distance(&new[a].1.embedding.0, &new[b].1.embedding.0))),
        ])
    }

    pub fn pdq(members: &[Member]) -> Result<Method> {
        let (hashes, milliseconds) = timed(members, |picture| Ok(Pdq::new(picture)))?;
        Ok(Method {
            name: "PDQ, 8 forms".into(),
            milliseconds,
            measured: "from the decoded picture, on one core",
            distance: Box::new(move |a, b| hashes[a].distance(&hashes[b]) as Distance),
        })
    }

    /// 64 bits: cosines of a small grey picture, above or below their median.
    pub fn phash(members: &[Member]) -> Result<Method> {
        let hasher = HasherConfig::new().hash_size(8, 8).hash_alg(HashAlg::Median).preproc_dct().to_hasher();
        let (hashes, milliseconds) = timed(members, |picture| {
            let rgb = RgbImage::from_raw(picture.dimensions.width, picture.dimensions.height, picture.rgb.clone());
            Ok(hasher.hash_image(&DynamicImage::from(rgb.ok_or("a picture")?)))
        })?;
        Ok(Method {
            name: "pHash 64".into(),
            milliseconds,
            measured: "from the decoded picture, on one core",
            distance: Box::new(move |a, b| hashes[a].dist(&hashes[b]) as Distance),
        })
    }

    /// `peer` is `NAME=COMMAND`. The command gets the path of list.txt in `folder`.
    pub fn peer(peer: &str, folder: &Path, count: usize) -> Result<Method> {
        let (name, command) = peer.split_once('=').ok_or("--peer takes NAME=COMMAND")?;
        let start = Instant::now();
        let output = Command::new("sh").arg("-c").arg(format!("{command} \"$1\"")).arg("sh").arg(folder.join("list.txt")).output()?;
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0 / count as f64;
        if !output.status.success() {
            return Err(format!("{command}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let embeddings: Vec<Embedding> = text
            .lines()
            .map(|line| Ok(Embedding::normalised(&line.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f32>, _>>()?)))
            .collect::<Result<_>>()?;
        if embeddings.len() != count {
            return Err(format!("{command} printed {} lines for {count} pictures", embeddings.len()).into());
        }
        Ok(Method {
            name: name.to_owned(),
            milliseconds,
            measured: "the whole command on all cores, reading the files included",
            distance: Box::new(move |a, b| cosine_distance(&embeddings[a].0, &embeddings[b].0)),
        })
    }
}

/// The results of `describe` on every member after decoding its file, and the mean time of one.
fn timed<T>(members: &[Member], mut describe: impl FnMut(&Picture) -> Result<T>) -> Result<(Vec<T>, f64)> {
    let mut seconds = 0.0;
    let mut out = Vec::with_capacity(members.len());
    for member in members {
        let picture = decode(&member.jpeg, &Limits::default()).map_err(|f| format!("{f:?}"))?.picture;
        let start = Instant::now();
        out.push(describe(&picture)?);
        seconds += start.elapsed().as_secs_f64();
    }
    Ok((out, seconds * 1000.0 / members.len().max(1) as f64))
}
