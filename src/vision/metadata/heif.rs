//! The metadata of a HEIC or AVIF. Its EXIF often says once more how the picture is turned, which the boxes say.

use std::borrow::Cow;

use super::Parts;
use crate::vision::heif;

/// Returns the EXIF data, that of its picture first.
pub fn exif(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    heif::metadata(bytes).exif.into_iter().map(Cow::from).collect()
}

/// Returns the parts that hold metadata besides EXIF. Other pictures in it count, and so does what phones store beside the
/// picture: depth, a gain map, a film.
pub fn parts(bytes: &[u8]) -> Parts<'_> {
    let said = heif::metadata(bytes);
    let mut parts = Parts { trailer: &bytes[bytes.len() - said.trailer_bytes..], ..Parts::default() };
    let mut packets = said.xmp.into_iter();
    parts.xmp = packets.next().map(Cow::from);
    packets.chain(said.other).for_each(|part| parts.other.add(&part));
    parts
}

#[cfg(test)]
mod tests {
    use super::super::{capture, metadata};
    use crate::photo::{Capture, Format, Metadata};
    use crate::vision::raw::tests::collected;

    /// What exiftool 12.57 says of real files: make, model, time. Their pictures are upright by the boxes, whatever EXIF says.
    #[test]
    fn real_heic_files_say_who_made_them_and_when() {
        for (name, make, model, taken) in [
            ("heic/IMG_5195.HEIC", "Apple", "iPhone 11 Pro Max", "2021-04-11T15:47:53.054"),
            ("heic/mobile/iphone_13_pro_max.HEIC", "Apple", "iPhone 13 Pro Max", "2022-02-16T12:55:41.762"),
            ("more/heic/bigcat88-200MP.heic", "samsung", "Galaxy S24 Ultra", "2025-01-19T14:53:27.031"),
            ("more/heic/bigcat88-L_exif_xmp_iptc.heic", "SONY", "ILCE-7SM3", "2020-09-14T11:09:34.641"),
            ("more/heic/bigcat88-xiaomi.heic", "Xiaomi", "M2012K11AG", "2023-04-27T19:44:18.732"),
            // EXIF says that it is turned, and the boxes do not.
            ("more/heic/photoprism-iphone_7.heic", "Apple", "iPhone 7", "2018-09-10T12:16:13.023"),
        ] {
            let Some(bytes) = collected(name) else { return };
            let Metadata { capture: read, .. } = metadata(&bytes, Format::Heic);
            let Capture { make: by, model: with, taken: at, orientation, .. } = &read;
            assert_eq!((by.as_deref(), with.as_deref(), at.as_deref()), (Some(make), Some(model), Some(taken)), "{name}");
            assert_eq!(*orientation, None, "{name}");
            assert_eq!(capture(&bytes).taken, read.taken, "{name}");
        }
    }

    #[test]
    fn what_is_beside_the_picture_counts_and_a_profile_too() {
        let others = |name: &str| Some(metadata(&collected(name)?, Format::Heic).other.len());
        // Its profile.
        let (Some(plain), Some(with_map)) = (others("more/heic/bigcat88-arrow.heic"), others("more/heic/photoprism-iphone_15_pro.heic"))
        else {
            return;
        };
        assert!(plain >= 1 && with_map > plain, "{plain} {with_map}");
        let Some(mut bytes) = collected("more/heic/bigcat88-arrow.heic") else { return };
        let before = metadata(&bytes, Format::Heic);
        bytes.extend(b"\0\0\0\x0cmpvdfilm");
        assert_eq!(metadata(&bytes, Format::Heic).other.len(), before.other.len() + 1);
        bytes.extend(b"film");
        assert_eq!((before.trailer_bytes, metadata(&bytes, Format::Heic).trailer_bytes), (0, 4));
    }
}
