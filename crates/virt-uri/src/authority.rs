//! The authority of a URI: user, host and port.

use std::net::Ipv6Addr;

use crate::ParseError;
use crate::escape::{decode, encode_bare_percents};

/// The characters that end an authority.
pub(crate) const AFTER_AUTHORITY: [char; 3] = ['/', '?', '#'];

/// Returns the part of a userinfo before its first colon, encoded or not.
///
/// libvirt makes no difference between the two, and a user's name contains neither.
pub(crate) fn user_name(userinfo: &str) -> &str {
    let colons = [":", "%3A", "%3a"].into_iter();
    let end = colons.filter_map(|colon| userinfo.find(colon)).min();
    end.map_or(userinfo, |end| &userinfo[..end])
}

/// Returns whether an `@` stands behind the user, so that other parts may belong to a password in
/// which `/`, `?`, `#` or `@` is not encoded.
pub(crate) fn may_quote_password(text: &str) -> bool {
    let (_, rest) = split_optional(text, ':');
    let rest = rest.unwrap_or_default();
    let behind_user = rest.strip_prefix("//").map_or(rest, |rest| {
        let end = rest.find(AFTER_AUTHORITY).unwrap_or(rest.len());
        rest[..end].find('@').map_or(rest, |at| &rest[at + 1..])
    });
    behind_user.contains('@')
}

pub(crate) fn parse_host_and_port(text: &str) -> Result<(Option<String>, Option<u16>), ParseError> {
    let bad_host = |host: &str| ParseError::Host {
        host: host.to_owned(),
    };
    // A character that no host may contain cannot be percent-encoded there either.
    let decode = |host: &str| match decode("host", host) {
        Err(ParseError::Character { .. }) => Err(bad_host(host)),
        result => result,
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(|| bad_host(text))?;
        let address = decode(&encode_bare_percents(address))?;
        let port = match rest.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None if rest.is_empty() => None,
            None => return Err(bad_host(text)),
        };
        return if is_ipv6(&address) {
            Ok((Some(address), port))
        } else {
            Err(bad_host(text))
        };
    }
    // From the right, so that an IPv6 address without brackets is a bad host, not a bad port.
    let (host, port) = text
        .rsplit_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let host = decode(host)?;
    if !host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    {
        return Err(bad_host(&host));
    }
    let port = port.map(parse_port).transpose()?.flatten();
    Ok((Some(host).filter(|host| !host.is_empty()), port))
}

fn parse_port(text: &str) -> Result<Option<u16>, ParseError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if is_number => Ok(Some(port).filter(|port| *port != 0)),
        _ => Err(ParseError::Port {
            port: text.to_owned(),
        }),
    }
}

/// Returns whether the text is an IPv6 address, with or without a zone (RFC 6874, decoded).
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = split_optional(text, '%');
    let is_zone = |zone: &str| {
        !zone.is_empty()
            && zone
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}

/// Splits a text at the first separator, if there is one.
pub(crate) fn split_optional(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}
