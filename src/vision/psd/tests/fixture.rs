//! A writer of small Photoshop files. It shares no code with the reader.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Compression {
    Raw = 0,
    PackBits = 1,
    Zip = 2,
    Predicted = 3,
}

/// A file to write.
#[derive(Clone)]
pub struct Fixture {
    pub is_large: bool,
    /// The number of the colour mode.
    pub mode: u16,
    pub depth: u16,
    pub width: usize,
    pub height: usize,
    /// Row by row, from 0 for the least value that can be stored to 1 for the largest.
    pub channels: Vec<Vec<f64>>,
    pub compression: Compression,
    pub palette: Vec<u8>,
    /// Identifier, name and content.
    pub resources: Vec<(u16, &'static str, Vec<u8>)>,
    /// Zero writes an empty section of layers.
    pub layers: i16,
    /// The keys of empty blocks after the layers.
    pub blocks: Vec<&'static str>,
}

impl Fixture {
    /// A file with `count` channels, of which `value` gives the values from channel, column and row.
    pub fn new(
        mode: u16,
        depth: u16,
        (width, height): (usize, usize),
        count: usize,
        value: impl Fn(usize, usize, usize) -> f64,
    ) -> Fixture {
        let channel = |channel| (0..width * height).map(|at| value(channel, at % width, at / width)).collect();
        Fixture {
            is_large: false,
            mode,
            depth,
            width,
            height,
            channels: (0..count).map(channel).collect(),
            compression: Compression::Raw,
            palette: Vec::new(),
            resources: Vec::new(),
            layers: 0,
            blocks: Vec::new(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"8BPS".to_vec();
        bytes.extend([0, if self.is_large { 2 } else { 1 }, 0, 0, 0, 0, 0, 0]);
        bytes.extend((self.channels.len() as u16).to_be_bytes());
        bytes.extend((self.height as u32).to_be_bytes());
        bytes.extend((self.width as u32).to_be_bytes());
        bytes.extend(self.depth.to_be_bytes());
        bytes.extend(self.mode.to_be_bytes());
        with_length(&mut bytes, &self.palette, false);
        with_length(&mut bytes, &self.resource_section(), false);
        with_length(&mut bytes, &self.layer_section(), self.is_large);
        bytes.extend((self.compression as u16).to_be_bytes());
        bytes.extend(self.picture());
        bytes
    }

    fn resource_section(&self) -> Vec<u8> {
        let mut section = Vec::new();
        for (id, name, content) in &self.resources {
            section.extend(b"8BIM");
            section.extend(id.to_be_bytes());
            section.push(name.len() as u8);
            section.extend(name.as_bytes());
            if name.len() % 2 == 0 {
                section.push(0);
            }
            with_length(&mut section, content, false);
            if content.len() % 2 == 1 {
                section.push(0);
            }
        }
        section
    }

    fn layer_section(&self) -> Vec<u8> {
        if self.layers == 0 && self.blocks.is_empty() {
            return Vec::new();
        }
        let info = if self.layers == 0 { Vec::new() } else { self.layers.to_be_bytes().to_vec() };
        let mut section = Vec::new();
        with_length(&mut section, &info, self.is_large);
        with_length(&mut section, &[], false);
        // A block with content that is padded, and a long one.
        for (signature, key, content) in [("8BIM", "Patt", &[1u8, 2, 3, 4, 5][..]), ("8B64", "cinf", &[])] {
            section.extend(signature.as_bytes());
            section.extend(key.as_bytes());
            with_length(&mut section, content, self.is_large && signature == "8B64");
            section.resize(section.len() + (4 - content.len() % 4) % 4, 0);
        }
        for key in &self.blocks {
            section.extend(b"8BIM");
            section.extend(key.as_bytes());
            with_length(&mut section, &[], self.is_large);
        }
        section
    }

    fn picture(&self) -> Vec<u8> {
        let rows: Vec<Vec<u8>> =
            self.channels.iter().flat_map(|channel| channel.chunks(self.width).map(|row| stored(row, self.depth))).collect();
        match self.compression {
            Compression::Raw => rows.concat(),
            Compression::PackBits => {
                let packed: Vec<Vec<u8>> = rows.iter().map(|row| packed(row)).collect();
                let mut bytes = Vec::new();
                for row in &packed {
                    let length = (row.len() as u32).to_be_bytes();
                    bytes.extend(if self.is_large { &length[..] } else { &length[2..] });
                }
                bytes.extend(packed.concat());
                bytes
            }
            Compression::Zip => zipped(&rows.concat()),
            Compression::Predicted => zipped(&rows.iter().flat_map(|row| predicted(row, self.depth)).collect::<Vec<u8>>()),
        }
    }
}

fn with_length(bytes: &mut Vec<u8>, content: &[u8], is_long: bool) {
    let length = (content.len() as u64).to_be_bytes();
    bytes.extend(if is_long { &length[..] } else { &length[4..] });
    bytes.extend(content);
}

/// One row of one channel as stored.
fn stored(row: &[f64], depth: u16) -> Vec<u8> {
    match depth {
        1 => row.chunks(8).map(|bits| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit > 0.5) << (7 - at))).collect(),
        8 => row.iter().map(|value| (value * 255.0).round() as u8).collect(),
        16 => row.iter().flat_map(|value| ((value * 65_535.0).round() as u16).to_be_bytes()).collect(),
        _ => row.iter().flat_map(|value| (*value as f32).to_be_bytes()).collect(),
    }
}

/// Runs of three and more are packed, and a code without meaning stands before each.
fn packed(row: &[u8]) -> Vec<u8> {
    let mut code = Vec::new();
    let mut literal = Vec::new();
    let flush = |code: &mut Vec<u8>, literal: &mut Vec<u8>| {
        for part in literal.chunks(128) {
            code.push(part.len() as u8 - 1);
            code.extend(part);
        }
        literal.clear();
    };
    let mut at = 0;
    while at < row.len() {
        let run = row[at..].iter().take(128).take_while(|value| **value == row[at]).count();
        if run >= 3 {
            flush(&mut code, &mut literal);
            code.extend([128, (257 - run) as u8, row[at]]);
        } else {
            literal.extend(&row[at..at + run]);
        }
        at += run;
    }
    flush(&mut code, &mut literal);
    code
}

fn predicted(row: &[u8], depth: u16) -> Vec<u8> {
    let differences = |row: &[u8]| -> Vec<u8> { (0..row.len()).map(|x| row[x].wrapping_sub(if x > 0 { row[x - 1] } else { 0 })).collect() };
    match depth {
        8 => differences(row),
        16 => {
            let values: Vec<u16> = row.chunks(2).map(|value| u16::from_be_bytes([value[0], value[1]])).collect();
            (0..values.len()).flat_map(|x| values[x].wrapping_sub(if x > 0 { values[x - 1] } else { 0 }).to_be_bytes()).collect()
        }
        _ => differences(&(0..4).flat_map(|byte| row.iter().skip(byte).step_by(4).copied()).collect::<Vec<u8>>()),
    }
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).expect("it is memory");
    encoder.finish().expect("it is memory")
}
