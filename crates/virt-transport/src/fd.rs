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
    /// that closes them elsewhere. [`into_owned`](Self::into_owned) takes the
    /// descriptor itself.
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

        /// Takes the descriptor out, to keep it or to close it yourself.
        #[must_use = "the descriptor is closed when dropped, which may block"]
        pub fn into_owned(mut self) -> OwnedFd {
            let Some(fd) = self.fd.take() else {
                unreachable!("a descriptor is taken out only once");
            };
            fd
        }
    }

    impl Drop for Fd {
        fn drop(&mut self) {
            if let Some(fd) = self.fd.take() {
                (self.close)(fd);
            }
        }
    }

    impl<T: Into<OwnedFd>> From<T> for Fd {
        fn from(fd: T) -> Self {
            Self::closed_by(fd.into(), drop)
        }
    }

    impl AsFd for Fd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            let Some(fd) = &self.fd else {
                unreachable!("a descriptor is taken out only once, at the end");
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
