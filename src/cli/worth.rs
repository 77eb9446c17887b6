//! What a version may be worth more than the photo that would stay in its place.

use crate::api::types::{Cluster, Photo, PhotoFile};
use crate::photo::{Format, MAX_ENLARGED_DENSITY_RATIO, Relation, SourceRule, is_editor};

/// The least ratio of the pixels of an enlarged copy to those of the original. The source is chosen by another rule, of
/// `likeness/source.rs`, which this folder does not know: 1.2 times the length, which is 1.44 times the pixels, the same ratio of the
/// bytes for each pixel ([`MAX_ENLARGED_DENSITY_RATIO`]), and no more detail. This one doubts in more cases, because a file that is
/// removed is gone.
const MIN_ENLARGEMENT_PIXEL_RATIO: f64 = 1.2;

/// Pictures of one size differ at most by this ratio of their pixels: a program may cut a row or two.
const MAX_EQUAL_PIXEL_RATIO: f64 = 1.05;

/// Two files of one lossless format with equal pictures differ at most by this share in length, because of their metadata.
const MAX_EQUAL_LENGTH_DIFFERENCE: f64 = 0.02;

/// Saving a photo again raises its detail at most by this ratio, if its quality is 90 or more, or 70 or less: by 1.02 at most on 16
/// photos. Between, the steps of the quantiser can look like structure (up to 1.43 at 80), and then the copy is not listed.
const MAX_DETAIL_OF_COPY: f64 = 1.05;

/// Returns why a photo may be worth more than what is known of it: it was made of a RAW file, or it may be better than the photo that
/// would stay. The source is chosen by other evidence, and may have fewer pixels.
pub fn worth(cluster: &Cluster, place: usize) -> Option<String> {
    let (best, photo) = (&cluster.photos[0], &cluster.photos[place]);
    if place == 0 {
        return None;
    }
    let (keeper, file) = (&best.files[0], &photo.files[0]);
    let [kept, path] = [keeper, file].map(|file| file.path.to_path());
    let (kept, path) = (kept.display(), path.display());
    // A RAW file is known by its preview alone, and what a camera or a person made of it is no copy of it.
    if [best.format, photo.format].contains(&Format::Raw) {
        return Some(format!("{kept} and {path} are not copies: one of them is a RAW file"));
    }
    if cluster.ties.contains(&place) {
        return Some(format!("{path} and {kept}, which would stay, may each be the original: the evidence is equal; look at both"));
    }
    let is_reduced = pixels(best) > MAX_EQUAL_PIXEL_RATIO * pixels(photo);
    if let Some(raw) = cluster.photos.iter().find(|photo| photo.format == Format::Raw).filter(|_| !is_reduced) {
        return Some(format!("{path} may have been made of the RAW file {}", raw.files[0].path.to_path().display()));
    }
    let is_larger = pixels(photo) > MAX_EQUAL_PIXEL_RATIO * pixels(best);
    // The source was told from the second by its detail, and says that a camera took it. Without that, it may be a sharpened smaller
    // copy of a soft photo.
    let is_told = cluster.source_by == Some(SourceRule::Detail) && best.taken.is_some();
    let is_enlarged = place == 1 && is_told && shows_as_much(best, photo) == Some(true);
    // WebP files say only inside whether they are lossless. Those are larger.
    let may_be_lossless = photo.format.is_lossless()
        || photo.format == Format::WebP && best.format != Format::WebP && file.told_bytes() > keeper.told_bytes();
    // Another depth or number of channels makes another length.
    let is_alike =
        photo.format == best.format && (file.told_bytes() as f64 / keeper.told_bytes() as f64 - 1.0).abs() <= MAX_EQUAL_LENGTH_DIFFERENCE;
    let holds_less = best.format.is_lossless() && is_reduced || is_alike && !is_larger;
    let (own, others) = (software(file), software(keeper));
    // A GIF has few colours, and no picture that is better.
    let is_lossy = !photo.format.is_lossless() && photo.format != Format::Gif;
    // An edit is listed only where edits are asked for, whichever of the two looks better.
    let is_newer = best.format == Format::Jpeg && matches!(photo.format, Format::WebP | Format::Heic | Format::Avif | Format::Jxl);
    let is_signed = best.taken.is_some() && photo.taken.is_none();
    let is_edit = cluster.pairs.iter().any(|pair| (pair.a, pair.b) == (0, place) && pair.relation == Relation::Edit);
    if is_larger && !is_enlarged {
        Some(format!("{path} has more pixels than {kept}, which would stay: it may be enlarged, or the original"))
    } else if may_be_lossless && !holds_less {
        Some(format!("{path} may hold more than {kept}, which would stay: its format is or may be lossless"))
    } else if own != others && is_editor(&own) {
        Some(format!("{path} was written by {own} and may be an edit"))
    } else if own != others && is_editor(&others) && photo.taken.is_some() {
        Some(format!("{kept}, which would stay, was written by {others} and may be an edit of {path}"))
    } else if !is_edit && !is_reduced && is_newer && !is_signed {
        Some(format!("{path} may be the original of {kept}, which would stay: its format needs fewer bytes for as much"))
    } else if !is_edit && !is_reduced && is_lossy {
        match shows_as_much(best, photo) {
            // Of one format and length: the same data with other metadata.
            None if is_alike && [best, photo].iter().all(|photo| photo.detail.is_none()) => None,
            None => Some(format!("{path} may show more detail than {kept}, which would stay: it is not known of both how much they show")),
            Some(false) => Some(format!("{path} shows more detail than {kept}, which would stay")),
            Some(true) if !is_larger && shows_as_much(photo, best) == Some(false) && file.told_bytes() > keeper.told_bytes() => {
                Some(format!("{kept}, which would stay, shows more detail in fewer bytes than {path}: it may have been sharpened"))
            }
            Some(true) => None,
        }
    } else {
        None
    }
}

/// The program that wrote a file, if it says so.
fn software(file: &PhotoFile) -> String {
    file.metadata.as_ref().and_then(|metadata| metadata.software.clone()).unwrap_or_default()
}

/// Whether the first photo shows as much detail as the second. `None` if that is not known: the detail of a photo is measured only of
/// JPEGs that are not progressive. No photo shows more than its pixels allow.
fn shows_as_much(first: &Photo, second: &Photo) -> Option<bool> {
    let long_side = |photo: &Photo| f64::from(photo.width.max(photo.height));
    let shown = f64::from(first.detail?) * long_side(first) * MAX_DETAIL_OF_COPY;
    let is_enough = |detail: f64| shown >= detail * long_side(second);
    if is_enough(1.0) { Some(true) } else { second.detail.map(|detail| is_enough(detail.into())) }
}

fn pixels(photo: &Photo) -> f64 {
    f64::from(photo.width) * f64::from(photo.height)
}

/// Returns why one of two photos may be an enlarged copy of the other, whichever of them would stay.
pub fn enlarged(stays: (&Photo, &PhotoFile), goes: (&Photo, &PhotoFile)) -> Option<String> {
    // A file without camera data is not an original.
    let larger = if may_be_enlarged(stays, goes) {
        Some([stays.1, goes.1])
    } else {
        (goes.0.taken.is_some() && may_be_enlarged(goes, stays)).then_some([goes.1, stays.1])
    };
    let [a, b] = larger?.map(|file| file.path.to_path());
    Some(format!("{} has more pixels than {} and less data for each: it may be enlarged", a.display(), b.display()))
}

/// Whether the first photo may be an enlarged copy of the second: it has clearly more pixels, and clearly fewer bytes for each.
fn may_be_enlarged((best, keeper): (&Photo, &PhotoFile), (photo, file): (&Photo, &PhotoFile)) -> bool {
    let density = |photo: &Photo, file: &PhotoFile| file.told_bytes() as f64 / pixels(photo).max(1.0);
    let is_larger = pixels(best) > MIN_ENLARGEMENT_PIXEL_RATIO * pixels(photo);
    best.format == photo.format && is_larger && density(best, keeper) < MAX_ENLARGED_DENSITY_RATIO * density(photo, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::FileMetadata;
    use crate::cli::removable::tests::{cluster, file, photo};

    #[test]
    fn a_larger_picture_with_less_data_for_each_pixel_may_be_enlarged() {
        let sized = |name: &str, width: u32, size: u64| {
            let photo = Photo { width, height: width * 2 / 3, ..photo(vec![file(name, size)]) };
            (photo.clone(), photo.files[0].clone())
        };
        let is_doubtful = |x: &(Photo, PhotoFile), y: &(Photo, PhotoFile)| may_be_enlarged((&x.0, &x.1), (&y.0, &y.1));
        let (original, enlarged) = (sized("a", 1600, 700_000), sized("b", 3200, 1_300_000));
        assert!(is_doubtful(&enlarged, &original) && !is_doubtful(&original, &enlarged));
        assert!(!is_doubtful(&sized("c", 3200, 2_800_000), &original), "a half of it");
        assert!(!is_doubtful(&sized("d", 1600, 100_000), &original), "of one size");
    }

    #[test]
    fn what_may_be_better_than_what_stays_cannot_go() {
        let sized = |format, width: u32, bytes| Photo { format, width, height: width * 2 / 3, ..photo(vec![file("/b", bytes)]) };
        let written = |software: Option<&str>, of: Photo| {
            let metadata = FileMetadata { software: software.map(str::to_owned), ..FileMetadata::default() };
            let files = of.files.iter().map(|file| PhotoFile { metadata: Some(metadata.clone()), ..file.clone() }).collect();
            Photo { files, ..of }
        };
        let why = |best: &Photo, other: &Photo| worth(&cluster(vec![best.clone(), other.clone()], &[]), 1);
        let says = |best: &Photo, other: &Photo, what: &str| why(best, other).is_some_and(|why| why.contains(what));
        let jpeg = |width, bytes| Photo { detail: Some(0.8), ..sized(Format::Jpeg, width, bytes) };
        let sharp = Photo { detail: Some(1.0), ..jpeg(1600, 90) };
        assert_eq!(why(&jpeg(1600, 90), &jpeg(1600, 50)), None);
        assert_eq!(why(&jpeg(1600, 90), &jpeg(800, 99)), None);
        assert_eq!(why(&jpeg(1600, 90), &jpeg(1610, 99)), None, "a row more");
        assert!(says(&jpeg(800, 90), &jpeg(1600, 99), "has more pixels"));
        assert!(says(&jpeg(1600, 90), &sized(Format::Tiff, 1600, 99), "lossless"));
        assert!(says(&jpeg(1600, 90), &sized(Format::Png, 800, 99), "lossless"));
        assert!(says(&sized(Format::Tiff, 1600, 120), &sized(Format::Tiff, 1600, 90), "lossless"), "CMYK and RGB");
        assert_eq!(why(&sized(Format::Tiff, 1600, 1000), &sized(Format::Tiff, 1600, 1001)), None, "another rating");
        let by_detail = |detail| {
            let enlarged = Photo { detail, ..jpeg(1600, 99) };
            let of_camera = Photo { taken: Some("2024-05-01T10:00:00".into()), ..jpeg(800, 90) };
            let of = |best| Cluster { source_by: Some(SourceRule::Detail), ..cluster(vec![best, enlarged.clone()], &[]) };
            (worth(&of(of_camera), 1), worth(&of(jpeg(800, 90)), 1))
        };
        let may_be_original = |why: Option<String>| why.is_some_and(|why| why.contains("has more pixels"));
        let (of_camera, unsigned) = by_detail(Some(0.4));
        assert_eq!(of_camera, None, "an enlarged one");
        assert!(may_be_original(unsigned), "a soft photo beside a sharpened smaller copy of it");
        assert!([Some(0.5), None].into_iter().all(|detail| may_be_original(by_detail(detail).0)));
        assert_eq!(why(&sized(Format::Tiff, 1600, 90), &sized(Format::Png, 800, 99)), None, "a smaller one");
        assert!(says(&jpeg(1600, 90), &sized(Format::WebP, 1600, 99), "lossless"));
        let webp = sized(Format::WebP, 1600, 80);
        assert!(says(&sharp, &webp, "may be the original of"));
        assert_eq!(why(&Photo { taken: Some("2024-05-01T10:00:00".into()), ..sharp }, &webp), None, "a camera wrote the JPEG");
        let [camera, edited] = [Some("Ver.1.00"), Some("Adobe Lightroom 7")].map(|software| written(software, jpeg(1600, 90)));
        assert!(says(&camera, &edited, "written by Adobe Lightroom 7 and may be an edit"));
        let taken = Photo { taken: Some("2024-05-01T10:00:00".into()), ..camera.clone() };
        assert!(says(&edited, &taken, "may be an edit of /b"));
        assert_eq!(why(&edited, &written(None, jpeg(1600, 50))), None, "without metadata");
        assert_eq!(why(&edited, &edited), None);
    }

    #[test]
    fn neither_of_two_that_may_each_be_the_original_can_go() {
        let photos = ["/a", "/b", "/c"].map(|path| Photo { detail: Some(0.8), ..photo(vec![file(path, 90)]) });
        let tied = Cluster { ties: vec![2], ..cluster(photos.to_vec(), &[]) };
        assert_eq!(worth(&tied, 1), None);
        assert_eq!(
            worth(&tied, 2).expect("a tie"),
            "/c and /a, which would stay, may each be the original: the evidence is equal; look at both"
        );
    }

    /// A photo that was blown up and a picture that a lossless format has of a coarse JPEG have the most bytes.
    #[test]
    fn what_may_show_more_than_what_stays_cannot_go() {
        let of = |format, detail, bytes| Photo { format, detail, ..photo(vec![file("/b", bytes)]) };
        let jpeg = |detail, bytes| of(Format::Jpeg, Some(detail), bytes);
        let why = |best: &Photo, other: &Photo| worth(&cluster(vec![best.clone(), other.clone()], &[(0, 1, Relation::Copy)]), 1);
        let says = |best: &Photo, other: &Photo, what: &str| why(best, other).is_some_and(|why| why.contains(what));
        let (original, blown_up) = (jpeg(0.7, 90), jpeg(0.4, 99));
        assert!(says(&blown_up, &original, "/b shows more detail than /b, which would stay"));
        assert!(says(&original, &blown_up, "in fewer bytes"), "or the first was sharpened");
        assert_eq!(why(&original, &jpeg(0.4, 50)), None, "a coarse one");
        assert_eq!(why(&original, &jpeg(0.72, 80)), None, "saved again");
        let not_known = of(Format::Jpeg, None, 90);
        let [png, heic] = [Format::Png, Format::Heic].map(|format| of(format, None, 200));
        for (best, other) in [(&png, &original), (&heic, &original), (&not_known, &original), (&original, &not_known), (&png, &heic)] {
            assert!(says(best, other, "may show more detail"), "{best:?} {other:?}");
        }
        assert_eq!(why(&jpeg(1.0, 90), &not_known), None, "it uses all of its pixels");
        let taken = |photo: &Photo| Photo { taken: Some("2024-05-01T10:00:00".into()), ..photo.clone() };
        let (export, avif) = (jpeg(1.0, 300), of(Format::Avif, None, 90));
        assert!(says(&export, &avif, "may be the original of") && says(&taken(&export), &taken(&avif), "may be the original of"));
        assert_eq!(why(&taken(&export), &avif), None, "a camera wrote the JPEG");
        let smaller = Photo { width: 150, height: 100, ..original.clone() };
        assert_eq!(why(&png, &smaller), None);
        let edit = cluster(vec![png, original], &[(0, 1, Relation::Edit)]);
        assert_eq!(worth(&edit, 1), None, "edits are listed only where they are asked for");
    }
}
