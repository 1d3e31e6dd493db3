//! Closes received descriptors on threads of its own: a peer chooses them, and closing some blocks for long.
//!
//! A TCP socket with `SO_LINGER` and unsent data blocks `close` until the data is sent or the time is over, and other kinds
//! of files may block, too. A descriptor in the queue of a Unix socket is closed with the socket.
//!
//! > Two cases remain. A process without free descriptors has received ones closed by the kernel, on the thread that reads.
//! > And a received Unix socket that has such a socket in its queue blocks a thread here, because its queue is not ours to
//! > read: the sender may share it.

use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, accept, recvmsg};

/// The descriptors that one message of a Unix socket can carry: Linux' `SCM_MAX_FD`.
pub(super) const FDS_IN_MESSAGE: usize = 253;

/// The most threads at once. While all of them are blocked, descriptors wait.
const THREADS: usize = 64;

/// The time that a thread waits for more to do before it ends.
const IDLE: Duration = Duration::from_secs(1);

/// The descriptors to be closed, of all connections of the process.
static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    fds: VecDeque::new(),
    threads: 0,
    idle: 0,
});

/// Notified at a new descriptor.
static ADDED: Condvar = Condvar::new();

struct Queue {
    fds: VecDeque<Item>,
    threads: usize,
    /// The threads that wait for a descriptor: `idle <= threads`.
    idle: usize,
}

enum Item {
    /// A descriptor that a peer has sent.
    Received(OwnedFd),
    /// The Unix socket of a connection, which may have descriptors in its queue.
    Socket(OwnedFd),
    /// A listening Unix socket, which may have such sockets in its queue.
    Listener(OwnedFd),
}

/// Closes a descriptor that a peer has sent, soon and elsewhere.
pub(super) fn close(fd: OwnedFd) {
    add(Item::Received(fd));
}

/// Closes the Unix socket of a connection, and the descriptors in its queue, soon and elsewhere.
pub(super) fn close_socket(socket: OwnedFd) {
    add(Item::Socket(socket));
}

/// Closes a listening Unix socket, and the connections in its queue, soon and elsewhere.
pub(super) fn close_listener(socket: OwnedFd) {
    add(Item::Listener(socket));
}

fn add(item: Item) {
    let mut queue = lock();
    queue.fds.push_back(item);
    if queue.idle >= queue.fds.len() || queue.threads >= THREADS {
        drop(queue);
        ADDED.notify_one();
        return;
    }
    queue.threads += 1;
    drop(queue);
    let spawned = thread::Builder::new()
        .name("virt-tokio-close".into())
        .spawn(run);
    if spawned.is_err() {
        // Without a thread the descriptors wait for the next one, or for one that runs.
        lock().threads -= 1;
    }
}

/// Closes descriptors until there have been none for a while.
fn run() {
    let mut queue = lock();
    loop {
        if let Some(item) = queue.fds.pop_front() {
            drop(queue);
            match item {
                Item::Received(fd) => close_here(fd),
                Item::Socket(socket) => drain(&socket),
                Item::Listener(socket) => {
                    while let Ok(connection) = accept(&socket) {
                        drain(&connection);
                    }
                }
            }
            queue = lock();
            continue;
        }
        queue.idle += 1;
        let (woken, wait) = ADDED
            .wait_timeout(queue, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        queue = woken;
        queue.idle -= 1;
        if wait.timed_out() && queue.fds.is_empty() {
            queue.threads -= 1;
            return;
        }
    }
}

/// Closes a descriptor on this thread.
fn close_here(fd: OwnedFd) {
    // Without lingering, closing a socket does not wait. This fails for other kinds of files.
    let _ = set_socket_linger(&fd, None);
}

/// Closes the descriptors in the queue of a socket on this thread.
fn drain(socket: &OwnedFd) {
    while let Some(fds) = receive(socket) {
        fds.into_iter().for_each(close_here);
    }
}

/// Takes the next message off the queue of a socket, and returns its descriptors; `None` if there is none.
fn receive(socket: impl AsFd) -> Option<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_IN_MESSAGE))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 4096];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        flags,
    )
    .ok()?;
    if message.bytes == 0 {
        return None;
    }
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Some(fds.flatten().collect())
}

fn lock() -> MutexGuard<'static, Queue> {
    // No operation panics between two changes under the lock.
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}
