//! Generated types in the words of a sentence.

use std::fmt;

use crate::constants::ConnectCloseReason;
use crate::remote::{AuthListRet, AuthType};

/// The name as in a sentence: `none`, `SASL`, `polkit`, or `type 7`.
impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.pad("none"),
            Self::SASL => f.pad("SASL"),
            Self::POLKIT => f.pad("polkit"),
            Self(unknown) => write!(f, "type {unknown}"),
        }
    }
}

/// The alternatives, as in `SASL or polkit`; `nothing` if the list is empty.
impl fmt::Display for AuthListRet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.types.is_empty() {
            return f.pad("nothing");
        }
        for (i, kind) in self.types.iter().enumerate() {
            let or = if i == 0 { "" } else { " or " };
            write!(f, "{or}{kind}")?;
        }
        Ok(())
    }
}

/// libvirt's four words: `error`, `end of file`, `keepalive`, `client`; or the number.
impl fmt::Display for ConnectCloseReason {
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
