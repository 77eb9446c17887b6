//! Why two photos have their relation.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;
use super::{Exposure, PhotoChange, Verdict};

/// What told the relation of two photos.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// A person decided it.
    Decision,
    /// Two files of one picture.
    SamePicture,
    /// They are farther from each other than the threshold.
    Distance,
    /// They are still to be compared, or no picture of one of them could be had.
    NotCompared,
    /// The place of one in the other is not found.
    NotLaid,
    /// One camera took them at two times.
    Time,
    /// A messenger or a program wrote the later of two times.
    RewrittenTime,
    /// One camera exposed them differently.
    Exposure,
    /// One camera gave them two ids.
    ImageId,
    /// One camera counted two frames.
    FrameNumber,
    /// Programs wrote that they were made of one document.
    Document,
    /// Their names have two numbers or times of one camera.
    FileName,
    /// The name of one says that it is an edit of the other.
    EditName,
    /// Laid over each other, they agree.
    Agreement,
    /// They do not agree enough.
    Disagreement,
    /// The version model says one exposure, or two.
    VersionModel,
    /// One is smaller than the other, and a camera makes frames of one size.
    Size,
    /// One has more pixels than the other and no more detail, or as many and much less.
    Enlarged,
    Format,
    /// One is in the inks of a printing press (CMYK), and the other is not.
    Inks,
    /// One is compressed more.
    Compression,
    /// Both show the whole frame, in one light.
    WholeFrame,
    /// One is cut, turned, mirrored, stretched, or shown within something else.
    Frame,
    /// Brightness or contrast were changed.
    Tones,
    Colour,
    /// They differ in some places: a retouch, a text.
    Spot,
    /// Both are versions of a third photo.
    ThirdPhoto,
    /// By themselves they could be versions, and other photos part them.
    OtherPhotos,
    /// One shows the other smaller, beside other content.
    Beside,
    /// One holds several others.
    Collage,
    /// They lie in one place, and a part of them differs as pages of one layout do.
    Layout,
}

names!(ReasonCode, "reason" {
    Decision: "decision",
    SamePicture: "same-picture",
    Distance: "distance",
    NotCompared: "not-compared",
    NotLaid: "not-laid",
    Time: "time",
    RewrittenTime: "rewritten-time",
    Exposure: "exposure",
    ImageId: "image-id",
    FrameNumber: "frame-number",
    Document: "document",
    FileName: "file-name",
    EditName: "edit-name",
    Agreement: "agreement",
    Disagreement: "disagreement",
    VersionModel: "version-model",
    Size: "size",
    Enlarged: "enlarged",
    Format: "format",
    Inks: "inks",
    Compression: "compression",
    WholeFrame: "whole-frame",
    Frame: "frame",
    Tones: "tones",
    Colour: "colour",
    Spot: "spot",
    ThirdPhoto: "third-photo",
    OtherPhotos: "other-photos",
    Beside: "beside",
    Collage: "collage",
    Layout: "layout",
});

/// A reason with its numbers. Displayed as a few words.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reason {
    Decision(Verdict),
    SamePicture,
    Distance,
    NotCompared,
    NotLaid,
    /// The seconds between the two.
    Time(f64),
    RewrittenTime,
    /// Of the first and of the second photo.
    Exposure([Exposure; 2]),
    ImageId,
    /// Of the first and of the second photo.
    FrameNumber([u32; 2]),
    Document,
    FileName,
    EditName,
    /// How well the structure agrees, up to 1.
    Agreement(f64),
    Disagreement(f64),
    /// The score: above 0 it says one exposure.
    VersionModel(f32),
    /// The scale of the smaller one.
    Size(f64),
    Enlarged,
    Format,
    Inks,
    Compression,
    WholeFrame,
    /// From the first to the second photo.
    Change(PhotoChange),
    ThirdPhoto,
    OtherPhotos,
    Beside,
    Collage,
    /// The share that differs.
    Layout(f64),
}

impl Reason {
    pub fn code(self) -> ReasonCode {
        use PhotoChange::{
            BlackAndWhite, Border, Colours, Contrast, Crop, Exposure, Mirrored, Retouched, Saturation, Screenshot, Stretched, Turned,
        };
        match self {
            Reason::Decision(_) => ReasonCode::Decision,
            Reason::SamePicture => ReasonCode::SamePicture,
            Reason::Distance => ReasonCode::Distance,
            Reason::NotCompared => ReasonCode::NotCompared,
            Reason::NotLaid => ReasonCode::NotLaid,
            Reason::Time(_) => ReasonCode::Time,
            Reason::RewrittenTime => ReasonCode::RewrittenTime,
            Reason::Exposure(_) => ReasonCode::Exposure,
            Reason::ImageId => ReasonCode::ImageId,
            Reason::FrameNumber(_) => ReasonCode::FrameNumber,
            Reason::Document => ReasonCode::Document,
            Reason::FileName => ReasonCode::FileName,
            Reason::EditName => ReasonCode::EditName,
            Reason::Agreement(_) => ReasonCode::Agreement,
            Reason::Disagreement(_) => ReasonCode::Disagreement,
            Reason::VersionModel(_) => ReasonCode::VersionModel,
            Reason::Size(_) => ReasonCode::Size,
            Reason::Enlarged => ReasonCode::Enlarged,
            Reason::Format => ReasonCode::Format,
            Reason::Inks => ReasonCode::Inks,
            Reason::Compression => ReasonCode::Compression,
            Reason::WholeFrame => ReasonCode::WholeFrame,
            Reason::Change(Crop(_) | Border | Screenshot | Mirrored | Turned(_) | Stretched(_)) => ReasonCode::Frame,
            Reason::Change(Exposure(_) | Contrast(_)) => ReasonCode::Tones,
            Reason::Change(BlackAndWhite | Colours | Saturation(_)) => ReasonCode::Colour,
            Reason::Change(Retouched) => ReasonCode::Spot,
            Reason::ThirdPhoto => ReasonCode::ThirdPhoto,
            Reason::OtherPhotos => ReasonCode::OtherPhotos,
            Reason::Beside => ReasonCode::Beside,
            Reason::Collage => ReasonCode::Collage,
            Reason::Layout(_) => ReasonCode::Layout,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Decision(Verdict::Same) => f.write_str("you decided that they are one photo"),
            Reason::Decision(Verdict::Different) => f.write_str("you decided that they are two photos"),
            Reason::SamePicture => f.write_str("the same picture data"),
            Reason::Distance => f.write_str("farther from each other than the threshold"),
            Reason::NotCompared => f.write_str("not compared yet"),
            Reason::NotLaid => f.write_str("no place of one in the other was found"),
            Reason::Time(seconds) => write!(f, "taken {} apart by one camera", apart(*seconds)),
            Reason::RewrittenTime => f.write_str("the later time was written by a program: the pictures are the same"),
            Reason::Exposure([a, b]) => write!(f, "one camera exposed them differently: {}", a.differences(b).join(", ")),
            Reason::ImageId => f.write_str("one camera gave them different ids"),
            Reason::FrameNumber([a, b]) => write!(f, "one camera numbered them as two frames: {a} and {b}"),
            Reason::FileName => f.write_str("their names are those of different frames"),
            Reason::EditName => f.write_str("the name of one is that of an edit of the other"),
            Reason::Document => f.write_str("made from one document, according to its ids"),
            Reason::Agreement(agreement) => write!(f, "laid over each other, they agree by {agreement:.2}"),
            Reason::Disagreement(agreement) => write!(f, "laid over each other, they agree by {agreement:.2} only"),
            Reason::VersionModel(score) if *score > 0.0 => write!(f, "the version model says one exposure ({score:+.1})"),
            Reason::VersionModel(score) => write!(f, "the version model says two exposures ({score:+.1})"),
            Reason::Size(scale) if (scale - 0.5).abs() < 0.01 => f.write_str("one is half the size"),
            Reason::Size(scale) => write!(f, "one has {:.0} % of the size", 100.0 * scale),
            Reason::Enlarged => f.write_str("one was enlarged: it has no more detail than one that is not larger"),
            Reason::Format => f.write_str("two formats"),
            Reason::Inks => f.write_str("one is in the inks of a printing press (CMYK)"),
            Reason::Compression => f.write_str("one is compressed more"),
            Reason::WholeFrame => f.write_str("both show the whole frame, with the same brightness and contrast"),
            Reason::Change(PhotoChange::Screenshot) => f.write_str("screenshot"),
            Reason::Change(change) => write!(f, "{change}"),
            Reason::ThirdPhoto => f.write_str("both are versions of a third photo"),
            Reason::OtherPhotos => f.write_str("the two alone could be versions, but other photos separate them"),
            Reason::Beside => f.write_str("one shows the other smaller, beside other content"),
            Reason::Collage => f.write_str("one contains several others"),
            Reason::Layout(share) => {
                write!(f, "in the same place, but {:.0} % of them differs, as in pages with the same layout", 100.0 * share)
            }
        }
    }
}

/// A time in the largest unit of which there are at least two.
fn apart(seconds: f64) -> String {
    let (minutes, hours, days) = (seconds / 60.0, seconds / 3_600.0, seconds / 86_400.0);
    if seconds < 1.0 {
        format!("{seconds:.2} s")
    } else if minutes < 2.0 {
        format!("{seconds:.0} s")
    } else if hours < 2.0 {
        format!("{minutes:.0} min")
    } else if days < 2.0 {
        format!("{hours:.0} h")
    } else {
        format!("{days:.0} days")
    }
}

/// Which of two photos, `a` and `b`, is the version of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// `b` is a version of `a`.
    AToB,
    /// `a` is a version of `b`.
    BToA,
}

names!(Direction, "direction" { AToB: "a-to-b", BToA: "b-to-a" });

/// How the relation of two photos was told.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Evidence {
    /// `None` if neither is the version of the other, or nothing tells which.
    pub direction: Option<Direction>,
    /// The share of the larger frame that both show. `None` if they were not laid over each other.
    pub overlap: Option<f64>,
    pub reasons: Vec<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_in_words_with_its_numbers() {
        let exposed = |seconds, aperture| Exposure { seconds: Some(seconds), aperture, bias: Some(0.0), iso: None };
        for (reason, code, words) in [
            (Reason::Decision(Verdict::Same), ReasonCode::Decision, "you decided that they are one photo"),
            (Reason::Time(3.0), ReasonCode::Time, "taken 3 s apart by one camera"),
            (Reason::Time(0.25), ReasonCode::Time, "taken 0.25 s apart by one camera"),
            (Reason::Time(7_200.0), ReasonCode::Time, "taken 2 h apart by one camera"),
            (
                Reason::Exposure([exposed(0.005, Some(8.0)), exposed(2.0, None)]),
                ReasonCode::Exposure,
                "one camera exposed them differently: 1/200 s and 2 s",
            ),
            (Reason::FrameNumber([7, 9]), ReasonCode::FrameNumber, "one camera numbered them as two frames: 7 and 9"),
            (Reason::Size(0.5), ReasonCode::Size, "one is half the size"),
            (Reason::Size(0.25), ReasonCode::Size, "one has 25 % of the size"),
            (Reason::VersionModel(1.24), ReasonCode::VersionModel, "the version model says one exposure (+1.2)"),
            (Reason::VersionModel(-0.5), ReasonCode::VersionModel, "the version model says two exposures (-0.5)"),
            (Reason::Change(PhotoChange::Crop(0.44)), ReasonCode::Frame, "crop 44 %"),
            (Reason::Change(PhotoChange::BlackAndWhite), ReasonCode::Colour, "black and white"),
            (Reason::Change(PhotoChange::Exposure(0.7)), ReasonCode::Tones, "exposure +0.7"),
            (Reason::Change(PhotoChange::Retouched), ReasonCode::Spot, "retouched"),
            (Reason::Layout(0.12), ReasonCode::Layout, "in the same place, but 12 % of them differs, as in pages with the same layout"),
        ] {
            assert_eq!((reason.code(), reason.to_string().as_str()), (code, words));
        }
    }
}
