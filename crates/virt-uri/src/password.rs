//! The password of a URI, found in its text so that it is never printed.

use std::borrow::Cow;
use std::ops::Range;

use crate::Uri;

/// The characters that stand for a password.
const HIDDEN: &str = "***";

/// Returns the text of a URI with `***` in place of a password, for messages.
///
/// If the text is not a URI, everything that could be a password is hidden: from the first `:` after `://`, or of all, to
/// the last `@`.
///
/// # Examples
///
/// ```
/// use virt_uri::without_password;
///
/// let text = "qemu+ssh://user:secret@host/system";
/// assert_eq!(without_password(text), "qemu+ssh://user:***@host/system");
/// assert_eq!(without_password("qemu:///system"), "qemu:///system");
/// assert_eq!(without_password("qemu://user:a/b@c@host/"), "qemu://user:***@host/");
/// ```
#[must_use]
pub fn without_password(text: &str) -> Cow<'_, str> {
    let is_uri = text.parse::<Uri>().is_ok();
    find(text, is_uri).map_or(Cow::Borrowed(text), |range| {
        Cow::Owned(hide_range(text, range))
    })
}

fn hide_range(text: &str, range: Range<usize>) -> String {
    let mut text = text.to_owned();
    text.replace_range(range, HIDDEN);
    text
}

/// Finds the password: in a URI as it is parsed, else in all that could be the part before the host.
fn find(text: &str, is_uri: bool) -> Option<Range<usize>> {
    let start = match text.find("://") {
        Some(driver) => driver + "://".len(),
        None if is_uri => return None,
        None => 0,
    };
    let rest = text.get(start..)?;
    let at = if is_uri {
        let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
        authority.find('@')?
    } else {
        rest.rfind('@')?
    };
    let user = &rest[..at];
    let plain = user.find(':').map(|colon| colon + 1);
    let encoded = ["%3A", "%3a"].map(|colon| Some(user.find(colon)? + colon.len()));
    let password = [plain, encoded[0], encoded[1]]
        .into_iter()
        .flatten()
        .min()?;
    Some(start + password..start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_in_each_form() {
        for (text, expected) in [
            ("qemu://u:s3cret@h/", "qemu://u:***@h/"),
            ("qemu://u:@h/", "qemu://u:***@h/"),
            ("qemu://u%3As3cret@h/", "qemu://u%3A***@h/"),
            ("qemu://u%3as3c:ret@h/", "qemu://u%3a***@h/"),
            // No URIs: the password holds what has to be percent-encoded.
            ("qemu://u:s3/cret@h/", "qemu://u:***@h/"),
            ("qemu://u:s3?cret@h/", "qemu://u:***@h/"),
            ("qemu://u:s3#cret@h/", "qemu://u:***@h/"),
            ("qemu://u:s3@cret@h/", "qemu://u:***@h/"),
            ("qemu://u:s3%zzcret@h/", "qemu://u:***@h/"),
            ("qemu:u:s3cret@h/", "qemu:***@h/"),
            ("u:s3cret@h", "u:***@h"),
            ("q\u{e8}mu://u:s3cret@h/", "q\u{e8}mu://u:***@h/"),
        ] {
            assert_eq!(without_password(text), expected);
        }
    }

    #[test]
    fn a_text_without_a_password_stays() {
        for text in [
            "",
            "qemu",
            "@",
            "qemu:///system",
            "qemu://u@h/",
            "qemu://h:1/a:b@c",
            "qemu+unix:///system?socket=/run/a:b@c",
            "qemu:/a:b@c",
            "qemu://[::1]/?x=a@b",
        ] {
            assert_eq!(without_password(text), text);
        }
    }
}
