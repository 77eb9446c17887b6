//! XMP packets: RDF in XML, by roxmltree.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::Other;
use super::text::{clean, clean_keyword};
use crate::photo::{Description, Position};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";
const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";

/// The most elements of a packet. One with the history of a long edit has some thousands.
const MAX_NODES: u32 = 200_000;

/// What a packet says.
#[derive(Debug, Default)]
pub struct Packet {
    pub description: Description,
    pub software: Option<String>,
}

/// Properties that programs write by themselves: what they did to the file, and what EXIF says as well.
const OF_PROGRAMS: [&str; 9] = [
    RDF,
    XMP,
    EXIF,
    "http://ns.adobe.com/xap/1.0/mm/",
    "http://ns.adobe.com/tiff/1.0/",
    "http://ns.adobe.com/exif/1.0/aux/",
    "http://cipa.jp/exif/1.0/",
    "http://ns.adobe.com/pdf/1.3/",
    "http://www.w3.org/XML/1998/namespace",
];

/// The same in namespaces that also have properties of a person.
const NAMES_OF_PROGRAMS: [&str; 5] = ["format", "DateCreated", "ICCProfile", "ColorMode", "LegacyIPTCDigest"];

/// The largest packet that is parsed, in bytes. Others count as not understood.
const MAX_BYTES: usize = 4 << 20;

/// Reads a packet. What is not understood is added to `other`.
pub fn read(packet: &[u8], other: &mut Other) -> Packet {
    parsed(packet, other).unwrap_or_else(|| {
        other.add(packet);
        Packet::default()
    })
}

/// `None` if the packet is not well-formed.
fn parsed(packet: &[u8], other: &mut Other) -> Option<Packet> {
    if packet.len() > MAX_BYTES {
        return None;
    }
    // Programs pad a packet with zeros.
    let text = str::from_utf8(packet).ok()?.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '\u{feff}'));
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let properties = Properties { document: &document };
    properties.not_understood(other);
    let keywords = [(DC, "subject"), (LIGHTROOM, "hierarchicalSubject"), (DIGIKAM, "TagsList")];
    let keywords: BTreeSet<String> = keywords.iter().flat_map(|&(space, name)| properties.list(space, name)).collect();
    let degrees = |name, negative| properties.text(EXIF, name).and_then(|text| degrees(&text, negative));
    Some(Packet {
        description: Description {
            rating: properties.text(XMP, "Rating").and_then(|text| rating(text.parse().ok()?)),
            label: properties.text(XMP, "Label"),
            keywords,
            title: properties.first(DC, "title"),
            caption: properties.first(DC, "description"),
            creator: properties.first(DC, "creator"),
            position: degrees("GPSLatitude", 'S')
                .zip(degrees("GPSLongitude", 'W'))
                .map(|(latitude, longitude)| Position { latitude, longitude }),
        },
        software: properties.text(XMP, "CreatorTool"),
    })
}

/// Returns stars, or -1 for a rejected photo. 0 is no rating.
pub fn rating(value: f64) -> Option<i8> {
    let stars = value.round();
    (stars != 0.0 && (-1.0..=5.0).contains(&stars)).then_some(stars as i8)
}

/// Reads `52,31.5N` or `52,31,30N`.
fn degrees(text: &str, negative: char) -> Option<f64> {
    let direction = text.chars().next_back()?;
    let mut degrees = 0.0;
    for (part, unit) in text[..text.len() - direction.len_utf8()].split(',').zip([1.0, 60.0, 3600.0]) {
        degrees += part.trim().parse::<f64>().ok()? / unit;
    }
    (degrees.abs() <= 180.0).then_some(if direction.eq_ignore_ascii_case(&negative) { -degrees } else { degrees })
}

struct Properties<'a> {
    document: &'a Document<'a>,
}

impl<'a> Properties<'a> {
    /// Returns a simple property: an attribute of a description, or the text of an element in it.
    fn text(&self, space: &str, name: &str) -> Option<String> {
        let text = |description: Node<'a, 'a>| description.attribute((space, name)).or_else(|| child(description, space, name)?.text());
        self.descriptions().find_map(text).and_then(clean)
    }

    /// Returns the items of a list.
    fn list(&self, space: &str, name: &str) -> Vec<String> {
        let items = self.descriptions().filter_map(|description| child(description, space, name)).flat_map(items);
        items.filter_map(|item| clean_keyword(item.text()?)).collect()
    }

    /// Returns the first item of a list, or a simple property. Of alternatives in several languages, the default one.
    fn first(&self, space: &str, name: &str) -> Option<String> {
        let element = self.descriptions().find_map(|description| child(description, space, name));
        let Some(element) = element else { return self.text(space, name) };
        let is_default = |item: &Node<'a, 'a>| item.attributes().any(|a| a.name() == "lang" && a.value() == "x-default");
        let item = items(element).find(is_default).or_else(|| items(element).next());
        clean(item.unwrap_or(element).text()?)
    }

    /// Adds the properties that are not read, and the further values of those of which one is read.
    fn not_understood(&self, other: &mut Other) {
        let is_read = |space: Option<&str>, name: &str| {
            let is_of_programs = space.is_none_or(|space| OF_PROGRAMS.contains(&space)) || NAMES_OF_PROGRAMS.contains(&name);
            is_of_programs || (space, name) == (Some(DC), "subject") || matches!(name, "hierarchicalSubject" | "TagsList")
        };
        for description in self.descriptions() {
            for attribute in description.attributes().filter(|a| !is_read(a.namespace(), a.name())) {
                if attribute.namespace() != Some(DC) {
                    other.add_named(attribute.name().as_bytes(), attribute.value().as_bytes());
                }
            }
            let elements = description.children().filter(|child| child.is_element());
            for element in elements.filter(|e| !is_read(e.tag_name().namespace(), e.tag_name().name())) {
                let name = element.tag_name().name();
                let is_one = matches!(name, "title" | "description" | "creator") && items(element).count() < 2;
                if element.tag_name().namespace() != Some(DC) || !is_one {
                    other.add_named(name.as_bytes(), spelled(element).as_bytes());
                }
            }
        }
    }

    /// The descriptions of the photo. Those inside are of what it was made from, or of parts of it.
    fn descriptions(&self) -> impl Iterator<Item = Node<'a, 'a>> {
        let root = self.document.descendants().find(|node| node.has_tag_name((RDF, "RDF")));
        root.into_iter().flat_map(|root| root.children().filter(|node| node.has_tag_name((RDF, "Description"))))
    }
}

/// Everything in an element: names, attributes and texts.
fn spelled(element: Node<'_, '_>) -> String {
    let mut spelled = String::new();
    for node in element.descendants() {
        spelled.push_str(node.tag_name().name());
        for attribute in node.attributes() {
            spelled.extend([" ", attribute.name(), "=", attribute.value()]);
        }
        spelled.extend([">", node.text().filter(|_| node.is_text()).unwrap_or_default().trim()]);
    }
    spelled
}

fn child<'a>(node: Node<'a, 'a>, space: &str, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((space, name)))
}

fn items<'a>(element: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    element.descendants().filter(|node| node.has_tag_name((RDF, "li")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(attributes: &str, elements: &str) -> String {
        format!(
            "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>
             <rdf:RDF xmlns:rdf='{RDF}'><rdf:Description rdf:about='' xmlns:xmp='{XMP}' xmlns:dc='{DC}' xmlns:exif='{EXIF}'
             xmlns:lr='{LIGHTROOM}' {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>\0"
        )
    }

    fn read(packet: &[u8]) -> Option<Packet> {
        super::parsed(packet, &mut Other::default())
    }

    #[test]
    fn what_is_not_understood_counts_unless_programs_write_it() {
        let others = |attributes: &str, elements: &str| {
            let mut other = Other::default();
            super::read(packet(attributes, elements).as_bytes(), &mut other);
            other.into_hashes().len()
        };
        let regions = "<r:Regions xmlns:r='http://www.metadataworkinggroup.com/schemas/regions/'><rdf:li r:Name='Ada'/></r:Regions>";
        assert_eq!(others("", regions), 1);
        assert_eq!(others("xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/' crs:Exposure2012='+0.7'", ""), 1);
        assert_eq!(others("xmp:Rating='4' xmp:ModifyDate='2026-01-01' dc:format='image/jpeg'", "<dc:subject>x</dc:subject>"), 0);
        let two = "<dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Grace</rdf:li></rdf:Seq></dc:creator>";
        assert_eq!((others("", two), others("", &two.replace("<rdf:li>Grace</rdf:li>", ""))), (1, 0));
        let mut other = Other::default();
        super::read(b"<broken", &mut other);
        assert_eq!(other.into_hashes().len(), 1);
    }

    #[test]
    fn values_are_read_as_attributes_and_as_elements() {
        for text in [
            packet("xmp:Rating='4' xmp:Label='Red' xmp:CreatorTool='GIMP'", ""),
            packet("", "<xmp:Rating>4</xmp:Rating><xmp:Label>Red</xmp:Label><xmp:CreatorTool>GIMP</xmp:CreatorTool>"),
        ] {
            let read = read(text.as_bytes()).expect("a packet");
            assert_eq!((read.description.rating, read.description.label.as_deref()), (Some(4), Some("Red")), "{text}");
            assert_eq!(read.software.as_deref(), Some("GIMP"));
        }
    }

    #[test]
    fn lists_languages_and_positions_are_read() {
        let text = packet(
            "exif:GPSLatitude='52,31.2N' exif:GPSLongitude='13,24,36W'",
            "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>café</rdf:li></rdf:Bag></dc:subject>
             <lr:hierarchicalSubject><rdf:Bag><rdf:li>places|Rome</rdf:li></rdf:Bag></lr:hierarchicalSubject>
             <dc:title><rdf:Alt><rdf:li xml:lang='de'>Meer</rdf:li><rdf:li xml:lang='x-default'>Sea</rdf:li></rdf:Alt></dc:title>
             <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Grace</rdf:li></rdf:Seq></dc:creator>",
        );
        let read = read(text.as_bytes()).expect("a packet").description;
        assert_eq!(read.keywords.into_iter().collect::<Vec<_>>(), ["café", "places|Rome", "sea"]);
        assert_eq!((read.title.as_deref(), read.creator.as_deref(), read.caption), (Some("Sea"), Some("Ada"), None));
        let Position { latitude, longitude } = read.position.expect("a position");
        assert!((latitude - 52.52).abs() < 1e-9 && (longitude + 13.41).abs() < 1e-9);
    }

    #[test]
    fn a_rating_is_of_one_to_five_stars_or_rejected() {
        let all = [-2.0, -1.0, 0.0, 0.4, 1.0, 5.0, 6.0, f64::NAN, f64::INFINITY].map(rating);
        assert_eq!(all, [None, Some(-1), None, None, Some(1), Some(5), None, None, None]);
    }

    #[test]
    fn a_broken_or_hostile_packet_says_nothing() {
        let billion = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><x>&b;</x>";
        for text in ["", "<x", "no xml", billion, &packet("xmp:Rating='4", ""), &"<a>".repeat(300_000)] {
            assert!(read(text.as_bytes()).is_none(), "{}", &text[..text.len().min(40)]);
        }
        assert!(read(b"\xff\xfe").is_none());
    }
}
