//! XMP packets: RDF in XML, by roxmltree.

use std::borrow::Cow;
use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::Other;
use super::text::{clean, clean_keyword, id};
use crate::photo::{Description, Position};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const MEDIA: &str = "http://ns.adobe.com/xap/1.0/mm/";
/// Of what another document is.
const REFERENCE: &str = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#";
const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";
const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";

/// The most elements of a packet. One with the history of a long edit has some thousands.
const MAX_NODES: u32 = 200_000;

/// What a packet says.
#[derive(Debug, Default)]
pub struct Packet {
    pub description: Description,
    pub software: Option<String>,
    /// The ids of the document, of the original and of what it was derived from.
    pub documents: BTreeSet<String>,
}

/// Properties that programs write by themselves: what they did to the file, and what EXIF says as well.
const OF_PROGRAMS: [&str; 9] = [
    RDF,
    XMP,
    EXIF,
    MEDIA,
    "http://ns.adobe.com/tiff/1.0/",
    "http://ns.adobe.com/exif/1.0/aux/",
    "http://cipa.jp/exif/1.0/",
    "http://ns.adobe.com/pdf/1.3/",
    "http://www.w3.org/XML/1998/namespace",
];

/// The same in namespaces that also have properties of a person.
const NAMES_OF_PROGRAMS: [&str; 5] = ["format", "DateCreated", "ICCProfile", "ColorMode", "LegacyIPTCDigest"];

/// What a person writes in the namespaces of programs.
const NAMES_OF_A_PERSON: [&str; 5] = ["UserComment", "ImageDescription", "Artist", "Copyright", "Keywords"];

/// The most ids of a document that are kept.
const MAX_DOCUMENTS: usize = 8;

/// The largest packet that is parsed, in bytes. Others count as not understood.
const MAX_BYTES: usize = 4 << 20;

/// Reads a packet. What is not understood is added to `other`.
pub fn read(packet: &[u8], other: &mut Other) -> Packet {
    parsed(packet, other).unwrap_or_else(|| {
        other.add(packet);
        Packet::default()
    })
}

/// Returns a simple property of a packet, by its namespace and name.
pub fn text(packet: &[u8], (space, name): (&str, &str)) -> Option<String> {
    let text = String::from_utf8_lossy(Some(packet).filter(|packet| packet.len() <= MAX_BYTES)?);
    Properties::of(&document(&text)?)?.text(space, name)
}

/// `None` if the packet is not well-formed.
fn parsed(packet: &[u8], other: &mut Other) -> Option<Packet> {
    if packet.len() > MAX_BYTES {
        return None;
    }
    let text = String::from_utf8_lossy(packet);
    if matches!(text, Cow::Owned(_)) {
        other.add(packet);
    }
    let document = document(&text)?;
    let properties = Properties::of(&document)?;
    properties.not_understood(other);
    let keywords = [(DC, "subject"), (LIGHTROOM, "hierarchicalSubject"), (DIGIKAM, "TagsList")];
    let keywords: BTreeSet<String> = keywords.iter().flat_map(|&(space, name)| properties.list(space, name)).collect();
    let mut number = |space, name: &str, parse: &dyn Fn(&str) -> Option<f64>| {
        let text = properties.text(space, name)?;
        let number = parse(&text);
        if number.is_none() {
            other.add_named(name.as_bytes(), text.as_bytes());
        }
        number
    };
    let stars = number(XMP, "Rating", &|text| text.parse().ok().filter(|stars| *stars == 0.0 || rating(*stars).is_some()));
    let latitude = number(EXIF, "GPSLatitude", &|text| degrees(text, ['N', 'S'], 90.0));
    let longitude = number(EXIF, "GPSLongitude", &|text| degrees(text, ['E', 'W'], 180.0));
    Some(Packet {
        description: Description {
            rating: stars.and_then(rating),
            label: properties.text(XMP, "Label"),
            keywords,
            title: properties.first(DC, "title"),
            caption: properties.first(DC, "description"),
            creator: properties.first(DC, "creator"),
            position: latitude.zip(longitude).and_then(|(latitude, longitude)| Position { latitude, longitude }.known()),
        },
        software: properties.text(XMP, "CreatorTool"),
        documents: properties.documents(),
    })
}

fn document(packet: &str) -> Option<Document<'_>> {
    // Programs pad a packet with zeros.
    let text = packet.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '\u{feff}'));
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).ok()
}

/// Returns stars, or -1 for a rejected photo. 0 is not a rating.
pub fn rating(value: f64) -> Option<i8> {
    let stars = value.round();
    (stars != 0.0 && (-1.0..=5.0).contains(&stars)).then_some(stars as i8)
}

/// Reads `52,31.5N` or `52,31,30N`, and `-52.525`, which is not as the standard says.
fn degrees(text: &str, [positive, negative]: [char; 2], most: f64) -> Option<f64> {
    let last = text.chars().next_back()?.to_ascii_uppercase();
    let is_named = last == positive || last == negative;
    let mut degrees = 0.0;
    for (part, unit) in text[..text.len() - usize::from(is_named)].split(',').zip([1.0, 60.0, 3600.0]) {
        degrees += part.trim().parse::<f64>().ok()? / unit;
    }
    (degrees.abs() <= most).then_some(if last == negative { -degrees } else { degrees })
}

struct Properties<'a> {
    root: Node<'a, 'a>,
}

impl<'a> Properties<'a> {
    fn of(document: &'a Document<'a>) -> Option<Properties<'a>> {
        let root = document.descendants().find(|node| node.has_tag_name((RDF, "RDF")))?;
        Some(Properties { root })
    }

    /// Returns a simple property: an attribute of a description, or the text of an element in it.
    fn text(&self, space: &str, name: &str) -> Option<String> {
        let text = |description: Node<'a, 'a>| description.attribute((space, name)).or_else(|| child(description, space, name)?.text());
        self.descriptions().find_map(text).and_then(clean)
    }

    /// Returns the ids of the document.
    fn documents(&self) -> BTreeSet<String> {
        let own = ["DocumentID", "OriginalDocumentID", "InstanceID"].into_iter().filter_map(|name| self.text(MEDIA, name));
        let derived = self.descriptions().filter_map(|description| child(description, MEDIA, "DerivedFrom"));
        let of_references = derived.flat_map(|element| element.descendants()).flat_map(|node| {
            let attributes = node.attributes().filter(|a| is_reference(a.namespace(), a.name())).map(|a| a.value());
            let text = node.text().filter(|_| node.is_element() && is_reference(node.tag_name().namespace(), node.tag_name().name()));
            attributes.chain(text).map(str::to_owned).collect::<Vec<_>>()
        });
        own.chain(of_references).filter_map(|text| id(&text)).take(MAX_DOCUMENTS).collect()
    }

    /// Returns the items of a list. Some programs write a single one as a simple property.
    fn list(&self, space: &str, name: &str) -> Vec<String> {
        let texts = self.descriptions().flat_map(|description| {
            let element = child(description, space, name);
            let mut texts: Vec<&str> = element.into_iter().flat_map(items).filter_map(|item| item.text()).collect();
            if texts.is_empty() {
                texts.extend(element.and_then(|element| element.text()));
            }
            texts.extend(description.attribute((space, name)));
            texts
        });
        texts.filter_map(clean_keyword).collect()
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
            let is_of_programs = space.is_none_or(|space| OF_PROGRAMS.contains(&space) && !NAMES_OF_A_PERSON.contains(&name))
                || NAMES_OF_PROGRAMS.contains(&name);
            is_of_programs || (space, name) == (Some(DC), "subject") || matches!(name, "hierarchicalSubject" | "TagsList")
        };
        for node in self.root.children().filter(|node| node.is_element() && !node.has_tag_name((RDF, "Description"))) {
            other.add_named(node.tag_name().name().as_bytes(), spelled(node).as_bytes());
        }
        for description in self.descriptions() {
            for attribute in description.attributes().filter(|a| !is_read(a.namespace(), a.name())) {
                let is_one = matches!(attribute.name(), "title" | "description" | "creator");
                if attribute.namespace() != Some(DC) || !is_one {
                    other.add_named(attribute.name().as_bytes(), attribute.value().as_bytes());
                }
            }
            let elements = description.children().filter(|child| child.is_element());
            for element in elements.filter(|e| !is_read(e.tag_name().namespace(), e.tag_name().name())) {
                let name = element.tag_name().name();
                let is_one = matches!(name, "title" | "description" | "creator") && items(element).count() < 2;
                let is_empty = NAMES_OF_A_PERSON.contains(&name) && element.descendants().all(|node| !node.is_text() || is_blank(node));
                if (element.tag_name().namespace() != Some(DC) || !is_one) && !is_empty {
                    other.add_named(name.as_bytes(), spelled(element).as_bytes());
                }
            }
        }
    }

    /// The descriptions of the photo. Those inside are of what it was made from, or of parts of it.
    fn descriptions(&self) -> impl Iterator<Item = Node<'a, 'a>> {
        self.root.children().filter(|node| node.has_tag_name((RDF, "Description")))
    }
}

/// Whether a property of a reference is an id.
fn is_reference(space: Option<&str>, name: &str) -> bool {
    space == Some(REFERENCE) && ["documentID", "originalDocumentID", "instanceID"].contains(&name)
}

fn is_blank(text: Node<'_, '_>) -> bool {
    text.text().unwrap_or_default().trim().is_empty()
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
        let hashes = |elements: &str| {
            let mut other = Other::default();
            super::read(packet("", elements).as_bytes(), &mut other);
            other.into_hashes()
        };
        assert_ne!(hashes(regions), hashes(&regions.replace("Ada", "Ann")));
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
    fn the_ids_of_a_document_and_of_what_it_was_derived_from_are_read() {
        let ids = ["0f3c5a7e9b1d2f4a", "1a2b3c4d5e6f7081", "2b3c4d5e6f708192", "3c4d5e6f708192a3", "4d5e6f708192a3b4"];
        let [own, original, instance, from, before] = ids;
        let spaces = format!("xmlns:xmpMM='{MEDIA}' xmlns:stRef='{REFERENCE}'");
        let attributes = format!("xmpMM:DocumentID='{own}' xmpMM:OriginalDocumentID='{original}'");
        let within = |inner: &str| format!("<xmpMM:InstanceID>{instance}</xmpMM:InstanceID><xmpMM:DerivedFrom {inner}</xmpMM:DerivedFrom>");
        for elements in [
            within(&format!("stRef:documentID='{from}' stRef:instanceID='{before}'>")),
            within(&format!(
                "rdf:parseType='Resource'><stRef:documentID>{from}</stRef:documentID><stRef:instanceID>{before}</stRef:instanceID>"
            )),
        ] {
            let read = read(packet(&format!("{spaces} {attributes}"), &elements).as_bytes()).expect("a packet");
            assert_eq!(read.documents, ids.map(str::to_owned).into(), "{elements}");
        }
        assert!(read(packet(&format!("{spaces} xmpMM:DocumentID='1'"), "").as_bytes()).expect("a packet").documents.is_empty());
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
    fn a_single_keyword_may_be_a_simple_property() {
        let keywords = |attributes: &str, elements: &str| {
            let read = read(packet(attributes, elements).as_bytes()).expect("a packet").description.keywords;
            read.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(keywords("", "<dc:subject>sea</dc:subject>"), ["sea"]);
        assert_eq!(keywords("dc:subject='sea' lr:hierarchicalSubject='places|Rome'", ""), ["places|Rome", "sea"]);
        assert_eq!(keywords("", "<dc:subject><rdf:Bag> </rdf:Bag></dc:subject>"), [""; 0]);
    }

    #[test]
    fn a_value_that_is_not_understood_counts() {
        let of = |attributes: &str, elements: &str| {
            let mut other = Other::default();
            let read = super::read(packet(attributes, elements).as_bytes(), &mut other);
            (read.description, other.into_hashes().len())
        };
        for (attributes, expected) in [
            ("xmp:Rating='0'", 0),
            ("xmp:Rating='five'", 1),
            ("xmp:Rating='9'", 1),
            ("exif:GPSLatitude='0,0N' exif:GPSLongitude='0,0E'", 0),
            ("exif:GPSLatitude='52,31.2X' exif:GPSLongitude='13,24W'", 1),
            ("exif:GPSLatitude='91,0N' exif:GPSLongitude='181,0W'", 2),
            ("exif:GPSLatitude='here' exif:GPSLongitude='there'", 2),
            ("dc:rights='Ada'", 1),
            ("dc:format='image/jpeg'", 0),
            ("exif:UserComment='Aunt Ann'", 1),
        ] {
            assert_eq!(of(attributes, ""), (Description::default(), expected), "{attributes}");
        }
        let comment =
            |text: &str| format!("<exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>{text}</rdf:li></rdf:Alt></exif:UserComment>");
        assert_eq!((of("", &comment("Aunt Ann")).1, of("", &comment(" ")).1), (1, 0));
        assert_eq!(of("", "<exif:PixelXDimension>9</exif:PixelXDimension>").1, 0);
        assert_eq!(of("dc:title='Sea' dc:description='The harbour' dc:creator='Ada'", "").1, 0);
        let read = of("dc:title='Sea' dc:description='The harbour' dc:creator='Ada'", "").0;
        assert_eq!([read.title, read.caption, read.creator], ["Sea", "The harbour", "Ada"].map(|text| Some(text.to_owned())));
    }

    #[test]
    fn a_packet_without_a_description_or_with_broken_characters_counts() {
        let of = |packet: &[u8]| {
            let mut other = Other::default();
            let read = super::read(packet, &mut other);
            (read.description.caption, other.into_hashes().len())
        };
        assert_eq!(of(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"), (None, 1));
        let whole = packet("", "<dc:description>caf\u{e9}</dc:description>");
        assert_eq!(of(whole.as_bytes()), (Some("café".to_owned()), 0));
        let latin: Vec<u8> = whole.replace('\u{feff}', "").chars().map(|c| c as u8).collect();
        assert_eq!(of(&latin), (Some("caf\u{fffd}".to_owned()), 1), "the rest of the packet is read");
        let typed = whole.replace("rdf:Description", "dc:Photo");
        assert_eq!(of(typed.as_bytes()), (None, 1));
        for length in 0..whole.len() {
            let (_, others) = of(&whole.as_bytes()[..length]);
            assert!(others == 1 || length + 30 > whole.len(), "{length} of {}", whole.len());
        }
    }

    #[test]
    fn degrees_are_read_as_programs_write_them() {
        let latitude = |text: &str| degrees(text, ['N', 'S'], 90.0).map(|degrees| (degrees * 1e4).round());
        for (text, expected) in [
            ("52,31.2N", Some(525_200.0)),
            ("52,31,12S", Some(-525_200.0)),
            ("52, 31.2 s", Some(-525_200.0)),
            ("-52.52", Some(-525_200.0)),
            ("52.52N", Some(525_200.0)),
            ("", None),
            ("N", None),
            ("52,31.2E", None),
            ("NaN,0N", None),
            ("inf", None),
            ("52,31.2\u{b0}", None),
        ] {
            assert_eq!(latitude(text), expected, "{text}");
        }
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
