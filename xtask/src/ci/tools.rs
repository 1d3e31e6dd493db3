//! Programs that some checks need, and that a machine may lack.

use super::shell;

/// A program, with commands that find it and commands that install it.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Commands that succeed where the tool is there.
    pub(super) probes: &'static [&'static str],
    /// Commands that install it, in order.
    pub(super) install: &'static [&'static str],
}

pub(super) const RUSTFMT: Tool = Tool {
    name: "rustfmt",
    probes: &["cargo fmt --version"],
    install: &["rustup component add rustfmt"],
};

pub(super) const CLIPPY: Tool = Tool {
    name: "clippy",
    probes: &["cargo clippy --version"],
    install: &["rustup component add clippy"],
};

pub(crate) const NIGHTLY: Tool = Tool {
    name: "nightly toolchain",
    probes: &["cargo +nightly --version"],
    install: &["rustup toolchain install nightly --profile minimal"],
};

pub(crate) const CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    probes: &["cargo fuzz --version"],
    install: &["cargo install cargo-fuzz --locked"],
};

/// libFuzzer is C++ and built from source.
pub(crate) const CXX: Tool = Tool {
    name: "C++ compiler",
    probes: &["c++ --version"],
    install: &[
        "apt-get update",
        "apt-get install -y --no-install-recommends g++",
    ],
};

pub(super) const LIBVIRT: Tool = Tool {
    name: "libvirt daemon, virsh, its Python binding and QEMU",
    probes: &[
        "libvirtd --version",
        "virsh --version",
        "/usr/bin/python3 -m libvirt",
        "qemu-system-x86_64 --version",
        "qemu-img --version",
    ],
    install: &[
        "apt-get update",
        "apt-get install -y --no-install-recommends libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients \
         python3-libvirt qemu-system-x86 qemu-utils seabios",
    ],
};

pub(crate) const VALGRIND: Tool = Tool {
    name: "valgrind",
    probes: &["valgrind --version"],
    install: &[
        "apt-get update",
        "apt-get install -y --no-install-recommends valgrind",
    ],
};

impl Tool {
    pub(crate) fn is_there(&self) -> bool {
        self.probes.iter().all(|probe| shell::succeeds(probe))
    }

    /// Installs the tool and says whether it is there now.
    pub(super) fn install(&self) -> bool {
        for line in self.install {
            if let Err(error) = shell::run(line) {
                println!("could not install the {}: {error}", self.name);
                return false;
            }
        }
        self.is_there()
    }

    /// The command that gets the tool.
    pub(crate) fn how_to_get(&self) -> String {
        self.install.join(" && ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(probes: &'static [&'static str], install: &'static [&'static str]) -> Tool {
        Tool {
            name: "tool",
            probes,
            install,
        }
    }

    #[test]
    fn a_tool_is_there_when_all_its_programs_are() {
        assert!(tool(&["true"], &[]).is_there());
        assert!(!tool(&["true", "false"], &[]).is_there());
    }

    #[test]
    fn an_install_that_works_is_believed_only_if_the_tool_is_there() {
        assert!(tool(&["true"], &["true"]).install());
        assert!(!tool(&["false"], &["true"]).install());
    }

    #[test]
    fn an_install_that_fails_leaves_the_tool_missing() {
        assert!(!tool(&["true"], &["false", "true"]).install());
    }
}
