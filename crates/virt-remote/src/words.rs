//! Flags, and how the generated types read in a sentence.

use std::fmt;

use crate::{AuthListRet, AuthType, CloseReason};

/// A flag of `CONNECT_OPEN`: the connection can only read.
pub const READ_ONLY: u32 = 1;

/// `none`, `sasl`, `polkit`, or the number.
impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.pad("none"),
            Self::SASL => f.pad("sasl"),
            Self::POLKIT => f.pad("polkit"),
            Self(unknown) => write!(f, "authentication type {unknown}"),
        }
    }
}

/// What is offered, as in `sasl, polkit`; `nothing` if the list is empty.
impl fmt::Display for AuthListRet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.types.is_empty() {
            return f.pad("nothing");
        }
        for (i, kind) in self.types.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{kind}")?;
        }
        Ok(())
    }
}

/// libvirt's four words: `error`, `end of file`, `keepalive`, `client`; or the number.
impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ERROR => f.pad("error"),
            Self::EOF => f.pad("end of file"),
            Self::KEEPALIVE => f.pad("keepalive"),
            Self::CLIENT => f.pad("client"),
            Self(unknown) => write!(f, "close reason {unknown}"),
        }
    }
}
