//! The protocol of daemon and child: frames with a length that hold JSON or pixels.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::photo::{Capture, Claimed, Details, Dimensions, Failure, Metadata, PixelHash};

/// Identify a new file. Its descriptor comes with this byte.
pub const FILE: u8 = b'f';
/// Read a sidecar: an XMP packet in a file of its own. Its descriptor comes with this byte.
pub const SIDECAR: u8 = b's';
/// Read of a file what is not stored. Its descriptor comes with this byte.
pub const DETAILS: u8 = b'm';
/// Decode the file that was last identified.
pub const DECODE: u8 = b'd';
/// Decode every pixel of the file that was last identified.
pub const DECODE_WHOLE: u8 = b'w';

/// Say whether the colours of a file would be converted, by its beginning. Its descriptor comes with this byte.
pub const COLOURS: u8 = b'c';

/// List the missing sandbox layers.
pub const LAYERS: u8 = b'?';

/// The answer to [`LAYERS`]: the missing layers, each with the reason.
pub type MissingLayers = Vec<String>;

/// The answer to [`FILE`].
pub type Identified = Result<Claimed, Failure>;

/// The answer to [`SIDECAR`].
pub type Noted = Result<Metadata, Failure>;
/// The answer to [`DETAILS`].
pub type Detailed = Result<Details, Failure>;
/// The answer to [`COLOURS`].
pub type NeedsConversion = Result<bool, Failure>;

/// The answer to [`DECODE`]. The pixels follow in a frame of their own.
pub type DecodedHeader = Result<PictureHeader, Failure>;

/// The answer to [`DECODE_WHOLE`].
pub type DecodedWhole = Result<(), Failure>;

#[derive(Serialize, Deserialize)]
pub struct PictureHeader {
    pub dimensions: Dimensions,
    pub pixels: Option<PixelHash>,
    pub detail: Option<f64>,
    pub capture: Capture,
    pub is_converted: bool,
}

/// Larger than any picture of SHORT_SIDE, even at the most extreme aspect of a header.
const MAX_PICTURE_BYTES: usize = 256 << 20;

/// Larger than any JSON answer: texts in metadata are cut.
const MAX_JSON_BYTES: usize = 1 << 19;

/// Sends an order with its file.
pub fn send_file(socket: &UnixStream, order: u8, file: impl AsFd) -> io::Result<()> {
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&[order])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next order and its file. `None` if the daemon is gone.
pub fn receive_order(socket: &UnixStream) -> io::Result<Option<(u8, Option<OwnedFd>)>> {
    let mut order = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut order)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let file = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    Ok((received.bytes > 0).then_some((order[0], file)))
}

pub fn write_frame(mut socket: &UnixStream, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    socket.write_all(&length.to_le_bytes())?;
    socket.write_all(bytes)
}

pub fn read_pixels(socket: &UnixStream) -> io::Result<Vec<u8>> {
    read_frame(socket, MAX_PICTURE_BYTES)
}

fn read_frame(mut socket: &UnixStream, largest: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > largest {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame larger than any answer"));
    }
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub fn write_json<T: Serialize>(socket: &UnixStream, value: &T) -> io::Result<()> {
    write_frame(socket, &serde_json::to_vec(value)?)
}

pub fn read_json<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<T> {
    Ok(serde_json::from_slice(&read_frame(socket, MAX_JSON_BYTES)?)?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek, SeekFrom};
    use std::thread;

    use super::*;
    use crate::photo::Stage;

    fn pair() -> (UnixStream, UnixStream) {
        UnixStream::pair().expect("a pair of sockets")
    }

    #[test]
    fn an_order_comes_with_its_file_and_ends_with_the_socket() {
        let (daemon, child) = pair();
        let mut sent = tempfile::tempfile().expect("a file");
        sent.write_all(b"photo").and_then(|()| sent.seek(SeekFrom::Start(0))).expect("written");
        send_file(&daemon, FILE, &sent).expect("sent");
        (&daemon).write_all(&[DECODE]).expect("sent");
        drop(daemon);
        let Ok(Some((FILE, Some(file)))) = receive_order(&child) else { panic!("an order with a file") };
        let mut text = String::new();
        File::from(file).read_to_string(&mut text).expect("read");
        assert_eq!(text, "photo");
        assert!(matches!(receive_order(&child), Ok(Some((DECODE, None)))));
        assert!(matches!(receive_order(&child), Ok(None)));
    }

    #[test]
    fn answers_and_pixels_come_as_they_were_written() {
        let (daemon, child) = pair();
        let pixels: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let answer: Identified = Err(Failure::new(Stage::Decode, "cut off"));
        let (written, said) = (pixels.clone(), answer.clone());
        let child = thread::spawn(move || write_json(&child, &said).and_then(|()| write_frame(&child, &written)));
        assert_eq!(read_json::<Identified>(&daemon).expect("an answer"), answer);
        assert_eq!(read_pixels(&daemon).expect("pixels"), pixels);
        child.join().expect("no panic").expect("written");
    }

    #[test]
    fn a_frame_that_is_too_long_or_cut_off_or_no_answer_is_an_error() {
        let kind = |bytes: &[u8]| {
            let (daemon, child) = pair();
            (&child).write_all(bytes).expect("written");
            drop(child);
            read_json::<Identified>(&daemon).expect_err("broken").kind()
        };
        let too_long = (MAX_JSON_BYTES as u32 + 1).to_le_bytes();
        assert_eq!(kind(&too_long), io::ErrorKind::InvalidData, "nothing is allocated for it");
        assert_eq!(kind(&u32::MAX.to_le_bytes()), io::ErrorKind::InvalidData);
        assert_eq!(kind(&[3, 0]), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&[3, 0, 0, 0, b'n']), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&[2, 0, 0, 0, b'{', b'}']), io::ErrorKind::InvalidData, "JSON of something else");
    }
}
