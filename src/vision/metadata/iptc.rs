//! IPTC-IIM: the data sets that photo programs write into Photoshop's image resources.

use std::ops::RangeInclusive;

use super::Other;
use super::text::{clean, clean_bytes, clean_keyword};
use crate::photo::Description;

/// The image resource that holds IPTC.
pub const IPTC_RESOURCE: u16 = 0x0404;

/// The escape sequence that declares UTF-8 (ISO 2022) in data set 1:90.
const UTF8: &[u8] = b"\x1b%G";

/// Photoshop's paths, which a person draws.
pub const PATH_RESOURCES: RangeInclusive<u16> = 2000..=2998;

/// What Photoshop's image resources hold.
#[derive(Debug, Default)]
pub struct Resources<'a> {
    /// IPTC's data sets.
    pub iptc: Option<&'a [u8]>,
    /// Paths, and what cannot be parsed.
    pub other: Vec<&'a [u8]>,
}

/// Reads image resources.
pub fn resources(all: &[u8]) -> Resources<'_> {
    let mut found = Resources::default();
    let mut rest = all;
    while let Some((number, body, after)) = next_resource(rest) {
        match number {
            IPTC_RESOURCE if found.iptc.is_none() => found.iptc = Some(body),
            number if number == IPTC_RESOURCE || PATH_RESOURCES.contains(&number) => found.other.push(body),
            _ => {}
        }
        rest = after;
    }
    if rest.iter().any(|byte| *byte != 0) {
        found.other.push(rest);
    }
    found
}

/// Returns the number and the body of the next resource, and what comes after it.
fn next_resource(rest: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (number, after) = rest.strip_prefix(b"8BIM")?.split_first_chunk::<2>()?;
    // A name with its length, padded to an even number of bytes.
    let name = usize::from(*after.first()?) + 1;
    let (length, after) = after.get(name + name % 2..)?.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let body = after.get(..length)?;
    Some((u16::from_be_bytes(*number), body, after.get(length + length % 2..).unwrap_or_default()))
}

/// Data sets of programs: versions, dates that EXIF has as well, and the name of the program.
const OF_PROGRAMS: [u8; 7] = [0, 55, 60, 62, 63, 65, 70];

/// Reads what data sets say. What is not understood is added to `other`.
pub fn read(data: &[u8], other: &mut Other) -> Description {
    let mut description = Description::default();
    let mut is_utf8 = false;
    let mut rest = data;
    while let [0x1c, record, number, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // A length of more than 15 bits is the number of bytes of a longer length. No text is that long.
        let Some(value) = after.get(..length).filter(|_| length < 0x8000) else { break };
        rest = &after[length..];
        let text = || if is_utf8 { clean(&String::from_utf8_lossy(value)) } else { clean_bytes(value) };
        match (record, number) {
            (1, 90) => is_utf8 = value == UTF8,
            (2, 25) => description.keywords.extend(text().as_deref().and_then(clean_keyword)),
            (2, 5 | 80 | 120) => {
                let known = match number {
                    5 => &mut description.title,
                    80 => &mut description.creator,
                    _ => &mut description.caption,
                };
                match text() {
                    // The first counts, and a further one is not lost.
                    said if known.is_some() && said.is_some() && *known != said => other.add_named(&[*number], value),
                    said => *known = known.take().or(said),
                }
            }
            (2, number) if !OF_PROGRAMS.contains(number) => other.add_named(&[*number], value),
            _ => {}
        }
    }
    if rest.iter().any(|byte| *byte != 0) {
        other.add(rest);
    }
    description
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(record: u8, number: u8, value: &[u8]) -> Vec<u8> {
        let mut set = vec![0x1c, record, number];
        set.extend((value.len() as u16).to_be_bytes());
        set.extend(value);
        set
    }

    #[test]
    fn the_data_sets_of_a_person_are_read() {
        let sets = [set(2, 25, b"sea"), set(2, 25, b"caf\xe9"), set(2, 120, b"On the\rbeach"), set(2, 80, b"Ada"), set(2, 5, b"Summer")];
        let read = |data: &[u8]| super::read(data, &mut Other::default());
        let all = read(&sets.concat());
        assert_eq!(all.keywords.into_iter().collect::<Vec<_>>(), ["café", "sea"]);
        assert_eq!([all.caption, all.creator, all.title], ["On the beach", "Ada", "Summer"].map(|text| Some(text.to_owned())));
        let utf8 = [set(1, 90, UTF8), set(2, 25, "café".as_bytes())].concat();
        assert!(read(&utf8).keywords.contains("café"));
    }

    #[test]
    fn values_that_are_not_read_count_and_broken_ones_do_not_hide_the_others() {
        let of = |data: &[u8]| {
            let mut other = Other::default();
            let Description { caption, keywords, .. } = read(data, &mut other);
            (caption, keywords.into_iter().collect::<Vec<_>>(), other.into_hashes().len())
        };
        let some = |text: &str| Some(text.to_owned());
        let caption = set(2, 120, b"sea");
        assert_eq!(of(&[caption.clone(), set(2, 120, b"sky")].concat()), (some("sea"), vec![], 1), "a second caption");
        assert_eq!(of(&[caption.clone(), set(2, 120, b"sea"), set(2, 120, b"")].concat()), (some("sea"), vec![], 0));
        assert_eq!(of(&[set(2, 120, b" "), caption.clone()].concat()), (some("sea"), vec![], 0));
        for number in OF_PROGRAMS {
            assert_eq!(of(&[set(2, number, b"x"), caption.clone()].concat()), (some("sea"), vec![], 0), "{number}");
        }
        assert_eq!(of(&[set(1, 20, b"x"), set(3, 20, b"x"), caption.clone()].concat()), (some("sea"), vec![], 0), "of other records");
        // A caption that was cut within a character, one that is longer than the data, and one of a longer length.
        assert_eq!(of(&[set(1, 90, UTF8), set(2, 120, b"caf\xc3")].concat()), (some("caf\u{fffd}"), vec![], 0));
        let long = |length: [u8; 2]| [&set(2, 25, b"sky")[..], &[0x1c, 2, 120], &length, b"\0\0\0\x03sea"].concat();
        for length in [[0, 200], [0x7f, 0xff], [0x80, 4], [0xff, 0xff]] {
            assert_eq!(of(&long(length)), (None, vec!["sky".to_owned()], 1), "{length:?}");
        }
        let longer = [long([0x80, 4]), vec![b'x'; 40_000]].concat();
        assert_eq!(of(&longer), (None, vec!["sky".to_owned()], 1), "a longer length is not one of more bytes");
        assert_eq!(of(&[&caption[..], &[0; 9]].concat()), (some("sea"), vec![], 0), "padded");
        assert_eq!(of(&[&caption[..], b"rest"].concat()), (some("sea"), vec![], 1));
        assert_eq!(of(b""), (None, vec![], 0));
        let all = [set(1, 90, UTF8), set(2, 25, b"sky"), caption].concat();
        for at in 0..all.len() {
            let mut damaged = all.clone();
            damaged[at] ^= 0xff;
            let _ = (of(&damaged), of(&all[..at]), resources(&damaged));
        }
    }

    #[test]
    fn of_several_resources_the_first_counts_and_paths_are_not_lost() {
        let resource = |number: u16, body: &[u8]| {
            let mut resource = [&b"8BIM"[..], &number.to_be_bytes(), &[0, 0], &(body.len() as u32).to_be_bytes(), body].concat();
            resource.resize(resource.len() + body.len() % 2, 0);
            resource
        };
        let [first, second, path] = [resource(IPTC_RESOURCE, b"one"), resource(IPTC_RESOURCE, b"two"), resource(2000, b"a path")];
        let all = [&first[..], &path, &second, &resource(0x0422, b"exif")].concat();
        let found = resources(&all);
        assert_eq!((found.iptc, found.other), (Some(&b"one"[..]), vec![&b"a path"[..], b"two"]));
        let found_padded = [&first[..], &[0; 5]].concat();
        assert_eq!(resources(&found_padded).other.len(), 0);
        let mut long = [&first[..], &path].concat();
        let at = first.len() + 8;
        long[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!((resources(&long).iptc, resources(&long).other), (Some(&b"one"[..]), vec![&long[first.len()..]]));
        assert_eq!(resources(&first[..first.len() - 2]).iptc, None, "cut in its middle");
    }

    #[test]
    fn iptc_is_found_among_the_resources_and_broken_ones_say_nothing() {
        let resource = |number: u16, name: &[u8], body: &[u8]| {
            let mut resource = b"8BIM".to_vec();
            resource.extend(number.to_be_bytes());
            resource.push(name.len() as u8);
            resource.extend(name);
            resource.extend(if name.len().is_multiple_of(2) { &[0][..] } else { &[] });
            resource.extend((body.len() as u32).to_be_bytes());
            resource.extend(body);
            resource.extend(if body.len() % 2 == 1 { &[0][..] } else { &[] });
            resource
        };
        let all = [resource(0x03ed, b"", b"abc"), resource(0x0422, b"odd", b"abcd"), resource(IPTC_RESOURCE, b"", b"here")].concat();
        assert_eq!(resources(&all).iptc, Some(&b"here"[..]));
        for length in 0..all.len() {
            let _ = resources(&all[..length]);
        }
        assert_eq!((resources(&all[..20]).iptc, resources(&all[..20]).other.len()), (None, 1), "the rest is not understood");
        let cut = &set(2, 120, b"caption")[..9];
        let mut other = Other::default();
        assert_eq!(read(cut, &mut other), Description::default());
        read(&set(2, 90, b"Rome"), &mut other);
        read(&set(2, 60, b"101500"), &mut other);
        assert_eq!(other.into_hashes().len(), 2, "the broken one and the city");
    }
}
