//! Descriptors that travel with frames.

#[cfg(unix)]
pub use unix::Fd;

/// A descriptor that travels with a frame. There are none on this platform.
#[cfg(not(unix))]
#[derive(Debug)]
pub enum Fd {}

#[cfg(unix)]
mod unix {
    use std::fmt;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    /// A descriptor that travels with a frame. Dropping it closes it.
    ///
    /// Closing may block: a TCP socket with `SO_LINGER` waits for its unsent data, and a peer chooses the descriptors it
    /// sends. An owner that must not block makes received descriptors with [`closed_by`](Self::closed_by), and a function
    /// that closes them elsewhere. To close one yourself, or to keep it, convert it to an [`OwnedFd`].
    pub struct Fd {
        /// `None` only while it is dropped.
        fd: Option<OwnedFd>,
        close: fn(OwnedFd),
    }

    impl Fd {
        /// Makes a descriptor that `close` closes when it is dropped.
        #[must_use]
        pub fn closed_by(fd: OwnedFd, close: fn(OwnedFd)) -> Self {
            Self {
                fd: Some(fd),
                close,
            }
        }
    }

    impl Drop for Fd {
        fn drop(&mut self) {
            if let Some(fd) = self.fd.take() {
                (self.close)(fd);
            }
        }
    }

    impl From<OwnedFd> for Fd {
        fn from(fd: OwnedFd) -> Self {
            Self::closed_by(fd, drop)
        }
    }

    impl From<Fd> for OwnedFd {
        fn from(mut fd: Fd) -> Self {
            let Some(fd) = fd.fd.take() else {
                unreachable!("a descriptor is taken out only when it is dropped");
            };
            fd
        }
    }

    impl AsFd for Fd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            let Some(fd) = &self.fd else {
                unreachable!("a descriptor is taken out only when it is dropped");
            };
            fd.as_fd()
        }
    }

    impl fmt::Debug for Fd {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("Fd").field(&self.fd).finish()
        }
    }
}
