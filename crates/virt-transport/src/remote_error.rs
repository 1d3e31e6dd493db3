//! The error that a peer sends in place of a return value.

use std::fmt;

use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, ProgramId, Status};

use crate::{ErrorCode, ErrorLevel, ErrorPayload, ErrorSource};

/// An error that one end of the protocol sends to the other.
///
/// It is sent in place of a return value, and to abort a stream. The constructors make the errors of a libvirt
/// daemon's RPC layer, word for word.
///
/// It has the size of one pointer; all fields are in [`payload`](Self::payload).
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct RemoteError(Box<ErrorPayload>);

impl RemoteError {
    /// Makes an error of level "error", with the message where libvirt puts it: as message and as `str2`.
    #[must_use]
    pub fn new(code: ErrorCode, source: ErrorSource, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(ErrorPayload {
            code,
            domain: source,
            message: Some(message.clone()),
            level: ErrorLevel::ERROR,
            str1: Some("%s".into()),
            str2: Some(message),
            // What a libvirt daemon sends in errors of its RPC layer.
            int1: -1,
            int2: -1,
            ..ErrorPayload::default()
        }))
    }

    /// Makes the error for an unknown program or version.
    #[must_use]
    pub fn unknown_program(program: ProgramId) -> Self {
        let number = program.number.cast_signed();
        let version = program.version.cast_signed();
        Self::rpc(format!("Cannot find program {number} version {version}"))
    }

    /// Makes the error for a call whose status is not ok.
    #[must_use]
    pub fn unexpected_status(status: Status) -> Self {
        Self::rpc(format!(
            "Unexpected message status {}",
            status.0.cast_unsigned()
        ))
    }

    /// Makes the error for an unknown procedure. libvirt's C client turns it into its code 3, "no support".
    #[must_use]
    pub fn unknown_procedure(procedure: i32) -> Self {
        Self::rpc(format!("unknown procedure: {procedure}"))
    }

    /// Makes the error for a call that needs authentication first.
    #[must_use]
    pub fn authentication_required() -> Self {
        Self::rpc("authentication required")
    }

    /// Makes the error for a payload that does not decode.
    #[must_use]
    pub fn undecodable_payload() -> Self {
        Self::rpc("Unable to decode message payload")
    }

    /// Makes the error for a frame of a stream with an unknown status.
    #[must_use]
    pub fn unexpected_stream_status(status: Status) -> Self {
        let status = status.0;
        let message = format!("stream aborted with unexpected status {status}");
        Self::new(ErrorCode::RPC, ErrorSource::STREAMS, message)
    }

    /// Makes the error for a stream that ends without a reason.
    #[must_use]
    pub fn unexpected_stream_end() -> Self {
        let message = "stream had unexpected termination";
        Self::new(ErrorCode::RPC, ErrorSource::STREAMS, message)
    }

    /// Returns the code that tells errors apart.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Returns the part of libvirt that the error comes from: the protocol's `domain`.
    #[must_use]
    pub fn source_domain(&self) -> ErrorSource {
        self.0.domain
    }

    /// Returns the text for a person, or an empty one.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0.message.as_deref().unwrap_or_default()
    }

    /// Returns whether the peer lacks what was called: the procedure is unknown to it, or its driver does not support it.
    ///
    /// A daemon says the first with [`ErrorCode::RPC`] and "unknown procedure: 7", which libvirt's C client turns into
    /// [`ErrorCode::NO_SUPPORT`], and the second with that code itself.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        match self.code() {
            ErrorCode::NO_SUPPORT | ErrorCode::OPERATION_UNSUPPORTED => true,
            ErrorCode::RPC => self.message().starts_with("unknown procedure"),
            _ => false,
        }
    }

    /// Returns whether the object that was asked for does not exist, such as a domain or a volume.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.code(),
            ErrorCode::NO_DOMAIN
                | ErrorCode::NO_DOMAIN_BACKUP
                | ErrorCode::NO_DOMAIN_CHECKPOINT
                | ErrorCode::NO_DOMAIN_METADATA
                | ErrorCode::NO_DOMAIN_SNAPSHOT
                | ErrorCode::NO_CLIENT
                | ErrorCode::NO_INTERFACE
                | ErrorCode::NO_NETWORK
                | ErrorCode::NO_NETWORK_METADATA
                | ErrorCode::NO_NETWORK_PORT
                | ErrorCode::NO_NODE_DEVICE
                | ErrorCode::NO_NWFILTER
                | ErrorCode::NO_NWFILTER_BINDING
                | ErrorCode::NO_SECRET
                | ErrorCode::NO_SERVER
                | ErrorCode::NO_STORAGE_POOL
                | ErrorCode::NO_STORAGE_VOL
        )
    }

    /// Returns whether the present state of the object does not allow the call, such as starting a domain that runs.
    #[must_use]
    pub fn is_invalid_state(&self) -> bool {
        self.code() == ErrorCode::OPERATION_INVALID
    }

    /// Returns whether the user may not do it: authentication or authorization has failed, or the connection is read-only.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(
            self.code(),
            ErrorCode::ACCESS_DENIED
                | ErrorCode::AUTH_CANCELLED
                | ErrorCode::AUTH_FAILED
                | ErrorCode::AUTH_UNAVAILABLE
                | ErrorCode::OPERATION_DENIED
        )
    }

    /// Returns whether the daemon gave up waiting, for a lock of the domain or for its guest.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(
            self.code(),
            ErrorCode::AGENT_UNRESPONSIVE | ErrorCode::OPERATION_TIMEOUT
        )
    }

    /// Returns all fields.
    #[must_use]
    pub fn payload(&self) -> &ErrorPayload {
        &self.0
    }

    /// Returns the memory that the error takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let error = &self.0;
        let texts = [&error.message, &error.str1, &error.str2, &error.str3];
        let domain = error.domain_object.as_ref().map(|domain| &domain.name);
        let network = error.network_object.as_ref().map(|network| &network.name);
        let texts = texts.into_iter().flatten().chain(domain).chain(network);
        size_of::<ErrorPayload>() + texts.map(String::len).sum::<usize>()
    }

    fn rpc(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::RPC, ErrorSource::RPC, message)
    }
}

impl From<ErrorPayload> for RemoteError {
    fn from(payload: ErrorPayload) -> Self {
        Self(Box::new(payload))
    }
}

/// Becomes "Unable to decode message payload", a daemon's answer to any fault of it.
impl From<DecodeError> for RemoteError {
    fn from(_: DecodeError) -> Self {
        Self::undecodable_payload()
    }
}

impl Encode for RemoteError {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.0.as_ref().encode(out)
    }
}

/// A [lenient](Decoder::lenient) decoder puts U+FFFD in place of invalid bytes, so that a text in another encoding does not
/// hide the error.
impl Decode<'_> for RemoteError {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        ErrorPayload::decode(input).map(Self::from)
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            "" => write!(f, "error code {} without a message", self.0.code.0),
            message => f.write_str(message),
        }
    }
}

impl std::error::Error for RemoteError {}
