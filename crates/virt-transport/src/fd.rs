//! The type of a descriptor, so that nothing else depends on the platform.

/// A descriptor that travels with a message; it is closed when dropped.
#[cfg(unix)]
pub type Fd = std::os::fd::OwnedFd;

/// A descriptor that travels with a message. There are none on this platform.
#[cfg(not(unix))]
#[derive(Debug)]
pub enum Fd {}
