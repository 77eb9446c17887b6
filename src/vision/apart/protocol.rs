//! What daemon and child say to each other: frames of a length, JSON, and pixels.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::photo::{Capture, Dimensions, Failure, Identity};

/// A new file: its descriptor comes with this byte.
pub const FILE: u8 = b'f';
/// Decode the file that was last identified.
pub const DECODE: u8 = b'd';

/// Say which fences are missing.
pub const FENCES: u8 = b'?';

/// The child's answer to FENCES: those that do not hold, each with why, for people.
pub type Unfenced = Vec<String>;

/// The child's answer to FILE.
pub type Identified = Result<Identity, Failure>;

/// The child's answer to DECODE; pixels follow as a frame of their own.
pub type DecodedHeader = Result<PictureHeader, Failure>;

#[derive(Serialize, Deserialize)]
pub struct PictureHeader {
    pub dimensions: Dimensions,
    pub capture: Capture,
}

/// A picture of SHORT_SIDE at the most extreme aspect that a header can state stays below this.
const LARGEST_PICTURE: usize = 256 << 20;

/// No answer in JSON comes near it.
const LARGEST_JSON: usize = 1 << 16;

pub fn send_file(socket: &UnixStream, file: impl AsFd) -> io::Result<()> {
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&[FILE])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next order and the file that came with it; `None` when the daemon is gone.
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
    read_frame(socket, LARGEST_PICTURE)
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
    Ok(serde_json::from_slice(&read_frame(socket, LARGEST_JSON)?)?)
}
