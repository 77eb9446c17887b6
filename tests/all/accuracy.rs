//! The accuracy of the encoder on a small library: 48 photos that it was not trained on, half of them clothes on plain
//! ground that look alike, and eight versions of each. A change to the weights, the preparation, decoding or the head
//! that costs accuracy fails here. `cargo bench --bench accuracy` measures more photos.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use similard::catalog::encoder::Encoder;
use similard::learn::evaluation::Ranking;
use similard::learn::library::{self, Member};
use similard::likeness::{CropHead, Head, Index, PairLimit, THRESHOLD, arrive, normalized};
use similard::photo::{Descriptors, Distance, Format, PhotoId, Picture};
use similard::vision::Limits;
use similard::vision::backbone::Backbone;
use similard::vision::decode::decode;
use similard::vision::kept;

fn pictures() -> Vec<Picture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/accuracy");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("tests/accuracy").map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "webp"));
    paths.sort();
    paths.iter().map(|p| decode(&fs::read(p).expect("a photo"), &Limits::default()).expect("decodes").picture).collect()
}

#[test]
fn versions_are_found_and_other_photos_are_not() {
    let pictures = pictures();
    assert_eq!(pictures.len(), 48);
    let members: Vec<Member> = library::plan(48, 48, 8, 1).into_iter().map(|p| p.make(&pictures[p.photo])).collect();
    let runner = Backbone::embedded().expect("loads").runner().expect("a runner");
    let mut encoder = Encoder { runner, crop_head: CropHead::embedded().expect("loads") };
    let head = Head::base().expect("loads");
    let mut points = HashMap::new();
    let embed = |(photo, member): (PhotoId, &Member)| {
        let decoded = decode(&member.jpeg, &Limits::default()).expect("our own JPEG").picture;
        let seen = kept::picture(&kept::keep(&decoded, Format::Jpeg)).expect("just kept");
        let stored = encoder.encode(&seen).expect("features");
        points.insert(photo, stored.keypoints);
        (photo, Descriptors { embedding: head.embed(&stored.features), crops: stored.crops })
    };
    let new: Vec<(PhotoId, Descriptors)> = (0..).map(PhotoId).zip(&members).map(embed).collect();
    let mut mean_similarities = vec![0.0; new.len()];
    let arrival = arrive(&Index::new(head.dimensions()), &new, PairLimit::up_to(2.0), |_| Ok::<_, Infallible>(points)).expect("no store");
    for (photo, density) in arrival.densities {
        mean_similarities[photo.0 as usize] = density.mean_similarity;
    }
    let of_pair: HashMap<(i64, i64), Distance> = arrival.pairs.iter().map(|p| ((p.a.0, p.b.0), p.distance)).collect();
    let distance = |a: usize, b: usize| of_pair[&(a.min(b) as i64, a.max(b) as i64)];
    let ranking = Ranking::new(&members, |a, b| normalized(distance(a, b), mean_similarities[a], mean_similarities[b]));
    let figures = ranking.figures();
    let found = ranking.found(THRESHOLD);
    let (hits, of) = found.values().fold((0, 0), |(h, o), (hit, all)| (h + hit, o + all));
    println!("{figures:?}; {hits} of {of} versions within {THRESHOLD}");

    // Half a point below the results of the base head.
    assert!(figures.average_precision > 0.994, "{figures:?}");
    assert!(figures.at_999.recall > 0.988, "{figures:?}");
    assert!(hits as f64 > 0.98 * of as f64, "{hits} of {of}: {found:?}");
    let false_pairs: Vec<_> = ranking.false_pairs(THRESHOLD).collect();
    assert!(false_pairs.is_empty(), "different photos within the default threshold: {false_pairs:?}");
}
