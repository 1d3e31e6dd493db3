//! The errors of a daemon's procedures. Those of its RPC layer are in virt-transport.

use virt_protocol::Uuid;
use virt_transport::{ErrorCode, ErrorPayload, ErrorSource, RemoteError};

/// The code of a URI that no driver opens.
const NO_CONNECT: ErrorCode = ErrorCode(5);
/// The source of errors that libvirt's public functions find before they ask a driver.
const DOMAINS: ErrorSource = ErrorSource(20);

/// An error inside the daemon.
pub(crate) fn internal(source: ErrorSource, detail: &str) -> RemoteError {
    with_detail(
        ErrorCode::INTERNAL_ERROR,
        source,
        "internal error: %s",
        detail,
    )
}

/// The error of a call that needs `CONNECT_OPEN` first.
pub(crate) fn not_open() -> RemoteError {
    internal(ErrorSource::RPC, "hypervisor connection not open")
}

pub(crate) fn already_open() -> RemoteError {
    internal(ErrorSource::RPC, "connection already open")
}

/// The error of every authentication that fails. A daemon does not tell the reason.
pub(crate) fn authentication_failed() -> RemoteError {
    with_detail(
        ErrorCode::AUTH_FAILED,
        ErrorSource::RPC,
        "authentication failed: %s",
        "authentication failed",
    )
}

pub(crate) fn no_driver(uri: &str) -> RemoteError {
    with_detail(
        NO_CONNECT,
        ErrorSource::NONE,
        "no connection driver available for %s",
        uri,
    )
}

pub(crate) fn read_only(function: &str) -> RemoteError {
    with_detail(
        ErrorCode::OPERATION_DENIED,
        DOMAINS,
        "operation forbidden: %s",
        &format!("read only access prevents {function}"),
    )
}

pub(crate) fn no_domain() -> RemoteError {
    let message = "Domain not found";
    let error = RemoteError::new(ErrorCode::NO_DOMAIN, ErrorSource::TEST, message);
    RemoteError::from(ErrorPayload {
        str1: Some(message.to_owned()),
        str2: None,
        ..error.payload().clone()
    })
}

/// The error of a client's domain that is gone.
pub(crate) fn domain_gone(uuid: Uuid, name: &str) -> RemoteError {
    with_detail(
        ErrorCode::NO_DOMAIN,
        ErrorSource::TEST,
        "Domain not found: %s",
        &format!("no domain with matching uuid '{uuid}' ({name})"),
    )
}

pub(crate) fn unsupported_flags(flags: u32, function: &str) -> RemoteError {
    let message = format!("unsupported flags (0x{flags:x}) in function {function}");
    of_argument(ErrorSource::TEST, &message, "flags", function)
}

pub(crate) fn negative(argument: &str, function: &str) -> RemoteError {
    let message = format!("{argument} in {function} must be zero or greater");
    of_argument(ErrorSource::DOMAIN, &message, argument, function)
}

/// The error of an argument, with the names of it and the function.
fn of_argument(source: ErrorSource, message: &str, argument: &str, function: &str) -> RemoteError {
    let error = RemoteError::new(ErrorCode::INVALID_ARG, source, message);
    RemoteError::from(ErrorPayload {
        str1: Some(function.to_owned()),
        str2: Some(argument.to_owned()),
        int1: 0,
        int2: 0,
        ..error.payload().clone()
    })
}

pub(crate) fn invalid_argument(source: ErrorSource, detail: &str) -> RemoteError {
    with_detail(
        ErrorCode::INVALID_ARG,
        source,
        "invalid argument: %s",
        detail,
    )
}

/// The error of a call that the state of the domain does not allow.
pub(crate) fn invalid_operation(detail: &str) -> RemoteError {
    with_detail(
        ErrorCode::OPERATION_INVALID,
        ErrorSource::DOMAIN,
        "Requested operation is not valid: %s",
        detail,
    )
}

pub(crate) fn operation_failed(detail: &str) -> RemoteError {
    with_detail(
        ErrorCode::OPERATION_FAILED,
        ErrorSource::DOMAIN,
        "operation failed: %s",
        detail,
    )
}

pub(crate) fn secure_flag() -> RemoteError {
    with_detail(
        ErrorCode::OPERATION_DENIED,
        ErrorSource::DOMAIN,
        "operation forbidden: %s",
        "virDomainGetXMLDesc with secure flag",
    )
}

/// The error of XML that says something impossible.
pub(crate) fn xml(source: ErrorSource, detail: &str) -> RemoteError {
    with_detail(ErrorCode::XML_ERROR, source, "XML error: %s", detail)
}

/// The error of a text that is not XML, or has characters that its place does not allow.
pub(crate) fn xml_detail(source: ErrorSource, detail: &str) -> RemoteError {
    RemoteError::new(ErrorCode::XML_DETAIL, source, detail)
}

pub(crate) fn unsupported_config(detail: &str) -> RemoteError {
    with_detail(
        ErrorCode::CONFIG_UNSUPPORTED,
        ErrorSource::DOMAIN,
        "unsupported configuration: %s",
        detail,
    )
}

pub(crate) fn no_name() -> RemoteError {
    let message = "missing name information";
    let error = RemoteError::new(ErrorCode::NO_NAME, ErrorSource::DOMAIN, message);
    RemoteError::from(ErrorPayload {
        str1: Some(message.to_owned()),
        str2: None,
        ..error.payload().clone()
    })
}

/// An error that carries its format and the detail in it, besides the message.
fn with_detail(code: ErrorCode, source: ErrorSource, format: &str, detail: &str) -> RemoteError {
    let error = RemoteError::new(code, source, format.replace("%s", detail));
    RemoteError::from(ErrorPayload {
        str1: Some(format.to_owned()),
        str2: Some(detail.to_owned()),
        ..error.payload().clone()
    })
}
