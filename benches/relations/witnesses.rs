//! What a file says beside its picture, each thing of which can be taken away.

use similard::likeness::Member;
use similard::photo::{Capture, Exposure, Origin};

/// Takes one thing away.
pub type Take = fn(&mut Member);

/// The witnesses with their names, each taken away from a photo.
pub const ALL: [(&str, Take); 9] = [
    ("nothing is taken away", |_| {}),
    ("the time", |member| member.capture.taken = None),
    ("shutter, f-number and bias", |member| member.capture.exposure = Exposure { iso: member.capture.exposure.iso, ..Exposure::default() }),
    ("the sensitivity", |member| member.capture.exposure.iso = None),
    ("the id of the image", |member| member.capture.origin.image = None),
    ("the number of the frame", |member| member.capture.origin.number = None),
    ("all of these", |member| {
        let Capture { taken, exposure, origin, .. } = &mut member.capture;
        (*taken, *exposure, *origin) = (None, Exposure::default(), Origin::default());
    }),
    ("the ids of the document", |member| member.capture.origin.documents.clear()),
    ("the compression", |member| member.quantisation = None),
];
