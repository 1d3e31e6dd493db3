//! The version of libvirt or of a hypervisor.

use std::fmt;

/// A version as the protocol encodes it: one number, major * 1 000 000 + minor * 1000 + release.
///
/// ```
/// use virt_remote::Version;
///
/// let version = Version::from(10_003_000);
/// assert_eq!(version.to_string(), "10.3.0");
/// assert!(version > Version::new(9, 11, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Version(pub u64);

impl Version {
    /// Creates the version `major.minor.release`. A minor or release above 999 carries into the part before it.
    #[must_use]
    pub const fn new(major: u32, minor: u32, release: u32) -> Self {
        Self(major as u64 * 1_000_000 + minor as u64 * 1000 + release as u64)
    }

    /// The major version.
    #[must_use]
    pub const fn major(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The minor version, 0 to 999.
    #[must_use]
    pub const fn minor(self) -> u64 {
        self.0 / 1000 % 1000
    }

    /// The release, 0 to 999.
    #[must_use]
    pub const fn release(self) -> u64 {
        self.0 % 1000
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major(), self.minor(), self.release())
    }
}
