//! One write to a socket and one read from it, with the descriptors that ride on them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// The most that the kernel takes in one message: more than the protocol's 32, so that a test can send too many.
pub const MAX_DESCRIPTORS: usize = 253;

/// Writes all bytes, the descriptors riding on the first write.
///
/// # Errors
///
/// Those of `sendmsg(2)`.
///
/// # Panics
///
/// If there are more descriptors than [`MAX_DESCRIPTORS`].
pub fn write(
    socket: impl AsFd,
    mut bytes: &[u8],
    mut descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    assert!(
        descriptors.len() <= MAX_DESCRIPTORS,
        "{} descriptors are over {MAX_DESCRIPTORS}",
        descriptors.len()
    );
    while !bytes.is_empty() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
        }
        let sent = sendmsg(
            &socket,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        bytes = &bytes[sent..];
        descriptors = &[];
    }
    Ok(())
}

/// Reads up to `most` bytes, once; none at the end. Descriptors ride on the last byte: the kernel ends a read with the
/// write that carried them, and a libvirt peer sends those on one byte.
///
/// # Errors
///
/// Those of `recvmsg(2)`.
pub fn read(socket: impl AsFd, most: usize) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; most];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    bytes.truncate(message.bytes);
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    Ok((bytes, descriptors.flatten().collect()))
}
