//! The user and the settings that a URI depends on.

use std::path::PathBuf;

use crate::{ResolveError, Uri};

/// The user and the settings that the meaning of a URI depends on.
///
/// Plain data, filled in by the caller. An empty value counts as not set, as in libvirt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Environment {
    /// True if the effective user is root, which has no session: `qemu:///session` then uses the
    /// sockets of the system.
    pub root: bool,
    /// `XDG_RUNTIME_DIR`. Its subdirectory `libvirt` contains the sockets of a session.
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_CACHE_HOME`, used if there is no `runtime_dir`.
    pub cache_home: Option<PathBuf>,
    /// `HOME`, else the home directory from the user database. Its `.cache` is used if there is no
    /// `cache_home`.
    pub home: Option<PathBuf>,
    /// `LIBVIRT_DEFAULT_URI`, the default URI.
    pub libvirt_default_uri: Option<String>,
    /// `uri_default` of `libvirt.conf`, used if there is no `libvirt_default_uri`.
    ///
    /// The file is in `/etc/libvirt` for root, in `$XDG_CONFIG_HOME/libvirt` for others.
    pub uri_default: Option<String>,
}

impl Environment {
    /// Returns the URI to use if the user gives none.
    ///
    /// It is `LIBVIRT_DEFAULT_URI`, else `uri_default`. If neither is set, the common daemon chooses
    /// the driver: `remote:///` for root, `remote:///session` for others, both with an empty name.
    /// `CONNECT_GET_URI` then returns the daemon's choice.
    ///
    /// # Errors
    ///
    /// [`ResolveError::DefaultUri`] if the configured text is not a URI. The next setting is not
    /// tried.
    pub fn default_uri(&self) -> Result<Uri, ResolveError> {
        let configured = [
            ("LIBVIRT_DEFAULT_URI", &self.libvirt_default_uri),
            ("uri_default of libvirt.conf", &self.uri_default),
        ];
        for (origin, text) in configured {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                return text
                    .parse()
                    .map_err(|error| ResolveError::DefaultUri { origin, error });
            }
        }
        Ok(Uri::remote(if self.root { "/" } else { "/session" }))
    }

    /// Returns the directory of a session's sockets.
    pub(crate) fn session_directory(&self) -> Result<PathBuf, ResolveError> {
        let set = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        set(&self.runtime_dir)
            .or_else(|| set(&self.cache_home))
            .or_else(|| set(&self.home).map(|home| home.join(".cache")))
            .map(|directory| directory.join("libvirt"))
            .ok_or(ResolveError::NoSessionDirectory)
    }
}
