//! The two ends of a connection.

/// The end of a connection that a transport is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Role {
    /// The end that calls. It behaves as libvirt's C client does.
    Client,
    /// The end that is called. It behaves as a libvirt daemon does.
    Server,
}
