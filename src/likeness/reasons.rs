//! Why two photos have their relation: what the rules of `relation.rs` and `stars.rs` went by.

use super::frame_name::{are_two_frames as have_names_of_two_frames, is_named_edit};
use super::relation::{
    MIN_AGREEMENT_OF_SCENE, are_other_pages, are_two_frames, are_two_times, changes, is_copy, is_part, is_series, may_be_pages,
};
use super::stars::{MIN_AGREEMENT_OF_FRAMES, agree, are_named_apart, are_of_one_document, are_two_exposures};
use super::version_inputs::{Kind, MAX_LOG_SCALE, Member, are_of_one_encoder, kind};
use super::version_model::{VersionModel, has_other_text};
use crate::photo::{Compared, Comparison, Reason};

/// By what the relation of two photos was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ground {
    /// They are versions of one source.
    Star,
    /// One is a collage that holds the other.
    Collage,
    /// By the two alone, because they are no versions.
    Two,
}

/// Returns why two photos have their relation, what decided most first.
pub fn reasons(model: &VersionModel, a: &Member, b: &Member, compared: &Compared, ground: Ground) -> Vec<Reason> {
    match (ground, compared) {
        (Ground::Collage, _) => vec![Reason::Collage],
        (Ground::Star, Compared::Laid(comparison)) => of_versions(model, a, b, comparison),
        (Ground::Star, Compared::NotYet | Compared::Apart) => vec![Reason::ThirdPhoto],
        (Ground::Two, _) => of_others(model, a, b, compared),
    }
}

/// Why two photos are versions of one exposure.
fn of_versions(model: &VersionModel, a: &Member, b: &Member, comparison: &Comparison) -> Vec<Reason> {
    let mut reasons = Vec::new();
    // No other time counts, or they would be two exposures.
    if is_series(&a.capture, &b.capture) {
        reasons.push(Reason::RewrittenTime);
    }
    let is_document = are_of_one_document(a, b, comparison);
    if is_document {
        reasons.push(Reason::Document);
    }
    if agree(model, a, b, comparison) {
        reasons.push(Reason::Agreement(comparison.fine.agreement));
        match kind(a, b, comparison) {
            Kind::Other => reasons.extend(unlike_frames(a, b, comparison)),
            Kind::OneSize | Kind::OneScale => reasons.push(Reason::VersionModel(model.score(a, b, comparison))),
        }
    } else {
        let agreement = Reason::Agreement(comparison.fine.agreement);
        reasons.push(if is_document { agreement } else { Reason::ThirdPhoto });
    }
    reasons.extend(by_names(a, b));
    reasons.extend((a.capture.origin.is_for_print != b.capture.origin.is_for_print).then_some(Reason::Inks));
    if is_copy(comparison) {
        reasons.push(Reason::WholeFrame);
    }
    reasons.extend(changes(comparison).into_iter().map(Reason::Change));
    reasons
}

/// What their names say against copies: one was edited, or renamed.
fn by_names(a: &Member, b: &Member) -> Option<Reason> {
    if is_named_edit(&a.names, &b.names) || is_named_edit(&b.names, &a.names) {
        Some(Reason::EditName)
    } else {
        have_names_of_two_frames(&a.names, &b.names).then_some(Reason::FileName)
    }
}

/// By what two photos are no frames of one camera, which have one format, size and compression.
fn unlike_frames(a: &Member, b: &Member, comparison: &Comparison) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let scale = comparison.scale(a.dimensions, b.dimensions);
    if scale.ln().abs() >= MAX_LOG_SCALE {
        reasons.push(Reason::Size(scale.min(1.0 / scale)));
    }
    if a.format != b.format {
        reasons.push(Reason::Format);
    } else if !are_of_one_encoder(a, b) {
        reasons.push(Reason::Compression);
    }
    reasons
}

/// Why two near photos are no versions, or it is not known.
fn of_others(model: &VersionModel, a: &Member, b: &Member, compared: &Compared) -> Vec<Reason> {
    let of_camera = of_camera(a, b);
    if !of_camera.is_empty() {
        return of_camera;
    }
    let comparison = match compared {
        Compared::NotYet => return vec![Reason::NotCompared],
        Compared::Apart => return vec![Reason::NotLaid],
        Compared::Laid(comparison) => comparison,
    };
    let fine = comparison.fine.agreement;
    let is_version = are_of_one_document(a, b, comparison) || agree(model, a, b, comparison);
    let reason = if is_part(a.dimensions, b.dimensions, comparison) {
        Reason::Beside
    } else if fine < MIN_AGREEMENT_OF_SCENE || are_other_pages(comparison) {
        Reason::Disagreement(fine)
    } else if may_be_pages(comparison) || has_other_text(comparison) {
        Reason::Layout(comparison.fine.misfit)
    } else if are_named_apart(a, b, comparison) {
        Reason::FileName
    } else if is_version {
        Reason::OtherPhotos
    } else {
        match kind(a, b, comparison) {
            Kind::Other => Reason::Disagreement(comparison.coarse.agreement.min(fine)),
            _ if fine < MIN_AGREEMENT_OF_FRAMES => Reason::Disagreement(fine),
            _ => Reason::VersionModel(model.score(a, b, comparison)),
        }
    };
    vec![reason]
}

/// By what the camera wrote two exposures. Nothing if it did not.
fn of_camera(a: &Member, b: &Member) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !are_two_exposures(a, b) {
        return reasons;
    }
    let (a, b) = (&a.capture, &b.capture);
    if are_two_times(a, b) == Some(true) {
        let seconds = a.seconds().zip(b.seconds()).map_or(0.0, |(x, y)| (x - y).abs());
        reasons.push(Reason::Time(seconds));
    }
    if a.exposure.differs_from(&b.exposure) || a.exposure.has_other_sensitivity(&b.exposure) {
        reasons.push(Reason::Exposure([a.exposure, b.exposure]));
    }
    if are_two_frames(a, b) {
        let numbers = a.origin.other_numbers(&b.origin).map(Reason::FrameNumber);
        reasons.extend(a.origin.is_other_image(&b.origin).then_some(Reason::ImageId).into_iter().chain(numbers));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::likeness::FrameName;
    use crate::photo::{Affine, Capture, Dimensions, Exposure, Format, PhotoChange, PictureHash, ReasonCode, Residual, Tone};

    fn member(width: u32, quantisation: u16) -> Member {
        Member {
            picture: PictureHash([0; 32]),
            dimensions: Dimensions { width, height: width * 2 / 3 },
            format: Format::Jpeg,
            quantisation: Some(quantisation),
            capture: Capture::default(),
            names: Vec::new(),
        }
    }

    fn taken(time: &str, seconds: f64) -> Member {
        let exposure = Exposure { seconds: Some(seconds), ..Exposure::default() };
        let capture = Capture { taken: Some(time.into()), model: Some("M1".into()), exposure, ..Capture::default() };
        Member { capture, ..member(6000, 100) }
    }

    fn agreeing(agreement: f64) -> Comparison {
        let left = Residual { agreement, ..Comparison::WHOLE.fine };
        Comparison { coarse: left, fine: left, ..Comparison::WHOLE }
    }

    fn codes(a: &Member, b: &Member, compared: &Compared, ground: Ground) -> Vec<ReasonCode> {
        reasons(VersionModel::base(), a, b, compared, ground).into_iter().map(Reason::code).collect()
    }

    #[test]
    fn versions_are_told_by_what_made_them_fit() {
        use ReasonCode::{
            Agreement, Compression, Format as OfFormat, Frame, RewrittenTime, Size, ThirdPhoto, VersionModel as Model, WholeFrame,
        };
        let star = |a: &Member, b: &Member, comparison: Comparison| codes(a, b, &Compared::Laid(comparison), Ground::Star);
        let frame = member(6000, 100);
        assert_eq!(star(&frame, &member(3000, 400), agreeing(0.99)), [Agreement, Size, Compression, WholeFrame]);
        assert_eq!(star(&frame, &frame, agreeing(0.999)), [Agreement, Model, WholeFrame]);
        assert_eq!(star(&frame, &frame, agreeing(0.93)), [ThirdPhoto, WholeFrame]);
        let png = Member { format: Format::Png, quantisation: None, ..member(6000, 0) };
        assert_eq!(star(&frame, &png, agreeing(0.99)), [Agreement, OfFormat, WholeFrame]);
        let half = Comparison { map: Affine::scaled(0.5f64.sqrt().recip(), (0.0, 0.0)), overlap: [0.5, 1.0], ..agreeing(0.99) };
        let found = reasons(VersionModel::base(), &frame, &member(3000, 400), &Compared::Laid(half), Ground::Star);
        assert_eq!(found.last(), Some(&Reason::Change(PhotoChange::Crop(0.5))));
        assert!(found.iter().any(|reason| reason.code() == Frame) && !found.contains(&Reason::WholeFrame), "{found:?}");
        let [first, sent] = ["2026-05-01T10:00:00", "2026-05-09T18:20:41"].map(|time| taken(time, 0.01));
        let sent = Member { dimensions: member(3000, 100).dimensions, ..sent };
        assert_eq!(star(&first, &sent, agreeing(0.99)), [RewrittenTime, Agreement, Size, WholeFrame]);
        assert_eq!(codes(&frame, &frame, &Compared::NotYet, Ground::Star), [ThirdPhoto]);
        let named = |name| Member { names: FrameName::of(Path::new(name)).into_iter().collect(), ..frame.clone() };
        let mut press = frame.clone();
        press.capture.origin.is_for_print = true;
        assert_eq!(star(&frame, &press, agreeing(0.9999)), [Agreement, Model, ReasonCode::Inks, WholeFrame]);
        let of_names = |a, b| star(&named(a), &named(b), agreeing(0.9999));
        assert_eq!(of_names("IMG_1234.JPG", "IMG_E1234.JPG"), [Agreement, Model, ReasonCode::EditName, WholeFrame]);
        assert_eq!(of_names("IMG_1234.JPG", "IMG_1235.JPG"), [Agreement, Model, ReasonCode::FileName, WholeFrame]);
        assert_eq!(of_names("IMG_1234.JPG", "IMG_1234 (1).JPG"), [Agreement, Model, WholeFrame]);
        let mut of_document = frame.clone();
        of_document.capture.origin.documents.insert("x".into());
        assert_eq!(star(&of_document, &of_document, agreeing(0.93)), [ReasonCode::Document, Agreement, WholeFrame]);
    }

    #[test]
    fn others_are_told_by_what_parts_them() {
        use ReasonCode::{Beside, Disagreement, Exposure, Layout, NotCompared, NotLaid, OtherPhotos, Time, VersionModel as Model};
        let two = |a: &Member, b: &Member, comparison: Comparison| codes(a, b, &Compared::Laid(comparison), Ground::Two);
        let frame = member(6000, 100);
        assert_eq!(codes(&frame, &frame, &Compared::NotYet, Ground::Two), [NotCompared]);
        assert_eq!(codes(&frame, &frame, &Compared::Apart, Ground::Two), [NotLaid]);
        assert_eq!(two(&frame, &frame, agreeing(0.5)), [Disagreement]);
        assert_eq!(two(&frame, &frame, agreeing(0.7)), [Disagreement]);
        assert_eq!(two(&frame, &frame, agreeing(0.93)), [Model]);
        assert_eq!(two(&frame, &frame, agreeing(0.999)), [OtherPhotos]);
        assert_eq!(two(&frame, &member(3000, 400), agreeing(0.65)), [Disagreement]);
        let page = Comparison { fine: Residual { misfit: 0.12, ..agreeing(0.8).fine }, ..agreeing(0.8) };
        assert_eq!(two(&frame, &frame, page), [Layout]);
        let light = Tone { brightness: 240.0, contrast: 40.0, chroma: 0.0 };
        let found =
            reasons(VersionModel::base(), &frame, &frame, &Compared::Laid(Comparison { tones: [light; 2], ..agreeing(0.92) }), Ground::Two);
        assert_eq!(found, [Reason::Disagreement(0.92)], "two pages");
        let within = Comparison { map: Affine::scaled(0.2, (0.1, 0.1)), overlap: [1.0, 0.04], beside: [0.0, 0.8], ..agreeing(0.99) };
        assert_eq!(two(&frame, &frame, within), [Beside]);
        assert_eq!(codes(&frame, &frame, &Compared::Laid(within), Ground::Collage), [ReasonCode::Collage]);
        let of_name = |name| Member { names: FrameName::of(Path::new(name)).into_iter().collect(), ..frame.clone() };
        assert_eq!(two(&of_name("DSC_0001.JPG"), &of_name("DSC_0002.JPG"), agreeing(0.999)), [ReasonCode::FileName]);
        let [first, next] = ["2026-05-01T10:00:00", "2026-05-01T10:00:03"];
        let told = |a: &Member, b: &Member| reasons(VersionModel::base(), a, b, &Compared::Laid(agreeing(0.99)), Ground::Two);
        assert_eq!(told(&taken(first, 0.01), &taken(next, 0.01)), [Reason::Time(3.0)]);
        let both = told(&taken(first, 0.01), &taken(next, 0.1));
        assert_eq!(both.into_iter().map(Reason::code).collect::<Vec<_>>(), [Time, Exposure]);
        let numbered = |number| {
            let mut member = taken(first, 0.01);
            member.capture.origin.number = Some(number);
            member
        };
        assert_eq!(told(&numbered(7), &numbered(9)), [Reason::FrameNumber([7, 9])]);
    }
}
