//! What decides where a URI leads to, taken from the process and its files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use virt_uri::Environment;

/// The environment of this process, as libvirt looks at it: its user, its variables, and `uri_default` of
/// `libvirt.conf`.
///
/// That file is `/etc/libvirt/libvirt.conf` for root, else `libvirt/libvirt.conf` in `$XDG_CONFIG_HOME` or
/// `$HOME/.config`. One that cannot be read sets nothing.
#[must_use]
pub fn environment() -> Environment {
    let root = is_root();
    let home = variable("HOME");
    let configuration = if root {
        Some(PathBuf::from("/etc"))
    } else {
        variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")))
    };
    Environment {
        root,
        runtime_dir: variable("XDG_RUNTIME_DIR"),
        cache_home: variable("XDG_CACHE_HOME"),
        libvirt_default_uri: env::var("LIBVIRT_DEFAULT_URI").ok(),
        uri_default: configuration.and_then(|directory| uri_default(&directory)),
        home,
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from)
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

fn uri_default(directory: &Path) -> Option<String> {
    let text = fs::read_to_string(directory.join("libvirt/libvirt.conf")).ok()?;
    // Of two lines about one setting libvirt takes the first.
    text.lines().find_map(setting)
}

/// The value of a line such as `uri_default = "qemu:///system"`.
fn setting(line: &str) -> Option<String> {
    let value = line
        .trim_start()
        .strip_prefix("uri_default")?
        .trim_start()
        .strip_prefix('=')?;
    let value = value.trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, _) = value[quote.len_utf8()..].split_once(quote)?;
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn a_setting_is_quoted_and_a_comment_is_none() {
        for (line, value) in [
            (r#"uri_default = "qemu:///system""#, Some("qemu:///system")),
            (
                r#"  uri_default="test:///default" # mine"#,
                Some("test:///default"),
            ),
            ("uri_default = 'xen:///'", Some("xen:///")),
            (r#"#uri_default = "qemu:///system""#, None),
            ("uri_default = qemu", None),
            (r#"uri_aliases = [ "a=b" ]"#, None),
            (r#"uri_default = "open"#, None),
        ] {
            assert_eq!(setting(line).as_deref(), value, "{line}");
        }
    }
}
