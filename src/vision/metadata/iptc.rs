//! IPTC-IIM: the data sets that photo programs write into Photoshop's image resources.

use super::text::{clean, clean_bytes, clean_keyword};
use crate::photo::Description;

/// The image resource that holds IPTC.
const IPTC_RESOURCE: u16 = 0x0404;

/// The escape sequence that declares UTF-8 (ISO 2022) in data set 1:90.
const UTF8: &[u8] = b"\x1b%G";

/// Finds IPTC among Photoshop's image resources. `None` if there is none.
pub fn in_resources(resources: &[u8]) -> Option<&[u8]> {
    let mut rest = resources;
    loop {
        let (number, after) = rest.strip_prefix(b"8BIM")?.split_first_chunk::<2>()?;
        // A name with its length, padded to an even number of bytes.
        let name = usize::from(*after.first()?) + 1;
        let (length, after) = after.get(name + name % 2..)?.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let body = after.get(..length)?;
        if u16::from_be_bytes(*number) == IPTC_RESOURCE {
            return Some(body);
        }
        rest = after.get(length + length % 2..)?;
    }
}

/// Reads what data sets say, up to the first broken one.
pub fn read(data: &[u8]) -> Description {
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
            (2, 5) => description.title = text(),
            (2, 25) => description.keywords.extend(text().as_deref().and_then(clean_keyword)),
            (2, 80) => description.creator = description.creator.take().or_else(text),
            (2, 120) => description.caption = text(),
            _ => {}
        }
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
        let read = read(&sets.concat());
        assert_eq!(read.keywords.into_iter().collect::<Vec<_>>(), ["café", "sea"]);
        assert_eq!([read.caption, read.creator, read.title], ["On the beach", "Ada", "Summer"].map(|text| Some(text.to_owned())));
        let utf8 = [set(1, 90, UTF8), set(2, 25, "café".as_bytes())].concat();
        assert!(super::read(&utf8).keywords.contains("café"));
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
        assert_eq!(in_resources(&all), Some(&b"here"[..]));
        for length in 0..all.len() {
            let _ = in_resources(&all[..length]);
        }
        assert_eq!(in_resources(&all[..20]), None);
        let cut = &set(2, 120, b"caption")[..9];
        assert_eq!(read(cut), Description::default());
    }
}
