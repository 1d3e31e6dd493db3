//! The reasons why a subscription yields no event.

use thiserror::Error;
use virt_xdr::DecodeError;

use crate::{CallError, Closed, SessionError};

/// The reason why [`Subscription::recv`](crate::Subscription::recv) returns no event.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// An event does not decode. Others may follow.
    #[error("event does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// The daemon refused the registration.
    #[error("events are not registered: {0}")]
    Refused(CallError),
    /// The connection of the client is closed.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The session has ended.
    #[error(transparent)]
    Ended(#[from] SessionError),
}
