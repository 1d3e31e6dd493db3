//! The environment of this process that decides the address of a URI: its user, variables and configuration file.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use virt_uri::Environment;

/// The longest part of `libvirt.conf` that is read, in bytes.
const CONFIGURATION_MAX: u64 = 1024 * 1024;

/// Reads the environment of this process as libvirt does: its user, its variables, and `uri_default` of `libvirt.conf`.
///
/// That file is `/etc/libvirt/libvirt.conf` for root, else `libvirt/libvirt.conf` in `$XDG_CONFIG_HOME`, even if that is
/// relative, or in `.config` of the home directory. A file that cannot be read, or does not parse, sets nothing. An empty
/// variable counts as not set; one that is not UTF-8 has U+FFFD in place of invalid bytes where it is a URI. Without
/// `HOME`, the home directory is that of the user database.
#[must_use]
pub fn environment() -> Environment {
    read(is_root(), |name| env::var_os(name), env::home_dir())
}

fn read(
    root: bool,
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Environment {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let path = |name| set(name).map(PathBuf::from);
    let home = path("HOME").or(home.filter(|home| !home.as_os_str().is_empty()));
    let configuration = if root {
        Some(PathBuf::from("/etc"))
    } else {
        path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")))
    };
    Environment {
        root,
        runtime_dir: path("XDG_RUNTIME_DIR"),
        cache_home: path("XDG_CACHE_HOME"),
        libvirt_default_uri: set("LIBVIRT_DEFAULT_URI")
            .map(|uri| uri.to_string_lossy().into_owned()),
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

/// Reads `uri_default` of a configuration directory's `libvirt/libvirt.conf`.
fn uri_default(directory: &Path) -> Option<String> {
    let path = directory.join("libvirt/libvirt.conf");
    // Opening a FIFO would wait for its writer.
    if !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(CONFIGURATION_MAX).read_to_end(&mut text).ok()?;
    // A comment may be in any encoding.
    setting(&String::from_utf8_lossy(&text))
}

/// Finds the value of `uri_default`, such as `"qemu:///system"`. Of two settings libvirt takes the first.
fn setting(text: &str) -> Option<String> {
    let lines = text.split_inclusive('\n').scan(0, |start, line| {
        let rest = &text[*start..];
        *start += line.len();
        Some(rest)
    });
    lines.into_iter().find_map(|rest| {
        let value = rest.trim_start_matches([' ', '\t']);
        let value = value.strip_prefix("uri_default")?;
        let value = value.trim_start_matches([' ', '\t']).strip_prefix('=')?;
        quoted(value.trim_start_matches([' ', '\t']))
    })
}

/// Takes a string in single quotes, in double quotes, or, over any number of lines, in three double quotes.
fn quoted(text: &str) -> Option<String> {
    let (text, end) = if let Some(text) = text.strip_prefix("\"\"\"") {
        return Some(text.split_once("\"\"\"")?.0.to_owned());
    } else if let Some(text) = text.strip_prefix('"') {
        (text, '"')
    } else {
        (text.strip_prefix('\'')?, '\'')
    };
    let (value, _) = text.split_once(end)?;
    (!value.contains('\n')).then(|| value.to_owned())
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
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(found.1))
        };
        read(false, variable, None)
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

    #[cfg(unix)]
    #[test]
    fn a_configuration_in_another_encoding_is_read_and_a_fifo_is_not() {
        let directory = TempDir::new().unwrap();
        let libvirt = directory.path().join("libvirt");
        fs::create_dir_all(&libvirt).unwrap();
        let file = libvirt.join("libvirt.conf");
        fs::write(&file, b"# f\xfcr mich\nuri_default = \"test:///latin\"\n").unwrap();
        let read = || of_user(&[("XDG_CONFIG_HOME", directory.path().to_str().unwrap())]);
        assert_eq!(read().uri_default.as_deref(), Some("test:///latin"));
        fs::remove_file(&file).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(made.unwrap().success());
        assert_eq!(read().uri_default, None);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_not_skipped() {
        use std::os::unix::ffi::OsStringExt;
        let variable = |name: &str| {
            (name == "LIBVIRT_DEFAULT_URI").then(|| OsString::from_vec(b"test:///\xff".to_vec()))
        };
        let environment = read(false, variable, None);
        assert_eq!(
            environment.libvirt_default_uri.as_deref(),
            Some("test:///\u{fffd}")
        );
    }

    #[cfg(unix)]
    #[test]
    fn without_home_the_user_database_has_it() {
        let environment = read(false, |_| None, Some(PathBuf::from("/home/someone")));
        assert_eq!(environment.home, Some(PathBuf::from("/home/someone")));
        let variable = |name: &str| (name == "HOME").then(|| OsString::from("/set"));
        let environment = read(false, variable, Some(PathBuf::from("/home/someone")));
        assert_eq!(environment.home, Some(PathBuf::from("/set")));
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
            ("uri_default = \"open\nnot closed\"", None),
            (
                r#"uri_default = """qemu:///system""""#,
                Some("qemu:///system"),
            ),
            (r#"uri_default = """open"#, None),
            (
                "# first\n\turi_default\t=\t'a:///'\nuri_default = 'b:///'\n",
                Some("a:///"),
            ),
        ] {
            assert_eq!(setting(line).as_deref(), value, "{line}");
        }
    }
}
