//! What decides where a URI leads to, taken from the process and its files.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use virt_uri::Environment;

/// The environment of this process, as libvirt looks at it: its user, its variables, and `uri_default` of
/// `libvirt.conf`.
///
/// That file is `/etc/libvirt/libvirt.conf` for root, else `libvirt/libvirt.conf` in `$XDG_CONFIG_HOME`, even
/// if that is relative, or in `$HOME/.config`. One that cannot be read sets nothing, and a variable set to
/// nothing counts as not set.
#[must_use]
pub fn environment() -> Environment {
    read(is_root(), |name| env::var_os(name))
}

fn read(root: bool, variable: impl Fn(&str) -> Option<OsString>) -> Environment {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let path = |name| set(name).map(PathBuf::from);
    let home = path("HOME");
    let configuration = if root {
        Some(PathBuf::from("/etc"))
    } else {
        path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")))
    };
    Environment {
        root,
        runtime_dir: path("XDG_RUNTIME_DIR"),
        cache_home: path("XDG_CACHE_HOME"),
        libvirt_default_uri: set("LIBVIRT_DEFAULT_URI").and_then(|uri| uri.into_string().ok()),
        uri_default: configuration.and_then(|directory| uri_default(&directory)),
        home,
    }
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
    use std::ffi::OsString;
    #[cfg(unix)]
    use std::{
        env, fs,
        path::{Path, PathBuf},
    };

    #[cfg(unix)]
    use tempfile::TempDir;
    use virt_uri::Environment;

    use super::{read, setting};

    /// The environment of a user who has set these variables, and no others.
    fn of_user(variables: &[(&str, &str)]) -> Environment {
        read(false, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(found.1))
        })
    }

    /// A configuration in a directory.
    #[cfg(unix)]
    fn configure(directory: &Path, uri: &str) {
        let libvirt = directory.join("libvirt");
        fs::create_dir_all(&libvirt).unwrap();
        let setting = format!("uri_default = \"{uri}\"\n");
        fs::write(libvirt.join("libvirt.conf"), setting).unwrap();
    }

    #[test]
    fn a_variable_set_to_nothing_is_not_set() {
        let nothing = [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", ""),
            ("XDG_RUNTIME_DIR", ""),
            ("XDG_CACHE_HOME", ""),
            ("LIBVIRT_DEFAULT_URI", ""),
        ];
        assert_eq!(of_user(&nothing), Environment::default());
    }

    #[cfg(unix)]
    #[test]
    fn a_users_configuration_is_where_xdg_says_or_in_home() {
        let directory = TempDir::new().unwrap();
        let (config, home) = (directory.path().join("xdg"), directory.path().join("home"));
        configure(&config, "test:///xdg");
        configure(&home.join(".config"), "test:///home");
        let here = env::current_dir().unwrap();
        let root: PathBuf = here.components().skip(1).map(|_| "..").collect();
        let relative = root.join(config.strip_prefix("/").unwrap());
        for (xdg, uri) in [
            (config.as_path(), "test:///xdg"),
            (&relative, "test:///xdg"),
            (Path::new(""), "test:///home"),
            (Path::new("/nonexistent"), ""),
        ] {
            let environment = of_user(&[
                ("HOME", home.to_str().unwrap()),
                ("XDG_CONFIG_HOME", xdg.to_str().unwrap()),
            ]);
            let found = environment.uri_default.unwrap_or_default();
            assert_eq!(found, uri, "{}", xdg.display());
        }
    }

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
