//! The generated files of this workspace.

use std::env;
use std::path::Path;

use super::resolve::Settings;
use super::source::Error;
use super::{Runtime, files, generate};

/// A file that is checked in, and what it is made of.
struct Output {
    input: &'static str,
    output: &'static str,
    /// Where the file finds what it uses: `virt-xdr`, `virt-transport`, and what allocates.
    runtime: [&'static str; 3],
    /// Included definitions that have a module already.
    elsewhere: &'static [(&'static str, &'static str)],
    /// Whether its crate has a feature `arbitrary`.
    arbitrary: bool,
}

const OUTPUTS: &[Output] = &[
    Output {
        input: "xtask/protocol/frame.x",
        output: "crates/virt-xdr/src/generated.rs",
        runtime: ["crate", "::virt_transport", "::alloc"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/error.x",
        output: "crates/virt-transport/src/generated.rs",
        runtime: ["::virt_xdr", "crate", "::std"],
        elsewhere: &[("frame", "::virt_xdr")],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/keepalive.x",
        output: "crates/virt-keepalive/src/generated.rs",
        // It has no types, and the numbers are for the transport.
        runtime: ["::virt_transport", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/remote.x",
        output: "crates/virt-remote/src/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[("frame", "::virt_xdr")],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/admin.x",
        output: "crates/virt-remote/src/admin/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/qemu.x",
        output: "crates/virt-remote/src/qemu/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/lxc.x",
        output: "crates/virt-remote/src/lxc/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "tests/src/samples/samples.x",
        output: "tests/src/samples/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: false,
    },
    Output {
        input: "tests/src/samples/greeter/greeter.x",
        output: "tests/src/samples/greeter/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: false,
    },
];

/// Writes or checks all of them.
pub(super) fn all(check: bool) -> Result<(), Error> {
    // cargo says where the sources are; what the compiler saw may have moved since.
    let here =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&here).parent().unwrap_or(Path::new("."));
    let errors: Vec<String> = OUTPUTS
        .iter()
        .filter_map(|output| output.make(root, check).err())
        .map(|error| error.to_string())
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::new(errors.join("\n")))
    }
}

impl Output {
    fn make(&self, root: &Path, check: bool) -> Result<(), Error> {
        let sources = files::load(&root.join(self.input), self.input)?;
        let settings = Settings {
            elsewhere: self
                .elsewhere
                .iter()
                .map(|&(file, path)| (file.to_owned(), path.to_owned()))
                .collect(),
            ..Settings::default()
        };
        let [xdr, transport, alloc] = self.runtime.map(str::to_owned);
        let runtime = Runtime {
            xdr,
            transport,
            alloc,
            arbitrary: self.arbitrary,
        };
        let text = files::finish(&generate(&sources, &settings, &runtime)?, &sources, COMMAND)?;
        files::write(
            &root.join(self.output),
            self.output,
            &text,
            check,
            &format!("`{COMMAND}`"),
        )
    }
}

const COMMAND: &str = "cargo xtask codegen";
